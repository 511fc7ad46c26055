"""Which desktop this is, by what each system says of itself."""

import pytest

from proxim.core.errors import Reason
from proxim.io.control.injector import ControlError, open_clipboard, open_injector
from proxim.io.screen.capture import CaptureError, open_capture
from proxim.io.system.desktop_session import Desktop, desktop_in_use


@pytest.mark.parametrize(
    ("platform", "environment", "desktop"),
    [
        ("win32", {}, Desktop.WINDOWS),
        ("darwin", {"DISPLAY": ":0"}, Desktop.MACOS),
        ("linux", {}, Desktop.NONE),
        ("linux", {"DISPLAY": ""}, Desktop.NONE),
        ("linux", {"DISPLAY": ":0"}, Desktop.X11),
        # XWayland's DISPLAY shows black.
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, Desktop.WAYLAND),
        ("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}, Desktop.WAYLAND),
        # A compositor that was started from a console.
        ("linux", {"WAYLAND_DISPLAY": "wayland-1", "XDG_SESSION_TYPE": "tty"}, Desktop.WAYLAND),
        # A variable of another session.
        (
            "linux",
            {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "x11"},
            Desktop.X11,
        ),
        ("freebsd14", {"DISPLAY": ":0"}, Desktop.X11),
    ],
)
def test_the_desktop(platform: str, environment: dict[str, str], desktop: Desktop) -> None:
    assert desktop_in_use(environment, platform) is desktop


@pytest.mark.skipif(desktop_in_use({}) is not Desktop.NONE, reason="there is always a desktop")
def test_without_a_desktop_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CaptureError) as told:
        open_capture()
    assert told.value.reason is Reason.NO_SCREEN
    with pytest.raises(ControlError) as said:
        open_injector()
    assert said.value.reason is Reason.NO_SCREEN
    with pytest.raises(ControlError):
        open_clipboard()
