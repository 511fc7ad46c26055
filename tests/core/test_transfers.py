"""Tests of proxim.core.transfers: two sides and every interleaving of them; then each path as a
script.
"""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxim.core.commands import CloseLane, OpenSink, SendOnChannel, StartSending, StopSending
from proxim.core.errors import Reason
from proxim.core.events import LinkID, TimerName
from proxim.core.file_events import (
    RetryTransfer,
    SendingFailed,
    SendPaths,
    SinkReady,
    SourcesListed,
    StoredTransfer,
    TransfersFound,
)
from proxim.core.file_messages import (
    MAX_TAGS,
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
from proxim.core.incoming import UNHEARD_SECONDS, Incoming, IncomingState
from proxim.core.json_text import MessageError
from proxim.core.manifest import (
    MAX_ENTRIES,
    START,
    Direction,
    Entry,
    FailedFile,
    Partial,
    Span,
    TransferID,
    resume_tag,
)
from proxim.core.outgoing import Outgoing, OutgoingState
from proxim.core.status import TransferState, Via
from proxim.core.transfer_inputs import AcceptPolicy
from proxim.core.transfers import MAX_MOVING, MAX_REMEMBERED, MAX_UNDECIDED
from tests.core.transfer_bench import ASKING, Bench, FakeSpeaker, Side, heard
from tests.rows import each_row

# --- whatever happens -----------------------------------------------------------------------------

PATHS = ("a", "b", "empty", "folder/one", "folder/two", "folder/deep/three")
PICK = st.integers(0, 1000)
AT_REST_OUT = (OutgoingState.WAITING, OutgoingState.OVER)
AT_REST_IN = (IncomingState.WAITING, IncomingState.OVER)


def check_ends(bench: Bench) -> None:
    """What was announced has arrived intact, or is reported on both sides, or waits where the other
    side forgot it.
    """
    for sender in bench.sides:
        receiver = sender.other
        for transfer in {*sender.out, *receiver.incoming}:
            check_end(sender.out.get(transfer), receiver.incoming.get(transfer), sender, receiver)


def check_end(out: Outgoing | None, came: Incoming | None, sender: Side, receiver: Side) -> None:
    what = (
        f"{out and out.state} {out and out.status.reason}, {came and came.state} "
        f"{came and came.status.reason}"
    )
    if out is not None:
        assert out.state in AT_REST_OUT, what
        assert (out.state is OutgoingState.OVER) == out.status.over, what
        assert sender.told.get(out.id) in (None, out.status), what
    if came is not None:
        assert came.state in AT_REST_IN, what
        assert came.status.over or came.state is IncomingState.WAITING or not came.status.entries, (
            what
        )
        assert came.status.entries == () or receiver.told[came.id].state == came.status.state, what
    if out is not None and out.state is OutgoingState.WAITING:
        assert came is None, what  # the receiver forgot it
    if came is not None and came.state is IncomingState.WAITING:
        forgot = out is None or (out.status.state is TransferState.FAILED and not out.ended_here)
        assert forgot, what
    if out is not None and out.status.state is TransferState.DONE:
        missing = {one.index for one in out.status.failed}
        arrived = receiver.disk.arrived.get(out.id, {})
        for index, entry in enumerate(out.status.entries):
            declined = receiver.declined.get(out.id, ())
            if index not in missing and index not in declined and not entry.directory:
                assert arrived[entry.path] == sender.disk.versions[entry.path, entry.modified or 0]


class AnyInterleaving(RuleBasedStateMachine):
    """Both persons, both disks, the link and the lane do what they like, in any order."""

    @initialize(
        sends=st.lists(st.booleans(), max_size=4), lane=st.booleans(), seed=st.integers(0, 1 << 16)
    )
    def begin(self, sends: list[bool], lane: bool, seed: int) -> None:
        self.bench = Bench()
        for number, path in enumerate(PATHS):
            for side in self.bench.sides:
                side.disk.put(
                    path, b"" if path == "empty" else bytes(range(number, number + 3 + 4 * number))
                )
        self.bench.linked()
        if lane:
            self.bench.lanes()
        for left in sends:
            self.side(left).send("a", "folder")
        self.go_on(seed, 20 * len(sends), True, lane)

    def side(self, left: bool) -> Side:
        return self.bench.left if left else self.bench.right

    # --- persons ----------------------------------------------------------------------------------

    @rule(
        left=st.booleans(),
        paths=st.sets(st.sampled_from(("a", "b", "empty", "folder", "missing")), min_size=1),
    )
    def send(self, left: bool, paths: set[str]) -> None:
        self.side(left).send(*sorted(paths))

    def asked(self) -> list[tuple[Side, TransferID]]:
        found = [(side, one) for side in self.bench.sides for one in side.incoming.values()]
        return [(side, one.id) for side, one in found if one.state is IncomingState.ASKED]

    @precondition(lambda self: self.asked())
    @rule(which=PICK, declined=st.sets(st.integers(0, 6)), always=st.booleans())
    def accept(self, which: int, declined: set[int], always: bool) -> None:
        side, transfer = self.asked()[which % len(self.asked())]
        side.accept(transfer, tuple(sorted(declined)), always=always and which % 7 == 0)

    @precondition(lambda self: self.known())
    @rule(which=PICK, left=st.booleans())
    def cancel(self, which: int, left: bool) -> None:
        self.side(left).cancel(self.known()[which % len(self.known())])

    @precondition(lambda self: self.known())
    @rule(which=PICK, left=st.booleans())
    def retry(self, which: int, left: bool) -> None:
        self.side(left).retry(self.known()[which % len(self.known())])

    def known(self) -> list[TransferID]:
        return sorted({one for side in self.bench.sides for one in (*side.out, *side.incoming)})

    # --- what was begun goes on -------------------------------------------------------------------

    @rule(
        seed=st.integers(0, 1 << 16),
        count=st.integers(1, 60),
        accepting=st.booleans(),
        flapping=st.booleans(),
    )
    def go_on(self, seed: int, count: int, accepting: bool, flapping: bool) -> None:
        order = Random(seed)
        for _ in range(count):
            steps = self.bench.steps()
            if flapping and not self.bench.link.broken and order.random() < 0.1:
                there = self.bench.link.lane is not None
                self.bench.break_lane() if there else self.bench.make_lane()
            elif steps:
                order.choice(steps)()
            elif accepting and self.asked():
                side, transfer = order.choice(self.asked())
                side.accept(transfer)

    # --- the world --------------------------------------------------------------------------------

    @precondition(lambda self: self.bench.link.lane is None and not self.bench.link.broken)
    @rule()
    def lane_opens(self) -> None:
        self.bench.make_lane()

    @precondition(lambda self: self.bench.link.lane is not None)
    @rule()
    def lane_breaks(self) -> None:
        self.bench.break_lane()

    @rule(left=st.booleans(), pending=st.booleans())
    def lane_may_open(self, left: bool, pending: bool) -> None:
        side = self.side(left)
        if self.bench.link.id in side.speakers:
            side.speaker.lane_pending = pending
            side.run(side.transfers.lane_changed(self.bench.link.id, self.bench.now))

    @rule(again=st.booleans())
    def link_dies(self, again: bool) -> None:
        self.bench.link.broken = True
        if again:
            self.bench.new_link()

    @rule(left=st.booleans(), again=st.booleans())
    def program_restarts(self, left: bool, again: bool) -> None:
        self.side(left).restart()
        if again:
            self.bench.new_link()

    @rule(left=st.booleans(), full=st.booleans())
    def disk_fills_up(self, left: bool, full: bool) -> None:
        self.side(left).disk.full = full

    @rule(left=st.booleans(), path=st.sampled_from(PATHS), content=st.binary(max_size=12))
    def file_changes(self, left: bool, path: str, content: bytes) -> None:
        self.side(left).disk.put(path, content)

    @rule(left=st.booleans())
    def stalls(self, left: bool) -> None:
        for timer in sorted(self.side(left).timers, key=str):
            assert timer.name is TimerName.STALL
            self.side(left).fire(timer)

    @rule(left=st.booleans(), which=PICK)
    def sending_fails(self, left: bool, which: int) -> None:
        self.bench.fault(self.side(left), which)

    @rule(seconds=st.floats(0, 3))
    def time_passes(self, seconds: float) -> None:
        self.bench.now += seconds

    @invariant()
    def check(self) -> None:
        if hasattr(self, "bench"):
            self.bench.check()

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        bench = self.bench
        if bench.link.broken:
            bench.new_link()
        for side in bench.sides:
            side.disk.full = False
            if bench.link.id in side.speakers:
                side.speaker.lane_pending = False
                side.run(side.transfers.lane_changed(bench.link.id, bench.now))
        bench.settle(accept=True)
        for side in bench.sides:
            for timer in sorted(side.timers, key=str):
                side.fire(timer)
        bench.settle(accept=True)
        check_ends(bench)


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- one path after another -----------------------------------------------------------------------

STRANGER = TransferID("A" * 22)


def bench_of(policy: AcceptPolicy = ASKING) -> Bench:
    """Left sends, right receives."""
    bench = Bench(policy)
    for path, size in (
        ("a", 21),
        ("b", 9),
        ("folder/one", 10),
        ("folder/two", 0),
        ("folder/three", 6),
    ):
        bench.left.disk.put(path, bytes(range(size)))
    return bench.linked()


def sent(bench: Bench, *paths: str) -> TransferID:
    """Announced, and asked about."""
    bench.left.send(*paths)
    bench.settle()
    return list(bench.left.out)[-1]


def moving(bench: Bench, *paths: str, steps: int = 8) -> TransferID:
    """Accepted, and so many steps further."""
    transfer = sent(bench, *paths)
    bench.right.accept(transfer)
    go(bench, steps)
    assert bench.left.out[transfer].state is OutgoingState.ACTIVE
    assert bench.right.incoming[transfer].state is IncomingState.ACTIVE
    return transfer


def go(bench: Bench, steps: int) -> None:
    for _ in range(steps):
        bench.steps()[0]()


def ends(bench: Bench, transfer: TransferID) -> tuple[tuple[TransferState, Reason | None], ...]:
    out, came = bench.left.told[transfer], bench.right.told[transfer]
    return (out.state, out.reason), (came.state, came.reason)


def both(
    state: TransferState, reason: Reason | None = None
) -> tuple[tuple[TransferState, Reason | None], ...]:
    return (state, reason), (state, reason)


DONE = both(TransferState.DONE)


def said(side: Side, kind: type[FileMessage]) -> list[FileMessage]:
    texts = [heard(one.text) for one in side.commands if isinstance(one, SendOnChannel)]
    return [one for one in texts if isinstance(one, kind)]


def opened(side: Side) -> list[OpenSink]:
    return [one for one in side.commands if isinstance(one, OpenSink)]


def started(side: Side) -> list[StartSending]:
    return [one for one in side.commands if isinstance(one, StartSending)]


def refused(side: Side, message: FileMessage) -> Reason:
    with pytest.raises(MessageError) as error:
        side.hear(side.speaker, message)
    return error.value.reason


def test_a_file_arrives() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    assert not opened(bench.right)  # nobody has said yes
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert bench.right.disk.arrived[transfer] == {"a": bytes(range(21))}
    for side in bench.sides:
        status = side.told[transfer]
        assert (status.size, status.moved, status.via, status.failed) == (21, 21, Via.WEBRTC, ())
    assert bench.left.told[transfer].direction is Direction.OUT
    assert bench.right.told[transfer].path == "folder"
    assert not bench.right.disk.sinks
    assert not bench.right.disk.kept
    assert not bench.left.disk.sources
    assert bench.left.acknowledged[-1].written == 21
    assert bench.left.speaker.lanes_wanted
    assert bench.right.speaker.lanes_wanted


def test_some_of_a_folder_arrive() -> None:
    bench = bench_of()
    transfer = sent(bench, "folder", "b")
    names = [one.path for one in bench.right.incoming[transfer].status.entries]
    bench.right.accept(transfer, (names.index("folder/one"), names.index("folder")))
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert set(bench.right.disk.arrived[transfer]) == {"folder/two", "folder/three", "b"}
    assert [side.told[transfer].size for side in bench.sides] == [15, 15]


def test_only_folders_arrive_too() -> None:
    bench = bench_of()
    bench.left.disk.put("folder/one", b"")
    transfer = sent(bench, "folder")
    entries = bench.right.incoming[transfer].status.entries
    bench.right.accept(
        transfer, tuple(index for index, one in enumerate(entries) if not one.directory)
    )
    bench.settle()
    assert ends(bench, transfer) == DONE


@pytest.mark.parametrize("one_by_one", [False, True])
def test_declined(one_by_one: bool) -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    if one_by_one:
        bench.right.accept(transfer, (0,))
    else:
        bench.right.cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.CANCELLED, Reason.DECLINED)
    assert not opened(bench.right)


