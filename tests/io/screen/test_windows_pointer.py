"""The pointer of Windows, cut out of how it looks on black and on white."""

import ctypes
import io

import pytest
from PIL import Image

from proxim.core.screen.updates import MAX_POINTER_SIDE, Pointer
from proxim.io.screen import windows_pointer
from proxim.io.screen.windows_pointer import (
    BITMAP,
    BITMAPINFOHEADER,
    CURSORINFO,
    ICONINFO,
    MAX_SHAPES,
    Drawn,
    PointerWatch,
    as_shape,
    cut_out,
)


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the layouts of 64 bits")
def test_layouts() -> None:
    assert ctypes.sizeof(CURSORINFO) == 24
    assert (CURSORINFO.hCursor.offset, CURSORINFO.ptScreenPos.offset) == (8, 16)
    assert ctypes.sizeof(ICONINFO) == 32
    assert (ICONINFO.hbmMask.offset, ICONINFO.hbmColor.offset) == (16, 24)
    assert (ctypes.sizeof(BITMAP), BITMAP.bmBits.offset) == (32, 24)
    assert ctypes.sizeof(BITMAPINFOHEADER) == 40


def drawn(*pixels: tuple[tuple[int, int, int], int]) -> Drawn:
    """Return what Windows draws of pixels with a colour and how much they cover; -1 inverts."""

    def on(ground: int) -> bytes:
        row = bytearray()
        for (red, green, blue), part in pixels:
            if part < 0:
                row += bytes([255 - ground] * 3) + b"\0"
                continue
            mixed = [(one * part + ground * (255 - part)) // 255 for one in (blue, green, red)]
            row += bytes(mixed) + b"\0"
        return bytes(row)

    return Drawn(len(pixels), 1, 0, 0, on(0), on(255))


def test_colours_and_how_much_they_cover() -> None:
    seen = cut_out(
        drawn(
            ((255, 255, 255), 255),
            ((0, 0, 0), 255),
            ((200, 100, 50), 255),
            ((0, 0, 0), 0),
            ((200, 100, 50), 128),
            ((0, 0, 0), 100),
        )
    )
    pixels = [seen.getpixel((x, 0)) for x in range(6)]
    assert pixels[:4] == [(255, 255, 255, 255), (0, 0, 0, 255), (200, 100, 50, 255), (0, 0, 0, 0)]
    half = pixels[4]
    assert isinstance(half, tuple)
    assert all(abs(one - other) <= 2 for one, other in zip(half, (200, 100, 50, 128), strict=True))
    shadow = pixels[5]
    assert isinstance(shadow, tuple)
    assert shadow[:3] == (0, 0, 0)
    assert abs(shadow[3] - 100) <= 1


def test_what_inverts_is_black() -> None:
    assert cut_out(drawn(((0, 0, 0), -1))).getpixel((0, 0)) == (0, 0, 0, 255)


def test_a_shape_is_a_png_with_its_hot_spot_inside() -> None:
    one = drawn(((9, 9, 9), 255), ((0, 0, 0), 0))
    shape = as_shape(7, Drawn(2, 1, 5, 5, one.on_black, one.on_white))
    assert (shape.id, shape.width, shape.height, shape.x, shape.y) == (7, 2, 1, 1, 0)
    image = Image.open(io.BytesIO(shape.png), formats=("PNG",))
    assert (image.mode, image.size) == ("RGBA", (2, 1))


class Calls:
    """A Windows whose pointer is where a test says."""

    def __init__(self) -> None:
        self.now: tuple[int, int, int] | None = (5, 10, 20)
        self.asked: list[int] = []
        self.side = 1

    def pointer(self) -> tuple[int, int, int] | None:
        return self.now

    def draw(self, shape: int) -> Drawn | None:
        self.asked.append(shape)
        if shape == 13:
            return None
        size = self.side * self.side * 4
        return Drawn(self.side, self.side, 0, 0, bytes(size), bytes(size))


def test_it_tells_of_movements_once() -> None:
    calls = Calls()
    watch = PointerWatch(calls)
    # The desktop begins left of the primary monitor.
    assert watch.look(-100, 0) == Pointer(1, 110, 20)
    assert watch.look(-100, 0) is None
    calls.now = (5, 11, 20)
    assert watch.look(-100, 0) == Pointer(1, 111, 20)
    calls.now = (0, 11, 20)
    assert watch.look(-100, 0) == Pointer(0, 111, 20)
    calls.now = None
    assert watch.look(-100, 0) is None


def test_a_shape_is_drawn_once() -> None:
    calls = Calls()
    watch = PointerWatch(calls)
    for handle in (5, 6, 5, 6):
        calls.now = (handle, 0, 0)
        watch.look(0, 0)
    assert calls.asked == [5, 6]
    first, second = watch.shape(1), watch.shape(2)
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == (1, 2)


def test_old_shapes_are_forgotten_and_drawn_again() -> None:
    calls = Calls()
    watch = PointerWatch(calls)
    for handle in range(100, 100 + MAX_SHAPES + 1):
        calls.now = (handle, 0, 0)
        watch.look(0, 0)
    assert watch.shape(1) is None
    assert watch.shape(MAX_SHAPES + 1) is not None
    calls.now = (100, 0, 0)
    again = watch.look(0, 0)
    assert again == Pointer(MAX_SHAPES + 2, 0, 0)


@pytest.mark.parametrize("handle", [13, 14])
def test_a_pointer_that_cannot_be_drawn_is_hidden(handle: int) -> None:
    calls = Calls()
    calls.side = MAX_POINTER_SIDE + 1
    calls.now = (handle, 3, 4)
    assert PointerWatch(calls).look(0, 0) == Pointer(0, 3, 4)


def test_numbers_have_two_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_pointer, "MAX_SHAPES", 2)
    calls = Calls()
    watch = PointerWatch(calls)
    watch._next = 0xFFFF
    ids = []
    for handle in (21, 22):
        calls.now = (handle, 0, 0)
        seen = watch.look(0, 0)
        assert seen is not None
        ids.append(seen.shape)
    assert ids == [0xFFFF, 1]
