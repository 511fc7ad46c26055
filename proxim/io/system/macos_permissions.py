"""What macOS lets this program do: record the screen, and use mouse and keyboard.

The person decides both in the System Settings. Asking for it shows the system's own question once,
and adds Proxim to the list there.

This was written where no Mac is, and has not run on one.
"""

import ctypes
import sys
from typing import Final

_CORE_GRAPHICS: Final = "/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics"
_SERVICES: Final = "/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices"


def may_record_screen(*, ask: bool = False) -> bool:
    """Whether this program may record the screen; macOS before 10.15 asks nobody."""
    if _says(_CORE_GRAPHICS, "CGPreflightScreenCaptureAccess"):
        return True
    return ask and _says(_CORE_GRAPHICS, "CGRequestScreenCaptureAccess")


def may_control(*, ask: bool = False) -> bool:
    """Whether this program may use mouse and keyboard ("Accessibility")."""
    if _says(_SERVICES, "AXIsProcessTrusted"):
        return True
    return ask and _says(_CORE_GRAPHICS, "CGRequestPostEventAccess")


def _says(library: str, function: str) -> bool:
    if sys.platform != "darwin":
        return False
    try:
        asked = getattr(ctypes.CDLL(library), function)
    except (OSError, AttributeError):
        # An older system has no such question.
        return True
    asked.restype, asked.argtypes = ctypes.c_bool, []
    return bool(asked())
