"""Tests of proxim.core.pairing.join: the ids of attempts. test_join.py tests everything else
about a guest.
"""

import itertools

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.join import Guest, GuestState
from tests.core.handed_in import PHONE, features, prover

TARGET = JoinTarget("192.168.1.5", 47800, "abc")


def test_an_attempt_takes_its_ids_from_whoever_made_it() -> None:
    links, sockets = itertools.count(7), itertools.count(3)
    guest = Guest(
        TARGET,
        PHONE,
        prover(),
        lambda: ev.LinkID(f"guest-{next(links)}"),
        lambda: ev.ConnectionID(next(sockets), dialled=True),
        features(),
    )
    assert (guest.link.id, guest.connection, guest.resumes) == (
        ev.LinkID("guest-7"),
        ev.ConnectionID(3, dialled=True),
        False,
    )
    assert pair_do.Dial(ev.ConnectionID(3, dialled=True), TARGET.websocket_url) in guest.start(0.0)


def test_a_first_attempt_that_fails_takes_no_second_ids() -> None:
    links, sockets = iter([ev.LinkID("guest-1")]), iter([ev.ConnectionID(1, dialled=True)])
    guest = Guest(TARGET, PHONE, prover(), lambda: next(links), lambda: next(sockets), features())
    guest.start(0.0)
    guest.handle(pair_ev.DialFailed(ev.ConnectionID(1, dialled=True), Reason.REFUSED), 0.0)
    assert guest.state is GuestState.ENDED
