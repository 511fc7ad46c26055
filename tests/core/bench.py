"""A program with a simulated clock and a ledger, which checks its events and commands.

Nothing here really waits, so a script of 40 seconds or 15 minutes takes no time.
"""

from types import EllipsisType

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.program import Program, ProgramEvent
from tests.core.files.transfer_bench import Disk
from tests.core.ledger import Ledger
from tests.core.playbook import Trace


class Bench:
    """A program, a simulated clock, and the ledger that checks all events and commands."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ledger = Ledger()
        self.disk = Disk()
        self.trace = Trace()
        # The clock does not start at 0, so that no machine can rely on its first value.
        self.now = 1000.0
        self._take(program.start(self.now))

    def handle(self, event: ProgramEvent) -> list[do.Command]:
        """Report an event to the program and return its commands."""
        self.ledger.note(event)
        commands = self.program.handle(event, self.now)
        self.trace.add(event, commands)
        return self._take(commands)

    def on(self, event: ProgramEvent, *expected: do.Command | EllipsisType) -> list[do.Command]:
        """Report an event, check that the program answers with exactly the expected commands (`...`
        as in tests/core/playbook.py), and return them.
        """
        commands = self.handle(event)
        self.trace.check(commands, expected)
        return commands

    def _take(self, commands: list[do.Command]) -> list[do.Command]:
        for command in commands:
            self.ledger.handle(command, self.now)
        self.ledger.look_at_prompts()
        self.ledger.look_at_prepared()
        self.ledger.look_at_timers()
        return commands

    def next_timer(self) -> tuple[float, ev.Timer] | None:
        """Return the timer that fires next, with its moment, or None."""
        return min(
            ((at, timer) for timer, at in self.ledger.timers.items()),
            key=lambda pair: pair[0],
            default=None,
        )

    def advance(self, seconds: float) -> list[do.Command]:
        """Let time pass, fire every timer when it is due, and return all commands."""
        until = self.now + seconds
        commands: list[do.Command] = []
        while (due := self.next_timer()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            commands += self.handle(ev.TimerFired(due[1]))
        self.now = until
        return commands

    def sleep(self, seconds: float) -> list[do.Command]:
        """Simulate a computer that slept: time passes, and the overdue timers fire only now."""
        self.now += seconds
        return self.advance(0)

    def told(self, kind: type[st.Status]) -> list[st.Status]:
        """Return all published statuses of a kind, oldest first."""
        return [status for status in self.ledger.statuses if isinstance(status, kind)]
