"""What SendInput of Windows takes: the layouts, and how movements and keys are written in them."""

import ctypes
from enum import IntFlag
from typing import Final

from proxim.io.system.windows_calls import DWORD, LONG, ULONG_PTR, WORD

INPUT_MOUSE: Final = 0
INPUT_KEYBOARD: Final = 1
# A coordinate of SendInput is this for the whole width or height of the desktop.
FULL: Final = 65536


class Mouse(IntFlag):
    """MOUSEEVENTF_ (winuser.h)."""

    MOVE = 0x0001
    LEFTDOWN = 0x0002
    LEFTUP = 0x0004
    RIGHTDOWN = 0x0008
    RIGHTUP = 0x0010
    MIDDLEDOWN = 0x0020
    MIDDLEUP = 0x0040
    XDOWN = 0x0080
    XUP = 0x0100
    WHEEL = 0x0800
    HWHEEL = 0x1000
    VIRTUALDESK = 0x4000
    ABSOLUTE = 0x8000


class Key(IntFlag):
    """KEYEVENTF_ (winuser.h)."""

    EXTENDEDKEY = 0x0001
    KEYUP = 0x0002
    UNICODE = 0x0004
    SCANCODE = 0x0008


class MOUSEINPUT(ctypes.Structure):
    """What a mouse did."""

    _fields_ = (
        ("dx", LONG),
        ("dy", LONG),
        ("mouseData", DWORD),
        ("dwFlags", DWORD),
        ("time", DWORD),
        ("dwExtraInfo", ULONG_PTR),
    )


class KEYBDINPUT(ctypes.Structure):
    """What a keyboard did."""

    _fields_ = (
        ("wVk", WORD),
        ("wScan", WORD),
        ("dwFlags", DWORD),
        ("time", DWORD),
        ("dwExtraInfo", ULONG_PTR),
    )


class _Union(ctypes.Union):
    _fields_ = (("mi", MOUSEINPUT), ("ki", KEYBDINPUT))


class INPUT(ctypes.Structure):
    """One event."""

    _anonymous_ = ("u",)
    _fields_ = (("type", DWORD), ("u", _Union))


# Each button's flags for down and up, and which of the extra buttons it is (XBUTTON1, XBUTTON2).
_BUTTONS: Final = (
    (Mouse.LEFTDOWN, Mouse.LEFTUP, 0),
    (Mouse.RIGHTDOWN, Mouse.RIGHTUP, 0),
    (Mouse.MIDDLEDOWN, Mouse.MIDDLEUP, 0),
    (Mouse.XDOWN, Mouse.XUP, 1),
    (Mouse.XDOWN, Mouse.XUP, 2),
)


def absolute(pixel: int, start: int, length: int) -> int:
    """Return the coordinate of a pixel of the desktop, which begins at `start` and is so long.

    Windows rounds down when it turns it into a pixel again, so the middle of the pixel is meant.
    """
    return ((pixel - start) * FULL + FULL // 2) // length


def move(x: int, y: int) -> INPUT:
    """Return a movement to these absolute coordinates."""
    flags = Mouse.MOVE | Mouse.ABSOLUTE | Mouse.VIRTUALDESK
    return INPUT(type=INPUT_MOUSE, mi=MOUSEINPUT(dx=x, dy=y, dwFlags=flags))


def button(number: int, *, down: bool, swapped: bool = False) -> INPUT:
    """Return a button of MouseEvent.buttons that was pressed or released.

    `swapped` says that the person has exchanged left and right: SendInput means the buttons of the
    hardware.
    """
    if swapped and number < 2:
        number = 1 - number
    pressed, released, extra = _BUTTONS[number]
    flags = pressed if down else released
    return INPUT(type=INPUT_MOUSE, mi=MOUSEINPUT(mouseData=extra, dwFlags=flags))


def wheel(dx: int, dy: int) -> list[INPUT]:
    """Return turns of the wheels, right and down for positive numbers; Windows turns it up."""
    turns = ((Mouse.WHEEL, -dy), (Mouse.HWHEEL, dx))
    return [
        # A DWORD that Windows reads as a number with a sign.
        INPUT(type=INPUT_MOUSE, mi=MOUSEINPUT(mouseData=turn & 0xFFFFFFFF, dwFlags=flag))
        for flag, turn in turns
        if turn
    ]


def scan_code(code: int, *, down: bool, extended: bool) -> INPUT:
    """Return a key at its place."""
    flags = Key.SCANCODE | (Key.EXTENDEDKEY if extended else 0) | (0 if down else Key.KEYUP)
    return INPUT(type=INPUT_KEYBOARD, ki=KEYBDINPUT(wScan=code, dwFlags=flags))


def virtual_key(code: int, *, down: bool) -> INPUT:
    """Return a key by what it means."""
    return INPUT(type=INPUT_KEYBOARD, ki=KEYBDINPUT(wVk=code, dwFlags=0 if down else Key.KEYUP))


def character(text: str, *, down: bool) -> list[INPUT]:
    """Return characters, whatever the keyboard's layout; some are two units of UTF-16."""
    units = text.encode("utf-16-le", "surrogatepass")
    flags = Key.UNICODE | (0 if down else Key.KEYUP)
    return [
        INPUT(
            type=INPUT_KEYBOARD,
            ki=KEYBDINPUT(wScan=int.from_bytes(units[at : at + 2], "little"), dwFlags=flags),
        )
        for at in range(0, len(units), 2)
    ]
