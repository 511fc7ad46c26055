"""The mouse and keyboard of Windows, by SendInput.

What belongs to an administrator, the lock screen, and the question before a program gets more
rights ("UAC") are out of an ordinary program's reach; Windows drops what is sent to them without a
word. So it is looked at first, and said.

This was written where no Windows is, and has not run on one; what can be is tried by tests.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control import windows_input
from proxim.io.control.injector import ControlError
from proxim.io.control.system_injector import Place, SystemInjector
from proxim.io.control.windows_input import INPUT
from proxim.io.control.windows_keys import EXTENDED, SCAN_CODES, VIRTUAL_KEYS
from proxim.io.system.windows_calls import (
    BOOL,
    DWORD,
    HANDLE,
    POINT,
    UINT,
    WORD,
    Calls,
    see_real_pixels,
)

# GetSystemMetrics: where the desktop of all monitors begins, and its size; swapped mouse buttons.
_DESKTOP: Final = (76, 77, 78, 79)
_SWAPPED: Final = 23
# MapVirtualKeyExW: from a key's meaning to its place, with E0 before extended ones.
_TO_SCAN_CODE: Final = 4
_CAPS_LOCK: Final = 0x14
# VkKeyScanExW's upper byte: a character needs Shift, or more than that.
_WITH_SHIFT: Final = 1
_NO_KEY: Final = -1
# GetAncestor: the window that a control stands in.
_ROOT: Final = 2
_READ_OBJECTS: Final = 0x0001
_OBJECT_NAME: Final = 2
_ORDINARY_DESKTOP: Final = "Default"
_QUERY_PROCESS: Final = 0x1000
_QUERY_TOKEN: Final = 0x0008
_TOKEN_ELEVATION: Final = 20


class Windows(Protocol):
    """What is asked of Windows."""

    def send(self, inputs: Sequence[INPUT]) -> int:
        """Do this with mouse and keyboard; return how much of it Windows has taken."""

    def desktop(self) -> tuple[int, int, int, int]:
        """Return where the desktop of all monitors begins, and its size, in pixels."""

    def buttons_swapped(self) -> bool:
        """Whether left and right are exchanged."""

    def caps_locked(self) -> bool:
        """Whether Caps Lock is on."""

    def key_of(self, character: str) -> int | None:
        """Return what the layout in use needs for a character: a virtual key, and in the upper byte
        the modifiers; None if it has no key for it.
        """

    def scan_code_of(self, virtual_key: int) -> int:
        """Return the place of a key in the layout in use; 0 if it has none."""

    def out_of_reach(self, *, pointed: bool) -> bool:
        """Whether what has the keyboard, or is pointed at, takes nothing from programs like us."""

    def ours(self, *, pointed: bool) -> bool:
        """Whether it is a window of this process."""

    def pointer(self) -> Place | None:
        """Return where the mouse pointer is; None if Windows does not say."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key of Windows: at a place, by its meaning, or a character without a key."""

    scan: int = 0
    virtual: int = 0
    character: str = ""


