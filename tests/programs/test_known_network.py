"""Whole programs that know each other, on a network of their own with real multicast."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.pairing.devices import KnownID, Verified
from proxim.io.known.store import KnownStore
from tests.io.known.rooms import PATIENCE, Child, Rooms, lacking, rooms
from tests.paths import ROOT

pytestmark = pytest.mark.timeout(6 * PATIENCE)
HOST = "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47"
GUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"
STRANGER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PAIR = b"the key of host and guest ......"


def home(folder: Path, own: str, other: str, key: bytes, **fields: Any) -> Path:
    """Make the folder of a device that knows another one."""
    config = folder / own / "proxim"
    config.mkdir(parents=True)
    settings = {"uuid": own, "deviceName": f"Device {own[:3]}"}
    (config / "settings.json").write_text(json.dumps(settings))
    device = KnownDevice(
        id=KnownID("k0"),
        key=key,
        uuid=other,
        name=f"Known {other[:3]}",
        verified=Verified.CODE,
        since=1000.0,
        last_seen=2000.0,
        **fields,
    )
    assert KnownStore(config, own).save(KnownFile((device,))) == ()
    return config.parent


class Proxim(Child):
    """A program whose lines are JSON."""

    def __init__(self, room: Rooms, name: str, config: Path, *arguments: str) -> None:
        environment = [f"XDG_{kind}_HOME={config}" for kind in ("CONFIG", "STATE", "DATA")]
        start = ["env", "-u", "DISPLAY", *environment, sys.executable, str(ROOT / "proxim.py")]
        super().__init__(room.command(name, *start, *arguments, "--json"))

    def say(self, **fields: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(fields) + "\n")
        self.process.stdin.flush()

    def event(self, event: str, **wanted: object) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            told: dict[str, Any] = json.loads(self.next_line(deadline - time.monotonic()))
            if told["event"] == event and all(told.get(key) == wanted[key] for key in wanted):
                return told

    def presence(self, presence: str) -> None:
        """Wait until its known device is shown like that."""
        while self.event("known_devices")["devices"][0]["presence"] != presence:
            pass

    @property
    def presences(self) -> set[str]:
        told = [json.loads(line) for line in self.lines]
        return {one["devices"][0]["presence"] for one in told if one["event"] == "known_devices"}


@pytest.fixture
def room() -> Iterator[Rooms]:
    if (why := lacking()) is not None:
        pytest.skip(why)
    with rooms() as made:
        made.add_network("lan")
        for place, name in enumerate(("host", "guest", "stranger"), 1):
            made.add_device(name, "lan", f"10.80.0.{place}/24")
        yield made


@pytest.fixture
def started() -> Iterator[list[Proxim]]:
    programs: list[Proxim] = []
    yield programs
    for one in programs:
        one.kill()


def test_after_both_got_new_addresses_a_click_links_them_and_a_third_device_learns_nothing(
    room: Rooms, started: list[Proxim], tmp_path: Path
) -> None:
    # It was seen at an address that it no longer has.
    last = (Endpoint("10.80.0.1", 47800, "10.80.0.0/24"),)
    host = Proxim(room, "host", home(tmp_path, HOST, GUEST, PAIR), "host", "--known")
    guest = Proxim(room, "guest", home(tmp_path, GUEST, HOST, PAIR, endpoints=last), "join")
    stranger = Proxim(room, "stranger", home(tmp_path, STRANGER, HOST, os.urandom(32)), "join")
    started += [host, guest, stranger]
    host.event("ready", address="10.80.0.1")
    for one in (guest, stranger):
        one.say(type="look", on=True)
    guest.presence("reachable")
    for name, old, new in (
        ("host", "10.80.0.1/24", "10.81.0.1/24"),
        ("guest", "10.80.0.2/24", "10.81.0.2/24"),
        ("stranger", "10.80.0.3/24", "10.81.0.3/24"),
    ):
        room.ip(name, f"addr del {old} dev eth0")
        room.give(name, new)
    host.event("ready", address="10.81.0.1")
    guest.presence("away")
    guest.presence("reachable")
    guest.say(type="join", device="k0")
    prompt = host.event("pair_prompt")
    assert (prompt["verified"], prompt["known"], prompt["address"]) == (
        "known",
        "k0",
        "10.81.0.2",
    )
    host.say(
        type="pair_response",
        sessionID=prompt["sessionID"],
        request=prompt["request"],
        approved=True,
    )
    for one in (host, guest):
        link = one.event("link", state="connected")
        assert (link["verified"], link["known"]) == ("known", "k0")
    # The third one knows only somebody else.
    stranger.say(type="join", device="k0")
    assert stranger.event("link", state="closed")["reason"] in ("device_not_found", "no_answer")
    assert "reachable" not in stranger.presences


def test_a_host_that_is_switched_off_is_away_and_comes_back(
    room: Rooms, started: list[Proxim], tmp_path: Path
) -> None:
    config = home(tmp_path, HOST, GUEST, PAIR)
    guest = Proxim(room, "guest", home(tmp_path, GUEST, HOST, PAIR), "join")
    host = Proxim(room, "host", config, "host", "--known")
    started += [host, guest]
    guest.say(type="look", on=True)
    guest.presence("reachable")
    host.say(type="close")
    guest.presence("away")
    assert host.process.wait(PATIENCE) == 0
    again = Proxim(room, "host", config, "host", "--known")
    started.append(again)
    guest.presence("reachable")


def test_with_discovery_off_nothing_is_sent_and_the_last_address_does(
    room: Rooms, started: list[Proxim], tmp_path: Path
) -> None:
    record = room.record("stranger")
    last = (Endpoint("10.80.0.1", 47800, "10.80.0.0/24"),)
    homes = [
        home(tmp_path, HOST, GUEST, PAIR, let_in=True),
        home(tmp_path, GUEST, HOST, PAIR, endpoints=last),
    ]
    for config, own in zip(homes, (HOST, GUEST), strict=True):
        store = KnownStore(config / "proxim", own)
        store.save(KnownFile(store.load().file.devices, discovery=False))
    host = Proxim(room, "host", homes[0], "host", "--known")
    guest = Proxim(room, "guest", homes[1], "join")
    started += [host, guest]
    host.event("ready", address="10.80.0.1")
    guest.event("known_devices")
    guest.say(type="look", on=True)
    guest.say(type="join", device="k0")
    for one in (host, guest):
        one.event("link", state="connected")
    assert record.lines == ["recording"]
