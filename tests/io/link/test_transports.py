"""Tests of a link's transports: real lanes and a fake WebRTC peer (real ones: test_peer.py)."""

import asyncio
import secrets
from collections.abc import Callable

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.manifest import TransferID
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.io.link.transports import Transports
from proxim.io.pairing.listener import open_listener
from proxim.io.pairing.server import Server
from tests.io.lane_support import GUEST, HOST, Tasks
from tests.io.support import Events

ID = TransferID("w" * 22)


class FakePeer:
    """Remembers the labels and channels that it was asked for."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.taken: list[int] = []

    def open_stream(self, label: str) -> str:
        self.labels.append(label)
        return "stream"

    def subscribe(self, channel: int, feed: Callable[[bytes], None]) -> None:
        self.taken.append(channel)


def carry_out(ways: Transports, command: do.Command) -> None:
    ways.execute[type(command)](command)


async def test_a_stream_takes_the_way_that_the_machine_names() -> None:
    peer = FakePeer()
    ways = Transports(Events(), Tasks(), {HOST: (peer, None)})  # type: ignore[dict-item]
    stream: object = ways.open(HOST, st.Via.WEBRTC, ID, 3)
    assert stream == "stream"
    assert peer.labels == [f"files/{ID}/3"]
    ways.subscribe(HOST, 5, ID, 3, lambda message: None)
    assert peer.taken == [5]


async def test_a_way_that_has_closed_is_none() -> None:
    ways = Transports(Events(), Tasks(), {})
    carry_out(ways, link_do.CloseLane(HOST))
    assert ways.goodbyes == set()
    assert ways.open(HOST, st.Via.WEBRTC, ID, 0) is None
    assert ways.open(HOST, st.Via.LANE, ID, 0) is None
    for channel in (1, link_ev.LANE_CHANNEL):
        ways.subscribe(ev.LinkID("host-9"), channel, ID, 0, lambda message: None)
    ways.unsubscribe(ID)
    for lane in (False, True):
        assert ways.open_channel(HOST, "screen/x", lane) is None
    assert ways.channel(HOST, 5) is None
    ways.unhear(HOST, "screen/x")


async def test_two_programs_open_a_lane_and_send_over_it() -> None:
    async def loaded(browser: bool) -> None:
        """Do nothing: nothing has to be imported."""

    events, records, tasks = Events(), Events(), Tasks()
    host, guest = Transports(events, tasks, {}), Transports(events, tasks, {})
    server = Server(events, loaded, host.accept)
    listener = open_listener("127.0.0.1", 0)
    await server.start(listener)
    token, key = secrets.token_bytes(16), secrets.token_bytes(32)
    carry_out(host, link_do.ExpectLane(HOST, token, key))
    carry_out(
        guest,
        link_do.DialLane(GUEST, f"ws://127.0.0.1:{listener.getsockname()[1]}/lane", token, key),
    )
    for _ in range(2):
        await events.wait(link_ev.LaneOpened)
    host.subscribe(HOST, link_ev.LANE_CHANNEL, ID, 0, records)
    way = guest.open(GUEST, st.Via.LANE, ID, 0)
    assert way is not None
    await way.send(memoryview(way.prefix + b"records"))
    assert bytes(await records.wait(memoryview)) == b"records"
    # The sink has been closed, but the sender does not know yet.
    host.unsubscribe(ID)
    await way.send(memoryview(way.prefix + b"more"))
    carry_out(guest, link_do.CloseLane(GUEST))
    await asyncio.wait(guest.goodbyes)
    await events.wait(link_ev.LaneLost)
    assert len(records.all) == 1
    await server.stop()
    await tasks.stop()
    assert tasks.crashes == []
