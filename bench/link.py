"""Rows: time from the approval to the open data channel. Two programs against two bare aiortc
processes with a pipe between them, and a program and the page against a bare aiortc process and a
bare page.
"""

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from bench.chromium import chromium, tab
from bench.measure import Figure, Options, alternate
from bench.programs import PROXIM, Program, module, running
from bench.transfers import SkippedError

if TYPE_CHECKING:
    from playwright.async_api import Browser

REACH: Final = 0.9
_HOW: Final = (
    "`proxim host --json` and `proxim join --json` over this machine's own address, from writing "
    "pair_response to "
    "`connected` on both; bare: from createOffer to the open channel on both, peers made before. "
    "Fresh processes each "
    "round, all at rest (aiortc imported) before the clock starts."
)


_PAGE: Final = "approve to open channel, Chromium"
_PAGE_HOW: Final = (
    "`proxim host --json` and the page as people open it, from writing pair_response to "
    "`connected` at the host; bare: bench/bare_page_link.py and its page, from its word to the "
    "page, whose peer exists before, to the open channel at the server. Fresh processes and a "
    "fresh tab each round, all at rest before the clock starts."
)


async def figures(options: Options) -> list[Figure]:
    """Measure these rows."""
    pair = await alternate(_ours, bare_link, options.rounds)
    programs = pair.figure("approve to open channel", "ms", "bare aiortc", _HOW, at_most=REACH)
    try:
        async with chromium() as browser:
            pair = await alternate(
                lambda: _our_page(browser), lambda: _bare_page(browser), options.rounds
            )
    except SkippedError as error:
        return [programs, Figure(_PAGE, f"not measured: {error}")]
    return [programs, pair.figure(_PAGE, "ms", "bare page", _PAGE_HOW, at_most=REACH)]


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


async def bare_link() -> float:
    """Return the milliseconds that two bare peers need."""
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


async def _our_page(browser: "Browser") -> float:
    async with running([*PROXIM, "host", "--json"]) as host, tab(browser) as page:
        await page.goto(str((await host.event(event="session"))["url"]))
        prompt = await host.event(event="pair_prompt")
        await host.at_rest()
        started = time.perf_counter()
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        await host.event(event="link", state="connected")
        return (time.perf_counter() - started) * 1000


async def _bare_page(browser: "Browser") -> float:
    async with running(module("bare_page_link")) as server, tab(browser) as page:
        await page.goto(str((await server.event(event="listening"))["url"]))
        await server.event(event="ready")
        await server.at_rest()
        server.say(go=True)
        return float((await server.event(event="open"))["ms"])
