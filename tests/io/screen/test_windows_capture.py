"""The screen of Windows, on a Windows that a test draws on, and with a clock that it drives."""

import sys
from collections.abc import Iterator

import pytest

from proxim.core.errors import Reason
from proxim.core.screen.messages import ALL_MONITORS, MAX_MONITOR_NAME_BYTES, Monitor
from proxim.core.screen.updates import Pointer, Rectangle
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.comparing import Frame
from proxim.io.screen.windows_capture import (
    LOCKED_SECONDS,
    MONITORS_SECONDS,
    MOVING_SECONDS,
    REST_SECONDS,
    RESTING_SECONDS,
    Told,
    WindowsCapture,
    as_monitors,
    open_windows_capture,
)
from proxim.io.screen.windows_pointer import Drawn, PointerWatch


class Desktop:
    """A desktop of 64x32 pixels that begins at (-32, 0)."""

    def __init__(self) -> None:
        self.now = 100.0
        self.place = Rectangle(-32, 0, 64, 32)
        self.pixels = bytes(64 * 32 * 4)
        self.seen = True
        self.grabbed = 0
        self.at = (0, 0, 0)
        self.found: tuple[Monitor, ...] = (
            Monitor(1, "one", 32, 0, 32, 32),
            Monitor(2, "two", 0, 0, 32, 32),
        )
        self.closed = False

    def desktop(self) -> Rectangle:
        return self.place

    def monitors(self) -> tuple[Monitor, ...]:
        return self.found

    def grab(self, place: Rectangle) -> Frame | None:
        assert place == self.place
        self.grabbed += 1
        return Frame(place.width, place.height, self.pixels) if self.seen else None

    def close(self) -> None:
        self.closed = True

    def pointer(self) -> tuple[int, int, int] | None:
        return self.at

    def draw(self, shape: int) -> Drawn | None:
        return Drawn(1, 1, 0, 0, bytes(4), bytes(4))

    def clock(self) -> float:
        return self.now


@pytest.fixture
def desktop() -> Desktop:
    return Desktop()


@pytest.fixture
def capture(desktop: Desktop) -> Iterator[WindowsCapture]:
    made = WindowsCapture(desktop, PointerWatch(desktop), desktop.clock)
    made.look(0)
    yield made
    made.close()
    assert desktop.closed


def test_all_is_new_at_first(desktop: Desktop) -> None:
    capture = WindowsCapture(desktop, PointerWatch(desktop), desktop.clock)
    assert capture.look(0) == Seen((Rectangle(0, 0, 64, 32),), False, Pointer(0, 32, 0))
    whole = Monitor(ALL_MONITORS, "", 0, 0, 64, 32)
    assert capture.monitors() == (*desktop.found, whole)
    capture.close()


def test_what_changed_is_told_and_grabbed(desktop: Desktop, capture: WindowsCapture) -> None:
    pixels = bytearray(desktop.pixels)
    pixels[20 * 64 * 4] = 255
    desktop.pixels = bytes(pixels)
    # Not before it is time for another picture.
    assert capture.look(0) == Seen()
    desktop.now += MOVING_SECONDS
    assert capture.look(0) == Seen((Rectangle(0, 16, 64, 16),))
    capture.grab(Rectangle(0, 16, 64, 16))
    assert capture.picture.pixels[20 * 64 * 4] == 255


def test_the_pointer_is_told_without_a_picture(desktop: Desktop, capture: WindowsCapture) -> None:
    before = desktop.grabbed
    desktop.at = (7, -2, 3)
    assert capture.look(0) == Seen(pointer=Pointer(1, 30, 3))
    assert desktop.grabbed == before
    assert capture.pointer_shape(1).id == 1
    with pytest.raises(CaptureError):
        capture.pointer_shape(2)


def test_fewer_pictures_are_taken_while_nothing_moves(
    desktop: Desktop, capture: WindowsCapture
) -> None:
    desktop.now += REST_SECONDS + 1
    capture.look(0)
    before = desktop.grabbed
    desktop.now += MOVING_SECONDS * 1.5
    capture.look(0)
    assert desktop.grabbed == before
    desktop.now += RESTING_SECONDS
    capture.look(0)
    assert desktop.grabbed == before + 1


def test_monitors_that_changed_are_told_with_their_picture(
    desktop: Desktop, capture: WindowsCapture
) -> None:
    desktop.now += MONITORS_SECONDS
    desktop.found = desktop.found[:1]
    desktop.place, desktop.pixels = Rectangle(0, 0, 32, 32), bytes(32 * 32 * 4)
    seen = capture.look(0)
    assert seen.monitors_changed
    assert seen.changed == (Rectangle(0, 0, 32, 32),)
    assert capture.monitors() == desktop.found


def test_a_desktop_without_monitors_is_none(desktop: Desktop, capture: WindowsCapture) -> None:
    desktop.found = ()
    with pytest.raises(CaptureError) as told:
        capture.monitors()
    assert told.value.reason is Reason.NO_SCREEN


def test_a_question_about_rights_is_waited_for_and_a_locked_screen_ends_it(
    desktop: Desktop, capture: WindowsCapture
) -> None:
    desktop.seen = False
    desktop.now += LOCKED_SECONDS / 2
    assert capture.look(0) == Seen()
    desktop.seen = True
    desktop.now += 1
    assert capture.look(0) == Seen()
    desktop.seen = False
    desktop.now += LOCKED_SECONDS + 1
    with pytest.raises(CaptureError) as told:
        capture.look(0)
    assert told.value.reason is Reason.SCREEN_LOST


def test_a_look_that_waits_is_woken(desktop: Desktop, capture: WindowsCapture) -> None:
    # The clock stands still, so only this ends it.
    capture.wake()
    assert capture.look(1000) == Seen()


def test_monitors_have_places_in_the_picture_and_keep_their_numbers() -> None:
    one = Told("Left", "key 1", -1280, 56, 1280, 1024, primary=False)
    other = Told("ü" * 60, "key 2", 0, 0, 2560, 1440, primary=True, scale=1.5)
    first, second = as_monitors([one, other], -1280, 0)
    assert (first.x, first.y, first.width, first.scale) == (1280, 0, 2560, 1.5)
    assert len(first.name.encode()) <= MAX_MONITOR_NAME_BYTES
    assert (second.name, second.x, second.y) == ("Left", 0, 56)
    assert as_monitors([one], -1280, 56)[0].id == second.id != first.id


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has it")
def test_elsewhere_there_is_none() -> None:
    with pytest.raises(CaptureError) as told:
        open_windows_capture()
    assert told.value.reason is Reason.SCREEN_UNSUPPORTED
