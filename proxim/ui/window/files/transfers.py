"""The list of transfers, with the newest on top.

It is as high as its rows up to a limit, and scrolls beyond that.
"""

import tkinter
from collections.abc import Callable
from enum import Enum
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    Direction,
    Entry,
    TransferID,
    count_files,
    title,
    total_size,
)
from proxim.core.i18n import number, tr
from proxim.ui.window.reveal import reveal
from proxim.ui.window.scroll_area import ScrollArea
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_text, shortened_middle
from proxim.ui.wording import (
    count_words,
    others_words,
    outcome_lines,
    progress_words,
    seconds_left,
    short_name,
    size_words,
    speed_words,
    state_words,
    time_left_words,
)

# This many files that failed, and as many that have other names, are listed; the others are only
# counted until the person wants to see them.
OUTCOMES_SHOWN: Final = 3
# Tk needs a millisecond for each line, and nobody reads more of them.
OUTCOMES_MAX: Final = 300
_ARROWS: Final = {Direction.IN: "↓", Direction.OUT: "↑"}
_MOVING: Final = frozenset({file_st.TransferState.ACTIVE, file_st.TransferState.WAITING})
# The bar has more steps than pixels.
_STEPS: Final = 1000
# Older finished transfers leave the list, so that it stays fast; their files are not touched.
FINISHED_KEPT: Final = 50


class RowAction(Enum):
    """What the row's button does; the value is the key of its text."""

    CANCEL = "transfers.cancel"
    RETRY = "transfers.retry"
    SHOW = "transfers.show"
    ANSWER = "transfers.answer"


def action_of(status: file_st.TransferStatus) -> RowAction | None:
    """Return what a person can do about a transfer, or None."""
    incoming = status.direction is Direction.IN
    if status.needs_answer:
        return RowAction.ANSWER
    if not status.over:
        return RowAction.CANCEL
    if incoming:
        return RowAction.SHOW if status.path is not None else None
    return (
        None
        if status.state is file_st.TransferState.DONE and not status.failed
        else RowAction.RETRY
    )


