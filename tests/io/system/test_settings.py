import errno
import json
import os
import stat
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from proxim.core.errors import Reason
from proxim.core.sanitize import MAX_NAME_BYTES, is_usable_name
from proxim.io.system import settings as module
from proxim.io.system import user_folders
from proxim.io.system.config_file import MAX_SET_ASIDE
from proxim.io.system.settings import (
    MAX_FILE_BYTES,
    LoadedSettings,
    Settings,
    default_device_name,
    load_settings,
    save_device_name,
    save_require_proof,
)

GOOD_UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def reasons(loaded: LoadedSettings) -> list[Reason]:
    return [problem.reason for problem in loaded.problems]


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "settings.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# --- first run, next run --------------------------------------------------------------------------


def test_first_run_makes_an_identity_that_the_next_run_finds(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    first = load_settings(folder)
    assert first.problems == ()
    made = uuid.UUID(first.settings.uuid)
    assert (str(made), made.version) == (first.settings.uuid, 4)
    assert made.variant == uuid.RFC_4122
    assert is_usable_name(first.settings.device_name)
    assert load_settings(folder) == first
    assert names(folder) == ["settings.json"]


def test_two_installations_differ(tmp_path: Path) -> None:
    assert (
        load_settings(tmp_path / "a").settings.uuid != load_settings(tmp_path / "b").settings.uuid
    )


def test_first_runs_at_the_same_time_agree(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    found: list[LoadedSettings] = []

    def run() -> None:
        barrier.wait()
        found.append(load_settings(tmp_path))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({loaded.settings.uuid for loaded in found}) == 1
    assert names(tmp_path) == ["settings.json"]


def test_without_hard_links_it_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    first = load_settings(tmp_path)
    assert first.problems == ()
    assert load_settings(tmp_path) == first
    assert names(tmp_path) == ["settings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "proxim"
    load_settings(folder)
    assert stat.S_IMODE((folder / "settings.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    save_device_name(load_settings(folder).settings, "Kitchen", folder)
    assert stat.S_IMODE((folder / "settings.json").stat().st_mode) == 0o600


def test_the_folder_is_the_users_configuration_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "config_folder", lambda: tmp_path)
    loaded = load_settings()
    save_device_name(loaded.settings, "Kitchen")
    assert json.loads((tmp_path / "settings.json").read_text())["deviceName"] == "Kitchen"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_disk_that_knows_no_fsync_keeps_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    loaded = load_settings(tmp_path)
    assert loaded.problems == ()
    assert load_settings(tmp_path).settings.uuid == loaded.settings.uuid


def test_without_a_home_they_last_for_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "config_folder", lambda: None)
    loaded = load_settings()
    assert reasons(loaded) == [Reason.SETTINGS_UNWRITABLE]
    saved = save_device_name(loaded.settings, "Kitchen")
    assert (reasons(saved), saved.settings.device_name) == (
        [Reason.SETTINGS_UNWRITABLE],
        "Kitchen",
    )


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can make another user's file"
)
def test_another_users_file_is_named_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_settings(tmp_path)
    # This is for mypy: the test is skipped on Windows.
    if sys.platform != "win32":
        os.chown(tmp_path / "settings.json", 1, 1)

    # Root may read everything, so a fake denies it.
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "settings.json"))

    monkeypatch.setattr(module, "_read", denied)
    (problem,) = load_settings(tmp_path).problems
    assert problem.reason is Reason.SETTINGS_FOREIGN
    owner = f"{tmp_path / 'settings.json'} (daemon)"
    assert problem.detail == owner
    assert problem.sentence.endswith(f": {owner}.")


@pytest.mark.parametrize(
    "find",
    [
        user_folders.config_folder,
        user_folders.transfers_folder,
        user_folders.log_folder,
        user_folders.downloads_folder,
    ],
)
def test_a_user_without_a_home_has_no_folders(
    monkeypatch: pytest.MonkeyPatch, find: Callable[[], Path | None]
) -> None:
    assert find() is not None
    for variable in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(variable)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert find() is None


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux'")
def test_on_linux_the_folder_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_folders.config_folder() == tmp_path / "proxim"


# --- broken files ---------------------------------------------------------------------------------


