"""Row: time from the approval to the open data channel, two programs, against two bare aiortc
processes with a pipe between them.
"""

import asyncio
import contextlib
import os
import time
from typing import Final

from bench.measure import Figure, Options, alternate
from bench.programs import PROXIM, Program, module, running

REACH: Final = 0.9
_HOW: Final = (
    "`proxim host --json` and `proxim join --json` over this machine's own address, from writing "
    "pair_response to "
    "`connected` on both; bare: from createOffer to the open channel on both, peers made before. "
    "Fresh processes each "
    "round, all at rest (aiortc imported) before the clock starts."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    pair = await alternate(_ours, _bare, options.rounds)
    return [pair.figure("approve to open channel", "ms", "bare aiortc", _HOW, at_most=REACH)]


async def _ours() -> float:
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(running([*PROXIM, "host", "--json"]))
        code = (await host.event(event="session"))["code"]
        guest = await stack.enter_async_context(running([*PROXIM, "join", "--json", "--yes"]))
        guest.say(type="join", code=code)
        prompt = await host.event(event="pair_prompt")
        await asyncio.gather(host.at_rest(), guest.at_rest())
        started = time.perf_counter()
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        await asyncio.gather(
            *(side.event(event="link", state="connected") for side in (host, guest))
        )
        return (time.perf_counter() - started) * 1000


async def _bare() -> float:
    async with contextlib.AsyncExitStack() as stack:
        to_answerer, to_offerer = os.pipe(), os.pipe()
        ends = {"offer": (to_offerer[0], to_answerer[1]), "answer": (to_answerer[0], to_offerer[1])}
        sides: list[Program] = []
        for role, fds in ends.items():
            command = module("bare_link", role, *map(str, fds))
            sides.append(await stack.enter_async_context(running(command, pass_fds=fds)))
        for fd in (*to_answerer, *to_offerer):
            os.close(fd)
        await asyncio.gather(*(side.event(event="ready") for side in sides))
        await asyncio.gather(*(side.at_rest() for side in sides))
        sides[0].say(go=True)
        began = (await sides[0].event(event="began"))["at"]
        opened = await asyncio.gather(*(side.event(event="open") for side in sides))
        return float(max(event["at"] for event in opened) - began) * 1000
