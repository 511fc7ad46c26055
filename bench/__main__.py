"""Prints the figures: `python -m bench` for all rows, `python -m bench NAME ...` for some.

Exit status 1 means that a target was missed, or that a row failed.
"""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from bench import (
    browser,
    channel,
    flood,
    gigabit,
    idle,
    known,
    lane,
    lane_in_memory,
    link,
    memory,
    page,
    proof,
    remote,
    small,
    sockets,
    start,
    ticks,
)
from bench.measure import Figure, Options, progress, table

ROWS: Final[dict[str, Callable[[Options], Awaitable[list[Figure]]]]] = {
    "start": start.figures,
    "link": link.figures,
    "idle": idle.figures,
    "sockets": sockets.figures,
    "proof": proof.figures,
    "flood": flood.figures,
    "lane": lane.figures,
    "lane_memory": lane_in_memory.figures,
    "channel": channel.figures,
    "small": small.figures,
    "gigabit": gigabit.figures,
    "memory": memory.figures,
    "ticks": ticks.figures,
    "page": page.figures,
    "browser": browser.figures,
    "screen": remote.figures,
    "known": known.figures,
}


async def main() -> int:
    """Measure one row after the other, because two at once would disturb each other."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Figures of Proxim beside a bare equivalent."
    )
    parser.add_argument(
        "rows", nargs="*", metavar="NAME", help=f"{', '.join(ROWS)}; all without one"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="of each side of a row (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="to watch an idle window (default: %(default)g)"
    )
    asked = parser.parse_args()
    unknown = [name for name in asked.rows if name not in ROWS]
    if unknown:
        parser.error(f"no row is called {unknown[0]}; there are {', '.join(ROWS)}")
    figures: list[Figure] = []
    for name in asked.rows or ROWS:
        progress(f"{name}: ", end="")
        try:
            figures += await ROWS[name](Options(asked.rounds, asked.seconds))
        except Exception:  # noqa: BLE001
            # The rows before and after it took long, and are worth their figures.
            traceback.print_exc()
            figures.append(Figure(name, "failed: its error stands above", reached=False))
    print(table(figures))
    return 1 if any(figure.reached is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
