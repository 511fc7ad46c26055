"""The page of one link: its peer, the texts and files that went both ways, a field to write in, and
buttons that send files.
"""

import time
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason, sentence_for
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.i18n import tr
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.clipboard import CopiedText, PictureFolder
from proxim.ui.window.fields import insert_text
from proxim.ui.window.files.transfers import TransferList
from proxim.ui.window.link.history import History
from proxim.ui.window.link.recipients import Recipients
from proxim.ui.window.link.send_bar import SendBar
from proxim.ui.window.pairing.current_step import side_of
from proxim.ui.window.pairing.steps import StepsSide
from proxim.ui.window.reveal import open_web_link
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    CopyButton,
    WrapLabel,
    bind_letters,
    countdown,
    lettered,
    set_lettered,
    set_text,
    shortened,
    tab_order,
)

# These are loaded with the first device that knows what a screen is, or what a known device is.
if TYPE_CHECKING:
    from proxim.core.known.status import Remembering
    from proxim.core.screen.status import ScreenShare
    from proxim.ui.window.known.known import Known
    from proxim.ui.window.known.link_known import LinkKnown
    from proxim.ui.window.screen.link_screen import LinkScreen
    from proxim.ui.window.screen.screens import Screens

_VIAS: Final = {st.Via.WEBRTC: "link.direct", st.Via.LANE: "link.overLane"}
_STATES: Final = {
    st.Stage.CONNECTED: "link.connected",
    st.Stage.WAITING: "link.lost",
    st.Stage.CLOSED: "link.closed",
}
# Lines of the field, and pixels at 100 % around the page: with enough height, and below _LOW.
_ENTRY_LINES: Final = (3, 1)
_EDGE: Final = (20, 8)
# Pixels at 100 %: below this height the texts would have no place beside transfers.
_LOW: Final = 420
# Pixels at 100 %: the most and the least that a name gets beside its badge, which is never cut.
_NAME_WIDTH: Final = (260, 60)
# Pixels at 100 %: the least width in which the state of the link can be read.
_WHERE_MIN: Final = 130
# Pixels at 100 % between parts of one line.
_GAP: Final = 8
_BADGE_GAP: Final = 10
# Pixels: what a label needs besides its text.
_LABEL_BORDER: Final = 4
# Pixels at 100 %: a lower part of the texts is of no use.
_TEXTS_LEAST: Final = 64
# The hint goes where it would need more lines.
_HINT_LINES: Final = 2
# The list of transfers gets at most this share of the height; the texts get the rest.
_LIST_SHARE: Final = 0.55
# Pixels at 100 %: this shows one active transfer completely.
_LIST_LEAST: Final = 64


