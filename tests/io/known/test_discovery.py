"""Discovery on real networks: devices in namespaces, joined by bridges, with real multicast."""

import re
import sys
import time
from collections.abc import Iterator

import pytest

from proxim.io.known.mdns import SERVICE_TYPE
from tests.io.known.rooms import PATIENCE, Child, Device, Rooms, lacking, rooms

pytestmark = pytest.mark.timeout(4 * PATIENCE)
PAIR, OTHER = "the key of a pair", "another key"
NAME = re.compile(rb"[a-z2-7]{26}")


@pytest.fixture
def room() -> Iterator[Rooms]:
    if (why := lacking()) is not None:
        pytest.skip(why)
    with rooms() as made:
        made.add_network("lan")
        yield made


def host_and_guest(room: Rooms) -> tuple[Device, Device]:
    room.add_device("host", "lan", "10.80.0.1/24")
    room.add_device("guest", "lan", "10.80.0.2/24")
    return room.start("host"), room.start("guest")


def test_a_known_device_is_found_and_a_stranger_sees_only_that_somebody_is_there(
    room: Rooms,
) -> None:
    host, guest = host_and_guest(room)
    room.add_device("stranger", "lan", "10.80.0.3/24")
    stranger = room.start("stranger")
    guest.tell("look", keys=[OTHER, PAIR])
    stranger.tell("look", keys=[OTHER])
    host.announce("10.80.0.1", PAIR, port=47801)
    seen = guest.wait("seen")
    assert seen["endpoints"] == [["10.80.0.1", 47801, "10.80.0.0/24"]]
    assert seen["matches"] == [PAIR]
    told = stranger.wait("seen", service=seen["service"])
    assert (told["matches"], told["hidden"]) == ([], 32)


