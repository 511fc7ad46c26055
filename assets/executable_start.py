"""Runs first inside the executable (PyInstaller calls it a runtime hook) and handles what differs
there from a run of the sources.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

# The two signals arrive within milliseconds, and nobody presses Ctrl-C twice as fast.
_SAME_SIGNAL_SECONDS: Final = 0.3

Handler = Callable[[int, FrameType | None], Any]


def _restore_library_path() -> None:
    """Let the system's tools that Proxim runs (gsettings, ufw) load the system's libraries
    instead of those unpacked here.

    The loader has already read the variable when our own process began, so nothing changes for
    Proxim (PyInstaller's manual, "Launching external programs from the frozen application").
    """
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original
    else:
        os.environ.pop("LD_LIBRARY_PATH", None)


def _hear_signals_once() -> None:
    """Treat one Ctrl-C as one signal.

    A one-file executable is two processes: the outer one unpacks, waits and cleans up, and the
    inner one is Proxim. A terminal's Ctrl-C reaches both, and the outer process forwards its own.
    Proxim would then take the second signal for an impatient second Ctrl-C. (The outer process can
    be configured not to forward, but then `kill` of the process that people see would do nothing.)
    """
    set_handler = signal.signal

    def set_single(number: int, handler: Any) -> Any:
        doubled = number in (signal.SIGINT, signal.SIGTERM) and callable(handler)
        return set_handler(number, _once(handler) if doubled else handler)

    signal.signal = set_single  # type: ignore[assignment]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        set_single(signal.SIGINT, signal.default_int_handler)


def _once(handler: Handler) -> Handler:
    last = -_SAME_SIGNAL_SECONDS

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > _SAME_SIGNAL_SECONDS:
            last = now
            handler(number, frame)

    return hear


if sys.platform != "win32":
    _hear_signals_once()
if sys.platform == "linux":
    _restore_library_path()
