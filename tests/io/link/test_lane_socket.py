"""Tests of the lane's socket against the library's own connections, which know nothing of it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from proxim.io.limits import LANE_FRAME_BYTES
from proxim.io.link.lane_socket import LaneError, LaneSocket
from proxim.io.link.stream import TransportClosedError
from tests.io.support import PATIENCE


@dataclass(frozen=True, slots=True)
class Ends:
    """A lane's socket, and the library's connection at the other end."""

    ours: LaneSocket
    # The connection that `ours` has taken over.
    taken: Connection
    theirs: Connection


@contextlib.asynccontextmanager
async def ends(*, client: bool) -> AsyncIterator[Ends]:
    """Connect the two; `client` says on which side the lane's socket is."""
    accepted: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def accept(connection: ServerConnection) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with serve(accept, "127.0.0.1", 0, compression=None, max_size=None, close_timeout=1) as s:
        port = next(iter(s.sockets)).getsockname()[1]
        dialled: ClientConnection
        async with connect(
            f"ws://127.0.0.1:{port}", proxy=None, compression=None, max_size=None, close_timeout=1
        ) as dialled:
            taken, theirs = (dialled, await accepted) if client else (await accepted, dialled)
            yield Ends(LaneSocket(taken, client=client), taken, theirs)
            taken.transport.abort()


async def send(ours: LaneSocket, message: bytes) -> None:
    def fill(into: memoryview) -> None:
        into[:] = message

    await ours.send(len(message), fill)


@pytest_asyncio.fixture(params=[True, False], ids=["dialled", "accepted"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    async with ends(client=request.param) as both:
        yield both


class Received:
    """Collects messages, and ends the waiting once there are `count`."""

    def __init__(self, count: int) -> None:
        self.messages: list[bytes] = []
        self._count = count
        self.complete = asyncio.Event()

    def __call__(self, message: memoryview) -> None:
        self.messages.append(bytes(message))
        if len(self.messages) == self._count:
            self.complete.set()


async def test_messages_of_all_sizes_go_both_ways(both: Ends) -> None:
    dice = random.Random(2)
    messages = [
        dice.randbytes(size)
        for size in (0, 1, 125, 126, 65_535, 65_536, LANE_FRAME_BYTES, 3, 500_000, 500_000, 7)
    ]
    received = Received(len(messages))
    reading = asyncio.create_task(both.ours.receive(received))

    async def answer() -> None:
        for message in messages:
            await both.theirs.send(message)
            assert await both.theirs.recv() == message

    async def ask() -> None:
        for message in messages:
            await send(both.ours, message)

    await asyncio.gather(answer(), ask())
    await received.complete.wait()
    assert received.messages == messages
    reading.cancel()


async def test_a_buffer_is_not_filled_again_while_the_system_still_reads_it(both: Ends) -> None:
    """The other end reads only when all is sent, so many messages are on the way at once."""
    dice = random.Random(3)
    messages = [dice.randbytes(dice.choice((40, 3000, 400_000))) for _ in range(60)]
    sending = asyncio.gather(*(send(both.ours, message) for message in messages))
    assert [await both.theirs.recv() for _ in messages] == messages
    await sending


async def test_a_sender_waits_for_a_slow_reader_and_uses_buffers_again(both: Ends) -> None:
    size, filled = 300_000, set()

    def fill(into: memoryview) -> None:
        # The address of the buffer that the message is in.
        filled.add(id(into.obj))

    async def bulk() -> None:
        for _ in range(100):
            await both.ours.send(size, fill)

    sending = asyncio.create_task(bulk())
    for _ in range(100):
        assert len(await both.theirs.recv()) == size
        unsent = both.taken.transport.get_write_buffer_size()
        # One message, and the little of the one before that asyncio does not wait for.
        assert unsent < 2 * size
    await sending
    assert len(filled) <= 3


async def test_what_comes_behind_the_first_message_is_kept(both: Ends) -> None:
    for message in (b"first", b"second", b"x" * 200_000):
        await both.theirs.send(message)
    assert await both.ours.receive_first() == b"first"
    received = Received(2)
    reading = asyncio.create_task(both.ours.receive(received))
    await received.complete.wait()
    assert received.messages == [b"second", b"x" * 200_000]
    reading.cancel()


async def test_a_message_in_pieces_is_put_together(both: Ends) -> None:
    received = Received(2)
    reading = asyncio.create_task(both.ours.receive(received))
    await both.theirs.send([b"in ", b"", b"pieces"])
    await both.theirs.send(b"whole")
    await received.complete.wait()
    assert received.messages == [b"in pieces", b"whole"]
    reading.cancel()


async def test_the_library_still_answers_a_ping(both: Ends) -> None:
    reading = asyncio.create_task(both.ours.receive(Received(1)))
    await (await both.theirs.ping())
    reading.cancel()


async def test_either_end_can_close_with_a_handshake(both: Ends) -> None:
    reading = asyncio.create_task(both.ours.receive(Received(1)))
    await send(both.ours, b"last words")
    await both.ours.close()
    assert await both.theirs.recv() == b"last words"
    with pytest.raises(ConnectionClosed):
        await both.theirs.recv()
    assert both.theirs.close_code == 1000
    await reading
    with pytest.raises(TransportClosedError):
        await send(both.ours, b"too late")


async def test_the_end_of_the_connection_ends_the_waiting(both: Ends) -> None:
    first = asyncio.create_task(both.ours.receive_first())
    await asyncio.sleep(0)
    await both.theirs.close()
    with pytest.raises(TransportClosedError):
        await first
    await both.ours.receive(Received(1))


async def test_a_sender_that_waits_learns_of_the_end(both: Ends) -> None:
    # More than all buffers between the two hold.
    sending = [asyncio.create_task(send(both.ours, bytes(LANE_FRAME_BYTES))) for _ in range(64)]
    await sending[0]
    both.ours.abort()
    assert isinstance(
        (await asyncio.gather(*sending, return_exceptions=True))[-1], TransportClosedError
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x81\x84\0\0\0\0text", "not sealed"),
        (b"\x80\x81\0\0\0\0x", "within another"),
        (b"\x02\x81\0\0\0\0x\x82\x81\0\0\0\0x", "within another"),
        (b"\x82\x01x", "masked"),
        (b"\x82\xff" + bytes(5) + b"\x7f\xff\xff", "too large"),
        (
            b"\x02\xff"
            + LANE_FRAME_BYTES.to_bytes(8, "big")
            + bytes(4 + LANE_FRAME_BYTES)
            + b"\x80\x81\0\0\0\0x",
            "too large",
        ),
    ],
)
async def test_what_is_no_message_of_a_lane_ends_it(data: bytes, why: str) -> None:
    async with asyncio.timeout(PATIENCE), ends(client=False) as both:
        both.theirs.transport.write(data)
        with pytest.raises(LaneError, match=why):
            await both.ours.receive(Received(1))
        await both.theirs.wait_closed()


async def test_an_error_of_whoever_receives_ends_the_connection() -> None:
    def broken(message: memoryview) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(PATIENCE), ends(client=True) as both:
        await both.theirs.send(b"x")
        with pytest.raises(ZeroDivisionError):
            await both.ours.receive(broken)
        await both.theirs.wait_closed()