def test_a_broken_file_is_kept_beside_a_new_one(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[str | bytes] = [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"uuid": 5}',
        '{"uuid": "not-a-uuid"}',
        # UUIDs of version 1 contain the network card's address.
        '{"uuid": "0f8fad5b-d9cb-169f-a165-70867728950e"}',
        f'{{"uuid": "{GOOD_UUID}"',
        b"\xff\xfe\x00",
        # A crash of the machine can leave a file of zeros.
        b"\x00" * 100,
        "[" * 50_000,
        " " * (MAX_FILE_BYTES + 1),
    ]
    for number, text in enumerate(cases):
        with subtests.test(text=text[:40]):
            folder = tmp_path / str(number)
            folder.mkdir()
            broken = write(folder, text).read_bytes()
            loaded = load_settings(folder)
            assert reasons(loaded) == [Reason.SETTINGS_BROKEN]
            assert loaded.problems[0].sentence.endswith(": settings.broken.json.")
            assert (folder / "settings.broken.json").read_bytes() == broken
            assert load_settings(folder) == LoadedSettings(loaded.settings)
            assert names(folder) == ["settings.broken.json", "settings.json"]


def test_broken_files_do_not_replace_one_another_until_there_are_many(tmp_path: Path) -> None:
    for number in range(MAX_SET_ASIDE + 3):
        write(tmp_path, f"broken {number}")
        load_settings(tmp_path)
    kept = [name for name in names(tmp_path) if "broken" in name]
    assert len(kept) == MAX_SET_ASIDE
    assert (tmp_path / "settings.broken.json").read_text() == "broken 0"
    assert (tmp_path / "settings.broken-2.json").read_text() == "broken 1"
    assert (
        tmp_path / f"settings.broken-{MAX_SET_ASIDE}.json"
    ).read_text() == f"broken {MAX_SET_ASIDE + 2}"


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    write(
        tmp_path, b"\xef\xbb\xbf" + json.dumps({"uuid": GOOD_UUID, "deviceName": "Büro"}).encode()
    )
    assert load_settings(tmp_path) == LoadedSettings(Settings(GOOD_UUID, "Büro"))


def test_a_missing_name_is_the_computers_own(tmp_path: Path) -> None:
    write(tmp_path, json.dumps({"uuid": GOOD_UUID}))
    loaded = load_settings(tmp_path)
    assert loaded == LoadedSettings(Settings(GOOD_UUID, default_device_name()))


@pytest.mark.parametrize("name", ["", "\u200b\u200b", "x" * 65, 5, "\ud800"])
def test_an_unusable_name_costs_the_name_and_not_the_identity(tmp_path: Path, name: object) -> None:
    write(tmp_path, json.dumps({"uuid": GOOD_UUID, "deviceName": name}))
    loaded = load_settings(tmp_path)
    assert loaded.settings == Settings(GOOD_UUID, default_device_name())
    assert reasons(loaded) == [Reason.NAME_UNUSABLE]


def test_a_dangling_link_is_filled(tmp_path: Path) -> None:
    try:
        (tmp_path / "settings.json").symlink_to(tmp_path / "dotfiles.json")
    except OSError:
        pytest.skip("no right to make symbolic links")
    loaded = load_settings(tmp_path)
    save_device_name(loaded.settings, "Kitchen", tmp_path)
    assert (tmp_path / "settings.json").is_symlink()
    assert load_settings(tmp_path).settings == Settings(loaded.settings.uuid, "Kitchen")
    assert names(tmp_path) == ["dotfiles.json", "settings.json"]


# --- a disk that refuses --------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    loaded = load_settings(tmp_path / "file" / "proxim")
    assert reasons(loaded) == [Reason.SETTINGS_UNWRITABLE]
    assert uuid.UUID(loaded.settings.uuid).version == 4
    assert is_usable_name(loaded.settings.device_name)


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    # No program can read a folder as a file, not even as root.
    (tmp_path / "settings.json").mkdir()
    loaded = load_settings(tmp_path)
    assert reasons(loaded) == [Reason.SETTINGS_UNWRITABLE]
    assert names(tmp_path) == ["settings.json"]
    assert str(tmp_path) not in loaded.problems[0].detail


