"""All transfers of the program, in both directions and over all links.

`Transfers` passes each event to its transfer, and decides whose turn it is to move. A transfer
outlives its link: it waits here until the same peer is linked again.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.incoming import Incoming, IncomingState, Refusals
from proxim.core.files.manifest import (
    TRANSFER_ID,
    TRANSFER_ID_BYTES,
    Direction,
    TransferID,
    digest,
    resume_tag,
)
from proxim.core.files.outgoing import Outgoing, OutgoingState
from proxim.core.json_text import MessageError
from proxim.core.link.features import LinkFeature, PeerLink
from proxim.core.link.link import LINK_OPEN_SECONDS, RESUME_SECONDS
from proxim.core.link.messages import LinkMessage

# The label prefix of the data channels.
_STREAM: Final = "files"
STREAM_LABEL: Final = re.compile(
    rf"{_STREAM}/(?P<transfer>{TRANSFER_ID.pattern})/(?P<generation>[0-9]{{1,7}})"
)
# Outgoing transfers that move on one link at once; three in each direction and `control` stay
# within 8 data channels.
MAX_MOVING: Final = 3
# Announcements on one link that may wait for the person; a longer queue is a flood.
MAX_UNDECIDED: Final = 8
# Unfinished incoming transfers on one link, accepted ones too; each keeps two files open.
MAX_UNFINISHED: Final = 64
# Unfinished incoming transfers of all links, and of peers that are away. They stay in memory and in
# the store until they end.
MAX_ALIVE: Final = 256
# The time from the listing to the peer's `resume`, which the peer sends as soon as it receives our
# greeting.
RESUME_GRACE_SECONDS: Final = 2.0
# How long after the loss of a link its session may still go on: as long as the link may be resumed,
# and the new one takes to open.
SESSION_GRACE_SECONDS: Final = RESUME_SECONDS + LINK_OPEN_SECONDS
# Finished transfers that are kept for a retry, or because the sender may not know of the end.
MAX_REMEMBERED: Final = 50

_RESUMABLE: Final = (
    OutgoingState.WAITING,
    OutgoingState.ANNOUNCED,
    OutgoingState.READY,
    OutgoingState.ACTIVE,
)


class Transfers(LinkFeature):
    """Passes each event to its transfer, and decides whose turn it is."""

    word = st.FILES
    readers = file_msg.FILE_READERS
    channel_prefix = _STREAM
    events = frozenset(
        {*get_args(file_ev.FileIntent), *get_args(file_ev.DiskEvent), file_ev.FileTimer.STALL}
    )

    def __init__(
        self,
        token_bytes: Callable[[int], bytes],
        policy: file_ev.AcceptPolicy | None = None,
        policy_of: Callable[[ev.LinkID], file_ev.AcceptPolicy | None] = lambda link: None,
    ) -> None:
        """`policy_of` says how the files of a link are treated where that differs from `policy`."""
        self._token_bytes = token_bytes
        self._policy = policy or file_ev.AcceptPolicy()
        self._policy_of = policy_of
        self._peers_linked: dict[ev.LinkID, PeerLink] = {}
        # Tags that peers sent and that match no transfer, or not yet.
        self._named: dict[ev.LinkID, tuple[bytes, ...]] = {}
        # Links whose announcements are accepted without asking, with the directory to save to.
        self._always: dict[ev.LinkID, str | None] = {}
        # The same for links that were lost, which may be resumed.
        self._lost_always: dict[ev.LinkID, str | None] = {}
        self._outgoing: dict[TransferID, Outgoing] = {}
        # Transfers that are listed but not announced, because an earlier one may continue instead.
        self._waiting_lists: dict[TransferID, file_ev.SourcesListed] = {}
        self._incoming: dict[TransferID, Incoming] = {}
        self._refusals = Refusals()
        # Incoming transfers that their senders forget with the session, once a link of theirs was
        # lost, and the last link of the session. A timer runs while that link is down.
        self._leaving: dict[TransferID, ev.LinkID] = {}

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle what a person wants, what the disk answers, or the end of a transfer's timer."""
        if isinstance(event, file_ev.DiskEvent):
            return self._disk(event, now)
        if isinstance(event, file_ev.FileIntent):
            return self._intent(event, now)
        # `events` lists no other events.
        assert isinstance(event, ev.TimerFired)
        return self._timer(event, now)

    # --- what a person wants ----------------------------------------------------------------------

    def _intent(self, event: file_ev.FileIntent, now: float) -> list[do.Command]:
        match event:
            case file_ev.SendPaths(link, paths):
                return self._send(link, paths)
            case file_ev.AcceptTransfer(transfer):
                incoming = self._incoming.get(transfer)
                if incoming is None or incoming.state is not IncomingState.ASKED:
                    return [do.publish_trouble(Reason.TRANSFER_GONE)]
                if event.always and incoming.peer_link is not None:
                    self._always[incoming.peer_link.id] = event.directory
                return self._to_incoming(incoming, event, now)
            case file_ev.CancelTransfer(transfer):
                return self._cancel(event, now)
            case _:
                return self._retry(event.transfer)

    def _send(self, link: ev.LinkID, paths: tuple[str, ...]) -> list[do.Command]:
        peer_link = self._peers_linked.get(link)
        if peer_link is None:
            return [do.publish_trouble(Reason.FILES_UNSUPPORTED, link)]
        if not paths:
            return [do.publish_trouble(Reason.NOTHING_TO_SEND, link)]
        outgoing = Outgoing(self._new_id(), peer_link, paths)
        self._outgoing[outgoing.id] = outgoing
        return outgoing.start()

    def _cancel(self, event: file_ev.CancelTransfer, now: float) -> list[do.Command]:
        outgoing, incoming = self._outgoing.get(event.transfer), self._incoming.get(event.transfer)
        if outgoing is not None and outgoing.state is not OutgoingState.OVER:
            self._waiting_lists.pop(outgoing.id, None)
            return self._to_outgoing(outgoing, event, now)
        if incoming is not None and incoming.alive:
            return self._to_incoming(incoming, event, now)
        return [do.publish_trouble(Reason.TRANSFER_GONE)]

    def _retry(self, transfer: TransferID) -> list[do.Command]:
        failed = self._outgoing.get(transfer)
        if failed is None or failed.state is not OutgoingState.OVER or not failed.paths:
            return [do.publish_trouble(Reason.TRANSFER_GONE)]
        peer_link = self._peer_again(failed)
        if peer_link is None:
            return [do.publish_trouble(Reason.NOT_CONNECTED)]
        only: tuple[str, ...] | None = None
        # The files that arrived have their names already, so the failed ones are another transfer.
        if failed.status.state is file_st.TransferState.DONE:
            only = tuple(failed.status.entries[one.index].path for one in failed.status.failed)
            if not only:
                return [do.publish_trouble(Reason.NOTHING_TO_SEND)]
        # The retry keeps its id where possible, because the receiver may still have a part. It gets
        # a new id on another link, because the id is a secret of the two ends, and if the transfer
        # was ended here, because late messages about the old one would be taken for its own.
        own = only is None and not failed.ended_here and peer_link.id == failed.status.link
        again = Outgoing(transfer if own else self._new_id(), peer_link, failed.paths)
        self._outgoing[again.id] = again
        return again.start(only)

    def _peer_again(self, failed: Outgoing) -> PeerLink | None:
        """Find the link for a retry: the transfer's own link, or else the only one.

        The only link counts if its peer is proved and has the name of the transfer's peer.
        """
        peer_link = (
            None if failed.status.link is None else self._peers_linked.get(failed.status.link)
        )
        if peer_link is None and len(self._peers_linked) == 1:
            (peer_link,) = self._peers_linked.values()
            same = bool(peer_link.binding) and peer_link.peer_name == failed.status.peer_name
            peer_link = peer_link if same else None
        return peer_link

    def _new_id(self) -> TransferID:
        return TransferID(to_base64url(self._token_bytes(TRANSFER_ID_BYTES)))

    # --- what the disk answers --------------------------------------------------------------------

    def _disk(self, event: file_ev.DiskEvent, now: float) -> list[do.Command]:
        """Pass the disk's answer to its transfer; an answer for one that is forgotten is stale."""
        if isinstance(event, file_ev.TransfersFound):
            return self._found(event, now)
        if isinstance(event, file_ev.SourcesListed | file_ev.SourcesFailed | file_ev.SendingFailed):
            outgoing = self._outgoing.get(event.transfer)
            if outgoing is None or outgoing.state is OutgoingState.OVER:
                return (
                    [file_do.StopSending(event.transfer, forget=True)]
                    if isinstance(event, file_ev.SourcesListed)
                    else []
                )
            if isinstance(event, file_ev.SourcesListed):
                return self._listed(outgoing, event, now)
            return self._to_outgoing(outgoing, event, now)
        incoming = self._incoming.get(event.transfer)
        return [] if incoming is None else self._to_incoming(incoming, event, now)

    def _listed(self, new: Outgoing, event: file_ev.SourcesListed, now: float) -> list[do.Command]:
        """Announce a listed transfer, unless an earlier transfer of the same files continues
        instead.

        The peer may have a part of the earlier one, and the person wants one copy.
        """
        first = self._waiting_lists.pop(new.id, None) is None
        wanted = digest(event.entries)
        begun = [
            one
            for one in self._outgoing.values()
            if one is not new and digest(one.status.entries) == wanted
        ]
        link = new.status.link
        if link is not None and any(one.resumed and _is_on(one, link) for one in begun):
            return self._give_way(new)
        timer = _timer_of(new)
        # Without a proof nothing is resumed.
        may_ask = first and new.peer_link is not None and new.peer_link.binding
        if may_ask and any(one.state is OutgoingState.WAITING for one in begun):
            # The peer may be about to ask for the earlier transfer.
            self._waiting_lists[new.id] = event
            return [do.SetTimer(timer, RESUME_GRACE_SECONDS)]
        return [do.CancelTimer(timer), *self._to_outgoing(new, event, now)]

    def _give_way(self, new: Outgoing) -> list[do.Command]:
        """Forget the new transfer, which was not published yet.

        The transfers that continue on its link are published again.
        """
        del self._outgoing[new.id]
        link = new.status.link
        others = [
            do.Publish(one.status)
            for one in self._outgoing.values()
            if one.resumed and one.status.link == link
        ]
        return [
            do.CancelTimer(_timer_of(new)),
            file_do.StopSending(new.id, forget=True),
            *others,
        ]

    def _found(self, event: file_ev.TransfersFound, now: float) -> list[do.Command]:
        commands: list[do.Command] = []
        incoming: list[Incoming] = []
        for one in event.transfers:
            if one.transfer in self._outgoing or one.transfer in self._incoming:
                # The peer or a person acted before the disk answered.
                continue
            if one.direction is Direction.OUT:
                self._outgoing[one.transfer] = Outgoing.found(
                    one.transfer, one.entries, one.peer_name
                )
                commands.append(do.Publish(self._outgoing[one.transfer].status))
            else:
                self._incoming[one.transfer] = Incoming.found(
                    one.transfer, one.entries, one.peer_name, self._refusals
                )
                commands.append(do.Publish(self._incoming[one.transfer].status))
                incoming.append(self._incoming[one.transfer])
        # These peers were linked before the disk answered.
        for peer_link in self._peers_linked.values():
            commands += self._name(incoming, peer_link)
            commands += self._resume(peer_link, self._named.pop(peer_link.id, ()), now)
        return commands

    def _timer(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # `events` lists no other timers.
        assert isinstance(event.timer, file_ev.TransferTimer)
        transfer = event.timer.scope
        if transfer in self._leaving:
            return self._sender_gone(self._incoming[transfer], now)
        # The end of an outgoing transfer cancels its timer, so the transfer is not over.
        outgoing = self._outgoing[transfer]
        return self._to_outgoing(outgoing, self._waiting_lists.pop(outgoing.id, event), now)

    # --- what the link reports --------------------------------------------------------------------

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        """Register a linked peer whose hello announced support for files."""
        self._peers_linked[link.id] = link
        lost = link.resumes
        if lost is not None:
            # People see the two as one link, and so do a retry and what was accepted for always.
            if lost in self._lost_always:
                self._always[link.id] = self._lost_always.pop(lost)
            for outgoing in self._outgoing.values():
                if outgoing.state is OutgoingState.OVER and outgoing.status.link == lost:
                    outgoing.status = replace(outgoing.status, link=link.id)
        commands: list[do.Command] = []
        for transfer in [one for one, last in self._leaving.items() if last == lost]:
            # The session goes on.
            self._leaving[transfer] = link.id
            commands.append(do.CancelTimer(_timer_of(self._incoming[transfer])))
        return [*commands, *self._name(list(self._incoming.values()), link)]

    def _name(self, known: list[Incoming], peer_link: PeerLink) -> list[do.Command]:
        """Send the tags of the transfers that the sender should continue, or whose end it may not
        know.

        Any other peer cannot tell what the tags mean.
        """
        # Without a proof the peer may be anybody, and could pass the tags on.
        if not peer_link.binding:
            return []
        named = [one for one in known if one.state is IncomingState.WAITING or one.unacknowledged]
        tags = [resume_tag(one.id, peer_link.binding) for one in named]
        pieces = [
            tuple(tags[start : start + file_msg.MAX_TAGS])
            for start in range(0, len(tags), file_msg.MAX_TAGS)
        ]
        return [peer_link.send(file_msg.Resume(piece)) for piece in pieces]

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        """Handle the end of a link; its transfers wait for the same peer."""
        may_resume = reason is Reason.PEER_VANISHED and self._peers_linked[link].binding
        del self._peers_linked[link]
        if link in self._always:
            self._lost_always[link] = self._always.pop(link)
        self._refusals.forget(link)
        self._named.pop(link, None)
        commands: list[do.Command] = []
        for outgoing in list(self._outgoing.values()):
            if _is_on(outgoing, link):
                commands += self._to_outgoing(outgoing, file_ev.LinkDown(), now)
                # There is no peer to wait for any more, so the transfer fails with NOT_CONNECTED.
                if outgoing.id in self._waiting_lists:
                    commands += self._listed(outgoing, self._waiting_lists[outgoing.id], now)
        lost = [
            one
            for one in self._incoming.values()
            if link in (one.status.link, self._leaving.get(one.id)) or _is_on(one, link)
        ]
        # The sender may have come back before the loss was noticed here.
        successor = next(
            (one.id for one in self._peers_linked.values() if one.resumes == link), None
        )
        for incoming in lost:
            if _is_on(incoming, link):
                commands += self._to_incoming(incoming, file_ev.LinkDown(), now)
            elif incoming.state is IncomingState.OVER:
                incoming.link_lost(now)
            if incoming.session_only and incoming.may_have_parts:
                if successor is not None:
                    self._leaving[incoming.id] = successor
                elif may_resume:
                    self._leaving[incoming.id] = link
                    commands.append(do.SetTimer(_timer_of(incoming), SESSION_GRACE_SECONDS))
                else:
                    commands += self._sender_gone(incoming, now)
        for peer_link in self._peers_linked.values():
            commands += self._name(lost, peer_link)
        return commands

    def lane_changed(self, link: ev.LinkID, now: float) -> list[do.Command]:
        """Handle a link's lane that opened, broke or was given up."""
        commands: list[do.Command] = []
        for incoming in list(self._incoming.values()):
            if _is_on(incoming, link):
                commands += self._to_incoming(incoming, file_ev.LaneChanged(), now)
        for outgoing in list(self._outgoing.values()):
            if _is_on(outgoing, link) and outgoing.state is OutgoingState.ACTIVE:
                commands += self._to_outgoing(outgoing, file_ev.LaneChanged(), now)
        return [*commands, *self._give_turns(link, now)]

    def channel_opened(
        self, link: ev.LinkID, channel: int, label: str, now: float
    ) -> list[do.Command] | None:
        """Pass a new data channel (not `control`) to its transfer; None if no transfer
        accepts it.
        """
        match = STREAM_LABEL.fullmatch(label)
        incoming = None if match is None else self._incoming.get(TransferID(match["transfer"]))
        if match is None or incoming is None or not _is_on(incoming, link):
            return None
        if incoming.state not in (IncomingState.ACTIVE, IncomingState.PAUSED):
            return None
        return self._to_incoming(
            incoming, file_ev.StreamOpened(channel, int(match["generation"])), now
        )

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        """Handle the peer's message about files.

        Raises MessageError for a message that the peer may not send.
        """
        # `readers` makes no other messages.
        assert isinstance(message, file_msg.FileMessage)
        match message:
            case file_msg.Announce():
                return self._announced(link, message, now)
            case file_msg.Resume(tags):
                return self._resume(link, tags, now)
            case file_msg.Cancel():
                return self._cancelled(link, message, now)
            case _:
                return self._answered(link, message, now)

    def _answered(
        self,
        peer_link: PeerLink,
        message: file_msg.Accept | file_msg.Continue | file_msg.Progress | file_msg.Finished,
        now: float,
    ) -> list[do.Command]:
        """Pass a receiver's message to its transfer, or a sender's `continue` to the receiver's."""
        outgoing = self._outgoing.get(message.transfer)
        if outgoing is not None and _is_on(outgoing, peer_link.id):
            return self._to_outgoing(outgoing, message, now)
        incoming = self._incoming.get(message.transfer)
        if (
            isinstance(message, file_msg.Continue)
            and incoming is not None
            and _is_on(incoming, peer_link.id)
        ):
            return self._to_incoming(incoming, message, now)
        # The message is about a transfer that was ended here, so it is stale.
        return []

    def _cancelled(
        self, peer_link: PeerLink, message: file_msg.Cancel, now: float
    ) -> list[do.Command]:
        outgoing, incoming = (
            self._outgoing.get(message.transfer),
            self._incoming.get(message.transfer),
        )
        if outgoing is not None and _is_on(outgoing, peer_link.id):
            return self._to_outgoing(outgoing, message, now)
        # A waiting transfer is on no link. A peer that knows its id is the peer that it was begun
        # with.
        if incoming is not None and (
            _is_on(incoming, peer_link.id) or incoming.state is IncomingState.WAITING
        ):
            return self._to_incoming(incoming, message, now)
        return []

    def _announced(
        self, peer_link: PeerLink, message: file_msg.Announce, now: float
    ) -> list[do.Command]:
        if not TRANSFER_ID.fullmatch(message.transfer) or message.transfer in self._outgoing:
            raise MessageError(Reason.BAD_MESSAGE, "transferID")
        if self._refusals.cover(peer_link.id, message):
            return []
        incoming = self._incoming.get(message.transfer)
        closing: list[do.Command] = []
        begins = incoming is None or not (
            incoming.state is IncomingState.ARRIVING and _is_on(incoming, peer_link.id)
        )
        if incoming is not None and begins and _is_on(incoming, peer_link.id):
            raise MessageError(Reason.NOT_ALLOWED, "announced twice")
        new = incoming is None or (incoming.state is IncomingState.OVER and not incoming.accepted)
        if begins and not self._has_room(peer_link.id, new=new):
            return self._too_many(peer_link, message)
        if incoming is None:
            incoming = Incoming(message.transfer, peer_link, self._refusals)
            self._incoming[message.transfer] = incoming
        elif begins:
            # A name proves nothing, so without a proof the person is asked again.
            incoming.accepted = incoming.accepted and bool(peer_link.binding)
            # A peer that knows its name is the peer that it was begun with.
            closing = incoming.announced_again(peer_link)
        policy = self._policy_of(peer_link.id) or self._policy
        incoming.needs_answer = not (policy.without_asking or peer_link.id in self._always)
        commands = [*closing, *self._to_incoming(incoming, message, now), *peer_link.want_lane()]
        if incoming.state is IncomingState.ASKED and not incoming.needs_answer:
            directory = self._always.get(peer_link.id, policy.directory)
            accept = file_ev.AcceptTransfer(incoming.id, directory=directory)
            commands += self._to_incoming(incoming, accept, now)
        return commands

    def _has_room(self, link: ev.LinkID, *, new: bool) -> bool:
        """Whether one more transfer may begin on this link; `new` if it has not been accepted."""
        alive = [one for one in self._incoming.values() if one.state is not IncomingState.OVER]
        unfinished = [one.state for one in alive if _is_on(one, link)]
        undecided = sum(
            1 for state in unfinished if state in (IncomingState.ARRIVING, IncomingState.ASKED)
        )
        if len(unfinished) >= MAX_UNFINISHED:
            return False
        return not new or (undecided < MAX_UNDECIDED and len(alive) < MAX_ALIVE)

    def _too_many(self, peer_link: PeerLink, message: file_msg.Announce) -> list[do.Command]:
        if message.more:
            self._refusals.add(peer_link.id, message.transfer)
        return [peer_link.send(file_msg.Cancel(message.transfer, Reason.TOO_MANY_TRANSFERS.value))]

    def _resume(self, peer_link: PeerLink, tags: tuple[bytes, ...], now: float) -> list[do.Command]:
        if not peer_link.binding:
            return []
        known = {resume_tag(one.id, peer_link.binding): one for one in self._outgoing.values()}
        commands: list[do.Command] = []
        for tag in dict.fromkeys(tags):
            outgoing = known.get(tag)
            if outgoing is None:
                self._named[peer_link.id] = (*self._named.get(peer_link.id, ()), tag)[
                    : file_msg.MAX_TAGS
                ]
            if outgoing is None or _is_on(outgoing, peer_link.id):
                continue
            if outgoing.state in _RESUMABLE:
                commands += self._to_outgoing(outgoing, file_ev.LinkUp(peer_link), now)
            elif outgoing.ended_here:
                # The earlier notice was sent on a link that was dying, so it is repeated.
                reason = outgoing.status.reason or Reason.CANCELLED
                commands.append(peer_link.send(file_msg.Cancel(outgoing.id, reason.value)))
        for new in [
            self._outgoing[one]
            for one in self._waiting_lists
            if _is_on(self._outgoing[one], peer_link.id)
        ]:
            commands += self._listed(new, self._waiting_lists[new.id], now)
        return commands

    # --- to the transfers -------------------------------------------------------------------------

    def _to_outgoing(
        self, outgoing: Outgoing, event: file_ev.OutgoingInput, now: float
    ) -> list[do.Command]:
        link = outgoing.status.link
        commands = outgoing.handle(event, now)
        self._forget_oldest()
        return [*commands, *([] if link is None else self._give_turns(link, now))]

    def _to_incoming(
        self, incoming: Incoming, event: file_ev.IncomingInput, now: float
    ) -> list[do.Command]:
        peer_link = incoming.peer_link
        commands = incoming.handle(event, now)
        if incoming.arrived and peer_link is not None and peer_link.binding:
            commands += self._drop_other_tries(incoming, now)
        commands += self._stay(incoming)
        self._forget_oldest()
        return commands

    def _drop_other_tries(self, arrived: Incoming, now: float) -> list[do.Command]:
        """Remove what other tries of the same files left on the disk: nobody will continue them.

        They are those from a peer of the same name. A name proves nothing, so this is for peers
        that know the code.
        """
        same = digest(arrived.status.entries)
        commands: list[do.Command] = []
        for one in list(self._incoming.values()):
            if one is arrived or one.status.peer_name != arrived.status.peer_name:
                continue
            if one.may_have_parts and digest(one.status.entries) == same:
                waits = one.state is IncomingState.WAITING
                cancel = file_ev.CancelTransfer(one.id)
                commands += one.handle(cancel, now) if waits else one.drop_parts()
                commands += self._stay(one)
        return commands

    def _stay(self, incoming: Incoming) -> list[do.Command]:
        """Cancel the timer of a transfer that waits for its sender no more."""
        if incoming.id not in self._leaving or incoming.may_have_parts:
            return []
        del self._leaving[incoming.id]
        return [do.CancelTimer(_timer_of(incoming))]

    def _sender_gone(self, incoming: Incoming, now: float) -> list[do.Command]:
        """Remove what the disk keeps of a transfer whose session is over."""
        self._leaving.pop(incoming.id, None)
        waits = incoming.state is IncomingState.WAITING
        return incoming.handle(file_ev.SenderGone(), now) if waits else incoming.drop_parts()

    def _give_turns(self, link: ev.LinkID, now: float) -> list[do.Command]:
        """Start the transfers that are ready, in their order, up to the limit of moving ones."""
        peer_link = self._peers_linked.get(link)
        if peer_link is None or peer_link.lane_pending:
            return []
        own = [one for one in self._outgoing.values() if _is_on(one, link)]
        moving = sum(1 for one in own if one.state is OutgoingState.ACTIVE)
        ready = [one for one in own if one.state is OutgoingState.READY][: MAX_MOVING - moving]
        return [command for one in ready for command in one.handle(file_ev.Turn(), now)]

    def _forget_oldest(self) -> None:
        """Forget the transfers that ended long ago."""
        over = [one for one in self._outgoing.values() if one.state is OutgoingState.OVER]
        for outgoing in over[:-MAX_REMEMBERED]:
            del self._outgoing[outgoing.id]
        done = [
            one
            for one in self._incoming.values()
            if one.state is IncomingState.OVER and one.id not in self._leaving
        ]
        # A transfer that nobody accepted is of no use any more, and its list may be long.
        kept = [one for one in done if one.accepted or one.unacknowledged]
        for incoming in {*done} - {*kept[-MAX_REMEMBERED:]}:
            del self._incoming[incoming.id]


def stream_label(transfer: TransferID, generation: int) -> str:
    """Return the label of the data channel of a stream, which STREAM_LABEL reads."""
    return f"{_STREAM}/{transfer}/{generation}"


def _timer_of(one: Outgoing | Incoming) -> ev.Timer:
    return file_ev.TransferTimer(file_ev.FileTimer.STALL, one.id)


def _is_on(one: Outgoing | Incoming, link: ev.LinkID) -> bool:
    return one.peer_link is not None and one.peer_link.id == link
