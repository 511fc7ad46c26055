"""Disks that fail while files move (full, read-only, gone), and files that change while they are
sent.

A gate (tests/gate.py) stops the last part of each transfer until the failure has happened.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.programs.file_programs import (
    Sides,
    end,
    linked,
    moving,
    names,
    send,
    sha256,
    tree,
    write_file,
)
from tests.programs.program import JSON, Program

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_address")]

DISK_BYTES = 46_000_000
BIG = 40_000_000
# So many bytes are written before the failure.
BEGUN = 5_000_000
# No more bytes pass before the gate is opened.
ALLOWED = 20_000_000
# No more bytes pass before the test has seen the retried transfer move.
ALLOWED_AGAIN = 2_000_000


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


@pytest.fixture
def small_disk(sides: Sides) -> Iterator[Path]:
    """Mount a file system of DISK_BYTES where the host saves, and return its folder."""
    saved = sides.saved("host")
    made = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(saved)]
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    if subprocess.run(made, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield saved
    subprocess.run(["umount", str(saved)], check=True)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use all the space that is left in a folder, in one go, and return the file that does."""
    ballast = folder / "ballast"
    # With a buffer, data that found no space would be written again when the file is closed.
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(max(4096, shutil.disk_usage(folder).free)))
    return ballast


def check_failed(both: tuple[Program, Program], reason: str) -> JSON:
    """Check that both sides report this reason; return the sender's final event."""
    for side in both:
        ended = end(side)
        assert (ended["state"], ended["reason"]) == ("failed", reason)
    return ended


def retry(both: tuple[Program, Program], failed: JSON) -> None:
    both[1].say(type="retry", transferID=failed["transferID"])


def check_retry(both: tuple[Program, Program], failed: JSON, file: Path, saved: Path) -> None:
    """Check that the file arrives when the sender tries again."""
    retry(both, failed)
    check_arrives(both, file, saved)


def check_arrives(both: tuple[Program, Program], file: Path, saved: Path) -> None:
    host, guest = both
    arrived = end(host)
    assert (arrived["state"], arrived["sha256"]) == ("done", sha256(file))
    assert end(guest)["state"] == "done"
    assert names(saved) == [file.name]


# --- the receiver's disk --------------------------------------------------------------------------


def test_a_disk_that_has_no_room(sides: Sides, small_disk: Path) -> None:
    file = write_file(sides.source / "a.bin", BIG)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES // 2))
    with linked(sides) as both:
        send(both[1], file)
        failed = check_failed(both, "disk_full")
        assert failed["bytes"] == 0
        assert names(small_disk) == ["ballast"]
        ballast.unlink()
        check_retry(both, failed, file, small_disk)


def test_a_disk_that_fills_up(sides: Sides, small_disk: Path) -> None:
    file = write_file(sides.source / "a.bin", BIG)
    sides.gate.close_after(ALLOWED)
    with linked(sides) as both:
        send(both[1], file)
        moving(both[0], BEGUN)
        ballast = fill(small_disk)
        sides.gate.open()
        failed = check_failed(both, "disk_full")
        assert all(name.endswith(".part") or name == "ballast" for name in names(small_disk))
        ballast.unlink()
        sides.gate.close_after(ALLOWED_AGAIN)
        retry(both, failed)
        # What was written is not sent again, because the receiver reports it to the sender.
        assert moving(both[1])["bytes"] >= failed["bytes"] > 0
        sides.gate.open()
        check_arrives(both, file, small_disk)


def test_a_folder_that_is_read_only(sides: Sides, small_disk: Path) -> None:
    file = write_file(sides.source / "a.bin", 1000)
    with linked(sides) as both:
        remount(small_disk, "ro")
        send(both[1], file)
        failed = check_failed(both, "folder_read_only")
        remount(small_disk, "rw")
        check_retry(both, failed, file, small_disk)


def test_a_folder_that_is_removed(sides: Sides) -> None:
    file = write_file(sides.source / "a.bin", BIG)
    saved = sides.saved("host")
    sides.gate.close_after(ALLOWED)
    with linked(sides) as both:
        send(both[1], file)
        moving(both[0], BEGUN)
        shutil.rmtree(saved)
        sides.gate.open()
        failed = check_failed(both, "folder_gone")
        assert not saved.exists() or names(saved) == []
        saved.mkdir(exist_ok=True)
        check_retry(both, failed, file, saved)


# --- the sender's disk ----------------------------------------------------------------------------


def truncate(path: Path) -> None:
    # The new end lies beyond what the sender reads before the gate is opened.
    os.truncate(path, BIG - 10_000_000)


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def change(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(b"something else")


@pytest.mark.parametrize("harm", [truncate, lengthen, change])
def test_a_file_that_changes_while_it_is_sent(sides: Sides, harm: Callable[[Path], None]) -> None:
    folder = sides.source / "folder"
    for name in ("1 before", "3 after"):
        write_file(folder / name, 100_000)
    big = write_file(folder / "2 big", BIG)
    saved = sides.saved("host")
    sides.gate.close_after(ALLOWED)
    with linked(sides) as (host, guest):
        send(guest, folder)
        moving(host, BEGUN)
        harm(big)
        sides.gate.open()
        for side in (host, guest):
            ended = end(side)
            assert (ended["state"], ended["reason"]) == ("done", "some_files_failed")
            assert ended["failed"] == [{"path": "folder/2 big", "reason": "file_changed"}]
        assert names(saved / "folder") == ["1 before", "3 after"]
        guest.say(type="retry", transferID=ended["transferID"])
        arrived = end(host)
        assert (arrived["state"], arrived["sha256"]) == ("done", sha256(big))
    assert sorted(path.name for path in saved.rglob("*") if path.is_file()) == [
        "1 before",
        "2 big",
        "3 after",
    ]


def test_files_that_go_before_it_is_their_turn(sides: Sides) -> None:
    folder = sides.source / "folder"
    write_file(folder / "1 big", BIG)
    for name in ("2 gone", "3 truncated", "4 stays"):
        write_file(folder / name, 100_000)
    sides.gate.close_after(ALLOWED)
    with linked(sides) as (host, guest):
        send(guest, folder)
        moving(host, BEGUN)
        (folder / "2 gone").unlink()
        os.truncate(folder / "3 truncated", 1)
        sides.gate.open()
        for side in (host, guest):
            reasons = {one["path"]: one["reason"] for one in end(side)["failed"]}
            assert reasons == {"folder/2 gone": "file_gone", "folder/3 truncated": "file_changed"}
    arrived = tree(sides.saved("host"))
    sent = tree(sides.source)
    del sent["folder/3 truncated"]
    assert arrived == sent
