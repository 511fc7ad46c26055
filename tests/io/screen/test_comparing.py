"""Two pictures are compared: what differs is told, and little else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.screen.updates import Rectangle
from proxim.io.screen.comparing import CELL_WIDTH, ComparedPicture, Frame, differences
from proxim.io.screen.pixels import PIXEL_BYTES

WIDTH, HEIGHT = 200, 70
BLACK = bytes(WIDTH * HEIGHT * PIXEL_BYTES)


def drawn(*places: Rectangle, on: bytes = BLACK) -> bytes:
    pixels = bytearray(on)
    for place in places:
        for row in range(place.y, place.bottom):
            start = (row * WIDTH + place.x) * PIXEL_BYTES
            pixels[start : start + place.width * PIXEL_BYTES] = b"\xff" * place.width * PIXEL_BYTES
    return bytes(pixels)


def contains(box: Rectangle, x: int, y: int) -> bool:
    return box.x <= x < box.right and box.y <= y < box.bottom


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Rectangle(70, 20, 1, 1), Rectangle(64, 16, 64, 16)),
        # Columns and rows at the edges are smaller than a cell.
        (Rectangle(WIDTH - 1, HEIGHT - 1, 1, 1), Rectangle(192, 64, 8, 6)),
        (Rectangle(0, 0, WIDTH, HEIGHT), Rectangle(0, 0, WIDTH, HEIGHT)),
        # Rows and columns that change together are one rectangle.
        (Rectangle(10, 10, 100, 30), Rectangle(0, 0, 128, 48)),
    ],
    ids=str,
)
def test_a_change_is_told_in_one_rectangle(place: Rectangle, told: Rectangle) -> None:
    assert differences(BLACK, drawn(place), WIDTH, HEIGHT) == [told]


def test_nothing_changed() -> None:
    assert differences(BLACK, bytes(BLACK), WIDTH, HEIGHT) == []


def test_two_changes_beside_each_other_are_two() -> None:
    after = drawn(Rectangle(0, 0, 1, 1), Rectangle(150, 3, 1, 1))
    assert differences(BLACK, after, WIDTH, HEIGHT) == [
        Rectangle(0, 0, 64, 16),
        Rectangle(128, 0, 64, 16),
    ]


PLACES = st.builds(
    lambda x, y, width, height: Rectangle(x, y, min(width, WIDTH - x), min(height, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, 90),
    st.integers(1, 40),
)


@given(st.lists(PLACES, max_size=4))
def test_every_pixel_that_differs_is_in_exactly_one_rectangle(places: list[Rectangle]) -> None:
    found = differences(BLACK, drawn(*places), WIDTH, HEIGHT)
    for place in places:
        corners = [(place.x, place.y), (place.right - 1, place.bottom - 1)]
        assert all(sum(contains(box, x, y) for box in found) == 1 for x, y in corners)
    # No more than whole cells around what changed.
    assert sum(box.area for box in found) <= sum(
        (place.width + 2 * CELL_WIDTH) * (place.height + 32) for place in places
    )


def test_rows_with_something_between_them_are_packed() -> None:
    rows = b"".join(bytes([row]) * 8 + b"pad!" for row in range(3))
    assert Frame.from_rows(2, 3, 12, rows).pixels == bytes([*([0] * 8), *([1] * 8), *([2] * 8)])
    assert Frame.from_rows(3, 3, 12, rows).pixels == rows


def test_the_picture_is_what_was_copied() -> None:
    compared = ComparedPicture()
    whole = Rectangle(0, 0, WIDTH, HEIGHT)
    assert compared.changes(0, Frame(WIDTH, HEIGHT, BLACK)) == (whole,)
    after = drawn(Rectangle(3, 2, 1, 1), Rectangle(3, 60, 1, 1))
    assert len(compared.changes(0, Frame(WIDTH, HEIGHT, after))) == 2
    assert bytes(compared.picture.pixels) == BLACK
    compared.copy(Rectangle(0, 0, 16, 16))
    assert bytes(compared.picture.pixels) == drawn(Rectangle(3, 2, 1, 1))
    compared.copy(whole)
    assert bytes(compared.picture.pixels) == after
    # A monitor that was turned begins anew.
    assert compared.changes(0, Frame(HEIGHT, WIDTH, after)) == (Rectangle(0, 0, HEIGHT, WIDTH),)
    assert (compared.picture.width, compared.picture.height) == (HEIGHT, WIDTH)


def test_monitors_of_different_sizes_are_one_below_the_other() -> None:
    compared = ComparedPicture()
    wide, narrow = Rectangle(0, 0, 4, 2), Rectangle(0, 2, 3, 3)
    assert compared.place_of(1) is None
    assert compared.changes(1, Frame(4, 2, b"a" * 32)) == (wide,)
    # Everything is new when one more comes.
    assert compared.changes(2, Frame(3, 3, b"b" * 36)) == (wide, narrow)
    compared.copy(wide)
    compared.copy(narrow)
    rows = [b"a" * 16] * 2 + [b"b" * 12 + bytes(4)] * 3
    assert bytes(compared.picture.pixels) == b"".join(rows)
    # What changes in one is told in the picture's coordinates, and nothing else is copied.
    assert compared.changes(2, Frame(3, 3, b"b" * 24 + b"c" * 12)) == (Rectangle(0, 2, 3, 3),)
    compared.copy(Rectangle(0, 4, 3, 1))
    rows[4] = b"c" * 12 + bytes(4)
    assert bytes(compared.picture.pixels) == b"".join(rows)
    # One that is gone leaves no hole.
    assert compared.forget(1) == (Rectangle(0, 0, 3, 3),)
    assert compared.place_of(2) == Rectangle(0, 0, 3, 3)
    assert compared.forget(1) == ()
    assert compared.forget(2) == ()
    assert compared.picture.height == 0
