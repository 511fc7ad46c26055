"""Notifications of macOS, by osascript.

macOS shows a program's own notifications only if the program is a signed bundle, which Python is
not. osascript's appear under the name of the Script Editor: a click opens that and not Proxim, and
they cannot be taken back. This has never run on a Mac.
"""

import subprocess
import threading
from collections.abc import Callable
from typing import Final

from proxim.io.desktop.notifications import Notification

# It needs a tenth of a second.
RUN_SECONDS: Final = 5.0
# The words are arguments, so that nothing in them is read as a script.
_SCRIPT: Final = (
    "on run argv",
    'display notification (item 2 of argv) with title "Proxim" subtitle (item 1 of argv)',
    "end run",
)


class MacOSService:
    """Notification Center, as a script reaches it."""

    def __init__(
        self,
        clicked: Callable[[], None] | None,
        run: Callable[..., object] = subprocess.run,
    ) -> None:
        self._run = run
        self._awake = threading.Event()

    def show(self, notification: Notification) -> None:
        """Show a notification; macOS keeps those of before in its list."""
        lines = [part for line in _SCRIPT for part in ("-e", line)]
        try:
            self._run(
                ["/usr/bin/osascript", *lines, notification.title, notification.body],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=RUN_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise OSError(f"osascript: {type(error).__name__}") from None

    def withdraw(self, place: str) -> None:
        """Do nothing: a script cannot take a notification back, and it goes by itself."""

    def wait(self) -> None:
        """Wait until `wake`."""
        self._awake.wait()
        self._awake.clear()

    def wake(self) -> None:
        """Let `wait` return, now or when it is called next."""
        self._awake.set()

    def close(self) -> None:
        """Do nothing: there is no connection."""
