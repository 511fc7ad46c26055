"""Row: the resident memory that a connected and silent WebSocket costs the host, beside its cost
for a bare server.
"""

import contextlib
import statistics
from collections.abc import Sequence
from typing import Final

from websockets.asyncio.client import connect

from bench.measure import Figure, Options, alternate, with_spread
from bench.programs import PROXIM, module, running
from proxim.core.pairing.host_code import parse_target

COUNT: Final = 30
REACH_KB: Final = 50.0
_HOST: Final = (*PROXIM, "host", "--json", "--address", "127.0.0.1")
_BARE: Final = module("bare_server")
_HOW: Final = (
    f"growth of the host's resident memory by {COUNT} sockets over loopback, each from an address "
    "of its own; "
    "a fresh host each round, after a first socket that came and left (it loads aiortc), at rest "
    "before and after. "
    "Beside it a bare `websockets` server, for comparison only."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    pair = await alternate(
        lambda: _kilobytes_each(_HOST, "session"),
        lambda: _kilobytes_each(_BARE, "listening"),
        options.rounds,
    )
    return [
        Figure(
            f"{COUNT} silent sockets, each",
            with_spread(pair.ours, "KB"),
            f"<= {REACH_KB:g} KB",
            statistics.median(pair.ours) <= REACH_KB,
            f"{with_spread(pair.other, 'KB')} bare server",
            f"{pair.ratio:.2f} x",
            _HOW,
        )
    ]


async def _kilobytes_each(command: Sequence[str], told: str) -> float:
    async with running(command) as server, contextlib.AsyncExitStack() as stack:
        url = (await server.event(event=told))["url"]
        # A host reports the URL of its QR code.
        if "#" in url:
            url = parse_target(url).websocket_url
        async with connect(url, compression=None, proxy=None):
            await server.at_rest()
        await server.at_rest()
        before = server.resident
        for index in range(COUNT):
            # A host accepts 8 sockets of one address, so each socket has an address of its own.
            source = (f"127.0.1.{1 + index}", 0)
            await stack.enter_async_context(
                connect(url, compression=None, proxy=None, ping_interval=None, local_addr=source)
            )
        await server.at_rest()
        return (server.resident - before) / COUNT / 1000
