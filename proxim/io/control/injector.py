"""What every system's way of using mouse and keyboard has in common, and the choice among them."""

import os
import sys
from typing import Protocol

from proxim.core.control.messages import Input
from proxim.core.errors import ProximError, Reason
from proxim.core.screen.messages import Monitor


class ControlError(ProximError):
    """Mouse and keyboard cannot be used, or no longer."""


class Injector(Protocol):
    """Uses this device's mouse and keyboard. All methods belong to one thread at a time."""

    def inject(self, monitor: Monitor, what: Input) -> None:
        """Do what somebody did who sees this monitor. Raises ControlError.

        It is not done to windows of this process. A text should be short, since nothing else is
        done meanwhile.
        """

    def moved_here(self) -> bool:
        """Whether somebody else has moved the mouse since the last call, or since `inject` put it
        somewhere. Raises ControlError.
        """

    def let_go(self) -> None:
        """Release every key and button that `inject` has pressed. Raises ControlError."""

    def close(self) -> None:
        """Let go, and leave everything as it was found."""


class Clipboard(Protocol):
    """Watches what is copied at this device, from the moment it was made."""

    def copied_text(self) -> str:
        """Return the text that was copied meanwhile, on any thread.

        Raises ControlError: NOTHING_COPIED, COPIED_TOO_LONG or UNSUPPORTED.
        """

    def close(self) -> None:
        """Watch no longer."""


def open_injector() -> Injector:
    """Return what uses this machine's mouse and keyboard. Raises ControlError."""
    if (display := _x11_display()) is not None:
        from proxim.io.control.x11_injector import X11Injector

        return X11Injector(display)
    raise ControlError(Reason.CONTROL_UNSUPPORTED)


def open_clipboard() -> Clipboard:
    """Return what watches this machine's clipboard from now on. Raises ControlError."""
    if (display := _x11_display()) is not None:
        from proxim.io.control.x11_clipboard import X11Clipboard

        return X11Clipboard(display)
    raise ControlError(Reason.UNSUPPORTED)


def _x11_display() -> str | None:
    if sys.platform in ("win32", "darwin") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        return None
    return os.environ.get("DISPLAY") or None
