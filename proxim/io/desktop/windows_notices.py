"""Notifications of Windows: balloons of an icon in the notification area, which Windows 10 and
later show as toasts.

An icon needs a window that hears of clicks, and a thread that waits for that window's messages.
This has never run on Windows; its parts are tried on a stand-in for the calls.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

from proxim.io.desktop.notifications import Notification
from proxim.io.system.windows_calls import DWORD, HANDLE, LONG, POINT, UINT, Calls

# winuser.h, shellapi.h
WM_APP: Final = 0x8000
_WAKE: Final = WM_APP
_ICON: Final = WM_APP + 1
WM_LBUTTONUP: Final = 0x0202
NIN_BALLOONTIMEOUT: Final = 0x0404
NIN_BALLOONUSERCLICK: Final = 0x0405
NIM_ADD: Final = 0
NIM_MODIFY: Final = 1
NIM_DELETE: Final = 2
_NIF_MESSAGE: Final = 0x01
_NIF_ICON: Final = 0x02
_NIF_TIP: Final = 0x04
_NIF_INFO: Final = 0x10
_NIIF_INFO: Final = 0x01
_NIIF_NOSOUND: Final = 0x10
# A person who is presenting or plays in full screen is left alone.
_NIIF_RESPECT_QUIET_TIME: Final = 0x80
_HWND_MESSAGE: Final = -3
_IDI_INFORMATION: Final = 32516
_CLASS_NAME: Final = "ProximNotices"
# Characters with the zero at the end.
_TIP: Final = 128
_INFO: Final = 256
_TITLE: Final = 64
# A window procedure's result and parameters. With 64 bits, Windows has only one convention.
if sys.platform == "win32":
    _PROCEDURE = ctypes.WINFUNCTYPE(
        ctypes.c_ssize_t, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t
    )
else:
    _PROCEDURE = ctypes.CFUNCTYPE(ctypes.c_ssize_t, HANDLE, UINT, ctypes.c_size_t, ctypes.c_ssize_t)


class NOTIFYICONDATA(ctypes.Structure):
    """An icon in the notification area, with its balloon."""

    _fields_ = (
        ("cbSize", DWORD),
        ("hWnd", HANDLE),
        ("uID", UINT),
        ("uFlags", UINT),
        ("uCallbackMessage", UINT),
        ("hIcon", HANDLE),
        # Units of UTF-16.
        ("szTip", ctypes.c_uint16 * _TIP),
        ("dwState", DWORD),
        ("dwStateMask", DWORD),
        ("szInfo", ctypes.c_uint16 * _INFO),
        ("uVersion", UINT),
        ("szInfoTitle", ctypes.c_uint16 * _TITLE),
        ("dwInfoFlags", DWORD),
        ("guidItem", ctypes.c_uint8 * 16),
        ("hBalloonIcon", HANDLE),
    )


class WNDCLASS(ctypes.Structure):
    """A kind of windows."""

    _fields_ = (
        ("style", UINT),
        ("lpfnWndProc", _PROCEDURE),
        ("cbClsExtra", LONG),
        ("cbWndExtra", LONG),
        ("hInstance", HANDLE),
        ("hIcon", HANDLE),
        ("hCursor", HANDLE),
        ("hbrBackground", HANDLE),
        ("lpszMenuName", HANDLE),
        ("lpszClassName", ctypes.c_wchar_p),
    )


class MSG(ctypes.Structure):
    """A message of a window."""

    _fields_ = (
        ("hwnd", HANDLE),
        ("message", UINT),
        ("wParam", ctypes.c_size_t),
        ("lParam", ctypes.c_ssize_t),
        ("time", DWORD),
        ("pt", POINT),
    )


def put_text(field: Any, text: str) -> None:
    """Write a text with a zero behind it, cut to what the field holds at a whole character."""
    units = text.encode("utf-16-le", "replace")[: 2 * (len(field) - 1)]
    # This leaves out half of a surrogate pair.
    units = units.decode("utf-16-le", "ignore").encode("utf-16-le") + b"\0\0"
    for at in range(0, len(units), 2):
        field[at // 2] = int.from_bytes(units[at : at + 2], "little")


class Shell(Protocol):
    """The calls of Windows that are needed here."""

    def make_window(self, procedure: Any) -> int:
        """Make a window that is never seen; `procedure` gets its messages. Raises OSError."""

    def notify_icon(self, what: int, data: NOTIFYICONDATA) -> bool:
        """Add, change or remove an icon."""

    def icon(self) -> int | None:
        """Return the picture of the icon."""

    def message(self) -> int:
        """Wait for a message, and have it handled; return which one it was. Raises OSError."""

    def post(self, window: int, message: int) -> None:
        """Put a message into a window's queue; any thread may do so."""

    def default(self, window: int, message: int, wide: int, long: int) -> int:
        """Handle a message as Windows does by itself."""

    def destroy(self, window: int) -> None:
        """Remove the window."""


