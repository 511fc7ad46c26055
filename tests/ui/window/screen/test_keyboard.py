"""Tests of what Tk's keys become, on each system."""

from collections.abc import Callable
from itertools import product

import pytest

from proxim.core.control.messages import (
    MAX_TEXT_BYTES,
    Input,
    KeyInput,
    ReleaseAll,
    TextInput,
)
from proxim.ui.window.screen import keyboard as module
from proxim.ui.window.screen.keyboard import Keyboard, TkKey, place_of, text_inputs

A, SHIFT, CONTROL, ENTER = 38, 50, 37, 36


class Typing:
    """A keyboard, what it sent, and the timers that wait."""

    def __init__(self, system: str = "x11") -> None:
        self.sent: list[Input] = []
        self.timers: dict[str, Callable[[], None]] = {}
        self.keyboard = Keyboard(system, self.sent.append, self._later, self.timers.__delitem__)

    def _later(self, _milliseconds: int, then: Callable[[], None]) -> str:
        name = f"timer{len(self.timers) + len(self.sent)}"
        self.timers[name] = then
        return name

    def pass_time(self) -> None:
        """Let all timers run out."""
        for then in list(self.timers.values()):
            then()

    def press(self, keycode: int, keysym: str, character: str = "", time: int = 0) -> None:
        number = ord(keysym) if len(keysym) == 1 else 0
        self.keyboard.press(TkKey(keycode, keysym, number, character, time))

    def release(self, keycode: int, keysym: str, time: int = 1) -> None:
        self.keyboard.release(TkKey(keycode, keysym, 0, "", time))


def down(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, down=True)


def up(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, down=False)


def test_a_key_has_its_place_and_its_character() -> None:
    typing = Typing()
    typing.press(A, "q", "q")
    typing.release(A, "q")
    typing.pass_time()
    assert typing.sent == [down("KeyA", "q"), up("KeyA", "q")]
    assert not typing.keyboard.holds


def test_a_held_key_is_pressed_once() -> None:
    typing = Typing()
    typing.press(A, "a", "a", time=10)
    for time in (500, 530, 560):
        typing.release(A, "a", time)
        typing.press(A, "a", "a", time)
    assert typing.sent == [down("KeyA", "a")]
    assert typing.keyboard.holds
    typing.release(A, "a", 600)
    typing.pass_time()
    assert typing.sent[1:] == [up("KeyA", "a")]


def test_a_key_that_is_pressed_twice_is_no_repetition() -> None:
    typing = Typing()
    typing.press(A, "a", "a", time=10)
    typing.release(A, "a", time=20)
    typing.press(A, "a", "a", time=22)
    assert typing.sent == [down("KeyA", "a"), up("KeyA", "a"), down("KeyA", "a")]


def test_a_release_stays_before_the_next_key() -> None:
    typing = Typing()
    typing.press(SHIFT, "Shift_L")
    typing.press(A, "A", "A")
    typing.release(A, "A")
    typing.release(SHIFT, "Shift_L")
    typing.press(ENTER, "Return", "\r")
    assert typing.sent == [
        down("ShiftLeft", "Shift"),
        down("KeyA", "A"),
        up("KeyA", "A"),
        up("ShiftLeft", "Shift"),
        down("Enter", "Enter"),
    ]


def test_with_control_a_key_is_its_own_character() -> None:
    typing = Typing()
    typing.press(CONTROL, "Control_L")
    typing.press(A, "a", "\x01")
    assert typing.sent == [down("ControlLeft", "Control"), down("KeyA", "a")]


def test_a_cyrillic_key_with_control_is_its_character() -> None:
    typing = Typing()
    typing.keyboard.press(TkKey(54, "U0441", 0x01000441, "\x13", 0))
    assert typing.sent == [down("KeyC", "с")]


@pytest.mark.parametrize("written", ["ê", "日本語", "👍", "e\u0301"])
def test_what_an_input_method_wrote_is_text(written: str) -> None:
    typing = Typing()
    typing.press(0, "??", written)
    assert typing.sent == [TextInput(written)]
    assert not typing.keyboard.holds


def test_what_a_dead_key_and_a_key_wrote_is_a_key() -> None:
    typing = Typing()
    # Tk passes the dead key only where no input method takes it.
    typing.press(20, "dead_acute")
    typing.release(20, "dead_acute")
    typing.press(26, "eacute", "é")
    assert typing.sent == [down("KeyE", "é")]


