"""Tests of proxim.core.files.transfers, one path after another; test_transfers_in_any_order.py
tries random orders.
"""

import sys
from dataclasses import replace
from typing import TypeVar

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.incoming import UNACKNOWLEDGED_SECONDS
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    START,
    Direction,
    Entry,
    FailedFile,
    LeftOutFile,
    Partial,
    Span,
    TransferID,
    resume_tag,
)
from proxim.core.files.transfers import (
    MAX_ALIVE,
    MAX_MOVING,
    MAX_REMEMBERED,
    MAX_UNDECIDED,
    MAX_UNFINISHED,
    Transfers,
)
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from tests.core.files.fake_links import FakePeerLink, heard
from tests.core.files.transfer_bench import ASKING, Bench, Side
from tests.core.handed_in import counting_bytes
from tests.rows import each_row

Said = TypeVar("Said", bound=file_msg.FileMessage)

# --- one path after another -----------------------------------------------------------------------

STRANGER = TransferID("A" * 22)


def bench_of(policy: file_ev.AcceptPolicy = ASKING) -> Bench:
    """Return a linked bench whose left side sends and whose right side receives."""
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
    """Send these paths until the receiver's person is asked, and return the transfer."""
    bench.left.send(*paths)
    bench.settle()
    return list(bench.left.out)[-1]


def moving(bench: Bench, *paths: str, steps: int = 8) -> TransferID:
    """Send and accept these paths, and take this many steps further."""
    transfer = sent(bench, *paths)
    bench.right.accept(transfer)
    go(bench, steps)
    assert transfer in bench.left.sending
    assert bench.right.told[transfer].state is file_st.TransferState.ACTIVE
    return transfer


def go(bench: Bench, steps: int) -> None:
    for _ in range(steps):
        bench.steps()[0]()


def ends(
    bench: Bench, transfer: TransferID
) -> tuple[tuple[file_st.TransferState, Reason | None], ...]:
    out, came = bench.left.told[transfer], bench.right.told[transfer]
    return (out.state, out.reason), (came.state, came.reason)


def both(
    state: file_st.TransferState, reason: Reason | None = None
) -> tuple[tuple[file_st.TransferState, Reason | None], ...]:
    return (state, reason), (state, reason)


DONE = both(file_st.TransferState.DONE)


def said(side: Side, kind: type[Said]) -> list[Said]:
    texts = [heard(one.text) for one in side.commands if isinstance(one, link_do.SendOnChannel)]
    return [one for one in texts if isinstance(one, kind)]


def opened(side: Side) -> list[file_do.OpenSink]:
    return [one for one in side.commands if isinstance(one, file_do.OpenSink)]


def started(side: Side) -> list[file_do.StartSending]:
    return [one for one in side.commands if isinstance(one, file_do.StartSending)]


def count_opened(commands: list[do.Command]) -> int:
    return sum(1 for one in commands if isinstance(one, file_do.OpenSink))


def refused(side: Side, message: file_msg.FileMessage) -> Reason:
    with pytest.raises(MessageError) as error:
        side.hear(side.peer_link, message)
    return error.value.reason


def test_a_file_arrives() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    # Nobody has accepted it yet.
    assert not opened(bench.right)
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert bench.right.disk.arrived[transfer] == {"a": bytes(range(21))}
    for side in bench.sides:
        status = side.told[transfer]
        assert (status.size, status.moved, status.via, status.failed) == (21, 21, st.Via.WEBRTC, ())
    assert bench.left.told[transfer].direction is Direction.OUT
    assert bench.right.told[transfer].path == "folder"
    assert not bench.right.disk.sinks
    assert not bench.right.disk.kept
    assert not bench.left.disk.sources
    assert bench.left.acknowledged[-1].written == 21
    assert bench.left.peer_link.lanes_wanted
    assert bench.right.peer_link.lanes_wanted


def test_some_of_a_folder_arrive() -> None:
    bench = bench_of()
    transfer = sent(bench, "folder", "b")
    names = [one.path for one in bench.right.incoming[transfer].entries]
    bench.right.accept(transfer, (names.index("folder/one"), names.index("folder")))
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert set(bench.right.disk.arrived[transfer]) == {"folder/two", "folder/three", "b"}
    assert [side.told[transfer].size for side in bench.sides] == [15, 15]


def test_only_folders_arrive_too() -> None:
    bench = bench_of()
    bench.left.disk.put("folder/one", b"")
    transfer = sent(bench, "folder")
    entries = bench.right.incoming[transfer].entries
    bench.right.accept(
        transfer, tuple(index for index, one in enumerate(entries) if not one.directory)
    )
    bench.settle()
    assert ends(bench, transfer) == DONE


def test_what_nobody_declined_says_why_it_is_not_taken() -> None:
    bench = bench_of()
    transfer = sent(bench, "a", "b")
    bench.right.run(
        bench.right.transfers.handle(
            file_ev.CancelTransfer(transfer, Reason.ONE_FILE_ONLY), bench.now
        )
    )
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.ONE_FILE_ONLY)
    assert not opened(bench.right)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_declined(one_by_one: bool) -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    if one_by_one:
        bench.right.accept(transfer, (0,))
    else:
        bench.right.cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.DECLINED)
    assert not opened(bench.right)


def test_declined_by_a_program_at_which_nobody_can_answer() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.right.cancel(transfer, reason=Reason.UNATTENDED)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.UNATTENDED)
    assert not opened(bench.right)


