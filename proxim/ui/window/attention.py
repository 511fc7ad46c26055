"""How the window makes itself noticed without taking the focus: a number before its title, which
the task bar shows.
"""

import tkinter


class Attention:
    """See the module.

    `call` counts what happened while another window is in front; a look at ours takes it back.
    """

    def __init__(self, root: tkinter.Tk, title: str) -> None:
        self._root = root
        self._title = title
        self._asking: str | None = None
        self._unseen = 0
        root.bind("<FocusIn>", lambda _event: self._seen(), add=True)
        self._show()

    @property
    def in_front(self) -> bool:
        """Whether one of our windows has the focus."""
        try:
            return self._root.focus_displayof() is not None
        except KeyError:  # a widget of Tk's own, such as an open menu
            return True

    def ask(self, words: str | None) -> None:
        """Stand in the title while an answer is waited for."""
        self._asking = words
        self._show()

    def call(self) -> None:
        """Something happened that the person may wait for."""
        if self.in_front:
            return
        self._unseen += 1
        self._root.bell()
        self._show()

    def _seen(self) -> None:
        if self._unseen:
            self._unseen = 0
            self._show()

    def _show(self) -> None:
        count = f"({self._unseen}) " if self._unseen else ""
        self._root.title(
            f"{count}{self._asking} - {self._title}" if self._asking else f"{count}{self._title}"
        )
