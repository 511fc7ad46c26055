"""Tests of counting what a socket sends, with a clock that the test moves; test_server.py does this
with real sockets.
"""

from proxim.core.token_bucket import RateLimit
from proxim.io.pairing.rate_limit import Meter, Pace

PACE = Pace(
    controls=RateLimit(per_second=2, burst=3),
    frames=RateLimit(per_second=10, burst=4),
    bytes=RateLimit(100, 1000),
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_kind_of_frame_has_a_burst_of_its_own() -> None:
    meter = Meter(PACE, Clock())
    assert [meter.frame(control=True) for _ in range(4)] == [True] * 3 + [False]
    assert [meter.frame(control=False) for _ in range(5)] == [True] * 4 + [False]


def test_pings_leave_messages_alone() -> None:
    meter = Meter(PACE, Clock())
    while meter.frame(control=True):
        pass
    assert meter.frame(control=False)


def test_a_pause_gives_back_as_much_as_it_is_long_and_never_more_than_the_burst() -> None:
    clock = Clock()
    meter = Meter(PACE, clock)
    assert all(meter.frame(control=True) for _ in range(3))
    clock.now += 0.5
    assert meter.frame(control=True)
    assert not meter.frame(control=True)
    clock.now += 1000
    assert [meter.frame(control=True) for _ in range(4)] == [True, True, True, False]


def test_bytes() -> None:
    clock = Clock()
    meter = Meter(PACE, clock)
    assert meter.read(1000)
    clock.now += 1
    assert meter.read(100)
    assert not meter.read(1)
