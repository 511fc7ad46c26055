"""Makes the process reuse large pieces of memory instead of returning them to the system after each
message, and returns them when nobody is linked any more.

glibc returns free memory at the end of its heap beyond 128 KiB, and acquires it again, page by
page, for the next message. Half of the time of a transfer was spent on that (bench/lane_ends.py
counts the faults).
"""

import ctypes
import logging
import sys
from functools import cache
from typing import Final

_log = logging.getLogger(__name__)

# Parameter numbers from malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
# How much freed memory is kept at most: some batches and queues of a transfer at full speed.
_KEPT_BYTES: Final = 32 * 1024 * 1024
# A piece of at least this size goes back to the system as soon as it is freed.
_MAPPED_BYTES: Final = 8 * 1024 * 1024


@cache
def keep_freed_memory() -> bool:
    """Keep freed memory; call this before the first transfer. Returns whether the system supports
    it.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
        return all(
            mallopt(*one) == 1
            for one in ((_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _MAPPED_BYTES))
        )
    except (OSError, AttributeError):
        # The C library musl has no mallopt and manages memory differently.
        _log.info("this system's memory is managed in its own way")
        return False


def give_back_memory() -> bool:
    """Return the memory that was freed to the system. Returns whether the system supports it.

    This takes a millisecond or some, in which other threads can use the interpreter.
    """
    if sys.platform != "linux":
        return False
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        # musl has no malloc_trim.
        return False
    return True
