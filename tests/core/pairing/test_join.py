"""Tests of proxim.core.pairing.join: scripts for one attempt, then a host and a network that do
random things in any order.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import TransferID
from proxim.core.known.devices import KnownDevice
from proxim.core.known.host import KnownHost
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.link.link import HEARTBEAT_SECONDS, RESUME_SECONDS
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices, host_code
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import HostCode, JoinTarget, parse_target
from proxim.core.pairing.join import ANSWER_SECONDS, DIAL_SECONDS, Guest, GuestEvent, GuestState
from proxim.core.pairing.proof import (
    Method,
    Side,
    SignalMacs,
    method_of,
    start_host_proof,
    tag_auth,
    tag_matches,
)
from tests.core.bench import Bench
from tests.core.descriptions import LINE, sdp
from tests.core.files.file_steps import STREAM, disk_answers, next_file_event, words_about_files
from tests.core.handed_in import PHONE, features, hello, program, prover
from tests.core.in_commands import published, sent
from tests.core.playbook import Playbook
from tests.rows import each_row

SDP = sdp()
LINK = ev.LinkID("guest-1")
SOCKET = ev.ConnectionID(1, dialled=True)
TARGET = JoinTarget("192.168.1.5", 47800, host_code.CODE_SESSION_ID)
CODE = HostCode(IPv4Address("192.168.1.5"), 47800, 12345).canonical
OTHER_CODE = HostCode(IPv4Address("192.168.1.5"), 47800, 12346).canonical
# This target has the same address.
PROVING = parse_target(CODE)
SECRET = bytes(range(16))
SCANNED = JoinTarget("192.168.1.5", 47800, "abc", qr_secret=to_base64url(SECRET))
ADDRESS = "192.168.1.5:47800"
# All tests share one prover, so that no two runs share a byte.
PROVER = prover()
T0 = 100.0
DIAL = ev.LinkTimer(ev.TimerName.DIAL, LINK)
ANSWER = ev.LinkTimer(ev.TimerName.ANSWER, LINK)
OPEN_TIMER = ev.LinkTimer(ev.TimerName.LINK_OPEN, LINK)
HEARTBEAT = ev.LinkTimer(ev.TimerName.HEARTBEAT, LINK)
REDIAL = ev.LinkTimer(ev.TimerName.REDIAL, LINK)
LANE = ev.LinkTimer(ev.TimerName.LANE, LINK)

APPROVED = pair_msg.PairResult(host_code.CODE_SESSION_ID, approved=True)
OFFERED = link_ev.PeerDescribed(LINK, pair_msg.SDPType.OFFER, SDP)
ANSWERED = pair_msg.Signal(
    host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.ANSWER)
)
CHANNEL = link_ev.ChannelOpened(LINK, 0, link_ev.CONTROL_LABEL)


def frame(message: pair_msg.Message | str) -> pair_ev.FrameReceived:
    return pair_ev.FrameReceived(
        SOCKET, message if isinstance(message, str) else pair_msg.dump_message(message)
    )


def heard(message: link_msg.LinkMessage) -> link_ev.ChannelMessage:
    return link_ev.ChannelMessage(LINK, 0, link_msg.dump_link_message(message))


def status(stage: st.Stage, deadline: float | None = None) -> do.Publish:
    connected = stage is st.Stage.CONNECTED
    told = st.LinkStatus(
        LINK,
        host_code.CODE_SESSION_ID,
        stage,
        None,
        ADDRESS,
        None,
        deadline,
        as_guest=True,
        features=("text",) if connected else (),
    )
    return do.Publish(replace(told, was_connected=connected))


def closed(reason: Reason, *, was_connected: bool = False) -> do.Publish:
    told = st.LinkStatus(
        LINK,
        host_code.CODE_SESSION_ID,
        st.Stage.CLOSED,
        as_guest=True,
        peer_address=ADDRESS,
        reason=reason,
        was_connected=was_connected,
    )
    return do.Publish(told)


def left(*, hangs_up: bool = True) -> list[do.Command]:
    """Return the commands that end every attempt."""
    return [
        do.CancelTimer(DIAL),
        do.CancelTimer(ANSWER),
        *([pair_do.CloseConnection(SOCKET)] if hangs_up else []),
    ]


PREPARED = link_do.PreparePeer(LINK, offerer=True)
# The prepared peer is dropped.
DROPPED = link_do.ClosePeer(LINK)


def peer_closed(*, said_bye: bool = False, proved: bool = False) -> list[do.Command]:
    """Return the commands that close a peer, and the lane that a proved guest could have
    dialled.
    """
    lane: list[do.Command] = [do.CancelTimer(LANE), link_do.CloseLane(LINK)] if proved else []
    return [
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        link_do.ClosePeer(LINK, said_bye),
        *lane,
    ]


# A device that is known here, and that was never seen.
KNOWN = KnownDevice(
    devices.KnownID("known-1"), b"k" * 32, "other", "Laptop", devices.Verified.CODE, 0.0, 0.0
)


def new_guest(target: JoinTarget | KnownHost = TARGET) -> Guest:
    """Return a guest; the default target holds no secret."""
    links, sockets = itertools.count(1), itertools.count(1)
    return Guest(
        target,
        PHONE,
        PROVER,
        lambda: ev.LinkID(f"guest-{next(links)}"),
        lambda: ev.ConnectionID(next(sockets), dialled=True),
        features(),
    )


def at(stage: GuestState) -> Guest:
    """Return a guest for which all went well up to this state.

    LINKING has sent its offer. PROVING has a code, and RECONNECTING has lost a link that was
    opened with one; the others have no secret.
    """
    if stage is GuestState.RECONNECTING:
        return lost()[0]
    if stage is GuestState.SEARCHING:
        guest = new_guest(KnownHost(KNOWN, "own", lambda: (), search=True))
        guest.start(T0)
        return guest
    guest = new_guest(PROVING if stage is GuestState.PROVING else TARGET)
    guest.start(T0)
    if stage is GuestState.PROVING:
        guest.handle(pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"), T0)
    steps: list[tuple[GuestState, list[GuestEvent]]] = [
        (GuestState.ASKING, [pair_ev.ConnectionOpened(SOCKET, "192.168.1.5")]),
        (GuestState.LINKING, [frame(APPROVED), OFFERED]),
        (GuestState.LINKED, [frame(ANSWERED), CHANNEL]),
    ]
    for reached, events in steps:
        if guest.state is not stage and stage is not GuestState.ENDED:
            for event in events:
                guest.handle(event, T0)
            assert guest.state is reached
    if stage is GuestState.ENDED:
        guest.handle(ev.Disconnect(LINK), T0)
    return guest


class ProvenHost:
    """The host's side of a proof: the answers of an honest host to this request."""

    def __init__(self, request: pair_msg.Message, code: str = CODE, secret: bytes = SECRET) -> None:
        assert isinstance(request, pair_msg.PairRequest)
        assert request.auth is not None
        self.name = request.session_id
        method = method_of(request.auth)
        # This is the secret of the QR code or of the lost link.
        known = code.encode() if method is Method.SPAKE2 else secret
        self.proof = start_host_proof(request, request.auth, method, known, PROVER)
        self.macs = SignalMacs(self.proof.keys, Side.HOST)
        self.challenge = pair_msg.PairChallenge(self.name, self.proof.auth)
        self.approval = pair_msg.PairResult(
            self.name, approved=True, auth=tag_auth(self.proof.keys.host_tag("approved"))
        )

    def takes(self, signal: pair_msg.Message) -> bool:
        """Return whether a signal of the guest carries the right MAC."""
        assert isinstance(signal, pair_msg.Signal)
        return self.macs.check(signal.payload, signal.mac)

    def signal(self, payload: pair_msg.Description | pair_msg.Candidate) -> pair_msg.Signal:
        return pair_msg.Signal(self.name, payload, self.macs.seal(payload))


