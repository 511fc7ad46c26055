"""Rules for guests' sockets: which messages each may send and when, what it proved, and which
session it asks for.

A proof that was begun must succeed before a person is asked. No socket can act as the host. Only a
proof ends another socket's turn: a proved guest replaces one that proved nothing, and a guest that
comes back replaces itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.json_text import MessageError
from proxim.core.known.devices import KnownDevice
from proxim.core.known.feature import KnownDevices
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import CODE_SESSION_ID
from proxim.core.pairing.invitations import SessionSecrets
from proxim.core.pairing.proof import (
    HostProof,
    Method,
    ProofError,
    Prover,
    method_of,
    read_share,
    start_host_proof,
    tag_auth,
    tag_matches,
)
from proxim.core.pairing.session import (
    APPROVAL_SECONDS,
    Ask,
    End,
    GuestSignal,
    PairingRequest,
    ResumeLink,
    Session,
    refusal,
    rejection,
)
from proxim.core.pairing.sessions import Sessions
from proxim.core.token_bucket import RateLimit, TokenBucket

# An honest client makes no mistakes; a developer's first tries get a few answers.
MAX_BAD_MESSAGES: Final = 5
# A program answers at once; this limit is for a program that fell silent.
CHALLENGE_SECONDS: Final = 10.0
# The name under which a known device asks: 16 bytes in base64url.
_KNOWN_NAME: Final = re.compile("@[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits for one guest's socket (docs/security.md, Limits)."""

    # A program sends its request at once.
    first_message_seconds: float = 10.0
    # This leaves time for a proof, a prompt and a second try.
    unapproved_seconds: float = 60.0
    # This allows a request, a confirm and a few mistakes.
    unapproved_messages: int = 8
    # An approved guest trickles about ten candidates.
    messages_per_second: float = 20.0
    # This allows all candidates at once, several times over.
    burst: float = 60.0


@dataclass(slots=True)
class _Socket:
    """What the host knows about one guest's WebSocket."""

    address: str
    opened: float
    # How many messages it may send now.
    rate: TokenBucket
    messages: int = 0
    bad_messages: int = 0
    # The id of the session that the guest asked to join last.
    session_id: str = ""
    # The guest's own name for that session.
    claimed_id: str = field(default="", repr=False)
    # Whether the socket's time was already extended for a prompt.
    extended: bool = False
    # Whether the host is closing the socket; everything that still arrives is stale.
    closing: bool = False
    # Present while a challenge waits for the guest's tag.
    proof: HostProof | None = None


