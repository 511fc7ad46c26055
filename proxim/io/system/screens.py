"""What `proxim doctor` finds out about this device's screen: whether it can be shown, and whether
somebody else can use its mouse and keyboard.
"""

import asyncio
import importlib.util
from collections.abc import Mapping
from typing import Final

from proxim.core.doctor import ScreenFact, ScreenState, ScreenUse
from proxim.core.i18n import tr
from proxim.io.system.desktop_session import Desktop, desktop_in_use
from proxim.io.system.macos_permissions import may_control, may_record_screen
from proxim.io.system.subprocesses import Run, run_tool

_X11: Final = Desktop.X11.value
_WAYLAND: Final = Desktop.WAYLAND.value
# What else of Python each system needs, by the names of the modules.
_WINDOWS_PACKAGES: Final = ("mss",)
_MACOS_PACKAGES: Final = ("ScreenCaptureKit", "Quartz", "CoreMedia")
# What the server must offer for each use, by the names that its protocol has for extensions.
_EXTENSIONS: Final = {
    ScreenUse.SEEN: ("MIT-SHM", "DAMAGE", "XFIXES", "RANDR"),
    ScreenUse.CONTROLLED: ("XTEST",),
}
# The interfaces of the desktop's portal, which shows screens under Wayland.
_PORTALS: Final = {
    ScreenUse.SEEN: "org.freedesktop.portal.ScreenCast",
    ScreenUse.CONTROLLED: "org.freedesktop.portal.RemoteDesktop",
}
_PORTAL: Final = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop")
# Systems have one of these, and each prints the interfaces that a service has.
_LOOK: Final = (
    ("busctl", "--user", "--no-pager", "introspect", *_PORTAL),
    ("gdbus", "introspect", "--session", "--dest", _PORTAL[0], "--object-path", _PORTAL[1]),
)


def has_screen(environ: Mapping[str, str]) -> bool:
    """Whether a desktop runs for this program, as far as its surroundings say."""
    return desktop_in_use(environ) is not Desktop.NONE


async def find_screen(environ: Mapping[str, str], run: Run = run_tool) -> list[ScreenFact]:
    """Return what can be done with this device's screen; nothing if it has none."""
    match desktop_in_use(environ):
        case Desktop.WINDOWS:
            return _find_windows()
        case Desktop.MACOS:
            return await asyncio.to_thread(_find_macos)
        case Desktop.WAYLAND:
            return await _find_wayland(run)
        case Desktop.X11:
            return await asyncio.to_thread(_find_x11, environ.get("DISPLAY", ""))
        case Desktop.NONE:
            return []


# --- X11 ------------------------------------------------------------------------------------------


def _find_x11(display: str) -> list[ScreenFact]:
    try:
        import xcffib
        import xcffib.xproto
    except ImportError:
        return _both(_X11, ScreenState.LACKS, "xcffib")
    try:
        connection = xcffib.Connection(display=display)
    except xcffib.ConnectionException:
        return [
            ScreenFact(use, ScreenState.FORBIDDEN, _X11, remedy=tr("doctor.screenDisplayNext"))
            for use in ScreenUse
        ]
    missing = {
        use: tuple(
            name
            for name in names
            if not connection.core.QueryExtension(len(name), name.encode()).reply().present
        )
        for use, names in _EXTENSIONS.items()
    }
    if not missing[ScreenUse.SEEN]:
        missing[ScreenUse.SEEN] = _try_x11(display)
    # Not earlier: a server whose only client leaves begins anew, and refuses the next for a while.
    connection.disconnect()
    # Nobody controls what nobody sees.
    missing[ScreenUse.CONTROLLED] += missing[ScreenUse.SEEN]
    return [
        ScreenFact(use, ScreenState.LACKS if lacks else ScreenState.READY, _X11, lacks)
        for use, lacks in missing.items()
    ]


def _try_x11(display: str) -> tuple[str, ...]:
    """Look at the screen once, and return what is missing for it."""
    from proxim.io.screen.capture import CaptureError
    from proxim.io.screen.x11_capture import X11Capture

    try:
        X11Capture(display).close()
    except CaptureError as error:
        return (error.problem.detail or error.reason.value,)
    return ()


def _both(system: str, state: ScreenState, *missing: str) -> list[ScreenFact]:
    return [ScreenFact(use, state, system, missing) for use in ScreenUse]


# --- Wayland --------------------------------------------------------------------------------------


async def _find_wayland(run: Run) -> list[ScreenFact]:
    if lacks := _packages("jeepney"):
        return _both(_WAYLAND, ScreenState.LACKS, *lacks)
    from proxim.io.screen.pipewire_frames import missing_elements

    if lacks := await asyncio.to_thread(missing_elements):
        remedy = tr("doctor.screenGStreamerNext")
        state = ScreenState.LACKS
        return [ScreenFact(use, state, _WAYLAND, tuple(lacks), remedy) for use in ScreenUse]
    for tool in _LOOK:
        printed = await run(tool)
        if printed.status is not None:
            return [
                ScreenFact(use, ScreenState.ASKS, _WAYLAND)
                if printed.status == 0 and portal in printed.text
                else ScreenFact(use, ScreenState.LACKS, _WAYLAND, (portal,))
                for use, portal in _PORTALS.items()
            ]
    return _both(_WAYLAND, ScreenState.UNREADABLE)


# --- Windows and macOS ----------------------------------------------------------------------------


def _packages(*names: str) -> list[str]:
    """Return those of these packages that are not installed."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def _find_windows() -> list[ScreenFact]:
    system = Desktop.WINDOWS.value
    if lacks := _packages(*_WINDOWS_PACKAGES):
        return _both(system, ScreenState.LACKS, *lacks)
    return _both(system, ScreenState.READY)


def _find_macos() -> list[ScreenFact]:
    system = Desktop.MACOS.value
    if lacks := _packages(*_MACOS_PACKAGES):
        return _both(system, ScreenState.LACKS, *lacks)
    allowed = {
        ScreenUse.SEEN: (may_record_screen(), "doctor.screenRecordingNext"),
        ScreenUse.CONTROLLED: (may_control(), "doctor.screenAccessibilityNext"),
    }
    return [
        ScreenFact(use, ScreenState.READY, system)
        if may
        else ScreenFact(use, ScreenState.FORBIDDEN, system, remedy=tr(next_step))
        for use, (may, next_step) in allowed.items()
    ]
