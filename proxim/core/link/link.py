"""One link, from the first peer to its end: opening, greeting, text, heartbeat, goodbye.

The same for host and guest.

```
          open()                 ChannelOpened
  IDLE ------------> OPENING ------------------> OPEN
    |                   |  PeerFailed, 15 s       |  bye, silence, PeerFailed, close()
    +-------------------+------------> CLOSED <---+
```
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from proxim.core.commands import CancelTimer, Command, Publish, SetTimer
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import LinkID, SendText, Timer, TimerFired, TimerName
from proxim.core.files.messages import FileMessage, OfferLane
from proxim.core.files.transfers import Transfers
from proxim.core.json_text import MessageError
from proxim.core.link.commands import ClosePeer, ExpectLane, OpenPeer, SendOnChannel
from proxim.core.link.events import (
    CONTROL_LABEL,
    LANE_CHANNEL,
    ChannelClosed,
    ChannelMessage,
    ChannelOpened,
    LaneLost,
    LaneOpened,
    PeerFailed,
)
from proxim.core.link.lane import LanePolicy, LaneTerms, proved_secret
from proxim.core.link.messages import (
    Bye,
    Hello,
    LinkMessage,
    Ping,
    TextPiece,
    TextPieces,
    Unsupported,
    cut_text,
    dump_link_message,
    parse_link_message,
    text_to_send,
)
from proxim.core.pairing.proof import ProofKeys
from proxim.core.sanitize import display_name
from proxim.core.status import LinkStatus, Stage, TextReceived, TextSent, Trouble, Via

# On a LAN it takes under 1 s, ICE with loss some 5 s
OPEN_SECONDS: Final = 15.0
# With SILENCE_SECONDS: silence is noticed after 4.5 to 5.5 s, so within 6
HEARTBEAT_SECONDS: Final = 1.0
# Longer than SCTP's first retransmissions (RTO 1 s, then 2 s: RFC 9260, 6.3)
SILENCE_SECONDS: Final = 4.5
# What a peer may send that we cannot read before the link ends
MAX_STRANGE_MESSAGES: Final = 8

# The reasons for which a peer may say goodbye; any other becomes PEER_LEFT.
_BYE_REASONS: Final = {
    reason.value: reason for reason in (Reason.EXPIRED, Reason.CLOSED, Reason.TAMPERED)
}


class LinkState(Enum):
    """Where a link is."""

    IDLE = "idle"
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


LinkInput = (
    ChannelOpened
    | ChannelMessage
    | ChannelClosed
    | PeerFailed
    | LaneOpened
    | LaneLost
    | SendText
    | TimerFired
)


class Link:
    """One link, as a state machine.

    `status` is what people are told of it; `state` is for its owner.
    """

    def __init__(self, status: LinkStatus, own_name: str, transfers: Transfers) -> None:
        self.status = status
        self.state = LinkState.IDLE
        self._own_name = own_name
        self._transfers = transfers
        self._lane = LanePolicy(status.link, LaneTerms(), transfers.token_bytes)
        self._binding = b""
        self._peer_knows_lanes = False
        # Why WebRTC found no way, while the lane may still carry the link
        self._failure: Reason | None = None
        self._now = 0.0
        self._control: int | None = None
        self._pieces = TextPieces()
        self._strange = 0
        self._peer_pings = False
        self._last_received = 0.0
        self._ticked = 0.0

    @property
    def id(self) -> LinkID:
        """Its identity in events and commands."""
        return self.status.link

    # --- for transfers (PeerLink in core/files/events.py) ---------------------------------------

    @property
    def peer_name(self) -> str | None:
        """The peer's name, fit to show."""
        return self.status.peer_name

    @property
    def binding(self) -> bytes:
        """What both ends know and no other link has; empty where nothing was proved."""
        return self._binding

    @property
    def lane_open(self) -> bool:
        """Whether bytes can take the lane."""
        return self._lane.open

    @property
    def lane_beside(self) -> bool:
        """Whether the link would go on without its lane."""
        return self._control != LANE_CHANNEL

    @property
    def lane_pending(self) -> bool:
        """Whether the lane may open in a moment."""
        return self._lane.pending

    def say(self, message: LinkMessage) -> Command:
        """The command that says it to the peer."""
        # Its callers have looked
        assert self._control is not None
        return SendOnChannel(self.id, self._control, dump_link_message(message))

    def want_lane(self) -> list[Command]:
        """Open the lane, if it is not open yet and the peer knows of lanes."""
        return self._offered(self._lane.want()) if self._peer_knows_lanes else []

    # --- for the owner ----------------------------------------------------------------------------

    def publish(self, **changes: Any) -> Command:
        """Change what people are told of this link."""
        self.status = replace(self.status, **changes)
        return Publish(self.status)

    def open(
        self, *, offerer: bool, keys: ProofKeys | None, lane_url: str | None = None
    ) -> list[Command]:
        """Start the peer.

        `keys`: of the proof, where there was one; `lane_url`: where a guest's lanes go.
        """
        if self.state is not LinkState.IDLE:
            raise MachineMisuseError(f"open in {self.state}")
        self.state = LinkState.OPENING
        self._lane = LanePolicy(
            self.id, LaneTerms(lane_url, proved_secret(keys)), self._transfers.token_bytes
        )
        self._binding = b"" if keys is None else keys.key("link")
        opening: list[Command] = [
            OpenPeer(self.id, offerer),
            SetTimer(self._timer(TimerName.LINK_OPEN), OPEN_SECONDS),
        ]
        return [*opening, *self._lane.prepare()]

    def handle(self, event: LinkInput, now: float) -> list[Command]:
        """Take one event; look at `state` afterwards."""
        kind = event.timer.name if isinstance(event, TimerFired) else type(event)
        transition = _TRANSITIONS.get((self.state, kind))
        if transition is None:
            raise MachineMisuseError(f"{kind} in {self.state}")
        self._now = now
        return transition(self, event, now)

    def close(self, reason: Reason, bye: Reason | None = None) -> list[Command]:
        """End it, telling the peer `bye` where it can still be told."""
        if self.state is LinkState.CLOSED:
            raise MachineMisuseError("closed twice")
        peer_exists = self.state is not LinkState.IDLE
        left = self._transfers.link_down(self.id, self._now) if peer_exists else []
        farewell = (
            [self.say(Bye(bye.value))] if bye is not None and self._control is not None else []
        )
        # Then the peer is closed since
        carried = self._control == LANE_CHANNEL
        self.state = LinkState.CLOSED
        self._control = None
        self._pieces.clear()
        ending: list[Command] = []
        if peer_exists:
            ending = [
                CancelTimer(self._timer(TimerName.LINK_OPEN)),
                CancelTimer(self._timer(TimerName.HEARTBEAT)),
                *([] if carried else [ClosePeer(self.id, said_bye=bool(farewell))]),
                *self._lane.close(),
            ]
        published = self.publish(
            stage=Stage.CLOSED, reason=reason, can_text=False, can_send_files=False, deadline=None
        )
        return [*left, *farewell, *ending, published]

    # --- transitions ------------------------------------------------------------------------------

    def _first_channel(self, event: ChannelOpened, now: float) -> list[Command]:
        opened = self._opened(now)
        return [
            *opened,
            *(self._lane.not_needed() if self._lane.can_carry_link else []),
            *self._channel(event, now),
            *([] if self.status.can_text else [Publish(self.status)]),
        ]

    def _opened(self, now: float) -> list[Command]:
        self.state = LinkState.OPEN
        self._last_received = self._ticked = now
        self.status = replace(self.status, stage=Stage.CONNECTED, was_connected=True)
        return [
            CancelTimer(self._timer(TimerName.LINK_OPEN)),
            SetTimer(self._timer(TimerName.HEARTBEAT), HEARTBEAT_SECONDS),
        ]

    def _channel(self, event: ChannelOpened, now: float) -> list[Command]:
        if event.label == CONTROL_LABEL and self._control is None:
            self._control = event.channel
            return [self.say(Hello(self._own_name)), self.publish(can_text=True)]
        if self._control == LANE_CHANNEL:
            return []
        handled = self._transfers.channel_opened(self.id, event.channel, event.label, now)
        if handled is not None:
            return handled
        unsupported = dump_link_message(Unsupported("channel"))
        return [SendOnChannel(self.id, event.channel, unsupported)]

    def _channel_closed(self, event: ChannelClosed, now: float) -> list[Command]:
        return self._broken(Reason.PEER_LEFT, now) if event.channel == self._control else []

    def _open_timeout(self, event: TimerFired, now: float) -> list[Command]:
        # An owner that knows better (no offer came) closes with its own reason before this fires.
        return self.close(self._failure or Reason.LINK_TIMEOUT)

    def _failed(self, event: PeerFailed, now: float) -> list[Command]:
        # On whatever way it misbehaves, and be it the lane
        if event.reason is Reason.PEER_ERROR:
            return self.close(event.reason)
        return self._broken(event.reason, now)

    def _broken(self, reason: Reason, now: float) -> list[Command]:
        """WebRTC is over; where the guest has a lane open for the link, it is because the guest
        took that.
        """
        if self._control == LANE_CHANNEL:
            # Of the peer that was closed for the lane; it crossed
            return []
        if reason is Reason.PEER_LEFT and self._peer_pings:
            # Who greets says goodbye, too; a page that is loaded again cannot
            reason = Reason.PEER_VANISHED
        return self._carry_link(now) if self._lane.carrier else self.close(reason)

    # --- the lane ---------------------------------------------------------------------------------

    def _no_way(self, event: PeerFailed, now: float) -> list[Command]:
        """WebRTC cannot open; where the peer proved itself, a lane may still carry the link."""
        if (
            self._lane.carrier
            or event.reason is not Reason.ICE_FAILED
            or not self._lane.can_carry_link
        ):
            return self._broken(event.reason, now)
        self._failure = event.reason
        return self._lane.dial_for_link()

    def _fall_back(self, event: TimerFired, now: float) -> list[Command]:
        return self._lane.dial_for_link()

    def _carry_link(self, now: float) -> list[Command]:
        """From now on everything goes over the lane; the other side does the same."""
        was_open = self.state is LinkState.OPEN
        opened = [*([] if was_open else self._opened(now)), *self._lane.opened()]
        self._control = LANE_CHANNEL
        published = self.publish(can_text=True, via=Via.LANE)
        changed = self._transfers.lane_changed(self.id, now) if was_open else []
        return [*opened, ClosePeer(self.id), self.say(Hello(self._own_name)), published, *changed]

    def _lane_opened(self, event: LaneOpened, now: float) -> list[Command]:
        opening = self.state is LinkState.OPENING
        if event.carries_link:
            return self._carry_link(now) if self._lane.carrier_opened(still_wanted=opening) else []
        if opening:
            # Of no use without a link that it could be beside
            return []
        return [*self._lane.opened(), *self._transfers.lane_changed(self.id, now)]

    def _no_lane(self, event: LaneLost, now: float) -> list[Command]:
        self._lane.carrier_lost()
        return [] if self._failure is None else self.close(self._failure)

    def _lane_lost(self, event: LaneLost, now: float) -> list[Command]:
        if self._control == LANE_CHANNEL:
            return self.close(Reason.PEER_VANISHED)
        # The guest found the other way, and hung up
        if self._lane.carrier:
            self._lane.carrier_lost()
            return []
        return [*self._lane.lost(), *self._transfers.lane_changed(self.id, now)]

    def _lane_waited(self, event: TimerFired, now: float) -> list[Command]:
        return [*self._offered(self._lane.waited()), *self._transfers.lane_changed(self.id, now)]

    def _offered(self, commands: list[Command]) -> list[Command]:
        """Say what the host's lane expects; it must expect it before the guest hears of it."""
        offer = self._lane.offer() if any(isinstance(one, ExpectLane) for one in commands) else None
        return commands if offer is None else [*commands, self.say(offer)]

    def _first_word(self, event: ChannelMessage, now: float) -> list[Command]:
        if event.channel != LANE_CHANNEL:
            raise MachineMisuseError("a message before its channel")
        return self._message(event, now)

    def _message(self, event: ChannelMessage, now: float) -> list[Command]:
        # The guest's first word on a lane that can carry the link says that the guest found no
        # other way.
        handled = (
            self._carry_link(now) if event.channel == LANE_CHANNEL and self._lane.carrier else []
        )
        self._last_received = now
        if event.channel != self._control:
            # A channel that was told `unsupported` already, or a lane on which nothing is to be
            # said
            return []
        try:
            message = parse_link_message(event.text)
        except MessageError as error:
            return [*handled, *self._strange_message(error)]
        return [*handled, *self._understood(message, now)]

    def _understood(self, message: LinkMessage, now: float) -> list[Command]:
        match message:
            case Hello():
                return self._greeted(message, now)
            case TextPiece():
                return self._text_piece(message)
            case Bye(reason):
                return self.close(_BYE_REASONS.get(reason or "", Reason.PEER_LEFT))
            case Ping() | Unsupported():
                # Heard, and never answered
                return []
            case _:
                return self._file_message(message, now)

    def _greeted(self, hello: Hello, now: float) -> list[Command]:
        self._peer_pings = True
        commands: list[Command] = []
        # Else the name that was approved, or greeted with first, stays
        if self.status.peer_name is None:
            commands.append(self.publish(peer_name=display_name(hello.name)))
        if "files" in hello.features and not self.status.can_send_files:
            self._peer_knows_lanes = "lane" in hello.features
            commands += [self.publish(can_send_files=True), *self._transfers.link_up(self, now)]
        return commands

    def _file_message(self, message: FileMessage, now: float) -> list[Command]:
        try:
            if not self.status.can_send_files:
                raise MessageError(Reason.NOT_ALLOWED, "files before hello")
            if not isinstance(message, OfferLane):
                return self._transfers.message(self, message, now)
            dialled = self._lane.offered(message)
            if dialled is None:
                raise MessageError(Reason.NOT_ALLOWED, "lane")
            return dialled
        except MessageError as error:
            return self._strange_message(error)

    def _strange_message(self, error: MessageError) -> list[Command]:
        self._strange += 1
        if self._strange > MAX_STRANGE_MESSAGES:
            return self.close(Reason.PEER_ERROR, bye=Reason.PEER_ERROR)
        what = error.problem.detail if error.reason is Reason.UNKNOWN_TYPE else error.reason.value
        return [self.say(Unsupported(what))]

    def _text_piece(self, piece: TextPiece) -> list[Command]:
        try:
            whole = self._pieces.add(piece)
        except MessageError:
            return self.close(Reason.PEER_ERROR, bye=Reason.PEER_ERROR)
        return [] if whole is None else [Publish(TextReceived(self.id, whole))]

    def _send_text(self, event: SendText, now: float) -> list[Command]:
        if self._control is None:
            return [Publish(Trouble(Problem(Reason.UNSUPPORTED), self.id))]
        text = text_to_send(event.text)
        if text is None:
            return [Publish(Trouble(Problem(Reason.TEXT_TOO_LONG), self.id))]
        pieces = [self.say(piece) for piece in cut_text(text)]
        return [*pieces, Publish(TextSent(self.id, text))]

    def _text_without_link(self, event: SendText, now: float) -> list[Command]:
        return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), self.id))]

    def _heartbeat(self, event: TimerFired, now: float) -> list[Command]:
        if now - self._ticked > 2 * HEARTBEAT_SECONDS:
            # It was this program that slept; what the peer said meanwhile still waits in the queue
            self._last_received = now
        self._ticked = now
        if self._peer_pings and now - self._last_received >= SILENCE_SECONDS:
            return self.close(Reason.PEER_VANISHED)
        rearm = SetTimer(self._timer(TimerName.HEARTBEAT), HEARTBEAT_SECONDS)
        return [rearm] if self._control is None else [self.say(Ping()), rearm]

    def _timer(self, name: TimerName) -> Timer:
        return Timer(name, self.id)


