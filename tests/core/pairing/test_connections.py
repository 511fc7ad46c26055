"""Tests of proxim.core.pairing.connections: every limit of a socket is exceeded once; also
proofs and who is asked about them.
"""

from dataclasses import replace

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import Problem, Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices, host_code
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.connections import CHALLENGE_SECONDS, ConnectionLimits
from proxim.core.pairing.guess_budget import FAILURES_PER_ADDRESS
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.proof import (
    ProofKeys,
    Side,
    start_guest_proof,
    start_resumption,
    tag_auth,
    tag_matches,
)
from tests.core.bench import Bench
from tests.core.descriptions import ANSWER, LINE, OFFER, candidate_signal, sdp
from tests.core.handed_in import GUEST_ADDRESS, HOST_DEVICE, ONE_TIME, PHONE, PORT
from tests.core.in_commands import errors, published, reasons, sent
from tests.core.pairing.fake_spake2 import FakeSpake2
from tests.core.pairing.host_bench import HostBench, Prove, challenge_timer, refused, socket_timer
from tests.rows import each_row

CANDIDATE = pair_msg.Candidate(LINE, "0", 0)
SHUT_OUT = pair_msg.CloseCode.BAD_MESSAGES


def new_host() -> HostBench:
    """Return a host that shows a one-time code."""
    bench = HostBench()
    bench.listen()
    return bench


@pytest.fixture
def host() -> HostBench:
    return new_host()


def whole(
    bench: HostBench,
    event: pair_ev.ConnectionOpened
    | pair_ev.FrameReceived
    | pair_ev.ConnectionLost
    | ev.TimerFired,
) -> list[do.Command]:
    """Report an event and return all commands, including those for socket timers."""
    return Bench.handle(bench, event)


def shut_out(connection: ev.ConnectionID) -> list[do.Command]:
    return [refused(connection, Reason.TOO_MANY), pair_do.CloseConnection(connection, SHUT_OUT)]


def rejection(
    commands: list[do.Command], connection: ev.ConnectionID | None = None
) -> pair_msg.PairResult:
    """Return the only message among these commands, which must be a rejection."""
    (message,) = sent(commands, connection)
    assert isinstance(message, pair_msg.PairResult)
    assert not message.approved
    return message


def nobody_is_asked(commands: list[do.Command]) -> bool:
    return not any(isinstance(status, st.Prompt) for status in published(commands))


# --- limits ---------------------------------------------------------------------------------------


def test_the_limits_are_those_of_the_specification() -> None:
    limits = ConnectionLimits()
    assert (limits.first_message_seconds, limits.unapproved_seconds) == (10.0, 60.0)
    assert (limits.unapproved_messages, limits.messages_per_second, limits.burst) == (8, 20.0, 60.0)
    assert CHALLENGE_SECONDS == 10.0


def test_a_socket_that_says_nothing_for_10_seconds_is_closed(host: HostBench) -> None:
    connection = ev.ConnectionID(1)
    opened = whole(host, pair_ev.ConnectionOpened(connection, GUEST_ADDRESS))
    assert opened == [do.SetTimer(socket_timer(connection), 10.0)]
    assert host.advance(9.9) == []
    assert host.advance(0.1) == shut_out(connection)
    assert whole(host, pair_ev.ConnectionLost(connection)) == [
        do.CancelTimer(socket_timer(connection))
    ]


def test_a_socket_that_is_not_approved_lives_60_seconds_from_its_opening(host: HostBench) -> None:
    guest = host.connect()
    host.advance(9)
    assert whole(host, pair_ev.FrameReceived(guest, "{}"))[0] == do.SetTimer(
        socket_timer(guest), 51.0
    )
    assert host.advance(50.9) == []
    assert host.advance(0.1) == shut_out(guest)


def test_a_first_message_that_comes_late_after_a_sleep_has_no_time_left(host: HostBench) -> None:
    guest = host.connect()
    host.now += 1000
    assert whole(host, pair_ev.FrameReceived(guest, "{}"))[0] == do.SetTimer(
        socket_timer(guest), 0.0
    )


def test_a_socket_whose_prompt_is_shown_is_given_the_persons_time(host: HostBench) -> None:
    guest = host.connect()
    host.say(guest, "{}")
    host.advance(30)
    host.ask(guest)
    # The socket's 60 seconds are over, but the person's 40 are not.
    assert host.advance(30) == []
    assert socket_timer(guest) in host.ledger.timers
    commands = host.advance(10)
    assert rejection(commands, guest).reason == Reason.TIMEOUT
    # Asking again does not extend the socket's time.
    host.ask(guest)
    assert host.advance(29.9) == []
    assert shut_out(guest)[0] in host.advance(0.1)


def test_an_approved_socket_lives_on(host: HostBench) -> None:
    guest, _, link = host.linked()
    host.advance(60)
    assert socket_timer(guest) not in host.ledger.timers
    assert not host.ledger.closing
    assert link


def test_the_ninth_message_of_a_socket_that_is_not_approved_closes_it(host: HostBench) -> None:
    guest = host.connect()
    for _ in range(8):
        assert rejection(host.ask(guest, "unknown")).reason == Reason.UNKNOWN_SESSION
    assert host.ask(guest) == shut_out(guest)
    assert host.ask(guest) == []


def test_the_ninth_message_takes_the_prompt_along(host: HostBench) -> None:
    guest = host.connect()
    for _ in range(7):
        host.ask(guest, "unknown")
    host.ask(guest)
    assert host.ledger.prompts
    commands = host.say(guest, candidate_signal("x"))
    assert commands[:2] == shut_out(guest)
    assert not host.ledger.prompts


