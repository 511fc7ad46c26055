"""One session at the host: from the code on the screen to the end of its link, as a table of transitions.

```
  OPEN --pair_request--> ASKED --approve--> LINKING --channel--> LINKED
   ^ ^                     |                   |                    |
   | +--declined, timeout, +                   |                    |
   |    guest left                             |                    |
   +----------- the attempt failed ------------+                    |
   +----------- temporary, persistent: the guest may come back -----+
  any --expired, ended by the host, one-time link over--> ENDED
```
Must never be here: which session a message means (host.py), sockets, clocks, words for people.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    Command,
    Publish,
    Send,
    SetTimer,
)
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    ChannelClosed,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    Decide,
    Disconnect,
    LinkID,
    PeerDescribed,
    PeerFailed,
    SendText,
    SessionType,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.json_text import MessageError
from proxim.core.link import OPEN_SECONDS, Link, LinkInput, LinkState
from proxim.core.messages import (
    CloseCode,
    Description,
    DeviceInfo,
    PairResult,
    SDPType,
    SessionEnded,
)
from proxim.core.proof import Side
from proxim.core.replies import host_tag, refusal, rejection
from proxim.core.session_inputs import Ask, End, Guest, GuestSignal, SessionInput, TurnAway
from proxim.core.session_states import SessionState, SessionStatus
from proxim.core.signaling import Signaling
from proxim.core.status import LinkStatus, PairOutcome, Prompt, Stage, Trouble
from proxim.core.texts import display_id, display_name

APPROVAL_SECONDS: Final = 40.0  # the seed: "Pairing requests expire after 40 seconds"
MAX_IGNORED: Final = 2  # unproved requests of one address that may run out unanswered; a person looked away once
SESSION_SECONDS: Final = 15 * 60.0  # the seed: "Sessions expire after 15 minutes or per session type"
# A guest may close its WebSocket as soon as its side of the link is open, which may be before ours is: time for the
# channel's opening to be sent once more (SCTP after 1 s, then 2 s), and no longer, for the guest may have given up.
LOST_SOCKET_SECONDS: Final = 4.0


class Session:
    """See the module. `now` everywhere: seconds of a monotonic clock."""

    def __init__(
        self,
        session_id: str,
        session_type: SessionType,
        lifetime: float | None,
        now: float,
        own_name: str,
        new_link_id: Callable[[], LinkID],
    ) -> None:
        self.id = session_id
        self.type = session_type
        self.lifetime = None if session_type is SessionType.PERSISTENT else lifetime or SESSION_SECONDS
        self.expires = None if self.lifetime is None else now + self.lifetime
        self.own_name = own_name
        self.state = SessionState.OPEN
        self.guest: Guest | None = None  # None: nobody, or the link outlived its WebSocket
        self.link: Link | None = None
        self.end_reason: Reason | None = None
        self._new_link_id = new_link_id
        self._answered = False
        self._open_by = 0.0
        self._overdue = False
        self._rejected = False
        self._asked = 0  # prompts so far; each has its number
        self._unanswered = False  # one went away before its answer: from then on an answer must say which it means
        self._ignored: Counter[str] = Counter()  # unproved requests that nobody answered, by address
        self._muted: set[str] = set()  # addresses that were declined: only a proof gets them a second prompt
        self._signaling = Signaling(Side.HOST, "", None)  # with the guest being linked

    def trusts(self, connection: ConnectionID) -> bool:
        """Whether this WebSocket is an approved guest's that proved itself: what it says wrong, somebody changed."""
        return self.serves(connection) and self._signaling.proved

    @property
    def status(self) -> SessionStatus:
        """The session's status in the words of docs/protocol.md."""
        if self.end_reason is Reason.EXPIRED:
            return SessionStatus.EXPIRED
        if self.state in (SessionState.LINKING, SessionState.LINKED) or self.link is not None:
            return SessionStatus.APPROVED
        return SessionStatus.REJECTED if self._rejected else SessionStatus.PENDING

    def serves(self, connection: ConnectionID) -> bool:
        """Whether the guest on this WebSocket asks or was approved."""
        return self.guest is not None and self.guest.connection == connection

    def start(self) -> list[Command]:
        """Commands for a session just made."""
        return [] if self.lifetime is None else [SetTimer(self._session_timer, self.lifetime)]

    def handle(self, event: SessionInput, now: float) -> list[Command]:
        """Take one event; look at `state` afterwards."""
        kind = event.timer.name if isinstance(event, TimerFired) else type(event)
        transition = _TRANSITIONS.get((self.state, kind))
        if transition is None:
            raise MachineMisuseError(f"{kind} in {self.state}")
        return transition(self, event, now)

    # --- being asked -----------------------------------------------------------------------------------------------

    def _ask(self, event: Ask, now: float) -> list[Command]:
        if event.guest.verified is None and event.guest.address in self._muted:
            return [rejection(event.guest, Reason.DECLINED)]
        self.state = SessionState.ASKED
        self.guest = event.guest
        self._rejected = False
        self._asked += 1
        deadline = now + APPROVAL_SECONDS
        shown = DeviceInfo(display_name(event.guest.device.name), display_id(event.guest.device.id))
        prompt = Prompt(self.id, shown, event.guest.address, event.guest.verified, deadline, self._asked)
        return [SetTimer(self._approval_timer, APPROVAL_SECONDS), Publish(prompt)]

    def _ask_beside(self, event: Ask, now: float) -> list[Command]:
        """Somebody else is asking already; one that proved itself goes before one that did not."""
        assert self.guest is not None  # ASKED is by somebody
        if event.guest.verified is not None and self.guest.verified is None:
            self._unanswered = True
            return [*self._reject(Reason.BUSY), *self._ask(event, now)]
        return self._busy(event, now)

    def _busy(self, event: Ask, now: float) -> list[Command]:
        return [rejection(event.guest, Reason.BUSY)]

    def _decide(self, event: Decide, now: float) -> list[Command]:
        assert self.guest is not None  # ASKED is by somebody
        if event.number != self._asked and (event.number is not None or self._unanswered):
            return self._too_late(event, now)
        if not event.approved:
            self._muted.add(self.guest.address)
            return self._reject(Reason.DECLINED)
        guest = self.guest
        self.state = SessionState.LINKING
        self._answered = False
        self._open_by = now + OPEN_SECONDS
        self.link = Link(
            LinkStatus(
                self._new_link_id(),
                self.id,
                Stage.APPROVED,
                peer_name=display_name(guest.device.name),
                peer_address=guest.address,
                verified=guest.verified,
            ),
            self.own_name,
        )
        self._signaling = Signaling(Side.HOST, guest.address, guest.keys)
        return [
            CancelTimer(self._approval_timer),
            Send(guest.connection, PairResult(guest.session_id, approved=True, auth=host_tag(guest, "approved"))),
            Publish(PairOutcome(self.id, approved=True)),
            Publish(self.link.status),
            *self.link.open(offerer=False),
        ]

    def _too_late(self, event: Decide, now: float) -> list[Command]:
        return [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]

    def _approval_timeout(self, event: TimerFired, now: float) -> list[Command]:
        assert self.guest is not None  # ASKED is by somebody
        self._unanswered = True
        if self.guest.verified is None:
            self._ignored[self.guest.address] += 1
            if self._ignored[self.guest.address] >= MAX_IGNORED:
                self._muted.add(self.guest.address)
        return self._reject(Reason.TIMEOUT)

    def _asker_left(self, event: ConnectionLost, now: float) -> list[Command]:
        self.state = SessionState.OPEN
        self.guest = None
        self._unanswered = True
        return [
            CancelTimer(self._approval_timer),
            Publish(PairOutcome(self.id, approved=False, reason=Reason.GUEST_LEFT)),
        ]

    def _reject(self, reason: Reason) -> list[Command]:
        assert self.guest is not None  # ASKED is by somebody
        guest = self.guest
        self.state = SessionState.OPEN
        self.guest = None
        self._rejected = True
        return [
            CancelTimer(self._approval_timer),
            rejection(guest, reason),
            Publish(PairOutcome(self.id, approved=False, reason=reason)),
        ]

    def _turn_away(self, event: TurnAway, now: float) -> list[Command]:
        self._unanswered = True
        return self._reject(event.reason)

    # --- signals ---------------------------------------------------------------------------------------------------

    def _signal_not_allowed(self, event: GuestSignal, now: float) -> list[Command]:
        return [refusal(event.connection, Reason.NOT_ALLOWED, event.signal.session_id)]

    def _signal(self, event: GuestSignal, now: float) -> list[Command]:
        link = self._linking()
        if not self.serves(event.connection):
            return self._signal_not_allowed(event, now)
        try:
            payload = self._signaling.take(event.signal)
        except MessageError as error:
            if error.reason is Reason.NOT_ALLOWED:
                return self._signal_not_allowed(event, now)
            tampered = error.reason is Reason.TAMPERED
            return self._end_with_link(End(Reason.TAMPERED), now) if tampered else self._close_link(error.reason)
        if isinstance(payload, Description):
            return [link.tell(stage=Stage.CONNECTING), ApplyDescription(link.id, SDPType.OFFER, payload.sdp)]
        return [] if payload is None else [AddCandidate(link.id, payload)]

    def _described(self, event: PeerDescribed, now: float) -> list[Command]:
        assert self.guest is not None  # one that leaves before its answer takes the link along
        self._answered = True
        answer = self._signaling.seal(self.guest.session_id, Description(event.sdp, event.type))
        return [Send(self.guest.connection, answer)]

    # --- the link --------------------------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[Command]:
        link = self._linking()
        commands = link.handle(event, now)
        if link.state is LinkState.OPEN:
            self.state = SessionState.LINKED
        elif link.state is LinkState.CLOSED:
            commands += self._after_link(link)
        return commands

    def _link_open_timeout(self, event: TimerFired, now: float) -> list[Command]:
        if self.guest is None:
            return self._close_link(Reason.GUEST_LEFT)
        return self._link_event(event, now) if self._signaling.described else self._close_link(Reason.NO_OFFER)

    def _guest_lost_while_linking(self, event: ConnectionLost, now: float) -> list[Command]:
        self.guest = None
        if self._signaling.warned_by(event.code):
            return self._end_with_link(End(Reason.TAMPERED), now)
        if not self._answered:
            return self._close_link(Reason.GUEST_LEFT)
        left = max(0.0, min(LOST_SOCKET_SECONDS, self._open_by - now))
        return [SetTimer(Timer(TimerName.LINK_OPEN, self._linking().id), left)]

    def _guest_lost_while_linked(self, event: ConnectionLost, now: float) -> list[Command]:
        self.guest = None  # the link stands on its own
        return self._end_with_link(End(Reason.TAMPERED), now) if self._signaling.warned_by(event.code) else []

    def _disconnect(self, event: Disconnect, now: float) -> list[Command]:
        # The host's own Disconnect ends the session whatever its type: who sends a guest away wants it gone.
        link = self._linking()
        return [*link.close(Reason.DISCONNECTED, bye=Reason.CLOSED), *self._end(Reason.CLOSED)]

    def _close_link(self, reason: Reason) -> list[Command]:
        link = self._linking()
        return [*link.close(reason), *self._after_link(link)]

    def _after_link(self, link: Link) -> list[Command]:
        """The link is closed: does the session live on?"""
        commands: list[Command] = []
        was_connected, reason = link.status.was_connected, link.status.reason
        assert reason is not None  # a closed link has one
        if self.guest is not None and not was_connected:
            commands.append(refusal(self.guest.connection, reason, self.guest.session_id))
        if self.type is SessionType.ONE_TIME and was_connected:
            return [*commands, *self._end(reason if reason is Reason.PEER_VANISHED else Reason.CLOSED)]
        if self._overdue:
            return [*commands, *self._end(Reason.EXPIRED)]
        if self.guest is not None:
            code = None if was_connected else CloseCode.LINK_FAILED
            commands.append(CloseConnection(self.guest.connection, code))
        self.state = SessionState.OPEN
        self.guest = None
        self.link = None
        self._signaling = Signaling(Side.HOST, "", None)  # the next guest has proved nothing yet
        return commands

    # --- the end ---------------------------------------------------------------------------------------------------

    def _expire(self, event: TimerFired, now: float) -> list[Command]:
        return self._end(Reason.EXPIRED)

    def _expire_while_asked(self, event: TimerFired, now: float) -> list[Command]:
        # _reject lets go of the guest, so it gets its pair_result and no session_ended on top.
        return [*self._reject(Reason.EXPIRED), *self._end(Reason.EXPIRED)]

    def _expire_with_link(self, event: TimerFired, now: float) -> list[Command]:
        if self.type is SessionType.ONE_TIME:
            self._overdue = True  # it was joined in time, and lasts as long as this link; there is no other after it
            return []
        return self._end_with_link(End(Reason.EXPIRED), now)

    def _end_by_host(self, event: End, now: float) -> list[Command]:
        return self._end(event.reason)

    def _end_while_asked(self, event: End, now: float) -> list[Command]:
        return [*self._reject(event.reason), *self._end(event.reason)]

    def _end_with_link(self, event: End, now: float) -> list[Command]:
        link = self._linking()
        return [*link.close(event.reason, bye=event.reason), *self._end(event.reason)]

    def _end(self, reason: Reason) -> list[Command]:
        self.state = SessionState.ENDED
        self.end_reason = reason
        commands: list[Command] = [CancelTimer(self._session_timer)]
        if self.guest is not None:
            commands.append(Send(self.guest.connection, SessionEnded(self.guest.session_id, reason)))
            commands.append(CloseConnection(self.guest.connection, CloseCode.SESSION_ENDED))
        self.guest = None
        return commands

    # --- helpers ---------------------------------------------------------------------------------------------------

    def _linking(self) -> Link:
        assert self.link is not None  # LINKING and LINKED have one
        return self.link

    @property
    def _approval_timer(self) -> Timer:
        return Timer(TimerName.APPROVAL, self.id)

    @property
    def _session_timer(self) -> Timer:
        return Timer(TimerName.SESSION, self.id)


