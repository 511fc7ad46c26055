"""A screen of our own whose pixels are read from outside: Xvfb keeps its framebuffer in a file, and
we map that file.

Nothing is asked of the program that is watched, nor of its X server, so watching costs neither of
them any time.
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
_SERVER_OPTIONS: Final = ("-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp")

_PIXEL_BYTES: Final = 4
# In a pixel's four bytes; black, white and the greys of Tk are told apart by one of them
_GREEN: Final = 1
# XWDFileHeader, big-endian whatever the machine's order
_HEADER: Final = struct.Struct(">25I")
# XWDColor
_COLOUR_BYTES: Final = 12
_BLACK: Final = b"\x00"
_WHITE: Final = b"\xff"
# The background of a plain Tk window on X11
_TK_GREY: Final = b"\xd9"
# And its width and height
_TK_SIDE: Final = 200

# Pixels a module of a QR code may have. Its finder patterns are read along lines that lie as far
# apart as the core of the smallest one is high, so one line crosses the core for certain.
_ZOOMS: Final = range(3, 13)
# Modules, the side of a finder pattern's dark middle
_CORE: Final = 3
_STEP: Final = _CORE * _ZOOMS.start


def _finder_pattern(zoom: int) -> bytes:
    """What a line through a finder pattern looks like, 1:1:3:1:1, with the light around it (ISO/IEC
    18004, 6.3.3).
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
    """Where a QR code's finder patterns are crossed."""

    # Pixels a module
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
        self._bytes_per_line = header[12]
        self._start = header[0] + header[19] * _COLOUR_BYTES

    def _lines(self, height: int = HEIGHT) -> Iterator[tuple[int, bytes]]:
        """Every _STEP-th line of pixels, from top to bottom, as one byte a pixel."""
        for y in range(0, height, _STEP):
            yield y, self._line(y)

    def _line(self, y: int) -> bytes:
        at = self._start + y * self._bytes_per_line
        return self._pixels[at + _GREEN : at + WIDTH * _PIXEL_BYTES : _PIXEL_BYTES]

    def is_empty(self) -> bool:
        """Nothing is on it."""
        return all(line == _BLACK * WIDTH for _, line in self._lines())

    def shows_tk_window(self) -> bool:
        """The empty window of a plain Tk program is on it, whole.

        Without a window manager it is at the corner.
        """
        return all(line.startswith(_TK_GREY * _TK_SIDE) for _, line in self._lines(_TK_SIDE))

    def find_qr(self) -> "QRPlace | None":
        """A QR code anywhere, whole: two finder patterns side by side, and a third below the left
        one. Takes 4 ms.
        """
        # By zoom and x of the left one
        upper: dict[tuple[int, int], QRPlace] = {}
        for y, line in self._lines():
            for zoom, pattern in _FINDER_PATTERNS.items():
                left = line.find(pattern)
                if left < 0:
                    continue
                place = upper.get((zoom, left))
                # It is square
                if (
                    place is not None
                    and abs((y - place.top) - (place.right - left)) <= _CORE * zoom
                ):
                    return replace(place, bottom=y)
                # Not the next one: the modules between may look like it by chance
                right = line.rfind(pattern)
                if place is None and right > left:
                    upper[zoom, left] = QRPlace(zoom, left, right, y, y)
        return None

    def shows_qr(self, place: "QRPlace") -> bool:
        """A QR code is there where one was found before: a look at its three finder patterns, which
        takes no time.
        """
        pattern = _FINDER_PATTERNS[place.zoom]
        spots = ((place.left, place.top), (place.right, place.top), (place.left, place.bottom))
        return all(self._line(y).startswith(pattern, x) for x, y in spots)

    async def wait_until(self, condition: Callable[[], Seen]) -> Seen:
        """Look until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not (seen := condition()):  # noqa: ASYNC110 - pixels wake nobody
                await asyncio.sleep(POLL_SECONDS)
            return seen


@contextlib.contextmanager
def own_screen() -> Iterator[Screen]:
    """Start Xvfb on a free display, without a window manager."""
    if shutil.which("Xvfb") is None:
        raise RuntimeError("this row needs Xvfb (Debian: apt-get install xvfb)")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        told, tell = os.pipe()
        with open(told, encoding="ascii") as number, open(tell, "w", encoding="ascii") as writer:
            server = subprocess.Popen(
                ["Xvfb", "-displayfd", str(writer.fileno()), *_SERVER_OPTIONS, "-fbdir", folder],
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
