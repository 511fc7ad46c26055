"""Tests of proxim.core.program: which part handles each event, then two whole programs together,
on a fake clock.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction
from proxim.core.files.transfers import RESUME_GRACE_SECONDS, Transfers
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices, host_code
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import JoinTarget, parse_target
from proxim.core.pairing.proof import MakeExchange, Prover
from proxim.core.program import ProgramEvent
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from tests.core.bench import Bench
from tests.core.handed_in import (
    ETHERNET,
    HOST_DEVICE,
    ONE_TIME,
    PHONE,
    PORT,
    WIFI,
    invitations,
    program,
    prover,
)
from tests.core.in_commands import published, reasons, sent
from tests.core.pairing.fake_spake2 import FakeSpake2
from tests.core.pairing.host_bench import HostBench
from tests.core.two_programs import World
from tests.rows import each_row

TARGET = JoinTarget("192.168.1.5", 47800, host_code.CODE_SESSION_ID)


def new_world() -> World:
    """Return a host that shows a one-time code, and a guest that has not joined yet."""
    world = World()
    world.settle()
    return world


@pytest.fixture
def world() -> World:
    return new_world()


def world_of(invite: ev.Invite, spake2: MakeExchange = Spake2Exchange) -> World:
    world = World(host=HostBench(invite, spake2=spake2))
    world.settle()
    return world


def closed(world: World, side: Bench) -> tuple[Reason | None, bool]:
    """Return why the newest link of one side closed, and whether it had been open."""
    status = world.status(side)
    assert status.stage is st.Stage.CLOSED
    return status.reason, status.was_connected


def files_of(side: Bench) -> Transfers:
    """Return the transfers of one side."""
    (transfers,) = (one for one in side.program._features if isinstance(one, Transfers))
    return transfers


# --- who gets which event -------------------------------------------------------------------------


def test_a_program_says_first_which_device_it_is() -> None:
    assert program(PHONE, prover()).start(0.0) == [do.Publish(st.ThisDevice(PHONE))]


def test_a_second_attempt_waits_for_the_first_to_be_linked_or_over() -> None:
    bench = Bench(program(PHONE, prover()))
    bench.handle(ev.Join(TARGET))
    bench.on(ev.Join(TARGET), do.Publish(st.Trouble(Problem(Reason.JOIN_BUSY))))
    bench.handle(ev.Disconnect(ev.LinkID("guest-1")))
    commands = bench.handle(ev.Join(TARGET))
    assert [command for command in commands if isinstance(command, pair_do.Dial)] == [
        pair_do.Dial(ev.ConnectionID(2, dialled=True), TARGET.websocket_url)
    ]
    assert do.SetTimer(ev.LinkTimer(ev.TimerName.DIAL, ev.LinkID("guest-2")), 4.0) in commands


def test_late_events_of_an_attempt_that_has_ended_are_ignored() -> None:
    bench = Bench(program(PHONE, prover()))
    bench.handle(ev.Join(TARGET))
    link, socket = ev.LinkID("guest-1"), ev.ConnectionID(1, dialled=True)
    bench.handle(ev.Disconnect(link))
    late: list[ProgramEvent] = [
        pair_ev.DialFailed(socket, Reason.REFUSED),
        pair_ev.ConnectionOpened(socket, "192.168.1.5"),
        pair_ev.FrameReceived(socket, "{}"),
        pair_ev.FrameRefused(socket, Reason.BAD_MESSAGE),
        pair_ev.ConnectionLost(socket),
        link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, "v=0"),
        link_ev.ChannelOpened(link, 0, "control"),
        link_ev.ChannelMessage(link, 0, "{}"),
        link_ev.PeerFailed(link, Reason.ICE_FAILED),
        ev.Disconnect(link),
    ]
    for event in late:
        assert bench.program.handle(event, bench.now) == []
    for unknown in (link, ev.LinkID("host-1")):
        told = do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), unknown))
        bench.on(ev.SendText(unknown, "hi"), told)


# --- one's own code -------------------------------------------------------------------------------


@each_row("by_code", [True, False])
def test_ones_own_code_and_link_are_refused_before_anything_is_dialled(by_code: bool) -> None:
    bench = new_world().host
    own = bench.shown.code if by_code else bench.shown.url
    assert own is not None
    commands = bench.handle(ev.Join(parse_target(own)))
    assert not any(isinstance(one, pair_do.Dial) for one in commands)
    (status,) = bench.told(st.LinkStatus)
    assert isinstance(status, st.LinkStatus)
    assert (status.stage, status.reason) == (st.Stage.CLOSED, Reason.OWN_CODE)
    # A code from before leads to this program as well, and another attempt may follow.
    bench.handle(ev.Invite(ev.SessionType.ONE_TIME))
    bench.handle(ev.Join(parse_target(own)))
    assert bench.told(st.LinkStatus)[1:] == [replace(status, link=ev.LinkID("guest-2"))]
    assert bench.ledger.prompts == {}


def test_the_code_of_another_host_at_the_same_port_is_not_ones_own() -> None:
    bench = new_world().host
    bench.handle(ev.Join(JoinTarget("192.168.1.6", PORT, host_code.CODE_SESSION_ID)))
    assert bench.ledger.links[ev.LinkID("guest-1")].stage is st.Stage.DIALING


@each_row("spelled", [str, str.upper])
def test_a_link_of_the_same_installation_is_refused_before_anything_is_dialled(
    spelled: Callable[[str], str],
) -> None:
    world = new_world()
    world.guest = Bench(program(HOST_DEVICE, world.host.prover))
    link = parse_target(world.host.shown.url)
    assert link.uuid is not None
    world.handle(world.guest, ev.Join(replace(link, uuid=spelled(link.uuid))))
    assert closed(world, world.guest) == (Reason.OWN_CODE, False)
    assert world.frames == []


def test_a_typed_code_of_the_same_installation_is_refused_and_nobody_is_asked() -> None:
    world = new_world()
    world.guest = Bench(program(HOST_DEVICE, world.host.prover))
    world.join()
    assert closed(world, world.guest) == (Reason.OWN_CODE, False)
    assert world.host.told(st.Prompt) == []
    # The code is not used up.
    world.guest = Bench(program(PHONE, world.host.prover))
    world.join()
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_text_before_the_link_is_open_is_told_not_connected(world: World) -> None:
    link = world.join()
    told = do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), link))
    assert world.status(world.guest).stage is st.Stage.ASKING
    world.guest.on(ev.SendText(link, "hi"), told)
    world.udp = False
    world.decide(approved=True)
    for side in (world.host, world.guest):
        link = world.status(side).link
        assert world.status(side).features == ()
        told = do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), link))
        side.on(ev.SendText(link, "hi"), told)


def test_a_timer_of_an_attempt_that_has_ended_is_misuse() -> None:
    timer = ev.LinkTimer(ev.TimerName.DIAL, ev.LinkID("guest-1"))
    with pytest.raises(MachineMisuseError):
        program(PHONE, prover()).handle(ev.TimerFired(timer), 0.0)


@each_row(
    "event",
    [
        ONE_TIME,
        ev.Decide("x", approved=True),
        pair_ev.ConnectionOpened(ev.ConnectionID(1), "192.168.1.9"),
        ev.TimerFired(ev.SessionTimer(ev.TimerName.SESSION, "guest-1")),
        ev.TimerFired(ev.LinkTimer(ev.TimerName.LINK_OPEN, ev.LinkID("host-1"))),
    ],
)
def test_a_hosts_event_without_a_host_is_misuse(event: ProgramEvent) -> None:
    with pytest.raises(MachineMisuseError):
        program(PHONE, prover()).handle(event, 0.0)


def test_a_session_whose_id_looks_like_a_guests_link_still_expires() -> None:
    bytes_that_spell_it = Prover(
        lambda size: b"\x82\xe7\xac\xb7\xe0".ljust(size, b"\0"), FakeSpake2, X25519KeyPair
    )
    bench = HostBench()
    bench.program = program(
        HOST_DEVICE, bytes_that_spell_it, invitations(ONE_TIME, bytes_that_spell_it)
    )
    bench.listen()
    session_id = bench.shown.session_id
    assert session_id.startswith("guest-")
    bench.ledger.timers.clear()
    commands = bench.program.handle(
        ev.TimerFired(ev.SessionTimer(ev.TimerName.SESSION, session_id)), bench.now
    )
    assert do.CancelTimer(ev.SessionTimer(ev.TimerName.SESSION, session_id)) in commands


# --- rename ---------------------------------------------------------------------------------------


def test_a_new_name_is_kept_told_and_used(world: World) -> None:
    renamed = devices.DeviceInfo("Küche", PHONE.id)
    assert world.guest.handle(ev.Rename("Küche")) == [
        do.SaveName("Küche"),
        do.Publish(st.ThisDevice(renamed)),
    ]
    world.join()
    (prompt,) = world.host.ledger.prompts.values()
    assert prompt.device == renamed
    world.handle(world.host, ev.Rename(" Bü\u202ero\u200b"))
    world.decide(approved=True)
    assert world.status(world.guest).peer_name == "Büro"


@each_row("name", ["", "  ", "\u200b", "x" * 65, "é" * 33, "\ud800"])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    world = new_world()
    told = [do.Publish(st.Trouble(Problem(Reason.NAME_UNUSABLE)))]
    assert world.guest.handle(ev.Rename(name)) == told
    assert world.host.handle(ev.Rename(name)) == told
    world.join()
    (prompt,) = world.host.ledger.prompts.values()
    assert prompt.device == PHONE


# --- shutdown -------------------------------------------------------------------------------------


def test_shutdown_of_a_guest_leaves_and_says_so(world: World) -> None:
    link = world.link_up()
    commands = world.guest.handle(ev.Shutdown())
    assert pair_do.CloseConnection(ev.ConnectionID(1, dialled=True)) in commands
    assert published(commands)[-1] == world.status(world.guest)
    assert closed(world, world.guest) == (Reason.DISCONNECTED, True)
    world.guest.ledger.at_rest()
    assert world.guest.ledger.timers == {}
    for event in (
        ev.Join(TARGET),
        ev.SendText(link, "hi"),
        ev.Rename("x"),
        ev.Shutdown(),
        pair_ev.ConnectionLost(ev.ConnectionID(1, dialled=True)),
    ):
        # The network side is shutting down, so nothing new may begin.
        assert world.guest.handle(event) == []


def test_shutdown_of_a_host_tells_its_guests(world: World) -> None:
    world.link_up()
    world.handle(world.host, ev.Shutdown())
    assert closed(world, world.guest) == (Reason.CLOSED, True)
    assert closed(world, world.host) == (Reason.CLOSED, True)
    assert world.host.ledger.listening is None
    assert world.host.handle(ev.NetworksSeen((ETHERNET, WIFI))) == []
    for side in (world.host, world.guest):
        side.ledger.at_rest()
        assert side.ledger.timers == {}


def test_shutdown_of_a_host_that_is_asked(world: World) -> None:
    world.join()
    (session_id,) = world.host.ledger.prompts
    world.handle(world.host, ev.Shutdown())
    assert closed(world, world.guest) == (Reason.CLOSED, False)
    assert world.host.told(st.PairOutcome) == [
        st.PairOutcome(session_id, approved=False, reason=Reason.CLOSED)
    ]


def test_shutdown_with_nobody_there() -> None:
    assert Bench(program(PHONE, prover())).handle(ev.Shutdown()) == []
    host = HostBench()
    assert host.handle(ev.Shutdown()) == [do.StopListening()]


# --- two programs ---------------------------------------------------------------------------------


def test_two_programs_pair_link_and_talk(world: World) -> None:
    link = world.join()
    assert world.status(world.guest).stage is st.Stage.ASKING
    world.decide(approved=True)
    for side, name in ((world.host, "Phone"), (world.guest, "Host PC")):
        status = world.status(side)
        assert (status.stage, status.peer_name, "text" in status.features) == (
            st.Stage.CONNECTED,
            name,
            True,
        )
    long = "ä" * 200_000
    for text in ("hi", long):
        world.handle(world.guest, ev.SendText(link, text))
        world.handle(world.host, ev.SendText(world.host.link, text))
    assert world.texts(world.host) == world.texts(world.guest) == ["hi", long]
    stages = [
        status.stage
        for status in world.guest.told(st.LinkStatus)
        if isinstance(status, st.LinkStatus)
    ]
    assert list(dict.fromkeys(stages)) == [
        st.Stage.DIALING,
        st.Stage.ASKING,
        st.Stage.APPROVED,
        st.Stage.CONNECTING,
        st.Stage.CONNECTED,
    ]
    # Heartbeats keep the link long after the session's 15 minutes.
    world.advance(3600)
    assert world.status(world.host).stage is world.status(world.guest).stage is st.Stage.CONNECTED


def test_the_frames_on_the_wire_are_the_seeds_and_hold_no_secret(world: World) -> None:
    target = parse_target(world.host.shown.url)
    code = world.host.shown.code
    assert target.qr_secret is not None
    assert code is not None
    world.link_up()
    frames = [(sender, json.loads(text)) for sender, text in world.frames]
    assert [(sender, frame["type"]) for sender, frame in frames] == [
        ("guest", "pair_request"),
        ("host", "pair_challenge"),
        ("guest", "pair_confirm"),
        ("host", "pair_result"),
        ("guest", "signal"),
        ("host", "signal"),
    ]
    assert {frame["sessionID"] for _, frame in frames} == {host_code.CODE_SESSION_ID}
    assert [frame["payload"]["type"] for _, frame in frames[4:]] == ["offer", "answer"]
    sniffed = "".join(text for _, text in world.frames)
    for secret in (target.qr_secret, code, code.replace("-", ""), target.session_id):
        assert secret not in sniffed


def test_join_by_url(world: World) -> None:
    world.handle(world.guest, ev.Join(parse_target(world.host.shown.url)))
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED
    assert world.status(world.guest).session_id == world.status(world.host).session_id


def test_the_person_at_the_host_declines(world: World) -> None:
    shown = world.host.shown
    world.join()
    world.decide(approved=False)
    assert closed(world, world.guest) == (Reason.DECLINED, False)
    assert world.host.shown == shown
    # The right guest can still join.
    world.link_up()


def test_nobody_decides_for_40_seconds(world: World) -> None:
    world.join()
    world.advance(39.9)
    assert world.host.ledger.prompts
    world.advance(0.1)
    assert not world.host.ledger.prompts
    assert closed(world, world.guest) == (Reason.TIMEOUT, False)


def test_the_guest_cancels_while_the_host_is_asked(world: World) -> None:
    link = world.join()
    world.handle(world.guest, ev.Disconnect(link))
    assert not world.host.ledger.prompts
    assert world.host.ledger.invitation is not None


def test_the_guests_leaving_and_the_approval_cross(world: World) -> None:
    link = world.join()
    (session_id,) = world.host.ledger.prompts
    world.report(world.guest, ev.Disconnect(link))
    world.report(world.host, ev.Decide(session_id, approved=True))
    world.settle()
    assert closed(world, world.host) == (Reason.GUEST_LEFT, False)
    assert closed(world, world.guest) == (Reason.DISCONNECTED, False)
    world.link_up()


def test_the_approval_and_the_40_seconds_cross(world: World) -> None:
    world.join()
    (session_id,) = world.host.ledger.prompts
    world.advance(40)
    world.handle(world.host, ev.Decide(session_id, approved=True))
    assert world.host.ledger.links == {}
    assert isinstance(world.host.ledger.statuses[-1], st.Trouble)


def test_both_disconnect_at_once(world: World) -> None:
    link = world.link_up()
    world.report(world.guest, ev.Disconnect(link))
    world.report(world.host, ev.Disconnect(world.host.link))
    world.settle()
    assert closed(world, world.guest) == closed(world, world.host) == (Reason.DISCONNECTED, True)
    world.host.ledger.at_rest()
    world.guest.ledger.at_rest()


def test_texts_and_goodbyes_cross(world: World) -> None:
    link = world.link_up()
    host_link = world.host.link
    world.report(world.guest, ev.SendText(link, "last words"))
    world.report(world.host, ev.SendText(host_link, "also"))
    world.report(world.guest, ev.Disconnect(link))
    world.settle()
    assert world.texts(world.host) == ["last words"]
    assert closed(world, world.host) == (Reason.PEER_LEFT, True)


def test_the_host_cannot_be_reached(world: World) -> None:
    world.reachable = False
    world.join()
    world.advance(3.9)
    assert world.status(world.guest).stage is st.Stage.DIALING
    world.advance(0.1)
    assert closed(world, world.guest) == (Reason.NO_ANSWER, False)


def test_proxim_is_not_open_there_any_more(world: World) -> None:
    code = world.host.shown.code
    assert code is not None
    world.handle(world.host, ev.Shutdown())
    world.handle(world.guest, ev.Join(parse_target(code)))
    assert closed(world, world.guest) == (Reason.REFUSED, False)


def test_udp_is_blocked_and_the_same_code_works_once_it_is_not(world: World) -> None:
    shown = world.host.shown
    world.udp = world.lanes_work = False
    world.link_up()
    world.advance(15)
    assert closed(world, world.guest) == (Reason.LINK_TIMEOUT, False)
    assert closed(world, world.host) == (Reason.LINK_TIMEOUT, False)
    assert world.host.shown == shown
    world.udp = True
    world.link_up()
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_the_guest_cancels_while_linking_and_may_ask_again_soon(world: World) -> None:
    world.udp = world.lanes_work = False
    link = world.link_up()
    world.handle(world.guest, ev.Disconnect(link))
    world.advance(4)
    assert closed(world, world.host) == (Reason.GUEST_LEFT, False)
    world.udp = True
    world.link_up()
    assert world.status(world.host).stage is st.Stage.CONNECTED


def test_an_open_link_outlives_its_sockets(world: World) -> None:
    link = world.link_up()
    world.cut_wire()
    world.settle()
    world.handle(world.guest, ev.SendText(link, "still here"))
    assert world.texts(world.host) == ["still here"]
    world.handle(world.host, ev.Disconnect(world.host.link))
    assert closed(world, world.guest) == (Reason.CLOSED, True)


def test_sockets_lost_while_asking(world: World) -> None:
    world.join()
    world.cut_wire()
    world.settle()
    assert closed(world, world.guest) == (Reason.HOST_GONE, False)
    assert not world.host.ledger.prompts


def test_a_network_that_goes_dark_is_noticed_by_both_within_6_seconds(world: World) -> None:
    world.link_up()
    world.advance(10.3)
    world.vanish()
    world.reachable = False
    world.advance(6)
    assert world.status(world.guest).stage is world.status(world.host).stage is st.Stage.WAITING


def test_a_laptop_that_slept_is_no_silent_peer(world: World) -> None:
    world.link_up()
    world.advance(10)
    slept = 3600.0
    world.host.now = world.guest.now = world.host.now + slept
    world.advance(30)
    assert world.status(world.guest).stage is world.status(world.host).stage is st.Stage.CONNECTED


def test_a_one_time_session_ends_with_its_link_and_a_fresh_code_is_shown(world: World) -> None:
    before = world.host.shown
    link = world.link_up()
    world.handle(world.guest, ev.Disconnect(link))
    assert closed(world, world.host) == (Reason.PEER_LEFT, True)
    assert world.host.shown.session_id != before.session_id
    world.handle(world.guest, ev.Join(parse_target(before.url)))
    assert closed(world, world.guest) == (Reason.UNKNOWN_SESSION, False)


def test_a_temporary_session_ends_for_both_when_its_time_is_over() -> None:
    world = world_of(ev.Invite(ev.SessionType.TEMPORARY, 60.0))
    world.link_up()
    world.advance(60)
    assert closed(world, world.guest) == (Reason.EXPIRED, True)
    assert closed(world, world.host) == (Reason.EXPIRED, True)


def test_the_guest_of_a_persistent_session_comes_back_after_a_day() -> None:
    world = world_of(ev.Invite(ev.SessionType.PERSISTENT))
    target = parse_target(world.host.shown.url)
    link = world.link_up()
    world.handle(world.guest, ev.Disconnect(link))
    world.advance(86400)
    world.handle(world.guest, ev.Join(target))
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_the_hosts_network_moves_while_a_guest_asks_and_while_one_is_linked(world: World) -> None:
    world.join()
    world.handle(world.host, ev.NetworksSeen((WIFI,)))
    assert closed(world, world.guest) == (Reason.HOST_GONE, False)
    assert not world.host.ledger.prompts
    world.link_up()
    world.handle(world.host, ev.NetworksSeen((ETHERNET,)))
    assert world.status(world.guest).stage is st.Stage.CONNECTED
    assert reasons([do.Publish(status) for status in world.host.ledger.statuses]) == [
        Reason.NETWORK_CHANGED
    ]


def test_a_program_is_host_and_guest_at_once(world: World) -> None:
    bench = world.host
    world.link_up()
    dialled = bench.handle(ev.Join(JoinTarget("192.168.1.200", 47800, host_code.CODE_SESSION_ID)))
    assert pair_do.Dial(ev.ConnectionID(1, dialled=True), "ws://192.168.1.200:47800/ws") in dialled
    asked = bench.handle(
        pair_ev.ConnectionOpened(ev.ConnectionID(1, dialled=True), "192.168.1.200")
    )
    assert sent(asked) == [pair_msg.PairRequest(host_code.CODE_SESSION_ID, HOST_DEVICE)]
    assert bench.handle(ev.TimerFired(ev.LinkTimer(ev.TimerName.ANSWER, ev.LinkID("guest-1"))))
    said = st.TextReceived(world.host.link, "hi")
    heard = bench.handle(
        link_ev.ChannelMessage(
            world.host.link, 0, link_msg.dump_link_message(link_text.TextPiece("hi"))
        )
    )
    assert heard == [do.Publish(said)]


# --- lanes ----------------------------------------------------------------------------------------


def test_udp_is_blocked_and_everything_goes_over_a_lane(world: World) -> None:
    world.udp = False
    link = world.link_up()
    world.advance(5.9)
    assert world.status(world.guest).stage is not st.Stage.CONNECTED
    world.advance(0.1)
    for side in (world.host, world.guest):
        status = world.status(side)
        assert (
            status.stage,
            status.via,
            "text" in status.features,
            "files" in status.features,
        ) == (
            st.Stage.CONNECTED,
            st.Via.LANE,
            True,
            True,
        )
        assert not side.ledger.peers
    world.handle(world.guest, ev.SendText(link, "over the lane"))
    world.handle(world.host, ev.SendText(world.host.link, "and back"))
    assert (world.texts(world.host), world.texts(world.guest)) == (["over the lane"], ["and back"])
    # The link's heartbeats keep it.
    world.advance(3600)
    send(world, world.guest, "photo")
    assert arrived(world, world.host) == {"photo": CONTENT["photo"]}
    assert not [
        text
        for _, text in world.frames
        if any(token.hex() in text for token in world.host.ledger.tokens)
    ]
    world.handle(world.guest, ev.Disconnect(link))
    assert closed(world, world.host) == (Reason.PEER_LEFT, True)
    for side in (world.host, world.guest):
        side.ledger.at_rest()


def test_without_ice_the_lane_is_dialled_at_once(world: World) -> None:
    world.udp = False
    link = world.link_up()
    world.handle(world.host, link_ev.PeerFailed(world.host.link, Reason.ICE_FAILED))
    assert world.status(world.host).stage is not st.Stage.CLOSED
    world.handle(world.guest, link_ev.PeerFailed(link, Reason.ICE_FAILED))
    assert world.status(world.guest).via is world.status(world.host).via is st.Via.LANE


def test_a_lane_that_carried_the_link_and_breaks_is_a_lost_link(world: World) -> None:
    world.udp = False
    world.link_up()
    world.advance(6)
    world.cut_lanes()
    world.settle()
    assert world.status(world.guest).stage is world.status(world.host).stage is st.Stage.WAITING
    world.advance(10)
    for side in (world.host, world.guest):
        status = world.status(side)
        assert (status.stage, status.via, status.resumes is not None) == (
            st.Stage.CONNECTED,
            st.Via.LANE,
            True,
        )
    world.udp = True
    world.cut_lanes()
    world.advance(10)
    assert world.status(world.guest).via is world.status(world.host).via is st.Via.WEBRTC


def test_a_silent_lane_is_noticed_within_6_seconds(world: World) -> None:
    world.udp = False
    world.link_up()
    world.advance(10)
    world.vanish()
    world.reachable = False
    world.advance(6)
    assert world.status(world.guest).stage is world.status(world.host).stage is st.Stage.WAITING


def test_a_guest_without_a_proof_gets_no_lane_for_its_link(world: World) -> None:
    world.udp = False
    shown = parse_target(world.host.shown.url)
    world.handle(world.guest, ev.Join(JoinTarget(shown.address, shown.port, shown.session_id)))
    world.decide(approved=True)
    world.advance(14)
    assert not world.host.ledger.tokens
    assert not world.guest.ledger.lanes
    world.advance(1)
    assert closed(world, world.guest) == closed(world, world.host) == (Reason.LINK_TIMEOUT, False)


@each_row("steps", range(8))
def test_webrtc_opens_while_the_lane_is_dialled(steps: int) -> None:
    """No matter whether WebRTC or the lane opens first at each end, both ends choose the same
    way, and the link is not lost.
    """
    world = new_world()
    world.udp = False
    link = world.link_up()
    world.advance(5.9)
    host_link = world.host.link
    world.udp = True
    world.host.now = world.guest.now = world.guest.now + 0.1
    world.report(world.guest, ev.TimerFired(ev.LinkTimer(ev.TimerName.LANE, link)))
    for _ in range(steps):
        world.step()
    world._open(world._pair(link))
    world.settle()
    statuses = [world.status(side) for side in (world.guest, world.host)]
    assert [one.stage for one in statuses] == [st.Stage.CONNECTED] * 2
    assert statuses[0].via is statuses[1].via
    for side, one in ((world.guest, link), (world.host, host_link)):
        world.handle(side, ev.SendText(one, "here"))
    assert world.texts(world.host) == world.texts(world.guest) == ["here"]
    assert (link in world.guest.ledger.peers) == (statuses[0].via is st.Via.WEBRTC)


def test_webrtc_opens_at_the_host_alone_before_the_guest_takes_the_lane(world: World) -> None:
    world.udp = False
    link = world.link_up()
    host_link = world.host.link
    world.handle(world.host, link_ev.ChannelOpened(host_link, 0, "control"))
    assert world.status(world.host).via is st.Via.WEBRTC
    world.advance(6)
    assert world.status(world.guest).via is world.status(world.host).via is st.Via.LANE
    world.handle(world.host, ev.SendText(host_link, "here"))
    world.handle(world.guest, ev.SendText(link, "here"))
    assert world.texts(world.host) == world.texts(world.guest) == ["here"]


# --- files ----------------------------------------------------------------------------------------

CONTENT = {"photo": bytes(range(40)), "notes/one": b"one", "notes/empty": b""}


def give(side: Bench) -> None:
    for path, content in CONTENT.items():
        side.disk.put(path, content)


def send(world: World, side: Bench, *paths: str) -> None:
    """Let one side send and the other accept, and move all bytes."""
    give(side)
    world.handle(side, file_ev.SendPaths(world.status(side).link, paths))
    world.accept_files()
    world.settle()


def arrived(world: World, side: Bench) -> dict[str, bytes]:
    return {
        path: content for files in side.disk.arrived.values() for path, content in files.items()
    }


def last_transfer(side: Bench) -> file_st.TransferStatus:
    return list(side.ledger.transfers.values())[-1]


@each_row("by_guest", [True, False])
@each_row("lane", [True, False])
def test_files_go_both_ways(by_guest: bool, lane: bool) -> None:
    world = new_world()
    world.lanes_work = lane
    world.link_up()
    sender, receiver = (world.guest, world.host) if by_guest else (world.host, world.guest)
    send(world, sender, "photo", "notes")
    # The time passes in which a lane could open.
    world.advance(10)
    for side in (sender, receiver):
        status = last_transfer(side)
        assert (status.state, status.moved, status.failed) == (file_st.TransferState.DONE, 43, ())
        assert status.direction is (Direction.OUT if side is sender else Direction.IN)
    assert arrived(world, receiver) == CONTENT
    assert last_transfer(sender).via is (st.Via.LANE if lane else st.Via.WEBRTC)
    # The link itself stays on WebRTC.
    assert world.status(world.host).via is st.Via.WEBRTC


def test_a_lane_that_is_cut_is_opened_again_and_not_a_byte_is_lost(world: World) -> None:
    world.link_up()
    give(world.guest)
    for _ in range(3):
        world.handle(world.guest, file_ev.SendPaths(world.status(world.guest).link, ("photo",)))
        world.accept_files()
        for _ in range(8):
            world.step()
        world.cut_lanes()
        world.settle()
        world.advance(2)
        assert (
            last_transfer(world.guest).state
            is last_transfer(world.host).state
            is file_st.TransferState.DONE
        )
    assert [files["photo"] for files in world.host.disk.arrived.values()] == [CONTENT["photo"]] * 3


def test_a_transfer_waits_with_its_link_and_goes_on_with_it(world: World) -> None:
    world.link_up()
    world.advance(1)
    give(world.guest)
    world.handle(world.guest, file_ev.SendPaths(world.status(world.guest).link, ("photo",)))
    world.accept_files()
    while not world.guest.ledger.sending:
        world.step()
    world.queue.clear()
    world.vanish()
    world.reachable = False
    world.advance(6)
    assert (
        last_transfer(world.guest).state
        is last_transfer(world.host).state
        is file_st.TransferState.WAITING
    )
    world.reachable = True
    world.advance(10)
    assert (
        last_transfer(world.guest).state
        is last_transfer(world.host).state
        is file_st.TransferState.DONE
    )
    assert arrived(world, world.host) == {"photo": CONTENT["photo"]}


def test_files_that_wait_for_another_device_are_sent_after_a_moment(world: World) -> None:
    """The device with a part of the files would ask for them within that time; this one does not
    know them.
    """
    world.link_up()
    give(world.host)
    world.handle(world.host, file_ev.SendPaths(world.status(world.host).link, ("photo",)))
    world.accept_files()
    while not world.host.ledger.sending:
        world.step()
    waits = last_transfer(world.host).transfer
    world.handle(world.host, ev.Disconnect(world.status(world.host).link))
    # The guest now knows no more than another device.
    files_of(world.guest)._incoming.clear()
    world.link_up()
    world.handle(world.host, file_ev.SendPaths(world.status(world.host).link, ("photo",)))
    assert not world.host.ledger.sending
    (timer,) = [one for one in world.host.ledger.timers if isinstance(one, file_ev.TransferTimer)]
    assert timer.scope != waits
    assert world.host.ledger.timers[timer] == world.host.now + RESUME_GRACE_SECONDS
    world.advance(RESUME_GRACE_SECONDS)
    assert timer not in world.host.ledger.timers
    world.accept_files()
    world.settle()
    assert last_transfer(world.host).transfer == timer.scope
    assert last_transfer(world.host).state is file_st.TransferState.DONE
    assert arrived(world, world.guest) == {"photo": CONTENT["photo"]}
    assert world.host.ledger.transfers[waits].state is file_st.TransferState.WAITING


def test_a_link_that_ends_while_files_are_held_back(world: World) -> None:
    world.link_up()
    give(world.host)
    world.handle(world.host, file_ev.SendPaths(world.status(world.host).link, ("photo",)))
    world.accept_files()
    while not world.host.ledger.sending:
        world.step()
    world.handle(world.host, ev.Disconnect(world.status(world.host).link))
    # The guest now knows no more than another device.
    files_of(world.guest)._incoming.clear()
    world.link_up()
    world.handle(world.host, file_ev.SendPaths(world.status(world.host).link, ("photo",)))
    assert any(one.name is file_ev.FileTimer.STALL for one in world.host.ledger.timers)
    world.handle(world.host, ev.Disconnect(world.status(world.host).link))
    assert not any(one.name is file_ev.FileTimer.STALL for one in world.host.ledger.timers)
    assert last_transfer(world.host).reason is Reason.NOT_CONNECTED


@each_row("by_guest", [True, False])
def test_files_for_a_lost_link_wait_for_no_click_and_reach_the_link_that_goes_on(
    by_guest: bool,
) -> None:
    world = new_world()
    world.link_up()
    world.advance(1)
    side, other = (world.guest, world.host) if by_guest else (world.host, world.guest)
    old = world.status(side).link
    give(side)
    world.vanish()
    world.reachable = False
    world.advance(6)
    assert published(side.handle(file_ev.SendPaths(old, ("photo",)))) == [
        st.Trouble(Problem(Reason.NOT_CONNECTED), old)
    ]
    world.reachable = True
    world.advance(10)
    assert world.status(side).resumes == old
    world.handle(side, file_ev.SendPaths(old, ("photo",)))
    world.accept_files()
    world.settle()
    assert arrived(world, other) == {"photo": CONTENT["photo"]}
    assert last_transfer(side).link == world.status(side).link != old


def test_files_for_a_link_that_is_not_there_are_not_connected(world: World) -> None:
    world.join()
    for side, link in (
        (world.guest, "guest-1"),
        (world.guest, "guest-9"),
        (world.host, "host-9"),
        (world.guest, "x"),
    ):
        told = [do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), ev.LinkID(link)))]
        assert side.handle(file_ev.SendPaths(ev.LinkID(link), ("photo",))) == told


def test_a_peer_that_knows_no_files_is_sent_none(world: World) -> None:
    link = world.link_up()
    # Now the peer's hello seems not to have named the feature.
    files_of(world.guest)._peers_linked.clear()
    told = [do.Publish(st.Trouble(Problem(Reason.FILES_UNSUPPORTED), link))]
    assert world.guest.handle(file_ev.SendPaths(link, ("photo",))) == told


def test_what_is_accepted_unseen_is_asked_of_nobody() -> None:
    bench = HostBench()
    bench.program = program(
        HOST_DEVICE,
        bench.prover,
        invitations(ONE_TIME, bench.prover),
        accept=file_ev.AcceptPolicy(without_asking=True),
    )
    world = World(host=bench)
    world.settle()
    world.link_up()
    give(world.guest)
    world.handle(world.guest, file_ev.SendPaths(world.status(world.guest).link, ("photo",)))
    assert arrived(world, world.host) == {"photo": CONTENT["photo"]}


def test_a_transfer_that_is_cancelled_or_tried_again(world: World) -> None:
    link = world.link_up()
    give(world.guest)
    world.handle(world.guest, file_ev.SendPaths(link, ("photo",)))
    transfer = last_transfer(world.guest).transfer
    world.handle(world.guest, file_ev.CancelTransfer(transfer))
    assert last_transfer(world.host).state is file_st.TransferState.CANCELLED
    world.handle(world.guest, file_ev.RetryTransfer(transfer))
    world.handle(world.host, file_ev.AcceptTransfer(last_transfer(world.host).transfer))
    assert arrived(world, world.host) == {"photo": CONTENT["photo"]}


def test_a_transfer_that_stalls_on_its_lane_closes_it(world: World) -> None:
    link = world.link_up()
    give(world.guest)
    world.handle(world.guest, file_ev.SendPaths(link, ("photo",)))
    world.accept_files()
    while not world.guest.ledger.sending:
        world.step()
    (transfer,) = world.guest.ledger.sending
    stall = file_ev.TransferTimer(file_ev.FileTimer.STALL, transfer)
    world.report(world.guest, ev.TimerFired(stall))
    assert link in world.guest.ledger.lanes_closing
    world.settle()
    world.advance(2)
    assert arrived(world, world.host) == {"photo": CONTENT["photo"]}


# --- two programs, anything in any order ----------------------------------------------------------


class AnyWorld(RuleBasedStateMachine):
    """Two honest programs, whatever their people and networks do: there is no error and no
    INTERNAL, and both programs recover.
    """

    @initialize(
        kind=strategies.sampled_from(ev.SessionType),
        lanes_work=strategies.booleans(),
        udp=strategies.sampled_from([True, True, False]),
    )
    def start(self, kind: ev.SessionType, lanes_work: bool, udp: bool) -> None:
        self.world = world_of(ev.Invite(kind, 60.0), FakeSpake2)
        self.world.lanes_work, self.world.udp = lanes_work, udp
        for side in (self.world.host, self.world.guest):
            give(side)

    @rule(by_guest=strategies.booleans(), path=strategies.sampled_from(["photo", "notes", "gone"]))
    def somebody_sends_files(self, by_guest: bool, path: str) -> None:
        side = self.world.guest if by_guest else self.world.host
        for link in list(side.ledger.links):
            self.world.report(side, file_ev.SendPaths(link, (path,)))

    @rule()
    def files_are_accepted(self) -> None:
        self.world.accept_files()

    @rule(
        by_guest=strategies.booleans(), retry=strategies.booleans(), which=strategies.integers(0, 5)
    )
    def somebody_cancels_or_retries_a_transfer(
        self, by_guest: bool, retry: bool, which: int
    ) -> None:
        side = self.world.guest if by_guest else self.world.host
        known = list(side.ledger.transfers)
        if known:
            transfer = known[which % len(known)]
            self.world.report(
                side, file_ev.RetryTransfer(transfer) if retry else file_ev.CancelTransfer(transfer)
            )

    @rule(work=strategies.booleans())
    def lanes_work_or_do_not(self, work: bool) -> None:
        self.world.lanes_work = work

    @rule()
    def the_lanes_are_cut(self) -> None:
        self.world.cut_lanes()

    @rule(by_guest=strategies.booleans(), steps=strategies.integers(0, 20))
    def all_goes_well(self, by_guest: bool, steps: int) -> None:
        """Take the next right steps; chance alone rarely moves files."""
        world = self.world
        if not world.guest.ledger.links:
            self.the_guest_joins()
            world.settle()
            self.the_host_decides(approved=True)
            world.advance(7)
        self.somebody_sends_files(by_guest=by_guest, path="photo")
        for _ in range(steps):
            world.step()
        world.accept_files()
        for _ in range(steps):
            world.step()

    @rule(text=strategies.text(max_size=10), by_guest=strategies.booleans())
    def somebody_writes(self, text: str, by_guest: bool) -> None:
        side = self.world.guest if by_guest else self.world.host
        for link in list(side.ledger.links):
            self.world.report(side, ev.SendText(link, text))

    @rule()
    def the_guest_joins(self) -> None:
        invitation = self.world.host.ledger.invitation
        if invitation is not None and invitation.code is not None:
            self.world.report(self.world.guest, ev.Join(parse_target(invitation.code)))

    @rule(approved=strategies.sampled_from([True, True, False]))
    def the_host_decides(self, approved: bool) -> None:
        for session_id in list(self.world.host.ledger.prompts):
            self.world.report(self.world.host, ev.Decide(session_id, approved))

    @rule(by_guest=strategies.booleans())
    def somebody_disconnects(self, by_guest: bool) -> None:
        side = self.world.guest if by_guest else self.world.host
        for link in list(side.ledger.links):
            self.world.report(side, ev.Disconnect(link))

    @rule(kind=strategies.sampled_from(ev.SessionType))
    def the_host_invites(self, kind: ev.SessionType) -> None:
        self.world.report(self.world.host, ev.Invite(kind, 60.0))

    @rule(networks=strategies.sampled_from([(ETHERNET,), (WIFI,), (ETHERNET, WIFI), ()]))
    def the_network_changes(self, networks: tuple[ev.Network, ...]) -> None:
        self.world.report(self.world.host, ev.NetworksSeen(networks))

    @rule()
    def the_wire_is_cut(self) -> None:
        self.world.cut_wire()

    @rule()
    def the_network_goes_dark(self) -> None:
        self.world.vanish()

    @rule(reachable=strategies.booleans())
    def the_host_can_be_reached_or_not(self, reachable: bool) -> None:
        self.world.reachable = reachable

    @rule(udp=strategies.booleans())
    def udp_is_blocked_or_not(self, udp: bool) -> None:
        self.world.udp = udp

    @precondition(lambda self: bool(self.world.queue))
    @rule(count=strategies.integers(1, 5))
    def some_things_arrive(self, count: int) -> None:
        for _ in range(count):
            self.world.step()

    @rule()
    def all_arrives(self) -> None:
        self.world.settle()

    @rule(seconds=strategies.sampled_from([0.5, 5.0, 16.0, 41.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    def teardown(self) -> None:
        """Check that after all this a code is shown and that a guest that types it gets linked."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.udp = world.reachable = world.lanes_work = True
        world.settle()
        world.handle(world.host, ev.NetworksSeen((ETHERNET,)))
        for side in (world.host, world.guest):
            for link in list(side.ledger.links):
                world.handle(side, ev.Disconnect(link))
        # The tries for the previous code may be used up.
        world.handle(world.host, ev.Invite(ev.SessionType.ONE_TIME))
        world.advance(60)
        assert isinstance(world.host.ledger.invitation, st.Invitation)
        world.link_up()
        assert (
            world.status(world.guest).stage is world.status(world.host).stage is st.Stage.CONNECTED
        )
        for _ in range(3):
            world.accept_files()
            world.advance(20)
        self.check_files()
        world.handle(world.guest, ev.Shutdown())
        world.handle(world.host, ev.Shutdown())
        for side in (world.host, world.guest):
            side.ledger.at_rest()
            assert side.ledger.timers == {}

    def check_files(self) -> None:
        """Check that each announced transfer arrived unchanged, or both know that it did not, or
        it waits for a side that forgot it.
        """
        for side in (self.world.host, self.world.guest):
            for files in side.disk.arrived.values():
                for path, content in files.items():
                    assert content == CONTENT[path]
            for status in side.ledger.transfers.values():
                assert status.over or status.state is file_st.TransferState.WAITING, status
                other = self.world.guest if side is self.world.host else self.world.host
                there = other.ledger.transfers.get(status.transfer)
                if (
                    status.state is file_st.TransferState.DONE
                    and there is not None
                    and status.direction is Direction.OUT
                ):
                    assert there.state is file_st.TransferState.DONE


AnyWorld.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyWorld = AnyWorld.TestCase


@pytest.mark.nightly
def test_any_world_for_long() -> None:
    run_state_machine_as_test(
        AnyWorld, settings=settings(max_examples=1000, stateful_step_count=40, deadline=None)
    )
