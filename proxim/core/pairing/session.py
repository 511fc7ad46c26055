"""The host's side of one session, from the code on the screen to the end of its link.

`Session` is a state machine; its table `TRANSITIONS` is drawn in docs/architecture.md.

The session waits in AWAY only for a guest that proved itself, and only a new proof by that guest
leads out of AWAY without a prompt. The proof may also arrive before the host notices the loss
(LINKED), or after an attempt to resume the link has failed (LINKING).

A guest that has lost the keys of its link, because its program or its tab ended, proves the code
once more. Then the person is asked (AWAY_ASKED), and the lost link keeps its place until they
approve.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link.link import (
    LINK_OPEN_SECONDS,
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
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.pairing.invitations import NewSession
from proxim.core.pairing.proof import ProofKeys, Side, tag_auth
from proxim.core.sanitize import display_id, display_name
from proxim.core.transitions import TransitionTable

# The first protocol document says: "Pairing requests expire after 40 seconds".
APPROVAL_SECONDS: Final = 40.0
# Unproved requests of one address that may time out before the address is muted; a person may look
# away once.
MAX_IGNORED: Final = 2
# A guest may close its WebSocket as soon as its side of the link is open, perhaps before the
# host's side is. This leaves time for the channel's opening message to be sent once more (SCTP
# resends after 1 s, then 2 s), and no longer, because the guest may have given up.
LOST_SOCKET_SECONDS: Final = 4.0


class SessionState(Enum):
    """The states of a session."""

    # The session can be joined, and nobody is asking.
    OPEN = "open"
    # A prompt is shown.
    ASKED = "asked"
    # A guest was approved; its link is not open yet.
    LINKING = "linking"
    LINKED = "linked"
    # The link was lost; the same guest resumes it, or its time runs out.
    AWAY = "away"
    # As AWAY, while a prompt is shown for a guest that would take the place of the lost one.
    AWAY_ASKED = "away_asked"
    ENDED = "ended"


# A session in one of these states can be joined by its code.
JOINABLE: Final = (SessionState.OPEN, SessionState.ASKED)


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """A guest that asks or was approved: one WebSocket, bound to this session for its life."""

    connection: ev.ConnectionID
    address: str
    # The guest's name for this session: the session's id, "@code" or a resume name.
    session_id: str = field(repr=False)
    device: DeviceInfo
    # How the guest proved that it knows the code; None without a proof.
    verified: Verified | None = None
    # The keys that the proof produced.
    keys: ProofKeys | None = field(default=None, repr=False)
    # The known device that it proved to be, and whether the person has let that one in beforehand.
    known: KnownID | None = None
    let_in: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A guest's pair_request, already matched to this session."""

    guest: PairingRequest


@dataclass(frozen=True, slots=True)
class ResumeLink:
    """A guest proved that it is the one whose link this session lost.

    The guest's `session_id` is the resume name.
    """

    guest: PairingRequest


@dataclass(frozen=True, slots=True)
class GuestSignal:
    """A guest's socket sent a signal that names this session."""

    connection: ev.ConnectionID
    signal: pair_msg.Signal


@dataclass(frozen=True, slots=True)
class TurnAway:
    """The guest that is asking is rejected; the session stays open."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class DeclineSurplus:
    """The guest that is asking is one unverified guest too many.

    It is declined as if by the person, who is not asked about it.
    """


@dataclass(frozen=True, slots=True)
class PrepareLink:
    """A person is asked about the guest now, so the link gets its peer already."""


@dataclass(frozen=True, slots=True)
class DropPreparedLink:
    """A person is asked about another guest first, so the prepared peer is closed."""


@dataclass(frozen=True, slots=True)
class End:
    """The host ends the session."""

    reason: Reason


SessionInput = (
    Ask
    | ResumeLink
    | GuestSignal
    | pair_ev.ConnectionLost
    | ev.Decide
    | ev.Disconnect
    | End
    | TurnAway
    | DeclineSurplus
    | PrepareLink
    | DropPreparedLink
    | LinkInput
)


# Closes a guest's WebSocket, with this close code; everything that still arrives on it is stale.
CloseSocket = Callable[[ev.ConnectionID, pair_msg.CloseCode | None], do.Command]


def refusal(
    connection: ev.ConnectionID, reason: Reason, session_id: str | None = None
) -> do.Command:
    """Make the wire's `error`: the message was refused, and nothing has changed."""
    return pair_do.Send(connection, pair_msg.ErrorMessage(reason, SENTENCES[reason], session_id))