def test_always_from_this_link() -> None:
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), always=True)
    bench.settle()
    second = sent(bench, "b")
    assert ends(bench, second) == DONE
    # A link that replaces a lost one is the same to people.
    bench.relink()
    third = sent(bench, "b")
    assert ends(bench, third) == DONE
    stranger = FakePeerLink(ev.LinkID("another"))
    bench.right.transfers.link_up(stranger, 0)
    commands = bench.right.transfers.message(stranger, announce(), 0)
    assert not any(isinstance(one, file_do.OpenSink) for one in commands)


def test_always_is_not_inherited_by_who_takes_the_place_of_a_lost_device() -> None:
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), always=True)
    bench.settle()
    for link in list(bench.right.transfers._peers_linked):
        bench.right.transfers.link_down(link, Reason.PEER_VANISHED, 0)
    # Its link resumes nothing, whatever name it has.
    newcomer = FakePeerLink(ev.LinkID("newcomer"))
    bench.right.transfers.link_up(newcomer, 0)
    commands = bench.right.transfers.message(newcomer, announce(), 0)
    assert not any(isinstance(one, file_do.OpenSink) for one in commands)
    assert [
        one.status.needs_answer
        for one in commands
        if isinstance(one, do.Publish) and isinstance(one.status, file_st.TransferStatus)
    ] == [True]


def test_always_into_the_folder_that_was_chosen() -> None:
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), directory="there", always=True)
    bench.settle()
    sent(bench, "b")
    assert [one.directory for one in opened(bench.right)] == ["there", "there"]


def test_without_asking() -> None:
    bench = bench_of(file_ev.AcceptPolicy(without_asking=True, directory="there"))
    transfer = sent(bench, "a", "folder")
    assert ends(bench, transfer) == DONE
    assert opened(bench.right)[0].directory == "there"


def questions(bench: Bench) -> list[tuple[file_st.TransferState, bool]]:
    """Return the receiver's published states of announced or active transfers, and whether each
    state needed an answer.
    """
    told = [
        one.status
        for one in bench.right.commands
        if isinstance(one, do.Publish) and isinstance(one.status, file_st.TransferStatus)
    ]
    states = (file_st.TransferState.ANNOUNCED, file_st.TransferState.ACTIVE)
    found = [(one.state, one.needs_answer) for one in told if one.state in states]
    return list(dict.fromkeys(found))


def test_what_is_accepted_unseen_is_announced_without_a_question() -> None:
    unseen = [(file_st.TransferState.ANNOUNCED, False), (file_st.TransferState.ACTIVE, False)]
    bench = bench_of(file_ev.AcceptPolicy(without_asking=True))
    sent(bench, "a")
    assert questions(bench) == unseen
    bench = bench_of()
    bench.right.accept(sent(bench, "a"), always=True)
    assert questions(bench) == [(file_st.TransferState.ANNOUNCED, True), unseen[1]]
    bench.settle()
    bench.right.commands.clear()
    sent(bench, "b")
    assert questions(bench) == unseen


def test_always_is_no_answer_about_what_was_announced_before() -> None:
    bench = bench_of()
    first, second = sent(bench, "a"), sent(bench, "b")
    bench.right.accept(first, always=True)
    assert bench.right.asked == [second]
    bench.right.accept(second)
    bench.settle()
    assert ends(bench, second) == DONE


@each_row("by_sender", [False, True])
@each_row("steps", [0, 1, 3, 6, 8])
def test_cancelled_midway(by_sender: bool, steps: int) -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.right.accept(transfer)
    go(bench, steps)
    (bench.left if by_sender else bench.right).cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.CANCELLED)
    assert not bench.right.disk.kept
    assert not bench.right.disk.sinks
    (bench.left if by_sender else bench.right).cancel(transfer)
    assert (bench.left if by_sender else bench.right).troubles == [Reason.TRANSFER_GONE]


def test_withdrawn_before_the_answer() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.cancel(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.CANCELLED)


def test_cancelled_while_the_disk_looks() -> None:
    bench = bench_of()
    bench.left.send("a")
    transfer = bench.left.last_listed
    bench.left.cancel(transfer)
    bench.settle()
    assert bench.left.commands[-1] == file_do.StopSending(transfer, forget=True)
    assert not bench.right.incoming


def test_what_nobody_can_do() -> None:
    bench = bench_of()
    left = bench.left
    left.send_over(ev.LinkID("another"), "a")
    left.send()
    left.cancel(STRANGER)
    left.retry(STRANGER)
    accept = file_ev.AcceptTransfer(STRANGER)
    left.run(left.transfers.handle(accept, 0))
    left.hear(left.peer_link, announce(more=True))
    # The person was not asked about this transfer yet.
    left.run(left.transfers.handle(accept, 0))
    gone = Reason.TRANSFER_GONE
    assert left.troubles == [
        Reason.FILES_UNSUPPORTED,
        Reason.NOTHING_TO_SEND,
        gone,
        gone,
        gone,
        gone,
    ]
    assert not bench.left.disk.answers


