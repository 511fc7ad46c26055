"""Tests of proxim.io.files.source."""

import os
import sys
from pathlib import Path

import pytest

from proxim.core.errors import Reason
from proxim.core.files.manifest import MAX_DEPTH, MAX_ENTRIES, Entry
from proxim.io.files.source import TOP_WITHOUT_NAME, Listing, list_sources
from proxim.io.system.disk_errors import FileError

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such files, or not for everybody"
)


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            (folder / path).mkdir(exist_ok=True)
        else:
            (folder / path).write_bytes(path.encode())


def paths(*chosen: Path, only: tuple[str, ...] | None = None) -> list[str]:
    return [one.entry.path for one in list_sources([str(path) for path in chosen], only).files]


def left_out(listing: Listing) -> tuple[tuple[str, Reason], ...]:
    return tuple((one.path, one.reason) for one in listing.left_out)


def test_a_tree_in_a_fixed_order(tmp_path: Path) -> None:
    make(tmp_path, "Top/b/2", "Top/b/1", "Top/a", "Top/empty/", "Top/Z", "one.txt")
    os.utime(tmp_path / "one.txt", (1234.9, 1234.9))
    listing = list_sources([str(tmp_path / "Top"), str(tmp_path / "one.txt")], None)
    assert [(one.entry.path, one.entry.directory, one.entry.size) for one in listing.files] == [
        ("Top", True, 0),
        ("Top/Z", False, 5),
        ("Top/a", False, 5),
        ("Top/b", True, 0),
        ("Top/b/1", False, 7),
        ("Top/b/2", False, 7),
        ("Top/empty", True, 0),
        ("one.txt", False, 7),
    ]
    assert listing.files[-1].entry == Entry("one.txt", 7, 1234)
    assert listing.files[1].path.read_bytes() == b"Top/Z"
    assert listing.left_out == ()


def test_things_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    make(tmp_path, "1/a.txt", "2/a.txt", "3/A.TXT/x")
    chosen = [
        tmp_path / "1/a.txt",
        tmp_path / "2/a.txt",
        tmp_path / "3/A.TXT",
        tmp_path / "1/../1/a.txt",
    ]
    assert paths(*chosen) == ["a.txt", "a (2).txt", "A (3).TXT", "A (3).TXT/x"]


def test_only_some_of_it(tmp_path: Path) -> None:
    make(tmp_path, "Top/b/2", "Top/b/1", "Top/a")
    assert paths(tmp_path / "Top", only=("Top/b/1", "Top/b", "nothing")) == ["Top/b", "Top/b/1"]


def test_from_before_1970(tmp_path: Path) -> None:
    make(tmp_path, "old")
    os.utime(tmp_path / "old", (-5, -5))
    assert list_sources([str(tmp_path / "old")], None).files[0].entry.modified is None


@posix
def test_a_chosen_link_is_followed_and_no_other(tmp_path: Path) -> None:
    make(tmp_path, "real/a", "outside/secret")
    (tmp_path / "real/link").symlink_to(tmp_path / "outside")
    (tmp_path / "real/loop").symlink_to(tmp_path / "real")
    (tmp_path / "chosen").symlink_to(tmp_path / "real")
    listing = list_sources([str(tmp_path / "chosen")], None)
    assert [one.entry.path for one in listing.files] == ["chosen", "chosen/a"]
    assert listing.files[1].path == (tmp_path / "real/a").resolve()
    assert left_out(listing) == (
        ("chosen/link", Reason.NOT_A_FILE),
        ("chosen/loop", Reason.NOT_A_FILE),
    )


@posix
def test_a_link_to_something_in_the_folder_is_a_copy_of_it(tmp_path: Path) -> None:
    make(tmp_path, "top/a", "top/deep/b", "top/deep/c/d", "beside/secret", "topping/x")
    top = tmp_path / "top"
    (top / "1 file").symlink_to("a")
    (top / "2 folder").symlink_to("deep")
    (top / "3 absolute").symlink_to(top / "deep" / "b")
    (top / "4 chain").symlink_to("1 file")
    (top / "5 nowhere").symlink_to("nothing")
    (top / "6 itself").symlink_to("6 itself")
    (top / "7 beside").symlink_to(tmp_path / "topping")
    (top / "deep" / "c" / "up").symlink_to("..")
    (top / "deep" / "c" / "top").symlink_to(top)
    listing = list_sources([str(top)], None)
    found = {one.entry.path: one.path for one in listing.files}
    assert [*found] == [
        "top",
        "top/1 file",
        "top/2 folder",
        "top/2 folder/b",
        "top/2 folder/c",
        "top/2 folder/c/d",
        "top/3 absolute",
        "top/4 chain",
        "top/a",
        "top/deep",
        "top/deep/b",
        "top/deep/c",
        "top/deep/c/d",
    ]
    assert found["top/4 chain"].read_bytes() == found["top/a"].read_bytes()
    assert not any(path.is_symlink() for path in found.values())
    links = ("2 folder/c/top", "2 folder/c/up", "5 nowhere", "6 itself", "7 beside")
    more = ("deep/c/top", "deep/c/up")
    assert left_out(listing) == tuple(
        (f"top/{path}", Reason.NOT_A_FILE) for path in (*links, *more)
    )


