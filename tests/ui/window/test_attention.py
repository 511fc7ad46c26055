import tkinter
from typing import Final

import pytest

from proxim.core import status as st
from proxim.core.files.manifest import Direction
from proxim.core.files.status import TransferState
from proxim.core.known.status import RememberStage
from proxim.ui.window.attention import WINDOW_COMES, Attention
from proxim.ui.window.dialog import Dialog
from tests.ui.tk_support import Bench, link, transfer
from tests.ui.window.known.known_support import LINK, known_link, known_of, remembering
from tests.ui.window.screen.screen_support import question, screens_of


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


class Elsewhere:
    """A person at another program, and how often they looked at Proxim since."""

    def __init__(self, bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.attention = attention
        self.looks = 0
        self._monkeypatch = monkeypatch
        attention.when_looked(self._count)
        attention.call()

    def dialog(self, *, takes_focus: bool = True) -> tuple[Dialog, tkinter.Button]:
        """Open a dialog, which gets the focus by itself or from the window manager."""
        bench = self.bench
        dialog = Dialog(bench.root, bench.window.theme, "ProximRequest", lambda: None, width=100)
        button = tkinter.Button(dialog.body)
        button.pack()
        dialog.appear(button, by_itself=True, takes_focus=takes_focus)
        bench.pump(button.winfo_viewable)
        if takes_focus:
            bench.wait_for_focus(button)
        self.catch_up()
        self.focus(button)
        return dialog, button

    def focus(self, widget: tkinter.Misc | None) -> None:
        """Give the focus to one of Proxim's widgets, or to another program."""
        self._monkeypatch.setattr(self.bench.root, "focus_displayof", lambda: widget)
        if widget is None:
            self.bench.root.event_generate("<FocusOut>")
        else:
            widget.event_generate("<FocusIn>")

    def catch_up(self) -> None:
        """Handle what the X server sent of real focuses, as one that came later would be a look."""
        # It answers after all that it had to send before.
        self.bench.root.winfo_pointerxy()
        self.bench.root.update()

    def close(self, dialog: Dialog) -> None:
        """Close a dialog, with what follows for the real focus."""
        dialog.close()
        self.catch_up()

    def wait(self) -> None:
        """Let a second pass."""
        self.bench.clock.now += 1
        self.bench.settle()

    def state(self) -> tuple[int, bool, str]:
        """How many looks there were, whether the person looks now, and the title."""
        return self.looks, self.attention.in_front, self.bench.root.title()

    def _count(self) -> None:
        self.looks += 1


NOT_SEEN: Final = (0, False, "(1) Proxim")
SEEN: Final = (1, True, "Proxim")


@pytest.fixture
def elsewhere(bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    return Elsewhere(bench, attention, monkeypatch)


@pytest.mark.parametrize("takes_focus", [True, False])
@pytest.mark.parametrize("touch", ["<KeyPress>", "<ButtonPress>", "<MouseWheel>"])
def test_a_dialog_that_comes_by_itself_is_not_seen_before_it_is_touched(
    elsewhere: Elsewhere, touch: str, takes_focus: bool
) -> None:
    dialog, _button = elsewhere.dialog(takes_focus=takes_focus)
    assert elsewhere.state() == NOT_SEEN
    # Another one comes beside it, and gets the focus in its turn.
    other, other_button = elsewhere.dialog(takes_focus=takes_focus)
    elsewhere.wait()
    assert elsewhere.state() == NOT_SEEN
    # Keys go where the focus is.
    elsewhere.bench.focus(other_button)
    other_button.event_generate(touch)
    assert elsewhere.state() == SEEN
    # What comes while the person looks is seen.
    elsewhere.bench.root.event_generate(WINDOW_COMES)
    assert elsewhere.state() == SEEN
    dialog.close()
    other.close()


def test_keys_that_were_meant_for_the_other_program_are_no_look(elsewhere: Elsewhere) -> None:
    dialog, button = elsewhere.dialog()
    button.event_generate("<KeyPress>")
    button.event_generate("<KeyRelease>")
    assert elsewhere.state() == NOT_SEEN
    elsewhere.wait()
    # When it is pressed, Tab is for Tk only.
    button.event_generate("<KeyPress-Tab>")
    button.event_generate("<KeyRelease-Tab>")
    assert elsewhere.state() == SEEN
    dialog.close()


def test_who_goes_and_comes_back_looks(elsewhere: Elsewhere) -> None:
    dialog, _button = elsewhere.dialog()
    elsewhere.wait()
    # The request ran out. The window manager gives the focus back to the other program.
    elsewhere.close(dialog)
    elsewhere.focus(None)
    elsewhere.wait()
    assert elsewhere.state() == NOT_SEEN
    elsewhere.focus(elsewhere.bench.root)
    assert elsewhere.state() == SEEN


def test_the_focus_that_comes_back_from_a_dialog_is_no_look(elsewhere: Elsewhere) -> None:
    dialog, _button = elsewhere.dialog()
    elsewhere.wait()
    # The request ran out. The window manager gives the focus to the window below it.
    elsewhere.close(dialog)
    elsewhere.focus(elsewhere.bench.root)
    elsewhere.wait()
    assert elsewhere.state() == NOT_SEEN


def test_who_comes_to_a_dialog_that_got_no_focus_looks(elsewhere: Elsewhere) -> None:
    elsewhere.bench.root.event_generate(WINDOW_COMES)
    elsewhere.wait()
    elsewhere.focus(elsewhere.bench.root)
    assert elsewhere.state() == SEEN


def test_a_dialog_after_another_one_is_seen_by_who_answered_that(elsewhere: Elsewhere) -> None:
    first, button = elsewhere.dialog()
    button.event_generate("<ButtonPress>")
    assert elsewhere.state() == SEEN
    # Between the two no window of Proxim has the focus.
    first.close()
    elsewhere.focus(None)
    second, _button = elsewhere.dialog()
    assert elsewhere.attention.in_front
    assert elsewhere.looks > 1
    # Then they go to another program.
    elsewhere.focus(None)
    elsewhere.wait()
    assert not elsewhere.attention.in_front
    second.close()


def test_a_person_who_had_the_window_raised_looks_at_it(bench: Bench) -> None:
    attention = bench.window.attention
    looks: list[bool] = []
    attention.when_looked(lambda: looks.append(True))
    bench.window.come_to_front()
    assert looks


def test_what_needs_an_answer_first_comes_to_the_front(bench: Bench) -> None:
    bench.window.show(link())
    file = transfer(1, "a.txt", state=TransferState.ANNOUNCED, direction=Direction.IN)
    bench.window.show(file)
    incoming = bench.window._incoming
    assert incoming is not None
    question = incoming.question
    assert question is not None
    bench.focus(question.decline_button)
    bench.focus(bench.root)
    bench.window.come_to_front()
    bench.wait_for_focus(question.decline_button)
    # Somebody at the door comes before files.
    bench.window.show(st.Prompts((bench.prompt(),)))
    (request,) = bench.window._open_dialogs
    bench.focus(request.reject_button)
    bench.focus(question.decline_button)
    bench.window.come_to_front()
    bench.wait_for_focus(request.reject_button)
    bench.window.show(st.Prompts())
    bench.window.come_to_front()
    bench.wait_for_focus(question.decline_button)


def test_who_closes_a_dialog_by_its_title_bar_looks(elsewhere: Elsewhere) -> None:
    dialog, _button = elsewhere.dialog()
    window = dialog.window
    window.tk.eval(str(window.tk.call("wm", "protocol", window, "WM_DELETE_WINDOW")))
    assert elsewhere.state() == SEEN
    dialog.close()


def test_a_question_about_the_screen_comes_to_the_front_before_all_others(bench: Bench) -> None:
    bench.window.show(known_link())
    bench.window.show(remembering(bench, RememberStage.COMPARE))
    digits = known_of(bench).digits[LINK]
    bench.focus(digits._safe_button)
    bench.focus(bench.root)
    bench.window.come_to_front()
    bench.wait_for_focus(digits._safe_button)
    bench.window.show(question(bench))
    asked = screens_of(bench).dialog
    assert asked is not None
    bench.focus(asked.no_button)
    bench.focus(bench.root)
    bench.window.come_to_front()
    bench.wait_for_focus(asked.no_button)
