"""How fast a WebSocket's other side may send, counted frame by frame, before anybody looks at what
it says.

The machine counts messages. It never sees pings, pongs and pieces of messages, of which 43,690 fit
into one read and took a tenth of a second to parse.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from websockets.asyncio.connection import Connection
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

_CONTROL = frozenset({Opcode.PING, Opcode.PONG, Opcode.CLOSE})


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and so many at once after a pause."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Pace:
    """What one kind of socket may send."""

    controls: Rate
    frames: Rate  # of messages
    bytes: Rate


class TooFastError(EOFError):
    """Ends the parsing of a read at the frame that was one too many.

    As at the end of a stream, nothing is answered.
    """


class _Bucket:
    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = rate.burst
        self._filled = now

    def take(self, count: int, now: float) -> bool:
        self._left = min(
            self._rate.burst, self._left + (now - self._filled) * self._rate.per_second
        )
        self._filled = now
        self._left -= count
        return self._left >= 0


class Meter:
    """Counts what one socket sends."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        now = clock()
        self._controls = _Bucket(pace.controls, now)
        self._frames = _Bucket(pace.frames, now)
        self._bytes = _Bucket(pace.bytes, now)

    def read(self, size: int) -> bool:
        """Count a read; False where it is too much."""
        return self._bytes.take(size, self._clock())

    def frame(self, opcode: Opcode) -> bool:
        """Count a frame; False where it is one too many."""
        bucket = self._controls if opcode in _CONTROL else self._frames
        return bucket.take(1, self._clock())


class PacedProtocol(Protocol):
    """Mixed into a protocol: parses no further than its meter allows.

    Without a meter there is no limit.
    """

    meter: Meter | None = None

    def recv_frame(self, frame: Frame) -> None:
        """Called by the parser for each frame, also for those that no message comes of."""
        if self.meter is not None and not self.meter.frame(frame.opcode):
            raise TooFastError("too fast")
        super().recv_frame(frame)


class PacedConnection(Connection):
    """Mixed into a connection of a PacedProtocol: cut off, without a closing handshake, once it is
    too fast.
    """

    def data_received(self, data: bytes) -> None:
        """Count the read before it is parsed."""
        assert isinstance(self.protocol, PacedProtocol)
        if self.protocol.meter is not None and not self.protocol.meter.read(len(data)):
            self.cut_off("it sent too many bytes")
            return
        super().data_received(data)
        if isinstance(self.protocol.parser_exc, TooFastError):
            self.cut_off("it sent too many frames")

    def cut_off(self, why: str) -> None:
        """Drop the connection; overridden where the reason is told."""
        self.transport.abort()
