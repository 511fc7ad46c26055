"""What a host says of itself by multicast: tags, with which only those who know it can do anything.

A tag is made from a pair's key (keys.py) and would be the same wherever the host announces itself
within its 15 minutes. So each announcement has a random name, and hides each tag with it: nobody
else can tell that two announcements are of one host, or that one of them was seen before.
"""

import hmac
from collections.abc import Callable
from typing import Final

# Everybody announces as many, so that the number of known devices is not told.
TAGS: Final = 32
TAG_BYTES: Final = 8
# A string of a TXT record has 255 bytes at most (RFC 6763, 6.1), so the tags stand in two.
_PROPERTIES: Final = (b"a=", b"b=")
_HALF_BYTES: Final = TAGS * TAG_BYTES // len(_PROPERTIES)


def hide_tag(tag: bytes, service: str) -> bytes:
    """Return a tag as the announcement with this name has it.

    Whoever does not know the tag would have to try 2^64 of them.
    """
    return hmac.digest(tag, service.encode(), "sha256")[:TAG_BYTES]


def pack_tags(tags: tuple[bytes, ...], service: str, token_bytes: Callable[[int], bytes]) -> bytes:
    """Return the contents of the TXT record of an announcement, filled up to TAGS with random
    bytes.
    """
    assert len(tags) <= TAGS, "the devices take turns, if there are more"
    hidden = [hide_tag(tag, service) for tag in tags]
    hidden += [token_bytes(TAG_BYTES) for _ in range(TAGS - len(tags))]
    # Sorted, their order tells nothing about the devices that they are for.
    joined = b"".join(sorted(hidden))
    strings = [
        name + joined[place * _HALF_BYTES : (place + 1) * _HALF_BYTES]
        for place, name in enumerate(_PROPERTIES)
    ]
    return b"".join(bytes([len(one)]) + one for one in strings)


def read_tags(text: bytes) -> frozenset[bytes] | None:
    """Return the hidden tags of a TXT record, or None if no Proxim has written it.

    What later versions say after the tags is left out.
    """
    hidden = b""
    for name in _PROPERTIES:
        size = len(name) + _HALF_BYTES
        if text[:1] != bytes([size]) or text[1:3] != name or len(text) <= size:
            return None
        hidden += text[3 : size + 1]
        text = text[size + 1 :]
    return frozenset(hidden[at : at + TAG_BYTES] for at in range(0, len(hidden), TAG_BYTES))
