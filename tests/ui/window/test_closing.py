"""Tests of closing the window while transfers run."""

from dataclasses import replace

import pytest

from proxim.app.language import speak
from proxim.core import status as st
from proxim.core.files.manifest import Direction
from proxim.core.files.status import TransferState
from proxim.ui.window.closing import CloseQuestion
from proxim.ui.window.theme import DARK
from tests.ui.tk_support import Bench, MakeBench, link, transfer


@pytest.fixture
def closed(bench: Bench) -> list[str]:
    """Return a list that gets an entry when the window really closes."""
    done: list[str] = []
    bench.window.on_close = lambda: done.append("closed")
    return done


def running(bench: Bench, count: int) -> None:
    bench.window.show(link())
    for number in range(count):
        bench.window.show(transfer(number + 1))


def asked(bench: Bench) -> CloseQuestion:
    question = bench.window._close_question
    assert question is not None
    bench.pump(question.window.winfo_viewable, "the question is open")
    return question


def words(question: CloseQuestion) -> str:
    return str(question._count.cget("text"))


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("state", [None, *TransferState])
def test_it_asks_only_while_something_moves(
    bench: Bench, closed: list[str], state: TransferState | None, direction: Direction
) -> None:
    bench.window.show(link())
    if state is not None:
        bench.window.show(transfer(1, state=state, direction=direction))
    bench.window.close()
    # What this person has not accepted yet does not move.
    outgoing = direction is Direction.OUT
    moves = state is TransferState.ACTIVE or (outgoing and state is TransferState.ANNOUNCED)
    assert (bench.window._close_question is not None) is moves
    assert bool(closed) is not moves


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("en", "1 transfer is running.", "2 transfers are running."),
        ("de", "1 Übertragung läuft.", "2 Übertragungen laufen."),
    ],
)
def test_it_says_how_many(bench: Bench, language: str, one: str, two: str) -> None:
    speak(language)
    running(bench, 2)
    bench.window.close()
    question = asked(bench)
    assert words(question) == two
    bench.window.show(transfer(1, state=TransferState.DONE))
    assert words(question) == one
    speak("en")


@pytest.mark.parametrize("way", ["key", "button", "title"])
def test_waiting_keeps_the_window(bench: Bench, closed: list[str], way: str) -> None:
    running(bench, 1)
    bench.window.close()
    question = asked(bench)
    bench.wait_for_focus(question.wait_button)
    if way == "key":
        bench.key(question.wait_button, "<Escape>")
    elif way == "button":
        question.wait_button.invoke()
    else:
        protocol = bench.root.tk.call("wm", "protocol", question.window, "WM_DELETE_WINDOW")
        bench.root.tk.call(protocol)
    assert closed == []
    assert bench.window._close_question is None
    # The next time it asks again.
    bench.window.close()
    asked(bench)


def test_it_asks_once(bench: Bench) -> None:
    running(bench, 2)
    bench.window.close()
    question = asked(bench)
    bench.window.close()
    assert bench.window._close_question is question


def test_stopping_closes(bench: Bench, closed: list[str]) -> None:
    running(bench, 2)
    bench.window.close()
    asked(bench).stop_button.invoke()
    assert closed == ["closed"]


def test_the_question_goes_when_nothing_moves_any_more(bench: Bench, closed: list[str]) -> None:
    running(bench, 1)
    bench.window.close()
    question = asked(bench)
    bench.window.show(replace(transfer(1, state=TransferState.WAITING), link=None))
    assert bench.window._close_question is None
    assert not question.window.winfo_exists()
    assert closed == []


def test_without_a_network_side_nothing_moves(bench: Bench, closed: list[str]) -> None:
    running(bench, 1)
    bench.window.close()
    bench.window.show(st.Stopped())
    assert bench.window._close_question is None
    bench.window.close()
    assert closed == ["closed"]


def test_it_follows_the_theme(make_bench: MakeBench) -> None:
    bench = make_bench("dark")
    running(bench, 1)
    bench.window.close()
    question = asked(bench)
    bench.picture("closing")
    question.restyle()
    assert str(question.window.cget("background")) == DARK.background
