"""Tests of proxim.core.link.link, then of two whole programs whose network fails and comes back."""

import json
from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.link import events as link_ev
from proxim.core.link.link import RESUME_SECONDS, resumed
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import JoinTarget, parse_target
from proxim.core.pairing.join import GuestState
from tests.core.bench import Bench
from tests.core.in_commands import published, sent
from tests.core.pairing.host_bench import HostBench
from tests.core.two_programs import World
from tests.rows import each_row

GUESTS_LINK, HOSTS_LINK = ev.LinkID("guest-1"), ev.LinkID("host-1")
# Silence is noticed within this many seconds.
NOTICED = 6.0


@pytest.fixture
def world() -> World:
    """Return a one-time session whose guest proved itself by the code and is linked."""
    return linked_by(ev.SessionType.ONE_TIME)


def linked_by(kind: ev.SessionType, lifetime: float | None = None) -> World:
    world = World(host=HostBench(ev.Invite(kind, lifetime)))
    world.settle()
    world.link_up()
    # Each side has received a ping of the other.
    world.advance(1)
    return world


def dark(world: World) -> None:
    """Cut the network: nothing arrives, nothing can be dialled, and both sides have noticed."""
    world.vanish()
    world.reachable = False
    world.advance(NOTICED)


def stages(side: Bench) -> list[st.Stage]:
    return [status.stage for status in side.ledger.statuses if isinstance(status, st.LinkStatus)]


def goes_on(world: World) -> None:
    """Check that both sides publish the link as connected, and that texts arrive both ways."""
    for side in (world.guest, world.host):
        status = world.status(side)
        assert (status.stage, status.verified, "text" in status.features) == (
            st.Stage.CONNECTED,
            devices.Verified.CODE,
            True,
        )
        assert list(side.ledger.links) == [status.link]
        assert len(side.ledger.peers) == 1
    before = len(world.texts(world.host)), len(world.texts(world.guest))
    world.handle(world.guest, ev.SendText(world.status(world.guest).link, "from the guest"))
    world.handle(world.host, ev.SendText(world.status(world.host).link, "from the host"))
    assert (len(world.texts(world.host)), len(world.texts(world.guest))) == (
        before[0] + 1,
        before[1] + 1,
    )


def closed(world: World, side: Bench) -> tuple[Reason | None, bool]:
    status = world.status(side)
    assert status.stage is st.Stage.CLOSED
    assert not side.ledger.links
    assert not side.ledger.peers
    return status.reason, status.was_connected


def names(world: World) -> list[str]:
    """Return the names under which guests asked, oldest first, as a sniffer sees them."""
    messages = [json.loads(text) for by, text in world.frames if by == "guest"]
    return [message["sessionID"] for message in messages if message["type"] == "pair_request"]


# --- what both sides share ------------------------------------------------------------------------


def test_a_link_that_goes_on_keeps_who_it_is_and_nothing_of_the_way_it_went() -> None:
    lost = st.LinkStatus(
        HOSTS_LINK,
        "s",
        st.Stage.WAITING,
        peer_name="Phone",
        peer_address="192.168.1.9",
        verified=devices.Verified.QR,
        deadline=220.0,
        features=("text", "files"),
        was_connected=True,
        via=st.Via.LANE,
        resumes=ev.LinkID("host-0"),
    )
    assert resumed(lost, ev.LinkID("host-2"), "192.168.1.10") == st.LinkStatus(
        ev.LinkID("host-2"),
        "s",
        st.Stage.APPROVED,
        peer_name="Phone",
        peer_address="192.168.1.10",
        verified=devices.Verified.QR,
        was_connected=True,
        resumes=HOSTS_LINK,
    )


# --- two programs ---------------------------------------------------------------------------------


