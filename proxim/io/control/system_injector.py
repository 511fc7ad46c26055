"""What Windows, macOS and Wayland do alike with somebody else's mouse and keyboard.

Which key or character is meant, what is held down and has to be let go: that stands here. How a
system is told about it is the matter of its `Devices`.
"""

import logging
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from proxim.core.control.key_meanings import place_to_press, places_meant, presses_nothing
from proxim.core.control.messages import (
    Input,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
    WheelInput,
)
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError, can_be_typed

_log = logging.getLogger(__name__)

# How a system names a key that it is to press.
Stroke = TypeVar("Stroke")

# A place of the pointer, in the system's own measure.
Place = tuple[int, int]

# The buttons in the order of the bits of MouseEvent.buttons.
LEFT, RIGHT, MIDDLE, BACK, FORWARD = range(5)
BUTTONS: Final = (LEFT, RIGHT, MIDDLE, BACK, FORWARD)

SHIFTS: Final = frozenset({"ShiftLeft", "ShiftRight"})
CONTROLS: Final = frozenset({"ControlLeft", "ControlRight"})
# With one of these a character is no text, but a shortcut.
_SHORTCUTS: Final = CONTROLS | {"AltLeft", "AltRight", "MetaLeft", "MetaRight"}
MODIFIERS: Final = SHIFTS | _SHORTCUTS
_KEYS_IN_TEXT: Final = {"\n": "Enter", "\r": "Enter", "\r\n": "Enter", "\t": "Tab"}
# So many movements may be on their way to the system's pointer.
MAX_EXPECTED: Final = 64
# A key that is held down is repeated after so long, and then so often: what desktops do by default.
REPEAT_DELAY_SECONDS: Final = 0.5
REPEAT_SECONDS: Final = 1 / 30
# Chooses another character of a key at the other side, and is no key that this side needs.
_ALT_GRAPH: Final = "AltGraph"


class Devices(Protocol[Stroke]):
    """The mouse and the keyboard of one system. All methods raise ControlError."""

    def use(self, monitor: Monitor) -> None:
        """What follows is done by somebody who sees this monitor."""

    def move(self, monitor: Monitor, x: float, y: float) -> Place:
        """Put the pointer there, from 0 to 1 of the monitor; return where `pointer` will say that
        it is.
        """

    def pointer(self) -> Place | None:
        """Return where the pointer is; None where the system does not say."""

    def ours(self, *, pointed: bool) -> bool:
        """Whether a window of this process has the keyboard, or is pointed at."""

    def button(self, number: int, *, down: bool) -> None:
        """Press or release one of BUTTONS where the pointer is."""

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel, right and down for positive numbers; 120 is one notch."""

    def place(self, code: str) -> Stroke | None:
        """Return the key at this place; None if this system has none."""

    def shortcut(self, character: str) -> Stroke | None:
        """Return the key that makes this character with Ctrl, Alt or Meta; None if none does."""

    def character(self, character: str, *, shift: bool) -> Stroke:
        """Return what types this character, while Shift is held or not."""

    def lifts_shift(self, stroke: Stroke) -> bool:
        """Whether a held Shift would change what this types."""

    def press(self, stroke: Stroke, *, down: bool) -> None:
        """Press or release a key, or repeat one that is down already."""

    def text(self, text: str) -> None:
        """Type text that no keys made."""

    def close(self) -> None:
        """Touch nothing any more."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[Stroke]):
    """A key that is down here for one of the other side's."""

    stroke: Stroke
    # Where it is here; empty for what types a character. What a person remapped is elsewhere there.
    place: str = ""


def is_character(key: str) -> bool:
    """Whether the `key` of UI Events is what it types, rather than the name of a key.

    Names are ASCII words; a character may be several code points.
    """
    return len(key) == 1 or (key != "" and not key.isascii())


