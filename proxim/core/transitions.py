"""Transition tables: what a state machine does with an event in each state, and what may follow.

The table of a machine is written as

```
TransitionTable({OPEN: {Ask: (Session._ask, {ASKED, OPEN}), ..}, ..}, stale={..}, calls={..})
```

and is the machine's picture: docs/architecture.md shows the pictures that `tests/core/pictures.py`
draws from the tables.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import MachineMisuseError

# What tells two events apart: the class, and of a timer its name.
Kind = type | ev.TimerKind
# A method of the machine: it handles the event at a moment, and returns what is to be done.
Handler = Callable[[Any, Any, float], list[do.Command]]

S = TypeVar("S", bound=Enum)


class Machine(Protocol[S]):
    """What has a table."""

    state: S


def kind_of(event: object) -> Kind:
    """Return what a table knows this event by."""
    return event.timer.name if isinstance(event, ev.TimerFired) else type(event)


class TransitionTable(Generic[S]):
    """For each state and kind of event: the handler, and the states that may follow.

    `stale` lists the events that may arrive after what they belong to is over, each with the states
    in which that can happen: nothing is done, and the state stays. `calls` lists methods of the
    machine by which its owner changes the state, with the states before and after.
    """

    def __init__(
        self,
        transitions: Mapping[S, Mapping[Kind, tuple[Handler, AbstractSet[S]]]],
        *,
        stale: Mapping[Kind, AbstractSet[S]] | None = None,
        calls: Mapping[str, Mapping[S, AbstractSet[S]]] | None = None,
    ) -> None:
        self.transitions = transitions
        self.stale = stale or {}
        self.calls = calls or {}
        for kind, states in self.stale.items():
            both = [state for state in states if kind in transitions.get(state, {})]
            assert not both, f"{kind} is both handled and stale in {both}"

    def knows(self, state: S, event: object) -> bool:
        """Whether the event may arrive in that state."""
        kind = kind_of(event)
        return kind in self.transitions.get(state, {}) or state in self.stale.get(kind, ())

    def handle(self, machine: Machine[S], event: object, now: float) -> list[do.Command]:
        """Let the machine handle one event.

        Raises MachineMisuseError if the table does not know the event in the machine's state, and
        AssertionError if the handler led to a state that the table does not name.
        """
        kind, before = kind_of(event), machine.state
        row = self.transitions.get(before, {}).get(kind)
        if row is None:
            if before in self.stale.get(kind, ()):
                return []
            raise MachineMisuseError(f"{kind} in {before}")
        handler, after = row
        commands = handler(machine, event, now)
        assert machine.state in after, f"{kind} led from {before} to {machine.state}"
        return commands

    def called(self, machine: Machine[S], name: str, before: S) -> None:
        """Check the state after a method of the machine that its owner calls."""
        after = self.calls[name].get(before, ())
        assert machine.state in after, f"{name} led from {before} to {machine.state}"
