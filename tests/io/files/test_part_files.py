"""Tests of proxim.io.files.part_files."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from proxim.core.files.filenames import Place
from proxim.io.files.folders import Folders
from proxim.io.files.part_files import LATEST, Part, part_name, remove_leftovers

NAME = part_name("0123456789abcdef", 3)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_what_is_written_is_hashed(folders: Folders, tmp_path: Path) -> None:
    part = Part.create(folders, (), NAME)
    part.write(memoryview(b"hello "))
    part.write(memoryview(b"world"))
    assert part.written == 11
    assert part.digest() == hashlib.sha256(b"hello world").digest()
    part.rewind()
    part.write(memoryview(b"x"))
    part.close()
    part.close()
    assert (tmp_path / NAME).read_bytes() == b"x"
    part = Part.reopen(folders, (), NAME, 100)
    assert (part.written, part.digest()) == (1, hashlib.sha256(b"x").digest())
    part.write(memoryview(b"y"))
    part.discard()
    part.discard()
    assert list(tmp_path.iterdir()) == []


def test_short_writes_are_gone_on_with(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr("proxim.io.files.part_files.os.write", lambda to, data: write(to, data[:3]))
    part = Part.create(folders, (), NAME)
    part.write(memoryview(b"0123456789"))
    part.close()
    assert part.digest() == hashlib.sha256(b"0123456789").digest()
    assert (tmp_path / NAME).read_bytes() == b"0123456789"


def blocks(path: Path) -> int:
    # This is for mypy: Windows has no st_blocks.
    return getattr(path.stat(), "st_blocks", 0) * 512


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other disks")
def test_zeros_take_no_room_and_the_content_is_the_same(folders: Folders, tmp_path: Path) -> None:
    content = bytes(3_000_000) + b"in the middle" + bytes(2_000_001)
    part = Part.create(folders, (), NAME)
    # The pieces of a stream begin anywhere.
    for start in range(0, len(content), 99_991):
        part.write(memoryview(content)[start : start + 99_991])
    assert part.digest() == hashlib.sha256(content).digest()
    part.complete(0o644, None)
    assert (tmp_path / NAME).read_bytes() == content
    assert blocks(tmp_path / NAME) < 500_000


@pytest.mark.parametrize("content", [bytes(5), bytes(200_000), b"x" + bytes(70_000), b""])
def test_a_file_that_ends_with_a_hole_has_its_whole_length(
    folders: Folders, tmp_path: Path, content: bytes
) -> None:
    for ends in (Part.close, lambda part: part.complete(0o644, None)):
        part = Part.create(folders, (), NAME)
        part.write(memoryview(content))
        ends(part)
        assert (tmp_path / NAME).read_bytes() == content
    again = Part.reopen(folders, (), NAME, len(content))
    assert (again.written, again.digest()) == (len(content), hashlib.sha256(content).digest())
    again.rewind()
    again.write(memoryview(b"other"))
    again.close()
    assert (tmp_path / NAME).read_bytes() == b"other"


def test_an_old_one_is_begun_anew(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"old")
    Part.create(folders, (), NAME).close()
    assert (tmp_path / NAME).read_bytes() == b""


def test_one_that_cannot_be_read_again_is_let_go(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(b"old")

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("proxim.io.files.part_files.os.read", broken)
    with pytest.raises(OSError, match="Input"):
        Part.reopen(folders, (), NAME, 3)


@pytest.mark.parametrize("modified", [None, 0, 1_600_000_000, LATEST, LATEST + 1, 1 << 50])
def test_times_that_a_disk_cannot_hold_are_left(
    folders: Folders, tmp_path: Path, modified: int | None
) -> None:
    part = Part.create(folders, (), NAME)
    part.complete(0o640, modified)
    found = (tmp_path / NAME).stat()
    if modified in (0, 1_600_000_000):
        assert found.st_mtime == modified
    if sys.platform != "win32":
        assert found.st_mode & 0o777 == 0o640


def test_leftovers_are_what_is_exactly_ours(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine").write_bytes(b"")
    (tmp_path / "own" / "empty").mkdir(parents=True)
    for path in (
        tmp_path / "a" / "b" / part_name("00", 1),
        tmp_path / part_name("00", 0),
        tmp_path / "own" / part_name("00", 4),
        tmp_path / part_name("11", 0),
    ):
        path.write_bytes(b"")
    places = [
        Place((), "x"),
        Place(("a", "b"), "y"),
        Place(("c",), ""),
        Place(("gone",), "z"),
        Place(("own",), "o"),
    ]
    remove_leftovers(folders, "00", [*places, Place(("own", "empty"), "")], {"a", "c", "gone"})
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == [part_name("11", 0), "c", "c/mine", "own", "own/empty"]
