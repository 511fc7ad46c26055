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
    ErrorMessage,
    PairRequest,
    PairResult,
    Signal,
    parse_message,
)
from proxim.core.session import Session, SessionState, refusal
from proxim.core.session_inputs import Ask, End, Guest, GuestSignal, SessionInput
from proxim.core.status import Invitation, Networks, NoInvitation, Trouble

MAX_BAD_MESSAGES: Final = 5  # an honest client makes none; a developer's first tries get a few answers
SESSION_ID_BYTES: Final = 16  # 128 random bits (docs/protocol.md asks for >= 122), 22 characters
SESSION_TIMERS: Final = (TimerName.APPROVAL, TimerName.SESSION)  # their scope is a sessionID, the others' a LinkID

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
    session_id: str = ""  # of the session that it asked to join last
    claimed_id: str = ""  # what this guest calls that session
    closing: bool = False  # we close it: what still comes crossed on the way


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
        self._shown: Session | None = None  # whose code is shown, or was until its guest joined
        self._told: Invitation | NoInvitation | None = None
        self._links = 0
        self._inviting = True  # a code is to be shown

    # --- events ----------------------------------------------------------------------------------------------------

    def handle(self, event: HostEvent, now: float) -> list[Command]:
        """Take one event; every kind of HostEvent is welcome in every state."""
        match event:
            case FrameReceived() | FrameRefused() | ConnectionLost():
                commands = self._from_socket(event, now)
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
            case Invite():
                commands = self._invite(event, now)
            case Decide(session_id):
                commands = self._decide(event, self._sessions.get(session_id), now)
            case TimerFired():
                commands = self._timer(event, now)
            case _:
                commands = self._to_link(event, now)
        for command in commands:
            if isinstance(command, CloseConnection):
                self._sockets[command.connection].closing = True
        return commands + self._renew_invitation(now)

    def shut_down(self, now: float) -> list[Command]:
        """End every session and stop listening; the program ends."""
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
            self._wanted = self._endpoint = None
            return [StopListening(), self._tell_networks(), *self._tell(NoInvitation(Reason.NO_NETWORK))]
        best = self._preferred if self._preferred in addresses else addresses[0]
        if self._wanted in addresses and (self._wanted == best or self._preferred not in addresses):
            return [self._tell_networks()]  # another address may rank higher now, but a shown code must not change
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

    # --- which code is shown ---------------------------------------------------------------------------------------

    def _invite(self, event: Invite, now: float) -> list[Command]:
        self._next_invite = event
        self._inviting = True
        replaced, self._shown = self._shown, None
        if replaced is None or replaced.state not in _JOINABLE:
            return []  # whoever joined by the code before stays
        return self._to_session(replaced, End(Reason.CLOSED), now)

    def _renew_invitation(self, now: float) -> list[Command]:
        """Keep the rule: a code is shown while the host wants a guest, which it does whenever it serves nobody."""
        if self._shown is not None and self._shown.state is SessionState.ENDED:
            self._shown = None
        if self._shown is not None:
            self._inviting = self._shown.state in _JOINABLE  # joined, or joinable again
        elif all(session.state in _JOINABLE for session in self._sessions.values()):
            self._inviting = True
        if self._endpoint is None and isinstance(self._told, NoInvitation):
            return []  # its reason stands
        if not self._inviting:
            return self._tell(NoInvitation(None))
        return [] if self._endpoint is None else self._show(*self._endpoint, now)

    def _show(self, address: str, port: int, now: float) -> list[Command]:
        commands: list[Command] = []
        if self._shown is None:
            self._shown = self._new_session(now)
            commands = self._shown.start()
        session = self._shown
        secrets = self._secrets[session.id]
        ip = ip_address(address)
        code = HostCode(ip, port, secrets.code).shown if isinstance(ip, IPv4Address) else None
        url = invite_url(address, port, session.id, self.device.id, secrets.qr)
        invitation = Invitation(session.id, self.device.id, code, url, session.type, session.expires)
        return commands + self._tell(invitation)

    def _tell(self, status: Invitation | NoInvitation) -> list[Command]:
        if status == self._told:
            return []
        self._told = status
        return [Publish(status)]

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
        self._sessions[session.id] = session
        self._secrets[session.id] = _Secrets(code, _url_safe(self._token_bytes(QR_SECRET_BYTES)))
        return session

    def _new_link_id(self) -> LinkID:
        self._links += 1
        return LinkID(f"host-{self._links}")

    # --- what guests send ------------------------------------------------------------------------------------------

    def _from_socket(self, event: FrameReceived | FrameRefused | ConnectionLost, now: float) -> list[Command]:
        socket = self._sockets.get(event.connection)
        if socket is None:
            raise MachineMisuseError(f"{type(event).__name__} of a socket that is not open")
        if isinstance(event, ConnectionLost):
            del self._sockets[event.connection]
            return self._left(event.connection, socket, now)
        if socket.closing:
            return []
        if isinstance(event, FrameRefused):
            return self._refuse(event.connection, socket, event.reason, now)
        return self._frame(event.connection, socket, event.text, now)

    def _frame(self, connection: ConnectionID, socket: _Socket, text: str, now: float) -> list[Command]:
        try:
            message = parse_message(text)
        except MessageError as error:
            return self._refuse(connection, socket, error.reason, now)
        session = self._sessions.get(socket.session_id)
        match message:
            case PairRequest() if session is None or not session.serves(connection):
                return self._pair_request(connection, socket, message, now)
            case Signal(session_id) if session is not None and session_id == socket.claimed_id:
                commands = self._to_session(session, GuestSignal(connection, message), now)
                refused = any(isinstance(one, Send) and isinstance(one.message, ErrorMessage) for one in commands)
                return commands + self._count_bad(connection, socket, now) if refused else commands
            case _:  # one request, so that no name changes under the dialog; and no socket speaks as the host
                return self._refuse(connection, socket, Reason.NOT_ALLOWED, now)

    def _pair_request(
        self, connection: ConnectionID, socket: _Socket, request: PairRequest, now: float
    ) -> list[Command]:
        by_code = request.session_id == CODE_SESSION_ID
        session = self._shown if by_code else self._sessions.get(request.session_id)
        if session is None:
            unknown = PairResult(request.session_id, approved=False, reason=Reason.UNKNOWN_SESSION)
            return [Send(connection, unknown)]
        socket.session_id = session.id
        socket.claimed_id = request.session_id
        guest = Guest(connection, socket.address, request.session_id, request.device)
        return self._to_session(session, Ask(guest), now)

    def _refuse(self, connection: ConnectionID, socket: _Socket, reason: Reason, now: float) -> list[Command]:
        return [refusal(connection, reason), *self._count_bad(connection, socket, now)]

    def _count_bad(self, connection: ConnectionID, socket: _Socket, now: float) -> list[Command]:
        socket.bad_messages += 1
        if socket.bad_messages < MAX_BAD_MESSAGES:
            return []
        closing = [refusal(connection, Reason.TOO_MANY), CloseConnection(connection, CloseCode.BAD_MESSAGES)]
        return [*closing, *self._left(connection, socket, now)]

    def _left(self, connection: ConnectionID, socket: _Socket, now: float) -> list[Command]:
        session = self._sessions.get(socket.session_id)
        if session is None or not session.serves(connection):
            return []
        return self._to_session(session, ConnectionLost(connection), now)

    # --- to the sessions -------------------------------------------------------------------------------------------

    def _decide(self, event: Decide, session: Session | None, now: float) -> list[Command]:
        if session is None:
            return [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
        return self._to_session(session, event, now)

    def _timer(self, event: TimerFired, now: float) -> list[Command]:
        timer = event.timer
        by_id = timer.name in SESSION_TIMERS
        session = self._sessions.get(timer.scope) if by_id else self._by_link(LinkID(timer.scope))
        if session is None:
            raise MachineMisuseError(f"{timer.name} of a session or link that has ended")
        return self._to_session(session, event, now)

    def _to_link(self, event: LinkEvent | SendText | Disconnect, now: float) -> list[Command]:
        session = self._by_link(event.link)
        if session is not None:
            return self._to_session(session, event, now)
        if isinstance(event, SendText):
            return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), event.link))]
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