def test_always_from_this_link() -> None:
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), always=True)
    bench.settle()
    second = sent(bench, "b")
    assert ends(bench, second) == DONE
    bench.relink()
    third = sent(bench, "b")
    assert bench.right.incoming[third].state is IncomingState.ASKED


def test_always_into_the_folder_that_was_chosen() -> None:
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), directory="there", always=True)
    bench.settle()
    sent(bench, "b")
    assert [one.directory for one in opened(bench.right)] == ["there", "there"]


def test_without_asking() -> None:
    bench = bench_of(AcceptPolicy(without_asking=True, directory="there"))
    transfer = sent(bench, "a", "folder")
    assert ends(bench, transfer) == DONE
    assert opened(bench.right)[0].directory == "there"


@each_row("by_sender", [False, True])
@each_row("steps", [0, 1, 3, 6, 8])
def test_cancelled_midway(by_sender: bool, steps: int) -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.right.accept(transfer)
    go(bench, steps)
    (bench.left if by_sender else bench.right).cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.CANCELLED, Reason.CANCELLED)
    assert not bench.right.disk.kept
    assert not bench.right.disk.sinks
    (bench.left if by_sender else bench.right).cancel(transfer)
    assert (bench.left if by_sender else bench.right).troubles == [Reason.TRANSFER_GONE]