def rejection(guest: PairingRequest, reason: Reason) -> do.Command:
    """Make the wire's `pair_result` for a guest that is rejected."""
    result = pair_msg.PairResult(
        guest.session_id, approved=False, reason=reason, auth=host_tag(guest, "rejected")
    )
    return pair_do.Send(guest.connection, result)


def host_tag(guest: PairingRequest, status: str) -> pair_msg.Auth | None:
    """Return the host's own proof; None for a guest that gave no proof."""
    return None if guest.keys is None else tag_auth(guest.keys.host_tag(status))


def _told(reason: Reason, otherwise: Reason) -> Reason:
    """Return what the guest is told of a reason.

    Whoever was forgotten is told so when it asks the next time, by what only the two can read.
    """
    return otherwise if reason is Reason.FORGOTTEN_HERE else reason


def _left_for(guest: PairingRequest | None, event: pair_ev.ConnectionLost) -> Reason:
    """Return why a guest has left before its link was open.

    Only a known device can have another link, so nobody else's close code says so.
    """
    known = guest is not None and guest.known is not None
    linked = known and event.code == pair_msg.CloseCode.LINKED_ALREADY
    return Reason.DEVICE_LINKED if linked else Reason.GUEST_LEFT


class Session:
    """One session at the host, as a state machine.

    Every `now` is in seconds of a monotonic clock.
    """

    def __init__(
        self,
        new: NewSession,
        new_link_id: Callable[[], ev.LinkID],
        new_link: Callable[[st.LinkStatus], Link],
        close_socket: CloseSocket,
        known: KnownID | None = None,
    ) -> None:
        """`known` is the device for which alone the session is made."""
        self.known = known
        self.id = new.id
        self.type = new.type
        self.expires = new.expires
        self.state = SessionState.OPEN
        # None when there is no guest, or when the link outlived the guest's WebSocket.
        self.guest: PairingRequest | None = None
        self.link: Link | None = None
        # The guest whose link was lost while its WebSocket was open: that one's end may say why.
        self._lost: PairingRequest | None = None
        self._new_link_id = new_link_id
        # The count of prompts so far; it is also the number of the newest prompt.
        self._asked = 0
        self._prompt: st.Prompt | None = None
        # Whether a prompt disappeared before its answer; then an answer must name its prompt's
        # number.
        self._unanswered = False
        # Unproved requests that nobody answered, counted by address.
        self._ignored: Counter[str] = Counter()
        # Addresses that were declined or ignored too often; only a proof gets them another prompt.
        self._muted: set[str] = set()
        self._new_link = new_link
        self._close_socket = close_socket
        # The link whose peer is prepared while the guest asks.
        self._prepared: ev.LinkID | None = None
        self._answer_sent = False
        self._open_by = 0.0
        self._overdue = False
        # The exchange of signals with the guest that is being linked.
        self._signaling = Signaling(Side.HOST, "", None)
        # The keys of the link that opened last, by resume name.
        self._resume_keys: dict[str, ProofKeys] = {}
        # After the link was lost: the moment until which the guest may resume it.
        self._resume_by = 0.0
        # Whether the device was forgotten, so that it may not resume its link.
        self._forgotten = False

    def serves(self, connection: ev.ConnectionID) -> bool:
        """Whether the guest on this WebSocket is asking or was approved."""
        return self.guest is not None and self.guest.connection == connection

    def hears_the_end_of(self, connection: ev.ConnectionID) -> bool:
        """Whether the end of this WebSocket says something about the session's guest."""
        left = self._lost if self.state is SessionState.AWAY else None
        return self.serves(connection) or (left is not None and left.connection == connection)

    @property
    def prompt(self) -> st.Prompt | None:
        """The request that waits for an answer; None if there is none."""
        asks = self.state in (SessionState.ASKED, SessionState.AWAY_ASKED)
        return self._prompt if asks else None

    @property
    def prepared(self) -> bool:
        """Whether the peer of the asking guest's link is prepared."""
        return self._prepared is not None

    def start(self, now: float) -> list[do.Command]:
        """Return the commands for a new session."""
        if self.expires is None:
            return []
        return [do.SetTimer(self._session_timer, max(0.0, self.expires - now))]

    def trusts(self, connection: ev.ConnectionID) -> bool:
        """Whether this WebSocket belongs to an approved guest that proved itself.

        If such a guest's messages are wrong, somebody changed them on their way.
        """
        return self.serves(connection) and self._signaling.proved

    def resume_secret(self, name: str) -> bytes | None:
        """The secret that a guest must know to resume this session's link under that name; None if
        nobody may.
        """
        keys = self._resume_keys.get(name)
        return None if keys is None else keys.resume_secret()

    def forget(self) -> None:
        """Let nobody resume the present link, because the person has forgotten the device."""
        self._forgotten = True
        self._resume_keys = {}

    def handle(self, event: SessionInput, now: float) -> list[do.Command]:
        """Handle one event; the caller looks at `state` afterwards.

        Raises MessageError (NOT_ALLOWED) for a signal that the guest may not send; nothing has
        changed then.
        """
        return TRANSITIONS.handle(self, event, now)

    # --- being asked ------------------------------------------------------------------------------

    def _ask(self, event: Ask, now: float) -> list[do.Command]:
        if event.guest.verified is None and event.guest.address in self._muted:
            return [rejection(event.guest, Reason.DECLINED)]
        if event.guest.let_in:
            # The person has said yes to this device beforehand, and no face sees a question.
            return self._approve(event.guest, now, asked=False)
        self.state = SessionState.ASKED
        return self._show_prompt(event.guest, now)

    def _show_prompt(
        self, guest: PairingRequest, now: float, replaces: st.LostLink | None = None
    ) -> list[do.Command]:
        self.guest = guest
        self._asked += 1
        self._prompt = st.Prompt(
            self.id,
            DeviceInfo(display_name(guest.device.name, guest.address), display_id(guest.device.id)),
            guest.address,
            guest.verified,
            now + APPROVAL_SECONDS,
            self._asked,
            replaces,
            guest.known,
        )
        return [do.SetTimer(self._approval_timer, APPROVAL_SECONDS), do.Publish(self._prompt)]

    def _ask_while_asked(self, event: Ask, now: float) -> list[do.Command]:
        """Handle a request while another guest asks: a proved guest replaces an unproved one."""
        # A session in state ASKED always has a guest.
        assert self.guest is not None
        if event.guest.verified is not None and self.guest.verified is None:
            self._unanswered = True
            return [*self._reject(Reason.BUSY, now), *self._ask(event, now)]
        return self._busy(event, now)

    def _busy(self, event: Ask, now: float) -> list[do.Command]:
        return [rejection(event.guest, Reason.BUSY)]

    def _decide(self, event: ev.Decide, now: float) -> list[do.Command]:
        # A session whose prompt is shown always has a guest.
        assert self.guest is not None
        if event.number != self._asked and (event.number is not None or self._unanswered):
            return self._too_late(event, now)
        if not event.approved:
            self._muted.add(self.guest.address)
            reason = Reason.UNATTENDED if event.unattended else Reason.DECLINED
            return self._reject(reason, now)
        return [do.CancelTimer(self._approval_timer), *self._approve(self.guest, now)]

    def _too_late(self, event: ev.Decide, now: float) -> list[do.Command]:
        return [do.publish_trouble(Reason.PROMPT_GONE)]

    def _approval_timeout(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # A session whose prompt is shown always has a guest.
        assert self.guest is not None
        self._unanswered = True
        if self.guest.verified is None:
            self._ignored[self.guest.address] += 1
            if self._ignored[self.guest.address] >= MAX_IGNORED:
                self._muted.add(self.guest.address)
        return self._reject(Reason.TIMEOUT, now)

    def _asker_left(self, event: pair_ev.ConnectionLost, now: float) -> list[do.Command]:
        self._unanswered = True
        why = _left_for(self.guest, event)
        return [*self._close_prompt(why), *self._after_prompt(now)]

    def _reject(self, reason: Reason, now: float, *, surplus: bool = False) -> list[do.Command]:
        closed = self._close_prompt(reason, answer=reason, surplus=surplus)
        return [*closed, *self._after_prompt(now)]

    def _close_prompt(
        self, reason: Reason, *, answer: Reason | None = None, surplus: bool = False
    ) -> list[do.Command]:
        """End the prompt without an approval.

        `reason` is for the person; the guest is rejected with `answer`, unless it has left.
        """
        # A session whose prompt is shown always has a guest.
        assert self.guest is not None
        guest, self.guest = self.guest, None
        return [
            *self._drop_prepared(),
            do.CancelTimer(self._approval_timer),
            *([] if answer is None else [rejection(guest, _told(answer, Reason.DECLINED))]),
            do.Publish(st.PairOutcome(self.id, approved=False, reason=reason, surplus=surplus)),
        ]

    def _prepare_link(self, event: PrepareLink, now: float) -> list[do.Command]:
        self._prepared = self._new_link_id()
        return [link_do.PreparePeer(self._prepared, offerer=False)]

    def _drop_prepared_link(self, event: DropPreparedLink, now: float) -> list[do.Command]:
        return self._drop_prepared()

    def _drop_prepared(self) -> list[do.Command]:
        link, self._prepared = self._prepared, None
        return [] if link is None else [link_do.ClosePeer(link)]

    def _after_prompt(self, now: float) -> list[do.Command]:
        """Go back to where the session was before its prompt."""
        if self.state is SessionState.AWAY_ASKED:
            return self._go_on_waiting(now)
        if self.known is not None:
            return self._end(Reason.CLOSED)
        self.state = SessionState.OPEN
        return []

    def _turn_away(self, event: TurnAway, now: float) -> list[do.Command]:
        self._unanswered = True
        return self._reject(event.reason, now)

    def _decline_surplus(self, event: DeclineSurplus, now: float) -> list[do.Command]:
        # A session in state ASKED always has a guest.
        assert self.guest is not None
        # A script may have read the request, so its answer may come and must not count for another.
        self._unanswered = True
        self._muted.add(self.guest.address)
        return self._reject(Reason.DECLINED, now, surplus=True)

    # --- a guest is let in ------------------------------------------------------------------------

    def _approve(
        self, guest: PairingRequest, now: float, *, asked: bool = True
    ) -> list[do.Command]:
        lost = self.link if self.state is SessionState.AWAY_ASKED else None
        # The lost guest can no longer resume its link.
        self._resume_keys = {}
        self._forgotten = False
        prepared, self._prepared = self._prepared, None
        status = st.LinkStatus(
            self._new_link_id() if prepared is None else prepared,
            self.id,
            st.Stage.APPROVED,
            peer_name=display_name(guest.device.name, guest.address),
            peer_address=guest.address,
            verified=guest.verified,
            replaces=None if lost is None else lost.id,
            known=guest.known,
            let_in=not asked,
        )
        outcome = [do.Publish(st.PairOutcome(self.id, approved=True))] if asked else []
        return [
            *self._link_to(guest, status, [*outcome], now),
            *([] if lost is None else [lost.publish_given_up(Reason.REPLACED)]),
        ]

    def _link_to(
        self, guest: PairingRequest, status: st.LinkStatus, published: list[do.Command], now: float
    ) -> list[do.Command]:
        self.state = SessionState.LINKING
        self.guest = guest
        self._answer_sent = False
        self._open_by = now + LINK_OPEN_SECONDS
        self.link = self._new_link(status)
        self._signaling = Signaling(Side.HOST, guest.address, guest.keys)
        return [
            pair_do.Send(
                guest.connection,
                pair_msg.PairResult(
                    guest.session_id, approved=True, auth=host_tag(guest, "approved")
                ),
            ),
            *published,
            do.Publish(self.link.status),
            *self.link.open(offerer=False, keys=guest.keys),
        ]

    # --- signals ----------------------------------------------------------------------------------

    def _signal_not_allowed(self, event: GuestSignal, now: float) -> list[do.Command]:
        raise MessageError(Reason.NOT_ALLOWED, "signal")

    def _signal(self, event: GuestSignal, now: float) -> list[do.Command]:
        link = self._current_link()
        if not self.serves(event.connection):
            return self._signal_not_allowed(event, now)
        try:
            payload = self._signaling.receive(event.signal)
        except MessageError as error:
            if error.reason is Reason.NOT_ALLOWED:
                raise
            tampered = error.reason is Reason.TAMPERED
            return (
                self._end_with_link(End(Reason.TAMPERED), now)
                if tampered
                else self._close_link(error.reason, now)
            )
        passed = link.signalled(payload)
        # What comes once the lane carries the link is stale.
        connecting = isinstance(payload, pair_msg.Description) and link.status.via is st.Via.WEBRTC
        return [link.publish(stage=st.Stage.CONNECTING), *passed] if connecting else passed

    def _described(self, event: link_ev.PeerDescribed, now: float) -> list[do.Command]:
        # If the guest leaves before its answer is sent, the link is closed.
        assert self.guest is not None
        self._answer_sent = True
        answer = self._signaling.seal(
            self.guest.session_id, pair_msg.Description(event.sdp, event.type)
        )
        return [pair_do.Send(self.guest.connection, answer)]

    # --- the link ---------------------------------------------------------------------------------

    def _link_event(self, event: LinkInput, now: float) -> list[do.Command]:
        link = self._current_link()
        commands = link.handle(event, now)
        if link.state is LinkState.CLOSED:
            return self._after_link(link, commands, now)
        if link.state is LinkState.OPEN and self.state is SessionState.LINKING:
            self.state = SessionState.LINKED
            # The offer carried MACs made with these keys, so the guest has them. Older keys are
            # dropped.
            keys = None if self._forgotten else self._signaling.keys
            self._resume_keys = {} if keys is None else {keys.resume_name(): keys}
        return commands

    def _link_open_timeout(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        if self.guest is None:
            return self._close_link(Reason.GUEST_LEFT, now)
        return (
            self._link_event(event, now)
            if self._signaling.described
            else self._close_link(Reason.NO_OFFER, now)
        )

    def _guest_lost_while_linking(
        self, event: pair_ev.ConnectionLost, now: float
    ) -> list[do.Command]:
        why, self.guest = _left_for(self.guest, event), None
        if self._signaling.warned_by(event.code):
            return self._end_with_link(End(Reason.TAMPERED), now)
        if why is not Reason.GUEST_LEFT or not self._answer_sent:
            return self._close_link(why, now)
        left = max(0.0, min(LOST_SOCKET_SECONDS, self._open_by - now))
        return [do.SetTimer(ev.LinkTimer(ev.TimerName.LINK_OPEN, self._current_link().id), left)]

    def _guest_lost_while_linked(
        self, event: pair_ev.ConnectionLost, now: float
    ) -> list[do.Command]:
        why, self.guest = _left_for(self.guest, event), None
        if self._signaling.warned_by(event.code):
            return self._end_with_link(End(Reason.TAMPERED), now)
        # The open link does not need the guest's WebSocket.
        return self._close_link(why, now) if why is Reason.DEVICE_LINKED else []

    def _disconnect(self, event: ev.Disconnect, now: float) -> list[do.Command]:
        # A disconnect by the host ends the session whatever its type: a person who sends a guest
        # away does not want it back.
        link = self._current_link()
        return [
            *link.close(Reason.DISCONNECTED, now, bye=Reason.CLOSED),
            link.publish_end(),
            *self._end(Reason.CLOSED),
        ]

    def _close_link(self, reason: Reason, now: float) -> list[do.Command]:
        link = self._current_link()
        return self._after_link(link, link.close(reason, now), now)

    def _after_link(self, link: Link, closing: list[do.Command], now: float) -> list[do.Command]:
        """Decide, after `closing` has closed the link, whether to wait for the guest and whether
        the session lives on.
        """
        reason, failed = link.status.reason, self.state is SessionState.LINKING
        # A closed link always has a reason.
        assert reason is not None
        if not failed:
            self._resume_by = now + RESUME_SECONDS if reason is Reason.PEER_VANISHED else now
        refused = (
            [refusal(self.guest.connection, reason, self.guest.session_id)]
            if self.guest is not None and failed
            else []
        )
        if self._resume_keys and now < self._resume_by:
            return self._wait(link, [*closing, *refused], now)
        return [
            *closing,
            link.publish_end(),
            *refused,
            *self._leave_link(link, failed=failed),
        ]

    def _leave_link(self, link: Link, *, failed: bool) -> list[do.Command]:
        reason = link.status.reason
        # A link that took the place of a lost one is not the session's first.
        was_used = link.status.was_connected or link.status.replaces is not None
        if self.type is ev.SessionType.ONE_TIME and was_used:
            return self._end(reason if reason is Reason.PEER_VANISHED else Reason.CLOSED)
        if self.known is not None:
            return [*self._close_guest_socket(failed=failed), *self._end(Reason.CLOSED)]
        if self._overdue:
            return self._end(Reason.EXPIRED)
        commands = self._close_guest_socket(failed=failed)
        self.state = SessionState.OPEN
        self.link = None
        self._resume_keys = {}
        # The next guest has not proved anything yet.
        self._signaling = Signaling(Side.HOST, "", None)
        return commands

    def _close_guest_socket(self, *, failed: bool) -> list[do.Command]:
        if self.guest is None:
            return []
        guest, self.guest = self.guest, None
        return [
            self._close_socket(guest.connection, pair_msg.CloseCode.LINK_FAILED if failed else None)
        ]

    # --- a lost link ------------------------------------------------------------------------------

    def _wait(self, link: Link, closing: list[do.Command], now: float) -> list[do.Command]:
        failed = self.state is SessionState.LINKING
        self.state = SessionState.AWAY
        self._lost = self.guest
        # Whoever asks meanwhile has proved nothing about this exchange.
        self._signaling = Signaling(Side.HOST, "", None)
        return [
            *closing,
            *self._close_guest_socket(failed=failed),
            do.SetTimer(self._resume_timer, self._resume_by - now),
            link.publish_wait(self._resume_by),
        ]

    def _resume(self, event: ResumeLink, now: float) -> list[do.Command]:
        """Link to a guest that came back.

        The guest may have noticed the loss before the host did, or may come back after a failed
        attempt.
        """
        guest, keys, link = event.guest, event.guest.keys, self.link
        lost = self._resume_keys.get(guest.session_id)
        if lost is None or keys is None or link is None:
            return [rejection(guest, Reason.UNKNOWN_SESSION)]
        if self.state is SessionState.AWAY:
            closing: list[do.Command] = [do.CancelTimer(self._resume_timer)]
        elif self.state is SessionState.AWAY_ASKED:
            self._unanswered = True
            closing = self._close_prompt(Reason.GUEST_RETURNED, answer=Reason.BUSY)
        else:
            closing = [
                *link.close(Reason.PEER_VANISHED, now),
                *self._close_guest_socket(failed=False),
            ]
        if self.state is SessionState.LINKED:
            self._resume_by = now + RESUME_SECONDS
        # Until the new link opens, the guest may not know that it was let in, and may come back
        # with the old keys or with the new ones.
        self._resume_keys = {guest.session_id: lost, keys.resume_name(): keys}
        status = resumed(link.status, self._new_link_id(), peer_address=guest.address)
        return [*closing, *self._link_to(replace(guest, verified=status.verified), status, [], now)]

    def _ask_while_away(self, event: Ask, now: float) -> list[do.Command]:
        """Handle a request while a lost guest is waited for: a proved one may take its place.

        It may be the same device, whose program was ended and has lost its keys.
        """
        if event.guest.verified is None:
            return self._busy(event, now)
        if self._overdue:
            # The guest that is waited for joined in time, but the code lets nobody else in.
            return [rejection(event.guest, Reason.EXPIRED)]
        link = self._current_link()
        self.state = SessionState.AWAY_ASKED
        # A person who reads a question has its whole time to answer, so the lost link keeps its
        # place at least until then.
        until = now + APPROVAL_SECONDS
        return [
            do.CancelTimer(self._resume_timer),
            *([link.publish_wait(until)] if until > self._resume_by else []),
            *self._show_prompt(event.guest, now, st.LostLink(link.id, link.status.peer_name)),
        ]

    def _go_on_waiting(self, now: float) -> list[do.Command]:
        """Wait on for the lost guest after nobody took its place, if its time has not passed."""
        if now >= self._resume_by:
            return self._give_up()
        link = self._current_link()
        self.state = SessionState.AWAY
        extended = link.status.deadline != self._resume_by
        return [
            do.SetTimer(self._resume_timer, self._resume_by - now),
            *([link.publish_wait(self._resume_by)] if extended else []),
        ]

    def _away_too_long(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._give_up()

    def _give_up(self) -> list[do.Command]:
        link = self._current_link()
        return [link.publish_given_up(Reason.PEER_VANISHED), *self._leave_link(link, failed=False)]

    def _disconnect_while_away(self, event: ev.Disconnect, now: float) -> list[do.Command]:
        return [
            do.CancelTimer(self._resume_timer),
            self._current_link().publish_given_up(Reason.DISCONNECTED),
            *self._end(Reason.CLOSED),
        ]

    def _lost_guest_left(self, event: pair_ev.ConnectionLost, now: float) -> list[do.Command]:
        # The link can be heard to end before the WebSocket, which says why.
        why, self._lost = _left_for(self._lost, event), None
        return self._end_while_away(End(why), now) if why is Reason.DEVICE_LINKED else []

    def _end_while_away(self, event: End, now: float) -> list[do.Command]:
        return [
            do.CancelTimer(self._resume_timer),
            self._current_link().publish_given_up(event.reason),
            *self._end(event.reason),
        ]

    def _expire_while_away(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        if self.type is ev.SessionType.ONE_TIME:
            return self._expire_with_link(event, now)
        return self._end_while_away(End(Reason.EXPIRED), now)

    def _expire_while_away_asked(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        self._unanswered = True
        closed = self._close_prompt(Reason.EXPIRED, answer=Reason.EXPIRED)
        if self.type is ev.SessionType.ONE_TIME:
            return [*closed, *self._expire_with_link(event, now), *self._go_on_waiting(now)]
        return [*closed, *self._end_while_away(End(Reason.EXPIRED), now)]

    def _disconnect_while_away_asked(self, event: ev.Disconnect, now: float) -> list[do.Command]:
        closed = self._close_prompt(Reason.CLOSED, answer=Reason.CLOSED)
        return [*closed, *self._disconnect_while_away(event, now)]

    def _end_while_away_asked(self, event: End, now: float) -> list[do.Command]:
        closed = self._close_prompt(event.reason, answer=event.reason)
        return [*closed, *self._end_while_away(event, now)]

    # --- the end ----------------------------------------------------------------------------------

    def _expire(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._end(Reason.EXPIRED)

    def _expire_with_link(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        if self.type is ev.SessionType.ONE_TIME:
            # The guest joined in time, so the session lasts as long as this link, but no link
            # follows it.
            self._overdue = True
            return []
        return self._end_with_link(End(Reason.EXPIRED), now)

    def _end_by_host(self, event: End, now: float) -> list[do.Command]:
        return self._end(event.reason)

    def _end_with_link(self, event: End, now: float) -> list[do.Command]:
        link = self._current_link()
        return [
            *link.close(event.reason, now, bye=_told(event.reason, Reason.CLOSED)),
            link.publish_end(),
            *self._end(event.reason),
        ]

    def _expire_while_asked(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # _reject clears self.guest, so the guest receives its pair_result and no session_ended
        # after it.
        return [*self._reject(Reason.EXPIRED, now), *self._end(Reason.EXPIRED)]

    def _end_while_asked(self, event: End, now: float) -> list[do.Command]:
        return [*self._reject(event.reason, now), *self._end(event.reason)]

    def _end(self, reason: Reason) -> list[do.Command]:
        self.state = SessionState.ENDED
        commands: list[do.Command] = [do.CancelTimer(self._session_timer)]
        if self.guest is not None:
            commands.append(
                pair_do.Send(
                    self.guest.connection,
                    pair_msg.SessionEnded(self.guest.session_id, _told(reason, Reason.CLOSED)),
                )
            )
            commands.append(
                self._close_socket(self.guest.connection, pair_msg.CloseCode.SESSION_ENDED)
            )
        self.guest = None
        return commands

    # --- helpers ----------------------------------------------------------------------------------

    def _current_link(self) -> Link:
        # A session in state LINKING, LINKED, AWAY or AWAY_ASKED always has a link.
        assert self.link is not None
        return self.link

    @property
    def _resume_timer(self) -> ev.Timer:
        return ev.SessionTimer(ev.TimerName.RESUME, self.id)

    @property
    def _approval_timer(self) -> ev.Timer:
        return ev.SessionTimer(ev.TimerName.APPROVAL, self.id)

    @property
    def _session_timer(self) -> ev.Timer:
        return ev.SessionTimer(ev.TimerName.SESSION, self.id)


_S = SessionState


# A link is over: the session can be joined again, waits for its guest, or ends.
_LINK_OVER: Final = (_S.OPEN, _S.AWAY, _S.ENDED)

TRANSITIONS: Final = TransitionTable(
    {
        _S.OPEN: {
            ResumeLink: (Session._resume, {_S.OPEN}),
            Ask: (Session._ask, {_S.OPEN, _S.ASKED, _S.LINKING}),
            GuestSignal: (Session._signal_not_allowed, {_S.OPEN}),
            ev.Decide: (Session._too_late, {_S.OPEN}),
            ev.TimerName.SESSION: (Session._expire, {_S.ENDED}),
            End: (Session._end_by_host, {_S.ENDED}),
        },
        _S.ASKED: {
            ResumeLink: (Session._resume, {_S.ASKED}),
            Ask: (Session._ask_while_asked, {_S.ASKED}),
            GuestSignal: (Session._signal_not_allowed, {_S.ASKED}),
            ev.Decide: (Session._decide, {_S.OPEN, _S.ASKED, _S.LINKING, _S.ENDED}),
            ev.TimerName.APPROVAL: (Session._approval_timeout, {_S.OPEN, _S.ENDED}),
            ev.TimerName.SESSION: (Session._expire_while_asked, {_S.ENDED}),
            pair_ev.ConnectionLost: (Session._asker_left, {_S.OPEN, _S.ENDED}),
            End: (Session._end_while_asked, {_S.ENDED}),
            TurnAway: (Session._turn_away, {_S.OPEN, _S.ENDED}),
            DeclineSurplus: (Session._decline_surplus, {_S.OPEN}),
            PrepareLink: (Session._prepare_link, {_S.ASKED}),
            DropPreparedLink: (Session._drop_prepared_link, {_S.ASKED}),
        },
        _S.LINKING: {
            ResumeLink: (Session._resume, {_S.LINKING}),
            Ask: (Session._busy, {_S.LINKING}),
            GuestSignal: (Session._signal, {_S.LINKING, *_LINK_OVER}),
            ev.Decide: (Session._too_late, {_S.LINKING}),
            ev.TimerName.LINK_OPEN: (Session._link_open_timeout, {*_LINK_OVER}),
            ev.TimerName.SESSION: (Session._expire_with_link, {_S.LINKING, _S.ENDED}),
            pair_ev.ConnectionLost: (Session._guest_lost_while_linking, {_S.LINKING, *_LINK_OVER}),
            link_ev.PeerDescribed: (Session._described, {_S.LINKING}),
            link_ev.ChannelOpened: (Session._link_event, {_S.LINKED}),
            link_ev.ChannelMessage: (Session._link_event, {_S.LINKING, _S.LINKED, *_LINK_OVER}),
            link_ev.PeerFailed: (Session._link_event, {_S.LINKING, _S.LINKED, *_LINK_OVER}),
            link_ev.LaneOpened: (Session._link_event, {_S.LINKING, _S.LINKED}),
            link_ev.LaneLost: (Session._link_event, {_S.LINKING, *_LINK_OVER}),
            ev.TimerName.LANE: (Session._link_event, {_S.LINKING}),
            ev.Disconnect: (Session._disconnect, {_S.ENDED}),
            End: (Session._end_with_link, {_S.ENDED}),
        },
        _S.LINKED: {
            ResumeLink: (Session._resume, {_S.LINKED, _S.LINKING}),
            Ask: (Session._busy, {_S.LINKED}),
            GuestSignal: (Session._signal, {_S.LINKED, _S.OPEN, _S.ENDED}),
            ev.Decide: (Session._too_late, {_S.LINKED}),
            ev.TimerName.SESSION: (Session._expire_with_link, {_S.LINKED, _S.ENDED}),
            pair_ev.ConnectionLost: (Session._guest_lost_while_linked, {_S.LINKED, _S.ENDED}),
            link_ev.ChannelOpened: (Session._link_event, {_S.LINKED}),
            link_ev.ChannelMessage: (Session._link_event, {_S.LINKED, _S.OPEN, _S.ENDED}),
            link_ev.ChannelClosed: (Session._link_event, {_S.LINKED, *_LINK_OVER}),
            link_ev.PeerFailed: (Session._link_event, {_S.LINKED, *_LINK_OVER}),
            ev.TimerName.HEARTBEAT: (Session._link_event, {_S.LINKED, *_LINK_OVER}),
            link_ev.LaneOpened: (Session._link_event, {_S.LINKED}),
            link_ev.LaneLost: (Session._link_event, {_S.LINKED, *_LINK_OVER}),
            ev.TimerName.LANE: (Session._link_event, {_S.LINKED}),
            ev.Disconnect: (Session._disconnect, {_S.ENDED}),
            End: (Session._end_with_link, {_S.ENDED}),
        },
        _S.AWAY: {
            ResumeLink: (Session._resume, {_S.AWAY, _S.LINKING}),
            Ask: (Session._ask_while_away, {_S.AWAY, _S.AWAY_ASKED}),
            GuestSignal: (Session._signal_not_allowed, {_S.AWAY}),
            ev.Decide: (Session._too_late, {_S.AWAY}),
            ev.TimerName.RESUME: (Session._away_too_long, {_S.OPEN, _S.ENDED}),
            ev.TimerName.SESSION: (Session._expire_while_away, {_S.AWAY, _S.ENDED}),
            pair_ev.ConnectionLost: (Session._lost_guest_left, {_S.AWAY, _S.ENDED}),
            ev.Disconnect: (Session._disconnect_while_away, {_S.ENDED}),
            End: (Session._end_while_away, {_S.ENDED}),
        },
        _S.AWAY_ASKED: {
            ResumeLink: (Session._resume, {_S.AWAY_ASKED, _S.LINKING}),
            Ask: (Session._busy, {_S.AWAY_ASKED}),
            GuestSignal: (Session._signal_not_allowed, {_S.AWAY_ASKED}),
            ev.Decide: (Session._decide, {_S.AWAY_ASKED, _S.LINKING, *_LINK_OVER}),
            ev.TimerName.APPROVAL: (Session._approval_timeout, {*_LINK_OVER}),
            ev.TimerName.SESSION: (Session._expire_while_away_asked, {_S.AWAY, _S.ENDED}),
            pair_ev.ConnectionLost: (Session._asker_left, {*_LINK_OVER}),
            PrepareLink: (Session._prepare_link, {_S.AWAY_ASKED}),
            DropPreparedLink: (Session._drop_prepared_link, {_S.AWAY_ASKED}),
            ev.Disconnect: (Session._disconnect_while_away_asked, {_S.ENDED}),
            End: (Session._end_while_away_asked, {_S.ENDED}),
        },
    },
    stale={
        **{kind: {_S.AWAY, _S.AWAY_ASKED} for kind in link_ev.LINK_EVENTS},
        link_ev.PeerDescribed: {_S.LINKED, _S.AWAY, _S.AWAY_ASKED},
    },
)
