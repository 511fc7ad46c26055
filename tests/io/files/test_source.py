"""Tests of proxim.io.files.source."""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxim.core.errors import Reason
from proxim.core.files.manifest import START, Entry, Partial, Position, Span
from proxim.core.files.stream import (
    CHANNEL_MESSAGE_BYTES,
    LANE_MESSAGE_BYTES,
    Kind,
    Record,
    read_records,
)
from proxim.io.files.source import Source, SourceFile, list_sources

Told = list[tuple[Kind, int, object]]


def sources(folder: Path, **contents: bytes) -> tuple[SourceFile, ...]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return list_sources([str(folder / name) for name in contents], None).files


def told(records: list[Record]) -> Told:
    return [
        (
            one.kind,
            one.file,
            one.offset
            if one.kind is Kind.START
            else one.reason
            if one.kind is Kind.FAILED
            else bytes(one.payload),
        )
        for one in records
    ]


def stream(
    files: tuple[SourceFile, ...],
    skip: tuple[Span, ...] = (),
    partial: tuple[Partial, ...] = (),
    position: Position = START,
    size: int = CHANNEL_MESSAGE_BYTES,
) -> Told:
    messages = list(Source(files).messages(skip, partial, position, size=size))
    return told([record for message in messages for record in read_records(message)])


def end(index: int, content: bytes) -> tuple[Kind, int, object]:
    return (Kind.END, index, hashlib.sha256(content).digest())


def test_small_files_share_a_message(tmp_path: Path) -> None:
    files = sources(tmp_path, a=b"one", b=b"", c=b"three")
    source = Source(files)
    messages = source.messages((), (), START, size=CHANNEL_MESSAGE_BYTES, prefix=9)
    message = next(messages)
    assert source.data_bytes == 8
    assert bytes(message[:9]) == bytes(9)
    assert told(list(read_records(message[9:]))) == [
        (Kind.DATA, 0, b"one"),
        end(0, b"one"),
        end(1, b""),
        (Kind.DATA, 2, b"three"),
        end(2, b"three"),
    ]
    assert next(messages, None) is None


