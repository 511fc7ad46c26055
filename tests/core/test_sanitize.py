"""Tests of proxim.core.sanitize."""

import json
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from proxim.core.i18n import tr
from proxim.core.sanitize import (
    MAX_MARKS,
    MAX_NAME_BYTES,
    NAME_SHOWN_MAX,
    byte_length,
    display_id,
    display_name,
    given_name,
    is_encodable,
    is_usable_name,
    printable_text,
    visible_name,
)
from tests.paths import TESTS
from tests.rows import each_row

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# This includes lone surrogates, controls and unassigned characters.
anything = st.text(alphabet=st.characters(categories=None))
# Plain random text hardly ever puts these side by side.
awkward = st.text(
    alphabet="aé e\u0301\u0327\u200d\u034f\u3164\ufe0f\u00a0\u2028\u202e\u1100\u1161\u11a8"
    "\x1b[\r\n\t…"
)


@each_row(
    "name, shown",
    [
        ("Client-PC-123", "Client-PC-123"),
        ("  Ana's   phone ", "Ana's phone"),
        ("two\nlines\r\nand\ttab", "two lines and tab"),
        ("next\u2028line\u2029paragraph\x85nel", "next line paragraph nel"),
        ("no-break\u00a0space", "no-break space"),
        ("e\u0301", "\u00e9"),
        # The accent joins its letter only once the joiner is gone.
        ("e\u200d\u0301", "\u00e9"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;title\x07", "]0;title"),
        ("\x9b2J", "2J"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        (f"a{BIDI}b", "ab"),
        ("nul\x00byte\x7f", "nulbyte"),
        ("a\ud800b", "ab"),
        ("private\ue000 unassigned\U000e0fff tag\U000e0041", "private unassigned tag"),
        ("日本語 📱", "日本語 📱"),
        ("", tr("device.unnamed")),
        (" \t\n", tr("device.unnamed")),
        ("\u200b\u2060\ufeff", tr("device.unnamed")),
        # These are letters and symbols by category, but they draw nothing.
        (
            "\u3164\u115f\u1160\uffa0\u2800\u034f\ufe0f",
            tr("device.unnamed"),
        ),
        ("x" * NAME_SHOWN_MAX, "x" * NAME_SHOWN_MAX),
        ("x" * (NAME_SHOWN_MAX + 1), "x" * (NAME_SHOWN_MAX - 1) + "…"),
        ("x" * (NAME_SHOWN_MAX - 2) + " yyyy", "x" * (NAME_SHOWN_MAX - 2) + "…"),
        # NFC makes two characters of one, and the length is counted afterwards.
        (
            "\u0958" * 21,
            "\u0915\u093c" * 19 + "\u0915…",
        ),
    ],
)
def test_display_name(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(anything | awkward)
def test_a_shown_name_is_short_visible_and_on_one_line(name: str) -> None:
    shown = display_name(name)
    assert 1 <= len(shown) <= NAME_SHOWN_MAX
    assert {unicodedata.category(char) for char in shown}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )
    assert not any(char.isspace() and char != " " for char in shown)
    assert "  " not in shown
    assert shown == shown.strip()
    assert unicodedata.is_normalized("NFC", shown)


@given(anything | awkward)
@example("e\u200d\u0301")
@example("\u1100\u200b\u1161")
def test_showing_a_shown_name_changes_nothing(name: str) -> None:
    assert display_name(display_name(name)) == display_name(name)


drawn = st.characters(categories=("L", "N", "P"), exclude_characters="\u115f\u1160\u3164\uffa0")


# NFC makes at most three characters of one. One Latin letter is enough to tell the name.
@given(st.text(alphabet=drawn, max_size=NAME_SHOWN_MAX // 4), st.booleans())
def test_an_ordinary_name_is_shown_as_it_is(rest: str, last: bool) -> None:
    name = f"{rest}a" if last else f"a{rest}"
    assert display_name(name) == unicodedata.normalize("NFC", name)


VECTORS = json.loads((TESTS / "vectors" / "names.json").read_text(encoding="utf-8"))


@each_row("why, text, shown", [(one["why"], one["text"], one["shown"]) for one in VECTORS])
def test_names_that_tell_something_and_names_that_do_not(why: str, text: str, shown: str) -> None:
    assert visible_name(text) == shown, why
    assert is_usable_name(text) <= bool(shown)
    fits = len(shown.encode()) <= MAX_NAME_BYTES
    assert given_name(text) == (shown if shown and fits else None)


def test_a_given_name_keeps_nothing_invisible() -> None:
    assert given_name("  Anna\u202e\n PC\u200b ") == "Anna PC"
    assert given_name("X" * MAX_NAME_BYTES) == "X" * MAX_NAME_BYTES
    assert given_name("X" * (MAX_NAME_BYTES + 1)) is None
    assert given_name("\u202e") is None
    assert given_name("A\udc80") is None


def test_a_device_that_cannot_be_told_by_its_name_has_its_address() -> None:
    assert display_name("...", "192.168.1.9") == f"{tr('device.unnamed')} (192.168.1.9)"
    assert display_name("...") == tr("device.unnamed")
    assert display_name("Ana", "192.168.1.9") == "Ana"
    # A longer address is whole.
    address = "fe80::1234:5678:9abc:def0%wlp0s20f3"
    assert display_name("\u0301\u0302", address).endswith(f"({address})")


marks = st.text(st.characters(categories=("Mn", "Me", "Mc")), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["a", "क", " ", "ب", "1"]), marks)))
@example([("a", "\u0305\u0300\u0300\u0300\u0300\u0f8d\ua9c0")])
def test_no_character_carries_a_pile_of_marks(parts: list[tuple[str, str]]) -> None:
    shown = display_id("".join(base + pile for base, pile in parts))
    assert display_id(shown) == shown
    assert unicodedata.is_normalized("NFC", shown)
    count = MAX_MARKS
    for char in shown:
        category = unicodedata.category(char)
        count = count + (category != "Mc") if category[0] == "M" else 0
        assert count <= MAX_MARKS


