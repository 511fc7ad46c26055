"""Tests of tests.core.playbook: a script that fails shows where and how."""

from types import EllipsisType

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.link import commands as link_do
from tests.core.playbook import Playbook, matches, show

Expected = list[do.Command | EllipsisType]

LINK = ev.LinkID("host-1")
HEARTBEAT = ev.LinkTimer(ev.TimerName.HEARTBEAT, LINK)


class Counter:
    """A machine that sets a timer of as many seconds as it has handled events, and is done at
    the third.
    """

    def __init__(self) -> None:
        self.state = "counting"
        self._count = 0

    def handle(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        self._count += 1
        if self._count == 3:
            self.state = "done"
        return [do.CancelTimer(HEARTBEAT), do.SetTimer(HEARTBEAT, self._count + now)]


def test_a_script_that_goes_as_written() -> None:
    play = Playbook(Counter(), 100.0)
    play.on(ev.TimerFired(HEARTBEAT), do.CancelTimer(HEARTBEAT), do.SetTimer(HEARTBEAT, 101.0))
    play.on(ev.TimerFired(HEARTBEAT), ..., do.SetTimer(HEARTBEAT, 202.0), at=200.0)
    commands = play.on(ev.TimerFired(HEARTBEAT), do.CancelTimer(HEARTBEAT), ...)
    # The time stays as the step before set it.
    assert commands[-1] == do.SetTimer(HEARTBEAT, 203.0)
    play.reaches("done")


def test_a_script_that_does_not_shows_the_trace_and_the_difference() -> None:
    play = Playbook(Counter(), 100.0)
    play.on(ev.TimerFired(HEARTBEAT), ...)
    with pytest.raises(AssertionError) as caught:
        play.on(ev.TimerFired(HEARTBEAT), do.CancelTimer(HEARTBEAT))
    timer = "timer=LinkTimer(name=<TimerName.HEARTBEAT: 'heartbeat'>, scope='host-1')"
    assert str(caught.value).splitlines() == [
        "the trace:",
        f">> TimerFired({timer})",
        f"<< CancelTimer({timer})",
        f"<< SetTimer({timer}, seconds=101.0)",
        f">> TimerFired({timer})",
        f"<< CancelTimer({timer})",
        f"<< SetTimer({timer}, seconds=102.0)",
        "",
        "the last step: - was expected, + came instead",
        f"  CancelTimer({timer})",
        f"+ SetTimer({timer}, seconds=102.0)",
    ]
    with pytest.raises(AssertionError, match="in counting, not in done"):
        play.reaches("done")


def test_what_an_ellipsis_stands_for() -> None:
    one, two, three = (link_do.CloseLane(ev.LinkID(name)) for name in "abc")
    some = [one, two, three]
    starts: Expected = [one, ...]
    ends: Expected = [..., three]
    has: Expected = [..., two, ...]
    right: list[Expected] = [[...], starts, ends, has, [one, ..., three, ...]]
    assert [expected for expected in right if not matches(some, expected)] == []
    wrong: list[Expected] = [[], [one], [..., two], [two, ...], [..., one, three, ...]]
    assert [expected for expected in wrong if matches(some, expected)] == []
    assert matches([], [...])


def test_what_a_repr_hides_is_shown() -> None:
    assert show(ev.SendText(LINK, "hi")) == "SendText(link='host-1', text='hi')"
    assert show(ev.SendText(LINK, "x" * 500)).endswith("(502 characters))")
