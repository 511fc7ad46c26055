"""Tests of proxim.core.status: the few values that a status computes."""

from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID
from tests.rows import each_row


@each_row("state", file_st.TransferState)
def test_a_transfer_is_over_once_nothing_more_will_happen_to_it(
    state: file_st.TransferState,
) -> None:
    goes_on = (
        file_st.TransferState.ANNOUNCED,
        file_st.TransferState.ACTIVE,
        file_st.TransferState.WAITING,
    )
    status = file_st.TransferStatus(TransferID("secret"), Direction.IN, state, (), 0)
    assert status.over is (state not in goes_on)
    assert "secret" not in repr(status)
