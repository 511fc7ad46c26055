"""What a browser gets: a fixed table of the page's files, and texts in the browser's language."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any, Final

from proxim.core.i18n import ENGLISH, LANGUAGES
from proxim.languages import read_language

_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The texts at each path: the sections of the languages, and what they are called there. The
# program's other texts would only take time to transfer, and those of screens are loaded with what
# shows them.
_TEXTS: Final = {
    "/texts.json": {
        "page": "page",
        "reasons": "reasons",
        "sendingReasons": "reasons",
        "receivingReasons": "reasons",
    },
    "/screen/texts.json": {"pageScreen": "page"},
}
# These stand among the `reasons` with a word before them: what senders and receivers read instead.
_PREFIXES: Final = {"sendingReasons": "out ", "receivingReasons": "in "}
# Lines of `// ..`, and `/* .. */` on lines of its own.
_COMMENTS: Final = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)(?s:.))*\*/[ \t]*)$", re.MULTILINE)
# This script is sent within the page, so that nothing has to be loaded before it runs.
_FIRST_TAG: Final = b'<script src="first.js"></script>'
# How many languages or codings of one header are considered.
_MAX_ASKED: Final = 32


@dataclass(frozen=True, slots=True)
class Served:
    """One file as it is sent.

    `zipped` is for browsers that accept gzip. Compression is safe here, because the file is the
    same for all and contains no secret.
    """

    content_type: str
    body: bytes
    zipped: bytes


class Page:
    """The files of the page, ready to be served.

    They are read once, so that nothing of a request ever becomes a path of a file system.
    `script_hash` goes into the policy and stands for the one script inside the page itself.
    """

    def __init__(self) -> None:
        folder = resources.files("proxim.web")
        self._files = dict(_read(folder, "/"))
        first = without_comments(folder.joinpath("first.js").read_text("utf-8")).encode()
        index = folder.joinpath("index.html").read_bytes()
        index = index.replace(_FIRST_TAG, b"<script>%b</script>" % first)
        self._files["/"] = _served(_HTML, index)
        self.script_hash = _script_hash(first)
        self._texts = {
            path: {
                language: _served(_JSON, _dump(language, words))
                for language, words in languages(sections).items()
            }
            for path, sections in _TEXTS.items()
        }

    def get(self, path: str, accept_language: str) -> Served | None:
        """Return what is at that path, or None if nothing is."""
        texts = self._texts.get(path)
        if texts is not None:
            return texts[best_language(accept_language, texts)]
        return self._files.get(path)


def _script_hash(script: bytes) -> str:
    """Return the hash by which Content-Security-Policy allows only the page's own inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def without_comments(source: str) -> str:
    """Return a module without its comments, which only we read; its line numbers stay.

    A comment of ours always has its lines to itself (tests/io/pairing/test_page.py).
    """
    return _COMMENTS.sub(lambda comment: "\n" * comment[0].count("\n"), source)


def _served(content_type: str, body: bytes) -> Served:
    return Served(content_type, body, gzip.compress(body, mtime=0))


def reads_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    codings = (one.partition(";") for one in accept_encoding.split(",")[:_MAX_ASKED])
    return any(
        name.strip().lower() == "gzip" and _weight(quality) > 0 for name, _, quality in codings
    )


def languages(sections: Mapping[str, str] = _TEXTS["/texts.json"]) -> dict[str, dict[str, Any]]:
    """Return the page's texts in each language: of these sections, under their names for the page.

    At first these are `page`, `reasons` for every Reason, and what senders and receivers of files
    read in place of some.
    """
    found: dict[str, dict[str, Any]] = {}
    for language in LANGUAGES:
        words = read_language(language)
        found[language] = {name: {} for name in sections.values()}
        for section, name in sections.items():
            prefix = _PREFIXES.get(section, "")
            texts = {f"{prefix}{key}": text for key, text in words[section].items()}
            found[language][name].update(texts)
    return found


def best_language(accept_language: str, known: Iterable[str]) -> str:
    """Return the known language that an Accept-Language header prefers (RFC 9110, 12.5.4)."""
    spoken = set(known)
    best, liked = ENGLISH, 0.0
    for one in accept_language.split(",")[:_MAX_ASKED]:
        tag, _, quality = one.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(quality)
        if language in spoken and weight > liked:
            best, liked = language, weight
    return best


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _read(folder: Traversable, path: str) -> Iterator[tuple[str, Served]]:
    """Read all files of those types in a folder and the folders within, each with its path."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _read(one, f"{path}{one.name}/")
        elif (content_type := _TYPES.get(PurePosixPath(one.name).suffix)) is not None:
            body = one.read_bytes()
            if one.name.endswith(".mjs"):
                body = without_comments(body.decode()).encode()
            yield f"{path}{one.name}", _served(content_type, body)


def _dump(language: str, words: dict[str, Any]) -> bytes:
    return json.dumps(
        {"language": language, **words}, ensure_ascii=False, separators=(",", ":")
    ).encode()
