"""How the window gets attention without the focus: bell, title, and the line for failures."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_text

# This many sentences are kept; older ones no longer help anybody.
_KEPT: Final = 5
# A dialog sends this event to the main window before it takes the focus by itself.
FOCUS_TAKEN: Final = "<<FocusTaken>>"


class Attention:
    """Knows whether the person looks at Proxim, and calls them if not: by the title and the bell.

    `call` counts what happens while another program is in front; a look resets the count. A dialog
    that takes the focus by itself is not a look: somebody who is elsewhere does not see it. Then
    only a key or a click is one.
    """

    def __init__(self, root: tkinter.Tk, title: str) -> None:
        self._root = root
        self._title = title
        self._asking: str | None = None
        self._unseen = 0
        # Whether a dialog took the focus from another program, and nobody has touched it yet.
        self._taken = False
        self._when_looked: Callable[[], None] = lambda: None
        root.bind(FOCUS_TAKEN, lambda _event: self._dialog_takes_focus(), add=True)
        # The dialogs are included.
        root.bind_all("<FocusIn>", lambda _event: self._focused(), add=True)
        for touch in ("<KeyPress>", "<ButtonPress>"):
            root.bind_all(touch, lambda _event: self.looked(), add=True)
        self._show()

    @property
    def in_front(self) -> bool:
        """Whether the person looks at one of Proxim's windows, as far as the focus tells that."""
        if self._taken:
            return False
        try:
            return self._root.focus_displayof() is not None
        except KeyError:
            # A widget of Tk's own has the focus, such as an open menu.
            return True

    def when_looked(self, then: Callable[[], None]) -> None:
        """Call `then` whenever the person looks at Proxim or touches it."""
        self._when_looked = then

    def looked(self) -> None:
        """Take in that the person looks at Proxim."""
        self._taken = False
        if self._unseen:
            self._unseen = 0
            self._show()
        self._when_looked()

    def ask(self, words: str | None) -> None:
        """Show in the title what needs an answer; None removes it."""
        self._asking = words
        self._show()

    def call(self) -> None:
        """Report something that the person may be waiting for."""
        if self.in_front:
            return
        self._unseen += 1
        self._root.bell()
        self._show()

    def _dialog_takes_focus(self) -> None:
        self._taken = not self.in_front

    def _focused(self) -> None:
        if not self._taken:
            self.looked()

    def _show(self) -> None:
        count = f"({self._unseen}) " if self._unseen else ""
        self._root.title(
            f"{count}{self._asking} - {self._title}" if self._asking else f"{count}{self._title}"
        )


class TroubleLine(ttk.Frame):
    """The line at the bottom that shows what went wrong.

    It takes no space while there is nothing to show.
    """

    def __init__(self, master: tkinter.Misc, theme: Theme) -> None:
        px = theme.px
        super().__init__(master, style="Red.TFrame", padding=(px(8), px(4)))
        self._lines: list[str] = []
        self.columnconfigure(0, weight=1)
        self._label = WrapLabel(self, style="Red.Line.TLabel", wraplength=px(440))
        self._label.grid(row=0, column=0, sticky="ew")
        self.button = ttk.Button(
            self, text=tr("window.dismiss"), style="Small.TButton", command=self.dismiss
        )
        self.button.grid(row=0, column=1, padx=px(6))

    def show(self, sentence: str) -> None:
        """Show a sentence; earlier ones return when it is dismissed."""
        if sentence in self._lines:
            self._lines.remove(sentence)
        self._lines = [*self._lines, sentence][-_KEPT:]
        self._refresh()

    def no_longer(self, sentence: str) -> None:
        """Remove a sentence that is no longer true."""
        if sentence in self._lines:
            self._lines.remove(sentence)
            self._refresh()

    def dismiss(self) -> None:
        """Remove the sentence that is shown."""
        self._lines.pop()
        self._refresh()

    def _refresh(self) -> None:
        if not self._lines:
            self.grid_remove()
            return
        more = len(self._lines) - 1
        set_text(self._label, self._lines[-1])
        set_text(
            self.button, tr("window.dismissMore", count=more) if more else tr("window.dismiss")
        )
        self.grid()
