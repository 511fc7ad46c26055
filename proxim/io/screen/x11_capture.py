"""The screen of an X11 server: its monitors, what changes on it, and its pixels.

The server copies pixels into memory that both share (MIT-SHM), which takes a millisecond or two for
a whole screen. What changed is told by DAMAGE, as raw rectangles: the merged ones fell silent under
load.
Everything here belongs to the thread that made it.
"""

import ctypes
import mmap
import os
import select
import sys
from typing import Any, Final, Self

import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xproto

from proxim.core.errors import ProximError, Reason
from proxim.core.screen.messages import MAX_MONITOR_NAME_BYTES, Monitor
from proxim.core.screen.updates import Rectangle
from proxim.io.screen.pixels import PIXEL_BYTES, Picture

# The versions that are spoken: raw rectangles and monitors need no newer ones.
_DAMAGE: Final = (1, 1)
_RANDR: Final = (1, 5)
# A desktop's pixels are 24 bits of colour in 32 (the "unused" byte is the fourth).
_DEPTHS: Final = (24, 32)
_IPC_PRIVATE: Final = 0
_IPC_CREAT: Final = 0o1000
_IPC_RMID: Final = 0
_OWN_ONLY: Final = 0o600


class CaptureError(ProximError):
    """The screen cannot be captured."""


class SharedPixels:
    """Memory that the X server writes pixels into."""

    def __init__(self, size: int) -> None:
        if sys.platform == "win32":
            raise CaptureError(Reason.UNSUPPORTED, "shared memory of System V")
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        libc.shmdt.argtypes = [ctypes.c_void_p]
        whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._libc = libc
        self.id = libc.shmget(_IPC_PRIVATE, ctypes.c_size_t(whole), _IPC_CREAT | _OWN_ONLY)
        if self.id == -1:
            raise CaptureError(Reason.UNSUPPORTED, os.strerror(ctypes.get_errno()))
        self._address = libc.shmat(self.id, None, 0)
        if self._address in (None, ctypes.c_void_p(-1).value):
            self.forget()
            raise CaptureError(Reason.UNSUPPORTED, os.strerror(ctypes.get_errno()))
        self.view = memoryview((ctypes.c_ubyte * size).from_address(self._address)).cast("B")

    def forget(self) -> None:
        """Let the memory go with the last process that uses it, also if that is killed."""
        self._libc.shmctl(self.id, _IPC_RMID, None)

    def close(self) -> None:
        """Give the memory back; `view` must not be used any more."""
        self.view.release()
        self._libc.shmdt(self._address)


class X11Capture:
    """Looks at one X display. Raises CaptureError where it cannot be looked at."""

    def __init__(self, display: str) -> None:
        try:
            self._connection = xcffib.Connection(display=display)
        except xcffib.ConnectionException as error:
            raise CaptureError(Reason.UNSUPPORTED, type(error).__name__) from None
        try:
            self._open()
        except (xcffib.ExtensionNotFoundException, xcffib.ProtocolException) as error:
            self._connection.disconnect()
            raise CaptureError(Reason.UNSUPPORTED, type(error).__name__) from None

    def _open(self) -> None:
        connection = self._connection
        self._screen = connection.get_setup().roots[connection.pref_screen]
        if self._screen.root_depth not in _DEPTHS:
            raise CaptureError(Reason.UNSUPPORTED, f"{self._screen.root_depth} bits")
        self._damage = connection(xcffib.damage.key)
        self._shm = connection(xcffib.shm.key)
        self._randr = connection(xcffib.randr.key)
        self._damage.QueryVersion(*_DAMAGE).reply()
        self._shm.QueryVersion().reply()
        self._randr.QueryVersion(*_RANDR).reply()
        size = self._screen.width_in_pixels, self._screen.height_in_pixels
        self._width, self._height = size
        self._shared = SharedPixels(self._width * self._height * PIXEL_BYTES)
        self._segment = connection.generate_id()
        self._shm.Attach(self._segment, self._shared.id, 0, is_checked=True).check()
        self._shared.forget()
        self._watch = connection.generate_id()
        level = xcffib.damage.ReportLevel.RawRectangles
        self._damage.Create(self._watch, self._screen.root, level, is_checked=True).check()
        self._changed: list[Rectangle] = [Rectangle(0, 0, self._width, self._height)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them."""
        return Picture(self._width, self._height, self._shared.view)

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors, the primary one first; a desktop without any is one itself."""
        answer = self._randr.GetMonitors(self._screen.root, 1).reply()
        found = sorted(answer.monitors, key=lambda one: not one.primary)
        monitors = [
            Monitor(number, self._name(one.name), one.x, one.y, one.width, one.height)
            for number, one in enumerate(found)
            if one.width and one.height
        ]
        return tuple(monitors) or (Monitor(0, "", 0, 0, self._width, self._height),)

    def changes(self, seconds: float) -> list[Rectangle]:
        """Return what changed since the last call, after at most `seconds` if nothing has."""
        self._read_events()
        if not self._changed and seconds > 0:
            self._connection.flush()
            select.select([self._connection.get_file_descriptor()], [], [], seconds)
            self._read_events()
        changed, self._changed = self._changed, []
        return changed

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of these rows into `picture`; whole rows, because they lie together."""
        offset = place.y * self._width * PIXEL_BYTES
        image_format = xcffib.xproto.ImageFormat.ZPixmap
        self._shm.GetImage(
            self._screen.root,
            0,
            place.y,
            self._width,
            place.height,
            0xFFFFFFFF,
            image_format,
            self._segment,
            offset,
        ).reply()

    def close(self) -> None:
        """Look no longer."""
        self._connection.disconnect()
        self._shared.close()

    def _name(self, atom: int) -> str:
        name = self._connection.core.GetAtomName(atom).reply().name.to_string()
        return str(name)[:MAX_MONITOR_NAME_BYTES]

    def _read_events(self) -> None:
        while (event := self._poll()) is not None:
            if isinstance(event, xcffib.damage.NotifyEvent):
                area = event.area
                self._changed.append(Rectangle(area.x, area.y, area.width, area.height))

    def _poll(self) -> Any:
        try:
            return self._connection.poll_for_event()
        except xcffib.ConnectionException:
            raise CaptureError(Reason.UNSUPPORTED, "the X server has gone") from None
