"""The screen of a Wayland desktop: the monitors that its person chose in the portal's dialog.

The pointer is in the pictures, and the desktop draws it there.

This was tried with a portal of our own and a real PipeWire, and not on any desktop.
"""

import os
import time
from typing import Final

from proxim.core.errors import Reason
from proxim.core.screen.messages import MAX_MONITORS, Monitor
from proxim.core.screen.updates import PointerShape, Rectangle
from proxim.io.screen.capture import CaptureError, Seen
from proxim.io.screen.comparing import ComparedPicture
from proxim.io.screen.pipewire_frames import NodeFrames, missing_elements
from proxim.io.screen.pixels import Picture
from proxim.io.screen.portal import PortalSession, Stream
from proxim.io.screen.waking import Waking

# A desktop sends the first picture at once, after GStreamer has started.
FIRST_PICTURE_SECONDS: Final = 10.0


class WaylandCapture:
    """Looks at the streams of a session of the portal. It closes the session in the end."""

    def __init__(self, session: PortalSession) -> None:
        self._session = session
        self._waking = Waking()
        self._compared = ComparedPicture()
        self._frames: dict[int, NodeFrames] = {}
        self._streams: dict[int, Stream] = {}
        try:
            for stream in session.streams[:MAX_MONITORS]:
                self._streams[stream.node] = stream
                # A program that has it may close it, so each has its own.
                remote = session.pipewire()
                try:
                    self._frames[stream.node] = NodeFrames(remote, stream.node)
                finally:
                    os.close(remote)
            self._first = self._wait_for_all()
        except BaseException:
            self.close()
            raise

    @property
    def picture(self) -> Picture:
        """The desktop's pixels as `grab` has copied them; the next `grab` changes them."""
        return self._compared.picture

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors, one below the other, in the order in which the portal names them."""
        found = []
        for node, stream in self._streams.items():
            place = self._compared.place_of(node)
            if place is None:
                continue
            scale = place.width / stream.size[0] if stream.size is not None else 1.0
            found.append(Monitor(node, "", place.x, place.y, place.width, place.height, scale))
        return tuple(found)

    def look(self, seconds: float) -> Seen:
        """Return what happened; wait for it at most so long. Raises CaptureError."""
        if self._first != Seen():
            seen, self._first = self._first, Seen()
            return seen
        deadline = time.monotonic() + seconds
        while True:
            woken, seen = self._wait(deadline - time.monotonic())
            if woken or seen != Seen() or time.monotonic() >= deadline:
                return seen

    def wake(self) -> None:
        """End a `look` that waits, from any thread."""
        self._waking.wake()

    def grab(self, place: Rectangle) -> None:
        """Copy the pixels of this part of the desktop into `picture`."""
        self._compared.copy(place)

    def pointer_shape(self, shape: int) -> PointerShape:
        """There is none: the pointer is in the pictures."""
        raise CaptureError(Reason.SCREEN_UNSUPPORTED, f"shape {shape}")

    def close(self) -> None:
        """Look no longer, and end the session."""
        while self._frames:
            self._frames.popitem()[1].close()
        self._session.close()
        self._waking.close()

    def _wait_for_all(self) -> Seen:
        """Wait for the first picture of each stream, since only they say how large it is."""
        deadline = time.monotonic() + FIRST_PICTURE_SECONDS
        while any(self._compared.place_of(node) is None for node in self._streams):
            left = deadline - time.monotonic()
            if left <= 0:
                raise CaptureError(Reason.SCREEN_LOST, "no picture came")
            self._wait(left)
        picture = self._compared.picture
        return Seen((Rectangle(0, 0, picture.width, picture.height),))

    def _wait(self, seconds: float) -> tuple[bool, Seen]:
        files = [self._session.fileno()]
        for frames in self._frames.values():
            files += frames.files()
        woken, ready = self._waking.wait(seconds, files)
        if self._session.fileno() in ready:
            self._session.listen()
        changed: list[Rectangle] = []
        before = self.monitors()
        for node, frames in [*self._frames.items()]:
            if set(frames.files()) & set(ready):
                changed += self._read(node, frames)
        return woken, Seen(tuple(changed), self.monitors() != before)

    def _read(self, node: int, frames: NodeFrames) -> tuple[Rectangle, ...]:
        try:
            frame = frames.read()
        except CaptureError:
            # What the portal has ended is told by the portal, with its reason.
            self._session.listen()
            if len(self._frames) == 1:
                raise
            # A monitor was pulled out; the others go on.
            del self._frames[node], self._streams[node]
            frames.close()
            return self._compared.forget(node)
        return () if frame is None else self._compared.changes(node, frame)


def open_wayland_capture() -> WaylandCapture:
    """Ask the desktop's person, and return the Capture of what they chose. Raises CaptureError."""
    # Nobody is asked for what cannot be shown.
    if missing := missing_elements():
        raise CaptureError(Reason.NO_GSTREAMER, ", ".join(missing))
    return WaylandCapture(PortalSession())
