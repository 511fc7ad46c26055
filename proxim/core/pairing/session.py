"""One session at the host: from the code on the screen to the end of its link, as a table of
transitions.

```
                                               +----- resumed, by proof -----+
                                               v                             |
  OPEN --pair_request--> ASKED --approve--> LINKING --channel--> LINKED --silence--> AWAY
   ^ ^                     |                   |                    |                 |
   | +--declined, timeout, +                   |                    |                 |
   |    guest left                             |                    |                 |
   +----------- the attempt failed ------------+                    |                 |
   +----------- temporary, persistent: the guest may come back -----+---- 2 min ------+
  any --expired, ended by the host, one-time link over--> ENDED
```
Only a guest that proved itself is waited for in AWAY, and only its proof leads out of it without a
prompt. It may come
before the loss is noticed here (LINKED), or after a try to take the link up again failed (LINKING).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, get_args

from proxim.core.commands import CancelTimer, CloseConnection, Command, Publish, Send, SetTimer
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    ConnectionID,
    ConnectionLost,
    Decide,
    Disconnect,
    LinkID,
    SendText,
    SessionType,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.files.transfers import Transfers
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
from proxim.core.link.link import OPEN_SECONDS, Link, LinkInput, LinkState
from proxim.core.link.resuming import RESUME_SECONDS, resumed, untold
from proxim.core.link.signaling import Signaling
from proxim.core.pairing.invitations import NewSession
from proxim.core.pairing.messages import CloseCode, Description, PairResult, SDPType
from proxim.core.pairing.proof import ProofKeys, Side
from proxim.core.pairing.replies import host_tag, refusal, rejection
from proxim.core.pairing.session_asked import AskedSession
from proxim.core.pairing.session_inputs import (
    Ask,
    End,
    Guest,
    GuestSignal,
    Resume,
    SessionInput,
    TurnAway,
)
from proxim.core.pairing.session_states import SessionState, SessionStatus
from proxim.core.sanitize import display_name
from proxim.core.status import LinkStatus, PairOutcome, Stage, Trouble, Via

# A guest may close its WebSocket as soon as its side of the link is open, which may be before ours
# is: time for the channel's opening to be sent once more (SCTP after 1 s, then 2 s), and no longer,
# for the guest may have given up.
LOST_SOCKET_SECONDS: Final = 4.0


class Session(AskedSession):
    """See the module. `now` everywhere: seconds of a monotonic clock."""

    def __init__(
        self,
        new: NewSession,
        own_name: str,
        new_link_id: Callable[[], LinkID],
        transfers: Transfers,
    ) -> None:
        super().__init__(new, own_name, new_link_id)
        self._transfers = transfers
        self._answered = False
        self._open_by = 0.0
        self._overdue = False
        self._signaling = Signaling(Side.HOST, "", None)  # with the guest being linked
        self._resume_keys: dict[str, ProofKeys] = {}  # of the link that opened last, by resume name
        self._resume_by = 0.0  # where the link was lost: until then it may be taken up again

    def trusts(self, connection: ConnectionID) -> bool:
        """Whether this WebSocket is an approved guest's that proved itself: what it says wrong,
        somebody changed.
        """
        return self.serves(connection) and self._signaling.proved

    @property
    def status(self) -> SessionStatus:
        """The session's status in the words of docs/protocol.md."""
        if self.end_reason is Reason.EXPIRED:
            return SessionStatus.EXPIRED
        if self.state in (SessionState.LINKING, SessionState.LINKED) or self.link is not None:
            return SessionStatus.APPROVED
        return SessionStatus.REJECTED if self._rejected else SessionStatus.PENDING

    def resume_secret(self, name: str) -> bytes | None:
        """What the guest has to know that takes up this session's link again under that name; None:
        nobody may.
        """
        keys = self._resume_keys.get(name)
        return None if keys is None else keys.resume_secret()

    def handle(self, event: SessionInput, now: float) -> list[Command]:
        """Take one event; look at `state` afterwards."""
        kind = event.timer.name if isinstance(event, TimerFired) else type(event)
        transition = _TRANSITIONS.get((self.state, kind))
        if transition is None:
            raise MachineMisuseError(f"{kind} in {self.state}")
        return transition(self, event, now)

    # --- a guest is let in ------------------------------------------------------------------------

    def _let_in(self, guest: Guest, now: float) -> list[Command]:
        status = LinkStatus(
            self._new_link_id(),
            self.id,
            Stage.APPROVED,
            peer_name=display_name(guest.device.name),
            peer_address=guest.address,
            verified=guest.verified,
        )
        return self._link_to(guest, status, [Publish(PairOutcome(self.id, approved=True))], now)

    def _link_to(
        self, guest: Guest, status: LinkStatus, told: list[Command], now: float
    ) -> list[Command]:
        self.state = SessionState.LINKING
        self.guest = guest
        self._answered = False
        self._open_by = now + OPEN_SECONDS
        self.link = Link(status, self.own_name, self._transfers)
        self._signaling = Signaling(Side.HOST, guest.address, guest.keys)
        return [
            Send(
                guest.connection,
                PairResult(guest.session_id, approved=True, auth=host_tag(guest, "approved")),
            ),
            *told,
            Publish(self.link.status),
            *self.link.open(offerer=False, keys=guest.keys),
        ]

    # --- signals ----------------------------------------------------------------------------------

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
            return (
                self._end_with_link(End(Reason.TAMPERED), now)
                if tampered
                else self._close_link(error.reason, now)
            )
        if link.status.via is Via.LANE:
            return []  # it crossed with the lane that carries the link now
        if isinstance(payload, Description):
            return [
                link.tell(stage=Stage.CONNECTING),
                ApplyDescription(link.id, SDPType.OFFER, payload.sdp),
            ]
        return [] if payload is None else [AddCandidate(link.id, payload)]

    def _described(self, event: PeerDescribed, now: float) -> list[Command]:
        assert self.guest is not None  # one that leaves before its answer takes the link along
        self._answered = True
        answer = self._signaling.seal(self.guest.session_id, Description(event.sdp, event.type))
        return [Send(self.guest.connection, answer)]

    # --- the link ---------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[Command]:
        link = self._linking()
        commands = link.handle(event, now)
        if link.state is LinkState.CLOSED:
            return self._after_link(link, commands, now)
        if link.state is LinkState.OPEN and self.state is SessionState.LINKING:
            self.state = SessionState.LINKED
            # The offer came under these keys, so the guest has them, and needs none from before.
            keys = self._signaling.keys
            self._resume_keys = {} if keys is None else {keys.resume_name(): keys}
        return commands

    def _link_open_timeout(self, event: TimerFired, now: float) -> list[Command]:
        if self.guest is None:
            return self._close_link(Reason.GUEST_LEFT, now)
        return (
            self._link_event(event, now)
            if self._signaling.described
            else self._close_link(Reason.NO_OFFER, now)
        )

    def _guest_lost_while_linking(self, event: ConnectionLost, now: float) -> list[Command]:
        self.guest = None
        if self._signaling.warned_by(event.code):
            return self._end_with_link(End(Reason.TAMPERED), now)
        if not self._answered:
            return self._close_link(Reason.GUEST_LEFT, now)
        left = max(0.0, min(LOST_SOCKET_SECONDS, self._open_by - now))
        return [SetTimer(Timer(TimerName.LINK_OPEN, self._linking().id), left)]

    def _guest_lost_while_linked(self, event: ConnectionLost, now: float) -> list[Command]:
        self.guest = None  # the link stands on its own
        return (
            self._end_with_link(End(Reason.TAMPERED), now)
            if self._signaling.warned_by(event.code)
            else []
        )

    def _disconnect(self, event: Disconnect, now: float) -> list[Command]:
        # The host's own Disconnect ends the session whatever its type: who sends a guest away wants
        # it gone.
        link = self._linking()
        return [*link.close(Reason.DISCONNECTED, bye=Reason.CLOSED), *self._end(Reason.CLOSED)]

    def _close_link(self, reason: Reason, now: float) -> list[Command]:
        link = self._linking()
        return self._after_link(link, link.close(reason), now)

    def _after_link(self, link: Link, closing: list[Command], now: float) -> list[Command]:
        """The link is closed by these commands: is it taken up again, and if not, does the session
        live on?
        """
        commands = list(closing)
        reason, failed = link.status.reason, self.state is SessionState.LINKING
        assert reason is not None  # a closed link has one
        if not failed:
            self._resume_by = now + RESUME_SECONDS if reason is Reason.PEER_VANISHED else now
        if self.guest is not None and failed:
            commands.append(refusal(self.guest.connection, reason, self.guest.session_id))
        if self._resume_keys and now < self._resume_by:
            return self._wait(link, commands, now)
        return [*commands, *self._leave_link(link, failed=failed)]

    def _leave_link(self, link: Link, *, failed: bool) -> list[Command]:
        reason = link.status.reason
        if self.type is SessionType.ONE_TIME and link.status.was_connected:
            return self._end(reason if reason is Reason.PEER_VANISHED else Reason.CLOSED)
        if self._overdue:
            return self._end(Reason.EXPIRED)
        commands = self._hang_up(failed=failed)
        self.state = SessionState.OPEN
        self.link = None
        self._resume_keys = {}
        self._signaling = Signaling(Side.HOST, "", None)  # the next guest has proved nothing yet
        return commands

    def _hang_up(self, *, failed: bool) -> list[Command]:
        if self.guest is None:
            return []
        guest, self.guest = self.guest, None
        return [CloseConnection(guest.connection, CloseCode.LINK_FAILED if failed else None)]

    # --- a lost link ------------------------------------------------------------------------------

    def _wait(self, link: Link, closing: list[Command], now: float) -> list[Command]:
        failed = self.state is SessionState.LINKING
        self.state = SessionState.AWAY
        return [
            *untold(link, closing),
            *self._hang_up(failed=failed),
            SetTimer(self._resume_timer, self._resume_by - now),
            link.tell(stage=Stage.WAITING, reason=None, deadline=self._resume_by),
        ]

    def _resume(self, event: Resume, now: float) -> list[Command]:
        """The guest is back; it may have noticed the loss before us, or that a try to come back
        failed.
        """
        guest, keys, link = event.guest, event.guest.keys, self.link
        lost = self._resume_keys.get(guest.session_id)
        if lost is None or keys is None or link is None:
            return [rejection(guest, Reason.UNKNOWN_SESSION)]
        if self.state is SessionState.AWAY:
            closing: list[Command] = [CancelTimer(self._resume_timer)]
        else:
            closing = [
                *untold(link, link.close(Reason.PEER_VANISHED)),
                *self._hang_up(failed=False),
            ]
        if self.state is SessionState.LINKED:
            self._resume_by = now + RESUME_SECONDS
        # Until the new link opens, the guest may not have heard that it was let in, and come back
        # as it came now.
        self._resume_keys = {guest.session_id: lost, keys.resume_name(): keys}
        status = resumed(link.status, self._new_link_id(), peer_address=guest.address)
        return [*closing, *self._link_to(replace(guest, verified=status.verified), status, [], now)]

    def _write_in_vain(self, event: SendText, now: float) -> list[Command]:
        return [Publish(Trouble(Problem(Reason.NOT_CONNECTED), event.link))]

    def _late(self, event: LinkEvent, now: float) -> list[Command]:
        return []  # of the link that was lost; this crossed on the way

    def _away_too_long(self, event: TimerFired, now: float) -> list[Command]:
        link = self._linking()
        return [self._give_up(Reason.PEER_VANISHED), *self._leave_link(link, failed=False)]

    def _give_up(self, reason: Reason) -> Command:
        return self._linking().tell(stage=Stage.CLOSED, reason=reason, deadline=None)

    def _disconnect_while_away(self, event: Disconnect, now: float) -> list[Command]:
        return [
            CancelTimer(self._resume_timer),
            self._give_up(Reason.DISCONNECTED),
            *self._end(Reason.CLOSED),
        ]

    def _end_while_away(self, event: End, now: float) -> list[Command]:
        return [
            CancelTimer(self._resume_timer),
            self._give_up(event.reason),
            *self._end(event.reason),
        ]

    def _expire_while_away(self, event: TimerFired, now: float) -> list[Command]:
        if self.type is SessionType.ONE_TIME:
            return self._expire_with_link(event, now)
        return self._end_while_away(End(Reason.EXPIRED), now)

    # --- the end ----------------------------------------------------------------------------------

    def _expire(self, event: TimerFired, now: float) -> list[Command]:
        return self._end(Reason.EXPIRED)

    def _expire_with_link(self, event: TimerFired, now: float) -> list[Command]:
        if self.type is SessionType.ONE_TIME:
            # It was joined in time, and lasts as long as this link; there is no other after it
            self._overdue = True
            return []
        return self._end_with_link(End(Reason.EXPIRED), now)

    def _end_by_host(self, event: End, now: float) -> list[Command]:
        return self._end(event.reason)

    def _end_with_link(self, event: End, now: float) -> list[Command]:
        link = self._linking()
        return [*link.close(event.reason, bye=event.reason), *self._end(event.reason)]

    # --- helpers ----------------------------------------------------------------------------------

    def _linking(self) -> Link:
        assert self.link is not None  # LINKING, LINKED and AWAY have one
        return self.link

    @property
    def _resume_timer(self) -> Timer:
        return Timer(TimerName.RESUME, self.id)


