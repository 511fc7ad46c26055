"""Room in the system for packets that come while the loop does something else.

Linux holds some 90 packets of ours by default, Windows fewer. A worker thread that has the
interpreter for a moment was enough to lose some: aiortc then halves its pace, or waits a second for
its timer.
"""

import contextlib
import logging
import socket
from typing import Any, Final

_log = logging.getLogger(__name__)

# What aiortc lets be on its way (its receive window); the system gives what it thinks right, Linux
# net.core.rmem_max.
RECEIVE_BYTES: Final = 1024 * 1024


def widen(sctp: Any) -> None:
    """Of an RTCSctpTransport whose candidates are gathered, by aioice's private names: there are no
    public ones.
    """
    try:
        protocols = sctp.transport.transport._connection._protocols
        sockets = [one.transport.get_extra_info("socket") for one in protocols]
    except AttributeError:  # a later one has others: files are slower, nothing else
        _log.info("this aioice does not show its sockets")
        return
    for one in sockets:
        if one is not None:  # a relay's has none
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
