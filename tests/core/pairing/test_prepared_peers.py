"""Scripts about the peer that a host prepares while a person decides, and about nobody else's."""

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host import UNPROVED_PREPARED
from proxim.core.program import ProgramEvent
from tests.core.bench import Bench
from tests.core.descriptions import ANSWER, OFFER
from tests.core.handed_in import PHONE
from tests.core.pairing.host_bench import HostBench
from tests.rows import each_row

FIRST, SECOND = ev.LinkID("host-1"), ev.LinkID("host-2")


def new_host() -> HostBench:
    bench = HostBench(ev.Invite(ev.SessionType.PERSISTENT))
    bench.listen()
    return bench


def peers(host: HostBench, event: ProgramEvent) -> list[do.Command]:
    """Report an event, and return what it does with peers, prepared or not."""
    return [
        command
        for command in Bench.handle(host, event)
        if isinstance(command, link_do.PreparePeer | link_do.OpenPeer | link_do.ClosePeer)
    ]


def request(host: HostBench, connection: ev.ConnectionID) -> pair_ev.FrameReceived:
    """Return the event of a guest that asks without a proof."""
    message = pair_msg.PairRequest(host.shown.session_id, PHONE)
    return pair_ev.FrameReceived(connection, pair_msg.dump_message(message))


def decide(host: HostBench, approved: bool) -> ev.Decide:
    return ev.Decide(host.shown.session_id, approved)


def asked() -> tuple[HostBench, ev.ConnectionID]:
    """Return a host whose person is asked about a guest."""
    host = new_host()
    connection = host.connect()
    assert peers(host, request(host, connection)) == [link_do.PreparePeer(FIRST, offerer=False)]
    return host, connection


def test_an_approved_guest_is_linked_by_the_prepared_peer() -> None:
    host, _ = asked()
    assert peers(host, decide(host, approved=True)) == [link_do.OpenPeer(FIRST, offerer=False)]
    assert host.link == FIRST


def test_until_the_approval_nothing_is_sent() -> None:
    host = new_host()
    connection = host.connect()
    commands = Bench.handle(host, request(host, connection))
    assert not any(isinstance(command, link_do.OpenPeer) for command in commands)
    assert FIRST not in host.ledger.links


@each_row("way", ["declined", "timeout", "left", "ended", "shut down", "proof required"])
def test_a_guest_that_is_not_let_in_leaves_no_peer(way: str) -> None:
    host, connection = asked()
    event: ProgramEvent
    match way:
        case "declined":
            event = decide(host, approved=False)
        case "timeout":
            _, timer = host.next_timer() or (0.0, None)
            assert timer is not None
            assert timer.name is ev.TimerName.APPROVAL
            event = ev.TimerFired(timer)
        case "left":
            event = pair_ev.ConnectionLost(connection, None)
        case "ended":
            event = ev.Invite(ev.SessionType.ONE_TIME)
        case "shut down":
            event = ev.Shutdown()
        case _:
            event = ev.SetRequireProof(True)
    assert peers(host, event) == [link_do.ClosePeer(FIRST)]
    assert not host.ledger.prepared


def test_requests_that_nobody_is_asked_about_make_no_peer() -> None:
    host, _ = asked()
    for _ in range(20):
        assert peers(host, request(host, host.connect("192.168.1.99"))) == []
    assert host.ledger.prepared == {False: FIRST}


def test_a_row_of_requests_without_proof_makes_a_few_peers() -> None:
    host = new_host()
    made = 0
    for _ in range(20):
        connection = host.connect()
        made += len(peers(host, request(host, connection)))
        peers(host, pair_ev.ConnectionLost(connection, None))
    assert made == UNPROVED_PREPARED.burst
    # One that proves the code has its peer all the same, and one that comes after a while.
    guest = host.prover_of("192.168.1.50")
    confirm = guest.confirm(host.challenged(guest))
    event = pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(confirm))
    assert any(isinstance(one, link_do.PreparePeer) for one in peers(host, event))
    peers(host, pair_ev.ConnectionLost(guest.connection, None))
    host.now += 1 / UNPROVED_PREPARED.per_second
    assert len(peers(host, request(host, host.connect()))) == 1


def test_a_guest_that_has_yet_to_prove_itself_makes_no_peer() -> None:
    host = new_host()
    guest = host.prover_of()
    asks = pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(guest.request))
    assert peers(host, asks) == []
    assert not host.ledger.prepared


def test_a_request_that_is_refused_at_once_makes_no_peer() -> None:
    host = HostBench(require_proof=True)
    host.listen()
    assert peers(host, request(host, host.connect())) == []
    host, _ = asked()
    peers(host, decide(host, approved=False))
    # The address was declined, so it is not asked about again.
    assert peers(host, request(host, host.connect())) == []


def test_a_proved_guest_takes_the_place_of_one_that_proved_nothing() -> None:
    host, _ = asked()
    guest = host.prover_of("192.168.1.50")
    confirm = guest.confirm(host.challenged(guest))
    confirms = pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(confirm))
    assert peers(host, confirms) == [
        link_do.ClosePeer(FIRST),
        link_do.PreparePeer(SECOND, offerer=False),
    ]
    assert peers(host, decide(host, approved=True)) == []
    number = host.ledger.to_ask.shown[0].number
    approved = ev.Decide(host.shown.session_id, approved=True, number=number)
    assert peers(host, approved) == [link_do.OpenPeer(SECOND, offerer=False)]


def lost() -> tuple[HostBench, st.Invitation]:
    """Return a host that waits for a lost guest and shows another code, and the lost guest's."""
    host = new_host()
    invitation = host.shown
    guest = host.prove()
    link = host.approve(guest)
    host.say(guest.connection, guest.signal(OFFER))
    host.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp))
    host.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
    host.handle(ev.Invite(ev.SessionType.ONE_TIME))
    host.handle(link_ev.PeerFailed(link, Reason.PEER_VANISHED))
    assert host.ledger.links[link].stage is st.Stage.WAITING
    return host, invitation


def proves(host: HostBench, invitation: st.Invitation) -> list[do.Command]:
    """Let a guest prove that it knows a code, and return what that does with peers."""
    guest = host.prover_of("192.168.1.50", by_code=False, invitation=invitation)
    confirm = guest.confirm(host.challenged(guest))
    return peers(host, pair_ev.FrameReceived(guest.connection, pair_msg.dump_message(confirm)))


def test_a_guest_that_asks_for_a_lost_ones_place_has_a_peer_prepared() -> None:
    host, invitation = lost()
    assert proves(host, invitation) == [link_do.PreparePeer(SECOND, offerer=False)]
    (prompt,) = host.ledger.to_ask.shown
    assert peers(host, ev.Decide(prompt.session_id, approved=True)) == [
        link_do.OpenPeer(SECOND, offerer=False)
    ]


def test_a_peer_is_dropped_when_the_person_is_asked_about_another_guest_first() -> None:
    host, invitation = lost()
    assert peers(host, request(host, host.connect("192.168.1.99"))) == [
        link_do.PreparePeer(SECOND, offerer=False)
    ]
    assert proves(host, invitation) == [
        link_do.ClosePeer(SECOND),
        link_do.PreparePeer(ev.LinkID("host-3"), offerer=False),
    ]
    # The answer to the first question brings the second one back.
    (prompt,) = host.ledger.to_ask.shown
    assert peers(host, ev.Decide(prompt.session_id, approved=False)) == [
        link_do.ClosePeer(ev.LinkID("host-3")),
        link_do.PreparePeer(ev.LinkID("host-4"), offerer=False),
    ]
