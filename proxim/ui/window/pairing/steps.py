"""The state line: it derives from all statuses the one step that a person should know about now.

A host goes through waiting - request - approved - connecting - connected, a guest through looking -
asked - approved - connecting - connected. A request that needs an answer comes first, then an
attempt under way, then how the last attempt ended, then waiting.
"""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from itertools import pairwise
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason, sentence_for
from proxim.core.i18n import tr
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, countdown, set_text

# No step has been reached.
NO_STEP: Final = -1
_STEP_OF: Final = {
    st.Stage.DIALING: 0,
    st.Stage.ASKING: 1,
    st.Stage.APPROVED: 2,
    st.Stage.CONNECTING: 3,
    st.Stage.CONNECTED: 4,
    st.Stage.WAITING: 3,
}
# Pixels at 100 %: a dot's radius.
_DOT: Final = 5
# Pixels at 100 %: the height of the drawing.
_HEIGHT: Final = 40
# Pixels at 100 %: with space for two lines, most sentences come and go without moving anything.
_LINES: Final = 38
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


def side_of(status: st.LinkStatus) -> StepsSide:
    """Return whether this device is host or guest of a link."""
    return StepsSide.GUEST if status.as_guest else StepsSide.HOST


class Steps:
    """Keeps the newest status of each thing that the state line needs."""

    def __init__(self) -> None:
        # None means that no status about it has come yet.
        self._inviting: bool | None = None
        self._prompts = st.Prompts()
        # The attempt with the newest status is the last one in here.
        self._attempts: dict[ev.LinkID, st.LinkStatus] = {}
        # This is the newest step of each attempt.
        self._steps: dict[ev.LinkID, int] = {}
        # A transfer may end after its link, so the sides of ended links are kept, too.
        self._sides: dict[ev.LinkID, StepsSide] = {}
        # This shows how the last attempt ended.
        self._last: Step | None = None
        # This is the open link that `_last` is about, or None.
        self._connected: ev.LinkID | None = None

    def handle(self, status: st.Status) -> None:
        """Handle a status."""
        match status:
            case st.Invitation():
                self._inviting = True
                if self._connected is not None:
                    self.dismiss()
            case st.NoInvitation():
                self._inviting = False
            case st.Prompts(shown, queued):
                known = (*self._prompts.shown, *self._prompts.queued)
                self._prompts = status
                if any(prompt not in known for prompt in (*shown, *queued)):
                    self.dismiss()
            case st.PairOutcome():
                self._handle_outcome(status)
            case st.LinkStatus():
                self._handle_link(status)
            case st.Stopped():
                self._inviting = None
                self._prompts = st.Prompts()
                self._attempts.clear()
                self.dismiss()
            case (
                st.ThisDevice()
                | st.ProofPolicy()
                | st.Prompt()
                | st.Networks()
                | st.TextReceived()
                | st.TextSent()
                | st.Trouble()
            ):
                pass
            case st.FeatureStatus():
                self._handle_feature(status)

    def dismiss(self) -> None:
        """Forget how the last attempt ended."""
        self._last = self._connected = None

    def retyped(self) -> None:
        """Forget how the last attempt to join ended, as another code is being typed."""
        last = self._last
        if last is not None and last.joining:
            self.dismiss()

    def current(self) -> Step:
        """Return the step to show."""
        if self._prompts.shown:
            prompt = self._prompts.shown[0]
            asks = "steps.asks" if prompt.replaces is None else "steps.asksInstead"
            sentence = tr(asks, name=prompt.device.name)
            return Step(StepsSide.HOST, 1, sentence, deadline=prompt.deadline)
        if self._attempts:
            return _under_way(next(reversed(self._attempts.values())))
        if self._last is not None:
            return self._last
        if self._inviting:
            return Step(StepsSide.HOST, 0, tr("steps.inviting"))
        return Step(
            StepsSide.HOST,
            NO_STEP,
            tr("steps.moment" if self._inviting is None else "steps.notInviting"),
        )

    def _end(self, step: Step) -> None:
        self._last, self._connected = step, None

    def _handle_outcome(self, status: st.PairOutcome) -> None:
        # The outcome is published before the Prompts without its request.
        known = (*self._prompts.shown, *self._prompts.queued)
        prompt = next((one for one in known if one.session_id == status.session_id), None)
        if prompt is None or status.approved:
            return
        reason = status.reason or Reason.DECLINED
        sentence = f"{prompt.device.name}: {sentence_for(reason, host=True)}"
        wanted = reason in (Reason.DECLINED, Reason.CLOSED)
        self._end(Step(StepsSide.HOST, 1, sentence, failed=True, wanted=wanted))

    def _handle_link(self, status: st.LinkStatus) -> None:
        link = status.link
        self._attempts.pop(link, None)
        self._sides[link] = side_of(status)
        if status.resumes is not None:
            self._attempts.pop(status.resumes, None)
            self._steps.pop(status.resumes, None)
            if self._connected == status.resumes:
                self.dismiss()
        if status.stage is st.Stage.CLOSED:
            step = self._steps.pop(link, 0)
            # The link's own page shows why it ended.
            if status.was_connected:
                if self._connected == link:
                    self.dismiss()
                return
            self._end(_failed(status, step))
            return
        self._steps[link] = _STEP_OF[status.stage]
        if status.stage is st.Stage.CONNECTED:
            if self._connected != link:
                name = status.peer_name or tr("device.otherWith")
                key = "known.connectedLetIn" if status.let_in else "steps.connectedWith"
                self._last = Step(side_of(status), 4, tr(key, name=name))
                self._connected = link
            return
        self._attempts[link] = status
        self.dismiss()

    def _handle_feature(self, status: st.FeatureStatus) -> None:
        """Show how a transfer ended, until something else is more important."""
        # These are imported late, as files come with the first guest at the earliest.
        from proxim.core.files.status import TransferState, TransferStatus
        from proxim.ui.wording import state_words, transfer_title

        if not isinstance(status, TransferStatus) or not status.over:
            return
        if status.link is None or status.link in self._attempts:
            return
        failed = status.state is TransferState.FAILED
        sentence = f"{transfer_title(status)}: {state_words(status)}"
        side = self._sides.get(status.link, StepsSide.HOST)
        self._end(Step(side, 4, sentence, failed=failed))
        self._connected = status.link


