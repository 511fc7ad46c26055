"""A part is a file that is being received.

Until it is verified, it is hidden under a random name in the folder where it will stay.
"""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from proxim.core.files.filenames import Place
from proxim.io.files.folders import Folder, Folders
from proxim.io.system.quarantine import mark

# The size of the token in the names of a transfer's parts. No other files have such names.
TOKEN_BYTES: Final = 8
TOKEN: Final = re.compile(r"[0-9a-f]{16}")
REHASH_BYTES: Final = 1024 * 1024
# Zeros are looked for in pieces of this size, which is a multiple of a disk's block.
PIECE_BYTES: Final = 64 * 1024
_ZEROS: Final = bytes(PIECE_BYTES)
# The last second of the year 9999. Some systems refuse later times.
LATEST: Final = 253_402_300_799


def part_name(token: str, index: int) -> str:
    """Return the name of a file while it is received.

    It follows from what is stored of the transfer, so that the part is found again.
    """
    return f".proxim-{token}-{index}.part"


class Part:
    """One file being received. Every method may raise OSError."""

    __slots__ = ("_descriptor", "_folder", "_folders", "_hasher", "_hole", "_name", "written")

    def __init__(self, folders: Folders, folder: Folder, name: str, descriptor: int) -> None:
        self._folders = folders
        self._folder = folder
        self._name = name
        self._descriptor = descriptor
        self._hasher = hashlib.sha256()
        # Whether the file ends with a hole that the disk does not know of yet.
        self._hole = False
        self.written = 0

    @classmethod
    def create(cls, folders: Folders, folder: Folder, name: str) -> "Part":
        """Create a new part. An old file with this random name is ours and is removed."""
        try:
            return cls(folders, folder, name, folders.create(folder, name))
        except FileExistsError:
            folders.remove(folder, name)
            return cls(folders, folder, name, folders.create(folder, name))

    @classmethod
    def reopen(cls, folders: Folders, folder: Folder, name: str, most: int) -> "Part":
        """Reopen a part that an earlier attempt left, and hash it again.

        Anything beyond `most` bytes is cut off.
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
        """Write the next bytes.

        They are hashed after they are written, so that file and hash never disagree, wherever
        writing fails. Doing both in turn on one thread gave 1300 MB/s here; with a second thread
        for hashing it was 800. Long zeros are not written: they take no room on the disk.
        """
        while data:
            begin, count = _find_zeros(data)
            if begin == 0:
                os.lseek(self._descriptor, count, os.SEEK_CUR)
            else:
                count = os.write(self._descriptor, data[:begin])
            self._hole = begin == 0
            self._hasher.update(data[:count])
            self.written += count
            data = data[count:]

    def _fill_hole(self) -> None:
        """Give the file its length, if it ends with a hole."""
        if self._hole:
            os.ftruncate(self._descriptor, self.written)
            self._hole = False

    def digest(self) -> bytes:
        """Return the SHA-256 of what is written."""
        return self._hasher.digest()

    def rewind(self) -> None:
        """Begin again at 0."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._hasher = hashlib.sha256()
        self._hole = False
        self.written = 0

    def complete(self, mode: int, modified: int | None) -> None:
        """Complete the file except for its name: set mode, time and quarantine mark, and close it.

        A disk that refuses one of these (exFAT, NTFS and shares refuse modes) has the file all the
        same.

        There is no fsync: with thousands of files it costs more than the transfer, and cp, scp and
        browsers do without. What a killed program has written stays. After a power cut the last
        half minute may be missing, as with those programs.
        """
        self._fill_hole()
        path = self._folders.path(self._folder, self._name)
        when = None if modified is None or modified > LATEST else (modified, modified)
        try:
            if sys.platform != "win32":
                if stat.S_IMODE(os.fstat(self._descriptor).st_mode) != mode:
                    with suppress(OSError):
                        os.fchmod(self._descriptor, mode)
                if when is not None:
                    # Some disks cannot store this time.
                    with suppress(OSError, OverflowError):
                        os.utime(self._descriptor, when)
            mark(self._descriptor, path)
        finally:
            self.close()
        # Closing sets the time once more, so it is set after closing.
        if sys.platform == "win32" and when is not None:
            with suppress(OSError, OverflowError):
                os.utime(path, when)

    def close(self) -> None:
        """Close the part and leave it for a later attempt."""
        if self._descriptor >= 0:
            try:
                self._fill_hole()
            finally:
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)

    def discard(self) -> None:
        """Remove the part if it still exists."""
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            self._folders.remove(self._folder, self._name)


def _find_zeros(data: memoryview) -> tuple[int, int]:
    """Return where the first piece of zeros begins, and its length; without one, the length of the
    data and 0.

    The data is looked at in pieces of PIECE_BYTES. The last one may be shorter: its zeros may join
    those of the next data.
    """
    for start in range(0, len(data), PIECE_BYTES):
        end = min(start + PIECE_BYTES, len(data))
        # Nearly always the first or the last byte tells, and the others need no look.
        if data[start] == 0 == data[end - 1] and bytes(data[start:end]) == _ZEROS[: end - start]:
            return start, end - start
    return len(data), 0


def remove_leftovers(
    folders: Folders, token: str, places: Iterable[Place], tops: Collection[str]
) -> None:
    """Remove the parts of a transfer, and then those of its folders that are empty.

    `tops` are the folders that were made for it. Other folders are the person's own, even if they
    have the name of a folder that was declined or not made yet. Those stay, even if empty.
    """
    all_folders: set[Folder] = set()
    for index, place in enumerate(places):
        if place.folder and place.folder[0] in tops:
            all_folders.update(place.folder[: depth + 1] for depth in range(len(place.folder)))
        if place.name:
            # Nearly always there is no such file.
            with suppress(OSError):
                folders.remove(place.folder, part_name(token, index))
    for folder in sorted(all_folders, key=len, reverse=True):
        # A folder that is not empty stays.
        with suppress(OSError):
            folders.remove_empty(folder)
