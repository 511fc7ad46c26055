"""SPAKE2 over the typed code by the `spake2` library (Ed25519, as in magic-wormhole), for core's
Exchange.

It belongs to io only because core imports nothing but the standard library. It uses no socket.
"""

from typing import Any

from proxim.core.errors import Reason
from proxim.core.pairing.proof import SPAKE2_SHARE_BYTES, ProofError, Side


class Spake2Exchange:
    """One side of SPAKE2.

    The library is pure Python and takes some 3 ms for each half of a side's work.
    """

    def __init__(
        self, password: bytes, side: Side, guest_identity: bytes, host_identity: bytes
    ) -> None:
        # Imported late, because it takes 20 ms that a program without a guest never needs.
        from spake2 import (
            SPAKE2_A,
            SPAKE2_B,
        )

        make = SPAKE2_A if side is Side.GUEST else SPAKE2_B
        self._spake: Any = make(password, guest_identity, host_identity)
        self.share: bytes = self._spake.start()

    def finish(self, other_share: bytes) -> bytes:
        """Return the common key. Raises ProofError."""
        # The library would accept a trailing byte.
        if len(other_share) != SPAKE2_SHARE_BYTES:
            raise ProofError(Reason.BAD_MESSAGE, "a share of a wrong length")
        try:
            key: bytes = self._spake.finish(other_share)
        except Exception as error:  # noqa: BLE001
            # The library raises SPAKEError, ValueError, AssertionError and others.
            raise ProofError(Reason.BAD_MESSAGE, type(error).__name__) from None
        return key
