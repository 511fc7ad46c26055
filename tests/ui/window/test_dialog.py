"""Tests of the frame that all dialogs have: all of it is seen, whatever its words become."""

from collections.abc import Callable
from dataclasses import replace
from tkinter import ttk

import pytest

from proxim.app.language import speak
from proxim.core.i18n import LANGUAGES
from proxim.core.known.status import RememberStage
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.widgets import WrapLabel
from tests.ui.tk_support import LONG_NAME, Bench
from tests.ui.window.known.known_support import LINK, app_link, entry, known, known_of, remembering
from tests.ui.window.screen.screen_support import question, screens_of

LINES = "One sentence that goes on for more than one line of a dialog, and then for one more. " * 3


def all_seen(bench: Bench, dialog: Dialog) -> None:
    """Wait until the dialog is as high as what is in it, with its margin below the last button."""
    window, body = dialog.window, dialog.body
    bench.pump(window.winfo_viewable)
    bench.settle()
    bench.pump(
        lambda: window.winfo_height() == body.winfo_height() == body.winfo_reqheight(),
        "all of it is seen",
    )


def with_label(bench: Bench) -> tuple[Dialog, ttk.Label]:
    dialog = Dialog(bench.root, bench.window.theme, "ProximTest", lambda: None, width=380)
    label = WrapLabel(dialog.body, "One line.", wraplength=380)
    label.grid(row=0, column=0, sticky="ew")
    return dialog, label


def test_it_grows_with_its_words_and_stays_where_it_is(bench: Bench) -> None:
    dialog, label = with_label(bench)
    dialog.appear(dialog.body, by_itself=False, takes_focus=False)
    all_seen(bench, dialog)
    window = dialog.window
    before, low = (window.winfo_rootx(), window.winfo_rooty()), window.winfo_height()
    label.configure(text=LINES)
    bench.pump(lambda: window.winfo_height() > low)
    all_seen(bench, dialog)
    assert (window.winfo_rootx(), window.winfo_rooty()) == before
    label.configure(text="One line.")
    bench.pump(lambda: window.winfo_height() == low)


def test_it_moves_up_where_it_would_leave_the_screen(bench: Bench) -> None:
    dialog, label = with_label(bench)
    dialog.appear(dialog.body, by_itself=False, takes_focus=False)
    all_seen(bench, dialog)
    window, screen = dialog.window, bench.root.winfo_screenheight()
    window.geometry(f"+40+{screen - window.winfo_height()}")
    bench.pump(lambda: window.winfo_rootx() == 40)
    label.configure(text=LINES)
    bench.pump(lambda: window.winfo_rooty() + window.winfo_height() == screen)
    all_seen(bench, dialog)
    assert window.winfo_rootx() == 40


def test_a_timer_of_a_closed_dialog_does_not_run(bench: Bench) -> None:
    dialog, _ = with_label(bench)
    ran: list[str] = []
    dialog.run_in(5, lambda: ran.append("replaced"))
    dialog.run_in(5, lambda: ran.append("first"))
    bench.clock.now += 5
    bench.settle()
    assert ran == ["first"]
    dialog.run_in(5, lambda: ran.append("closed"))
    dialog.close()
    dialog.close()
    assert not dialog.is_open
    bench.clock.now += 5
    bench.settle()
    assert ran == ["first"]


def show_digits(bench: Bench) -> Dialog:
    bench.window.show(app_link(LONG_NAME))
    bench.window.show(remembering(bench, RememberStage.COMPARE, name=LONG_NAME))
    return known_of(bench).digits[LINK]._dialog


def show_screen_question(bench: Bench) -> Dialog:
    bench.window.show(app_link(LONG_NAME))
    bench.window.show(replace(question(bench, control=True), peer_name=LONG_NAME))
    asked = screens_of(bench).dialog
    assert asked is not None
    return asked._dialog


def show_settings(bench: Bench) -> Dialog:
    bench.window.show(known(entry(2)))
    known_of(bench).set_up(entry(2).id)
    return known_of(bench).settings[entry(2).id]._dialog


def show_forget(bench: Bench) -> Dialog:
    bench.window.show(known(entry(2)))
    known_of(bench).ask_to_forget(entry(2).id)
    asked = known_of(bench).question
    assert asked is not None
    return asked._dialog


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("show", [show_digits, show_screen_question, show_settings, show_forget])
def test_nothing_of_a_dialog_is_cut_off(
    bench: Bench, show: Callable[[Bench], Dialog], language: str
) -> None:
    speak(language)
    all_seen(bench, show(bench))
