"""One transfer that this device receives, as a state machine.

Its table `TRANSITIONS` is drawn in docs/architecture.md.

Nothing is written before it is accepted: only this machine lets the disk open a transfer.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    Direction,
    Entry,
    LeftOutFile,
    TransferID,
    count_files,
    digest,
    remaining,
    spans,
    total_size,
)
from proxim.core.files.progress import RateMeter, lost_bytes, outcome
from proxim.core.json_text import MessageError
from proxim.core.link import events as link_ev
from proxim.core.link.features import PeerLink
from proxim.core.transitions import TransitionTable

# The limit for all paths together: 20,000 paths of 200 bytes each fit.
MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
# A silent link is noticed within 6 s, and messages sent in that time may be lost; this adds some
# room.
UNACKNOWLEDGED_SECONDS: Final = 10.0
# Refused announcements of one link whose last pieces have not arrived.
MAX_REFUSALS: Final = 1000


@dataclass(frozen=True, slots=True)
class Announced:
    """A whole announcement."""

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOutFile, ...] = ()
    session_only: bool = False


class Arriving:
    """Collects an announcement that comes in pieces."""

    def __init__(self) -> None:
        self._pieces: list[Entry] = []
        self._left_out: list[LeftOutFile] = []
        self._bytes = 0

    def begin(self) -> None:
        """Start to collect another announcement."""
        self._pieces.clear()
        self._left_out.clear()
        self._bytes = 0

    def add(self, piece: file_msg.Announce) -> "Announced | Reason | None":
        """Add a piece; return the whole lists or the reason to refuse them, None while pieces are
        missing.
        """
        self._pieces += piece.entries
        self._left_out += piece.left_out
        self._bytes += sum(len(one.path.encode()) for one in piece.entries)
        self._bytes += sum(len(one.path.encode()) for one in piece.left_out)
        if (
            max(len(self._pieces), len(self._left_out)) > MAX_ENTRIES
            or self._bytes > MAX_MANIFEST_BYTES
        ):
            self.begin()
            return Reason.TOO_MANY_FILES
        if piece.more:
            return None
        whole = Announced(tuple(self._pieces), tuple(self._left_out), piece.session_only)
        self.begin()
        return whole if whole.entries else Reason.NOTHING_TO_SEND


class Refusals:
    """The announcements that were refused before their last piece.

    The pieces that still arrive must not be read as another list.
    """

    def __init__(self) -> None:
        self._links: dict[ev.LinkID, dict[TransferID, None]] = {}

    def add(self, link: ev.LinkID, transfer: TransferID) -> None:
        """Refuse the rest of an announcement on its link."""
        refused = self._links.setdefault(link, {})
        refused[transfer] = None
        # An honest sender announces one after the other, so there is one at a time.
        if len(refused) > MAX_REFUSALS:
            del refused[next(iter(refused))]

    def cover(self, link: ev.LinkID, piece: file_msg.Announce) -> bool:
        """Whether this piece belongs to a refused announcement; its last piece ends the refusal."""
        refused = self._links.get(link, {})
        if piece.transfer not in refused:
            return False
        if not piece.more:
            del refused[piece.transfer]
        return True

    def forget(self, link: ev.LinkID) -> None:
        """Forget the refusals of a link that is closed."""
        self._links.pop(link, None)


class IncomingState(Enum):
    """The states of a transfer that is received."""

    ARRIVING = "arriving"
    ASKED = "asked"
    OPENING = "opening"
    ACTIVE = "active"
    PAUSED = "paused"
    WAITING = "waiting"
    OVER = "over"


class Incoming:
    """One transfer that this device receives, as a state machine."""

    def __init__(
        self, transfer: TransferID, peer_link: PeerLink | None, refusals: Refusals
    ) -> None:
        self.id = transfer
        self.peer_link = peer_link
        self.state = IncomingState.ARRIVING
        self._refusals = refusals
        # Whether it was accepted; if it is announced again, the person is not asked a second time.
        self.accepted = False
        # Whether the person has to accept it; if not, the caller accepts it when it is ASKED.
        self.needs_answer = True
        # The transfer is over here, but the sender may not know; it is notified when it announces
        # the transfer again.
        self.unacknowledged = False
        # Whether the sender forgets the transfer when its session ends.
        self.session_only = False
        self.arriving = Arriving()
        self.status = file_st.TransferStatus(
            transfer,
            Direction.IN,
            file_st.TransferState.ANNOUNCED,
            (),
            0,
            link=None if peer_link is None else peer_link.id,
            peer_name=None if peer_link is None else peer_link.peer_name,
        )
        self._declined: tuple[int, ...] = ()
        self._directory: str | None = None
        self._generation = 0
        self._before = 0
        # The data channel that carries the current generation; None while there is none.
        self._channel: int | None = None
        # The result of a transfer that ended well; None until then. The sender may not have
        # received it.
        self._result: file_ev.SinkFinished | None = None
        # When the last event was handled; for a transfer that is over, when it ended.
        self._handled = 0.0
        self._rate = RateMeter()

    @classmethod
    def found(
        cls,
        transfer: TransferID,
        entries: tuple[Entry, ...],
        peer_name: str | None,
        refusals: Refusals,
    ) -> "Incoming":
        """Restore a transfer that an earlier run of the program did not finish."""
        one = cls(transfer, None, refusals)
        one.state, one.accepted = IncomingState.WAITING, True
        one.status = replace(
            one.status,
            state=file_st.TransferState.WAITING,
            entries=entries,
            size=total_size(entries),
            peer_name=peer_name,
        )
        return one

    def handle(self, event: file_ev.IncomingInput, now: float) -> list[do.Command]:
        """Handle one event.

        Raises MessageError for a message that the peer may not send now, and MachineMisuseError for
        any other pair of state and event that is not in the table.
        """
        if isinstance(event, file_msg.FileMessage) and not TRANSITIONS.knows(self.state, event):
            raise MessageError(Reason.NOT_ALLOWED, "not now")
        # What the disk reports after the end is stale.
        if self.state is not IncomingState.OVER:
            self._handled = now
        return TRANSITIONS.handle(self, event, now)

    # --- being announced --------------------------------------------------------------------------

    @property
    def arrived(self) -> bool:
        """Whether it is over and all of it is there."""
        whole = not self.status.failed and not self._declined
        return self.status.state is file_st.TransferState.DONE and whole

    @property
    def may_have_parts(self) -> bool:
        """Whether the disk may keep what arrived of it, for a later try."""
        failed = self.state is IncomingState.OVER and self.accepted and self._result is None
        return self.state is IncomingState.WAITING or failed

    @property
    def alive(self) -> bool:
        """Whether the transfer was published and is not over."""
        return bool(self.status.entries) and not self.status.over

    def announced_again(self, peer_link: PeerLink) -> list[do.Command]:
        """Prepare for another announcement: the peer is linked again, or tries again."""
        closing: list[do.Command] = []
        # The sink still belongs to the old link, which is dead.
        if self.state in (
            IncomingState.OPENING,
            IncomingState.ACTIVE,
            IncomingState.PAUSED,
        ):
            closing = [file_do.CloseSink(self.id, keep=True)]
        before, self.state = self.state, IncomingState.ARRIVING
        TRANSITIONS.called(self, "announced_again", before)
        self.peer_link = peer_link
        self.arriving.begin()
        return closing

    def _piece(self, event: file_msg.Announce, now: float) -> list[do.Command]:
        # The piece has just arrived on this peer link.
        assert self.peer_link is not None
        announced = self.arriving.add(event)
        if announced is None:
            return []
        if isinstance(announced, Reason):
            if event.more:
                self._refusals.add(self.peer_link.id, self.id)
            message = self.peer_link.send(file_msg.Cancel(self.id, announced.value))
            return [message, *self._end_arriving(file_st.TransferState.FAILED, announced)]
        entries = announced.entries
        self.session_only = announced.session_only
        same = digest(entries) == digest(self.status.entries)
        unacknowledged, self.unacknowledged = self.unacknowledged, False
        # The transfer was cancelled here, and the sender learns of it only now.
        if unacknowledged and same and not self.accepted:
            self.status = replace(self.status, link=self.peer_link.id)
            message = self.peer_link.send(
                file_msg.Cancel(self.id, (self.status.reason or Reason.CANCELLED).value)
            )
            return [message, *self._end_arriving(file_st.TransferState.CANCELLED, None)]
        link, peer_name = self.peer_link.id, self.peer_link.peer_name
        if self.accepted and same:
            self.status = replace(
                self.status, link=link, peer_name=peer_name, reason=None, failed=(), renamed=()
            )
            return self._open() if self._result is None else self._repeat_result(self._result)
        self.accepted, self._result, self._declined, self._directory = False, None, (), None
        self.state = IncomingState.ASKED
        self.status = file_st.TransferStatus(
            self.id,
            Direction.IN,
            file_st.TransferState.ANNOUNCED,
            entries,
            total_size(entries),
            link,
            peer_name,
            left_out=announced.left_out,
            needs_answer=self.needs_answer,
        )
        return [do.Publish(self.status)]

    def _end_arriving(
        self, state: file_st.TransferState, reason: Reason | None
    ) -> list[do.Command]:
        # If nobody was asked about it, no status needs to be published.
        published = self._end(state, reason) if self.alive else []
        self.state = IncomingState.OVER
        self.peer_link = None
        return published

    def _withdrawn_arriving(self, event: file_msg.Cancel, now: float) -> list[do.Command]:
        if self.accepted and self.alive:
            return self._cancelled_by_peer(event, now)
        return self._end_arriving(file_st.TransferState.CANCELLED, Reason.CANCELLED)

    def _lost_arriving(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        if self.accepted and self.alive:
            return self._lost(event, now)
        return self._end_arriving(file_st.TransferState.CANCELLED, Reason.PEER_LEFT)

    def _cancel_arriving(self, event: file_ev.CancelTransfer, now: float) -> list[do.Command]:
        # A transfer in state ARRIVING always has a peer link.
        assert self.peer_link is not None
        self.arriving.begin()
        self._refusals.add(self.peer_link.id, self.id)
        return self._cancel(event, now)

    # --- accepted ---------------------------------------------------------------------------------

    def _accept(self, event: file_ev.AcceptTransfer, now: float) -> list[do.Command]:
        self._declined = tuple(
            sorted({one for one in event.declined if 0 <= one < len(self.status.entries)})
        )
        self._directory = event.directory
        if len(self._declined) == len(self.status.entries):
            return self._decline(file_ev.CancelTransfer(self.id), now)
        self.accepted = True
        wanted = remaining(self.status.entries, spans(self._declined))
        self.status = replace(self.status, size=wanted)
        return self._open()

    def _open(self) -> list[do.Command]:
        self.state = IncomingState.OPENING
        opening = file_do.OpenSink(
            self.id,
            self.status.entries,
            self._declined,
            self._directory,
            self.status.peer_name,
            self.session_only,
        )
        return [opening, self._publish(file_st.TransferState.ACTIVE, speed=None)]

    def _ready(self, event: file_ev.SinkReady, now: float) -> list[do.Command]:
        # A transfer in state OPENING always has a peer link.
        assert self.peer_link is not None
        self.state = IncomingState.ACTIVE
        self._generation, self._channel = 0, None
        left = remaining(self.status.entries, event.skip, event.partial)
        self._before = max(0, self.status.size - left)
        self.status = replace(self.status, via=None)
        self._rate.restart()
        self._rate.note(self._before, now)
        pieces = [
            self.peer_link.send(piece)
            for piece in file_msg.cut_accept(self.id, event.skip, event.partial)
        ]
        # The sink must be ready before the sender learns that it may begin.
        return [
            *self._receive_on_lane(),
            *pieces,
            self._publish(file_st.TransferState.ACTIVE, moved=self._before),
        ]

    def _decline(self, event: file_ev.CancelTransfer, now: float) -> list[do.Command]:
        # A transfer in state ASKED always has a peer link.
        assert self.peer_link is not None
        reason = Reason.UNATTENDED if event.unattended else Reason.DECLINED
        message = self.peer_link.send(file_msg.Cancel(self.id, reason.value))
        return [message, *self._end(file_st.TransferState.CANCELLED, reason)]

    # --- moving -----------------------------------------------------------------------------------

    def _receive_on_lane(self) -> list[do.Command]:
        # The callers make sure that there is a peer link.
        assert self.peer_link is not None
        if not self.peer_link.lane_open:
            return []
        self.status = replace(self.status, via=st.Via.LANE)
        return [
            file_do.ReceiveStream(
                self.id, self.peer_link.id, link_ev.LANE_CHANNEL, self._generation
            )
        ]

    def _stream_opened(self, event: file_ev.StreamOpened, now: float) -> list[do.Command]:
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        if event.generation != self._generation or self._channel is not None:
            # The channel is for another generation or a second one for this generation, so it is
            # not read.
            return []
        self._channel = event.channel
        receive = file_do.ReceiveStream(self.id, self.peer_link.id, event.channel, self._generation)
        return [receive, self._publish(file_st.TransferState.ACTIVE, via=st.Via.WEBRTC)]

    def _wrote(self, event: file_ev.SinkWrote, now: float) -> list[do.Command]:
        if event.generation != self._generation:
            return []
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        moved = min(self.status.size, self._before + event.written)
        self._rate.note(moved, now)
        message = self.peer_link.send(file_msg.Progress(self.id, event.generation, event.written))
        return [
            message,
            self._publish(file_st.TransferState.ACTIVE, moved=moved, speed=self._rate.speed),
        ]

    def _lane_changed(self, event: file_ev.LaneChanged, now: float) -> list[do.Command]:
        """Change the way after the lane broke, or opened while the data channel is in use."""
        # A transfer in state ACTIVE always has a peer link.
        assert self.peer_link is not None
        on_lane = self.status.via is st.Via.LANE
        if self.peer_link.lane_open and not on_lane and self._channel is None:
            # Nothing has arrived yet, so the stream may use the lane.
            return self._receive_on_lane()
        if self.peer_link.lane_open == on_lane:
            return []
        self.state = IncomingState.PAUSED
        return [file_do.PauseSink(self.id)]

    def _asked_to_continue(self, event: file_msg.Continue, now: float) -> list[do.Command]:
        """Pause at the sender's request.

        The sender may be the first or the only one to see that its stream is over, or that there is
        a better way.
        """
        if event.generation != self._generation:
            # This message was sent before the peer received our own Continue, so it is out of date.
            return []
        self.state = IncomingState.PAUSED
        return [file_do.PauseSink(self.id)]

    def _paused(self, event: file_ev.SinkPaused, now: float) -> list[do.Command]:
        # A transfer in state PAUSED always has a peer link.
        assert self.peer_link is not None
        self.state = IncomingState.ACTIVE
        self._generation += 1
        self._channel = None
        self.status = replace(self.status, via=None)
        self._before = self.status.moved
        self._rate.restart()
        message = self.peer_link.send(file_msg.Continue(self.id, self._generation, event.position))
        return [*self._receive_on_lane(), message]

    # --- the link is lost -------------------------------------------------------------------------

    def _lost_unanswered(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        return self._end(file_st.TransferState.CANCELLED, Reason.PEER_LEFT)

    def _lost(self, event: file_ev.LinkDown, now: float) -> list[do.Command]:
        self.state = IncomingState.WAITING
        self.peer_link = None
        waiting = self._publish(file_st.TransferState.WAITING, link=None, speed=None, via=None)
        return [file_do.CloseSink(self.id, keep=True), waiting]

    def _sender_gone(self, event: file_ev.SenderGone, now: float) -> list[do.Command]:
        return [
            *self.drop_parts(),
            *self._end(file_st.TransferState.FAILED, Reason.PEER_LEFT),
        ]

    def drop_parts(self) -> list[do.Command]:
        """Remove what the disk keeps of it: nobody will continue it."""
        self.accepted = False
        return [file_do.CloseSink(self.id, keep=False)]

    # --- the end ----------------------------------------------------------------------------------

    def link_lost(self, now: float) -> None:
        """Note that the sender may not know of the end if the link was lost soon after it."""
        if now - self._handled < UNACKNOWLEDGED_SECONDS:
            self.unacknowledged = True

    def _repeat_result(self, result: file_ev.SinkFinished) -> list[do.Command]:
        # The callers run only while there is a peer link.
        assert self.peer_link is not None
        everything = spans(range(len(self.status.entries)))
        skip = [
            self.peer_link.send(piece) for piece in file_msg.cut_accept(self.id, everything, ())
        ]
        return [*skip, *self._finish(result)]

    def _finished(self, event: file_ev.SinkFinished, now: float) -> list[do.Command]:
        return [file_do.CloseSink(self.id, keep=False), *self._finish(event)]

    def _finished_before(self, event: file_ev.SinkFinished, now: float) -> list[do.Command]:
        """Handle a sink that had finished when the previous link was lost."""
        self._result = event
        if self.state is IncomingState.ARRIVING:
            # The sender is notified when the whole announcement has arrived.
            return []
        return [file_do.CloseSink(self.id, keep=False), *self._repeat_result(event)]

    def _finish(self, event: file_ev.SinkFinished) -> list[do.Command]:
        messages: list[do.Command] = []
        # The link was lost meanwhile, so the sender is notified when it announces again.
        if self.peer_link is None:
            self.unacknowledged = True
        else:
            messages = [
                self.peer_link.send(piece)
                for piece in file_msg.cut_finished(self.id, event.failed, event.renamed)
            ]
        entries = self.status.entries
        wanted = count_files(entries) - count_files(entries[index] for index in self._declined)
        state, reason = outcome(wanted, event.failed)
        # The result is kept, so that a file that is announced again is not written twice.
        self._result = event if state is file_st.TransferState.DONE else None
        moved = max(0, self.status.size - lost_bytes(entries, event.failed))
        self.status = replace(
            self.status,
            moved=moved,
            failed=event.failed,
            renamed=event.renamed,
            path=event.path,
            sha256=event.sha256,
        )
        return [*messages, *self._end(state, reason)]

    def _sink_failed(self, event: file_ev.SinkFailed, now: float) -> list[do.Command]:
        # A transfer in state OPENING, ACTIVE or PAUSED always has a peer link.
        assert self.peer_link is not None
        message = self.peer_link.send(file_msg.Cancel(self.id, event.reason.value))
        # After a full disk, for example, the transfer may go on later without a question. After a
        # fault of the sender, the person is asked again.
        self.accepted = event.reason is not Reason.TRANSFER_FAILED
        return [
            message,
            file_do.CloseSink(self.id, keep=self.accepted),
            *self._end(file_st.TransferState.FAILED, event.reason),
        ]

    def _cancelled_by_peer(self, event: file_msg.Cancel, now: float) -> list[do.Command]:
        reason = file_msg.file_reason(event.reason)
        cancelled = reason is Reason.CANCELLED
        # After a failure, the sender's second try needs no second question.
        self.accepted = not cancelled
        ended = self._end(
            file_st.TransferState.CANCELLED if cancelled else file_st.TransferState.FAILED, reason
        )
        # After a failure, what has arrived is kept, so that a second try continues it instead of
        # making a second copy.
        return [
            file_do.CloseSink(self.id, keep=not cancelled),
            *ended,
        ]

    def _withdrawn(self, event: file_msg.Cancel, now: float) -> list[do.Command]:
        return self._end(file_st.TransferState.CANCELLED, Reason.CANCELLED)

    def _cancel(self, event: file_ev.CancelTransfer, now: float) -> list[do.Command]:
        # If the transfer is announced again, the person is asked again.
        self.accepted = False
        published = (
            []
            if self.peer_link is None
            else [self.peer_link.send(file_msg.Cancel(self.id, Reason.CANCELLED.value))]
        )
        self.unacknowledged = self.peer_link is None
        return [
            *published,
            file_do.CloseSink(self.id, keep=False),
            *self._end(file_st.TransferState.CANCELLED, Reason.CANCELLED),
        ]

    def _end(self, state: file_st.TransferState, reason: Reason | None) -> list[do.Command]:
        self.state = IncomingState.OVER
        self.peer_link = None
        return [self._publish(state, reason=reason, speed=None)]

    def _publish(self, state: file_st.TransferState, **changes: Any) -> do.Command:
        self.status = replace(self.status, state=state, needs_answer=False, **changes)
        return do.Publish(self.status)


_S = IncomingState
_WITHOUT_SINK: Final = frozenset({_S.ARRIVING, _S.ASKED, _S.WAITING, _S.OVER})

TRANSITIONS: Final = TransitionTable(
    {
        _S.ARRIVING: {
            file_msg.Announce: (Incoming._piece, {_S.ARRIVING, _S.ASKED, _S.OPENING, _S.OVER}),
            file_msg.Cancel: (Incoming._withdrawn_arriving, {_S.OVER}),
            file_ev.LinkDown: (Incoming._lost_arriving, {_S.WAITING, _S.OVER}),
            file_ev.SinkFinished: (Incoming._finished_before, {_S.ARRIVING}),
            file_ev.CancelTransfer: (Incoming._cancel_arriving, {_S.OVER}),
        },
        _S.ASKED: {
            file_ev.AcceptTransfer: (Incoming._accept, {_S.OPENING, _S.OVER}),
            file_ev.CancelTransfer: (Incoming._decline, {_S.OVER}),
            file_msg.Cancel: (Incoming._withdrawn, {_S.OVER}),
            file_ev.LinkDown: (Incoming._lost_unanswered, {_S.OVER}),
        },
        _S.OPENING: {
            file_ev.SinkReady: (Incoming._ready, {_S.ACTIVE}),
            file_ev.SinkFinished: (Incoming._finished_before, {_S.OVER}),
            file_ev.SinkFailed: (Incoming._sink_failed, {_S.OVER}),
            file_msg.Cancel: (Incoming._cancelled_by_peer, {_S.OVER}),
            file_ev.CancelTransfer: (Incoming._cancel, {_S.OVER}),
            file_ev.LinkDown: (Incoming._lost, {_S.WAITING}),
        },
        _S.ACTIVE: {
            file_ev.StreamOpened: (Incoming._stream_opened, {_S.ACTIVE}),
            file_ev.SinkWrote: (Incoming._wrote, {_S.ACTIVE}),
            file_ev.SinkFinished: (Incoming._finished, {_S.OVER}),
            file_ev.SinkFailed: (Incoming._sink_failed, {_S.OVER}),
            file_msg.Continue: (Incoming._asked_to_continue, {_S.ACTIVE, _S.PAUSED}),
            file_msg.Cancel: (Incoming._cancelled_by_peer, {_S.OVER}),
            file_ev.CancelTransfer: (Incoming._cancel, {_S.OVER}),
            file_ev.LinkDown: (Incoming._lost, {_S.WAITING}),
            file_ev.LaneChanged: (Incoming._lane_changed, {_S.ACTIVE, _S.PAUSED}),
        },
        _S.PAUSED: {
            file_ev.SinkPaused: (Incoming._paused, {_S.ACTIVE}),
            file_ev.SinkWrote: (Incoming._wrote, {_S.PAUSED}),
            file_ev.SinkFinished: (Incoming._finished, {_S.OVER}),
            file_ev.SinkFailed: (Incoming._sink_failed, {_S.OVER}),
            file_msg.Cancel: (Incoming._cancelled_by_peer, {_S.OVER}),
            file_ev.CancelTransfer: (Incoming._cancel, {_S.OVER}),
            file_ev.LinkDown: (Incoming._lost, {_S.WAITING}),
        },
        _S.WAITING: {
            file_msg.Cancel: (Incoming._cancelled_by_peer, {_S.OVER}),
            file_ev.CancelTransfer: (Incoming._cancel, {_S.OVER}),
            file_ev.SenderGone: (Incoming._sender_gone, {_S.OVER}),
            file_ev.SinkFinished: (Incoming._finished, {_S.OVER}),
        },
    },
    # The sink was told to pause or to close before it reported this, or the message belongs to a
    # stream that is over.
    stale={
        file_ev.LaneChanged: {_S.ARRIVING, _S.ASKED, _S.OPENING, _S.PAUSED},
        file_ev.SinkReady: _WITHOUT_SINK,
        file_ev.SinkFailed: _WITHOUT_SINK,
        file_ev.SinkWrote: _WITHOUT_SINK,
        file_ev.SinkPaused: _WITHOUT_SINK,
        file_ev.SinkFinished: {_S.ASKED, _S.OVER},
        file_ev.StreamOpened: {_S.PAUSED},
        file_msg.Continue: {_S.PAUSED},
    },
    calls={
        "announced_again": {state: {_S.ARRIVING} for state in _S},
    },
)
