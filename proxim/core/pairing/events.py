"""Events of signaling sockets."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """Something happened to a WebSocket."""

    connection: ev.ConnectionID


@dataclass(frozen=True, slots=True)
class ConnectionOpened(ConnectionEvent):
    """A WebSocket is open: a guest's at the host, its own at the guest."""

    peer_address: str


@dataclass(frozen=True, slots=True)
class FrameReceived(ConnectionEvent):
    """A text frame arrived."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrameRefused(ConnectionEvent):
    """A frame arrived that is not text, or whose bytes are not readable as text."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ConnectionLost(ConnectionEvent):
    """The WebSocket is closed, by either side."""

    # The other side's close code; None if we closed it, or if it broke without one.
    code: int | None = None


@dataclass(frozen=True, slots=True)
class DialFailed(ConnectionEvent):
    """The guest's WebSocket never opened."""

    reason: Reason
