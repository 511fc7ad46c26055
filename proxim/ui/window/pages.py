"""Which panel is open: Invite, or a peer's; the tabs, the peers' panels, and what goes to them.

Transfers whose device has no panel (they wait for it, perhaps since an earlier run) have a tab of
their own.
"""

import tkinter
from collections.abc import Callable, Iterator
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.i18n import tr
from proxim.ui.window.tabs import TabRow
from proxim.ui.window.theme import Theme

# Loaded with the first link: the first paint needs no conversation
if TYPE_CHECKING:
    from proxim.core.files.events import AnyIntent
    from proxim.core.files.status import TransferStatus
    from proxim.ui.window.files.transfers import TransferList
    from proxim.ui.window.link.panel import LinkPanel

# The key of the Invite tab; the others are link ids
HOME: Final = ""
# And the tab of transfers without a link
WAITING: Final = "waiting"


class Pages:
    """The window's pages: home, and one for each link.

    Uses rows 0 (tabs) and 1 (panel) of the root's grid; `home` is in row 1 already.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        home: ttk.Frame,
        post: "Callable[[AnyIntent], None]",
        invite_another: Callable[[], None],
        answer: "Callable[[TransferStatus], None]",
    ) -> None:
        self.open = HOME
        self.links: dict[ev.LinkID, LinkPanel] = {}
        self.waiting: TransferList | None = None
        # Once there is a peer
        self.tabs: TabRow | None = None
        self._root = root
        self._theme = theme
        self._home = home
        self._post = post
        self._invite_another = invite_another
        self._answer = answer
        self._smallest = (1, 1)

    @property
    def at_home(self) -> bool:
        """Whether the Invite tab is open."""
        return self.open == HOME

    @property
    def link(self) -> "LinkPanel | None":
        """The peer's panel that is open."""
        return self.links.get(ev.LinkID(self.open))

    def show_link(self, status: st.LinkStatus) -> bool:
        """A link is like this now; True if it has just got its panel."""
        if status.resumes is not None and status.resumes in self.links:
            self._go_on(status.resumes, status.link)
        panel = self.links.get(status.link)
        if panel is not None:
            panel.show(status)
            if self.tabs is not None:
                self.tabs.put(status.link, panel.peer_name)
            return False
        if status.stage is not st.Stage.CONNECTED:
            # The state line tells; there is nothing to read yet
            return False
        self._add(status)
        self.select(status.link)
        return True

    def show_text(self, status: st.TextReceived | st.TextSent) -> None:
        """Something was written."""
        panel = self.links.get(status.link)
        if panel is None:
            # Its tab was closed
            return
        panel.show_text(status)
        if (
            self.tabs is not None
            and self.open != status.link
            and isinstance(status, st.TextReceived)
        ):
            self.tabs.mark_unread(status.link)

    def show_transfer(self, status: "TransferStatus") -> bool:
        """A transfer is like this now; True if its state is another than it was."""
        panel = self.links.get(status.link) if status.link is not None else None
        holder = next((one for one in self._lists() if status.transfer in one.rows), None)
        if panel is not None:
            target = panel.transfers
        elif holder is not None:
            target = holder
        elif status.over:
            # Its tab was closed
            return False
        else:
            target = self._waiting_list()
        if holder is not None and holder is not target:
            holder.remove(status.transfer)
        changed = target.show(status)
        self._drop_waiting_list()
        key = next((key for key, one in self.links.items() if one.transfers is target), WAITING)
        if panel is not None:
            panel.arrange()
        # Late: files come with the first guest
        from proxim.core.files.manifest import Direction

        incoming = status.direction is Direction.IN
        if changed and self.tabs is not None and key != self.open and (status.over or incoming):
            self.tabs.mark_unread(key)
        return changed

    def tick(self) -> None:
        """Count down."""
        for panel in self.links.values():
            panel.tick()

    def select(self, key: str) -> None:
        """Open a tab."""
        if key != self.open:
            if self.at_home:
                # What was told just now may need more room
                self._root.update_idletasks()
                self.keep_size()
            before: ttk.Frame = (
                self.link or (self.waiting if self.open == WAITING else None) or self._home
            )
            before.grid_remove()
            self.open = key
            panel = self.link
            if key == WAITING and self.waiting is not None:
                px = self._theme.px(20)
                self.waiting.grid(row=1, column=0, sticky="new", padx=px, pady=px)
                self._root.focus_set()
            elif panel is None:
                self._home.grid()
                self._root.focus_set()
            else:
                panel.grid(row=1, column=0, sticky="nsew")
                panel.focus_entry()
        if self.tabs is not None:
            self.tabs.select(key)

    def turn(self, step: int) -> None:
        """Open the next tab, or the one before."""
        if self.tabs is not None:
            keys = self.tabs.tab_keys
            self.select(keys[(keys.index(self.open) + step) % len(keys)])

    def keep_size(self) -> None:
        """Clip nothing, also in a window that the person resized; a conversation is no smaller than
        home.
        """
        root = self._root
        if not self.at_home:
            return
        wanted = (
            min(root.winfo_reqwidth(), root.winfo_screenwidth()),
            min(root.winfo_reqheight(), root.winfo_screenheight()),
        )
        if wanted != self._smallest:
            self._smallest = wanted
            root.minsize(*wanted)

    def restyle(self) -> None:
        """Take the palette of now."""
        for panel in self.links.values():
            panel.restyle()
        if self.waiting is not None:
            self.waiting.restyle()

    def _add(self, status: st.LinkStatus) -> None:
        from proxim.ui.window.link.panel import LinkPanel

        px = self._theme.px
        tabs = self._have_tabs()
        panel = LinkPanel(
            self._root,
            self._theme,
            self._post,
            status,
            self._invite_another,
            self._close,
            self._answer,
        )
        panel.configure(padding=px(20))
        self.links[status.link] = panel
        tabs.put(status.link, panel.peer_name)

    def _have_tabs(self) -> TabRow:
        px = self._theme.px
        if self.tabs is None:
            self.tabs = TabRow(self._root, self._theme, self.select)
            self.tabs.grid(row=0, column=0, sticky="ew", padx=px(20), pady=(px(10), 0))
            # First in the order of the Tab key, as it is first on the screen
            self.tabs.lower(self._home)
            self.tabs.put(HOME, tr("window.invite"))
            self.tabs.select(self.open)
        return self.tabs

    def _close(self, link: ev.LinkID) -> None:
        self.select(HOME)
        panel = self.links.pop(link)
        unfinished = panel.transfers.unfinished
        panel.destroy()
        for status in unfinished:
            self._waiting_list().show(status)
        self._remove_tab(link)

    def _remove_tab(self, key: str) -> None:
        if self.tabs is not None:
            self.tabs.remove(key)
            if not self.links and self.waiting is None:
                self.tabs.destroy()
                self.tabs = None

    def _go_on(self, before: ev.LinkID, now: ev.LinkID) -> None:
        """A lost link was taken up again: for people it is the same one, with all that was
        written.
        """
        self.links[now] = self.links.pop(before)
        if self.tabs is not None:
            self.tabs.rename_key(before, now)
        if self.open == before:
            self.open = now

    def _lists(self) -> "Iterator[TransferList]":
        for panel in self.links.values():
            yield panel.transfers
        if self.waiting is not None:
            yield self.waiting

    def _waiting_list(self) -> "TransferList":
        from proxim.ui.window.files.transfers import TransferList

        if self.waiting is None:
            self.waiting = TransferList(self._root, self._theme, self._post, self._answer)
            self._have_tabs().put(WAITING, tr("window.files"))
        return self.waiting

    def _drop_waiting_list(self) -> None:
        if self.waiting is None or self.waiting.rows:
            return
        if self.open == WAITING:
            self.select(HOME)
        self.waiting.destroy()
        self.waiting = None
        self._remove_tab(WAITING)
