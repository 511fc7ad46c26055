"""What the page of a link has about screens: a menu to show or see one, and a line for each screen
that is shown or seen now.
"""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.controlling import CONTROL
from proxim.core.i18n import tr
from proxim.core.link.lane_channels import LANE_CHANNELS
from proxim.core.screen import events as screen_ev
from proxim.core.screen.status import ScreenShare, ScreenStage
from proxim.ui.window.link.button_line import ButtonLine
from proxim.ui.window.screen.words import other_first, state_words
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import bind_letters, set_lettered, shortened, themed_menu

# Pixels at 100 %.
_NAME_WIDTH: Final = 140
_BEGUN: Final = (
    ScreenStage.OFFERED,
    ScreenStage.VIEWED,
    ScreenStage.CONTROLLED,
    ScreenStage.PAUSED,
)


@dataclass(frozen=True, slots=True)
class ScreenActions:
    """What the page's buttons do besides posting intents."""

    # Ask the person here whether the peer of this link may control this device.
    let_control: Callable[[ev.LinkID], None]
    # Open the window in which its screen is seen, or bring it to the front.
    look: Callable[[ev.LinkID], None]
    # Close that window and end what it shows.
    stop_looking: Callable[[ev.LinkID], None]


class LinkScreen:
    """The menu and the lines of one link; `menu` and `lines` are placed by its page."""

    def __init__(
        self,
        menu_master: tkinter.Misc,
        lines_master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        actions: ScreenActions,
    ) -> None:
        self._theme = theme
        self._post = post
        self._actions = actions
        self._status: st.LinkStatus | None = None
        self._shares: dict[bool, ScreenShare] = {}
        self.menu = ttk.Menubutton(menu_master, style="Small.TMenubutton")
        set_lettered(self.menu, "screen.menu")
        bind_letters(menu_master.winfo_toplevel(), [self.menu])
        self._choices = tkinter.Menu(self.menu, tearoff=False, postcommand=self._fill)
        self.menu.configure(menu=self._choices)
        self.lines = ttk.Frame(lines_master)
        self.lines.columnconfigure(0, weight=1)
        # By whether this device shows.
        self._lines = {shows: ButtonLine(self.lines, theme) for shows in (True, False)}

    @property
    def least_width(self) -> int:
        """The width that the lines need which are shown."""
        shown = (line for line in self._lines.values() if line.winfo_manager())
        return max((line.least_width for line in shown), default=0)

    def show_link(self, status: st.LinkStatus) -> None:
        """Follow the link, which may go on as another."""
        if self._status is not None and self._status.link != status.link:
            self._shares.clear()
        self._status = status
        able = status.stage is st.Stage.CONNECTED and st.SCREEN in status.features
        self.menu.state(["!disabled" if able else "disabled"])
        self._refresh()

    def show_share(self, share: ScreenShare) -> None:
        """Show how a screen is shared now."""
        self._shares[share.shows] = share
        self._refresh()

    # --- the menu ---------------------------------------------------------------------------------

    @property
    def choices(self) -> list[tuple[str, Callable[[], None] | None]]:
        """What can be begun now: texts, and what they do; None for what is impossible here."""
        status = self._status
        if status is None:
            return []
        link, name = status.link, status.peer_name or tr("device.otherWith")
        found: list[tuple[str, Callable[[], None] | None]] = []
        if not self._begun(shows=True):
            show = partial(self._post, screen_ev.ShowScreen(link))
            found.append((tr("screen.showMine", name=name), show))
        if LANE_CHANNELS not in status.features:
            # Only programs have this word.
            browser = tr("screen.browserShowsNone", name=other_first(status.peer_name))
            found.append((browser, None))
        elif not self._begun(shows=False) and not self._asking:
            ask = partial(self._post, screen_ev.AskScreen(link))
            found.append((tr("screen.askToSee", name=name), ask))
            if CONTROL in status.features:
                both = partial(self._post, screen_ev.AskScreen(link, control=True))
                found.append((tr("screen.askToControl", name=name), both))
        return found

    def _fill(self) -> None:
        themed_menu(self._choices, self._theme)
        self._choices.delete(0, "end")
        for label, command in self.choices:
            if command is None:
                self._choices.add_command(label=label, state="disabled")
            else:
                self._choices.add_command(label=label, command=command)

    def _begun(self, *, shows: bool) -> bool:
        share = self._shares.get(shows)
        return share is not None and share.stage in _BEGUN

    @property
    def _asking(self) -> bool:
        share = self._shares.get(False)
        return share is not None and share.stage is ScreenStage.ASKING

    # --- the lines --------------------------------------------------------------------------------

    def _refresh(self) -> None:
        status = self._status
        for row, (shows, line) in enumerate(self._lines.items()):
            share = self._shares.get(shows)
            words = None
            if status is not None and share is not None:
                words = state_words(share, self._short_name)
            if words is None or status is None or share is None:
                line.grid_remove()
                continue
            buttons = (
                self._shown_buttons(share, status) if shows else self._seen_buttons(share, status)
            )
            style = "Red" if shows and share.stage is ScreenStage.CONTROLLED else "Blue"
            line.show(words, style, buttons)
            line.grid(row=row, column=0, sticky="ew", pady=(0, self._theme.px(4)))
        if any(line.winfo_manager() for line in self._lines.values()):
            self.lines.grid()
        else:
            self.lines.grid_remove()

    @property
    def _short_name(self) -> str | None:
        """The peer's name, so short that a line stays a line."""
        name = None if self._status is None else self._status.peer_name
        return name and shortened(name, self._theme.body, self._theme.px(_NAME_WIDTH))

    def _shown_buttons(
        self, share: ScreenShare, status: st.LinkStatus
    ) -> list[tuple[str, Callable[[], None]]]:
        link = status.link
        buttons: list[tuple[str, Callable[[], None]]] = []
        if share.stage is ScreenStage.CONTROLLED:
            stop_control = partial(self._post, screen_ev.StopControl(link))
            buttons.append(("screen.stopControl", stop_control))
        elif share.stage is ScreenStage.PAUSED:
            buttons.append(("screen.goOn", partial(self._post, screen_ev.GoOnShowing(link))))
        elif status.verified is not None and CONTROL in status.features:
            buttons.append(("screen.letControl", partial(self._actions.let_control, link)))
        buttons.append(
            ("screen.stopShowing", partial(self._post, screen_ev.StopScreen(link, shows=True)))
        )
        return buttons

    def _seen_buttons(
        self, share: ScreenShare, status: st.LinkStatus
    ) -> list[tuple[str, Callable[[], None]]]:
        link = status.link
        stop = partial(self._actions.stop_looking, link)
        if share.stage is ScreenStage.ASKING:
            return [("screen.withdraw", stop)]
        look = "screen.look" if share.stage is ScreenStage.OFFERED else "screen.toWindow"
        return [(look, partial(self._actions.look, link)), ("screen.stopSeeing", stop)]
