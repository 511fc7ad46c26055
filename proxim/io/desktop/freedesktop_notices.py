"""Notifications of Linux desktops: the service org.freedesktop.Notifications on the session's bus
(the Desktop Notifications Specification).
"""

import contextlib
import html
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import jeepney
import jeepney.io.blocking

from proxim.core.i18n import tr
from proxim.io.desktop.notifications import Notification

_BUS_NAME: Final = "org.freedesktop.Notifications"
_PATH: Final = "/org/freedesktop/Notifications"
# A service answers at once, unless the bus has to start it first.
CALL_SECONDS: Final = 5.0
# What the specification calls the click on a notification itself.
_CLICK: Final = "default"
# The levels of urgency: low, normal, critical. Desktops keep what is critical on the screen.
_LOW: Final = 0
_NORMAL: Final = 1
_CRITICAL: Final = 2
# The name of the desktop file that `proxim integrate` writes, without its ending.
DESKTOP_ENTRY: Final = "proxim"
# The specification's value for a duration that the service chooses.
_ITS_OWN_TIME: Final = -1
# One look reads what has gathered.
_MOST_BYTES: Final = 4096


class FreedesktopService:
    """The service, over a connection of its own."""

    def __init__(self, clicked: Callable[[], None] | None) -> None:
        self._clicked = clicked
        # The service's number for what each place shows.
        self._ids: dict[str, int] = {}
        try:
            self._bus = jeepney.io.blocking.open_dbus_connection("SESSION")
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            # No address in the environment, nobody at it, or one that cannot be spoken to.
            raise OSError(f"no session bus ({type(error).__name__})") from None
        # A service that reads nothing more must not keep this thread for ever.
        self._bus.sock.settimeout(CALL_SECONDS)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        try:
            self._has = self._find()
        except OSError:
            self.close()
            raise

    def _find(self) -> frozenset[str]:
        """Return what the service can do, and let its signals come."""
        bus = jeepney.DBusAddress(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus"
        )
        # The bus lets nobody else's signals through this rule.
        rule = f"type='signal',sender='{_BUS_NAME}',interface='{_BUS_NAME}',path='{_PATH}'"
        self._call(bus, "AddMatch", "s", (rule,))
        (can,) = self._call(_service(), "GetCapabilities", "", ())
        return frozenset(str(one) for one in can)

    def show(self, notification: Notification) -> None:
        """Show a notification in its place."""
        clickable = self._clicked is not None and "actions" in self._has
        left = notification.seconds
        # Where a service knows markup, a name that contains some would be read as such.
        body = html.escape(notification.body) if "body-markup" in self._has else notification.body
        urgency = _CRITICAL if notification.urgent else _LOW if notification.silent else _NORMAL
        (number,) = self._call(
            _service(),
            "Notify",
            "susssasa{sv}i",
            (
                "Proxim",
                self._ids.get(notification.place, 0),
                DESKTOP_ENTRY,
                notification.title,
                body,
                [_CLICK, tr("notify.open")] if clickable else [],
                {
                    "urgency": ("y", urgency),
                    "suppress-sound": ("b", notification.silent),
                    "desktop-entry": ("s", DESKTOP_ENTRY),
                },
                _ITS_OWN_TIME if left is None else max(1, round(left * 1000)),
            ),
        )
        self._ids[notification.place] = int(number)

    def withdraw(self, place: str) -> None:
        """Take back what is shown in this place, if something is."""
        number = self._ids.pop(place, None)
        if number is not None:
            # Somebody may have closed it meanwhile, which the service calls an error.
            self._exchange(_service(), "CloseNotification", "u", (number,))

    def wait(self) -> None:
        """Wait until `wake`, and call back for the clicks that come meanwhile."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            selector.register(self._bus.sock, selectors.EVENT_READ)
            while True:
                # What came beside the last answer has been read already.
                self._listen()
                for key, _ in selector.select():
                    if key.fileobj is self._wake_reader:
                        with contextlib.suppress(BlockingIOError):
                            self._wake_reader.recv(_MOST_BYTES)
                        return

    def wake(self) -> None:
        """Let `wait` return, now or when it is called next."""
        # A full buffer wakes it as well; a closed one has ended.
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"\0")

    def close(self) -> None:
        """End the connection to the service."""
        self._bus.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _listen(self) -> None:
        """Take the signals that have come. Raises OSError if the bus has ended."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._hear(self._bus.receive(timeout=0))

    def _hear(self, message: Any) -> None:
        member = message.header.fields.get(jeepney.HeaderFields.member)
        if message.header.message_type != jeepney.MessageType.signal or len(message.body) != 2:
            return
        number, what = message.body
        if number not in self._ids.values():
            # Another program's notification.
            return
        if member == "ActionInvoked" and what == _CLICK and self._clicked is not None:
            self._clicked()
        elif member == "NotificationClosed":
            self._ids = {place: one for place, one in self._ids.items() if one != number}

    def _call(self, at: Any, method: str, signature: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        answer = self._exchange(at, method, signature, body)
        if answer.header.message_type == jeepney.MessageType.error:
            name = str(answer.header.fields.get(jeepney.HeaderFields.error_name, ""))
            raise OSError(f"{method}: {name}")
        return tuple(answer.body)

    def _exchange(self, at: Any, method: str, signature: str, body: tuple[Any, ...]) -> Any:
        """Send a message and return its answer; hear the signals that come before it."""
        message = jeepney.new_method_call(at, method, signature or None, body)
        serial = next(self._bus.outgoing_serial)
        self._bus.send(message, serial=serial)
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            received = self._bus.receive(timeout=max(0.0, deadline - time.monotonic()))
            if received.header.fields.get(jeepney.HeaderFields.reply_serial) == serial:
                return received
            self._hear(received)


def _service() -> Any:
    return jeepney.DBusAddress(_PATH, _BUS_NAME, _BUS_NAME)
