"""A UDP transport that sends and receives trains of datagrams with one call of the system each.

Linux can take many datagrams of one size as one piece and cut it (UDP generic segmentation, 4.18),
and hand over what came as one piece (generic receive offload, 5.0). A call of the system costs as
much as all else that is done to a datagram, so this halves the cost of a data channel. What is sent
within one turn of the loop leaves in trains at the end of the turn. Whoever sends decides how much
that is; nothing is kept back longer, or sent sooner.

`can_send_trains` asks the system. Where it says no, asyncio's own transport is as good as this one.
"""

import asyncio
import logging
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Final

_log = logging.getLogger(__name__)

Address = tuple[Any, ...]
Deliver = Callable[[bytes, Address], None]

# These numbers come from linux/udp.h, because Python's socket has no names for them.
_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
_UDP_GRO: Final = 104
# The size of a segment is a C int where it is received, and 16 bits where it is sent.
_RECEIVED_SIZE: Final = struct.Struct("=i")
_SENT_SIZE: Final = struct.Struct("=H")

# Linux accepts 64 segments of one train (UDP_MAX_SEGMENTS), in later versions 128.
TRAIN_DATAGRAMS: Final = 64
# All segments of a train must fit one datagram of IPv4, whose length has 16 bits: 65,535 bytes less
# the headers of IP and UDP.
TRAIN_BYTES: Final = 65535 - 20 - 8
# The largest piece that the system can hand over.
_PIECE_BYTES: Final = 65535
# How many datagrams are received before others have their turn on the loop. At 20 us for each this
# is 1-2 ms.
TURN_DATAGRAMS: Final = 64


def can_send_trains(sock: socket.socket) -> bool:
    """Return whether the system can cut a train that is sent by this UDP socket."""
    if sys.platform != "linux":
        return False
    try:
        sock.getsockopt(_SOL_UDP, _UDP_SEGMENT)
    except OSError:
        # Linux before 4.18, or something that only looks like Linux.
        return False
    return True


class _Train:
    """Datagrams of one size to one address; only the last may be shorter."""

    __slots__ = ("address", "bytes", "datagrams", "full", "size")

    def __init__(self, data: bytes, address: Address) -> None:
        self.address = address
        self.datagrams = [data]
        self.size = self.bytes = len(data)
        self.full = False

    def add(self, data: bytes, address: Address) -> bool:
        """Add a datagram if it may follow the others in this train."""
        size = len(data)
        if self.full or size > self.size or address != self.address:
            return False
        if self.bytes + size > TRAIN_BYTES:
            return False
        self.datagrams.append(data)
        self.bytes += size
        self.full = size < self.size or len(self.datagrams) == TRAIN_DATAGRAMS
        return True


