"""Tests of the fields of transfers in JSON lines, and of what commands about files may contain.

The lines themselves are tested in test_jsonlines.py.
"""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import MAX_ENTRIES, Direction, Entry, FailedFile, TransferID
from proxim.core.json_text import MessageError
from proxim.ui.text.jsonlines import (
    read_answer,
    read_link,
    read_paths,
    read_transfer,
    transfer_fields,
)
from tests.rows import each_row

COMING = file_st.TransferStatus(
    TransferID("t1"), Direction.IN, file_st.TransferState.ANNOUNCED, (Entry("a", 5), Entry("b")), 5
)


def test_the_least_that_is_told() -> None:
    assert transfer_fields(COMING, whole=False) == {
        "transferID": "t1",
        "direction": "in",
        "name": "a",
        "size": 5,
        "bytes": 0,
        "state": "announced",
        "count": 2,
    }


@given(st.sampled_from(file_st.TransferState), st.sampled_from(Direction), st.booleans())
def test_files_are_listed_only_of_what_is_announced_to_us(
    state: file_st.TransferState, direction: Direction, whole: bool
) -> None:
    fields = transfer_fields(replace(COMING, state=state, direction=direction), whole=whole)
    announced = whole and state is file_st.TransferState.ANNOUNCED and direction is Direction.IN
    assert ("files" in fields) is announced
    json.dumps(fields)


def test_a_failed_file_that_was_never_announced_is_left_out() -> None:
    failed = (FailedFile(1, Reason.FILE_GONE), FailedFile(2, Reason.FILE_GONE))
    assert transfer_fields(replace(COMING, failed=failed), whole=False)["failed"] == [
        {"path": "b", "reason": "file_gone"}
    ]


def test_paths_become_whole() -> None:
    assert read_paths({"paths": ["a", "/b c"]}) == (os.path.abspath("a"), os.path.abspath("/b c"))


@each_row(
    "paths",
    [
        None,
        [],
        "a",
        [None],
        [""],
        ["a\0"],
        ["\ud800"],
        ["a" * 40_000],
        ["a"] * (MAX_ENTRIES + 1),
        {"a": 1},
    ],
)
def test_paths_that_are_none(paths: object) -> None:
    with pytest.raises(MessageError):
        read_paths({"paths": paths})


def test_an_answer() -> None:
    assert read_answer({}, COMING) == file_ev.AcceptTransfer(COMING.transfer)
    assert read_answer({"directory": None, "declined": [1, 1]}, COMING) == file_ev.AcceptTransfer(
        COMING.transfer, (1,)
    )


@each_row(
    "fields",
    [
        {"declined": None},
        {"declined": [2]},
        {"declined": ["0"]},
        {"always": None},
        {"directory": 1},
    ],
)
def test_an_answer_that_is_none(fields: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        read_answer(fields, COMING)


def test_names_of_transfers_and_links() -> None:
    assert read_transfer({"transferID": "t1"}) == "t1"
    assert read_link({}) is None
    assert read_link({"link": "host-1"}) == "host-1"
    with pytest.raises(MessageError):
        read_transfer({"transferID": "x" * 10_000})
