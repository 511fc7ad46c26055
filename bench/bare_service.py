"""A bare service of multicast DNS, or zeroconf's own browser that sees it, with the defaults of the
library.

Usage: python -m bench.bare_service register PORT | look.
"""

import asyncio
import json
import socket
import sys
from typing import Final

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

_TYPE: Final = "_proxim-bench._tcp.local."


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def _register(port: int) -> None:
    info = AsyncServiceInfo(
        _TYPE,
        f"bench-{port}.{_TYPE}",
        port=port,
        server=f"bench-{port}.local.",
        parsed_addresses=[socket.gethostbyname("localhost")],
    )
    zeroconf = AsyncZeroconf()
    await (await zeroconf.async_register_service(info))


async def _look() -> None:
    zeroconf = AsyncZeroconf()
    tasks: set[asyncio.Task[None]] = set()

    async def resolve(name: str) -> None:
        info = await zeroconf.async_get_service_info(_TYPE, name)
        if info is not None:
            _tell(event="seen", port=info.port)

    def changed(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Added:
            tasks.add(asyncio.create_task(resolve(name)))

    browser = AsyncServiceBrowser(zeroconf.zeroconf, _TYPE, handlers=[changed])
    _tell(event="looking")
    await asyncio.Event().wait()
    await browser.async_cancel()


async def main() -> None:
    """Register or look until the process is killed."""
    if sys.argv[1] == "look":
        await _look()
    else:
        await _register(int(sys.argv[2]))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
