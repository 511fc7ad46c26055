"""Row: CPU time and memory of a host with an open window and no guest, and the same after a guest
has left.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from typing import Final

import psutil

from bench.measure import Figure, Options, progress
from bench.programs import PATIENCE, PROXIM, ROOT, Program, running
from bench.screen import Screen, own_screen
from proxim.core.pairing.host_code import CODE_SESSION_ID
from proxim.core.pairing.invite_link import authority

# This is a percentage of one core.
REACH_PERCENT: Final = 0.15
REACH_MB: Final = 50.0
REACH_AFTER_MB: Final = 70.0
_SEED_GUEST: Final = ROOT / "tests" / "programs" / "seed_guest.py"
# The dialog ignores approvals in its first 0.8 s, so the approval is repeated.
_APPROVE_AGAIN_SECONDS: Final = 0.3


async def figures(options: Options) -> list[Figure]:
    """Measure this row once, because it is long."""
    with own_screen() as screen:
        async with running(PROXIM, display=screen.display) as window:
            return await _both(window, screen, options.seconds)


async def _both(window: Program, screen: Screen, seconds: float) -> list[Figure]:
    await screen.wait_until(screen.find_qr)
    percent, megabytes = await _watch(window, seconds)
    how = (
        "the real window on an Xvfb of its own, all threads, watched once for "
        f"{seconds:g} s from when it is at rest."
    )
    figures = [
        Figure(
            "idle host: CPU",
            _cpu(percent),
            f"<= {REACH_PERCENT:g} %",
            percent <= REACH_PERCENT,
            how=how,
        ),
        Figure(
            "idle host: memory", _memory(megabytes), f"<= {REACH_MB:g} MB", megabytes <= REACH_MB
        ),
    ]
    if shutil.which("xdotool") is None:
        return [
            *figures,
            Figure("  after a guest left", "not measured: it needs xdotool, which approves"),
        ]
    await _one_guest(window, screen)
    percent, megabytes = await _watch(window, seconds)
    how = (
        "a guest written from the seed asked, was approved with the keyboard, linked, spoke and "
        "left."
    )
    return [
        *figures,
        Figure(
            "  after a guest left: CPU",
            _cpu(percent),
            f"<= {REACH_PERCENT:g} %",
            percent <= REACH_PERCENT,
            how=how,
        ),
        Figure(
            "  after a guest left: memory",
            _memory(megabytes),
            f"<= {REACH_AFTER_MB:g} MB",
            megabytes <= REACH_AFTER_MB,
        ),
    ]


async def _watch(window: Program, seconds: float) -> tuple[float, float]:
    """Return the percentage of a core and the megabytes that the window needs."""
    await window.at_rest()
    progress(f"watching for {seconds:g} s")
    started, used = time.monotonic(), window.cpu_seconds
    await asyncio.sleep(seconds)
    return 100 * (window.cpu_seconds - used) / (time.monotonic() - started), window.resident / 1e6


def _cpu(percent: float) -> str:
    return f"{percent:.2f} % of a core"


def _memory(megabytes: float) -> str:
    return f"{megabytes:.0f} MB resident"


async def _one_guest(window: Program, screen: Screen) -> None:
    """Let a guest link and leave; afterwards the window still shows its conversation."""
    listening = next(
        one for one in window.stats.net_connections("tcp") if one.status == psutil.CONN_LISTEN
    )
    url = f"ws://{authority(listening.laddr.ip, listening.laddr.port)}/ws"
    guest = await asyncio.create_subprocess_exec(
        sys.executable, str(_SEED_GUEST), url, CODE_SESSION_ID, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert guest.stdout is not None
        async with asyncio.timeout(PATIENCE):
            told = asyncio.ensure_future(guest.stdout.readline())
            while not (await asyncio.wait([told], timeout=_APPROVE_AGAIN_SECONDS))[0]:
                await _press(screen, "alt+a")
            if told.result().strip() != b"approved" or await guest.wait():
                raise RuntimeError("the guest did not link")
    finally:
        if guest.returncode is None:
            guest.kill()
        await guest.wait()


async def _press(screen: Screen, keys: str) -> None:
    tool = await asyncio.create_subprocess_exec(
        "xdotool", "key", keys, env={"DISPLAY": screen.display}
    )
    await tool.wait()
