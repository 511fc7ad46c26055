"""Small parts that several panels use: labels that wrap, buttons that copy, letters that press
buttons, shortened names.
"""

import math
import tkinter
from collections.abc import Callable, Sequence
from functools import partial
from tkinter import ttk
from tkinter.font import Font
from typing import Final

from proxim.core.i18n import tr
from proxim.ui.window.theme import Theme

# Milliseconds: this is long enough to be noticed, and short enough for the next copy.
COPIED_SHOWN_MS: Final = 1500
# Pixels at 100 % that a desktop's bars and a window's title take from the height of a screen.
SCREEN_BARS: Final = 72
# Characters.
_END_KEPT: Final = 12
# Pixels that the label of ttk's clam theme keeps free, left and right together.
_LABEL_BORDER: Final = 4
# The menu key, as each system names it.
_MENU_KEYS: Final = {"x11": "<Menu>", "win32": "<App>"}


class WrapLabel(ttk.Label):
    """A label that wraps at its actual width, and at `wraplength` until that is known."""

    def __init__(
        self, master: tkinter.Misc, text: str = "", style: str = "TLabel", wraplength: int = 200
    ) -> None:
        # It requests no width of its own: a label as wide as its lines would widen its column, and
        # so its lines again.
        super().__init__(
            master, text=text, style=style, wraplength=wraplength, width=1, justify="left"
        )
        self.bind("<Configure>", lambda _event: self._rewrap())
        self.bind("<Map>", lambda _event: self._rewrap())

    def restyle(self, style: str) -> None:
        """Change the style and wrap again, as its padding may leave less space."""
        self.configure(style=style)
        self._rewrap()

    def _rewrap(self) -> None:
        padding = self.tk.splitlist(ttk.Style(self).lookup(str(self.cget("style")), "padding"))
        # While a hidden window is laid out, its columns have widths that are never shown.
        width = self.winfo_width() - 2 * (int(str(padding[0])) if padding else 0) - _LABEL_BORDER
        if self.winfo_viewable() and width > 1 and width != int(str(self.cget("wraplength"))):
            self.configure(wraplength=width)


