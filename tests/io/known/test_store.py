"""Tests of the file of known devices, on a real disk."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Problem, Reason
from proxim.core.known.devices import Endpoint, ForgottenDevice, KnownDevice, KnownFile
from proxim.core.pairing.devices import KnownID, Verified
from proxim.io.known import store as module
from proxim.io.known.store import MAX_FILE_BYTES, KnownStore, LoadedKnown
from proxim.io.system.config_file import read_fields
from proxim.io.system.file_lock import lock
from tests.paths import ROOT

OURS = "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47"
THEIRS = "0f8fad5b-d9cb-469f-a165-70867728950e"


def device(name: str, **fields: Any) -> KnownDevice:
    made = KnownDevice(
        id=KnownID(f"id-of-{name}"),
        key=name.encode().ljust(32, b"."),
        uuid=f"uuid-of-{name}",
        name=name,
        verified=Verified.CODE,
        since=1000.0,
        last_seen=2000.5,
    )
    return replace(made, **fields)


LAPTOP = device(
    "Laptöp",
    verified=Verified.QR,
    endpoints=(
        Endpoint("192.168.1.5", 47800, "192.168.1.0/24"),
        Endpoint("fe80::5%eth0", 47801, "fe80::/64"),
    ),
    let_in=True,
    files_to="/home/me/in",
    pending=True,
)
DESK = device("Desk")
FORGOTTEN = ForgottenDevice(b"n" * 32, b"t" * 32, 3000.0)
FULL = KnownFile((LAPTOP, DESK), (FORGOTTEN,), discovery=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "proxim"


def path_of(folder: Path) -> Path:
    return folder / "known.json"


def fields_of(folder: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(path_of(folder).read_text())
    return fields


def put(folder: Path, content: str | bytes | dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content) if isinstance(content, dict) else content
    path_of(folder).write_bytes(text if isinstance(text, bytes) else text.encode())


def opened(folder: Path, expected: KnownFile | None = None) -> KnownStore:
    """Return a store that has read the file, as a program that has just started."""
    store = KnownStore(folder, OURS)
    loaded = store.load()
    assert loaded.problems == ()
    if expected is not None:
        assert loaded.file == expected
    return store


def known(folder: Path) -> KnownFile:
    return KnownStore(folder, OURS).load().file


def reasons(problems: tuple[Problem, ...]) -> list[Reason]:
    return [problem.reason for problem in problems]


# --- what is kept ---------------------------------------------------------------------------------


def test_who_knows_nobody_has_no_file(folder: Path) -> None:
    opened(folder, KnownFile())
    assert not folder.exists()


def test_what_was_saved_is_there_at_the_next_start(folder: Path) -> None:
    assert opened(folder, KnownFile()).save(FULL) == ()
    opened(folder, FULL)


def test_what_was_changed_and_forgotten_is_there_at_the_next_start(folder: Path) -> None:
    store = opened(folder)
    store.save(FULL)
    changed = KnownFile((replace(DESK, name="Attic", last_seen=9000.0),), (), discovery=True)
    store.save(changed)
    opened(folder, changed).save(KnownFile())
    opened(folder, KnownFile())


texts = st.text(min_size=1, max_size=20)
moments = st.floats(0, 1e10)
endpoints = st.builds(Endpoint, texts, st.integers(1, 65535), texts)
devices = st.builds(
    KnownDevice,
    id=texts.map(KnownID),
    key=st.binary(min_size=32, max_size=32),
    uuid=texts,
    name=texts,
    verified=st.sampled_from(Verified),
    since=moments,
    last_seen=moments,
    endpoints=st.lists(endpoints, max_size=3).map(tuple),
    let_in=st.booleans(),
    files_to=st.none() | texts,
    pending=st.booleans(),
)
forgotten = st.builds(
    ForgottenDevice,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    moments,
)
files = st.builds(
    KnownFile,
    st.lists(devices, max_size=4, unique_by=lambda one: one.id).map(tuple),
    st.lists(forgotten, max_size=3, unique_by=lambda one: one.name_key).map(tuple),
    st.booleans(),
)


@given(st.lists(files, min_size=1, max_size=3))
def test_any_devices_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, changes: list[KnownFile]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    store = opened(folder)
    for file in changes:
        assert store.save(file) == ()
    # One whose last contact was set back keeps the later one, as after another program's.
    found = known(folder)
    assert {one.id for one in found.devices} == {one.id for one in changes[-1].devices}
    # The keys of a forgotten device come from one key, so the first of them stands for both.
    assert {one.name_key for one in found.forgotten} == {
        one.name_key for one in changes[-1].forgotten
    }
    assert found.discovery == changes[-1].discovery
    if len(changes) == 1:
        assert found == changes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
def test_file_and_folder_are_the_owners_alone(folder: Path) -> None:
    store = opened(folder)
    for file in (FULL, KnownFile((DESK,))):
        store.save(file)
        assert stat.S_IMODE(path_of(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ".known.lock").stat().st_mode) == 0o600


def test_nothing_half_written_is_ever_in_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(folder)
    store.save(FULL)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert reasons(store.save(KnownFile())) == [Reason.KNOWN_UNWRITABLE]
    assert sorted(one.name for one in folder.iterdir()) == [".known.lock", "known.json"]
    monkeypatch.undo()
    opened(folder, FULL)
    # What could not be saved is saved with the next change.
    store.save(KnownFile((DESK,)))
    opened(folder, KnownFile((DESK,)))


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows only some users may make links")
def test_a_symbolic_link_stays_one(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    opened(folder).save(KnownFile())
    path_of(folder).rename(elsewhere / "mine.json")
    path_of(folder).symlink_to(elsewhere / "mine.json")
    opened(folder).save(FULL)
    assert path_of(folder).is_symlink()
    assert (elsewhere / "mine.json").is_file()
    opened(folder, FULL)


# --- files that cannot be used --------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"[]",
        b"null",
        b"{",
        b"{}",
        {"uuid": 7},
        {"uuid": OURS, "devices": {}},
        {"uuid": OURS, "forgotten": "x"},
        b"[" * 50_000,
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
def test_a_broken_file_is_kept_beside_a_new_one(folder: Path, content: Any) -> None:
    put(folder, content)
    broken = path_of(folder).read_bytes()
    store = KnownStore(folder, OURS)
    loaded = store.load()
    assert (loaded.file, reasons(loaded.problems)) == (KnownFile(), [Reason.KNOWN_BROKEN])
    assert "known.broken.json" in loaded.problems[0].detail
    assert (folder / "known.broken.json").read_bytes() == broken
    opened(folder, KnownFile())
    assert store.save(FULL) == ()
    opened(folder, FULL)


def test_the_file_of_another_installation_is_set_aside(folder: Path) -> None:
    """Also this one's own, after it got another identity: its keys would be in two hands."""
    KnownStore(folder, THEIRS).save(FULL)
    foreign = path_of(folder).read_bytes()
    loaded = KnownStore(folder, OURS).load()
    assert (loaded.file, reasons(loaded.problems)) == (KnownFile(), [Reason.KNOWN_FOREIGN])
    assert (folder / "known.foreign.json").read_bytes() == foreign
    assert not path_of(folder).exists()
    # Whoever gives the file back its name, and the installation its identity, has all again.
    (folder / "known.foreign.json").rename(path_of(folder))
    assert KnownStore(folder, THEIRS).load().file == FULL


