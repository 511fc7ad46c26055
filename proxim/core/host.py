"""The host: which session a socket, a message or a decision means, which code is shown, where the
server listens.

No socket ever becomes host: the host's own decisions come as intents, and a `pair_response` from a
socket is refused.
"""

from ipaddress import IPv4Address, ip_address
from typing import Final

from proxim.core.commands import Command, Listen, Publish, SaveRequireProof, StopListening
from proxim.core.door import Door, DoorLimits
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    ChooseNetwork,
    ConnectionLost,
    ConnectionOpened,
    Decide,
    Disconnect,
    FrameReceived,
    FrameRefused,
    Invite,
    LinkEvent,
    LinkID,
    ListenFailed,
    Listening,
    Network,
    NetworksSeen,
    SendText,
    SetRequireProof,
    TimerFired,
    TimerName,
)
from proxim.core.host_code import QR_SECRET_BYTES, SECRET_BITS, HostCode, invite_url
from proxim.core.link import Link
from proxim.core.messages import DeviceInfo
from proxim.core.proof import to_base64url
from proxim.core.proving import Prover
from proxim.core.session import Session
from proxim.core.session_inputs import End, TurnAway
from proxim.core.session_states import SessionState
from proxim.core.sessions import JOINABLE, Sessions, SessionSecrets
from proxim.core.status import Invitation, Networks, NoInvitation, ProofPolicy, Trouble
from proxim.core.transfer_inputs import AcceptPolicy
from proxim.core.transfers import Transfers

SESSION_ID_BYTES: Final = 16  # 128 random bits (docs/protocol.md asks for >= 122), 22 characters
# Their scope is a sessionID, the others' a LinkID.
SESSION_TIMERS: Final = (TimerName.APPROVAL, TimerName.SESSION, TimerName.RESUME)

HostEvent = (
    NetworksSeen
    | Listening
    | ListenFailed
    | ConnectionOpened
    | FrameReceived
    | FrameRefused
    | ConnectionLost
    | TimerFired
    | LinkEvent
    | Invite
    | Decide
    | ChooseNetwork
    | SetRequireProof
    | SendText
    | Disconnect
)


