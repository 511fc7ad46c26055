"""What every system's way of looking at the screen has in common, and the choice among them."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from proxim.core.errors import ProximError, Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import Pointer, PointerShape, Rectangle
from proxim.io.screen.pixels import Picture


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

    Raises CaptureError: NO_SCREEN, SCREEN_UNSUPPORTED or SCREEN_FORBIDDEN.
    """
    opener = _OPENERS.get(sys.platform)
    if opener is None:
        raise CaptureError(Reason.SCREEN_UNSUPPORTED, sys.platform)
    return opener()


# Each system's way is imported when it is used, since it needs packages that the others lack.


def _linux() -> Capture:
    display = os.environ.get("DISPLAY")
    if not display:
        raise CaptureError(Reason.NO_SCREEN, "DISPLAY is not set")
    from proxim.io.screen.x11_capture import X11Capture

    return X11Capture(display)


_OPENERS: Final[dict[str, Callable[[], Capture]]] = {"linux": _linux}
