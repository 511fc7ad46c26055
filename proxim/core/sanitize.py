"""Makes strings from elsewhere safe to show: names, received text, JSON strings.

The page has the rules for names in web/sanitize.mjs; tests/vectors/names.json is for both.
"""

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
# Marks over and under one character are stacked, so a pile of them would cover the lines around it.
# Burmese and pointed Hebrew have up to five. (UTS #39, 5.4, warns from the fifth on.)
MAX_MARKS: Final = 5
# Letters, digits and symbols by category that show only a dot, a line, a block or a replacement:
# Arabic zeros, dots of Hangul, Canadian syllabics and Latin, box drawing and geometric shapes,
# Braille, and object and character replacements.
_FEATURELESS: Final = re.compile(
    "[\u0660\u06f0\u119e\u1427\ua78f\u2500-\u25ff\u2800-\u28ff\ufffc\ufffd]"
)
# Letters but modifiers (many are dots or dashes), numbers, and symbols such as emoji.
_DISTINCTIVE: Final = frozenset({"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No", "So", "Sc"})
_BIDI_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def display_name(name: str, address: str = "") -> str:
    """Make a device name fit for a dialog.

    The result is in NFC, on one line, without invisible characters, and has at most NAME_SHOWN_MAX
    characters. A device whose name tells nothing gets one with its address, if that is known.
    """
    one_line = visible_name(name)
    if len(one_line) > NAME_SHOWN_MAX:
        one_line = one_line[: NAME_SHOWN_MAX - 1].rstrip() + "…"
    if one_line:
        return one_line
    unnamed = tr("device.unnamed")
    return f"{unnamed} ({address})" if address else unnamed


def visible_name(text: str) -> str:
    """Make a name fit to be shown, whole; empty if it would show nothing but dots, dashes, marks
    or the like, by which nobody can tell it from another.
    """
    one_line = display_id(text)
    distinctive = any(
        unicodedata.category(char) in _DISTINCTIVE and not _FEATURELESS.match(char)
        for char in unicodedata.normalize("NFKD", one_line)
    )
    return one_line if distinctive else ""


def display_id(text: str) -> str:
    """Make a device's id fit for a dialog, like a name but whole, because two ids may begin
    alike.
    """
    spaced = "".join(" " if char.isspace() else char for char in _BLANK.sub("", text))
    visible = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE)
    # A letter and its accent, or two marks, may become neighbours only now.
    limited = _limit_marks(unicodedata.normalize("NFC", " ".join(visible.split())))
    return unicodedata.normalize("NFC", limited)


def _limit_marks(text: str) -> str:
    """Leave out what is more than MAX_MARKS on one character, and marks on nothing."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = MAX_MARKS
    for char in text:
        category = unicodedata.category(char)
        if category == "Mc" and kept:
            # A spacing mark has a width of its own, and belongs to the character before it.
            kept.append(char)
        elif category[0] == "M":
            marks += 1
            if marks <= MAX_MARKS:
                kept.append(char)
        elif kept or char != " ":
            kept.append(char)
            marks = 0
    return "".join(kept)


def is_usable_name(name: str) -> bool:
    """Whether this device name can be shown to others and the wire can carry it."""
    return (
        is_encodable(name)
        and bool(visible_name(name))
        and byte_length(name.strip()) <= MAX_NAME_BYTES
    )


def given_name(name: str) -> str | None:
    """Return a name that a person gives to a device as all will see it; None if it is unusable.

    Nothing invisible is kept of it: it stands among names and sentences on every face, and goes to
    programs that may not clean what they show.
    """
    if not is_encodable(name):
        return None
    seen = visible_name(name)
    return seen if seen and byte_length(seen) <= MAX_NAME_BYTES else None


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
