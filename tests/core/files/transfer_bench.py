"""Two `Transfers` joined by links that reorder, break and come back, with a model of each side's
disk.

Nothing happens by itself: `steps()` returns everything that may happen next, and a test may take
these steps in any order. Control messages of a link stay in order; every stream has a queue of its
own. A disk survives a restart of its program.

A `Side` knows of its machine only what everybody outside knows: the commands that it gave and the
statuses that it published.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.files.transfers import Transfers, stream_label
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link.messages import dump_link_message
from tests.core.files.disk_model import Disk, FakeSink, Record
from tests.core.files.fake_links import FakeLink, FakePeerLink, heard
from tests.core.files.transfer_rules import check_always

# Tests import the disk's classes from here, too.
__all__ = ["ASKING", "Bench", "Disk", "FakeSink", "Record", "Side", "Step", "Stream"]

ASKING = file_ev.AcceptPolicy()
Step = Callable[[], None]


@dataclass
class Stream:
    """A stream of a transfer, with the messages that the receiver has not read yet."""

    link: "FakeLink"
    sender: "Side"
    command: file_do.StartSending
    lane: int | None
    messages: deque[list[Record]]
    channel: int = 0
    # The receiver has seen the channel open, or has refused it.
    opened: bool = False
    refused: bool = False
    running: bool = True


class Side:
    """One program with its disk."""

    def __init__(self, bench: "Bench", name: str, policy: file_ev.AcceptPolicy) -> None:
        self.bench = bench
        self.name = name
        self.policy = policy
        self.disk = Disk()
        # Whether this side forgets its transfers with the session, as a page does.
        self.session_only = False
        # These are the entries that the person accepted, and the positions that they declined.
        self.agreed: dict[TransferID, tuple[tuple[Entry, ...], tuple[int, ...]]] = {}
        self.declined: dict[TransferID, tuple[int, ...]] = {}
        self.troubles: list[Reason] = []
        # From then on this side accepts transfers without a question.
        self.always = False
        self.acknowledged: list[file_do.Acknowledge] = []
        self.commands: list[do.Command] = []
        self.begin()

    def begin(self) -> None:
        """Reset everything that is known of the program only while it runs."""
        self.transfers = Transfers(self.bench.token_bytes, self.policy)
        self.peer_links: dict[ev.LinkID, FakePeerLink] = {}
        self.told: dict[TransferID, file_st.TransferStatus] = {}
        self.timers: set[ev.Timer] = set()
        # `listing` holds the transfers whose files are looked up and that have no status yet, with
        # the link that they are meant for. `listed` holds those of them whose files the disk has
        # named.
        self.listing: dict[TransferID, ev.LinkID] = {}
        self.listed: set[TransferID] = set()
        # These transfers send, each over this link.
        self.sending: dict[TransferID, ev.LinkID] = {}
        # The announcement of these transfers is not complete yet. It comes over this link.
        self.arriving: dict[TransferID, ev.LinkID] = {}
        # This side ended these transfers and said so, or would have said so.
        self.ended_here: set[TransferID] = set()

    @property
    def other(self) -> "Side":
        return self.bench.right if self is self.bench.left else self.bench.left

    @property
    def peer_link(self) -> FakePeerLink:
        return self.peer_links[self.bench.link.id]

    def told_of(self, direction: Direction) -> dict[TransferID, file_st.TransferStatus]:
        return {key: one for key, one in self.told.items() if one.direction is direction}

    @property
    def out(self) -> dict[TransferID, file_st.TransferStatus]:
        return self.told_of(Direction.OUT)

    @property
    def incoming(self) -> dict[TransferID, file_st.TransferStatus]:
        return self.told_of(Direction.IN)

    @property
    def asked(self) -> list[TransferID]:
        """The transfers that the person is asked about."""
        return [key for key, one in self.incoming.items() if one.needs_answer]

    @property
    def last_listed(self) -> TransferID:
        return [one.transfer for one in self.commands if isinstance(one, file_do.ListSources)][-1]

    # --- events -----------------------------------------------------------------------------------

    def send(self, *paths: str) -> None:
        self.send_over(self.bench.link.id, *paths)

    def send_over(self, link: ev.LinkID, *paths: str) -> None:
        self._look_up(file_ev.SendPaths(link, paths), link)

    def _look_up(
        self, intent: file_ev.SendPaths | file_ev.RetryTransfer, link: ev.LinkID | None
    ) -> None:
        commands = self.transfers.handle(intent, self.bench.now)
        for command in commands:
            if isinstance(command, file_do.ListSources):
                assert link is not None, "nobody to send it to"
                self.listing[command.transfer] = link
        self.run(commands)

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
        entries = self.told[transfer].entries
        left_out = tuple(one for one in sorted(declined) if one < len(entries))
        # A person who leaves out every entry has declined the whole transfer.
        if len(left_out) < len(entries):
            self.agreed[transfer] = (entries, left_out)
        self.run(
            self.transfers.handle(
                file_ev.AcceptTransfer(transfer, declined, directory, always), self.bench.now
            )
        )

    def cancel(self, transfer: TransferID, *, reason: Reason = Reason.DECLINED) -> None:
        told = self.told.get(transfer)
        if told is not None and told.direction is Direction.IN and not told.over:
            self.agreed.pop(transfer, None)
        self.run(self.transfers.handle(file_ev.CancelTransfer(transfer, reason), self.bench.now))
        told = self.told.get(transfer)
        if told is not None and told.state is file_st.TransferState.CANCELLED:
            self.ended_here.add(transfer)

    def retry(self, transfer: TransferID) -> None:
        self._look_up(file_ev.RetryTransfer(transfer), self._link_again(transfer))

    def _link_again(self, transfer: TransferID) -> ev.LinkID | None:
        """Return the link that the transfer went over, or else the only link if there is one."""
        link = None if transfer not in self.told else self.told[transfer].link
        if link not in self.peer_links:
            return next(iter(self.peer_links)) if len(self.peer_links) == 1 else None
        return link

    def hear(self, peer_link: FakePeerLink, message: file_msg.FileMessage) -> None:
        commands = self.transfers.message(peer_link, message, self.bench.now)
        if isinstance(message, file_msg.Announce | file_msg.Cancel):
            self.arriving.pop(message.transfer, None)
            # If the machine answers a piece of an announcement with any command, the announcement
            # ends there.
            if isinstance(message, file_msg.Announce) and message.more and not commands:
                self.arriving[message.transfer] = peer_link.id
        self.run(commands)

    def answer(self) -> None:
        answer = self.disk.answers.popleft()
        if isinstance(answer, file_ev.SourcesListed) and answer.transfer in self.listing:
            self.listed.add(answer.transfer)
        self.run(self.transfers.handle(answer, self.bench.now))

    def fire(self, timer: ev.Timer) -> None:
        self.timers.remove(timer)
        self.run(self.transfers.handle(ev.TimerFired(timer), self.bench.now))

    def lane(self, *, is_open: bool) -> None:
        self.peer_link.lane_open = is_open
        self.run(self.transfers.lane_changed(self.bench.link.id, self.bench.now))

    def restart(self) -> None:
        """Simulate that the program is killed and started again; its disk stays."""
        self.bench.link.broken = True
        for stream in self.bench.streams:
            if stream.sender is self:
                stream.running = False
        self.disk.sinks.clear()
        self.disk.answers.clear()
        self.disk.listed.clear()
        for one in [
            one for one, kept in self.disk.kept.items() if not kept.whole and not kept.parts
        ]:
            # Nothing of this transfer has arrived, so the disk keeps nothing of it.
            del self.disk.kept[one]
        self.begin()
        if self.disk.stored():
            self.disk.answers.append(file_ev.TransfersFound(self.disk.stored()))

    # --- commands ---------------------------------------------------------------------------------

    def run(self, commands: list[do.Command]) -> None:
        for command in commands:
            self.commands.append(command)
            self.bench.moment()
            match command:
                case link_do.SendOnChannel(link, _, text):
                    assert link in self.peer_links, "said on a link that is down"
                    message = heard(text)
                    self._said(message)
                    if isinstance(message, file_msg.Announce) and self.session_only:
                        text = dump_link_message(replace(message, session_only=True))
                    self.bench.links[link].control[self.other.name].append(text)
                case do.Publish(file_st.TransferStatus() as status):
                    assert 0 <= status.moved <= max(status.size, 0), status
                    self.told[status.transfer] = status
                    self._looked_up(status.transfer)
                case do.Publish(st.Trouble(problem)):
                    self.troubles.append(problem.reason)
                case do.SetTimer(timer):
                    self.timers.add(timer)
                case do.CancelTimer(timer):
                    self.timers.discard(timer)
                case link_do.CloseLane(link):
                    self.bench.links[link].lane = None
                case file_do.Acknowledge():
                    self.acknowledged.append(command)
                case _:
                    self._disk(command)
        check_always(self.bench)

    def _said(self, message: file_msg.FileMessage) -> None:
        if isinstance(message, file_msg.Cancel):
            self.ended_here.add(message.transfer)
        elif isinstance(message, file_msg.Announce):
            self.ended_here.discard(message.transfer)

    def _looked_up(self, transfer: TransferID) -> None:
        self.listing.pop(transfer, None)
        self.listed.discard(transfer)

    def _disk(self, command: do.Command) -> None:
        disk = self.disk
        match command:
            case file_do.ListSources():
                disk.answers.append(disk.look(command))
            case file_do.KeepSources(transfer, peer_name):
                if transfer in disk.listed:
                    disk.sources[transfer] = (disk.listed[transfer], peer_name)
            case file_do.StartSending(transfer, link):
                self.stop(transfer)
                self.sending[transfer] = link
                self.bench.start(self, command)
            case file_do.StopSending(transfer, forget):
                self.stop(transfer)
                self.sending.pop(transfer, None)
                if forget:
                    self._looked_up(transfer)
                    disk.sources.pop(transfer, None)
                    disk.listed.pop(transfer, None)
            case file_do.OpenSink(transfer):
                assert transfer not in disk.sinks, "this transfer has its sink"
                self.check_agreed(command)
                disk.sinks[transfer] = FakeSink(disk, command)
            case file_do.ReceiveStream(transfer):
                if transfer in disk.sinks:
                    disk.sinks[transfer].attach(command)
            case file_do.PauseSink(transfer):
                disk.sinks[transfer].pause()
            case file_do.CloseSink(transfer, keep):
                sink = disk.sinks.pop(transfer, None)
                # A closed sink answers no more, but answers about other transfers stay.
                mine = (
                    file_ev.SinkReady,
                    file_ev.SinkFailed,
                    file_ev.SinkWrote,
                    file_ev.SinkPaused,
                )
                kept = [
                    one
                    for one in disk.answers
                    if not (isinstance(one, mine) and one.transfer == transfer)
                ]
                disk.answers = deque(kept)
                if not keep or (
                    sink is not None and any(one.transfer == transfer for one in disk.finished)
                ):
                    disk.kept.pop(transfer, None)
            case _:
                raise AssertionError(command)

    def check_agreed(self, command: file_do.OpenSink) -> None:
        """Check that a sink is opened only for what was accepted."""
        kept = self.disk.kept.get(command.transfer)
        automatic = self.policy.without_asking or self.always
        agreed = self.agreed.get(command.transfer)
        if automatic and (agreed is None or agreed[0] != command.entries):
            # Another list under the same id was accepted without a question.
            return
        assert agreed is not None, "nobody accepted this"
        assert agreed[0] == command.entries
        by_now = kept.declined if kept is not None else frozenset(command.declined)
        assert set(agreed[1]) <= by_now | set(command.declined)

    def stop(self, transfer: TransferID) -> None:
        for stream in self.bench.streams:
            if stream.sender is self and stream.command.transfer == transfer and stream.running:
                stream.running = False
                # The first message is on its way already and still arrives.
                stream.messages = deque(list(stream.messages)[:1])
        old = [
            one
            for one in self.disk.answers
            if isinstance(one, file_ev.SendingFailed) and one.transfer == transfer
        ]
        for one in old:
            self.disk.answers.remove(one)


class Bench:
    """Both sides, the links between them, and the streams that are on their way."""

    def __init__(self, policy: file_ev.AcceptPolicy = ASKING) -> None:
        self.now = 0.0
        self.tokens = 0
        self.lane_numbers = 0
        self.streams: list[Stream] = []
        self.links: dict[ev.LinkID, FakeLink] = {}
        self.left = Side(self, "left", file_ev.AcceptPolicy())
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
        """Make a new link and break all others; a side that has not noticed that yet will do so
        later.
        """
        for old in self.links.values():
            old.broken = True
        link = ev.LinkID(f"link-{len(self.links)}")
        self.links[link] = FakeLink(link, {side.name: deque() for side in self.sides})
        self.link = self.links[link]

    def linked(self) -> "Bench":
        """Bring the link up on both sides, and return the bench."""
        for side in self.sides:
            self.link_up(side)
        return self

    def link_up(self, side: Side) -> None:
        number = list(self.links).index(self.link.id)
        # The same two devices are linked again, so this link replaces the one before.
        resumes = list(self.links)[number - 1] if number else None
        side.peer_links[self.link.id] = FakePeerLink(self.link.id, resumes=resumes)
        side.run(side.transfers.link_up(side.peer_link, self.now))

    def link_down(self, side: Side, link: ev.LinkID, reason: Reason = Reason.PEER_VANISHED) -> None:
        self.links[link].broken = True
        del side.peer_links[link]
        side.arriving = {key: one for key, one in side.arriving.items() if one != link}
        side.run(side.transfers.link_down(link, reason, self.now))

    def relink(self) -> None:
        """Break the link, let both sides notice, and bring up another one."""
        for side in self.sides:
            for link in list(side.peer_links):
                self.link_down(side, link)
        self.new_link()
        self.linked()

    def make_lane(self) -> None:
        self.lane_numbers += 1
        self.link.lane = self.lane_numbers

    def break_lane(self) -> None:
        self.link.lane = None

    def lane_seen(self, side: Side) -> bool:
        """Return whether the side knows the present state of the lane."""
        return self.link.lanes.get(side.name) == self.link.lane

    def see_lane(self, side: Side) -> None:
        if self.link.lanes.get(side.name) is not None:
            self.link.lanes[side.name] = None
            side.lane(is_open=False)
        else:
            self.link.lanes[side.name] = self.link.lane
            side.lane(is_open=True)

    def lanes(self) -> None:
        """Open a lane, and let both sides see it."""
        self.make_lane()
        for side in self.sides:
            self.see_lane(side)

    # --- streams ----------------------------------------------------------------------------------

    def start(self, sender: Side, command: file_do.StartSending) -> None:
        link = self.links[command.link]
        if link.broken:
            return
        lane = None
        if command.via is st.Via.LANE:
            lane = link.lanes.get(sender.name)
            if lane is None or lane != link.lane:
                # The lane broke in the meantime, and the machine gets an event about that anyway.
                return
        messages = deque(sender.disk.read(command))
        self.streams.append(
            Stream(link, sender, command, lane, messages, channel=len(self.streams) + 1)
        )

    def fault(self, sender: Side, which: int) -> None:
        """Break off a running stream of this side."""
        running = [one for one in self.streams if one.sender is sender and one.running]
        if running:
            stream = running[which % len(running)]
            stream.messages.clear()
            sender.disk.answers.append(
                file_ev.SendingFailed(stream.command.transfer, stream.command.generation)
            )

    def lost(self, stream: Stream) -> bool:
        """Return whether nothing more of the stream can arrive."""
        gone = stream.link.broken or stream.refused or not (stream.messages or not stream.opened)
        return gone or (stream.lane is not None and stream.lane != stream.link.lane)

    def deliver(self, stream: Stream) -> None:
        receiver = stream.sender.other
        command = stream.command
        if stream.lane is None and not stream.opened:
            label = stream_label(command.transfer, command.generation)
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
        channel = link_ev.LANE_CHANNEL if stream.lane is not None else stream.channel
        sink = receiver.disk.sinks.get(command.transfer)
        if sink is not None:
            sink.feed((stream.link.id, channel, command.generation), message)

    # --- what may happen next ---------------------------------------------------------------------

    def steps(self) -> list[Step]:
        found: list[Step] = []
        for side in self.sides:
            if self.link.id not in side.peer_links and not self.link.broken:
                found.append(partial(self.link_up, side))
            for link in side.peer_links:
                if self.links[link].broken:
                    found.append(partial(self.link_down, side, link))
                elif self.links[link].control[side.name]:
                    found.append(partial(self.deliver_control, side, link))
            if (
                self.link.id in side.peer_links
                and not self.link.broken
                and not self.lane_seen(side)
            ):
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
            if self.lost(stream) or stream.link.id not in receiver.peer_links:
                continue
            if stream.lane is None or stream.link.lanes.get(receiver.name) == stream.lane:
                found.append(partial(self.deliver, stream))
        return found

    def deliver_control(self, side: Side, link: ev.LinkID) -> None:
        side.hear(side.peer_links[link], heard(self.links[link].control[side.name].popleft()))

    def settle(self, *, accept: bool = False) -> None:
        """Take steps in turn until there are none. With `accept`, accept every transfer that needs
        an answer.
        """
        for turn in range(20_000):
            steps = self.steps()
            if steps:
                steps[turn % len(steps)]()
                continue
            asked = [(side, one) for side in self.sides for one in side.asked]
            if not accept or not asked:
                return
            side, transfer = asked[0]
            side.accept(transfer)
        raise AssertionError("it never comes to rest")
