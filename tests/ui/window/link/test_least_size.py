"""Tests of a link's page in the smallest window: the badge and all buttons are seen whole, in every
language, and texts can be read.
"""

from collections.abc import Callable
from dataclasses import replace
from tkinter import ttk
from typing import Final

import pytest

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.i18n import LANGUAGES, tr
from proxim.core.pairing.devices import Verified
from proxim.core.screen.status import ScreenStage
from proxim.ui.window.link.panel import LinkPanel
from proxim.ui.window.pages import HOME
from proxim.ui.window.theme import ThemeChoice
from proxim.ui.window.widgets import WrapLabel
from tests.ui.scenes import show_handed_over, show_handed_over_to_choose, show_long_names
from tests.ui.test_scenes import cut, every
from tests.ui.tk_support import LONG_NAME, Bench, MakeBench, link
from tests.ui.window.known.known_support import LINK, app_link, entry, known, known_link
from tests.ui.window.screen.screen_support import share

# Pixels at 100 %: with less, words are broken letter by letter.
READABLE: Final = 100
HISTORY: Final = 50


def show_plain(bench: Bench) -> None:
    bench.window.show(link(LONG_NAME))


def show_differed(bench: Bench) -> None:
    bench.window.show(replace(app_link(LONG_NAME), digits_differed=True))


def show_known_with_screens(bench: Bench) -> None:
    bench.window.show(known(replace(entry(0, link=LINK, let_in=True), name=LONG_NAME)))
    one = known_link(0, let_in=True)
    bench.window.show(replace(one, features=(*one.features, st.SCREEN)))
    bench.window.pages.select(LINK)
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))


def show_transfers_and_handover(bench: Bench) -> None:
    show_handed_over(bench)
    show_long_names(bench)


def show_no_files(bench: Bench) -> None:
    bench.window.show(replace(link(LONG_NAME), features=(st.TEXT,)))


def show_three(bench: Bench) -> None:
    show_handed_over_to_choose(bench)
    bench.window.show(link(LONG_NAME, link_id="guest-9", verified=Verified.QR))


PAGES: Final[dict[str, Callable[[Bench], None]]] = {
    "plain": show_plain,
    "differed": show_differed,
    "known": show_known_with_screens,
    "transfers": show_transfers_and_handover,
    "no-files": show_no_files,
    "three": show_three,
}


def shrink(bench: Bench) -> None:
    """Make the window as small as it can be made."""
    bench.settle()
    bench.clock.now += 1
    bench.settle()
    root = bench.root
    root.geometry("1x1+0+0")
    bench.settle()

    def small() -> bool:
        # What wraps in another way by now may need more height.
        bench.clock.now += 1
        bench.settle()
        rests = bench.window._fit_timer is None
        if (root.winfo_width(), root.winfo_height()) == root.minsize():
            return rests
        if rests:
            root.geometry("1x1+0+0")
        return False

    bench.pump(small, "the window is as small as it can be")


def page(bench: Bench) -> LinkPanel:
    found = bench.window.pages.link
    assert found is not None
    return found


def outside(bench: Bench) -> list[str]:
    """Return what reaches beyond the window's edge."""
    right = bench.root.winfo_rootx() + bench.root.winfo_width()
    below = bench.root.winfo_rooty() + bench.root.winfo_height()
    listed = page(bench).transfers
    return [
        str(widget)
        for widget in every(bench.root)
        if widget.winfo_viewable()
        and widget.winfo_toplevel() is bench.root
        and not str(widget).startswith(f"{listed}.")
        and (
            widget.winfo_rootx() + widget.winfo_width() > right
            or widget.winfo_rooty() + widget.winfo_height() > below
        )
    ]


