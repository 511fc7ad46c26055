"""The line that shows this device's name, and the field that changes it."""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING

from proxim.core.i18n import tr
from proxim.core.pairing.opening import ThisDevice
from proxim.core.sanitize import display_name, given_name
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_text, shortened

if TYPE_CHECKING:
    from proxim.core import events as ev

# Pixels at 100 %.
_WRAP = 300


class DeviceBar(ttk.Frame):
    """Shows this device's name, and lets the person change it."""

    def __init__(
        self, master: tkinter.Misc, theme: Theme, post: Callable[[ev.Intent], None]
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        # This is the name as other devices get it.
        self._sent = ""
        self._shown = ""
        px = theme.px
        self.columnconfigure(1, weight=1)
        # This is the height of the field, so that nothing moves when it opens.
        self.rowconfigure(0, minsize=px(28))
        ttk.Label(self, text=tr("device.this"), style="Quiet.TLabel").grid(
            row=0, column=0, padx=(0, px(8))
        )
        # The label is as wide as its column, however long the name is.
        self._label = ttk.Label(self, style="Bold.TLabel", width=1)
        self._label.grid(row=0, column=1, sticky="ew")
        self._label.bind("<Configure>", lambda _event: self._fit())
        self.button = ttk.Button(
            self, text=tr("device.rename"), style="Small.TButton", command=self.rename
        )
        self.button.grid(row=0, column=2, padx=(px(8), 0))
        self._entry: ttk.Entry | None = None
        # It exists while the field has a name that cannot be taken.
        self.trouble: WrapLabel | None = None

    def show(self, status: ThisDevice) -> None:
        """Show this device's current name."""
        self._sent = status.device.name
        self._shown = display_name(status.device.name)
        self._fit()

    def rename(self) -> None:
        """Open the field, or save the name that was typed into it."""
        if self._entry is None:
            self._entry = ttk.Entry(self, font=self._theme.body, style="Slim.TEntry")
            self._entry.insert(0, self._sent)
            self._entry.selection_range(0, "end")
            self._label.grid_remove()
            self._entry.grid(row=0, column=1, sticky="ew")
            self._entry.bind("<Return>", lambda _event: self.rename())
            self._entry.bind("<KP_Enter>", lambda _event: self.rename())
            self._entry.bind("<Escape>", lambda _event: self._close())
            self._entry.focus_set()
            self.button.configure(text=tr("device.save"))
            return
        typed = self._entry.get()
        name = given_name(typed)
        if name is None and typed.strip():
            self._say_unusable()
            return
        self._close()
        if name is not None and name != self._sent:
            # This is imported late, as the first paint needs no intents.
            from proxim.core.events import Rename

            self._post(Rename(name))

    def _say_unusable(self) -> None:
        """Say it below the field, which stays open; it is gone once a name is taken."""
        if self.trouble is None:
            # This is imported late, as the first paint shows no sentence of that table.
            from proxim.core.errors import SENTENCES, Reason

            words, px = SENTENCES[Reason.NAME_UNUSABLE], self._theme.px
            self.trouble = WrapLabel(self, words, "Red.Line.TLabel", px(_WRAP))
            self.trouble.grid(row=1, column=0, columnspan=3, sticky="ew", pady=(px(4), 0))

    def _close(self) -> None:
        if self.trouble is not None:
            self.trouble.destroy()
            self.trouble = None
        if self._entry is not None:
            self._entry.destroy()
            self._entry = None
        self._label.grid()
        self.button.configure(text=tr("device.rename"))
        self.button.focus_set()

    def _fit(self) -> None:
        set_text(self._label, shortened(self._shown, self._theme.bold, self._label.winfo_width()))
