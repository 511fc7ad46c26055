"""What is typed here, as the input of the other side's screen.

Tk's events name keys as each system does; this makes them places and meanings (UI Events).
What an input method, a dead key or Compose wrote comes as text. A key that is held is pressed once,
since repeating is the other side's; whatever was pressed is released at the end.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from proxim.core.control.key_places import LINUX, MACOS, X11_OFFSET
from proxim.core.control.messages import (
    MAX_KEY_BYTES,
    MAX_TEXT_BYTES,
    Input,
    KeyInput,
    ReleaseAll,
    TextInput,
)
from proxim.core.sanitize import byte_length, is_encodable
from proxim.ui.window.screen.key_names import (
    LOCKS,
    META_MACOS,
    META_X11,
    NAMED,
    KeyName,
    character_of,
)

# X11 repeats a key by releasing and pressing it at the same moment; both arrive together.
REPEAT_MS: Final = 8
# `%N` and `%A` of the keys that Tk sends for text of an input method have no key.
_NO_KEYCODE: Final = 0
_ALT_GRAPH: Final = KeyName("AltRight", "AltGraph")


@dataclass(frozen=True, slots=True)
class TkKey:
    """What Tk says of a key event."""

    keycode: int
    keysym: str
    keysym_number: int
    character: str
    # In milliseconds of the system's own clock.
    time: int


def windows_scan_code(virtual_key: int) -> int:
    """Return the scan code of a virtual key in the current layout; 0 if it has none."""
    if sys.platform == "win32":
        import ctypes

        virtual_key_to_scan_code = 0
        return int(ctypes.windll.user32.MapVirtualKeyW(virtual_key, virtual_key_to_scan_code))
    return 0


def place_of(system: str, keycode: int) -> str:
    """Return the place of a key by Tk's keycode; empty if it is unknown."""
    if system == "x11":
        return LINUX.get(keycode - X11_OFFSET, "")
    if system == "win32":
        # Scan codes without E0 have the numbers of Linux, which took them over.
        return LINUX.get(windows_scan_code(keycode), "")
    # Tk on macOS puts the virtual key code above 24 bits of other things (tkMacOSXKeyboard.c).
    return MACOS.get(keycode >> 24, "")


def text_inputs(text: str) -> list[TextInput]:
    """Return text as inputs that are short enough for the wire."""
    parts: list[TextInput] = []
    part, size = "", 0
    for character in text:
        if not is_encodable(character):
            # Half of a character.
            continue
        length = byte_length(character)
        if size + length > MAX_TEXT_BYTES:
            parts.append(TextInput(part))
            part, size = "", 0
        part += character
        size += length
    return [*parts, TextInput(part)] if part else parts


class Keyboard:
    """Turns Tk's key events into input; `system` is Tk's name of the windowing system.

    `later` runs a function after so many milliseconds, until `cancel` gets what it returned.
    """

    def __init__(
        self,
        system: str,
        send: Callable[[Input], None],
        later: Callable[[int, Callable[[], None]], str],
        cancel: Callable[[str], None],
    ) -> None:
        self._system = system
        self._send = send
        self._later = later
        self._cancel = cancel
        self._named = NAMED | (META_MACOS if system == "aqua" else META_X11)
        # By Tk's keycode: what was pressed and not released yet.
        self._down: dict[int, KeyInput] = {}
        # A release that may be the first half of a repetition.
        self._releasing: tuple[TkKey, str] | None = None
        # On Windows: a Control that may be the first half of AltGr.
        self._control: tuple[TkKey, str] | None = None
        # The first half of a character that Tk 8.6 passes as two.
        self._half = ""

    @property
    def holds(self) -> bool:
        """Whether a key is down."""
        return bool(self._down)

    def press(self, key: TkKey) -> None:
        """Handle a key that was pressed."""
        if self._releasing is not None:
            released, timer = self._releasing
            if (released.keycode, released.time) == (key.keycode, key.time):
                # It was not released, the system repeats it.
                self._cancel(timer)
                self._releasing = None
                return
        self._release_now()
        if self._takes_control_back(key):
            self._press(key, _ALT_GRAPH)
            return
        if self._system == "win32" and key.keysym == "Control_L" and key.keycode not in self._down:
            self._control = (key, self._later(REPEAT_MS, self._press_control))
            return
        self._press(key, self._named.get(key.keysym))

    def release(self, key: TkKey) -> None:
        """Handle a key that was released."""
        self._press_control()
        if key.keycode not in self._down:
            return
        self._release_now()
        if self._system == "x11":
            self._releasing = (key, self._later(REPEAT_MS, self._release_now))
        else:
            self._release(key)

    def release_all(self) -> None:
        """Let go of everything, as nobody types here any more."""
        for waiting in (self._releasing, self._control):
            if waiting is not None:
                self._cancel(waiting[1])
        self._releasing = self._control = None
        self._half = ""
        self._down.clear()
        self._send(ReleaseAll())

    # --- AltGr on Windows -------------------------------------------------------------------------

    def _takes_control_back(self, key: TkKey) -> bool:
        """Whether this key and the Control before it are AltGr, which Windows reports as both."""
        if self._control is None:
            return False
        control, timer = self._control
        if key.keysym == "Alt_R" and key.time == control.time:
            self._cancel(timer)
            self._control = None
            return True
        self._press_control()
        return False

    def _press_control(self) -> None:
        if self._control is not None:
            (key, timer), self._control = self._control, None
            self._cancel(timer)
            self._press(key, self._named[key.keysym])

    # --- one key ----------------------------------------------------------------------------------

    def _press(self, key: TkKey, name: KeyName | None) -> None:
        if key.keysym in LOCKS:
            return
        held = self._down.get(key.keycode)
        if held is not None and name is not None:
            # Windows and macOS repeat without releasing.
            return
        if name is not None:
            self._press_input(key, KeyInput(name.code, name.key, down=True))
            return
        character = self._written(key)
        if character is None:
            return
        place = place_of(self._system, key.keycode)
        if key.keycode == _NO_KEYCODE or (len(character) > 1 and not place):
            for text in text_inputs(character):
                self._send(text)
        elif held is not None and held.key == character:
            return
        elif byte_length(character) <= MAX_KEY_BYTES:
            self._press_input(key, KeyInput(place, character, down=True))

    def _press_input(self, key: TkKey, what: KeyInput) -> None:
        held = self._down.get(key.keycode)
        if held is not None:
            self._send(replace(held, down=False))
        self._down[key.keycode] = what
        self._send(what)

    def _written(self, key: TkKey) -> str | None:
        """Return what the key writes; None if that is nothing."""
        character = self._half + key.character
        self._half = ""
        if len(character) == 1 and "\ud800" <= character < "\udc00":
            self._half = character
            return None
        if len(character) == 2 and not is_encodable(character):
            # Tk 8.6 knows no characters beyond the first 65,536, and passes their halves.
            character = character.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        if character and character.isprintable() and is_encodable(character):
            return character
        # With Control Tk gives a control character; the key's own one is in its keysym.
        return character_of(key.keysym_number)

    def _release_now(self) -> None:
        if self._releasing is not None:
            (key, timer), self._releasing = self._releasing, None
            self._cancel(timer)
            self._release(key)

    def _release(self, key: TkKey) -> None:
        pressed = self._down.pop(key.keycode, None)
        if pressed is not None:
            self._send(replace(pressed, down=False))
