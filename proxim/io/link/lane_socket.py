"""The messages of a lane's WebSocket, read and written without a copy that can be avoided.

`websockets` makes the opening handshake. Then a LaneSocket becomes the protocol of the transport:
it reads and writes the binary messages itself, in buffers that are used again, and passes on to the
library what only the library needs to know: control frames, the state of the transport and its end.
So pings, the closing handshake and the library's limits work as on every other socket.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final

from websockets.asyncio.connection import Connection
from websockets.protocol import State

from proxim.core.link.websocket_frames import (
    MOST_HEADER_BYTES,
    Frame,
    FrameError,
    FrameReader,
    Opcode,
    frame_header,
)
from proxim.io.limits import LANE_FRAME_BYTES
from proxim.io.link.stream import TransportClosedError

# The library has this function in C, but not for every system.
try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

# RFC 6455: a client masks each frame with a fresh key of this size.
_MASK_BYTES: Final = 4
# Two take turns: while the system takes one, the next message is sealed into the other.
_KEPT_BUFFERS: Final = 2


class LaneError(Exception):
    """The other side does not know the key or breaks the protocol, so the lane must end."""


class LaneSocket(asyncio.BufferedProtocol):
    """Takes over an open connection. `client` says whether this side dialled it.

    What the other side has sent earlier must have been read from the library.
    """

    def __init__(self, connection: Connection, *, client: bool) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._client = client
        self._reader = FrameReader(masked=not client, most=LANE_FRAME_BYTES)
        # Nothing is read while nobody wants a message.
        self._handler: Callable[[memoryview], None] | None = None
        # The beginning of a message of several frames.
        self._fragments: bytearray | None = None
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        # The bytes that were given to the transport so far.
        self._written = 0
        # The buffers that the transport may still read, each with the value of _written after it.
        self._lent: deque[tuple[int, memoryview]] = deque()
        self._free: list[memoryview] = []
        self._transport.pause_reading()
        self._transport.set_protocol(self)

    # --- receiving --------------------------------------------------------------------------------

    async def receive_first(self) -> bytes:
        """Return the next message, and leave those behind it for `receive`.

        Raises LaneError, TransportClosedError.
        """
        first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def received(message: memoryview) -> None:
            self._handler = None
            self._transport.pause_reading()
            if not first.done():
                first.set_result(bytes(message))

        self._listen(received)
        await asyncio.wait((first, self._over), return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            return first.result()
        self._over.result()
        raise TransportClosedError

    async def receive(self, handler: Callable[[memoryview], None]) -> None:
        """Call `handler` with each message until the connection has closed.

        A message is a view that is valid during the call. An error of the handler ends the
        connection and is raised here, as is LaneError.
        """
        self._listen(handler)
        await asyncio.shield(self._over)

    def _listen(self, handler: Callable[[memoryview], None]) -> None:
        self._handler = handler
        self._deliver()
        # A handler of one message wants no more.
        if self._handler is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _deliver(self) -> None:
        try:
            while self._handler is not None and not self._transport.is_closing():
                frame = self._reader.next_frame()
                if frame is None:
                    return
                self._handle(frame)
        except FrameError as error:
            self._fail(LaneError(str(error)))
        except Exception as error:  # noqa: BLE001
            # Whoever waits in `receive` learns of it.
            self._fail(error)

    def _handle(self, frame: Frame) -> None:
        if frame.opcode.control:
            self._connection.data_received(bytes(frame.raw))
            return
        if frame.opcode is Opcode.TEXT:
            raise LaneError("a frame that is not sealed")
        if (frame.opcode is Opcode.CONTINUATION) != (self._fragments is not None):
            raise LaneError("a message begins within another")
        payload = frame.payload
        if frame.mask:
            payload = memoryview(apply_mask(payload, frame.mask))
        if self._fragments is None and frame.final:
            self._hand_over(payload)
            return
        fragments = bytearray() if self._fragments is None else self._fragments
        if len(fragments) + len(payload) > LANE_FRAME_BYTES:
            raise LaneError("a message is too large")
        fragments += payload
        self._fragments = None if frame.final else fragments
        if frame.final:
            self._hand_over(memoryview(fragments))

    def _hand_over(self, message: memoryview) -> None:
        assert self._handler is not None
        self._handler(message)

    def _fail(self, error: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(error)
            # It is retrieved where somebody waits; asyncio would log it if nobody does.
            self._over.exception()
        self._transport.abort()

    # --- sending ----------------------------------------------------------------------------------

    async def send(self, size: int, fill: Callable[[memoryview], None]) -> None:
        """Send a message of `size` bytes that `fill` writes, and wait until the system has nearly
        all of it.

        Nothing is sent between `fill` and the message. Raises TransportClosedError.
        """
        if self._connection.state is not State.OPEN or self._transport.is_closing():
            raise TransportClosedError
        buffer = self._take(MOST_HEADER_BYTES + size)
        message = buffer[MOST_HEADER_BYTES : MOST_HEADER_BYTES + size]
        fill(message)
        if self._client:
            mask = secrets.token_bytes(_MASK_BYTES)
            self._write(frame_header(Opcode.BINARY, size, mask))
            # The masked bytes are a copy, so the transport never sees the buffer.
            self._write(apply_mask(message, mask))
            self._free.append(buffer)
        else:
            header = frame_header(Opcode.BINARY, size)
            begin = MOST_HEADER_BYTES - len(header)
            buffer[begin:MOST_HEADER_BYTES] = header
            self._write(buffer[begin : MOST_HEADER_BYTES + size])
            self._lent.append((self._written, buffer))
        await self._writable.wait()
        if self._over.done():
            raise TransportClosedError

    def _write(self, data: bytes | memoryview) -> None:
        self._transport.write(data)
        self._written += len(data)

    def _take(self, size: int) -> memoryview:
        """Return a buffer of at least this size that the transport does not read any more."""
        # What the library sends counts as unsent, too, so this is never too early.
        sent = self._written - self._transport.get_write_buffer_size()
        while self._lent and self._lent[0][0] <= sent:
            self._free.append(self._lent.popleft()[1])
        del self._free[:-_KEPT_BUFFERS]
        for number, buffer in enumerate(self._free):
            if len(buffer) >= size:
                return self._free.pop(number)
        return memoryview(bytearray(size))

    async def close(self) -> None:
        """Send what waits, then close with a handshake."""
        await self._connection.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()

    # --- the transport's calls --------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to receive."""
        return self._reader.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Deliver what has become whole."""
        self._reader.received(nbytes)
        self._deliver()

    def eof_received(self) -> None:
        """Let the library end the connection."""
        self._connection.eof_received()

    def pause_writing(self) -> None:
        """Let senders wait."""
        self._writable.clear()
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._writable.set()
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        if not self._over.done():
            self._over.set_result(None)
        self._writable.set()
        self._connection.connection_lost(exc)
