"""Finding a port: the listening socket, bound before the WebSocket library is imported, so that the
QR shows early.
"""

import errno
import socket
from typing import Final

from proxim.core.errors import ProximError, Reason
from proxim.core.pairing.host_code import DEFAULT_PORT, FALLBACK_PORTS

# Sockets that wait to be accepted; more than a room has devices.
BACKLOG: Final = 32
_ANY_PORT: Final = 0


class ListenError(ProximError):
    """No socket could be made to listen there."""


def open_listener(address: str, port: int | None) -> socket.socket:
    """Listen on `address` and the first free port: `port` alone if given, else the protocol's
    order.

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
                # No other port would help
                break
    raise failure


def _listen(address: str, port: int) -> socket.socket:
    # As bytes: for a text Python would load its tables of international names, 5 ms for nothing.
    family, _, _, _, bind_to = socket.getaddrinfo(
        address.encode(),
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE,
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On POSIX this lets a restart reuse a port in TIME_WAIT; on Windows it would let two
        # programs share one.
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
        # Below 1024, or in a range that Windows has reserved for Hyper-V
        return Reason.PORT_REFUSED
    # EADDRNOTAVAIL, or no such zone: the address left since it was chosen
    return Reason.ADDRESS_GONE
