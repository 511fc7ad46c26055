"""The screen of macOS, by ScreenCaptureKit.

macOS 26 has no older way any more (CGWindowListCreateImage). Each display is a stream of its own,
which sends a picture when something changed; the pointer is in it, and macOS draws it there.

This was written where no Mac is, and has not run on one; what can be is tried by tests.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Protocol

from proxim.core.errors import Reason
from proxim.core.screen.messages import MAX_MONITORS, Monitor
from proxim.core.screen.updates import MAX_SIDE, PointerShape, Rectangle
from proxim.io.control.macos_devices import display_id
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.comparing import ComparedPicture, Frame
from proxim.io.screen.pixels import Picture
from proxim.io.screen.waking import Waking
from proxim.io.system.macos_permissions import may_record_screen

_log = logging.getLogger(__name__)

# macOS answers at once, unless it is busy with a login.
ANSWER_SECONDS: Final = 10.0
# A display sends the first picture at once.
FIRST_PICTURE_SECONDS: Final = 10.0
# At most so many pictures a second.
RATE: Final = 30
# Pictures that macOS may have ready before the oldest of them was read.
_QUEUE: Final = 3
# kCVPixelFormatType_32BGRA, SCStreamOutputTypeScreen, kCVPixelBufferLock_ReadOnly.
_BGRA: Final = 0x42475241
_SCREEN: Final = 0
_READ_ONLY: Final = 1


@dataclass(frozen=True, slots=True)
class Display:
    """A display that can be shown."""

    number: int
    # Its size in points, in which macOS counts, and in its own pixels.
    points: tuple[int, int]
    pixels: tuple[int, int]


class Displays(Protocol):
    """What is asked of macOS."""

    def start(self, deliver: Callable[[int, Frame], None], end: Callable[[], None]) -> None:
        """Let every display deliver its pictures, on any thread; `end` says that it no longer does.

        Raises CaptureError.
        """

    def found(self) -> tuple[Display, ...]:
        """Return the displays, the main one first."""

    def stop(self) -> None:
        """Let nothing be delivered any more."""


class MacCapture:
    """Looks at the displays of macOS. Raises CaptureError where they cannot be looked at."""

    def __init__(self, displays: Displays) -> None:
        self._displays = displays
        self._waking = Waking()
        self._compared = ComparedPicture()
        self._lock = Lock()
        # What was delivered and not looked at yet: of each display only the newest.
        self._delivered: dict[int, Frame] = {}
        self._woken = self._ended = False
        try:
            displays.start(self._deliver, self._end)
            self._found = displays.found()[:MAX_MONITORS]
            if not self._found:
                raise CaptureError(Reason.NO_SCREEN, "no display")
            self._first = self._wait_for_all()
        except BaseException:
            self.close()
            raise

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them."""
        return self._compared.picture

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the displays, one below the other in the picture."""
        found = []
        for display in self._found:
            place = self._compared.place_of(display.number)
            if place is not None:
                scale = place.width / display.points[0]
                id = display_id(display.number)
                size = place.width, place.height
                found.append(Monitor(id, "", place.x, place.y, *size, scale))
        return tuple(found)

    def look(self, seconds: float) -> Seen:
        """Return what happened; wait for it at most so long. Raises CaptureError."""
        if self._first != Seen():
            seen, self._first = self._first, Seen()
            return seen
        deadline = time.monotonic() + seconds
        while True:
            seen = self._take()
            left = deadline - time.monotonic()
            if seen != Seen() or self._woken or left <= 0:
                self._woken = False
                return seen
            self._waking.wait(left)

    def wake(self) -> None:
        """End a `look` that waits, from any thread."""
        self._woken = True
        self._waking.wake()

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of this part of the desktop into `picture`."""
        self._compared.copy(place)

    def pointer_shape(self, shape: int) -> PointerShape:
        """There is none: the pointer is in the pictures."""
        raise CaptureError(Reason.SCREEN_UNSUPPORTED, f"shape {shape}")

    def close(self) -> None:
        """Look no longer."""
        self._displays.stop()
        self._waking.close()

    # --- on the threads of macOS ------------------------------------------------------------------

    def _deliver(self, display: int, frame: Frame) -> None:
        with self._lock:
            self._delivered[display] = frame
        self._waking.wake()

    def _end(self) -> None:
        self._ended = True
        self._waking.wake()

    # --- on ours ----------------------------------------------------------------------------------

    def _take(self) -> Seen:
        if self._ended:
            # A display was pulled out, the permission taken back, or nobody is logged in.
            raise CaptureError(
                Reason.SCREEN_LOST if may_record_screen() else Reason.SCREEN_PERMISSION
            )
        with self._lock:
            delivered, self._delivered = self._delivered, {}
        before = self.monitors()
        changed: list[Rectangle] = []
        for display, frame in delivered.items():
            changed += self._compared.changes(display, frame)
        return Seen(tuple(changed), self.monitors() != before)

    def _wait_for_all(self) -> Seen:
        deadline = time.monotonic() + FIRST_PICTURE_SECONDS
        while len(self.monitors()) < len(self._found):
            left = deadline - time.monotonic()
            if left <= 0:
                raise CaptureError(Reason.SCREEN_LOST, "no picture came")
            self._waking.wait(left)
            self._take()
        picture = self._compared.picture
        return Seen((Rectangle(0, 0, picture.width, picture.height),))


