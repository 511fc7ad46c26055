"""Tests of a guest's dial with real sockets: it opens, or reports why it does not."""

import asyncio
import errno
import http
import socket
import subprocess
import sys
import time

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io import limits
from proxim.io.pairing import client as client_module
from proxim.io.pairing.client import Client
from tests.io.support import UNLIMITED, Events
from tests.loopback import host_address
from tests.namespaces import missing, namespaces
from tests.paths import ROOT
from tests.programs.program import PATIENCE

ID = ev.ConnectionID(1, dialled=True)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def url_of(server: object) -> str:
    port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    return f"ws://127.0.0.1:{port}/ws"


async def failure(url: str) -> Reason:
    events = Events()
    async with asyncio.timeout(PATIENCE):
        await Client(ID, events).run(url)
    assert len(events.all) == 1
    return (await events.wait(pair_ev.DialFailed)).reason


async def test_frames_both_ways_and_a_close_of_ours() -> None:
    events = Events()
    async with serve(echo, "127.0.0.1", 0) as server:
        client = Client(ID, events)
        running = asyncio.create_task(client.run(url_of(server)))
        assert await events.wait(pair_ev.ConnectionOpened) == pair_ev.ConnectionOpened(
            ID, "127.0.0.1"
        )
        client.send("hello")
        assert await events.wait(pair_ev.FrameReceived) == pair_ev.FrameReceived(ID, "hello")
        assert client.close(pair_msg.CloseCode.SESSION_ENDED)
        assert await events.wait(pair_ev.ConnectionLost) == pair_ev.ConnectionLost(ID)
        await running


async def test_before_the_dial_there_is_nothing_to_send_on_or_to_close() -> None:
    client = Client(ID, Events())
    client.send("nobody hears this")
    assert not client.close(None)


async def test_nobody_listens() -> None:
    # On this address no other test takes the port meanwhile.
    address = host_address()
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    assert await failure(f"ws://{address}:{port}/ws") is Reason.REFUSED


async def test_no_way_there() -> None:
    # Class E is reserved (RFC 1112) and has no route; the kernel answers and nothing is sent.
    assert await failure("ws://255.255.255.255:9/ws") in (Reason.UNREACHABLE, Reason.HOST_GONE)


