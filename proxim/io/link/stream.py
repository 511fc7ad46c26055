"""What carries a feature's bytes over a link, and who receives them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

# Starts a task that Runtime owns and ends with the program.
Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
# Is handed the records that arrive over a lane (as a view into the frame) or data channel.
Feed = Callable[[bytes | memoryview], None]


class TransportClosedError(Exception):
    """The lane or channel is closed, whichever side closed it.

    The end of a lane or of a whole link is reported to the machine elsewhere.
    """


class Transport(Protocol):
    """What carries a stream."""

    @property
    def prefix(self) -> bytes:
        """The bytes before each message's records."""

    @property
    def message_bytes(self) -> int:
        """The size of the largest message, including its prefix."""

    async def send(self, message: memoryview) -> None:
        """Wait until there is room, then send. Raises TransportClosedError.

        When this returns, the message may be overwritten.
        """

    def close(self) -> None:
        """End the stream."""


class Channel(Protocol):
    """A way of its own for messages of bytes, in both directions, over a data channel or a lane.

    All of it belongs to the loop's thread, except `waiting`.
    """

    @property
    def waiting(self) -> int:
        """How many bytes were sent and have not left this program."""

    def send(self, message: bytes) -> None:
        """Send a message; on a channel that has closed it is lost."""

    def subscribe(self, feed: Feed) -> None:
        """From now on call `feed` with each message that arrives."""

    def close(self) -> None:
        """End the channel; over a lane nothing ends, and what arrives is dropped."""


# Takes a channel that the other side has begun, and returns what is handed its messages.
Begin = Callable[[Channel], Feed]