def proving(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """Return a guest that has asked with its share, and a host that can answer it."""
    guest = new_guest(target)
    guest.start(T0)
    (request,) = sent(guest.handle(pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"), T0))
    return guest, ProvenHost(request)


def proved(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """Return a guest that has confirmed and waits for the person, and its host."""
    guest, host = proving(target)
    guest.handle(frame(host.challenge), T0)
    return guest, host


def offered(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """Return a guest that was approved and whose offer is at the host, and its host."""
    guest, host = proved(target)
    guest.handle(frame(host.approval), T0)
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert host.takes(offer)
    return guest, host


def linked(target: JoinTarget = PROVING) -> tuple[Guest, ProvenHost]:
    """Return a guest with an open link, and its host."""
    guest, host = offered(target)
    guest.handle(frame(host.signal(HOSTS_ANSWER)), T0)
    guest.handle(CHANNEL, T0)
    assert guest.state is GuestState.LINKED
    return guest, host


def lost() -> tuple[Guest, ProvenHost]:
    """Return a guest whose link has fallen silent, and its host."""
    guest, host = linked()
    guest.handle(link_ev.PeerFailed(LINK, Reason.PEER_VANISHED), T0)
    return guest, host


def returning() -> tuple[Guest, ProvenHost]:
    """Return a guest that has dialled again and asks by its resume name, and the host that it
    was linked to.
    """
    guest, host = lost()
    guest.handle(ev.TimerFired(REDIAL), T0)
    (request,) = sent(guest.handle(pair_ev.ConnectionOpened(guest.connection, "192.168.1.5"), T0))
    return guest, ProvenHost(request, secret=host.proof.keys.resume_secret())


# --- all goes well --------------------------------------------------------------------------------


def test_from_dial_to_link_and_goodbye() -> None:
    guest = new_guest()
    play = Playbook(guest, T0)
    assert guest.start(T0) == [
        status(st.Stage.DIALING),
        do.SetTimer(DIAL, 4.0),
        pair_do.Dial(SOCKET, "ws://192.168.1.5:47800/ws"),
    ]
    play.on(
        pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"),
        do.CancelTimer(DIAL),
        pair_do.Send(SOCKET, pair_msg.PairRequest(host_code.CODE_SESSION_ID, PHONE)),
        do.SetTimer(ANSWER, 45.0),
        status(st.Stage.ASKING, deadline=T0 + 40),
        PREPARED,
    )
    play.on(
        frame(APPROVED),
        do.CancelTimer(ANSWER),
        do.Publish(st.PairOutcome(host_code.CODE_SESSION_ID, approved=True)),
        status(st.Stage.APPROVED),
        link_do.OpenPeer(LINK, offerer=True),
        do.SetTimer(OPEN_TIMER, 15.0),
    )
    play.on(
        OFFERED,
        pair_do.Send(
            SOCKET,
            pair_msg.Signal(
                host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.OFFER)
            ),
        ),
        status(st.Stage.CONNECTING),
    )
    play.on(frame(ANSWERED), link_do.ApplyDescription(LINK, pair_msg.SDPType.ANSWER, SDP))
    play.on(
        CHANNEL,
        do.CancelTimer(OPEN_TIMER),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        link_do.SendOnChannel(LINK, 0, link_msg.dump_link_message(hello("Phone"))),
        status(st.Stage.CONNECTED),
    )
    play.on(
        ev.Disconnect(LINK),
        link_do.SendOnChannel(LINK, 0, link_msg.dump_link_message(link_msg.Bye("disconnected"))),
        *peer_closed(said_bye=True),
        closed(Reason.DISCONNECTED, was_connected=True),
        *left(),
    )
    play.reaches(GuestState.ENDED)


def test_a_url_with_a_session_asks_for_that_session_on_that_address() -> None:
    guest = new_guest(JoinTarget("fe80::1%eth0", 47801, "abc"))
    assert guest.start(T0)[-1] == pair_do.Dial(SOCKET, "ws://[fe80::1%25eth0]:47801/ws")
    commands = guest.handle(pair_ev.ConnectionOpened(SOCKET, "fe80::1%eth0"), T0)
    assert sent(commands) == [pair_msg.PairRequest("abc", PHONE)]


def test_no_secret_is_ever_sent() -> None:
    bench = Bench(program(PHONE, prover()))
    for number, target in enumerate((PROVING, SCANNED), 1):
        bench.handle(ev.Join(target))
        (request,) = sent(
            bench.handle(
                pair_ev.ConnectionOpened(ev.ConnectionID(number, dialled=True), "192.168.1.5")
            )
        )
        host = ProvenHost(request)
        (confirm,) = sent(
            bench.handle(
                pair_ev.FrameReceived(
                    ev.ConnectionID(number, dialled=True), pair_msg.dump_message(host.challenge)
                )
            )
        )
        for text in (pair_msg.dump_message(request), pair_msg.dump_message(confirm)):
            assert CODE not in text
            assert to_base64url(SECRET) not in text
        bench.handle(ev.Disconnect(ev.LinkID(f"guest-{number}")))


@each_row(
    "payload",
    [{"sdp": SDP}, {"sdp": SDP, "type": "answer"}, {"sdp": {"type": "answer", "sdp": SDP}}],
)
def test_the_answer_of_a_host_that_knows_only_the_seed_or_a_browser(payload: object) -> None:
    text = json.dumps(
        {"type": "signal", "sessionID": host_code.CODE_SESSION_ID, "payload": payload}
    )
    assert at(GuestState.LINKING).handle(frame(text), T0) == [
        link_do.ApplyDescription(LINK, pair_msg.SDPType.ANSWER, SDP)
    ]


def test_candidates_may_come_before_the_answer_after_it_and_on_an_open_link() -> None:
    candidate = pair_msg.Candidate(LINE, "0", 0)
    guest = at(GuestState.LINKING)
    for event in (frame(ANSWERED), CHANNEL, None):
        assert guest.handle(frame(pair_msg.Signal(host_code.CODE_SESSION_ID, candidate)), T0) == [
            link_do.AddCandidate(LINK, pair_msg.Candidate(LINE))
        ]
        if event is not None:
            guest.handle(event, T0)


def test_text_from_the_host() -> None:
    guest = at(GuestState.LINKED)
    assert guest.handle(heard(link_text.TextPiece("ho")), T0) == [
        do.Publish(st.TextReceived(LINK, "ho"))
    ]


# --- proof ----------------------------------------------------------------------------------------


@each_row(
    "target, method, verified",
    [(PROVING, "spake2", devices.Verified.CODE), (SCANNED, "psk", devices.Verified.QR)],
)
def test_a_guest_that_holds_a_secret_proves_it_before_anybody_is_asked(
    target: JoinTarget, method: str, verified: devices.Verified
) -> None:
    guest = new_guest(target)
    play = Playbook(guest, T0)
    guest.start(T0)
    commands = play.on(pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"), ...)
    (request,) = sent(commands)
    assert isinstance(request, pair_msg.PairRequest)
    assert request.auth is not None
    assert (request.auth.v, request.auth.m, request.auth.t) == (1, method, None)
    assert commands == [
        do.CancelTimer(DIAL),
        do.SetTimer(ANSWER, 10.0),
        pair_do.Send(SOCKET, request),
    ]
    play.reaches(GuestState.PROVING)
    host = ProvenHost(request)
    confirmed = play.on(frame(host.challenge), ...)
    (confirm,) = sent(confirmed)
    assert isinstance(confirm, pair_msg.PairConfirm)
    assert tag_matches(host.proof.keys.guest_tag(), confirm.auth.t)
    asking = st.LinkStatus(
        LINK,
        target.session_id,
        st.Stage.ASKING,
        as_guest=True,
        peer_address=ADDRESS,
        deadline=T0 + 40,
    )
    assert confirmed == [
        pair_do.Send(SOCKET, confirm),
        do.SetTimer(ANSWER, 45.0),
        do.Publish(asking),
        PREPARED,
    ]
    approved = replace(asking, stage=st.Stage.APPROVED, deadline=None, verified=verified)
    assert published(play.on(frame(host.approval), ...)) == [
        st.PairOutcome(target.session_id, True),
        approved,
    ]
    (offer,) = sent(play.on(OFFERED, ...))
    assert host.takes(offer)
    answer = host.signal(pair_msg.Description(SDP, pair_msg.SDPType.ANSWER))
    play.on(frame(answer), link_do.ApplyDescription(LINK, pair_msg.SDPType.ANSWER, SDP))
    candidate = pair_msg.Candidate(LINE, "0", 0)
    play.on(frame(host.signal(candidate)), link_do.AddCandidate(LINK, pair_msg.Candidate(LINE)))
    status_now = published(play.on(CHANNEL, ...))[-1]
    assert isinstance(status_now, st.LinkStatus)
    assert (status_now.stage, status_now.verified) == (st.Stage.CONNECTED, verified)
    play.on(frame(host.signal(candidate)), link_do.AddCandidate(LINK, pair_msg.Candidate(LINE)))


def reason_of(guest: Guest, commands: list[do.Command]) -> Reason | None:
    """Return why the attempt has ended, or None."""
    assert guest.state is GuestState.ENDED
    told = published(commands)[-1]
    assert isinstance(told, st.LinkStatus)
    assert told.stage is st.Stage.CLOSED
    code = (
        pair_msg.CloseCode.TAMPERED
        if told.reason in (Reason.TAMPERED, Reason.HOST_UNPROVEN)
        else None
    )
    # The guest reports the reason to the host.
    assert pair_do.CloseConnection(guest.connection, code) in commands
    return told.reason


@each_row("target", [PROVING, SCANNED])
def test_no_challenge_within_10_seconds_ends_the_attempt(target: JoinTarget) -> None:
    guest, _ = proving(target)
    assert reason_of(guest, guest.handle(ev.TimerFired(ANSWER), T0 + 10)) is Reason.HOST_UNPROVEN


@each_row("target", [PROVING, SCANNED])
def test_an_approval_without_a_proof_ends_the_attempt(target: JoinTarget) -> None:
    guest, host = proving(target)
    assert (
        reason_of(
            guest, guest.handle(frame(pair_msg.PairResult(target.session_id, approved=True)), T0)
        )
        is Reason.HOST_UNPROVEN
    )
    guest, host = proving(target)
    assert reason_of(guest, guest.handle(frame(host.approval), T0)) is Reason.HOST_UNPROVEN
    for auth in (None, pair_msg.Auth(), pair_msg.Auth(t="")):
        guest, _ = proved(target)
        approval = pair_msg.PairResult(target.session_id, approved=True, auth=auth)
        assert reason_of(guest, guest.handle(frame(approval), T0)) is Reason.HOST_UNPROVEN


@each_row("target", [PROVING, SCANNED])
def test_a_challenge_that_no_honest_host_sends_ends_the_attempt(target: JoinTarget) -> None:
    guest, host = proving(target)
    good = host.proof.auth
    other = Method.PSK if good.m == Method.SPAKE2 else Method.SPAKE2
    assert good.y is not None
    wrong = [
        pair_msg.Auth(),
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
        commands = guest.handle(frame(pair_msg.PairChallenge(target.session_id, auth)), T0)
        assert sent(commands) == [], auth
        assert reason_of(guest, commands) is Reason.HOST_UNPROVEN, auth


def test_a_guests_own_share_sent_back_to_it_proves_nothing() -> None:
    guest, host = proving()
    assert host.proof.request.auth is not None
    reflected = replace(host.proof.auth, y=host.proof.request.auth.y)
    assert (
        reason_of(
            guest,
            guest.handle(frame(pair_msg.PairChallenge(host_code.CODE_SESSION_ID, reflected)), T0),
        )
        is Reason.HOST_UNPROVEN
    )


@each_row("target, code, secret", [(PROVING, OTHER_CODE, SECRET), (SCANNED, CODE, bytes(16))])
def test_a_host_that_does_not_know_the_secret_is_not_let_in(
    target: JoinTarget, code: str, secret: bytes
) -> None:
    guest = new_guest(target)
    guest.start(T0)
    (request,) = sent(guest.handle(pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"), T0))
    impostor = ProvenHost(request, code, secret)
    guest.handle(frame(impostor.challenge), T0)
    assert reason_of(guest, guest.handle(frame(impostor.approval), T0)) is Reason.HOST_UNPROVEN


@each_row("target", [PROVING, SCANNED])
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
        approval = pair_msg.PairResult(target.session_id, approved=True, auth=tag_auth(tag))
        assert reason_of(guest, guest.handle(frame(approval), T0)) is Reason.HOST_UNPROVEN, name


@each_row(
    "reason", [Reason.BUSY, Reason.TOO_MANY_TRIES, Reason.NOT_VERIFIED, Reason.UNKNOWN_SESSION]
)
def test_a_host_may_say_no_before_any_proof(reason: Reason) -> None:
    guest, _ = proving()
    rejection = pair_msg.PairResult(host_code.CODE_SESSION_ID, approved=False, reason=reason)
    assert reason_of(guest, guest.handle(frame(rejection), T0)) is reason


def test_a_second_challenge_ends_the_attempt() -> None:
    guest, host = proved()
    assert reason_of(guest, guest.handle(frame(host.challenge), T0)) is Reason.HOST_ERROR


def test_a_link_whose_secret_has_a_wrong_length_cannot_be_joined() -> None:
    guest = new_guest(replace(SCANNED, qr_secret="AAAA"))
    guest.start(T0)
    commands = guest.handle(pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"), T0)
    assert sent(commands) == []
    assert reason_of(guest, commands) is Reason.LINK_UNREADABLE


# --- MACs -----------------------------------------------------------------------------------------

HOSTS_ANSWER = pair_msg.Description(SDP, pair_msg.SDPType.ANSWER)
HOSTS_CANDIDATE = pair_msg.Candidate(LINE, "0", 0)


def tampered(guest: Guest, signal: pair_msg.Signal) -> None:
    commands = guest.handle(frame(signal), T0)
    assert not [
        one for one in commands if isinstance(one, link_do.ApplyDescription | link_do.AddCandidate)
    ]
    assert reason_of(guest, commands) is Reason.TAMPERED


@each_row("target", [PROVING, SCANNED])
@each_row("payload", [HOSTS_ANSWER, HOSTS_CANDIDATE, pair_msg.Candidate("")])
def test_a_missing_or_wrong_mac_ends_the_attempt(
    target: JoinTarget, payload: pair_msg.Description | pair_msg.Candidate
) -> None:
    for mac in (None, "", "A", "A" * 43, "é" * 43):
        guest, _ = offered(target)
        tampered(guest, pair_msg.Signal(target.session_id, payload, mac))
    guest, host = offered(target)
    mac = host.signal(payload).mac
    assert mac is not None
    tampered(guest, pair_msg.Signal(target.session_id, payload, mac + "="))


def test_a_changed_payload_ends_the_attempt() -> None:
    changes: list[
        tuple[pair_msg.Description | pair_msg.Candidate, pair_msg.Description | pair_msg.Candidate]
    ] = [
        (HOSTS_ANSWER, replace(HOSTS_ANSWER, sdp=SDP.replace("AB:", "AC:", 1))),
        (HOSTS_ANSWER, pair_msg.Candidate(SDP)),
        (
            HOSTS_CANDIDATE,
            replace(HOSTS_CANDIDATE, candidate=LINE.replace("192.168.1.9", "192.168.1.8")),
        ),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mid=None)),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mid="1")),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mline_index=None)),
        (HOSTS_CANDIDATE, replace(HOSTS_CANDIDATE, sdp_mline_index=1)),
        (HOSTS_CANDIDATE, pair_msg.Candidate("")),
    ]
    for honest, changed in changes:
        guest, host = offered()
        tampered(
            guest, pair_msg.Signal(host_code.CODE_SESSION_ID, changed, host.signal(honest).mac)
        )


def test_a_replayed_dropped_swapped_or_reflected_signal_ends_the_attempt() -> None:
    guest, host = offered()
    answer = host.signal(HOSTS_ANSWER)
    guest.handle(frame(answer), T0)
    tampered(guest, answer)

    guest, host = offered()
    # This answer never arrives.
    host.signal(HOSTS_ANSWER)
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
    assert isinstance(offer, pair_msg.Signal)
    assert isinstance(offer.payload, pair_msg.Description)
    tampered(guest, replace(offer, payload=replace(offer.payload, type=pair_msg.SDPType.ANSWER)))


def test_an_answer_is_bound_to_the_offer_that_it_answers() -> None:
    guest, host = proved()
    guest.handle(frame(host.approval), T0)
    (offer,) = sent(guest.handle(OFFERED, T0))
    assert isinstance(offer, pair_msg.Signal)
    # Somebody in between puts another offer in its place. Even if the host accepted that offer,
    # this guest would not accept its answer.
    host.macs.check(
        pair_msg.Description(SDP.replace("AB:", "AC:", 1), pair_msg.SDPType.OFFER), offer.mac
    )
    tampered(guest, host.signal(HOSTS_ANSWER))


# --- the host cannot be reached -------------------------------------------------------------------


@each_row("reason", [Reason.REFUSED, Reason.UNREACHABLE, Reason.NOT_PROXIM, Reason.NO_ANSWER])
def test_a_dial_that_fails_says_why(reason: Reason) -> None:
    guest = at(GuestState.DIALING)
    assert guest.handle(pair_ev.DialFailed(SOCKET, reason), T0) == [
        closed(reason),
        *left(hangs_up=False),
    ]
    assert guest.state is GuestState.ENDED


def test_nobody_answers_within_4_seconds() -> None:
    assert DIAL_SECONDS == 4.0
    assert at(GuestState.DIALING).handle(ev.TimerFired(DIAL), T0) == [
        closed(Reason.NO_ANSWER),
        *left(),
    ]


def test_a_host_that_falls_silent_is_given_5_seconds_more_than_its_person() -> None:
    assert ANSWER_SECONDS == 45.0
    assert at(GuestState.ASKING).handle(ev.TimerFired(ANSWER), T0) == [
        do.Publish(
            st.PairOutcome(host_code.CODE_SESSION_ID, approved=False, reason=Reason.TIMEOUT)
        ),
        DROPPED,
        closed(Reason.TIMEOUT),
        *left(),
    ]


# --- the host says no -----------------------------------------------------------------------------


@each_row(
    "said, reason",
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
                Reason.UNATTENDED,
            )
        ],
        (None, Reason.DECLINED),
        ("no such reason", Reason.DECLINED),
        ("internal", Reason.DECLINED),
    ],
)
def test_a_rejection_says_why(said: str | None, reason: Reason) -> None:
    guest = at(GuestState.ASKING)
    assert guest.handle(
        frame(pair_msg.PairResult(host_code.CODE_SESSION_ID, approved=False, reason=said)), T0
    ) == [
        do.Publish(st.PairOutcome(host_code.CODE_SESSION_ID, approved=False, reason=reason)),
        DROPPED,
        closed(reason),
        *left(),
    ]


