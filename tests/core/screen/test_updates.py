"""The format of the pictures' channel, read from honest and from hostile senders."""

import struct

import pytest
from hypothesis import given, strategies

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.screen import updates
from proxim.core.screen.updates import (
    Canvas,
    Delay,
    Format,
    Kind,
    Pointer,
    PointerShape,
    Rectangle,
    ScreenReader,
    Tile,
    Update,
    copy,
    pack_canvas,
    pack_delay,
    pack_drawn,
    pack_pointer,
    pack_shape,
    pack_update,
    read_drawn,
)
from tests.rows import each_row

WIDTH, HEIGHT = 1920, 1080


def reader() -> ScreenReader:
    read = ScreenReader()
    read.read(pack_canvas(Canvas(0, WIDTH, HEIGHT)))
    return read


@strategies.composite
def rectangles(draw: strategies.DrawFn) -> Rectangle:
    x, y = draw(strategies.integers(0, WIDTH - 1)), draw(strategies.integers(0, HEIGHT - 1))
    return Rectangle(
        x,
        y,
        draw(strategies.integers(1, min(300, WIDTH - x))),
        draw(strategies.integers(1, min(300, HEIGHT - y))),
    )


@strategies.composite
def tiles(draw: strategies.DrawFn) -> Tile:
    place = draw(rectangles())
    if draw(strategies.booleans()):
        return copy(
            place,
            draw(strategies.integers(0, WIDTH - place.width)),
            draw(strategies.integers(0, HEIGHT - place.height)),
        )
    return Tile(
        place,
        draw(strategies.sampled_from([Format.JPEG, Format.PNG])),
        draw(strategies.binary(max_size=100)) * draw(strategies.integers(0, 2000)),
    )


@given(strategies.lists(strategies.lists(tiles(), max_size=5), max_size=3))
def test_what_is_packed_is_read(each: list[list[Tile]]) -> None:
    read = reader()
    for number, contents in enumerate(each):
        update = Update(number, tuple(contents))
        *first, last = pack_update(update)
        assert all(len(piece) <= updates.PIECE_BYTES + 1 for piece in (*first, last))
        assert [read.read(piece) for piece in first] == [None] * len(first)
        assert read.read(last) == update


def test_a_copy_says_where_from() -> None:
    assert copy(Rectangle(0, 0, 10, 10), 7, 9).copied_from == (7, 9)


def test_a_copy_is_read() -> None:
    moved = copy(INSIDE, 7, 9)
    assert reader().read(packed(moved)) == Update(1, (moved,))


def test_the_pointer_is_read() -> None:
    shape = PointerShape(3, 24, 32, 1, 2, b"PNG")
    assert reader().read(pack_shape(shape)) == shape
    pointer = Pointer(3, -1, 5000)
    assert reader().read(pack_pointer(pointer)) == pointer


def test_a_canvas_and_a_delay_are_read() -> None:
    canvas = Canvas(2**32 - 1, 390, 844)
    assert reader().read(pack_canvas(canvas)) == canvas
    assert reader().read(pack_delay(0.0123)) == Delay(12)
    assert reader().read(pack_delay(3600)) == Delay(60_000)


def test_nothing_is_drawn_before_there_is_a_canvas() -> None:
    with pytest.raises(MessageError):
        ScreenReader().read(packed(Tile(INSIDE, Format.PNG, b"")))


def test_a_canvas_changes_between_updates_only() -> None:
    read = reader()
    read.read(pack_canvas(Canvas(1, 8, 8)))
    assert isinstance(read.read(packed(Tile(INSIDE, Format.PNG, b""))), Update)
    read.read(bytes([Kind.PIECE, 0]))
    with pytest.raises(MessageError):
        read.read(pack_canvas(Canvas(1, 8, 8)))


def test_what_was_drawn_is_read() -> None:
    assert read_drawn(pack_drawn(2**32 - 1)) == 2**32 - 1
    with pytest.raises(MessageError):
        read_drawn(b"123")


def packed(*tiles: Tile, number: int = 1) -> bytes:
    (message,) = pack_update(Update(number, tiles))
    return message


INSIDE = Rectangle(0, 0, 8, 8)
WHOLE = Rectangle(0, 0, WIDTH, HEIGHT)
SHAPE = struct.Struct(">BHHHHH")


