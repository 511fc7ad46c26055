"""What is announced and looked for, what a stranger sees of it, and where a device is dialled."""

from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.announcement import hide_tag
from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.known.finding import (
    MAX_SERVICES,
    SLOT_SECONDS,
    TAGS,
    Finding,
    Surroundings,
    places,
    seen_from,
)
from proxim.core.known.keys import seen_tag
from proxim.core.known.status import Presence
from proxim.core.pairing.devices import KnownID, Verified
from tests.core.handed_in import ETHERNET, IPV6, WALL_TIME, counting_bytes
from tests.core.known.two_devices import Side, Two, link_of
from tests.rows import each_row

HERE = ("192.168.1.5", 47800)
SLOT = int(WALL_TIME // SLOT_SECONDS)


def device(number: int, **changes: object) -> KnownDevice:
    one = KnownDevice(
        KnownID(f"id-{number}"),
        number.to_bytes(32),
        f"uuid-{number}",
        f"Device {number:03}",
        Verified.CODE,
        WALL_TIME,
        WALL_TIME,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def side(
    *devices: KnownDevice,
    listening: tuple[str, int] | None = HERE,
    discovery: bool = True,
) -> Side:
    link = link_of("host", "Laptop", Verified.CODE, as_guest=False)
    return Side("own", link, listening=listening, file=KnownFile(devices, discovery=discovery))


def finding(name: str = "own") -> Finding:
    return Finding(name, counting_bytes(name), lambda: WALL_TIME)


# --- announcing -----------------------------------------------------------------------------------


def test_a_host_that_knows_a_device_announces_a_tag_among_random_ones() -> None:
    tags = side(device(1)).announced
    assert tags is not None
    assert seen_tag(device(1).key, "own", SLOT) in tags
    assert len(tags) == len({*tags}) == TAGS
    assert {len(tag) for tag in tags} == {8}
    assert [*tags] == sorted(tags)


def test_nothing_is_announced_without_need() -> None:
    assert side().announced is None
    assert side(device(1), listening=None).announced is None
    assert side(device(1), discovery=False).announced is None


def test_it_ends_with_its_reason_and_begins_again() -> None:
    one = side(device(1))
    first = one.announced
    one.handle(known_ev.SetDiscovery(on=False))
    assert one.announced is None
    assert not one.shown.discovery
    assert one.handle(known_ev.SetDiscovery(on=False)) == []
    one.handle(known_ev.SetDiscovery(on=True))
    assert one.announced == first
    one.listening = None
    one.take([])
    assert one.announced is None
    one.listening = ("10.0.0.1", 47801)
    assert one.take([]) == [known_do.Announce(first or ())]
    one.handle(known_ev.ForgetDevice(KnownID("id-1")))
    assert one.announced is None


def test_each_slot_has_other_tags() -> None:
    one = side(device(1))
    seen = {one.announced}
    for slot in range(SLOT + 1, SLOT + 5):
        one.handle(known_ev.SlotBegan(slot))
        seen.add(one.announced)
        assert seen_tag(device(1).key, "own", slot) in (one.announced or ())
    assert len(seen) == 5
    assert len({tag for tags in seen for tag in tags or ()}) == 5 * TAGS
    assert one.handle(known_ev.SlotBegan(SLOT + 4)) == []


def test_within_a_slot_nobody_can_count_the_devices_by_what_stays() -> None:
    one = side(device(1), device(2))
    before = {*(one.announced or ())}
    one.handle(known_ev.ForgetDevice(KnownID("id-1")))
    after = {*(one.announced or ())}
    assert len(before - after) == len(after - before) == 1


def test_no_two_announcers_share_a_tag() -> None:
    pair = b"k" * 32
    tags = {seen_tag(pair, who, SLOT + near) for who in ("a", "b") for near in (-1, 0, 1)}
    assert len(tags) == 6


def test_more_devices_than_tags_take_turns() -> None:
    devices = tuple(device(number) for number in range(1, 41))
    one = side(*devices)
    found: set[KnownID] = set()
    for slot in range(SLOT, SLOT + 10):
        one.handle(known_ev.SlotBegan(slot))
        tags = one.announced or ()
        assert len(tags) == TAGS
        found |= {each.id for each in devices if seen_tag(each.key, "own", slot) in tags}
    assert len(found) == 40


def test_who_records_all_learns_neither_names_nor_who_knows_whom() -> None:
    """A day of announcements of two devices that know each other, and of one that knows others:
    no value comes twice, and none is a name, an id or a key.
    """
    two = Two().remember()
    stranger = side(device(1), device(2))
    recorded: list[bytes] = []
    for slot in range(SLOT, SLOT + 96):
        for one in (two.host, stranger):
            one.handle(known_ev.SlotBegan(slot))
            assert one.announced is not None
            recorded += one.announced
    assert len({*recorded}) == len(recorded) == 96 * 2 * TAGS
    everything = b"".join(recorded)
    assert b"Laptop" not in everything
    for one in (two.host, two.guest):
        assert one.uuid.encode() not in everything
        assert one.devices[0].id.encode() not in everything
        assert one.devices[0].key[:6] not in everything


# --- looking --------------------------------------------------------------------------------------


def seen(who: KnownDevice, slot: int = SLOT, service: str = "one") -> known_ev.ServiceSeen:
    """Return an announcement of a device that knows this one by the same key."""
    tags = frozenset(
        hide_tag(tag, service) for tag in (seen_tag(who.key, who.uuid, slot), b"12345678")
    )
    return known_ev.ServiceSeen(service, (("192.168.1.7", 47801, "192.168.1.0/24"),), tags)


def presence(one: Side) -> Presence:
    return one.shown.devices[0].presence


def test_a_device_is_found_while_a_face_looks() -> None:
    one = side(device(1))
    assert presence(one) is Presence.UNKNOWN
    one.handle(known_ev.LookForDevices(looking=True))
    assert one.looking
    assert presence(one) is Presence.AWAY
    one.handle(seen(device(1)))
    assert presence(one) is Presence.REACHABLE
    assert one.handle(seen(device(1))) == []
    one.handle(known_ev.ServiceGone("another"))
    assert presence(one) is Presence.REACHABLE
    one.handle(known_ev.ServiceGone("one"))
    assert presence(one) is Presence.AWAY
    one.handle(seen(device(1)))
    one.handle(known_ev.LookForDevices(looking=False))
    assert not one.looking
    assert presence(one) is Presence.UNKNOWN
    # What was under way is not taken for news.
    one.handle(seen(device(1)))
    assert presence(one) is Presence.UNKNOWN


@each_row("slot, found", [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_a_slot(slot: int, found: bool) -> None:
    one = side(device(1))
    one.handle(known_ev.LookForDevices(looking=True))
    one.handle(seen(device(1), SLOT + slot))
    assert (presence(one) is Presence.REACHABLE) is found


def test_what_others_announce_is_nobody() -> None:
    one = side(device(1))
    one.handle(known_ev.LookForDevices(looking=True))
    # The same key, but announced by ourselves.
    one.handle(seen(device(1, uuid="own")))
    one.handle(seen(device(2)))
    assert presence(one) is Presence.AWAY


def test_a_device_that_becomes_known_is_found_by_what_was_seen_before() -> None:
    one = finding()
    one.refresh((device(2),), Surroundings(), allowed=True, wanted=True)
    one.handle(seen(device(1)))
    assert one.reachable([device(1), device(2)]) == {device(1).id}


def test_services_without_end_fill_no_memory() -> None:
    one = finding()
    one.refresh((device(1),), Surroundings(), allowed=True, wanted=True)
    for number in range(MAX_SERVICES):
        one.handle(seen(device(2), service=f"service {number}"))
    one.handle(seen(device(1), service="one too many"))
    assert one.found(device(1)) == ()
    one.handle(seen(device(1), service="service 1"))
    assert one.found(device(1))


def test_why_multicast_does_not_work_is_told_until_it_does() -> None:
    one = side(device(1))
    one.handle(known_ev.LookForDevices(looking=True))
    one.handle(known_ev.DiscoveryFailed(Reason.NO_MULTICAST))
    assert one.shown.trouble is Reason.NO_MULTICAST
    assert presence(one) is Presence.UNKNOWN
    one.handle(seen(device(1)))
    assert one.shown.trouble is None
    one.handle(known_ev.DiscoveryFailed(Reason.NO_MULTICAST))
    one.handle(known_ev.LookForDevices(looking=False))
    assert one.shown.trouble is None


def test_nobody_looks_for_nobody() -> None:
    one = side()
    one.handle(known_ev.LookForDevices(looking=True))
    assert not one.looking


def test_in_1970_there_is_no_slot_before() -> None:
    one = Finding("own", counting_bytes(), lambda: -5.0)
    assert one.slot == 0
    one.refresh((device(1),), Surroundings(), allowed=True, wanted=True)
    one.handle(seen(device(1), 1))
    assert one.found(device(1))
    one.handle(known_ev.SlotBegan(-3))
    assert one.slot == 0


# --- where it may be ------------------------------------------------------------------------------

LAST = Endpoint("192.168.1.9", 47800, "192.168.1.0/24")
LINK_LOCAL = Endpoint("fe80::9%eth0", 47800, "fe80::/64")
FOUND = Endpoint("192.168.1.7", 47801, "192.168.1.0/24")


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ((), (FOUND,)),
        ((ETHERNET,), (FOUND, LAST)),
        ((IPV6,), (FOUND, LINK_LOCAL)),
        ((replace(IPV6, address="fe80::5%wlan0"),), (FOUND,)),
        ((ETHERNET, IPV6), (FOUND, LAST, LINK_LOCAL)),
        ((replace(ETHERNET, prefix_length=16),), (FOUND,)),
    ],
)
def test_last_addresses_count_where_they_were_seen(
    networks: tuple[ev.Network, ...], expected: tuple[Endpoint, ...]
) -> None:
    one = device(1, endpoints=(LAST, LINK_LOCAL))
    assert places(one, (FOUND,), networks) == expected


def test_a_place_comes_once() -> None:
    one = device(1, endpoints=(LAST, FOUND))
    assert places(one, (FOUND, FOUND), (ETHERNET,)) == (FOUND, LAST)


@pytest.mark.parametrize(
    ("address", "subnet"),
    [
        ("192.168.1.200", "192.168.1.0/24"),
        ("192.168.2.1", None),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1%wlan0", None),
        ("2001:db8::1", None),
        ("", None),
        ("no address", None),
    ],
)
def test_the_subnet_of_ours_that_reaches_an_address(address: str, subnet: str | None) -> None:
    assert seen_from(address, (ETHERNET, IPV6)) == subnet
