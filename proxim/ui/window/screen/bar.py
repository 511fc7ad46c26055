"""The bar at the top of a shown screen: who sees or controls it, and the buttons that stop it.

It stays above everything else. While somebody controls, it is looked after: a bar that nobody can
see says nothing, so control ends when raising it does not help.
"""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.core.pairing.devices import Verified
from proxim.core.sanitize import display_name
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.core.screen.status import ScreenShare, ScreenStage
from proxim.ui.window.screen.shield import BAR_CLASS
from proxim.ui.window.screen.words import other_first
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import set_text, shortened

# Pixels at 100 %.
_NAME_WIDTH: Final = 220
_NAME_LEAST: Final = 60
# How often it is looked at, and how often in a row it may be hidden before control ends: a menu or
# a message that covers it for a moment is no reason.
CHECK_MS: Final = 250
HIDDEN_CHECKS: Final = 6
# Parts of its width at which it is looked at, and how many of these places have to be seen.
_PLACES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_PLACES_SEEN: Final = 3

_WORDS: Final = {
    ScreenStage.OFFERED: "screen.barMayLook",
    ScreenStage.VIEWED: "screen.barSees",
    ScreenStage.CONTROLLED: "screen.barControls",
    ScreenStage.PAUSED: "screen.barPaused",
}
_TONES: Final = {ScreenStage.CONTROLLED: "Red", ScreenStage.PAUSED: "Amber"}


def home_of(shown: int | None, monitors: tuple[Monitor, ...]) -> Monitor | None:
    """Return the monitor on which the bar is: the shown one or, where all are shown as one, the
    first of them.
    """
    whole = next((one for one in monitors if one.id == shown), None)
    if whole is None:
        return None
    inside = (
        one
        for one in monitors
        if one is not whole
        and one.width * one.height < whole.width * whole.height
        and one.x >= whole.x
        and one.y >= whole.y
        and one.x + one.width <= whole.x + whole.width
        and one.y + one.height <= whole.y + whole.height
    )
    return next(inside, whole)


