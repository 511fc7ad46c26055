"""The texts that people read, in the language in use.

The program reads the language's file (proxim/languages) and passes its texts to `use`. No module
may ask for a text while it is imported, because the language is chosen later. An unknown key is
shown as it is, because a window with a key in it is better than no window.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

# A new language needs its file, and its name here (docs/languages.md).
LANGUAGES: Final = ("en", "de")
ENGLISH: Final = LANGUAGES[0]

# Maps a section and a name ("join.hint") to a text, or to its forms for one and for several.
_Words = dict[str, str | dict[str, str]]

_words: _Words = {}
_language = ENGLISH


class _Values(dict[str, object]):
    """The values for a text; a missing value becomes "…", which is better than no window."""

    def __missing__(self, name: str) -> str:
        return "…"


def use(language: str, texts: Mapping[str, Mapping[str, Any]]) -> None:
    """Use one of LANGUAGES from now on; `texts` are its sections, as in its file."""
    # One person uses this process, so there is one language.
    global _words, _language
    found = {
        f"{section}.{name}": text
        for section, named in texts.items()
        for name, text in named.items()
    }
    _words, _language = found, language


def language_in_use() -> str:
    """Return the language in use, one of LANGUAGES."""
    return _language


def closest(tags: Iterable[str]) -> str | None:
    """Return the first of LANGUAGES among language tags.

    Tags are spelled as systems and people write them: "de", "de_AT.UTF-8", "de-CH".
    """
    for tag in tags:
        language = tag.strip().replace("_", "-").partition("-")[0].partition(".")[0].lower()
        if language in LANGUAGES:
            return language
    return None


def tr(key: str, /, *, count: int | None = None, **values: object) -> str:
    """Return the text of a key with `values` in it.

    `count` chooses between the text's forms, and replaces {count} in it.
    """
    text = _words.get(key, key)
    if isinstance(text, dict):
        text = text["one" if count == 1 else "other"]
    if "{" not in text:
        return text
    if count is not None:
        values["count"] = number(count)
    return text.format_map(_Values(values))


def number(count: int) -> str:
    """Write a count in the style of the language: "20,000", "20.000"."""
    return f"{count:,}".replace(",", tr("form.thousands"))


def decimal(value: float, places: int) -> str:
    """Write a measure in the style of the language: "8.4", "8,4"."""
    return f"{value:.{places}f}".replace(".", tr("form.decimal"))


def after_colon(sentence: str) -> str:
    """Return a sentence as it continues after a colon, where languages differ in the first
    letter.
    """
    if tr("form.lowerAfterColon") == "yes":
        return sentence[:1].lower() + sentence[1:]
    return sentence
