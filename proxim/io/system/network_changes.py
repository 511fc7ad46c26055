"""Waits until the addresses of this machine may have changed.

Linux says so on a netlink socket (rtnetlink(7)). Elsewhere they are simply read again from time to
time.
"""

import asyncio
import logging
import socket
import sys
from typing import Final

from proxim.io.limits import (
    NETWORK_READ_ANYWAY_SECONDS,
    NETWORK_READ_SECONDS,
    NETWORK_SETTLE_SECONDS,
)

_log = logging.getLogger(__name__)

# The groups of messages about interfaces, addresses and routes, from linux/rtnetlink.h. The routes
# decide which address is the best.
_RTMGRP_LINK: Final = 0x1
_RTMGRP_IPV4_IFADDR: Final = 0x10
_RTMGRP_IPV4_ROUTE: Final = 0x40
_RTMGRP_IPV6_IFADDR: Final = 0x100
_RTMGRP_IPV6_ROUTE: Final = 0x400
_GROUPS: Final = (
    _RTMGRP_LINK
    | _RTMGRP_IPV4_IFADDR
    | _RTMGRP_IPV4_ROUTE
    | _RTMGRP_IPV6_IFADDR
    | _RTMGRP_IPV6_ROUTE
)
_MESSAGE_BYTES: Final = 64 * 1024


class NetworkChanges:
    """The changes of this machine's network since it was made."""

    def __init__(self) -> None:
        self._socket = _netlink_socket()
        # What changed before, while the program started, is found by the first look.
        self._patience = NETWORK_READ_SECONDS

    async def wait(self) -> None:
        """Return when the addresses may have changed, and also now and then without a change."""
        if self._socket is None:
            await asyncio.sleep(NETWORK_READ_SECONDS)
            return
        loop = asyncio.get_running_loop()
        seconds, self._patience = self._patience, NETWORK_READ_ANYWAY_SECONDS
        try:
            while True:
                async with asyncio.timeout(seconds):
                    await loop.sock_recv(self._socket, _MESSAGE_BYTES)
                seconds = NETWORK_SETTLE_SECONDS
        except TimeoutError:
            return
        except OSError as error:
            # More has changed than the socket could hold (ENOBUFS).
            _log.debug("changes of the network were missed (%s)", type(error).__name__)

    def close(self) -> None:
        """Stop listening to changes."""
        if self._socket is not None:
            self._socket.close()


def _netlink_socket() -> socket.socket | None:
    """Return a socket that receives a message at each change; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError as error:
        _log.info("this system does not say when its network changes (%s)", type(error).__name__)
        return None
    try:
        # The system chooses the address (0).
        netlink.bind((0, _GROUPS))
    except OSError as error:
        _log.info("this system does not say when its network changes (%s)", type(error).__name__)
        netlink.close()
        return None
    netlink.setblocking(False)
    return netlink
