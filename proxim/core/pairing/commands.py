"""Commands to signaling sockets."""

from dataclasses import dataclass

from proxim.core import events as ev
from proxim.core.pairing import messages as pair_msg


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a WebSocket to a host; answered by ConnectionOpened or DialFailed."""

    connection: ev.ConnectionID
    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message on a WebSocket."""

    connection: ev.ConnectionID
    message: pair_msg.Message


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a WebSocket (also one that is still being dialled); ConnectionLost follows."""

    connection: ev.ConnectionID
    # None means the normal 1000.
    code: pair_msg.CloseCode | None = None


SocketCommand = Dial | Send | CloseConnection
