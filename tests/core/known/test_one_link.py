"""Two people press Connect on each other at once, and get one link."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.events import SendText
from proxim.core.known import events as known_ev
from proxim.core.link.link import HEARTBEAT_SECONDS, SILENCE_SECONDS
from proxim.core.pairing.join import GuestState
from tests.core.handed_in import PORT
from tests.core.known.programs_that_host import ADA, BEN, Room, Side

QUIET = {Reason.DEVICE_LINKED}


def one_link(room: Room) -> None:
    """Check that both have the same link, and that a text passes over it."""
    (ada,), (ben,) = room.ada.open, room.ben.open
    assert ada.as_guest is not ben.as_guest
    room.report(room.ada, SendText(ada.link, "Hello"))
    room.settle()
    (text,) = room.ben.told(st.TextReceived)
    assert isinstance(text, st.TextReceived)
    assert (text.link, text.text) == (ben.link, "Hello")
    for side in (room.ada, room.ben):
        assert not side.ledger.prompts
        assert {*side.ends} <= QUIET
        stages = {one.stage for one in side.ledger.links.values()}
        assert stages <= {st.Stage.CONNECTED, st.Stage.CLOSED}, "a link is waited for"
        outcomes = (one for one in side.ledger.statuses if isinstance(one, st.PairOutcome))
        assert {one.reason for one in outcomes if not one.approved} <= QUIET
        assert not side.told(st.Trouble)
        assert len(side.program._guests) <= 1


@pytest.mark.parametrize("first", ["ada", "ben"])
def test_the_question_goes_when_its_person_was_let_in_by_the_other(first: str) -> None:
    room = Room()
    for side in (room.ada, room.ben):
        room.connect(side)
    room.settle()
    assert room.ada.ledger.prompts
    assert room.ben.ledger.prompts
    assert room.approve(room.ada if first == "ada" else room.ben)
    room.settle()
    one_link(room)


@pytest.mark.parametrize("first", ["ada", "ben"])
def test_both_approve_before_a_link_is_open(first: str) -> None:
    room = Room()
    sides = (room.ada, room.ben) if first == "ada" else (room.ben, room.ada)
    for side in sides:
        room.connect(side)
    room.settle()
    for side in sides:
        assert room.approve(side)
    room.settle()
    one_link(room)
    assert room.ada.ends == room.ben.ends == [Reason.DEVICE_LINKED]


def press_in_any_order(data: some.DataObject, *, ada_lets_in: bool, ben_lets_in: bool) -> None:
    """Let both persons connect, and all that follows happen in the order that `data` says."""
    room = Room()
    for side, lets_in in ((room.ada, ada_lets_in), (room.ben, ben_lets_in)):
        if lets_in:
            room.let_in(side)
    to_press = [room.ada, room.ben]

    def press(side: Side) -> None:
        to_press.remove(side)
        if not side.open:
            room.connect(side)

    while True:
        moves: list[Callable[[], object]] = [
            *(partial(room.step, line) for line in room.waiting),
            *(partial(press, side) for side in to_press),
            *(partial(room.approve, one) for one in room.sides if one.ledger.prompts),
        ]
        if not moves:
            break
        data.draw(some.sampled_from(moves))()
    one_link(room)


@settings(max_examples=100, deadline=None)
@given(data=some.data(), ada_lets_in=some.booleans(), ben_lets_in=some.booleans())
def test_in_any_order_one_link_is_left(
    data: some.DataObject, *, ada_lets_in: bool, ben_lets_in: bool
) -> None:
    press_in_any_order(data, ada_lets_in=ada_lets_in, ben_lets_in=ben_lets_in)


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None)
@given(data=some.data(), ada_lets_in=some.booleans(), ben_lets_in=some.booleans())
def test_in_many_orders_one_link_is_left(
    data: some.DataObject, *, ada_lets_in: bool, ben_lets_in: bool
) -> None:
    press_in_any_order(data, ada_lets_in=ada_lets_in, ben_lets_in=ben_lets_in)


def test_another_program_of_the_same_device_keeps_a_link_of_its_own() -> None:
    # `tar c . | proxim join --device Ada --send -` beside Ben's window.
    room = Room()
    pipe = room.add(Side(BEN, ADA, None, "pipe"))
    room.let_in(room.ada)
    room.settle()
    room.connect(room.ada)
    room.connect(pipe)
    room.settle()
    # Ada still waits for the window of Ben, to whom the pipe's link says nothing.
    assert [one.as_guest for one in room.ada.open] == [False]
    assert room.approve(room.ben)
    room.settle()
    assert {one.as_guest for one in room.ada.open} == {False, True}
    assert len(room.ben.open) == len(pipe.open) == 1
    assert room.ada.ends == room.ben.ends == pipe.ends == []


def test_another_host_of_the_same_device_keeps_a_link_of_its_own() -> None:
    # It listens on a port of its own, by which Ada's program tells it from the window it dials.
    room = Room()
    second = room.add(Side(BEN, ADA, PORT + 1, "second"))
    room.let_in(room.ada)
    room.connect(room.ada)
    room.settle()
    room.connect(second)
    room.settle()
    assert room.approve(room.ben)
    room.settle()
    assert len(room.ada.open) == 2
    assert len(room.ben.open) == len(second.open) == 1


@pytest.mark.parametrize(
    "state", [GuestState.DIALING, GuestState.PROVING, GuestState.ASKING, GuestState.LINKING]
)
def test_an_attempt_gives_way_at_every_step(state: GuestState) -> None:
    room = Room()
    for side in (room.ada, room.ben):
        room.let_in(side)
    room.connect(room.ada)
    attempt = next(iter(room.ada.program._guests.values()))
    while attempt.state is not state:
        room.step(room.of(room.ada)[0])
    room.connect(room.ben)
    while room.of(room.ben):
        room.step(room.of(room.ben)[0])
    assert room.ada.ends == [Reason.DEVICE_LINKED]
    room.settle()
    one_link(room)


def test_an_open_link_gives_way_to_one_that_opened_before_it() -> None:
    room = Room()
    for side in (room.ada, room.ben):
        room.let_in(side)
        room.connect(side)
    while not room.ada.program._known.links_with(room.ada.known):
        room.step(room.of(room.ben)[0])
    while len(room.ada.open) < 2:
        room.step(room.of(room.ada)[0])
    room.settle()
    assert room.ada.ends == [Reason.DEVICE_LINKED]
    one_link(room)
    assert not room.ada.open[0].as_guest


def test_a_link_whose_program_crashed_does_not_end_that_of_the_next() -> None:
    room = Room()
    for side in (room.ada, room.ben):
        room.let_in(side)
    room.connect(room.ada)
    room.settle()
    (dead,) = room.ada.open
    # Ben's program crashes, is started again and connects before Ada's has missed it.
    room.vanish(room.ben)
    again = room.add(Side(BEN, ADA, PORT, "again"))
    room.pass_time(room.ada, 2 * HEARTBEAT_SECONDS)
    room.connect(again)
    room.settle()
    assert [one.link for one in room.ada.open][:1] == [dead.link]
    assert len(room.ada.open) == 2
    for _ in range(math.ceil(2 * SILENCE_SECONDS / HEARTBEAT_SECONDS)):
        for side in (room.ada, again):
            room.pass_time(side, HEARTBEAT_SECONDS)
        room.settle()
    assert again.ends == []
    assert [one.as_guest for one in room.ada.open] == [False]
    assert len(again.open) == 1


def test_who_is_still_looked_for_has_come_by_itself() -> None:
    ada = Side(ADA, BEN, PORT, "ada")
    ada.record = replace(ada.record, endpoints=())
    room = Room(ada)
    room.let_in(room.ada)
    room.connect(room.ada)
    assert room.ada.ledger.looking
    room.connect(room.ben)
    room.settle()
    assert room.ada.ends == [Reason.DEVICE_LINKED]
    assert not room.ada.ledger.looking
    one_link(room)


def test_disconnecting_a_device_ends_every_link_with_it() -> None:
    room = Room()
    pipe = room.add(Side(BEN, ADA, None, "pipe"))
    room.let_in(room.ada)
    for side in (room.ben, pipe):
        room.connect(side)
        room.settle()
    assert len(room.ada.open) == 2
    room.report(room.ada, known_ev.DisconnectDevice(room.ada.known))
    room.settle()
    assert room.ada.open == room.ben.open == pipe.open == []
    assert room.ada.ends == [Reason.DISCONNECTED] * 2
    # Nothing is left to be ended.
    assert not room.ada.handle(known_ev.DisconnectDevice(room.ada.known))
