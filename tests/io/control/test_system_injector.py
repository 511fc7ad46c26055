"""Somebody else's mouse and keyboard, on devices that write down what they are told."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.control.messages import (
    Input,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
    WheelInput,
)
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError
from proxim.io.control.system_injector import (
    REPEAT_DELAY_SECONDS,
    REPEAT_SECONDS,
    SystemInjector,
    is_character,
)

MONITOR = Monitor(0, "", 0, 0, 100, 100)
PLACES = {
    "KeyA",
    "KeyZ",
    "ShiftLeft",
    "ControlLeft",
    "AltRight",
    "Enter",
    "NumpadEnter",
    "Numpad4",
    "ArrowLeft",
    "Tab",
    "Escape",
    "AltLeft",
    "CapsLock",
    "NumLock",
}


@dataclass
class Written:
    """Devices whose keys are named by what was asked for."""

    lifts: bool = False
    # The characters that a key of this side makes with Ctrl.
    keys: dict[str, str] = field(default_factory=lambda: {"z": "key z"})
    did: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    at: tuple[int, int] | None = None
    our_pointed: bool = False
    our_keyboard: bool = False

    def use(self, monitor: Monitor) -> None:
        assert monitor is MONITOR

    def move(self, monitor: Monitor, x: float, y: float) -> tuple[int, int]:
        self.did.append(f"move {x} {y}")
        return int(x * 100), int(y * 100)

    def pointer(self) -> tuple[int, int] | None:
        return self.at

    def ours(self, *, pointed: bool) -> bool:
        return self.our_pointed if pointed else self.our_keyboard

    def button(self, number: int, *, down: bool) -> None:
        self._set(f"button {number}", down)

    def wheel(self, dx: int, dy: int) -> None:
        self.did.append(f"wheel {dx} {dy}")

    def place(self, code: str) -> str | None:
        return code if code in PLACES else None

    def shortcut(self, character: str) -> str | None:
        return self.keys.get(character)

    def character(self, character: str, *, shift: bool) -> str:
        return f"type {character}"

    def lifts_shift(self, stroke: str) -> bool:
        return self.lifts

    def press(self, stroke: str, *, down: bool) -> None:
        self._set(stroke, down)

    def text(self, text: str) -> None:
        self.did.append(f"text {text}")

    def close(self) -> None:
        self.did.append("close")

    def _set(self, what: str, down: bool) -> None:
        self.did.append(f"{'+' if down else '-'}{what}")
        if down:
            self.down.add(what)
        else:
            # What is not down is not released.
            self.down.remove(what)


def done(*inputs: Input, devices: Written | None = None) -> list[str]:
    devices = devices or Written()
    injector = SystemInjector(devices, repeats=True)
    for each in inputs:
        injector.inject(MONITOR, each)
    return devices.did


def down(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, True)


def up(code: str, key: str) -> KeyInput:
    return KeyInput(code, key, False)


def test_the_pointer_is_there_before_its_buttons() -> None:
    assert done(PointerInput(0.5, 0.25, 0b101), PointerInput(0.5, 0.5, 0b100)) == [
        "move 0.5 0.25",
        "+button 0",
        "+button 2",
        "move 0.5 0.5",
        "-button 0",
    ]
    assert done(WheelInput(-3, 120)) == ["wheel -3 120"]


@pytest.mark.parametrize(
    ("keys", "did"),
    [
        # A character is that character, wherever it was pressed.
        ([down("KeyY", "z"), up("KeyY", "z")], ["+type z", "-type z"]),
        ([down("KeyA", "é")], ["+type é"]),
        # Repeating is not the other side's.
        ([down("KeyA", "a"), down("KeyA", "a")], ["+type a"]),
        # What another layer made of a key is released by its place.
        ([down("KeyA", "A"), up("KeyA", "a")], ["+type A", "-type A"]),
        # A shortcut is the key of this side that makes the character, else the one at the place.
        (
            [down("ControlLeft", "Control"), down("KeyY", "z")],
            ["+ControlLeft", "+key z"],
        ),
        (
            [down("ControlLeft", "Control"), down("KeyA", "ф")],
            ["+ControlLeft", "+KeyA"],
        ),
        # Keys with names are the ones of this meaning; of several, the one at the place.
        ([down("NumpadEnter", "Enter")], ["+NumpadEnter"]),
        ([down("", "Enter"), up("", "Enter")], ["+Enter", "-Enter"]),
        ([down("KeyA", "Hyper")], ["+KeyA"]),
        ([down("Numpad4", "ArrowLeft")], ["+ArrowLeft"]),
        ([down("Numpad4", "4")], ["+type 4"]),
        ([down("Numpad4", "Clear")], ["+Numpad4"]),
        ([down("LaunchMail", "LaunchMail"), up("LaunchMail", "LaunchMail")], []),
        # The other side's locks and dead keys have done their work there.
        ([down("CapsLock", "CapsLock"), up("CapsLock", "CapsLock")], []),
        ([down("NumLock", "NumLock"), up("NumLock", "NumLock")], []),
        ([down("KeyA", "Dead")], []),
        # So has a key that was made a lock; and a lock's key that was made another is that.
        ([down("Escape", "CapsLock"), up("Escape", "CapsLock")], []),
        ([down("CapsLock", "Escape"), up("CapsLock", "Escape")], ["+Escape", "-Escape"]),
        ([down("CapsLock", "Unidentified"), up("CapsLock", "Unidentified")], []),
        ([down("CapsLock", "x"), up("CapsLock", "x")], ["+type x", "-type x"]),
        (
            [down("CapsLock", "Control"), down("KeyY", "z"), up("CapsLock", "Control")],
            ["+ControlLeft", "+key z", "-ControlLeft"],
        ),
        ([down("ControlLeft", "Control"), down("CapsLock", "ф")], ["+ControlLeft"]),
        # Modifiers that people exchanged, or of a soft keyboard, are what they mean.
        ([down("ControlLeft", "Alt"), up("ControlLeft", "Alt")], ["+AltLeft", "-AltLeft"]),
        ([down("", "Control"), down("", "z")], ["+ControlLeft", "+key z"]),
        # AltGr has done its work at the other side; Windows reports it as Ctrl and Alt.
        (
            [
                down("ControlLeft", "Control"),
                down("AltRight", "AltGraph"),
                down("KeyQ", "@"),
                up("AltRight", "AltGraph"),
            ],
            ["+ControlLeft", "-ControlLeft", "+type @"],
        ),
        ([down("ShiftLeft", "Shift"), down("KeyA", "A")], ["+ShiftLeft", "+type A"]),
    ],
)
def test_keys(keys: list[KeyInput], did: list[str]) -> None:
    assert done(*keys) == did


def test_two_keys_that_are_one_here_are_released_with_the_last() -> None:
    keys = [down("KeyA", "a"), down("KeyY", "a"), up("KeyA", "a"), up("KeyY", "a")]
    assert done(*keys) == ["+type a", "+type a", "-type a"]


def test_shift_is_lifted_where_it_would_change_a_character() -> None:
    did = done(
        down("ShiftLeft", "Shift"),
        down("Digit7", "/"),
        up("Digit7", "/"),
        up("ShiftLeft", "Shift"),
        devices=Written(lifts=True),
    )
    assert did == [
        "+ShiftLeft",
        "-ShiftLeft",
        "+type /",
        "-type /",
        "+ShiftLeft",
        "-ShiftLeft",
    ]


def test_text_is_typed_with_nothing_held() -> None:
    did = done(down("ControlLeft", "Control"), TextInput("one\r\ntwo\tthree\n"))
    assert did == [
        *("+ControlLeft", "-ControlLeft", "text one", "+Enter", "-Enter"),
        *("text two", "+Tab", "-Tab", "text three", "+Enter", "-Enter"),
    ]


def test_everything_is_released_the_last_first() -> None:
    devices = Written()
    injector = SystemInjector(devices, repeats=True)
    injector.inject(MONITOR, PointerInput(0, 0, 0b11))
    injector.inject(MONITOR, down("ShiftLeft", "Shift"))
    injector.inject(MONITOR, down("ArrowLeft", "ArrowLeft"))
    devices.did.clear()
    injector.inject(MONITOR, ReleaseAll())
    assert devices.did == ["-ArrowLeft", "-ShiftLeft", "-button 0", "-button 1"]
    injector.close()
    assert devices.did[4:] == ["close"]


class Gone(Written):
    def button(self, number: int, *, down: bool) -> None:
        if not down:
            raise ControlError(Reason.SCREEN_LOST)


def test_what_has_gone_is_left() -> None:
    devices = Gone()
    injector = SystemInjector(devices, repeats=True)
    injector.inject(MONITOR, PointerInput(0, 0, 1))
    injector.close()
    assert devices.did[-1] == "close"


def test_our_windows_are_not_touched() -> None:
    devices = Written(our_pointed=True, our_keyboard=True)
    injector = SystemInjector(devices, repeats=True)
    for each in (
        PointerInput(0, 0, 1),
        WheelInput(0, 120),
        down("KeyA", "a"),
        down("Enter", "Enter"),
        TextInput("yes"),
    ):
        injector.ignored = False
        injector.inject(MONITOR, each)
        assert injector.ignored, each
    assert devices.did == ["move 0 0"]
    # What was pressed there is not released elsewhere, and the next one is pressed again.
    devices.our_pointed = devices.our_keyboard = False
    for each in (PointerInput(0, 0, 0), up("Enter", "Enter"), PointerInput(0, 0, 1)):
        injector.inject(MONITOR, each)
    assert devices.did[1:] == ["move 0 0", "move 0 0", "+button 0"]
    assert not injector.ignored
    # What was pressed elsewhere is released here.
    devices.our_pointed = True
    injector.inject(MONITOR, PointerInput(0, 0, 0))
    assert devices.did[4:] == ["move 0 0", "-button 0"]


def test_the_mouse_of_this_device_is_noticed() -> None:
    devices = Written(at=(5, 5))
    injector = SystemInjector(devices, repeats=True)
    # Nobody knows yet where it was.
    assert not injector.moved_here()
    injector.inject(MONITOR, PointerInput(0.1, 0.1, 0))
    injector.inject(MONITOR, PointerInput(0.2, 0.2, 0))
    # The system has not moved it yet, then one step, then all.
    assert not injector.moved_here()
    for place in ((10, 10), (20, 20), (20, 20)):
        devices.at = place
        assert not injector.moved_here()
    devices.at = (21, 20)
    assert injector.moved_here()
    assert not injector.moved_here()
    # It is not where it was put before.
    devices.at = (10, 10)
    assert injector.moved_here()
    devices.at = None
    assert not injector.moved_here()


def test_a_key_that_is_held_is_repeated_where_the_system_does_not() -> None:
    devices = Written()
    now = 1.0
    injector = SystemInjector(devices, repeats=False, clock=lambda: now)
    injector.repeat()
    injector.inject(MONITOR, down("ShiftLeft", "Shift"))
    now += 10
    injector.repeat()
    injector.inject(MONITOR, down("ArrowLeft", "ArrowLeft"))
    devices.did.clear()
    now += REPEAT_DELAY_SECONDS * 0.9
    injector.repeat()
    assert devices.did == []
    now += REPEAT_DELAY_SECONDS * 0.2
    injector.repeat()
    injector.repeat()
    assert devices.did == ["+ArrowLeft"]
    now += REPEAT_SECONDS * 1.1
    injector.repeat()
    # A thread that was late repeats once.
    now += 5
    injector.repeat()
    injector.repeat()
    assert devices.did == ["+ArrowLeft"] * 3
    injector.inject(MONITOR, up("ArrowLeft", "ArrowLeft"))
    now += 5
    injector.repeat()
    assert devices.did[3:] == ["-ArrowLeft"]


def test_a_key_that_is_held_is_not_repeated_into_a_window_of_ours() -> None:
    now = 0.0
    devices = Written()
    injector = SystemInjector(devices, repeats=False, clock=lambda: now)
    injector.inject(MONITOR, down("Enter", "Enter"))
    devices.our_keyboard = True
    now = REPEAT_DELAY_SECONDS
    injector.repeat()
    devices.our_keyboard = False
    now += REPEAT_DELAY_SECONDS
    injector.repeat()
    assert devices.did == ["+Enter", "-Enter"]


def test_commands_for_terminals_are_not_typed() -> None:
    assert done(TextInput("a\x1b[2Jb\x08\x9b"), TextInput("\x7f")) == ["text a[2Jb"]
    assert done(down("", "\x1b"), up("", "\x1b")) == []


def test_where_the_system_repeats_nothing_is_added() -> None:
    devices = Written()
    now = 0.0
    injector = SystemInjector(devices, repeats=True, clock=lambda: now)
    injector.inject(MONITOR, down("KeyA", "a"))
    now = 100.0
    injector.repeat()
    assert devices.did == ["+type a"]


@pytest.mark.parametrize("key", ["a", " ", "é", "😀", "👍🏽", "ﬀ", "e\u0301"])
def test_characters(key: str) -> None:
    assert is_character(key)


@pytest.mark.parametrize("key", ["", "Enter", "F1", "Dead", "Process", "Unidentified"])
def test_names_are_no_characters(key: str) -> None:
    assert not is_character(key)


KEYS = st.builds(
    KeyInput,
    st.sampled_from([*sorted(PLACES), "KeyY", "Digit7", ""]),
    st.sampled_from(
        [
            *("a", "z", "/", "é", "Shift", "Control", "AltGraph", "Enter", "Dead", "CapsLock"),
            *("Escape", "Hyper"),
        ]
    ),
    st.booleans(),
)
POINTERS = st.builds(PointerInput, st.floats(0, 1), st.floats(0, 1), st.integers(0, 31))
TEXTS = st.builds(TextInput, st.text(max_size=5))
INPUTS = st.lists(KEYS | POINTERS | TEXTS | st.just(ReleaseAll()), max_size=30)


@given(INPUTS, st.booleans())
def test_nothing_stays_pressed_and_nothing_is_released_that_was_not(
    inputs: list[Input], lifts: bool
) -> None:
    devices = Written(lifts=lifts)
    now = 0.0
    injector = SystemInjector(devices, repeats=False, clock=lambda: now)
    for each in inputs:
        injector.inject(MONITOR, each)
        now += 1
        injector.repeat()
    injector.let_go()
    assert devices.down == set()
    assert not {"+CapsLock", "+NumLock"} & {*devices.did}
