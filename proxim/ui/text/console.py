"""Output to the terminal: what this stdout can show (its colours, characters and width), text made
fit for it, and the lines that are written.

`Console` knows the terminal. `Lines` writes sentences, labelled fields, a question at the end, and
one line of progress. Only the line of progress is ever overwritten, and only on a terminal that can
do that. The terminal face passes all its text through `plain`, so nothing from another device can
control the terminal.
"""

import os
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TextIO

from proxim.core.sanitize import is_encodable, printable_text
from proxim.ui.qr import Matrix, half_blocks, inverted

_BLOCKS: Final = "█▀▄"
# Windows consoles older than Windows Terminal interpret ANSI sequences only with this mode on.
_ENABLE_VIRTUAL_TERMINAL_PROCESSING: Final = 0x0004
# Some terminals that do not know their width report 0 columns.
_NARROWEST: Final = 20
_STD_OUTPUT_HANDLE: Final = -11


class Colour(StrEnum):
    """ANSI SGR parameters from the 16 colours, which every terminal theme makes readable."""

    BOLD = "1"
    RED = "31"
    GREEN = "32"
    AMBER = "33"
    BLUE = "34"


class Console:
    """A terminal with its width, its colours and the characters that it can show.

    `columns` returns the terminal's current width.
    """

    def __init__(self, out: TextIO, environ: Mapping[str, str], columns: Callable[[], int]) -> None:
        self._columns = columns
        # A StringIO has no encoding and accepts every character.
        self._encoding: str = getattr(out, "encoding", None) or "utf-8"
        self.blocks = self._carries(_BLOCKS)
        self.shades = self._carries("█░")
        # By no-color.org, NO_COLOR counts if it is set and not empty.
        wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._terminal = out.isatty()
        # Screen readers and shells in editors set TERM to "dumb". They would read out each
        # redrawing, or keep it as a line.
        self.redraws = self._terminal and environ.get("TERM") != "dumb"
        self.colours = wanted and self._terminal and _ansi_understood()

    @property
    def width(self) -> int:
        """Return the number of columns of the terminal."""
        return max(self._columns(), _NARROWEST)

    def clipped(self, text: str, columns: int) -> str:
        """Return `text` as one plain line of at most `columns` columns, with "…" if it was cut."""
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
        """Return `text` without control characters, with ? for what cannot be encoded here."""
        return printable_text(text).encode(self._encoding, "replace").decode(self._encoding)

    def one_line(self, text: str) -> str:
        """Return `text` made plain, without line breaks."""
        return " ".join(self.plain(text).splitlines())

    def wrapped(self, text: str, label: str = "") -> str:
        """Return `text` made plain behind `label`; on a terminal its lines break between words."""
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
        """Return `text` on one line, in `colour` if this terminal has colours."""
        line = self.one_line(text)
        return f"\x1b[{colour}m{line}\x1b[0m" if self.colours else line

    def qr(self, matrix: Matrix, *, invert: bool = False) -> str | None:
        """Return the QR in characters that this stdout can show, or None if it is too wide.

        Without colours it is made for a dark background, or with `invert` for a light one.
        """
        matrix = inverted(matrix) if invert and not self.colours else matrix
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
    """Draw each module as two characters, as a character is half as wide as it is high.

    Light modules are drawn and dark ones left out, as in half_blocks.
    """
    return "\n".join("".join("  " if dark else "##" for dark in row) for row in matrix)


def columns_of(text: str) -> int:
    """Return how many columns a terminal needs for `text`.

    Chinese characters and emoji count as two columns, combining marks as none.
    """
    if text.isascii():
        return len(text)
    return sum(_columns_of_one(char) for char in text)


def _columns_of_one(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def typed_text(line: str) -> str:
    """Make a typed line fit to be sent: bytes that are no text in this terminal's encoding become
    U+FFFD.
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
            # This is no Windows console but a Unix-like terminal such as mintty.
            return bool(os.environ.get("TERM"))
        return bool(
            kernel32.SetConsoleMode(handle, mode.value | _ENABLE_VIRTUAL_TERMINAL_PROCESSING)
        )

else:

    def _ansi_understood() -> bool:
        return True


class Lines:
    """Writes sentences, questions and one line of progress.

    `write` must write and flush.
    """

    def __init__(self, console: Console, write: Callable[[str], None]) -> None:
        self.console = console
        # This is true while a question stands at the end of the last line.
        self.asked = False
        self._write = write
        # This is the width in columns of the line of progress on the screen, or 0.
        self._progress = 0

    def say(self, text: str, indent: str = "") -> None:
        """Write a sentence on lines of its own."""
        self.free()
        self._write(self.console.wrapped(text, indent) + "\n")

    def field(self, label: str, value: str, colour: Colour | None = None) -> None:
        """Write a value with its label before it."""
        self.free()
        start = f"  {label:<9}"
        if colour is None:
            self._write(self.console.wrapped(value, start) + "\n")
        else:
            self._write(start + self.console.painted(value, colour) + "\n")

    def exactly(self, line: str) -> None:
        """Write a line (or a QR) that is already fit for this terminal."""
        self.free()
        self._write(line + "\n")

    def blank(self) -> None:
        """Write an empty line."""
        self.exactly("")

    def ask(self, question: str) -> None:
        """Write a question, unless one is already open; the answer is typed behind it."""
        if not self.asked:
            self.free()
            self._write(self.console.one_line(question))
            self.asked = True

    @property
    def shows_progress(self) -> bool:
        """Whether the line of progress is on the screen."""
        return self._progress > 0

    def progress(self, line: str) -> None:
        """Redraw the line of progress, unless a question is open."""
        if self.asked:
            return
        # Some terminals break the line once its last column is used.
        shown = self.console.clipped(line, self.console.width - 1)
        columns = columns_of(shown)
        self._write("\r" + shown + " " * (self._progress - columns))
        self._progress = columns

    def free(self) -> None:
        """Start a new line after a question, or clear the line of progress."""
        if self.asked:
            self.asked = False
            self._write("\n")
        elif self._progress:
            self._write("\r" + " " * self._progress + "\r")
        self._progress = 0

    def entered(self) -> None:
        """Note that the person pressed Enter: the terminal has started a new line."""
        self.asked = False
        self._progress = 0
