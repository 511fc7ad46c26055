"""The smallest WebSocket server, an echo, whose sockets are measured beside the host's.

Usage: python -m bench.bare_server. It prints where it listens as a line of JSON.
"""

import asyncio
import json

from websockets.asyncio.server import ServerConnection, serve

from proxim.io.system.addresses import list_networks


async def main() -> None:
    """Run at the address that the host chooses too."""

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    address = list_networks()[0].address
    async with serve(echo, address, 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://{address}:{port}/ws"
        print(json.dumps({"event": "listening", "url": url}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
