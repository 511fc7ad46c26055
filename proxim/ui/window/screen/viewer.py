"""The window in which the other side's screen is seen and, if that is allowed, controlled."""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Final

from proxim.core import events as ev
from proxim.core.control.messages import CopyText, Input, KeyInput
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import decimal, tr
from proxim.core.sanitize import display_name, visible_name
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import ALL_MONITORS, Monitor
from proxim.core.screen.sight import Sight
from proxim.core.screen.status import ScreenCopied, ScreenShare, ScreenStage
from proxim.core.screen.updates import MAX_SIDE
from proxim.ui.window.attention import TOUCH_TAG, WINDOW_COMES, on_close
from proxim.ui.window.clipboard import copied_text
from proxim.ui.window.root import darken_title_bar
from proxim.ui.window.screen.keyboard import Keyboard, TkKey, text_inputs
from proxim.ui.window.screen.mouse import HOLD_MS, Mouse
from proxim.ui.window.screen.picture import ScreenPicture
from proxim.ui.window.screen.shield import VIEWER_CLASS
from proxim.ui.window.screen.words import other_first, reason_words, state_words
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import Choice, WrapLabel, set_text, themed_menu

# The part of this screen that the window takes at first, at most.
_AT_FIRST: Final = 0.85
# While the size changes, the other side is not told of each one.
_LOOK_MS: Final = 200
_FIGURES_MS: Final = 1000
# As long as two lines take to be read.
_NOTE_MS: Final = 8000
# In full screen the buttons come when the pointer stays at the upper edge for so long; a shorter
# visit is meant for what is there on the other side.
_REVEAL_MS: Final = 400
# What people paste is a line or a page; longer texts are files, and typing them takes minutes.
MAX_PASTED: Final = 20_000

# Keys that the system here keeps for itself, by their names on the menu: places and meanings, in
# the order in which they are pressed.
_SPECIAL: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "screen.keysCtrlAltDel",
        (("ControlLeft", "Control"), ("AltLeft", "Alt"), ("Delete", "Delete")),
    ),
    ("screen.keysAltTab", (("AltLeft", "Alt"), ("Tab", "Tab"))),
    ("screen.keysAltF4", (("AltLeft", "Alt"), ("F4", "F4"))),
    ("screen.keysSuper", (("MetaLeft", "Meta"),)),
    ("screen.keysPrint", (("PrintScreen", "PrintScreen"),)),
    ("screen.keysF11", (("F11", "F11"),)),
)
# Pressed together and released without another key, these give the keyboard back to this window,
# as all other keys belong to the other screen. Guacamole has the same.
_LEAVING: Final = {
    "Control": "Control",
    "Alt": "Alt",
    "Meta": "Alt",
    "Option": "Alt",
    "Shift": "Shift",
}


