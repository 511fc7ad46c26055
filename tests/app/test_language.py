"""Tests of proxim.app.language with made-up values of what systems report about the language."""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxim.app import language as system_language
from proxim.app.language import asked_for, choose_language, environment_tags, system_tags
from proxim.core.i18n import LANGUAGES
from tests.programs.program import SOURCE, Program
from tests.rows import each_row


@each_row(
    "environ, language",
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "de_AT.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "de_DE.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": ""}, "de"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:en"}, "de"),
        ({"LANG": "sv_SE.UTF-8", "LANGUAGE": "sv:de_AT:en"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "sv"}, "de"),
        ({"LANGUAGE": "de"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": ""}, "de"),
        ({"LANGUAGE": "de", "LC_ALL": "C"}, "en"),
        # glibc behaves in the same way.
        ({"LANGUAGE": "de", "LANG": "C.UTF-8"}, "de"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANGUAGE": "de", "LANG": "POSIX"}, "en"),
        ({"LC_CTYPE": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_environment(environ: dict[str, str], language: str) -> None:
    assert choose_language([], environ, lambda: []) == language


def test_the_system_is_asked_only_where_the_environment_is_silent() -> None:
    assert choose_language([], {}, lambda: ["fr-FR", "de-CH", "en"]) == "de"
    assert choose_language([], {}, lambda: ["zh-Hans"]) == "en"
    for environ in ({"LANG": "en_US.UTF-8"}, {"LC_ALL": "C"}, {"LANG": "fr_FR"}):
        assert choose_language([], environ, lambda: ["de"]) == "en"
    assert environment_tags({}) == []


@each_row(
    "arguments, asked",
    [
        ([], None),
        (["--language", "de"], "de"),
        (["host", "--language=de", "--json"], "de"),
        (["--language", "en", "host", "--language", "de"], "de"),
        (["host", "--language"], None),
        (["join", "--", "--language", "de"], None),
        (["join", "--languages", "de"], None),
    ],
)
def test_the_command_line(arguments: list[str], asked: str | None) -> None:
    assert asked_for(arguments) == asked


def test_who_asks_gets_it_and_who_mistypes_gets_the_systems() -> None:
    assert choose_language(["--language", "en"], {"LANG": "de_DE.UTF-8"}, lambda: []) == "en"
    assert choose_language(["--language", "de-AT"], {"LANG": "en_US.UTF-8"}, lambda: []) == "de"
    assert choose_language(["--language", "klingon"], {"LANG": "de_DE.UTF-8"}, lambda: []) == "de"


def test_this_system_answers() -> None:
    assert choose_language([], os.environ) in LANGUAGES
    if sys.platform == "linux":
        assert system_tags() == []


class CoreFoundation:
    """Imitates CFLocaleCopyPreferredLanguages and its helpers; a string's handle is its index."""

    def __init__(self, tags: list[bytes] | None) -> None:
        self.tags = tags
        self.released: list[object] = []
        functions: dict[str, Callable[..., object]] = {
            "CFLocaleCopyPreferredLanguages": lambda: None if tags is None else 77,
            "CFArrayGetCount": lambda _array: len(tags or []),
            "CFArrayGetValueAtIndex": lambda _array, at: at,
            "CFStringGetCString": self._get,
            "CFRelease": self.released.append,
        }
        for name, does in functions.items():
            setattr(self, name, type("Function", (), {"__call__": staticmethod(does)})())

    def _get(self, at: int, buffer: "ctypes.Array[ctypes.c_char]", size: int, encoding: int) -> int:
        assert self.tags is not None
        assert encoding == 0x08000100
        if len(self.tags[at]) >= size:
            return 0
        buffer.value = self.tags[at]
        return 1


def on(platform: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return system_tags as another system would define it."""
    source = Path(system_language.__file__).read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "elsewhere"}
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", platform)
        exec(compile(source, system_language.__file__, "exec"), names)
    return names["system_tags"]


@each_row(
    "tags, found",
    [
        ([b"de-DE", b"en-GB"], ["de-DE", "en-GB"]),
        ([b"x" * 100, b"de"], ["de"]),
        ([b"fr"] * 1000, ["fr"] * 16),
        ([], []),
        (None, []),
    ],
)
def test_macos(tags: list[bytes] | None, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ask = on("darwin", monkeypatch)
    core = CoreFoundation(tags)
    monkeypatch.setattr(ctypes, "CDLL", lambda path: core)
    assert callable(ask)
    assert ask() == found
    assert core.released == ([] if tags is None else [77])


def test_a_macos_without_that_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> object:
        raise OSError(path)

    ask = on("darwin", monkeypatch)
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert callable(ask)
    assert ask() == []


@each_row("number, tag", [(0x0407, "de_DE"), (0x0C07, "de_AT"), (0x0409, "en_US"), (0xFFFF, "")])
def test_windows(number: int, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = on("win32", monkeypatch)
    kernel = type("Kernel", (), {"GetUserDefaultUILanguage": staticmethod(lambda: number)})
    monkeypatch.setattr(
        ctypes, "windll", type("Libraries", (), {"kernel32": kernel}), raising=False
    )
    assert callable(ask)
    assert ask() == [tag]


def test_a_program_speaks_what_it_is_asked_to(tmp_path: Path) -> None:
    with Program([*SOURCE, "--language", "de", "join", "--json"], tmp_path) as guest:
        guest.say(type="text", text="hello")
        told = guest.event("error", code="not_connected")
        assert told["message"] == "Kein Gerät ist verbunden; verbinden Sie zuerst eines."
        guest.say(type="close")
        guest.ended()


@pytest.mark.parametrize(
    ("language", "told"), [("xx", "Proxim speaks en"), ("de", "--log-file braucht")]
)
def test_the_command_lines_mistakes(language: str, told: str, tmp_path: Path) -> None:
    with Program([*SOURCE, "host", "--language", language, "--log-file", " "], tmp_path) as host:
        assert host.ended() == 2
        assert host.errors[0].startswith(f"proxim: {told}")
