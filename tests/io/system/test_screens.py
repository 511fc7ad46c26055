"""What `proxim doctor` finds out about this device's screen."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from proxim.core.doctor import ScreenFact, ScreenState, ScreenUse
from proxim.io.screen import pipewire_frames
from proxim.io.system import screens
from proxim.io.system.screens import find_screen, has_screen
from proxim.io.system.subprocesses import ToolOutput

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland are tried on Linux")
SEEN, CONTROLLED = ScreenUse.SEEN, ScreenUse.CONTROLLED


@contextmanager
def x_server(*options: str) -> Iterator[str]:
    """Run an X server with these options; yield its display."""
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-nolisten", "tcp", *options]
    try:
        server = subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("Xvfb is not installed")
    finally:
        os.close(writes)
    with server, os.fdopen(reads) as shown:
        yield f":{shown.readline().strip()}"
        server.kill()


async def no_tool(_: Sequence[str]) -> ToolOutput:
    return ToolOutput(None)


# --- X11 ------------------------------------------------------------------------------------------


@LINUX
async def test_a_desktop_that_can_be_seen_and_controlled() -> None:
    with x_server() as display:
        assert await find_screen({"DISPLAY": display}, no_tool) == [
            ScreenFact(use, ScreenState.READY, "X11") for use in ScreenUse
        ]


@LINUX
@pytest.mark.parametrize(
    ("without", "facts"),
    [
        (
            "XTEST",
            [
                ScreenFact(SEEN, ScreenState.READY, "X11"),
                ScreenFact(CONTROLLED, ScreenState.LACKS, "X11", ("XTEST",)),
            ],
        ),
        (
            "DAMAGE",
            [ScreenFact(use, ScreenState.LACKS, "X11", ("DAMAGE",)) for use in ScreenUse],
        ),
        (
            "MIT-SHM",
            [ScreenFact(use, ScreenState.LACKS, "X11", ("MIT-SHM",)) for use in ScreenUse],
        ),
    ],
)
async def test_what_a_server_lacks_is_named(without: str, facts: list[ScreenFact]) -> None:
    with x_server("-extension", without) as display:
        assert await find_screen({"DISPLAY": display}, no_tool) == facts


@LINUX
async def test_a_depth_that_is_not_spoken_is_named() -> None:
    with x_server("-screen", "0", "640x480x16") as display:
        seen, controlled = await find_screen({"DISPLAY": display}, no_tool)
    assert (seen.state, seen.missing) == (ScreenState.LACKS, ("16 bits",))
    assert controlled.missing == ("16 bits",)


@LINUX
async def test_a_display_that_does_not_answer() -> None:
    facts = await find_screen({"DISPLAY": ":65000"}, no_tool)
    assert [(fact.use, fact.state) for fact in facts] == [
        (use, ScreenState.FORBIDDEN) for use in ScreenUse
    ]
    assert all("DISPLAY" in fact.remedy for fact in facts)


@LINUX
async def test_no_desktop_is_no_screen() -> None:
    assert await find_screen({}, no_tool) == []
    assert not has_screen({"DISPLAY": ""})
    assert has_screen({"DISPLAY": ":0"})


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_have_a_desktop(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert has_screen({})


# --- Wayland --------------------------------------------------------------------------------------

BUSCTL = """NAME TYPE SIGNATURE RESULT/VALUE FLAGS
org.freedesktop.portal.RemoteDesktop interface - - -
org.freedesktop.portal.ScreenCast    interface - - -
"""
GDBUS = "  interface org.freedesktop.portal.ScreenCast {\n"


def tools(**printed: ToolOutput) -> Callable[[Sequence[str]], object]:
    async def run(command: Sequence[str]) -> ToolOutput:
        assert "org.freedesktop.portal.Desktop" in command
        return printed.get(command[0], ToolOutput(None))

    return run


@LINUX
@pytest.mark.parametrize(
    ("printed", "states"),
    [
        ({"busctl": ToolOutput(0, BUSCTL)}, (ScreenState.ASKS, ScreenState.ASKS)),
        # A portal without remote desktops, as on wlroots.
        ({"gdbus": ToolOutput(0, GDBUS)}, (ScreenState.ASKS, ScreenState.LACKS)),
        ({"busctl": ToolOutput(1, "no such service")}, (ScreenState.LACKS, ScreenState.LACKS)),
        ({}, (ScreenState.UNREADABLE, ScreenState.UNREADABLE)),
    ],
)
async def test_the_portal_of_a_wayland_desktop(
    printed: dict[str, ToolOutput],
    states: tuple[ScreenState, ScreenState],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipewire_frames, "missing_elements", list)
    # There is a DISPLAY, too, on which programs of X11 see each other alone.
    environ = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}
    facts = await find_screen(environ, tools(**printed))  # type: ignore[arg-type]
    assert [fact.use for fact in facts] == list(ScreenUse)
    assert tuple(fact.state for fact in facts) == states
    for fact in facts:
        assert bool(fact.missing) is (fact.state is ScreenState.LACKS)


@LINUX
async def test_gstreamer_is_missing_on_a_wayland_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipewire_frames, "missing_elements", lambda: ["pipewiresrc"])
    facts = await find_screen({"XDG_SESSION_TYPE": "wayland"}, no_tool)
    assert [(one.use, one.state, one.missing) for one in facts] == [
        (use, ScreenState.LACKS, ("pipewiresrc",)) for use in ScreenUse
    ]
    assert all("GStreamer" in one.remedy for one in facts)


# --- Windows and macOS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacks", "states"),
    [
        ([], [ScreenState.READY, ScreenState.READY]),
        (["mss"], [ScreenState.LACKS, ScreenState.LACKS]),
    ],
)
async def test_windows(
    monkeypatch: pytest.MonkeyPatch, lacks: list[str], states: list[ScreenState]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(screens, "_packages", lambda *_: lacks)
    facts = await find_screen({}, no_tool)
    assert [one.state for one in facts] == states
    assert {one.system for one in facts} == {"Windows"}


@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize("controls", [True, False])
async def test_macos(monkeypatch: pytest.MonkeyPatch, sees: bool, controls: bool) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(screens, "_packages", lambda *_: [])
    monkeypatch.setattr(screens, "may_record_screen", lambda: sees)
    monkeypatch.setattr(screens, "may_control", lambda: controls)
    facts = await find_screen({}, no_tool)
    states = {True: ScreenState.READY, False: ScreenState.FORBIDDEN}
    assert [one.state for one in facts] == [states[sees], states[controls]]
    assert ["Recording" in one.remedy for one in facts] == [not sees, False]
    assert ["Accessibility" in one.remedy for one in facts] == [False, not controls]


def test_packages_that_are_missing() -> None:
    assert screens._packages("json", "no_such_package") == ["no_such_package"]
