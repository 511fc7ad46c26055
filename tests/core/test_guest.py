"""Tests of proxim.core.guest: one attempt as scripts; then a host and a network that do anything in
any order.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    CloseLane,
    ClosePeer,
    Command,
    Dial,
    DialLane,
    ExpectLane,
    OpenPeer,
    Publish,
    Send,
    SendOnChannel,
    SetTimer,
)
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    CONTROL_LABEL,
    LANE_CHANNEL,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    Disconnect,
    FrameReceived,
    FrameRefused,
    Join,
    LaneLost,
    LaneOpened,
    LinkID,
    PeerDescribed,
    PeerFailed,
    SendText,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.file_events import AcceptTransfer, CancelTransfer, RetryTransfer, SendPaths
from proxim.core.guest import Guest, GuestEvent
from proxim.core.guest_pairing import ANSWER_SECONDS, DIAL_SECONDS, GuestState
from proxim.core.host_code import HostCode, JoinTarget, parse_target
from proxim.core.link import HEARTBEAT_SECONDS
from proxim.core.link_messages import Bye, Hello, LinkMessage, TextPiece, dump_link_message
from proxim.core.manifest import TransferID
from proxim.core.messages import (
    CODE_SESSION_ID,
    Auth,
    Candidate,
    CloseCode,
    Description,
    ErrorMessage,
    Message,
    PairChallenge,
    PairConfirm,
    PairPrompt,
    PairRequest,
    PairResponse,
    PairResult,
    SDPType,
    SessionEnded,
    Signal,
    Verified,
    dump_message,
)
from proxim.core.program import Program
from proxim.core.proof import Method, Side, SignalMacs, tag_auth, tag_matches, to_base64url
from proxim.core.proving import method_of, start_host_proof
from proxim.core.resuming import RESUME_SECONDS
from proxim.core.status import LinkStatus, PairOutcome, Stage, TextReceived, Trouble, Via
from tests.core.machine_fixtures import (
    LINE,
    PHONE,
    STREAM,
    Bench,
    disk_answers,
    next_file_event,
    no_files,
    prover,
    published,
    sdp,
    sent,
    words_about_files,
)

SDP = sdp()
LINK = LinkID("guest-1")
SOCKET = ConnectionID(-1)
TARGET = JoinTarget("192.168.1.5", 47800, CODE_SESSION_ID)
CODE = HostCode(IPv4Address("192.168.1.5"), 47800, 12345).canonical
OTHER_CODE = HostCode(IPv4Address("192.168.1.5"), 47800, 12346).canonical
PROVING = parse_target(CODE)  # dials the same address
SECRET = bytes(range(16))
SCANNED = JoinTarget("192.168.1.5", 47800, "abc", qr_secret=to_base64url(SECRET))
ADDRESS = "192.168.1.5:47800"
PROVER = prover()  # one for all: no two runs share a byte
T0 = 100.0
DIAL = Timer(TimerName.DIAL, LINK)
ANSWER = Timer(TimerName.ANSWER, LINK)
OPEN_TIMER = Timer(TimerName.LINK_OPEN, LINK)
HEARTBEAT = Timer(TimerName.HEARTBEAT, LINK)
REDIAL = Timer(TimerName.REDIAL, LINK)
LANE = Timer(TimerName.LANE, LINK)

APPROVED = PairResult(CODE_SESSION_ID, approved=True)
OFFERED = PeerDescribed(LINK, SDPType.OFFER, SDP)
ANSWERED = Signal(CODE_SESSION_ID, Description(SDP, SDPType.ANSWER))
CHANNEL = ChannelOpened(LINK, 0, CONTROL_LABEL)


def frame(message: Message | str) -> FrameReceived:
    return FrameReceived(SOCKET, message if isinstance(message, str) else dump_message(message))


def heard(message: LinkMessage) -> ChannelMessage:
    return ChannelMessage(LINK, 0, dump_link_message(message))


def status(stage: Stage, deadline: float | None = None) -> Publish:
    connected = stage is Stage.CONNECTED
    told = LinkStatus(
        LINK, CODE_SESSION_ID, stage, None, ADDRESS, None, deadline, can_text=connected
    )
    return Publish(replace(told, was_connected=connected))


def closed(reason: Reason, *, was_connected: bool = False) -> Publish:
    told = LinkStatus(
        LINK,
        CODE_SESSION_ID,
        Stage.CLOSED,
        peer_address=ADDRESS,
        reason=reason,
        was_connected=was_connected,
    )
    return Publish(told)


def left(*, hangs_up: bool = True) -> list[Command]:
    """What ends every attempt."""
    return [
        CancelTimer(DIAL),
        CancelTimer(ANSWER),
        *([CloseConnection(SOCKET)] if hangs_up else []),
    ]


def peer_closed(*, said_bye: bool = False, proved: bool = False) -> list[Command]:
    """What ends a peer, and where the guest proved itself the lane that it could have dialled."""
    lane: list[Command] = [CancelTimer(LANE), CloseLane(LINK)] if proved else []
    return [CancelTimer(OPEN_TIMER), CancelTimer(HEARTBEAT), ClosePeer(LINK, said_bye), *lane]


def new_guest(target: JoinTarget = TARGET) -> Guest:
    """A guest with a link that holds no secret, where no other is named."""
    links, sockets = itertools.count(1), itertools.count(1)
    return Guest(
        target,
        PHONE,
        PROVER,
        lambda: LinkID(f"guest-{next(links)}"),
        lambda: ConnectionID(-next(sockets)),
        no_files(),
    )


def at(stage: GuestState) -> Guest:
    """A guest that all went well for, up to there; LINKING has sent its offer.

    PROVING has a code, and RECONNECTING has lost a link that came by it; the others have none.
    """
    if stage is GuestState.RECONNECTING:
        return lost()[0]
    guest = new_guest(PROVING if stage is GuestState.PROVING else TARGET)
    guest.start()
    if stage is GuestState.PROVING:
        guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0)
    steps: list[tuple[GuestState, list[GuestEvent]]] = [
        (GuestState.ASKING, [ConnectionOpened(SOCKET, "192.168.1.5")]),
        (GuestState.LINKING, [frame(APPROVED), OFFERED]),
        (GuestState.LINKED, [frame(ANSWERED), CHANNEL]),
    ]
    for reached, events in steps:
        if guest.state is not stage and stage is not GuestState.ENDED:
            for event in events:
                guest.handle(event, T0)
            assert guest.state is reached
    if stage is GuestState.ENDED:
        guest.handle(Disconnect(LINK), T0)
    return guest


class ProvenHost:
    """The host's side of a proof: what an honest host answers this request."""

    def __init__(self, request: Message, code: str = CODE, secret: bytes = SECRET) -> None:
        assert isinstance(request, PairRequest)
        assert request.auth is not None
        self.name = request.session_id
        method = method_of(request.auth)
        known = code.encode() if method is Method.SPAKE2 else secret  # the QR's, or the lost link's
        self.proof = start_host_proof(request, request.auth, method, known, PROVER)
        self.macs = SignalMacs(self.proof.keys, Side.HOST)
        self.challenge = PairChallenge(self.name, self.proof.auth)
        self.approval = PairResult(
            self.name, approved=True, auth=tag_auth(self.proof.keys.host_tag("approved"))
        )

    def takes(self, signal: Message) -> bool:
        """Whether a signal of the guest carries its MAC."""
        assert isinstance(signal, Signal)
        return self.macs.check(signal.payload, signal.mac)

    def signal(self, payload: Description | Candidate) -> Signal:
        return Signal(self.name, payload, self.macs.seal(payload))


def proving(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """A guest that has asked with its share, and a host that can answer it."""
    guest = new_guest(target)
    guest.start()
    (request,) = sent(guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0))
    return guest, ProvenHost(request)