def test_what_cannot_be_sent_is_told() -> None:
    bench = bench_of()
    bench.left.send("a")
    transfer = bench.left.last_listed
    bench.left.disk.answers.clear()
    listed = file_ev.SourcesListed(
        transfer, (Entry("a", 21, 1),), (LeftOutFile("secret", Reason.FILE_UNREADABLE),)
    )
    bench.left.run(bench.left.transfers.handle(listed, 0))
    assert bench.left.troubles == [Reason.FILE_UNREADABLE]


def test_what_is_left_out_is_listed_at_both_ends() -> None:
    bench = bench_of()
    bench.left.send("a")
    transfer = bench.left.last_listed
    bench.left.disk.answers.clear()
    links = tuple(LeftOutFile(f"{number:0200}", Reason.NOT_A_FILE) for number in range(500))
    entries = (Entry("a", 21, 1),)
    bench.left.run(bench.left.transfers.handle(file_ev.SourcesListed(transfer, entries, links), 0))
    bench.settle()
    # A link is no failure.
    assert bench.left.troubles == []
    for side in bench.sides:
        assert side.told[transfer].left_out == links
    assert bench.left.told[transfer].state is file_st.TransferState.ANNOUNCED


def test_disks_answer_late() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.cancel(transfer)
    late = bench.left.transfers.handle(file_ev.SourcesListed(transfer, (Entry("a", 21, 1),)), 0)
    # The listed files are forgotten.
    assert late == [file_do.StopSending(transfer, forget=True)]
    assert bench.left.transfers.handle(file_ev.SendingFailed(transfer, 0), 0) == []
    # The person was only asked about it.
    assert bench.right.transfers.handle(file_ev.SinkReady(transfer), 0) == []
    bench.right.hear(bench.right.peer_link, file_msg.Cancel(transfer))
    assert bench.right.transfers.handle(file_ev.SinkReady(transfer), 0) == []
    bench.right.hear(bench.right.peer_link, announce(transfer, more=True))
    assert bench.right.transfers.handle(file_ev.SinkReady(transfer), 0) == []
    # It is still being announced; the person is asked once the announcement is complete.
    assert transfer in bench.right.arriving
    bench.right.hear(bench.right.peer_link, announce(transfer))
    assert transfer in bench.right.asked
    assert bench.right.transfers.handle(file_ev.SinkReady(STRANGER), 0) == []


def test_the_old_link_goes_while_it_is_announced_on_the_new() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    second = FakePeerLink(ev.LinkID("second"))
    entries = bench.right.incoming[transfer].entries
    right = bench.right.transfers
    right.link_up(second, 0)
    right.message(second, file_msg.Announce(transfer, entries, more=True), 0)
    assert right.link_down(bench.link.id, Reason.PEER_VANISHED, 0) == []
    # The rest of the announcement is still accepted: it is complete now, and the sink is opened.
    (opening, _, *_) = right.message(second, file_msg.Announce(transfer, ()), 0)
    assert isinstance(opening, file_do.OpenSink)
    assert (opening.transfer, opening.entries) == (transfer, entries)


def test_nothing_there_then_tried_again() -> None:
    bench = bench_of()
    bench.left.send("late")
    bench.settle()
    transfer = bench.left.last_listed
    assert bench.left.told[transfer].reason is Reason.FILE_GONE
    bench.left.disk.put("late", b"here")
    bench.left.retry(transfer)
    bench.settle(accept=True)
    assert ends(bench, transfer) == DONE


# --- links that are lost --------------------------------------------------------------------------


def test_lost_while_the_disk_looks() -> None:
    bench = bench_of()
    bench.left.send("a")
    transfer = bench.left.last_listed
    bench.relink()
    bench.settle()
    assert bench.left.told[transfer].reason is Reason.NOT_CONNECTED


def test_lost_before_the_answer_then_tried_again() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.relink()
    bench.settle()
    assert ends(bench, transfer) == (
        (file_st.TransferState.FAILED, Reason.PEER_VANISHED),
        (file_st.TransferState.CANCELLED, Reason.PEER_LEFT),
    )
    bench.left.retry(transfer)
    bench.settle()
    assert transfer in bench.right.asked
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
        assert side.told[transfer].state is file_st.TransferState.WAITING
        assert (side.told[transfer].link, side.told[transfer].via, side.told[transfer].speed) == (
            None,
            None,
            None,
        )
    go(bench, 5)
    assert bench.left.told[transfer].moved >= moved
    assert bench.left.told[transfer].size == bench.right.told[transfer].size == 30
    # Nobody is asked a second time.
    bench.settle()
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
    """A program that is started again with the same --send does this; it is faster than the
    peer's `resume`.
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
    """Send the same files to a device that has forgotten the waiting transfer. Return the bench
    and the new transfer, which is not announced yet.
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
    assert isinstance(timer, file_ev.TransferTimer)
    return bench, timer.scope


def test_the_same_files_are_held_back_and_the_link_goes() -> None:
    bench, new = held_back()
    bench.link_down(bench.left, bench.link.id)
    assert not bench.left.timers
    assert (bench.left.told[new].state, bench.left.told[new].reason) == (
        file_st.TransferState.FAILED,
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
        file_st.TransferState.FAILED,
        Reason.NOT_CONNECTED,
    )


