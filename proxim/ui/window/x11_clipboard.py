"""Reads the clipboard of an X11 display as bytes, also one of many megabytes.

Tk alone cannot: it gives up on a property of more than 400 kB (text from xclip, pictures), and
spells bytes as "0x89 0x50". xclip and wl-paste are missing on most desktops, while libX11 is
wherever Tk shows a window. Under Wayland the compositor offers its clipboard to X11 programs in the
same way.

The protocol is that of the Inter-Client Communication Conventions Manual, chapter 2: the owner puts
the content into a property of our window, or says INCR and puts one piece after the other there.
"""

import ctypes
import select
import time
from types import TracebackType
from typing import Final, Self

# Seconds without an answer or a next piece. Owners answer in milliseconds, and the window stands
# still meanwhile.
ANSWER_SECONDS: Final = 2.0
# A picture of an 8K screen is rarely larger; anything more would fill the memory.
MAX_BYTES: Final = 64 * 1024 * 1024

_CLIPBOARD: Final = b"CLIPBOARD"
_PROPERTY: Final = b"PROXIM_CLIPBOARD"
# Names and values of <X11/X.h> and <X11/Xatom.h>.
_PROPERTY_NOTIFY: Final = 28
_SELECTION_NOTIFY: Final = 31
_NEW_VALUE: Final = 0
_PROPERTY_CHANGE_MASK: Final = 1 << 22
_CURRENT_TIME: Final = 0
_ANY_TYPE: Final = 0
_NO_ATOM: Final = 0

_Atom = ctypes.c_ulong
_Window = ctypes.c_ulong
_Display = ctypes.c_void_p


class _SelectionEvent(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", _Display),
        ("requestor", _Window),
        ("selection", _Atom),
        ("target", _Atom),
        ("property", _Atom),
        ("time", ctypes.c_ulong),
    )


class _PropertyEvent(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", _Display),
        ("window", _Window),
        ("atom", _Atom),
        ("time", ctypes.c_ulong),
        ("state", ctypes.c_int),
    )


class _Event(ctypes.Union):
    # Xlib makes every event as large as 24 longs.
    _fields_ = (
        ("type", ctypes.c_int),
        ("selection", _SelectionEvent),
        ("property", _PropertyEvent),
        ("pad", ctypes.c_long * 24),
    )


class LibraryMissingError(Exception):
    """Raised when libX11 cannot be loaded; its text is the library's name."""


class TooLargeError(Exception):
    """Raised when the clipboard has more than MAX_BYTES."""


def _library() -> ctypes.CDLL:
    name = "libX11.so.6"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        raise LibraryMissingError(name) from None
    integer, pointer = ctypes.c_int, ctypes.POINTER
    lib.XOpenDisplay.argtypes = [ctypes.c_char_p]
    lib.XOpenDisplay.restype = _Display
    lib.XCloseDisplay.argtypes = [_Display]
    lib.XConnectionNumber.argtypes = [_Display]
    lib.XDefaultRootWindow.argtypes = [_Display]
    lib.XDefaultRootWindow.restype = _Window
    lib.XCreateSimpleWindow.argtypes = [
        _Display,
        _Window,
        integer,
        integer,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]
    lib.XCreateSimpleWindow.restype = _Window
    lib.XSelectInput.argtypes = [_Display, _Window, ctypes.c_long]
    lib.XInternAtom.argtypes = [_Display, ctypes.c_char_p, integer]
    lib.XInternAtom.restype = _Atom
    lib.XConvertSelection.argtypes = [_Display, _Atom, _Atom, _Atom, _Window, ctypes.c_ulong]
    lib.XPending.argtypes = [_Display]
    lib.XNextEvent.argtypes = [_Display, pointer(_Event)]
    lib.XGetWindowProperty.argtypes = [
        _Display,
        _Window,
        _Atom,
        ctypes.c_long,
        ctypes.c_long,
        integer,
        _Atom,
        pointer(_Atom),
        pointer(integer),
        pointer(ctypes.c_ulong),
        pointer(ctypes.c_ulong),
        pointer(ctypes.c_void_p),
    ]
    lib.XDeleteProperty.argtypes = [_Display, _Window, _Atom]
    lib.XFree.argtypes = [ctypes.c_void_p]
    return lib


