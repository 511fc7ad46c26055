"""What every system's way of looking at the screen has in common, and the choice among them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from proxim.core.errors import ProximError, Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import Pointer, PointerShape, Rectangle
from proxim.io.screen.pixels import Picture
from proxim.io.system.desktop_session import Desktop, desktop_in_use


class CaptureError(ProximError):
    """The screen cannot be looked at, or no longer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened on the desktop since the last look, in its pixels."""

    changed: tuple[Rectangle, ...] = ()
    # Whether monitors came, went or changed.
    monitors_changed: bool = False
    # The newest place of the mouse pointer; None if it did not move.
    pointer: Pointer | None = None


class Capture(Protocol):
    """Looks at the desktop. All methods belong to the thread that made it, but for `wake`."""

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them."""

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors, the primary one first; their places are in pixels of `picture`, and
        a monitor keeps its id as long as this looks. Raises CaptureError.
        """

    def look(self, seconds: float) -> Seen:
        """Return what happened; wait for it at most so long. Raises CaptureError."""

    def wake(self) -> None:
        """End a `look` that waits, from any thread."""

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of this part of the desktop into `picture`. Raises CaptureError."""

    def pointer_shape(self, shape: int) -> PointerShape:
        """Return the picture of a shape that `look` has named. Raises CaptureError."""

    def close(self) -> None:
        """Look no longer."""


def open_capture() -> Capture:
    """Return what looks at this machine's screen.

    Raises CaptureError: NO_SCREEN, or what this system lacks or does not allow.
    """
    return load_capture()()


def load_capture() -> Callable[[], Capture]:
    """Import what looks at this machine's screen, and return what opens it."""
    # Each system's way is imported when it is used, since it needs packages that the others lack.
    match desktop_in_use():
        case Desktop.WINDOWS:
            from proxim.io.screen.windows_capture import open_windows_capture

            return open_windows_capture
        case Desktop.MACOS:
            from proxim.io.screen.macos_capture import open_macos_capture

            return open_macos_capture
        case Desktop.WAYLAND:
            from proxim.io.screen.wayland_capture import open_wayland_capture

            return open_wayland_capture
        case Desktop.X11:
            from proxim.io.screen.x11_capture import X11Capture

            return partial(X11Capture, os.environ["DISPLAY"])
        case Desktop.NONE:
            return _no_screen


def _no_screen() -> Capture:
    raise CaptureError(Reason.NO_SCREEN, "neither DISPLAY nor WAYLAND_DISPLAY is set")
