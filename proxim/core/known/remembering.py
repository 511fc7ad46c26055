"""Two devices of a link become known to each other (docs/protocol.md, Known devices).

`Remember` is a state machine, one for each link; its table `TRANSITIONS` is drawn in
docs/architecture.md. Both sides commit themselves to nonces and keys before either shows its own,
so nobody in between can make the digits agree. Both persons compare them, each side proves that it
has the key, and each stores it before it says so. So whoever believes that the two know each other
has heard from the other side that it has stored the key, too.
"""

import hmac
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.known import events as known_ev
from proxim.core.known import messages as known_msg
from proxim.core.known import status as known_st
from proxim.core.known.keys import NONCE_BYTES, Contribution, NewPair, new_pair
from proxim.core.link.features import PeerLink
from proxim.core.pairing.devices import KnownID, Verified
from proxim.core.pairing.proof import KeyPair, ProofError, Prover, Side
from proxim.core.transitions import TransitionTable

# Programs answer at once; this limit is for one that fell silent.
STEP_SECONDS: Final = 10.0
# Two persons look at two screens, and may have to walk.
COMPARE_SECONDS: Final = 60.0
# How often the other side of a link may ask; each time, a person here is asked to compare digits.
MAX_ASKED: Final = 5
# The reasons that the other side may give; any other counts as DECLINED.
_REASONS: Final = {
    reason.value: reason
    for reason in (
        Reason.DIGITS_DIFFER,
        Reason.TIMEOUT,
        Reason.UNATTENDED,
        Reason.BUSY,
        Reason.REMEMBER_UNVERIFIED,
        Reason.REMEMBER_UNSUPPORTED,
    )
}


class RememberState(Enum):
    """The states of becoming known."""

    IDLE = "idle"
    # We asked: our commitment was sent, and the other's is awaited.
    ASKING = "asking"
    # The other side asked: our commitment was sent, and what stands behind theirs is awaited.
    ANSWERED = "answered"
    # We showed what stands behind our commitment, and wait for the same of the other side.
    REVEALED = "revealed"
    # Our person compares the digits.
    COMPARING = "comparing"
    # Our person has said yes; the other side's has not.
    WAITING = "waiting"
    # Both have, and we have stored the key; whether the other side has is not known yet.
    STORED = "stored"


class Store(Protocol):
    """Where the keys of pairs are kept."""

    @property
    def busy(self) -> bool:
        """Whether a device is being made known on a link."""

    def name_of(self, uuid: str) -> str | None:
        """The name that an installation has here already; None if it is not known."""

    def add_pending(
        self, key: bytes, uuid: str, name: str, verified: Verified
    ) -> tuple[KnownID, list[do.Command]]:
        """Store the key of a device that may have stored it, too, or not."""

    def keep(self, device: KnownID) -> list[do.Command]:
        """The other side has stored the key, too."""

    def drop(self, device: KnownID) -> list[do.Command]:
        """The other side does not want the key; it is as if it had never been."""


@dataclass(slots=True)
class _Attempt:
    """What belongs to one attempt, from the first commitment to its end."""

    run: bytes = field(repr=False)
    # Whether this device's person asked for it.
    ours: bool
    key_pair: KeyPair = field(repr=False)
    own: Contribution = field(repr=False)
    # The other side's commitment, and what stood behind it.
    commit: bytes = field(default=b"", repr=False)
    other: Contribution | None = field(default=None, repr=False)
    pair: NewPair | None = field(default=None, repr=False)
    # The name that the other side's installation has here already, if it is known.
    known_as: str | None = None
    deadline: float = 0.0
    # Whether the other side's person has said yes.
    other_yes: bool = False
    device: KnownID | None = None


