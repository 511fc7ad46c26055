import tkinter
from dataclasses import replace

from proxim.core.events import LinkID
from proxim.core.status import Stage, TextReceived
from proxim.ui.pages import HOME
from tests.ui.tk_support import LONG_NAME, Bench, link

FIRST, SECOND = LinkID("host-1"), LinkID("guest-2")


def labels(bench: Bench) -> list[str]:
    tabs = bench.window.pages.tabs
    return [] if tabs is None else [str(button.cget("text")) for button in tabs._buttons.values()]


def test_a_link_gets_its_tab_when_it_is_open_and_not_before(bench: Bench) -> None:
    pages = bench.window.pages
    for stage in (Stage.APPROVED, Stage.CONNECTING):
        bench.window.show(link(stage=stage))
        assert pages.at_home
        assert pages.tabs is None
    bench.window.show(link())
    bench.settle()
    assert pages.open == FIRST
    assert labels(bench) == ["Invite", "Grace's phone"]
    assert not bench.window.home.winfo_viewable()
    assert pages.links[FIRST].winfo_viewable()


def test_one_that_never_opened_leaves_no_tab(bench: Bench) -> None:
    bench.window.show(link(stage=Stage.CONNECTING))
    bench.window.show(link(stage=Stage.CLOSED))
    assert labels(bench) == []


def test_several_links_have_a_tab_each_and_keys_turn_them(bench: Bench) -> None:
    pages = bench.window.pages
    bench.window.show(link())
    bench.window.show(link("Joan", link_id=SECOND))
    assert labels(bench) == ["Invite", "Grace's phone", "Joan"]
    seen = [pages.open]
    for _ in range(3):
        focused: tkinter.Misc = pages.link.entry if pages.link is not None else bench.root
        bench.focus(focused)
        focused.event_generate("<Control-Tab>")
        bench.settle()
        seen.append(pages.open)
    assert seen == [SECOND, HOME, FIRST, SECOND]
    pages.turn(-1)
    assert pages.open == FIRST


def test_text_elsewhere_marks_the_tab(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(link("Joan", link_id=SECOND))
    bench.window.show(TextReceived(FIRST, "hello"))
    bench.window.show(TextReceived(SECOND, "hello"))
    assert labels(bench) == ["Invite", "● Grace's phone", "Joan"]
    bench.window.pages.select(FIRST)
    assert labels(bench) == ["Invite", "Grace's phone", "Joan"]


def test_a_name_that_comes_later_reaches_the_tab(bench: Bench) -> None:
    bench.window.show(replace(link(), peer_name=None))
    assert labels(bench) == ["Invite", "Other device"]
    bench.window.show(link())
    assert labels(bench) == ["Invite", "Grace's phone"]


def test_tabs_go_with_the_last_peer(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(replace(link(stage=Stage.CLOSED), was_connected=True))
    bench.window.pages.links[FIRST].end_button.invoke()
    bench.settle()
    assert bench.window.pages.tabs is None
    assert bench.window.home.winfo_viewable()
    bench.window.show(link("Joan", link_id=SECOND))  # and come back
    assert labels(bench) == ["Invite", "Joan"]


def test_the_window_keeps_its_size_from_tab_to_tab(bench: Bench) -> None:
    width, height = bench.root.winfo_width(), bench.root.winfo_height()
    bench.window.show(link(LONG_NAME))
    for number in range(6):
        bench.window.show(link(LONG_NAME, link_id=f"host-{number + 10}"))
    bench.settle()
    assert bench.root.winfo_width() == width
    assert bench.root.winfo_height() >= height


def test_nothing_is_clipped_after_the_window_was_made_small(bench: Bench) -> None:
    bench.root.geometry("300x200")
    bench.pump(lambda: bench.root.winfo_width() >= bench.root.winfo_reqwidth())
    bench.pump(lambda: bench.root.winfo_height() >= bench.root.winfo_reqheight())
