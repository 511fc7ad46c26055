"""Draw the pictures of the state machines in docs/architecture.md from their tables.

`python -m tests.core.pictures` writes them anew.
"""

from enum import Enum
from typing import Any, Final

from proxim.core.events import TimerKind
from proxim.core.files import incoming, outgoing
from proxim.core.known import remembering
from proxim.core.link import link
from proxim.core.pairing import join, session
from proxim.core.screen import shower, viewer
from proxim.core.transitions import Kind, TransitionTable
from tests.paths import ROOT

DOCUMENT: Final = ROOT / "docs" / "architecture.md"
BEGIN: Final = "<!-- drawn from the tables: python -m tests.core.pictures -->\n"
END: Final = "<!-- end of what is drawn -->\n"

MACHINES: Final[dict[str, TransitionTable[Any]]] = {
    "Session": session.TRANSITIONS,
    "Guest": join.TRANSITIONS,
    "Link": link.TRANSITIONS,
    "Remember": remembering.TRANSITIONS,
    "Outgoing": outgoing.TRANSITIONS,
    "Incoming": incoming.TRANSITIONS,
    "Shower": shower.TRANSITIONS,
    "Viewer": viewer.TRANSITIONS,
}


def name_of(kind: Kind) -> str:
    return f"{kind.value} timer" if isinstance(kind, TimerKind) else kind.__name__


def arrows(table: TransitionTable[Any]) -> dict[tuple[Enum, Enum], list[str]]:
    """Return the events that lead from each state to another one; events that do not change the
    state are left out.
    """
    found: dict[tuple[Enum, Enum], list[str]] = {}
    for before, row in table.transitions.items():
        for kind, (_, after) in row.items():
            for state in after - {before}:
                found.setdefault((before, state), []).append(name_of(kind))
    for name, states in table.calls.items():
        for before, after in states.items():
            for state in after - {before}:
                found.setdefault((before, state), []).append(f"{name}()")
    return found


def picture(name: str, table: TransitionTable[Any]) -> str:
    """Return a Mermaid state diagram; the events of an arrow are in the order of the alphabet."""
    kind: type[Enum] = type(next(iter(table.transitions)))
    states = list(kind)
    lines = [f"    [*] --> {states[0].name}"]
    found = arrows(table)
    for before in states:
        for after in states:
            if (before, after) in found:
                label = ", ".join(sorted(set(found[before, after])))
                lines.append(f"    {before.name} --> {after.name}: {label}")
    return f"**{name}**\n```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def drawn(text: str) -> str:
    """Return the document with pictures of the present tables."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    pictures = "\n".join(picture(name, table) for name, table in MACHINES.items())
    return before + BEGIN + pictures + END + after


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text("utf-8")), "utf-8")
