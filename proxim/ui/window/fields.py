"""How every field for text behaves, in our windows and in Tk's own dialogs: keys, pasting, and the
menu of the right mouse button.

All of it is bound once to Tk's classes of fields. On X11 Tk gives many keys the meaning that they
have in Emacs, so that Ctrl+A and a letter would write before a text instead of over it; here they
do what they do in other programs of a desktop. On macOS the system itself gives Ctrl+A and its like
these meanings, and they stay.
"""

import re
import tkinter
from collections.abc import Callable
from functools import partial
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.clipboard import copied_text
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import menu_keys, themed_menu

_TEXT: Final = "Text"
_CLASSES: Final = (_TEXT, "Entry", "Spinbox", "TEntry", "TCombobox", "TSpinbox")

# Tk's virtual events on X11 (tk.tcl, EventMotifBindings) with the letter that Emacs gives them.
# With Shift the same letter selects, and Tk spells each also for a keyboard in capitals.
_EMACS_EVENTS: Final = {
    "LineStart": "a",
    "PrevChar": "b",
    "LineEnd": "e",
    "NextChar": "f",
    "NextLine": "n",
    "PrevLine": "p",
}
# What the classes themselves do in Emacs's way (text.tcl, entry.tcl, ttk/entry.tcl), on Windows,
# too: delete and exchange letters, begin a line, write a tab, paste what the mouse has selected.
_EMACS_KEYS: Final = (
    *(f"<Control-{letter}>" for letter in "dhikot"),
    *(f"<Meta-{key}>" for key in ("b", "d", "f", "less", "greater", "BackSpace", "Delete")),
    "<Insert>",
)
# Keys that Tk on X11 lacks, or gives to something else: Ctrl+Y pastes in Emacs.
_DESKTOP_EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "<<SelectAll>>": ("<Control-Key-a>", "<Control-Lock-Key-A>"),
    "<<Redo>>": ("<Control-Key-y>", "<Control-Lock-Key-Y>"),
    "<<Cut>>": ("<Shift-Key-Delete>",),
    "<<Copy>>": ("<Control-Key-Insert>",),
    "<<Paste>>": ("<Shift-Key-Insert>",),
}
_FOREIGN_EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "<<Cut>>": ("<Control-Key-w>", "<Control-Lock-Key-W>"),
    "<<Copy>>": ("<Meta-Key-w>", "<Meta-Lock-Key-W>"),
    "<<Paste>>": ("<Control-Key-y>", "<Control-Lock-Key-Y>"),
}
# Characters: Tk takes 20 ms to lay out a line of so many, and 45 seconds for a line of a million.
LINE_SHOWN_MAX: Final = 20_000
_LONG_LINE: Final = re.compile(f"[^\\n]{{{LINE_SHOWN_MAX + 1},}}")
# Characters that stay visible at both ends of such a line.
_FOLD_END: Final = 500
_FOLDED: Final = "folded"
# The menu's entries: the key of the words, and Tk's event that does it.
_ENTRIES: Final = (
    ("window.cut", "<<Cut>>"),
    ("window.copy", "<<Copy>>"),
    ("window.paste", "<<Paste>>"),
    ("window.selectAll", "<<SelectAll>>"),
)


