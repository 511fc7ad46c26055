"""A file held by a living program, so that another one of the same person leaves it alone.

The system lets go of it when the program ends, however that ends: nothing stale stays, as a process
id in a file would.
"""

import os
import sys
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows keeps others from reading what is locked: a byte that no journal of ours comes to
_BEYOND: Final = 1 << 30


def lock(descriptor: int) -> bool:
    """Hold the open file until it is closed; False where another has it."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _BEYOND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # A disk without locks, as some in a network: nobody can hold anything there
        return True
    return True


def is_locked(path: Path) -> bool:
    """Whether some program holds it."""
    try:
        descriptor = os.open(
            path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError:
        return False
    try:
        return not lock(descriptor)
    finally:
        os.close(descriptor)
