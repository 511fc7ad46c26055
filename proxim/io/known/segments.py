"""The networks of this machine as multicast sees them: one for each interface and IP version."""

import asyncio
import contextlib
import ctypes
import ipaddress
import secrets
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from proxim.core import events as ev

MDNS_PORT: Final = 5353
_GROUPS: Final = {4: "224.0.0.251", 6: "ff02::fb"}
# A socket filter (packet(7), bpf in the kernel's Documentation/networking/filter.rst): packets of
# one interface pass, and no others.
_SO_ATTACH_FILTER: Final = 26
_LOAD_WORD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_INTERFACE_OF_PACKET: Final = 0xFFFFF008
_WHOLE_PACKET: Final = 0xFFFFFFFF
# DHCPv6 gives single addresses of a network that has this prefix length.
_IPV6_SUBNET: Final = 64
# What is sent comes back within a millisecond. It may also be lost, so it is sent again.
PROBE_SECONDS: Final = 1.5
_PROBE_AGAIN_SECONDS: Final = 0.3
# From RFC 1035 and RFC 2782.
CLASS_IN: Final = 1
TYPE_SRV: Final = 33


@dataclass(frozen=True, slots=True)
class Segment:
    """An interface, by one IP version. Nothing that is heard on one segment is told on another."""

    interface: str
    version: int
    # Our own addresses, the best first; link-local IPv6 ones have their zone.
    addresses: tuple[str, ...]
    # The subnets that these reach.
    subnets: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @property
    def zone(self) -> str:
        """The zone of link-local IPv6 addresses here: the interface's name, or number on Windows;
        empty if we have no such address.
        """
        zones = (address.partition("%")[2] for address in self.addresses)
        return next((zone for zone in zones if zone), "")

    @property
    def index(self) -> int | None:
        """The interface's number, if we have a link-local IPv6 address there. Raises OSError if it
        is gone.
        """
        if not self.zone:
            return None
        return int(self.zone) if sys.platform == "win32" else socket.if_nametoindex(self.zone)

    def reached(self, raw: bytes) -> tuple[str, str] | None:
        """Return an address of this segment as it is dialled, and our subnet that reaches it; None
        if it is somewhere else.
        """
        ip = ipaddress.ip_address(raw)
        if ip.version != self.version or ip.is_multicast or ip.is_unspecified or ip.is_loopback:
            return None
        for subnet in self.subnets:
            if ip in subnet:
                zone = f"%{self.zone}" if ip.version == 6 and ip.is_link_local else ""
                return f"{ip}{zone}", str(subnet)
        return None


def segments_of(networks: Iterable[ev.Network]) -> tuple[Segment, ...]:
    """Return the segments of all networks, in their order. Nobody else is on the loopback."""
    found: dict[tuple[str, int], list[ev.Network]] = {}
    for network in networks:
        ip = ipaddress.ip_address(network.address)
        if not ip.is_loopback:
            found.setdefault((network.interface, ip.version), []).append(network)
    return tuple(
        Segment(
            interface,
            version,
            tuple(network.address for network in members),
            tuple(dict.fromkeys(_subnet(network) for network in members)),
        )
        for (interface, version), members in found.items()
    )


def worth_looking(networks: tuple[ev.Network, ...]) -> tuple[ev.Network, ...]:
    """Return the networks on which other devices may be.

    Nobody else is on this machine's virtual ones, unless it has no others.
    """
    return tuple(network for network in networks if not network.virtual) or networks


def _subnet(network: ev.Network) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    ip = ipaddress.ip_address(network.address.partition("%")[0])
    prefix = _IPV6_SUBNET if ip.version == 6 and network.prefix_length > _IPV6_SUBNET else None
    return ipaddress.ip_network(f"{ip}/{prefix or network.prefix_length}", strict=False)


# --- sockets --------------------------------------------------------------------------------------


def hear_only(segment: Segment, listening: Any) -> None:
    """Keep from a socket what comes from other segments. Raises OSError.

    Linux gives a socket what any program has asked for on any interface. IP_MULTICAST_ALL (ip(7))
    is no remedy: Linux 6.18 was seen to pass packets to another of our sockets then, as all are
    bound with SO_REUSEPORT.
    """
    if not sys.platform.startswith("linux"):
        # Elsewhere a socket hears only what it has asked for itself.
        return
    # A name such as "eth0:1" is a label on eth0.
    index = socket.if_nametoindex(segment.zone or segment.interface.partition(":")[0])
    program = ctypes.create_string_buffer(
        b"".join(
            struct.pack("@HBBI", *instruction)
            for instruction in (
                (_LOAD_WORD, 0, 0, _INTERFACE_OF_PACKET),
                (_EQUAL, 0, 1, index),
                (_RETURN, 0, 0, _WHOLE_PACKET),
                (_RETURN, 0, 0, 0),
            )
        )
    )
    described = struct.pack("@HP", 4, ctypes.addressof(program))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


async def hears_itself(segment: Segment, seconds: float = PROBE_SECONDS) -> bool:
    """Whether what this program sends by multicast comes back to it.

    Where it does not, the system or a firewall drops it, or the interface has no multicast. Whether
    the network passes it on to others cannot be found out from here.
    """
    loop = asyncio.get_running_loop()
    query = _query(f"{secrets.token_hex(13)}._proxim._tcp.local")
    try:
        probe = open_socket(segment)
    except OSError:
        return False
    try:
        transport, protocol = await loop.create_datagram_endpoint(lambda: _Probe(query), sock=probe)
    except OSError:
        probe.close()
        return False
    try:
        group = _group_address(segment)
        async with asyncio.timeout(seconds):
            while not protocol.heard.is_set():
                transport.sendto(query, group)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PROBE_AGAIN_SECONDS):
                        await protocol.heard.wait()
    except (TimeoutError, OSError):
        return False
    finally:
        transport.close()
    return True


class _Probe(asyncio.DatagramProtocol):
    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self.heard = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data == self._wanted:
            self.heard.set()


def open_socket(segment: Segment) -> socket.socket:
    """Return a socket for multicast DNS on one segment, beside those of other programs.

    Raises OSError.
    """
    six = segment.version == 6
    made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        hear_only(segment, made)
        if six:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(("::", MDNS_PORT))
            index = struct.pack("@I", segment.index or 0)
            group = socket.inet_pton(socket.AF_INET6, _GROUPS[6])
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + index)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
        else:
            made.bind(("", MDNS_PORT))
            own = socket.inet_aton(segment.addresses[0])
            group = socket.inet_aton(_GROUPS[4])
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + own)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except OSError:
        made.close()
        raise
    return made


def _group_address(segment: Segment) -> Any:
    if segment.version == 4:
        return (_GROUPS[4], MDNS_PORT)
    return (_GROUPS[6], MDNS_PORT, 0, segment.index or 0)


def _query(name: str) -> bytes:
    """Return a question that nobody answers (RFC 1035, 4.1)."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return (
        struct.pack("!6H", 0, 0, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, TYPE_SRV, CLASS_IN)
    )
