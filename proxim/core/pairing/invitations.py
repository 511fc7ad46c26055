"""Decides where the server listens, and which session's code is shown.

This is the part of a host that the first code on the screen needs. It runs alone until that code is
painted (io/pairing/opening.py). Then `Host` takes it over, and adds the sessions and sockets that
guests need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Final

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.guess_budget import GuessBudget
from proxim.core.pairing.host_code import (
    QR_SECRET_BYTES,
    SECRET_BITS,
    HostCode,
)
from proxim.core.pairing.invite_link import invite_url
from proxim.core.pairing.opening import (
    Invitation,
    Invite,
    Listen,
    ListenFailed,
    Listening,
    Network,
    Networks,
    NetworksSeen,
    NoInvitation,
    ProofPolicy,
    Publish,
    SessionType,
    StopListening,
    ThisDevice,
)

if TYPE_CHECKING:
    from proxim.core import commands as do
    from proxim.core import events as ev

# 128 random bits (docs/protocol.md asks for >= 122), which are 22 characters.
SESSION_ID_BYTES: Final = 16
# The first protocol document says: "Sessions expire after 15 minutes or per session type".
SESSION_SECONDS: Final = 15 * 60.0


@dataclass(slots=True)
class SessionSecrets:
    """The secrets in a session's code and QR code, and the tries at its code."""

    code: int = field(repr=False)
    qr: bytes = field(repr=False)
    tries: GuessBudget = field(default_factory=GuessBudget)
    # The whole code as it is shown now; it also contains the address.
    typed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session when its code is made; `Session` starts with it."""

    id: str = field(repr=False)
    type: SessionType
    # None means that it lasts until the host ends it.
    expires: float | None
    secrets: SessionSecrets


def expiry(session_type: SessionType, lifetime: float | None, now: float) -> float | None:
    """The moment when a session that begins now expires; `lifetime` None means its type's
    default.
    """
    if session_type is SessionType.PERSISTENT:
        return None
    return now + (lifetime or SESSION_SECONDS)


class Invitations:
    """Decides where the server listens and which code is shown.

    All randomness comes from `token_bytes`. A status that did not change is not published again.
    """

    def __init__(
        self,
        device: DeviceInfo,
        first: Invite,
        token_bytes: Callable[[int], bytes],
        preferred_address: str | None = None,
        *,
        require_proof: bool = False,
        known_only: bool = False,
    ) -> None:
        """With `known_only` no code is shown unless the person asks for one; only devices that are
        known come in.
        """
        self.device = device
        self._known_only = known_only
        # Whether guests must prove themselves before the person is asked about them.
        self.require_proof = require_proof
        # The session whose code is shown, or was shown until its guest joined.
        self.shown: NewSession | None = None
        self._token_bytes = token_bytes
        self._next = first
        self._preferred = preferred_address
        self._networks: tuple[Network, ...] = ()
        # The address that the server listens on, or was asked to listen on.
        self._wanted: str | None = None
        self._endpoint: tuple[str, int] | None = None
        self._published: Invitation | NoInvitation | None = None
        # Whether a code should be shown.
        self._inviting = not known_only
        # Whether no code may be shown, because somebody would see it on this screen.
        self.hidden = False
        self._introduced = False

    def start(self) -> list[do.Command]:
        """Return the commands for the start of the program; nothing if they were returned
        before.
        """
        if self._introduced:
            return []
        self._introduced = True
        policy = [Publish(ProofPolicy(required=True))] if self.require_proof else []
        return [Publish(ThisDevice(self.device)), *policy]

    # --- where the server listens -----------------------------------------------------------------

    def networks_seen(self, event: NetworksSeen) -> list[do.Command]:
        """Listen on the best address, unless the current address is still there."""
        self._networks = event.networks
        addresses = [network.address for network in event.networks]
        if not addresses:
            self._wanted = self._endpoint = None
            return [
                StopListening(),
                self._publish_networks(),
                *self._publish(NoInvitation(Reason.NO_NETWORK)),
            ]
        best = self._preferred if self._preferred in addresses else addresses[0]
        if self._wanted in addresses and (self._wanted == best or self._preferred not in addresses):
            # Another address may be better now, but a shown code must not change.
            return [self._publish_networks()]
        commands = self._listen(best)
        # The code of the old address leads nowhere now.
        if isinstance(self._published, Invitation):
            commands.append(_trouble(Reason.NETWORK_CHANGED))
        return commands

    def choose_network(self, event: ev.ChooseNetwork) -> list[do.Command]:
        """Listen on the address that the person chose."""
        if event.address not in [network.address for network in self._networks]:
            return [_trouble(Reason.ADDRESS_GONE)]
        self._preferred = event.address
        return [] if event.address == self._wanted else self._listen(event.address)

    def listening(self, event: Listening) -> list[do.Command]:
        """Note that the server listens, so that codes can be shown."""
        if event.address == self._wanted:
            # An event for another address is stale: a new one was chosen meanwhile.
            self._endpoint = (event.address, event.port)
        return []

    def listen_failed(self, event: ListenFailed) -> list[do.Command]:
        """Publish why no code is shown."""
        if event.address != self._wanted:
            return []
        # The next change of the networks tries again.
        self._wanted = None
        return [
            self._publish_networks(),
            _trouble(event.reason, event.detail),
            *self._publish(NoInvitation(event.reason)),
        ]

    @property
    def listening_at(self) -> tuple[str, int] | None:
        """Where the server listens; None while it does not."""
        return self._endpoint

    def leads_here(self, address: str, port: int) -> bool:
        """Whether this host itself listens there."""
        return self._endpoint == (address, port)

    def _listen(self, address: str) -> list[do.Command]:
        self._wanted = address
        self._endpoint = None
        return [Listen(address), self._publish_networks()]

    def _publish_networks(self) -> do.Command:
        return Publish(Networks(self._networks, self._wanted))

    # --- which code is shown ----------------------------------------------------------------------

    def invite(self, event: Invite) -> None:
        """Make the next code a new one, of this kind."""
        self._next = event
        self._inviting = True
        self.shown = None

    def renew(
        self,
        now: float,
        *,
        ended: bool = False,
        exposed: bool = False,
        joined: bool = False,
        serving: bool = False,
    ) -> list[do.Command]:
        """Show a code whenever the host wants a guest; a host that serves nobody always does.

        `ended` and `joined` describe the session whose code is shown: it ended, or its guest
        joined. With `exposed` it ended because others have seen its code, and another takes its
        place. `serving` means that some session has a guest.
        """
        if ended:
            self.shown = None
            self._inviting = self._inviting and not self._known_only
        if exposed:
            self._inviting = True
        if self.shown is not None:
            # Without `joined`, the session can be joined, perhaps again.
            self._inviting = not joined
        elif not serving and not self._known_only:
            self._inviting = True
        # A host that shows no code anyway has none to hide.
        if self.hidden and (self._inviting or not self._known_only):
            return self._publish(NoInvitation(Reason.SCREEN_SEEN))
        if self._endpoint is None and isinstance(self._published, NoInvitation):
            # The reason that was published is still right.
            return []
        if not self._inviting:
            return self._publish(NoInvitation(None))
        return [] if self._endpoint is None else self._show(*self._endpoint, now)

    def _show(self, address: str, port: int, now: float) -> list[do.Command]:
        if self.shown is None:
            self.shown = self._new_session(now)
        session, secrets = self.shown, self.shown.secrets
        ip = ip_address(address)
        code = HostCode(ip, port, secrets.code) if isinstance(ip, IPv4Address) else None
        secrets.typed = None if code is None else code.canonical
        closed = secrets.tries.closed
        shown = None if code is None or closed else code.shown
        url = invite_url(address, port, session.id, self.device.id, to_base64url(secrets.qr))
        return self._publish(
            Invitation(
                session.id, self.device.id, shown, url, session.type, session.expires, closed
            )
        )

    def _publish(self, status: Invitation | NoInvitation) -> list[do.Command]:
        if status == self._published:
            return []
        self._published = status
        return [Publish(status)]

    def _new_session(self, now: float) -> NewSession:
        session_id = to_base64url(self._token_bytes(SESSION_ID_BYTES))
        code = int.from_bytes(self._token_bytes(4)) % (1 << SECRET_BITS)
        secrets = SessionSecrets(code, self._token_bytes(QR_SECRET_BYTES))
        kind = self._next.type
        return NewSession(session_id, kind, expiry(kind, self._next.lifetime, now), secrets)


def _trouble(reason: Reason, detail: str = "") -> do.Command:
    # These are imported late, as the first code on the screen must not wait for them.
    from proxim.core.errors import Problem
    from proxim.core.status import Trouble

    return Publish(Trouble(Problem(reason, detail)))
