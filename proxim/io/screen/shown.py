"""A monitor as whoever sees it has it, and the tiles that bring it up to date.

The copy of the pixels that is kept here is compared with the screen, since programs draw more often
than they change something. Tiles are made of the copy, so that a part that is sharpened later is
the one that was sent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from operator import eq
from typing import Final

from PIL import Image, ImageChops

from proxim.core.screen.damage import MOST_RECTANGLES, merged, stripes
from proxim.core.screen.messages import Monitor
from proxim.core.screen.scrolling import (
    LEAST_COLUMNS,
    LEAST_ROWS,
    find_scrolling,
    joined_rows,
)
from proxim.core.screen.updates import (
    MAX_PIXELS,
    MAX_SIDE,
    MAX_TIMES_DRAWN,
    Format,
    Rectangle,
    Tile,
    copy,
)
from proxim.io.screen.capture import Capture
from proxim.io.screen.pixels import (
    PIXEL_BYTES,
    SAMPLED_ROWS,
    Look,
    Picture,
    moving_tile,
    row_checksums,
    still_tile,
)

# What was sent as JPEG is sharpened in cells of so many pixels: lossless, one takes some ms of a
# slow link.
CELL_WIDTH: Final = 320
CELL_HEIGHT: Final = 64
# A cell is sharpened when it has stood still for so long; a film stands still for 40 ms.
REST_SECONDS: Final = 0.25
# The pixels of a part that is as large as this, and moves, are copied when it has stopped: until
# then nobody asks for them, and to copy them takes as long as to find out how they moved.
LARGE_PIXELS: Final = 100_000
# But each time that it has moved so often they are copied nevertheless: what begins to scroll
# between columns that stand still is found by them only.
SETTLED_EVERY: Final = 8
# So many cells are sharpened at once, two for each encoder.
CELLS_AT_ONCE: Final = 4
# The checksums of so many parts are kept: as many as change at once.
KEPT_PARTS: Final = MOST_RECTANGLES
# So few pixels, a film of 1280x720, are compressed where they were compared: Pillow keeps Python's
# lock while it makes a JPEG, so that two threads take as long as one, and wait for each other.
FEW_PIXELS: Final = 1_000_000
# What is more than that comes in so many portions. Whoever sees has at most four updates waiting
# (MOST_UPDATES), and a page no more than eight.
PORTIONS: Final = 4
# In more pixels than this it costs more to look for those columns that have changed than it saves.
MOST_COMPARED_PIXELS: Final = 400_000

_Cell = tuple[int, int]
_Rows = Sequence[memoryview]


@dataclass(frozen=True, slots=True)
class _Change:
    """What a changed part of the screen needs: tiles that copy, and places to be drawn."""

    place: Rectangle
    copies: tuple[Tile, ...]
    drawn: tuple[Rectangle, ...]
    # The part's new rows, and their checksums.
    rows: _Rows
    checksums: list[int]
    # Those places of it whose pixels in the copy are others now.
    differs: tuple[Rectangle, ...]

    @property
    def moves(self) -> bool:
        """Whether all of it was scrolled, or most of it is new, as where a film runs.

        What was scrolled between columns that stand still is only found in the pixels.
        """
        area = self.place.area
        if self.copies:
            return area >= LARGE_PIXELS and self.copies[0].place.width == self.place.width
        return area >= LARGE_PIXELS and 2 * sum(place.area for place in self.drawn) > area


class ShownMonitor:
    """The pixels of one monitor that somebody sees; at first all of it is black."""

    def __init__(self, monitor: Monitor, pool: ThreadPoolExecutor) -> None:
        self.monitor = monitor
        self._pool = pool
        # A larger monitor is shown in every second, third.. pixel.
        self.reduced = 1
        while not _fits(monitor, self.reduced):
            self.reduced += 1
        self.width = monitor.width // self.reduced
        self.height = monitor.height // self.reduced
        self._picture = Picture(
            self.width, self.height, memoryview(bytearray(self.width * self.height * PIXEL_BYTES))
        )
        # The parts that changed lately, and the checksums of their rows: what moves does so for
        # long.
        self._checksums: dict[Rectangle, list[int]] = {}
        # The parts that move, whose pixels are not in the copy yet, but in what was grabbed last.
        self._owed: dict[Rectangle, Picture] = {}
        # How often each of them has moved before, without a rest.
        self._moving: dict[Rectangle, int] = {}
        # When so much changed last that it was handed to the encoders.
        self._large_at = float("-inf")
        # The cells that are not as on the screen, and when they changed last.
        self._blurred: dict[_Cell, float] = {}

    def place_of(self, changed: Rectangle) -> Rectangle:
        """Return where a part of the desktop is shown; it may reach beyond the monitor."""
        left, top = changed.x - self.monitor.x, changed.y - self.monitor.y
        x, y = left // self.reduced, top // self.reduced
        right = -(-(left + changed.width) // self.reduced)
        bottom = -(-(top + changed.height) // self.reduced)
        return Rectangle(x, y, right - x, bottom - y)

    # --- what has changed -------------------------------------------------------------------------

    def update(
        self,
        capture: Capture,
        changed: Iterable[Rectangle],
        look: Callable[[int], Look],
        now: float,
    ) -> Iterator[list[Tile]]:
        """Return the tiles that show the changed parts of the desktop as they are now.

        All of them are to be shown at once, unless they come in several portions: the first can be
        on its way while the next is being compressed. They are compressed as they are taken, and
        have to be taken before the next call of anything here.
        `look` tells how well so many pixels are pictured. Nothing is returned if the pixels are
        what they were. Raises CaptureError.
        """
        boxes = merged(map(self.place_of, changed), self.width, self.height)
        moving = self._moving_on(boxes)
        for rows in _rows_of(boxes):
            self._grab(capture, rows)
        changes = [
            self._compared(box, self._screen_rows(capture, box), box in moving) for box in boxes
        ]
        for one in changes:
            self._keep(one, capture, boxes)
        self._keep_checksums(changes)
        copies = [tile for one in changes for tile in one.copies]
        drawn = [place for one in changes for place in one.drawn]
        pixels = sum(one.area for one in drawn)
        if (
            pixels + sum(tile.place.area for tile in copies)
            > MAX_TIMES_DRAWN * self.width * self.height
        ):
            # Parts that overlap have changed everywhere.
            self._settle()
            copies, drawn = [], [Rectangle(0, 0, self.width, self.height)]
        parts = [part for place in drawn for part in stripes(place)]
        return self._compressed(copies, parts, look(pixels), now)

    def _compressed(
        self, copies: list[Tile], parts: list[Rectangle], look: Look, now: float
    ) -> Iterator[list[Tile]]:
        """Yield portions of tiles: one, or several if much has changed after a rest."""
        pixels = sum(part.area for part in parts)
        portions = 1
        if pixels > FEW_PIXELS:
            if now - self._large_at >= REST_SECONDS:
                # Of a film each picture would be torn.
                portions = min(PORTIONS, len(parts))
            self._large_at = now
        spread = map if pixels <= FEW_PIXELS else self._pool.map
        tiles = iter(spread(lambda part: self._moving_tile(part, look), parts))
        left = len(parts)
        for more in range(portions, 0, -1):
            portion = list(islice(tiles, left // more))
            left -= len(portion)
            self._note(copies, portion, now)
            if copies or portion:
                yield [*copies, *portion]
            copies = []

    def _moving_tile(self, place: Rectangle, look: Look) -> Tile:
        for part, picture in self._owed.items():
            if _contains(part, place):
                there = _moved(place, self.monitor.x, self.monitor.y)
                return replace(moving_tile(picture, there, look), place=place)
        return moving_tile(self._picture, place, look)

    # --- pixels that are copied later -------------------------------------------------------------

    def _moving_on(self, boxes: list[Rectangle]) -> set[Rectangle]:
        """Copy what was left out, before other pixels come; return those parts that move on.

        What those parts showed is nowhere any more, but for the checksums.
        """
        times = {place: self._moving.get(place, 0) for place in self._owed}
        moving = {
            place
            for place, before in times.items()
            # A part that changed once, like a page that was opened, need not move.
            if before % SETTLED_EVERY
            and place in boxes
            and place in self._checksums
            and _is_apart(place, boxes)
        }
        for place in moving:
            del self._owed[place]
        self._settle()
        self._moving = {place: before + 1 for place, before in times.items()}
        return moving

    def _settle(self) -> None:
        """Copy what was left out."""
        for place, picture in self._owed.items():
            there = _moved(place, self.monitor.x, self.monitor.y)
            for own, row in zip(self._picture.rows(place), picture.rows(there), strict=True):
                own[:] = row
        self._owed.clear()

    def _grab(self, capture: Capture, rows: Rectangle) -> None:
        place = self._on_desktop(capture, rows)
        # A monitor that was pulled out may be beyond the desktop, until that is known.
        if place.area > 0:
            capture.grab(place)

    def _on_desktop(self, capture: Capture, place: Rectangle) -> Rectangle:
        """Return the pixels of the desktop that are shown here, as far as there are any."""
        picture = capture.picture
        x = min(picture.width, self.monitor.x + place.x * self.reduced)
        y = min(picture.height, self.monitor.y + place.y * self.reduced)
        right = min(picture.width, self.monitor.x + place.right * self.reduced)
        bottom = min(picture.height, self.monitor.y + place.bottom * self.reduced)
        return Rectangle(x, y, right - x, bottom - y)

    def _screen_rows(self, capture: Capture, box: Rectangle) -> _Rows:
        """Return the rows of a part as they are on the screen now."""
        there = self._on_desktop(capture, box)
        rows = capture.picture.rows(there)
        wanted = box.width * self.reduced, box.height * self.reduced
        if (there.width, there.height) != wanted:
            # The desktop has become smaller, and the monitor's new size comes in a moment.
            lacking = bytes((wanted[0] - there.width) * PIXEL_BYTES)
            rows = [memoryview(bytes(row) + lacking) for row in rows]
            empty = memoryview(bytes(wanted[0] * PIXEL_BYTES))
            rows += [empty] * (wanted[1] - there.height)
        if self.reduced == 1:
            return rows
        whole = _image(rows, wanted[0]).reduce(self.reduced).tobytes()
        size = box.width * PIXEL_BYTES
        return [memoryview(whole)[at : at + size] for at in range(0, len(whole), size)]

    def _compared(self, box: Rectangle, new: _Rows, moving: bool) -> _Change:
        """Find out what is new in a part; of one that is moving, only the checksums are known."""
        before = self._checksums.get(box)
        if before is None:
            before = row_checksums(self._picture.rows(box))
        now = row_checksums(new)
        if before == now:
            return _Change(box, (), (), new, now, (box,) if moving else ())
        large = box.height >= LEAST_ROWS and box.width >= LEAST_COLUMNS
        scrolled = _scrolled(box, before, now) if large else None
        if scrolled is None:
            differ = [row for row, same in enumerate(map(eq, before, now)) if not same]
            if moving:
                return _Change(box, (), tuple(_whole_rows(box, differ)), new, now, (box,))
            old = self._picture.rows(box)
            scrolled = _scrolled_between(box, old, new, differ) if large else None
        if scrolled is not None:
            copies, drawn = scrolled
            return _Change(box, copies, drawn, new, now, (box,))
        narrow = tuple(_narrowed(box, old, new, first, last) for first, last in joined_rows(differ))
        return _Change(box, (), narrow, new, now, narrow)

    def _keep(self, change: _Change, capture: Capture, boxes: list[Rectangle]) -> None:
        """Copy the new pixels, or note that this is to be done later."""
        there = self._on_desktop(capture, change.place)
        is_whole = there == _moved(change.place, self.monitor.x, self.monitor.y)
        if change.moves and self.reduced == 1 and is_whole and _is_apart(change.place, boxes):
            self._owed[change.place] = capture.picture
            return
        for place in change.differs:
            start = (place.x - change.place.x) * PIXEL_BYTES
            end = start + place.width * PIXEL_BYTES
            first = place.y - change.place.y
            new = change.rows[first : first + place.height]
            for own, row in zip(self._picture.rows(place), new, strict=True):
                own[:] = row[start:end]

    def _keep_checksums(self, changes: Sequence[_Change]) -> None:
        """Keep the checksums of what is shown now, and forget those of what was there."""
        for change in changes:
            for place in [one for one in self._checksums if _overlap(one, change.place)]:
                del self._checksums[place]
        for change in changes:
            self._checksums[change.place] = change.checksums
        while len(self._checksums) > KEPT_PARTS:
            del self._checksums[next(iter(self._checksums))]

    # --- what is to be sharpened ------------------------------------------------------------------

    def _note(self, copies: list[Tile], tiles: list[Tile], now: float) -> None:
        """Note which cells are blurred now."""
        # Where nothing is blurred, nothing blurred is copied.
        moved = copies if self._blurred else []
        copied = [cell for tile in moved for cell in self._copied_blurs(tile)]
        self._blurred.update(dict.fromkeys(copied, now))
        for tile in tiles:
            if tile.format is Format.JPEG:
                self._blurred.update(dict.fromkeys(_cells(tile.place), now))
                continue
            for cell in _cells(tile.place):
                if cell in self._blurred:
                    if _contains(tile.place, self._place_of_cell(cell)):
                        del self._blurred[cell]
                    else:
                        self._blurred[cell] = now

    def _copied_blurs(self, tile: Tile) -> Iterator[_Cell]:
        """Yield the cells to which a blur was copied."""
        x, y = tile.copied_from
        for cell in _cells(tile.place):
            place = self._place_of_cell(cell)
            left, top = place.x + x - tile.place.x, place.y + y - tile.place.y
            source = Rectangle(left, top, place.width, place.height)
            if any(one in self._blurred for one in _cells(source)):
                yield cell

    def rests_at(self) -> float | None:
        """Return when the next cell may be sharpened; None if there is none."""
        return min(self._blurred.values()) + REST_SECONDS if self._blurred else None

    def sharpen(self, now: float) -> list[Tile]:
        """Return tiles of some cells that have stood still, as they are on the screen."""
        still = sorted(cell for cell, at in self._blurred.items() if at + REST_SECONDS <= now)
        if not still:
            return []
        self._settle()
        cells = still[:CELLS_AT_ONCE]
        for cell in cells:
            del self._blurred[cell]
        places = map(self._place_of_cell, cells)
        return list(self._pool.map(lambda place: still_tile(self._picture, place), places))

    def _place_of_cell(self, cell: _Cell) -> Rectangle:
        row, column = cell
        x, y = column * CELL_WIDTH, row * CELL_HEIGHT
        return Rectangle(x, y, min(CELL_WIDTH, self.width - x), min(CELL_HEIGHT, self.height - y))


def _fits(monitor: Monitor, reduced: int) -> bool:
    width, height = monitor.width // reduced, monitor.height // reduced
    return max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS


def _rows_of(boxes: list[Rectangle]) -> Iterator[Rectangle]:
    """Yield boxes that have all rows of these, and each row once."""
    waiting: Rectangle | None = None
    for box in sorted(boxes, key=lambda one: one.y):
        if waiting is None:
            waiting = box
        elif box.y <= waiting.bottom:
            x, bottom = min(waiting.x, box.x), max(waiting.bottom, box.bottom)
            right = max(waiting.right, box.right)
            waiting = Rectangle(x, waiting.y, right - x, bottom - waiting.y)
        else:
            yield waiting
            waiting = box
    if waiting is not None:
        yield waiting


_Scroll = tuple[tuple[Tile, ...], tuple[Rectangle, ...]]


def _scrolled(box: Rectangle, before: list[int], now: list[int]) -> _Scroll | None:
    """Return what copies a part that was scrolled, and what of it must be drawn nevertheless."""
    found = find_scrolling(before, now)
    if found is None:
        return None
    place = Rectangle(box.x, box.y + found.start, box.width, found.end - found.start)
    moved = copy(place, box.x, box.y + found.start + found.distance)
    return (moved,), tuple(
        Rectangle(box.x, box.y + first, box.width, last - first) for first, last in found.others
    )


def _scrolled_between(
    box: Rectangle, old: _Rows, new: _Rows, differ: Sequence[int]
) -> _Scroll | None:
    """Return the same of a part of which only some columns were scrolled.

    Programs often draw their whole window again, and beside what moves something stands still.
    """
    some = differ[:: max(1, len(differ) // SAMPLED_ROWS)]
    left, right = _changed_columns([old[row] for row in some], [new[row] for row in some])
    if right - left < LEAST_COLUMNS or (left, right) == (0, box.width):
        return None
    start, end = left * PIXEL_BYTES, right * PIXEL_BYTES
    before, now = (
        row_checksums([row[start:end] for row in old]),
        row_checksums([row[start:end] for row in new]),
    )
    between = Rectangle(box.x + left, box.y, right - left, box.height)
    scrolled = _scrolled(between, before, now)
    if scrolled is None:
        return None
    copies, drawn = scrolled
    # Rows that were not among the samples may differ beside those columns, too.
    beside = [
        row
        for row in differ
        if old[row][:start] != new[row][:start] or old[row][end:] != new[row][end:]
    ]
    return copies, (*drawn, *_whole_rows(box, beside))


def _whole_rows(box: Rectangle, rows: Sequence[int]) -> Iterator[Rectangle]:
    """Yield the parts of a box that are these rows of it."""
    for first, last in joined_rows(rows):
        yield Rectangle(box.x, box.y + first, box.width, last - first)


def _changed_columns(old: _Rows, new: _Rows) -> tuple[int, int]:
    """Return between which columns rows differ; the same column twice if they do not."""
    width = len(new[0]) // PIXEL_BYTES
    found = ImageChops.difference(_image(old, width), _image(new, width)).getbbox()
    return (0, 0) if found is None else (found[0], found[2])


def _narrowed(box: Rectangle, old: _Rows, new: _Rows, first: int, last: int) -> Rectangle:
    """Return those columns of some rows of a part between which all changes are."""
    place = Rectangle(box.x, box.y + first, box.width, last - first)
    if place.area > MOST_COMPARED_PIXELS:
        return place
    left, right = _changed_columns(old[first:last], new[first:last])
    return Rectangle(box.x + left, place.y, right - left, place.height)


def _image(rows: _Rows, width: int) -> Image.Image:
    """Return rows of pixels as an image of four bands, without a meaning."""
    return Image.frombuffer("RGBX", (width, len(rows)), b"".join(rows), "raw", "RGBX", 0, 1)


def _cells(place: Rectangle) -> Iterator[_Cell]:
    for row in range(place.y // CELL_HEIGHT, -(-place.bottom // CELL_HEIGHT)):
        for column in range(place.x // CELL_WIDTH, -(-place.right // CELL_WIDTH)):
            yield row, column


def _contains(outer: Rectangle, inner: Rectangle) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.bottom
        and other.y < one.bottom
    )


def _is_apart(place: Rectangle, boxes: Iterable[Rectangle]) -> bool:
    """Whether a part shares no pixel with the other parts."""
    return not any(_overlap(place, one) for one in boxes if one != place)


def _moved(place: Rectangle, x: int, y: int) -> Rectangle:
    return Rectangle(place.x + x, place.y + y, place.width, place.height)
