"""A part of the window that is as high as its content up to a limit, and scrolls beyond that."""

import tkinter
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.ui.window.theme import Theme

# Pixels at 100 % for one step of the wheel.
_WHEEL_PIXELS: Final = 40


class ScrollArea(ttk.Frame):
    """A frame `inside` that scrolls; without a limit it is as high as its content.

    With `rows` it looks like a list: with a border, on the background of fields.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        *,
        rows: bool = False,
    ) -> None:
        super().__init__(
            master,
            style="Edge.TFrame" if rows else "TFrame",
            padding=max(1, theme.px(1)) if rows else 0,
        )
        self._theme = theme
        self._rows = rows
        # Beside a list's rows the bar needs no space of its own.
        self._gap = 0 if rows else theme.px(8)
        self._limit: int | None = None
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._canvas = tkinter.Canvas(self, highlightthickness=0, borderwidth=0, height=1, width=1)
        self._canvas.grid(row=0, column=0, sticky="nsew")
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._bar.set, yscrollincrement=1)
        self.inside = ttk.Frame(self._canvas, style="Row.TFrame" if rows else "TFrame")
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self.inside)
        self._canvas.bind("<Configure>", self._canvas_sized)
        # Every widget in here has this bind tag.
        self._scroll_tag = f"Scroll{self._canvas}"
        self.let_scroll(self._canvas)
        self.inside.bind("<Configure>", lambda _event: self._inside_sized())
        for event, step in (("<Button-4>", -1), ("<Button-5>", 1)):
            self.bind_class(self._scroll_tag, event, partial(self._wheel, step))
        self.bind_class(
            self._scroll_tag,
            "<MouseWheel>",
            lambda event: self._wheel(-1 if event.delta > 0 else 1, event),
        )
        self.bind_class(self._scroll_tag, "<FocusIn>", self._focused)
        self.restyle()

    @property
    def bar_width(self) -> int:
        """The width that the bar takes, whether or not it is shown."""
        return self._bar.winfo_reqwidth() + self._gap

    @property
    def scrolls(self) -> bool:
        """Whether the content is higher than its place."""
        return self.inside.winfo_reqheight() > self._place > 1

    @property
    def _place(self) -> int:
        """The height that the content has.

        It is the limit where there is one: how high the canvas is depends on whether the bar is
        shown, and the bar must not depend on that again.
        """
        return self._canvas.winfo_height() if self._limit is None else self._limit

    def limit_height(self, pixels: int) -> None:
        """Limit the height to this many pixels."""
        if pixels != self._limit:
            self._limit = pixels
            self._inside_sized()

    def let_scroll(self, widget: tkinter.Misc) -> None:
        """Let the wheel scroll over a widget in here and over all that is in it."""
        # Tk sends wheel events to the widget below the pointer.
        tags = widget.bindtags()
        if self._scroll_tag not in tags:
            widget.bindtags((tags[0], self._scroll_tag, *tags[1:]))
        for each in widget.winfo_children():
            # Menus and dialogs are windows of their own.
            if each.winfo_toplevel() is self.winfo_toplevel():
                self.let_scroll(each)

    def see(self, widget: tkinter.Misc) -> None:
        """Scroll until a widget in here is visible."""
        top = widget.winfo_rooty() - self.inside.winfo_rooty()
        height = widget.winfo_height()
        first = self._canvas.canvasy(0)
        room = self._place
        whole = max(1, self.inside.winfo_reqheight())
        if top < first:
            self._canvas.yview_moveto(top / whole)
        elif top + height > first + room:
            self._canvas.yview_moveto((top + height - room) / whole)

    def restyle(self) -> None:
        """Apply the current palette."""
        look = self._theme.palette
        self._canvas.configure(background=look.field if self._rows else look.background)

    def _canvas_sized(self, event: "tkinter.Event[tkinter.Canvas]") -> None:
        self._canvas.itemconfigure(self._item, width=event.width)
        self._offer_bar()

    def _inside_sized(self) -> None:
        height = self.inside.winfo_reqheight()
        self._canvas.configure(scrollregion=(0, 0, 1, height))
        wanted = height if self._limit is None else min(height, self._limit)
        if int(str(self._canvas.cget("height"))) != wanted:
            self._canvas.configure(height=wanted)
        self._offer_bar()

    def _offer_bar(self) -> None:
        # A bar is at least as high as its arrows, and would take that from what stands below.
        if self.scrolls and self._place >= self._bar.winfo_reqheight():
            self._bar.grid(row=0, column=1, sticky="ns", padx=(self._gap, 0))
        else:
            if self._bar.winfo_manager():
                self._bar.grid_remove()
                # Tk forgets to use the bar's place if it is laying out this frame right now.
                self.after_idle(self._lay_out_again)
            self._canvas.yview_moveto(0)

    def _lay_out_again(self) -> None:
        if self.winfo_exists():
            self.columnconfigure(0, weight=1)

    def _wheel(self, step: int, _event: object) -> None:
        if self.scrolls:
            self._canvas.yview_scroll(step * self._theme.px(_WHEEL_PIXELS), "units")

    def _focused(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if self.scrolls:
            self.see(event.widget)