def test_withdrawn_before_the_answer() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.CANCELLED, Reason.CANCELLED)


def test_cancelled_while_the_disk_looks() -> None:
    bench = bench_of()
    bench.left.send("a")
    (transfer,) = bench.left.out
    bench.left.cancel(transfer)
    bench.settle()
    assert bench.left.commands[-1] == StopSending(transfer, forget=True)
    assert not bench.right.incoming


def test_what_nobody_can_do() -> None:
    bench = bench_of()
    bench.left.run(bench.left.transfers.intent(SendPaths(LinkID("another"), ("a",)), 0))
    bench.left.send()
    bench.left.cancel(STRANGER)
    bench.left.retry(STRANGER)
    bench.left.incoming[STRANGER] = Incoming(STRANGER, None)
    bench.left.accept(STRANGER)
    gone = Reason.TRANSFER_GONE
    assert bench.left.troubles == [
        Reason.FILES_UNSUPPORTED,
        Reason.NOTHING_TO_SEND,
        gone,
        gone,
        gone,
    ]
    assert not bench.left.disk.answers


def test_what_cannot_be_sent_is_told() -> None:
    bench = bench_of()
    bench.left.send("a")
    (transfer,) = bench.left.out
    bench.left.disk.answers.clear()
    listed = SourcesListed(transfer, (Entry("a", 21, 1),), (("secret", Reason.FILE_UNREADABLE),))
    bench.left.run(bench.left.transfers.disk(listed, 0))
    assert bench.left.troubles == [Reason.FILE_UNREADABLE]
    assert bench.left.out[transfer].state is OutgoingState.ANNOUNCED