def test_a_disk_that_fills_up_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_settings(tmp_path)
    before = (tmp_path / "settings.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    saved = save_device_name(loaded.settings, "Kitchen", tmp_path)
    # The new name applies for this run.
    assert saved.settings == Settings(loaded.settings.uuid, "Kitchen")
    assert reasons(saved) == [Reason.SETTINGS_UNWRITABLE]
    assert saved.problems[0].detail == "No space left on device"
    assert (tmp_path / "settings.json").read_bytes() == before
    assert names(tmp_path) == ["settings.json"]


# --- a new name -----------------------------------------------------------------------------------


def test_a_saved_name_is_there_next_time_and_all_else_stays(tmp_path: Path) -> None:
    future = {
        "uuid": GOOD_UUID,
        "deviceName": "Old",
        "theme": {"dark": [1, {"deep": None}]},
        "deviceName2": "ü",
    }
    write(tmp_path, json.dumps(future))
    saved = save_device_name(load_settings(tmp_path).settings, "  Küche 🏠 ", tmp_path)
    assert saved == LoadedSettings(Settings(GOOD_UUID, "Küche 🏠"))
    assert json.loads((tmp_path / "settings.json").read_text()) == {
        **future,
        "deviceName": "Küche 🏠",
    }
    assert load_settings(tmp_path) == saved


def test_what_nobody_sees_of_a_name_is_neither_saved_nor_read(tmp_path: Path) -> None:
    saved = save_device_name(load_settings(tmp_path).settings, " Anna\u202e PC\u200b", tmp_path)
    assert saved.settings.device_name == "Anna PC"
    text = next(tmp_path.glob("*.json")).read_text(encoding="utf-8")
    assert json.loads(text)["deviceName"] == "Anna PC"
    write(tmp_path, json.dumps({"uuid": GOOD_UUID, "deviceName": "Anna\u202e"}))
    assert load_settings(tmp_path).settings.device_name == "Anna"


def test_an_unusable_name_is_not_saved(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path)
    saved = save_device_name(loaded.settings, "\u202e", tmp_path)
    assert saved.settings == loaded.settings
    assert reasons(saved) == [Reason.NAME_UNUSABLE]
    assert load_settings(tmp_path) == loaded


def test_a_name_is_saved_where_the_file_is_gone_or_broke_meanwhile(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path)
    (tmp_path / "settings.json").unlink()
    save_device_name(loaded.settings, "One", tmp_path)
    assert load_settings(tmp_path).settings == Settings(loaded.settings.uuid, "One")
    write(tmp_path, "broken")
    saved = save_device_name(loaded.settings, "Two", tmp_path)
    assert saved == LoadedSettings(Settings(loaded.settings.uuid, "Two"))
    assert load_settings(tmp_path) == saved
    assert (tmp_path / "settings.broken.json").read_text() == "broken"


# --- the proof policy -----------------------------------------------------------------------------


@pytest.mark.parametrize("required", [True, False])
def test_whom_it_refuses_is_kept_and_all_else_stays(tmp_path: Path, required: bool) -> None:
    before = {"uuid": GOOD_UUID, "deviceName": "Desk", "theme": 1, "requireProof": not required}
    write(tmp_path, json.dumps(before))
    saved = save_require_proof(load_settings(tmp_path).settings, required, tmp_path)
    assert saved == LoadedSettings(Settings(GOOD_UUID, "Desk", required))
    assert json.loads((tmp_path / "settings.json").read_text()) == {
        **before,
        "requireProof": required,
    }
    assert load_settings(tmp_path) == saved
    assert load_settings(tmp_path).settings.require_proof is required


def test_a_new_name_does_not_change_whom_it_refuses(tmp_path: Path) -> None:
    settings = load_settings(tmp_path).settings
    save_require_proof(settings, required=True, folder=tmp_path)
    save_device_name(settings, "Kitchen", tmp_path)
    assert load_settings(tmp_path).settings == Settings(
        settings.uuid, "Kitchen", require_proof=True
    )


@pytest.mark.parametrize(
    ("value", "required"),
    [("false", False), ("null", False), ("true", True), ('"yes"', True), ("[]", True)],
)
def test_a_value_that_is_no_plain_no_refuses(tmp_path: Path, value: str, required: bool) -> None:
    write(tmp_path, f'{{"uuid": "{GOOD_UUID}", "requireProof": {value}}}')
    assert load_settings(tmp_path).settings.require_proof is required


def test_names(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, bool]] = [
        ("Anna's PC", True),
        ("Unnamed device", True),
        ("x" * MAX_NAME_BYTES, True),
        ("x" * (MAX_NAME_BYTES + 1), False),
        ("ü" * 32, True),
        ("ü" * 33, False),
        (f"   {'x' * MAX_NAME_BYTES}   ", True),
        ("", False),
        ("   \t\n", False),
        ("\u200b\u2060", False),
        ("a\ud800", False),
    ]
    for name, usable in cases:
        with subtests.test(name=name):
            assert is_usable_name(name) is usable


def test_default_name(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("annas-macbook.local", "annas-macbook"),
        ("DESKTOP-1A2B3C", "DESKTOP-1A2B3C"),
        ("srv.example.org", "srv"),
        ("ü" * 40, "ü" * 32),
        ("pc\udc80one", "pcone"),
    ]
    for node, name in cases:
        with subtests.test(node=node):
            assert default_device_name(node) == name


@pytest.mark.parametrize("node", ["", "localhost", "localhost.localdomain", ".", "\u200b"])
def test_default_name_where_the_computer_has_none(node: str) -> None:
    name = default_device_name(node)
    assert name.endswith(" computer")
    assert is_usable_name(name)