def test_an_approved_guest_may_say_60_things_at_once_and_20_a_second(host: HostBench) -> None:
    # The guest's request was one of the 60.
    guest, session_id, _ = host.approved()
    for _ in range(59):
        assert errors(host.say(guest, candidate_signal(session_id))) == []
    host.says(guest, candidate_signal(session_id), refused(guest, Reason.TOO_MANY))
    host.advance(0.5)
    for _ in range(10):
        assert errors(host.say(guest, candidate_signal(session_id))) == []
    for _ in range(3):
        host.says(guest, candidate_signal(session_id), refused(guest, Reason.TOO_MANY))
    # This is the fifth message too many.
    commands = host.say(guest, candidate_signal(session_id))
    assert commands[:3] == [refused(guest, Reason.TOO_MANY), *shut_out(guest)]
    # The guest is not linked yet, so its attempt ends.
    assert any(isinstance(command, link_do.ClosePeer) for command in commands)


def test_the_burst_grows_no_further_by_waiting(host: HostBench) -> None:
    guest, session_id, _ = host.linked()
    host.advance(5.5)
    for _ in range(60):
        assert errors(host.say(guest, candidate_signal(session_id))) == []
    assert errors(host.say(guest, candidate_signal(session_id))) == ["too_many"]


def test_an_open_link_outlives_the_socket_that_said_too_much(host: HostBench) -> None:
    guest, session_id, link = host.linked()
    for _ in range(70):
        host.say(guest, candidate_signal(session_id))
    assert guest in host.ledger.closing
    assert host.ledger.links[link].stage is st.Stage.CONNECTED


def test_what_one_socket_does_is_not_held_against_another_of_its_address(host: HostBench) -> None:
    loud, quiet = host.connect(), host.connect()
    for _ in range(9):
        host.ask(loud, "unknown")
    assert loud in host.ledger.closing
    assert not nobody_is_asked(host.ask(quiet))


def test_a_socket_being_closed_hears_no_clock(host: HostBench) -> None:
    """Closing may take seconds if the other side does not answer."""
    guest = host.connect()
    host.handle(pair_ev.FrameRefused(guest, Reason.TOO_LARGE))
    for _ in range(4):
        host.say(guest, "rubbish")
    assert guest in host.ledger.closing
    assert host.advance(100) == []


def test_other_limits_can_be_set() -> None:
    bench = HostBench(limits=ConnectionLimits(1.0, 2.0, 3, 1.0, 5.0))
    bench.listen()
    guest = bench.connect()
    assert bench.advance(1.0) == shut_out(guest)
    guest = bench.connect()
    for _ in range(3):
        bench.ask(guest, "unknown")
    assert bench.ask(guest, "unknown") == shut_out(guest)


def test_a_bad_description_that_is_the_fifth_mistake_closes_once(host: HostBench) -> None:
    guest, session_id, _ = host.approved()
    for _ in range(4):
        host.say(guest, "rubbish")
    commands = host.say(
        guest, pair_msg.Signal(session_id, pair_msg.Description("v=0", pair_msg.SDPType.OFFER))
    )
    assert errors(commands) == ["bad_description"]
    closings = [command for command in commands if isinstance(command, pair_do.CloseConnection)]
    assert closings == [pair_do.CloseConnection(guest, pair_msg.CloseCode.LINK_FAILED)]


def test_shutdown_stops_every_clock(host: HostBench) -> None:
    host.connect()
    host.challenged(host.prover_of())
    host.asked(host.shown.session_id)
    machine = host.program._host
    assert machine is not None
    for command in machine.shut_down(host.now):
        host.ledger.handle(command, host.now)
    assert host.ledger.timers == {}


# --- a proof that holds ---------------------------------------------------------------------------


@each_row("by_code, verified", [(True, devices.Verified.CODE), (False, devices.Verified.QR)])
def test_from_share_to_link(by_code: bool, verified: devices.Verified) -> None:
    host = new_host()
    session_id = host.shown.session_id
    guest = host.prover_of(by_code=by_code)
    name = guest.target.session_id
    commands = host.say(guest.connection, guest.request)
    (challenge,) = sent(commands)
    assert isinstance(challenge, pair_msg.PairChallenge)
    assert commands == [
        do.SetTimer(challenge_timer(guest.connection), 10.0),
        pair_do.Send(guest.connection, challenge),
    ]
    assert (challenge.session_id, challenge.auth.v, challenge.auth.m) == (
        name,
        1,
        guest.proof.method,
    )
    assert challenge.auth.t is None

    prompt = st.Prompt(session_id, PHONE, GUEST_ADDRESS, verified, host.now + 40, number=1)
    host.says(
        guest.connection,
        guest.confirm(challenge.auth),
        do.CancelTimer(challenge_timer(guest.connection)),
        do.SetTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id), 40.0),
        do.Publish(prompt),
        do.Publish(st.Prompts((prompt,))),
    )
    assert guest.keys is not None
    approved = host.handle(ev.Decide(session_id, approved=True))
    (result,) = sent(approved)
    assert isinstance(result, pair_msg.PairResult)
    assert result.approved
    assert result.auth is not None
    assert tag_matches(guest.keys.host_tag("approved"), result.auth.t)
    link = host.link
    assert host.ledger.links[link].verified is verified

    offered = host.say(guest.connection, guest.signal(OFFER))
    assert offered[-1] == link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, OFFER.sdp)
    host.says(
        guest.connection,
        guest.signal(CANDIDATE),
        link_do.AddCandidate(link, pair_msg.Candidate(LINE)),
    )
    (answer,) = sent(host.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp)))
    assert isinstance(answer, pair_msg.Signal)
    assert guest.macs is not None
    assert guest.macs.check(answer.payload, answer.mac)
    host.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    host.says(
        guest.connection,
        guest.signal(pair_msg.Candidate("")),
        link_do.AddCandidate(link, pair_msg.Candidate("")),
    )
    assert (host.ledger.links[link].stage, host.ledger.links[link].verified) == (
        st.Stage.CONNECTED,
        verified,
    )