def test_the_same_files_are_not_held_back_for_a_peer_that_proved_nothing() -> None:
    """A request of this peer to resume would be ignored, so there is nothing to wait for."""
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    for side in bench.sides:
        bench.link_down(side, bench.link.id)
    bench.new_link()
    for side in bench.sides:
        side.peer_links[bench.link.id] = FakePeerLink(bench.link.id, proved=False)
        side.run(side.transfers.link_up(side.peer_link, bench.now))
    bench.left.send("a", "b")
    bench.left.answer()
    assert not bench.left.timers
    (new,) = [one for one in bench.left.out if one != transfer]
    assert bench.left.told[new].state is file_st.TransferState.ANNOUNCED


def test_the_same_files_are_sent_once_the_peer_asks_for_others() -> None:
    bench, new = held_back()
    bench.left.hear(
        bench.left.peer_link, file_msg.Resume((resume_tag(STRANGER, bench.left.peer_link.binding),))
    )
    assert not bench.left.timers
    bench.settle(accept=True)
    assert ends(bench, new) == DONE


def test_the_same_files_are_held_back_and_cancelled() -> None:
    bench, new = held_back()
    bench.left.cancel(new)
    assert not bench.left.timers
    assert bench.left.told[new].state is file_st.TransferState.CANCELLED
    bench.left.hear(
        bench.left.peer_link, file_msg.Resume((resume_tag(STRANGER, bench.left.peer_link.binding),))
    )
    bench.settle()
    assert not bench.right.incoming


def test_the_same_files_for_somebody_else_are_sent_after_a_moment() -> None:
    bench, new = held_back()
    (timer,) = bench.left.timers
    bench.left.fire(timer)
    bench.settle(accept=True)
    assert ends(bench, new) == DONE
    (waits,) = [one for one in bench.left.out if one != new]
    assert bench.left.told[waits].state is file_st.TransferState.WAITING


@pytest.mark.parametrize("which", ["left", "right", "both"])
@pytest.mark.parametrize("disk_first", [False, True])
def test_programs_started_again(which: str, disk_first: bool) -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    for side in bench.sides:
        if which in (side.name, "both"):
            side.restart()
    for side in bench.sides:
        if side.peer_links:
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
    found = file_ev.TransfersFound(
        (
            file_ev.StoredTransfer(transfer, Direction.OUT, (), None),
            file_ev.StoredTransfer(STRANGER, Direction.IN, (), None),
        )
    )
    bench.left.run(bench.left.transfers.handle(found, 0))
    bench.right.run(bench.right.transfers.handle(found, 0))
    assert bench.left.out[transfer] is state
    assert transfer not in bench.right.out
    assert said(bench.left, file_msg.Resume) == [
        file_msg.Resume((resume_tag(STRANGER, bench.left.peer_link.binding),))
    ]


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
    while not bench.right.told[transfer].over:
        go(bench, 1)
    bench.link.control["left"].clear()
    bench.link_down(bench.right, bench.link.id)
    # It does not matter how long the two are apart.
    bench.now += 10 * UNACKNOWLEDGED_SECONDS
    bench.relink()
    assert bench.left.told[transfer].state is file_st.TransferState.WAITING
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert len(opened(bench.right)) == 1
    before = len(said(bench.right, file_msg.Resume))
    bench.now += UNACKNOWLEDGED_SECONDS
    bench.relink()
    # The sender has received the answer by now.
    assert len(said(bench.right, file_msg.Resume)) == before


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
        assert ends(bench, transfer) == both(file_st.TransferState.CANCELLED, Reason.CANCELLED)
        assert len(opened(bench.right)) == 1


# --- the sender forgets its transfers with its session ------------------------------------------


def page_moving() -> tuple[Bench, TransferID]:
    bench = bench_of()
    bench.left.session_only = True
    transfer = moving(bench, "a", "b", steps=13)
    assert [one.session_only for one in opened(bench.right)] == [True]
    return bench, transfer


def check_nothing_is_kept(bench: Bench, transfer: TransferID) -> None:
    told = bench.right.told[transfer]
    assert (told.state, told.reason) == (file_st.TransferState.FAILED, Reason.PEER_LEFT)
    assert transfer not in bench.right.disk.kept
    assert not bench.right.timers


@pytest.mark.parametrize("reason", [Reason.PEER_LEFT, Reason.DISCONNECTED, Reason.EXPIRED])
def test_nothing_is_kept_for_a_page_whose_session_is_over(reason: Reason) -> None:
    bench, transfer = page_moving()
    bench.link_down(bench.right, bench.link.id, reason)
    check_nothing_is_kept(bench, transfer)


def test_nothing_is_kept_for_a_page_that_proved_nothing_once_its_link_is_lost() -> None:
    bench, transfer = page_moving()
    bench.right.peer_link.proved = False
    bench.link_down(bench.right, bench.link.id)
    check_nothing_is_kept(bench, transfer)


def test_nothing_is_kept_for_a_page_that_does_not_come_back() -> None:
    bench, transfer = page_moving()
    bench.link_down(bench.right, bench.link.id)
    assert bench.right.told[transfer].state is file_st.TransferState.WAITING
    assert transfer in bench.right.disk.kept
    (timer,) = bench.right.timers
    bench.right.fire(timer)
    check_nothing_is_kept(bench, transfer)


def test_a_page_that_comes_back_goes_on() -> None:
    bench, transfer = page_moving()
    bench.relink()
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert not bench.right.timers
    assert started(bench.left)[-1].partial


