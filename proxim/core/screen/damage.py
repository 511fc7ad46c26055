"""What of a screen has to be sent again: rectangles that changed, merged and cut into tiles."""

from collections.abc import Iterable, Iterator
from typing import Final

from proxim.core.screen.updates import Rectangle

# Changes are counted in squares of so many pixels: a letter, a pointer. Many small rectangles cost
# more than the pixels that a coarser grid adds.
GRID: Final = 16
# Two rectangles are sent as one if that adds less than this share, or so many pixels (64 x 64).
MERGE_SHARE: Final = 0.15
MERGE_PIXELS: Final = 4096
# No more rectangles than this; then the nearest are merged whatever it adds.
MOST_RECTANGLES: Final = 12
# Each is compared with each other again and again, which takes 10 ms for so many and seconds for
# 200: of more, those that lie in the same square of the screen are merged before, and the squares
# are doubled until that is enough.
MOST_COMPARED: Final = 32
SQUARE: Final = 128
# Tiles of so many rows are compressed at the same time, and the first is drawn while the next
# arrives. 270 rows are a quarter of 1080.
STRIPE_ROWS: Final = 270
# A last stripe of less than this share is sent together with the one before it.
SMALL_STRIPE: Final = 0.3


def union(one: Rectangle, other: Rectangle) -> Rectangle:
    """Return the smallest rectangle that contains both."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    return Rectangle(x, y, max(one.right, other.right) - x, max(one.bottom, other.bottom) - y)


def merged(changed: Iterable[Rectangle], width: int, height: int) -> list[Rectangle]:
    """Return few rectangles within a monitor of this size that contain all that changed.

    A changed rectangle may be empty, or reach beyond the monitor.
    """
    boxes = [box for one in changed if (box := _on_grid(one, width, height)) is not None]
    side = SQUARE
    while len(boxes) > MOST_COMPARED:
        squares: dict[tuple[int, int], Rectangle] = {}
        for box in boxes:
            square = box.x // side, box.y // side
            squares[square] = union(squares[square], box) if square in squares else box
        boxes = list(squares.values())
        side *= 2
    while (pair := _worth_merging(boxes)) is not None:
        first, second = pair
        boxes[first] = union(boxes[first], boxes[second])
        del boxes[second]
    return boxes


def stripes(place: Rectangle) -> Iterator[Rectangle]:
    """Cut a rectangle into stripes that are compressed side by side, from top to bottom."""
    y = place.y
    while y < place.bottom:
        rows = place.bottom - y
        if rows > STRIPE_ROWS * (1 + SMALL_STRIPE):
            rows = STRIPE_ROWS
        yield Rectangle(place.x, y, place.width, rows)
        y += rows


def _on_grid(one: Rectangle, width: int, height: int) -> Rectangle | None:
    x, y = max(0, one.x // GRID * GRID), max(0, one.y // GRID * GRID)
    right = min(width, -(-one.right // GRID) * GRID)
    bottom = min(height, -(-one.bottom // GRID) * GRID)
    if one.area <= 0 or right <= x or bottom <= y:
        return None
    return Rectangle(x, y, right - x, bottom - y)


def _worth_merging(boxes: list[Rectangle]) -> tuple[int, int] | None:
    """Return the indexes of the two rectangles whose merging adds least, if it is worth it."""
    best: tuple[int, int] | None = None
    least = float("inf")
    for first, one in enumerate(boxes):
        for second in range(first + 1, len(boxes)):
            other = boxes[second]
            together = one.area + other.area
            added = union(one, other).area - together
            if added < least and (
                added <= MERGE_SHARE * together + MERGE_PIXELS or len(boxes) > MOST_RECTANGLES
            ):
                best, least = (first, second), added
    return best
