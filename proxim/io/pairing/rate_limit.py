"""Limits how fast a WebSocket's other side may send, counted frame by frame before parsing goes on.

The machine counts messages. It never sees pings, pongs and pieces of messages, although 43,690 of
these fit into one read and took a tenth of a second to parse. Nothing of `websockets` is imported
here, because limits.py needs these classes before the code is on the screen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much is allowed per second, and how much at once after a pause."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Pace:
    """What one kind of socket may send."""

    controls: RateLimit
    # Frames of messages.
    frames: RateLimit
    bytes: RateLimit


class _Bucket:
    def __init__(self, rate: RateLimit, now: float) -> None:
        self._rate = rate
        self._left = rate.burst
        self._filled = now

    def acquire(self, count: int, now: float) -> bool:
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
        """Count the bytes of a read. Returns False if they are too many."""
        return self._bytes.acquire(size, self._clock())

    def frame(self, *, control: bool) -> bool:
        """Count a frame of control (ping, pong, close) or of a message. Returns False if it is one
        too many.
        """
        bucket = self._controls if control else self._frames
        return bucket.acquire(1, self._clock())
