"""Keeps keys from answering a question that they were not meant for.

A question that comes by itself may take the keyboard from somebody who types, in another program or
in a text field of Proxim. A space or a Return of theirs would press the button that has the focus,
and say no to somebody before anybody has read the question.
"""

import tkinter
from typing import Final

from proxim.core.status import ANSWER_DELAY_SECONDS

# Who pauses for so long has seen that another window has the keyboard.
_PAUSE_MS: Final = round(ANSWER_DELAY_SECONDS * 1000)
# Pressed alone these are no typing, and nobody who types on is kept waiting by them.
_MODIFIERS: Final = ("Shift", "Control", "Alt", "Meta", "Super", "ISO_Level", "Caps_Lock")


class StrayKeys:
    """Takes the keys from a question's first widget until nobody has typed for a moment.

    Keys with Alt or Control are let through, since nobody types text with them.
    """

    def __init__(self, first: tkinter.Misc) -> None:
        self._first = first
        self._timer: str | None = None
        first.bind("<KeyPress>", self._press, add=True)
        first.bind("<KeyRelease>", lambda _event: self._taken, add=True)
        for shortcut in ("<Alt-KeyPress>", "<Control-KeyPress>"):
            # Of all bindings of a widget that match a key, Tk takes the most specific one only.
            first.bind(shortcut, lambda _event: None, add=True)
        first.bind("<Destroy>", lambda _event: self._stop(), add=True)
        self._wait()

    @property
    def _taken(self) -> str | None:
        return None if self._timer is None else "break"

    def _press(self, event: "tkinter.Event[tkinter.Misc]") -> str | None:
        if self._timer is not None and not event.keysym.startswith(_MODIFIERS):
            self._wait()
        return self._taken

    def _wait(self) -> None:
        self._stop()
        self._timer = self._first.after(_PAUSE_MS, self._stop)

    def _stop(self) -> None:
        if self._timer is not None:
            self._first.after_cancel(self._timer)
            self._timer = None