@each_row(
    "message, reason",
    [
        (b"", Reason.BAD_MESSAGE),
        (b"\x09what is this", Reason.BAD_MESSAGE),
        (bytes([Kind.PIECE]), Reason.BAD_MESSAGE),
        (bytes([Kind.LAST]) + b"short", Reason.BAD_MESSAGE),
        (packed(Tile(INSIDE, Format.PNG, b"1234"))[:-1], Reason.BAD_MESSAGE),
        (packed(Tile(INSIDE, Format.PNG, b"1234")) + b"5", Reason.BAD_MESSAGE),
        (packed(Tile(INSIDE, Format.PNG, b"1234"))[:12], Reason.BAD_MESSAGE),
        (packed(Tile(Rectangle(WIDTH - 7, 0, 8, 8), Format.PNG, b"")), Reason.BAD_MESSAGE),
        (packed(Tile(Rectangle(0, HEIGHT - 7, 8, 8), Format.PNG, b"")), Reason.BAD_MESSAGE),
        (packed(Tile(Rectangle(0, 0, 0, 8), Format.PNG, b"")), Reason.BAD_MESSAGE),
        (packed(Tile(INSIDE, Format.COPY, b"123")), Reason.BAD_MESSAGE),
        (packed(copy(INSIDE, WIDTH - 7, 0)), Reason.BAD_MESSAGE),
        (packed(copy(INSIDE, 0, HEIGHT - 7)), Reason.BAD_MESSAGE),
        (packed(*[Tile(WHOLE, Format.JPEG, b"")] * 3), Reason.TOO_LARGE),
        (bytes([Kind.SHAPE]) + b"short", Reason.BAD_MESSAGE),
        (SHAPE.pack(Kind.SHAPE, 0, 1, 1, 0, 0), Reason.BAD_MESSAGE),
        (SHAPE.pack(Kind.SHAPE, 1, 0, 1, 0, 0), Reason.BAD_MESSAGE),
        (SHAPE.pack(Kind.SHAPE, 1, 1, 513, 0, 0), Reason.BAD_MESSAGE),
        (SHAPE.pack(Kind.SHAPE, 1, 8, 8, 8, 0), Reason.BAD_MESSAGE),
        (SHAPE.pack(Kind.SHAPE, 1, 8, 8, 0, 8), Reason.BAD_MESSAGE),
        (bytes([Kind.POINTER]) + b"short", Reason.BAD_MESSAGE),
        (bytes([Kind.DELAY]) + b"s", Reason.BAD_MESSAGE),
        (bytes([Kind.CANVAS]) + b"short", Reason.BAD_MESSAGE),
        (pack_canvas(Canvas(0, 0, 8)), Reason.TOO_LARGE),
        (pack_canvas(Canvas(0, 8, 0)), Reason.TOO_LARGE),
        (pack_canvas(Canvas(0, 8193, 8)), Reason.TOO_LARGE),
        (pack_canvas(Canvas(0, 8192, 8192)), Reason.TOO_LARGE),
    ],
)
def test_what_is_wrong_is_refused(message: bytes, reason: Reason) -> None:
    with pytest.raises(MessageError) as caught:
        reader().read(message)
    assert caught.value.reason is reason


def test_an_unknown_format_is_refused() -> None:
    message = bytearray(packed(Tile(INSIDE, Format.PNG, b"")))
    message[-5] = 9
    with pytest.raises(MessageError):
        reader().read(bytes(message))


def test_an_update_that_never_ends_is_refused() -> None:
    read = reader()
    piece = bytes([Kind.PIECE]) + bytes(updates.PIECE_BYTES)
    for _ in range(updates.MAX_UPDATE_BYTES // updates.PIECE_BYTES):
        assert read.read(piece) is None
    with pytest.raises(MessageError) as caught:
        read.read(piece)
    assert caught.value.reason is Reason.TOO_LARGE


@given(strategies.lists(strategies.binary(max_size=80), max_size=5))
def test_rubbish_is_refused_or_read_and_never_more(messages: list[bytes]) -> None:
    read = reader()
    for message in messages:
        try:
            read.read(message)
        except MessageError:
            return
