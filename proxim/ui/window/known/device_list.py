"""The list of known devices on the home page: who is reachable, and what can be done with each.

It is one stop of the Tab key: arrows choose a device, Return connects, the menu key opens its menu
and Delete asks whether to forget it. Where a window is too low for rows, a menu in the heading of
the join field has the same.
"""

import tkinter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES
from proxim.core.i18n import tr
from proxim.core.known.status import KnownEntry, KnownList, Presence
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.known.words import SIGNS, presence_words
from proxim.ui.window.scroll_area import ScrollArea
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, menu_keys, set_text, shortened, themed_menu

# Pixels at 100 %.
_NAME_WIDTH_MIN: Final = 70
_MENU_NAME_WIDTH: Final = 260
_WRAP: Final = 460
_GAP: Final = 6
_FOCUS_WIDTH: Final = 2
_LINE_PADDING: Final = 6
# Devices in one menu, at least and at most. Tk's menus do not scroll, and one that reaches from its
# button beyond the screen would lie under the pointer that opened it.
_MENU_LINES: Final = (4, 14)
# The menu's other lines: more devices, the line between, the settings, the search, and its border.
_MENU_OTHER_LINES: Final = 5
# Pixels at 100 % between two lines of a menu.
_MENU_LINE_GAP: Final = 4
# Rows that Page Up and Page Down pass.
_PAGE: Final = 4

_STYLES: Final = {
    Presence.REACHABLE: "Green.Row.TLabel",
    Presence.LINKED: "Blue.Row.TLabel",
    Presence.AWAY: "Quiet.Row.TLabel",
    Presence.UNKNOWN: "Quiet.Row.TLabel",
}


_LIKELY: Final = (Presence.REACHABLE, Presence.LINKED)


