"""The host's server: signaling on / and /ws, lanes on /lane, and the page's files on a GET.

It listens on one address, and every connection to it is a guest's. Which connections are admitted
(how many, from which page, under which name) is decided here, before the machine sees them.
"""

import asyncio
import http
import ipaddress
import logging
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from proxim.core import events as ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.invite_link import authority
from proxim.io import limits
from proxim.io.pairing.page import Page, reads_gzip
from proxim.io.pairing.rate_limit import Meter
from proxim.io.pairing.websocket import (
    PacedConnection,
    PacedProtocol,
    SocketEvent,
    WebSocket,
    cut_off_if_unread,
)

_log = logging.getLogger(__name__)

_SIGNALING_PATHS: Final = ("/", "/ws")
_LANE_PATH: Final = "/lane"
_TEXT: Final = "text/plain; charset=utf-8"
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)(?:%[^\]]*)?\]|(?P<v4>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?"
)
# The HTTP reader's own answers that say more than "bad request": a line or header is too long, or
# we are shutting down.
_OWN_STATUS: Final = (
    http.HTTPStatus.REQUEST_URI_TOO_LONG,
    http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http.HTTPStatus.SERVICE_UNAVAILABLE,
    http.HTTPStatus.INTERNAL_SERVER_ERROR,
)
# Browsers omit this port.
_HTTP_PORT: Final = 80
# websockets logs frames at DEBUG and tracebacks of broken handshakes at ERROR. Neither belongs in
# our log.
_silent = logging.getLogger("proxim.websockets")
_silent.setLevel(logging.CRITICAL)


