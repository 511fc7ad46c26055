"""A program with one window that writes down what mouse and keyboard do in it.

It reads its events with Xlib, as most programs do: what a key means is not our own opinion. Each
event is one JSON line. A client message is answered by a line of its own, which says that all
events before it have been written.
"""

import ctypes
import ctypes.util
import json
import sys
from typing import Final

KEY_PRESS: Final = 2
KEY_RELEASE: Final = 3
BUTTON_PRESS: Final = 4
BUTTON_RELEASE: Final = 5
CLIENT_MESSAGE: Final = 33
MAPPING_NOTIFY: Final = 34
# KeyPress, KeyRelease, ButtonPress, ButtonRelease.
EVENTS: Final = 0b1111
WORDS: Final = 24


class InputEvent(ctypes.Structure):
    """XKeyEvent and XButtonEvent, which have the same fields."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("root", ctypes.c_ulong),
        ("subwindow", ctypes.c_ulong),
        ("time", ctypes.c_ulong),
        ("x", ctypes.c_int),
        ("y", ctypes.c_int),
        ("x_root", ctypes.c_int),
        ("y_root", ctypes.c_int),
        ("state", ctypes.c_uint),
        ("detail", ctypes.c_uint),
        ("same_screen", ctypes.c_int),
    )


class AnyEvent(ctypes.Union):
    """XEvent."""

    _fields_ = (("type", ctypes.c_int), ("input", InputEvent), ("pad", ctypes.c_long * WORDS))


def write(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main(display_name: str, x: int, y: int, width: int, height: int) -> None:
    xlib = ctypes.CDLL(ctypes.util.find_library("X11"))
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    xlib.XOpenDisplay.argtypes = [ctypes.c_char_p]
    xlib.XDefaultRootWindow.restype = ctypes.c_ulong
    xlib.XCreateSimpleWindow.restype = ctypes.c_ulong
    display = ctypes.c_void_p(xlib.XOpenDisplay(display_name.encode()))
    root = ctypes.c_ulong(xlib.XDefaultRootWindow(display))
    window = ctypes.c_ulong(
        xlib.XCreateSimpleWindow(display, root, x, y, width, height, 0, 0, 0xFFFFFF)
    )
    xlib.XSelectInput(display, window, ctypes.c_long(EVENTS))
    xlib.XMapRaised(display, window)
    xlib.XSync(display, 0)
    # RevertToPointerRoot, CurrentTime.
    xlib.XSetInputFocus(display, window, 1, ctypes.c_ulong(0))
    xlib.XSync(display, 0)
    write(kind="ready", window=window.value)
    event = AnyEvent()
    text = ctypes.create_string_buffer(16)
    while True:
        xlib.XNextEvent(display, ctypes.byref(event))
        if event.type == MAPPING_NOTIFY:
            xlib.XRefreshKeyboardMapping(ctypes.byref(event))
        elif event.type == CLIENT_MESSAGE:
            write(kind="mark")
        elif event.type in (KEY_PRESS, KEY_RELEASE):
            keysym = ctypes.c_ulong()
            xlib.XLookupString(ctypes.byref(event), text, len(text), ctypes.byref(keysym), None)
            write(
                kind="press" if event.type == KEY_PRESS else "release",
                keycode=event.input.detail,
                state=event.input.state,
                keysym=keysym.value,
            )
        elif event.type in (BUTTON_PRESS, BUTTON_RELEASE):
            write(
                kind="down" if event.type == BUTTON_PRESS else "up",
                button=event.input.detail,
                x=event.input.x_root,
                y=event.input.y_root,
            )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