def test_nothing_is_kept_of_what_failed_once_the_page_is_gone() -> None:
    bench = bench_of()
    bench.left.session_only = True
    transfer = moving(bench, "a", steps=10)
    bench.right.disk.full = True
    bench.settle()
    assert transfer in bench.right.disk.kept
    bench.link_down(bench.right, bench.link.id, Reason.PEER_LEFT)
    assert transfer not in bench.right.disk.kept
    assert bench.right.told[transfer].reason is Reason.DISK_FULL


@pytest.mark.parametrize("late", [False, True], ids=["noticed first", "noticed late"])
def test_what_failed_is_kept_for_a_page_that_is_linked_again(late: bool) -> None:
    bench = bench_of()
    bench.left.session_only = True
    transfer = moving(bench, "a", steps=10)
    bench.right.disk.full = True
    bench.settle()
    old = bench.link.id
    if late:
        bench.link_down(bench.left, old)
        bench.new_link()
        bench.linked()
        bench.link_down(bench.right, old)
    else:
        bench.relink()
    assert not bench.right.timers
    assert transfer in bench.right.disk.kept
    bench.link_down(bench.right, bench.link.id)
    (timer,) = bench.right.timers
    bench.right.fire(timer)
    assert transfer not in bench.right.disk.kept


def test_nobody_waits_for_a_page_whose_transfer_was_cancelled_here() -> None:
    bench, transfer = page_moving()
    bench.link_down(bench.right, bench.link.id)
    bench.right.cancel(transfer)
    assert not bench.right.timers
    assert transfer not in bench.right.disk.kept


# --- what fails, and is tried again ---------------------------------------------------------------


def test_a_full_disk_then_room_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", steps=10)
    bench.right.disk.full = True
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.FAILED, Reason.DISK_FULL)
    bench.right.disk.full = False
    bench.left.retry(transfer)
    # It was accepted before, so nobody is asked again.
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].partial


def test_parts_of_a_transfer_that_failed_go_when_the_same_files_have_arrived() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", steps=10)
    bench.right.disk.full = True
    bench.settle()
    assert transfer in bench.right.disk.kept
    bench.right.disk.full = False
    bench.left.disk.put("other", b"other")
    bench.left.send("other")
    bench.settle(accept=True)
    # Other files leave them where they are.
    assert transfer in bench.right.disk.kept
    bench.left.send("a")
    bench.settle(accept=True)
    again = list(bench.left.out)[-1]
    assert again != transfer
    assert ends(bench, again) == DONE
    assert transfer not in bench.right.disk.kept
    # The person is asked if the first one is tried again.
    bench.right.asked.clear()
    bench.left.retry(transfer)
    bench.settle()
    assert transfer in bench.right.asked


def test_parts_of_a_transfer_that_waits_go_when_the_same_files_have_arrived() -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    bench.left.disk.sources.clear()
    bench.left.restart()
    bench.link_down(bench.right, bench.link.id)
    bench.new_link()
    bench.linked()
    bench.left.send("a", "b")
    bench.settle(accept=True)
    (again,) = bench.left.out
    assert ends(bench, again) == DONE
    assert bench.right.told[transfer].state is file_st.TransferState.CANCELLED
    assert transfer not in bench.right.disk.kept


@pytest.mark.parametrize("why", ["another name", "no proof", "not all of it"])
def test_parts_stay_that_another_try_does_not_replace(why: str) -> None:
    bench = bench_of()
    transfer = moving(bench, "a", "b", steps=13)
    bench.right.disk.full = True
    bench.settle()
    bench.right.disk.full = False
    peer_link = bench.right.peer_links[bench.link.id]
    if why == "another name":
        peer_link.peer_name = "somebody else"
    elif why == "no proof":
        peer_link.proved = False
    bench.left.send("a", "b")
    bench.settle()
    (again,) = [one for one in bench.right.asked if one != transfer]
    bench.right.accept(again, declined=(0,) if why == "not all of it" else ())
    bench.settle()
    assert ends(bench, again) == DONE
    assert transfer in bench.right.disk.kept


def test_a_full_disk_at_once() -> None:
    bench = bench_of()
    bench.right.disk.full = True
    transfer = sent(bench, "a")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.FAILED, Reason.DISK_FULL)


def test_a_file_that_changed_alone() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.left.disk.put("a", b"other")
    bench.right.accept(transfer)
    bench.settle()
    assert ends(bench, transfer) == both(file_st.TransferState.FAILED, Reason.FILE_CHANGED)
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
    assert ends(bench, transfer) == both(file_st.TransferState.DONE, Reason.SOME_FILES_FAILED)
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
    assert ends(bench, transfer) == both(file_st.TransferState.FAILED, Reason.SOME_FILES_FAILED)


def test_what_was_cancelled_here_is_another_transfer_when_sent_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    bench.left.cancel(transfer)
    # The receiver's messages about the first transfer are still on their way.
    bench.left.retry(transfer)
    bench.settle()
    again = list(bench.left.out)[-1]
    assert again != transfer
    assert again in bench.right.asked
    bench.right.accept(again)
    bench.settle()
    assert ends(bench, again) == DONE


def test_sent_again_where_there_is_no_such_link() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.link_down(bench.left, bench.link.id)
    bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.NOT_CONNECTED]
    stranger = FakePeerLink(ev.LinkID("another"), peer_name="somebody else")
    bench.left.transfers.link_up(stranger, 0)
    bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.NOT_CONNECTED] * 2
    bench.left.run(bench.left.transfers.handle(file_ev.RetryTransfer(transfer), 0))
    bench.left.transfers.link_up(FakePeerLink(ev.LinkID("a third")), 0)
    # There are two links, and neither is the one it went over.
    bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.NOT_CONNECTED] * 4


