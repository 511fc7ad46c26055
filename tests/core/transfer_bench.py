"""Two `Transfers` joined by links that reorder, break and come back, with a model of each side's
disk.

Nothing happens by itself: `steps()` are all things that may happen next, and a test takes them in
any order. Control messages of a link stay in order; every stream has a queue of its own. A disk
outlives its program.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from proxim.core.commands import (
    Acknowledge,
    CancelTimer,
    CloseLane,
    CloseSink,
    Command,
    HoldSink,
    KeepSources,
    ListSources,
    OpenSink,
    Publish,
    SendOnChannel,
    SetTimer,
    StartSending,
    StopSending,
    TakeStream,
)
from proxim.core.errors import Reason
from proxim.core.events import LANE_CHANNEL, LinkID, Timer, TimerFired
from proxim.core.file_events import (
    AcceptTransfer,
    CancelTransfer,
    DiskEvent,
    RetryTransfer,
    SendingFailed,
    SendPaths,
    SinkFailed,
    SinkFinished,
    SinkHeld,
    SinkReady,
    SinkWrote,
    SourcesFailed,
    SourcesListed,
    StoredTransfer,
    TransfersFound,
)
from proxim.core.file_messages import FILE_READERS, FileMessage, file_fields
from proxim.core.incoming import Incoming, IncomingState
from proxim.core.manifest import (
    Direction,
    Entry,
    FailedFile,
    Partial,
    Position,
    TransferID,
    indices,
    spans,
)
from proxim.core.outgoing import Outgoing, OutgoingState
from proxim.core.status import TransferStatus, Trouble, Via
from proxim.core.transfer_inputs import AcceptPolicy
from proxim.core.transfers import MAX_MOVING, MAX_REMEMBERED, MAX_UNDECIDED, Transfers

ASKING = AcceptPolicy()
CHUNK = 4  # bytes of a DATA record here
Record = tuple[str, int, object]  # kind, file, and an offset, bytes, a digest or a reason
Step = Callable[[], None]


@dataclass
class FakeSpeaker:
    """One side's end of a link."""

    id: LinkID
    peer_name: str | None = "the other"
    lane_open: bool = False
    lane_beside: bool = True
    lane_pending: bool = False
    lanes_wanted: int = 0
    proved: bool = True

    @property
    def binding(self) -> bytes:
        return self.id.encode() if self.proved else b""

    def say(self, message: FileMessage) -> Command:
        return SendOnChannel(self.id, 0, json.dumps(file_fields(message)))

    def want_lane(self) -> list[Command]:
        self.lanes_wanted += 1
        return []


def heard(text: str) -> FileMessage:
    fields = json.loads(text)
    return FILE_READERS[fields["type"]](fields)


@dataclass
class Kept:
    """What a disk has of an incoming transfer."""

    entries: tuple[Entry, ...]
    declined: frozenset[int]
    peer_name: str | None
    whole: set[int] = field(default_factory=set)
    parts: dict[int, bytes] = field(default_factory=dict)


