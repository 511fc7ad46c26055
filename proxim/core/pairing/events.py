"""Events of signaling sockets."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """A WebSocket is open: a guest's at the host, its own at the guest."""

    connection: ev.ConnectionID
    peer_address: str


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A text frame arrived."""

    connection: ev.ConnectionID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """A frame arrived that is not text."""

    connection: ev.ConnectionID
    reason: Reason


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The WebSocket is closed, by either side."""

    connection: ev.ConnectionID
    # The other side's close code; None if we closed it, or if it broke without one.
    code: int | None = None


@dataclass(frozen=True, slots=True)
class DialFailed:
    """The guest's WebSocket never opened."""

    connection: ev.ConnectionID
    reason: Reason
