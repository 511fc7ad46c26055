"""Rows: known devices. A click on one to the open link, one that is switched on to being shown as
reachable, and what they cost a start and an idle host.
"""

import asyncio
import contextlib
import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.link import bare_link
from bench.measure import Figure, Options, alternate, progress
from bench.programs import PROXIM, Program, module, running
from bench.screen import own_screen
from bench.start import until_shown
from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.pairing.devices import KnownID, Verified
from proxim.io.known.segments import segments_of
from proxim.io.known.store import KnownStore
from proxim.io.system.addresses import list_networks

REACH_LINK: Final = 2.0
REACH_FOUND: Final = 1.5
REACH_START: Final = 1.05
REACH_IDLE_PERCENT: Final = 0.2
MANY: Final = 40

_LINK_HOW: Final = (
    "`proxim host --known --json`, which lets the guest in without a question, and `proxim join "
    "--json` over this machine's own address, from writing join to `connected` on both; bare: "
    "from createOffer to the open channel on both, peers made before. Fresh processes each round, "
    "all at rest before the clock starts."
)
_FOUND_HOW: Final = (
    "`proxim join --json` looks and is at rest; from spawning `proxim host --known` until it "
    "writes that the device is reachable. Bare: bench/bare_service.py with zeroconf's own browser "
    "and defaults, from spawning a process that registers a service until the browser tells its "
    "port."
)
_START_HOW: Final = (
    f"as the row `start`, the window of a device that knows {MANY} others, against one that knows "
    "none."
)


def _home(
    own: str, others: dict[str, bytes], *, places: tuple[Endpoint, ...] = (), discovery: bool = True
) -> Callable[[Path], None]:
    """Return what makes the folder of a device with this uuid that knows others, by their uuids and
    keys.
    """
    devices = tuple(
        KnownDevice(
            id=KnownID(f"k{number}"),
            key=key,
            uuid=other,
            name=f"Device {number}",
            verified=Verified.CODE,
            since=time.time(),
            last_seen=time.time(),
            endpoints=places,
            let_in=True,
        )
        for number, (other, key) in enumerate(others.items())
    )

    def make(home: Path) -> None:
        folder = home / "proxim"
        folder.mkdir()
        settings = {"uuid": own, "deviceName": "Bench"}
        (folder / "settings.json").write_text(json.dumps(settings))
        KnownStore(folder, own).save(KnownFile(devices, discovery=discovery))

    return make


def _new_uuid() -> str:
    return str(uuid.uuid4())


async def figures(options: Options) -> list[Figure]:
    """Measure these rows."""
    return [
        await _link(options),
        await _found(options),
        await _start(options),
        await _idle(options),
    ]


# --- a click --------------------------------------------------------------------------------------


async def _link(options: Options) -> Figure:
    pair = await alternate(_click, bare_link, options.rounds)
    what = "click on a known device to open channel"
    return pair.figure(what, "ms", "bare aiortc", _LINK_HOW, at_most=REACH_LINK)


async def _click() -> float:
    host_id, guest_id, key = _new_uuid(), _new_uuid(), os.urandom(32)
    # It listens there, and nowhere else is looked.
    place = _free_place()
    port = str(place.port)
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(
            running(
                [*PROXIM, "host", "--known", "--json", "--address", place.address, "--port", port],
                prepare=_home(host_id, {guest_id: key}),
            )
        )
        await host.event(event="ready")
        guest = await stack.enter_async_context(
            running(
                [*PROXIM, "join", "--json"],
                prepare=_home(guest_id, {host_id: key}, places=(place,)),
            )
        )
        await guest.event(event="known_devices")
        guest.say(type="look", on=True)
        await asyncio.gather(host.at_rest(), guest.at_rest())
        started = time.perf_counter()
        guest.say(type="join", device="k0")
        await asyncio.gather(
            *(side.event(event="link", state="connected") for side in (host, guest))
        )
        return (time.perf_counter() - started) * 1000


def _free_place() -> Endpoint:
    """Return where a host can listen, as a guest on this machine would have seen it."""
    [segment, *_] = segments_of(list_networks())
    address = segment.addresses[0]
    with socket.socket(socket.AF_INET if segment.version == 4 else socket.AF_INET6) as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    return Endpoint(address, port, str(segment.subnets[0]))


# --- being found ----------------------------------------------------------------------------------


async def _found(options: Options) -> Figure:
    pair = await alternate(_reachable, _bare_service, options.rounds)
    what = "switched on to shown as reachable"
    return pair.figure(what, "ms", "bare zeroconf", _FOUND_HOW, at_most=REACH_FOUND)


async def _reachable() -> float:
    host_id, guest_id, key = _new_uuid(), _new_uuid(), os.urandom(32)
    async with running(
        [*PROXIM, "join", "--json"], prepare=_home(guest_id, {host_id: key})
    ) as guest:
        await guest.event(event="known_devices")
        guest.say(type="look", on=True)
        await guest.at_rest()
        async with running(
            [*PROXIM, "host", "--known", "--json"], prepare=_home(host_id, {guest_id: key})
        ) as host:
            while True:
                told = await guest.event(event="known_devices")
                if told["devices"][0]["presence"] == "reachable":
                    return (time.perf_counter() - host.spawned) * 1000


async def _bare_service() -> float:
    port = 20_000 + int.from_bytes(os.urandom(2)) % 20_000
    async with running(module("bare_service", "look")) as browser:
        await browser.event(event="looking")
        await browser.at_rest()
        async with running(module("bare_service", "register", str(port))) as service:
            await browser.event(event="seen", port=port)
            return (time.perf_counter() - service.spawned) * 1000


# --- what they cost -------------------------------------------------------------------------------


async def _start(options: Options) -> Figure:
    many = {_new_uuid(): os.urandom(32) for _ in range(MANY)}
    with own_screen() as screen:
        pair = await alternate(
            lambda: until_shown(screen, _home(_new_uuid(), many)),
            lambda: until_shown(screen, _home(_new_uuid(), {})),
            options.rounds,
        )
    what = f"start to QR, {MANY} known devices"
    return pair.figure(what, "ms", "none known", _START_HOW, at_most=REACH_START)


async def _idle(options: Options) -> Figure:
    many = {_new_uuid(): os.urandom(32) for _ in range(MANY)}
    async with contextlib.AsyncExitStack() as stack:
        windows: list[Program] = []
        for discovery in (True, False):
            screen = stack.enter_context(own_screen())
            home = _home(_new_uuid(), many, discovery=discovery)
            windows.append(
                await stack.enter_async_context(
                    running(PROXIM, display=screen.display, prepare=home)
                )
            )
            await screen.wait_until(screen.find_qr)
        await asyncio.gather(*(window.at_rest() for window in windows))
        progress(f"watching for {options.seconds:g} s")
        started, used = time.monotonic(), [window.cpu_seconds for window in windows]
        await asyncio.sleep(options.seconds)
        seconds = time.monotonic() - started
        on, off = (
            100 * (window.cpu_seconds - before) / seconds
            for window, before in zip(windows, used, strict=True)
        )
    how = (
        f"two windows at the same time, each knows {MANY} devices and is at rest, watched for "
        f"{options.seconds:g} s; one may be found by them and looks for them."
    )
    return Figure(
        "idle host, discovery on: CPU",
        f"{on:.2f} % of a core",
        f"<= +{REACH_IDLE_PERCENT:g} %",
        on - off <= REACH_IDLE_PERCENT,
        against=f"{off:.2f} % with it off",
        how=how,
    )
