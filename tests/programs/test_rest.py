"""The window program at rest: how often its threads wake, as the system counts it."""

import sys
import time
from pathlib import Path

import pytest

from tests.programs.program import SOURCE, Program
from tests.ui.tk_support import NoScreenError, xvfb

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them for each thread"),
]

# How often all threads together may wake in a second. A countdown and a look for garbage come once
# a second, two watches every three seconds. Each needs the main thread and Tk's thread that waits
# for sockets, or the loop and a worker. They were seen to wake 13 times; with looks into the queue
# five times a second it was 25 to 45 times.
MOST_A_SECOND = 20
# A stretch of time that has all of it.
STRETCH_SECONDS = 4.0
# What else runs on the machine can only add to the count, so one quiet stretch is enough.
PATIENCE = 60.0


def wakes(program: Program) -> int:
    """Return how often the threads of a program have gone to sleep so far."""
    count = 0
    for status in Path(f"/proc/{program.process.pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count


def test_an_idle_window_sleeps(tmp_path: Path) -> None:
    try:
        for display in xvfb(96):
            with Program(SOURCE, tmp_path, display=display) as window:
                _wait_for_a_quiet_stretch(window)
                assert window.errors == []
    except NoScreenError as error:
        pytest.skip(str(error))


def _wait_for_a_quiet_stretch(window: Program) -> None:
    rates: list[float] = []
    end = time.monotonic() + PATIENCE
    while not rates or rates[-1] > MOST_A_SECOND:
        assert time.monotonic() < end, f"it woke so often in a second: {rates}"
        started, before = time.monotonic(), wakes(window)
        # The condition is the count itself: a program that sleeps enough ends the wait by time.
        while time.monotonic() < started + STRETCH_SECONDS:
            time.sleep(0.1)
        rates.append((wakes(window) - before) / (time.monotonic() - started))
