"""Which networks multicast knows, and whether it works there."""

import socket
import sys
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from proxim.core import events as ev
from proxim.io.known import segments as module
from proxim.io.known.segments import Segment, hears_itself, segments_of, worth_looking
from proxim.io.system.addresses import list_networks

LAN = ev.Network("192.168.1.5", 24, "eth0", virtual=False)
SECOND = ev.Network("10.1.2.3", 16, "eth0", virtual=False)
LINK_LOCAL = ev.Network("fe80::5%eth0", 64, "eth0", virtual=False)
GLOBAL = ev.Network("2001:db8::5", 128, "eth0", virtual=False)
WIFI = ev.Network("192.168.7.7", 24, "wlan0", virtual=False)
DOCKER = ev.Network("172.17.0.1", 16, "docker0", virtual=True)
LOOPBACK = ev.Network("127.0.0.1", 8, "lo", virtual=False)


def test_an_interface_is_one_segment_for_each_ip_version() -> None:
    lan, wifi, six = segments_of((LAN, WIFI, LOOPBACK, SECOND, GLOBAL, LINK_LOCAL))
    assert lan == Segment(
        "eth0",
        4,
        ("192.168.1.5", "10.1.2.3"),
        (ip_network("192.168.1.0/24"), ip_network("10.1.0.0/16")),
    )
    assert wifi.addresses == ("192.168.7.7",)
    assert (six.version, six.addresses) == (6, ("2001:db8::5", "fe80::5%eth0"))
    # DHCPv6 gives addresses one by one, but their neighbours are on the same network.
    assert six.subnets == (ip_network("2001:db8::/64"), ip_network("fe80::/64"))
    assert (lan.zone, six.zone) == ("", "eth0")
    assert lan.index is None


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        (IPv4Address("192.168.1.9"), ("192.168.1.9", "192.168.1.0/24")),
        (IPv4Address("10.1.9.9"), ("10.1.9.9", "10.1.0.0/16")),
        # They are somewhere else, whatever is announced here.
        (IPv4Address("192.168.2.9"), None),
        (IPv4Address("8.8.8.8"), None),
        (IPv4Address("127.0.0.1"), None),
        (IPv4Address("224.0.0.251"), None),
        (IPv6Address("fe80::1"), None),
    ],
)
def test_only_what_our_own_subnets_reach_is_dialled(
    address: IPv4Address | IPv6Address, reached: tuple[str, str] | None
) -> None:
    [segment] = segments_of((LAN, SECOND))
    assert segment.reached(address.packed) == reached


def test_a_link_local_address_gets_our_zone() -> None:
    [segment] = segments_of((LINK_LOCAL, GLOBAL))
    assert segment.reached(IPv6Address("fe80::9").packed) == ("fe80::9%eth0", "fe80::/64")
    assert segment.reached(IPv6Address("2001:db8::9").packed) == ("2001:db8::9", "2001:db8::/64")
    assert segment.reached(IPv6Address("2001:db9::9").packed) is None
    assert segment.reached(IPv4Address("192.168.1.9").packed) is None


def test_nobody_is_looked_for_on_virtual_networks_if_there_are_others() -> None:
    assert worth_looking((DOCKER, LAN)) == (LAN,)
    assert worth_looking((DOCKER,)) == (DOCKER,)
    assert worth_looking(()) == ()


def segments_here() -> tuple[Segment, ...]:
    found = segments_of(list_networks())
    if not found:
        pytest.skip("this machine is on no network")
    return found


async def test_this_machine_hears_itself_also_beside_another_program() -> None:
    [segment, *_] = segments_here()
    assert await hears_itself(segment)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("", module.MDNS_PORT))
        assert await hears_itself(segment)


async def test_an_interface_that_is_gone_is_not_heard() -> None:
    gone = Segment("nosuch0", 4, ("192.0.2.1",), (ip_network("192.0.2.0/24"),))
    assert not await hears_itself(gone, seconds=0.2)
    gone = Segment("nosuch0", 6, ("fe80::1%nosuch0",), (ip_network("fe80::/64"),))
    assert not await hears_itself(gone, seconds=0.2)


async def test_what_does_not_come_back_is_waited_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [segment, *_] = segments_here()
    # Nobody listens at this port, and what arrives there is not ours.
    monkeypatch.setattr(module, "_group_address", lambda _: ("127.0.0.1", 9))
    assert not await hears_itself(segment, seconds=0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux needs the filter")
def test_a_socket_hears_only_its_own_segment() -> None:
    loopback = Segment("lo", 4, ("127.0.0.1",), (ip_network("127.0.0.0/8"),))
    for segment, hears in ((loopback, True), (None, False)):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending,
        ):
            listening.bind(("127.0.0.1", 0))
            listening.settimeout(0.2)
            if segment is None:
                [elsewhere, *_] = segments_here()
                module.hear_only(elsewhere, listening)
            else:
                module.hear_only(segment, listening)
            sending.sendto(b"a word", listening.getsockname())
            if hears:
                assert listening.recv(100) == b"a word"
            else:
                with pytest.raises(TimeoutError):
                    listening.recv(100)
