"""Tests of proxim.io.files.store; test_sink.py tests how a sink uses it."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from proxim.core.doctor import Cleaned, KeptTransfer
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import Direction, Entry, TransferID, resume_tag, title
from proxim.io.files.part_files import part_name
from proxim.io.files.source import SourceFile
from proxim.io.files.store import (
    ABSENT_KEEP_SECONDS,
    DAY_SECONDS,
    KEEP_SECONDS,
    Done,
    Journal,
    Store,
    StoredIncoming,
)

ID = TransferID("abcdefghijklmnopqrstuv")
OTHER = TransferID("vutsrqponmlkjihgfedcba")
TOKEN = "0123456789abcdef"
SHA = "ab" * 32
ENTRIES = (Entry("F", 0, None, directory=True), Entry("F/ä", 5, 1234), Entry("\ufffd", 1))


def incoming(folder: Path, transfer: TransferID = ID) -> StoredIncoming:
    return StoredIncoming(transfer, ENTRIES, str(folder), TOKEN, (2,), "Phone", {"F": "F (2)"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "transfers")


def files(tmp_path: Path) -> list[Path]:
    return sorted(one for one in (tmp_path / "data" / "transfers").glob("*") if one.is_file())


def test_an_incoming_transfer_is_kept(store: Store, tmp_path: Path) -> None:
    journal = store.save(incoming(tmp_path))
    journal.add(1, Done("ä (2)", SHA, -5))
    journal.add(2, Done("with spaces", SHA, 0))
    journal.add(2, Done("the later name", SHA, 2**60))
    journal.close()
    journal.add(0, Done("closed", SHA, 0))
    loaded = store.load(ID)
    assert loaded is not None
    assert loaded.done == {1: Done("ä (2)", SHA, -5), 2: Done("the later name", SHA, 2**60)}
    loaded.done = {}
    assert loaded == incoming(tmp_path)
    assert store.load(OTHER) is None
    assert store.found() == (file_ev.StoredTransfer(ID, Direction.IN, ENTRIES, "Phone"),)


def test_parts_on_a_disk_that_is_unplugged_stay_known(store: Store, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    part = disk / part_name(TOKEN, 2)
    part.write_bytes(b"part")
    store.save(incoming(disk)).close()
    unplugged = disk.rename(tmp_path / "unplugged")
    store.expire(time.time() + 2 * KEEP_SECONDS)
    assert store.load(ID) is not None
    unplugged.rename(disk)
    store.expire(time.time() + 2 * KEEP_SECONDS)
    assert not part.exists()
    assert files(tmp_path) == []


def test_a_folder_that_never_comes_back_is_forgotten_in_the_end(
    store: Store, tmp_path: Path
) -> None:
    store.save(incoming(tmp_path / "gone")).close()
    store.expire(time.time() + 2 * ABSENT_KEEP_SECONDS)
    assert files(tmp_path) == []


def test_parts_of_a_session_that_is_over_on_a_disk_that_is_unplugged_stay_known(
    store: Store, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    one = incoming(disk)
    one.session_only = True
    part = disk / part_name(TOKEN, 2)
    part.write_bytes(b"part")
    store.save(one).close()
    unplugged = disk.rename(tmp_path / "unplugged")
    assert store.found() == ()
    unplugged.rename(disk)
    assert store.found() == ()
    assert not part.exists()
    assert files(tmp_path) == []


def test_a_transfer_of_a_session_that_is_over_is_removed(store: Store, tmp_path: Path) -> None:
    one = incoming(tmp_path)
    one.session_only = True
    part = tmp_path / part_name(TOKEN, 2)
    part.write_bytes(b"part")
    store.save(one).close()
    loaded = store.load(ID)
    assert loaded is not None
    assert loaded.session_only
    other = Store(tmp_path / "data" / "transfers")
    other.hold()
    # The other program may still have this session.
    assert store.found() == ()
    assert part.exists()
    other.close()
    assert store.found() == ()
    assert not part.exists()
    assert files(tmp_path) == []


def test_an_outgoing_transfer_is_kept_with_paths_that_are_no_text(
    store: Store, tmp_path: Path
) -> None:
    paths = ("/home/a/F", "/home/a/F/ä", "/home/a/\udcff")
    sources = tuple(
        SourceFile(entry, Path(path)) for entry, path in zip(ENTRIES, paths, strict=True)
    )
    store.keep_sources(ID, sources, None)
    assert store.sources_of(ID) == sources
    assert store.sources_of(OTHER) is None
    assert store.found() == (file_ev.StoredTransfer(ID, Direction.OUT, ENTRIES, None),)
    store.forget(ID, Direction.IN)
    assert store.sources_of(ID) == sources
    store.forget(ID, Direction.OUT)
    assert store.sources_of(ID) is None


def test_names_tell_no_id_and_contents_are_nobody_elses(store: Store, tmp_path: Path) -> None:
    store.save(incoming(tmp_path)).close()
    store.keep_sources(ID, [], None)
    tag = resume_tag(ID).hex()
    assert [path.name for path in files(tmp_path)] == [
        f"{tag}.in.json",
        f"{tag}.in.log",
        f"{tag}.out.json",
    ]
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)} == {0o600}
        assert stat.S_IMODE((tmp_path / "data" / "transfers").stat().st_mode) == 0o700
    assert ID not in repr(store.load(ID))


def test_the_two_ends_of_a_transfer_may_share_the_folder(store: Store, tmp_path: Path) -> None:
    store.save(incoming(tmp_path)).close()
    store.keep_sources(ID, [], None)
    assert {one.direction for one in store.found()} == {Direction.IN, Direction.OUT}
    store.forget(ID, Direction.OUT)
    assert store.load(ID) is not None
    store.keep_sources(ID, [], None)
    store.forget(ID)
    assert files(tmp_path) == []


def test_the_oldest_comes_first(store: Store, tmp_path: Path) -> None:
    store.save(incoming(tmp_path)).close()
    store.save(incoming(tmp_path, OTHER)).close()
    for path in files(tmp_path):
        os.utime(path, (1, 1) if path.name.startswith(resume_tag(OTHER).hex()) else (2, 2))
    assert [one.transfer for one in store.found()] == [OTHER, ID]


BROKEN: list[dict[str, Any]] = [
    {"version": 2},
    {"transfer": OTHER},
    {"transfer": 5},
    {"token": "../x"},
    {"token": None},
    {"tops": {"F": ".."}},
    {"tops": {"F": "a/b"}},
    {"tops": []},
    {"directory": 5},
    {"peer": 5},
    {"declined": ["x"]},
    {"declined": None},
    {"entries": {}},
    {"entries": [["a", 1, None]]},
    {"entries": [[1, 1, None, False]]},
    {"entries": [["a", 1, "x", False]]},
]


def test_a_state_that_is_not_ours_is_no_state(
    store: Store, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    store.save(incoming(tmp_path)).close()
    path = files(tmp_path)[0]
    good = json.loads(path.read_text())
    assert store.load(ID) is not None
    for change in BROKEN:
        with subtests.test(change=change):
            path.write_text(json.dumps({**good, **change}))
            assert store.load(ID) is None
            assert store.found() == ()


def test_a_file_that_is_no_state(store: Store, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for raw in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"{}"):
        with subtests.test(raw=raw[:10]):
            store.save(incoming(tmp_path)).close()
            store.keep_sources(ID, [], None)
            for path in files(tmp_path):
                path.write_bytes(raw)
            assert store.load(ID) is None
            assert store.sources_of(ID) is None
            assert store.found() == ()
            store.forget(ID)
            assert files(tmp_path) == []


def test_what_is_old_goes_with_what_it_left(store: Store, tmp_path: Path) -> None:
    to = tmp_path / "to"
    (to / "F (2)").mkdir(parents=True)
    part = to / "F (2)" / part_name(TOKEN, 1)
    part.write_bytes(b"123")
    (to / "mine").write_bytes(b"mine")
    store.save(incoming(to)).close()
    store.save(incoming(tmp_path, OTHER)).close()
    store.keep_sources(ID, [], None)
    broken = files(tmp_path)[0].with_name("0" * 64 + ".in.json")
    broken.write_bytes(b"{")
    latest = max(path.stat().st_mtime for path in files(tmp_path))
    store.expire(latest + KEEP_SECONDS - 60)
    assert len(store.found()) == 3
    assert part.exists()
    os.utime(files(tmp_path)[-1], (latest, latest))
    store.expire(latest + KEEP_SECONDS + 1)
    assert files(tmp_path) == []
    assert sorted(path.name for path in to.iterdir()) == ["mine"]


def test_what_is_kept_can_be_seen_and_removed(store: Store, tmp_path: Path) -> None:
    to = tmp_path / "to"
    (to / "F (2)").mkdir(parents=True)
    part = to / "F (2)" / part_name(TOKEN, 1)
    part.write_bytes(b"123")
    store.save(incoming(to)).close()
    store.keep_sources(OTHER, [], None)
    now = max(path.stat().st_mtime for path in files(tmp_path)) + 3 * DAY_SECONDS + 1
    state = incoming(to)
    kept = KeptTransfer(title(state.entries), str(to), state.peer_name, 3, 3)
    assert store.kept(now) == (kept,)
    assert part.exists()
    # What is kept to send again takes no room, and stays.
    assert store.clean() == Cleaned(1, 3)
    assert store.kept(now) == ()
    assert not part.exists()
    assert len(files(tmp_path)) == 1


def test_what_is_kept_on_a_disk_that_is_not_there_stays_known(store: Store, tmp_path: Path) -> None:
    to, away = tmp_path / "to", tmp_path / "away"
    to.mkdir()
    part = to / part_name(TOKEN, 2)
    part.write_bytes(b"1")
    store.save(incoming(to)).close()
    to.rename(away)
    assert store.clean() == Cleaned(0, 0, left=1)
    away.rename(to)
    assert store.clean() == Cleaned(1, 1)
    assert not part.exists()


def test_a_program_that_may_continue_what_is_kept_is_known_until_it_ends(
    store: Store, tmp_path: Path
) -> None:
    other = Store(tmp_path / "data" / "transfers")
    assert not store.in_use()
    other.hold()
    other.hold()
    assert store.in_use()
    assert stat.S_IMODE((tmp_path / "data" / "transfers").stat().st_mode) == 0o700
    (mark,) = (tmp_path / "data" / "transfers" / "running").iterdir()
    # A killed program leaves its mark, but not its lock.
    killed = mark.with_name("killed")
    killed.touch()
    assert store.in_use()
    assert not killed.exists()
    other.close()
    other.close()
    assert not store.in_use()
    assert not mark.parent.exists()


def test_a_journal_that_is_written_to_keeps_its_transfer(store: Store, tmp_path: Path) -> None:
    store.save(incoming(tmp_path)).close()
    state, log = files(tmp_path)
    os.utime(state, (1, 1))
    store.expire(log.stat().st_mtime + 5)
    assert store.load(ID) is not None


def test_a_line_that_was_torn_does_not_spoil_the_next(store: Store, tmp_path: Path) -> None:
    journal = store.save(incoming(tmp_path))
    journal.add(1, Done("a", SHA, 1))
    journal.close()
    log = files(tmp_path)[1]
    log.write_bytes(log.read_bytes() + b"2 abab")
    assert store.load(ID) is not None
    journal = store.save(incoming(tmp_path))
    journal.add(2, Done("b", SHA, 2))
    journal.close()
    loaded = store.load(ID)
    assert loaded is not None
    assert loaded.done == {1: Done("a", SHA, 1), 2: Done("b", SHA, 2)}


def test_folders_that_were_never_made_are_not_removed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "F").mkdir()
    (tmp_path / "F (2)").mkdir()
    (tmp_path / "G").mkdir()
    state = incoming(tmp_path)
    state.entries = (*ENTRIES, Entry("G", 0, None, directory=True))
    store.save(state).close()
    store.forget(ID, Direction.IN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["F", "G", "data"]


def test_what_a_living_program_receives_is_left_to_it(store: Store, tmp_path: Path) -> None:
    part = tmp_path / part_name(TOKEN, 2)
    part.write_bytes(b"1")
    script = f"""
