"""A program that plays one of two ends, each in its own network namespace: a host at a link-local
address, or our dial to it.

`serve ADDRESS ZONE` prints `listening`; `ours|asyncio ADDRESS ZONE` dials with that event loop and
prints what was reported.
"""

import asyncio
import socket
import sys

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket

from proxim.app.bridge import new_event_loop
from proxim.io.pairing.client import DirectConnect, way_to

PORT = 47800
LOOPS = {"ours": new_event_loop, "asyncio": asyncio.new_event_loop, "serve": asyncio.new_event_loop}


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def serve(address: str, zone: str) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send("reached")

    raw = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    raw.bind((address, PORT, 0, socket.if_nametoindex(zone)))
    async with serve_websocket(greet, sock=raw) as server:
        tell("listening")
        await server.serve_forever()


async def dial(address: str, zone: str) -> None:
    url = f"ws://[{address}%25{zone}]:{PORT}/ws"
    async with DirectConnect(url, **await way_to(url), proxy=None, open_timeout=5) as connection:
        tell(str(await connection.recv()))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        runner.run((serve if sys.argv[1] == "serve" else dial)(*sys.argv[2:]))
