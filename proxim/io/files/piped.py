"""The private folder for the one file that comes from standard input or goes to standard output.

Sizes are announced, so standard input is kept here before it is sent; and what goes to standard
output is kept here until it is verified. Each running program has a folder of its own beside its
lock, in the folder of unfinished transfers; what a killed program left is removed by the next, and
by `proxim doctor --clean`.
"""

import os
import secrets
import select
import shutil
import sys
from contextlib import suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO, Final

from proxim.core.errors import Reason
from proxim.io.system.disk_errors import FileError, plain, read_reason, write_error
from proxim.io.system.file_lock import is_locked, lock

# Both pipes and disks are fast from a MiB on.
CHUNK_BYTES: Final = 1024 * 1024
# How late a signal may be noticed that comes just before a wait.
SIGNAL_SECONDS: Final = 0.2
_FOLDER: Final = "piped"
_LOCK: Final = ".lock"


class PipedFolder:
    """A folder that this program alone uses, and that goes with it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def make(cls, parent: Path) -> "PipedFolder":
        """Make a new folder in the folder of unfinished transfers. Raises FileError."""
        root = parent / _FOLDER
        remove_left_over(parent)
        path = root / secrets.token_hex(8)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                descriptor = os.open(path.with_suffix(_LOCK), flags, 0o600)
            except FileNotFoundError:
                # Another program has just ended, and removed what was empty.
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(path.with_suffix(_LOCK), flags, 0o600)
        except OSError as error:
            raise write_error(error) from None
        # Others leave the folder alone from now on.
        lock(descriptor)
        folder = cls(path, descriptor)
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            folder.remove()
            raise write_error(error) from None
        return folder

    def keep(self, source: BinaryIO, name: str) -> Path:
        """Write all that comes from `source` into a file of this name, and return its path.

        Raises FileError: FILE_UNREADABLE or FILE_GONE if it is the source that fails.
        """
        path = self.path / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise write_error(error) from None
        with open(descriptor, "wb", buffering=0) as file:
            while piece := _read(source):
                try:
                    # A full disk may take a part of it.
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError as error:
                    raise write_error(error) from None
        return path

    @property
    def only_file(self) -> Path | None:
        """The file that has arrived here; None if there is none, or more than one."""
        found = [one for one in self.path.iterdir() if one.is_file()]
        return found[0] if len(found) == 1 else None

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(OSError):
                os.unlink(self.path.with_suffix(_LOCK))
            with suppress(OSError):
                # Another program may have its folder there.
                self.path.parent.rmdir()


def copy_out(path: Path, target: BinaryIO) -> None:
    """Write a whole file to `target`. Raises OSError, of the target or of the disk."""
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(CHUNK_BYTES):
            target.write(piece)
    target.flush()


def remove_left_over(parent: Path) -> None:
    """Remove what programs that were killed left in the folder of unfinished transfers."""
    for mark in (parent / _FOLDER).glob(f"*{_LOCK}"):
        if not is_locked(mark):
            shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
            with suppress(OSError):
                mark.unlink()
    with suppress(OSError):
        # There is none, or a running program has its folder there.
        (parent / _FOLDER).rmdir()


def _read(source: BinaryIO) -> bytes:
    """Return the next bytes, and none at the end. Raises FileError."""
    try:
        try:
            descriptor = source.fileno()
        except UnsupportedOperation:
            # It is no file of the system's, so no read waits.
            return source.read(CHUNK_BYTES)
        _wait_for(descriptor)
        return os.read(descriptor, CHUNK_BYTES)
    except OSError as error:
        raise FileError(read_reason(error), plain(error)) from None


def _wait_for(descriptor: int) -> None:
    """Wait for something to read, or for the end.

    Python handles a signal that comes just before a read only after it, which may be never. On
    Windows, where a pipe cannot be waited for, Ctrl+C ends the read itself.
    """
    if sys.platform != "win32":
        while not select.select([descriptor], [], [], SIGNAL_SECONDS)[0]:
            continue


# The reasons of `keep` that are the source's.
SOURCE_REASONS: Final = frozenset({Reason.FILE_UNREADABLE, Reason.FILE_GONE})
