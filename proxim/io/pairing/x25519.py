"""X25519 (RFC 7748) by `cryptography`, for the proof of two devices that know each other.

It belongs to io only because core imports nothing but the standard library. It uses no socket.
"""

from proxim.core.errors import Reason
from proxim.core.pairing.proof import KNOWN_SHARE_BYTES, ProofError


class X25519KeyPair:
    """A new key pair, which is used once."""

    def __init__(self) -> None:
        # Imported late, because a program without known devices never needs it.
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._private = X25519PrivateKey.generate()
        self.public: bytes = self._private.public_key().public_bytes_raw()

    def agree(self, other: bytes) -> bytes:
        """Return the common secret. Raises ProofError."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

        if len(other) != KNOWN_SHARE_BYTES:
            raise ProofError(Reason.BAD_MESSAGE, "a share of a wrong length")
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError:
            # A key of low order leads to zeros for everybody.
            raise ProofError(Reason.BAD_MESSAGE, "a share that leads to no secret") from None
