"""Notices each dialog of ours that opens while this device's screen is shown.

Whoever controls the screen could answer it, so nobody controls while one is open (events.Shield).
Dialogs are noticed by Tk's own events, at one place for all of them, those of Tk included.
"""

import tkinter
from collections.abc import Callable
from typing import Final

from proxim.core import events as ev
from proxim.core.screen import events as screen_ev

# What is no dialog, by the class of its Toplevel: the bar, the window in which a screen is seen,
# and the boxes of ttk's menus.
BAR_CLASS: Final = "ProximScreenBar"
VIEWER_CLASS: Final = "ProximScreen"
_NO_DIALOGS: Final = frozenset({BAR_CLASS, VIEWER_CLASS, "Menu"})
_EVENTS: Final = ("<Map>", "<Unmap>", "<Destroy>")


class DialogShield:
    """Posts Shield(True) when the first dialog opens, and Shield(False) when the last one closes,
    from `watch(True)` to `watch(False)`.
    """

    def __init__(self, root: tkinter.Tk, post: Callable[[ev.Intent], None]) -> None:
        self._root = root
        self._post = post
        self._open: set[str] = set()
        self._watching = False
        # The bindings stay once they were made: taking them away would take others' with them.
        self._bound = False

    @property
    def up(self) -> bool:
        """Whether nobody may control now."""
        return bool(self._open)

    def watch(self, on: bool) -> None:
        """Begin or end to notice dialogs."""
        if on == self._watching:
            return
        self._watching = on
        if not on:
            self._change(set())
            return
        if not self._bound:
            self._bound = True
            for event in _EVENTS:
                self._root.bind_all(event, self._noticed, add=True)
        # Those that are open already are found here.
        self._change({path for path in self._toplevels() if self._is_dialog(path)})

    def _toplevels(self) -> list[str]:
        # Toplevels of toplevels, too; tkinter does not know those of Tk's own library.
        found: list[str] = []
        unseen = ["."]
        while unseen:
            inside = self._root.tk.splitlist(self._root.tk.call("winfo", "children", unseen.pop()))
            children = [str(child) for child in inside]
            unseen += children
            found += [child for child in children if self._winfo("toplevel", child) == child]
        return found

    def _noticed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if not self._watching:
            return
        path = str(event.widget)
        if event.type is tkinter.EventType.Map:
            if path not in self._open and self._is_dialog(path):
                self._change(self._open | {path})
        elif path in self._open:
            self._change(self._open - {path})

    def _is_dialog(self, path: str) -> bool:
        if path == "." or not int(self._winfo("exists", path)):
            return False
        return (
            self._winfo("toplevel", path) == path
            and self._winfo("class", path) not in _NO_DIALOGS
            and bool(int(self._winfo("ismapped", path)))
        )

    def _winfo(self, what: str, path: str) -> str:
        return str(self._root.tk.call("winfo", what, path))

    def _change(self, now: set[str]) -> None:
        was, self._open = self.up, now
        if self.up != was:
            self._post(screen_ev.Shield(self.up))
