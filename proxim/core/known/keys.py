"""The keys of two devices that know each other (docs/protocol.md, Known devices).

Everything comes from the pair's key by HMAC, so nothing of it leads back to that key. What one side
sends as a guest has a key of its own for each direction: otherwise what a device sent could be
given back to its own host, which would take it for the other device.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from proxim.core.base64url import to_base64url
from proxim.core.pairing.proof import Side, lv

NONCE_BYTES: Final = 32
# A SHA-256, as are commitments and tags.
KEY_BYTES: Final = 32
X25519_BYTES: Final = 32
# As a resume name, so that both have the same length.
NAME_BYTES: Final = 16
# 64 bits: with 32 tags of each announcement, a strange device seems to be a known one once in 2^59.
SEEN_TAG_BYTES: Final = 8
DIGITS: Final = 6
# With 64 bits no digits are more likely than others by more than 1 in 10^13; with 20, some would be
# twice as likely.
_DIGITS_BYTES: Final = 8
_LABEL: Final = b"proxim-known-1"


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def derive(pair_key: bytes, purpose: bytes) -> bytes:
    """Derive a key by HKDF-Expand (RFC 5869) of one block."""
    return _hmac(pair_key, _LABEL + b" " + purpose + b"\x01")


# --- becoming known -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one side brings to the pair's key; the other side knows it before it knows the key."""

    nonce: bytes = field(repr=False)
    # Its X25519 public key, made for this purpose alone.
    public_key: bytes = field(repr=False)
    # Its installation's id.
    uuid: str = field(repr=False)

    def commitment(self, side: Side) -> bytes:
        """What is sent before any of it, so that neither side can choose its own by the other's.

        It names the side, so nobody can give a device its own contribution back.
        """
        return hashlib.sha256(
            lv(
                _LABEL + b" commit",
                side.encode(),
                self.nonce,
                self.public_key,
                self.uuid.encode(),
            )
        ).digest()


@dataclass(frozen=True, slots=True)
class NewPair:
    """The new key of a pair, with what both sides confirm it by."""

    key: bytes = field(repr=False)
    _transcript: bytes = field(repr=False)

    @property
    def digits(self) -> str:
        """The digits that the two persons compare."""
        number = int.from_bytes(derive(self.key, b"digits")[:_DIGITS_BYTES])
        return f"{number % 10**DIGITS:0{DIGITS}}"

    def yes_tag(self, side: Side) -> bytes:
        """Shows that this side has the key, and that its person has said yes."""
        return _hmac(derive(self.key, b"confirm " + side.encode()), self._transcript)

    def kept_tag(self, side: Side) -> bytes:
        """Shows that this side has stored the key."""
        return _hmac(derive(self.key, b"kept " + side.encode()), self._transcript)


def new_pair(guest: Contribution, host: Contribution, link_secret: bytes, agreed: bytes) -> NewPair:
    """Make the key of a pair.

    `link_secret` is K("link") of their link's proof, and `agreed` the result of X25519.
    """
    transcript = hashlib.sha256(
        lv(
            _LABEL,
            *(guest.nonce, guest.public_key, guest.uuid.encode()),
            *(host.nonce, host.public_key, host.uuid.encode()),
        )
    ).digest()
    extracted = _hmac(transcript, link_secret + agreed)
    return NewPair(derive(extracted, b"pair"), transcript)


# --- coming back ----------------------------------------------------------------------------------


def proof_secret(pair_key: bytes, guest: str, host: str) -> bytes:
    """The secret that both prove when the one with the id `guest` joins the other."""
    return derive(pair_key, b"proof " + lv(guest.encode(), host.encode()))


def name_key(pair_key: bytes, guest: str) -> bytes:
    """The key of the names under which the device with this id asks to join the other."""
    return derive(pair_key, b"name " + guest.encode())


def asking_name(key: bytes, share: bytes) -> str:
    """The name of the session in a request with this share: another one each time."""
    return "@" + to_base64url(_hmac(key, share)[:NAME_BYTES])


def tombstone_key(pair_key: bytes, host: str) -> bytes:
    """The key by which the device with this id proves that it has forgotten the other."""
    return derive(pair_key, b"tombstone " + host.encode())


def forgotten_tag(key: bytes, transcript: bytes) -> bytes:
    """Says in a rejection that the host has forgotten the guest; `transcript` is the proof's."""
    return _hmac(key, b"forgotten" + transcript)


# --- being found ----------------------------------------------------------------------------------


def seen_tag(pair_key: bytes, announcer: str, slot: int) -> bytes:
    """The tag by which only the other device recognises the one that announces itself."""
    message = b"seen" + announcer.encode() + slot.to_bytes(8, "big")
    return _hmac(derive(pair_key, b"seen"), message)[:SEEN_TAG_BYTES]
