"""The mouse pointer of Windows: where it is, and what it looks like.

Windows draws a pointer over whatever is there. So it is drawn on black and on white, and from both
follows how much of each pixel it covers.

This was written where no Windows is, and has not run on one; what can be is tried by tests.
"""

import ctypes
import io
from dataclasses import dataclass, field
from typing import Final, Protocol

from PIL import Image, ImageChops

from proxim.core.screen.updates import MAX_POINTER_SIDE, Pointer, PointerShape
from proxim.io.screen.pixels import PIXEL_BYTES
from proxim.io.system.windows_calls import BOOL, DWORD, HANDLE, LONG, POINT, UINT, WORD, Calls

_SHOWING: Final = 1
# DrawIconEx: with its mask and its picture.
_NORMAL: Final = 3
# As many shapes as programs use at a time; the oldest is forgotten, and drawn again if need be.
MAX_SHAPES: Final = 64
_BYTE: Final = 255


class CURSORINFO(ctypes.Structure):
    """What GetCursorInfo says (winuser.h)."""

    _fields_ = (
        ("cbSize", DWORD),
        ("flags", DWORD),
        ("hCursor", HANDLE),
        ("ptScreenPos", POINT),
    )


class ICONINFO(ctypes.Structure):
    """What GetIconInfo says (winuser.h)."""

    _fields_ = (
        ("fIcon", BOOL),
        ("xHotspot", DWORD),
        ("yHotspot", DWORD),
        ("hbmMask", HANDLE),
        ("hbmColor", HANDLE),
    )


class BITMAP(ctypes.Structure):
    """What GetObject says of a bitmap (wingdi.h)."""

    _fields_ = (
        ("bmType", LONG),
        ("bmWidth", LONG),
        ("bmHeight", LONG),
        ("bmWidthBytes", LONG),
        ("bmPlanes", WORD),
        ("bmBitsPixel", WORD),
        ("bmBits", HANDLE),
    )