def proved(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """It has confirmed and waits for the person."""
    guest, host = proving(target)
    guest.handle(frame(host.challenge), T0)
    return guest, host


def offered(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """It was approved, and its offer is at the host."""
    guest, host = proved(target)
    guest.handle(frame(host.approval), T0)
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert host.takes(offer)
    return guest, host


def linked(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """Its link is open."""
    guest, host = offered(target)
    guest.handle(frame(host.signal(HOSTS_ANSWER)), T0)
    guest.handle(CHANNEL, T0)
    assert guest.state is GuestState.LINKED
    return guest, host


def lost() -> tuple[Guest, ProvenHost]:
    """Its link has fallen silent."""
    guest, host = linked()
    guest.handle(PeerFailed(LINK, Reason.PEER_VANISHED), T0)
    return guest, host


def returning() -> tuple[Guest, ProvenHost]:
    """It has dialled again and asks by its resume name; the host that can answer is the one it was
    linked to.
    """
    guest, host = lost()
    guest.handle(TimerFired(REDIAL), T0)
    (request,) = sent(guest.handle(ConnectionOpened(guest.connection, "192.168.1.5"), T0))
    return guest, ProvenHost(request, secret=host.proof.keys.resume_secret())


# --- all goes well --------------------------------------------------------------------------------


def test_from_dial_to_link_and_goodbye() -> None:
    guest = new_guest()
    assert guest.start() == [
        status(Stage.DIALING),
        SetTimer(DIAL, 4.0),
        Dial(SOCKET, "ws://192.168.1.5:47800/ws"),
    ]
    assert guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0) == [
        CancelTimer(DIAL),
        Send(SOCKET, PairRequest(CODE_SESSION_ID, PHONE)),
        SetTimer(ANSWER, 45.0),
        status(Stage.ASKING, deadline=T0 + 40),
    ]
    assert guest.handle(frame(APPROVED), T0) == [
        CancelTimer(ANSWER),
        Publish(PairOutcome(CODE_SESSION_ID, approved=True)),
        status(Stage.APPROVED),
        OpenPeer(LINK, offerer=True),
        SetTimer(OPEN_TIMER, 15.0),
    ]
    assert guest.handle(OFFERED, T0) == [
        Send(SOCKET, Signal(CODE_SESSION_ID, Description(SDP, SDPType.OFFER))),
        status(Stage.CONNECTING),
    ]
    assert guest.handle(frame(ANSWERED), T0) == [ApplyDescription(LINK, SDPType.ANSWER, SDP)]
    assert guest.handle(CHANNEL, T0) == [
        CancelTimer(OPEN_TIMER),
        SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        SendOnChannel(LINK, 0, dump_link_message(Hello("Phone"))),
        status(Stage.CONNECTED),
    ]
    assert guest.handle(Disconnect(LINK), T0) == [
        SendOnChannel(LINK, 0, dump_link_message(Bye("disconnected"))),
        *peer_closed(said_bye=True),
        closed(Reason.DISCONNECTED, was_connected=True),
        *left(),
    ]
    assert guest.state is GuestState.ENDED


def test_a_url_with_a_session_asks_for_that_session_on_that_address() -> None:
    guest = new_guest(JoinTarget("fe80::1%eth0", 47801, "abc"))
    assert guest.start()[-1] == Dial(SOCKET, "ws://[fe80::1%25eth0]:47801/ws")
    commands = guest.handle(ConnectionOpened(SOCKET, "fe80::1%eth0"), T0)
    assert sent(commands) == [PairRequest("abc", PHONE)]


def test_no_secret_is_ever_sent() -> None:
    bench = Bench(Program(PHONE, None, prover()))
    for number, target in enumerate((PROVING, SCANNED), 1):
        bench.do(Join(target))
        (request,) = sent(bench.do(ConnectionOpened(ConnectionID(-number), "192.168.1.5")))
        host = ProvenHost(request)
        (confirm,) = sent(
            bench.do(FrameReceived(ConnectionID(-number), dump_message(host.challenge)))
        )
        for text in (dump_message(request), dump_message(confirm)):
            assert CODE not in text
            assert to_base64url(SECRET) not in text
        bench.do(Disconnect(LinkID(f"guest-{number}")))


@pytest.mark.parametrize(
    "payload",
    [{"sdp": SDP}, {"sdp": SDP, "type": "answer"}, {"sdp": {"type": "answer", "sdp": SDP}}],
)
def test_the_answer_of_a_host_that_knows_only_the_seed_or_a_browser(payload: object) -> None:
    text = json.dumps({"type": "signal", "sessionID": CODE_SESSION_ID, "payload": payload})
    assert at(GuestState.LINKING).handle(frame(text), T0) == [
        ApplyDescription(LINK, SDPType.ANSWER, SDP)
    ]


def test_candidates_may_come_before_the_answer_after_it_and_on_an_open_link() -> None:
    candidate = Candidate(LINE, "0", 0)
    guest = at(GuestState.LINKING)
    for event in (frame(ANSWERED), CHANNEL, None):
        assert guest.handle(frame(Signal(CODE_SESSION_ID, candidate)), T0) == [
            AddCandidate(LINK, candidate)
        ]
        if event is not None:
            guest.handle(event, T0)


def test_text_both_ways() -> None:
    guest = at(GuestState.LINKED)
    said = SendOnChannel(LINK, 0, dump_link_message(TextPiece("hi")))
    assert guest.handle(SendText(LINK, "hi"), T0)[0] == said
    assert guest.handle(heard(TextPiece("ho")), T0) == [Publish(TextReceived(LINK, "ho"))]


@pytest.mark.parametrize(
    "stage", [GuestState.DIALING, GuestState.PROVING, GuestState.ASKING, GuestState.LINKING]
)
def test_text_before_the_link_is_told_not_connected(stage: GuestState) -> None:
    told = Publish(Trouble(Problem(Reason.NOT_CONNECTED), LINK))
    assert at(stage).handle(SendText(LINK, "hi"), T0) == [told]


# --- proof ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "method", "verified"),
    [(PROVING, "spake2", Verified.CODE), (SCANNED, "psk", Verified.QR)],
)
def test_a_guest_that_holds_a_secret_proves_it_before_anybody_is_asked(
    target: JoinTarget, method: str, verified: Verified
) -> None:
    guest = new_guest(target)
    guest.start()
    commands = guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0)
    (request,) = sent(commands)
    assert isinstance(request, PairRequest)
    assert request.auth is not None
    assert (request.auth.v, request.auth.m, request.auth.t) == (1, method, None)
    assert commands == [CancelTimer(DIAL), SetTimer(ANSWER, 10.0), Send(SOCKET, request)]
    assert guest.state is GuestState.PROVING
    host = ProvenHost(request)
    confirmed = guest.handle(frame(host.challenge), T0)
    (confirm,) = sent(confirmed)
    assert isinstance(confirm, PairConfirm)
    assert tag_matches(host.proof.keys.guest_tag(), confirm.auth.t)
    asking = LinkStatus(
        LINK, target.session_id, Stage.ASKING, peer_address=ADDRESS, deadline=T0 + 40
    )
    assert confirmed == [Send(SOCKET, confirm), SetTimer(ANSWER, 45.0), Publish(asking)]
    approved = replace(asking, stage=Stage.APPROVED, deadline=None, verified=verified)
    assert published(guest.handle(frame(host.approval), T0)) == [
        PairOutcome(target.session_id, True),
        approved,
    ]
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert host.takes(offer)
    answer = host.signal(Description(SDP, SDPType.ANSWER))
    assert guest.handle(frame(answer), T0) == [ApplyDescription(LINK, SDPType.ANSWER, SDP)]
    candidate = Candidate(LINE, "0", 0)
    assert guest.handle(frame(host.signal(candidate)), T0) == [AddCandidate(LINK, candidate)]
    status_now = published(guest.handle(CHANNEL, T0))[-1]
    assert isinstance(status_now, LinkStatus)
    assert (status_now.stage, status_now.verified) == (Stage.CONNECTED, verified)
    assert guest.handle(frame(host.signal(candidate)), T0) == [AddCandidate(LINK, candidate)]


def reason_of(guest: Guest, commands: list[Command]) -> Reason | None:
    """Why the attempt has ended."""
    assert guest.state is GuestState.ENDED
    told = published(commands)[-1]
    assert isinstance(told, LinkStatus)
    assert told.stage is Stage.CLOSED
    code = CloseCode.TAMPERED if told.reason in (Reason.TAMPERED, Reason.HOST_UNPROVEN) else None
    assert CloseConnection(guest.connection, code) in commands  # the host is to know
    return told.reason


@pytest.mark.parametrize("target", [PROVING, SCANNED])
def test_no_challenge_within_10_seconds_ends_the_attempt(target: JoinTarget) -> None:
    guest, _ = proving(target)
    assert reason_of(guest, guest.handle(TimerFired(ANSWER), T0 + 10)) is Reason.HOST_UNPROVEN


