"""The field to join another device: it reads a code or a link while it is typed, and asks before it
connects to an address outside the local network.
"""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.core.pairing.host_code import (
    ALPHABET,
    CodeError,
    JoinTarget,
    group_symbols,
    is_local,
    normalize_code,
    parse_target,
)
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, lettered, set_text


def looks_like_link(typed: str) -> bool:
    """Return whether this is meant as a link and not as a code, as parse_target decides."""
    return "/" in typed or ":" in typed


def regrouped(typed: str, cursor: int) -> tuple[str, int] | None:
    """Return a typed code grouped as on the host's screen, and the new cursor position.

    It returns None if the text is to stay as it is. The cursor stays behind the same symbol, so
    typing and deleting in the middle work as expected.
    """
    if looks_like_link(typed):
        return None
    try:
        shown = group_symbols(normalize_code(typed))
        before = len(normalize_code(typed[:cursor]))
    except CodeError:
        # The problem is shown below the field, and the text stays there to be corrected.
        return None
    at = 0
    while before:
        before -= shown[at] in ALPHABET
        at += 1
    return shown, at


def typing_problem(typed: str) -> str | None:
    """Return what is wrong with the text so far, or None while more may follow."""
    if looks_like_link(typed):
        # Nobody types a link, and half a link is always wrong. Its problem is shown when Join is
        # pressed.
        return None
    try:
        parse_target(typed)
    except CodeError as error:
        return None if error.reason is Reason.CODE_INCOMPLETE else error.problem.sentence
    return None


class JoinField(ttk.Frame):
    """The field for another device's code or link.

    The window sets `networks` to those of each Networks status.
    """

    def __init__(
        self, master: tkinter.Misc, theme: Theme, post: Callable[[ev.Intent], None]
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        self.networks: tuple[ev.Network, ...] = ()
        # The person is asked about this address outside the local network.
        self._far: JoinTarget | None = None
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
        self.entry.bind("<<Paste>>", lambda _event: self.after_idle(self._read), add=True)
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
        self.entry.delete(0, "end")
        self._show_problem(None)

    def join(self) -> None:
        """Join the host that was typed, or show why that is impossible."""
        try:
            target = parse_target(self.entry.get())
        except CodeError as error:
            self._show_problem(error.problem.sentence)
            self.entry.focus_set()
            return
        if is_local(target.address, tuple(network.subnet for network in self.networks)):
            self._go(target)
        else:
            self._ask(target)

    def _go(self, target: JoinTarget) -> None:
        self._withdraw_question()
        self._show_problem(None)
        # The text stays in the field until the link is open (`clear`).
        self._post(ev.Join(target))

    def _typed(self, _event: object) -> None:
        self._read()

    def _read(self) -> None:
        typed = self.entry.get()
        grouped = regrouped(typed, self.entry.index("insert"))
        if grouped is not None and grouped[0] != typed:
            self.entry.delete(0, "end")
            self.entry.insert(0, grouped[0])
            self.entry.icursor(grouped[1])
        if self._far is not None:
            self._withdraw_question()
        self._show_problem(typing_problem(self.entry.get()))

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

    def _ask(self, target: JoinTarget) -> None:
        """Ask the person before anything is sent to an address outside the local network."""
        self._withdraw_question()
        self._far = target
        px = self._theme.px
        self._consent = ttk.Frame(self, style="Amber.TFrame", padding=px(8))
        self._consent.grid(row=3, column=0, columnspan=2, sticky="ew", pady=(px(6), 0))
        self._consent.columnconfigure(0, weight=1)
        sentence = tr("join.far", address=target.authority)
        text = WrapLabel(self._consent, sentence, "Amber.Line.TLabel", px(300))
        text.grid(row=0, column=0, sticky="ew")
        go = ttk.Button(self._consent, text=tr("join.joinAnyway"), command=lambda: self._go(target))
        go.grid(row=0, column=1, padx=px(8))
        stay = ttk.Button(self._consent, text=tr("window.cancel"), command=self._withdraw_question)
        stay.grid(row=0, column=2)
        for button in (go, stay):
            button.bind("<Escape>", lambda _event: self._withdraw_question())
        stay.focus_set()

    def _withdraw_question(self) -> None:
        self._far = None
        if self._consent is not None:
            if self._consent.focus_get() is not None and str(self._consent.focus_get()).startswith(
                str(self._consent)
            ):
                self.entry.focus_set()
            self._consent.destroy()
            self._consent = None
