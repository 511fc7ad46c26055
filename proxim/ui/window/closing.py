"""The question before the window closes while transfers run: wait for them, or stop them."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.root import darken_title_bar
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, place_over, set_lettered, set_text

# Pixels at 100 %.
_WIDTH: Final = 320


class CloseQuestion:
    """Asks whether to close although transfers run.

    `stop` is called if so, and `answered` when the question is gone in any way.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        stop: Callable[[], None],
        answered: Callable[[], None],
    ) -> None:
        self._theme = theme
        self._stop = stop
        self._answered = answered
        window = self.window = tkinter.Toplevel(root, class_="ProximClosing")
        # The window stays hidden until it is complete and in its place.
        window.withdraw()
        window.title("Proxim")
        window.resizable(False, False)
        window.protocol("WM_DELETE_WINDOW", self.wait)
        window.bind("<Escape>", lambda _event: self.wait())
        px = theme.px
        body = ttk.Frame(window, padding=px(20))
        body.pack(fill="both", expand=True)
        body.columnconfigure(0, weight=1)
        self._count = WrapLabel(body, style="Bold.TLabel", wraplength=px(_WIDTH))
        self._count.grid(row=0, column=0, sticky="ew")
        what = WrapLabel(body, tr("window.closeStops"), wraplength=px(_WIDTH))
        what.grid(row=1, column=0, sticky="ew", pady=(px(4), px(16)))
        buttons = ttk.Frame(body)
        buttons.grid(row=2, column=0, sticky="e")
        self.stop_button = ttk.Button(buttons, command=self.stop)
        self.stop_button.grid(row=0, column=0, padx=(0, px(8)))
        self.wait_button = ttk.Button(buttons, style="Main.TButton", command=self.wait)
        self.wait_button.grid(row=0, column=1)
        set_lettered(self.stop_button, "window.stopAndClose")
        set_lettered(self.wait_button, "window.wait")
        bind_letters(window, [self.stop_button, self.wait_button])
        self.restyle()

    def show(self, count: int) -> None:
        """Show how many transfers run."""
        set_text(self._count, tr("window.transfersRunning", count=count))

    def open(self, root: tkinter.Tk) -> None:
        """Bring the question to the front, for the first time or again."""
        window = self.window
        if not window.winfo_viewable():
            window.update_idletasks()
            width = max(window.winfo_reqwidth(), self._theme.px(_WIDTH))
            place_over(root, window, width, window.winfo_reqheight())
            window.deiconify()
        window.lift()
        # The person has just asked to close the window, so the question takes the focus.
        self.wait_button.focus_force()

    def wait(self) -> None:
        """Leave the window open."""
        self.close()

    def stop(self) -> None:
        """Close the window."""
        self.close()
        self._stop()

    def close(self) -> None:
        """Withdraw the question, as nothing runs any more."""
        self.window.destroy()
        self._answered()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.window.configure(background=self._theme.palette.background)
        darken_title_bar(self.window, self._theme.is_dark)
