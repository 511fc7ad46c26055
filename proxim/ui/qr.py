"""QR codes: a text becomes a matrix of modules, a matrix becomes an image for Tk or lines for a
terminal.
"""

import sys
from typing import Any, Final

# Rows of modules, True is dark
Matrix = tuple[tuple[bool, ...], ...]

# Modules of white on every side (ISO/IEC 18004, 6.3.8): readers find the code by it
QUIET_ZONE: Final = 4
# ISO/IEC 18004 has the encoder try all eight masks for the most even picture, which takes 7 ms of
# the start; our links are random characters and come out even under any of them, and readers take
# every mask.
_MASK: Final = 0
# qrcode.constants: a screen is never torn or smudged, and fewer modules are larger ones
_ERROR_CORRECT_L: Final = 1

# Half a character cell is one module: (upper is dark, lower is dark). What is light is drawn, what
# is dark is left out.
_HALVES: Final = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
_WHITE_ON_BLACK: Final = "\x1b[40;97m"
_PLAIN: Final = "\x1b[0m"


def _qr_code(**options: int) -> Any:
    """An object of qrcode, which is loaded with the first code: it takes 10 ms, and a terminal
    guest never needs it.

    qrcode would load Pillow where it finds it, which takes as long again, to draw images that
    nobody asks for here.
    """
    hidden = "PIL" not in sys.modules
    if hidden:
        # Documented: importing it fails, as if it were absent
        sys.modules["PIL"] = None  # type: ignore[assignment]
    try:
        from qrcode.main import QRCode
    finally:
        if hidden:
            del sys.modules["PIL"]
    return QRCode(**options)


def qr_matrix(text: str) -> Matrix:
    """The modules of `text` with their quiet zone."""
    code = _qr_code(error_correction=_ERROR_CORRECT_L, border=QUIET_ZONE, mask_pattern=_MASK)
    # In one piece: looking for runs of digits gains nothing for our links
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def pgm_image(matrix: Matrix) -> bytes:
    """The modules as a binary PGM, one pixel each: Tk reads it without Pillow, and enlarges by
    whole pixels.
    """
    header = f"P5 {len(matrix[0])} {len(matrix)} 255\n".encode("ascii")
    return header + b"".join(bytes(0 if dark else 255 for dark in row) for row in matrix)


def half_blocks(matrix: Matrix, *, colour: bool = False) -> str:
    """The modules as lines of half blocks, for a light-on-dark terminal.

    With `colour`, ANSI sequences make it light on dark on any terminal that knows them.
    """
    height = len(matrix)
    blank = (False,) * len(matrix[0])
    lines = []
    for at in range(0, height, 2):
        lower = matrix[at + 1] if at + 1 < height else blank
        line = "".join(_HALVES[pair] for pair in zip(matrix[at], lower, strict=True))
        lines.append(f"{_WHITE_ON_BLACK}{line}{_PLAIN}" if colour else line)
    return "\n".join(lines)
