"""The mouse and keyboard of macOS, by the events of Quartz.

A character is sent as itself with an event of any key. A shortcut is a key with the character that
it makes, by which programs find their menus' shortcuts in every layout.

This was written where no Mac is, and has not run on one; what can be is tried by tests.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError
from proxim.io.control.macos_keys import CLEAR, KEY_CODES
from proxim.io.control.system_injector import (
    BACK,
    FORWARD,
    LEFT,
    MIDDLE,
    RIGHT,
    Place,
    SystemInjector,
)
from proxim.io.system.macos_permissions import may_control

# CGEventTypes.h, as pairs of down and up, and what a movement is meanwhile.
_LEFT: Final = (1, 2, 6)
_RIGHT: Final = (3, 4, 7)
_OTHER: Final = (25, 26, 27)
_MOVED: Final = 5
_TYPES: Final = {LEFT: _LEFT, RIGHT: _RIGHT, MIDDLE: _OTHER, BACK: _OTHER, FORWARD: _OTHER}
# Quartz counts the buttons as we do.
_CLICK_COUNT: Final = 1
# Two clicks in this time and this near are a double click; macOS's own default.
_CLICK_SECONDS: Final = 0.5
_CLICK_POINTS: Final = 4
# Where events come from devices.
_HID: Final = 0
# CGEventFlags of the modifiers.
_FLAGS: Final = {
    **dict.fromkeys(("ShiftLeft", "ShiftRight"), 0x20000),
    **dict.fromkeys(("ControlLeft", "ControlRight"), 0x40000),
    **dict.fromkeys(("AltLeft", "AltRight"), 0x80000),
    **dict.fromkeys(("MetaLeft", "MetaRight"), 0x100000),
}
_FLAGS_OF_KEYS: Final = {KEY_CODES[code]: flag for code, flag in _FLAGS.items()}
# A scroll event in pixels, and how many a notch of the wheel is.
_PIXELS: Final = 0
_NOTCH: Final = 120
_PIXELS_A_NOTCH: Final = 40
# CGWindowListOption: windows on the screen, without the desktop's own; for any window.
_ON_SCREEN: Final = 1 | 16
_ANY_WINDOW: Final = 0
_ORDINARY_LAYER: Final = 0
# Menu bar, Dock and pointer are windows above all others.
_POINTER_LAYER: Final = 2000
MAX_DISPLAYS: Final = 16
# Characters that have a key on the keyboard whose places the table has, without Shift.
_PLACES: Final = {
    **{letter.lower(): f"Key{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{digit: f"Digit{digit}" for digit in "0123456789"},
    **{" ": "Space", "-": "Minus", "=": "Equal", "[": "BracketLeft", "]": "BracketRight"},
    **{"\\": "Backslash", ";": "Semicolon", "'": "Quote", "`": "Backquote"},
    **{",": "Comma", ".": "Period", "/": "Slash"},
}


def display_id(display: int) -> int:
    """Return the id of a display's Monitor: a positive number that protocol and display share."""
    return display & 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key at a place, and the character that it makes, if it makes one."""

    code: int
    character: str = ""
    # Whether it is text, to which no modifier belongs.
    typed: bool = False


class MacDevices:
    """The mouse and keyboard of macOS. `quartz` is pyobjc's module of that name."""

    def __init__(self, quartz: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._quartz = quartz
        self._clock = clock
        # What is down, in the order of pressing; modifiers as their flags for each key.
        self._buttons: list[int] = []
        self._flags: dict[int, int] = {}
        self._at = (0.0, 0.0)
        self._clicks = 0
        self._clicked: tuple[int, float, tuple[float, float]] | None = None

    def use(self, monitor: Monitor) -> None:
        """MacOS has one desktop for all displays."""

    def move(self, monitor: Monitor, x: float, y: float) -> Place:
        """Put the pointer there, in points of the desktop."""
        left, top, width, height = self._bounds(monitor)
        # The very end belongs to what is beside it.
        self._at = (left + min(x * width, width - 0.5), top + min(y * height, height - 0.5))
        # A movement with a button down is another event, or nothing is dragged.
        button = self._buttons[0] if self._buttons else LEFT
        kind = _TYPES[button][2] if self._buttons else _MOVED
        self._post_mouse(kind, button)
        return round(self._at[0]), round(self._at[1])

    def pointer(self) -> Place | None:
        """Return where the pointer is."""
        event = self._quartz.CGEventCreate(None)
        if event is None:
            return None
        place = self._quartz.CGEventGetLocation(event)
        return round(place.x), round(place.y)

    def ours(self, *, pointed: bool) -> bool:
        """Whether a window of this process is meant."""
        windows = self._quartz.CGWindowListCopyWindowInfo(_ON_SCREEN, _ANY_WINDOW) or ()
        # They come from front to back.
        for window in windows:
            layer = int(window.get("kCGWindowLayer", 0))
            if layer >= _POINTER_LAYER:
                continue
            if self._contains(window) if pointed else layer == _ORDINARY_LAYER:
                return int(window.get("kCGWindowOwnerPID", 0)) == os.getpid()
        return False

    def button(self, number: int, *, down: bool) -> None:
        """Press or release a button."""
        pressed, released, _ = _TYPES[number]
        if down:
            self._buttons.append(number)
            self._count_click(number)
        elif number in self._buttons:
            self._buttons.remove(number)
        self._post_mouse(pressed if down else released, number, self._clicks)

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel; macOS turns it up and left for positive numbers."""
        up, left = (-turned * _PIXELS_A_NOTCH // _NOTCH for turned in (dy, dx))
        event = self._quartz.CGEventCreateScrollWheelEvent(None, _PIXELS, 2, up, left)
        self._post(event)

    def place(self, code: str) -> Stroke | None:
        """Return the key at a place."""
        found = CLEAR if code == "Clear" else KEY_CODES.get(code)
        return None if found is None else Stroke(found)

    def shortcut(self, character: str) -> Stroke | None:
        """Return the character with the key that makes it on Apple's first layout."""
        place = _PLACES.get(character.lower())
        return None if place is None else Stroke(KEY_CODES[place], character)

    def character(self, character: str, *, shift: bool) -> Stroke:
        """Return the character by itself."""
        return Stroke(0, character, typed=True)

    def lifts_shift(self, stroke: Stroke) -> bool:
        """Events of characters say themselves that no modifier belongs to them."""
        return False

    def press(self, stroke: Stroke, *, down: bool) -> None:
        """Press, repeat or release a key."""
        flag = _FLAGS_OF_KEYS.get(stroke.code)
        if flag is not None and not stroke.character:
            if down:
                self._flags[stroke.code] = flag
            else:
                self._flags.pop(stroke.code, None)
        event = self._quartz.CGEventCreateKeyboardEvent(None, stroke.code, down)
        if stroke.character:
            units = len(stroke.character.encode("utf-16-le", "surrogatepass")) // 2
            self._quartz.CGEventKeyboardSetUnicodeString(event, units, stroke.character)
        held = 0
        for each in self._flags.values():
            held |= each
        self._quartz.CGEventSetFlags(event, 0 if stroke.typed else held)
        self._post(event)

    def text(self, text: str) -> None:
        """Type characters, one after the other."""
        for character in text:
            for down in (True, False):
                self.press(Stroke(0, character, typed=True), down=down)

    def close(self) -> None:
        """Nothing has to be given back."""

    def _bounds(self, monitor: Monitor) -> tuple[float, float, float, float]:
        error, displays, _ = self._quartz.CGGetActiveDisplayList(MAX_DISPLAYS, None, None)
        for display in () if error else displays:
            if display_id(display) == monitor.id:
                bounds = self._quartz.CGDisplayBounds(display)
                origin, size = bounds.origin, bounds.size
                return origin.x, origin.y, size.width, size.height
        raise ControlError(Reason.SCREEN_LOST, "the display is gone")

    def _contains(self, window: Any) -> bool:
        bounds = window.get("kCGWindowBounds", {})
        x, y = self._at
        left, top = float(bounds.get("X", 0)), float(bounds.get("Y", 0))
        right = left + float(bounds.get("Width", 0))
        bottom = top + float(bounds.get("Height", 0))
        return left <= x < right and top <= y < bottom

    def _count_click(self, button: int) -> None:
        now = self._clock()
        again = False
        if self._clicked is not None:
            before, then, (x, y) = self._clicked
            near = abs(self._at[0] - x) <= _CLICK_POINTS and abs(self._at[1] - y) <= _CLICK_POINTS
            again = before == button and now - then <= _CLICK_SECONDS and near
        self._clicks = self._clicks + 1 if again else 1
        self._clicked = (button, now, self._at)

    def _post_mouse(self, kind: int, button: int, clicks: int = 0) -> None:
        event = self._quartz.CGEventCreateMouseEvent(None, kind, self._at, button)
        if clicks:
            self._quartz.CGEventSetIntegerValueField(event, _CLICK_COUNT, clicks)
        self._post(event)

    def _post(self, event: Any) -> None:
        if event is None:
            raise ControlError(Reason.CONTROL_UNSUPPORTED, "Quartz made no event")
        self._quartz.CGEventPost(_HID, event)


def open_macos_injector() -> SystemInjector[Stroke]:
    """Return the Injector for macOS. Raises ControlError."""
    if not may_control(ask=True):
        raise ControlError(Reason.CONTROL_PERMISSION)
    try:
        import Quartz
    except ImportError as error:
        raise ControlError(Reason.CONTROL_UNSUPPORTED, str(error.name)) from None
    return SystemInjector(MacDevices(Quartz), repeats=False)