@each_row(
    "text, printed",
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("dos\r\nmac\rend", "dos\nmac\nend"),
        ("\x1b[2J\x1b]52;c;ZXZpbA==\x07", "[2J]52;c;ZXZpbA=="),
        ("\x9b31m\x90q\x9c", "31mq"),
        ("back\x08space del\x7f nul\x00 feed\x0c\x0b nel\x85", "backspace del nul feed nel"),
        (f"if admin{BIDI} {{", "if admin {"),
        ("a\udfffb", "ab"),
        # Emoji and Persian need joiners, which are harmless.
        (
            "👩\u200d💻 ک\u200cی",
            "👩\u200d💻 ک\u200cی",
        ),
        ("", ""),
    ],
)
def test_printable_text(text: str, printed: str) -> None:
    assert printable_text(text) == printed


@given(anything | awkward)
@example("\r\x00\n")
def test_printable_text_drives_no_terminal(text: str) -> None:
    printed = printable_text(text)
    controls = {char for char in printed if unicodedata.category(char) == "Cc"}
    assert controls <= {"\n", "\t"}
    assert not set(printed) & set(BIDI)
    assert is_encodable(printed)
    assert len(printed) <= len(text)
    assert printable_text(printed) == printed


@given(
    st.text(
        alphabet=st.characters(
            categories=("L", "M", "N", "P", "S", "Zs"), include_characters="\n\t"
        )
    )
)
def test_printable_text_keeps_what_people_write(text: str) -> None:
    assert printable_text(text) == text


@given(anything)
def test_is_encodable_exactly_without_lone_surrogates(text: str) -> None:
    assert is_encodable(text) == (not any("\ud800" <= char <= "\udfff" for char in text))


@each_row("text", ["\ud800", "a\udc80b", "\ude00\ud83d"])
def test_a_lone_surrogate_is_not_encodable(text: str) -> None:
    assert not is_encodable(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_byte_length_is_that_of_utf8(text: str) -> None:
    assert byte_length(text) == len(text.encode())


def test_an_id_is_shown_whole() -> None:
    assert display_id("x" * 64) == "x" * 64
    assert display_id("\u200bab\ncd\u202e") == "ab cd"
    assert display_id("") == ""
