"""The guest's side: one attempt to join a host, from the dial to the end of its link.

`Guest` is a state machine; its table `TRANSITIONS` is drawn in docs/architecture.md.

A target without a secret leaves nothing to prove, so PROVING is skipped. A guest with a secret
fails closed: a missing challenge, a wrong tag or a wrong MAC ends the attempt, and the guest never
asks a second time by itself.

A known device may be at several places (core/known): those where nobody answers, or where whoever
answers does not prove to be it, are passed over, and SEARCHING waits until it is found at another.
Whoever proves to be it is asked once, and its answer ends the attempt.

A link that fell silent after a proof is resumed: the guest enters RECONNECTING and takes the same
steps again, with a secret derived from that proof instead of the code. This goes on until it is
LINKED, 2 minutes are over, or the host rejects it or cannot prove itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import MachineMisuseError, Reason, reason_of
from proxim.core.json_text import MessageError
from proxim.core.known.host import SEARCH_SECONDS, KnownHost, blank_device
from proxim.core.link import events as link_ev
from proxim.core.link.features import Features
from proxim.core.link.link import (
    REDIAL_SECONDS,
    RESUME_SECONDS,
    Link,
    LinkInput,
    LinkState,
    resumed,
)
from proxim.core.link.signaling import Signaling
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.invitations import SESSION_ID_BYTES
from proxim.core.pairing.proof import (
    GuestProof,
    ProofError,
    ProofKeys,
    Prover,
    Side,
    start_guest_proof,
    start_resumption,
    tag_auth,
    tag_matches,
)
from proxim.core.pairing.session import APPROVAL_SECONDS
from proxim.core.transitions import TransitionTable

# A LAN answers in milliseconds; a firewall that drops packets never does.
DIAL_SECONDS: Final = 4.0
# A known device may be at other places, too, so the next is tried sooner. After all of them, those
# that were silent are dialled once more, as long as any other host.
KNOWN_DIAL_SECONDS: Final = 2.0
# A host answers within milliseconds; this is as long as its own challenge lasts.
CHALLENGE_SECONDS: Final = 10.0
# The host's timer decides; this one is for a host that fell silent.
ANSWER_SECONDS: Final = APPROVAL_SECONDS + 5.0
# The reasons that a host may give.
_REJECTIONS: Final = (
    Reason.DECLINED,
    Reason.TIMEOUT,
    Reason.EXPIRED,
    Reason.BUSY,
    Reason.UNKNOWN_SESSION,
    Reason.NOT_VERIFIED,
    Reason.CLOSED,
    Reason.TOO_MANY_TRIES,
    Reason.OWN_CODE,
    Reason.TAMPERED,
    Reason.UNATTENDED,
)
# The reasons for which a host may end a session; only a known device can have another link.
_SESSION_ENDS: Final = (*_REJECTIONS, Reason.PEER_VANISHED)
_KNOWN_SESSION_ENDS: Final = (*_SESSION_ENDS, Reason.DEVICE_LINKED)
# A resuming guest tries again after these rejections, because its next proof may be in time.
_PASSING: Final = (Reason.TIMEOUT, Reason.BUSY)
# For these reasons the guest's close code is 4401, which notifies the host: it may have approved
# the guest, and cannot see that somebody stands between them.
_NOTIFIED_BY_CLOSE_CODE: Final = (Reason.TAMPERED, Reason.HOST_UNPROVEN)
_LINK_FAILURES: Final = (
    Reason.ICE_FAILED,
    Reason.LINK_TIMEOUT,
    Reason.NO_OFFER,
    Reason.BAD_DESCRIPTION,
)


class GuestState(Enum):
    """The states of an attempt."""

    DIALING = "dialing"
    # A known device is at none of the places that were tried, and is still looked for.
    SEARCHING = "searching"
    PROVING = "proving"
    ASKING = "asking"
    LINKING = "linking"
    LINKED = "linked"
    # The link was lost, and the guest waits until it dials again.
    RECONNECTING = "reconnecting"
    ENDED = "ended"


DialledSocketEvent = (
    pair_ev.DialFailed
    | pair_ev.ConnectionOpened
    | pair_ev.FrameReceived
    | pair_ev.FrameRefused
    | pair_ev.ConnectionLost
)


@dataclass(frozen=True, slots=True)
class PlacesSeen:
    """The places where known devices may be were looked at anew."""


@dataclass(frozen=True, slots=True)
class GiveWay:
    """This program is linked with that of the known device already, by a link to which it has
    invited us.
    """


@dataclass(frozen=True, slots=True)
class DeviceForgotten:
    """The person here has forgotten the device that this attempt is about."""


GuestEvent = DialledSocketEvent | LinkInput | ev.Disconnect
OwnerEvent = PlacesSeen | GiveWay | DeviceForgotten


@dataclass(frozen=True, slots=True)
class OtherSession:
    """The host sent a message that names another session."""


# A frame of the host, read.
HostMessage = pair_msg.Message | OtherSession | pair_ev.FrameRefused


class Guest:
    """One attempt to join a host, as a state machine.

    Every `now` is in seconds of a monotonic clock.
    """

    def __init__(
        self,
        target: JoinTarget | KnownHost,
        device: DeviceInfo,
        prover: Prover,
        new_link_id: Callable[[], ev.LinkID],
        new_connection: Callable[[], ev.ConnectionID],
        features: Features,
    ) -> None:
        self.state = GuestState.DIALING
        self.connection = new_connection()
        self._known = target if isinstance(target, KnownHost) else None
        self._own_name = device.name
        self._prover = prover
        self._new_link_id = new_link_id
        self._new_connection = new_connection
        self._features = features
        if isinstance(target, KnownHost):
            # Its session has no name that both sides know; this one is for our faces.
            session_id = to_base64url(prover.token_bytes(SESSION_ID_BYTES))
            self._device = blank_device(prover.token_bytes)
            # There is an address once a place is dialled.
            self._target = JoinTarget("", 0, session_id)
        else:
            self._device = device
            self._target = target
        self.link = self._new_link(
            st.LinkStatus(
                new_link_id(),
                self._target.session_id,
                st.Stage.DIALING,
                as_guest=True,
                peer_name=None if self._known is None else self._known.name,
                peer_address="" if self._known else self._target.authority,
                known=None if self._known is None else self._known.id,
            )
        )
        # Whether some Proxim answered, but did not prove to be the known device.
        self._not_recognised = False
        # The moment until which a known device is looked for.
        self._search_until = 0.0
        # Whether the device was forgotten here, so that no lost link is resumed.
        self._forgotten = False
        # The guest's name for the session on the current socket.
        self._name = self._target.session_id
        self._proof: GuestProof | None = None
        self._keys: ProofKeys | None = None
        # The keys of the last proof after which a host approved this guest.
        self._resume_keys: ProofKeys | None = None
        # The moment until which a lost link may be resumed; None while no link is lost.
        self._resume_by: float | None = None
        self._signaling = Signaling(Side.GUEST, self._target.address, None)
        # Whether the guest still has to close its WebSocket or its dial.
        self._hangs_up = True

    @property
    def resumes(self) -> bool:
        """Whether a link was lost and is being resumed."""
        return self._resume_by is not None

    @property
    def searches(self) -> bool:
        """Whether it matters where known devices are."""
        looks = (GuestState.DIALING, GuestState.PROVING, GuestState.SEARCHING)
        return self._known is not None and not self.resumes and self.state in looks

    def start(self, now: float) -> list[do.Command]:
        """Return the commands for a new attempt."""
        if self._known is not None:
            self._hangs_up = False
            self._search_until = now + SEARCH_SECONDS if self._known.search else now
            return self._try_next(now)
        return [do.Publish(self.link.status), *self._dial(DIAL_SECONDS)]

    def forget(self) -> None:
        """Resume this link never again, because its person has forgotten the device."""
        self._forgotten = True
        self._resume_keys = None

    def refuse(self, reason: Reason, now: float) -> list[do.Command]:
        """Return the commands for an attempt that ends before anything is dialled."""
        self._hangs_up = False
        before, commands = self.state, self._end(reason, now)
        TRANSITIONS.called(self, "refuse", before)
        return commands

    @property
    def approved(self) -> bool:
        """Whether the host has let this guest in, so that a link opens or is open."""
        return self.state in (GuestState.LINKING, GuestState.LINKED)

    def may_reach(self, port: int) -> bool:
        """Whether this attempt leads to the known device's program that listens on this port, or
        might when it goes on.
        """
        looks = self.state in (GuestState.DIALING, GuestState.SEARCHING)
        return looks or self._target.port == port

    def handle(self, event: GuestEvent | OwnerEvent, now: float) -> list[do.Command]:
        """Handle one event; the caller looks at `state` afterwards.

        Raises MachineMisuseError for a pair of state and event that is not in the table.
        """
        unopened = self.link.state in (LinkState.IDLE, LinkState.PREPARED)
        if isinstance(event, link_ev.LinkEvent) and unopened:
            raise MachineMisuseError(f"{type(event).__name__} of a link that was never opened")
        return TRANSITIONS.handle(
            self, self._read(event) if isinstance(event, pair_ev.FrameReceived) else event, now
        )

    def _new_link(self, status: st.LinkStatus) -> Link:
        return Link(status, self._own_name, self._features, self._prover.token_bytes)

    # --- reaching the host ------------------------------------------------------------------------

    def _dial(self, seconds: float) -> list[do.Command]:
        self.state = GuestState.DIALING
        self._hangs_up = True
        return [
            do.SetTimer(self._timer(ev.TimerName.DIAL), seconds),
            pair_do.Dial(self.connection, self._target.websocket_url),
        ]

    def _try_next(self, now: float) -> list[do.Command]:
        """Dial the next place of a known device, or wait until it is found at another."""
        # Only an attempt to join a known device calls this.
        assert self._known is not None
        place, seconds = self._known.next(), KNOWN_DIAL_SECONDS
        if place is None:
            late = now >= self._search_until
            place, seconds = self._known.again(late=late), DIAL_SECONDS
        if place is None and now >= self._search_until:
            recognised = not self._not_recognised
            return self._end(Reason.DEVICE_NOT_FOUND if recognised else Reason.NOT_RECOGNISED, now)
        address = self.link.status.peer_address
        if place is not None:
            self._target = replace(self._target, address=place.address, port=place.port)
            address = self._target.authority
        looks = self.link.publish(stage=st.Stage.DIALING, peer_address=address, deadline=None)
        if place is not None:
            found = do.CancelTimer(self._timer(ev.TimerName.SEARCH))
            return [found, looks, *self._dial(seconds)]
        if self.state is GuestState.SEARCHING:
            return []
        self.state = GuestState.SEARCHING
        return [looks, do.SetTimer(self._timer(ev.TimerName.SEARCH), self._search_until - now)]

    def _pass_over(self, reason: Reason, now: float) -> list[do.Command]:
        """Leave a place where nobody proved to be the known device, and try the next one."""
        self._not_recognised = self._not_recognised or self.state is not GuestState.DIALING
        code = pair_msg.CloseCode.TAMPERED if reason in _NOTIFIED_BY_CLOSE_CODE else None
        hang_up = self._close_socket(code)
        self._hangs_up = False
        self._keys = None
        # With a new id, all later events of the old connection are stale.
        self.connection = self._new_connection()
        return [*hang_up, *self._try_next(now)]

    def _unproven(self, reason: Reason, now: float) -> list[do.Command]:
        """Handle whoever answered without a proof: it ends the attempt, unless it is to be resumed
        or a known device may be elsewhere.
        """
        if self._known is None or self.resumes:
            return self._end(reason, now)
        return self._pass_over(reason, now)

    def _places_seen(self, event: PlacesSeen, now: float) -> list[do.Command]:
        # The owner reports this to attempts that look for a known device.
        assert self._known is not None
        if self._known.better(self._target.address, self._target.port):
            return self._pass_over(Reason.NO_ANSWER, now)
        return []

    def _places_seen_while_searching(self, event: PlacesSeen, now: float) -> list[do.Command]:
        return self._try_next(now)

    def _not_found(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        self._search_until = now
        return self._try_next(now)

    def _dialled(self, event: pair_ev.ConnectionOpened, now: float) -> list[do.Command]:
        opened: list[do.Command] = [do.CancelTimer(self._timer(ev.TimerName.DIAL))]
        try:
            self._proof = self._start_proof()
        except ProofError:
            return [*opened, *self._end(Reason.LINK_UNREADABLE, now)]
        if self._proof is None:
            request = pair_msg.PairRequest(self._target.session_id, self._device)
            return [*opened, pair_do.Send(self.connection, request), *self._ask(now)]
        self.state = GuestState.PROVING
        self._name = self._proof.name
        return [
            *opened,
            do.SetTimer(self._timer(ev.TimerName.ANSWER), CHALLENGE_SECONDS),
            pair_do.Send(
                self.connection, pair_msg.PairRequest(self._name, self._device, self._proof.auth)
            ),
        ]

    def _start_proof(self) -> GuestProof | None:
        if self._resume_by is not None and self._resume_keys is not None:
            return start_resumption(self._resume_keys, self._device, self._prover)
        if self._known is not None:
            return self._known.start_proof(self._device, self._prover)
        return start_guest_proof(self._target, self._device, self._prover)

    def _ask(self, now: float) -> list[do.Command]:
        self.state = GuestState.ASKING
        # No person is asked, so the host answers as fast as it sends a challenge.
        if self.resumes:
            return [do.SetTimer(self._timer(ev.TimerName.ANSWER), CHALLENGE_SECONDS)]
        return [
            do.SetTimer(self._timer(ev.TimerName.ANSWER), ANSWER_SECONDS),
            self.link.publish(stage=st.Stage.ASKING, deadline=now + APPROVAL_SECONDS),
            # At an earlier place it may be prepared already.
            *(self.link.prepare(offerer=True) if self.link.state is LinkState.IDLE else []),
        ]

    def _dial_failed(self, event: pair_ev.DialFailed, now: float) -> list[do.Command]:
        self._hangs_up = False
        return self._fail(event.reason, now)

    def _no_answer(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        if self._known is not None:
            self._known.was_silent(self._target.address, self._target.port)
        return self._fail(Reason.NO_ANSWER, now)

    # --- proof ------------------------------------------------------------------------------------

    def _challenged(self, event: pair_msg.PairChallenge, now: float) -> list[do.Command]:
        # A guest in state PROVING always has a proof.
        assert self._proof is not None
        try:
            self._keys = self._proof.finish(event.auth)
        except ProofError:
            return self._unproven(Reason.HOST_UNPROVEN, now)
        confirm = pair_msg.PairConfirm(self._name, tag_auth(self._keys.guest_tag()))
        return [pair_do.Send(self.connection, confirm), *self._ask(now)]

    def _result_without_proof(self, event: pair_msg.PairResult, now: float) -> list[do.Command]:
        """Handle a result that arrives before any proof.

        A host may reject the guest then. A host that approves without a proof is not the intended
        host.
        """
        if event.approved:
            return self._unproven(Reason.HOST_UNPROVEN, now)
        reason = reason_of(event.reason, _REJECTIONS, Reason.DECLINED)
        if self._known is not None and not self.resumes:
            return self._pass_over(reason, now)
        return self._rejected(reason, now)

    def _no_challenge(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._fail(Reason.HOST_UNPROVEN, now)

    # --- the host's answer ------------------------------------------------------------------------

    def _result(self, event: pair_msg.PairResult, now: float) -> list[do.Command]:
        if not event.approved:
            return self._not_approved(event, now)
        if self._keys is not None:
            if not self._host_said("approved", event):
                return self._unproven(Reason.HOST_UNPROVEN, now)
            self._signaling = Signaling(Side.GUEST, self._target.address, self._keys)
            self._resume_keys = None if self._forgotten else self._keys
        self.state = GuestState.LINKING
        answered = do.CancelTimer(self._timer(ev.TimerName.ANSWER))
        url = self._target.lane_url
        if self.resumes:
            status = resumed(self.link.status, self._new_link_id(), self._target.authority)
            self.link = self._new_link(status)
            return [
                answered,
                do.Publish(status),
                *self.link.open(offerer=True, keys=self._keys, lane_url=url),
            ]
        return [
            answered,
            do.Publish(st.PairOutcome(self._target.session_id, approved=True)),
            self.link.publish(
                stage=st.Stage.APPROVED,
                deadline=None,
                verified=self._proof and self._proof.method.verified,
            ),
            *self.link.open(offerer=True, keys=self._keys, lane_url=url),
        ]

    def _host_said(self, status: str, event: pair_msg.PairResult) -> bool:
        """Whether a result carries the tag of a host that knows the secret."""
        # Without a proof nobody asks.
        assert self._keys is not None
        return event.auth is not None and tag_matches(self._keys.host_tag(status), event.auth.t)

    def _not_approved(self, event: pair_msg.PairResult, now: float) -> list[do.Command]:
        reason = reason_of(event.reason, _REJECTIONS, Reason.DECLINED)
        if (
            self._known is None
            or self._keys is None
            or self.resumes
            or self._host_said("rejected", event)
        ):
            return self._rejected(reason, now)
        if self._known.has_forgotten(self._keys, event.auth):
            return self._rejected(Reason.FORGOTTEN, now)
        return self._pass_over(reason, now)

    def _rejected(self, reason: Reason, now: float) -> list[do.Command]:
        if self.resumes:
            return self._fail(reason, now) if reason in _PASSING else self._end(reason, now)
        return [
            do.Publish(st.PairOutcome(self._target.session_id, approved=False, reason=reason)),
            *self._end(reason, now),
        ]

    def _answer_timeout(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._rejected(Reason.TIMEOUT, now)

    def _error(self, event: pair_msg.ErrorMessage, now: float) -> list[do.Command]:
        return self._fail(reason_of(event.code, _LINK_FAILURES, Reason.HOST_ERROR), now)

    def _session_ended(self, event: pair_msg.SessionEnded, now: float) -> list[do.Command]:
        allowed = _SESSION_ENDS if self._known is None else _KNOWN_SESSION_ENDS
        return self._end(reason_of(event.reason, allowed, Reason.CLOSED), now)

    def _host_gone(self, event: pair_ev.ConnectionLost, now: float) -> list[do.Command]:
        self._hangs_up = False
        return self._fail(Reason.HOST_GONE, now)

    # --- a lost link ------------------------------------------------------------------------------

    def _wait(self, now: float, pause: float = REDIAL_SECONDS) -> list[do.Command]:
        """Close the connection, and dial again after `pause` seconds."""
        # The callers make sure that a link is being resumed.
        assert self._resume_by is not None
        hang_up = self._close_socket()
        # The next proof brings new keys and a new exchange of signals.
        self._keys, self._signaling = (
            None,
            Signaling(Side.GUEST, self._target.address, None),
        )
        self.state = GuestState.RECONNECTING
        self._hangs_up = False
        # With a new id, all later events of the old connection are stale.
        self.connection = self._new_connection()
        redial = do.SetTimer(self._timer(ev.TimerName.REDIAL), min(pause, self._resume_by - now))
        waits = self.link.status.stage is st.Stage.WAITING
        published = [] if waits else [self.link.publish_wait(self._resume_by)]
        return [*hang_up, redial, *published]

    def _redial(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # In state RECONNECTING a link is always being resumed.
        assert self._resume_by is not None
        if now >= self._resume_by:
            return self._end(Reason.PEER_VANISHED, now)
        return self._dial(min(DIAL_SECONDS, self._resume_by - now))

    # --- the end ----------------------------------------------------------------------------------

    def _fail(self, reason: Reason, now: float) -> list[do.Command]:
        """Handle a failed try: end the attempt, or dial again while the lost link may be
        resumed.
        """
        if self._resume_by is None:
            if self.state in (GuestState.DIALING, GuestState.PROVING):
                return self._unproven(reason, now)
            # A person may have been asked, and is not asked twice.
            return self._end(reason, now)
        if now >= self._resume_by:
            return self._end(Reason.PEER_VANISHED, now)
        closed = self.link.state is LinkState.CLOSED
        return [
            *([] if closed else self.link.close(reason, now)),
            *self._wait(now),
        ]

    def _end(self, reason: Reason, now: float, bye: Reason | None = None) -> list[do.Command]:
        # The link was published as waiting, so its end has to be published too.
        if self.link.state is LinkState.CLOSED:
            published = [self.link.publish_given_up(reason)]
        else:
            published = [*self.link.close(reason, now, bye), self.link.publish_end()]
        code = pair_msg.CloseCode.TAMPERED if reason in _NOTIFIED_BY_CLOSE_CODE else None
        if reason is Reason.DEVICE_LINKED:
            code = pair_msg.CloseCode.LINKED_ALREADY
        return [*published, *self._leave(code)]

    def _leave(self, code: pair_msg.CloseCode | None = None) -> list[do.Command]:
        self.state = GuestState.ENDED
        return self._close_socket(code)

    def _close_socket(self, code: pair_msg.CloseCode | None = None) -> list[do.Command]:
        hang_up: list[do.Command] = (
            [pair_do.CloseConnection(self.connection, code)] if self._hangs_up else []
        )
        return [
            do.CancelTimer(self._timer(ev.TimerName.DIAL)),
            do.CancelTimer(self._timer(ev.TimerName.ANSWER)),
            *([] if self._known is None else [do.CancelTimer(self._timer(ev.TimerName.SEARCH))]),
            *hang_up,
        ]

    def _timer(self, name: ev.TimerName) -> ev.Timer:
        return ev.LinkTimer(name, self.link.id)

    # --- messages of the host ---------------------------------------------------------------------

    def _read(self, event: pair_ev.FrameReceived) -> HostMessage:
        """Return what a frame says, or how it is wrong in this state."""
        try:
            message = pair_msg.parse_message(event.text)
        except MessageError as error:
            return pair_ev.FrameRefused(event.connection, error.reason)
        if not TRANSITIONS.knows(self.state, message):
            # A host may not send this message in this state.
            return pair_ev.FrameRefused(event.connection, Reason.NOT_ALLOWED)
        # An error need not name the session.
        if message.session_id not in (self._name, None):
            return OtherSession()
        return message

    def _wrong_frame(self, event: pair_ev.FrameRefused, now: float) -> list[do.Command]:
        """End the attempt because of a frame that no honest host sends.

        If the host has proved itself, somebody changed the frame on its way.
        """
        if self.state is GuestState.PROVING:
            return self._unproven(Reason.HOST_ERROR, now)
        return self._end(Reason.TAMPERED if self._signaling.proved else Reason.HOST_ERROR, now)

    def _other_session(self, event: OtherSession, now: float) -> list[do.Command]:
        if self.state is GuestState.PROVING:
            return self._unproven(Reason.HOST_ERROR, now)
        return self._end(Reason.HOST_ERROR if self._keys is None else Reason.TAMPERED, now)

    # --- signals ----------------------------------------------------------------------------------

    def _described(self, event: link_ev.PeerDescribed, now: float) -> list[do.Command]:
        offer = self._signaling.seal(self._name, pair_msg.Description(event.sdp, event.type))
        return [pair_do.Send(self.connection, offer), self.link.publish(stage=st.Stage.CONNECTING)]

    def _signal(self, event: pair_msg.Signal, now: float) -> list[do.Command]:
        try:
            payload = self._signaling.receive(event)
        except MessageError as error:
            tampered = error.reason is Reason.TAMPERED
            return self._end(Reason.TAMPERED if tampered else Reason.BAD_DESCRIPTION, now)
        return self.link.signalled(payload)

    def _lost_while_linking(self, event: pair_ev.ConnectionLost, now: float) -> list[do.Command]:
        self._hangs_up = False
        if self._signaling.warned_by(event.code):
            return self._end(Reason.TAMPERED, now)
        # If the host has answered, the link may still open.
        answered = self._signaling.described
        return [] if answered else self._fail(Reason.HOST_GONE, now)

    def _lost_while_linked(self, event: pair_ev.ConnectionLost, now: float) -> list[do.Command]:
        self._hangs_up = False
        warned = self._signaling.warned_by(event.code)
        # The open link does not need the WebSocket.
        return self._end(Reason.TAMPERED, now) if warned else []

    # --- the link ---------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[do.Command]:
        commands = self.link.handle(event, now)
        if self.link.state is LinkState.OPEN:
            self.state = GuestState.LINKED
            self._resume_by = None
        elif self.link.state is LinkState.CLOSED:
            return self._after_link(commands, now)
        return commands

    def _after_link(self, closing: list[do.Command], now: float) -> list[do.Command]:
        vanished = self.link.status.reason is Reason.PEER_VANISHED
        if self.state is GuestState.LINKED and vanished and self._resume_keys is not None:
            self._resume_by = now + RESUME_SECONDS
            return [*closing, *self._wait(now, pause=0)]
        if self._resume_by is not None and now < self._resume_by:
            return [*closing, *self._wait(now)]
        return [*closing, self.link.publish_end(), *self._leave()]

    def _disconnect(self, event: ev.Disconnect, now: float) -> list[do.Command]:
        return self._end(Reason.DISCONNECTED, now, bye=Reason.DISCONNECTED)

    def _give_way(self, event: GiveWay, now: float) -> list[do.Command]:
        return self._end(Reason.DEVICE_LINKED, now, bye=Reason.DEVICE_LINKED)

    def _device_forgotten(self, event: DeviceForgotten, now: float) -> list[do.Command]:
        return self._end(Reason.FORGOTTEN_HERE, now, bye=Reason.DISCONNECTED)

    def _device_forgotten_while_reconnecting(
        self, event: DeviceForgotten, now: float
    ) -> list[do.Command]:
        return [
            do.CancelTimer(self._timer(ev.TimerName.REDIAL)),
            *self._end(Reason.FORGOTTEN_HERE, now),
        ]

    def _disconnect_while_reconnecting(self, event: ev.Disconnect, now: float) -> list[do.Command]:
        return [
            do.CancelTimer(self._timer(ev.TimerName.REDIAL)),
            *self._end(Reason.DISCONNECTED, now),
        ]


_S = GuestState

# An attempt that failed: the guest dials again while a lost link may be resumed, or it ends.
_FAILED: Final = (_S.RECONNECTING, _S.ENDED)
# Whoever answered did not prove to be the known device that may be elsewhere.
_ELSEWHERE: Final = (_S.DIALING, _S.SEARCHING)

TRANSITIONS: Final = TransitionTable(
    {
        _S.DIALING: {
            pair_ev.ConnectionOpened: (Guest._dialled, {_S.PROVING, _S.ASKING, _S.ENDED}),
            pair_ev.DialFailed: (Guest._dial_failed, {*_FAILED, *_ELSEWHERE}),
            PlacesSeen: (Guest._places_seen, {_S.DIALING}),
            ev.TimerName.DIAL: (Guest._no_answer, {*_FAILED, *_ELSEWHERE}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.SEARCHING: {
            PlacesSeen: (Guest._places_seen_while_searching, {*_ELSEWHERE}),
            ev.TimerName.SEARCH: (Guest._not_found, {_S.ENDED}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.PROVING: {
            pair_msg.PairChallenge: (Guest._challenged, {_S.ASKING, _S.ENDED, *_ELSEWHERE}),
            pair_msg.PairResult: (Guest._result_without_proof, {*_FAILED, *_ELSEWHERE}),
            pair_msg.ErrorMessage: (Guest._error, {*_FAILED, *_ELSEWHERE}),
            OtherSession: (Guest._other_session, {_S.ENDED, *_ELSEWHERE}),
            pair_ev.ConnectionLost: (Guest._host_gone, {*_FAILED, *_ELSEWHERE}),
            pair_ev.FrameRefused: (Guest._wrong_frame, {_S.ENDED, *_ELSEWHERE}),
            # What could be found has been found by then (CHALLENGE_SECONDS, SEARCH_SECONDS).
            ev.TimerName.ANSWER: (Guest._no_challenge, {*_FAILED, _S.DIALING}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.ASKING: {
            pair_msg.PairResult: (Guest._result, {_S.LINKING, *_FAILED, *_ELSEWHERE}),
            pair_msg.ErrorMessage: (Guest._error, {*_FAILED}),
            pair_msg.SessionEnded: (Guest._session_ended, {_S.ENDED}),
            OtherSession: (Guest._other_session, {_S.ENDED}),
            pair_ev.ConnectionLost: (Guest._host_gone, {*_FAILED}),
            pair_ev.FrameRefused: (Guest._wrong_frame, {_S.ENDED}),
            ev.TimerName.ANSWER: (Guest._answer_timeout, {*_FAILED}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.LINKING: {
            pair_msg.Signal: (Guest._signal, {_S.LINKING, _S.ENDED}),
            pair_msg.ErrorMessage: (Guest._error, {*_FAILED}),
            pair_msg.SessionEnded: (Guest._session_ended, {_S.ENDED}),
            OtherSession: (Guest._other_session, {_S.ENDED}),
            pair_ev.ConnectionLost: (Guest._lost_while_linking, {_S.LINKING, *_FAILED}),
            pair_ev.FrameRefused: (Guest._wrong_frame, {_S.ENDED}),
            link_ev.PeerDescribed: (Guest._described, {_S.LINKING}),
            link_ev.ChannelOpened: (Guest._link_event, {_S.LINKED}),
            link_ev.PeerFailed: (Guest._link_event, {_S.LINKING, _S.LINKED, *_FAILED}),
            ev.TimerName.LINK_OPEN: (Guest._link_event, {*_FAILED}),
            link_ev.LaneOpened: (Guest._link_event, {_S.LINKING, _S.LINKED}),
            link_ev.LaneLost: (Guest._link_event, {_S.LINKING, *_FAILED}),
            ev.TimerName.LANE: (Guest._link_event, {_S.LINKING}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.LINKED: {
            pair_msg.Signal: (Guest._signal, {_S.LINKED, _S.ENDED}),
            pair_msg.ErrorMessage: (Guest._error, {_S.ENDED}),
            pair_msg.SessionEnded: (Guest._session_ended, {_S.ENDED}),
            OtherSession: (Guest._other_session, {_S.ENDED}),
            pair_ev.ConnectionLost: (Guest._lost_while_linked, {_S.LINKED, _S.ENDED}),
            pair_ev.FrameRefused: (Guest._wrong_frame, {_S.ENDED}),
            link_ev.ChannelOpened: (Guest._link_event, {_S.LINKED}),
            link_ev.ChannelMessage: (Guest._link_event, {_S.LINKED, _S.ENDED}),
            link_ev.ChannelClosed: (Guest._link_event, {_S.LINKED, *_FAILED}),
            link_ev.PeerFailed: (Guest._link_event, {_S.LINKED, *_FAILED}),
            ev.TimerName.HEARTBEAT: (Guest._link_event, {_S.LINKED, *_FAILED}),
            link_ev.LaneOpened: (Guest._link_event, {_S.LINKED}),
            link_ev.LaneLost: (Guest._link_event, {_S.LINKED, *_FAILED}),
            ev.TimerName.LANE: (Guest._link_event, {_S.LINKED}),
            GiveWay: (Guest._give_way, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect, {_S.ENDED}),
        },
        _S.RECONNECTING: {
            ev.TimerName.REDIAL: (Guest._redial, {_S.DIALING, _S.ENDED}),
            DeviceForgotten: (Guest._device_forgotten_while_reconnecting, {_S.ENDED}),
            ev.Disconnect: (Guest._disconnect_while_reconnecting, {_S.ENDED}),
        },
    },
    # In the first four states these events belong to the link that was lost. In LINKED, the
    # description belongs to the peer that was closed for the lane.
    stale={
        **{
            kind: {_S.DIALING, _S.PROVING, _S.ASKING, _S.RECONNECTING}
            for kind in link_ev.LINK_EVENTS
        },
        link_ev.PeerDescribed: {_S.DIALING, _S.PROVING, _S.ASKING, _S.RECONNECTING, _S.LINKED},
        # Whoever answers is heard first.
        PlacesSeen: {_S.PROVING},
    },
    calls={"refuse": {_S.DIALING: {_S.ENDED}}},
)
