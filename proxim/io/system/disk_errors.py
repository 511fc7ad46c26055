"""Translates errors of files on this machine into a Reason.

A detail contains the system's error and never a path, because it may be logged.
"""

import errno
from typing import Final

from proxim.core.errors import ProximError, Reason

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_REFUSED: Final = {errno.EROFS, errno.EACCES, errno.EPERM}
# A drive that was pulled out answers EIO or ENXIO, and a share that went away ESTALE. ELOOP means
# that a link is where a folder was.
_GONE: Final = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.EIO,
    errno.ENXIO,
    errno.ENODEV,
    errno.ESTALE,
    errno.EHOSTDOWN,
}
_NAME: Final = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}
# These are Windows' own numbers for which the C library has no fitting errno. Here they are
# ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL.
_FULL_WINDOWS: Final = {39, 112}
# ERROR_FILE_TOO_LARGE.
_TOO_LARGE_WINDOWS: Final = {223}
# ERROR_INVALID_NAME and ERROR_FILENAME_EXCED_RANGE.
_NAME_WINDOWS: Final = {123, 206}
# ERROR_WRITE_PROTECT.
_REFUSED_WINDOWS: Final = {19}


class FileError(ProximError):
    """The disk does not do what a transfer needs."""

    @property
    def detail(self) -> str:
        """The text for a log."""
        return self.problem.detail


def plain(error: OSError) -> str:
    """Return the system's message without the path."""
    return error.strerror or type(error).__name__


def _windows_number(error: OSError) -> int | None:
    number: int | None = getattr(error, "winerror", None)
    return number


def write_reason(error: OSError) -> Reason:
    """Return why something cannot be written."""
    number = _windows_number(error)
    if error.errno in _FULL or number in _FULL_WINDOWS:
        return Reason.DISK_FULL
    if error.errno == errno.EFBIG or number in _TOO_LARGE_WINDOWS:
        return Reason.FILE_TOO_LARGE
    if number in _NAME_WINDOWS or error.errno in _NAME:
        return Reason.NAME_REFUSED
    if error.errno in _REFUSED or number in _REFUSED_WINDOWS:
        return Reason.FOLDER_READ_ONLY
    return Reason.FOLDER_GONE if error.errno in _GONE else Reason.TRANSFER_FAILED


def read_reason(error: OSError) -> Reason:
    """Return why something cannot be read."""
    return (
        Reason.FILE_GONE if error.errno in {errno.ENOENT, errno.ENOTDIR} else Reason.FILE_UNREADABLE
    )


def write_error(error: OSError) -> FileError:
    """Return the error of a failed write as a FileError."""
    return FileError(write_reason(error), plain(error))
