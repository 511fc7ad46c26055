"""Tests of proxim.io.files.naming: what a disk takes for a name, on real disks and odd ones."""

import os
import stat
import sys
from pathlib import Path

import pytest

from proxim.core.files.filenames import RESERVED, DiskRules
from proxim.io.files.folders import Folders
from proxim.io.files.naming import try_names
from tests.odd_disk import odd_disk

TOKEN = "0123456789abcdef"


def rules_of(folder: Path) -> DiskRules:
    folders = Folders(folder)
    before = sorted(os.listdir(folder))
    try:
        rules, _ = try_names(folders, TOKEN)
    finally:
        folders.close()
    # Nothing is left of what was tried.
    assert sorted(os.listdir(folder)) == before
    return rules


def test_an_ordinary_disk_of_linux_takes_everything(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems have other disks")
    assert rules_of(tmp_path) == DiskRules(os.pathconf(tmp_path, "PC_NAME_MAX"))


def test_new_files_have_the_permissions_of_the_umask(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    _, mode = try_names(folders, TOKEN)
    folders.close()
    (tmp_path / "new").touch()
    assert mode == stat.S_IMODE((tmp_path / "new").stat().st_mode)


def test_a_disk_with_short_names(tmp_path: Path) -> None:
    with odd_disk(tmp_path, longest=143) as folder:
        assert rules_of(folder) == DiskRules(143)


def test_a_disk_that_refuses_characters_and_ignores_case(tmp_path: Path) -> None:
    with odd_disk(tmp_path, "folds_case", refused=RESERVED) as folder:
        assert rules_of(folder) == DiskRules(255, refused=frozenset(RESERVED), folds_case=True)


def test_a_disk_that_refuses_one_character(tmp_path: Path) -> None:
    with odd_disk(tmp_path, refused=":") as folder:
        assert rules_of(folder) == DiskRules(255, refused=frozenset(":"))


def test_a_disk_that_drops_what_is_at_the_end(tmp_path: Path) -> None:
    with odd_disk(tmp_path, "drops_ends") as folder:
        assert rules_of(folder) == DiskRules(255, drops_ends=True)


def test_a_disk_without_letters_beyond_ascii(tmp_path: Path) -> None:
    with odd_disk(tmp_path, "ascii_only", "folds_case") as folder:
        assert rules_of(folder) == DiskRules(255, folds_case=True)


def test_what_a_killed_run_tried_is_no_obstacle(tmp_path: Path) -> None:
    expected = rules_of(tmp_path)
    name = f".proxim-{TOKEN}-\u00c9{RESERVED}.part. "
    if sys.platform != "win32":
        (tmp_path / name).touch()
    folders = Folders(tmp_path)
    assert try_names(folders, TOKEN)[0] == expected
    folders.close()
    assert os.listdir(tmp_path) == []


def test_a_disk_on_which_nothing_can_be_made(tmp_path: Path) -> None:
    with odd_disk(tmp_path, "read_only") as folder:
        folders = Folders(folder)
        with pytest.raises(OSError, match="Read-only"):
            try_names(folders, TOKEN)
        folders.close()
