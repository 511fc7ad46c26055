"""All transfers of the program, in both directions and over all links: which one is meant, whose turn it is.

A transfer outlives its link: it waits here until the same peer is linked again. Must never be here: one transfer's own
life (outgoing.py, incoming.py), the link's (link.py), disks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxim.core.commands import Command, Publish, StopSending
from proxim.core.errors import Problem, Reason
from proxim.core.events import LinkID, TimerFired
from proxim.core.file_events import (
    AcceptTransfer,
    CancelTransfer,
    DiskEvent,
    RetryTransfer,
    SendingFailed,
    SendPaths,
    SourcesFailed,
    SourcesListed,
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
from proxim.core.incoming import Incoming, IncomingInput, IncomingState
from proxim.core.json_text import MessageError
from proxim.core.manifest import TRANSFER_ID_BYTES, Direction, TransferID, resume_tag
from proxim.core.outgoing import Outgoing, OutgoingInput, OutgoingState
from proxim.core.proof import to_base64url
from proxim.core.status import TransferState, Trouble
from proxim.core.transfer_inputs import LaneChanged, LinkDown, LinkUp, Speaker, StreamOpened, Turn

STREAM_LABEL: Final = re.compile(r"files/(?P<transfer>[A-Za-z0-9_-]{22})/(?P<generation>[0-9]{1,7})")
_TRANSFER_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
MAX_MOVING: Final = 3  # outgoing over one link: three each way and control are within 8 data channels
MAX_UNDECIDED: Final = 8  # announcements that wait for the person; a queue of more is a flood
MAX_REMEMBERED: Final = 200  # transfers that are over, kept for a retry or in case the sender did not hear

TransferIntent = SendPaths | AcceptTransfer | CancelTransfer | RetryTransfer


@dataclass(frozen=True, slots=True)
class AcceptPolicy:
    """What becomes of files that are announced: `directory` None is where files are always saved to."""

    without_asking: bool = False
    directory: str | None = None


class Transfers:
    """See the module."""

    def __init__(self, token_bytes: Callable[[int], bytes], policy: AcceptPolicy = AcceptPolicy()) -> None:
        self.token_bytes = token_bytes
        self._policy = policy
        self._speakers: dict[LinkID, Speaker] = {}
        self._always: set[LinkID] = set()  # links whose announcements the person accepts unseen
        self._outgoing: dict[TransferID, Outgoing] = {}
        self._incoming: dict[TransferID, Incoming] = {}

    # --- what a person wants ---------------------------------------------------------------------------------------

    def intent(self, event: TransferIntent, now: float) -> list[Command]:
        """Do what the person asks for, or say why not."""
        match event:
            case SendPaths(link, paths):
                return self._send(link, paths)
            case AcceptTransfer(transfer):
                incoming = self._incoming.get(transfer)
                if incoming is None or incoming.state is not IncomingState.ASKED:
                    return [_trouble(Reason.TRANSFER_GONE)]
                if event.always and incoming.speaker is not None:
                    self._always.add(incoming.speaker.id)
                return self._to_incoming(incoming, event, now)
            case CancelTransfer(transfer):
                return self._cancel(event, now)
            case RetryTransfer(transfer):
                return self._retry(transfer)

    def _send(self, link: LinkID, paths: tuple[str, ...]) -> list[Command]:
        speaker = self._speakers.get(link)
        if speaker is None:
            return [_trouble(Reason.FILES_UNSUPPORTED, link)]
        if not paths:
            return [_trouble(Reason.NOTHING_TO_SEND, link)]
        outgoing = Outgoing(self._new_id(), speaker, paths)
        self._outgoing[outgoing.id] = outgoing
        return outgoing.start()

    def _cancel(self, event: CancelTransfer, now: float) -> list[Command]:
        outgoing, incoming = self._outgoing.get(event.transfer), self._incoming.get(event.transfer)
        if outgoing is not None and outgoing.state is not OutgoingState.OVER:
            return self._to_outgoing(outgoing, event, now)
        if incoming is not None and incoming.state is not IncomingState.OVER:
            return self._to_incoming(incoming, event, now)
        return [_trouble(Reason.TRANSFER_GONE)]

    def _retry(self, transfer: TransferID) -> list[Command]:
        failed = self._outgoing.get(transfer)
        if failed is None or failed.state is not OutgoingState.OVER or not failed.paths:
            return [_trouble(Reason.TRANSFER_GONE)]
        speaker = None if failed.status.link is None else self._speakers.get(failed.status.link)
        speaker = speaker or next(iter(self._speakers.values()), None) if len(self._speakers) == 1 else speaker
        if speaker is None:
            return [_trouble(Reason.NOT_CONNECTED)]
        if failed.status.state is TransferState.DONE:  # what arrived has its name already: another transfer
            only = tuple(failed.status.entries[one.index].path for one in failed.status.failed)
            again = Outgoing(self._new_id(), speaker, failed.paths)
            self._outgoing[again.id] = again
            return again.start(only) if only else [_trouble(Reason.NOTHING_TO_SEND)]
        again = Outgoing(transfer, speaker, failed.paths)  # under its own name: the receiver may still have a part
        self._outgoing[transfer] = again
        return again.start()

    def _new_id(self) -> TransferID:
        return TransferID(to_base64url(self.token_bytes(TRANSFER_ID_BYTES)))

    # --- what the disk answers -------------------------------------------------------------------------------------

    def disk(self, event: DiskEvent, now: float) -> list[Command]:
        """Pass on what the disk answers; of a transfer that is over, it crossed."""
        if isinstance(event, TransfersFound):
            return self._found(event)
        if isinstance(event, SourcesListed | SourcesFailed | SendingFailed):
            outgoing = self._outgoing.get(event.transfer)
            if outgoing is None or outgoing.state is OutgoingState.OVER:
                return [StopSending(event.transfer, forget=True)] if isinstance(event, SourcesListed) else []
            return self._to_outgoing(outgoing, event, now)
        incoming = self._incoming.get(event.transfer)
        if incoming is None or incoming.state in (IncomingState.OVER, IncomingState.ARRIVING, IncomingState.ASKED):
            return []
        return self._to_incoming(incoming, event, now)

    def _found(self, event: TransfersFound) -> list[Command]:
        commands: list[Command] = []
        for one in event.transfers:
            if one.direction is Direction.OUT:
                outgoing = self._outgoing[one.transfer] = Outgoing.found(one.transfer, one.entries, one.peer_name)
                commands.append(Publish(outgoing.status))
            else:
                incoming = self._incoming[one.transfer] = Incoming.found(one.transfer, one.entries, one.peer_name)
                commands.append(Publish(incoming.status))
        return commands

    def timer(self, event: TimerFired, now: float) -> list[Command]:
        """A transfer's own timer ran out."""
        outgoing = self._outgoing[TransferID(event.timer.scope)]  # its end cancels its timer
        return self._to_outgoing(outgoing, event, now)

    # --- what the link tells ---------------------------------------------------------------------------------------

    def link_up(self, speaker: Speaker, now: float) -> list[Command]:
        """A peer that understands files has greeted."""
        self._speakers[speaker.id] = speaker
        waiting = [one for one in self._incoming.values() if one.state is IncomingState.WAITING]
        unheard = [
            one for one in self._incoming.values() if one.state is IncomingState.OVER and one.may_be_unheard(now)
        ]
        tags = tuple(resume_tag(one.id) for one in (*waiting, *unheard))[:MAX_TAGS]
        return [speaker.say(Resume(tags))] if tags else []

    def link_down(self, link: LinkID, now: float) -> list[Command]:
        """A link is closed, whether or not its peer understood files."""
        self._speakers.pop(link, None)
        self._always.discard(link)
        commands: list[Command] = []
        for outgoing in list(self._outgoing.values()):
            if outgoing.speaker is not None and outgoing.speaker.id == link:
                commands += self._to_outgoing(outgoing, LinkDown(), now)
        for incoming in list(self._incoming.values()):
            if incoming.speaker is not None and incoming.speaker.id == link:
                commands += self._to_incoming(incoming, LinkDown(), now)
        return commands

    def lane_changed(self, link: LinkID, now: float) -> list[Command]:
        """The link's lane opened, broke or is given up."""
        commands: list[Command] = []
        for incoming in list(self._incoming.values()):
            if incoming.speaker is not None and incoming.speaker.id == link:
                commands += self._to_incoming(incoming, LaneChanged(), now)
        return [*commands, *self._give_turns(link, now)]

    def channel_opened(self, link: LinkID, channel: int, label: str, now: float) -> list[Command] | None:
        """A data channel that is not `control`; None where it is none of a transfer's that we take."""
        match = STREAM_LABEL.fullmatch(label)
        incoming = None if match is None else self._incoming.get(TransferID(match["transfer"]))
        if match is None or incoming is None or incoming.speaker is None or incoming.speaker.id != link:
            return None
        if incoming.state not in (IncomingState.ACTIVE, IncomingState.HELD):
            return None
        return self._to_incoming(incoming, StreamOpened(channel, int(match["generation"])), now)

    def message(self, speaker: Speaker, message: FileMessage, now: float) -> list[Command]:
        """What the peer says about files. Raises MessageError for what it may not say."""
        match message:
            case Announce():
                return self._announced(speaker, message, now)
            case Resume(tags):
                return self._resume(speaker, tags, now)
            case Cancel(transfer):
                if self._is_at(self._incoming.get(transfer), speaker):
                    return self._to_incoming(self._incoming[transfer], message, now)
                if self._is_at(self._outgoing.get(transfer), speaker):
                    return self._to_outgoing(self._outgoing[transfer], message, now)
            case Accept(transfer) | Continue(transfer) | Progress(transfer) | Finished(transfer):
                if self._is_at(self._outgoing.get(transfer), speaker):
                    return self._to_outgoing(self._outgoing[transfer], message, now)
            case OfferLane():
                raise MessageError(Reason.NOT_ALLOWED, "lane")  # link.py takes it where it may be said
        return []  # of a transfer that we ended; this crossed on the way

    def _is_at(self, one: Outgoing | Incoming | None, speaker: Speaker) -> bool:
        return one is not None and one.speaker is not None and one.speaker.id == speaker.id

    def _announced(self, speaker: Speaker, message: Announce, now: float) -> list[Command]:
        if not _TRANSFER_ID.fullmatch(message.transfer) or message.transfer in self._outgoing:
            raise MessageError(Reason.BAD_MESSAGE, "transferID")
        incoming = self._incoming.get(message.transfer)
        taken: list[Command] = []
        if incoming is None:
            undecided = (IncomingState.ARRIVING, IncomingState.ASKED)
            if sum(1 for one in self._incoming.values() if one.state in undecided) >= MAX_UNDECIDED:
                return [speaker.say(Cancel(message.transfer, Reason.TOO_MANY.value))] if not message.more else []
            incoming = self._incoming[message.transfer] = Incoming(message.transfer, speaker)
        elif not (incoming.state is IncomingState.ARRIVING and self._is_at(incoming, speaker)):
            if self._is_at(incoming, speaker):
                raise MessageError(Reason.NOT_ALLOWED, "announced twice")
            taken = incoming.announced_again(speaker)  # who knows its name is the peer that it was begun with
        commands = [*taken, *self._to_incoming(incoming, message, now), *speaker.want_lane()]
        if incoming.state is IncomingState.ASKED and (self._policy.without_asking or speaker.id in self._always):
            accept = AcceptTransfer(incoming.id, directory=self._policy.directory)
            commands += self._to_incoming(incoming, accept, now)
        return commands

    def _resume(self, speaker: Speaker, tags: tuple[bytes, ...], now: float) -> list[Command]:
        known = {resume_tag(one.id): one for one in self._outgoing.values() if one.state in _RESUMABLE}
        commands: list[Command] = []
        for tag in dict.fromkeys(tags):
            if tag in known and not self._is_at(known[tag], speaker):
                commands += self._to_outgoing(known[tag], LinkUp(speaker), now)
        return commands

    # --- to the transfers ------------------------------------------------------------------------------------------

    def _to_outgoing(self, outgoing: Outgoing, event: OutgoingInput, now: float) -> list[Command]:
        link = outgoing.status.link
        commands = outgoing.handle(event, now)
        self._forget_oldest()
        return [*commands, *([] if link is None else self._give_turns(link, now))]

    def _to_incoming(self, incoming: Incoming, event: IncomingInput, now: float) -> list[Command]:
        commands = incoming.handle(event, now)
        self._forget_oldest()
        return commands

    def _give_turns(self, link: LinkID, now: float) -> list[Command]:
        """Let those that are ready move, in the order in which they came, as many as may at once."""
        speaker = self._speakers.get(link)
        if speaker is None or speaker.lane_pending:
            return []
        own = [one for one in self._outgoing.values() if self._is_at(one, speaker)]
        moving = sum(1 for one in own if one.state is OutgoingState.ACTIVE)
        ready = [one for one in own if one.state is OutgoingState.READY][: MAX_MOVING - moving]
        return [command for one in ready for command in one.handle(Turn(), now)]

    def _forget_oldest(self) -> None:
        """Let go of what was over long ago."""
        over = [one for one in self._outgoing.values() if one.state is OutgoingState.OVER]
        for outgoing in over[:-MAX_REMEMBERED]:
            del self._outgoing[outgoing.id]
        done = [one for one in self._incoming.values() if one.state is IncomingState.OVER]
        for incoming in done[:-MAX_REMEMBERED]:
            del self._incoming[incoming.id]


_RESUMABLE: Final = (OutgoingState.WAITING, OutgoingState.READY, OutgoingState.ACTIVE)


def _trouble(reason: Reason, link: LinkID | None = None) -> Command:
    return Publish(Trouble(Problem(reason), link))
