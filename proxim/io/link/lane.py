"""Lanes are the fast path between two desktop apps: a second WebSocket beside a link.

A lane's binary frames are sealed with AES-256-GCM (core/link/lane_frames.py describes their
contents). It carries files' bytes, channels and, where WebRTC finds no path, the whole link.

Texts of the control channel and messages of channels are sent, in their order, before files' bytes,
whose messages go into the socket one at a time. A frame that cannot be opened, is out of order or
has no meaning in this protocol ends the lane.
"""

import asyncio
import contextlib
import hmac
import logging
import socket
from collections.abc import Callable
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from proxim.core import events as ev
from proxim.core.files.stream import LANE_MESSAGE_BYTES
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link.lane import LANE_OPEN_SECONDS
from proxim.core.link.lane_frames import (
    FIRST_FRAME_BYTES,
    LABEL,
    SEAL_BYTES,
    ChannelPart,
    LaneHello,
    Stream,
    Text,
    channel_frame,
    direction_key,
    hello_frame,
    nonce,
    read_frame,
    stream_prefix,
    text_frame,
)
from proxim.core.pairing.proof import Side
from proxim.io import limits
from proxim.io.limits import (
    CLOSE_SECONDS,
    LANE_NOT_SENT_BYTES,
    LANE_UNREAD_BYTES,
    MAX_CHANNEL_MESSAGE_BYTES,
)
from proxim.io.link.lane_socket import LaneError, LaneSocket
from proxim.io.link.stream import Begin, Feed, Spawn, TransportClosedError
from proxim.io.pairing.client import DirectConnect, way_to
from proxim.io.pairing.websocket import cut_off_if_unread

# Linux and macOS have this option.
_NOT_SENT_OPTION: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)


class _Seal:
    """Seals or opens the frames of one direction in their order."""

    def __init__(self, key: bytes, sender: Side) -> None:
        self._cipher = AESGCM(direction_key(key, sender))
        self._count = 0

    def _nonce(self) -> bytes:
        self._count += 1
        return nonce(self._count - 1)

    def close(self, plain: bytes | memoryview, into: memoryview) -> None:
        """Seal into a view that has SEAL_BYTES more than `plain`."""
        self._cipher.encrypt_into(self._nonce(), plain, LABEL, into)

    def open(self, frame: bytes | memoryview) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(), frame, LABEL)
        except InvalidTag:
            raise LaneError("a frame does not open") from None


class Messages(Protocol):
    """The part of LaneSocket that is used here."""

    async def send(self, size: int, fill: Callable[[memoryview], None]) -> None:
        """Send a message of `size` bytes that `fill` writes. Raises TransportClosedError."""

    async def receive_first(self) -> bytes:
        """Return one message. Raises LaneError, TransportClosedError."""

    async def receive(self, handler: Callable[[memoryview], None]) -> None:
        """Call `handler` with each message until the connection has closed. Raises LaneError."""

    async def close(self) -> None:
        """Close after what was sent."""

    def abort(self) -> None:
        """Drop the connection at once."""


