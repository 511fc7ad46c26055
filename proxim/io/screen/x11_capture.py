"""The screen of an X11 server: its monitors, what changes on it, its pixels, and the pointer.

The server copies pixels into memory that both share (MIT-SHM), which takes a millisecond or two for
a whole screen. What changed is told by DAMAGE: the server gathers it in a region and says once that
there is something, until the region is fetched. So a program that draws ten thousand lines costs as
much here as one that draws one, and nothing piles up while nobody looks.
Everything here but `wake` belongs to the thread that made it.
"""

import contextlib
import ctypes
import io
import mmap
import os
import selectors
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any, Final, Self

import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xinput
import xcffib.xproto
from PIL import Image

from proxim.core.errors import Reason
from proxim.core.screen.messages import (
    MAX_MONITOR_NAME_BYTES,
    MAX_MONITORS,
    MAX_PIXEL_RATIO,
    Monitor,
    with_all,
)
from proxim.core.screen.updates import (
    KEPT_SHAPES,
    MAX_POINTER_SIDE,
    Pointer,
    PointerShape,
    Rectangle,
)
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.pixels import PIXEL_BYTES, Picture

# The versions that are spoken: regions, monitors and raw motion need no newer ones.
_DAMAGE: Final = (1, 1)
_RANDR: Final = (1, 5)
_XFIXES: Final = (4, 0)
_XINPUT: Final = (2, 2)
# A desktop's pixels are 24 bits of colour in 32 (the "unused" byte is the fourth).
_DEPTHS: Final = (24, 32)
# XFixes and DAMAGE name no region so.
_NO_REGION: Final = 0
# XInput's name of all mice together.
_ALL_MASTER_DEVICES: Final = 1
_IPC_PRIVATE: Final = 0
_IPC_CREAT: Final = 0o1000
_IPC_RMID: Final = 0
_OWN_ONLY: Final = 0o600
# DAMAGE was seen to fall silent; so often its region is fetched also if it says nothing.
_WATCHDOG_SECONDS: Final = 1.0
# Xft's resolution is a pixel for each 96th of an inch where nothing is scaled.
_DPI: Final = 96
# The desktop's resources are some hundred bytes; so many words of them are read.
_MOST_RESOURCES: Final = 64 * 1024
# The numbers of shapes are 16 bits, and 0 is no shape.
_MOST_SHAPES: Final = 0xFFFF


class SharedPixels:
    """Memory that the X server writes pixels into."""

    id: int
    view: memoryview
    _libc: ctypes.CDLL
    _address: int | None

    def __init__(self, size: int) -> None:
        if sys.platform == "win32":
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, "shared memory of System V")
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        libc.shmdt.argtypes = [ctypes.c_void_p]
        whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._libc = libc
        self.id = libc.shmget(_IPC_PRIVATE, ctypes.c_size_t(whole), _IPC_CREAT | _OWN_ONLY)
        if self.id == -1:
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, os.strerror(ctypes.get_errno()))
        self._address = libc.shmat(self.id, None, 0)
        if self._address in (None, ctypes.c_void_p(-1).value):
            self.forget()
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, os.strerror(ctypes.get_errno()))
        self.view = memoryview((ctypes.c_ubyte * size).from_address(self._address)).cast("B")

    def forget(self) -> None:
        """Let the memory go with the last process that uses it, also if that is killed."""
        self._libc.shmctl(self.id, _IPC_RMID, None)

    def close(self) -> None:
        """Give the memory back; no part of `view` may be in use any more."""
        self.view.release()
        self._libc.shmdt(self._address)


