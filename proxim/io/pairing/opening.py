"""The first moments of a host, before there is an event loop: find the address, open the port, show
the code.

asyncio, the WebSocket library and the machines for guests take longer to load than all of this, and
a person waits for the code. Guests that connect meanwhile wait in the listening socket's backlog.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxim.core.errors import Problem
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.opening import (
    Listen,
    ListenFailed,
    Listening,
    Network,
    NetworksSeen,
    Publish,
    StopListening,
)
from proxim.io.pairing.listener import ListenError, open_listener
from proxim.io.trace import log_step

if TYPE_CHECKING:
    from proxim.core import status as st


@dataclass(frozen=True, slots=True)
class NetOptions:
    """The person's choices for the network side."""

    # None means the protocol's order of ports.
    port: int | None = None
    # Only the servers that the person named.
    stun: tuple[str, ...] = ()
    # Returns this machine's addresses; None in tests that need none.
    look: Callable[[], tuple[Network, ...]] | None = None
    # The folder for received files. None means the person's folder for downloads.
    save_to: str | None = None
    save_name: Callable[[str], Problem | None] = lambda name: None
    save_require_proof: Callable[[bool], Problem | None] = lambda required: None
    # The folder for unfinished transfers. With None they are remembered only until the program
    # ends.
    data_dir: str | None = None
    # This installation's id, to which the file of known devices belongs. With None this program
    # knows no devices.
    uuid: str | None = None
    # The folder of that file. With None they are remembered only until the program ends.
    config_dir: str | None = None


@dataclass(slots=True)
class Opening:
    """What the loop takes over: a listening socket, its address, and the networks seen."""

    listener: socket.socket | None = None
    address: str | None = None
    networks: tuple[Network, ...] | None = None


def open_host(
    invitations: Invitations, publish: Callable[[st.Status], None], options: NetOptions
) -> Opening:
    """Look at this machine's addresses, listen on one of them, and publish what to show."""
    opening = Opening()
    waiting = invitations.start()
    if options.look is not None:
        opening.networks = options.look()
        seen = NetworksSeen(opening.networks)
        waiting += invitations.networks_seen(seen) + invitations.renew(time.monotonic())
    while waiting:
        match command := waiting.pop(0):
            case Publish(status):
                log_step(command)
                publish(status)
            case Listen(address):
                opening.address = address
                event = _listen(opening, address, options.port)
                log_step(event)
                if isinstance(event, Listening):
                    waiting += invitations.listening(event)
                else:
                    waiting += invitations.listen_failed(event)
                waiting += invitations.renew(time.monotonic())
            case _:
                # Nothing listens yet, so there is nothing to stop.
                assert isinstance(command, StopListening)
                log_step(command)
    return opening


def _listen(opening: Opening, address: str, port: int | None) -> Listening | ListenFailed:
    try:
        opening.listener = open_listener(address, port)
    except ListenError as error:
        return ListenFailed(address, error.reason, error.problem.detail)
    return Listening(address, int(opening.listener.getsockname()[1]))
