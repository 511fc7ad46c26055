"""Rows that moved are found, and a picture made by the copy is the new one."""

from hypothesis import given, strategies

from proxim.core.screen.scrolling import LEAST_ROWS, Scrolled, find_scrolling


def shown(old: list[int], new: list[int], found: Scrolled) -> list[int]:
    """Return the rows that whoever sees has after the copy, and after what is sent."""
    rows = list(old)
    rows[found.start : found.end] = old[found.start + found.distance : found.end + found.distance]
    for first, end in found.others:
        rows[first:end] = new[first:end]
    return rows


@given(
    strategies.integers(LEAST_ROWS, 400),
    strategies.integers(-120, 120).filter(bool),
    strategies.lists(strategies.tuples(strategies.integers(0, 399), strategies.integers(1, 9))),
)
def test_the_copy_and_the_rest_are_the_new_picture(
    rows: int, distance: int, changed: list[tuple[int, int]]
) -> None:
    paper = list(range(1000, 1000 + rows + 240))
    old = paper[120 : 120 + rows]
    new = paper[120 + distance : 120 + distance + rows]
    for row, value in changed[: rows // 8]:
        new[row % rows] = value
    found = find_scrolling(old, new)
    assert found is not None
    assert found.distance == distance
    assert shown(old, new, found) == new
    # Less is sent than there is.
    assert sum(end - first for first, end in found.others) < rows


def test_a_page_that_was_scrolled_with_two_changed_places() -> None:
    old = list(range(300))
    new = [*old[40:], *range(1000, 1040)]
    for row in (100, 104, 200):
        new[row] = 5000 + row
    found = find_scrolling(old, new)
    # Rows that are near each other are sent together.
    assert found == Scrolled(40, 0, 260, ((100, 105), (200, 201), (260, 300)))
    assert shown(old, new, found) == new


def test_what_stands_still_around_what_moved_is_neither_moved_nor_sent() -> None:
    head, foot = list(range(5000, 5007)), list(range(6000, 6005))
    old = [*head, *range(300), *foot]
    new = [*head, *range(17, 317), *foot]
    found = find_scrolling(old, new)
    assert found == Scrolled(17, 7, 290, ((290, 307),))
    assert shown(old, new, found) == new
    back = find_scrolling(new, old)
    assert back == Scrolled(-17, 24, 307, ((7, 24),))
    assert shown(new, old, back) == old


def test_what_is_no_scrolling() -> None:
    old = list(range(300))
    assert find_scrolling(old, old) is None
    assert find_scrolling(old[:100], list(range(5, 105))) is None
    # Another picture.
    assert find_scrolling(old, list(range(1000, 1300))) is None
    # Empty paper looks the same wherever it is moved.
    assert find_scrolling([1] * 150 + [2] * 150, [2] * 300) is None
    # Too few agree.
    assert find_scrolling(old, list(range(10, 60)) + list(range(1000, 1250))) is None


@given(
    strategies.lists(strategies.integers(0, 5), min_size=160, max_size=200),
    strategies.lists(strategies.integers(0, 5), min_size=200, max_size=200),
)
def test_it_is_right_or_silent_for_any_rows(old: list[int], new: list[int]) -> None:
    new = new[: len(old)]
    found = find_scrolling(old, new)
    assert found is None or shown(old, new, found) == new
