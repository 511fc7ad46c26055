"""How often somebody may try to guess the typed code (docs/security.md, Host code).

A try is counted when its challenge is issued and given back when it succeeds, so an attacker gains
nothing by hanging up. With these numbers a guess succeeds with 20 / 2^25 = 6e-7, and then only
opens a dialog. The QR's secret has 128 bits and needs no budget.
"""

from collections import Counter, deque
from typing import Final

from proxim.core.errors import Reason

# A challenge costs CPU, and an honest room types one code at a time
TRIES_IN_FLIGHT: Final = 1
# As fast as anybody types
TRIES_PER_SECOND: Final = 1.0
# Two people and a slip of the finger
TRIES_BURST: Final = 3
# A typo is caught by the check symbol, so honest failures are rare
FAILURES_PER_ADDRESS: Final = 5
# Within FAILURE_WINDOW_SECONDS; then the typed code closes, the QR stays
FAILURES_IN_ALL: Final = 20
# A one-time code's life
FAILURE_WINDOW_SECONDS: Final = 15 * 60.0


class GuessBudget:
    """The tries at one typed code. `now`: seconds of a monotonic clock."""

    def __init__(self) -> None:
        # Until the host makes a new code
        self.closed = False
        self._in_flight = 0
        self._tokens: float = TRIES_BURST
        self._refilled: float | None = None
        self._failures: deque[float] = deque()
        self._by_address: Counter[str] = Counter()

    def consume(self, address: str, now: float) -> Reason | None:
        """Count a try; a Reason where it is refused."""
        self._refill(now)
        if self.closed or self._by_address[address] >= FAILURES_PER_ADDRESS:
            return Reason.TOO_MANY_TRIES
        if self._in_flight >= TRIES_IN_FLIGHT or self._tokens < 1:
            return Reason.BUSY
        self._in_flight += 1
        self._tokens -= 1
        self._by_address[address] += 1
        self._failures.append(now)
        return None

    def end(self, address: str, *, succeeded: bool) -> bool:
        """The try in flight is over; one whose proof held does not count.

        True where it was one too many.
        """
        self._in_flight -= 1
        if succeeded:
            self._by_address[address] -= 1
            # With one in flight, the newest is this one
            self._failures.pop()
            return False
        was_closed = self.closed
        self.closed = was_closed or len(self._failures) >= FAILURES_IN_ALL
        return self.closed and not was_closed

    def _refill(self, now: float) -> None:
        if self._refilled is not None:
            self._tokens = min(
                TRIES_BURST, self._tokens + (now - self._refilled) * TRIES_PER_SECOND
            )
        self._refilled = now
        # The newest are in flight and stay, however long this device slept meanwhile: `end` takes
        # them back.
        while (
            len(self._failures) > self._in_flight
            and now - self._failures[0] > FAILURE_WINDOW_SECONDS
        ):
            self._failures.popleft()