class Remember:
    """Makes the two devices of one link known to each other, as a state machine."""

    def __init__(
        self, link: PeerLink, own_uuid: str, prover: Prover, store: Store, asked: int = 0
    ) -> None:
        self.state = RememberState.IDLE
        # How often the other side has asked so far, on this link and those before it.
        self.asked = asked
        # The device that the other side became on this link.
        self.kept: KnownID | None = None
        self._link = link
        self._own_uuid = own_uuid
        self._prover = prover
        self._store = store
        guest = link.status.as_guest
        self._own_side = Side.GUEST if guest else Side.HOST
        self._other_side = Side.HOST if guest else Side.GUEST
        self._attempt: _Attempt | None = None

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle what this device's person wants, or the end of the timer."""
        return TRANSITIONS.handle(self, event, now)

    def message(self, message: known_msg.RunMessage, now: float) -> list[do.Command]:
        """Handle a message of the other side.

        Raises MessageError (NOT_ALLOWED) for one that it may not send now.
        """
        attempt = self._attempt
        if isinstance(message, known_msg.Commit) and not message.answer:
            # Another run begins, or two that both persons asked for meet.
            fits = attempt is None or self.state is RememberState.ASKING
        elif attempt is None or attempt.run != message.run:
            # It was sent before the other side knew that the attempt is over.
            late = isinstance(message, known_msg.No)
            return [] if late else [self._link.send(known_msg.No(message.run))]
        else:
            fits = TRANSITIONS.knows(self.state, message)
        if not fits:
            raise MessageError(Reason.NOT_ALLOWED, "remember")
        return TRANSITIONS.handle(self, message, now)

    def link_down(self, reason: Reason) -> list[do.Command]:
        """End the attempt with its link. What was stored stays: the other side may have stored it,
        too, and then the first proof says so.
        """
        if self._attempt is None:
            return []
        before = self.state
        ended = self._fail(reason)
        TRANSITIONS.called(self, "link_down", before)
        return ended

    # --- agreeing on the digits -------------------------------------------------------------------

    def _ask(self, event: known_ev.RememberDevice, now: float) -> list[do.Command]:
        reason = self._refusal()
        if reason is not None:
            return [self._publish(known_st.RememberStage.FAILED, ours=True, reason=reason)]
        run = self._prover.token_bytes(known_msg.RUN_BYTES)
        return self._begin(RememberState.ASKING, run, ours=True)

    def _asked_by_other(self, event: known_msg.Commit, now: float) -> list[do.Command]:
        reason = self._refusal()
        if reason is None and self.asked >= MAX_ASKED:
            reason = Reason.DECLINED
        if reason is not None:
            return [self._link.send(known_msg.No(event.run, reason.value))]
        self.asked += 1
        return self._answer(event, ours=False)

    def _refusal(self) -> Reason | None:
        if self._link.status.verified is None or not self._link.binding:
            return Reason.REMEMBER_UNVERIFIED
        return Reason.BUSY if self._store.busy else None

    def _answer(self, event: known_msg.Commit, *, ours: bool) -> list[do.Command]:
        begun = self._begin(RememberState.ANSWERED, event.run, ours=ours)
        self._current.commit = event.commit
        return begun

    def _begin(self, state: RememberState, run: bytes, *, ours: bool) -> list[do.Command]:
        key_pair = self._prover.x25519()
        own = Contribution(self._prover.token_bytes(NONCE_BYTES), key_pair.public, self._own_uuid)
        self.state = state
        self._attempt = _Attempt(run, ours, key_pair, own)
        return [
            do.SetTimer(self._timer, STEP_SECONDS),
            self._link.send(
                known_msg.Commit(
                    run,
                    own.commitment(self._own_side),
                    answer=state is RememberState.ANSWERED,
                )
            ),
            self._publish(known_st.RememberStage.PREPARING),
        ]

    def _committed(self, event: known_msg.Commit, now: float) -> list[do.Command]:
        attempt = self._current
        if not event.answer:
            # Both persons asked at the same moment; the guest's run is the one that goes on.
            return [] if self._own_side is Side.GUEST else self._answer(event, ours=True)
        attempt.commit = event.commit
        self.state = RememberState.REVEALED
        return [self._reveal()]

    def _reveal(self) -> do.Command:
        own = self._current.own
        return self._link.send(
            known_msg.Reveal(self._current.run, own.nonce, own.public_key, own.uuid)
        )

    def _revealed_first(self, event: known_msg.Reveal, now: float) -> list[do.Command]:
        return self._compare(event, [self._reveal()], now)

    def _revealed(self, event: known_msg.Reveal, now: float) -> list[do.Command]:
        return self._compare(event, [], now)

    def _compare(
        self, event: known_msg.Reveal, answer: list[do.Command], now: float
    ) -> list[do.Command]:
        attempt = self._current
        other = Contribution(event.nonce, event.public_key, event.uuid)
        if not hmac.compare_digest(other.commitment(self._other_side), attempt.commit):
            return self._fail(Reason.DIGITS_DIFFER, tell=True)
        if other.uuid == self._own_uuid:
            # Both programs belong to one installation.
            return self._fail(Reason.REMEMBER_UNSUPPORTED, tell=True)
        try:
            agreed = attempt.key_pair.agree(other.public_key)
        except ProofError:
            return self._fail(Reason.DIGITS_DIFFER, tell=True)
        guest, host = (attempt.own, other) if self._own_side is Side.GUEST else (other, attempt.own)
        attempt.other = other
        attempt.known_as = self._store.name_of(other.uuid)
        attempt.pair = new_pair(guest, host, self._link.binding, agreed)
        attempt.deadline = now + COMPARE_SECONDS
        self.state = RememberState.COMPARING
        return [
            *answer,
            do.SetTimer(self._timer, COMPARE_SECONDS),
            self._publish(known_st.RememberStage.COMPARE),
        ]

    # --- the persons and the key ------------------------------------------------------------------

    def _answered(self, event: known_ev.AnswerRemember, now: float) -> list[do.Command]:
        if event.digits not in (None, self._pair.digits):
            # It was meant for the digits of an earlier attempt.
            return []
        if not event.same:
            reason = Reason.UNATTENDED if event.unattended else Reason.DIGITS_DIFFER
            return self._fail(reason, tell=True)
        attempt = self._current
        yes = self._link.send(known_msg.Yes(attempt.run, self._pair.yes_tag(self._own_side)))
        if attempt.other_yes:
            return [yes, *self._keep_pending()]
        self.state = RememberState.WAITING
        return [yes, self._publish(known_st.RememberStage.WAITING)]

    def _taken_back(self, event: known_ev.AnswerRemember, now: float) -> list[do.Command]:
        return [] if event.same else self._fail(Reason.DIGITS_DIFFER, tell=True)

    def _other_says_yes(self, event: known_msg.Yes, now: float) -> list[do.Command]:
        if not hmac.compare_digest(event.tag, self._pair.yes_tag(self._other_side)):
            return self._fail(Reason.DIGITS_DIFFER, tell=True)
        if self.state is RememberState.WAITING:
            return self._keep_pending()
        self._current.other_yes = True
        return []

    def _keep_pending(self) -> list[do.Command]:
        attempt = self._current
        # Both exist since the digits were shown, and only a verified link gets so far.
        assert attempt.other is not None
        assert self._link.status.verified is not None
        attempt.device, stored = self._store.add_pending(
            self._pair.key,
            attempt.other.uuid,
            # The person here gave the earlier name, and has read beside the digits that it stays.
            attempt.known_as or self._link.peer_name or "",
            self._link.status.verified,
        )
        self.state = RememberState.STORED
        return [
            *stored,
            do.SetTimer(self._timer, STEP_SECONDS),
            self._link.send(known_msg.Kept(attempt.run, self._pair.kept_tag(self._own_side))),
        ]

    def _other_kept(self, event: known_msg.Kept, now: float) -> list[do.Command]:
        device = self._stored
        if not hmac.compare_digest(event.tag, self._pair.kept_tag(self._other_side)):
            return [*self._store.drop(device), *self._fail(Reason.DIGITS_DIFFER, tell=True)]
        self.kept = device
        kept = self._publish(known_st.RememberStage.KEPT)
        # Whoever stood in between could not have made these digits agree.
        trusted = self._doubt(False)
        return [*self._store.keep(device), *self._over(), *trusted, kept]

    # --- the end ----------------------------------------------------------------------------------

    def _refused(self, event: known_msg.No, now: float) -> list[do.Command]:
        return self._fail(_REASONS.get(event.reason or "", Reason.DECLINED))

    def _refused_after_all(self, event: known_msg.No, now: float) -> list[do.Command]:
        return [*self._store.drop(self._stored), *self._refused(event, now)]

    def _timeout(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return self._fail(Reason.TIMEOUT, tell=True)

    def _timeout_stored(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        # The other side may believe, so what was stored stays, and nothing is taken back there.
        return self._fail(Reason.TIMEOUT)

    def _no_question(self, event: object, now: float) -> list[do.Command]:
        # There is nothing to answer now, or it is under way already.
        return []

    def _fail(self, reason: Reason, *, tell: bool = False) -> list[do.Command]:
        told = [self._link.send(known_msg.No(self._current.run, reason.value))] if tell else []
        failed = self._publish(known_st.RememberStage.FAILED, reason=reason)
        doubted = self._doubt(True) if reason is Reason.DIGITS_DIFFER else []
        return [*told, *self._over(), *doubted, failed]

    def _doubt(self, differed: bool) -> list[do.Command]:
        """Let people see on the link itself whether its digits have differed."""
        if self._link.status.digits_differed == differed:
            return []
        return [self._link.publish(digits_differed=differed)]

    def _over(self) -> list[do.Command]:
        self.state = RememberState.IDLE
        self._attempt = None
        return [do.CancelTimer(self._timer)]

    # --- helpers ----------------------------------------------------------------------------------

    @property
    def _current(self) -> _Attempt:
        # In every state but IDLE there is an attempt.
        assert self._attempt is not None
        return self._attempt

    @property
    def _pair(self) -> NewPair:
        # There is a key since the digits were shown.
        assert self._current.pair is not None
        return self._current.pair

    @property
    def _stored(self) -> KnownID:
        # In state STORED there is a record.
        assert self._current.device is not None
        return self._current.device

    def _publish(
        self,
        stage: known_st.RememberStage,
        *,
        ours: bool | None = None,
        reason: Reason | None = None,
    ) -> do.Command:
        attempt = self._attempt
        asks = stage in (known_st.RememberStage.COMPARE, known_st.RememberStage.WAITING)
        return do.Publish(
            known_st.Remembering(
                self._link.id,
                stage,
                self._link.peer_name,
                self._current.ours if ours is None else ours,
                self._pair.digits if asks else None,
                self._current.deadline if asks else None,
                reason,
                None
                if attempt is None or stage is not known_st.RememberStage.KEPT
                else attempt.device,
                self._current.known_as if asks else None,
            )
        )

    @property
    def _timer(self) -> ev.LinkTimer:
        return ev.LinkTimer(known_ev.KnownTimer.REMEMBER, self._link.id)


_S = RememberState

TRANSITIONS: Final = TransitionTable(
    {
        _S.IDLE: {
            known_ev.RememberDevice: (Remember._ask, {_S.IDLE, _S.ASKING}),
            known_ev.AnswerRemember: (Remember._no_question, {_S.IDLE}),
            known_msg.Commit: (Remember._asked_by_other, {_S.IDLE, _S.ANSWERED}),
        },
        _S.ASKING: {
            known_ev.RememberDevice: (Remember._no_question, {_S.ASKING}),
            known_ev.AnswerRemember: (Remember._no_question, {_S.ASKING}),
            known_msg.Commit: (Remember._committed, {_S.ASKING, _S.ANSWERED, _S.REVEALED}),
            known_msg.No: (Remember._refused, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout, {_S.IDLE}),
        },
        _S.ANSWERED: {
            known_ev.RememberDevice: (Remember._no_question, {_S.ANSWERED}),
            known_ev.AnswerRemember: (Remember._no_question, {_S.ANSWERED}),
            known_msg.Reveal: (Remember._revealed_first, {_S.COMPARING, _S.IDLE}),
            known_msg.No: (Remember._refused, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout, {_S.IDLE}),
        },
        _S.REVEALED: {
            known_ev.RememberDevice: (Remember._no_question, {_S.REVEALED}),
            known_ev.AnswerRemember: (Remember._no_question, {_S.REVEALED}),
            known_msg.Reveal: (Remember._revealed, {_S.COMPARING, _S.IDLE}),
            known_msg.No: (Remember._refused, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout, {_S.IDLE}),
        },
        _S.COMPARING: {
            known_ev.RememberDevice: (Remember._no_question, {_S.COMPARING}),
            known_ev.AnswerRemember: (
                Remember._answered,
                {_S.COMPARING, _S.WAITING, _S.STORED, _S.IDLE},
            ),
            known_msg.Yes: (Remember._other_says_yes, {_S.COMPARING, _S.IDLE}),
            known_msg.No: (Remember._refused, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout, {_S.IDLE}),
        },
        _S.WAITING: {
            known_ev.RememberDevice: (Remember._no_question, {_S.WAITING}),
            known_ev.AnswerRemember: (Remember._taken_back, {_S.WAITING, _S.IDLE}),
            known_msg.Yes: (Remember._other_says_yes, {_S.STORED, _S.IDLE}),
            known_msg.No: (Remember._refused, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout, {_S.IDLE}),
        },
        _S.STORED: {
            known_ev.RememberDevice: (Remember._no_question, {_S.STORED}),
            known_ev.AnswerRemember: (Remember._no_question, {_S.STORED}),
            known_msg.Kept: (Remember._other_kept, {_S.IDLE}),
            known_msg.No: (Remember._refused_after_all, {_S.IDLE}),
            known_ev.KnownTimer.REMEMBER: (Remember._timeout_stored, {_S.IDLE}),
        },
    },
    calls={
        "link_down": {
            state: {_S.IDLE}
            for state in (
                *(_S.ASKING, _S.ANSWERED, _S.REVEALED),
                *(_S.COMPARING, _S.WAITING, _S.STORED),
            )
        }
    },
)
