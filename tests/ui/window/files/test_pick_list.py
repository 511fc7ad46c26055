import pytest

from proxim.core.files.manifest import Entry
from proxim.ui.window.files.pick_list import PickList
from tests.ui.tk_support import Bench, camera

TREE = (
    Entry("trip", directory=True),
    Entry("trip/day", directory=True),
    Entry("trip/day/a.jpg", 10),
    Entry("trip/b.jpg", 20),
    Entry("c.txt", 40),
)


def listed(bench: Bench, entries: tuple[Entry, ...]) -> PickList:
    bench.window.home.grid_remove()
    made = PickList(bench.root, bench.window.theme, entries, lambda: told.append(1))
    made.grid(row=1, column=0, sticky="nsew")
    bench.pump(made.view.winfo_viewable)
    bench.settle()
    return made


told: list[int] = []


@pytest.fixture
def tree(bench: Bench) -> PickList:
    """Return a list with a folder in a folder, and a file beside them."""
    told.clear()
    return listed(bench, TREE)


def test_everything_is_ticked_at_first(tree: PickList) -> None:
    assert tree.lines() == [
        ("☑ trip/", ""),
        ("☑ trip/day/", ""),
        ("☑ trip/day/a.jpg", "10 bytes"),
        ("☑ trip/b.jpg", "20 bytes"),
        ("☑ c.txt", "40 bytes"),
    ]
    assert (tree.ticked_files, tree.ticked_size) == (3, 70)


def test_a_folder_goes_with_all_that_is_in_it(tree: PickList) -> None:
    tree.toggle(0)
    assert tree.declined == {0, 1, 2, 3}
    assert (tree.ticked_files, tree.ticked_size) == (1, 40)
    assert told == [1]


def test_a_file_comes_back_with_the_folders_that_it_is_in(tree: PickList) -> None:
    tree.toggle(0)
    tree.toggle(2)
    assert tree.declined == {3}


def test_all_and_none(tree: PickList) -> None:
    tree.tick_all(False)
    assert (tree.ticked_files, tree.ticked_size) == (0, 0)
    tree.tick_all(True)
    assert tree.declined == set()


def test_by_keyboard(bench: Bench, tree: PickList) -> None:
    bench.focus(tree.view)
    bench.key(tree.view, "<End>", "<space>", "<Up>", "<space>")
    assert tree.declined == {4, 3}
    bench.key(tree.view, "<Home>", "<Down>", "<space>")
    assert tree.declined == {4, 3, 1, 2}


def test_by_mouse_on_the_mark_alone(bench: Bench, tree: PickList) -> None:
    box = tree.view.bbox("4")
    assert box
    x, y, _, height = box
    tree.view.event_generate("<Button-1>", x=x + 120, y=y + height // 2)
    assert tree.declined == set()
    tree.view.event_generate("<Button-1>", x=x + 8, y=y + height // 2)
    assert tree.declined == {4}


def test_twenty_thousand_are_as_many_lines_as_fit(bench: Bench) -> None:
    made = listed(bench, camera().entries)
    lines = len(made.lines())
    assert lines < 60
    assert made._bar.winfo_viewable()
    bench.focus(made.view)
    bench.key(made.view, "<End>")
    assert made.lines()[-1][0].endswith("IMG_19997.jpg")
    bench.key(made.view, "<Prior>")
    made._bar_moved("moveto", "0.5")
    assert "IMG_09998" in made.lines()[0][0]
    made._bar_moved("scroll", "1", "units")
    assert "IMG_09999" in made.lines()[0][0]
    made._bar_moved("scroll", "-1", "pages")
    assert "IMG_10000" not in made.lines()[0][0]
    made.view.event_generate("<Button-5>")
    made._bar_moved("moveto", "7")
    assert made.lines()[-1][0].endswith("IMG_19997.jpg")
    made._bar_moved("moveto", "-1")
    assert made.lines()[0][0] == "☑ Holiday/"


def test_a_hostile_name_is_one_line_of_text(bench: Bench) -> None:
    made = listed(
        bench, (Entry("a\u202egpj.exe", 1), Entry("x" * 900 + ".exe", 1), Entry("\u200b", 1))
    )
    first, second, third = (name for name, _ in made.lines())
    assert first == "☑ agpj.exe"
    assert second.endswith("xxxx.exe")
    assert "…" in second
    assert third == "☑ Unnamed file"
