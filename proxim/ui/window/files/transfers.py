"""The calm list of transfers: newest on top, as high as what is in it up to a limit, then it
scrolls.
"""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core.files.events import AnyIntent
from proxim.core.files.manifest import TransferID
from proxim.core.files.status import TransferStatus
from proxim.ui.window.files.transfer_row import TransferRow
from proxim.ui.window.theme import Theme

# Older ones are forgotten: the files are where they are, and the list stays quick
FINISHED_KEPT: Final = 50
_WHEEL_PIXELS: Final = 40


class TransferList(ttk.Frame):
    """See the module. A list without a limit is as high as the room that it is given."""

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[AnyIntent], None],
        answer: Callable[[TransferStatus], None],
    ) -> None:
        super().__init__(master, style="Edge.TFrame", padding=max(1, theme.px(1)))
        self._theme = theme
        self._post = post
        self._answer = answer
        self._limit: int | None = None
        self.rows: dict[TransferID, TransferRow] = {}  # the oldest first
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._canvas = tkinter.Canvas(self, highlightthickness=0, borderwidth=0, height=1, width=1)
        self._canvas.grid(row=0, column=0, sticky="nsew")
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._bar.set, yscrollincrement=1)
        self._inside = ttk.Frame(self._canvas, style="Row.TFrame")
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self._inside)
        self._canvas.bind("<Configure>", self._canvas_sized)
        self._scroll_tag = f"Scroll{self._canvas}"  # what every widget in the list has in common
        self._let_scroll(self._canvas)
        self._inside.bind("<Configure>", lambda _event: self._inside_sized())
        for event, step in (("<Button-4>", -1), ("<Button-5>", 1)):
            self.bind_class(self._scroll_tag, event, partial(self._wheel, step))
        self.bind_class(
            self._scroll_tag,
            "<MouseWheel>",
            lambda event: self._wheel(-1 if event.delta > 0 else 1, event),
        )
        self.restyle()

    @property
    def unfinished(self) -> list[TransferStatus]:
        """Those to which something still happens."""
        return [row.status for row in self.rows.values() if not row.status.over]

    def show(self, status: TransferStatus) -> bool:
        """A transfer is like this now; True if its state is another than it was."""
        row = self.rows.get(status.transfer)
        if row is not None:
            return row.show(status)
        row = TransferRow(self._inside, self._theme, self._post, status, self._answer)
        self._let_scroll(row)
        self.rows[status.transfer] = row
        row.button.bind("<FocusIn>", lambda _event: self._see(row))
        # The newest is packed last, so it lies on top of all others
        row.pack(side="bottom", fill="x")
        row.lower()  # first in the order of the Tab key, as it is first on the screen
        self._forget_oldest()
        return True

    def remove(self, transfer: TransferID) -> None:
        """It is shown elsewhere now."""
        self.rows.pop(transfer).destroy()

    def limit_height(self, pixels: int) -> None:
        """No higher than this."""
        if pixels != self._limit:
            self._limit = pixels
            self._inside_sized()

    def restyle(self) -> None:
        """Take the palette of now."""
        self._canvas.configure(background=self._theme.palette.field)

    def _forget_oldest(self) -> None:
        over = [transfer for transfer, row in self.rows.items() if row.status.over]
        for transfer in over[: max(0, len(over) - FINISHED_KEPT)]:
            self.remove(transfer)

    def _let_scroll(self, widget: tkinter.Misc) -> None:
        # Tk gives the wheel to the widget below the pointer: every one in the list hands it to the
        # list.
        for each in (widget, *widget.winfo_children()):
            tags = each.bindtags()
            each.bindtags((tags[0], self._scroll_tag, *tags[1:]))

    def _canvas_sized(self, event: "tkinter.Event[tkinter.Canvas]") -> None:
        self._canvas.itemconfigure(self._item, width=event.width)
        self._offer_bar()

    def _inside_sized(self) -> None:
        height = self._inside.winfo_reqheight()
        self._canvas.configure(scrollregion=(0, 0, 1, height))
        wanted = height if self._limit is None else min(height, self._limit)
        if int(str(self._canvas.cget("height"))) != wanted:
            self._canvas.configure(height=wanted)
        self._offer_bar()

    def _offer_bar(self) -> None:
        if self._inside.winfo_reqheight() > self._canvas.winfo_height() > 1:
            self._bar.grid(row=0, column=1, sticky="ns")
        else:
            self._bar.grid_remove()
            self._canvas.yview_moveto(0)

    def _wheel(self, step: int, _event: object) -> None:
        if self._inside.winfo_reqheight() > self._canvas.winfo_height():
            self._canvas.yview_scroll(step * self._theme.px(_WHEEL_PIXELS), "units")

    def _see(self, row: TransferRow) -> None:
        """Scroll so far that a row whose button has the focus is in sight."""
        top, height = row.winfo_y(), row.winfo_height()
        first = self._canvas.canvasy(0)
        room = self._canvas.winfo_height()
        whole = max(1, self._inside.winfo_reqheight())
        if top < first:
            self._canvas.yview_moveto(top / whole)
        elif top + height > first + room:
            self._canvas.yview_moveto((top + height - room) / whole)
