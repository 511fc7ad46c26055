"""Finds out that a part of a screen was scrolled, so that its pixels need not be sent again.

Each row of pixels is known by a checksum. If most rows of the new picture are the old picture's
rows, moved by the same distance, they can be copied, and only the others are sent.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq
from typing import Final

# In smaller parts the rows that move are hardly more than those that are new.
LEAST_ROWS: Final = 160
LEAST_COLUMNS: Final = 320
# If more rows than this share are what they were, something small has changed, and not all.
STANDS_STILL: Final = 0.6
# So many of the rows that can have moved must have moved by the same distance.
AGREE: Final = 0.5
LEAST_AGREEING: Final = 16
# So many rows are asked how far they moved, evenly over the part.
ASKED_ROWS: Final = 150
# Rows to be sent with so few unchanged rows between them are sent together.
NEAR_ROWS: Final = 8


@dataclass(frozen=True, slots=True)
class Scrolled:
    """Rows `start` to `end` of the new picture were `distance` rows below in the old one (above, if
    it is negative). Those in `others` were not, or are beyond and not what they were.
    """

    distance: int
    start: int
    end: int
    # Half-open ranges of rows that have to be sent, in ascending order.
    others: tuple[tuple[int, int], ...]


def find_scrolling(old: Sequence[int], new: Sequence[int]) -> Scrolled | None:
    """Return how a part of the screen was scrolled; None if it was not.

    `old` and `new` are the checksums of the same rows before and now.
    """
    rows = len(new)
    if rows < LEAST_ROWS or sum(map(eq, old, new)) > STANDS_STILL * rows:
        return None
    if set(old).isdisjoint(new):
        # A film: no row of it is ever seen again.
        return None
    # A row that stands at several places, like empty paper, says nothing about the distance.
    seen = Counter(old)
    where = {checksum: row for row, checksum in enumerate(old) if seen[checksum] == 1}
    step = max(1, rows // ASKED_ROWS)
    votes = Counter(
        where[checksum] - row
        for row, checksum in zip(range(0, rows, step), new[::step], strict=True)
        if checksum in where and where[checksum] != row
    )
    if not votes:
        return None
    distance, agreeing = votes.most_common(1)[0]
    agreeing *= step
    if agreeing <= LEAST_AGREEING or agreeing < AGREE * (rows - abs(distance)):
        return None
    start, end = max(0, -distance), min(rows, rows - distance)
    same = list(map(eq, old[start + distance : end + distance], new[start:end]))
    # What stands still above and below is not moved, and so need not be sent.
    start, end = start + same.index(True), end - same[::-1].index(True)
    moved = range(start, end)
    wrong = [row for row in range(rows) if old[row + distance if row in moved else row] != new[row]]
    return Scrolled(distance, start, end, joined_rows(wrong))


def joined_rows(rows: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Join ascending rows to half-open ranges, with small gaps left in them."""
    ranges: list[tuple[int, int]] = []
    for row in rows:
        if ranges and row - ranges[-1][1] < NEAR_ROWS:
            ranges[-1] = (ranges[-1][0], row + 1)
        else:
            ranges.append((row, row + 1))
    return tuple(ranges)
