"""Proof that both sides know the code: the key schedule, the tags, and a MAC on every signal
(docs/protocol.md, Proof).

A secret enters through an `Exchange`: SPAKE2 for the typed code (io/pairing/spake.py, because it
needs a library), or the QR code's own secret, which is handled here, or the key of two devices that
know each other, with X25519 (io/pairing/x25519.py). The machines of guest and host decide what
follows a failed proof.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from proxim.core.base64url import from_base64url, to_base64url
from proxim.core.errors import ProximError, Reason
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import JoinTarget

PROOF_VERSION: Final = 1
# A side byte and a compressed Ed25519 point; the library itself accepts longer shares.
SPAKE2_SHARE_BYTES: Final = 33
PSK_SHARE_BYTES: Final = 32
PSK_SECRET_BYTES: Final = 16
# A public key of X25519 (RFC 7748).
KNOWN_SHARE_BYTES: Final = 32
# 128 bits, as in a sessionID.
RESUME_NAME_BYTES: Final = 16
# The length of a SHA-256.
TAG_BYTES: Final = 32
_LABEL: Final = b"proxim-auth-1"


class ProofError(ProximError):
    """A proof cannot be made or is wrong."""


class Method(StrEnum):
    """How the secret enters the proof; the value is sent as `auth.m`."""

    # A typed code needs a PAKE, because anything weaker would allow offline guesses of its 25 bits.
    SPAKE2 = "spake2"
    # The QR code's 128-bit secret enters the key schedule directly.
    PSK = "psk"
    # A lost link's secret: 256 bits derived from the link's own proof, used like the QR's secret.
    RESUME = "resume"
    # The key of two devices that know each other, mixed with X25519: whoever learns that key later
    # cannot read what was sent before.
    KNOWN = "known"

    @property
    def verified(self) -> Verified | None:
        """How a prompt describes a guest that proved itself by this method.

        None means the same as for the link that was lost.
        """
        return _VERIFIED.get(self)

    @property
    def share_bytes(self) -> int:
        """The length of a share `y` in bytes."""
        return _SHARE_BYTES.get(self, PSK_SHARE_BYTES)


_VERIFIED: Final = {
    Method.SPAKE2: Verified.CODE,
    Method.PSK: Verified.QR,
    Method.KNOWN: Verified.KNOWN,
}
_SHARE_BYTES: Final = {Method.SPAKE2: SPAKE2_SHARE_BYTES, Method.KNOWN: KNOWN_SHARE_BYTES}


class Side(StrEnum):
    """The two sides of a pairing."""

    GUEST = "guest"
    HOST = "host"


class Exchange(Protocol):
    """One side's half of a key exchange, which is used once."""

    @property
    def share(self) -> bytes:
        """The share that is sent to the other side."""

    def finish(self, other_share: bytes) -> bytes:
        """Return the common secret Z. Raises ProofError for a share that no honest side sends."""


# The arguments are the secret, the own side, and the identities of the guest and the host.
MakeExchange = Callable[[bytes, Side, bytes, bytes], Exchange]


@dataclass(frozen=True, slots=True)
class PskExchange:
    """An exchange of a secret that cannot be guessed; the shares only make each run different."""

    secret: bytes = field(repr=False)
    share: bytes

    def finish(self, other_share: bytes) -> bytes:
        """Return the secret itself."""
        return self.secret


class KeyPair(Protocol):
    """A new key pair of X25519, which is used once."""

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""

    def agree(self, other: bytes) -> bytes:
        """Return the common secret, 32 bytes.

        Raises ProofError for a key that leads to no secret: one of a wrong length or of low order.
        """


MakeKeyPair = Callable[[], KeyPair]


@dataclass(frozen=True, slots=True)
class KnownExchange:
    """An exchange of the secret of two devices that know each other, with new keys each time."""

    secret: bytes = field(repr=False)
    _key_pair: KeyPair = field(repr=False)

    @property
    def share(self) -> bytes:
        """The public key that is sent to the other side."""
        return self._key_pair.public

    def finish(self, other_share: bytes) -> bytes:
        """Return the agreed secret, extracted with that of the two. Raises ProofError."""
        return _hmac(self.secret, self._key_pair.agree(other_share))


# --- encodings ------------------------------------------------------------------------------------


def lv(*parts: bytes) -> bytes:
    """Join the parts, each after its length as u32, big-endian.

    Two different lists of parts never give the same bytes.
    """
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def read_share(text: str | None, length: int) -> bytes:
    """Return the bytes of a share or a secret of this length. Raises ProofError."""
    try:
        return from_base64url(text, length)
    except ValueError as error:
        raise ProofError(Reason.BAD_MESSAGE, str(error)) from None


