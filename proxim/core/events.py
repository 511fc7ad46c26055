"""Everything that can happen to a machine: what the wire, a timer, the network, the link or a
person did.

An event is immutable and says what happened, not what to do.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from proxim.core.errors import Reason
from proxim.core.pairing.host_code import JoinTarget

# One WebSocket, for its life
ConnectionID = NewType("ConnectionID", int)
# One attempt at a WebRTC link, "host-1", "guest-3"; never used twice in a process
LinkID = NewType("LinkID", str)
# Of a temporary session: the shortest in which one person types and another approves
MIN_LIFETIME_SECONDS = 60.0
# What should live longer is persistent, and says so
MAX_LIFETIME_SECONDS = 7 * 86400.0


class SessionType(StrEnum):
    """How long a session lives (docs/protocol.md, Sessions)."""

    ONE_TIME = "one-time"
    TEMPORARY = "temporary"
    PERSISTENT = "persistent"


class TimerName(StrEnum):
    """What a timer is for."""

    # The scope is a sessionID:
    APPROVAL = "approval"
    SESSION = "session"
    # Of the host's link that was lost
    RESUME = "resume"

    # The scope is a LinkID:
    LINK_OPEN = "link_open"
    HEARTBEAT = "heartbeat"
    LANE = "lane"
    # Of the guest's attempt
    DIAL = "dial"
    ANSWER = "answer"
    # Of the guest's link that was lost
    REDIAL = "redial"

    # The scope is a guest's socket (pairing/connections.py):
    CHALLENGE = "challenge"
    SOCKET = "socket"

    # The scope is a TransferID, of one that moves over a lane, or that is held back (transfers.py):
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity: setting it again moves it."""

    name: TimerName
    # May be a sessionID
    scope: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by SetTimer ran out."""

    timer: Timer


# --- the network of this machine ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Network:
    """One address of this machine, as a person may choose it."""

    # An IP literal; a link-local IPv6 address with its zone, "fe80::1%eth0"
    address: str
    prefix_length: int
    # A name for people: "Wi-Fi", "eth0"
    interface: str
    # Docker, veth, VPN, Hyper-V: rarely what another device can reach
    virtual: bool


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
    # Seconds; None: the type's default
    lifetime: float | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """The seed's pair_response: the answer to a prompt; `number` is the Prompt's, so that it
    reaches no other guest.
    """

    session_id: str = field(repr=False)
    approved: bool
    # None: a script that knows only the seed
    number: int | None = None


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
