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
