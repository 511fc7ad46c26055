"""Tests that read build.spec as each of the three systems would read it;
tests/programs/test_executable.py builds it on this system.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

# The spec file imports it, which must not happen while the system seems to be another one.
from PyInstaller.utils import hooks  # noqa: F401

from proxim import __version__
from tests.paths import PAGE_FILES, ROOT

CLASSES = ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")


@dataclass
class Made:
    """One object that the spec file asked PyInstaller for."""

    kind: str
    options: dict[str, Any]
    scripts: str = "scripts"
    pure: str = "pure"
    binaries: str = "binaries"
    datas: str = "datas"


@pytest.fixture
def made_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[Made]]:
    """Return a function that runs the spec file as on a given system and returns what it makes."""

    def run(system: str) -> list[Made]:
        made: list[Made] = []

        def maker(kind: str) -> Callable[..., Made]:
            def make(*parts: Any, **options: Any) -> Made:
                made.append(Made(kind, options))
                return made[-1]

            return make

        monkeypatch.setattr(sys, "platform", system)
        names = {
            "SPECPATH": str(ROOT),
            "workpath": str(tmp_path),
            **{kind: maker(kind) for kind in CLASSES},
        }
        exec(
            compile((ROOT / "build.spec").read_text(encoding="utf-8"), "build.spec", "exec"), names
        )
        return made

    return run


@pytest.mark.parametrize(
    ("system", "kinds"), [("linux", []), ("win32", []), ("darwin", ["EXE", "COLLECT", "BUNDLE"])]
)
def test_one_file_and_what_comes_besides(
    made_on: Callable[[str], list[Made]], system: str, kinds: list[str]
) -> None:
    analysis, pyz, exe, *besides = made_on(system)
    assert [analysis.kind, pyz.kind, exe.kind] == ["Analysis", "PYZ", "EXE"]
    assert exe.options["name"] == "proxim"
    assert exe.options["console"] is True
    assert exe.options["upx"] is False
    assert "exclude_binaries" not in exe.options
    assert [one.kind for one in besides] == kinds


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_every_file_it_names_is_there(made_on: Callable[[str], list[Made]], system: str) -> None:
    analysis, _, *programs = made_on(system)
    files = [file for file, _ in analysis.options["datas"]] + analysis.options["runtime_hooks"]
    files += [
        one.options[name] for one in programs for name in ("icon", "version") if name in one.options
    ]
    # For BUNDLE, `version` is the version number itself and not a file.
    assert [file for file in files if file != __version__ and not Path(file).is_file()] == []


def test_the_page_keeps_its_folders(made_on: Callable[[str], list[Made]]) -> None:
    """The page's modules import each other by their relative paths."""
    places = {Path(place, Path(file).name) for file, place in made_on("linux")[0].options["datas"]}
    assert {file.relative_to(ROOT) for file in PAGE_FILES} <= places


def test_windows_opens_no_console_of_its_own(made_on: Callable[[str], list[Made]]) -> None:
    exe = made_on("win32")[2].options
    assert exe["hide_console"] == "hide-early"
    policy = ElementTree.fromstring(exe["manifest"]).iter(
        "{http://schemas.microsoft.com/SMI/2024/WindowsSettings}consoleAllocationPolicy"
    )
    assert [element.text for element in policy] == ["detached"]


def test_windows_knows_the_name_and_the_version(made_on: Callable[[str], list[Made]]) -> None:
    resource = Path(made_on("win32")[2].options["version"]).read_text(encoding="utf-8")
    given: dict[str, str] = {}

    def maker(*parts: Any, **options: Any) -> None:
        if len(parts) == 2 and isinstance(parts[1], str):
            given[parts[0]] = parts[1]
        numbers.append(options.get("filevers"))

    numbers: list[Any] = []
    kinds = (
        "VSVersionInfo",
        "FixedFileInfo",
        "StringFileInfo",
        "StringTable",
        "StringStruct",
        "VarFileInfo",
        "VarStruct",
    )
    # PyInstaller evaluates the resource in the same way.
    eval(resource, dict.fromkeys(kinds, maker))
    assert given["FileDescription"] == "Proxim"
    assert given["FileVersion"] == __version__
    (filevers,) = [number for number in numbers if number is not None]
    assert len(filevers) == 4
    assert __version__.startswith(".".join(str(number) for number in filevers[:3]))


def test_the_mac_asks_for_the_local_network_in_our_words(
    made_on: Callable[[str], list[Made]],
) -> None:
    exe, files, bundle = made_on("darwin")[3:]
    assert exe.options["console"] is False
    assert exe.options["exclude_binaries"] is True
    # The name `dist/proxim` already belongs to the single-file executable.
    assert files.options["name"] != "proxim"
    assert bundle.options["version"] == __version__
    assert bundle.options["info_plist"]["NSLocalNetworkUsageDescription"].startswith("Proxim ")
