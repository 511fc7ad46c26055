"""The line that shows what other programs gave the window to be sent, until a device gets it."""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core.handover import Handover
from proxim.core.i18n import tr
from proxim.core.sanitize import display_name
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_text, shortened, themed_menu

# Pixels at 100 %: with less width beside the buttons, the words go above them.
_WORDS_MIN: Final = 200
# Pixels at 100 %: a name of this width leaves the sentence its place.
_NAME_WIDTH: Final = 170


class HandoverBar(ttk.Frame):
    """What waits to be sent, with a menu of the devices that can get it.

    `changed` is called after the person has chosen or discarded.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        handover: Handover,
        changed: Callable[[], None],
    ) -> None:
        px = theme.px
        super().__init__(master, style="Blue.TFrame", padding=(px(8), px(4)))
        self._theme = theme
        self._handover = handover
        self._changed = changed
        self.columnconfigure(0, weight=1)
        self.label = WrapLabel(self, style="Blue.Line.TLabel", wraplength=px(340))
        self.label.grid(row=0, column=0, sticky="ew")
        self.send_to = ttk.Menubutton(self, text=tr("handover.sendTo"), style="Small.TMenubutton")
        self.send_to.grid(row=0, column=1, padx=(px(6), 0))
        self.menu = tkinter.Menu(self.send_to, tearoff=False, postcommand=self._fill)
        self.send_to.configure(menu=self.menu)
        self.discard = ttk.Button(
            self, text=tr("handover.discard"), style="Small.TButton", command=self._discard
        )
        self.discard.grid(row=0, column=2, padx=px(6))
        self.bind("<Configure>", lambda _event: self._fit())

    def refresh(self) -> bool:
        """Show what waits first; return whether anything does."""
        parcel = self._handover.waiting
        if parcel is None:
            return False
        choices = self._handover.choices
        if parcel.link is not None or parcel.known is not None:
            then = tr("handover.untilNamed", name=self._short(parcel.to or ""))
        elif parcel.to is not None and not choices:
            then = tr("handover.nobodyNamed", name=self._short(parcel.to))
        else:
            then = tr("handover.chooseDevice") if choices else tr("handover.untilLinked")
        set_text(self.label, f"{tr('handover.toBeSent', count=len(parcel.paths))} {then}")
        if choices:
            self.send_to.grid()
        else:
            self.send_to.grid_remove()
        self._fit()
        return True

    @property
    def entries(self) -> list[tuple[str, tuple[ev.LinkID, ...]]]:
        """What the menu offers: a name, and the links over which it sends."""
        choices = self._handover.choices
        names = [one.peer_name or tr("device.otherLabel") for one in choices]
        found: list[tuple[str, tuple[ev.LinkID, ...]]] = [
            # Names can be the same by chance, or on purpose.
            (f"{name} ({one.peer_address})" if names.count(name) > 1 else name, (one.link,))
            for name, one in zip(names, choices, strict=True)
        ]
        if len(choices) > 1:
            every = tuple(one.link for one in choices)
            found.append((tr("handover.toAll", count=len(every)), every))
        return found

    def _short(self, name: str) -> str:
        """The name, so short that the bar stays low."""
        return shortened(display_name(name), self._theme.body, self._theme.px(_NAME_WIDTH))

    def _fit(self) -> None:
        """Put the words above the buttons where these leave them too little width."""
        shown = [one for one in (self.send_to, self.discard) if one.winfo_manager()]
        px = self._theme.px
        room = self.winfo_width() - sum(one.winfo_reqwidth() + px(12) for one in shown)
        above = self.winfo_width() > 1 and room < px(_WORDS_MIN)
        self.label.grid(columnspan=3 if above else 1)
        for button in shown:
            button.grid(row=1 if above else 0, pady=(px(4), 0) if above else 0, sticky="e")

    def _fill(self) -> None:
        themed_menu(self.menu, self._theme)
        self.menu.delete(0, "end")
        for label, links in self.entries:
            self.menu.add_command(label=label, command=partial(self.choose, links))

    def choose(self, links: tuple[ev.LinkID, ...]) -> None:
        """Send what waits first over these links."""
        self._handover.choose(links)
        self._changed()

    def _discard(self) -> None:
        self._handover.discard()
        self._changed()
