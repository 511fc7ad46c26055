"""The work of a thread that shows a monitor: it looks, decides what to send now, and sends it.

Nothing is queued. While as much is under way as the way carries (core/screen/pacing.py), changes
gather, and the next update shows what has become of all of them.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.pacing import QUALITIES, Pacing
from proxim.core.screen.sight import Figures
from proxim.core.screen.updates import (
    KEPT_SHAPES,
    MAX_UPDATE_BYTES,
    Canvas,
    Format,
    Pointer,
    Rectangle,
    Tile,
    Update,
    pack_canvas,
    pack_delay,
    pack_pointer,
    pack_shape,
    pack_update,
)
from proxim.io.screen.capture import Capture, CaptureError, Seen
from proxim.io.screen.pixels import Look
from proxim.io.screen.sender import Drawn, Inbox, Listener, Outlet, Pause, Show, Stop
from proxim.io.screen.shown import ShownMonitor

# No screen shows more to people who help each other.
FRAME_SECONDS: Final = 1 / 60
# The screen is not looked at more often, however many events come.
LOOK_SECONDS: Final = 1 / 250
# Without pictures, only monitors that change are of interest.
IDLE_SECONDS: Final = 0.25
# So long the screen is waited for while nothing is to be done.
WATCH_SECONDS: Final = 1.0
FIGURES_SECONDS: Final = 1.0
ENCODERS: Final = 2
# More pixels than this are sent with less quality, and sharpened a moment later.
LARGE_PIXELS: Final = 700_000
LARGE_QUALITY: Final = 45
# What a pixel of a photo takes at the best quality, until it was measured.
PHOTO_BYTES: Final = 0.2
# What a pixel of text takes without loss, until it was measured.
TEXT_BYTES: Final = 0.2
# How much of the newest measurement counts.
LEARNED: Final = 0.3
# The ways out of the loop hold this much more than what is under way: pointers, and headers.
WAITING_BYTES: Final = 64 * 1024
# What surrounds the tiles of an update.
_ROOM_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class _UnderWay:
    number: int
    # When the oldest of its changes was seen; None if it only sharpens, or more of them follow.
    changed_at: float | None = None


@dataclass
class _Counts:
    """What happened since the figures were taken last."""

    since: float
    frames: int = 0
    sent: int = 0
    delays: list[float] = field(default_factory=list)

    def figures(self, now: float) -> Figures:
        seconds = max(now - self.since, 1e-3)
        delay = round(1000 * median(self.delays)) if self.delays else None
        return Figures(round(self.frames / seconds, 1), round(8e-6 * self.sent / seconds, 2), delay)


class Session:
    """What a sender's thread does once the screen is open."""

    def __init__(self, capture: Capture, listener: Listener, inbox: Inbox) -> None:
        self._capture = capture
        self._listener = listener
        self._inbox = inbox
        self._monitors: tuple[Monitor, ...] = ()
        self._pointer: Pointer | None = None
        self._way: _Way | None = None
        self._showing: _Showing | None = None
        self._looked_at = 0.0

    def run(self) -> None:
        """Look and send until Stop. Raises CaptureError."""
        with ThreadPoolExecutor(ENCODERS, "proxim-encoder") as pool:
            self._find()
            while self._take_wishes(pool):
                # A look may have taken long, and nothing that it saw is shown after a Pause.
                if self._showing is not None:
                    self._showing.work(time.monotonic())
                self._wait_and_look()

    def _wait_and_look(self) -> None:
        now = time.monotonic()
        if self._showing is None:
            waits, patience = IDLE_SECONDS, 0.0
        else:
            waits, patience = max(self._looked_at + LOOK_SECONDS - now, 0.0), 0.0
            if self._showing.changed:
                # More changes would end a look at once.
                waits = max(waits, self._showing.patience(now))
            else:
                patience = self._showing.patience(now)
        if waits > 0:
            self._inbox.woken.wait(waits)
        self._inbox.woken.clear()
        if self._inbox.wishes:
            return
        seen = self._capture.look(patience)
        self._looked_at = time.monotonic()
        self._handle(seen, self._looked_at)

    def _take_wishes(self, pool: ThreadPoolExecutor) -> bool:
        """Do what is wished; return whether to go on."""
        while self._inbox.wishes:
            now = time.monotonic()
            match self._inbox.wishes.popleft():
                case Stop():
                    return False
                case Pause():
                    self._showing = None
                case Show(monitor, outlet):
                    shown = ShownMonitor(monitor, pool)
                    # What is still under way of another monitor, or was lost, is not waited for.
                    newest = 0 if self._way is None else self._way.pacing.newest
                    self._way = _Way(outlet, newest, now)
                    self._showing = _Showing(self._capture, shown, self._way, self._listener, now)
                    self._showing.move(self._pointer)
                case Drawn(number) if self._way is not None:
                    self._way.drawn(number, now)
        return True

    def _handle(self, seen: Seen, now: float) -> None:
        if seen.pointer is not None:
            self._pointer = seen.pointer
        if seen.monitors_changed:
            self._find()
        if self._showing is not None:
            self._showing.add(seen.changed, now)
            self._showing.move(self._pointer)

    def _find(self) -> None:
        monitors = self._capture.monitors()
        if not monitors:
            raise CaptureError(Reason.NO_SCREEN, "no monitor")
        if monitors != self._monitors:
            self._monitors = monitors
            # Whoever hears of it says what is to be shown from now on.
            self._showing = None
            self._listener.found(monitors)


