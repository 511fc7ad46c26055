"""One transfer that this device sends, as a state machine.

Its table `TRANSITIONS` is drawn in docs/architecture.md.

READY waits for the transfer's turn, and for a lane that may open in a moment. When the way changes,
the receiver sends the position to continue from; if only the sender sees the change, it asks with a
`continue` of its own.
"""

from dataclasses import replace
from enum import Enum
from typing import Any, Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    START,
    Direction,
    Entry,
    FailedFile,
    Partial,
    RenamedFile,
    Span,
    TransferID,
    count_files,
    indices,
    paths_of,
    remaining,
    total_size,
)
from proxim.core.files.progress import RateMeter, lost_bytes, outcome
from proxim.core.json_text import MessageError
from proxim.core.link.features import PeerLink
from proxim.core.transitions import TransitionTable

# If nothing is written for this long, the lane is worse than the data channel. A disk takes less
# time to spin up.
STALL_SECONDS: Final = 20.0
# The number of streams that may break off by a fault of our own before a transfer fails.
MAX_FAULTS: Final = 8


class OutgoingState(Enum):
    """The states of a transfer that is sent."""

    LISTING = "listing"
    ANNOUNCED = "announced"
    READY = "ready"
    ACTIVE = "active"
    WAITING = "waiting"
    OVER = "over"


