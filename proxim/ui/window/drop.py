"""Files dropped on the window, by the Tcl extension that tkinterdnd2 carries; without it the
buttons do the same.
"""

import logging
import os
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.ui.window.theme import Theme

_log = logging.getLogger(__name__)

# It takes 30 ms, and nobody drops a file before there is a code on the screen
LOAD_AFTER_MS: Final = 700
_REFUSE: Final = "refuse_drop"
_COPY: Final = "copy"


class DropTarget:
    """Takes files that are dropped on the window.

    `offer` says whether files can be dropped now, and in words what a drop does or why not.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        offer: Callable[[], tuple[bool, str]],
        dropped: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._root = root
        self._theme = theme
        self._offer = offer
        self._dropped = dropped
        self.ready = False
        self.sign = ttk.Label(root, anchor="center", justify="center")
        # While something is dragged its program holds the pointer; a pointer that moves here is
        # free again. Nobody else tells the end of a drag whose program died or never gave its data.
        self.sign.bind("<Motion>", lambda _event: self.leave())
        self.sign.bind("<Button>", lambda _event: self.leave())
        self._timer = root.after(LOAD_AFTER_MS, self.load)
        root.bind(
            "<Destroy>",
            lambda event: root.after_cancel(self._timer) if event.widget is root else None,
            add=True,
        )

    def load(self) -> None:
        """Take drops from now on, where the system can."""
        try:
            from tkinterdnd2 import TkinterDnD

            TkinterDnD.require(self._root)
        except (ImportError, RuntimeError, tkinter.TclError) as error:
            _log.info("no files can be dropped: %s", error)
            return
        root = self._root
        root.tk.call("tkdnd::drop_target", "register", root, "DND_Files")
        # Bound in Tcl: the extension puts %D in place itself, and tkinter's own bindings know
        # nothing of it.
        for event, answer, data in (
            ("<<DropEnter>>", self.enter, ""),
            ("<<DropLeave>>", self.leave, ""),
            ("<<Drop>>", self.drop, " %D"),
        ):
            root.tk.call("bind", root, event, root.register(answer) + data)
        self.ready = True

    def enter(self) -> str:
        """Something is dragged over the window."""
        able, words = self._offer()
        tone = "Blue" if able else "Amber"
        px = self._theme.px
        self.sign.configure(text=words, style=f"{tone}.Drop.TLabel", wraplength=px(440))
        self.sign.place(relx=0, rely=0, relwidth=1, relheight=1)
        self.sign.lift()
        return _COPY if able else _REFUSE

    def leave(self) -> None:
        """It went away again."""
        self.sign.place_forget()

    def drop(self, data: str = "") -> str:
        """It was dropped: `data` is a Tcl list of paths."""
        self.leave()
        able, _ = self._offer()
        # No web links
        paths = tuple(
            path for path in map(str, self._root.tk.splitlist(data)) if os.path.isabs(path)
        )
        if not able or not paths:
            return _REFUSE
        # The program that they come from waits for our answer
        self._root.after_idle(self._dropped, paths)
        return _COPY
