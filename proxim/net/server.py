"""The host's server: one listening address, signaling on / and /ws, the page on a plain GET of /.

A connection is only ever a guest's. Must never be here: what a message means, and any way to act as host.
"""

import http
import logging
import socket
from collections.abc import Callable
from importlib import resources
from typing import Any
from weakref import WeakSet

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State

from proxim.core.events import ConnectionID
from proxim.core.messages import CloseCode
from proxim.net import limits
from proxim.net.websocket import SocketEvent, WebSocket

_log = logging.getLogger(__name__)

_SIGNALING_PATHS = ("/", "/ws")
# websockets logs frames at DEBUG and tracebacks of broken handshakes at ERROR: neither belongs in our log.
_silent = logging.getLogger("proxim.websockets")
_silent.setLevel(logging.CRITICAL)


class Server:
    """Accepts guests on one address; owns their sockets."""

    def __init__(self, report: Callable[[SocketEvent], None], guest_comes: Callable[[], None]) -> None:
        self._report = report
        self._guest_comes = guest_comes  # called when a guest comes: time to load what a link needs
        self._sockets: dict[ConnectionID, WebSocket] = {}
        self._connections: WeakSet[ServerConnection] = WeakSet()  # also those that have not shaken hands yet
        self._last_id = 0
        self._server: WebSocketServer | None = None
        self._page = resources.files("proxim.web").joinpath("index.html").read_bytes()

    async def start(self, listener: socket.socket) -> None:
        """Serve on a socket that already listens."""
        self._server = await serve(
            self._accepted,
            sock=listener,
            process_request=self._answer_request,
            compression=None,  # a compressed secret leaks its length; and 30 idle sockets stay small
            server_header=None,
            open_timeout=limits.OPEN_SECONDS,
            close_timeout=limits.CLOSE_SECONDS,
            ping_interval=limits.SERVER_PING_SECONDS,
            ping_timeout=limits.SERVER_PING_SECONDS,
            max_size=limits.HARD_MESSAGE_BYTES,
            max_queue=limits.RECEIVE_QUEUE,
            logger=_silent,
            create_connection=self._new_connection,  # type: ignore[arg-type]  # asks for a type, calls it as a factory
        )

    async def stop(self) -> None:
        """Close the listener and every guest's socket (1001, going away); those still half open are dropped."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            if connection.state is State.CONNECTING and hasattr(connection, "transport"):  # accepted, not open
                connection.transport.abort()
        await self._server.wait_closed()
        self._server = None

    def send(self, connection: ConnectionID, text: str) -> None:
        """Send a text frame; nothing happens where the socket is already gone."""
        if connection in self._sockets:
            self._sockets[connection].send(text)

    def close(self, connection: ConnectionID, code: CloseCode | None) -> None:
        """Close a guest's socket after what was sent."""
        if connection in self._sockets:
            self._sockets[connection].close(code)

    def _new_connection(self, *arguments: Any, **options: Any) -> ServerConnection:
        connection = ServerConnection(*arguments, **options)
        self._connections.add(connection)
        return connection

    async def _accepted(self, connection: ServerConnection) -> None:
        self._guest_comes()
        self._last_id += 1
        id = ConnectionID(self._last_id)
        guest = WebSocket(id, connection, self._report)
        self._sockets[id] = guest
        try:
            await guest.run(str(connection.remote_address[0]))
        finally:
            del self._sockets[id]

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        wants_websocket = "upgrade" in request.headers.get("Connection", "").lower()
        if wants_websocket and path in _SIGNALING_PATHS:
            return None
        if path == "/" and not wants_websocket:
            return _response(http.HTTPStatus.OK, "text/html; charset=utf-8", self._page)
        return _response(http.HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"Not found.\n")


def _response(status: http.HTTPStatus, content_type: str, body: bytes) -> Response:
    headers = Headers(
        {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return Response(status, status.phrase, headers, body)
