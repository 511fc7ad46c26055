"""Finds what changed on the screen where the system does not say: by comparing two pictures of it.

Two equal pictures of 1920x1080 take a millisecond, and two that differ everywhere a few.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from proxim.core.screen.damage import GRID
from proxim.core.screen.updates import Rectangle
from proxim.io.screen.pixels import PIXEL_BYTES, Picture

# Cells as wide as some letters: narrower ones take longer to compare than they save bytes.
CELL_WIDTH: Final = 64


def differences(old: bytes, new: bytes, width: int, height: int) -> list[Rectangle]:
    """Return where two pictures of this size differ, in few rectangles that do not overlap.

    Both have PIXEL_BYTES for each pixel and nothing between the rows.
    """
    if old == new:
        return []
    found: list[Rectangle] = []
    # What changed in the rows above reaches down as long as the same columns change.
    open_runs: dict[tuple[int, int], Rectangle] = {}
    for y in range(0, height, GRID):
        rows = min(GRID, height - y)
        runs: dict[tuple[int, int], Rectangle] = {}
        for left, right in _changed_columns(old, new, width, y, rows):
            above = open_runs.pop((left, right), None)
            top = y if above is None else above.y
            runs[left, right] = Rectangle(left, top, right - left, y + rows - top)
        found += open_runs.values()
        open_runs = runs
    return [*found, *open_runs.values()]


def _changed_columns(
    old: bytes, new: bytes, width: int, y: int, rows: int
) -> Iterator[tuple[int, int]]:
    """Yield from which column to which other these rows differ, from left to right."""
    stride = width * PIXEL_BYTES
    start, end = y * stride, (y + rows) * stride
    # Slices of bytes are compared by memcmp, memoryviews byte by byte.
    before, after = old[start:end], new[start:end]
    if before == after:
        return
    size = CELL_WIDTH * PIXEL_BYTES
    left: int | None = None
    for column in range(0, stride, size):
        last = min(column + size, stride)
        changed = any(
            before[row + column : row + last] != after[row + column : row + last]
            for row in range(0, rows * stride, stride)
        )
        if changed and left is None:
            left = column
        elif not changed and left is not None:
            yield left // PIXEL_BYTES, column // PIXEL_BYTES
            left = None
    if left is not None:
        yield left // PIXEL_BYTES, width


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole picture of a monitor or desktop, with nothing between its rows."""

    width: int
    height: int
    pixels: bytes = field(repr=False)

    @classmethod
    def from_rows(cls, width: int, height: int, stride: int, pixels: bytes) -> "Frame":
        """Return the frame of pixels whose rows begin `stride` bytes apart."""
        row = width * PIXEL_BYTES
        if stride == row:
            return cls(width, height, pixels[: row * height])
        starts = range(0, height * stride, stride)
        return cls(width, height, b"".join(pixels[start : start + row] for start in starts))


class ComparedPicture:
    """A picture made of one whole frame for each source, one below the other.

    A source is the desktop, or one of its monitors where the system shows each for itself: their
    pixels may be of different sizes, so the true arrangement would be no picture.
    """

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self._places: dict[int, Rectangle] = {}
        self._width = 0
        self._shown = bytearray()

    @property
    def picture(self) -> Picture:
        """The pixels that `copy` has copied."""
        height = sum(place.height for place in self._places.values())
        return Picture(self._width, height, memoryview(self._shown))

    def place_of(self, source: int) -> Rectangle | None:
        """Return where a source's frame is in the picture; None before its first frame."""
        return self._places.get(source)

    def changes(self, source: int, frame: Frame) -> tuple[Rectangle, ...]:
        """Take a source's newest frame, and return what is new in the picture.

        That is everything after the size of a source has changed.
        """
        before, self._frames[source] = self._frames.get(source), frame
        if before is None or (before.width, before.height) != (frame.width, frame.height):
            return self._arrange()
        place = self._places[source]
        return tuple(
            Rectangle(one.x, place.y + one.y, one.width, one.height)
            for one in differences(before.pixels, frame.pixels, frame.width, frame.height)
        )

    def forget(self, source: int) -> tuple[Rectangle, ...]:
        """Leave out a source that is gone, and return what is new in the picture."""
        if self._frames.pop(source, None) is None:
            return ()
        return self._arrange()

    def copy(self, place: Rectangle) -> None:
        """Copy a part of the newest frames into `picture`, and perhaps what is beside it."""
        stride = self._width * PIXEL_BYTES
        for source, its in self._places.items():
            pixels, row = self._frames[source].pixels, its.width * PIXEL_BYTES
            top, bottom = max(place.y, its.y) - its.y, min(place.bottom, its.bottom) - its.y
            if row == stride and top < bottom:
                # Whole rows lie together.
                start = its.y * stride
                self._shown[start + top * row : start + bottom * row] = pixels[
                    top * row : bottom * row
                ]
                continue
            for y in range(top, bottom):
                start = (its.y + y) * stride
                self._shown[start : start + row] = pixels[y * row : (y + 1) * row]

    def _arrange(self) -> tuple[Rectangle, ...]:
        self._places.clear()
        y = 0
        for source in sorted(self._frames):
            frame = self._frames[source]
            self._places[source] = Rectangle(0, y, frame.width, frame.height)
            y += frame.height
        self._width = max((frame.width for frame in self._frames.values()), default=0)
        self._shown = bytearray(self._width * y * PIXEL_BYTES)
        return tuple(self._places.values())
