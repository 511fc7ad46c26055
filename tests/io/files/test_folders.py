"""Tests of proxim.io.files.folders with both ways of staying beneath a folder: by open descriptors,
and by checking first (Windows).
"""

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxim.core.files.filenames import Names
from proxim.io.files.folders import BY_DESCRIPTOR, OPEN_FOLDERS, Folders, long_path

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="not every Windows lets a person make links"
)


@pytest.fixture(params=[True, False] if BY_DESCRIPTOR else [False])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folders]:
    made = Folders(tmp_path, by_descriptor=request.param)
    yield made
    made.close()
    made.close()


def create(folders: Folders, folder: tuple[str, ...], name: str, content: bytes = b"x") -> None:
    descriptor = folders.create(folder, name)
    os.write(descriptor, content)
    os.close(descriptor)


def test_folders_and_files_are_made_once(folders: Folders, tmp_path: Path) -> None:
    names = Names()
    assert folders.make_new("a", names) == "a"
    assert folders.make_new("a", names) == "a (2)"
    folders.make(("a", "b"))
    folders.make(("a", "b"))
    create(folders, ("a", "b"), "f")
    with pytest.raises(FileExistsError):
        folders.create(("a", "b"), "f")
    assert (tmp_path / "a/b/f").read_bytes() == b"x"
    assert folders.shown(("a",), "f") == str(tmp_path / "a" / "f")
    found = folders.look(("a", "b"), "f")
    assert found is not None
    assert found.st_size == 1
    assert folders.look(("a", "b"), "g") is None
    assert folders.look(("x", "b"), "g") is None
    with pytest.raises(OSError, match="not empty"):
        folders.remove_empty(("a", "b"))
    folders.remove(("a", "b"), "f")
    folders.remove_empty(("a", "b"))
    assert not (tmp_path / "a/b").exists()


def test_every_number_taken(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxim.io.files.folders.MAX_NUMBER", 2)
    assert [folders.make_new("a", Names()), folders.make_new("a", Names())] == ["a", "a (2)"]
    with pytest.raises(FileExistsError):
        folders.make_new("a", Names())


def test_more_folders_than_are_held_open(folders: Folders, tmp_path: Path) -> None:
    for n in range(3 * OPEN_FOLDERS):
        folders.make_new(f"{n}", Names())
        folders.make((f"{n}", "sub"))
        create(folders, (f"{n}", "sub"), "f")
    create(folders, ("0", "sub"), "g")
    assert len(list(tmp_path.rglob("f"))) == 3 * OPEN_FOLDERS


@posix
def test_a_link_is_never_followed(folders: Folders, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "filelink").symlink_to(outside / "f")
    (tmp_path / "pipe").touch()
    for act in (
        lambda: folders.create(("link",), "new"),
        lambda: folders.make(("link",)),
        lambda: folders.make(("link", "new")),
        lambda: folders.reopen(("link",), "f"),
        lambda: folders.reopen((), "filelink"),
        lambda: folders.create((), "filelink"),
        lambda: folders.remove(("link",), "f"),
        lambda: folders.remove_empty(("link",)),
        lambda: folders.give_name(("link",), "f", "g"),
        lambda: folders.make(("pipe", "x")),
    ):
        with pytest.raises(OSError, match=r"Errno"):
            act()
    assert folders.look(("link",), "f") is None
    assert [path.name for path in outside.iterdir()] == ["f"]
    assert (outside / "f").read_bytes() == b"mine"


@posix
def test_only_a_plain_file_with_one_name_is_opened_again(folders: Folders, tmp_path: Path) -> None:
    create(folders, (), "a")
    os.close(folders.reopen((), "a"))
    os.link(tmp_path / "a", tmp_path / "b")
    # This is for mypy: the test is skipped on Windows.
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
    for name in ("a", "pipe", "gone"):
        with pytest.raises(FileNotFoundError):
            folders.reopen((), name)


def test_a_name_is_given_once(folders: Folders, tmp_path: Path) -> None:
    create(folders, (), ".part", b"new")
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        folders.give_name((), ".part", "a")
    folders.give_name((), ".part", "b")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"mine",
        "b": b"new",
    }


@posix
def test_a_disk_without_links(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("proxim.io.files.folders.os.link", no_links)
    test_a_name_is_given_once(folders, tmp_path)
    create(folders, (), ".part", b"new")
    with monkeypatch.context() as patch:
        patch.setattr("proxim.io.files.folders.os.replace", no_links)
        with pytest.raises(OSError, match="not permitted"):
            folders.give_name((), ".part", "c")
    assert not (tmp_path / "c").exists()


@posix
def test_other_errors_of_a_link_are_errors(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    create(folders, (), ".part")
    monkeypatch.setattr("proxim.io.files.folders.os.link", full)
    with pytest.raises(OSError, match="No space"):
        folders.give_name((), ".part", "a")
    assert folders.look((), "a") is None


def test_the_root_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for by_descriptor in {BY_DESCRIPTOR, False}:
        for name in ("file", "gone"):
            with pytest.raises((NotADirectoryError, FileNotFoundError)):
                Folders(tmp_path / name, by_descriptor=by_descriptor)


@posix
def test_the_root_may_be_a_link_for_somebody_chose_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "chosen").symlink_to(tmp_path / "real")
    for by_descriptor in (True, False):
        Folders(tmp_path / "chosen", by_descriptor=by_descriptor).make_new("a", Names())
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["a", "a (2)"]


def test_long_paths() -> None:
    assert (long_path("a") == "a") == (sys.platform != "win32")