class RealDisplays:
    """Asks the macOS that this runs on, by pyobjc."""

    def __init__(self) -> None:
        # They are on macOS only.
        import CoreMedia
        import objc
        import Quartz
        import ScreenCaptureKit

        self._media, self._objc = CoreMedia, objc
        self._quartz, self._kit = Quartz, ScreenCaptureKit
        self._displays: tuple[Display, ...] = ()
        # Kept as long as they deliver, or pyobjc would free them.
        self._streams: list[tuple[Any, Any]] = []

    def start(self, deliver: Callable[[int, Frame], None], end: Callable[[], None]) -> None:
        """Let every display deliver its pictures."""
        content = self._content()
        main = self._quartz.CGMainDisplayID()
        shown = sorted(content.displays(), key=lambda one: one.displayID() != main)
        displays = []
        for display in shown[:MAX_MONITORS]:
            number = int(display.displayID())
            points = int(display.width()), int(display.height())
            pixels = self._pixels(number) or points
            displays.append(Display(number, points, pixels))
            self._start(display, number, pixels, deliver, end)
        self._displays = tuple(displays)

    def found(self) -> tuple[Display, ...]:
        """Return the displays, the main one first."""
        return self._displays

    def stop(self) -> None:
        """Let nothing be delivered any more."""
        while self._streams:
            stream, _ = self._streams.pop()
            stream.stopCaptureWithCompletionHandler_(None)

    def _content(self) -> Any:
        """Ask for what can be shown; the answer comes on another thread."""
        waking = Waking()
        answers: list[tuple[Any, Any]] = []

        def answered(content: Any, error: Any) -> None:
            answers.append((content, error))
            waking.wake()

        self._kit.SCShareableContent.getShareableContentWithCompletionHandler_(answered)
        waking.wait(ANSWER_SECONDS)
        if not answers or answers[0][0] is None:
            # What is not allowed is an error here.
            raise CaptureError(Reason.SCREEN_PERMISSION)
        return answers[0][0]

    def _pixels(self, number: int) -> tuple[int, int] | None:
        mode = self._quartz.CGDisplayCopyDisplayMode(number)
        if mode is None:
            return None
        width = int(self._quartz.CGDisplayModeGetPixelWidth(mode))
        height = int(self._quartz.CGDisplayModeGetPixelHeight(mode))
        return (width, height) if 0 < max(width, height) <= MAX_SIDE else None

    def _start(
        self,
        display: Any,
        number: int,
        pixels: tuple[int, int],
        deliver: Callable[[int, Frame], None],
        end: Callable[[], None],
    ) -> None:
        kit = self._kit
        every = kit.SCContentFilter.alloc().initWithDisplay_excludingWindows_(display, [])
        wanted = kit.SCStreamConfiguration.alloc().init()
        wanted.setWidth_(pixels[0])
        wanted.setHeight_(pixels[1])
        wanted.setPixelFormat_(_BGRA)
        wanted.setShowsCursor_(True)
        wanted.setQueueDepth_(_QUEUE)
        wanted.setMinimumFrameInterval_(self._media.CMTimeMake(1, RATE))

        def received(sample: Any) -> None:
            frame = self._frame(sample)
            if frame is not None:
                deliver(number, frame)

        receiver = _receiver_class(self._objc).alloc().init()
        receiver.received, receiver.ended = received, end
        stream = kit.SCStream.alloc().initWithFilter_configuration_delegate_(
            every, wanted, receiver
        )
        added, error = stream.addStreamOutput_type_sampleHandlerQueue_error_(
            receiver, _SCREEN, None, None
        )
        if not added:
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, str(error and error.code()))

        def started(failed: Any) -> None:
            if failed is not None:
                _log.info("a display cannot be shown: %s", failed.code())
                end()

        self._streams.append((stream, receiver))
        stream.startCaptureWithCompletionHandler_(started)

    def _frame(self, sample: Any) -> Frame | None:
        """Return the pixels of a picture; None if nothing changed, so that there are none."""
        quartz = self._quartz
        image = self._media.CMSampleBufferGetImageBuffer(sample)
        if image is None or quartz.CVPixelBufferLockBaseAddress(image, _READ_ONLY) != 0:
            return None
        try:
            width = int(quartz.CVPixelBufferGetWidth(image))
            height = int(quartz.CVPixelBufferGetHeight(image))
            stride = int(quartz.CVPixelBufferGetBytesPerRow(image))
            address = quartz.CVPixelBufferGetBaseAddress(image)
            pixels = bytes(address.as_buffer(stride * height))
        finally:
            quartz.CVPixelBufferUnlockBaseAddress(image, _READ_ONLY)
        return Frame.from_rows(width, height, stride, pixels)


# Objective-C knows a class by its name, so it is made once.
_classes: Final[list[Any]] = []


def _receiver_class(objc: Any) -> Any:
    """Return the class of what receives a stream's pictures, and its end."""
    if not _classes:
        base: Any = objc.lookUpClass("NSObject")

        class ProximScreenReceiver(base):  # type: ignore[misc]
            """Passes on what ScreenCaptureKit calls it with."""

            def stream_didOutputSampleBuffer_ofType_(  # noqa: N802 - Objective-C's name
                self, stream: Any, sample: Any, kind: int
            ) -> None:
                if kind == _SCREEN:
                    self.received(sample)

            def stream_didStopWithError_(  # noqa: N802 - Objective-C's name
                self, stream: Any, error: Any
            ) -> None:
                self.ended()

        _classes.append(ProximScreenReceiver)
    return _classes[0]


def open_macos_capture() -> MacCapture:
    """Return the Capture for macOS. Raises CaptureError."""
    if not may_record_screen(ask=True):
        raise CaptureError(Reason.SCREEN_PERMISSION)
    try:
        displays = RealDisplays()
    except ImportError as error:
        # ScreenCaptureKit came with macOS 12.3.
        raise CaptureError(Reason.SCREEN_UNSUPPORTED, str(error.name)) from None
    return MacCapture(displays)
