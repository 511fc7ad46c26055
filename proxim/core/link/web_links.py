"""Finds the web addresses in a text that people can open with one click.

The page has the same rule (proxim/web/link), and tests/vectors/web_links.json tries both. What can
be clicked is what is shown, letter for letter, so an address ends before everything that could make
it look like another one: spaces, quotation marks, and characters that nobody sees. Without `http://`
or `https://` nothing is an address, and no other scheme is one.
"""

import re
from dataclasses import dataclass
from typing import Final

# Characters: the longest address that Windows opens (INTERNET_MAX_URL_LENGTH of WinINet is 2,083).
MAX_WEB_LINK_CHARACTERS: Final = 2048

# These end an address: spaces and controls; what RFC 3986 never allows; quotation marks; brackets
# and stops of Chinese and Japanese, which follow without a space; and characters without a shape
# (soft hyphen, zero-width and bidi characters, fillers, variation selectors, byte order mark,
# private use, tags).
_END: Final = (
    r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    r"<>\"`{|}\\^"
    r"\xab\xbb\u2018-\u201f\u2039\u203a"
    r"\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\uff61-\uff64"
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    r"\U000e0000-\U0010ffff"
)
# Without ASCII, "s" in any case would also be the long s (U+017F), and "k" the Kelvin sign.
_ANY_CASE: Final = re.IGNORECASE | re.ASCII
_CANDIDATE: Final = re.compile(rf"(?<![A-Za-z0-9])https?://[^{_END}]+", _ANY_CASE)
# The host is ASCII, as other letters can look like those of a known name; `@` would let such a name
# stand before the true host. What follows it begins a port, a path, a query or a fragment.
_ADDRESS: Final = re.compile(
    r"https?://"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::[0-9]{1,5})?"
    r"(?:[/?#].*)?",
    _ANY_CASE,
)
# At the end of an address these belong to the sentence.
_SENTENCE_ENDS: Final = ".,;:!?'*"
# So does a closing bracket without its opening one: "(see https://example.com/a_(b))".
_BRACKETS: Final = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class WebLink:
    """An address in a text, and where it stands there."""

    start: int
    end: int
    url: str


def find_web_links(text: str) -> list[WebLink]:
    """Return the addresses in a text, in their order."""
    found = []
    for candidate in _CANDIDATE.finditer(text):
        # Cutting first keeps the work small: brackets are counted at every step.
        if candidate.end() - candidate.start() > MAX_WEB_LINK_CHARACTERS:
            continue
        url = _without_sentence(candidate[0])
        if _ADDRESS.fullmatch(url):
            found.append(WebLink(candidate.start(), candidate.start() + len(url), url))
    return found


def _without_sentence(url: str) -> str:
    """Remove from the end of an address what belongs to the sentence around it."""
    while True:
        last = url[-1]
        opening = _BRACKETS.get(last)
        unopened = opening is not None and url.count(last) > url.count(opening)
        if last not in _SENTENCE_ENDS and not unopened:
            return url
        url = url[:-1]
