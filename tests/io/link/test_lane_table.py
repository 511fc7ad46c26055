"""Tests of lanes over real WebSockets: who gets one, what it carries and what ends it."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from proxim.core.files.manifest import TransferID
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.io import limits
from proxim.io.link.lane import LaneTransport
from proxim.io.link.stream import Channel, Feed, TransportClosedError
from tests.io.lane_support import GUEST, HOST, TRANSFER, End, Room, lane_room, proxy
from tests.io.support import PATIENCE, Events

TOKEN, KEY = bytes(range(16)), bytes(range(32))


@pytest_asyncio.fixture
async def room() -> AsyncIterator[Room]:
    async with lane_room() as room:
        yield room


def way(end: End, generation: int = 1) -> LaneTransport:
    lane = end.lanes.of(GUEST) or end.lanes.of(HOST)
    assert lane is not None
    return LaneTransport(lane, TRANSFER, generation)


async def send(way: LaneTransport, records: bytes) -> None:
    await way.send(memoryview(way.prefix + records))


async def test_texts_go_both_ways(subtests: pytest.Subtests) -> None:
    for carries_link in [True, False]:
        with subtests.test(carries_link=carries_link):
            async with lane_room() as room:
                await check_texts_go_both_ways(room, carries_link)


async def check_texts_go_both_ways(room: Room, carries_link: bool) -> None:
    await room.open_lane(carries_link=carries_link)
    room.guest.lanes.send_text(GUEST, "to the host ✓")
    room.host.lanes.send_text(HOST, "to the guest")
    assert await room.host.events.wait(link_ev.ChannelMessage) == link_ev.ChannelMessage(
        HOST, link_ev.LANE_CHANNEL, "to the host ✓"
    )
    assert await room.guest.events.wait(link_ev.ChannelMessage) == link_ev.ChannelMessage(
        GUEST, link_ev.LANE_CHANNEL, "to the guest"
    )
    assert room.others.all == [], "signaling must hear nothing of it"


async def test_streams_go_both_ways_in_messages_of_the_largest_size(room: Room) -> None:
    room.host.generation = 7
    await room.open_lane()
    records = random.Random(1).randbytes(limits.LANE_FRAME_BYTES - len(way(room.host).prefix) - 16)
    await asyncio.gather(
        send(way(room.host), records), send(way(room.guest, generation=7), records)
    )
    assert await room.guest.records.wait(bytes) == records
    assert await room.host.records.wait(bytes) == records


async def test_records_go_only_to_who_subscribed_to_their_generation(room: Room) -> None:
    await room.open_lane()
    other = TransferID("o" * 22)
    former, newest, others = Events(), Events(), Events()
    lanes = room.host.lanes
    lanes.subscribe(HOST, TRANSFER, 2, former)
    lanes.subscribe(HOST, TRANSFER, 3, newest)
    lanes.subscribe(HOST, other, 3, others)
    lane = room.guest.lanes.of(GUEST)
    assert lane is not None

    async def each_generation(records: bytes) -> None:
        for transfer in (TRANSFER, other, TransferID("n" * 22)):
            for generation in (1, 2, 3, 4):
                await send(LaneTransport(lane, transfer, generation), records)
        room.guest.lanes.send_text(GUEST, "that was all")
        await room.host.events.wait(link_ev.ChannelMessage)

    await each_generation(b"first")
    assert (len(room.host.records.all), len(former.all)) == (0, 0)
    assert [bytes(message) for message in newest.all] == [b"first"]  # type: ignore[call-overload]
    assert [bytes(message) for message in others.all] == [b"first"]  # type: ignore[call-overload]
    lanes.unsubscribe(TRANSFER)
    await each_generation(b"second")
    assert len(newest.all) == 1
    assert len(others.all) == 2


async def test_records_are_handed_on_without_a_copy(room: Room) -> None:
    await room.open_lane()
    came = Events()
    room.host.lanes.subscribe(HOST, TRANSFER, 1, came)
    await send(way(room.guest), b"records")
    view = await came.wait(memoryview)
    # The frame behind the view also contains the prefix.
    assert bytes(view) == b"records"
    assert bytes(view.obj) == way(room.guest).prefix + b"records"


async def test_a_new_lane_knows_no_subscription_of_the_one_before(room: Room) -> None:
    await room.open_lane()
    came = Events()
    room.host.lanes.subscribe(HOST, TRANSFER, 5, came)
    room.guest.lanes.close(GUEST)
    await room.host.events.wait(link_ev.LaneLost)
    # The lane has gone, so nothing can be received.
    room.host.lanes.subscribe(HOST, TRANSFER, 5, came)
    await room.open_lane()
    await send(way(room.guest, generation=5), b"late")
    await send(way(room.guest, generation=1), b"new")
    assert await room.host.records.wait(bytes) == b"new"
    assert came.all == []


async def test_a_text_is_not_kept_waiting_by_bytes(room: Room) -> None:
    await room.open_lane()
    bulk = [
        asyncio.create_task(send(way(room.guest), bytes(limits.LANE_BULK_BYTES))) for _ in range(40)
    ]
    await bulk[0]
    room.guest.lanes.send_text(GUEST, "now")
    await room.host.events.wait(link_ev.ChannelMessage)
    assert len(room.host.records.all) < len(bulk), "it waited for all of them"
    await asyncio.gather(*bulk)
    await room.host.records.wait(bytes, lambda _: len(room.host.records.all) == len(bulk))


async def test_closing_a_lane_lets_the_last_words_out(room: Room) -> None:
    await room.open_lane()
    room.host.lanes.send_text(HOST, "bye")
    room.host.lanes.close(HOST)
    assert (await room.guest.events.wait(link_ev.ChannelMessage)).text == "bye"
    await room.guest.events.wait(link_ev.LaneLost)
    await room.host.events.wait(link_ev.LaneLost)
    assert room.host.lanes.of(HOST) is None
    assert room.guest.lanes.of(GUEST) is None


async def test_a_new_lane_takes_the_place_of_the_old_one(room: Room) -> None:
    await room.open_lane()
    await room.open_lane(carries_link=True)
    room.host.lanes.send_text(HOST, "on the new one")
    assert (await room.guest.events.wait(link_ev.ChannelMessage)).text == "on the new one"
    assert not any(
        isinstance(event, link_ev.LaneLost)
        for event in room.host.events.all + room.guest.events.all
    )


async def test_what_cannot_be_sent_any_more_says_so(room: Room) -> None:
    await room.open_lane()
    former = way(room.guest)
    room.host.lanes.close(HOST)
    await room.guest.events.wait(link_ev.LaneLost)
    with pytest.raises(TransportClosedError):
        await send(former, b"x")
    room.guest.lanes.send_text(GUEST, "lost, as on any closed socket")


# --- who gets a lane ------------------------------------------------------------------------------


async def test_a_wrong_key_gets_no_lane_and_uses_the_token_up(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    room.dial(TOKEN, secrets.token_bytes(32))
    await room.guest.events.wait(link_ev.LaneLost)
    room.dial(TOKEN, KEY)
    await room.guest.events.wait(link_ev.LaneLost)
    assert room.host.events.all == []


async def test_a_wrong_token_gets_no_lane_and_uses_none_up(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    room.dial(bytes(16), KEY)
    await room.guest.events.wait(link_ev.LaneLost)
    room.dial(TOKEN, KEY)
    await room.guest.events.wait(link_ev.LaneOpened)


async def test_a_token_is_good_for_one_lane(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    room.dial(TOKEN, KEY)
    await room.guest.events.wait(link_ev.LaneOpened)
    other = End()
    other.lanes.dial(_dial(room))
    await other.events.wait(link_ev.LaneLost)
    await other.tasks.stop()
    with pytest.raises(ValueError, match="one lane"):
        room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))


def _dial(room: Room) -> link_do.DialLane:
    return link_do.DialLane(GUEST, f"ws://127.0.0.1:{room.port}/lane", TOKEN, KEY)


async def test_a_recorded_greeting_opens_nothing(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    recorded: list[bytes] = []

    async def record(connection: object) -> None:
        async for frame in connection:  # type: ignore[attr-defined]
            recorded.append(frame)
            return

    async with serve(record, "127.0.0.1", 0) as spy:
        room.dial(TOKEN, KEY, port=next(iter(spy.sockets)).getsockname()[1])
        await room.guest.events.wait(link_ev.LaneLost)
    # The first connection uses up the attempt that the guest's socket had.
    for expected in (True, False):
        async with connect(f"ws://127.0.0.1:{room.port}/lane", proxy=None) as thief:
            await thief.send(recorded[0])
            # The thief has no key, so its next frame cannot be opened.
            if expected:
                await room.host.events.wait(link_ev.LaneOpened)
                await thief.recv()
                await thief.send(secrets.token_bytes(100))
                await room.host.events.wait(link_ev.LaneLost)
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(PATIENCE):
                    await thief.recv()


async def test_whoever_says_anything_else_is_closed_at_once(subtests: pytest.Subtests) -> None:
    cases: list[str | bytes] = ["text", b"", bytes(16), bytes(50), bytes(5000), bytes(300_000)]
    for first in cases:
        with subtests.test(first=first[:20]):
            async with lane_room() as room:
                await check_whoever_says_anything_else_is_closed_at_once(room, first)


async def check_whoever_says_anything_else_is_closed_at_once(
    room: Room, first: str | bytes
) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    async with connect(f"ws://127.0.0.1:{room.port}/lane", proxy=None, close_timeout=1) as stranger:
        with contextlib.suppress(ConnectionClosed):
            await stranger.send(first)
        await asyncio.wait_for(stranger.wait_closed(), PATIENCE)
    assert room.host.events.all == []


async def test_whoever_says_nothing_is_closed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LANE_PROOF_SECONDS", 0.05)
    async with connect(f"ws://127.0.0.1:{room.port}/lane", proxy=None, close_timeout=1) as stranger:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                await stranger.recv()


async def test_a_page_elsewhere_cannot_open_one(room: Room) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await connect(f"ws://127.0.0.1:{room.port}/lane", proxy=None, origin="http://evil.example")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus, match="421"):
        await connect(
            f"ws://127.0.0.1:{room.port}/lane",
            proxy=None,
            additional_headers={"Host": "evil.example"},
        )


async def test_a_lane_that_is_not_expected_any_more_stays_closed(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    room.host.lanes.close(HOST)
    room.dial(TOKEN, KEY)
    await room.guest.events.wait(link_ev.LaneLost)
    assert room.host.events.all == []


async def test_a_host_that_does_not_know_the_key_is_left(room: Room) -> None:
    async def imposter(connection: object) -> None:
        await connection.recv()  # type: ignore[attr-defined]
        await connection.send(secrets.token_bytes(18))  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionClosed):
            await connection.recv()  # type: ignore[attr-defined]

    async with serve(imposter, "127.0.0.1", 0) as server:
        room.dial(TOKEN, KEY, port=next(iter(server.sockets)).getsockname()[1])
        await room.guest.events.wait(link_ev.LaneLost)


async def test_a_dial_that_nobody_answers_is_lost(room: Room) -> None:
    await room.server.stop()
    room.dial(TOKEN, KEY)
    assert await room.guest.events.wait(link_ev.LaneLost) == link_ev.LaneLost(GUEST)


async def test_a_dial_called_off_is_not_spoken_of(room: Room) -> None:
    room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
    room.dial(TOKEN, KEY)
    room.guest.lanes.close(GUEST)
    async with asyncio.timeout(PATIENCE):
        if room.guest.lanes.goodbyes:
            await asyncio.wait(room.guest.lanes.goodbyes)
    assert room.guest.events.all == []


# --- what ends a lane -----------------------------------------------------------------------------


async def test_a_lane_cut_anywhere_is_lost_at_both_ends_and_gave_only_whole_messages(
    subtests: pytest.Subtests,
) -> None:
    for seed in range(12):
        with subtests.test(seed=seed):
            async with lane_room() as room:
                await check_a_lane_cut_anywhere_is_lost_at_both_ends_and_gave_only_whole_messages(
                    room, seed
                )


async def check_a_lane_cut_anywhere_is_lost_at_both_ends_and_gave_only_whole_messages(
    room: Room, seed: int
) -> None:
    dice = random.Random(seed)
    messages = [dice.randbytes(dice.randint(1, 60_000)) for _ in range(30)]
    async with proxy(room, cut_at=dice.randint(60, sum(map(len, messages)))) as port:
        room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
        room.dial(TOKEN, KEY, port=port)
        await room.guest.events.wait(link_ev.LaneOpened)
        stream = way(room.guest)
        with contextlib.suppress(TransportClosedError):
            for message in messages:
                await send(stream, message)
            await asyncio.wait_for(asyncio.ensure_future(_until_closed(stream)), PATIENCE)
        await room.guest.events.wait(link_ev.LaneLost)
        await room.host.events.wait(link_ev.LaneLost)
    came = room.host.records.all
    assert came[: len(messages)] == messages[: len(came)]


async def _until_closed(stream: LaneTransport) -> None:
    while True:
        await send(stream, bytes(1000))


async def test_one_flipped_bit_ends_the_lane(subtests: pytest.Subtests) -> None:
    for seed in range(8):
        with subtests.test(seed=seed):
            async with lane_room() as room:
                await check_one_flipped_bit_ends_the_lane(room, seed)


async def check_one_flipped_bit_ends_the_lane(room: Room, seed: int) -> None:
    """Change one bit anywhere: in a WebSocket header, in the seal or in the sealed content.

    Nothing of that message may be passed on.
    """
    dice = random.Random(seed)
    messages = [dice.randbytes(20_000) for _ in range(20)]
    async with proxy(room, flip_at=dice.randint(60, 300_000)) as port:
        room.host.lanes.expect(link_do.ExpectLane(HOST, TOKEN, KEY))
        room.dial(TOKEN, KEY, port=port)
        await room.guest.events.wait(link_ev.LaneOpened)
        stream = way(room.guest)
        with contextlib.suppress(TransportClosedError):
            for message in messages:
                await send(stream, message)
            await asyncio.wait_for(asyncio.ensure_future(_until_closed(stream)), PATIENCE)
        await room.host.events.wait(link_ev.LaneLost)
    came = room.host.records.all
    assert len(came) < len(messages)
    assert came == messages[: len(came)]


async def test_a_peer_that_knows_the_key_and_not_the_protocol_loses_the_lane(
    subtests: pytest.Subtests,
) -> None:
    cases: list[bytes] = [
        b"",
        b"\x00",
        b"\x09x",
        b"\x03\x00",
        b"\x01\xff",
        b"\x02short",
        b"\x01" + b"x" * limits.MAX_CHANNEL_MESSAGE_BYTES,
    ]
    for plain in cases:
        with subtests.test(plain=plain):
            async with lane_room() as room:
                await check_a_peer_that_knows_the_key_and_not_the_protocol_loses_the_lane(
                    room, plain
                )


async def check_a_peer_that_knows_the_key_and_not_the_protocol_loses_the_lane(
    room: Room, plain: bytes
) -> None:
    await room.open_lane()
    lane = room.guest.lanes.of(GUEST)
    assert lane is not None
    await lane.send_stream(memoryview(plain))
    await room.host.events.wait(link_ev.LaneLost)
    assert not any(isinstance(event, link_ev.ChannelMessage) for event in room.host.events.all)


async def test_a_peer_that_reads_nothing_is_cut_off(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.open_lane()
    monkeypatch.setattr("proxim.io.link.lane.LANE_UNREAD_BYTES", 100_000)
    for _ in range(11):
        room.host.lanes.send_text(HOST, "x" * 10_000)
    await room.host.events.wait(link_ev.LaneLost)


async def test_a_lane_has_a_lanes_limits_only_once_proved(room: Room) -> None:
    """websockets has no settings per path and reads the limits from these attributes; they are
    public, but not promised.
    """
    await room.open_lane()
    connection = next(iter(room.server._open_connections))
    assert connection.is_lane
    assert connection.ping_interval is None
    assert connection.keepalive_task is None
    assert connection.protocol.max_message_size == limits.LANE_FRAME_BYTES
    async with connect(f"ws://127.0.0.1:{room.port}/ws", proxy=None):
        other = [one for one in room.server._open_connections if one is not connection]
        assert [one.ping_interval for one in other] == [limits.SERVER_PING_SECONDS]
        assert [one.protocol.max_message_size for one in other] == [limits.HARD_MESSAGE_BYTES]


async def test_a_channel_goes_both_ways_and_begins_anew_on_each_lane(room: Room) -> None:
    begun: list[Channel] = []
    pictures, answers = Events(), Events()

    def begin(channel: Channel) -> Feed:
        begun.append(channel)
        return lambda message: pictures(bytes(message))

    room.guest.lanes.hear(GUEST, "screen/x", begin)
    assert room.host.lanes.open_channel(HOST, "screen/x") is None
    await room.open_lane()
    ours = room.host.lanes.open_channel(HOST, "screen/x")
    assert ours is not None
    ours.subscribe(lambda message: answers(bytes(message)))
    ours.send(b"one")
    assert ours.waiting > 0
    assert await pictures.wait(bytes) == b"one"
    begun[0].send(b"drawn")
    assert await answers.wait(bytes) == b"drawn"
    ours.send(b"two")
    assert await pictures.wait(bytes) == b"two"
    assert len(begun) == 1
    assert ours.waiting == 0
    room.guest.lanes.close(GUEST)
    await room.host.events.wait(link_ev.LaneLost)
    ours.send(b"lost")
    await room.open_lane()
    again = room.host.lanes.open_channel(HOST, "screen/x")
    assert again is not None
    again.send(b"three")
    assert await pictures.wait(bytes) == b"three"
    assert len(begun) == 2


async def test_a_channel_that_nobody_hears_is_dropped(room: Room) -> None:
    await room.open_lane()
    unknown = room.host.lanes.open_channel(HOST, "input/y")
    ours = room.host.lanes.open_channel(HOST, "screen/x")
    assert unknown is not None
    assert ours is not None
    unknown.send(b"nobody")
    pictures = Events()
    room.guest.lanes.hear(GUEST, "screen/x", lambda channel: lambda one: pictures(bytes(one)))
    ours.send(b"one")
    assert await pictures.wait(bytes) == b"one"
    room.guest.lanes.unhear(GUEST, "screen/x")
    ours.send(b"two")
    room.host.lanes.send_text(HOST, "after it")
    await room.guest.events.wait(link_ev.ChannelMessage)
    assert pictures.all == [b"one"]
    # What was closed at this end sends nothing, either.
    room.guest.lanes.hear(GUEST, "screen/x", lambda channel: lambda one: pictures(bytes(one)))
    ours.close()
    ours.send(b"three")
    room.host.lanes.send_text(HOST, "after it")
    await room.guest.events.wait(link_ev.ChannelMessage)
    assert pictures.all == [b"one"]


async def test_channels_go_before_the_bytes_of_files(room: Room) -> None:
    await room.open_lane()
    order: list[str] = []
    lane = room.guest.lanes.of(GUEST)
    assert lane is not None
    lane.subscribe(TRANSFER, 1, lambda message: order.append("file"))
    done = asyncio.Event()

    def picture(message: bytes | memoryview) -> None:
        order.append("picture")
        done.set()

    room.guest.lanes.hear(GUEST, "screen/x", lambda channel: picture)
    ours = room.host.lanes.open_channel(HOST, "screen/x")
    assert ours is not None
    files = [asyncio.create_task(send(way(room.host), bytes(512 * 1024))) for _ in range(40)]
    await asyncio.sleep(0)
    ours.send(b"picture")
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    before = order.index("picture")
    await asyncio.gather(*files)
    assert before < 20


async def test_a_message_of_a_channel_that_is_too_large_ends_the_lane(room: Room) -> None:
    await room.open_lane()
    ours = room.host.lanes.open_channel(HOST, "screen/x")
    assert ours is not None
    ours.send(bytes(limits.MAX_CHANNEL_MESSAGE_BYTES + 1))
    await room.guest.events.wait(link_ev.LaneLost)
