"""Tests of the mark of a received file: its value, and that it leaves the contents alone."""

import os
import sys
from pathlib import Path

from proxim.io.system.quarantine import ZONE, ZONE_STREAM, mark, quarantine_value


def test_the_value_is_as_macos_reads_it() -> None:
    flags, moment, program, event = quarantine_value(1_600_000_000.5).split(b";")
    assert (int(flags, 16) & 1, int(moment, 16), program, event) == (
        1,
        1_600_000_000,
        b"Proxim",
        b"",
    )


def test_a_mark_changes_nothing_of_the_contents(tmp_path: Path) -> None:
    path = tmp_path / "a.exe"
    path.write_bytes(b"x")
    descriptor = os.open(path, os.O_RDWR)
    mark(descriptor, str(path))
    os.close(descriptor)
    assert path.read_bytes() == b"x"
    assert [one.name for one in tmp_path.iterdir()] == ["a.exe"]
    if sys.platform == "win32":
        assert Path(str(path) + ZONE_STREAM).read_bytes() == ZONE
