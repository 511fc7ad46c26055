"""Tests of proxim.io.system.disk_errors."""

import errno

import pytest

from proxim.core.errors import Reason
from proxim.io.system.disk_errors import plain, read_reason, write_error, write_reason


def test_what_a_person_is_told(subtests: pytest.Subtests) -> None:
    cases: list[tuple[int, Reason]] = [
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EFBIG, Reason.FILE_TOO_LARGE),
        (errno.EROFS, Reason.FOLDER_READ_ONLY),
        (errno.EACCES, Reason.FOLDER_READ_ONLY),
        (errno.EPERM, Reason.FOLDER_READ_ONLY),
        (errno.ENOENT, Reason.FOLDER_GONE),
        (errno.EIO, Reason.FOLDER_GONE),
        (errno.ELOOP, Reason.FOLDER_GONE),
        (errno.ENAMETOOLONG, Reason.NAME_REFUSED),
        (errno.EILSEQ, Reason.NAME_REFUSED),
        (errno.EMFILE, Reason.TRANSFER_FAILED),
    ]
    for number, reason in cases:
        with subtests.test(number=number):
            error = OSError(number, "words", "/home/secret/path")
            assert write_reason(error) is reason
            assert write_error(error).reason is reason
            assert write_error(error).detail == "words"


def test_windows_says_it_with_numbers_of_its_own(subtests: pytest.Subtests) -> None:
    cases: list[tuple[int, Reason]] = [
        (112, Reason.DISK_FULL),
        (39, Reason.DISK_FULL),
        (206, Reason.NAME_REFUSED),
        (19, Reason.FOLDER_READ_ONLY),
    ]
    for winerror, reason in cases:
        with subtests.test(winerror=winerror):

            class WindowsError(OSError):
                pass

            error = WindowsError(errno.ENOENT if winerror == 206 else errno.EINVAL, "words")
            error.winerror = winerror  # type: ignore[attr-defined, unused-ignore]
            if winerror == 19:
                error.errno = errno.EACCES
            assert write_reason(error) is reason


def test_reading() -> None:
    assert read_reason(OSError(errno.ENOENT, "")) is Reason.FILE_GONE
    assert read_reason(OSError(errno.ENOTDIR, "")) is Reason.FILE_GONE
    assert read_reason(OSError(errno.EACCES, "")) is Reason.FILE_UNREADABLE
    assert read_reason(OSError(errno.EIO, "")) is Reason.FILE_UNREADABLE
    assert plain(PermissionError()) == "PermissionError"
