"""Everything that a machine can ask `io` to do. `io` carries the commands out in the given
order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.pairing import opening

if TYPE_CHECKING:
    from proxim.core.files.commands import FileCommand
    from proxim.core.known.commands import KnownCommand
    from proxim.core.link.commands import LinkCommand
    from proxim.core.pairing.commands import SocketCommand
    from proxim.core.screen.commands import ScreenCommand

# What a host asks for in its first moments.
Listen = opening.Listen
StopListening = opening.StopListening
Publish = opening.Publish


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report TimerFired(timer) after `seconds`, and replace a running timer of the same
    identity.
    """

    timer: ev.Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Cancel a timer; a timer that does not run is no error."""

    timer: ev.Timer


@dataclass(frozen=True, slots=True)
class SaveName:
    """Store this device's new name for the next start."""

    name: str


@dataclass(frozen=True, slots=True)
class SaveRequireProof:
    """Store the choice of SetRequireProof for the next start."""

    required: bool


def publish_trouble(reason: Reason, link: ev.LinkID | None = None) -> Publish:
    """Return the command that publishes a failure which no other status reports."""
    return Publish(st.Trouble(Problem(reason), link))


# The commands of sockets, links, files and screens are loaded with the first guest, so they are
# only named here and not imported.
Command = Union[
    SetTimer,
    CancelTimer,
    Listen,
    StopListening,
    SaveName,
    SaveRequireProof,
    Publish,
    "SocketCommand",
    "LinkCommand",
    "FileCommand",
    "KnownCommand",
    "ScreenCommand",
]
