"""Tests of glibc's memory in processes of their own, as this one may have changed it already."""

import subprocess
import sys

import pytest

from proxim.io.system.memory import give_back_memory

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


_FREED = """
from proxim.io.system.memory import give_back_memory, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

assert keep_freed_memory()
before = resident()
many = [bytes(100_000) for _ in range(280)]
del many
kept = resident()
assert give_back_memory()
print(kept - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way with memory")
def test_memory_that_was_kept_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FREED], capture_output=True, check=True, text=True
    )
    kept, left = map(int, done.stdout.split())
    assert left * 10 < kept


def test_other_systems_manage_memory_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not give_back_memory()