def test_disks_answer_late() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.cancel(transfer)
    late = bench.left.transfers.disk(SourcesListed(transfer, (Entry("a", 21, 1),)), 0)
    assert late == [StopSending(transfer, forget=True)]  # what it looked up is let go
    assert bench.left.transfers.disk(SendingFailed(transfer, 0), 0) == []
    assert bench.right.transfers.disk(SinkReady(transfer), 0) == []  # only asked about
    bench.right.hear(bench.right.speaker, Cancel(transfer))
    assert bench.right.transfers.disk(SinkReady(transfer), 0) == []
    bench.right.hear(bench.right.speaker, announce(transfer, more=True))
    assert bench.right.transfers.disk(SinkReady(transfer), 0) == []
    assert bench.right.incoming[transfer].state is IncomingState.ARRIVING
    assert bench.right.transfers.disk(SinkReady(STRANGER), 0) == []


def test_the_old_link_goes_while_it_is_announced_on_the_new() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    second = FakeSpeaker(LinkID("second"))
    entries = bench.right.incoming[transfer].status.entries
    right = bench.right.transfers
    right.link_up(second, 0)
    right.message(second, Announce(transfer, entries, more=True), 0)
    assert right.link_down(bench.link.id, 0) == []
    assert bench.right.incoming[transfer].state is IncomingState.ARRIVING


def test_nothing_there_then_tried_again() -> None:
    bench = bench_of()
    bench.left.send("late")
    bench.settle()
    (transfer,) = bench.left.out
    assert bench.left.told[transfer].reason is Reason.FILE_GONE
    bench.left.disk.put("late", b"here")
    bench.left.retry(transfer)
    bench.settle(accept=True)
    assert ends(bench, transfer) == DONE


# --- links that are lost --------------------------------------------------------------------------


def test_lost_while_the_disk_looks() -> None:
    bench = bench_of()
    bench.left.send("a")
    (transfer,) = bench.left.out
    bench.relink()
    bench.settle()
    assert bench.left.told[transfer].reason is Reason.NOT_CONNECTED


def test_lost_before_the_answer_then_tried_again() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.relink()
    bench.settle()
    assert ends(bench, transfer) == (
        (TransferState.FAILED, Reason.PEER_VANISHED),
        (TransferState.CANCELLED, Reason.PEER_LEFT),
    )
    bench.left.retry(transfer)
    bench.settle()
    assert bench.right.incoming[transfer].state is IncomingState.ASKED
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == DONE


def test_lost_midway_and_resumed() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    moved = bench.right.told[transfer].moved
    assert moved > 4
    bench.relink()
    for side in bench.sides:
        assert side.told[transfer].state is TransferState.WAITING
        assert (side.told[transfer].link, side.told[transfer].via, side.told[transfer].speed) == (
            None,
            None,
            None,
        )
    go(bench, 5)
    assert bench.left.told[transfer].moved >= moved
    assert bench.left.told[transfer].size == bench.right.told[transfer].size == 30
    bench.settle()  # nobody is asked a second time
    assert ends(bench, transfer) == DONE
    again = started(bench.left)[-1]
    assert again.partial
    assert again.partial[0].offset >= moved


def test_the_same_files_sent_once_more_while_they_go_on_are_no_second_copy() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    bench.relink()
    while bench.left.told[transfer].link != bench.link.id:
        go(bench, 1)
    bench.left.send("a", "b")
    bench.settle()
    assert list(bench.left.out) == [transfer]
    assert ends(bench, transfer) == DONE


