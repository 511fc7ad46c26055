"""Row: the lane over a link of 1 Gbit/s with 5 ms and 0.1 % loss, against iperf3 over the same
link.
"""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

from bench.gigabit_link import ADDRESSES, DELAY_SECONDS, LOSS, Cable, cable
from bench.measure import Figure, Options, Pair, in_turn
from bench.transfers import MEGABYTE, UNMEASURED, disk_folder, linked, make_file
from tests.lossy_link import missing

REACH: Final = 0.9
FILE_BYTES: Final = 1000 * MEGABYTE
IPERF_BYTES: Final = 1000 * MEGABYTE
MOST_ROUNDS: Final = 5
_HOW: Final = (
    f"two network namespaces, {DELAY_SECONDS * 1000:g} ms each way and {LOSS:.1%} loss in each "
    "direction, 1 Gbit/s by "
    "a relay between two TAP devices (bench/gigabit_link.py; this needs no netem). Ours: 1 GB, "
    "disk to disk, from "
    "`send` to `done`; iperf3: one stream of as many bytes in the same direction, what its "
    "receiver counted. Nothing "
    "on such a link can be above 118 MB/s."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row."""
    why = missing()
    if why is None and sys.platform == "linux" and os.geteuid() != 0:
        why = "network namespaces that other programs can enter need root"
    if why is None and shutil.which("iperf3") is None:
        why = "it needs iperf3"
    if why is not None:
        return [Figure("1 Gbit/s, 5 ms, 0.1 % loss", f"not measured: {why}")]
    with disk_folder() as folder, cable() as link:
        file = make_file(folder / "1GB.bin", FILE_BYTES)
        to_host, iperf, to_guest, back = await in_turn(
            (
                lambda: _ours(folder, file, link, to_host=True),
                lambda: _iperf(link),
                lambda: _ours(folder, file, link, to_host=False),
                lambda: _iperf(link, "--reverse"),
            ),
            min(options.rounds, MOST_ROUNDS),
            unmeasured=UNMEASURED,
        )
    what = "1 Gbit/s, 5 ms, 0.1 % loss"
    return [
        Pair(to_host, iperf).figure(
            f"{what}, guest to host", "MB/s", "iperf3", _HOW, at_least=REACH
        ),
        Pair(to_guest, back).figure(f"{what}, host to guest", "MB/s", "iperf3", "", at_least=REACH),
        Figure(
            "  what the link did",
            f"{100 * link.lost / max(1, link.carried):.2f} % lost",
            against=f"{link.carried} segments, {link.dropped} bursts more dropped by a full queue",
        ),
    ]


async def _ours(folder: Path, file: Path, link: Cable, *, to_host: bool) -> float:
    async with linked(folder, before=(link.command(0), link.command(1))) as pair:
        return FILE_BYTES / MEGABYTE / await pair.move(file, to_host=to_host)


async def _iperf(link: Cable, *options: str) -> float:
    """Measure with iperf3: the guest is the client, and sends unless the options reverse it."""
    server = await asyncio.create_subprocess_exec(
        *link.command(0), "iperf3", "-s", "-1", stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        for _ in range(100):
            client = await asyncio.create_subprocess_exec(
                *link.command(1),
                *("iperf3", "-c", ADDRESSES[0], "-n", str(IPERF_BYTES), "-J", *options),
                stdout=PIPE,
            )
            told, _ = await client.communicate()
            if client.returncode == 0:
                return (
                    float(json.loads(told)["end"]["sum_received"]["bits_per_second"]) / 8 / MEGABYTE
                )
            # The server does not listen yet.
            await asyncio.sleep(0.1)
        raise RuntimeError("iperf3 failed")
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()
