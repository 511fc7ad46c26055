"""Helpers for tests of lanes: a host's server with its lanes, a guest's lanes, and a proxy between
them that can cut the connection or change a byte.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from proxim.core import events as ev
from proxim.core.files.manifest import TransferID
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.io.link.lane import LaneReport, Lanes
from proxim.io.pairing.listener import open_listener
from proxim.io.pairing.server import Server
from tests.io.support import Events

HOST, GUEST = ev.LinkID("host-1"), ev.LinkID("guest-1")
TRANSFER = TransferID("t" * 22)


class Tasks:
    """Replaces Runtime.spawn; a crash of a task fails the test."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.crashes: list[BaseException] = []

    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.crashes.append(error)

    async def idle(self) -> None:
        """Wait until all running tasks have ended."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)


class End:
    """One program's lanes; each lane that opens subscribes to `generation` of TRANSFER."""

    def __init__(self, generation: int = 1) -> None:
        self.events = Events()
        self.records = Events()
        self.tasks = Tasks()
        self.generation = generation
        self.lanes = Lanes(self._report, self.tasks)

    def _report(self, event: LaneReport) -> None:
        self.events(event)
        if isinstance(event, link_ev.LaneOpened):
            self.lanes.subscribe(
                event.link, TRANSFER, self.generation, lambda message: self.records(bytes(message))
            )


class Room:
    """Both ends; the guest connects to the host's port, or to a proxy's."""

    def __init__(self) -> None:
        self.host = End()
        self.guest = End()
        # Connections other than lanes report their events here.
        self.others = Events()
        self.server = Server(self.others, self._loaded, self.host.lanes.accept)
        self.listener = open_listener("127.0.0.1", 0)
        self.port = int(self.listener.getsockname()[1])

    async def _loaded(self, browser: bool) -> None:
        """Do nothing: nothing has to be imported."""

    def dial(
        self, token: bytes, key: bytes, *, port: int | None = None, carries_link: bool = False
    ) -> None:
        url = f"ws://127.0.0.1:{port or self.port}/lane"
        self.guest.lanes.dial(link_do.DialLane(GUEST, url, token, key, carries_link))

    async def open_lane(self, *, carries_link: bool = False) -> None:
        token, key = secrets.token_bytes(16), secrets.token_bytes(32)
        self.host.lanes.expect(link_do.ExpectLane(HOST, token, key))
        self.dial(token, key, carries_link=carries_link)
        assert await self.guest.events.wait(link_ev.LaneOpened) == link_ev.LaneOpened(
            GUEST, carries_link
        )
        assert await self.host.events.wait(link_ev.LaneOpened) == link_ev.LaneOpened(
            HOST, carries_link
        )


@contextlib.asynccontextmanager
async def lane_room() -> AsyncIterator[Room]:
    room = Room()
    await room.server.start(room.listener)
    try:
        yield room
    finally:
        for link, end in ((HOST, room.host), (GUEST, room.guest)):
            end.lanes.close(link)
            await end.tasks.stop()
        await room.server.stop()
        assert [*room.host.tasks.crashes, *room.guest.tasks.crashes] == []


@contextlib.asynccontextmanager
async def proxy(
    room: Room, *, cut_at: int | None = None, flip_at: int | None = None
) -> AsyncIterator[int]:
    """Yield a port that leads to the host's server.

    At byte `flip_at` of what the guest sends after its request, one bit is changed; nothing from
    byte `cut_at` on is passed.
    """

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, spoil: bool
    ) -> None:
        # The host answers only requests with its own address. The bytes are counted after the
        # request.
        if spoil:
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(
                request.replace(
                    f"Host: 127.0.0.1:{port}".encode(), f"Host: 127.0.0.1:{room.port}".encode()
                )
            )
        passed = 0
        while data := bytearray(await reader.read(65536)):
            if spoil and flip_at is not None and passed <= flip_at < passed + len(data):
                data[flip_at - passed] ^= 1
            if spoil and cut_at is not None and passed + len(data) >= cut_at:
                writer.write(data[: cut_at - passed])
                await writer.drain()
                return
            passed += len(data)
            writer.write(data)
            await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", room.port)
        ways = [
            asyncio.create_task(pass_on(reader, there_writer, spoil=True)),
            asyncio.create_task(pass_on(there_reader, writer, spoil=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            for way in ways:
                if not way.cancelled():
                    # asyncio would log an exception that is not read.
                    way.exception()
            for end in (writer, there_writer):
                end.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield port