@pytest.mark.parametrize("target", [PROVING, SCANNED])
def test_an_approval_without_a_proof_ends_the_attempt(target: JoinTarget) -> None:
    guest, host = proving(target)
    assert (
        reason_of(guest, guest.handle(frame(PairResult(target.session_id, approved=True)), T0))
        is Reason.HOST_UNPROVEN
    )
    guest, host = proving(target)
    assert reason_of(guest, guest.handle(frame(host.approval), T0)) is Reason.HOST_UNPROVEN
    for auth in (None, Auth(), Auth(t="")):
        guest, _ = proved(target)
        approval = PairResult(target.session_id, approved=True, auth=auth)
        assert reason_of(guest, guest.handle(frame(approval), T0)) is Reason.HOST_UNPROVEN


@pytest.mark.parametrize("target", [PROVING, SCANNED])
def test_a_challenge_that_no_honest_host_sends_ends_the_attempt(target: JoinTarget) -> None:
    guest, host = proving(target)
    good = host.proof.auth
    other = Method.PSK if good.m == Method.SPAKE2 else Method.SPAKE2
    assert good.y is not None
    wrong = [
        Auth(),
        replace(good, v=None),
        replace(good, v=2),
        replace(good, m=None),
        replace(good, m=other.value),
        replace(good, m="none"),
        replace(good, y=None),
        replace(good, y=""),
        replace(good, y=good.y[:-2]),
        replace(good, y=good.y + "AAAA"),
        replace(good, y=good.y + "="),
        replace(good, y="*" * len(good.y)),
        replace(good, y="é" * len(good.y)),
    ]
    for auth in wrong:
        guest, _ = proving(target)
        commands = guest.handle(frame(PairChallenge(target.session_id, auth)), T0)
        assert sent(commands) == [], auth
        assert reason_of(guest, commands) is Reason.HOST_UNPROVEN, auth


def test_a_guests_own_share_sent_back_to_it_proves_nothing() -> None:
    guest, host = proving()
    assert host.proof.request.auth is not None
    reflected = replace(host.proof.auth, y=host.proof.request.auth.y)
    assert (
        reason_of(guest, guest.handle(frame(PairChallenge(CODE_SESSION_ID, reflected)), T0))
        is Reason.HOST_UNPROVEN
    )


@pytest.mark.parametrize(
    ("target", "code", "secret"), [(PROVING, OTHER_CODE, SECRET), (SCANNED, CODE, bytes(16))]
)
def test_a_host_that_does_not_know_the_secret_is_not_let_in(
    target: JoinTarget, code: str, secret: bytes
) -> None:
    guest = new_guest(target)
    guest.start()
    (request,) = sent(guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0))
    impostor = ProvenHost(request, code, secret)
    guest.handle(frame(impostor.challenge), T0)
    assert reason_of(guest, guest.handle(frame(impostor.approval), T0)) is Reason.HOST_UNPROVEN


@pytest.mark.parametrize("target", [PROVING, SCANNED])
def test_a_tag_of_another_kind_or_run_is_wrong(target: JoinTarget) -> None:
    _, other = proved(target)
    for name in ("rejected", "guest", "other run", "a bit"):
        guest, host = proved(target)
        keys = host.proof.keys
        flipped = bytes([keys.host_tag("approved")[0] ^ 1]) + keys.host_tag("approved")[1:]
        tag = {
            "rejected": keys.host_tag("rejected"),
            "guest": keys.guest_tag(),
            "other run": other.proof.keys.host_tag("approved"),
            "a bit": flipped,
        }[name]
        approval = PairResult(target.session_id, approved=True, auth=tag_auth(tag))
        assert reason_of(guest, guest.handle(frame(approval), T0)) is Reason.HOST_UNPROVEN, name


@pytest.mark.parametrize(
    "reason", [Reason.BUSY, Reason.TOO_MANY_TRIES, Reason.NOT_VERIFIED, Reason.UNKNOWN_SESSION]
)
def test_a_host_may_say_no_before_any_proof(reason: Reason) -> None:
    guest, _ = proving()
    rejection = PairResult(CODE_SESSION_ID, approved=False, reason=reason)
    assert reason_of(guest, guest.handle(frame(rejection), T0)) is reason


def test_a_second_challenge_ends_the_attempt() -> None:
    guest, host = proved()
    assert reason_of(guest, guest.handle(frame(host.challenge), T0)) is Reason.HOST_ERROR


def test_a_link_whose_secret_has_a_wrong_length_cannot_be_joined() -> None:
    guest = new_guest(replace(SCANNED, qr_secret="AAAA"))
    guest.start()
    commands = guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0)
    assert sent(commands) == []
    assert reason_of(guest, commands) is Reason.LINK_UNREADABLE


# --- MACs -----------------------------------------------------------------------------------------

HOSTS_ANSWER = Description(SDP, SDPType.ANSWER)
HOSTS_CANDIDATE = Candidate(LINE, "0", 0)


def tampered(guest: Guest, signal: Signal) -> None:
    commands = guest.handle(frame(signal), T0)
    assert not [one for one in commands if isinstance(one, ApplyDescription | AddCandidate)]
    assert reason_of(guest, commands) is Reason.TAMPERED


@pytest.mark.parametrize("target", [PROVING, SCANNED])
@pytest.mark.parametrize("payload", [HOSTS_ANSWER, HOSTS_CANDIDATE, Candidate("")])
def test_a_missing_or_wrong_mac_ends_the_attempt(
    target: JoinTarget, payload: Description | Candidate
) -> None:
    for mac in (None, "", "A", "A" * 43, "é" * 43):
        guest, _ = offered(target)
        tampered(guest, Signal(target.session_id, payload, mac))
    guest, host = offered(target)
    mac = host.signal(payload).mac
    assert mac is not None
    tampered(guest, Signal(target.session_id, payload, mac + "="))


def test_a_changed_payload_ends_the_attempt() -> None:
    changes: list[tuple[Description | Candidate, Description | Candidate]] = [
        (HOSTS_ANSWER, replace(HOSTS_ANSWER, sdp=SDP.replace("AB:", "AC:", 1))),
        (HOSTS_ANSWER, Candidate(SDP)),
        (
            HOSTS_CANDIDATE,
            replace(HOSTS_CANDIDATE, candidate=LINE.replace("192.168.1.9", "192.168.1.8")),
        ),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mid=None)),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mid="1")),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mline_index=None)),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mline_index=1)),
        (HOSTS_CANDIDATE, Candidate("")),
    ]
    for honest, changed in changes:
        guest, host = offered()
        tampered(guest, Signal(CODE_SESSION_ID, changed, host.signal(honest).mac))


def test_a_replayed_dropped_swapped_or_reflected_signal_ends_the_attempt() -> None:
    guest, host = offered()
    answer = host.signal(HOSTS_ANSWER)
    guest.handle(frame(answer), T0)
    tampered(guest, answer)

    guest, host = offered()
    host.signal(HOSTS_ANSWER)  # never arrives
    tampered(guest, host.signal(HOSTS_CANDIDATE))

    guest, host = offered()
    answer, candidate = host.signal(HOSTS_ANSWER), host.signal(HOSTS_CANDIDATE)
    tampered(guest, candidate)
    guest, host = offered()
    answer, candidate = host.signal(HOSTS_ANSWER), host.signal(HOSTS_CANDIDATE)
    tampered(guest, replace(answer, mac=candidate.mac))

    guest, host = proved()
    guest.handle(frame(host.approval), T0)
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert isinstance(offer, Signal)
    assert isinstance(offer.payload, Description)
    tampered(guest, replace(offer, payload=replace(offer.payload, type=SDPType.ANSWER)))


def test_an_answer_is_bound_to_the_offer_that_it_answers() -> None:
    guest, host = proved()
    guest.handle(frame(host.approval), T0)
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert isinstance(offer, Signal)
    # In between, another offer is put in its place; even if the host took it, its answer would not
    # be taken here.
    host.macs.check(Description(SDP.replace("AB:", "AC:", 1), SDPType.OFFER), offer.mac)
    tampered(guest, host.signal(HOSTS_ANSWER))


# --- the host cannot be reached -------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason", [Reason.REFUSED, Reason.UNREACHABLE, Reason.NOT_PROXIM, Reason.NO_ANSWER]
)
def test_a_dial_that_fails_says_why(reason: Reason) -> None:
    guest = at(GuestState.DIALING)
    assert guest.handle(DialFailed(SOCKET, reason), T0) == [closed(reason), *left(hangs_up=False)]
    assert guest.state is GuestState.ENDED


