"""Row: 256 MB over the data channel while lanes are refused, against bare aiortc with the same
messages.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

from bench.measure import Figure, Options, alternate
from bench.programs import Program, module, running
from bench.secure_copy import free_port
from bench.transfers import LONG_SECONDS, MEGABYTE, UNMEASURED, disk_folder, linked, make_file
from bench.without_lane import HOST_ADDRESS, OWN_ADDRESS, without_lane

REACH: Final = 1.6
FILE_BYTES: Final = 256 * MEGABYTE
MOST_ROUNDS: Final = 5
_HOW: Final = (
    "ours: `proxim host` and `proxim join` as people run them, the guest through a relay of the "
    "bench that refuses "
    "/lane; guest to host, from `send` to `done`, read from and written to disk and verified. "
    "Bare: two aiortc "
    "processes, as many bytes in messages of 64 KiB out of memory, at most 512 KiB queued, "
    "received and dropped."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    with disk_folder() as folder:
        file = make_file(folder / "256MB.bin", FILE_BYTES)
        pair = await alternate(
            lambda: _ours(folder, file),
            _bare,
            min(options.rounds, MOST_ROUNDS),
            unmeasured=UNMEASURED,
        )
    return [
        pair.figure("256 MB over the data channel", "MB/s", "bare aiortc", _HOW, at_least=REACH)
    ]


async def _ours(folder: Path, file: Path) -> float:
    port = free_port()
    options = ("--address", HOST_ADDRESS, "--port", str(port))
    way = (HOST_ADDRESS, OWN_ADDRESS)
    async with (
        without_lane(port),
        linked(folder, host_options=options, rewrite=way, via="webrtc") as pair,
    ):
        seconds = await pair.move(file, to_host=True, via="webrtc")
    return FILE_BYTES / MEGABYTE / seconds


async def _bare() -> float:
    async with contextlib.AsyncExitStack() as stack:
        to_answerer, to_offerer = os.pipe(), os.pipe()
        ends = {"offer": (to_offerer[0], to_answerer[1]), "answer": (to_answerer[0], to_offerer[1])}
        sides: list[Program] = []
        for role, fds in ends.items():
            command = module("bare_link", role, *map(str, fds), str(FILE_BYTES))
            sides.append(await stack.enter_async_context(running(command, pass_fds=fds)))
        for fd in (*to_answerer, *to_offerer):
            os.close(fd)
        await asyncio.gather(*(side.event(event="ready") for side in sides))
        sides[0].say(go=True)
        await asyncio.gather(*(side.event(event="open") for side in sides))
        await asyncio.gather(*(side.at_rest() for side in sides))
        sides[0].say(send=True)
        sending = (await sides[0].event(event="sending"))["at"]
        received = (await sides[1].event(LONG_SECONDS, event="received"))["at"]
        return float(FILE_BYTES / MEGABYTE / (received - sending))
