"""Tests of transfers in the terminal: what is written about their progress and end, and how a line
of progress fits.
"""

import io
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import RECEIVING_SENTENCES, SENTENCES, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    LeftOutFile,
    RenamedFile,
    TransferID,
)
from proxim.ui.text.console import Console, Lines, columns_of
from proxim.ui.text.files import LINE_SECONDS, REDRAW_SECONDS, TransferReport
from tests.rows import each_row
from tests.ui.text.faces import taken

SIZE = 8_400_000
COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("film.mkv", SIZE),),
    SIZE,
    peer_name="Ana",
)
ACTIVE = replace(COMING, state=file_st.TransferState.ACTIVE)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def writer(out: io.StringIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text)

    return write


class Report:
    """A transfer report, with the text that it wrote."""

    def __init__(
        self, out: io.StringIO | None = None, columns: int = 80, term: str = "xterm"
    ) -> None:
        self.now = 100.0
        self.out = out or io.StringIO()
        self._before: dict[TransferID, file_st.TransferStatus] = {}
        console = Console(self.out, {"NO_COLOR": "1", "TERM": term}, lambda: columns)
        self.lines = Lines(console, writer(self.out))
        self.it = TransferReport(self.lines, lambda: self.now)

    def tell(self, *statuses: file_st.TransferStatus) -> str:
        for status in statuses:
            self.it.show(status, self._before.get(status.transfer))
            self._before[status.transfer] = status
        return self.said()

    def later(self, seconds: float) -> str:
        """Let this many seconds pass while nothing happens; return the text that is written."""
        self.now += seconds
        self.it.catch_up()
        return self.said()

    def said(self) -> str:
        return taken(self.out)


def test_what_comes_from_its_beginning_to_its_end() -> None:
    report = Report()
    # The question shows it already.
    assert report.tell(COMING) == ""
    assert report.tell(ACTIVE) == "Receiving film.mkv (8.4 MB) from Ana.\n"
    report.now += 12
    done = replace(ACTIVE, state=file_st.TransferState.DONE, moved=SIZE, path="/d/film (2).mkv")
    assert (
        report.tell(done) == "Received film.mkv (8.4 MB) in 12 seconds, verified: /d/film (2).mkv\n"
    )