class Fields:
    """The keys and the menu of all fields below a root."""

    def __init__(self, root: tkinter.Tk, theme: Theme) -> None:
        self._root = root
        self._theme = theme
        # It is filled when it opens.
        self.menu = tkinter.Menu(root, tearoff=False)
        system = str(root.tk.call("tk", "windowingsystem"))
        if system == "x11":
            self._leave_emacs()
        for kind in _CLASSES:
            if system != "aqua":
                for key in _EMACS_KEYS:
                    root.unbind_class(kind, key)
            self._bind(kind, "<<Paste>>", partial(self._paste, kind))
            self._bind(kind, "<<ContextMenu>>", partial(self._open_at_pointer, kind))
            for key in menu_keys(root):
                self._bind(kind, key, partial(self._open_at_caret, kind))

        self._bind(_TEXT, "<<SelectAll>>", self._select_all)

    def _leave_emacs(self) -> None:
        root = self._root
        for event, letter in _EMACS_EVENTS.items():
            upper = letter.upper()
            root.event_delete(
                f"<<{event}>>", f"<Control-Key-{letter}>", f"<Control-Lock-Key-{upper}>"
            )
            root.event_delete(
                f"<<Select{event}>>", f"<Control-Key-{upper}>", f"<Control-Lock-Key-{letter}>"
            )
        for name, keys in _FOREIGN_EVENTS.items():
            root.event_delete(name, *keys)
        for name, keys in _DESKTOP_EVENTS.items():
            root.event_add(name, *keys)

    def _bind(self, kind: str, sequence: str, handler: Callable[[str, int, int], None]) -> None:
        # Tk's dialogs have fields that tkinter does not know, so handlers get paths, not widgets.
        command = self._root.register(
            lambda path, x, y: handler(path, int(float(x)), int(float(y)))
        )
        self._root.tk.call("bind", kind, sequence, f"{command} %W %X %Y")

    def _select_all(self, path: str, _x: int, _y: int) -> None:
        """Select the whole text without the line break that Tk keeps behind it."""
        self._root.tk.call(path, "tag", "add", "sel", "1.0", "end-1c")

    # --- pasting ----------------------------------------------------------------------------------

    def _paste(self, kind: str, path: str, _x: int, _y: int) -> None:
        if not self._editable(kind, path):
            return
        text = copied_text(self._root)
        if text:
            insert_text(self._root, path, text)

    # --- the menu ---------------------------------------------------------------------------------

    def _open_at_pointer(self, kind: str, path: str, x: int, y: int) -> None:
        self._open(kind, path, x, y)

    def _open_at_caret(self, kind: str, path: str, _x: int, _y: int) -> None:
        call = self._root.tk.call
        left, top = int(call("winfo", "rootx", path)), int(call("winfo", "rooty", path))
        # It is empty while the caret is scrolled out of sight.
        box = self._root.tk.splitlist(call(path, "bbox", "insert"))
        if box:
            x, y, _width, height = map(int, box)
            left, top = left + x, top + y + height
        self._open(kind, path, left, top)

    def _open(self, kind: str, path: str, x: int, y: int) -> None:
        self._root.tk.call("focus", path)
        editable, selected = self._editable(kind, path), self._selected(kind, path)
        possible = {
            "<<Cut>>": editable and selected,
            "<<Copy>>": selected,
            # What is on the clipboard is read only when the person pastes it.
            "<<Paste>>": editable,
            "<<SelectAll>>": self._has_text(kind, path),
        }
        menu = self.menu
        themed_menu(menu, self._theme)
        menu.configure(disabledforeground=self._theme.palette.disabled)
        menu.delete(0, "end")
        for words, event in _ENTRIES:
            if event == "<<SelectAll>>":
                menu.add_separator()
            menu.add_command(
                label=tr(words),
                command=partial(self._root.tk.call, "event", "generate", path, event),
                state="normal" if possible[event] else "disabled",
            )
        menu.tk_popup(x, y)

    # --- what a field has -------------------------------------------------------------------------

    def _editable(self, kind: str, path: str) -> bool:
        return str(self._root.tk.call(path, "cget", "-state")) == "normal"

    def _selected(self, kind: str, path: str) -> bool:
        call = self._root.tk.call
        if kind == _TEXT:
            return bool(self._root.tk.splitlist(call(path, "tag", "ranges", "sel")))
        return bool(self._root.tk.getboolean(call(path, "selection", "present")))

    def _has_text(self, kind: str, path: str) -> bool:
        call = self._root.tk.call
        if kind == _TEXT:
            return bool(self._root.tk.getboolean(call(path, "compare", "end-1c", ">", "1.0")))
        return int(call(path, "index", "end")) > 0


def insert_text(root: tkinter.Misc, path: str, text: str) -> bool:
    """Write a text into a field in place of what is selected there, as a paste does.

    Returns whether a line is shown without its middle, because it is longer than LINE_SHOWN_MAX.
    """
    call = root.tk.call
    if str(call("winfo", "class", path)) != _TEXT:
        if root.tk.getboolean(call(path, "selection", "present")):
            call(path, "delete", "sel.first", "sel.last")
        call(path, "insert", "insert", text)
        # This scrolls to the cursor.
        call(path, "icursor", call(path, "index", "insert"))
        return False
    if root.tk.splitlist(call(path, "tag", "ranges", "sel")):
        call(path, "delete", "sel.first", "sel.last")
    pieces = _with_folds(text)
    folded = len(pieces) > 1
    if folded:
        # Undoing would bring the text back with its middle shown.
        call(path, "configure", "-undo", False)
        call(path, "tag", "configure", _FOLDED, "-elide", True)
    for piece, hidden in pieces:
        call(path, "insert", "insert", piece, (_FOLDED,) if hidden else ())
    call(path, "see", "insert")
    return folded


def _with_folds(text: str) -> list[tuple[str, bool]]:
    """Cut a text into pieces, each with whether it is to be hidden."""
    pieces: list[tuple[str, bool]] = []
    shown_from = 0
    for line in _LONG_LINE.finditer(text):
        start, end = line.start() + _FOLD_END, line.end() - _FOLD_END
        pieces += [(text[shown_from:start], False), (text[start:end], True)]
        shown_from = end
    return [*pieces, (text[shown_from:], False)]
