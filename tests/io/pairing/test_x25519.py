"""Tests of proxim.io.pairing.x25519, which implements core's interface with a library."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)

from proxim.core.errors import Reason
from proxim.core.pairing.proof import ProofError
from proxim.io.pairing.x25519 import X25519KeyPair

# The points with which every result is zero, and their other spellings (RFC 7748, section 7; "May
# the Fourth Be With You", section 1).
LOW_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def test_both_sides_agree_on_a_secret_that_no_other_run_has() -> None:
    one, other = X25519KeyPair(), X25519KeyPair()
    assert len(one.public) == len(other.public) == 32
    secret = one.agree(other.public)
    assert len(secret) == 32
    assert secret == other.agree(one.public)
    assert secret != X25519KeyPair().agree(one.public)


def test_it_is_the_function_of_the_standard() -> None:
    """Nothing of ours is added to the result of the library."""
    one, other = X25519KeyPair(), X25519PrivateKey.generate()
    theirs = other.public_key().public_bytes_raw()
    assert one.agree(theirs) == other.exchange(X25519PublicKey.from_public_bytes(one.public))


@pytest.mark.parametrize("share", [b"", bytes(31), b"\x09" * 33])
def test_a_share_of_another_length_is_refused(share: bytes) -> None:
    with pytest.raises(ProofError) as caught:
        X25519KeyPair().agree(share)
    assert caught.value.reason is Reason.BAD_MESSAGE


@pytest.mark.parametrize("point", LOW_ORDER)
@pytest.mark.parametrize("top_bit", [0, 0x80])
def test_a_share_that_gives_everybody_the_same_secret_is_refused(point: str, top_bit: int) -> None:
    share = bytearray.fromhex(point)
    share[-1] |= top_bit
    with pytest.raises(ProofError) as caught:
        X25519KeyPair().agree(bytes(share))
    assert caught.value.reason is Reason.BAD_MESSAGE
    assert caught.value.__cause__ is None
