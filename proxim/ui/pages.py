"""Which panel is open: Invite, or a peer's; the tabs, the peers' panels, and what goes to them.

Must never be here: what a panel looks like, prompts.
"""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core.events import Intent, LinkID
from proxim.core.status import LinkStatus, Stage, TextReceived, TextSent
from proxim.ui.tabs import TabRow
from proxim.ui.theme import Theme

if TYPE_CHECKING:  # loaded with the first link: the first paint needs no conversation
    from proxim.ui.link import LinkPanel

HOME: Final = ""  # the key of the Invite tab; the others are link ids


class Pages:
    """See the module. Uses rows 0 (tabs) and 1 (panel) of the root's grid; `home` is in row 1 already."""

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        home: ttk.Frame,
        post: Callable[[Intent], None],
        invite_another: Callable[[], None],
    ) -> None:
        self.open = HOME
        self.links: dict[LinkID, LinkPanel] = {}
        self.tabs: TabRow | None = None  # once there is a peer
        self._root = root
        self._theme = theme
        self._home = home
        self._post = post
        self._invite_another = invite_another
        self._smallest = (1, 1)

    @property
    def at_home(self) -> bool:
        """Whether the Invite tab is open."""
        return self.open == HOME

    @property
    def link(self) -> "LinkPanel | None":
        """The peer's panel that is open."""
        return self.links.get(LinkID(self.open))

    def show_link(self, status: LinkStatus) -> bool:
        """A link is like this now; True if it has just got its panel."""
        panel = self.links.get(status.link)
        if panel is not None:
            panel.show(status)
            if self.tabs is not None:
                self.tabs.put(status.link, panel.peer_name)
            return False
        if status.stage is not Stage.CONNECTED:
            return False  # the state line tells; there is nothing to read yet
        self._add(status)
        self.select(status.link)
        return True

    def show_text(self, status: TextReceived | TextSent) -> None:
        """Something was written."""
        panel = self.links.get(status.link)
        if panel is None:
            return  # its tab was closed
        panel.show_text(status)
        if self.tabs is not None and self.open != status.link and isinstance(status, TextReceived):
            self.tabs.mark_unread(status.link)

    def select(self, key: str) -> None:
        """Open a tab."""
        if key != self.open:
            if self.at_home:
                self._root.update_idletasks()  # what was told just now may need more room
                self.hold_size()
            before: ttk.Frame = self.link or self._home
            before.grid_remove()
            self.open = key
            panel = self.link
            if panel is None:
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

    def hold_size(self) -> None:
        """Clip nothing, also in a window that the person resized; a conversation is no smaller than home."""
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

    def _add(self, status: LinkStatus) -> None:
        from proxim.ui.link import LinkPanel

        px = self._theme.px
        if self.tabs is None:
            self.tabs = TabRow(self._root, self._theme, self.select)
            self.tabs.grid(row=0, column=0, sticky="ew", padx=px(20), pady=(px(10), 0))
            self.tabs.lower(self._home)  # first in the order of the Tab key, as it is first on the screen
            self.tabs.put(HOME, "Invite")
        panel = LinkPanel(self._root, self._theme, self._post, status, self._invite_another, self._close)
        panel.configure(padding=px(20))
        self.links[status.link] = panel
        self.tabs.put(status.link, panel.peer_name)

    def _close(self, link: LinkID) -> None:
        self.select(HOME)
        self.links.pop(link).destroy()
        if self.tabs is not None:
            self.tabs.remove(link)
            if not self.links:
                self.tabs.destroy()
                self.tabs = None
