"""The terminal as paper: sentences and fields below one another, a question at the end, a line of
progress redrawn.

Only the line of progress is ever overwritten, and only on a terminal that does that; what is said
goes above it.
"""

from collections.abc import Callable

from proxim.ui.text.console import Colour, Console, columns_of


class Lines:
    """Writes sentences, questions and one line of progress.

    `write` writes and flushes.
    """

    def __init__(self, console: Console, write: Callable[[str], None]) -> None:
        self.console = console
        # A question stands at the end of the last line
        self.asked = False
        self._write = write
        # Columns of the line of progress that stands there
        self._progress = 0

    def say(self, text: str, indent: str = "") -> None:
        """One sentence on lines of its own."""
        self.free()
        self._write(self.console.wrapped(text, indent) + "\n")

    def field(self, label: str, value: str, colour: Colour | None = None) -> None:
        """A value with its label before it."""
        self.free()
        start = f"  {label:<9}"
        if colour is None:
            self._write(self.console.wrapped(value, start) + "\n")
        else:
            self._write(start + self.console.painted(value, colour) + "\n")

    def exactly(self, line: str) -> None:
        """A line (or a QR) that is fit for this terminal already."""
        self.free()
        self._write(line + "\n")

    def blank(self) -> None:
        """An empty line."""
        self.exactly("")

    def ask(self, question: str) -> None:
        """Put a question, unless one stands there: its answer is typed behind it."""
        if not self.asked:
            self.free()
            self._write(self.console.one_line(question))
            self.asked = True

    def progress(self, line: str) -> None:
        """Redraw the line of progress; not over a question."""
        if self.asked:
            return
        # In the last column some terminals break the line
        shown = self.console.clipped(line, self.console.width - 1)
        columns = columns_of(shown)
        self._write("\r" + shown + " " * (self._progress - columns))
        self._progress = columns

    def free(self) -> None:
        """Begin a new line: after a question, or where the line of progress was."""
        if self.asked:
            self.asked = False
            self._write("\n")
        elif self._progress:
            self._write("\r" + " " * self._progress + "\r")
        self._progress = 0

    def entered(self) -> None:
        """Somebody pressed Enter: what stood there stays, and the line below is free."""
        self.asked = False
        self._progress = 0