def test_halves_of_a_character_become_one() -> None:
    typing = Typing("aqua")
    typing.press(0, "??", "\ud83d")
    typing.press(0, "??", "\udc4d")
    assert typing.sent == [TextInput("👍")]


def test_a_lonely_half_of_a_character_is_nothing() -> None:
    typing = Typing("aqua")
    typing.press(0, "??", "\udc4d")
    assert typing.sent == []


@pytest.mark.parametrize(
    ("system", "caps", "escape"), [("x11", 66, 9), ("win32", 20, 27), ("aqua", 57 << 24, 53 << 24)]
)
def test_locks_stay_here(system: str, caps: int, escape: int) -> None:
    typing = Typing(system)
    for keycode, lock in product((caps, escape), ("Caps_Lock", "Num_Lock")):
        typing.press(keycode, lock)
        typing.release(keycode, lock)
        typing.pass_time()
    assert typing.sent == []
    # Somebody has exchanged the two.
    typing.press(caps, "Escape")
    assert typing.sent == [down("Escape", "Escape")]


@pytest.mark.parametrize(
    ("keysym", "code", "key"),
    [
        ("ISO_Level3_Shift", "AltRight", "AltGraph"),
        ("ISO_Left_Tab", "Tab", "Tab"),
        ("KP_Enter", "NumpadEnter", "Enter"),
        ("Prior", "PageUp", "PageUp"),
        ("Super_L", "MetaLeft", "Meta"),
        ("Meta_L", "AltLeft", "Alt"),
        ("F12", "F12", "F12"),
    ],
)
def test_keys_that_write_nothing(keysym: str, code: str, key: str) -> None:
    typing = Typing()
    typing.press(200, keysym)
    assert typing.sent == [down(code, key)]


def test_everything_is_released_at_the_end() -> None:
    typing = Typing()
    typing.press(A, "a", "a")
    typing.release(A, "a")
    typing.keyboard.release_all()
    assert typing.sent == [down("KeyA", "a"), ReleaseAll()]
    assert not typing.timers
    assert not typing.keyboard.holds


def test_altgr_on_windows_is_no_control() -> None:
    typing = Typing("win32")
    typing.press(17, "Control_L", time=5)
    typing.press(18, "Alt_R", time=5)
    assert typing.sent == [down("AltRight", "AltGraph")]
    typing.release(17, "Control_L")
    typing.release(18, "Alt_R")
    assert typing.sent[1:] == [up("AltRight", "AltGraph")]


def test_control_on_windows_comes_before_its_key() -> None:
    typing = Typing("win32")
    typing.press(17, "Control_L", time=5)
    typing.press(67, "c", "\x03", time=90)
    assert typing.sent == [down("ControlLeft", "Control"), down("", "c")]


def test_control_alone_on_windows_is_pressed_a_moment_later() -> None:
    typing = Typing("win32")
    typing.press(17, "Control_L")
    typing.pass_time()
    typing.release(17, "Control_L")
    assert typing.sent == [down("ControlLeft", "Control"), up("ControlLeft", "Control")]


def test_windows_and_macos_repeat_without_releasing() -> None:
    typing = Typing("aqua")
    for _ in range(3):
        typing.press(0x24 << 24, "Return", "\r")
        typing.press(1 << 24, "s", "s")
    assert typing.sent == [down("Enter", "Enter"), down("KeyS", "s")]


def test_command_on_macos_is_meta() -> None:
    typing = Typing("aqua")
    typing.press(55 << 24, "Meta_L")
    assert typing.sent == [down("MetaLeft", "Meta")]


def test_places_by_the_numbers_of_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "windows_scan_code", {0x59: 0x2C}.__getitem__)
    assert place_of("x11", 52) == place_of("win32", 0x59) == "KeyZ"
    assert place_of("aqua", (6 << 24) | ord("y")) == "KeyZ"
    assert place_of("x11", 4) == place_of("aqua", 0xFF << 24) == ""


def test_a_long_text_comes_in_parts() -> None:
    text = "ä€👍x" * 3000
    parts = [part.text for part in text_inputs(text)]
    assert "".join(parts) == text
    assert all(len(part.encode()) <= MAX_TEXT_BYTES for part in parts)
    assert len(parts) == -(-len(text.encode()) // MAX_TEXT_BYTES)
    assert text_inputs("") == []
    assert text_inputs("a\ud83db") == [TextInput("ab")]