def test_a_lost_link_waits_2_minutes_and_goes_on_without_a_prompt(world: World) -> None:
    before = [len(side.ledger.statuses) for side in (world.host, world.guest)]
    dark(world)
    for side, link in ((world.host, HOSTS_LINK), (world.guest, GUESTS_LINK)):
        status = world.status(side)
        assert (status.link, status.stage, "text" in status.features) == (
            link,
            st.Stage.WAITING,
            False,
        )
        assert (status.reason, status.was_connected, status.resumes) == (None, True, None)
        assert status.deadline is not None
        assert side.now + RESUME_SECONDS - 2 <= status.deadline <= side.now + RESUME_SECONDS
    # No other guest can take the place in the meantime.
    assert world.host.ledger.invitation is None
    world.advance(100)
    world.reachable = True
    # The dial that is under way gives up, and the next one succeeds.
    world.advance(6)
    goes_on(world)
    assert world.status(world.host).resumes == HOSTS_LINK
    assert world.status(world.guest).resumes == GUESTS_LINK
    for side, count in zip((world.host, world.guest), before, strict=True):
        after = side.ledger.statuses[count:]
        assert not [
            status
            for status in after
            if isinstance(status, st.Prompt | st.PairOutcome | st.Trouble)
        ]
        told = [status.stage for status in after if isinstance(status, st.LinkStatus)]
        # CONNECTED is published twice: for text, and for files once the peer has said that it
        # understands them.
        assert told == [
            st.Stage.WAITING,
            st.Stage.APPROVED,
            st.Stage.CONNECTING,
            st.Stage.CONNECTED,
            st.Stage.CONNECTED,
        ]
        assert "files" in world.status(side).features


def test_a_lost_link_goes_on_at_once_where_only_the_link_was_lost(world: World) -> None:
    world.vanish()
    world.advance(NOTICED)
    goes_on(world)


@each_row("kind", ev.SessionType)
def test_it_goes_on_time_and_again_each_time_under_a_new_name(kind: ev.SessionType) -> None:
    world = linked_by(kind, 3600.0)
    for _ in range(3):
        dark(world)
        world.advance(20)
        world.reachable = True
        world.advance(7)
        goes_on(world)
    used = names(world)
    assert len(used) == len(set(used)) == 4
    assert used[0] == "@code"
    assert all(len(name) == 23 and name.startswith("@") for name in used[1:])


def test_by_the_qr_too() -> None:
    world = World()
    world.settle()
    world.handle(world.guest, ev.Join(parse_target(world.host.shown.url)))
    world.decide(approved=True)
    world.advance(1)
    dark(world)
    world.reachable = True
    world.advance(7)
    assert (
        world.status(world.host).verified
        is world.status(world.guest).verified
        is devices.Verified.QR
    )
    assert world.status(world.host).stage is world.status(world.guest).stage is st.Stage.CONNECTED


def test_after_2_minutes_it_is_over_for_both(world: World) -> None:
    dark(world)
    world.advance(RESUME_SECONDS)
    assert closed(world, world.host) == closed(world, world.guest) == (Reason.PEER_VANISHED, True)
    # Another guest may come.
    assert world.host.ledger.invitation is not None
    assert world.guest.ledger.timers == {}
    world.reachable = True
    world.advance(60)
    assert stages(world.host)[-1] is stages(world.guest)[-1] is st.Stage.CLOSED
    world.link_up()
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_the_guest_notices_first(world: World) -> None:
    world.vanish()
    world.handle(world.guest, link_ev.PeerFailed(GUESTS_LINK, Reason.PEER_VANISHED))
    assert world.status(world.guest).stage is st.Stage.WAITING
    assert world.status(world.host).stage is st.Stage.CONNECTED
    world.advance(0)
    goes_on(world)
    assert st.Stage.WAITING not in stages(world.host)
    assert world.status(world.host).resumes == HOSTS_LINK


