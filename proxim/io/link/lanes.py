"""All lanes of this program: whose socket may become which link's lane, dialling, telling the
machine.
"""

import asyncio
import logging
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from proxim.core.events import LinkID
from proxim.core.files.manifest import TransferID
from proxim.core.link.commands import DialLane, ExpectLane
from proxim.core.link.events import LANE_CHANNEL, ChannelMessage, LaneLost, LaneOpened
from proxim.core.link.lane_frames import Stream, stream_prefix
from proxim.core.pairing.proof import Side
from proxim.io import limits
from proxim.io.files.sender import Spawn
from proxim.io.link.lane import Lane, LaneError, same_token, token_of
from proxim.io.pairing.client import DirectConnect, way_to
from proxim.io.pairing.websocket import cut_off_if_unread

_log = logging.getLogger(__name__)

LaneReport = LaneOpened | LaneLost | ChannelMessage


class _Connection(ClientConnection):
    """A connection that a host cannot fill."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cut_off_if_unread(self, limits.LANE_UNREAD_BYTES)


class LaneWay:
    """What carries one stream of a transfer over a lane.

    Raises ValueError where the id is not of this protocol.
    """

    message_bytes = limits.LANE_BULK_BYTES

    def __init__(self, lane: Lane, transfer: TransferID, generation: int) -> None:
        self.prefix = stream_prefix(transfer, generation)
        self.send = lane.send_stream

    def close(self) -> None:
        """The lane stays for others."""


class Lanes:
    """See the module. `received` gets what comes for transfers, and must not wait."""

    def __init__(
        self,
        report: Callable[[LaneReport], None],
        received: Callable[[LinkID, Stream], None],
        spawn: Spawn,
    ) -> None:
        self._report = report
        self._received = received
        self._spawn = spawn
        self._expected: list[ExpectLane] = []
        # A second lane under the same key would seal with the same nonces again
        self._spent: set[bytes] = set()
        self._open: dict[LinkID, Lane] = {}
        self._dialling: dict[LinkID, asyncio.Task[None]] = {}
        self._dialled: set[asyncio.Task[None]] = set()

    # --- commands ---------------------------------------------------------------------------------

    def expect(self, command: ExpectLane) -> None:
        """Let one socket that shows the token become the link's lane."""
        if command.token in self._spent:
            raise ValueError("a lane's token is good for one lane")
        self._expected.append(command)

    def dial(self, command: DialLane) -> None:
        """Open the link's lane; LaneOpened or LaneLost follows."""
        self._cancel_dial(command.link)
        task = self._spawn(self._dial(command), f"lane {command.link}")
        self._dialling[command.link] = task
        self._dialled.add(task)
        task.add_done_callback(self._dialled.discard)

    def close(self, link: LinkID) -> None:
        """Close the link's lane, or expect none any more."""
        self._expected = [one for one in self._expected if one.link != link]
        self._cancel_dial(link)
        if link in self._open:
            self._open[link].close()

    def send_text(self, link: LinkID, text: str) -> None:
        """Send a control message; on a lane that has just closed it is lost, as on any closing
        socket.
        """
        if link in self._open:
            self._open[link].send_text(text)

    def of(self, link: LinkID) -> Lane | None:
        """The link's open lane."""
        return self._open.get(link)

    def way(self, link: LinkID, transfer: TransferID, generation: int) -> LaneWay | None:
        """What carries a stream of a transfer; None where the lane has closed."""
        return LaneWay(self._open[link], transfer, generation) if link in self._open else None

    @property
    def goodbyes(self) -> set[asyncio.Task[None]]:
        """What still runs of the lanes that were dialled here; those of guests end with the
        server.
        """
        return set(self._dialled)

    # --- at the host ------------------------------------------------------------------------------

    async def accept(self, connection: ServerConnection, proved: Callable[[], None]) -> None:
        """Run a guest's socket that asked for the lane; returns when it is to be closed."""
        try:
            async with asyncio.timeout(limits.LANE_PROOF_SECONDS):
                first = await connection.recv()
        except (TimeoutError, ConnectionClosed):
            connection.transport.abort()
            return
        expected = self._take(token_of(first))
        if expected is None or isinstance(first, str):
            connection.transport.abort()
            return
        lane = Lane(connection, expected.key, Side.HOST)
        try:
            hello = await lane.answer(first)
        except (LaneError, ConnectionClosed):
            _log.info("%s: a socket did not prove itself", expected.link)
            connection.transport.abort()
            return
        proved()
        await self._run(expected.link, lane, carries_link=hello.carries_link)

    def _take(self, token: bytes | None) -> ExpectLane | None:
        """Whoever showed the token has used it up, whatever comes of it."""
        found = None
        for one in self._expected:  # all of them, always: how long it takes says nothing
            if token is not None and same_token(one.token, token):
                found = one
        if found is not None:
            self._expected.remove(found)
            self._spent.add(found.token)
        return found

    # --- at the guest -----------------------------------------------------------------------------

    async def _dial(self, command: DialLane) -> None:
        try:
            async with asyncio.timeout(limits.LANE_OPEN_SECONDS):
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
                    create_connection=_Connection,
                )
                lane = Lane(connection, command.key, Side.GUEST)
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
            ConnectionClosed,
            LaneError,
        ) as error:
            _log.info("%s: no lane (%s)", command.link, type(error).__name__)
            if self._forget_dial(command.link):
                self._report(LaneLost(command.link))
            return
        except BaseException:
            self._forget_dial(command.link)
            raise
        if self._forget_dial(command.link):
            await self._run(command.link, lane, carries_link=command.carries_link)
        else:
            connection.transport.abort()

    def _forget_dial(self, link: LinkID) -> bool:
        """Whether this task was the link's newest dial."""
        if self._dialling.get(link) is not asyncio.current_task():
            return False
        del self._dialling[link]
        return True

    def _cancel_dial(self, link: LinkID) -> None:
        if link in self._dialling:
            self._dialling.pop(link).cancel()

    # --- both -------------------------------------------------------------------------------------

    async def _run(self, link: LinkID, lane: Lane, *, carries_link: bool) -> None:
        former = self._open.get(link)
        self._open[link] = lane
        if former is not None:
            former.close()  # the guest has opened another: of this one no more is said
        self._report(LaneOpened(link, carries_link))
        try:
            await lane.run(
                lambda text: self._report(ChannelMessage(link, LANE_CHANNEL, text)),
                lambda stream: self._received(link, stream),
            )
        except LaneError as error:
            _log.info("%s: lane ended: %s", link, error)
        finally:
            if self._open.get(link) is lane:
                del self._open[link]
                self._report(LaneLost(link))
