"""The format of the pictures of a shared screen on their channel: updates, and the mouse pointer.

```
message = kind u8 | rest                                                    big-endian
kind 0 PIECE    a part of an update, and more of it follows in the next message
     1 LAST     the last part of an update
     2 SHAPE    shape u16 | width height x y u16 | PNG      how the pointer looks, with its hot spot
     3 POINTER  shape u16 | x y i32                         where it is, and its shape (0: hidden)
     4 CANVAS   monitor u32 | width height u16              what all that follows is a picture of
     5 DELAY    milliseconds u16                            from the change to its acknowledgement
update  = number u32 | count u16 | count x tile
tile    = x y width height u16 | format u8 | length u32 | bytes
format 1 JPEG   2 PNG   3 COPY: from_x from_y u16, and this tile is what was there before the update
```
A CANVAS comes first, and again with each other monitor or size; it begins black, and an update
follows it, be it of no tiles. Positions are its pixels. The tiles of one update are shown at once,
those that copy first. Whoever sees answers an update with its number, u32, when it and all before
it are drawn.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError

# A browser accepts 64 KiB where the SDP names no maximum (RFC 8841, 6.1).
PIECE_BYTES: Final = 60_000
# An update is a part of what a screen shows; whole 4K screens of noise are smaller as JPEG.
MAX_UPDATE_BYTES: Final = 16 * 1024 * 1024
# Larger monitors are made smaller.
MAX_SIDE: Final = 8192
# An 8K monitor; whoever sees keeps four bytes of each pixel.
MAX_PIXELS: Final = 7680 * 4320
# An update shows no pixel more than twice: once copied, and once drawn over that.
MAX_TIMES_DRAWN: Final = 2
# Pointers are 64 pixels large at 200 %, and some people make them larger.
MAX_POINTER_SIDE: Final = 512
# Whoever sees keeps so many of the shapes that came last; a shape that is older comes again.
KEPT_SHAPES: Final = 32

_UPDATE: Final = struct.Struct(">IH")
_TILE: Final = struct.Struct(">HHHHBI")
_COPY: Final = struct.Struct(">HH")
_SHAPE: Final = struct.Struct(">HHHHH")
_POINTER: Final = struct.Struct(">Hii")
_CANVAS: Final = struct.Struct(">IHH")
_DELAY: Final = struct.Struct(">H")
_NUMBER: Final = struct.Struct(">I")


class Kind(IntEnum):
    """The kinds of messages on the channel."""

    PIECE = 0
    LAST = 1
    SHAPE = 2
    POINTER = 3
    CANVAS = 4
    DELAY = 5


class Format(IntEnum):
    """How the pixels of a tile are given."""

    JPEG = 1
    PNG = 2
    COPY = 3


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of the monitor, in its pixels; `x` and `y` are its left upper corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return self.width * self.height

    @property
    def right(self) -> int:
        """The first column that is beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row that is beyond it."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Tile:
    """New pixels of a part of the monitor."""

    place: Rectangle
    format: Format
    content: bytes = field(repr=False)

    @property
    def copied_from(self) -> tuple[int, int]:
        """The left upper corner of what a COPY copies."""
        x, y = _COPY.unpack(self.content)
        return x, y


def copy(place: Rectangle, from_x: int, from_y: int) -> Tile:
    """Return the tile that shows at `place` what is elsewhere now."""
    return Tile(place, Format.COPY, _COPY.pack(from_x, from_y))


@dataclass(frozen=True, slots=True)
class Update:
    """Tiles that are shown at once."""

    number: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class PointerShape:
    """What the mouse pointer looks like; `x` and `y` are its hot spot within the picture."""

    id: int
    width: int
    height: int
    x: int
    y: int
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse pointer is. The shape 0 means that the screen shows none."""

    shape: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is shown from now on: a monitor, by its id in ScreenState, in so many pixels."""

    monitor: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Delay:
    """How long it took lately from a change on the screen until its picture was acknowledged."""

    milliseconds: int


PictureMessage = Update | PointerShape | Pointer | Canvas | Delay


def pack_update(update: Update) -> Iterator[bytes]:
    """Yield the messages that carry an update, in order."""
    parts = [_UPDATE.pack(update.number, len(update.tiles))]
    for tile in update.tiles:
        place = tile.place
        parts.append(
            _TILE.pack(place.x, place.y, place.width, place.height, tile.format, len(tile.content))
        )
        parts.append(tile.content)
    whole = b"".join(parts)
    for start in range(0, len(whole), PIECE_BYTES):
        last = start + PIECE_BYTES >= len(whole)
        yield bytes([Kind.LAST if last else Kind.PIECE]) + whole[start : start + PIECE_BYTES]


def pack_shape(shape: PointerShape) -> bytes:
    """Return the message that carries a shape of the pointer."""
    head = _SHAPE.pack(shape.id, shape.width, shape.height, shape.x, shape.y)
    return bytes([Kind.SHAPE]) + head + shape.png


def pack_pointer(pointer: Pointer) -> bytes:
    """Return the message that carries the pointer's place."""
    return bytes([Kind.POINTER]) + _POINTER.pack(pointer.shape, pointer.x, pointer.y)


def pack_canvas(canvas: Canvas) -> bytes:
    """Return the message that says what is shown from now on."""
    return bytes([Kind.CANVAS]) + _CANVAS.pack(canvas.monitor, canvas.width, canvas.height)


