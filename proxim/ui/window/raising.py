"""Brings the window to the front because its person asked for that somewhere else: by a click on a
notification, or by starting Proxim again.

Window managers keep programs from doing so by themselves. On X11 the person's wish is told as a
task bar tells it (EWMH, _NET_ACTIVE_WINDOW with source 2); Windows lets the program that the person
started pass on its right to the foreground (io/desktop/windows_pipe.py).
"""

import ctypes
import logging
import tkinter
from typing import Any, Final

_log = logging.getLogger(__name__)

# Names and values of <X11/X.h>.
_CLIENT_MESSAGE: Final = 33
_SUBSTRUCTURE_NOTIFY: Final = 1 << 19
_SUBSTRUCTURE_REDIRECT: Final = 1 << 20
# EWMH: a pager or a task bar asks, so on behalf of the person.
_FROM_PERSON: Final = 2
_FORMAT_BITS: Final = 32

_Window = ctypes.c_ulong


class _ClientMessage(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", _Window),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        # What is sent is an XEvent, which is larger.
        ("padding", ctypes.c_long * 24),
    )


def raise_window(root: tkinter.Tk, dialog: tkinter.Toplevel | None = None) -> None:
    """Show the window in front of all others, with the focus; `dialog` is what is open above it."""
    if root.state() != "normal":
        root.deiconify()
    root.lift()
    if dialog is not None:
        dialog.lift()
    front: tkinter.Misc = dialog or root
    root.update_idletasks()
    if root.tk.call("tk", "windowingsystem") == "x11":
        _activate(front)
    # This is the widget that had the focus in that window.
    last = front.focus_lastfor() or front
    last.focus_force()


def _activate(window: tkinter.Misc) -> None:
    """Ask the window manager to activate a window."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError as error:
        # Tk has it built in somewhere else; lifting the window is all that can be done.
        _log.info("the window manager is not asked: %s", error)
        return
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XDefaultRootWindow.restype = _Window
    display = ctypes.c_void_p(x11.XOpenDisplay(window.winfo_screen().encode()))
    if not display:
        return
    try:
        _tell_manager(x11, display, _frame_of(x11, display, window.winfo_id()))
    finally:
        x11.XCloseDisplay(display)


def _frame_of(x11: Any, display: ctypes.c_void_p, window: int) -> int:
    """Return the window that Tk puts around a toplevel, which is what the window manager knows."""
    root, parent, children = _Window(), _Window(), ctypes.c_void_p()
    count = ctypes.c_uint()
    found = x11.XQueryTree(
        display,
        _Window(window),
        ctypes.byref(root),
        ctypes.byref(parent),
        ctypes.byref(children),
        ctypes.byref(count),
    )
    if children:
        x11.XFree(children)
    return parent.value if found and parent.value != root.value else window


def _tell_manager(x11: Any, display: ctypes.c_void_p, window: int) -> None:
    name = x11.XInternAtom(display, b"_NET_ACTIVE_WINDOW", 0)
    message = _ClientMessage(
        type=_CLIENT_MESSAGE, window=window, message_type=name, format=_FORMAT_BITS
    )
    message.data[0] = _FROM_PERSON
    x11.XSendEvent(
        display,
        _Window(x11.XDefaultRootWindow(display)),
        0,
        ctypes.c_long(_SUBSTRUCTURE_NOTIFY | _SUBSTRUCTURE_REDIRECT),
        ctypes.byref(message),
    )
    x11.XSync(display, 0)