def test_the_host_notices_first(world: World) -> None:
    world.vanish()
    world.handle(world.host, link_ev.PeerFailed(HOSTS_LINK, Reason.PEER_VANISHED))
    assert world.status(world.host).stage is st.Stage.WAITING
    world.advance(NOTICED)
    goes_on(world)


def test_a_link_that_opens_late_or_not_at_all_is_tried_again(world: World) -> None:
    dark(world)
    world.reachable = True
    world.udp = world.lanes_work = False
    world.advance(40)
    assert world.status(world.guest).stage in (
        st.Stage.WAITING,
        st.Stage.APPROVED,
        st.Stage.CONNECTING,
    )
    assert stages(world.host).count(st.Stage.APPROVED) > 2
    assert not [status for status in world.host.ledger.statuses if isinstance(status, st.Prompt)][
        1:
    ]
    world.udp = True
    world.advance(20)
    goes_on(world)


def test_a_link_that_never_opens_again_is_over_after_2_minutes(world: World) -> None:
    dark(world)
    world.reachable = True
    world.udp = world.lanes_work = False
    world.advance(RESUME_SECONDS + 20)
    assert closed(world, world.guest)[1]
    assert closed(world, world.host)[1]
    assert world.host.ledger.invitation is not None
    assert not [timer for timer in world.host.ledger.timers if timer.name is ev.TimerName.RESUME]


def until_the_host_approves(world: World) -> None:
    """Let events happen one by one until the host has approved the guest."""
    while world.status(world.host).stage is not st.Stage.APPROVED:
        if world.queue:
            world.step()
            continue
        due = [
            (*next_one, side)
            for side in (world.host, world.guest)
            if (next_one := side.next_timer()) is not None
        ]
        at, timer, side = min(due, key=lambda one: one[0])
        world.host.now = world.guest.now = max(world.host.now, at)
        world.report(side, ev.TimerFired(timer))


def test_an_approval_that_is_lost_on_its_way_costs_nothing(world: World) -> None:
    """The host let the guest in under new keys, but the guest never received the approval: it
    comes back under the old keys.
    """
    dark(world)
    world.reachable = True
    until_the_host_approves(world)
    world.queue.clear()
    world.vanish()
    (guest,) = world.guest.program._guests.values()
    assert guest.state is GuestState.ASKING
    world.advance(20)
    goes_on(world)
    assert len(names(world)) == 3
    assert names(world)[-1] == names(world)[-2]
    dark(world)
    world.reachable = True
    world.advance(7)
    goes_on(world)
    assert names(world)[-1] != names(world)[-2]


def test_a_guest_that_heard_the_approval_comes_back_under_its_keys(world: World) -> None:
    dark(world)
    world.reachable = True
    until_the_host_approves(world)
    while world.status(world.guest).stage is not st.Stage.APPROVED:
        world.step()
    world.queue.clear()
    world.vanish()
    world.advance(30)
    goes_on(world)
    assert len(set(names(world))) == len(names(world)) == 3


# --- what people do meanwhile ---------------------------------------------------------------------


def test_the_hosts_person_gives_the_lost_link_up(world: World) -> None:
    dark(world)
    world.handle(world.host, ev.Disconnect(HOSTS_LINK))
    assert closed(world, world.host) == (Reason.DISCONNECTED, True)
    assert world.host.ledger.invitation is not None
    world.reachable = True
    world.advance(7)
    assert closed(world, world.guest) == (Reason.UNKNOWN_SESSION, True)


def test_the_guests_person_gives_the_lost_link_up(world: World) -> None:
    dark(world)
    world.handle(world.guest, ev.Disconnect(GUESTS_LINK))
    assert closed(world, world.guest) == (Reason.DISCONNECTED, True)
    assert world.guest.ledger.timers == {}
    assert world.status(world.host).stage is st.Stage.WAITING
    world.advance(RESUME_SECONDS)
    assert closed(world, world.host) == (Reason.PEER_VANISHED, True)