class _Windows:
    """The calls, made."""

    def __init__(self) -> None:
        user, shell = Calls("user32"), Calls("shell32")
        word, number = ctypes.c_size_t, ctypes.c_ssize_t
        pointer = ctypes.c_void_p
        self._register = user.declare("RegisterClassW", ctypes.c_uint16, pointer)
        self._create = user.declare(
            "CreateWindowExW",
            HANDLE,
            *(DWORD, ctypes.c_wchar_p, ctypes.c_wchar_p, DWORD, LONG, LONG, LONG, LONG),
            *(HANDLE, HANDLE, HANDLE, pointer),
        )
        self._destroy = user.declare("DestroyWindow", LONG, HANDLE)
        self._default = user.declare("DefWindowProcW", number, HANDLE, UINT, word, number)
        self._get = user.declare("GetMessageW", LONG, pointer, HANDLE, UINT, UINT)
        self._dispatch = user.declare("DispatchMessageW", number, pointer)
        self._post = user.declare("PostMessageW", LONG, HANDLE, UINT, word, number)
        self._load_icon = user.declare("LoadIconW", HANDLE, HANDLE, pointer)
        self._notify = shell.declare("Shell_NotifyIconW", LONG, DWORD, pointer)

    def make_window(self, procedure: Any) -> int:
        kind = WNDCLASS(lpfnWndProc=procedure, lpszClassName=_CLASS_NAME)
        # A second notifier of this process finds the class; its procedure is then the first one's,
        # so each has its own name.
        kind.lpszClassName = name = f"{_CLASS_NAME}{id(procedure)}"
        self._register(ctypes.byref(kind))
        window = self._create(0, name, name, 0, 0, 0, 0, 0, _HWND_MESSAGE, None, None, None)
        if not window:
            raise OSError("no window for notifications")
        return int(window)

    def notify_icon(self, what: int, data: NOTIFYICONDATA) -> bool:
        return bool(self._notify(what, ctypes.byref(data)))

    def icon(self) -> int | None:
        found: int | None = self._load_icon(None, _IDI_INFORMATION)
        return found

    def message(self) -> int:
        message = MSG()
        if self._get(ctypes.byref(message), None, 0, 0) <= 0:
            raise OSError("no messages")
        self._dispatch(ctypes.byref(message))
        return int(message.message)

    def post(self, window: int, message: int) -> None:
        self._post(window, message, 0, 0)

    def default(self, window: int, message: int, wide: int, long: int) -> int:
        return int(self._default(window, message, wide, long))

    def destroy(self, window: int) -> None:
        self._destroy(window)


class WindowsService:
    """The notification area. Make, use and close it on one thread; any may call `wake`."""

    def __init__(
        self, clicked: Callable[[], None] | None, make_shell: Callable[[], Shell] = _Windows
    ) -> None:
        self._clicked = clicked
        try:
            self._shell = make_shell()
        except AttributeError as error:
            raise OSError(str(error)) from None
        # A number for the icon of each place, and those that are there.
        self._numbers: dict[str, int] = {}
        self._there: set[int] = set()
        # It must live as long as the window.
        self._procedure = _PROCEDURE(self._hear)
        self._window = self._shell.make_window(self._procedure)

    def show(self, notification: Notification) -> None:
        """Show a notification in its place."""
        number = self._numbers.setdefault(notification.place, len(self._numbers) + 1)
        data = self._data(number)
        data.uFlags = _NIF_MESSAGE | _NIF_ICON | _NIF_TIP | _NIF_INFO
        data.uCallbackMessage = _ICON
        data.hIcon = self._shell.icon()
        data.dwInfoFlags = _NIIF_INFO | _NIIF_RESPECT_QUIET_TIME
        if notification.silent:
            data.dwInfoFlags |= _NIIF_NOSOUND
        put_text(data.szTip, "Proxim")
        put_text(data.szInfoTitle, notification.title)
        put_text(data.szInfo, notification.body)
        what = NIM_MODIFY if number in self._there else NIM_ADD
        if not self._shell.notify_icon(what, data):
            # There is no notification area (Windows Server Core), or the shell has just restarted.
            self._there.discard(number)
            raise OSError("the notification area takes no icon")
        self._there.add(number)

    def withdraw(self, place: str) -> None:
        """Take back what is shown in this place, if something is."""
        self._remove(self._numbers.get(place, 0))

    def wait(self) -> None:
        """Wait until `wake`, and call back for the clicks that come meanwhile."""
        while self._shell.message() != _WAKE:
            pass

    def wake(self) -> None:
        """Let `wait` return, now or when it is called next."""
        self._shell.post(self._window, _WAKE)

    def close(self) -> None:
        """Remove the icons and the window."""
        for number in [*self._there]:
            self._remove(number)
        self._shell.destroy(self._window)

    def _data(self, number: int) -> NOTIFYICONDATA:
        return NOTIFYICONDATA(cbSize=ctypes.sizeof(NOTIFYICONDATA), hWnd=self._window, uID=number)

    def _remove(self, number: int) -> None:
        if number in self._there:
            self._there.discard(number)
            self._shell.notify_icon(NIM_DELETE, self._data(number))

    def _hear(self, window: int, message: int, wide: int, long: int) -> int:
        """Handle a message of the window; Windows calls this."""
        if message != _ICON:
            return self._shell.default(window, message, wide, long)
        what = long & 0xFFFF
        if what in (NIN_BALLOONUSERCLICK, WM_LBUTTONUP) and self._clicked is not None:
            self._clicked()
        if what in (NIN_BALLOONUSERCLICK, WM_LBUTTONUP, NIN_BALLOONTIMEOUT):
            self._remove(wide)
        return 0
