"""How long this machine has slept.

The loop's clock stands still meanwhile on Linux and macOS, and a code must not.
"""

import sys
import time


def slept_seconds() -> float:
    """Seconds asleep since some moment; only differences mean anything.

    Always 0 where the clock goes on.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        # There CLOCK_MONOTONIC goes on during sleep, and Python's own clock (mach_absolute_time)
        # stands still.
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()
    return 0.0
