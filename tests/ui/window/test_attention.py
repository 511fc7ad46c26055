import tkinter

import pytest

from proxim.ui.window.attention import FOCUS_TAKEN, Attention
from proxim.ui.window.dialog import Dialog
from tests.ui.tk_support import Bench


@pytest.fixture
def attention(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Attention:
    """Another program's window is in front until a test sets the focus."""
    made = Attention(bench.root, "Proxim")
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: None)
    return made


def test_what_happens_behind_is_counted_until_one_looks(bench: Bench, attention: Attention) -> None:
    attention.call()
    attention.call()
    assert bench.root.title() == "(2) Proxim"
    bench.focus(bench.window.join.entry)
    bench.pump(lambda: bench.root.title() == "Proxim")


def test_in_front_nothing_needs_to_be_said(
    bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: bench.root)
    attention.call()
    assert bench.root.title() == "Proxim"


def test_an_open_menu_of_ours_is_in_front_too(
    bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> None:
        raise KeyError("a menu's clone")

    monkeypatch.setattr(bench.root, "focus_displayof", unknown)
    assert attention.in_front


def test_a_question_stands_beside_the_number(bench: Bench, attention: Attention) -> None:
    attention.ask("Files for you")
    attention.call()
    assert bench.root.title() == "(1) Files for you - Proxim"
    attention.ask(None)
    assert bench.root.title() == "(1) Proxim"


@pytest.mark.parametrize("touch", ["<KeyPress>", "<ButtonPress>"])
def test_a_dialog_that_takes_the_focus_is_not_seen_before_it_is_touched(
    bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch, touch: str
) -> None:
    looks: list[bool] = []
    attention.when_looked(lambda: looks.append(attention.in_front))
    attention.call()
    dialog = Dialog(bench.root, bench.window.theme, "ProximRequest", lambda: None, width=100)
    button = tkinter.Button(dialog.body)
    button.pack()
    dialog.appear(button)
    bench.focus(button)
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: button)
    # Another question opens beside it, and takes the focus in its turn.
    bench.root.event_generate(FOCUS_TAKEN)
    button.event_generate("<FocusIn>")
    assert (looks, attention.in_front, bench.root.title()) == ([], False, "(1) Proxim")
    button.event_generate(touch)
    assert (looks, attention.in_front, bench.root.title()) == ([True], True, "Proxim")
    # A dialog that opens while the person looks is seen.
    bench.root.event_generate(FOCUS_TAKEN)
    assert attention.in_front
    dialog.close()


def test_a_person_who_had_the_window_raised_looks_at_it(bench: Bench) -> None:
    attention = bench.window.attention
    looks: list[bool] = []
    attention.when_looked(lambda: looks.append(True))
    bench.window.come_to_front()
    assert looks
