"""The host: which session a socket, a message or a decision means, which code is shown, where the server listens.

No socket ever becomes host: the host's own decisions come as intents, and a `pair_response` from a socket is refused.
Must never be here: a session's own life (session.py), sockets, clocks.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

from proxim.core.commands import CloseConnection, Command, Listen, Publish, Send, StopListening
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    ChooseNetwork,
    ConnectionID,
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
    TimerFired,
    TimerName,
)
from proxim.core.host_code import QR_SECRET_BYTES, SECRET_BITS, HostCode, invite_url
from proxim.core.json_text import MessageError
from proxim.core.messages import (
    CODE_SESSION_ID,
    CloseCode,
    DeviceInfo,
    PairRequest,
    PairResult,
    Signal,
    parse_message,
)
from proxim.core.session import Ask, End, Guest, GuestSignal, Session, SessionInput, SessionState, refusal
from proxim.core.status import Invitation, Networks, NoInvitation, Trouble

MAX_BAD_MESSAGES: Final = 5  # an honest client makes none; a developer's first tries get a few answers
SESSION_ID_BYTES: Final = 16  # 128 random bits (docs/protocol.md asks for >= 122), 22 characters

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
    | SendText
    | Disconnect
)


@dataclass(slots=True)
class _Socket:
    """What the host knows of one guest's WebSocket."""

    address: str
    bad_messages: int = 0
    session: Session | None = None
    claimed_id: str = ""  # what this guest calls its session


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What a session's code and QR carry."""

    code: int
    qr: str


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Host:
    """See the module. `token_bytes(n)` gives n random bytes."""

    def __init__(
        self,
        device: DeviceInfo,
        first: Invite,
        token_bytes: Callable[[int], bytes],
        preferred_address: str | None = None,
    ) -> None:
        self.device = device
        self._next_invite = first
        self._token_bytes = token_bytes
        self._preferred = preferred_address
        self._networks: tuple[Network, ...] = ()
        self._wanted: str | None = None  # the address that we listen on, or asked to
        self._endpoint: tuple[str, int] | None = None
        self._sockets: dict[ConnectionID, _Socket] = {}
        self._sessions: dict[str, Session] = {}
        self._secrets: dict[str, _Secrets] = {}
        self._shown: Session | None = None
        self._links = 0
        self._inviting = True  # a code is to be shown
        self._fresh = True  # and it has to be a new session's
        self._shutting_down = False

    # --- events ----------------------------------------------------------------------------------------------------

    def handle(self, event: HostEvent, now: float) -> list[Command]:
        """Take one event; every kind of HostEvent is welcome in every state."""
        match event:
            case NetworksSeen():
                commands = self._networks_seen(event)
            case Listening(address, port):
                commands = self._listening(address, port)
            case ListenFailed():
                commands = self._listen_failed(event)
            case ChooseNetwork(address):
                commands = self._choose_network(address)
            case ConnectionOpened(connection, address):
                self._sockets[connection] = _Socket(address)
                commands = []
            case FrameReceived(connection, text):
                commands = self._frame(connection, text, now)
            case FrameRefused(connection, reason):
                commands = self._refuse(connection, reason)
            case ConnectionLost(connection):
                commands = self._lost(event, self._sockets.pop(connection), now)
            case Invite():
                commands = self._invite(event, now)
            case Decide(session_id):
                commands = self._decide(event, self._sessions.get(session_id), now)
            case TimerFired():
                commands = self._timer(event, now)
            case _:
                commands = self._to_link(event, event.link, now)
        return commands + self._renew_invitation(now)

    def shut_down(self, now: float) -> list[Command]:
        """End every session and stop listening; the program ends."""
        self._shutting_down = True
        self._shown = None
        commands: list[Command] = []
        for session in list(self._sessions.values()):
            commands += self._to_session(session, End(Reason.CLOSED), now)
        return [*commands, StopListening()]

    def rename(self, device: DeviceInfo) -> None:
        """Go by another name from now on."""
        self.device = device
        for session in self._sessions.values():
            session.own_name = device.name

    # --- where we listen -------------------------------------------------------------------------------------------

    def _networks_seen(self, event: NetworksSeen) -> list[Command]:
        self._networks = event.networks
        addresses = [network.address for network in event.networks]
        if not addresses:
            self._wanted = self._endpoint = self._shown = None
            return [StopListening(), Publish(Networks((), None)), Publish(NoInvitation(Reason.NO_NETWORK))]
        best = self._preferred if self._preferred in addresses else addresses[0]
        if self._wanted in addresses and (self._wanted == best or self._preferred not in addresses):
            return [self._tell_networks()]  # another address may rank higher now, but a shown code must not change
        changed = self._wanted is not None
        commands = self._listen(best)
        return [*commands, Publish(Trouble(Problem(Reason.NETWORK_CHANGED)))] if changed else commands

    def _choose_network(self, address: str) -> list[Command]:
        if address not in [network.address for network in self._networks]:
            return [Publish(Trouble(Problem(Reason.ADDRESS_GONE)))]
        self._preferred = address
        return [] if address == self._wanted else self._listen(address)

    def _listen(self, address: str) -> list[Command]:
        self._wanted = address
        self._endpoint = self._shown = None
        return [Listen(address), self._tell_networks()]

    def _listening(self, address: str, port: int) -> list[Command]:
        if address == self._wanted:  # else: chosen anew meanwhile, another Listening is on its way
            self._endpoint = (address, port)
        return []

    def _listen_failed(self, event: ListenFailed) -> list[Command]:
        if event.address != self._wanted:
            return []
        self._wanted = None  # so that the next look at the networks tries again
        trouble = Trouble(Problem(event.reason, event.detail))
        return [Publish(trouble), Publish(NoInvitation(event.reason))]

    def _tell_networks(self) -> Command:
        return Publish(Networks(self._networks, self._wanted))

    # --- which code is shown ---------------------------------------------------------------------------------------

    def _invite(self, event: Invite, now: float) -> list[Command]:
        self._next_invite = event
        self._inviting = self._fresh = True
        replaced, self._shown = self._shown, None
        return [] if replaced is None else self._to_session(replaced, End(Reason.CLOSED), now)

    def _renew_invitation(self, now: float) -> list[Command]:
        """Keep the rule: a code is shown while the host wants a guest, which it does whenever it serves nobody."""
        shown = self._shown
        if shown is not None and shown.state not in _JOINABLE:
            self._shown = None
            if shown.state is not SessionState.ENDED:  # joined
                self._inviting = False
                return [Publish(NoInvitation(None))]
        self._inviting = self._inviting or not self._busy_sessions()
        if not self._inviting or self._shown is not None or self._endpoint is None or self._shutting_down:
            return []
        waiting = (session for session in self._sessions.values() if session.state in _JOINABLE)
        session = None if self._fresh else next(waiting, None)
        return self._show(session or self._new_session(now), now)

    def _busy_sessions(self) -> bool:
        return any(session.state not in _JOINABLE for session in self._sessions.values())

    def _new_session(self, now: float) -> Session:
        session = Session(
            _url_safe(self._token_bytes(SESSION_ID_BYTES)),
            self._next_invite.type,
            self._next_invite.lifetime,
            now,
            self.device.name,
            self._new_link_id,
        )
        code = int.from_bytes(self._token_bytes(4)) % (1 << SECRET_BITS)
        self._secrets[session.id] = _Secrets(code, _url_safe(self._token_bytes(QR_SECRET_BYTES)))
        return session

    def _show(self, session: Session, now: float) -> list[Command]:
        if self._endpoint is None:
            raise MachineMisuseError("no endpoint to invite to")
        self._fresh = False
        known = session.id in self._sessions
        self._sessions[session.id] = session
        self._shown = session
        address, port = self._endpoint
        secrets = self._secrets[session.id]
        ip = ip_address(address)
        code = HostCode(ip, port, secrets.code).shown if isinstance(ip, IPv4Address) else None
        url = invite_url(address, port, session.id, self.device.id, secrets.qr)
        invitation = Invitation(session.id, self.device.id, code, url, session.type, session.expires)
        return [*([] if known else session.start()), Publish(invitation)]

    def _new_link_id(self) -> LinkID:
        self._links += 1
        return LinkID(f"host-{self._links}")

    # --- what guests send ------------------------------------------------------------------------------------------

    def _frame(self, connection: ConnectionID, text: str, now: float) -> list[Command]:
        socket = self._sockets.get(connection)
        if socket is None:
            return []  # we closed it meanwhile; this crossed on the way
        try:
            message = parse_message(text)
        except MessageError as error:
            return self._refuse(connection, error.reason)
        match message:
            case PairRequest():
                return self._pair_request(connection, socket, message, now)
            case Signal(session_id):
                if socket.session is None or session_id != socket.claimed_id:
                    return self._refuse(connection, Reason.NOT_ALLOWED)
                commands = self._to_session(socket.session, GuestSignal(connection, message), now)
                refused = refusal(connection, Reason.NOT_ALLOWED, session_id) in commands
                return commands + self._count_bad(connection, socket) if refused else commands
            case _:
                return self._refuse(connection, Reason.NOT_ALLOWED)

    def _pair_request(
        self, connection: ConnectionID, socket: _Socket, request: PairRequest, now: float
    ) -> list[Command]:
        if socket.session is not None and socket.session.serves(connection):
            return self._refuse(connection, Reason.NOT_ALLOWED)  # one request, so no name changes under the dialog
        by_code = request.session_id == CODE_SESSION_ID
        session = self._shown if by_code else self._sessions.get(request.session_id)
        if session is None:
            unknown = PairResult(request.session_id, approved=False, reason=Reason.UNKNOWN_SESSION)
            return [Send(connection, unknown)]
        socket.session = session
        socket.claimed_id = request.session_id
        guest = Guest(connection, socket.address, request.session_id, request.device)
        return self._to_session(session, Ask(guest), now)

    def _refuse(self, connection: ConnectionID, reason: Reason) -> list[Command]:
        socket = self._sockets.get(connection)
        if socket is None:
            return []
        return [refusal(connection, reason), *self._count_bad(connection, socket)]

    def _count_bad(self, connection: ConnectionID, socket: _Socket) -> list[Command]:
        socket.bad_messages += 1
        if socket.bad_messages < MAX_BAD_MESSAGES:
            return []
        return [refusal(connection, Reason.TOO_MANY), CloseConnection(connection, CloseCode.BAD_MESSAGES)]

    def _lost(self, event: ConnectionLost, socket: _Socket, now: float) -> list[Command]:
        session = socket.session
        if session is None or not session.serves(event.connection):
            return []
        return self._to_session(session, event, now)

    # --- to the sessions -------------------------------------------------------------------------------------------

    def _decide(self, event: Decide, session: Session | None, now: float) -> list[Command]:
        if session is None:
            return [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
        return self._to_session(session, event, now)

    def _timer(self, event: TimerFired, now: float) -> list[Command]:
        if event.timer.name in (TimerName.APPROVAL, TimerName.SESSION):
            return self._to_session(self._sessions[event.timer.scope], event, now)
        return self._to_link(event, LinkID(event.timer.scope), now)

    def _to_link(
        self, event: TimerFired | LinkEvent | SendText | Disconnect, link: LinkID, now: float
    ) -> list[Command]:
        session = self._by_link(link)
        if session is not None:
            return self._to_session(session, event, now)
        if isinstance(event, SendText):
            return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), link))]
        return []  # of a link that we closed; this crossed on the way

    def _to_session(self, session: Session, event: SessionInput, now: float) -> list[Command]:
        commands = session.handle(event, now)
        if session.state is SessionState.ENDED:
            del self._sessions[session.id]
            del self._secrets[session.id]
        return commands

    def _by_link(self, link: LinkID) -> Session | None:
        return next((one for one in self._sessions.values() if one.link is not None and one.link.id == link), None)


_JOINABLE: Final = (SessionState.OPEN, SessionState.ASKED)
