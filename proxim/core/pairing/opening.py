"""The words of a host's first moments, before it has a guest: what it finds out about its networks,
what it asks for, and what it shows.

They are events, statuses and commands like all others, and all others find them where those are. A
person waits for the first code on the screen, and these are all that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from proxim.core.pairing.devices import DeviceInfo

if TYPE_CHECKING:
    from proxim.core.errors import Reason
    from proxim.core.status import Status

# --- events ---------------------------------------------------------------------------------------


class SessionType(StrEnum):
    """How long a session lives (docs/protocol.md, Sessions)."""

    ONE_TIME = "one-time"
    TEMPORARY = "temporary"
    PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class Network:
    """One address of this machine, as a person may choose it."""

    # An IP literal; a link-local IPv6 address includes its zone, "fe80::1%eth0".
    address: str
    prefix_length: int
    # A name for people, such as "Wi-Fi" or "eth0".
    interface: str
    # Whether it belongs to Docker, veth, a VPN or Hyper-V, which other devices can rarely reach.
    virtual: bool

    @property
    def subnet(self) -> str:
        """The address with its prefix length, in the form that is_local expects."""
        return f"{self.address.partition('%')[0]}/{self.prefix_length}"


@dataclass(frozen=True, slots=True)
class NetworksSeen:
    """This machine's addresses, best first; sent at start and after each change."""

    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """The server accepts connections on this address and port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ListenFailed:
    """The server could not listen on this address."""

    address: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Invite:
    """Show a new code, and end the code that was shown before."""

    type: SessionType
    # Seconds; None means the type's default.
    lifetime: float | None = None


# --- statuses -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThisDevice:
    """This installation's name and id."""

    device: DeviceInfo


@dataclass(frozen=True, slots=True)
class ProofPolicy:
    """Whether guests that cannot prove that they know the code are refused.

    Until it is published, they are not refused.
    """

    required: bool


@dataclass(frozen=True, slots=True)
class Networks:
    """This machine's addresses, best first, and the address that the server listens on.

    `chosen` is None while the server listens on no address.
    """

    networks: tuple[Network, ...]
    chosen: str | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """The session whose code is shown.

    It replaces the previous one, and is published again when its code changes.
    """

    session_id: str = field(repr=False)
    uuid: str
    # The code in groups; None on an IPv6 address, which has no short code, or once the code is
    # closed.
    code: str | None = field(repr=False)
    url: str = field(repr=False)
    type: SessionType
    # None means that it lasts until the host ends it.
    expires: float | None
    # Whether too many wrong codes were tried, so that only the URL still leads here.
    code_closed: bool = False


@dataclass(frozen=True, slots=True)
class NoInvitation:
    """No code is shown: somebody joined by it, or `reason` says why there cannot be one."""

    reason: Reason | None


# All that a host shows before its first code, and the code.
OpeningStatus = ThisDevice | ProofPolicy | Networks | Invitation | NoInvitation


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """Accept connections on `address` and nowhere else; answered by Listening or ListenFailed."""

    address: str


@dataclass(frozen=True, slots=True)
class StopListening:
    """Accept no more connections."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Pass a status to the faces (window, terminal, JSON lines)."""

    status: Status
