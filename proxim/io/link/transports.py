"""Routes files and control messages to a link's lane or to its WebRTC peer.

Lanes are loaded when first needed.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.manifest import TransferID
from proxim.core.files.transfers import stream_label
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.io.link.stream import Feed, Spawn

# Both modules load libraries for which the window must not wait.
if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from proxim.io.link.lane import Lanes
    from proxim.io.link.peer import Peer
    from proxim.io.link.stream import Begin, Channel, Transport


class Transports:
    """Passes what a link sends to its peer or to its lane.

    `peers` belongs to the caller, and is read only when something is to be sent or received.
    """

    def __init__(
        self,
        report: Callable[[link_ev.LaneOpened | link_ev.LaneLost | link_ev.ChannelMessage], None],
        spawn: Spawn,
        peers: Mapping[ev.LinkID, "tuple[Peer, asyncio.Task[None]]"],
    ) -> None:
        self._report = report
        self._spawn = spawn
        self._peers = peers
        self._loaded: Lanes | None = None
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            # The lambdas keep lanes from being loaded before they are needed.
            link_do.ExpectLane: lambda command: self.lanes.expect(command),  # noqa: PLW0108
            link_do.DialLane: lambda command: self.lanes.dial(command),  # noqa: PLW0108
            link_do.CloseLane: self._close_lane,
        }

    @property
    def lanes(self) -> "Lanes":
        """All lanes of this program."""
        if self._loaded is None:
            from proxim.io.link.lane import Lanes

            self._loaded = Lanes(self._report, self._spawn)
        return self._loaded

    async def accept(self, connection: "ServerConnection", proved: Callable[[], None]) -> None:
        """Run a socket that a guest opened as a lane."""
        await self.lanes.accept(connection, proved)

    def _close_lane(self, command: link_do.CloseLane) -> None:
        if self._loaded is not None:
            self._loaded.close(command.link)

    def open(
        self, link: ev.LinkID, via: st.Via, transfer: TransferID, generation: int
    ) -> "Transport | None":
        """Return what carries a stream.

        It is None if the link or lane has closed in the meantime; the machine is being notified of
        that.
        """
        if via is st.Via.LANE:
            return self.lanes.transport(link, transfer, generation)
        return (
            self._peers[link][0].open_stream(stream_label(transfer, generation))
            if link in self._peers
            else None
        )

    def subscribe(
        self, link: ev.LinkID, channel: int, transfer: TransferID, generation: int, feed: Feed
    ) -> None:
        """From now on call `feed` with what arrives of a stream on this channel or the lane.

        It ends with the channel, the lane or the link. If that has closed in the meantime, nothing
        arrives, and the machine is being notified of that.
        """
        if channel == link_ev.LANE_CHANNEL:
            self.lanes.subscribe(link, transfer, generation, feed)
        elif link in self._peers:
            self._peers[link][0].subscribe(channel, feed)

    def open_channel(self, link: ev.LinkID, label: str, lane: bool) -> "Channel | None":
        """Open a channel of our own for messages in both directions, over the lane or not.

        It is None if that has closed in the meantime; the machine is being notified of that.
        """
        if lane:
            return self.lanes.open_channel(link, label)
        return self._peers[link][0].open_channel(label) if link in self._peers else None

    def channel(self, link: ev.LinkID, channel: int) -> "Channel | None":
        """Return a data channel that the other side has opened; None if it has closed.

        It is the same object each time.
        """
        return self._peers[link][0].channel(channel) if link in self._peers else None

    def hear(self, link: ev.LinkID, label: str, begin: "Begin") -> None:
        """Call `begin` with the channel of this label that comes over a lane of the link.

        That is once for each lane, until `unhear`.
        """
        self.lanes.hear(link, label, begin)

    def unhear(self, link: ev.LinkID, label: str) -> None:
        """Drop what arrives over lanes of this channel."""
        if self._loaded is not None:
            self._loaded.unhear(link, label)

    def unsubscribe(self, transfer: TransferID) -> None:
        """Drop what still arrives of a transfer on lanes, which last longer than its stream.

        A data channel carries one stream only and ends with it.
        """
        if self._loaded is not None:
            self._loaded.unsubscribe(transfer)

    @property
    def goodbyes(self) -> set[asyncio.Task[None]]:
        """The tasks for which the program's end waits."""
        return set() if self._loaded is None else self._loaded.goodbyes