def test_who_begins_to_look_later_finds_it_as_well(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    host.announce("10.80.0.1", PAIR)
    host.wait("slot")
    guest.tell("look", keys=[PAIR])
    service = guest.wait("seen", matches=[PAIR])["service"]
    guest.tell("stop looking")
    guest.wait("gone", service=service)
    guest.tell("look", keys=[PAIR])
    guest.wait("seen", matches=[PAIR], service=service)


@pytest.mark.parametrize("goodbye", ["stop announcing", "end"])
def test_a_host_that_ends_says_goodbye(room: Rooms, goodbye: str) -> None:
    host, guest = host_and_guest(room)
    guest.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    service = guest.wait("seen", matches=[PAIR])["service"]
    began = time.monotonic()
    host.tell(goodbye)
    guest.wait("gone", service=service)
    assert time.monotonic() - began < 10


def test_a_host_that_was_killed_is_lost_after_its_time(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    guest.tell("look", keys=[PAIR])
    host.tell("host seconds", seconds=6)
    host.announce("10.80.0.1", PAIR)
    service = guest.wait("seen", matches=[PAIR])["service"]
    host.kill()
    guest.wait("gone", service=service)
    # It is back under another name.
    again = room.start("host")
    again.announce("10.80.0.1", PAIR)
    assert guest.wait("seen", matches=[PAIR])["service"] != service


def test_a_host_that_stays_is_never_lost(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    guest.tell("look", keys=[PAIR])
    host.tell("host seconds", seconds=8)
    host.announce("10.80.0.1", PAIR)
    first = guest.wait("seen", matches=[PAIR])["service"]
    # Another one comes and goes, which takes longer than the first would be believed in.
    room.add_device("other", "lan", "10.80.0.3/24")
    other = room.start("other")
    other.tell("host seconds", seconds=12)
    other.announce("10.80.0.3", OTHER)
    service = guest.wait("seen", matches=[])["service"]
    other.kill()
    guest.wait("gone", service=service)
    assert [told["service"] for told in guest.events("gone")] == [service]
    assert first != service


def test_both_get_new_addresses(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    guest.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    before = guest.wait("seen", matches=[PAIR])["service"]
    for name, old, new in (
        ("host", "10.80.0.1/24", "10.81.0.7/24"),
        ("guest", "10.80.0.2/24", "10.81.0.8/24"),
    ):
        room.ip(name, f"addr del {old} dev eth0")
        room.give(name, new)
    host.tell("listen", address="10.81.0.7", port=47805)
    seen = guest.wait("seen", matches=[PAIR], endpoints=[["10.81.0.7", 47805, "10.81.0.0/24"]])
    assert seen["service"] != before


def test_by_ipv6_with_nothing_but_link_local_addresses(room: Rooms) -> None:
    room.add_device("host", "lan", "fe80::11/64")
    room.add_device("guest", "lan", "fe80::12/64")
    host, guest = room.start("host"), room.start("guest")
    guest.tell("look", keys=[PAIR])
    host.announce("fe80::11%eth0", PAIR)
    seen = guest.wait("seen", matches=[PAIR])
    assert seen["endpoints"] == [["fe80::11%eth0", 47800, "fe80::/64"]]
    host.tell("end")
    guest.wait("gone", service=seen["service"])


def packets(record: Child) -> list[bytes]:
    return [bytes.fromhex(line) for line in record.lines[1:]]


def test_of_two_networks_neither_hears_of_the_other(room: Rooms) -> None:
    room.add_network("cafe")
    host, guest = host_and_guest(room)
    room.connect("guest", "cafe", "eth1", "10.90.0.2/24")
    room.add_device("visitor", "cafe", "10.90.0.3/24")
    visitor = room.start("visitor")
    room.add_device("stranger", "cafe")
    record = room.record("stranger")
    for side in (host, visitor):
        # They are up and wait.
        side.tell("stop looking")
        side.wait("done")
    guest.tell("look", keys=[PAIR, OTHER])
    while bytes([10, 90, 0, 2]) not in bytes.fromhex(record.next_line()):
        pass
    host.announce("10.80.0.1", PAIR)
    visitor.announce("10.90.0.3", OTHER)
    seen = {guest.wait("seen")["service"] for _ in range(2)}
    told = {one["service"]: one for one in guest.events("seen")}
    [there] = [told[one] for one in seen if told[one]["matches"] == [PAIR]]
    [here] = [told[one] for one in seen if told[one]["matches"] == [OTHER]]
    assert there["endpoints"] == [["10.80.0.1", 47800, "10.80.0.0/24"]]
    assert here["endpoints"] == [["10.90.0.3", 47800, "10.90.0.0/24"]]
    # When the guest asks the café again, it names what it knows already.
    source = bytes([10, 90, 0, 2])
    while True:
        packet = bytes.fromhex(record.next_line())
        if source in packet[26:30] and here["service"].encode() in packet:
            break
    heard = b"".join(packets(record))
    assert here["service"].encode() in heard
    assert there["service"].encode() not in heard
    assert bytes([10, 80, 0, 1]) not in heard


def test_a_device_that_is_twice_on_one_network_sees_a_host_once(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    room.connect("guest", "lan", "eth1", "10.80.0.4/24")
    guest.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    seen = guest.wait("seen", matches=[PAIR])
    # It is told for each interface. One that has not heard it yet could not go on with it.
    guest.wait("seen", service=seen["service"])
    room.ip("guest", "link set eth1 down")
    host.tell("stop announcing")
    guest.wait("gone", service=seen["service"])
    assert {told["service"] for told in guest.events("seen")} == {seen["service"]}
    assert len(guest.events("gone")) == 1


def test_a_host_announces_itself_only_where_its_server_listens(room: Rooms) -> None:
    room.add_network("cafe")
    host, guest = host_and_guest(room)
    room.connect("host", "cafe", "eth1", "10.90.0.1/24")
    room.add_device("stranger", "cafe")
    record = room.record("stranger")
    guest.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    first = guest.wait("seen", matches=[PAIR])["service"]
    assert packets(record) == []
    # It moves there, within the same quarter of an hour.
    host.tell("listen", address="10.90.0.1", port=47800)
    guest.wait("gone", service=first)
    room.add_device("visitor", "cafe", "10.90.0.3/24")
    visitor = room.start("visitor")
    visitor.tell("look", keys=[PAIR])
    second = visitor.wait("seen", matches=[PAIR])["service"]
    assert second != first
    assert first.encode() not in b"".join(packets(record))


# It keeps the port of multicast DNS to itself, as some programs do.
HOLDER = """
import socket, sys
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("", 5353))
print("held", flush=True)
sys.stdin.read()
"""


def test_where_multicast_cannot_work_that_is_said_and_tried_again(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    holder = Child(room.command("guest", sys.executable, "-c", HOLDER))
    try:
        assert holder.next_line() == "held"
        guest.tell("look", keys=[PAIR])
        guest.wait("slot")
        assert guest.wait("failed")["reason"] == "no_multicast"
    finally:
        holder.kill()
    host.announce("10.80.0.1", PAIR)
    # As after CLOCK_SECONDS.
    guest.tell("ahead", seconds=0)
    guest.wait("seen", matches=[PAIR])
    assert len(guest.events("failed")) == 1
    # Whoever was told that it does not work is told that it does, too.
    if len(guest.events("slot")) == 1:
        guest.wait("slot")


def test_where_a_network_keeps_devices_apart_nobody_is_found_and_nothing_fails(room: Rooms) -> None:
    host, guest = host_and_guest(room)
    room.add_device("other", "lan", "10.80.0.3/24")
    other = room.start("other")
    room.keep_apart("host", "guest")
    for side in (guest, other):
        side.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    service = other.wait("seen", matches=[PAIR])["service"]
    host.tell("stop announcing")
    other.wait("gone", service=service)
    assert guest.events("seen") == guest.events("failed") == []
    room.keep_apart("host", "guest", apart=False)
    host.announce("10.80.0.1", PAIR)
    guest.wait("seen", matches=[PAIR])


def test_a_network_that_comes_later_is_used(room: Rooms) -> None:
    room.add_network("cafe")
    host, guest = host_and_guest(room)
    room.ip("guest", "addr del 10.80.0.2/24 dev eth0")
    guest.tell("look", keys=[PAIR])
    guest.wait("slot")
    host.announce("10.80.0.1", PAIR)
    host.wait("slot")
    room.give("guest", "10.80.0.9/24")
    guest.wait("seen", matches=[PAIR])


# --- what a stranger learns -----------------------------------------------------------------------


def strings(packet: bytes) -> set[bytes]:
    """Return all that a packet has at random: names, and eight bytes of each tag."""
    found = set(NAME.findall(packet))
    for mark in (b"\x82a=", b"\x82b="):
        at = packet.find(mark)
        if at >= 0:
            tags = packet[at + 3 : at + 131]
            found |= {tags[place : place + 8] for place in range(0, 128, 8)}
    return found


def test_nothing_of_one_slot_or_network_is_found_in_another(room: Rooms) -> None:
    """A stranger who records everything, in three slots and on two networks, could only compare."""
    room.add_network("cafe")
    host, guest = host_and_guest(room)
    room.connect("host", "cafe", "eth1", "10.90.0.1/24")
    room.add_device("stranger", "lan")
    room.connect("stranger", "cafe", "eth1")
    records = {"lan": room.record("stranger"), "cafe": room.record("stranger", "eth1")}
    guest.tell("look", keys=[PAIR])
    host.announce("10.80.0.1", PAIR)
    services = [guest.wait("seen", matches=[PAIR])["service"]]
    for _ in range(2):
        guest.tell("ahead", seconds=15 * 60)
        guest.wait("slot")
        host.tell("ahead", seconds=15 * 60)
        services.append(guest.wait("seen", matches=[PAIR])["service"])
        guest.wait("gone", service=services[-2])
    host.tell("listen", address="10.90.0.1", port=47800)
    guest.wait("gone", service=services[-1])
    room.add_device("visitor", "cafe", "10.90.0.3/24")
    visitor = room.start("visitor")
    visitor.tell("ahead", seconds=30 * 60)
    visitor.tell("look", keys=[PAIR])
    services.append(visitor.wait("seen", matches=[PAIR])["service"])
    assert len({*services}) == 4

    heard = [packet for record in records.values() for packet in packets(record)]
    announced: dict[str, set[bytes]] = {}
    for packet in heard:
        for service in services:
            # An announcement has its tags; a goodbye and a question have none.
            if service.encode() in packet and b"\x82a=" in packet and b"\x82b=" in packet:
                announced.setdefault(service, set()).update(strings(packet))
    assert set(announced) == {*services}
    for number, one in enumerate(services):
        assert len(announced[one]) >= 2 + 32
        for other in services[:number]:
            assert not announced[one] & announced[other]
    everything = b"".join(heard)
    for secret in (PAIR.encode(), b"host", b"guest", b"linux"):
        assert secret not in everything.replace(b"_proxim", b"").lower()
    assert SERVICE_TYPE.split(".")[0].encode() in everything
