"""Row: resident memory of both sides while 10 GB move over the lane, and whether it stays flat."""

import asyncio
import contextlib
import os
import statistics
from collections.abc import AsyncIterator
from typing import Final

from bench.measure import Figure, Options, progress
from bench.programs import Program
from bench.transfers import MEGABYTE, disk_folder, linked

REACH_MB: Final = 200.0
# The last fifth of the samples may show so much more than the second fifth.
FLAT_MB: Final = 10.0
FILE_BYTES: Final = 10_000 * MEGABYTE
SAMPLE_SECONDS: Final = 0.1
_HOW: Final = (
    "a sparse file of 10 GB, written to a disk as any other; resident memory looked at every "
    f"{SAMPLE_SECONDS:g} s. "
    "Flat: the median of the last fifth of the time beside that of the second fifth, when all "
    "buffers are in use."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row once in each direction, because it is long."""
    rows: list[Figure] = []
    with disk_folder() as folder:
        source = folder / "10GB.bin"
        source.touch()
        os.truncate(source, FILE_BYTES)
        async with linked(folder) as pair:
            for to_host in (True, False):
                sides = {"sender": pair.guest, "receiver": pair.host}
                if not to_host:
                    sides = {"sender": pair.host, "receiver": pair.guest}
                async with _watched(*sides.values()) as seen:
                    seconds = await pair.move(source, to_host=to_host)
                for (role, _), samples in zip(sides.items(), seen, strict=True):
                    rows += _rows(
                        role, "guest to host" if to_host else "host to guest", samples, not rows
                    )
                progress(f"{FILE_BYTES / MEGABYTE / seconds:.0f} MB/s ", end="")
    progress("")
    return rows


def _rows(role: str, direction: str, samples: list[int], first: bool) -> list[Figure]:
    fifth = max(1, len(samples) // 5)
    growth = (
        statistics.median(samples[-fifth:]) - statistics.median(samples[fifth : 2 * fifth])
    ) / MEGABYTE
    peak = max(samples) / MEGABYTE
    return [
        Figure(
            f"memory during 10 GB, {direction}, {role}",
            f"{peak:.0f} MB at its peak",
            f"<= {REACH_MB:g} MB",
            peak <= REACH_MB,
            how=_HOW if first else "",
        ),
        Figure("  its growth", f"{growth:+.1f} MB", f"<= +{FLAT_MB:g} MB", growth <= FLAT_MB),
    ]


@contextlib.asynccontextmanager
async def _watched(*programs: Program) -> AsyncIterator[list[list[int]]]:
    seen: list[list[int]] = [[] for _ in programs]

    async def watch() -> None:
        while True:
            for program, samples in zip(programs, seen, strict=True):
                samples.append(program.resident)
            await asyncio.sleep(SAMPLE_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