@each_row("seconds", [0.0, 1.0, 2.5, 5.0])
def test_the_guests_person_gives_up_at_any_moment_of_a_try(seconds: float) -> None:
    world = linked_by(ev.SessionType.ONE_TIME)
    dark(world)
    world.advance(seconds)
    world.handle(world.guest, ev.Disconnect(GUESTS_LINK))
    assert closed(world, world.guest) == (Reason.DISCONNECTED, True)
    assert world.guest.ledger.timers == {}
    assert not world.guest.ledger.dials


def test_a_click_that_crosses_with_the_return_means_the_same_link(world: World) -> None:
    dark(world)
    world.reachable = True
    world.advance(7)
    world.handle(world.host, ev.SendText(HOSTS_LINK, "too late for the old one"))
    world.handle(world.guest, ev.SendText(GUESTS_LINK, "as well"))
    assert world.texts(world.guest) == ["too late for the old one"]
    assert world.texts(world.host) == ["as well"]
    world.handle(world.host, ev.Disconnect(HOSTS_LINK))
    assert closed(world, world.host) == (Reason.DISCONNECTED, True)
    world = linked_by(ev.SessionType.ONE_TIME)
    dark(world)
    world.reachable = True
    world.advance(7)
    world.handle(world.guest, ev.Disconnect(GUESTS_LINK))
    assert closed(world, world.guest) == (Reason.DISCONNECTED, True)


def test_nothing_late_of_the_lost_link_reaches_anybody(world: World) -> None:
    dark(world)
    for wait in (0.0, 20.0):
        world.reachable = wait > 0
        world.advance(wait)
        for side, link in ((world.host, HOSTS_LINK), (world.guest, GUESTS_LINK)):
            assert side.handle(link_ev.PeerFailed(link, Reason.PEER_LEFT)) == []
            assert side.handle(link_ev.ChannelMessage(link, 0, '{"type":"bye"}')) == []
    goes_on(world)


def test_who_writes_meanwhile_is_told_that_nothing_is_connected(world: World) -> None:
    dark(world)
    for side, link in ((world.host, HOSTS_LINK), (world.guest, GUESTS_LINK)):
        assert published(side.handle(ev.SendText(link, "hi"))) == [
            st.Trouble(Problem(Reason.NOT_CONNECTED), link)
        ]


def test_somebody_else_is_told_that_the_session_is_busy(world: World) -> None:
    session_id = world.status(world.host).session_id
    dark(world)
    for name in (session_id, "@code"):
        connection = ev.ConnectionID(500 + len(name))
        world.host.handle(pair_ev.ConnectionOpened(connection, "192.168.1.66"))
        assert sent(world.host.ask(connection, name)) == [
            pair_msg.PairResult(name, approved=False, reason=Reason.BUSY)
        ]
    assert not world.host.ledger.prompts


def test_the_person_may_join_elsewhere_meanwhile(world: World) -> None:
    dark(world)
    elsewhere = JoinTarget("192.168.1.200", 47800, "abc")
    commands = world.guest.handle(ev.Join(elsewhere))
    assert [one.url for one in commands if isinstance(one, pair_do.Dial)] == [
        elsewhere.websocket_url
    ]
    assert published(world.guest.handle(ev.Join(elsewhere))) == [
        st.Trouble(Problem(Reason.JOIN_BUSY))
    ]


def test_the_hosts_program_was_closed_meanwhile(world: World) -> None:
    dark(world)
    world.handle(world.host, ev.Shutdown())
    assert closed(world, world.host) == (Reason.CLOSED, True)
    assert world.host.ledger.timers == {}
    # The host's computer answers, but Proxim does not run there.
    world.reachable = True
    world.advance(60)
    assert world.status(world.guest).stage is st.Stage.WAITING
    world.advance(60)
    assert closed(world, world.guest) == (Reason.PEER_VANISHED, True)
    assert world.guest.ledger.timers == {}


