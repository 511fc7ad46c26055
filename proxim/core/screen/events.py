"""Everything that can happen to shared screens: what people want, and what the screen answers."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxim.core import events as ev
from proxim.core.control.messages import Input
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor


class Grant(StrEnum):
    """What a person allows somebody else to do with their screen."""

    NOTHING = "nothing"
    VIEW = "view"
    CONTROL = "control"


class ScreenTimer(ev.TimerKind):
    """The timers of a shared screen; each is a LinkTimer."""

    # Limits how long a person may think about somebody who asks to see this screen.
    ANSWER = "answer"
    # Limits how long the other side's person may think about the same.
    ASKING = "asking"
    # Notices that somebody who controls this screen is silent while a key is down.
    SILENCE = "silence"


# --- what people want -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskScreen(ev.LinkIntent):
    """Ask to see the other device's screen, or also to control it."""

    control: bool = False


@dataclass(frozen=True, slots=True)
class ShowScreen(ev.LinkIntent):
    """Show this device's screen without having been asked."""


@dataclass(frozen=True, slots=True)
class AnswerScreen(ev.LinkIntent):
    """A person's answer to a ScreenQuestion.

    `number` is the question's, so that the answer cannot meet another. `knowing` says that the
    person has read that the other side's page may have been altered (the second step).
    `unattended` says of a no that nobody can answer here.
    """

    number: int
    grant: Grant
    knowing: bool = False
    unattended: bool = False


@dataclass(frozen=True, slots=True)
class LetControl(ev.LinkIntent):
    """Let whoever sees this screen control it, too; `knowing` is as in AnswerScreen."""

    knowing: bool = False


@dataclass(frozen=True, slots=True)
class StopControl(ev.LinkIntent):
    """Go on showing, and let nobody control any longer.

    The reason is BAR_HIDDEN where a face stops it itself, and CLOSED where the person does.
    """

    reason: Reason = Reason.CLOSED


@dataclass(frozen=True, slots=True)
class PauseScreen(ev.LinkIntent):
    """Show nothing new and let nobody control, until GoOnShowing."""


@dataclass(frozen=True, slots=True)
class GoOnShowing(ev.LinkIntent):
    """End a pause. Control that it has ended is not given back by it."""


@dataclass(frozen=True, slots=True)
class StopScreen(ev.LinkIntent):
    """End what this device shows (`shows` is True), what it sees (False), or both (None)."""

    shows: bool | None = None


@dataclass(frozen=True, slots=True)
class LookAt(ev.LinkIntent):
    """Look at a monitor of the other side, in a view of so many pixels (as in ScreenView)."""

    monitor: int
    width: int
    height: int
    pixel_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class UseScreen(ev.LinkIntent):
    """Do something with the mouse or keyboard of the other side, whose screen is seen here."""

    input: Input


@dataclass(frozen=True, slots=True)
class Shield(ev.FeatureIntent):
    """Keep everybody from controlling while this lasts.

    A question of ours is open, which whoever controls could answer.
    """

    up: bool


# --- what the screen answers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScreensFound(ev.FeatureEvent):
    """This device's monitors, when a share begins and when they change."""

    link: ev.LinkID
    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class ScreenFailed(ev.FeatureEvent):
    """This device's screen cannot be shown, or no longer."""

    link: ev.LinkID
    reason: Reason


@dataclass(frozen=True, slots=True)
class PicturesRefused(ev.FeatureEvent):
    """The other side's pictures break the rules, so none of them is shown any more."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class ControlFailed(ev.FeatureEvent):
    """This device's mouse and keyboard cannot be used for others, or no longer."""

    link: ev.LinkID
    reason: Reason = Reason.CONTROL_UNSUPPORTED


@dataclass(frozen=True, slots=True)
class LocalInput(ev.FeatureEvent):
    """Somebody at this device moved its mouse, which wins over whoever controls it."""


@dataclass(frozen=True, slots=True)
class InputIgnored(ev.FeatureEvent):
    """What whoever controls this device did last was for a window of ours, and so was not done; or
    it was for another window again.
    """

    link: ev.LinkID
    ignored: bool


@dataclass(frozen=True, slots=True)
class PanicKeysPressed(ev.FeatureEvent):
    """Somebody at this device pressed the keys that end everything that it shows."""


@dataclass(frozen=True, slots=True)
class InputReceived(ev.FeatureEvent):
    """A message came on the input channel of whoever sees this screen."""

    link: ev.LinkID
    share: str = field(repr=False)
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClipboardRead(ev.FeatureEvent):
    """The answer to ReadClipboard: the text that was copied since control began, or why none."""

    link: ev.LinkID
    text: str | None = field(default=None, repr=False)
    reason: Reason | None = None


ScreenIntent = (
    AskScreen
    | ShowScreen
    | AnswerScreen
    | LetControl
    | StopControl
    | PauseScreen
    | GoOnShowing
    | StopScreen
    | LookAt
    | UseScreen
    | Shield
)
ScreenAnswer = (
    ScreensFound
    | ScreenFailed
    | PicturesRefused
    | ControlFailed
    | LocalInput
    | InputIgnored
    | InputReceived
    | PanicKeysPressed
    | ClipboardRead
)
