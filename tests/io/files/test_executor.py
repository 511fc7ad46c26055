"""Tests that send real files from one executor to another over a fake transport."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.link import events as link_ev
from proxim.io.files.executor import TransferExecutor
from proxim.io.files.sink import Sink
from proxim.io.link.stream import Feed, Transport, TransportClosedError
from tests.io.lane_support import Tasks
from tests.io.support import PATIENCE, Events

ID = TransferID("h" * 22)
LINK = ev.LinkID("guest-1")
BYTES = random.Random(4).randbytes(3_000_000)


def content_of(finished: file_ev.SinkFinished) -> bytes:
    return Path(finished.path).read_bytes()


class Pipe:
    """A transport to the other executor; it closes after `closes_after` messages."""

    message_bytes = 64 * 1024

    def __init__(
        self, deliver: Callable[[bytes], None], closes_after: int | None, prefix: bytes
    ) -> None:
        self.prefix = prefix
        self.closed = False
        self._deliver = deliver
        self._left = closes_after

    async def send(self, message: memoryview) -> None:
        if self._left == 0:
            raise TransportClosedError
        if self._left is not None:
            self._left -= 1
        self._deliver(bytes(message[len(self.prefix) :]))
        await asyncio.sleep(0)

    def close(self) -> None:
        self.closed = True


class Two:
    """An executor that sends and one that receives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks = Tasks()
        self.sent, self.received = Events(), Events()
        # The key is the channel, or for a lane the transfer and its generation.
        self.feeds: dict[int | tuple[TransferID, int], Feed] = {}
        self.closes_after: int | None = None
        self.pipes: list[Pipe] = []
        self.sender = self.executor(self.sent, "sender")
        self.receiver = self.executor(self.received, "receiver")
        self.sources = folder / "sources"
        self.sources.mkdir()
        self.saved = folder / "saved"

    def executor(self, events: Events, name: str) -> TransferExecutor:
        data = str(self.folder / f"{name} data")
        return TransferExecutor(
            events,
            self.tasks,
            self,
            save_to=str(self.folder / "saved"),
            data_dir=data,
        )

    def open(
        self, link: ev.LinkID, via: st.Via, transfer: TransferID, generation: int
    ) -> Transport | None:
        def over_lane(message: bytes) -> None:
            if (transfer, generation) in self.feeds:
                self.feeds[transfer, generation](memoryview(message))

        def over_channel(message: bytes) -> None:
            self.feeds[generation](message)

        pipe = Pipe(
            over_lane if via is st.Via.LANE else over_channel,
            self.closes_after,
            b"head" * (via is st.Via.LANE),
        )
        self.pipes.append(pipe)
        return pipe

    def subscribe(
        self, link: ev.LinkID, channel: int, transfer: TransferID, generation: int, feed: Feed
    ) -> None:
        lane = channel == link_ev.LANE_CHANNEL
        self.feeds[(transfer, generation) if lane else channel] = feed

    def unsubscribe(self, transfer: TransferID) -> None:
        for key in [key for key in self.feeds if isinstance(key, tuple) and key[0] == transfer]:
            del self.feeds[key]

    def send(self, command: do.Command) -> None:
        self.sender.execute[type(command)](command)

    def receive(self, command: do.Command) -> None:
        self.receiver.execute[type(command)](command)

    async def listed(self, content: bytes = BYTES) -> tuple[Entry, ...]:
        (self.sources / "picture.raw").write_bytes(content)
        self.send(file_do.ListSources(ID, (str(self.sources / "picture.raw"),)))
        return (await self.sent.wait(file_ev.SourcesListed)).entries

    async def opened(self, entries: tuple[Entry, ...]) -> file_ev.SinkReady:
        self.receive(file_do.OpenSink(ID, entries))
        return await self.received.wait(file_ev.SinkReady)


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    two = Two(tmp_path)
    yield two
    await two.sender.stop()
    await two.receiver.stop()
    await two.tasks.stop()
    assert two.tasks.crashes == []


@pytest.mark.parametrize("via", st.Via)
async def test_a_file_arrives(two: Two, via: st.Via) -> None:
    entries = await two.listed()
    await two.opened(entries)
    two.receive(
        file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL if via is st.Via.LANE else 0, 0)
    )
    two.send(file_do.StartSending(ID, LINK, 0, via))
    finished = await two.received.wait(file_ev.SinkFinished)
    assert content_of(finished) == BYTES
    wrote = [event for event in two.received.all if isinstance(event, file_ev.SinkWrote)]
    assert wrote[-1] == file_ev.SinkWrote(ID, 0, len(BYTES))
    two.send(file_do.StopSending(ID, forget=True))
    assert len(two.feeds) == 1
    two.receive(file_do.CloseSink(ID, keep=False))
    # The lane continues without a subscriber for this transfer; a channel ends with its stream.
    assert len(two.feeds) == (0 if via is st.Via.LANE else 1)
    await asyncio.wait_for(_until(lambda: two.pipes[0].closed), PATIENCE)
    assert content_of(finished) == BYTES


