"""A Wayland desktop's screen, mouse and keyboard, with a portal of our own on a private D-Bus."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxim.core.control.messages import KeyInput, PointerInput, TextInput, WheelInput
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import Rectangle, Update

if not sys.platform.startswith("linux"):
    pytest.skip("Wayland is Linux's", allow_module_level=True)
if shutil.which("dbus-daemon") is None:
    pytest.skip("missing: dbus-daemon (Debian's package of that name)", allow_module_level=True)

from proxim.io.control.injector import ControlError
from proxim.io.control.wayland_devices import open_wayland_injector
from proxim.io.screen import portal as portal_module
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.sender import Drawn, Sender, Show
from proxim.io.screen.wayland_capture import WaylandCapture, open_wayland_capture
from tests.io.screen.desk import Viewer
from tests.io.screen.fake_portal import PATIENCE, FakeGStreamer, Portal, private_bus

RED, BLUE = [0, 0, 255, 0], [255, 0, 0, 0]


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield


@pytest.fixture
def gstreamer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGStreamer]:
    made = FakeGStreamer(tmp_path)
    monkeypatch.setenv("PATH", f"{made.programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_FRAMES", str(made.frames))
    monkeypatch.setenv("FAKE_MISSING", "")
    made.node(41)
    yield made
    made.close()


@pytest.fixture
def portal(bus: None) -> Iterator[Portal]:
    made = Portal([(41, {"size": ("(ii)", (32, 16))})])
    yield made
    made.close()


@pytest.fixture
def capture(portal: Portal, gstreamer: FakeGStreamer) -> Iterator[WaylandCapture]:
    made = opened(gstreamer, (41, 64, 32))
    yield made
    made.close()


def opened(gstreamer: FakeGStreamer, *first: tuple[int, int, int]) -> WaylandCapture:
    """Open the capture; meanwhile the desktop sends first pictures of nodes and sizes."""

    def send() -> None:
        for node, width, height in first:
            gstreamer.picture(node, width, height, RED)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return open_wayland_capture()
    finally:
        sender.join(PATIENCE)


def seen(capture: WaylandCapture) -> Seen:
    found = capture.look(PATIENCE)
    assert found != Seen()
    return found


def test_grant_pictures_and_end(
    portal: Portal, gstreamer: FakeGStreamer, capture: WaylandCapture
) -> None:
    # What was asked for: mouse and keyboard, monitors with the pointer in their pictures.
    assert portal.called("SelectDevices")[1]["types"] == ("u", 3)
    sources = portal.called("SelectSources")[1]
    assert (sources["types"], sources["cursor_mode"]) == (("u", 1), ("u", 2))
    # Its pictures have twice as many pixels as the desktop counts.
    assert capture.monitors() == (Monitor(41, "", 0, 0, 64, 32, 2.0),)
    assert capture.look(0) == Seen((Rectangle(0, 0, 64, 32),))
    capture.grab(Rectangle(0, 0, 64, 32))
    assert bytes(capture.picture.pixels) == bytes(RED) * 64 * 32
    gstreamer.picture(41, 64, 32, BLUE)
    assert seen(capture) == Seen((Rectangle(0, 0, 64, 32),))
    capture.grab(Rectangle(0, 16, 64, 16))
    half = 64 * 16
    assert bytes(capture.picture.pixels) == bytes(RED) * half + bytes(BLUE) * half
    capture.wake()
    assert capture.look(PATIENCE) == Seen()
    capture.close()
    portal.called("Close")
    assert portal_module.session_that_shows(41) is None


def test_a_monitor_that_was_turned(gstreamer: FakeGStreamer, capture: WaylandCapture) -> None:
    capture.look(0)
    gstreamer.picture(41, 32, 64, BLUE)
    # Its size may be told before the picture or after it.
    while (found := seen(capture)) and capture.monitors()[0].width != 32:
        continue
    assert found.monitors_changed
    assert found.changed == (Rectangle(0, 0, 32, 64),)


def test_the_desktop_ends_it(portal: Portal, capture: WaylandCapture) -> None:
    capture.look(0)
    portal.revoke()
    with pytest.raises(CaptureError) as told:
        capture.look(PATIENCE)
    assert told.value.reason is Reason.SCREEN_REVOKED
    injector = open_wayland_injector()
    with pytest.raises(ControlError):
        injector.inject(Monitor(41, "", 0, 0, 64, 32), PointerInput(0, 0, 0))
    injector.close()


def test_the_portal_itself_ends(bus: None, gstreamer: FakeGStreamer) -> None:
    portal = Portal([(41, {})])
    capture = opened(gstreamer, (41, 8, 8))
    capture.look(0)
    assert capture.monitors() == (Monitor(41, "", 0, 0, 8, 8),)
    portal.close()
    with pytest.raises(CaptureError) as told:
        capture.look(PATIENCE)
    assert told.value.reason is Reason.SCREEN_REVOKED
    capture.close()


def test_one_of_two_monitors_is_pulled_out(bus: None, gstreamer: FakeGStreamer) -> None:
    gstreamer.node(42)
    portal = Portal([(41, {}), (42, {})])
    capture = opened(gstreamer, (41, 8, 4), (42, 6, 6))
    assert [(one.id, one.y, one.width) for one in capture.monitors()] == [(41, 0, 8), (42, 4, 6)]
    capture.look(0)
    gstreamer.end(41)
    found = seen(capture)
    assert found.monitors_changed
    assert capture.monitors() == (Monitor(42, "", 0, 0, 6, 6),)
    gstreamer.end(42)
    with pytest.raises(CaptureError) as told:
        capture.look(PATIENCE)
    assert told.value.reason is Reason.SCREEN_LOST
    capture.close()
    portal.close()


@pytest.mark.parametrize("answer", [1, 2])
def test_a_no_is_a_no(bus: None, gstreamer: FakeGStreamer, answer: int) -> None:
    portal = Portal(answer=answer)
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.SCREEN_FORBIDDEN
    # The session does not stay.
    portal.called("Close")
    portal.close()


def test_nobody_answers(
    bus: None, gstreamer: FakeGStreamer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_module, "PERSON_SECONDS", 0.2)
    portal = Portal(answer=None)
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.SCREEN_FORBIDDEN
    portal.called("Close")
    portal.close()


def test_nothing_was_chosen(bus: None, gstreamer: FakeGStreamer) -> None:
    portal = Portal()
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.SCREEN_FORBIDDEN
    portal.close()


def test_no_portal_on_the_bus(bus: None, gstreamer: FakeGStreamer) -> None:
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.NO_PORTAL


@pytest.mark.parametrize("address", [None, "tcp:host=localhost", "unix:path=/nowhere"])
def test_no_bus(
    gstreamer: FakeGStreamer, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.NO_PORTAL


def test_a_part_of_gstreamer_is_missing(
    portal: Portal, gstreamer: FakeGStreamer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MISSING", "pipewiresrc")
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.NO_GSTREAMER
    assert told.value.problem.detail == "pipewiresrc"
    # Nobody was asked.
    assert portal.calls == []


def test_gstreamer_is_missing(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CaptureError) as told:
        open_wayland_capture()
    assert told.value.reason is Reason.NO_GSTREAMER


MONITOR = Monitor(41, "", 0, 0, 64, 32, 2.0)


@pytest.mark.parametrize(
    ("what", "notified"),
    [
        (
            [PointerInput(0.5, 0.5, 0b10)],
            [("PointerMotionAbsolute", 41, 16.0, 8.0), ("PointerButton", 0x111, 1)],
        ),
        ([PointerInput(1, 1, 0)], [("PointerMotionAbsolute", 41, 31.0, 15.0)]),
        (
            [WheelInput(-120, 240)],
            [("PointerAxisDiscrete", 0, 2), ("PointerAxisDiscrete", 1, -1)],
        ),
        ([WheelInput(0, 60)], [("PointerAxis", 0.0, 5.0)]),
        (
            [KeyInput("KeyA", "ä", True), KeyInput("KeyA", "ä", False)],
            [("KeyboardKeysym", 0xE4, 1), ("KeyboardKeysym", 0xE4, 0)],
        ),
        ([KeyInput("Enter", "Enter", True)], [("KeyboardKeycode", 28, 1)]),
        # Locks stay as they are, whatever somebody made of their keys.
        (
            [
                *(KeyInput("CapsLock", "CapsLock", True), KeyInput("NumLock", "NumLock", True)),
                *(KeyInput("Escape", "CapsLock", True), KeyInput("Enter", "Enter", True)),
            ],
            [("KeyboardKeycode", 28, 1)],
        ),
        ([KeyInput("CapsLock", "Escape", True)], [("KeyboardKeycode", 1, 1)]),
        (
            [KeyInput("ControlLeft", "Control", True), KeyInput("KeyY", "z", True)],
            [("KeyboardKeycode", 29, 1), ("KeyboardKeysym", 0x7A, 1)],
        ),
        (
            [TextInput("😀")],
            [("KeyboardKeysym", 0x0101F600, 1), ("KeyboardKeysym", 0x0101F600, 0)],
        ),
        (
            [KeyInput("", "e\u0301", True), KeyInput("", "e\u0301", False)],
            [
                *(("KeyboardKeysym", 0x65, 1), ("KeyboardKeysym", 0x65, 0)),
                *(("KeyboardKeysym", 0x01000301, 1), ("KeyboardKeysym", 0x01000301, 0)),
            ],
        ),
    ],
)
def test_mouse_and_keyboard(
    portal: Portal, capture: WaylandCapture, what: list[Any], notified: list[Any]
) -> None:
    injector = open_wayland_injector()
    for each in what:
        injector.inject(MONITOR, each)
    with portal._changed:
        assert portal._changed.wait_for(lambda: len(portal.notified()) >= len(notified), PATIENCE)
        assert portal.notified()[: len(notified)] == notified
    assert not injector.moved_here()
    injector.close()


def test_the_person_allowed_to_see_and_not_to_touch(bus: None, gstreamer: FakeGStreamer) -> None:
    portal = Portal([(41, {})], devices=0)
    capture = opened(gstreamer, (41, 8, 8))
    injector = open_wayland_injector()
    with pytest.raises(ControlError) as told:
        injector.inject(MONITOR, PointerInput(0, 0, 1))
    assert told.value.reason is Reason.CONTROL_FORBIDDEN
    injector.close()
    capture.close()
    assert portal.notified() == []
    portal.close()


def test_a_desktop_that_only_shows(bus: None, gstreamer: FakeGStreamer) -> None:
    portal = Portal([(41, {})], interfaces=("ScreenCast",), devices=0)
    capture = opened(gstreamer, (41, 8, 8))
    assert "SelectDevices" not in [name for name, _ in portal.calls]
    capture.close()
    portal.close()


def test_another_program_cannot_end_it(portal: Portal, capture: WaylandCapture) -> None:
    import jeepney
    import jeepney.io.blocking

    capture.look(0)
    other = jeepney.io.blocking.open_dbus_connection("SESSION")
    emitter = jeepney.DBusAddress(portal._session, interface="org.freedesktop.portal.Session")
    closed = jeepney.new_signal(emitter, "Closed")
    # What is sent to one program alone passes by all rules of the bus.
    closed.header.fields[jeepney.HeaderFields.destination] = capture._session._bus.unique_name
    other.send(closed)
    # The bus has passed it on when it answers the next question.
    other.bus_proxy.GetId()
    assert capture.look(0.05) == Seen()
    other.close()


def test_a_share_shows_its_pictures_and_ends_with_the_desktops_reason(
    portal: Portal, gstreamer: FakeGStreamer
) -> None:
    viewer = Viewer()
    sender = Sender(viewer, lambda: opened(gstreamer, (41, 64, 32)))
    viewer.until(lambda: viewer.monitors)
    ((monitor,),) = viewer.monitors
    sender.wish(Show(monitor, viewer))
    viewer.until(lambda: viewer.of(Update))
    (update, *_) = viewer.of(Update)
    sender.wish(Drawn(update.number))
    assert sum(tile.place.area for tile in update.tiles) == 64 * 32
    gstreamer.picture(41, 64, 32, BLUE)
    viewer.until(lambda: len(viewer.of(Update)) > 1)
    portal.revoke()
    viewer.until(lambda: viewer.reasons)
    assert viewer.reasons == [Reason.SCREEN_REVOKED]
    sender.join(PATIENCE)
    assert not sender.running
