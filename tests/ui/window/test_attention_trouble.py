import tkinter

from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from tests.ui.tk_support import Bench


def told(bench: Bench) -> str:
    return (
        str(bench.window.trouble._label.cget("text"))
        if bench.window.trouble.winfo_viewable()
        else ""
    )


def tell(bench: Bench, *reasons: Reason) -> None:
    for reason in reasons:
        bench.window.show(st.Trouble(Problem(reason, "detail for developers")))
    bench.settle()


def test_there_is_no_line_without_trouble(bench: Bench) -> None:
    assert not bench.window.trouble.winfo_viewable()


def test_trouble_is_told_until_it_is_dismissed(bench: Bench) -> None:
    tell(bench, Reason.SETTINGS_UNWRITABLE)
    assert told(bench) == SENTENCES[Reason.SETTINGS_UNWRITABLE]
    bench.window.trouble.button.invoke()
    bench.settle()
    assert told(bench) == ""


def test_the_newest_is_shown_and_the_others_wait(bench: Bench) -> None:
    tell(bench, Reason.SETTINGS_UNWRITABLE, Reason.PORT_TAKEN, Reason.SETTINGS_UNWRITABLE)
    assert told(bench) == SENTENCES[Reason.SETTINGS_UNWRITABLE]
    assert bench.window.trouble.button.cget("text") == "Dismiss (1 more)"
    bench.window.trouble.button.invoke()
    assert told(bench) == SENTENCES[Reason.PORT_TAKEN]
    assert bench.window.trouble.button.cget("text") == "Dismiss"


def test_a_flood_of_trouble_stays_small(bench: Bench) -> None:
    tell(bench, *list(Reason)[:20])
    dismissals = 0
    while told(bench):
        bench.window.trouble.button.invoke()
        bench.settle()
        dismissals += 1
    assert dismissals == 5


def test_every_sentence_fits_a_window_that_was_made_small(bench: Bench) -> None:
    bench.root.geometry("300x200")
    tell(bench, Reason.ICE_FAILED)
    label = bench.window.trouble._label
    bench.pump(lambda: label.winfo_height() >= label.winfo_reqheight())

    def bottom(widget: tkinter.Misc) -> int:
        return widget.winfo_rooty() + widget.winfo_height()

    bench.pump(lambda: bottom(label) <= bottom(bench.root))
