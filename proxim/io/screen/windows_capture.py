"""The screen of Windows: whole pictures of the desktop, compared with one another.

mss copies the desktop by GDI. Nothing says what changed, so the pictures are compared; and nothing
says when, so they are taken often while something moves and seldom while nothing does.

This was written where no Windows is, and has not run on one; what can be is tried by tests.
"""

import ctypes
import logging
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from proxim.core.errors import Reason
from proxim.core.screen.messages import (
    MAX_MONITOR_NAME_BYTES,
    MAX_MONITORS,
    Monitor,
    with_all,
)
from proxim.core.screen.updates import PointerShape, Rectangle
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.comparing import ComparedPicture, Frame
from proxim.io.screen.pixels import Picture
from proxim.io.screen.waking import Waking
from proxim.io.screen.windows_pointer import PointerWatch, RealPointer
from proxim.io.system.windows_calls import HANDLE, POINT, UINT, Calls, see_real_pixels

_log = logging.getLogger(__name__)

# A picture takes 10 to 30 ms, so no more of them are taken in a second while something moves ..
MOVING_SECONDS: Final = 1 / 30
# .. and fewer, to leave the processor alone, after nothing has moved for so long.
REST_SECONDS: Final = 1.0
RESTING_SECONDS: Final = 1 / 8
# Monitors are looked for again so often.
MONITORS_SECONDS: Final = 1.0
# The lock screen and questions about rights cannot be seen. A question is answered by then; who has
# locked the screen has left.
LOCKED_SECONDS: Final = 60.0
# GetDpiForMonitor: the scale that the person has chosen, and what is 100 %.
_EFFECTIVE: Final = 0
_PLAIN_DPI: Final = 96
_NEAREST: Final = 2


class Grabber(Protocol):
    """What is asked of Windows."""

    def desktop(self) -> Rectangle:
        """Return where the desktop of all monitors is, in pixels. It may begin left of 0."""

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors at their places on the desktop, the primary one first."""

    def grab(self, place: Rectangle) -> Frame | None:
        """Return the pixels of the desktop; None while it cannot be seen."""

    def close(self) -> None:
        """Grab no longer."""


class WindowsCapture:
    """Looks at the desktop of Windows. Raises CaptureError where it cannot be looked at."""

    def __init__(
        self,
        grabber: Grabber,
        pointer: PointerWatch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grabber = grabber
        self._pointer = pointer
        self._clock = clock
        self._waking = Waking()
        self._compared = ComparedPicture()
        self._desktop = grabber.desktop()
        self._monitors: tuple[Monitor, ...] = ()
        now = clock()
        self._next_monitors = now
        self._next_grab = now
        self._moved = self._seen = now

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them."""
        return self._compared.picture

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors, the primary one first, and last all of them together.

        Raises CaptureError.
        """
        self._desktop, self._monitors = self._grabber.desktop(), self._found()
        return self._monitors

    def look(self, seconds: float) -> Seen:
        """Return what happened; wait for it at most so long. Raises CaptureError."""
        deadline = self._clock() + seconds
        while True:
            now = self._clock()
            seen = self._look(now)
            if seen != Seen() or now >= deadline:
                return seen
            woken, _ = self._waking.wait(min(self._next_grab, deadline) - now)
            if woken:
                return Seen()

    def wake(self) -> None:
        """End a `look` that waits, from any thread."""
        self._waking.wake()

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of this part of the desktop into `picture`."""
        self._compared.copy(place)

    def pointer_shape(self, shape: int) -> PointerShape:
        """Return the picture of a shape that `look` has named. Raises CaptureError."""
        found = self._pointer.shape(shape)
        if found is None:
            raise CaptureError(Reason.SCREEN_LOST, "a pointer's shape is gone")
        return found

    def close(self) -> None:
        """Look no longer."""
        self._grabber.close()
        self._waking.close()

    def _look(self, now: float) -> Seen:
        changed: tuple[Rectangle, ...] = ()
        moved = False
        if now >= self._next_monitors:
            self._next_monitors = now + MONITORS_SECONDS
            before = self._monitors
            moved = self.monitors() != before and before != ()
        if now >= self._next_grab or moved:
            changed = self._changes(now)
        pointer = self._pointer.look(self._desktop.x, self._desktop.y)
        if changed or pointer is not None:
            self._moved = now
        return Seen(changed, moved, pointer)

    def _changes(self, now: float) -> tuple[Rectangle, ...]:
        resting = now - self._moved > REST_SECONDS
        self._next_grab = now + (RESTING_SECONDS if resting else MOVING_SECONDS)
        frame = self._grabber.grab(self._desktop)
        if frame is None:
            if now - self._seen > LOCKED_SECONDS:
                raise CaptureError(Reason.SCREEN_LOST, "the desktop cannot be seen")
            return ()
        self._seen = now
        return self._compared.changes(0, frame)

    def _found(self) -> tuple[Monitor, ...]:
        found = self._grabber.monitors()
        if not found:
            raise CaptureError(Reason.NO_SCREEN, "no monitor")
        whole = self._grabber.desktop()
        return with_all(found, whole.width, whole.height)


