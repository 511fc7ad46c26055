"""Calls of Windows's own libraries, and the layouts of what they take.

The layouts use ctypes' types of a fixed size, so that they are the same on the systems where our
tests run (ctypes.wintypes has C's `long`, which is eight bytes there).
"""

import ctypes
import sys
from typing import Any, Final

BOOL = LONG = ctypes.c_int32
DWORD = UINT = ctypes.c_uint32
WORD = ctypes.c_uint16
HANDLE = ctypes.c_void_p
# An unsigned number as wide as a pointer.
ULONG_PTR = ctypes.c_size_t

# A thread's own choice, since Windows 10 1607: pixels are real ones, whatever each monitor's scale
# (DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2).
_PER_MONITOR_V2: Final = -4


class POINT(ctypes.Structure):
    """A place on the desktop, in pixels."""

    _fields_ = (("x", LONG), ("y", LONG))


class Calls:
    """Functions of one library, declared once: handles are wider than ctypes' default."""

    _library: Any

    def __init__(self, name: str) -> None:
        if sys.platform != "win32":
            raise OSError(f"{name} is a library of Windows")
        self._library = ctypes.WinDLL(name, use_last_error=True)

    def declare(self, name: str, result: Any, *parameters: Any) -> Any:
        """Return a function of the library with its types. Raises AttributeError if it lacks it."""
        function = getattr(self._library, name)
        function.restype, function.argtypes = result, parameters
        return function


def see_real_pixels() -> None:
    """Let this thread see every monitor in its real pixels.

    The window's thread keeps what Tk needs: one scale for all of the desktop. Windows before 1607
    has no such choice, and there the process's holds.
    """
    try:
        choose = Calls("user32").declare("SetThreadDpiAwarenessContext", HANDLE, HANDLE)
    except AttributeError:
        return
    choose(_PER_MONITOR_V2)
