"""Tests of proxim.core.lane: when a lane is offered, dialled, waited for and given up."""

from collections.abc import Callable

import pytest

from proxim.core.commands import CancelTimer, CloseLane, Command, DialLane, ExpectLane, SetTimer
from proxim.core.events import LinkID, Timer, TimerName
from proxim.core.file_messages import LANE_KEY_BYTES, LANE_TOKEN_BYTES, OfferLane
from proxim.core.lane import (
    FALLBACK_SECONDS,
    MAX_TRIES,
    OPEN_SECONDS,
    RETRY_SECONDS,
    WAIT_SECONDS,
    Lane,
    LaneSecret,
    LaneTerms,
    proved_secret,
)
from proxim.core.proof import ProofKeys

LINK = LinkID("link")
URL = "ws://192.168.1.5:47800/lane"
TIMER = Timer(TimerName.LANE, LINK)
SECRET = LaneSecret(b"t" * LANE_TOKEN_BYTES, b"k" * LANE_KEY_BYTES)
OFFER = OfferLane(b"o" * LANE_TOKEN_BYTES, b"O" * LANE_KEY_BYTES)


def counting() -> Callable[[int], bytes]:
    numbers = iter(range(100))
    return lambda length: next(numbers).to_bytes(length, "big")


def host(secret: LaneSecret | None = None) -> Lane:
    return Lane(LINK, LaneTerms(None, secret), counting())


def guest(secret: LaneSecret | None = None) -> Lane:
    return Lane(LINK, LaneTerms(URL, secret), counting())


def timer(seconds: float) -> Command:
    return SetTimer(TIMER, seconds)


def test_both_sides_of_a_proof_know_a_lane() -> None:
    keys = [ProofKeys(b"context", b"guest", b"host", b"secret") for _ in range(2)]
    ours, theirs = (proved_secret(one) for one in keys)
    assert ours is not None
    assert ours == theirs
    assert (len(ours.token), len(ours.key)) == (LANE_TOKEN_BYTES, LANE_KEY_BYTES)
    assert ours.token != ours.key[:LANE_TOKEN_BYTES]
    assert proved_secret(None) is None
    assert repr(ours.token) not in repr(ours)
    assert repr(ours.key) not in repr(ours)


# --- a lane for the whole link ---------------------------------------------------------------------------------------


def test_a_guest_dials_where_webrtc_finds_no_way() -> None:
    lane = guest(SECRET)
    assert lane.can_carry_link
    assert lane.prepare() == [timer(FALLBACK_SECONDS)]
    dial = DialLane(LINK, URL, SECRET.token, SECRET.key, carries_link=True)
    assert lane.dial_for_link() == [CancelTimer(TIMER), dial]
    assert lane.dial_for_link() == []  # once
    assert lane.not_needed() == [CancelTimer(TIMER), CloseLane(LINK)]


def test_a_host_expects_it() -> None:
    lane = host(SECRET)
    assert lane.prepare() == [ExpectLane(LINK, SECRET.token, SECRET.key)]
    assert lane.dial_for_link() == []
    assert lane.not_needed() == [CancelTimer(TIMER)]
    assert lane.close() == [CancelTimer(TIMER), CloseLane(LINK)]


@pytest.mark.parametrize("make", [host, guest])
def test_where_nothing_was_proved_none_carries_the_link(make: Callable[[], Lane]) -> None:
    lane = make()
    assert not lane.can_carry_link
    assert lane.prepare() == []
    assert lane.dial_for_link() == []
    assert lane.offer() is None


# --- a lane beside the link ------------------------------------------------------------------------------------------


def test_a_host_offers() -> None:
    lane = host()
    assert lane.want()[1:] == [timer(OPEN_SECONDS)]
    offer = lane.offer()
    assert offer is not None
    assert lane.pending
    assert lane.want() == []  # it is on its way
    assert lane.opened() == [CancelTimer(TIMER)]
    assert (lane.open, lane.pending) == (True, False)
    assert lane.offer() is None
    assert lane.want() == []
    assert lane.waited() == []


def test_a_host_expects_what_it_offers_and_never_the_same_again() -> None:
    lane = host()
    seen = set()
    for _ in range(MAX_TRIES):
        (expect, _) = lane.want()
        offer = lane.offer()
        assert offer is not None
        assert expect == ExpectLane(LINK, offer.token, offer.key)
        seen |= {offer.token, offer.key}
        lane.lost()
    assert len(seen) == 2 * MAX_TRIES
    assert lane.want() == []  # it breaks too often


def test_a_host_offers_again_what_broke() -> None:
    lane = host()
    lane.want()
    lane.opened()
    assert lane.lost() == [timer(RETRY_SECONDS)]
    assert not lane.open
    assert isinstance(lane.waited()[0], ExpectLane)
    assert lane.waited() == [CloseLane(LINK), timer(RETRY_SECONDS)]  # nobody dialled
    assert not lane.pending


def test_a_host_gives_up_after_some() -> None:
    lane = host()
    for _ in range(MAX_TRIES - 1):
        lane.want()
        lane.lost()
    lane.want()
    assert lane.waited() == [CloseLane(LINK)]
    lane.pending = True
    assert lane.lost() == [CancelTimer(TIMER)]


def test_a_lane_that_was_never_offered_is_not_offered_again() -> None:
    lane = host(SECRET)
    lane.prepare()
    lane.opened()  # it carried the link
    assert lane.lost() == [CancelTimer(TIMER)]


def test_a_guest_waits_for_the_offer_and_dials() -> None:
    lane = guest()
    assert lane.want() == [timer(WAIT_SECONDS)]
    assert lane.offer() is None
    assert lane.offered(OFFER) == [DialLane(LINK, URL, OFFER.token, OFFER.key), timer(OPEN_SECONDS)]
    assert lane.pending
    lane.opened()
    assert lane.offered(OFFER) == []  # the host does not know yet
    assert lane.lost() == [CancelTimer(TIMER)]


def test_a_guest_does_not_wait_for_ever() -> None:
    lane = guest()
    lane.want()
    assert lane.waited() == [CloseLane(LINK)]
    assert not lane.pending
    assert lane.waited() == []


def test_a_guest_takes_so_many_offers() -> None:
    lane = guest()
    for _ in range(MAX_TRIES):
        assert lane.offered(OFFER)
        lane.lost()
    assert lane.offered(OFFER) is None
    assert host().offered(OFFER) is None  # a host is offered none


def test_close() -> None:
    lane = host()
    lane.want()
    assert lane.close() == [CancelTimer(TIMER), CloseLane(LINK)]
    assert (lane.open, lane.pending) == (False, False)
    assert guest().close() == []  # there never was one
