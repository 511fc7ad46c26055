"""Tests of what Tk's mouse events become."""

from collections.abc import Callable

import pytest

from proxim.core.control.messages import MAX_WHEEL, Input, PointerInput, WheelInput
from proxim.ui.window.screen.mouse import LEFT, MIDDLE, RIGHT, Mouse


class Hand:
    """A mouse, what it sent, and the timer of its frame."""

    def __init__(self, system: str = "x11") -> None:
        self.sent: list[Input] = []
        self.frame: Callable[[], None] | None = None
        self.mouse = Mouse(system, self.sent.append, self._later, self._cancel)

    def _later(self, _milliseconds: int, then: Callable[[], None]) -> str:
        assert self.frame is None
        self.frame = then
        return "frame"

    def _cancel(self, _timer: str) -> None:
        self.frame = None

    def next_frame(self) -> None:
        """Let the frame end."""
        then, self.frame = self.frame, None
        if then is not None:
            then()


def test_one_move_a_frame_and_the_latest_wins() -> None:
    hand = Hand()
    for step in range(10):
        hand.mouse.move(step / 10, 0.5)
    assert hand.sent == [PointerInput(0.0, 0.5, 0)]
    hand.next_frame()
    assert hand.sent[1:] == [PointerInput(0.9, 0.5, 0)]
    hand.next_frame()
    hand.next_frame()
    assert len(hand.sent) == 2
    # A pause later the next move is sent at once.
    hand.mouse.move(0.1, 0.1)
    assert hand.sent[2:] == [PointerInput(0.1, 0.1, 0)]


@pytest.mark.parametrize(
    ("system", "buttons"),
    [("x11", {1: LEFT, 2: MIDDLE, 3: RIGHT}), ("aqua", {1: LEFT, 2: RIGHT, 3: MIDDLE})],
)
def test_buttons_are_those_of_browsers(system: str, buttons: dict[int, int]) -> None:
    for button, bit in buttons.items():
        hand = Hand(system)
        hand.mouse.press(button, 0.5, 0.5)
        assert hand.mouse.holds
        hand.mouse.release(button, 0.6, 0.6)
        assert hand.sent == [PointerInput(0.5, 0.5, bit), PointerInput(0.6, 0.6, 0)]


def test_a_press_waits_for_no_frame_and_comes_after_the_move() -> None:
    hand = Hand()
    hand.mouse.move(0.1, 0.1)
    hand.mouse.move(0.2, 0.2)
    hand.mouse.press(1, 0.3, 0.3)
    hand.mouse.press(3, 0.3, 0.3)
    hand.mouse.move(0.4, 0.4)
    hand.mouse.release(1, 0.5, 0.5)
    assert hand.sent == [
        PointerInput(0.1, 0.1, 0),
        PointerInput(0.2, 0.2, 0),
        PointerInput(0.3, 0.3, LEFT),
        PointerInput(0.3, 0.3, LEFT | RIGHT),
        PointerInput(0.4, 0.4, LEFT | RIGHT),
        PointerInput(0.5, 0.5, RIGHT),
    ]


@pytest.mark.parametrize(
    ("button", "turned"),
    [(4, (0, -120)), (5, (0, 120)), (6, (-120, 0)), (7, (120, 0))],
)
def test_the_wheel_of_x11_is_buttons(button: int, turned: tuple[int, int]) -> None:
    hand = Hand()
    hand.mouse.press(button, 0.5, 0.5)
    hand.mouse.release(button, 0.5, 0.5)
    hand.next_frame()
    assert hand.sent == [PointerInput(0.5, 0.5, 0), WheelInput(*turned)]
    assert not hand.mouse.holds


def test_a_flick_is_one_turn_a_frame_and_has_a_limit() -> None:
    hand = Hand("win32")
    hand.mouse.turn(-120, sideways=False)
    for _ in range(1000):
        hand.mouse.turn(-40, sideways=False)
    hand.mouse.turn(120, sideways=True)
    hand.next_frame()
    assert hand.sent == [WheelInput(0, 120), WheelInput(-120, MAX_WHEEL)]


def test_lines_of_macos_are_notches() -> None:
    hand = Hand("aqua")
    hand.mouse.turn(2, sideways=False)
    assert hand.sent == [WheelInput(0, -240)]


def test_unknown_buttons_do_nothing() -> None:
    hand = Hand()
    hand.mouse.press(12, 0.5, 0.5)
    assert hand.sent == []


def test_what_was_not_sent_is_forgotten_at_the_end() -> None:
    hand = Hand()
    hand.mouse.press(1, 0.5, 0.5)
    hand.mouse.move(0.6, 0.6)
    hand.mouse.move(0.7, 0.7)
    hand.mouse.release_all()
    hand.next_frame()
    assert hand.sent == [PointerInput(0.5, 0.5, LEFT), PointerInput(0.6, 0.6, LEFT)]
    assert not hand.mouse.holds
    # A button that is still down is released here, which says nothing.
    hand.mouse.release(1, 0.7, 0.7)
    assert len(hand.sent) == 2


def test_what_is_held_is_said_again() -> None:
    hand = Hand()
    hand.mouse.hold()
    assert hand.sent == []
    hand.mouse.press(1, 0.5, 0.5)
    hand.mouse.hold()
    assert hand.sent[1:] == [PointerInput(0.5, 0.5, LEFT)]