# --- key schedule ---------------------------------------------------------------------------------


def context(method: Method, session_id: str, device: DeviceInfo) -> bytes:
    """Encode everything that both sides must agree on before they agree on keys."""
    return lv(
        _LABEL, method.encode(), session_id.encode(), device.name.encode(), device.id.encode()
    )


def identities(ctx: bytes) -> tuple[bytes, bytes]:
    """Return SPAKE2's identities of guest and host."""
    digest = hashlib.sha256(ctx).digest()
    return Side.GUEST.encode() + digest, Side.HOST.encode() + digest


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


class ProofKeys:
    """The keys of one pairing.

    They come from HKDF-SHA256 (RFC 5869) over the exchanged secret, salted with the transcript.
    """

    def __init__(self, ctx: bytes, guest_share: bytes, host_share: bytes, secret: bytes) -> None:
        self.transcript = hashlib.sha256(lv(ctx, guest_share, host_share)).digest()
        self._prk = _hmac(self.transcript, secret)

    def key(self, purpose: str) -> bytes:
        """Derive a key by HKDF-Expand of one block; docs/protocol.md, Keys and tags, lists the
        purposes.
        """
        return _hmac(self._prk, _LABEL + b" " + purpose.encode() + b"\x01")

    def guest_tag(self) -> bytes:
        """The tag that the guest confirms with, before a person is asked."""
        return _hmac(self.key("confirm guest"), self.transcript)

    def host_tag(self, status: str) -> bytes:
        """The tag that the host confirms with; it covers the decision."""
        return _hmac(self.key("confirm host"), self.transcript + status.encode())

    def resume_secret(self) -> bytes:
        """The secret that both sides prove in order to resume the link that this pairing opened."""
        return self.key("resume")

    def resume_name(self) -> str:
        """The name of the session while its link is resumed.

        Others cannot tell which session it means, and it can be neither typed nor scanned.
        """
        return "@" + to_base64url(self.key("resume name")[:RESUME_NAME_BYTES])


def tag_matches(expected: bytes, given: str | None) -> bool:
    """Whether a tag or MAC from the wire is the expected one; compared in constant time."""
    try:
        return hmac.compare_digest(expected, from_base64url(given, TAG_BYTES))
    except ValueError:
        return False


def tag_auth(tag: bytes) -> pair_msg.Auth:
    """Return a tag in its wire form."""
    return pair_msg.Auth(t=to_base64url(tag))


# --- signals --------------------------------------------------------------------------------------


class SignalMacs:
    """MACs of one pairing's signals.

    Each direction is counted, so that no signal can be dropped, repeated or moved.
    """

    def __init__(self, keys: ProofKeys, own_side: Side) -> None:
        self._own_side = own_side
        self._keys = {side: keys.key(f"signal {side}") for side in Side}
        self._counts = dict.fromkeys(Side, 0)
        self._offer_digest = b""

    def seal(self, payload: pair_msg.Description | pair_msg.Candidate) -> str:
        """Return the MAC of our next signal."""
        return to_base64url(self._next(self._own_side, payload))

    def check(self, payload: pair_msg.Description | pair_msg.Candidate, mac: str | None) -> bool:
        """Whether the other side's next signal carries its MAC; a missing MAC does not match."""
        other = Side.HOST if self._own_side is Side.GUEST else Side.GUEST
        return tag_matches(self._next(other, payload), mac)

    def _next(self, side: Side, payload: pair_msg.Description | pair_msg.Candidate) -> bytes:
        # The host's signals are bound to the offer that they answer, and so to the guest's
        # fingerprint.
        bound_to = self._offer_digest if side is Side.HOST else b""
        message = self._counts[side].to_bytes(8, "big") + lv(_fields(payload), bound_to)
        self._counts[side] += 1
        if side is Side.GUEST and isinstance(payload, pair_msg.Description):
            self._offer_digest = hashlib.sha256(payload.sdp.encode()).digest()
        return _hmac(self._keys[side], message)


def _fields(payload: pair_msg.Description | pair_msg.Candidate) -> bytes:
    if isinstance(payload, pair_msg.Description):
        return lv(b"sdp", payload.sdp.encode())
    parts = [b"candidate", payload.candidate.encode()]
    if payload.sdp_mid is not None:
        parts += [b"sdpMid", payload.sdp_mid.encode()]
    if payload.sdp_mline_index is not None:
        parts += [b"sdpMLineIndex", str(payload.sdp_mline_index).encode()]
    return lv(*parts)