def test_a_rejection_after_a_proof_carries_the_hosts(host: HostBench) -> None:
    guest = host.prove()
    message = rejection(host.handle(ev.Decide(host.shown.session_id, approved=False)))
    assert (message.reason, message.session_id) == (Reason.DECLINED, host_code.CODE_SESSION_ID)
    assert guest.keys is not None
    assert message.auth is not None
    assert tag_matches(guest.keys.host_tag("rejected"), message.auth.t)


@each_row("by_code", [True, False])
def test_a_guest_of_the_same_installation_is_rejected_once_it_has_proved_itself(
    by_code: bool,
) -> None:
    host = new_host()
    guest = host.prover_of(by_code=by_code)
    proof = start_guest_proof(guest.target, HOST_DEVICE, host.prover)
    assert proof is not None
    guest.proof = proof
    request = replace(guest.request, device=HOST_DEVICE)
    (challenge,) = sent(host.say(guest.connection, request))
    assert isinstance(challenge, pair_msg.PairChallenge)
    commands = host.say(guest.connection, guest.confirm(challenge.auth))
    assert rejection(commands).reason is Reason.OWN_CODE
    assert nobody_is_asked(commands)


def test_who_proves_nothing_does_not_learn_which_installation_a_host_is(host: HostBench) -> None:
    commands = host.say(
        host.connect(), pair_msg.PairRequest(host_code.CODE_SESSION_ID, HOST_DEVICE)
    )
    assert sent(commands) == []
    assert not nobody_is_asked(commands)


def test_no_secret_reaches_the_wire(host: HostBench) -> None:
    code = host.shown.code
    assert code is not None
    for by_code in (True, False):
        guest = host.prover_of(f"192.168.1.{20 + by_code}", by_code=by_code)
        challenge = host.challenged(guest)
        for text in (str(challenge.y), str(guest.request.auth and guest.request.auth.y)):
            assert code.replace("-", "") not in text
            assert guest.target.qr_secret is None or guest.target.qr_secret not in text


# --- a proof that does not hold -------------------------------------------------------------------


@each_row("by_code", [True, False])
def test_who_does_not_know_the_secret_asks_nobody(by_code: bool) -> None:
    host = new_host()
    guest = host.prover_of(by_code=by_code, knows=False)
    commands = host.say(guest.connection, guest.confirm(host.challenged(guest)))
    assert commands == [
        do.CancelTimer(challenge_timer(guest.connection)),
        pair_do.Send(
            guest.connection,
            pair_msg.PairResult(
                guest.target.session_id, approved=False, reason=Reason.NOT_VERIFIED
            ),
        ),
    ]
    assert host.ledger.prompts == {}


@each_row("by_code", [True, False])
@each_row("tag", [None, "", "A", "A" * 43, "é" * 43])
def test_a_tag_that_is_none_asks_nobody(by_code: bool, tag: str | None) -> None:
    host = new_host()
    guest = host.prover_of(by_code=by_code)
    host.challenged(guest)
    commands = host.say(
        guest.connection, pair_msg.PairConfirm(guest.target.session_id, pair_msg.Auth(t=tag))
    )
    assert rejection(commands).reason == Reason.NOT_VERIFIED
    assert nobody_is_asked(commands)


def test_a_tag_of_another_run_or_of_the_host_asks_nobody(host: HostBench) -> None:
    first = host.prover_of(by_code=False)
    old = first.confirm(host.challenged(first))
    second = host.prover_of(by_code=False)
    second.confirm(host.challenged(second))
    assert rejection(host.say(second.connection, old)).reason == Reason.NOT_VERIFIED
    third = host.prover_of(by_code=False)
    third.confirm(host.challenged(third))
    assert third.keys is not None
    reflected = pair_msg.PairConfirm(
        third.target.session_id, pair_msg.Auth(t=to_base64url(third.keys.host_tag("approved")))
    )
    assert rejection(host.say(third.connection, reflected)).reason == Reason.NOT_VERIFIED


def test_a_confirmation_for_another_sessions_name_is_refused_and_the_challenge_stands(
    host: HostBench,
) -> None:
    guest = host.prover_of()
    confirm = guest.confirm(host.challenged(guest))
    other = replace(confirm, session_id=host.shown.session_id)
    assert host.say(guest.connection, other) == [refused(guest.connection, Reason.NOT_ALLOWED)]
    assert not nobody_is_asked(host.say(guest.connection, confirm))


def test_a_confirmation_without_or_after_its_challenge_is_refused(host: HostBench) -> None:
    stranger = host.connect()
    assert errors(
        host.say(
            stranger, pair_msg.PairConfirm(host_code.CODE_SESSION_ID, pair_msg.Auth(t="A" * 43))
        )
    ) == ["not_allowed"]
    guest = host.prover_of()
    confirm = guest.confirm(host.challenged(guest))
    host.say(guest.connection, confirm)
    assert errors(host.say(guest.connection, confirm)) == ["not_allowed"]
    assert len(host.ledger.prompts) == 1


def test_anothers_confirmation_does_not_end_a_challenge(host: HostBench) -> None:
    guest = host.prover_of()
    confirm = guest.confirm(host.challenged(guest))
    assert errors(host.say(host.connect(), confirm)) == ["not_allowed"]
    assert not nobody_is_asked(host.say(guest.connection, confirm))


