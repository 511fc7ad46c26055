from dataclasses import replace

import pytest

from proxim.core.errors import RECEIVING_SENTENCES, SENDING_SENTENCES, SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, RenamedFile
from proxim.core.i18n import tr
from proxim.ui.window.files import transfers as transfer_row
from proxim.ui.window.files.transfers import OUTCOMES_SHOWN, RowAction, TransferRow, action_of
from tests.ui.tk_support import Bench, link, transfer

IN, OUT = Direction.IN, Direction.OUT


def show(bench: Bench, status: file_st.TransferStatus) -> TransferRow:
    bench.window.show(link())
    bench.window.show(status)
    bench.settle()
    return bench.window.pages.links[link().link].transfers.rows[status.transfer]


def line(row: TransferRow) -> str:
    return str(row.line.cget("text"))


def test_one_that_moves_says_how_far_and_how_long(bench: Bench) -> None:
    status = replace(transfer(1, "a", "b", "c", size=9_000_000), moved=4_500_000, speed=1e6)
    row = show(bench, status)
    assert row.name.cget("text") == "a and 2 more"
    assert line(row) == "Sending 4.5 MB of 9.0 MB · 1.0 MB/s · 5 s left"
    assert row.bar["value"] == pytest.approx(500)
    assert row.bar.winfo_viewable()
    bench.window.show(replace(status, moved=9_000_000, speed=None))
    assert line(row) == "Sending 9.0 MB of 9.0 MB"


@pytest.mark.parametrize(
    ("state", "direction", "more", "words", "action"),
    [
        (
            file_st.TransferState.ANNOUNCED,
            OUT,
            {},
            "Waiting for Grace's phone to accept",
            RowAction.CANCEL,
        ),
        (file_st.TransferState.ANNOUNCED, IN, {}, "Waiting for your answer", RowAction.ANSWER),
        (
            file_st.TransferState.ANNOUNCED,
            IN,
            {"needs_answer": False},
            "Receiving from Grace's phone",
            RowAction.CANCEL,
        ),
        (file_st.TransferState.ACTIVE, IN, {}, "Receiving 0 bytes of 8.4 MB", RowAction.CANCEL),
        (
            file_st.TransferState.WAITING,
            OUT,
            {},
            "goes on when Grace's phone is connected again",
            RowAction.CANCEL,
        ),
        (file_st.TransferState.DONE, OUT, {}, "Sent: 1 file, 8.4 MB, verified.", None),
        (
            file_st.TransferState.DONE,
            IN,
            {"path": "/in/a"},
            "Received: 1 file, 8.4 MB, verified.",
            RowAction.SHOW,
        ),
        (
            file_st.TransferState.FAILED,
            OUT,
            {"reason": Reason.DISK_FULL},
            SENDING_SENTENCES[Reason.DISK_FULL],
            RowAction.RETRY,
        ),
        (
            file_st.TransferState.FAILED,
            IN,
            {"reason": Reason.DISK_FULL},
            RECEIVING_SENTENCES[Reason.DISK_FULL],
            None,
        ),
        (file_st.TransferState.CANCELLED, OUT, {}, "Cancelled.", RowAction.RETRY),
        (file_st.TransferState.CANCELLED, IN, {}, "Cancelled.", None),
    ],
)
def test_every_state_has_its_words_and_its_button(
    bench: Bench,
    state: file_st.TransferState,
    direction: Direction,
    more: dict[str, object],
    words: str,
    action: RowAction | None,
) -> None:
    status = replace(transfer(1, "a", state=state, direction=direction), **more)  # type: ignore[arg-type]
    row = show(bench, status)
    assert words in line(row)
    assert action_of(status) is action
    assert bool(row.button.winfo_viewable()) == (action is not None)
    assert action is None or row.button.cget("text") == tr(action.value)
    error = "Error" in str(row.line.cget("style"))
    assert error == (state is file_st.TransferState.FAILED)


def test_what_failed_is_named_with_its_reason(bench: Bench) -> None:
    names = [f"{number}.txt" for number in range(6)]
    failed = tuple(FailedFile(index, Reason.FILE_CHANGED) for index in range(5))
    row = show(bench, replace(transfer(1, *names, state=file_st.TransferState.DONE), failed=failed))
    assert line(row) == "Sent 1 of 6 files. Not these:"
    shown = [str(label.cget("text")) for label in row._more]
    assert shown[:OUTCOMES_SHOWN] == [
        f"{name}: {SENTENCES[Reason.FILE_CHANGED]}" for name in names[:OUTCOMES_SHOWN]
    ]
    assert shown[OUTCOMES_SHOWN:] == ["and 2 more"]
    # All of them can be seen.
    row.all_button.invoke()
    assert [str(label.cget("text")).partition(":")[0] for label in row._more] == names[:5]
    assert not row.all_button.winfo_manager()
    row.button.invoke()
    assert bench.posted == [file_ev.RetryTransfer(row.status.transfer)]


def test_what_has_another_name_now_is_named(bench: Bench) -> None:
    renamed = tuple(RenamedFile(f"d/{number}:", f"{number}_") for number in range(5))
    row = show(bench, replace(transfer(1, state=file_st.TransferState.DONE), renamed=renamed))
    shown = [str(label.cget("text")) for label in row._more]
    assert shown == [*(f"d/{number}: is saved as {number}_" for number in range(3)), "and 2 more"]


def test_cancel(bench: Bench) -> None:
    row = show(bench, transfer(1))
    row.button.invoke()
    assert bench.posted == [file_ev.CancelTransfer(row.status.transfer)]


def test_what_was_declined_in_part_is_not_counted(bench: Bench) -> None:
    row = show(
        bench, replace(transfer(1, "a", "b", state=file_st.TransferState.DONE), size=4_200_000)
    )
    assert line(row) == "Sent: 4.2 MB, verified."


def test_files_that_are_still_looked_up_get_their_name_later(bench: Bench) -> None:
    status = transfer(1, "a.txt", state=file_st.TransferState.ANNOUNCED)
    row = show(bench, replace(status, entries=(), size=0))
    assert row.name.cget("text") == "Files to send"
    bench.window.show(status)
    assert row.name.cget("text") == "a.txt"
    assert line(row).startswith("8.4 MB")


def test_a_hostile_name_is_text_and_keeps_its_ending(bench: Bench) -> None:
    name = "\u202e\x1b[31m" + "photo" * 60 + ".jpg\n.exe"
    row = show(bench, transfer(1, name, "b"))
    shown = str(row.name.cget("text"))
    assert shown.endswith("exe and 1 more")
    assert "\u202e" not in shown
    assert "\n" not in shown
    assert bench.window.theme.bold.measure(shown) <= row.name.winfo_width()


def test_an_empty_file_divides_nothing(bench: Bench) -> None:
    row = show(bench, replace(transfer(1), entries=(Entry("empty"),), size=0))
    assert row.bar["value"] == 0


def test_show_in_folder_without_a_file_manager_says_where_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def reveal(path: str) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(transfer_row, "reveal", reveal)
    row = show(
        bench,
        replace(transfer(1, state=file_st.TransferState.DONE, direction=IN), path="/in/a.jpg"),
    )
    row.button.invoke()
    assert asked == ["/in/a.jpg"]
    assert "/in/a.jpg" in line(row)


def test_the_focus_goes_on_where_a_button_goes(bench: Bench) -> None:
    row = show(bench, transfer(1))
    bench.focus(row.button)
    bench.window.show(transfer(1, state=file_st.TransferState.DONE))
    bench.pump(lambda: bench.focused() not in (None, row.button))
