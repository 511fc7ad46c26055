import tkinter
from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.pages import HOME, WAITING
from tests.ui.tk_support import LONG_NAME, Bench, link, transfer

FIRST, SECOND = ev.LinkID("host-1"), ev.LinkID("guest-2")


def labels(bench: Bench) -> list[str]:
    tabs = bench.window.pages.tabs
    return [] if tabs is None else [str(button.cget("text")) for button in tabs._buttons.values()]


def test_a_link_gets_its_tab_when_it_is_open_and_not_before(bench: Bench) -> None:
    pages = bench.window.pages
    for stage in (st.Stage.APPROVED, st.Stage.CONNECTING):
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
    bench.window.show(link(stage=st.Stage.CONNECTING))
    bench.window.show(link(stage=st.Stage.CLOSED))
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
    bench.window.show(st.TextReceived(FIRST, "hello"))
    bench.window.show(st.TextReceived(SECOND, "hello"))
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
    bench.window.show(replace(link(stage=st.Stage.CLOSED), was_connected=True))
    bench.window.pages.links[FIRST].end_button.invoke()
    bench.settle()
    assert bench.window.pages.tabs is None
    assert bench.window.home.winfo_viewable()
    # The tabs come back.
    bench.window.show(link("Joan", link_id=SECOND))
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


def test_a_link_that_was_taken_up_again_is_the_same_tab(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(st.TextReceived(FIRST, "before"))
    bench.window.show(transfer(1))
    panel = bench.window.pages.links[FIRST]
    bench.window.show(replace(link(stage=st.Stage.WAITING), was_connected=True))
    bench.window.show(link("Joan", link_id=SECOND))
    bench.window.pages.select(FIRST)
    again = ev.LinkID("host-7")
    bench.window.show(replace(link(link_id=again), resumes=FIRST))
    bench.window.show(replace(transfer(1, link_id=again), moved=5))
    assert labels(bench) == ["Invite", "Grace's phone", "Joan"]
    assert bench.window.pages.links[again] is panel
    assert FIRST not in bench.window.pages.links
    assert bench.window.pages.open == again
    assert "before" in panel.history.text.get("1.0", "end")
    assert [row.status.moved for row in panel.transfers.rows.values()] == [5]
    bench.window.pages.select(SECOND)
    tabs = bench.window.pages.tabs
    assert tabs is not None
    tabs._buttons[again].invoke()
    assert bench.window.pages.open == again
    panel.end_button.invoke()
    assert bench.posted[-1] == ev.Disconnect(again)


def test_a_transfer_without_a_link_has_a_tab_until_its_device_is_back(bench: Bench) -> None:
    pages = bench.window.pages
    waiting = transfer(1, state=file_st.TransferState.WAITING, link_id=None)
    bench.window.show(waiting)
    assert labels(bench) == ["Invite", "Files"]
    pages.select(WAITING)
    bench.settle()
    assert pages.waiting is not None
    assert pages.waiting.winfo_viewable()
    pages.waiting.rows[waiting.transfer].button.invoke()
    assert bench.posted == [file_ev.CancelTransfer(waiting.transfer)]
    bench.window.show(link())
    bench.window.show(transfer(1))
    bench.settle()
    assert labels(bench) == ["Invite", "Grace's phone"]
    assert pages.waiting is None
    assert waiting.transfer in pages.links[FIRST].transfers.rows


def test_what_waits_outlives_its_closed_tab_and_what_is_over_does_not(bench: Bench) -> None:
    bench.window.show(link())
    waiting = transfer(1, state=file_st.TransferState.WAITING, link_id=None)
    bench.window.show(transfer(1))
    bench.window.show(waiting)
    bench.window.show(transfer(2, state=file_st.TransferState.DONE))
    bench.window.show(replace(link(stage=st.Stage.CLOSED), was_connected=True))
    bench.window.pages.links[FIRST].end_button.invoke()
    assert labels(bench) == ["Invite", "Files"]
    assert bench.window.pages.waiting is not None
    assert [*bench.window.pages.waiting.rows] == [waiting.transfer]
    # The status comes after the tab was closed.
    bench.window.show(transfer(2, state=file_st.TransferState.DONE))
    assert [*bench.window.pages.waiting.rows] == [waiting.transfer]


def test_files_elsewhere_mark_the_tab(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(link("Joan", link_id=SECOND))
    # Our own transfer is running: there is nothing to look at.
    bench.window.show(transfer(1))
    assert labels(bench) == ["Invite", "Grace's phone", "Joan"]
    bench.window.show(transfer(1, state=file_st.TransferState.DONE))
    assert labels(bench) == ["Invite", "● Grace's phone", "Joan"]


def test_of_two_links_with_a_device_the_one_that_gives_way_leaves_no_page(bench: Bench) -> None:
    pages = bench.window.pages
    known = KnownID("grace")
    for one in (FIRST, SECOND):
        bench.window.show(replace(link(link_id=one), known=known))
    assert pages.open == SECOND
    gone = replace(link(link_id=SECOND), known=known, stage=st.Stage.CLOSED)
    bench.window.show(replace(gone, reason=Reason.DEVICE_LINKED))
    assert pages.open == FIRST
    assert labels(bench) == ["Invite", "Grace's phone"]
    # Nobody is taken away from another page by it.
    bench.window.show(replace(link(link_id=ev.LinkID("guest-3")), known=known))
    pages.select(HOME)
    bench.window.show(replace(gone, link=ev.LinkID("guest-3"), reason=Reason.DEVICE_LINKED))
    assert pages.at_home
    assert labels(bench) == ["Invite", "Grace's phone"]


def two_links(bench: Bench, *written: ev.LinkID) -> st.LinkStatus:
    """Show two links with one known device, and a text on these; return the end of the second."""
    known = KnownID("grace")
    for one in (FIRST, SECOND):
        bench.window.show(replace(link(link_id=one), known=known))
    for one in written:
        bench.window.show(st.TextReceived(one, f"on {one}"))
    gone = replace(link(link_id=SECOND), known=known, stage=st.Stage.CLOSED)
    return replace(gone, reason=Reason.DEVICE_LINKED)


def test_what_was_written_stays_when_one_of_two_links_gives_way(bench: Bench) -> None:
    pages = bench.window.pages
    gone = two_links(bench, SECOND)
    panel = pages.links[SECOND]
    pages.select(FIRST)
    bench.window.show(gone)
    assert pages.links == {FIRST: panel}
    assert pages.open == FIRST
    assert panel.status.stage is st.Stage.CONNECTED
    assert f"on {SECOND}" in panel.history.text.get("1.0", "end")
    assert labels(bench) == ["Invite", "Grace's phone"]


def test_two_pages_on_which_something_stands_are_both_kept(bench: Bench) -> None:
    pages = bench.window.pages
    bench.window.show(two_links(bench, FIRST, SECOND))
    assert [*pages.links] == [FIRST, SECOND]
    ended = pages.links[SECOND].status
    assert (ended.stage, ended.reason) == (st.Stage.CLOSED, Reason.DEVICE_LINKED)


def test_no_page_goes_for_a_link_that_nobody_sees(bench: Bench) -> None:
    pages = bench.window.pages
    gone = two_links(bench)
    bench.window.show(replace(gone, link=FIRST, reason=Reason.PEER_LEFT))
    bench.window.show(gone)
    assert [*pages.links] == [FIRST, SECOND]
    assert pages.links[SECOND].status.reason is Reason.PEER_LEFT
