"""Tests of proxim.core.files.filenames; the names in tests/hostile/filenames.json are kept for
ever.
"""

import itertools
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.files.filenames import (
    ANY_DISK,
    RESERVED,
    UNNAMED,
    DiskRules,
    FilenameError,
    Names,
    Place,
    clean_name,
    folded,
    numbered,
    parts_of,
    places,
)
from proxim.core.files.manifest import MAX_DEPTH, Entry
from tests.paths import HOSTILE
from tests.rows import each_row

CORPUS: list[dict[str, str]] = json.loads((HOSTILE / "filenames.json").read_text(encoding="utf-8"))
TEXTS = [entry["text"] for entry in CORPUS]
NAMED = [(entry["name"], entry["text"]) for entry in CORPUS]
nasty = st.text(
    st.sampled_from(
        './\\: ~$()*?"<>|'
        "\0\n\x7f\u200b\u200d\u202e\u0301\ufe0f\u3000\ud800\uf03aaAeEßıİſKNULCOM1¹é😀"
    )
)
anything = st.text() | st.text(st.characters()) | nasty | st.sampled_from(TEXTS)
DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE
)


def check_fit(name: str, *, top: bool = True) -> None:
    """Check what any system needs of a name, in other words than the code that cleans names."""
    # encode() also fails on lone surrogates.
    assert 0 < len(name.encode("utf-8")) <= ANY_DISK.longest
    assert name == unicodedata.normalize("NFC", name)
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name)
    assert not set(name) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff\u200b"
    )
    assert not (top and name.startswith("."))
    assert name.lower() != "..namedfork"
    assert not name.endswith(".")
    assert name == (name.strip() if top else name.rstrip())
    assert not DEVICES.fullmatch(name.split(".")[0].strip())


def test_the_corpus_is_large_and_told_apart() -> None:
    assert len(CORPUS) >= 150
    assert len({entry["name"] for entry in CORPUS}) == len(CORPUS)


@each_row("name, text", NAMED)
def test_a_hostile_name_becomes_fit(name: str, text: str) -> None:
    check_fit(clean_name(text))
    assert clean_name(clean_name(text)) == clean_name(text)
    for number in (1, 2, 10_000):
        check_fit(numbered(clean_name(text), number))


@each_row("name, text", NAMED)
def test_a_hostile_path_is_refused_or_stays_beneath(name: str, text: str) -> None:
    parts = text.split("/")
    dishonest = any(part in ("", ".", "..") for part in parts) or len(parts) > MAX_DEPTH
    if dishonest:
        with pytest.raises(FilenameError) as caught:
            places([Entry(text)])
        assert caught.value.reason is Reason.NAME_REFUSED
        return
    (place,) = places([Entry(text)])
    for depth, part in enumerate((*place.folder, place.name)):
        check_fit(part, top=depth == 0)


@given(anything)
def test_every_name_becomes_fit(text: str) -> None:
    check_fit(clean_name(text))
    assert clean_name(clean_name(text)) == clean_name(text)


@given(anything, st.integers(1, 20_000))
def test_every_numbered_name_is_fit_and_keeps_its_extension(text: str, number: int) -> None:
    name = clean_name(text)
    given_name = numbered(name, number)
    check_fit(given_name)
    if number > 1:
        assert f" ({number})" in given_name
    if re.search(r"[^.]\.[a-z]{1,8}$", name):
        assert given_name.endswith(name[name.rindex(".") :])


