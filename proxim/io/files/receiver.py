"""The incoming stream of one transfer.

Messages are queued until a worker thread has written them in order. Progress is reported in merged
steps.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from proxim.core import events as ev
from proxim.core.crash_log import describe_crash
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import Position, TransferID
from proxim.core.json_text import MessageError
from proxim.io.limits import (
    BATCH_BYTES,
    GATHER_BYTES,
    GATHER_SECONDS,
    WINDOW_BYTES,
    WINDOW_OVERRUN_BYTES,
    WROTE_BYTES,
    WROTE_SECONDS,
)
from proxim.io.system.disk_errors import FileError

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

SinkEvent = (
    file_ev.SinkReady
    | file_ev.SinkFailed
    | file_ev.SinkWrote
    | file_ev.SinkPaused
    | file_ev.SinkFinished
)


class AnySink(Protocol):
    """The part of sink.Sink that is used here.

    All of it is synchronous and runs on worker threads, one call at a time.
    """

    @property
    def ready(self) -> file_ev.SinkReady:
        """What an earlier attempt left."""

    @property
    def finished(self) -> file_ev.SinkFinished | None:
        """Set once the last wanted file has ended."""

    def write(self, message: memoryview) -> int:
        """Write a message and return its bytes of files. Raises FileError, MessageError."""

    def restart(self) -> Position:
        """Begin a new generation and return its position."""

    def close(self, *, keep: bool) -> None:
        """Release the files."""


class Receiving:
    """Receives the stream of one transfer.

    `overrun` is called with the link of a peer that sends far more than its window.
    """

    def __init__(
        self,
        transfer: TransferID,
        report: Callable[[SinkEvent], None],
        overrun: Callable[[ev.LinkID], None],
    ) -> None:
        self._transfer = transfer
        self._report_to = report
        self._overrun = overrun
        # Messages are accepted from this link, channel and generation.
        self._accepted: tuple[ev.LinkID, int, int] | None = None
        self._generation = 0
        self._queue: deque[bytes | memoryview] = deque()
        # Bytes.
        self._queued = 0
        # Bytes of files in this generation.
        self._written = 0
        self._reported = 0
        self._reported_at = 0.0
        self._wrote_at = -GATHER_SECONDS
        self._merging: asyncio.TimerHandle | None = None
        self._paused = False
        # Whether to keep what has arrived; None while the transfer is not being closed.
        self._closing: bool | None = None
        # The transfer has finished or failed. Nothing more is accepted or reported.
        self._ended = False
        self._work = asyncio.Event()
        # The sink's current call on a worker thread.
        self._turn: asyncio.Future[Any] | None = None

    # --- commands and messages --------------------------------------------------------------------

    def attach(self, link: ev.LinkID, channel: int, generation: int) -> None:
        """Accept messages from this link and channel as this generation. All others are dropped."""
        if generation != self._generation and (self._queue or self._written):
            raise ValueError("a new generation begins only after a PauseSink")
        self._accepted = (link, channel, generation)
        self._generation = generation

    def feed(
        self, link: ev.LinkID, channel: int, generation: int, message: bytes | memoryview
    ) -> None:
        """Queue a message of records, without waiting. The sender's window bounds the queue."""
        if (link, channel, generation) != self._accepted or self._ended:
            return
        self._queue.append(message)
        self._queued += len(message)
        if self._queued > WINDOW_BYTES + WINDOW_OVERRUN_BYTES:
            self._accepted = None
            self._overrun(link)
        self._work.set()

    def pause(self) -> None:
        """Accept nothing more, write what has arrived, and report the position at which to
        continue.
        """
        self._accepted = None
        self._paused = True
        self._work.set()

    def close(self, *, keep: bool) -> None:
        """End the transfer; `run` returns once that is done.

        From now on nothing is reported, except that everything had arrived after all if `keep` is
        set.
        """
        self._accepted = None
        self._closing = keep
        if not keep:
            self._drop()
        self._stop_merging()
        self._work.set()

    # --- running ----------------------------------------------------------------------------------

    async def run(self, open_sink: Callable[[], AnySink]) -> None:
        """Run until closed, and report whatever goes wrong."""
        sink: AnySink | None = None

        def opened() -> AnySink:
            nonlocal sink
            sink = open_sink()
            return sink

        try:
            await self._run(opened)
        finally:
            # A cancellation ends our waiting for the sink's call, but the call goes on and uses the
            # same files.
            if self._turn is not None and not self._turn.done():
                await asyncio.wait([self._turn])
                # The exception is retrieved only so that asyncio does not log it.
                self._turn.exception()
            if sink is not None:
                await asyncio.to_thread(sink.close, keep=self._closing is not False)

    async def _run(self, open_sink: Callable[[], AnySink]) -> None:
        try:
            sink = await self._on_thread(open_sink)
        except FileError as error:
            self._fail(error.reason, error.detail)
            return
        except Exception as error:  # noqa: BLE001
            # A bug of ours must end this transfer and not leave it hanging.
            self._crash(error)
            return
        try:
            self._report(sink.ready)
            # An earlier attempt may have written everything without reporting the end.
            self._look_for_end(sink)
            await self._serve(sink)
        except Exception as error:  # noqa: BLE001
            # This is a bug of ours, too.
            self._crash(error)
            await self._until_closed()

    async def _on_thread(self, turn: Callable[[], _T]) -> _T:
        """Run one turn on a worker thread. Turns run in order, even if the caller is cancelled."""
        running = self._turn = asyncio.get_running_loop().run_in_executor(None, turn)
        return await asyncio.shield(running)

    async def _serve(self, sink: AnySink) -> None:
        while True:
            if self._queue:
                await self._gather()
                await self._write(sink)
                self._wrote_at = asyncio.get_running_loop().time()
            elif self._closing is not None:
                return
            elif self._paused:
                self._paused = False
                self._report_written()
                position = await self._on_thread(sink.restart)
                self._written = self._reported = 0
                self._report(file_ev.SinkPaused(self._transfer, position))
            else:
                self._work.clear()
                await self._work.wait()

    async def _gather(self) -> None:
        """Wait until a few small messages of a running stream have gathered.

        The first message after a pause does not wait.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + GATHER_SECONDS
        if self._wrote_at + GATHER_SECONDS < loop.time():
            return
        try:
            async with asyncio.timeout_at(until):
                while (
                    0 < self._queued < GATHER_BYTES and not self._paused and self._closing is None
                ):
                    self._work.clear()
                    await self._work.wait()
        except TimeoutError:
            pass

    async def _until_closed(self) -> None:
        while self._closing is None:
            self._work.clear()
            await self._work.wait()

    async def _write(self, sink: AnySink) -> None:
        batch: list[bytes | memoryview] = []
        size = 0
        while self._queue and size < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        try:
            self._written += await self._on_thread(lambda: _write_all(sink, batch))
        except FileError as error:
            self._fail(error.reason, error.detail)
            return
        except MessageError as error:
            self._fail(Reason.TRANSFER_FAILED, error.problem.detail)
            return
        finally:
            self._queued -= size
        self._look_for_end(sink)
        if not self._ended:
            self._merge_written()

    def _look_for_end(self, sink: AnySink) -> None:
        if sink.finished is not None and not self._ended:
            self._report_written()
            self._report(sink.finished)
            self._ended = True
            self._drop()

    # --- reporting --------------------------------------------------------------------------------

    def _merge_written(self) -> None:
        wait = self._reported_at + WROTE_SECONDS - asyncio.get_running_loop().time()
        if self._written - self._reported >= WROTE_BYTES or wait <= 0:
            self._report_written()
        elif self._merging is None and self._closing is None:
            self._merging = asyncio.get_running_loop().call_later(wait, self._report_written)

    def _report_written(self) -> None:
        self._stop_merging()
        if self._written > self._reported:
            self._reported = self._written
            self._reported_at = asyncio.get_running_loop().time()
            self._report(file_ev.SinkWrote(self._transfer, self._generation, self._written))

    def _stop_merging(self) -> None:
        if self._merging is not None:
            self._merging.cancel()
            self._merging = None

    def _fail(self, reason: Reason, detail: str) -> None:
        self._report(file_ev.SinkFailed(self._transfer, reason, detail))
        self._ended = True
        self._stop_merging()
        self._drop()

    def _crash(self, error: Exception) -> None:
        _log.error("receiving crashed: %s", describe_crash(error))
        self._fail(Reason.TRANSFER_FAILED, type(error).__name__)

    def _drop(self) -> None:
        self._queued -= sum(len(message) for message in self._queue)
        self._queue.clear()

    def _report(self, event: SinkEvent) -> None:
        reported = self._closing is None or (
            self._closing and isinstance(event, file_ev.SinkFinished)
        )
        if reported and not self._ended:
            self._report_to(event)


def _write_all(sink: AnySink, batch: list[bytes | memoryview]) -> int:
    written = 0
    for message in batch:
        written += sink.write(memoryview(message))
        if sink.finished is not None:
            break
    return written
