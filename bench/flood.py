"""Row: a flood of connections against a host: the host's memory, and how long an honest guest needs
meanwhile.

The flood stays on loopback, comes from a process of its own, and is bounded: 1,000 connections in
bursts, from more addresses than the host accepts sockets, half of them slow or half open, some
guessing codes, some pinging.
"""

import asyncio
import json
import random
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.measure import Figure, Options, progress, with_spread
from bench.programs import PROXIM, Program, module, running
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.features import link_features
from proxim.core.known.feature import KnownDevices
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import CODE_SESSION_ID, parse_target
from proxim.core.pairing.proof import Prover
from proxim.core.program import Program as Machine
from proxim.io.pairing.opening import NetOptions, Opening
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from proxim.io.runtime import Runtime

# A burst lasts half a second, so memory is sampled more often.
SAMPLE_SECONDS: Final = 0.02
CONNECTIONS: Final = 1000
# A burst has three times as many connections as the host accepts.
BURST: Final = 100
# With so many source addresses, at 8 sockets each, some of the host's 32 places stay free.
FEW: Final = 3
# With so many source addresses, no place stays free.
MANY: Final = 20
PING: Final = b"\x89\x80" + bytes(4)
# So many pings fill one read.
PINGS: Final = 40_000
# The honest guest may need so many times its time without the flood.
REACH: Final = 2.0
# Memory may have grown by so much after the flood, because the allocator may keep an arena or two.
MARGIN_MB: Final = 8.0
# A silent socket stays so long before it makes room for the next.
_HELD_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.05
_PATIENCE: Final = 30.0
_BENCH: Final = DeviceInfo("bench", "bench")
_HOW: Final = (
    f"{CONNECTIONS} connections in bursts of {BURST} from {FEW} loopback addresses and a process "
    "of its own, in turn: "
    "nothing sent, half a request line, half a handshake, an open WebSocket that stays silent, one "
    "with a wrong code, "
    f"and one that sends {PINGS} pings at once. "
    "Time from Join to an open link by QR, approved at once, the median of all that fit into the "
    "flood (the "
    f"guesses close the typed code, as they shall). From {MANY} addresses the host is full: a "
    "guest tries again."
)


@dataclass(slots=True)
class Taken:
    """The values of one round."""

    # Milliseconds that an honest guest needs without the flood.
    alone: float
    # The median of the milliseconds that honest guests need during the flood.
    amid: float
    # The host's memory in MB.
    before: float
    peak: float
    after: float
    # The number of the flood's connections that the host turned away.
    refused: int
    # The average number of tries of an honest guest.
    tries: float
    # The longest time in milliseconds: this guest came while the host was full. The median is of
    # guests that came between two bursts.
    longest: float


async def figures(options: Options) -> list[Figure]:
    """Measure the rows."""
    few, many = [], []
    # Each round floods for about 10 s.
    for _ in range(min(options.rounds, 3)):
        few.append(await flood_once(FEW))
        many.append(await flood_once(MANY))
        progress(".", end="")
    progress("")
    ratio = statistics.median(one.amid / one.alone for one in few)
    growth = statistics.median(one.after - one.before for one in (*few, *many))
    return [
        Figure(
            f"honest guest amid a flood from {FEW} addresses",
            with_spread([one.amid for one in few], "ms"),
            f"<= {REACH:g} x",
            ratio <= REACH,
            f"{with_spread([one.alone for one in few], 'ms')} alone",
            f"{ratio:.2f} x",
            _HOW,
        ),
        Figure(f"  from {MANY} addresses", with_spread([one.amid for one in many], "ms")),
        Figure("  the longest of them", with_spread([one.longest for one in many], "ms")),
        Figure("  its tries until the host had room", with_spread([one.tries for one in many], "")),
        Figure(
            "host's memory before the flood",
            with_spread([one.before for one in (*few, *many)], "MB"),
        ),
        Figure("  at its peak", with_spread([one.peak for one in (*few, *many)], "MB")),
        Figure(
            "  after",
            with_spread([one.after for one in (*few, *many)], "MB"),
            f"<= +{MARGIN_MB:g} MB",
            growth <= MARGIN_MB,
        ),
        Figure(
            "  connections closed by the host",
            with_spread([float(one.refused) for one in (*few, *many)], ""),
        ),
    ]