class WrapCheck(ttk.Checkbutton):
    """A box to tick whose text wraps where it has no place in one line.

    Unlike a label it has no option for that.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        text: str,
        variable: tkinter.Variable,
        command: Callable[[], object],
    ) -> None:
        super().__init__(master, text=text, variable=variable, command=command)
        self._text = text
        self._font = theme.body
        # The width that it needs in one line.
        self.one_line = self.winfo_reqwidth()
        self.bind("<Configure>", lambda _event: self._rewrap())
        self.bind("<Map>", lambda _event: self._rewrap())

    def _rewrap(self) -> None:
        # While a hidden window is laid out, its columns have widths that are never shown.
        if self.winfo_viewable():
            box = self.one_line - self._font.measure(self._text)
            set_text(self, in_lines(self._text, self._font, self.winfo_width() - box))


class PlainText(tkinter.Entry):
    """Text on the window's background that can be selected and copied, and scrolled if it is too
    long.
    """

    def __init__(self, master: tkinter.Misc, theme: Theme) -> None:
        super().__init__(
            master, borderwidth=0, relief="flat", highlightthickness=theme.px(2), state="readonly"
        )
        self._theme = theme
        self.bind("<FocusOut>", lambda _event: self.after_idle(self._unselect))
        self.restyle()

    def _unselect(self) -> None:
        """Remove the selection that the Tab key makes, once another widget has the focus.

        It stays when another program gets the focus.
        """
        if self.winfo_exists() and self.focus_get() not in (None, self):
            self.selection_clear()

    def put(self, text: str) -> None:
        """Show this text."""
        self.configure(state="normal")
        self.delete(0, "end")
        self.insert(0, text)
        self.configure(state="readonly")

    def restyle(self) -> None:
        """Apply the current palette."""
        look = self._theme.palette
        self.configure(
            foreground=look.foreground,
            readonlybackground=look.background,
            highlightbackground=look.background,
            highlightcolor=look.accent,
            selectbackground=look.accent,
            selectforeground=look.on_accent,
        )


def lettered(key: str) -> tuple[str, int]:
    """Return the text of a button, and the index of the letter that presses it.

    In the language's file "&" stands before that letter.
    """
    text = tr(key)
    return text.replace("&", "", 1), text.find("&")


def set_lettered(button: ttk.Button | ttk.Menubutton, key: str) -> None:
    """Change the text of a button and its letter, if they differ."""
    text, underline = lettered(key)
    set_text(button, text)
    if int(str(button.cget("underline"))) != underline:
        button.configure(underline=underline)


def letter(key: str) -> str:
    """Return the letter that presses the button with this text."""
    text, underline = lettered(key)
    return text[underline].lower()


def countdown(seconds: float) -> str:
    """Return a time for a countdown: "40 s", or "1:48" from a minute on."""
    left = max(0, math.ceil(seconds))
    return f"{left} s" if left < 60 else f"{left // 60}:{left % 60:02}"


def next_second(deadline: float, now: float) -> float | None:
    """Return when a countdown to `deadline` next shows another second; None once it is over."""
    left = deadline - now
    return deadline - (math.ceil(left) - 1) if left > 0 else None


def set_text(widget: ttk.Label | ttk.Button | ttk.Menubutton | ttk.Checkbutton, text: str) -> None:
    """Change a text only if it differs, as Tk lays out the window again at each call."""
    if str(widget.cget("text")) != text:
        widget.configure(text=text)


def in_lines(text: str, font: Font, width: int) -> str:
    """Return `text` with line breaks between words, so that it is at most `width` pixels wide as
    far as its words are.
    """
    first, *others = text.split(" ")
    lines = [first]
    for word in others:
        longer = f"{lines[-1]} {word}"
        if font.measure(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def shortened(text: str, font: Font, width: int) -> str:
    """Return `text`, cut with an ellipsis so that it is at most `width` pixels wide."""
    if font.measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.measure(text[:middle].rstrip() + "…") <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def shortened_middle(text: str, font: Font, width: int) -> str:
    """Shorten `text` as `shortened` does, but in its middle: the end of a file's name shows its
    type.
    """
    if font.measure(text) <= width:
        return text
    end = text[-_END_KEPT:].lstrip()
    return shortened(text[:-_END_KEPT], font, width - font.measure(end)) + end


class CopyButton(ttk.Button):
    """Copies a text to the clipboard and shows that it did.

    Nothing gets there without a click or a key.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        text: str,
        source: Callable[[], str | None],
        underline: int = -1,
        style: str = "",
    ) -> None:
        super().__init__(master, text=text, underline=underline, command=self.copy, style=style)
        # The width fits both texts, so that nothing moves when the button shows "copied".
        self.configure(width=max(len(text), len(tr("window.copied"))))
        self._label = text
        self._underline = underline
        self._source = source
        self._restore: str | None = None
        self.bind("<Destroy>", self._forget, add=True)

    def copy(self) -> None:
        """Copy the text, as if the button were clicked."""
        text = self._source()
        if text is None:
            return
        self.clipboard_clear()
        self.clipboard_append(text)
        self._forget()
        self.configure(text=tr("window.copied"), underline=-1)
        self._restore = self.after(COPIED_SHOWN_MS, self._show_label)

    def _show_label(self) -> None:
        self._restore = None
        self.configure(text=self._label, underline=self._underline)

    def _forget(self, _event: object = None) -> None:
        if self._restore is not None:
            self.after_cancel(self._restore)
            self._restore = None


def bind_letters(window: tkinter.Misc, buttons: Sequence[ttk.Button | ttk.Menubutton]) -> None:
    """Let Alt with its underlined letter press a button that is visible and enabled.

    The letter is the one that the button has by then. macOS has no such convention.
    """
    if window.tk.call("tk", "windowingsystem") == "aqua":
        return

    def press(event: "tkinter.Event[tkinter.Misc]") -> str | None:
        for button in buttons:
            # A disabled button would take the focus from the widget that the next key is meant for.
            if (
                button.winfo_exists()
                and button.winfo_viewable()
                and not button.instate(["disabled"])
                and _letter_of(button) == event.keysym.lower()
            ):
                button.focus_set()
                opens = isinstance(button, ttk.Menubutton)
                button.event_generate("<space>" if opens else "<<Invoke>>")
                return "break"
        return None

    window.bind("<Alt-KeyPress>", press, add=True)


def _letter_of(button: ttk.Button | ttk.Menubutton) -> str | None:
    at = int(str(button.cget("underline")))
    return str(button.cget("text"))[at].lower() if at >= 0 else None