def ending(stage: GuestState, reason: Reason, *, hangs_up: bool = True) -> list[do.Command]:
    """Return the commands of an end at `stage` without a goodbye."""
    peer: dict[GuestState, list[do.Command]] = {
        GuestState.ASKING: [DROPPED],
        GuestState.LINKING: peer_closed(),
        GuestState.LINKED: peer_closed(),
    }
    return [
        *peer.get(stage, []),
        closed(reason, was_connected=stage is GuestState.LINKED),
        *left(hangs_up=hangs_up),
    ]


LINKABLE = [GuestState.ASKING, GuestState.LINKING, GuestState.LINKED]
TALKING = [GuestState.PROVING, *LINKABLE]


@each_row("stage", TALKING)
@each_row(
    "said, reason",
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
    assert guest.handle(frame(pair_msg.ErrorMessage(said, "sentence")), T0) == ending(stage, reason)
    assert guest.state is GuestState.ENDED


@each_row("stage", LINKABLE)
@each_row(
    "said, reason",
    [
        ("expired", Reason.EXPIRED),
        ("closed", Reason.CLOSED),
        # The host of a code is no known device, which alone can have another link.
        ("device_linked", Reason.CLOSED),
        ("whatever", Reason.CLOSED),
    ],
)
def test_the_end_of_the_session_ends_the_attempt_at_every_stage(
    stage: GuestState, said: str, reason: Reason
) -> None:
    assert at(stage).handle(
        frame(pair_msg.SessionEnded(host_code.CODE_SESSION_ID, said)), T0
    ) == ending(stage, reason)


# --- the host goes away ---------------------------------------------------------------------------


@each_row("stage", [GuestState.PROVING, GuestState.ASKING, GuestState.LINKING])
def test_a_host_that_goes_before_its_answer_is_gone(stage: GuestState) -> None:
    assert at(stage).handle(pair_ev.ConnectionLost(SOCKET), T0) == ending(
        stage, Reason.HOST_GONE, hangs_up=False
    )


def test_a_link_that_was_answered_may_still_open_without_the_socket() -> None:
    play = Playbook(at(GuestState.LINKING), T0)
    play.on(frame(ANSWERED), ...)
    play.on(pair_ev.ConnectionLost(SOCKET))
    play.on(CHANNEL, ...)
    play.reaches(GuestState.LINKED)
    play = Playbook(at(GuestState.LINKING), T0)
    play.on(frame(ANSWERED), ...)
    play.on(pair_ev.ConnectionLost(SOCKET), ...)
    timed_out = ending(GuestState.LINKING, Reason.LINK_TIMEOUT, hangs_up=False)
    play.on(ev.TimerFired(OPEN_TIMER), *timed_out)


def test_an_open_link_stands_without_the_socket() -> None:
    guest = at(GuestState.LINKED)
    assert guest.handle(pair_ev.ConnectionLost(SOCKET), T0) == []
    assert guest.handle(heard(link_msg.Bye("closed")), T0) == ending(
        GuestState.LINKED, Reason.CLOSED, hangs_up=False
    )


def test_a_link_that_does_not_open_within_15_seconds() -> None:
    guest = at(GuestState.LINKING)
    assert guest.handle(ev.TimerFired(OPEN_TIMER), T0) == ending(
        GuestState.LINKING, Reason.LINK_TIMEOUT
    )


@each_row("stage", [GuestState.LINKING, GuestState.LINKED])
@each_row("reason", [Reason.ICE_FAILED, Reason.NO_DESCRIPTION, Reason.PEER_LEFT])
def test_a_peer_that_fails_ends_the_attempt(stage: GuestState, reason: Reason) -> None:
    assert at(stage).handle(link_ev.PeerFailed(LINK, reason), T0) == ending(stage, reason)


def test_silence_is_noticed_within_6_seconds() -> None:
    guest = at(GuestState.LINKED)
    guest.handle(heard(hello("Host PC")), T0)
    now = T0
    while guest.state is GuestState.LINKED:
        now += HEARTBEAT_SECONDS
        commands = guest.handle(ev.TimerFired(HEARTBEAT), now)
    assert now - T0 <= 6
    told = published(commands)[-1]
    assert isinstance(told, st.LinkStatus)
    assert (told.reason, told.peer_name) == (Reason.PEER_VANISHED, "Host PC")


@each_row("target", [PROVING, SCANNED])
@each_row("start", [offered, linked])
def test_from_a_host_that_proved_itself_a_wrong_frame_was_changed_on_its_way(
    target: JoinTarget, start: Callable[[JoinTarget], tuple[Guest, ProvenHost]]
) -> None:
    own = target.session_id
    out_of_turn: list[pair_msg.Message] = [
        pair_msg.PairResult(own, approved=True),
        pair_msg.PairChallenge(own, pair_msg.Auth()),
        pair_msg.PairRequest(own, PHONE),
    ]
    strange: list[pair_msg.Message | str] = ["rubbish", "{}", '{"type":"later"}', *out_of_turn]
    for wrong in strange:
        guest, _ = start(target)
        assert reason_of(guest, guest.handle(frame(wrong), T0)) is Reason.TAMPERED, wrong
    guest, _ = start(target)
    assert (
        reason_of(guest, guest.handle(pair_ev.FrameRefused(SOCKET, Reason.BAD_MESSAGE), T0))
        is Reason.TAMPERED
    )


@each_row("code", [1002, 1007, 1009])
@each_row("start", [offered, linked])
def test_a_host_that_proved_itself_and_cannot_read_us_got_what_we_did_not_send(
    start: Callable[[JoinTarget], tuple[Guest, ProvenHost]], code: int
) -> None:
    guest, _ = start(SCANNED)
    commands = guest.handle(pair_ev.ConnectionLost(SOCKET, code), T0)
    assert guest.state is GuestState.ENDED
    told = published(commands)[-1]
    assert isinstance(told, st.LinkStatus)
    assert told.reason is Reason.TAMPERED
    # The socket is gone.
    assert not any(isinstance(one, pair_do.Send | pair_do.CloseConnection) for one in commands)


@each_row("code", [1002, 1007, 1009])
def test_where_nothing_was_proved_an_unreadable_frame_is_a_lost_socket(code: int) -> None:
    lost, other = at(GuestState.LINKING), at(GuestState.LINKING)
    assert lost.handle(pair_ev.ConnectionLost(SOCKET, code), T0) == other.handle(
        pair_ev.ConnectionLost(SOCKET), T0
    )
    linked_without = at(GuestState.LINKED)
    assert linked_without.handle(pair_ev.ConnectionLost(SOCKET, code), T0) == []


OTHER_SESSION = "another"


@each_row("target", [PROVING, SCANNED])
def test_a_host_that_speaks_of_another_session(target: JoinTarget) -> None:
    """Before the challenge that may be a mistake; after it, somebody changed the message."""
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
        pair_msg.SessionEnded(OTHER_SESSION, "closed"),
        pair_msg.ErrorMessage("ice_failed", "", OTHER_SESSION),
    ):
        guest, _ = linked(target)
        assert reason_of(guest, guest.handle(frame(last), T0)) is Reason.TAMPERED


