"""Tests of proxim.core.files.progress: the names of a transfer's end."""

from proxim.core.errors import Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Entry, FailedFile
from proxim.core.files.progress import lost_bytes, outcome
from tests.rows import each_row

GONE = FailedFile(0, Reason.FILE_GONE)
CHANGED = FailedFile(2, Reason.FILE_CHANGED)


@each_row(
    "wanted, failed, expected",
    [
        (0, (), (file_st.TransferState.DONE, None)),
        (2, (), (file_st.TransferState.DONE, None)),
        (2, (GONE,), (file_st.TransferState.DONE, Reason.SOME_FILES_FAILED)),
        (2, (GONE, CHANGED), (file_st.TransferState.FAILED, Reason.SOME_FILES_FAILED)),
        (1, (CHANGED,), (file_st.TransferState.FAILED, Reason.FILE_CHANGED)),
    ],
)
def test_outcome(
    wanted: int,
    failed: tuple[FailedFile, ...],
    expected: tuple[file_st.TransferState, Reason | None],
) -> None:
    assert outcome(wanted, failed) == expected


def test_the_bytes_that_are_lost() -> None:
    entries = (Entry("a", 5), Entry("folder", directory=True), Entry("folder/b", 7))
    assert lost_bytes(entries, ()) == 0
    assert lost_bytes(entries, (GONE, CHANGED)) == 12
