"""Row: time from process start to the QR code on the screen, against the smallest Tk program that
shows an empty window.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.measure import Figure, Options, alternate
from bench.programs import PROXIM, running
from bench.screen import Screen, own_screen

REACH: Final = 3.0
_SMALLEST_TK: Final = (sys.executable, "-c", "import tkinter; tkinter.Tk().mainloop()")
_HOW: Final = (
    "from spawn until the pixels are in the framebuffer of an Xvfb of its own (mapped file, looked "
    "at every 0.5 ms): "
    "all three finder patterns of the QR, or the whole grey window; both as source, with the same "
    "Python, caches warm."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    with own_screen() as screen:
        async with running(PROXIM, display=screen.display) as window:
            await screen.wait_until(screen.find_qr)
            # The code may have been seen half painted, so its place is searched again.
            await window.at_rest()
            place = screen.find_qr()
        assert place is not None
        pair = await alternate(
            lambda: _until(screen, PROXIM, lambda: screen.shows_qr(place)),
            lambda: _until(screen, _SMALLEST_TK, screen.shows_tk_window),
            options.rounds,
        )
    return [pair.figure("start to QR on screen", "ms", "empty Tk window", _HOW, at_most=REACH)]


async def until_shown(screen: Screen, prepare: Callable[[Path], None]) -> float:
    """Return the milliseconds to the QR of a window whose config folder was prepared."""
    return await _until(screen, PROXIM, lambda: screen.find_qr() is not None, prepare)


async def _until(
    screen: Screen,
    command: Sequence[str],
    shown: Callable[[], bool],
    prepare: Callable[[Path], None] = lambda home: None,
) -> float:
    await screen.wait_until(screen.is_empty)
    async with running(command, display=screen.display, prepare=prepare) as program:
        await screen.wait_until(shown)
        return (time.perf_counter() - program.spawned) * 1000
