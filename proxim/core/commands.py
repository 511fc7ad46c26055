"""Everything a machine can ask of the world. `io` carries these out, in the order given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from proxim.core import events as ev
from proxim.core import status as st

if TYPE_CHECKING:
    from proxim.core.files.commands import FileCommand
    from proxim.core.link.commands import LinkCommand
    from proxim.core.pairing.commands import SocketCommand


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report TimerFired(timer) after `seconds`; a running one of the same identity is replaced."""

    timer: ev.Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget a timer; one that does not run is no error."""

    timer: ev.Timer


@dataclass(frozen=True, slots=True)
class Listen:
    """Accept connections on `address` and nowhere else; answered by Listening or ListenFailed."""

    address: str


@dataclass(frozen=True, slots=True)
class StopListening:
    """Accept no more connections."""


@dataclass(frozen=True, slots=True)
class SaveName:
    """Keep this device's new name for the next start."""

    name: str


@dataclass(frozen=True, slots=True)
class SaveRequireProof:
    """Keep for the next start whether guests that cannot prove that they know the code are
    refused.
    """

    required: bool


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell people."""

    status: st.Status


# What sockets, links and files ask for is loaded with the first guest, and so named here, not
# imported.
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
]
