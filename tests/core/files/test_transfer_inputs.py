"""Tests of proxim.core.files.events: the machines have a row for all that they may be
told, and for nothing else.
"""

from collections.abc import Iterable
from typing import get_args

from proxim.core import events as ev
from proxim.core.files import events as file_ev
from proxim.core.files import incoming, outgoing
from tests.core.files.transfer_bench import Bench


def kinds(table: Iterable[tuple[object, type | ev.TimerName]]) -> set[type]:
    return {ev.TimerFired if isinstance(kind, ev.TimerName) else kind for _, kind in table}


def test_each_input_is_taken_somewhere() -> None:
    assert kinds(outgoing._TRANSITIONS) == set(get_args(file_ev.OutgoingInput))
    assert kinds(incoming._TRANSITIONS) == set(get_args(file_ev.IncomingInput))


def test_a_peer_link_is_what_it_says() -> None:
    bench = Bench().linked()
    peer_link: file_ev.PeerLink = bench.left.peer_link
    assert file_ev.LinkUp(peer_link).peer_link.id == bench.link.id
    assert peer_link.binding == bench.right.peer_link.binding
