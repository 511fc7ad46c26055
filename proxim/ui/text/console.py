"""What this stdout can show: colours, block characters, its width; and text made fit for it.

Everything the terminal face writes passes `plain`, so nothing that came from another device can
drive the terminal.
"""

import os
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TextIO

from proxim.core.sanitize import is_encodable, printable_text
from proxim.ui.qr import Matrix, half_blocks

_BLOCKS: Final = "█▀▄"
# Windows: consoles before Windows Terminal need to be told
_ENABLE_VIRTUAL_TERMINAL_PROCESSING: Final = 0x0004
# Some terminals that do not know their width say 0
_NARROWEST: Final = 20
_STD_OUTPUT_HANDLE: Final = -11


class Colour(StrEnum):
    """ANSI SGR parameters, from the 16 colours that every theme makes readable."""

    BOLD = "1"
    GREEN = "32"
    AMBER = "33"
    BLUE = "34"


class Console:
    """A terminal: its width, its colours, and what it can show.

    `columns` gives the terminal's width at that moment.
    """

    def __init__(self, out: TextIO, environ: Mapping[str, str], columns: Callable[[], int]) -> None:
        self._columns = columns
        # StringIO has none and takes everything
        self._encoding: str = getattr(out, "encoding", None) or "utf-8"
        self.blocks = self._carries(_BLOCKS)
        self.shades = self._carries("█░")
        # no-color.org: set and not empty
        wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._terminal = out.isatty()
        # Screen readers and editors' shells say "dumb": each redrawing would be read out, or stand
        # there as a line.
        self.redraws = self._terminal and environ.get("TERM") != "dumb"
        self.colours = wanted and self._terminal and _ansi_understood()

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return max(self._columns(), _NARROWEST)

    def clipped(self, text: str, columns: int) -> str:
        """`text` made plain on one line of at most `columns` columns; what is cut off is marked."""
        line = self.one_line(text).replace("\t", " ")
        if columns_of(line) <= columns:
            return line
        mark = self.plain("…")
        kept, left = [], columns - len(mark)
        for char in line:
            left -= columns_of(char)
            if left < 0:
                break
            kept.append(char)
        return "".join(kept) + mark

    def plain(self, text: str) -> str:
        """`text` without control characters, and with ? for what this stdout's encoding lacks."""
        return printable_text(text).encode(self._encoding, "replace").decode(self._encoding)

    def one_line(self, text: str) -> str:
        """`text` made plain, without line breaks."""
        return " ".join(self.plain(text).splitlines())

    def wrapped(self, text: str, label: str = "") -> str:
        """`text` made plain behind `label`, broken between words where a terminal would break
        within them.
        """
        line = self.one_line(text)
        if not self._terminal:
            return label + line
        return textwrap.fill(
            line,
            self.width,
            initial_indent=label,
            subsequent_indent=" " * len(label),
            break_long_words=False,
            break_on_hyphens=False,
        )

    def painted(self, text: str, colour: Colour) -> str:
        """`text` on one line, in a colour where there are colours."""
        line = self.one_line(text)
        return f"\x1b[{colour}m{line}\x1b[0m" if self.colours else line

    def qr(self, matrix: Matrix) -> str | None:
        """The QR in characters that this stdout has; None where it does not fit.

        Without colours it is light on dark: on a terminal with a light background it comes out
        inverted, which most phones' cameras read too.
        """
        width = len(matrix[0]) if self.blocks else 2 * len(matrix[0])
        if width > self._columns():
            return None
        return half_blocks(matrix, colour=self.colours) if self.blocks else _in_ascii(matrix)

    def _carries(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True


def _in_ascii(matrix: Matrix) -> str:
    """Two characters a module, as they are half as wide as high; light modules are drawn, as
    half_blocks does.
    """
    return "\n".join("".join("  " if dark else "##" for dark in row) for row in matrix)


def columns_of(text: str) -> int:
    """How many columns a terminal shows `text` in: two for Chinese characters and emoji, none for
    combining marks.
    """
    if text.isascii():
        return len(text)
    return sum(_columns_of_one(char) for char in text)


def _columns_of_one(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def typed_text(line: str) -> str:
    """A typed line that any peer can be sent: bytes that were no text in this terminal's encoding
    become U+FFFD.
    """
    return (
        line
        if is_encodable(line)
        else "".join(char if is_encodable(char) else "\ufffd" for char in line)
    )


if sys.platform == "win32":

    def _ansi_understood() -> bool:
        import ctypes

        kernel32 = ctypes.windll.kernel32
        handle = kernel32.GetStdHandle(_STD_OUTPUT_HANDLE)
        mode = ctypes.c_ulong()
        if not kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
            # No Windows console: a Unix-like terminal such as mintty
            return bool(os.environ.get("TERM"))
        return bool(
            kernel32.SetConsoleMode(handle, mode.value | _ENABLE_VIRTUAL_TERMINAL_PROCESSING)
        )

else:

    def _ansi_understood() -> bool:
        return True
