from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.core.files.newest_progress import NewestProgress

ACTIVE = file_st.TransferStatus(
    TransferID("p" * 22),
    Direction.IN,
    file_st.TransferState.ACTIVE,
    (Entry("picture.raw", 1000),),
    1000,
    ev.LinkID("host-1"),
)
OTHER = replace(ACTIVE, transfer=TransferID("q" * 22))


def test_what_only_moves_has_one_key_and_what_begins_has_none() -> None:
    newest = NewestProgress()
    assert newest.key_of(ACTIVE) is None
    keys = [newest.key_of(replace(ACTIVE, moved=moved, speed=0.5)) for moved in (10, 20, 30)]
    assert keys[0] is not None
    assert len(set(keys)) == 1


def test_transfers_do_not_replace_each_other() -> None:
    newest = NewestProgress()
    newest.key_of(ACTIVE)
    newest.key_of(OTHER)
    one, other = (newest.key_of(replace(status, moved=1)) for status in (ACTIVE, OTHER))
    assert one is not None
    assert other is not None
    assert one != other


@pytest.mark.parametrize(
    "changed",
    [
        replace(ACTIVE, via=st.Via.LANE),
        replace(ACTIVE, link=ev.LinkID("host-2")),
        replace(ACTIVE, peer_name="other"),
        replace(ACTIVE, size=900),
        replace(ACTIVE, failed=(FailedFile(0, Reason.FILE_CHANGED),)),
    ],
)
def test_whatever_else_changes_is_seen_and_begins_anew(changed: file_st.TransferStatus) -> None:
    newest = NewestProgress()
    newest.key_of(ACTIVE)
    before = newest.key_of(replace(ACTIVE, moved=1))
    assert newest.key_of(replace(changed, moved=2)) is None
    after = newest.key_of(replace(changed, moved=3))
    assert after is not None
    assert after != before


@pytest.mark.parametrize(
    "state", [one for one in file_st.TransferState if one is not file_st.TransferState.ACTIVE]
)
def test_a_change_of_state_is_seen_and_so_is_the_way_back(state: file_st.TransferState) -> None:
    newest = NewestProgress()
    newest.key_of(ACTIVE)
    before = newest.key_of(replace(ACTIVE, moved=1))
    assert newest.key_of(replace(ACTIVE, state=state, moved=1)) is None
    assert newest.key_of(replace(ACTIVE, state=state, moved=2)) is None
    # The same figures as at first do not belong to the first stretch of progress.
    assert newest.key_of(ACTIVE) is None
    after = newest.key_of(replace(ACTIVE, moved=1))
    assert after is not None
    assert after != before


def test_what_is_no_transfer_is_always_seen() -> None:
    newest = NewestProgress()
    for _ in range(2):
        assert newest.key_of(st.Stopped()) is None
        assert newest.key_of(st.TextReceived(ev.LinkID("host-1"), "hello")) is None


def test_a_transfer_that_is_over_is_forgotten() -> None:
    newest = NewestProgress()
    for status in (ACTIVE, OTHER, replace(ACTIVE, state=file_st.TransferState.DONE)):
        newest.key_of(status)
    assert list(newest._stretches) == [OTHER.transfer]
