"""Tests of every scene of the window: in each language nothing is cut off, it is not too large,
the Tab key follows what is seen, and each letter with Alt presses one button.

Pictures are kept for people to look at.
"""

import tkinter
from collections.abc import Iterator
from itertools import pairwise, product
from tkinter import ttk
from typing import Final

import pytest

from proxim.app.language import speak
from proxim.core.i18n import ENGLISH, LANGUAGES
from proxim.ui.window.pairing.steps import STEPS
from proxim.ui.window.theme import ThemeChoice
from proxim.ui.window.widgets import WrapLabel, letter
from tests.ui.scenes import SCENES, show_asking
from tests.ui.tk_support import Bench, MakeBench

OTHERS: Final = [language for language in LANGUAGES if language != ENGLISH]
# The window has this limit at 100 %, as in English.
WIDEST: Final = (640, 680)
# So much more with four known devices and their heading.
DEVICES_HEIGHT: Final = 190
# And in this scene, which has all at once: what other programs gave to be sent, and two failures.
HIGHER: Final = {"trouble": 60}
# This is in pixels: Tk's canvas returns boxes that are a little too large (its manual, `bbox`).
_SLACK: Final = 2


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_fits_and_is_used_by_keyboard(scene: str, make_bench: MakeBench) -> None:
    for language in LANGUAGES:
        speak(language)
        bench = make_bench("light")
        look_at(bench, scene, f"{scene}-{language}-light-100")
        try_keyboard(bench, f"{scene} in {language}")
        bench.root.destroy()


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_fits_at_200_percent(
    scene: str, fine_screen: str, make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    for language in LANGUAGES:
        speak(language)
        # One of them is seen in the dark, where nothing has another size.
        theme: ThemeChoice = "dark" if language == ENGLISH else "light"
        bench = make_bench(theme)
        assert bench.window.theme.px(100) in range(198, 203)
        look_at(bench, scene, f"{scene}-{language}-{theme}-200")
        bench.root.destroy()


def look_at(bench: Bench, scene: str, name: str) -> None:
    """Save a picture of the window in a scene, and check that it is whole and not too large."""
    SCENES[scene](bench)
    bench.wait_until_whole()
    root = bench.root
    bench.pump(lambda: not list(cut(root)), f"{name}: nothing is cut: {list(cut(root))}")
    path = bench.picture(name)
    assert path is None or path.stat().st_size > 1000, name
    width, height = map(bench.window.theme.px, WIDEST)
    if bench.window.home.devices is not None:
        height += bench.window.theme.px(DEVICES_HEIGHT)
    height += bench.window.theme.px(HIGHER.get(scene, 0))
    assert (root.winfo_width() <= width, root.winfo_height() <= height) == (True, True), name


def try_keyboard(bench: Bench, name: str) -> None:
    """Check where the Tab key stops, and the letters that press buttons with Alt."""
    for window in windows(bench.root):
        stops = tab_stops(window)
        wrong = [f"{one} before {two}" for one, two in pairwise(stops) if not before(one, two)]
        assert not wrong, (name, wrong)
        assert [*reversed(stops)] == tab_stops(window, back=True), name
        found = [*letters(window)]
        if window is bench.root and not bench.window.pages.at_home:
            # It leads to the field on the home page.
            found.append(letter("join.heading"))
        assert len({*found}) == len(found), (name, found)


def cut(window: tkinter.Misc) -> Iterator[str]:
    """Yield visible widgets that have less room than their text needs; a text that may be shortened
    needs almost none.
    """
    for widget in every(window):
        if widget.winfo_viewable() and isinstance(
            widget, ttk.Label | ttk.Button | ttk.Checkbutton | ttk.Menubutton
        ):
            room = (widget.winfo_width(), widget.winfo_height())
            wanted = (widget.winfo_reqwidth(), widget.winfo_reqheight())
            if room[0] < wanted[0] or room[1] < wanted[1]:
                yield f"{widget.cget('text')!r}: {room} of {wanted}"
        if widget.winfo_viewable() and isinstance(widget, WrapLabel):
            padding = widget.tk.splitlist(
                ttk.Style(widget).lookup(str(widget.cget("style")), "padding")
            )
            line = int(str(widget.cget("wraplength"))) + 2 * (
                int(str(padding[0])) if padding else 0
            )
            if line > widget.winfo_width():
                yield f"{widget.cget('text')!r}: lines of {line} in {widget.winfo_width()}"


def every(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    yield widget
    for child in widget.winfo_children():
        yield from every(child)


def windows(root: tkinter.Misc) -> Iterator[tkinter.Misc]:
    """Yield the window and all open dialogs."""
    yield root
    for widget in every(root):
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
    for widget in every(window):
        seen = widget.winfo_toplevel() is window and widget.winfo_viewable()
        if seen and isinstance(widget, ttk.Button | ttk.Menubutton | ttk.Label):
            at = int(str(widget.cget("underline")))
            if at >= 0:
                yield str(widget.cget("text"))[at].lower()


def test_the_steps_stand_beside_each_other(make_bench: MakeBench) -> None:
    for language, side in product(LANGUAGES, STEPS):
        speak(language)
        bench = make_bench("light")
        if side == "guest":
            show_asking(bench)
        bench.settle()
        canvas = bench.window.steps._canvas
        texts = [item for item in canvas.find_all() if str(canvas.type(item)) == "text"]
        boxes = [canvas.bbox(item) for item in texts]
        name = f"{language} {side}"
        assert len(boxes) == 5, name
        assert boxes[0][0] >= -_SLACK, name
        assert boxes[-1][2] <= canvas.winfo_width() + _SLACK, name
        gap = bench.window.theme.px(6)
        assert all(left[2] + gap <= right[0] for left, right in pairwise(boxes)), name
        bench.root.destroy()


def test_what_is_cut_is_found(make_bench: MakeBench) -> None:
    for language in OTHERS:
        speak(language)
        bench = make_bench("light")
        assert list(cut(bench.root)) == [], language
        bench.window.invite.new_code.configure(width=2)
        bench.window.invite.refuse.place(x=0, y=0, width=20)
        bench.settle()
        assert len(list(cut(bench.root))) == 1, language
        bench.root.destroy()
