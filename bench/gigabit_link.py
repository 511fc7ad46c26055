"""Two network namespaces joined by a cable of 1 Gbit/s with delay and loss: a relay between two TAP
devices.

`tc netem` would be the usual means, but many kernels lack it, and a relay of single packets
(tests/lossy_link.py) is too slow for a gigabit in Python. Here the kernel passes trains of
segments, as it does to a network card that splits them (TSO). Each segment is lost independently,
and a train with a gap continues as two trains. It needs Linux and root.
"""

import contextlib
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

BITS_PER_SECOND: Final = 1e9
# This is the delay one way.
DELAY_SECONDS: Final = 0.005
# This is the share of all segments, in both directions.
LOSS: Final = 0.001
# This limits the queue before the cable; netem's 1,000 packets are as much.
QUEUE_SECONDS: Final = 0.012
ADDRESSES: Final = ("10.78.0.1", "10.78.0.2")

# These numbers come from linux/if_tun.h.
_TUNSETIFF: Final = 0x400454CA
_TUNSETOFFLOAD: Final = 0x400454D0
# These flags are IFF_TAP | IFF_NO_PI | IFF_VNET_HDR.
_TAP_WITH_HEADER: Final = 0x0002 | 0x1000 | 0x4000
# These flags are TUN_F_CSUM | TUN_F_TSO4.
_CUTS_TRAINS: Final = 0x01 | 0x02
# The fields of virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset.
_VNET: Final = struct.Struct("=BBHHHH")
# This is VIRTIO_NET_HDR_GSO_TCPV4.
_TRAIN: Final = 1
# This has room for a train of 64 KiB with its headers.
_MOST_BYTES: Final = 66 * 1024
_ETHERNET: Final = 14
# Each Ethernet frame also needs time for its preamble, check sum and pause.
_ON_THE_WIRE: Final = 24
# The flags FIN and PSH belong to the last segment of a train.
_LAST_ONLY: Final = 0x01 | 0x08
_IDLE_SECONDS: Final = 0.05


@dataclass
class Cable:
    """The cable, with counts of what it did."""

    namespaces: tuple[str, str]
    bits_per_second: float = BITS_PER_SECOND
    # One way.
    delay_seconds: float = DELAY_SECONDS
    # Of all segments, in both directions.
    loss: float = LOSS
    queue_seconds: float = QUEUE_SECONDS
    # These counts are of segments.
    carried: int = 0
    lost: int = 0
    # So many were dropped because the queue was full.
    dropped: int = 0
    _taps: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def command(self, side: int) -> tuple[str, ...]:
        """Return the words that go before a command line to run it on one side."""
        return ("ip", "netns", "exec", self.namespaces[side])

    def _relay(self) -> None:
        # A fixed seed loses the same segments in every run.
        dice = random.Random(1)
        # There is one queue per receiving side.
        waiting: tuple[deque[tuple[float, bytes]], ...] = (deque(), deque())
        # This is when the last bit of the queued frames will have left, per side.
        free_at = [0.0, 0.0]
        while not self._stop.is_set():
            now = time.perf_counter()
            next_at = now + _IDLE_SECONDS
            for tap, queue in zip(self._taps, waiting, strict=True):
                while queue and queue[0][0] <= now:
                    # Writing fails while the interface is down.
                    with contextlib.suppress(OSError):
                        os.write(tap, queue.popleft()[1])
                if queue:
                    next_at = min(next_at, queue[0][0])
            readable, _, _ = select.select(
                self._taps, [], [], max(0.0, next_at - time.perf_counter())
            )
            for tap in readable:
                side = self._taps.index(tap)
                frame = os.read(tap, _MOST_BYTES)
                now = time.perf_counter()
                other = 1 - side
                if free_at[other] - now > self.queue_seconds:
                    self.dropped += 1
                    continue
                for piece, segments in self._pieces(frame, dice):
                    bits = 8 * (
                        len(piece)
                        - _VNET.size
                        + _ON_THE_WIRE
                        + (segments - 1) * (_ON_THE_WIRE + 66)
                    )
                    free_at[other] = max(free_at[other], now) + bits / self.bits_per_second
                    waiting[other].append((free_at[other] + self.delay_seconds, piece))

    def _pieces(self, frame: bytes, dice: random.Random) -> Iterator[tuple[bytes, int]]:
        """Yield the pieces that are left of a frame, each with its number of segments."""
        train = _Train(frame) if frame[1] == _TRAIN else None
        count = train.count if train is not None else 1
        self.carried += count
        gaps = [number for number in range(count) if dice.random() < self.loss]
        self.lost += len(gaps)
        if not gaps:
            yield frame, count
        elif train is not None:
            for first, after in zip([-1, *gaps], [*gaps, count], strict=True):
                if after - first > 1:
                    yield train.part(first + 1, after), after - first - 1


