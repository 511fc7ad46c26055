"""X25519 (RFC 7748) by the `cryptography` library, for core's Exchange.

It belongs to io only because core imports nothing but the standard library. It uses no socket.
"""

from proxim.core.errors import Reason
from proxim.core.pairing.proof import ProofError

X25519_BYTES = 32


class X25519Exchange:
    """One side of X25519 with a key of its own, which is used once.

    Alone it proves nothing: whoever sits in the middle has an exchange with each side. Core mixes
    the result with a key that only the two devices have.
    """

    def __init__(self) -> None:
        # Imported late, because it takes some ms that a program without a guest never needs.
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._private = X25519PrivateKey.generate()
        self.share: bytes = self._private.public_key().public_bytes_raw()

    def finish(self, other_share: bytes) -> bytes:
        """Return the common secret. Raises ProofError for a share that no honest side sends."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

        # Whoever sends back our own share knows no secret, but what follows would look alike at
        # both ends.
        if len(other_share) != X25519_BYTES or other_share == self.share:
            raise ProofError(Reason.BAD_MESSAGE, "a share of a wrong length, or ours")
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(other_share))
        except ValueError:
            # The share is one of the few points with which every result is zero (RFC 7748, 6.1).
            raise ProofError(Reason.BAD_MESSAGE, "a share of low order") from None