_Transition = Callable[[Session, Any, float], list[Command]]

_LANE_INPUTS: Final = (LaneOpened, LaneLost, TimerName.LANE)
_LINKED_INPUTS: Final = (
    ChannelOpened,
    ChannelMessage,
    ChannelClosed,
    PeerFailed,
    SendText,
    TimerName.HEARTBEAT,
)

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
    (SessionState.LINKING, ChannelMessage): Session._link_event,
    (SessionState.LINKING, PeerFailed): Session._link_event,
    (SessionState.LINKING, SendText): Session._link_event,
    **{(SessionState.LINKING, kind): Session._link_event for kind in _LANE_INPUTS},
    (SessionState.LINKING, Disconnect): Session._disconnect,
    (SessionState.LINKING, End): Session._end_with_link,
    (SessionState.LINKED, Ask): Session._busy,
    (SessionState.LINKED, GuestSignal): Session._signal,
    (SessionState.LINKED, Decide): Session._too_late,
    (SessionState.LINKED, TimerName.SESSION): Session._expire_with_link,
    (SessionState.LINKED, ConnectionLost): Session._guest_lost_while_linked,
    (SessionState.LINKED, PeerDescribed): Session._late,
    (SessionState.LINKED, Disconnect): Session._disconnect,
    (SessionState.LINKED, End): Session._end_with_link,
    **{
        (SessionState.LINKED, kind): Session._link_event
        for kind in (*_LINKED_INPUTS, *_LANE_INPUTS)
    },
    (SessionState.AWAY, Ask): Session._busy,
    (SessionState.AWAY, GuestSignal): Session._signal_not_allowed,
    (SessionState.AWAY, Decide): Session._too_late,
    (SessionState.AWAY, SendText): Session._write_in_vain,
    (SessionState.AWAY, TimerName.RESUME): Session._away_too_long,
    (SessionState.AWAY, TimerName.SESSION): Session._expire_while_away,
    (SessionState.AWAY, Disconnect): Session._disconnect_while_away,
    (SessionState.AWAY, End): Session._end_while_away,
    **{(SessionState.AWAY, kind): Session._late for kind in get_args(LinkEvent)},
    **{
        (state, Resume): Session._resume
        for state in SessionState
        if state is not SessionState.ENDED
    },
}
