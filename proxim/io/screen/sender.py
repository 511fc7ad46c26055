"""Shows this device's screen to one viewer, on a thread of its own.

The loop says what is wished, and the thread (session.py) tells its listener what it found. Whatever
captures and compresses is imported on that thread, since it takes a while.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from proxim.core.crash_log import describe_crash
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.sight import Figures

if TYPE_CHECKING:
    from proxim.io.screen.capture import Capture

_log = logging.getLogger(__name__)


class Outlet(Protocol):
    """A way to whoever sees. Both may be used from any thread."""

    @property
    def waiting(self) -> int:
        """How many bytes have not left this program."""

    def send(self, messages: list[bytes]) -> None:
        """Send these in order; on a way that has closed they are lost."""


class Listener(Protocol):
    """Whoever wants to know. All of it is called on the sender's thread."""

    def found(self, monitors: tuple[Monitor, ...]) -> None:
        """These are the monitors now."""

    def failed(self, reason: Reason) -> None:
        """The screen cannot be shown; nothing follows."""

    def measured(self, figures: Figures) -> None:
        """So well the pictures arrived, over the last second."""


@dataclass(frozen=True, slots=True)
class Show:
    """Send pictures of this monitor, from its whole picture on."""

    monitor: Monitor
    outlet: Outlet


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing until the next Show."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Look at the screen no longer."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Whoever sees has drawn this update, and all before it."""

    number: int


Wish = Show | Pause | Stop | Drawn


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for the thread. It takes the wishes in order, after it was woken."""

    wishes: deque[Wish] = field(default_factory=deque)
    woken: threading.Event = field(default_factory=threading.Event)


def load() -> None:
    """Import what captures, compresses and shows pictures, which takes a while."""
    # A broken installation is reported where it is needed, as is a package that fails otherwise.
    try:
        from proxim.io.screen import session, viewed  # noqa: F401
        from proxim.io.screen.capture import load_capture

        load_capture()
    except Exception as error:  # noqa: BLE001
        _log.info("nothing could be made ready for pictures: %s", describe_crash(error))


class Sender:
    """Looks at the screen from now on, until `stop`. Every method may be called from any thread."""

    def __init__(
        self, listener: Listener, open_screen: "Callable[[], Capture] | None" = None
    ) -> None:
        """`open_screen` is this system's way to look at the screen, unless a test has another."""
        self._listener = listener
        self._open_screen = open_screen
        self._inbox = Inbox()
        self._capture: Capture | None = None
        self._thread = threading.Thread(target=self._run, name="proxim-screen", daemon=True)
        self._thread.start()

    def wish(self, what: Wish) -> None:
        """Let the thread do something."""
        self._inbox.wishes.append(what)
        self._inbox.woken.set()
        capture = self._capture
        if capture is not None:
            capture.wake()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, at most so long."""
        self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            # Nothing of this is loaded before somebody shows their screen.
            from proxim.io.screen.capture import CaptureError, open_capture
            from proxim.io.screen.session import Session

            try:
                capture = (self._open_screen or open_capture)()
                try:
                    self._capture = capture
                    Session(capture, self._listener, self._inbox).run()
                finally:
                    self._capture = None
                    capture.close()
            except CaptureError as error:
                _log.info("the screen cannot be shown: %s (%s)", error.reason, error.problem.detail)
                self._listener.failed(error.reason)
        except Exception as error:  # noqa: BLE001
            # This is a bug of ours or a broken installation, and the share must end.
            _log.error("the screen crashed: %s", describe_crash(error))
            self._listener.failed(Reason.SCREEN_LOST)