class ScreenBar:
    """The bar about one link; `below` says how many other bars are above it."""

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        link: ev.LinkID,
        name: str | None,
        verified: Verified | None,
        post: Callable[[ev.Intent], None],
        below: int = 0,
    ) -> None:
        self.link = link
        self._theme = theme
        self._name = name
        self._verified = verified
        self._post = post
        self._below = below
        self._home: Monitor | None = None
        # How far the person has moved it from its usual place.
        self._moved = 0
        self._grabbed = 0
        self.stage = ScreenStage.OFFERED
        self._hidden = 0
        self._raised = False
        self._timer: str | None = None
        window = self.window = tkinter.Toplevel(root, class_=BAR_CLASS)
        window.withdraw()
        # No window manager moves it, and none puts a title on it.
        window.overrideredirect(True)
        self._build()
        window.bind("<Destroy>", self._destroyed, add=True)
        window.bind("<Visibility>", self._seen_changed)
        self.restyle()

    # --- for the screens --------------------------------------------------------------------------

    def show(self, share: ScreenShare) -> None:
        """Show how the screen is shared now."""
        self.stage = share.stage
        words = tr(_WORDS[share.stage])
        set_text(self._state, words)
        self._show_buttons()
        self.restyle()
        home = home_of(share.monitor, share.monitors)
        if home != self._home:
            self._home, self._moved = home, 0
        self._place()
        if not self.window.winfo_viewable():
            self.window.deiconify()
        # Some systems need both.
        self.window.attributes("-topmost", True)
        self.window.lift()
        if self._timer is None:
            self._hidden = 0
            self._timer = self.window.after(CHECK_MS, self._check)

    def show_panic_keys(self, keys: str | None) -> None:
        """Show the keys that stop everything, or nothing if this system gives none."""
        set_text(self._hint, tr("screen.barKeys", keys=keys) if keys else "")
        self._place()

    def close(self) -> None:
        """Remove the bar."""
        if self.window.winfo_exists():
            self.window.destroy()

    def restyle(self) -> None:
        """Apply the current palette."""
        tone = _TONES.get(self.stage, "Blue")
        look = self._theme.palette
        colours = {"Red": look.red, "Amber": look.amber, "Blue": look.blue}[tone]
        self.window.configure(background=colours.foreground)
        self._body.configure(style=f"{tone}.TFrame")
        for label in (self._who, self._state, self._hint):
            label.configure(style=f"{tone}.Line.TLabel")
        self._who.configure(font=self._theme.bold)

    def show_differed(self, *, differed: bool) -> None:
        """Show whether digits that two persons compared on this link were not the same."""
        words, style = self._theme.badge(self._verified, differed=differed)
        if str(self._badge.cget("text")) != words:
            self._badge.configure(text=words, style=style)

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px, theme = self._theme.px, self._theme
        body = self._body = ttk.Frame(self.window, padding=(px(4), px(2)))
        body.pack(fill="both", expand=True, padx=1, pady=(0, 1))
        self._whole_name = display_name(other_first(self._name))
        self._who = ttk.Label(body)
        words, style = theme.badge(self._verified)
        self._badge = ttk.Label(body, text=words, style=style, font=theme.small)
        self._state = ttk.Label(body)
        self._hint = ttk.Label(body, font=theme.small)
        self.stop_control = ttk.Button(
            body, text=tr("screen.stopControl"), command=partial(self._post, self._stop_control)
        )
        self.pause = ttk.Button(
            body, text=tr("screen.pause"), command=partial(self._post, self._pause)
        )
        self.go_on = ttk.Button(
            body, text=tr("screen.goOn"), command=partial(self._post, self._go_on)
        )
        self.stop = ttk.Button(
            body, text=tr("screen.stopShowing"), command=partial(self._post, self._stop)
        )
        for column, widget in enumerate(
            (
                self._who,
                self._badge,
                self._state,
                self._hint,
                self.stop_control,
                self.pause,
                self.go_on,
                self.stop,
            )
        ):
            widget.grid(row=0, column=column, padx=(px(4) if column > 3 else 0, 0))
            if isinstance(widget, ttk.Button):
                # No key presses a button of the bar: it takes the focus from nobody.
                widget.configure(style="Small.TButton", takefocus=False)
        self._hint.grid_remove()
        for handle in (body, self._who, self._badge, self._state, self._hint):
            handle.bind("<ButtonPress-1>", self._grab)
            handle.bind("<B1-Motion>", self._drag)

    @property
    def _stop_control(self) -> ev.Intent:
        return screen_ev.StopControl(self.link)

    @property
    def _pause(self) -> ev.Intent:
        return screen_ev.PauseScreen(self.link)

    @property
    def _go_on(self) -> ev.Intent:
        return screen_ev.GoOnShowing(self.link)

    @property
    def _stop(self) -> ev.Intent:
        return screen_ev.StopScreen(self.link, shows=True)

    def _show_buttons(self) -> None:
        shown = {
            self.stop_control: self.stage is ScreenStage.CONTROLLED,
            self.pause: self.stage in (ScreenStage.VIEWED, ScreenStage.CONTROLLED),
            self.go_on: self.stage is ScreenStage.PAUSED,
        }
        for button, wanted in shown.items():
            (button.grid if wanted else button.grid_remove)()

    # --- its place --------------------------------------------------------------------------------

    def _place(self) -> None:
        window = self.window
        left, top, across = self._area()
        if not self._fit(across):
            return
        width, height = window.winfo_reqwidth(), window.winfo_reqheight()
        free = max(0, across - width)
        at = max(0, min(free // 2 + self._moved, free))
        self._moved = at - free // 2
        window.geometry(f"{width}x{height}+{left + at}+{top + self._below * height}")

    def _fit(self, across: int) -> bool:
        """Give the bar its whole content, or less of it on a narrow screen; return False if it was
        closed meanwhile.
        """
        window, theme = self.window, self._theme
        self._show_name(theme.px(_NAME_WIDTH))
        self._badge.grid()
        (self._hint.grid if str(self._hint.cget("text")) else self._hint.grid_remove)()
        for make_room in (
            self._hint.grid_remove,
            lambda: self._show_name(theme.px(_NAME_WIDTH) // 2),
            self._badge.grid_remove,
            lambda: self._show_name(theme.px(_NAME_LEAST)),
        ):
            window.update_idletasks()
            # The events that have just run may have closed it.
            if not window.winfo_exists():
                return False
            if window.winfo_reqwidth() <= across:
                return True
            make_room()
        window.update_idletasks()
        return bool(window.winfo_exists())

    def _show_name(self, width: int) -> None:
        set_text(self._who, shortened(self._whole_name, self._theme.bold, width))

    def _area(self) -> tuple[int, int, int]:
        """Return the left edge, the top and the width of the place for the bar."""
        home = self._home
        if home is None:
            return 0, 0, self.window.winfo_screenwidth()
        return home.x, home.y, home.width

    def _grab(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._grabbed = event.x_root - self._moved

    def _drag(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._moved = event.x_root - self._grabbed
        self._place()

    # --- whether it can be seen -------------------------------------------------------------------

    @property
    def can_be_seen(self) -> bool:
        """Whether the bar is on the shown monitor, and most of it is covered by nothing."""
        window = self.window
        if not window.winfo_viewable():
            return False
        left, top, across = self._area()
        x, y = window.winfo_rootx(), window.winfo_rooty()
        width, height = window.winfo_width(), window.winfo_height()
        if not (left <= x + width // 2 < left + across and top <= y + height // 2):
            return False
        middle = y + height // 2
        # X11 and Windows name the window that is on top at a place, if it is one of ours.
        found = [
            str(window.tk.call("winfo", "containing", x + round(part * width), middle))
            for part in _PLACES
        ]
        ours = [one == str(window) or one.startswith(f"{window}.") for one in found]
        return sum(ours) >= _PLACES_SEEN

    def _seen_changed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        # Once between two checks: another program that stays on top may do the same.
        if str(event.state) != "VisibilityUnobscured" and not self._raised:
            self._raised = True
            self.window.lift()

    def _check(self) -> None:
        self._raised = False
        if self.can_be_seen:
            self._hidden = 0
        else:
            self._hidden += 1
            if self.window.state() != "normal":
                self.window.deiconify()
            self._place()
            self.window.lift()
            if self._hidden >= HIDDEN_CHECKS and self.stage is ScreenStage.CONTROLLED:
                self._hidden = 0
                self._post(screen_ev.StopControl(self.link, Reason.BAR_HIDDEN))
        self._timer = self.window.after(CHECK_MS, self._check)

    def _destroyed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if event.widget is self.window and self._timer is not None:
            self.window.after_cancel(self._timer)
            self._timer = None
