"""Tests of proxim.core.files.outgoing: one outgoing transfer; test_transfers.py tests both sides
together.
"""

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    START,
    Entry,
    FailedFile,
    Partial,
    Position,
    RenamedFile,
    Span,
    TransferID,
)
from proxim.core.files.outgoing import MAX_FAULTS, Outgoing, OutgoingState
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from tests.core.files.fake_links import FakePeerLink, heard
from tests.rows import each_row

ID = TransferID("A" * 22)
FILES = (Entry("a", 10), Entry("b", 20), Entry("folder", directory=True))
STALL = file_ev.TransferTimer(file_ev.FileTimer.STALL, ID)


class Bench:
    """A transfer and its link."""

    def __init__(self) -> None:
        self.peer_link = FakePeerLink(ev.LinkID("link"))
        self.one = Outgoing(ID, self.peer_link, ("a", "b", "folder"))
        self.now = 0.0

    def after(self, *events: object) -> list[do.Command]:
        """Report these events, and return the commands after the last one."""
        commands: list[do.Command] = []
        for event in events:
            self.now += 1
            commands = self.one.handle(event, self.now)  # type: ignore[arg-type]
        return commands

    @property
    def status(self) -> file_st.TransferStatus:
        return self.one.status


def said(commands: list[do.Command]) -> list[file_msg.FileMessage]:
    return [heard(one.text) for one in commands if isinstance(one, link_do.SendOnChannel)]


def sending(commands: list[do.Command]) -> list[file_do.StartSending]:
    return [one for one in commands if isinstance(one, file_do.StartSending)]


def active(*, lane: bool = False) -> Bench:
    bench = Bench()
    bench.peer_link.lane_open = lane
    bench.after(file_ev.SourcesListed(ID, FILES), file_msg.Accept(ID), file_ev.Turn())
    assert bench.one.state is OutgoingState.ACTIVE
    return bench


def refused(bench: Bench, event: file_msg.FileMessage) -> Reason:
    with pytest.raises(MessageError) as error:
        bench.after(event)
    return error.value.reason


def test_what_may_not_come_now() -> None:
    bench = Bench()
    assert refused(bench, file_msg.Accept(ID)) is Reason.NOT_ALLOWED
    with pytest.raises(MachineMisuseError):
        bench.after(file_ev.Turn())
    with pytest.raises(MachineMisuseError):
        bench.after(ev.TimerFired(STALL))


def test_announced_accepted_and_kept() -> None:
    bench = Bench()
    assert bench.one.start(("a",)) == [file_do.ListSources(ID, ("a", "b", "folder"), ("a",))]
    assert said(bench.after(file_ev.SourcesListed(ID, FILES))) == [file_msg.Announce(ID, FILES)]
    assert bench.peer_link.lanes_wanted == 1
    bench.after(file_msg.Accept(ID, (Span(1, 1),), more=True))
    assert bench.one.state is OutgoingState.ANNOUNCED
    partial = Partial(0, 4, b"x" * 32)
    assert bench.after(file_msg.Accept(ID, (), (partial,)))[0] == file_do.KeepSources(
        ID, "the other"
    )
    assert (bench.status.size, bench.status.moved) == (10, 4)
    (command,) = sending(bench.after(file_ev.Turn()))
    assert command == file_do.StartSending(
        ID, bench.peer_link.id, 0, st.Via.WEBRTC, (Span(1, 1),), (partial,), START
    )


def test_the_disk_has_nothing() -> None:
    bench = Bench()
    bench.after(file_ev.SourcesFailed(ID, Reason.FILE_GONE))
    assert (bench.status.state, bench.status.reason) == (
        file_st.TransferState.FAILED,
        Reason.FILE_GONE,
    )