class WindowsDevices:
    """The mouse and keyboard of Windows."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def use(self, monitor: Monitor) -> None:
        """Windows has one desktop for all monitors."""

    def move(self, monitor: Monitor, x: float, y: float) -> Place:
        """Put the pointer there."""
        left, top, width, height = self._windows.desktop()
        # The picture of the desktop begins at (0, 0), the desktop itself perhaps left of it.
        at_x = left + monitor.x + min(int(x * monitor.width), monitor.width - 1)
        at_y = top + monitor.y + min(int(y * monitor.height), monitor.height - 1)
        self._send(
            [
                windows_input.move(
                    windows_input.absolute(at_x, left, width),
                    windows_input.absolute(at_y, top, height),
                )
            ]
        )
        return at_x, at_y

    def pointer(self) -> Place | None:
        """Return where the pointer is."""
        return self._windows.pointer()

    def ours(self, *, pointed: bool) -> bool:
        """Whether a window of this process is meant."""
        return self._windows.ours(pointed=pointed)

    def button(self, number: int, *, down: bool) -> None:
        """Press or release a button."""
        self._reach(pointed=True, down=down)
        swapped = self._windows.buttons_swapped()
        self._send([windows_input.button(number, down=down, swapped=swapped)])

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel."""
        self._reach(pointed=True)
        self._send(windows_input.wheel(dx, dy))

    def place(self, code: str) -> Stroke | None:
        """Return the key at a place."""
        if (virtual := VIRTUAL_KEYS.get(code)) is not None:
            return Stroke(virtual=virtual)
        scan = SCAN_CODES.get(code)
        return None if scan is None else Stroke(scan=scan)

    def shortcut(self, character: str) -> Stroke | None:
        """Return the key that makes a character, whatever else it needs."""
        found = self._windows.key_of(character)
        scan = 0 if found is None else self._windows.scan_code_of(found & 0xFF)
        return Stroke(scan=scan) if scan else None

    def character(self, character: str, *, shift: bool) -> Stroke:
        """Return the key for a letter or digit, which games look at, where the layout has it with
        Shift as it is now; for everything else, the character itself.

        Other keys may be dead ones, which type nothing at first.
        """
        if character.isascii() and (character.isalnum() or character == " "):
            found = self._windows.key_of(character)
            wanted = _WITH_SHIFT if shift else 0
            if found is not None and found >> 8 == wanted and not self._windows.caps_locked():
                scan = self._windows.scan_code_of(found & 0xFF)
                if scan:
                    return Stroke(scan=scan)
        return Stroke(character=character)

    def lifts_shift(self, stroke: Stroke) -> bool:
        """Shift changes no character that is sent as itself, and keys were chosen with it."""
        return False

    def press(self, stroke: Stroke, *, down: bool) -> None:
        """Press, repeat or release a key."""
        self._reach(pointed=False, down=down)
        if stroke.character:
            self._send(windows_input.character(stroke.character, down=down))
        elif stroke.virtual:
            self._send([windows_input.virtual_key(stroke.virtual, down=down)])
        else:
            extended = stroke.scan & EXTENDED == EXTENDED
            code = stroke.scan & 0xFF
            self._send([windows_input.scan_code(code, down=down, extended=extended)])

    def text(self, text: str) -> None:
        """Type characters."""
        self._reach(pointed=False)
        # A character's halves belong together, so it goes down and up as a whole.
        self._send(
            [
                each
                for character in text
                for down in (True, False)
                for each in windows_input.character(character, down=down)
            ]
        )

    def close(self) -> None:
        """Nothing has to be given back."""

    def _reach(self, *, pointed: bool, down: bool = True) -> None:
        # What is released is sent in any case: Windows drops it at worst.
        if down and self._windows.out_of_reach(pointed=pointed):
            raise ControlError(Reason.CONTROL_BLOCKED)

    def _send(self, inputs: Sequence[INPUT]) -> None:
        if inputs and self._windows.send(inputs) != len(inputs):
            # Another desktop has the input: the lock screen, or a question about rights.
            raise ControlError(Reason.CONTROL_BLOCKED)


