"""The guest: one attempt to join a host, from the dial to the end of its link, as a table of
transitions.

```
  DIALING --socket open--> PROVING --challenge--> ASKING --approved--> LINKING --channel--> LINKED
     |  4 s, refused          |  10 s, wrong          |  rejected, 45 s     |  15 s, failed      |
     |                        |                       |                     |     bye, silence
     +------------------------+-----------------------+---------------------+--------> ENDED
```
With a link that holds no secret there is nothing to prove, and PROVING is passed over. A guest that
holds one fails
closed: no challenge, a wrong tag, a wrong MAC end the attempt, and it never asks a second time by
itself.

A link that fell silent after a proof is taken up again: RECONNECTING, and the same way once more,
with a secret that came out of that proof, in place of the code; until it is LINKED, or 2 minutes
are over, or the host says no, or cannot prove itself.
"""

from collections.abc import Callable
from typing import Any, Final

from proxim.core.commands import CancelTimer, Command, Publish, Send
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    Disconnect,
    FrameReceived,
    FrameRefused,
    SendText,
    TimerFired,
    TimerName,
)
from proxim.core.json_text import MessageError
from proxim.core.link.commands import AddCandidate, ApplyDescription
from proxim.core.link.events import (
    ChannelClosed,
    ChannelMessage,
    ChannelOpened,
    LaneLost,
    LaneOpened,
    LinkEvent,
    PeerDescribed,
    PeerFailed,
)
from proxim.core.link.link import LinkInput, LinkState
from proxim.core.link.resuming import RESUME_SECONDS, untold
from proxim.core.pairing.guest_pairing import GuestState, PairingGuest
from proxim.core.pairing.messages import (
    Description,
    ErrorMessage,
    PairChallenge,
    PairResult,
    SDPType,
    SessionEnded,
    Signal,
    parse_message,
)
from proxim.core.status import Stage, Trouble, Via

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
    | LaneOpened
    | LaneLost
    | SendText
    | Disconnect
)


