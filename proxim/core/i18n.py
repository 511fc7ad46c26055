"""What people read, in the language in use.

The program reads the language's file (proxim/languages) and hands its texts over. Nothing here may
be asked while a module is imported: the language is chosen after that. An unknown key is shown as
it is, for a window with a key in it beats none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

# A further one: its file, and its name here (docs/languages.md)
LANGUAGES: Final = ("en", "de")
ENGLISH: Final = LANGUAGES[0]

# A section and a name ("join.hint") and what stands there: a text, or its forms for one and for
# several.
_Words = dict[str, str | dict[str, str]]

_words: _Words = {}
_language = ENGLISH


class _Values(dict[str, object]):
    """What is put into a text: a value that nobody gave leaves a mark, for a window with a gap
    beats none.
    """

    def __missing__(self, name: str) -> str:
        return "…"


def use(language: str, texts: Mapping[str, Mapping[str, Any]]) -> None:
    """Speak one of LANGUAGES from now on; `texts` are its sections, as in its file."""
    # One person is before this process, and so one language is in use
    global _words, _language
    found = {
        f"{section}.{name}": text
        for section, named in texts.items()
        for name, text in named.items()
    }
    _words, _language = found, language


def language_in_use() -> str:
    """One of LANGUAGES."""
    return _language


def closest(tags: Iterable[str]) -> str | None:
    """The first of LANGUAGES among language tags as systems and people write them: "de",
    "de_AT.UTF-8", "de-CH".
    """
    for tag in tags:
        language = tag.strip().replace("_", "-").partition("-")[0].partition(".")[0].lower()
        if language in LANGUAGES:
            return language
    return None


def tr(key: str, /, *, count: int | None = None, **values: object) -> str:
    """The text of that key with `values` in it.

    `count` chooses between its forms, and stands in it as {count}.
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
    """A count as this language writes it: "20,000", "20.000"."""
    return f"{count:,}".replace(",", tr("form.thousands"))


def decimal(value: float, places: int) -> str:
    """A measure as this language writes it: "8.4", "8,4"."""
    return f"{value:.{places}f}".replace(".", tr("form.decimal"))


def after_colon(sentence: str) -> str:
    """A sentence that goes on behind a colon, which languages begin differently."""
    if tr("form.lowerAfterColon") == "yes":
        return sentence[:1].lower() + sentence[1:]
    return sentence
