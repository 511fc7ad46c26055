"""A world for the machines: fake clock, timers, wires and peers; a ledger that refuses what no
machine may command.

Nothing here waits: a script of 40 seconds or 15 minutes takes none.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import urlsplit

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import file_events as fe
from proxim.core import file_messages as fm
from proxim.core import link_messages as lm
from proxim.core import messages as msg
from proxim.core import status as st
from proxim.core.door import DoorLimits
from proxim.core.errors import Reason
from proxim.core.host import Host
from proxim.core.host_code import JoinTarget, parse_code, parse_target
from proxim.core.manifest import START, Direction, Entry, TransferID
from proxim.core.program import Program, ProgramEvent
from proxim.core.proof import (
    SPAKE2_SHARE_BYTES,
    MakeExchange,
    ProofError,
    ProofKeys,
    Side,
    SignalMacs,
    lv,
    tag_auth,
    to_base64url,
)
from proxim.core.proving import GuestProof, Prover, start_guest_proof
from proxim.core.replies import refusal
from proxim.core.sdp_filter import PeerFilter
from proxim.core.transfers import Transfers
from proxim.net.spake import Spake2Exchange
from tests.core.transfer_bench import Disk, FakeSink, Record

HOST_DEVICE = msg.DeviceInfo("Host PC", "uuid-of-host")
PHONE = msg.DeviceInfo("Phone", "uuid-of-phone")
ETHERNET = ev.Network("192.168.1.5", 24, "eth0", virtual=False)
WIFI = ev.Network("192.168.1.77", 24, "Wi-Fi", virtual=False)
IPV6 = ev.Network("fe80::5%eth0", 64, "eth0", virtual=False)
GUEST_ADDRESS = "192.168.1.9"
PORT = 47800
ONE_TIME = ev.Invite(ev.SessionType.ONE_TIME)
FIRST_STREAM = 100  # the channels of streams have numbers from there on
LINE = "candidate:1 1 udp 1 192.168.1.9 5000 typ host"


def sdp(name: str = "no name") -> str:
    """A description of a data channel that passes sdp_filter.py unchanged; `name` is its ufrag, in
    hex.
    """
    lines = (
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0"),
        *(
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:0",
            "a=sctp-port:5000",
        ),
        *(
            f"a=ice-ufrag:{name.encode().hex()}",
            "a=ice-pwd:abcdefghijklmnopqrstuv",
            "a=setup:actpass",
        ),
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    )
    clean = PeerFilter("").description("".join(f"{line}\r\n" for line in lines))
    assert clean is not None
    return clean


def sdp_name(text: str) -> str:
    """The name of such a description."""
    (ufrag,) = (
        line.partition(":")[2] for line in text.splitlines() if line.startswith("a=ice-ufrag:")
    )
    return bytes.fromhex(ufrag).decode()


OFFER = msg.Description(sdp("offer"), msg.SDPType.OFFER)
ANSWER = msg.Description(sdp("answer"), msg.SDPType.ANSWER)


def counting_bytes() -> Callable[[int], bytes]:
    """A token_bytes that never repeats itself and never surprises."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size)


def no_files() -> Transfers:
    """For a machine whose files are of no interest here."""
    return Transfers(counting_bytes())


