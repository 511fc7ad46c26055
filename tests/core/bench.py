"""A program on a made-up clock, with a ledger between it and the world.

Nothing here waits: a script of 40 seconds or 15 minutes takes no time.
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
    """A program, a clock, and the ledger between them and the world."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ledger = Ledger()
        self.disk = Disk()
        self.trace = Trace()
        # No machine may take the clock's start for anything
        self.now = 1000.0
        self._take(program.start(self.now))

    def handle(self, event: ProgramEvent) -> list[do.Command]:
        """Report an event; what the program commands."""
        self.ledger.note(event)
        commands = self.program.handle(event, self.now)
        self.trace.add(event, commands)
        return self._take(commands)

    def on(self, event: ProgramEvent, *expected: do.Command | EllipsisType) -> list[do.Command]:
        """This happens, and the program commands just these; as in tests/core/playbook.py."""
        commands = self.handle(event)
        self.trace.check(commands, expected)
        return commands

    def _take(self, commands: list[do.Command]) -> list[do.Command]:
        for command in commands:
            self.ledger.handle(command, self.now)
        self.ledger.look_at_prompts()
        self.ledger.look_at_timers()
        return commands

    def next_timer(self) -> tuple[float, ev.Timer] | None:
        """The timer that fires next."""
        return min(
            ((at, timer) for timer, at in self.ledger.timers.items()),
            key=lambda pair: pair[0],
            default=None,
        )

    def advance(self, seconds: float) -> list[do.Command]:
        """Let time pass; every timer fires when it is due."""
        until = self.now + seconds
        commands: list[do.Command] = []
        while (due := self.next_timer()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            commands += self.handle(ev.TimerFired(due[1]))
        self.now = until
        return commands

    def sleep(self, seconds: float) -> list[do.Command]:
        """The machine under the program slept: time passed, and only now the timers fire that are
        overdue.
        """
        self.now += seconds
        return self.advance(0)

    def told(self, kind: type[st.Status]) -> list[st.Status]:
        """All statuses of a kind, oldest first."""
        return [status for status in self.ledger.statuses if isinstance(status, kind)]
