"""Proof that both sides know the code: key schedule, tags, and a MAC on every signal
(docs/protocol.md, Proof).

A secret enters by an `Exchange`: SPAKE2 for the typed code (io/pairing/spake.py, because it needs a
library), the QR's own secret here. What a guest or host does with a failed proof stands in their
machines.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from proxim.core.errors import ProximError, Reason
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import JoinTarget, to_base64url

PROOF_VERSION: Final = 1
# A side byte and a compressed Ed25519 point; the library itself takes longer ones
SPAKE2_SHARE_BYTES: Final = 33
PSK_SHARE_BYTES: Final = 32
PSK_SECRET_BYTES: Final = 16
# 128 bits, as a sessionID's
RESUME_NAME_BYTES: Final = 16
# SHA-256
TAG_BYTES: Final = 32
_LABEL: Final = b"proxim-auth-1"


class ProofError(ProximError):
    """A proof cannot be made or does not hold."""


class Method(StrEnum):
    """How the secret enters the proof; the value stands in `auth.m`."""

    # A typed code: a PAKE, because 25 bits could be guessed offline from anything weaker
    SPAKE2 = "spake2"
    # The QR's 128-bit secret, straight into the key schedule
    PSK = "psk"
    # A lost link's: 256 bits that came out of its own proof, used as the QR's secret is
    RESUME = "resume"

    @property
    def verified(self) -> Verified | None:
        """What a prompt says of a guest that proved itself this way; None: what it said of the link
        that was lost.
        """
        return _VERIFIED.get(self)

    @property
    def share_bytes(self) -> int:
        """How long a share `y` is."""
        return SPAKE2_SHARE_BYTES if self is Method.SPAKE2 else PSK_SHARE_BYTES


_VERIFIED: Final = {Method.SPAKE2: Verified.CODE, Method.PSK: Verified.QR}


class Side(StrEnum):
    """Who speaks."""

    GUEST = "guest"
    HOST = "host"


class Exchange(Protocol):
    """One side's half of a key exchange, used once."""

    @property
    def share(self) -> bytes:
        """What the other side is sent."""

    def finish(self, other_share: bytes) -> bytes:
        """The common secret Z. Raises ProofError for a share that no honest side sends."""


# (secret, own side, identity of the guest, identity of the host) -> Exchange
MakeExchange = Callable[[bytes, Side, bytes, bytes], Exchange]


@dataclass(frozen=True, slots=True)
class PskExchange:
    """A secret that cannot be guessed, itself; the shares only make each run different."""

    secret: bytes = field(repr=False)
    share: bytes

    def finish(self, other_share: bytes) -> bytes:
        """The secret."""
        return self.secret


# --- encodings ------------------------------------------------------------------------------------


def lv(*parts: bytes) -> bytes:
    """Each part behind its length as u32, big-endian: no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def from_base64url(text: str | None, length: int) -> bytes:
    """Decode exactly `length` bytes in their only spelling. Raises ProofError."""
    try:
        raw = base64.urlsafe_b64decode((text or "") + "=" * (-len(text or "") % 4))
    except (ValueError, binascii.Error):
        raise ProofError(Reason.BAD_MESSAGE, "not base64url") from None
    if len(raw) != length or to_base64url(raw) != text:
        raise ProofError(Reason.BAD_MESSAGE, f"not {length} bytes in base64url")
    return raw


# --- key schedule ---------------------------------------------------------------------------------


def context(method: Method, session_id: str, device: DeviceInfo) -> bytes:
    """Everything that both sides must see alike before they agree on keys."""
    return lv(
        _LABEL, method.encode(), session_id.encode(), device.name.encode(), device.id.encode()
    )


def identities(ctx: bytes) -> tuple[bytes, bytes]:
    """SPAKE2's identities of guest and host."""
    digest = hashlib.sha256(ctx).digest()
    return Side.GUEST.encode() + digest, Side.HOST.encode() + digest


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


class ProofKeys:
    """The keys of one pairing: HKDF-SHA256 (RFC 5869) over the exchanged secret, salted with the
    transcript.
    """

    def __init__(self, ctx: bytes, guest_share: bytes, host_share: bytes, secret: bytes) -> None:
        self.transcript = hashlib.sha256(lv(ctx, guest_share, host_share)).digest()
        self._prk = _hmac(self.transcript, secret)

    def key(self, purpose: str) -> bytes:
        """HKDF-Expand of one block: purposes are those of docs/protocol.md, Keys and tags."""
        return _hmac(self._prk, _LABEL + b" " + purpose.encode() + b"\x01")

    def guest_tag(self) -> bytes:
        """What the guest confirms with, before anybody is asked."""
        return _hmac(self.key("confirm guest"), self.transcript)

    def host_tag(self, status: str) -> bytes:
        """What the host confirms with; it covers the decision."""
        return _hmac(self.key("confirm host"), self.transcript + status.encode())

    def resume_secret(self) -> bytes:
        """What both sides prove with to take up the link again that this pairing opened."""
        return self.key("resume")

    def resume_name(self) -> str:
        """What they call the session then: it tells nobody which one it is, and can be neither
        typed nor scanned.
        """
        return "@" + to_base64url(self.key("resume name")[:RESUME_NAME_BYTES])