def test_nobody_answers_within_4_seconds() -> None:
    assert DIAL_SECONDS == 4.0
    assert at(GuestState.DIALING).handle(TimerFired(DIAL), T0) == [
        closed(Reason.NO_ANSWER),
        *left(),
    ]


def test_a_host_that_falls_silent_is_given_5_seconds_more_than_its_person() -> None:
    assert ANSWER_SECONDS == 45.0
    assert at(GuestState.ASKING).handle(TimerFired(ANSWER), T0) == [
        Publish(PairOutcome(CODE_SESSION_ID, approved=False, reason=Reason.TIMEOUT)),
        closed(Reason.TIMEOUT),
        *left(),
    ]


# --- the host says no -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *[
            (reason.value, reason)
            for reason in (
                Reason.DECLINED,
                Reason.TIMEOUT,
                Reason.EXPIRED,
                Reason.BUSY,
                Reason.UNKNOWN_SESSION,
                Reason.NOT_VERIFIED,
                Reason.CLOSED,
            )
        ],
        (None, Reason.DECLINED),
        ("no such reason", Reason.DECLINED),
        ("internal", Reason.DECLINED),
    ],
)
def test_a_rejection_says_why(said: str | None, reason: Reason) -> None:
    guest = at(GuestState.ASKING)
    assert guest.handle(frame(PairResult(CODE_SESSION_ID, approved=False, reason=said)), T0) == [
        Publish(PairOutcome(CODE_SESSION_ID, approved=False, reason=reason)),
        closed(reason),
        *left(),
    ]


def ending(stage: GuestState, reason: Reason, *, hangs_up: bool = True) -> list[Command]:
    """What an end at `stage` that nobody says goodbye for commands."""
    peer = peer_closed() if stage in (GuestState.LINKING, GuestState.LINKED) else []
    return [
        *peer,
        closed(reason, was_connected=stage is GuestState.LINKED),
        *left(hangs_up=hangs_up),
    ]


LINKABLE = [GuestState.ASKING, GuestState.LINKING, GuestState.LINKED]
TALKING = [GuestState.PROVING, *LINKABLE]


@pytest.mark.parametrize("stage", TALKING)
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ice_failed", Reason.ICE_FAILED),
        ("link_timeout", Reason.LINK_TIMEOUT),
        ("no_offer", Reason.NO_OFFER),
        ("bad_description", Reason.BAD_DESCRIPTION),
        ("not_allowed", Reason.HOST_ERROR),
        ("too_many", Reason.HOST_ERROR),
        ("no such code", Reason.HOST_ERROR),
    ],
)
def test_an_error_of_the_host_ends_the_attempt_at_every_stage(
    stage: GuestState, said: str, reason: Reason
) -> None:
    guest = at(stage)
    assert guest.handle(frame(ErrorMessage(said, "sentence")), T0) == ending(stage, reason)
    assert guest.state is GuestState.ENDED


@pytest.mark.parametrize("stage", LINKABLE)
@pytest.mark.parametrize(
    ("said", "reason"),
    [("expired", Reason.EXPIRED), ("closed", Reason.CLOSED), ("whatever", Reason.CLOSED)],
)
def test_the_end_of_the_session_ends_the_attempt_at_every_stage(
    stage: GuestState, said: str, reason: Reason
) -> None:
    assert at(stage).handle(frame(SessionEnded(CODE_SESSION_ID, said)), T0) == ending(stage, reason)


# --- the host goes away ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [GuestState.PROVING, GuestState.ASKING, GuestState.LINKING])
def test_a_host_that_goes_before_its_answer_is_gone(stage: GuestState) -> None:
    assert at(stage).handle(ConnectionLost(SOCKET), T0) == ending(
        stage, Reason.HOST_GONE, hangs_up=False
    )


def test_a_link_that_was_answered_may_still_open_without_the_socket() -> None:
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    assert guest.handle(ConnectionLost(SOCKET), T0) == []
    guest.handle(CHANNEL, T0)
    assert guest.state is GuestState.LINKED
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    guest.handle(ConnectionLost(SOCKET), T0)
    timed_out = ending(GuestState.LINKING, Reason.LINK_TIMEOUT, hangs_up=False)
    assert guest.handle(TimerFired(OPEN_TIMER), T0) == timed_out


def test_an_open_link_stands_without_the_socket() -> None:
    guest = at(GuestState.LINKED)
    assert guest.handle(ConnectionLost(SOCKET), T0) == []
    assert guest.handle(heard(Bye("closed")), T0) == ending(
        GuestState.LINKED, Reason.CLOSED, hangs_up=False
    )


def test_a_link_that_does_not_open_within_15_seconds() -> None:
    guest = at(GuestState.LINKING)
    assert guest.handle(TimerFired(OPEN_TIMER), T0) == ending(
        GuestState.LINKING, Reason.LINK_TIMEOUT
    )


@pytest.mark.parametrize("stage", [GuestState.LINKING, GuestState.LINKED])
@pytest.mark.parametrize("reason", [Reason.ICE_FAILED, Reason.NO_DESCRIPTION, Reason.PEER_LEFT])
def test_a_peer_that_fails_ends_the_attempt(stage: GuestState, reason: Reason) -> None:
    assert at(stage).handle(PeerFailed(LINK, reason), T0) == ending(stage, reason)


def test_silence_is_noticed_within_6_seconds() -> None:
    guest = at(GuestState.LINKED)
    guest.handle(heard(Hello("Host PC")), T0)
    now = T0
    while guest.state is GuestState.LINKED:
        now += HEARTBEAT_SECONDS
        commands = guest.handle(TimerFired(HEARTBEAT), now)
    assert now - T0 <= 6
    told = published(commands)[-1]
    assert isinstance(told, LinkStatus)
    assert (told.reason, told.peer_name) == (Reason.PEER_VANISHED, "Host PC")


@pytest.mark.parametrize("target", [PROVING, SCANNED])
@pytest.mark.parametrize("start", [offered, linked])
def test_from_a_host_that_proved_itself_a_wrong_frame_was_changed_on_its_way(
    target: JoinTarget, start: Callable[[JoinTarget], tuple[Guest, ProvenHost]]
) -> None:
    own = target.session_id
    out_of_turn: list[Message] = [
        PairResult(own, approved=True),
        PairChallenge(own, Auth()),
        PairRequest(own, PHONE),
    ]
    strange: list[Message | str] = ["rubbish", "{}", '{"type":"later"}', *out_of_turn]
    for wrong in strange:
        guest, _ = start(target)
        assert reason_of(guest, guest.handle(frame(wrong), T0)) is Reason.TAMPERED, wrong
    guest, _ = start(target)
    assert (
        reason_of(guest, guest.handle(FrameRefused(SOCKET, Reason.BAD_MESSAGE), T0))
        is Reason.TAMPERED
    )


@pytest.mark.parametrize("code", [1002, 1007, 1009])
@pytest.mark.parametrize("start", [offered, linked])
def test_a_host_that_proved_itself_and_cannot_read_us_got_what_we_did_not_send(
    start: Callable[[JoinTarget], tuple[Guest, ProvenHost]], code: int
) -> None:
    guest, _ = start(SCANNED)
    commands = guest.handle(ConnectionLost(SOCKET, code), T0)
    assert guest.state is GuestState.ENDED
    told = published(commands)[-1]
    assert isinstance(told, LinkStatus)
    assert told.reason is Reason.TAMPERED
    # The socket is gone
    assert not any(isinstance(one, Send | CloseConnection) for one in commands)


@pytest.mark.parametrize("code", [1002, 1007, 1009])
def test_where_nothing_was_proved_an_unreadable_frame_is_a_lost_socket(code: int) -> None:
    lost, other = at(GuestState.LINKING), at(GuestState.LINKING)
    assert lost.handle(ConnectionLost(SOCKET, code), T0) == other.handle(ConnectionLost(SOCKET), T0)
    linked_without = at(GuestState.LINKED)
    assert linked_without.handle(ConnectionLost(SOCKET, code), T0) == []


OTHER_SESSION = "another"