def pack_delay(seconds: float) -> bytes:
    """Return the message that carries a Delay; it ends at a minute."""
    return bytes([Kind.DELAY]) + _DELAY.pack(min(round(seconds * 1000), 60_000))


def pack_drawn(number: int) -> bytes:
    """Return the message that says that the update with this number is drawn."""
    return _NUMBER.pack(number)


def read_drawn(message: bytes) -> int:
    """Return the number of the update that was drawn. Raises MessageError (BAD_MESSAGE)."""
    if len(message) != _NUMBER.size:
        raise MessageError(Reason.BAD_MESSAGE, "drawn")
    number: int = _NUMBER.unpack(message)[0]
    return number


class ScreenReader:
    """Reads the messages of one channel.

    Whoever shows may be hostile: nothing that it sends makes whoever sees need more memory or work
    than an honest screen of MAX_PIXELS.
    """

    def __init__(self) -> None:
        # Nothing can be drawn before the first CANVAS.
        self._width = 0
        self._height = 0
        self._pieces: list[bytes] = []
        self._bytes = 0

    def read(self, message: bytes) -> PictureMessage | None:
        """Return what a message says; None if it is a piece of an update that is not whole.

        Raises MessageError (BAD_MESSAGE, or TOO_LARGE), after which the channel is of no use.
        """
        kind, rest = message[:1], message[1:]
        if kind in (bytes([Kind.PIECE]), bytes([Kind.LAST])):
            return self._piece(rest, last=kind == bytes([Kind.LAST]))
        if kind == bytes([Kind.SHAPE]):
            return _read_shape(rest)
        if kind == bytes([Kind.POINTER]) and len(rest) == _POINTER.size:
            return Pointer(*_POINTER.unpack(rest))
        if kind == bytes([Kind.CANVAS]) and len(rest) == _CANVAS.size:
            return self._canvas(Canvas(*_CANVAS.unpack(rest)))
        if kind == bytes([Kind.DELAY]) and len(rest) == _DELAY.size:
            return Delay(*_DELAY.unpack(rest))
        raise MessageError(Reason.BAD_MESSAGE, "kind")

    def _canvas(self, canvas: Canvas) -> Canvas:
        sides = canvas.width, canvas.height
        fits = min(sides) > 0 and max(sides) <= MAX_SIDE
        if not fits or canvas.width * canvas.height > MAX_PIXELS:
            raise MessageError(Reason.TOO_LARGE, "canvas")
        if self._pieces:
            raise MessageError(Reason.BAD_MESSAGE, "canvas within an update")
        self._width, self._height = sides
        return canvas

    def _piece(self, piece: bytes, *, last: bool) -> Update | None:
        # Otherwise endless empty pieces would fill the memory without reaching the limit.
        if not piece:
            raise MessageError(Reason.BAD_MESSAGE, "empty piece")
        self._bytes += len(piece)
        if self._bytes > MAX_UPDATE_BYTES:
            raise MessageError(Reason.TOO_LARGE, "update")
        self._pieces.append(piece)
        if not last:
            return None
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self._bytes = 0
        return self._read_update(whole)

    def _read_update(self, whole: bytes) -> Update:
        if len(whole) < _UPDATE.size:
            raise MessageError(Reason.BAD_MESSAGE, "update")
        number, count = _UPDATE.unpack_from(whole)
        at = _UPDATE.size
        tiles: list[Tile] = []
        pixels = 0
        for _ in range(count):
            if at + _TILE.size > len(whole):
                raise MessageError(Reason.BAD_MESSAGE, "tile")
            x, y, width, height, format, length = _TILE.unpack_from(whole, at)
            at += _TILE.size
            place = Rectangle(x, y, width, height)
            pixels += place.area
            if at + length > len(whole) or not self._contains(place):
                raise MessageError(Reason.BAD_MESSAGE, "tile")
            tiles.append(self._tile(place, format, whole[at : at + length]))
            at += length
        if at != len(whole):
            raise MessageError(Reason.BAD_MESSAGE, "update")
        if pixels > MAX_TIMES_DRAWN * self._width * self._height:
            raise MessageError(Reason.TOO_LARGE, "pixels")
        return Update(number, tuple(tiles))

    def _tile(self, place: Rectangle, format: int, content: bytes) -> Tile:
        if format not in Format.__members__.values():
            raise MessageError(Reason.BAD_MESSAGE, "format")
        tile = Tile(place, Format(format), content)
        if tile.format is Format.COPY:
            if len(content) != _COPY.size:
                raise MessageError(Reason.BAD_MESSAGE, "copy")
            source = Rectangle(*tile.copied_from, place.width, place.height)
            if not self._contains(source):
                raise MessageError(Reason.BAD_MESSAGE, "copy")
        return tile

    def _contains(self, place: Rectangle) -> bool:
        return place.area > 0 and place.right <= self._width and place.bottom <= self._height


def _read_shape(rest: bytes) -> PointerShape:
    if len(rest) < _SHAPE.size:
        raise MessageError(Reason.BAD_MESSAGE, "shape")
    id, width, height, x, y = _SHAPE.unpack_from(rest)
    if id == 0 or not (0 < width <= MAX_POINTER_SIDE and 0 < height <= MAX_POINTER_SIDE):
        raise MessageError(Reason.BAD_MESSAGE, "shape")
    if x >= width or y >= height:
        raise MessageError(Reason.BAD_MESSAGE, "hot spot")
    return PointerShape(id, width, height, x, y, rest[_SHAPE.size :])
