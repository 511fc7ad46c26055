"""Tests of the words for transfers: no number misleads, and no name hides what a file is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import RECEIVING_SENTENCES, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, RenamedFile, TransferID
from proxim.core.i18n import tr
from proxim.ui.wording import (
    NAME_SHOWN_MAX,
    name_words,
    percent,
    progress_words,
    renamed_words,
    seconds_left,
    short_name,
    size_words,
    speed_words,
    state_words,
    time_left_words,
    transfer_title,
)
from tests.rows import each_row

ACTIVE = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ACTIVE,
    (Entry("film.mkv", 8_400_000),),
    8_400_000,
    peer_name="Ana",
)

MARKS = "\u0301\u0302\u0303"

SIZES = [
    (0, "0 bytes"),
    (1, "1 byte"),
    (999, "999 bytes"),
    (1000, "1.0 kB"),
    (8_400_000, "8.4 MB"),
    (99_940_000, "99.9 MB"),
    (99_960_000, "100 MB"),
    (999_400_000, "999 MB"),
    (999_600_000, "1.0 GB"),
    (20_000_000_000, "20.0 GB"),
    (1 << 50, "1.1 PB"),
    (10**19, "10000 PB"),
]


@each_row("size, words", SIZES)
def test_sizes(size: int, words: str) -> None:
    assert size_words(size) == words


@given(st.integers(0, 1 << 50))
def test_a_size_is_never_far_off(size: int) -> None:
    number, unit = size_words(size).split()
    factor = {
        "byte": 1,
        "bytes": 1,
        "kB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "TB": 10**12,
        "PB": 10**15,
    }[unit]
    assert abs(float(number) * factor - size) <= size * 0.051
    assert float(number) < 1000


def test_speeds() -> None:
    assert speed_words(12_500_000.4) == "12.5 MB/s"
    assert speed_words(-1.0) == "0 bytes/s"


LEFT = [
    (-3.0, "0 s left"),
    (0.2, "1 s left"),
    (59.0, "59 s left"),
    (60.0, "1 min left"),
    (170.0, "3 min left"),
    (3599.0, "1 h left"),
    (3600.0, "1 h left"),
    (7800.0, "2 h 10 min left"),
    (86400.0, "more than a day left"),
    (1e12, "more than a day left"),
]


@each_row("seconds, words", LEFT)
def test_time_left(seconds: float, words: str) -> None:
    assert time_left_words(seconds) == words


def test_nobody_knows_how_long_it_takes_without_a_speed() -> None:
    assert seconds_left(ACTIVE) is None
    assert seconds_left(replace(ACTIVE, speed=0.0)) is None
    assert seconds_left(replace(ACTIVE, speed=2_100_000.0)) == 4.0
    assert (
        seconds_left(replace(ACTIVE, speed=2_100_000.0, state=file_st.TransferState.WAITING))
        is None
    )


def test_a_hundred_percent_only_when_it_is_done() -> None:
    assert percent(ACTIVE) == 0
    assert percent(replace(ACTIVE, moved=4_200_000)) == 50
    assert percent(replace(ACTIVE, moved=8_400_000)) == 99
    assert percent(replace(ACTIVE, moved=9_000_000)) == 99
    assert percent(replace(ACTIVE, size=0)) == 0
    assert percent(replace(ACTIVE, size=0, state=file_st.TransferState.DONE)) == 100


def test_a_name_shows_all_that_it_is() -> None:
    assert name_words("a\u202egpj.exe") == "agpj.exe"
    assert name_words("two\nlines\x1b[31m") == "two lines[31m"
    assert name_words("\u200b") == tr("transfers.unnamedFile")
    assert name_words("写真/夏.jpg") == "写真/夏.jpg"
    long = short_name("x" * 300 + ".pdf.exe")
    assert len(long) == NAME_SHOWN_MAX
    assert long.endswith(".pdf.exe")
    assert "…" in long


@given(st.text(), st.integers(2, 100))
def test_a_short_name_is_short(name: str, most: int) -> None:
    assert len(short_name(name, max(most, len(tr("transfers.unnamedFile"))))) <= max(
        most, len(tr("transfers.unnamedFile"))
    )


def test_titles() -> None:
    folder = (Entry("trip", directory=True), Entry("trip/a", 1), Entry("trip/b", 2))
    assert transfer_title(ACTIVE) == "film.mkv"
    assert transfer_title(replace(ACTIVE, entries=folder)) == "trip"
    assert (
        transfer_title(replace(ACTIVE, entries=(*folder, Entry("c"), Entry("d"))))
        == "trip and 2 more"
    )
    assert transfer_title(replace(ACTIVE, entries=())) == tr("transfers.unnamedFile")
    assert progress_words(replace(ACTIVE, moved=4_200_000)) == "4.2 MB of 8.4 MB"


STATES = [
    (
        replace(ACTIVE, state=file_st.TransferState.ANNOUNCED, needs_answer=True),
        "Waiting for your answer.",
    ),
    # This transfer is accepted without asking.
    (replace(ACTIVE, state=file_st.TransferState.ANNOUNCED), "Receiving from Ana."),
    (
        replace(ACTIVE, state=file_st.TransferState.ANNOUNCED, direction=Direction.OUT),
        "Waiting for Ana to accept.",
    ),
    (replace(ACTIVE, peer_name=None), "Receiving from the other device."),
    (replace(ACTIVE, direction=Direction.OUT), "Sending to Ana."),
    (
        replace(ACTIVE, state=file_st.TransferState.WAITING),
        "Waiting to resume; it goes on when Ana is connected again.",
    ),
    (replace(ACTIVE, state=file_st.TransferState.DONE), "Received and verified."),
    (
        replace(ACTIVE, state=file_st.TransferState.DONE, direction=Direction.OUT),
        "Sent and verified.",
    ),
    (
        replace(
            ACTIVE, state=file_st.TransferState.DONE, failed=(FailedFile(0, Reason.FILE_GONE),)
        ),
        "Finished, but 1 file did not arrive.",
    ),
    (
        replace(ACTIVE, state=file_st.TransferState.FAILED, reason=Reason.DISK_FULL),
        RECEIVING_SENTENCES[Reason.DISK_FULL],
    ),
    (replace(ACTIVE, state=file_st.TransferState.CANCELLED), "Cancelled."),
]


@each_row("status, words", STATES)
def test_where_it_stands(status: file_st.TransferStatus, words: str) -> None:
    assert state_words(status) == words


@each_row(
    "path, shown",
    [
        (MARKS, "Unnamed file"),
        (f"pics/{MARKS}", "pics/Unnamed file"),
        (f"{MARKS}/a.txt", "Unnamed file/a.txt"),
        (f"a/{MARKS}/{MARKS}b", "a/Unnamed file/b"),
        ("pics/\u202e", "pics/Unnamed file"),
        ("pics/\u0301a", "pics/a"),
        # Beside other names these can be read.
        ("pics/---", "pics/---"),
        ("/tmp/a b", "/tmp/a b"),
        ("/", "/"),
        ("..", "Unnamed file"),
        ("C:\\Users\\a", "C:\\Users\\a"),
    ],
)
def test_no_part_of_a_path_is_drawn_onto_another(path: str, shown: str) -> None:
    assert name_words(path) == shown


SAME_BEGINNING = "x" * 200


@each_row(
    "path, name, whole, short",
    [
        ("a:b", "a_b", "a:b is saved as a_b", None),
        ("d/a:b", "a_b", "d/a:b is saved as a_b", None),
        (
            "d/ab\u202e",
            "ab",
            "d/ab is saved under a name that looks the same: only what does not show has changed",
            None,
        ),
        # One disk keeps accents apart from their letters.
        (
            "u\u0308",
            "\u00fc",
            "ü is saved under a name that looks the same: only what does not show has changed",
            None,
        ),
        (
            f"{SAME_BEGINNING}yyyy{'z' * 20}",
            f"{SAME_BEGINNING}y{'z' * 20}",
            f"{SAME_BEGINNING}yyyy{'z' * 20} is saved as {SAME_BEGINNING}y{'z' * 20}",
            f"{'x' * 43}…{'z' * 16} is saved under another name: instead of"
            f" …{'x' * 15}yyyy{'z' * 20} it has …{'x' * 15}y{'z' * 20}",
        ),
        (
            f"ab{SAME_BEGINNING}",
            f"ab{SAME_BEGINNING[1:]}",
            f"ab{SAME_BEGINNING} is saved as ab{SAME_BEGINNING[1:]}",
            f"ab{'x' * 41}…{'x' * 16} is saved under another name: instead of"
            f" …{'x' * 17} it has …{'x' * 16}",
        ),
        (
            f"{'w' * 50}1{SAME_BEGINNING}",
            f"{'w' * 50}2{SAME_BEGINNING}",
            f"{'w' * 50}1{SAME_BEGINNING} is saved as {'w' * 50}2{SAME_BEGINNING}",
            f"{'w' * 43}…{'x' * 16} is saved under another name: instead of"
            f" …{'w' * 16}1{'x' * 41}… it has …{'w' * 16}2{'x' * 41}…",
        ),
    ],
)
def test_another_name_never_looks_like_the_one_before(
    path: str, name: str, whole: str, short: str | None
) -> None:
    one = RenamedFile(path, name)
    assert renamed_words(one) == whole
    assert renamed_words(one, short_name) == (short or whole)


@given(st.text(), st.text())
def test_two_names_in_one_sentence_differ(before: str, after: str) -> None:
    before, after = before.replace("/", ""), after.replace("/", "")
    words = renamed_words(RenamedFile(before, after), short_name)
    assert words != tr("transfers.renamed", path=short_name(after), name=short_name(after))