@dataclass(frozen=True, slots=True)
class DeviceActions:
    """What a person can do with a known device."""

    connect: Callable[[KnownID], None]
    # End the attempt at a link with it.
    end: Callable[[ev.LinkID], None]
    # End every link with it.
    disconnect: Callable[[KnownID], None]
    # Open the page of its link.
    turn_to: Callable[[ev.LinkID], None]
    # Open its settings.
    set_up: Callable[[KnownID], None]
    # Ask whether to forget it.
    ask_to_forget: Callable[[KnownID], None]
    set_discovery: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A known device with what its link adds."""

    entry: KnownEntry
    # The attempt that this device makes to join it; None while there is none.
    attempt: ev.LinkID | None = None
    # Whether its open link was let in without a question.
    let_in: bool = False

    @classmethod
    def of(cls, entry: KnownEntry, links: Mapping[ev.LinkID, st.LinkStatus]) -> "Shown":
        """Find in the statuses of all links what concerns this device."""
        attempt = next(
            (
                link
                for link, status in links.items()
                if status.known == entry.id
                and status.as_guest
                and status.stage not in (st.Stage.CONNECTED, st.Stage.WAITING, st.Stage.CLOSED)
            ),
            None,
        )
        status = None if entry.link is None else links.get(entry.link)
        return cls(entry, attempt, status is not None and status.let_in)

    def words(self, now: float) -> str:
        """Where it is, in words."""
        if self.attempt is not None:
            return tr("known.connecting")
        if self.entry.link is not None and self.let_in:
            return tr("known.letInShort")
        return presence_words(self.entry, now)

    @property
    def likely(self) -> bool:
        """Whether something can be done with it at once."""
        return self.attempt is not None or self.entry.presence in _LIKELY

    @property
    def sign(self) -> str:
        """The sign of where it is."""
        return SIGNS[self.entry.presence]

    @property
    def style(self) -> str:
        """The style of sign and words."""
        return _STYLES[self.entry.presence]

    def choices(self, actions: DeviceActions) -> list[tuple[str, Callable[[], None]]]:
        """The keys of what can be done about its link now, the most likely first."""
        if self.attempt is not None:
            return [("window.cancel", partial(actions.end, self.attempt))]
        if self.entry.link is not None:
            return [
                ("known.toPage", partial(actions.turn_to, self.entry.link)),
                ("known.end", partial(actions.disconnect, self.entry.id)),
            ]
        return [("known.connect", partial(actions.connect, self.entry.id))]


class DeviceRow(ttk.Frame):
    """One known device. Its frame is what has the focus, and its buttons are for the mouse."""

    def __init__(self, master: tkinter.Misc, theme: Theme, open_menu: Callable[[], None]) -> None:
        px = theme.px
        # What is left of it around `line` shows the focus.
        super().__init__(master, style="Device.TFrame", padding=px(_FOCUS_WIDTH))
        self._theme = theme
        self.shown: Shown | None = None
        self.columnconfigure(0, weight=1)
        line = self._line = ttk.Frame(self, style="Row.TFrame", padding=(px(_LINE_PADDING), px(1)))
        line.grid(row=0, column=0, sticky="ew")
        line.columnconfigure(1, weight=1, minsize=px(_NAME_WIDTH_MIN))
        self._sign = ttk.Label(line, width=2)
        self._sign.grid(row=0, column=0)
        # The label is as wide as its column, however long the name is.
        self._name = ttk.Label(line, style="Bold.Row.TLabel", width=1)
        self._name.grid(row=0, column=1, sticky="ew")
        self._name.bind("<Configure>", lambda _event: self._fit())
        self.bind("<Configure>", lambda _event: self._fit_buttons(), add=True)
        self._words = ttk.Label(line)
        self._words.grid(row=0, column=2, padx=(px(_GAP), px(_GAP)))
        self.buttons: list[ttk.Button] = []
        self._keys: list[str] = []
        self.menu_button = ttk.Button(
            line, text="⋯", style="Small.TButton", takefocus=False, command=open_menu
        )
        self.menu_button.grid(row=0, column=5, padx=(px(_GAP), 0))

    def show(self, shown: Shown, now: float, actions: DeviceActions) -> None:
        """Show how the device is now."""
        before, self.shown = self.shown, shown
        set_text(self._sign, shown.sign)
        set_text(self._words, shown.words(now))
        for label in (self._sign, self._words):
            if str(label.cget("style")) != shown.style:
                label.configure(style=shown.style)
        if before is None or before.entry.name != shown.entry.name:
            self._fit()
        choices = shown.choices(actions)
        keys = [key for key, _ in choices]
        if keys != self._keys:
            self._keys = keys
            for button in self.buttons:
                button.destroy()
            self.buttons = [
                ttk.Button(self._line, text=tr(key), style="Small.TButton", takefocus=False)
                for key in keys
            ]
        for button, (_, command) in zip(self.buttons, choices, strict=True):
            button.configure(command=command)
        self._fit_buttons()

    def _fit_buttons(self) -> None:
        """Show as many buttons as have room, the most likely first; the menu has all of them."""
        px = self._theme.px
        others = sum(one.winfo_reqwidth() for one in (self._sign, self._words, self.menu_button))
        # Around the words, before the menu, and what frame and line keep free at both sides.
        gaps = 3 * px(_GAP) + 2 * (px(_FOCUS_WIDTH) + px(_LINE_PADDING))
        room = self.winfo_width() - others - gaps - px(_NAME_WIDTH_MIN)
        # Before it is on the screen it has no width.
        fits = True
        for column, button in enumerate(self.buttons, start=3):
            gap = px(_GAP) if column > 3 else 0
            room -= gap + button.winfo_reqwidth()
            fits = fits and (room >= 0 or self.winfo_width() <= 1)
            if fits:
                button.grid(row=0, column=column, padx=(gap, 0))
            else:
                button.grid_remove()

    def _fit(self) -> None:
        if self.shown is not None:
            width = self._name.winfo_width()
            name = self.shown.entry.name
            shown = name if width <= 1 else shortened(name, self._theme.bold, width)
            set_text(self._name, shown)


class DeviceList(ttk.Frame):
    """The known devices, as rows or as the menu `menu_button`, which stands in `heading`.

    `clock` returns Unix seconds. The home page says how many rows have room, by `fold`.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        heading: tkinter.Misc,
        theme: Theme,
        clock: Callable[[], float],
        actions: DeviceActions,
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._clock = clock
        self._actions = actions
        self._list: KnownList | None = None
        self._shown: tuple[Shown, ...] = ()
        self.rows: dict[KnownID, DeviceRow] = {}
        # The device that the arrows have chosen.
        self.cursor: KnownID | None = None
        self._rows_seen = 0
        px = theme.px
        self.columnconfigure(0, weight=1)
        self._heading = ttk.Frame(self)
        self._heading.grid(row=0, column=0, sticky="ew")
        self._heading.columnconfigure(0, weight=1)
        ttk.Label(self._heading, text=tr("known.heading"), style="Bold.TLabel").grid(
            row=0, column=0, sticky="w"
        )
        self._discovers = tkinter.BooleanVar(self, value=True)
        self.discovery = ttk.Checkbutton(
            self._heading, text=tr("known.find"), variable=self._discovers, command=self._switch
        )
        self.discovery.grid(row=0, column=1, sticky="e")
        self.area = ScrollArea(self, theme, rows=True)
        self.area.grid(row=1, column=0, sticky="ew", pady=(px(4), 0))
        self.area.inside.columnconfigure(0, weight=1)
        self._note = WrapLabel(self, style="Quiet.TLabel", wraplength=px(_WRAP))
        self._note.grid(row=2, column=0, sticky="ew", pady=(px(4), 0))
        self._note.grid_remove()
        self.menu_button = ttk.Menubutton(heading, style="Small.TMenubutton")
        self.menu_button.grid(row=0, column=0, columnspan=2, sticky="ne")
        self.menu_button.grid_remove()
        self._all = tkinter.Menu(self.menu_button, tearoff=False)
        self.menu_button.configure(menu=self._all)
        # These are the keys and the button by which ttk opens it; its height says where.
        for opens in ("<Button-1>", "<space>", "<Down>", "<Up>"):
            self.menu_button.bind(opens, lambda _event: self._fill_all())
        # What it shows is about one device.
        self.menu = tkinter.Menu(self, tearoff=False)

    def show(self, known: KnownList, links: Mapping[ev.LinkID, st.LinkStatus]) -> None:
        """Show these devices, and what is going on with their links."""
        self._list = known
        self._shown = tuple(Shown.of(entry, links) for entry in known.devices)
        self._discovers.set(known.discovery)
        if known.trouble is not None and known.discovery:
            set_text(self._note, SENTENCES[known.trouble])
            self._note.grid()
        else:
            self._note.grid_remove()
        self._show_rows()
        near = sum(one.entry.presence is Presence.REACHABLE for one in self._shown)
        set_text(self.menu_button, tr("known.menu", count=near))

    def height(self, rows: int) -> int:
        """Return the height that this asks for with at most this many rows; none means the menu."""
        if not rows or not self.rows:
            return 0
        px = self._theme.px
        note = self._note.winfo_reqheight() + px(4) if self._note.winfo_manager() else 0
        shown = min(rows, len(self.rows)) * self._row_height
        return self._heading.winfo_reqheight() + px(4) + shown + self._border + note

    def fold(self, rows: int) -> None:
        """Show at most this many rows at a time, or the menu."""
        self._rows_seen = rows
        if not rows:
            self.grid_remove()
            self.menu_button.grid()
            return
        self.menu_button.grid_remove()
        self.grid()
        self._limit()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.area.restyle()

    def remove(self) -> None:
        """Remove the list and its menu."""
        self.menu_button.destroy()
        self.destroy()

    @property
    def _border(self) -> int:
        return 2 * max(1, self._theme.px(1))

    @property
    def _row_height(self) -> int:
        return max((one.winfo_reqheight() for one in self.rows.values()), default=1)

    def _limit(self) -> None:
        if self.rows and self._rows_seen:
            self.area.limit_height(min(self._rows_seen, len(self.rows)) * self._row_height)

    def _show_rows(self) -> None:
        now = self._clock()
        ids = [one.entry.id for one in self._shown]
        order = list(self.rows)
        gone = [device for device in order if device not in ids]
        had_focus = any(self.focus_get() is self.rows[device] for device in gone)
        at = order.index(self.cursor) if self.cursor in order else 0
        for device in gone:
            self.rows.pop(device).destroy()
        for one in self._shown:
            row = self.rows.get(one.entry.id)
            if row is None:
                row = self.rows[one.entry.id] = self._new_row(one.entry.id)
            row.show(one, now, self._actions)
        if list(self.rows) != ids:
            self.rows = {device: self.rows[device] for device in ids}
        for place, row in enumerate(self.rows.values()):
            row.grid(row=place, column=0, sticky="ew")
        self.area.let_scroll(self.area.inside)
        if self.cursor not in self.rows:
            self.cursor = ids[min(at, len(ids) - 1)] if ids else None
        for device, row in self.rows.items():
            row.configure(takefocus=device == self.cursor)
        if had_focus and self.cursor is not None:
            self.rows[self.cursor].focus_set()
        self.update_idletasks()
        self._limit()

    def _new_row(self, device: KnownID) -> DeviceRow:
        row = DeviceRow(self.area.inside, self._theme, lambda: self._open_below(device))
        moves: dict[str, Callable[[int], int]] = {
            "<Up>": lambda at: at - 1,
            "<Down>": lambda at: at + 1,
            "<Prior>": lambda at: at - _PAGE,
            "<Next>": lambda at: at + _PAGE,
            "<Home>": lambda _at: 0,
            "<End>": lambda _at: len(self.rows) - 1,
        }
        for key, target in moves.items():
            row.bind(key, partial(self._move, device, target))
        for key in ("<Return>", "<KP_Enter>", "<space>"):
            row.bind(key, partial(self._press, device))
        for key in ("<Delete>", "<KP_Delete>"):
            row.bind(key, partial(self._ask_to_forget, device))
        for key in menu_keys(self):
            row.bind(key, partial(self._menu_key, device))
        row.bind("<FocusIn>", partial(self._focused, device), add=True)
        for widget in self._parts(row):
            widget.bind("<Button-1>", partial(self._clicked, device), add=True)
            widget.bind("<<ContextMenu>>", partial(self._open_at_pointer, device))
        return row

    def _parts(self, row: DeviceRow) -> Iterator[tkinter.Misc]:
        """Yield what of a row has no meaning of its own for a click."""
        yield row
        for line in row.winfo_children():
            yield line
            for child in line.winfo_children():
                if not isinstance(child, ttk.Button):
                    yield child

    # --- keys and mouse ---------------------------------------------------------------------------

    def choose(self, device: KnownID) -> None:
        """Give this device's row the focus."""
        if device not in self.rows:
            return
        for each, row in self.rows.items():
            row.configure(takefocus=each == device)
        self.cursor = device
        self.rows[device].focus_set()

    def _move(self, device: KnownID, target: Callable[[int], int], _event: object) -> str:
        order = list(self.rows)
        at = max(0, min(target(order.index(device)), len(order) - 1))
        self.choose(order[at])
        return "break"

    def _focused(self, device: KnownID, _event: object) -> None:
        if self.area.scrolls:
            self.area.see(self.rows[device])

    def _clicked(self, device: KnownID, _event: object) -> None:
        self.choose(device)

    def _press(self, device: KnownID, _event: object) -> str:
        """Do what the row's first button does."""
        self.rows[device].buttons[0].invoke()
        return "break"

    def _ask_to_forget(self, device: KnownID, _event: object) -> str:
        self._actions.ask_to_forget(device)
        return "break"

    def _switch(self) -> None:
        # The current value comes from the newest status, not from the click.
        on = self._list is not None and self._list.discovery
        self._discovers.set(on)
        self._actions.set_discovery(not on)

    # --- menus ------------------------------------------------------------------------------------

    def _menu_key(self, device: KnownID, _event: object) -> str:
        self._open_below(device)
        return "break"

    def _open_at_pointer(self, device: KnownID, event: "tkinter.Event[tkinter.Misc]") -> str:
        self.choose(device)
        self._open(device, event.x_root, event.y_root)
        return "break"

    def _open_below(self, device: KnownID) -> None:
        self.choose(device)
        button = self.rows[device].menu_button
        self._open(device, button.winfo_rootx(), button.winfo_rooty() + button.winfo_height())

    def _open(self, device: KnownID, x: int, y: int) -> None:
        self.fill_menu(device)
        self.menu.tk_popup(x, y)

    def fill_menu(self, device: KnownID) -> None:
        """Fill the menu with what can be done with this device."""
        shown = self.rows[device].shown
        themed_menu(self.menu, self._theme)
        self.menu.delete(0, "end")
        if shown is None:
            return
        for key, command in shown.choices(self._actions):
            self.menu.add_command(label=tr(key), command=command)
        self.menu.add_separator()
        self.menu.add_command(
            label=tr("known.setUp"), command=partial(self._actions.set_up, device)
        )
        self.menu.add_command(
            label=tr("known.forgetAsks"), command=partial(self._actions.ask_to_forget, device)
        )

    def close_menus(self) -> None:
        """Close open menus."""
        for menu in (self.menu, self._all):
            self.tk.call("tk::MenuUnpost", str(menu))

    def _fill_all(self) -> None:
        """Fill the menu that stands for the list."""
        menu = self._all
        for child in menu.winfo_children():
            child.destroy()
        themed_menu(menu, self._theme)
        menu.delete(0, "end")
        # The sort keeps the order of the names.
        likely = sorted(self._shown, key=lambda one: not one.likely)
        now, width = self._clock(), self._theme.px(_MENU_NAME_WIDTH)

        def add(menu: tkinter.Menu, one: Shown) -> None:
            name = shortened(one.entry.name, self._theme.body, width)
            words = tr("known.inMenu", sign=one.sign, name=name, where=one.words(now))
            _, command = one.choices(self._actions)[0]
            menu.add_command(label=words, command=command)

        def add_settings(menu: tkinter.Menu, one: Shown) -> None:
            name = shortened(one.entry.name, self._theme.body, width)
            menu.add_command(label=name, command=partial(self._actions.set_up, one.entry.id))

        lines = self._menu_lines
        self._add_devices(menu, likely, lines, add)
        menu.add_separator()
        settings = self._submenu(menu)
        self._add_devices(settings, self._shown, lines, add_settings)
        menu.add_cascade(label=tr("known.setUpOne"), menu=settings)
        menu.add_checkbutton(label=tr("known.find"), variable=self._discovers, command=self._switch)
        button = self.menu_button
        below = button.winfo_screenheight() - button.winfo_rooty() - button.winfo_height()
        menu.update_idletasks()
        button.configure(direction="below" if menu.winfo_reqheight() <= below else "above")

    def _add_devices(
        self,
        menu: tkinter.Menu,
        devices: Sequence[Shown],
        lines: int,
        add: Callable[[tkinter.Menu, Shown], None],
    ) -> None:
        """Add devices to a menu, and those for which it has no room to a menu of its own."""
        # A line of its own for a single device would take the room that the device needs.
        first = devices if len(devices) <= lines + 1 else devices[:lines]
        for one in first:
            add(menu, one)
        rest = devices[len(first) :]
        if rest:
            more = self._submenu(menu)
            self._add_devices(more, rest, lines, add)
            menu.add_cascade(label=tr("known.moreDevices", count=len(rest)), menu=more)

    def _submenu(self, menu: tkinter.Menu) -> tkinter.Menu:
        made = tkinter.Menu(menu, tearoff=False)
        themed_menu(made, self._theme)
        return made

    @property
    def _menu_lines(self) -> int:
        """How many devices a menu shows, so that it fits above its button or below it."""
        button = self.menu_button
        above = button.winfo_rooty()
        below = button.winfo_screenheight() - above - button.winfo_height()
        line = self._theme.body.metrics("linespace") + self._theme.px(_MENU_LINE_GAP)
        fit = max(above, below) // line - _MENU_OTHER_LINES
        return max(_MENU_LINES[0], min(fit, _MENU_LINES[1]))
