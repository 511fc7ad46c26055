"""Limits how often somebody may try to guess the typed code (docs/security.md, Host code).

A try is counted when its challenge is sent and given back when it succeeds, so an attacker gains
nothing by hanging up. With these numbers a guess succeeds with 20 / 2^25 = 6e-7, and then it only
opens a dialog. The QR code's secret has 128 bits and needs no budget.
"""

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from proxim.core.errors import Reason

if TYPE_CHECKING:
    from proxim.core.token_bucket import TokenBucket

# A challenge costs processor time, and honest people type one code at a time.
TRIES_IN_FLIGHT: Final = 1
# Nobody types faster.
TRIES_PER_SECOND: Final = 1.0
# Two people, one of them with a mistake.
TRIES_BURST: Final = 3
# The check symbol catches typos, so honest failures are rare.
FAILURES_PER_ADDRESS: Final = 5
# The limit within FAILURE_WINDOW_SECONDS; after that the typed code closes, and the QR code stays.
FAILURES_IN_ALL: Final = 20
# The lifetime of a one-time code.
FAILURE_WINDOW_SECONDS: Final = 15 * 60.0


class GuessBudget:
    """The tries at one typed code.

    Every `now` is in seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        # Once closed, it stays closed until the host makes a new code.
        self.closed = False
        self._in_flight = 0
        # None until the first try.
        self._rate: TokenBucket | None = None
        self._failures: deque[float] = deque()
        self._by_address: Counter[str] = Counter()

    def consume(self, address: str, now: float) -> Reason | None:
        """Count a try; return the Reason if it is refused."""
        self._expire(now)
        if self.closed or self._by_address[address] >= FAILURES_PER_ADDRESS:
            return Reason.TOO_MANY_TRIES
        if self._in_flight >= TRIES_IN_FLIGHT or not self._within_rate(now):
            return Reason.BUSY
        self._in_flight += 1
        self._by_address[address] += 1
        self._failures.append(now)
        return None

    def end(self, address: str, *, succeeded: bool) -> bool:
        """End the try in progress; a successful one does not count.

        Returns True if this failure closed the code.
        """
        self._in_flight -= 1
        if succeeded:
            self._by_address[address] -= 1
            # Only one try is in progress, so the newest entry belongs to it.
            self._failures.pop()
            return False
        was_closed = self.closed
        self.closed = was_closed or len(self._failures) >= FAILURES_IN_ALL
        return self.closed and not was_closed

    def _within_rate(self, now: float) -> bool:
        if self._rate is None:
            # Imported late, because every host makes a budget before it shows its code.
            from proxim.core.token_bucket import RateLimit, TokenBucket

            self._rate = TokenBucket(RateLimit(TRIES_PER_SECOND, TRIES_BURST), now)
        return self._rate.consume(now)

    def _expire(self, now: float) -> None:
        # The newest entries are in progress and stay, even if this device slept for long, because
        # `end` removes them.
        while (
            len(self._failures) > self._in_flight
            and now - self._failures[0] > FAILURE_WINDOW_SECONDS
        ):
            self._failures.popleft()