class Host:
    """See the module. All that is random here comes from `prover`."""

    def __init__(
        self,
        device: DeviceInfo,
        first: Invite,
        prover: Prover,
        preferred_address: str | None = None,
        *,
        require_proof: bool = False,
        limits: DoorLimits = DoorLimits(),  # noqa: B008  # immutable
        accept: AcceptPolicy = AcceptPolicy(),  # noqa: B008  # immutable
    ) -> None:
        self.device = device
        self.transfers = Transfers(prover.token_bytes, accept)
        self._prover = prover
        self._next_invite = first
        self._preferred = preferred_address
        self._networks: tuple[Network, ...] = ()
        self._wanted: str | None = None  # the address that we listen on, or asked to
        self._endpoint: tuple[str, int] | None = None
        self._sessions = Sessions()
        self._door = Door(self._sessions, prover, require_proof=require_proof, limits=limits)
        self._told: Invitation | NoInvitation | None = None
        self._links = 0
        self._inviting = True  # a code is to be shown

    def start(self) -> list[Command]:
        """Commands for a program just started."""
        return [Publish(ProofPolicy(required=True))] if self._door.require_proof else []

    # --- events -----------------------------------------------------------------------------------

    def handle(self, event: HostEvent, now: float) -> list[Command]:
        """Take one event; every kind of HostEvent is welcome in every state."""
        match event:
            case FrameReceived() | FrameRefused() | ConnectionLost():
                commands = self._door.take(event, now)
            case NetworksSeen():
                commands = self._networks_seen(event)
            case Listening(address, port):
                commands = self._listening(address, port)
            case ListenFailed():
                commands = self._listen_failed(event)
            case ChooseNetwork(address):
                commands = self._choose_network(address)
            case SetRequireProof(required):
                self._door.require_proof = required
                commands = [SaveRequireProof(required), Publish(ProofPolicy(required))]
                for session in self._sessions if required else ():
                    if (
                        session.state is SessionState.ASKED
                        and session.guest
                        and session.guest.verified is None
                    ):
                        commands += self._sessions.tell(session, TurnAway(Reason.NOT_VERIFIED), now)
            case ConnectionOpened():
                commands = self._door.opened(event, now)
            case Invite():
                commands = self._invite(event, now)
            case Decide(session_id):
                commands = self._decide(event, self._sessions.get(session_id), now)
            case TimerFired():
                commands = self._timer(event, now)
            case _:
                commands = self._to_link(event, now)
        self._door.closing(commands)
        return commands + self._renew_invitation(now)

    def shut_down(self, now: float) -> list[Command]:
        """End every session and stop listening; the program ends."""
        commands: list[Command] = []
        for session in self._sessions:
            commands += self._sessions.tell(session, End(Reason.CLOSED), now)
        return [*commands, *self._door.shut_down(), StopListening()]

    def link_of(self, link: LinkID) -> Link | None:
        """That link, or the one that goes on for it."""
        session = self._sessions.by_link(link) or self._sessions.by_lost_link(link)
        return None if session is None else session.link

    def rename(self, device: DeviceInfo) -> None:
        """Go by another name from now on."""
        self.device = device
        for session in self._sessions:
            session.own_name = device.name

    # --- where we listen --------------------------------------------------------------------------

    def _networks_seen(self, event: NetworksSeen) -> list[Command]:
        self._networks = event.networks
        addresses = [network.address for network in event.networks]
        if not addresses:
            self._wanted = self._endpoint = None
            return [
                StopListening(),
                self._tell_networks(),
                *self._tell(NoInvitation(Reason.NO_NETWORK)),
            ]
        best = self._preferred if self._preferred in addresses else addresses[0]
        if self._wanted in addresses and (self._wanted == best or self._preferred not in addresses):
            # Another address may rank higher now, but a shown code must not change
            return [self._tell_networks()]
        commands = self._listen(best)
        if isinstance(self._told, Invitation):  # its code leads nowhere now
            commands.append(Publish(Trouble(Problem(Reason.NETWORK_CHANGED))))
        return commands

    def _choose_network(self, address: str) -> list[Command]:
        if address not in [network.address for network in self._networks]:
            return [Publish(Trouble(Problem(Reason.ADDRESS_GONE)))]
        self._preferred = address
        return [] if address == self._wanted else self._listen(address)

    def _listen(self, address: str) -> list[Command]:
        self._wanted = address
        self._endpoint = None
        return [Listen(address), self._tell_networks()]

    def _listening(self, address: str, port: int) -> list[Command]:
        if address == self._wanted:  # else: chosen anew meanwhile, another Listening is on its way
            self._endpoint = (address, port)
        return []

    def _listen_failed(self, event: ListenFailed) -> list[Command]:
        if event.address != self._wanted:
            return []
        self._wanted = None  # so that the next change of the networks tries again
        trouble = Trouble(Problem(event.reason, event.detail))
        return [self._tell_networks(), Publish(trouble), *self._tell(NoInvitation(event.reason))]

    def _tell_networks(self) -> Command:
        return Publish(Networks(self._networks, self._wanted))

    # --- which code is shown ----------------------------------------------------------------------

    def _invite(self, event: Invite, now: float) -> list[Command]:
        self._next_invite = event
        self._inviting = True
        replaced, self._sessions.shown = self._sessions.shown, None
        if replaced is None or replaced.state not in JOINABLE:
            return []  # whoever joined by the code before stays
        return self._sessions.tell(replaced, End(Reason.CLOSED), now)

    def _renew_invitation(self, now: float) -> list[Command]:
        """Keep the rule: a code is shown while the host wants a guest, which it does whenever it
        serves nobody.
        """
        if self._sessions.shown is not None and self._sessions.shown.state is SessionState.ENDED:
            self._sessions.shown = None
        if self._sessions.shown is not None:
            self._inviting = self._sessions.shown.state in JOINABLE  # joined, or joinable again
        elif all(session.state in JOINABLE for session in self._sessions):
            self._inviting = True
        if self._endpoint is None and isinstance(self._told, NoInvitation):
            return []  # its reason stands
        if not self._inviting:
            return self._tell(NoInvitation(None))
        return [] if self._endpoint is None else self._show(*self._endpoint, now)

    def _show(self, address: str, port: int, now: float) -> list[Command]:
        commands: list[Command] = []
        if self._sessions.shown is None:
            self._sessions.shown = self._new_session(now)
            commands = self._sessions.shown.start()
        session = self._sessions.shown
        secrets = self._sessions.secrets_of(session.id)
        assert secrets is not None  # every session has its own
        ip = ip_address(address)
        code = HostCode(ip, port, secrets.code) if isinstance(ip, IPv4Address) else None
        secrets.typed = None if code is None else code.canonical
        closed = secrets.tries.closed
        shown = None if code is None or closed else code.shown
        url = invite_url(address, port, session.id, self.device.id, to_base64url(secrets.qr))
        invitation = Invitation(
            session.id, self.device.id, shown, url, session.type, session.expires, closed
        )
        return commands + self._tell(invitation)

    def _tell(self, status: Invitation | NoInvitation) -> list[Command]:
        if status == self._told:
            return []
        self._told = status
        return [Publish(status)]

    def _new_session(self, now: float) -> Session:
        session = Session(
            to_base64url(self._prover.token_bytes(SESSION_ID_BYTES)),
            self._next_invite.type,
            self._next_invite.lifetime,
            now,
            self.device.name,
            self._new_link_id,
            self.transfers,
        )
        code = int.from_bytes(self._prover.token_bytes(4)) % (1 << SECRET_BITS)
        self._sessions.add(session, SessionSecrets(code, self._prover.token_bytes(QR_SECRET_BYTES)))
        return session

    def _new_link_id(self) -> LinkID:
        self._links += 1
        return LinkID(f"host-{self._links}")

    # --- to the sessions --------------------------------------------------------------------------

    def _decide(self, event: Decide, session: Session | None, now: float) -> list[Command]:
        if session is None:
            return [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
        return self._sessions.tell(session, event, now)

    def _timer(self, event: TimerFired, now: float) -> list[Command]:
        timer = event.timer
        if timer.name in (TimerName.CHALLENGE, TimerName.SOCKET):
            return self._door.timer(timer, now)
        by_id = timer.name in SESSION_TIMERS
        session = (
            self._sessions.get(timer.scope)
            if by_id
            else self._sessions.by_link(LinkID(timer.scope))
        )
        if session is None:
            raise MachineMisuseError(f"{timer.name} of a session or link that has ended")
        return self._sessions.tell(session, event, now)

    def _to_link(self, event: LinkEvent | SendText | Disconnect, now: float) -> list[Command]:
        session = self._sessions.by_link(event.link)
        if session is None and isinstance(event, SendText | Disconnect):
            # That it went on crossed with what the person wants
            session = self._sessions.by_lost_link(event.link)
        if session is not None:
            return self._sessions.tell(session, event, now)
        if isinstance(event, SendText):
            return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), event.link))]
        return []  # of a link that we closed; this crossed on the way
