"""Tests of proxim.io.files.sink, most of them with a real source; also of the store between two
attempts.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proxim.core.errors import Reason
from proxim.core.files.manifest import (
    MAX_DEPTH,
    Direction,
    Entry,
    FailedFile,
    Partial,
    Position,
    RenamedFile,
    Span,
    TransferID,
)
from proxim.core.files.stream import Kind, end_record, failed_record, header, start_record
from proxim.core.json_text import MessageError
from proxim.io.files.folders import Folders
from proxim.io.files.sink import Sink
from proxim.io.files.source import Source, list_sources
from proxim.io.files.store import Store
from proxim.io.system.disk_errors import FileError
from tests.odd_disk import odd_disk
from tests.paths import HOSTILE

ID = TransferID("abcdefghijklmnopqrstuv")
CORPUS = json.loads((HOSTILE / "filenames.json").read_text(encoding="utf-8"))
WHEN = 1_600_000_000
posix = pytest.mark.skipif(sys.platform == "win32", reason="not as on Windows")


@pytest.fixture
def to(tmp_path: Path) -> Path:
    folder = tmp_path / "to"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def place_of_its_own(tmp_path: Path, number: int) -> tuple[Path, Path, Store]:
    """Return a directory, and in it the same as the fixtures `to` and `store`, for one of many
    cases.
    """
    place = tmp_path / str(number)
    folder = place / "to"
    folder.mkdir(parents=True)
    return place, folder, Store(place / "store")


def entry(path: str, content: bytes = b"") -> Entry:
    return Entry(path, len(content), WHEN)


def opened(to: Path, store: Store, entries: Sequence[Entry], declined: Sequence[int] = ()) -> Sink:
    return Sink.open(ID, entries, declined, to, store, "Phone")


def data(index: int, content: bytes) -> bytes:
    return header(Kind.DATA, index, len(content)) + content if content else b""


def whole(index: int, content: bytes) -> memoryview:
    return memoryview(data(index, content) + end_record(index, hashlib.sha256(content).digest()))


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return everything in a folder, including hidden files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def refused(to: Path, store: Store, entries: Sequence[Entry]) -> Reason:
    with pytest.raises(FileError) as caught:
        opened(to, store, entries)
    assert str(to) not in caught.value.detail
    return caught.value.reason


# --- whole transfers ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [500, 65536, 1 << 20])
def test_what_is_sent_arrives(tmp_path: Path, to: Path, store: Store, size: int) -> None:
    top = tmp_path / "from" / "Photos"
    for name, length in {
        "a.jpg": 100_000,
        "empty": 0,
        "sub/b.jpg": 3,
        "sub/ünï.txt": 70_000,
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(os.urandom(length))
        os.utime(top / name, (WHEN, WHEN))
    (top / "nothing").mkdir()
    files = list_sources([str(top)], None).files
    sink = opened(to, store, [one.entry for one in files])
    source = Source(files)
    for message in source.messages((), (), Position(0, 0), size=size, prefix=5):
        assert sink.write(message[5:]) == source.data_bytes
    assert sink.position == Position(len(files), 0)
    finished = sink.finished
    assert finished is not None
    assert finished.failed == ()
    assert finished.path == str(to / "Photos")
    assert finished.sha256 is None
    sink.close(keep=True)
    assert tree(to / "Photos") == tree(top)
    assert (to / "Photos" / "a.jpg").stat().st_mtime == WHEN
    assert tree(tmp_path / "store") == {}


def test_a_file_has_its_hash_and_a_path(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a.txt", b"hello")])
    sink.write(whole(0, b"hello"))
    assert sink.finished is not None
    assert sink.finished.path == str(to / "a.txt")
    assert sink.finished.sha256 == hashlib.sha256(b"hello").hexdigest()
    sink.close(keep=False)
    assert tree(to) == {"a.txt": b"hello"}


def test_several_things_are_in_the_folder_that_is_saved_to(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a"), entry("b")])
    sink.write(whole(0, b""))
    assert sink.finished is None
    sink.write(whole(1, b""))
    assert sink.finished is not None
    assert sink.finished.path == str(to)


@posix
def test_permissions_are_those_of_any_new_file_once_it_is_verified(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a", b"xy")])
    sink.write(memoryview(data(0, b"x")))
    (part,) = to.iterdir()
    assert part.name.startswith(".")
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    sink.write(memoryview(data(0, b"y") + end_record(0, hashlib.sha256(b"xy").digest())))
    (to / "plain").write_bytes(b"")
    assert (to / "a").stat().st_mode == (to / "plain").stat().st_mode
    assert (to / "a").stat().st_nlink == 1


def test_nothing_is_overwritten(to: Path, store: Store) -> None:
    (to / "a.txt").write_bytes(b"mine")
    (to / "Photos").mkdir()
    (to / "Photos" / "x").write_bytes(b"mine too")
    sink = opened(
        to,
        store,
        [entry("a.txt", b"1"), entry("A.txt", b"2"), entry("a.txt", b"3"), entry("Photos/x", b"4")],
    )
    for index, content in enumerate([b"1", b"2", b"3", b"4"]):
        sink.write(whole(index, content))
    sink.close(keep=True)
    found = tree(to)
    assert found["a.txt"] == b"mine"
    assert found["Photos/x"] == b"mine too"
    assert found["Photos (2)/x"] == b"4"
    assert found["a (2).txt"] == b"1"
    # On a disk that ignores case the name is not free.
    if (to / "A.TXT").exists():
        assert (found["A (3).txt"], found["a (4).txt"]) == (b"2", b"3")
    else:
        assert (found["A.txt"], found["a (3).txt"]) == (b"2", b"3")


def test_two_folders_whose_cleaned_names_cross_are_told_apart(to: Path, store: Store) -> None:
    (to / "P").mkdir()
    sink = opened(to, store, [entry("P (2)/x", b"1"), entry("P/x", b"2")])
    sink.write(whole(0, b"1"))
    sink.write(whole(1, b"2"))
    assert tree(to) == {"P": None, "P (2)": None, "P (2)/x": b"1", "P (3)": None, "P (3)/x": b"2"}


def test_names_that_appear_while_it_comes_are_not_overwritten(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a", b"1"), entry("f/b", b"2")])
    (to / "a").mkdir()
    (to / "f" / "b").write_bytes(b"mine")
    sink.write(whole(0, b"1"))
    sink.write(whole(1, b"2"))
    assert tree(to) == {"a": None, "a (2)": b"1", "f": None, "f/b": b"mine", "f/b (2)": b"2"}


def test_what_has_another_name_now_is_told(to: Path, store: Store) -> None:
    (to / "a.txt").write_bytes(b"mine")
    entries = [
        entry("a.txt", b"1"),
        Entry("d\u202e", directory=True),
        entry("d\u202e/line\nfeed", b"2"),
        entry("d\u202e/same", b"3"),
        entry("d\u202e/e\u0301", b"4"),
    ]
    sink = opened(to, store, entries)
    for index, content in ((0, b"1"), (2, b"2"), (3, b"3"), (4, b"4")):
        sink.write(whole(index, content))
    assert sink.finished is not None
    assert sink.finished.renamed == (
        RenamedFile("a.txt", "a (2).txt"),
        RenamedFile("d\u202e", "d"),
        RenamedFile("d\u202e/line\nfeed", "line_feed"),
    )


def test_no_more_is_changed_than_an_odd_disk_needs(tmp_path: Path, store: Store) -> None:
    entries = [
        entry("d/a:b", b"1"),
        entry("d/.git/HEAD", b"2"),
        entry("d/x", b"3"),
        entry("d/X", b"4"),
        entry("d/" + "l" * 160 + ".txt", b"5"),
    ]
    with odd_disk(
        tmp_path, "folds_case", "refuses_chmod", "no_links", longest=143, refused=":"
    ) as folder:
        sink = opened(folder, store, entries)
        for index, content in enumerate([b"1", b"2", b"3", b"4", b"5"]):
            sink.write(whole(index, content))
        assert sink.finished is not None
        assert sink.finished.failed == ()
        long = "l" * 139 + ".txt"
        assert sink.finished.renamed == (
            RenamedFile("d/a:b", "a_b"),
            RenamedFile("d/X", "X (2)"),
            RenamedFile("d/" + "l" * 160 + ".txt", long),
        )
        sink.close(keep=False)
        assert {path.name for path in (folder / "d").iterdir()} == {
            "a_b",
            ".git",
            "x",
            "X (2)",
            long,
        }


def test_a_resumed_transfer_keeps_the_names_that_it_began_with(to: Path, store: Store) -> None:
    entries = [entry("d/a:b", b"1"), entry("d/c", b"2")]
    sink = opened(to, store, entries)
    sink.write(whole(0, b"1"))
    sink.close(keep=True)
    again = opened(to, store, entries)
    assert again.ready.skip == (Span(0, 1),)
    again.write(whole(1, b"2"))
    assert again.finished is not None
    assert again.finished.renamed == (
        () if sys.platform != "win32" else (RenamedFile("d/a:b", "a_b"),)
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mark")
def test_a_program_may_be_run_by_whoever_may_read_it_and_nothing_more(
    to: Path, store: Store
) -> None:
    program = replace(entry("d/run", b"1"), executable=True)
    sink = opened(to, store, [program, entry("d/text", b"2")])
    sink.write(whole(0, b"1"))
    sink.write(whole(1, b"2"))
    plain = stat.S_IMODE((to / "d" / "text").stat().st_mode)
    mode = (to / "d" / "run").stat().st_mode
    assert stat.S_IMODE(mode) == plain | ((plain & 0o444) >> 2)
    assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX)


def test_folders_have_their_times(to: Path, store: Store) -> None:
    entries = [
        Entry("d", 0, WHEN, directory=True),
        Entry("d/e", 0, WHEN + 100, directory=True),
        entry("d/e/f", b"1"),
        Entry("d/late", 0, 1 << 50, directory=True),
    ]
    sink = opened(to, store, entries)
    sink.write(whole(2, b"1"))
    sink.close(keep=False)
    assert [int((to / path).stat().st_mtime) for path in ("d", "d/e")] == [WHEN, WHEN + 100]


@pytest.mark.skipif(sys.platform != "linux", reason="only root of Linux can mount a disk here")
def test_a_file_with_holes_needs_only_what_it_stores(to: Path, store: Store) -> None:
    mount = mounted(to, "size=4m")
    next(mount)
    content = bytes(20_000_000) + b"end"
    image = replace(entry("image", content), stored=8192)
    sink = opened(to, store, [image])
    for start in range(0, len(content), 1_000_000):
        sink.write(memoryview(data(0, content[start : start + 1_000_000])))
    sink.write(memoryview(end_record(0, hashlib.sha256(content).digest())))
    assert (to / "image").read_bytes() == content
    sink.close(keep=False)
    (to / "image").unlink()
    # A file that says nothing of holes needs its size.
    assert refused(to, store, [replace(image, stored=None)]) is Reason.DISK_FULL
    next(mount, None)


def test_where_the_disk_has_no_holes_the_whole_size_counts(tmp_path: Path, store: Store) -> None:
    with odd_disk(tmp_path, "no_holes") as folder:
        free = shutil.disk_usage(folder).free
        image = Entry("image", free + 10_000_000, WHEN, stored=8192)
        assert refused(folder, store, [image]) is Reason.DISK_FULL


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_files_that_are_too_large_are_told_before_their_bytes(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.io.files.naming.file_size_limit", lambda: 1000)
    large, small = Entry("d/large", 1001, WHEN), entry("d/small", b"1")
    assert refused(to, store, [large]) is Reason.FILE_TOO_LARGE
    assert list(to.iterdir()) == []
    sink = opened(to, store, [large, small])
    assert sink.ready.skip == (Span(0, 1),)
    sink.write(whole(1, b"1"))
    assert sink.finished is not None
    assert sink.finished.failed == (FailedFile(0, Reason.FILE_TOO_LARGE),)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so before")
def test_a_size_that_no_disk_takes_is_told_before(to: Path, store: Store) -> None:
    assert refused(to, store, [Entry("a", (1 << 63) - 1, WHEN, stored=1)]) is (
        Reason.FILE_TOO_LARGE
    )


def test_a_file_that_turns_out_too_large_fails_alone(tmp_path: Path, store: Store) -> None:
    content = os.urandom(5000)
    with odd_disk(tmp_path, most_bytes=4000) as folder:
        sink = opened(folder, store, [entry("d/large", content), entry("d/small", b"1")])
        sink.write(memoryview(data(0, content[:3000])))
        sink.write(memoryview(data(0, content[3000:])))
        sink.write(memoryview(end_record(0, hashlib.sha256(content).digest())))
        sink.write(whole(1, b"1"))
        assert sink.finished is not None
        assert sink.finished.failed == (FailedFile(0, Reason.FILE_TOO_LARGE),)
        sink.close(keep=False)
        assert tree(folder) == {"d": None, "d/small": b"1"}
        alone = opened(folder, store, [entry("large", content)])
        with pytest.raises(FileError) as caught:
            alone.write(memoryview(data(0, content)))
        assert caught.value.reason is Reason.FILE_TOO_LARGE
        alone.close(keep=False)


def test_hostile_names_stay_beneath(tmp_path: Path, subtests: pytest.Subtests) -> None:
    for number, one in enumerate(CORPUS):
        with subtests.test(name=one["name"]):
            check_a_hostile_name(*place_of_its_own(tmp_path, number), one["text"])


def part_of_ours(name: str) -> bool:
    return name.split("/")[-1].startswith(".proxim-")


def check_a_hostile_name(tmp_path: Path, to: Path, store: Store, text: str) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    for path in (text, f"top/{text}"):
        if any(part in ("", ".", "..") for part in path.split("/")) or path.count("/") >= MAX_DEPTH:
            assert refused(to, store, [entry(path, b"x")]) is Reason.NAME_REFUSED
            continue
        sink = opened(to, store, [entry(path, b"x")])
        sink.write(whole(0, b"x"))
        assert sink.finished is not None
        assert sink.finished.failed == ()
        sink.close(keep=False)
    assert {path.name for path in tmp_path.iterdir()} <= before | {"store"}
    assert all(
        path.resolve().is_relative_to(to) and not path.is_symlink() for path in to.rglob("*")
    )
    # A dot at the top would hide what arrived.
    assert [path.name for path in to.iterdir() if path.name.startswith(".")] == []
    assert not any(part_of_ours(name) for name in tree(to))


def test_what_is_declined_is_never_made(to: Path, store: Store) -> None:
    entries = [entry("a", b"1"), Entry("f", directory=True), entry("f/b", b"2"), entry("c", b"3")]
    sink = opened(to, store, entries, [1, 2, 0])
    assert sink.ready.skip == (Span(0, 3),)
    with pytest.raises(MessageError):
        sink.write(whole(0, b"1"))
    sink.write(whole(3, b"3"))
    assert tree(to) == {"c": b"3"}
    assert sink.finished is not None
    assert sink.finished.path == str(to / "c")


def test_only_folders(to: Path, store: Store) -> None:
    sink = opened(to, store, [Entry("f", directory=True), Entry("f/g", directory=True)])
    assert sink.finished is not None
    assert tree(to) == {"f": None, "f/g": None}
    with pytest.raises(MessageError):
        sink.write(whole(0, b""))


# --- what a sender may do wrong -------------------------------------------------------------------


def test_another_hash_is_thrown_away_and_the_next_goes_on(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a", b"12"), entry("b", b"3")])
    sink.write(memoryview(data(0, b"12") + end_record(0, bytes(32)) + bytes(whole(1, b"3"))))
    assert sink.finished is not None
    assert sink.finished.failed == (FailedFile(0, Reason.FILE_DAMAGED),)
    assert tree(to) == {"b": b"3"}


def test_a_file_that_the_sender_cannot_read_leaves_nothing(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a", b"12"), entry("b", b"3"), entry("c")])
    sink.write(
        memoryview(
            data(0, b"1")
            + failed_record(0, Reason.FILE_CHANGED)
            + failed_record(1, Reason.FILE_GONE)
        )
    )
    sink.write(memoryview(header(Kind.FAILED, 2, 4) + b"what"))
    assert sink.finished is not None
    assert sink.finished.failed == (
        FailedFile(0, Reason.FILE_CHANGED),
        FailedFile(1, Reason.FILE_GONE),
        FailedFile(2, Reason.TRANSFER_FAILED),
    )
    assert sink.finished.sha256 is None
    assert tree(to) == {}


def test_what_was_not_announced_is_the_peers_fault(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    cases: list[bytes] = [
        data(0, b"12345"),
        data(0, b"123") + data(0, b"45"),
        data(0, b"123") + end_record(0, hashlib.sha256(b"123").digest()),
        data(1, b"1"),
        end_record(1, bytes(32)),
        data(7, b"1"),
        failed_record(1, Reason.FILE_GONE),
        start_record(0, 1),
        start_record(0, 2**63),
        start_record(0, 0) + start_record(0, 0),
        data(0, b"1") + start_record(0, 1),
        b"nonsense",
    ]
    for number, message in enumerate(cases):
        with subtests.test(message=message):
            _, to, store = place_of_its_own(tmp_path, number)
            check_what_was_not_announced(to, store, message)


def check_what_was_not_announced(to: Path, store: Store, message: bytes) -> None:
    sink = opened(to, store, [entry("a", b"1234"), entry("b", b"1")])
    with pytest.raises(MessageError) as caught:
        sink.write(memoryview(message))
    assert caught.value.reason is Reason.BAD_MESSAGE
    assert sink.position.offset <= 4
    sink.close(keep=False)
    assert tree(to) == {}


# --- generations and attempts ---------------------------------------------------------------------


def test_a_new_generation_goes_on_where_the_last_one_ended(to: Path, store: Store) -> None:
    content = b"0123456789"
    sink = opened(to, store, [entry("a", content), entry("b", b"x")])
    assert sink.position == Position(0, 0)
    sink.write(memoryview(data(0, content[:4])))
    assert sink.restart() == Position(0, 4)
    with pytest.raises(MessageError):
        sink.write(memoryview(start_record(0, 3)))
    sink.write(memoryview(start_record(0, 4) + data(0, content[4:])))
    assert sink.restart() == Position(0, 10)
    sink.write(memoryview(start_record(0, 10) + end_record(0, hashlib.sha256(content).digest())))
    assert sink.position == Position(1, 0)
    sink.write(whole(1, b"x"))
    assert tree(to) == {"a": content, "b": b"x"}


@pytest.mark.parametrize("said", [True, False])
def test_a_new_generation_may_begin_a_file_anew(to: Path, store: Store, said: bool) -> None:
    sink = opened(to, store, [entry("a", b"new!")])
    sink.write(memoryview(data(0, b"old")))
    sink.restart()
    sink.write(memoryview((start_record(0, 0) if said else b"") + bytes(whole(0, b"new!"))))
    assert tree(to) == {"a": b"new!"}


def test_a_later_attempt_has_what_is_whole_and_what_has_begun(
    to: Path, store: Store, tmp_path: Path
) -> None:
    content = os.urandom(100_000)
    entries = [entry("f/a", b"1"), entry("top", b"22"), entry("f/sub/b", content), entry("c", b"4")]
    sink = opened(to, store, entries)
    sink.write(whole(0, b"1"))
    sink.write(whole(1, b"22"))
    sink.write(memoryview(data(2, content[:60_000])))
    sink.close(keep=True)
    # Closing a second time has no effect.
    sink.close(keep=False)
    assert [one.transfer for one in store.found()] == [ID]
    elsewhere = tmp_path / "elsewhere"
    # The transfer stays in its first folder.
    sink = opened(elsewhere, store, entries)
    assert sink.ready.skip == (Span(0, 2),)
    assert sink.ready.partial == (Partial(2, 60_000, hashlib.sha256(content[:60_000]).digest()),)
    assert sink.position == Position(2, 0)
    rest = data(2, content[60_000:]) + end_record(2, hashlib.sha256(content).digest())
    sink.write(memoryview(start_record(2, 60_000) + rest))
    sink.write(whole(3, b"4"))
    assert sink.finished is not None
    sink.close(keep=False)
    assert tree(to) == {
        "c": b"4",
        "f": None,
        "f/a": b"1",
        "f/sub": None,
        "f/sub/b": content,
        "top": b"22",
    }
    assert store.found() == ()


@pytest.mark.parametrize("said", [True, False])
def test_a_part_that_was_changed_is_seen_and_begun_anew(to: Path, store: Store, said: bool) -> None:
    sink = opened(to, store, [entry("a", b"12345")])
    sink.write(memoryview(data(0, b"123")))
    sink.close(keep=True)
    (part,) = to.iterdir()
    # The sink cuts the part to the file's size.
    part.write_bytes(b"99999999")
    sink = opened(to, store, [entry("a", b"12345")])
    assert sink.ready.partial == (Partial(0, 5, hashlib.sha256(b"99999").digest()),)
    sink.write(memoryview((start_record(0, 0) if said else b"") + bytes(whole(0, b"12345"))))
    assert tree(to) == {"a": b"12345"}


def test_whole_files_that_were_changed_or_moved_come_again(to: Path, store: Store) -> None:
    names = ["gone", "size", "time", "kept"]
    entries = [entry(name, b"1") for name in names] + [entry("last", b"1")]
    sink = opened(to, store, entries)
    for index in range(4):
        sink.write(whole(index, b"1"))
    sink.close(keep=True)
    (to / "gone").unlink()
    (to / "size").write_bytes(b"mine")
    os.utime(to / "time", (1, 1))
    sink = opened(to, store, entries)
    assert sink.ready.skip == (Span(3, 1),)
    for index in (0, 1, 2, 4):
        sink.write(whole(index, b"1"))
    assert tree(to)["size"] == b"mine"
    assert tree(to)["size (2)"] == b"1"


@pytest.mark.parametrize("modified", [None, WHEN, 20_000_000_000, 253_402_300_800, 1 << 49])
def test_a_whole_file_is_known_again_whatever_time_its_disk_holds(
    to: Path, store: Store, modified: int | None
) -> None:
    entries = [Entry("a", 1, modified), Entry("b", 1, modified)]
    sink = opened(to, store, entries)
    sink.write(whole(0, b"1"))
    sink.close(keep=True)
    sink = opened(to, store, entries)
    assert sink.ready.skip == (Span(0, 1),)
    sink.close(keep=True)
    os.utime(to / "a", (1, 1))
    assert opened(to, store, entries).ready.skip == ()


def test_a_disk_that_holds_no_times_at_all(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("proxim.io.files.part_files.os.utime", refuse)
    killed(to, store, [entry("a", b"1"), entry("b")], [b"1"])
    assert opened(to, store, [entry("a", b"1"), entry("b")]).ready.skip == (Span(0, 1),)


def test_the_journal_has_one_line_for_a_file_however_many_names_it_tries(
    to: Path, store: Store, tmp_path: Path
) -> None:
    for name in ("a", "a (2)", "a (3)"):
        (to / name).write_bytes(b"mine")
    entries = [entry("a", b"%d" % n) for n in range(20)] + [entry("last")]
    sink = opened(to, store, entries)
    for n in range(20):
        sink.write(whole(n, b"%d" % n))
    (log,) = (tmp_path / "store").glob("*.log")
    assert log.read_bytes().count(b"\n") == 20
    assert tree(to)["a (23)"] == b"19"


def test_the_same_id_with_other_files_is_another_transfer(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("f/a", b"123")])
    sink.write(memoryview(data(0, b"1")))
    sink.close(keep=True)
    sink = opened(to, store, [entry("f/a", b"1234")])
    assert sink.ready.partial == ()
    # The rest of the former transfer has gone, and so has its folder.
    assert tree(to) == {"f": None}


def test_what_was_declined_before_stays_declined(to: Path, store: Store) -> None:
    entries = [entry("a", b"1"), entry("b", b"22"), entry("c", b"3")]
    sink = opened(to, store, entries, [1])
    sink.write(whole(0, b"1"))
    sink.close(keep=True)
    sink = opened(to, store, entries)
    assert sink.ready.skip == (Span(0, 2),)
    sink.close(keep=True)
    sink = opened(to, store, entries, [2])
    assert sink.finished is not None
    sink.close(keep=True)
    assert tree(to) == {"a": b"1"}


def test_a_part_that_is_declined_now_goes(to: Path, store: Store) -> None:
    entries = [entry("a", b"12"), entry("b")]
    sink = opened(to, store, entries)
    sink.write(memoryview(data(0, b"1")))
    sink.close(keep=True)
    opened(to, store, entries, [0]).close(keep=True)
    assert tree(to) == {}


def test_a_cancelled_transfer_leaves_whole_files_only(
    to: Path, store: Store, tmp_path: Path
) -> None:
    entries = [Entry("f/empty", directory=True), entry("f/a", b"1"), entry("g/b", b"22")]
    sink = opened(to, store, entries)
    sink.write(whole(1, b"1"))
    sink.write(memoryview(data(2, b"2")))
    sink.close(keep=False)
    assert tree(to) == {"f": None, "f/a": b"1"}
    assert tree(tmp_path / "store") == {}


def test_nothing_that_came_leaves_nothing(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("a", b"22")])
    sink.write(memoryview(start_record(0, 0)))
    sink.close(keep=True)
    assert tree(to) == {}


# --- a killed program -----------------------------------------------------------------------------


def killed(to: Path, store: Store, entries: list[Entry], contents: list[bytes]) -> Sink:
    """Return a sink that wrote these contents and was never closed."""
    sink = opened(to, store, entries)
    for index, content in enumerate(contents):
        sink.write(whole(index, content))
    give_back_locks(sink)
    return sink


def give_back_locks(sink: Sink) -> None:
    """Do what the system does for a program that was killed, and nothing else."""
    assert sink._journal is not None
    sink._journal.close()


def test_a_kill_between_files_loses_nothing(to: Path, store: Store) -> None:
    entries = [entry(f"f/{n}", b"%d" % n) for n in range(50)]
    killed(to, store, entries, [b"%d" % n for n in range(49)])
    sink = opened(to, store, entries)
    assert sink.ready.skip == (Span(0, 49),)
    assert tree(to).keys() == {"f", *(f"f/{n}" for n in range(49))}


def test_a_torn_journal_costs_its_last_line_at_most(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for cut in range(1, 95):
        with subtests.test(cut=cut):
            check_a_torn_journal(*place_of_its_own(tmp_path, cut), cut)


def check_a_torn_journal(tmp_path: Path, to: Path, store: Store, cut: int) -> None:
    entries = [entry("f/a", b"1"), entry("f/b", b"2"), entry("f/c", b"3")]
    killed(to, store, entries, [b"1", b"2"])
    (log,) = (tmp_path / "store").glob("*.log")
    raw = log.read_bytes()
    log.write_bytes(raw[:-cut])
    sink = opened(to, store, entries)
    first, *_ = sink.ready.skip or (Span(0, 0),)
    assert first in ({Span(0, 1)} if cut < len(raw) // 2 else {Span(0, 1), Span(0, 0)})
    for index in range(first.count, 3):
        sink.write(whole(index, b"%d" % (index + 1)))
    assert sink.finished is not None
    sink.close(keep=True)
    found = tree(to)
    assert (found["f/a"], found["f/b"], found["f/c"]) == (b"1", b"2", b"3")
    assert not [name for name in found if ".part" in name]


@pytest.mark.parametrize(
    "junk", [b"", b"\n\n", b"x y z\n", b"99 " + b"0" * 64 + b" a\n", b"0 short a\n", b"\xff\xfe\n"]
)
def test_a_journal_of_nonsense_is_no_journal(
    to: Path, store: Store, tmp_path: Path, junk: bytes
) -> None:
    killed(to, store, [entry("a", b"1"), entry("b")], [])
    (log,) = (tmp_path / "store").glob("*.log")
    log.write_bytes(junk + b"0 " + b"0" * 64 + b" ../../etc/passwd\n")
    assert opened(to, store, [entry("a", b"1"), entry("b")]).ready.skip == ()


@pytest.mark.parametrize("step", ["link", "unlink"])
def test_a_kill_while_a_file_gets_its_name(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    entries = [entry("a", b"123"), entry("b")]
    sink = opened(to, store, entries)

    class KilledError(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(f"proxim.io.files.folders.os.{step}", die)
        with pytest.raises(KilledError):
            sink.write(whole(0, b"123"))
    give_back_locks(sink)
    sink = opened(to, store, entries)
    if step == "link":
        assert sink.ready.partial == (Partial(0, 3, hashlib.sha256(b"123").digest()),)
        sink.write(memoryview(start_record(0, 3) + end_record(0, hashlib.sha256(b"123").digest())))
    else:
        assert sink.ready.skip == (Span(0, 1),)
    sink.write(whole(1, b""))
    assert tree(to) == {"a": b"123", "b": b""}


def test_a_file_like_ours_that_appears_where_we_were_killed_is_not_ours(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry("a", b"123"), entry("b")]
    sink = opened(to, store, entries)

    class KilledError(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Folders, "give_name", die)
        with pytest.raises(KilledError):
            sink.write(whole(0, b"123"))
    give_back_locks(sink)
    # The other file has the same size and time.
    (to / "a").write_bytes(b"own")
    os.utime(to / "a", (WHEN, WHEN))
    sink = opened(to, store, entries)
    assert sink.ready.partial == (Partial(0, 3, hashlib.sha256(b"123").digest()),)
    sink.write(memoryview(start_record(0, 3) + end_record(0, hashlib.sha256(b"123").digest())))
    sink.write(whole(1, b""))
    assert tree(to) == {"a": b"own", "a (2)": b"123", "b": b""}


@posix
def test_a_program_that_is_killed_goes_on(tmp_path: Path, to: Path) -> None:
    """Test the whole way with SIGKILL, at an arbitrary moment."""
    top = tmp_path / "from"
    top.mkdir()
    for n in range(300):
        (top / f"{n:03}").write_bytes(os.urandom(2000))
    (top / "zz").write_bytes(os.urandom(3_000_000))
    script = f"""
