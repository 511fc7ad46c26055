"""Locks a file for as long as this program runs, so that another program of the same person leaves
it alone.

The system releases the lock however the program ends. Nothing stale remains, as a process id in a
file would.
"""

import os
import sys
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows keeps others from reading locked bytes. This byte lies beyond the end of all our journals.
_BEYOND: Final = 1 << 30


def lock(descriptor: int) -> bool:
    """Lock the open file until it is closed. Returns False if another program has locked it."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _BEYOND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # The disk has no locks, as some network disks do not, so nobody can lock anything there.
        return True
    return True


def is_locked(path: Path) -> bool:
    """Whether some program has locked the file."""
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


def hold_folder(folder: str) -> bool:
    """Keep cleaners of temporary files away from a folder until this program ends.

    systemd-tmpfiles leaves a folder alone that is locked (tmpfiles.d(5), "Age"). Returns False if
    the folder cannot be locked, as on Windows, which locks no folders.
    """
    if sys.platform == "win32":
        return False
    else:  # noqa: RET505 - mypy reads a branch for another system, but not what follows a return
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            # The lock is shared, so that nobody who looks at the folder in this way is kept out.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        return True