def test_while_challenged_nothing_but_the_confirmation_is_taken(host: HostBench) -> None:
    guest = host.prover_of()
    host.challenged(guest)
    name = guest.target.session_id
    for message in (
        guest.request,
        pair_msg.PairRequest(host.shown.session_id, PHONE),
        pair_msg.PairResponse(name, approved=True),
    ):
        assert host.say(guest.connection, message) == [
            refused(guest.connection, Reason.NOT_ALLOWED)
        ]
    assert errors(host.say(guest.connection, pair_msg.Signal(name, OFFER))) == ["not_allowed"]
    assert host.ledger.prompts == {}
    assert host.ledger.links == {}


def test_a_name_cannot_change_between_request_and_prompt(host: HostBench) -> None:
    """The proof covers the name and id of the request."""
    guest = host.prover_of()
    request = replace(guest.request, device=devices.DeviceInfo("Boss", PHONE.id))
    (challenge,) = sent(host.say(guest.connection, request))
    assert isinstance(challenge, pair_msg.PairChallenge)
    assert (
        rejection(host.say(guest.connection, guest.confirm(challenge.auth))).reason
        == Reason.NOT_VERIFIED
    )


@each_row(
    "auth",
    [
        pair_msg.Auth(),
        pair_msg.Auth(1, "spake2"),
        pair_msg.Auth(2, "spake2", "A" * 44),
        pair_msg.Auth(1, "none", "A" * 44),
        # The secret of a QR code belongs to a session ID, not to "@code".
        pair_msg.Auth(1, "psk", "A" * 43),
        pair_msg.Auth(1, "spake2", "A" * 43),
        pair_msg.Auth(1, "spake2", "A" * 45),
        pair_msg.Auth(1, "spake2", "é" * 44),
        pair_msg.Auth(1, "spake2", "*" * 44),
        # This share is of the host's side.
        pair_msg.Auth(1, "spake2", to_base64url(b"B" + bytes(32))),
    ],
)
def test_a_share_that_no_honest_guest_sends_is_refused_and_asks_nobody(auth: pair_msg.Auth) -> None:
    host = new_host()
    guest = host.connect()
    commands = host.say(guest, pair_msg.PairRequest(host_code.CODE_SESSION_ID, PHONE, auth))
    assert commands == [refused(guest, Reason.BAD_MESSAGE)]
    assert challenge_timer(guest) not in host.ledger.timers


def test_the_typed_code_goes_with_at_code_alone(host: HostBench) -> None:
    guest = host.prover_of()
    by_id = replace(guest.request, session_id=host.shown.session_id)
    assert host.say(guest.connection, by_id) == [refused(guest.connection, Reason.BAD_MESSAGE)]


def test_an_address_without_a_code_has_none_to_prove() -> None:
    bench = HostBench()
    bench.listen()
    guest = bench.prover_of()
    host = bench.program._host
    assert host is not None
    secrets = host._sessions.secrets_of(bench.shown.session_id)
    assert secrets is not None
    # On IPv6 there is no secret to type.
    secrets.typed = None
    assert bench.say(guest.connection, guest.request) == [
        refused(guest.connection, Reason.BAD_MESSAGE)
    ]


# --- the challenge's life -------------------------------------------------------------------------


@each_row("by_code", [True, False])
def test_a_challenge_lives_10_seconds(by_code: bool) -> None:
    host = new_host()
    guest = host.prover_of(by_code=by_code)
    confirm = guest.confirm(host.challenged(guest))
    assert host.advance(9.9) == []
    commands = host.advance(0.1)
    assert rejection(commands).reason == Reason.TIMEOUT
    assert errors(host.say(guest.connection, confirm)) == ["not_allowed"]
    assert host.ledger.prompts == {}


def test_a_guest_that_goes_while_challenged_leaves_nothing_behind(host: HostBench) -> None:
    guest = host.prover_of()
    host.challenged(guest)
    assert whole(host, pair_ev.ConnectionLost(guest.connection)) == [
        do.CancelTimer(socket_timer(guest.connection)),
        do.CancelTimer(challenge_timer(guest.connection)),
    ]
    # The only try that may be under way is free again.
    host.prove()


def test_a_guest_shut_out_while_challenged_leaves_nothing_behind(host: HostBench) -> None:
    guest = host.prover_of()
    host.challenged(guest)
    for _ in range(5):
        host.say(guest.connection, "rubbish")
    assert guest.connection in host.ledger.closing
    assert challenge_timer(guest.connection) not in host.ledger.timers
    host.prove()


@each_row("by_code", [True, False])
def test_a_session_that_goes_while_challenged_is_unknown(by_code: bool) -> None:
    host = new_host()
    guest = host.prover_of(by_code=by_code)
    confirm = guest.confirm(host.challenged(guest))
    host.handle(ONE_TIME)
    commands = host.say(guest.connection, confirm)
    message = rejection(commands)
    assert message.reason == Reason.UNKNOWN_SESSION
    # The host still proves that it is this host.
    assert message.auth is not None
    assert nobody_is_asked(commands)


def test_a_session_that_goes_while_challenged_and_then_the_time_runs_out(host: HostBench) -> None:
    guest = host.prover_of()
    host.challenged(guest)
    host.handle(ONE_TIME)
    assert rejection(host.advance(10)).reason == Reason.TIMEOUT
    # A new session has its own number of tries.
    host.prove()


# --- the guess budget -----------------------------------------------------------------------------


def guess(host: HostBench, address: str, *, by_code: bool = True) -> list[do.Command]:
    """Make a complete wrong try from a new socket, which then leaves, and return the commands."""
    guest = host.prover_of(address, by_code=by_code, knows=False)
    commands = host.say(guest.connection, guest.confirm(host.challenged(guest)))
    host.handle(pair_ev.ConnectionLost(guest.connection))
    return commands


