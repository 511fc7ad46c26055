"""Reads standard input line by line, for the faces that a person or a script writes to."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TextIO

_log = logging.getLogger(__name__)

# A text of 1 MiB becomes 6 MiB when escaped. Without a limit one line could fill the memory.
MAX_LINE_CHARACTERS: Final = 8 * 1024 * 1024
# A terminal keeps no more of a line, and drops the rest without a word: N_TTY_BUF_SIZE of Linux
# (with the line break), MAX_CANON of macOS. Windows' console has no such limit.
TERMINAL_LINE_BYTES: Final = {"linux": 4095, "darwin": 1023}.get(sys.platform, sys.maxsize)


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line of standard input, without its line break."""

    text: str = field(repr=False)
    # Whether the terminal may have cut it.
    cut: bool = False


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Standard input is at its end."""


def read_lines(stream: TextIO, put: Callable[[InputLine | InputEnded], None]) -> None:
    """Give each line of `stream` to `put`, and its end."""
    try:
        typed = stream.isatty()
        while line := stream.readline(MAX_LINE_CHARACTERS):
            cut = typed and len(line.encode(errors="surrogateescape")) >= TERMINAL_LINE_BYTES
            put(InputLine(line.rstrip("\r\n"), cut))
            # The line was too long. What is left of it must not be read as a line of its own.
            while line and not line.endswith("\n"):
                line = stream.readline(MAX_LINE_CHARACTERS)
    except (OSError, ValueError) as error:
        # The stream is closed, or is not text.
        _log.warning("standard input cannot be read: %s", type(error).__name__)
    put(InputEnded())
