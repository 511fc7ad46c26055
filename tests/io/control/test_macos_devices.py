"""The mouse and keyboard of macOS, on a Quartz that writes down what it is told."""

import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxim.core.control.messages import Input, KeyInput, PointerInput, TextInput, WheelInput
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError
from proxim.io.control.macos_devices import (
    MacDevices,
    Stroke,
    display_id,
    open_macos_injector,
)
from proxim.io.control.macos_keys import KEY_CODES
from proxim.io.control.system_injector import SystemInjector
from proxim.io.control.x11_keys import KEYCODES

SHIFT, COMMAND = 0x20000, 0x100000
# The second display is above and left of the first, and its number has the highest bit.
FIRST, SECOND = 1, 0x80000002
MAIN = Monitor(display_id(FIRST), "", 0, 0, 2880, 1800, 2.0)
OTHER = Monitor(display_id(SECOND), "", 0, 1800, 1920, 1080)


@dataclass
class Point:
    x: float
    y: float


@dataclass
class Size:
    width: float
    height: float


@dataclass
class Rect:
    origin: Point
    size: Size


@dataclass
class Event:
    kind: Any
    place: Any = None
    button: int = 0
    text: str = ""
    flags: int = 0
    clicks: int = 0


@dataclass
class Quartz:
    """What Devices ask of Quartz."""

    posted: list[Event] = field(default_factory=list)
    location: Point = field(default_factory=lambda: Point(3.4, 4.6))
    windows: list[dict[str, Any]] = field(default_factory=list)

    def CGGetActiveDisplayList(self, most: int, *_: None) -> tuple[int, list[int], int]:  # noqa: N802
        return 0, [FIRST, SECOND], 2

    def CGDisplayBounds(self, display: int) -> Rect:  # noqa: N802
        if display == FIRST:
            return Rect(Point(0, 0), Size(1440, 900))
        return Rect(Point(-480, -1080), Size(1920, 1080))

    def CGEventCreateMouseEvent(self, _: None, kind: int, place: Any, button: int) -> Event:  # noqa: N802
        return Event(kind, place, button)

    def CGEventCreateKeyboardEvent(self, _: None, code: int, down: bool) -> Event:  # noqa: N802
        return Event("down" if down else "up", button=code)

    def CGEventKeyboardSetUnicodeString(self, event: Event, units: int, text: str) -> None:  # noqa: N802
        assert units == len(text.encode("utf-16-le")) // 2
        event.text = text

    def CGEventSetFlags(self, event: Event, flags: int) -> None:  # noqa: N802
        event.flags = flags

    def CGEventSetIntegerValueField(self, event: Event, number: int, value: int) -> None:  # noqa: N802
        assert number == 1
        event.clicks = value

    def CGEventCreateScrollWheelEvent(  # noqa: N802
        self, _: None, unit: int, wheels: int, up: int, left: int
    ) -> Event | None:
        return Event("scroll", (up, left)) if wheels == 2 else None

    def CGEventPost(self, tap: int, event: Event) -> None:  # noqa: N802
        assert tap == 0
        self.posted.append(event)

    def CGEventCreate(self, _: None) -> Event | None:  # noqa: N802
        return Event("location")

    def CGEventGetLocation(self, event: Event) -> Point:  # noqa: N802
        return self.location

    def CGWindowListCopyWindowInfo(self, *_: int) -> list[dict[str, Any]]:  # noqa: N802
        return self.windows


@pytest.fixture
def quartz() -> Quartz:
    return Quartz()


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def injector(quartz: Quartz, clock: Clock) -> SystemInjector[Stroke]:
    return SystemInjector(MacDevices(quartz, clock), repeats=False)


@pytest.mark.parametrize(
    ("monitor", "x", "y", "place"),
    [
        (MAIN, 0.5, 0.5, (720, 450)),
        (MAIN, 1, 1, (1439.5, 899.5)),
        (OTHER, 0, 0, (-480, -1080)),
        (OTHER, 0.25, 0.5, (0, -540)),
    ],
)
def test_positions_are_points_of_the_desktop(
    quartz: Quartz,
    injector: SystemInjector[Stroke],
    monitor: Monitor,
    x: float,
    y: float,
    place: tuple[float, float],
) -> None:
    injector.inject(monitor, PointerInput(x, y, 0))
    assert [(one.kind, one.place) for one in quartz.posted] == [(5, place)]


def test_a_display_that_is_gone(injector: SystemInjector[Stroke]) -> None:
    with pytest.raises(ControlError) as told:
        injector.inject(Monitor(77, "", 0, 0, 1, 1), PointerInput(0, 0, 0))
    assert told.value.reason is Reason.SCREEN_LOST


def test_dragging_is_another_movement(quartz: Quartz, injector: SystemInjector[Stroke]) -> None:
    for x, buttons in ((0.1, 1), (0.2, 1), (0.3, 0), (0.3, 0b1010), (0.4, 0b1000), (0.5, 0)):
        injector.inject(MAIN, PointerInput(x, 0.5, buttons))
    assert [(one.kind, one.button) for one in quartz.posted] == [
        *((5, 0), (1, 0), (6, 0)),
        *((6, 0), (2, 0), (5, 0), (3, 1), (25, 3)),
        *((7, 1), (4, 1), (27, 3), (26, 3)),
    ]


