"""A list of up to 20,000 names that can be ticked; only the visible lines exist.

It is a Treeview with as many lines as fit, which are filled again on scrolling: filling it with all
names would take seconds.
"""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core.files.manifest import Entry
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import shortened_middle
from proxim.ui.wording import name_words, size_words

_TICKED: Final = "☑"
_UNTICKED: Final = "☐"
# Treeview itself gives its columns such names.
_NAME: Final = "#1"
_LINES_MAX: Final = 8
_WHEEL_LINES: Final = 3
# Pixels that clam's Treeview adds above and below together, at any scale.
_BORDER: Final = 4


class PickList(ttk.Frame):
    """A list of files with a box to tick for each.

    `changed` is called when something was ticked or unticked.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        entries: tuple[Entry, ...],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(master)
        px = theme.px
        self._theme = theme
        self._entries = entries
        self._changed = changed
        self._first = 0
        self._cursor = 0
        self._folders: dict[str, int] | None = None
        self.declined: set[int] = set()
        self._left = sum(entry.size for entry in entries)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        lines = max(2, min(_LINES_MAX, len(entries)))
        self.view = ttk.Treeview(
            self, columns=("name", "size"), show="", height=lines, style="Pick.Treeview"
        )
        self.view.configure(selectmode="browse")
        self.view.column("name", width=px(300), stretch=True, anchor="w")
        self.view.column("size", width=px(80), stretch=False, anchor="e")
        self.view.grid(row=0, column=0, sticky="nsew")
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self._bar_moved)
        self._lines = 0
        self._make_lines(lines)
        self._bind_keys()
        self._refill()

    @property
    def ticked_size(self) -> int:
        """The size of everything that is ticked, in bytes."""
        return self._left

    @property
    def ticked_files(self) -> int:
        """How many files are ticked, without folders."""
        return sum(
            not entry.directory and at not in self.declined
            for at, entry in enumerate(self._entries)
        )

    def toggle(self, index: int) -> None:
        """Tick or untick an entry.

        A folder changes with everything in it; ticking a file also ticks the folders around it.
        """
        entry = self._entries[index]
        touched = [index]
        if entry.directory:
            inside = entry.path + "/"
            touched += [
                at for at, other in enumerate(self._entries) if other.path.startswith(inside)
            ]
        if index in self.declined:
            self.declined.difference_update(touched, self._around(entry))
        else:
            self.declined.update(touched)
        self._notify()

    def tick_all(self, ticked: bool) -> None:
        """Tick all entries, or none."""
        self.declined = set() if ticked else set(range(len(self._entries)))
        self._notify()

    def lines(self) -> list[tuple[str, ...]]:
        """Return the visible lines."""
        return [
            tuple(map(str, self.view.item(item, "values"))) for item in self.view.get_children()
        ]

    def _notify(self) -> None:
        self._left = sum(
            entry.size for at, entry in enumerate(self._entries) if at not in self.declined
        )
        self._refill()
        self._changed()

    def _around(self, entry: Entry) -> list[int]:
        if self._folders is None:
            self._folders = {
                other.path: at for at, other in enumerate(self._entries) if other.directory
            }
        parts = entry.path.split("/")
        paths = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return [self._folders[path] for path in paths if path in self._folders]

    # --- visible lines ----------------------------------------------------------------------------

    def _make_lines(self, count: int) -> None:
        count = min(count, len(self._entries))
        while self._lines < count:
            self.view.insert("", "end", iid=str(self._lines))
            self._lines += 1
        while self._lines > count:
            self._lines -= 1
            self.view.delete(str(self._lines))

    def _resized(self, height: int) -> None:
        row = int(str(ttk.Style(self).lookup("Pick.Treeview", "rowheight")))
        self._make_lines(max(1, (height - _BORDER) // row))
        self._refill()

    def _refill(self) -> None:
        self._first = max(0, min(self._first, len(self._entries) - self._lines))
        width = int(str(self.view.column("name", "width"))) - self._theme.px(30)
        for line in range(self._lines):
            at = self._first + line
            entry = self._entries[at]
            mark = _UNTICKED if at in self.declined else _TICKED
            name = shortened_middle(name_words(entry.path), self._theme.body, width)
            tail = "/" if entry.directory else ""
            size = "" if entry.directory else size_words(entry.size)
            self.view.item(str(line), values=(f"{mark} {name}{tail}", size))
        cursor = self._cursor - self._first
        if 0 <= cursor < self._lines:
            self.view.selection_set(str(cursor))
        else:
            self.view.selection_set(())
        if self._lines < len(self._entries):
            whole = len(self._entries)
            self._bar.grid(row=0, column=1, sticky="ns")
            self._bar.set(self._first / whole, (self._first + self._lines) / whole)
        else:
            self._bar.grid_remove()

    def _scroll_to(self, first: int) -> None:
        before = self._first
        self._first = max(0, min(first, len(self._entries) - self._lines))
        if self._first != before:
            self._refill()

    def _bar_moved(self, *arguments: str) -> None:
        match arguments:
            case ("moveto", fraction):
                self._scroll_to(round(float(fraction) * len(self._entries)))
            case ("scroll", number, "pages"):
                self._scroll_to(self._first + int(float(number)) * max(1, self._lines - 1))
            case ("scroll", number, _):
                self._scroll_to(self._first + int(float(number)))

    # --- keys and mouse ---------------------------------------------------------------------------

    def _bind_keys(self) -> None:
        view = self.view
        moves: dict[str, Callable[[], int]] = {
            "<Up>": lambda: self._cursor - 1,
            "<Down>": lambda: self._cursor + 1,
            "<Prior>": lambda: self._cursor - max(1, self._lines - 1),
            "<Next>": lambda: self._cursor + max(1, self._lines - 1),
            "<Home>": lambda: 0,
            "<End>": lambda: len(self._entries) - 1,
        }
        for key, target in moves.items():
            view.bind(key, partial(self._move, target))
        view.bind("<space>", lambda _event: self._toggle_cursor())
        view.bind("<Button-1>", self._clicked)
        view.bind("<Double-Button-1>", self._clicked)
        for event, step in (("<Button-4>", -_WHEEL_LINES), ("<Button-5>", _WHEEL_LINES)):
            view.bind(event, partial(self._wheel, step))
        view.bind(
            "<MouseWheel>",
            lambda event: self._wheel(-_WHEEL_LINES if event.delta > 0 else _WHEEL_LINES, event),
        )
        view.bind("<Configure>", lambda event: self._resized(event.height))

    def _move(self, target: Callable[[], int], _event: object) -> str:
        self._cursor = max(0, min(target(), len(self._entries) - 1))
        if self._cursor < self._first:
            self._first = self._cursor
        elif self._cursor >= self._first + self._lines:
            self._first = self._cursor - self._lines + 1
        self._refill()
        return "break"

    def _toggle_cursor(self) -> str:
        self.toggle(self._cursor)
        return "break"

    def _clicked(self, event: "tkinter.Event[ttk.Treeview]") -> str:
        self.view.focus_set()
        item = self.view.identify_row(event.y)
        if item:
            self._cursor = self._first + int(item)
            mark = self._theme.body.measure(_TICKED) + self._theme.px(10)
            if self.view.identify_column(event.x) == _NAME and event.x <= mark:
                self.toggle(self._cursor)
            else:
                self._refill()
        return "break"

    def _wheel(self, lines: int, _event: object) -> str:
        self._scroll_to(self._first + lines)
        return "break"
