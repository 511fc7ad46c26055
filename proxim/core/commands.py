"""Everything a machine can ask of the world. `net` carries these out, in the order given.

Must never be here: behaviour, and anything about how a command is carried out.
"""

from dataclasses import dataclass, field

from proxim.core.events import ConnectionID, LinkID, Timer
from proxim.core.messages import Candidate, CloseCode, Message, SDPType
from proxim.core.status import Status


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report TimerFired(timer) after `seconds`; a running one of the same identity is replaced."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget a timer; one that does not run is no error."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Listen:
    """Accept connections on `address` and nowhere else; answered by Listening or ListenFailed."""

    address: str


@dataclass(frozen=True, slots=True)
class StopListening:
    """Accept no more connections."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a WebSocket to a host; answered by ConnectionOpened or DialFailed."""

    connection: ConnectionID
    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message on a WebSocket."""

    connection: ConnectionID
    message: Message


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a WebSocket (also one that is still being dialled); ConnectionLost follows."""

    connection: ConnectionID
    code: CloseCode | None = None  # None: the normal 1000


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """Make a WebRTC peer. The offerer opens the control channel and reports PeerDescribed by itself."""

    link: LinkID
    offerer: bool


@dataclass(frozen=True, slots=True)
class ApplyDescription:
    """Give the other side's description to the peer; an offer is answered by PeerDescribed."""

    link: LinkID
    type: SDPType
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Give one of the other side's candidates to the peer."""

    link: LinkID
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class SendOnChannel:
    """Send a text message on an open data channel."""

    link: LinkID
    channel: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Close the peer; no event of this link follows."""

    link: LinkID
    said_bye: bool = False  # the other side will close too: give it a moment, so that the goodbye arrives


@dataclass(frozen=True, slots=True)
class SaveName:
    """Keep this device's new name for the next start."""

    name: str


@dataclass(frozen=True, slots=True)
class SaveRequireProof:
    """Keep for the next start whether guests that cannot prove that they know the code are refused."""

    required: bool


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell people."""

    status: Status


Command = (
    SetTimer
    | CancelTimer
    | Listen
    | StopListening
    | Dial
    | Send
    | CloseConnection
    | OpenPeer
    | ApplyDescription
    | AddCandidate
    | SendOnChannel
    | ClosePeer
    | SaveName
    | SaveRequireProof
    | Publish
)
