"""Large pieces of memory are used again, instead of being given back to the system after each
message.

glibc returns what lies free at the end of its heap beyond 128 KiB, and takes it anew, page by page,
for the next message: half of the time of a transfer was spent on that (bench/lane_ends.py counts
the faults).
"""

import ctypes
import logging
import sys
from functools import cache
from typing import Final

_log = logging.getLogger(__name__)

# malloc.h
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
# Of freed memory at most: some batches and queues of a transfer at full speed
_KEPT_BYTES: Final = 32 * 1024 * 1024
# From here on a piece is the system's again as soon as it is freed
_MAPPED_BYTES: Final = 8 * 1024 * 1024


@cache
def keep_freed_memory() -> bool:
    """Call before the first transfer; whether this system lets itself be told."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
        return all(
            mallopt(*one) == 1
            for one in ((_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _MAPPED_BYTES))
        )
    except (OSError, AttributeError):
        # Musl has none, and another way with memory
        _log.info("this system's memory is managed in its own way")
        return False
