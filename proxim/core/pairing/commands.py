"""What is done with signaling sockets."""

from dataclasses import dataclass

from proxim.core.events import ConnectionID
from proxim.core.pairing.messages import CloseCode, Message


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
    # None: the normal 1000
    code: CloseCode | None = None


SocketCommand = Dial | Send | CloseConnection
