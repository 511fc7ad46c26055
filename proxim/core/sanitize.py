"""Makes strings from elsewhere safe to show: names, received text, JSON strings."""

import re
import unicodedata
from typing import Final

from proxim.core.i18n import tr

# Characters; longer names push the buttons out of the approval dialog.
NAME_SHOWN_MAX: Final = 40
# The limit on the wire; a hostname fits (RFC 1035: 63).
MAX_NAME_BYTES: Final = 64

# Categories that are invisible or steer the text around them: controls, formats (bidi marks),
# surrogates, private use, unassigned, line and paragraph separators (Unicode Standard, chapter
# 4.5).
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Fillers and variation selectors (Default_Ignorable_Code_Point, Unicode's DerivedCoreProperties, of
# other categories) and the empty Braille cell. A name made of these would leave an empty place in
# the dialog.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BIDI_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def display_name(name: str) -> str:
    """Make a device name fit for a dialog.

    The result is in NFC, on one line, without invisible characters, and has at most NAME_SHOWN_MAX
    characters.
    """
    one_line = display_id(name)
    if len(one_line) > NAME_SHOWN_MAX:
        one_line = one_line[: NAME_SHOWN_MAX - 1].rstrip() + "…"
    return one_line or tr("device.unnamed")


def display_id(text: str) -> str:
    """Make a device's id fit for a dialog, like a name but whole, because two ids may begin
    alike.
    """
    spaced = "".join(" " if char.isspace() else char for char in _BLANK.sub("", text))
    visible = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE)
    # The text is normalised last, because a letter and its accent may become neighbours only now.
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def is_usable_name(name: str) -> bool:
    """Whether this device name can be shown to others and the wire can carry it."""
    return (
        is_encodable(name)
        and bool(display_id(name))
        and byte_length(name.strip()) <= MAX_NAME_BYTES
    )


def as_seen(text: str) -> str:
    """Return a text that a person typed or pasted as they see it, to be read by a program.

    Full-width forms of an input method become plain ones (NFKC), and what is invisible goes: bidi
    marks and isolates of a chat, zero-width characters, fillers.
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in _BLANK.sub("", plain) if unicodedata.category(char) != "Cf")


def printable_text(text: str) -> str:
    """Remove from received text what could drive a terminal or turn the reading direction.

    Line breaks and tabs stay.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        char
        for char in unified
        if char in "\n\t"
        or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in _BIDI_CONTROLS)
    )


def byte_length(text: str) -> int:
    """Return the length of `text` in UTF-8. Raises UnicodeEncodeError for lone surrogates."""
    return len(text) if text.isascii() else len(text.encode())


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can carry `text`: lone surrogates, which JSON can spell, cannot be encoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
