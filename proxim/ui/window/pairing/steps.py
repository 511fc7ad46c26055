"""The state line: the drawing of the five steps from a code to a link, and the sentence below it.

Which step it shows is derived in current_step.py, once there is more than a code.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from itertools import pairwise
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core.i18n import tr
from proxim.core.pairing.opening import Invitation, Networks, NoInvitation, ProofPolicy, ThisDevice
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, countdown, set_text

# These are loaded once there is more than a code.
if TYPE_CHECKING:
    from proxim.core import events as ev
    from proxim.core import status as st
    from proxim.ui.window.pairing.current_step import Steps

# No step has been reached.
NO_STEP: Final = -1
# Pixels at 100 %: a dot's radius.
_DOT: Final = 5
# Pixels at 100 %: the height of the drawing.
_HEIGHT: Final = 40
# Pixels at 100 %: with space for two lines, most sentences come and go without moving anything.
_LINES: Final = 38
# Pixels at 100 %: the least distance between two names.
_APART: Final = 6
# Pixels at 100 %: the dots' centres from the top.
_TOP: Final = 10


class StepsSide(StrEnum):
    """Whether the steps are those of a host or of a guest."""

    HOST = "host"
    GUEST = "guest"


STEPS: Final = {
    StepsSide.HOST: (
        "steps.waiting",
        "steps.request",
        "steps.approved",
        "steps.connecting",
        "steps.connected",
    ),
    StepsSide.GUEST: (
        "steps.looking",
        "steps.asked",
        "steps.approved",
        "steps.connecting",
        "steps.connected",
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Where a link or the attempt at one is."""

    side: StepsSide
    # This is an index into STEPS, whose values are keys of words.
    step: int
    sentence: str
    # The attempt ended on this step.
    failed: bool = False
    # The person here ended it, so it is no cause for alarm.
    wanted: bool = False
    # The attempt was one to join another device, which a link never came of.
    joining: bool = False
    # A countdown to this moment stands behind the sentence.
    deadline: float | None = None
    # This is set while the attempt can be cancelled.
    link: ev.LinkID | None = None


def waiting_step(inviting: bool | None) -> Step:
    """Return the step while nobody asks to join and nothing is joined.

    `inviting` says whether a code is shown; None means that this is not known yet.
    """
    if inviting:
        return Step(StepsSide.HOST, 0, tr("steps.inviting"))
    return Step(
        StepsSide.HOST,
        NO_STEP,
        tr("steps.moment" if inviting is None else "steps.notInviting"),
    )


class StepsParts(Enum):
    """What is shown of the state, by the space that there is."""

    # Below the drawing there is always space for two lines.
    DRAWING_AND_LINES = auto()
    DRAWING = auto()
    SENTENCE = auto()


