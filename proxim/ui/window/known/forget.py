"""The question before a known device is forgotten by a key or from a menu."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.known.words import forget_means
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, set_lettered

# Pixels at 100 %.
_WIDTH: Final = 380


class ForgetQuestion:
    """Asks whether to forget a device; `forget` is called if so, and `closed` in any case."""

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        name: str,
        linked: bool,
        forget: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        self._forget = forget
        self._closed = closed
        dialog = self._dialog = Dialog(
            root, theme, "ProximForget", self.close, width=_WIDTH, title=tr("known.forgetTitle")
        )
        self.window, self.restyle = dialog.window, dialog.restyle
        px, body = theme.px, dialog.body
        question = WrapLabel(body, tr("known.forgetQuestion", name=name), "Bold.TLabel", px(_WIDTH))
        question.grid(row=0, column=0, sticky="ew")
        means = WrapLabel(body, forget_means(linked=linked), wraplength=px(_WIDTH))
        means.grid(row=1, column=0, sticky="ew", pady=(px(4), px(16)))
        buttons = ttk.Frame(body)
        buttons.grid(row=2, column=0, sticky="e")
        self.forget_button = ttk.Button(buttons, command=self.forget)
        self.forget_button.grid(row=0, column=0, padx=(0, px(8)))
        self.keep_button = ttk.Button(buttons, style="Main.TButton", command=self.close)
        self.keep_button.grid(row=0, column=1)
        set_lettered(self.forget_button, "known.forget")
        set_lettered(self.keep_button, "known.keep")
        bind_letters(dialog.window, [self.forget_button, self.keep_button])
        # The person has just asked for it, so the question takes the focus.
        dialog.appear(self.keep_button, by_itself=False)

    def forget(self) -> None:
        """Forget the device."""
        self.close()
        self._forget()

    def close(self) -> None:
        """Keep it."""
        if self._dialog.is_open:
            self._dialog.close()
            self._closed()