class X11Capture:
    """Looks at one X display, as Capture says."""

    def __init__(self, display: str) -> None:
        """Begin to look; the first `look` says that all has changed. Raises CaptureError."""
        try:
            self._connection = xcffib.Connection(display=display)
        except xcffib.ConnectionException as error:
            raise CaptureError(Reason.NO_SCREEN, type(error).__name__) from None
        # A thread that wakes this one writes into the second.
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._shared: SharedPixels | None = None
        self._segment = 0
        try:
            self._open()
        except CaptureError:
            self.close()
            raise
        except xcffib.XcffibException as error:
            self.close()
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, type(error).__name__) from None

    def _open(self) -> None:
        for end in (self._woken, self._waker):
            end.setblocking(False)
        connection = self._connection
        for one in (self._woken.fileno(), connection.get_file_descriptor()):
            self._selector.register(one, selectors.EVENT_READ)
        screen = connection.get_setup().roots[connection.pref_screen]
        if screen.root_depth not in _DEPTHS:
            raise CaptureError(Reason.SCREEN_UNSUPPORTED, f"{screen.root_depth} bits")
        self._root = screen.root
        self._damage = connection(xcffib.damage.key)
        self._shm = connection(xcffib.shm.key)
        self._randr = connection(xcffib.randr.key)
        self._fixes = connection(xcffib.xfixes.key)
        self._input = connection(xcffib.xinput.key)
        self._damage.QueryVersion(*_DAMAGE).reply()
        self._shm.QueryVersion().reply()
        self._randr.QueryVersion(*_RANDR).reply()
        self._fixes.QueryVersion(*_XFIXES).reply()
        self._input.XIQueryVersion(*_XINPUT).reply()
        self._randr.SelectInput(self._root, xcffib.randr.NotifyMask.ScreenChange)
        # Monitors that a person defines ("xrandr --setmonitor") are told by this one only.
        attributes = xcffib.xproto.CW.EventMask, [xcffib.xproto.EventMask.StructureNotify]
        connection.core.ChangeWindowAttributes(self._root, *attributes)
        self._fixes.SelectCursorInput(self._root, xcffib.xfixes.CursorNotifyMask.DisplayCursor)
        motion = xcffib.xinput.EventMask.synthetic(
            _ALL_MASTER_DEVICES, 1, [xcffib.xinput.XIEventMask.RawMotion]
        )
        self._input.XISelectEvents(self._root, 1, [motion], is_checked=True).check()
        # Monitors keep their numbers as long as this looks, by the atoms of their names.
        self._numbers: dict[int, int] = {}
        # The shapes of the pointer by the server's numbers, the newest last.
        self._shapes: dict[int, int] = {}
        self._pictures: dict[int, PointerShape] = {}
        self._newest_shape = self._shown_shape = 0
        self._pointer: Pointer | None = None
        self._pointer_changed = self._cursor_changed = True
        self._monitors_changed = False
        self._root_changed = False
        self._measure()
        self._region = connection.generate_id()
        self._fixes.CreateRegion(self._region, 0, [], is_checked=True).check()
        self._watch = connection.generate_id()
        level = xcffib.damage.ReportLevel.NonEmpty
        self._damage.Create(self._watch, self._root, level, is_checked=True).check()
        self._damaged = True
        self._changed = [Rectangle(0, 0, self._width, self._height)]

    def _measure(self) -> None:
        """Share memory of the root window's size."""
        size = self._connection.core.GetGeometry(self._root).reply()
        self._width, self._height = size.width, size.height
        if self._shared is not None:
            self._shm.Detach(self._segment)
            self._shared.close()
        self._shared = SharedPixels(self._width * self._height * PIXEL_BYTES)
        self._segment = self._connection.generate_id()
        try:
            self._shm.Attach(self._segment, self._shared.id, 0, is_checked=True).check()
        finally:
            self._shared.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them.

        A `look` may give the memory back, if the desktop has another size afterwards.
        """
        assert self._shared is not None
        return Picture(self._width, self._height, self._shared.view)

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors, the primary one first, and last all of them together; a desktop
        without any is one itself.
        """
        with _lost():
            answer = self._randr.GetMonitors(self._root, 1).reply()
            scale = self._scale()
            found = sorted(answer.monitors, key=lambda one: not one.primary)
            monitors = [
                Monitor(
                    self._numbers.setdefault(one.name, len(self._numbers)),
                    self._name(one.name),
                    one.x,
                    one.y,
                    one.width,
                    one.height,
                    scale,
                )
                for one in found[:MAX_MONITORS]
                if one.width and one.height
            ]
        if not monitors:
            return (Monitor(0, "", 0, 0, self._width, self._height, scale),)
        return with_all(tuple(monitors), self._width, self._height)

    def look(self, seconds: float) -> Seen:
        """Return what happened; wait for it at most so long. Raises CaptureError."""
        with _lost():
            self._read_events()
            if seconds > 0 and not self._happened:
                self._wait(seconds)
                self._read_events()
            if self._root_changed:
                self._root_changed = False
                self._measure()
                self._changed = [Rectangle(0, 0, self._width, self._height)]
            # Both answers are waited for together.
            place = self._connection.core.QueryPointer(self._root)
            if self._damaged:
                self._damaged = False
                self._fetch_damage()
            pointer = self._place(place)
        changed, self._changed = tuple(self._changed), []
        monitors_changed, self._monitors_changed = self._monitors_changed, False
        return Seen(changed, monitors_changed, pointer)

    def wake(self) -> None:
        """End a `look` that waits, from any thread."""
        # It is full of wakes that nobody has looked at, or closed.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of these rows into `picture`; whole rows, because they lie together."""
        # The desktop may have become smaller; then the next look says so.
        with _lost(), contextlib.suppress(xcffib.xproto.MatchError):
            self._shm.GetImage(
                self._root,
                0,
                place.y,
                self._width,
                place.height,
                0xFFFFFFFF,
                xcffib.xproto.ImageFormat.ZPixmap,
                self._segment,
                place.y * self._width * PIXEL_BYTES,
            ).reply()

    def pointer_shape(self, shape: int) -> PointerShape:
        """Return the picture of a shape that the last `look` has named."""
        return self._pictures[shape]

    def close(self) -> None:
        """Look no longer."""
        self._selector.close()
        self._connection.disconnect()
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        self._woken.close()
        self._waker.close()

    # --- monitors ---------------------------------------------------------------------------------

    def _name(self, atom: int) -> str:
        name = str(self._connection.core.GetAtomName(atom).reply().name.to_string())
        return name.encode()[:MAX_MONITOR_NAME_BYTES].decode(errors="ignore")

    def _scale(self) -> float:
        """Return how large the person's programs draw: X11 knows one such number for all."""
        resources = self._connection.core.GetProperty(
            False,
            self._root,
            xcffib.xproto.Atom.RESOURCE_MANAGER,
            xcffib.xproto.Atom.STRING,
            0,
            _MOST_RESOURCES,
        ).reply()
        return scale_of(bytes(resources.value.buf()))

    # --- what happens -----------------------------------------------------------------------------

    @property
    def _happened(self) -> bool:
        return bool(
            self._damaged
            or self._changed
            or self._monitors_changed
            or self._pointer_changed
            or self._root_changed
        )

    def _wait(self, seconds: float) -> None:
        self._connection.flush()
        ready = self._selector.select(min(seconds, _WATCHDOG_SECONDS))
        if not ready and seconds >= _WATCHDOG_SECONDS:
            self._damaged = True
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def _read_events(self) -> None:
        while (event := self._connection.poll_for_event()) is not None:
            match event:
                case xcffib.damage.NotifyEvent():
                    self._damaged = True
                case xcffib.randr.ScreenChangeNotifyEvent() | xcffib.xproto.ConfigureNotifyEvent():
                    self._monitors_changed = self._root_changed = True
                case xcffib.xfixes.CursorNotifyEvent():
                    self._pointer_changed = self._cursor_changed = True
                case xcffib.xinput.RawMotionEvent():
                    self._pointer_changed = True

    def _fetch_damage(self) -> None:
        """Take what has gathered; from then on the server tells of the next change again."""
        self._damage.Subtract(self._watch, _NO_REGION, self._region)
        fetched = self._fixes.FetchRegion(self._region).reply()
        self._changed += [
            Rectangle(one.x, one.y, one.width, one.height) for one in fetched.rectangles
        ]

    # --- the pointer ------------------------------------------------------------------------------

    def _place(self, asked: xcffib.xproto.QueryPointerCookie) -> Pointer | None:
        """Return where the pointer is and how it looks, if that is news.

        It is asked at each look, since a program that moves the pointer makes no raw motion.
        """
        self._pointer_changed = False
        if self._cursor_changed:
            self._cursor_changed = False
            self._read_shape()
        at = asked.reply()
        pointer = Pointer(self._shown_shape, at.root_x, at.root_y)
        if pointer == self._pointer:
            return None
        self._pointer = pointer
        return pointer

    def _read_shape(self) -> None:
        image = self._fixes.GetCursorImage().reply()
        serial = image.cursor_serial
        if serial not in self._shapes:
            if len(self._shapes) >= KEPT_SHAPES:
                # Whoever sees has forgotten that one, too.
                del self._pictures[self._shapes.pop(next(iter(self._shapes)))]
            self._newest_shape = self._newest_shape % _MOST_SHAPES + 1
            self._shapes[serial] = self._newest_shape
            self._pictures[self._newest_shape] = _shape(self._newest_shape, image)
        self._shown_shape = self._shapes[serial]