class TransferRow(ttk.Frame):
    """One transfer: its names, its progress and its button.

    `answer` brings the question about the transfer to the front.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        status: file_st.TransferStatus,
        answer: Callable[[file_st.TransferStatus], None],
    ) -> None:
        px = theme.px
        super().__init__(master, style="Row.TFrame", padding=(px(10), px(6)))
        self._theme = theme
        self._post = post
        self._answer = answer
        self._entries: tuple[Entry, ...] | None = None
        self._title = self._others = ""
        self._files = self._whole = 0
        self._shown: file_st.TransferState | None = None
        self._action: RowAction | None = None
        self.status = status
        self.columnconfigure(1, weight=1)
        ttk.Label(self, text=_ARROWS[status.direction], style="Arrow.Row.TLabel").grid(
            row=0, column=0, sticky="nw", padx=(0, px(8))
        )
        # The label is as wide as its column, however long the name is.
        self.name = ttk.Label(self, style="Bold.Row.TLabel", width=1)
        self.name.grid(row=0, column=1, sticky="ew")
        self.name.bind("<Configure>", lambda _event: self._fit())
        self.bar = ttk.Progressbar(self, style="Row.Horizontal.TProgressbar", maximum=_STEPS)
        self.line = WrapLabel(self, style="Quiet.Row.TLabel", wraplength=px(380))
        self.line.grid(row=2, column=1, columnspan=2, sticky="ew")
        self.button = ttk.Button(self, style="Small.TButton", command=self._press)
        self._more: list[WrapLabel] = []
        self._outcomes_shown = OUTCOMES_SHOWN
        self.all_button = ttk.Button(
            self, text=tr("transfers.showAll"), style="Small.TButton", command=self.show_all
        )
        self.show(status)

    def show(self, status: file_st.TransferStatus) -> bool:
        """Show the transfer's status; return True if its state has changed."""
        self.status = status
        # There are no entries at first, while the files are still being listed.
        if status.entries is not self._entries:
            self._entries = status.entries
            self._title = (
                short_name(title(status.entries)) if status.entries else tr("transfers.notListed")
            )
            self._others = others_words(status)
            self._files = count_files(status.entries)
            self._whole = total_size(status.entries)
            self._fit()
        changed = status.state is not self._shown
        set_text(self.line, self._words(status))
        if status.state in _MOVING:
            self.bar["value"] = status.moved * _STEPS // status.size if status.size else 0
        if changed:
            self._shown = status.state
            self._change(status)
        return changed

    def _change(self, status: file_st.TransferStatus) -> None:
        px = self._theme.px
        bad = status.state is file_st.TransferState.FAILED or bool(status.failed)
        self.line.configure(style="Error.Row.TLabel" if bad else "Quiet.Row.TLabel")
        if status.state in _MOVING:
            calm = "Calm." if status.state is file_st.TransferState.WAITING else ""
            self.bar.configure(style=f"{calm}Row.Horizontal.TProgressbar")
            self.bar.grid(row=1, column=1, columnspan=2, sticky="ew", pady=(px(4), px(3)))
        else:
            self.bar.grid_remove()
        had_focus = self.focus_get() is self.button
        self._action = action_of(status)
        if self._action is None:
            # Without this the next Tab key would start at the top of the window.
            if had_focus:
                following = self.button.tk_focusNext()
                if following is not None:
                    following.focus_set()
            self.button.grid_remove()
        else:
            set_text(self.button, tr(self._action.value))
            self.button.grid(row=0, column=2, sticky="ne", padx=(px(8), 0))
        self._list_outcomes(status)

    def _list_outcomes(self, status: file_st.TransferStatus) -> None:
        px = self._theme.px
        for label in self._more:
            label.destroy()
        self._more = []
        lines = outcome_lines(status, self._outcomes_shown, short_name)
        most = max(len(status.failed), len(status.renamed), len(status.left_out))
        if most > OUTCOMES_SHOWN and self._outcomes_shown < OUTCOMES_MAX:
            below = 3 + len(lines)
            self.all_button.grid(row=below, column=1, columnspan=2, sticky="w", pady=(px(4), 0))
        else:
            self.all_button.grid_remove()
        for row, words in enumerate(lines, start=3):
            label = WrapLabel(self, words, "Quiet.Row.TLabel", px(380))
            label.grid(row=row, column=1, columnspan=2, sticky="ew")
            # The wheel scrolls the list here, too.
            label.bindtags((str(label), *self.bindtags()[1:]))
            self._more.append(label)

    def show_all(self) -> None:
        """Name all files that failed, have other names or were left out."""
        self._outcomes_shown = OUTCOMES_MAX
        self._list_outcomes(self.status)

    def _words(self, status: file_st.TransferStatus) -> str:
        incoming = status.direction is Direction.IN
        match status.state:
            case file_st.TransferState.ANNOUNCED:
                return f"{size_words(status.size)} · {state_words(status)}"
            case file_st.TransferState.ACTIVE:
                key = "transfers.receiving" if incoming else "transfers.sending"
                parts = [tr(key, progress=progress_words(status))]
                if status.speed:
                    parts.append(speed_words(status.speed))
                left = seconds_left(status)
                if left is not None:
                    parts.append(time_left_words(left))
                return " · ".join(parts)
            case file_st.TransferState.WAITING:
                return f"{progress_words(status)} · {state_words(status)}"
            case file_st.TransferState.DONE:
                return self._done_words(status)
            case _:
                return state_words(status)

    def _done_words(self, status: file_st.TransferStatus) -> str:
        incoming = status.direction is Direction.IN
        if status.failed:
            key = "transfers.receivedSome" if incoming else "transfers.sentSome"
            return tr(
                key,
                arrived=number(self._files - len(status.failed)),
                files=count_words(self._files),
            )
        # If some files were declined, only the size of the others is known here, not which they
        # were.
        count = f"{count_words(self._files)}, " if status.size == self._whole else ""
        key = "transfers.receivedAll" if incoming else "transfers.sentAll"
        return tr(key, what=f"{count}{size_words(status.size)}")

    def _press(self) -> None:
        transfer = self.status.transfer
        match self._action:
            case RowAction.CANCEL:
                self._post(file_ev.CancelTransfer(transfer))
            case RowAction.RETRY:
                self._post(file_ev.RetryTransfer(transfer))
            case RowAction.ANSWER:
                self._answer(self.status)
            case RowAction.SHOW:
                if self.status.path is not None and not reveal(self.status.path):
                    set_text(self.line, tr("transfers.noFileManager", path=self.status.path))

    def _fit(self) -> None:
        width = self.name.winfo_width()
        font = self._theme.bold
        room = width - font.measure(self._others) - self._theme.px(4)
        shown = self._title if width <= 1 else shortened_middle(self._title, font, room)
        set_text(self.name, shown + self._others)


class TransferList(ScrollArea):
    """The transfers of one link, newest first.

    `answer` is passed on to the rows. Without a limit the list is as high as its rows.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        answer: Callable[[file_st.TransferStatus], None],
    ) -> None:
        super().__init__(master, theme, rows=True)
        self._post = post
        self._answer = answer
        # The oldest transfer is first.
        self.rows: dict[TransferID, TransferRow] = {}

    @property
    def unfinished(self) -> list[file_st.TransferStatus]:
        """The transfers that are not over."""
        return [row.status for row in self.rows.values() if not row.status.over]

    def show(self, status: file_st.TransferStatus) -> bool:
        """Show a transfer's status; return True if it is new or its state has changed."""
        row = self.rows.get(status.transfer)
        if row is not None:
            return row.show(status)
        row = TransferRow(self.inside, self._theme, self._post, status, self._answer)
        self.let_scroll(row)
        self.rows[status.transfer] = row
        row.button.bind("<FocusIn>", lambda _event: self.see(row))
        # The newest row is packed last, and so is above all others.
        row.pack(side="bottom", fill="x")
        # The row is first on the screen, so the Tab key reaches it first.
        row.lower()
        self._forget_oldest()
        return True

    def remove(self, transfer: TransferID) -> None:
        """Remove a transfer, which is shown elsewhere or forgotten."""
        self.rows.pop(transfer).destroy()

    def _forget_oldest(self) -> None:
        over = [transfer for transfer, row in self.rows.items() if row.status.over]
        for transfer in over[: max(0, len(over) - FINISHED_KEPT)]:
            self.remove(transfer)
