"""One link, from the first peer to its end: opening, greeting, features, heartbeat, goodbye.

Host and guest use the same state machine; its table `TRANSITIONS` is drawn in
docs/architecture.md.

"""

from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Reason, reason_of
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link.features import Features, LinkFeature, ProtocolBrokenError
from proxim.core.link.lane import LANE_OPEN_SECONDS, LanePolicy, LaneTerms, proved_secret
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import ProofKeys
from proxim.core.sanitize import display_name
from proxim.core.transitions import TransitionTable

# Opening takes under 1 s on a LAN, and about 5 s when ICE loses packets.
LINK_OPEN_SECONDS: Final = 15.0
# Together with SILENCE_SECONDS, silence is noticed after 4.5 to 5.5 s, so within 6 s.
HEARTBEAT_SECONDS: Final = 1.0
# This is longer than SCTP's first retransmissions (RTO 1 s, then 2 s: RFC 9260, 6.3).
SILENCE_SECONDS: Final = 4.5
# The number of unreadable messages that a peer may send before the link ends.
MAX_UNREADABLE_MESSAGES: Final = 8

# The reasons that a peer's goodbye may give; any other reason becomes PEER_LEFT. Only a device that
# is known can have another link.
_BYE_REASONS: Final = (Reason.EXPIRED, Reason.CLOSED, Reason.TAMPERED)
_KNOWN_BYE_REASONS: Final = (*_BYE_REASONS, Reason.DEVICE_LINKED)
# Two minutes are enough for a closed laptop lid, a lift, or a router that restarts.
RESUME_SECONDS: Final = 120.0
# The pause between two dials is short: people wait, and a dial on the LAN costs almost nothing.
REDIAL_SECONDS: Final = 2.0


class LinkState(Enum):
    """The states of a link."""

    IDLE = "idle"
    # A person is asked; if they approve, the link opens sooner.
    PREPARED = "prepared"
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


LinkInput = link_ev.LinkEvent | ev.TimerFired