async def flood_once(sources: int) -> Taken:
    """Measure a fresh host: without the flood, during it with honest guests, and after it."""
    address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
    async with running(
        (*PROXIM, "host", "--json", "--type", "persistent", "--address", address)
    ) as host:
        url = str((await host.event(event="session"))["url"])
        # The first guest is not counted, because it makes both sides load aiortc.
        alone = [await _honest_guest(host, url) for _ in range(6)][1:]
        await host.at_rest()
        before = host.resident
        amid: list[tuple[float, int]] = []
        flooding = running(module("flood", parse_target(url).authority, str(sources)))
        async with _watched(host) as peak, flooding as flooder:
            await flooder.event(event="flooding")
            done = asyncio.create_task(flooder.event(event="done"))
            while not done.done():
                amid.append(await _honest_guest(host, url))
            refused = int((await done)["refused"])
        await host.at_rest()
        return Taken(
            statistics.median(took for took, _ in alone),
            statistics.median(took for took, _ in amid),
            before / 1e6,
            max(peak) / 1e6,
            host.resident / 1e6,
            refused,
            statistics.mean(tries for _, tries in amid),
            max(took for took, _ in amid),
        )


@asynccontextmanager
async def _watched(host: Program) -> AsyncIterator[list[int]]:
    seen = [host.resident]

    async def watch() -> None:
        while True:
            seen.append(host.resident)
            await asyncio.sleep(SAMPLE_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


async def _honest_guest(host: Program, url: str) -> tuple[float, int]:
    """Return the milliseconds from the first Join to the open link, and the number of tries."""
    changed = asyncio.Event()
    links: list[st.LinkStatus] = []

    def publish(status: st.Status) -> None:
        if isinstance(status, st.LinkStatus):
            links.append(status)
            changed.set()

    prover = Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)
    known = KnownDevices(_BENCH.id, prover, time.time)
    features = link_features(secrets.token_bytes, known=known)
    machine = Machine(_BENCH, None, prover, features, known)
    runtime = Runtime(machine, publish, NetOptions(), Opening())
    running_guest = asyncio.create_task(runtime.run())
    approving = asyncio.create_task(_approve(host))
    # This lets run() begin before the clock starts.
    await asyncio.sleep(0)
    started = time.perf_counter()
    tries = 1
    runtime.report(ev.Join(parse_target(url)))
    async with asyncio.timeout(_PATIENCE):
        while not links or links[-1].stage is not st.Stage.CONNECTED:
            changed.clear()
            if links and links[-1].stage is st.Stage.CLOSED:
                await asyncio.sleep(_RETRY_SECONDS)
                tries += 1
                runtime.report(ev.Join(parse_target(url)))
            else:
                await changed.wait()
    took = (time.perf_counter() - started) * 1000
    await approving
    runtime.report(ev.Shutdown())
    await running_guest
    # The next guest may come only after the host has closed this link.
    await host.event(event="link", state="closed")
    return took, tries


async def _approve(host: Program) -> None:
    prompt = await host.event(event="pair_prompt", verified="qr")
    host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)


# --- the flood, in a process of its own -----------------------------------------------------------


async def _flood(address: str, port: int, addresses: int) -> None:
    sources = [f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.7" for _ in range(addresses)]
    print(json.dumps({"event": "flooding"}), flush=True)
    connections: list[asyncio.Task[bool]] = []
    for first in range(0, CONNECTIONS, BURST):
        burst = [
            _one(address, port, sources[number % addresses], number)
            for number in range(first, first + BURST)
        ]
        connections += [asyncio.create_task(one) for one in burst]
        # The next burst occupies the places that became free.
        await asyncio.sleep(_HELD_SECONDS / 2)
    print(
        json.dumps({"event": "done", "refused": sum(await asyncio.gather(*connections))}),
        flush=True,
    )


async def _one(address: str, port: int, source: str, number: int) -> bool:
    """Make one connection of the flood; return whether the host closed it before its time."""
    handshake = (
        f"GET /ws HTTP/1.1\r\nHost: {address}:{port}\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    request = pair_msg.PairRequest(
        CODE_SESSION_ID,
        _BENCH,
        pair_msg.Auth(1, "spake2", to_base64url(b"A" + secrets.token_bytes(32))),
    )
    guess = pair_msg.dump_message(request).encode()
    frame = b"\x81\xfe" + len(guess).to_bytes(2, "big") + bytes(4) + guess
    said = (b"", b"GET /", handshake[:60], handshake, handshake, handshake)[number % 6]
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(address, port, local_addr=(source, 0))
    except (OSError, TimeoutError):
        return True
    try:
        async with asyncio.timeout(_HELD_SECONDS):
            writer.write(said)
            await writer.drain()
            if number % 6 >= 4:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(frame if number % 6 == 4 else PING * PINGS)
                await writer.drain()
            while await reader.read(4096):
                pass
    except TimeoutError:
        return False
    except (OSError, EOFError):
        # The host closed the connection before its request was sent.
        pass
    finally:
        writer.transport.abort()
    return True


if __name__ == "__main__":
    _host, _, _port = sys.argv[1].rpartition(":")
    asyncio.run(_flood(_host, int(_port), int(sys.argv[2])))
