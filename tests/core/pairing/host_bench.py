"""A hosting program, and simulated guests that prove themselves step by step."""

import itertools
from dataclasses import dataclass, replace
from types import EllipsisType

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.connections import ConnectionLimits
from proxim.core.pairing.host_code import JoinTarget, parse_code, parse_target
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import (
    GuestProof,
    MakeExchange,
    ProofKeys,
    Side,
    SignalMacs,
    start_guest_proof,
    tag_auth,
)
from proxim.core.pairing.session import refusal
from proxim.core.program import ProgramEvent
from tests.core.bench import Bench
from tests.core.descriptions import ANSWER, OFFER
from tests.core.handed_in import (
    ETHERNET,
    GUEST_ADDRESS,
    HOST_DEVICE,
    ONE_TIME,
    PHONE,
    PORT,
    program,
    prover,
)
from tests.core.in_commands import sent
from tests.core.pairing.fake_spake2 import FakeSpake2


def socket_timer(connection: ev.ConnectionID) -> ev.Timer:
    """Return the timer of a socket that is not approved yet."""
    return ev.SocketTimer(ev.TimerName.SOCKET, connection)


def challenge_timer(connection: ev.ConnectionID) -> ev.Timer:
    """Return the timer of a challenge."""
    return ev.SocketTimer(ev.TimerName.CHALLENGE, connection)


def _is_socket_timer(command: do.Command) -> bool:
    return (
        isinstance(command, do.SetTimer | do.CancelTimer)
        and command.timer.name is ev.TimerName.SOCKET
    )


@dataclass
class Prove:
    """A simulated guest that knows a code: its proof step by step, and its MACs after the host's
    challenge.
    """

    connection: ev.ConnectionID
    target: JoinTarget
    proof: GuestProof
    keys: ProofKeys | None = None
    macs: SignalMacs | None = None

    @property
    def request(self) -> pair_msg.PairRequest:
        return pair_msg.PairRequest(self.target.session_id, PHONE, self.proof.auth)

    @property
    def agreed(self) -> ProofKeys:
        """The guest's keys, which exist once the host has challenged it."""
        assert self.keys is not None
        return self.keys

    def confirm(self, challenge: pair_msg.Auth) -> pair_msg.PairConfirm:
        self.keys = self.proof.finish(challenge)
        self.macs = SignalMacs(self.keys, Side.GUEST)
        return pair_msg.PairConfirm(self.target.session_id, tag_auth(self.keys.guest_tag()))

    def signal(self, payload: pair_msg.Description | pair_msg.Candidate) -> pair_msg.Signal:
        assert self.macs is not None
        return pair_msg.Signal(self.target.session_id, payload, self.macs.seal(payload))


