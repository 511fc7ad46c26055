"""Row: the screen of a host as the page in Chromium shows it, against TigerVNC's x0vncserver and
x11vnc with noVNC, on the same screen and in the same browser.
"""

import asyncio
import base64
import contextlib
import io
import os
import shutil
import socket
import statistics
import sys
import time
import traceback
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from bench.chromium import chromium, tab
from bench.drawing import BOTH_ENDS, CHECK_BITS, SQUARE, STRIP_WIDTH, TIME_BITS, coded, milliseconds
from bench.gigabit_link import ADDRESSES, cable
from bench.measure import Figure, Options, Pair, progress
from bench.programs import PATIENCE, PROXIM, ROOT, Program, module, running
from bench.screen import POLL_SECONDS, Screen, own_screen
from bench.transfers import SkippedError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_SCRIPT: Final = ROOT / "bench" / "seen.js"
_NOVNC: Final = Path("/usr/share/novnc")
_VIEW: Final = (1920, 1080)
# Each load is drawn for so long, and what is seen in its first second is not counted.
_SECONDS: Final = 4.0
_BEFORE: Final = 1.0
_KEYS: Final = 20
_KEY_PAUSE_MS: Final = 100
_LOADS: Final = ("small", "scroll", "flip", "video")
# A home network that is neither good nor broken.
SLOW_BITS_PER_SECOND: Final = 30e6
SLOW_DELAY_SECONDS: Final = 0.004
SLOW_LOSS: Final = 0.005
# What a router keeps before it drops.
SLOW_QUEUE_SECONDS: Final = 0.1


