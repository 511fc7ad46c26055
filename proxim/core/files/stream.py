"""The format of files' bytes on their data channel or on the lane: records, several to a message.

```
record = kind u8 | file u32 | length u32 | payload        big-endian
file: its place in the manifest
kind 1 START   u64 offset       the file's bytes begin there; without it at 0
     2 DATA    bytes            the next ones
     3 END     32 bytes         SHA-256 of the whole file, with what the receiver had before
     4 FAILED  reason           the sender cannot read on, and nothing more of it follows
                                (docs/protocol.md has the words)
```
Files come in ascending order, and each wanted file ends with END or FAILED. A record never spans
two messages.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError

# Every WebRTC stack accepts this size: it is RFC 8841's default where an SDP names no maximum.
CHANNEL_MESSAGE_BYTES: Final = 64 * 1024
# This is large, because each message costs both sides a turn of their loops, and small enough that
# a ping between two messages waits only some ms.
LANE_MESSAGE_BYTES: Final = 1024 * 1024
DIGEST_BYTES: Final = 32
MAX_REASON_BYTES: Final = 64

_HEADER: Final = struct.Struct(">BII")
_OFFSET: Final = struct.Struct(">Q")
HEADER_BYTES: Final = _HEADER.size


class Kind(IntEnum):
    """The kinds of records."""

    START = 1
    DATA = 2
    END = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One record; the payload is a view into its message."""

    kind: Kind
    file: int
    payload: memoryview = field(repr=False)

    @property
    def offset(self) -> int:
        """The offset in a START record."""
        offset: int = _OFFSET.unpack(self.payload)[0]
        return offset

    @property
    def reason(self) -> str:
        """The reason in a FAILED record."""
        return bytes(self.payload).decode("ascii", "replace")


_LENGTHS: Final = {
    Kind.START: range(_OFFSET.size, _OFFSET.size + 1),
    Kind.DATA: range(1, LANE_MESSAGE_BYTES + 1),
    Kind.END: range(DIGEST_BYTES, DIGEST_BYTES + 1),
    Kind.FAILED: range(1, MAX_REASON_BYTES + 1),
}


def read_records(message: bytes | memoryview) -> Iterator[Record]:
    """Yield the records of one message.

    Raises MessageError with BAD_MESSAGE at the first invalid record.
    """
    view = memoryview(message)
    position = 0
    while position < len(view):
        if len(view) - position < HEADER_BYTES:
            raise MessageError(Reason.BAD_MESSAGE, "a record's header is cut")
        number, file, length = _HEADER.unpack_from(view, position)
        position += HEADER_BYTES
        try:
            kind = Kind(number)
        except ValueError:
            raise MessageError(Reason.BAD_MESSAGE, "no such record") from None
        if length not in _LENGTHS[kind] or position + length > len(view):
            raise MessageError(Reason.BAD_MESSAGE, "a record of another length")
        yield Record(kind, file, view[position : position + length])
        position += length


def header(kind: Kind, file: int, length: int) -> bytes:
    """Return the header that precedes a payload."""
    return _HEADER.pack(kind, file, length)


def start_record(file: int, offset: int) -> bytes:
    """Return the record that the file's bytes begin at `offset`."""
    return header(Kind.START, file, _OFFSET.size) + _OFFSET.pack(offset)


def end_record(file: int, digest: bytes) -> bytes:
    """Return the record that all of the file was sent."""
    return header(Kind.END, file, len(digest)) + digest


def failed_record(file: int, reason: Reason) -> bytes:
    """Return the record that the sender cannot read on."""
    payload = reason.value.encode()
    return header(Kind.FAILED, file, len(payload)) + payload
