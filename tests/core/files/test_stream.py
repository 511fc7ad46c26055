"""Tests of proxim.core.files.stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.files.stream import (
    DIGEST_BYTES,
    HEADER_BYTES,
    LANE_MESSAGE_BYTES,
    MAX_REASON_BYTES,
    Kind,
    Record,
    end_record,
    failed_record,
    header,
    read_records,
    start_record,
)
from proxim.core.json_text import MessageError
from tests.rows import each_row

index = st.integers(0, 2**32 - 1)
records = st.one_of(
    st.builds(start_record, index, st.integers(0, 2**64 - 1)),
    st.builds(
        lambda file, data: header(Kind.DATA, file, len(data)) + data,
        index,
        st.binary(min_size=1, max_size=50),
    ),
    st.builds(end_record, index, st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES)),
    st.builds(failed_record, index, st.sampled_from(Reason)),
)


def again(record: Record) -> bytes:
    return header(record.kind, record.file, len(record.payload)) + bytes(record.payload)


def test_records_as_documented() -> None:
    message = start_record(7, 5) + header(Kind.DATA, 7, 2) + b"hi" + end_record(7, bytes(32))
    assert message[:HEADER_BYTES] == b"\x01\x00\x00\x00\x07\x00\x00\x00\x08"
    start, data, end, failed = read_records(message + failed_record(8, Reason.FILE_GONE))
    assert (start.kind, start.file, start.offset) == (Kind.START, 7, 5)
    assert (data.kind, data.file, bytes(data.payload)) == (Kind.DATA, 7, b"hi")
    assert (end.kind, end.file, bytes(end.payload)) == (Kind.END, 7, bytes(32))
    assert (failed.kind, failed.file, failed.reason) == (Kind.FAILED, 8, "file_gone")


@given(st.lists(records, max_size=8))
def test_what_is_written_is_read_as_the_same(written: list[bytes]) -> None:
    read = list(read_records(memoryview(b"".join(written))))
    assert [again(record) for record in read] == written


@given(st.lists(records, max_size=3), st.binary(max_size=40), st.integers(0, 60))
def test_any_bytes_are_records_or_a_message_error(
    written: list[bytes], junk: bytes, cut: int
) -> None:
    message = (b"".join(written) + junk)[cut:]
    read: list[bytes] = []
    error = None
    try:
        # The records before the error are kept.
        read.extend(map(again, read_records(message)))
    except MessageError as caught:
        error = caught
    assert message.startswith(b"".join(read))
    assert (error is None) == (b"".join(read) == message)


@each_row(
    "message",
    [
        b"\x01",
        b"\x00" * HEADER_BYTES,
        b"\x05" + bytes(HEADER_BYTES - 1),
        header(Kind.DATA, 0, 0),
        header(Kind.DATA, 0, 2) + b"x",
        header(Kind.DATA, 0, 2**32 - 1) + b"x",
        header(Kind.DATA, 0, LANE_MESSAGE_BYTES + 1) + bytes(LANE_MESSAGE_BYTES + 1),
        header(Kind.START, 0, 7) + bytes(7),
        header(Kind.START, 0, 9) + bytes(9),
        header(Kind.END, 0, 31) + bytes(31),
        header(Kind.FAILED, 0, 0),
        header(Kind.FAILED, 0, MAX_REASON_BYTES + 1) + bytes(MAX_REASON_BYTES + 1),
    ],
)
def test_what_is_no_record(message: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        list(read_records(message))
    assert caught.value.reason is Reason.BAD_MESSAGE


def test_a_reason_that_is_no_text_is_still_one() -> None:
    (record,) = read_records(header(Kind.FAILED, 0, 2) + b"\xff\x00")
    assert record.reason == "\ufffd\0"


def test_every_reason_fits() -> None:
    assert max(len(reason.value) for reason in Reason) <= MAX_REASON_BYTES


def test_contents_are_not_in_a_repr() -> None:
    (record,) = read_records(header(Kind.DATA, 0, 6) + b"secret")
    assert "secret" not in repr(record)
