"""What people see of shared screens."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing.devices import Verified
from proxim.core.screen.messages import Monitor
from proxim.core.status import FeatureStatus


class ScreenStage(StrEnum):
    """The stages of a share, the same at both ends."""

    # We asked, and the other side's person decides.
    ASKING = "asking"
    # The other side would show its screen; nobody looks yet.
    OFFERED = "offered"
    VIEWED = "viewed"
    CONTROLLED = "controlled"
    PAUSED = "paused"
    ENDED = "ended"


def needs_second_step(verified: Verified | None) -> bool:
    """Whether a person may allow control only after they have read that the other side's page may
    have been altered on its way.
    """
    return verified is None or not verified.by_programs


class PanicChord(StrEnum):
    """Keys that end everything that this device shows, when they are pressed together."""

    CTRL_ALT_ESCAPE = "ctrl_alt_escape"
    # Some desktops use the other one themselves.
    CTRL_ALT_SHIFT_ESCAPE = "ctrl_alt_shift_escape"


@dataclass(frozen=True, slots=True)
class PanicKeys(FeatureStatus):
    """Which keys end everything now; None if this system gives a program no such keys."""

    chord: PanicChord | None


@dataclass(frozen=True, slots=True)
class ScreenQuestion(FeatureStatus):
    """Somebody asks to see this screen, or also to control it.

    A ScreenAnswered with the same number ends it.
    """

    link: ev.LinkID
    number: int
    peer_name: str | None
    verified: Verified | None
    # Whether they would like to control it, and may if the person says so.
    control: bool
    # As in needs_second_step.
    second_step: bool
    deadline: float


@dataclass(frozen=True, slots=True)
class ScreenAnswered(FeatureStatus):
    """A ScreenQuestion is over."""

    link: ev.LinkID
    number: int


@dataclass(frozen=True, slots=True)
class ScreenShare(FeatureStatus):
    """One shared screen, at the device that shows it and at the one that sees it."""

    link: ev.LinkID
    # Whether this device shows its screen; otherwise it sees the other's.
    shows: bool
    stage: ScreenStage
    monitor: int | None = None
    monitors: tuple[Monitor, ...] = field(default=(), repr=False)
    # Why it was refused, has ended, or is no longer controlled.
    reason: Reason | None = None
    # At the one that sees it: whether control was asked for, or given, so that whoever asks again
    # asks for both.
    control: bool = False


@dataclass(frozen=True, slots=True)
class ScreenCopied(FeatureStatus):
    """The other side's answer to who asked here for the text that was copied there (CopyText)."""

    link: ev.LinkID
    # What is copied may be a password. None if there is none, for `reason`.
    text: str | None = field(default=None, repr=False)
    reason: Reason | None = None