def tag_matches(expected: bytes, given: str | None) -> bool:
    """Whether a tag or MAC from the wire is the expected one; takes as long whichever it is."""
    try:
        return hmac.compare_digest(expected, from_base64url(given, TAG_BYTES))
    except ProofError:
        return False


def tag_auth(tag: bytes) -> pair_msg.Auth:
    """A tag as it stands on the wire."""
    return pair_msg.Auth(t=to_base64url(tag))


# --- signals --------------------------------------------------------------------------------------


class SignalMacs:
    """MACs of one pairing's signals, counted in each direction, so that none can be dropped,
    repeated or moved.
    """

    def __init__(self, keys: ProofKeys, own_side: Side) -> None:
        self._own_side = own_side
        self._keys = {side: keys.key(f"signal {side}") for side in Side}
        self._counts = dict.fromkeys(Side, 0)
        self._offer_digest = b""

    def seal(self, payload: pair_msg.Description | pair_msg.Candidate) -> str:
        """The MAC of our next signal."""
        return to_base64url(self._next(self._own_side, payload))

    def check(self, payload: pair_msg.Description | pair_msg.Candidate, mac: str | None) -> bool:
        """Whether the other side's next signal carries its MAC; a missing one does not match."""
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
    """What proofs are made with: randomness, and SPAKE2 from its library."""

    token_bytes: Callable[[int], bytes]
    spake2: MakeExchange

    def exchange(self, method: Method, secret: bytes, side: Side, ctx: bytes) -> Exchange:
        """One side's half of a new exchange."""
        if method is Method.SPAKE2:
            return self.spake2(secret, side, *identities(ctx))
        return PskExchange(secret, self.token_bytes(PSK_SHARE_BYTES))


@dataclass(frozen=True, slots=True)
class GuestProof:
    """A guest's side: its share is out with the request, the host's is awaited."""

    method: Method
    # Of the pair_request
    auth: pair_msg.Auth
    _ctx: bytes = field(repr=False)
    _exchange: Exchange = field(repr=False)

    def finish(self, challenge: pair_msg.Auth) -> ProofKeys:
        """The keys, once the host's share is there. Raises ProofError."""
        if challenge.v != PROOF_VERSION or challenge.m != self.method:
            raise ProofError(Reason.HOST_UNPROVEN, "another method")
        host_share = from_base64url(challenge.y, self.method.share_bytes)
        secret = self._exchange.finish(host_share)
        return ProofKeys(self._ctx, self._exchange.share, host_share, secret)


def start_guest_proof(target: JoinTarget, device: DeviceInfo, prover: Prover) -> GuestProof | None:
    """Begin to prove what the person typed or scanned; None for a link without a secret.

    Raises ProofError for a secret of a wrong length.
    """
    if target.code is not None:
        method, secret = Method.SPAKE2, target.code.encode()
    elif target.qr_secret is not None:
        method, secret = Method.PSK, from_base64url(target.qr_secret, PSK_SECRET_BYTES)
    else:
        return None
    return _start(method, secret, target.session_id, device, prover)


def start_resumption(lost: ProofKeys, device: DeviceInfo, prover: Prover) -> GuestProof:
    """Begin to prove that we are the guest of a link that was lost: these keys are that link's."""
    return _start(Method.RESUME, lost.resume_secret(), lost.resume_name(), device, prover)


def _start(
    method: Method, secret: bytes, session_id: str, device: DeviceInfo, prover: Prover
) -> GuestProof:
    ctx = context(method, session_id, device)
    exchange = prover.exchange(method, secret, Side.GUEST, ctx)
    return GuestProof(method, _auth(method, exchange), ctx, exchange)


@dataclass(frozen=True, slots=True)
class HostProof:
    """The host's side: keys and challenge are there, the guest's tag is awaited."""

    request: pair_msg.PairRequest
    method: Method
    # Of the pair_challenge
    auth: pair_msg.Auth
    keys: ProofKeys = field(repr=False)


def method_of(auth: pair_msg.Auth) -> Method:
    """The method that a guest asks for.

    Raises ProofError for a version or method that we do not know.
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
    guest_share = from_base64url(auth.y, method.share_bytes)
    ctx = context(method, request.session_id, request.device)
    exchange = prover.exchange(method, secret, Side.HOST, ctx)
    keys = ProofKeys(ctx, guest_share, exchange.share, exchange.finish(guest_share))
    return HostProof(request, method, _auth(method, exchange), keys)


def _auth(method: Method, exchange: Exchange) -> pair_msg.Auth:
    return pair_msg.Auth(v=PROOF_VERSION, m=method.value, y=to_base64url(exchange.share))
