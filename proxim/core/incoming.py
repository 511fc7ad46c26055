"""One transfer that this device receives, as a table of transitions.

```
  ARRIVING --all pieces--> ASKED --accepted--> OPENING --disk ready--> ACTIVE --all written--> OVER
                             | declined           | disk full            | ^  |
                             +-----> OVER <-------+----------------------+ |  +--lane lost--> HELD --held--> ACTIVE
                                              link lost --> WAITING --announced again--> OPENING
```
Nothing is written that was not accepted: the disk hears of a transfer only here, and only then. Must never be here:
disks, names fit for one, which transfer is meant (transfers.py), the sender's side (outgoing.py).
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from proxim.core.commands import CloseSink, Command, HoldSink, OpenSink, Publish, TakeStream
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.events import LANE_CHANNEL
from proxim.core.file_events import (
    AcceptTransfer,
    CancelTransfer,
    SinkFailed,
    SinkFinished,
    SinkHeld,
    SinkReady,
    SinkWrote,
)
from proxim.core.file_messages import (
    Announce,
    Cancel,
    Continue,
    FileMessage,
    Progress,
    cut_accept,
    cut_finished,
    file_reason,
)
from proxim.core.json_text import MessageError
from proxim.core.manifest import (
    MAX_ENTRIES,
    Direction,
    Entry,
    TransferID,
    digest,
    remaining,
    spans,
    total_size,
)
from proxim.core.rate import Rate
from proxim.core.status import TransferState, TransferStatus, Via
from proxim.core.transfer_inputs import LaneChanged, LinkDown, Speaker, StreamOpened

UNHEARD_SECONDS: Final = 10.0  # a silent link is noticed within 6 s; what was said meanwhile may be lost
MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024  # of all paths; 20,000 of 200 bytes


class IncomingState(Enum):
    """Where it is."""

    ARRIVING = "arriving"
    ASKED = "asked"
    OPENING = "opening"
    ACTIVE = "active"
    HELD = "held"
    WAITING = "waiting"
    OVER = "over"


IncomingInput = (
    Announce
    | Cancel
    | AcceptTransfer
    | CancelTransfer
    | SinkReady
    | SinkFailed
    | SinkWrote
    | SinkHeld
    | SinkFinished
    | StreamOpened
    | LinkDown
    | LaneChanged
)


class Incoming:
    """See the module."""

    def __init__(self, transfer: TransferID, speaker: Speaker | None) -> None:
        self.id = transfer
        self.speaker = speaker
        self.state = IncomingState.ARRIVING
        self.accepted = False  # once; what is announced again needs no second question
        self.status = TransferStatus(
            transfer,
            Direction.IN,
            TransferState.ANNOUNCED,
            (),
            0,
            link=None if speaker is None else speaker.id,
            peer_name=None if speaker is None else speaker.peer_name,
        )
        self._pieces: list[Entry] = []
        self._pieces_bytes = 0
        self._declined: tuple[int, ...] = ()
        self._directory: str | None = None
        self._generation = 0
        self._before = 0
        self._channel: int | None = None  # the data channel that the present generation comes on, as far as it does
        self._result: SinkFinished | None = None  # all is here, whether or not the sender heard of it
        self._finished_at = 0.0
        self._rate = Rate()

    @classmethod
    def found(cls, transfer: TransferID, entries: tuple[Entry, ...], peer_name: str | None) -> "Incoming":
        """One that an earlier run of the program did not finish."""
        one = cls(transfer, None)
        one.state, one.accepted = IncomingState.WAITING, True
        one.status = replace(
            one.status, state=TransferState.WAITING, entries=entries, size=total_size(entries), peer_name=peer_name
        )
        return one

    def handle(self, event: IncomingInput, now: float) -> list[Command]:
        """Take one event. Raises MessageError for what the peer may not say now."""
        transition = _TRANSITIONS.get((self.state, type(event)))
        if transition is not None:
            return transition(self, event, now)
        if isinstance(event, FileMessage):
            raise MessageError(Reason.NOT_ALLOWED, "not now")
        raise MachineMisuseError(f"{type(event).__name__} in {self.state}")

    # --- being announced -------------------------------------------------------------------------------------------

    def _piece(self, event: Announce, now: float) -> list[Command]:
        self._pieces += event.entries
        self._pieces_bytes += sum(len(entry.path) for entry in event.entries)
        if len(self._pieces) > MAX_ENTRIES or self._pieces_bytes > MAX_MANIFEST_BYTES:
            return self._refuse(Reason.TOO_MANY_FILES)
        if event.more:
            return []
        entries = tuple(self._pieces)
        self._pieces.clear()
        if not entries:
            return self._refuse(Reason.NOTHING_TO_SEND)
        same = bool(self.status.entries) and digest(entries) == digest(self.status.entries)
        if self.accepted and same:
            return self._open() if self._result is None else self._say_again(self._result)
        self.accepted = False
        self.state = IncomingState.ASKED
        return [self._tell(TransferState.ANNOUNCED, entries=entries, size=total_size(entries))]

    def announced_again(self, speaker: Speaker) -> list[Command]:
        """The same peer is linked again: its announcement follows."""
        taken: list[Command] = []
        if self.state in (IncomingState.OPENING, IncomingState.ACTIVE, IncomingState.HELD):  # the old link is dead
            taken = [CloseSink(self.id, keep=True)]
        self.state = IncomingState.ARRIVING
        self.speaker = speaker
        self._pieces.clear()
        self._pieces_bytes = 0
        self.status = replace(self.status, link=speaker.id, peer_name=speaker.peer_name, reason=None, failed=())
        return taken

    def _refuse(self, reason: Reason) -> list[Command]:
        assert self.speaker is not None  # it has just been heard
        say = self.speaker.say(Cancel(self.id, reason.value))
        self.state = IncomingState.OVER
        self.speaker = None
        return [say]  # nobody was asked: nobody is told

    # --- accepted --------------------------------------------------------------------------------------------------

    def _accept(self, event: AcceptTransfer, now: float) -> list[Command]:
        self._declined = tuple(sorted({one for one in event.declined if 0 <= one < len(self.status.entries)}))
        self._directory = event.directory
        if len(self._declined) == len(self.status.entries):
            return self._decline(CancelTransfer(self.id), now)
        self.accepted = True
        wanted = remaining(self.status.entries, spans(self._declined))
        self.status = replace(self.status, size=wanted)
        return self._open()

    def _open(self) -> list[Command]:
        self.state = IncomingState.OPENING
        opening = OpenSink(self.id, self.status.entries, self._declined, self._directory, self.status.peer_name)
        return [opening, self._tell(TransferState.ACTIVE, speed=None)]

    def _ready(self, event: SinkReady, now: float) -> list[Command]:
        assert self.speaker is not None  # OPENING has one
        self.state = IncomingState.ACTIVE
        self._generation, self._channel = 0, None
        left = remaining(self.status.entries, event.skip, event.partial)
        if self.status.size < left:  # an earlier run of the program knew what was declined
            self.status = replace(self.status, size=left)
        self._before = self.status.size - left
        self._rate.restart()
        self._rate.note(self._before, now)
        pieces = [self.speaker.say(piece) for piece in cut_accept(self.id, event.skip, event.partial)]
        # The sink listens before the sender hears that it may begin.
        return [*self._take_lane(), *pieces, self._tell(TransferState.ACTIVE, moved=self._before)]

    def _decline(self, event: CancelTransfer, now: float) -> list[Command]:
        assert self.speaker is not None  # ASKED has one
        say = self.speaker.say(Cancel(self.id, Reason.DECLINED.value))
        return [say, *self._end(TransferState.CANCELLED, Reason.DECLINED)]

    # --- moving ----------------------------------------------------------------------------------------------------

    def _take_lane(self) -> list[Command]:
        assert self.speaker is not None  # its callers have one
        if not self.speaker.lane_open:
            return []
        self.status = replace(self.status, via=Via.LANE)
        return [TakeStream(self.id, self.speaker.id, LANE_CHANNEL, self._generation)]

    def _stream_opened(self, event: StreamOpened, now: float) -> list[Command]:
        assert self.speaker is not None  # ACTIVE has one
        if event.generation != self._generation or self._channel is not None:
            return []  # of a generation that is over; nothing of it is taken
        self._channel = event.channel
        take = TakeStream(self.id, self.speaker.id, event.channel, self._generation)
        return [take, self._tell(TransferState.ACTIVE, via=Via.WEBRTC)]

    def _wrote(self, event: SinkWrote, now: float) -> list[Command]:
        if event.generation != self._generation:
            return []
        assert self.speaker is not None  # ACTIVE has one
        moved = min(self.status.size, self._before + event.written)
        self._rate.note(moved, now)
        say = self.speaker.say(Progress(self.id, event.generation, event.written))
        return [say, self._tell(TransferState.ACTIVE, moved=moved, speed=self._rate.speed)]

    def _lane_changed(self, event: LaneChanged, now: float) -> list[Command]:
        """The lane broke under us, or is there and we are still on the data channel: go on from what is written."""
        assert self.speaker is not None  # ACTIVE has one
        on_lane = self.status.via is Via.LANE
        if self.speaker.lane_open and not on_lane and self._channel is None:
            return self._take_lane()  # nothing has come yet, and it may come this way
        if self.speaker.lane_open == on_lane:
            return []
        self.state = IncomingState.HELD
        return [HoldSink(self.id)]

    def _held(self, event: SinkHeld, now: float) -> list[Command]:
        assert self.speaker is not None  # HELD has one
        self.state = IncomingState.ACTIVE
        self._generation += 1
        self._channel = None
        self.status = replace(self.status, via=None)
        self._before = self.status.moved
        self._rate.restart()
        say = self.speaker.say(Continue(self.id, self._generation, event.position))
        return [*self._take_lane(), say]

    # --- the link is lost ------------------------------------------------------------------------------------------

    def _lost_unanswered(self, event: LinkDown, now: float) -> list[Command]:
        return self._end(TransferState.CANCELLED, Reason.PEER_LEFT)

    def _lost_unasked(self, event: LinkDown, now: float) -> list[Command]:
        if self.accepted:  # it was being announced once more
            return self._lost(event, now)
        self.state = IncomingState.OVER
        self.speaker = None
        return []

    def _lost(self, event: LinkDown, now: float) -> list[Command]:
        self.state = IncomingState.WAITING
        self.speaker = None
        waiting = self._tell(TransferState.WAITING, link=None, speed=None, via=None)
        return [CloseSink(self.id, keep=True), waiting]

    def _crossed(self, event: IncomingInput, now: float) -> list[Command]:
        return []  # the sink was told to hold or close meanwhile

    def _finished_unheard(self, event: SinkFinished, now: float) -> list[Command]:
        self._result = event  # told once the sender is there again
        return []

    # --- the end ---------------------------------------------------------------------------------------------------

    def may_be_unheard(self, now: float) -> bool:
        """Whether it was finished so shortly before its link was lost that the sender may not know."""
        return self._result is not None and now - self._finished_at < UNHEARD_SECONDS

    def _say_again(self, result: SinkFinished) -> list[Command]:
        assert self.speaker is not None  # ARRIVING has one
        everything = spans(range(len(self.status.entries)))
        skip = [self.speaker.say(piece) for piece in cut_accept(self.id, everything, ())]
        return [*skip, *self._finish(result)]

    def _finished(self, event: SinkFinished, now: float) -> list[Command]:
        self._result, self._finished_at = event, now
        return self._finish(event)

    def _finish(self, event: SinkFinished) -> list[Command]:
        assert self.speaker is not None  # its callers have one
        entries = self.status.entries
        lost = sum(entries[one.index].size for one in event.failed)
        files = sum(1 for one in entries if not one.directory) - len(self._declined)
        state = TransferState.FAILED if event.failed and len(event.failed) >= files else TransferState.DONE
        reason = Reason.SOME_FILES_FAILED if event.failed else None
        if state is TransferState.FAILED and files == 1:
            reason = event.failed[0].reason
        say = [self.speaker.say(piece) for piece in cut_finished(self.id, event.failed)]
        self.status = replace(
            self.status,
            moved=max(0, self.status.size - lost),
            failed=event.failed,
            path=event.path,
            sha256=event.sha256,
        )
        return [*say, *self._end(state, reason)]

    def _sink_failed(self, event: SinkFailed, now: float) -> list[Command]:
        assert self.speaker is not None  # OPENING, ACTIVE and HELD have one
        say = self.speaker.say(Cancel(self.id, event.reason.value))
        # What has come is kept: once there is room again, the sender tries again and goes on from there.
        return [say, CloseSink(self.id, keep=True), *self._end(TransferState.FAILED, event.reason)]

    def _cancelled_by_peer(self, event: Cancel, now: float) -> list[Command]:
        reason = file_reason(event.reason)
        state = TransferState.CANCELLED if reason is Reason.CANCELLED else TransferState.FAILED
        return [CloseSink(self.id, keep=False), *self._end(state, reason)]

    def _withdrawn(self, event: Cancel, now: float) -> list[Command]:
        return self._end(TransferState.CANCELLED, Reason.CANCELLED)

    def _withdrawn_unasked(self, event: Cancel, now: float) -> list[Command]:
        self.state = IncomingState.OVER
        self.speaker = None
        return []

    def _cancel(self, event: CancelTransfer, now: float) -> list[Command]:
        told = [] if self.speaker is None else [self.speaker.say(Cancel(self.id, Reason.CANCELLED.value))]
        return [*told, CloseSink(self.id, keep=False), *self._end(TransferState.CANCELLED, Reason.CANCELLED)]

    def _end(self, state: TransferState, reason: Reason | None) -> list[Command]:
        self.state = IncomingState.OVER
        self.speaker = None
        return [self._tell(state, reason=reason, speed=None)]

    def _tell(self, state: TransferState, **changes: Any) -> Command:
        self.status = replace(self.status, state=state, **changes)
        return Publish(self.status)


_Transition = Callable[[Incoming, Any, float], list[Command]]
_S = IncomingState

_TRANSITIONS: Final[dict[tuple[IncomingState, type], _Transition]] = {
    (_S.ARRIVING, Announce): Incoming._piece,
    (_S.ARRIVING, Cancel): Incoming._withdrawn_unasked,
    (_S.ARRIVING, LinkDown): Incoming._lost_unasked,
    (_S.ARRIVING, LaneChanged): Incoming._crossed,
    (_S.ARRIVING, CancelTransfer): Incoming._cancel,
    (_S.ASKED, AcceptTransfer): Incoming._accept,
    (_S.ASKED, CancelTransfer): Incoming._decline,
    (_S.ASKED, Cancel): Incoming._withdrawn,
    (_S.ASKED, LinkDown): Incoming._lost_unanswered,
    (_S.ASKED, LaneChanged): Incoming._crossed,
    (_S.OPENING, SinkReady): Incoming._ready,
    (_S.OPENING, SinkFailed): Incoming._sink_failed,
    (_S.OPENING, Cancel): Incoming._cancelled_by_peer,
    (_S.OPENING, CancelTransfer): Incoming._cancel,
    (_S.OPENING, LinkDown): Incoming._lost,
    (_S.OPENING, LaneChanged): Incoming._crossed,
    (_S.ACTIVE, StreamOpened): Incoming._stream_opened,
    (_S.ACTIVE, SinkWrote): Incoming._wrote,
    (_S.ACTIVE, SinkFinished): Incoming._finished,
    (_S.ACTIVE, SinkFailed): Incoming._sink_failed,
    (_S.ACTIVE, Cancel): Incoming._cancelled_by_peer,
    (_S.ACTIVE, CancelTransfer): Incoming._cancel,
    (_S.ACTIVE, LinkDown): Incoming._lost,
    (_S.ACTIVE, LaneChanged): Incoming._lane_changed,
    (_S.HELD, SinkHeld): Incoming._held,
    (_S.HELD, SinkWrote): Incoming._wrote,
    (_S.HELD, SinkFinished): Incoming._finished,
    (_S.HELD, SinkFailed): Incoming._sink_failed,
    (_S.HELD, StreamOpened): Incoming._crossed,
    (_S.HELD, Cancel): Incoming._cancelled_by_peer,
    (_S.HELD, CancelTransfer): Incoming._cancel,
    (_S.HELD, LinkDown): Incoming._lost,
    (_S.HELD, LaneChanged): Incoming._crossed,
    (_S.WAITING, CancelTransfer): Incoming._cancel,
    (_S.WAITING, SinkReady): Incoming._crossed,
    (_S.WAITING, SinkFailed): Incoming._crossed,
    (_S.WAITING, SinkWrote): Incoming._crossed,
    (_S.WAITING, SinkHeld): Incoming._crossed,
    (_S.WAITING, SinkFinished): Incoming._finished_unheard,
}