def test_what_goes_and_is_cut_and_goes_on() -> None:
    report = Report()
    going = replace(COMING, direction=Direction.OUT, entries=(Entry("a", SIZE), Entry("b", 0)))
    shown = report.tell(
        going,
        replace(going, state=file_st.TransferState.ACTIVE),
        replace(going, state=file_st.TransferState.WAITING, moved=SIZE // 2),
        replace(going, state=file_st.TransferState.WAITING, moved=SIZE // 2),
        replace(going, state=file_st.TransferState.ACTIVE, moved=SIZE // 2),
        replace(going, state=file_st.TransferState.CANCELLED, reason=Reason.CANCELLED),
    )
    assert shown.splitlines() == [
        "Asking Ana to take a and 1 more (2 files, 8.4 MB) ...",
        "Sending a and 1 more (2 files, 8.4 MB) to Ana.",
        "a and 1 more: waiting to resume; it goes on when Ana is connected again.",
        "Sending a and 1 more goes on at 50 %.",
        f"a and 1 more: t{SENTENCES[Reason.CANCELLED][1:]}",
    ]


def test_how_far_it_is_when_it_goes_on() -> None:
    def goes_on(moved: int) -> str:
        large = replace(COMING, size=8_000_000_000, moved=moved)
        return Report().tell(
            replace(large, state=file_st.TransferState.WAITING),
            replace(large, state=file_st.TransferState.ACTIVE),
        )

    # Nothing has arrived yet, so nothing goes on.
    assert goes_on(0).endswith("Receiving film.mkv (8.0 GB) from Ana.\n")
    assert goes_on(12_000_000).endswith("Receiving film.mkv goes on at 12.0 MB.\n")
    assert goes_on(4_000_000_000).endswith("Receiving film.mkv goes on at 50 %.\n")


def test_what_nothing_could_be_sent_of() -> None:
    failed = replace(
        COMING,
        direction=Direction.OUT,
        entries=(),
        state=file_st.TransferState.FAILED,
        reason=Reason.FILE_GONE,
    )
    assert Report().tell(failed) == f"What was to be sent: t{SENTENCES[Reason.FILE_GONE][1:]}\n"


def test_files_that_did_not_arrive_are_named() -> None:
    entries = tuple(Entry(f"{number}.jpg", 1) for number in range(320))
    failed = tuple(FailedFile(number, Reason.FILE_CHANGED) for number in range(302))
    shown = (
        Report()
        .tell(replace(COMING, entries=entries, state=file_st.TransferState.DONE, failed=failed))
        .splitlines()
    )
    assert shown[0] == "0.jpg and 319 more: finished, but 302 files did not arrive."
    assert shown[1] == f"  0.jpg: {RECEIVING_SENTENCES[Reason.FILE_CHANGED]}"
    assert shown[301:] == ["  and 2 more"]


def test_what_was_left_out_is_named_and_is_no_failure() -> None:
    left_out = (LeftOutFile("trip/link", Reason.NOT_A_FILE),)
    shown = Report().tell(replace(COMING, state=file_st.TransferState.DONE, left_out=left_out))
    assert shown.splitlines()[-1] == "  trip/link was left out: it is no file"


def test_what_has_another_name_now_is_named() -> None:
    renamed = (RenamedFile("trip/a:b.jpg", "a_b.jpg"),)
    shown = Report().tell(replace(COMING, state=file_st.TransferState.DONE, renamed=renamed))
    assert shown.splitlines()[-1] == "  trip/a:b.jpg is saved as a_b.jpg"


# --- progress -------------------------------------------------------------------------------------


def moved(percent: int, speed: float = 2_100_000.0) -> file_st.TransferStatus:
    return replace(ACTIVE, moved=SIZE * percent // 100, speed=speed)


@each_row("out", [io.StringIO(), Terminal()])
def test_where_nothing_is_redrawn_a_line_now_and_then(out: io.StringIO) -> None:
    report = Report(out, term="dumb")
    report.tell(ACTIVE)
    # Another line would come too early.
    assert report.tell(moved(50)) == ""
    report.now += LINE_SECONDS
    assert report.tell(moved(50)) == "film.mkv: 50 %, 4.2 MB of 8.4 MB, 2.1 MB/s, 2 s left\n"
    report.now += 10 * LINE_SECONDS
    # The progress is too small for a line.
    assert report.tell(moved(59)) == ""
    assert report.tell(moved(60)) != ""


def test_on_a_terminal_one_line_is_redrawn_calmly() -> None:
    report = Report(Terminal())
    report.tell(ACTIVE)
    assert report.tell(moved(40)) == ""
    report.now += REDRAW_SECONDS
    shown = report.tell(moved(45))
    assert shown.startswith("\rReceiving film.mkv  █████████░░░░░░░░░░░  45 %  2.1 MB/s  3 s left")
    assert "\n" not in shown
    done = report.tell(replace(ACTIVE, state=file_st.TransferState.DONE, moved=SIZE))
    assert done.startswith("\r ")
    assert done.endswith("\rReceived film.mkv (8.4 MB) in 1 second, verified\n")


def test_what_stands_still_is_shown_as_it_is() -> None:
    report = Report(Terminal())
    report.tell(ACTIVE)
    assert report.tell(moved(40)) == ""
    assert report.later(REDRAW_SECONDS / 2) == ""
    assert " 40 %" in report.later(REDRAW_SECONDS)
    assert report.later(REDRAW_SECONDS) == ""


def test_what_came_to_stand_still_behind_a_question_is_shown_after_it() -> None:
    report = Report(Terminal())
    report.tell(ACTIVE)
    report.lines.ask("Allow? ")
    report.said()
    report.now += REDRAW_SECONDS
    assert report.tell(moved(50)) == ""
    assert report.later(REDRAW_SECONDS) == ""
    report.lines.entered()
    assert " 50 %" in report.later(REDRAW_SECONDS)
    report.lines.say("A sentence erases the line.")
    report.said()
    assert " 50 %" in report.later(REDRAW_SECONDS)


def test_several_are_added_up() -> None:
    report = Report(Terminal())
    other = replace(ACTIVE, transfer=TransferID("t2"), moved=SIZE // 2, speed=1000.0)
    report.tell(other, moved(0, speed=1000.0))
    report.now += REDRAW_SECONDS
    assert "2 transfers  █████░" in report.tell(other)
    report.now += REDRAW_SECONDS
    shown = report.tell(other)
    assert " 25 %  2.0 kB/s  1 h 45 min left" in shown


@given(
    st.text(max_size=80),
    st.integers(0, 200),
    st.sampled_from(["", "漢" * 50, "😀" * 30, "e\u0301" * 70]),
)
def test_a_line_of_progress_fits_any_terminal(name: str, columns: int, more: str) -> None:
    report = Report(Terminal(), columns)
    status = replace(ACTIVE, entries=(Entry(name + more, SIZE),), speed=99.0, moved=SIZE // 3)
    report.tell(status)
    report.now += REDRAW_SECONDS
    shown = report.tell(status).removeprefix("\r")
    assert columns_of(shown) < max(columns, 20)
    assert columns < 40 or "33 %" in shown


# --- lists ----------------------------------------------------------------------------------------


def test_a_list_of_transfers() -> None:
    report = Report()
    report.it.list(
        [moved(45), replace(COMING, direction=Direction.OUT, state=file_st.TransferState.DONE)]
    )
    assert report.said().splitlines() == [
        "  1  film.mkv (8.4 MB) from Ana: 45 %, 3.8 MB of 8.4 MB. Receiving from Ana.",
        "  2  film.mkv (8.4 MB) to Ana: Sent and verified.",
    ]
    report.it.list([])
    assert report.said() == "There are no transfers yet; /send PATH begins one.\n"


def test_a_summary_of_several() -> None:
    report = Report()
    report.tell(replace(COMING, state=file_st.TransferState.DONE))
    report.it.summary()
    # A single transfer needs no summary.
    assert "Altogether" not in report.said()
    report.tell(
        replace(
            COMING,
            transfer=TransferID("t2"),
            state=file_st.TransferState.DONE,
            direction=Direction.OUT,
        ),
        replace(COMING, transfer=TransferID("t3"), state=file_st.TransferState.DONE),
        replace(COMING, transfer=TransferID("t4"), state=file_st.TransferState.CANCELLED),
        replace(
            COMING,
            transfer=TransferID("t5"),
            state=file_st.TransferState.DONE,
            failed=(FailedFile(0, Reason.FILE_GONE),),
        ),
        replace(
            COMING,
            transfer=TransferID("t6"),
            state=file_st.TransferState.CANCELLED,
            direction=Direction.OUT,
            reason=Reason.DECLINED,
        ),
        # A path that does not exist never became a transfer.
        replace(
            COMING,
            transfer=TransferID("t7"),
            state=file_st.TransferState.FAILED,
            direction=Direction.OUT,
            entries=(),
            reason=Reason.FILE_GONE,
        ),
    )
    report.it.summary()
    assert report.said() == (
        "Altogether: 2 files (16.8 MB) received and verified; 1 file (8.4 MB) sent and verified; "
        "1 transfer declined; 2 transfers not complete.\n"
    )
