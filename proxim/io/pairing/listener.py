"""Finds a port and opens the listening socket.

The socket is bound before the WebSocket library is imported, so that the QR code shows early.
"""

import errno
import socket
from typing import Final

from proxim.core.errors import ProximError, Reason
from proxim.core.pairing.host_code import DEFAULT_PORT, FALLBACK_PORTS

# How many sockets may wait to be accepted. This is more than a room has devices.
BACKLOG: Final = 32
_ANY_PORT: Final = 0


class ListenError(ProximError):
    """No listening socket could be opened there."""


def open_listener(address: str, port: int | None) -> socket.socket:
    """Listen on `address` and the first free port: only `port` if given, else the protocol's ports
    in order.

    Raises ListenError: ADDRESS_GONE, PORT_TAKEN, PORT_REFUSED.
    """
    candidates = [port] if port is not None else [DEFAULT_PORT, *FALLBACK_PORTS, _ANY_PORT]
    failure = ListenError(Reason.PORT_TAKEN)
    for candidate in candidates:
        try:
            return _listen(address, candidate)
        except OSError as error:
            failure = ListenError(_reason(error), type(error).__name__)
            if failure.reason is Reason.ADDRESS_GONE:
                # No other port would help.
                break
    raise failure


def _listen(address: str, port: int) -> socket.socket:
    # The address is passed as bytes, because for a str Python loads its tables of international
    # names, which takes 5 ms.
    family, _, _, _, bind_to = socket.getaddrinfo(
        address.encode(),
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE,
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On POSIX, SO_REUSEADDR lets a restart reuse a port in TIME_WAIT. On Windows it would let
        # two programs share one.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(bind_to)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _reason(error: OSError) -> Reason:
    if error.errno == errno.EADDRINUSE:
        return Reason.PORT_TAKEN
    if isinstance(error, PermissionError):
        # The port is below 1024, or in a range that Windows has reserved for Hyper-V.
        return Reason.PORT_REFUSED
    # For EADDRNOTAVAIL, or a zone that does not exist: the address has gone since it was chosen.
    return Reason.ADDRESS_GONE
