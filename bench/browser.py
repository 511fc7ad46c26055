"""Row: 256 MB between a host and the page in Chromium, each way, against bare data channels with
the same messages.
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.chromium import chromium, tab
from bench.measure import Figure, Options, Pair, Take, in_turn
from bench.programs import PATIENCE, PROXIM, ROOT, Program, module, running
from bench.transfers import (
    LONG_SECONDS,
    MEGABYTE,
    PIECE_BYTES,
    UNMEASURED,
    SkippedError,
    check,
    clear,
    disk_folder,
    make_file,
    settle,
)

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

REACH: Final = 0.95
REACH_OF_PAGES: Final = 1.0
FILE_BYTES: Final = 256 * MEGABYTE
# Each round takes about two minutes.
MOST_ROUNDS: Final = 3
_WHAT: Final = ("256 MB, host to Chromium", "256 MB, Chromium to host")
_PAGE: Final = ROOT / "bench" / "bare_page.html"
_HOW: Final = (
    "ours: `proxim host --json` and the page as people open it, linked before, from the yes (the "
    "page's button, or "
    "`accept` at the host) to `done` at the host, read from and written to disk, SHA-256 verified "
    "at both ends. Bare: "
    "a page and an aiortc process, as many bytes in messages of 64 KiB out of memory, at most 512 "
    "KiB (aiortc) or "
    "1 MiB (page) queued, received and dropped."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    with disk_folder() as folder:
        file = make_file(folder / "256MB.bin", FILE_BYTES)
        try:
            async with chromium(folder / "downloads") as browser:
                sides: list[Take] = [
                    lambda: _to_page(browser, folder, file),
                    lambda: _to_host(browser, folder, file),
                    lambda: _bare_to_page(browser),
                    lambda: _bare_to_aiortc(browser),
                    lambda: _between_pages(browser),
                ]
                taken = await in_turn(
                    sides, min(options.rounds, MOST_ROUNDS), unmeasured=UNMEASURED
                )
        except SkippedError as error:
            return [Figure(what, f"not measured: {error}") for what in _WHAT]
    rows: list[Figure] = []
    for number, what in enumerate(_WHAT):
        bare = Pair(taken[number], taken[2 + number])
        rows.append(
            bare.figure(what, "MB/s", "bare aiortc", "" if number else _HOW, at_least=REACH)
        )
        rows.append(
            Pair(taken[number], taken[4]).figure(
                "  the same", "MB/s", "Chromium to Chromium", "", at_least=REACH_OF_PAGES
            )
        )
    return rows


def _rate(seconds: float) -> float:
    return FILE_BYTES / MEGABYTE / seconds


# --- Proxim ---------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _linked(browser: "Browser", folder: Path) -> "AsyncIterator[tuple[Program, Page]]":
    """A host and the page, linked and at rest, after each has received a small file."""
    async with running([*PROXIM, "host", "--json"]) as host, tab(browser) as page:
        await page.goto(str((await host.event(event="session"))["url"]))
        prompt = await host.event(event="pair_prompt")
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        await host.event(event="link", state="connected")
        small = folder / "warm-up.bin"
        small.write_bytes(os.urandom(3 * PIECE_BYTES))
        await _send_to_page(host, page, small)
        await _send_to_host(host, page, small, folder)
        await host.at_rest()
        yield host, page


async def _to_page(browser: "Browser", folder: Path, file: Path) -> float:
    async with _linked(browser, folder) as (host, page):
        return _rate(await _send_to_page(host, page, file))


async def _to_host(browser: "Browser", folder: Path, file: Path) -> float:
    async with _linked(browser, folder) as (host, page):
        return _rate(await _send_to_host(host, page, file, folder))


async def _send_to_page(host: Program, page: "Page", file: Path) -> float:
    """Return the seconds from the click on the question to `done` at the host."""
    host.say(type="send", paths=[str(file)])
    yes = page.locator(".question .main")
    await yes.wait_for()
    async with page.expect_download(timeout=LONG_SECONDS * 1000) as saving:
        started = time.perf_counter()
        await yes.click()
        await host.event(LONG_SECONDS, event="transfer", direction="out", state="done")
        took = time.perf_counter() - started
    download = await saving.value
    check(file, Path(await download.path()))
    await download.delete()
    settle()
    return took


async def _send_to_host(host: Program, page: "Page", file: Path, folder: Path) -> float:
    """Return the seconds from `accept` to `done` at the host."""
    target = folder / "to-host"
    target.mkdir(exist_ok=True)
    await page.set_input_files("#files", file)
    announced = await host.event(event="transfer", direction="in", state="announced")
    started = time.perf_counter()
    host.say(type="accept", transferID=announced["transferID"], directory=str(target))
    done = await host.event(LONG_SECONDS, event="transfer", direction="in", state="done")
    took = time.perf_counter() - started
    check(file, Path(str(done["path"])))
    clear(target)
    return took


# --- bare data channels ---------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _bare_page(browser: "Browser") -> "AsyncIterator[Page]":
    async with tab(browser) as page:
        await page.goto(_PAGE.as_uri())
        yield page


@contextlib.asynccontextmanager
async def _aiortc(role: str) -> AsyncIterator[tuple[Program, asyncio.StreamReader, int]]:
    """Run an end of bench/bare_link.py; yield it, a reader of what it writes, and a pipe to it."""
    (their_read, write), (read, their_write) = os.pipe(), os.pipe()
    command = module("bare_link", role, str(their_read), str(their_write), str(FILE_BYTES))
    try:
        async with running(command, pass_fds=(their_read, their_write)) as program:
            reader = asyncio.StreamReader()
            pipe = os.fdopen(read, "rb")
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), pipe
            )
            try:
                await program.event(event="ready")
                yield program, reader, write
            finally:
                transport.close()
    finally:
        for fd in (their_read, their_write, write):
            os.close(fd)


async def _description(reader: asyncio.StreamReader) -> Any:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await reader.readline())


async def _bare_to_page(browser: "Browser") -> float:
    async with _bare_page(browser) as page, _aiortc("offer") as (program, reader, write):
        program.say(go=True)
        _describe(write, await page.evaluate("answer", await _description(reader)))
        await program.event(event="open")
        await page.evaluate("opened")
        await page.evaluate("expect", FILE_BYTES)
        await program.at_rest()
        program.say(send=True)
        started = (await program.event(event="sending"))["at"]
        await _within(page.evaluate("received"))
        return _rate(time.perf_counter() - started)


async def _bare_to_aiortc(browser: "Browser") -> float:
    async with _bare_page(browser) as page, _aiortc("answer") as (program, reader, write):
        _describe(write, await page.evaluate("offer()"))
        await page.evaluate("accept", await _description(reader))
        await page.evaluate("opened")
        await program.event(event="open")
        await program.at_rest()
        started = time.perf_counter()
        await _within(page.evaluate("pour", FILE_BYTES))
        return _rate((await program.event(LONG_SECONDS, event="received"))["at"] - started)


async def _between_pages(browser: "Browser") -> float:
    """Measure between two browser contexts, so that each has a process of its own."""
    async with _bare_page(browser) as one, _bare_page(browser) as other:
        await one.evaluate("accept", await other.evaluate("answer", await one.evaluate("offer()")))
        await asyncio.gather(one.evaluate("opened"), other.evaluate("opened"))
        await other.evaluate("expect", FILE_BYTES)
        started = time.perf_counter()
        await _within(one.evaluate("pour", FILE_BYTES))
        await _within(other.evaluate("received"))
        return _rate(time.perf_counter() - started)


async def _within(work: Awaitable[object]) -> None:
    async with asyncio.timeout(LONG_SECONDS):
        await work


def _describe(fd: int, description: Any) -> None:
    """Write a description; it is shorter than a pipe's buffer, so the write never waits."""
    os.write(fd, json.dumps(description).encode() + b"\n")
