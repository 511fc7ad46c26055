"""Tests of what Proxim changes inside aiortc and aioice, with real aiortc at both ends."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aioice import __version__ as AIOICE_VERSION  # noqa: N812
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcsctptransport import USERDATA_MAX_LENGTH, DataChunk, SackChunk

from proxim.core import events as ev
from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES
from proxim.core.link import events as link_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io.limits import MAX_IN_FLIGHT_BYTES
from proxim.io.link import internals
from proxim.io.link.datagrams import TrainTransport
from proxim.io.link.peer import Peer
from proxim.io.link.webrtc import AIORTC_VERSION
from tests.io.support import PATIENCE, Events

pytestmark = pytest.mark.usefixtures("own_address")

MESSAGES = 40


class End:
    """A peer with its events."""

    def __init__(self, name: str) -> None:
        self.events = Events()
        self.peer = Peer(ev.LinkID(name), self.events)
        self.task = asyncio.create_task(self.peer.run())

    @property
    def sctp(self) -> Any:
        return self.peer._connection.sctp

    @property
    def address(self) -> tuple[str, int]:
        """The address that the other side sends to."""
        pair = self.sctp.transport.transport._connection._nominated[1]
        return pair.local_addr  # type: ignore[no-any-return]


Link = Callable[[], Any]


@pytest_asyncio.fixture
async def link() -> AsyncIterator[Link]:
    ends: list[End] = []

    async def make() -> tuple[End, End]:
        guest, host = End("guest"), End("host")
        ends.extend((guest, host))
        guest.peer.offer()
        offer = await guest.events.wait(link_ev.PeerDescribed)
        host.peer.apply(pair_msg.SDPType.OFFER, offer.sdp)
        answer = await host.events.wait(link_ev.PeerDescribed)
        guest.peer.apply(pair_msg.SDPType.ANSWER, answer.sdp)
        for end in (guest, host):
            await end.events.wait(link_ev.ChannelOpened)
        return guest, host

    yield make
    for end in ends:
        end.task.cancel()
        await end.peer.close(said_bye=False)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        # Nothing reports what happens inside aiortc.
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def receives(end: End, amount: int) -> bytes:
    """Accept the other side's stream and return its first bytes."""
    opened = await end.events.wait(
        link_ev.ChannelOpened, lambda event: event.label.startswith("file")
    )
    got = bytearray()
    enough = asyncio.Event()

    def feed(message: bytes) -> None:
        got.extend(message)
        if len(got) >= amount:
            enough.set()

    end.peer.subscribe(opened.channel, feed)
    # From now on nothing is lost, so the sender may begin.
    end.peer.send(opened.channel, "go")
    await asyncio.wait_for(enough.wait(), PATIENCE)
    return bytes(got)


async def sends(end: End, content: bytes, size: int = CHANNEL_MESSAGE_BYTES) -> None:
    stream = end.peer.open_stream(f"file:{id(content)}")
    go = asyncio.Event()
    stream._channel.on("message", lambda message: go.set())
    await asyncio.wait_for(go.wait(), PATIENCE)
    for at in range(0, len(content), size):
        await stream.send(memoryview(content)[at : at + size])


def listen(end: End, received: Callable[[bytes, int], None]) -> None:
    """Let `received` get the datagrams that aioice's connection would get."""
    connection = end.sctp.transport.transport._connection
    connection.data_received = received
    for protocol in connection._protocols:
        # Such a transport keeps what it was given before.
        if isinstance(protocol.transport, TrainTransport):
            protocol.transport._deliver = internals._deliverer(protocol)


# --- names ----------------------------------------------------------------------------------------


async def test_the_private_names_are_where_they_were() -> None:
    """If this fails, read the new aiortc and aioice, and then change proxim/io/link/internals.py.

    Until then the program works, but files move more slowly over a data channel.
    """
    assert AIORTC_VERSION.startswith(internals.READ_AIORTC), "compare what `quicken` replaces"
    assert AIOICE_VERSION.startswith(internals.READ_AIOICE), "compare prepare_sockets"
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("control")
    await connection.setLocalDescription(await connection.createOffer())
    missing = internals.missing_names(connection.sctp)
    await connection.close()
    assert missing == [], "these names moved or went"


