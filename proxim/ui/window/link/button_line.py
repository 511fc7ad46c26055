"""One sentence on a link's page, with the buttons that belong to it."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, set_lettered, set_text

# Pixels at 100 %: where the sentence wraps first, and the least width that it can be read in.
_WRAP: Final = 280
_WORDS_MIN: Final = 130


class ButtonLine(ttk.Frame):
    """One sentence and its buttons."""

    def __init__(self, master: tkinter.Misc, theme: Theme) -> None:
        px = theme.px
        super().__init__(master, style="Blue.TFrame", padding=(0, px(1), px(4), px(1)))
        self.columnconfigure(0, weight=1)
        self._words = WrapLabel(self, style="Blue.Line.TLabel", wraplength=px(_WRAP))
        self._words.grid(row=0, column=0, sticky="ew")
        self._gap = px(4)
        self._words_min = px(_WORDS_MIN)
        self.buttons: list[ttk.Button] = []
        bind_letters(self.winfo_toplevel(), self.buttons)

    @property
    def words(self) -> str:
        """The sentence."""
        return str(self._words.cget("text"))

    @property
    def least_width(self) -> int:
        """The width with which all buttons are whole and the sentence can be read."""
        buttons = sum(button.winfo_reqwidth() + self._gap for button in self.buttons)
        return self._words_min + buttons + self._gap

    def say(self, words: str) -> None:
        """Change the sentence only; a button keeps the focus."""
        set_text(self._words, words)

    def show(self, words: str, style: str, buttons: list[tuple[str, Callable[[], None]]]) -> None:
        """Show this sentence with these buttons, by the keys of their texts."""
        self.say(words)
        self.configure(style=f"{style}.TFrame")
        self._words.restyle(f"{style}.Line.TLabel")
        for button in self.buttons:
            button.destroy()
        # Its letters are bound once, to whatever buttons it has.
        self.buttons[:] = [
            ttk.Button(self, style="Small.TButton", command=command) for _, command in buttons
        ]
        for button, (key, _) in zip(self.buttons, buttons, strict=True):
            set_lettered(button, key)
        for column, button in enumerate(self.buttons, start=1):
            button.grid(row=0, column=column, padx=(self._gap, 0))
