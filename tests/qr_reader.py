"""Reads the QR code in a screenshot, as a camera app would read it off the screen.

It looks for the finder patterns, samples every module, and undoes the masking and interleaving of
ISO/IEC 18004. A screenshot is clean, so errors are not corrected; an error would show as a wrong
text. The standard's tables come from the package qrcode.
"""

import re
from collections.abc import Iterator

from PIL import Image
from qrcode import base, util

Bits = Iterator[int]
# A grid holds rows of modules; True means dark.
Grid = list[list[bool]]

# A finder pattern is dark, light, dark, light, dark; these are the widths in modules.
FINDER = (1, 1, 3, 1, 1)
DARK = 128
# A run is a sequence of only light or only dark pixels.
RUN = re.compile(b"\x00+|\x01+")
# The format information begins with five bits: the level (in qrcode's numbers) and the mask, XORed
# with a fixed pattern.
FORMAT_PATTERN = 0b10101
BYTES = 0b0100


class NoQRError(Exception):
    """There is no QR code in the picture."""


def read_qr(screen: Image.Image) -> str:
    """Return the text of the first QR code on the screen."""
    grid = _find(screen.convert("L"))
    version = (len(grid) - 17) // 4
    information = 0
    for column in range(5):
        information = information << 1 | grid[8][column]
    information ^= FORMAT_PATTERN
    flip = util.mask_func(information & 0b111)
    taken = _function_modules(len(grid), version)
    bits = [
        grid[row][column] ^ flip(row, column)
        for row, column in _path(len(grid))
        if not taken[row][column]
    ]
    words = [
        int("".join(str(int(bit)) for bit in bits[at : at + 8]), 2)
        for at in range(0, len(bits) - 7, 8)
    ]
    return _text(_in_order(words, version, information >> 3), version)


def _find(screen: Image.Image) -> Grid:
    width, height = screen.size
    pixels = screen.point(lambda value: 1 if value < DARK else 0).tobytes()
    above = b""
    for y in range(height):
        row = pixels[y * width : (y + 1) * width]
        # On a screen most rows are the same as the row above.
        found = list(_finders(row)) if row != above else []
        above = row
        if len(found) < 2:
            continue
        (left, zoom), (right, other) = found[0], found[-1]
        size = (right + 7 * other - left) // zoom
        # The inner square of a finder begins two modules below its top.
        if zoom == other and size >= 21 and size % 4 == 1:
            top = y - 2 * zoom
            middle = zoom // 2
            return [
                [
                    pixels[(top + r * zoom + middle) * width + left + c * zoom + middle] == 1
                    for c in range(size)
                ]
                for r in range(size)
            ]
    raise NoQRError("no two finder patterns stand in one row of pixels")


def _finders(row: bytes) -> Iterator[tuple[int, int]]:
    """Yield where in a row of pixels a finder may begin, and how wide its modules are in pixels."""
    runs = [run.span() for run in RUN.finditer(row)]
    for first in range(len(runs) - 4):
        begin, end = runs[first]
        zoom = end - begin
        lengths = [end - begin for begin, end in runs[first : first + 5]]
        if row[begin] == 1 and zoom > 1 and lengths == [zoom * modules for modules in FINDER]:
            yield begin, zoom


def _function_modules(size: int, version: int) -> Grid:
    """Return which modules hold no data: finders and their borders, timing, alignment, version."""
    taken = [[row == 6 or column == 6 for column in range(size)] for row in range(size)]

    def take(top: int, left: int, height: int, width: int) -> None:
        for row in range(top, top + height):
            taken[row][left : left + width] = [True] * width

    take(0, 0, 9, 9)
    take(0, size - 8, 9, 8)
    take(size - 8, 0, 8, 9)
    centres = util.pattern_position(version)
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for row in centres:
        for column in centres:
            if (row, column) not in corners:
                take(row - 2, column - 2, 5, 5)
    if version >= 7:
        take(0, size - 11, 6, 3)
        take(size - 11, 0, 3, 6)
    return taken


def _path(size: int) -> Iterator[tuple[int, int]]:
    """Yield every module in the order of the data: pairs of columns from the right, alternately up
    and down.
    """
    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for row in reversed(range(size)) if upwards else range(size):
            yield row, right
            yield row, right - 1
        upwards = not upwards


def _in_order(words: list[int], version: int, level: int) -> list[int]:
    """Return the data words in their order, from blocks whose words were interleaved."""
    blocks: list[list[int]] = [[] for _ in base.rs_blocks(version, level)]
    lengths = [block.data_count for block in base.rs_blocks(version, level)]
    dealt = iter(words)
    for at in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if at < length:
                block.append(next(dealt))
    return [word for block in blocks for word in block]


def _text(words: list[int], version: int) -> str:
    bits = "".join(f"{word:08b}" for word in words)
    if int(bits[:4], 2) != BYTES:
        raise NoQRError("our codes are written in bytes")
    wide = 8 if version < 10 else 16
    length = int(bits[4 : 4 + wide], 2)
    begin = 4 + wide
    return bytes(int(bits[at : at + 8], 2) for at in range(begin, begin + 8 * length, 8)).decode()