class FakeSink:
    """An open sink: takes records, and answers as proxim.net does."""

    def __init__(self, disk: "Disk", command: OpenSink) -> None:
        self.disk = disk
        self.id = command.transfer
        self.way: tuple[LinkID, int, int] | None = None
        self.generation = 0
        self.written = 0
        self.ended = False
        self.failed: dict[int, Reason] = {}
        kept = disk.kept.get(self.id)
        if kept is None or kept.entries != command.entries:
            kept = Kept(command.entries, frozenset(command.declined), command.peer_name)
        self.kept = disk.kept[self.id] = kept
        self.current: tuple[int, int] | None = (
            None  # a file that has begun in this attempt, and its bytes so far
        )
        self._done = -1  # every wanted file up to it has come to its end
        whole = (
            kept.declined | kept.whole | {i for i, one in enumerate(kept.entries) if one.directory}
        )
        parts = {index: part for index, part in kept.parts.items() if part}
        self.wanted = [index for index in range(len(kept.entries)) if index not in whole]
        if disk.full:
            self.end(SinkFailed(self.id, Reason.DISK_FULL))
            return
        partials = tuple(
            Partial(i, len(part), hashlib.sha256(part).digest())
            for i, part in sorted(parts.items())
        )
        self.answer(SinkReady(self.id, spans(sorted(whole)), partials))
        self.look_whether_finished()

    def answer(self, event: DiskEvent) -> None:
        if not self.ended:
            self.disk.answers.append(event)

    def end(self, event: DiskEvent) -> None:
        self.answer(event)
        self.ended = True

    @property
    def position(self) -> Position:
        if self.current is not None:
            return Position(*self.current)
        return Position(
            next((index for index in self.wanted if index > self._done), len(self.kept.entries)), 0
        )

    def take(self, command: TakeStream) -> None:
        assert command.generation == self.generation or not self.written, (
            "a new generation without a hold"
        )
        self.way, self.generation = (
            (command.link, command.channel, command.generation),
            command.generation,
        )

    def hold(self) -> None:
        self.way = None
        self.answer(SinkHeld(self.id, self.position))
        self.written = 0
        self.generation = -1  # until the next TakeStream

    def feed(self, way: tuple[LinkID, int, int], message: list[Record]) -> None:
        if way != self.way or self.ended:
            return
        if self.disk.full:
            self.end(SinkFailed(self.id, Reason.DISK_FULL))
            return
        for record in message:
            if not self._write(*record):
                self.end(SinkFailed(self.id, Reason.TRANSFER_FAILED))
                return
        self.answer(SinkWrote(self.id, self.generation, self.written))
        self.look_whether_finished()

    def _write(self, kind: str, file: int, what: object) -> bool:
        if (
            file not in self.wanted
            or file <= self._done
            or (self.current is not None and self.current[0] != file)
        ):
            return False
        have = self.kept.parts.get(file, b"")
        if kind == "start":
            assert isinstance(what, int)
            if what > len(have) or (self.current is not None and self.current[1] != what):
                return False
            self.kept.parts[file] = have[:what]
            self.current = (file, what)
            return True
        if self.current is None:
            have = self.kept.parts[file] = b""
        if kind == "data":
            assert isinstance(what, bytes)
            self.written += len(what)
            self.kept.parts[file] = have + what
            self.current = (file, len(have) + len(what))
            return len(have + what) <= self.kept.entries[file].size
        self.current, self._done = None, file
        part = self.kept.parts.pop(file, b"")
        if kind == "failed":
            assert isinstance(what, Reason)
            self.failed[file] = what
        elif hashlib.sha256(part).digest() == what and len(part) == self.kept.entries[file].size:
            self.kept.whole.add(file)
            self.disk.arrived.setdefault(self.id, {})[self.kept.entries[file].path] = part
        else:
            self.failed[file] = Reason.FILE_DAMAGED
        return True

    def look_whether_finished(self) -> None:
        if all(index <= self._done for index in self.wanted):
            failed = tuple(
                FailedFile(index, reason) for index, reason in sorted(self.failed.items())
            )
            self.end(SinkFinished(self.id, failed, "folder", None))
            self.disk.finished.append((self.id, self.kept.entries, self.kept.declined, failed))


@dataclass
class Stream:
    """One on its way: what the sender has put there, and what it has not read yet."""

    link: "FakeLink"
    sender: "Side"
    command: StartSending
    lane: int | None
    messages: deque[list[Record]]
    channel: int = 0
    opened: bool = False  # at the receiver
    refused: bool = False
    running: bool = True