async def _until(true: Callable[[], bool]) -> None:
    # The condition has no event to wait for.
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def test_a_broken_way_goes_on_where_it_was_written(two: Two) -> None:
    entries = await two.listed()
    await two.opened(entries)
    two.closes_after = 17
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE))
    await two.received.wait(file_ev.SinkWrote)
    two.receive(file_do.PauseSink(ID))
    held = await two.received.wait(file_ev.SinkPaused)
    assert 0 < held.position.offset < len(BYTES)
    two.closes_after = None
    two.receive(file_do.ReceiveStream(ID, LINK, 1, 1))
    two.send(file_do.StartSending(ID, LINK, 1, st.Via.WEBRTC, position=held.position))
    finished = await two.received.wait(file_ev.SinkFinished)
    assert content_of(finished) == BYTES


async def test_the_sender_waits_for_what_is_acknowledged_of_its_generation(two: Two) -> None:
    # This is more than a window.
    content = BYTES * 8
    entries = await two.listed(content)
    await two.opened(entries)
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 5))
    two.send(file_do.StartSending(ID, LINK, 5, st.Via.LANE))
    window = await two.received.wait(file_ev.SinkWrote, lambda event: event.written > 15_000_000)
    # The generation is out of date, so nothing moves.
    two.send(file_do.Acknowledge(ID, 4, window.written))
    two.send(file_do.Acknowledge(ID, 5, window.written))
    finished = await two.received.wait(file_ev.SinkFinished)
    assert content_of(finished) == content


async def test_both_programs_end_and_the_transfer_goes_on(two: Two) -> None:
    entries = await two.listed()
    two.send(file_do.KeepSources(ID, "the other"))
    await two.opened(entries)
    two.closes_after = 20
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE))
    await two.received.wait(file_ev.SinkWrote)
    await two.sender.stop()
    await two.receiver.stop()

    two.closes_after = None
    two.sender, two.receiver = (
        two.executor(two.sent, "sender"),
        two.executor(two.received, "receiver"),
    )
    for executor, events, direction in (
        (two.sender, two.sent, Direction.OUT),
        (two.receiver, two.received, Direction.IN),
    ):
        executor.start()
        (found,) = (await events.wait(file_ev.TransfersFound)).transfers
        assert (found.transfer, found.direction, found.entries) == (ID, direction, entries)
    ready = await two.opened(entries)
    assert [part.index for part in ready.partial] == [0]
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE, partial=ready.partial))
    finished = await two.received.wait(file_ev.SinkFinished)
    assert content_of(finished) == BYTES
    wrote = [event.written for event in two.received.all if isinstance(event, file_ev.SinkWrote)]
    assert wrote[-1] < len(BYTES), "what was there already came again"


async def test_a_forgotten_transfer_is_not_found(two: Two) -> None:
    await two.listed()
    two.send(file_do.KeepSources(ID, None))
    two.send(file_do.StopSending(ID, forget=True))
    await two.sender.stop()
    two.sender = two.executor(two.sent, "sender")
    two.sender.start()
    await two.tasks.idle()
    assert not any(isinstance(event, file_ev.TransfersFound) for event in two.sent.all)


async def test_what_is_not_there_cannot_be_sent(two: Two) -> None:
    two.send(file_do.ListSources(ID, (str(two.sources / "nothing"),)))
    failed = await two.sent.wait(file_ev.SourcesFailed)
    assert failed.reason is not Reason.TRANSFER_FAILED


async def test_an_unknown_transfer_cannot_be_sent(two: Two) -> None:
    two.send(file_do.StartSending(ID, LINK, 3, st.Via.LANE))
    failed = await two.sent.wait(file_ev.SendingFailed)
    assert failed.generation == 3


async def test_a_disk_that_takes_nothing_is_told(two: Two) -> None:
    entries = await two.listed()
    two.saved.write_text("a file where the folder should be")
    two.receive(file_do.OpenSink(ID, entries))
    assert (await two.received.wait(file_ev.SinkFailed)).reason is Reason.FOLDER_GONE


async def test_a_sink_is_opened_again_only_when_its_former_one_has_written_all(two: Two) -> None:
    entries = await two.listed()
    await two.opened(entries)
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.closes_after = 30
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE))
    await two.received.wait(file_ev.SinkWrote)
    two.receive(file_do.CloseSink(ID, keep=True))
    ready = await two.opened(entries)
    assert ready.partial
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.closes_after = None
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE, partial=ready.partial))
    assert content_of(await two.received.wait(file_ev.SinkFinished)) == BYTES


