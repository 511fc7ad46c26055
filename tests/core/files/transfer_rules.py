"""Rules for the transfers of two sides: `check_always` checks those that hold at any time, and
`check_ends` those that hold once nothing more happens.

Both judge by the commands and statuses, by the disks, and by the messages on their way.
"""

from typing import TYPE_CHECKING

from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID
from proxim.core.files.transfers import MAX_MOVING, MAX_UNDECIDED

if TYPE_CHECKING:
    # The bench itself calls `check_always`.
    from tests.core.files.transfer_bench import Bench, Side

GOING_ON = (file_st.TransferState.ANNOUNCED, file_st.TransferState.ACTIVE)


def check_always(bench: "Bench") -> None:
    """Check the rules that hold after every event."""
    for side in bench.sides:
        check_counts(side)
        check_questions(side)
        check_timers(side)
        check_links(side)
    running = [(one.sender.name, one.command.transfer) for one in bench.streams if one.running]
    assert len(running) == len(set(running)), "two streams of one transfer"
    for stream in bench.streams:
        assert not stream.running or stream.command.transfer in stream.sender.sending
    check_arrived(bench)


def check_counts(side: "Side") -> None:
    for link in side.peer_links:
        moving = [one for one in side.sending.values() if one == link]
        assert len(moving) <= MAX_MOVING
    assert len({*side.asked, *side.arriving}) <= MAX_UNDECIDED


def check_questions(side: "Side") -> None:
    """Check that an announced incoming transfer needs an answer. A transfer that is accepted
    without a question has gone on already.
    """
    for status in side.told.values():
        announced = status.state is file_st.TransferState.ANNOUNCED
        assert status.needs_answer == (announced and status.direction is Direction.IN)


def check_timers(side: "Side") -> None:
    """Check that only a transfer that sends, is kept waiting, or waits for a page has a timer.

    The first watches the lane. The second, which is listed but has no status, must have one,
    because nothing else would end its wait. The third ends with the page's session.
    """
    timers = set()
    for timer in side.timers:
        assert isinstance(timer, file_ev.TransferTimer)
        timers.add(timer.scope)
    kept = (file_st.TransferState.WAITING, file_st.TransferState.FAILED)
    for_page = {
        one.transfer
        for one in side.told.values()
        if side.other.session_only and one.direction is Direction.IN and one.state in kept
    }
    assert side.listed <= timers <= {*side.sending, *side.listed, *for_page}


def check_links(side: "Side") -> None:
    for transfer, link in side.sending.items():
        assert link in side.peer_links, "it sends over a link that is down"
        assert side.told[transfer].state is file_st.TransferState.ACTIVE
    for transfer in side.listed:
        assert side.listing[transfer] in side.peer_links, "held back for nobody"
    for transfer, status in side.told.items():
        # While a transfer is announced again, its status on the old link stays.
        if transfer in side.arriving or transfer in side.listing:
            continue
        if status.state in GOING_ON:
            assert status.link in side.peer_links, "it goes on over a link that is down"
        elif status.state is file_st.TransferState.WAITING:
            assert status.link is None or status.link in side.peer_links


def check_arrived(bench: "Bench") -> None:
    for side in bench.sides:
        for sink in side.disk.finished:
            missing = {one.index for one in sink.failed} | sink.declined
            for index, entry in enumerate(sink.entries):
                if entry.directory or index in missing:
                    continue
                assert (
                    sink.arrived[entry.path]
                    == side.other.disk.versions[entry.path, entry.modified or 0]
                )


def check_ends(bench: "Bench") -> None:
    """Check that every announced transfer has arrived intact, or is reported on both sides, or
    waits because the other side forgot it.
    """
    for sender in bench.sides:
        assert not sender.listing, "files were looked up, and nobody heard what became of them"
        assert not sender.sending
        assert not sender.disk.sinks
        receiver = sender.other
        for transfer in {*sender.out, *receiver.incoming}:
            out, came = sender.out.get(transfer), receiver.incoming.get(transfer)
            what = (
                f"{out and out.state} {out and out.reason}, {came and came.state} "
                f"{came and came.reason}"
            )
            for status in (out, came):
                assert status is None or at_rest(status), what
            check_end(transfer, sender, receiver, what)


def at_rest(status: file_st.TransferStatus) -> bool:
    return status.over or (status.state is file_st.TransferState.WAITING and status.link is None)


def check_end(transfer: TransferID, sender: "Side", receiver: "Side", what: str) -> None:
    out, came = sender.out.get(transfer), receiver.incoming.get(transfer)
    if out is not None and out.state is file_st.TransferState.WAITING:
        assert came is None or forgotten(came), what
    if came is not None and came.state is file_st.TransferState.WAITING:
        forgot = out is None or (
            out.state is file_st.TransferState.FAILED and transfer not in sender.ended_here
        )
        assert forgot, what
    if out is not None and out.state is file_st.TransferState.DONE:
        missing = {one.index for one in out.failed}
        arrived = receiver.disk.arrived.get(transfer, {})
        for index, entry in enumerate(out.entries):
            declined = receiver.declined.get(transfer, ())
            if index not in missing and index not in declined and not entry.directory:
                assert arrived[entry.path] == sender.disk.versions[entry.path, entry.modified or 0]


def forgotten(came: file_st.TransferStatus) -> bool:
    """Return whether a receiver keeps nothing of the transfer: it refused it, its sender broke the
    protocol, or the sender's session is over.
    """
    assert came.direction is Direction.IN
    reasons = (Reason.TRANSFER_FAILED, Reason.PEER_LEFT)
    return came.state is file_st.TransferState.CANCELLED or came.reason in reasons
