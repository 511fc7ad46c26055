"""The mouse and keyboard of Windows, on a Windows that writes down what it is told."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from proxim.core.control.messages import Input, KeyInput, PointerInput, TextInput, WheelInput
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError
from proxim.io.control.system_injector import SystemInjector
from proxim.io.control.windows_devices import (
    Stroke,
    WindowsDevices,
    open_windows_injector,
)
from proxim.io.control.windows_input import FULL, INPUT, INPUT_MOUSE, Key, Mouse

# The second monitor stands left of the first, so the desktop begins left of it.
DESKTOP = (-1280, 0, 1280 + 1920, 1080)
LEFT, RIGHT = Monitor(1, "", 0, 0, 1280, 1024), Monitor(0, "", 1280, 0, 1920, 1080)


@dataclass
class WrittenWindows:
    """A German Windows, as far as it is needed."""

    did: list[str] = field(default_factory=list)
    pixels: list[tuple[int, int]] = field(default_factory=list)
    swapped: bool = False
    caps: bool = False
    blocked: bool = False
    takes: bool = True

    def send(self, inputs: Sequence[INPUT]) -> int:
        for one in inputs:
            if one.type == INPUT_MOUSE:
                self._mouse(one)
                continue
            what = chr(one.ki.wScan) if one.ki.dwFlags & Key.UNICODE else hex(one.ki.wScan)
            if one.ki.dwFlags & Key.EXTENDEDKEY:
                what = f"e0{what}"
            if one.ki.wVk:
                what = f"vk{one.ki.wVk:#x}"
            self.did.append(f"{'-' if one.ki.dwFlags & Key.KEYUP else '+'}{what}")
        return len(inputs) if self.takes else 0

    def _mouse(self, one: INPUT) -> None:
        if one.mi.dwFlags & Mouse.MOVE:
            left, top, width, height = DESKTOP
            self.pixels.append((one.mi.dx * width // FULL + left, one.mi.dy * height // FULL + top))
        else:
            self.did.append(Mouse(one.mi.dwFlags).name or "")

    def desktop(self) -> tuple[int, int, int, int]:
        return DESKTOP

    def buttons_swapped(self) -> bool:
        return self.swapped

    def caps_locked(self) -> bool:
        return self.caps

    def key_of(self, character: str) -> int | None:
        # y and z are exchanged on it, @ needs Ctrl and Alt, and it has no ф.
        plain = {"z": 0x5A, "y": 0x59, "a": 0x41, "1": 0x31, " ": 0x20, "^": 0xDC}
        if character in plain:
            return plain[character]
        return {"A": 0x141, "@": 0x651}.get(character)

    def scan_code_of(self, virtual_key: int) -> int:
        keys = {0x5A: 0x15, 0x59: 0x2C, 0x41: 0x1E, 0x31: 0x02, 0x20: 0x39, 0xDC: 0x29}
        return {**keys, 0x51: 0x10}[virtual_key]

    def out_of_reach(self, *, pointed: bool) -> bool:
        return self.blocked

    def ours(self, *, pointed: bool) -> bool:
        return False

    def pointer(self) -> tuple[int, int] | None:
        return self.pixels[-1] if self.pixels else None


@pytest.fixture
def windows() -> WrittenWindows:
    return WrittenWindows()


@pytest.fixture
def injector(windows: WrittenWindows) -> SystemInjector[Stroke]:
    return SystemInjector(WindowsDevices(windows), repeats=False)


@pytest.mark.parametrize(
    ("monitor", "x", "y", "pixel"),
    [
        (LEFT, 0, 0, (-1280, 0)),
        (LEFT, 1, 1, (-1, 1023)),
        (RIGHT, 0, 0, (0, 0)),
        (RIGHT, 0.5, 0.5, (960, 540)),
        (RIGHT, 1, 1, (1919, 1079)),
    ],
)
def test_positions_are_pixels_of_the_monitor(
    windows: WrittenWindows,
    injector: SystemInjector[Stroke],
    monitor: Monitor,
    x: float,
    y: float,
    pixel: tuple[int, int],
) -> None:
    injector.inject(monitor, PointerInput(x, y, 0))
    assert windows.pixels == [pixel]


def test_buttons_and_wheels(windows: WrittenWindows, injector: SystemInjector[Stroke]) -> None:
    injector.inject(LEFT, PointerInput(0, 0, 0b10001))
    injector.inject(LEFT, WheelInput(1, -1))
    windows.swapped = True
    injector.inject(LEFT, PointerInput(0, 0, 0b00010))
    assert windows.did == [
        *("LEFTDOWN", "XDOWN", "WHEEL", "HWHEEL", "RIGHTUP", "LEFTDOWN", "XUP"),
    ]


def down(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, True)


@pytest.mark.parametrize(
    ("inputs", "did"),
    [
        # Letters and digits are keys of the host's layout.
        ([down("KeyY", "z")], ["+0x15"]),
        ([KeyInput("ShiftLeft", "Shift", True), down("KeyA", "A")], ["+0x2a", "+0x1e"]),
        # Without the modifiers that the key needs, it is the character.
        ([down("KeyA", "A")], ["+A"]),
        ([KeyInput("ShiftLeft", "Shift", True), down("KeyA", "a")], ["+0x2a", "+a"]),
        ([down("KeyQ", "@"), KeyInput("KeyQ", "@", False)], ["+@", "-@"]),
        # A dead key would type nothing.
        ([down("Backquote", "^")], ["+^"]),
        ([down("KeyA", "ф")], ["+ф"]),
        # Shortcuts are the key that makes the character, else the one at the place.
        ([down("ControlLeft", "Control"), down("KeyY", "z")], ["+0x1d", "+0x15"]),
        ([down("ControlLeft", "Control"), down("KeyA", "ф")], ["+0x1d", "+0x1e"]),
        ([down("ArrowUp", "ArrowUp")], ["+e00x48"]),
        ([down("Pause", "Pause")], ["+vk0x13"]),
        # The five of the numeric pad types a five where Num Lock is on.
        ([down("Numpad5", "Clear")], ["+vk0xc"]),
        # Locks stay as they are, whatever somebody made of their keys.
        ([down("CapsLock", "CapsLock"), down("NumLock", "NumLock")], []),
        ([down("CapsLock", "Escape"), down("Escape", "CapsLock")], ["+0x1"]),
        ([down("CapsLock", "Control"), down("KeyY", "z")], ["+0x1d", "+0x15"]),
        ([TextInput("ü\nß")], ["+ü", "-ü", "+0x1c", "-0x1c", "+ß", "-ß"]),
    ],
)
def test_keys(
    windows: WrittenWindows,
    injector: SystemInjector[Stroke],
    inputs: list[Input],
    did: list[str],
) -> None:
    for each in inputs:
        injector.inject(LEFT, each)
    assert windows.did == did


def test_caps_lock_changes_no_letter(
    windows: WrittenWindows, injector: SystemInjector[Stroke]
) -> None:
    windows.caps = True
    injector.inject(LEFT, down("KeyA", "a"))
    assert windows.did == ["+a"]


@pytest.mark.parametrize(
    "what", [down("KeyA", "a"), PointerInput(0, 0, 1), WheelInput(0, 120), TextInput("a")], ids=str
)
def test_what_is_out_of_reach_is_said(
    windows: WrittenWindows, injector: SystemInjector[Stroke], what: Input
) -> None:
    windows.blocked = True
    with pytest.raises(ControlError) as told:
        injector.inject(LEFT, what)
    assert told.value.reason is Reason.CONTROL_BLOCKED
    assert windows.did == []
    # The pointer may be led away, and what is held is let go of.
    injector.inject(LEFT, PointerInput(0.5, 0.5, 0))
    injector.let_go()


def test_what_windows_does_not_take_is_said(
    windows: WrittenWindows, injector: SystemInjector[Stroke]
) -> None:
    windows.takes = False
    with pytest.raises(ControlError):
        injector.inject(LEFT, PointerInput(0.5, 0.5, 0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has it")
def test_elsewhere_there_is_none() -> None:
    with pytest.raises(ControlError) as told:
        open_windows_injector()
    assert told.value.reason is Reason.CONTROL_UNSUPPORTED
