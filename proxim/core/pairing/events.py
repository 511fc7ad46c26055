"""What happens to signaling sockets."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """A WebSocket is open: at the host a guest's, at the guest its own."""

    connection: ev.ConnectionID
    peer_address: str


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A text frame arrived."""

    connection: ev.ConnectionID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """A frame that is no text at all arrived."""

    connection: ev.ConnectionID
    reason: Reason


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The WebSocket is closed, whoever closed it."""

    connection: ev.ConnectionID
    # What the other side closed it with; None: we closed it, or it went without a word
    code: int | None = None


@dataclass(frozen=True, slots=True)
class DialFailed:
    """The guest's WebSocket never opened."""

    connection: ev.ConnectionID
    reason: Reason
