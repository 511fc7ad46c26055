"""What others announce, honest or not: real multicast between two instances on this machine."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from proxim.core.known.announcement import hide_tag, pack_tags
from proxim.io.known import mdns as module
from proxim.io.known.mdns import Announcement, Mdns, Seen, random_name
from proxim.io.known.segments import Segment, segments_of
from proxim.io.system.addresses import list_networks
from tests.io.support import Events

TAG = b"12345678"


@pytest.fixture(autouse=True)
def service_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a type of service of its own: other tests announce theirs on the same network
    at the same time.
    """
    own = f"_proxim-{secrets.token_hex(3)}._tcp.local."
    monkeypatch.setattr(module, "SERVICE_TYPE", own)


@pytest.fixture
def segment() -> Segment:
    for one in segments_of(list_networks()):
        if one.version == 4:
            return one
    pytest.skip("this machine is on no IPv4 network")


class Looker:
    """An Mdns that looks, and what it reported."""

    def __init__(self, segment: Segment) -> None:
        self.told = Events()
        self.mdns = Mdns(segment, lambda _, name, seen: self.told((name, seen)))

    async def wait(self, name: str, *, gone: bool = False) -> Seen | None:
        found = await self.told.wait(tuple, lambda one: one[0] == name and (one[1] is None) == gone)
        seen: Seen | None = found[1]
        return seen

    @property
    def names(self) -> set[str]:
        return {one[0] for one in self.told.all if isinstance(one, tuple)}


@pytest_asyncio.fixture
async def looker(segment: Segment) -> AsyncIterator[Looker]:
    made = Looker(segment)
    await made.mdns.open()
    made.mdns.look()
    yield made
    await made.mdns.close()


@pytest_asyncio.fixture
async def others(segment: Segment) -> AsyncIterator[AsyncZeroconf]:
    made = AsyncZeroconf(interfaces=[segment.addresses[0]])
    yield made
    await made.async_close()


def info(segment: Segment, name: str | None = None, **fields: object) -> AsyncServiceInfo:
    name = name or random_name()
    honest = {
        "port": 47800,
        "properties": pack_tags((TAG,), name, secrets.token_bytes),
        "server": f"{random_name()}.local.",
        "parsed_addresses": [segment.addresses[0]],
    }
    full = f"{name}.{module.SERVICE_TYPE}"
    return AsyncServiceInfo(module.SERVICE_TYPE, full, **(honest | fields))  # type: ignore[arg-type]


async def register(others: AsyncZeroconf, *infos: AsyncServiceInfo) -> None:
    announcing = [
        await others.async_register_service(one, cooperating_responders=True, strict=False)
        for one in infos
    ]
    # Each is announced several times; one of these after its goodbye would bring it back.
    await asyncio.gather(*announcing)


async def test_only_what_a_proxim_says_of_a_place_near_us_is_seen(
    segment: Segment, looker: Looker, others: AsyncZeroconf
) -> None:
    honest = random_name()
    hostile = [
        info(segment, properties=b"\x03a=b"),
        info(segment, properties=b""),
        info(segment, properties=b"\x82a=" + bytes(128)),
        info(segment, port=0),
        # It is somewhere else.
        info(segment, parsed_addresses=["8.8.8.8"]),
        info(segment, parsed_addresses=["127.0.0.1"]),
        info(segment, parsed_addresses=["224.0.0.251"]),
        info(segment, parsed_addresses=["fe80::1"]),
        # No Proxim has such a name.
        info(segment, name="a printer"),
        info(segment, name="a" * 25),
        info(segment, name="a" * 27),
        info(segment, name="1" * 26),
        info(segment, name="\u202e" + "a" * 20),
    ]
    await register(others, *hostile, info(segment, honest))
    seen = await looker.wait(honest)
    assert seen is not None
    assert [one[:2] for one in seen.endpoints] == [(segment.addresses[0], 47800)]
    assert hide_tag(TAG, honest) in seen.hidden_tags
    assert looker.names == {honest}


