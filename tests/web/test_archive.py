"""The ZIP file that the page makes of several files, made in Node, read by Python and by unzip."""

import base64
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxim.core.files.filenames import clean_name
from tests.paths import HOSTILE
from tests.web.node import run_node

# 2026-11-30, 04:00:01 UTC
MODIFIED = 1_796_011_201
# The latest time that a sender may name (docs/protocol.md, Files)
LATEST = 1 << 50
# Numbers from these on stand in ZIP64 fields, so that small archives have all of them.
LOW = {"most": 20, "mostMembers": 2}


def file(path: str, size: int = 0, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": size, "modified": MODIFIED, **more}


def made(
    tmp_path: Path, entries: list[dict[str, Any]], contents: Mapping[int, bytes], **more: Any
) -> Path:
    """Return the archive of these entries, with the contents of those that have arrived."""
    texts = {index: base64.b64encode(content).decode() for index, content in contents.items()}
    wanted = tmp_path / "wanted.json"
    wanted.write_text(json.dumps({"entries": entries, "contents": texts, **more}))
    run_node("archive.mjs", str(wanted), str(tmp_path / "made.zip"), patience=280)
    return tmp_path / "made.zip"


def check_unzip(archive: Path) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("unzip is not installed")
    done = subprocess.run([unzip, "-tq", archive], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("limits", [None, LOW], ids=["plain", "ZIP64"])
def test_what_arrived_is_in_it(tmp_path: Path, limits: dict[str, int] | None) -> None:
    entries = [
        file("folder", directory=True),
        file("folder/run.sh", 7, executable=True),
        file("folder/Bär 😀.txt", 30),
        file("folder/empty", directory=True),
        file("folder/nothing.bin"),
        file("folder/never came", 5),
        {"path": "folder/no time", "size": 1},
        {"path": "folder/late", "size": 1, "modified": LATEST},
    ]
    contents = {1: b"#!/bin\n", 2: bytes(range(30)), 4: b"", 6: b"x", 7: b"y"}
    archive = made(tmp_path, entries, contents, limits=limits)
    with zipfile.ZipFile(archive) as read:
        assert read.testzip() is None
        assert read.namelist() == [
            "folder/",
            "folder/run.sh",
            "folder/Bär 😀.txt",
            "folder/empty/",
            "folder/nothing.bin",
            "folder/no time",
            "folder/late",
        ]
        assert read.getinfo("folder/late").date_time[:3] == (2107, 12, 31)
        for index, content in contents.items():
            assert read.read(entries[index]["path"]) == content
        modes = {one.filename: one.external_attr >> 16 for one in read.infolist()}
        assert modes["folder/run.sh"] == 0o100755
        assert modes["folder/Bär 😀.txt"] == 0o100644
        assert modes["folder/empty/"] == 0o040755
        assert all(one.compress_type == zipfile.ZIP_STORED for one in read.infolist())
    check_unzip(archive)
    unpacked = tmp_path / "unpacked"
    subprocess.run(["unzip", "-q", archive, "-d", unpacked], check=True)
    assert (unpacked / "folder/run.sh").stat().st_mtime == MODIFIED
    assert (unpacked / "folder/empty").is_dir()
    assert (unpacked / "folder/run.sh").stat().st_mode & 0o111


def test_no_two_names_are_one_on_any_disk(tmp_path: Path) -> None:
    paths = ["a.txt", "A.TXT", "a\u0301", "\u00e1", "F/x", "f/x", "F", "con", "a:b", "a?b", ".env"]
    entries = [file(path, 1) for path in paths]
    archive = made(tmp_path, entries, dict.fromkeys(range(len(paths)), b"1"))
    with zipfile.ZipFile(archive) as read:
        names = read.namelist()
    assert len({one.casefold() for one in names}) == len(paths)
    assert names[:2] == ["a.txt", "A (2).TXT"]
    assert {"_con", "a_b", "a_b (2)", "env"} <= {*names}
    check_unzip(archive)


def test_no_hostile_path_leads_out_of_it(tmp_path: Path) -> None:
    corpus = json.loads((HOSTILE / "filenames.json").read_text(encoding="utf-8"))
    # The page refuses a list with an empty path.
    paths = [one["text"] for one in corpus if one["text"]]
    archive = made(tmp_path, [file(one) for one in paths], dict.fromkeys(range(len(paths)), b""))
    with zipfile.ZipFile(archive) as read:
        names = read.namelist()
    assert len(names) == len(paths)
    for name in names:
        parts = name.split("/")
        assert [clean_name(part, top=not at) for at, part in enumerate(parts)] == parts
    check_unzip(archive)


@pytest.mark.nightly
def test_more_members_than_a_plain_archive_can_count(tmp_path: Path) -> None:
    entries = [file(f"{index}") for index in range(70_000)]
    archive = made(tmp_path, entries, dict.fromkeys(range(70000), b""))
    with zipfile.ZipFile(archive) as read:
        assert len(read.namelist()) == 70_000
    check_unzip(archive)


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_five_gigabytes(tmp_path: Path) -> None:
    piece = bytes(range(256)) * 4096
    entries = [file("large.bin", 5_000 * len(piece)), file("behind.txt", 5_000 * len(piece))]
    archive = made(tmp_path, entries, {0: piece}, repeats=5_000)
    with zipfile.ZipFile(archive) as read:
        assert read.testzip() is None
        assert read.getinfo("large.bin").file_size == 5_000 * len(piece) > 1 << 32
    check_unzip(archive)


def test_a_folder_that_is_announced_twice_is_there_once(tmp_path: Path) -> None:
    entries = [file("a", directory=True), file("a", directory=True), file("a/b", 1)]
    archive = made(tmp_path, entries, {2: b"b"})
    with zipfile.ZipFile(archive) as read:
        assert read.namelist() == ["a/", "a/b"]
