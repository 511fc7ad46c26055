"""Tests of how small files of JSON are written where others are in the way."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from proxim.io.system import config_file as module
from proxim.io.system.config_file import read_fields, set_aside, write_fields


class Busy:
    """A call of the system that another program is in the way of, some times: as on Windows, where
    nobody replaces or opens a file that is open elsewhere.
    """

    def __init__(self, call: Any, times: int) -> None:
        self._call = call
        self.left = times

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.left > 0:
            self.left -= 1
            raise PermissionError(13, "The process cannot access the file")
        return self._call(*arguments, **options)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY", (PermissionError,))
    monkeypatch.setattr(module, "_BUSY_AGAIN_SECONDS", 0.0)


@pytest.mark.usefixtures("windows")
def test_who_has_the_file_open_for_a_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "known.json"
    replaces = Busy(os.replace, 3)
    monkeypatch.setattr(os, "replace", replaces)
    write_fields(path, {"a": 1})
    assert replaces.left == 0
    opens = Busy(open, 3)
    monkeypatch.setattr("builtins.open", opens)
    assert read_fields(path, 100) == {"a": 1}
    assert opens.left == 0
    replaces.left = 3
    assert set_aside(path, "broken") == "known.broken.json"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["known.broken.json"]


@pytest.mark.usefixtures("windows")
def test_what_is_forbidden_for_good_is_told_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(os, "replace", Busy(os.replace, 10**9))
    began = time.monotonic()
    with pytest.raises(PermissionError):
        write_fields(tmp_path / "known.json", {})
    assert time.monotonic() - began >= 0.05
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there it is waited for")
def test_elsewhere_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaces = Busy(os.replace, 10)
    monkeypatch.setattr(os, "replace", replaces)
    with pytest.raises(PermissionError):
        write_fields(tmp_path / "known.json", {})
    assert replaces.left == 9


def test_readers_and_writers_of_one_file_see_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    write_fields(path, {"number": 0})
    seen: list[Any] = []

    def read() -> None:
        while not seen or seen[-1] != {"number": 200}:
            seen.append(read_fields(path, 100))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 201):
        write_fields(path, {"number": number})
    reader.join()
    assert seen[-1] == {"number": 200}
    assert all(isinstance(one, dict) and list(one) == ["number"] for one in seen)
