"""Reads the frames of a WebSocket (RFC 6455, 5.2) in the buffer into which they are received.

A library's reader copies each byte several times: out of the read, into its buffer, out of it, and
together into a message. A lane carries hundreds of megabytes a second, of which this took a fifth.
Here a frame's payload is a view of the one buffer, which the next frames use again.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

_MASK_BYTES: Final = 4
_SHORT: Final = struct.Struct(">H")
_LONG: Final = struct.Struct(">Q")
# The length in the second byte that announces a length of 2 or of 8 bytes.
_SHORT_FOLLOWS: Final = 126
_LONG_FOLLOWS: Final = 127
MOST_HEADER_BYTES: Final = 2 + _LONG.size + _MASK_BYTES
MOST_CONTROL_BYTES: Final = 125
# A buffer is at least so large, and as large as the largest frame so far. Texts need no more.
LEAST_BUFFER_BYTES: Final = 16 * 1024

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F


class FrameError(Exception):
    """The other side does not follow the protocol, so nothing more can be read."""


class Opcode(IntEnum):
    """The kinds of frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10

    @property
    def control(self) -> bool:
        """Whether such a frame may stand between the fragments of a message."""
        return self >= Opcode.CLOSE


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; its views are valid until the reader's next `room`."""

    opcode: Opcode
    # Whether it is the last of its message.
    final: bool
    # The key that the payload is masked with; empty if it is not.
    mask: bytes
    payload: memoryview = field(repr=False)
    # The whole frame, with its header.
    raw: memoryview = field(repr=False)


class FrameReader:
    """Reads frames from one buffer.

    Receive into `room()`, then call `received`, then `next_frame` until it returns None. `masked`
    says whether the other side masks its frames, as every client must and no server may; `most` is
    the largest payload.
    """

    def __init__(self, *, masked: bool, most: int) -> None:
        self._masked = masked
        self._most = most
        self._buffer = memoryview(bytearray(LEAST_BUFFER_BYTES))
        # What was received and not yet read stands between these.
        self._start = self._end = 0
        # The size of the frame that begins at _start, or of the largest header.
        self._needed = MOST_HEADER_BYTES

    def room(self) -> memoryview:
        """Return where to receive next. It is never empty, and ends soon after the current frame,
        so that little of the next one has to be moved.
        """
        size = max(self._needed + MOST_HEADER_BYTES, LEAST_BUFFER_BYTES)
        if self._start + size > len(self._buffer):
            left = self._buffer[self._start : self._end]
            if size > len(self._buffer):
                self._buffer = memoryview(bytearray(size))
            self._buffer[: len(left)] = left
            self._start, self._end = 0, len(left)
        return self._buffer[self._end : self._start + size]

    def received(self, count: int) -> None:
        """Note that `count` bytes were received into `room()`."""
        self._end += count
        assert self._end <= len(self._buffer)

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, or None if more must be received. Raises FrameError."""
        have = self._end - self._start
        if have < 2:
            return None
        first, second = self._buffer[self._start], self._buffer[self._start + 1]
        opcode, final = self._opcode(first), bool(first & _FINAL)
        if bool(second & _MASKED) != self._masked:
            raise FrameError("a frame is masked in the wrong direction")
        length, header = second & _LENGTH, 2
        if length >= _SHORT_FOLLOWS:
            form = _SHORT if length == _SHORT_FOLLOWS else _LONG
            header += form.size
            if have < header:
                return None
            (length,) = form.unpack_from(self._buffer, self._start + 2)
        if opcode.control and (length > MOST_CONTROL_BYTES or not final):
            raise FrameError("a control frame is long or in pieces")
        if length > self._most:
            raise FrameError("a frame is too large")
        mask_bytes = _MASK_BYTES if self._masked else 0
        self._needed = header + mask_bytes + length
        if have < self._needed:
            return None
        raw = self._buffer[self._start : self._start + self._needed]
        self._start += self._needed
        self._needed = MOST_HEADER_BYTES
        if self._start == self._end:
            self._start = self._end = 0
        mask = bytes(raw[header : header + mask_bytes])
        return Frame(opcode, final, mask, raw[header + mask_bytes :], raw)

    @staticmethod
    def _opcode(first: int) -> Opcode:
        if first & _RESERVED:
            raise FrameError("a frame of an extension that was not agreed on")
        try:
            return Opcode(first & _OPCODE)
        except ValueError:
            raise FrameError("no such frame") from None


def frame_header(opcode: Opcode, length: int, mask: bytes = b"") -> bytes:
    """Return what precedes the payload of a frame that is a whole message."""
    masked = _MASKED if mask else 0
    if length < _SHORT_FOLLOWS:
        return bytes((_FINAL | opcode, masked | length)) + mask
    if length < 1 << 8 * _SHORT.size:
        return bytes((_FINAL | opcode, masked | _SHORT_FOLLOWS)) + _SHORT.pack(length) + mask
    return bytes((_FINAL | opcode, masked | _LONG_FOLLOWS)) + _LONG.pack(length) + mask
