"""A Peer is one RTCPeerConnection. It carries out a link's commands in order and reports events.

Import this module late, because it imports aiortc, which takes 0.2 s. Everything that aiortc can
raise on a hostile description is caught here and given a Reason. Limits that aiortc does not
enforce on a peer are enforced here.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES
from proxim.core.link import events as link_ev
from proxim.core.pairing import messages as pair_msg
from proxim.io.limits import (
    CHANNEL_QUEUE_BYTES,
    FAREWELL_SECONDS,
    MAX_CHANNEL_MESSAGE_BYTES,
    MAX_CHANNELS,
    SETTLE_SECONDS,
)
from proxim.io.link.internals import (
    guard,
    hasten,
    pace_checks,
    prepare_sockets,
    quicken,
    warm_up,
)
from proxim.io.link.stream import Feed, TransportClosedError
from proxim.io.link.webrtc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
    candidate_from_sdp,
    get_host_addresses,
)

_log = logging.getLogger(__name__)

# This text replaces a binary message where JSON text belongs. The machine treats it like any
# unreadable text.
_UNREADABLE = ""


def _own_addresses() -> list[str]:
    return get_host_addresses(use_ipv4=True, use_ipv6=True)


class StreamChannel:
    """Carries one stream of a transfer over a data channel of its own; see sender.Transport."""

    prefix = b""
    message_bytes = CHANNEL_MESSAGE_BYTES

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        self._changed = asyncio.Event()
        # aiortc's send() never waits, so its queue is bounded here.
        channel.bufferedAmountLowThreshold = CHANNEL_QUEUE_BYTES // 2
        for event in ("open", "close", "bufferedamountlow"):
            channel.on(event, self._changed.set)

    async def send(self, message: memoryview) -> None:
        """Wait until the channel is open and has room, then send. Raises TransportClosedError."""
        while self._channel.readyState == "connecting" or (
            self._channel.readyState == "open"
            and self._channel.bufferedAmount >= CHANNEL_QUEUE_BYTES
        ):
            self._changed.clear()
            await self._changed.wait()
        if self._channel.readyState != "open":
            raise TransportClosedError
        # aiortc accepts bytes, but no memoryview.
        self._channel.send(bytes(message))

    def close(self) -> None:
        """End the stream."""
        self._channel.close()


class DataChannel:
    """A data channel for messages of bytes; see stream.Channel."""

    def __init__(self, channel: RTCDataChannel, subscribe: Callable[[Feed], None]) -> None:
        self._channel = channel
        self.subscribe = subscribe
        # aiortc takes nothing before the channel is open.
        self._early: list[bytes] = []
        channel.on("open", self._opened)

    @property
    def waiting(self) -> int:
        """How many bytes have not been sent."""
        waiting: int = self._channel.bufferedAmount
        return waiting + sum(map(len, self._early))

    def send(self, message: bytes) -> None:
        """Send a message, or keep it until the channel is open."""
        if self._channel.readyState == "open":
            self._channel.send(message)
        elif self._channel.readyState == "connecting":
            self._early.append(message)

    def _opened(self) -> None:
        early, self._early = self._early, []
        for message in early:
            self.send(message)

    def close(self) -> None:
        """End the channel."""
        self._early.clear()
        self._channel.close()


class Peer:
    """One `RTCPeerConnection`.

    `stun` contains only servers that the person named.
    """

    def __init__(
        self,
        link: ev.LinkID,
        report: Callable[[link_ev.LinkEvent], None],
        stun: tuple[str, ...] = (),
    ) -> None:
        self._link = link
        self._report_to = report
        self._stun = stun
        self._connection = self._new_connection()
        self._channels: dict[int, RTCDataChannel] = {}
        self._feeds: dict[int, Callable[[bytes], None]] = {}
        self._taken: dict[int, DataChannel] = {}
        self._early_candidates: list[pair_msg.Candidate] = []
        self._described = False
        self._opened = False
        self._misbehaved = False
        self._closing = False
        self._closed_by_other = asyncio.Event()
        self._work: asyncio.Queue[Coroutine[Any, Any, None]] = asyncio.Queue()
        self._current: asyncio.Future[None] | None = None
        # The end of a connection that another one has replaced.
        self._leaving: asyncio.Future[None] | None = None
        # This machine's addresses when the peer was prepared; None if it was not, or was in vain.
        self._prepared_on: list[str] | None = None

    def _new_connection(self) -> RTCPeerConnection:
        servers = [RTCIceServer(urls=url) for url in self._stun]
        connection = RTCPeerConnection(
            RTCConfiguration(
                # The servers are always explicit, because aiortc's default contacts a public STUN
                # server.
                iceServers=servers,
                # This lets a peer that waits for an offer have its transport before.
                alwaysNegotiateDataChannels=True,
            )
        )
        connection.on("datachannel", self._listen_to)
        connection.on("connectionstatechange", self._state_changed)
        return connection

    # --- commands, each carried out after the one before ------------------------------------------

    def prepare(self, *, offerer: bool) -> None:
        """Do what needs nothing of the other side, while a person decides about the link.

        Nothing is reported or sent. The first offer, or the other side's, goes on from here.
        """
        self._work.put_nowait(self._prepare(offerer))

    def offer(self) -> None:
        """Open the control channel and report our offer."""
        self._work.put_nowait(self._offer())

    def apply(self, type: pair_msg.SDPType, sdp: str) -> None:
        """Apply the other side's description, and answer it if it is an offer."""
        self._work.put_nowait(self._apply(type, sdp))

    def add_candidate(self, candidate: pair_msg.Candidate) -> None:
        """Add one of the other side's candidates, which may come before its description."""
        self._work.put_nowait(self._add_candidate(candidate))

    def send(self, channel: int, text: str) -> None:
        """Send a text message.

        On a channel that has just closed it is lost, as on any closing socket.
        """
        data_channel = self._channels.get(channel)
        if data_channel is None or data_channel.readyState != "open":
            return
        try:
            data_channel.send(text)
        # The message is larger than the other side's SDP allows. Ours are at most 64 KiB.
        except ValueError as error:
            self._failed(Reason.PEER_ERROR, error)

    def subscribe(self, channel: int, feed: Callable[[bytes], None]) -> None:
        """From now on call `feed` with a channel's binary messages, until the channel closes."""
        if channel in self._channels:
            self._feeds[channel] = feed

    def open_stream(self, label: str) -> StreamChannel:
        """Open a channel of our own, about which nothing is reported.

        Raises InvalidStateError if the link is closed.
        """
        return StreamChannel(self._connection.createDataChannel(label))

    def open_channel(self, label: str) -> DataChannel | None:
        """Open a channel of our own for messages in both directions; None if the link is closed."""
        if self._connection.connectionState == "closed":
            return None
        hasten(self._connection.sctp)
        channel = self._connection.createDataChannel(label)
        feeds: list[Feed] = []

        def received(message: str | bytes) -> None:
            if len(message) > MAX_CHANNEL_MESSAGE_BYTES:
                self._misbehaves("message too large")
            elif isinstance(message, bytes):
                for feed in feeds[-1:]:
                    feed(message)

        channel.on("message", received)
        return DataChannel(channel, feeds.append)

    def channel(self, channel: int) -> DataChannel | None:
        """Return a channel that the other side has opened; None if it has closed.

        It is the same object each time. Another channel may later have the same number.
        """
        if channel not in self._channels:
            return None
        if channel not in self._taken:
            hasten(self._connection.sctp)
            self._taken[channel] = DataChannel(
                self._channels[channel], lambda feed: self.subscribe(channel, feed)
            )
        return self._taken[channel]

    async def run(self) -> None:
        """Carry out commands until cancelled. A failing command fails the link."""
        while True:
            self._current = asyncio.ensure_future(await self._work.get())
            # aioice loses its sockets if it is cancelled while it makes them, so `close` waits for
            # that.
            await asyncio.shield(self._current)

    async def close(self, said_bye: bool) -> None:
        """Close the connection.

        After a goodbye, wait a moment for the other side to close first, so that our abort does not
        cut it off.
        """
        self._closing = True
        while not self._work.empty():
            self._work.get_nowait().close()
        if self._current is not None:
            # A loop that stands still, as on a very busy machine, uses up the first of these times
            # without going on with the work.
            for _ in range(2):
                await asyncio.wait({self._current}, timeout=SETTLE_SECONDS)
            # A server that does not answer is not waited for longer.
            self._current.cancel()
            await asyncio.gather(self._current, return_exceptions=True)
        if self._leaving is not None:
            await asyncio.gather(self._leaving, return_exceptions=True)
        if said_bye:
            try:
                await asyncio.wait_for(self._closed_by_other.wait(), FAREWELL_SECONDS)
            except TimeoutError:
                _log.debug("%s: the other side did not close in time", self._link)
        await self._connection.close()

    # --- preparing --------------------------------------------------------------------------------

    async def _prepare(self, offerer: bool) -> None:
        if self._stun:
            # The server would be asked for addresses, and nothing may be sent yet.
            return
        addresses = _own_addresses()
        try:
            if offerer:
                await self._make_offer()
            else:
                # The offer makes the transport, and is not used.
                await self._connection.createOffer()
                sctp = self._connection.sctp
                if sctp is not None:
                    await sctp.transport.transport.iceGatherer.gather()
            warm_up(self._connection.sctp)
        except Exception as error:  # noqa: BLE001
            # As in _offer, where a failure that lasts is reported.
            _log.info("%s: nothing could be prepared (%s)", self._link, type(error).__name__)
            await self._start_again()
            return
        self._prepared_on = addresses

    async def _use_prepared(self) -> None:
        """Start again if the network has changed since the peer was prepared."""
        addresses, self._prepared_on = self._prepared_on, None
        if addresses is not None and addresses != _own_addresses():
            _log.info("%s: the network has changed, so the peer is made again", self._link)
            await self._start_again()

    async def _start_again(self) -> None:
        left, self._connection = self._connection, self._new_connection()
        # Its end is no news about the link.
        left.remove_all_listeners()
        # Cut off, it would keep its sockets, so `close` waits for it.
        self._leaving = asyncio.ensure_future(left.close())
        await asyncio.shield(self._leaving)

    # --- carrying out -----------------------------------------------------------------------------

    async def _make_offer(self) -> None:
        if self._connection.localDescription is not None:
            # The offer was prepared.
            return
        # aiortc would leave the data channels' section out of an offer that is made after the
        # first channel (alwaysNegotiateDataChannels).
        offer = await self._connection.createOffer()
        self._listen_to(self._connection.createDataChannel(link_ev.CONTROL_LABEL))
        await self._connection.setLocalDescription(offer)
        self._use_internals()
        prepare_sockets(self._connection.sctp)

    async def _offer(self) -> None:
        try:
            await self._use_prepared()
            await self._make_offer()
        except Exception as error:  # noqa: BLE001
            # aiortc and the system below it raise many kinds of errors, all with this meaning.
            self._failed(Reason.NO_DESCRIPTION, error)
            return
        self._report_local()

    async def _apply(self, type: pair_msg.SDPType, sdp: str) -> None:
        try:
            await self._use_prepared()
            await self._connection.setRemoteDescription(
                RTCSessionDescription(sdp=sdp, type=type.value)
            )
            if self._connection.sctp is None or self._connection.getTransceivers():
                raise ValueError(
                    "one data channel section is a link; sound and pictures nobody wants, nor "
                    "decodes"
                )
            self._described = True
            if type is pair_msg.SDPType.OFFER:
                self._use_internals()
        except Exception as error:  # noqa: BLE001
            # A hostile SDP makes aiortc raise nearly anything.
            self._failed(Reason.BAD_DESCRIPTION, error)
            return
        if type is pair_msg.SDPType.OFFER and not await self._answer():
            return
        early, self._early_candidates = self._early_candidates, []
        for candidate in early:
            await self._pass_candidate(candidate)

    async def _answer(self) -> bool:
        """Answer the offer. Returns False if that failed; the failure is then already reported."""
        try:
            await self._connection.setLocalDescription(await self._connection.createAnswer())
            prepare_sockets(self._connection.sctp)
        except Exception as error:  # noqa: BLE001
            # As in _offer, sockets or a STUN server may be unusable.
            self._failed(Reason.NO_DESCRIPTION, error)
            return False
        self._report_local()
        return True

    async def _add_candidate(self, candidate: pair_msg.Candidate) -> None:
        if self._described:
            await self._pass_candidate(candidate)
        else:
            self._early_candidates.append(candidate)

    async def _pass_candidate(self, candidate: pair_msg.Candidate) -> None:
        try:
            if not candidate.candidate:
                await self._connection.addIceCandidate(None)
                return
            parsed = candidate_from_sdp(candidate.candidate.removeprefix("candidate:"))
            # aiortc knows one section only, the data channel's (core/link/signaling.py).
            parsed.sdpMLineIndex = 0
            await self._connection.addIceCandidate(parsed)
        except Exception as error:  # noqa: BLE001
            # One bad candidate must not end a link that others may open.
            _log.info("%s: a candidate was left out (%s)", self._link, type(error).__name__)

    def _report_local(self) -> None:
        description = self._connection.localDescription
        self._report(
            link_ev.PeerDescribed(self._link, pair_msg.SDPType(description.type), description.sdp)
        )

    # --- limits that aiortc leaves to us ----------------------------------------------------------

    def _use_internals(self) -> None:
        if not guard(self._connection.sctp, self._misbehaves):
            _log.warning("%s: this aiortc does not show its windows", self._link)
        pace_checks(self._connection.sctp)
        quicken(self._connection.sctp)

    def _misbehaves(self, what: str) -> None:
        if not self._misbehaved:
            self._misbehaved = True
            _log.info("%s: %s", self._link, what)
            self._report(link_ev.PeerFailed(self._link, Reason.PEER_ERROR, what))

    # --- what aiortc reports ----------------------------------------------------------------------

    def _listen_to(self, channel: RTCDataChannel) -> None:
        """Listen to a channel.

        This must run synchronously on `datachannel`, or the first messages would be lost.
        """
        channel.on("message", lambda message: self._message(channel, message))
        channel.on("close", lambda: self._channel_closed(channel))
        if channel.readyState == "open":
            self._channel_open(channel)
        else:
            channel.on("open", lambda: self._channel_open(channel))

    def _channel_open(self, channel: RTCDataChannel) -> None:
        # An open channel has its stream id.
        assert channel.id is not None
        if len(self._channels) >= MAX_CHANNELS:
            self._misbehaves("too many channels")
            return
        self._opened = True
        self._channels[channel.id] = channel
        self._report(link_ev.ChannelOpened(self._link, channel.id, channel.label))

    def _channel_closed(self, channel: RTCDataChannel) -> None:
        if channel.id is not None and self._channels.pop(channel.id, None) is not None:
            self._feeds.pop(channel.id, None)
            self._taken.pop(channel.id, None)
            self._report(link_ev.ChannelClosed(self._link, channel.id))

    def _message(self, channel: RTCDataChannel, message: str | bytes) -> None:
        if channel.id is None or channel.id not in self._channels:
            # The channel was closed in the meantime.
            return
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if size > MAX_CHANNEL_MESSAGE_BYTES:
            self._misbehaves("message too large")
            return
        if isinstance(message, bytes) and channel.id in self._feeds:
            self._feeds[channel.id](message)
            return
        text = message if isinstance(message, str) else _UNREADABLE
        self._report(link_ev.ChannelMessage(self._link, channel.id, text))

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        _log.debug("%s: connection is %s", self._link, state)
        if state == "closed":
            self._closed_by_other.set()
            self._report(link_ev.PeerFailed(self._link, Reason.PEER_LEFT))
        elif state == "failed":
            self._report(
                link_ev.PeerFailed(
                    self._link, Reason.PEER_VANISHED if self._opened else Reason.ICE_FAILED
                )
            )

    def _failed(self, reason: Reason, error: Exception) -> None:
        _log.info("%s: %s (%s)", self._link, reason, type(error).__name__)
        self._report(link_ev.PeerFailed(self._link, reason, type(error).__name__))

    def _report(self, event: link_ev.LinkEvent) -> None:
        if not self._closing:
            self._report_to(event)
