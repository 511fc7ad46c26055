"""The row of tabs: Invite, then one for each other page. It exists once there is such a page.

Where so many tabs have no place in one row, there are more rows.
"""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import set_text, shortened

# Pixels at 100 %: with this width four tabs fit the window.
_NAME_WIDTH: Final = 130
_NAME_WIDTH_MIN: Final = 40
# Pixels at 100 %: the padding and the border of a tab.
_AROUND: Final = 30
_UNREAD: Final = "● "


class TabRow(ttk.Frame):
    """The row of tabs above the pages.

    `chosen` is called with the key of a tab that was clicked; Pages defines the keys.
    """

    def __init__(self, master: tkinter.Misc, theme: Theme, chosen: Callable[[str], None]) -> None:
        super().__init__(master)
        # Many tabs share the width of the window and do not widen it.
        self.grid_propagate(False)
        self._theme = theme
        self._chosen = chosen
        self._buttons: dict[str, ttk.Button] = {}
        self._names: dict[str, str] = {}
        self._unread: set[str] = set()
        self.bind("<Configure>", lambda _event: self._fit())

    @property
    def tab_keys(self) -> list[str]:
        """The keys of the tabs, from left to right."""
        return list(self._buttons)

    def put(self, key: str, name: str) -> None:
        """Add a tab on the right, or rename it."""
        self._names[key] = name
        if key not in self._buttons:
            self._buttons[key] = ttk.Button(self, style="Tab.TButton")
            self._wire(key)
        self._fit()

    def remove(self, key: str) -> None:
        """Remove a tab."""
        self._buttons.pop(key).destroy()
        self._names.pop(key)
        self._unread.discard(key)
        self._fit()

    def rename_key(self, before: str, now: str) -> None:
        """Give a tab another key."""
        keys = [now if key == before else key for key in self._buttons]
        buttons = [*self._buttons.values()]
        self._names = {now if key == before else key: name for key, name in self._names.items()}
        if before in self._unread:
            self._unread.remove(before)
            self._unread.add(now)
        self._buttons = dict(zip(keys, buttons, strict=True))
        self._wire(now)

    def select(self, key: str) -> None:
        """Show which tab is open, and mark it as read."""
        self._unread.discard(key)
        for each, button in self._buttons.items():
            button.state(["selected" if each == key else "!selected"])
        self._fit()

    def mark_unread(self, key: str) -> None:
        """Mark a tab as having something new."""
        self._unread.add(key)
        self._fit()

    def _wire(self, key: str) -> None:
        button = self._buttons[key]
        button.configure(command=lambda: self._chosen(key))
        button.bind("<Left>", lambda _event: self._move_focus(key, -1))
        button.bind("<Right>", lambda _event: self._move_focus(key, 1))

    def _move_focus(self, key: str, step: int) -> None:
        keys = self.tab_keys
        self._buttons[keys[(keys.index(key) + step) % len(keys)]].focus_set()

    def _fit(self) -> None:
        px = self._theme.px
        count, width = len(self._buttons), px(_NAME_WIDTH)
        rows = 1
        if self.winfo_width() > 1 and count:
            most = max(1, self.winfo_width() // px(_NAME_WIDTH_MIN + _AROUND))
            rows = -(-count // most)
            room = self.winfo_width() // -(-count // rows) - px(_AROUND)
            width = max(px(_NAME_WIDTH_MIN), min(width, room))
        in_row = max(1, -(-count // rows))
        for at, button in enumerate(self._buttons.values()):
            # Below one another they are equally wide.
            sticky = "" if rows == 1 else "ew"
            button.grid(row=at // in_row, column=at % in_row, sticky=sticky)
        height = max((one.winfo_reqheight() for one in self._buttons.values()), default=1)
        self.configure(height=rows * height)
        for key, button in self._buttons.items():
            mark = _UNREAD if key in self._unread else ""
            set_text(button, mark + shortened(self._names[key], self._theme.body, width))