def test_figures_through_a_change_of_way() -> None:
    bench = active(lane=True)
    assert bench.status.via is st.Via.LANE
    bench.after(file_msg.Progress(ID, 0, 5))
    bench.after(file_msg.Progress(ID, 0, 12))
    assert (bench.status.moved, bench.status.speed) == (12, 6.0)
    # A smaller figure than before is ignored, because written bytes stay written.
    bench.after(file_msg.Progress(ID, 0, 1))
    assert bench.status.moved == 12
    bench.peer_link.lane_open = False
    assert said(bench.after(file_ev.LaneChanged())) == [file_msg.Continue(ID, 0, START)]
    (command,) = sending(bench.after(file_msg.Continue(ID, 1, Position(1, 4))))
    assert (command.generation, command.via, command.position) == (1, st.Via.WEBRTC, Position(1, 4))
    assert (bench.status.moved, bench.status.speed, bench.status.via) == (14, None, st.Via.WEBRTC)
    # This figure belongs to the previous stream.
    assert bench.after(file_msg.Progress(ID, 0, 20)) == []
    bench.after(file_msg.Progress(ID, 1, 10**9))
    assert bench.status.moved == 30
    assert bench.after(file_ev.LaneChanged()) == []
    bench.peer_link.lane_open = True
    assert said(bench.after(file_ev.LaneChanged())) == [file_msg.Continue(ID, 1, Position(1, 4))]


def test_a_receiver_that_goes_on_from_nowhere() -> None:
    bench = active()
    for one in (
        file_msg.Continue(ID, 0, START),
        file_msg.Continue(ID, 2, START),
        file_msg.Continue(ID, 1, Position(4, 0)),
    ):
        assert refused(bench, one) is Reason.BAD_MESSAGE
    bench.after(file_msg.Continue(ID, 1, Position(3, 0)))
    assert bench.status.moved == 30


def test_told_to_go_on_before_its_turn() -> None:
    bench = Bench()
    bench.after(file_ev.SourcesListed(ID, FILES), file_msg.Accept(ID))
    assert bench.after(file_msg.Continue(ID, 1, Position(1, 0))) == []
    (command,) = sending(bench.after(file_ev.Turn()))
    assert (command.generation, command.position) == (1, Position(1, 0))


def test_a_lane_that_is_the_only_way_may_take_its_time() -> None:
    bench = active(lane=True)
    bench.peer_link.lane_is_optional = False
    assert do.CancelTimer(STALL) in bench.after(file_msg.Progress(ID, 0, 1))


def test_a_lane_that_stalls() -> None:
    bench = active(lane=True)
    assert bench.after(ev.TimerFired(STALL)) == [link_do.CloseLane(bench.peer_link.id)]
    bench.peer_link.lane_open = False
    # Another lane may be on its way, so it is left alone.
    assert bench.after(ev.TimerFired(STALL)) == []


def test_faults_of_ours() -> None:
    bench = active(lane=True)
    assert bench.after(file_ev.SendingFailed(ID, 5)) == []
    for generation in range(MAX_FAULTS):
        assert said(bench.after(file_ev.SendingFailed(ID, generation))) == [
            file_msg.Continue(ID, generation, START)
        ]
        bench.after(file_msg.Continue(ID, generation + 1, START))
    assert said(bench.after(file_ev.SendingFailed(ID, MAX_FAULTS))) == [
        file_msg.Cancel(ID, Reason.TRANSFER_FAILED.value)
    ]
    assert (bench.status.state, bench.one.ended_here) == (file_st.TransferState.FAILED, True)
    bench = active()
    bench.after(file_ev.SendingFailed(ID, 0))
    assert bench.status.reason is Reason.TRANSFER_FAILED


def test_a_fault_that_is_told_late() -> None:
    bench = Bench()
    assert bench.after(file_ev.SourcesListed(ID, FILES), file_ev.SendingFailed(ID, 0)) == []
    assert bench.after(file_msg.Accept(ID), file_ev.SendingFailed(ID, 0)) == []
    assert bench.after(file_ev.LinkDown(), file_ev.SendingFailed(ID, 0)) == []
    assert bench.one.state is OutgoingState.WAITING


def test_it_moves_to_the_link_that_is_there() -> None:
    for bench in (active(lane=True), Bench(), Bench()):
        if bench.one.state is not OutgoingState.ACTIVE:
            bench.after(file_ev.SourcesListed(ID, FILES), file_msg.Accept(ID))
        new = FakePeerLink(ev.LinkID("new"))
        commands = bench.after(file_ev.LinkUp(new))
        assert do.CancelTimer(STALL) in commands
        assert said(commands) == [file_msg.Announce(ID, FILES)]
        newer = FakePeerLink(ev.LinkID("newer"))
        # The transfer moves on before the answer.
        assert said(bench.after(file_ev.LinkUp(newer))) == [file_msg.Announce(ID, FILES)]
        bench.after(file_msg.Accept(ID, (), (Partial(1, 5, b"x" * 32),)), file_ev.Turn())
        assert (bench.status.size, bench.status.moved, bench.status.link) == (30, 5, newer.id)


