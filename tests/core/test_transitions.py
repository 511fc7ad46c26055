"""Tests of proxim.core.transitions with a machine of their own, and tests of the pictures."""

from enum import Enum

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError
from proxim.core.link.features import Features
from proxim.core.link.link import Link
from proxim.core.transitions import TransitionTable, kind_of
from tests.core.pictures import BEGIN, DOCUMENT, END, MACHINES, arrows, drawn
from tests.core.seen_transitions import UNREACHED, SeenTransitions, transitions_of
from tests.paths import ROOT


class Light(Enum):
    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Lamp:
    """A machine that can be made to report a wrong next state."""

    def __init__(self) -> None:
        self.state = Light.OFF
        self.next = Light.ON

    def turn(self, event: object, now: float) -> list[do.Command]:
        self.state = self.next
        return [do.StopListening()]


SECOND = ev.TimerFired(ev.LinkTimer(ev.TimerName.DIAL, ev.LinkID("a")))
TABLE = TransitionTable(
    {
        Light.OFF: {
            ev.Shutdown: (Lamp.turn, {Light.ON}),
            ev.TimerName.DIAL: (Lamp.turn, {Light.ON}),
        },
    },
    stale={ev.Shutdown: {Light.ON}},
    calls={"smash": {Light.OFF: {Light.BROKEN}}},
)


def test_the_handler_of_a_row_is_called() -> None:
    lamp = Lamp()
    assert TABLE.handle(lamp, ev.Shutdown(), 1.0) == [do.StopListening()]
    assert lamp.state is Light.ON


def test_a_timer_is_known_by_its_name() -> None:
    assert kind_of(SECOND) is ev.TimerName.DIAL
    assert TABLE.handle(Lamp(), SECOND, 1.0) == [do.StopListening()]


def test_what_is_stale_changes_nothing() -> None:
    lamp = Lamp()
    lamp.state, lamp.next = Light.ON, Light.OFF
    assert TABLE.handle(lamp, ev.Shutdown(), 1.0) == []
    assert lamp.state is Light.ON


def test_what_the_table_does_not_know_is_misuse() -> None:
    lamp = Lamp()
    lamp.state = Light.BROKEN
    for event in (ev.Shutdown(), SECOND):
        assert not TABLE.knows(lamp.state, event)
        with pytest.raises(MachineMisuseError, match="BROKEN"):
            TABLE.handle(lamp, event, 1.0)
    assert TABLE.knows(Light.OFF, SECOND)
    assert TABLE.knows(Light.ON, ev.Shutdown())


def test_a_state_that_the_row_does_not_name_is_found() -> None:
    lamp = Lamp()
    lamp.next = Light.BROKEN
    with pytest.raises(AssertionError, match="BROKEN"):
        TABLE.handle(lamp, ev.Shutdown(), 1.0)


def test_calls_are_checked_too() -> None:
    lamp = Lamp()
    lamp.state = Light.BROKEN
    TABLE.called(lamp, "smash", Light.OFF)
    with pytest.raises(AssertionError, match="smash"):
        TABLE.called(lamp, "smash", Light.ON)


def test_nothing_is_both_handled_and_stale() -> None:
    with pytest.raises(AssertionError, match="both"):
        TransitionTable(
            {Light.OFF: {ev.Shutdown: (Lamp.turn, {Light.ON})}}, stale={ev.Shutdown: {Light.OFF}}
        )


def test_the_pictures_in_the_document_are_those_of_the_tables() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert drawn(text) == text, "run: python -m tests.core.pictures"


def test_every_table_of_core_is_drawn() -> None:
    written = [
        path.name
        for path in (ROOT / "proxim" / "core").rglob("*.py")
        if "\nTRANSITIONS: Final = TransitionTable(" in path.read_text("utf-8")
    ]
    assert len(written) == len(MACHINES), f"{written}; and pictures.py has {[*MACHINES]}"


def test_an_arrow_that_is_missing_is_seen() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert drawn(text.replace("    OPEN --> ASKED: Ask\n", "")) == text
    assert {name for name in MACHINES if not arrows(MACHINES[name])} == set()


def test_a_transition_that_no_example_reaches_is_named() -> None:
    """What SeenTransitions says at the end of a run that saw all but one, and one too many."""
    everything = {one for name in MACHINES for one in transitions_of(name, MACHINES[name])}
    listed = {one for one in UNREACHED.read_text("utf-8").splitlines() if one[0] != "#"}
    seen = SeenTransitions()
    seen.seen = everything - listed
    assert seen.wrong() == []
    seen.seen -= {"Session: OPEN --Ask--> ASKED"}
    assert seen.wrong() == ["no example of core reaches: Session: OPEN --Ask--> ASKED"]
    for reached in listed:
        seen.seen = everything - listed | {reached}
        assert seen.wrong() == [f"{UNREACHED.name} is wrong about: {reached}"]


def test_what_a_table_handles_is_seen() -> None:
    seen = SeenTransitions()
    with pytest.MonkeyPatch.context() as patch:
        seen.watch(patch)
        seen._counts = True
        link = Link(
            st.LinkStatus(ev.LinkID("a"), "session", st.Stage.APPROVED), "PC", Features(), bytes
        )
        link.prepare(offerer=True)
        TABLE.handle(Lamp(), ev.Shutdown(), 1.0)
    assert seen.seen == {"Link: IDLE --prepare()--> PREPARED"}
