"""Row: a file of 1 GB over the lane from memory to memory, in both directions, against a program
that seals and hashes as the lane does.

Without a disk it is the processor that decides, so this row shows what the lane itself costs.
"""

import tempfile
from pathlib import Path
from typing import Final

from bench.lane import other, ours, plain
from bench.measure import Figure, Options, Pair, in_turn
from bench.transfers import MEGABYTE, make_file

FILE_BYTES: Final = 1000 * MEGABYTE
# The file system in memory that every Linux has.
MEMORY: Final = Path("/dev/shm")
_REACH: Final = 0.95
_HOW: Final = (
    "1 GB of random bytes from one file in /dev/shm to another, removed after each round. Ours: as "
    "in `lane`. Against: bench/other_lane.py with SHA-256 at both ends, from the accepted "
    "connection until the file is closed."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    what = "1 GB in memory over the lane"
    if not MEMORY.is_dir():
        return [Figure(what, f"not measured: there is no {MEMORY}")]
    with tempfile.TemporaryDirectory(prefix="proxim-bench-", dir=MEMORY) as name:
        folder = Path(name)
        file = make_file(folder / "1GB.bin", FILE_BYTES)
        to_host, to_guest, others = await in_turn(
            (
                ours(folder, file, to_host=True),
                ours(folder, file, to_host=False),
                other(folder, file, lambda target: lambda: plain(file, target, "hash")),
            ),
            options.rounds,
        )
    return [
        Pair(values, others).figure(
            f"{what}, {direction}", "MB/s", "AES-GCM over TCP, hashed", how, at_least=_REACH
        )
        for values, direction, how in (
            (to_host, "guest to host", _HOW),
            (to_guest, "host to guest", ""),
        )
    ]
