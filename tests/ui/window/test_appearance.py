import subprocess
import sys
import types
from pathlib import Path

import pytest

from proxim.ui.window import appearance as appearance_module
from proxim.ui.window.appearance import Appearance, says_dark
from tests.rows import each_row

LINE = "org.gnome.desktop.interface {} {}\n"
linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="gsettings is asked on Linux only"
)


@each_row(
    "settings, dark",
    [
        ("", False),
        (LINE.format("color-scheme", "'prefer-dark'"), True),
        (
            LINE.format("color-scheme", "'prefer-light'")
            + LINE.format("gtk-theme", "'Adwaita-dark'"),
            False,
        ),
        (
            LINE.format("color-scheme", "'default'") + LINE.format("gtk-theme", "'Adwaita-dark'"),
            True,
        ),
        (LINE.format("gtk-theme", "'Yaru-dark'"), True),
        (LINE.format("gtk-theme", "'Adwaita'"), False),
        ("rubbish\n\nmore of it", False),
    ],
)
def test_what_gsettings_says(settings: str, dark: bool) -> None:
    assert says_dark(settings) is dark


def gsettings(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program named gsettings with this script first on the PATH."""
    program = folder / "gsettings"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@linux_only
def test_the_desktop_is_asked_early_and_its_answer_read_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gsettings(
        tmp_path, monkeypatch, f"echo asked >>{tmp_path}/log; echo \"x color-scheme 'prefer-dark'\""
    )
    appearance = Appearance()
    appearance.ask()
    assert appearance.is_dark()
    assert (tmp_path / "log").read_text() == "asked\n"
    # The answer may have changed meanwhile.
    assert appearance.is_dark()
    assert (tmp_path / "log").read_text() == "asked\nasked\n"


@linux_only
@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
def test_a_desktop_that_gives_no_answer_is_light(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance_module, "ANSWER_SECONDS", 0.05)
    gsettings(tmp_path, monkeypatch, script)
    assert not Appearance().is_dark()


@linux_only
def test_without_gsettings_it_is_light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not Appearance().is_dark()


@linux_only
def test_a_program_that_cannot_be_started_is_light(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert not Appearance().is_dark()


@each_row(
    "answer, dark",
    [("Dark", True), ("Light", False), (None, False), (OSError("no registry"), False)],
)
def test_elsewhere_darkdetect_is_asked(
    answer: object, dark: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def theme() -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    module = types.ModuleType("darkdetect")
    module.theme = theme  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "darkdetect", module)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Appearance().is_dark() is dark
