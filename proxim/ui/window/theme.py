"""The look of the window: two palettes, fonts, sizes that grow with the screen, and the ttk styles
made from them.
"""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from tkinter.font import Font
from typing import Final, Literal

from proxim.core.i18n import tr
from proxim.core.pairing.devices import Verified
from proxim.ui.window.appearance import Appearance

ThemeChoice = Literal["light", "dark", "system"]

# On Linux asking the system starts a program, so it is not asked at every change of focus.
RECHECK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Tone:
    """A signal colour: its foreground and background in badges and lines."""

    foreground: str
    background: str


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one mode.

    Each foreground has a contrast of at least 4.5:1 to its background (WCAG 2.2, 1.4.3); a test
    computes it.
    """

    # The background of the window.
    background: str
    # The background of entries, lists and plain buttons.
    field: str
    foreground: str
    # Secondary text.
    quiet: str
    disabled: str
    # Borders.
    line: str
    hover: str
    # This marks the focus, the main button and the current step.
    accent: str
    on_accent: str
    green: Tone
    blue: Tone
    amber: Tone
    red: Tone


LIGHT: Final = Palette(
    background="#f6f7f9",
    field="#ffffff",
    foreground="#1b1f24",
    quiet="#545d68",
    disabled="#8a929c",
    line="#c3c9d1",
    hover="#e9edf2",
    accent="#0b5fc6",
    on_accent="#ffffff",
    green=Tone("#116329", "#d7f5dd"),
    blue=Tone("#0a4fa3", "#dcecff"),
    amber=Tone("#6b4300", "#ffefc2"),
    red=Tone("#a3201a", "#ffe5e2"),
)
DARK: Final = Palette(
    background="#1c1f24",
    field="#262a31",
    foreground="#e8eaed",
    quiet="#a9b1bb",
    disabled="#6d7682",
    line="#4a525d",
    hover="#323842",
    accent="#6cb0ff",
    on_accent="#0c1420",
    green=Tone("#8ae6a4", "#163c25"),
    blue=Tone("#9accff", "#14335a"),
    amber=Tone("#f5cf74", "#453610"),
    red=Tone("#ffaaa2", "#4d1f1c"),
)


class Theme:
    """Colours, fonts and sizes of the window.

    After `follow_system` returns True, widgets without a ttk style must read `palette` again.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        choice: ThemeChoice,
        scale: float,
        clock: Callable[[], float],
        appearance: Appearance | None = None,
    ) -> None:
        self._root = root
        self._choice = choice
        self._clock = clock
        self._scale = scale
        self._checked = clock()
        self._appearance = appearance or Appearance()
        self.is_dark = self._appearance.is_dark() if choice == "system" else choice == "dark"
        self._make_fonts()
        self._style = ttk.Style(root)
        # Clam is the ttk theme that uses the given colours on every system.
        self._style.theme_use("clam")
        self._shape()
        self._colour()

    @property
    def clock(self) -> Callable[[], float]:
        """The monotonic clock that everything on the screen uses."""
        return self._clock

    @property
    def palette(self) -> Palette:
        """The colours to use now."""
        return DARK if self.is_dark else LIGHT

    def px(self, pixels: float) -> int:
        """Convert a length in pixels of a 100 % screen to pixels of this one."""
        return max(1, round(pixels * self._scale))

    def follow_system(self) -> bool:
        """Check again, at most every RECHECK_SECONDS, whether the system is dark; return True if
        that changed.
        """
        if self._choice != "system" or self._clock() < self._checked + RECHECK_SECONDS:
            return False
        self._checked = self._clock()
        dark = self._appearance.is_dark()
        if dark == self.is_dark:
            return False
        self.is_dark = dark
        self._colour()
        return True

    def badge(
        self,
        verified: Verified | None,
        *,
        at_guest: bool = False,
        forgotten: bool = False,
        differed: bool = False,
    ) -> tuple[str, str]:
        """Return the words and the style for how a device proved itself; at a guest that device is
        the host.

        `forgotten` is a device that was known when it did, and `differed` one whose digits were not
        the same, whatever it proved.
        """
        if differed:
            return tr("known.digitsDiffered"), "Red.Badge.TLabel"
        if forgotten and verified is Verified.KNOWN:
            return tr("window.verified"), "Green.Badge.TLabel"
        key, style = {
            Verified.CODE: ("window.verified", "Green.Badge.TLabel"),
            Verified.QR: (
                "window.verifiedByLink" if at_guest else "window.scanned",
                "Blue.Badge.TLabel",
            ),
            Verified.KNOWN: ("known.badge", "Green.Badge.TLabel"),
            None: ("window.notVerified", "Amber.Badge.TLabel"),
        }[verified]
        return tr(key), style

    def code_font(self, characters: int) -> Font:
        """Return a monospaced font, as large as a code with that many characters allows."""
        if characters > 14:
            return self.code_small
        return self.code if characters > 11 else self.code_large

    def _make_fonts(self) -> None:
        default = Font(root=self._root, name="TkDefaultFont", exists=True)
        # Calling actual() would load the font, in a size that nothing uses.
        family = str(default.cget("family"))
        size = int(default.cget("size"))
        # A size in pixels would be wrong on a scaled screen.
        if size <= 0:
            size = 10
        system = self._root.tk.call("tk", "windowingsystem")
        # These families come with the system. On Windows TkFixedFont would be Courier, thin and
        # wide.
        fixed = {"win32": "Consolas", "aqua": "Menlo"}.get(str(system), "TkFixedFont")
        if fixed == "TkFixedFont":
            fixed = str(Font(root=self._root, name=fixed, exists=True).cget("family"))

        def font(family: str, size: float, weight: Literal["normal", "bold"] = "normal") -> Font:
            return Font(root=self._root, family=family, size=round(size), weight=weight)

        self.body = font(family, size)
        self.bold = font(family, size, "bold")
        self.small = font(family, size * 0.9)
        self.title = font(family, size * 1.3, "bold")
        self.mono = font(fixed, size * 1.1)
        self.code_large = font(fixed, size * 2.3, "bold")
        self.code = font(fixed, size * 1.8, "bold")
        self.code_small = font(fixed, size * 1.3, "bold")

    def _shape(self) -> None:
        """Configure what does not depend on the colours."""
        px, style = self.px, self._style
        style.configure(".", font=self.body)
        style.configure("TButton", padding=(px(10), px(4)), width=0, anchor="center", shiftrelief=0)
        style.configure("Small.TButton", padding=(px(6), px(1)), font=self.small)
        style.configure("Small.Main.TButton", padding=(px(6), px(1)), font=self.small)
        style.configure("Small.TMenubutton", padding=(px(6), px(1)), font=self.small)
        style.configure("Tab.TButton", padding=(px(12), px(5)))
        style.configure("TMenubutton", padding=(px(10), px(4)), arrowsize=px(5), width=0)
        style.configure(
            "TCheckbutton",
            padding=(0, px(2)),
            indicatorsize=px(11),
            indicatormargin=(px(1), 0, px(6), 0),
        )
        style.configure(
            "TRadiobutton",
            padding=(0, px(2)),
            indicatorsize=px(11),
            indicatormargin=(px(1), 0, px(6), 0),
        )
        style.configure("TEntry", padding=(px(6), px(5)))
        style.configure("Slim.TEntry", padding=(px(5), px(1)))
        style.configure("TScrollbar", arrowsize=px(13), gripcount=0)
        style.configure("Title.TLabel", font=self.title)
        style.configure("Bold.TLabel", font=self.bold)
        style.configure("Small.TLabel", font=self.small)
        style.configure("Badge.TLabel", font=self.bold, padding=(px(8), px(2)))
        style.configure("Line.TLabel", padding=(px(8), px(5)))
        style.configure("Title.Green.Line.TLabel", font=self.title)
        style.configure("Bold.Green.Line.TLabel", font=self.bold)
        style.configure("Drop.TLabel", font=self.title)
        style.configure("Bold.Row.TLabel", font=self.bold)
        style.configure("Arrow.Row.TLabel", font=self.bold)
        for kind in ("Quiet", "Error", "Green", "Blue"):
            style.configure(f"{kind}.Row.TLabel", font=self.small)
        # Clam calls the thickness of a progress bar its arrowsize.
        style.configure("Row.Horizontal.TProgressbar", arrowsize=px(6), borderwidth=0)
        style.configure(
            "Pick.Treeview", rowheight=self.body.metrics("linespace") + px(5), font=self.body
        )

    def _colour(self) -> None:
        look, style = self.palette, self._style
        self._root.configure(background=look.background)
        style.configure(
            ".",
            background=look.background,
            foreground=look.foreground,
            bordercolor=look.line,
            lightcolor=look.background,
            darkcolor=look.background,
            troughcolor=look.background,
            fieldbackground=look.field,
            insertcolor=look.foreground,
            selectbackground=look.accent,
            selectforeground=look.on_accent,
            focuscolor=look.accent,
        )
        style.map(".", foreground=[("disabled", look.disabled)])
        self._colour_buttons(look)
        self._colour_entries(look)
        style.configure(
            "TScrollbar",
            background=look.hover,
            arrowcolor=look.quiet,
            lightcolor=look.hover,
            darkcolor=look.hover,
        )
        style.map(
            "TScrollbar",
            background=[("disabled", look.background), ("active", look.line)],
            arrowcolor=[("disabled", look.disabled)],
        )
        # Only the dot of a chosen radio button has the accent, as on other desktops.
        for kind, chosen, mark in (
            ("TCheckbutton", look.accent, look.on_accent),
            ("TRadiobutton", look.field, look.accent),
        ):
            style.configure(
                kind,
                indicatorbackground=look.field,
                indicatorforeground=mark,
                foreground=look.quiet,
            )
            style.map(
                kind,
                background=[("active", look.background)],
                foreground=[("focus", look.foreground), ("active", look.foreground)],
                indicatorbackground=[
                    ("selected", chosen),
                    ("pressed", look.line),
                    ("active", look.hover),
                ],
                upperbordercolor=[("focus", look.accent)],
                lowerbordercolor=[("focus", look.accent)],
            )
        style.configure("Rule.TFrame", background=look.line)
        style.configure("Quiet.TLabel", foreground=look.quiet)
        style.configure("Small.TLabel", foreground=look.quiet)
        style.configure("Error.TLabel", foreground=look.red.foreground)
        # A frame in this style shows as a border where the padding around its content leaves it
        # visible.
        style.configure("Edge.TFrame", background=look.line)
        style.configure("Row.TFrame", background=look.field)
        style.configure("Row.TLabel", background=look.field)
        style.configure("Quiet.Row.TLabel", foreground=look.quiet)
        style.configure("Error.Row.TLabel", foreground=look.red.foreground)
        style.configure("Arrow.Row.TLabel", foreground=look.accent)
        style.configure("Green.Row.TLabel", foreground=look.green.foreground)
        style.configure("Blue.Row.TLabel", foreground=look.blue.foreground)
        # A row that can have the focus shows it around its content.
        style.configure("Device.TFrame", background=look.field)
        style.map("Device.TFrame", background=[("focus", look.accent)])
        style.configure(
            "Row.Horizontal.TProgressbar",
            background=look.accent,
            lightcolor=look.accent,
            darkcolor=look.accent,
            troughcolor=look.hover,
            bordercolor=look.hover,
        )
        calm = {"background": look.quiet, "lightcolor": look.quiet, "darkcolor": look.quiet}
        style.configure("Calm.Row.Horizontal.TProgressbar", **calm)
        style.configure(
            "Pick.Treeview",
            background=look.field,
            foreground=look.foreground,
            lightcolor=look.field,
        )
        style.map(
            "Pick.Treeview",
            background=[("selected", look.hover)],
            foreground=[("selected", look.foreground)],
            bordercolor=[("focus", look.accent)],
        )
        style.configure("Card.TFrame", background=look.field)
        style.configure("Card.TLabel", background=look.field, anchor="center", justify="center")
        tones = (
            ("Green", look.green),
            ("Blue", look.blue),
            ("Amber", look.amber),
            ("Red", look.red),
        )
        for name, tone in tones:
            for kind in ("Badge", "Line", "Drop"):
                style.configure(
                    f"{name}.{kind}.TLabel", foreground=tone.foreground, background=tone.background
                )
            style.configure(f"{name}.TFrame", background=tone.background)

    def _colour_buttons(self, look: Palette) -> None:
        plain = [("disabled", look.background), ("pressed", look.line), ("active", look.hover)]
        for kind in ("TButton", "TMenubutton"):
            self._style.configure(
                kind,
                background=look.field,
                lightcolor=look.field,
                darkcolor=look.field,
                arrowcolor=look.quiet,
            )
            self._style.map(
                kind,
                background=plain,
                lightcolor=[("focus", look.accent), *plain],
                darkcolor=[("focus", look.accent), *plain],
                bordercolor=[("focus", look.accent)],
                arrowcolor=[("disabled", look.disabled)],
            )
        main = [("disabled", look.hover)]
        self._style.configure(
            "Main.TButton",
            background=look.accent,
            foreground=look.on_accent,
            bordercolor=look.accent,
            lightcolor=look.accent,
            darkcolor=look.accent,
        )
        ring = [("focus", look.on_accent)]
        self._style.map(
            "Main.TButton",
            background=main,
            foreground=[("disabled", look.disabled)],
            bordercolor=[("focus", look.foreground), ("disabled", look.line)],
            lightcolor=[*ring, *main],
            darkcolor=[*ring, *main],
        )
        # The button of the open tab looks pressed into the panel; tabs.py sets `selected`.
        self._style.configure("Tab.TButton", background=look.background, foreground=look.quiet)
        chosen = [("selected", look.field), ("active", look.hover)]
        self._style.map("Tab.TButton", background=chosen, foreground=[("selected", look.accent)])

    def _colour_entries(self, look: Palette) -> None:
        focus = [("focus", look.accent)]
        for kind in ("TEntry", "Slim.TEntry"):
            self._style.configure(kind, foreground=look.foreground, lightcolor=look.field)
            self._style.map(
                kind,
                bordercolor=focus,
                lightcolor=focus,
                fieldbackground=[("disabled", look.background)],
            )
        self._style.configure(
            "Bad.TEntry", lightcolor=look.red.foreground, bordercolor=look.red.foreground
        )
        self._style.map("Bad.TEntry", bordercolor=[], lightcolor=[])
