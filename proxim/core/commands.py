"""Everything a machine can ask of the world. `net` carries these out, in the order given."""

from dataclasses import dataclass, field

from proxim.core.events import ConnectionID, LinkID, Timer
from proxim.core.manifest import START, Entry, Partial, Position, Span, TransferID
from proxim.core.messages import Candidate, CloseCode, Message, SDPType
from proxim.core.status import Status, Via


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
    """Make a WebRTC peer.

    The offerer opens the control channel and reports PeerDescribed by itself.
    """

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
    # The other side will close too: give it a moment, so that the goodbye arrives
    said_bye: bool = False


# --- the lane -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpectLane:
    """At the host: let a WebSocket that shows `token` and proves `key` become this link's lane,
    once.
    """

    link: LinkID
    token: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DialLane:
    """At the guest: open this link's lane; answered by LaneOpened or LaneLost."""

    link: LinkID
    url: str
    token: bytes = field(repr=False)
    key: bytes = field(repr=False)
    carries_link: bool = False


@dataclass(frozen=True, slots=True)
class CloseLane:
    """Close a link's lane, or expect none any more; LaneLost follows only where it was open."""

    link: LinkID


# --- files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListSources:
    """Look at what is to be sent; answered by SourcesListed or SourcesFailed.

    `only`: these entries of it.
    """

    transfer: TransferID = field(repr=False)
    paths: tuple[str, ...]
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class KeepSources:
    """Remember what is being sent, so that it goes on after a restart."""

    transfer: TransferID = field(repr=False)
    peer_name: str | None


@dataclass(frozen=True, slots=True)
class StartSending:
    """Send what is wanted of a transfer, from `position` on, as stream `generation`; an earlier one
    stops.
    """

    transfer: TransferID = field(repr=False)
    link: LinkID
    generation: int
    via: Via
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()
    position: Position = START


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The receiver has written so many bytes of this generation: as many more may be on their
    way.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class StopSending:
    """Stop the stream; the transfer may go on later. `forget`: it is over."""

    transfer: TransferID = field(repr=False)
    forget: bool = False


@dataclass(frozen=True, slots=True)
class OpenSink:
    """Make ready to receive; answered by SinkReady or SinkFailed.

    What an earlier attempt left is looked for.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    declined: tuple[int, ...] = ()
    directory: str | None = None
    peer_name: str | None = None


@dataclass(frozen=True, slots=True)
class TakeStream:
    """What comes on this data channel, or on the link's lane (LANE_CHANNEL), as this generation
    goes to the sink.
    """

    transfer: TransferID = field(repr=False)
    link: LinkID
    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class HoldSink:
    """Take nothing more of the present generation and write what has come; answered by SinkHeld."""

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloseSink:
    """Stop receiving.

    `keep` what has come of unfinished files for a later attempt, or remove it.
    """

    transfer: TransferID = field(repr=False)
    keep: bool


@dataclass(frozen=True, slots=True)
class SaveName:
    """Keep this device's new name for the next start."""

    name: str


@dataclass(frozen=True, slots=True)
class SaveRequireProof:
    """Keep for the next start whether guests that cannot prove that they know the code are
    refused.
    """

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
    | ExpectLane
    | DialLane
    | CloseLane
    | ListSources
    | KeepSources
    | StartSending
    | Acknowledge
    | StopSending
    | OpenSink
    | TakeStream
    | HoldSink
    | CloseSink
    | SaveName
    | SaveRequireProof
    | Publish
)