async def test_a_web_server_is_not_proxim() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(http.HTTPStatus.NOT_FOUND, "no such page\n")

    async with serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
        assert await failure(url_of(server)) is Reason.NOT_PROXIM


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_something_else_answers(greeting: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
        assert await failure(url_of(server)) is Reason.NOT_PROXIM


@pytest.mark.parametrize(
    "location",
    ["https://192.0.2.1/", "ws://192.0.2.1:9/ws", "/ws", "gopher://nowhere", "ws://[", ""],
)
async def test_a_redirect_is_not_followed(location: str) -> None:
    asked = 0

    def redirect(connection: ServerConnection, request: Request) -> Response:
        nonlocal asked
        asked += 1
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = location
        return response

    async with serve(echo, "127.0.0.1", 0, process_request=redirect) as server:
        assert await failure(url_of(server)) is Reason.NOT_PROXIM
    assert asked == 1


async def hostile(client: Client, frames: bytes) -> None:
    """Let a host send these frames endlessly, without reading, until the client closes the
    connection.
    """

    async def flood(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        while not connection.transport.is_closing():
            connection.transport.write(frames)
            await connection.drain()

    async with serve(flood, "127.0.0.1", 0, close_timeout=0.1) as server:
        async with asyncio.timeout(PATIENCE):
            await client.run(url_of(server))


async def test_a_host_that_sends_too_fast_is_cut(subtests: pytest.Subtests) -> None:
    cases: list[bytes] = [
        b"\x89\x00",
        b"\x8a\x00",
        b"\x81\x00",
        b"\x82\x7f" + (200_000).to_bytes(8, "big") + bytes(200_000),
    ]
    for frame in cases:
        with subtests.test(frame=frame):
            events = Events()
            began = time.monotonic()
            await hostile(Client(ID, events), frame * (1 + 100_000 // len(frame)))
            assert events.all[0] == pair_ev.ConnectionOpened(ID, "127.0.0.1")
            assert events.all[-1] == pair_ev.ConnectionLost(ID)
            # On a busy machine more frames may come meanwhile; the 2 are the first and last event.
            pace = limits.SIGNALING_PACE.frames
            most = pace.burst + pace.per_second * (time.monotonic() - began)
            assert len(events.all) <= most + 2


async def test_a_host_that_reads_no_answer_to_its_pings_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SIGNALING_PACE", UNLIMITED)
    events = Events()
    await hostile(Client(ID, events), (b"\x89\x7d" + b"x" * 125) * 500)
    assert events.all == [pair_ev.ConnectionOpened(ID, "127.0.0.1"), pair_ev.ConnectionLost(ID)]


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("resets", [True, False])
async def test_a_host_that_cuts_a_connection_without_a_word(reads: bool, resets: bool) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reads:
            await reader.readuntil(b"\r\n\r\n")
        if resets:
            writer.transport.abort()
        else:
            writer.close()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        assert await failure(url_of(server)) is Reason.HOST_FULL


async def test_a_dial_that_nobody_answers_can_be_cancelled() -> None:
    # The kernel accepts the connection, but nobody answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        events = Events()
        dialling = asyncio.create_task(
            Client(ID, events).run(f"ws://127.0.0.1:{silent.getsockname()[1]}/ws")
        )
        accepted, _ = await asyncio.to_thread(silent.accept)
        with accepted:
            dialling.cancel()
            await asyncio.wait([dialling], timeout=10)
        assert dialling.cancelled()
        assert not events.all


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EHOSTUNREACH, "asleep, or kept apart"), Reason.NO_ANSWER),
        (OSError(errno.ENETUNREACH, "no route"), Reason.UNREACHABLE),
        (socket.gaierror(socket.EAI_NONAME, "no such zone"), Reason.UNREACHABLE),
        (TimeoutError(), Reason.NO_ANSWER),
        (ConnectionResetError(), Reason.HOST_FULL),
        (ConnectionAbortedError(), Reason.HOST_FULL),
        (OSError(errno.EMFILE, "no more sockets here"), Reason.HOST_GONE),
    ],
)
async def test_what_the_system_says_in_words_for_people(
    error: OSError, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(client_module, "DirectConnect", refuse)
    assert await failure("ws://127.0.0.1:9/ws") is reason


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["ours", "asyncio"])
def test_a_link_local_host_is_reached(loop: str) -> None:
    """uvloop alone drops the zone of such an address (MagicStack/uvloop#539)."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    program = [sys.executable, "-m", "tests.io.link_local_dial"]
    with namespaces() as place:
        place.add("guest")
        place.add("host")
        # The right interface is not the first one.
        for zone in ("other", "d0"):
            ends = ["type", "veth", "peer", "name", zone, "netns", "host"]
            place.run("ip", "-n", "guest", "link", "add", zone, *ends)
            for side, address in (("guest", "fe80::1/64"), ("host", f"fe80::7{len(zone)}/64")):
                place.run("ip", "-n", side, "link", "set", zone, "up")
                place.run(
                    *("ip", "-n", side, "-6", "address", "add", address, "dev", zone, "nodad")
                )
        serve = place.command("host", *program, "serve", "fe80::72", "d0")
        with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE, text=True) as host:
            assert host.stdout is not None
            assert host.stdout.readline() == "listening\n"
            dial = place.command("guest", *program, loop, "fe80::72", "d0")
            try:
                dialled = subprocess.run(
                    dial, capture_output=True, text=True, timeout=PATIENCE, check=True
                )
                assert dialled.stdout == "reached\n"
            finally:
                host.kill()


async def test_a_zone_that_has_just_gone_is_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "dial_address", lambda url: "fe80::1%nosuchzone")
    assert await failure("ws://[fe80::1%25nosuchzone]:9/ws") is Reason.UNREACHABLE


def test_a_link_local_address_gets_a_zone_of_this_machine() -> None:
    here = [name for _, name in socket.if_nameindex()]
    dialled = client_module.dial_address("ws://[fe80::1%25nosuchzone]:47800/ws")
    assert dialled.partition("%")[2] in here
    assert (
        client_module.dial_address(f"ws://[fe80::1%25{here[0]}]:47800/ws") == f"fe80::1%{here[0]}"
    )
    assert client_module.dial_address("ws://[2001:db8::1]:47800/ws") == "2001:db8::1"
    assert client_module.dial_address("ws://192.0.2.1:47800/ws") == "192.0.2.1"
