"""Row: a file of 2 GB over the lane, disk to disk, in both directions, against three other programs
in the same rounds.
"""

import contextlib
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.measure import Figure, Options, Pair, Take, in_turn
from bench.programs import module, running
from bench.secure_copy import free_port, secure_copy
from bench.transfers import (
    MEGABYTE,
    UNMEASURED,
    SkippedError,
    check,
    clear,
    disk_folder,
    linked,
    make_file,
)
from bench.wormhole import wormhole

FILE_BYTES: Final = 2000 * MEGABYTE
# Each round writes 10 GB.
MOST_ROUNDS: Final = 5
_HOW: Final = (
    "2 GB of random bytes in the system's cache, written to the same disk by every side, removed "
    "after each round and "
    "the disk synced. Ours: `proxim host --json` and `proxim join --json`, linked before, from "
    "`send` on the sender to "
    "`done` on the receiver, SHA-256 verified."
)
_OTHERS: Final = {
    "AES-GCM over TCP": (
        0.9,
        "bench/other_lane.py, from the accepted connection until the file is closed",
    ),
    "scp": (
        1.0,
        "Debian's openssh over loopback, its connection made before, no compression, default "
        "cipher",
    ),
    "magic-wormhole": (
        1.5,
        "its own mailbox and relay on loopback, from when the receiver opens the file to its end",
    ),
}


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    missing: dict[str, str] = {}
    with disk_folder() as folder:
        async with contextlib.AsyncExitStack() as stack:
            file = make_file(folder / "2GB.bin", FILE_BYTES)
            others: dict[str, Callable[[Path], Take]] = {
                "AES-GCM over TCP": lambda target: lambda: plain(file, target)
            }
            try:
                scp = await stack.enter_async_context(secure_copy(folder))
                others["scp"] = lambda target: lambda: scp.copy(file, target)
            except SkippedError as error:
                missing["scp"] = str(error)
            try:
                hole = await stack.enter_async_context(wormhole(folder))
                others["magic-wormhole"] = lambda target: lambda: hole.send(file, target)
            except SkippedError as error:
                missing["magic-wormhole"] = str(error)
            sides: list[Take] = [ours(folder, file, to_host=to_host) for to_host in (True, False)]
            sides += [other(folder, file, make) for make in others.values()]
            taken = await in_turn(sides, min(options.rounds, MOST_ROUNDS), unmeasured=UNMEASURED)
    rows: list[Figure] = []
    for number, direction in enumerate(("guest to host", "host to guest")):
        for name, theirs in zip(others, taken[2:], strict=True):
            reach, how = _OTHERS[name]
            notes = (
                f"{_HOW} Against: {how}."
                if number == 0 and not rows
                else f"against: {how}."
                if number == 0
                else ""
            )
            pair = Pair(taken[number], theirs)
            rows.append(
                pair.figure(f"2 GB over the lane, {direction}", "MB/s", name, notes, at_least=reach)
            )
    both = [statistics.median(taken[0]), statistics.median(taken[1])]
    rows.append(Figure("  the slower direction of the two", f"{min(both) / max(both):.2f} x"))
    return rows + [
        Figure(f"  against {name}", f"not measured: {why}") for name, why in missing.items()
    ]


def ours(folder: Path, file: Path, *, to_host: bool) -> Take:
    """Measure Proxim in one direction, in fresh processes each time."""
    megabytes = file.stat().st_size / MEGABYTE

    async def take() -> float:
        async with linked(folder) as pair:
            return megabytes / await pair.move(file, to_host=to_host)

    return take


def other(folder: Path, file: Path, make: Callable[[Path], Take]) -> Take:
    """Measure a program that copies the file to the path given to `make`, which returns what runs
    it and takes the seconds.
    """
    target = folder / "received" / file.name
    megabytes = file.stat().st_size / MEGABYTE

    async def take() -> float:
        target.parent.mkdir(exist_ok=True)
        seconds = await make(target)()
        check(file, target)
        clear(target.parent)
        return megabytes / seconds

    return take


async def plain(file: Path, target: Path, *options: str) -> float:
    """Return the seconds that other_lane.py takes."""
    port = str(free_port())
    async with running(module("other_lane", "receive", port, str(target), *options)) as receiver:
        assert receiver.process.stdout is not None
        await receiver.process.stdout.readline()
        async with running(module("other_lane", "send", port, str(file), *options)) as sender:
            assert sender.process.stdout is not None
            received = json.loads(await receiver.process.stdout.readline())
            sent = json.loads(await sender.process.stdout.readline())
            assert received["sha256"] == sent["sha256"]
            assert not await receiver.process.wait()
            return float(received["seconds"])