@pytest.mark.parametrize("target", [PROVING, SCANNED])
def test_a_host_that_speaks_of_another_session(target: JoinTarget) -> None:
    """Before its challenge that may be a mistake; after it, somebody changed it."""
    guest, host = proving(target)
    elsewhere = replace(host.challenge, session_id=OTHER_SESSION)
    assert reason_of(guest, guest.handle(frame(elsewhere), T0)) is Reason.HOST_ERROR
    guest, host = proved(target)
    elsewhere_approved = replace(host.approval, session_id=OTHER_SESSION)
    assert reason_of(guest, guest.handle(frame(elsewhere_approved), T0)) is Reason.TAMPERED
    guest, host = offered(target)
    answer = replace(host.signal(HOSTS_ANSWER), session_id=OTHER_SESSION)
    assert reason_of(guest, guest.handle(frame(answer), T0)) is Reason.TAMPERED
    for last in (
        SessionEnded(OTHER_SESSION, "closed"),
        ErrorMessage("ice_failed", "", OTHER_SESSION),
    ):
        guest, _ = linked(target)
        assert reason_of(guest, guest.handle(frame(last), T0)) is Reason.TAMPERED


def test_a_session_of_another_name_is_a_mistake_where_nothing_was_proved() -> None:
    guest = at(GuestState.ASKING)
    commands = guest.handle(frame(PairResult(OTHER_SESSION, approved=True)), T0)
    assert reason_of(guest, commands) is Reason.HOST_ERROR


# --- the host misbehaves --------------------------------------------------------------------------

STRANGE: list[Message | str] = [
    "rubbish",
    "{}",
    '{"type":"later"}',
    '{"type":"pair_result","sessionID":"x","status":"maybe"}',
    PairRequest("x", PHONE),
    PairPrompt("x", PHONE),
    PairResponse("x", approved=True),
    PairChallenge("x", Auth()),
]
# A challenge is what a guest that proves itself waits for: there it is a proof that does not hold.
STRANGE_WHEN_PROVING = [message for message in STRANGE if not isinstance(message, PairChallenge)]


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        *((stage, message) for stage in LINKABLE for message in STRANGE),
        *((GuestState.PROVING, message) for message in STRANGE_WHEN_PROVING),
        (GuestState.PROVING, SessionEnded("x", "closed")),
    ],
)
def test_what_no_host_says_ends_the_attempt(stage: GuestState, message: Message | str) -> None:
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


@pytest.mark.parametrize("stage", TALKING)
def test_a_frame_that_is_no_text_ends_the_attempt(stage: GuestState) -> None:
    guest = at(stage)
    assert guest.handle(FrameRefused(SOCKET, Reason.BAD_MESSAGE), T0) == ending(
        stage, Reason.HOST_ERROR
    )


@pytest.mark.parametrize("stage", [GuestState.PROVING, GuestState.ASKING])
@pytest.mark.parametrize("message", [ANSWERED, Signal(CODE_SESSION_ID, Candidate(LINE))])
def test_a_signal_before_approval_ends_the_attempt(stage: GuestState, message: Signal) -> None:
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


@pytest.mark.parametrize("stage", [GuestState.LINKING, GuestState.LINKED])
@pytest.mark.parametrize("approved", [True, False])
def test_a_second_decision_ends_the_attempt(stage: GuestState, approved: bool) -> None:
    message = PairResult(CODE_SESSION_ID, approved)
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


def test_an_offer_from_the_host_ends_the_attempt() -> None:
    offer = Signal(CODE_SESSION_ID, Description(SDP, SDPType.OFFER))
    assert at(GuestState.LINKING).handle(frame(offer), T0) == ending(
        GuestState.LINKING, Reason.BAD_DESCRIPTION
    )


@pytest.mark.parametrize("answer", ["v=0", SDP.replace("a=fingerprint", "a=nothing")])
def test_an_answer_that_describes_no_data_channel_ends_the_attempt(answer: str) -> None:
    message = Signal(CODE_SESSION_ID, Description(answer, SDPType.ANSWER))
    assert at(GuestState.LINKING).handle(frame(message), T0) == ending(
        GuestState.LINKING, Reason.BAD_DESCRIPTION
    )


def test_a_candidate_that_leads_elsewhere_is_left_out() -> None:
    for line in (
        LINE.replace("192.168.1.9", "127.0.0.1"),
        LINE.replace("192.168.1.9", "8.8.8.8"),
        "nonsense",
    ):
        assert (
            at(GuestState.LINKING).handle(frame(Signal(CODE_SESSION_ID, Candidate(line))), T0) == []
        )


def test_a_second_answer_ends_the_attempt() -> None:
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    assert guest.handle(frame(ANSWERED), T0) == ending(GuestState.LINKING, Reason.BAD_DESCRIPTION)
    assert at(GuestState.LINKED).handle(frame(ANSWERED), T0) == ending(
        GuestState.LINKED, Reason.BAD_DESCRIPTION
    )


# --- the person gives up --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stage", [GuestState.DIALING, GuestState.PROVING, GuestState.ASKING, GuestState.LINKING]
)
def test_the_person_may_cancel_at_every_stage(stage: GuestState) -> None:
    assert at(stage).handle(Disconnect(LINK), T0) == ending(stage, Reason.DISCONNECTED)


# --- a link is lost -------------------------------------------------------------------------------


def again(guest: Guest, message: Message) -> FrameReceived:
    """The host says this on the newest socket."""
    return FrameReceived(guest.connection, dump_message(message))


def waiting(guest: Guest) -> bool:
    return guest.state is GuestState.RECONNECTING and guest.link.status.stage is Stage.WAITING


def test_a_link_that_falls_silent_after_a_proof_waits_and_dials_at_once() -> None:
    guest, _ = linked()
    told = replace(guest.link.status, stage=Stage.WAITING, can_text=False, deadline=T0 + 120)
    assert guest.handle(PeerFailed(LINK, Reason.PEER_VANISHED), T0) == [
        *peer_closed(proved=True),
        *left(),
        SetTimer(REDIAL, 0),
        Publish(told),
    ]
    assert guest.handle(TimerFired(REDIAL), T0) == [
        SetTimer(DIAL, 4.0),
        Dial(ConnectionID(-2), SCANNED.websocket_url),
    ]


def test_it_is_taken_up_under_a_new_id_by_the_same_steps_and_nobody_is_asked() -> None:
    guest, host = lost()
    guest.handle(TimerFired(REDIAL), T0)
    socket, name = ConnectionID(-2), host.proof.keys.resume_name()
    opened = guest.handle(ConnectionOpened(socket, "192.168.1.5"), T0)
    (request,) = sent(opened)
    assert isinstance(request, PairRequest)
    assert request.auth is not None
    assert (request.session_id, request.device, request.auth.m) == (name, PHONE, "resume")
    assert opened == [CancelTimer(DIAL), SetTimer(ANSWER, 10.0), Send(socket, request)]
    same = ProvenHost(request, secret=host.proof.keys.resume_secret())
    confirmed = guest.handle(again(guest, same.challenge), T0)
    assert confirmed == [
        Send(socket, PairConfirm(name, tag_auth(same.proof.keys.guest_tag()))),
        SetTimer(ANSWER, 10.0),
    ]
    new = LinkID("guest-2")
    before = guest.link.status
    assert before.deadline is not None
    told = replace(before, link=new, stage=Stage.APPROVED, deadline=None, resumes=LINK)
    assert guest.handle(again(guest, same.approval), T0) == [
        CancelTimer(ANSWER),
        Publish(told),
        OpenPeer(new, offerer=True),
        SetTimer(Timer(TimerName.LINK_OPEN, new), 15.0),
        SetTimer(Timer(TimerName.LANE, new), 6.0),
    ]
    (offer,) = sent(guest.handle(PeerDescribed(new, SDPType.OFFER, SDP), T0))
    assert isinstance(offer, Signal)
    assert offer.session_id == name
    assert same.takes(offer)
    guest.handle(again(guest, same.signal(HOSTS_ANSWER)), T0)
    guest.handle(ChannelOpened(new, 0, CONTROL_LABEL), T0)
    assert (guest.state, guest.resumes) == (GuestState.LINKED, False)


