"""Tests of proxim.core.i18n. tests/test_languages.py checks the contents of the language files."""

import subprocess
import sys
from typing import Final

import pytest

import proxim.languages
from proxim.app.language import speak
from proxim.core.i18n import _Values, after_colon, closest, decimal, language_in_use, number, tr
from proxim.languages import read_language
from tests.rows import each_row

# tests/conftest.py replaces this method by one that fails.
AS_IN_PROGRAMS: Final = _Values.__missing__


def test_before_texts_are_handed_over_keys_are_shown() -> None:
    # The test runs a program of its own, because the language of this one is already chosen.
    program = (
        "from proxim.core.i18n import language_in_use, tr; print(language_in_use(), "
        "tr('window.files'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "en window.files\n"


def test_nothing_is_said_while_modules_are_imported() -> None:
    """The language is chosen after the import, so a text from the import would stay in the wrong
    language.
    """
    program = (
        "import importlib, pkgutil, proxim\n"
        "from proxim.core import i18n\n"
        "i18n.tr = lambda *_, **__: exit(f'something was said in {name}')\n"
        "for layer in ('app', 'core', 'io', 'ui'):\n"
        "    package = importlib.import_module(f'proxim.{layer}')\n"
        "    for module in pkgutil.walk_packages(package.__path__, f'proxim.{layer}.'):\n"
        "        name = module.name\n"
        "        importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_language_in_use() -> None:
    speak("de")
    assert language_in_use() == "de"
    assert tr("window.files") == "Dateien"
    speak("en")
    assert tr("window.files") == "Files"


def test_a_language_that_is_not_there_changes_nothing() -> None:
    with pytest.raises(FileNotFoundError):
        speak("xx")
    assert (language_in_use(), tr("window.files")) == ("en", "Files")


def test_values_are_put_in_as_they_are() -> None:
    assert (
        tr("transfers.sendingTo", name="{name} {0} {x.__class__} %s")
        == "Sending to {name} {0} {x.__class__} %s."
    )


def test_a_value_that_nobody_gave_is_a_gap_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Values, "__missing__", AS_IN_PROGRAMS)
    assert tr("transfers.sendingTo") == "Sending to …."
    assert tr("transfers.more") == "and … more"


def test_a_key_that_is_not_there_is_shown_and_no_crash() -> None:
    assert tr("window.nothing") == "window.nothing"


@each_row(
    "language, count, said",
    [
        ("en", 0, "0 files"),
        ("en", 1, "1 file"),
        ("en", 20_000, "20,000 files"),
        ("de", 0, "0 Dateien"),
        ("de", 1, "1 Datei"),
        ("de", 20_000, "20.000 Dateien"),
    ],
)
def test_one_and_several(language: str, count: int, said: str) -> None:
    speak(language)
    assert tr("sizes.files", count=count) == said


def test_numbers() -> None:
    assert (number(0), number(1_234_567), decimal(8.44, 1), decimal(1234.5, 0)) == (
        "0",
        "1,234,567",
        "8.4",
        "1234",
    )
    speak("de")
    assert (number(0), number(1_234_567), decimal(8.44, 1), decimal(1234.5, 0)) == (
        "0",
        "1.234.567",
        "8,4",
        "1234",
    )


def test_a_sentence_behind_a_colon() -> None:
    assert (after_colon("The file is gone."), after_colon("")) == ("the file is gone.", "")
    speak("de")
    assert after_colon("Die Datei ist weg.") == "Die Datei ist weg."


@each_row(
    "tags, language",
    [
        (["de"], "de"),
        (["de_AT.UTF-8"], "de"),
        (["DE-ch"], "de"),
        (["de.UTF-8"], "de"),
        ([" en_GB@euro "], "en"),
        (["fr_FR", "zh-Hant", "de", "en"], "de"),
        (["den", "", "..", "_", "d"], None),
        ([], None),
    ],
)
def test_the_first_tag_that_we_speak(tags: list[str], language: str | None) -> None:
    assert closest(tags) == language


def test_a_file_is_read_by_what_loaded_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the executable there may be no folder either."""
    asked = []

    class Loader:
        def get_data(self, path: str) -> bytes:
            asked.append(path)
            return b'{"window": {"files": "F"}}'

    spec = type("Spec", (), {"loader": Loader()})
    monkeypatch.setattr(proxim.languages, "__spec__", spec)
    assert read_language("en") == {"window": {"files": "F"}}
    assert len(asked) == 1
    assert asked[0].endswith("en.json")
