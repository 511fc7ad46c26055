"""The question whether somebody may see this device's screen, or control it.

Seeing and controlling are two yeses. No has the focus, Return never means yes, and the yeses are
disabled at first, so that nobody allows what they have not read. Where the other side's page may
have been altered on its way, control needs a second step that says so.
"""

import math
import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Final

from proxim.core import status as st
from proxim.core.i18n import tr
from proxim.core.pairing.devices import Verified
from proxim.core.sanitize import display_name
from proxim.core.screen.events import Grant
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.screen.words import other_first
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    WrapLabel,
    bind_letters,
    next_second,
    set_lettered,
    set_text,
)

_WIDTH: Final = 420


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is to decide about their screen."""

    peer_name: str | None
    verified: Verified | None
    # Whether they may see it, which was not allowed yet.
    view: bool
    # Whether they may control it.
    control: bool
    # Whether control needs the second step.
    second_step: bool
    # Until when it can be answered; None where the person here began it.
    deadline: float | None = None
    # Whether digits that two persons compared on this link were not the same.
    differed: bool = False


class ScreenDialog:
    """Asks what somebody may do with this device's screen.

    `answer` is called once with what is granted, and whether the person read that the other side's
    page may have been altered; after that the dialog is closed.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        asked: Asked,
        answer: Callable[[Grant, bool], None],
    ) -> None:
        self.asked = asked
        self._theme = theme
        self._clock = theme.clock
        self._answer = answer
        self._ready_from = self._clock() + st.ANSWER_DELAY_SECONDS
        self._knowing = False
        self._decided = False
        dialog = self._dialog = Dialog(
            root,
            theme,
            "ProximScreenQuestion",
            self.refuse,
            width=_WIDTH,
            title=tr("screen.questionTitle"),
        )
        self.window, self.restyle = dialog.window, dialog.restyle
        self._build()
        # Somebody is waiting, unless the person here began it.
        waited_for = asked.deadline is not None
        dialog.appear(self.no_button, by_itself=waited_for)
        dialog.come_first(bell=waited_for)
        self._tick()

    @property
    def is_open(self) -> bool:
        """Whether the person can still answer here."""
        return not self._decided

    @property
    def answerable(self) -> bool:
        """Whether there was time to read the question, and it is not over."""
        now, deadline = self._clock(), self.asked.deadline
        return (
            self._ready_from <= now and not self._decided and (deadline is None or now < deadline)
        )

    def allow_view(self) -> None:
        """Let them see the screen, and no more."""
        if self.answerable:
            self._decide(Grant.VIEW)

    def allow_control(self) -> None:
        """Let them control the screen, if need be after the second step."""
        if not self.answerable:
            return
        if self.asked.second_step and not self._knowing:
            self._warn()
        else:
            self._decide(Grant.CONTROL)

    def refuse(self) -> None:
        """Say no."""
        if not self._decided:
            self._decide(Grant.NOTHING)

    def close(self) -> None:
        """Close the dialog without an answer."""
        self._decided = True
        self._dialog.close()

    def _decide(self, grant: Grant) -> None:
        self.close()
        self._answer(grant, self._knowing)

    def _warn(self) -> None:
        """Show what control would mean here, on buttons that are disabled at first."""
        self._knowing = True
        self._ready_from = self._clock() + st.ANSWER_DELAY_SECONDS
        set_text(self._control_words, tr("screen.altered"))
        self._control_words.restyle("Amber.Line.TLabel")
        set_lettered(self.control_button, "screen.controlAllTheSame")
        self.no_button.focus_set()
        self._tick()

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px, asked = self._theme.px, self.asked
        body = self._dialog.body
        wrap = px(_WIDTH)
        name = display_name(other_first(asked.peer_name))
        large = self._theme.title.measure(name) <= wrap
        lines: list[tuple[ttk.Label, tuple[int, int]]] = [
            (WrapLabel(body, name, "Title.TLabel" if large else "Bold.TLabel", wrap), (0, 2)),
            (WrapLabel(body, tr(self._wish), "TLabel", wrap), (0, 10)),
        ]
        words, style = self._theme.badge(asked.verified, differed=asked.differed)
        lines.append((ttk.Label(body, text=words, style=style), (0, 10)))
        if asked.view:
            lines.append((WrapLabel(body, tr("screen.viewMeans"), "TLabel", wrap), (0, 8)))
        self._control_words = WrapLabel(body, tr("screen.controlMeans"), "Amber.Line.TLabel", wrap)
        if asked.control:
            lines.append((self._control_words, (0, 8)))
        elif asked.verified is None:
            line = WrapLabel(body, tr("screen.unverifiedSees"), "TLabel", wrap)
            lines.append((line, (0, 8)))
        lines.append((WrapLabel(body, tr("screen.barStops"), "Quiet.TLabel", wrap), (0, 12)))
        for row, (label, (above, below)) in enumerate(lines):
            whole = isinstance(label, WrapLabel)
            label.grid(
                row=row, column=0, sticky="ew" if whole else "w", pady=(px(above), px(below))
            )
        foot = ttk.Frame(body)
        foot.grid(row=len(lines), column=0, sticky="ew")
        foot.columnconfigure(0, weight=1)
        self._countdown = ttk.Label(foot, style="Quiet.TLabel")
        self._countdown.grid(row=0, column=0, sticky="w", pady=(0, px(8)))
        if asked.deadline is None:
            self._countdown.grid_remove()
        self._build_buttons(foot)

    @property
    def _wish(self) -> str:
        """The key of the sentence that says what is asked."""
        asked = self.asked
        if asked.deadline is None:
            return "screen.letControlAsked"
        if not asked.view:
            return "screen.wantsControl"
        return "screen.wantsBoth" if asked.control else "screen.wantsView"

    def _build_buttons(self, foot: ttk.Frame) -> None:
        px, asked = self._theme.px, self.asked
        buttons = ttk.Frame(foot)
        buttons.grid(row=1, column=0, sticky="e")
        self.no_button = ttk.Button(buttons, command=self.refuse)
        self.view_button = ttk.Button(buttons, command=self.allow_view, state="disabled")
        self.control_button = ttk.Button(buttons, command=self.allow_control, state="disabled")
        set_lettered(self.no_button, "screen.no")
        set_lettered(self.view_button, "screen.onlySee" if asked.control else "screen.letSee")
        set_lettered(
            self.control_button, "screen.seeAndControl" if asked.view else "screen.control"
        )
        shown = [self.no_button]
        if asked.view:
            shown.append(self.view_button)
        if asked.control:
            shown.append(self.control_button)
        if not asked.control and asked.verified is not None:
            self.view_button.configure(style="Main.TButton")
        for column, button in enumerate(shown):
            button.grid(row=0, column=column, padx=(px(8) if column else 0, 0))
        for button in shown[1:]:
            # Return presses the button that has the focus (Window), but never one of these.
            for enter in ("<Return>", "<KP_Enter>"):
                button.bind(enter, lambda _event: "break")
        bind_letters(self.window, shown)

    def _tick(self) -> None:
        now, deadline = self._clock(), self.asked.deadline
        changes = [self._ready_from] if self._ready_from > now else []
        if deadline is not None:
            left = max(0, math.ceil(deadline - now))
            set_text(
                self._countdown,
                tr("screen.noBySelf", seconds=left) if left else tr("approval.tooLate"),
            )
            changes += [at for at in (next_second(deadline, now),) if at is not None]
        state = "normal" if self.answerable else "disabled"
        for button in (self.view_button, self.control_button):
            if str(button.cget("state")) != state:
                button.configure(state=state)
        self._dialog.run_in(min(changes) - now if changes else None, self._tick)
