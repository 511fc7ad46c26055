"""Row: how long the window's thread is kept from its events while 2 GB come over the lane."""

import asyncio
import statistics
from typing import Final

from bench.measure import Figure, Options, progress, with_spread
from bench.programs import PROXIM, module, running
from bench.screen import own_screen
from bench.transfers import LONG_SECONDS, MEGABYTE, disk_folder, make_file, settle

REACH_MS: Final = 50.0
FILE_BYTES: Final = 2000 * MEGABYTE
MOST_ROUNDS: Final = 5
_HOW: Final = (
    "the real window on an Xvfb of its own, as host; `proxim join` sends 2 GB. On the window's "
    "thread a timer of 10 ms "
    "writes down when it runs, from a second before the announcement to a second after the last "
    "byte; the gap is the "
    "longest time between two of its runs, 10 ms of which are its own. Beside it the same window "
    "for 5 s at rest."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    moving, resting, late = [], [], []
    with own_screen() as screen, disk_folder() as folder:
        file = make_file(folder / "2GB.bin", FILE_BYTES)
        for _ in range(min(options.rounds, MOST_ROUNDS)):
            (folder / "received").mkdir(exist_ok=True)
            command = module("window_ticks", str(folder / "received"))
            async with running(command, display=screen.display) as window:
                url = (await window.event(event="session"))["url"]
                async with running((*PROXIM, "join", "--json", "--yes")) as guest:
                    guest.say(type="join", code=url)
                    await guest.event(event="link", state="connected")
                    await asyncio.gather(window.at_rest(), guest.at_rest())
                    guest.say(type="send", paths=[str(file)])
                    told = await window.event(LONG_SECONDS, event="ticks")
            (folder / "received" / file.name).unlink()
            settle()
            moving.append(float(told["moving"]))
            resting.append(float(told["resting"]))
            late.append(float(told["late"]))
            progress(".", end="")
    progress("")
    middle = statistics.median(moving)
    return [
        Figure(
            "window's longest gap during 2 GB",
            with_spread(moving, "ms"),
            f"<= {REACH_MS:g} ms",
            middle <= REACH_MS,
            f"{with_spread(resting, 'ms')} at rest",
            how=_HOW,
        ),
        Figure("  99 % of its ticks came within", with_spread(late, "ms")),
    ]