class _Way:
    """A channel to whoever sees, and what is under way on it."""

    def __init__(self, outlet: Outlet, newest: int, now: float) -> None:
        self.outlet = outlet
        self.pacing = Pacing(newest)
        self.counts = _Counts(now)
        self._under_way: deque[_UnderWay] = deque()

    @property
    def may_send(self) -> bool:
        """Whether an update may be sent."""
        return self.pacing.may_send and self.outlet.waiting < self.pacing.window + WAITING_BYTES

    @property
    def may_sharpen(self) -> bool:
        """Whether so little is under way that a change would not have to wait for it."""
        return self.may_send and 2 * self.pacing.bytes_under_way < self.pacing.window

    def send(self, tiles: list[Tile]) -> None:
        """Send tiles that are to be shown at once."""
        for part in _portions(tiles):
            number = self.pacing.newest + 1
            messages = list(pack_update(Update(number, part)))
            size = sum(map(len, messages))
            self.pacing.sent(size, time.monotonic())
            self.outlet.send(messages)
            self._under_way.append(_UnderWay(number))
            self.counts.sent += size

    def shows(self, changed_at: float) -> None:
        """Note that what was sent last ends a picture of changes, the first of them seen then."""
        self._under_way[-1].changed_at = changed_at

    def drawn(self, number: int, now: float) -> None:
        """Count an update that was drawn, and those before it; any other number says nothing."""
        if not self.pacing.drawn(number, now):
            return
        while self._under_way and self._under_way[0].number <= number:
            one = self._under_way.popleft()
            if one.changed_at is not None:
                self.counts.frames += 1
                self.counts.delays.append(now - one.changed_at)

    def measured(self, now: float) -> Figures:
        """Return the figures since the last call, and tell whoever sees the delay."""
        figures = self.counts.figures(now)
        if self.counts.delays:
            self.outlet.send([pack_delay(median(self.counts.delays))])
        self.counts = _Counts(now)
        return figures


