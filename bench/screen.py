"""A screen of our own whose pixels are read from outside: Xvfb keeps its framebuffer in a file, and
this module maps that file.

Nothing is asked of the watched program or of its X server, so watching costs them no time.
"""

import asyncio
import contextlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from bench.programs import PATIENCE

WIDTH: Final = 1024
HEIGHT: Final = 768
POLL_SECONDS: Final = 0.0005

_PIXEL_BYTES: Final = 4
# This is one byte of a pixel's four; it is enough to distinguish black, white and the greys of Tk.
_GREEN: Final = 1
# An XWDFileHeader is big-endian on every machine.
_HEADER: Final = struct.Struct(">25I")
# This is the size of an XWDColor.
_COLOUR_BYTES: Final = 12
_BLACK: Final = b"\x00"
_WHITE: Final = b"\xff"
# This is the background of a plain Tk window on X11.
_TK_GREY: Final = b"\xd9"
# This is the width and the height of that window.
_TK_SIDE: Final = 200

# A module of a QR code may have so many pixels. Lines are read at a distance of the height of the
# smallest finder pattern's core, so that one line crosses the core for certain.
_ZOOMS: Final = range(3, 13)
# The dark core of a finder pattern is so many modules wide.
_CORE: Final = 3
_STEP: Final = _CORE * _ZOOMS.start


def _finder_pattern(zoom: int) -> bytes:
    """Return what a line through a finder pattern looks like: 1:1:3:1:1, with the light around it
    (ISO/IEC 18004, 6.3.3).
    """
    runs = (
        (_WHITE, 1),
        (_BLACK, 1),
        (_WHITE, 1),
        (_BLACK, 3),
        (_WHITE, 1),
        (_BLACK, 1),
        (_WHITE, 1),
    )
    return b"".join(colour * (modules * zoom) for colour, modules in runs)


_FINDER_PATTERNS: Final = {zoom: _finder_pattern(zoom) for zoom in _ZOOMS}


@dataclass(frozen=True, slots=True)
class QRPlace:
    """Where a QR code's finder patterns were found on the screen."""

    # This is the number of pixels per module.
    zoom: int
    left: int
    right: int
    top: int
    bottom: int


Seen = TypeVar("Seen")


class Screen:
    """The pixels of a running Xvfb."""

    def __init__(self, display: str, pixels: mmap.mmap) -> None:
        self.display = display
        self._pixels = pixels
        header = _HEADER.unpack_from(pixels)
        self._width = header[4]
        self._bytes_per_line = header[12]
        self._start = header[0] + header[19] * _COLOUR_BYTES

    def _lines(self, height: int = HEIGHT) -> Iterator[tuple[int, bytes]]:
        """Yield every _STEP-th line of pixels, from top to bottom, with one byte per pixel."""
        for y in range(0, height, _STEP):
            yield y, self.line(y)

    def line(self, y: int) -> bytes:
        """Return a line of pixels, one byte of each."""
        at = self._start + y * self._bytes_per_line
        return self._pixels[at + _GREEN : at + self._width * _PIXEL_BYTES : _PIXEL_BYTES]

    def is_empty(self) -> bool:
        """Whether the screen is black."""
        return all(line == _BLACK * WIDTH for _, line in self._lines())

    def shows_tk_window(self) -> bool:
        """Whether the screen shows the complete empty window of a plain Tk program.

        Without a window manager it is in the corner.
        """
        return all(line.startswith(_TK_GREY * _TK_SIDE) for _, line in self._lines(_TK_SIDE))

    def find_qr(self) -> "QRPlace | None":
        """Find a complete QR code anywhere: two finder patterns side by side, and a third below the
        left one. This takes 4 ms.
        """
        # The key is the zoom and the x of the left pattern.
        upper: dict[tuple[int, int], QRPlace] = {}
        for y, line in self._lines():
            for zoom, pattern in _FINDER_PATTERNS.items():
                left = line.find(pattern)
                if left < 0:
                    continue
                place = upper.get((zoom, left))
                # A QR code is square.
                if (
                    place is not None
                    and abs((y - place.top) - (place.right - left)) <= _CORE * zoom
                ):
                    return replace(place, bottom=y)
                # The rightmost match is used, because the modules in between may look like a
                # pattern by chance.
                right = line.rfind(pattern)
                if place is None and right > left:
                    upper[zoom, left] = QRPlace(zoom, left, right, y, y)
        return None

    def shows_qr(self, place: "QRPlace") -> bool:
        """Whether a QR code is where one was found before; this looks only at its three finder
        patterns and takes almost no time.
        """
        pattern = _FINDER_PATTERNS[place.zoom]
        spots = ((place.left, place.top), (place.right, place.top), (place.left, place.bottom))
        return all(self.line(y).startswith(pattern, x) for x, y in spots)

    async def wait_until(self, condition: Callable[[], Seen]) -> Seen:
        """Look until the condition is true, and return its result."""
        async with asyncio.timeout(PATIENCE):
            while not (seen := condition()):  # noqa: ASYNC110 - pixels wake nobody
                await asyncio.sleep(POLL_SECONDS)
            return seen


@contextlib.contextmanager
def own_screen(width: int = WIDTH, height: int = HEIGHT) -> Iterator[Screen]:
    """Start Xvfb on a free display, without a window manager."""
    if shutil.which("Xvfb") is None:
        raise RuntimeError("this row needs Xvfb (Debian: apt-get install xvfb)")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        told, tell = os.pipe()
        with open(told, encoding="ascii") as number, open(tell, "w", encoding="ascii") as writer:
            server = subprocess.Popen(
                [
                    *("Xvfb", "-displayfd", str(writer.fileno()), "-fbdir", folder),
                    *("-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"),
                ],
                pass_fds=(writer.fileno(),),
                stderr=subprocess.DEVNULL,
            )
            stack.callback(server.wait)
            stack.callback(server.terminate)
            writer.close()
            display = number.readline().strip()
        if not display:
            raise RuntimeError("Xvfb did not start")
        file = stack.enter_context(open(Path(folder) / "Xvfb_screen0", "rb"))
        pixels = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        yield Screen(f":{display}", pixels)
