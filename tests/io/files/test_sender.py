import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest

from proxim.io import limits
from proxim.io.files.sender import Sending, message_bytes
from proxim.io.link.stream import TransportClosedError
from tests.io.support import PATIENCE
from tests.rows import each_row

MIB = 1024 * 1024


class FakeWay:
    """A transport that accepts all messages until `closes_after`."""

    prefix = b"head"
    message_bytes = MIB

    def __init__(self, *, closes_after: int | None = None) -> None:
        self.sent: list[bytes] = []
        self.changed = asyncio.Event()
        self.closes_after = closes_after

    async def send(self, message: memoryview) -> None:
        if len(self.sent) == self.closes_after:
            raise TransportClosedError
        self.sent.append(bytes(message[:8]))
        self.changed.set()
        await asyncio.sleep(0)

    def close(self) -> None:
        """Do nothing."""

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.sent) < count:
                self.changed.clear()
                await self.changed.wait()


class FakeSource:
    """A source of numbered messages; it counts the reads and fails if two threads read at once.

    The messages have their full size, because one turn would read hundreds of thousands of small
    ones.
    """

    def __init__(
        self, count: int | None, *, data_bytes: int = MIB, fails_at: int | None = None
    ) -> None:
        self.count = count
        self.data_bytes = data_bytes
        self.fails_at = fails_at
        self.read = 0
        self.stopped = False
        self.closed = False
        self.read_thrice = threading.Event()
        self._busy = threading.Lock()
        self.limit = 0
        self.reused: list[bytes] = []

    def reuse(self, message: memoryview) -> None:
        self.reused.append(bytes(message[:8]))

    def stop(self) -> None:
        self.stopped = True

    def messages(self) -> Iterator[memoryview]:
        try:
            for number in itertools.count() if self.count is None else range(self.count):
                if number == self.fails_at:
                    raise ZeroDivisionError
                assert self._busy.acquire(blocking=False), "read by two threads at once"
                assert threading.current_thread() is not threading.main_thread()
                self.read += 1
                if self.read == 3:
                    self.read_thrice.set()
                message = memoryview(bytearray(4 + max(4, self.data_bytes)))
                message[4:8] = number.to_bytes(4, "big")
                self._busy.release()
                yield message
        finally:
            self.closed = True


def sending(way: FakeWay, source: FakeSource) -> Sending:
    return Sending(way, source, source.messages())


async def test_all_is_sent_in_order_behind_the_prefix() -> None:
    way, source = FakeWay(), FakeSource(10)
    await asyncio.wait_for(sending(way, source).run(), PATIENCE)
    assert way.sent == [b"head" + number.to_bytes(4, "big") for number in range(10)]
    assert source.reused == way.sent, "each buffer goes back once it was sent"
    assert source.closed


async def test_no_more_than_a_window_is_on_its_way() -> None:
    way, source = FakeWay(), FakeSource(None)
    stream = sending(way, source)
    task = asyncio.create_task(stream.run())
    window = limits.WINDOW_BYTES // MIB
    await way.until(window)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(way.sent) == window
    stream.acknowledge(3 * MIB)
    await way.until(window + 3)
    # A late, smaller acknowledgement has no effect.
    stream.acknowledge(2 * MIB)
    # A number above what was sent counts as everything sent.
    stream.acknowledge(1 << 60)
    await way.until(2 * window)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(way.sent) <= 2 * window + 3
    task.cancel()
    await asyncio.wait([task])
    assert source.stopped
    assert source.closed


@each_row(
    "speed, size",
    [
        (0.0, 64 * 1024),
        (1e6, 64 * 1024),
        (10e6, 200_000),
        (30e6, 600_000),
        (110e6, MIB),
        (1e9, MIB),
    ],
)
def test_a_text_waits_for_no_more_than_some_milliseconds_of_a_slow_network(
    speed: float, size: int
) -> None:
    assert message_bytes(speed) == size


async def test_the_messages_grow_with_the_speed_that_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way, source = FakeWay(), FakeSource(None)
    stream = sending(way, source)
    assert source.limit == limits.LANE_BULK_BYTES
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now, raising=False)
    stream._sent = 1 << 40
    sizes, speed = set(), 1 << 25
    for _ in range(20):
        stream.acknowledge(int(now * speed))
        sizes.add(source.limit)
        # No figure is rounded.
        now += 0.125
    # Until the speed is known, then what moves in 20 ms.
    assert sizes == {limits.LANE_BULK_BYTES, message_bytes(speed)}


async def test_what_was_read_ahead_is_bounded() -> None:
    way, source = FakeWay(), FakeSource(None, data_bytes=limits.WINDOW_BYTES)
    task = asyncio.create_task(sending(way, source).run())
    await way.until(1)
    assert await asyncio.to_thread(source.read_thrice.wait, PATIENCE)
    for _ in range(100):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    # One such message is enough for a turn: one is sent, one waits for room, one is read ahead.
    assert source.read == 3
    assert len(way.sent) == 1


async def test_files_without_bytes_wait_for_no_window() -> None:
    way, source = FakeWay(), FakeSource(1000, data_bytes=0)
    await asyncio.wait_for(sending(way, source).run(), PATIENCE)
    assert len(way.sent) == 1000


async def test_a_way_that_closes_ends_it() -> None:
    way, source = FakeWay(closes_after=3), FakeSource(None)
    with pytest.raises(TransportClosedError):
        await asyncio.wait_for(sending(way, source).run(), PATIENCE)
    assert len(way.sent) == 3
    assert source.closed


@pytest.mark.parametrize("at", [0, 5])
async def test_what_reading_raises_is_told(at: int) -> None:
    source = FakeSource(None, fails_at=at)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(sending(FakeWay(), source).run(), PATIENCE)
    assert source.closed
