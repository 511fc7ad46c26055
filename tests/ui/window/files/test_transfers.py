from dataclasses import replace
from functools import partial

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import status as file_st
from proxim.ui.window.files.transfers import FINISHED_KEPT, TransferList, TransferRow
from proxim.ui.window.link.panel import LinkPanel
from proxim.ui.window.theme import DARK
from tests.ui.tk_support import Bench, camera, link, transfer

LINK = ev.LinkID("host-1")


@pytest.fixture
def panel(bench: Bench) -> LinkPanel:
    """The panel of a link without transfers."""
    bench.window.show(link())
    panel = bench.window.pages.links[LINK]
    bench.pump(panel.history.winfo_viewable)
    return panel


def names(transfers: TransferList) -> list[str]:
    """Return the names in the rows, from top to bottom."""
    rows = sorted(transfers.rows.values(), key=lambda row: row.winfo_y())
    return [str(row.name.cget("text")) for row in rows]


def test_it_takes_no_room_before_there_is_something_in_it(bench: Bench, panel: LinkPanel) -> None:
    assert not panel.transfers.winfo_viewable()
    bench.window.show(transfer(1))
    bench.pump(panel.transfers.winfo_viewable)


def test_the_newest_is_on_top_and_first_by_the_tab_key(bench: Bench, panel: LinkPanel) -> None:
    for number in (1, 2, 3):
        bench.window.show(transfer(number))
    bench.settle()
    assert names(panel.transfers) == ["photo3.jpg", "photo2.jpg", "photo1.jpg"]
    rows = [*panel.transfers.rows.values()]
    bench.focus(panel.history.text)
    for row in reversed(rows):
        focused = bench.focused()
        assert focused is not None
        bench.key(focused, "<Tab>")
        bench.wait_for_focus(row.button)


def test_a_status_changes_its_row_in_place(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(transfer(1))
    row, *_ = panel.transfers.rows.values()
    before = row.winfo_children()
    for step in range(20):
        bench.window.show(replace(transfer(1), moved=step * 1000, speed=1e6))
    assert [*panel.transfers.rows.values()] == [row]
    assert row.winfo_children() == before


def test_old_ones_are_forgotten_and_unfinished_ones_never(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(transfer(0))
    for number in range(1, 201):
        bench.window.show(transfer(number, state=file_st.TransferState.DONE))
    assert len(panel.transfers.rows) == FINISHED_KEPT + 1
    assert transfer(0).transfer in panel.transfers.rows
    assert transfer(200).transfer in panel.transfers.rows
    assert transfer(100).transfer not in panel.transfers.rows


def test_many_scroll_and_leave_room_for_what_is_written(bench: Bench, panel: LinkPanel) -> None:
    size = bench.root.winfo_width(), bench.root.winfo_height()
    bench.window.show(st.TextReceived(LINK, "hello"))
    for number in range(20):
        bench.window.show(transfer(number))
    bench.pump(panel.transfers._bar.winfo_viewable)
    assert (bench.root.winfo_width(), bench.root.winfo_height()) == size
    assert panel.history.winfo_height() > bench.window.theme.px(100)
    row = panel.transfers.rows[transfer(19).transfer]
    before = row.winfo_rooty()
    row.name.event_generate("<Button-5>")
    bench.settle()
    assert row.winfo_rooty() < before


def test_the_row_with_the_focus_is_in_sight(bench: Bench, panel: LinkPanel) -> None:
    for number in range(20):
        bench.window.show(transfer(number))
    bench.pump(panel.transfers._bar.winfo_viewable)

    def in_sight(row: TransferRow) -> bool:
        # The list itself may still be moved by what is laid out above it.
        top = panel.transfers.winfo_rooty()
        bottom = top + panel.transfers.winfo_height()
        return row.winfo_rooty() >= top and row.winfo_rooty() + row.winfo_height() <= bottom

    for number in (0, 19):
        row = panel.transfers.rows[transfer(number).transfer]
        row.button.focus_force()
        bench.pump(partial(in_sight, row))


def test_the_list_follows_the_palette(bench: Bench, panel: LinkPanel) -> None:
    bench.window.theme.is_dark = True
    panel.restyle()
    assert str(panel.transfers._canvas.cget("background")) == DARK.field


def test_entries_are_counted_once_and_not_at_every_status(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = replace(camera(count=2000), state=file_st.TransferState.ACTIVE, needs_answer=False)
    bench.window.show(big)

    def again(_argument: object) -> int:
        raise AssertionError("counted again")

    for name in ("count_files", "total_size", "others_words"):
        monkeypatch.setattr(f"proxim.ui.window.files.transfers.{name}", again)
    bench.window.show(replace(big, moved=5_000_000))
    assert next(iter(panel.transfers.rows.values())).status.moved == 5_000_000
