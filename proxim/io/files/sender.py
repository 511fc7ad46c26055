"""One stream of a transfer on its way out: read ahead on a worker thread, never more than a window
unacknowledged.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

from proxim.io.limits import BATCH_BYTES, WINDOW_BYTES

# Runtime's: it ends them with the program
Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
# Messages, each with how many bytes of files are in it
_Batch = list[tuple[memoryview, int]]


class WayClosedError(Exception):
    """The lane or channel is closed, whoever closed it.

    Of a lane, and of a whole link, the machine hears otherwise.
    """


class Way(Protocol):
    """What carries a stream."""

    @property
    def prefix(self) -> bytes:
        """What goes before each message's records."""

    @property
    def message_bytes(self) -> int:
        """The largest message, with its prefix."""

    async def send(self, message: memoryview) -> None:
        """Wait until there is room and send. Raises WayClosedError."""

    def close(self) -> None:
        """The stream is over."""


class Messages(Protocol):
    """What source.Source is here."""

    @property
    def data_bytes(self) -> int:
        """Bytes of files in the message just made."""

    def stop(self) -> None:
        """End the messages soon: what is being read again may be long."""


class Sending:
    """Sends the stream of one transfer.

    `messages` reads the disk: it runs on worker threads, one turn at a time.
    """

    def __init__(self, way: Way, source: Messages, messages: Iterator[memoryview]) -> None:
        self._way = way
        self._source = source
        self._messages = messages
        self._sent = 0
        self._acknowledged = 0
        self._room = asyncio.Event()

    def acknowledge(self, written: int) -> None:
        """So many bytes of files are written at the other side."""
        self._acknowledged = max(self._acknowledged, min(written, self._sent))
        self._room.set()

    async def run(self) -> None:
        """Until all is sent, or cancelled. Raises WayClosedError, and what reading raises."""
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(None, self._read)
        try:
            while batch := await asyncio.shield(reading):
                reading = loop.run_in_executor(None, self._read)
                for message, size in batch:
                    await self._wait_for_room(size)
                    await self._way.send(message)
                    self._sent += size
        finally:
            self._source.stop()
            # Its files are closed when nobody reads them any more
            await asyncio.wait([reading])
            if not reading.cancelled():
                # Seen: it was raised above, or nobody wants it
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
        prefix = self._way.prefix
        batch: _Batch = []
        read = 0
        for view in self._messages:
            view[: len(prefix)] = prefix
            # Its memory is its own: the source makes others
            batch.append((view, self._source.data_bytes))
            read += len(view)
            if read >= BATCH_BYTES:
                break
        return batch

    def _finish(self) -> None:
        # A generator's; an iterator need not have it
        close = getattr(self._messages, "close", None)
        if close is not None:
            close()
