"""The screen of macOS, with displays that a test draws on."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import Rectangle
from proxim.io.control.macos_devices import display_id
from proxim.io.screen import macos_capture
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.comparing import Frame
from proxim.io.screen.macos_capture import (
    Display,
    MacCapture,
    RealDisplays,
    open_macos_capture,
)

PATIENCE = 30.0
FINE, PLAIN = 0x80000001, 5


class Displays:
    """Two displays, the first of which is fine."""

    def __init__(self, *displays: Display) -> None:
        self.displays = displays
        self.deliver: Callable[[int, Frame], None] | None = None
        self.end: Callable[[], None] | None = None
        self.stopped = False

    def start(self, deliver: Callable[[int, Frame], None], end: Callable[[], None]) -> None:
        self.deliver, self.end = deliver, end
        # They come on threads of the system.
        for display in self.displays:
            threading.Thread(target=self.draw, args=(display.number, b"\0")).start()

    def draw(self, number: int, colour: bytes) -> None:
        width, height = next(one.pixels for one in self.displays if one.number == number)
        assert self.deliver is not None
        self.deliver(number, Frame(width, height, colour * (4 * width * height)))

    def found(self) -> tuple[Display, ...]:
        return self.displays

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def displays() -> Displays:
    return Displays(Display(FINE, (32, 16), (64, 32)), Display(PLAIN, (20, 10), (20, 10)))


@pytest.fixture
def capture(displays: Displays) -> Iterator[MacCapture]:
    made = MacCapture(displays)
    assert made.look(0).changed == (Rectangle(0, 0, 64, 42),)
    yield made
    made.close()
    assert displays.stopped


def test_displays_are_one_below_the_other(capture: MacCapture) -> None:
    assert capture.monitors() == (
        Monitor(display_id(FINE), "", 0, 10, 64, 32, 2.0),
        Monitor(PLAIN, "", 0, 0, 20, 10, 1.0),
    )
    assert all(0 < monitor.id < 2**31 for monitor in capture.monitors())


def test_what_changed_is_told_and_grabbed(displays: Displays, capture: MacCapture) -> None:
    displays.draw(PLAIN, b"\1")
    assert capture.look(PATIENCE) == Seen((Rectangle(0, 0, 20, 10),))
    capture.grab(Rectangle(0, 0, 20, 10))
    rows = capture.picture.rows(Rectangle(0, 0, 20, 10))
    assert {bytes(row) for row in rows} == {b"\1" * 80}
    # The same picture again is nothing new, and only the newest of two counts.
    displays.draw(PLAIN, b"\1")
    assert capture.look(0) == Seen()
    displays.draw(PLAIN, b"\2")
    displays.draw(PLAIN, b"\1")
    assert capture.look(0) == Seen()


def test_a_look_that_waits_is_woken(capture: MacCapture) -> None:
    waker = threading.Thread(target=capture.wake)
    waker.start()
    assert capture.look(PATIENCE) == Seen()
    waker.join(PATIENCE)


def test_the_end_is_told_with_its_reason(
    displays: Displays, capture: MacCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert displays.end is not None
    displays.end()
    for allowed, reason in ((True, Reason.SCREEN_LOST), (False, Reason.SCREEN_PERMISSION)):
        monkeypatch.setattr(macos_capture, "may_record_screen", lambda allowed=allowed: allowed)
        with pytest.raises(CaptureError) as told:
            capture.look(PATIENCE)
        assert told.value.reason is reason


def test_no_display() -> None:
    displays = Displays()
    with pytest.raises(CaptureError) as told:
        MacCapture(displays)
    assert told.value.reason is Reason.NO_SCREEN
    assert displays.stopped


def test_no_picture(displays: Displays, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos_capture, "FIRST_PICTURE_SECONDS", 0.05)
    monkeypatch.setattr(displays, "start", lambda deliver, end: None)
    with pytest.raises(CaptureError) as told:
        MacCapture(displays)
    assert told.value.reason is Reason.SCREEN_LOST


class Buffer:
    """A picture of 2x2 pixels, with something between its rows, as CoreVideo gives it."""

    def as_buffer(self, size: int) -> bytes:
        return (b"abcdABCD....efghEFGH....")[:size]


class CoreVideo:
    locked = 0

    def CVPixelBufferLockBaseAddress(self, image: object, flags: int) -> int:  # noqa: N802
        self.locked += 1
        return 0

    def CVPixelBufferUnlockBaseAddress(self, image: object, flags: int) -> int:  # noqa: N802
        self.locked -= 1
        return 0

    def CVPixelBufferGetWidth(self, image: object) -> int:  # noqa: N802
        return 2

    def CVPixelBufferGetHeight(self, image: object) -> int:  # noqa: N802
        return 2

    def CVPixelBufferGetBytesPerRow(self, image: object) -> int:  # noqa: N802
        return 12

    def CVPixelBufferGetBaseAddress(self, image: object) -> Buffer:  # noqa: N802
        return Buffer()


class CoreMedia:
    image: object | None = object()

    def CMSampleBufferGetImageBuffer(self, sample: object) -> object | None:  # noqa: N802
        return self.image


def test_a_picture_is_read_from_its_buffer() -> None:
    real: Any = RealDisplays.__new__(RealDisplays)
    real._quartz, real._media = CoreVideo(), CoreMedia()
    assert real._frame(object()) == Frame(2, 2, b"abcdABCDefghEFGH")
    assert real._quartz.locked == 0
    # Nothing changed, so there are no pixels.
    real._media.image = None
    assert real._frame(object()) is None


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac may allow it")
def test_elsewhere_there_is_none() -> None:
    with pytest.raises(CaptureError) as told:
        open_macos_capture()
    assert told.value.reason is Reason.SCREEN_PERMISSION
