"""The guest: one attempt to join a host, from the dial to the end of its link, as a table of transitions.

```
  DIALING --socket open--> PROVING --challenge--> ASKING --approved--> LINKING --channel--> LINKED
     |  4 s, refused          |  10 s, wrong          |  rejected, 45 s     |  15 s, failed      |  bye, silence
     +------------------------+-----------------------+---------------------+--------------------+----> ENDED
```
With a link that holds no secret there is nothing to prove, and PROVING is passed over. A guest that holds one fails
closed: no challenge, a wrong tag, a wrong MAC end the attempt, and it never retries by itself. Must never be here:
sockets, clocks, the link's own life (link.py).
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    Command,
    Dial,
    Publish,
    Send,
    SetTimer,
)
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.events import (
    ChannelClosed,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    Disconnect,
    FrameReceived,
    FrameRefused,
    LinkID,
    PeerDescribed,
    PeerFailed,
    SendText,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.host_code import JoinTarget
from proxim.core.json_text import MessageError
from proxim.core.link import Link, LinkInput, LinkState
from proxim.core.messages import (
    CloseCode,
    Description,
    DeviceInfo,
    ErrorMessage,
    PairChallenge,
    PairConfirm,
    PairRequest,
    PairResult,
    SDPType,
    SessionEnded,
    Signal,
    parse_message,
)
from proxim.core.proof import ProofError, ProofKeys, Side, tag_auth, tag_matches
from proxim.core.proving import GuestProof, Prover, start_guest_proof
from proxim.core.session import APPROVAL_SECONDS
from proxim.core.signaling import Signaling
from proxim.core.status import LinkStatus, PairOutcome, Stage

DIAL_SECONDS: Final = 4.0  # a LAN answers in milliseconds; a firewall that drops never does (the limit)
CHALLENGE_SECONDS: Final = 10.0  # a host answers within milliseconds; as long as its own challenge lives
ANSWER_SECONDS: Final = APPROVAL_SECONDS + 5.0  # the host's clock decides; this is for a host that fell silent


class GuestState(Enum):
    """Where an attempt is."""

    DIALING = "dialing"
    PROVING = "proving"
    ASKING = "asking"
    LINKING = "linking"
    LINKED = "linked"
    ENDED = "ended"


GuestEvent = (
    ConnectionOpened
    | DialFailed
    | FrameReceived
    | FrameRefused
    | ConnectionLost
    | TimerFired
    | PeerDescribed
    | ChannelOpened
    | ChannelMessage
    | ChannelClosed
    | PeerFailed
    | SendText
    | Disconnect
)


class Guest:
    """See the module."""

    def __init__(
        self, target: JoinTarget, device: DeviceInfo, link_id: LinkID, connection: ConnectionID, prover: Prover
    ) -> None:
        self.state = GuestState.DIALING
        self.connection = connection
        self.link = Link(
            LinkStatus(link_id, target.session_id, Stage.DIALING, peer_address=target.authority), device.name
        )
        self._target = target
        self._device = device
        self._prover = prover
        self._proof: GuestProof | None = None
        self._keys: ProofKeys | None = None
        self._signaling = Signaling(Side.GUEST, target.address, None)
        self._hangs_up = True  # the WebSocket, or its dial, is still ours to end

    def start(self) -> list[Command]:
        """Commands for an attempt just made."""
        return [
            Publish(self.link.status),
            SetTimer(self._timer(TimerName.DIAL), DIAL_SECONDS),
            Dial(self.connection, self._target.websocket_url),
        ]

    def handle(self, event: GuestEvent, now: float) -> list[Command]:
        """Take one event; look at `state` afterwards. Raises MachineMisuseError for a pair that is not in the table."""
        kind = event.timer.name if isinstance(event, TimerFired) else type(event)
        transition = _TRANSITIONS.get((self.state, kind))
        if transition is None:
            raise MachineMisuseError(f"{kind} in {self.state}")
        return transition(self, event, now)

    # --- reaching the host -----------------------------------------------------------------------------------------

    def _dialled(self, event: ConnectionOpened, now: float) -> list[Command]:
        opened: list[Command] = [CancelTimer(self._timer(TimerName.DIAL))]
        try:
            self._proof = start_guest_proof(self._target, self._device, self._prover)
        except ProofError:
            return [*opened, *self._end(Reason.LINK_UNREADABLE)]
        if self._proof is None:
            request = PairRequest(self._target.session_id, self._device)
            return [*opened, Send(self.connection, request), *self._ask(now)]
        self.state = GuestState.PROVING
        return [
            *opened,
            SetTimer(self._timer(TimerName.ANSWER), CHALLENGE_SECONDS),
            Send(self.connection, PairRequest(self._target.session_id, self._device, self._proof.auth)),
        ]

    def _ask(self, now: float) -> list[Command]:
        self.state = GuestState.ASKING
        return [
            SetTimer(self._timer(TimerName.ANSWER), ANSWER_SECONDS),
            self.link.tell(stage=Stage.ASKING, deadline=now + APPROVAL_SECONDS),
        ]

    def _dial_failed(self, event: DialFailed, now: float) -> list[Command]:
        self._hangs_up = False
        return self._end(event.reason)

    def _no_answer(self, event: TimerFired, now: float) -> list[Command]:
        return self._end(Reason.NO_ANSWER)

    # --- proof -----------------------------------------------------------------------------------------------------

    def _challenged(self, event: PairChallenge, now: float) -> list[Command]:
        assert self._proof is not None  # PROVING has one
        try:
            self._keys = self._proof.finish(event.auth)
        except ProofError:
            return self._end(Reason.HOST_UNPROVEN)
        confirm = PairConfirm(self._target.session_id, tag_auth(self._keys.guest_tag()))
        return [Send(self.connection, confirm), *self._ask(now)]

    def _result_without_proof(self, event: PairResult, now: float) -> list[Command]:
        """A host may turn us away before any proof; one that lets us in without it is not ours."""
        return self._end(Reason.HOST_UNPROVEN) if event.approved else self._result(event, now)

    def _no_challenge(self, event: TimerFired, now: float) -> list[Command]:
        return self._end(Reason.HOST_UNPROVEN)

    # --- the host's answer -----------------------------------------------------------------------------------------

    def _result(self, event: PairResult, now: float) -> list[Command]:
        if not event.approved:
            reason = _known(event.reason, _REJECTIONS, Reason.DECLINED)
            outcome = Publish(PairOutcome(self._target.session_id, approved=False, reason=reason))
            return [outcome, *self._end(reason)]
        if self._keys is not None:
            if event.auth is None or not tag_matches(self._keys.host_tag("approved"), event.auth.t):
                return self._end(Reason.HOST_UNPROVEN)
            self._signaling = Signaling(Side.GUEST, self._target.address, self._keys)
        self.state = GuestState.LINKING
        return [
            CancelTimer(self._timer(TimerName.ANSWER)),
            Publish(PairOutcome(self._target.session_id, approved=True)),
            self.link.tell(stage=Stage.APPROVED, deadline=None, verified=self._proof and self._proof.method.verified),
            *self.link.open(offerer=True),
        ]

    def _answer_timeout(self, event: TimerFired, now: float) -> list[Command]:
        outcome = Publish(PairOutcome(self._target.session_id, approved=False, reason=Reason.TIMEOUT))
        return [outcome, *self._end(Reason.TIMEOUT)]

    def _frame(self, event: FrameReceived, now: float) -> list[Command]:
        try:
            message = parse_message(event.text)
        except MessageError:
            return self._wrong_frame()
        answer = _MESSAGES.get((self.state, type(message)))
        if answer is None:
            return self._wrong_frame()  # a message of the protocol, at a moment when no host may send it
        if message.session_id not in (self._target.session_id, None):  # an error need not name it
            return self._end(Reason.HOST_ERROR if self._keys is None else Reason.TAMPERED)
        return answer(self, message, now)

    def _wrong_frame(self) -> list[Command]:
        """No host sends that; from one that has proved itself, somebody changed it on its way."""
        return self._end(Reason.TAMPERED if self._signaling.proved else Reason.HOST_ERROR)

    def _error(self, event: ErrorMessage, now: float) -> list[Command]:
        return self._end(_known(event.code, _LINK_FAILURES, Reason.HOST_ERROR))

    def _session_ended(self, event: SessionEnded, now: float) -> list[Command]:
        return self._end(_known(event.reason, (*_REJECTIONS, Reason.PEER_VANISHED), Reason.CLOSED))

    def _host_gone(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        return self._end(Reason.HOST_GONE)

    def _strange_frame(self, event: FrameRefused, now: float) -> list[Command]:
        return self._wrong_frame()

    # --- signals ---------------------------------------------------------------------------------------------------

    def _described(self, event: PeerDescribed, now: float) -> list[Command]:
        offer = self._signaling.seal(self._target.session_id, Description(event.sdp, event.type))
        return [Send(self.connection, offer), self.link.tell(stage=Stage.CONNECTING)]

    def _signal(self, event: Signal, now: float) -> list[Command]:
        try:
            payload = self._signaling.take(event)
        except MessageError as error:
            return self._end(Reason.TAMPERED if error.reason is Reason.TAMPERED else Reason.BAD_DESCRIPTION)
        if isinstance(payload, Description):
            return [ApplyDescription(self.link.id, SDPType.ANSWER, payload.sdp)]
        return [] if payload is None else [AddCandidate(self.link.id, payload)]

    def _lost_while_linking(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        if self._signaling.warned_by(event.code):
            return self._end(Reason.TAMPERED)
        return [] if self._signaling.described else self._end(Reason.HOST_GONE)  # answered: the link may still open

    def _lost_while_linked(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        warned = self._signaling.warned_by(event.code)
        return self._end(Reason.TAMPERED) if warned else []  # the link stands on its own

    # --- the link --------------------------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[Command]:
        commands = self.link.handle(event, now)
        if self.link.state is LinkState.OPEN:
            self.state = GuestState.LINKED
        elif self.link.state is LinkState.CLOSED:
            commands += self._leave()
        return commands

    def _disconnect(self, event: Disconnect, now: float) -> list[Command]:
        return [*self.link.close(Reason.DISCONNECTED, bye=Reason.DISCONNECTED), *self._leave()]

    # --- the end ---------------------------------------------------------------------------------------------------

    def _end(self, reason: Reason) -> list[Command]:
        return [*self.link.close(reason), *self._leave(CloseCode.TAMPERED if reason in _TOLD_TO_THE_HOST else None)]

    def _leave(self, code: CloseCode | None = None) -> list[Command]:
        self.state = GuestState.ENDED
        hang_up: list[Command] = [CloseConnection(self.connection, code)] if self._hangs_up else []
        return [CancelTimer(self._timer(TimerName.DIAL)), CancelTimer(self._timer(TimerName.ANSWER)), *hang_up]

    def _timer(self, name: TimerName) -> Timer:
        return Timer(name, self.link.id)


# What a host may say, in our words; anything else a newer host may say becomes the general reason beside it.
_REJECTIONS: Final = (
    Reason.DECLINED,
    Reason.TIMEOUT,
    Reason.EXPIRED,
    Reason.BUSY,
    Reason.UNKNOWN_SESSION,
    Reason.NOT_VERIFIED,
    Reason.CLOSED,
    Reason.TOO_MANY_TRIES,
    Reason.TAMPERED,
)
# For these the close code (4401) tells the host: it has approved us, perhaps, and cannot see that somebody stands
# between.
_TOLD_TO_THE_HOST: Final = (Reason.TAMPERED, Reason.HOST_UNPROVEN)
_LINK_FAILURES: Final = (Reason.ICE_FAILED, Reason.LINK_TIMEOUT, Reason.NO_OFFER, Reason.BAD_DESCRIPTION)


def _known(text: str | None, known: tuple[Reason, ...], otherwise: Reason) -> Reason:
    return next((reason for reason in known if reason.value == text), otherwise)


_Transition = Callable[[Guest, Any, float], list[Command]]

# What the host may say, and when: anything else is a host's mistake and ends the attempt.
_MESSAGES: Final[dict[tuple[GuestState, type], _Transition]] = {
    (GuestState.PROVING, PairChallenge): Guest._challenged,
    (GuestState.PROVING, PairResult): Guest._result_without_proof,
    (GuestState.PROVING, ErrorMessage): Guest._error,
    (GuestState.ASKING, PairResult): Guest._result,
    (GuestState.ASKING, ErrorMessage): Guest._error,
    (GuestState.ASKING, SessionEnded): Guest._session_ended,
    (GuestState.LINKING, Signal): Guest._signal,
    (GuestState.LINKING, ErrorMessage): Guest._error,
    (GuestState.LINKING, SessionEnded): Guest._session_ended,
    (GuestState.LINKED, Signal): Guest._signal,
    (GuestState.LINKED, ErrorMessage): Guest._error,
    (GuestState.LINKED, SessionEnded): Guest._session_ended,
}

_TRANSITIONS: Final[dict[tuple[GuestState, type | TimerName], _Transition]] = {
    (GuestState.DIALING, ConnectionOpened): Guest._dialled,
    (GuestState.DIALING, DialFailed): Guest._dial_failed,
    (GuestState.DIALING, TimerName.DIAL): Guest._no_answer,
    (GuestState.DIALING, SendText): Guest._link_event,
    (GuestState.DIALING, Disconnect): Guest._disconnect,
    (GuestState.PROVING, FrameReceived): Guest._frame,
    (GuestState.PROVING, ConnectionLost): Guest._host_gone,
    (GuestState.PROVING, FrameRefused): Guest._strange_frame,
    (GuestState.PROVING, TimerName.ANSWER): Guest._no_challenge,
    (GuestState.PROVING, SendText): Guest._link_event,
    (GuestState.PROVING, Disconnect): Guest._disconnect,
    (GuestState.ASKING, FrameReceived): Guest._frame,
    (GuestState.ASKING, ConnectionLost): Guest._host_gone,
    (GuestState.ASKING, FrameRefused): Guest._strange_frame,
    (GuestState.ASKING, TimerName.ANSWER): Guest._answer_timeout,
    (GuestState.ASKING, SendText): Guest._link_event,
    (GuestState.ASKING, Disconnect): Guest._disconnect,
    (GuestState.LINKING, FrameReceived): Guest._frame,
    (GuestState.LINKING, ConnectionLost): Guest._lost_while_linking,
    (GuestState.LINKING, FrameRefused): Guest._strange_frame,
    (GuestState.LINKING, PeerDescribed): Guest._described,
    (GuestState.LINKING, ChannelOpened): Guest._link_event,
    (GuestState.LINKING, PeerFailed): Guest._link_event,
    (GuestState.LINKING, TimerName.LINK_OPEN): Guest._link_event,
    (GuestState.LINKING, SendText): Guest._link_event,
    (GuestState.LINKING, Disconnect): Guest._disconnect,
    (GuestState.LINKED, FrameReceived): Guest._frame,
    (GuestState.LINKED, ConnectionLost): Guest._lost_while_linked,
    (GuestState.LINKED, FrameRefused): Guest._strange_frame,
    (GuestState.LINKED, ChannelOpened): Guest._link_event,
    (GuestState.LINKED, ChannelMessage): Guest._link_event,
    (GuestState.LINKED, ChannelClosed): Guest._link_event,
    (GuestState.LINKED, PeerFailed): Guest._link_event,
    (GuestState.LINKED, TimerName.HEARTBEAT): Guest._link_event,
    (GuestState.LINKED, SendText): Guest._link_event,
    (GuestState.LINKED, Disconnect): Guest._disconnect,
}