class _Train:
    """Segments of one TCP connection that share one header."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
        self._vnet = _VNET.unpack_from(frame)
        self._size: int = self._vnet[3]
        self._ip = _VNET.size + _ETHERNET
        self._tcp = self._ip + 4 * (frame[self._ip] & 0x0F)
        self._data = self._tcp + 4 * (frame[self._tcp + 12] >> 4)
        self.count = -(-(len(frame) - self._data) // self._size)

    def part(self, first: int, after: int) -> bytes:
        """Return the frame of some of these segments, with a header of its own."""
        data = self._frame[self._data + first * self._size : self._data + after * self._size]
        head = bytearray(self._frame[: self._data])
        flags, _, header_bytes, size, start, offset = self._vnet
        kind = _TRAIN if len(data) > self._size else 0
        _VNET.pack_into(head, 0, flags, kind, header_bytes, size if kind else 0, start, offset)
        length = self._data - self._tcp + len(data)
        identity, sequence = _number(head, self._ip + 4, 2) + first, _number(head, self._tcp + 4, 4)
        struct.pack_into(
            ">HH", head, self._ip + 2, self._tcp - self._ip + length, identity & 0xFFFF
        )
        struct.pack_into(">H", head, self._ip + 10, 0)
        struct.pack_into(">H", head, self._ip + 10, 0xFFFF ^ _sum(head[self._ip : self._tcp]))
        struct.pack_into(">I", head, self._tcp + 4, (sequence + first * self._size) & 0xFFFFFFFF)
        if after < self.count:
            head[self._tcp + 13] &= ~_LAST_ONLY
        # The kernel completes the check sum; the header must contain the sum of the pseudo header.
        pseudo = bytes(head[self._ip + 12 : self._ip + 20]) + struct.pack(">HH", 6, length)
        struct.pack_into(">H", head, self._tcp + 16, _sum(pseudo))
        return bytes(head) + data


def _number(raw: bytearray, at: int, size: int) -> int:
    return int.from_bytes(raw[at : at + size], "big")


def _sum(raw: bytes | bytearray) -> int:
    """Return the sum of 16-bit words in ones' complement (RFC 1071)."""
    total: int = sum(struct.unpack(f">{len(raw) // 2}H", raw))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _open_tap(name: str) -> int:
    if sys.platform != "linux":
        raise OSError("TAP devices are Linux's")
    import fcntl

    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH", name.encode(), _TAP_WITH_HEADER))
    fcntl.ioctl(tap, _TUNSETOFFLOAD, _CUTS_TRAINS)
    return tap


@contextlib.contextmanager
def cable(
    bits_per_second: float = BITS_PER_SECOND,
    delay_seconds: float = DELAY_SECONDS,
    loss: float = LOSS,
    queue_seconds: float = QUEUE_SECONDS,
) -> Iterator[Cable]:
    """Make the namespaces and the cable, and remove both at the end."""
    namespaces = f"proxim-g-{os.getpid()}", f"proxim-h-{os.getpid()}"
    made = Cable(namespaces, bits_per_second, delay_seconds, loss, queue_seconds)
    relay = threading.Thread(target=made._relay, name="cable")
    try:
        for side, namespace in enumerate(made.namespaces):
            name = f"pg{side}-{os.getpid()}"[:15]
            made._taps.append(_open_tap(name))
            _ip("netns", "add", namespace)
            _ip("link", "set", name, "netns", namespace, "name", "eth0")
            _ip("-n", namespace, "addr", "add", f"{ADDRESSES[side]}/24", "dev", "eth0")
            _ip("-n", namespace, "link", "set", "eth0", "txqueuelen", "1000")
            _ip("-n", namespace, "link", "set", "lo", "up")
            _ip("-n", namespace, "link", "set", "eth0", "up")
        relay.start()
        yield made
    finally:
        made._stop.set()
        if relay.is_alive():
            relay.join()
        for tap in made._taps:
            os.close(tap)
        for namespace in made.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
