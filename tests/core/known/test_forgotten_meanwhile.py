"""A device is forgotten while it is being joined, asks, or waits for a lost link: what is not open
ends, and the person reads why.
"""

from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import events as known_ev
from proxim.core.pairing.join import GuestState
from tests.core.handed_in import PORT
from tests.core.known.known_world import KnownWorld
from tests.core.known.programs_that_host import ADA, BEN, Room, Side

HERE = Reason.FORGOTTEN_HERE


@pytest.mark.parametrize(
    "state", [GuestState.DIALING, GuestState.PROVING, GuestState.ASKING, GuestState.LINKING]
)
def test_an_attempt_ends_at_every_step(state: GuestState) -> None:
    room = Room()
    room.let_in(room.ben)
    room.connect(room.ada)
    attempt = next(iter(room.ada.program._guests.values()))
    while attempt.state is not state:
        room.step(room.waiting[0])
    room.report(room.ada, known_ev.ForgetDevice(room.ada.known))
    assert room.ada.ends == [HERE]
    room.settle()
    assert room.ben.open == []
    assert room.ben.ledger.prompts == {}


def test_an_attempt_that_still_looks_for_it_ends() -> None:
    ada = Side(ADA, BEN, PORT, "ada")
    ada.record = replace(ada.record, endpoints=())
    room = Room(ada)
    room.connect(room.ada)
    assert room.ada.ledger.looking
    room.report(room.ada, known_ev.ForgetDevice(room.ada.known))
    assert room.ada.ends == [HERE]


def test_an_attempt_to_resume_its_link_ends() -> None:
    world = KnownWorld()
    world.remember()
    world.let_in()
    world.come_back()
    world.vanish()
    world.reachable = False
    (attempt,) = world.guest.program._guests.values()
    for _ in range(30):
        world.advance(0.5)
        if attempt.state is GuestState.RECONNECTING:
            break
    assert attempt.state is GuestState.RECONNECTING
    world.forget(world.guest)
    last = world.links()[-1]
    assert (last.stage, last.reason) == (st.Stage.CLOSED, HERE)
    assert world.guest.program._guests == {}


def test_who_asks_is_declined_and_the_host_reads_why() -> None:
    room = Room()
    room.connect(room.ada)
    room.settle()
    room.report(room.ben, known_ev.ForgetDevice(room.ben.known))
    (over,) = (one for one in room.ben.ledger.statuses if isinstance(one, st.PairOutcome))
    assert over.reason is HERE
    room.settle()
    assert room.ada.ends == [Reason.DECLINED]


@pytest.mark.parametrize("lost", [False, True])
def test_a_host_ends_what_is_not_open(*, lost: bool) -> None:
    world = KnownWorld()
    world.remember()
    world.udp = lost
    if lost:
        world.let_in()
    world.come_back()
    if lost:
        world.vanish()
        world.reachable = False
        world.advance(11)
        assert world.status(world.host).stage is st.Stage.WAITING
    else:
        (prompt,) = world.host.ledger.prompts.values()
        world.report(world.host, ev.Decide(prompt.session_id, True, prompt.number))
    world.forget(world.host)
    ended = world.status(world.host)
    assert (ended.stage, ended.reason) == (st.Stage.CLOSED, HERE)
    if not lost:
        # The guest is told so when it asks the next time.
        assert world.links()[-1].reason is Reason.CLOSED