class TrainTransport(asyncio.DatagramTransport):
    """Sends and receives trains over a socket, which it owns from now on.

    `deliver` gets each datagram, as `protocol.datagram_received` does if it is left out. An empty
    datagram is not delivered.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        protocol: asyncio.DatagramProtocol,
        deliver: Deliver | None = None,
    ) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        sock.setblocking(False)
        self._loop = loop
        self._sock = sock
        self._fd = sock.fileno()
        self._protocol = protocol
        self._deliver = deliver or protocol.datagram_received
        self._trains: deque[_Train] = deque()
        self._flushing = False
        self._blocked = False
        self._closing = False
        # Devices that compute no checksums refuse trains. That shows when one is sent.
        self._whole = True
        loop.add_reader(self._fd, self._readable)
        try:
            sock.setsockopt(_SOL_UDP, _UDP_GRO, 1)
        except OSError:
            # Linux before 5.0. Then each datagram is received by itself.
            _log.debug("datagrams are received one by one")
        protocol.connection_made(self)

    # --- sending ----------------------------------------------------------------------------------

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a datagram at the end of this turn of the loop."""
        if not data or addr is None:
            raise ValueError("a datagram needs content and an address")
        if self._closing:
            return
        data = bytes(data)
        trains = self._trains
        if not trains or not trains[-1].add(data, addr):
            trains.append(_Train(data, addr))
        if not self._flushing and not self._blocked:
            self._flushing = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._flushing = False
        self._flush()

    def _flush(self) -> None:
        """Send what was gathered, until the socket's buffer is full."""
        trains = self._trains
        try:
            while trains and not self._blocked:
                self._send(trains[0])
                trains.popleft()
        except (BlockingIOError, InterruptedError):
            self._blocked = True
            self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        self._blocked = False
        self._loop.remove_writer(self._fd)
        self._flush()
        if self._closing and not self._trains:
            self._end(None)

    def _send(self, train: _Train) -> None:
        """Send a train, or what is left of it. A full buffer raises BlockingIOError."""
        if sys.platform == "win32":
            raise OSError("trains are Linux's")
        if self._whole and len(train.datagrams) > 1:
            segment = [(_SOL_UDP, _UDP_SEGMENT, _SENT_SIZE.pack(train.size))]
            try:
                self._sock.sendmsg(train.datagrams, segment, 0, train.address)
            except (BlockingIOError, InterruptedError):
                raise
            except OSError as error:
                # Nothing of the train was sent. What refuses single datagrams, too, is reported for
                # each of them, and says nothing about trains.
                if self._send_each(train):
                    _log.info("trains of datagrams are refused (%s)", error)
                    self._whole = False
            return
        self._send_each(train)

    def _send_each(self, train: _Train) -> bool:
        """Send the datagrams one by one, and return whether any was accepted.

        A datagram that is refused is reported and left out, as asyncio's transport does. When the
        buffer is full, the train keeps what was not sent.
        """
        datagrams = train.datagrams
        accepted = False
        while datagrams:
            try:
                self._sock.sendto(datagrams[0], train.address)
                accepted = True
            except (BlockingIOError, InterruptedError):
                train.full = True
                if accepted:
                    self._whole = False
                raise
            except OSError as error:
                self._protocol.error_received(error)
            del datagrams[0]
        return accepted

    # --- receiving --------------------------------------------------------------------------------

    def _readable(self) -> None:
        if sys.platform == "win32":
            raise OSError("trains are Linux's")
        left = TURN_DATAGRAMS
        try:
            while left > 0 and not self._closing:
                data, extra, _, address = self._sock.recvmsg(_PIECE_BYTES, 64)
                left -= self._take(data, _segment_size(extra), address)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._protocol.error_received(error)

    def _take(self, data: bytes, size: int, address: Address) -> int:
        """Deliver a piece as the datagrams that it was cut into; return their number."""
        if not 0 < size < len(data):
            self._hand_over(data, address)
            return 1
        for at in range(0, len(data), size):
            self._hand_over(data[at : at + size], address)
        return -(-len(data) // size)

    def _hand_over(self, data: bytes, address: Address) -> None:
        if not data or self._closing:
            return
        try:
            self._deliver(data, address)
        except Exception as error:  # noqa: BLE001
            # Anybody can send a datagram to an open port. One that the protocol stumbles over must
            # neither end the link nor lose the others of its train.
            _log.debug("a datagram was left out (%s)", type(error).__name__)

    # --- closing ----------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Return whether the transport is closed, or being closed."""
        return self._closing

    def close(self) -> None:
        """Receive nothing more, send what is gathered, and close the socket."""
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._fd)
        self._flush()
        if not self._blocked:
            self._loop.call_soon(self._end, None)

    def abort(self) -> None:
        """Close the socket without sending what is gathered."""
        if not self._closing:
            self._closing = True
            self._loop.remove_reader(self._fd)
        self._trains.clear()
        self._loop.call_soon(self._end, None)

    def _end(self, error: Exception | None) -> None:
        if self._sock.fileno() == -1:
            return
        self._trains.clear()
        self._loop.remove_writer(self._fd)
        self._sock.close()
        self._protocol.connection_lost(error)


def _segment_size(extra: list[tuple[int, int, bytes]]) -> int:
    """Return the size of the segments that the system put together, or 0 if it did not."""
    for level, kind, value in extra:
        if level == _SOL_UDP and kind == _UDP_GRO and len(value) >= _RECEIVED_SIZE.size:
            return int(_RECEIVED_SIZE.unpack_from(value)[0])
    return 0


def with_trains(
    transport: asyncio.DatagramTransport,
    protocol: asyncio.DatagramProtocol,
    deliver: Deliver | None = None,
) -> asyncio.DatagramTransport:
    """Return a transport of trains in place of asyncio's, with the same socket and protocol.

    `protocol.connection_made` is called with it. Where the system knows no trains, or the transport
    has no socket of its own (a relay), the transport itself is returned.
    """
    if sys.platform != "linux":
        return transport
    own = transport.get_extra_info("socket")
    if own is None or transport.is_closing():
        return transport
    # Two descriptors of one socket: asyncio's transport closes its own.
    sock = socket.socket(fileno=os.dup(own.fileno()))
    if not can_send_trains(sock):
        sock.close()
        return transport
    trains = TrainTransport(asyncio.get_running_loop(), sock, protocol, deliver)
    # Nothing is lost between the two, because the loop has no turn between these lines.
    transport.set_protocol(asyncio.DatagramProtocol())
    transport.close()
    return trains
