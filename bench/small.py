"""Row: a folder of 10,000 files of 4 KiB over the lane, both directions, against `scp -r`."""

import itertools
from pathlib import Path
from typing import Final

from bench.measure import Figure, Options, Pair, Take, in_turn
from bench.secure_copy import SecureCopy, secure_copy
from bench.transfers import SkippedError, check, disk_folder, linked, make_small_files, settle

REACH: Final = 1.0
COUNT: Final = 10_000
FILE_BYTES: Final = 4096
MOST_ROUNDS: Final = 5
_HOW: Final = (
    f"{COUNT} files of {FILE_BYTES} bytes, a hundred to a folder, on one disk; ours linked before, "
    "from `send` to "
    "`done` (listed, announced, written, each verified); scp -r over a connection made before. "
    "What came stays until "
    "the end of the row: for minutes ext4 passes over each inode that was freed, which costs "
    "whoever writes next 4 s."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    numbers = itertools.count()
    with disk_folder() as folder:
        source = make_small_files(folder / "many", COUNT, FILE_BYTES)
        try:
            async with secure_copy(folder) as scp:
                sides: list[Take] = [
                    _ours(folder, source, to_host=to_host) for to_host in (True, False)
                ]
                sides.append(lambda: _scp(scp, source, folder / f"copied-{next(numbers)}"))
                to_host, to_guest, other = await in_turn(sides, min(options.rounds, MOST_ROUNDS))
        except SkippedError as error:
            return [Figure(f"{COUNT} small files", f"not measured: {error}")]
    name = f"{COUNT} files of 4 KiB"
    return [
        Pair(to_host, other).figure(
            f"{name}, guest to host", "files/s", "scp -r", _HOW, at_least=REACH
        ),
        Pair(to_guest, other).figure(
            f"{name}, host to guest", "files/s", "scp -r", "", at_least=REACH
        ),
    ]


def _ours(folder: Path, source: Path, *, to_host: bool) -> Take:
    async def take() -> float:
        async with linked(folder) as pair:
            seconds = await pair.move(source, to_host=to_host, keep=True)
        settle()
        return COUNT / seconds

    return take


async def _scp(scp: SecureCopy, source: Path, target: Path) -> float:
    seconds = await scp.copy(source, target)
    check(source, target)
    settle()
    return COUNT / seconds