def test_the_same_files_sent_once_more_before_the_peer_has_asked_for_them() -> None:
    """As a program does that is started again with the same --send: it is faster than the peer's
    `resume`.
    """
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    bench.relink()
    bench.left.send("a", "b")
    bench.left.answer()
    bench.settle()
    assert list(bench.left.out) == [transfer]
    assert ends(bench, transfer) == DONE


def held_back() -> tuple[Bench, TransferID]:
    """A device that knows nothing of what waits is sent the same files; that transfer, which is not
    announced yet.
    """
    bench = bench_of()
    moving(bench, "a", "b", steps=13)
    bench.right.disk.kept.clear()
    bench.right.restart()
    bench.link_down(bench.left, bench.link.id)
    bench.new_link()
    bench.linked()
    bench.left.send("a", "b")
    bench.settle()
    (timer,) = bench.left.timers
    assert not bench.right.incoming
    return bench, TransferID(timer.scope)


def test_the_same_files_are_held_back_and_the_link_goes() -> None:
    bench, new = held_back()
    bench.link_down(bench.left, bench.link.id)
    assert not bench.left.timers
    assert (bench.left.told[new].state, bench.left.told[new].reason) == (
        TransferState.FAILED,
        Reason.NOT_CONNECTED,
    )


def test_the_same_files_are_not_held_back_for_a_link_that_went_while_the_disk_looked() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    bench.relink()
    bench.left.send("a", "b")
    bench.link_down(bench.left, bench.link.id)
    bench.left.answer()
    assert not bench.left.timers
    (new,) = [one for one in bench.left.out if one != transfer]
    assert (bench.left.told[new].state, bench.left.told[new].reason) == (
        TransferState.FAILED,
        Reason.NOT_CONNECTED,
    )


def test_the_same_files_are_not_held_back_for_a_peer_that_proved_nothing() -> None:
    """Nothing that it asks for is gone on with: there is nothing to wait for."""
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    for side in bench.sides:
        bench.link_down(side, bench.link.id)
    bench.new_link()
    for side in bench.sides:
        side.speakers[bench.link.id] = FakeSpeaker(bench.link.id, proved=False)
        side.run(side.transfers.link_up(side.speaker, bench.now))
    bench.left.send("a", "b")
    bench.left.answer()
    assert not bench.left.timers
    (new,) = [one for one in bench.left.out if one != transfer]
    assert bench.left.out[new].state is OutgoingState.ANNOUNCED


def test_the_same_files_are_sent_once_the_peer_asks_for_others() -> None:
    bench, new = held_back()
    bench.left.hear(bench.left.speaker, Resume((resume_tag(STRANGER, bench.left.speaker.binding),)))
    assert not bench.left.timers
    bench.settle(accept=True)
    assert ends(bench, new) == DONE


def test_the_same_files_are_held_back_and_cancelled() -> None:
    bench, new = held_back()
    bench.left.cancel(new)
    assert not bench.left.timers
    assert bench.left.told[new].state is TransferState.CANCELLED
    bench.left.hear(bench.left.speaker, Resume((resume_tag(STRANGER, bench.left.speaker.binding),)))
    bench.settle()
    assert not bench.right.incoming


def test_the_same_files_for_somebody_else_are_sent_after_a_moment() -> None:
    bench, new = held_back()
    (timer,) = bench.left.timers
    bench.left.fire(timer)
    bench.settle(accept=True)
    assert ends(bench, new) == DONE
    (waits,) = [one for one in bench.left.out if one != new]
    assert bench.left.told[waits].state is TransferState.WAITING


@pytest.mark.parametrize("which", ["left", "right", "both"])
@pytest.mark.parametrize("disk_first", [False, True])
def test_programs_started_again(which: str, disk_first: bool) -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    for side in bench.sides:
        if which in (side.name, "both"):
            side.restart()
    for side in bench.sides:
        if side.speakers:
            bench.link_down(side, bench.link.id)
        if disk_first and side.disk.answers:
            side.answer()
    bench.new_link()
    bench.linked()
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert bench.right.disk.arrived[transfer] == {"a": bytes(range(21)), "b": bytes(range(9))}


def test_the_disk_remembers_what_has_begun_anew_already() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    state = bench.left.out[transfer]
    found = TransfersFound(
        (
            StoredTransfer(transfer, Direction.OUT, (), None),
            StoredTransfer(STRANGER, Direction.IN, (), None),
        )
    )
    bench.left.run(bench.left.transfers.disk(found, 0))
    bench.right.run(bench.right.transfers.disk(found, 0))
    assert bench.left.out[transfer] is state
    assert transfer not in bench.right.out
    assert said(bench.left, Resume) == [Resume((resume_tag(STRANGER, bench.left.speaker.binding),))]