class SystemInjector(Generic[Stroke]):
    """An Injector for one system.

    `repeats` says whether the system repeats a key that is held down.
    """

    def __init__(
        self,
        devices: Devices[Stroke],
        *,
        repeats: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._repeats = repeats
        self._clock = clock
        # By the code at the other side, in the order in which they were pressed.
        self._held: dict[str, _Held[Stroke]] = {}
        self._buttons = 0
        # Buttons that were pressed over a window of ours do nothing until they are released.
        self._ignored = 0
        # As Injector says.
        self.ignored = False
        # Where the pointer is as far as we know, and where it will be.
        self._expected: deque[Place] = deque(maxlen=MAX_EXPECTED)
        # The key that was pressed last, and when it is repeated.
        self._repeated: str | None = None
        self._repeat_at = 0.0

    def inject(self, monitor: Monitor, what: Input) -> None:
        """Do what somebody did who sees this monitor. Raises ControlError."""
        self._devices.use(monitor)
        match what:
            case PointerInput(x, y, buttons):
                self._expected.append(self._devices.move(monitor, x, y))
                self._press_buttons(buttons)
            case WheelInput(dx, dy):
                if not self._is_ours(pointed=True):
                    self._devices.wheel(dx, dy)
            case KeyInput(code, key, True):
                self._press(code, key)
            case KeyInput(code, key, False):
                # A soft keyboard's keys have no place.
                self._release(code or key)
            case TextInput(text):
                # A key that is held would make shortcuts of the text.
                self._let_go_of_keys()
                if not self._is_ours(pointed=False):
                    self._type_text(text)
            case ReleaseAll():
                self.let_go()

    def moved_here(self) -> bool:
        """Whether somebody else has moved the mouse, as Injector says. Raises ControlError."""
        at = self._devices.pointer()
        if at is None:
            return False
        # A movement may take a moment to be done, and others may have followed it.
        first = not self._expected
        if at in self._expected:
            while self._expected[0] != at:
                self._expected.popleft()
            return False
        self._expected.clear()
        self._expected.append(at)
        return not first

    def repeat(self) -> None:
        """Repeat a key that is held down, where the system does not. Raises ControlError."""
        held = None if self._repeated is None else self._held.get(self._repeated)
        if self._repeats or held is None:
            return
        now = self._clock()
        if now < self._repeat_at:
            return
        if self._devices.ours(pointed=False):
            # A key that was pressed elsewhere is not repeated for us.
            self._let_go_of_keys()
        else:
            self._devices.press(held.stroke, down=True)
            # What was missed is not made up for.
            self._repeat_at = now + REPEAT_SECONDS

    def let_go(self) -> None:
        """Release every key and button that was pressed. Raises ControlError."""
        self._let_go_of_keys()
        self._press_buttons(0)

    def close(self) -> None:
        """Release everything, and touch nothing any more."""
        try:
            self.let_go()
        except ControlError as error:
            # What has gone holds nothing down.
            _log.info("not everything could be released: %s", error.reason)
        finally:
            self._devices.close()

    def _is_ours(self, *, pointed: bool) -> bool:
        self.ignored = self._devices.ours(pointed=pointed)
        return self.ignored

    # --- buttons ----------------------------------------------------------------------------------

    def _press_buttons(self, buttons: int) -> None:
        for number in BUTTONS:
            bit = 1 << number
            if not (buttons ^ self._buttons) & bit:
                continue
            down = bool(buttons & bit)
            if down and self._is_ours(pointed=True):
                self._ignored |= bit
            self._buttons ^= bit
            if not self._ignored & bit:
                self._devices.button(number, down=down)
            elif not down:
                self._ignored ^= bit

    # --- keys -------------------------------------------------------------------------------------

    def _press(self, code: str, key: str) -> None:
        held_by = code or key
        if held_by in self._held or presses_nothing(key):
            # Repeating is this side's.
            return
        if self._is_ours(pointed=False):
            return
        if key == _ALT_GRAPH:
            # Windows gives AltGr as Ctrl and Alt. What it types comes as a character.
            for held in [one for one, here in self._held.items() if here.place in CONTROLS]:
                self._release(held)
            return
        if is_character(key) and all(held.place not in _SHORTCUTS for held in self._held.values()):
            if all(map(can_be_typed, key)):
                self._type(held_by, key)
            return
        held_key = self._shortcut(code, key) if is_character(key) else self._named(code, key)
        if held_key is not None:
            self._hold(held_by, held_key)
            if held_key.place not in MODIFIERS:
                self._repeat(held_by)

    def _shortcut(self, code: str, character: str) -> _Held[Stroke] | None:
        """Return the key of a shortcut."""
        stroke = self._devices.shortcut(character)
        return self._at(place_to_press(code)) if stroke is None else _Held(stroke)

    def _named(self, code: str, key: str) -> _Held[Stroke] | None:
        """Return the key for what has a name."""
        found = map(self._at, places_meant(code, key))
        return next((one for one in found if one is not None), None)

    def _at(self, place: str) -> _Held[Stroke] | None:
        stroke = self._devices.place(place)
        return None if stroke is None else _Held(stroke, place)

    def _type(self, held_by: str, character: str) -> None:
        shifts = [held.stroke for held in self._held.values() if held.place in SHIFTS]
        stroke = self._devices.character(character, shift=bool(shifts))
        if not shifts or not self._devices.lifts_shift(stroke):
            self._hold(held_by, _Held(stroke))
            self._repeat(held_by)
            return
        for shift in shifts:
            self._devices.press(shift, down=False)
        # Held on, it would be repeated with Shift.
        self._hold(held_by, _Held(stroke))
        self._release(held_by)
        for shift in shifts:
            self._devices.press(shift, down=True)

    def _type_text(self, text: str) -> None:
        # Lines and columns end by keys; as characters most programs do not know them.
        for part in re.split(r"(\r\n|[\r\n\t])", text):
            place = None
            if part in _KEYS_IN_TEXT:
                place = self._devices.place(_KEYS_IN_TEXT[part])
            if place is not None:
                self._devices.press(place, down=True)
                self._devices.press(place, down=False)
            elif typed := "".join(filter(can_be_typed, part)):
                self._devices.text(typed)

    def _hold(self, held_by: str, held: _Held[Stroke]) -> None:
        self._held[held_by] = held
        self._devices.press(held.stroke, down=True)

    def _repeat(self, held_by: str) -> None:
        self._repeated = held_by
        self._repeat_at = self._clock() + REPEAT_DELAY_SECONDS

    def _release(self, held_by: str) -> None:
        if held_by not in self._held:
            return
        stroke = self._held.pop(held_by).stroke
        # Two keys of the other side may be one here.
        if all(held.stroke != stroke for held in self._held.values()):
            self._devices.press(stroke, down=False)

    def _let_go_of_keys(self) -> None:
        # The last ones first: a modifier outlives the keys that it belongs to.
        for held_by in reversed([*self._held]):
            self._release(held_by)
