"""base64url without padding (RFC 4648, 5): how bytes are spelled in URLs and everywhere on the
wire.
"""

import base64
from typing import Final

# One character of it, in a regular expression.
CHARACTER: Final = "[A-Za-z0-9_-]"


def to_base64url(raw: bytes) -> str:
    """Encode bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: object, length: int) -> bytes:
    """Decode exactly `length` bytes, and accept only their canonical spelling.

    Raises ValueError, which quotes nothing of the text.
    """
    spelled = text if isinstance(text, str) else ""
    try:
        raw = base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4))
    except ValueError:
        raw = None
    if raw is None or len(raw) != length or to_base64url(raw) != text:
        raise ValueError(f"not {length} bytes in base64url")
    return raw