@pytest.mark.parametrize("late", ["left", "right"])
def test_one_side_has_not_seen_the_old_link_die(late: str) -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    old = bench.link.id
    slow, quick = (bench.left, bench.right) if late == "left" else (bench.right, bench.left)
    bench.link_down(quick, old)
    bench.new_link()
    bench.linked()
    for _ in range(3):
        for side in bench.sides:
            if bench.link.control[side.name]:
                bench.deliver_control(side, bench.link.id)
    bench.link_down(slow, old)
    bench.settle()
    assert ends(bench, transfer) == DONE


def test_the_receiver_was_through_and_the_sender_did_not_hear() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    while bench.right.incoming[transfer].state is not IncomingState.OVER:
        go(bench, 1)
    bench.link.control["left"].clear()
    bench.link_down(bench.right, bench.link.id)
    bench.now += 10 * UNHEARD_SECONDS  # however long it takes until they meet again
    bench.relink()
    assert bench.left.told[transfer].state is TransferState.WAITING
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert len(opened(bench.right)) == 1
    before = len(said(bench.right, Resume))
    bench.now += UNHEARD_SECONDS
    bench.relink()
    assert len(said(bench.right, Resume)) == before  # it has heard by now


def test_what_was_cancelled_without_a_link_is_told_later() -> None:
    for by_sender in (True, False):
        bench = bench_of()
        transfer = moving(bench, "a")
        bench.link_down(bench.left, bench.link.id)
        bench.link_down(bench.right, bench.link.id)
        (bench.left if by_sender else bench.right).cancel(transfer)
        bench.new_link()
        bench.linked()
        bench.settle()
        assert ends(bench, transfer) == both(TransferState.CANCELLED, Reason.CANCELLED)
        assert len(opened(bench.right)) == 1


# --- what fails, and is tried again ---------------------------------------------------------------


def test_a_full_disk_then_room_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", steps=10)
    bench.right.disk.full = True
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.FAILED, Reason.DISK_FULL)
    bench.right.disk.full = False
    bench.left.retry(transfer)
    bench.settle()  # it was accepted: no second question
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].partial


def test_a_full_disk_at_once() -> None:
    bench = bench_of()
    bench.right.disk.full = True
    transfer = sent(bench, "a")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.FAILED, Reason.DISK_FULL)


def test_a_file_that_changed_alone() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.disk.put("a", b"other")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.FAILED, Reason.FILE_CHANGED)
    bench.left.retry(transfer)
    bench.settle(accept=True)
    assert ends(bench, transfer) == DONE
    assert bench.right.disk.arrived[transfer] == {"a": b"other"}


def test_one_of_several_failed_and_is_sent_again() -> None:
    bench = bench_of()
    transfer = sent(bench, "a", "b")
    bench.left.disk.put("a", b"other")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.DONE, Reason.SOME_FILES_FAILED)
    assert (
        bench.left.told[transfer].failed
        == bench.right.told[transfer].failed
        == (FailedFile(0, Reason.FILE_CHANGED),)
    )
    bench.left.retry(transfer)
    bench.settle(accept=True)
    again = list(bench.left.out)[-1]
    assert again != transfer
    assert ends(bench, again) == DONE
    assert bench.right.disk.arrived[again] == {"a": b"other"}
    bench.left.retry(again)
    assert bench.left.troubles == [Reason.NOTHING_TO_SEND]
    assert list(bench.left.out)[-1] == again


def test_all_of_several_failed() -> None:
    bench = bench_of()
    transfer = sent(bench, "a", "b")
    bench.left.disk.put("a", b"other")
    bench.left.disk.put("b", b"other")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(TransferState.FAILED, Reason.SOME_FILES_FAILED)


def test_what_was_cancelled_here_is_another_transfer_when_sent_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    bench.left.cancel(transfer)
    bench.left.retry(transfer)  # while the receiver's words about the first are still on their way
    bench.settle()
    again = list(bench.left.out)[-1]
    assert again != transfer
    assert bench.right.incoming[again].state is IncomingState.ASKED
    bench.right.accept(again)
    bench.settle()
    assert ends(bench, again) == DONE


def test_sent_again_where_there_is_no_such_link() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.link_down(bench.left, bench.link.id)
    bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.NOT_CONNECTED]
    stranger = FakeSpeaker(LinkID("another"), peer_name="somebody else")
    bench.left.transfers.link_up(stranger, 0)
    bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.NOT_CONNECTED] * 2
    bench.left.run(bench.left.transfers.intent(RetryTransfer(transfer), 0))
    bench.left.transfers.link_up(FakeSpeaker(LinkID("a third")), 0)
    bench.left.retry(transfer)  # two, and neither is the one
    assert bench.left.troubles == [Reason.NOT_CONNECTED] * 4


def test_cancelled_by_the_person_it_is_asked_about_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    bench.right.cancel(transfer)
    bench.settle()
    bench.left.retry(transfer)
    bench.settle()
    assert bench.right.incoming[transfer].state is IncomingState.ASKED
    assert len(opened(bench.right)) == 1


# --- lanes and turns ------------------------------------------------------------------------------


