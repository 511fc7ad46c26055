"""The smallest server of a page that opens a WebSocket and sends a `pair_request`; it reports how
long that took.

Usage: python -m bench.bare_page_server. It prints its URL, and a line for each request.
"""

import asyncio
import json
import time
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from proxim.io.system.addresses import list_networks

_PAGE: Final = b"""<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<script>
const socket = new WebSocket(`ws://${location.host}/ws`);
socket.onopen = () => socket.send(JSON.stringify({
  type: "pair_request", sessionID: "bench", deviceInfo: {name: "Chrome on Linux", id: "bench"}}));
</script>
"""


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def main() -> None:
    """Serve until killed, at the address that the host chooses too."""
    asked_at = 0.0

    def answer(_: ServerConnection, request: Request) -> Response | None:
        nonlocal asked_at
        if "Upgrade" in request.headers:
            return None
        asked_at = time.perf_counter()
        headers = Headers(
            {"Content-Type": "text/html", "Content-Length": str(len(_PAGE)), "Connection": "close"}
        )
        return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, _PAGE)

    async def take(socket: ServerConnection) -> None:
        async for message in socket:
            took = (time.perf_counter() - asked_at) * 1000
            json.loads(message)
            _tell(event="pair_request", ms=took)

    address = list_networks()[0].address
    async with serve(take, address, 0, process_request=answer, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        _tell(event="listening", url=f"http://{address}:{port}/")
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