def attempt(host: HostBench, address: str = GUEST_ADDRESS) -> Reason | None:
    """Ask with a proof, and return why there is no challenge."""
    guest = host.prover_of(address)
    commands = host.say(guest.connection, guest.request)
    (message,) = sent(commands)
    host.handle(pair_ev.ConnectionLost(guest.connection))
    if isinstance(message, pair_msg.PairResult):
        assert challenge_timer(guest.connection) not in host.ledger.timers
        return Reason(str(message.reason))
    return None


def test_one_try_at_the_typed_code_is_in_flight_at_a_time_and_the_qr_is_free(
    host: HostBench,
) -> None:
    first = host.prover_of()
    confirm = first.confirm(host.challenged(first))
    assert attempt(host, "192.168.1.10") is Reason.BUSY
    scans = host.prove("192.168.1.11", by_code=False)
    host.handle(pair_ev.ConnectionLost(scans.connection))
    assert not nobody_is_asked(host.say(first.connection, confirm))


def test_three_tries_at_once_then_one_a_second(host: HostBench) -> None:
    for number in range(3):
        guess(host, f"192.168.1.{20 + number}")
    assert attempt(host) is Reason.BUSY
    host.advance(1.0)
    assert attempt(host) is None
    assert attempt(host) is Reason.BUSY


def test_five_failures_of_one_address_close_the_code_for_it(host: HostBench) -> None:
    for _ in range(5):
        guess(host, GUEST_ADDRESS)
        host.advance(1.0)
    assert attempt(host) is Reason.TOO_MANY_TRIES
    host.prove("192.168.1.10")


def exhaust(host: HostBench) -> None:
    for number in range(19):
        assert reasons(guess(host, f"192.168.1.{20 + number // 4}")) == []
        host.advance(1.0)


def test_twenty_failures_close_the_typed_code_and_not_the_qr(host: HostBench) -> None:
    exhaust(host)
    before = host.shown
    commands = guess(host, "192.168.1.99")
    told = [st.Trouble(Problem(Reason.CODE_CLOSED)), replace(before, code=None, code_closed=True)]
    # A code that opens nothing is not shown.
    assert published(commands) == told
    host.advance(1.0)
    assert attempt(host, "192.168.1.100") is Reason.TOO_MANY_TRIES
    scans = host.prove("192.168.1.101", by_code=False)
    host.handle(pair_ev.ConnectionLost(scans.connection))
    # A new code allows tries again.
    assert host.handle(ONE_TIME)
    assert host.shown.code is not None
    assert not host.shown.code_closed
    host.prove("192.168.1.100")


def test_hanging_up_and_silence_count_as_failures(host: HostBench) -> None:
    exhaust(host)
    guest = host.prover_of("192.168.1.99")
    host.challenged(guest)
    assert reasons(host.handle(pair_ev.ConnectionLost(guest.connection))) == [Reason.CODE_CLOSED]

    host.handle(ONE_TIME)
    exhaust(host)
    host.challenged(host.prover_of("192.168.1.99"))
    assert Reason.CODE_CLOSED in reasons(host.advance(10))


def test_success_is_not_counted(host: HostBench) -> None:
    for _ in range(12):
        guest = host.prove()
        host.handle(pair_ev.ConnectionLost(guest.connection))
        host.advance(1.0)
    # As many tries are left as at the start.
    exhaust(host)
    assert reasons(guess(host, "192.168.1.99")) == [Reason.CODE_CLOSED]


def test_a_hostile_share_is_counted_and_not_left_in_flight(host: HostBench) -> None:
    hostile = pair_msg.Auth(1, "spake2", to_base64url(b"B" + bytes(32)))
    for _ in range(5):
        guest = host.connect()
        assert errors(
            host.say(guest, pair_msg.PairRequest(host_code.CODE_SESSION_ID, PHONE, hostile))
        ) == ["bad_message"]
        host.handle(pair_ev.ConnectionLost(guest))
        host.advance(1.0)
    assert attempt(host) is Reason.TOO_MANY_TRIES
    host.prove("192.168.1.10")


def test_the_last_hostile_share_closes_the_code(host: HostBench) -> None:
    exhaust(host)
    hostile = pair_msg.Auth(1, "spake2", to_base64url(b"B" + bytes(32)))
    commands = host.say(
        host.connect("192.168.1.99"),
        pair_msg.PairRequest(host_code.CODE_SESSION_ID, PHONE, hostile),
    )
    assert reasons(commands) == [Reason.CODE_CLOSED]
    assert errors(commands) == ["bad_message"]


def test_wrong_guesses_at_the_qr_cost_the_typed_code_nothing(host: HostBench) -> None:
    for number in range(30):
        guess(host, f"192.168.1.{20 + number}", by_code=False)
    assert attempt(host) is None


def test_two_sessions_have_tries_of_their_own(host: HostBench) -> None:
    host.linked()
    host.handle(ONE_TIME)
    for number in range(3):
        guess(host, f"192.168.1.{20 + number}")
    host.handle(ONE_TIME)
    assert attempt(host) is None


# --- prompts --------------------------------------------------------------------------------------


