"""Two programs' executors of screens on a real link, as the machines would use them."""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from PIL import Image

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.screen import commands as screen_do
from proxim.core.screen.messages import Monitor
from proxim.core.screen.sight import Moved, PicturesReady, ScreenSight, SharingFigures, Sight
from proxim.io.link.peer import Peer
from proxim.io.link.transports import Transports
from proxim.io.pairing.listener import open_listener
from proxim.io.pairing.server import Server
from proxim.io.screen.capture import Capture
from proxim.io.screen.executor import ScreenExecutor
from tests.io.lane_support import Tasks
from tests.io.screen.desk import until
from tests.io.support import PATIENCE, Events

SHARE = "s" * 22


class Face(threading.Thread):
    """A window: it draws what it takes, and says so, unless it does not answer."""

    def __init__(self, sight: Sight) -> None:
        super().__init__(daemon=True)
        self.sight = sight
        self.ready = threading.Event()
        self.over = False
        self.answers = True
        self.moved = 0
        self.pointer: tuple[int, int] | None = None
        self.view = Image.new("RGB", (1, 1))

    def run(self) -> None:
        while True:
            self.ready.wait()
            self.ready.clear()
            if self.over:
                return
            picture = self.sight.take()
            if picture.pointer is not None:
                self.pointer = picture.pointer.x, picture.pointer.y
            view = self.view.copy()
            if view.size != (picture.width, picture.height):
                view = Image.new("RGB", (picture.width, picture.height))
            for one in picture.changes:
                place = one.place
                if isinstance(one, Moved):
                    box = (
                        *(one.from_x, one.from_y),
                        *(one.from_x + place.width, one.from_y + place.height),
                    )
                    view.paste(view.crop(box), (place.x, place.y))
                    self.moved += 1
                else:
                    new = Image.frombytes("RGB", (place.width, place.height), one.rgb)
                    view.paste(new, (place.x, place.y))
            self.view = view
            if self.answers:
                self.sight.drawn()

    def end(self) -> None:
        self.over = True
        self.ready.set()
        self.join(PATIENCE)


class Side:
    """One program."""

    def __init__(self, name: str, open_screen: Callable[[], Capture] | None = None) -> None:
        self.link = ev.LinkID(name)
        self.events = Events()
        self.figures: list[SharingFigures] = []
        self.faces: list[Face] = []
        self.peer = Peer(self.link, self._report)
        self.task = asyncio.create_task(self.peer.run())
        self.tasks = Tasks()
        self.peers = {self.link: (self.peer, self.task)}
        self.transports = Transports(self._report, self.tasks, self.peers)
        self.screens = ScreenExecutor(self.events, self._publish, self.transports, open_screen)
        # Channels of the other side, by the beginning of their labels.
        self.channels: dict[str, int] = {}
        self.on_channel: Callable[[str, int], None] = lambda label, channel: None

    def _report(self, event: object) -> None:
        self.events(event)
        if isinstance(event, link_ev.ChannelOpened):
            self.on_channel(event.label, event.channel)

    def _publish(self, status: st.Status) -> None:
        if isinstance(status, ScreenSight):
            self.faces.append(Face(status.sight))
            self.faces[-1].start()
        elif isinstance(status, PicturesReady):
            self.faces[-1].ready.set()
        elif isinstance(status, SharingFigures):
            self.figures.append(status)

    def do(self, command: do.Command | screen_do.ScreenCommand) -> None:
        executes: dict[type[Any], Callable[[Any], None]] = {
            **self.screens.execute,
            **self.transports.execute,
        }
        executes[type(command)](command)

    async def stop(self) -> None:
        await self.screens.stop()
        for face in self.faces:
            face.end()
        self.task.cancel()
        await self.peer.close(False)
        self.transports.execute[link_do.CloseLane](link_do.CloseLane(self.link))
        await self.tasks.stop()
        assert self.tasks.crashes == []


class Pair:
    """The one who shows, and the one who sees."""

    def __init__(self, host: Side, guest: Side) -> None:
        self.host = host
        self.guest = guest
        self.monitor = Monitor(0, "", 0, 0, 1, 1)
        guest.on_channel = self._pictures
        host.on_channel = self._input

    def _pictures(self, label: str, channel: int) -> None:
        if label == f"screen/{SHARE}":
            self.guest.do(screen_do.ShowPictures(self.guest.link, SHARE, self.monitor, channel))

    def _input(self, label: str, channel: int) -> None:
        if label == f"input/{SHARE}":
            self.host.do(screen_do.ReceiveInput(self.host.link, SHARE, channel))

    async def find(self) -> tuple[Monitor, ...]:
        from proxim.core.screen.events import ScreensFound

        self.host.do(screen_do.FindScreens(self.host.link))
        found = (await self.host.events.wait(ScreensFound)).monitors
        self.monitor = found[0]
        return found

    def show(self, *, lane: bool = False) -> None:
        if lane and not self.guest.faces:
            self.guest.do(screen_do.ShowPictures(self.guest.link, SHARE, self.monitor))
        self.host.do(screen_do.SendPictures(self.host.link, SHARE, self.monitor, 9, 9, lane))

    async def link(self) -> None:
        self.guest.peer.offer()
        offer = await self.guest.events.wait(link_ev.PeerDescribed)
        self.host.peer.apply(offer.type, offer.sdp)
        answer = await self.host.events.wait(link_ev.PeerDescribed)
        self.guest.peer.apply(answer.type, answer.sdp)
        for side in (self.guest, self.host):
            await side.events.wait(link_ev.ChannelOpened)

    async def open_lane(self, port: int) -> None:
        token, key = secrets.token_bytes(16), secrets.token_bytes(32)
        self.host.do(link_do.ExpectLane(self.host.link, token, key))
        url = f"ws://127.0.0.1:{port}/lane"
        self.guest.do(link_do.DialLane(self.guest.link, url, token, key))
        for side in (self.guest, self.host):
            await side.events.wait(link_ev.LaneOpened)

    async def sees(self, fits: Callable[[Face], object]) -> Face:
        """Wait until the newest face fits."""
        await until(lambda: self.guest.faces and fits(self.guest.faces[-1]))
        return self.guest.faces[-1]


@contextlib.asynccontextmanager
async def linked_pair(
    open_screen: Callable[[], Capture] | None = None,
) -> AsyncIterator[Pair]:
    # Other tests of the same process may have left threads that end when they like.
    others = {*threading.enumerate()}
    pair = Pair(Side("host", open_screen), Side("guest"))
    await pair.link()
    try:
        yield pair
    finally:
        await pair.host.stop()
        await pair.guest.stop()
        running = {one.name for one in threading.enumerate() if one not in others}
        assert {one for one in running if one.startswith("proxim-")} == set()


@contextlib.asynccontextmanager
async def server_of(pair: Pair) -> AsyncIterator[int]:
    """Serve the host's lanes; yield the port."""

    async def loaded(browser: bool) -> None:
        """Do nothing: nothing has to be imported."""

    server = Server(Events(), loaded, pair.host.transports.accept)
    listener = open_listener("127.0.0.1", 0)
    await server.start(listener)
    try:
        yield int(listener.getsockname()[1])
    finally:
        for side in (pair.host, pair.guest):
            side.do(link_do.CloseLane(side.link))
        await server.stop()
