"""The file that is being received: hidden, under a random name, in the folder where it will stay,
until it is verified.
"""

import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from proxim.core.files.filenames import Place
from proxim.io.files.folders import PART_MODE, Folder, Folders
from proxim.io.system.quarantine import mark

# Of a transfer's parts; nobody else's file has such a name
TOKEN_BYTES: Final = 8
TOKEN: Final = re.compile(r"[0-9a-f]{16}")
REHASH_BYTES: Final = 1024 * 1024
# The last second of the year 9999; some systems refuse later ones
LATEST: Final = 253_402_300_799


def part_name(token: str, index: int) -> str:
    """The name while it is received; it follows from what is kept of the transfer, so that it is
    found again.
    """
    return f".proxim-{token}-{index}.part"


class Part:
    """One file being received. Everything raises OSError."""

    __slots__ = ("_descriptor", "_folder", "_folders", "_hasher", "_name", "written")

    def __init__(self, folders: Folders, folder: Folder, name: str, descriptor: int) -> None:
        self._folders = folders
        self._folder = folder
        self._name = name
        self._descriptor = descriptor
        self._hasher = hashlib.sha256()
        self.written = 0

    @classmethod
    def create(cls, folders: Folders, folder: Folder, name: str) -> "Part":
        """A new one. An old one by its random name is ours, and goes."""
        try:
            return cls(folders, folder, name, folders.create(folder, name))
        except FileExistsError:
            folders.remove(folder, name)
            return cls(folders, folder, name, folders.create(folder, name))

    @classmethod
    def reopen(cls, folders: Folders, folder: Folder, name: str, most: int) -> "Part":
        """One that an earlier attempt left, read and hashed again; what is beyond `most` bytes is
        cut off.
        """
        part = cls(folders, folder, name, folders.reopen(folder, name))
        try:
            os.ftruncate(part._descriptor, min(os.fstat(part._descriptor).st_size, most))
            while read := os.read(part._descriptor, REHASH_BYTES):
                part._hasher.update(read)
                part.written += len(read)
        except OSError:
            part.close()
            raise
        return part

    def write(self, data: memoryview) -> None:
        """The next bytes.

        Hashed after they are written: the two never disagree, wherever writing fails.

        One after the other on one thread: 1300 MB/s here; with a second thread for hashing it was
        800.
        """
        while data:
            count = os.write(self._descriptor, data)
            self._hasher.update(data[:count])
            self.written += count
            data = data[count:]

    def digest(self) -> bytes:
        """SHA-256 of what is written."""
        return self._hasher.digest()

    def rewind(self) -> None:
        """Begin again at 0."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._hasher = hashlib.sha256()
        self.written = 0

    def settle(self, mode: int, modified: int | None) -> None:
        """Make it a file as any other but for its name, and close it.

        No fsync: with thousands of files it costs more than the transfer, and cp, scp and browsers
        go without. What a killed program has written stays; after a power cut the last half minute
        may be missing, as with those.
        """
        path = self._folders.path(self._folder, self._name)
        when = None if modified is None or modified > LATEST else (modified, modified)
        try:
            if sys.platform != "win32":
                if mode != PART_MODE:
                    os.fchmod(self._descriptor, mode)
                if when is not None:
                    # A disk that cannot hold this moment
                    with suppress(OSError, OverflowError):
                        os.utime(self._descriptor, when)
            mark(self._descriptor, path)
        finally:
            self.close()
        # After closing, which would set it once more
        if sys.platform == "win32" and when is not None:
            with suppress(OSError, OverflowError):
                os.utime(path, when)

    def close(self) -> None:
        """Leave it for a later attempt."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def discard(self) -> None:
        """Remove it, as far as it is still there."""
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            self._folders.remove(self._folder, self._name)


def remove_leftovers(
    folders: Folders, token: str, places: Iterable[Place], tops: Collection[str]
) -> None:
    """Remove the parts of a transfer, and then those of its folders that hold nothing.

    `tops` are the folders that were made for it. Others are a person's own, also where they are
    called as a folder that was announced and declined, or not yet made: those stay, empty as they
    may be.
    """
    all_folders: set[Folder] = set()
    for index, place in enumerate(places):
        if place.folder and place.folder[0] in tops:
            all_folders.update(place.folder[: depth + 1] for depth in range(len(place.folder)))
        if place.name:
            # Nearly always: it is not there
            with suppress(OSError):
                folders.remove(place.folder, part_name(token, index))
    for folder in sorted(all_folders, key=len, reverse=True):
        # It holds something
        with suppress(OSError):
            folders.remove_empty(folder)