class RealWindows:
    """Asks the Windows that this runs on."""

    def __init__(self) -> None:
        see_real_pixels()
        user32, kernel32, advapi32 = Calls("user32"), Calls("kernel32"), Calls("advapi32")
        pointer = ctypes.POINTER
        self._send_input = user32.declare("SendInput", UINT, UINT, pointer(INPUT), ctypes.c_int)
        self._metrics = user32.declare("GetSystemMetrics", ctypes.c_int, ctypes.c_int)
        self._key_state = user32.declare("GetKeyState", ctypes.c_int16, ctypes.c_int)
        self._key_scan = user32.declare("VkKeyScanExW", ctypes.c_int16, WORD, HANDLE)
        self._map_key = user32.declare("MapVirtualKeyExW", UINT, UINT, UINT, HANDLE)
        self._layout = user32.declare("GetKeyboardLayout", HANDLE, DWORD)
        self._foreground = user32.declare("GetForegroundWindow", HANDLE)
        self._owner = user32.declare("GetWindowThreadProcessId", DWORD, HANDLE, pointer(DWORD))
        self._cursor = user32.declare("GetCursorPos", BOOL, pointer(POINT))
        self._window_at = user32.declare("WindowFromPoint", HANDLE, POINT)
        self._ancestor = user32.declare("GetAncestor", HANDLE, HANDLE, UINT)
        self._input_desktop = user32.declare("OpenInputDesktop", HANDLE, DWORD, BOOL, DWORD)
        self._close_desktop = user32.declare("CloseDesktop", BOOL, HANDLE)
        self._object_information = user32.declare(
            "GetUserObjectInformationW",
            BOOL,
            *(HANDLE, ctypes.c_int, HANDLE, DWORD, pointer(DWORD)),
        )
        self._open_process = kernel32.declare("OpenProcess", HANDLE, DWORD, BOOL, DWORD)
        self._own_process = kernel32.declare("GetCurrentProcess", HANDLE)
        self._close_handle = kernel32.declare("CloseHandle", BOOL, HANDLE)
        self._open_token = advapi32.declare(
            "OpenProcessToken", BOOL, HANDLE, DWORD, pointer(HANDLE)
        )
        self._token_information = advapi32.declare(
            "GetTokenInformation",
            BOOL,
            *(HANDLE, ctypes.c_int, HANDLE, DWORD, pointer(DWORD)),
        )
        self._administrator = self._is_elevated(self._own_process())
        # A window keeps its rights, and is asked for at each key.
        self._last_window: tuple[int, bool] = (0, False)

    def send(self, inputs: Sequence[INPUT]) -> int:
        """Do this with mouse and keyboard."""
        array = (INPUT * len(inputs))(*inputs)
        return int(self._send_input(len(inputs), array, ctypes.sizeof(INPUT)))

    def desktop(self) -> tuple[int, int, int, int]:
        """Return where the desktop of all monitors begins, and its size."""
        left, top, width, height = (int(self._metrics(number)) for number in _DESKTOP)
        return left, top, max(1, width), max(1, height)

    def buttons_swapped(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(self._metrics(_SWAPPED))

    def caps_locked(self) -> bool:
        """Whether Caps Lock is on."""
        return bool(self._key_state(_CAPS_LOCK) & 1)

    def key_of(self, character: str) -> int | None:
        """Return what the layout in use needs for a character."""
        if len(character) != 1 or ord(character) > 0xFFFF:
            return None
        found = int(self._key_scan(ord(character), self._layout_in_use()))
        return None if found == _NO_KEY else found & 0xFFFF

    def scan_code_of(self, virtual_key: int) -> int:
        """Return the place of a key in the layout in use."""
        return int(self._map_key(virtual_key, _TO_SCAN_CODE, self._layout_in_use()))

    def out_of_reach(self, *, pointed: bool) -> bool:
        """Whether another desktop is shown, or an administrator's window is meant."""
        if not self._is_ordinary_desktop():
            return True
        if self._administrator:
            return False
        window = self._pointed_window() if pointed else self._foreground()
        if not window:
            return False
        if self._last_window[0] != window:
            self._last_window = (window, self._belongs_to_administrator(window))
        return self._last_window[1]

    def ours(self, *, pointed: bool) -> bool:
        """Whether it is a window of this process."""
        window = self._pointed_window() if pointed else self._foreground()
        number = DWORD()
        self._owner(window, ctypes.byref(number))
        return bool(window) and number.value == os.getpid()

    def pointer(self) -> Place | None:
        """Return where the mouse pointer is."""
        place = POINT()
        if not self._cursor(ctypes.byref(place)):
            return None
        return int(place.x), int(place.y)

    def _layout_in_use(self) -> Any:
        return self._layout(self._owner(self._foreground(), None))

    def _pointed_window(self) -> Any:
        place = POINT()
        if not self._cursor(ctypes.byref(place)):
            return None
        return self._ancestor(self._window_at(place), _ROOT)

    def _is_ordinary_desktop(self) -> bool:
        desktop = self._input_desktop(0, False, _READ_OBJECTS)
        if not desktop:
            return False
        try:
            name = (WORD * 64)()
            needed = DWORD()
            size = ctypes.sizeof(name)
            if not self._object_information(
                desktop, _OBJECT_NAME, name, size, ctypes.byref(needed)
            ):
                return False
            text = bytes(name).decode("utf-16-le").partition("\0")[0]
            return text == _ORDINARY_DESKTOP
        finally:
            self._close_desktop(desktop)

    def _belongs_to_administrator(self, window: int) -> bool:
        number = DWORD()
        self._owner(window, ctypes.byref(number))
        process = self._open_process(_QUERY_PROCESS, False, number.value)
        if not process:
            # Not even its name may be asked for.
            return True
        try:
            return self._is_elevated(process)
        finally:
            self._close_handle(process)

    def _is_elevated(self, process: int) -> bool:
        token = HANDLE()
        if not self._open_token(process, _QUERY_TOKEN, ctypes.byref(token)):
            return True
        try:
            elevated, size = DWORD(), DWORD()
            told = self._token_information(
                token,
                _TOKEN_ELEVATION,
                ctypes.byref(elevated),
                ctypes.sizeof(elevated),
                ctypes.byref(size),
            )
            return not told or bool(elevated.value)
        finally:
            self._close_handle(token)


def open_windows_injector() -> SystemInjector[Stroke]:
    """Return the Injector for Windows. Raises ControlError."""
    try:
        windows = RealWindows()
    except (OSError, AttributeError) as error:
        detail = type(error).__name__ if sys.platform == "win32" else "not Windows"
        raise ControlError(Reason.CONTROL_UNSUPPORTED, detail) from None
    return SystemInjector(WindowsDevices(windows), repeats=False)