def test_a_file_that_broke_meanwhile_costs_nothing(folder: Path) -> None:
    store = opened(folder)
    store.save(FULL)
    put(folder, b"rubbish")
    assert reasons(store.save(FULL)) == [Reason.KNOWN_BROKEN]
    opened(folder, FULL)


def test_a_file_that_is_gone_is_written_anew(folder: Path) -> None:
    store = opened(folder)
    store.save(FULL)
    path_of(folder).unlink()
    store.save(replace(FULL, discovery=True))
    opened(folder, replace(FULL, discovery=True))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_in_its_place_keeps_nobody_waiting(folder: Path) -> None:
    folder.mkdir()
    # This is for mypy: the test is skipped on Windows.
    if sys.platform != "win32":
        os.mkfifo(path_of(folder))
    assert reasons(KnownStore(folder, OURS).load().problems) == [Reason.KNOWN_BROKEN]


def test_without_a_folder_it_lasts_for_this_run() -> None:
    store = KnownStore(None, OURS)
    assert store.load().file == KnownFile()
    assert reasons(store.save(FULL)) == [Reason.KNOWN_UNWRITABLE]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = KnownStore(tmp_path / "file" / "proxim", OURS)
    assert reasons(store.load().problems) == [Reason.KNOWN_UNREADABLE]
    [problem] = store.save(FULL)
    assert problem.reason is Reason.KNOWN_UNWRITABLE
    # A path has the person's name in it.
    assert str(tmp_path) not in problem.detail