class Lane:
    """An open WebSocket whose other end must still prove itself.

    The guest calls `greet`, the host calls `answer`.
    """

    def __init__(self, socket: Messages, key: bytes, side: Side) -> None:
        self._socket = socket
        self._sealing = _Seal(key, side)
        self._opening = _Seal(key, Side.HOST if side is Side.GUEST else Side.GUEST)
        # Texts and channels' messages that wait to be sent, and their bytes.
        self._texts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.waiting = 0
        self._bulk = asyncio.Lock()
        # The one generation of each stream that somebody wants to have.
        self._feeds: dict[str, tuple[int, Feed]] = {}
        # Who takes each channel's messages, by its label.
        self._channels: dict[str, Feed] = {}
        self._dropping: asyncio.TimerHandle | None = None

    # --- both ends prove that they know the key ---------------------------------------------------

    async def greet(self, token: bytes, *, carries_link: bool) -> None:
        """Prove the guest's key and check the host's. Raises LaneError, TransportClosedError."""
        await self._send(hello_frame(carries_link=carries_link), before=token)
        self._hello(await self._socket.receive_first())

    async def answer(self, first_frame: bytes) -> LaneHello:
        """Check the guest's first frame, which has this lane's token, and prove the host's key.

        Raises LaneError, TransportClosedError.
        """
        hello = self._hello(memoryview(first_frame)[link_msg.LANE_TOKEN_BYTES :])
        await self._send(hello_frame())
        return hello

    def _hello(self, frame: bytes | memoryview) -> LaneHello:
        if not isinstance(hello := self._read(frame), LaneHello):
            raise LaneError("no greeting")
        return hello

    # --- sending ----------------------------------------------------------------------------------

    async def _send(self, plain: bytes | memoryview, *, before: bytes = b"") -> None:
        """Seal and send a frame, with what precedes the seal.

        The socket fills and sends a message without a pause in between, so that the nonces are in
        the order of the wire.
        """

        def fill(message: memoryview) -> None:
            message[: len(before)] = before
            self._sealing.close(plain, message[len(before) :])

        await self._socket.send(len(before) + len(plain) + SEAL_BYTES, fill)

    def send_text(self, text: str) -> None:
        """Send a text before any bytes of files that still wait.

        A peer that leaves too much unread is cut off.
        """
        self._send_soon(text_frame(text))

    def send_on_channel(self, label: str, message: bytes) -> None:
        """Send a channel's message like a text."""
        self._send_soon(channel_frame(label, message))

    def _send_soon(self, frame: bytes) -> None:
        self.waiting += len(frame)
        if self.waiting > LANE_UNREAD_BYTES:
            self._socket.abort()
            return
        self._texts.put_nowait(frame)

    async def send_stream(self, message: memoryview) -> None:
        """Send records with their stream_prefix, and wait until the system has nearly all of them.

        Raises TransportClosedError.
        """
        async with self._bulk:
            await self._send(message)

    def close(self) -> None:
        """Close after the waiting texts are sent, or in any case after CLOSE_SECONDS."""
        if self._dropping is None:
            self._texts.put_nowait(None)
            self._dropping = asyncio.get_running_loop().call_later(
                CLOSE_SECONDS, self._socket.abort
            )

    # --- receiving --------------------------------------------------------------------------------

    def subscribe(self, stream: str, generation: int, feed: Feed) -> None:
        """From now on call `feed` with the records of this generation, and of no earlier one.

        `feed` must not wait.
        """
        self._feeds[stream] = (generation, feed)

    def unsubscribe(self, stream: str) -> None:
        """Drop the records of a stream from now on."""
        self._feeds.pop(stream, None)

    def subscribe_channel(self, label: str, feed: Feed | None) -> None:
        """From now on call `feed` with a channel's messages; None drops them."""
        if feed is not None:
            self._channels[label] = feed
        else:
            self._channels.pop(label, None)

    def _hand_over(self, stream: Stream) -> None:
        generation, feed = self._feeds.get(stream.id, (None, None))
        # The sender may not know yet that the stream was cancelled or begins a new generation.
        if feed is not None and generation == stream.generation:
            feed(stream.records)

    # --- running ----------------------------------------------------------------------------------

    async def run(
        self, on_text: Callable[[str], None], begin: Callable[[str], Feed | None]
    ) -> None:
        """Run until the lane is closed. Raises LaneError if the other side breaks the protocol.

        `begin` returns who takes the messages of a channel that nobody has subscribed to.
        """
        writer = asyncio.create_task(self._write(), name="lane writer")

        def received(frame: memoryview) -> None:
            match self._read(frame):
                case Text(text) if len(frame) <= MAX_CHANNEL_MESSAGE_BYTES:
                    on_text(text)
                case Stream() as stream:
                    self._hand_over(stream)
                case ChannelPart(label, message) if len(message) <= MAX_CHANNEL_MESSAGE_BYTES:
                    feed = self._channels.get(label) or begin(label)
                    # The sender may not know yet that nobody wants this channel any more.
                    if feed is not None:
                        self._channels[label] = feed
                        feed(message)
                case _:
                    raise LaneError("a frame that has no place here")

        try:
            await self._socket.receive(received)
        finally:
            self._socket.abort()
            if self._dropping is not None:
                self._dropping.cancel()
            writer.cancel()
            await asyncio.wait([writer])

    async def _write(self) -> None:
        # The reader notices a closed connection, too.
        with contextlib.suppress(TransportClosedError):
            while (frame := await self._texts.get()) is not None:
                self.waiting -= len(frame)
                await self._send(frame)
            await self._socket.close()

    def _read(self, frame: bytes | memoryview) -> LaneHello | Text | Stream | ChannelPart:
        try:
            return read_frame(self._opening.open(frame))
        except MessageError as error:
            raise LaneError(error.problem.detail) from None


def token_of(first_frame: str | bytes) -> bytes | None:
    """Return the lane token of a socket's first frame, or None if that is no such frame."""
    if (
        isinstance(first_frame, str)
        or not link_msg.LANE_TOKEN_BYTES < len(first_frame) <= FIRST_FRAME_BYTES
    ):
        return None
    return first_frame[: link_msg.LANE_TOKEN_BYTES]


def same_token(one: bytes, other: bytes) -> bool:
    """Compare two tokens in a time that does not depend on their contents."""
    return hmac.compare_digest(one, other)


def _lane_socket(connection: Connection, side: Side) -> LaneSocket:
    _limit_unsent(connection)
    return LaneSocket(connection, client=side is Side.GUEST)


