"""The frame of every dialog: a window above the main one that is as large as its content.

It is never given a size: while its words wrap or change, Tk gives it the size that they ask for,
and no window manager moves it for that.
"""

import math
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.ui.window.attention import WINDOW_COMES, on_close
from proxim.ui.window.root import darken_title_bar
from proxim.ui.window.stray_keys import StrayKeys
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import SCREEN_BARS, place_over, stay_on_screen

# Pixels at 100 %.
_MARGIN: Final = 20


class Dialog:
    """A dialog's window, its place and its timer; its owner fills `body` and calls `appear`.

    `kind` is the window's class, and `dismiss` is what Escape and the window's close button do.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        kind: str,
        dismiss: Callable[[], None],
        *,
        width: int,
        title: str = "",
        shrinks: bool = False,
    ) -> None:
        """`width` is the least width of the content, in pixels at 100 %; `shrinks` says that it
        has a list, which people can make larger, and which is smaller on a low screen.
        """
        self._root = root
        self._theme = theme
        self._shrinks = shrinks
        self._timer: str | None = None
        window = self.window = tkinter.Toplevel(root, class_=kind)
        # The window stays hidden until it is complete and in its place.
        window.withdraw()
        window.title(title)
        window.resizable(shrinks, shrinks)
        on_close(root, window, dismiss)
        window.bind("<Escape>", lambda _event: dismiss())
        window.bind("<Destroy>", self._destroyed, add=True)
        self.body = ttk.Frame(window, padding=theme.px(_MARGIN))
        self.body.pack(fill="both", expand=True)
        self.body.columnconfigure(0, weight=1, minsize=theme.px(width))
        self.body.bind("<Configure>", lambda _event: self._stay_on_screen(), add=True)
        self.restyle()

    @property
    def is_open(self) -> bool:
        """Whether the window exists."""
        return bool(self.window.winfo_exists())

    @property
    def room(self) -> int:
        """The greatest height that the content may have on this screen."""
        margins = 2 * self._theme.px(_MARGIN)
        return self.window.winfo_screenheight() - self._theme.px(SCREEN_BARS) - margins

    def appear(
        self, first: tkinter.Misc, shift: int = 0, *, by_itself: bool, takes_focus: bool = True
    ) -> None:
        """Show the dialog over the main window, `shift` pixels right and down.

        `first` gets the keyboard, with `takes_focus` also from other windows. `by_itself` says that
        the person did not ask for the dialog, and may be typing something else just now.
        """
        window = self.window
        window.update_idletasks()
        width, height = window.winfo_reqwidth(), window.winfo_reqheight()
        place_over(self._root, window, width, height, shift)
        if self._shrinks:
            # On a low screen the list gets what is left.
            least = min(height, window.winfo_screenheight() - self._theme.px(SCREEN_BARS))
            window.minsize(width, least)
            if least < height:
                window.geometry(f"{width}x{least}")
        # Some window managers give the focus to every new window.
        self._root.event_generate(WINDOW_COMES)
        window.deiconify()
        window.lift()
        if by_itself:
            StrayKeys(first)
        if takes_focus:
            first.focus_force()
        else:
            first.focus_set()

    def come_first(self, *, bell: bool) -> None:
        """Stay above all other windows, as somebody waits and the time is short."""
        self.window.attributes("-topmost", True)
        if bell:
            self.window.bell()

    def lift(self, focus: tkinter.Misc) -> None:
        """Bring the dialog to the front again."""
        self._root.event_generate(WINDOW_COMES)
        self.window.deiconify()
        self.window.lift()
        focus.focus_force()

    def close(self) -> None:
        """Close the window."""
        if self.is_open:
            self.window.destroy()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.window.configure(background=self._theme.palette.background)
        darken_title_bar(self.window, self._theme.is_dark)

    def run_in(self, seconds: float | None, then: Callable[[], None]) -> None:
        """Run `then` after this time, instead of what was to run before; None means never."""
        if self._timer is not None:
            self.window.after_cancel(self._timer)
            self._timer = None
        if seconds is not None:
            self._timer = self.window.after(math.ceil(seconds * 1000), self._run, then)

    def _run(self, then: Callable[[], None]) -> None:
        self._timer = None
        then()

    def _stay_on_screen(self) -> None:
        if self.window.winfo_viewable():
            stay_on_screen(self.window, self.window.winfo_height())

    def _destroyed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if event.widget is self.window:
            self.run_in(None, lambda: None)