class BITMAPINFOHEADER(ctypes.Structure):
    """How the pixels of a bitmap lie in memory (wingdi.h)."""

    _fields_ = (
        ("biSize", DWORD),
        ("biWidth", LONG),
        ("biHeight", LONG),
        ("biPlanes", WORD),
        ("biBitCount", WORD),
        ("biCompression", DWORD),
        ("biSizeImage", DWORD),
        ("biXPelsPerMeter", LONG),
        ("biYPelsPerMeter", LONG),
        ("biClrUsed", DWORD),
        ("biClrImportant", DWORD),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pointer as it looks over black and over white, in PIXEL_BYTES for each pixel."""

    width: int
    height: int
    # Its hot spot.
    x: int
    y: int
    on_black: bytes = field(repr=False)
    on_white: bytes = field(repr=False)


def cut_out(drawn: Drawn) -> Image.Image:
    """Return the pointer by itself, with how much of each pixel it covers.

    A pixel that it inverts is black, with white around it: what is below is not known.
    """
    size = drawn.width, drawn.height
    black = Image.frombytes("RGB", size, drawn.on_black, "raw", "BGRX")
    white = Image.frombytes("RGB", size, drawn.on_white, "raw", "BGRX")
    # What is not covered differs by 255 from black to white.
    red, green, blue = ImageChops.subtract(white, black).split()
    covered = ImageChops.invert(ImageChops.lighter(ImageChops.lighter(red, green), blue))
    # Where it inverts, black became lighter than white is there.
    red, green, blue = ImageChops.subtract(black, white).split()
    inverts = ImageChops.lighter(ImageChops.lighter(red, green), blue).point(
        lambda value: _BYTE if value > _BYTE // 2 else 0
    )
    colours = []
    for band in black.split():
        # A pixel that is half covered is half as bright on black.
        pairs = zip(band.tobytes(), covered.tobytes(), strict=True)
        bright = bytes(min(_BYTE, value * _BYTE // part) if part else 0 for value, part in pairs)
        plain = Image.frombytes("L", size, bright)
        colours.append(ImageChops.subtract(plain, inverts))
    return Image.merge("RGBA", (*colours, covered))


def as_shape(id: int, drawn: Drawn) -> PointerShape:
    """Return what whoever sees draws as the pointer."""
    image = cut_out(drawn)
    out = io.BytesIO()
    image.save(out, "PNG")
    x, y = min(drawn.x, drawn.width - 1), min(drawn.y, drawn.height - 1)
    return PointerShape(id, drawn.width, drawn.height, x, y, out.getvalue())


class PointerCalls(Protocol):
    """What is asked of Windows about the pointer."""

    def pointer(self) -> tuple[int, int, int] | None:
        """Return the handle of its shape, 0 for none, and its place on the desktop; None if Windows
        does not say.
        """

    def draw(self, shape: int) -> Drawn | None:
        """Return what a shape looks like; None if it is gone."""


class PointerWatch:
    """Tells when the pointer moved or changed, and what its shapes look like."""

    def __init__(self, calls: PointerCalls) -> None:
        self._calls = calls
        self._last: Pointer | None = None
        # Numbers of handles, the oldest first. A number is never given twice.
        self._ids: dict[int, int] = {}
        self._shapes: dict[int, PointerShape] = {}
        self._next = 1

    def look(self, left: int, top: int) -> Pointer | None:
        """Return where the pointer is on a desktop that begins there; None if it did not move."""
        found = self._calls.pointer()
        if found is None:
            return None
        handle, x, y = found
        now = Pointer(self._id(handle) if handle else 0, x - left, y - top)
        if now == self._last:
            return None
        self._last = now
        return now

    def shape(self, id: int) -> PointerShape | None:
        """Return what a shape looks like; None if it is gone."""
        return self._shapes.get(id)

    def _id(self, handle: int) -> int:
        if (known := self._ids.get(handle)) is not None:
            return known
        drawn = self._calls.draw(handle)
        if drawn is None or max(drawn.width, drawn.height) > MAX_POINTER_SIDE:
            return 0
        if len(self._ids) == MAX_SHAPES:
            oldest = next(iter(self._ids))
            del self._shapes[self._ids.pop(oldest)]
        id = self._ids[handle] = self._next
        # Two bytes have room for it.
        self._next = self._next % 0xFFFF + 1
        self._shapes[id] = as_shape(id, drawn)
        return id


class RealPointer:
    """Asks the Windows that this runs on."""

    def __init__(self) -> None:
        user32, gdi32 = Calls("user32"), Calls("gdi32")
        pointer = ctypes.POINTER
        self._cursor_info = user32.declare("GetCursorInfo", BOOL, pointer(CURSORINFO))
        self._icon_info = user32.declare("GetIconInfo", BOOL, HANDLE, pointer(ICONINFO))
        self._draw_icon = user32.declare(
            "DrawIconEx",
            BOOL,
            *(HANDLE, ctypes.c_int, ctypes.c_int, HANDLE, ctypes.c_int, ctypes.c_int),
            *(UINT, HANDLE, UINT),
        )
        self._object = gdi32.declare("GetObjectW", ctypes.c_int, HANDLE, ctypes.c_int, HANDLE)
        self._new_context = gdi32.declare("CreateCompatibleDC", HANDLE, HANDLE)
        self._end_context = gdi32.declare("DeleteDC", BOOL, HANDLE)
        self._select = gdi32.declare("SelectObject", HANDLE, HANDLE, HANDLE)
        self._delete = gdi32.declare("DeleteObject", BOOL, HANDLE)
        self._flush = gdi32.declare("GdiFlush", BOOL)
        self._new_section = gdi32.declare(
            "CreateDIBSection",
            HANDLE,
            *(HANDLE, pointer(BITMAPINFOHEADER), UINT, pointer(HANDLE), HANDLE, DWORD),
        )

    def pointer(self) -> tuple[int, int, int] | None:
        """Return the handle of its shape and its place on the desktop."""
        info = CURSORINFO(cbSize=ctypes.sizeof(CURSORINFO))
        if not self._cursor_info(ctypes.byref(info)):
            return None
        handle = (info.hCursor or 0) if info.flags & _SHOWING else 0
        return int(handle), int(info.ptScreenPos.x), int(info.ptScreenPos.y)

    def draw(self, shape: int) -> Drawn | None:
        """Draw a shape on black and on white."""
        info = ICONINFO()
        if not self._icon_info(shape, ctypes.byref(info)):
            return None
        try:
            bitmap = BITMAP()
            size = ctypes.sizeof(bitmap)
            picture = info.hbmColor or info.hbmMask
            if not self._object(picture, size, ctypes.byref(bitmap)):
                return None
            # Without colours the mask has two halves, one below the other.
            width = int(bitmap.bmWidth)
            height = int(bitmap.bmHeight) // (1 if info.hbmColor else 2)
            on_black = self._drawn_on(shape, width, height, b"\0")
            on_white = self._drawn_on(shape, width, height, b"\xff")
        finally:
            for each in (info.hbmColor, info.hbmMask):
                if each:
                    self._delete(each)
        if on_black is None or on_white is None:
            return None
        x, y = int(info.xHotspot), int(info.yHotspot)
        return Drawn(width, height, x, y, on_black, on_white)

    def _drawn_on(self, shape: int, width: int, height: int, ground: bytes) -> bytes | None:
        # Rows from top to bottom have a negative height.
        header = BITMAPINFOHEADER(
            biSize=ctypes.sizeof(BITMAPINFOHEADER),
            biWidth=width,
            biHeight=-height,
            biPlanes=1,
            biBitCount=8 * PIXEL_BYTES,
        )
        context, pixels = self._new_context(None), HANDLE()
        section = self._new_section(context, ctypes.byref(header), 0, ctypes.byref(pixels), None, 0)
        try:
            if not section or not pixels.value:
                return None
            size = width * height * PIXEL_BYTES
            ctypes.memset(pixels.value, ground[0], size)
            before = self._select(context, section)
            done = self._draw_icon(context, 0, 0, shape, width, height, 0, None, _NORMAL)
            self._flush()
            drawn = ctypes.string_at(pixels.value, size)
            self._select(context, before)
            return drawn if done else None
        finally:
            if section:
                self._delete(section)
            self._end_context(context)
