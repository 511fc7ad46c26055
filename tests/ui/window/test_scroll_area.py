"""Tests of a part of the window that scrolls."""

from tkinter import ttk

from proxim.ui.window.scroll_area import ScrollArea
from tests.ui.tk_support import Bench

HEIGHT = 400


def area_of(bench: Bench) -> ScrollArea:
    """Return an area in the window whose content is HEIGHT pixels high."""
    bench.window.home.grid_remove()
    area = ScrollArea(bench.root, bench.window.home.area._theme)
    area.grid(row=1, column=0, sticky="ew")
    ttk.Frame(area.inside, height=HEIGHT, width=100).grid()
    bench.settle()
    return area


def test_the_bar_is_there_while_the_content_has_too_little_place(bench: Bench) -> None:
    area = area_of(bench)
    assert not area.scrolls
    area.limit_height(HEIGHT // 2)
    bench.settle()
    assert area.scrolls
    assert area._bar.winfo_ismapped()
    assert area.winfo_height() == HEIGHT // 2
    area.limit_height(HEIGHT)
    bench.settle()
    assert not area.scrolls
    assert not area._bar.winfo_ismapped()


def test_without_a_place_there_is_no_bar_which_would_need_one(bench: Bench) -> None:
    area = area_of(bench)
    for place in (1, area._bar.winfo_reqheight() - 1):
        area.limit_height(place)
        # It settles, because the bar does not change what it depends on.
        bench.settle()
        assert not area._bar.winfo_ismapped()
        assert area.winfo_reqheight() == place
