"""The field to join another device: it reads a code or a link while it is typed, and asks before it
connects to an address outside the local network, or by a link that proves nothing.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.core.pairing.host_code import (
    ALPHABET,
    CodeError,
    JoinTarget,
    cautions,
    group_symbols,
    is_no_code,
    looks_like_link,
    normalize_code,
    parse_target,
)
from proxim.core.pairing.opening import Network
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, lettered, set_text

if TYPE_CHECKING:
    from proxim.core import events as ev

# What the question says about a host that needs the person's consent.
_CAUTIONS: Final = {Reason.FAR_ADDRESS: "join.far", Reason.NO_SECRET: "join.noSecret"}
# More may follow what is not complete. What cannot be read may be the beginning of a link; then its
# problem is shown when Join is pressed.
_INCOMPLETE: Final = (Reason.CODE_INCOMPLETE, Reason.LINK_INCOMPLETE)


def regrouped(typed: str, cursor: int) -> tuple[str, int] | None:
    """Return a typed code grouped as on the host's screen, and the new cursor position.

    It returns None if the text is to stay as it is. The cursor stays behind the same symbol, so
    typing and deleting in the middle work as expected. Of a pasted sentence only its code is left.
    """
    found = _found_code(typed)
    if found is None and is_no_code(typed):
        return None
    try:
        shown = group_symbols(normalize_code(typed))
        before = len(normalize_code(typed[:cursor]))
    except CodeError:
        # A problem is shown below the field, and the text stays there to be corrected.
        return None if found is None else (found, len(found))
    if found is not None and found != shown:
        return found, len(found)
    at = 0
    while before:
        before -= shown[at] in ALPHABET
        at += 1
    return shown, at


def _found_code(typed: str) -> str | None:
    """Return the code that a text contains, as the host shows it; None if there is none."""
    try:
        code = parse_target(typed).code
    except CodeError:
        return None
    return None if code is None else group_symbols(code)


def typing_problem(typed: str) -> str | None:
    """Return what is wrong with the text so far, or None while more may follow."""
    try:
        parse_target(typed)
    except CodeError as error:
        begins_link = error.reason is Reason.LINK_UNREADABLE and looks_like_link(typed)
        return None if error.reason in _INCOMPLETE or begins_link else error.problem.sentence
    return None


class JoinField(ttk.Frame):
    """The field for another device's code or link.

    The window sets `networks` to those of each Networks status. `retyped` is called when the
    person changes what is in the field.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        retyped: Callable[[], None],
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        self._retyped = retyped
        # The content of the field when it was read last.
        self._text = ""
        self.networks: tuple[Network, ...] = ()
        # The person is asked whether this host is to be dialled.
        self._doubted: JoinTarget | None = None
        px = theme.px
        self.columnconfigure(0, weight=1)
        words, underline = lettered("join.heading")
        heading = ttk.Label(self, text=words, underline=underline, style="Bold.TLabel")
        heading.grid(row=0, column=0, columnspan=2, sticky="w", pady=(0, px(6)))
        self.entry = ttk.Entry(self, font=theme.mono)
        self.entry.grid(row=1, column=0, sticky="ew")
        self.button = ttk.Button(self, text=tr("join.join"), command=self.join)
        self.button.grid(row=1, column=1, padx=(px(8), 0), sticky="ns")
        self._note = WrapLabel(self, tr("join.hint"), "Quiet.TLabel", px(480))
        self._note.grid(row=2, column=0, columnspan=2, sticky="ew", pady=(px(4), 0))
        self._folded = False
        self._consent: ttk.Frame | None = None
        self.entry.bind("<KeyRelease>", self._typed)
        self.entry.bind("<<Paste>>", lambda _event: self._paste())
        # The middle mouse button pastes, and the menu cuts, without a key.
        for event in ("<<Cut>>", "<<PasteSelection>>", "<ButtonRelease-2>"):
            self.entry.bind(event, lambda _event: self.after_idle(self._read), add=True)
        self.entry.bind("<Return>", lambda _event: self.join())
        self.entry.bind("<KP_Enter>", lambda _event: self.join())
        self.entry.bind("<Escape>", lambda _event: self._withdraw_question())

    def height(self, *, folded: bool) -> int:
        """Return the height that this asks for with or without its hint."""
        note = self._note.winfo_reqheight() + self._theme.px(4)
        rest = self.winfo_reqheight() - (note if self._note.winfo_manager() else 0)
        return rest if folded and not self._problem_shown else rest + note

    def fold(self, folded: bool) -> None:
        """Hide the hint where there is little space; problems are still shown."""
        if folded != self._folded:
            self._folded = folded
            self._show_note()

    def focus_entry(self) -> None:
        """Give the focus to the field."""
        self.entry.focus_set()
        self.entry.selection_range(0, "end")

    def clear(self) -> None:
        """Empty the field after its code has led to a link."""
        self._set_text("", 0)
        self._show_problem(None)

    def join(self) -> None:
        """Join the host that was typed, or show why that is impossible."""
        try:
            target = parse_target(self.entry.get())
        except CodeError as error:
            self._show_problem(error.problem.sentence)
            self.entry.focus_set()
            return
        doubts = cautions(target, tuple(network.subnet for network in self.networks))
        if doubts:
            self._ask(target, doubts)
        else:
            self._go(target)

    def _go(self, target: JoinTarget) -> None:
        self._withdraw_question()
        self._show_problem(None)
        # The text stays in the field until the link is open (`clear`).
        # This is imported late, as the first paint needs no intents.
        from proxim.core.events import Join

        self._post(Join(target))

    def _typed(self, _event: object) -> None:
        self._read()

    def _paste(self) -> str:
        """Write what was copied into the field, or say that it is no text."""
        # These are imported late, as the window must show soon.
        from proxim.ui.window.clipboard import copied_text
        from proxim.ui.window.fields import insert_text

        text = copied_text(self)
        if text:
            insert_text(self, str(self.entry), text)
            self._read()
        else:
            self._show_problem(tr("join.nothingPasted"))
        return "break"

    def _read(self) -> None:
        typed = self.entry.get()
        # A key that changes nothing, such as an arrow, leaves what is shown.
        if typed == self._text:
            return
        self._text = typed
        grouped = regrouped(typed, self.entry.index("insert"))
        if grouped is not None and grouped[0] != typed:
            self._set_text(*grouped)
        if self._doubted is not None:
            self._withdraw_question()
        self._show_problem(typing_problem(self._text))
        self._retyped()

    def _set_text(self, text: str, cursor: int) -> None:
        self.entry.delete(0, "end")
        self.entry.insert(0, text)
        self.entry.icursor(cursor)
        self._text = text

    def _show_problem(self, problem: str | None) -> None:
        set_text(self._note, problem or tr("join.hint"))
        self._note.configure(style="Error.TLabel" if problem else "Quiet.TLabel")
        self.entry.configure(style="Bad.TEntry" if problem else "TEntry")
        self._show_note()

    @property
    def _problem_shown(self) -> bool:
        return str(self._note.cget("style")) == "Error.TLabel"

    def _show_note(self) -> None:
        if self._folded and not self._problem_shown:
            self._note.grid_remove()
        else:
            self._note.grid()

    def _ask(self, target: JoinTarget, doubts: tuple[Reason, ...]) -> None:
        """Ask the person before anything is sent to this host."""
        self._withdraw_question()
        self._doubted = target
        px = self._theme.px
        # The question takes the hint's place, so that the window grows less.
        self._note.grid_remove()
        self._consent = ttk.Frame(self, style="Amber.TFrame", padding=px(8))
        self._consent.grid(row=3, column=0, columnspan=2, sticky="ew", pady=(px(6), 0))
        self._consent.columnconfigure(0, weight=1)
        sentence = "\n".join(tr(_CAUTIONS[one], address=target.authority) for one in doubts)
        text = WrapLabel(self._consent, sentence, "Amber.Line.TLabel", px(440))
        text.grid(row=0, column=0, columnspan=3, sticky="ew", pady=(0, px(6)))
        go = ttk.Button(self._consent, text=tr("join.joinAnyway"), command=lambda: self._go(target))
        go.grid(row=1, column=1, padx=px(8))
        stay = ttk.Button(self._consent, text=tr("window.cancel"), command=self._withdraw_question)
        stay.grid(row=1, column=2)
        for button in (go, stay):
            button.bind("<Escape>", lambda _event: self._withdraw_question())
        stay.focus_set()

    def _withdraw_question(self) -> None:
        self._doubted = None
        if self._consent is not None:
            if self._consent.focus_get() is not None and str(self._consent.focus_get()).startswith(
                str(self._consent)
            ):
                self.entry.focus_set()
            self._consent.destroy()
            self._consent = None
            self._show_note()