_Transition = Callable[[Link, Any, float], list[Command]]

_TRANSITIONS: Final[dict[tuple[LinkState, type | TimerName], _Transition]] = {
    (LinkState.IDLE, SendText): Link._text_without_link,
    (LinkState.OPENING, ChannelOpened): Link._first_channel,
    (LinkState.OPENING, PeerFailed): Link._no_way,
    (LinkState.OPENING, ChannelMessage): Link._first_word,
    (LinkState.OPENING, LaneOpened): Link._lane_opened,
    (LinkState.OPENING, LaneLost): Link._no_lane,
    (LinkState.OPENING, TimerName.LANE): Link._fall_back,
    (LinkState.OPENING, TimerName.LINK_OPEN): Link._open_timeout,
    (LinkState.OPENING, SendText): Link._text_without_link,
    (LinkState.OPEN, ChannelOpened): Link._channel,
    (LinkState.OPEN, ChannelMessage): Link._message,
    (LinkState.OPEN, ChannelClosed): Link._channel_closed,
    (LinkState.OPEN, PeerFailed): Link._failed,
    (LinkState.OPEN, LaneOpened): Link._lane_opened,
    (LinkState.OPEN, LaneLost): Link._lane_lost,
    (LinkState.OPEN, TimerName.LANE): Link._lane_waited,
    (LinkState.OPEN, SendText): Link._send_text,
    (LinkState.OPEN, TimerName.HEARTBEAT): Link._heartbeat,
}


# The issue: within 2 minutes; a laptop's lid, a lift, a router that starts again
RESUME_SECONDS: Final = 120.0
# Between two dials; people wait, and a dial on the LAN costs next to nothing
REDIAL_SECONDS: Final = 2.0


def untold(link: Link, closing: Sequence[Command]) -> list[Command]:
    """What closes a link, without telling people that it is closed: to them it waits."""
    return [command for command in closing if not _publishes_end(command, link.id)]


def _publishes_end(command: Command, link: LinkID) -> bool:
    match command:
        case Publish(LinkStatus(link=published, stage=Stage.CLOSED)):
            return published == link
    return False


def resumed(lost: LinkStatus, link: LinkID, peer_address: str) -> LinkStatus:
    """A new link in the place of one that was lost: who it is was approved and proved before, and
    stays.
    """
    return replace(
        lost,
        link=link,
        stage=Stage.APPROVED,
        peer_address=peer_address,
        deadline=None,
        can_text=False,
        can_send_files=False,
        reason=None,
        via=Via.WEBRTC,
        resumes=lost.link,
    )
