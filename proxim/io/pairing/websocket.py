"""One WebSocket, dialled or accepted.

It reads frames into events, writes messages in order, and closes.
"""

import asyncio
import logging
from collections.abc import Callable

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

from proxim.core import events as ev
from proxim.core.crash_log import describe_crash
from proxim.core.errors import Reason
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io.limits import CLOSE_SECONDS, SEND_QUEUE, UNREAD_BYTES
from proxim.io.pairing.rate_limit import Meter

SocketEvent = (
    pair_ev.ConnectionOpened | pair_ev.ConnectionLost | pair_ev.FrameReceived | pair_ev.FrameRefused
)
NORMAL_CLOSURE = 1000
_TOO_BIG = 1009
_CONTROL_FRAMES = frozenset({Opcode.PING, Opcode.PONG, Opcode.CLOSE})

_log = logging.getLogger(__name__)


def cut_off_if_unread(connection: Connection, most: int = UNREAD_BYTES) -> None:
    """Abort the connection if too much waits to be sent; call this after each `data_received`.

    websockets answers every ping, however little the other side reads.
    """
    if connection.transport.get_write_buffer_size() > most:
        connection.transport.abort()


class TooFastError(EOFError):
    """Stops parsing at the first frame that is one too many.

    As at the end of a stream, nothing is answered.
    """


class PacedProtocol(Protocol):
    """A mixin for protocols that parses no further than its meter allows.

    Without a meter there is no limit.
    """

    meter: Meter | None = None

    def recv_frame(self, frame: Frame) -> None:
        """Count a frame; the parser calls this for every one, even if no message results."""
        if self.meter is not None and not self.meter.frame(control=frame.opcode in _CONTROL_FRAMES):
            raise TooFastError("too fast")
        super().recv_frame(frame)


class PacedConnection(Connection):
    """A mixin for connections of a PacedProtocol.

    A connection that is too fast is cut off without a closing handshake.
    """

    def data_received(self, data: bytes) -> None:
        """Count the read before it is parsed."""
        assert isinstance(self.protocol, PacedProtocol)
        if self.protocol.meter is not None and not self.protocol.meter.read(len(data)):
            self.cut_off("it sent too many bytes")
            return
        super().data_received(data)
        if isinstance(self.protocol.parser_exc, TooFastError):
            self.cut_off("it sent too many frames")

    def cut_off(self, why: str) -> None:
        """Drop the connection. Subclasses may report the reason."""
        self.transport.abort()


class WebSocket:
    """Runs one open `websockets` connection until it closes."""

    def __init__(
        self, id: ev.ConnectionID, connection: Connection, report: Callable[[SocketEvent], None]
    ) -> None:
        self._id = id
        self._connection = connection
        self._report = report
        self._dropping: asyncio.TimerHandle | None = None
        self._outbox: asyncio.Queue[str | pair_msg.CloseCode | None] = asyncio.Queue(SEND_QUEUE)

    def send(self, text: str) -> None:
        """Queue a text frame. A peer that leaves SEND_QUEUE of them unread is cut off."""
        self._put(text)

    def close(self, code: pair_msg.CloseCode | None) -> None:
        """Close after everything queued is sent, or in any case after CLOSE_SECONDS."""
        self._put(code)
        if self._dropping is None:
            self._dropping = asyncio.get_running_loop().call_later(
                CLOSE_SECONDS, self._connection.transport.abort
            )

    def _put(self, item: str | pair_msg.CloseCode | None) -> None:
        try:
            self._outbox.put_nowait(item)
        except asyncio.QueueFull:
            self._connection.transport.abort()

    async def run(self, peer_address: str) -> None:
        """Report ConnectionOpened, all frames, and in any case ConnectionLost."""
        writer = asyncio.create_task(self._write(), name=f"websocket {self._id} writer")
        self._report(pair_ev.ConnectionOpened(self._id, peer_address))
        try:
            async for frame in self._connection:
                if self._dropping is not None:
                    # We are closing, and read what still arrives only to find the other side's
                    # close.
                    continue
                if isinstance(frame, str):
                    self._report(pair_ev.FrameReceived(self._id, frame))
                else:
                    self._report(pair_ev.FrameRefused(self._id, Reason.BAD_MESSAGE))
        except ConnectionClosed:
            # The socket is gone, which is reported below.
            pass
        finally:
            writer.cancel()
            await asyncio.wait([writer])
            if self._dropping is not None:
                self._dropping.cancel()
            protocol = self._connection.protocol
            if (unreadable := self._unreadable()) is not None:
                self._report(pair_ev.FrameRefused(self._id, unreadable))
            # Otherwise the received close frame is the echo of ours.
            theirs = protocol.close_rcvd if protocol.close_rcvd_then_sent else None
            self._report(pair_ev.ConnectionLost(self._id, None if theirs is None else theirs.code))
            if not writer.cancelled() and (error := writer.exception()) is not None:
                words = describe_crash(error)
                _log.error("websocket %s could not be written to: %s", self._id, words)

    def _unreadable(self) -> Reason | None:
        """Return why the library gave up on what arrived, or None if it did not.

        It gives up on bytes that are no frame or no text, and on too many bytes.
        """
        protocol = self._connection.protocol
        ours = protocol.close_sent
        if (
            ours is None
            or ours is protocol.close_rcvd
            or ours.code not in pair_msg.UNREADABLE_CODES
        ):
            # The connection was cut on either side, or one side closed it.
            return None
        if self._dropping is not None:
            # We were closing anyway.
            return None
        return Reason.TOO_LARGE if ours.code == _TOO_BIG else Reason.BAD_MESSAGE

    async def _write(self) -> None:
        try:
            while isinstance(item := await self._outbox.get(), str):
                await self._connection.send(item)
            await self._connection.close(NORMAL_CLOSURE if item is None else item)
        except ConnectionClosed:
            # The reader notices and reports this, too.
            return
        except Exception:
            # The abort ends the reader, which reports why.
            self._connection.transport.abort()
            raise
