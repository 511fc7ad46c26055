"""The approval dialog: who asks, from where, how the device proved itself, and 40 seconds to
answer.

It looks like a message box but is a window of its own: a native one cannot count down, close by
itself or let the rest of the program run. Reject has the focus, and Approve is disabled at first,
so that nobody approves what they have not read. A device that proved nothing needs a second click
after a warning.
"""

import math
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.i18n import tr
from proxim.core.pairing.devices import Verified
from proxim.core.sanitize import display_name, printable_text
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    PlainText,
    WrapLabel,
    bind_letters,
    lettered,
    next_second,
    set_lettered,
    set_text,
)

# Characters in a line: a UUID fits. A longer id continues on the next line, as two ids may begin
# alike.
_ID_SHOWN: Final = 36
_WIDTH: Final = 400
# This is the height of a title bar, so that the dialog below stays visible.
_CASCADE: Final = 28

_PROOFS: Final = {
    Verified.CODE: "approval.byCode",
    Verified.QR: "approval.byQR",
    Verified.KNOWN: "known.byPairKey",
    None: "approval.byNothing",
}
# The code and the QR code of a lost link are no longer on the screen.
_PROOFS_AGAIN: Final = {
    Verified.CODE: "approval.byCodeAgain",
    Verified.QR: "approval.byQRAgain",
    Verified.KNOWN: "known.byPairKey",
    None: "approval.byNothing",
}


def in_lines(text: str) -> list[str]:
    """Cut `text` into lines of _ID_SHOWN columns; unless all of it is ASCII, each character counts
    as two.
    """
    length = _ID_SHOWN if text.isascii() else _ID_SHOWN // 2
    return [text[start : start + length] for start in range(0, max(1, len(text)), length)]


