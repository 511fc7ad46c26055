"""The question about one incoming transfer: what, how much, which folder, and all or only some
files.

It is a window of its own, and the rest of the program goes on. It does not take the focus from
other programs, and its buttons are disabled at first, so that a key meant for a text is no answer.
"""

import os
import tkinter
from collections.abc import Callable
from tkinter import filedialog, ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import TransferID, count_files
from proxim.core.i18n import number, tr
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.files.pick_list import PickList
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    WrapLabel,
    bind_letters,
    set_lettered,
    set_text,
    shortened_middle,
)
from proxim.ui.wording import count_words, size_words

_WIDTH: Final = 420
_LOOK_AGAIN_SECONDS: Final = 0.02


class IncomingQuestion:
    """Asks whether announced files are wanted, and which.

    `closed` is called when the question closes for any reason.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        status: file_st.TransferStatus,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
        closed: Callable[[], None],
        folder: str | None = None,
    ) -> None:
        self.status = status
        self._theme = theme
        self._post = post
        self._clock = clock
        self._closed = closed
        self._usual = folder
        # This is a folder that was chosen here instead of the usual one.
        self._folder: str | None = None
        self._approvable_from = clock() + st.ANSWER_DELAY_SECONDS
        self._answered = False
        self._waiting = 0
        dialog = self._dialog = Dialog(
            root, theme, "ProximIncoming", self.decline, width=_WIDTH, shrinks=True
        )
        self.window, self.restyle = dialog.window, dialog.restyle
        self._always = tkinter.BooleanVar(dialog.window, value=False)
        self._build()
        self.wait(0)
        # The system decides which window is in front.
        dialog.appear(self.decline_button, by_itself=True, takes_focus=False)
        dialog.run_in(st.ANSWER_DELAY_SECONDS, self._come_alive)

    @property
    def answerable(self) -> bool:
        """Whether there was time to read the question, and no answer yet."""
        return self._clock() >= self._approvable_from and not self._answered

    def accept(self) -> None:
        """Accept the ticked files."""
        if not self.answerable or not self._anything:
            return
        declined = tuple(sorted(self.list.declined))
        self._answer(
            file_ev.AcceptTransfer(
                self.status.transfer, declined, self._folder, bool(self._always.get())
            )
        )

    def decline(self) -> None:
        """Decline all files."""
        if self.answerable:
            self._answer(file_ev.CancelTransfer(self.status.transfer))

    def wait(self, others: int) -> None:
        """Show in the title how many more questions follow this one."""
        self._waiting = others
        self.window.title(
            tr("incoming.titleMore", count=others) if others else tr("incoming.title")
        )

    def lift(self) -> None:
        """Bring the question to the front, because the person wants to answer it."""
        self._dialog.lift(self.decline_button)

    def close(self) -> None:
        """Close the question without posting an answer."""
        self._answered = True
        self._dialog.close()
        self._closed()

    @property
    def _anything(self) -> bool:
        return len(self.list.declined) < len(self.status.entries)

    def _answer(self, intent: ev.Intent) -> None:
        self._answered = True
        self._post(intent)
        self.close()

    def _come_alive(self) -> None:
        # The clock may be a little slower than Tk's.
        if not self.answerable:
            self._dialog.run_in(_LOOK_AGAIN_SECONDS, self._come_alive)
            return
        self.decline_button.configure(state="normal")
        self._refresh()

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px, theme, status = self._theme.px, self._theme, self.status
        body = self._dialog.body
        body.rowconfigure(3, weight=1)
        name = WrapLabel(
            body, status.peer_name or tr("device.otherFirst"), "Title.TLabel", px(_WIDTH)
        )
        name.grid(row=0, column=0, columnspan=2, sticky="ew")
        ttk.Label(body, text=tr("incoming.wants")).grid(
            row=1, column=0, sticky="w", pady=(px(2), px(8))
        )
        self._sum = ttk.Label(body, style="Bold.TLabel")
        self._sum.grid(row=2, column=0, sticky="w", pady=(0, px(6)))
        self._all = ttk.Button(body, style="Small.TButton", command=self._tick_all)
        self.list = PickList(body, theme, status.entries, self._refresh)
        self.list.grid(row=3, column=0, columnspan=2, sticky="nsew")
        if len(status.entries) > 1:
            self._all.grid(row=2, column=1, sticky="e", pady=(0, px(6)))
        where = ttk.Frame(body)
        where.grid(row=4, column=0, columnspan=2, sticky="ew", pady=(px(10), 0))
        where.columnconfigure(0, weight=1)
        self._where = ttk.Label(where, style="Quiet.TLabel", width=1)
        self._where.grid(row=0, column=0, sticky="ew")
        self._where.bind("<Configure>", lambda _event: self._show_where())
        self.change = ttk.Button(where, style="Small.TButton", command=self._change)
        self.change.grid(row=0, column=1, padx=(px(8), 0))
        self.always = ttk.Checkbutton(body, text=tr("incoming.always"), variable=self._always)
        self.always.grid(row=5, column=0, columnspan=2, sticky="w", pady=(px(8), px(14)))
        buttons = ttk.Frame(body)
        buttons.grid(row=6, column=0, columnspan=2, sticky="e")
        self.decline_button = ttk.Button(
            buttons, command=self.decline, state="disabled", takefocus=True
        )
        self.decline_button.grid(row=0, column=0, padx=(0, px(8)))
        self.accept_button = ttk.Button(
            buttons, style="Main.TButton", command=self.accept, state="disabled"
        )
        self.accept_button.grid(row=0, column=1)
        letters = {
            "incoming.decline": self.decline_button,
            "incoming.accept": self.accept_button,
            "incoming.change": self.change,
        }
        for key, button in letters.items():
            set_lettered(button, key)
        bind_letters(self.window, list(letters.values()))
        self._refresh()

    def _refresh(self) -> None:
        files = count_files(self.status.entries)
        ticked = self.list.ticked_files if self.list.declined else files
        of = count_words(files)
        if ticked != files:
            of = tr("incoming.someFiles", ticked=number(ticked), files=of)
        set_text(self._sum, f"{of}, {size_words(self.list.ticked_size)}")
        set_text(self._all, tr("incoming.untickAll") if self._anything else tr("incoming.tickAll"))
        state = "normal" if self.answerable and self._anything else "disabled"
        if str(self.accept_button.cget("state")) != state:
            self.accept_button.configure(state=state)

    def _tick_all(self) -> None:
        self.list.tick_all(not self._anything)

    def _change(self) -> None:
        start, title = self._folder or self._usual, tr("incoming.saveIn")
        chosen = filedialog.askdirectory(
            parent=self.window, title=title, initialdir=start, mustexist=True
        )
        # The question may have closed while the person was choosing.
        if chosen and self.window.winfo_exists():
            self._folder = os.path.normpath(str(chosen))
            self._show_where()

    def _show_where(self) -> None:
        folder = self._folder or self._usual
        width = self._where.winfo_width()
        words = tr("incoming.savedIn", folder=folder or tr("incoming.usualFolder"))
        if width > 1:
            set_text(
                self._where, shortened_middle(words, self._theme.body, width - self._theme.px(4))
            )


class IncomingQueue:
    """Asks about one transfer at a time, the oldest first.

    `asking` is called when a question opens and when none is left.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
        asking: Callable[[], None],
        folder: str | None,
    ) -> None:
        self._root = root
        self._theme = theme
        self._post = post
        self._clock = clock
        self._asking = asking
        self._folder = folder
        self._waiting: dict[TransferID, file_st.TransferStatus] = {}
        # These were answered or closed here, but their status has not changed yet.
        self._answered: set[TransferID] = set()
        self.question: IncomingQuestion | None = None

    def handle(self, status: file_st.TransferStatus) -> None:
        """Ask about a transfer that needs an answer, or withdraw the question about another one."""
        if status.needs_answer:
            if status.transfer not in self._answered:
                self._waiting.setdefault(status.transfer, status)
                self._ask()
            return
        self._answered.discard(status.transfer)
        if self._waiting.pop(status.transfer, None) is None:
            return
        if self.question is not None and self.question.status.transfer == status.transfer:
            self.question.close()
            self._answered.discard(status.transfer)
        else:
            self._ask()

    def answer(self, status: file_st.TransferStatus) -> None:
        """Bring the question about a transfer to the front, if it is open."""
        question = self.question
        if question is not None and question.status.transfer == status.transfer:
            question.lift()

    def clear(self) -> None:
        """Withdraw all questions, as nobody is left to answer to."""
        self._waiting.clear()
        if self.question is not None:
            self.question.close()

    def restyle(self) -> None:
        """Apply the current palette."""
        if self.question is not None:
            self.question.restyle()

    def _ask(self) -> None:
        if self.question is None and self._waiting:
            status = next(iter(self._waiting.values()))
            self.question = IncomingQuestion(
                self._root, self._theme, status, self._post, self._clock, self._gone, self._folder
            )
            self._asking()
        if self.question is not None:
            self.question.wait(len(self._waiting) - 1)

    def _gone(self) -> None:
        question, self.question = self.question, None
        if question is not None and self._waiting.pop(question.status.transfer, None) is not None:
            self._answered.add(question.status.transfer)
        self._ask()
        if self.question is None:
            self._asking()
