"""Tests of proxim.core.link.lane: what a link may do about lanes. tests/core/link/test_link.py
tests the link around it.
"""

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.link import commands as link_do
from proxim.core.link import messages as link_msg
from proxim.core.link.lane import (
    MAX_TRIES,
    RETRY_SECONDS,
    LanePolicy,
    LaneSecret,
    LaneTerms,
    proved_secret,
)
from proxim.core.pairing.proof import ProofKeys
from tests.core.handed_in import counting_bytes
from tests.rows import each_row

ID = ev.LinkID("guest-1")
URL = "ws://192.168.1.5:47800/lane"
KEYS = ProofKeys(b"request", b"guest share", b"host share", bytes(32))
OFFER = link_msg.OfferLane(b"T" * 16, b"K" * 32)
TIMER = ev.LinkTimer(ev.TimerName.LANE, ID)


def lane(*, host: bool, keys: ProofKeys | None = None) -> LanePolicy:
    return LanePolicy(
        ID, LaneTerms(None if host else URL, proved_secret(keys)), counting_bytes(), offered_on_link
    )


def offered_on_link(offer: link_msg.OfferLane) -> do.Command:
    return link_do.SendOnChannel(ID, 1, link_msg.dump_link_message(offer))


def test_the_secret_of_a_proof_is_the_same_at_both_ends_and_in_no_log() -> None:
    secret = proved_secret(KEYS)
    assert secret == LaneSecret(KEYS.key("lane token")[:16], KEYS.key("lane key"))
    assert len(secret.token) == 16
    assert len(secret.key) == 32
    assert secret.token not in secret.key
    assert proved_secret(None) is None
    shown = repr(
        (secret, LaneTerms(URL, secret), lane(host=True, keys=KEYS).prepare(), OFFER, KEYS)
    )
    for hidden in (secret.token, secret.key, OFFER.token, OFFER.key):
        assert repr(hidden)[2:-1] not in shown


def test_a_host_expects_and_a_guest_dials() -> None:
    host, guest = lane(host=True), lane(host=False)
    (expect, _, offer) = host.want()
    assert isinstance(expect, link_do.ExpectLane)
    assert offer == offered_on_link(link_msg.OfferLane(expect.token, expect.key))
    assert [type(command) for command in guest.want()] == [do.SetTimer]
    dialled = guest.offered(OFFER)
    assert dialled is not None
    assert dialled[0] == link_do.DialLane(ID, URL, OFFER.token, OFFER.key)
    assert host.offered(OFFER) is None


def test_nothing_of_it_is_left_where_there_never_was_one() -> None:
    for host in (True, False):
        assert lane(host=host).prepare() == lane(host=host).close() == []
        assert lane(host=host, keys=KEYS).close() == [do.CancelTimer(TIMER), link_do.CloseLane(ID)]


@each_row("host", [True, False])
def test_it_is_wanted_only_so_often(host: bool) -> None:
    one = lane(host=host)
    for _ in range(MAX_TRIES):
        assert one.want() != []
        # The lane is on its way already.
        assert one.want() == []
        if not host:
            assert one.offered(OFFER) is not None
        one.lost()
    assert one.want() == []
    assert not one.pending


def test_a_lane_that_was_never_tried_is_not_offered_again() -> None:
    # The host only expected a lane that the guest could have dialled.
    assert lane(host=True, keys=KEYS).lost() == [do.CancelTimer(TIMER)]
    one = lane(host=True)
    one.want()
    assert one.lost() == [do.SetTimer(TIMER, RETRY_SECONDS)]


def test_only_a_guest_with_a_proof_dials_for_the_whole_link_and_once() -> None:
    assert lane(host=False).dial_for_link() == lane(host=True, keys=KEYS).dial_for_link() == []
    guest = lane(host=False, keys=KEYS)
    assert len(guest.dial_for_link()) == 2
    assert guest.dial_for_link() == []
    assert guest.can_carry_link
    guest.carrier_lost()
    assert not guest.can_carry_link