@pytest.mark.parametrize("proved", [True, False])
def test_a_retry_on_another_link_tells_nobody_the_id(proved: bool) -> None:
    """The id is a secret of the two ends; a name proves nothing."""
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.link_down(bench.left, bench.link.id)
    same_name = FakePeerLink(ev.LinkID("another"), proved=proved)
    bench.left.transfers.link_up(same_name, 0)
    (command,) = bench.left.transfers.handle(file_ev.RetryTransfer(transfer), 0)
    if proved:
        assert isinstance(command, file_do.ListSources)
        assert command.transfer != transfer
    else:
        assert command == do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED)))


def test_unfinished_transfers_are_counted_while_their_peer_is_away() -> None:
    transfers = Transfers(counting_bytes(), file_ev.AcceptPolicy(without_asking=True))
    opened_sinks = 0
    for number in range(2 * MAX_ALIVE // MAX_UNFINISHED):
        link = FakePeerLink(ev.LinkID(f"link-{number}"))
        transfers.link_up(link, 0)
        for index in range(MAX_UNFINISHED):
            name = TransferID(f"{number:011}{index:011}")
            opened_sinks += count_opened(transfers.message(link, announce(name), 0))
        transfers.link_down(link.id, Reason.PEER_VANISHED, 0)
    assert opened_sinks == MAX_ALIVE
    # No link may take up more of them at once than it may begin.
    link = FakePeerLink(ev.LinkID("the last"))
    transfers.link_up(link, 0)
    again = 0
    for number in range(MAX_ALIVE // MAX_UNFINISHED):
        for index in range(MAX_UNFINISHED):
            name = TransferID(f"{number:011}{index:011}")
            again += count_opened(transfers.message(link, announce(name), 0))
    assert again == MAX_UNFINISHED


def test_one_peer_pushes_out_nothing_that_is_remembered_of_another() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    bench.right.accept(transfer)
    bench.settle()
    transfers = bench.right.transfers
    other = FakePeerLink(ev.LinkID("another"))
    transfers.link_up(other, 0)
    for index in range(MAX_UNDECIDED + 2 * MAX_REMEMBERED):
        piece = announce(TransferID(f"{index:022}"))
        transfers.message(other, replace(piece, more=True), 0)
    # The last piece of a refused list is no list of its own.
    refused_one = TransferID(f"{MAX_UNDECIDED + MAX_REMEMBERED:022}")
    assert transfers.message(other, announce(refused_one), 0) == []
    # The first peer's transfer is known still, so its files are not received again.
    transfers.link_down(bench.link.id, Reason.PEER_VANISHED, 0)
    again = FakePeerLink(ev.LinkID("again"))
    transfers.link_up(again, 0)
    entries = bench.right.told[transfer].entries
    commands = transfers.message(again, file_msg.Announce(transfer, entries), 0)
    assert count_opened(commands) == 0


def test_cancelled_by_the_person_it_is_asked_about_again() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    bench.right.cancel(transfer)
    bench.settle()
    bench.left.retry(transfer)
    bench.settle()
    assert transfer in bench.right.asked
    assert len(opened(bench.right)) == 1


# --- lanes and turns ------------------------------------------------------------------------------


def test_over_the_lane() -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a")
    assert [side.told[transfer].via for side in bench.sides] == [st.Via.LANE, st.Via.LANE]
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
    while transfer in bench.left.sending and bench.left.told[transfer].via is not st.Via.LANE:
        go(bench, 1)
    assert started(bench.left)[-1].position != START
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].via is st.Via.LANE


@pytest.mark.parametrize("seen_by", ["left", "right"])
def test_a_lane_breaks_midway(seen_by: str) -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a", steps=9)
    bench.break_lane()
    bench.see_lane(bench.left if seen_by == "left" else bench.right)
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[-1].via is st.Via.WEBRTC
    assert started(bench.left)[-1].generation >= 1


def test_a_lane_that_stalls_is_closed() -> None:
    bench = bench_of()
    bench.lanes()
    transfer = moving(bench, "a", steps=9)
    (timer,) = bench.left.timers
    assert timer.name is file_ev.FileTimer.STALL
    bench.left.fire(timer)
    assert link_do.CloseLane(bench.link.id) in bench.left.commands
    # The receiver does not notice that.
    bench.see_lane(bench.left)
    bench.link.control["right"].rotate(0)
    bench.settle()
    assert ends(bench, transfer) == DONE


def test_turns() -> None:
    bench = bench_of(file_ev.AcceptPolicy(without_asking=True))
    for _ in range(MAX_MOVING + 2):
        bench.left.send("a")
    most = 0
    while bench.steps():
        bench.steps()[0]()
        most = max(most, len(bench.left.sending))
    assert most == MAX_MOVING
    assert len(bench.left.out) == MAX_MOVING + 2
    assert {one.state for one in bench.left.out.values()} == {file_st.TransferState.DONE}


def test_a_lane_that_may_open_in_a_moment_is_waited_for() -> None:
    bench = bench_of(file_ev.AcceptPolicy(without_asking=True))
    bench.left.peer_link.lane_pending = True
    transfer = sent(bench, "a")
    assert bench.left.told[transfer].state is file_st.TransferState.ACTIVE
    assert not bench.left.sending
    bench.left.peer_link.lane_pending = False
    bench.lanes()
    bench.settle()
    assert ends(bench, transfer) == DONE
    assert started(bench.left)[0].via is st.Via.LANE


# --- who does not keep to the protocol ------------------------------------------------------------


def announce(
    transfer: TransferID = STRANGER, count: int = 1, *, more: bool = False
) -> file_msg.Announce:
    return file_msg.Announce(
        transfer, tuple(Entry(f"file {number}", 1) for number in range(count)), more
    )


def test_a_sender_that_announces_nonsense() -> None:
    bench = bench_of()
    right = bench.right
    assert refused(right, announce(TransferID("short"))) is Reason.BAD_MESSAGE
    assert refused(right, announce(TransferID("A" * 21 + "/"))) is Reason.BAD_MESSAGE
    right.hear(right.peer_link, announce(count=0))
    assert said(right, file_msg.Cancel) == [file_msg.Cancel(STRANGER, Reason.NOTHING_TO_SEND.value)]
    right.hear(right.peer_link, announce())
    # A second announcement of the same transfer is refused.
    assert refused(right, announce()) is Reason.NOT_ALLOWED


def test_our_own_transfer_reflected() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    assert refused(bench.left, announce(transfer)) is Reason.BAD_MESSAGE


def test_too_many_files() -> None:
    bench = bench_of()
    right = bench.right
    right.hear(right.peer_link, announce(count=MAX_ENTRIES, more=True))
    right.hear(right.peer_link, announce(count=1, more=True))
    assert said(right, file_msg.Cancel) == [file_msg.Cancel(STRANGER, Reason.TOO_MANY_FILES.value)]
    # The end of a refused announcement is no list of its own.
    right.hear(right.peer_link, announce(count=1))
    assert not right.told
    right.hear(right.peer_link, announce())
    assert STRANGER in right.asked


@pytest.mark.parametrize("known", [False, True])
def test_too_many_announcements(known: bool) -> None:
    bench = bench_of()
    right = bench.right
    ninth = TransferID("9" * 22)
    if known:
        right.hear(right.peer_link, announce(ninth))
        right.hear(right.peer_link, file_msg.Cancel(ninth))
    for number in range(MAX_UNDECIDED):
        right.hear(right.peer_link, announce(TransferID(f"{number:022}"), more=number == 0))
    right.hear(right.peer_link, announce(ninth, more=True))
    assert said(right, file_msg.Cancel) == [file_msg.Cancel(ninth, Reason.TOO_MANY_TRANSFERS.value)]
    right.hear(right.peer_link, announce(TransferID(f"{0:022}")))
    # There is room again, but not for the rest of a refused list.
    right.cancel(TransferID(f"{1:022}"))
    right.hear(right.peer_link, announce(ninth))
    assert ninth not in right.asked
    right.hear(right.peer_link, announce(ninth))
    assert ninth in right.asked
    tenth = TransferID("a" * 22)
    right.hear(right.peer_link, announce(tenth))
    assert tenth not in right.told


def test_a_receiver_that_answers_nonsense() -> None:
    bench = bench_of()
    transfer = sent(bench, "a")
    left = bench.left
    bad = [
        file_msg.Accept(transfer, (Span(0, 1), Span(0, 1))),
        file_msg.Accept(transfer, tuple(Span(0, 0) for _ in range(4))),
        file_msg.Accept(transfer, (Span(0, 20_000),)),
        file_msg.Accept(transfer, (), (Partial(1, 0, b""),)),
        file_msg.Accept(transfer, (), (Partial(0, 22, b""),)),
    ]
    assert {refused(left, one) for one in bad} == {Reason.BAD_MESSAGE}
    early: list[file_msg.FileMessage] = [
        file_msg.Progress(transfer, 0, 1),
        file_msg.Finished(transfer),
        file_msg.Continue(transfer, 1, START),
    ]
    assert {refused(left, one) for one in early} == {Reason.NOT_ALLOWED}
    # These are about a transfer that is unknown here.
    left.hear(left.peer_link, file_msg.Accept(STRANGER))
    left.hear(left.peer_link, file_msg.Cancel(STRANGER))
    left.hear(left.peer_link, file_msg.Continue(STRANGER, 1, START))
    assert left.told[transfer].state is file_st.TransferState.ANNOUNCED


def test_resume_of_what_is_not_theirs() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    second = FakePeerLink(ev.LinkID("second"))
    left = bench.left
    left.peer_links[second.id] = second
    left.run(left.transfers.link_up(second, 0))
    count = len(left.commands)
    # This tag was sent to a peer on another link, which passed it on.
    overheard = resume_tag(transfer, bench.left.peer_link.binding)
    left.hear(second, file_msg.Resume((b"unknown" * 4, overheard, resume_tag(transfer))))
    assert len(left.commands) == count
    # The transfer already goes over this link.
    left.hear(left.peer_link, file_msg.Resume((resume_tag(transfer, left.peer_link.binding),)))
    assert len(left.commands) == count
    left.hear(second, file_msg.Progress(transfer, 0, 1))
    assert len(left.commands) == count


def test_what_a_peer_asks_for_before_the_disk_has_answered() -> None:
    """The tags of one full message are remembered, as long as the link is up."""
    left = bench_of().left

    def found(*transfers: TransferID) -> list[file_msg.FileMessage]:
        """Return the messages that are sent once the disk has found these transfers."""
        stored = tuple(
            file_ev.StoredTransfer(one, Direction.OUT, (Entry("a", 21, 1),), None)
            for one in transfers
        )
        commands = left.transfers.handle(file_ev.TransfersFound(stored), 0)
        return [heard(one.text) for one in commands if isinstance(one, link_do.SendOnChannel)]

    early, late, later = (TransferID(char * 22) for char in "xyz")
    binding = left.peer_link.binding
    unknown = tuple(bytes([number]) * 32 for number in range(file_msg.MAX_TAGS - 2))
    left.hear(left.peer_link, file_msg.Resume((*unknown, resume_tag(early, binding))))
    left.hear(left.peer_link, file_msg.Resume((b"unknown" * 4, resume_tag(late, binding))))
    assert found(early, late) == [file_msg.Announce(early, (Entry("a", 21, 1),))]
    left.hear(left.peer_link, file_msg.Resume((resume_tag(later, binding),)))
    left.run(left.transfers.link_down(left.peer_link.id, Reason.PEER_VANISHED, 0))
    left.run(left.transfers.link_up(left.peer_link, 0))
    assert found(later) == []


def test_nothing_is_resumed_without_a_proof() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    for side in bench.sides:
        bench.link_down(side, bench.link.id)
    unproved = FakePeerLink(ev.LinkID("unproved"), proved=False)
    assert bench.right.transfers.link_up(unproved, 0) == []
    assert bench.left.transfers.link_up(unproved, 0) == []
    assert bench.left.transfers.message(unproved, file_msg.Resume((resume_tag(transfer),)), 0) == []
    assert bench.left.told[transfer].state is file_st.TransferState.WAITING


def test_many_waiting_are_named_in_several_messages() -> None:
    bench = bench_of()
    stored = tuple(
        file_ev.StoredTransfer(TransferID(f"{n:022}"), Direction.IN, (Entry("a", 1),), None)
        for n in range(file_msg.MAX_TAGS + 1)
    )
    bench.right.run(bench.right.transfers.handle(file_ev.TransfersFound(stored), 0))
    assert [
        len(one.tags)
        for one in said(bench.right, file_msg.Resume)
        if isinstance(one, file_msg.Resume)
    ] == [
        file_msg.MAX_TAGS,
        1,
    ]


def test_channels_that_nobody_takes() -> None:
    bench = bench_of()
    transfer = moving(bench, "a")
    right = bench.right.transfers
    link = bench.link.id
    assert right.channel_opened(link, 9, "chat", 0) is None
    assert right.channel_opened(link, 9, f"files/{STRANGER}/0", 0) is None
    assert right.channel_opened(ev.LinkID("another"), 9, f"files/{transfer}/0", 0) is None
    # This stream is of another generation.
    assert right.channel_opened(link, 9, f"files/{transfer}/7", 0) == []
    second = sent(bench, "b")
    # Nobody has accepted it.
    assert right.channel_opened(link, 9, f"files/{second}/0", 0) is None


def test_what_was_over_long_ago_is_forgotten() -> None:
    left = bench_of().left
    failed: list[TransferID] = []
    for _ in range(MAX_REMEMBERED + 5):
        left.send("missing")
        left.answer()
        failed.append(left.last_listed)
    for transfer in failed[:5]:
        left.retry(transfer)
    assert left.troubles == [Reason.TRANSFER_GONE] * 5
    for transfer in failed[5:]:
        left.retry(transfer)
        assert left.last_listed == transfer
    assert left.troubles == [Reason.TRANSFER_GONE] * 5


def test_what_nobody_wanted_is_let_go_at_once() -> None:
    """A declined list of 20,000 files leaves nothing in memory."""
    right = bench_of().right
    entry = Entry("file", 1)
    before = sys.getrefcount(entry)
    for number in range(3):
        transfer = TransferID(f"{number:022}")
        right.hear(right.peer_link, file_msg.Announce(transfer, (entry,)))
        right.hear(right.peer_link, file_msg.Cancel(transfer))
    assert len(right.told) == 3
    # The copies that the test itself keeps do not count.
    right.told.clear()
    right.commands.clear()
    assert sys.getrefcount(entry) == before


def test_what_arrived_long_ago_is_forgotten() -> None:
    bench = bench_of(file_ev.AcceptPolicy(without_asking=True))
    arrived = [sent(bench, "a") for _ in range(MAX_REMEMBERED + 5)]
    right = bench.right
    before = len(opened(right))
    for transfer in arrived:
        right.hear(right.peer_link, file_msg.Announce(transfer, right.told[transfer].entries))
    # Remembered transfers are answered with `finished`; the others count as new.
    again = [one.transfer for one in opened(right)[before:]]
    assert again == arrived[:5]
    assert [one.transfer for one in said(right, file_msg.Finished)[-MAX_REMEMBERED:]] == arrived[5:]
    for transfer in arrived[:5]:
        bench.left.retry(transfer)
    assert bench.left.troubles == [Reason.TRANSFER_GONE] * 5
    for transfer in arrived[5:]:
        bench.left.retry(transfer)
    assert bench.left.troubles[5:] == [Reason.NOTHING_TO_SEND] * MAX_REMEMBERED
