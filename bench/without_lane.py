"""A relay from a guest to its host that passes signaling and refuses lanes, as some proxies and
older hosts do.

The programs at both ends are as people run them; only the address that the guest dials is
different.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

HOST_ADDRESS: Final = "127.0.0.1"
# This address is as long as the host's, because it is replaced in requests.
OWN_ADDRESS: Final = "127.0.0.2"
_LANE: Final = b"GET /lane"
_PIECE: Final = 64 * 1024


@contextlib.asynccontextmanager
async def without_lane(port: int) -> AsyncIterator[None]:
    """Listen on the same port of another loopback address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if not request.startswith(_LANE):
                await _join(
                    request.replace(OWN_ADDRESS.encode(), HOST_ADDRESS.encode()), reader, writer
                )
        writer.transport.abort()

    async def _join(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host_reader, host_writer = await asyncio.open_connection(HOST_ADDRESS, port)
        host_writer.write(request)
        await asyncio.gather(_pass_on(reader, host_writer), _pass_on(host_reader, writer))

    async with await asyncio.start_server(serve, OWN_ADDRESS, port):
        yield


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.transport.abort()
