"""The format of a lane's frames, and the keys that seal them; the same code serves both ends.

```
first frame of the guest   token (16 bytes) | sealed(3, flags)
                           flags: 1 where the lane carries the whole link
first frame of the host    sealed(3, 0)
every other                sealed(1, text in UTF-8): a message of the control channel
                           sealed(2, stream id (22) | generation u32 | records): of a feature's
                           stream; for files the id is the transfer's (records: files/stream.py)
                           sealed(4, length u8 | label of so many bytes | message): a message of
                           the channel with that label, if the other side's `hello` has the word
                           "lane-channels"
sealed(kind, rest) = AES-256-GCM(key of the sender's side, count of the frame in 12 bytes,
                                 kind u8 | rest, LABEL)
```
"""

import hmac
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link import messages as link_msg
from proxim.core.pairing.proof import Side

# The label is also the additional data that each seal covers.
LABEL: Final = b"proxim-lane-1"
# The bytes that GCM adds.
SEAL_BYTES: Final = 16
# 128 bits in base64url, which no two streams share.
STREAM_ID_CHARACTERS: Final = 22
_STREAM: Final = struct.Struct(f">B{STREAM_ID_CHARACTERS}sI")
STREAM_PREFIX_BYTES: Final = _STREAM.size
_NONCE_BYTES: Final = 12
_CARRIES_LINK: Final = 1
# A later version's flags may take more than our one byte.
_MOST_HELLO_BYTES: Final = 64
FIRST_FRAME_BYTES: Final = link_msg.LANE_TOKEN_BYTES + 1 + _MOST_HELLO_BYTES + SEAL_BYTES


class FrameKind(IntEnum):
    """The first byte inside a seal."""

    TEXT = 1
    STREAM = 2
    HELLO = 3
    CHANNEL = 4


@dataclass(frozen=True, slots=True)
class LaneHello:
    """The sender knows the key; `carries_link` means that there is no other way between the two."""

    carries_link: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A message of the control channel."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stream:
    """Records of a stream, as a view into the frame."""

    id: str = field(repr=False)
    generation: int
    records: memoryview = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelPart:
    """A message of a channel, which may be either side's."""

    label: str = field(repr=False)
    message: bytes = field(repr=False)


def direction_key(key: bytes, sender: Side) -> bytes:
    """Return the key that `sender` seals its frames with."""
    return hmac.digest(key, LABEL + b" " + sender.value.encode() + b"\x01", "sha256")


def nonce(count: int) -> bytes:
    """Return the nonce of a frame; `count` is the number of earlier frames in the same
    direction.
    """
    return count.to_bytes(_NONCE_BYTES, "big")


def hello_frame(*, carries_link: bool = False) -> bytes:
    """Return the first frame of either side."""
    return bytes((FrameKind.HELLO, _CARRIES_LINK if carries_link else 0))


def text_frame(text: str) -> bytes:
    """Return the frame of a message of the control channel."""
    return bytes((FrameKind.TEXT,)) + text.encode()


def channel_frame(label: str, message: bytes) -> bytes:
    """Return the frame of a channel's message. The label has at most 255 characters of ASCII."""
    name = label.encode("ascii")
    return bytes((FrameKind.CHANNEL, len(name))) + name + message


def stream_prefix(stream: str, generation: int) -> bytes:
    """Return the bytes that precede a message of records.

    Raises ValueError if the stream's id is not one that this protocol makes.
    """
    name = stream.encode("ascii")
    if len(name) != STREAM_ID_CHARACTERS:
        raise ValueError("a stream's id of another length")
    return _STREAM.pack(FrameKind.STREAM, name, generation)


def read_frame(plain: bytes) -> LaneHello | Text | Stream | ChannelPart:
    """Read one opened frame.

    Raises MessageError if the peer knows the key but does not follow the protocol.
    """
    match plain[0] if plain else None:
        case FrameKind.STREAM:
            return _stream(plain)
        case FrameKind.CHANNEL:
            return _channel_part(plain)
        case FrameKind.TEXT:
            try:
                return Text(plain[1:].decode())
            except UnicodeDecodeError:
                raise MessageError(Reason.BAD_MESSAGE, "a text that is no UTF-8") from None
        case FrameKind.HELLO if 2 <= len(plain) <= 1 + _MOST_HELLO_BYTES:
            return LaneHello(bool(plain[1] & _CARRIES_LINK))
    raise MessageError(Reason.BAD_MESSAGE, "no such frame")


def _channel_part(plain: bytes) -> ChannelPart:
    # A message may be empty, a label may not.
    end = 2 + (plain[1] if len(plain) > 1 else 0)
    if not 2 < end <= len(plain):
        raise MessageError(Reason.BAD_MESSAGE, "a channel without a label")
    try:
        return ChannelPart(plain[2:end].decode("ascii"), plain[end:])
    except UnicodeDecodeError:
        raise MessageError(Reason.BAD_MESSAGE, "a label of other characters") from None


def _stream(plain: bytes) -> Stream:
    if len(plain) <= STREAM_PREFIX_BYTES:
        raise MessageError(Reason.BAD_MESSAGE, "a stream without records")
    _, name, generation = _STREAM.unpack_from(plain)
    try:
        stream = name.decode("ascii")
    except UnicodeDecodeError:
        raise MessageError(Reason.BAD_MESSAGE, "a stream's id of other characters") from None
    return Stream(stream, generation, memoryview(plain)[STREAM_PREFIX_BYTES:])