class Server:
    """Accepts guests on one address, and owns their sockets."""

    def __init__(
        self,
        report: Callable[[SocketEvent], None],
        loaded: Callable[[bool], Awaitable[None]],
        lane: Callable[[ServerConnection, Callable[[], None]], Awaitable[None]] | None = None,
    ) -> None:
        self._report = report
        # Runs a lane's socket. Once the lane has proved itself, it calls its second argument to get
        # a lane's limits.
        self._lane = lane
        # Waits until the libraries for proof and link are imported. Its argument is whether this
        # guest is a browser.
        self._loaded = loaded
        self._sockets: dict[ev.ConnectionID, WebSocket] = {}
        # Every TCP connection from its first moment, with its address.
        self._open_connections: dict[_AcceptedConnection, str] = {}
        self._last_id = 0
        self._server: WebSocketServer | None = None
        self._address, self._port = "", 0
        self._page = Page()

    async def start(self, listener: socket.socket) -> None:
        """Serve on a socket that already listens."""
        self._address, self._port = listener.getsockname()[:2]
        self._server = await serve(
            self._accepted,
            sock=listener,
            process_request=self._answer_request,
            # Compressing a secret would leak its length. Without compression, 30 idle sockets stay
            # small.
            compression=None,
            server_header=None,
            open_timeout=limits.REQUEST_SECONDS,
            close_timeout=limits.CLOSE_SECONDS,
            ping_interval=limits.SERVER_PING_SECONDS,
            ping_timeout=limits.SERVER_PING_SECONDS,
            max_queue=limits.RECEIVE_QUEUE,
            logger=_silent,
            # websockets' annotation requires a class, but it is only called as a factory.
            create_connection=self._new_connection,  # type: ignore[arg-type]
        )

    async def stop(self) -> None:
        """Close the listener and every guest's socket (1001, going away).

        Sockets whose handshake is not complete are dropped.
        """
        if self._server is None:
            return
        self._server.close()
        for connection in self._open_connections:
            if connection.state is State.CONNECTING:
                connection.transport.abort()
        await self._server.wait_closed()
        self._server = None

    def send(self, connection: ev.ConnectionID, text: str) -> None:
        """Send a text frame. Nothing happens if the socket is already gone."""
        if connection in self._sockets:
            self._sockets[connection].send(text)

    def close(self, connection: ev.ConnectionID, code: pair_msg.CloseCode | None) -> None:
        """Close a guest's socket after everything queued is sent."""
        if connection in self._sockets:
            self._sockets[connection].close(code)

    # --- how many ---------------------------------------------------------------------------------

    def _new_connection(
        self, _: ServerProtocol, server: WebSocketServer, **options: Any
    ) -> ServerConnection:
        return _AcceptedConnection(
            self._let_in,
            self._gone,
            _AcceptedProtocol(self._replace_error_response),
            server,
            **options,
        )

    def _let_in(self, connection: "_AcceptedConnection", address: str) -> bool:
        counts = Counter(self._open_connections.values())
        if counts[address] >= limits.MAX_SOCKETS_OF_ONE_ADDRESS:
            _log.info("a connection from %s was cut: it has %s already", address, counts[address])
            return False
        if len(self._open_connections) >= limits.MAX_SOCKETS and not (
            counts[address] == 0 and self._make_room(counts)
        ):
            _log.info(
                "a connection from %s was cut: all %s places are taken",
                address,
                len(self._open_connections),
            )
            return False
        self._open_connections[connection] = address
        return True

    def _make_room(self, counts: Counter[str]) -> bool:
        """Drop a socket of the address that has the most, to admit an address that has none.

        This keeps a crowd from excluding it. The oldest socket that has not opened is dropped: if
        the crowded address is a phone that loads its page, it fetches that again, whereas its
        request would be lost with its signaling socket. If all have opened, the oldest is dropped.
        An open link does not need its socket and is not harmed. A lane that carries files needs its
        socket and is spared.
        """
        busiest_address, size = counts.most_common(1)[0]
        if size < limits.CROWD_SOCKETS:
            return False
        its_connections = [
            one
            for one, address in self._open_connections.items()
            if address == busiest_address and not one.is_lane
        ]
        if not its_connections:
            return False
        dropped = next(
            (one for one in its_connections if one.state is State.CONNECTING), its_connections[0]
        )
        _log.info("one of %s connections from %s was cut to make room", size, busiest_address)
        del self._open_connections[dropped]
        dropped.transport.abort()
        return True

    def _gone(self, connection: "_AcceptedConnection") -> None:
        # The connection is already removed if it was dropped to make room.
        self._open_connections.pop(connection, None)

    async def _accepted(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        # Browsers always send their origin (RFC 6455, 4.1), and other guests have none.
        await self._loaded("Origin" in connection.request.headers)
        if self._lane is not None and _path(connection.request) == _LANE_PATH:
            # _new_connection creates no other kind.
            assert isinstance(connection, _AcceptedConnection)
            await self._lane(connection, connection.becomes_lane)
            return
        self._last_id += 1
        id = ev.ConnectionID(self._last_id)
        guest = WebSocket(id, connection, self._report)
        self._sockets[id] = guest
        try:
            await guest.run(str(connection.remote_address[0]))
        finally:
            del self._sockets[id]

    # --- HTTP -------------------------------------------------------------------------------------

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return None to let a WebSocket open, or the answer to any other request."""
        response = self._check_request(connection, request)
        if response is not None:
            _log.info(
                "a request from %s was answered %s", connection.remote_address, response.status_code
            )
        return response

    def _check_request(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        hosts = headers.get_all("Host")
        # Another name may be one that somebody's DNS points at us (DNS rebinding).
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return self._refuse(http.HTTPStatus.MISDIRECTED_REQUEST)
        # Another origin is a page from elsewhere.
        if not all(self._is_our_origin(origin) for origin in headers.get_all("Origin")):
            return self._refuse(http.HTTPStatus.FORBIDDEN)
        if request.method != "GET":
            return self._refuse(http.HTTPStatus.METHOD_NOT_ALLOWED)
        path = _path(request)
        if "upgrade" in ",".join(headers.get_all("Connection")).lower():
            if path == _LANE_PATH and self._lane is not None:
                # A lane's pings would wait behind its bytes, and the link beside it has its own
                # pings.
                connection.ping_interval = None
                return None
            return None if path in _SIGNALING_PATHS else self._refuse(http.HTTPStatus.NOT_FOUND)
        served = self._page.get(path, ",".join(headers.get_all("Accept-Language")))
        if served is None:
            return self._refuse(http.HTTPStatus.NOT_FOUND)
        if not reads_gzip(",".join(headers.get_all("Accept-Encoding"))):
            return self._respond(http.HTTPStatus.OK, served.content_type, served.body)
        response = self._respond(http.HTTPStatus.OK, served.content_type, served.zipped)
        response.headers["Content-Encoding"] = "gzip"
        return response

    def _replace_error_response(self, response: Response) -> Response:
        """Replace websockets' own answer to a broken request.

        That answer quotes the request and lacks our headers.
        """
        if (
            response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS
            or "Content-Security-Policy" in response.headers
        ):
            return response
        status = http.HTTPStatus(response.status_code)
        return self._refuse(status if status in _OWN_STATUS else http.HTTPStatus.BAD_REQUEST)

    def _is_ours(self, host: str) -> bool:
        match = _AUTHORITY.fullmatch(host)
        if match is None or int(match["port"] or _HTTP_PORT) != self._port:
            return False
        try:
            given = ipaddress.ip_address(match["v4"] or match["v6"])
        except ValueError:
            return False
        return given == ipaddress.ip_address(self._address.partition("%")[0])

    def _is_our_origin(self, origin: str) -> bool:
        return origin.startswith("http://") and self._is_ours(origin.removeprefix("http://"))

    def _refuse(self, status: http.HTTPStatus) -> Response:
        return self._respond(status, _TEXT, f"{status.phrase}.\n".encode())

    def _respond(self, status: http.HTTPStatus, content_type: str, body: bytes) -> Response:
        own = authority(self._address.partition("%")[0], self._port)
        policy = (
            f"default-src 'none'; script-src 'self' {self._page.script_hash}; style-src 'self'; "
            "img-src 'self'; "
            f"connect-src 'self' ws://{own}; base-uri 'none'; form-action 'none'; frame-ancestors "
            "'none'"
        )
        headers = Headers(
            {
                "Content-Type": content_type,
                "Content-Length": str(len(body)),
                "Connection": "close",
                "Cache-Control": "no-store",
                "Content-Security-Policy": policy,
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            }
        )
        if status is http.HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET"
        return Response(status, status.phrase, headers, body)


def _path(request: Request | None) -> str:
    return request.path.partition("?")[0] if request is not None else ""


class _AcceptedProtocol(PacedProtocol, ServerProtocol):
    """Sends every HTTP answer, even to requests that websockets does not pass to us (414, 431)."""

    def __init__(self, in_our_words: Callable[[Response], Response]) -> None:
        super().__init__(max_size=limits.HARD_MESSAGE_BYTES, logger=_silent)
        self._replace_error_response = in_our_words
        self.meter = Meter(limits.SIGNALING_PACE)

    def send_response(self, response: Response) -> None:
        super().send_response(self._replace_error_response(response))


class _AcceptedConnection(PacedConnection, ServerConnection):
    """A connection that counts from its first moment, long before its handshake."""

    def __init__(
        self,
        let_in: Callable[["_AcceptedConnection", str], bool],
        gone: Callable[["_AcceptedConnection"], None],
        *arguments: Any,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._let_in = let_in
        self._gone = gone
        self._is_in = False
        self._request_bytes = 0
        self.is_lane = False

    def becomes_lane(self) -> None:
        """Accept a lane's large frames from now on, and let equally large ones wait to be sent."""
        self.is_lane = True
        self.protocol.max_message_size = limits.LANE_FRAME_BYTES
        assert isinstance(self.protocol, PacedProtocol)
        # The lane has proved its key, and each frame that it seals is checked, so it may send in
        # bulk.
        self.protocol.meter = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # This is a TCP transport, although uvloop's class does not derive from asyncio's.
        transport = cast(asyncio.Transport, transport)
        # There is no peer name if the peer has already gone.
        peer = transport.get_extra_info("peername")
        if peer is None or not self._let_in(self, str(peer[0])):
            transport.abort()
            return
        self._is_in = True
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.state is State.CONNECTING:
            self._request_bytes += len(data)
            if self._request_bytes > limits.MAX_REQUEST_BYTES:
                self.transport.abort()
                return
        super().data_received(data)
        cut_off_if_unread(self, limits.LANE_UNREAD_BYTES if self.is_lane else limits.UNREAD_BYTES)

    def cut_off(self, why: str) -> None:
        _log.info("the connection from %s was cut: %s", self.remote_address, why)
        super().cut_off(why)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_in:
            self._gone(self)
            super().connection_lost(exc)
