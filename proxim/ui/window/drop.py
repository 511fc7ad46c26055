"""Files dropped on the window.

This needs the Tcl extension that tkinterdnd2 contains. Without it the person sends files with the
buttons.
"""

import logging
import os
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.ui.window.theme import Theme

_log = logging.getLogger(__name__)

# Loading takes 30 ms, and nobody drops a file before the code is on the screen.
LOAD_AFTER_MS: Final = 700
_REFUSE: Final = "refuse_drop"
_COPY: Final = "copy"


class DropTarget:
    """Accepts files that are dropped on the window.

    `offer` returns whether files can be dropped now, and a sentence about what a drop does or why
    it is impossible.
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
        # During a drag the other program keeps the pointer, so a pointer that moves here is free
        # again. If that program died or never delivered its data, nothing else reports the end of
        # the drag.
        self.sign.bind("<Motion>", lambda _event: self.leave())
        self.sign.bind("<Button>", lambda _event: self.leave())
        self._timer = root.after(LOAD_AFTER_MS, self.load)
        root.bind(
            "<Destroy>",
            lambda event: root.after_cancel(self._timer) if event.widget is root else None,
            add=True,
        )

    def load(self) -> None:
        """Start to accept drops, if the system supports them."""
        try:
            from tkinterdnd2 import TkinterDnD

            TkinterDnD.require(self._root)
        except (ImportError, RuntimeError, tkinter.TclError) as error:
            _log.info("no files can be dropped: %s", error)
            return
        root = self._root
        root.tk.call("tkdnd::drop_target", "register", root, "DND_Files")
        # The binding is made in Tcl: the extension replaces %D itself, and tkinter's own bindings
        # cannot.
        for event, answer, data in (
            ("<<DropEnter>>", self.enter, ""),
            ("<<DropLeave>>", self.leave, ""),
            ("<<Drop>>", self.drop, " %D"),
        ):
            root.tk.call("bind", root, event, root.register(answer) + data)
        self.ready = True

    def enter(self) -> str:
        """Show what a drop would do, when something is dragged over the window."""
        able, words = self._offer()
        tone = "Blue" if able else "Amber"
        px = self._theme.px
        self.sign.configure(text=words, style=f"{tone}.Drop.TLabel", wraplength=px(440))
        self.sign.place(relx=0, rely=0, relwidth=1, relheight=1)
        self.sign.lift()
        return _COPY if able else _REFUSE

    def leave(self) -> None:
        """Hide the sign, when the dragged thing leaves the window."""
        self.sign.place_forget()

    def drop(self, data: str = "") -> str:
        """Handle a drop; `data` is a Tcl list of paths."""
        self.leave()
        able, _ = self._offer()
        # Links from a web browser are no absolute paths and are left out.
        paths = tuple(
            path for path in map(str, self._root.tk.splitlist(data)) if os.path.isabs(path)
        )
        if not able or not paths:
            return _REFUSE
        # The program that the files come from waits until this method returns.
        self._root.after_idle(self._dropped, paths)
        return _COPY
