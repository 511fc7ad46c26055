"""Tests that no packet goes to an address that the filter leaves out, with recording sockets and
real aiortc.

The same test without the filter shows that the sockets do receive ICE's checks, so their silence
means something.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxim.core import events as ev
from proxim.core.link import events as link_ev
from proxim.core.link.signaling import PeerFilter
from proxim.core.pairing import messages as pair_msg
from proxim.io.link.peer import Peer
from tests.io.support import PATIENCE, Events

LOW_PORTS = range(600, 1024)


class Recorder(asyncio.DatagramProtocol):
    """A UDP socket that ICE must not find; `heard` is set by a packet."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.set()


async def listen(
    address: str, ports: range | None = None, foundation: str = "1", priority: int = 2130706431
) -> tuple[asyncio.DatagramTransport, Recorder, str]:
    """Return a transport, its recorder and the candidate that leads to it."""
    for port in ports or (0,):
        with contextlib.suppress(OSError):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, port))
            break
        sock.close()
    transport, recorder = await asyncio.get_running_loop().create_datagram_endpoint(
        Recorder, sock=sock
    )
    host, port = sock.getsockname()
    return transport, recorder, f"candidate:{foundation} 1 udp {priority} {host} {port} typ host"


@pytest_asyncio.fixture
async def recorders(own_address: str) -> AsyncIterator[list[tuple[Recorder, str]]]:
    """Yield recorders at loopback and, for root, at a port below 1024 of this machine's own
    address.
    """
    places: list[tuple[str, range | None]] = [("127.0.0.1", None)]
    # Windows lets everybody use such ports.
    if getattr(os, "geteuid", int)() == 0:
        places.append((own_address, LOW_PORTS))
    listening = [await listen(*place, foundation=str(index)) for index, place in enumerate(places)]
    yield [(recorder, candidate) for _, recorder, candidate in listening]
    for transport, _, _ in listening:
        transport.close()


class End:
    """A peer with its events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events = Events()
        self.peer = Peer(ev.LinkID(name), self.events)
        self.task = asyncio.create_task(self.peer.run())


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    ends = End("guest"), End("host")
    yield ends
    for end in ends:
        end.task.cancel()
        await end.peer.close(said_bye=False)


def without_candidates(sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if "candidate" not in line)


@pytest.mark.parametrize("beside", [False, True], ids=["inside", "beside"])
@pytest.mark.parametrize("filtered", [False, True], ids=["unfiltered", "filtered"])
async def test_only_the_filter_keeps_them_silent(
    ends: tuple[End, End],
    recorders: list[tuple[Recorder, str]],
    own_address: str,
    filtered: bool,
    beside: bool,
) -> None:
    guest, host = ends
    decoy_transport, decoy, decoy_candidate = await listen(
        own_address, foundation="last", priority=1
    )
    candidates = [*(candidate for _, candidate in recorders), decoy_candidate]
    guest.peer.offer()
    offer = without_candidates((await guest.events.wait(link_ev.PeerDescribed)).sdp)
    offer += "" if beside else "".join(f"a={candidate}\r\n" for candidate in candidates)
    trickled = [pair_msg.Candidate(candidate) for candidate in candidates] if beside else []
    if filtered:
        give(host, pair_msg.SDPType.OFFER, offer, trickled, own_address)
    else:
        host.peer.apply(pair_msg.SDPType.OFFER, offer)
        for candidate in trickled:
            host.peer.add_candidate(candidate)
    async with asyncio.timeout(PATIENCE):
        # The decoy has the least priority, so ICE has tried all others before.
        await decoy.heard.wait()
    decoy_transport.close()
    # Earlier packets are in the recorders' sockets already; the loop only has to read them.
    await asyncio.sleep(0)
    assert [recorder.heard.is_set() for recorder, _ in recorders] == [not filtered] * len(recorders)


@pytest.mark.parametrize("beside", [False, True], ids=["inside", "beside"])
@pytest.mark.parametrize("victim", ["host", "guest"])
async def test_the_link_opens_past_them(
    ends: tuple[End, End],
    recorders: list[tuple[Recorder, str]],
    own_address: str,
    beside: bool,
    victim: str,
) -> None:
    guest, host = ends
    forbidden = [candidate for _, candidate in recorders]
    inside = "".join(f"a={candidate}\r\n" for candidate in forbidden)
    trickled = [pair_msg.Candidate(candidate) for candidate in forbidden]
    guest.peer.offer()
    for end, other, type in (
        (host, guest, pair_msg.SDPType.OFFER),
        (guest, host, pair_msg.SDPType.ANSWER),
    ):
        sdp = (await other.events.wait(link_ev.PeerDescribed)).sdp
        hostile = victim == end.name
        give(
            end,
            type,
            sdp + (inside if hostile and not beside else ""),
            trickled if hostile and beside else [],
            own_address,
        )
    for end in ends:
        await end.events.wait(link_ev.ChannelOpened)
    assert not any(recorder.heard.is_set() for recorder, _ in recorders)


def give(
    end: End,
    type: pair_msg.SDPType,
    sdp: str,
    trickled: list[pair_msg.Candidate],
    peer_address: str,
) -> None:
    """Handle a description and candidates from the other side as a machine does."""
    filter = PeerFilter(peer_address)
    cleaned = filter.description(sdp)
    assert cleaned is not None
    end.peer.apply(type, cleaned)
    for candidate in map(filter.candidate, trickled):
        if candidate is not None:
            end.peer.add_candidate(candidate)
