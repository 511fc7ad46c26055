"""Tests with real aiortc at both ends, on an address of this machine."""

import asyncio
import re
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import pytest_asyncio
from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceGatherer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES
from proxim.core.link import events as link_ev
from proxim.core.link.signaling import PeerFilter
from proxim.core.pairing import messages as pair_msg
from proxim.io.limits import (
    CHANNEL_QUEUE_BYTES,
    MAX_CHANNEL_MESSAGE_BYTES,
    MAX_CHANNELS,
    MAX_IN_FLIGHT_BYTES,
    MAX_WINDOW_OVERRUN_BYTES,
    SETTLE_SECONDS,
)
from proxim.io.link import internals
from proxim.io.link import peer as peer_module
from proxim.io.link.internals import pace_checks
from proxim.io.link.peer import Peer, StreamChannel
from proxim.io.link.stream import TransportClosedError
from tests.io.support import PATIENCE, Events

pytestmark = pytest.mark.usefixtures("own_address")


class End:
    """One peer with its events."""

    def __init__(self, name: str) -> None:
        self.events = Events()
        self.peer = Peer(ev.LinkID(name), self.events)
        self.task = asyncio.create_task(self.peer.run())

    async def stop(self, said_bye: bool = False) -> None:
        self.task.cancel()
        await self.peer.close(said_bye)


MakeEnd = Callable[[str], End]


@pytest_asyncio.fixture
async def make_end() -> AsyncIterator[MakeEnd]:
    ends: list[End] = []

    def make(name: str) -> End:
        ends.append(End(name))
        return ends[-1]

    yield make
    for end in ends:
        await end.stop()


async def linked(make_end: MakeEnd) -> tuple[End, End]:
    guest, host = make_end("guest"), make_end("host")
    await link(guest, host)
    return guest, host


async def link(guest: End, host: End) -> None:
    guest.peer.offer()
    offer = await guest.events.wait(link_ev.PeerDescribed)
    assert offer.type is pair_msg.SDPType.OFFER
    host.peer.apply(pair_msg.SDPType.OFFER, offer.sdp)
    answer = await host.events.wait(link_ev.PeerDescribed)
    assert answer.type is pair_msg.SDPType.ANSWER
    guest.peer.apply(pair_msg.SDPType.ANSWER, answer.sdp)
    for end in (guest, host):
        assert (await end.events.wait(link_ev.ChannelOpened)).label == "control"


def channel_of(end: End) -> int:
    return next(
        event.channel for event in end.events.all if isinstance(event, link_ev.ChannelOpened)
    )


