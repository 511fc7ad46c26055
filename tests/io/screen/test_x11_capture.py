"""The pixels of a real X server, and what it says of its changes."""

import contextlib
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import xcffib
import xcffib.randr
import xcffib.xproto
import xcffib.xtest
from PIL import Image, ImageGrab

from proxim.core.errors import Reason
from proxim.core.screen.damage import merged
from proxim.core.screen.messages import ALL_MONITORS, Monitor
from proxim.core.screen.updates import KEPT_SHAPES, Pointer, Rectangle
from proxim.io.screen.capture import CaptureError, Seen, open_capture
from proxim.io.screen.x11_capture import X11Capture, scale_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="X11 is tried on Linux"
)

# An interval in which a server on this machine tells of a change.
PATIENCE = 30.0
ORANGE = 0xFF8000
# A glyph of the cursor font.
CROSSHAIR = 34
MOTION = 6


class Painter:
    """Another program that draws on the same display."""

    def __init__(self, display: str) -> None:
        self.connection = xcffib.Connection(display=display)
        self.root = self.connection.get_setup().roots[0].root
        self.context = self.connection.generate_id()
        self.connection.core.CreateGC(self.context, self.root, 0, [])

    def paint(self, colour: int, *places: Rectangle) -> None:
        foreground = xcffib.xproto.GC.Foreground | xcffib.xproto.GC.SubwindowMode
        include = xcffib.xproto.SubwindowMode.IncludeInferiors
        self.connection.core.ChangeGC(self.context, foreground, [colour, include])
        drawn = [
            xcffib.xproto.RECTANGLE.synthetic(one.x, one.y, one.width, one.height) for one in places
        ]
        self.connection.core.PolyFillRectangle(self.root, self.context, len(drawn), drawn)
        # An answer says that the server has drawn.
        self.connection.core.GetInputFocus().reply()

    def move(self, x: int, y: int) -> None:
        self.connection(xcffib.xtest.key).FakeInput(MOTION, 0, 0, self.root, x, y, 0)
        self.connection.flush()

    def point_with(self, glyph: int) -> None:
        font, cursor = self.connection.generate_id(), self.connection.generate_id()
        self.connection.core.OpenFont(font, len("cursor"), "cursor")
        colours = 0, 0, 0, 0xFFFF, 0xFFFF, 0xFFFF
        self.connection.core.CreateGlyphCursor(cursor, font, font, glyph, glyph + 1, *colours)
        cursor_of_root = xcffib.xproto.CW.Cursor, [cursor]
        self.connection.core.ChangeWindowAttributes(self.root, *cursor_of_root)
        self.connection.core.CloseFont(font)
        self.connection.flush()

    def resize(self, width: int, height: int) -> None:
        randr = self.connection(xcffib.randr.key)
        crtc = randr.GetScreenResources(self.root).reply().crtcs[0]
        nothing: tuple[object, ...] = 0, 0, 0, 0, 0, xcffib.randr.Rotation.Rotate_0, 0, []
        randr.SetCrtcConfig(crtc, *nothing).reply()
        randr.SetScreenSize(self.root, width, height, 200, 150, is_checked=True).check()


