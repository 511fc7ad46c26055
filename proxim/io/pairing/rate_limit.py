"""Limits how fast a WebSocket's other side may send, counted frame by frame before parsing goes on.

The machine counts messages. It never sees pings, pongs and pieces of messages, although 43,690 of
these fit into one read and took a tenth of a second to parse. Nothing of `websockets` is imported
here, because limits.py needs these classes before the code is on the screen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from proxim.core.token_bucket import RateLimit, TokenBucket


@dataclass(frozen=True, slots=True)
class Pace:
    """What one kind of socket may send."""

    controls: RateLimit
    # Frames of messages.
    frames: RateLimit
    bytes: RateLimit


class Meter:
    """Counts what one socket sends."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        now = clock()
        self._controls = TokenBucket(pace.controls, now)
        self._frames = TokenBucket(pace.frames, now)
        self._bytes = TokenBucket(pace.bytes, now)

    def read(self, size: int) -> bool:
        """Count the bytes of a read. Returns False if they are too many."""
        return self._bytes.consume(self._clock(), size)

    def frame(self, *, control: bool) -> bool:
        """Count a frame of control (ping, pong, close) or of a message. Returns False if it is one
        too many.
        """
        bucket = self._controls if control else self._frames
        return bucket.consume(self._clock())