def _limit_unsent(connection: Connection) -> None:
    """Keep the system's buffer of unsent data small.

    Otherwise it grows to megabytes, and a ping waits behind them on a slow network.
    """
    if (
        _NOT_SENT_OPTION is not None
        and (raw := connection.transport.get_extra_info("socket")) is not None
    ):
        # A system may lack the option although it has its name. Then only pings are slower.
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, _NOT_SENT_OPTION, LANE_NOT_SENT_BYTES)


_log = logging.getLogger(__name__)

LaneReport = link_ev.LaneOpened | link_ev.LaneLost | link_ev.ChannelMessage


class _LaneConnection(ClientConnection):
    """A connection that is cut off if the host leaves too much unread."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cut_off_if_unread(self, limits.LANE_UNREAD_BYTES)


class LaneTransport:
    """Carries one generation of a stream over a lane.

    Raises ValueError if the stream's id is not of this protocol.
    """

    message_bytes = LANE_MESSAGE_BYTES

    def __init__(self, lane: Lane, stream: str, generation: int) -> None:
        self.prefix = stream_prefix(stream, generation)
        self.send = lane.send_stream

    def close(self) -> None:
        """Do nothing, because the lane stays open for other streams."""


class LaneChannel:
    """A channel over one lane, with which it ends; see stream.Channel."""

    def __init__(self, lane: Lane, label: str) -> None:
        self._lane = lane
        self._label = label
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many bytes of texts and channels wait in the lane."""
        return self._lane.waiting

    def send(self, message: bytes) -> None:
        """Send a message before any bytes of files that still wait."""
        if not self._closed:
            self._lane.send_on_channel(self._label, message)

    def subscribe(self, feed: Feed) -> None:
        """From now on call `feed` with each message."""
        self._lane.subscribe_channel(self._label, feed)

    def close(self) -> None:
        """Drop what still arrives, and what would be sent."""
        self._closed = True
        self._lane.subscribe_channel(self._label, None)


