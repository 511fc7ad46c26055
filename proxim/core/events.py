"""Everything that can happen to a machine: what the wire, a timer, the network, the link or a
person did.

An event is immutable and says what happened, not what to do.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from proxim.core.errors import Reason
from proxim.core.pairing.host_code import JoinTarget

ConnectionID = NewType("ConnectionID", int)  # one WebSocket, for its life
# One attempt at a WebRTC link, "host-1", "guest-3"; never used twice in a process
LinkID = NewType("LinkID", str)
# Of a temporary session: the shortest in which one person types and another approves
MIN_LIFETIME_SECONDS = 60.0
MAX_LIFETIME_SECONDS = 7 * 86400.0  # what should live longer is persistent, and says so


class SessionType(StrEnum):
    """How long a session lives (docs/protocol.md, Sessions)."""

    ONE_TIME = "one-time"
    TEMPORARY = "temporary"
    PERSISTENT = "persistent"


class TimerName(StrEnum):
    """What a timer is for."""

    APPROVAL = "approval"  # scope: sessionID
    SESSION = "session"  # scope: sessionID
    LINK_OPEN = "link_open"  # scope: LinkID
    HEARTBEAT = "heartbeat"  # scope: LinkID
    DIAL = "dial"  # scope: LinkID of the guest's attempt
    CHALLENGE = "challenge"  # scope: the guest's socket (pairing/connections.py)
    SOCKET = "socket"  # scope: the same
    ANSWER = "answer"  # scope: LinkID of the guest's attempt
    REDIAL = "redial"  # scope: LinkID of the guest's link that was lost
    RESUME = "resume"  # scope: sessionID of the host's link that was lost
    LANE = "lane"  # scope: LinkID
    STALL = "stall"  # scope: TransferID that moves over a lane, or that is held back (transfers.py)


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity: setting it again moves it."""

    name: TimerName
    scope: str = field(repr=False)  # may be a sessionID


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by SetTimer ran out."""

    timer: Timer


# --- the network of this machine ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Network:
    """One address of this machine, as a person may choose it."""

    address: str  # an IP literal; a link-local IPv6 address with its zone, "fe80::1%eth0"
    prefix_length: int
    interface: str  # a name for people: "Wi-Fi", "eth0"
    virtual: bool  # docker, veth, VPN, Hyper-V: rarely what another device can reach


@dataclass(frozen=True, slots=True)
class NetworksSeen:
    """This machine's addresses, best first. Sent at start and whenever they changed."""

    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """The server accepts connections there."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ListenFailed:
    """The server could not listen there."""

    address: str
    reason: Reason
    detail: str = ""


# --- what a person (or a script) wants ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invite:
    """Show a new code; the one shown until now ends."""

    type: SessionType
    lifetime: float | None = None  # seconds; None: the type's default


@dataclass(frozen=True, slots=True)
class Decide:
    """The seed's pair_response: the answer to a prompt; `number` is the Prompt's, so that it
    reaches no other guest.
    """

    session_id: str = field(repr=False)
    approved: bool
    number: int | None = None  # None: a script that knows only the seed


@dataclass(frozen=True, slots=True)
class ChooseNetwork:
    """Listen on this address of this machine."""

    address: str


@dataclass(frozen=True, slots=True)
class Join:
    """Become the guest of a host."""

    target: JoinTarget


@dataclass(frozen=True, slots=True)
class SendText:
    """Send text over a link."""

    link: LinkID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End a link, or the attempt at one."""

    link: LinkID


@dataclass(frozen=True, slots=True)
class Rename:
    """Change what this device is called."""

    name: str


@dataclass(frozen=True, slots=True)
class SetRequireProof:
    """From now on refuse guests that cannot prove that they know the code, or ask about them."""

    required: bool


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The program ends: say goodbye to everybody."""


Intent = (
    Invite
    | Decide
    | ChooseNetwork
    | Join
    | SendText
    | Disconnect
    | Rename
    | SetRequireProof
    | Shutdown
)