def until(capture: X11Capture, fits: Callable[[Seen], object]) -> Seen:
    """Look until something was seen."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen = capture.look(PATIENCE)
        if fits(seen):
            return seen
    raise AssertionError("nothing was seen")


@contextlib.contextmanager
def own_server(*options: str) -> Iterator[str]:
    """Run an X server that the test may change."""
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-screen", "0", "800x600x24", "-noreset"]
    with subprocess.Popen(
        [*command, "-nolisten", "tcp", *options], pass_fds=[writes], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writes)
        try:
            with os.fdopen(reads) as pipe:
                yield f":{pipe.readline().strip()}"
        finally:
            server.terminate()


def xrandr(display: str, *arguments: str) -> None:
    subprocess.run(["xrandr", "--display", display, *arguments], check=True, capture_output=True)


@pytest.fixture(autouse=True, scope="module")
def first_client(plain_screen: str) -> Iterator[None]:
    """An X server begins anew when its last client leaves, and refuses the next for a while."""
    connection = xcffib.Connection(display=plain_screen)
    yield
    connection.disconnect()


@pytest.fixture
def capture(plain_screen: str) -> Iterator[X11Capture]:
    with X11Capture(plain_screen) as made:
        yield made


@pytest.fixture
def painter(plain_screen: str) -> Iterator[Painter]:
    made = Painter(plain_screen)
    yield made
    made.connection.disconnect()


def whole(capture: X11Capture) -> Rectangle:
    return Rectangle(0, 0, capture.picture.width, capture.picture.height)


def test_what_is_drawn_is_told_and_grabbed(
    capture: X11Capture, painter: Painter, plain_screen: str
) -> None:
    screen = whole(capture)
    # Everything is new at first.
    assert screen in capture.look(0).changed
    painter.paint(ORANGE, Rectangle(100, 50, 30, 20), Rectangle(400, 300, 5, 5))
    changed = until(capture, lambda seen: seen.changed).changed
    boxes = merged(changed, screen.width, screen.height)
    for x, y in ((100, 50), (129, 69), (400, 300)):
        assert any(box.x <= x < box.right and box.y <= y < box.bottom for box in boxes)
    assert sum(box.area for box in boxes) < screen.area / 20
    capture.grab(screen)
    row = capture.picture.rows(Rectangle(99, 60, 32, 1))[0]
    pixels = [bytes(row[at : at + 3]) for at in range(0, len(row), 4)]
    assert pixels[1:31] == [b"\x00\x80\xff"] * 30
    assert b"\x00\x80\xff" not in (pixels[0], pixels[31])
    # Another way to look at it says the same.
    blue_first = bytes(capture.picture.pixels)
    seen = ImageGrab.grab(xdisplay=plain_screen).convert("RGB").tobytes()
    assert all(blue_first[2 - channel :: 4] == seen[channel::3] for channel in range(3))


def test_only_the_rows_that_are_asked_for_are_grabbed(
    capture: X11Capture, painter: Painter
) -> None:
    capture.grab(whole(capture))
    before = bytes(capture.picture.pixels)
    painter.paint(0x123456, Rectangle(0, 10, 4, 2), Rectangle(0, 20, 4, 2))
    capture.grab(Rectangle(0, 10, 4, 2))
    now = bytes(capture.picture.pixels)
    stride = capture.picture.width * 4
    assert now[10 * stride : 10 * stride + 3] == b"\x56\x34\x12"
    assert now[20 * stride : 22 * stride] == before[20 * stride : 22 * stride]


def test_a_flood_of_drawing_is_one_change(capture: X11Capture, painter: Painter) -> None:
    capture.look(0)
    for _ in range(20):
        painter.paint(ORANGE, *[Rectangle(x, 40, 1, 1) for x in range(300)])
    changed = until(capture, lambda seen: seen.changed).changed
    assert len(changed) < 400
    assert capture.look(0.05).changed == ()


def test_nothing_changes_where_nobody_draws(capture: X11Capture) -> None:
    capture.look(0)
    assert capture.look(0.05) == Seen()


def test_a_look_that_waits_is_woken(capture: X11Capture) -> None:
    capture.look(0)
    waker = threading.Timer(0.05, capture.wake)
    waker.start()
    began = time.monotonic()
    assert capture.look(PATIENCE) == Seen()
    assert time.monotonic() - began < PATIENCE / 2
    waker.join()
    # A wake that comes before the wait counts, too.
    capture.wake()
    capture.look(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2


def test_a_wake_after_the_end_does_nothing(plain_screen: str) -> None:
    with X11Capture(plain_screen) as made:
        pass
    made.wake()


def test_its_monitors_are_named(capture: X11Capture) -> None:
    first, *_ = capture.monitors()
    assert (first.id, first.x, first.y) == (0, 0, 0)
    assert (first.width, first.height) == (capture.picture.width, capture.picture.height)


def test_the_pointer_is_followed_and_drawn(capture: X11Capture, painter: Painter) -> None:
    first = capture.look(0).pointer
    assert first is not None
    shape = capture.pointer_shape(first.shape)
    picture = Image.open(io.BytesIO(shape.png), formats=("PNG",))
    assert picture.size == (shape.width, shape.height)
    assert picture.mode == "RGBA"
    assert 0 <= shape.x < shape.width
    painter.move(31, 47)
    moved = until(capture, lambda seen: seen.pointer)
    assert moved.pointer == Pointer(first.shape, 31, 47)
    assert moved.changed == ()
    # A pointer of our own: an arrow of the cursor font above everything.
    painter.point_with(CROSSHAIR)
    other = until(capture, lambda seen: seen.pointer).pointer
    assert other is not None
    assert other.shape != first.shape
    assert capture.pointer_shape(other.shape).png != shape.png


def test_the_shapes_of_the_pointer_are_forgotten_in_turn(
    capture: X11Capture, painter: Painter
) -> None:
    capture.look(0)
    numbers = []
    for glyph in range(0, 2 * (KEPT_SHAPES + 2), 2):
        painter.point_with(glyph)
        pointer = until(capture, lambda seen: seen.pointer).pointer
        assert pointer is not None
        numbers.append(pointer.shape)
    assert len({*numbers}) == len(numbers)
    capture.pointer_shape(numbers[-1])
    with pytest.raises(KeyError):
        capture.pointer_shape(numbers[0])


def test_where_there_is_no_screen_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaptureError) as caught:
        X11Capture(":4711")
    assert caught.value.reason is Reason.NO_SCREEN
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(CaptureError) as caught:
        open_capture()
    assert caught.value.reason is Reason.NO_SCREEN


def test_the_screen_of_this_system_is_opened(
    monkeypatch: pytest.MonkeyPatch, plain_screen: str
) -> None:
    monkeypatch.setenv("DISPLAY", plain_screen)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    opened = open_capture()
    assert opened.monitors()
    opened.close()


@pytest.mark.parametrize("extension", ["DAMAGE", "MIT-SHM", "XFIXES"])
def test_a_server_that_lacks_an_extension_is_told(extension: str) -> None:
    with own_server("-extension", extension) as display, pytest.raises(CaptureError) as caught:
        X11Capture(display)
    assert caught.value.reason is Reason.SCREEN_UNSUPPORTED


def test_a_server_that_goes_is_told() -> None:
    with own_server() as display:
        capture = X11Capture(display)
        capture.look(0)
    with capture, pytest.raises(CaptureError) as caught:
        until(capture, lambda seen: False)
    assert caught.value.reason is Reason.SCREEN_LOST


def test_a_desktop_of_another_size_is_captured() -> None:
    with own_server() as display, X11Capture(display) as capture:
        painter = Painter(display)
        capture.look(0)
        capture.grab(whole(capture))
        # What is beyond the new desktop may be asked for before the next look.
        painter.resize(640, 480)
        capture.grab(whole(capture))
        seen = until(capture, lambda seen: seen.monitors_changed)
        assert Rectangle(0, 0, 640, 480) in seen.changed
        assert whole(capture) == Rectangle(0, 0, 640, 480)
        assert [(one.width, one.height) for one in capture.monitors()] == [(640, 480)]
        painter.paint(ORANGE, whole(capture))
        until(capture, lambda seen: seen.changed)
        capture.grab(whole(capture))
        assert bytes(capture.picture.pixels[-4:-1]) == b"\x00\x80\xff"
        painter.connection.disconnect()


def test_monitors_keep_their_numbers() -> None:
    with own_server() as display, X11Capture(display) as capture:
        xrandr(display, "--setmonitor", "LEFT", "400/100x600/150+0+0", "screen")
        xrandr(display, "--setmonitor", "RIGHT", "400/100x600/150+400+0", "none")
        until(capture, lambda seen: seen.monitors_changed)
        left, right, both = capture.monitors()
        # All of them together are one more.
        assert both == Monitor(ALL_MONITORS, "", 0, 0, 800, 600)
        assert (left.name, right.name, right.x, right.width) == ("LEFT", "RIGHT", 400, 400)
        xrandr(display, "--delmonitor", "LEFT")
        until(capture, lambda seen: seen.monitors_changed)
        # What is left of the output has a monitor of its own.
        numbers = {one.name: one.id for one in capture.monitors()}
        assert numbers["RIGHT"] == right.id
        assert len({*numbers.values()}) == len(numbers)


def test_the_scaling_of_the_desktop_is_read(capture: X11Capture, painter: Painter) -> None:
    resources = b"*background: red\nXft.dpi:\t144\n"
    painter.connection.core.ChangeProperty(
        xcffib.xproto.PropMode.Replace,
        painter.root,
        xcffib.xproto.Atom.RESOURCE_MANAGER,
        xcffib.xproto.Atom.STRING,
        8,
        len(resources),
        resources,
        is_checked=True,
    ).check()
    assert capture.monitors()[0].scale == 1.5
    painter.connection.core.DeleteProperty(
        painter.root, xcffib.xproto.Atom.RESOURCE_MANAGER, is_checked=True
    ).check()
    assert capture.monitors()[0].scale == 1.0


@pytest.mark.parametrize("resources", [b"", b"Xft.dpi", b"Xft.dpi: much", b"Xft.dpi: 99999"])
def test_a_scaling_that_makes_no_sense_is_none(resources: bytes) -> None:
    assert scale_of(resources) == 1.0
