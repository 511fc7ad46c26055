"""A fake SPAKE2 without the arithmetic, for tests of the code around it."""

import hashlib
import itertools

from proxim.core.errors import Reason
from proxim.core.pairing.proof import (
    SPAKE2_SHARE_BYTES,
    ProofError,
    Side,
    lv,
)


class FakeSpake2:
    """A stand-in with SPAKE2's interface and its refusals, but without its arithmetic and
    secrecy: it is fast enough for many runs.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, password: bytes, side: Side, guest_identity: bytes, host_identity: bytes
    ) -> None:
        self._side = side
        self._common = (password, guest_identity, host_identity)
        self.share = (b"A" if side is Side.GUEST else b"B") + next(self._numbers).to_bytes(
            SPAKE2_SHARE_BYTES - 1
        )

    def finish(self, other_share: bytes) -> bytes:
        if len(other_share) != SPAKE2_SHARE_BYTES or other_share[:1] != (
            b"B" if self._side is Side.GUEST else b"A"
        ):
            raise ProofError(Reason.BAD_MESSAGE, "not the other side's share")
        return hashlib.sha256(lv(*self._common, *sorted((self.share, other_share)))).digest()
