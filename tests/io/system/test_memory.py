"""Tests of mallopt in a process of its own, because this one may have called it already."""

import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
from proxim.io.system.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    batch = [bytearray(256 * 1024) for _ in range(8)]
    del batch
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    return int(
        subprocess.run(
            [sys.executable, "-c", _FAULTS, how], capture_output=True, check=True, text=True
        ).stdout
    )


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way with memory")
def test_memory_that_was_freed_is_used_again() -> None:
    pytest.importorskip("resource")
    assert faults("kept") * 4 < faults("given back")
