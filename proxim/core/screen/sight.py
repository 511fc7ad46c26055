"""What faces draw of the other side's screen.

Pictures do not pass through a machine, since there may be sixty a second. `io` decodes them on a
thread of its own and publishes a ScreenSight once; then it publishes PicturesReady, in the slot of
the bridge that keeps only the newest, whenever there is something to draw. A face takes that from
the sight whenever it has the time.
"""

from dataclasses import dataclass, field
from typing import Protocol

from proxim.core import events as ev
from proxim.core.screen.updates import Rectangle
from proxim.core.status import FeatureStatus


@dataclass(frozen=True, slots=True)
class Patch:
    """New pixels of a part of the view, in pixels of the view: rows of red, green and blue."""

    place: Rectangle
    rgb: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """A part of the view that is now elsewhere; `place` shows what was at `from_x`, `from_y`."""

    place: Rectangle
    from_x: int
    from_y: int


@dataclass(frozen=True, slots=True)
class PointerPicture:
    """The other side's pointer: RGBA pixels, and which of them points."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    rgba: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PointerPlace:
    """Where the other side's pointer is, in pixels of the canvas; None shows no pointer."""

    x: int
    y: int
    picture: PointerPicture | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How well the screen arrives, over the last second or so."""

    frames_per_second: float
    megabits_per_second: float
    # From a change there until its picture was acknowledged; None while that is unknown.
    delay_milliseconds: int | None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is new since the last `take`, in the order in which it is to be drawn."""

    # The size of the whole view, after scaling; a change of it makes all of the view new.
    width: int
    height: int
    changes: tuple[Patch | Moved, ...]
    # The newest place of the pointer.
    pointer: PointerPlace | None


class Sight(Protocol):
    """The other side's screen, as it arrives. All methods may be called from any thread."""

    @property
    def canvas(self) -> tuple[int, int]:
        """The width and height of what is shown, in its own pixels; (0, 0) before it is known."""

    def scale_to(self, width: int, height: int) -> None:
        """Scale everything to this size from now on; the next picture has all of the view.

        (0, 0) is no scaling, whatever the size of the canvas will be; it is so at first.
        """

    def take(self) -> Picture:
        """Return what is new; it need not be called for each PicturesReady."""

    def drawn(self) -> None:
        """Say that all that was taken is on the screen, so that more may come."""

    def figures(self) -> Figures:
        """Return the newest figures."""


@dataclass(frozen=True, slots=True)
class ScreenSight(FeatureStatus):
    """The other side's screen arrives from now on, and can be taken from `sight`.

    It comes again when the pictures take another way (a lane opens or breaks). The new sight is not
    scaled, and what is shown may stay until the first PicturesReady.
    """

    link: ev.LinkID
    sight: Sight = field(repr=False)


@dataclass(frozen=True, slots=True)
class PicturesReady(FeatureStatus):
    """There is something to take from the link's newest sight, or more than before."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class SharingFigures(FeatureStatus):
    """How well this device's screen arrives at whoever sees it; published about once a second."""

    link: ev.LinkID
    figures: Figures
