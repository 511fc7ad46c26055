"""Two network namespaces joined by a poor cable: our own relay between two TAP devices adds delay
and loss.

`tc netem` would be the usual means, but it is a kernel module that many machines (containers, small
VMs) lack; a TAP device needs only /dev/net/tun. Traffic never leaves the two namespaces. It works
on Linux only.
"""

import contextlib
import heapq
import os
import random
import select
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from tests.namespaces import Inside, Namespaces, missing, namespaces

__all__ = ["TCP", "UDP", "LossyLink", "Packet", "Verdict", "lossy_link", "missing"]

# This has room for a 1500-byte packet with its Ethernet header.
FRAME_BYTES = 2048
IPV4, TCP, UDP = 0x0800, 6, 17
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


class Verdict(Enum):
    """What a firewall on the way does with a packet."""

    PASS = "pass"
    DROP = "drop"
    # A reset refuses a TCP packet and ends the connection at both ends.
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Packet:
    """What a firewall sees of an IPv4 packet that carries TCP or UDP; `side` is its sender."""

    side: int
    protocol: int
    ports: tuple[int, int]
    flags: int

    @property
    def opens(self) -> bool:
        """Whether this packet opens a TCP connection."""
        return self.protocol == TCP and self.flags & (SYN | ACK) == SYN


def _let_pass(packet: Packet) -> Verdict:
    return Verdict.PASS


@dataclass
class LossyLink:
    """The cable: `delay` in seconds one way, `loss` as a share of the frames in each direction.

    While `cut` is true, all frames are lost. `judge` is a firewall in the middle of the cable.
    """

    delay: float
    loss: float
    place: Namespaces
    namespaces: tuple[str, str] = ("side-0", "side-1")
    addresses: tuple[str, str] = ("10.77.0.1", "10.77.0.2")
    cut: bool = False
    judge: Callable[[Packet], Verdict] = _let_pass
    _taps: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def command(self, side: int, *arguments: str) -> list[str]:
        """Return a command line that runs `arguments` on one side."""
        return self.place.command(self.namespaces[side], *arguments)

    def inside(self, side: int) -> Inside:
        """Return the namespace of one side."""
        return self.place.inside(self.namespaces[side])

    def _relay(self) -> None:
        # A fixed seed loses the same frames in every run.
        dice = random.Random(1)
        waiting: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._stop.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, tap, frame = heapq.heappop(waiting)
                # Writing fails while the interface is down.
                with contextlib.suppress(OSError):
                    os.write(tap, frame)
            pause = min(0.05, max(0.0, waiting[0][0] - now)) if waiting else 0.05
            readable, _, _ = select.select(self._taps, [], [], pause)
            for tap in readable:
                frame = os.read(tap, FRAME_BYTES)
                if self.cut or dice.random() < self.loss:
                    continue
                side = self._taps.index(tap)
                for to, passed in self._passed(side, frame):
                    count += 1
                    heapq.heappush(
                        waiting, (time.monotonic() + self.delay, count, self._taps[to], passed)
                    )

    def _passed(self, side: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Return which frames the firewall sends on in answer to this one, each with its side."""
        packet = None if self.judge is _let_pass else _packet(side, frame)
        verdict = Verdict.PASS if packet is None else self.judge(packet)
        if verdict is Verdict.PASS:
            return [(1 - side, frame)]
        if verdict is Verdict.DROP or packet is None or packet.flags & RST:
            return []
        back, forth = _resets(frame)
        return [(side, back)] if packet.opens else [(side, back), (1 - side, forth)]


def _packet(side: int, frame: bytes) -> Packet | None:
    if len(frame) < 34 or int.from_bytes(frame[12:14]) != IPV4:
        return None
    start = 14 + 4 * (frame[14] & 0x0F)
    protocol = frame[23]
    if protocol not in (TCP, UDP) or len(frame) < start + 8:
        return None
    ports = (int.from_bytes(frame[start : start + 2]), int.from_bytes(frame[start + 2 : start + 4]))
    return Packet(side, protocol, ports, frame[start + 13] if protocol == TCP else 0)


def _resets(frame: bytes) -> tuple[bytes, bytes]:
    """Return the two TCP resets that end a segment's connection: one for its sender and one for its
    receiver.
    """
    ip = frame[14 : 14 + 4 * (frame[14] & 0x0F)]
    tcp = frame[14 + len(ip) : 14 + int.from_bytes(ip[2:4])]
    source, target, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", tcp)
    after = (
        sequence + len(tcp) - 4 * (offset >> 4) + bool(flags & SYN) + bool(flags & FIN)
    ) & 0xFFFFFFFF
    back = struct.pack(
        "!HHIIBBHHH", target, source, acknowledged, after, 5 << 4, RST | ACK, 0, 0, 0
    )
    forth = struct.pack(
        "!HHIIBBHHH", source, target, sequence, acknowledged, 5 << 4, RST | ACK, 0, 0, 0
    )
    macs = frame[6:12] + frame[:6]
    return macs + frame[12:14] + _ip_packet(ip[16:20], ip[12:16], back), frame[:14] + _ip_packet(
        ip[12:16], ip[16:20], forth
    )


def _ip_packet(source: bytes, target: bytes, tcp: bytes) -> bytes:
    pseudo = source + target + struct.pack("!BBH", 0, TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp)) + tcp[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, TCP, 0) + source + target
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + tcp


def _checksum(data: bytes) -> int:
    """Compute the checksum of RFC 1071; `data` has an even length here."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _switch_ipv6_off(place: Namespaces, namespace: str) -> None:
    """Turn IPv6 off, because a browser mistakes a late IPv6 address for a change of network.

    The interface's own IPv6 address becomes usable only seconds after the interface is up. Chromium
    then aborts what it is loading (ERR_NETWORK_CHANGED). All traffic here is IPv4.
    """
    for scope in ("all", "default"):
        setting = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
        write = ["sh", "-c", f"[ ! -e {setting} ] || echo 1 > {setting}"]
        place.run("ip", "netns", "exec", namespace, *write)


@contextlib.contextmanager
def lossy_link(delay: float, loss: float) -> Iterator[LossyLink]:
    """Make the namespaces and the cable, and remove both at the end."""
    with namespaces() as place:
        link = LossyLink(delay, loss, place)
        relay = threading.Thread(target=link._relay, name="lossy link")
        try:
            for side, namespace in enumerate(link.namespaces):
                tap = f"side-{side}"
                link._taps.append(place.open_tap(tap))
                place.add(namespace)
                _switch_ipv6_off(place, namespace)
                place.run("ip", "link", "set", tap, "netns", namespace, "name", "eth0")
                address = f"{link.addresses[side]}/24"
                place.run("ip", "-n", namespace, "addr", "add", address, "dev", "eth0")
                place.run("ip", "-n", namespace, "link", "set", "lo", "up")
                place.run("ip", "-n", namespace, "link", "set", "eth0", "up")
            relay.start()
            yield link
        finally:
            link._stop.set()
            if relay.is_alive():
                relay.join()
            for tap_end in link._taps:
                os.close(tap_end)