@posix
def test_a_program_and_a_file_with_holes_are_announced_as_such(tmp_path: Path) -> None:
    make(tmp_path, "run", "text")
    (tmp_path / "run").chmod(0o4755)
    with open(tmp_path / "image", "wb") as file:
        file.truncate(10_000_000)
        file.seek(5_000_000)
        file.write(b"x")
    run, text, image = (
        one.entry
        for one in list_sources(
            [str(tmp_path / name) for name in ("run", "text", "image")], None
        ).files
    )
    assert (run.executable, text.executable) == (True, False)
    assert (run.stored, text.stored) == (None, None)
    if sys.platform == "linux":
        assert image.stored is not None
        assert 0 < image.stored < 100_000


@posix
def test_special_and_unreadable_files_are_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "top/a", "top/hidden", "top/closed/x")
    # This is for mypy: the test is skipped on Windows.
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "top/pipe")
    # Root may read everything, so fakes deny it.
    access, scandir = os.access, os.scandir
    monkeypatch.setattr(
        os, "access", lambda path, mode: "hidden" not in path and access(path, mode)
    )

    def closed(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "no")
        return scandir(path)

    monkeypatch.setattr("proxim.io.files.source.os.scandir", closed)
    listing = list_sources([str(tmp_path / "top"), str(tmp_path / "gone")], None)
    assert [one.entry.path for one in listing.files] == ["top", "top/a"]
    assert left_out(listing) == (
        ("top/closed", Reason.FILE_UNREADABLE),
        ("top/hidden", Reason.FILE_UNREADABLE),
        ("top/pipe", Reason.NOT_A_FILE),
        ("gone", Reason.FILE_GONE),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_names_that_are_no_text_can_be_sent(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff\xfe", "wb") as file:
        file.write(b"x")
    (one,) = list_sources([os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")], None).files
    assert one.entry.path == "\ufffd\ufffd"
    assert one.path.read_bytes() == b"x"


def test_what_is_too_deep_or_too_long_is_refused(tmp_path: Path) -> None:
    deep = "/".join(["d"] * (MAX_DEPTH + 1))
    make(tmp_path, deep, "/".join(["x" * 200] * 6))
    listing = list_sources([str(tmp_path / "d"), str(tmp_path / ("x" * 200))], None)
    assert len(listing.files) == MAX_DEPTH + 5
    assert [reason for _, reason in left_out(listing)] == [Reason.NAME_REFUSED] * 2


def test_nothing_to_send(tmp_path: Path) -> None:
    for chosen, reason in (
        ([], Reason.NOTHING_TO_SEND),
        ([str(tmp_path / "gone")], Reason.FILE_GONE),
    ):
        with pytest.raises(FileError) as caught:
            list_sources(chosen, None)
        assert caught.value.reason is reason
        assert str(tmp_path) not in caught.value.detail


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_ENTRIES == 20_000
    make(tmp_path, *(f"top/{n}" for n in range(5)))
    monkeypatch.setattr("proxim.io.files.source.MAX_ENTRIES", 6)
    assert len(paths(tmp_path / "top")) == 6
    monkeypatch.setattr("proxim.io.files.source.MAX_ENTRIES", 5)
    with pytest.raises(FileError) as caught:
        paths(tmp_path / "top")
    assert caught.value.reason is Reason.TOO_MANY_FILES


def test_a_drive_has_a_name_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make(tmp_path, "a")
    monkeypatch.setattr("proxim.io.files.source.os.path.basename", lambda _: "")
    assert paths(tmp_path)[0] == TOP_WITHOUT_NAME


def test_a_file_that_goes_while_it_is_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "top/a")

    class Gone:
        name = "gone"
        path = str(tmp_path / "top/gone")

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            return os.stat(self.path, follow_symlinks=follow_symlinks)

    class Listed(list[object]):
        def __enter__(self) -> "Listed":
            return self

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr("proxim.io.files.source.os.scandir", lambda _: Listed([Gone()]))
    assert left_out(list_sources([str(tmp_path / "top")], None)) == (
        ("top/gone", Reason.FILE_GONE),
    )