@pytest.mark.parametrize(
    "fails",
    [
        lambda guest: DialFailed(guest.connection, Reason.REFUSED),
        lambda guest: TimerFired(DIAL),
    ],
)
def test_a_dial_that_fails_is_followed_by_another_2_seconds_later(
    fails: Callable[[Guest], GuestEvent],
) -> None:
    guest, _ = lost()
    guest.handle(TimerFired(REDIAL), T0)
    event = fails(guest)
    commands = guest.handle(event, T0 + 4)
    assert SetTimer(REDIAL, 2.0) in commands
    assert published(commands) == []  # it waits, as was told
    assert waiting(guest)
    assert Dial(ConnectionID(-3), SCANNED.websocket_url) in guest.handle(TimerFired(REDIAL), T0 + 6)


@pytest.mark.parametrize(
    "fails",
    [
        lambda guest: TimerFired(ANSWER),
        lambda guest: ConnectionLost(guest.connection),
        lambda guest: again(guest, ErrorMessage("too_many", "sentence")),
        lambda guest: again(guest, PairResult(guest._name, approved=False, reason=Reason.TIMEOUT)),
        lambda guest: again(guest, PairResult(guest._name, approved=False, reason=Reason.BUSY)),
    ],
)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_host_that_falls_silent_or_has_no_time_is_tried_again(
    fails: Callable[[Guest], GuestEvent], confirmed: bool
) -> None:
    guest, host = returning()
    if confirmed:
        guest.handle(again(guest, host.challenge), T0)
    commands = guest.handle(fails(guest), T0 + 1)
    assert SetTimer(REDIAL, 2.0) in commands
    assert published(commands) == []
    assert waiting(guest)


@pytest.mark.parametrize(
    "reason", [Reason.UNKNOWN_SESSION, Reason.CLOSED, Reason.EXPIRED, Reason.NOT_VERIFIED]
)
def test_a_host_that_says_no_is_believed(reason: Reason) -> None:
    guest, _ = returning()
    commands = guest.handle(
        again(guest, PairResult(guest._name, approved=False, reason=reason)), T0
    )
    (told,) = published(commands)
    assert isinstance(told, LinkStatus)
    assert (told.stage, told.reason, told.was_connected, told.deadline) == (
        Stage.CLOSED,
        reason,
        True,
        None,
    )
    assert guest.state is GuestState.ENDED


def test_a_host_that_cannot_prove_itself_takes_no_lost_link_up() -> None:
    guest, host = returning()
    stranger = ProvenHost(host.proof.request, secret=bytes(32))
    guest.handle(again(guest, stranger.challenge), T0)
    assert (
        reason_of(guest, guest.handle(again(guest, stranger.approval), T0)) is Reason.HOST_UNPROVEN
    )
    guest, host = returning()
    wrong = PairChallenge(guest._name, replace(host.proof.auth, m="psk"))
    assert reason_of(guest, guest.handle(again(guest, wrong), T0)) is Reason.HOST_UNPROVEN
    guest, host = returning()
    assert (
        reason_of(guest, guest.handle(again(guest, PairResult(guest._name, approved=True)), T0))
        is Reason.HOST_UNPROVEN
    )


def test_a_changed_signal_ends_it_for_good() -> None:
    guest, host = returning()
    guest.handle(again(guest, host.challenge), T0)
    guest.handle(again(guest, host.approval), T0)
    unsealed = Signal(guest._name, HOSTS_ANSWER)
    assert reason_of(guest, guest.handle(again(guest, unsealed), T0)) is Reason.TAMPERED


def test_an_answer_that_crossed_with_the_lane_is_of_no_use_and_no_harm() -> None:
    guest, host = returning()
    guest.handle(again(guest, host.challenge), T0)
    guest.handle(again(guest, host.approval), T0)
    new = LinkID("guest-2")
    (offer,) = sent(guest.handle(PeerDescribed(new, SDPType.OFFER, SDP), T0))
    assert host.takes(offer)
    guest.handle(TimerFired(Timer(TimerName.LANE, new)), T0)
    guest.handle(LaneOpened(new, carries_link=True), T0)
    assert (guest.state, guest.resumes) == (GuestState.LINKED, False)
    assert guest.handle(again(guest, host.signal(HOSTS_ANSWER)), T0) == []
    assert (guest.link.status.stage, guest.link.status.via) == (Stage.CONNECTED, Via.LANE)
    assert (
        reason_of(guest, guest.handle(again(guest, Signal(guest._name, HOSTS_ANSWER)), T0))
        is Reason.TAMPERED
    )


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("by_socket", [False, True])
def test_a_link_that_does_not_open_is_tried_again_while_there_is_time(
    late: bool, by_socket: bool
) -> None:
    guest, host = returning()
    guest.handle(again(guest, host.challenge), T0)
    guest.handle(again(guest, host.approval), T0)
    new = LinkID("guest-2")
    event: GuestEvent = ConnectionLost(guest.connection)
    # WebRTC finds no way, and the lane that could carry the link does not open either
    if not by_socket:
        (*_, dialled) = guest.handle(PeerFailed(new, Reason.ICE_FAILED), T0 + 20)
        assert isinstance(dialled, DialLane)
        event = LaneLost(new)
    commands = guest.handle(event, T0 + (121 if late else 30))
    (told,) = published(commands)
    assert isinstance(told, LinkStatus)
    assert (told.link, told.stage) == (new, Stage.CLOSED if late else Stage.WAITING)
    assert (SetTimer(Timer(TimerName.REDIAL, new), 2.0) in commands) is not late
    assert guest.state is (GuestState.ENDED if late else GuestState.RECONNECTING)


def test_after_2_minutes_no_dial_follows() -> None:
    guest, _ = lost()
    guest.handle(TimerFired(REDIAL), T0)
    assert SetTimer(REDIAL, 0.5) in guest.handle(
        DialFailed(guest.connection, Reason.REFUSED), T0 + 119.5
    )
    over = replace(
        guest.link.status, stage=Stage.CLOSED, reason=Reason.PEER_VANISHED, deadline=None
    )
    assert guest.handle(TimerFired(REDIAL), T0 + 120) == [Publish(over), *left(hangs_up=False)]
    assert guest.state is GuestState.ENDED
    guest, _ = lost()
    assert SetTimer(DIAL, 1.0) in guest.handle(TimerFired(REDIAL), T0 + 119)
    assert reason_of(guest, guest.handle(TimerFired(DIAL), T0 + 120)) is Reason.PEER_VANISHED


# --- misuse ---------------------------------------------------------------------------------------

INPUTS: dict[str, GuestEvent] = {
    "opened": ConnectionOpened(SOCKET, "192.168.1.5"),
    "dial_failed": DialFailed(SOCKET, Reason.REFUSED),
    "frame": frame(SessionEnded("x", "closed")),
    "refused": FrameRefused(SOCKET, Reason.BAD_MESSAGE),
    "lost": ConnectionLost(SOCKET),
    "dial": TimerFired(DIAL),
    "answer": TimerFired(ANSWER),
    "link_open": TimerFired(OPEN_TIMER),
    "heartbeat": TimerFired(HEARTBEAT),
    "redial": TimerFired(REDIAL),
    "approval": TimerFired(Timer(TimerName.APPROVAL, LINK)),
    "described": OFFERED,
    "channel": ChannelOpened(LINK, 2, CONTROL_LABEL),
    "message": heard(Hello("x")),
    "failed": PeerFailed(LINK, Reason.ICE_FAILED),
    "text": SendText(LINK, "x"),
    "lane": LaneOpened(LINK),
    "lane_lost": LaneLost(LINK),
    "lane_timer": TimerFired(LANE),
    "disconnect": Disconnect(LINK),
}
LINK_INPUTS = " described channel failed text disconnect lane lane_lost"
WELCOME = {
    GuestState.DIALING: "opened dial_failed dial text disconnect",
    GuestState.PROVING: "frame refused lost answer text disconnect",
    GuestState.ASKING: "frame refused lost answer text disconnect",
    GuestState.LINKING: "frame refused lost link_open lane_timer" + LINK_INPUTS,
    GuestState.LINKED: "frame refused lost heartbeat message lane_timer" + LINK_INPUTS,
    GuestState.RECONNECTING: "redial message" + LINK_INPUTS,
    GuestState.ENDED: "",
}


@pytest.mark.parametrize("stage", GuestState)
@pytest.mark.parametrize("name", INPUTS)
def test_what_the_table_does_not_hold_is_misuse(stage: GuestState, name: str) -> None:
    guest = at(stage)
    if name in WELCOME[stage].split():
        guest.handle(INPUTS[name], T0)
    else:
        with pytest.raises(MachineMisuseError):
            guest.handle(INPUTS[name], T0)
        assert guest.state is stage


