"""Questions that come by themselves while a person types something else."""

import tkinter
from collections.abc import Callable
from typing import Final

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.known.status import RememberStage
from proxim.core.screen import events as screen_ev
from proxim.ui.window.stray_keys import StrayKeys
from tests.ui.tk_support import Bench
from tests.ui.window.files.test_incoming import announced, question_of
from tests.ui.window.known.known_support import LINK, known_link, known_of, remembering
from tests.ui.window.screen.screen_support import question, screens_of

# What somebody types, with a space, a Return and an Escape that would answer.
TYPED: Final = ("a", "<space>", "B", "<Return>", "<KP_Enter>", "<Escape>", "<Tab>", "<space>") * 2


def request(bench: Bench) -> tkinter.Misc:
    bench.window.show(st.Prompts((bench.prompt(),)))
    (dialog,) = bench.window._open_dialogs
    return dialog.reject_button


def digits(bench: Bench) -> tkinter.Misc:
    bench.window.show(known_link())
    bench.window.show(remembering(bench, RememberStage.COMPARE, ours=False))
    return known_of(bench).digits[LINK]._safe_button


def screen(bench: Bench) -> tkinter.Misc:
    bench.window.show(known_link())
    bench.window.show(question(bench))
    dialog = screens_of(bench).dialog
    assert dialog is not None
    return dialog.no_button


def files(bench: Bench) -> tkinter.Misc:
    bench.window.show(known_link())
    bench.window.show(announced())
    question = question_of(bench)
    assert question is not None
    return question.decline_button


def is_open(bench: Bench) -> bool:
    """Whether one of the questions can be answered."""
    window = bench.window
    return bool(
        window._open_dialogs
        or question_of(bench) is not None
        or (window._screens is not None and screens_of(bench).asks)
        or (
            window._known is not None
            and any(one.is_open for one in known_of(bench).digits.values())
        )
    )


@pytest.mark.parametrize("ask", [request, digits, screen, files])
def test_who_types_on_answers_nothing(bench: Bench, ask: Callable[[Bench], tkinter.Misc]) -> None:
    first = ask(bench)
    # Some window managers give it the focus, also if it does not take it.
    bench.focus(first)
    for key in TYPED:
        bench.clock.now += st.ANSWER_DELAY_SECONDS / 4
        bench.settle()
        bench.key(first, key)
        assert bench.focused() is first
    assert is_open(bench)
    answers = (ev.Decide, screen_ev.AnswerScreen)
    assert not any(isinstance(one, answers) for one in bench.posted)
    # Who pauses means the question.
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()
    bench.key(first, "<space>")
    assert not is_open(bench)


def test_keys_with_alt_are_meant(bench: Bench) -> None:
    request(bench)
    (dialog,) = bench.window._open_dialogs
    bench.wait_for_focus(dialog.reject_button)
    bench.key(dialog.reject_button, "<Alt-r>")
    assert bench.posted == [ev.Decide("session-1", approved=False, number=11)]


def test_capitals_are_typing_and_no_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: None)
    bench.window.attention.call()
    request(bench)
    (dialog,) = bench.window._open_dialogs
    bench.wait_for_focus(dialog.reject_button)
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: dialog.reject_button)
    for _ in range(8):
        bench.clock.now += st.ANSWER_DELAY_SECONDS / 4
        bench.settle()
        bench.key(dialog.reject_button, "<Shift_L>", "A")
    assert not bench.window.attention.in_front
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()
    bench.key(dialog.reject_button, "<Shift_L>")
    assert bench.window.attention.in_front


def test_a_modifier_alone_keeps_nobody_waiting(bench: Bench) -> None:
    request(bench)
    (dialog,) = bench.window._open_dialogs
    bench.wait_for_focus(dialog.reject_button)
    keys = StrayKeys(dialog.reject_button)
    for _ in range(4):
        bench.clock.now += st.ANSWER_DELAY_SECONDS / 4
        bench.settle()
        bench.key(dialog.reject_button, "<Control_L>")
    assert keys._taken is None
