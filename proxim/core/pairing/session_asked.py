"""A session as far as requests go: its identity and life, its one prompt at a time, and its end."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Final

from proxim.core.commands import CancelTimer, CloseConnection, Command, Publish, Send, SetTimer
from proxim.core.errors import Problem, Reason
from proxim.core.events import (
    ConnectionID,
    ConnectionLost,
    Decide,
    LinkID,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.link.link import Link
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.invitations import NewSession
from proxim.core.pairing.messages import CloseCode, SessionEnded
from proxim.core.pairing.replies import rejection
from proxim.core.pairing.session_inputs import Ask, End, Guest, TurnAway
from proxim.core.pairing.session_states import SessionState
from proxim.core.sanitize import display_id, display_name
from proxim.core.status import PairOutcome, Prompt, Trouble

APPROVAL_SECONDS: Final = 40.0  # the seed: "Pairing requests expire after 40 seconds"
# Unproved requests of one address that may run out unanswered; a person looked away once
MAX_IGNORED: Final = 2


class AskedSession(ABC):
    """See the module. `now` everywhere: seconds of a monotonic clock."""

    def __init__(
        self,
        new: NewSession,
        own_name: str,
        new_link_id: Callable[[], LinkID],
    ) -> None:
        self.id = new.id
        self.type = new.type
        self.expires = new.expires
        self.own_name = own_name
        self.state = SessionState.OPEN
        self.guest: Guest | None = None  # None: nobody, or the link outlived its WebSocket
        self.link: Link | None = None
        self.end_reason: Reason | None = None
        self._new_link_id = new_link_id
        self._rejected = False
        self._asked = 0  # prompts so far; each has its number
        # One went away before its answer: from then on an answer must say which it means
        self._unanswered = False
        # Unproved requests that nobody answered, by address
        self._ignored: Counter[str] = Counter()
        # Addresses that were declined: only a proof gets them a second prompt
        self._muted: set[str] = set()

    def serves(self, connection: ConnectionID) -> bool:
        """Whether the guest on this WebSocket asks or was approved."""
        return self.guest is not None and self.guest.connection == connection

    def start(self, now: float) -> list[Command]:
        """Commands for a session just made."""
        if self.expires is None:
            return []
        return [SetTimer(self._session_timer, max(0.0, self.expires - now))]

    @abstractmethod
    def _let_in(self, guest: Guest, now: float) -> list[Command]:
        """Open a link to a guest that was approved."""

    # --- being asked ------------------------------------------------------------------------------

    def _ask(self, event: Ask, now: float) -> list[Command]:
        if event.guest.verified is None and event.guest.address in self._muted:
            return [rejection(event.guest, Reason.DECLINED)]
        self.state = SessionState.ASKED
        self.guest = event.guest
        self._rejected = False
        self._asked += 1
        deadline = now + APPROVAL_SECONDS
        shown = DeviceInfo(display_name(event.guest.device.name), display_id(event.guest.device.id))
        prompt = Prompt(
            self.id, shown, event.guest.address, event.guest.verified, deadline, self._asked
        )
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
        return [CancelTimer(self._approval_timer), *self._let_in(self.guest, now)]

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

    # --- the end ----------------------------------------------------------------------------------

    def _expire_while_asked(self, event: TimerFired, now: float) -> list[Command]:
        # _reject lets go of the guest, so it gets its pair_result and no session_ended on top.
        return [*self._reject(Reason.EXPIRED), *self._end(Reason.EXPIRED)]

    def _end_while_asked(self, event: End, now: float) -> list[Command]:
        return [*self._reject(event.reason), *self._end(event.reason)]

    def _end(self, reason: Reason) -> list[Command]:
        self.state = SessionState.ENDED
        self.end_reason = reason
        commands: list[Command] = [CancelTimer(self._session_timer)]
        if self.guest is not None:
            commands.append(
                Send(self.guest.connection, SessionEnded(self.guest.session_id, reason))
            )
            commands.append(CloseConnection(self.guest.connection, CloseCode.SESSION_ENDED))
        self.guest = None
        return commands

    @property
    def _approval_timer(self) -> Timer:
        return Timer(TimerName.APPROVAL, self.id)

    @property
    def _session_timer(self) -> Timer:
        return Timer(TimerName.SESSION, self.id)