@dataclass
class Seen:
    """What one side showed in one round, by load."""

    # Milliseconds from drawing to the pixels being read in the page.
    delay: dict[str, list[float]] = field(default_factory=dict)
    frames: dict[str, float] = field(default_factory=dict)
    # Share of a core that the program with the screen needed.
    cpu: dict[str, float] = field(default_factory=dict)
    megabits: dict[str, float] = field(default_factory=dict)
    # Proxim only: from the host's yes to the first picture, in milliseconds.
    first: float | None = None
    # Whether the page's pixels were the screen's after a second of rest.
    identical: bool | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One way to see a screen in a page."""

    name: str
    # Opens it; yields the page and the processes whose CPU time counts.
    open: Callable[..., "contextlib.AbstractAsyncContextManager[tuple[Page, list[int]]]"]


# --- the three ways -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _proxim(
    browser: "Browser", display: str, address: str | None, before: Sequence[str], seen: Seen
) -> "AsyncIterator[tuple[Page, list[int]]]":
    command = (*before, *PROXIM, "host", "--json")
    if address is not None:
        command = (*command, "--address", address)
    async with running(command, display=display) as host, _tab(browser) as page:
        await page.goto(str((await host.event(event="session"))["url"]))
        prompt = await host.event(event="pair_prompt")
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        await host.event(event="link", state="connected")
        await page.click("#askScreen")
        question = await host.event(event="screen", state="asked")
        allowed = time.time() * 1000
        host.say(type="screen_answer", question=question["question"], grant="control", knowing=True)
        await _shown(page)
        first = await page.evaluate("seen.first")
        seen.first = first - allowed
        yield page, [_deepest(host.process.pid)]


@contextlib.asynccontextmanager
async def _x0vncserver(
    browser: "Browser", display: str, address: str | None, before: Sequence[str], seen: Seen
) -> "AsyncIterator[tuple[Page, list[int]]]":
    port = _free_port()
    server = (
        *("X0tigervnc", "-display", display, "-rfbport", str(port), "-localhost"),
        *("-SecurityTypes", "None", "-FrameRate=60"),
    )
    async with _vnc(browser, server, port, address, before) as shown:
        yield shown


@contextlib.asynccontextmanager
async def _x11vnc(
    browser: "Browser", display: str, address: str | None, before: Sequence[str], seen: Seen
) -> "AsyncIterator[tuple[Page, list[int]]]":
    port = _free_port()
    server = (
        *("x11vnc", "-display", display, "-rfbport", str(port), "-localhost", "-forever"),
        *("-nopw", "-quiet", "-noxrecord", "-wait", "10", "-defer", "5", "-nonap"),
    )
    async with _vnc(browser, server, port, address, before) as shown:
        yield shown


@contextlib.asynccontextmanager
async def _vnc(
    browser: "Browser", server: Sequence[str], port: int, address: str | None, before: Sequence[str]
) -> "AsyncIterator[tuple[Page, list[int]]]":
    """A VNC server, what brings it to a WebSocket, and noVNC in a page."""
    # Playwright is imported only when it is needed, because the other rows do not use it.
    from playwright.async_api import Error as PlaywrightError

    web_port = _free_port()
    web = address or "127.0.0.1"
    proxy = ("websockify", "--web", str(_NOVNC), f"{web}:{web_port}", f"127.0.0.1:{port}")
    async with _process(*before, *server) as vnc, _process(*before, *proxy), _tab(browser) as page:
        for _ in range(100):
            # Neither program listens at once: the page does not load, or shows nothing yet.
            with contextlib.suppress(PlaywrightError, TimeoutError):
                await page.goto(f"http://{web}:{web_port}/vnc_lite.html")
                await _shown(page, 2.0)
                break
            await asyncio.sleep(0.1)
        await _shown(page)
        await page.click("canvas")
        yield page, [_deepest(vnc.pid)]


_SIDES: Final = (
    Side("Proxim", _proxim),
    Side("x0vncserver + noVNC", _x0vncserver),
    Side("x11vnc + noVNC", _x11vnc),
)


# --- one round ------------------------------------------------------------------------------------


async def _round(
    browser: "Browser",
    side: Side,
    drawing: Program,
    display: str,
    loads: Sequence[str],
    address: str | None = None,
    before: Sequence[str] = (),
) -> Seen:
    seen = Seen()
    # Something with a time in it, so that the page can say when it first saw it.
    drawing.say(load="idle", seconds=0.1)
    await drawing.event(event="drawn")
    async with side.open(browser, display, address, before, seen) as (page, pids):
        for load in loads:
            if load == "key":
                await _keys(page, drawing, seen)
            elif load == "text":
                await _text(page, drawing, display, seen)
            else:
                await _load(page, drawing, pids, load, seen)
    return seen


async def _load(page: "Page", drawing: Program, pids: Sequence[int], load: str, seen: Seen) -> None:
    drawing.say(load=load, seconds=_SECONDS)
    await drawing.event(event="begins")
    await asyncio.sleep(_BEFORE)
    await page.evaluate("(both) => seen.reset(both)", load in BOTH_ENDS)
    began, cpu = time.perf_counter(), _cpu_seconds(pids)
    await drawing.event(event="drawn")
    took = time.perf_counter() - began
    cpu = _cpu_seconds(pids) - cpu
    values = await page.evaluate("seen.values")
    arrived = await page.evaluate("seen.bytes")
    seen.cpu[load] = cpu / took
    seen.frames[load] = len(values) / took
    seen.megabits[load] = arrived * 8 / took / 1e6
    seen.delay[load] = [(at - value) % (1 << TIME_BITS) for value, at in values]


async def _keys(page: "Page", drawing: Program, seen: Seen) -> None:
    drawing.say(load="echo", keys=_KEYS)
    await drawing.event(event="begins")
    await asyncio.sleep(_BEFORE)
    took = await page.evaluate(f"seen.keys({_KEYS}, {_KEY_PAUSE_MS})")
    await drawing.event(event="drawn")
    seen.delay["key"] = [one for one in took if one is not None]


async def _text(page: "Page", drawing: Program, display: str, seen: Seen) -> None:
    from PIL import Image, ImageChops, ImageGrab

    drawing.say(load="text", seconds=4.0)
    await drawing.event(event="begins")
    # It is drawn at once, and then rests.
    await asyncio.sleep(1.0)
    shown = await page.evaluate("seen.canvas().toDataURL('image/png')")
    there = ImageGrab.grab(xdisplay=display).convert("RGB")
    await drawing.event(event="drawn")
    content = base64.b64decode(shown.split(",")[1])
    here = Image.open(io.BytesIO(content)).convert("RGB")
    seen.identical = (
        here.size == there.size and ImageChops.difference(here, there).getbbox() is None
    )


# --- the row --------------------------------------------------------------------------------------


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    if (why := _missing()) is not None:
        return [Figure("screen", f"not measured: {why}")]
    try:
        return await _figures(options)
    except SkippedError as error:
        return [Figure("screen", f"not measured: {error}")]


async def _figures(options: Options) -> list[Figure]:
    loads = ("idle", *_LOADS, "key", "text")
    async with _display() as (display, drawing), chromium() as browser:
        taken = await _taken(browser, drawing, display, loads, _SIDES, options.rounds)
    rows = _table(taken)
    parts: list[tuple[str, Callable[[], Awaitable[list[Figure]]]]] = [
        ("the window", lambda: _window(options, taken[0]))
    ]
    if sys.platform == "linux" and os.geteuid() == 0:
        parts.append(("the slow network", lambda: _slow(options)))
    for name, part in parts:
        try:
            rows += await part()
        except Exception:  # noqa: BLE001
            # What was measured before took long, and is worth its figures.
            traceback.print_exc()
            rows.append(Figure(name, "failed: its error stands above", reached=False))
    return rows


async def _taken(
    browser: "Browser",
    drawing: Program,
    display: str,
    loads: Sequence[str],
    sides: Sequence[Side],
    rounds: int,
    address: str | None = None,
    before: Sequence[str] = (),
) -> list[list[Seen]]:
    """Measure all sides in turn; the first round is not counted."""
    taken: list[list[Seen]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, each in zip(sides, taken, strict=True):
            seen = await _round(browser, side, drawing, display, loads, address, before)
            if number:
                each.append(seen)
        progress("." if number else "", end="")
    progress("")
    return taken


def _table(taken: list[list[Seen]]) -> list[Figure]:
    ours, tiger, x11vnc = taken
    rows = [
        _delay("small animation 30 fps", ours, tiger, "small", 1.0),
        _delay("key -> seen", ours, tiger, "key", 1.0),
        _delay("text scrolling 30 fps", ours, tiger, "scroll", 0.4),
        _frames("  its pictures", ours, tiger, "scroll", 28.0),
        _share("  its host CPU", ours, tiger, "scroll", 0.8),
        _bytes("  its bytes", ours, tiger, "scroll", 0.2),
        _delay("full flips", ours, tiger, "flip", 0.85),
        _delay("video 25 fps", ours, tiger, "video", 0.8),
        _share("  its host CPU", ours, tiger, "video", 1.0),
    ]
    same = sum(one.identical is True for one in ours)
    others = sum(one.identical is True for one in tiger)
    rows.append(
        Figure(
            "text: identical after 1 s of rest",
            f"{same} of {len(ours)}",
            "all",
            same == len(ours),
            f"{others} of {len(tiger)} {_SIDES[1].name}",
        )
    )
    idle = statistics.median(one.cpu["idle"] for one in ours) * 100
    sent = max(one.megabits["idle"] for one in ours)
    rows.append(
        Figure(
            "idle: a core, and what arrives",
            f"{idle:.2f} %, {sent * 1e6 / 8 * (_SECONDS - _BEFORE):.0f} bytes",
            "<= 1 %, 0 bytes",
            idle <= 1 and sent == 0,
        )
    )
    first = [one.first for one in ours if one.first is not None]
    rows.append(
        Figure(
            "grant to first picture",
            f"{statistics.median(first):.0f} ms ({min(first):.0f}-{max(first):.0f})",
            "<= 500 ms",
            statistics.median(first) <= 500,
        )
    )
    rows += [
        Pair([_middle(one, load) for one in ours], [_middle(one, load) for one in x11vnc]).figure(
            f"{load}, beside x11vnc", "ms", _SIDES[2].name, ""
        )
        for load in (*_LOADS, "key")
    ]
    return rows


async def _window(options: Options, page: list[Seen]) -> list[Figure]:
    """The other app's window, which has a lane, beside the page."""
    taken: list[Seen] = []
    async with _display() as (display, drawing):
        for number in range(options.rounds + 1):
            seen = await _window_round(drawing, display)
            if number:
                taken.append(seen)
            progress("." if number else "", end="")
    progress("")
    return [
        Pair([_middle(one, load) for one in taken], [_middle(one, load) for one in page]).figure(
            f"the window over the lane: {what}", "ms", "the page", "", at_most=1.0
        )
        for load, what in (("key", "key -> seen"), ("scroll", "text scrolling 30 fps"))
    ]


