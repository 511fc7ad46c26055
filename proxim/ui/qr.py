"""QR codes: a text becomes a matrix of modules, and a matrix becomes an image for Tk, a picture for
a file, or lines for a terminal.
"""

import struct
import sys
import zlib
from typing import Any, Final

# A matrix has rows of modules; True is dark.
Matrix = tuple[tuple[bool, ...], ...]

# Modules of white on every side (ISO/IEC 18004, 6.3.8), by which readers find the code.
QUIET_ZONE: Final = 4
# ISO/IEC 18004 makes the encoder try all eight masks for the most even picture, which takes 7 ms of
# the start. Our links are random characters, which look even with any mask, and readers accept
# every mask.
_MASK: Final = 0
# This is the value in qrcode.constants. A screen is never torn or smudged, and less correction
# means fewer and larger modules.
_ERROR_CORRECT_L: Final = 1

# A module of a picture in a file, in pixels; programs that show pictures enlarge them little.
_MODULE_PIXELS: Final = 8
# The chunk IHDR (PNG, 11.2.1) ends so: one bit for each pixel, greyscale, and the only methods that
# there are.
_ONE_BIT_GREY: Final = bytes((1, 0, 0, 0, 0))

# Each half of a character cell is one module: (upper is dark, lower is dark). Light modules are
# drawn, dark ones are left out.
_HALVES: Final = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
_WHITE_ON_BLACK: Final = "\x1b[40;97m"
_PLAIN: Final = "\x1b[0m"


def _qr_code(**options: int) -> Any:
    """Make a QRCode object; the qrcode package is imported with the first code.

    The import takes 10 ms, and a guest in a terminal never needs it. If Pillow is installed, qrcode
    would import it, which takes another 10 ms, only for images that are not needed here.
    """
    hidden = "PIL" not in sys.modules
    if hidden:
        # By Python's documentation, None makes an import fail as if the module were absent.
        sys.modules["PIL"] = None  # type: ignore[assignment]
    try:
        from qrcode.main import QRCode
    finally:
        if hidden:
            del sys.modules["PIL"]
    return QRCode(**options)


def qr_matrix(text: str) -> Matrix:
    """Return the modules of `text` with their quiet zone."""
    code = _qr_code(error_correction=_ERROR_CORRECT_L, border=QUIET_ZONE, mask_pattern=_MASK)
    # All of it is one segment: a search for runs of digits gains nothing for our links.
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def pgm_image(matrix: Matrix) -> bytes:
    """Return the modules as a binary PGM with one pixel each.

    Tk reads it without Pillow, and enlarges it by whole pixels.
    """
    header = f"P5 {len(matrix[0])} {len(matrix)} 255\n".encode("ascii")
    return header + b"".join(bytes(0 if dark else 255 for dark in row) for row in matrix)


def png_image(matrix: Matrix) -> bytes:
    """Return the modules as a PNG (www.w3.org/TR/png-3) with _MODULE_PIXELS pixels each way."""
    lines = b"".join(_png_line(row) * _MODULE_PIXELS for row in matrix)
    size = (len(matrix[0]) * _MODULE_PIXELS, len(matrix) * _MODULE_PIXELS)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _png_chunk(kind, data)
        for kind, data in (
            (b"IHDR", struct.pack(">II", *size) + _ONE_BIT_GREY),
            (b"IDAT", zlib.compress(lines)),
            (b"IEND", b""),
        )
    )


def _png_line(row: tuple[bool, ...]) -> bytes:
    """Return a line of pixels. Its first byte says that it is not filtered."""
    # A module is _MODULE_PIXELS wide, and has one bit for each.
    return b"\0" + bytes(0 if dark else 255 for dark in row)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def inverted(matrix: Matrix) -> Matrix:
    """Return the modules with dark and light exchanged."""
    return tuple(tuple(not dark for dark in row) for row in matrix)


def half_blocks(matrix: Matrix, *, colour: bool = False) -> str:
    """Return the modules as lines of half blocks, for a terminal with a dark background.

    With `colour`, ANSI sequences make it white on black on any terminal that knows them.
    """
    height = len(matrix)
    # The quiet zone goes on.
    blank = (matrix[-1][-1],) * len(matrix[0])
    lines = []
    for at in range(0, height, 2):
        lower = matrix[at + 1] if at + 1 < height else blank
        line = "".join(_HALVES[pair] for pair in zip(matrix[at], lower, strict=True))
        lines.append(f"{_WHITE_ON_BLACK}{line}{_PLAIN}" if colour else line)
    return "\n".join(lines)