import sys
from pathlib import Path
from proxim.io.files.source import list_sources
from proxim.io.files.sink import Sink
from proxim.io.files.source import Source
from proxim.io.files.store import Store

files = list_sources([{str(top)!r}], None).files
store = Store(Path({str(tmp_path / "s")!r}))
sink = Sink.open({str(ID)!r}, [f.entry for f in files], (), Path({str(to)!r}), store, None)
position = sink.position
for message in Source(files).messages(sink.ready.skip, sink.ready.partial, position, size=20000):
    sink.write(message)
    print(sink.position.index, flush=True)
sink.close(keep=True)
"""
    for stop_at in (40, 200, 301):
        with subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= stop_at:
                    process.kill()
                    break
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    # The transfer was continued.
    assert int(done.stdout.split()[0]) >= 200
    assert tree(to / "from") == tree(top)
    assert tree(tmp_path / "s") == {}


# --- the disk -------------------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_made(
    to: Path, store: Store, tmp_path: Path
) -> None:
    assert refused(to, store, [Entry("f/a", 1 << 42)]) is Reason.DISK_FULL
    assert tree(to) == {}
    assert store.found() == ()


def test_a_persons_own_empty_folders_stay(to: Path, store: Store) -> None:
    (to / "Photos" / "2026").mkdir(parents=True)
    (to / "Docs").mkdir()
    photos = [
        Entry("Photos", 0, None, directory=True),
        Entry("Photos/2026", 0, None, directory=True),
    ]
    own = {"Docs": None, "Photos": None, "Photos/2026": None}
    assert refused(to, store, [*photos, Entry("Photos/2026/a.jpg", 1 << 42)]) is Reason.DISK_FULL
    assert tree(to) == own
    entries = [
        Entry("Docs", 0, None, directory=True),
        entry("Docs/x", b"1"),
        *photos,
        entry("a", b"1"),
    ]
    sink = opened(to, store, entries, [0, 1])
    assert "Photos (2)/2026" in tree(to)
    sink.close(keep=False)
    assert tree(to) == own
    opened(to, store, entries, [0, 1]).close(keep=True)
    store.forget(ID, Direction.IN)
    assert tree(to) == own


def test_a_folder_that_cannot_be_made_leaves_the_others_unmade(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (to / "P").mkdir()

    def full(self: Folders, folder: tuple[str, ...]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folders, "make", full)
    assert refused(to, store, [entry("P/x/a"), entry("Q/b")]) is Reason.DISK_FULL
    assert tree(to) == {"P": None}


def test_no_folder_and_too_many_files(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(to / "gone", store, [entry("a")]) is Reason.FOLDER_GONE
    (to / "file").write_bytes(b"")
    assert refused(to / "file", store, [entry("a")]) is Reason.FOLDER_GONE
    assert refused(to, store, [entry("a")] * 20_001) is Reason.TOO_MANY_FILES
    assert refused(to, store, [entry("../a")]) is Reason.NAME_REFUSED


@posix
def test_a_folder_that_cannot_be_written_to(to: Path, store: Store, tmp_path: Path) -> None:
    # Root may write despite the permissions, so it gets a read-only mount.
    if sys.platform != "win32" and os.geteuid() == 0:
        mount = mounted(to, "ro,size=1m")
        next(mount)
        assert refused(to, store, [entry("f/a")]) is Reason.FOLDER_READ_ONLY
        next(mount, None)
    else:
        to.chmod(0o500)
        assert refused(to, store, [entry("f/a")]) is Reason.FOLDER_READ_ONLY
        to.chmod(0o700)
    assert tree(to) == {}


def mounted(to: Path, options: str) -> Iterator[None]:
    """Mount a file system in memory at `to`; skip the test where that is not allowed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a file system that fills up")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(to)], check=False
    ).returncode:
        pytest.skip("no file systems can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(to)], check=True)


def test_a_disk_that_fills_up_leaves_nothing_half_written(to: Path, store: Store) -> None:
    mount = mounted(to, "size=3m")
    next(mount)
    content = os.urandom(1_500_000)
    sink = opened(to, store, [entry("f/a", b"1"), entry("f/b", content)])
    sink.write(whole(0, b"1"))
    # Another program uses the space first.
    (to / "other").write_bytes(bytes(2_000_000))
    pieces = b"".join(
        data(1, content[start : start + 100_000]) for start in range(0, len(content), 100_000)
    )
    with pytest.raises(FileError) as caught:
        sink.write(memoryview(pieces))
    assert caught.value.reason is Reason.DISK_FULL
    assert 0 < sink.position.offset < len(content)
    assert set(tree(to / "f")) > {"a"}
    sink.close(keep=False)
    assert tree(to / "f") == {"a": b"1"}
    next(mount, None)


def test_a_disk_that_filled_up_is_gone_on_with_once_there_is_room(to: Path, store: Store) -> None:
    mount = mounted(to, "size=4m")
    next(mount)
    content = os.urandom(1_500_000)
    sink = opened(to, store, [entry("b", content)])
    (to / "other").write_bytes(bytes(3_500_000))
    with pytest.raises(FileError):
        sink.write(memoryview(data(0, content[:1_000_000])))
    position = sink.position
    sink.close(keep=True)
    (to / "other").unlink()
    sink = opened(to, store, [entry("b", content)])
    (part,) = sink.ready.partial
    assert part.offset == position.offset
    sink.write(
        memoryview(start_record(0, part.offset) + data(0, content[part.offset :][:1_048_576]))
    )
    sink.write(memoryview(end_record(0, hashlib.sha256(content).digest())))
    assert (to / "b").read_bytes() == content
    next(mount, None)


@posix
@pytest.mark.parametrize("by_descriptor", [True, False])
def test_a_folder_that_became_a_link_is_not_followed(
    tmp_path: Path, to: Path, store: Store, monkeypatch: pytest.MonkeyPatch, by_descriptor: bool
) -> None:
    monkeypatch.setattr(
        "proxim.io.files.sink.Folders", lambda root: Folders(root, by_descriptor=by_descriptor)
    )
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "sub").mkdir()
    sink = opened(to, store, [entry("f/sub/a", b"1"), entry("f/sub/b", b"2"), entry("g/c", b"3")])
    sink.write(whole(0, b"1"))
    (to / "f").rename(tmp_path / "moved")
    (to / "f").symlink_to(outside)
    (to / "g").rmdir()
    (to / "g").symlink_to(outside)
    index, content = 1, b"2"
    # The open descriptor still leads to the folder itself, wherever it is now.
    if by_descriptor:
        sink.write(whole(1, b"2"))
        index, content = 2, b"3"
    with pytest.raises(FileError) as caught:
        sink.write(whole(index, content))
    assert caught.value.reason is Reason.FOLDER_GONE
    sink.close(keep=False)
    assert tree(outside) == {"sub": None}
    assert (to / "f").is_symlink()


