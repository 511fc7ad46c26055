"""A token bucket limits how often something may happen: steadily, and at once after a pause."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much is allowed per second, and how much at once after a pause."""

    per_second: float
    burst: float


class TokenBucket:
    """Counts what happens against one RateLimit; it begins full.

    Every `now` is in seconds of the same monotonic clock.
    """

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._refilled = now

    def consume(self, now: float, count: float = 1) -> bool:
        """Count `count` more. Returns False, and counts nothing, if that is too much."""
        gained = (now - self._refilled) * self._limit.per_second
        self._tokens = min(self._limit.burst, self._tokens + gained)
        self._refilled = now
        if self._tokens < count:
            return False
        self._tokens -= count
        return True
