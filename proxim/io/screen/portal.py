"""The portal of a Wayland desktop (xdg-desktop-portal): one session that shows its monitors and,
where the person says yes to that as well, lets mouse and keyboard be used.

The desktop asks its person itself, in a dialog of its own. The session belongs to one connection to
D-Bus: the thread that captures opens it and hears that it has ended, and the thread that injects
only sends.

This was tried with a portal of our own (tests/io/screen/fake_portal.py), and not on any desktop.
"""

import contextlib
import logging
import secrets
import time
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import jeepney
import jeepney.io.blocking

from proxim.core.errors import Reason
from proxim.io.control.injector import ControlError
from proxim.io.screen.capture import CaptureError

_log = logging.getLogger(__name__)

_BUS_NAME: Final = "org.freedesktop.portal.Desktop"
_PATH: Final = "/org/freedesktop/portal/desktop"
SCREEN_CAST: Final = "org.freedesktop.portal.ScreenCast"
REMOTE_DESKTOP: Final = "org.freedesktop.portal.RemoteDesktop"
_REQUEST: Final = "org.freedesktop.portal.Request"
_SESSION: Final = "org.freedesktop.portal.Session"

# A call is answered at once; what a person decides comes later, as a signal.
CALL_SECONDS: Final = 5.0
# The share's question has been answered, so somebody is there; this is the desktop's own.
PERSON_SECONDS: Final = 60.0
# SelectSources: whole monitors, and the pointer drawn in their pictures (a picture alone comes
# through GStreamer's pipe, and no pointer beside it).
_MONITORS: Final = 1
_POINTER_IN_PICTURE: Final = 2
# SelectDevices, and what Start says that was granted.
KEYBOARD: Final = 1
POINTER: Final = 2
# Response: the person said yes; 1 is no, 2 is that the dialog ended otherwise.
_YES: Final = 0
_TOKEN_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Stream:
    """A monitor that the portal shows, as a node of PipeWire."""

    node: int
    # Its size in the desktop's own measure, in which the pointer is put; its pictures may have more
    # pixels. None where the portal does not say.
    size: tuple[int, int] | None = None


def read_streams(results: dict[str, tuple[str, Any]]) -> tuple[Stream, ...]:
    """Return the streams of an answer of Start."""
    _, streams = results.get("streams", ("", []))
    found = []
    for node, about in streams:
        _, size = about.get("size", ("", None))
        sides = None if size is None or min(size) <= 0 else (int(size[0]), int(size[1]))
        found.append(Stream(int(node), sides))
    return tuple(found)