def test_a_session_of_another_name_is_a_mistake_where_nothing_was_proved() -> None:
    guest = at(GuestState.ASKING)
    commands = guest.handle(frame(pair_msg.PairResult(OTHER_SESSION, approved=True)), T0)
    assert reason_of(guest, commands) is Reason.HOST_ERROR


# --- the host misbehaves --------------------------------------------------------------------------

STRANGE: list[pair_msg.Message | str] = [
    "rubbish",
    "{}",
    '{"type":"later"}',
    '{"type":"pair_result","sessionID":"x","status":"maybe"}',
    pair_msg.PairRequest("x", PHONE),
    pair_msg.PairPrompt("x", PHONE),
    pair_msg.PairResponse("x", approved=True),
    pair_msg.PairChallenge("x", pair_msg.Auth()),
]
# A guest that proves itself expects a challenge, so a strange one counts there as a wrong proof.
STRANGE_WHEN_PROVING = [
    message for message in STRANGE if not isinstance(message, pair_msg.PairChallenge)
]


@each_row(
    "stage, message",
    [
        *((stage, message) for stage in LINKABLE for message in STRANGE),
        *((GuestState.PROVING, message) for message in STRANGE_WHEN_PROVING),
        (GuestState.PROVING, pair_msg.SessionEnded("x", "closed")),
    ],
)
def test_what_no_host_says_ends_the_attempt(
    stage: GuestState, message: pair_msg.Message | str
) -> None:
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


