"""What the page of a link has about known devices: the button that remembers the device or opens
its settings, and lines that say what becomes of that, and that the device was let in.
"""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry, Remembering, RememberStage
from proxim.core.pairing.devices import KnownID
from proxim.ui.remember_words import ended_with_link, failure_words
from proxim.ui.window.link.button_line import ButtonLine
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import bind_letters, countdown, set_lettered, shortened

# Pixels at 100 %.
_NAME_WIDTH: Final = 170
_UNDER_WAY: Final = (RememberStage.PREPARING, RememberStage.COMPARE, RememberStage.WAITING)

_Buttons = list[tuple[str, Callable[[], None]]]


@dataclass(frozen=True, slots=True)
class KnownActions:
    """What the page's buttons do besides posting intents."""

    # Open the settings of a known device.
    set_up: Callable[[KnownID], None]
    # Open the digits of this link again.
    show_digits: Callable[[ev.LinkID], None]


class LinkKnown:
    """The button and the lines of one link; `button` and `lines` are placed by its page."""

    def __init__(
        self,
        button_master: tkinter.Misc,
        lines_master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        actions: KnownActions,
    ) -> None:
        self._theme = theme
        self._post = post
        self._actions = actions
        self._status: st.LinkStatus | None = None
        self._entry: KnownEntry | None = None
        self._remembering: Remembering | None = None
        self.button = ttk.Button(button_master, style="Small.TButton", command=self._press)
        bind_letters(button_master.winfo_toplevel(), [self.button])
        self.lines = ttk.Frame(lines_master)
        self.lines.columnconfigure(0, weight=1)
        self.let_in_line = ButtonLine(self.lines, theme)
        self.remember_line = ButtonLine(self.lines, theme)
        # What the first line shows now.
        self._let_in: tuple[KnownID | None, str] | None = None

    def show_link(self, status: st.LinkStatus, entry: KnownEntry | None) -> None:
        """Follow the link, and what is kept of the device at its other end."""
        before, failed = self._status, self._remembering
        if before is not None and before.link != status.link:
            # To the person a link that came back is the same, and how it ended is still to be read.
            over = failed is not None and failed.stage is RememberStage.FAILED
            if not over or status.resumes != before.link:
                self._remembering = None
        self._status, self._entry = status, entry
        self._show_button()
        self._show_let_in()
        self._show_remembering()

    def show_remembering(self, status: Remembering) -> None:
        """Show what becomes of the wish that the two devices know each other."""
        self._remembering = status
        self._show_button()
        self._show_remembering()

    @property
    def least_width(self) -> int:
        """The width that the lines need which are shown."""
        shown = (line for line in (self.let_in_line, self.remember_line) if line.winfo_manager())
        return max((line.least_width for line in shown), default=0)

    @property
    def can_remember(self) -> bool:
        """Whether the device can be remembered, and is not yet."""
        status = self._status
        return (
            status is not None
            and self._entry is None
            and status.stage is st.Stage.CONNECTED
            and status.verified is not None
            and st.KNOWN in status.features
        )

    @property
    def deadline(self) -> float | None:
        """The moment to which a countdown is shown."""
        return None if self._remembering is None else self._remembering.deadline

    def tick(self) -> None:
        """Update the countdown."""
        status = self._remembering
        if status is not None and status.stage in (RememberStage.COMPARE, RememberStage.WAITING):
            self.remember_line.say(self._words(status))

    # --- the button -------------------------------------------------------------------------------

    def _press(self) -> None:
        if self._entry is not None:
            self._actions.set_up(self._entry.id)
        elif self.can_remember and self._status is not None:
            self._post(known_ev.RememberDevice(self._status.link))

    def _show_button(self) -> None:
        if self._entry is None and not self.can_remember:
            self.button.grid_remove()
            return
        set_lettered(self.button, "known.device" if self._entry is not None else "known.remember")
        under_way = self._remembering is not None and self._remembering.stage in _UNDER_WAY
        self.button.state(["disabled" if under_way and self._entry is None else "!disabled"])
        self.button.grid()

    # --- the lines --------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        """The peer's name, so short that a line stays short."""
        status = self._status
        name = (None if status is None else status.peer_name) or tr("device.other")
        return shortened(name, self._theme.body, self._theme.px(_NAME_WIDTH))

    def _show_let_in(self) -> None:
        status = self._status
        if status is None or not status.let_in:
            self._let_in = None
            self.let_in_line.grid_remove()
        else:
            stays = self._entry is not None and self._entry.let_in
            if status.stage is st.Stage.CLOSED:
                # Whoever was elsewhere all the time learns it on return.
                key = "known.leftLetIn" if stays else "known.leftLetInOnce"
            else:
                key = "known.wasLetIn" if stays else "known.wasLetInOnce"
            if (status.known, key) != self._let_in:
                self._let_in = (status.known, key)
                buttons: _Buttons = []
                if self._entry is not None and stays:
                    ask = known_ev.SetLetIn(self._entry.id, let_in=False)
                    buttons.append(("known.askFromNow", partial(self._post, ask)))
                self.let_in_line.show(tr(key), "Blue", buttons)
            self.let_in_line.grid(row=0, column=0, sticky="ew", pady=(0, self._theme.px(4)))
        self._place_lines()

    def _show_remembering(self) -> None:
        status, link = self._remembering, self._status
        # A page whose link has ended says so, and why, and how to come back; of this, only that
        # nothing came of what was under way.
        over = link is None or link.stage is st.Stage.CLOSED
        if status is None or (over and not ended_with_link(status.reason)):
            self.remember_line.grid_remove()
        else:
            style, buttons = self._look(status)
            self.remember_line.show(self._words(status), style, buttons)
            self.remember_line.grid(row=1, column=0, sticky="ew", pady=(0, self._theme.px(4)))
        self._place_lines()

    def _look(self, status: Remembering) -> tuple[str, _Buttons]:
        """Return the style of the line, and its buttons."""
        digits = partial(self._actions.show_digits, status.link)
        match status.stage:
            case RememberStage.COMPARE:
                return "Blue", [("known.compareNow", digits)]
            case RememberStage.WAITING:
                return "Blue", [("known.showDigits", digits)]
            case RememberStage.KEPT:
                return "Green", [("window.ok", self._dismiss)]
            case RememberStage.FAILED:
                alarming = status.reason in (Reason.DIGITS_DIFFER, Reason.TAMPERED)
                open_ = self._status is not None and self._status.stage is not st.Stage.CLOSED
                if not alarming or not open_:
                    return "Red" if alarming else "Amber", [("window.ok", self._dismiss)]
                end = partial(self._post, ev.Disconnect(status.link))
                return "Red", [("known.end", end), ("window.ok", self._dismiss)]
            case RememberStage.PREPARING:
                return "Blue", []

    def _words(self, status: Remembering) -> str:
        time = ""
        if status.deadline is not None:
            time = countdown(status.deadline - self._theme.clock())
        match status.stage:
            case RememberStage.PREPARING:
                return tr("known.preparing", name=self._name)
            case RememberStage.COMPARE:
                return tr("known.comparing", name=self._name, time=time)
            case RememberStage.WAITING:
                return tr("known.waiting", name=self._name, time=time)
            case RememberStage.KEPT:
                return tr("known.kept", name=self._name)
            case RememberStage.FAILED:
                return failure_words(status.reason)

    def _dismiss(self) -> None:
        self._remembering = None
        self._show_remembering()

    def _place_lines(self) -> None:
        if any(line.winfo_manager() for line in (self.let_in_line, self.remember_line)):
            self.lines.grid()
        else:
            self.lines.grid_remove()
