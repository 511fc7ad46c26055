"""The mouse and keyboard of a Wayland desktop, by the portal's session that shows its screen.

Keys are given as X11's keysyms, for which the desktop finds the key and what it needs, and else by
Linux's numbers of their places. Wayland tells no program where the pointer is or which window has
the keyboard; so neither a movement of the desktop's own mouse nor our own windows can be known.

This was tried with a portal of our own, and not on any desktop.
"""

from dataclasses import dataclass
from typing import Final

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError
from proxim.io.control.system_injector import (
    BACK,
    FORWARD,
    LEFT,
    MIDDLE,
    RIGHT,
    Place,
    SystemInjector,
)
from proxim.io.control.x11_keys import KEYCODES, keysym_of
from proxim.io.screen.portal import KEYBOARD, POINTER, PortalSession, session_that_shows

# An X keycode is Linux's number of the key (linux/input-event-codes.h) and 8.
_FIRST_KEYCODE: Final = 8
# BTN_LEFT and so on (linux/input-event-codes.h).
_BUTTONS: Final = {LEFT: 0x110, RIGHT: 0x111, MIDDLE: 0x112, BACK: 0x113, FORWARD: 0x114}
_NOTCH: Final = 120
_VERTICAL: Final = 0
_HORIZONTAL: Final = 1
# What a notch of the wheel is in NotifyPointerAxis, whose measure is that of movements.
_UNITS_A_NOTCH: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key: what it means as a keysym of X11, or its place as Linux's number."""

    keysym: int = 0
    number: int = 0
    # Several characters that are one letter; they are typed when it is pressed.
    text: str = ""


class WaylandDevices:
    """The mouse and keyboard of the desktop whose monitor is seen."""

    def __init__(self) -> None:
        self._session: PortalSession | None = None

    def use(self, monitor: Monitor) -> None:
        """Use the session that shows this monitor."""
        session = session_that_shows(monitor.id)
        if session is None:
            raise ControlError(Reason.CONTROL_UNSUPPORTED, "no session of the portal")
        if session.devices & (KEYBOARD | POINTER) != KEYBOARD | POINTER:
            raise ControlError(Reason.CONTROL_FORBIDDEN, f"devices {session.devices}")
        self._session = session

    def move(self, monitor: Monitor, x: float, y: float) -> Place:
        """Put the pointer there, in the measure of the stream."""
        session = self._open()
        size = next((one.size for one in session.streams if one.node == monitor.id), None)
        width, height = size or (monitor.width, monitor.height)
        # The place at the very end belongs to what is beside it.
        at_x, at_y = min(x * width, width - 1.0), min(y * height, height - 1.0)
        session.notify("NotifyPointerMotionAbsolute", "udd", monitor.id, at_x, at_y)
        return int(at_x), int(at_y)

    def pointer(self) -> Place | None:
        """Wayland does not say."""
        return None

    def ours(self, *, pointed: bool) -> bool:
        """Wayland does not say; while we ask something, core lets nobody control."""
        return False

    def button(self, number: int, *, down: bool) -> None:
        """Press or release a button."""
        self._open().notify("NotifyPointerButton", "iu", _BUTTONS[number], int(down))

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel: by whole notches where it is that, else by less."""
        session = self._open()
        if dx % _NOTCH or dy % _NOTCH:
            right, down = dx / _NOTCH * _UNITS_A_NOTCH, dy / _NOTCH * _UNITS_A_NOTCH
            session.notify("NotifyPointerAxis", "dd", right, down)
            return
        for axis, turned in ((_VERTICAL, dy), (_HORIZONTAL, dx)):
            if turned:
                session.notify("NotifyPointerAxisDiscrete", "ui", axis, turned // _NOTCH)

    def place(self, code: str) -> Stroke | None:
        """Return the key at a place."""
        keycode = KEYCODES.get(code)
        return None if keycode is None else Stroke(number=keycode - _FIRST_KEYCODE)

    def shortcut(self, character: str) -> Stroke | None:
        """Return the key that makes a character; the desktop finds it."""
        return Stroke(keysym=keysym_of(character)) if len(character) == 1 else None

    def character(self, character: str, *, shift: bool) -> Stroke:
        """Return a character's key."""
        if len(character) > 1:
            return Stroke(text=character)
        return Stroke(keysym=keysym_of(character))

    def lifts_shift(self, stroke: Stroke) -> bool:
        """The desktop presses Shift itself where a keysym needs it."""
        return not stroke.number

    def press(self, stroke: Stroke, *, down: bool) -> None:
        """Press or release a key."""
        if stroke.text:
            if down:
                self.text(stroke.text)
        elif stroke.keysym:
            self._open().notify("NotifyKeyboardKeysym", "iu", stroke.keysym, int(down))
        else:
            self._open().notify("NotifyKeyboardKeycode", "iu", stroke.number, int(down))

    def text(self, text: str) -> None:
        """Type characters, one after the other."""
        for character in text:
            for down in (True, False):
                self.press(Stroke(keysym=keysym_of(character)), down=down)

    def close(self) -> None:
        """The session is the capture's."""

    def _open(self) -> PortalSession:
        if self._session is None:
            # Nothing was pressed, so nothing has to be released.
            raise ControlError(Reason.CONTROL_UNSUPPORTED, "no monitor yet")
        return self._session


def open_wayland_injector() -> SystemInjector[Stroke]:
    """Return the Injector for Wayland."""
    # The desktop repeats keys that are held.
    return SystemInjector(WaylandDevices(), repeats=True)
