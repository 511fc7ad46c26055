"""Helpers for the tests of shared screens in the window: a scripted sight, and statuses."""

from dataclasses import replace
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.link.lane_channels import LANE_CHANNELS
from proxim.core.pairing.devices import Verified
from proxim.core.screen.messages import Monitor
from proxim.core.screen.sight import (
    Figures,
    Moved,
    Patch,
    Picture,
    PointerPicture,
    PointerPlace,
)
from proxim.core.screen.status import ScreenQuestion, ScreenShare, ScreenStage
from proxim.core.screen.updates import Rectangle
from proxim.ui.window.screen.screens import Screens
from tests.ui.tk_support import Bench, link

LINK: Final = ev.LinkID("host-1")
MONITORS: Final = (Monitor(0, "DP-1", 0, 0, 640, 400), Monitor(1, "HDMI-2", 640, 0, 320, 200))
ARROW: Final = PointerPicture(4, 4, 1, 2, bytes((255, 0, 0, 255)) * 16)


class ScriptedSight:
    """Shows what a test says; all of the view is new when its size changes."""

    def __init__(self, width: int = 640, height: int = 400) -> None:
        self.canvas = (width, height)
        self.scale = (0, 0)
        self.changes: list[Patch | Moved] = []
        self.pointer: PointerPlace | None = None
        self.takes = 0
        self.draws = 0
        self._whole = True

    def scale_to(self, width: int, height: int) -> None:
        self.scale = (width, height)
        self._whole = True

    @property
    def size(self) -> tuple[int, int]:
        """The size of the view."""
        return self.scale if all(self.scale) else self.canvas

    def take(self) -> Picture:
        self.takes += 1
        width, height = self.size
        if self._whole:
            self._whole = False
            self.changes = [Patch(Rectangle(0, 0, width, height), gradient(width, height))]
        changes, self.changes = tuple(self.changes), []
        return Picture(width, height, changes, self.pointer)

    def drawn(self) -> None:
        self.draws += 1

    def figures(self) -> Figures:
        return Figures(29.7, 4.25, 18)


def colour_at(x: int, y: int) -> tuple[int, int, int]:
    """Return the colour of a point of `gradient`: each differs from its neighbours."""
    return x % 256, y % 256, (x // 256) * 16 + y // 256


def gradient(width: int, height: int) -> bytes:
    """Return rows of red, green and blue."""
    return b"".join(bytes(colour_at(x, y)) for y in range(height) for x in range(width))


def screen_link(
    verified: Verified | None = Verified.CODE, *, app: bool = True, name: str = "Grace's laptop"
) -> st.LinkStatus:
    """Return the status of a link whose peer knows screens."""
    lanes = (LANE_CHANNELS,) if app else ()
    features = (st.TEXT, st.FILES, *lanes, "screen", "control")
    return replace(link(name, verified=verified), features=features)


def share(
    stage: ScreenStage,
    *,
    shows: bool,
    reason: Reason | None = None,
    monitors: tuple[Monitor, ...] = MONITORS,
) -> ScreenShare:
    """Return the status of a share in this stage."""
    none = stage in (ScreenStage.ASKING, ScreenStage.ENDED)
    return ScreenShare(
        LINK, shows, stage, None if none else monitors[0].id, () if none else monitors, reason
    )


def question(bench: Bench, number: int = 1, *, control: bool = False) -> ScreenQuestion:
    """Return the question of the bench's peer."""
    verified = bench.window.pages.links[LINK].status.verified
    return ScreenQuestion(
        LINK,
        number,
        "Grace's laptop",
        verified,
        control=control and verified is not None,
        second_step=verified is not Verified.CODE,
        deadline=bench.clock.now + 40,
    )


def screens_of(bench: Bench) -> Screens:
    """Return the window's screens, which exist by now."""
    screens = bench.window._screens
    assert screens is not None
    return screens
