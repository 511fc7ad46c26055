"""How the window gets attention without the focus: bell, title, and the line for failures."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_text

# This many sentences are kept; older ones no longer help anybody.
_KEPT: Final = 5
# A window sends this event to the main window before it opens or comes to the front by itself.
WINDOW_COMES: Final = "<<WindowComes>>"
# A window sends this event to the main window when a person touched it in a way that Tk sends no
# event for, such as the close button of its title bar.
WINDOW_TOUCHED: Final = "<<WindowTouched>>"
# Widgets that let no event through to Tk's own tag "all" put this one first among their tags.
TOUCH_TAG: Final = "ProximTouch"
# After a window was left or closed, the next one has the focus by then, even on a busy system.
_FOCUS_MOVES_MS: Final = 200


class Attention:
    """Knows whether the person looks at Proxim, and calls them if not: by the title and the bell.

    `call` counts what happens while another program is in front; a look resets the count. A window
    that gets the focus because it came by itself is not a look: somebody who is elsewhere does not
    see it. Then a key or a click is one, or that the person goes and comes back.
    """

    def __init__(self, root: tkinter.Tk, title: str) -> None:
        self._root = root
        self._title = title
        self._asking: str | None = None
        self._unseen = 0
        # Whether a window came by itself while the person was elsewhere, and nobody touched it yet.
        self._untouched = False
        # How many windows came so recently that a focus or a key may be due to that.
        self._coming = 0
        # How many windows that the person looked at were closed so recently that no other one of
        # Proxim's may have the focus yet.
        self._closing = 0
        self._when_looked: Callable[[], None] = lambda: None
        root.bind(WINDOW_COMES, lambda _event: self._window_comes(), add=True)
        root.bind(WINDOW_TOUCHED, lambda _event: self.looked(), add=True)
        # The dialogs are included.
        root.bind_all("<FocusIn>", lambda _event: self._focused(), add=True)
        root.bind_all("<FocusOut>", lambda _event: self._check_soon(), add=True)
        root.bind_all("<Destroy>", self._destroyed, add=True)
        # Some keys, such as Tab, are Tk's own in "all" when they are pressed, but none is when it
        # is released.
        for keys in ("<KeyPress>", "<KeyRelease>"):
            root.bind_all(keys, lambda _event: self._typed(), add=True)
            root.bind_class(TOUCH_TAG, keys, lambda _event: self._typed())
        for pointer in ("<ButtonPress>", "<MouseWheel>"):
            root.bind_all(pointer, lambda _event: self.looked(), add=True)
            root.bind_class(TOUCH_TAG, pointer, lambda _event: self.looked())
        self._show()

    @property
    def in_front(self) -> bool:
        """Whether the person looks at one of Proxim's windows, as far as the focus tells that."""
        return not self._untouched and (self._closing > 0 or self._has_focus)

    def when_looked(self, then: Callable[[], None]) -> None:
        """Call `then` whenever the person looks at Proxim or touches it."""
        self._when_looked = then

    def looked(self) -> None:
        """Take in that the person looks at Proxim."""
        self._untouched = False
        if self._unseen:
            self._unseen = 0
            self._show()
        self._when_looked()

    def ask(self, words: str | None) -> None:
        """Show in the title what needs an answer; None removes it."""
        self._asking = words
        self._show()

    def call(self) -> None:
        """Report something that the person may be waiting for."""
        if self.in_front:
            return
        self._unseen += 1
        self._root.bell()
        self._show()

    @property
    def _has_focus(self) -> bool:
        try:
            return self._root.focus_displayof() is not None
        except KeyError:
            # A widget of Tk's own has the focus, such as an open menu.
            return True

    def _window_comes(self) -> None:
        # This is imported late, as no window comes before the first paint.
        from proxim.core.status import ANSWER_DELAY_SECONDS

        self._untouched = not self.in_front
        self._coming += 1
        # What is typed for so long was meant for the window before it, so dialogs take no yes
        # earlier; and by then the new one has the focus, if the window manager gives it any.
        self._root.after(round(ANSWER_DELAY_SECONDS * 1000), self._has_come)

    def _has_come(self) -> None:
        self._coming -= 1
        self._check()

    def _destroyed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if not isinstance(event.widget, tkinter.Toplevel):
            return
        if self.in_front:
            self._closing += 1
            self._root.after(_FOCUS_MOVES_MS, self._has_closed)
        else:
            self._check_soon()

    def _has_closed(self) -> None:
        self._closing -= 1
        self._check()

    def _check_soon(self) -> None:
        self._root.after(_FOCUS_MOVES_MS, self._check)

    def _check(self) -> None:
        """Take in that the person is elsewhere, so that the next focus is their coming back."""
        if not self._coming and not self._has_focus:
            self._untouched = False

    def _focused(self) -> None:
        if not self._untouched:
            self.looked()

    def _typed(self) -> None:
        if not (self._untouched and self._coming):
            self.looked()

    def _show(self) -> None:
        count = f"({self._unseen}) " if self._unseen else ""
        self._root.title(
            f"{count}{self._asking} - {self._title}" if self._asking else f"{count}{self._title}"
        )


def on_close(root: tkinter.Tk, window: tkinter.Toplevel, then: Callable[[], None]) -> None:
    """Call `then` when a person closes the window by its title bar, which is a look, too."""

    def close() -> None:
        root.event_generate(WINDOW_TOUCHED)
        then()

    window.protocol("WM_DELETE_WINDOW", close)


class TroubleLine(ttk.Frame):
    """The line at the bottom that shows what went wrong.

    It takes no space while there is nothing to show.
    """

    def __init__(self, master: tkinter.Misc, theme: Theme) -> None:
        px = theme.px
        super().__init__(master, style="Red.TFrame", padding=(px(8), px(4)))
        self._lines: list[str] = []
        self.columnconfigure(0, weight=1)
        self._label = WrapLabel(self, style="Red.Line.TLabel", wraplength=px(440))
        self._label.grid(row=0, column=0, sticky="ew")
        self.button = ttk.Button(
            self, text=tr("window.dismiss"), style="Small.TButton", command=self.dismiss
        )
        self.button.grid(row=0, column=1, padx=px(6))

    def show(self, sentence: str) -> None:
        """Show a sentence; earlier ones return when it is dismissed."""
        if sentence in self._lines:
            self._lines.remove(sentence)
        self._lines = [*self._lines, sentence][-_KEPT:]
        self._refresh()

    def no_longer(self, sentence: str) -> None:
        """Remove a sentence that is no longer true."""
        if sentence in self._lines:
            self._lines.remove(sentence)
            self._refresh()

    def dismiss(self) -> None:
        """Remove the sentence that is shown."""
        self._lines.pop()
        self._refresh()

    def _refresh(self) -> None:
        if not self._lines:
            self.grid_remove()
            return
        more = len(self._lines) - 1
        set_text(self._label, self._lines[-1])
        set_text(
            self.button, tr("window.dismissMore", count=more) if more else tr("window.dismiss")
        )
        self.grid()
