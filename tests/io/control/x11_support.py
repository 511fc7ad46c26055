"""An X server of a test's own, another program on it, and what a guest does with a keyboard."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import xcffib
import xcffib.xkb
import xcffib.xproto

from proxim.core.control.messages import KeyInput
from proxim.core.screen.messages import Monitor
from proxim.io.control.x11_keyboard import read_key_map
from proxim.io.control.x11_keys import KEYCODES, MODIFIERS, character_of

PROGRAM: Final = Path(__file__).with_name("x11_program.py")
MONITOR: Final = Monitor(0, "", 0, 0, 1600, 1400)
PLACES: Final = {keycode: place for place, keycode in KEYCODES.items()}
# Keysyms from here on are no characters, but Unicode's own (keysymdef.h).
_FIRST_COMMAND: Final = 0xFD00
_LAST_COMMAND: Final = 0xFFFF


@dataclass(frozen=True)
class Pressed:
    """A key as the program got it."""

    keysym: int
    state: int
    keycode: int

    @property
    def character(self) -> str:
        """Return what it typed; its other keys are named by their keysyms."""
        if self.keysym in (0xFF0D, 0xFF09):
            return "\n" if self.keysym == 0xFF0D else "\t"
        return character_of(self.keysym) or f"<{self.keysym:x}>"

    @property
    def is_modifier(self) -> bool:
        return self.keysym in (0xFE03, 0xFE11) or 0xFFE1 <= self.keysym <= 0xFFEE


class Program:
    """The other program, with its window."""

    def __init__(self, display: str, x: int = 100, y: int = 100, side: int = 400) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), display, str(x), str(y), str(side), str(side)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.connection = xcffib.Connection(display=display)
        self.window = self._line()["window"]

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        read: dict[str, Any] = json.loads(line)
        return read

    def focus(self) -> None:
        """Take the focus."""
        self.connection.core.SetInputFocus(1, self.window, 0)
        self.connection.core.GetInputFocus().reply()

    def events(self) -> list[dict[str, Any]]:
        """Return what it got since the last call."""
        data = xcffib.xproto.ClientMessageData.synthetic([0] * 20, "B" * 20)
        message = xcffib.xproto.ClientMessageEvent.synthetic(8, self.window, 1, data)
        self.connection.core.SendEvent(False, self.window, 0, message.pack())
        self.connection.flush()
        found = []
        while (line := self._line())["kind"] != "mark":
            found.append(line)
        return found

    def presses(self) -> list[Pressed]:
        """Return the keys that were pressed, but for modifiers."""
        pressed = [
            Pressed(one["keysym"], one["state"], one["keycode"])
            for one in self.events()
            if one["kind"] == "press"
        ]
        return [one for one in pressed if not one.is_modifier]

    def typed(self) -> str:
        return "".join(one.character for one in self.presses())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.connection.disconnect()


class Keyboard:
    """The keyboard of the server, as others see it."""

    def __init__(self, display: str) -> None:
        self.display = display
        self.connection = xcffib.Connection(display=display)
        self.core = self.connection.core
        self.xkb = self.connection(xcffib.xkb.key)
        self.xkb.UseExtension(1, 0).reply()
        self.root = self.connection.get_setup().roots[0].root

    def use(self, layout: str, *options: str) -> None:
        """Choose a layout, as a person does; without options those of before end."""
        tool = shutil.which("setxkbmap")
        if tool is None:
            pytest.skip("setxkbmap (Debian: x11-xkb-utils) chooses keyboard layouts")
        chosen = [part for one in options for part in ("-option", one)]
        subprocess.run(
            [tool, "-display", self.display, "-option", "", "-layout", layout, *chosen], check=True
        )

    def lock(self, modifiers: int, group: int = 0) -> None:
        """Switch CapsLock (2) and NumLock (16) on or off, and choose the group."""
        self.xkb.LatchLockState(0x100, 0xFF, modifiers, True, group, 0xFF, False, 0)
        self.core.GetInputFocus().reply()

    @property
    def state(self) -> tuple[int, int]:
        """The modifiers and the group in effect."""
        state = self.xkb.GetState(0x100).reply()
        return state.mods, state.group

    @property
    def down(self) -> list[int]:
        """The keycodes that are down, and the buttons after them as negative numbers."""
        keys = self.core.QueryKeymap().reply().keys
        found = [code for code in range(256) if keys[code // 8] & 1 << code % 8]
        mask = self.core.QueryPointer(self.root).reply().mask
        return found + [-button for button in range(1, 6) if mask & 1 << 7 + button]

    @property
    def map(self) -> list[int]:
        """All keysyms of all keycodes."""
        setup = self.connection.get_setup()
        count = setup.max_keycode - setup.min_keycode + 1
        answer = self.core.GetKeyboardMapping(setup.min_keycode, count).reply()
        return [answer.keysyms_per_keycode, *answer.keysyms]

    def close(self) -> None:
        self.connection.disconnect()


@contextmanager
def closing(what: Any) -> Iterator[Any]:
    try:
        yield what
    finally:
        what.close()


@dataclass(frozen=True)
class GuestKey:
    """A key of a guest's keyboard that types a character, with what has to be held for it."""

    code: str
    key: str
    held: tuple[tuple[str, str], ...]

    def inputs(self) -> list[KeyInput]:
        """Return what the guest sends when they type it."""
        down = [*self.held, (self.code, self.key)]
        return [
            *(KeyInput(code, key, True) for code, key in down),
            *(KeyInput(code, key, False) for code, key in reversed(down)),
        ]


_HELD: Final = {
    0: (),
    1: (("ShiftLeft", "Shift"),),
    2: (("AltRight", "AltGraph"),),
    3: (("ShiftLeft", "Shift"), ("AltRight", "AltGraph")),
}


@cache
def guest_keys(display: str, layout: str) -> tuple[GuestKey, ...]:
    """Return every key of a layout that types a character, as a browser tells of it."""
    with closing(Keyboard(display)) as keyboard:
        keyboard.use(layout)
        key_map = read_key_map(keyboard.xkb)
        answer = keyboard.xkb.GetMap(0x100, 2, 0, *[0] * 15).reply()
        characters = {character_of(one) for key in answer.syms_rtrn for one in key.syms}
    found = []
    for character in sorted(one for one in characters if one):
        for stroke in key_map.strokes(character):
            place = PLACES.get(stroke.keycode)
            if place is not None and stroke.group == 0 and stroke.level in _HELD:
                found.append(GuestKey(place, character, _HELD[stroke.level]))
    return tuple(found)


assert {"Shift", "AltGraph"} <= MODIFIERS.keys()