async def _window_round(drawing: Program, display: str) -> Seen:
    seen = Seen()
    drawing.say(load="idle", seconds=0.1)
    await drawing.event(event="drawn")
    host_command = (*PROXIM, "host", "--json", "--share-screen", "control")
    with own_screen(*_VIEW) as there:
        async with (
            _process("openbox", display=there.display),
            running(host_command, display=display) as host,
            running(module("viewer"), display=there.display) as guest,
        ):
            assert guest.process.stdin is not None
            code = str((await host.event(event="session"))["code"])
            guest.process.stdin.write(f"{code}\n".encode())
            prompt = await host.event(event="pair_prompt")
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
            await host.event(event="screen", state="control")
            strip = Strip(there)
            await there.wait_until(lambda: strip.value() is not None)
            drawing.say(load="scroll", seconds=_SECONDS)
            await drawing.event(event="begins")
            await asyncio.sleep(_BEFORE)
            seen.delay["scroll"] = await strip.ages(_SECONDS - _BEFORE)
            await drawing.event(event="drawn")
            drawing.say(load="echo", keys=_KEYS)
            await drawing.event(event="begins")
            await asyncio.sleep(_BEFORE)
            seen.delay["key"] = await strip.keys(_KEYS, _KEY_PAUSE_MS / 1000)
            await drawing.event(event="drawn")
    return seen


