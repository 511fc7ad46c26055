"""The private folder of a pipe's file: who can read it, and that it goes in any case."""

import errno
import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from proxim.core.errors import Reason
from proxim.io.files.piped import CHUNK_BYTES, PipedFolder, copy_out, remove_left_over
from proxim.io.system.disk_errors import FileError
from tests.rows import each_row

BINARY = bytes(range(256)) * 5000


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_kept_for_this_user_alone_and_then_removed(tmp_path: Path) -> None:
    parent = tmp_path / "transfers"
    folder = PipedFolder.make(parent)
    path = folder.keep(io.BytesIO(BINARY), "a b.tar")
    assert path.read_bytes() == BINARY
    assert path.name == "a b.tar"
    assert path.parent == folder.path
    assert folder.only_file == path
    if sys.platform != "win32":
        assert (mode(path), mode(folder.path), mode(folder.path.parent)) == (0o600, 0o700, 0o700)
    target = io.BytesIO()
    copy_out(path, target)
    assert target.getvalue() == BINARY
    folder.remove()
    folder.remove()
    assert list(parent.iterdir()) == []


def test_nothing_may_come_from_standard_input(tmp_path: Path) -> None:
    folder = PipedFolder.make(tmp_path)
    assert folder.only_file is None
    assert folder.keep(io.BytesIO(), "empty").read_bytes() == b""
    folder.keep(io.BytesIO(), "another")
    assert folder.only_file is None
    folder.remove()


class Failing(io.BytesIO):
    """A source that gives some bytes and then fails."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > 1:
            raise OSError(self._number, os.strerror(self._number))
        return b"some"


def test_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    folder = PipedFolder.make(tmp_path)
    with pytest.raises(FileError) as failed:
        folder.keep(Failing(errno.EISDIR), "a")
    assert failed.value.reason is Reason.FILE_UNREADABLE
    folder.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PipedFolder.make(tmp_path)
    opened = os.open

    def full(path: str, flags: int, mode: int = 0o777) -> int:
        return opened("/dev/full", os.O_WRONLY)

    monkeypatch.setattr("os.open", full)
    with pytest.raises(FileError) as failed:
        folder.keep(io.BytesIO(b"some"), "a")
    assert failed.value.reason is Reason.DISK_FULL
    monkeypatch.undo()
    folder.remove()


@each_row("name", ["n" * 5000, "a/../../b"])
def test_a_name_that_the_disk_does_not_take(name: str, tmp_path: Path) -> None:
    folder = PipedFolder.make(tmp_path)
    with pytest.raises(FileError):
        folder.keep(io.BytesIO(), name)
    folder.remove()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError) as failed:
        PipedFolder.make(tmp_path / "file")
    assert failed.value.reason is Reason.FOLDER_GONE


def test_a_large_source_is_read_in_pieces(tmp_path: Path) -> None:
    asked: list[int] = []

    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    folder = PipedFolder.make(tmp_path)
    source: BinaryIO = Source(b"x" * (2 * CHUNK_BYTES + 1))
    assert folder.keep(source, "a").stat().st_size == 2 * CHUNK_BYTES + 1
    assert asked == [CHUNK_BYTES] * 4
    folder.remove()


def test_what_a_killed_program_left_is_removed_and_a_running_one_is_left_alone(
    tmp_path: Path,
) -> None:
    running = PipedFolder.make(tmp_path)
    running.keep(io.BytesIO(b"wanted"), "a")
    killed = PipedFolder.make(tmp_path)
    killed.keep(io.BytesIO(b"left"), "a")
    # The system closes what a killed program had open.
    os.close(killed._descriptor)
    third = PipedFolder.make(tmp_path)
    assert not killed.path.exists()
    assert running.only_file is not None
    assert {one.suffix for one in running.path.parent.iterdir()} == {"", ".lock"}
    running.remove()
    third.remove()
    assert list(tmp_path.iterdir()) == []
    remove_left_over(tmp_path)
