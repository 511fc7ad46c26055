"""The question before the window closes while transfers run: wait for them, or stop them."""

import tkinter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import status as file_st
from proxim.core.i18n import tr
from proxim.ui.window.root import darken_title_bar
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, place_over, set_lettered, set_text

# Pixels at 100 %.
_WIDTH: Final = 320


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How many transfers the end of the window would stop."""

    # Those that a person has accepted.
    begun: int
    # Those that the other person has not accepted yet; nobody keeps anything of these.
    asked: int
    # Of those that have begun, the ones that go on when the same devices are linked again.
    kept: int

    @classmethod
    def of(
        cls,
        running: Collection[file_st.TransferStatus],
        links: Mapping[ev.LinkID, st.LinkStatus],
    ) -> "Unfinished":
        """Count running transfers; `links` has the statuses of their links."""
        begun = [one for one in running if one.state is not file_st.TransferState.ANNOUNCED]
        # Only programs have lanes, and without one nothing is promised: a page forgets its
        # transfers with its session. Without a proof, nothing goes on either.
        on_lane = {one.link for one in running if one.via is st.Via.LANE}
        lasting = {
            link
            for link, status in links.items()
            if status.verified is not None and (status.via is st.Via.LANE or link in on_lane)
        }
        kept = [one for one in begun if one.link in lasting]
        return cls(len(begun), len(running) - len(begun), len(kept))

    @property
    def counts(self) -> str:
        """How many there are, in words."""
        parts = []
        if self.begun:
            parts.append(tr("window.transfersRunning", count=self.begun))
        if self.asked:
            parts.append(tr("window.transfersAsked", count=self.asked))
        return "\n".join(parts)

    @property
    def consequence(self) -> str:
        """What closing the window does to them, in words."""
        parts = [tr("window.closeStops", count=self.begun + self.asked)]
        if self.kept and self.kept == self.begun:
            parts.append(tr("window.closeKeeps"))
        elif self.kept:
            parts.append(tr("window.closeKeepsSome", count=self.kept))
        if self.asked:
            parts.append(tr("window.closeForgets"))
        return " ".join(parts)


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
        self._consequence = WrapLabel(body, wraplength=px(_WIDTH))
        self._consequence.grid(row=1, column=0, sticky="ew", pady=(px(4), px(16)))
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

    def show(self, unfinished: Unfinished) -> None:
        """Show how many transfers run, and what becomes of them."""
        set_text(self._count, unfinished.counts)
        set_text(self._consequence, unfinished.consequence)
        if self.window.winfo_viewable():
            self._fit()

    def _fit(self) -> None:
        """Give the open question the height of its present words."""
        self.window.update_idletasks()
        width, height = self.window.winfo_width(), self.window.winfo_reqheight()
        if height != self.window.winfo_height():
            self.window.geometry(f"{width}x{height}")

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
