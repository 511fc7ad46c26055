from proxim.core.files.manifest import Direction, TransferID
from proxim.core.files.status import TransferState, TransferStatus
from tests.rows import each_row


@each_row(
    "state, needs_answer, running",
    [
        (TransferState.ANNOUNCED, False, True),
        (TransferState.ANNOUNCED, True, False),
        (TransferState.ACTIVE, False, True),
        (TransferState.WAITING, False, False),
        (TransferState.DONE, False, False),
        (TransferState.FAILED, False, False),
        (TransferState.CANCELLED, False, False),
    ],
)
def test_what_the_end_of_the_program_breaks_off(
    state: TransferState, needs_answer: bool, running: bool
) -> None:
    status = TransferStatus(
        TransferID("transfer-1"), Direction.IN, state, (), 0, needs_answer=needs_answer
    )
    assert status.running is running