class Outgoing:
    """One transfer that this device sends, as a state machine.

    `paths` are those that the person chose; they are empty if an earlier run of the program knew
    them.
    """

    def __init__(
        self, transfer: TransferID, peer_link: PeerLink | None, paths: tuple[str, ...]
    ) -> None:
        self.id = transfer
        self.paths = paths
        self.peer_link = peer_link
        self.state = OutgoingState.LISTING
        self.status = file_st.TransferStatus(
            transfer,
            Direction.OUT,
            file_st.TransferState.ANNOUNCED,
            (),
            0,
            link=None if peer_link is None else peer_link.id,
            peer_name=None if peer_link is None else peer_link.peer_name,
        )
        self._skip: tuple[Span, ...] = ()
        self._partial: tuple[Partial, ...] = ()
        self._failed: tuple[FailedFile, ...] = ()
        self._renamed: tuple[RenamedFile, ...] = ()
        self._position = START
        self._generation = 0
        # The bytes that the receiver had before this generation.
        self._before = 0
        self._rate = RateMeter()
        self._faults = 0
        # Whether the receiver accepted it once; from then on it outlives its link.
        self.kept = False
        # Whether it continues a transfer that began on an earlier link.
        self.resumed = False
        # Whether it was ended here; the receiver may not know, and its messages about the transfer
        # may still arrive.
        self.ended_here = False

    @classmethod
    def found(
        cls, transfer: TransferID, entries: tuple[Entry, ...], peer_name: str | None
    ) -> "Outgoing":
        """Restore a transfer that an earlier run of the program did not finish."""
        one = cls(transfer, None, ())
        one.state, one.kept = OutgoingState.WAITING, True
        one.status = replace(
            one.status,
            state=file_st.TransferState.WAITING,
            entries=entries,
            size=total_size(entries),
            peer_name=peer_name,
        )
        return one

    def start(self, only: tuple[str, ...] | None = None) -> list[do.Command]:
        """Return the commands for a new transfer; `only` limits it to these paths of its files."""
        return [file_do.ListSources(self.id, self.paths, only)]

    def handle(self, event: file_ev.OutgoingInput, now: float) -> list[do.Command]:
        """Handle one event.

        Raises MessageError for a message that the peer may not send now, and MachineMisuseError for
        any other pair of state and event that is not in the table.
        """
        if isinstance(event, file_msg.FileMessage) and not TRANSITIONS.knows(self.state, event):
            raise MessageError(Reason.NOT_ALLOWED, "not now")
        return TRANSITIONS.handle(self, event, now)

    # --- announcing -------------------------------------------------------------------------------

    def _listed(self, event: file_ev.SourcesListed, now: float) -> list[do.Command]:
        self.status = replace(
            self.status,
            entries=event.entries,
            size=total_size(event.entries),
            left_out=event.left_out,
        )
        # Nobody expects a link, a pipe or a device to arrive, so it is only listed.
        left_out = [
            do.Publish(st.Trouble(Problem(one.reason, one.path), self.status.link))
            for one in event.left_out
            if one.reason is not Reason.NOT_A_FILE
        ]
        # The link was lost while the files were listed.
        if self.peer_link is None:
            return [*left_out, *self._end(file_st.TransferState.FAILED, Reason.NOT_CONNECTED)]
        self.state = OutgoingState.ANNOUNCED
        return [*left_out, *self._announce(self.peer_link), do.Publish(self.status)]

    def _sources_failed(self, event: file_ev.SourcesFailed, now: float) -> list[do.Command]:
        return self._end(file_st.TransferState.FAILED, event.reason)

    def _announce(self, peer_link: PeerLink) -> list[do.Command]:
        pieces = [
            peer_link.send(piece)
            for piece in file_msg.cut_announce(self.id, self.status.entries, self.status.left_out)
        ]
        return [*pieces, *peer_link.want_lane()]

    def _accepted(self, event: file_msg.Accept, now: float) -> list[do.Command]:
        entries = self.status.entries
        skip, partial = self._skip + event.skip, self._partial + event.partial
        # Each span may cover 20,000 files, so spans that cover more than there is could take
        # minutes to count.
        if len(skip) + len(partial) > 2 * len(entries) + 1 or sum(one.count for one in skip) > len(
            entries
        ):
            raise MessageError(Reason.BAD_MESSAGE, "more than was announced")
        if any(
            one.index >= len(entries) or one.offset > entries[one.index].size for one in partial
        ):
            raise MessageError(Reason.BAD_MESSAGE, "a file that was not announced")
        if len({one.index for one in partial}) < len(partial):
            raise MessageError(Reason.BAD_MESSAGE, "a file twice")
        self._skip, self._partial = skip, partial
        if event.more:
            return []
        left = remaining(self.status.entries, self._skip, self._partial)
        # Files that the first acceptance skips were declined, so they do not count as wanted.
        if not self.kept:
            self.status = replace(self.status, size=left + sum(one.offset for one in self._partial))
        self._generation, self._position = 0, START
        self._before = max(0, self.status.size - left)
        self.state = OutgoingState.READY
        self.kept = True
        return [
            file_do.KeepSources(self.id, self.status.peer_name),
            self._publish(file_st.TransferState.ACTIVE, moved=self._before),
        ]

    # --- moving -----------------------------------------------------------------------------------

    def _turn(self, event: file_ev.Turn, now: float) -> list[do.Command]:
        self.state = OutgoingState.ACTIVE
        return self._stream(now)

    def _stream(self, now: float) -> list[do.Command]:
        # A transfer in state READY or ACTIVE always has a peer link.
        assert self.peer_link is not None
        via = st.Via.LANE if self.peer_link.lane_open else st.Via.WEBRTC
        self._rate.restart()
        self._rate.note(self._before, now)
        self.status = replace(self.status, via=via, moved=self._before, speed=None)
        sending = file_do.StartSending(
            self.id,
            self.peer_link.id,
            self._generation,
            via,
            self._skip,
            self._partial,
            self._position,
        )
        return [sending, *self._watch(), do.Publish(self.status)]

    def _watch(self) -> list[do.Command]:
        """Start a timer that notices a stalled lane, if there is another way.

        Without another way, the link's own heartbeat is enough.
        """
        lane = (
            self.status.via is st.Via.LANE
            and self.peer_link is not None
            and self.peer_link.lane_is_optional
        )
        return [
            do.SetTimer(self._stall_timer, STALL_SECONDS)
            if lane
            else do.CancelTimer(self._stall_timer)
        ]

    def _continue(self, event: file_msg.Continue, now: float) -> list[do.Command]:
        position = event.position
        if event.generation != self._generation + 1 or position.index > len(self.status.entries):
            raise MessageError(Reason.BAD_MESSAGE, "another generation")
        self._generation, self._position = event.generation, position
        left = remaining(self.status.entries, self._skip, self._partial, position)
        self._before = max(0, self.status.size - left)
        return self._stream(now) if self.state is OutgoingState.ACTIVE else []

    def _progress(self, event: file_msg.Progress, now: float) -> list[do.Command]:
        if event.generation != self._generation:
            # The message is about an earlier stream, so it is stale.
            return []
        moved = max(self.status.moved, min(self.status.size, self._before + event.written))
        self._rate.note(moved, now)
        published = self._publish(file_st.TransferState.ACTIVE, moved=moved, speed=self._rate.speed)
        return [
            file_do.Acknowledge(self.id, event.generation, event.written),
            *self._watch(),
            published,
        ]

    def _lane_changed(self, event: file_ev.LaneChanged, now: float) -> list[do.Command]:
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        return (
            []
            if self.peer_link.lane_open is (self.status.via is st.Via.LANE)
            else [self._ask(self.peer_link)]
        )

    def _ask(self, peer_link: PeerLink) -> do.Command:
        """Ask the receiver where to continue.

        The receiver may not see that this stream is over, or that there is a better way.
        """
        return peer_link.send(file_msg.Continue(self.id, self._generation, self._position))

    def _stalled(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        return self.peer_link.drop_lane()

    def _sending_failed(self, event: file_ev.SendingFailed, now: float) -> list[do.Command]:
        if event.generation != self._generation:
            return []
        self._faults += 1
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        if self._faults <= MAX_FAULTS and self.status.via is st.Via.LANE:
            return [self._ask(self.peer_link)]
        self.ended_here = True
        message = self.peer_link.send(file_msg.Cancel(self.id, Reason.TRANSFER_FAILED.value))
        return [message, *self._end(file_st.TransferState.FAILED, Reason.TRANSFER_FAILED)]

    # --- the link is lost, and comes back ---------------------------------------------------------

    def _lost_while_listing(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        self.peer_link = None
        return []

    def _lost_before_acceptance(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        return (
            self._lost(event, now)
            if self.kept
            else self._end(file_st.TransferState.FAILED, Reason.PEER_VANISHED)
        )

    def _lost(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        self.state = OutgoingState.WAITING
        self.peer_link = None
        waiting = self._publish(file_st.TransferState.WAITING, link=None, speed=None, via=None)
        return [do.CancelTimer(self._stall_timer), file_do.StopSending(self.id), waiting]

    def _linked_again(self, event: file_ev.LinkUp, now: float) -> list[do.Command]:
        self.state = OutgoingState.ANNOUNCED
        self.resumed = True
        self.peer_link = event.peer_link
        self._skip, self._partial, self._failed, self._renamed = (), (), (), ()
        waiting = self._publish(file_st.TransferState.WAITING, link=event.peer_link.id)
        return [*self._announce(event.peer_link), waiting]

    def _moved_to_another_link(self, event: file_ev.LinkUp, now: float) -> list[do.Command]:
        return [*self._lost(file_ev.LinkDown(), now), *self._linked_again(event, now)]

    # --- the end ----------------------------------------------------------------------------------

    def _finished(self, event: file_msg.Finished, now: float) -> list[do.Command]:
        entries, failed = self.status.entries, self._failed + event.failed
        if len({one.index for one in failed}) < len(failed) or any(
            one.index >= len(entries) for one in failed
        ):
            raise MessageError(Reason.BAD_MESSAGE, "a file that was not announced")
        renamed = self._renamed + event.renamed
        if not {one.path for one in event.renamed} <= paths_of(entries) or len(
            {one.path for one in renamed}
        ) < len(renamed):
            raise MessageError(Reason.BAD_MESSAGE, "a name of what was not announced")
        self._failed, self._renamed = failed, renamed
        if event.more:
            return []
        # Declined files count as wanted. So if only the receiver sees that all its files failed, a
        # retry sends just those as a new transfer.
        state, reason = outcome(count_files(entries), failed)
        # What the receiver did not want at all is no part of the size.
        skipped = {*indices(self._skip)}
        sent = tuple(one for one in failed if one.index not in skipped)
        moved = max(0, self.status.size - lost_bytes(entries, sent))
        # The receiver never reported all these bytes as written, so they are not written.
        if self.status.moved < moved:
            return self._end(file_st.TransferState.FAILED, Reason.TRANSFER_FAILED)
        self.status = replace(self.status, moved=moved, failed=failed, renamed=renamed)
        return self._end(state, reason)

    def _cancelled_by_peer(self, event: file_msg.Cancel, now: float) -> list[do.Command]:
        reason = file_msg.file_reason(event.reason)
        refused = reason in (*file_st.REFUSALS, Reason.CANCELLED)
        return self._end(
            file_st.TransferState.CANCELLED if refused else file_st.TransferState.FAILED, reason
        )

    def _cancel(self, event: file_ev.CancelTransfer, now: float) -> list[do.Command]:
        self.ended_here = True
        published = (
            []
            if self.peer_link is None
            else [self.peer_link.send(file_msg.Cancel(self.id, Reason.CANCELLED.value))]
        )
        return [*published, *self._end(file_st.TransferState.CANCELLED, Reason.CANCELLED)]

    def _end(self, state: file_st.TransferState, reason: Reason | None) -> list[do.Command]:
        self.state = OutgoingState.OVER
        self.peer_link = None
        published = self._publish(state, reason=reason, speed=None)
        return [
            do.CancelTimer(self._stall_timer),
            file_do.StopSending(self.id, forget=True),
            published,
        ]

    # --- helpers ----------------------------------------------------------------------------------

    def _publish(self, state: file_st.TransferState, **changes: Any) -> do.Command:
        self.status = replace(self.status, state=state, **changes)
        return do.Publish(self.status)

    @property
    def _stall_timer(self) -> ev.Timer:
        return file_ev.TransferTimer(file_ev.FileTimer.STALL, self.id)


_S = OutgoingState

TRANSITIONS: Final = TransitionTable(
    {
        _S.LISTING: {
            file_ev.SourcesListed: (Outgoing._listed, {_S.ANNOUNCED, _S.OVER}),
            file_ev.SourcesFailed: (Outgoing._sources_failed, {_S.OVER}),
            file_ev.LinkDown: (Outgoing._lost_while_listing, {_S.LISTING}),
            file_ev.CancelTransfer: (Outgoing._cancel, {_S.OVER}),
        },
        _S.ANNOUNCED: {
            file_msg.Accept: (Outgoing._accepted, {_S.ANNOUNCED, _S.READY}),
            file_msg.Cancel: (Outgoing._cancelled_by_peer, {_S.OVER}),
            file_ev.LinkUp: (Outgoing._moved_to_another_link, {_S.ANNOUNCED}),
            file_ev.LinkDown: (Outgoing._lost_before_acceptance, {_S.WAITING, _S.OVER}),
            file_ev.CancelTransfer: (Outgoing._cancel, {_S.OVER}),
        },
        _S.READY: {
            file_ev.Turn: (Outgoing._turn, {_S.ACTIVE}),
            file_msg.Continue: (Outgoing._continue, {_S.READY}),
            file_msg.Cancel: (Outgoing._cancelled_by_peer, {_S.OVER}),
            file_msg.Finished: (Outgoing._finished, {_S.READY, _S.OVER}),
            file_ev.LinkUp: (Outgoing._moved_to_another_link, {_S.ANNOUNCED}),
            file_ev.LinkDown: (Outgoing._lost, {_S.WAITING}),
            file_ev.CancelTransfer: (Outgoing._cancel, {_S.OVER}),
        },
        _S.ACTIVE: {
            file_msg.Continue: (Outgoing._continue, {_S.ACTIVE}),
            file_msg.Progress: (Outgoing._progress, {_S.ACTIVE}),
            file_msg.Finished: (Outgoing._finished, {_S.ACTIVE, _S.OVER}),
            file_msg.Cancel: (Outgoing._cancelled_by_peer, {_S.OVER}),
            file_ev.LaneChanged: (Outgoing._lane_changed, {_S.ACTIVE}),
            file_ev.SendingFailed: (Outgoing._sending_failed, {_S.ACTIVE, _S.OVER}),
            file_ev.LinkUp: (Outgoing._moved_to_another_link, {_S.ANNOUNCED}),
            file_ev.LinkDown: (Outgoing._lost, {_S.WAITING}),
            file_ev.CancelTransfer: (Outgoing._cancel, {_S.OVER}),
            file_ev.FileTimer.STALL: (Outgoing._stalled, {_S.ACTIVE}),
        },
        _S.WAITING: {
            file_ev.LinkUp: (Outgoing._linked_again, {_S.ANNOUNCED}),
            file_ev.CancelTransfer: (Outgoing._cancel, {_S.OVER}),
        },
    },
    # The stream was stopped, and its failure was reported before io knew that.
    stale={file_ev.SendingFailed: {_S.ANNOUNCED, _S.READY, _S.WAITING}},
)
