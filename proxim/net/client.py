"""A guest's way to a host: dial the WebSocket, name what kept it from opening.

Must never be here: retries (a guest never retries by itself), what a message means.
"""

import errno
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage

from proxim.core.errors import Reason
from proxim.core.events import ConnectionID, DialFailed
from proxim.core.messages import CloseCode
from proxim.net import limits
from proxim.net.websocket import SocketEvent, WebSocket

_NO_ROUTE = frozenset(
    getattr(errno, name)
    for name in ("ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "ENETDOWN", "WSAENETUNREACH", "WSAEHOSTUNREACH")
    if hasattr(errno, name)
)


class Client:
    """One dialled WebSocket."""

    def __init__(self, id: ConnectionID, report: Callable[[SocketEvent | DialFailed], None]) -> None:
        self._id = id
        self._report = report
        self._socket: WebSocket | None = None

    async def run(self, url: str) -> None:
        """Dial and run until closed. The machine's timer bounds the dial: it cancels this task."""
        try:
            connection = await connect(
                url,
                proxy=None,  # the host is in the same room; a proxy would be asked to reach itself
                compression=None,
                user_agent_header=None,
                open_timeout=None,
                close_timeout=limits.CLOSE_SECONDS,
                ping_interval=limits.CLIENT_PING_SECONDS,
                ping_timeout=limits.CLIENT_PING_SECONDS,
                max_size=limits.HARD_MESSAGE_BYTES,
                max_queue=limits.RECEIVE_QUEUE,
            )
        except (OSError, InvalidHandshake, InvalidMessage, EOFError) as error:
            self._report(DialFailed(self._id, _reason(error)))
            return
        self._socket = WebSocket(self._id, connection, self._report)
        await self._socket.run(str(connection.remote_address[0]))

    def send(self, text: str) -> None:
        """Send a text frame."""
        if self._socket is not None:
            self._socket.send(text)

    def close(self, code: CloseCode | None) -> bool:
        """Close after what was sent; False where nothing is open yet, so the dial is to be cancelled."""
        if self._socket is None:
            return False
        self._socket.close(code)
        return True


def _reason(error: Exception) -> Reason:
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED
    if isinstance(error, TimeoutError):
        return Reason.NO_ANSWER
    if isinstance(error, OSError):
        return Reason.UNREACHABLE if error.errno in _NO_ROUTE else Reason.HOST_GONE
    return Reason.NOT_PROXIM