class X11Clipboard:
    """A connection of its own to the display, to be used in a `with` statement.

    Raises LibraryMissingError without libX11, and OSError if the display does not answer.
    """

    def __init__(self, display: str) -> None:
        self._lib = _library()
        self._display = self._lib.XOpenDisplay(display.encode())
        if not self._display:
            raise OSError("no connection to the display")
        root = self._lib.XDefaultRootWindow(self._display)
        # The window is never shown; it only has the property.
        self._window = self._lib.XCreateSimpleWindow(self._display, root, 0, 0, 1, 1, 0, 0, 0)
        # The pieces of a large content are announced by changes of the property.
        self._lib.XSelectInput(self._display, self._window, _PROPERTY_CHANGE_MASK)
        self._property = self._atom(_PROPERTY)
        self._incr = self._atom(b"INCR")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The window goes with its connection.
        self._lib.XCloseDisplay(self._display)

    def read(self, target: str) -> bytes | None:
        """Return the clipboard's content in this type, or None if its owner does not give it.

        Raises TooLargeError beyond MAX_BYTES, and TimeoutError if the owner does not answer or
        stops before the end. The window's own program must not be the owner, as it cannot answer
        while it waits here.
        """
        self._lib.XConvertSelection(
            self._display,
            self._atom(_CLIPBOARD),
            self._atom(target.encode()),
            self._property,
            self._window,
            _CURRENT_TIME,
        )
        answer = self._next(_SELECTION_NOTIFY)
        if answer.selection.property == _NO_ATOM:
            return None
        kind, content = self._take_property()
        if kind == self._incr:
            return self._pieces()
        return content

    def _pieces(self) -> bytes:
        """Return what comes piece by piece."""
        whole = bytearray()
        while True:
            event = self._next(_PROPERTY_NOTIFY)
            if event.property.state != _NEW_VALUE or event.property.atom != self._property:
                continue
            kind, piece = self._take_property()
            if kind == _NO_ATOM:
                # The event was about the announcement, which is read already.
                continue
            if not piece:
                return bytes(whole)
            whole += piece
            if len(whole) > MAX_BYTES:
                raise TooLargeError

    def _take_property(self) -> tuple[int, bytes]:
        """Return the type and the bytes of the property, and remove it, which asks for the next
        piece.
        """
        kind, form = _Atom(), ctypes.c_int()
        count, after = ctypes.c_ulong(), ctypes.c_ulong()
        data = ctypes.c_void_p()
        self._lib.XGetWindowProperty(
            self._display,
            self._window,
            self._property,
            0,
            # The length is in units of four bytes.
            MAX_BYTES // 4,
            True,
            _ANY_TYPE,
            ctypes.byref(kind),
            ctypes.byref(form),
            ctypes.byref(count),
            ctypes.byref(after),
            ctypes.byref(data),
        )
        # Only bytes are asked for; TARGETS, which is a list of 32 bits each, Tk reads well.
        content = ctypes.string_at(data, count.value) if data and form.value == 8 else b""
        if data:
            self._lib.XFree(data)
        if after.value:
            raise TooLargeError
        return kind.value, content

    def _next(self, kind: int) -> _Event:
        """Return the next event of a kind; raise TimeoutError after ANSWER_SECONDS without one."""
        deadline = time.monotonic() + ANSWER_SECONDS
        event = _Event()
        while True:
            # This sends what is still to be sent, too.
            while self._lib.XPending(self._display):
                self._lib.XNextEvent(self._display, ctypes.byref(event))
                if event.type == kind:
                    return event
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the owner of the clipboard does not answer")
            select.select([self._lib.XConnectionNumber(self._display)], [], [], left)

    def _atom(self, name: bytes) -> int:
        return int(self._lib.XInternAtom(self._display, name, False))
