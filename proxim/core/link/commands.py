"""What a link asks of the world: its WebRTC peer, its channels, its lane."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.pairing import messages as pair_msg


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """Make a WebRTC peer.

    The offerer opens the control channel and reports PeerDescribed by itself.
    """

    link: ev.LinkID
    offerer: bool


@dataclass(frozen=True, slots=True)
class ApplyDescription:
    """Give the other side's description to the peer; an offer is answered by PeerDescribed."""

    link: ev.LinkID
    type: pair_msg.SDPType
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Give one of the other side's candidates to the peer."""

    link: ev.LinkID
    candidate: pair_msg.Candidate


@dataclass(frozen=True, slots=True)
class SendOnChannel:
    """Send a text message on an open data channel."""

    link: ev.LinkID
    channel: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Close the peer; no event of this link follows."""

    link: ev.LinkID
    # The other side will close too: give it a moment, so that the goodbye arrives
    said_bye: bool = False


# --- the lane -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpectLane:
    """At the host: let a WebSocket that shows `token` and proves `key` become this link's lane,
    once.
    """

    link: ev.LinkID
    token: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DialLane:
    """At the guest: open this link's lane; answered by LaneOpened or LaneLost."""

    link: ev.LinkID
    url: str
    token: bytes = field(repr=False)
    key: bytes = field(repr=False)
    carries_link: bool = False


@dataclass(frozen=True, slots=True)
class CloseLane:
    """Close a link's lane, or expect none any more; LaneLost follows only where it was open."""

    link: ev.LinkID


LinkCommand = (
    OpenPeer
    | ApplyDescription
    | AddCandidate
    | SendOnChannel
    | ClosePeer
    | ExpectLane
    | DialLane
    | CloseLane
)