def test_messages_are_as_large_as_they_may_be_and_hold_everything(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for size in (100, 4096, CHANNEL_MESSAGE_BYTES, LANE_MESSAGE_BYTES):
        for length in (0, 1, 40, 90, 91, 5000, 200_001):
            with subtests.test(size=size, length=length):
                folder = tmp_path / f"{size}-{length}"
                folder.mkdir()
                check_messages(folder, size, length)


def check_messages(folder: Path, size: int, length: int) -> None:
    contents = {"a": os.urandom(length), "b": os.urandom(7), "c": os.urandom(length)}
    source = Source(sources(folder, **contents))
    data = {0: b"", 1: b"", 2: b""}
    ends = []
    for message in source.messages((), (), START, size=size, prefix=3):
        assert 3 < len(message) <= size + 3
        counted = 0
        for record in read_records(message[3:]):
            if record.kind is Kind.DATA:
                data[record.file] += bytes(record.payload)
                counted += len(record.payload)
            else:
                ends.append((record.kind, record.file, bytes(record.payload)))
        assert counted == source.data_bytes
    assert data == dict(enumerate(contents.values()))
    assert ends == [end(index, content) for index, content in enumerate(contents.values())]


def test_a_message_stays_as_it_was_while_the_next_is_made(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    messages = Source(sources(tmp_path, a=content)).messages(
        (), (), START, size=CHANNEL_MESSAGE_BYTES
    )
    kept = list(messages)
    joined = b"".join(
        bytes(one.payload) for m in kept for one in read_records(m) if one.kind is Kind.DATA
    )
    assert joined == content


def test_a_returned_buffer_is_filled_again_and_shows_nothing_of_before(tmp_path: Path) -> None:
    contents = [os.urandom(2 * CHANNEL_MESSAGE_BYTES), b"short"]
    source = Source(sources(tmp_path, a=contents[0], b=contents[1]))
    buffers, data = set(), [b"", b""]
    for message in source.messages((), (), START, size=CHANNEL_MESSAGE_BYTES, prefix=5):
        buffers.add(id(message.obj))
        for record in read_records(message[5:]):
            if record.kind is Kind.DATA:
                data[record.file] += bytes(record.payload)
        # The sender has its prefix there when it returns a message.
        message[:5] = b"mine!"
        source.reuse(message)
    assert data == contents
    # One is filled while the one before is sent.
    assert len(buffers) <= 2


def test_messages_follow_the_limit_and_buffers_are_no_larger(tmp_path: Path) -> None:
    content = os.urandom(6_000_000)
    source = Source(sources(tmp_path, a=content))
    source.limit = 300_000
    messages = source.messages((), (), START, size=LANE_MESSAGE_BYTES, prefix=5)
    sent: list[bytes] = []

    def take(limit: int, times: int, *, buffer: int) -> None:
        for _ in range(times):
            # The limit holds from the message after the next on, which has been begun.
            message = next(messages)
            sent.append(bytes(message[5:]))
            source.limit = limit
            source.reuse(message)
        assert len(message) <= limit + 5
        assert memoryview(message.obj).nbytes == buffer + 5

    take(LANE_MESSAGE_BYTES, 3, buffer=LANE_MESSAGE_BYTES)
    take(100_000, 3, buffer=LANE_MESSAGE_BYTES)
    unreturned = [next(messages) for _ in range(10)]
    # The two large buffers are used up first.
    assert [memoryview(one.obj).nbytes for one in unreturned[2:]] == [100_005] * 8
    sent += [bytes(one[5:]) for one in (*unreturned, *messages)]
    records = [record for one in sent for record in read_records(one)]
    assert b"".join(bytes(one.payload) for one in records if one.kind is Kind.DATA) == content


def test_what_the_receiver_has_is_not_sent(tmp_path: Path) -> None:
    files = sources(tmp_path, a=b"one", b=b"two", c=b"three")
    assert stream(files, skip=(Span(0, 2),)) == [(Kind.DATA, 2, b"three"), end(2, b"three")]
    assert stream(files, position=Position(2, 0)) == [(Kind.DATA, 2, b"three"), end(2, b"three")]
    assert stream(files, position=Position(3, 0)) == []


def test_folders_are_not_streamed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"x")
    files = list_sources([str(tmp_path / "folder")], None).files
    assert stream(files) == [(Kind.DATA, 1, b"x"), end(1, b"x")]


def test_a_position_within_a_file_is_gone_on_from_and_the_hash_covers_all(tmp_path: Path) -> None:
    files = sources(tmp_path, a=b"0123456789", b=b"x")
    rest: Told = [(Kind.DATA, 1, b"x"), end(1, b"x")]
    whole = end(0, b"0123456789")
    assert stream(files, position=Position(0, 4)) == [
        (Kind.START, 0, 4),
        (Kind.DATA, 0, b"456789"),
        whole,
        *rest,
    ]
    assert stream(files, position=Position(0, 10)) == [(Kind.START, 0, 10), whole, *rest]
    # No such position was ever reached, so the source begins again rather than failing.
    assert stream(files, position=Position(0, 11))[:2] == [
        (Kind.START, 0, 0),
        (Kind.DATA, 0, b"0123456789"),
    ]


def test_a_beginning_is_gone_on_from_only_where_it_is_the_same(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    files = sources(tmp_path, a=content)
    good = Partial(0, 2_500_000, hashlib.sha256(content[:2_500_000]).digest())
    told_now = stream(files, partial=(good,), size=LANE_MESSAGE_BYTES)
    assert told_now == [
        (Kind.START, 0, 2_500_000),
        (Kind.DATA, 0, content[2_500_000:]),
        end(0, content),
    ]
    for bad in (Partial(0, 2_500_000, bytes(32)), Partial(0, 3_000_001, good.sha256)):
        told_now = stream(files, partial=(bad,), size=LANE_MESSAGE_BYTES)
        assert told_now[0] == (Kind.START, 0, 0)
        assert (
            b"".join(
                what for kind, _, what in told_now if kind is Kind.DATA and isinstance(what, bytes)
            )
            == content
        )
        assert told_now[-1] == end(0, content)


def test_a_start_that_has_no_room_goes_into_the_next_message(tmp_path: Path) -> None:
    files = sources(tmp_path, a=bytes(30), b=b"0123456789")
    # The first file needs 9 + 30 + 9 + 32 bytes; START takes 17 and only 10 are left.
    messages = list(Source(files).messages((Span(5, 1),), (Partial(1, 4, b""),), START, size=90))
    assert [len(message) for message in messages] == [80, 17 + 9 + 10 + 9 + 32]


def test_what_can_no_longer_be_sent_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    files = sources(tmp_path, gone=b"1", longer=b"2", shorter=b"33", other=b"5", good=b"6")
    (tmp_path / "gone").unlink()
    (tmp_path / "longer").write_bytes(b"22")
    (tmp_path / "shorter").write_bytes(b"3")
    (tmp_path / "other").unlink()
    (tmp_path / "other").mkdir()
    changed = Reason.FILE_CHANGED.value
    assert stream(files)[:3] == [
        (Kind.FAILED, 0, Reason.FILE_GONE.value),
        (Kind.FAILED, 1, changed),
        (Kind.FAILED, 2, changed),
    ]
    assert stream(files)[3:] == [
        (Kind.FAILED, 3, changed),
        (Kind.DATA, 4, b"6"),
        end(4, b"6"),
    ]


def test_a_file_that_was_only_touched_is_sent(tmp_path: Path) -> None:
    files = sources(tmp_path, a=b"one", b=b"two")
    os.utime(tmp_path / "a", (1, 1))
    assert stream(files)[:2] == [(Kind.DATA, 0, b"one"), end(0, b"one")]


def test_a_touched_file_goes_on_from_its_beginning_unless_a_hash_says_that_it_is_the_same(
    tmp_path: Path,
) -> None:
    content = os.urandom(10_000)
    files = sources(tmp_path, a=content)
    part = Partial(0, 6000, hashlib.sha256(content[:6000]).digest())
    assert stream(files, position=Position(0, 6000))[0] == (Kind.START, 0, 6000)
    os.utime(tmp_path / "a", (1, 1))
    assert stream(files, position=Position(0, 6000))[:2] == [
        (Kind.START, 0, 0),
        (Kind.DATA, 0, content),
    ]
    assert stream(files, partial=(part,))[0] == (Kind.START, 0, 6000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has /proc")
def test_a_file_with_more_than_its_size_is_not_ended() -> None:
    path = Path("/proc/self/status")
    files = (SourceFile(Entry("status", path.stat().st_size), path),)
    assert stream(files) == [(Kind.FAILED, 0, Reason.FILE_CHANGED.value)]


def test_a_file_that_grows_after_its_last_byte_was_read_is_not_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sources(tmp_path, a=b"one", b=b"two")
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        with open(tmp_path / "a", "ab") as file:
            file.write(b"!")
        return found

    monkeypatch.setattr("proxim.io.files.source.os.fstat", fstat)
    assert (Kind.FAILED, 0, Reason.FILE_CHANGED.value) in stream(files)


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such links and pipes for everybody"
)
def test_a_link_or_a_pipe_in_a_files_place_is_not_read(tmp_path: Path) -> None:
    files = sources(tmp_path, link=b"secret", pipe=b"")
    (tmp_path / "link").rename(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pipe").unlink()
    # This is for mypy: the test is skipped on Windows.
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
    assert [kind for kind, _, _ in stream(files)] == [Kind.FAILED, Kind.FAILED]


def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sources(tmp_path, a=b"1")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "no")

    monkeypatch.setattr("proxim.io.files.source.os.open", refuse)
    assert stream(files) == [(Kind.FAILED, 0, Reason.FILE_UNREADABLE.value)]


def part_way(files: tuple[SourceFile, ...]) -> tuple[Source, Iterator[memoryview], Told]:
    source = Source(files)
    messages = source.messages((), (), START, size=4096)
    return source, messages, told(list(read_records(next(messages))))


@pytest.mark.parametrize("change", ["shorter", "longer", "touched"])
def test_a_file_that_changes_while_it_is_read_is_never_ended(tmp_path: Path, change: str) -> None:
    files = sources(tmp_path, a=os.urandom(10_000), b=b"x")
    _, messages, _ = part_way(files)
    match change:
        case "shorter":
            os.truncate(tmp_path / "a", 5000)
        case "longer":
            with open(tmp_path / "a", "ab") as file:
                file.write(b"more")
        case _:
            os.utime(tmp_path / "a", ns=(1, 1))
    records = told([record for message in messages for record in read_records(message)])
    assert (Kind.FAILED, 0, Reason.FILE_CHANGED.value) in records
    assert [one for one in records if one[0] is Kind.END] == [end(1, b"x")]


def test_it_stops_when_told_also_while_a_beginning_is_read_again(tmp_path: Path) -> None:
    files = sources(tmp_path, a=os.urandom(10_000), b=b"x")
    source, messages, _ = part_way(files)
    source.stop()
    assert len(list(messages)) <= 1
    source = Source(files)
    messages = source.messages((), (), Position(0, 5000), size=4096)
    original = hashlib.sha256

    def stopping() -> object:
        source.stop()
        return original()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxim.io.files.source.hashlib.sha256", stopping)
        assert list(messages) == []


def test_stopped_before_its_first_turn_it_reads_nothing(tmp_path: Path) -> None:
    files = sources(tmp_path, a=b"x")
    source = Source(files)
    messages = source.messages((), (), START, size=4096)
    source.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxim.io.files.source.os.open", None)
        assert list(messages) == []


def test_a_path_is_not_in_a_repr() -> None:
    assert "secret" not in repr(SourceFile(Entry("a"), Path("/home/secret/a")))
