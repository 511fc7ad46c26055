"""Tests of the keyboard on every page and in every dialog: the Tab key follows what is seen, and
each letter with Alt presses one button.
"""

import tkinter
from collections.abc import Callable, Iterator
from itertools import pairwise
from tkinter import ttk

import pytest

from proxim.app.language import speak
from proxim.core.i18n import LANGUAGES
from proxim.core.known.status import RememberStage
from proxim.core.screen.status import ScreenStage
from proxim.ui.window.widgets import letter
from tests.ui import test_every_language, test_pictures
from tests.ui.tk_support import Bench
from tests.ui.window.known.known_support import (
    LINK,
    app_link,
    entry,
    few,
    known,
    known_link,
    remembering,
)
from tests.ui.window.screen.screen_support import question, share


def show_program(bench: Bench) -> None:
    """A page with everything that it can have."""
    bench.window.show(app_link())
    bench.window.show(remembering(bench, RememberStage.FAILED))
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    test_pictures.show_transfers(bench)
    bench.window.show(app_link())


def show_screens_first(bench: Bench) -> None:
    """What a page gets later stands where it belongs."""
    bench.window.show(app_link())
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    bench.window.show(remembering(bench, RememberStage.PREPARING))
    bench.window.show(remembering(bench, RememberStage.COMPARE))
    # A person has put the digits away.
    assert bench.window._known is not None
    bench.window._known.digits[LINK].close()


def show_known_program(bench: Bench) -> None:
    bench.window.show(few())
    bench.window.show(known(entry(0, link=LINK, let_in=True)))
    bench.window.show(known_link(0, let_in=True))
    bench.window.pages.select(LINK)


def show_trouble(bench: Bench) -> None:
    test_every_language.show_handed_over(bench)
    bench.window.show(app_link())
    test_every_language.show_more(bench)
    bench.window.pages.select(LINK)


def show_screen_question(bench: Bench) -> None:
    bench.window.show(app_link())
    bench.window.show(question(bench, control=True))


SCENES: dict[str, Callable[[Bench], None]] = (
    test_pictures.SCENES
    | test_every_language.HOME
    | {
        scene.__name__.removeprefix("show_"): scene
        for scene in (
            *(show_program, show_screens_first, show_known_program, show_trouble),
            show_screen_question,
        )
    }
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES)
def test_tab_follows_what_is_seen_and_each_letter_presses_one_button(
    bench: Bench, scene: str, language: str
) -> None:
    speak(language)
    SCENES[scene](bench)
    bench.wait_until_whole()
    for window in windows(bench.root):
        stops = tab_stops(window)
        wrong = [f"{one} before {two}" for one, two in pairwise(stops) if not before(one, two)]
        assert not wrong, (scene, wrong)
        assert [*reversed(stops)] == tab_stops(window, back=True)
        found = [*letters(window)]
        if window is bench.root and not bench.window.pages.at_home:
            # It leads to the field on the home page.
            found.append(letter("join.heading"))
        assert len({*found}) == len(found), (scene, language, found)


def windows(root: tkinter.Misc) -> Iterator[tkinter.Misc]:
    """Yield the window and all open dialogs."""
    yield root
    for widget in test_every_language.every(root):
        if isinstance(widget, tkinter.Toplevel) and widget.winfo_viewable():
            yield widget


def tab_stops(window: tkinter.Misc, *, back: bool = False) -> list[tkinter.Misc]:
    """Return where the Tab key stops, from the first place to the last."""
    found: list[tkinter.Misc] = []
    at = window
    while True:
        following = at.tk_focusPrev() if back else at.tk_focusNext()
        # A window that nothing in it can have the focus has it itself.
        if following is None or following is window or following in found:
            return found
        found.append(following)
        at = following


def before(one: tkinter.Misc, two: tkinter.Misc) -> bool:
    """Whether a person who reads would meet `one` first: above, or on the left in one line."""
    ways = [[*lineage(one)], [*lineage(two)]]
    first, second = next((a, b) for a, b in zip(*ways, strict=False) if a is not b)
    top, end = first.winfo_rooty(), first.winfo_rooty() + first.winfo_height()
    other_top = second.winfo_rooty()
    other_end = other_top + second.winfo_height()
    if end <= other_top:
        return True
    return bool(top < other_end and first.winfo_rootx() < second.winfo_rootx())


def lineage(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    """Yield the window, what is in it, and so on down to this widget."""
    parent = widget.master
    if parent is not None and widget.winfo_toplevel() is not widget:
        yield from lineage(parent)
    yield widget


def letters(window: tkinter.Misc) -> Iterator[str]:
    """Yield the underlined letters that are seen in a window."""
    for widget in test_every_language.every(window):
        seen = widget.winfo_toplevel() is window and widget.winfo_viewable()
        if seen and isinstance(widget, ttk.Button | ttk.Menubutton | ttk.Label):
            at = int(str(widget.cget("underline")))
            if at >= 0:
                yield str(widget.cget("text"))[at].lower()
