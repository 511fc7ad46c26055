"""Tests of closing the window while transfers run."""

from dataclasses import replace

import pytest

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.manifest import Direction
from proxim.core.files.status import TransferState, TransferStatus
from proxim.core.i18n import LANGUAGES
from proxim.core.pairing.devices import Verified
from proxim.ui.window.closing import CloseQuestion, Unfinished
from proxim.ui.window.theme import DARK
from tests.ui.tk_support import Bench, MakeBench, link, transfer


@pytest.fixture
def closed(bench: Bench) -> list[str]:
    """Return a list that gets an entry when the window really closes."""
    done: list[str] = []
    bench.window.on_close = lambda: done.append("closed")
    return done


def on_lane(number: int, link_id: str = "host-1") -> TransferStatus:
    """Return a transfer between two programs."""
    return replace(transfer(number, link_id=link_id), via=st.Via.LANE)


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


STOPS = "If you close Proxim now, "
GOES_ON = " What has begun goes on where it stopped when these devices are connected again."
FORGETS = " What is not accepted yet has to be sent again."
ASKED = [transfer(at, state=TransferState.ANNOUNCED) for at in (7, 8)]


@pytest.mark.parametrize(
    ("statuses", "verified", "counts", "consequence"),
    [
        ([transfer(1)], Verified.QR, "1 transfer is running.", f"{STOPS}it stops."),
        ([on_lane(1)], Verified.CODE, "1 transfer is running.", f"{STOPS}it stops.{GOES_ON}"),
        # Nothing goes on with a device that proved nothing.
        ([on_lane(1)], None, "1 transfer is running.", f"{STOPS}it stops."),
        # The second one is accepted, and waits for its turn.
        (
            [on_lane(1), transfer(2)],
            Verified.CODE,
            "2 transfers are running.",
            f"{STOPS}they stop.{GOES_ON}",
        ),
        (
            [on_lane(1), *ASKED],
            Verified.CODE,
            "1 transfer is running.\n2 transfers wait for the other person to accept them.",
            f"{STOPS}they stop.{GOES_ON}{FORGETS}",
        ),
        (
            ASKED[:1],
            Verified.CODE,
            "1 transfer waits for the other person to accept it.",
            f"{STOPS}it stops.{FORGETS}",
        ),
        (
            [on_lane(1), transfer(2, link_id="host-2")],
            Verified.CODE,
            "2 transfers are running.",
            f"{STOPS}they stop. 1 of those that have begun goes on where it stopped when its"
            " device is connected again.",
        ),
    ],
)
def test_it_says_what_goes_on_later(
    bench: Bench,
    statuses: list[TransferStatus],
    verified: Verified | None,
    counts: str,
    consequence: str,
) -> None:
    for link_id in ("host-1", "host-2"):
        bench.window.show(link(link_id=link_id, verified=verified))
    for status in statuses:
        bench.window.show(status)
    bench.window.close()
    question = asked(bench)
    assert words(question) == counts
    assert str(question._consequence.cget("text")) == consequence


def test_a_link_without_webrtc_is_between_programs() -> None:
    status = replace(link(), via=st.Via.LANE)
    found = Unfinished.of([transfer(1)], {ev.LinkID("host-1"): status})
    assert (found.begun, found.asked, found.kept) == (1, 0, 1)
    assert Unfinished.of([transfer(1)], {}).kept == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_words_have_room_when_they_change(bench: Bench, language: str) -> None:
    speak(language)
    running(bench, 1)
    bench.window.close()
    question = asked(bench)
    for status in (on_lane(1), *ASKED):
        bench.window.show(status)
        bench.pump(
            lambda: question.window.winfo_height() == question.window.winfo_reqheight(),
            "the window has the height of its words",
        )
    bench.picture(f"closing-{language}")
    for status in ASKED:
        bench.window.show(replace(status, state=TransferState.CANCELLED))
    bench.pump(lambda: question.window.winfo_height() == question.window.winfo_reqheight())


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