@each_row(
    "text, name",
    [
        ("photo.jpg", "photo.jpg"),
        ("Grüße aus Köln.txt", "Grüße aus Köln.txt"),
        ("e\u0301.txt", "é.txt"),
        ("e\u200b\u0301.txt", "é.txt"),
        ("می‌خواهم.txt", "می‌خواهم.txt"),
        ("👨‍👩‍👧.png", "👨‍👩‍👧.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a:b", "a_b"),
        ("..\\..\\x", "_.._x"),
        (".bashrc", "bashrc"),
        ("...", UNNAMED),
        ("", UNNAMED),
        ("a. . ", "a"),
        ("nul", "_nul"),
        ("COM¹.log", "_COM¹.log"),
        ("CON .txt", "_CON .txt"),
        ("NUL\u200b", "_NUL"),
        ("console", "console"),
        ("x" * 300 + ".jpg", "x" * 196 + ".jpg"),
        ("ä" * 150 + ".jpg", "ä" * 98 + ".jpg"),
        ("a." + "x" * 300, "a." + "x" * 198),
        ("NUL" + " " * 250 + "x.txt", "_NUL.txt"),
        ("a\uf03ab\uffffc\ud800d", "a_b_c_d"),
        ("-rf", "-rf"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert clean_name(text) == name


def test_numbers_stand_before_the_extension() -> None:
    assert [numbered("photo.jpg", n) for n in (1, 2, 3)] == [
        "photo.jpg",
        "photo (2).jpg",
        "photo (3).jpg",
    ]
    assert numbered("folder", 2) == "folder (2)"
    assert numbered("x" * 196 + ".jpg", 2) == "x" * 192 + " (2).jpg"


@each_row(
    "one, other",
    [
        ("A.TXT", "a.txt"),
        ("\u00e9", "e\u0301"),
        ("É", "é"),
        ("STRASSE", "straße"),
        ("a\u200d", "a"),
        ("ı", "I"),
    ],
)
def test_names_that_some_disk_takes_for_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(anything)
def test_folding_is_blind_to_case_and_composition(text: str) -> None:
    # Titlecase digraphs and similar characters may fold once more after upper-casing, so the disk's
    # own forms are tried.
    for form in (unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text)):
        assert folded(form) == folded(text)
    for char in text:
        if len(char.upper()) == 1:
            assert folded(char.upper()) == folded(char)


@given(st.lists(anything, max_size=40))
def test_no_two_names_in_one_folder_are_alike(texts: list[str]) -> None:
    names = Names()
    given_names = [names.give(clean_name(text)) for text in texts]
    assert len({folded(name) for name in given_names}) == len(texts)
    for name in given_names:
        check_fit(name)


def test_a_number_that_is_a_name_already_is_passed_over() -> None:
    names = Names()
    assert [names.give(name) for name in ("a (2)", "a", "a", "A (2)")] == [
        "a (2)",
        "a",
        "a (3)",
        "A (2) (2)",
    ]


def test_ten_thousand_alike_are_told_apart_quickly() -> None:
    names = Names()
    assert len({names.give("IMG.jpg") for _ in range(10_000)}) == 10_000


def test_long_names_that_are_cut_alike_do_not_try_each_others_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = 0

    def counting(name: str, number: int, rules: DiskRules) -> str:
        nonlocal tried
        tried += 1
        return numbered(name, number, rules)

    monkeypatch.setattr("proxim.core.files.filenames.numbered", counting)
    names = Names()
    given_names = [names.give("x" * 197 + f"{n:03}") for n in range(1000) for _ in range(2)]
    assert len({folded(name) for name in given_names}) == 2000
    assert given_names[1] == "x" * 196 + " (2)"
    assert given_names[-1] == "x" * 193 + " (1001)"
    assert tried < 10 * 2000


def test_what_was_tried_is_not_tried_again() -> None:
    names = Names()
    assert list(itertools.islice(names.tries("a"), 2)) == ["a", "a (2)"]
    assert names.give("A") == "A (3)"


@each_row(
    "path", ["", "/", "/etc/passwd", "a//b", "a/", "..", "../a", "a/..", "a/./b", "a/../../b"]
)
def test_paths_that_nobody_honest_sends(path: str) -> None:
    with pytest.raises(FilenameError) as caught:
        parts_of(path)
    assert caught.value.reason is Reason.NAME_REFUSED


def test_folders_nest_so_deep_and_no_deeper() -> None:
    assert len(parts_of("/".join(["a"] * MAX_DEPTH))) == MAX_DEPTH
    with pytest.raises(FilenameError):
        parts_of("/".join(["a"] * (MAX_DEPTH + 1)))


def test_places() -> None:
    entries = [
        Entry("a.txt"),
        # At the top level the disk decides.
        Entry("A.TXT"),
        Entry("Photos", directory=True),
        Entry("Photos/IMG.jpg"),
        Entry("Photos/img.jpg"),
        Entry("Photos/\u00e9"),
        Entry("Photos/e\u0301"),
        Entry("Photos/x"),
        # This folder has the same name as a file.
        Entry("Photos/x/y"),
        Entry("Photos/X/y"),
        Entry("Photos", directory=True),
        Entry("photos/IMG.jpg"),
        Entry("a:b/c"),
        Entry("a_b/c"),
    ]
    assert places(entries) == (
        Place((), "a.txt"),
        Place((), "A.TXT"),
        Place(("Photos",), ""),
        Place(("Photos",), "IMG.jpg"),
        Place(("Photos",), "img (2).jpg"),
        Place(("Photos",), "é"),
        Place(("Photos",), "é (2)"),
        Place(("Photos",), "x"),
        Place(("Photos", "x (2)"), "y"),
        Place(("Photos", "X (3)"), "y"),
        Place(("Photos",), ""),
        Place(("photos (2)",), "IMG.jpg"),
        Place(("a_b",), "c"),
        Place(("a_b (2)",), "c"),
    )


@given(st.lists(st.lists(anything, min_size=1, max_size=4).map("/".join), max_size=20))
def test_no_two_files_share_a_place(paths: list[str]) -> None:
    entries = []
    for path in paths:
        try:
            parts_of(path)
        except FilenameError:
            continue
        entries.append(Entry(path))
    found = places(entries)
    assert found == places(entries)
    below = [place for place in found if place.folder]
    assert len({tuple(map(folded, (*place.folder, place.name))) for place in below}) == len(below)


# --- no more is changed than the disk needs -------------------------------------------------------

EXT4 = DiskRules(255)
ECRYPTFS = DiskRules(143)
NTFS = DiskRules(255, utf16=True, refused=frozenset(RESERVED), drops_ends=True, folds_case=True)
APFS = DiskRules(255, folds_case=True, folds_forms=True)


@each_row(
    "rules, name, below",
    [
        (EXT4, 'a:b*"c?', 'a:b*"c?'),
        (EXT4, "back\\slash", "back\\slash"),
        (EXT4, "ends with dots..", "ends with dots.."),
        (EXT4, " space ", " space "),
        (EXT4, "nul", "nul"),
        (EXT4, "\uf03a", "\uf03a"),
        (EXT4, ".git", ".git"),
        (EXT4, "...", "_..."),
        (EXT4, "x" * 300, "x" * 255),
        (EXT4, "a\u202egnp.exe", "agnp.exe"),
        (EXT4, "line\nfeed", "line_feed"),
        (EXT4, "..namedfork", "_..namedfork"),
        (ECRYPTFS, "b" * 160 + ".txt", "b" * 139 + ".txt"),
        (ECRYPTFS, "ä" * 100, "ä" * 71),
        (NTFS, "a:b", "a_b"),
        (NTFS, "nul.txt", "_nul.txt"),
        (NTFS, "dots..", "dots"),
        (NTFS, "ä" * 255, "ä" * 255),
        (NTFS, "😀" * 200, "😀" * 127),
        (NTFS, "\uf03a", "_"),
        (NTFS, ".git", ".git"),
        (APFS, "a:b", "a:b"),
    ],
)
def test_a_name_below_a_folder(rules: DiskRules, name: str, below: str) -> None:
    assert clean_name(name, rules, top=False) == below
    assert clean_name(below, rules, top=False) == below


def test_only_at_the_top_a_dot_is_dropped() -> None:
    entries = [Entry(".env"), Entry(".a/.b/.c"), Entry(".a/.git", directory=True)]
    assert places(entries, EXT4) == (
        Place((), "env"),
        Place(("a", ".b"), ".c"),
        Place(("a", ".git"), ""),
    )


@each_row(
    "rules, second, third",
    [
        (EXT4, "A", "é"),
        (NTFS, "A (2)", "é"),
        (APFS, "A (2)", "é"),
    ],
)
def test_names_are_one_only_where_the_disk_takes_them_for_one(
    rules: DiskRules, second: str, third: str
) -> None:
    found = places([Entry("d/a"), Entry("d/A"), Entry("d/é")], rules)
    assert [place.name for place in found] == ["a", second, third]


def test_forms_are_one_only_where_the_disk_takes_them_for_one() -> None:
    joined = ["x\u200d", "x", "ß", "SS"]
    assert len({folded(name, EXT4) for name in joined}) == 4
    assert len({folded(name, NTFS) for name in joined}) == 3
    assert len({folded(name, APFS) for name in joined}) == 2


@given(anything, st.sampled_from([EXT4, ECRYPTFS, NTFS, APFS]), st.booleans(), st.integers(1, 999))
def test_every_name_is_one_that_its_disk_takes(
    text: str, rules: DiskRules, top: bool, number: int
) -> None:
    name = clean_name(text, rules, top=top)
    for one in (name, numbered(name, number, rules)):
        assert 0 < rules.length(one) <= rules.longest
        assert "/" not in one
        assert one not in (".", "..")
        assert rules.refused.isdisjoint(one)
        assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in one)
    assert clean_name(name, rules, top=top) == name
