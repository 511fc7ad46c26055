from proxim.ui.window.tabs import TabRow
from tests.ui.tk_support import LONG_NAME, Bench


def row(bench: Bench, names: dict[str, str]) -> tuple[TabRow, list[str]]:
    chosen: list[str] = []
    tabs = TabRow(bench.root, bench.window.theme, chosen.append)
    for key, name in names.items():
        tabs.put(key, name)
    tabs.grid(row=0, column=0, sticky="ew")
    bench.settle()
    return tabs, chosen


def labels(tabs: TabRow) -> list[str]:
    return [str(button.cget("text")) for button in tabs._buttons.values()]


def test_a_click_chooses(bench: Bench) -> None:
    tabs, chosen = row(bench, {"": "Invite", "a": "Ada", "b": "Joan"})
    tabs._buttons["b"].invoke()
    assert chosen == ["b"]


def test_arrows_move_along_the_row_and_around_its_ends(bench: Bench) -> None:
    tabs, _ = row(bench, {"": "Invite", "a": "Ada", "b": "Joan"})
    bench.focus(tabs._buttons[""])
    for key, target in (("<Right>", "a"), ("<Right>", "b"), ("<Right>", ""), ("<Left>", "b")):
        focused = bench.focused()
        assert focused is not None
        bench.key(focused, key)
        bench.wait_for_focus(tabs._buttons[target])


def test_what_is_unread_is_marked_until_it_is_opened(bench: Bench) -> None:
    tabs, _ = row(bench, {"": "Invite", "a": "Ada"})
    tabs.mark_unread("a")
    assert labels(tabs) == ["Invite", "● Ada"]
    tabs.select("a")
    assert labels(tabs) == ["Invite", "Ada"]
    assert tabs._buttons["a"].instate(["selected"])
    tabs.select("")
    assert tabs._buttons["a"].instate(["!selected"])


def test_a_tab_is_renamed_and_removed(bench: Bench) -> None:
    tabs, _ = row(bench, {"": "Invite", "a": "Ada", "b": "Joan"})
    tabs.put("b", "Grace")
    tabs.remove("a")
    assert tabs.tab_keys == ["", "b"]
    assert labels(tabs) == ["Invite", "Grace"]


def test_many_long_names_share_the_row(bench: Bench) -> None:
    width = bench.root.winfo_width()
    tabs, _ = row(bench, {str(number): LONG_NAME for number in range(6)})
    assert all(label.endswith("…") for label in labels(tabs))
    bench.settle()
    assert bench.root.winfo_width() == width
    last = tabs._buttons["5"]
    assert last.winfo_x() + last.winfo_width() <= tabs.winfo_width()


def test_more_tabs_than_a_row_has_place_for_have_more_rows(bench: Bench) -> None:
    px = bench.window.theme.px
    names = {str(number): LONG_NAME for number in range(9)}
    tabs, _ = row(bench, names)
    bench.root.minsize(1, 1)
    bench.root.geometry(f"{px(340)}x{px(500)}")
    bench.pump(lambda: bench.root.winfo_width() == px(340))
    bench.settle()
    buttons = [*tabs._buttons.values()]
    assert len({one.winfo_y() for one in buttons}) > 1
    for one in buttons:
        assert one.winfo_x() + one.winfo_width() <= tabs.winfo_width()
        assert one.winfo_y() + one.winfo_height() <= tabs.winfo_height()
    for key in names:
        if key != "0":
            tabs.remove(key)
    bench.settle()
    assert tabs.winfo_reqheight() == buttons[0].winfo_reqheight()