def test_lost_while_announced_again_it_waits() -> None:
    bench = active()
    bench.after(
        file_ev.LinkDown(), file_ev.LinkUp(FakePeerLink(ev.LinkID("new"))), file_ev.LinkDown()
    )
    assert bench.status.state is file_st.TransferState.WAITING


def test_cancelled_while_it_waits() -> None:
    bench = active()
    assert said(bench.after(file_ev.LinkDown(), file_ev.CancelTransfer(ID))) == []
    assert bench.status.state is file_st.TransferState.CANCELLED


def test_found_on_the_disk() -> None:
    one = Outgoing.found(ID, FILES, "the other")
    assert (one.state, one.status.state, one.status.size) == (
        OutgoingState.WAITING,
        file_st.TransferState.WAITING,
        30,
    )
    peer_link = FakePeerLink(ev.LinkID("new"))
    assert said(one.handle(file_ev.LinkUp(peer_link), 0)) == [file_msg.Announce(ID, FILES)]
    one.handle(file_msg.Accept(ID, (Span(0, 1),)), 0)
    assert (one.status.size, one.status.moved) == (30, 10)


def test_finished_in_pieces() -> None:
    bench = active()
    gone = FailedFile(0, Reason.FILE_GONE)
    bench.after(file_msg.Progress(ID, 0, 20))
    assert bench.after(file_msg.Finished(ID, (gone,), more=True)) == []
    # The same file is reported twice.
    assert refused(bench, file_msg.Finished(ID, (gone,))) is Reason.BAD_MESSAGE
    assert (
        refused(bench, file_msg.Finished(ID, (FailedFile(3, Reason.FILE_GONE),)))
        is Reason.BAD_MESSAGE
    )
    bench.after(file_msg.Finished(ID))
    assert (bench.status.state, bench.status.reason) == (
        file_st.TransferState.DONE,
        Reason.SOME_FILES_FAILED,
    )
    assert (bench.status.moved, bench.status.failed) == (20, (gone,))


def test_new_names_are_of_what_was_announced_and_once_each() -> None:
    bench = active()
    bench.after(file_msg.Progress(ID, 0, 30))
    path = bench.status.entries[0].path
    known = RenamedFile(path, "other")
    assert bench.after(file_msg.Finished(ID, more=True, renamed=(known,))) == []
    for wrong in (known, RenamedFile("elsewhere", "x"), RenamedFile(path + "/x", "x")):
        assert refused(bench, file_msg.Finished(ID, renamed=(wrong,))) is Reason.BAD_MESSAGE
    bench.after(file_msg.Finished(ID))
    assert bench.status.renamed == (known,)


def test_a_partial_file_is_named_once() -> None:
    bench = Bench()
    bench.after(file_ev.SourcesListed(ID, FILES))
    twice = (Partial(0, 5, b""), Partial(0, 5, b""))
    assert refused(bench, file_msg.Accept(ID, partial=twice)) is Reason.BAD_MESSAGE


def test_finished_before_its_turn() -> None:
    bench = Bench()
    bench.after(
        file_ev.SourcesListed(ID, FILES), file_msg.Accept(ID, (Span(0, 3),)), file_msg.Finished(ID)
    )
    assert (bench.status.state, bench.status.size) == (file_st.TransferState.DONE, 0)


@each_row(
    "reason, state",
    [
        ("declined", "cancelled"),
        ("unattended", "cancelled"),
        ("one_file_only", "cancelled"),
        ("cancelled", "cancelled"),
        ("disk_full", "failed"),
        ("strange", "failed"),
    ],
)
def test_cancelled_by_the_receiver(reason: str, state: str) -> None:
    bench = active()
    bench.after(file_msg.Cancel(ID, reason))
    assert bench.status.state.value == state
    assert not bench.one.ended_here


def test_finished_before_all_of_it_was_written() -> None:
    bench = active()
    bench.after(file_msg.Progress(ID, 0, 5), file_msg.Finished(ID))
    assert (bench.status.state, bench.status.reason) == (
        file_st.TransferState.FAILED,
        Reason.TRANSFER_FAILED,
    )
