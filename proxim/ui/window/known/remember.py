"""The six digits that two persons compare before their devices know each other.

"They differ" has the focus, and neither answer counts at first, so that a key meant for something
else is no answer. Closing the window is none either: the digits stay on the link's page and can be
opened there again, until the time is over.
"""

import math
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core import status as st
from proxim.core.i18n import tr
from proxim.core.known.status import Remembering, RememberStage
from proxim.core.pairing.devices import Verified
from proxim.core.sanitize import display_name
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    SCREEN_BARS,
    WrapLabel,
    bind_letters,
    next_second,
    set_lettered,
    set_text,
    shortened,
)

# Pixels at 100 %.
_WIDTH: Final = 380
_NAME_WIDTH: Final = 200
_DIGIT_GAP: Final = 7
# Between the third digit and the fourth.
_MIDDLE_GAP: Final = 28
# They are larger than a code: two persons may look from a distance.
_LARGER: Final = 1.4


class DigitsDialog:
    """Shows the digits, and asks whether those on the other screen are the same.

    `answer` is called with whether they are, and again if the person takes that back.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        status: Remembering,
        verified: Verified | None,
        answer: Callable[[bool], None],
    ) -> None:
        self.status = status
        self._theme = theme
        self._clock = theme.clock
        self._verified = verified
        self._answer = answer
        self._ready_from = self._clock() + st.ANSWER_DELAY_SECONDS
        self._answered = False
        # Whose place the other device would take; None if it was not known.
        self._earlier: WrapLabel | None = None
        dialog = self._dialog = Dialog(
            root,
            theme,
            "ProximRemember",
            self.close,
            width=_WIDTH,
            title=tr("known.digitsTitle"),
        )
        self.window, self.restyle = dialog.window, dialog.restyle
        self._build()
        self.show(status)
        self._appear()

    @property
    def is_open(self) -> bool:
        """Whether the digits are on the screen."""
        return self._dialog.is_open

    @property
    def answerable(self) -> bool:
        """Whether there was time to compare, and the time is not over."""
        now, deadline = self._clock(), self.status.deadline
        return (
            self.status.stage is RememberStage.COMPARE
            and not self._answered
            and self._ready_from <= now
            and (deadline is None or now < deadline)
        )

    def same(self) -> None:
        """Answer that the digits are the same on both screens."""
        if self.answerable:
            self._answered = True
            self._answer(True)
            self._tick()

    def differ(self) -> None:
        """Answer that they are not."""
        # What a person has confirmed can be taken back while the other one compares.
        if self.answerable or self.status.stage is RememberStage.WAITING:
            self._answered = True
            self.close()
            self._answer(False)

    def show(self, status: Remembering) -> None:
        """Show how far the two persons are."""
        self.status = status
        for label, digit in zip(self._digits, status.digits or "", strict=False):
            set_text(label, digit)
        if status.stage is RememberStage.WAITING:
            # The other person still compares with this screen.
            self._answered = True
            set_text(self._what, tr("known.confirmedHere", name=self._short_name))
            self.same_button.grid_remove()
            self.close_button.grid()
            if self.window.winfo_viewable():
                self.close_button.focus_set()
        self._tick()

    def lift(self) -> None:
        """Bring the digits to the front."""
        self._dialog.lift(self._safe_button)

    def close(self) -> None:
        """Close the window without an answer."""
        self._dialog.close()

    @property
    def _name(self) -> str:
        return display_name(self.status.peer_name or tr("device.otherFirst"))

    @property
    def _short_name(self) -> str:
        """The name in a sentence; all of it stands above."""
        return shortened(self._name, self._theme.body, self._theme.px(_NAME_WIDTH))

    @property
    def _safe_button(self) -> ttk.Button:
        waiting = self.status.stage is RememberStage.WAITING
        return self.close_button if waiting else self.differ_button

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px, wrap = self._theme.px, self._theme.px(_WIDTH)
        body = self._dialog.body
        # A long name is easier to read on one line.
        large = self._theme.title.measure(self._name) <= wrap
        name = WrapLabel(body, self._name, "Title.TLabel" if large else "Bold.TLabel", wrap)
        name.grid(row=0, column=0, sticky="ew")
        key = "known.oursWish" if self.status.ours else "known.theirWish"
        wish = WrapLabel(body, tr(key), wraplength=wrap)
        wish.grid(row=1, column=0, sticky="ew", pady=(px(2), px(10)))
        if self.status.known_as is not None:
            earlier = shortened(self.status.known_as, self._theme.body, px(_NAME_WIDTH))
            words = tr("known.knownAs", name=earlier)
            self._earlier = WrapLabel(body, words, "Amber.Line.TLabel", wrap)
            self._earlier.grid(row=2, column=0, sticky="ew", pady=(0, px(10)))
        words, style = self._theme.badge(self._verified)
        badge = ttk.Label(body, text=words, style=style)
        badge.grid(row=3, column=0, sticky="w")
        self._build_digits(body).grid(row=4, column=0, sticky="ew", pady=px(14))
        self._what = WrapLabel(body, tr("known.compare", name=self._short_name), wraplength=wrap)
        self._what.grid(row=5, column=0, sticky="ew")
        means = WrapLabel(body, tr("known.means"), "Quiet.TLabel", wrap)
        means.grid(row=6, column=0, sticky="ew", pady=(px(8), 0))
        self._spared = (badge, means)
        self._countdown = ttk.Label(body, style="Quiet.TLabel")
        self._countdown.grid(row=7, column=0, sticky="w", pady=(px(14), px(10)))
        buttons = ttk.Frame(body)
        buttons.grid(row=8, column=0, sticky="e")
        self.differ_button = ttk.Button(buttons, command=self.differ, state="disabled")
        self.differ_button.grid(row=0, column=0, padx=(0, px(8)))
        self.same_button = ttk.Button(
            buttons, command=self.same, style="Main.TButton", state="disabled"
        )
        self.same_button.grid(row=0, column=1)
        self.close_button = ttk.Button(buttons, command=self.close)
        self.close_button.grid(row=0, column=2)
        self.close_button.grid_remove()
        set_lettered(self.differ_button, "known.differ")
        set_lettered(self.same_button, "known.same")
        set_lettered(self.close_button, "known.close")
        bind_letters(self.window, [self.differ_button, self.same_button, self.close_button])

    def _build_digits(self, body: ttk.Frame) -> ttk.Frame:
        px = self._theme.px
        edge = ttk.Frame(body, style="Edge.TFrame", padding=max(1, px(1)))
        edge.columnconfigure(0, weight=1)
        card = ttk.Frame(edge, style="Row.TFrame", padding=(px(12), px(10)))
        card.grid(row=0, column=0, sticky="ew")
        # They stand in the middle.
        card.columnconfigure((0, 7), weight=1)
        self._font = self._theme.code_large.copy()
        self._font.configure(size=round(int(self._font.cget("size")) * _LARGER))
        self._digits = []
        for place in range(6):
            digit = ttk.Label(card, style="Row.TLabel", font=self._font)
            left = _MIDDLE_GAP if place == 3 else _DIGIT_GAP
            digit.grid(row=0, column=place + 1, padx=(px(left), px(_DIGIT_GAP)))
            self._digits.append(digit)
        return edge

    def _appear(self) -> None:
        window = self.window
        window.update_idletasks()
        if window.winfo_reqheight() > window.winfo_screenheight() - self._theme.px(SCREEN_BARS):
            # On a low screen the digits and the answers come first.
            for label in self._spared:
                label.grid_remove()
            self._font.configure(size=self._theme.code_large.cget("size"))
        self._dialog.appear(self._safe_button, by_itself=True)
        self._dialog.come_first(bell=not self.status.ours)

    def _tick(self) -> None:
        now, deadline = self._clock(), self.status.deadline
        changes = [self._ready_from] if self._ready_from > now else []
        if deadline is not None:
            left = max(0, math.ceil(deadline - now))
            set_text(
                self._countdown,
                tr("known.digitsLeft", seconds=left) if left else tr("approval.tooLate"),
            )
            changes += [at for at in (next_second(deadline, now),) if at is not None]
        waiting = self.status.stage is RememberStage.WAITING
        for button, able in (
            (self.differ_button, self.answerable or waiting),
            (self.same_button, self.answerable),
        ):
            state = "normal" if able else "disabled"
            if str(button.cget("state")) != state:
                button.configure(state=state)
        self._dialog.run_in(min(changes) - now if changes else None, self._tick)