class Guest(PairingGuest):
    """See the module."""

    def handle(self, event: GuestEvent, now: float) -> list[Command]:
        """Take one event; look at `state` afterwards.

        Raises MachineMisuseError for a pair that is not in the table.
        """
        kind = event.timer.name if isinstance(event, TimerFired) else type(event)
        if self.resumes and self.link.state is LinkState.CLOSED and isinstance(event, LinkEvent):
            return []  # of the link that was lost; this crossed on the way
        transition = _TRANSITIONS.get((self.state, kind))
        if transition is None:
            raise MachineMisuseError(f"{kind} in {self.state}")
        return transition(self, event, now)

    def _frame(self, event: FrameReceived, now: float) -> list[Command]:
        try:
            message = parse_message(event.text)
        except MessageError:
            return self._wrong_frame()
        answer = _MESSAGES.get((self.state, type(message)))
        if answer is None:
            # A message of the protocol, at a moment when no host may send it
            return self._wrong_frame()
        if message.session_id not in (self._name, None):  # an error need not name it
            return self._end(Reason.HOST_ERROR if self._keys is None else Reason.TAMPERED)
        return answer(self, message, now)

    def _wrong_frame(self) -> list[Command]:
        """No host sends that; from one that has proved itself, somebody changed it on its way."""
        return self._end(Reason.TAMPERED if self._signaling.proved else Reason.HOST_ERROR)

    def _strange_frame(self, event: FrameRefused, now: float) -> list[Command]:
        return self._wrong_frame()

    # --- signals ----------------------------------------------------------------------------------

    def _described(self, event: PeerDescribed, now: float) -> list[Command]:
        offer = self._signaling.seal(self._name, Description(event.sdp, event.type))
        return [Send(self.connection, offer), self.link.tell(stage=Stage.CONNECTING)]

    def _described_late(self, event: PeerDescribed, now: float) -> list[Command]:
        return []  # of the peer that was closed for the lane; it crossed

    def _signal(self, event: Signal, now: float) -> list[Command]:
        try:
            payload = self._signaling.take(event)
        except MessageError as error:
            return self._end(
                Reason.TAMPERED if error.reason is Reason.TAMPERED else Reason.BAD_DESCRIPTION
            )
        if self.link.status.via is Via.LANE:
            return []  # it crossed with the lane that carries the link now
        if isinstance(payload, Description):
            return [ApplyDescription(self.link.id, SDPType.ANSWER, payload.sdp)]
        return [] if payload is None else [AddCandidate(self.link.id, payload)]

    def _lost_while_linking(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        if self._signaling.warned_by(event.code):
            return self._end(Reason.TAMPERED)
        answered = self._signaling.described  # then the link may still open
        return [] if answered else self._fail(Reason.HOST_GONE, now)

    def _lost_while_linked(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        warned = self._signaling.warned_by(event.code)
        return self._end(Reason.TAMPERED) if warned else []  # the link stands on its own

    # --- the link ---------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[Command]:
        commands = self.link.handle(event, now)
        if self.link.state is LinkState.OPEN:
            self.state = GuestState.LINKED
            self._resume_by = None
        elif self.link.state is LinkState.CLOSED:
            return self._after_link(commands, now)
        return commands

    def _after_link(self, closing: list[Command], now: float) -> list[Command]:
        vanished = self.link.status.reason is Reason.PEER_VANISHED
        if self.state is GuestState.LINKED and vanished and self._resume_keys is not None:
            self._resume_by = now + RESUME_SECONDS
            return [*untold(self.link, closing), *self._wait(now, pause=0)]
        if self._resume_by is not None and now < self._resume_by:
            return [*untold(self.link, closing), *self._wait(now)]
        return [*closing, *self._leave()]

    def _disconnect(self, event: Disconnect, now: float) -> list[Command]:
        return self._end(Reason.DISCONNECTED, bye=Reason.DISCONNECTED)

    def _disconnect_while_reconnecting(self, event: Disconnect, now: float) -> list[Command]:
        return [CancelTimer(self._timer(TimerName.REDIAL)), *self._end(Reason.DISCONNECTED)]

    def _write_in_vain(self, event: SendText, now: float) -> list[Command]:
        return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), self.link.id))]


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
    (GuestState.DIALING, SendText): Guest._write_in_vain,
    (GuestState.DIALING, Disconnect): Guest._disconnect,
    (GuestState.PROVING, FrameReceived): Guest._frame,
    (GuestState.PROVING, ConnectionLost): Guest._host_gone,
    (GuestState.PROVING, FrameRefused): Guest._strange_frame,
    (GuestState.PROVING, TimerName.ANSWER): Guest._no_challenge,
    (GuestState.PROVING, SendText): Guest._write_in_vain,
    (GuestState.PROVING, Disconnect): Guest._disconnect,
    (GuestState.ASKING, FrameReceived): Guest._frame,
    (GuestState.ASKING, ConnectionLost): Guest._host_gone,
    (GuestState.ASKING, FrameRefused): Guest._strange_frame,
    (GuestState.ASKING, TimerName.ANSWER): Guest._answer_timeout,
    (GuestState.ASKING, SendText): Guest._write_in_vain,
    (GuestState.ASKING, Disconnect): Guest._disconnect,
    (GuestState.LINKING, FrameReceived): Guest._frame,
    (GuestState.LINKING, ConnectionLost): Guest._lost_while_linking,
    (GuestState.LINKING, FrameRefused): Guest._strange_frame,
    (GuestState.LINKING, PeerDescribed): Guest._described,
    (GuestState.LINKING, ChannelOpened): Guest._link_event,
    (GuestState.LINKING, PeerFailed): Guest._link_event,
    (GuestState.LINKING, TimerName.LINK_OPEN): Guest._link_event,
    (GuestState.LINKING, LaneOpened): Guest._link_event,
    (GuestState.LINKING, LaneLost): Guest._link_event,
    (GuestState.LINKING, TimerName.LANE): Guest._link_event,
    (GuestState.LINKING, SendText): Guest._link_event,
    (GuestState.LINKING, Disconnect): Guest._disconnect,
    (GuestState.LINKED, FrameReceived): Guest._frame,
    (GuestState.LINKED, ConnectionLost): Guest._lost_while_linked,
    (GuestState.LINKED, FrameRefused): Guest._strange_frame,
    (GuestState.LINKED, PeerDescribed): Guest._described_late,
    (GuestState.LINKED, ChannelOpened): Guest._link_event,
    (GuestState.LINKED, ChannelMessage): Guest._link_event,
    (GuestState.LINKED, ChannelClosed): Guest._link_event,
    (GuestState.LINKED, PeerFailed): Guest._link_event,
    (GuestState.LINKED, TimerName.HEARTBEAT): Guest._link_event,
    (GuestState.LINKED, LaneOpened): Guest._link_event,
    (GuestState.LINKED, LaneLost): Guest._link_event,
    (GuestState.LINKED, TimerName.LANE): Guest._link_event,
    (GuestState.LINKED, SendText): Guest._link_event,
    (GuestState.LINKED, Disconnect): Guest._disconnect,
    (GuestState.RECONNECTING, TimerName.REDIAL): Guest._redial,
    (GuestState.RECONNECTING, SendText): Guest._write_in_vain,
    (GuestState.RECONNECTING, Disconnect): Guest._disconnect_while_reconnecting,
}