async def test_two_peers_link_and_talk(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    guest.peer.send(channel_of(guest), "to the host")
    host.peer.send(channel_of(host), "to the guest")
    assert (await host.events.wait(link_ev.ChannelMessage)).text == "to the host"
    assert (await guest.events.wait(link_ev.ChannelMessage)).text == "to the guest"


async def test_the_offer_names_no_server_of_anybody(make_end: MakeEnd) -> None:
    guest = make_end("guest")
    guest.peer.offer()
    offer = await guest.events.wait(link_ev.PeerDescribed)
    candidates = [line for line in offer.sdp.splitlines() if line.startswith("a=candidate:")]
    assert candidates
    assert all(" typ host" in candidate for candidate in candidates)


async def test_closing_is_noticed_at_the_other_end(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    await guest.stop()
    assert (await host.events.wait(link_ev.PeerFailed)).reason is Reason.PEER_LEFT


async def test_last_words_arrive(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    for index in range(20):
        guest.peer.send(channel_of(guest), f"{index}")
    closing = asyncio.create_task(guest.stop(said_bye=True))
    await host.events.wait(link_ev.ChannelMessage, lambda message: message.text == "19")
    await host.stop()
    await closing


async def test_nothing_is_reported_once_closed(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    await guest.stop()
    before = len(guest.events.all)
    await host.stop()
    assert len(guest.events.all) == before
    guest.peer.send(channel_of(guest), "too late")


async def test_candidates_may_come_one_by_one_and_before_the_description(make_end: MakeEnd) -> None:
    guest, host = make_end("guest"), make_end("host")
    guest.peer.offer()
    offer = (await guest.events.wait(link_ev.PeerDescribed)).sdp
    lines = offer.splitlines(keepends=True)
    candidates = [
        line.strip().removeprefix("a=") for line in lines if line.startswith("a=candidate:")
    ]
    bare = "".join(
        line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))
    )
    for early in candidates[:1]:
        host.peer.add_candidate(pair_msg.Candidate(early))
    host.peer.apply(pair_msg.SDPType.OFFER, bare)
    for late in candidates[1:]:
        host.peer.add_candidate(
            pair_msg.Candidate(late.removeprefix("candidate:"), sdp_mid="0", sdp_mline_index=0)
        )
    host.peer.add_candidate(pair_msg.Candidate("candidate:rubbish"))
    host.peer.add_candidate(pair_msg.Candidate(""))
    guest.peer.apply(pair_msg.SDPType.ANSWER, (await host.events.wait(link_ev.PeerDescribed)).sdp)
    await guest.events.wait(link_ev.ChannelOpened)


HOSTILE = {
    "no SDP at all": "rubbish",
    "empty lines": "\r\n\r\n",
    "an m-line without numbers": (
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application x y z\r\n"
    ),
    "no ICE credentials": (
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    ),
    "a broken candidate": (
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
        "0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
        "a=ice-pwd:abcdefghijklmnopqrstuv\r\na=candidate:x\r\n"
    ),
    "a broken fingerprint": (
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
        "0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
        "a=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256\r\na=setup:actpass\r\na=sctp-port:many\r\n"
    ),
}


@pytest.mark.parametrize("sdp", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_offer_is_named_and_nothing_else_happens(
    make_end: MakeEnd, sdp: str
) -> None:
    host = make_end("host")
    host.peer.apply(pair_msg.SDPType.OFFER, sdp)
    assert (await host.events.wait(link_ev.PeerFailed)).reason is Reason.BAD_DESCRIPTION
    assert not host.task.done()


async def test_a_hostile_answer_is_named(make_end: MakeEnd) -> None:
    guest = make_end("guest")
    guest.peer.offer()
    offer = await guest.events.wait(link_ev.PeerDescribed)
    # "actpass" is not a valid role in an answer (RFC 5763).
    guest.peer.apply(pair_msg.SDPType.ANSWER, offer.sdp)
    assert (await guest.events.wait(link_ev.PeerFailed)).reason is Reason.BAD_DESCRIPTION


async def test_a_wrong_fingerprint_never_opens_a_channel(make_end: MakeEnd) -> None:
    guest, host = make_end("guest"), make_end("host")
    guest.peer.offer()
    host.peer.apply(pair_msg.SDPType.OFFER, (await guest.events.wait(link_ev.PeerDescribed)).sdp)
    answer = (await host.events.wait(link_ev.PeerDescribed)).sdp
    lines = answer.splitlines(keepends=True)
    others = "a=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n"
    forged = "".join(others if line.startswith("a=fingerprint:sha-256") else line for line in lines)
    forged = "".join(
        line
        for line in forged.splitlines(keepends=True)
        if "fingerprint" not in line or "sha-256" in line
    )
    guest.peer.apply(pair_msg.SDPType.ANSWER, forged)
    assert (await guest.events.wait(link_ev.PeerFailed)).reason is Reason.ICE_FAILED
    assert not any(isinstance(event, link_ev.ChannelOpened) for event in guest.events.all)


class Stranger:
    """A guest that uses aiortc directly and opens channels of its own."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def link(self, host: End) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        host.peer.apply(pair_msg.SDPType.OFFER, self.connection.localDescription.sdp)
        answer = await host.events.wait(link_ev.PeerDescribed)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))


async def test_a_strangers_channels_are_told_apart(make_end: MakeEnd) -> None:
    host, stranger = make_end("host"), Stranger()
    one = stranger.connection.createDataChannel("same name")
    two = stranger.connection.createDataChannel("same name")
    for channel in (one, two):
        channel.on("open", lambda channel=channel: channel.send(f"from {channel.id}"))
    try:
        await stranger.link(host)
        for _ in range(2):
            opened = await host.events.wait(link_ev.ChannelOpened)
            assert opened.label == "same name"
        messages = [event for event in host.events.all if isinstance(event, link_ev.ChannelMessage)]
        while len(messages) < 2:
            messages.append(await host.events.wait(link_ev.ChannelMessage))
        assert {message.text for message in messages} == {
            f"from {message.channel}" for message in messages
        }
    finally:
        await stranger.connection.close()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\x00binary", None),
        ("x" * (MAX_CHANNEL_MESSAGE_BYTES + 1), Reason.PEER_ERROR),
    ],
    ids=["binary", "too large"],
)
async def test_unwelcome_messages(
    make_end: MakeEnd, message: str | bytes, expected: Reason | None
) -> None:
    host, stranger = make_end("host"), Stranger()
    channel = stranger.connection.createDataChannel("control")

    def send_whatever_the_host_says_it_takes() -> None:
        assert stranger.connection.sctp is not None
        # Otherwise aiortc would respect the limit in the host's SDP.
        stranger.connection.sctp._remote_max_message_size = 0
        channel.send(message)

    channel.on("open", send_whatever_the_host_says_it_takes)
    try:
        await stranger.link(host)
        if expected is None:
            assert (await host.events.wait(link_ev.ChannelMessage)).text == ""
        else:
            assert (await host.events.wait(link_ev.PeerFailed)).reason is expected
    finally:
        await stranger.connection.close()


async def test_a_peer_that_takes_no_messages_of_ours_is_named(make_end: MakeEnd) -> None:
    guest, host = make_end("guest"), make_end("host")
    guest.peer.offer()
    offer = (await guest.events.wait(link_ev.PeerDescribed)).sdp
    host.peer.apply(
        pair_msg.SDPType.OFFER, re.sub("a=max-message-size:[0-9]+", "a=max-message-size:10", offer)
    )
    guest.peer.apply(pair_msg.SDPType.ANSWER, (await host.events.wait(link_ev.PeerDescribed)).sdp)
    opened = await host.events.wait(link_ev.ChannelOpened)
    host.peer.send(opened.channel, "longer than ten bytes")
    assert (await host.events.wait(link_ev.PeerFailed)).reason is Reason.PEER_ERROR


async def test_a_closed_channel_is_told_by_its_id(make_end: MakeEnd) -> None:
    host, stranger = make_end("host"), Stranger()
    channel = stranger.connection.createDataChannel("control")
    opened = asyncio.Event()
    channel.on("open", opened.set)
    try:
        await stranger.link(host)
        there = await host.events.wait(link_ev.ChannelOpened)
        await asyncio.wait_for(opened.wait(), PATIENCE)
        channel.close()
        assert (await host.events.wait(link_ev.ChannelClosed)).channel == there.channel
    finally:
        await stranger.connection.close()


# --- limits that aiortc does not enforce ----------------------------------------------------------


async def open_channel(stranger: Stranger, host: End) -> RTCDataChannel:
    channel = stranger.connection.createDataChannel("control")
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    await stranger.link(host)
    await asyncio.wait_for(is_open.wait(), PATIENCE)
    return channel


@pytest_asyncio.fixture
async def stranger() -> AsyncIterator[Stranger]:
    stranger = Stranger()
    yield stranger
    await stranger.connection.close()


async def test_eight_channels_and_no_more(make_end: MakeEnd, stranger: Stranger) -> None:
    host = make_end("host")
    await open_channel(stranger, host)
    for index in range(MAX_CHANNELS - 1):
        stranger.connection.createDataChannel(f"file {index}")
    await host.events.wait(
        link_ev.ChannelOpened, lambda opened: opened.label == f"file {MAX_CHANNELS - 2}"
    )
    assert not any(isinstance(event, link_ev.PeerFailed) for event in host.events.all)
    for _ in range(20):
        stranger.connection.createDataChannel("one too many")
    failed = await host.events.wait(link_ev.PeerFailed)
    assert (failed.reason, failed.detail) == (Reason.PEER_ERROR, "too many channels")
    assert (
        sum(isinstance(event, link_ev.ChannelOpened) for event in host.events.all) == MAX_CHANNELS
    )
    assert sum(isinstance(event, link_ev.PeerFailed) for event in host.events.all) == 1


async def test_closed_channels_make_room(make_end: MakeEnd, stranger: Stranger) -> None:
    host = make_end("host")
    await open_channel(stranger, host)
    for _ in range(2 * MAX_CHANNELS):
        channel = stranger.connection.createDataChannel("file")
        closed = asyncio.Event()
        channel.on("close", closed.set)
        await host.events.wait(link_ev.ChannelOpened, lambda opened: opened.label == "file")
        channel.close()
        await asyncio.wait_for(closed.wait(), PATIENCE)
    assert not any(isinstance(event, link_ev.PeerFailed) for event in host.events.all)


async def test_an_overrun_receive_window_ends_the_link(
    make_end: MakeEnd, stranger: Stranger
) -> None:
    host = make_end("host")
    channel = await open_channel(stranger, host)
    assert stranger.connection.sctp is not None
    # Otherwise aiortc would respect the limit in the host's SDP.
    stranger.connection.sctp._remote_max_message_size = 0
    channel.send(bytes(4 * 1024 * 1024))
    failed = await host.events.wait(link_ev.PeerFailed)
    assert (failed.reason, failed.detail) == (Reason.PEER_ERROR, "receive window overrun")
    kept = host.peer._connection.sctp
    assert kept is not None
    window = kept._advertised_rwnd
    # The host has accepted nothing more.
    assert window > -MAX_WINDOW_OVERRUN_BYTES - 65536


@pytest.mark.parametrize("send", ["text that is no UTF-8", "a channel opened twice"])
async def test_a_packet_that_aiortc_stumbles_over_is_named(
    make_end: MakeEnd, stranger: Stranger, send: str
) -> None:
    host = make_end("host")
    channel = await open_channel(stranger, host)
    assert stranger.connection.sctp is not None
    assert channel.id is not None
    if send == "text that is no UTF-8":
        # 51 stands for text (RFC 8831, 8).
        await stranger.connection.sctp._send(channel.id, 51, b"\xff")
    else:
        # This is a DATA_CHANNEL_OPEN message (RFC 8832, 5.1).
        opening = struct.pack("!BBHLHH", 3, 0, 0, 0, 1, 0) + b"x"
        await stranger.connection.sctp._send(channel.id, 50, opening)
    failed = await host.events.wait(link_ev.PeerFailed)
    assert failed.reason is Reason.PEER_ERROR


async def test_an_aiortc_without_a_visible_window_links_unguarded(
    make_end: MakeEnd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxim.io.link.internals._GUARD_NAMES", ("_some_other_name",))
    guest, host = await linked(make_end)
    guest.peer.send(channel_of(guest), "still here")
    assert (await host.events.wait(link_ev.ChannelMessage)).text == "still here"
    assert "does not show its windows" in caplog.text


async def test_no_more_is_on_its_way_than_the_other_announced(make_end: MakeEnd) -> None:
    """Nothing is lost here, so aiortc's own window would grow with each round trip."""
    guest, host = await linked(make_end)
    ours = guest.peer._connection.sctp
    assert ours is not None
    # A minute without a loss makes the window so large.
    ours._cwnd = 8 * 1024 * 1024
    host.peer.send(channel_of(host), "one packet")
    await guest.events.wait(link_ev.ChannelMessage)
    assert ours._cwnd == MAX_IN_FLIGHT_BYTES


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_sound_and_pictures_are_refused_and_never_decoded(
    make_end: MakeEnd, stranger: Stranger, kind: str
) -> None:
    host = make_end("host")
    stranger.connection.addTransceiver(kind, direction="sendonly")
    stranger.connection.createDataChannel("control")
    await stranger.connection.setLocalDescription(await stranger.connection.createOffer())
    offer = stranger.connection.localDescription.sdp
    assert f"m={kind}" in offer
    host.peer.apply(pair_msg.SDPType.OFFER, offer)
    assert (await host.events.wait(link_ev.PeerFailed)).reason is Reason.BAD_DESCRIPTION
    assert not any(isinstance(event, link_ev.PeerDescribed) for event in host.events.all)
    assert not [thread.name for thread in threading.enumerate() if "decoder" in thread.name]
    # The filter removes them even earlier.
    cleaned = PeerFilter("192.168.1.7").description(offer)
    assert cleaned is not None
    assert [line[:5] for line in cleaned.splitlines() if line.startswith("m=")] == ["m=app"]


# --- files' bytes ---------------------------------------------------------------------------------


async def stream_between(make_end: MakeEnd) -> tuple[StreamChannel, End, link_ev.ChannelOpened]:
    """Return a stream of the guest, the host, and the event that opened its channel there."""
    guest, host = await linked(make_end)
    stream = guest.peer.open_stream("files/id/0")
    opened = await host.events.wait(link_ev.ChannelOpened)
    assert opened.label == "files/id/0"
    return stream, host, opened


async def test_a_stream_comes_whole_to_whoever_takes_it(make_end: MakeEnd) -> None:
    stream, host, opened = await stream_between(make_end)
    came: list[bytes] = []
    all_came = asyncio.Event()
    messages = [bytes([number]) * CHANNEL_MESSAGE_BYTES for number in range(64)]

    def feed(message: bytes) -> None:
        came.append(message)
        if len(came) == len(messages):
            all_came.set()

    host.peer.subscribe(opened.channel, feed)
    for message in messages:
        await stream.send(memoryview(message))
        assert stream._channel.bufferedAmount <= CHANNEL_QUEUE_BYTES
    await asyncio.wait_for(all_came.wait(), PATIENCE)
    assert came == messages
    stream.close()
    assert await host.events.wait(link_ev.ChannelClosed) == link_ev.ChannelClosed(
        ev.LinkID("host"), opened.channel
    )
    assert not any(isinstance(event, link_ev.ChannelMessage) for event in host.events.all)
    with pytest.raises(TransportClosedError):
        await stream.send(memoryview(b"x"))


async def test_a_stream_that_nobody_takes_is_unreadable_as_ever(make_end: MakeEnd) -> None:
    stream, host, opened = await stream_between(make_end)
    await stream.send(memoryview(b"bytes"))
    assert await host.events.wait(link_ev.ChannelMessage) == link_ev.ChannelMessage(
        ev.LinkID("host"), opened.channel, ""
    )


async def test_a_text_on_a_taken_channel_is_told(make_end: MakeEnd) -> None:
    stream, host, opened = await stream_between(make_end)
    host.peer.subscribe(opened.channel, lambda message: None)
    # This channel has been closed meanwhile.
    host.peer.subscribe(99, lambda message: None)
    await stream.send(memoryview(b"bytes"))
    stream._channel.send("text")
    assert (await host.events.wait(link_ev.ChannelMessage)).text == "text"


async def test_of_our_own_streams_nothing_is_reported(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    before = len(guest.events.all)
    streams = [guest.peer.open_stream(f"files/id/{number}") for number in range(3)]
    for stream in streams:
        await stream.send(memoryview(b"x"))
        stream.close()
    await host.events.wait(link_ev.ChannelClosed)
    assert len(guest.events.all) == before


async def test_a_link_that_breaks_wakes_who_waits_to_send(make_end: MakeEnd) -> None:
    stream, host, _ = await stream_between(make_end)

    async def send_for_ever() -> None:
        while True:
            await stream.send(memoryview(bytes(CHANNEL_MESSAGE_BYTES)))

    sending = asyncio.create_task(send_for_ever())
    await host.events.wait(link_ev.ChannelMessage)
    await host.stop()
    with pytest.raises(TransportClosedError):
        await asyncio.wait_for(sending, PATIENCE)


# --- prepared while a person decides --------------------------------------------------------------


@dataclass
class Gathering:
    """Counts how often addresses are gathered, which makes a peer's sockets."""

    count: int = 0
    fails: bool = False


@pytest.fixture
def gathering(monkeypatch: pytest.MonkeyPatch) -> Gathering:
    gathering = Gathering()
    gather = RTCIceGatherer.gather

    async def counted(gatherer: RTCIceGatherer) -> None:
        if gatherer.state == "new":
            gathering.count += 1
            if gathering.fails:
                raise OSError
        await gather(gatherer)

    monkeypatch.setattr(RTCIceGatherer, "gather", counted)
    return gathering


async def prepare(end: End, *, offerer: bool) -> None:
    """Let a peer prepare itself, and wait until it has; it works in order."""
    end.peer.prepare(offerer=offerer)
    done = asyncio.Event()

    async def mark() -> None:
        done.set()

    end.peer._work.put_nowait(mark())
    async with asyncio.timeout(PATIENCE):
        await done.wait()


async def test_prepared_peers_link_without_gathering_again(
    make_end: MakeEnd, gathering: Gathering
) -> None:
    guest, host = make_end("guest"), make_end("host")
    await prepare(guest, offerer=True)
    await prepare(host, offerer=False)
    assert gathering.count == 2
    assert not guest.events.all
    assert not host.events.all
    await link(guest, host)
    assert gathering.count == 2


@pytest.mark.parametrize("offerer", [True, False])
async def test_a_prepared_peer_has_made_the_first_context_of_dtls(
    make_end: MakeEnd, monkeypatch: pytest.MonkeyPatch, offerer: bool
) -> None:
    """The first one of a program takes ten times as long as another."""
    made: list[RTCCertificate] = []
    make = RTCCertificate._create_ssl_context

    def counted(certificate: RTCCertificate, **options: Any) -> Any:
        made.append(certificate)
        return make(certificate, **options)

    monkeypatch.setattr(RTCCertificate, "_create_ssl_context", counted)
    end = make_end("guest" if offerer else "host")
    await prepare(end, offerer=offerer)
    assert len(made) == 1


async def test_one_prepared_peer_is_enough(make_end: MakeEnd) -> None:
    guest, host = make_end("guest"), make_end("host")
    await prepare(host, offerer=False)
    await link(guest, host)


async def test_a_peer_that_was_prepared_on_another_network_is_made_again(
    make_end: MakeEnd, gathering: Gathering, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = make_end("guest"), make_end("host")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(peer_module, "get_host_addresses", lambda **_: ["198.51.100.7"])
        await prepare(guest, offerer=True)
        await prepare(host, offerer=False)
    await link(guest, host)
    assert gathering.count == 4
    # The end of the peers that were given up is no news.
    assert not [event for event in guest.events.all if isinstance(event, link_ev.PeerFailed)]


@pytest.mark.parametrize("offerer", [False, True])
async def test_what_could_not_be_prepared_is_tried_again(
    make_end: MakeEnd, gathering: Gathering, offerer: bool
) -> None:
    guest, host = make_end("guest"), make_end("host")
    gathering.fails = True
    await prepare(guest if offerer else host, offerer=offerer)
    assert not guest.events.all
    gathering.fails = False
    await link(guest, host)


async def test_a_prepared_peer_that_is_dropped_gives_its_sockets_back(make_end: MakeEnd) -> None:
    before = udp_ports()
    for offerer in (False, True):
        end = make_end(f"{offerer}")
        await prepare(end, offerer=offerer)
        assert udp_ports() > before
        await end.stop()
        assert udp_ports() == before
        assert not end.events.all


async def test_a_peer_that_is_dropped_while_it_is_prepared_leaves_no_socket(
    make_end: MakeEnd,
) -> None:
    before = udp_ports()
    for offerer in (False, True):
        end = make_end(f"{offerer}")
        end.peer.prepare(offerer=offerer)
        # The peer is making its sockets now.
        await asyncio.sleep(0)
        await end.stop()
        assert udp_ports() == before
        assert not end.events.all


async def test_it_leaves_none_either_if_the_loop_stands_still_meanwhile(make_end: MakeEnd) -> None:
    before = udp_ports()
    loop = asyncio.get_running_loop()
    end = make_end("guest")
    end.peer.prepare(offerer=False)
    await asyncio.sleep(0)

    def stand_still() -> None:
        until = time.monotonic() + 1.2 * SETTLE_SECONDS
        while time.monotonic() < until:
            pass

    stopping = asyncio.create_task(end.stop())
    await asyncio.sleep(0)
    loop.call_soon(stand_still)
    await stopping
    assert udp_ports() == before


async def test_one_that_is_dropped_while_it_starts_again_leaves_no_socket(
    make_end: MakeEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = udp_ports()
    end = make_end("guest")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(peer_module, "get_host_addresses", lambda **_: ["198.51.100.7"])
        await prepare(end, offerer=True)
    assert udp_ports() > before
    closing, go_on = asyncio.Event(), asyncio.Event()
    close = RTCPeerConnection.close

    async def close_late(connection: RTCPeerConnection) -> None:
        closing.set()
        await go_on.wait()
        await close(connection)

    monkeypatch.setattr(RTCPeerConnection, "close", close_late)
    monkeypatch.setattr(peer_module, "SETTLE_SECONDS", 0.01)
    end.peer.offer()
    async with asyncio.timeout(PATIENCE):
        await closing.wait()
        assert end.peer._current is not None
        stopping = asyncio.create_task(end.stop())
        # Its work is cancelled while the old connection closes.
        await asyncio.wait({end.peer._current})
        assert end.peer._current.cancelled()
        go_on.set()
        await stopping
    assert udp_ports() == before


async def test_no_server_is_asked_before_the_approval(
    make_end: MakeEnd, gathering: Gathering
) -> None:
    async with asyncio.timeout(PATIENCE):
        for offerer in (False, True):
            end = make_end(f"{offerer}")
            end.peer = Peer(ev.LinkID("named"), end.events, ("stun:192.0.2.1:3478",))
            end.task.cancel()
            end.task = asyncio.create_task(end.peer.run())
            await prepare(end, offerer=offerer)
    assert gathering.count == 0


def udp_ports() -> set[int]:
    """Return the ports of this process's UDP sockets."""
    return {
        connection.laddr.port
        for connection in psutil.Process().net_connections("udp")
        if connection.laddr
    }


# --- ICE's checks ---------------------------------------------------------------------------------


class FakeChecks:
    """An SCTP transport whose ICE has checks that a script adds, and that starts one at a time."""

    def __init__(self) -> None:
        # The way from an SCTP transport to its ICE connection leads through two others.
        self.transport = self._connection = self
        self._check_list: list[str] = []
        self.waiting: list[str] = []
        self.started: list[str] = []
        # Until then the other side may still send addresses.
        self.over = False
        self.changed = asyncio.Event()

    def _check_periodic(self) -> bool:
        if self.waiting:
            self.started.append(self.waiting.pop(0))
            self.changed.set()
        return not self.over

    async def until(self, *started: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.started != [*started]:
                self.changed.clear()
                await self.changed.wait()


async def test_ice_goes_on_at_once_while_the_other_checks_are_paced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(internals, "CHECK_SECONDS", 0.0)
    checks = FakeChecks()
    pace_checks(checks)
    # As long as no address of the other side is known, aioice has to wait.
    assert checks._check_periodic() is True
    checks._check_list, checks.waiting = ["a", "b"], ["a", "b"]
    assert checks._check_periodic() is False
    assert checks.started == ["a"]
    await checks.until("a", "b")
    # An address that comes late is checked, too.
    checks.waiting = ["c"]
    await checks.until("a", "b", "c")
    checks.over = True


async def test_aioice_still_has_the_names_by_which_checks_are_paced(make_end: MakeEnd) -> None:
    guest = make_end("guest")
    guest.peer.offer()
    await guest.events.wait(link_ev.PeerDescribed)
    sctp = guest.peer._connection.sctp
    assert sctp is not None
    assert "_check_periodic" in vars(sctp.transport.transport._connection)


async def test_an_aioice_with_other_names_is_left_alone() -> None:
    pace_checks(object())


async def test_a_channel_carries_messages_in_both_directions(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    ours = host.peer.open_channel("screen/x")
    assert ours is not None
    answers, pictures = Events(), Events()
    ours.subscribe(lambda message: answers(bytes(message)))
    # It is kept until the channel is open.
    ours.send(b"first")
    assert ours.waiting == 5
    opened = await guest.events.wait(link_ev.ChannelOpened)
    assert opened.label == "screen/x"
    theirs = guest.peer.channel(opened.channel)
    assert theirs is not None
    theirs.subscribe(lambda message: pictures(bytes(message)))
    assert await pictures.wait(bytes) == b"first"
    theirs.send(b"drawn")
    assert await answers.wait(bytes) == b"drawn"
    ours.send(bytes(60_000))
    assert len(await pictures.wait(bytes)) == 60_000
    ours.close()
    await guest.events.wait(link_ev.ChannelClosed)
    assert guest.peer.channel(opened.channel) is None
    # On a channel that has closed, they are lost.
    for closed in (ours, theirs):
        closed.send(b"late")
        closed.close()


async def test_a_message_that_is_too_large_for_our_channel_ends_the_link(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    ours = host.peer.open_channel("screen/x")
    assert ours is not None
    opened = await guest.events.wait(link_ev.ChannelOpened)
    theirs = guest.peer._channels[opened.channel]
    theirs.send("a text is no picture")
    theirs.transport._remote_max_message_size = 0
    theirs.send(bytes(MAX_CHANNEL_MESSAGE_BYTES + 1))
    assert (await host.events.wait(link_ev.PeerFailed)).reason is Reason.PEER_ERROR


async def test_a_closed_link_opens_no_channel(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    await guest.peer.close(False)
    assert guest.peer.open_channel("screen/x") is None
    await host.events.wait(link_ev.PeerFailed)


async def test_what_is_lost_of_a_channel_is_sent_again_soon(make_end: MakeEnd) -> None:
    guest, host = await linked(make_end)
    ours = host.peer.open_channel("screen/x")
    assert ours is not None
    opened = await guest.events.wait(link_ev.ChannelOpened)
    theirs = guest.peer.channel(opened.channel)
    assert theirs is not None
    pictures = Events()
    theirs.subscribe(lambda message: pictures(bytes(message)))
    ours.send(b"something to measure")
    await pictures.wait(bytes)
    sctp = host.peer._connection.sctp
    assert sctp is not None
    # The answer to the message has been measured.
    async with asyncio.timeout(PATIENCE):
        while sctp._flight_size:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert internals.RETRANSMIT_SECONDS <= sctp._rto < 1
    # Once is enough.
    before = sctp._update_rto
    internals.hasten(sctp)
    assert sctp._update_rto == before
    # A network that is slow is given its time.
    for _ in range(20):
        sctp._update_rto(0.7)
    assert sctp._rto >= 0.7
    assert internals.hasten(None) is None  # type: ignore[func-returns-value]
