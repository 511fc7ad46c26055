"""The state line as it is drawn: five steps, a sentence, and a button to cancel or to put it
away.
"""

import tkinter
from collections.abc import Callable
from itertools import pairwise
from tkinter import ttk
from typing import Final

from proxim.core.events import Disconnect, Intent
from proxim.core.i18n import say
from proxim.core.status import Status
from proxim.ui.window.pairing.steps import STEPS, Ladder
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, countdown, set_text

_DOT: Final = 5  # radius
_HEIGHT: Final = 40  # of the drawing
_TOP: Final = 10  # where the dots' centres are


class LadderView(ttk.Frame):
    """See the module. Keeps its own Ladder; `take` every status, `tick` now and then."""

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[Intent], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        self._clock = clock
        self._ladder = Ladder()
        self._rung = self._ladder.rung()
        px = theme.px
        self.columnconfigure(0, weight=1)
        # Two lines: most sentences come and go without moving anything
        self.rowconfigure(1, minsize=px(38), weight=1)
        self._canvas = tkinter.Canvas(self, height=px(_HEIGHT), highlightthickness=0, borderwidth=0)
        self._canvas.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, px(6)))
        self._canvas.bind("<Configure>", lambda _event: self._draw())
        self._sentence = WrapLabel(self, wraplength=px(400))
        self._sentence.grid(row=1, column=0, sticky="new")
        self._button = ttk.Button(self, style="Small.TButton", command=self._press)
        self.restyle()

    def restyle(self) -> None:
        """Take the palette of now."""
        self._canvas.configure(background=self._theme.palette.ground)
        self._draw()

    def take(self, status: Status) -> None:
        """Show what this status makes of the state."""
        self._ladder.take(status)
        self._refresh()

    def tick(self) -> None:
        """Count down."""
        rung = self._rung
        if rung.deadline is not None:
            left = countdown(rung.deadline - self._clock())
            set_text(self._sentence, say("ladder.left", sentence=rung.sentence, time=left))
        else:
            set_text(self._sentence, rung.sentence)

    def _refresh(self) -> None:
        rung = self._ladder.rung()
        if rung != self._rung:
            self._rung = rung
            self._draw()
            self._offer_button()
        self.tick()

    def _offer_button(self) -> None:
        rung = self._rung
        if rung.link is None and not rung.failed:
            self._button.grid_remove()
            return
        self._button.configure(
            text=say("window.cancel") if rung.link is not None else say("window.ok")
        )
        self._button.grid(row=1, column=1, sticky="ne", padx=(self._theme.px(8), 0))

    def _press(self) -> None:
        if self._rung.link is not None:
            self._post(Disconnect(self._rung.link))
            return
        self._ladder.dismiss()
        self._refresh()

    def _draw(self) -> None:
        canvas, theme, rung = self._canvas, self._theme, self._rung
        canvas.delete("all")
        width = canvas.winfo_width()
        if width <= 1:
            return
        look, px = theme.palette, theme.px
        steps = [say(key) for key in STEPS[rung.side]]
        alarming = rung.failed and not rung.wanted
        self._sentence.configure(style="Error.TLabel" if alarming else "TLabel")
        radius, top = px(_DOT), px(_TOP)
        first = theme.small.measure(steps[0]) / 2
        last = theme.small.measure(steps[-1]) / 2
        gap = (width - first - last - px(2)) / (len(steps) - 1)
        centres = [first + gap * at for at in range(len(steps))]
        whole = rung.step == len(steps) - 1 and not rung.failed
        for at, (left, right) in enumerate(pairwise(centres)):
            done = at < rung.step
            colour = (look.green.ink if whole else look.accent) if done else look.line
            canvas.create_line(left + radius, top, right - radius, top, fill=colour, width=px(2))
        for at, (centre, name) in enumerate(zip(centres, steps, strict=True)):
            reached = at <= rung.step
            colour = (look.green.ink if whole else look.accent) if reached else look.line
            if at == rung.step and rung.failed:
                colour = look.red.ink if alarming else look.quiet
            size = radius + (px(1.5) if at == rung.step else 0)
            canvas.create_oval(
                centre - size,
                top - size,
                centre + size,
                top + size,
                outline=colour,
                fill=colour if reached else look.ground,
                width=px(1.5),
            )
            ink = look.ink if at == rung.step else look.quiet
            if at == rung.step and alarming:
                ink = look.red.ink
            canvas.create_text(centre, px(_HEIGHT) - px(8), text=name, fill=ink, font=theme.small)
