"""A guest's way to a host's answer: the dial, the proof, the decision; and the next try where a
lost link is taken up.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from proxim.core.commands import (
    CancelTimer,
    CloseConnection,
    Command,
    Dial,
    Publish,
    Send,
    SetTimer,
)
from proxim.core.errors import Reason
from proxim.core.events import (
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    LinkID,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.files.transfers import Transfers
from proxim.core.link.link import Link, LinkState
from proxim.core.link.resuming import REDIAL_SECONDS, resumed, untold
from proxim.core.link.signaling import Signaling
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.messages import (
    CloseCode,
    ErrorMessage,
    PairChallenge,
    PairConfirm,
    PairRequest,
    PairResult,
    SessionEnded,
)
from proxim.core.pairing.proof import ProofError, ProofKeys, Side, tag_auth, tag_matches
from proxim.core.pairing.proving import GuestProof, Prover, start_guest_proof, start_resumption
from proxim.core.pairing.session_asked import APPROVAL_SECONDS
from proxim.core.status import LinkStatus, PairOutcome, Stage

# A LAN answers in milliseconds; a firewall that drops never does (the limit)
DIAL_SECONDS: Final = 4.0
# A host answers within milliseconds; as long as its own challenge lives
CHALLENGE_SECONDS: Final = 10.0
# The host's clock decides; this is for a host that fell silent
ANSWER_SECONDS: Final = APPROVAL_SECONDS + 5.0


class GuestState(Enum):
    """Where an attempt is."""

    DIALING = "dialing"
    PROVING = "proving"
    ASKING = "asking"
    LINKING = "linking"
    LINKED = "linked"
    RECONNECTING = "reconnecting"  # the link was lost; the next dial is awaited
    ENDED = "ended"


class PairingGuest:
    """See the module. `now` everywhere: seconds of a monotonic clock."""

    def __init__(
        self,
        target: JoinTarget,
        device: DeviceInfo,
        prover: Prover,
        new_link_id: Callable[[], LinkID],
        new_connection: Callable[[], ConnectionID],
        transfers: Transfers,
    ) -> None:
        self.state = GuestState.DIALING
        self.connection = new_connection()
        self._target = target
        self._device = device
        self._prover = prover
        self._new_link_id = new_link_id
        self._new_connection = new_connection
        self._transfers = transfers
        self.link = self._new_link(
            LinkStatus(
                new_link_id(), target.session_id, Stage.DIALING, peer_address=target.authority
            )
        )
        self._name = target.session_id  # what we call the session on this socket
        self._proof: GuestProof | None = None
        self._keys: ProofKeys | None = None
        self._resume_keys: ProofKeys | None = None  # of the last time that a host let us in
        self._resume_by: float | None = (
            None  # None: no link was lost; else until when another dial may follow
        )
        self._signaling = Signaling(Side.GUEST, target.address, None)
        self._hangs_up = True  # the WebSocket, or its dial, is still ours to end

    @property
    def resumes(self) -> bool:
        """Whether a link was lost and is being taken up again."""
        return self._resume_by is not None

    def start(self) -> list[Command]:
        """Commands for an attempt just made."""
        return [Publish(self.link.status), *self._dial(DIAL_SECONDS)]

    def _new_link(self, status: LinkStatus) -> Link:
        return Link(status, self._device.name, self._transfers)

    # --- reaching the host ------------------------------------------------------------------------

    def _dial(self, seconds: float) -> list[Command]:
        self.state = GuestState.DIALING
        self._hangs_up = True
        return [
            SetTimer(self._timer(TimerName.DIAL), seconds),
            Dial(self.connection, self._target.websocket_url),
        ]

    def _dialled(self, event: ConnectionOpened, now: float) -> list[Command]:
        opened: list[Command] = [CancelTimer(self._timer(TimerName.DIAL))]
        try:
            self._proof = self._start_proof()
        except ProofError:
            return [*opened, *self._end(Reason.LINK_UNREADABLE)]
        if self._proof is None:
            request = PairRequest(self._target.session_id, self._device)
            return [*opened, Send(self.connection, request), *self._ask(now)]
        self.state = GuestState.PROVING
        return [
            *opened,
            SetTimer(self._timer(TimerName.ANSWER), CHALLENGE_SECONDS),
            Send(self.connection, PairRequest(self._name, self._device, self._proof.auth)),
        ]

    def _start_proof(self) -> GuestProof | None:
        if self._resume_by is None or self._resume_keys is None:
            return start_guest_proof(self._target, self._device, self._prover)
        self._name = self._resume_keys.resume_name()
        return start_resumption(self._resume_keys, self._device, self._prover)

    def _ask(self, now: float) -> list[Command]:
        self.state = GuestState.ASKING
        if self.resumes:  # nobody is asked: the host answers as fast as it challenges
            return [SetTimer(self._timer(TimerName.ANSWER), CHALLENGE_SECONDS)]
        return [
            SetTimer(self._timer(TimerName.ANSWER), ANSWER_SECONDS),
            self.link.tell(stage=Stage.ASKING, deadline=now + APPROVAL_SECONDS),
        ]

    def _dial_failed(self, event: DialFailed, now: float) -> list[Command]:
        self._hangs_up = False
        return self._fail(event.reason, now)

    def _no_answer(self, event: TimerFired, now: float) -> list[Command]:
        return self._fail(Reason.NO_ANSWER, now)

    # --- proof ------------------------------------------------------------------------------------

    def _challenged(self, event: PairChallenge, now: float) -> list[Command]:
        assert self._proof is not None  # PROVING has one
        try:
            self._keys = self._proof.finish(event.auth)
        except ProofError:
            return self._end(Reason.HOST_UNPROVEN)
        confirm = PairConfirm(self._name, tag_auth(self._keys.guest_tag()))
        return [Send(self.connection, confirm), *self._ask(now)]

    def _result_without_proof(self, event: PairResult, now: float) -> list[Command]:
        """A host may turn us away before any proof; one that lets us in without it is not ours."""
        return self._end(Reason.HOST_UNPROVEN) if event.approved else self._result(event, now)

    def _no_challenge(self, event: TimerFired, now: float) -> list[Command]:
        return self._fail(Reason.HOST_UNPROVEN, now)

    # --- the host's answer ------------------------------------------------------------------------

    def _result(self, event: PairResult, now: float) -> list[Command]:
        if not event.approved:
            return self._rejected(_known(event.reason, _REJECTIONS, Reason.DECLINED), now)
        if self._keys is not None:
            if event.auth is None or not tag_matches(self._keys.host_tag("approved"), event.auth.t):
                return self._end(Reason.HOST_UNPROVEN)
            self._signaling = Signaling(Side.GUEST, self._target.address, self._keys)
            self._resume_keys = self._keys
        self.state = GuestState.LINKING
        answered = CancelTimer(self._timer(TimerName.ANSWER))
        url = self._target.lane_url
        if self.resumes:
            status = resumed(self.link.status, self._new_link_id(), self._target.authority)
            self.link = self._new_link(status)
            return [
                answered,
                Publish(status),
                *self.link.open(offerer=True, keys=self._keys, lane_url=url),
            ]
        return [
            answered,
            Publish(PairOutcome(self._target.session_id, approved=True)),
            self.link.tell(
                stage=Stage.APPROVED,
                deadline=None,
                verified=self._proof and self._proof.method.verified,
            ),
            *self.link.open(offerer=True, keys=self._keys, lane_url=url),
        ]

    def _rejected(self, reason: Reason, now: float) -> list[Command]:
        if self.resumes:
            return self._fail(reason, now) if reason in _PASSING else self._end(reason)
        return [
            Publish(PairOutcome(self._target.session_id, approved=False, reason=reason)),
            *self._end(reason),
        ]

    def _answer_timeout(self, event: TimerFired, now: float) -> list[Command]:
        return self._rejected(Reason.TIMEOUT, now)

    def _error(self, event: ErrorMessage, now: float) -> list[Command]:
        return self._fail(_known(event.code, _LINK_FAILURES, Reason.HOST_ERROR), now)

    def _session_ended(self, event: SessionEnded, now: float) -> list[Command]:
        return self._end(_known(event.reason, (*_REJECTIONS, Reason.PEER_VANISHED), Reason.CLOSED))

    def _host_gone(self, event: ConnectionLost, now: float) -> list[Command]:
        self._hangs_up = False
        return self._fail(Reason.HOST_GONE, now)

    # --- a lost link ------------------------------------------------------------------------------

    def _wait(self, now: float, pause: float = REDIAL_SECONDS) -> list[Command]:
        """Hang up, and dial again in a moment."""
        assert self._resume_by is not None  # its callers have looked
        hang_up = self._hang_up()
        # Of the next proof
        self._keys, self._signaling = (
            None,
            Signaling(Side.GUEST, self._target.address, None),
        )
        self.state = GuestState.RECONNECTING
        self._hangs_up = False
        # What is still heard of the one before comes too late
        self.connection = self._new_connection()
        redial = SetTimer(self._timer(TimerName.REDIAL), min(pause, self._resume_by - now))
        waits = self.link.status.stage is Stage.WAITING
        told = (
            []
            if waits
            else [self.link.tell(stage=Stage.WAITING, reason=None, deadline=self._resume_by)]
        )
        return [*hang_up, redial, *told]

    def _redial(self, event: TimerFired, now: float) -> list[Command]:
        assert self._resume_by is not None  # RECONNECTING has one
        if now >= self._resume_by:
            return self._end(Reason.PEER_VANISHED)
        return self._dial(min(DIAL_SECONDS, self._resume_by - now))

    # --- the end ----------------------------------------------------------------------------------

    def _fail(self, reason: Reason, now: float) -> list[Command]:
        """This try failed; where a lost link is being taken up again, another follows while there
        is time.
        """
        if self._resume_by is None:
            return self._end(reason)
        if now >= self._resume_by:
            return self._end(Reason.PEER_VANISHED)
        closed = self.link.state is LinkState.CLOSED
        return [*([] if closed else untold(self.link, self.link.close(reason))), *self._wait(now)]

    def _end(self, reason: Reason, bye: Reason | None = None) -> list[Command]:
        if self.link.state is LinkState.CLOSED:  # people were told that it waits
            told = [self.link.tell(stage=Stage.CLOSED, reason=reason, deadline=None)]
        else:
            told = self.link.close(reason, bye)
        return [*told, *self._leave(CloseCode.TAMPERED if reason in _TOLD_TO_THE_HOST else None)]

    def _leave(self, code: CloseCode | None = None) -> list[Command]:
        self.state = GuestState.ENDED
        return self._hang_up(code)

    def _hang_up(self, code: CloseCode | None = None) -> list[Command]:
        hang_up: list[Command] = [CloseConnection(self.connection, code)] if self._hangs_up else []
        return [
            CancelTimer(self._timer(TimerName.DIAL)),
            CancelTimer(self._timer(TimerName.ANSWER)),
            *hang_up,
        ]

    def _timer(self, name: TimerName) -> Timer:
        return Timer(name, self.link.id)


# What a host may say, in our words; anything else a newer host may say becomes the general reason
# beside it.
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
_PASSING: Final = (Reason.TIMEOUT, Reason.BUSY)  # a proof came too late: the next may come in time
# For these the close code (4401) tells the host: it has approved us, perhaps, and cannot see that
# somebody stands between.
_TOLD_TO_THE_HOST: Final = (Reason.TAMPERED, Reason.HOST_UNPROVEN)
_LINK_FAILURES: Final = (
    Reason.ICE_FAILED,
    Reason.LINK_TIMEOUT,
    Reason.NO_OFFER,
    Reason.BAD_DESCRIPTION,
)


def _known(text: str | None, known: tuple[Reason, ...], otherwise: Reason) -> Reason:
    return next((reason for reason in known if reason.value == text), otherwise)