def tab_order(*widgets: tkinter.Misc) -> None:
    """Let the Tab key reach these widgets of one parent in this order, after all others.

    Tk takes the order in which they were made, unless they are raised.
    """
    for widget in widgets:
        widget.lift()


def command_key(widget: tkinter.Misc) -> str:
    """Return the modifier of this system's shortcuts, as Tk spells it."""
    return "Command" if widget.tk.call("tk", "windowingsystem") == "aqua" else "Control"


def menu_keys(widget: tkinter.Misc) -> tuple[str, ...]:
    """Return the keys that open the menu of what has the focus."""
    key = _MENU_KEYS.get(str(widget.tk.call("tk", "windowingsystem")))
    return ("<Shift-F10>",) if key is None else ("<Shift-F10>", key)


def themed_menu(menu: tkinter.Menu, theme: Theme) -> None:
    """Give a menu the current palette."""
    look = theme.palette
    menu.configure(
        background=look.field,
        foreground=look.foreground,
        activebackground=look.accent,
        activeforeground=look.on_accent,
        selectcolor=look.foreground,
        borderwidth=1,
        activeborderwidth=0,
        relief="raised",
        font=theme.body,
    )


class Choice(ttk.Menubutton):
    """A button that opens a list of (label, value); `chosen` is called with the value."""

    def __init__(self, master: tkinter.Misc, theme: Theme, chosen: Callable[[str], None]) -> None:
        super().__init__(master)
        self._theme = theme
        self._chosen = chosen
        self._offered: tuple[tuple[str, str], ...] = ()
        self._value = tkinter.StringVar(self)
        self._menu = tkinter.Menu(self, tearoff=False, postcommand=self._fill)
        self.configure(menu=self._menu)

    def offer(self, options: tuple[tuple[str, str], ...], value: str | None) -> None:
        """Set the options and the current value; the menu is filled when it opens."""
        self._offered = options
        self._value.set(value or "")

    def close(self) -> None:
        """Close the list, because something else needs the person's eyes and keys."""
        self.tk.call("tk::MenuUnpost", str(self._menu))

    def _fill(self) -> None:
        themed_menu(self._menu, self._theme)
        self._menu.delete(0, "end")
        current = self._value.get()
        for label, value in self._offered:
            self._menu.add_radiobutton(
                label=label,
                value=value,
                variable=self._value,
                command=partial(self._pick, value, current),
            )

    def _pick(self, value: str, current: str) -> None:
        # The current value comes from the newest status, not from the click.
        self._value.set(current)
        self._chosen(value)


def place_over(
    root: tkinter.Tk, window: tkinter.Toplevel, width: int, height: int, shift: int = 0
) -> None:
    """Place a dialog that will be so large over the main window, with all of it on the screen.

    If several are open, each is moved `shift` pixels right and down.
    """
    if root.state() == "normal":
        window.transient(root)
        left = root.winfo_rootx() + (root.winfo_width() - width) // 2
        top = root.winfo_rooty() + (root.winfo_height() - height) // 3
    else:
        # The main window is minimised, and a transient window would stay hidden with it.
        left = (window.winfo_screenwidth() - width) // 2
        top = (window.winfo_screenheight() - height) // 3
    left = max(0, min(left + shift, window.winfo_screenwidth() - width))
    top = max(0, min(top + shift, window.winfo_screenheight() - height))
    window.geometry(f"+{left}+{top}")


def resize(window: tkinter.Tk, width: int, height: int) -> None:
    """Give a window another size where it is.

    `geometry` would also move it to where Tk believes that it is, which is a corner of the screen
    as long as the window manager alone has chosen its place.
    """
    window.configure(width=width, height=height)
    # From now on it has the size that was just asked for, not one from before.
    window.geometry("")
    if window.winfo_viewable():
        stay_on_screen(window, height)


def stay_on_screen(window: tkinter.Tk | tkinter.Toplevel, height: int) -> None:
    """Move a window up if it reaches beyond the lower edge of the screen with this height."""
    beyond = window.winfo_rooty() + height - window.winfo_screenheight()
    if beyond > 0:
        # This is the place of its frame, unlike winfo_x.
        _, left, top = window.wm_geometry().split("+", 2)
        window.geometry(f"+{left}+{max(0, int(top) - beyond)}")
