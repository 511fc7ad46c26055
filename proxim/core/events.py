"""Everything that can happen to a machine: what the wire, a timer, the network, the link or a
person did.

An event is immutable and describes what happened, not what to do.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

from proxim.core.pairing import opening
from proxim.core.pairing.host_code import JoinTarget

# Identifies one attempt at a WebRTC link, such as "host-1" or "guest-3"; it is never used twice in
# a process.
LinkID = NewType("LinkID", str)


@dataclass(frozen=True, slots=True, order=True)
class ConnectionID:
    """Identifies one WebSocket for its life; dialled and accepted ones are numbered separately."""

    number: int
    # Whether this program dialled it, as a guest; otherwise the host's server accepted it.
    dialled: bool = False

    def __str__(self) -> str:
        return f"{self.number} (dialled)" if self.dialled else str(self.number)


# The minimum for a temporary session: one person needs this time to type, and another to approve.
MIN_LIFETIME_SECONDS = 60.0
# A session that should live longer has to be persistent.
MAX_LIFETIME_SECONDS = 7 * 86400.0


class TimerKind(Enum):
    """What a timer is for. This has no members: each feature of links has names of its own."""


class TimerName(TimerKind):
    """The timers of sessions, links and sockets."""

    APPROVAL = "approval"
    SESSION = "session"
    # Limits how long the host's lost link may be resumed.
    RESUME = "resume"

    LINK_OPEN = "link_open"
    HEARTBEAT = "heartbeat"
    LANE = "lane"
    # These two limit the steps of the guest's attempt.
    DIAL = "dial"
    ANSWER = "answer"
    # Starts the next dial after the guest lost its link.
    REDIAL = "redial"
    # Limits how long a guest waits for a known device to be found.
    SEARCH = "search"

    # These two limit what a guest's socket may take its time for.
    CHALLENGE = "challenge"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity; setting the same timer again replaces it.

    Its class says what it belongs to, and so does the way of its TimerFired to that.
    """

    name: TimerKind


@dataclass(frozen=True, slots=True)
class SessionTimer(Timer):
    """A timer of a session of the host, whose sessionID is secret."""

    scope: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkTimer(Timer):
    """A timer of a link, of the attempt at one, or of what a feature does on it."""

    scope: LinkID = field(repr=False)


@dataclass(frozen=True, slots=True)
class SocketTimer(Timer):
    """A timer of a guest's socket at the host."""

    scope: ConnectionID = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that SetTimer started ran out."""

    timer: Timer


# --- the first moments of a host: its networks and its code ---------------------------------------

Network = opening.Network
NetworksSeen = opening.NetworksSeen
Listening = opening.Listening
ListenFailed = opening.ListenFailed
SessionType = opening.SessionType
Invite = opening.Invite


# --- what belongs to a feature of links -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeatureEvent:
    """An event of a feature, which lists its class (core/link/features.py)."""


@dataclass(frozen=True, slots=True)
class FeatureIntent(FeatureEvent):
    """What a person wants of a feature."""


@dataclass(frozen=True, slots=True)
class LinkIntent(FeatureIntent):
    """What a person wants of a feature over an open link."""

    link: LinkID


# --- what a person (or a script) wants ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decide:
    """A person's answer to a prompt: the pair_response of the first protocol document.

    `number` is the Prompt's number, so that the answer cannot reach another guest.
    """

    session_id: str = field(repr=False)
    approved: bool
    # None comes from a script that knows only the first protocol document.
    number: int | None = None
    # Nobody can answer here, so this rejection is no person's.
    unattended: bool = False


@dataclass(frozen=True, slots=True)
class ChooseNetwork:
    """Listen on this address of this machine."""

    address: str


@dataclass(frozen=True, slots=True)
class Join:
    """Become the guest of a host."""

    target: JoinTarget


@dataclass(frozen=True, slots=True)
class SendText(LinkIntent):
    """Send text over a link."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End a link, or the attempt at one."""

    link: LinkID


@dataclass(frozen=True, slots=True)
class Rename:
    """Change this device's name."""

    name: str


@dataclass(frozen=True, slots=True)
class SetRequireProof:
    """Choose whether guests that cannot prove that they know the code are refused from now on."""

    required: bool


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the program, and say goodbye to every peer."""


Intent = (
    Invite
    | Decide
    | ChooseNetwork
    | Join
    | FeatureIntent
    | Disconnect
    | Rename
    | SetRequireProof
    | Shutdown
)