async def test_a_sink_never_opens_beside_its_former_one(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, order = threading.Event(), list[str]()
    close, make_ready = Sink.close, Sink._prepare

    def slow(self: Sink, *, keep: bool) -> None:
        opened.wait(0.2)
        close(self, keep=keep)
        order.append("closed")

    def prepare(self: Sink, fresh: bool) -> None:
        order.append("opened")
        opened.set()
        make_ready(self, fresh)

    entries = await two.listed()
    await two.opened(entries)
    monkeypatch.setattr(Sink, "close", slow)
    monkeypatch.setattr(Sink, "_prepare", prepare)
    two.receive(file_do.CloseSink(ID, keep=True))
    await two.opened(entries)
    assert order == ["closed", "opened"]


async def test_a_channel_that_the_receiver_closes_is_told(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.io.files.executor.LINK_GOES_SECONDS", 0.0)
    entries = await two.listed()
    await two.opened(entries)
    two.closes_after = 2
    two.receive(file_do.ReceiveStream(ID, LINK, 7, 7))
    two.send(file_do.StartSending(ID, LINK, 7, st.Via.WEBRTC))
    failed = await two.sent.wait(file_ev.SendingFailed)
    assert (failed.transfer, failed.generation) == (ID, 7)


@pytest.mark.parametrize("via", st.Via)
async def test_a_way_that_closes_with_its_link_is_not_told_twice(
    two: Two, monkeypatch: pytest.MonkeyPatch, via: st.Via
) -> None:
    closed = asyncio.Event()
    pause = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        closed.set()
        await pause(seconds)

    await two.listed()
    two.closes_after = 0
    if via is st.Via.WEBRTC:
        monkeypatch.setattr("proxim.io.files.executor.asyncio.sleep", sleeping)
        two.send(file_do.StartSending(ID, LINK, 0, via))
        await asyncio.wait_for(closed.wait(), PATIENCE)
        # The machine has noticed that the link is down.
        two.send(file_do.StopSending(ID))
    else:
        monkeypatch.setattr("proxim.io.files.executor.LINK_GOES_SECONDS", 0.0)
        monkeypatch.setattr("proxim.io.files.sender.Sending._finish", lambda _: closed.set())
        two.send(file_do.StartSending(ID, LINK, 0, via))
        await asyncio.wait_for(_until(closed.is_set), PATIENCE)
        for _ in range(100):
            await asyncio.sleep(0)
        two.send(file_do.StopSending(ID))
    await asyncio.wait_for(two.tasks.idle(), PATIENCE)
    assert not any(isinstance(event, file_ev.SendingFailed) for event in two.sent.all)


async def test_cancelled_while_it_waits_leaves_nothing_on_the_disk(
    two: Two, tmp_path: Path
) -> None:
    entries = await two.listed()
    await two.opened(entries)
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.closes_after = 30
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE))
    await two.received.wait(file_ev.SinkWrote)
    two.receive(file_do.CloseSink(ID, keep=True))
    two.receive(file_do.CloseSink(ID, keep=False))
    two.send(file_do.StopSending(ID))
    await asyncio.wait_for(two.tasks.idle(), PATIENCE)
    assert list(two.saved.iterdir()) == []
    assert not (await two.opened(entries)).partial


async def test_commands_for_what_has_ended_change_nothing(two: Two) -> None:
    two.send(file_do.Acknowledge(ID, 0, 1))
    two.send(file_do.StopSending(ID))
    two.receive(file_do.ReceiveStream(ID, LINK, 1, 0))
    two.receive(file_do.PauseSink(ID))
    two.receive(file_do.CloseSink(ID, keep=False))
    await two.tasks.idle()
    assert two.sent.all == two.received.all == []
    assert two.feeds == {}


async def test_a_folder_for_downloads_is_made_where_there_is_none(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = tmp_path / "home" / "Downloads"
    monkeypatch.setattr("platformdirs.user_downloads_path", lambda: downloads)
    executor = TransferExecutor(two.received, two.tasks, two)
    executor.execute[file_do.OpenSink](file_do.OpenSink(ID, (Entry("empty.txt", 0),)))
    await two.received.wait(file_ev.SinkReady)
    assert downloads.is_dir()
    await executor.stop()


async def test_a_source_that_changed_is_reported_and_not_sent(two: Two) -> None:
    entries = await two.listed()
    await two.opened(entries)
    (two.sources / "picture.raw").write_bytes(b"other")
    two.receive(file_do.ReceiveStream(ID, LINK, link_ev.LANE_CHANNEL, 0))
    two.send(file_do.StartSending(ID, LINK, 0, st.Via.LANE))
    finished = await two.received.wait(file_ev.SinkFinished)
    assert [one.reason for one in finished.failed] == [Reason.FILE_CHANGED]
