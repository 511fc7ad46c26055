"""The pixels of a real X server, and what it says of its changes."""

import sys
from collections.abc import Iterator

import pytest
import xcffib
import xcffib.xproto
from PIL import ImageGrab

from proxim.core.screen.damage import merged
from proxim.core.screen.updates import Rectangle
from proxim.io.screen.x11_capture import CaptureError, X11Capture

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="X11 is tried on Linux"
)

# An interval in which a server on this machine tells of a change.
PATIENCE = 30.0
ORANGE = 0xFF8000


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
    assert screen in capture.changes(0)
    painter.paint(ORANGE, Rectangle(100, 50, 30, 20), Rectangle(400, 300, 5, 5))
    changed = capture.changes(PATIENCE)
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


def test_nothing_changes_where_nobody_draws(capture: X11Capture) -> None:
    capture.changes(0)
    assert capture.changes(0.05) == []


def test_its_monitors_are_named(capture: X11Capture) -> None:
    first, *_ = capture.monitors()
    assert (first.id, first.x, first.y) == (0, 0, 0)
    assert (first.width, first.height) == (capture.picture.width, capture.picture.height)


def test_where_there_is_no_screen_it_says_so() -> None:
    with pytest.raises(CaptureError):
        X11Capture(":4711")
