"""Output to the terminal in lines: sentences, labelled fields, a question at the end, and one line
of progress.

Only the line of progress is ever overwritten, and only on a terminal that can do that. Everything
else is written above it.
"""

from collections.abc import Callable

from proxim.ui.text.console import Colour, Console, columns_of


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
