"""The outgoing stream of one transfer.

Files are read ahead on a worker thread, and at most one window is in flight unacknowledged.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from proxim.core.files.progress import RateMeter
from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES, LANE_MESSAGE_BYTES
from proxim.io.limits import BATCH_BYTES, LANE_BULK_BYTES, MESSAGE_SECONDS, WINDOW_BYTES
from proxim.io.link.stream import Transport

# Messages, each with its number of bytes of files.
_Batch = list[tuple[memoryview, int]]


class Messages(Protocol):
    """The part of source.Source that is used here."""

    # How large the next messages may be.
    limit: int

    @property
    def data_bytes(self) -> int:
        """Bytes of files in the message just made."""

    def stop(self) -> None:
        """End the messages soon. Reading a beginning again may take long."""

    def reuse(self, message: memoryview) -> None:
        """Use the message's buffer again."""


def message_bytes(speed: float) -> int:
    """Return how large messages should be at so many bytes per second."""
    return max(CHANNEL_MESSAGE_BYTES, min(int(speed * MESSAGE_SECONDS), LANE_MESSAGE_BYTES))


class Sending:
    """Sends the stream of one transfer.

    `messages` reads the disk, so it runs on worker threads, one turn at a time.
    """

    def __init__(
        self, transport: Transport, source: Messages, messages: Iterator[memoryview]
    ) -> None:
        self._transport = transport
        self._source = source
        self._messages = messages
        self._sent = 0
        self._acknowledged = 0
        self._room = asyncio.Event()
        self._meter = RateMeter()
        source.limit = LANE_BULK_BYTES

    def acknowledge(self, written: int) -> None:
        """Note how many bytes of files the other side has written."""
        self._acknowledged = max(self._acknowledged, min(written, self._sent))
        self._room.set()
        self._meter.note(self._acknowledged, asyncio.get_running_loop().time())
        if self._meter.speed is not None:
            self._source.limit = message_bytes(self._meter.speed)

    async def run(self) -> None:
        """Run until everything is sent. Raises TransportClosedError, and what reading raises."""
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(None, self._read)
        try:
            while batch := await asyncio.shield(reading):
                reading = loop.run_in_executor(None, self._read)
                for message, size in batch:
                    await self._wait_for_room(size)
                    await self._transport.send(message)
                    self._sent += size
                    self._source.reuse(message)
        finally:
            self._source.stop()
            # The source may close its files only when no thread reads them any more.
            await asyncio.wait([reading])
            if not reading.cancelled():
                # The exception was raised above or is not needed. Retrieving it keeps asyncio from
                # logging it.
                reading.exception()
            await loop.run_in_executor(None, self._finish)

    async def _wait_for_room(self, size: int) -> None:
        while (
            self._sent > self._acknowledged
            and self._sent + size - self._acknowledged > WINDOW_BYTES
        ):
            self._room.clear()
            await self._room.wait()

    # --- on a worker thread -----------------------------------------------------------------------

    def _read(self) -> _Batch:
        prefix = self._transport.prefix
        batch: _Batch = []
        read = 0
        for view in self._messages:
            view[: len(prefix)] = prefix
            # The message may be kept until it is returned with `reuse`.
            batch.append((view, self._source.data_bytes))
            read += len(view)
            if read >= BATCH_BYTES:
                break
        return batch

    def _finish(self) -> None:
        # Generators have this method, but other iterators need not.
        close = getattr(self._messages, "close", None)
        if close is not None:
            close()
