import os
import sys
from pathlib import Path

import pytest

from proxim.ui.window import reveal as reveal_module
from proxim.ui.window.reveal import command, reveal

posix_only = pytest.mark.skipif(os.name != "posix", reason="stands in for a program by a script")


@pytest.fixture
def file_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a fake file manager; return the file to which it writes its arguments."""
    monkeypatch.setattr(sys, "platform", "linux")
    told = tmp_path / "told"
    script = tmp_path / "bin" / "xdg-open"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#" "$@" > {told}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return told


@posix_only
@pytest.mark.parametrize("name", ["photo.jpg", "a b; touch c", "$(touch d)", "-version"])
def test_the_folder_is_opened_and_never_the_file(
    file_manager: Path, tmp_path: Path, name: str
) -> None:
    received = tmp_path / "in" / name
    received.parent.mkdir()
    received.write_text("x")
    assert reveal(str(received))
    for process in reveal_module._started:
        process.wait(10)
    assert file_manager.read_text().splitlines() == ["1", str(received.parent)]


@posix_only
def test_a_folder_shows_itself_also_under_a_name_like_an_option(
    file_manager: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "--help"
    folder.mkdir()
    assert reveal(str(folder))
    reveal_module._started[-1].wait(10)
    assert file_manager.read_text().splitlines() == ["1", str(folder)]


@posix_only
def test_those_that_ended_are_let_go(file_manager: Path, tmp_path: Path) -> None:
    reveal(str(tmp_path))
    reveal_module._started[-1].wait(10)
    reveal(str(tmp_path))
    assert len(reveal_module._started) == 1
    reveal_module._started[-1].wait(10)


def test_without_a_file_manager_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not reveal(str(tmp_path))


def test_windows_and_macos_select_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert command("/tmp/Harmless.app") == ["open", "-R", "/tmp/Harmless.app"]
    monkeypatch.setattr(sys, "platform", "win32")
    asked = command("C:\\in\\a,b c.txt")
    assert isinstance(asked, str)
    assert asked.endswith('explorer.exe" /select,"C:\\in\\a,b c.txt"')
