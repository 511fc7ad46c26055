"""Tests of proxim.core.pairing.host: scripts about sockets, sessions, codes and networks, then
random events in any order.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

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
from proxim.core.errors import SENTENCES, MachineMisuseError, Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import TransferID
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices, host_code
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.connections import MAX_BAD_MESSAGES
from proxim.core.pairing.host import Host
from proxim.core.pairing.host_code import JoinTarget, parse_code, parse_target
from proxim.core.pairing.proof import ProofKeys, start_resumption
from proxim.core.pairing.session import SessionState
from tests.core.descriptions import ANSWER, LINE, OFFER, candidate_signal
from tests.core.files.file_steps import disk_answers, next_file_event, words_about_files
from tests.core.handed_in import (
    ETHERNET,
    GUEST_ADDRESS,
    HOST_DEVICE,
    IPV6,
    ONE_TIME,
    PHONE,
    PORT,
    WIFI,
    counting_bytes,
    hello,
)
from tests.core.in_commands import errors, published, reasons, sent
from tests.core.pairing.host_bench import HostBench, Prove, challenge_timer, refused, socket_timer
from tests.rows import each_row

SDP = OFFER.sdp
TEMPORARY = ev.Invite(ev.SessionType.TEMPORARY, 60.0)
PERSISTENT = ev.Invite(ev.SessionType.PERSISTENT)


def new_host() -> HostBench:
    """Return a host that shows a one-time code."""
    bench = HostBench()
    bench.listen()
    return bench


@pytest.fixture
def host() -> HostBench:
    return new_host()


def hosting(invite: ev.Invite) -> HostBench:
    bench = HostBench(invite)
    bench.listen()
    return bench


def result(
    session_id: str, reason: Reason | None = None, *, approved: bool = False
) -> pair_msg.PairResult:
    return pair_msg.PairResult(session_id, approved, reason)


def machine(bench: HostBench) -> Host:
    host = bench.program._host
    assert host is not None
    return host


def memory(bench: HostBench) -> tuple[int, int, int]:
    """Return how many sockets, sessions and secrets the host keeps."""
    host = machine(bench)
    return (
        len(host._guest_connections._sockets),
        len(host._sessions._sessions),
        len(host._sessions._secrets),
    )


def pending_timers(bench: HostBench) -> dict[ev.Timer, float]:
    """Return all timers except those of sockets alone."""
    return {
        timer: at
        for timer, at in bench.ledger.timers.items()
        if timer.name is not ev.TimerName.SOCKET
    }


# --- the code on the screen -----------------------------------------------------------------------


def test_the_first_network_brings_the_first_code() -> None:
    bench = HostBench()
    assert bench.handle(ev.NetworksSeen((ETHERNET, WIFI))) == [
        do.Listen("192.168.1.5"),
        do.Publish(st.Networks((ETHERNET, WIFI), "192.168.1.5")),
    ]
    timer, shown = bench.handle(ev.Listening("192.168.1.5", PORT))
    assert isinstance(shown, do.Publish)
    invitation = shown.status
    assert isinstance(invitation, st.Invitation)
    assert timer == do.SetTimer(ev.SessionTimer(ev.TimerName.SESSION, invitation.session_id), 900.0)
    assert (invitation.uuid, invitation.type) == (HOST_DEVICE.id, ev.SessionType.ONE_TIME)
    assert invitation.expires == bench.now + 900
    assert len(invitation.session_id) == 22
    assert invitation.code is not None
    code = parse_code(invitation.code)
    assert (str(code.address), code.port) == ("192.168.1.5", PORT)
    target = parse_target(invitation.url)
    assert (target.address, target.port, target.session_id) == (
        "192.168.1.5",
        PORT,
        invitation.session_id,
    )
    assert target.qr_secret is not None
    assert len(target.qr_secret) == 22


def test_an_ipv6_address_has_a_link_and_no_code() -> None:
    bench = HostBench()
    bench.listen(IPV6)
    assert bench.shown.code is None
    target = parse_target(bench.shown.url)
    assert ip_address(target.address) == ip_address("fe80::5%eth0")
    assert target.session_id == bench.shown.session_id


@each_row(
    "invite, seconds",
    [(ONE_TIME, 900.0), (ev.Invite(ev.SessionType.ONE_TIME, 30.0), 30.0), (TEMPORARY, 60.0)],
)
def test_a_code_that_expires_leaves_memory_and_a_fresh_one_is_shown(
    invite: ev.Invite, seconds: float
) -> None:
    bench = hosting(invite)
    first = bench.shown
    assert bench.advance(seconds - 0.1) == []
    cancel, timer, shown = bench.advance(0.1)
    second = bench.shown
    assert cancel == do.CancelTimer(ev.SessionTimer(ev.TimerName.SESSION, first.session_id))
    assert timer == do.SetTimer(ev.SessionTimer(ev.TimerName.SESSION, second.session_id), seconds)
    assert shown == do.Publish(second)
    assert (second.type, second.expires) == (invite.type, bench.now + seconds)
    assert second.session_id != first.session_id
    assert second.code != first.code
    assert memory(bench) == (0, 1, 1)
    assert sent(bench.ask(bench.connect(), first.session_id)) == [
        result(first.session_id, Reason.UNKNOWN_SESSION)
    ]


def test_a_persistent_code_never_expires() -> None:
    bench = hosting(PERSISTENT)
    shown = bench.shown
    assert shown.expires is None
    assert bench.advance(10**6) == []
    assert bench.shown == shown


def test_invite_ends_the_session_shown_and_shows_another(host: HostBench) -> None:
    first = host.shown
    commands = host.handle(TEMPORARY)
    second = host.shown
    assert commands == [
        do.CancelTimer(ev.SessionTimer(ev.TimerName.SESSION, first.session_id)),
        do.SetTimer(ev.SessionTimer(ev.TimerName.SESSION, second.session_id), 60.0),
        do.Publish(second),
    ]
    assert second.type is ev.SessionType.TEMPORARY
    assert memory(host) == (0, 1, 1)


def test_invite_rejects_whoever_asks_by_the_code_shown(host: HostBench) -> None:
    guest, session_id = host.asked()
    commands = host.handle(ONE_TIME)
    assert sent(commands) == [result(session_id, Reason.CLOSED)]
    assert published(commands) == [
        st.PairOutcome(session_id, approved=False, reason=Reason.CLOSED),
        st.Prompts(),
        host.shown,
    ]
    assert ev.SessionTimer(ev.TimerName.APPROVAL, session_id) not in host.ledger.timers
    # The same socket may ask by the new code.
    host.ask(guest)
    assert list(host.ledger.prompts) == [host.shown.session_id]


def test_invite_leaves_whoever_is_linked_alone(host: HostBench) -> None:
    _, first, link = host.linked()
    assert host.ledger.invitation is None
    host.handle(ONE_TIME)
    assert host.shown.session_id != first
    assert host.ledger.links[link].stage is st.Stage.CONNECTED
    # A second guest links beside the first.
    host.linked()
    assert host.ledger.invitation is None
    assert len(host.ledger.links) == 2


def test_invite_without_a_network_takes_effect_when_there_is_one() -> None:
    bench = HostBench()
    bench.on(TEMPORARY)
    bench.listen()
    before = bench.shown
    assert before.type is ev.SessionType.TEMPORARY
    bench.handle(ev.NetworksSeen(()))
    bench.handle(PERSISTENT)
    # The session that was shown until then has ended, though nobody saw its code.
    assert memory(bench) == (
        0,
        0,
        0,
    )
    bench.listen()
    after = bench.shown
    assert after.type is ev.SessionType.PERSISTENT
    assert after.session_id != before.session_id


def test_the_code_goes_away_when_its_guest_is_approved_and_comes_back_fresh(
    host: HostBench,
) -> None:
    first = host.shown
    _, session_id = host.asked()
    # The code stays, because the prompt may be the wrong guest's.
    assert host.shown == first
    commands = host.handle(ev.Decide(session_id, approved=True))
    assert commands[-1] == do.Publish(st.NoInvitation(None))
    link = host.link
    host.handle(ev.Disconnect(link))
    assert host.shown.session_id != first.session_id
    assert memory(host) == (1, 1, 1)


def test_a_failed_attempt_leaves_the_same_code_usable_also_beside_another_guest(
    host: HostBench,
) -> None:
    host.linked()
    host.handle(ONE_TIME)
    second = host.shown
    _, _, link = host.answered()
    assert host.ledger.invitation is None
    host.handle(link_ev.PeerFailed(link, Reason.ICE_FAILED))
    assert host.shown == second
    host.linked()


def test_a_second_code_that_expires_beside_a_linked_guest_is_renewed(host: HostBench) -> None:
    host.linked()
    host.handle(TEMPORARY)
    before = host.shown
    host.advance(60)
    assert host.shown.session_id != before.session_id


def test_no_code_comes_by_itself_while_another_guest_is_linked(host: HostBench) -> None:
    _, _, first = host.linked()
    host.handle(ONE_TIME)
    _, _, second = host.linked()
    host.handle(ev.Disconnect(second))
    assert host.ledger.invitation is None
    host.handle(ev.Disconnect(first))
    assert host.ledger.invitation is not None


def test_a_persistent_code_is_shown_again_after_its_guest_left_and_the_guest_may_come_back() -> (
    None
):
    bench = hosting(PERSISTENT)
    shown = bench.shown
    guest, session_id, link = bench.linked()
    commands = bench.handle(
        link_ev.ChannelMessage(link, 1, link_msg.dump_link_message(link_msg.Bye()))
    )
    assert commands[-2:] == [pair_do.CloseConnection(guest), do.Publish(shown)]
    bench.handle(pair_ev.ConnectionLost(guest))
    assert bench.linked()[1] == session_id
    assert memory(bench) == (1, 1, 1)


# --- networks -------------------------------------------------------------------------------------


def test_another_rank_of_the_same_addresses_changes_no_code(host: HostBench) -> None:
    assert host.handle(ev.NetworksSeen((WIFI, ETHERNET))) == [
        do.Publish(st.Networks((WIFI, ETHERNET), ETHERNET.address))
    ]


def test_an_address_that_disappears_moves_the_same_session_to_the_next(host: HostBench) -> None:
    before = host.shown
    assert host.handle(ev.NetworksSeen((WIFI,))) == [
        do.Listen(WIFI.address),
        do.Publish(st.Networks((WIFI,), WIFI.address)),
        do.Publish(st.Trouble(Problem(Reason.NETWORK_CHANGED))),
    ]
    commands = host.handle(ev.Listening(WIFI.address, PORT))
    assert commands == [do.Publish(host.shown)]
    assert host.shown.session_id == before.session_id
    assert host.shown.code != before.code
    assert parse_target(host.shown.url).address == WIFI.address


def test_a_network_that_goes_takes_the_code_away_and_brings_it_back(host: HostBench) -> None:
    before = host.shown
    host.on(
        ev.NetworksSeen(()),
        do.StopListening(),
        do.Publish(st.Networks((), None)),
        do.Publish(st.NoInvitation(Reason.NO_NETWORK)),
    )
    host.on(ev.NetworksSeen(()), do.StopListening(), do.Publish(st.Networks((), None)))
    host.on(
        ev.NetworksSeen((ETHERNET,)),
        do.Listen(ETHERNET.address),
        do.Publish(st.Networks((ETHERNET,), ETHERNET.address)),
    )
    host.on(ev.Listening(ETHERNET.address, PORT), do.Publish(before))


def test_a_session_that_expires_while_there_is_no_network_comes_back_fresh(host: HostBench) -> None:
    before = host.shown
    host.handle(ev.NetworksSeen(()))
    assert published(host.advance(900)) == []
    assert memory(host) == (0, 0, 0)
    host.listen()
    assert host.shown.session_id != before.session_id


def test_the_network_goes_and_comes_back_while_a_guest_is_linked(host: HostBench) -> None:
    host.linked()
    host.handle(ev.NetworksSeen(()))
    host.handle(ev.NetworksSeen((ETHERNET,)))
    # No code is shown because a guest has the session, so "no network" is out of date.
    host.on(ev.Listening(ETHERNET.address, PORT), do.Publish(st.NoInvitation(None)))


def test_a_guest_that_joins_while_the_server_moves_takes_the_code_away(host: HostBench) -> None:
    _, session_id = host.asked()
    host.handle(ev.NetworksSeen((WIFI,)))
    assert host.handle(ev.Decide(session_id, approved=True))[-1] == do.Publish(
        st.NoInvitation(None)
    )


def test_the_person_chooses_a_network() -> None:
    bench = HostBench()
    bench.listen(ETHERNET, WIFI)
    before = bench.shown
    bench.on(
        ev.ChooseNetwork(WIFI.address),
        do.Listen(WIFI.address),
        do.Publish(st.Networks((ETHERNET, WIFI), WIFI.address)),
    )
    bench.handle(ev.Listening(WIFI.address, PORT))
    assert bench.shown.session_id == before.session_id
    assert bench.shown.url != before.url
    bench.on(ev.ChooseNetwork(WIFI.address))


def test_the_chosen_network_is_left_when_it_goes_and_taken_again_when_it_is_back() -> None:
    bench = HostBench(preferred=WIFI.address)
    bench.listen(ETHERNET, WIFI)
    assert bench.ledger.listening == WIFI.address
    bench.listen(ETHERNET)
    assert bench.ledger.listening == ETHERNET.address
    commands = bench.listen(ETHERNET, WIFI)
    assert bench.ledger.listening == WIFI.address
    assert reasons(commands) == [Reason.NETWORK_CHANGED]
    assert parse_target(bench.shown.url).address == WIFI.address


def test_an_address_that_is_gone_cannot_be_chosen(host: HostBench) -> None:
    assert host.handle(ev.ChooseNetwork(WIFI.address)) == [
        do.Publish(st.Trouble(Problem(Reason.ADDRESS_GONE)))
    ]
    assert host.ledger.listening == ETHERNET.address


def test_an_address_that_cannot_be_listened_on_is_named_and_no_code_is_shown() -> None:
    bench = HostBench()
    bench.handle(ev.NetworksSeen((ETHERNET,)))
    bench.on(
        ev.ListenFailed(ETHERNET.address, Reason.PORT_TAKEN, "port 47800"),
        do.Publish(st.Networks((ETHERNET,), None)),
        do.Publish(st.Trouble(Problem(Reason.PORT_TAKEN, "port 47800"))),
        do.Publish(st.NoInvitation(Reason.PORT_TAKEN)),
    )
    # The host tries again when the person chooses the network or when the networks change.
    bench.on(ev.ChooseNetwork(ETHERNET.address), do.Listen(ETHERNET.address), ...)
    bench.handle(ev.ListenFailed(ETHERNET.address, Reason.PORT_TAKEN, "port 47800"))
    bench.on(ev.NetworksSeen((ETHERNET, WIFI)), do.Listen(ETHERNET.address), ...)
    bench.handle(ev.Listening(ETHERNET.address, PORT))
    assert bench.shown


def test_answers_about_an_address_that_is_no_longer_wanted_are_ignored() -> None:
    bench = HostBench()
    bench.handle(ev.NetworksSeen((ETHERNET, WIFI)))
    bench.handle(ev.ChooseNetwork(WIFI.address))
    bench.on(ev.Listening(ETHERNET.address, PORT))
    bench.on(ev.ListenFailed(ETHERNET.address, Reason.ADDRESS_GONE))
    bench.handle(ev.Listening(WIFI.address, PORT))
    assert parse_target(bench.shown.url).address == WIFI.address


def test_the_code_follows_the_port(host: HostBench) -> None:
    before = host.shown
    assert host.handle(ev.Listening(ETHERNET.address, PORT)) == []
    assert host.handle(ev.Listening(ETHERNET.address, PORT + 1)) == [do.Publish(host.shown)]
    assert host.shown.session_id == before.session_id
    assert parse_target(host.shown.url).port == PORT + 1


# --- requests -------------------------------------------------------------------------------------


@each_row("by_code", [False, True])
def test_from_request_to_link(by_code: bool) -> None:
    host = new_host()
    session_id = host.shown.session_id
    name = host_code.CODE_SESSION_ID if by_code else session_id
    guest = host.connect()
    prompt = st.Prompt(session_id, PHONE, GUEST_ADDRESS, None, host.now + 40, number=1)
    assert host.ask(guest, name) == [
        do.SetTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id), 40.0),
        do.Publish(prompt),
        do.Publish(st.Prompts((prompt,))),
    ]
    approved = host.handle(ev.Decide(session_id, approved=True))
    link = host.link
    status = st.LinkStatus(
        link, session_id, st.Stage.APPROVED, peer_name="Phone", peer_address=GUEST_ADDRESS
    )
    assert approved == [
        do.CancelTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id)),
        pair_do.Send(guest, result(name, approved=True)),
        do.Publish(st.PairOutcome(session_id, approved=True)),
        do.Publish(status),
        link_do.OpenPeer(link, offerer=False),
        do.SetTimer(ev.LinkTimer(ev.TimerName.LINK_OPEN, link), 15.0),
        do.Publish(st.Prompts()),
        do.Publish(st.NoInvitation(None)),
    ]
    # "@code" stays this session's name on this socket, even if another code is shown by then.
    host.handle(ONE_TIME)
    host.says(
        guest,
        pair_msg.Signal(name, OFFER),
        do.Publish(replace(status, stage=st.Stage.CONNECTING)),
        link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, OFFER.sdp),
    )
    host.on(
        link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp),
        pair_do.Send(
            guest, pair_msg.Signal(name, pair_msg.Description(ANSWER.sdp, pair_msg.SDPType.ANSWER))
        ),
    )
    host.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    assert host.ledger.links[link].stage is st.Stage.CONNECTED


@each_row(
    "payload",
    [
        {"sdp": SDP},
        {"sdp": SDP, "type": "offer"},
        {"sdp": {"type": "offer", "sdp": SDP}},
        {"sdp": SDP, "later": True},
    ],
)
def test_the_offer_of_a_client_that_knows_only_the_seed_or_a_browser(payload: object) -> None:
    host = new_host()
    guest, session_id, link = host.approved()
    text = json.dumps({"type": "signal", "sessionID": session_id, "payload": payload})
    assert host.say(guest, text)[-1] == link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, SDP)


@each_row(
    "payload, line",
    [
        ({"candidate": LINE}, LINE),
        ({"candidate": LINE, "sdpMid": "0", "sdpMLineIndex": 0}, LINE),
        ({"candidate": {"candidate": LINE, "sdpMid": "0"}}, LINE),
        ({"candidate": ""}, ""),
        ({"candidate": None}, ""),
        ({"candidate": {"candidate": ""}}, ""),
        ({"candidate": {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}}, ""),
    ],
)
def test_the_candidates_of_a_client_that_knows_only_the_seed_or_a_browser(
    payload: object, line: str
) -> None:
    host = new_host()
    guest, session_id, link = host.approved()
    host.say(guest, pair_msg.Signal(session_id, pair_msg.Description(SDP)))
    text = json.dumps({"type": "signal", "sessionID": session_id, "payload": payload})
    assert host.say(guest, text) == [link_do.AddCandidate(link, pair_msg.Candidate(line))]


def test_the_seeds_own_request_is_enough(host: HostBench) -> None:
    text = f"""{{
      "type": "pair_request",
      "sessionID": "{host.shown.session_id}",
      "deviceInfo": {{ "name": "Client-PC-123", "id": "device-xyz" }}
    }}"""
    (_, prompt, _) = host.say(host.connect(), text)
    device = devices.DeviceInfo("Client-PC-123", "device-xyz")
    assert prompt == do.Publish(
        st.Prompt(host.shown.session_id, device, GUEST_ADDRESS, None, host.now + 40, number=1)
    )


def test_a_rejected_guest_may_ask_again_and_so_may_the_right_one(host: HostBench) -> None:
    guest, session_id = host.asked()
    commands = host.handle(ev.Decide(session_id, approved=False))
    assert sent(commands, guest) == [result(session_id, Reason.DECLINED)]
    assert published(commands) == [
        st.PairOutcome(session_id, approved=False, reason=Reason.DECLINED),
        st.Prompts(),
    ]
    assert host.shown.session_id == session_id
    # Without a proof its prompt is not shown again, neither for that socket nor for another of its
    # address.
    assert host.ask(guest) == [pair_do.Send(guest, result(session_id, Reason.DECLINED))]
    assert sent(host.ask(host.connect())) == [result(session_id, Reason.DECLINED)]
    right = host.connect("192.168.1.10")
    assert isinstance(published(host.ask(right))[0], st.Prompt)
    assert sent(host.ask(host.connect("192.168.1.11"))) == [result(session_id, Reason.BUSY)]
    host.handle(pair_ev.ConnectionLost(right))
    host.prove()
    assert host.ledger.prompts[session_id].verified is devices.Verified.CODE


def test_a_fifth_request_without_proof_is_declined_unseen_and_its_address_muted() -> None:
    host = hosting(PERSISTENT)
    session_ids = []
    for _ in range(5):
        _, session_id, link = host.linked()
        # The session whose guest left can be joined again, beside the code that is shown then.
        bye = link_msg.dump_link_message(link_msg.Bye())
        host.handle(PERSISTENT)
        host.handle(link_ev.ChannelMessage(link, 1, bye))
        session_ids.append(session_id)
    before = len(host.ledger.statuses)
    guests = [host.connect(f"192.168.1.{20 + number}") for number in range(5)]
    for guest, session_id in zip(guests[:4], session_ids[:4], strict=True):
        assert sent(host.ask(guest, session_id)) == []
    to_ask = host.ledger.to_ask
    assert [one.session_id for one in (*to_ask.shown, *to_ask.queued)] == session_ids[:4]
    assert len(to_ask.shown) == 1
    assert len(host.ledger.statuses) == before + 8

    fifth, last = guests[4], session_ids[4]
    commands = host.ask(fifth, last)
    assert sent(commands, fifth) == [result(last, Reason.DECLINED)]
    asked, outcome = published(commands)
    # Every request is published, because scripts need all of them.
    assert isinstance(asked, st.Prompt)
    assert outcome == st.PairOutcome(last, approved=False, reason=Reason.DECLINED, surplus=True)
    assert host.ledger.to_ask == to_ask
    # No person is asked about it again without a proof, though there is room.
    host.handle(pair_ev.ConnectionLost(guests[0]))
    assert host.ask(fifth, last) == [pair_do.Send(fifth, result(last, Reason.DECLINED))]
    # A script's answer that names no request may be meant for the declined one.
    other = host.connect("192.168.1.30")
    host.ask(other, last)
    assert host.ledger.prompts[last].number == 3
    late = do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE)))
    host.on(ev.Decide(last, approved=True), late)
    host.on(ev.Decide(last, approved=True, number=asked.number), late)


def test_one_that_proved_itself_is_asked_about_before_those_that_wait() -> None:
    host = hosting(PERSISTENT)
    _, session_id, link = host.linked()
    host.handle(PERSISTENT)
    host.handle(link_ev.ChannelMessage(link, 1, link_msg.dump_link_message(link_msg.Bye())))
    host.ask(host.connect("192.168.1.20"), session_id)
    (waiting,) = host.ledger.to_ask.shown
    host.prove()
    proved = host.ledger.prompts[host.shown.session_id]
    assert host.ledger.to_ask == st.Prompts((proved,), (waiting,))
    host.handle(ev.Decide(proved.session_id, approved=False, number=proved.number))
    assert host.ledger.to_ask == st.Prompts((waiting,))


def test_at_the_end_nobody_is_asked_about_any_more(host: HostBench) -> None:
    host.asked()
    assert host.ledger.to_ask.shown
    assert st.Prompts() in published(host.handle(ev.Shutdown()))


def test_nobody_answers_for_40_seconds(host: HostBench) -> None:
    guest, session_id = host.asked()
    assert host.advance(39.9) == []
    assert host.advance(0.1) == [
        do.CancelTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id)),
        pair_do.Send(guest, result(session_id, Reason.TIMEOUT)),
        do.Publish(st.PairOutcome(session_id, approved=False, reason=Reason.TIMEOUT)),
        do.Publish(st.Prompts()),
    ]
    assert reasons(host.handle(ev.Decide(session_id, approved=True))) == [Reason.PROMPT_GONE]
    assert host.ledger.links == {}


def test_a_guest_that_leaves_takes_its_prompt_along(host: HostBench) -> None:
    guest, session_id = host.asked()
    assert host.handle(pair_ev.ConnectionLost(guest)) == [
        do.CancelTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id)),
        do.Publish(st.PairOutcome(session_id, approved=False, reason=Reason.GUEST_LEFT)),
        do.Publish(st.Prompts()),
    ]
    assert reasons(host.handle(ev.Decide(session_id, approved=True))) == [Reason.PROMPT_GONE]
    assert memory(host) == (0, 1, 1)


def test_the_15_minutes_pass_while_a_guest_asks(host: HostBench) -> None:
    before = host.shown
    host.advance(880)
    guest, session_id = host.asked()
    commands = host.advance(20)
    assert sent(commands, guest) == [result(session_id, Reason.EXPIRED)]
    assert published(commands) == [
        st.PairOutcome(session_id, approved=False, reason=Reason.EXPIRED),
        st.Prompts(),
        host.shown,
    ]
    assert host.shown.session_id != before.session_id
    # Its 40 seconds ended with it.
    assert host.advance(39) == []
    assert errors(host.say(guest, candidate_signal(session_id))) == ["not_allowed"]


@each_row("session_id", ["abc123", "", "@CODE", "guest-1"])
def test_an_unknown_session_is_told_so(session_id: str) -> None:
    host = new_host()
    guest = host.connect()
    assert host.say(guest, pair_msg.PairRequest(session_id, PHONE)) == [
        pair_do.Send(guest, result(session_id, Reason.UNKNOWN_SESSION))
    ]
    # The guest may ask for another session.
    assert isinstance(published(host.ask(guest))[0], st.Prompt)


def test_a_decision_about_an_unknown_session_comes_too_late(host: HostBench) -> None:
    assert host.handle(ev.Decide("abc123", approved=True)) == [
        do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE)))
    ]


@each_row("by_code", [False, True])
@each_row("stage", ["asked", "approved", "answered", "linked"])
def test_a_second_guest_is_told_busy_by_code_too(stage: str, by_code: bool) -> None:
    host = new_host()
    session_id = host.shown.session_id
    getattr(host, stage)()
    second = host.connect()
    name = host_code.CODE_SESSION_ID if by_code else session_id
    assert host.ask(second, name) == [pair_do.Send(second, result(name, Reason.BUSY))]


def test_no_code_and_nobody_to_be_busy_with_is_an_unknown_session(host: HostBench) -> None:
    host.linked()
    host.handle(ONE_TIME)
    _, _, second = host.linked()
    host.handle(ev.Disconnect(second))
    guest = host.connect()
    assert sent(host.ask(guest, host_code.CODE_SESSION_ID)) == [
        result(host_code.CODE_SESSION_ID, Reason.UNKNOWN_SESSION)
    ]


@each_row("stage", ["asked", "approved", "answered", "linked"])
def test_a_guest_asks_once_so_that_no_name_changes_under_the_dialog(stage: str) -> None:
    host = new_host()
    guest, session_id, *_ = getattr(host, stage)()
    before = dict(host.ledger.prompts)
    again = pair_msg.PairRequest(session_id, devices.DeviceInfo("Boss", "other"))
    assert host.say(guest, again) == [refused(guest, Reason.NOT_ALLOWED)]
    assert host.ledger.prompts == before


# --- signals --------------------------------------------------------------------------------------


def test_a_signal_before_approval_is_refused_and_changes_nothing(host: HostBench) -> None:
    guest = host.connect()
    session_id = host.shown.session_id
    host.says(guest, pair_msg.Signal(session_id, OFFER), refused(guest, Reason.NOT_ALLOWED))
    host.ask(guest)
    prompts = dict(host.ledger.prompts)
    host.says(
        guest, pair_msg.Signal(session_id, OFFER), refused(guest, Reason.NOT_ALLOWED, session_id)
    )
    assert host.ledger.prompts == prompts
    host.handle(ev.Decide(session_id, approved=True))
    assert isinstance(
        host.say(guest, pair_msg.Signal(session_id, OFFER))[-1], link_do.ApplyDescription
    )


def test_a_signal_with_anothers_session_is_refused(host: HostBench) -> None:
    guest, session_id, _ = host.approved()
    host.handle(ONE_TIME)
    other, other_id, _ = host.approved()
    for name in (other_id, host_code.CODE_SESSION_ID, "abc123"):
        host.says(guest, pair_msg.Signal(name, OFFER), refused(guest, Reason.NOT_ALLOWED))
    for name in (session_id, host_code.CODE_SESSION_ID):
        host.says(other, pair_msg.Signal(name, OFFER), refused(other, Reason.NOT_ALLOWED))
    stranger = host.connect()
    host.says(stranger, pair_msg.Signal(session_id, OFFER), refused(stranger, Reason.NOT_ALLOWED))


def test_a_guest_that_was_told_busy_signals_in_vain(host: HostBench) -> None:
    _, session_id, _ = host.approved()
    second = host.connect()
    host.ask(second, session_id)
    assert host.say(second, pair_msg.Signal(session_id, OFFER)) == [
        refused(second, Reason.NOT_ALLOWED, session_id)
    ]


def test_a_second_offer_and_an_answer_are_refused(host: HostBench) -> None:
    guest, session_id, _ = host.answered()
    for payload in (
        OFFER,
        pair_msg.Description(SDP),
        pair_msg.Description(SDP, pair_msg.SDPType.ANSWER),
    ):
        assert host.say(guest, pair_msg.Signal(session_id, payload)) == [
            refused(guest, Reason.NOT_ALLOWED, session_id)
        ]


@each_row("ending", [ONE_TIME, None])
def test_a_rejected_guest_that_signals_after_its_session_ended_is_refused(
    ending: ev.Invite | None,
) -> None:
    host = new_host()
    host.advance(880)
    guest, session_id = host.asked()
    host.handle(ev.Decide(session_id, approved=False))
    if ending:
        host.handle(ending)
    else:
        host.advance(20)
    host.says(guest, pair_msg.Signal(session_id, OFFER), refused(guest, Reason.NOT_ALLOWED))


def test_what_crosses_the_end_of_a_session_is_ignored(host: HostBench) -> None:
    guest, session_id, link = host.answered()
    host.handle(ev.Disconnect(link))
    host.says(guest, candidate_signal(session_id))
    host.says(guest, pair_msg.PairRequest(session_id, PHONE))
    host.says(guest, "rubbish")
    host.on(pair_ev.FrameRefused(guest, Reason.BAD_MESSAGE))
    host.on(pair_ev.ConnectionLost(guest))
    assert memory(host) == (0, 1, 1)


# --- wrong messages -------------------------------------------------------------------------------

WRONG: list[tuple[str, Reason]] = [
    ("", Reason.BAD_JSON),
    ("{", Reason.BAD_JSON),
    ("[]", Reason.BAD_JSON),
    ('{"type":"pair_request","type":"signal"}', Reason.BAD_JSON),
    ("{}", Reason.BAD_MESSAGE),
    ('{"type":5}', Reason.BAD_MESSAGE),
    (
        '{"type":"pair_request","sessionID":5,"deviceInfo":{"name":"a","id":"b"}}',
        Reason.BAD_MESSAGE,
    ),
    ('{"type":"pair_request","sessionID":"x","deviceInfo":"y"}', Reason.BAD_MESSAGE),
    ('{"type":"signal","sessionID":"x","payload":{}}', Reason.BAD_MESSAGE),
    ('{"type":"signal","sessionID":"x","payload":{"sdp":"a","candidate":"b"}}', Reason.BAD_MESSAGE),
    ('{"type":"hello"}', Reason.UNKNOWN_TYPE),
    ("x" * (pair_msg.MAX_MESSAGE_BYTES + 1), Reason.TOO_LARGE),
]
OF_THE_HOST: list[pair_msg.Message] = [
    pair_msg.PairPrompt("x", PHONE),
    pair_msg.PairResponse("x", approved=True),
    pair_msg.PairResult("x", approved=True),
    pair_msg.PairChallenge("x", pair_msg.Auth()),
    pair_msg.PairConfirm("x", pair_msg.Auth()),
    pair_msg.ErrorMessage("bad_json", "?"),
    pair_msg.SessionEnded("x", "closed"),
]


@each_row("stage", ["connect", "asked", "approved", "answered", "linked"])
@each_row("text, reason", WRONG)
def test_each_wrong_message_gets_its_error_and_nothing_else_changes(
    stage: str, text: str, reason: Reason
) -> None:
    host = new_host()
    made = getattr(host, stage)()
    guest = made[0] if isinstance(made, tuple) else made
    before = (
        pending_timers(host),
        dict(host.ledger.prompts),
        dict(host.ledger.links),
        memory(host),
    )
    expected = pair_do.Send(guest, pair_msg.ErrorMessage(reason.value, SENTENCES[reason]))
    assert host.say(guest, text) == [expected]
    assert (pending_timers(host), host.ledger.prompts, host.ledger.links, memory(host)) == before


@each_row("message", OF_THE_HOST)
@each_row("stage", ["connect", "asked", "linked"])
def test_no_socket_ever_becomes_host(stage: str, message: pair_msg.Message) -> None:
    host = new_host()
    made = getattr(host, stage)()
    guest = made[0] if isinstance(made, tuple) else made
    prompts = dict(host.ledger.prompts)
    message = replace(message, session_id=host.shown.session_id if prompts else "x")
    assert host.say(guest, message) == [refused(guest, Reason.NOT_ALLOWED)]
    assert host.ledger.prompts == prompts


def test_a_frame_that_is_no_text_is_refused(host: HostBench) -> None:
    guest = host.connect()
    assert host.handle(pair_ev.FrameRefused(guest, Reason.BAD_MESSAGE)) == [
        refused(guest, Reason.BAD_MESSAGE)
    ]


def test_five_wrong_messages_close_the_socket(host: HostBench) -> None:
    assert MAX_BAD_MESSAGES == 5
    guest = host.connect()
    wrong = [
        "rubbish",
        pair_msg.dump_message(pair_msg.PairResponse("x", approved=True)),
        pair_msg.dump_message(candidate_signal("x")),
        "{}",
    ]
    for text in wrong:
        assert len(host.say(guest, text)) == 1
    host.on(
        pair_ev.FrameRefused(guest, Reason.BAD_MESSAGE),
        refused(guest, Reason.BAD_MESSAGE),
        refused(guest, Reason.TOO_MANY),
        pair_do.CloseConnection(guest, pair_msg.CloseCode.BAD_MESSAGES),
    )
    assert pair_msg.CloseCode.BAD_MESSAGES.value == 4400
    # Valid messages come too late now, too.
    host.says(guest, pair_msg.PairRequest(host.shown.session_id, PHONE))
    host.handle(pair_ev.ConnectionLost(guest))
    assert memory(host) == (0, 1, 1)


def test_refused_signals_count_as_wrong_and_closing_takes_the_prompt_along(host: HostBench) -> None:
    guest, session_id = host.asked()
    for _ in range(4):
        host.says(
            guest, candidate_signal(session_id), refused(guest, Reason.NOT_ALLOWED, session_id)
        )
    host.says(
        guest,
        candidate_signal(session_id),
        refused(guest, Reason.NOT_ALLOWED, session_id),
        refused(guest, Reason.TOO_MANY),
        pair_do.CloseConnection(guest, pair_msg.CloseCode.BAD_MESSAGES),
        do.CancelTimer(ev.SessionTimer(ev.TimerName.APPROVAL, session_id)),
        do.Publish(st.PairOutcome(session_id, approved=False, reason=Reason.GUEST_LEFT)),
        do.Publish(st.Prompts()),
    )
    host.on(pair_ev.ConnectionLost(guest))


def test_wrong_messages_of_one_are_not_held_against_another(host: HostBench) -> None:
    guests = [host.connect() for _ in range(3)]
    for _ in range(4):
        for guest in guests:
            assert errors(host.say(guest, "rubbish")) == ["bad_json"]


def test_an_open_link_survives_the_closing_of_its_socket(host: HostBench) -> None:
    guest, _, link = host.linked()
    for _ in range(5):
        host.say(guest, "rubbish")
    host.handle(pair_ev.ConnectionLost(guest))
    assert published(host.handle(ev.SendText(link, "hi")))[-1:]
    assert host.ledger.links[link].stage is st.Stage.CONNECTED


# --- links ----------------------------------------------------------------------------------------


def test_a_link_that_does_not_open_within_15_seconds(host: HostBench) -> None:
    shown = host.shown
    guest, session_id, link = host.answered()
    assert host.advance(14.9) == []
    commands = host.advance(0.1)
    assert sent(commands, guest) == [
        pair_msg.ErrorMessage("link_timeout", SENTENCES[Reason.LINK_TIMEOUT], session_id),
    ]
    assert pair_do.CloseConnection(guest, pair_msg.CloseCode.LINK_FAILED) in commands
    assert link_do.ClosePeer(link) in commands
    # The same code is usable again.
    assert commands[-1] == do.Publish(shown)
    host.handle(pair_ev.ConnectionLost(guest))
    host.linked()


def test_late_events_of_a_closed_link_are_ignored(host: HostBench) -> None:
    _, _, link = host.answered()
    host.advance(15)
    for event in (
        link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, "v=0"),
        link_ev.ChannelMessage(link, 1, "x"),
        link_ev.PeerFailed(link, Reason.ICE_FAILED),
        ev.Disconnect(link),
    ):
        assert host.handle(event) == []
    assert (
        host.program.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL), host.now) == []
    )
    told = st.Trouble(Problem(Reason.NOT_CONNECTED), link)
    assert host.handle(ev.SendText(link, "x")) == [do.Publish(told)]


def test_texts_reach_the_link_they_are_meant_for(host: HostBench) -> None:
    _, _, first = host.linked()
    host.handle(ONE_TIME)
    _, _, second = host.linked()
    for link in (first, second):
        (command, told) = host.handle(ev.SendText(link, "hi"))
        assert getattr(command, "link", None) == link
        assert isinstance(told, do.Publish)


def test_a_link_carries_the_name_that_the_host_has_when_it_is_approved(host: HostBench) -> None:
    _, session_id = host.asked()
    host.handle(ev.Rename("New name"))
    host.handle(ev.Decide(session_id, approved=True))
    link = host.link
    host.say(ev.ConnectionID(1), pair_msg.Signal(session_id, OFFER))
    host.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, "v=0"))
    commands = host.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    assert link_msg.dump_link_message(hello("New name")) in [
        getattr(command, "text", None) for command in commands
    ]


# --- the end, and misuse --------------------------------------------------------------------------


def test_shutdown_says_goodbye_to_everybody(host: HostBench) -> None:
    _, _, link = host.linked()
    host.handle(ONE_TIME)
    asking, asked_id = host.asked()
    commands = host.handle(ev.Shutdown())
    assert commands[-1] == do.StopListening()
    assert sent(commands, asking) == [result(asked_id, Reason.CLOSED)]
    assert link_do.ClosePeer(link, said_bye=True) in commands
    host.ledger.at_rest()
    assert host.ledger.timers == {}
    assert memory(host)[1:] == (0, 0)


@each_row(
    "timer",
    [
        timer
        for name in ev.TimerName
        for timer in (
            ev.SocketTimer(name, ev.ConnectionID(99)),
            ev.SessionTimer(name, "abc123"),
            ev.LinkTimer(name, ev.LinkID("abc123")),
        )
    ],
)
def test_a_timer_of_nothing_is_misuse(timer: ev.Timer) -> None:
    host = new_host()
    with pytest.raises(MachineMisuseError):
        machine(host).handle(ev.TimerFired(timer), host.now)


def test_an_event_of_a_socket_that_never_opened_is_misuse(host: HostBench) -> None:
    stranger = ev.ConnectionID(99)
    for event in (
        pair_ev.FrameReceived(stranger, "{}"),
        pair_ev.FrameRefused(stranger, Reason.BAD_MESSAGE),
        pair_ev.ConnectionLost(stranger),
    ):
        with pytest.raises(MachineMisuseError):
            machine(host).handle(event, host.now)


def test_an_event_at_the_wrong_stage_of_a_link_is_misuse(host: HostBench) -> None:
    _, _, link = host.approved()
    with pytest.raises(MachineMisuseError):
        host.program.handle(link_ev.ChannelMessage(link, 1, "{}"), host.now)


# --- anything in any order ------------------------------------------------------------------------

NETWORKS = (ETHERNET, WIFI, IPV6, ev.Network("10.0.0.7", 8, "tun0", virtual=True))
peers_text: strategies.SearchStrategy[link_msg.LinkMessage] = strategies.sampled_from(
    [
        hello("Phone"),
        link_text.TextPiece("hi"),
        link_text.TextPiece("part", more=True),
        link_msg.Bye(),
        link_msg.Bye("expired"),
    ]
)


class Sniffed(ProofKeys):
    """What a sniffer has of a proof: the name for the guest's return, which is sent in clear,
    but not the secret.
    """

    def __init__(self, keys: ProofKeys) -> None:
        self._heard = keys.resume_name()

    def resume_name(self) -> str:
        return self._heard

    def resume_secret(self) -> bytes:
        return bytes(32)


class AnyHost(RuleBasedStateMachine):
    """Guests send anything, valid or not, timers fire, people decide, and the network changes.
    The ledger checks all.
    """

    @initialize(
        kind=strategies.sampled_from([ONE_TIME, TEMPORARY, PERSISTENT]),
        preferred=strategies.none() | strategies.just(WIFI.address),
        steps=strategies.sampled_from([0, 5, 8]),
        proof=strategies.sampled_from(["code", "QR"]),
    )
    def start(self, kind: ev.Invite, preferred: str | None, steps: int, proof: str) -> None:
        """Begin, often with a guest that proved itself and is linked, which chance alone rarely
        gets to.
        """
        self.bench = HostBench(kind, preferred)
        # Each prompt's session, with the socket that asked.
        self.asked: dict[str, ev.ConnectionID] = {}
        # Each link belongs to this socket.
        self.served: dict[ev.LinkID, ev.ConnectionID] = {}
        # Each socket was approved for this link, and keeps it for life.
        self.links: dict[ev.ConnectionID, ev.LinkID] = {}
        self.offered: set[ev.LinkID] = set()
        self.described: set[ev.LinkID] = set()
        self.names: set[str] = {host_code.CODE_SESSION_ID, "abc123"}
        # These guests were challenged. The flag is True if the guest knows the secret.
        self.begun: dict[ev.ConnectionID, tuple[Prove, pair_msg.Auth, bool]] = {}
        # The proofs of these guests held.
        self.held: dict[ev.ConnectionID, Prove] = {}
        # Each link has the keys of the proof that led to it.
        self.keys: dict[ev.LinkID, ProofKeys] = {}
        # These are the newest invitations of all sessions, which guests may remember.
        self.invitations: dict[str, st.Invitation] = {}
        # People gave the places of these lost links to other guests.
        self.replaced: set[ev.LinkID] = set()
        # On these sockets the two sides no longer count the signals alike.
        self.astray: set[ev.ConnectionID] = set()
        self.check(self.bench.handle(ev.NetworksSeen(NETWORKS[:2])))
        self.server_answers(PORT)
        self.all_goes_well_for(steps, proof)

    # --- what is checked after every event

    def check(
        self, commands: list[do.Command], by: ev.ConnectionID | None = None, *, sealed: bool = False
    ) -> None:
        """Check that connections stay separate: a peer is given only what comes from the guest
        that it was approved for.

        A begun proof must have held before anybody is asked, and then only `sealed` signals
        reach a peer.
        """
        ledger = self.bench.ledger
        for command in commands:
            match command:
                case do.Publish(st.Invitation(session_id) as invitation):
                    self.names.add(session_id)
                    self.invitations[session_id] = invitation
                case do.Publish(st.Prompt(session_id, verified=verified, replaces=replaces)):
                    assert by is not None
                    waited = self.waiting().get(session_id)
                    assert (None if replaces is None else replaces.link) == waited
                    assert waited is None or verified is not None
                    assert by not in self.begun, "asked before a begun proof held"
                    assert (verified is not None) == (by in self.held)
                    self.asked[session_id] = by
                case pair_do.Send(connection, pair_msg.PairChallenge()):
                    assert connection == by
                case pair_do.Send(connection, pair_msg.PairResult(approved=False) as rejection):
                    assert (rejection.auth is not None) == (connection in self.held)
                    self.begun.pop(connection, None)
                    self.held.pop(connection, None)
                case do.Publish(st.PairOutcome(session_id, approved=False)):
                    del self.asked[session_id]
                case link_do.OpenPeer(link) if (lost := ledger.links[link].resumes) is not None:
                    assert by in self.held, "a lost link was taken up without its proof"
                    assert lost in self.keys
                    assert ledger.links[link].was_connected
                    self.served[link] = by
                    self.links[by] = link
                    self.keys[link] = self.held[by].agreed
                case link_do.ExpectLane(link, token):
                    of_the_proof = (
                        self.keys[link].key("lane token")[: len(token)]
                        if link in self.keys
                        else None
                    )
                    assert token == of_the_proof or "files" in ledger.links[link].features
                case link_do.DialLane():
                    raise AssertionError("hosts dial nobody")
                case link_do.OpenPeer(link):
                    session_id = ledger.links[link].session_id
                    lost_before = ledger.links[link].replaces
                    if lost_before is not None:
                        assert by is None, "nobody but the person gives a place away"
                        assert lost_before in ledger.past_links
                        self.replaced.add(lost_before)
                    self.served[link] = self.asked.pop(session_id)
                    self.links[self.served[link]] = link
                    if self.served[link] in self.held:
                        self.keys[link] = self.held[self.served[link]].agreed
                case link_do.ApplyDescription(link, kind):
                    assert self.served[link] == by
                    assert sealed or by not in self.held
                    assert kind is pair_msg.SDPType.OFFER
                    assert link not in self.offered
                    self.offered.add(link)
                case link_do.AddCandidate(link):
                    assert self.served[link] == by
                    assert sealed or by not in self.held
                case pair_do.Send(connection, pair_msg.Signal(_, payload, mac)):
                    assert connection in self.served.values()
                    assert (mac is not None) == (connection in self.held)
                    if mac is not None and connection not in self.astray:
                        macs = self.held[connection].macs
                        assert macs is not None
                        assert macs.check(payload, mac)
                case pair_do.Send(connection, pair_msg.PairResult(approved=True) as approval):
                    assert connection in self.asked.values() or (
                        connection == by and by in self.held
                    )
                    assert (approval.auth is not None) == (connection in self.held)
                case _:
                    pass

    @invariant()
    def one_guest_a_session(self) -> None:
        ledger = self.bench.ledger
        assert set(self.asked) == set(ledger.prompts)
        waiting = {
            link for link, status in ledger.links.items() if status.stage is st.Stage.WAITING
        }
        carried = {
            link for link, status in ledger.links.items() if status.via is st.Via.LANE
        } - waiting
        assert carried <= ledger.lanes
        assert carried <= set(self.keys)
        assert set(ledger.peers) == set(ledger.links) - waiting - carried
        assert ledger.alive == set(ledger.links) - waiting
        assert waiting <= set(self.keys)
        sessions = [link.session_id for link in ledger.links.values()]
        assert len(sessions) == len(set(sessions))
        assert set(sessions) & set(ledger.prompts) <= set(self.waiting())

    def waiting(self) -> dict[str, ev.LinkID]:
        """Return the lost links that are waited for, by their sessions."""
        return {
            status.session_id: link
            for link, status in self.bench.ledger.links.items()
            if status.stage is st.Stage.WAITING
        }

    @invariant()
    def no_timer_outlives_what_it_is_for(self) -> None:
        host = machine(self.bench)
        ledger = self.bench.ledger
        for timer in ledger.timers:
            match timer:
                case ev.SessionTimer(ev.TimerName.APPROVAL, session_id):
                    assert session_id in ledger.prompts
                case ev.SessionTimer(ev.TimerName.SESSION, session_id):
                    assert session_id in host._sessions._sessions
                case ev.SessionTimer(ev.TimerName.RESUME, session_id):
                    assert host._sessions._sessions[session_id].state is SessionState.AWAY
                case ev.SocketTimer():
                    assert timer in {
                        make(one)
                        for one in ledger.sockets
                        for make in (socket_timer, challenge_timer)
                    }
                case file_ev.TransferTimer():
                    # The ledger checks its owner.
                    pass
                case _:
                    assert isinstance(timer, ev.LinkTimer)
                    assert timer.scope in ledger.alive
        challenged = {timer for timer in ledger.timers if timer.name is ev.TimerName.CHALLENGE}
        assert challenged == {
            challenge_timer(one)
            for one, socket in host._guest_connections._sockets.items()
            if socket.proof
        }
        approvals = {ev.SessionTimer(ev.TimerName.APPROVAL, one) for one in ledger.prompts}
        assert approvals == {one for one in ledger.timers if one.name is ev.TimerName.APPROVAL}
        for link, status in ledger.links.items():
            opening = ev.LinkTimer(ev.TimerName.LINK_OPEN, link) in ledger.timers
            beating = ev.LinkTimer(ev.TimerName.HEARTBEAT, link) in ledger.timers
            resuming = ev.SessionTimer(ev.TimerName.RESUME, status.session_id) in ledger.timers
            connected, waits = status.stage is st.Stage.CONNECTED, status.stage is st.Stage.WAITING
            # While a person is asked about another guest, the end of the question ends the wait.
            counted = waits and status.session_id not in ledger.prompts
            assert (opening, beating, resuming) == (not connected and not waits, connected, counted)

    @invariant()
    def memory_is_bounded(self) -> None:
        host = machine(self.bench)
        assert set(host._guest_connections._sockets) == self.bench.ledger.sockets
        assert set(host._sessions._secrets) == set(host._sessions._sessions)
        assert SessionState.ENDED not in [session.state for session in host._sessions]

    @invariant()
    def every_try_in_flight_is_somebodys(self) -> None:
        host = machine(self.bench)
        trying = [
            socket.session_id
            for socket in host._guest_connections._sockets.values()
            if socket.proof
        ]
        for session in host._sessions:
            secrets = host._sessions.secrets_of(session.id)
            assert secrets is not None
            assert secrets.tries._in_flight <= 1
            assert secrets.tries._in_flight <= trying.count(session.id)

    @invariant()
    def a_code_is_shown_whenever_nobody_is_served(self) -> None:
        ledger = self.bench.ledger
        endpoint = machine(self.bench)._invitations._endpoint
        if endpoint is None:
            return
        if not ledger.links:
            assert ledger.invitation is not None
        if ledger.invitation is not None:
            target = parse_target(ledger.invitation.url)
            assert (ip_address(target.address), target.port) == (
                ip_address(endpoint[0]),
                endpoint[1],
            )
            session = machine(self.bench)._sessions._sessions[ledger.invitation.session_id]
            assert session.state in (SessionState.OPEN, SessionState.ASKED)

    def teardown(self) -> None:
        """Check that after everybody has left, only one code remains, and the data kept for
        guests that may come back.
        """
        if not hasattr(self, "bench"):
            return
        for link in list(self.bench.ledger.links):
            self.check(self.bench.handle(ev.Disconnect(link)))
        for connection in list(self.bench.ledger.sockets):
            self.check(self.bench.handle(pair_ev.ConnectionLost(connection)))
        for link in list(self.bench.ledger.lanes_closing):
            assert self.bench.handle(link_ev.LaneLost(link)) == []
        self.bench.ledger.at_rest()
        self.bench.advance(900)
        sockets, sessions, _ = memory(self.bench)
        kept = [
            one for one in machine(self.bench)._sessions if one.type is ev.SessionType.PERSISTENT
        ]
        assert sockets == 0
        assert sessions <= len(kept) + 1
        self.bench.handle(ev.Shutdown())
        assert self.bench.ledger.timers == {}
        assert memory(self.bench) == (0, 0, 0)

    # --- guests

    def some_socket(
        self, data: strategies.DataObject, among: set[ev.ConnectionID] | None = None
    ) -> ev.ConnectionID:
        return data.draw(strategies.sampled_from(sorted(among or self.bench.ledger.sockets)))

    @rule(address=strategies.sampled_from([GUEST_ADDRESS, "192.168.1.10", "192.168.1.11"]))
    def a_guest_connects(self, address: str) -> None:
        if (
            machine(self.bench)._invitations._endpoint is not None
            and len(self.bench.ledger.sockets) < 5
        ):
            self.bench.connect(address)

    @rule(steps=strategies.integers(1, 8), proof=strategies.sampled_from(["code", "QR", None]))
    def all_goes_well(self, steps: int, proof: str | None) -> None:
        """Take the next right steps towards a link; chance alone rarely gets there."""
        self.all_goes_well_for(steps, proof)

    def all_goes_well_for(self, steps: int, proof: str | None) -> None:
        for _ in range(steps):
            self.next_right_step(proof)

    def next_right_step(self, proof: str | None) -> None:
        ledger = self.bench.ledger
        waiting = [
            link
            for link in ledger.peers
            if link not in self.offered and self.served[link] in ledger.sockets
        ]
        unopened = [
            link for link in self.answered() if ledger.links[link].stage is not st.Stage.CONNECTED
        ]
        idle = ledger.sockets - ledger.closing - set(self.asked.values()) - set(self.links)
        if unopened:
            self.check(
                self.bench.handle(link_ev.ChannelOpened(unopened[0], 1, link_ev.CONTROL_LABEL))
            )
        elif self.unanswered():
            self.peer_answers(self.unanswered()[0])
        elif waiting:
            guest = self.served[waiting[0]]
            self.signal(guest, OFFER, sealed=True)
        elif ledger.prompts:
            session_id, prompt = next(iter(ledger.prompts.items()))
            self.check(
                self.bench.handle(ev.Decide(session_id, approved=True, number=prompt.number))
            )
        elif self.confirmable():
            self.confirm(self.confirmable()[0], honest=True)
        elif idle and ledger.invitation is not None:
            guest = min(idle)
            if proof is None or (proof == "code" and ledger.invitation.code is None):
                self.check(self.bench.ask(guest), guest)
            else:
                self.begin(guest, by_code=proof == "code", knows=True)
        else:
            self.a_guest_connects(GUEST_ADDRESS)

    def confirmable(self) -> list[ev.ConnectionID]:
        ledger = self.bench.ledger
        return [
            one
            for one, (_, _, knows) in self.begun.items()
            if knows and one in ledger.sockets - ledger.closing
        ]

    def begin(
        self,
        connection: ev.ConnectionID,
        *,
        by_code: bool,
        knows: bool,
        invitation: st.Invitation | None = None,
    ) -> None:
        guest = self.bench.prover_of(
            by_code=by_code, knows=knows, connection=connection, invitation=invitation
        )
        commands = self.bench.say(connection, guest.request)
        self.check(commands, connection)
        for message in sent(commands):
            if isinstance(message, pair_msg.PairChallenge):
                self.begun[connection] = (guest, message.auth, knows)

    def come_back(self, connection: ev.ConnectionID, link: ev.LinkID, *, knows: bool) -> None:
        """Ask by the name that the link's proof gave the guest. A peer that only overheard that
        name does not know the secret.
        """
        keys = self.keys[link]
        target = JoinTarget(GUEST_ADDRESS, PORT, keys.resume_name())
        proof = start_resumption(keys if knows else Sniffed(keys), PHONE, self.bench.prover)
        guest = Prove(connection, target, proof)
        commands = self.bench.say(connection, guest.request)
        self.check(commands, connection)
        for message in sent(commands):
            if isinstance(message, pair_msg.PairChallenge):
                self.begun[connection] = (guest, message.auth, knows)

    def returnable(self) -> list[ev.LinkID]:
        return sorted(set(self.bench.ledger.links) & set(self.keys))

    @precondition(lambda self: self.returnable() and self.bench.ledger.sockets)
    @rule(data=strategies.data(), knows=strategies.booleans())
    def a_guest_comes_back(self, data: strategies.DataObject, knows: bool) -> None:
        link = self.some_link(data, self.returnable())
        self.come_back(self.some_socket(data), link, knows=knows)

    @precondition(lambda self: self.returnable())
    @rule(data=strategies.data(), noticed=strategies.booleans(), steps=strategies.integers(0, 5))
    def a_proved_link_is_lost_and_its_guest_comes_back(
        self, data: strategies.DataObject, noticed: bool, steps: int
    ) -> None:
        link = self.some_link(data, self.returnable())
        if noticed and link in self.bench.ledger.peers:
            self.check(self.bench.handle(link_ev.PeerFailed(link, Reason.PEER_VANISHED)))
        if (
            link not in self.bench.ledger.links
            or machine(self.bench)._invitations._endpoint is None
        ):
            return
        connection = self.bench.connect(GUEST_ADDRESS)
        self.come_back(connection, link, knows=True)
        if steps and connection in self.begun:
            self.confirm(connection, honest=True)
        for _ in range(steps - 1):
            self.next_right_step(None)

    @precondition(lambda self: self.returnable())
    @rule(
        data=strategies.data(),
        by_code=strategies.booleans(),
        proof=strategies.sampled_from([True, True, False]),
        then=strategies.sampled_from(
            ["approve", "approve", "decline", "return", "leave", "end", "nothing"]
        ),
        steps=strategies.integers(0, 4),
    )
    def somebody_asks_for_the_place_of_a_lost_guest(
        self, data: strategies.DataObject, by_code: bool, proof: bool, then: str, steps: int
    ) -> None:
        host, ledger = machine(self.bench), self.bench.ledger
        lost = self.some_link(data, self.returnable())
        session_id = ledger.links[lost].session_id
        if lost in ledger.peers:
            self.check(self.bench.handle(link_ev.PeerFailed(lost, Reason.PEER_VANISHED)))
        if self.waiting().get(session_id) != lost:
            return
        if host._invitations._endpoint is None or len(ledger.sockets) >= 6:
            return
        connection = self.bench.connect(GUEST_ADDRESS)
        asked_before = session_id in ledger.prompts
        if not proof:
            self.check(self.bench.ask(connection, session_id), connection)
            assert (session_id in ledger.prompts) == asked_before
            return
        invitation = self.invitations[session_id]
        shown = host._sessions.shown
        by_code = by_code and invitation.code is not None
        # "@code" leads to the newest code, whatever the guest has in mind.
        by_code = by_code and shown is not None and shown.id == session_id
        self.begin(connection, by_code=by_code, knows=True, invitation=invitation)
        if connection in self.begun:
            self.confirm(connection, honest=True)
        if asked_before or session_id not in ledger.prompts:
            assert not host._sessions._sessions[session_id].serves(connection)
            return
        assert ledger.links[lost].stage is st.Stage.WAITING
        number = ledger.prompts[session_id].number
        match then:
            case "approve":
                decided = ev.Decide(session_id, approved=True, number=number)
                self.check(self.bench.handle(decided))
                assert lost in self.replaced
                self.comes_back_too_late(lost)
                for _ in range(steps):
                    self.next_right_step(None)
            case "decline":
                decided = ev.Decide(session_id, approved=False, number=number)
                self.check(self.bench.handle(decided))
            case "return":
                guest = self.bench.connect(GUEST_ADDRESS)
                self.come_back(guest, lost, knows=True)
                if guest in self.begun:
                    self.confirm(guest, honest=True)
                    assert session_id not in ledger.prompts
            case "leave":
                self.check(self.bench.handle(pair_ev.ConnectionLost(connection)))
            case "end":
                self.check(self.bench.handle(ev.Disconnect(lost)))
            case _:
                pass

    @precondition(lambda self: self.replaced)
    @rule(data=strategies.data())
    def a_replaced_guest_comes_back_too_late(self, data: strategies.DataObject) -> None:
        if machine(self.bench)._invitations._endpoint is not None:
            self.comes_back_too_late(self.some_link(data, list(self.replaced)))

    def comes_back_too_late(self, lost: ev.LinkID) -> None:
        links = dict(self.bench.ledger.links)
        connection = self.bench.connect(GUEST_ADDRESS)
        self.come_back(connection, lost, knows=True)
        assert connection not in self.begun
        assert self.bench.ledger.links == links

    def confirm(self, connection: ev.ConnectionID, *, honest: bool) -> None:
        guest, challenge, knows = self.begun.pop(connection)
        message = guest.confirm(challenge)
        if not honest:
            message = replace(message, auth=pair_msg.Auth(t="A" * 43))
        elif knows:
            self.held[connection] = guest
        commands = self.bench.say(connection, message)
        taken = connection not in self.bench.ledger.closing and errors(commands) == []
        if not taken:
            self.held.pop(connection, None)
        self.check(commands, connection)
        prompts = [status for status in published(commands) if isinstance(status, st.Prompt)]
        assert not prompts or (honest and knows)

    def signal(
        self,
        connection: ev.ConnectionID,
        payload: pair_msg.Description | pair_msg.Candidate,
        *,
        sealed: bool,
    ) -> None:
        """Send a signal under the guest's name for its session, sealed if possible."""
        name = machine(self.bench)._guest_connections._sockets[connection].claimed_id
        guest = self.held.get(connection)
        sealed = (
            sealed
            and connection not in self.astray
            and self.links.get(connection) in self.bench.ledger.alive
        )
        mac = guest.macs.seal(payload) if sealed and guest and guest.macs else None
        commands = self.bench.say(connection, pair_msg.Signal(name, payload, mac))
        if "too_many" in errors(commands):
            # The guest sealed the signal, but the host did not count it.
            self.astray.add(connection)
        self.check(commands, connection, sealed=mac is not None)
        if guest and mac is None and connection in self.links:
            assert not any(
                isinstance(one, link_do.AddCandidate | link_do.ApplyDescription) for one in commands
            )

    @precondition(
        lambda self: bool(self.bench.ledger.sockets) and self.bench.ledger.invitation is not None
    )
    @rule(data=strategies.data(), by_code=strategies.booleans(), knows=strategies.booleans())
    def a_guest_begins_a_proof(
        self, data: strategies.DataObject, by_code: bool, knows: bool
    ) -> None:
        self.begin(
            self.some_socket(data),
            by_code=by_code and self.bench.shown.code is not None,
            knows=knows,
        )

    @precondition(lambda self: set(self.begun) & self.bench.ledger.sockets)
    @rule(data=strategies.data(), honest=strategies.booleans())
    def a_guest_confirms(self, data: strategies.DataObject, honest: bool) -> None:
        self.confirm(
            self.some_socket(data, set(self.begun) & self.bench.ledger.sockets), honest=honest
        )

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=strategies.data(), valid=strategies.booleans())
    def a_guest_asks(self, data: strategies.DataObject, valid: bool) -> None:
        connection = self.some_socket(data)
        shown = self.bench.ledger.invitation
        name = data.draw(strategies.sampled_from(sorted(self.names)))
        if valid and shown is not None:
            name = data.draw(strategies.sampled_from([shown.session_id, host_code.CODE_SESSION_ID]))
        links = set(self.bench.ledger.links)
        self.check(self.bench.say(connection, pair_msg.PairRequest(name, PHONE)), connection)
        # A request alone opens no link.
        assert self.bench.ledger.links.keys() <= links

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(
        data=strategies.data(),
        own=strategies.booleans(),
        offer=strategies.booleans(),
        kind=strategies.none() | strategies.sampled_from(pair_msg.SDPType),
        sealed=strategies.sampled_from([True, True, False]),
    )
    def a_guest_signals(
        self,
        data: strategies.DataObject,
        own: bool,
        offer: bool,
        kind: pair_msg.SDPType | None,
        sealed: bool,
    ) -> None:
        linking = {one for one in self.served.values() if one in self.bench.ledger.sockets}
        connection = self.some_socket(data, linking if own else None)
        payload = pair_msg.Description(SDP, kind) if offer else pair_msg.Candidate(LINE)
        if own:
            self.signal(connection, payload, sealed=sealed)
            return
        name = data.draw(strategies.sampled_from(sorted(self.names)))
        self.check(self.bench.say(connection, pair_msg.Signal(name, payload, "A" * 43)), connection)

    def sealing(self) -> list[ev.ConnectionID]:
        """Return the sockets of guests that proved themselves and are linking or linked."""
        ledger = self.bench.ledger
        talking = ledger.sockets - ledger.closing
        return [
            one
            for one, link in self.links.items()
            if one in talking & set(self.held) and link in ledger.alive
        ]

    @precondition(lambda self: self.sealing())
    @rule(
        data=strategies.data(),
        offer=strategies.booleans(),
        mac=strategies.sampled_from([None, "", "A" * 43]),
    )
    def somebody_in_between_signals(
        self, data: strategies.DataObject, offer: bool, mac: str | None
    ) -> None:
        connection = self.some_socket(data, set(self.sealing()))
        name = machine(self.bench)._guest_connections._sockets[connection].claimed_id
        commands = self.bench.say(
            connection, pair_msg.Signal(name, OFFER if offer else pair_msg.Candidate(LINE), mac)
        )
        self.check(commands, connection)
        assert "too_many" in errors(commands) or pair_msg.SessionEnded(
            name, Reason.TAMPERED
        ) in sent(commands, connection)

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(
        data=strategies.data(),
        text=strategies.sampled_from(
            [text for text, _ in WRONG]
            + [pair_msg.dump_message(message) for message in OF_THE_HOST]
        )
        | strategies.text(max_size=20),
    )
    def a_guest_says_what_it_must_not(self, data: strategies.DataObject, text: str) -> None:
        connection = self.some_socket(data)
        closing = connection in self.bench.ledger.closing
        links = dict(self.bench.ledger.links)
        proved = connection in self.sealing()
        commands = self.bench.say(connection, text)
        self.check(commands, connection)
        # An honest guest would not send this, so somebody is in between.
        if proved and "too_many" not in errors(commands):
            assert any(
                isinstance(one, pair_msg.SessionEnded) and one.reason is Reason.TAMPERED
                for one in sent(commands)
            )
            return
        assert closing == (errors(commands) == [])
        if connection not in self.bench.ledger.closing:
            assert len(commands) == 1
            assert self.bench.ledger.links == links

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=strategies.data())
    def a_guest_leaves(self, data: strategies.DataObject) -> None:
        self.check(self.bench.handle(pair_ev.ConnectionLost(self.some_socket(data))))

    # --- peers

    def some_link(self, data: strategies.DataObject, among: list[ev.LinkID]) -> ev.LinkID:
        return data.draw(strategies.sampled_from(sorted(among)))

    def unanswered(self) -> list[ev.LinkID]:
        return [link for link in self.bench.ledger.peers if link in self.offered - self.described]

    def answered(self) -> list[ev.LinkID]:
        return [link for link in self.bench.ledger.peers if link in self.described]

    def open_links(self) -> list[ev.LinkID]:
        return [
            link
            for link, status in self.bench.ledger.links.items()
            if status.stage is st.Stage.CONNECTED
        ]

    @precondition(lambda self: self.unanswered())
    @rule(data=strategies.data())
    def a_peer_answers(self, data: strategies.DataObject) -> None:
        self.peer_answers(self.some_link(data, self.unanswered()))

    def peer_answers(self, link: ev.LinkID) -> None:
        self.described.add(link)
        commands = self.bench.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, "v=0"))
        self.check(commands)
        assert [
            command.connection for command in commands if isinstance(command, pair_do.Send)
        ] == [self.served[link]]

    @precondition(lambda self: self.answered())
    @rule(
        data=strategies.data(),
        label=strategies.sampled_from([link_ev.CONTROL_LABEL, link_ev.CONTROL_LABEL, "chat"]),
        number=strategies.integers(0, 9),
    )
    def a_channel_opens(self, data: strategies.DataObject, label: str, number: int) -> None:
        link = self.some_link(data, self.answered())
        if (link, number) not in self.bench.ledger.channels:
            self.check(self.bench.handle(link_ev.ChannelOpened(link, number, label)))

    @precondition(lambda self: self.bench.ledger.channels)
    @rule(
        data=strategies.data(),
        message=peers_text.map(link_msg.dump_link_message) | strategies.text(max_size=20),
    )
    def a_peer_says_something(self, data: strategies.DataObject, message: str) -> None:
        link, channel = data.draw(strategies.sampled_from(sorted(self.bench.ledger.channels)))
        self.check(self.bench.handle(link_ev.ChannelMessage(link, channel, message)))

    @precondition(lambda self: self.bench.ledger.past_peers)
    @rule(data=strategies.data())
    def something_late_of_a_closed_link(self, data: strategies.DataObject) -> None:
        link = self.some_link(data, list(self.bench.ledger.past_peers))
        late = data.draw(strategies.booleans())
        event = (
            link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, "")
            if late
            else link_ev.PeerFailed(link, Reason.PEER_LEFT)
        )
        assert self.bench.handle(event) == []

    @precondition(lambda self: self.bench.ledger.peers)
    @rule(
        data=strategies.data(),
        reason=strategies.sampled_from(
            [Reason.ICE_FAILED, Reason.PEER_VANISHED, Reason.BAD_DESCRIPTION]
        ),
    )
    def a_peer_fails(self, data: strategies.DataObject, reason: Reason) -> None:
        self.check(
            self.bench.handle(
                link_ev.PeerFailed(self.some_link(data, list(self.bench.ledger.peers)), reason)
            )
        )

    # --- lanes and files

    @precondition(lambda self: bool(self.bench.ledger.expected))
    @rule(
        data=strategies.data(),
        carries=strategies.booleans(),
        says=peers_text.map(link_msg.dump_link_message) | strategies.none(),
    )
    def a_lane_opens(self, data: strategies.DataObject, carries: bool, says: str | None) -> None:
        """A peer with the token may claim that the lane carries the link, and may or may not
        send something on it.
        """
        link = self.some_link(data, list(self.bench.ledger.expected))
        self.check(self.bench.handle(link_ev.LaneOpened(link, carries and link in self.keys)))
        if says is not None and link in self.bench.ledger.lanes - self.bench.ledger.lanes_closing:
            self.check(self.bench.handle(link_ev.ChannelMessage(link, link_ev.LANE_CHANNEL, says)))

    @precondition(lambda self: bool(self.bench.ledger.lanes))
    @rule(
        data=strategies.data(), says=peers_text.map(link_msg.dump_link_message) | strategies.none()
    )
    def a_lane_speaks_or_is_lost(self, data: strategies.DataObject, says: str | None) -> None:
        link = self.some_link(data, list(self.bench.ledger.lanes))
        self.check(
            self.bench.handle(
                link_ev.LaneLost(link)
                if says is None
                else link_ev.ChannelMessage(link, link_ev.LANE_CHANNEL, says)
            )
        )

    def controls(self) -> dict[ev.LinkID, int]:
        """Return the control channel of every link that has one."""
        links = [
            session.link for session in machine(self.bench)._sessions if session.link is not None
        ]
        return {one.id: one._control for one in links if one._control is not None}

    @precondition(lambda self: self.controls())
    @rule(data=strategies.data(), number=strategies.integers(0, 2))
    def a_peer_speaks_of_files(self, data: strategies.DataObject, number: int) -> None:
        link = self.some_link(data, list(self.controls()))
        said = data.draw(strategies.sampled_from(words_about_files(self.bench.ledger, number)))
        self.check(
            self.bench.handle(
                link_ev.ChannelMessage(
                    link, self.controls()[link], link_msg.dump_link_message(said)
                )
            )
        )

    @precondition(lambda self: self.controls())
    @rule(
        data=strategies.data(),
        numbers=strategies.lists(strategies.integers(0, 5), min_size=1, max_size=8),
    )
    def files_go_well(self, data: strategies.DataObject, numbers: list[int]) -> None:
        link = self.some_link(data, list(self.controls()))
        for number in numbers:
            if link in self.controls():
                event = next_file_event(self.bench.ledger, link, self.controls()[link], number)
                self.check(self.bench.handle(event))

    @rule(number=strategies.integers(0, 5), well=strategies.sampled_from([True, True, False]))
    def the_disk_answers(self, number: int, well: bool) -> None:
        for event in disk_answers(self.bench.ledger, number, well=well):
            self.check(self.bench.handle(event))

    @precondition(lambda self: self.bench.ledger.transfers)
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

    # --- time

    @precondition(lambda self: self.bench.ledger.timers)
    @rule()
    def the_next_timer_fires(self) -> None:
        due = self.bench.next_timer()
        assert due is not None
        self.bench.now = max(self.bench.now, due[0])
        self.check(self.bench.handle(ev.TimerFired(due[1])))

    @rule(seconds=strategies.sampled_from([0.5, 1.5, 6.0, 39.0, 900.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.bench.now + seconds
        while (due := self.bench.next_timer()) is not None and due[0] <= until:
            self.the_next_timer_fires()
        self.bench.now = until

    # --- people

    @rule(
        data=strategies.data(),
        approved=strategies.booleans(),
        late=strategies.sampled_from([False, False, True]),
    )
    def the_person_decides(self, data: strategies.DataObject, approved: bool, late: bool) -> None:
        prompts = sorted(self.names if late else self.bench.ledger.prompts)
        if not prompts:
            return
        session_id = data.draw(strategies.sampled_from(prompts))
        stood = session_id in self.bench.ledger.prompts
        number = self.bench.ledger.prompts[session_id].number if stood else None
        commands = self.bench.handle(ev.Decide(session_id, approved, number))
        self.check(commands)
        assert reasons(commands) == ([] if stood else [Reason.PROMPT_GONE])

    @rule(invite=strategies.sampled_from([ONE_TIME, TEMPORARY, PERSISTENT]))
    def the_person_invites(self, invite: ev.Invite) -> None:
        before = self.bench.ledger.invitation
        self.check(self.bench.handle(invite))
        after = self.bench.ledger.invitation
        if machine(self.bench)._invitations._endpoint is not None:
            assert after is not None
            assert after.type is invite.type
            assert before is None or before.session_id != after.session_id

    @precondition(lambda self: self.bench.ledger.links)
    @rule(data=strategies.data())
    def the_person_disconnects(self, data: strategies.DataObject) -> None:
        link = self.some_link(data, list(self.bench.ledger.links))
        self.check(self.bench.handle(ev.Disconnect(link)))
        assert link not in self.bench.ledger.links

    @precondition(lambda self: self.bench.ledger.links)
    @rule(data=strategies.data(), text=strategies.text(max_size=20))
    def the_person_writes(self, data: strategies.DataObject, text: str) -> None:
        link = self.some_link(data, list(self.bench.ledger.links))
        self.check(self.bench.handle(ev.SendText(link, text)))

    # --- the network

    def drop_guests(self, commands: list[do.Command]) -> None:
        """Close the sockets of a server that moves or stops."""
        if any(isinstance(command, do.Listen | do.StopListening) for command in commands):
            for connection in sorted(self.bench.ledger.sockets):
                self.check(self.bench.handle(pair_ev.ConnectionLost(connection)))

    def server_answers(self, port: int | None) -> None:
        """Let the server listen where it was commanded to, or fail if `port` is None."""
        address = machine(self.bench)._invitations._wanted
        if address is not None and (
            port is not None or machine(self.bench)._invitations._endpoint is None
        ):
            failed = ev.ListenFailed(address, Reason.PORT_TAKEN)
            self.check(self.bench.handle(failed if port is None else ev.Listening(address, port)))

    @rule(
        event=strategies.lists(strategies.sampled_from(NETWORKS), unique=True).map(
            lambda networks: ev.NetworksSeen(tuple(networks))
        )
        | strategies.sampled_from(NETWORKS).map(lambda network: ev.ChooseNetwork(network.address)),
        then=strategies.sampled_from([PORT, PORT, PORT + 1, None]),
        at_once=strategies.booleans(),
    )
    def the_network_changes(
        self, event: ev.NetworksSeen | ev.ChooseNetwork, then: int | None, at_once: bool
    ) -> None:
        commands = self.bench.handle(event)
        self.check(commands)
        self.drop_guests(commands)
        if at_once:
            self.server_answers(then)

    @rule(
        port=strategies.sampled_from([PORT, PORT + 1, None]),
        network=strategies.sampled_from(NETWORKS),
    )
    def the_server_answers(self, port: int | None, network: ev.Network) -> None:
        # The answer is out of date: the server was commanded to move on.
        if network.address != machine(self.bench)._invitations._wanted:
            failed = ev.ListenFailed(network.address, Reason.PORT_TAKEN)
            assert (
                self.bench.handle(failed if port is None else ev.Listening(network.address, port))
                == []
            )
        else:
            self.server_answers(port)


AnyHost.TestCase.settings = settings(max_examples=70, stateful_step_count=50, deadline=None)
TestAnyHost = AnyHost.TestCase


@pytest.mark.nightly
def test_any_host_for_long() -> None:
    run_state_machine_as_test(
        AnyHost, settings=settings(max_examples=2000, stateful_step_count=50, deadline=None)
    )


def test_secrets_are_not_the_same_twice() -> None:
    """The fixture's bytes count up and never repeat. A secret that two sessions share here would
    be shared with real random bytes, too.
    """
    bench = HostBench()
    bench.listen()
    assert counting_bytes()(4) == b"\0\0\0\1"
    seen = set()
    for _ in range(20):
        seen |= {bench.shown.session_id, bench.shown.code, parse_target(bench.shown.url).qr_secret}
        bench.handle(ONE_TIME)
    assert len(seen) == 60


def test_who_waits_without_proof_is_turned_away_when_the_host_asks_for_proof(
    host: HostBench,
) -> None:
    guest, _ = host.asked()
    commands = host.handle(ev.SetRequireProof(required=True))
    results = [
        one.message for one in commands if isinstance(one, pair_do.Send) and one.connection == guest
    ]
    assert [one.reason for one in results if isinstance(one, pair_msg.PairResult)] == [
        Reason.NOT_VERIFIED
    ]
    assert not host.ledger.prompts


def test_who_waits_with_a_proof_goes_on_waiting_when_the_host_asks_for_proof(
    host: HostBench,
) -> None:
    guest = host.prove()
    commands = host.handle(ev.SetRequireProof(required=True))
    assert not [one for one in commands if isinstance(one, pair_do.Send)]
    assert host.approve(guest)
