"""Events of a link: of its WebRTC peer, its data channels and its lane."""

from dataclasses import dataclass, field
from typing import Final

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing import messages as pair_msg

# The label of the data channel that carries link messages (docs/protocol.md, Link).
CONTROL_LABEL = "control"
# This takes the place of a channel's stream id where the lane carries a whole link.
LANE_CHANNEL = -1


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """Something happened to a link."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class PeerDescribed(LinkEvent):
    """Our own description is ready to be sent."""

    type: pair_msg.SDPType
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelOpened(LinkEvent):
    """A data channel is open."""

    # Its SCTP stream id, because labels need not be unique.
    channel: int
    # A stream's label contains its transfer's id, which is a secret of the two ends.
    label: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelMessage(LinkEvent):
    """A text message arrived on a data channel."""

    channel: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelClosed(LinkEvent):
    """A data channel that was open is closed."""

    channel: int


@dataclass(frozen=True, slots=True)
class PeerFailed(LinkEvent):
    """The link cannot open, or it broke; the peer has to be closed."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LaneOpened(LinkEvent):
    """A lane is open, beside the link or for it.

    `carries_link` means that the guest found no other way, so control messages use the lane.
    """

    carries_link: bool = False


@dataclass(frozen=True, slots=True)
class LaneLost(LinkEvent):
    """The lane could not be opened, broke, or was closed by the other side."""


LINK_EVENTS: Final = (
    PeerDescribed,
    ChannelOpened,
    ChannelMessage,
    ChannelClosed,
    PeerFailed,
    LaneOpened,
    LaneLost,
)
