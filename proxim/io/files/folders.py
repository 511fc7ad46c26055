"""A folder on the disk and our files beneath it. No operation leads out of the folder, whatever
somebody puts there meanwhile.

On systems that open relative to an open folder (Linux, macOS), each part of a path is opened from
the one before and never through a link. A folder of ours that was replaced by a link therefore
cannot lead elsewhere. Windows has no such call. There, each folder of the path is checked
immediately before use (no link, no junction), which leaves a moment between check and use. To
exploit it, somebody must already be able to write into that very folder.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from proxim.core.files.filenames import Names

# The names of the folders on the path from the root.
Folder = tuple[str, ...]

BY_DESCRIPTOR: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# The largest number in "name (2)". A folder with more of the same name is no accident.
MAX_NUMBER: Final = 10_000
# Files arrive folder by folder, and a walk back up finds their parents.
OPEN_FOLDERS: Final = 16
# Nobody else may read what is not verified yet.
PART_MODE: Final = 0o600
# The umask applies, as to any new folder.
FOLDER_MODE: Final = 0o777
# Seconds between attempts. Windows' virus scanners keep a file open that was just closed.
SCANNER_PAUSES: Final = (
    0.01,
    0.05,
    0.2,
)
# IO_REPARSE_TAG_MOUNT_POINT marks a junction. Only on Windows does `stat` have this constant.
_MOUNT_POINT: Final = 0xA0000003
_NO_FOLLOW: Final = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_OPEN_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINKS: Final = {
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EACCES,
    errno.EINVAL,
}


def is_link(found: os.stat_result) -> bool:
    """Whether the entry leads elsewhere: a symbolic link, or a junction of Windows."""
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _MOUNT_POINT


def long_path(path: str) -> str:
    r"""On Windows, put `\\?\` before the path, which lifts the limit of 260 characters."""
    if sys.platform != "win32":
        return path
    absolute = os.path.abspath(path)
    if absolute.startswith("\\\\"):
        return absolute if absolute.startswith("\\\\?\\") else "\\\\?\\UNC" + absolute[1:]
    return "\\\\?\\" + absolute


class Folders:
    """A root folder and the folders beneath it. Every method may raise OSError."""

    def __init__(self, root: Path, *, by_descriptor: bool = BY_DESCRIPTOR) -> None:
        self.root = root
        self._by_descriptor = by_descriptor
        self._open: dict[Folder, int] = {}
        self._path = long_path(str(root))
        if by_descriptor:
            # The root is the person's own choice and may be a link.
            self._root = os.open(root, _OPEN_FOLDER)
        elif not stat.S_ISDIR(os.stat(self._path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def close(self) -> None:
        """Close the open folders. This object cannot be used afterwards."""
        if self._by_descriptor:
            for descriptor in (*self._open.values(), self._root):
                os.close(descriptor)
            self._open.clear()
            self._by_descriptor = False
            self._root = -1

    # --- where ------------------------------------------------------------------------------------

    def path(self, folder: Folder, name: str = "") -> str:
        """Return the path, for calls that accept nothing else."""
        return os.path.join(self._path, *folder, *([name] if name else []))

    def shown(self, folder: Folder, name: str = "") -> str:
        """Return the path to show to people."""
        return os.path.join(self.root, *folder, *([name] if name else []))

    def _descriptor(self, folder: Folder) -> int:
        if not folder:
            return self._root
        found = self._open.get(folder)
        if found is None:
            parent = self._descriptor(folder[:-1])
            found = os.open(folder[-1], _OPEN_FOLDER | _NO_FOLLOW, dir_fd=parent)
            while len(self._open) >= OPEN_FOLDERS:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[folder] = found
        return found

    def _at(self, folder: Folder, name: str) -> tuple[str, int | None]:
        """Return how the system reaches `name` in `folder`: a path, and a `dir_fd` or None."""
        if self._by_descriptor:
            return name, self._descriptor(folder)
        for depth in range(len(folder)):
            if is_link(found := os.lstat(self.path(folder[: depth + 1]))) or not stat.S_ISDIR(
                found.st_mode
            ):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return self.path(folder, name), None

    def names(self) -> Iterator[str]:
        """Yield the names of all that is in the root folder."""
        where: str | int = self._path
        if self._by_descriptor and os.scandir in os.supports_fd:
            # A descriptor of its own, because listing moves its position.
            where = os.open(".", _OPEN_FOLDER, dir_fd=self._root)
        try:
            with os.scandir(where) as listed:
                for one in listed:
                    yield one.name
        finally:
            if isinstance(where, int):
                os.close(where)

    # --- folders ----------------------------------------------------------------------------------

    def make_new(self, name: str, names: Names) -> str:
        """Make a new folder at the top. Returns its name, with a number if `name` was in use."""
        for given in islice(names.tries(name), MAX_NUMBER):
            where, at = self._at((), given)
            try:
                os.mkdir(where, FOLDER_MODE, dir_fd=at)
            except FileExistsError:
                continue
            return given
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def make(self, folder: Folder) -> None:
        """Make a folder whose parent exists. It may exist already, but not as a link."""
        where, at = self._at(folder[:-1], folder[-1])
        try:
            os.mkdir(where, FOLDER_MODE, dir_fd=at)
        except FileExistsError:
            # This raises if a link or a file is there.
            self._at(folder, "")

    def remove_empty(self, folder: Folder) -> None:
        """Remove a folder of ours. If it contains anything, this raises and it stays."""
        if self._by_descriptor and folder in self._open:
            os.close(self._open.pop(folder))
        where, at = self._at(folder[:-1], folder[-1])
        os.rmdir(where, dir_fd=at)

    def set_time(self, folder: Folder, when: int) -> None:
        """Set the modification time of a folder of ours, in seconds since 1970."""
        if self._by_descriptor:
            os.utime(self._descriptor(folder), (when, when))
        else:
            where, _ = self._at(folder, "")
            os.utime(where, (when, when))

    # --- files ------------------------------------------------------------------------------------

    def create(self, folder: Folder, name: str, mode: int = PART_MODE) -> int:
        """Create a new file and open it for writing.

        Raises FileExistsError if the name is in use, even by a link.
        """
        where, at = self._at(folder, name)
        return os.open(where, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, mode, dir_fd=at)

    def reopen(self, folder: Folder, name: str) -> int:
        """Open an existing file for reading and writing.

        Links, pipes and files with a second name elsewhere are refused.
        """
        where, at = self._at(folder, name)
        if not self._by_descriptor and not stat.S_ISREG(os.lstat(where).st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        descriptor = os.open(
            where, os.O_RDWR | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0), dir_fd=at
        )
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return descriptor

    def look(self, folder: Folder, name: str) -> os.stat_result | None:
        """Return the status of what is there, or None if nothing is."""
        try:
            where, at = self._at(folder, name)
            return os.stat(where, dir_fd=at, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def remove(self, folder: Folder, name: str) -> None:
        """Remove a file of ours."""
        where, at = self._at(folder, name)
        os.unlink(where, dir_fd=at)

    def give_name(self, folder: Folder, part: str, name: str) -> None:
        """Give a complete file its name. Raises FileExistsError if the name is in use.

        The only thing ever replaced is an empty file that was made here for this purpose.
        """
        old, at = self._at(folder, part)
        new, _ = self._at(folder, name)
        if sys.platform == "win32":
            for pause in SCANNER_PAUSES:
                try:
                    # On Windows, renaming fails if the name is in use.
                    os.rename(old, new)
                except PermissionError:
                    time.sleep(pause)
                else:
                    return
            os.rename(old, new)
            return
        # Making a hard link is as exclusive as creating a file, and leaves no empty file if we are
        # killed. Renaming over a reserved name also makes ext4 write the file out first, which
        # takes 0.3 s per GB.
        try:
            os.link(old, new, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._rename_reserved(old, new, at)
            return
        os.unlink(old, dir_fd=at)

    def _rename_reserved(self, old: str, new: str, at: int | None) -> None:
        """Rename on disks without hard links, such as USB sticks."""
        os.close(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, PART_MODE, dir_fd=at)
        )
        try:
            os.replace(old, new, src_dir_fd=at, dst_dir_fd=at)
        except OSError:
            os.unlink(new, dir_fd=at)
            raise