class GuestConnections:
    """Decides what each guest's WebSocket may send, and which session it asks for."""

    def __init__(
        self,
        sessions: Sessions,
        prover: Prover,
        own_id: str,
        known: KnownDevices,
        new_session_of: Callable[[KnownDevice], Session | None],
        *,
        require_proof: bool,
        limits: ConnectionLimits,
    ) -> None:
        """`new_session_of` makes a session for a known device; None if it has too many."""
        self._sessions = sessions
        self._known = known
        self._new_session_of = new_session_of
        self._prover = prover
        # This installation's id.
        self._own_id = own_id
        # Whether guests without a proof that they know the code are refused.
        self.require_proof = require_proof
        self._limits = limits
        self._sockets: dict[ev.ConnectionID, _Socket] = {}

    def opened(self, event: pair_ev.ConnectionOpened, now: float) -> list[do.Command]:
        """Register a guest's new WebSocket."""
        rate = TokenBucket(RateLimit(self._limits.messages_per_second, self._limits.burst), now)
        self._sockets[event.connection] = _Socket(event.peer_address, now, rate)
        return [do.SetTimer(_socket_timer(event.connection), self._limits.first_message_seconds)]

    def handle(
        self,
        event: pair_ev.FrameReceived | pair_ev.FrameRefused | pair_ev.ConnectionLost,
        now: float,
    ) -> list[do.Command]:
        """Handle a frame from a guest's WebSocket, or its loss."""
        connection = event.connection
        socket = self._sockets.get(connection)
        if socket is None:
            raise MachineMisuseError(f"{type(event).__name__} of a socket that is not open")
        if isinstance(event, pair_ev.ConnectionLost):
            del self._sockets[connection]
            return [
                do.CancelTimer(_socket_timer(connection)),
                *self._guest_left(event, socket, now),
            ]
        if socket.closing:
            return []
        first = self._count_message(connection, socket, now)
        if socket.messages > self._limits.unapproved_messages and not self._is_approved(
            connection, socket
        ):
            return [*first, *self._close_for_abuse(connection, socket, now)]
        if not socket.rate.consume(now):
            return [*first, *self._refuse(connection, socket, Reason.TOO_MANY, now)]
        if isinstance(event, pair_ev.FrameRefused):
            return [*first, *self._refuse(connection, socket, event.reason, now)]
        return [*first, *self._frame(connection, socket, event.text, now)]

    def timer(
        self, name: ev.TimerKind, connection: ev.ConnectionID, now: float
    ) -> list[do.Command]:
        """Handle the end of a socket's own timer."""
        socket = self._sockets.get(connection)
        if socket is None:
            raise MachineMisuseError(f"{name} of a socket that is not open")
        if socket.closing:
            return []
        if name is ev.TimerName.CHALLENGE:
            return self._challenge_timeout(connection, socket)
        if self._is_approved(connection, socket):
            return []
        session = self._sessions.get(socket.session_id)
        if session is not None and session.serves(connection) and not socket.extended:
            # The socket's prompt is on the screen and has its own timer. The time is extended only
            # once, or a guest could stay by asking again and again.
            socket.extended = True
            return [do.SetTimer(_socket_timer(connection), APPROVAL_SECONDS)]
        return self._close_for_abuse(connection, socket, now)

    def close(
        self, connection: ev.ConnectionID, code: pair_msg.CloseCode | None = None
    ) -> do.Command:
        """Close a guest's WebSocket, and ignore everything that still arrives on it."""
        self._sockets[connection].closing = True
        return pair_do.CloseConnection(connection, code)

    def shut_down(self) -> list[do.Command]:
        """Return the commands that cancel the timers of all sockets when the program ends."""
        return [
            do.CancelTimer(timer(connection))
            for connection in self._sockets
            for timer in (_socket_timer, _challenge_timer)
        ]

    # --- limits -----------------------------------------------------------------------------------

    def _count_message(
        self, connection: ev.ConnectionID, socket: _Socket, now: float
    ) -> list[do.Command]:
        socket.messages += 1
        if socket.messages > 1:
            return []
        left = max(0.0, socket.opened + self._limits.unapproved_seconds - now)
        return [do.SetTimer(_socket_timer(connection), left)]

    def _is_approved(self, connection: ev.ConnectionID, socket: _Socket) -> bool:
        session = self._sessions.get(socket.session_id)
        return session is not None and session.serves(connection) and session.prompt is None

    def _refuse(
        self, connection: ev.ConnectionID, socket: _Socket, reason: Reason, now: float
    ) -> list[do.Command]:
        session = self._sessions.get(socket.session_id)
        if session is not None and session.trusts(connection) and reason is not Reason.TOO_MANY:
            return self._sessions.handle(session, End(Reason.TAMPERED), now)
        return [refusal(connection, reason), *self._count_bad(connection, socket, now)]

    def _count_bad(
        self, connection: ev.ConnectionID, socket: _Socket, now: float
    ) -> list[do.Command]:
        socket.bad_messages += 1
        if socket.bad_messages < MAX_BAD_MESSAGES:
            return []
        return self._close_for_abuse(connection, socket, now)

    def _close_for_abuse(
        self, connection: ev.ConnectionID, socket: _Socket, now: float
    ) -> list[do.Command]:
        closing = [
            refusal(connection, Reason.TOO_MANY),
            self.close(connection, pair_msg.CloseCode.BAD_MESSAGES),
        ]
        return [*closing, *self._guest_left(pair_ev.ConnectionLost(connection), socket, now)]

    # --- messages ---------------------------------------------------------------------------------

    def _frame(
        self, connection: ev.ConnectionID, socket: _Socket, text: str, now: float
    ) -> list[do.Command]:
        try:
            message = pair_msg.parse_message(text)
        except MessageError as error:
            return self._refuse(connection, socket, error.reason, now)
        session = self._sessions.get(socket.session_id)
        match message:
            case pair_msg.PairRequest() if socket.proof is None and (
                session is None or not session.serves(connection)
            ):
                return self._pair_request(connection, socket, message, now)
            case pair_msg.PairConfirm(session_id) if (
                socket.proof is not None and session_id == socket.claimed_id
            ):
                return self._confirm(connection, socket, socket.proof, message, now)
            case pair_msg.Signal(session_id) if (
                session is not None and session_id == socket.claimed_id
            ):
                return self._signal(connection, socket, session, message, now)
            # A second request could change the name in the dialog, and no socket may act as the
            # host.
            case _:
                return self._refuse(connection, socket, Reason.NOT_ALLOWED, now)

    def _signal(
        self,
        connection: ev.ConnectionID,
        socket: _Socket,
        session: Session,
        signal: pair_msg.Signal,
        now: float,
    ) -> list[do.Command]:
        try:
            return self._sessions.handle(session, GuestSignal(connection, signal), now)
        except MessageError as error:
            return [
                refusal(connection, error.reason, signal.session_id),
                *self._count_bad(connection, socket, now),
            ]

    def _pair_request(
        self,
        connection: ev.ConnectionID,
        socket: _Socket,
        request: pair_msg.PairRequest,
        now: float,
    ) -> list[do.Command]:
        if request.auth is not None and request.auth.m == Method.KNOWN:
            return self._challenge_known(connection, socket, request, request.auth, now)
        session = self._session_for(request)
        if session is None:
            unknown = pair_msg.PairResult(
                request.session_id, approved=False, reason=Reason.UNKNOWN_SESSION
            )
            return [pair_do.Send(connection, unknown)]
        socket.session_id = session.id
        socket.claimed_id = request.session_id
        guest = PairingRequest(connection, socket.address, request.session_id, request.device)
        if request.auth is not None:
            return self._challenge(guest, socket, request, request.auth, now)
        if self.require_proof:
            return [rejection(guest, Reason.NOT_VERIFIED)]
        return self._sessions.handle(session, Ask(guest), now)

    def _session_for(self, request: pair_msg.PairRequest) -> Session | None:
        if request.auth is not None and request.auth.m == Method.RESUME:
            return self._sessions.by_resume_name(request.session_id)
        if request.session_id == CODE_SESSION_ID:
            return self._sessions.shown
        session = self._sessions.get(request.session_id)
        # The session of a known device is for that one alone.
        return None if session is None or session.known is not None else session

    # --- proof ------------------------------------------------------------------------------------

    def _challenge(
        self,
        guest: PairingRequest,
        socket: _Socket,
        request: pair_msg.PairRequest,
        auth: pair_msg.Auth,
        now: float,
    ) -> list[do.Command]:
        """Answer the guest's share with the host's share.

        The person is asked only after the guest's tag has arrived.
        """
        session, secrets = (
            self._sessions.get(socket.session_id),
            self._sessions.secrets_of(socket.session_id),
        )
        # _pair_request found the session and its secrets.
        assert session is not None
        assert secrets is not None
        try:
            method = method_of(auth)
            secret = _secret(method, request, session, secrets)
        except ProofError as error:
            return self._refuse(guest.connection, socket, error.reason, now)
        refused = secrets.tries.consume(socket.address, now) if method is Method.SPAKE2 else None
        if refused is not None:
            return [rejection(guest, refused)]
        try:
            socket.proof = start_host_proof(request, auth, method, secret, self._prover)
        except ProofError as error:
            counted = self._count_try(socket, method, succeeded=False)
            return [*counted, *self._refuse(guest.connection, socket, error.reason, now)]
        except Exception:
            # The fault is ours, so the try does not count; otherwise it would stay in progress
            # forever.
            self._count_try(socket, method, succeeded=True)
            raise
        return self._send_challenge(guest.connection, socket.proof)

    def _send_challenge(self, connection: ev.ConnectionID, proof: HostProof) -> list[do.Command]:
        challenge = pair_msg.PairChallenge(proof.request.session_id, proof.auth)
        return [
            do.SetTimer(_challenge_timer(connection), CHALLENGE_SECONDS),
            pair_do.Send(connection, challenge),
        ]

    def _challenge_known(
        self,
        connection: ev.ConnectionID,
        socket: _Socket,
        request: pair_msg.PairRequest,
        auth: pair_msg.Auth,
        now: float,
    ) -> list[do.Command]:
        """Answer the share of a device that says it is known.

        A stranger gets the same answer, so that nobody learns who knows whom.
        """
        socket.session_id, socket.claimed_id = "", request.session_id
        try:
            method = method_of(auth)
            if not _KNOWN_NAME.fullmatch(request.session_id):
                raise ProofError(Reason.BAD_MESSAGE, "no name of a known device")
            share = read_share(auth.y, method.share_bytes)
            secret = self._known.asker(request.session_id, share).secret
            socket.proof = start_host_proof(request, auth, method, secret, self._prover)
        except ProofError as error:
            return self._refuse(connection, socket, error.reason, now)
        return self._send_challenge(connection, socket.proof)

    def _confirm(
        self,
        connection: ev.ConnectionID,
        socket: _Socket,
        proof: HostProof,
        confirm: pair_msg.PairConfirm,
        now: float,
    ) -> list[do.Command]:
        if proof.method is Method.KNOWN:
            return self._confirm_known(connection, socket, proof, confirm, now)
        guest = PairingRequest(connection, socket.address, socket.claimed_id, proof.request.device)
        succeeded = tag_matches(proof.keys.guest_tag(), confirm.auth.t)
        done = self._end_proof(connection, socket, succeeded=succeeded)
        if not succeeded:
            return [*done, rejection(guest, Reason.NOT_VERIFIED)]
        proved = replace(guest, verified=proof.method.verified, keys=proof.keys)
        session = self._sessions.get(socket.session_id)
        if session is None:
            return [*done, rejection(proved, Reason.UNKNOWN_SESSION)]
        # The same person started both programs. Only after the proof: otherwise anybody could find
        # out whether a host is a certain installation.
        if proved.device.id == self._own_id:
            return [*done, rejection(proved, Reason.OWN_CODE)]
        proven = ResumeLink(proved) if proof.method is Method.RESUME else Ask(proved)
        return [*done, *self._sessions.handle(session, proven, now)]

    def _confirm_known(
        self,
        connection: ev.ConnectionID,
        socket: _Socket,
        proof: HostProof,
        confirm: pair_msg.PairConfirm,
        now: float,
    ) -> list[do.Command]:
        succeeded = tag_matches(proof.keys.guest_tag(), confirm.auth.t)
        done = self._end_proof(connection, socket, succeeded=succeeded)
        # It may have been forgotten since the challenge.
        asker = self._known.asker(socket.claimed_id, proof.guest_share)
        device = asker.device
        if not succeeded or device is None:
            tag = self._known.rejection_tag(asker, proof.keys.transcript)
            result = pair_msg.PairResult(
                socket.claimed_id,
                approved=False,
                reason=Reason.NOT_VERIFIED,
                auth=tag_auth(tag),
            )
            return [*done, pair_do.Send(connection, result)]
        guest = PairingRequest(
            connection,
            socket.address,
            socket.claimed_id,
            DeviceInfo(device.name, device.uuid),
            proof.method.verified,
            proof.keys,
            device.id,
            device.let_in,
        )
        proved = self._known.proved(device.id)
        session = self._new_session_of(device)
        if session is None:
            return [*done, *proved, rejection(guest, Reason.BUSY)]
        socket.session_id = session.id
        return [*done, *proved, *self._sessions.handle(session, Ask(guest), now)]

    def _challenge_timeout(self, connection: ev.ConnectionID, socket: _Socket) -> list[do.Command]:
        # The timer is cancelled when the proof ends, so a proof exists.
        assert socket.proof is not None
        guest = PairingRequest(
            connection, socket.address, socket.claimed_id, socket.proof.request.device
        )
        return [
            *self._end_proof(connection, socket, succeeded=False),
            rejection(guest, Reason.TIMEOUT),
        ]

    def _end_proof(
        self, connection: ev.ConnectionID, socket: _Socket, *, succeeded: bool
    ) -> list[do.Command]:
        """End the challenge, and count the try as a success or a failure."""
        proof, socket.proof = socket.proof, None
        if proof is None:
            return []
        return [
            do.CancelTimer(_challenge_timer(connection)),
            *self._count_try(socket, proof.method, succeeded=succeeded),
        ]

    def _count_try(self, socket: _Socket, method: Method, *, succeeded: bool) -> list[do.Command]:
        secrets = self._sessions.secrets_of(socket.session_id)
        if secrets is None or method is not Method.SPAKE2:
            return []
        closed = secrets.tries.end(socket.address, succeeded=succeeded)
        return [do.publish_trouble(Reason.CODE_CLOSED)] if closed else []

    def _guest_left(
        self, event: pair_ev.ConnectionLost, socket: _Socket, now: float
    ) -> list[do.Command]:
        given_up = self._end_proof(event.connection, socket, succeeded=False)
        session = self._sessions.get(socket.session_id)
        if session is None or not session.hears_the_end_of(event.connection):
            return given_up
        return [*given_up, *self._sessions.handle(session, event, now)]


def _challenge_timer(connection: ev.ConnectionID) -> ev.Timer:
    return ev.SocketTimer(ev.TimerName.CHALLENGE, connection)


def _socket_timer(connection: ev.ConnectionID) -> ev.Timer:
    return ev.SocketTimer(ev.TimerName.SOCKET, connection)


def _secret(
    method: Method, request: pair_msg.PairRequest, session: Session, secrets: SessionSecrets
) -> bytes:
    """Return the secret that a guest must know to prove itself by this method.

    Raises ProofError if the session does not offer this method under the guest's name for it.
    """
    if method is Method.PSK and request.session_id != CODE_SESSION_ID:
        return secrets.qr
    if (
        method is Method.SPAKE2
        and request.session_id == CODE_SESSION_ID
        and secrets.typed is not None
    ):
        return secrets.typed.encode()
    lost = session.resume_secret(request.session_id) if method is Method.RESUME else None
    if lost is not None:
        return lost
    raise ProofError(
        Reason.BAD_MESSAGE, "the typed code goes with @code, the QR's secret with a sessionID"
    )
