"""Measures how long this machine has slept.

On Linux and macOS the loop's clock stops during sleep, but a code must still expire.
"""

import sys
import time


def slept_seconds() -> float:
    """Return the seconds asleep since some moment, so that only differences have a meaning.

    The result is always 0 on systems whose clock goes on during sleep.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        # On macOS CLOCK_MONOTONIC goes on during sleep, and Python's own clock (mach_absolute_time)
        # stops.
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()
    return 0.0
