"""The texts of one link, which a person can read, select and copy."""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Final

from proxim.core.i18n import tr
from proxim.core.link.web_links import MAX_WEB_LINK_CHARACTERS, find_web_links
from proxim.core.sanitize import printable_text
from proxim.ui.window.theme import Theme

# Characters of one text on the screen: Tk takes seconds to lay out a megabyte in one line.
SHOWN_MAX: Final = 20_000
# This many texts are kept.
KEPT_MAX: Final = 500
# This many characters are kept in all, so a peer that floods us does not fill the memory.
KEPT_CHARACTERS_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    received: bool


class History(ttk.Frame):
    """The texts that were sent and received over one link.

    `open_link` is called with a web address in a text that was clicked.
    """

    def __init__(
        self, master: tkinter.Misc, theme: Theme, open_link: Callable[[str], None]
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._open_link = open_link
        self._entries: dict[int, _Entry] = {}
        self._count = 0
        px = theme.px
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.text = tkinter.Text(
            self,
            width=1,
            height=1,
            wrap="word",
            state="disabled",
            font=theme.body,
            padx=px(10),
            pady=px(8),
            borderwidth=0,
            highlightthickness=max(1, px(1)),
            takefocus=True,
            cursor="xterm",
        )
        self.text.grid(row=0, column=0, sticky="nsew")
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self.text.yview)
        self.text.configure(yscrollcommand=self._scrolled)
        # On X11 a click gives no focus to a disabled Text, and without the focus Control-C does
        # nothing.
        self.text.bind("<Button-1>", lambda _event: self.text.focus_set(), add=True)
        self.text.tag_configure("head", font=theme.small, spacing1=px(8), spacing3=px(1))
        self.text.tag_configure("body", lmargin1=0, lmargin2=0)
        for tag in ("copy", "link"):
            self.text.tag_bind(tag, "<Enter>", lambda _event: self.text.configure(cursor="hand2"))
            self.text.tag_bind(tag, "<Leave>", lambda _event: self.text.configure(cursor="xterm"))
        self.text.tag_bind("link", "<ButtonRelease-1>", self._clicked)

    @property
    def last_received(self) -> str | None:
        """The peer's newest text, complete and fit to show, or None."""
        return next(
            (entry.text for entry in reversed(self._entries.values()) if entry.received), None
        )

    @property
    def is_blank(self) -> bool:
        """Whether there is no text."""
        return not self._entries

    def add(self, who: str, text: str, *, received: bool) -> None:
        """Append a text, and scroll to it unless the person is reading an older one."""
        shown = printable_text(text)
        number = self._count
        self._count += 1
        self._entries[number] = _Entry(shown, received)
        at_end = self.text.dlineinfo("end-1c") is not None
        widget = self.text
        widget.configure(state="normal")
        side = "theirs" if received else "ours"
        widget.insert("end", f"{who}   ", ("head", side, f"entry{number}"))
        widget.insert("end", tr("window.copy"), ("head", "copy", f"copy{number}", f"entry{number}"))
        cut = shown[:SHOWN_MAX]
        if len(cut) < len(shown):
            cut += f"…\n{tr('link.cut', count=len(shown))}"
        tags = ("body", f"entry{number}")
        widget.insert("end", "\n", tags)
        at = 0
        # An address that is cut off, too, is not all there and leads elsewhere.
        for link in find_web_links(shown[: SHOWN_MAX + MAX_WEB_LINK_CHARACTERS]):
            if link.end <= SHOWN_MAX:
                widget.insert("end", cut[at : link.start], tags, link.url, ("link", *tags))
                at = link.end
        widget.insert("end", f"{cut[at:]}\n", tags)
        widget.tag_bind(f"copy{number}", "<Button-1>", lambda _event: self._copy(number))
        self._forget_oldest()
        widget.configure(state="disabled")
        if at_end or not received:
            widget.see("end")

    def mark(self, words: str) -> None:
        """Say below the texts so far that others begin here."""
        if not self._entries:
            return
        # It goes when the text above it goes.
        tags = ("head", "mark", f"entry{self._count - 1}")
        self.text.configure(state="normal")
        self.text.insert("end", f"{words}\n", tags)
        self.text.configure(state="disabled")
        self.text.see("end")

    def restyle(self) -> None:
        """Apply the current palette."""
        look = self._theme.palette
        self.text.configure(
            background=look.field,
            foreground=look.foreground,
            selectbackground=look.accent,
            selectforeground=look.on_accent,
            inactiveselectbackground=look.accent,
            highlightbackground=look.line,
            highlightcolor=look.accent,
        )
        self.text.tag_configure("theirs", foreground=look.blue.foreground)
        self.text.tag_configure("ours", foreground=look.quiet)
        self.text.tag_configure("mark", foreground=look.quiet)
        self.text.tag_configure("copy", foreground=look.accent, underline=True)
        self.text.tag_configure("link", foreground=look.accent, underline=True)
        self.text.tag_raise("copy")
        self.text.tag_raise("sel")

    def _scrolled(self, first: float, last: float) -> None:
        self._bar.set(first, last)
        # Tk passes them as strings.
        whole = float(first) <= 0 and float(last) >= 1
        # A bar is at least as high as its arrows.
        if whole or self.text.winfo_height() < self._bar.winfo_reqheight():
            self._bar.grid_remove()
        else:
            self._bar.grid(row=0, column=1, sticky="ns")

    def _clicked(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        """Open the address under the pointer, unless the person was selecting text."""
        if self.text.tag_ranges("sel"):
            return
        after = self.text.index(f"@{event.x},{event.y}+1c")
        found = self.text.tag_prevrange("link", after)
        if found:
            self._open_link(self.text.get(*found))

    def _copy(self, number: int) -> None:
        self.clipboard_clear()
        self.clipboard_append(self._entries[number].text)
        first, last = (str(index) for index in self.text.tag_ranges(f"copy{number}"))
        tags = self.text.tag_names(first)
        self.text.configure(state="normal")
        self.text.delete(first, last)
        self.text.insert(first, tr("window.copied"), tags)
        self.text.configure(state="disabled")

    def _forget_oldest(self) -> None:
        size = sum(len(entry.text) for entry in self._entries.values())
        while len(self._entries) > KEPT_MAX or (
            size > KEPT_CHARACTERS_MAX and len(self._entries) > 1
        ):
            oldest = next(iter(self._entries))
            size -= len(self._entries.pop(oldest).text)
            first, last = (str(index) for index in self.text.tag_ranges(f"entry{oldest}"))
            self.text.delete(first, last)
            self.text.tag_delete(f"entry{oldest}", f"copy{oldest}")
