"""What another program gets of the keys and clicks that somebody makes elsewhere."""

import asyncio
import secrets
import sys
import time
from collections.abc import Coroutine, Iterator
from itertools import product
from typing import Any

import pytest
import xcffib
import xcffib.xproto
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.messages import (
    Input,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
    WheelInput,
)
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.proof import Prover
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.io.control.executor import ControlExecutor
from proxim.io.control.injector import ControlError
from proxim.io.control.x11_clipboard import X11Clipboard
from proxim.io.control.x11_injector import X11Injector
from proxim.io.control.x11_spares import REUSE_SECONDS
from proxim.io.pairing.opening import NetOptions, Opening
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from proxim.io.runtime import Runtime
from tests.core.handed_in import program as host_program
from tests.io.control.x11_support import MONITOR, Keyboard, Program, closing, guest_keys
from tests.io.support import PATIENCE, Events
from tests.rows import each_row

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="X11 is tried on Linux"
)

LAYOUTS = ("us", "de", "fr", "ru", "jp")
SHIFT, CAPS_LOCK, CONTROL, ALT, NUM_LOCK = 1, 2, 4, 8, 16


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    from tests.ui.tk_support import NoScreenError, xvfb

    try:
        yield from xvfb(96)
    except NoScreenError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def keyboard(display: str) -> Iterator[Keyboard]:
    with closing(Keyboard(display)) as made:
        yield made


@pytest.fixture(scope="module")
def program(display: str, keyboard: Keyboard) -> Iterator[Program]:
    with closing(Program(display)) as made:
        yield made


@pytest.fixture
def injector(display: str, keyboard: Keyboard, program: Program) -> Iterator[X11Injector]:
    keyboard.use("us")
    keyboard.lock(0)
    program.focus()
    with closing(X11Injector(display)) as made:
        # A program reads the new layout with its first key. Xlib loses what changes meanwhile, so a
        # busy machine's program has read it before the test begins.
        do(made, *key("KeyX", "x"))
        program.events()
        yield made
    assert keyboard.down == []
    program.events()


def key(code: str, key: str, *, up: bool = True) -> list[Input]:
    down: list[Input] = [KeyInput(code, key, True)]
    return [*down, KeyInput(code, key, False)] if up else down


def held(code: str, name: str, inputs: list[Input]) -> list[Input]:
    return [KeyInput(code, name, True), *inputs, KeyInput(code, name, False)]


def do(injector: X11Injector, *inputs: Input) -> None:
    for one in inputs:
        injector.inject(MONITOR, one)
    # The server has an answer when it has done it all.
    injector.moved_here()


# --- characters -----------------------------------------------------------------------------------


# Each host is a test of its own, because together they take most of a minute: several workers share
# them.
@pytest.mark.slow
@pytest.mark.parametrize("host", [*LAYOUTS, "us,ru"])
def test_every_character_of_every_guest_is_typed(
    host: str, injector: X11Injector, keyboard: Keyboard, program: Program, display: str
) -> None:
    wrong = []
    for guest in LAYOUTS:
        keys = guest_keys(display, guest)
        keyboard.use(host)
        assert len(keys) > 90
        for one in keys:
            do(injector, *one.inputs())
            typed = program.typed()
            if typed != one.key:
                wrong.append((guest, one, typed))
    assert not wrong


