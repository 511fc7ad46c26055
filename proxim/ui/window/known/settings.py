"""The settings of one known device: its name, whether it is asked about, where its files go, and
the button that forgets it.

What lets a device do something without a question is off at first, says what it means before it is
turned on, and is turned on by a second button that does not count at first.
"""

import os
import tkinter
from collections.abc import Callable
from tkinter import filedialog, ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry
from proxim.core.sanitize import given_name
from proxim.ui.window.dialog import Dialog
from proxim.ui.window.known.words import forget_means, last_seen_words, verified_words
from proxim.ui.window.scroll_area import ScrollArea
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    WrapLabel,
    bind_letters,
    set_lettered,
    set_text,
    shortened_middle,
)

# Pixels at 100 %.
_WIDTH: Final = 440
# Above and below the rule over the last buttons.
_GAP: Final = 12
_ASK: Final = "ask"
_LET_IN: Final = "let-in"


class DeviceSettings:
    """The settings of a known device.

    `clock` returns Unix seconds; `folder` returns the folder in which files usually are saved.
    `closed` is called when the window is gone.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        entry: KnownEntry,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
        folder: Callable[[], str | None],
        closed: Callable[[], None],
    ) -> None:
        self.entry = entry
        self._theme = theme
        self._post = post
        self._clock = clock
        self._folder = folder
        self._closed = closed
        # From when on the second button counts; None while it is not shown.
        self._sure_from: float | None = None
        dialog = self._dialog = Dialog(root, theme, "ProximKnown", self.close, width=_WIDTH)
        window = self.window = dialog.window
        self._policy = tkinter.StringVar(window, value=_ASK)
        self._takes = tkinter.BooleanVar(window, value=False)
        self._build()
        self.show(entry)
        # What is above the last buttons scrolls on a low screen.
        window.update_idletasks()
        below = self._foot.winfo_reqheight() + self._rule.winfo_reqheight() + 2 * theme.px(_GAP)
        self.area.limit_height(dialog.room - below)
        # The person has just asked for it, so the window takes the focus.
        dialog.appear(self.name, by_itself=False)

    def show(self, entry: KnownEntry) -> None:
        """Show what is kept of the device now."""
        renamed = entry.name != self.entry.name
        self.entry = entry
        self.window.title(tr("known.settingsTitle", name=entry.name))
        if renamed:
            self._show_name()
        set_text(self._since, verified_words(entry))
        set_text(self._means, forget_means(linked=entry.link is not None))
        set_text(self._where, last_seen_words(entry, self._clock()))
        if entry.let_in:
            self._hide_warning()
        if self._sure_from is None:
            self._policy.set(_LET_IN if entry.let_in else _ASK)
        self._takes.set(entry.files_to is not None)
        self._show_folder()

    def lift(self) -> None:
        """Bring the window to the front."""
        self._dialog.lift(self.name)

    def close(self) -> None:
        """Close the window."""
        if self._dialog.is_open:
            self._dialog.close()
            self._closed()

    def restyle(self) -> None:
        """Apply the current palette."""
        self._dialog.restyle()
        self.area.restyle()

    # --- actions of the person --------------------------------------------------------------------

    def rename(self) -> None:
        """Give the device the name in the field."""
        typed = self.name.get()
        name = given_name(typed)
        if name is None and typed.strip():
            # It is said here, as this window covers the place where Proxim says such things.
            self.name_trouble.grid()
            self.window.update_idletasks()
            return
        self.name_trouble.grid_remove()
        if name is None or name == self.entry.name:
            self._show_name()
        else:
            self._post(known_ev.RenameKnown(self.entry.id, name))

    def _show_name(self) -> None:
        self.name.delete(0, "end")
        self.name.insert(0, self.entry.name)

    def let_in(self) -> None:
        """Let the device in without a question, after the person has read what that means."""
        if self._sure_from is not None and self._theme.clock() >= self._sure_from:
            self._hide_warning()
            self.ask_button.focus_set()
            self._post(known_ev.SetLetIn(self.entry.id, let_in=True))

    def go_on_asking(self) -> None:
        """Leave it at asking each time."""
        self._hide_warning()
        self._policy.set(_LET_IN if self.entry.let_in else _ASK)
        self.ask_button.focus_set()

    def forget(self) -> None:
        """Forget the device at once."""
        self._post(known_ev.ForgetDevice(self.entry.id))
        self.close()

    def choose_folder(self) -> None:
        """Choose the folder to which the device's files are accepted without a question."""
        start = self.entry.files_to or self._folder()
        chosen = filedialog.askdirectory(
            parent=self.window, title=tr("known.chooseFolder"), initialdir=start, mustexist=True
        )
        # The window may have closed while the person was choosing.
        if chosen and self.window.winfo_exists():
            folder = os.path.normpath(str(chosen))
            self._post(known_ev.SetFilesTo(self.entry.id, folder))

    def _choose_policy(self) -> None:
        wanted = self._policy.get() == _LET_IN
        if wanted == self.entry.let_in:
            self._hide_warning()
        elif wanted:
            self._warn()
        else:
            # The current value comes from the newest status, not from the click.
            self._policy.set(_LET_IN)
            self._post(known_ev.SetLetIn(self.entry.id, let_in=False))

    def _choose_files(self) -> None:
        # The current value comes from the newest status, not from the click.
        takes = self.entry.files_to is not None
        self._takes.set(takes)
        if takes:
            self._post(known_ev.SetFilesTo(self.entry.id, None))
        else:
            self.choose_folder()

    # --- the second step --------------------------------------------------------------------------

    def _warn(self) -> None:
        self._sure_from = self._theme.clock() + st.ANSWER_DELAY_SECONDS
        self.sure_button.configure(state="disabled")
        self._warning.grid()
        self.window.update_idletasks()
        # The events that have just run may have closed the window.
        if not self._dialog.is_open:
            return
        self.area.see(self._warning)
        self.stay_button.focus_set()
        self._count()

    def _hide_warning(self) -> None:
        self._sure_from = None
        self._warning.grid_remove()

    def _count(self) -> None:
        if self._sure_from is None:
            return
        left = self._sure_from - self._theme.clock()
        if left > 0:
            self._dialog.run_in(left, self._count)
        else:
            self.sure_button.configure(state="normal")

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px = self._theme.px
        around = self._dialog.body
        self.area = ScrollArea(around, self._theme)
        self.area.grid(row=0, column=0, sticky="ew")
        body = self.area.inside
        body.columnconfigure(0, weight=1)
        self._build_name(body).grid(row=0, column=0, sticky="ew")
        self._since = WrapLabel(body, style="Quiet.TLabel", wraplength=px(_WIDTH))
        self._since.grid(row=1, column=0, sticky="ew", pady=(px(8), 0))
        self._where = ttk.Label(body, style="Quiet.TLabel")
        self._where.grid(row=2, column=0, sticky="w", pady=(px(2), 0))
        self._build_policy(body).grid(row=3, column=0, sticky="ew", pady=(px(16), 0))
        self._build_files(body).grid(row=4, column=0, sticky="ew", pady=(px(14), 0))
        self._rule = ttk.Frame(around, height=px(1), style="Rule.TFrame")
        self._rule.grid(row=1, column=0, sticky="ew", pady=px(_GAP))
        self._foot = self._build_foot(around)
        self._foot.grid(row=2, column=0, sticky="ew")
        self.area.let_scroll(body)
        letters = {
            "known.save": self.save_button,
            "known.letInSure": self.sure_button,
            "known.stay": self.stay_button,
            "known.changeFolder": self.folder_button,
            "known.forget": self.forget_button,
            "known.close": self.close_button,
        }
        for key, button in letters.items():
            set_lettered(button, key)
        bind_letters(self.window, list(letters.values()))

    def _build_name(self, body: ttk.Frame) -> ttk.Frame:
        px = self._theme.px
        row = ttk.Frame(body)
        row.columnconfigure(1, weight=1)
        ttk.Label(row, text=tr("known.nameHere"), style="Quiet.TLabel").grid(
            row=0, column=0, padx=(0, px(8))
        )
        # It requests little, and gets what the row has to spare.
        self.name = ttk.Entry(row, font=self._theme.body, width=10)
        self.name.grid(row=0, column=1, sticky="ew")
        self._show_name()
        for key in ("<Return>", "<KP_Enter>"):
            self.name.bind(key, lambda _event: self.rename())
        self.save_button = ttk.Button(row, command=self.rename)
        self.save_button.grid(row=0, column=2, padx=(px(8), 0))
        words = SENTENCES[Reason.NAME_UNUSABLE]
        self.name_trouble = WrapLabel(row, words, "Red.Line.TLabel", px(_WIDTH))
        self.name_trouble.grid(row=1, column=0, columnspan=3, sticky="ew", pady=(px(6), 0))
        self.name_trouble.grid_remove()
        return row

    def _build_policy(self, body: ttk.Frame) -> ttk.Frame:
        px = self._theme.px
        part = ttk.Frame(body)
        part.columnconfigure(0, weight=1)
        ttk.Label(part, text=tr("known.whenItAsks"), style="Bold.TLabel").grid(
            row=0, column=0, sticky="w", pady=(0, px(2))
        )
        choose = self._choose_policy
        self.ask_button = ttk.Radiobutton(
            part, text=tr("known.askMe"), value=_ASK, variable=self._policy, command=choose
        )
        self.ask_button.grid(row=1, column=0, sticky="w")
        self.let_in_button = ttk.Radiobutton(
            part, text=tr("known.letIn"), value=_LET_IN, variable=self._policy, command=choose
        )
        self.let_in_button.grid(row=2, column=0, sticky="w")
        warning = self._warning = ttk.Frame(part, style="Amber.TFrame", padding=px(8))
        warning.grid(row=3, column=0, sticky="ew", pady=(px(6), 0))
        warning.columnconfigure(0, weight=1)
        words = WrapLabel(warning, tr("known.letInMeans"), "Amber.Line.TLabel", px(_WIDTH - 32))
        words.grid(row=0, column=0, columnspan=3, sticky="ew", pady=(0, px(6)))
        self.sure_button = ttk.Button(warning, command=self.let_in, state="disabled")
        self.sure_button.grid(row=1, column=1, padx=px(8))
        self.stay_button = ttk.Button(warning, command=self.go_on_asking)
        self.stay_button.grid(row=1, column=2)
        warning.grid_remove()
        return part

    def _build_files(self, body: ttk.Frame) -> ttk.Frame:
        px = self._theme.px
        part = ttk.Frame(body)
        part.columnconfigure(0, weight=1)
        ttk.Label(part, text=tr("known.itsFiles"), style="Bold.TLabel").grid(
            row=0, column=0, sticky="w", pady=(0, px(2))
        )
        self.takes = ttk.Checkbutton(
            part, text=tr("known.takeFiles"), variable=self._takes, command=self._choose_files
        )
        self.takes.grid(row=1, column=0, columnspan=2, sticky="w")
        self._into = ttk.Label(part, style="Quiet.TLabel", width=1)
        self._into.grid(row=2, column=0, sticky="ew", pady=(px(2), 0))
        self._into.bind("<Configure>", lambda _event: self._show_folder())
        self.folder_button = ttk.Button(part, style="Small.TButton", command=self.choose_folder)
        self.folder_button.grid(row=2, column=1, padx=(px(8), 0), pady=(px(2), 0))
        return part

    def _build_foot(self, body: ttk.Frame) -> ttk.Frame:
        px = self._theme.px
        foot = ttk.Frame(body)
        foot.columnconfigure(1, weight=1)
        self.forget_button = ttk.Button(foot, command=self.forget)
        self.forget_button.grid(row=0, column=0)
        self._means = WrapLabel(foot, style="Small.TLabel", wraplength=px(200))
        self._means.grid(row=0, column=1, sticky="ew", padx=px(10))
        self.close_button = ttk.Button(foot, style="Main.TButton", command=self.close)
        self.close_button.grid(row=0, column=2)
        return foot

    def _show_folder(self) -> None:
        folder, width = self.entry.files_to, self._into.winfo_width()
        if folder is None:
            self._into.grid_remove()
            self.folder_button.grid_remove()
            return
        self._into.grid()
        self.folder_button.grid()
        if width > 1:
            room = width - self._theme.px(4)
            words = tr("known.into", folder=folder)
            set_text(self._into, shortened_middle(words, self._theme.body, room))