class StepsView(ttk.Frame):
    """Draws the five steps of a link and the sentence below them.

    It needs every status in `handle`, and `tick` now and then.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        self._clock = clock
        # It exists once there is more than a code.
        self._steps: Steps | None = None
        # Whether a code is shown; None means that no status about it has come yet.
        self._inviting: bool | None = None
        self._step = waiting_step(self._inviting)
        px = theme.px
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, minsize=px(_LINES), weight=1)
        self._canvas = tkinter.Canvas(self, height=px(_HEIGHT), highlightthickness=0, borderwidth=0)
        self._canvas.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, px(6)))
        self._canvas.bind("<Configure>", lambda _event: self._draw())
        self._sentence = WrapLabel(self, wraplength=px(400))
        self._sentence.grid(row=1, column=0, sticky="new")
        self._button = ttk.Button(self, style="Small.TButton", command=self._press)
        self.restyle()

    def height(self, parts: StepsParts) -> int:
        """Return the height that this asks for with these parts."""
        px = self._theme.px
        lines = max(self._sentence.winfo_reqheight(), self._button.winfo_reqheight())
        if parts is StepsParts.DRAWING_AND_LINES:
            lines = max(lines, px(_LINES))
        return lines if parts is StepsParts.SENTENCE else lines + px(_HEIGHT) + px(6)

    def fold(self, parts: StepsParts) -> None:
        """Show only these parts; the sentence says the same as the drawing."""
        spare = parts is StepsParts.DRAWING_AND_LINES
        self.rowconfigure(1, minsize=self._theme.px(_LINES) if spare else 0)
        if parts is StepsParts.SENTENCE:
            self._canvas.grid_remove()
        else:
            self._canvas.grid()

    def restyle(self) -> None:
        """Apply the current palette."""
        self._canvas.configure(background=self._theme.palette.background)
        self._draw()

    def retyped(self) -> None:
        """Put away how the last attempt to join ended, as another code is being typed."""
        if self._steps is not None:
            self._steps.retyped()
            self._refresh()

    def handle(self, status: st.Status) -> None:
        """Handle a status and show the step that follows from it."""
        match status:
            case ThisDevice() | ProofPolicy() | Networks():
                # The steps do not tell of these.
                return
            case Invitation() | NoInvitation() if self._steps is None:
                self._inviting = isinstance(status, Invitation)
            case _:
                self._have_steps().handle(status)
        self._refresh()

    def _have_steps(self) -> Steps:
        if self._steps is None:
            # This is imported late, as the first paint shows a code and nothing else.
            from proxim.ui.window.pairing.current_step import Steps

            self._steps = Steps(self._inviting)
        return self._steps

    @property
    def deadline(self) -> float | None:
        """The moment to which a countdown is shown."""
        return self._step.deadline

    def tick(self) -> None:
        """Update the sentence and its countdown."""
        step = self._step
        if step.deadline is not None:
            left = countdown(step.deadline - self._clock())
            set_text(self._sentence, tr("steps.left", sentence=step.sentence, time=left))
        else:
            set_text(self._sentence, step.sentence)

    def _refresh(self) -> None:
        step = waiting_step(self._inviting) if self._steps is None else self._steps.current()
        if step != self._step:
            self._step = step
            # The sentence has its colour also while the drawing is folded away.
            self._sentence.configure(style="Error.TLabel" if self._alarming else "TLabel")
            self._draw()
            self._offer_button()
        self.tick()

    @property
    def _alarming(self) -> bool:
        return self._step.failed and not self._step.wanted

    def _offer_button(self) -> None:
        step = self._step
        if step.link is None and not step.failed:
            self._button.grid_remove()
            return
        self._button.configure(
            text=tr("window.cancel") if step.link is not None else tr("window.ok")
        )
        self._button.grid(row=1, column=1, sticky="ne", padx=(self._theme.px(8), 0))

    def _press(self) -> None:
        if self._step.link is not None:
            # This is imported late, as the first paint needs no intents.
            from proxim.core.events import Disconnect

            self._post(Disconnect(self._step.link))
            return
        self._have_steps().dismiss()
        self._refresh()

    def _draw(self) -> None:
        canvas, theme, step = self._canvas, self._theme, self._step
        canvas.delete("all")
        width = canvas.winfo_width()
        if width <= 1:
            return
        look, px = theme.palette, theme.px
        steps = [tr(key) for key in STEPS[step.side]]
        alarming = self._alarming
        radius, top = px(_DOT), px(_TOP)
        widths = [theme.small.measure(name) for name in steps]
        first, last = widths[0] / 2, widths[-1] / 2
        gap = (width - first - last - px(2)) / (len(steps) - 1)
        # Where the names would run into one another, only that of the current step is shown.
        all_fit = all((one + next_) / 2 + px(_APART) <= gap for one, next_ in pairwise(widths))
        centres = [first + gap * at for at in range(len(steps))]
        whole = step.step == len(steps) - 1 and not step.failed
        for at, (left, right) in enumerate(pairwise(centres)):
            done = at < step.step
            colour = (look.green.foreground if whole else look.accent) if done else look.line
            canvas.create_line(left + radius, top, right - radius, top, fill=colour, width=px(2))
        for at, (centre, name) in enumerate(zip(centres, steps, strict=True)):
            reached = at <= step.step
            colour = (look.green.foreground if whole else look.accent) if reached else look.line
            if at == step.step and step.failed:
                colour = look.red.foreground if alarming else look.quiet
            size = radius + (px(1.5) if at == step.step else 0)
            canvas.create_oval(
                centre - size,
                top - size,
                centre + size,
                top + size,
                outline=colour,
                fill=colour if reached else look.background,
                width=px(1.5),
            )
            if not all_fit and at != max(step.step, 0):
                continue
            text_colour = look.foreground if at == step.step else look.quiet
            if at == step.step and alarming:
                text_colour = look.red.foreground
            canvas.create_text(
                centre, px(_HEIGHT) - px(8), text=name, fill=text_colour, font=theme.small
            )