class HostBench(Bench):
    """A hosting program whose sockets the script controls.

    The timers of its sockets run and its peers are prepared, but `handle` leaves that out of its
    result, because tests/core/pairing/test_connections.py and test_prepared_peers.py test it.
    """

    def __init__(
        self,
        first: ev.Invite = ONE_TIME,
        preferred: str | None = None,
        *,
        spake2: MakeExchange = FakeSpake2,
        require_proof: bool = False,
        # The default value may be shared, because it is immutable.
        limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008
    ) -> None:
        self.prover = prover(spake2)
        invitations = Invitations(
            HOST_DEVICE,
            first,
            self.prover.token_bytes,
            preferred,
            require_proof=require_proof,
        )
        super().__init__(program(HOST_DEVICE, self.prover, invitations, limits=limits))
        self._connections = itertools.count(1)
        self._seen_code: str | None = None

    def handle(self, event: ProgramEvent) -> list[do.Command]:
        """Report an event and return the program's commands, without those for socket timers and
        prepared peers.
        """
        prepared = {*self.ledger.prepared.values()}
        commands: list[do.Command] = []
        for command in super().handle(event):
            match command:
                case link_do.PreparePeer(link):
                    prepared.add(link)
                case link_do.ClosePeer(link) if link in prepared:
                    pass
                case _ if not _is_socket_timer(command):
                    commands.append(command)
                case _:
                    pass
        return commands

    def listen(self, *networks: ev.Network) -> list[do.Command]:
        """Let the network appear (or change), and the server listen where the host wants it to."""
        before = self.ledger.listening
        commands = self.handle(ev.NetworksSeen(networks or (ETHERNET,)))
        wanted = self.ledger.listening
        if wanted is not None and wanted != before:
            commands += self.handle(ev.Listening(wanted, PORT))
        return commands

    @property
    def shown(self) -> st.Invitation:
        """The invitation on the screen, with its code."""
        assert self.ledger.invitation is not None
        return self.ledger.invitation

    @property
    def link(self) -> ev.LinkID:
        """The newest link."""
        return next(reversed(self.ledger.links))

    def connect(self, address: str = GUEST_ADDRESS) -> ev.ConnectionID:
        """Open a guest's WebSocket and return its id."""
        connection = ev.ConnectionID(next(self._connections))
        assert self.handle(pair_ev.ConnectionOpened(connection, address)) == []
        return connection

    def say(self, connection: ev.ConnectionID, message: pair_msg.Message | str) -> list[do.Command]:
        """Let a guest send a message, and return the program's commands."""
        text = message if isinstance(message, str) else pair_msg.dump_message(message)
        return self.handle(pair_ev.FrameReceived(connection, text))

    def says(
        self,
        connection: ev.ConnectionID,
        message: pair_msg.Message | str,
        *expected: do.Command | EllipsisType,
    ) -> list[do.Command]:
        """Let a guest send a message, and check that the program gives exactly the expected
        commands.
        """
        commands = self.say(connection, message)
        self.trace.check(commands, expected)
        return commands

    def ask(self, connection: ev.ConnectionID, session_id: str | None = None) -> list[do.Command]:
        """Let a guest ask to join the named session, or else the one on the screen."""
        return self.say(
            connection, pair_msg.PairRequest(session_id or self.shown.session_id, PHONE)
        )

    def prover_of(
        self,
        address: str = GUEST_ADDRESS,
        *,
        by_code: bool = True,
        knows: bool = True,
        connection: ev.ConnectionID | None = None,
        invitation: st.Invitation | None = None,
    ) -> Prove:
        """Return a connected guest that knows the code or QR code of an invitation, or a wrong
        one; `invitation` None means the one that is shown.
        """
        shown = invitation or self.shown
        target = parse_target(shown.url)
        assert target.qr_secret is not None
        secret = target.qr_secret if knows else to_base64url(bytes(16))
        target = replace(target, qr_secret=secret)
        if by_code:
            # Once the code is closed, the guest uses the one that it saw before.
            if not shown.code_closed:
                self._seen_code = shown.code
            assert self._seen_code is not None
            code = parse_code(self._seen_code)
            secret_bits = code.secret if knows else code.secret ^ 1
            target = parse_target(replace(code, secret=secret_bits).canonical)
        proof = start_guest_proof(target, PHONE, self.prover)
        assert proof is not None
        return Prove(self.connect(address) if connection is None else connection, target, proof)

    def challenged(self, guest: Prove) -> pair_msg.Auth:
        """Let the guest send its request, and return the host's challenge."""
        (challenge,) = sent(self.say(guest.connection, guest.request))
        assert isinstance(challenge, pair_msg.PairChallenge)
        return challenge.auth

    def prove(self, address: str = GUEST_ADDRESS, *, by_code: bool = True) -> Prove:
        """Return a guest that has proved itself and whose prompt is shown."""
        guest = self.prover_of(address, by_code=by_code)
        self.say(guest.connection, guest.confirm(self.challenged(guest)))
        return guest

    def approve(self, guest: Prove) -> ev.LinkID:
        """Let the person approve the guest that asked by the shown code; return the new link."""
        session_id = self.shown.session_id
        self.handle(
            ev.Decide(session_id, approved=True, number=self.ledger.prompts[session_id].number)
        )
        return self.link

    def asked(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str]:
        """Let a guest ask, and return its socket and the session's id."""
        connection = self.connect()
        self.ask(connection, session_id)
        return connection, next(reversed(self.ledger.prompts))

    def approved(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """Let a guest be approved, and return its socket, the session's id and its link."""
        connection, session = self.asked(session_id)
        self.handle(ev.Decide(session, approved=True, number=self.ledger.prompts[session].number))
        return connection, session, self.link

    def answered(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """Let an approved guest and the host exchange descriptions; the result is that of
        `approved`.
        """
        connection, session, link = self.approved(session_id)
        self.say(connection, pair_msg.Signal(session_id or session, OFFER))
        self.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp))
        return connection, session, link

    def linked(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """Open the link of an approved guest; the result is that of `approved`."""
        connection, session, link = self.answered(session_id)
        self.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
        return connection, session, link


def refused(
    connection: ev.ConnectionID, reason: Reason, session_id: str | None = None
) -> do.Command:
    """Return the command that sends a guest the error for this reason."""
    return refusal(connection, reason, session_id)