@each_row("by_code", [True, False])
def test_a_guest_that_proved_itself_goes_before_one_that_did_not(by_code: bool) -> None:
    host = new_host()
    first, session_id = host.asked()
    guest = host.prover_of("192.168.1.10", by_code=by_code)
    commands = host.say(guest.connection, guest.confirm(host.challenged(guest)))
    assert rejection(commands, first).reason == Reason.BUSY
    outcome, prompt, shown = published(commands)
    assert outcome == st.PairOutcome(session_id, approved=False, reason=Reason.BUSY)
    assert isinstance(prompt, st.Prompt)
    assert (prompt.peer_address, prompt.verified) == ("192.168.1.10", guest.proof.method.verified)
    assert shown == st.Prompts((prompt,))
    host.on(
        ev.Decide(session_id, approved=True, number=1),
        do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE))),
    )
    host.handle(ev.Decide(session_id, approved=True, number=prompt.number))
    assert host.ledger.links[host.link].peer_address == "192.168.1.10"
    host.says(
        first, pair_msg.Signal(session_id, OFFER), refused(first, Reason.NOT_ALLOWED, session_id)
    )


def test_a_guest_that_proved_itself_is_displaced_by_nobody(host: HostBench) -> None:
    host.prove()
    assert rejection(host.ask(host.connect("192.168.1.10"))).reason == Reason.BUSY
    other = host.prover_of("192.168.1.11", by_code=False)
    commands = host.say(other.connection, other.confirm(host.challenged(other)))
    assert rejection(commands).reason == Reason.BUSY
    (prompt,) = host.ledger.prompts.values()
    assert prompt.peer_address == GUEST_ADDRESS


def test_a_declined_address_is_muted_for_the_session_until_it_proves_itself(
    host: HostBench,
) -> None:
    _, session_id = host.asked()
    host.handle(ev.Decide(session_id, approved=False))
    for _ in range(3):
        commands = host.ask(host.connect())
        assert rejection(commands).reason == Reason.DECLINED
        assert nobody_is_asked(commands)
    assert not nobody_is_asked(host.ask(host.connect("192.168.1.10")))
    host.handle(ev.Decide(session_id, approved=False))
    host.prove()
    host.handle(ev.Decide(session_id, approved=False))
    host.handle(ONE_TIME)
    # This is another session.
    assert not nobody_is_asked(host.ask(host.connect()))


def test_a_prompt_that_nobody_answers_mutes_nobody(host: HostBench) -> None:
    guest, _ = host.asked()
    host.advance(40)
    assert not nobody_is_asked(host.ask(guest))


def test_a_host_may_require_a_proof() -> None:
    bench = HostBench(require_proof=True)
    bench.listen()
    for name in (host_code.CODE_SESSION_ID, bench.shown.session_id):
        commands = bench.ask(bench.connect(), name)
        assert rejection(commands) == pair_msg.PairResult(
            name, approved=False, reason=Reason.NOT_VERIFIED
        )
        assert nobody_is_asked(commands)
    guest = bench.connect()
    bench.ask(guest)
    assert errors(bench.say(guest, pair_msg.Signal(bench.shown.session_id, OFFER))) == [
        "not_allowed"
    ]
    bench.prove()
    assert bench.ledger.prompts


def test_requiring_a_proof_can_be_set_while_running(host: HostBench) -> None:
    host.handle(ev.SetRequireProof(required=True))
    assert rejection(host.ask(host.connect())).reason == Reason.NOT_VERIFIED
    host.handle(ev.SetRequireProof(required=False))
    assert not nobody_is_asked(host.ask(host.connect()))


def test_a_client_that_knows_only_the_seed_still_pairs(host: HostBench) -> None:
    _, _, link = host.linked()
    status = host.ledger.links[link]
    assert (status.stage, status.verified) == (st.Stage.CONNECTED, None)


# --- MACs -----------------------------------------------------------------------------------------


def approved(host: HostBench) -> tuple[Prove, ev.LinkID]:
    guest = host.prove()
    return guest, host.approve(guest)


def offered(host: HostBench) -> tuple[Prove, ev.LinkID]:
    guest, link = approved(host)
    host.say(guest.connection, guest.signal(OFFER))
    return guest, link


def tampered(host: HostBench, guest: Prove, signal: pair_msg.Signal) -> None:
    """Check that the session ends with a named reason for both sides, and that nothing reaches
    the peer.
    """
    link, session_id = host.link, host.ledger.links[host.link].session_id
    commands = host.say(guest.connection, signal)
    assert not [
        one for one in commands if isinstance(one, link_do.ApplyDescription | link_do.AddCandidate)
    ]
    assert sent(commands) == [pair_msg.SessionEnded(guest.target.session_id, Reason.TAMPERED)]
    assert pair_do.CloseConnection(guest.connection, pair_msg.CloseCode.SESSION_ENDED) in commands
    assert any(isinstance(one, link_do.ClosePeer) and one.link == link for one in commands)
    (closed,) = [one for one in published(commands) if isinstance(one, st.LinkStatus)]
    assert (closed.stage, closed.reason) == (st.Stage.CLOSED, Reason.TAMPERED)
    assert host.shown.session_id != session_id
    assert rejection(host.ask(host.connect(), session_id)).reason == Reason.UNKNOWN_SESSION


@each_row("payload", [OFFER, CANDIDATE, pair_msg.Candidate("")])
@each_row("mac", [None, "", "A", "A" * 43, "é" * 43])
def test_a_missing_or_wrong_mac_ends_the_session(
    payload: pair_msg.Description | pair_msg.Candidate, mac: str | None
) -> None:
    host = new_host()
    guest, _ = approved(host)
    tampered(host, guest, pair_msg.Signal(host_code.CODE_SESSION_ID, payload, mac))


@each_row("mac", [None, "A" * 43])
def test_on_an_open_link_too(mac: str | None) -> None:
    host = new_host()
    guest, link = offered(host)
    host.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp))
    host.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    tampered(host, guest, pair_msg.Signal(host_code.CODE_SESSION_ID, CANDIDATE, mac))