def test_what_can_only_be_read_is_used_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder).save(FULL)
    (folder / ".known.lock").unlink()
    open_file = os.open

    def read_only(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return open_file(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", read_only)
    store = opened(folder, FULL)
    assert reasons(store.save(KnownFile())) == [Reason.KNOWN_UNWRITABLE]


def unreadable(kind: str, folder: Path) -> None:
    """Put something in the file's place that cannot be read."""
    path = path_of(folder)
    folder.mkdir(exist_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "link to nothing":
        path.symlink_to(folder / "nowhere.json")
    elif kind == "link to a missing disk":
        path.symlink_to(folder.parent / "missing" / "known.json")
    else:
        path.symlink_to(path)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows only some users may make links")
@pytest.mark.parametrize(
    "kind", ["folder", "link to nothing", "link to a missing disk", "link to itself"]
)
def test_what_cannot_be_read_is_told_and_never_replaced(folder: Path, kind: str) -> None:
    unreadable(kind, folder)
    store = KnownStore(folder, OURS)
    loaded = store.load()
    assert loaded.file == KnownFile()
    [problem] = loaded.problems
    assert problem.reason is Reason.KNOWN_UNREADABLE
    # The person has to find it.
    assert problem.detail.startswith(str(path_of(folder)))
    assert problem.detail.endswith(")")
    # Where a link leads is what is missing.
    assert (
        path_of(folder).is_dir() or f" -> {os.path.realpath(path_of(folder))} (" in problem.detail
    )
    assert store.changed() is None
    assert reasons(store.save(FULL)) == [Reason.KNOWN_UNWRITABLE]
    left = {one.name for one in folder.iterdir()} - {".known.lock"}
    assert left == {"known.json"}
    assert path_of(folder).is_dir() or path_of(folder).is_symlink()
    assert not (folder.parent / "missing").exists()


def test_nobody_reads_while_another_program_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows neither replaces a file that is being read nor opens one that is being replaced."""
    opened(folder).save(FULL)
    seen = []

    def looking(path: Path, most: int) -> Any:
        descriptor = os.open(folder / ".known.lock", os.O_RDWR)
        seen.append(lock(descriptor))
        os.close(descriptor)
        return read_fields(path, most)

    monkeypatch.setattr(module, "read_fields", looking)
    store = opened(folder, FULL)
    store.changed()
    store.save(KnownFile())
    assert seen == [False] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
def test_a_file_of_another_user_is_named_with_its_owner(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder).save(FULL)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(module, "read_fields", refused)
    monkeypatch.setattr(module, "other_owner", lambda path: f"{path} (root)")
    [problem] = KnownStore(folder, OURS).load().problems
    assert problem == Problem(Reason.KNOWN_UNREADABLE, f"{path_of(folder)} (root)")


def test_a_file_that_is_gone_is_missed_once(folder: Path) -> None:
    opened(folder).save(FULL)
    path_of(folder).unlink()
    loaded = KnownStore(folder, OURS).load()
    assert (loaded.file, reasons(loaded.problems)) == (KnownFile(), [Reason.KNOWN_LOST])
    opened(folder, KnownFile()).save(KnownFile((DESK,)))
    path_of(folder).unlink()
    assert reasons(KnownStore(folder, OURS).load().problems) == [Reason.KNOWN_LOST]


def test_what_never_was_written_is_not_missed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert reasons(opened(folder).save(FULL)) == [Reason.KNOWN_UNWRITABLE]
    opened(folder, KnownFile())
    # What was set aside has been told, too.
    put(folder, "rubbish")
    assert reasons(KnownStore(folder, OURS).load().problems) == [Reason.KNOWN_BROKEN]
    opened(folder, KnownFile())


# --- entries that cannot be read ------------------------------------------------------------------


def damage(folder: Path, *changes: dict[str, Any]) -> None:
    fields = fields_of(folder)
    for place, change in enumerate(changes):
        fields["devices"][place] = {**fields["devices"][place], **change}
    put(folder, fields)


def test_a_damaged_device_is_told_once_by_its_name_and_kept(folder: Path) -> None:
    opened(folder).save(replace(FULL, devices=(LAPTOP, DESK)))
    damage(folder, {"key": "?"})
    loaded = KnownStore(folder, OURS).load()
    assert loaded.file == replace(FULL, devices=(DESK,))
    [problem] = loaded.problems
    assert problem == Problem(Reason.KNOWN_DAMAGED, "Laptöp (known.damaged.json)")
    kept = json.loads((folder / "known.damaged.json").read_text())
    assert kept == {"entries": [fields_of(folder)["devices"][0]]}
    assert stat.S_IMODE((folder / "known.damaged.json").stat().st_mode) & 0o077 == 0
    # It is not told again, and what is saved now leaves it in its place.
    opened(folder, loaded.file).save(KnownFile((replace(DESK, name="Attic"),)))
    assert [one["name"] for one in fields_of(folder)["devices"]] == ["Laptöp", "Attic"]
    # Another one is.
    damage(folder, {}, {"since": "then", "name": ""})
    [problem] = KnownStore(folder, OURS).load().problems
    assert problem.detail == "#2 (known.damaged.json)"
    assert len(json.loads((folder / "known.damaged.json").read_text())["entries"]) == 2


def test_two_damaged_devices_of_one_name_are_two(folder: Path) -> None:
    opened(folder).save(KnownFile((LAPTOP, DESK)))
    damage(folder, {"key": 1, "name": "Desk"}, {"key": 2})
    [problem] = KnownStore(folder, OURS).load().problems
    assert problem.detail == "Desk, Desk #2 (known.damaged.json)"


def test_a_device_that_is_damaged_while_a_program_runs_is_told_there(folder: Path) -> None:
    store = opened(folder)
    store.save(FULL)
    assert store.changed() is None
    damage(folder, {"key": "?"})
    changed = store.changed()
    assert changed is not None
    assert changed.file.devices == (DESK,)
    assert reasons(changed.problems) == [Reason.KNOWN_DAMAGED]


def test_where_damaged_entries_cannot_be_kept_they_are_told_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder).save(FULL)
    damage(folder, {"key": "?"})

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_fields", refused)
        [problem] = KnownStore(folder, OURS).load().problems
        assert problem.detail == "Laptöp"
    # Rubbish in their place is set aside.
    (folder / "known.damaged.json").write_text("rubbish")
    assert reasons(KnownStore(folder, OURS).load().problems) == [Reason.KNOWN_DAMAGED]
    assert (folder / "known.damaged.broken.json").read_text() == "rubbish"
    opened(folder)


def test_a_damaged_entry_of_a_forgotten_device_needs_nobody(folder: Path) -> None:
    opened(folder).save(FULL)
    fields = fields_of(folder)
    fields["forgotten"][0]["since"] = "then"
    put(folder, fields)
    opened(folder, replace(FULL, forgotten=()))


# --- other versions -------------------------------------------------------------------------------


def test_what_a_newer_version_wrote_stays(folder: Path) -> None:
    opened(folder).save(FULL)
    fields = fields_of(folder)
    fields["newer"] = {"a": [1]}
    fields["devices"][0]["colour"] = "blue"
    fields["forgotten"][0]["why"] = "old"
    # This version knows no such proof.
    fields["devices"].append({**fields["devices"][1], "id": "new", "verified": "handshake"})
    put(folder, fields)
    assert reasons(KnownStore(folder, OURS).load().problems) == [Reason.KNOWN_DAMAGED]
    store = opened(folder, FULL)
    changed = replace(FULL, devices=(replace(LAPTOP, name="Kitchen"), DESK))
    store.save(changed)
    opened(folder, changed)
    fields["devices"][0]["name"] = "Kitchen"
    assert fields_of(folder) == fields


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.pop("key"),
        lambda entry: entry.update(key="short"),
        lambda entry: entry.update(key="not base64 at all, and long enough to be one"),
        lambda entry: entry.update(key=5),
        lambda entry: entry.update(id=None),
        lambda entry: entry.update(name=""),
        lambda entry: entry.update(since=True),
        lambda entry: entry.update(lastSeen=float("nan")),
        lambda entry: entry.update(lastSeen="yesterday"),
        lambda entry: entry.update(lastSeen=1e300),
        lambda entry: entry.update(since=-1),
        lambda entry: entry.update(verified="guess"),
    ],
)
def test_an_entry_that_cannot_be_read_costs_no_other(folder: Path, damage: Damage) -> None:
    opened(folder).save(FULL)
    fields = fields_of(folder)
    damage(fields["devices"][0])
    fields["forgotten"].append({"nameKey": "x"})
    fields["devices"].append("text")
    put(folder, fields)
    expected = KnownFile((DESK,), (FORGOTTEN,), discovery=False)
    loaded = KnownStore(folder, OURS).load()
    assert (loaded.file, reasons(loaded.problems)) == (expected, [Reason.KNOWN_DAMAGED])
    opened(folder, expected).save(replace(expected, discovery=True))
    # It stays in the file, for a version that can read it.
    assert len(fields_of(folder)["devices"]) == 3
    opened(folder, replace(expected, discovery=True))


def test_nothing_unclear_means_yes(folder: Path) -> None:
    opened(folder).save(FULL)
    fields = fields_of(folder)
    fields["devices"][0] |= {
        "letIn": 1,
        "filesTo": ["/tmp"],
        "endpoints": [
            {"address": "10.0.0.1", "port": 70000, "seenFrom": "10.0.0.0/8"},
            {"address": "10.0.0.1", "port": True, "seenFrom": "10.0.0.0/8"},
            {"address": 5, "port": 1, "seenFrom": ""},
            "10.0.0.1",
        ],
    }
    fields["discovery"] = "yes"
    put(folder, fields)
    found = known(folder)
    assert (found.devices[0].let_in, found.devices[0].files_to) == (False, None)
    assert found.devices[0].endpoints == ()
    assert found.discovery is False


# --- several programs -----------------------------------------------------------------------------


def test_two_programs_lose_nothing_of_each_other(folder: Path) -> None:
    opened(folder).save(FULL)
    one, other = opened(folder, FULL), opened(folder, FULL)
    tv = device("TV")
    one.save(replace(FULL, devices=(replace(LAPTOP, name="Kitchen"), DESK)))
    other.save(replace(FULL, devices=(replace(LAPTOP, let_in=False), DESK, tv)))
    one.save(replace(FULL, devices=(replace(LAPTOP, name="Hall"), DESK), discovery=True))
    expected = KnownFile(
        (replace(LAPTOP, name="Hall", let_in=False), DESK, tv), (FORGOTTEN,), discovery=True
    )
    opened(folder, expected)


def test_what_one_program_forgot_no_other_brings_back(folder: Path) -> None:
    opened(folder).save(KnownFile((LAPTOP, DESK)))
    one, other = opened(folder), opened(folder)
    one.save(KnownFile((DESK,), (FORGOTTEN,)))
    # The other program still knows both, and has just seen the first one.
    other.save(KnownFile((replace(LAPTOP, last_seen=9000.0), replace(DESK, name="Attic"))))
    opened(folder, KnownFile((replace(DESK, name="Attic"),), (FORGOTTEN,)))


def test_the_latest_contact_of_two_programs_counts(folder: Path) -> None:
    opened(folder).save(KnownFile((LAPTOP,)))
    one, other = opened(folder), opened(folder)
    late = (Endpoint("10.0.0.9", 47800, "10.0.0.0/8"),)
    one.save(KnownFile((replace(LAPTOP, last_seen=9000.0, endpoints=late),)))
    other.save(KnownFile((replace(LAPTOP, last_seen=8000.0, endpoints=()),)))
    opened(folder, KnownFile((replace(LAPTOP, last_seen=9000.0, endpoints=late),)))


def test_what_another_program_changed_is_there_and_is_not_taken_back(folder: Path) -> None:
    one, other = opened(folder), opened(folder)
    assert one.changed() is None
    other.save(KnownFile((LAPTOP, DESK)))
    assert one.changed() == LoadedKnown(KnownFile((LAPTOP, DESK)))
    one.take(KnownFile((LAPTOP, DESK)))
    assert one.changed() is other.changed() is None
    other.save(KnownFile((DESK,), (FORGOTTEN,)))
    found = one.changed()
    assert found == LoadedKnown(KnownFile((DESK,), (FORGOTTEN,)))
    # Until the program goes on from it, its own changes follow from what it knew before.
    one.save(KnownFile((LAPTOP, replace(DESK, name="Attic"))))
    left = KnownFile((replace(DESK, name="Attic"),), (FORGOTTEN,))
    assert one.changed() == LoadedKnown(left)


def test_what_cannot_be_saved_is_not_taken_back_by_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder).save(FULL)
    one, other = opened(folder), opened(folder)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        one.save(KnownFile((DESK,)))
    other.save(replace(FULL, devices=(*FULL.devices, device("TV"))))
    assert one.changed() is None
    assert one.save(KnownFile((DESK,))) == ()
    assert one.changed() is not None


@pytest.mark.parametrize("content", [b"rubbish", {"uuid": THEIRS}])
def test_a_file_that_became_useless_meanwhile_changes_nothing(folder: Path, content: Any) -> None:
    store = opened(folder)
    store.save(FULL)
    put(folder, content)
    assert store.changed() is None
    path_of(folder).unlink()
    assert store.changed() is None
    assert KnownStore(None, OURS).changed() is None


def test_programs_that_save_at_the_same_moment_wait_for_each_other(folder: Path) -> None:
    stores = [opened(folder) for _ in range(8)]
    barrier = threading.Barrier(len(stores))
    problems: list[Problem] = []

    def save(store: KnownStore, number: int) -> None:
        barrier.wait()
        problems.extend(store.save(KnownFile((device(f"number {number}"),))))

    threads = [
        threading.Thread(target=save, args=(store, number)) for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert {one.name for one in known(folder).devices} == {f"number {n}" for n in range(8)}


SAVE = """
import sys
from pathlib import Path
from proxim.core.known.devices import KnownFile
from proxim.io.known.store import KnownStore
from tests.io.known.test_store import OURS, device
store = KnownStore(Path(sys.argv[1]), OURS)
store.load()
print("loaded", flush=True)
sys.stdin.readline()
assert store.save(KnownFile((device(sys.argv[2]),))) == ()
"""


def test_so_do_real_processes(folder: Path) -> None:
    names = ["one", "two", "three"]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE, str(folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        for name in names
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "loaded\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
        assert process.returncode == 0
    assert {one.name for one in known(folder).devices} == {*names}


def test_a_program_that_hangs_with_the_lock_keeps_nobody_from_saving(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    store = opened(folder)
    store.save(FULL)
    with open(folder / ".known.lock", "r+b") as held:
        assert lock(held.fileno())
        assert store.save(KnownFile((DESK,))) == ()
    opened(folder, KnownFile((DESK,)))


def test_the_log_has_numbers_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    opened(folder).save(FULL)
    fields = fields_of(folder)
    fields["devices"].append({"id": "Schlüssel"})
    put(folder, fields)
    KnownStore(folder, OURS).load()
    opened(folder)
    assert "known devices: 2, forgotten: 1" in caplog.text
    for secret in ("Lapt", "Desk", "uuid", OURS, "192.168", str(folder), "Schl"):
        assert secret not in caplog.text
