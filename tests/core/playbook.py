"""Scripts for machines that read as a trace: an event goes in, and exactly these commands come out.

    play = Playbook(session, T0)
    play.on(Ask(GUEST), do.SetTimer(APPROVAL, 40.0), do.Publish(PROMPT))
    play.on(ev.Decide(ID, approved=True), ..., do.OpenPeer(LINK, offerer=False), ...)
    play.on(ev.ConnectionLost(SOCKET), ..., at=T0 + 5)
    play.reaches(SessionState.OPEN)

`...` among the commands stands for any other commands, or for none. The first step that goes
otherwise fails with the trace so far and the difference, including what a repr leaves out.
"""

import dataclasses
import difflib
from collections.abc import Sequence
from types import EllipsisType
from typing import Generic, Protocol, TypeVar

from proxim.core import commands as do

Event_contra = TypeVar("Event_contra", contravariant=True)
Event = TypeVar("Event")
# A failing step shows at most this many of the steps before it.
SHOWN_STEPS = 12


class Machine(Protocol[Event_contra]):
    def handle(self, event: Event_contra, now: float) -> list[do.Command]: ...


class Trace:
    """The events that a machine handled and the commands that it gave, step by step."""

    def __init__(self) -> None:
        self._steps: list[tuple[object, Sequence[do.Command]]] = []

    def add(self, event: object, commands: Sequence[do.Command]) -> None:
        self._steps.append((event, commands))

    def check(
        self, commands: Sequence[do.Command], expected: Sequence[do.Command | EllipsisType]
    ) -> None:
        """Check that the newest step gave the expected commands."""
        if not matches(commands, expected):
            difference = "\n".join(
                difflib.ndiff(
                    ["..." if one is ... else show(one) for one in expected],
                    [show(one) for one in commands],
                )
            )
            raise AssertionError(
                f"{self}\n\nthe last step: - was expected, + came instead\n{difference}"
            )

    def __str__(self) -> str:
        lines = ["the trace:"]
        if left_out := len(self._steps) - SHOWN_STEPS:
            lines += [f"   ({left_out} steps before)"] if left_out > 0 else []
        for event, commands in self._steps[-SHOWN_STEPS:]:
            lines += [f">> {show(event)}", *(f"<< {show(command)}" for command in commands)]
        return "\n".join(lines)


class Playbook(Generic[Event]):
    """One machine that handles one event after the other."""

    def __init__(self, machine: Machine[Event], now: float) -> None:
        self.machine = machine
        self.now = now
        self.trace = Trace()

    def on(
        self, event: Event, *expected: do.Command | EllipsisType, at: float | None = None
    ) -> list[do.Command]:
        """Report an event, now or at the moment `at`, check the commands, and return them."""
        self.now = self.now if at is None else at
        commands = self.machine.handle(event, self.now)
        self.trace.add(event, commands)
        self.trace.check(commands, expected)
        return commands

    def reaches(self, state: object) -> None:
        """Check that the machine is in this state now."""
        # Not every machine has a state.
        found = getattr(self.machine, "state")  # noqa: B009
        assert found is state, f"{self.trace}\n\nin {found}, not in {state}"


def matches(commands: Sequence[do.Command], expected: Sequence[do.Command | EllipsisType]) -> bool:
    """Return whether these are the expected commands, in their order."""
    if not expected:
        return not commands
    first, rest = expected[0], expected[1:]
    if first is ...:
        return any(matches(commands[start:], rest) for start in range(len(commands) + 1))
    return bool(commands) and commands[0] == first and matches(commands[1:], rest)


def show(value: object) -> str:
    """Return a repr that includes the fields that repr() leaves out; long texts are cut."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [
            f"{one.name}={show(getattr(value, one.name))}"
            for one in dataclasses.fields(value)
            if getattr(value, one.name) != one.default
        ]
        return f"{type(value).__name__}({', '.join(fields)})"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}.. ({len(text)} characters)"