class Link:
    """One link, as a state machine.

    `status` is what is published about the link; `state` is for the link's owner.
    """

    def __init__(
        self,
        status: st.LinkStatus,
        own_name: str,
        features: Features,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self.status = status
        self.state = LinkState.IDLE
        self._own_name = own_name
        self._features = features
        # Those that have begun; status.features has their words.
        self._begun: tuple[LinkFeature, ...] = ()
        self._token_bytes = token_bytes
        self._lane = LanePolicy(status.link, LaneTerms(), token_bytes, self.send)
        self._binding = b""
        self._peer_knows_lanes = False
        # Why WebRTC failed, kept while the lane may still carry the link.
        self._failure: Reason | None = None
        self._control: int | None = None
        self._unreadable_count = 0
        self._peer_greeted = False
        # From when on the peer's silence counts: a peer cannot help that this program was asleep.
        self._last_received = 0.0
        self._ticked = 0.0
        self._heard_at = 0.0

    @property
    def id(self) -> ev.LinkID:
        """The link's identity in events and commands."""
        return self.status.link

    # --- for the features (PeerLink in features.py) -----------------------------------------------

    @property
    def resumes(self) -> ev.LinkID | None:
        """The lost link of the same two devices that this link replaces; None if it is new."""
        return self.status.resumes

    @property
    def peer_name(self) -> str | None:
        """The peer's name, cleaned for display."""
        return self.status.peer_name

    @property
    def binding(self) -> bytes:
        """Bytes that both ends know and no other link has; empty without a proof."""
        return self._binding

    @property
    def lane_open(self) -> bool:
        """Whether bytes can be sent over the lane."""
        return self._lane.open

    @property
    def lane_is_optional(self) -> bool:
        """Whether the link would go on without its lane."""
        return self._control != link_ev.LANE_CHANNEL

    @property
    def lane_pending(self) -> bool:
        """Whether the lane may open in a moment."""
        return self._lane.pending

    def send(self, message: link_msg.LinkMessage) -> do.Command:
        """Return the command that sends this message to the peer."""
        # The callers make sure that there is a control channel.
        assert self._control is not None
        return link_do.SendOnChannel(self.id, self._control, link_msg.dump_link_message(message))

    def want_lane(self) -> list[do.Command]:
        """Open the lane, if it is not open yet and the peer supports lanes."""
        return self._lane.want() if self._peer_knows_lanes else []

    def drop_lane(self) -> list[do.Command]:
        """Close a lane on which nothing moves any more; `lane_changed` follows."""
        return self._lane.drop()

    # --- for the owner ----------------------------------------------------------------------------

    @property
    def heard_at(self) -> float:
        """When the open link opened, or the peer was heard last."""
        return self._heard_at

    def publish(self, **changes: Any) -> do.Command:
        """Change the link's status, and return the command that publishes it."""
        self.status = replace(self.status, **changes)
        return do.Publish(self.status)

    def prepare(self, *, offerer: bool) -> list[do.Command]:
        """Prepare the peer while a person decides; `open` or `close` follows.

        Raises MachineMisuseError if the link was prepared or opened before.
        """
        if self.state is not LinkState.IDLE:
            raise MachineMisuseError(f"prepare in {self.state}")
        before, self.state = self.state, LinkState.PREPARED
        TRANSITIONS.called(self, "prepare", before)
        return [link_do.PreparePeer(self.id, offerer)]

    def open(
        self, *, offerer: bool, keys: ProofKeys | None, lane_url: str | None = None
    ) -> list[do.Command]:
        """Start the peer.

        `keys` are those of the proof, None without a proof; `lane_url` is the address that a
        guest's lanes dial, None at the host. Raises MachineMisuseError if the link was opened
        before.
        """
        if self.state not in (LinkState.IDLE, LinkState.PREPARED):
            raise MachineMisuseError(f"open in {self.state}")
        before, self.state = self.state, LinkState.OPENING
        TRANSITIONS.called(self, "open", before)
        self._lane = LanePolicy(
            self.id,
            LaneTerms(lane_url, proved_secret(keys)),
            self._token_bytes,
            self.send,
        )
        self._binding = b"" if keys is None else keys.key("link")
        opening: list[do.Command] = [
            link_do.OpenPeer(self.id, offerer),
            do.SetTimer(self._timer(ev.TimerName.LINK_OPEN), LINK_OPEN_SECONDS),
        ]
        return [*opening, *self._lane.prepare()]

    def handle(self, event: LinkInput, now: float) -> list[do.Command]:
        """Handle one event; the owner looks at `state` afterwards."""
        return TRANSITIONS.handle(self, event, now)

    def close(self, reason: Reason, now: float, bye: Reason | None = None) -> list[do.Command]:
        """Close the link, and send the goodbye `bye` while there is a control channel.

        The owner publishes the end (`publish_end`), unless the link is to be resumed.
        """
        if self.state is LinkState.CLOSED:
            raise MachineMisuseError("closed twice")
        left = [
            command
            for feature in self._begun
            for command in feature.link_down(self.id, reason, now)
        ]
        farewell = (
            [self.send(link_msg.Bye(bye.value))]
            if bye is not None and self._control is not None
            else []
        )
        # If the lane carries the link, the WebRTC peer is closed already.
        carried = self._control == link_ev.LANE_CHANNEL
        before, self.state = self.state, LinkState.CLOSED
        TRANSITIONS.called(self, "close", before)
        self._control = None
        self._begun = ()
        ending: list[do.Command] = []
        if before is LinkState.PREPARED:
            ending = [link_do.ClosePeer(self.id)]
        elif before is not LinkState.IDLE:
            ending = [
                do.CancelTimer(self._timer(ev.TimerName.LINK_OPEN)),
                do.CancelTimer(self._timer(ev.TimerName.HEARTBEAT)),
                *([] if carried else [link_do.ClosePeer(self.id, said_bye=bool(farewell))]),
                *self._lane.close(),
            ]
        self.status = replace(
            self.status,
            stage=st.Stage.CLOSED,
            reason=reason,
            features=(),
            deadline=None,
        )
        return [*left, *farewell, *ending]

    def signalled(
        self, payload: pair_msg.Description | pair_msg.Candidate | None
    ) -> list[do.Command]:
        """Pass what the other side signalled to the peer; None is nothing for it."""
        if payload is None or self.status.via is st.Via.LANE:
            # The signal was sent before the lane carried the link, so it is stale.
            return []
        if isinstance(payload, pair_msg.Description):
            # Signaling fills it in where the other side left it out.
            assert payload.type is not None
            return [link_do.ApplyDescription(self.id, payload.type, payload.sdp)]
        return [link_do.AddCandidate(self.id, payload)]

    def publish_wait(self, deadline: float) -> do.Command:
        """Publish that the closed link waits until `deadline` to be resumed."""
        return self.publish(stage=st.Stage.WAITING, reason=None, deadline=deadline)

    def publish_given_up(self, reason: Reason) -> do.Command:
        """Publish that nobody waits for the closed link any more."""
        return self.publish(stage=st.Stage.CLOSED, reason=reason, deadline=None)

    def publish_end(self) -> do.Command:
        """Publish that the link is closed.

        Its owner decides whether people see that, or that the link waits to be resumed.
        """
        return do.Publish(self.status)

    # --- transitions ------------------------------------------------------------------------------

    def _first_channel(self, event: link_ev.ChannelOpened, now: float) -> list[do.Command]:
        opened = self._opened(now)
        return [
            *opened,
            *(self._lane.not_needed() if self._lane.can_carry_link else []),
            *self._channel(event, now),
            # The control channel has published what can be used now.
            *([] if event.label == link_ev.CONTROL_LABEL else [do.Publish(self.status)]),
        ]

    def _opened(self, now: float) -> list[do.Command]:
        self.state = LinkState.OPEN
        self._last_received = self._ticked = self._heard_at = now
        self.status = replace(self.status, stage=st.Stage.CONNECTED, was_connected=True)
        return [
            do.CancelTimer(self._timer(ev.TimerName.LINK_OPEN)),
            do.SetTimer(self._timer(ev.TimerName.HEARTBEAT), HEARTBEAT_SECONDS),
        ]

    def _channel(self, event: link_ev.ChannelOpened, now: float) -> list[do.Command]:
        if event.label == link_ev.CONTROL_LABEL and self._control is None:
            self._control = event.channel
            return [self._hello(), *self._begin(self._without_hello(), now)]
        if self._control == link_ev.LANE_CHANNEL:
            return []
        prefix = event.label.partition("/")[0]
        for feature in self._begun:
            if feature.channel_prefix == prefix:
                handled = feature.channel_opened(self.id, event.channel, event.label, now)
                if handled is not None:
                    return handled
        unsupported = link_msg.dump_link_message(link_msg.Unsupported("channel"))
        return [link_do.SendOnChannel(self.id, event.channel, unsupported)]

    def _channel_closed(self, event: link_ev.ChannelClosed, now: float) -> list[do.Command]:
        return self._broken(Reason.PEER_LEFT, now) if event.channel == self._control else []

    def _open_timeout(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # An owner that knows a better reason, such as a missing offer, closes the link itself
        # instead of passing this event on.
        return self.close(self._failure or Reason.LINK_TIMEOUT, now)

    def _failed(self, event: link_ev.PeerFailed, now: float) -> list[do.Command]:
        # A peer that breaks the protocol ends the link, over WebRTC and over the lane.
        if event.reason is Reason.PEER_ERROR:
            return self.close(event.reason, now)
        return self._broken(event.reason, now)

    def _broken(self, reason: Reason, now: float) -> list[do.Command]:
        """Handle the loss of WebRTC; if a lane for the link is open, the guest moved to it."""
        if self._control == link_ev.LANE_CHANNEL:
            # The event belongs to the peer that was closed for the lane, so it is stale.
            return []
        if (
            reason is Reason.PEER_LEFT
            and self.state is LinkState.OPEN
            and self._silence_allowed is not None
        ):
            # A peer that says hello also says bye; without one it vanished, like a page that is
            # reloaded.
            reason = Reason.PEER_VANISHED
        return self._carry_link(now) if self._lane.carrier else self.close(reason, now)

    # --- the lane ---------------------------------------------------------------------------------

    def _webrtc_failed(self, event: link_ev.PeerFailed, now: float) -> list[do.Command]:
        """Handle a WebRTC peer that cannot open; after a proof, a lane may still carry the link."""
        if (
            self._lane.carrier
            or event.reason is not Reason.ICE_FAILED
            or not self._lane.can_carry_link
        ):
            return self._broken(event.reason, now)
        self._failure = event.reason
        return self._lane.dial_for_link()

    def _fall_back(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._lane.dial_for_link()

    def _carry_link(self, now: float) -> list[do.Command]:
        """Send everything over the lane from now on; the other side does the same."""
        was_open = self.state is LinkState.OPEN
        opened = [*([] if was_open else self._opened(now)), *self._lane.opened()]
        self._control = link_ev.LANE_CHANNEL
        return [
            *opened,
            link_do.ClosePeer(self.id),
            self._hello(),
            *self._begin(self._without_hello(), now, via=st.Via.LANE),
            *(self._lane_changed(now) if was_open else []),
        ]

    def _lane_opened(self, event: link_ev.LaneOpened, now: float) -> list[do.Command]:
        opening = self.state is LinkState.OPENING
        if event.carries_link:
            return self._carry_link(now) if self._lane.carrier_opened(still_wanted=opening) else []
        if opening:
            # A lane beside the link is useless before the link is open.
            return []
        return [*self._lane.opened(), *self._lane_changed(now)]

    def _no_lane(self, event: link_ev.LaneLost, now: float) -> list[do.Command]:
        self._lane.carrier_lost()
        return [] if self._failure is None else self.close(self._failure, now)

    def _lane_lost(self, event: link_ev.LaneLost, now: float) -> list[do.Command]:
        if self._control == link_ev.LANE_CHANNEL:
            return self.close(Reason.PEER_VANISHED, now)
        # The guest found a WebRTC path, and closed the lane that it had dialled for the link.
        if self._lane.carrier:
            self._lane.carrier_lost()
            return []
        return [*self._lane.lost(), *self._lane_changed(now)]

    def _lane_waited(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return [
            *self._lane.timer_fired(),
            *self._lane_changed(now),
        ]

    def _first_lane_message(self, event: link_ev.ChannelMessage, now: float) -> list[do.Command]:
        if event.channel != link_ev.LANE_CHANNEL:
            raise MachineMisuseError("a message before its channel")
        return self._message(event, now)

    def _message(self, event: link_ev.ChannelMessage, now: float) -> list[do.Command]:
        # The guest's first message on a lane that can carry the link means that the guest found no
        # other way.
        handled = (
            self._carry_link(now)
            if event.channel == link_ev.LANE_CHANNEL and self._lane.carrier
            else []
        )
        self._last_received = self._heard_at = now
        if event.channel != self._control:
            # This is a channel that was answered with `unsupported`, one that `io` serves (a stream
            # of files), or a lane that carries no messages.
            return []
        try:
            return [*handled, *self._received(event.text, now)]
        except ProtocolBrokenError:
            return [*handled, *self.close(Reason.PEER_ERROR, now, bye=Reason.PEER_ERROR)]
        except MessageError as error:
            return [*handled, *self._unreadable_message(error, now)]

    def _received(self, text: str, now: float) -> list[do.Command]:
        feature, message = self._features.parse(text)
        if feature is not None:
            if feature not in self._begun:
                raise MessageError(Reason.NOT_ALLOWED, f"{feature.word} before hello")
            return feature.message(self, message, now)
        match message:
            case link_msg.Hello():
                return self._greeted(message, now)
            case link_msg.Bye(reason):
                allowed = _BYE_REASONS if self.status.known is None else _KNOWN_BYE_REASONS
                return self.close(reason_of(reason, allowed, Reason.PEER_LEFT), now)
            case link_msg.OfferLane():
                return self._offered(message)
            case _:
                # A ping and `unsupported` are never answered.
                return []

    def _offered(self, offer: link_msg.OfferLane) -> list[do.Command]:
        dialled = self._lane.offered(offer) if self._peer_knows_lanes else None
        if dialled is None:
            raise MessageError(Reason.NOT_ALLOWED, "lane")
        return dialled

    def _greeted(self, hello: link_msg.Hello, now: float) -> list[do.Command]:
        if not self._peer_greeted:
            self._peer_knows_lanes = link_msg.LANE in hello.features
        self._peer_greeted = True
        commands: list[do.Command] = []
        # A name that was approved, or that an earlier hello gave, does not change.
        if self.status.peer_name is None:
            shown = display_name(hello.name, self.status.peer_address)
            commands.append(self.publish(peer_name=shown))
        named = [feature for feature in self._features if feature.word in hello.features]
        if not {*named} <= {*self._begun}:
            commands += self._begin(named, now)
        return commands

    def _unreadable_message(self, error: MessageError, now: float) -> list[do.Command]:
        self._unreadable_count += 1
        if self._unreadable_count > MAX_UNREADABLE_MESSAGES:
            return self.close(Reason.PEER_ERROR, now, bye=Reason.PEER_ERROR)
        what = error.problem.detail if error.reason is Reason.UNKNOWN_TYPE else error.reason.value
        return [self.send(link_msg.Unsupported(what))]

    # --- features ---------------------------------------------------------------------------------

    def _hello(self) -> do.Command:
        return self.send(
            link_msg.Hello(self._own_name, features=(*self._features.words, link_msg.LANE))
        )

    def _without_hello(self) -> list[LinkFeature]:
        return [feature for feature in self._features if not feature.needs_hello]

    def _begin(
        self, features: Collection[LinkFeature], now: float, **changes: Any
    ) -> list[do.Command]:
        """Publish these features (and other changes of the status), and begin the new ones."""
        new = [feature for feature in features if feature not in self._begun]
        self._begun = (*self._begun, *new)
        published = self.publish(features=tuple(one.word for one in self._begun), **changes)
        begun = [command for feature in new for command in feature.link_up(self, now)]
        return [published, *begun]

    def _lane_changed(self, now: float) -> list[do.Command]:
        return [
            command for feature in self._begun for command in feature.lane_changed(self.id, now)
        ]

    # --- the heartbeat ----------------------------------------------------------------------------

    @property
    def _silence_allowed(self) -> float | None:
        """How many seconds the peer may be silent; None if it may be for ever.

        A simple client may leave hello out, and then it need not ping. A peer that proved the code
        surely says hello, but WebRTC may be open at our end alone until the peer takes the lane.
        """
        if self._peer_greeted:
            return SILENCE_SECONDS
        return LANE_OPEN_SECONDS + SILENCE_SECONDS if self._binding else None

    def _heartbeat(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        if now - self._ticked > 2 * HEARTBEAT_SECONDS:
            # This program was asleep, and the peer's messages of that time still wait in the queue.
            self._last_received = now
        self._ticked = now
        allowed = self._silence_allowed
        if allowed is not None and now - self._last_received >= allowed:
            return self.close(Reason.PEER_VANISHED, now)
        rearm = do.SetTimer(self._timer(ev.TimerName.HEARTBEAT), HEARTBEAT_SECONDS)
        return [rearm] if self._control is None else [self.send(link_msg.Ping()), rearm]

    def _timer(self, name: ev.TimerName) -> ev.Timer:
        return ev.LinkTimer(name, self.id)


_S = LinkState

TRANSITIONS: Final = TransitionTable(
    {
        _S.OPENING: {
            link_ev.ChannelOpened: (Link._first_channel, {_S.OPEN}),
            link_ev.PeerFailed: (Link._webrtc_failed, {_S.OPENING, _S.OPEN, _S.CLOSED}),
            link_ev.ChannelMessage: (Link._first_lane_message, {_S.OPENING, _S.OPEN, _S.CLOSED}),
            link_ev.LaneOpened: (Link._lane_opened, {_S.OPENING, _S.OPEN}),
            link_ev.LaneLost: (Link._no_lane, {_S.OPENING, _S.CLOSED}),
            ev.TimerName.LANE: (Link._fall_back, {_S.OPENING}),
            ev.TimerName.LINK_OPEN: (Link._open_timeout, {_S.CLOSED}),
        },
        _S.OPEN: {
            link_ev.ChannelOpened: (Link._channel, {_S.OPEN}),
            link_ev.ChannelMessage: (Link._message, {_S.OPEN, _S.CLOSED}),
            link_ev.ChannelClosed: (Link._channel_closed, {_S.OPEN, _S.CLOSED}),
            link_ev.PeerFailed: (Link._failed, {_S.OPEN, _S.CLOSED}),
            link_ev.LaneOpened: (Link._lane_opened, {_S.OPEN}),
            link_ev.LaneLost: (Link._lane_lost, {_S.OPEN, _S.CLOSED}),
            ev.TimerName.LANE: (Link._lane_waited, {_S.OPEN}),
            ev.TimerName.HEARTBEAT: (Link._heartbeat, {_S.OPEN, _S.CLOSED}),
        },
    },
    calls={
        "prepare": {_S.IDLE: {_S.PREPARED}},
        "open": {state: {_S.OPENING} for state in (_S.IDLE, _S.PREPARED)},
        "close": {state: {_S.CLOSED} for state in (_S.IDLE, _S.PREPARED, _S.OPENING, _S.OPEN)},
    },
)


def resumed(lost: st.LinkStatus, link: ev.LinkID, peer_address: str) -> st.LinkStatus:
    """Return the status of a new link that replaces a lost one.

    The peer was approved and proved before, so its name and its proof stay.
    """
    return replace(
        lost,
        link=link,
        stage=st.Stage.APPROVED,
        peer_address=peer_address,
        deadline=None,
        features=(),
        reason=None,
        via=st.Via.WEBRTC,
        resumes=lost.link,
        replaces=None,
    )