@dataclass(frozen=True, slots=True)
class Prover:
    """The tools for making proofs: randomness, and SPAKE2 and X25519 from their libraries."""

    token_bytes: Callable[[int], bytes]
    spake2: MakeExchange
    x25519: MakeKeyPair

    def exchange(self, method: Method, secret: bytes, side: Side, ctx: bytes) -> Exchange:
        """Start one side's half of a new exchange."""
        if method is Method.SPAKE2:
            return self.spake2(secret, side, *identities(ctx))
        if method is Method.KNOWN:
            return KnownExchange(secret, self.x25519())
        return PskExchange(secret, self.token_bytes(PSK_SHARE_BYTES))


@dataclass(frozen=True, slots=True)
class GuestProof:
    """A guest's proof: its share was sent with the request, and the host's share is awaited."""

    method: Method
    # The guest's name for the session.
    name: str = field(repr=False)
    # The proof's part of the pair_request.
    auth: pair_msg.Auth
    _ctx: bytes = field(repr=False)
    _exchange: Exchange = field(repr=False)

    def finish(self, challenge: pair_msg.Auth) -> ProofKeys:
        """Make the keys from the host's share. Raises ProofError."""
        if challenge.v != PROOF_VERSION or challenge.m != self.method:
            raise ProofError(Reason.HOST_UNPROVEN, "another method")
        host_share = read_share(challenge.y, self.method.share_bytes)
        secret = self._exchange.finish(host_share)
        return ProofKeys(self._ctx, self._exchange.share, host_share, secret)


def start_guest_proof(target: JoinTarget, device: DeviceInfo, prover: Prover) -> GuestProof | None:
    """Start to prove what the person typed or scanned; None for a target without a secret.

    Raises ProofError for a secret of a wrong length.
    """
    if target.code is not None:
        method, secret = Method.SPAKE2, target.code.encode()
    elif target.qr_secret is not None:
        method, secret = Method.PSK, read_share(target.qr_secret, PSK_SECRET_BYTES)
    else:
        return None
    return _start(method, secret, target.session_id, device, prover)


def start_resumption(lost: ProofKeys, device: DeviceInfo, prover: Prover) -> GuestProof:
    """Start to prove that we are the guest of a lost link; `lost` are that link's keys."""
    return _start(Method.RESUME, lost.resume_secret(), lost.resume_name(), device, prover)


def start_known_proof(
    secret: bytes, name: Callable[[bytes], str], device: DeviceInfo, prover: Prover
) -> GuestProof:
    """Start to prove that we are a device that the host knows.

    `name` makes the name of the session from our share.
    """
    exchange = prover.exchange(Method.KNOWN, secret, Side.GUEST, b"")
    session_id = name(exchange.share)
    ctx = context(Method.KNOWN, session_id, device)
    return GuestProof(Method.KNOWN, session_id, _auth(Method.KNOWN, exchange), ctx, exchange)


def _start(
    method: Method, secret: bytes, session_id: str, device: DeviceInfo, prover: Prover
) -> GuestProof:
    ctx = context(method, session_id, device)
    exchange = prover.exchange(method, secret, Side.GUEST, ctx)
    return GuestProof(method, session_id, _auth(method, exchange), ctx, exchange)


@dataclass(frozen=True, slots=True)
class HostProof:
    """A host's proof: its keys and challenge exist, and the guest's tag is awaited."""

    request: pair_msg.PairRequest
    method: Method
    # The proof's part of the pair_challenge.
    auth: pair_msg.Auth
    keys: ProofKeys = field(repr=False)
    guest_share: bytes = field(repr=False)


def method_of(auth: pair_msg.Auth) -> Method:
    """Return the method that a guest asks for.

    Raises ProofError for an unknown version or method.
    """
    if auth.v != PROOF_VERSION or auth.m not in tuple(Method):
        raise ProofError(Reason.BAD_MESSAGE, "no such proof")
    return Method(auth.m)


def start_host_proof(
    request: pair_msg.PairRequest,
    auth: pair_msg.Auth,
    method: Method,
    secret: bytes,
    prover: Prover,
) -> HostProof:
    """Answer a guest's share with ours.

    Raises ProofError for a share that no honest guest sends.
    """
    guest_share = read_share(auth.y, method.share_bytes)
    ctx = context(method, request.session_id, request.device)
    exchange = prover.exchange(method, secret, Side.HOST, ctx)
    keys = ProofKeys(ctx, guest_share, exchange.share, exchange.finish(guest_share))
    return HostProof(request, method, _auth(method, exchange), keys, guest_share)


def _auth(method: Method, exchange: Exchange) -> pair_msg.Auth:
    return pair_msg.Auth(v=PROOF_VERSION, m=method.value, y=to_base64url(exchange.share))
