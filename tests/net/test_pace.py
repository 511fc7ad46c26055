"""Counting what a socket sends, with a clock that is driven; real sockets cross the limits in
test_server.py.
"""

import pytest
from websockets.frames import Opcode

from proxim.net.pace import Meter, Pace, Rate

PACE = Pace(
    controls=Rate(per_second=2, burst=3), frames=Rate(per_second=10, burst=4), bytes=Rate(100, 1000)
)
CONTROLS = (Opcode.PING, Opcode.PONG, Opcode.CLOSE)
MESSAGES = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("kinds", "burst"), [(CONTROLS, 3), (MESSAGES, 4)])
def test_kinds_of_one_bucket_share_its_burst(kinds: tuple[Opcode, ...], burst: int) -> None:
    meter = Meter(PACE, Clock())
    taken = [meter.frame(kinds[number % len(kinds)]) for number in range(burst + 1)]
    assert taken == [True] * burst + [False]


def test_pings_leave_messages_alone_and_the_other_way_round() -> None:
    meter = Meter(PACE, Clock())
    while meter.frame(Opcode.PING):
        pass
    assert meter.frame(Opcode.TEXT)


def test_a_pause_gives_back_as_much_as_it_is_long_and_never_more_than_the_burst() -> None:
    clock = Clock()
    meter = Meter(PACE, clock)
    assert all(meter.frame(Opcode.PING) for _ in range(3))
    clock.now += 0.5
    assert meter.frame(Opcode.PING)
    assert not meter.frame(Opcode.PING)
    clock.now += 1000
    assert [meter.frame(Opcode.PING) for _ in range(4)] == [True, True, True, False]


def test_bytes() -> None:
    clock = Clock()
    meter = Meter(PACE, clock)
    assert meter.read(1000)
    clock.now += 1
    assert meter.read(100)
    assert not meter.read(1)