def test_the_guests_program_is_closed_while_it_waits(world: World) -> None:
    dark(world)
    world.handle(world.guest, ev.Shutdown())
    assert closed(world, world.guest) == (Reason.DISCONNECTED, True)
    assert world.guest.ledger.timers == {}


# --- expiry ---------------------------------------------------------------------------------------


def test_a_one_time_session_outlasts_its_15_minutes_while_it_waits(world: World) -> None:
    world.advance(890)
    dark(world)
    world.advance(20)
    assert world.status(world.host).stage is st.Stage.WAITING
    world.reachable = True
    world.advance(7)
    goes_on(world)


def test_a_temporary_session_ends_with_its_lifetime_though_its_guest_is_away() -> None:
    world = linked_by(ev.SessionType.TEMPORARY, 60.0)
    world.advance(30)
    dark(world)
    world.advance(30)
    assert closed(world, world.host) == (Reason.EXPIRED, True)
    assert not [timer for timer in world.host.ledger.timers if timer.name is ev.TimerName.RESUME]
    world.reachable = True
    world.advance(7)
    assert closed(world, world.guest) == (Reason.UNKNOWN_SESSION, True)


@each_row("kind", [ev.SessionType.TEMPORARY, ev.SessionType.PERSISTENT])
def test_a_session_that_may_be_joined_again_is_open_again_after_the_2_minutes(
    kind: ev.SessionType,
) -> None:
    world = linked_by(kind, 3600.0)
    session_id = world.status(world.host).session_id
    dark(world)
    world.advance(RESUME_SECONDS)
    assert closed(world, world.host) == (Reason.PEER_VANISHED, True)
    assert world.host.shown.session_id == session_id


# --- who is not waited for ------------------------------------------------------------------------


def test_a_guest_that_proved_nothing_is_not_waited_for() -> None:
    world = World()
    world.settle()
    world.handle(world.guest, ev.Join(replace(parse_target(world.host.shown.url), qr_secret=None)))
    world.decide(approved=True)
    world.advance(1)
    dark(world)
    assert closed(world, world.host) == closed(world, world.guest) == (Reason.PEER_VANISHED, True)


@each_row("by_guest", [True, False])
def test_who_says_goodbye_is_not_waited_for(by_guest: bool) -> None:
    world = linked_by(ev.SessionType.ONE_TIME)
    side, link = (world.guest, GUESTS_LINK) if by_guest else (world.host, HOSTS_LINK)
    world.handle(side, ev.Disconnect(link))
    world.advance(1)
    assert closed(world, world.host)[1]
    assert closed(world, world.guest)[1]


def test_a_peer_that_broke_the_rules_is_not_waited_for(world: World) -> None:
    world.report(world.host, link_ev.PeerFailed(HOSTS_LINK, Reason.PEER_ERROR))
    world.report(world.guest, link_ev.PeerFailed(GUESTS_LINK, Reason.PEER_ERROR))
    world.settle()
    assert closed(world, world.host) == closed(world, world.guest) == (Reason.PEER_ERROR, True)


def test_a_peer_that_closed_without_goodbye_is_waited_for(world: World) -> None:
    """A browser does this when its page is reloaded, because it has no time for a goodbye."""
    world.report(world.host, link_ev.PeerFailed(HOSTS_LINK, Reason.PEER_LEFT))
    world.report(world.guest, link_ev.PeerFailed(GUESTS_LINK, Reason.PEER_LEFT))
    assert world.status(world.host).stage is st.Stage.WAITING
    world.advance(3)
    goes_on(world)


def test_the_timer_of_the_two_minutes_is_the_sessions(world: World) -> None:
    session_id = world.status(world.host).session_id
    dark(world)
    assert ev.SessionTimer(ev.TimerName.RESUME, session_id) in world.host.ledger.timers
    assert ev.ConnectionID(1, dialled=True) not in {
        guest.connection for guest in world.guest.program._guests.values()
    }