class FakeSpake2:
    """SPAKE2's interface and its refusals without its arithmetic, and so without its secrecy: for
    many runs, fast.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, password: bytes, side: Side, guest_identity: bytes, host_identity: bytes
    ) -> None:
        self._side = side
        self._common = (password, guest_identity, host_identity)
        self.share = (b"A" if side is Side.GUEST else b"B") + next(self._numbers).to_bytes(
            SPAKE2_SHARE_BYTES - 1
        )

    def finish(self, other_share: bytes) -> bytes:
        if len(other_share) != SPAKE2_SHARE_BYTES or other_share[:1] != (
            b"B" if self._side is Side.GUEST else b"A"
        ):
            raise ProofError(Reason.BAD_MESSAGE, "not the other side's share")
        return hashlib.sha256(lv(*self._common, *sorted((self.share, other_share)))).digest()


def prover(spake2: MakeExchange = FakeSpake2) -> Prover:
    """What proofs are made with, here."""
    return Prover(counting_bytes(), spake2)


class SinkState(Enum):
    """What is to be heard of a sink next."""

    OPENING = "opening"
    READY = "ready"
    HOLDING = "holding"
    DONE = "done"


class Ledger:
    """All that a machine has open, by its own commands and by the world's events.

    Fails on a command that breaks the contract of commands.py: a send on a socket that is not open
    or is being closed, a peer opened twice or used before or after its life, a prompt shown over
    another of its session, or ended twice; a lane for a link that is not there, a token that was
    expected before, a word on a lane that does not carry its link; files sent over a link that is
    not open, a stream taken for a sink that is not; and on a timer whose owner is gone.
    """

    def __init__(self) -> None:
        self.timers: dict[ev.Timer, float] = {}  # when they fire
        self.sockets: set[ev.ConnectionID] = set()
        self.dials: set[ev.ConnectionID] = set()
        self.closing: set[ev.ConnectionID] = set()
        self.peers: set[ev.LinkID] = set()
        self.past_peers: set[ev.LinkID] = set()
        self.channels: set[tuple[ev.LinkID, int]] = set()
        # Links from their peer on, to their end or their loss, whatever carries them
        self.alive: set[ev.LinkID] = set()
        self.tokens: set[bytes] = set()  # of all lanes that were ever expected
        self.expected: set[ev.LinkID] = set()
        self.lanes_dialled: set[ev.LinkID] = set()
        self.lanes: set[ev.LinkID] = set()  # open, for all that the machine was told
        self.lanes_closing: set[ev.LinkID] = set()
        self.listing: set[TransferID] = set()
        self.sending: dict[TransferID, do.StartSending] = {}
        # What is to be sent, from its look at the disk to its end
        self.listed: set[TransferID] = set()
        self.sinks: dict[TransferID, SinkState] = {}
        self.transfers: dict[TransferID, st.TransferStatus] = {}
        self.listening: str | None = None
        self.prompts: dict[str, st.Prompt] = {}
        self.invitation: st.Invitation | None = None
        self.links: dict[ev.LinkID, st.LinkStatus] = {}
        self.past_links: set[ev.LinkID] = set()
        self.statuses: list[st.Status] = []

    def note(self, event: ProgramEvent) -> None:
        """The world did this."""
        match event:
            case ev.ConnectionOpened(connection):
                self.dials.discard(connection)
                self.sockets.add(connection)
            case ev.ConnectionLost(connection):
                self.sockets.remove(connection)
                self.closing.discard(connection)
            case ev.DialFailed(connection):
                self.dials.remove(connection)
            case ev.ChannelOpened(link, channel):
                self.channels.add((link, channel))
            case ev.TimerFired(timer):
                del self.timers[timer]
            case ev.LaneOpened(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                self.lanes.add(link)
            case ev.LaneLost(link):
                self.lanes_dialled.discard(link)
                self.lanes.discard(link)
                self.lanes_closing.discard(link)
            case fe.SourcesListed(transfer) | fe.SourcesFailed(transfer):
                self.listing.discard(transfer)
            case fe.SinkReady(transfer) | fe.SinkHeld(transfer):
                self.sinks[transfer] = SinkState.READY
            case fe.SinkFinished(transfer) | fe.SinkFailed(transfer) if transfer in self.sinks:
                self.sinks[transfer] = SinkState.DONE
            case _:
                pass

    def take(self, command: do.Command, now: float) -> None:
        """The machine commands this."""
        match command:
            case do.SetTimer(timer, seconds):
                assert seconds >= 0
                self.timers[timer] = now + seconds
            case do.CancelTimer(timer):
                self.timers.pop(timer, None)
            case do.Listen(address):
                self.listening = address
            case do.StopListening():
                self.listening = None
            case do.Dial(connection):
                assert connection not in self.sockets | self.dials
                self.dials.add(connection)
            case do.Send(connection):
                assert connection in self.sockets - self.closing, command
            case do.CloseConnection(connection):
                assert connection in (self.sockets | self.dials) - self.closing, command
                if connection in self.sockets:
                    self.closing.add(connection)
                self.dials.discard(connection)
            case do.OpenPeer(link):
                assert link not in self.peers | self.past_peers, command
                self.peers.add(link)
                self.alive.add(link)
            case do.ApplyDescription(link) | do.AddCandidate(link):
                assert link in self.peers, command
            case do.SendOnChannel(link, channel) if channel == ev.LANE_CHANNEL:
                assert link in self.alive - self.peers, command
                assert link in self.lanes - self.lanes_closing, command
            case do.SendOnChannel(link, channel):
                assert link in self.peers, command
                assert (link, channel) in self.channels, command
            case do.ClosePeer(link):
                self.peers.remove(link)
                self.past_peers.add(link)
                self.channels -= {pair for pair in self.channels if pair[0] == link}
            case do.Publish(status):
                self.statuses.append(status)
                self._told(status)
            case do.SaveName() | do.SaveRequireProof() | do.KeepSources():
                pass
            case _:
                self._take_lanes_and_files(command)

    def _take_lanes_and_files(self, command: do.Command) -> None:
        match command:
            case do.ExpectLane(link, token):
                assert link in self.alive, command
                assert token not in self.tokens, "a lane's token is good for one lane"
                self.tokens.add(token)
                self.expected.add(link)
            case do.DialLane(link, carries_link=carries_link):
                assert link in self.alive - self.lanes, command
                assert not carries_link or link not in self.lanes_dialled, command
                self.lanes_dialled.add(link)
            case do.CloseLane(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                if link in self.lanes:
                    self.lanes_closing.add(link)
            case do.ListSources(transfer):
                self.listing.add(transfer)
                self.listed.add(transfer)
            case do.StartSending(transfer, link, via=via):
                assert self.links[link].can_send_files, command
                assert self.links[link].stage is st.Stage.CONNECTED, command
                assert link in (self.lanes if via is st.Via.LANE else self.peers), command
                self.sending[transfer] = command
            case do.Acknowledge(transfer, generation):
                assert self.sending[transfer].generation == generation, command
            case do.StopSending(transfer, forget):
                self.sending.pop(transfer, None)
                if forget:
                    self.listed.discard(transfer)
            case do.OpenSink(transfer):
                assert transfer not in self.sinks, command
                self.sinks[transfer] = SinkState.OPENING
            case do.TakeStream(transfer, link, channel):
                assert transfer in self.sinks, command
                assert (
                    link in self.lanes
                    if channel == ev.LANE_CHANNEL
                    else (link, channel) in self.channels
                ), command
            case do.HoldSink(transfer):
                assert transfer in self.sinks, command
                if self.sinks[transfer] is SinkState.READY:
                    self.sinks[transfer] = SinkState.HOLDING
            case do.CloseSink(transfer):
                self.sinks.pop(transfer, None)
            case _:
                raise AssertionError(f"the ledger does not know {command}")

    def look_at_timers(self, held_back: Mapping[TransferID, ev.LinkID | None]) -> None:
        """Every timer of a link or a transfer is of one that goes on; what is held back has one
        that ends that.
        """
        for timer in self.timers:
            match timer.name:
                case ev.TimerName.LINK_OPEN | ev.TimerName.HEARTBEAT | ev.TimerName.LANE:
                    assert timer.scope in self.alive, timer.name
                case ev.TimerName.DIAL | ev.TimerName.ANSWER | ev.TimerName.REDIAL:
                    assert timer.scope in self.links, timer.name
                case ev.TimerName.STALL if (transfer := TransferID(timer.scope)) in held_back:
                    assert transfer in self.listed - self.sending.keys(), timer.name
                    assert held_back[transfer] in self.alive, "held back for nobody"
                case ev.TimerName.STALL:
                    moving = self.sending[transfer]
                    assert moving.via is st.Via.LANE, timer.name
                    assert moving.link in self.alive & self.peers, "there is no other way"
                case _:
                    pass  # the door's and the sessions': tests/core/test_host.py
        assert {ev.Timer(ev.TimerName.STALL, one) for one in held_back} <= self.timers.keys(), (
            "held back for ever"
        )

    def _told(self, status: st.Status) -> None:
        match status:
            case st.Prompt(session_id):
                assert session_id not in self.prompts, "a prompt over another of its session"
                self.prompts[session_id] = status
            case st.PairOutcome(session_id) if not self._joins(session_id):
                assert session_id in self.prompts, "an outcome of no prompt"
                del self.prompts[session_id]
            case st.Invitation():
                assert status != self.invitation, "told twice"
                self.invitation = status
            case st.NoInvitation():
                self.invitation = None
            case st.LinkStatus(link, stage=st.Stage.CLOSED, reason=reason, can_text=can_text):
                assert link not in self.past_links, "closed twice"
                assert reason is not None
                assert not can_text
                self.links.pop(link, None)
                self.past_links.add(link)
                self.alive.discard(link)
            case st.LinkStatus(link, resumes=lost):
                assert link not in self.past_links, "told of a link after its end"
                if lost is not None and link not in self.links:
                    assert lost not in self.past_links, "resumed after its end"
                    self.links.pop(lost, None)
                    self.past_links.add(lost)
                    self.alive.discard(lost)
                if status.stage is st.Stage.WAITING:
                    self.alive.discard(link)
                self.links[link] = status
                assert (status.stage is st.Stage.WAITING) <= (
                    link not in self.peers and not status.can_text
                )
                if status.via is st.Via.LANE and status.stage is st.Stage.CONNECTED:
                    assert link in self.lanes - self.peers, "carried by a lane that is not there"
            case st.TransferStatus(transfer):
                self.transfers[transfer] = status
                assert 0 <= status.moved <= status.size, status
            case _:
                pass

    def _joins(self, session_id: str) -> bool:
        """Whether this program is a guest of that session, so that an outcome is the other person's
        answer.
        """
        return any(
            link.startswith("guest-") and status.session_id == session_id
            for link, status in self.links.items()
        )

    def at_rest(self) -> None:
        """Nothing of an ended session or a closed link is left."""
        assert not self.prompts
        assert not self.peers
        assert not self.channels
        assert not self.links
        assert not self.alive
        assert not self.expected | self.lanes_dialled | (self.lanes - self.lanes_closing)
        assert not self.sending
        assert not self.sinks


# The label of a stream of the transfer that peers announce below
STREAM = f"files/{to_base64url(bytes(16))}/0"


def words_about_files(ledger: Ledger, number: int) -> list[fm.FileMessage]:
    """What a peer may say of files, rightly or wrongly: of a transfer of its own, or of one that is
    known here.
    """
    own = TransferID(to_base64url(number.to_bytes(16)))
    known = list(ledger.transfers)[-1:]
    words: list[fm.FileMessage] = [
        fm.Announce(own, (Entry("photo", 40),)),
        fm.Announce(own, (Entry("part", 1),), more=True),
        fm.OfferLane(bytes([number]) * 16, bytes(32)),
        fm.Resume((bytes(32),)),
    ]
    for transfer in (own, *known):
        words += [
            fm.Accept(transfer),
            fm.Continue(transfer, number, START),
            fm.Progress(transfer, number, number),
            fm.Finished(transfer),
            fm.Cancel(transfer, "declined"),
        ]
    return words


def disk_answers(ledger: Ledger, number: int, *, well: bool) -> list[fe.DiskEvent]:
    """What a disk may answer next to what it was commanded."""
    listed = fe.SourcesListed, fe.SourcesFailed
    answers: list[fe.DiskEvent] = [
        listed[0](one, (Entry("photo", 40),)) if well else listed[1](one, Reason.FILE_GONE)
        for one in sorted(ledger.listing)
    ]
    for transfer, state in ledger.sinks.items():
        if state is SinkState.OPENING:
            answers.append(
                fe.SinkReady(transfer) if well else fe.SinkFailed(transfer, Reason.DISK_FULL)
            )
        elif state is SinkState.HOLDING:
            answers.append(fe.SinkHeld(transfer, START))
        elif state is SinkState.READY and well:
            done = fe.SinkFinished(transfer, (), "photo", "00" * 32)
            answers.append(done if number % 3 == 0 else fe.SinkWrote(transfer, number, number))
        elif state is SinkState.READY:
            answers.append(fe.SinkFailed(transfer, Reason.DISK_FULL))
    answers += [
        fe.SendingFailed(one, sending.generation)
        for one, sending in ledger.sending.items()
        if not well
    ]
    return answers[:number]


def next_file_event(ledger: Ledger, link: ev.LinkID, control: int, number: int) -> ProgramEvent:
    """The next right step on the way of files over a link: without these, chance alone rarely gets
    there.
    """

    def says(message: lm.LinkMessage) -> ProgramEvent:
        return ev.ChannelMessage(link, control, lm.dump_link_message(message))

    lane = ev.Timer(ev.TimerName.LANE, link)
    if not ledger.links[link].can_send_files:
        return says(lm.Hello("somebody"))
    if answers := disk_answers(ledger, 1 + number % 3, well=True):
        return answers[0]
    for transfer, status in ledger.transfers.items():
        if status.link != link or status.over:
            continue
        if status.direction is Direction.IN and status.state is st.TransferState.ANNOUNCED:
            return fe.AcceptTransfer(transfer)
        if status.direction is Direction.OUT and status.state is st.TransferState.ANNOUNCED:
            return says(fm.Accept(transfer))
        if transfer in ledger.sending:
            generation = ledger.sending[transfer].generation
            return says(
                fm.Finished(transfer) if number % 2 else fm.Progress(transfer, generation, number)
            )
        if lane in ledger.timers and ledger.transfers[transfer].direction is Direction.OUT:
            return ev.TimerFired(lane)
    if number % 2:
        return fe.SendPaths(link, ("photo",))
    return says(fm.Announce(TransferID(to_base64url(number.to_bytes(16))), (Entry("photo", 40),)))


class Bench:
    """A program, a clock, and the ledger between them and the world."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ledger = Ledger()
        self.disk = Disk()
        self.now = 1000.0  # no machine may take the clock's start for anything
        self._take(program.start())

    def handle(self, event: ProgramEvent) -> list[do.Command]:
        """Report an event; what the program commands."""
        self.ledger.note(event)
        return self._take(self.program.handle(event, self.now))

    def _take(self, commands: list[do.Command]) -> list[do.Command]:
        for command in commands:
            self.ledger.take(command, self.now)
        self.ledger.look_at_timers(self._held_back())
        return commands

    def _held_back(self) -> dict[TransferID, ev.LinkID | None]:
        """What is listed and not announced yet, and over which link it will be."""
        transfers = self.program._transfers
        speakers = {one: transfers._outgoing[one].speaker for one in transfers._held_back}
        return {one: None if speaker is None else speaker.id for one, speaker in speakers.items()}

    def next_timer(self) -> tuple[float, ev.Timer] | None:
        """The timer that fires next."""
        return min(
            ((at, timer) for timer, at in self.ledger.timers.items()),
            key=lambda pair: pair[0],
            default=None,
        )

    def advance(self, seconds: float) -> list[do.Command]:
        """Let time pass; every timer fires when it is due."""
        until = self.now + seconds
        commands: list[do.Command] = []
        while (due := self.next_timer()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            commands += self.handle(ev.TimerFired(due[1]))
        self.now = until
        return commands

    def sleep(self, seconds: float) -> list[do.Command]:
        """The machine under the program slept: time passed, and only now the timers fire that are
        overdue.
        """
        self.now += seconds
        return self.advance(0)

    def told(self, kind: type[st.Status]) -> list[st.Status]:
        """All statuses of a kind, oldest first."""
        return [status for status in self.ledger.statuses if isinstance(status, kind)]


def published(commands: list[do.Command]) -> list[st.Status]:
    """What people are told by these commands."""
    return [command.status for command in commands if isinstance(command, do.Publish)]


def sent(
    commands: list[do.Command], connection: ev.ConnectionID | None = None
) -> list[msg.Message]:
    """What goes out on a WebSocket by these commands."""
    return [
        command.message
        for command in commands
        if isinstance(command, do.Send) and connection in (None, command.connection)
    ]


def reasons(commands: list[do.Command]) -> list[Reason]:
    """The problems that people are told by these commands."""
    return [
        status.problem.reason for status in published(commands) if isinstance(status, st.Trouble)
    ]


def errors(commands: list[do.Command]) -> list[str]:
    """The codes of the wire's `error` messages among these commands."""
    return [message.code for message in sent(commands) if isinstance(message, msg.ErrorMessage)]


def socket_timer(connection: ev.ConnectionID) -> ev.Timer:
    """The clock of a socket that is not approved yet."""
    return ev.Timer(ev.TimerName.SOCKET, f"socket-{connection}")


def challenge_timer(connection: ev.ConnectionID) -> ev.Timer:
    """The clock of a challenge."""
    return ev.Timer(ev.TimerName.CHALLENGE, f"socket-{connection}")


def _is_socket_timer(command: do.Command) -> bool:
    return (
        isinstance(command, do.SetTimer | do.CancelTimer)
        and command.timer.name is ev.TimerName.SOCKET
    )


@dataclass
class Prove:
    """A guest with bare hands that knows a code: its proof step by step, and its MACs once the host
    has challenged.
    """

    connection: ev.ConnectionID
    target: JoinTarget
    proof: GuestProof
    keys: ProofKeys | None = None
    macs: SignalMacs | None = None

    @property
    def request(self) -> msg.PairRequest:
        return msg.PairRequest(self.target.session_id, PHONE, self.proof.auth)

    @property
    def agreed(self) -> ProofKeys:
        """Its keys, once it was challenged."""
        assert self.keys is not None
        return self.keys

    def confirm(self, challenge: msg.Auth) -> msg.PairConfirm:
        self.keys = self.proof.finish(challenge)
        self.macs = SignalMacs(self.keys, Side.GUEST)
        return msg.PairConfirm(self.target.session_id, tag_auth(self.keys.guest_tag()))

    def signal(self, payload: msg.Description | msg.Candidate) -> msg.Signal:
        assert self.macs is not None
        return msg.Signal(self.target.session_id, payload, self.macs.seal(payload))


class HostBench(Bench):
    """A hosting program with bare sockets in the script's hand.

    The clocks of its sockets run, but `handle` leaves them out of what it returns:
    tests/core/test_door.py is about them.
    """

    def __init__(
        self,
        first: ev.Invite = ONE_TIME,
        preferred: str | None = None,
        *,
        spake2: MakeExchange = FakeSpake2,
        require_proof: bool = False,
        limits: DoorLimits = DoorLimits(),  # noqa: B008  # immutable
    ) -> None:
        self.prover = prover(spake2)
        host = Host(
            HOST_DEVICE, first, self.prover, preferred, require_proof=require_proof, limits=limits
        )
        super().__init__(Program(HOST_DEVICE, host, self.prover))
        self._connections = itertools.count(1)
        self._seen_code: str | None = None

    def handle(self, event: ProgramEvent) -> list[do.Command]:
        """Report an event; what the program commands."""
        return [command for command in super().handle(event) if not _is_socket_timer(command)]

    def listen(self, *networks: ev.Network) -> list[do.Command]:
        """The network appears (or changes) and the server listens where the host wants it to."""
        before = self.ledger.listening
        commands = self.handle(ev.NetworksSeen(networks or (ETHERNET,)))
        wanted = self.ledger.listening
        if wanted is not None and wanted != before:
            commands += self.handle(ev.Listening(wanted, PORT))
        return commands

    @property
    def shown(self) -> st.Invitation:
        """The code on the screen."""
        assert self.ledger.invitation is not None
        return self.ledger.invitation

    @property
    def link(self) -> ev.LinkID:
        """The newest link."""
        return next(reversed(self.ledger.links))

    def connect(self, address: str = GUEST_ADDRESS) -> ev.ConnectionID:
        """A guest's WebSocket opens."""
        connection = ev.ConnectionID(next(self._connections))
        assert self.handle(ev.ConnectionOpened(connection, address)) == []
        return connection

    def say(self, connection: ev.ConnectionID, message: msg.Message | str) -> list[do.Command]:
        """A guest says something."""
        text = message if isinstance(message, str) else msg.dump_message(message)
        return self.handle(ev.FrameReceived(connection, text))

    def ask(self, connection: ev.ConnectionID, session_id: str | None = None) -> list[do.Command]:
        """A guest asks to join; by the session shown where no other is named."""
        return self.say(connection, msg.PairRequest(session_id or self.shown.session_id, PHONE))

    def prover_of(
        self,
        address: str = GUEST_ADDRESS,
        *,
        by_code: bool = True,
        knows: bool = True,
        connection: ev.ConnectionID | None = None,
    ) -> Prove:
        """A guest connects that knows the code or QR shown, or guesses it wrong."""
        target = parse_target(self.shown.url)
        assert target.qr_secret is not None
        secret = target.qr_secret if knows else to_base64url(bytes(16))
        target = replace(target, qr_secret=secret)
        if by_code:
            if not self.shown.code_closed:  # else the one seen before it was closed
                self._seen_code = self.shown.code
            assert self._seen_code is not None
            code = parse_code(self._seen_code)
            secret_bits = code.secret if knows else code.secret ^ 1
            target = parse_target(replace(code, secret=secret_bits).canonical)
        proof = start_guest_proof(target, PHONE, self.prover)
        assert proof is not None
        return Prove(self.connect(address) if connection is None else connection, target, proof)

    def challenged(self, guest: Prove) -> msg.Auth:
        """The guest asks and is challenged."""
        (challenge,) = sent(self.say(guest.connection, guest.request))
        assert isinstance(challenge, msg.PairChallenge)
        return challenge.auth

    def prove(self, address: str = GUEST_ADDRESS, *, by_code: bool = True) -> Prove:
        """A guest has proved itself, and its prompt is shown."""
        guest = self.prover_of(address, by_code=by_code)
        self.say(guest.connection, guest.confirm(self.challenged(guest)))
        return guest

    def approve(self, guest: Prove) -> ev.LinkID:
        """The person lets in who asks by the code shown; the new link."""
        session_id = self.shown.session_id
        self.handle(
            ev.Decide(session_id, approved=True, number=self.ledger.prompts[session_id].number)
        )
        return self.link

    def asked(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str]:
        """A guest has asked: its socket and the session's id."""
        connection = self.connect()
        self.ask(connection, session_id)
        return connection, next(reversed(self.ledger.prompts))

    def approved(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """A guest was approved: its socket, the session's id, its link."""
        connection, session = self.asked(session_id)
        self.handle(ev.Decide(session, approved=True, number=self.ledger.prompts[session].number))
        return connection, session, self.link

    def answered(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """Descriptions are exchanged."""
        connection, session, link = self.approved(session_id)
        self.say(connection, msg.Signal(session_id or session, OFFER))
        self.handle(ev.PeerDescribed(link, msg.SDPType.ANSWER, ANSWER.sdp))
        return connection, session, link

    def linked(self, session_id: str | None = None) -> tuple[ev.ConnectionID, str, ev.LinkID]:
        """The link is open."""
        connection, session, link = self.answered(session_id)
        self.handle(ev.ChannelOpened(link, 1, ev.CONTROL_LABEL))
        return connection, session, link


def refused(
    connection: ev.ConnectionID, reason: Reason, session_id: str | None = None
) -> do.Command:
    """The error that a guest gets."""
    return refusal(connection, reason, session_id)


# --- two programs ---------------------------------------------------------------------------------


@dataclass
class _Wire:
    """A WebSocket between the two."""

    guest: ev.ConnectionID
    host: ev.ConnectionID
    open: bool = True


@dataclass
class _Peers:
    """A WebRTC connection between the two, known by its offer."""

    guest: ev.LinkID
    host: ev.LinkID | None = None
    open: bool = False


@dataclass(eq=False)
class _Lane:
    """A lane between the two."""

    guest: ev.LinkID
    host: ev.LinkID
    open: bool = True
    closed_by: set[ev.LinkID] = field(default_factory=set)

    def other(self, link: ev.LinkID) -> ev.LinkID:
        return self.host if link == self.guest else self.guest


@dataclass(eq=False)
class _Bytes:
    """A message of a transfer's stream, on its way."""

    link: ev.LinkID  # at the receiver
    channel: int
    command: do.StartSending
    records: list[Record]


@dataclass
class _Delivery:
    to: "Bench"
    event: ProgramEvent | _Bytes
    about: _Lane | FakeSink | None = (
        None  # what it is of, where it is not heard of once that is gone
    )


@dataclass
class World:
    """A host's and a guest's program, both real, joined by fake wires and peers.

    Events wait in `queue` until `settle` hands them over, in the order in which they were sent; a
    script that reports two things before it settles lets them cross. `udp` False: no link opens.
    `reachable` False: no dial is answered. Files are read and written at once; their bytes wait in
    the queue like everything else.
    """

    udp: bool = True
    reachable: bool = True
    lanes_work: bool = True
    host: HostBench = field(default_factory=lambda: HostBench(spake2=Spake2Exchange))
    guest: Bench = field(init=False)
    queue: deque[_Delivery] = field(default_factory=deque)
    # Who sent it, and the text: what a sniffer sees
    frames: list[tuple[str, str]] = field(default_factory=list)
    # The lane that this end of a link was told of last
    current: dict[ev.LinkID, _Lane] = field(default_factory=dict)
    _expected: dict[bytes, do.ExpectLane] = field(default_factory=dict)
    _channels: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_STREAM))
    _wires: list[_Wire] = field(default_factory=list)
    _peers: list[_Peers] = field(default_factory=list)
    _connections: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.guest = Bench(Program(PHONE, None, self.host.prover))
        self.handle(self.host, ev.NetworksSeen((ETHERNET,)))

    # --- for the script ---------------------------------------------------------------------------

    def report(self, to: Bench, event: ProgramEvent) -> None:
        """Something happens to one of the two; what follows from it waits in the queue."""
        for command in to.handle(event):
            self._execute(to, command)

    def handle(self, to: Bench, event: ProgramEvent) -> None:
        """Something happens to one of the two, and all that follows from it at once."""
        self.report(to, event)
        self.settle()

    def settle(self) -> None:
        """Hand over all that waits."""
        while self.queue:
            self.step()

    def step(self) -> None:
        """Hand over the next thing that waits."""
        if self.queue:
            delivery = self.queue.popleft()
            if not self._is_due(delivery):
                return
            event = delivery.event
            if isinstance(event, _Bytes):
                sink = delivery.to.disk.sinks.get(event.command.transfer)
                if sink is not None:
                    sink.feed((event.link, event.channel, event.command.generation), event.records)
                    self._disk_answers(delivery.to, sink)
                return
            if isinstance(event, ev.LaneOpened):
                assert isinstance(delivery.about, _Lane)
                self.current[event.link] = delivery.about
            elif isinstance(event, ev.LaneLost):
                self.current.pop(event.link, None)
            self.report(delivery.to, event)

    def advance(self, seconds: float) -> None:
        """Let all arrive that waits, then time pass at both; every timer fires when it is due."""
        self.settle()
        until = self.host.now + seconds
        while True:
            timers = [(bench, bench.next_timer()) for bench in (self.host, self.guest)]
            due = [
                (*timer, bench)
                for bench, timer in timers
                if timer is not None and timer[0] <= until
            ]
            if not due:
                break
            at, timer, bench = min(due, key=lambda one: one[0])
            self.host.now = self.guest.now = max(self.host.now, at)
            self.handle(bench, ev.TimerFired(timer))
        self.host.now = self.guest.now = until

    def join(self) -> ev.LinkID:
        """The person at the guest types the host's code."""
        code = self.host.shown.code
        assert code is not None
        self.handle(self.guest, ev.Join(parse_target(code)))
        return next(reversed(self.guest.ledger.links), ev.LinkID("none"))

    def decide(self, *, approved: bool) -> None:
        """The person at the host answers the one prompt."""
        ((session_id, prompt),) = self.host.ledger.prompts.items()
        self.handle(self.host, ev.Decide(session_id, approved, prompt.number))

    def link_up(self) -> ev.LinkID:
        """Join, approve, and all that follows; the guest's link."""
        link = self.join()
        self.decide(approved=True)
        return link

    def status(self, side: Bench) -> st.LinkStatus:
        """The newest status of the newest link, as one side's people are told."""
        return next(
            status for status in reversed(side.ledger.statuses) if isinstance(status, st.LinkStatus)
        )

    def texts(self, side: Bench) -> list[str]:
        """The texts that one side received."""
        return [
            status.text for status in side.ledger.statuses if isinstance(status, st.TextReceived)
        ]

    def cut_wire(self) -> None:
        """Every WebSocket is lost; what was sent before still arrives."""
        for wire in self._wires:
            self._close(wire)

    def vanish(self) -> None:
        """The network goes dark: nothing is delivered any more, and nobody is told."""
        for wire in self._wires:
            wire.open = False
        for peers in self._peers:
            peers.open = False
        for lane in self.current.values():
            lane.open = False
        self._expected.clear()

    def cut_lanes(self) -> None:
        """Every lane is lost, and both are told; what was sent before still arrives."""
        for lane in list(self.current.values()):
            self._cut(lane)

    def accept_files(self) -> None:
        """Both persons accept whatever they are asked for."""
        for side in (self.host, self.guest):
            for transfer, status in list(side.ledger.transfers.items()):
                if status.direction is Direction.IN and status.state is st.TransferState.ANNOUNCED:
                    self.report(side, fe.AcceptTransfer(transfer))

    def transfers(self, side: Bench) -> list[st.TransferStatus]:
        """What one side's people are told of transfers, each once, oldest first."""
        return list(side.ledger.transfers.values())

    # --- the world's side -------------------------------------------------------------------------

    def _is_due(self, delivery: _Delivery) -> bool:
        """Whether it can still happen: nothing is heard of a socket that is gone or a peer that is
        closed.
        """
        ledger = delivery.to.ledger
        match delivery.event:
            case ev.ConnectionOpened(connection) | ev.DialFailed(connection) if (
                delivery.to is self.guest
            ):
                return connection in ledger.dials
            case ev.FrameReceived(connection) | ev.ConnectionLost(connection):
                return connection in ledger.sockets
            case ev.LaneOpened(link):
                assert isinstance(delivery.about, _Lane)
                return link not in delivery.about.closed_by
            case ev.LaneLost(link) if delivery.about is None:
                return link in ledger.lanes_dialled
            case ev.LaneLost(link) | ev.ChannelMessage(link, channel=-1) | _Bytes(link, channel=-1):
                return self.current.get(link) is delivery.about
            case (
                ev.PeerDescribed(link)
                | ev.ChannelOpened(link)
                | ev.ChannelMessage(link)
                | ev.PeerFailed(link)
                | _Bytes(link)
            ):
                return link in ledger.peers
            case _ if isinstance(delivery.about, FakeSink):
                return delivery.to.disk.sinks.get(delivery.about.id) is delivery.about
            case _:
                return True

    def _tell(
        self, to: Bench, event: ProgramEvent | _Bytes, about: _Lane | FakeSink | None = None
    ) -> None:
        self.queue.append(_Delivery(to, event, about))

    def _execute(self, by: Bench, command: do.Command) -> None:
        match command:
            case do.Listen(address):
                self._drop_guests()
                self._tell(by, ev.Listening(address, PORT))
            case do.StopListening():
                self._drop_guests()
            case do.Dial(connection, url):
                self._dial(connection, url)
            case do.Send(connection, message):
                self._send(by, connection, msg.dump_message(message))
            case do.CloseConnection(connection):
                for wire in self._wires:
                    if connection == (wire.host if by is self.host else wire.guest):
                        self._close(wire)
            case do.OpenPeer(link, offerer) if offerer:
                self._peers.append(_Peers(link))
                self._tell(by, ev.PeerDescribed(link, msg.SDPType.OFFER, sdp(f"offer of {link}")))
            case do.ApplyDescription(link, msg.SDPType.OFFER, text):
                self._pair(sdp_name(text).removeprefix("offer of ")).host = link
                self._tell(by, ev.PeerDescribed(link, msg.SDPType.ANSWER, ANSWER.sdp))
            case do.ApplyDescription(link):
                self._open(self._pair(link))
            case do.SendOnChannel(link, channel, text):
                self._send_on_channel(link, channel, text)
            case do.ClosePeer(link):
                self._close_peer(link)
            case do.ExpectLane(_, token):
                self._expected[token] = command
            case do.DialLane():
                self._dial_lane(command)
            case do.CloseLane(link):
                self._close_lane(link)
            case _:
                self._execute_on_disk(by, command)

    # --- lanes

    def _side(self, link: ev.LinkID) -> Bench:
        return self.guest if link.startswith("guest-") else self.host

    def _dial_lane(self, command: do.DialLane) -> None:
        parts = urlsplit(command.url)
        there = self.reachable and self.lanes_work and parts.hostname == self.host.ledger.listening
        expected = self._expected.pop(command.token, None) if there else None
        if expected is None or parts.path != "/lane":
            self._tell(self.guest, ev.LaneLost(command.link))
            return
        assert expected.key == command.key
        lane = _Lane(command.link, expected.link)
        for link in (lane.host, lane.guest):
            self._tell(self._side(link), ev.LaneOpened(link, command.carries_link), lane)

    def _close_lane(self, link: ev.LinkID) -> None:
        self._expected = {token: one for token, one in self._expected.items() if one.link != link}
        waiting = [one.about for one in self.queue if isinstance(one.event, ev.LaneOpened)]
        for lane in {*self.current.values(), *(one for one in waiting if isinstance(one, _Lane))}:
            if link in (lane.guest, lane.host):
                lane.closed_by.add(link)
                self._cut(lane)

    def _cut(self, lane: _Lane) -> None:
        for link in (lane.guest, lane.host):
            if lane.open or link in lane.closed_by:  # nobody is told of the end of a network
                self._tell(self._side(link), ev.LaneLost(link), lane)
        lane.open = False

    # --- disks

    def _disk_answers(self, side: Bench, sink: FakeSink | None = None) -> None:
        while side.disk.answers:
            answer: fe.DiskEvent = side.disk.answers.popleft()
            self._tell(side, answer, None if isinstance(answer, fe.SinkFinished) else sink)

    def _execute_on_disk(self, side: Bench, command: do.Command) -> None:
        disk = side.disk
        match command:
            case do.ListSources():
                disk.answers.append(disk.look(command))
                self._disk_answers(side)
            case do.StartSending():
                self._stream(command)
            case do.OpenSink(transfer):
                disk.sinks[transfer] = FakeSink(disk, command)
                self._disk_answers(side, disk.sinks[transfer])
            case do.TakeStream(transfer):
                disk.sinks[transfer].take(command)
            case do.HoldSink(transfer):
                disk.sinks[transfer].hold()
                self._disk_answers(side, disk.sinks[transfer])
            case do.CloseSink(transfer, keep):
                disk.sinks.pop(transfer, None)
                if not keep:
                    disk.kept.pop(transfer, None)
            case _:
                pass

    def _stream(self, command: do.StartSending) -> None:
        sender = self._side(command.link)
        lane = self.current.get(command.link) if command.via is st.Via.LANE else None
        other = self._other_end(command.link)
        if lane is not None and lane.open:
            link, channel = lane.other(command.link), ev.LANE_CHANNEL
        elif command.via is st.Via.WEBRTC and other is not None:
            link, channel = other[1], next(self._channels)
            label = f"files/{command.transfer}/{command.generation}"
            self._tell(self._side(link), ev.ChannelOpened(link, channel, label))
        else:
            return  # the way broke meanwhile, of which the machine is told
        for records in sender.disk.read(command):
            self._tell(self._side(link), _Bytes(link, channel, command, records), lane)

    # --- sockets and peers

    def _dial(self, connection: ev.ConnectionID, url: str) -> None:
        if not self.reachable:
            return
        parts = urlsplit(url)
        if (
            parts.hostname is None
            or parts.hostname != self.host.ledger.listening
            or parts.port != PORT
        ):
            self._tell(self.guest, ev.DialFailed(connection, Reason.REFUSED))
            return
        wire = _Wire(connection, ev.ConnectionID(next(self._connections)))
        self._wires.append(wire)
        self._tell(self.host, ev.ConnectionOpened(wire.host, GUEST_ADDRESS))
        self._tell(self.guest, ev.ConnectionOpened(wire.guest, parts.hostname))

    def _send(self, by: Bench, connection: ev.ConnectionID, text: str) -> None:
        self.frames.append(("host" if by is self.host else "guest", text))
        for wire in self._wires:
            if wire.open and by is self.host and wire.host == connection:
                self._tell(self.guest, ev.FrameReceived(wire.guest, text))
            elif wire.open and by is self.guest and wire.guest == connection:
                self._tell(self.host, ev.FrameReceived(wire.host, text))

    def _close(self, wire: _Wire) -> None:
        if wire.open:
            wire.open = False
            self._tell(self.host, ev.ConnectionLost(wire.host))
            self._tell(self.guest, ev.ConnectionLost(wire.guest))

    def _drop_guests(self) -> None:
        for wire in self._wires:
            self._close(wire)

    def _pair(self, guest_link: str) -> _Peers:
        return next(peers for peers in self._peers if peers.guest == guest_link)

    def _open(self, peers: _Peers) -> None:
        if self.udp and peers.host is not None:
            peers.open = True
            self._tell(self.guest, ev.ChannelOpened(peers.guest, 0, ev.CONTROL_LABEL))
            self._tell(self.host, ev.ChannelOpened(peers.host, 0, ev.CONTROL_LABEL))

    def _other_end(self, link: ev.LinkID) -> tuple[Bench, ev.LinkID] | None:
        for peers in self._peers:
            if peers.open and peers.host is not None and link in (peers.guest, peers.host):
                return (self.host, peers.host) if link == peers.guest else (self.guest, peers.guest)
        return None

    def _send_on_channel(self, link: ev.LinkID, channel: int, text: str) -> None:
        if channel == ev.LANE_CHANNEL:
            lane = self.current.get(link)
            if lane is not None and lane.open:
                self._tell(
                    self._side(lane.other(link)),
                    ev.ChannelMessage(lane.other(link), channel, text),
                    lane,
                )
            return
        other = self._other_end(link)
        if other is not None and channel < FIRST_STREAM:
            self._tell(other[0], ev.ChannelMessage(other[1], channel, text))

    def _close_peer(self, link: ev.LinkID) -> None:
        other = self._other_end(link)
        if other is not None:
            self._tell(other[0], ev.PeerFailed(other[1], Reason.PEER_LEFT))
        for peers in self._peers:
            if link in (peers.guest, peers.host):
                peers.open = False


def candidate_signal(session_id: str, line: str = LINE) -> msg.Signal:
    """A guest's candidate with its W3C companions."""
    return msg.Signal(session_id, msg.Candidate(line, "0", 0))
