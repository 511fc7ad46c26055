"""Tests of proxim.core.files.events: the machines' tables have a row for every event that they
may get, and for nothing else.
"""

from typing import Any, get_args

from proxim.core import events as ev
from proxim.core.files import events as file_ev
from proxim.core.files import incoming, outgoing
from proxim.core.link.features import PeerLink
from proxim.core.transitions import TransitionTable
from tests.core.files.transfer_bench import Bench


def kinds(table: TransitionTable[Any]) -> set[type]:
    known = {kind for row in table.transitions.values() for kind in row} | set(table.stale)
    return {ev.TimerFired if isinstance(kind, ev.TimerKind) else kind for kind in known}


def test_each_input_is_taken_somewhere() -> None:
    assert kinds(outgoing.TRANSITIONS) == set(get_args(file_ev.OutgoingInput))
    assert kinds(incoming.TRANSITIONS) == set(get_args(file_ev.IncomingInput))


def test_a_peer_link_is_what_it_says() -> None:
    bench = Bench().linked()
    peer_link: PeerLink = bench.left.peer_link
    assert file_ev.LinkUp(peer_link).peer_link.id == bench.link.id
    assert peer_link.binding == bench.right.peer_link.binding
