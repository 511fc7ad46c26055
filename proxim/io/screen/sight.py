"""The other side's screen as it arrives on one channel, on a thread of its own; see core's Sight.

The loop feeds it with messages. The thread reads, decodes and scales them, and the face takes what
is ready whenever it has the time. Only then is an update acknowledged, so that a slow face is sent
less.
"""

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from proxim.core.crash_log import describe_crash
from proxim.core.json_text import MessageError
from proxim.core.screen.sight import (
    Figures,
    Moved,
    Patch,
    Picture,
    PointerPicture,
    PointerPlace,
)
from proxim.core.screen.updates import (
    KEPT_SHAPES,
    MAX_UPDATE_BYTES,
    Canvas,
    Delay,
    PictureMessage,
    Pointer,
    PointerShape,
    ScreenReader,
    Update,
)

if TYPE_CHECKING:
    from proxim.io.screen.viewed import Viewed

_log = logging.getLogger(__name__)

# An honest sender has one update more under way than its window, which is smaller than an update.
MOST_WAITING_BYTES: Final = 2 * MAX_UPDATE_BYTES
# More new pixels than the view has twice over are more than the whole view.
MOST_NEW_VIEWS: Final = 2
# A face takes some 50 microseconds for each change, however small: more of them are one picture of
# the whole view.
MOST_CHANGES: Final = 500
FIGURES_SECONDS: Final = 1.0


class Face(Protocol):
    """What the sight tells. All of it may be called on any thread."""

    def ready(self) -> None:
        """There is something to take."""

    def refused(self) -> None:
        """The pictures break the rules; nothing follows."""

    def drawn(self, number: int) -> None:
        """This update is on the screen, and all before it."""