# --- anything in any order ------------------------------------------------------------------------

from_a_host: st.SearchStrategy[Message | str] = st.one_of(
    st.builds(
        PairResult,
        st.just("x"),
        st.booleans(),
        st.none() | st.sampled_from(["declined", "busy", "?"]),
    ),
    st.builds(
        Signal,
        st.just("x"),
        st.builds(Description, st.just(SDP), st.none() | st.sampled_from(SDPType))
        | st.builds(Candidate, st.sampled_from(["", LINE])),
    ),
    st.builds(
        PairResult,
        st.just("x"),
        st.just(value=True),
        auth=st.builds(Auth, t=st.sampled_from(["", "A" * 43])),
    ),
    st.builds(
        Signal,
        st.just("x"),
        st.builds(Description, st.just(SDP), st.just(SDPType.ANSWER)),
        st.sampled_from([None, "A" * 43]),
    ),
    st.builds(ErrorMessage, st.sampled_from(["ice_failed", "too_many", "?"]), st.just("sentence")),
    st.builds(SessionEnded, st.just("x"), st.sampled_from(["expired", "closed", "?"])),
    st.sampled_from(STRANGE),
    st.text(max_size=20),
)
peer_messages: st.SearchStrategy[LinkMessage] = st.sampled_from(
    [
        Hello("Host PC"),
        TextPiece("hi"),
        TextPiece("part", more=True),
        Bye(),
        Bye("expired"),
        Bye("?"),
    ]
)
from_a_peer = peer_messages.map(dump_link_message) | st.text(max_size=20)