def test_whatever_the_type_of_the_session() -> None:
    for kind in ev.SessionType:
        bench = HostBench(ev.Invite(kind, 60.0))
        bench.listen()
        guest, _ = approved(bench)
        tampered(bench, guest, pair_msg.Signal(host_code.CODE_SESSION_ID, OFFER))


def test_a_changed_payload_ends_the_session() -> None:
    changes: list[
        tuple[pair_msg.Description | pair_msg.Candidate, pair_msg.Description | pair_msg.Candidate]
    ] = [
        (OFFER, pair_msg.Description(sdp("mine"), pair_msg.SDPType.OFFER)),
        (OFFER, pair_msg.Description(OFFER.sdp.replace("AB:", "AC:", 1), pair_msg.SDPType.OFFER)),
        (OFFER, pair_msg.Candidate(OFFER.sdp[:100])),
        (CANDIDATE, replace(CANDIDATE, candidate=LINE.replace("192.168.1.9", "192.168.1.8"))),
        (CANDIDATE, replace(CANDIDATE, sdp_mid=None)),
        (CANDIDATE, replace(CANDIDATE, sdp_mline_index=1)),
        (CANDIDATE, pair_msg.Candidate("")),
    ]
    for honest, changed in changes:
        bench = HostBench()
        bench.listen()
        guest, _ = approved(bench)
        tampered(bench, guest, replace(guest.signal(honest), payload=changed))


def test_a_replayed_signal_ends_the_session(host: HostBench) -> None:
    guest, _ = approved(host)
    candidate = guest.signal(CANDIDATE)
    assert errors(host.say(guest.connection, candidate)) == []
    tampered(host, guest, candidate)


def test_a_signal_that_was_dropped_ends_the_session_with_the_next(host: HostBench) -> None:
    guest, _ = approved(host)
    guest.signal(OFFER)
    tampered(host, guest, guest.signal(CANDIDATE))


def test_swapped_signals_end_the_session(host: HostBench) -> None:
    guest, _ = approved(host)
    first, second = guest.signal(CANDIDATE), guest.signal(OFFER)
    assert first.mac != second.mac
    tampered(host, guest, second)


def test_a_changed_type_ends_the_session(host: HostBench) -> None:
    guest, _ = approved(host)
    tampered(
        host,
        guest,
        replace(guest.signal(OFFER), payload=replace(OFFER, type=pair_msg.SDPType.ANSWER)),
    )


def test_a_second_offer_ends_the_session(host: HostBench) -> None:
    guest, _ = offered(host)
    tampered(host, guest, guest.signal(OFFER))


@each_row(
    "text",
    [
        "{",
        '{"type":"ping"}',
        "x" * (pair_msg.MAX_MESSAGE_BYTES + 1),
        pair_msg.dump_message(pair_msg.Signal("another", CANDIDATE, "A" * 43)),
    ],
)
def test_a_message_that_its_guest_cannot_have_sent_ends_the_session(text: str) -> None:
    host = new_host()
    guest, _ = offered(host)
    commands = host.say(guest.connection, text)
    assert sent(commands) == [pair_msg.SessionEnded(guest.target.session_id, Reason.TAMPERED)]


def test_a_frame_that_is_no_text_ends_the_session(host: HostBench) -> None:
    guest, _ = offered(host)
    commands = host.handle(pair_ev.FrameRefused(guest.connection, Reason.BAD_MESSAGE))
    assert sent(commands) == [pair_msg.SessionEnded(guest.target.session_id, Reason.TAMPERED)]


def test_the_proof_of_a_guest_whose_link_failed_is_not_the_next_ones(host: HostBench) -> None:
    _, link = offered(host)
    session_id = host.ledger.links[link].session_id
    host.handle(link_ev.PeerFailed(link, Reason.BAD_DESCRIPTION))
    connection, _ = host.asked()
    assert host.shown.session_id == session_id
    assert errors(host.say(connection, "{")) == ["bad_json"]
    host.handle(ev.Decide(session_id, approved=True, number=host.ledger.prompts[session_id].number))
    assert errors(host.say(connection, "{")) == ["bad_json"]


def test_a_try_that_breaks_on_our_side_is_given_back() -> None:
    """Otherwise the try would count as under way as long as the code lives, and everybody else
    would get `busy`.
    """
    breaks = [True]

    class Breaking(FakeSpake2):
        def __init__(
            self, password: bytes, side: Side, guest_identity: bytes, host_identity: bytes
        ) -> None:
            super().__init__(password, side, guest_identity, host_identity)
            if side is Side.HOST and breaks:
                breaks.pop()
                raise MemoryError

    host = HostBench(spake2=Breaking)
    host.listen()
    with pytest.raises(MemoryError):
        host.challenged(host.prover_of())
    # All tries are left.
    for _ in range(FAILURES_PER_ADDRESS):
        host.advance(1.0)
        assert attempt(host) is None
    assert attempt(host) is Reason.TOO_MANY_TRIES


def test_before_the_approval_such_a_message_is_only_refused(host: HostBench) -> None:
    guest = host.prove()
    assert errors(host.say(guest.connection, "{")) == ["bad_json"]
    assert host.approve(guest)


def test_too_many_right_ones_are_only_refused(host: HostBench) -> None:
    guest, _ = offered(host)
    for _ in range(int(ConnectionLimits().burst)):
        commands = host.say(guest.connection, guest.signal(CANDIDATE))
    assert errors(commands) == ["too_many"]


def test_the_hosts_own_signal_sent_back_ends_the_session(host: HostBench) -> None:
    guest, link = offered(host)
    (answer,) = sent(host.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp)))
    assert isinstance(answer, pair_msg.Signal)
    tampered(host, guest, answer)


