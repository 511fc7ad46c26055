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

from proxim.core.commands import (
    Acknowledge,
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    CloseLane,
    ClosePeer,
    CloseSink,
    Command,
    Dial,
    DialLane,
    ExpectLane,
    HoldSink,
    KeepSources,
    Listen,
    ListSources,
    OpenPeer,
    OpenSink,
    Publish,
    SaveName,
    SaveRequireProof,
    Send,
    SendOnChannel,
    SetTimer,
    StartSending,
    StopListening,
    StopSending,
    TakeStream,
)
from proxim.core.door import DoorLimits
from proxim.core.errors import Reason
from proxim.core.events import (
    CONTROL_LABEL,
    LANE_CHANNEL,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    Decide,
    DialFailed,
    FrameReceived,
    Invite,
    Join,
    LaneLost,
    LaneOpened,
    LinkID,
    Listening,
    Network,
    NetworksSeen,
    PeerDescribed,
    PeerFailed,
    SessionType,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.file_events import (
    AcceptTransfer,
    DiskEvent,
    SendingFailed,
    SendPaths,
    SinkFailed,
    SinkFinished,
    SinkHeld,
    SinkReady,
    SinkWrote,
    SourcesFailed,
    SourcesListed,
)
from proxim.core.file_messages import (
    Accept,
    Announce,
    Cancel,
    Continue,
    FileMessage,
    Finished,
    OfferLane,
    Progress,
    Resume,
)
from proxim.core.host import Host
from proxim.core.host_code import JoinTarget, parse_code, parse_target
from proxim.core.link_messages import Hello, LinkMessage, dump_link_message
from proxim.core.manifest import START, Direction, Entry, TransferID
from proxim.core.messages import (
    Auth,
    Candidate,
    Description,
    DeviceInfo,
    ErrorMessage,
    Message,
    PairChallenge,
    PairConfirm,
    PairRequest,
    SDPType,
    Signal,
    dump_message,
)
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
from proxim.core.status import (
    Invitation,
    LinkStatus,
    NoInvitation,
    PairOutcome,
    Prompt,
    Stage,
    Status,
    TextReceived,
    TransferState,
    TransferStatus,
    Trouble,
    Via,
)
from proxim.core.transfers import Transfers
from proxim.net.spake import Spake2Exchange
from tests.core.transfer_bench import Disk, FakeSink, Record

HOST_DEVICE = DeviceInfo("Host PC", "uuid-of-host")
PHONE = DeviceInfo("Phone", "uuid-of-phone")
ETHERNET = Network("192.168.1.5", 24, "eth0", virtual=False)
WIFI = Network("192.168.1.77", 24, "Wi-Fi", virtual=False)
IPV6 = Network("fe80::5%eth0", 64, "eth0", virtual=False)
GUEST_ADDRESS = "192.168.1.9"
PORT = 47800
ONE_TIME = Invite(SessionType.ONE_TIME)
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


OFFER = Description(sdp("offer"), SDPType.OFFER)
ANSWER = Description(sdp("answer"), SDPType.ANSWER)


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
        self.timers: dict[Timer, float] = {}  # when they fire
        self.sockets: set[ConnectionID] = set()
        self.dials: set[ConnectionID] = set()
        self.closing: set[ConnectionID] = set()
        self.peers: set[LinkID] = set()
        self.past_peers: set[LinkID] = set()
        self.channels: set[tuple[LinkID, int]] = set()
        # Links from their peer on, to their end or their loss, whatever carries them
        self.alive: set[LinkID] = set()
        self.tokens: set[bytes] = set()  # of all lanes that were ever expected
        self.expected: set[LinkID] = set()
        self.lanes_dialled: set[LinkID] = set()
        self.lanes: set[LinkID] = set()  # open, for all that the machine was told
        self.lanes_closing: set[LinkID] = set()
        self.listing: set[TransferID] = set()
        self.sending: dict[TransferID, StartSending] = {}
        # What is to be sent, from its look at the disk to its end
        self.listed: set[TransferID] = set()
        self.sinks: dict[TransferID, SinkState] = {}
        self.transfers: dict[TransferID, TransferStatus] = {}
        self.listening: str | None = None
        self.prompts: dict[str, Prompt] = {}
        self.invitation: Invitation | None = None
        self.links: dict[LinkID, LinkStatus] = {}
        self.past_links: set[LinkID] = set()
        self.statuses: list[Status] = []

    def note(self, event: ProgramEvent) -> None:
        """The world did this."""
        match event:
            case ConnectionOpened(connection):
                self.dials.discard(connection)
                self.sockets.add(connection)
            case ConnectionLost(connection):
                self.sockets.remove(connection)
                self.closing.discard(connection)
            case DialFailed(connection):
                self.dials.remove(connection)
            case ChannelOpened(link, channel):
                self.channels.add((link, channel))
            case TimerFired(timer):
                del self.timers[timer]
            case LaneOpened(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                self.lanes.add(link)
            case LaneLost(link):
                self.lanes_dialled.discard(link)
                self.lanes.discard(link)
                self.lanes_closing.discard(link)
            case SourcesListed(transfer) | SourcesFailed(transfer):
                self.listing.discard(transfer)
            case SinkReady(transfer) | SinkHeld(transfer):
                self.sinks[transfer] = SinkState.READY
            case SinkFinished(transfer) | SinkFailed(transfer) if transfer in self.sinks:
                self.sinks[transfer] = SinkState.DONE
            case _:
                pass

    def take(self, command: Command, now: float) -> None:
        """The machine commands this."""
        match command:
            case SetTimer(timer, seconds):
                assert seconds >= 0
                self.timers[timer] = now + seconds
            case CancelTimer(timer):
                self.timers.pop(timer, None)
            case Listen(address):
                self.listening = address
            case StopListening():
                self.listening = None
            case Dial(connection):
                assert connection not in self.sockets | self.dials
                self.dials.add(connection)
            case Send(connection):
                assert connection in self.sockets - self.closing, command
            case CloseConnection(connection):
                assert connection in (self.sockets | self.dials) - self.closing, command
                if connection in self.sockets:
                    self.closing.add(connection)
                self.dials.discard(connection)
            case OpenPeer(link):
                assert link not in self.peers | self.past_peers, command
                self.peers.add(link)
                self.alive.add(link)
            case ApplyDescription(link) | AddCandidate(link):
                assert link in self.peers, command
            case SendOnChannel(link, channel) if channel == LANE_CHANNEL:
                assert link in self.alive - self.peers, command
                assert link in self.lanes - self.lanes_closing, command
            case SendOnChannel(link, channel):
                assert link in self.peers, command
                assert (link, channel) in self.channels, command
            case ClosePeer(link):
                self.peers.remove(link)
                self.past_peers.add(link)
                self.channels -= {pair for pair in self.channels if pair[0] == link}
            case Publish(status):
                self.statuses.append(status)
                self._told(status)
            case SaveName() | SaveRequireProof() | KeepSources():
                pass
            case _:
                self._take_lanes_and_files(command)

    def _take_lanes_and_files(self, command: Command) -> None:
        match command:
            case ExpectLane(link, token):
                assert link in self.alive, command
                assert token not in self.tokens, "a lane's token is good for one lane"
                self.tokens.add(token)
                self.expected.add(link)
            case DialLane(link, carries_link=carries_link):
                assert link in self.alive - self.lanes, command
                assert not carries_link or link not in self.lanes_dialled, command
                self.lanes_dialled.add(link)
            case CloseLane(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                if link in self.lanes:
                    self.lanes_closing.add(link)
            case ListSources(transfer):
                self.listing.add(transfer)
                self.listed.add(transfer)
            case StartSending(transfer, link, via=via):
                assert self.links[link].can_send_files, command
                assert self.links[link].stage is Stage.CONNECTED, command
                assert link in (self.lanes if via is Via.LANE else self.peers), command
                self.sending[transfer] = command
            case Acknowledge(transfer, generation):
                assert self.sending[transfer].generation == generation, command
            case StopSending(transfer, forget):
                self.sending.pop(transfer, None)
                if forget:
                    self.listed.discard(transfer)
            case OpenSink(transfer):
                assert transfer not in self.sinks, command
                self.sinks[transfer] = SinkState.OPENING
            case TakeStream(transfer, link, channel):
                assert transfer in self.sinks, command
                assert (
                    link in self.lanes
                    if channel == LANE_CHANNEL
                    else (link, channel) in self.channels
                ), command
            case HoldSink(transfer):
                assert transfer in self.sinks, command
                if self.sinks[transfer] is SinkState.READY:
                    self.sinks[transfer] = SinkState.HOLDING
            case CloseSink(transfer):
                self.sinks.pop(transfer, None)
            case _:
                raise AssertionError(f"the ledger does not know {command}")

    def look_at_timers(self, held_back: Mapping[TransferID, LinkID | None]) -> None:
        """Every timer of a link or a transfer is of one that goes on; what is held back has one
        that ends that.
        """
        for timer in self.timers:
            match timer.name:
                case TimerName.LINK_OPEN | TimerName.HEARTBEAT | TimerName.LANE:
                    assert timer.scope in self.alive, timer.name
                case TimerName.DIAL | TimerName.ANSWER | TimerName.REDIAL:
                    assert timer.scope in self.links, timer.name
                case TimerName.STALL if (transfer := TransferID(timer.scope)) in held_back:
                    assert transfer in self.listed - self.sending.keys(), timer.name
                    assert held_back[transfer] in self.alive, "held back for nobody"
                case TimerName.STALL:
                    moving = self.sending[transfer]
                    assert moving.via is Via.LANE, timer.name
                    assert moving.link in self.alive & self.peers, "there is no other way"
                case _:
                    pass  # the door's and the sessions': tests/core/test_host.py
        assert {Timer(TimerName.STALL, one) for one in held_back} <= self.timers.keys(), (
            "held back for ever"
        )

    def _told(self, status: Status) -> None:
        match status:
            case Prompt(session_id):
                assert session_id not in self.prompts, "a prompt over another of its session"
                self.prompts[session_id] = status
            case PairOutcome(session_id) if not self._joins(session_id):
                assert session_id in self.prompts, "an outcome of no prompt"
                del self.prompts[session_id]
            case Invitation():
                assert status != self.invitation, "told twice"
                self.invitation = status
            case NoInvitation():
                self.invitation = None
            case LinkStatus(link, stage=Stage.CLOSED, reason=reason, can_text=can_text):
                assert link not in self.past_links, "closed twice"
                assert reason is not None
                assert not can_text
                self.links.pop(link, None)
                self.past_links.add(link)
                self.alive.discard(link)
            case LinkStatus(link, resumes=lost):
                assert link not in self.past_links, "told of a link after its end"
                if lost is not None and link not in self.links:
                    assert lost not in self.past_links, "resumed after its end"
                    self.links.pop(lost, None)
                    self.past_links.add(lost)
                    self.alive.discard(lost)
                if status.stage is Stage.WAITING:
                    self.alive.discard(link)
                self.links[link] = status
                assert (status.stage is Stage.WAITING) <= (
                    link not in self.peers and not status.can_text
                )
                if status.via is Via.LANE and status.stage is Stage.CONNECTED:
                    assert link in self.lanes - self.peers, "carried by a lane that is not there"
            case TransferStatus(transfer):
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


def words_about_files(ledger: Ledger, number: int) -> list[FileMessage]:
    """What a peer may say of files, rightly or wrongly: of a transfer of its own, or of one that is
    known here.
    """
    own = TransferID(to_base64url(number.to_bytes(16)))
    known = list(ledger.transfers)[-1:]
    words: list[FileMessage] = [
        Announce(own, (Entry("photo", 40),)),
        Announce(own, (Entry("part", 1),), more=True),
        OfferLane(bytes([number]) * 16, bytes(32)),
        Resume((bytes(32),)),
    ]
    for transfer in (own, *known):
        words += [
            Accept(transfer),
            Continue(transfer, number, START),
            Progress(transfer, number, number),
            Finished(transfer),
            Cancel(transfer, "declined"),
        ]
    return words


def disk_answers(ledger: Ledger, number: int, *, well: bool) -> list[DiskEvent]:
    """What a disk may answer next to what it was commanded."""
    listed = SourcesListed, SourcesFailed
    answers: list[DiskEvent] = [
        listed[0](one, (Entry("photo", 40),)) if well else listed[1](one, Reason.FILE_GONE)
        for one in sorted(ledger.listing)
    ]
    for transfer, state in ledger.sinks.items():
        if state is SinkState.OPENING:
            answers.append(SinkReady(transfer) if well else SinkFailed(transfer, Reason.DISK_FULL))
        elif state is SinkState.HOLDING:
            answers.append(SinkHeld(transfer, START))
        elif state is SinkState.READY and well:
            done = SinkFinished(transfer, (), "photo", "00" * 32)
            answers.append(done if number % 3 == 0 else SinkWrote(transfer, number, number))
        elif state is SinkState.READY:
            answers.append(SinkFailed(transfer, Reason.DISK_FULL))
    answers += [
        SendingFailed(one, sending.generation)
        for one, sending in ledger.sending.items()
        if not well
    ]
    return answers[:number]


def next_file_event(ledger: Ledger, link: LinkID, control: int, number: int) -> ProgramEvent:
    """The next right step on the way of files over a link: without these, chance alone rarely gets
    there.
    """

    def says(message: LinkMessage) -> ProgramEvent:
        return ChannelMessage(link, control, dump_link_message(message))

    lane = Timer(TimerName.LANE, link)
    if not ledger.links[link].can_send_files:
        return says(Hello("somebody"))
    if answers := disk_answers(ledger, 1 + number % 3, well=True):
        return answers[0]
    for transfer, status in ledger.transfers.items():
        if status.link != link or status.over:
            continue
        if status.direction is Direction.IN and status.state is TransferState.ANNOUNCED:
            return AcceptTransfer(transfer)
        if status.direction is Direction.OUT and status.state is TransferState.ANNOUNCED:
            return says(Accept(transfer))
        if transfer in ledger.sending:
            generation = ledger.sending[transfer].generation
            return says(
                Finished(transfer) if number % 2 else Progress(transfer, generation, number)
            )
        if lane in ledger.timers and ledger.transfers[transfer].direction is Direction.OUT:
            return TimerFired(lane)
    if number % 2:
        return SendPaths(link, ("photo",))
    return says(Announce(TransferID(to_base64url(number.to_bytes(16))), (Entry("photo", 40),)))


class Bench:
    """A program, a clock, and the ledger between them and the world."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ledger = Ledger()
        self.disk = Disk()
        self.now = 1000.0  # no machine may take the clock's start for anything
        self._take(program.start())

    def do(self, event: ProgramEvent) -> list[Command]:
        """Report an event; what the program commands."""
        self.ledger.note(event)
        return self._take(self.program.handle(event, self.now))

    def _take(self, commands: list[Command]) -> list[Command]:
        for command in commands:
            self.ledger.take(command, self.now)
        self.ledger.look_at_timers(self._held_back())
        return commands

    def _held_back(self) -> dict[TransferID, LinkID | None]:
        """What is listed and not announced yet, and over which link it will be."""
        transfers = self.program._transfers
        speakers = {one: transfers._outgoing[one].speaker for one in transfers._held_back}
        return {one: None if speaker is None else speaker.id for one, speaker in speakers.items()}

    def next_timer(self) -> tuple[float, Timer] | None:
        """The timer that fires next."""
        return min(
            ((at, timer) for timer, at in self.ledger.timers.items()),
            key=lambda pair: pair[0],
            default=None,
        )

    def advance(self, seconds: float) -> list[Command]:
        """Let time pass; every timer fires when it is due."""
        until = self.now + seconds
        commands: list[Command] = []
        while (due := self.next_timer()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            commands += self.do(TimerFired(due[1]))
        self.now = until
        return commands

    def sleep(self, seconds: float) -> list[Command]:
        """The machine under the program slept: time passed, and only now the timers fire that are
        overdue.
        """
        self.now += seconds
        return self.advance(0)

    def told(self, kind: type[Status]) -> list[Status]:
        """All statuses of a kind, oldest first."""
        return [status for status in self.ledger.statuses if isinstance(status, kind)]


def published(commands: list[Command]) -> list[Status]:
    """What people are told by these commands."""
    return [command.status for command in commands if isinstance(command, Publish)]


def sent(commands: list[Command], connection: ConnectionID | None = None) -> list[Message]:
    """What goes out on a WebSocket by these commands."""
    return [
        command.message
        for command in commands
        if isinstance(command, Send) and connection in (None, command.connection)
    ]


def reasons(commands: list[Command]) -> list[Reason]:
    """The problems that people are told by these commands."""
    return [status.problem.reason for status in published(commands) if isinstance(status, Trouble)]


def errors(commands: list[Command]) -> list[str]:
    """The codes of the wire's `error` messages among these commands."""
    return [message.code for message in sent(commands) if isinstance(message, ErrorMessage)]


def socket_timer(connection: ConnectionID) -> Timer:
    """The clock of a socket that is not approved yet."""
    return Timer(TimerName.SOCKET, f"socket-{connection}")


def challenge_timer(connection: ConnectionID) -> Timer:
    """The clock of a challenge."""
    return Timer(TimerName.CHALLENGE, f"socket-{connection}")


def _is_socket_timer(command: Command) -> bool:
    return isinstance(command, SetTimer | CancelTimer) and command.timer.name is TimerName.SOCKET


@dataclass
class Prove:
    """A guest with bare hands that knows a code: its proof step by step, and its MACs once the host
    has challenged.
    """

    connection: ConnectionID
    target: JoinTarget
    proof: GuestProof
    keys: ProofKeys | None = None
    macs: SignalMacs | None = None

    @property
    def request(self) -> PairRequest:
        return PairRequest(self.target.session_id, PHONE, self.proof.auth)

    @property
    def agreed(self) -> ProofKeys:
        """Its keys, once it was challenged."""
        assert self.keys is not None
        return self.keys

    def confirm(self, challenge: Auth) -> PairConfirm:
        self.keys = self.proof.finish(challenge)
        self.macs = SignalMacs(self.keys, Side.GUEST)
        return PairConfirm(self.target.session_id, tag_auth(self.keys.guest_tag()))

    def signal(self, payload: Description | Candidate) -> Signal:
        assert self.macs is not None
        return Signal(self.target.session_id, payload, self.macs.seal(payload))


class HostBench(Bench):
    """A hosting program with bare sockets in the script's hand.

    The clocks of its sockets run, but `do` leaves them out of what it returns:
    tests/core/test_door.py is about them.
    """

    def __init__(
        self,
        first: Invite = ONE_TIME,
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

    def do(self, event: ProgramEvent) -> list[Command]:
        """Report an event; what the program commands."""
        return [command for command in super().do(event) if not _is_socket_timer(command)]

    def listen(self, *networks: Network) -> list[Command]:
        """The network appears (or changes) and the server listens where the host wants it to."""
        before = self.ledger.listening
        commands = self.do(NetworksSeen(networks or (ETHERNET,)))
        wanted = self.ledger.listening
        if wanted is not None and wanted != before:
            commands += self.do(Listening(wanted, PORT))
        return commands

    @property
    def shown(self) -> Invitation:
        """The code on the screen."""
        assert self.ledger.invitation is not None
        return self.ledger.invitation

    @property
    def link(self) -> LinkID:
        """The newest link."""
        return next(reversed(self.ledger.links))

    def connect(self, address: str = GUEST_ADDRESS) -> ConnectionID:
        """A guest's WebSocket opens."""
        connection = ConnectionID(next(self._connections))
        assert self.do(ConnectionOpened(connection, address)) == []
        return connection

    def say(self, connection: ConnectionID, message: Message | str) -> list[Command]:
        """A guest says something."""
        text = message if isinstance(message, str) else dump_message(message)
        return self.do(FrameReceived(connection, text))

    def ask(self, connection: ConnectionID, session_id: str | None = None) -> list[Command]:
        """A guest asks to join; by the session shown where no other is named."""
        return self.say(connection, PairRequest(session_id or self.shown.session_id, PHONE))

    def prover_of(
        self,
        address: str = GUEST_ADDRESS,
        *,
        by_code: bool = True,
        knows: bool = True,
        connection: ConnectionID | None = None,
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

    def challenged(self, guest: Prove) -> Auth:
        """The guest asks and is challenged."""
        (challenge,) = sent(self.say(guest.connection, guest.request))
        assert isinstance(challenge, PairChallenge)
        return challenge.auth

    def prove(self, address: str = GUEST_ADDRESS, *, by_code: bool = True) -> Prove:
        """A guest has proved itself, and its prompt is shown."""
        guest = self.prover_of(address, by_code=by_code)
        self.say(guest.connection, guest.confirm(self.challenged(guest)))
        return guest

    def approve(self, guest: Prove) -> LinkID:
        """The person lets in who asks by the code shown; the new link."""
        session_id = self.shown.session_id
        self.do(Decide(session_id, approved=True, number=self.ledger.prompts[session_id].number))
        return self.link

    def asked(self, session_id: str | None = None) -> tuple[ConnectionID, str]:
        """A guest has asked: its socket and the session's id."""
        connection = self.connect()
        self.ask(connection, session_id)
        return connection, next(reversed(self.ledger.prompts))

    def approved(self, session_id: str | None = None) -> tuple[ConnectionID, str, LinkID]:
        """A guest was approved: its socket, the session's id, its link."""
        connection, session = self.asked(session_id)
        self.do(Decide(session, approved=True, number=self.ledger.prompts[session].number))
        return connection, session, self.link

    def answered(self, session_id: str | None = None) -> tuple[ConnectionID, str, LinkID]:
        """Descriptions are exchanged."""
        connection, session, link = self.approved(session_id)
        self.say(connection, Signal(session_id or session, OFFER))
        self.do(PeerDescribed(link, SDPType.ANSWER, ANSWER.sdp))
        return connection, session, link

    def linked(self, session_id: str | None = None) -> tuple[ConnectionID, str, LinkID]:
        """The link is open."""
        connection, session, link = self.answered(session_id)
        self.do(ChannelOpened(link, 1, CONTROL_LABEL))
        return connection, session, link


def refused(connection: ConnectionID, reason: Reason, session_id: str | None = None) -> Command:
    """The error that a guest gets."""
    return refusal(connection, reason, session_id)


# --- two programs ---------------------------------------------------------------------------------


@dataclass
class _Wire:
    """A WebSocket between the two."""

    guest: ConnectionID
    host: ConnectionID
    open: bool = True


@dataclass
class _Peers:
    """A WebRTC connection between the two, known by its offer."""

    guest: LinkID
    host: LinkID | None = None
    open: bool = False


@dataclass(eq=False)
class _Lane:
    """A lane between the two."""

    guest: LinkID
    host: LinkID
    open: bool = True
    closed_by: set[LinkID] = field(default_factory=set)

    def other(self, link: LinkID) -> LinkID:
        return self.host if link == self.guest else self.guest


@dataclass(eq=False)
class _Bytes:
    """A message of a transfer's stream, on its way."""

    link: LinkID  # at the receiver
    channel: int
    command: StartSending
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
    current: dict[LinkID, _Lane] = field(default_factory=dict)
    _expected: dict[bytes, ExpectLane] = field(default_factory=dict)
    _channels: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_STREAM))
    _wires: list[_Wire] = field(default_factory=list)
    _peers: list[_Peers] = field(default_factory=list)
    _connections: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.guest = Bench(Program(PHONE, None, self.host.prover))
        self.do(self.host, NetworksSeen((ETHERNET,)))

    # --- for the script ---------------------------------------------------------------------------

    def report(self, to: Bench, event: ProgramEvent) -> None:
        """Something happens to one of the two; what follows from it waits in the queue."""
        for command in to.do(event):
            self._execute(to, command)

    def do(self, to: Bench, event: ProgramEvent) -> None:
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
            if isinstance(event, LaneOpened):
                assert isinstance(delivery.about, _Lane)
                self.current[event.link] = delivery.about
            elif isinstance(event, LaneLost):
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
            self.do(bench, TimerFired(timer))
        self.host.now = self.guest.now = until

    def join(self) -> LinkID:
        """The person at the guest types the host's code."""
        code = self.host.shown.code
        assert code is not None
        self.do(self.guest, Join(parse_target(code)))
        return next(reversed(self.guest.ledger.links), LinkID("none"))

    def decide(self, *, approved: bool) -> None:
        """The person at the host answers the one prompt."""
        ((session_id, prompt),) = self.host.ledger.prompts.items()
        self.do(self.host, Decide(session_id, approved, prompt.number))

    def link_up(self) -> LinkID:
        """Join, approve, and all that follows; the guest's link."""
        link = self.join()
        self.decide(approved=True)
        return link

    def status(self, side: Bench) -> LinkStatus:
        """The newest status of the newest link, as one side's people are told."""
        return next(
            status for status in reversed(side.ledger.statuses) if isinstance(status, LinkStatus)
        )

    def texts(self, side: Bench) -> list[str]:
        """The texts that one side received."""
        return [status.text for status in side.ledger.statuses if isinstance(status, TextReceived)]

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
                if status.direction is Direction.IN and status.state is TransferState.ANNOUNCED:
                    self.report(side, AcceptTransfer(transfer))

    def transfers(self, side: Bench) -> list[TransferStatus]:
        """What one side's people are told of transfers, each once, oldest first."""
        return list(side.ledger.transfers.values())

    # --- the world's side -------------------------------------------------------------------------

    def _is_due(self, delivery: _Delivery) -> bool:
        """Whether it can still happen: nothing is heard of a socket that is gone or a peer that is
        closed.
        """
        ledger = delivery.to.ledger
        match delivery.event:
            case ConnectionOpened(connection) | DialFailed(connection) if delivery.to is self.guest:
                return connection in ledger.dials
            case FrameReceived(connection) | ConnectionLost(connection):
                return connection in ledger.sockets
            case LaneOpened(link):
                assert isinstance(delivery.about, _Lane)
                return link not in delivery.about.closed_by
            case LaneLost(link) if delivery.about is None:
                return link in ledger.lanes_dialled
            case LaneLost(link) | ChannelMessage(link, channel=-1) | _Bytes(link, channel=-1):
                return self.current.get(link) is delivery.about
            case (
                PeerDescribed(link)
                | ChannelOpened(link)
                | ChannelMessage(link)
                | PeerFailed(link)
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

    def _execute(self, by: Bench, command: Command) -> None:
        match command:
            case Listen(address):
                self._drop_guests()
                self._tell(by, Listening(address, PORT))
            case StopListening():
                self._drop_guests()
            case Dial(connection, url):
                self._dial(connection, url)
            case Send(connection, message):
                self._send(by, connection, dump_message(message))
            case CloseConnection(connection):
                for wire in self._wires:
                    if connection == (wire.host if by is self.host else wire.guest):
                        self._close(wire)
            case OpenPeer(link, offerer) if offerer:
                self._peers.append(_Peers(link))
                self._tell(by, PeerDescribed(link, SDPType.OFFER, sdp(f"offer of {link}")))
            case ApplyDescription(link, SDPType.OFFER, text):
                self._pair(sdp_name(text).removeprefix("offer of ")).host = link
                self._tell(by, PeerDescribed(link, SDPType.ANSWER, ANSWER.sdp))
            case ApplyDescription(link):
                self._open(self._pair(link))
            case SendOnChannel(link, channel, text):
                self._send_on_channel(link, channel, text)
            case ClosePeer(link):
                self._close_peer(link)
            case ExpectLane(_, token):
                self._expected[token] = command
            case DialLane():
                self._dial_lane(command)
            case CloseLane(link):
                self._close_lane(link)
            case _:
                self._execute_on_disk(by, command)

    # --- lanes

    def _side(self, link: LinkID) -> Bench:
        return self.guest if link.startswith("guest-") else self.host

    def _dial_lane(self, command: DialLane) -> None:
        parts = urlsplit(command.url)
        there = self.reachable and self.lanes_work and parts.hostname == self.host.ledger.listening
        expected = self._expected.pop(command.token, None) if there else None
        if expected is None or parts.path != "/lane":
            self._tell(self.guest, LaneLost(command.link))
            return
        assert expected.key == command.key
        lane = _Lane(command.link, expected.link)
        for link in (lane.host, lane.guest):
            self._tell(self._side(link), LaneOpened(link, command.carries_link), lane)

    def _close_lane(self, link: LinkID) -> None:
        self._expected = {token: one for token, one in self._expected.items() if one.link != link}
        waiting = [one.about for one in self.queue if isinstance(one.event, LaneOpened)]
        for lane in {*self.current.values(), *(one for one in waiting if isinstance(one, _Lane))}:
            if link in (lane.guest, lane.host):
                lane.closed_by.add(link)
                self._cut(lane)

    def _cut(self, lane: _Lane) -> None:
        for link in (lane.guest, lane.host):
            if lane.open or link in lane.closed_by:  # nobody is told of the end of a network
                self._tell(self._side(link), LaneLost(link), lane)
        lane.open = False

    # --- disks

    def _disk_answers(self, side: Bench, sink: FakeSink | None = None) -> None:
        while side.disk.answers:
            answer: DiskEvent = side.disk.answers.popleft()
            self._tell(side, answer, None if isinstance(answer, SinkFinished) else sink)

    def _execute_on_disk(self, side: Bench, command: Command) -> None:
        disk = side.disk
        match command:
            case ListSources():
                disk.answers.append(disk.look(command))
                self._disk_answers(side)
            case StartSending():
                self._stream(command)
            case OpenSink(transfer):
                disk.sinks[transfer] = FakeSink(disk, command)
                self._disk_answers(side, disk.sinks[transfer])
            case TakeStream(transfer):
                disk.sinks[transfer].take(command)
            case HoldSink(transfer):
                disk.sinks[transfer].hold()
                self._disk_answers(side, disk.sinks[transfer])
            case CloseSink(transfer, keep):
                disk.sinks.pop(transfer, None)
                if not keep:
                    disk.kept.pop(transfer, None)
            case _:
                pass

    def _stream(self, command: StartSending) -> None:
        sender = self._side(command.link)
        lane = self.current.get(command.link) if command.via is Via.LANE else None
        other = self._other_end(command.link)
        if lane is not None and lane.open:
            link, channel = lane.other(command.link), LANE_CHANNEL
        elif command.via is Via.WEBRTC and other is not None:
            link, channel = other[1], next(self._channels)
            label = f"files/{command.transfer}/{command.generation}"
            self._tell(self._side(link), ChannelOpened(link, channel, label))
        else:
            return  # the way broke meanwhile, of which the machine is told
        for records in sender.disk.read(command):
            self._tell(self._side(link), _Bytes(link, channel, command, records), lane)

    # --- sockets and peers

    def _dial(self, connection: ConnectionID, url: str) -> None:
        if not self.reachable:
            return
        parts = urlsplit(url)
        if (
            parts.hostname is None
            or parts.hostname != self.host.ledger.listening
            or parts.port != PORT
        ):
            self._tell(self.guest, DialFailed(connection, Reason.REFUSED))
            return
        wire = _Wire(connection, ConnectionID(next(self._connections)))
        self._wires.append(wire)
        self._tell(self.host, ConnectionOpened(wire.host, GUEST_ADDRESS))
        self._tell(self.guest, ConnectionOpened(wire.guest, parts.hostname))

    def _send(self, by: Bench, connection: ConnectionID, text: str) -> None:
        self.frames.append(("host" if by is self.host else "guest", text))
        for wire in self._wires:
            if wire.open and by is self.host and wire.host == connection:
                self._tell(self.guest, FrameReceived(wire.guest, text))
            elif wire.open and by is self.guest and wire.guest == connection:
                self._tell(self.host, FrameReceived(wire.host, text))

    def _close(self, wire: _Wire) -> None:
        if wire.open:
            wire.open = False
            self._tell(self.host, ConnectionLost(wire.host))
            self._tell(self.guest, ConnectionLost(wire.guest))

    def _drop_guests(self) -> None:
        for wire in self._wires:
            self._close(wire)

    def _pair(self, guest_link: str) -> _Peers:
        return next(peers for peers in self._peers if peers.guest == guest_link)

    def _open(self, peers: _Peers) -> None:
        if self.udp and peers.host is not None:
            peers.open = True
            self._tell(self.guest, ChannelOpened(peers.guest, 0, CONTROL_LABEL))
            self._tell(self.host, ChannelOpened(peers.host, 0, CONTROL_LABEL))

    def _other_end(self, link: LinkID) -> tuple[Bench, LinkID] | None:
        for peers in self._peers:
            if peers.open and peers.host is not None and link in (peers.guest, peers.host):
                return (self.host, peers.host) if link == peers.guest else (self.guest, peers.guest)
        return None

    def _send_on_channel(self, link: LinkID, channel: int, text: str) -> None:
        if channel == LANE_CHANNEL:
            lane = self.current.get(link)
            if lane is not None and lane.open:
                self._tell(
                    self._side(lane.other(link)),
                    ChannelMessage(lane.other(link), channel, text),
                    lane,
                )
            return
        other = self._other_end(link)
        if other is not None and channel < FIRST_STREAM:
            self._tell(other[0], ChannelMessage(other[1], channel, text))

    def _close_peer(self, link: LinkID) -> None:
        other = self._other_end(link)
        if other is not None:
            self._tell(other[0], PeerFailed(other[1], Reason.PEER_LEFT))
        for peers in self._peers:
            if link in (peers.guest, peers.host):
                peers.open = False


def candidate_signal(session_id: str, line: str = LINE) -> Signal:
    """A guest's candidate with its W3C companions."""
    return Signal(session_id, Candidate(line, "0", 0))
