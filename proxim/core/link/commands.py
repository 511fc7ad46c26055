"""Commands of a link to its WebRTC peer, its channels and its lane."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.pairing import messages as pair_msg


@dataclass(frozen=True, slots=True)
class PreparePeer:
    """Make a WebRTC peer for a link that a person may approve soon.

    It gets its certificate, its addresses and, as the offerer, its offer, but reports nothing and
    sends nothing. OpenPeer goes on with it, and ClosePeer drops it.
    """

    link: ev.LinkID
    offerer: bool


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """Open a WebRTC peer, the prepared one if there is one.

    The offerer opens the control channel and reports PeerDescribed without being asked.
    """

    link: ev.LinkID
    offerer: bool


@dataclass(frozen=True, slots=True)
class ApplyDescription:
    """Pass the other side's description to the peer; an offer is answered by PeerDescribed."""

    link: ev.LinkID
    type: pair_msg.SDPType
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Pass one of the other side's candidates to the peer."""

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
    """Close the peer; no further event comes from it."""

    link: ev.LinkID
    # Whether a goodbye was sent: the other side will close too, so wait a moment until it arrives.
    said_bye: bool = False


# --- the lane -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpectLane:
    """At the host: let a WebSocket become this link's lane, once.

    The WebSocket must show `token` and prove that it knows `key`.
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
    """Close a link's lane, or stop expecting one; LaneLost follows only if the lane was open."""

    link: ev.LinkID


LinkCommand = (
    PreparePeer
    | OpenPeer
    | ApplyDescription
    | AddCandidate
    | SendOnChannel
    | ClosePeer
    | ExpectLane
    | DialLane
    | CloseLane
)
