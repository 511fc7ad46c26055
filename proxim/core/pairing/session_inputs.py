"""What a session at the host can be told: what its guest, the person, its link and its timers
do.
"""

from dataclasses import dataclass, field

from proxim.core.errors import Reason
from proxim.core.events import (
    ConnectionID,
    ConnectionLost,
    Decide,
    Disconnect,
    SendText,
    TimerFired,
)
from proxim.core.link.events import (
    ChannelClosed,
    ChannelMessage,
    ChannelOpened,
    LaneLost,
    LaneOpened,
    PeerDescribed,
    PeerFailed,
)
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.messages import Signal
from proxim.core.pairing.proof import ProofKeys


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever asks or was approved: one WebSocket, bound to this session for its life."""

    connection: ConnectionID
    address: str
    session_id: str = field(repr=False)  # as this guest calls it: its id, "@code" or a resume name
    device: DeviceInfo
    verified: Verified | None = None  # how it proved that it knows the code
    keys: ProofKeys | None = field(default=None, repr=False)  # of that proof


@dataclass(frozen=True, slots=True)
class Ask:
    """A guest's pair_request, already known to mean this session."""

    guest: Guest


@dataclass(frozen=True, slots=True)
class Resume:
    """A guest has proved that it is the one whose link this session lost; its `session_id` is the
    resume name.
    """

    guest: Guest


@dataclass(frozen=True, slots=True)
class GuestSignal:
    """A signal on some guest's socket that names this session."""

    connection: ConnectionID
    signal: Signal


@dataclass(frozen=True, slots=True)
class TurnAway:
    """The guest that asks may not go on asking; the session stays open."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class End:
    """The host ends the session."""

    reason: Reason


SessionInput = (
    Ask
    | Resume
    | GuestSignal
    | ConnectionLost
    | Decide
    | Disconnect
    | End
    | TurnAway
    | TimerFired
    | PeerDescribed
    | ChannelOpened
    | ChannelMessage
    | ChannelClosed
    | PeerFailed
    | LaneOpened
    | LaneLost
    | SendText
)