async def test_of_many_addresses_of_one_host_only_some_are_dialled(
    segment: Segment, looker: Looker, others: AsyncZeroconf
) -> None:
    network = next(iter(segment.subnets))
    near = [str(host) for host, _ in zip(network.hosts(), range(9), strict=False)]
    name = random_name()
    await register(others, info(segment, name, parsed_addresses=["8.8.8.8", *near]))
    seen = await looker.wait(name)
    assert seen is not None
    assert len(seen.endpoints) == module.MAX_ENDPOINTS
    assert {address for address, _, _ in seen.endpoints} <= {*near}


async def test_more_services_than_a_room_has_are_left_out_until_others_go(
    segment: Segment,
    looker: Looker,
    others: AsyncZeroconf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_SERVICES", 2)
    first = [info(segment) for _ in range(2)]
    labels = [one.name.removesuffix(f".{module.SERVICE_TYPE}") for one in first]
    await register(others, *first)
    for label in labels:
        await looker.wait(label)
    await register(others, info(segment))
    await (await others.async_unregister_service(first[0]))
    await looker.wait(labels[0], gone=True)
    later = random_name()
    await register(others, info(segment, later))
    await looker.wait(later)
    assert looker.names == {*labels, later}


async def test_one_that_announces_something_else_is_told_again(
    segment: Segment, looker: Looker, others: AsyncZeroconf
) -> None:
    name = random_name()
    await register(others, info(segment, name))
    await looker.wait(name)
    await others.async_update_service(info(segment, name, port=47900))
    while True:
        seen = await looker.wait(name)
        assert seen is not None
        if {port for _, port, _ in seen.endpoints} == {47900}:
            break


async def test_what_we_announce_is_not_told_to_ourselves_and_is_replaced_without_a_gap(
    segment: Segment, looker: Looker
) -> None:
    host = Looker(segment)
    await host.mdns.open()
    try:
        host.mdns.look()
        one = Announcement(segment.addresses[0], 47800, 1, (TAG,))
        await host.mdns.announce(one)
        assert host.mdns.announced == one
        [first] = host.mdns.own_names
        await looker.wait(first)
        await host.mdns.announce(Announcement(segment.addresses[0], 47800, 2, (TAG,)))
        [second] = host.mdns.own_names
        await looker.wait(second)
        await looker.wait(first, gone=True)
        await host.mdns.announce(None)
        assert host.mdns.announced is None
        await looker.wait(second, gone=True)
        assert host.names.isdisjoint({first, second})
    finally:
        await host.mdns.close()


async def test_what_was_announced_a_moment_ago_does_not_come_back_after_its_goodbye(
    segment: Segment, looker: Looker
) -> None:
    host = Looker(segment)
    await host.mdns.open()
    try:
        names: list[str] = []
        for slot in range(3):
            await host.mdns.announce(Announcement(segment.addresses[0], 47800, slot, (TAG,)))
            names += host.mdns.own_names
            await looker.wait(names[-1])
        await host.mdns.announce(None)
        await looker.wait(names[-1], gone=True)
        # The library would repeat each of them for half a second. Another one is repeated as often.
        await host.mdns.announce(Announcement(segment.addresses[0], 47800, 9, (TAG,)))
        assert host.mdns._announcing is not None
        await host.mdns._announcing
        told = [one for one in looker.told.all if isinstance(one, tuple) and one[0] in names]
        assert [name for name, seen in told if seen is not None] == names
    finally:
        await host.mdns.close()


async def test_the_library_logs_nothing(segment: Segment, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = Looker(segment)
    await one.mdns.open()
    one.mdns.look()
    await asyncio.sleep(0)
    await one.mdns.close()
    assert [record for record in caplog.records if record.name.startswith("zeroconf")] == []


async def test_an_interface_that_is_gone_is_an_error_of_the_system() -> None:
    gone = Segment("nosuch0", 4, ("203.0.113.77",), ())
    one = Mdns(gone, lambda *_: None)
    with pytest.raises(OSError, match=r"."):
        await one.open()
    await one.close()