class LinkPanel(ttk.Frame):
    """The page of one link.

    `invite_another`, `close_tab` and `answer` are called when the person presses their buttons.
    `open_links` returns the statuses of all open links, for what is sent to all of them.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        status: st.LinkStatus,
        invite_another: Callable[[], None],
        close_tab: Callable[[ev.LinkID], None],
        answer: Callable[[file_st.TransferStatus], None],
        pictures: PictureFolder,
        screens: "Callable[[], Screens]",
        known: "Callable[[], Known]",
        open_links: Callable[[], tuple[st.LinkStatus, ...]],
    ) -> None:
        super().__init__(master)
        self.status = status
        # It is called when the page may need another size, or has another edge.
        self.on_change: Callable[[], None] = lambda: None
        self._low = False
        self._screens = screens
        # It exists once the peer knows what a screen is.
        self._screen: LinkScreen | None = None
        self._known_devices = known
        # It exists once the peer can be known, or is.
        self._known: LinkKnown | None = None
        # The known device at the other end, and the same even after the end of the link on which it
        # became known.
        self._device: KnownID | None = None
        self.device: KnownID | None = None
        # The name that this known device has by now.
        self._given_name: str | None = None
        self._open_links = open_links
        self._recipients = Recipients(())
        self._pictures = pictures
        self._theme = theme
        self._post = post
        self._close_tab = close_tab
        self._clock = theme.clock
        # This text has been posted, but no status has confirmed it yet.
        self._sending: str | None = None
        px = theme.px
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        self._build_head()
        noted = self._noted = ttk.Frame(self)
        noted.grid(row=1, column=0, sticky="ew")
        noted.columnconfigure(0, weight=1)
        self._note = WrapLabel(noted, style="Amber.Line.TLabel", wraplength=px(500))
        self._note.grid(row=0, column=0, sticky="ew", pady=(0, px(8)))
        # For the ended page of a known device, whose sentence says that one can connect again.
        self.connect_button = ttk.Button(
            noted, text=tr("known.connect"), style="Small.TButton", command=self._connect
        )
        self.connect_button.grid(row=0, column=1, padx=(px(8), 0), pady=(0, px(8)))
        self.connect_button.grid_remove()
        self._middle = ttk.Frame(self)
        self._middle.grid(row=2, column=0, sticky="nsew")
        # Texts and transfers share the available height and request none of their own.
        self._middle.grid_propagate(False)
        self._middle.columnconfigure(0, weight=1)
        self._middle.rowconfigure(0, weight=1)
        # Its height also changes when anything above or below it needs another.
        self._middle.bind("<Configure>", lambda event: self._share(event.height))
        self.history = History(self._middle, theme, self._open_link)
        self.history.grid(row=0, column=0, sticky="nsew")
        self.transfers = TransferList(self._middle, theme, post, answer)
        self._build_entry()
        self._build_foot(invite_another)
        self.restyle()
        self.configure(padding=px(_EDGE[0]))
        self.bind("<Configure>", lambda event: self._fold(event.height))
        self.show(status)

    @property
    def peer_name(self) -> str:
        """The peer's name, for its tab."""
        return self._given_name or self.status.peer_name or tr("device.otherLabel")

    def _build_head(self) -> None:
        px = self._theme.px
        head = ttk.Frame(self)
        head.grid(row=0, column=0, sticky="ew", pady=(0, px(10)))
        head.columnconfigure(1, weight=1)
        self._peer = ttk.Label(head, style="Title.TLabel")
        self._peer.grid(row=0, column=0, sticky="w")
        self._badge = ttk.Label(head)
        self._badge.grid(row=0, column=1, sticky="w", padx=px(_BADGE_GAP))
        head.bind("<Configure>", lambda _event: self._fit_name())
        self.end_button = ttk.Button(head, command=self._end)
        self.end_button.grid(row=0, column=2, sticky="ne")
        second = ttk.Frame(head)
        second.grid(row=1, column=0, columnspan=3, sticky="ew")
        second.columnconfigure(0, weight=1)
        # It goes on in a second line where the buttons beside it leave too little width.
        self._where = WrapLabel(second, style="Quiet.TLabel", wraplength=px(200))
        self._where.grid(row=0, column=0, sticky="ew", pady=(px(2), 0))
        self._head, self._second = head, second

    def _build_entry(self) -> None:
        px = self._theme.px
        row = ttk.Frame(self)
        row.grid(row=3, column=0, sticky="ew", pady=(px(8), 0))
        self.bar = SendBar(
            self,
            self._theme,
            self.send_paths,
            self._send_copied,
            self.show_notice,
            self._pictures,
            self._choose_recipients,
        )
        self.bar.grid(row=4, column=0, sticky="ew", pady=(px(8), 0))
        row.columnconfigure(0, weight=1)
        self.entry = tkinter.Text(
            row,
            height=_ENTRY_LINES[0],
            width=1,
            wrap="word",
            undo=True,
            font=self._theme.body,
            padx=px(6),
            pady=px(5),
            borderwidth=0,
            highlightthickness=max(1, px(1)),
        )
        self.entry.grid(row=0, column=0, sticky="ew")
        self.send_button = ttk.Button(row, style="Main.TButton", command=self.send_written)
        set_lettered(self.send_button, "link.send")
        self.send_button.grid(row=0, column=1, sticky="ns", padx=(px(8), 0))
        self.entry.bind("<Return>", self._return)
        self.entry.bind("<KP_Enter>", self._return)
        self.entry.bind("<<Paste>>", lambda _event: self._paste())
        self.entry.bind("<Tab>", lambda _event: self._leave_entry(self.entry.tk_focusNext()))
        # Without these bindings <Tab> would handle these keys as well.
        for turn in ("<Control-Tab>", "<Control-Shift-Tab>"):
            self.entry.bind(turn, lambda _event: None)
        for back in ("<Shift-Tab>", "<<PrevWindow>>"):
            self.entry.bind(back, lambda _event: self._leave_entry(self.entry.tk_focusPrev()))

    def _build_foot(self, invite_another: Callable[[], None]) -> None:
        px = self._theme.px
        foot = ttk.Frame(self)
        foot.grid(row=5, column=0, sticky="ew", pady=(px(8), 0))
        foot.columnconfigure(0, weight=1)
        self._hint = WrapLabel(foot, tr("link.hint"), "Small.TLabel", px(260))
        self._foot = foot
        text, underline = lettered("link.copyLast")
        self.copy_last = CopyButton(
            foot, text, lambda: self.history.last_received, underline, "Small.TButton"
        )
        self.copy_last.grid(row=1, column=1, padx=(px(_GAP), 0))
        self.invite_button = ttk.Button(foot, style="Small.TButton", command=invite_another)
        set_lettered(self.invite_button, "link.inviteAnother")
        self.invite_button.grid(row=1, column=2, padx=(px(_GAP), 0))
        foot.bind("<Configure>", lambda _event: self._fit_hint())
        # The text has to be set before its letter is bound.
        set_lettered(self.end_button, "link.disconnect")
        letters = [
            self.end_button,
            self.send_button,
            *self.bar.buttons,
            self.copy_last,
            self.invite_button,
        ]
        bind_letters(self.winfo_toplevel(), letters)

    # --- statuses ---------------------------------------------------------------------------------

    def show(self, status: st.LinkStatus) -> None:
        """Show how the link is now."""
        self.status = status
        closed = status.stage is st.Stage.CLOSED
        state, via = tr(_STATES.get(status.stage, "link.connecting")), tr(_VIAS[status.via])
        set_text(
            self._where, " · ".join(part for part in (state, status.peer_address, via) if part)
        )
        set_lettered(self.end_button, "link.closeTab" if closed else "link.disconnect")
        self._show_screen()
        self.show_known()
        self._show_state()
        self._allow()
        connected = status.stage is st.Stage.CONNECTED
        no_files = connected and st.FILES not in status.features
        set_text(self._hint, SENTENCES[Reason.FILES_UNSUPPORTED] if no_files else tr("link.hint"))
        self._fit_hint()
        self.copy_last.configure(
            state="normal" if self.history.last_received is not None else "disabled"
        )
        self.on_change()

    def _allow(self) -> None:
        """Enable what can be sent now, to this device or to all."""
        text, files = bool(self._targets(st.TEXT)), bool(self._targets(st.FILES))
        self.bar.allow(files=files, text=text)
        self.entry.configure(state="normal" if text else "disabled")
        self.send_button.configure(state="normal" if text else "disabled")
        set_lettered(self.send_button, "known.sendAll" if self.bar.to_all else "link.send")

    # --- one device or all ------------------------------------------------------------------------

    def show_others(self) -> None:
        """Show who else is linked."""
        before, now = self._recipients, Recipients(self._open_links())
        self._recipients = now
        new = {one.link for one in now.links} - {one.link for one in before.links}
        resumed = {
            one.link for one in now.links if one.resumes in {was.link for was in before.links}
        }
        if self.bar.to_all and new - resumed:
            # Nobody gets what was meant for others because they came just now.
            self.bar.choose_one()
            self.show_notice(tr("known.newcomer"))
        self._offer_all()

    def _choose_recipients(self) -> None:
        self._recipients = Recipients(self._open_links())
        self._offer_all()

    def _offer_all(self) -> None:
        here = any(one.link == self.status.link for one in self._recipients.links)
        count = len(self._recipients.links) if here else 0
        self.bar.offer_all(count, self._recipients.words)
        self._allow()
        self.on_change()

    def _targets(self, feature: str) -> tuple[ev.LinkID, ...]:
        """Return the links over which a text, or files, go now."""
        if self.bar.to_all:
            return self._recipients.able(feature)
        status = self.status
        able = status.stage is st.Stage.CONNECTED and feature in status.features
        return (status.link,) if able else ()

    @property
    def drop_words(self) -> str:
        """Who gets files that are dropped now."""
        if self.bar.to_all:
            return tr("known.dropHereAll", count=len(self._targets(st.FILES)))
        return tr("window.dropHere", name=self.peer_name)

    # --- what is known, and screens ---------------------------------------------------------------

    def _show_badge(self) -> None:
        status = self.status
        words, style = self._theme.badge(
            status.verified,
            at_guest=side_of(status) is StepsSide.GUEST,
            forgotten=status.known is not None and self._device is None,
            differed=status.digits_differed,
        )
        self._badge.configure(text=words, style=style)
        self._fit_name()

    def show_known(self) -> None:
        """Show what is kept of the device at the other end, and whether it can be remembered."""
        status = self.status
        entry = None
        if self._known is None and (st.KNOWN in status.features or status.known is not None):
            # This is imported late, as most devices are guests for once.
            from proxim.ui.window.known.link_known import LinkKnown

            px, head = self._theme.px, self._head
            actions = self._known_devices().actions
            self._known = LinkKnown(self._second, head, self._theme, self._post, actions)
            self._known.button.grid(row=0, column=1, sticky="e", padx=(px(6), 0), pady=(px(4), 0))
            self._known.lines.grid(row=3, column=0, columnspan=3, sticky="ew", pady=(px(6), 0))
            self._order()
        if self._known is not None:
            entry = self._known_devices().entry_of(status, self.device)
            self._known.show_link(status, entry)
        before, self._device = self._device, None if entry is None else entry.id
        self._given_name = None if entry is None else entry.name
        self.device = self._device or self.device
        self._show_badge()
        if status.stage is st.Stage.CLOSED and entry is not None and entry.link is None:
            self.connect_button.grid()
        else:
            self.connect_button.grid_remove()
        if before != self._device and status.stage is st.Stage.CLOSED:
            # How to come back is another way now.
            self._show_state()

    def _order(self) -> None:
        """Let the Tab key follow what is seen, whichever of these came first."""
        screen, known = self._screen, self._known
        if screen is not None and known is not None:
            tab_order(known.button, screen.menu)
            tab_order(screen.lines, known.lines)

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands here that anybody has sent, received or begun to write."""
        return self.history.is_blank and not self.transfers.rows and not self._written()

    def begin_again(self, status: st.LinkStatus) -> None:
        """Go on below what stands here with another link of the same device."""
        self._sending = None
        key = "known.againLetIn" if status.let_in else "link.again"
        self.history.mark(tr(key, time=time.strftime("%H:%M")))
        self.show(status)

    def show_remembering(self, status: "Remembering") -> None:
        """Show what becomes of the wish that the two devices know each other."""
        if self._known is not None:
            self._known.show_remembering(status)
            self.on_change()

    def _show_screen(self) -> None:
        if self._screen is None and st.SCREEN in self.status.features:
            # This is imported late, as most devices come for text and files.
            from proxim.ui.window.screen.link_screen import LinkScreen

            px, head = self._theme.px, self._head
            actions = self._screens().actions
            self._screen = LinkScreen(self._second, head, self._theme, self._post, actions)
            self._screen.menu.grid(row=0, column=2, sticky="e", padx=(px(6), 0), pady=(px(4), 0))
            self._screen.lines.grid(row=2, column=0, columnspan=3, sticky="ew", pady=(px(6), 0))
            self._order()
        if self._screen is not None:
            self._screen.show_link(self.status)

    def show_share(self, share: "ScreenShare") -> None:
        """Show how a screen is shared now."""
        if self._screen is not None:
            self._screen.show_share(share)
            self.on_change()

    @property
    def deadlines(self) -> tuple[float | None, ...]:
        """The moments to which countdowns are shown."""
        waiting = self.status.stage is st.Stage.WAITING
        return (
            self.status.deadline if waiting else None,
            None if self._known is None else self._known.deadline,
        )

    def _show_state(self) -> None:
        """Show what there is to say about the link itself, instead of an earlier notice."""
        status = self.status
        if status.stage is st.Stage.CLOSED:
            # Who was made known on this link needs no code from now on, and who was forgotten does.
            self._show_line(
                sentence_for(
                    status.reason or Reason.PEER_LEFT,
                    host=not status.as_guest,
                    known=self._device is not None,
                )
            )
        elif status.stage is st.Stage.WAITING:
            self.tick()
        elif status.stage is st.Stage.CONNECTED and st.TEXT not in status.features:
            self._show_line(tr("link.notReady"))
        else:
            self._show_line(None)

    def show_notice(self, sentence: str | None) -> None:
        """Show a sentence about what the person has just tried; None once something worked."""
        if sentence is None:
            self._show_state()
        else:
            self._show_line(sentence)

    def tick(self) -> None:
        """Update the countdowns: of a lost link, and of digits that are compared."""
        if self._known is not None:
            self._known.tick()
        status = self.status
        if status.stage is st.Stage.WAITING:
            if status.deadline is None:
                sentence = tr("link.waiting", name=self.peer_name)
            else:
                left = countdown(status.deadline - self._clock())
                sentence = tr("link.waitingFor", name=self.peer_name, time=left)
            self._show_line(sentence, "Blue.Line.TLabel")

    def arrange(self) -> None:
        """Show the list of transfers if it has any."""
        if self.transfers.rows:
            self.transfers.grid(row=1, column=0, sticky="ew", pady=(self._theme.px(8), 0))
        else:
            self.transfers.grid_remove()

    def show_text(self, status: st.TextReceived | st.TextSent) -> None:
        """Add a text that was sent or received."""
        if isinstance(status, st.TextReceived):
            self.history.add(self.peer_name, status.text, received=True)
            self.copy_last.configure(state="normal")
            return
        self.history.add(tr("link.you"), status.text, received=False)
        self._sending = None

    def show_trouble(self, _trouble: st.Trouble) -> None:
        """Put a text that could not be sent back into the field, if the field is empty."""
        lost, self._sending = self._sending, None
        if lost is not None and not self._written():
            insert_text(self, str(self.entry), lost)

    def restyle(self) -> None:
        """Apply the current palette."""
        look = self._theme.palette
        self.entry.configure(
            background=look.field,
            foreground=look.foreground,
            insertbackground=look.foreground,
            selectbackground=look.accent,
            selectforeground=look.on_accent,
            highlightbackground=look.line,
            highlightcolor=look.accent,
        )
        self.history.restyle()
        self.transfers.restyle()

    def focus_entry(self) -> None:
        """Give the focus to the field, or to the button at the top if nothing can be written."""
        (self.entry if str(self.entry.cget("state")) == "normal" else self.end_button).focus_set()

    # --- its size ---------------------------------------------------------------------------------

    @property
    def edge(self) -> int:
        """How far everything on the page is from the sides of the window."""
        return self._theme.px(_EDGE[self._low])

    @property
    def least_size(self) -> tuple[int, int]:
        """The smallest size in which the badge and all buttons are whole, and texts are read."""
        px = self._theme.px
        name = px(_NAME_WIDTH[1]) + self._badge.winfo_reqwidth() + 2 * px(_BADGE_GAP)
        where = px(_WHERE_MIN)
        for beside in self._second.grid_slaves():
            if beside is not self._where:
                where += beside.winfo_reqwidth() + px(_GAP)
        parts = [
            name + self.end_button.winfo_reqwidth(),
            where,
            self.bar.winfo_reqwidth(),
            self._foot_buttons,
            *(part.least_width for part in (self._screen, self._known) if part is not None),
        ]
        texts = px(_TEXTS_LEAST)
        if self.transfers.rows:
            # They get their share beside the texts.
            texts = round((texts + px(_GAP)) / (1 - _LIST_SHARE))
        height = self.winfo_reqheight() - self._middle.winfo_reqheight() + texts
        if not self._foot.winfo_manager():
            # It comes back as soon as there is place for it.
            height += self._foot.winfo_reqheight() + px(_GAP)
        if not self._low:
            spare_lines = _ENTRY_LINES[0] - _ENTRY_LINES[1]
            height -= spare_lines * self._theme.body.metrics("linespace")
            height -= 2 * (px(_EDGE[0]) - px(_EDGE[1]))
        # With enough height the edges are wide, so there must be place for these.
        return max(parts) + 2 * px(_EDGE[0]), height

    @property
    def _foot_buttons(self) -> int:
        buttons = (self.copy_last, self.invite_button)
        return sum(button.winfo_reqwidth() + self._theme.px(_GAP) for button in buttons)

    def _fit_name(self) -> None:
        """Shorten the name to what the badge and the button leave: these are never cut."""
        px = self._theme.px
        most, least = map(px, _NAME_WIDTH)
        room = most
        if self._head.winfo_width() > 1:
            beside = self._badge.winfo_reqwidth() + self.end_button.winfo_reqwidth()
            room = self._head.winfo_width() - beside - 2 * px(_BADGE_GAP)
        room = max(least, min(most, room)) - _LABEL_BORDER
        set_text(self._peer, shortened(self.peer_name, self._theme.title, room))

    def _fit_hint(self) -> None:
        """Show the hint where the buttons leave it enough width; what matters more gets a line of
        its own there.
        """
        words = str(self._hint.cget("text"))
        width = self._foot.winfo_width()
        # Words do not fill their lines.
        needed = self._theme.small.measure(words) * 5 // (4 * _HINT_LINES)
        if width <= 1 or needed <= width - self._foot_buttons:
            self._hint.grid(row=1, column=0, columnspan=1, sticky="ew")
        elif words == tr("link.hint"):
            self._hint.grid_remove()
        else:
            self._hint.grid(row=0, column=0, columnspan=3, sticky="ew")

    def _fold(self, height: int) -> None:
        low = height < self._theme.px(_LOW)
        if low != self._low:
            self._low = low
            self.entry.configure(height=_ENTRY_LINES[low])
            self.configure(padding=self._theme.px(_EDGE[low]))
            self.on_change()
        self._fold_foot(height)

    def _fold_foot(self, height: int) -> None:
        """Hide the last line on a screen that has no place for it: the tabs also invite, and each
        text can be copied where it stands. What is no hint is said all the same.
        """
        is_hint = str(self._hint.cget("text")) == tr("link.hint")
        if height > 1 and height < self.least_size[1] and is_hint:
            self._foot.grid_remove()
        else:
            self._foot.grid()

    def _share(self, height: int) -> None:
        self._fold_foot(self.winfo_height())
        self.on_change()
        self.transfers.limit_height(max(self._theme.px(_LIST_LEAST), round(height * _LIST_SHARE)))

    def _show_line(self, sentence: str | None, style: str = "Amber.Line.TLabel") -> None:
        if sentence is None:
            self._noted.grid_remove()
        else:
            set_text(self._note, sentence)
            if str(self._note.cget("style")) != style:
                self._note.configure(style=style)
            self._noted.grid()

    # --- actions of the person --------------------------------------------------------------------

    def send_written(self) -> None:
        """Send the text in the field."""
        text = self._written()
        if not text.strip() or str(self.entry.cget("state")) != "normal":
            return
        self._sending = text
        self.show_notice(None)
        self.entry.delete("1.0", "end")
        # A text with a very long line has turned it off (insert_text).
        self.entry.configure(undo=True)
        self._send_copied(text)

    def send_paths(self, paths: tuple[str, ...]) -> None:
        """Send files and folders."""
        for link in self._targets(st.FILES):
            self._post(file_ev.SendPaths(link, paths))

    def _send_copied(self, text: str) -> None:
        for link in self._targets(st.TEXT):
            self._post(ev.SendText(link, text))

    def _open_link(self, url: str) -> None:
        if not open_web_link(url):
            self.show_notice(tr("link.noBrowser", address=url))

    def _paste(self) -> str:
        """Write copied text into the field, and send anything else as Send clipboard does."""
        if str(self.entry.cget("state")) == "normal":
            found = self.bar.copied()
            if not isinstance(found, CopiedText):
                self.bar.send_copied(found)
            else:
                folded = insert_text(self, str(self.entry), found.text)
                count = len(found.text)
                self.show_notice(tr("link.folded", count=count) if folded else None)
        return "break"

    def _written(self) -> str:
        return self.entry.get("1.0", "end-1c")

    def _return(self, event: "tkinter.Event[tkinter.Misc]") -> str | None:
        # With Shift, Return starts a new line.
        if int(event.state) & 1:
            return None
        self.send_written()
        return "break"

    def _leave_entry(self, target: tkinter.Misc | None) -> str:
        if target is not None:
            target.focus_set()
        return "break"

    def _connect(self) -> None:
        # This is imported late, as most devices are guests for once.
        from proxim.core.known.events import JoinKnown

        if self._device is not None:
            self._post(JoinKnown(self._device))

    def _end(self) -> None:
        if self.status.stage is st.Stage.CLOSED:
            self._close_tab(self.status.link)
        else:
            self._post(ev.Disconnect(self.status.link))