class _Showing:
    """The pictures of one monitor on one channel."""

    def __init__(
        self,
        capture: Capture,
        shown: ShownMonitor,
        way: _Way,
        listener: Listener,
        now: float,
    ) -> None:
        self._capture = capture
        self._shown = shown
        self._way = way
        self._listener = listener
        # The quality that the newest pictures had.
        self._used = QUALITIES[-1]
        self._last_frame = 0.0
        self._begun = False
        self._photo_bytes = PHOTO_BYTES
        self._text_bytes = TEXT_BYTES
        monitor = shown.monitor
        # The parts of the desktop that changed, and when the first of them was seen.
        self.changed = [Rectangle(monitor.x, monitor.y, monitor.width, monitor.height)]
        self._changed_at = now
        self._shapes: dict[int, None] = {}
        self._pointer: Pointer | None = None
        self._sent_pointer: Pointer | None = None
        self._pointer_at = 0.0
        self._figures: Figures | None = None
        way.outlet.send([pack_canvas(Canvas(monitor.id, shown.width, shown.height))])

    # --- what happens -----------------------------------------------------------------------------

    def add(self, changed: Iterable[Rectangle], now: float) -> None:
        """Note parts of the desktop that have changed."""
        for one in changed:
            place = self._shown.place_of(one)
            inside = (
                place.right > 0
                and place.bottom > 0
                and place.x < self._shown.width
                and place.y < self._shown.height
            )
            if inside:
                if not self.changed:
                    self._changed_at = now
                self.changed.append(one)

    def move(self, pointer: Pointer | None) -> None:
        """Note where the pointer is on the desktop."""
        if pointer is None:
            return
        place = self._shown.place_of(Rectangle(pointer.x, pointer.y, 1, 1))
        inside = 0 <= place.x < self._shown.width and 0 <= place.y < self._shown.height
        self._pointer = Pointer(pointer.shape, place.x, place.y) if inside else Pointer(0, 0, 0)

    # --- what is to be done -----------------------------------------------------------------------

    def patience(self, now: float) -> float:
        """Return how long nothing has to be done, unless the screen changes."""
        dues = [WATCH_SECONDS]
        if self.changed:
            dues.append(
                self._last_frame + FRAME_SECONDS - now if self._way.may_send else FRAME_SECONDS
            )
        elif (rests_at := self._shown.rests_at()) is not None:
            dues.append(rests_at - now if self._way.may_sharpen else FRAME_SECONDS)
        if self._pointer != self._sent_pointer:
            dues.append(self._pointer_at + FRAME_SECONDS - now)
        if self._way.counts.frames or self._figures is None:
            dues.append(self._way.counts.since + FIGURES_SECONDS - now)
        return max(0.0, min(dues))

    def work(self, now: float) -> None:
        """Send what may be sent now. Raises CaptureError."""
        if self._pointer != self._sent_pointer and now >= self._pointer_at + FRAME_SECONDS:
            self._send_pointer(now)
        if self.changed:
            if self._way.may_send and now >= self._last_frame + FRAME_SECONDS:
                self._send_changes(now)
        elif self._way.may_sharpen and (tiles := self._shown.sharpen(now)):
            self._way.send(tiles)
        if now >= self._way.counts.since + FIGURES_SECONDS:
            self._measure(now)

    def _send_changes(self, now: float) -> None:
        changed, self.changed = self.changed, []
        self._last_frame = now
        sent = False
        for tiles in self._shown.update(self._capture, changed, self._look, now):
            self._learn(tiles)
            self._way.send(tiles)
            sent = True
        # Of a screen that is as black as the canvas, nothing differs; whoever sees waits for it.
        if not sent and not self._begun:
            self._way.send([])
            sent = True
        self._begun = True
        if sent:
            # It is seen when the last part of it is drawn.
            self._way.shows(self._changed_at)

    def _look(self, pixels: int) -> Look:
        pacing = self._way.pacing
        quality = pacing.quality(int(pixels * self._photo_bytes))
        self._used = min(quality, LARGE_QUALITY) if pixels > LARGE_PIXELS else quality
        return Look(self._used, pacing.carries_text(int(pixels * self._text_bytes)))

    def _learn(self, tiles: list[Tile]) -> None:
        """Measure how much a pixel takes: of a photo, and of text without loss."""
        if (photo := _bytes_of_pixel(tiles, Format.JPEG)) is not None:
            # At the best quality, as far as that can be told from another.
            photo *= QUALITIES[-1] / self._used
            self._photo_bytes += LEARNED * (photo - self._photo_bytes)
        if (text := _bytes_of_pixel(tiles, Format.PNG)) is not None:
            self._text_bytes += LEARNED * (text - self._text_bytes)

    def _send_pointer(self, now: float) -> None:
        self._pointer_at = now
        pointer = self._pointer
        if pointer is None or self._way.outlet.waiting > WAITING_BYTES:
            return
        messages: list[bytes] = []
        if pointer.shape and pointer.shape not in self._shapes:
            if len(self._shapes) >= KEPT_SHAPES:
                del self._shapes[next(iter(self._shapes))]
            self._shapes[pointer.shape] = None
            messages.append(pack_shape(self._capture.pointer_shape(pointer.shape)))
        messages.append(pack_pointer(pointer))
        self._way.outlet.send(messages)
        self._sent_pointer = pointer

    def _measure(self, now: float) -> None:
        figures = self._way.measured(now)
        if figures != self._figures:
            self._figures = figures
            self._listener.measured(figures)


def _bytes_of_pixel(tiles: list[Tile], format: Format) -> float | None:
    """Return how much a pixel takes in tiles of this format; None if there are none."""
    those = [tile for tile in tiles if tile.format is format]
    pixels = sum(tile.place.area for tile in those)
    return sum(len(tile.content) for tile in those) / pixels if pixels else None


def _portions(tiles: list[Tile]) -> Iterator[tuple[Tile, ...]]:
    """Cut tiles into updates that are not too large."""
    portion: list[Tile] = []
    size = 0
    for tile in tiles:
        if portion and size + len(tile.content) > MAX_UPDATE_BYTES - _ROOM_BYTES:
            yield tuple(portion)
            portion, size = [], 0
        portion.append(tile)
        size += len(tile.content)
    yield tuple(portion)
