"""Child processes of the bench: real programs, each with a config folder of its own, which are all
ended at the end.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
PROXIM: Final = (sys.executable, str(ROOT / "proxim.py"))
# Seconds; a program that takes longer hangs, and its figure would mean nothing.
PATIENCE: Final = 30.0

# This is enough for the longest line of a child: an announcement that names 10,000 files.
LINE_BYTES: Final = 64 * 1024 * 1024

# A program counts as at rest after it has been idle for so long.
_REST_SECONDS: Final = 0.5
# The kernel counts CPU time by a clock; this is two of its ticks.
_REST_CPU_SECONDS: Final = 0.02

JSON = dict[str, Any]


class Program:
    """A running child that reads and writes JSON lines."""

    def __init__(self, process: Process, spawned: float) -> None:
        self.process = process
        # When it was started, as perf_counter() says.
        self.spawned = spawned
        self.stats = psutil.Process(process.pid)

    async def event(self, patience: float = PATIENCE, /, **wanted: object) -> JSON:
        """Return the next line with those fields; skip others."""
        assert self.process.stdout is not None
        async with asyncio.timeout(patience):
            while line := await self.process.stdout.readline():
                event: JSON = json.loads(line)
                if all(event.get(name) == value for name, value in wanted.items()):
                    return event
        raise RuntimeError(f"pid {self.process.pid} ended before it told {wanted}")

    def say(self, **fields: object) -> None:
        """Write one line; a line is short enough for the pipe's buffer, so this never waits."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(fields).encode() + b"\n")

    @property
    def resident(self) -> int:
        """Return its resident memory in bytes."""
        return int(self.stats.memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that all its threads have used."""
        times = self.stats.cpu_times()
        return float(times.user + times.system)

    async def at_rest(self) -> None:
        """Wait until the program is idle, after its start-up work and late imports."""
        deadline = time.monotonic() + PATIENCE
        before = -1.0
        while (now := self.cpu_seconds) - before > _REST_CPU_SECONDS or before < 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"pid {self.process.pid} does not come to rest")
            before = now
            await asyncio.sleep(_REST_SECONDS)


def environment(home: Path | str, display: str | None = None) -> dict[str, str]:
    """Return our environment with no display but `display`, and with bytecode cached as on any
    person's machine.
    """
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    kept |= {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    return kept if display is None else {**kept, "DISPLAY": display}


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str],
    *,
    display: str | None = None,
    pass_fds: Sequence[int] = (),
    prepare: Callable[[Path], None] = lambda home: None,
) -> AsyncIterator[Program]:
    """Start a child, and kill it at the end, because no figure includes how it exits.

    `prepare` fills its config folder before that.
    """
    with tempfile.TemporaryDirectory() as home:
        prepare(Path(home))
        spawned = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env=environment(home, display),
            pass_fds=pass_fds,
            limit=LINE_BYTES,
        )
        try:
            yield Program(process, spawned)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of the bench in a process of its own."""
    return (sys.executable, "-m", f"bench.{name}", *arguments)
