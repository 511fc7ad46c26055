"""Runs first inside the executable (PyInstaller calls it a runtime hook): what differs there from a
run of the sources.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, Final, NoReturn

# What aiortc imports of PyAV. A name that is missing here fails loudly:
# tests/programs/test_executable.py opens a link.
_MEDIA_MODULES: Final = ("av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")

# The two arrive within milliseconds; nobody presses Ctrl-C twice as fast
_SAME_SIGNAL_SECONDS: Final = 0.3

Handler = Callable[[int, FrameType | None], Any]


class _NoMedia(ModuleType):
    """Stands where a module of PyAV would be: any name in it is a class that cannot be used.

    aiortc imports PyAV for sound and pictures, and our links carry neither. Its FFmpeg would be two
    thirds of the executable and of the time that unpacking takes, would put the GPL's conditions
    (x264, x265) on an MIT program, and would stand ready to decode whatever a hostile guest sends.
    Once a link carries video, this class goes.
    """

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):  # the import system's own questions
            raise AttributeError(name)
        # FFmpegError stands in `except` clauses, where Python wants an exception.
        kind = type(name, (Exception,) if name.endswith("Error") else (), {"__init__": _refuse})
        setattr(self, name, kind)
        return kind


def _refuse(self: object, *arguments: object) -> NoReturn:
    raise RuntimeError("this executable carries no codecs for sound and pictures")


def _leave_out_media() -> None:
    for name in _MEDIA_MODULES:
        module = sys.modules[name] = _NoMedia(name)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)


def _restore_library_path() -> None:
    """The system's tools that we ask (xrdb, gsettings, ufw) must load the system's libraries, not
    those unpacked here.

    The loader has read the variable already when our own process began, so nothing of ours changes
    (PyInstaller's manual, "Launching external programs from the frozen application").
    """
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original
    else:
        os.environ.pop("LD_LIBRARY_PATH", None)


def _hear_signals_once() -> None:
    """One Ctrl-C is one Ctrl-C.

    A one-file executable is two processes: the outer unpacks, waits and cleans up, the inner is
    Proxim. A terminal's Ctrl-C reaches both, the outer forwards its own, and Proxim would take the
    second one for impatience. (The outer can be told not to forward; then `kill` of the process
    that people see would do nothing.)
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


_leave_out_media()
if sys.platform != "win32":
    _hear_signals_once()
if sys.platform == "linux":
    _restore_library_path()