def test_a_signal_of_another_run_ends_the_session(host: HostBench) -> None:
    other, link = approved(host)
    old = other.signal(OFFER)
    host.handle(ev.Disconnect(link))
    guest, _ = approved(host)
    tampered(host, guest, old)


def test_macs_are_those_of_each_guest_of_a_session_that_stays() -> None:
    bench = HostBench(ev.Invite(ev.SessionType.PERSISTENT))
    bench.listen()
    for number in range(3):
        guest, link = approved(bench)
        bench.says(
            guest.connection,
            guest.signal(OFFER),
            ...,
            link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, OFFER.sdp),
        )
        bench.handle(pair_ev.ConnectionLost(guest.connection))
        bench.advance(5)
        assert number or bench.ledger.invitation
    # Then comes a guest that cannot prove anything.
    stranger, session_id, _ = bench.approved()
    assert errors(bench.say(stranger, pair_msg.Signal(session_id, OFFER))) == []


def test_anothers_wrong_mac_ends_nothing(host: HostBench) -> None:
    guest, link = offered(host)
    other = host.connect()
    # The other socket gets `busy`, but it now has a name for that session.
    host.ask(other, host_code.CODE_SESSION_ID)
    assert errors(
        host.say(other, pair_msg.Signal(host_code.CODE_SESSION_ID, CANDIDATE, "A" * 43))
    ) == ["not_allowed"]
    assert host.say(guest.connection, guest.signal(CANDIDATE)) == [
        link_do.AddCandidate(link, pair_msg.Candidate(LINE))
    ]


def test_nothing_is_opened_before_the_person_decides(host: HostBench) -> None:
    guest = host.prove()
    commands = host.say(
        guest.connection, pair_msg.Signal(host_code.CODE_SESSION_ID, OFFER, "A" * 43)
    )
    assert errors(commands) == ["not_allowed"]
    assert not any(isinstance(command, link_do.OpenPeer) for command in commands)
    assert host.ledger.prompts


# --- a lost link ----------------------------------------------------------------------------------


def lost_by_proof(*, require_proof: bool = False) -> tuple[HostBench, ProofKeys]:
    """Return a host that lost the link of its proved guest, and the keys of that link."""
    bench = HostBench(require_proof=require_proof)
    bench.listen()
    guest = bench.prove()
    link = bench.approve(guest)
    bench.say(guest.connection, guest.signal(OFFER))
    bench.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp))
    bench.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    bench.handle(link_ev.PeerFailed(link, Reason.PEER_VANISHED))
    return bench, guest.agreed


def coming_back(bench: HostBench, keys: ProofKeys) -> Prove:
    target = JoinTarget(GUEST_ADDRESS, PORT, keys.resume_name())
    return Prove(bench.connect(), target, start_resumption(keys, PHONE, bench.prover))


@each_row("require_proof", [False, True])
def test_the_lost_guests_proof_is_answered_at_once(require_proof: bool) -> None:
    bench, keys = lost_by_proof(require_proof=require_proof)
    guest = coming_back(bench, keys)
    challenge = bench.challenged(guest)
    assert challenge.m == "resume"
    (answer,) = sent(bench.say(guest.connection, guest.confirm(challenge)))
    tag = tag_auth(guest.agreed.host_tag("approved"))
    assert answer == pair_msg.PairResult(keys.resume_name(), approved=True, auth=tag)
    assert bench.ledger.prompts == {}


def test_a_wrong_tag_leaves_the_place_free_and_costs_no_try_at_the_code() -> None:
    bench, keys = lost_by_proof()
    for _ in range(30):
        guest = coming_back(bench, keys)
        bench.challenged(guest)
        wrong = pair_msg.PairConfirm(keys.resume_name(), pair_msg.Auth(t="A" * 43))
        (answer,) = sent(bench.say(guest.connection, wrong))
        assert answer == pair_msg.PairResult(
            keys.resume_name(), approved=False, reason=Reason.NOT_VERIFIED
        )
    guest = coming_back(bench, keys)
    (answer,) = sent(bench.say(guest.connection, guest.confirm(bench.challenged(guest))))
    assert isinstance(answer, pair_msg.PairResult)
    assert answer.approved


def test_a_name_that_nobody_is_awaited_under_is_unknown() -> None:
    bench, keys = lost_by_proof()
    stranger = coming_back(bench, ProofKeys(b"", b"", b"", b""))
    name = stranger.target.session_id
    unknown = [pair_msg.PairResult(name, approved=False, reason=Reason.UNKNOWN_SESSION)]
    assert sent(bench.say(stranger.connection, stranger.request)) == unknown
    late = coming_back(bench, keys)
    confirm = late.confirm(bench.challenged(late))
    # The person gives the link up while the proof is under way.
    bench.handle(ev.Disconnect(bench.link))
    (answer,) = sent(bench.say(late.connection, confirm))
    assert isinstance(answer, pair_msg.PairResult)
    assert (answer.approved, answer.reason) == (False, "unknown_session")


def test_the_name_is_worth_nothing_by_another_method() -> None:
    bench, keys = lost_by_proof()
    name = keys.resume_name()
    for auth in (None, pair_msg.Auth(1, "psk", "A" * 43), pair_msg.Auth(1, "spake2", "A" * 44)):
        connection = bench.connect()
        unknown = [pair_msg.PairResult(name, approved=False, reason=Reason.UNKNOWN_SESSION)]
        assert sent(bench.say(connection, pair_msg.PairRequest(name, PHONE, auth))) == unknown
    connection = bench.connect()
    other_version = pair_msg.PairRequest(name, PHONE, pair_msg.Auth(2, "resume", "A" * 43))
    assert errors(bench.say(connection, other_version)) == ["bad_message"]
