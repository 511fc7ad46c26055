"""The first moments of a program, before there is an event loop: find the address, open the port,
make the code.

asyncio and the WebSocket library take longer to load than all of this, and a person waits for the
code. What cannot be carried out without a loop is kept for it, in order; guests that connect
meanwhile wait in the socket's backlog.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxim.core.commands import Command, Listen, Publish
from proxim.core.errors import Problem
from proxim.core.events import ListenFailed, Listening, Network, NetworksSeen
from proxim.core.program import Program
from proxim.core.status import Status
from proxim.net.listener import ListenError, open_listener
from proxim.net.steps import tell_step


@dataclass(frozen=True, slots=True)
class NetOptions:
    """What the person set for the network side."""

    port: int | None = None  # None: the protocol's order of ports
    stun: tuple[str, ...] = ()  # only what the person named
    look: Callable[[], tuple[Network, ...]] | None = (
        None  # this machine's addresses; None: nobody hosts
    )
    save_to: str | None = None  # where received files go; None: the person's folder for downloads
    save_name: Callable[[str], Problem | None] = lambda name: None
    save_require_proof: Callable[[bool], Problem | None] = lambda required: None
    data_dir: str | None = (
        None  # where unfinished transfers are remembered; None: only until the program ends
    )


@dataclass(slots=True)
class Opening:
    """What the loop takes over: commands not carried out yet, a listening socket, the addresses
    seen.
    """

    commands: list[Command] = field(default_factory=list)
    listener: socket.socket | None = None
    address: str | None = None  # where the machine wants to listen
    networks: tuple[Network, ...] | None = None


def open_program(
    program: Program, publish: Callable[[Status], None], options: NetOptions
) -> Opening:
    """Start the machine and, for a host, show it this machine's addresses."""
    opening = Opening()
    waiting = program.start()
    if options.look is not None:
        opening.networks = options.look()
        waiting += program.handle(NetworksSeen(opening.networks), time.monotonic())
    while waiting:
        match command := waiting.pop(0):
            case Publish(status):
                tell_step(command)
                publish(status)
            case Listen(address):
                listening = _listen(opening, address, options.port)
                tell_step(listening)
                waiting += program.handle(listening, time.monotonic())
            case _:
                opening.commands.append(command)
    return opening


def _listen(opening: Opening, address: str, port: int | None) -> Listening | ListenFailed:
    opening.address = address
    try:
        opening.listener = open_listener(address, port)
    except ListenError as error:
        return ListenFailed(address, error.reason, error.problem.detail)
    return Listening(address, int(opening.listener.getsockname()[1]))