def _under_way(status: st.LinkStatus) -> Step:
    with_name = status.peer_name or tr("device.otherWith")
    looking = tr("steps.lookingAt", address=status.peer_address)
    if status.known is not None:
        looking = tr("known.looking", name=with_name)
    sentence = {
        st.Stage.DIALING: looking,
        st.Stage.ASKING: tr("steps.found"),
        st.Stage.APPROVED: tr("steps.preparing", name=with_name),
        st.Stage.CONNECTING: tr("steps.opening", name=with_name),
        st.Stage.WAITING: tr("steps.lost", name=status.peer_name or tr("device.other")),
    }[status.stage]
    deadline = status.deadline if status.stage in (st.Stage.ASKING, st.Stage.WAITING) else None
    return Step(
        side_of(status), _STEP_OF[status.stage], sentence, deadline=deadline, link=status.link
    )


def _failed(status: st.LinkStatus, step: int) -> Step:
    wanted = status.reason is Reason.DISCONNECTED
    sentence = tr("steps.cancelled") if wanted else _why(status)
    side = side_of(status)
    joining = side is StepsSide.GUEST
    return Step(side, step, sentence, failed=True, wanted=wanted, joining=joining)


def _why(status: st.LinkStatus) -> str:
    at_host = side_of(status) is StepsSide.HOST
    known = status.known is not None
    why = sentence_for(status.reason or Reason.INTERNAL, host=at_host, known=known)
    # Of several known devices the person has chosen this one, and no code names it.
    return why if status.known is None or not status.peer_name else f"{status.peer_name}: {why}"


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
        self._steps = Steps()
        self._step = self._steps.current()
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
        self._steps.retyped()
        self._refresh()

    def handle(self, status: st.Status) -> None:
        """Handle a status and show the step that follows from it."""
        self._steps.handle(status)
        self._refresh()

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
        step = self._steps.current()
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
            self._post(ev.Disconnect(self._step.link))
            return
        self._steps.dismiss()
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
        first = theme.small.measure(steps[0]) / 2
        last = theme.small.measure(steps[-1]) / 2
        gap = (width - first - last - px(2)) / (len(steps) - 1)
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
            text_colour = look.foreground if at == step.step else look.quiet
            if at == step.step and alarming:
                text_colour = look.red.foreground
            canvas.create_text(
                centre, px(_HEIGHT) - px(8), text=name, fill=text_colour, font=theme.small
            )