class PortalSession:
    """A session of the portal. Raises CaptureError where there is none, or the person said no."""

    def __init__(self) -> None:
        try:
            self._bus = jeepney.io.blocking.open_dbus_connection("SESSION", enable_fds=True)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            # No address in the environment, nobody at it, or one that cannot be spoken to.
            raise CaptureError(Reason.NO_PORTAL, type(error).__name__) from None
        self._lock = Lock()
        self._signals: deque[Any] = deque()
        self._desktop = self._session = ""
        # Whether it goes on; False after the desktop or `close` has ended it.
        self.open = True
        self.streams: tuple[Stream, ...] = ()
        # What of KEYBOARD and POINTER may be used.
        self.devices = 0
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        _sessions.append(self)

    # --- beginning --------------------------------------------------------------------------------

    def _start(self) -> None:
        self._desktop = self._find()
        # A desktop may show its screen and have no way to use it.
        interface = REMOTE_DESKTOP if self._has(REMOTE_DESKTOP) else SCREEN_CAST
        token = _token()
        session = self._ask(
            interface, "CreateSession", "", (), {"session_handle_token": ("s", token)}
        )
        self._session = str(session["session_handle"][1])
        if interface == REMOTE_DESKTOP:
            types = ("u", KEYBOARD | POINTER)
            self._ask(interface, "SelectDevices", "o", (self._session,), {"types": types})
        self._ask(
            SCREEN_CAST,
            "SelectSources",
            "o",
            (self._session,),
            {
                "types": ("u", _MONITORS),
                "multiple": ("b", True),
                "cursor_mode": ("u", _POINTER_IN_PICTURE),
            },
        )
        # There is no parent window whose name the portal would know.
        body = (self._session, "")
        results = self._ask(interface, "Start", "os", body, {}, PERSON_SECONDS)
        self.streams = read_streams(results)
        self.devices = int(results.get("devices", ("u", 0))[1])
        if not self.streams:
            raise CaptureError(Reason.SCREEN_FORBIDDEN, "no monitor was chosen")

    def _find(self) -> str:
        """Return the portal's own name on the bus, and let its signals come."""
        for rule in (
            f"type='signal',sender='{_BUS_NAME}',interface='{_REQUEST}',member='Response'",
            f"type='signal',sender='{_BUS_NAME}',interface='{_SESSION}',member='Closed'",
            # The portal itself may end.
            "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
            f"arg0='{_BUS_NAME}'",
        ):
            self._call_bus("AddMatch", "s", (rule,))
        try:
            return str(self._call_bus("GetNameOwner", "s", (_BUS_NAME,))[0])
        except CaptureError:
            # It runs from when it is needed.
            self._call_bus("StartServiceByName", "su", (_BUS_NAME, 0))
            return str(self._call_bus("GetNameOwner", "s", (_BUS_NAME,))[0])

    def _has(self, interface: str) -> bool:
        address = jeepney.DBusAddress(_PATH, _BUS_NAME, "org.freedesktop.DBus.Properties")
        message = jeepney.new_method_call(address, "Get", "ss", (interface, "version"))
        answer = self._exchange(message)
        return bool(answer.header.message_type == jeepney.MessageType.method_return)

    def _call_bus(self, method: str, signature: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        address = jeepney.DBusAddress(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus"
        )
        return self._answered(jeepney.new_method_call(address, method, signature, body))

    def _call(
        self, interface: str, method: str, signature: str, body: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        address = jeepney.DBusAddress(_PATH, _BUS_NAME, interface)
        return self._answered(jeepney.new_method_call(address, method, signature, body))

    def _answered(self, message: Any) -> tuple[Any, ...]:
        answer = self._exchange(message)
        if answer.header.message_type == jeepney.MessageType.error:
            name = str(answer.header.fields.get(jeepney.HeaderFields.error_name, ""))
            raise CaptureError(Reason.NO_PORTAL, name)
        return tuple(answer.body)

    def _exchange(self, message: Any) -> Any:
        """Send a message and return its answer; keep the signals that come before it."""
        try:
            with self._lock:
                serial = next(self._bus.outgoing_serial)
                self._bus.send(message, serial=serial)
            deadline = time.monotonic() + CALL_SECONDS
            while True:
                received = self._bus.receive(timeout=max(0.0, deadline - time.monotonic()))
                if received.header.fields.get(jeepney.HeaderFields.reply_serial) == serial:
                    return received
                self._signals.append(received)
        except (OSError, TimeoutError) as error:
            raise CaptureError(Reason.NO_PORTAL, type(error).__name__) from None

    def _ask(
        self,
        interface: str,
        method: str,
        signature: str,
        body: tuple[Any, ...],
        options: dict[str, tuple[str, Any]],
        seconds: float = CALL_SECONDS,
    ) -> dict[str, tuple[str, Any]]:
        """Call a method that answers by a signal, and return its results."""
        token = _token()
        all_options = {**options, "handle_token": ("s", token)}
        (request,) = self._call(interface, method, f"{signature}a{{sv}}", (*body, all_options))
        deadline = time.monotonic() + seconds
        while True:
            while self._signals:
                answer = self._response(self._signals.popleft(), request)
                if answer is not None:
                    return answer
            try:
                signal = self._bus.receive(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                # The dialog would stay open.
                self._close_object(request, _REQUEST)
                raise CaptureError(Reason.SCREEN_FORBIDDEN, f"{method} was not answered") from None
            except OSError as error:
                raise CaptureError(Reason.NO_PORTAL, type(error).__name__) from None
            self._signals.append(signal)

    def _response(self, signal: Any, request: str) -> dict[str, tuple[str, Any]] | None:
        fields = signal.header.fields
        if self._ends(signal):
            raise CaptureError(Reason.SCREEN_REVOKED)
        if not (
            self._is_ours(signal)
            and fields.get(jeepney.HeaderFields.member) == "Response"
            and fields.get(jeepney.HeaderFields.path) == request
        ):
            return None
        code, results = signal.body
        if code != _YES:
            raise CaptureError(Reason.SCREEN_FORBIDDEN, f"answer {code}")
        return dict(results)

    # --- while it goes on -------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return what can be read when the desktop says something."""
        return int(self._bus.sock.fileno())

    def listen(self) -> None:
        """Hear what the desktop has said. Raises CaptureError if it has ended the session."""
        try:
            while True:
                if self._ends(self._bus.receive(timeout=0)):
                    self.open = False
                    raise CaptureError(Reason.SCREEN_REVOKED)
        except TimeoutError:
            return
        except OSError as error:
            self.open = False
            raise CaptureError(Reason.SCREEN_LOST, type(error).__name__) from None

    def pipewire(self) -> int:
        """Return a file of PipeWire that shows the streams and nothing else; the caller closes it.

        Raises CaptureError.
        """
        body: tuple[Any, ...] = (self._session, {})
        (file,) = self._call(SCREEN_CAST, "OpenPipeWireRemote", "oa{sv}", body)
        return int(file.to_raw_fd())

    def notify(self, method: str, signature: str, *arguments: Any) -> None:
        """Use mouse or keyboard, from any thread: a method Notify.. and what follows its options.

        Raises ControlError.
        """
        address = jeepney.DBusAddress(_PATH, _BUS_NAME, REMOTE_DESKTOP)
        body = (self._session, {}, *arguments)
        message = jeepney.new_method_call(address, method, f"oa{{sv}}{signature}", body)
        # Nobody here would read an answer: the other thread reads.
        message.header.flags = jeepney.MessageFlag.no_reply_expected
        if not self.open:
            raise ControlError(Reason.SCREEN_REVOKED)
        try:
            with self._lock:
                self._bus.send(message)
        except OSError as error:
            raise ControlError(Reason.SCREEN_LOST, type(error).__name__) from None

    def close(self) -> None:
        """End the session, and what the desktop shows about it."""
        if self in _sessions:
            _sessions.remove(self)
        if self._session and self.open:
            self._close_object(self._session, _SESSION)
        self.open = False
        self._bus.close()

    def _ends(self, signal: Any) -> bool:
        """Whether a message says that the session, or the portal itself, is over."""
        fields = signal.header.fields
        member = fields.get(jeepney.HeaderFields.member)
        if member == "NameOwnerChanged":
            return bool(signal.body[1] == self._desktop)
        path = fields.get(jeepney.HeaderFields.path)
        ours = member == "Closed" and self._is_ours(signal)
        return ours and bool(path == self._session)

    def _is_ours(self, signal: Any) -> bool:
        """Whether the portal has sent this, and no other program on the bus."""
        return bool(signal.header.fields.get(jeepney.HeaderFields.sender) == self._desktop)

    def _close_object(self, path: str, interface: str) -> None:
        address = jeepney.DBusAddress(path, _BUS_NAME, interface)
        message = jeepney.new_method_call(address, "Close")
        message.header.flags = jeepney.MessageFlag.no_reply_expected
        # What has gone needs not be closed.
        with contextlib.suppress(OSError), self._lock:
            self._bus.send(message)


def session_that_shows(node: int) -> PortalSession | None:
    """Return the open session that shows this node; None if none does."""
    for session in _sessions:
        if session.open and any(stream.node == node for stream in session.streams):
            return session
    return None


# The sessions of this program: a share's pictures and its control are of one.
_sessions: Final[list[PortalSession]] = []


def _token() -> str:
    return f"proxim{secrets.token_hex(_TOKEN_BYTES)}"