class ApprovalDialog:
    """Asks whether a guest may connect.

    `answered` is called after the person answered here, which closes the dialog. `beside` is the
    number of dialogs that are already open.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        prompt: st.Prompt,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
        answered: Callable[[], None],
        beside: int = 0,
    ) -> None:
        self.prompt = prompt
        self._theme = theme
        self._post = post
        self._clock = clock
        self._when_answered = answered
        self._approvable_from = clock() + st.ANSWER_DELAY_SECONDS
        # A device that proved itself needs no warning.
        self._warned = prompt.verified is not None
        self._decided = False
        self._plain: list[PlainText] = []
        dialog = self._dialog = Dialog(
            root, theme, "ProximRequest", self.reject, width=_WIDTH, title=tr("approval.title")
        )
        self.window = dialog.window
        self._build()
        dialog.appear(self.reject_button, theme.px(_CASCADE) * beside, by_itself=True)
        dialog.come_first(bell=True)
        self._tick()

    @property
    def is_open(self) -> bool:
        """Whether the person can still answer here."""
        return not self._decided

    @property
    def approvable(self) -> bool:
        """Whether Approve is enabled: there was time to read, and the deadline has not passed."""
        return self._approvable_from <= self._clock() < self.prompt.deadline and not self._decided

    def approve(self) -> None:
        """Approve the device, unless that is too early or too late.

        A device that proved nothing needs a second approval after a warning.
        """
        if not self.approvable:
            return
        if self._warned:
            self._decide(approved=True)
        else:
            self._warn()

    def reject(self) -> None:
        """Reject the device."""
        if not self._decided:
            self._decide(approved=False)

    def close(self) -> None:
        """Close the dialog without an answer."""
        self._decided = True
        self._dialog.close()

    def restyle(self) -> None:
        """Apply the current palette."""
        self._dialog.restyle()
        for text in self._plain:
            text.restyle()

    def _decide(self, *, approved: bool) -> None:
        self._decided = True
        self._post(ev.Decide(self.prompt.session_id, approved, self.prompt.number))
        self.close()
        self._when_answered()

    def _warn(self) -> None:
        """Show what approving would mean, on a button that is disabled at first."""
        self._warned = True
        self._approvable_from = self._clock() + st.ANSWER_DELAY_SECONDS
        set_text(self._proof, tr("approval.warning"))
        self._proof.restyle("Amber.Line.TLabel")
        set_lettered(self.approve_button, "approval.approveUnverified")
        self.approve_button.configure(state="disabled")
        self.reject_button.focus_set()
        self._tick()

    def _build(self) -> None:
        px = self._theme.px
        prompt = self.prompt
        body = ttk.Frame(self._dialog.body)
        body.grid(row=0, column=0, sticky="ew")
        body.columnconfigure(1, weight=1)
        wrap = px(_WIDTH)
        shown = display_name(prompt.device.name)
        known = prompt.known is not None
        if known:
            # Its name is the one that it has on this device, which no other can take.
            shown = tr("known.asks", name=shown)
        # A long name is easier to read on one line.
        large = self._theme.title.measure(shown) <= wrap - (px(20) if known else 0)
        style = "Title" if large else "Bold"
        style = f"{style}.Green.Line.TLabel" if known else f"{style}.TLabel"
        name = WrapLabel(body, shown, style, wrap)
        name.grid(row=0, column=0, columnspan=2, sticky="ew")
        wants = ttk.Label(body, text=tr("approval.wants"))
        above, below = (8, 0) if known else (2, 14)
        wants.grid(row=1, column=0, columnspan=2, sticky="w", pady=(px(above), px(below)))
        if not known:
            words, style = self._theme.badge(prompt.verified)
            ttk.Label(body, text=words, style=style).grid(row=2, column=0, columnspan=2, sticky="w")
        proofs = _PROOFS if prompt.replaces is None else _PROOFS_AGAIN
        self._proof = WrapLabel(body, tr(proofs[prompt.verified]), "TLabel", wrap)
        self._proof.grid(row=3, column=0, columnspan=2, sticky="ew", pady=(px(6), px(12)))
        if prompt.replaces is not None:
            lost = prompt.replaces.peer_name or tr("device.otherWith")
            replaces = WrapLabel(
                body, tr("approval.replaces", name=lost), "Amber.Line.TLabel", wrap
            )
            replaces.grid(row=4, column=0, columnspan=2, sticky="ew", pady=(0, px(12)))
        self._detail(body, 5, tr("approval.address"), prompt.peer_address)
        self.device_id: list[PlainText] = []
        if not known:
            # A known device proves who it is; an id is only what a device says.
            device_id = " ".join(printable_text(prompt.device.id).split())
            self.device_id = self._detail(body, 6, tr("approval.deviceID"), *in_lines(device_id))
        self._countdown = ttk.Label(body, style="Quiet.TLabel")
        self._countdown.grid(row=7, column=0, columnspan=2, sticky="w", pady=(px(14), px(10)))
        buttons = ttk.Frame(body)
        buttons.grid(row=8, column=0, columnspan=2, sticky="e")
        text, underline = lettered("approval.reject")
        self.reject_button = ttk.Button(
            buttons, text=text, underline=underline, command=self.reject
        )
        self.reject_button.grid(row=0, column=0, padx=(0, px(8)))
        # Only for a device that proved itself is Approve the main button.
        style = "TButton" if prompt.verified is None else "Main.TButton"
        text, underline = lettered(
            "approval.approveAsks" if prompt.verified is None else "approval.approve"
        )
        self.approve_button = ttk.Button(
            buttons,
            text=text,
            underline=underline,
            style=style,
            command=self.approve,
            state="disabled",
        )
        self.approve_button.grid(row=0, column=1)
        bind_letters(self.window, [self.reject_button, self.approve_button])

    def _detail(self, body: ttk.Frame, row: int, label: str, *lines: str) -> list[PlainText]:
        px = self._theme.px
        ttk.Label(body, text=label, style="Quiet.TLabel").grid(
            row=row, column=0, sticky="nw", padx=(0, px(16))
        )
        cell = ttk.Frame(body)
        cell.grid(row=row, column=1, sticky="ew")
        details = []
        for line in lines:
            shown = PlainText(cell, self._theme)
            shown.configure(font=self._theme.mono, width=_ID_SHOWN)
            shown.put(line)
            shown.pack(fill="x")
            details.append(shown)
        self._plain.extend(details)
        return details

    def _tick(self) -> None:
        now = self._clock()
        left = max(0, math.ceil(self.prompt.deadline - now))
        set_text(
            self._countdown, tr("approval.left", seconds=left) if left else tr("approval.tooLate")
        )
        state = "normal" if self.approvable else "disabled"
        if str(self.approve_button.cget("state")) != state:
            self.approve_button.configure(state=state)
        changes = [at for at in (next_second(self.prompt.deadline, now),) if at is not None]
        if self._approvable_from > now:
            changes.append(self._approvable_from)
        self._dialog.run_in(min(changes) - now if changes else None, self._tick)
