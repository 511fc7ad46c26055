"""The home page: this device, the invitation, the field to join another device and the state line.

The state line and the field are always visible. The lower the window is, the more is folded away:
first wide margins and the join field's hint. Then the QR code shrinks to the height of the texts
beside it. Then the space goes that is kept for a second line of the state, and then the drawing of
the steps, which says the same as the state line. Then the QR code shrinks further, and what still
has no place scrolls. Where the window is too narrow, the texts go below the QR code.

People who have known devices see them between the invitation and the join field, in fewer rows the
lower the window is, and as a menu before the QR code shrinks below the height of its texts.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from enum import IntEnum
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.ui.window.device_bar import DeviceBar
from proxim.ui.window.pairing.invite import InvitePanel
from proxim.ui.window.pairing.join import JoinField
from proxim.ui.window.pairing.steps import StepsParts, StepsView
from proxim.ui.window.scroll_area import ScrollArea
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import SCREEN_BARS

# It is loaded with the first known device, after the first paint.
if TYPE_CHECKING:
    from proxim.core import events as ev
    from proxim.ui.window.known.device_list import DeviceList

# Pixels at 100 %: around the page, below the device's name, around the join field and above the
# steps; first with enough space, then with little.
_EDGE: Final = (20, 8)
_BELOW_NAME: Final = (16, 6)
_ABOVE_JOIN: Final = (16, 6)
_BELOW_JOIN: Final = (14, 6)
_ABOVE_STEPS: Final = (12, 5)
# Pixels at 100 % of additional height at which the margins become wide again. Texts wrap otherwise
# between wide margins, so that at one height neither form might fit.
_OPENS_AT: Final = 30
# Pixels at 100 %: the smallest part of the invitation that is worth scrolling.
_SCROLL_MIN: Final = 60
# Pixels at 100 %: the width that the column of texts needs.
_WIDTH_MIN: Final = 340


class Fold(IntEnum):
    """How much of the page is folded away."""

    NOTHING = 0
    MARGINS = 1
    SECOND_LINE = 2
    DRAWING = 3
    # Only where there are known devices.
    DEVICES = 4


_STEPS_PARTS: Final = {
    Fold.NOTHING: StepsParts.DRAWING_AND_LINES,
    Fold.MARGINS: StepsParts.DRAWING_AND_LINES,
    Fold.SECOND_LINE: StepsParts.DRAWING,
    Fold.DRAWING: StepsParts.SENTENCE,
    Fold.DEVICES: StepsParts.SENTENCE,
}
# How many known devices at least are seen without scrolling; none means that a menu has them.
_DEVICE_ROWS: Final = {
    Fold.NOTHING: 4,
    Fold.MARGINS: 2,
    Fold.SECOND_LINE: 2,
    Fold.DRAWING: 2,
    Fold.DEVICES: 0,
}


class HomePage(ttk.Frame):
    """The page that hosts and joins. `arrange` fits it into its place."""

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._arranging: str | None = None
        # It is called after the page was arranged.
        self.on_change: Callable[[], None] = lambda: None
        self.columnconfigure(0, weight=1)
        self.area = ScrollArea(self, theme)
        self.area.grid(row=0, column=0, sticky="ew")
        inside = self.area.inside
        inside.columnconfigure(0, weight=1)
        self.device_bar = DeviceBar(inside, theme, post)
        self.device_bar.grid(row=0, column=0, sticky="ew")
        self.invite = InvitePanel(inside, theme, post, clock)
        self.invite.grid(row=1, column=0, sticky="ew")
        # Rows 1 and 2 are for the known devices; `devices` exists while there is one.
        self.devices: DeviceList | None = None
        self._above_devices: ttk.Frame | None = None
        self._above_join = self._rule()
        self._above_join.grid(row=3, column=0, sticky="ew")
        self.join = JoinField(self, theme, post, self._retyped)
        self.join.grid(row=4, column=0, sticky="ew")
        self._above_steps = self._rule()
        self._above_steps.grid(row=5, column=0, sticky="ew")
        self.steps = StepsView(self, theme, post, clock)
        self.steps.grid(row=6, column=0, sticky="ew")
        # This empty row gets the spare height of a larger window.
        self.rowconfigure(7, weight=1)
        self._set_fold(Fold.NOTHING)
        for widget in (self, inside, self.join, self.steps):
            widget.bind("<Configure>", lambda _event: self._arrange_soon(), add=True)
        # What has changed while another page was open has not been arranged.
        self.bind("<Map>", lambda _event: self._arrange_soon(), add=True)
        self.bind("<Destroy>", self._destroyed, add=True)

    @property
    def wanted_size(self) -> tuple[int, int]:
        """The size with which all of the page is seen, as far as the screen has it."""
        px = self._theme.px
        width = max(self.invite.full_size[0], self.join.winfo_reqwidth())
        width += 2 * px(_EDGE[0])
        height = self._height(Fold.NOTHING) + (self._opens_at if self._fold > 0 else 0)
        highest = self.winfo_screenheight() - px(SCREEN_BARS)
        if height > highest:
            width += self.area.bar_width
        return min(width, self.winfo_screenwidth()), min(height, highest)

    def height_within(self, room: int) -> int:
        """The height with which the most of the page is seen that this much room has."""
        for fold in self._folds[1:]:
            height = self._height(fold)
            if height <= room:
                if self.devices is not None and _DEVICE_ROWS[fold]:
                    every = self.devices.height(len(self.devices.rows))
                    height += every - self.devices.height(_DEVICE_ROWS[fold])
                return min(height, room)
        return room

    @property
    def edge(self) -> int:
        """How far everything on the page is from the sides of the window."""
        return self._theme.px(_EDGE[self._fold > 0])

    @property
    def least_size(self) -> tuple[int, int]:
        """The smallest size at which the page is of use."""
        px = self._theme.px
        return px(_WIDTH_MIN), self._pinned_height(self._folds[-1]) + px(_SCROLL_MIN)

    def put_devices(self, devices: DeviceList) -> None:
        """Show known devices from now on."""
        self.devices = devices
        self._above_devices = self._rule()
        self._above_devices.grid(row=1, column=0, sticky="ew")
        devices.grid(row=2, column=0, sticky="ew")
        # The Tab key reaches them where they stand.
        devices.lower(self._above_join)
        devices.bind("<Configure>", lambda _event: self._arrange_soon(), add=True)
        self._set_fold(self._fold)
        self._arrange_soon()

    def drop_devices(self) -> None:
        """Show no known devices any more, as there are none."""
        if self.devices is not None and self._above_devices is not None:
            self.devices.remove()
            self._above_devices.destroy()
            self.devices = self._above_devices = None
            self._set_fold(min(self._fold, Fold.DRAWING))
            self._arrange_soon()

    def arrange(self, size: tuple[int, int] | None = None) -> None:
        """Fit the page into its place, or into a size that it will have."""
        width, height = size or (self.winfo_width(), self.winfo_height())
        px = self._theme.px
        fold = next((fold for fold in self._folds if self._fits(fold, height)), self._folds[-1])
        if fold is not self._fold:
            self._set_fold(fold)
        rows = _DEVICE_ROWS[fold]
        if self.devices is not None and rows:
            # What is to spare shows more of them.
            spare = height - self._height(fold)
            rows += max(0, spare) // max(1, self.devices.height(2) - self.devices.height(1))
            self.devices.fold(rows)
        room = height - self._pinned_height(fold, rows)
        above = self.device_bar.winfo_reqheight() + px(_BELOW_NAME[fold > 0])
        # Whether the bar is shown depends on what fits beside it, so its place is always kept free.
        bar = self.area.bar_width if fold >= Fold.DRAWING else 0
        self.invite.fit(width - 2 * px(_EDGE[fold > 0]) - bar, room - above if fold else None)
        self.area.limit_height(max(1, room))
        self.area.let_scroll(self.area.inside)

    @property
    def deadlines(self) -> tuple[float | None, ...]:
        """The moments to which countdowns are shown."""
        return self.invite.deadline, self.steps.deadline

    def tick(self) -> None:
        """Update the countdowns."""
        self.invite.tick()
        self.steps.tick()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.area.restyle()
        self.invite.restyle()
        self.steps.restyle()
        if self.devices is not None:
            self.devices.restyle()

    @property
    def _folds(self) -> tuple[Fold, ...]:
        """The forms of the page, from complete to folded away."""
        return tuple(fold for fold in Fold if fold < Fold.DEVICES or self.devices is not None)

    @property
    def _opens_at(self) -> int:
        return self._theme.px(_OPENS_AT)

    def _fits(self, fold: Fold, height: int) -> bool:
        reopens = fold is Fold.NOTHING and self._fold is not Fold.NOTHING
        return height >= self._height(fold) + (self._opens_at if reopens else 0)

    def _height(self, fold: Fold) -> int:
        """The height of everything that this form of the page shows without scrolling.

        The form without the drawing is never wider, so its texts never need less height than in the
        form with it: the two do not alternate at one height.
        """
        above = self.device_bar.winfo_reqheight() + self._theme.px(_BELOW_NAME[fold > 0])
        invite = self.invite.full_size[1] if fold is Fold.NOTHING else self.invite.low_height
        return above + invite + self._pinned_height(fold)

    def _pinned_height(self, fold: Fold, rows: int | None = None) -> int:
        """The height of all that does not scroll, with at least or so many known devices."""
        px, little = self._theme.px, fold > 0
        around = 2 * px(_EDGE[little]) + 2 * px(_ABOVE_JOIN[little])
        around += px(_BELOW_JOIN[little]) + px(_ABOVE_STEPS[little]) + 2 * px(1)
        join = self.join.height(folded=little)
        devices = self._devices_height(fold, _DEVICE_ROWS[fold] if rows is None else rows)
        return around + devices + join + self.steps.height(_STEPS_PARTS[fold])

    def _devices_height(self, fold: Fold, rows: int) -> int:
        """The height of so many known devices and of the rule above them."""
        px = self._theme.px
        if self.devices is None or not rows:
            return 0
        return self.devices.height(rows) + 2 * px(_ABOVE_JOIN[fold > 0]) + px(1)

    def _set_fold(self, fold: Fold) -> None:
        px, little = self._theme.px, fold > 0
        self._fold = fold
        self.configure(padding=px(_EDGE[little]))
        self.device_bar.grid(pady=(0, px(_BELOW_NAME[little])))
        self._above_join.grid(pady=px(_ABOVE_JOIN[little]))
        self._above_steps.grid(pady=(px(_BELOW_JOIN[little]), px(_ABOVE_STEPS[little])))
        self.join.fold(little)
        self.steps.fold(_STEPS_PARTS[fold])
        if self.devices is not None and self._above_devices is not None:
            self.devices.fold(_DEVICE_ROWS[fold])
            self._above_devices.grid(pady=px(_ABOVE_JOIN[little]))
            if not _DEVICE_ROWS[fold]:
                self._above_devices.grid_remove()

    def _arrange_soon(self) -> None:
        if self._arranging is None:
            self._arranging = self.after_idle(self._arrange_now)

    def _arrange_now(self) -> None:
        self._arranging = None
        if self.winfo_viewable():
            self.arrange()
            self.on_change()

    def _retyped(self) -> None:
        self.steps.retyped()

    def _rule(self) -> ttk.Frame:
        return ttk.Frame(self, height=self._theme.px(1), style="Rule.TFrame")

    def _destroyed(self, event: tkinter.Event[tkinter.Misc]) -> None:
        if event.widget is self and self._arranging is not None:
            self.after_cancel(self._arranging)
            self._arranging = None