class _Counts:
    """Counts what arrives, in spans of FIGURES_SECONDS."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._frames = self._bytes = 0
        self._figures = Figures(0.0, 0.0, None)
        self.delay: int | None = None

    def add(self, frames: int, size: int) -> None:
        self.figures()
        self._frames += frames
        self._bytes += size

    def figures(self) -> Figures:
        now = time.monotonic()
        seconds = now - self._since
        if seconds >= FIGURES_SECONDS:
            frames, megabits = self._frames / seconds, 8e-6 * self._bytes / seconds
            self._figures = Figures(round(frames, 1), round(megabits, 2), self.delay)
            self._since, self._frames, self._bytes = now, 0, 0
        return self._figures


class ChannelSight:
    """What arrives on one channel, from the first CANVAS on."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._lock = threading.Lock()
        self._woken = threading.Event()
        # All of this is under the lock.
        self._inbox: deque[bytes] = deque()
        self._waiting = 0
        self._closed = False
        self._canvas = (0, 0)
        self._wanted = (0, 0)
        self._scaling = False
        self._size = (0, 0)
        self._changes: list[Patch | Moved] = []
        self._pointer: PointerPlace | None = None
        self._announced = False
        # Whether there is something to be seen of the newest CANVAS. Until then the face shows what
        # it had, and no black.
        self._begun = False
        # The newest updates that were decoded, taken, and acknowledged.
        self._decoded: int | None = None
        self._taken: int | None = None
        self._acknowledged: int | None = None
        self._counts = _Counts()
        # These are the thread's.
        self._reader = ScreenReader()
        self._shapes: dict[int, PointerPicture] = {}
        self._thread = threading.Thread(target=self._run, name="proxim-sight", daemon=True)
        self._thread.start()

    # --- for the loop -----------------------------------------------------------------------------

    def feed(self, message: bytes | memoryview) -> None:
        """Take a message of the channel."""
        with self._lock:
            if self._closed:
                return
            self._inbox.append(bytes(message))
            self._waiting += len(message)
            self._counts.add(0, len(message))
            too_much = self._waiting > MOST_WAITING_BYTES
        if too_much:
            self._refuse("more than is acknowledged")
        self._woken.set()

    def close(self) -> None:
        """Drop everything, and end the thread."""
        with self._lock:
            self._closed = True
            self._inbox.clear()
            self._changes.clear()
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, at most so long."""
        self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    # --- for the face -----------------------------------------------------------------------------

    @property
    def canvas(self) -> tuple[int, int]:
        """The width and height of what is shown, in its own pixels; (0, 0) before it is known."""
        with self._lock:
            return self._canvas

    def scale_to(self, width: int, height: int) -> None:
        """Scale everything to this size from now on; the next picture has all of the view."""
        with self._lock:
            self._wanted = (width, height)
            self._scaling = True
        self._woken.set()

    def take(self) -> Picture:
        """Return what is new; it need not be called for each PicturesReady."""
        with self._lock:
            changes, self._changes = tuple(self._changes), []
            self._taken = self._decoded
            self._announced = False
            return Picture(*self._size, changes, self._pointer)

    def drawn(self) -> None:
        """Say that all that was taken is on the screen, so that more may come."""
        with self._lock:
            number = self._taken
            if number is None or number == self._acknowledged or self._closed:
                return
            self._acknowledged = number
            self._counts.add(1, 0)
        self._face.drawn(number)

    def figures(self) -> Figures:
        """Return the newest figures."""
        with self._lock:
            return self._counts.figures()

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        viewed: Viewed | None = None
        try:
            while True:
                self._woken.wait()
                self._woken.clear()
                while (message := self._next()) is not None:
                    viewed = self._handle(self._reader.read(message), viewed)
                with self._lock:
                    if self._closed:
                        return
                    scaling, self._scaling = self._scaling, False
                    wanted = self._wanted
                if scaling and viewed is not None:
                    viewed.scale_to(*wanted)
                    self._show_all(viewed)
        except MessageError as error:
            self._refuse(error.problem.detail)
        except Exception as error:  # noqa: BLE001
            # A bug of ours, or something that made Pillow raise what nobody has seen yet.
            _log.error("pictures could not be shown: %s", describe_crash(error))
            self._refuse(type(error).__name__)

    def _next(self) -> bytes | None:
        with self._lock:
            if self._closed or not self._inbox:
                return None
            message = self._inbox.popleft()
            self._waiting -= len(message)
            return message

    def _handle(self, message: PictureMessage | None, viewed: "Viewed | None") -> "Viewed | None":
        match message:
            case Canvas(_, width, height):
                return self._begin(width, height)
            case Update() if viewed is not None:
                self._draw(message, viewed)
            case PointerShape():
                self._keep_shape(message)
            case Pointer():
                self._move(message)
            case Delay(milliseconds):
                with self._lock:
                    self._counts.delay = milliseconds
        return viewed

    def _begin(self, width: int, height: int) -> "Viewed":
        # Pillow is loaded when there are pictures.
        from proxim.io.screen.viewed import Viewed

        with self._lock:
            wanted = self._wanted
            self._scaling = False
        viewed = Viewed(width, height)
        viewed.scale_to(*wanted)
        with self._lock:
            self._canvas = (width, height)
            self._pointer = None
            self._begun = False
        self._show_all(viewed)
        return viewed

    def _show_all(self, viewed: "Viewed") -> None:
        whole = viewed.whole()
        with self._lock:
            self._size = viewed.size
            self._changes = [whole]
        self._announce()

    def _draw(self, update: Update, viewed: "Viewed") -> None:
        changes = viewed.draw(update)
        with self._lock:
            self._changes += changes
            self._decoded = update.number
            self._begun = True
            count, new = len(self._changes), sum(one.place.area for one in self._changes)
        width, height = viewed.size
        if count > MOST_CHANGES or new > MOST_NEW_VIEWS * width * height:
            # The face takes less than arrives.
            self._show_all(viewed)
        else:
            self._announce()
            # The face draws meanwhile.
            viewed.keep()

    def _keep_shape(self, shape: PointerShape) -> None:
        from proxim.io.screen.viewed import pointer_pixels

        picture = PointerPicture(shape.width, shape.height, shape.x, shape.y, pointer_pixels(shape))
        self._shapes.pop(shape.id, None)
        if len(self._shapes) >= KEPT_SHAPES:
            del self._shapes[next(iter(self._shapes))]
        self._shapes[shape.id] = picture

    def _move(self, pointer: Pointer) -> None:
        place = PointerPlace(pointer.x, pointer.y, self._shapes.get(pointer.shape))
        with self._lock:
            self._pointer = place
        self._announce()

    def _announce(self) -> None:
        with self._lock:
            if self._announced or self._closed or not self._begun:
                return
            self._announced = True
        self._face.ready()

    def _refuse(self, detail: str) -> None:
        with self._lock:
            if self._closed:
                return
        self.close()
        _log.info("the other side's pictures are refused: %s", detail)
        self._face.refused()