@each_row("stage", TALKING)
def test_a_frame_that_is_no_text_ends_the_attempt(stage: GuestState) -> None:
    guest = at(stage)
    assert guest.handle(pair_ev.FrameRefused(SOCKET, Reason.BAD_MESSAGE), T0) == ending(
        stage, Reason.HOST_ERROR
    )


@each_row("stage", [GuestState.PROVING, GuestState.ASKING])
@each_row(
    "message", [ANSWERED, pair_msg.Signal(host_code.CODE_SESSION_ID, pair_msg.Candidate(LINE))]
)
def test_a_signal_before_approval_ends_the_attempt(
    stage: GuestState, message: pair_msg.Signal
) -> None:
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


@each_row("stage", [GuestState.LINKING, GuestState.LINKED])
@each_row("approved", [True, False])
def test_a_second_decision_ends_the_attempt(stage: GuestState, approved: bool) -> None:
    message = pair_msg.PairResult(host_code.CODE_SESSION_ID, approved)
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


def test_an_offer_from_the_host_ends_the_attempt() -> None:
    offer = pair_msg.Signal(
        host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.OFFER)
    )
    assert at(GuestState.LINKING).handle(frame(offer), T0) == ending(
        GuestState.LINKING, Reason.BAD_DESCRIPTION
    )


@each_row("answer", ["v=0", SDP.replace("a=fingerprint", "a=nothing")])
def test_an_answer_that_describes_no_data_channel_ends_the_attempt(answer: str) -> None:
    message = pair_msg.Signal(
        host_code.CODE_SESSION_ID, pair_msg.Description(answer, pair_msg.SDPType.ANSWER)
    )
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
            at(GuestState.LINKING).handle(
                frame(pair_msg.Signal(host_code.CODE_SESSION_ID, pair_msg.Candidate(line))), T0
            )
            == []
        )


def test_a_second_answer_ends_the_attempt() -> None:
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    assert guest.handle(frame(ANSWERED), T0) == ending(GuestState.LINKING, Reason.BAD_DESCRIPTION)
    assert at(GuestState.LINKED).handle(frame(ANSWERED), T0) == ending(
        GuestState.LINKED, Reason.BAD_DESCRIPTION
    )


# --- the person gives up --------------------------------------------------------------------------


@each_row("stage", [GuestState.DIALING, GuestState.PROVING, GuestState.ASKING, GuestState.LINKING])
def test_the_person_may_cancel_at_every_stage(stage: GuestState) -> None:
    assert at(stage).handle(ev.Disconnect(LINK), T0) == ending(stage, Reason.DISCONNECTED)


# --- a link is lost -------------------------------------------------------------------------------


def again(guest: Guest, message: pair_msg.Message) -> pair_ev.FrameReceived:
    """Return the event of this message of the host on the newest socket."""
    return pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(message))


def waiting(guest: Guest) -> bool:
    return guest.state is GuestState.RECONNECTING and guest.link.status.stage is st.Stage.WAITING


def test_a_link_that_falls_silent_after_a_proof_waits_and_dials_at_once() -> None:
    guest, _ = linked()
    told = replace(guest.link.status, stage=st.Stage.WAITING, features=(), deadline=T0 + 120)
    assert guest.handle(link_ev.PeerFailed(LINK, Reason.PEER_VANISHED), T0) == [
        *peer_closed(proved=True),
        *left(),
        do.SetTimer(REDIAL, 0),
        do.Publish(told),
    ]
    assert guest.handle(ev.TimerFired(REDIAL), T0) == [
        do.SetTimer(DIAL, 4.0),
        pair_do.Dial(ev.ConnectionID(2, dialled=True), SCANNED.websocket_url),
    ]


def test_it_is_taken_up_under_a_new_id_by_the_same_steps_and_nobody_is_asked() -> None:
    guest, host = lost()
    play = Playbook(guest, T0)
    play.on(ev.TimerFired(REDIAL), ...)
    socket, name = ev.ConnectionID(2, dialled=True), host.proof.keys.resume_name()
    opened = play.on(pair_ev.ConnectionOpened(socket, "192.168.1.5"), ...)
    (request,) = sent(opened)
    assert isinstance(request, pair_msg.PairRequest)
    assert request.auth is not None
    assert (request.session_id, request.device, request.auth.m) == (name, PHONE, "resume")
    assert opened == [
        do.CancelTimer(DIAL),
        do.SetTimer(ANSWER, 10.0),
        pair_do.Send(socket, request),
    ]
    same = ProvenHost(request, secret=host.proof.keys.resume_secret())
    confirmed = play.on(again(guest, same.challenge), ...)
    assert confirmed == [
        pair_do.Send(socket, pair_msg.PairConfirm(name, tag_auth(same.proof.keys.guest_tag()))),
        do.SetTimer(ANSWER, 10.0),
    ]
    new = ev.LinkID("guest-2")
    before = guest.link.status
    assert before.deadline is not None
    told = replace(before, link=new, stage=st.Stage.APPROVED, deadline=None, resumes=LINK)
    play.on(
        again(guest, same.approval),
        do.CancelTimer(ANSWER),
        do.Publish(told),
        link_do.OpenPeer(new, offerer=True),
        do.SetTimer(ev.LinkTimer(ev.TimerName.LINK_OPEN, new), 15.0),
        do.SetTimer(ev.LinkTimer(ev.TimerName.LANE, new), 6.0),
    )
    (offer,) = sent(play.on(link_ev.PeerDescribed(new, pair_msg.SDPType.OFFER, SDP), ...))
    assert isinstance(offer, pair_msg.Signal)
    assert offer.session_id == name
    assert same.takes(offer)
    play.on(again(guest, same.signal(HOSTS_ANSWER)), ...)
    play.on(link_ev.ChannelOpened(new, 0, link_ev.CONTROL_LABEL), ...)
    assert (guest.state, guest.resumes) == (GuestState.LINKED, False)


@each_row(
    "fails",
    [
        lambda guest: pair_ev.DialFailed(guest.connection, Reason.REFUSED),
        lambda guest: ev.TimerFired(DIAL),
    ],
)
def test_a_dial_that_fails_is_followed_by_another_2_seconds_later(
    fails: Callable[[Guest], GuestEvent],
) -> None:
    guest, _ = lost()
    play = Playbook(guest, T0)
    play.on(ev.TimerFired(REDIAL), ...)
    event = fails(guest)
    commands = play.on(event, ..., at=T0 + 4)
    assert do.SetTimer(REDIAL, 2.0) in commands
    # The link waits, as was published before.
    assert published(commands) == []
    assert waiting(guest)
    play.on(
        ev.TimerFired(REDIAL),
        ...,
        pair_do.Dial(ev.ConnectionID(3, dialled=True), SCANNED.websocket_url),
        ...,
        at=T0 + 6,
    )


@each_row(
    "fails",
    [
        lambda guest, _: ev.TimerFired(ANSWER),
        lambda guest, _: pair_ev.ConnectionLost(guest.connection),
        lambda guest, _: again(guest, pair_msg.ErrorMessage("too_many", "sentence")),
        lambda guest, name: again(
            guest, pair_msg.PairResult(name, approved=False, reason=Reason.TIMEOUT)
        ),
        lambda guest, name: again(
            guest, pair_msg.PairResult(name, approved=False, reason=Reason.BUSY)
        ),
    ],
)
@each_row("confirmed", [True, False])
def test_a_host_that_falls_silent_or_has_no_time_is_tried_again(
    fails: Callable[[Guest, str], GuestEvent], confirmed: bool
) -> None:
    guest, host = returning()
    if confirmed:
        guest.handle(again(guest, host.challenge), T0)
    commands = guest.handle(fails(guest, host.name), T0 + 1)
    assert do.SetTimer(REDIAL, 2.0) in commands
    assert published(commands) == []
    assert waiting(guest)


