"""Real sockets against the server alone: what reaches the machine, what never does."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from proxim.core.errors import Reason
from proxim.core.events import ConnectionLost, ConnectionOpened, FrameReceived, FrameRefused
from proxim.core.messages import CloseCode
from proxim.net.limits import HARD_MESSAGE_BYTES, SEND_QUEUE
from proxim.net.listener import open_listener
from proxim.net.server import Server
from tests.net.support import Events


class Running:
    """A server on a port of loopback."""

    def __init__(self) -> None:
        self.events = Events()
        self.guests_came = 0
        self.server = Server(self.events, self._guest_comes)
        self.listener = open_listener("127.0.0.1", None)
        self.port = int(self.listener.getsockname()[1])

    def _guest_comes(self) -> None:
        self.guests_came += 1

    def connect(self, path: str = "/ws") -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None)

    async def get(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(10):
            response = await reader.read()
        writer.close()
        await writer.wait_closed()
        return response


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Running]:
    running = Running()
    await running.server.start(running.listener)
    yield running
    await running.server.stop()


async def closed(client: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        await client.wait_closed()
    return client.close_code


@pytest.mark.parametrize("path", ["/", "/ws", "/ws?x=1"])
async def test_a_frame_becomes_an_event_of_its_connection(running: Running, path: str) -> None:
    async with running.connect(path) as client:
        opened = await running.events.wait(ConnectionOpened)
        assert opened == ConnectionOpened(opened.connection, "127.0.0.1")
        await client.send("not even JSON")
        assert await running.events.wait(FrameReceived) == FrameReceived(opened.connection, "not even JSON")
    assert await running.events.wait(ConnectionLost) == ConnectionLost(opened.connection)
    assert running.guests_came == 1


async def test_connections_are_told_apart(running: Running) -> None:
    async with running.connect() as one, running.connect() as two:
        first = await running.events.wait(ConnectionOpened)
        second = await running.events.wait(ConnectionOpened)
        running.server.send(second.connection, "for the second")
        running.server.send(first.connection, "for the first")
        assert await one.recv() == "for the first"
        assert await two.recv() == "for the second"


async def test_a_binary_frame_is_refused(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(ConnectionOpened)
        await client.send(b"\x00\x01")
        assert await running.events.wait(FrameRefused) == FrameRefused(opened.connection, Reason.BAD_MESSAGE)


async def test_a_huge_frame_closes_the_connection_before_it_is_read(running: Running) -> None:
    async with running.connect() as client:
        await client.send("x" * (HARD_MESSAGE_BYTES + 1))
        assert await closed(client) == 1009  # message too big (RFC 6455, 7.4.1)
    await running.events.wait(ConnectionLost)
    assert not any(isinstance(event, FrameReceived) for event in running.events.all)


async def test_closing_lets_out_first_what_was_sent(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(ConnectionOpened)
        running.server.send(opened.connection, "last words")
        running.server.close(opened.connection, CloseCode.BAD_MESSAGES)
        assert await client.recv() == "last words"
        assert await closed(client) == CloseCode.BAD_MESSAGES


async def test_a_guest_that_reads_nothing_is_cut_off(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(ConnectionOpened)
        for _ in range(SEND_QUEUE + 1):
            running.server.send(opened.connection, "x")
        assert await closed(client) == 1006  # no closing handshake
    await running.events.wait(ConnectionLost)


async def test_what_comes_too_late_is_dropped(running: Running) -> None:
    async with running.connect():
        opened = await running.events.wait(ConnectionOpened)
    await running.events.wait(ConnectionLost)
    running.server.send(opened.connection, "too late")
    running.server.close(opened.connection, None)


async def test_stopping_closes_connected_guests(running: Running) -> None:
    async with running.connect() as one, running.connect() as two:
        await running.events.wait(ConnectionOpened)
        await running.events.wait(ConnectionOpened)
        await running.server.stop()
        assert [await closed(one), await closed(two)] == [1001, 1001]
    with pytest.raises(OSError, match=r".*"):
        await running.get(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_stopping_does_not_wait_for_half_open_sockets(running: Running) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    async with asyncio.timeout(8):
        await running.server.stop()
    writer.close()


async def test_a_plain_get_answers_with_the_page(running: Running) -> None:
    response = await running.get(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Proxim" in body
    assert b"proxim join" in body
    headers = {line.split(b": ")[0].lower(): line.split(b": ")[1] for line in head.split(b"\r\n")[1:]}
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert b"server" not in headers
    assert not running.events.all


@pytest.mark.parametrize("path", ["/ws", "/etc/passwd", "/../x", "//", "/index.html"])
async def test_every_other_get_is_the_same_404(running: Running, path: str) -> None:
    response = await running.get(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert response.startswith(b"HTTP/1.1 404 ")
    assert response.endswith(b"\r\n\r\nNot found.\n")


async def test_an_upgrade_elsewhere_is_refused(running: Running) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await running.connect("/elsewhere")
    assert caught.value.response.status_code == 404


async def test_rubbish_instead_of_http_does_no_harm(running: Running) -> None:
    await running.get(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    async with running.connect():
        await running.events.wait(ConnectionOpened)


async def test_a_socket_that_breaks_is_lost(running: Running) -> None:
    client = await running.connect()
    await running.events.wait(ConnectionOpened)
    client.transport.abort()
    await running.events.wait(ConnectionLost)
    with pytest.raises(ConnectionClosed):
        await client.recv()
