"""The layouts of SendInput as 64-bit Windows has them, and what is written in them."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.io.control.windows_input import (
    FULL,
    INPUT,
    KEYBDINPUT,
    MOUSEINPUT,
    Key,
    Mouse,
    absolute,
    button,
    character,
    move,
    scan_code,
    virtual_key,
    wheel,
)
from proxim.io.control.windows_keys import EXTENDED, SCAN_CODES, VIRTUAL_KEYS
from proxim.io.control.x11_keys import KEYCODES

pytestmark = pytest.mark.skipif(
    ctypes.sizeof(ctypes.c_void_p) != 8, reason="the layouts of 64 bits"
)


def test_sizes_and_offsets() -> None:
    # winuser.h on 64 bits: pointers are aligned to 8 bytes.
    assert (ctypes.sizeof(MOUSEINPUT), ctypes.sizeof(KEYBDINPUT)) == (32, 24)
    assert ctypes.sizeof(INPUT) == 40
    assert (INPUT.type.offset, INPUT.mi.offset, INPUT.ki.offset) == (0, 8, 8)
    mouse = (MOUSEINPUT.dx, MOUSEINPUT.dy, MOUSEINPUT.mouseData, MOUSEINPUT.dwFlags)
    assert [field.offset for field in mouse] == [0, 4, 8, 12]
    assert (MOUSEINPUT.time.offset, MOUSEINPUT.dwExtraInfo.offset) == (16, 24)
    key = (KEYBDINPUT.wVk, KEYBDINPUT.wScan, KEYBDINPUT.dwFlags, KEYBDINPUT.time)
    assert [field.offset for field in key] == [0, 2, 4, 8]
    assert KEYBDINPUT.dwExtraInfo.offset == 16


@given(st.data(), st.integers(1, 32767), st.integers(-20000, 20000))
def test_a_coordinate_is_the_pixel_that_windows_makes_of_it(
    data: st.DataObject, length: int, start: int
) -> None:
    pixel = data.draw(st.integers(start, start + length - 1))
    coordinate = absolute(pixel, start, length)
    assert 0 <= coordinate < FULL
    assert coordinate * length // FULL + start == pixel


def test_bytes_of_a_movement() -> None:
    # type, padding, dx, dy, data, flags, time, padding, extra
    assert bytes(move(0x1234, 0x5678)) == (
        bytes(4) + bytes(4) + b"\x34\x12\0\0\x78\x56\0\0" + bytes(4) + b"\x01\xc0\0\0" + bytes(16)
    )


@pytest.mark.parametrize(
    ("number", "down", "swapped", "flags", "extra"),
    [
        (0, True, False, Mouse.LEFTDOWN, 0),
        (1, False, False, Mouse.RIGHTUP, 0),
        (0, True, True, Mouse.RIGHTDOWN, 0),
        (1, True, True, Mouse.LEFTDOWN, 0),
        (2, True, True, Mouse.MIDDLEDOWN, 0),
        (3, True, False, Mouse.XDOWN, 1),
        (4, False, False, Mouse.XUP, 2),
    ],
)
def test_buttons(number: int, down: bool, swapped: bool, flags: Mouse, extra: int) -> None:
    made = button(number, down=down, swapped=swapped)
    assert (made.type, made.mi.dwFlags, made.mi.mouseData) == (0, flags, extra)


def test_wheels() -> None:
    # Down is negative for Windows, and right is positive.
    down, right = wheel(120, 240)
    assert (down.mi.dwFlags, ctypes.c_int32(down.mi.mouseData).value) == (Mouse.WHEEL, -240)
    assert (right.mi.dwFlags, ctypes.c_int32(right.mi.mouseData).value) == (Mouse.HWHEEL, 120)
    assert wheel(0, 0) == []


def test_keys() -> None:
    arrow = scan_code(0x48, down=False, extended=True)
    assert (arrow.type, arrow.ki.wVk, arrow.ki.wScan) == (1, 0, 0x48)
    assert arrow.ki.dwFlags == Key.SCANCODE | Key.EXTENDEDKEY | Key.KEYUP
    assert scan_code(0x1E, down=True, extended=False).ki.dwFlags == Key.SCANCODE
    pause = virtual_key(0x13, down=True)
    assert (pause.ki.wVk, pause.ki.wScan, pause.ki.dwFlags) == (0x13, 0, 0)


def test_characters_are_units_of_utf_16() -> None:
    assert [(one.ki.wScan, one.ki.dwFlags) for one in character("é", down=True)] == [
        (0xE9, Key.UNICODE)
    ]
    assert [one.ki.wScan for one in character("😀", down=True)] == [0xD83D, 0xDE00]
    assert {one.ki.dwFlags for one in character("😀", down=False)} == {Key.UNICODE | Key.KEYUP}
    assert character("\ud83d", down=True)[0].ki.wScan == 0xD83D


def test_the_same_places_have_names_on_windows_and_x11() -> None:
    assert SCAN_CODES.keys() | VIRTUAL_KEYS.keys() == KEYCODES.keys() | {"Clear"}
    assert len({*SCAN_CODES.values()}) == len(SCAN_CODES)
    assert all(code & ~EXTENDED < 0x80 for code in SCAN_CODES.values())
    # Linux's numbers of a keyboard's first keys are the scan codes.
    for place, code in SCAN_CODES.items():
        if code < 0x54:
            assert KEYCODES[place] == code + 8, place