def test_over_the_lane() -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a")
    assert [side.told[transfer].via for side in bench.sides] == [Via.LANE, Via.LANE]
    assert bench.left.timers
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert not bench.left.timers


@pytest.mark.parametrize("first", ["left", "right"])
def test_a_lane_opens_midway(first: str) -> None:
    bench = bench_of()
    transfer = moving(bench, "a", steps=12)
    bench.make_lane()
    one = bench.left if first == "left" else bench.right
    bench.see_lane(one)
    go(bench, 3)
    while (
        bench.left.out[transfer].state is OutgoingState.ACTIVE
        and bench.left.told[transfer].via is not Via.LANE
    ):
        go(bench, 1)
    assert started(bench.left)[-1].position != START
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].via is Via.LANE


@pytest.mark.parametrize("seen_by", ["left", "right"])
def test_a_lane_breaks_midway(seen_by: str) -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a", steps=9)
    bench.break_lane()
    bench.see_lane(bench.left if seen_by == "left" else bench.right)
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].via is Via.WEBRTC
    assert started(bench.left)[-1].generation >= 1


def test_a_lane_that_stalls_is_closed() -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a", steps=9)
    (timer,) = bench.left.timers
    assert timer.name is TimerName.STALL
    bench.left.fire(timer)
    assert CloseLane(bench.link.id) in bench.left.commands
    bench.see_lane(bench.left)  # the receiver sees nothing of it
    bench.link.control["right"].rotate(0)
    bench.settle()
    assert ends(bench, transfer) == DONE


def test_turns() -> None:
    bench = bench_of(AcceptPolicy(without_asking=True))
    for _ in range(MAX_MOVING + 2):
        bench.left.send("a")
    most = 0
    while bench.steps():
        bench.steps()[0]()
        most = max(
            most, sum(1 for one in bench.left.out.values() if one.state is OutgoingState.ACTIVE)
        )
    assert most == MAX_MOVING
    assert {one.status.state for one in bench.left.out.values()} == {TransferState.DONE}


def test_a_lane_that_may_open_in_a_moment_is_waited_for() -> None:
    bench = bench_of(AcceptPolicy(without_asking=True))
    bench.left.speaker.lane_pending = True
    transfer = sent(bench, "a")
    assert bench.left.out[transfer].state is OutgoingState.READY
    bench.left.speaker.lane_pending = False
    bench.lanes()
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[0].via is Via.LANE


# --- who does not keep to the protocol ------------------------------------------------------------


def announce(transfer: TransferID = STRANGER, count: int = 1, *, more: bool = False) -> Announce:
    return Announce(transfer, tuple(Entry(f"file {number}", 1) for number in range(count)), more)


def test_a_sender_that_announces_nonsense() -> None:
    bench = bench_of()
    right = bench.right
    assert refused(right, announce(TransferID("short"))) is Reason.BAD_MESSAGE
    assert refused(right, announce(TransferID("A" * 21 + "/"))) is Reason.BAD_MESSAGE
    right.hear(right.speaker, announce(count=0))
    assert said(right, Cancel) == [Cancel(STRANGER, Reason.NOTHING_TO_SEND.value)]
    right.hear(right.speaker, announce())
    assert refused(right, announce()) is Reason.NOT_ALLOWED  # twice
    assert refused(right, OfferLane(b"", b"")) is Reason.NOT_ALLOWED


def test_our_own_transfer_reflected() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    assert refused(bench.left, announce(transfer)) is Reason.BAD_MESSAGE


def test_too_many_files() -> None:
    bench = bench_of()
    right = bench.right
    right.hear(right.speaker, announce(count=MAX_ENTRIES, more=True))
    right.hear(right.speaker, announce(count=1, more=True))
    assert said(right, Cancel) == [Cancel(STRANGER, Reason.TOO_MANY_FILES.value)]
    right.hear(right.speaker, announce(count=1))  # the end of it is no list of its own
    assert right.incoming[STRANGER].state is IncomingState.OVER
    assert not right.told
    right.hear(right.speaker, announce())
    assert right.incoming[STRANGER].state is IncomingState.ASKED


@pytest.mark.parametrize("known", [False, True])
def test_too_many_announcements(known: bool) -> None:
    bench = bench_of()
    right = bench.right
    ninth = TransferID("9" * 22)
    if known:
        right.hear(right.speaker, announce(ninth))
        right.hear(right.speaker, Cancel(ninth))
    for number in range(MAX_UNDECIDED):
        right.hear(right.speaker, announce(TransferID(f"{number:022}"), more=number == 0))
    right.hear(right.speaker, announce(ninth, more=True))
    assert said(right, Cancel) == [Cancel(ninth, Reason.TOO_MANY_TRANSFERS.value)]
    right.hear(right.speaker, announce(TransferID(f"{0:022}")))
    right.cancel(TransferID(f"{1:022}"))  # there is room again, but not for the rest of a list
    right.hear(right.speaker, announce(ninth))
    assert right.incoming[ninth].state is IncomingState.OVER
    right.hear(right.speaker, announce(ninth))
    assert right.incoming[ninth].state is IncomingState.ASKED
    tenth = TransferID("a" * 22)
    right.hear(right.speaker, announce(tenth))
    assert tenth not in right.incoming


