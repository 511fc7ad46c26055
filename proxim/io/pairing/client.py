"""A guest's connection to a host: dials the WebSocket and names what kept it from opening."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io import limits
from proxim.io.pairing.rate_limit import Meter
from proxim.io.pairing.websocket import (
    PacedConnection,
    PacedProtocol,
    SocketEvent,
    WebSocket,
    cut_off_if_unread,
)

# These errors mean that this network has no route to the host. A host that is asleep, or isolated
# by a firewall or the Wi-Fi, is silent instead, or "unreachable" once nobody on the network has
# answered for it. To a person these two are the same.
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN})
_NO_ANSWER = frozenset({errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT})
# Windows' overlapped connect reports these as `winerror` (WinError.h), without a meaningful errno.
# This one is ERROR_NETWORK_UNREACHABLE.
_WINDOWS_NO_ROUTE = frozenset({1231})
# ERROR_SEM_TIMEOUT and ERROR_HOST_UNREACHABLE.
_WINDOWS_NO_ANSWER = frozenset({121, 1232})


class _DialledProtocol(PacedProtocol, ClientProtocol):
    """Counts what a host sends."""


class _DialledConnection(PacedConnection, ClientConnection):
    """A connection that a host can neither fill nor keep busy."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cut_off_if_unread(self)


def _new_connection(plain: ClientProtocol, **options: Any) -> ClientConnection:
    protocol = _DialledProtocol(plain.uri, max_size=plain.max_message_size, logger=plain.logger)
    protocol.meter = Meter(limits.SIGNALING_PACE)
    return _DialledConnection(protocol, **options)


class DirectConnect(connect):
    """Dials the address that the person meant, and follows no redirect of a host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Refuse to dial another address, so that the redirect counts as a failure."""
        return exc


class Client:
    """One dialled WebSocket."""

    def __init__(
        self, id: ev.ConnectionID, report: Callable[[SocketEvent | pair_ev.DialFailed], None]
    ) -> None:
        self._id = id
        self._report = report
        self._socket: WebSocket | None = None

    async def run(self, url: str) -> None:
        """Dial and run until closed. The machine's timer may cancel this task to end the dial."""
        try:
            connection = await DirectConnect(
                url,
                **await way_to(url),
                # The host is in the same room, and a proxy would be asked to reach itself.
                proxy=None,
                compression=None,
                user_agent_header=None,
                open_timeout=None,
                close_timeout=limits.CLOSE_SECONDS,
                ping_interval=limits.CLIENT_PING_SECONDS,
                ping_timeout=limits.CLIENT_PING_SECONDS,
                max_queue=limits.RECEIVE_QUEUE,
                max_size=limits.HARD_MESSAGE_BYTES,
                # websockets' annotation requires a class, but it is only called as a factory.
                create_connection=_new_connection,  # type: ignore[arg-type]
            )
        except (OSError, InvalidHandshake, InvalidMessage, EOFError) as error:
            self._report(pair_ev.DialFailed(self._id, _reason(error)))
            return
        self._socket = WebSocket(self._id, connection, self._report)
        await self._socket.run(str(connection.remote_address[0]))

    @property
    def opened(self) -> bool:
        """Whether the WebSocket was ever open. From then on it reports its own end."""
        return self._socket is not None

    def send(self, text: str) -> None:
        """Send a text frame."""
        if self._socket is not None:
            self._socket.send(text)

    def close(self, code: pair_msg.CloseCode | None) -> bool:
        """Close after everything queued is sent.

        Returns False if nothing is open yet, in which case the dial must be cancelled.
        """
        if self._socket is None:
            return False
        self._socket.close(code)
        return True


def _reason(error: Exception) -> Reason:
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED
    if isinstance(
        error.__cause__ or error, EOFError | ConnectionResetError | ConnectionAbortedError
    ):
        # The connection was accepted and then cut without a word. Our server does this when all
        # places are occupied.
        return Reason.HOST_FULL
    if not isinstance(error, OSError):
        return Reason.NOT_PROXIM
    windows = getattr(error, "winerror", None)
    if (
        isinstance(error, TimeoutError)
        or error.errno in _NO_ANSWER
        or windows in _WINDOWS_NO_ANSWER
    ):
        return Reason.NO_ANSWER
    if (
        isinstance(error, socket.gaierror)
        or error.errno in _NO_ROUTE
        or windows in _WINDOWS_NO_ROUTE
    ):
        return Reason.UNREACHABLE
    return Reason.HOST_GONE


async def way_to(url: str) -> dict[str, Any]:
    """Return the arguments for `connect` that say what to dial. Raises OSError.

    A zone is escaped in the URL, and websockets would use it unchanged. uvloop drops the zone
    (MagicStack/uvloop#539), so where there is uvloop we connect to such an address ourselves.
    """
    address, port = dial_address(url), urlsplit(url).port
    if "%" not in address or sys.platform != "linux":
        return {"host": address, "port": port}
    ((family, kind, protocol, _, where),) = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    raw = socket.socket(family, kind, protocol)
    try:
        raw.setblocking(False)
        await _connect(raw, where)
    except BaseException:
        raw.close()
        raise
    return {"sock": raw}


async def _connect(raw: socket.socket, where: Any) -> None:
    failed = raw.connect_ex(where)
    if failed == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        decided = asyncio.Event()
        # sock_connect cannot be used, because it drops the zone, too.
        loop.add_writer(raw, decided.set)
        try:
            await decided.wait()
        finally:
            loop.remove_writer(raw)
        failed = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failed:
        raise OSError(failed, os.strerror(failed))


def dial_address(url: str) -> str:
    """Return the address to dial.

    A link-local IPv6 address gets a zone of this machine, because the host's zone means nothing
    here.
    """
    host = (urlsplit(url).hostname or "").replace("%25", "%")
    bare, _, zone = host.partition("%")
    here = [name for _, name in socket.if_nameindex()]
    if not ip_address(bare).is_link_local or ":" not in bare or zone in here:
        return host
    return f"{bare}%{next((name for name in here if name not in ('lo', 'lo0')), zone)}"