@dataclass(frozen=True, slots=True)
class Told:
    """What mss tells of a monitor."""

    name: str
    key: str
    left: int
    top: int
    width: int
    height: int
    primary: bool
    scale: float = 1.0


def as_monitors(told: list[Told], left: int, top: int) -> tuple[Monitor, ...]:
    """Return monitors at their places in a picture of the desktop, which begins there."""
    ordered = sorted(told, key=lambda one: not one.primary)[:MAX_MONITORS]
    return tuple(
        Monitor(
            # The same as long as the monitor stays, whatever happens to the others.
            zlib.crc32(one.key.encode()) & 0x7FFFFFFF,
            one.name.encode()[:MAX_MONITOR_NAME_BYTES].decode(errors="ignore"),
            one.left - left,
            one.top - top,
            one.width,
            one.height,
            one.scale,
        )
        for one in ordered
    )


class MSSGrabber:
    """Asks the Windows that this runs on, by mss."""

    def __init__(self) -> None:
        # It is on Windows only.
        import mss

        self._error: type[Exception] = mss.ScreenShotError
        self._new: Callable[[], Any] = mss.MSS
        self._mss = self._new()
        user32, shcore = Calls("user32"), Calls("shcore")
        self._monitor_at = user32.declare("MonitorFromPoint", HANDLE, POINT, UINT)
        pointer = ctypes.POINTER(UINT)
        self._dpi = shcore.declare(
            "GetDpiForMonitor", ctypes.c_int32, HANDLE, ctypes.c_int, pointer, pointer
        )

    def desktop(self) -> Rectangle:
        """Return where the desktop of all monitors is."""
        whole = self._told()[0]
        return Rectangle(whole["left"], whole["top"], whole["width"], whole["height"])

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors."""
        whole, *each = self._told()
        told = [
            Told(
                one.get("name", ""),
                one.get("unique_id", str(number)),
                *(one["left"], one["top"], one["width"], one["height"]),
                primary=one.get("is_primary", number == 0),
                scale=self._scale(one["left"], one["top"]),
            )
            for number, one in enumerate(each)
        ]
        return as_monitors(told, whole["left"], whole["top"])

    def grab(self, place: Rectangle) -> Frame | None:
        """Return the pixels of the desktop."""
        wanted = {
            "left": place.x,
            "top": place.y,
            "width": place.width,
            "height": place.height,
        }
        try:
            shot = self._mss.grab(wanted)
        except self._error as error:
            # The lock screen has the desktop, or a question about rights.
            _log.info("the desktop cannot be seen now: %s", type(error).__name__)
            return None
        return Frame(shot.width, shot.height, bytes(shot.raw))

    def close(self) -> None:
        """Grab no longer."""
        self._mss.close()

    def _told(self) -> list[dict[str, Any]]:
        # An MSS keeps the list that it has read once.
        with self._new() as fresh:
            return list(fresh.monitors)

    def _scale(self, left: int, top: int) -> float:
        monitor = self._monitor_at(POINT(left, top), _NEAREST)
        x, y = UINT(), UINT()
        if self._dpi(monitor, _EFFECTIVE, ctypes.byref(x), ctypes.byref(y)) != 0:
            return 1.0
        return x.value / _PLAIN_DPI


def open_windows_capture() -> WindowsCapture:
    """Return the Capture for Windows. Raises CaptureError."""
    try:
        see_real_pixels()
        return WindowsCapture(MSSGrabber(), PointerWatch(RealPointer()))
    except (ImportError, OSError, AttributeError) as error:
        detail = type(error).__name__ if sys.platform == "win32" else "not Windows"
        raise CaptureError(Reason.SCREEN_UNSUPPORTED, detail) from None
