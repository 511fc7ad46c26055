"""Notes which transitions of the machines' tables the tests of core make, and fails a run that
never makes one of them: a state that a table names and that no example reaches is drawn in the
picture, and may be wrong.

It is at work with `--cov-fail-under`, so in `.ci/run`, and counts the tests that coverage counts:
examples that somebody wrote down. unreached_transitions.txt has those that none makes yet.
"""

from collections.abc import Generator, Iterator
from enum import Enum
from typing import Any, Final

import pytest

from proxim.core.transitions import TransitionTable, kind_of
from tests.paths import TESTS

UNREACHED: Final = TESTS / "core" / "unreached_transitions.txt"
_OUTPUT: Final = "seen_transitions"


def _words(machine: str, before: Enum, event: str, after: Enum) -> str:
    return f"{machine}: {before.name} --{event}--> {after.name}"


def transitions_of(machine: str, table: TransitionTable[Any]) -> Iterator[str]:
    """Yield all that a table allows, each in words."""
    from tests.core.pictures import name_of

    for before, row in table.transitions.items():
        for kind, (_, states) in row.items():
            yield from (_words(machine, before, name_of(kind), after) for after in states)
    for name, rows in table.calls.items():
        for before, states in rows.items():
            yield from (_words(machine, before, f"{name}()", after) for after in states)


class SeenTransitions:
    """The plugin, in each worker of pytest-xdist and in the process that starts them."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._counts = False

    # --- where tests run --------------------------------------------------------------------------

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Note from now on what the tables handle."""
        # The tables are loaded late: most runs need none of this.
        from tests.core.pictures import MACHINES, name_of

        # Tests have subclasses of the machines, but there is one table of each.
        names = {id(table): name for name, table in MACHINES.items()}
        handle, called = TransitionTable.handle, TransitionTable.called

        def handled(table: Any, machine: Any, event: object, now: float) -> Any:
            before = machine.state
            try:
                return handle(table, machine, event, now)
            finally:
                # A handler that refuses a message raises, and leaves the state.
                self._note(names.get(id(table)), before, name_of(kind_of(event)), machine.state)

        def was_called(table: Any, machine: Any, name: str, before: Any) -> None:
            called(table, machine, name, before)
            self._note(names.get(id(table)), before, f"{name}()", machine.state)

        patch.setattr(TransitionTable, "handle", handled)
        patch.setattr(TransitionTable, "called", was_called)

    def _note(self, machine: str | None, before: Enum, event: str, after: Enum) -> None:
        # The tests of tables have one of their own.
        if self._counts and machine is not None:
            self.seen.add(_words(machine, before, event, after))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, bool, bool]:
        self._counts = item.get_closest_marker("not_measured") is None
        return (yield)

    # --- at the end -------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker has seen."""
        self.seen |= {*getattr(node, "workeroutput", {}).get(_OUTPUT, [])}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        workeroutput = getattr(session.config, "workeroutput", None)
        if workeroutput is not None:
            workeroutput[_OUTPUT] = sorted(self.seen)
        elif self.wrong() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self.wrong():
            terminalreporter.write_line(line, red=True)

    def wrong(self) -> list[str]:
        """Return what differs from the list of those that are not reached, in words."""
        from tests.core.pictures import MACHINES

        known = {one for name, table in MACHINES.items() for one in transitions_of(name, table)}
        lines = UNREACHED.read_text("utf-8").splitlines()
        listed = {line for line in lines if not line.startswith("#")}
        missing = known - self.seen
        return [
            *(f"no example of core reaches: {one}" for one in sorted(missing - listed)),
            *(f"{UNREACHED.name} is wrong about: {one}" for one in sorted(listed - missing)),
        ]