class AnyGuest(RuleBasedStateMachine):
    """A host says anything, the network fails, peers break, the person cancels and joins again.

    The ledger watches.
    """

    @initialize()
    def start(self) -> None:
        self.bench = Bench(Program(PHONE, None, prover()))
        self.approved: set[LinkID] = set()
        self.offered: set[LinkID] = set()
        self.answered: set[LinkID] = set()
        # On the sockets where the guest proves itself
        self.hosts: dict[ConnectionID, ProvenHost] = {}
        self.proving: set[LinkID] = set()  # the links of guests that prove themselves
        self.resumable: dict[str, bytes] = {}  # what an honest host knows of links that it let open
        # Lanes that were dialled, and whether for the whole link
        self.carried: dict[LinkID, bool] = {}

    def guests(self) -> dict[LinkID, Guest]:
        return self.bench.program._guests

    def guest_on(self, connection: ConnectionID) -> Guest:
        return next(guest for guest in self.guests().values() if guest.connection == connection)

    def check(self, commands: list[Command], *, honest: bool = False) -> list[Command]:
        """Nothing is signalled before approval; what is sent goes to the host it is for.

        What reaches a peer of a guest that proved itself comes from an honest host, and so does its
        approval.
        """
        for command in commands:
            match command:
                case Send(connection, PairRequest() as request) if request.auth is not None:
                    secret = self.resumable.get(request.session_id, SECRET)
                    self.hosts[connection] = ProvenHost(request, secret=secret)
                    self.proving.add(self.guest_on(connection).link.id)
                case Send(connection, Signal() as signal):
                    link = self.guest_on(connection).link.id
                    assert link in self.approved
                    assert link not in self.proving or self.hosts[connection].takes(signal)
                case Publish(LinkStatus(link, stage=Stage.APPROVED, resumes=lost)) if (
                    lost is not None
                ):
                    assert lost in self.proving & self.approved
                    assert honest, "a lost link was taken up by somebody else"
                    self.proving.add(link)
                    self.approved.add(link)
                case Publish(LinkStatus(link, verified=verified)) if verified is not None:
                    assert link in self.proving
                    self.approved.add(link)
                case Publish(LinkStatus(stage=Stage.WAITING)):
                    raise AssertionError("waits for a host that never proved itself")
                case Publish(LinkStatus(link, stage=Stage.APPROVED)):
                    assert link not in self.proving, "approved, but not verified"
                    self.approved.add(link)
                case OpenPeer(link, offerer):
                    assert offerer
                    assert link in self.approved
                    assert honest or link not in self.proving
                case ApplyDescription(link, kind):
                    assert kind is SDPType.ANSWER
                    assert honest or link not in self.proving
                    assert link not in self.answered
                    self.answered.add(link)
                case AddCandidate(link):
                    assert link in self.approved
                    assert honest or link not in self.proving
                case DialLane(link, url, carries_link=carries_link):
                    assert url == f"ws://{ADDRESS}/lane"
                    assert link in self.proving or not carries_link
                    assert carries_link or self.guests()[link].link.status.can_send_files
                    self.carried[link] = carries_link
                case ExpectLane():
                    raise AssertionError("guests expect nobody")
                case _:
                    pass
        return commands

    @invariant()
    def nothing_is_left_of_what_has_ended(self) -> None:
        if not hasattr(self, "bench"):
            return
        ledger = self.bench.ledger
        assert set(ledger.links) == set(self.guests())
        assert ledger.peers <= set(self.guests())
        assert {one.scope for one in ledger.timers if one.name is not TimerName.STALL} <= set(
            self.guests()
        )
        open_ends = ledger.sockets - ledger.closing | ledger.dials
        assert open_ends <= {guest.connection for guest in self.guests().values()}
        assert len([guest for guest in self.guests().values() if self.joins_now(guest)]) <= 1
        for link, told in ledger.links.items():
            guest = self.guests()[link]
            awaited = (
                GuestState.RECONNECTING,
                GuestState.DIALING,
                GuestState.PROVING,
                GuestState.ASKING,
            )
            assert (told.stage is Stage.WAITING) == (guest.resumes and guest.state in awaited)

    @staticmethod
    def joins_now(guest: Guest) -> bool:
        return guest.state is not GuestState.LINKED and not guest.resumes

    @invariant()
    def every_stage_has_a_timer_that_ends_it(self) -> None:
        if not hasattr(self, "bench"):
            return
        expected = {
            GuestState.DIALING: TimerName.DIAL,
            GuestState.PROVING: TimerName.ANSWER,
            GuestState.ASKING: TimerName.ANSWER,
            GuestState.LINKING: TimerName.LINK_OPEN,
            GuestState.LINKED: TimerName.HEARTBEAT,
            GuestState.RECONNECTING: TimerName.REDIAL,
        }
        timers = {Timer(expected[guest.state], link) for link, guest in self.guests().items()}
        beside = (TimerName.LANE, TimerName.STALL)  # whose they are, the ledger looks
        assert {one for one in self.bench.ledger.timers if one.name not in beside} == timers

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        for link in list(self.guests()):
            self.check(self.bench.do(Disconnect(link)))
        for link in list(self.bench.ledger.lanes_closing):
            assert self.bench.do(LaneLost(link)) == []
        self.bench.ledger.at_rest()
        assert self.bench.ledger.timers == {}
        assert self.bench.ledger.dials == set()
        assert self.guests() == {}

    # --- the person

    @rule(where=st.sampled_from([TARGET, PROVING, SCANNED]))
    def the_person_joins(self, where: JoinTarget) -> None:
        self.joins(where)

    def joins(self, target: JoinTarget) -> None:
        busy = any(self.joins_now(guest) for guest in self.guests().values())
        commands = self.check(self.bench.do(Join(target)))
        told = published(commands)[0]
        if busy:
            assert commands == [Publish(Trouble(Problem(Reason.JOIN_BUSY)))]
        else:
            assert isinstance(told, LinkStatus)
            assert self.guests()[told.link].connection in self.bench.ledger.dials

    @precondition(lambda self: bool(self.guests()))
    @rule(data=st.data())
    def the_person_cancels(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.guests())))
        self.check(self.bench.do(Disconnect(link)))
        assert link not in self.guests()

    @rule(number=st.integers(1, 3), text=st.text(max_size=20))
    def the_person_writes(self, number: int, text: str) -> None:
        link = LinkID(f"guest-{number}")
        commands = self.check(self.bench.do(SendText(link, text)))
        named = (
            one for one in self.guests().values() if link in (one.link.id, one.link.status.resumes)
        )
        guest = next(named, None)
        if guest is not None and guest.link.id != link:
            link = guest.link.id  # it goes on for that one
        if guest is None or guest.state is not GuestState.LINKED:
            assert commands == [Publish(Trouble(Problem(Reason.NOT_CONNECTED), link))]

    # --- the network and the host

    @rule(steps=st.integers(1, 12), where=st.sampled_from([TARGET, PROVING, SCANNED]))
    def all_goes_well(self, steps: int, where: JoinTarget) -> None:
        """The next right steps on the way to a link."""
        for _ in range(steps):
            guest = next(
                (one for one in self.guests().values() if one.state is not GuestState.LINKED), None
            )
            if guest is None:
                self.joins(where)
                continue
            link = guest.link.id
            host = self.hosts.get(guest.connection)
            event: GuestEvent
            if guest.state is GuestState.RECONNECTING:
                redial = Timer(TimerName.REDIAL, link)
                self.bench.now = max(self.bench.now, self.bench.ledger.timers[redial])
                event = TimerFired(redial)
            elif guest.state is GuestState.DIALING:
                event = ConnectionOpened(guest.connection, "192.168.1.5")
            elif guest.state is GuestState.ASKING:
                event = FrameReceived(
                    guest.connection, dump_message(host.approval if host else APPROVED)
                )
                if host:
                    keys = host.proof.keys
                    self.resumable[keys.resume_name()] = keys.resume_secret()
            elif guest.state is GuestState.PROVING:
                assert host is not None
                event = FrameReceived(guest.connection, dump_message(host.challenge))
            elif link not in self.offered:
                self.offered.add(link)
                event = PeerDescribed(link, SDPType.OFFER, SDP)
            elif link not in self.answered:
                answer = host.signal(HOSTS_ANSWER) if host else ANSWERED
                event = FrameReceived(guest.connection, dump_message(answer))
            else:
                event = ChannelOpened(link, 1, CONTROL_LABEL)
            self.check(self.bench.do(event), honest=True)

    @precondition(lambda self: bool(self.bench.ledger.dials))
    @rule(reason=st.sampled_from([Reason.REFUSED, Reason.UNREACHABLE]))
    def the_dial_fails(self, reason: Reason) -> None:
        connection = max(self.bench.ledger.dials)
        self.check(self.bench.do(DialFailed(connection, reason)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data(), message=from_a_host)
    def the_host_says_something(self, data: st.DataObject, message: Message | str) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        text = message if isinstance(message, str) else dump_message(message)
        closing = connection in self.bench.ledger.closing
        commands = self.check(self.bench.do(FrameReceived(connection, text)))
        assert not (closing and commands)

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data())
    def the_host_says_something_binary(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.do(FrameRefused(connection, Reason.BAD_MESSAGE)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data())
    def the_socket_is_lost(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.do(ConnectionLost(connection)))

    # --- peers

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=st.data(), text=from_a_peer)
    def the_peer_says_something(self, data: st.DataObject, text: str) -> None:
        link, channel = data.draw(st.sampled_from(sorted(self.bench.ledger.channels)))
        self.check(self.bench.do(ChannelMessage(link, channel, text)))

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(
        data=st.data(),
        label=st.sampled_from([CONTROL_LABEL, "chat", STREAM]),
        number=st.integers(1, 9),
    )
    def the_peer_opens_a_channel(self, data: st.DataObject, label: str, number: int) -> None:
        link, _ = data.draw(st.sampled_from(sorted(self.bench.ledger.channels)))
        if (link, number) not in self.bench.ledger.channels:
            self.check(self.bench.do(ChannelOpened(link, number, label)))

    @precondition(lambda self: bool(self.bench.ledger.peers))
    @rule(
        data=st.data(),
        reason=st.sampled_from([Reason.ICE_FAILED, Reason.PEER_LEFT, Reason.PEER_VANISHED]),
    )
    def the_peer_fails(self, data: st.DataObject, reason: Reason) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.peers)))
        self.check(self.bench.do(PeerFailed(link, reason)))

    def proved_and_linked(self) -> list[LinkID]:
        linked = [link for link, guest in self.guests().items() if guest.state is GuestState.LINKED]
        return sorted(set(linked) & self.proving)

    @precondition(lambda self: bool(self.proved_and_linked()))
    @rule(data=st.data())
    def a_proved_link_falls_silent(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(self.proved_and_linked()))
        over_lane = self.guests()[link].link.status.via is Via.LANE
        event = LaneLost(link) if over_lane else PeerFailed(link, Reason.PEER_VANISHED)
        told = [
            one
            for one in published(self.check(self.bench.do(event)))
            if isinstance(one, LinkStatus)
        ][-1]
        assert (told.link, told.stage, told.deadline) == (
            link,
            Stage.WAITING,
            self.bench.now + RESUME_SECONDS,
        )

    @precondition(lambda self: bool(self.bench.ledger.past_peers))
    @rule(data=st.data())
    def something_late_of_a_closed_link(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.past_peers)))
        assert self.bench.do(PeerDescribed(link, SDPType.OFFER, SDP)) == []
        assert self.bench.do(PeerFailed(link, Reason.ICE_FAILED)) == []

    # --- lanes and files

    @precondition(lambda self: bool(self.bench.ledger.lanes_dialled))
    @rule(data=st.data(), opens=st.sampled_from([True, True, False]), text=from_a_peer)
    def a_lane_opens_or_does_not(self, data: st.DataObject, opens: bool, text: str) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.lanes_dialled)))
        self.check(
            self.bench.do(LaneOpened(link, self.carried[link]) if opens else LaneLost(link)),
            honest=True,
        )
        if opens:
            self.check(self.bench.do(ChannelMessage(link, LANE_CHANNEL, text)))

    @precondition(lambda self: bool(self.bench.ledger.lanes))
    @rule(data=st.data(), text=from_a_peer | st.none())
    def a_lane_speaks_or_is_lost(self, data: st.DataObject, text: str | None) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.lanes)))
        event = LaneLost(link) if text is None else ChannelMessage(link, LANE_CHANNEL, text)
        self.check(self.bench.do(event))

    @rule(number=st.integers(1, 3))
    def the_person_sends_files(self, number: int) -> None:
        self.check(self.bench.do(SendPaths(LinkID(f"guest-{number}"), ("photo",))))

    @precondition(lambda self: bool(self.bench.ledger.transfers))
    @rule(data=st.data(), wanted=st.sampled_from([AcceptTransfer, CancelTransfer, RetryTransfer]))
    def the_person_decides_about_files(
        self,
        data: st.DataObject,
        wanted: Callable[[TransferID], AcceptTransfer | CancelTransfer | RetryTransfer],
    ) -> None:
        self.check(
            self.bench.do(wanted(data.draw(st.sampled_from(sorted(self.bench.ledger.transfers)))))
        )

    @rule(numbers=st.lists(st.integers(0, 5), min_size=1, max_size=8))
    def files_go_well(self, numbers: list[int]) -> None:
        for number in numbers:
            linked = [
                one
                for one in self.guests().values()
                if one.state is GuestState.LINKED and one.link._control
            ]
            for guest in linked[:1]:
                event = next_file_event(
                    self.bench.ledger, guest.link.id, guest.link._control or 0, number
                )
                self.check(self.bench.do(event))

    @rule(number=st.integers(0, 5), way=st.sampled_from([True, True, False]))
    def the_disk_answers(self, number: int, way: bool) -> None:
        for event in disk_answers(self.bench.ledger, number, well=way):
            self.check(self.bench.do(event))

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=st.data(), number=st.integers(0, 2))
    def the_peer_speaks_of_files(self, data: st.DataObject, number: int) -> None:
        controls = {guest.link.id: guest.link._control for guest in self.guests().values()}
        link = data.draw(st.sampled_from(sorted({link for link, _ in self.bench.ledger.channels})))
        said = data.draw(st.sampled_from(words_about_files(self.bench.ledger, number)))
        channel = controls.get(link)
        if channel is not None:
            self.check(self.bench.do(ChannelMessage(link, channel, dump_link_message(said))))

    # --- time

    @precondition(lambda self: bool(self.bench.ledger.timers))
    @rule()
    def the_next_timer_fires(self) -> None:
        due = self.bench.next_timer()
        assert due is not None
        self.bench.now = max(self.bench.now, due[0])
        self.check(self.bench.do(TimerFired(due[1])))

    @rule(seconds=st.sampled_from([0.5, 3.0, 100.0]))
    def this_program_sleeps(self, seconds: float) -> None:
        self.bench.now += seconds
        self.check(self.bench.advance(0))


AnyGuest.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAnyGuest = AnyGuest.TestCase