@each_row("reason", [Reason.UNKNOWN_SESSION, Reason.CLOSED, Reason.EXPIRED, Reason.NOT_VERIFIED])
def test_a_host_that_says_no_is_believed(reason: Reason) -> None:
    guest, host = returning()
    commands = guest.handle(
        again(guest, pair_msg.PairResult(host.name, approved=False, reason=reason)), T0
    )
    (told,) = published(commands)
    assert isinstance(told, st.LinkStatus)
    assert (told.stage, told.reason, told.was_connected, told.deadline) == (
        st.Stage.CLOSED,
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
    wrong = pair_msg.PairChallenge(host.name, replace(host.proof.auth, m="psk"))
    assert reason_of(guest, guest.handle(again(guest, wrong), T0)) is Reason.HOST_UNPROVEN
    guest, host = returning()
    assert (
        reason_of(
            guest, guest.handle(again(guest, pair_msg.PairResult(host.name, approved=True)), T0)
        )
        is Reason.HOST_UNPROVEN
    )


def test_a_changed_signal_ends_it_for_good() -> None:
    guest, host = returning()
    guest.handle(again(guest, host.challenge), T0)
    guest.handle(again(guest, host.approval), T0)
    unsealed = pair_msg.Signal(host.name, HOSTS_ANSWER)
    assert reason_of(guest, guest.handle(again(guest, unsealed), T0)) is Reason.TAMPERED


def test_an_answer_that_is_stale_beside_the_lane_is_of_no_use_and_no_harm() -> None:
    guest, host = returning()
    play = Playbook(guest, T0)
    play.on(again(guest, host.challenge), ...)
    play.on(again(guest, host.approval), ...)
    new = ev.LinkID("guest-2")
    (offer,) = sent(play.on(link_ev.PeerDescribed(new, pair_msg.SDPType.OFFER, SDP), ...))
    assert host.takes(offer)
    play.on(ev.TimerFired(ev.LinkTimer(ev.TimerName.LANE, new)), ...)
    play.on(link_ev.LaneOpened(new, carries_link=True), ...)
    assert (guest.state, guest.resumes) == (GuestState.LINKED, False)
    play.on(again(guest, host.signal(HOSTS_ANSWER)))
    assert (guest.link.status.stage, guest.link.status.via) == (st.Stage.CONNECTED, st.Via.LANE)
    assert (
        reason_of(guest, play.on(again(guest, pair_msg.Signal(host.name, HOSTS_ANSWER)), ...))
        is Reason.TAMPERED
    )


@each_row("late", [False, True])
@each_row("by_socket", [False, True])
def test_a_link_that_does_not_open_is_tried_again_while_there_is_time(
    late: bool, by_socket: bool
) -> None:
    guest, host = returning()
    guest.handle(again(guest, host.challenge), T0)
    guest.handle(again(guest, host.approval), T0)
    new = ev.LinkID("guest-2")
    event: GuestEvent = pair_ev.ConnectionLost(guest.connection)
    # WebRTC finds no way, and the lane that could carry the link does not open either.
    if not by_socket:
        (*_, dialled) = guest.handle(link_ev.PeerFailed(new, Reason.ICE_FAILED), T0 + 20)
        assert isinstance(dialled, link_do.DialLane)
        event = link_ev.LaneLost(new)
    commands = guest.handle(event, T0 + (121 if late else 30))
    (told,) = published(commands)
    assert isinstance(told, st.LinkStatus)
    assert (told.link, told.stage) == (new, st.Stage.CLOSED if late else st.Stage.WAITING)
    assert (do.SetTimer(ev.LinkTimer(ev.TimerName.REDIAL, new), 2.0) in commands) is not late
    assert guest.state is (GuestState.ENDED if late else GuestState.RECONNECTING)


def test_after_2_minutes_no_dial_follows() -> None:
    guest, _ = lost()
    play = Playbook(guest, T0)
    play.on(ev.TimerFired(REDIAL), ...)
    play.on(
        pair_ev.DialFailed(guest.connection, Reason.REFUSED),
        ...,
        do.SetTimer(REDIAL, 0.5),
        ...,
        at=T0 + 119.5,
    )
    over = replace(
        guest.link.status, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED, deadline=None
    )
    play.on(ev.TimerFired(REDIAL), do.Publish(over), *left(hangs_up=False), at=T0 + 120)
    play.reaches(GuestState.ENDED)
    guest, _ = lost()
    play = Playbook(guest, T0)
    play.on(ev.TimerFired(REDIAL), ..., do.SetTimer(DIAL, 1.0), ..., at=T0 + 119)
    assert reason_of(guest, play.on(ev.TimerFired(DIAL), ..., at=T0 + 120)) is Reason.PEER_VANISHED


# --- misuse ---------------------------------------------------------------------------------------

INPUTS: dict[str, GuestEvent] = {
    "opened": pair_ev.ConnectionOpened(SOCKET, "192.168.1.5"),
    "dial_failed": pair_ev.DialFailed(SOCKET, Reason.REFUSED),
    "frame": frame(pair_msg.SessionEnded("x", "closed")),
    "refused": pair_ev.FrameRefused(SOCKET, Reason.BAD_MESSAGE),
    "lost": pair_ev.ConnectionLost(SOCKET),
    "dial": ev.TimerFired(DIAL),
    "answer": ev.TimerFired(ANSWER),
    "link_open": ev.TimerFired(OPEN_TIMER),
    "heartbeat": ev.TimerFired(HEARTBEAT),
    "redial": ev.TimerFired(REDIAL),
    "search": ev.TimerFired(ev.LinkTimer(ev.TimerName.SEARCH, LINK)),
    "approval": ev.TimerFired(ev.SessionTimer(ev.TimerName.APPROVAL, LINK)),
    "described": OFFERED,
    "channel": link_ev.ChannelOpened(LINK, 2, link_ev.CONTROL_LABEL),
    "message": heard(hello("x")),
    "failed": link_ev.PeerFailed(LINK, Reason.ICE_FAILED),
    "lane": link_ev.LaneOpened(LINK),
    "lane_lost": link_ev.LaneLost(LINK),
    "lane_timer": ev.TimerFired(LANE),
    "disconnect": ev.Disconnect(LINK),
}
LINK_INPUTS = " described channel failed disconnect lane lane_lost"
WELCOME = {
    GuestState.DIALING: "opened dial_failed dial disconnect",
    GuestState.SEARCHING: "search disconnect",
    GuestState.PROVING: "frame refused lost answer disconnect",
    GuestState.ASKING: "frame refused lost answer disconnect",
    GuestState.LINKING: "frame refused lost link_open lane_timer" + LINK_INPUTS,
    GuestState.LINKED: "frame refused lost heartbeat message lane_timer" + LINK_INPUTS,
    GuestState.RECONNECTING: "redial message" + LINK_INPUTS,
    GuestState.ENDED: "",
}


@each_row("stage", GuestState)
@each_row("name", INPUTS)
def test_what_the_table_does_not_hold_is_misuse(stage: GuestState, name: str) -> None:
    guest = at(stage)
    if name in WELCOME[stage].split():
        guest.handle(INPUTS[name], T0)
    else:
        with pytest.raises(MachineMisuseError):
            guest.handle(INPUTS[name], T0)
        assert guest.state is stage


# --- anything in any order ------------------------------------------------------------------------

from_a_host: strategies.SearchStrategy[pair_msg.Message | str] = strategies.one_of(
    strategies.builds(
        pair_msg.PairResult,
        strategies.just("x"),
        strategies.booleans(),
        strategies.none() | strategies.sampled_from(["declined", "busy", "?"]),
    ),
    strategies.builds(
        pair_msg.Signal,
        strategies.just("x"),
        strategies.builds(
            pair_msg.Description,
            strategies.just(SDP),
            strategies.none() | strategies.sampled_from(pair_msg.SDPType),
        )
        | strategies.builds(pair_msg.Candidate, strategies.sampled_from(["", LINE])),
    ),
    strategies.builds(
        pair_msg.PairResult,
        strategies.just("x"),
        strategies.just(value=True),
        auth=strategies.builds(pair_msg.Auth, t=strategies.sampled_from(["", "A" * 43])),
    ),
    strategies.builds(
        pair_msg.Signal,
        strategies.just("x"),
        strategies.builds(
            pair_msg.Description, strategies.just(SDP), strategies.just(pair_msg.SDPType.ANSWER)
        ),
        strategies.sampled_from([None, "A" * 43]),
    ),
    strategies.builds(
        pair_msg.ErrorMessage,
        strategies.sampled_from(["ice_failed", "too_many", "?"]),
        strategies.just("sentence"),
    ),
    strategies.builds(
        pair_msg.SessionEnded,
        strategies.just("x"),
        strategies.sampled_from(["expired", "closed", "?"]),
    ),
    strategies.sampled_from(STRANGE),
    strategies.text(max_size=20),
)
peer_messages: strategies.SearchStrategy[link_msg.LinkMessage] = strategies.sampled_from(
    [
        hello("Host PC"),
        link_text.TextPiece("hi"),
        link_text.TextPiece("part", more=True),
        link_msg.Bye(),
        link_msg.Bye("expired"),
        link_msg.Bye("?"),
    ]
)
from_a_peer = peer_messages.map(link_msg.dump_link_message) | strategies.text(max_size=20)


class AnyGuest(RuleBasedStateMachine):
    """A host sends anything, the network fails, peers break, and the person cancels and joins
    again. The ledger checks all.
    """

    @initialize()
    def start(self) -> None:
        self.bench = Bench(program(PHONE, prover()))
        self.approved: set[ev.LinkID] = set()
        self.offered: set[ev.LinkID] = set()
        self.answered: set[ev.LinkID] = set()
        # The host's side of the proof, on each socket where the guest proves itself.
        self.hosts: dict[ev.ConnectionID, ProvenHost] = {}
        # These are the links of guests that prove themselves.
        self.proving: set[ev.LinkID] = set()
        # An honest host keeps this secret for each resume name of its past links.
        self.resumable: dict[str, bytes] = {}
        # These lanes were dialled. The flag is True for a lane that carries the whole link.
        self.carried: dict[ev.LinkID, bool] = {}

    def guests(self) -> dict[ev.LinkID, Guest]:
        return self.bench.program._guests

    def guest_on(self, connection: ev.ConnectionID) -> Guest:
        return next(guest for guest in self.guests().values() if guest.connection == connection)

    def check(self, commands: list[do.Command], *, honest: bool = False) -> list[do.Command]:
        """Check that nothing is signalled before approval, and that all messages go to the right
        host.

        All that reaches a peer of a proved guest comes from an honest host, and so does its
        approval.
        """
        for command in commands:
            match command:
                case pair_do.Send(connection, pair_msg.PairRequest() as request) if (
                    request.auth is not None
                ):
                    secret = self.resumable.get(request.session_id, SECRET)
                    self.hosts[connection] = ProvenHost(request, secret=secret)
                    self.proving.add(self.guest_on(connection).link.id)
                case pair_do.Send(connection, pair_msg.Signal() as signal):
                    link = self.guest_on(connection).link.id
                    assert link in self.approved
                    assert link not in self.proving or self.hosts[connection].takes(signal)
                case do.Publish(st.LinkStatus(link, stage=st.Stage.APPROVED, resumes=lost)) if (
                    lost is not None
                ):
                    assert lost in self.proving & self.approved
                    assert honest, "a lost link was taken up by somebody else"
                    self.proving.add(link)
                    self.approved.add(link)
                case do.Publish(st.LinkStatus(link, verified=verified)) if verified is not None:
                    assert link in self.proving
                    self.approved.add(link)
                case do.Publish(st.LinkStatus(stage=st.Stage.WAITING)):
                    raise AssertionError("waits for a host that never proved itself")
                case do.Publish(st.LinkStatus(link, stage=st.Stage.APPROVED)):
                    assert link not in self.proving, "approved, but not verified"
                    self.approved.add(link)
                case link_do.OpenPeer(link, offerer):
                    assert offerer
                    assert link in self.approved
                    assert honest or link not in self.proving
                case link_do.ApplyDescription(link, kind):
                    assert kind is pair_msg.SDPType.ANSWER
                    assert honest or link not in self.proving
                    assert link not in self.answered
                    self.answered.add(link)
                case link_do.AddCandidate(link):
                    assert link in self.approved
                    assert honest or link not in self.proving
                case link_do.DialLane(link, url, carries_link=carries_link):
                    assert url == f"ws://{ADDRESS}/lane"
                    assert link in self.proving or not carries_link
                    assert carries_link or "files" in self.guests()[link].link.status.features
                    self.carried[link] = carries_link
                case link_do.ExpectLane():
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
        timers = [one for one in ledger.timers if not isinstance(one, file_ev.TransferTimer)]
        assert {one.scope for one in timers if isinstance(one, ev.LinkTimer)} <= {*self.guests()}
        assert all(isinstance(one, ev.LinkTimer) for one in timers)
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
            assert (told.stage is st.Stage.WAITING) == (guest.resumes and guest.state in awaited)

    @staticmethod
    def joins_now(guest: Guest) -> bool:
        return guest.state is not GuestState.LINKED and not guest.resumes

    @invariant()
    def every_stage_has_a_timer_that_ends_it(self) -> None:
        if not hasattr(self, "bench"):
            return
        expected = {
            GuestState.DIALING: ev.TimerName.DIAL,
            GuestState.PROVING: ev.TimerName.ANSWER,
            GuestState.ASKING: ev.TimerName.ANSWER,
            GuestState.LINKING: ev.TimerName.LINK_OPEN,
            GuestState.LINKED: ev.TimerName.HEARTBEAT,
            GuestState.RECONNECTING: ev.TimerName.REDIAL,
        }
        timers = {
            ev.LinkTimer(expected[guest.state], link) for link, guest in self.guests().items()
        }
        # The ledger checks the owners of these timers.
        beside = (ev.TimerName.LANE, file_ev.FileTimer.STALL)
        assert {one for one in self.bench.ledger.timers if one.name not in beside} == timers

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        for link in list(self.guests()):
            self.check(self.bench.handle(ev.Disconnect(link)))
        for link in list(self.bench.ledger.lanes_closing):
            assert self.bench.handle(link_ev.LaneLost(link)) == []
        self.bench.ledger.at_rest()
        assert self.bench.ledger.timers == {}
        assert self.bench.ledger.dials == set()
        assert self.guests() == {}

    # --- the person

    @rule(where=strategies.sampled_from([TARGET, PROVING, SCANNED]))
    def the_person_joins(self, where: JoinTarget) -> None:
        self.joins(where)

    def joins(self, target: JoinTarget) -> None:
        busy = any(self.joins_now(guest) for guest in self.guests().values())
        commands = self.check(self.bench.handle(ev.Join(target)))
        told = published(commands)[0]
        if busy:
            assert commands == [do.Publish(st.Trouble(Problem(Reason.JOIN_BUSY)))]
        else:
            assert isinstance(told, st.LinkStatus)
            assert self.guests()[told.link].connection in self.bench.ledger.dials

    @precondition(lambda self: bool(self.guests()))
    @rule(data=strategies.data())
    def the_person_cancels(self, data: strategies.DataObject) -> None:
        link = data.draw(strategies.sampled_from(sorted(self.guests())))
        self.check(self.bench.handle(ev.Disconnect(link)))
        assert link not in self.guests()

    @rule(number=strategies.integers(1, 3), text=strategies.text(max_size=20))
    def the_person_writes(self, number: int, text: str) -> None:
        link = ev.LinkID(f"guest-{number}")
        commands = self.check(self.bench.handle(ev.SendText(link, text)))
        named = (
            one for one in self.guests().values() if link in (one.link.id, one.link.status.resumes)
        )
        guest = next(named, None)
        if guest is not None and guest.link.id != link:
            # The old link goes on as this one.
            link = guest.link.id
        if guest is None or guest.state is not GuestState.LINKED:
            assert commands == [do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), link))]

    # --- the network and the host

    @rule(
        steps=strategies.integers(1, 12), where=strategies.sampled_from([TARGET, PROVING, SCANNED])
    )
    def all_goes_well(self, steps: int, where: JoinTarget) -> None:
        """Take the next right steps towards a link."""
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
                redial = ev.LinkTimer(ev.TimerName.REDIAL, link)
                self.bench.now = max(self.bench.now, self.bench.ledger.timers[redial])
                event = ev.TimerFired(redial)
            elif guest.state is GuestState.DIALING:
                event = pair_ev.ConnectionOpened(guest.connection, "192.168.1.5")
            elif guest.state is GuestState.ASKING:
                event = pair_ev.FrameReceived(
                    guest.connection, pair_msg.dump_message(host.approval if host else APPROVED)
                )
                if host:
                    keys = host.proof.keys
                    self.resumable[keys.resume_name()] = keys.resume_secret()
            elif guest.state is GuestState.PROVING:
                assert host is not None
                event = pair_ev.FrameReceived(
                    guest.connection, pair_msg.dump_message(host.challenge)
                )
            elif link not in self.offered:
                self.offered.add(link)
                event = link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, SDP)
            elif link not in self.answered:
                answer = host.signal(HOSTS_ANSWER) if host else ANSWERED
                event = pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(answer))
            else:
                event = link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL)
            self.check(self.bench.handle(event), honest=True)

    @precondition(lambda self: bool(self.bench.ledger.dials))
    @rule(reason=strategies.sampled_from([Reason.REFUSED, Reason.UNREACHABLE]))
    def the_dial_fails(self, reason: Reason) -> None:
        connection = max(self.bench.ledger.dials)
        self.check(self.bench.handle(pair_ev.DialFailed(connection, reason)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=strategies.data(), message=from_a_host)
    def the_host_says_something(
        self, data: strategies.DataObject, message: pair_msg.Message | str
    ) -> None:
        connection = data.draw(strategies.sampled_from(sorted(self.bench.ledger.sockets)))
        text = message if isinstance(message, str) else pair_msg.dump_message(message)
        closing = connection in self.bench.ledger.closing
        commands = self.check(self.bench.handle(pair_ev.FrameReceived(connection, text)))
        assert not (closing and commands)

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=strategies.data())
    def the_host_says_something_binary(self, data: strategies.DataObject) -> None:
        connection = data.draw(strategies.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.handle(pair_ev.FrameRefused(connection, Reason.BAD_MESSAGE)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=strategies.data())
    def the_socket_is_lost(self, data: strategies.DataObject) -> None:
        connection = data.draw(strategies.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.handle(pair_ev.ConnectionLost(connection)))

    # --- peers

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=strategies.data(), text=from_a_peer)
    def the_peer_says_something(self, data: strategies.DataObject, text: str) -> None:
        link, channel = data.draw(strategies.sampled_from(sorted(self.bench.ledger.channels)))
        self.check(self.bench.handle(link_ev.ChannelMessage(link, channel, text)))

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(
        data=strategies.data(),
        label=strategies.sampled_from([link_ev.CONTROL_LABEL, "chat", STREAM]),
        number=strategies.integers(1, 9),
    )
    def the_peer_opens_a_channel(
        self, data: strategies.DataObject, label: str, number: int
    ) -> None:
        link, _ = data.draw(strategies.sampled_from(sorted(self.bench.ledger.channels)))
        if (link, number) not in self.bench.ledger.channels:
            self.check(self.bench.handle(link_ev.ChannelOpened(link, number, label)))

    @precondition(lambda self: bool(self.bench.ledger.peers))
    @rule(
        data=strategies.data(),
        reason=strategies.sampled_from([Reason.ICE_FAILED, Reason.PEER_LEFT, Reason.PEER_VANISHED]),
    )
    def the_peer_fails(self, data: strategies.DataObject, reason: Reason) -> None:
        link = data.draw(strategies.sampled_from(sorted(self.bench.ledger.peers)))
        self.check(self.bench.handle(link_ev.PeerFailed(link, reason)))

    def proved_and_linked(self) -> list[ev.LinkID]:
        linked = [link for link, guest in self.guests().items() if guest.state is GuestState.LINKED]
        return sorted(set(linked) & self.proving)

    @precondition(lambda self: bool(self.proved_and_linked()))
    @rule(data=strategies.data())
    def a_proved_link_falls_silent(self, data: strategies.DataObject) -> None:
        link = data.draw(strategies.sampled_from(self.proved_and_linked()))
        over_lane = self.guests()[link].link.status.via is st.Via.LANE
        event = (
            link_ev.LaneLost(link) if over_lane else link_ev.PeerFailed(link, Reason.PEER_VANISHED)
        )
        told = [
            one
            for one in published(self.check(self.bench.handle(event)))
            if isinstance(one, st.LinkStatus)
        ][-1]
        assert (told.link, told.stage, told.deadline) == (
            link,
            st.Stage.WAITING,
            self.bench.now + RESUME_SECONDS,
        )

    @precondition(lambda self: bool(self.bench.ledger.past_peers))
    @rule(data=strategies.data())
    def something_late_of_a_closed_link(self, data: strategies.DataObject) -> None:
        link = data.draw(strategies.sampled_from(sorted(self.bench.ledger.past_peers)))
        assert self.bench.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, SDP)) == []
        assert self.bench.handle(link_ev.PeerFailed(link, Reason.ICE_FAILED)) == []

    # --- lanes and files

    @precondition(lambda self: bool(self.bench.ledger.lanes_dialled))
    @rule(
        data=strategies.data(), opens=strategies.sampled_from([True, True, False]), text=from_a_peer
    )
    def a_lane_opens_or_does_not(self, data: strategies.DataObject, opens: bool, text: str) -> None:
        link = data.draw(strategies.sampled_from(sorted(self.bench.ledger.lanes_dialled)))
        self.check(
            self.bench.handle(
                link_ev.LaneOpened(link, self.carried[link]) if opens else link_ev.LaneLost(link)
            ),
            honest=True,
        )
        if opens:
            self.check(self.bench.handle(link_ev.ChannelMessage(link, link_ev.LANE_CHANNEL, text)))

    @precondition(lambda self: bool(self.bench.ledger.lanes))
    @rule(data=strategies.data(), text=from_a_peer | strategies.none())
    def a_lane_speaks_or_is_lost(self, data: strategies.DataObject, text: str | None) -> None:
        link = data.draw(strategies.sampled_from(sorted(self.bench.ledger.lanes)))
        event = (
            link_ev.LaneLost(link)
            if text is None
            else link_ev.ChannelMessage(link, link_ev.LANE_CHANNEL, text)
        )
        self.check(self.bench.handle(event))

    @rule(number=strategies.integers(1, 3))
    def the_person_sends_files(self, number: int) -> None:
        self.check(self.bench.handle(file_ev.SendPaths(ev.LinkID(f"guest-{number}"), ("photo",))))

    @precondition(lambda self: bool(self.bench.ledger.transfers))
    @rule(
        data=strategies.data(),
        wanted=strategies.sampled_from(
            [file_ev.AcceptTransfer, file_ev.CancelTransfer, file_ev.RetryTransfer]
        ),
    )
    def the_person_decides_about_files(
        self,
        data: strategies.DataObject,
        wanted: Callable[
            [TransferID], file_ev.AcceptTransfer | file_ev.CancelTransfer | file_ev.RetryTransfer
        ],
    ) -> None:
        self.check(
            self.bench.handle(
                wanted(data.draw(strategies.sampled_from(sorted(self.bench.ledger.transfers))))
            )
        )

    @rule(numbers=strategies.lists(strategies.integers(0, 5), min_size=1, max_size=8))
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
                self.check(self.bench.handle(event))

    @rule(number=strategies.integers(0, 5), way=strategies.sampled_from([True, True, False]))
    def the_disk_answers(self, number: int, way: bool) -> None:
        for event in disk_answers(self.bench.ledger, number, well=way):
            self.check(self.bench.handle(event))

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=strategies.data(), number=strategies.integers(0, 2))
    def the_peer_speaks_of_files(self, data: strategies.DataObject, number: int) -> None:
        controls = {guest.link.id: guest.link._control for guest in self.guests().values()}
        link = data.draw(
            strategies.sampled_from(sorted({link for link, _ in self.bench.ledger.channels}))
        )
        said = data.draw(strategies.sampled_from(words_about_files(self.bench.ledger, number)))
        channel = controls.get(link)
        if channel is not None:
            self.check(
                self.bench.handle(
                    link_ev.ChannelMessage(link, channel, link_msg.dump_link_message(said))
                )
            )

    # --- time

    @precondition(lambda self: bool(self.bench.ledger.timers))
    @rule()
    def the_next_timer_fires(self) -> None:
        due = self.bench.next_timer()
        assert due is not None
        self.bench.now = max(self.bench.now, due[0])
        self.check(self.bench.handle(ev.TimerFired(due[1])))

    @rule(seconds=strategies.sampled_from([0.5, 3.0, 100.0]))
    def this_program_sleeps(self, seconds: float) -> None:
        self.bench.now += seconds
        self.check(self.bench.advance(0))


AnyGuest.TestCase.settings = settings(max_examples=70, stateful_step_count=50, deadline=None)
TestAnyGuest = AnyGuest.TestCase


@pytest.mark.nightly
def test_any_guest_for_long() -> None:
    run_state_machine_as_test(
        AnyGuest, settings=settings(max_examples=2000, stateful_step_count=50, deadline=None)
    )