@posix
def test_a_part_that_became_a_link_is_not_gone_on_with(
    tmp_path: Path, to: Path, store: Store
) -> None:
    sink = opened(to, store, [entry("a", b"123")])
    sink.write(memoryview(data(0, b"1")))
    sink.close(keep=True)
    (part,) = to.iterdir()
    part.unlink()
    (tmp_path / "mine").write_bytes(b"mine")
    part.symlink_to(tmp_path / "mine")
    sink = opened(to, store, [entry("a", b"123")])
    assert sink.ready.partial == ()
    sink.write(whole(0, b"123"))
    assert tree(to) == {"a": b"123"}
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_a_folder_that_vanishes_is_named(to: Path, store: Store) -> None:
    sink = opened(to, store, [entry("f/a", b"1")])
    (to / "f").rmdir()
    with pytest.raises(FileError) as caught:
        sink.write(whole(0, b"1"))
    assert caught.value.reason is Reason.FOLDER_GONE
    sink.close(keep=True)
    # The next attempt makes the folder again.
    sink = opened(to, store, [entry("f/a", b"1")])
    sink.write(whole(0, b"1"))
    assert tree(to) == {"f": None, "f/a": b"1"}


def test_a_name_that_the_disk_does_not_take_costs_one_file(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = Folders.give_name

    def strict(self: Folders, folder: tuple[str, ...], part: str, name: str) -> None:
        if name.startswith("bad"):
            raise OSError(36, "File name too long")
        give(self, folder, part, name)

    monkeypatch.setattr(Folders, "give_name", strict)
    sink = opened(to, store, [entry("bad", b"1"), entry("good", b"2")])
    sink.write(whole(0, b"1"))
    sink.write(whole(1, b"2"))
    assert sink.finished is not None
    assert sink.finished.failed == (FailedFile(0, Reason.NAME_REFUSED),)
    assert tree(to) == {"good": b"2"}


def test_a_path_that_is_too_long_costs_what_is_beneath(
    to: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Folders.make

    def strict(self: Folders, folder: tuple[str, ...]) -> None:
        if "long" in folder:
            raise OSError(36, "File name too long")
        make(self, folder)

    monkeypatch.setattr(Folders, "make", strict)
    sink = opened(to, store, [entry("f/long/x/a", b"123"), entry("f/b", b"2")])
    sink.write(memoryview(data(0, b"12")))
    assert sink.restart() == Position(0, 2)
    sink.write(memoryview(start_record(0, 2) + data(0, b"3") + end_record(0, bytes(32))))
    sink.write(whole(1, b"2"))
    assert sink.finished is not None
    assert sink.finished.failed == (FailedFile(0, Reason.NAME_REFUSED),)
    assert tree(to) == {"f": None, "f/b": b"2"}


def test_a_store_that_cannot_be_written_costs_only_going_on(to: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file where the folder should be")
    sink = opened(to, Store(tmp_path / "store"), [entry("a", b"1")])
    sink.write(whole(0, b"1"))
    assert sink.finished is not None
    sink.close(keep=True)
    assert tree(to) == {"a": b"1"}


def test_forgetting_a_transfer_removes_what_is_left_of_it(to: Path, store: Store) -> None:
    (to / "mine.part").write_bytes(b"mine")
    sink = opened(to, store, [entry("f/a", b"12"), entry("g/b", b"1")])
    sink.write(memoryview(data(0, b"1")))
    sink.close(keep=True)
    store.forget(ID, Direction.IN)
    assert tree(to) == {"mine.part": b"mine"}
    assert store.found() == ()


def test_what_another_program_is_receiving_is_received_beside_it(to: Path, store: Store) -> None:
    content = b"the same file"
    other = opened(to, store, [entry("a", content)])
    other.write(memoryview(data(0, content[:4])))
    before = (tree(to), tree(Path(store._folder)))
    sink = opened(to, Store(store._folder), [entry("a", content)])
    # Its part is not the one that the other program writes.
    assert sink.ready.partial == ()
    assert tree(Path(store._folder)) == before[1]
    sink.close(keep=False)
    assert (tree(to), tree(Path(store._folder))) == before
    other.write(memoryview(data(0, content[4:]) + end_record(0, hashlib.sha256(content).digest())))
    assert other.finished is not None
    other.close(keep=False)
    assert tree(to) == {"a": content}
    assert tree(Path(store._folder)) == {}