class Lanes:
    """All lanes of this program, by the link that each belongs to."""

    def __init__(self, report: Callable[[LaneReport], None], spawn: Spawn) -> None:
        self._report = report
        self._spawn = spawn
        self._expected: list[link_do.ExpectLane] = []
        # A second lane under the same key would seal with the same nonces again.
        self._spent: set[bytes] = set()
        self._open: dict[ev.LinkID, Lane] = {}
        self._dialling: dict[ev.LinkID, asyncio.Task[None]] = {}
        self._dialled: set[asyncio.Task[None]] = set()
        # Who takes channels that the other side begins on whatever lane a link has.
        self._hearers: dict[tuple[ev.LinkID, str], Begin] = {}

    # --- commands ---------------------------------------------------------------------------------

    def expect(self, command: link_do.ExpectLane) -> None:
        """Let one socket that shows the token become the link's lane."""
        if command.token in self._spent:
            raise ValueError("a lane's token is good for one lane")
        self._expected.append(command)

    def dial(self, command: link_do.DialLane) -> None:
        """Open the link's lane; LaneOpened or LaneLost follows."""
        self._cancel_dial(command.link)
        task = self._spawn(self._dial(command), f"lane {command.link}")
        self._dialling[command.link] = task
        self._dialled.add(task)
        task.add_done_callback(self._dialled.discard)

    def close(self, link: ev.LinkID) -> None:
        """Close the link's lane, and stop expecting or dialling one."""
        self._expected = [one for one in self._expected if one.link != link]
        self._cancel_dial(link)
        if link in self._open:
            self._open[link].close()

    def send_text(self, link: ev.LinkID, text: str) -> None:
        """Send a control message.

        On a lane that has just closed it is lost, as on any closing socket.
        """
        if link in self._open:
            self._open[link].send_text(text)

    def of(self, link: ev.LinkID) -> Lane | None:
        """Return the link's open lane."""
        return self._open.get(link)

    def transport(self, link: ev.LinkID, stream: str, generation: int) -> LaneTransport | None:
        """Return what carries a stream, or None if the lane has closed."""
        return LaneTransport(self._open[link], stream, generation) if link in self._open else None

    def subscribe(self, link: ev.LinkID, stream: str, generation: int, feed: Feed) -> None:
        """Call `feed` with the records of a stream, until the link's lane ends."""
        if link in self._open:
            self._open[link].subscribe(stream, generation, feed)

    def unsubscribe(self, stream: str) -> None:
        """Drop the records of a stream from now on."""
        for lane in self._open.values():
            lane.unsubscribe(stream)

    def open_channel(self, link: ev.LinkID, label: str) -> LaneChannel | None:
        """Return a channel over the link's lane, or None if the lane has closed."""
        return LaneChannel(self._open[link], label) if link in self._open else None

    def hear(self, link: ev.LinkID, label: str, begin: Begin) -> None:
        """Call `begin` with the channel of this label on each lane on which it brings a message."""
        self._hearers[link, label] = begin

    def unhear(self, link: ev.LinkID, label: str) -> None:
        """Drop what arrives of a channel from now on."""
        self._hearers.pop((link, label), None)
        if link in self._open:
            self._open[link].subscribe_channel(label, None)

    def _begin(self, link: ev.LinkID, lane: Lane, label: str) -> Feed | None:
        begin = self._hearers.get((link, label))
        return None if begin is None else begin(LaneChannel(lane, label))

    @property
    def goodbyes(self) -> set[asyncio.Task[None]]:
        """The tasks of the lanes that were dialled here and still run.

        Lanes of guests end with the server.
        """
        return set(self._dialled)

    # --- at the host ------------------------------------------------------------------------------

    async def accept(self, connection: ServerConnection, proved: Callable[[], None]) -> None:
        """Run a guest's socket that asked for the lane. Returns when the socket must be closed."""
        try:
            async with asyncio.timeout(limits.LANE_PROOF_SECONDS):
                first = await connection.recv()
        except (TimeoutError, ConnectionClosed):
            connection.transport.abort()
            return
        expected = self._claim(token_of(first))
        if expected is None or isinstance(first, str):
            connection.transport.abort()
            return
        # A guest sends nothing more until it has the host's answer, so the library holds nothing.
        lane = Lane(_lane_socket(connection, Side.HOST), expected.key, Side.HOST)
        try:
            hello = await lane.answer(first)
        except (LaneError, TransportClosedError):
            _log.info("%s: a socket did not prove itself", expected.link)
            connection.transport.abort()
            return
        proved()
        await self._run(expected.link, lane, carries_link=hello.carries_link)

    def _claim(self, token: bytes | None) -> link_do.ExpectLane | None:
        """Find the lane that expects a token. This uses the token up, whatever happens next."""
        found = None
        # Every token is compared, so that the duration reveals nothing.
        for one in self._expected:
            if token is not None and same_token(one.token, token):
                found = one
        if found is not None:
            self._expected.remove(found)
            self._spent.add(found.token)
        return found

    # --- at the guest -----------------------------------------------------------------------------

    async def _dial(self, command: link_do.DialLane) -> None:
        try:
            async with asyncio.timeout(LANE_OPEN_SECONDS):
                connection = await DirectConnect(
                    command.url,
                    **await way_to(command.url),
                    proxy=None,
                    compression=None,
                    user_agent_header=None,
                    open_timeout=None,
                    close_timeout=limits.CLOSE_SECONDS,
                    ping_interval=None,
                    max_size=limits.LANE_FRAME_BYTES,
                    max_queue=limits.RECEIVE_QUEUE,
                    create_connection=_LaneConnection,
                )
                # The host sends nothing before the guest has, so the library holds nothing.
                lane = Lane(_lane_socket(connection, Side.GUEST), command.key, Side.GUEST)
                try:
                    await lane.greet(command.token, carries_link=command.carries_link)
                except BaseException:
                    connection.transport.abort()
                    raise
        except (
            OSError,
            InvalidHandshake,
            InvalidMessage,
            EOFError,
            TransportClosedError,
            LaneError,
        ) as error:
            _log.info("%s: no lane (%s)", command.link, type(error).__name__)
            if self._forget_dial(command.link):
                self._report(link_ev.LaneLost(command.link))
            return
        except BaseException:
            self._forget_dial(command.link)
            raise
        if self._forget_dial(command.link):
            await self._run(command.link, lane, carries_link=command.carries_link)
        else:
            connection.transport.abort()

    def _forget_dial(self, link: ev.LinkID) -> bool:
        """Forget this task's dial. Returns whether it was the link's newest."""
        if self._dialling.get(link) is not asyncio.current_task():
            return False
        del self._dialling[link]
        return True

    def _cancel_dial(self, link: ev.LinkID) -> None:
        if link in self._dialling:
            self._dialling.pop(link).cancel()

    # --- both -------------------------------------------------------------------------------------

    async def _run(self, link: ev.LinkID, lane: Lane, *, carries_link: bool) -> None:
        former = self._open.get(link)
        self._open[link] = lane
        if former is not None:
            # The guest has opened a new lane, so the end of the former one is not reported.
            former.close()
        self._report(link_ev.LaneOpened(link, carries_link))
        try:
            await lane.run(
                lambda text: self._report(link_ev.ChannelMessage(link, link_ev.LANE_CHANNEL, text)),
                lambda label: self._begin(link, lane, label),
            )
        except LaneError as error:
            _log.info("%s: lane ended: %s", link, error)
        finally:
            if self._open.get(link) is lane:
                del self._open[link]
                self._report(link_ev.LaneLost(link))
