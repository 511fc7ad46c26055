"""One lane: a WebSocket whose binary frames are sealed with AES-256-GCM (core/link/lane_frames.py
says what is inside).

Texts of the control channel go before files' bytes; of those one message at a time is on its way
into the socket. A frame that does not open, is out of its count or says nothing that this protocol
knows ends the lane.
"""

import asyncio
import contextlib
import hmac
import socket
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from proxim.core.files.messages import LANE_TOKEN_BYTES
from proxim.core.json_text import MessageError
from proxim.core.link.lane_frames import (
    FIRST_FRAME_BYTES,
    LABEL,
    Hello,
    Stream,
    Text,
    direction_key,
    hello_frame,
    nonce,
    read_frame,
    text_frame,
)
from proxim.core.pairing.proof import Side
from proxim.io.files.sender import WayClosedError
from proxim.io.limits import (
    CLOSE_SECONDS,
    LANE_NOT_SENT_BYTES,
    LANE_UNREAD_BYTES,
    MAX_CHANNEL_MESSAGE_BYTES,
)

_NOT_SENT_OPTION: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS


class LaneError(Exception):
    """The other side does not know the key, or breaks the protocol: the lane is to be ended."""


class _Seal:
    """Frames of one direction, sealed or opened in their order."""

    def __init__(self, key: bytes, sender: Side) -> None:
        self._cipher = AESGCM(direction_key(key, sender))
        self._count = 0

    def _nonce(self) -> bytes:
        self._count += 1
        return nonce(self._count - 1)

    def close(self, plain: bytes | memoryview) -> bytes:
        return self._cipher.encrypt(self._nonce(), plain, LABEL)

    def open(self, frame: bytes | memoryview) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(), frame, LABEL)
        except InvalidTag:
            raise LaneError("a frame does not open") from None


class Lane:
    """An open WebSocket whose other end is still to prove itself: `greet` at the guest, `answer` at
    the host.
    """

    def __init__(self, connection: Connection, key: bytes, side: Side) -> None:
        self._connection = connection
        self._sealing = _Seal(key, side)
        self._opening = _Seal(key, Side.HOST if side is Side.GUEST else Side.GUEST)
        self._texts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting = 0  # bytes of texts
        self._bulk = asyncio.Lock()
        self._dropping: asyncio.TimerHandle | None = None

    # --- both ends prove that they know the key ---------------------------------------------------

    async def greet(self, token: bytes, *, carries_link: bool) -> None:
        """At the guest. Raises LaneError, ConnectionClosed."""
        await self._connection.send(
            token + self._sealing.close(hello_frame(carries_link=carries_link))
        )
        self._hello(await self._connection.recv())

    async def answer(self, first_frame: bytes) -> Hello:
        """At the host, to a first frame with this lane's token.

        Raises LaneError, ConnectionClosed.
        """
        hello = self._hello(memoryview(first_frame)[LANE_TOKEN_BYTES:])
        await self._connection.send(self._sealing.close(hello_frame()))
        return hello

    def _hello(self, frame: str | bytes | memoryview) -> Hello:
        if isinstance(frame, str) or not isinstance(hello := self._read(frame), Hello):
            raise LaneError("no greeting")
        return hello

    # --- sending ----------------------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Send before any bytes of files that still wait.

        A peer that leaves too much unread is cut off.
        """
        frame = text_frame(text)
        self._waiting += len(frame)
        if self._waiting > LANE_UNREAD_BYTES:
            self._connection.transport.abort()
            return
        self._texts.put_nowait(frame)

    async def send_stream(self, message: memoryview) -> None:
        """Send records, with their stream_prefix; waits until nearly all is the system's.

        Raises WayClosedError.
        """
        async with self._bulk:
            try:
                await self._connection.send(self._sealing.close(message))
            except ConnectionClosed:
                raise WayClosedError from None

    def close(self) -> None:
        """Close once the texts that wait are out, or in any case after CLOSE_SECONDS."""
        if self._dropping is None:
            self._texts.put_nowait(None)
            self._dropping = asyncio.get_running_loop().call_later(
                CLOSE_SECONDS, self._connection.transport.abort
            )

    # --- running ----------------------------------------------------------------------------------

    async def run(
        self, on_text: Callable[[str], None], on_stream: Callable[[Stream], None]
    ) -> None:
        """Until it is closed. Raises LaneError where the other side broke it."""
        _send_what_is_newest(self._connection)
        writer = asyncio.create_task(self._write(), name="lane writer")
        try:
            async for frame in self._connection:
                if isinstance(frame, str):
                    raise LaneError("a frame that is not sealed")
                match self._read(frame):
                    case Text(text) if len(frame) <= MAX_CHANNEL_MESSAGE_BYTES:
                        on_text(text)
                    case Stream() as stream:
                        on_stream(stream)
                    case _:
                        raise LaneError("a frame that has no place here")
        except ConnectionClosed:
            pass  # however that came: the lane is over
        finally:
            self._connection.transport.abort()
            if self._dropping is not None:
                self._dropping.cancel()
            writer.cancel()
            await asyncio.wait([writer])

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # the reader notices too
            while (frame := await self._texts.get()) is not None:
                self._waiting -= len(frame)
                # Sealed and written without a pause between: the order of counts is that of the
                # wire.
                await self._connection.send(self._sealing.close(frame))
            await self._connection.close()

    def _read(self, frame: bytes | memoryview) -> Hello | Text | Stream:
        try:
            return read_frame(self._opening.open(frame))
        except MessageError as error:
            raise LaneError(error.problem.detail) from None


def token_of(first_frame: str | bytes) -> bytes | None:
    """Which lane a socket says it is; None: it speaks no such language."""
    if isinstance(first_frame, str) or not LANE_TOKEN_BYTES < len(first_frame) <= FIRST_FRAME_BYTES:
        return None
    return first_frame[:LANE_TOKEN_BYTES]


def same_token(one: bytes, other: bytes) -> bool:
    """Takes as long whichever it is."""
    return hmac.compare_digest(one, other)


def _send_what_is_newest(connection: Connection) -> None:
    """Keep what the system holds unsent small: else it takes megabytes, and a ping waits behind
    them on a slow net.
    """
    if (
        _NOT_SENT_OPTION is not None
        and (raw := connection.transport.get_extra_info("socket")) is not None
    ):
        # A system that knows its name and not the option is only slower to ping
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, _NOT_SENT_OPTION, LANE_NOT_SENT_BYTES)