def look_at(bench: Bench, name: str) -> None:
    PAGES[name](bench)
    shrink(bench)
    px = bench.window.theme.px
    bench.pump(lambda: not list(cut(bench.root)), f"nothing is cut: {list(cut(bench.root))}")
    assert outside(bench) == []
    panel = page(bench)
    badge, end = panel._badge, panel.end_button
    assert badge.winfo_rootx() + badge.winfo_width() < end.winfo_rootx()
    for widget in every(bench.root):
        if isinstance(widget, WrapLabel) and widget.winfo_viewable():
            assert widget.winfo_width() >= px(READABLE), widget.cget("text")
    assert panel.history.text.winfo_height() >= px(HISTORY)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_all_is_seen_in_the_smallest_window(
    name: str, language: str, theme: ThemeChoice, make_bench: MakeBench
) -> None:
    speak(language)
    bench = make_bench(theme)
    look_at(bench, name)
    bench.picture(f"least-{name}-{language}-{theme}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_the_smallest_window_fits_a_small_screen_at_200_percent(
    name: str,
    language: str,
    fine_screen: str,
    make_bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    speak(language)
    bench = make_bench("light")
    monkeypatch.setattr("tkinter.Misc.winfo_screenwidth", lambda _self: 1366)
    monkeypatch.setattr("tkinter.Misc.winfo_screenheight", lambda _self: 768)
    PAGES[name](bench)
    shrink(bench)
    assert bench.root.winfo_width() <= 1366
    assert bench.root.winfo_height() <= 768 - 144
    bench.pump(lambda: not [one for one in cut(bench.root) if "lines of" in one])
    panel = page(bench)
    # Only transfers may have less place than they need; they scroll.
    listed = [str(one.cget("text")) for one in every(panel.transfers) if isinstance(one, ttk.Label)]
    missing = [one for one in cut(bench.root) if not any(repr(name) in one for name in listed)]
    assert not [one for one in missing if repr(tr("transfers.cancel")) not in one]
    below = bench.root.winfo_rooty() + bench.root.winfo_height()
    for button in (panel.end_button, *panel.bar.buttons, panel.send_button):
        assert button.winfo_rooty() + button.winfo_height() <= below
    if panel._foot.winfo_viewable():
        assert panel._foot.winfo_rooty() + panel._foot.winfo_height() <= below
    bench.picture(f"least-{name}-{language}-200")


def test_the_page_widens_the_window_and_home_is_as_narrow_as_before(bench: Bench) -> None:
    shrink(bench)
    narrow = bench.root.winfo_width()
    bench.window.show(link(LONG_NAME))
    bench.pump(lambda: bench.root.winfo_width() == page(bench).least_size[0])
    assert bench.root.winfo_width() > narrow
    bench.window.pages.select(HOME)
    shrink(bench)
    assert bench.root.winfo_width() == narrow


def test_a_longer_badge_shortens_the_name(bench: Bench) -> None:
    bench.window.show(link(LONG_NAME))
    shrink(bench)
    panel = page(bench)
    before = str(panel._peer.cget("text"))
    assert before.endswith("…")
    bench.window.show(replace(link(LONG_NAME), digits_differed=True))
    shrink(bench)
    after = str(panel._peer.cget("text"))
    assert after.endswith("…")
    assert len(after) < len(before)
    assert panel._badge.winfo_width() >= panel._badge.winfo_reqwidth()


def test_the_hint_goes_before_a_button_is_cut(make_bench: MakeBench) -> None:
    speak("en")
    bench = make_bench("light")
    bench.window.show(link())
    bench.pump(page(bench)._hint.winfo_viewable)
    shrink(bench)
    panel = page(bench)
    assert not panel._hint.winfo_viewable()
    # That no files can be sent is no hint.
    bench.window.show(replace(link(), features=(st.TEXT,)))
    bench.pump(panel._hint.winfo_viewable)
    assert str(panel._hint.cget("text")) != tr("link.hint")


def test_tabs_begin_where_the_page_begins(bench: Bench) -> None:
    for number in range(4):
        bench.window.show(link(LONG_NAME, link_id=f"host-{number}"))
    tabs = bench.window.pages.tabs
    assert tabs is not None
    for key, inside in ((HOME, bench.window.join), (ev.LinkID("host-1"), None)):
        bench.window.pages.select(key)
        shrink(bench)
        part = inside or page(bench)._foot
        bench.pump(lambda part=part: tabs.winfo_rootx() == part.winfo_rootx())  # type: ignore[misc]
        ends = [one.winfo_x() + one.winfo_width() for one in tabs._buttons.values()]
        assert max(ends) <= tabs.winfo_width()
        bench.picture(f"least-tabs-{key or 'home'}")
