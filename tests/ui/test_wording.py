"""Tests of the words for transfers: no number misleads, and no name hides what a file is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.core.i18n import tr
from proxim.ui.wording import (
    NAME_SHOWN_MAX,
    name_words,
    percent,
    progress_words,
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
        SENTENCES[Reason.DISK_FULL],
    ),
    (replace(ACTIVE, state=file_st.TransferState.CANCELLED), "Cancelled."),
]


@each_row("status, words", STATES)
def test_where_it_stands(status: file_st.TransferStatus, words: str) -> None:
    assert state_words(status) == words
