"""Tests of proxim.core.files.incoming: one incoming transfer; test_transfers.py tests both sides
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
from proxim.core.files.incoming import UNACKNOWLEDGED_SECONDS, Incoming, IncomingState, Refusals
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    START,
    Entry,
    FailedFile,
    Partial,
    Position,
    Span,
    TransferID,
)
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from tests.core.files.fake_links import FakePeerLink, heard
from tests.rows import each_row

ID = TransferID("A" * 22)
FILES = (Entry("a", 10), Entry("b", 20), Entry("folder", directory=True))
ANNOUNCED = file_msg.Announce(ID, FILES)
FINISHED = file_ev.SinkFinished(ID, (), "a", None)


class Bench:
    """A transfer and its link."""

    def __init__(self) -> None:
        self.peer_link = FakePeerLink(ev.LinkID("link"))
        self.one = Incoming(ID, self.peer_link, Refusals())
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

    @property
    def state(self) -> IncomingState:
        return self.one.state


def said(commands: list[do.Command]) -> list[file_msg.FileMessage]:
    return [heard(one.text) for one in commands if isinstance(one, link_do.SendOnChannel)]


def active(*, lane: bool = False) -> Bench:
    bench = Bench()
    bench.peer_link.lane_open = lane
    bench.after(ANNOUNCED, file_ev.AcceptTransfer(ID), file_ev.SinkReady(ID))
    assert bench.state is IncomingState.ACTIVE
    return bench


def test_what_may_not_come_now() -> None:
    bench = Bench()
    with pytest.raises(MessageError) as error:
        bench.after(ANNOUNCED, file_msg.Continue(ID, 0, START))
    assert error.value.reason is Reason.NOT_ALLOWED
    bench = active()
    with pytest.raises(MachineMisuseError):
        bench.after(file_ev.SinkPaused(ID, START))


def test_what_the_disk_reports_after_the_end_changes_nothing() -> None:
    bench = active()
    bench.after(FINISHED)
    over = bench.status
    bench.now += UNACKNOWLEDGED_SECONDS
    for late in (file_ev.SinkWrote(ID, 0, 1), file_ev.SinkPaused(ID, START), FINISHED):
        assert bench.after(late) == []
    assert bench.status == over
    # The end is as long ago as it was.
    bench.one.link_lost(bench.now)
    assert not bench.one.unacknowledged


def test_the_sink_listens_before_the_sender_hears_that_it_may_begin() -> None:
    bench = Bench()
    bench.peer_link.lane_open = True
    opening = bench.after(
        ANNOUNCED, file_ev.AcceptTransfer(ID, declined=(1, 99, -1), directory="there")
    )
    assert opening[0] == file_do.OpenSink(ID, FILES, (1,), "there", "the other")
    partial = Partial(0, 4, b"x" * 32)
    commands = bench.after(file_ev.SinkReady(ID, (Span(1, 2),), (partial,)))
    assert commands[0] == file_do.ReceiveStream(ID, bench.peer_link.id, link_ev.LANE_CHANNEL, 0)
    assert said(commands) == [file_msg.Accept(ID, (Span(1, 2),), (partial,))]
    assert (bench.status.size, bench.status.moved, bench.status.via) == (10, 4, st.Via.LANE)


def test_the_sender_takes_the_channel_though_there_is_a_lane() -> None:
    bench = active(lane=True)
    assert bench.after(file_ev.StreamOpened(5, 0))[0] == file_do.ReceiveStream(
        ID, bench.peer_link.id, 5, 0
    )
    assert bench.status.via is st.Via.WEBRTC
    # This is a second stream of the same generation.
    assert bench.after(file_ev.StreamOpened(6, 0)) == []


def test_a_lane_that_opens_before_anything_has_come() -> None:
    bench = active()
    assert bench.after(file_ev.LaneChanged()) == []
    bench.peer_link.lane_open = True
    assert bench.after(file_ev.LaneChanged()) == [
        file_do.ReceiveStream(ID, bench.peer_link.id, link_ev.LANE_CHANNEL, 0)
    ]
    assert bench.after(file_ev.LaneChanged()) == []


def test_figures_through_a_change_of_way() -> None:
    bench = active(lane=True)
    bench.after(file_ev.SinkWrote(ID, 0, 5))
    bench.after(file_ev.SinkWrote(ID, 0, 12))
    assert (bench.status.moved, bench.status.speed) == (12, 6.0)
    bench.peer_link.lane_open = False
    assert bench.after(file_ev.LaneChanged()) == [file_do.PauseSink(ID)]
    assert (
        bench.after(file_ev.LaneChanged())
        == bench.after(file_msg.Continue(ID, 0, START))
        == bench.after(file_ev.StreamOpened(5, 0))
        == []
    )
    assert said(bench.after(file_ev.SinkWrote(ID, 0, 14))) == [file_msg.Progress(ID, 0, 14)]
    assert said(bench.after(file_ev.SinkPaused(ID, Position(1, 4)))) == [
        file_msg.Continue(ID, 1, Position(1, 4))
    ]
    assert bench.after(file_ev.SinkWrote(ID, 0, 14)) == []
    bench.after(file_ev.StreamOpened(5, 1), file_ev.SinkWrote(ID, 1, 3))
    assert (bench.status.moved, bench.status.via) == (17, st.Via.WEBRTC)
    bench.after(file_ev.SinkWrote(ID, 1, 10**9))
    assert bench.status.moved == 30


def test_the_sender_asks_for_another_way() -> None:
    bench = active(lane=True)
    assert bench.after(file_msg.Continue(ID, 7, START)) == []
    assert bench.after(file_msg.Continue(ID, 0, START)) == [file_do.PauseSink(ID)]
    commands = bench.after(file_ev.SinkPaused(ID, START))
    assert commands[0] == file_do.ReceiveStream(ID, bench.peer_link.id, link_ev.LANE_CHANNEL, 1)
    # The request is out of date by then.
    assert bench.after(file_msg.Continue(ID, 0, START)) == []


def test_failed_while_paused_and_while_opening() -> None:
    for bench in (active(), Bench()):
        if bench.state is IncomingState.ACTIVE:
            bench.after(file_msg.Continue(ID, 0, START))
        else:
            bench.after(ANNOUNCED, file_ev.AcceptTransfer(ID))
        commands = bench.after(file_ev.SinkFailed(ID, Reason.FOLDER_GONE))
        assert said(commands) == [file_msg.Cancel(ID, Reason.FOLDER_GONE.value)]
        assert file_do.CloseSink(ID, keep=True) in commands
        assert (bench.status.state, bench.status.reason) == (
            file_st.TransferState.FAILED,
            Reason.FOLDER_GONE,
        )


def test_a_link_lost_while_opening_and_answers_that_come_late() -> None:
    bench = Bench()
    bench.after(ANNOUNCED, file_ev.AcceptTransfer(ID))
    assert bench.after(file_ev.LinkDown())[0] == file_do.CloseSink(ID, keep=True)
    assert (
        bench.after(file_ev.SinkReady(ID))
        == bench.after(file_ev.SinkWrote(ID, 0, 1))
        == bench.after(file_ev.SinkFailed(ID, Reason.DISK_FULL))
        == []
    )
    assert bench.state is IncomingState.WAITING


def test_a_sink_that_was_through_when_the_link_was_lost() -> None:
    """The sink's end is reported while the link is lost, or while the transfer is announced
    again, or opened again.
    """
    for later in (0, 1, 2):
        bench = active()
        bench.after(file_ev.LinkDown())
        new = FakePeerLink(ev.LinkID("new"))
        if later == 0:
            bench.after(FINISHED)
            assert bench.one.unacknowledged
            assert bench.status.state is file_st.TransferState.DONE
        commands = bench.one.announced_again(new)
        if later == 1:
            commands = bench.after(FINISHED)
        commands = bench.after(ANNOUNCED)
        if later == 2:
            commands = bench.after(FINISHED)
            assert file_do.CloseSink(ID, keep=False) in commands
        assert said(commands) == [file_msg.Accept(ID, (Span(0, 3),)), file_msg.Finished(ID)]
        assert bench.status.state is file_st.TransferState.DONE
        assert not bench.one.unacknowledged


def test_announced_again_while_the_old_link_seems_to_live() -> None:
    bench = active()
    new = FakePeerLink(ev.LinkID("new"))
    assert bench.one.announced_again(new) == [file_do.CloseSink(ID, keep=True)]
    assert isinstance(bench.after(ANNOUNCED)[0], file_do.OpenSink)
    assert bench.status.link == new.id


def test_announced_again_with_other_files_it_is_asked_about_again() -> None:
    bench = active()
    bench.one.announced_again(bench.peer_link)
    commands = bench.after(file_msg.Announce(ID, (Entry("virus", 10),)))
    assert [type(one) for one in commands] == [do.Publish]
    assert (bench.state, bench.one.accepted, bench.status.moved) == (IncomingState.ASKED, False, 0)


@each_row(
    "event, state, reason",
    [
        (file_msg.Cancel(ID, "cancelled"), file_st.TransferState.CANCELLED, Reason.CANCELLED),
        (file_msg.Cancel(ID, "file_gone"), file_st.TransferState.FAILED, Reason.FILE_GONE),
        (file_ev.CancelTransfer(ID), file_st.TransferState.CANCELLED, Reason.CANCELLED),
        (
            file_msg.Announce(ID, FILES * MAX_ENTRIES, more=True),
            file_st.TransferState.FAILED,
            Reason.TOO_MANY_FILES,
        ),
        (
            file_msg.Announce(ID, FILES * MAX_ENTRIES),
            file_st.TransferState.FAILED,
            Reason.TOO_MANY_FILES,
        ),
        (file_ev.LinkDown(), file_st.TransferState.WAITING, None),
    ],
)
def test_ended_while_it_is_announced_again(
    event: object, state: file_st.TransferState, reason: Reason | None
) -> None:
    bench = active()
    bench.one.announced_again(FakePeerLink(ev.LinkID("new")))
    bench.after(file_msg.Announce(ID, FILES[:1], more=True), file_ev.LaneChanged(), event)
    assert (bench.status.state, bench.status.reason) == (state, reason)
    assert bench.one.peer_link is None


@each_row("event", [file_msg.Cancel(ID), file_ev.LinkDown()])
def test_what_nobody_was_asked_about_nobody_is_told(event: object) -> None:
    bench = Bench()
    assert bench.after(file_msg.Announce(ID, FILES[:1], more=True), event) == []
    assert bench.state is IncomingState.OVER


def test_asked_on_a_dead_link_and_announced_on_another() -> None:
    bench = Bench()
    bench.after(ANNOUNCED)
    assert bench.one.announced_again(FakePeerLink(ev.LinkID("new"))) == []
    bench.after(file_msg.Announce(ID, FILES[:1], more=True), file_ev.LinkDown())
    assert (bench.status.state, bench.status.reason) == (
        file_st.TransferState.CANCELLED,
        Reason.PEER_LEFT,
    )


def test_all_that_was_wanted_failed() -> None:
    bench = Bench()
    bench.after(
        ANNOUNCED, file_ev.AcceptTransfer(ID, declined=(1, 2)), file_ev.SinkReady(ID, (Span(1, 2),))
    )
    bench.after(file_ev.SinkFinished(ID, (FailedFile(0, Reason.FILE_GONE),), "a", None))
    assert (bench.status.state, bench.status.reason) == (
        file_st.TransferState.FAILED,
        Reason.FILE_GONE,
    )
    assert bench.status.moved == 0
    bench.one.announced_again(bench.peer_link)
    # This is a second attempt; the first one's end is not repeated.
    assert isinstance(bench.after(ANNOUNCED)[0], file_do.OpenSink)


def test_an_end_is_taken_for_unacknowledged_only_for_a_while() -> None:
    for wait, unacknowledged in (
        (UNACKNOWLEDGED_SECONDS / 2, True),
        (UNACKNOWLEDGED_SECONDS * 2, False),
    ):
        bench = active()
        bench.after(FINISHED)
        bench.one.link_lost(bench.now + wait)
        assert bench.one.unacknowledged is unacknowledged


def test_cancelled_unacknowledged_then_lost_again() -> None:
    bench = active()
    bench.after(file_ev.LinkDown(), file_ev.CancelTransfer(ID))
    assert bench.one.unacknowledged
    bench.one.announced_again(FakePeerLink(ev.LinkID("new")))
    assert said(bench.after(ANNOUNCED)) == [file_msg.Cancel(ID, Reason.CANCELLED.value)]
    # The new link is noted, so that its loss is noticed.
    assert bench.status.link == "new"
    bench.one.link_lost(bench.now)
    assert bench.one.unacknowledged


def test_names_of_ids_are_not_shown() -> None:
    assert ID not in repr(active().status)
