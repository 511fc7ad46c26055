"""Tests of the shield: nobody controls this device while one of our questions is open."""

import tkinter

from proxim.core import status as st
from proxim.core.files.manifest import Direction
from proxim.core.files.status import TransferState
from proxim.core.screen import events as screen_ev
from proxim.core.screen.status import ScreenStage
from tests.ui.tk_support import Bench, transfer
from tests.ui.window.screen.screen_support import LINK, question, screen_link, screens_of, share


def shields(bench: Bench) -> list[bool]:
    return [one.up for one in bench.posted if isinstance(one, screen_ev.Shield)]


def show_screen(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    bench.settle()


def test_an_approval_dialog_raises_it(bench: Bench) -> None:
    show_screen(bench)
    bench.window.show(st.Prompts((bench.prompt(),)))
    bench.pump(lambda: shields(bench) == [True])
    bench.window.show(st.Prompts(()))
    bench.pump(lambda: shields(bench) == [True, False])


def test_a_question_about_files_raises_it(bench: Bench) -> None:
    show_screen(bench)
    announced = transfer(1, state=TransferState.ANNOUNCED, direction=Direction.IN)
    bench.window.show(announced)
    bench.pump(lambda: shields(bench) == [True])
    bench.window.show(transfer(1, state=TransferState.CANCELLED, direction=Direction.IN))
    bench.pump(lambda: shields(bench) == [True, False])


def test_the_question_before_closing_raises_it(bench: Bench) -> None:
    show_screen(bench)
    bench.window.show(transfer(1))
    bench.window.close()
    bench.pump(lambda: shields(bench) == [True])


def test_a_question_about_the_screen_raises_it(bench: Bench) -> None:
    show_screen(bench)
    bench.window.show(question(bench, control=True))
    bench.pump(lambda: shields(bench) == [True])
    dialog = screens_of(bench).dialog
    assert dialog is not None
    dialog.refuse()
    bench.pump(lambda: shields(bench) == [True, False])


def test_dialogs_of_tk_raise_it(bench: Bench) -> None:
    show_screen(bench)
    bench.root.tk.eval("toplevel .tkdialog -class TkFDialog")
    bench.pump(lambda: shields(bench) == [True])
    bench.root.tk.eval("destroy .tkdialog")
    bench.pump(lambda: shields(bench) == [True, False])


def test_two_dialogs_raise_it_once(bench: Bench) -> None:
    show_screen(bench)
    one, two = tkinter.Toplevel(bench.root), tkinter.Toplevel(bench.root)
    bench.pump(lambda: one.winfo_viewable() and two.winfo_viewable())
    bench.settle()
    one.destroy()
    bench.settle()
    assert shields(bench) == [True]
    two.withdraw()
    bench.pump(lambda: shields(bench) == [True, False])


def test_a_dialog_that_was_open_before_raises_it(bench: Bench) -> None:
    bench.window.show(st.Prompts((bench.prompt(),)))
    dialog = next(iter(bench.window._dialogs.values()))
    bench.pump(dialog.window.winfo_viewable)
    assert shields(bench) == []
    show_screen(bench)
    assert shields(bench) == [True]
    bench.window.show(share(ScreenStage.ENDED, shows=True))
    assert shields(bench) == [True, False]


def test_the_bar_and_a_seen_screen_are_no_dialogs(bench: Bench) -> None:
    show_screen(bench)
    bench.window.show(share(ScreenStage.ASKING, shows=False))
    bench.window.show(share(ScreenStage.OFFERED, shows=False))
    bench.pump(screens_of(bench).viewers[LINK].window.winfo_viewable)
    bench.settle()
    assert shields(bench) == []


def test_dialogs_raise_nothing_while_no_screen_is_shown(bench: Bench) -> None:
    show_screen(bench)
    bench.window.show(share(ScreenStage.ENDED, shows=True))
    tkinter.Toplevel(bench.root)
    bench.settle()
    assert shields(bench) == []
