"""Row: time from the page's request to the `pair_request` at the host, against a page that only
opens a socket and sends.
"""

import asyncio
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.chromium import chromium, tab
from bench.measure import Figure, Options, Take, alternate
from bench.programs import PATIENCE, PROXIM, Program, module, running
from bench.transfers import SkippedError

if TYPE_CHECKING:
    from playwright.async_api import Browser

REACH: Final = 1.3
_WHAT: Final = "page request to pair_request"
_HOW: Final = (
    "Chromium, a fresh context each try, the server and the browser at rest. Ours: `proxim host "
    "--json --verbose`, by "
    "the times in its log: the answer to the first GET, and the guest's pair_request in the "
    "machine. Bare: "
    "bench/bare_page_server.py, one page with the script in it, the same two moments in the "
    "server's process."
)
_LOOK_SECONDS: Final = 0.02
# A line of `proxim --verbose` has a time, to the millisecond, and a text.
_LINE: Final = re.compile(r"\d+-\d+-\d+ (\d+):(\d+):(\d+),(\d+) \S+ \S+ (.*)")


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    try:
        async with chromium() as browser:
            return [await _figure(browser, options)]
    except SkippedError as error:
        return [Figure(_WHAT, f"not measured: {error}")]


async def _figure(browser: "Browser", options: Options) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        host_command = [
            *PROXIM,
            "host",
            "--json",
            "--type",
            "persistent",
            "--verbose",
            "--log-file",
            str(log),
        ]
        async with running(host_command) as host, running(module("bare_page_server")) as bare:
            url = str((await host.event(event="session"))["url"])
            bare_url = str((await bare.event(event="listening"))["url"])
            await asyncio.gather(host.at_rest(), bare.at_rest())
            pair = await alternate(
                _ours(browser, host, url, log), _bare(browser, bare, bare_url), options.rounds
            )
    return pair.figure(_WHAT, "ms", "bare page", _HOW, at_most=REACH)


def _ours(browser: "Browser", host: Program, url: str, log: Path) -> Take:
    async def take() -> float:
        before = len(_read(log))
        async with tab(browser) as page:
            await page.goto(url)
            await host.event(event="pair_prompt")
            text = await _until_logged(log, before, ": got PairRequest(")
        # The guest has left, so the host stops waiting for an answer.
        await _until_logged(log, before, "closed")
        return _between(text, "was answered 200", ": got PairRequest(")

    return take


def _bare(browser: "Browser", server: Program, url: str) -> Take:
    async def take() -> float:
        async with tab(browser) as page:
            await page.goto(url)
            return float((await server.event(event="pair_request"))["ms"])

    return take


async def _until_logged(log: Path, start: int, words: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while words not in (text := _read(log)[start:].decode()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the host's log does not say {words!r}")
        await asyncio.sleep(_LOOK_SECONDS)
    return text


def _read(log: Path) -> bytes:
    return log.read_bytes()


def _between(text: str, one: str, other: str) -> float:
    """Return the milliseconds from the first line with `one` to the first line with `other`."""
    moments: dict[str, int] = {}
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) is None:
            continue
        hours, minutes, seconds, milliseconds = map(int, match.groups()[:4])
        for words in (one, other):
            if words in match[5]:
                moments.setdefault(
                    words, ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
                )
    day = 24 * 60 * 60 * 1000
    return float((moments[other] - moments[one]) % day)