def _shape(number: int, image: Any) -> PointerShape:
    width, height = max(1, image.width), max(1, image.height)
    pixels = struct.pack(f"={len(image.cursor_image)}I", *image.cursor_image)
    if not pixels:
        pixels = bytes(PIXEL_BYTES)
    # The colours are multiplied by their opacity, and in the order of this machine's numbers.
    order = "BGRa" if sys.byteorder == "little" else "aRGB"
    picture = Image.frombytes("RGBA", (width, height), pixels, "raw", order)
    picture.thumbnail((MAX_POINTER_SIDE, MAX_POINTER_SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    hot_x = min(image.xhot * picture.width // width, picture.width - 1)
    hot_y = min(image.yhot * picture.height // height, picture.height - 1)
    return PointerShape(number, picture.width, picture.height, hot_x, hot_y, out.getvalue())


def scale_of(resources: bytes) -> float:
    """Return the scaling that the desktop's resources name: 1.0 is 96 pixels an inch."""
    for line in resources.splitlines():
        name, _, value = line.partition(b":")
        if name.strip() == b"Xft.dpi":
            with contextlib.suppress(ValueError):
                scale = float(value) / _DPI
                if 0.1 <= scale <= MAX_PIXEL_RATIO:
                    return round(scale, 3)
    return 1.0


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    """Turn what is raised when the server ends, or refuses what it did before, into its reason."""
    try:
        yield
    except xcffib.XcffibException as error:
        raise CaptureError(Reason.SCREEN_LOST, type(error).__name__) from None
