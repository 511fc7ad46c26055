"""Tests of one WebSocket of ours with a bare one at the other end, whichever side dialled."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io.limits import SEND_QUEUE
from proxim.io.pairing.websocket import WebSocket
from tests.io.support import PATIENCE, Events

ID = ev.ConnectionID(7)


class Pair:
    """Our WebSocket at the server, and a bare one at the client."""

    def __init__(self, ours: WebSocket, theirs: ClientConnection, events: Events) -> None:
        self.ours = ours
        self.theirs = theirs
        self.events = events


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    events = Events()
    made: asyncio.Queue[WebSocket] = asyncio.Queue()

    async def run(connection: ServerConnection) -> None:
        ours = WebSocket(ID, connection, events)
        made.put_nowait(ours)
        await ours.run("somewhere")

    async with serve(run, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as theirs:
            yield Pair(await made.get(), theirs, events)


async def test_its_life_is_told_in_order(pair: Pair) -> None:
    await pair.theirs.send("one")
    await pair.theirs.send(b"two")
    await pair.theirs.close()
    await pair.events.wait(pair_ev.ConnectionLost)
    assert pair.events.all == [
        pair_ev.ConnectionOpened(ID, "somewhere"),
        pair_ev.FrameReceived(ID, "one"),
        pair_ev.FrameRefused(ID, Reason.BAD_MESSAGE),
        pair_ev.ConnectionLost(ID, 1000),
    ]


async def test_why_the_other_side_closed_is_told(pair: Pair) -> None:
    await pair.theirs.close(pair_msg.CloseCode.TAMPERED)
    assert await pair.events.wait(pair_ev.ConnectionLost) == pair_ev.ConnectionLost(
        ID, pair_msg.CloseCode.TAMPERED
    )


async def test_a_close_of_ours_has_no_code_of_theirs(pair: Pair) -> None:
    pair.ours.close(pair_msg.CloseCode.SESSION_ENDED)
    assert await pair.events.wait(pair_ev.ConnectionLost) == pair_ev.ConnectionLost(ID)


async def test_a_wire_that_is_cut_has_no_code(pair: Pair) -> None:
    pair.theirs.transport.abort()
    assert await pair.events.wait(pair_ev.ConnectionLost) == pair_ev.ConnectionLost(ID)


BROKEN = {
    "no UTF-8": (b"\x81\x81" + bytes(4) + b"\xff", Reason.BAD_MESSAGE),
    "a reserved bit": (b"\xa1\x80" + bytes(4), Reason.BAD_MESSAGE),
    "no opcode": (b"\x83\x80" + bytes(4), Reason.BAD_MESSAGE),
    "no mask": (b"\x81\x01x", Reason.BAD_MESSAGE),
    "too large": (b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4), Reason.TOO_LARGE),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_bytes_that_are_no_frame_are_told_before_the_socket_is_lost(
    pair: Pair, broken: str
) -> None:
    bytes_sent, reason = BROKEN[broken]
    await pair.theirs.send("before")
    pair.theirs.transport.write(bytes_sent)
    await pair.events.wait(pair_ev.ConnectionLost)
    assert pair.events.all[1:] == [
        pair_ev.FrameReceived(ID, "before"),
        pair_ev.FrameRefused(ID, reason),
        pair_ev.ConnectionLost(ID),
    ]


@pytest.mark.parametrize("code", [1002, 1007, 1009])
async def test_a_close_of_theirs_for_bytes_that_they_could_not_read_is_no_frame_of_theirs(
    pair: Pair, code: int
) -> None:
    await pair.theirs.close(code)
    await pair.events.wait(pair_ev.ConnectionLost)
    assert pair.events.all[1:] == [pair_ev.ConnectionLost(ID, code)]


async def test_a_frame_after_our_close_is_not_told(pair: Pair) -> None:
    await pair.theirs.send("before")
    await pair.events.wait(pair_ev.FrameReceived)
    pair.ours.close(pair_msg.CloseCode.BAD_MESSAGES)
    frame = b"\x81\x81" + bytes(4) + b"x"
    # The close frame itself has not been sent yet.
    pair.theirs.transport.write(frame * 1000 + b"\x83\x80" + bytes(4))
    await pair.events.wait(pair_ev.ConnectionLost)
    assert pair.events.all[1:] == [pair_ev.FrameReceived(ID, "before"), pair_ev.ConnectionLost(ID)]


async def test_messages_leave_in_order_and_before_the_close(pair: Pair) -> None:
    for index in range(10):
        pair.ours.send(str(index))
    pair.ours.close(pair_msg.CloseCode.SESSION_ENDED)
    for index in range(10):
        assert await pair.theirs.recv() == str(index)
    await asyncio.wait_for(pair.theirs.wait_closed(), PATIENCE)
    assert pair.theirs.close_code == pair_msg.CloseCode.SESSION_ENDED
    await pair.events.wait(pair_ev.ConnectionLost)


async def test_without_a_code_it_closes_normally(pair: Pair) -> None:
    pair.ours.close(None)
    await asyncio.wait_for(pair.theirs.wait_closed(), PATIENCE)
    assert pair.theirs.close_code == 1000


async def test_a_full_outbox_cuts_the_peer_off(pair: Pair) -> None:
    for _ in range(SEND_QUEUE + 1):
        pair.ours.send("unread")
    await pair.events.wait(pair_ev.ConnectionLost)