class Strip:
    """The time in the picture (bench/drawing.py), read from the framebuffer of the guest's X
    server.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def value(self) -> int | None:
        """Return the value in the picture, or None if it is half of two."""
        line = self._screen.line(SQUARE // 2)
        bits = 0
        for at in range(SQUARE // 2, STRIP_WIDTH, SQUARE):
            bits = bits << 1 | (line[at] > 127)
        return bits >> CHECK_BITS if coded(bits >> CHECK_BITS) == bits else None

    async def ages(self, seconds: float) -> list[float]:
        """Return how old each picture was when it was first seen, in milliseconds."""
        ages: list[float] = []
        before: int | None = None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.value()
            if value is not None and value != before:
                ages.append((milliseconds() - value) % (1 << TIME_BITS))
                before = value
            await asyncio.sleep(POLL_SECONDS)
        return ages

    async def keys(self, times: int, pause: float) -> list[float]:
        """Press a key so many times, and return the milliseconds until each was seen."""
        took: list[float] = []
        keyboard = Keyboard(self._screen.display)
        for _ in range(times):
            before = self.value()
            began = time.perf_counter()
            keyboard.press()
            await self._screen.wait_until(partial(self._changed, before))
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(pause)
        return took

    def _changed(self, before: int | None) -> bool:
        value = self.value()
        return value is not None and value != before


class Keyboard:
    """The keyboard of an X display, by XTEST."""

    # X's keycode of the key A on a US keyboard.
    _KEY_A: Final = 38

    def __init__(self, display: str) -> None:
        import xcffib
        import xcffib.xtest

        self._connection = xcffib.Connection(display=display)
        self._test = self._connection(xcffib.xtest.key)

    def press(self) -> None:
        """Press and release the key A."""
        for kind in (2, 3):
            self._test.FakeInput(kind, self._KEY_A, 0, 0, 0, 0, 0)
        self._connection.flush()


async def _slow(options: Options) -> list[Figure]:
    sides = _SIDES[:2]
    what = "30 Mbit/s, 4 ms, 0.5 % loss: "
    with cable(SLOW_BITS_PER_SECOND, SLOW_DELAY_SECONDS, SLOW_LOSS, SLOW_QUEUE_SECONDS) as link:
        async with _display() as (display, drawing), chromium(before=link.command(1)) as browser:
            ours, tiger = await _taken(
                *(browser, drawing, display, ("scroll", "flip"), sides, options.rounds),
                *(ADDRESSES[0], link.command(0)),
            )
    return [
        _frames(f"{what}scroll", ours, tiger, "scroll", 24.0),
        _delay("  its delay", ours, tiger, "scroll", 0.5),
        _delay(f"{what}full flips", ours, tiger, "flip", 0.6),
    ]


def _middle(seen: Seen, load: str) -> float:
    return statistics.median(seen.delay[load])


def _delay(what: str, ours: list[Seen], other: list[Seen], load: str, at_most: float) -> Figure:
    pair = Pair([_middle(one, load) for one in ours], [_middle(one, load) for one in other])
    return pair.figure(what, "ms", _SIDES[1].name, "", at_most=at_most)


def _share(what: str, ours: list[Seen], other: list[Seen], load: str, at_most: float) -> Figure:
    pair = Pair([100 * one.cpu[load] for one in ours], [100 * one.cpu[load] for one in other])
    return pair.figure(what, "% of a core", _SIDES[1].name, "", at_most=at_most)


def _bytes(what: str, ours: list[Seen], other: list[Seen], load: str, at_most: float) -> Figure:
    pair = Pair([one.megabits[load] for one in ours], [one.megabits[load] for one in other])
    return pair.figure(what, "Mbit/s", _SIDES[1].name, "", at_most=at_most)


def _frames(what: str, ours: list[Seen], other: list[Seen], load: str, least: float) -> Figure:
    here, there = ([one.frames[load] for one in each] for each in (ours, other))
    middle = statistics.median(here)
    return Figure(
        what,
        f"{middle:.1f} fps ({min(here):.1f}-{max(here):.1f})",
        f">= {least:g} fps",
        middle >= least,
        f"{statistics.median(there):.1f} fps {_SIDES[1].name}",
    )


# --- programs -------------------------------------------------------------------------------------


def _missing() -> str | None:
    for program in ("Xvfb", "openbox", "X0tigervnc", "x11vnc", "websockify"):
        if shutil.which(program) is None:
            return f"it needs {program} (bench/README.md)"
    return None if _NOVNC.is_dir() else "it needs noVNC (Debian: novnc)"


@contextlib.asynccontextmanager
async def _display() -> AsyncIterator[tuple[str, Program]]:
    """An X server of our own, and what draws on it."""
    told, tell = os.pipe()
    with os.fdopen(told, encoding="ascii") as number:
        options = ("-screen", "0", "{}x{}x24".format(*_VIEW), "-nolisten", "tcp", "-noreset")
        server = await asyncio.create_subprocess_exec(
            *("Xvfb", "-displayfd", str(tell), *options), pass_fds=(tell,), stderr=DEVNULL
        )
        os.close(tell)
        try:
            display = f":{(await asyncio.to_thread(number.readline)).strip()}"
            async with running(module("drawing"), display=display) as drawing:
                await drawing.event(event="ready")
                yield display, drawing
        finally:
            server.terminate()
            await server.wait()


@contextlib.asynccontextmanager
async def _process(
    *command: str, display: str | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ if display is None else {**os.environ, "DISPLAY": display}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=DEVNULL, stderr=DEVNULL, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def _tab(browser: "Browser") -> "AsyncIterator[Page]":
    async with tab(browser) as page:
        await page.set_viewport_size({"width": _VIEW[0], "height": _VIEW[1]})
        await page.add_init_script(path=_SCRIPT)
        yield page


async def _shown(page: "Page", seconds: float = PATIENCE) -> None:
    # Proxim's page forbids what Playwright's own waiting needs.
    async with asyncio.timeout(seconds):
        await page.evaluate("seen.shown")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _deepest(pid: int) -> int:
    """Return the process that a chain of wrappers, such as `ip netns exec` or a script, runs."""
    process = psutil.Process(pid)
    while children := process.children():
        process = children[0]
    return process.pid


def _cpu_seconds(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(float(one.user + one.system) for one in times)