_Transition = Callable[[Session, Any, float], list[Command]]

_LINKED_INPUTS: Final = (ChannelOpened, ChannelMessage, ChannelClosed, PeerFailed, SendText, TimerName.HEARTBEAT)

_TRANSITIONS: Final[dict[tuple[SessionState, type | TimerName], _Transition]] = {
    (SessionState.OPEN, Ask): Session._ask,
    (SessionState.OPEN, GuestSignal): Session._signal_not_allowed,
    (SessionState.OPEN, Decide): Session._too_late,
    (SessionState.OPEN, TimerName.SESSION): Session._expire,
    (SessionState.OPEN, End): Session._end_by_host,
    (SessionState.ASKED, Ask): Session._ask_beside,
    (SessionState.ASKED, GuestSignal): Session._signal_not_allowed,
    (SessionState.ASKED, Decide): Session._decide,
    (SessionState.ASKED, TimerName.APPROVAL): Session._approval_timeout,
    (SessionState.ASKED, TimerName.SESSION): Session._expire_while_asked,
    (SessionState.ASKED, ConnectionLost): Session._asker_left,
    (SessionState.ASKED, End): Session._end_while_asked,
    (SessionState.ASKED, TurnAway): Session._turn_away,
    (SessionState.LINKING, Ask): Session._busy,
    (SessionState.LINKING, GuestSignal): Session._signal,
    (SessionState.LINKING, Decide): Session._too_late,
    (SessionState.LINKING, TimerName.LINK_OPEN): Session._link_open_timeout,
    (SessionState.LINKING, TimerName.SESSION): Session._expire_with_link,
    (SessionState.LINKING, ConnectionLost): Session._guest_lost_while_linking,
    (SessionState.LINKING, PeerDescribed): Session._described,
    (SessionState.LINKING, ChannelOpened): Session._link_event,
    (SessionState.LINKING, PeerFailed): Session._link_event,
    (SessionState.LINKING, SendText): Session._link_event,
    (SessionState.LINKING, Disconnect): Session._disconnect,
    (SessionState.LINKING, End): Session._end_with_link,
    (SessionState.LINKED, Ask): Session._busy,
    (SessionState.LINKED, GuestSignal): Session._signal,
    (SessionState.LINKED, Decide): Session._too_late,
    (SessionState.LINKED, TimerName.SESSION): Session._expire_with_link,
    (SessionState.LINKED, ConnectionLost): Session._guest_lost_while_linked,
    (SessionState.LINKED, Disconnect): Session._disconnect,
    (SessionState.LINKED, End): Session._end_with_link,
    **{(SessionState.LINKED, kind): Session._link_event for kind in _LINKED_INPUTS},
}
