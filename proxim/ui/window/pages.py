"""The pages of the window: home, with the invitation, and one for each link, with the tabs that
select them.

Pages also passes statuses to the page that they are about. Transfers without a page, which wait for
their device and may be from an earlier run, share a page of their own.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Iterator
from dataclasses import replace
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.ui.window.home import HomePage
from proxim.ui.window.tabs import TabRow
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import SCREEN_BARS, resize

# These are loaded with the first link, as the first paint needs no page of a link.
if TYPE_CHECKING:
    from proxim.core import events as ev
    from proxim.core import status as st
    from proxim.core.files.status import TransferStatus
    from proxim.ui.window.clipboard import PictureFolder
    from proxim.ui.window.files.transfers import TransferList
    from proxim.ui.window.known.known import Known
    from proxim.ui.window.link.panel import LinkPanel
    from proxim.ui.window.screen.screens import Screens

# This is the key of the home page; the keys of the others are link ids.
HOME: Final = ""
# This is the key of the page of transfers without a link.
WAITING: Final = "waiting"
# Pixels at 100 %: around the page of transfers without a link.
_EDGE: Final = 20


class Pages:
    """The window's pages: home, and one for each link.

    Rows 0 (tabs) and 1 (page) of the root's grid belong to this class; `home` is already in row 1.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        home: HomePage,
        post: Callable[[ev.Intent], None],
        invite_another: Callable[[], None],
        answer: Callable[[TransferStatus], None],
        screens: Callable[[], Screens],
        known: Callable[[], Known],
    ) -> None:
        self.open = HOME
        # It is called after another page was opened.
        self.on_turn: Callable[[], None] = lambda: None
        # It is called after the page of a link may need another size.
        self.on_resize: Callable[[], None] = lambda: None
        self.links: dict[ev.LinkID, LinkPanel] = {}
        self.waiting: TransferList | None = None
        # The tabs exist once there is a second page.
        self.tabs: TabRow | None = None
        self._root = root
        self._theme = theme
        self._home = home
        self._post = post
        self._invite_another = invite_another
        self._answer = answer
        # This makes what is about screens once it is needed.
        self._screens = screens
        # This makes what is about known devices once it is needed.
        self._known = known
        # It exists once there is a page of a link.
        self._pictures: PictureFolder | None = None
        self._least = (1, 1)
        # This is the size that the home page wanted last.
        self._wanted: tuple[int, int] | None = None

    @property
    def at_home(self) -> bool:
        """Whether the home page is open."""
        return self.open == HOME

    @property
    def link(self) -> LinkPanel | None:
        """The link's page that is open, or None."""
        return next((panel for link, panel in self.links.items() if link == self.open), None)

    def show_link(self, status: st.LinkStatus) -> bool:
        """Show how a link is now; return True if its page has just been made."""
        # This is imported late, as the first paint shows no link.
        from proxim.core.status import Stage

        if status.resumes is not None and status.resumes in self.links:
            self._go_on(status.resumes, status.link)
        panel = self.links.get(status.link)
        if panel is not None and status.reason is Reason.DEVICE_LINKED:
            self._end_double(panel, status)
            return False
        if panel is not None:
            panel.show(status)
            if self.tabs is not None:
                self.tabs.put(status.link, panel.peer_name)
            self._tell_others()
            return False
        if status.stage is not Stage.CONNECTED:
            # The state line on the home page shows the attempt; there is nothing to read yet.
            return False
        ended = self._ended_page_of(status)
        if ended is None:
            self._add(status)
        else:
            self._go_on(ended, status.link)
            self.links[status.link].begin_again(status)
            if self.tabs is not None:
                self.tabs.put(status.link, self.links[status.link].peer_name)
        self._tell_others()
        if not status.let_in:
            self.select(status.link)
        elif self.tabs is not None and self.open != status.link:
            # Nobody here did anything for it, and may be writing to somebody else.
            self.tabs.mark_unread(status.link)
        return True

    def show_known(self) -> None:
        """Show what is kept of the devices of all pages by now."""
        for link, panel in self.links.items():
            panel.show_known()
            if self.tabs is not None:
                self.tabs.put(link, panel.peer_name)

    def show_text(self, status: st.TextReceived | st.TextSent) -> None:
        """Show a text that was sent or received on the page of its link."""
        # This is imported late, as the first paint shows no text.
        from proxim.core.status import TextReceived

        panel = self.links.get(status.link)
        if panel is None:
            # The person has closed its tab.
            return
        panel.show_text(status)
        if self.tabs is not None and self.open != status.link and isinstance(status, TextReceived):
            self.tabs.mark_unread(status.link)

    def show_transfer(self, status: TransferStatus) -> bool:
        """Show how a transfer is now; return True if its state has changed."""
        panel = self.links.get(status.link) if status.link is not None else None
        holder = next((one for one in self._lists() if status.transfer in one.rows), None)
        if panel is not None:
            target = panel.transfers
        elif holder is not None:
            target = holder
        elif status.over:
            # The person has closed its tab.
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
        # This is imported late, as files come with the first guest.
        from proxim.core.files.manifest import Direction

        incoming = status.direction is Direction.IN
        if changed and self.tabs is not None and key != self.open and (status.over or incoming):
            self.tabs.mark_unread(key)
        return changed

    @property
    def deadlines(self) -> tuple[float | None, ...]:
        """The moments to which the open page shows countdowns."""
        if self.at_home:
            return self._home.deadlines
        return () if self.link is None else self.link.deadlines

    def tick(self) -> None:
        """Update the countdowns of the open page."""
        if self.at_home:
            self._home.tick()
        elif self.link is not None:
            self.link.tick()

    def select(self, key: str) -> None:
        """Open the page with this key."""
        if key != self.open:
            if self.at_home:
                # A status that was shown just now may need more space.
                self._root.update_idletasks()
                self.keep_size()
            before: ttk.Frame = (
                self.link or (self.waiting if self.open == WAITING else None) or self._home
            )
            before.grid_remove()
            self.open = key
            panel = self.link
            if key == WAITING and self.waiting is not None:
                edge = self._theme.px(_EDGE)
                self.waiting.grid(row=1, column=0, sticky="new", padx=edge, pady=edge)
                self._root.focus_set()
            elif panel is None:
                self._home.grid()
                self._root.focus_set()
            else:
                panel.grid(row=1, column=0, sticky="nsew")
                panel.focus_entry()
        if self.tabs is not None:
            self.tabs.select(key)
        if not self.at_home:
            self.keep_size()
        self.align_tabs()
        self.on_turn()

    def turn(self, step: int) -> None:
        """Open the next tab (`step` 1) or the previous one (-1)."""
        if self.tabs is not None:
            keys = self.tabs.tab_keys
            self.select(keys[(keys.index(self.open) + step) % len(keys)])

    def keep_size(self) -> None:
        """Give the window the size that the open page needs, as far as the screen has it.

        A size that the person has chosen stays; only what becomes too small for the page's new
        content grows, if all of the page was seen before.
        """
        root = self._root
        self.align_tabs()
        if self.link is not None:
            self._keep_least(self.link)
        if not self.at_home:
            return
        beside = self._height_beside(self._home)
        width, height = self._home.wanted_size
        highest = root.winfo_screenheight() - self._theme.px(SCREEN_BARS)
        if height + beside > highest:
            # With all its margins the page does not fit beside the tabs.
            height = self._home.height_within(highest - beside)
        wanted = (width, height + beside)
        least_width, least_height = self._home.least_size
        self._set_least(min(least_width, width), min(least_height + beside, wanted[1]))
        if wanted != self._wanted:
            before, self._wanted = self._wanted, wanted
            if before is None:
                resize(root, *wanted)
                return
            actual = (root.winfo_width(), root.winfo_height())
            new = [
                new if now == old else max(now, new) if now > old else now
                for now, old, new in zip(actual, before, wanted, strict=True)
            ]
            if tuple(new) != actual:
                resize(root, *new)

    def align_tabs(self) -> None:
        """Let the tabs begin where everything on the open page begins."""
        if self.tabs is None:
            return
        page = self._home if self.at_home else self.link
        edge = self._theme.px(_EDGE) if page is None else page.edge
        if self.tabs.grid_info()["padx"] != edge:
            self.tabs.grid(padx=edge)

    def destroyed(self) -> None:
        """Remove what was kept for the pages, as the window is gone."""
        if self._pictures is not None:
            self._pictures.remove()

    def restyle(self) -> None:
        """Apply the current palette."""
        for panel in self.links.values():
            panel.restyle()
        if self.waiting is not None:
            self.waiting.restyle()

    def _add(self, status: st.LinkStatus) -> None:
        from proxim.ui.window.clipboard import PictureFolder
        from proxim.ui.window.link.panel import LinkPanel

        if self._pictures is None:
            self._pictures = PictureFolder()
        tabs = self._have_tabs()
        panel = LinkPanel(
            self._root,
            self._theme,
            self._post,
            status,
            self._invite_another,
            self._close,
            self._answer,
            self._pictures,
            self._screens,
            self._known,
            self._open_links,
        )
        panel.on_change = self._panel_changed
        # What stands below the pages comes after them.
        panel.lower(self._home)
        self.links[status.link] = panel
        tabs.put(status.link, panel.peer_name)

    def _have_tabs(self) -> TabRow:
        px = self._theme.px
        if self.tabs is None:
            self.tabs = TabRow(self._root, self._theme, self.select)
            self.tabs.grid(row=0, column=0, sticky="ew", padx=px(_EDGE), pady=(px(10), 0))
            # The tabs are first on the screen, so the Tab key reaches them first.
            self.tabs.lower()
            self.tabs.put(HOME, tr("window.invite"))
            self.tabs.select(self.open)
        return self.tabs

    def _panel_changed(self) -> None:
        self.align_tabs()
        self.on_resize()

    def _keep_least(self, panel: LinkPanel) -> None:
        """Keep the window as large as a link's page needs, as far as the screen has it."""
        root = self._root
        highest = root.winfo_screenheight() - self._theme.px(SCREEN_BARS)
        width, height = panel.least_size
        width = min(max(width, self._home.least_size[0]), root.winfo_screenwidth())
        height = min(height + self._height_beside(panel), highest)
        self._set_least(width, height)
        actual = (root.winfo_width(), root.winfo_height())
        new = (max(actual[0], width), max(actual[1], height))
        if new != actual and actual != (1, 1):
            resize(root, *new)

    def _set_least(self, width: int, height: int) -> None:
        if (width, height) != self._least:
            self._least = (width, height)
            self._root.minsize(width, height)

    def _height_beside(self, page: ttk.Frame) -> int:
        return sum(_height_in_grid(bar) for bar in self._root.grid_slaves() if bar is not page)

    def _close(self, link: ev.LinkID) -> None:
        if self.open == link:
            self.select(HOME)
        panel = self.links.pop(link)
        unfinished = panel.transfers.unfinished
        panel.destroy()
        for status in unfinished:
            self._waiting_list().show(status)
        self._remove_tab(link)
        self._tell_others()

    def _end_double(self, panel: LinkPanel, status: st.LinkStatus) -> None:
        """Show one page for two links with the same device, of which this one gave way to the
        other, as long as nothing that stands on either page is lost by that.
        """
        others = (one for one in self._open_links() if one.link != status.link)
        same = (one for one in others if one.known is not None and one.known == status.known)
        other = next(same, None)
        if other is None:
            # Nobody sees the link that the other side speaks of.
            panel.show(replace(status, reason=Reason.PEER_LEFT))
            self._tell_others()
            return
        if panel.is_blank:
            self._close_beside(status.link, other.link)
        elif self.links[other.link].is_blank:
            # What was said before this moment is on the page that the device has had.
            self._close_beside(other.link, status.link)
            self._go_on(status.link, other.link)
            panel.show(other)
        else:
            panel.show(status)
        self._tell_others()

    def _close_beside(self, link: ev.LinkID, stays: ev.LinkID) -> None:
        """Remove a page; whoever looks at it sees another one instead."""
        if self.open == link:
            self.select(stays)
        self._close(link)

    def _open_links(self) -> tuple[st.LinkStatus, ...]:
        """Return how all links are that something can be sent over, or could be."""
        # This is imported late, as the first paint shows no link.
        from proxim.core.status import Stage

        statuses = (panel.status for panel in self.links.values())
        return tuple(one for one in statuses if one.stage is Stage.CONNECTED)

    def _tell_others(self) -> None:
        """Tell each page who else is linked."""
        for panel in self.links.values():
            panel.show_others()

    def _remove_tab(self, key: str) -> None:
        if self.tabs is not None:
            self.tabs.remove(key)
            if not self.links and self.waiting is None:
                self.tabs.destroy()
                self.tabs = None

    def _ended_page_of(self, status: st.LinkStatus) -> ev.LinkID | None:
        """Return the ended link whose page this link goes on with: people have one page for each
        known device, with all texts since the program began.

        Who is not known has proved nothing about who it was before, whatever it is called.
        """
        # This is imported late, as the first paint shows no link.
        from proxim.core.status import Stage

        ended = (
            link
            for link, panel in self.links.items()
            if panel.status.stage is Stage.CLOSED
            and status.known is not None
            and panel.device == status.known
        )
        return next(ended, None)

    def _go_on(self, before: ev.LinkID, now: ev.LinkID) -> None:
        """Let another link have this page, with all texts from before."""
        self.links[now] = self.links.pop(before)
        if self.tabs is not None:
            self.tabs.rename_key(before, now)
        if self.open == before:
            self.open = now

    def _lists(self) -> Iterator[TransferList]:
        for panel in self.links.values():
            yield panel.transfers
        if self.waiting is not None:
            yield self.waiting

    def _waiting_list(self) -> TransferList:
        from proxim.ui.window.files.transfers import TransferList

        if self.waiting is None:
            self.waiting = TransferList(self._root, self._theme, self._post, self._answer)
            self.waiting.lower(self._home)
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


def _height_in_grid(bar: tkinter.Widget) -> int:
    """Return how high a row of the window has to be for this."""
    margin = bar.grid_info()["pady"]
    return bar.winfo_reqheight() + (sum(margin) if isinstance(margin, tuple) else 2 * margin)
