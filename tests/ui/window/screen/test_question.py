"""Tests of the question whether somebody may see this screen, or control it."""

import tkinter
from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.pairing.devices import Verified
from proxim.core.screen import events as screen_ev
from proxim.core.screen.events import Grant
from proxim.core.screen.status import ScreenAnswered, ScreenStage
from proxim.ui.window.screen.question import ScreenDialog
from tests.ui.tk_support import Bench
from tests.ui.window.screen.screen_support import LINK, question, screen_link, screens_of, share


def asked(
    bench: Bench, *, control: bool = False, verified: Verified | None = Verified.CODE
) -> ScreenDialog:
    """Ask, and return the question."""
    bench.window.show(screen_link(verified))
    bench.window.show(question(bench, control=control))
    return opened(bench)


def opened(bench: Bench) -> ScreenDialog:
    dialog = screens_of(bench).dialog
    assert dialog is not None
    bench.pump(dialog.no_button.winfo_viewable, "the question is open")
    bench.settle()
    return dialog


def read(bench: Bench) -> None:
    """Let the time pass that a person needs to read."""
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()


def answers(bench: Bench) -> list[tuple[Grant, bool]]:
    return [
        (one.grant, one.knowing) for one in bench.posted if isinstance(one, screen_ev.AnswerScreen)
    ]


def words(widget: tkinter.Misc) -> str:
    """Return all text in a window."""
    own = str(widget.cget("text")) if "text" in (widget.configure() or ()) else ""
    return " ".join([own, *(words(child) for child in widget.winfo_children())])


def test_seeing_and_controlling_are_two_yeses(bench: Bench) -> None:
    dialog = asked(bench, control=True)
    read(bench)
    dialog.view_button.invoke()
    assert answers(bench) == [(Grant.VIEW, False)]
    bench.window.show(question(bench, 2, control=True))
    dialog = opened(bench)
    read(bench)
    dialog.control_button.invoke()
    assert answers(bench)[1:] == [(Grant.CONTROL, False)]


def test_who_asks_to_see_is_offered_no_control(bench: Bench) -> None:
    dialog = asked(bench)
    assert dialog.view_button.winfo_ismapped()
    assert not dialog.control_button.winfo_ismapped()


def test_no_has_the_focus_and_a_yes_needs_time(bench: Bench) -> None:
    dialog = asked(bench, control=True)
    bench.wait_for_focus(dialog.no_button)
    dialog.allow_view()
    dialog.allow_control()
    dialog.view_button.invoke()
    assert answers(bench) == []
    read(bench)
    assert str(dialog.view_button.cget("state")) == "normal"


@pytest.mark.parametrize("enter", ["<Return>", "<KP_Enter>"])
def test_return_never_means_yes(bench: Bench, enter: str) -> None:
    dialog = asked(bench, control=True)
    read(bench)
    for button in (dialog.view_button, dialog.control_button):
        bench.focus(button)
        bench.key(button, enter)
        assert answers(bench) == []
    bench.focus(dialog.no_button)
    bench.key(dialog.no_button, enter)
    assert answers(bench) == [(Grant.NOTHING, False)]


def test_escape_and_closing_mean_no(bench: Bench) -> None:
    dialog = asked(bench)
    bench.wait_for_focus(dialog.no_button)
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()
    bench.key(dialog.no_button, "<Escape>")
    assert answers(bench) == [(Grant.NOTHING, False)]
    assert not dialog.window.winfo_exists()


def test_a_page_that_may_be_altered_needs_a_second_step(bench: Bench) -> None:
    dialog = asked(bench, control=True, verified=Verified.QR)
    read(bench)
    dialog.control_button.invoke()
    assert answers(bench) == []
    assert "could have been altered" in words(dialog.window)
    # It needs its own time to be read, and the focus is on No again.
    dialog.control_button.invoke()
    assert answers(bench) == []
    bench.wait_for_focus(dialog.no_button)
    read(bench)
    dialog.control_button.invoke()
    assert answers(bench) == [(Grant.CONTROL, True)]


def test_an_unverified_guest_gets_no_control(bench: Bench) -> None:
    dialog = asked(bench, control=True, verified=None)
    assert not dialog.control_button.winfo_ismapped()
    assert "can only see, not control" in words(dialog.window)


def test_control_says_what_it_is(bench: Bench) -> None:
    dialog = asked(bench, control=True)
    assert "everything that you can do here" in words(dialog.window)


def test_it_counts_down_and_ends_with_the_question(bench: Bench) -> None:
    dialog = asked(bench)
    assert "40 s" in words(dialog.window)
    bench.clock.now += 10
    bench.settle()
    assert "30 s" in words(dialog.window)
    bench.clock.now += 30
    bench.settle()
    dialog.allow_view()
    assert answers(bench) == []
    bench.window.show(ScreenAnswered(LINK, 1))
    assert not dialog.window.winfo_exists()
    assert answers(bench) == []


def test_one_question_at_a_time(bench: Bench) -> None:
    first = asked(bench)
    bench.window.show(question(bench, 2))
    assert screens_of(bench).dialog is first
    assert "asks for your screen" in bench.root.title()
    first.refuse()
    second = opened(bench)
    assert second is not first
    second.refuse()
    assert [one.number for one in bench.posted if isinstance(one, screen_ev.AnswerScreen)] == [1, 2]
    assert "asks for your screen" not in bench.root.title()


def test_who_sees_it_already_asks_for_control_only(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    bench.window.show(question(bench, control=True))
    dialog = opened(bench)
    assert not dialog.view_button.winfo_ismapped()
    assert "sees your screen, and would like to control it" in words(dialog.window)


@pytest.mark.parametrize("verified", [Verified.CODE, Verified.QR])
def test_letting_control_from_here_asks_the_same(bench: Bench, verified: Verified) -> None:
    bench.window.show(screen_link(verified))
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    screens_of(bench).ask_control(LINK)
    dialog = opened(bench)
    read(bench)
    dialog.control_button.invoke()
    if verified is Verified.QR:
        read(bench)
        dialog.control_button.invoke()
    assert bench.posted[-1] == screen_ev.LetControl(LINK, knowing=verified is Verified.QR)


def test_what_has_ended_is_not_allowed_any_more(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    screens_of(bench).ask_control(LINK)
    dialog = opened(bench)
    # Another link's screen has nothing to do with it.
    other = replace(share(ScreenStage.VIEWED, shows=True), link=ev.LinkID("host-2"))
    bench.window.show(replace(screen_link(), link=other.link))
    bench.window.show(other)
    bench.window.show(replace(other, stage=ScreenStage.ENDED))
    assert dialog.is_open
    bench.window.show(share(ScreenStage.ENDED, shows=True))
    assert not dialog.is_open
