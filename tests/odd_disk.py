"""A disk with the limits of other disks, for tests: a FUSE file system over an ordinary folder.

    with odd_disk(tmp_path, longest=143) as folder: ...

It needs Linux, /dev/fuse, Debian's fuse3 and the package mfusepy; without them a test skips.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.paths import ROOT

# What a disk may be like.
FLAGS: Final = (
    "refuses_chmod",
    "folds_case",
    "drops_ends",
    "ascii_only",
    "read_only",
    "no_links",
    "no_holes",
)


@contextmanager
def odd_disk(
    tmp_path: Path, *flags: str, longest: int = 255, refused: str = "", most_bytes: int = 0
) -> Iterator[Path]:
    """Mount a disk; yield the folder in which it is.

    `longest` is the longest name in bytes, `refused` has the characters that no name may have, and
    `most_bytes` is the size of the largest file (0: any).
    """
    if not sys.platform.startswith("linux") or not os.path.exists("/dev/fuse"):
        pytest.skip("only Linux has FUSE, where /dev/fuse is allowed")
    pytest.importorskip("mfusepy")
    mount, below = tmp_path / "odd disk", tmp_path / "below the odd disk"
    mount.mkdir()
    below.mkdir()
    assert {*flags} <= {*FLAGS}
    command = [
        sys.executable,
        "-m",
        "tests.odd_disk_server",
        str(below),
        str(mount),
        str(longest),
        refused,
        str(most_bytes),
        *flags,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said == "mounted\n", said
            yield mount
        finally:
            subprocess.run(["fusermount3", "-u", "-z", str(mount)], check=False)
            # A test that failed may have files open, for which the process would wait.
            process.kill()