def test_double_clicks_are_counted(
    quartz: Quartz, clock: Clock, injector: SystemInjector[Stroke]
) -> None:
    def click(x: float, button: int = 1) -> int:
        injector.inject(MAIN, PointerInput(x, 0.5, button))
        injector.inject(MAIN, PointerInput(x, 0.5, 0))
        assert quartz.posted[-1].clicks == quartz.posted[-3].clicks
        return quartz.posted[-1].clicks

    assert [click(0.5), click(0.501), click(0.5)] == [1, 2, 3]
    # Elsewhere, with another button, or later it is another click.
    assert [click(0.6), click(0.6, 2), click(0.6)] == [1, 1, 1]
    clock.now += 1
    assert click(0.6) == 1


def test_the_wheel_turns_the_other_way(quartz: Quartz, injector: SystemInjector[Stroke]) -> None:
    injector.inject(MAIN, WheelInput(-120, 240))
    assert quartz.posted[0].place == (-80, 40)


def down(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, True)


@pytest.mark.parametrize(
    ("inputs", "did"),
    [
        # A character belongs to no key and no modifier.
        ([down("ShiftLeft", "Shift"), down("KeyY", "Z")], [(56, "", SHIFT), (0, "Z", 0)]),
        ([TextInput("😀")], [(0, "😀", 0), (0, "😀", 0)]),
        # A shortcut is a key with its character.
        ([down("MetaLeft", "Meta"), down("KeyY", "z")], [(55, "", COMMAND), (6, "z", COMMAND)]),
        ([down("MetaLeft", "Meta"), down("KeyY", "ф")], [(55, "", COMMAND), (16, "", COMMAND)]),
        ([down("ArrowUp", "ArrowUp")], [(126, "", 0)]),
        # Locks stay as they are, whatever somebody made of their keys.
        ([down("CapsLock", "CapsLock"), down("NumLock", "NumLock")], []),
        ([down("CapsLock", "Escape"), down("Escape", "CapsLock")], [(53, "", 0)]),
        # Apple's keyboards have Clear where others have Num Lock.
        ([down("NumLock", "Clear")], [(71, "", 0)]),
        (
            [down("CapsLock", "Control"), down("KeyA", "a")],
            [(59, "", 0x40000), (0, "a", 0x40000)],
        ),
        (
            [down("ShiftLeft", "Shift"), KeyInput("ShiftLeft", "Shift", False)],
            [(56, "", SHIFT), (56, "", 0)],
        ),
        # Both sides of a modifier are one.
        (
            [
                *(down("ShiftLeft", "Shift"), down("ShiftRight", "Shift")),
                *(KeyInput("ShiftLeft", "Shift", False), down("Enter", "Enter")),
            ],
            [(56, "", SHIFT), (60, "", SHIFT), (56, "", SHIFT), (36, "", SHIFT)],
        ),
        # The letter A has the number 0, which is also that of no key.
        (
            [down("ControlLeft", "Control"), down("KeyA", "a")],
            [(59, "", 0x40000), (0, "a", 0x40000)],
        ),
    ],
)
def test_keys(
    quartz: Quartz,
    injector: SystemInjector[Stroke],
    inputs: list[Input],
    did: list[tuple[int, str, int]],
) -> None:
    for each in inputs:
        injector.inject(MAIN, each)
    assert [(one.button, one.text, one.flags) for one in quartz.posted] == did


def window(layer: int, owner: int, x: float = 0) -> dict[str, Any]:
    bounds = {"X": x, "Y": 0, "Width": 100, "Height": 100}
    return {"kCGWindowLayer": layer, "kCGWindowOwnerPID": owner, "kCGWindowBounds": bounds}


def test_which_windows_are_ours(quartz: Quartz) -> None:
    devices = MacDevices(quartz)
    assert not devices.ours(pointed=True)
    own = os.getpid()
    # From front to back: the pointer itself, our bar, another program's window.
    quartz.windows = [window(2**31 - 1, own + 1), window(3, own, 50), window(0, own + 1)]
    devices.move(MAIN, 0.01, 0.01)
    assert not devices.ours(pointed=True)
    devices.move(MAIN, 60 / 1440, 0.01)
    assert devices.ours(pointed=True)
    assert not devices.ours(pointed=False)
    quartz.windows[2]["kCGWindowOwnerPID"] = own
    assert devices.ours(pointed=False)


def test_the_pointer(quartz: Quartz, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MacDevices(quartz).pointer() == (3, 5)
    monkeypatch.setattr(quartz, "CGEventCreate", lambda _: None)
    assert MacDevices(quartz).pointer() is None


def test_an_event_that_is_not_made_is_said(
    quartz: Quartz, injector: SystemInjector[Stroke], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quartz, "CGEventCreateScrollWheelEvent", lambda *_: None)
    with pytest.raises(ControlError) as told:
        injector.inject(MAIN, WheelInput(0, 120))
    assert told.value.reason is Reason.CONTROL_UNSUPPORTED


def test_the_same_places_have_names_on_macos_and_x11() -> None:
    assert KEY_CODES.keys() <= KEYCODES.keys()
    # Apple's keyboards have no such key.
    assert KEYCODES.keys() - KEY_CODES.keys() == {"KanaMode"}
    assert len({*KEY_CODES.values()}) == len(KEY_CODES)


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac may allow it")
def test_elsewhere_there_is_none() -> None:
    with pytest.raises(ControlError) as told:
        open_macos_injector()
    assert told.value.reason is Reason.CONTROL_PERMISSION
