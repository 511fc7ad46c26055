"""A desktop's notification service on a bus of its own: it answers as the Desktop Notifications
Specification says, and remembers what it was told.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import jeepney
import jeepney.io.blocking

NAME: Final = "org.freedesktop.Notifications"
PATH: Final = "/org/freedesktop/Notifications"
# In seconds. Even on a busy machine, only a test that hangs waits longer.
PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Shown:
    """A notification, as the service was told."""

    number: int
    replaces: int
    title: str
    body: str
    actions: list[str]
    urgency: int
    entry: str
    milliseconds: int
    silent: bool


class FakeService:
    """The service, on a thread of its own."""

    def __init__(self, address: str, *capabilities: str, deaf: bool = False) -> None:
        self.capabilities = list(capabilities or ("actions", "body", "body-markup"))
        # Whether it never answers.
        self.deaf = deaf
        self.shown: list[Shown] = []
        self.closed: list[int] = []
        self._changed = threading.Condition()
        self._bus = jeepney.io.blocking.open_dbus_connection(address)
        self._sender: str | None = None
        bus = jeepney.DBusAddress(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus"
        )
        request = jeepney.new_method_call(bus, "RequestName", "su", (NAME, 0))
        self._bus.send_and_get_reply(request)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the bus."""
        self._bus.sock.shutdown(2)
        self._thread.join(PATIENCE)
        self._bus.close()

    def until(self, so: Callable[[Self], object]) -> None:
        """Wait until something is so."""
        with self._changed:
            assert self._changed.wait_for(lambda: so(self), PATIENCE), (self.shown, self.closed)

    def notification(self, count: int = 1) -> Shown:
        """Wait for this many notifications, and return the last of them."""
        self.until(lambda service: len(service.shown) >= count)
        return self.shown[count - 1]

    def click(self, number: int, action: str = "default") -> None:
        """Say that a person has clicked a notification."""
        self._signal("ActionInvoked", "us", (number, action))

    def dismiss(self, number: int) -> None:
        """Say that a person has closed a notification."""
        self._signal("NotificationClosed", "uu", (number, 2))

    def _signal(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        emitter = jeepney.DBusAddress(PATH, interface=NAME)
        self._bus.send(jeepney.new_signal(emitter, member, signature, body))

    def _serve(self) -> None:
        try:
            while True:
                message = self._bus.receive()
                if message.header.message_type == jeepney.MessageType.method_call:
                    with self._changed:
                        self._answer(message, message.header.fields[jeepney.HeaderFields.member])
                        self._changed.notify_all()
        except OSError:
            # `end` has ended the connection.
            return

    def _answer(self, message: Any, method: str) -> None:
        if self.deaf:
            return
        signature: str = ""
        body: tuple[Any, ...] = ()
        if method == "GetCapabilities":
            signature, body = "as", (self.capabilities,)
        elif method == "Notify":
            _, replaces, _, title, text, actions, hints, milliseconds = message.body
            number = replaces or len(self.shown) + 1
            self.shown.append(
                Shown(
                    *(number, replaces, title, text, actions),
                    *(hints["urgency"][1], hints["desktop-entry"][1], milliseconds),
                    hints["suppress-sound"][1],
                )
            )
            signature, body = "u", (number,)
        elif method == "CloseNotification":
            self.closed.append(message.body[0])
        self._bus.send(jeepney.new_method_return(message, signature or None, body))
