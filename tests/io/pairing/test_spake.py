"""Tests of proxim.io.pairing.spake, which implements core's interface with a library."""

import os

import pytest

from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.proof import (
    SPAKE2_SHARE_BYTES,
    Method,
    ProofError,
    Side,
    context,
    identities,
)
from proxim.io.pairing.spake import Spake2Exchange

IDENTITIES = identities(context(Method.SPAKE2, "@code", DeviceInfo("Phone", "id")))
CODE = b"02501WK381"


def both(
    guests: bytes = CODE, hosts: bytes = CODE, others: tuple[bytes, bytes] = IDENTITIES
) -> tuple[Spake2Exchange, Spake2Exchange]:
    return Spake2Exchange(guests, Side.GUEST, *IDENTITIES), Spake2Exchange(
        hosts, Side.HOST, *others
    )


def test_who_knows_the_code_agrees_on_a_key() -> None:
    guest, host = both()
    assert len(guest.share) == len(host.share) == SPAKE2_SHARE_BYTES == 33
    assert guest.finish(host.share) == host.finish(guest.share)


def test_no_two_runs_are_alike() -> None:
    guest, host = both()
    again, host_again = both()
    assert len({guest.share, again.share, host.share, host_again.share}) == 4
    assert guest.finish(host.share) != again.finish(host_again.share)


def test_another_code_gives_another_key() -> None:
    guest, host = both(hosts=b"02501WK382")
    assert guest.finish(host.share) != host.finish(guest.share)


def test_another_context_gives_another_key() -> None:
    others = identities(context(Method.SPAKE2, "@code", DeviceInfo("Phone", "other id")))
    guest, host = both(others=others)
    assert guest.finish(host.share) != host.finish(guest.share)


def test_ones_own_share_sent_back_is_refused() -> None:
    for exchange in both():
        with pytest.raises(ProofError):
            exchange.finish(exchange.share)


@pytest.mark.parametrize("side", Side)
def test_a_share_of_the_same_side_is_refused(side: Side) -> None:
    ours, other = Spake2Exchange(CODE, side, *IDENTITIES), Spake2Exchange(CODE, side, *IDENTITIES)
    with pytest.raises(ProofError):
        ours.finish(other.share)


def hostile_shares(good: bytes) -> list[bytes]:
    """Return shares that no honest side sends."""
    # These are points of small order on Ed25519, as compressed bytes.
    low_order = [
        bytes([1]) + bytes(31),
        bytes(32),
        bytes(31) + b"\x80",
        b"\xec" + b"\xff" * 30 + b"\x7f",
    ]
    off_curve = [b"\xff" * 32, b"\x02" + bytes(31)]
    return [
        b"",
        good[:1],
        good[:-1],
        # The library alone would accept this one.
        good + b"\0",
        b"S" + good[1:],
        b"\0" + good[1:],
        *(good[:1] + point for point in low_order + off_curve),
    ]


def test_every_hostile_share_is_one_and_the_same_error() -> None:
    _, host = both()
    for share in hostile_shares(host.share):
        guest, _ = both()
        with pytest.raises(ProofError) as caught:
            guest.finish(share)
        assert caught.value.reason is Reason.BAD_MESSAGE, share.hex()
        assert caught.value.__cause__ is None


def test_random_shares_never_get_the_librarys_own_errors_out() -> None:
    """Half of all strings are points of the curve and give a key, but not the other side's."""
    for _ in range(50):
        guest, host = both()
        try:
            key = guest.finish(b"B" + os.urandom(32))
        except ProofError:
            continue
        assert key != host.finish(guest.share)


def test_an_exchange_is_used_once() -> None:
    guest, host = both()
    guest.finish(host.share)
    with pytest.raises(ProofError):
        guest.finish(host.share)