@each_row("locks", [CAPS_LOCK, NUM_LOCK, CAPS_LOCK | NUM_LOCK])
@each_row("layout", ["us", "de", "fr"])
def test_locks_of_the_host_change_nothing_and_stay(
    locks: int, layout: str, injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    keyboard.use(layout)
    keyboard.lock(locks)
    text = "aAéÉ1!7/ß@ñя🎉"
    do(injector, *(one for letter in text for one in key("", letter)))
    do(injector, TextInput(text))
    assert program.typed() == text * 2
    assert keyboard.state == (locks, 0)
    # Those of the guest are in what it sends.
    do(injector, *key("CapsLock", "CapsLock"), *key("NumLock", "NumLock"), *key("KeyA", "A"))
    assert program.typed() == "A"
    assert keyboard.state == (locks, 0)


def test_a_lock_that_became_another_key_is_that(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    do(injector, *key("CapsLock", "Escape"))
    do(injector, *held("CapsLock", "Control", key("KeyC", "c")))
    # What became a lock has worked there.
    do(injector, *key("Escape", "CapsLock"), *held("ControlLeft", "CapsLock", key("KeyA", "A")))
    assert [(one.keysym, one.state & 0xFF) for one in program.presses()] == [
        (0xFF1B, 0),
        (0x63, CONTROL),
        (0x41, SHIFT),
    ]
    assert (keyboard.down, keyboard.state) == ([], (0, 0))


def test_texts_of_any_length_and_script_arrive(injector: X11Injector, program: Program) -> None:
    texts = [
        "Grüße aus Köln – 10 €\r\nÄÖÜ äöü ß ñ ç „so“\n\tEnde",
        "👩‍💻🏳️‍🌈🎉 e\u0301 \u00a0x\u200d",
        "Съешь же ещё этих мягких французских булок, да выпей чаю",
        "いろはにほへと ちりぬるを わかよたれそ つねならむ",
        "",
        "~" * 500,
    ]
    for text in texts:
        do(injector, TextInput(text))
        assert program.typed() == text.replace("\r\n", "\n")


def test_commands_of_terminals_are_not_typed(injector: X11Injector, program: Program) -> None:
    do(injector, TextInput("a\x00\x1b[2J\x7f\x85b"))
    assert program.typed() == "a[2Jb"


def test_more_characters_than_there_are_keycodes_are_typed_twice(
    injector: X11Injector, program: Program
) -> None:
    letters = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
    for _ in range(2):
        do(injector, *(one for letter in letters for one in key("", letter)))
        assert program.typed() == letters


def test_the_keyboard_map_is_left_as_it_was(
    display: str, keyboard: Keyboard, program: Program, injector: X11Injector
) -> None:
    before = keyboard.map
    with closing(X11Injector(display)) as other:
        do(other, TextInput("ä🎉"))
        typed_at = time.monotonic()
        assert keyboard.map != before
        assert program.typed() == "ä🎉"
        do(other, TextInput("ö"))
    assert keyboard.map == before
    # A program may be slow to look what a keycode means, and the map stays for it for a while.
    assert time.monotonic() - typed_at > REUSE_SECONDS


def test_what_was_done_at_the_other_side_is_not_done_again(
    injector: X11Injector, program: Program
) -> None:
    # A dead key and what it made, a key of an input method and its text.
    do(injector, *key("Equal", "Dead"), *key("KeyE", "é"))
    do(injector, *key("KeyA", "Process"), TextInput("あ"))
    # A letter and its accent; a key that types two letters.
    do(injector, *key("KeyE", "e\u0301"), *key("KeyB", "لا"))
    assert program.typed() == "éあéلا"


def test_altgr_of_windows_is_no_control(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    for layout in ("us", "de"):
        keyboard.use(layout)
        altgr = held("AltRight", "AltGraph", key("KeyQ", "@"))
        do(injector, *held("ControlLeft", "Control", altgr))
        (pressed,) = program.presses()
        assert pressed.character == "@"
        assert not pressed.state & (CONTROL | ALT)


# --- groups ---------------------------------------------------------------------------------------


def test_a_character_of_another_group_is_typed_and_the_group_stays(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    keyboard.use("us,ru")
    for group in (0, 1):
        keyboard.lock(0, group)
        before = keyboard.map
        do(injector, *key("KeyC", "c"), *key("KeyC", "с"), TextInput("Да, yes"))
        assert program.typed() == "cсДа, yes"
        assert keyboard.state == (0, group)
        # No keycode was needed.
        assert keyboard.map == before


# --- commands -------------------------------------------------------------------------------------


@each_row(
    "layout, code, letter, keysym, place",
    [
        # By meaning: French has its A where others have Q.
        ("fr", "KeyA", "a", 0x61, "KeyQ"),
        ("fr", "KeyC", "c", 0x63, "KeyC"),
        ("fr", "KeyZ", "z", 0x7A, "KeyW"),
        ("de", "KeyZ", "z", 0x7A, "KeyY"),
        # By place: nothing means it there.
        ("ru", "KeyC", "c", 0x6D3, "KeyC"),
        ("us", "KeyC", "с", 0x63, "KeyC"),
        # In another group.
        ("ru,us", "KeyC", "c", 0x63, "KeyC"),
        # Of a soft keyboard.
        ("us", "", "c", 0x63, "KeyC"),
        # CapsLock is on at the guest.
        ("us", "KeyC", "C", 0x63, "KeyC"),
    ],
)
def test_commands_are_meant_or_else_placed(
    layout: str,
    code: str,
    letter: str,
    keysym: int,
    place: str,
    injector: X11Injector,
    keyboard: Keyboard,
    program: Program,
) -> None:
    from proxim.io.control.x11_keys import KEYCODES

    keyboard.use(layout)
    do(injector, *held("ControlLeft", "Control", key(code, letter)))
    (pressed,) = program.presses()
    assert pressed.keysym == keysym
    assert pressed.keycode == KEYCODES[place]
    assert pressed.state & 0xFF == CONTROL
    assert keyboard.state == (0, 0)


def test_shift_belongs_to_a_command(injector: X11Injector, program: Program) -> None:
    for letter in ("T", "t"):
        shifted = held("ShiftLeft", "Shift", key("KeyT", letter))
        do(injector, *held("ControlLeft", "Control", shifted))
        (pressed,) = program.presses()
        assert (pressed.keysym, pressed.state & 0xFF) == (0x54, CONTROL | SHIFT)


def test_a_command_of_another_layout_needs_no_shift(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    keyboard.use("de")
    # Control and plus, as a US keyboard has it.
    do(injector, *held("ControlLeft", "Control", held("ShiftLeft", "Shift", key("Equal", "+"))))
    (pressed,) = program.presses()
    assert (pressed.keysym, pressed.state & 0xFF) == (0x2B, CONTROL)


def test_text_that_comes_while_control_is_held_is_text(
    injector: X11Injector, program: Program
) -> None:
    do(injector, *held("ControlLeft", "Control", [TextInput("aé\n")]), *key("KeyB", "b"))
    pressed = program.presses()
    assert "".join(one.character for one in pressed) == "aé\nb"
    assert not any(one.state & CONTROL for one in pressed)


# --- other keys -----------------------------------------------------------------------------------


@each_row(
    "code, name, keysym",
    [
        ("Enter", "Enter", 0xFF0D),
        ("NumpadEnter", "Enter", 0xFF8D),
        ("", "Backspace", 0xFF08),
        ("ArrowUp", "ArrowUp", 0xFF52),
        ("Delete", "Delete", 0xFFFF),
        ("F11", "F11", 0xFFC8),
        ("ContextMenu", "ContextMenu", 0xFF67),
        # NumLock is off there and on here.
        ("Numpad7", "Home", 0xFF50),
        # It is on at both.
        ("Numpad7", "7", 0xFFB7),
        # A key that only the place is known of.
        ("Space", "Unidentified", 0x20),
    ],
)
def test_named_keys(
    code: str,
    name: str,
    keysym: int,
    injector: X11Injector,
    keyboard: Keyboard,
    program: Program,
) -> None:
    keyboard.lock(NUM_LOCK)
    do(injector, *key(code, name))
    assert [one.keysym for one in program.presses()] == [keysym]


def test_a_key_that_is_unknown_does_nothing(injector: X11Injector, program: Program) -> None:
    do(injector, *key("", "Unidentified"), *key("Nowhere", "LaunchRocket"), *key("", ""))
    assert program.events() == []


def test_modifiers_are_what_they_mean_at_the_host(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    keyboard.use("us", "ctrl:swapcaps")
    do(injector, *held("ControlLeft", "Control", key("KeyA", "a")))
    (pressed,) = program.presses()
    assert pressed.state & 0xFF == CONTROL
    # A guest without AltGr at a host that has it.
    keyboard.use("de")
    do(injector, *held("AltRight", "Alt", key("KeyF", "f")))
    (pressed,) = program.presses()
    assert pressed.state & 0xFF == ALT


def test_shift_is_held_for_what_is_not_typed(injector: X11Injector, program: Program) -> None:
    do(injector, *held("ShiftLeft", "Shift", key("ArrowLeft", "ArrowLeft")))
    (pressed,) = program.presses()
    assert (pressed.keysym, pressed.state & 0xFF) == (0xFF51, SHIFT)


def test_a_key_that_is_held_is_repeated_by_the_host(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    # German has the slash with Shift, and US without: each repetition has to be one.
    do(injector, *key("ShiftLeft", "Shift", up=False), *key("Digit7", "/", up=False))
    typed = ""
    while len(typed) < 4:
        # What the guest repeats is not typed.
        do(injector, *key("Digit7", "/", up=False))
        typed += program.typed()
    assert {*typed} == {"/"}
    do(injector, KeyInput("Digit7", "/", False))
    assert keyboard.state == (SHIFT, 0)
    do(injector, KeyInput("ShiftLeft", "Shift", False))
    assert keyboard.down == []


def test_two_keys_that_overlap_are_two_characters(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    do(injector, *key("ShiftLeft", "Shift", up=False), *key("Digit7", "/", up=False))
    do(injector, *key("KeyA", "A", up=False), KeyInput("Digit7", "/", False))
    do(injector, KeyInput("ShiftLeft", "Shift", False), *key("KeyB", "b"))
    do(injector, KeyInput("KeyA", "A", False))
    assert program.typed() == "/Ab"
    assert keyboard.down == []


def test_shift_that_is_released_before_its_key_stays_released(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    do(injector, *key("ShiftLeft", "Shift", up=False), *key("Digit7", "/", up=False))
    do(injector, KeyInput("ShiftLeft", "Shift", False), KeyInput("Digit7", "/", False))
    assert keyboard.down == []
    do(injector, *key("KeyA", "a"))
    assert program.typed() == "/a"


def test_command_of_macos_ends_what_it_was_held_for(
    injector: X11Injector, keyboard: Keyboard
) -> None:
    # The end of C is never told.
    do(injector, *held("MetaLeft", "Meta", key("KeyC", "c", up=False)))
    assert keyboard.down == []


# --- maps that change -----------------------------------------------------------------------------


def test_the_layout_is_changed_meanwhile(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    do(injector, *key("KeyQ", "@", up=False), *key("KeyE", "é", up=False))
    keyboard.use("fr")
    do(injector, KeyInput("KeyQ", "@", False), KeyInput("KeyE", "é", False))
    assert keyboard.down == []
    do(injector, *key("KeyA", "a"), *key("KeyE", "é"), *key("KeyN", "ñ"))
    assert program.typed() == "@éaéñ"
    keyboard.use("de")
    do(injector, *key("ShiftLeft", "Shift", up=False), *key("KeyY", "Y", up=False))
    keyboard.use("us")
    injector.let_go()
    assert keyboard.down == []
    assert keyboard.state == (0, 0)


# --- pointer --------------------------------------------------------------------------------------

IN_IT = (0.125, 0.125)


def at(keyboard: Keyboard) -> tuple[int, int]:
    pointer = keyboard.core.QueryPointer(keyboard.root).reply()
    return pointer.root_x, pointer.root_y


def test_the_pointer_is_put_on_the_monitor_that_is_seen(
    injector: X11Injector, keyboard: Keyboard
) -> None:
    right = Monitor(1, "", 600, 100, 1000, 800)
    for x, y, place in ((0, 0, (600, 100)), (1, 1, (1599, 899)), (0.5, 0.25, (1100, 300))):
        injector.inject(right, PointerInput(x, y, 0))
        assert at(keyboard) == place


def test_all_buttons_and_dragging(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    for mask, button in ((1, 1), (2, 3), (4, 2), (8, 8), (16, 9)):
        do(injector, PointerInput(*IN_IT, mask), PointerInput(0.2, 0.2, mask))
        do(injector, PointerInput(0.2, 0.2, 0))
        down, up = program.events()
        assert (down["kind"], down["button"], down["x"]) == ("down", button, 200)
        assert (up["kind"], up["button"], up["x"]) == ("up", button, 320)
    # Several at once.
    do(injector, PointerInput(*IN_IT, 3), PointerInput(*IN_IT, 2), PointerInput(*IN_IT, 0))
    assert [one["button"] for one in program.events()] == [1, 3, 1, 3]


def test_who_has_swapped_the_buttons_is_clicked_for_as_meant(
    injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    order = list(keyboard.core.GetPointerMapping().reply().map)
    swapped = [3, 2, 1, *order[3:]]
    keyboard.core.SetPointerMapping(len(swapped), swapped).reply()
    try:
        do(injector, PointerInput(*IN_IT, 1), PointerInput(*IN_IT, 0))
        assert [one["button"] for one in program.events()] == [1, 1]
    finally:
        keyboard.core.SetPointerMapping(len(order), order).reply()


def test_fine_turns_of_the_wheel_are_summed_up(injector: X11Injector, program: Program) -> None:
    do(injector, PointerInput(*IN_IT, 0))
    do(injector, *[WheelInput(0, 30)] * 9, WheelInput(0, -120), WheelInput(-250, 0))
    downs = [one["button"] for one in program.events() if one["kind"] == "down"]
    assert downs == [5, 5, 4, 6, 6]


def test_who_moves_the_mouse_here_is_noticed(injector: X11Injector, keyboard: Keyboard) -> None:
    do(injector, PointerInput(0.3, 0.3, 0))
    assert not injector.moved_here()
    keyboard.core.WarpPointer(0, keyboard.root, 0, 0, 0, 0, 50, 60)
    keyboard.core.GetInputFocus().reply()
    assert injector.moved_here()
    assert not injector.moved_here()
    # Beyond the edge it stays where it is.
    injector.inject(Monitor(0, "", 5000, 5000, 100, 100), PointerInput(1, 1, 0))
    assert not injector.moved_here()


# --- windows of our own ---------------------------------------------------------------------------


@pytest.fixture
def own_window(display: str) -> Iterator[int]:
    connection = xcffib.Connection(display=display)
    screen = connection.get_setup().roots[0]
    window, inner = connection.generate_id(), connection.generate_id()
    mask = xcffib.xproto.EventMask
    wanted = mask.ButtonPress | mask.ButtonRelease | mask.KeyPress
    for made, parent, side in ((window, screen.root, 200), (inner, window, 100)):
        override, masks = xcffib.xproto.CW.OverrideRedirect, xcffib.xproto.CW.EventMask
        connection.core.CreateWindow(
            0, made, parent, 700 * (made == window), 0, side, side, 0, 1, 0,
            override | masks, [1, wanted],
        )  # fmt: skip
        connection.core.MapWindow(made)
    connection.core.GetInputFocus().reply()
    yield window
    got = []
    while (event := connection.poll_for_event()) is not None:
        if isinstance(event, xcffib.xproto.ButtonPressEvent | xcffib.xproto.KeyPressEvent):
            got.append(event)
    connection.disconnect()
    assert got == []


@each_row("x", [710 / 1600, 890 / 1600])
def test_our_own_windows_are_out_of_reach(
    x: float, own_window: int, injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    inside = (x, 10 / 1400)
    injector.ignored = False
    do(injector, PointerInput(*inside, 0))
    assert not injector.ignored
    do(injector, PointerInput(*inside, 1))
    assert injector.ignored
    do(injector, WheelInput(0, 120))
    assert injector.ignored
    assert keyboard.down == []
    # The button that was pressed over it presses nothing elsewhere.
    do(injector, PointerInput(*IN_IT, 1), PointerInput(*IN_IT, 0))
    assert program.events() == []
    assert injector.ignored
    # Nothing is dragged to it.
    do(injector, PointerInput(*IN_IT, 1))
    assert not injector.ignored
    do(injector, PointerInput(*inside, 1), PointerInput(*inside, 0))
    down, up = program.events()
    assert (down["x"], up["x"]) == (200, 200)


def test_the_frame_around_a_window_of_ours_is_out_of_reach(
    own_window: int, injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    # A window manager, which is another program, puts our window into one of its own.
    keyboard.core.ReparentWindow(own_window, program.window, 50, 50)
    keyboard.core.GetInputFocus().reply()
    do(injector, PointerInput(110 / 1600, 110 / 1400, 1), PointerInput(200 / 1600, 200 / 1400, 1))
    do(injector, WheelInput(0, 120))
    assert keyboard.down == []
    assert program.events() == []
    keyboard.core.ReparentWindow(own_window, keyboard.root, 700, 0)
    keyboard.core.GetInputFocus().reply()


def test_keys_for_our_own_windows_are_dropped(
    own_window: int, injector: X11Injector, keyboard: Keyboard, program: Program
) -> None:
    # A key that is held when the focus comes to us is not repeated for us.
    do(injector, *key("KeyX", "x", up=False))
    assert program.typed() == "x"
    keyboard.core.SetInputFocus(1, own_window, 0)
    keyboard.core.GetInputFocus().reply()
    injector.moved_here()
    assert keyboard.down == []
    do(injector, *key("KeyA", "a"))
    assert injector.ignored
    do(injector, TextInput("text\n"), *key("ControlLeft", "Control", up=False))
    assert injector.ignored
    assert keyboard.down == []
    # The focus goes elsewhere while Control is held.
    program.focus()
    do(injector, *key("KeyC", "c"), KeyInput("ControlLeft", "Control", False))
    (pressed,) = program.presses()
    assert not injector.ignored
    assert pressed.state & 0xFF == CONTROL
    # The focus follows the pointer.
    do(injector, PointerInput(710 / 1600, 10 / 1400, 0))
    keyboard.core.SetInputFocus(1, 1, 0)
    keyboard.core.GetInputFocus().reply()
    do(injector, *key("KeyA", "a"))
    program.focus()
    assert program.typed() == ""


# --- nothing stays pressed ------------------------------------------------------------------------


async def test_a_crash_of_the_thread_releases_everything(
    display: str, keyboard: Keyboard, program: Program
) -> None:
    class Breaking(X11Injector):
        def inject(self, monitor: Monitor, what: Input) -> None:
            if what == ReleaseAll():
                assert keyboard.down
                raise ZeroDivisionError
            super().inject(monitor, what)

    program.focus()
    reported = Events()
    link = ev.LinkID("host-1")

    def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name=name)

    executor = ControlExecutor(
        reported, spawn, lambda: Breaking(display), lambda: X11Clipboard(display)
    )
    inputs: list[Input] = [
        *key("ShiftLeft", "Shift", up=False),
        *key("KeyA", "é", up=False),
        PointerInput(*IN_IT, 5),
        ReleaseAll(),
    ]
    executor.execute[screen_do.StartControl](screen_do.StartControl(link))
    for one in inputs:
        executor.execute[screen_do.Inject](screen_do.Inject(link, MONITOR, one))
    await reported.wait(screen_ev.ControlFailed)
    await executor.stop()
    assert keyboard.down == []
    assert program.typed() == "é"


async def test_the_runtime_uses_mouse_and_keyboard(
    display: str, keyboard: Keyboard, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    keyboard.use("us")
    program.focus()
    link = ev.LinkID("host-1")
    told = Events()
    machine = host_program(
        DeviceInfo("PC", "pc"), Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)
    )
    runtime = Runtime(machine, told, NetOptions(), Opening())
    running = asyncio.create_task(runtime.run())
    await told.wait(st.ThisDevice)
    assert runtime._control is None
    runtime._carry_out(
        [
            screen_do.StartControl(link),
            screen_do.Inject(link, MONITOR, TextInput("Grüße 🎉")),
            screen_do.Inject(link, MONITOR, KeyInput("KeyX", "x", True)),
            screen_do.LetGo(link, in_turn=True),
        ]
    )
    typed = ""
    while not typed.endswith("x"):
        typed += await asyncio.to_thread(program.typed)
    assert typed == "Grüße 🎉x"
    before = keyboard.map
    runtime._carry_out([screen_do.Inject(link, MONITOR, KeyInput("KeyX", "x", True))])
    while "x" not in await asyncio.to_thread(program.typed):
        pass
    assert keyboard.down
    # The end of the program releases it.
    runtime.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    assert keyboard.down == []
    assert keyboard.map != before


def test_where_there_is_no_server_it_says_so() -> None:
    with pytest.raises(ControlError):
        X11Injector(":4711")


@pytest.mark.slow
def test_no_lock_is_pressed_by_its_place(
    display: str, keyboard: Keyboard, program: Program
) -> None:
    keyboard.use("us")
    keyboard.lock(NUM_LOCK, 1)
    program.focus()
    injector = X11Injector(display)
    # A keyboard's own layout may have anything at these places.
    for code, key in product(("CapsLock", "NumLock"), ("Unidentified", "", "é", "Hyper")):
        for held in ("", "Control"):
            if held:
                injector.inject(MONITOR, KeyInput("ControlLeft", held, True))
            injector.inject(MONITOR, KeyInput(code, key, True))
            injector.inject(MONITOR, KeyInput(code, key, False))
            injector.inject(MONITOR, ReleaseAll())
            injector._core.GetInputFocus().reply()
            assert (keyboard.down, keyboard.state[0]) == ([], NUM_LOCK), (code, key, held)
    injector.close()


SHARES = strategies.floats(0, 1)
CODES = strategies.sampled_from(
    ["KeyA", "KeyQ", "Digit7", "ShiftLeft", "ShiftRight", "ControlLeft", "AltRight", "AltLeft",
     "MetaLeft", "Enter", "Numpad7", "CapsLock", "F5", "", "What"]
)  # fmt: skip
NAMES = strategies.sampled_from(
    ["a", "A", "q", "/", "@", "é", "я", "🎉", "7", "Shift", "Control", "AltGraph", "Alt", "Meta",
     "Enter", "Home", "CapsLock", "Dead", "F5", "لا", "", "Unidentified"]
)  # fmt: skip
ANY_INPUT = strategies.one_of(
    strategies.builds(KeyInput, CODES, NAMES, strategies.booleans()),
    strategies.builds(PointerInput, SHARES, SHARES, strategies.integers(0, 31)),
    strategies.builds(WheelInput, strategies.integers(-300, 300), strategies.integers(-300, 300)),
    strategies.builds(TextInput, strategies.text("aÄя\n", max_size=3)),
    strategies.just(ReleaseAll()),
)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [10, pytest.param(500, marks=pytest.mark.nightly)])
def test_after_anything_nothing_stays_pressed(
    display: str, keyboard: Keyboard, program: Program, examples: int
) -> None:
    class AnyInput(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            keyboard.use("us,ru")
            keyboard.lock(NUM_LOCK, 1)
            program.focus()
            self.injector = X11Injector(display)

        @rule(what=ANY_INPUT)
        def does(self, what: Input) -> None:
            self.injector.inject(MONITOR, what)
            # The server has an answer when it has done it. Others ask it by connections of their
            # own, and it may answer those before.
            self.injector._core.GetInputFocus().reply()

        @rule(layout=strategies.sampled_from(["us,ru", "de", "fr"]))
        def changes_the_layout(self, layout: str) -> None:
            keyboard.use(layout)

        @rule()
        def lets_go(self) -> None:
            self.injector.let_go()
            assert keyboard.down == []

        @rule()
        def looks(self) -> None:
            self.injector.moved_here()

        @invariant()
        def only_it_knows(self) -> None:
            assert len(keyboard.down) <= len(self.injector._down) + len(self.injector._buttons)

        def teardown(self) -> None:
            self.injector.close()
            assert keyboard.down == []
            assert keyboard.state[0] == NUM_LOCK
            program.events()

    AnyInput.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=25, deadline=None, database=None
    )
    AnyInput.TestCase("runTest").runTest()
