"""The steps of a proof on each side, one pairing each: who sends which share, and when the keys are
there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import JoinTarget, to_base64url
from proxim.core.pairing.messages import Auth, PairRequest
from proxim.core.pairing.proof import (
    PROOF_VERSION,
    PSK_SECRET_BYTES,
    PSK_SHARE_BYTES,
    Exchange,
    MakeExchange,
    Method,
    ProofError,
    ProofKeys,
    PskExchange,
    Side,
    context,
    from_base64url,
    identities,
)


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
    auth: Auth  # of the pair_request
    _ctx: bytes = field(repr=False)
    _exchange: Exchange = field(repr=False)

    def finish(self, challenge: Auth) -> ProofKeys:
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

    request: PairRequest
    method: Method
    auth: Auth  # of the pair_challenge
    keys: ProofKeys = field(repr=False)


def method_of(auth: Auth) -> Method:
    """The method that a guest asks for.

    Raises ProofError for a version or method that we do not know.
    """
    if auth.v != PROOF_VERSION or auth.m not in tuple(Method):
        raise ProofError(Reason.BAD_MESSAGE, "no such proof")
    return Method(auth.m)


def start_host_proof(
    request: PairRequest, auth: Auth, method: Method, secret: bytes, prover: Prover
) -> HostProof:
    """Answer a guest's share with ours.

    Raises ProofError for a share that no honest guest sends.
    """
    guest_share = from_base64url(auth.y, method.share_bytes)
    ctx = context(method, request.session_id, request.device)
    exchange = prover.exchange(method, secret, Side.HOST, ctx)
    keys = ProofKeys(ctx, guest_share, exchange.share, exchange.finish(guest_share))
    return HostProof(request, method, _auth(method, exchange), keys)


def _auth(method: Method, exchange: Exchange) -> Auth:
    return Auth(v=PROOF_VERSION, m=method.value, y=to_base64url(exchange.share))
