"""A desktop in memory, and a way out that remembers, for tests of what is sent of a screen."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from PIL import Image

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.sight import Figures
from proxim.core.screen.updates import (
    PictureMessage,
    Pointer,
    PointerShape,
    Rectangle,
    ScreenReader,
)
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.pixels import Picture
from tests.io.support import PATIENCE

T = TypeVar("T")


class Desk:
    """A Capture of pictures that a test paints; any thread may paint."""

    def __init__(self, image: Image.Image, monitors: tuple[Monitor, ...] | None = None) -> None:
        self.image = image
        self.found = monitors or (Monitor(0, "DESK", 0, 0, image.width, image.height),)
        self.looks = self.grabs = 0
        self.closed = False
        self.failing: Reason | None = None
        self._changed: list[Rectangle] = []
        self._monitors_changed = False
        self._pointer: Pointer | None = None
        self._happened = threading.Event()
        self._pixels = bytearray()
        self.picture = Picture(0, 0, memoryview(b""))
        self._grabbed()

    def _grabbed(self) -> None:
        blank = Image.new("L", self.image.size)
        red, green, blue = self.image.split()
        self._pixels = bytearray(Image.merge("RGBA", (blue, green, red, blank)).tobytes())
        self.picture = Picture(self.image.width, self.image.height, memoryview(self._pixels))

    # --- what a test does -------------------------------------------------------------------------

    def paint(self, image: Image.Image, x: int = 0, y: int = 0) -> None:
        whole = self.image.copy()
        whole.paste(image, (x, y))
        self.image = whole
        self.tell(Rectangle(x, y, image.width, image.height))

    def tell(self, *changed: Rectangle) -> None:
        self._changed += changed
        self._happened.set()

    def point(self, x: int, y: int, shape: int = 1) -> None:
        self._pointer = Pointer(shape, x, y)
        self._happened.set()

    def plug(self, *monitors: Monitor) -> None:
        self.found = monitors
        self._monitors_changed = True
        self._happened.set()

    def fail(self, reason: Reason) -> None:
        self.failing = reason
        self._happened.set()

    # --- Capture ----------------------------------------------------------------------------------

    def monitors(self) -> tuple[Monitor, ...]:
        return self.found

    def look(self, seconds: float) -> Seen:
        self.looks += 1
        if seconds:
            self._happened.wait(min(seconds, PATIENCE))
        self._happened.clear()
        if self.failing is not None:
            raise CaptureError(self.failing)
        changed, self._changed = tuple(self._changed), []
        moved, self._pointer = self._pointer, None
        monitors_changed, self._monitors_changed = self._monitors_changed, False
        return Seen(changed, monitors_changed, moved)

    def wake(self) -> None:
        self._happened.set()

    def grab(self, place: Rectangle) -> None:
        self.grabs += 1
        self._grabbed()

    def pointer_shape(self, shape: int) -> PointerShape:
        return PointerShape(shape, 2, 2, 0, 0, b"png")

    def close(self) -> None:
        self.closed = True


class Viewer:
    """An Outlet, and whoever reads what comes out of it; and a Listener."""

    def __init__(self) -> None:
        self.waiting = 0
        self.messages: list[PictureMessage] = []
        self.size = 0
        self.monitors: list[tuple[Monitor, ...]] = []
        self.reasons: list[Reason] = []
        self.figures: list[Figures] = []
        self._reader = ScreenReader()
        self._changed = threading.Condition()

    # --- Outlet -----------------------------------------------------------------------------------

    def send(self, messages: list[bytes]) -> None:
        with self._changed:
            for message in messages:
                self.size += len(message)
                read = self._reader.read(message)
                if read is not None:
                    self.messages.append(read)
            self._changed.notify_all()

    # --- Listener ---------------------------------------------------------------------------------

    def found(self, monitors: tuple[Monitor, ...]) -> None:
        with self._changed:
            self.monitors.append(monitors)
            self._changed.notify_all()

    def failed(self, reason: Reason) -> None:
        with self._changed:
            self.reasons.append(reason)
            self._changed.notify_all()

    def measured(self, figures: Figures) -> None:
        with self._changed:
            self.figures.append(figures)
            self._changed.notify_all()

    # --- for tests --------------------------------------------------------------------------------

    def of(self, kind: type[T]) -> list[T]:
        return [one for one in self.messages if isinstance(one, kind)]

    def until(self, fits: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(fits, PATIENCE), self.messages


async def until(fits: Callable[[], object]) -> None:
    """Wait on the loop for what another thread does."""
    async with asyncio.timeout(PATIENCE):
        while not fits():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