import sys
from pathlib import Path
from proxim.io.files.store import Store
store = Store(Path({str(tmp_path / "data" / "transfers")!r}))
journal = store.save(store.load({str(ID)!r}))
print("holds", flush=True)
sys.stdin.read()
"""
    store.save(incoming(tmp_path)).close()
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"holds"
        assert store.found() == ()
        assert store.kept(time.time()) == ()
        assert store.clean() == Cleaned(0, 0)
        store.forget(ID, Direction.IN)
        store.expire(time.time() + 2 * KEEP_SECONDS)
        assert part.exists()
        assert store.load(ID) is not None
        other.kill()
    assert [one.transfer for one in store.found()] == [ID]
    store.expire(time.time() + 2 * KEEP_SECONDS)
    assert not part.exists()
    assert files(tmp_path) == []


def test_a_folder_that_stays_is_not_emptied_of_what_is_not_ours(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "F (2)").mkdir()
    (tmp_path / "F (2)" / "other.part").write_bytes(b"")
    store.save(incoming(tmp_path)).close()
    store.forget(ID)
    assert (tmp_path / "F (2)" / "other.part").exists()


def test_no_folder_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for store in (Store(tmp_path / "none"), Store(tmp_path / "file")):
        assert store.found() == ()
        assert store.load(ID) is None
        store.expire(0)
        store.forget(ID)
    Store(tmp_path / "file").save(incoming(tmp_path)).add(0, Done("a", SHA, 0))
    assert (tmp_path / "file").read_bytes() == b""


def test_a_write_that_fails_leaves_the_old_state(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep_sources(ID, [SourceFile(Entry("a"), Path("/a"))], None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("proxim.io.files.store.os.replace", full)
        store.keep_sources(ID, [], None)
    assert len(store.sources_of(ID) or ()) == 1
    assert len(files(tmp_path)) == 1


def test_a_journal_whose_disk_is_full_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "log")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("proxim.io.files.store.os.write", full)
        journal.add(0, Done("a", SHA, 0))
    journal.add(0, Done("a", SHA, 0))
    assert (tmp_path / "log").read_bytes() == b""
