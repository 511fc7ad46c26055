"""A forked program behaves as one that was started, and ends as one."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.programs.forked import fork
from tests.programs.program import SOURCE, Program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(fork is None, reason="only Linux forks safely"),
]

# The number of the signal that nothing survives.
KILLED = 9


def outcome(
    command: Sequence[str], home: Path, *, forked: bool
) -> tuple[int, list[str], list[str]]:
    """Run a program to its end; return its status, and the lines of both its streams."""
    with Program(command, home, forked=forked) as program:
        status = program.ended()
        return status, program.rest(), program.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--no-such-option",),
        ("--language", "de", "host", "--help"),
        # Nobody hosts there.
        ("join", "--json", "http://127.0.0.1:9/#AAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_it_writes_and_ends_as_one_that_was_started(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    command = [*SOURCE, *arguments]
    forked = outcome(command, tmp_path, forked=True)
    assert forked == outcome(command, tmp_path, forked=False)
    assert forked[1] or forked[2]


def test_its_environment_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language, first in (("de", "Aufruf: "), ("en", "usage: ")):
        monkeypatch.setenv("LANGUAGE", language)
        _, lines, _ = outcome([*SOURCE, "host", "--help"], tmp_path, forked=True)
        assert lines[0].startswith(first)


def test_killed_it_is_gone(tmp_path: Path) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path, forked=True) as host:
        host.event("session")
        process = Path(f"/proc/{host.process.pid}")
        assert host.process.poll() is None
        assert process.exists()
        host.process.kill()
        assert host.ended() == -KILLED
        assert not process.exists()


def test_a_signal_ends_it_with_a_goodbye(tmp_path: Path, own_address: str) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path, forked=True) as host:
        host.event("session")
        assert host.process.poll() is None
        host.process.terminate()
        assert host.ended() == 0
        assert host.errors == []
