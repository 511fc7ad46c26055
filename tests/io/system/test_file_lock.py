"""Tests of proxim.io.system.file_lock; test_store.py tests it between two programs."""

import errno
import os
import sys
from pathlib import Path

import pytest

from proxim.io.system.file_lock import hold_folder, is_locked, lock

CALL = "msvcrt.locking" if sys.platform == "win32" else "fcntl.flock"


def test_a_file_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert not is_locked(path)
    assert not path.exists()
    path.write_bytes(b"content")
    assert not is_locked(path)
    one, other = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    assert lock(one)
    assert is_locked(path)
    assert not lock(other)
    # Reading is still possible, on Windows as well.
    assert path.read_bytes() == b"content"
    os.close(one)
    assert not is_locked(path)
    assert lock(other)
    os.close(other)


def test_a_disk_without_locks_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(f"proxim.io.system.file_lock.{CALL}", no_locks)
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert not is_locked(path)


def test_a_folder_is_held_against_cleaners(tmp_path: Path) -> None:
    if sys.platform == "win32":
        assert not hold_folder(str(tmp_path))
        return
    folder = os.open(tmp_path, os.O_RDONLY)
    assert lock(folder)
    # Somebody cleans it at this moment.
    assert not hold_folder(str(tmp_path))
    os.close(folder)
    assert hold_folder(str(tmp_path))
    assert hold_folder(str(tmp_path))
    folder = os.open(tmp_path, os.O_RDONLY)
    assert not lock(folder)
    os.close(folder)
    assert not hold_folder(str(tmp_path / "gone"))
