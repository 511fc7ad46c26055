"""What every system's way of using mouse and keyboard has in common, and the choice among them."""

import os
import unicodedata
from typing import Protocol

from proxim.core.control.messages import Input
from proxim.core.errors import ProximError, Reason
from proxim.core.screen.messages import Monitor
from proxim.io.system.desktop_session import Desktop, desktop_in_use


class ControlError(ProximError):
    """Mouse and keyboard cannot be used, or no longer."""


class Injector(Protocol):
    """Uses this device's mouse and keyboard. All methods belong to one thread at a time."""

    @property
    def ignored(self) -> bool:
        """Whether the last key, click, text or turn of the wheel was for a window of this process,
        and so was not done.
        """

    def inject(self, monitor: Monitor, what: Input) -> None:
        """Do what somebody did who sees this monitor. Raises ControlError.

        It is not done to windows of this process. A text should be short, since nothing else is
        done meanwhile.
        """

    def moved_here(self) -> bool:
        """Whether somebody else has moved the mouse since the last call, or since `inject` put it
        somewhere. Raises ControlError.
        """

    def repeat(self) -> None:
        """Repeat a key that is held down, where the system does not; called all the time.

        Raises ControlError.
        """

    def let_go(self) -> None:
        """Release every key and button that `inject` has pressed. Raises ControlError."""

    def close(self) -> None:
        """Let go, and leave everything as it was found."""


def can_be_typed(character: str) -> bool:
    """Whether a character is more than a command for terminals of old, or half of one."""
    return unicodedata.category(character) not in ("Cc", "Cs")


class Clipboard(Protocol):
    """Watches what is copied at this device, from the moment it was made."""

    def copied_text(self) -> str:
        """Return the text that was copied meanwhile, on any thread.

        Raises ControlError: NOTHING_COPIED, COPIED_TOO_LONG or CLIPBOARD_UNSUPPORTED.
        """

    def close(self) -> None:
        """Watch no longer."""


def open_injector() -> Injector:
    """Return what uses this machine's mouse and keyboard. Raises ControlError."""
    # Each system's way is imported when it is used, since it needs packages that the others lack.
    match desktop_in_use():
        case Desktop.WINDOWS:
            from proxim.io.control.windows_devices import open_windows_injector

            return open_windows_injector()
        case Desktop.MACOS:
            from proxim.io.control.macos_devices import open_macos_injector

            return open_macos_injector()
        case Desktop.WAYLAND:
            from proxim.io.control.wayland_devices import open_wayland_injector

            return open_wayland_injector()
        case Desktop.X11:
            from proxim.io.control.x11_injector import X11Injector

            return X11Injector(os.environ["DISPLAY"])
        case Desktop.NONE:
            raise ControlError(Reason.NO_SCREEN)


def open_clipboard() -> Clipboard:
    """Return what watches this machine's clipboard from now on. Raises ControlError."""
    if desktop_in_use() is Desktop.X11:
        from proxim.io.control.x11_clipboard import X11Clipboard

        return X11Clipboard(os.environ["DISPLAY"])
    raise ControlError(Reason.CLIPBOARD_UNSUPPORTED)
