"""Rectangles that changed are merged and cut, and none is lost."""

import pytest
from hypothesis import given, strategies

from proxim.core.screen import damage
from proxim.core.screen.damage import (
    GRID,
    MOST_COMPARED,
    MOST_RECTANGLES,
    STRIPE_ROWS,
    merged,
    stripes,
    union,
)
from proxim.core.screen.updates import Rectangle

WIDTH, HEIGHT = 1920, 1080

ANY = strategies.builds(
    Rectangle,
    strategies.integers(-50, WIDTH + 50),
    strategies.integers(-50, HEIGHT + 50),
    strategies.integers(-5, 400),
    strategies.integers(-5, 400),
)


def contains(box: Rectangle, x: int, y: int) -> bool:
    return box.x <= x < box.right and box.y <= y < box.bottom


@given(strategies.lists(ANY, max_size=100))
def test_all_that_changed_is_within_few_rectangles(changed: list[Rectangle]) -> None:
    boxes = merged(changed, WIDTH, HEIGHT)
    assert len(boxes) <= MOST_RECTANGLES
    for box in boxes:
        assert 0 <= box.x < box.right <= WIDTH
        assert 0 <= box.y < box.bottom <= HEIGHT
        assert box.x % GRID == box.y % GRID == 0
    for one in changed:
        for x, y in ((one.x, one.y), (one.right - 1, one.bottom - 1)):
            if one.area > 0 and one.width > 0 and 0 <= x < WIDTH and 0 <= y < HEIGHT:
                assert any(contains(box, x, y) for box in boxes)


def test_neighbours_are_one_and_strangers_are_two() -> None:
    near = [Rectangle(0, 0, 100, 20), Rectangle(100, 0, 100, 20)]
    assert merged(near, WIDTH, HEIGHT) == [Rectangle(0, 0, 208, 32)]
    far = [Rectangle(0, 0, 16, 16), Rectangle(1600, 1008, 16, 16)]
    assert merged(far, WIDTH, HEIGHT) == far


def test_very_many_are_merged_with_their_neighbours() -> None:
    many = [Rectangle(16 * one, 0, 1, 1) for one in range(100)] * 3
    assert len(many) > MOST_COMPARED
    assert merged(many, WIDTH, HEIGHT) == [Rectangle(0, 0, 1600, 16)]
    # Two windows in opposite corners do not make all of the screen change.
    corners = [
        Rectangle(x + 48 * column, y + 48 * row, 16, 16)
        for x, y in ((0, 0), (1600, 800))
        for column in range(5)
        for row in range(5)
    ]
    assert merged(corners, WIDTH, HEIGHT) == [
        Rectangle(0, 0, 208, 208),
        Rectangle(1600, 800, 208, 208),
    ]


def test_many_strewn_over_the_screen_are_merged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counting(one: Rectangle, other: Rectangle) -> Rectangle:
        nonlocal made
        made += 1
        return union(one, other)

    monkeypatch.setattr(damage, "union", counting)
    strewn = [Rectangle(97 * number % WIDTH, 211 * number % HEIGHT, 8, 8) for number in range(200)]
    assert len(merged(strewn, WIDTH, HEIGHT)) <= MOST_RECTANGLES
    # Each took some microseconds: a million of them were seconds in which nothing was shown.
    assert made < 10_000


def test_what_did_not_change_on_the_monitor_is_nothing() -> None:
    empty, beyond = Rectangle(5, 5, 0, 9), Rectangle(WIDTH + 16, 0, 20, 20)
    assert merged([empty, beyond], WIDTH, HEIGHT) == []


def test_a_tall_part_is_cut_into_stripes() -> None:
    assert list(stripes(Rectangle(3, 1, 7, 600))) == [
        Rectangle(3, 1, 7, 270),
        # The rest is too small to be one of its own.
        Rectangle(3, 271, 7, 330),
    ]


@given(strategies.integers(0, 100), strategies.integers(1, 3000))
def test_stripes_are_the_whole_without_slivers(y: int, rows: int) -> None:
    cut = list(stripes(Rectangle(3, y, 7, rows)))
    assert [one.y for one in cut] == [y, *(one.bottom for one in cut[:-1])]
    assert cut[-1].bottom == y + rows
    assert all((one.x, one.width) == (3, 7) for one in cut)
    assert all(one.height == STRIPE_ROWS for one in cut[:-1])
    assert len(cut) == 1 or cut[-1].height > 0.3 * STRIPE_ROWS
