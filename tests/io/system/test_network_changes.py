"""Changes of the network, made for real in a network namespace."""

import asyncio
import errno
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from proxim.io.system import network_changes
from proxim.io.system.network_changes import NetworkChanges
from tests.namespaces import Namespaces, missing, namespaces

PATIENCE = 30.0
# It says when it listens, and after each change that it noticed. What it does not notice, it would
# say much later than the test waits.
WATCH = """
import asyncio
from proxim.io.system import network_changes

async def main():
    changes = network_changes.NetworkChanges()
    print("listening", flush=True)
    while True:
        await changes.wait()
        print("changed", flush=True)

network_changes.NETWORK_READ_SECONDS = 600.0
network_changes.NETWORK_READ_ANYWAY_SECONDS = 600.0
asyncio.run(main())
"""


@pytest.fixture
def place() -> Iterator[Namespaces]:
    if (why := missing()) is not None:
        pytest.skip(why)
    with namespaces() as made:
        made.add("side")
        yield made


@pytest.mark.timeout(PATIENCE)
def test_addresses_interfaces_and_routes_that_change_are_noticed(place: Namespaces) -> None:
    watcher = subprocess.Popen(
        place.command("side", sys.executable, "-c", WATCH), stdout=subprocess.PIPE, text=True
    )
    with watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "listening\n"
        for change in (
            "link set lo up",
            "addr add 10.77.0.1/32 dev lo",
            "-6 addr add fd00::77/128 dev lo",
            "route add 10.78.0.0/24 dev lo",
            "addr del 10.77.0.1/32 dev lo",
        ):
            place.run("ip", "-n", "side", *change.split())
            assert watcher.stdout.readline() == "changed\n", change
        watcher.kill()


async def test_where_the_system_says_nothing_they_are_read_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_changes, "NETWORK_READ_SECONDS", 0.0)

    def refused(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "no such family")

    monkeypatch.setattr(socket, "socket", refused)
    changes = NetworkChanges()
    monkeypatch.undo()
    monkeypatch.setattr(network_changes, "NETWORK_READ_SECONDS", 0.0)
    async with asyncio.timeout(PATIENCE):
        await changes.wait()
    changes.close()


async def test_a_system_that_never_says_so_is_asked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_changes, "NETWORK_READ_SECONDS", 0.0)
    monkeypatch.setattr(network_changes, "NETWORK_READ_ANYWAY_SECONDS", 0.0)
    changes = NetworkChanges()
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await changes.wait()
    changes.close()
