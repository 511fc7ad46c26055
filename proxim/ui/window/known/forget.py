"""The question before a known device is forgotten by a key or from a menu."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.root import darken_title_bar
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, place_over, set_lettered

# Pixels at 100 %.
_WIDTH: Final = 380


class ForgetQuestion:
    """Asks whether to forget a device; `forget` is called if so, and `closed` in any case."""

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        name: str,
        forget: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        self._theme = theme
        self._forget = forget
        self._closed = closed
        window = self.window = tkinter.Toplevel(root, class_="ProximForget")
        # The window stays hidden until it is complete and in its place.
        window.withdraw()
        window.title(tr("known.forgetTitle"))
        window.resizable(False, False)
        window.protocol("WM_DELETE_WINDOW", self.close)
        window.bind("<Escape>", lambda _event: self.close())
        px = theme.px
        body = ttk.Frame(window, padding=px(20))
        body.pack(fill="both", expand=True)
        body.columnconfigure(0, weight=1, minsize=px(_WIDTH))
        question = WrapLabel(body, tr("known.forgetQuestion", name=name), "Bold.TLabel", px(_WIDTH))
        question.grid(row=0, column=0, sticky="ew")
        means = WrapLabel(body, tr("known.forgetMeans"), wraplength=px(_WIDTH))
        means.grid(row=1, column=0, sticky="ew", pady=(px(4), px(16)))
        buttons = ttk.Frame(body)
        buttons.grid(row=2, column=0, sticky="e")
        self.forget_button = ttk.Button(buttons, command=self.forget)
        self.forget_button.grid(row=0, column=0, padx=(0, px(8)))
        self.keep_button = ttk.Button(buttons, style="Main.TButton", command=self.close)
        self.keep_button.grid(row=0, column=1)
        set_lettered(self.forget_button, "known.forget")
        set_lettered(self.keep_button, "known.keep")
        bind_letters(window, [self.forget_button, self.keep_button])
        self.restyle()
        window.update_idletasks()
        place_over(root, window, window.winfo_reqwidth(), window.winfo_reqheight())
        window.deiconify()
        window.lift()
        # The person has just asked for it, so the question takes the focus.
        self.keep_button.focus_force()

    def forget(self) -> None:
        """Forget the device."""
        self.close()
        self._forget()

    def close(self) -> None:
        """Keep it."""
        if self.window.winfo_exists():
            self.window.destroy()
            self._closed()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.window.configure(background=self._theme.palette.background)
        darken_title_bar(self.window, self._theme.is_dark)