class Disk:
    """What outlives the program."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, int]] = {}  # path: bytes and version
        self.versions: dict[tuple[str, int], bytes] = {}
        self.sources: dict[TransferID, tuple[tuple[Entry, ...], str | None]] = {}
        self.listed: dict[TransferID, tuple[Entry, ...]] = {}
        self.kept: dict[TransferID, Kept] = {}
        self.arrived: dict[TransferID, dict[str, bytes]] = {}
        self.finished: list[
            tuple[TransferID, tuple[Entry, ...], frozenset[int], tuple[FailedFile, ...]]
        ] = []
        self.sinks: dict[TransferID, FakeSink] = {}
        self.answers: deque[DiskEvent] = deque()
        self.full = False

    def put(self, path: str, content: bytes) -> None:
        version = self.files.get(path, (b"", 0))[1] + 1
        self.files[path] = (content, version)
        self.versions[path, version] = content

    def look(self, command: ListSources) -> DiskEvent:
        entries: list[Entry] = []
        for top in command.paths:
            inside = {path for path in self.files if path == top or path.startswith(top + "/")}
            wanted = sorted(path for path in inside if command.only is None or path in command.only)
            if top not in inside and wanted and command.only is None:
                entries.append(Entry(top, directory=True))
            entries += [
                Entry(path, len(self.files[path][0]), self.files[path][1]) for path in wanted
            ]
        if not entries:
            return SourcesFailed(command.transfer, Reason.FILE_GONE)
        self.listed[command.transfer] = tuple(entries)
        return SourcesListed(command.transfer, tuple(entries))

    def read(self, command: StartSending) -> Iterator[list[Record]]:
        """The messages of a stream."""
        entries = self.listed.get(command.transfer) or self.sources[command.transfer][0]
        skip = set(indices(command.skip))
        partials = {one.index: one for one in command.partial}
        for index in range(command.position.index, len(entries)):
            entry = entries[index]
            if index in skip or entry.directory:
                continue
            content, version = self.files.get(entry.path, (b"", 0))
            if version != entry.modified:
                yield [("failed", index, Reason.FILE_CHANGED)]
                continue
            offset = command.position.offset if index == command.position.index else 0
            if not offset and index in partials:
                known = partials[index]
                same = hashlib.sha256(content[: known.offset]).digest() == known.sha256
                offset = known.offset if same else 0
                yield [("start", index, offset)]
            elif offset:
                yield [("start", index, offset)]
            for start in range(offset, len(content), CHUNK):
                yield [("data", index, content[start : start + CHUNK])]
            yield [("end", index, hashlib.sha256(content).digest())]

    def stored(self) -> tuple[StoredTransfer, ...]:
        out = [StoredTransfer(one, Direction.OUT, *kept) for one, kept in self.sources.items()]
        return (
            *out,
            *(
                StoredTransfer(one, Direction.IN, kept.entries, kept.peer_name)
                for one, kept in self.kept.items()
            ),
        )


class Side:
    """One program with its disk."""

    def __init__(self, bench: "Bench", name: str, policy: AcceptPolicy) -> None:
        self.bench = bench
        self.name = name
        self.policy = policy
        self.disk = Disk()
        # What the person accepted
        self.agreed: dict[TransferID, tuple[tuple[Entry, ...], tuple[int, ...]]] = {}
        self.declined: dict[TransferID, tuple[int, ...]] = {}
        self.told: dict[TransferID, TransferStatus] = {}
        self.troubles: list[Reason] = []
        self.always = False  # the person accepts what comes unseen
        self.acknowledged: list[Acknowledge] = []
        self.timers: set[Timer] = set()
        self.commands: list[Command] = []
        self.begin()

    def begin(self) -> None:
        self.transfers = Transfers(self.bench.token_bytes, self.policy)
        self.speakers: dict[LinkID, FakeSpeaker] = {}

    @property
    def other(self) -> "Side":
        return self.bench.right if self is self.bench.left else self.bench.left

    @property
    def out(self) -> dict[TransferID, Outgoing]:
        return self.transfers._outgoing

    @property
    def incoming(self) -> dict[TransferID, Incoming]:
        return self.transfers._incoming

    @property
    def speaker(self) -> FakeSpeaker:
        return self.speakers[self.bench.link.id]

    # --- events -----------------------------------------------------------------------------------

    def send(self, *paths: str) -> None:
        self.run(self.transfers.intent(SendPaths(self.bench.link.id, paths), self.bench.now))

    def accept(
        self,
        transfer: TransferID,
        declined: tuple[int, ...] = (),
        *,
        directory: str | None = None,
        always: bool = False,
    ) -> None:
        self.always = self.always or always
        self.declined[transfer] = declined
        entries = self.incoming[transfer].status.entries
        self.agreed[transfer] = (
            entries,
            tuple(one for one in sorted(declined) if one < len(entries)),
        )
        self.run(
            self.transfers.intent(
                AcceptTransfer(transfer, declined, directory, always), self.bench.now
            )
        )

    def cancel(self, transfer: TransferID) -> None:
        if transfer in self.incoming and self.incoming[transfer].alive:
            self.agreed.pop(transfer, None)
        self.run(self.transfers.intent(CancelTransfer(transfer), self.bench.now))

    def retry(self, transfer: TransferID) -> None:
        self.run(self.transfers.intent(RetryTransfer(transfer), self.bench.now))

    def hear(self, speaker: FakeSpeaker, message: FileMessage) -> None:
        self.run(self.transfers.message(speaker, message, self.bench.now))

    def answer(self) -> None:
        self.run(self.transfers.disk(self.disk.answers.popleft(), self.bench.now))

    def fire(self, timer: Timer) -> None:
        self.timers.remove(timer)
        self.run(self.transfers.timer(TimerFired(timer), self.bench.now))

    def lane(self, *, is_open: bool) -> None:
        self.speaker.lane_open = is_open
        self.run(self.transfers.lane_changed(self.bench.link.id, self.bench.now))

    def restart(self) -> None:
        """The program is killed and started again; its disk stays."""
        self.bench.link.broken = True
        for stream in self.bench.streams:
            if stream.sender is self:
                stream.running = False
        self.disk.sinks.clear()
        self.disk.answers.clear()
        self.disk.listed.clear()
        self.timers.clear()
        for one in [
            one for one, kept in self.disk.kept.items() if not kept.whole and not kept.parts
        ]:
            del self.disk.kept[one]  # of it nothing came
        self.begin()
        if self.disk.stored():
            self.disk.answers.append(TransfersFound(self.disk.stored()))

    # --- commands ---------------------------------------------------------------------------------

    def run(self, commands: list[Command]) -> None:
        for command in commands:
            self.commands.append(command)
            self.bench.moment()
            match command:
                case SendOnChannel(link, _, text):
                    assert link in self.speakers, "said on a link that is down"
                    self.bench.links[link].control[self.other.name].append(text)
                case Publish(TransferStatus() as status):
                    assert 0 <= status.moved <= max(status.size, 0), status
                    self.told[status.transfer] = status
                case Publish(Trouble(problem)):
                    self.troubles.append(problem.reason)
                case SetTimer(timer):
                    self.timers.add(timer)
                case CancelTimer(timer):
                    self.timers.discard(timer)
                case CloseLane(link):
                    self.bench.links[link].lane = None
                case Acknowledge():
                    self.acknowledged.append(command)
                case _:
                    self._disk(command)
        self.bench.check()

    def _disk(self, command: Command) -> None:
        disk = self.disk
        match command:
            case ListSources():
                disk.answers.append(disk.look(command))
            case KeepSources(transfer, peer_name):
                if transfer in disk.listed:
                    disk.sources[transfer] = (disk.listed[transfer], peer_name)
            case StartSending(transfer):
                self.stop(transfer)
                self.bench.start(self, command)
            case StopSending(transfer, forget):
                self.stop(transfer)
                if forget:
                    disk.sources.pop(transfer, None)
                    disk.listed.pop(transfer, None)
            case OpenSink(transfer):
                assert transfer not in disk.sinks, "this transfer has its sink"
                self.check_agreed(command)
                disk.sinks[transfer] = FakeSink(disk, command)
            case TakeStream(transfer):
                if transfer in disk.sinks:
                    disk.sinks[transfer].take(command)
            case HoldSink(transfer):
                disk.sinks[transfer].hold()
            case CloseSink(transfer, keep):
                sink = disk.sinks.pop(transfer, None)
                # Sinks say nothing any more; a program's answers about other things stay.
                mine = (SinkReady, SinkFailed, SinkWrote, SinkHeld)
                kept = [
                    one
                    for one in disk.answers
                    if not (isinstance(one, mine) and one.transfer == transfer)
                ]
                disk.answers = deque(kept)
                if not keep or (
                    sink is not None and any(one[0] == transfer for one in disk.finished)
                ):
                    disk.kept.pop(transfer, None)
            case _:
                raise AssertionError(command)

    def check_agreed(self, command: OpenSink) -> None:
        """Nothing is written that was not accepted."""
        kept = self.disk.kept.get(command.transfer)
        automatic = self.policy.without_asking or self.always
        if command.transfer in self.agreed:
            assert self.agreed[command.transfer][0] == command.entries
            by_now = kept.declined if kept is not None else frozenset(command.declined)
            assert set(self.agreed[command.transfer][1]) <= by_now | set(command.declined)
        else:
            assert automatic, "nobody accepted this"

    def stop(self, transfer: TransferID) -> None:
        for stream in self.bench.streams:
            if stream.sender is self and stream.command.transfer == transfer and stream.running:
                stream.running = False
                stream.messages = deque(list(stream.messages)[:1])  # what is on its way already
        old = [
            one
            for one in self.disk.answers
            if isinstance(one, SendingFailed) and one.transfer == transfer
        ]
        for one in old:
            self.disk.answers.remove(one)


@dataclass
class FakeLink:
    """One link: its control queues by who hears them, and the lane that there is now."""

    id: LinkID
    control: dict[str, deque[str]]
    broken: bool = False
    lane: int | None = None
    lanes: dict[str, int | None] = field(default_factory=dict)  # which one each side knows


class Bench:
    """See the module."""

    def __init__(self, policy: AcceptPolicy = ASKING) -> None:
        self.now = 0.0
        self.tokens = 0
        self.lane_numbers = 0
        self.streams: list[Stream] = []
        self.links: dict[LinkID, FakeLink] = {}
        self.left = Side(self, "left", AcceptPolicy())
        self.right = Side(self, "right", policy)
        self.new_link()

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.left, self.right

    def token_bytes(self, length: int) -> bytes:
        self.tokens += 1
        return self.tokens.to_bytes(length, "big")

    def moment(self) -> None:
        self.now += 0.01

    # --- links and lanes --------------------------------------------------------------------------

    def new_link(self) -> None:
        """The one before is broken; who has not noticed yet will."""
        for old in self.links.values():
            old.broken = True
        link = LinkID(f"link-{len(self.links)}")
        self.links[link] = FakeLink(link, {side.name: deque() for side in self.sides})
        self.link = self.links[link]

    def linked(self) -> "Bench":
        """Both have greeted."""
        for side in self.sides:
            self.link_up(side)
        return self

    def link_up(self, side: Side) -> None:
        side.speakers[self.link.id] = FakeSpeaker(self.link.id)
        side.run(side.transfers.link_up(side.speaker, self.now))

    def link_down(self, side: Side, link: LinkID) -> None:
        self.links[link].broken = True
        del side.speakers[link]
        side.run(side.transfers.link_down(link, self.now))

    def relink(self) -> None:
        """The link dies, both notice, and another comes."""
        for side in self.sides:
            for link in list(side.speakers):
                self.link_down(side, link)
        self.new_link()
        self.linked()

    def make_lane(self) -> None:
        self.lane_numbers += 1
        self.link.lane = self.lane_numbers

    def break_lane(self) -> None:
        self.link.lane = None

    def lane_seen(self, side: Side) -> bool:
        """Whether the side knows of the lane what is the case."""
        return self.link.lanes.get(side.name) == self.link.lane

    def see_lane(self, side: Side) -> None:
        if self.link.lanes.get(side.name) is not None:
            self.link.lanes[side.name] = None
            side.lane(is_open=False)
        else:
            self.link.lanes[side.name] = self.link.lane
            side.lane(is_open=True)

    def lanes(self) -> None:
        """A lane opens, and both see it."""
        self.make_lane()
        for side in self.sides:
            self.see_lane(side)

    # --- streams ----------------------------------------------------------------------------------

    def start(self, sender: Side, command: StartSending) -> None:
        link = self.links[command.link]
        if link.broken:
            return
        lane = None
        if command.via is Via.LANE:
            lane = link.lanes.get(sender.name)
            if lane is None or lane != link.lane:
                return  # it broke meanwhile, of which the machine is told
        messages = deque(sender.disk.read(command))
        self.streams.append(
            Stream(link, sender, command, lane, messages, channel=len(self.streams) + 1)
        )

    def fault(self, sender: Side, which: int) -> None:
        """A stream of this side breaks off."""
        running = [one for one in self.streams if one.sender is sender and one.running]
        if running:
            stream = running[which % len(running)]
            stream.messages.clear()
            sender.disk.answers.append(
                SendingFailed(stream.command.transfer, stream.command.generation)
            )

    def lost(self, stream: Stream) -> bool:
        """Whether nothing more of it can arrive."""
        gone = stream.link.broken or stream.refused or not (stream.messages or not stream.opened)
        return gone or (stream.lane is not None and stream.lane != stream.link.lane)

    def deliver(self, stream: Stream) -> None:
        receiver = stream.sender.other
        command = stream.command
        if stream.lane is None and not stream.opened:
            label = f"files/{command.transfer}/{command.generation}"
            commands = receiver.transfers.channel_opened(
                stream.link.id, stream.channel, label, self.now
            )
            stream.opened, stream.refused = True, commands is None
            receiver.run(commands or [])
            return
        stream.opened = True
        if not stream.messages:
            return
        message = stream.messages.popleft()
        channel = LANE_CHANNEL if stream.lane is not None else stream.channel
        sink = receiver.disk.sinks.get(command.transfer)
        if sink is not None:
            sink.feed((stream.link.id, channel, command.generation), message)

    # --- what may happen next ---------------------------------------------------------------------

    def steps(self) -> list[Step]:
        found: list[Step] = []
        for side in self.sides:
            if self.link.id not in side.speakers and not self.link.broken:
                found.append(partial(self.link_up, side))
            for link in side.speakers:
                if self.links[link].broken:
                    found.append(partial(self.link_down, side, link))
                elif self.links[link].control[side.name]:
                    found.append(partial(self.deliver_control, side, link))
            if self.link.id in side.speakers and not self.link.broken and not self.lane_seen(side):
                found.append(partial(self.see_lane, side))
            if side.disk.answers:
                found.append(side.answer)
        self.streams = [
            one
            for one in self.streams
            if not (self.lost(one) and (one.link.broken or not one.running))
        ]
        for stream in self.streams:
            receiver = stream.sender.other
            if self.lost(stream) or stream.link.id not in receiver.speakers:
                continue
            if stream.lane is None or stream.link.lanes.get(receiver.name) == stream.lane:
                found.append(partial(self.deliver, stream))
        return found

    def deliver_control(self, side: Side, link: LinkID) -> None:
        side.hear(side.speakers[link], heard(self.links[link].control[side.name].popleft()))

    def settle(self, *, accept: bool = False) -> None:
        """Take steps, in turn, until there are none; `accept` whatever is asked meanwhile."""
        for turn in range(20_000):
            steps = self.steps()
            if steps:
                steps[turn % len(steps)]()
                continue
            asked = [(side, one) for side in self.sides for one in side.incoming.values()]
            asked = [(side, one) for side, one in asked if one.state is IncomingState.ASKED]
            if not accept or not asked:
                return
            asked[0][0].accept(asked[0][1].id)
        raise AssertionError("it never comes to rest")

    # --- what always holds ------------------------------------------------------------------------

    def check(self) -> None:
        for side in self.sides:
            moving = [one for one in side.out.values() if one.state is OutgoingState.ACTIVE]
            for link in side.speakers:
                assert (
                    sum(1 for one in moving if one.speaker is not None and one.speaker.id == link)
                    <= MAX_MOVING
                )
            undecided = (IncomingState.ARRIVING, IncomingState.ASKED)
            assert (
                sum(1 for one in side.incoming.values() if one.state in undecided) <= MAX_UNDECIDED
            )
            assert (
                sum(1 for one in side.out.values() if one.state is OutgoingState.OVER)
                <= MAX_REMEMBERED
            )
            assert (
                sum(1 for one in side.incoming.values() if one.state is IncomingState.OVER)
                <= MAX_REMEMBERED
            )
            held_back = set(side.transfers._held_back)
            assert (
                held_back
                <= {timer.scope for timer in side.timers}
                <= {one.id for one in moving} | held_back
            )
            everyone: list[Outgoing | Incoming] = [*side.out.values(), *side.incoming.values()]
            for one in everyone:
                assert one.speaker is None or one.speaker.id in side.speakers
                assert one.speaker is not None or one.id not in held_back, "held back for nobody"
        running = [(one.sender.name, one.command.transfer) for one in self.streams if one.running]
        assert len(running) == len(set(running)), "two streams of one transfer"
        self.check_arrived()

    def check_arrived(self) -> None:
        for side in self.sides:
            for transfer, entries, declined, failed in side.disk.finished:
                missing = {one.index for one in failed} | declined
                for index, entry in enumerate(entries):
                    if entry.directory or index in missing:
                        continue
                    there = side.disk.arrived[transfer][entry.path]
                    assert there == side.other.disk.versions[entry.path, entry.modified or 0]
