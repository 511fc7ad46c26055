"""Tests of the server alone with real sockets: what reaches the machine, and what never does."""

import asyncio
import base64
import contextlib
import gc
import gzip
import http
import json
import logging
import socket
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets import http11 as limits_of_http
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.frames import Frame
from websockets.server import ServerProtocol
from websockets.typing import Origin

from proxim.core.errors import Reason
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io import limits
from proxim.io.limits import HARD_MESSAGE_BYTES, SEND_QUEUE
from proxim.io.pairing.listener import ListenError, open_listener
from proxim.io.pairing.server import Server
from tests.io.support import PATIENCE, UNLIMITED, Events
from tests.loopback import host_address


class Running:
    """A server on a port of the loopback address."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self.events = Events()
        self.guests_came = 0
        self.browsers_came = 0
        self.server = Server(self.events, self._guest_comes)
        self.listener = open_listener(address, None)
        self.port = int(self.listener.getsockname()[1])

    def begin_case(self) -> None:
        """Forget earlier events, so that no case sees those of another."""
        self.guests_came = self.browsers_came = 0
        self.events.all.clear()

    async def _guest_comes(self, browser: bool) -> None:
        self.guests_came += 1
        self.browsers_came += browser

    def connect(self, path: str = "/ws", origin: Origin | None = None) -> connect:
        return connect(f"ws://{self.address}:{self.port}{path}", proxy=None, origin=origin)

    def request(
        self, method: str = "GET", path: str = "/", host: str | None = None, **more: str
    ) -> bytes:
        headers = {"Host": f"{self.address}:{self.port}" if host is None else host, **more}
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    async def get(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
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


@pytest_asyncio.fixture
async def ipv6() -> AsyncIterator[Running]:
    try:
        running = Running("::1")
    except ListenError:
        pytest.skip("this machine has no IPv6")
    await running.server.start(running.listener)
    yield running
    await running.server.stop()


async def closed(client: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE):
        await client.wait_closed()
    return client.close_code


@pytest.mark.parametrize("path", ["/", "/ws", "/ws?x=1"])
async def test_a_frame_becomes_an_event_of_its_connection(running: Running, path: str) -> None:
    async with running.connect(path) as client:
        opened = await running.events.wait(pair_ev.ConnectionOpened)
        assert opened == pair_ev.ConnectionOpened(opened.connection, "127.0.0.1")
        await client.send("not even JSON")
        assert await running.events.wait(pair_ev.FrameReceived) == pair_ev.FrameReceived(
            opened.connection, "not even JSON"
        )
    assert await running.events.wait(pair_ev.ConnectionLost) == pair_ev.ConnectionLost(
        opened.connection, 1000
    )
    assert (running.guests_came, running.browsers_came) == (1, 0)


async def test_a_browser_is_known_by_its_origin(running: Running) -> None:
    origin = Origin(f"http://{running.address}:{running.port}")
    async with running.connect(origin=origin):
        await running.events.wait(pair_ev.ConnectionOpened)
    assert (running.guests_came, running.browsers_came) == (1, 1)


async def test_connections_are_told_apart(running: Running) -> None:
    async with running.connect() as one, running.connect() as two:
        first = await running.events.wait(pair_ev.ConnectionOpened)
        second = await running.events.wait(pair_ev.ConnectionOpened)
        running.server.send(second.connection, "for the second")
        running.server.send(first.connection, "for the first")
        assert await one.recv() == "for the first"
        assert await two.recv() == "for the second"


async def test_a_binary_frame_is_refused(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(pair_ev.ConnectionOpened)
        await client.send(b"\x00\x01")
        assert await running.events.wait(pair_ev.FrameRefused) == pair_ev.FrameRefused(
            opened.connection, Reason.BAD_MESSAGE
        )


async def test_a_huge_frame_closes_the_connection_before_it_is_read(running: Running) -> None:
    async with running.connect() as client:
        await client.send("x" * (HARD_MESSAGE_BYTES + 1))
        # The close code means "message too big" (RFC 6455, 7.4.1).
        assert await closed(client) == 1009
    await running.events.wait(pair_ev.ConnectionLost)
    assert not any(isinstance(event, pair_ev.FrameReceived) for event in running.events.all)


async def test_closing_lets_out_first_what_was_sent(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(pair_ev.ConnectionOpened)
        running.server.send(opened.connection, "last words")
        running.server.close(opened.connection, pair_msg.CloseCode.BAD_MESSAGES)
        assert await client.recv() == "last words"
        assert await closed(client) == pair_msg.CloseCode.BAD_MESSAGES


async def test_a_guest_that_reads_nothing_is_cut_off(running: Running) -> None:
    async with running.connect() as client:
        opened = await running.events.wait(pair_ev.ConnectionOpened)
        for _ in range(SEND_QUEUE + 1):
            running.server.send(opened.connection, "x")
        # There was no closing handshake.
        assert await closed(client) == 1006
    await running.events.wait(pair_ev.ConnectionLost)


async def test_what_comes_too_late_is_dropped(running: Running) -> None:
    async with running.connect():
        opened = await running.events.wait(pair_ev.ConnectionOpened)
    await running.events.wait(pair_ev.ConnectionLost)
    running.server.send(opened.connection, "too late")
    running.server.close(opened.connection, None)


async def test_stopping_closes_connected_guests() -> None:
    # This test uses an address of its own, because another test could take the freed port on the
    # common one.
    running = Running(host_address())
    await running.server.start(running.listener)
    async with running.connect() as one, running.connect() as two:
        await running.events.wait(pair_ev.ConnectionOpened)
        await running.events.wait(pair_ev.ConnectionOpened)
        await running.server.stop()
        assert [await closed(one), await closed(two)] == [1001, 1001]
    with pytest.raises(ConnectionRefusedError):
        await running.get(running.request())


async def test_stopping_does_not_wait_for_half_open_sockets(running: Running) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    async with asyncio.timeout(8):
        await running.server.stop()
    writer.close()


# --- answers to requests --------------------------------------------------------------------------


def split(response: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return (
        int(status.split(" ")[1]),
        {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)},
        body,
    )


PROTECTED = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "connection": "close",
}


def assert_protected(headers: dict[str, str], port: int) -> None:
    assert PROTECTED.items() <= headers.items()
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert (
        policy["default-src"]
        == policy["frame-ancestors"]
        == policy["base-uri"]
        == policy["form-action"]
        == "'none'"
    )
    assert policy["connect-src"] == f"'self' ws://127.0.0.1:{port}"
    assert "unsafe" not in headers["content-security-policy"]
    assert "*" not in headers["content-security-policy"]
    assert not {"server", "set-cookie", "access-control-allow-origin"} & headers.keys()


async def test_a_plain_get_answers_with_the_page(running: Running) -> None:
    status, headers, body = split(await running.get(running.request()))
    assert status == 200
    assert b"Proxim" in body
    assert b"proxim join" in body
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert_protected(headers, running.port)
    # The content security policy would block these.
    assert b"<style" not in body
    assert b" style=" not in body
    assert not running.events.all
    assert running.guests_came == 0


async def test_the_pages_files_are_served_under_the_same_policy(running: Running) -> None:
    for path, kind in (
        ("/app.mjs", "text/javascript"),
        ("/pairing/ask.mjs", "text/javascript"),
        ("/style.css", "text/css"),
        ("/texts.json", "application/json"),
    ):
        status, headers, body = split(await running.get(running.request(path=path)))
        assert (status, headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert body
        assert_protected(headers, running.port)


async def test_a_browser_that_reads_gzip_gets_it(running: Running) -> None:
    request = running.request(path="/app.mjs", **{"Accept-Encoding": "gzip, deflate"})
    _, headers, body = split(await running.get(request))
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(body)
    assert gzip.decompress(body) == split(await running.get(running.request(path="/app.mjs")))[2]
    assert_protected(headers, running.port)


async def test_the_words_come_in_the_language_that_is_asked_for(running: Running) -> None:
    request = running.request(
        path="/texts.json", **{"Accept-Language": "xx, de-AT;q=0.9, en;q=0.5"}
    )
    assert json.loads(split(await running.get(request))[2])["language"] == "de"


UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Version": "13",
}


async def test_every_other_get_is_the_same_404(running: Running, subtests: pytest.Subtests) -> None:
    for path in ["/ws", "/etc/passwd", "/../x", "//", "/index.html", "http://x/", "*"]:
        with subtests.test(path=path):
            status, headers, body = split(await running.get(running.request(path=path)))
            assert (status, body) == (404, b"Not Found.\n")
            assert_protected(headers, running.port)


async def test_only_get(running: Running, subtests: pytest.Subtests) -> None:
    for method in ["POST", "PUT", "OPTIONS", "DELETE", "TRACE", "CONNECT", "get", "X"]:
        for upgrade in [{}, UPGRADE]:
            with subtests.test(method=method, upgrade=upgrade):
                running.begin_case()
                status, headers, body = split(
                    await running.get(running.request(method=method, **upgrade))
                )
                assert (status, headers["allow"], body) == (405, "GET", b"Method Not Allowed.\n")
                assert_protected(headers, running.port)
                assert running.guests_came == 0


async def test_another_host_is_misdirected(running: Running, subtests: pytest.Subtests) -> None:
    host_cases: list[str] = [
        "evil.example",
        # This is DNS rebinding: the attacker's name leads to our address.
        "evil.example:{port}",
        "localhost:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "127.1:{port}",
        "0177.0.0.1:{port}",
        "127.0.0.2:{port}",
        "[::1]:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}, evil.example",
        "[..]:{port}",
        "",
    ]
    for host in host_cases:
        for upgrade in [{}, UPGRADE]:
            with subtests.test(host=host, upgrade=upgrade):
                running.begin_case()
                request = running.request(host=host.format(port=running.port), **upgrade)
                status, headers, body = split(await running.get(request))
                assert (status, body) == (421, b"Misdirected Request.\n")
                assert_protected(headers, running.port)
                assert not running.events.all
                assert running.guests_came == 0


async def test_no_host_and_two_hosts_are_misdirected(running: Running) -> None:
    assert split(await running.get(b"GET / HTTP/1.1\r\n\r\n"))[0] == 421
    own = f"Host: 127.0.0.1:{running.port}\r\n"
    assert split(await running.get(f"GET / HTTP/1.1\r\n{own}{own}\r\n".encode()))[0] == 421


async def test_a_page_from_elsewhere_is_refused(
    running: Running, caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    origin_cases: list[str] = [
        "null",
        "",
        "http://evil.example",
        "http://evil.example:{port}",
        "http://localhost:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example",
        "http://127.0.0.1:{port}.evil.example",
        "chrome-extension://abcdef",
        "file://",
    ]
    for origin in origin_cases:
        for upgrade in [{}, UPGRADE]:
            with subtests.test(origin=origin, upgrade=upgrade):
                running.begin_case()
                caplog.clear()
                caplog.set_level(logging.INFO, "proxim")
                request = running.request(Origin=origin.format(port=running.port), **upgrade)
                status, headers, body = split(await running.get(request))
                assert (status, body) == (403, b"Forbidden.\n")
                assert_protected(headers, running.port)
                assert "was answered 403" in caplog.text
                assert not running.events.all
                assert running.guests_came == 0


async def test_our_own_page_may_open_the_socket(running: Running) -> None:
    async with running.connect(origin=Origin(f"http://127.0.0.1:{running.port}")):
        await running.events.wait(pair_ev.ConnectionOpened)


async def test_one_foreign_origin_among_ours_is_refused(running: Running) -> None:
    own = f"Origin: http://127.0.0.1:{running.port}\r\nOrigin: null\r\n"
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n{own}\r\n"
    assert split(await running.get(request.encode()))[0] == 403


async def test_a_broken_handshake_gets_a_uniform_answer(
    running: Running, subtests: pytest.Subtests
) -> None:
    cases: list[dict[str, str]] = [
        {"Sec-WebSocket-Key": "<script>"},
        {"Sec-WebSocket-Version": "7"},
        {"Upgrade": "h2c"},
        {"Upgrade": ""},
    ]
    for wrong in cases:
        with subtests.test(wrong=wrong):
            status, headers, body = split(
                await running.get(running.request(**{**UPGRADE, **wrong}))
            )
            assert (status, body) == (400, b"Bad Request.\n")
            assert_protected(headers, running.port)


async def test_what_is_refused_before_it_is_a_request_gets_a_uniform_answer(
    running: Running, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[int, int, int, http.HTTPStatus]] = [
        (limits_of_http.MAX_LINE_LENGTH, 1, 1, http.HTTPStatus(414)),
        (1, limits_of_http.MAX_LINE_LENGTH, 1, http.HTTPStatus(431)),
        (1, 1, limits_of_http.MAX_NUM_HEADERS + 1, http.HTTPStatus(431)),
    ]
    for line, header, count, expected in cases:
        with subtests.test(expected=expected):
            running.begin_case()
            headers = "".join(f"X-{index}: {'<' * header}\r\n" for index in range(count))
            request = f"GET /{'<' * line} HTTP/1.1\r\n{headers}\r\n".encode()
            # A larger request would be cut off while it arrives.
            assert len(request) < limits.MAX_REQUEST_BYTES
            status, answered, body = split(await running.get(request))
            assert (status, body) == (expected, f"{expected.phrase}.\n".encode())
            assert_protected(answered, running.port)
            # All refusals have the same headers.
            assert answered.keys() == split(await running.get(running.request(path="/x")))[1].keys()
            assert running.guests_came == 0


async def test_what_is_no_request_gets_no_answer_at_all(
    running: Running, subtests: pytest.Subtests
) -> None:
    cases: list[str] = [
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\nbody",
        "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: {host}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nno colon\r\n\r\n",
        "rubbish\r\n\r\n",
    ]
    for request_text in cases:
        with subtests.test(request_text=request_text):
            running.begin_case()
            assert (
                await running.get(request_text.format(host=f"127.0.0.1:{running.port}").encode())
                == b""
            )
            assert running.guests_came == 0


async def test_what_websockets_says_when_something_breaks_is_replaced_too(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(running.server, "_is_ours", breaks)
    status, headers, body = split(await running.get(running.request()))
    assert (status, body) == (500, b"Internal Server Error.\n")
    assert_protected(headers, running.port)


async def test_an_ipv6_host_is_told_with_and_without_its_zone(ipv6: Running) -> None:
    for host in ("[::1]:{port}", "[0:0::1]:{port}", "[::1%25lo]:{port}"):
        assert split(await ipv6.get(ipv6.request(host=host.format(port=ipv6.port))))[0] == 200
    assert split(await ipv6.get(ipv6.request(host=f"[::2]:{ipv6.port}")))[0] == 421


async def test_an_upgrade_elsewhere_is_refused(running: Running) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await running.connect("/elsewhere")
    assert caught.value.response.status_code == 404


# --- limits on connections ------------------------------------------------------------------------


async def opened(
    port: int, source: str | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    local = None if source is None else (source, 0)
    return await asyncio.open_connection("127.0.0.1", port, local_addr=local)


async def is_cut_off(reader: asyncio.StreamReader) -> bool:
    """Return whether the server cut this connection; False means that it answered a request."""
    # After REQUEST_SECONDS the server would cut the connection anyway.
    async with asyncio.timeout(2):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def test_half_open_sockets_count_and_one_address_has_eight(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "proxim")
    holding = [await opened(running.port) for _ in range(limits.MAX_SOCKETS_OF_ONE_ADDRESS)]
    reader, writer = await opened(running.port)
    assert await is_cut_off(reader)
    assert "a connection from 127.0.0.1 was cut: it has 8 already" in caplog.text
    writer.close()
    # There is room for a connection again.
    holding.pop()[1].close()
    assert split(await until_answered(running))[0] == 200
    for _, one in holding:
        one.close()


async def until_answered(running: Running) -> bytes:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                response = await running.get(running.request())
            except ConnectionError:
                continue
            if response:
                return response


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a single loopback address")
async def test_thirty_two_in_all(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "proxim")
    sources = [
        f"127.1.0.{1 + index // (limits.CROWD_SOCKETS - 1)}" for index in range(limits.MAX_SOCKETS)
    ]
    holding = [await opened(running.port, source) for source in sources]
    reader, writer = await opened(running.port, "127.1.0.200")
    assert await is_cut_off(reader)
    assert "a connection from 127.1.0.200 was cut: all 32 places are taken" in caplog.text
    writer.close()
    for _, one in holding:
        one.close()
    assert split(await until_answered(running))[0] == 200


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a single loopback address")
async def test_a_lane_does_not_make_room(running: Running) -> None:
    sources = [
        f"127.1.2.{1 + index // limits.MAX_SOCKETS_OF_ONE_ADDRESS}"
        for index in range(limits.MAX_SOCKETS)
    ]
    crowd = [await opened(running.port, source) for source in sources]
    readers = [reader for reader, _ in crowd]
    async with asyncio.timeout(PATIENCE):
        # The server does not report this.
        while len(running.server._open_connections) < limits.MAX_SOCKETS:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    lanes = list(running.server._open_connections)[: limits.MAX_SOCKETS_OF_ONE_ADDRESS]
    lanes[0].is_lane = True
    first, one_more = await opened(running.port, "127.1.2.200")
    # The oldest connection that is no lane is cut.
    assert await is_cut_off(readers[1])
    assert lanes[0] in running.server._open_connections
    one_more.close()
    for _, one in crowd:
        one.close()
    assert not first.at_eof()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a single loopback address")
async def test_a_crowd_makes_room_for_who_holds_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "proxim")
    sources = [
        f"127.1.1.{1 + index // limits.MAX_SOCKETS_OF_ONE_ADDRESS}"
        for index in range(limits.MAX_SOCKETS)
    ]
    crowd = [await opened(running.port, source) for source in sources]
    readers = [reader for reader, _ in crowd]
    newcomer, writer = await opened(running.port, "127.1.1.200")
    # The busiest address loses its oldest connection.
    assert await is_cut_off(readers[0])
    assert "one of 8 connections from 127.1.1.1 was cut to make room" in caplog.text
    writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n\r\n".encode())
    assert (await newcomer.readline()).startswith(b"HTTP/1.1 200 ")
    for _, one in (*crowd, (newcomer, writer)):
        one.close()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a single loopback address")
async def test_a_phone_that_loads_its_page_keeps_its_request(running: Running) -> None:
    """The address holds most connections only for a moment; it loses one for a file that it can
    fetch again.
    """
    request = await running.connect()
    loading = [await opened(running.port, "127.0.0.1") for _ in range(5)]
    others = limits.MAX_SOCKETS - 1 - len(loading)
    rest = [
        await opened(running.port, f"127.1.3.{1 + index // limits.CROWD_SOCKETS}")
        for index in range(others)
    ]
    newcomer, writer = await opened(running.port, "127.1.3.200")
    assert await is_cut_off(loading[0][0])
    await (await request.ping())
    writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n\r\n".encode())
    assert (await newcomer.readline()).startswith(b"HTTP/1.1 200 ")
    await request.close()
    for _, one in (*loading, *rest, (newcomer, writer)):
        one.close()


async def test_open_guests_count_too(running: Running) -> None:
    clients = [await running.connect() for _ in range(limits.MAX_SOCKETS_OF_ONE_ADDRESS)]
    with pytest.raises((InvalidMessage, OSError)):
        await running.connect()
    for client in clients:
        await client.close()


async def test_slow_openers_are_dropped(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.2)
    slow = Running()
    await slow.server.start(slow.listener)
    try:
        for said in (b"", b"GET /ws HTTP/1.1\r\nHost: "):
            reader, writer = await opened(slow.port)
            writer.write(said)
            assert await is_cut_off(reader)
            writer.close()
    finally:
        await slow.server.stop()


async def test_a_huge_request_is_cut_off_while_it_comes(running: Running) -> None:
    reader, writer = await opened(running.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    for index in range(limits.MAX_REQUEST_BYTES // 1024 + 1):
        writer.write(f"X-{index}: {'x' * 1024}\r\n".encode())
    assert await is_cut_off(reader)
    writer.close()


async def test_memory_stays_flat_under_a_flood(running: Running) -> None:
    # Some things are made once, by the first request.
    await running.get(running.request())
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10):
            flood = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(30)]
            for one in flood:
                one.settimeout(0)
            dropped = 0
            # The server cuts them at once, not after REQUEST_SECONDS.
            async with asyncio.timeout(limits.REQUEST_SECONDS / 2):
                while dropped < len(flood) - limits.MAX_SOCKETS_OF_ONE_ADDRESS:
                    await asyncio.sleep(0)
                    dropped = sum(is_closed(one) for one in flood)
            for one in flood:
                one.close()
            assert split(await until_answered(running))[0] == 200
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 300_000
    assert peak - before < 3_000_000


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


# --- limits on speed ------------------------------------------------------------------------------

PING, PONG, TEXT, PIECE = (bytes([first, 0x80, 0, 0, 0, 0]) for first in (0x89, 0x8A, 0x81, 0x00))
LARGE = b"\x82\xff" + (200_000).to_bytes(8, "big") + bytes(4) + bytes(200_000)


async def open_websocket(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket without a library, which would keep to the rules."""
    reader, writer = await opened(running.port)
    key = base64.b64encode(bytes(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize(
    ("flood", "why"),
    [
        (PING * 40_000, "frames"),
        (PONG * 40_000, "frames"),
        (b"\x01" + PIECE[1:] + PIECE * 40_000, "frames"),
        (TEXT * 40_000, "frames"),
        (LARGE * 20, "bytes"),
    ],
    ids=["pings", "pongs", "pieces", "texts", "bytes"],
)
async def test_a_socket_that_sends_too_fast_is_cut(
    running: Running, flood: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "proxim")
    reader, writer = await open_websocket(running)
    honest = await running.connect()
    first, second = (
        await running.events.wait(pair_ev.ConnectionOpened),
        await running.events.wait(pair_ev.ConnectionOpened),
    )
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        writer.write(flood)
        await writer.drain()
    lost = await running.events.wait(pair_ev.ConnectionLost)
    assert lost == pair_ev.ConnectionLost(first.connection)
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while await reader.read(65536):
                pass
    assert f"was cut: it sent too many {why}" in caplog.text
    frames = [
        event
        for event in running.events.all
        if isinstance(event, pair_ev.FrameReceived | pair_ev.FrameRefused)
    ]
    # On a busy machine the test takes a while, in which more frames may come.
    pace = limits.SIGNALING_PACE.frames
    assert len(frames) <= pace.burst + pace.per_second * (time.monotonic() - began)
    await honest.send("as if nothing had happened")
    assert (await running.events.wait(pair_ev.FrameReceived)).connection == second.connection
    await honest.close()
    writer.close()


async def test_one_read_is_parsed_no_further_than_the_limit(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single read can hold 43,690 pings, and parsing them all took a tenth of a second."""
    parsed = 0
    count = ServerProtocol.recv_frame

    def counted(self: ServerProtocol, frame: Frame) -> None:
        nonlocal parsed
        parsed += 1
        count(self, frame)

    monkeypatch.setattr(ServerProtocol, "recv_frame", counted)
    _, writer = await open_websocket(running)
    with contextlib.suppress(ConnectionError):
        writer.write(PING * 43_690)
        await writer.drain()
    await running.events.wait(pair_ev.ConnectionLost)
    assert parsed == limits.SIGNALING_PACE.controls.burst
    writer.close()


async def test_a_socket_within_the_limit_is_answered(running: Running) -> None:
    async with running.connect() as client:
        async with asyncio.timeout(PATIENCE):
            for _ in range(int(limits.SIGNALING_PACE.controls.burst) // 2):
                await (await client.ping())
        # These have the largest size that is read at all; a stranger may send them.
        for _ in range(7):
            await client.send("x" * limits.HARD_MESSAGE_BYTES)
        await client.send("the last")
        await running.events.wait(pair_ev.FrameReceived, lambda frame: frame.text == "the last")


# --- errors ---------------------------------------------------------------------------------------


async def test_rubbish_instead_of_http_does_no_harm(running: Running) -> None:
    await running.get(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    async with running.connect():
        await running.events.wait(pair_ev.ConnectionOpened)


async def test_a_socket_that_breaks_is_lost(running: Running) -> None:
    client = await running.connect()
    await running.events.wait(pair_ev.ConnectionOpened)
    client.transport.abort()
    await running.events.wait(pair_ev.ConnectionLost)
    with pytest.raises(ConnectionClosed):
        await client.recv()


async def test_a_guest_that_pings_and_never_reads_is_cut_off(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """websockets answers every ping; unread answers would fill the memory (36 MB a second were
    seen).
    """
    monkeypatch.setattr(limits, "SIGNALING_PACE", UNLIMITED)
    _, writer = await open_websocket(running)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    ping = b"\x89\xfd" + bytes(4) + b"x" * 125
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while not any(
                isinstance(event, pair_ev.ConnectionLost) for event in running.events.all
            ):
                writer.write(ping * 500)
                await writer.drain()
    await running.events.wait(pair_ev.ConnectionLost)
    writer.close()