def test_a_receiver_that_answers_nonsense() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    left = bench.left
    bad = [
        Accept(transfer, (Span(0, 1), Span(0, 1))),
        Accept(transfer, tuple(Span(0, 0) for _ in range(4))),
        Accept(transfer, (Span(0, 20_000),)),
        Accept(transfer, (), (Partial(1, 0, b""),)),
        Accept(transfer, (), (Partial(0, 22, b""),)),
    ]
    assert {refused(left, one) for one in bad} == {Reason.BAD_MESSAGE}
    early: list[FileMessage] = [
        Progress(transfer, 0, 1),
        Finished(transfer),
        Continue(transfer, 1, START),
    ]
    assert {refused(left, one) for one in early} == {Reason.NOT_ALLOWED}
    left.hear(left.speaker, Accept(STRANGER))  # of what it never heard
    left.hear(left.speaker, Cancel(STRANGER))
    left.hear(left.speaker, Continue(STRANGER, 1, START))
    assert left.out[transfer].state is OutgoingState.ANNOUNCED


def test_resume_of_what_is_not_theirs() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    second = FakeSpeaker(LinkID("second"))
    left = bench.left
    left.speakers[second.id] = second
    left.run(left.transfers.link_up(second, 0))
    count = len(left.commands)
    # Said to somebody on another link, and passed on
    overheard = resume_tag(transfer, bench.left.speaker.binding)
    left.hear(second, Resume((b"unknown" * 4, overheard, resume_tag(transfer))))
    assert len(left.commands) == count
    for _ in range(20):
        left.hear(second, Resume(tuple(bytes([number]) * 32 for number in range(MAX_TAGS))))
    assert len(left.transfers._named[second.id]) == MAX_TAGS
    # It is there already
    left.hear(left.speaker, Resume((resume_tag(transfer, left.speaker.binding),)))
    assert len(left.commands) == count
    left.hear(second, Progress(transfer, 0, 1))
    assert len(left.commands) == count
    del left.speakers[second.id]
    left.run(left.transfers.link_down(second.id, 0))
    assert second.id not in left.transfers._named


def test_nothing_is_resumed_without_a_proof() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    for side in bench.sides:
        bench.link_down(side, bench.link.id)
    unproved = FakeSpeaker(LinkID("unproved"), proved=False)
    assert bench.right.transfers.link_up(unproved, 0) == []
    assert bench.left.transfers.link_up(unproved, 0) == []
    assert bench.left.transfers.message(unproved, Resume((resume_tag(transfer),)), 0) == []
    assert bench.left.out[transfer].state is OutgoingState.WAITING


def test_many_waiting_are_named_in_several_messages() -> None:
    bench = bench_of()
    stored = tuple(
        StoredTransfer(TransferID(f"{n:022}"), Direction.IN, (Entry("a", 1),), None)
        for n in range(MAX_TAGS + 1)
    )
    bench.right.run(bench.right.transfers.disk(TransfersFound(stored), 0))
    assert [len(one.tags) for one in said(bench.right, Resume) if isinstance(one, Resume)] == [
        MAX_TAGS,
        1,
    ]


def test_channels_that_nobody_takes() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    right = bench.right.transfers
    link = bench.link.id
    assert right.channel_opened(link, 9, "chat", 0) is None
    assert right.channel_opened(link, 9, f"files/{STRANGER}/0", 0) is None
    assert right.channel_opened(LinkID("another"), 9, f"files/{transfer}/0", 0) is None
    assert right.channel_opened(link, 9, f"files/{transfer}/7", 0) == []  # of another generation
    second = sent(bench, "b")
    assert right.channel_opened(link, 9, f"files/{second}/0", 0) is None  # nobody has accepted it


def test_what_was_over_long_ago_is_forgotten() -> None:
    bench = bench_of()
    for number in range(MAX_REMEMBERED + 5):
        transfer = TransferID(f"{number:022}")
        bench.right.hear(bench.right.speaker, announce(transfer))
        bench.right.hear(bench.right.speaker, Cancel(transfer))
        bench.left.send("missing")
        bench.left.answer()
    assert len(bench.left.out) == MAX_REMEMBERED
    assert bench.right.incoming == {}  # what nobody wanted is let go at once


def test_what_arrived_long_ago_is_forgotten() -> None:
    bench = bench_of(AcceptPolicy(without_asking=True))
    for _ in range(MAX_REMEMBERED + 5):
        sent(bench, "a")
    assert len(bench.right.incoming) == len(bench.left.out) == MAX_REMEMBERED
