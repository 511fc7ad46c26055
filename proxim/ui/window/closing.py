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
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, bind_letters, set_lettered, set_text

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
        self._stop = stop
        self._answered = answered
        dialog = self._dialog = Dialog(
            root, theme, "ProximClosing", self.wait, width=_WIDTH, title="Proxim"
        )
        self.window, self.restyle = dialog.window, dialog.restyle
        px, body = theme.px, dialog.body
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
        bind_letters(dialog.window, [self.stop_button, self.wait_button])

    def show(self, unfinished: Unfinished) -> None:
        """Show how many transfers run, and what becomes of them."""
        set_text(self._count, unfinished.counts)
        set_text(self._consequence, unfinished.consequence)

    def open(self) -> None:
        """Bring the question to the front, for the first time or again."""
        # The person has just asked to close the window, so the question takes the focus.
        if self.window.winfo_viewable():
            self._dialog.lift(self.wait_button)
        else:
            self._dialog.appear(self.wait_button, by_itself=False)

    def wait(self) -> None:
        """Leave the window open."""
        self.close()

    def stop(self) -> None:
        """Close the window."""
        self.close()
        self._stop()

    def close(self) -> None:
        """Withdraw the question, as nothing runs any more."""
        self._dialog.close()
        self._answered()