class ScreenViewer:
    """Shows the screen of one link's peer.

    `closed` is called when the window is gone. The window closes when the person here closes it;
    when the other side ends, it says so and stays.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        link: ev.LinkID,
        name: str | None,
        post: Callable[[ev.Intent], None],
        closed: Callable[["ScreenViewer"], None],
    ) -> None:
        self.link = link
        self._root = root
        self._theme = theme
        self._name = name
        self._post = post
        self._closed = closed
        self._share: ScreenShare | None = None
        self._sight: Sight | None = None
        # What the other side was last asked to show, and how large.
        self._looked: tuple[int, int, int] | None = None
        self._monitor: int | None = None
        self._controls = False
        self._full = False
        self._figures_shown = False
        # Whether the person has asked for the text that was copied there.
        self._copying = False
        # Why control was refused or has ended, until the other side says something else.
        self._why: str | None = None
        # What came of something that the person here has just done, for a while.
        self._note: str | None = None
        self._timers: dict[str, str] = {}
        window = self.window = tkinter.Toplevel(root, class_=VIEWER_CLASS)
        window.withdraw()
        window.title(tr("screen.windowTitle", name=display_name(other_first(name))))
        on_close(root, window, self.end)
        system = str(root.tk.call("tk", "windowingsystem"))
        self._keyboard = Keyboard(system, self._use, window.after, window.after_cancel)
        self._mouse = Mouse(system, self._use, window.after, window.after_cancel)
        self._build()
        self._bind(system)
        self.restyle()

    # --- for the screens --------------------------------------------------------------------------

    @property
    def is_looking(self) -> bool:
        """Whether pictures may come."""
        return self._sight is not None

    @property
    def was_lost(self) -> bool:
        """Whether the link was lost while the screen was seen."""
        share = self._share
        return share is not None and share.reason is Reason.PEER_VANISHED

    def show_share(self, share: ScreenShare) -> None:
        """Show how the screen is shared now."""
        first, self._share = self._share is None, share
        self._note = None
        self._why = reason_words(share, self._name)
        self._set_control(controls=share.stage is ScreenStage.CONTROLLED)
        if share.stage is ScreenStage.ENDED:
            self._show_end()
        elif share.stage is ScreenStage.ASKING:
            set_text(self._over_words, state_words(share, self._name) or "")
            self.again_button.state(["disabled"])
        else:
            self._over.grid_remove()
            if self._monitor not in [one.id for one in share.monitors]:
                self._monitor = None
            self._offer_monitors(share)
        self._show_state()
        if first:
            self._appear()
        elif share.stage is not ScreenStage.ENDED:
            self._look_soon()

    def show_sight(self, sight: Sight) -> None:
        """Draw this from now on."""
        self._sight = sight
        self.picture.show_sight(sight)

    def pictures_ready(self) -> None:
        """Draw what is new."""
        self.picture.draw()

    def lift(self) -> None:
        """Bring the window to the front."""
        self.window.deiconify()
        self.window.lift()
        self.picture.canvas.focus_set()

    def end(self) -> None:
        """Close the window and see the screen no longer."""
        share = self._share
        if share is not None and share.stage is not ScreenStage.ENDED:
            self._set_control(controls=False)
            self._post(screen_ev.StopScreen(self.link, shows=False))
        self.close()

    def close(self) -> None:
        """Close the window."""
        self._controls = False
        if self.window.winfo_exists():
            self.window.destroy()
        self._closed(self)

    def restyle(self) -> None:
        """Apply the current palette."""
        self.window.configure(background=self._theme.palette.background)
        self.picture.restyle()
        darken_title_bar(self.window, self._theme.is_dark)

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        px, window = self._theme.px, self.window
        window.columnconfigure(0, weight=1)
        window.rowconfigure(2, weight=1)
        tools = self._tools = ttk.Frame(window, padding=(px(6), px(4)))
        tools.grid(row=0, column=0, sticky="ew")
        tools.columnconfigure(4, weight=1)

        def button(column: int, key: str, command: Callable[[], None]) -> ttk.Button:
            made = ttk.Button(tools, text=tr(key), style="Small.TButton", command=command)
            made.grid(row=0, column=column, padx=(0, px(4)))
            return made

        self.size_button = button(0, "screen.oneToOne", self._toggle_size)
        self.full_button = button(1, "screen.fullScreen", self._toggle_full)
        self.monitors = Choice(tools, self._theme, self._choose_monitor)
        self.monitors.configure(style="Small.TMenubutton")
        self.monitors.grid(row=0, column=2, padx=(0, px(4)))
        self.monitors.grid_remove()
        self.more = ttk.Menubutton(tools, text=tr("screen.more"), style="Small.TMenubutton")
        self.more.grid(row=0, column=3, padx=(0, px(4)))
        self.menu = tkinter.Menu(self.more, tearoff=False, postcommand=self._fill_menu)
        self.more.configure(menu=self.menu)
        # It takes what the buttons leave, and is cut on a narrow window.
        self._figures = ttk.Label(tools, style="Small.TLabel", anchor="e", width=1)
        self._figures.grid(row=0, column=4, sticky="ew", padx=(px(4), px(8)))
        self.ask_button = button(5, "screen.askControl", self._ask_control)
        self.ask_button.configure(style="Small.Main.TButton")
        self.end_button = button(6, "screen.stopSeeing", self.end)
        self._band = WrapLabel(window, style="Blue.Line.TLabel", wraplength=px(400))
        self._band.grid(row=1, column=0, sticky="ew")
        self._band.grid_remove()
        # In full screen it lies between the upper edge and the picture.
        self._band.bind("<Motion>", lambda _event: self._reveal_at(0), add=True)
        self.picture = ScreenPicture(window, self._theme, self._look_soon)
        self.picture.grid(row=2, column=0, sticky="nsew")
        over = self._over = ttk.Frame(window, padding=px(20))
        over.grid(row=2, column=0, sticky="nsew")
        over.grid_remove()
        over.columnconfigure(0, weight=1)
        over.rowconfigure((0, 3), weight=1)
        self._over_words = ttk.Label(
            over, anchor="center", justify="center", wraplength=px(420), style="Bold.TLabel"
        )
        self._over_words.grid(row=1, column=0, pady=(0, px(14)))
        buttons = ttk.Frame(over)
        buttons.grid(row=2, column=0)
        self.again_button = ttk.Button(buttons, text=tr("screen.askAgain"), command=self.ask_again)
        self.again_button.grid(row=0, column=0, padx=(0, px(8)))
        self.close_button = ttk.Button(
            buttons, text=tr("screen.closeWindow"), style="Main.TButton", command=self.end
        )
        self.close_button.grid(row=0, column=1)

    def _bind(self, system: str) -> None:
        canvas, window = self.picture.canvas, self.window
        # These end with "break": no key of Tk's own (Tab, F10, Alt with a letter), and none of the
        # window, does anything here.
        canvas.bindtags((TOUCH_TAG, *canvas.bindtags()))
        canvas.bind("<KeyPress>", self._pressed)
        canvas.bind("<KeyRelease>", self._released)
        canvas.bind("<Motion>", self._moved)
        canvas.bind("<ButtonPress>", self._button_pressed)
        canvas.bind("<ButtonRelease>", self._button_released)
        canvas.bind("<Leave>", self._pointer_left)
        if system != "x11":
            canvas.bind("<MouseWheel>", partial(self._turned, sideways=False))
            canvas.bind("<Shift-MouseWheel>", partial(self._turned, sideways=True))
        canvas.bind("<FocusOut>", lambda _event: self._let_go())
        canvas.bind("<Unmap>", lambda _event: self._let_go())
        canvas.bind("<Map>", lambda _event: self.picture.draw())
        window.bind("<F11>", lambda _event: self._toggle_full())
        window.bind("<Escape>", lambda _event: self._leave_full())
        window.bind("<Destroy>", self._destroyed, add=True)
        # The canvas hears nothing of its window's keys.
        self._own_keys: dict[str, Callable[[], None]] = {"F11": self._toggle_full}
        # Which of _LEAVING are down.
        self._leaving: set[str] = set()

    def _appear(self) -> None:
        window = self.window
        monitor = self._shown_monitor
        window.update_idletasks()
        most = (
            round(window.winfo_screenwidth() * _AT_FIRST),
            round(window.winfo_screenheight() * _AT_FIRST),
        )
        beside = self._tools.winfo_reqheight()
        width, height = most
        if monitor is not None:
            width = min(width, monitor.width)
            # Its height follows, so that a fitted picture has no borders.
            height = min(height, round(width * monitor.height / monitor.width) + beside)
        width = min(max(width, self._tools.winfo_reqwidth()), window.winfo_screenwidth())
        left = (window.winfo_screenwidth() - width) // 2
        top = (window.winfo_screenheight() - height) // 3
        window.geometry(f"{width}x{height}+{left}+{top}")
        window.minsize(min(self._tools.winfo_reqwidth(), width), self._theme.px(160))
        # Some window managers give the focus to every new window.
        self._root.event_generate(WINDOW_COMES)
        window.deiconify()
        self.picture.canvas.focus_set()

    # --- state ------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        share = self._share
        # The window exists once there is a share.
        assert share is not None
        ended = share.stage in (ScreenStage.ENDED, ScreenStage.ASKING)
        paused = share.stage is ScreenStage.PAUSED
        words = state_words(share, self._name) if paused or self._controls else None
        said = self._note or self._why
        if said is not None and not ended:
            words = said
        # In full screen the picture gets all of it, unless there is something new to say.
        if words is None or (self._full and not paused and said is None):
            self._band.grid_remove()
        else:
            set_text(self._band, words)
            trouble = self._note is None and self._why is not None
            style = "Amber" if paused or trouble else "Blue"
            self._band.restyle(f"{style}.Line.TLabel")
            self._band.grid()
        may_ask = share.stage in (ScreenStage.VIEWED, ScreenStage.OFFERED)
        (self.ask_button.grid if may_ask else self.ask_button.grid_remove)()
        # At the end there is nothing to do with them.
        if not self._full:
            (self._tools.grid_remove if ended else self._tools.grid)()

    def _say(self, words: str | None) -> None:
        """Say what came of something that the person has just done, for a while."""
        self._note = words
        self._show_state()
        if words is not None:
            self._start("note", _NOTE_MS, partial(self._say, None))

    def _show_end(self) -> None:
        """Say why nothing is seen any more, instead of the last picture."""
        self._sight = None
        self._looked = None
        self.picture.clear()
        self._leave_full()
        self.monitors.grid_remove()
        words = self._why or tr("screen.showsNoLonger", name=other_first(self._name))
        set_text(self._over_words, words)
        self.again_button.state(["!disabled"])
        self._over.grid()
        self._over.lift()
        self.close_button.focus_set()

    def ask_again(self) -> None:
        """Ask once more for what the person had or asked for: to see the screen, or to control it,
        too.
        """
        share = self._share
        self._post(screen_ev.AskScreen(self.link, control=share is not None and share.control))

    def _ask_control(self) -> None:
        self._say(tr("screen.controlAsked", name=self._name or tr("device.otherWith")))
        self._post(screen_ev.AskScreen(self.link, control=True))
        self.picture.canvas.focus_set()

    def _set_control(self, *, controls: bool) -> None:
        if self._controls and not controls:
            self._let_go()
        self._controls = controls
        self.picture.canvas.configure(cursor="")

    # --- what is looked at ------------------------------------------------------------------------

    @property
    def _shown_monitor(self) -> Monitor | None:
        share = self._share
        if share is None:
            return None
        wanted = share.monitor if self._monitor is None else self._monitor
        return next((one for one in share.monitors if one.id == wanted), None)

    def _offer_monitors(self, share: ScreenShare) -> None:
        shown = self._shown_monitor
        labels = tuple((self._label(one, at), str(one.id)) for at, one in enumerate(share.monitors))
        self.monitors.offer(labels, None if shown is None else str(shown.id))
        if len(labels) > 1 and shown is not None:
            set_text(self.monitors, self._label(shown, share.monitors.index(shown)))
            self.monitors.grid()
        else:
            self.monitors.grid_remove()

    @staticmethod
    def _label(monitor: Monitor, at: int) -> str:
        if monitor.id == ALL_MONITORS:
            name = tr("screen.allMonitors")
        else:
            name = visible_name(monitor.name)[:24] or tr("screen.monitor", number=at + 1)
        return f"{name} · {monitor.width}×{monitor.height}"

    def _choose_monitor(self, value: str) -> None:
        self._monitor = int(value)
        if self._share is not None:
            self._offer_monitors(self._share)
        self._look()
        self.picture.canvas.focus_set()

    def _look_soon(self) -> None:
        """Ask for pictures of this size, once it stays."""
        self._start("look", _LOOK_MS, self._look)

    def _look(self) -> None:
        share, monitor = self._share, self._shown_monitor
        if share is None or monitor is None or not self.picture.winfo_viewable():
            return
        width, height = self.picture.place_size
        if not self.picture.fits:
            width, height = monitor.width, monitor.height
        wanted = (monitor.id, min(width, MAX_SIDE), min(height, MAX_SIDE))
        if min(wanted[1:]) > 1 and wanted != self._looked:
            self._looked = wanted
            # These are pixels of this screen already.
            self._post(screen_ev.LookAt(self.link, *wanted, pixel_ratio=1.0))

    def _toggle_size(self) -> None:
        fits = not self.picture.fits
        self.picture.set_fits(fits)
        set_text(self.size_button, tr("screen.oneToOne" if fits else "screen.fit"))
        self._look()
        self.picture.canvas.focus_set()

    # --- full screen ------------------------------------------------------------------------------

    def _toggle_full(self) -> None:
        if self._sight is not None or self._full:
            self._set_full(not self._full)

    def _leave_full(self) -> None:
        if self._full:
            self._set_full(False)

    def _set_full(self, full: bool) -> None:
        self._full = full
        self.window.attributes("-fullscreen", full)
        set_text(self.full_button, tr("screen.leaveFull" if full else "screen.fullScreen"))
        self.picture.set_bars(not full)
        self._reveal(not full)
        self._show_state()
        self.picture.canvas.focus_set()

    def _reveal(self, shown: bool) -> None:
        """Show the buttons: above the picture or, in full screen, over its upper edge."""
        self._stop("reveal")
        if not shown:
            self._tools.place_forget()
            self._tools.grid_remove()
        elif self._full:
            self._tools.grid_remove()
            self._tools.place(relx=0.5, y=0, anchor="n")
            self._tools.lift()
        else:
            self._tools.place_forget()
            self._tools.grid()

    # --- the menu ---------------------------------------------------------------------------------

    def _fill_menu(self) -> None:
        menu = self.menu
        themed_menu(menu, self._theme)
        menu.delete(0, "end")
        if self._controls:
            menu.add_command(label=tr("screen.pasteThere"), command=self.paste)
            menu.add_command(label=tr("screen.copyFromThere"), command=self.copy)
            menu.add_separator()
            for key, keys in _SPECIAL:
                menu.add_command(
                    label=tr("screen.press", keys=tr(key)),
                    command=partial(self.press_special, keys),
                )
            menu.add_command(label=tr("screen.keyboardBack"), command=self._give_keyboard_back)
            menu.add_separator()
        shown = tkinter.BooleanVar(menu, value=self._figures_shown)
        menu.add_checkbutton(
            label=tr("screen.figures"), variable=shown, command=self.toggle_figures
        )
        # Tk keeps only the variable's name.
        self._shown_figures = shown

    def press_special(self, keys: tuple[tuple[str, str], ...]) -> None:
        """Press keys together at the other side, and release them."""
        for code, key in keys:
            self._use(KeyInput(code, key, down=True))
        for code, key in reversed(keys):
            self._use(KeyInput(code, key, down=False))
        self.picture.canvas.focus_set()

    def paste(self) -> None:
        """Type the text of the clipboard here into what has the focus there."""
        text = copied_text(self.window)
        if not text:
            self._say(tr("screen.nothingToPaste"))
        elif len(text) > MAX_PASTED:
            self._say(tr("screen.tooMuchToPaste", count=MAX_PASTED))
        else:
            # Those of Windows would be typed as two.
            for part in text_inputs(text.replace("\r\n", "\n")):
                self._use(part)
        self.picture.canvas.focus_set()

    def copy(self) -> None:
        """Ask for the text that was copied there; it comes to `show_copied`."""
        self._copying = True
        self._use(CopyText())
        self.picture.canvas.focus_set()

    def show_copied(self, copied: ScreenCopied) -> None:
        """Put the text that was copied there on the clipboard here, as the person asked."""
        if not self._copying:
            # Nobody here asked for it.
            return
        self._copying = False
        if copied.text is None:
            self._say(SENTENCES[copied.reason or Reason.NOTHING_COPIED])
        else:
            self.window.clipboard_clear()
            self.window.clipboard_append(copied.text)
            self._say(tr("screen.copiedHere", count=len(copied.text)))

    def toggle_figures(self) -> None:
        """Show how well the pictures arrive, or no longer."""
        self._figures_shown = not self._figures_shown
        self._tell_figures()

    def _tell_figures(self) -> None:
        if not self._figures_shown or self._sight is None:
            set_text(self._figures, "")
            return
        figures = self._sight.figures()
        delay = figures.delay_milliseconds
        words = tr(
            "screen.figuresNow",
            frames=round(figures.frames_per_second),
            megabits=decimal(figures.megabits_per_second, 1),
            delay="–" if delay is None else delay,
        )
        set_text(self._figures, words)
        self._start("figures", _FIGURES_MS, self._tell_figures)

    # --- mouse and keyboard -----------------------------------------------------------------------

    def _use(self, what: Input) -> None:
        if self._controls:
            self._post(screen_ev.UseScreen(self.link, what))
            if self._mouse.holds or self._keyboard.holds:
                self._start("hold", HOLD_MS, self._hold)

    def _hold(self) -> None:
        if self._mouse.holds or self._keyboard.holds:
            self._mouse.hold()
            self._start("hold", HOLD_MS, self._hold)

    def _let_go(self) -> None:
        """Release everything there: nobody uses it from here any more."""
        self._leaving.clear()
        self._mouse.release_all()
        self._keyboard.release_all()

    def _pressed(self, event: "tkinter.Event[tkinter.Misc]") -> str:
        own = self._own_keys.get(event.keysym)
        modifier = _leaving(event.keysym)
        if modifier is not None:
            self._leaving.add(modifier)
        else:
            # They are part of a shortcut, which is meant for the other side.
            self._leaving.clear()
        if own is not None:
            own()
        elif self._controls:
            self._keyboard.press(_key_of(event))
        elif event.keysym == "Escape":
            self._leave_full()
        return "break"

    def _give_keyboard_back(self) -> None:
        """Let the keys be this window's until a person goes back to the picture."""
        self._leave_full()
        # The canvas lets everything go when it loses the focus.
        self.end_button.focus_set()

    def _released(self, event: "tkinter.Event[tkinter.Misc]") -> str:
        if self._controls and event.keysym not in self._own_keys:
            self._keyboard.release(_key_of(event))
        modifier = _leaving(event.keysym)
        if modifier is not None and self._controls and self._leaving == {*_LEAVING.values()}:
            self._give_keyboard_back()
        self._leaving.discard(modifier or "")
        return "break"

    def _moved(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._reveal_at(event.y)
        inside = self.picture.contains(event.x, event.y)
        own = self._controls and inside
        self.picture.pointed(event.x, event.y, own=own)
        # The other side's pointer is drawn here, so this one would be a second.
        cursor = "none" if own and self.picture.draws_pointer else ""
        if str(self.picture.canvas.cget("cursor")) != cursor:
            self.picture.canvas.configure(cursor=cursor)
        place = self.picture.share_of(event.x, event.y)
        if self._controls and place is not None and (inside or self._mouse.holds):
            self._mouse.move(*place)

    def _button_pressed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self.picture.canvas.focus_set()
        place = self.picture.share_of(event.x, event.y)
        if self._controls and place is not None and self.picture.contains(event.x, event.y):
            self._mouse.press(int(event.num), *place)

    def _button_released(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        place = self.picture.share_of(event.x, event.y)
        if self._controls and place is not None:
            self._mouse.release(int(event.num), *place)

    def _turned(self, event: "tkinter.Event[tkinter.Misc]", *, sideways: bool) -> None:
        if self._controls and self.picture.contains(event.x, event.y):
            self._mouse.turn(int(event.delta), sideways=sideways)

    def _pointer_left(self, _event: object) -> None:
        self.picture.left()
        self._stop("reveal")

    def _reveal_at(self, y: int) -> None:
        if not self._full:
            return
        if y <= 1:
            if "reveal" not in self._timers:
                self._start("reveal", _REVEAL_MS, partial(self._reveal, shown=True))
        elif y > self._tools.winfo_reqheight():
            self._reveal(shown=False)
        else:
            self._stop("reveal")

    # --- timers -----------------------------------------------------------------------------------

    def _start(self, name: str, milliseconds: int, then: Callable[[], None]) -> None:
        """Run `then` after this time, instead of an earlier one of this name."""
        self._stop(name)

        def run() -> None:
            del self._timers[name]
            then()

        self._timers[name] = self.window.after(milliseconds, run)

    def _stop(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            self.window.after_cancel(timer)

    def _destroyed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if event.widget is self.window:
            self._let_go()
            for name in list(self._timers):
                self._stop(name)


def _leaving(keysym: str) -> str | None:
    """Return which of the keys that give the keyboard back this is, whether left or right."""
    return _LEAVING.get(keysym.partition("_")[0])


def _key_of(event: "tkinter.Event[tkinter.Misc]") -> TkKey:
    return TkKey(
        int(event.keycode), event.keysym, int(event.keysym_num), event.char, int(event.time)
    )