@pytest.mark.parametrize("moved", ["a version", "a name", "a name of the guard"])
async def test_when_names_move_links_work(
    link: Link, moved: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    if moved == "a version":
        monkeypatch.setattr(internals, "READ_AIORTC", "0.")
    elif moved == "a name":
        monkeypatch.setattr(internals, "_DTLS_NAMES", ("_another",))
    else:
        monkeypatch.setattr(internals, "_GUARD_NAMES", ("_another",))
        monkeypatch.setattr(internals, "_SCTP_NAMES", ("_another",))
    guest, host = await link()
    content = random.Random(1).randbytes(300_000)
    arrived = asyncio.create_task(receives(host, len(content)))
    await sends(guest, content)
    assert await arrived == content
    assert "used as it is" in caplog.text


def test_nothing_to_look_at_lacks_all() -> None:
    missing = internals.missing_names(None)
    assert "RTCSctpTransport._transmit" in missing
    assert "aioice.Connection._queue" in missing
    assert "RTCCertificate._create_ssl_context" in missing


def test_where_no_certificate_shows_nothing_is_warmed_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    internals.warm_up(None)
    assert "does not show its certificate" in caplog.text


# --- content --------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [0, 0.02, 0.05])
async def test_both_directions_at_once_keep_order_and_content(link: Link, loss: float) -> None:
    """Some datagrams are lost, and some are overtaken by later ones."""
    guest, host = await link()
    dice = random.Random(15)
    held: list[tuple[Any, bytes, int]] = []
    plain = type(guest.sctp.transport.transport._connection).data_received

    def data_received(self: Any, data: bytes, component: int) -> None:
        throw = dice.random()
        if throw < loss:
            return
        if throw < 2 * loss:
            held.append((self, data, component))
            return
        plain(self, data, component)
        while held:
            plain(*held.pop())

    for end in (guest, host):
        listen(end, data_received.__get__(end.sctp.transport.transport._connection))
    contents = [dice.randbytes(MESSAGES * 10_000 + 777) for _ in range(2)]
    arrived = [
        asyncio.create_task(receives(end, len(content)))
        for end, content in zip((host, guest), contents, strict=True)
    ]
    # Messages of different sizes end with packets of different sizes.
    await asyncio.gather(sends(guest, contents[0]), sends(host, contents[1], 20_011))
    assert [await one for one in arrived] == contents


async def test_every_second_packet_is_acknowledged_and_the_last_at_once(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = await link()
    data, acknowledgements = 0, 0
    plain = host.sctp._send_chunk

    async def count_sack(chunk: Any) -> None:
        nonlocal acknowledgements
        acknowledgements += isinstance(chunk, SackChunk)
        await plain(chunk)

    plain_receive = host.sctp._receive_chunk

    async def count_data(chunk: Any) -> None:
        nonlocal data
        data += isinstance(chunk, DataChunk)
        await plain_receive(chunk)

    monkeypatch.setattr(host.sctp, "_send_chunk", count_sack)
    monkeypatch.setattr(host.sctp, "_receive_chunk", count_data)
    content = bytes(2_000_000)
    arrived = asyncio.create_task(receives(host, len(content)))
    await sends(guest, content)
    await arrived
    assert data >= len(content) // USERDATA_MAX_LENGTH
    assert data / 2 <= acknowledgements <= data
    # A packet by itself is acknowledged without waiting for a second.
    before, received = guest.sctp._local_tsn, data
    channel = next(e.channel for e in guest.events.all if isinstance(e, link_ev.ChannelOpened))
    guest.peer.send(channel, "alone")
    await until(lambda: not guest.sctp._sent_queue and guest.sctp._local_tsn != before)
    assert guest.sctp._last_sacked_tsn == before
    # It did not have to be sent again.
    assert data == received + 1


# --- how much is sent -----------------------------------------------------------------------------


class Lone:
    """An RTCSctpTransport without another side, which records what it would send."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.createDataChannel("control")
        sctp: Any = self.connection.sctp
        self.sctp = sctp
        self.sent: list[tuple[str, int]] = []
        # How far each new packet was beyond the congestion window.
        self.beyond: list[int] = []
        sctp._local_tsn = 2**32 - 50
        sctp._last_sacked_tsn = sctp._advanced_peer_ack_tsn = 2**32 - 51
        sctp._ssthresh = 64 * 1024
        sctp._send_chunk = self._record

    async def _record(self, chunk: Any) -> None:
        number = chunk.tsn if isinstance(chunk, DataChunk) else chunk.cumulative_tsn
        self.sent.append((type(chunk).__name__, number))
        if isinstance(chunk, DataChunk) and chunk._sent_count == 1:
            self.beyond.append(self.sctp._flight_size - self.sctp._cwnd)

    async def acknowledge(self, up_to: int, gaps: list[tuple[int, int]]) -> None:
        chunk = SackChunk()
        chunk.cumulative_tsn = up_to
        chunk.gaps = gaps
        await self.sctp._receive_sack_chunk(chunk)

    async def expire(self) -> None:
        if self.sctp._t3_handle is not None:
            self.sctp._t3_cancel()
            self.sctp._t3_expired()
            # It sends in a task of its own.
            for _ in range(3):
                await asyncio.sleep(0)

    async def close(self) -> None:
        self.sctp._t3_cancel()
        await self.connection.close()


@pytest.mark.parametrize("seed", range(12))
async def test_what_is_sent_is_what_aiortc_alone_would_send(seed: int) -> None:
    """The same happens to both: messages, acknowledgements with and without gaps, time-outs."""
    dice = random.Random(seed)
    plain, ours = Lone(), Lone()
    internals.Sender(ours.sctp)
    for _ in range(300):
        what = dice.random()
        waiting = [chunk.tsn for chunk in plain.sctp._sent_queue]
        if what < 0.3:
            size = dice.choice([1, 1000, 20_000, 65536])
            retransmits = dice.choice([None, None, 0])
            for one in (plain, ours):
                await one.sctp._send(1, 53, bytes(size), max_retransmits=retransmits)
        elif what < 0.4 and len(waiting) > 4:
            # The first packet is missing in three acknowledgements, so it is sent again at once.
            for end in range(3):
                for one in (plain, ours):
                    await one.acknowledge((waiting[0] - 1) % 2**32, [(2, 3 + end)])
        elif what < 0.95 and waiting:
            up_to = dice.randrange(len(waiting) + 1)
            last = (waiting[0] - 1 + up_to) % 2**32
            left = len(waiting) - up_to
            gaps = []
            if left > 2 and dice.random() < 0.3:
                start = dice.randint(2, left)
                gaps = [(start, dice.randint(start, left))]
            for one in (plain, ours):
                await one.acknowledge(last, gaps)
        else:
            for one in (plain, ours):
                await one.expire()
        assert ours.sent == plain.sent
        for name in ("_flight_size", "_cwnd"):
            assert getattr(ours.sctp, name) == getattr(plain.sctp, name)
    assert len(ours.sent) > 300
    # A packet goes out while there is any room in the window, so the last may stand out of it.
    assert max(ours.beyond) < USERDATA_MAX_LENGTH
    for one in (plain, ours):
        await one.close()


async def test_a_burst_stays_within_the_congestion_window(link: Link) -> None:
    """The other side is deaf, so nothing is acknowledged, however much waits to be sent."""
    guest, host = await link()
    stream = guest.peer.open_stream("file:1")
    opened = await host.events.wait(link_ev.ChannelOpened)
    assert opened.label == "file:1"
    await until(lambda: not guest.sctp._sent_queue)
    packets: list[int] = []

    def count(data: bytes, component: int) -> None:
        packets.extend([len(data)] * (len(data) > USERDATA_MAX_LENGTH))

    listen(host, count)
    # This is less than the four packets that aiortc sends at a time (SCTP_MAX_BURST).
    guest.sctp._cwnd = window = 3 * USERDATA_MAX_LENGTH
    for _ in range(20):
        stream._channel.send(bytes(CHANNEL_MESSAGE_BYTES))
    await until(lambda: len(packets) >= 3)
    assert guest.sctp._flight_size == window
    # A larger window does not let more go at a time than aiortc sends for one acknowledgement.
    guest.sctp._cwnd = MAX_IN_FLIGHT_BYTES
    await guest.sctp._transmit()
    await until(lambda: len(packets) >= 7)
    assert guest.sctp._flight_size == 7 * USERDATA_MAX_LENGTH
    assert len(packets) == 7


# --- what anybody can send to an open port --------------------------------------------------------

STUN_HEADER = struct.Struct("!HHI12s")


def stun(*attributes: bytes) -> bytes:
    body = b"".join(attributes)
    return STUN_HEADER.pack(1, len(body), 0x2112A442, b"stranger----") + body


ODD = {
    "empty": b"",
    "text": b"hello",
    "DTLS without content": bytes([23]),
    "DTLS that promises more": bytes([23, 254, 253, *bytes(8), 4, 0]) + b"x",
    "DTLS 1.3 cut short": bytes([0x2F, 0]),
    "an alert": bytes([21, 254, 253, *bytes(8), 0, 2, 1, 0]),
    "SRTP": bytes([128]) + bytes(30),
    "STUN with a short address": stun(struct.pack("!HH", 0x20, 2) + b"ab\0\0"),
    "STUN with a short priority": stun(struct.pack("!HH", 0x24, 1) + b"abcd"),
    "STUN with a name that is no text": stun(struct.pack("!HH", 0x8022, 4) + b"\xff" * 4),
}


@pytest.mark.parametrize("transport", ["trains", "asyncio's"])
@pytest.mark.parametrize("odd", list(ODD.values()), ids=list(ODD))
async def test_a_strangers_datagram_ends_no_link(
    link: Link, odd: bytes, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if transport == "asyncio's":
        monkeypatch.setattr(internals, "READ_AIOICE", "another version")
    # With asyncio's own transport, the loop reports what aioice stumbles over.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    guest, host = await link()
    family = socket.AF_INET6 if ":" in host.address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as stranger:
        for _ in range(3):
            stranger.sendto(odd, host.address)
    channel = next(e.channel for e in guest.events.all if isinstance(e, link_ev.ChannelOpened))
    guest.peer.send(channel, "still here")
    assert (await host.events.wait(link_ev.ChannelMessage)).text == "still here"
    guest.peer.send(channel, "and again")
    assert (await host.events.wait(link_ev.ChannelMessage)).text == "and again"
    assert not any(isinstance(event, link_ev.PeerFailed) for event in host.events.all)
