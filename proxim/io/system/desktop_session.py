"""Which kind of desktop this program runs on, which decides how its screen is seen and used."""

import os
import sys
from collections.abc import Mapping
from enum import Enum


class Desktop(Enum):
    """The kinds of desktops. The value is their name for people."""

    WINDOWS = "Windows"
    MACOS = "macOS"
    WAYLAND = "Wayland"
    X11 = "X11"
    NONE = ""


def desktop_in_use(
    environment: Mapping[str, str] | None = None, platform: str | None = None
) -> Desktop:
    """Return the kind of desktop that these variables, or this process's, tell of."""
    told = os.environ if environment is None else environment
    system = sys.platform if platform is None else platform
    if system == "win32":
        return Desktop.WINDOWS
    if system == "darwin":
        return Desktop.MACOS
    session = told.get("XDG_SESSION_TYPE", "")
    # A Wayland desktop has a DISPLAY, too, for older programs: an X server that shows black.
    if session == "wayland" or (told.get("WAYLAND_DISPLAY") and session != "x11"):
        return Desktop.WAYLAND
    return Desktop.X11 if told.get("DISPLAY") else Desktop.NONE
