"""Shows notices by the desktop's own means, without ever keeping the caller waiting.

Each system has its own way: Linux the service org.freedesktop.Notifications on D-Bus, Windows the
icon of the notification area, macOS osascript. Each waits for the system on a thread of its own,
which starts with the first notice. Where the desktop has no such service, nothing happens.

`desktop-notifier` does not do this for us: it needs an asyncio loop for clicks (on macOS a
CFRunLoop on the main thread, which is Tk's), shows nothing on macOS unless the program is signed,
leaves a key in the registry of Windows, and brings a second D-Bus library beside jeepney.
"""

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

_log = logging.getLogger(__name__)

# Seconds to take notices back at the end; a desktop that takes longer removes them itself, or
# people do.
CLOSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Notification:
    """What the desktop shows: plain text, in which nothing is markup."""

    # A new one replaces the one of the same place.
    place: str
    title: str = field(repr=False)
    body: str = field(repr=False)
    # How long it is true; None for as long as the desktop shows it.
    seconds: float | None = None
    # Whether somebody waits for an answer.
    urgent: bool = False
    # Whether it only replaces what is no longer true, and nobody need look up.
    silent: bool = False


class Notifier(Protocol):
    """Shows notifications. No method waits for the desktop."""

    def show(self, notification: Notification) -> None:
        """Show a notification."""

    def withdraw(self, place: str) -> None:
        """Take back what is shown in this place."""

    def close(self) -> None:
        """Take everything back, and end; this waits CLOSE_SECONDS at most."""


class Service(Protocol):
    """A desktop's service, as the notifier's thread uses it. Every method may wait, and raises
    OSError if the service does not do it.
    """

    def show(self, notification: Notification) -> None:
        """Show a notification in its place."""

    def withdraw(self, place: str) -> None:
        """Take back what is shown in this place, if something is."""

    def wait(self) -> None:
        """Wait until `wake`, and call back for the clicks that come meanwhile."""

    def wake(self) -> None:
        """Let `wait` return, now or when it is called next. Any thread may call this."""

    def close(self) -> None:
        """End the connection to the service."""


# `clicked` is called on the notifier's thread.
ServiceFactory = Callable[[Callable[[], None] | None], Service]


class ThreadedNotifier:
    """Hands notifications to a service on a thread of its own."""

    def __init__(self, make: ServiceFactory, clicked: Callable[[], None] | None) -> None:
        self._make = make
        self._clicked = clicked
        self._lock = threading.Lock()
        # What each place is to show next; a hanging service finds no more than the newest.
        self._wanted: dict[str, Notification | None] = {}
        self._service: Service | None = None
        self._thread: threading.Thread | None = None
        self._closing = False

    def show(self, notification: Notification) -> None:
        """Show a notification."""
        self._want(notification.place, notification)

    def withdraw(self, place: str) -> None:
        """Take back what is shown in this place."""
        if self._thread is not None:
            self._want(place, None)

    def _want(self, place: str, notification: Notification | None) -> None:
        with self._lock:
            if self._closing:
                return
            self._wanted[place] = notification
            service = self._service
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="proxim-notices", daemon=True)
            self._thread.start()
        elif service is not None:
            service.wake()

    def close(self) -> None:
        """Take everything back, and end; this waits CLOSE_SECONDS at most."""
        with self._lock:
            self._closing = True
            service = self._service
        if self._thread is None:
            return
        if service is not None:
            service.wake()
        self._thread.join(CLOSE_SECONDS)

    # --- its thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            service = self._make(self._clicked)
        except OSError as error:
            # A later notice tries again, since a desktop may start its services late. What was to
            # be shown now is no longer true then.
            self._take()
            _log.info("the desktop shows no notifications: %s", error)
            return
        with self._lock:
            self._service = service
        shown: set[str] = set()
        try:
            while not self._closing:
                for place, notification in self._take():
                    if notification is not None:
                        service.show(notification)
                        shown.add(place)
                    elif place in shown:
                        service.withdraw(place)
                        shown.discard(place)
                if not self._closing:
                    service.wait()
            for place in sorted(shown):
                service.withdraw(place)
        except OSError as error:
            _log.info("the desktop has stopped showing notifications: %s", error)
        finally:
            with self._lock:
                self._service = None
            service.close()

    def _take(self) -> list[tuple[str, Notification | None]]:
        with self._lock:
            wanted, self._wanted = self._wanted, {}
        return list(wanted.items())


def open_notifier(clicked: Callable[[], None] | None) -> Notifier:
    """Return this system's notifier.

    `clicked` is called, on a thread of the notifier's, when somebody clicks a notification; with
    None a click only removes it. macOS shows its own script editor at a click.
    """
    return ThreadedNotifier(_service_of(sys.platform), clicked)


def _service_of(platform: str) -> ServiceFactory:
    # Imported late, because each is for one system.
    if platform == "win32":
        from proxim.io.desktop.windows_notices import WindowsService

        return WindowsService
    if platform == "darwin":
        from proxim.io.desktop.macos_notices import MacOSService

        return MacOSService
    from proxim.io.desktop.freedesktop_notices import FreedesktopService

    return FreedesktopService
