"""The Tk root as Proxim needs it: sharp at any scaling, its own name, its own icon."""

import logging
import os
import sys
import tkinter
from pathlib import Path
from typing import Final

from proxim.core.i18n import language_in_use

_log = logging.getLogger(__name__)

# `tk scaling` is pixels per point
POINTS_PER_INCH: Final = 72
# What 100 % means on Windows and X11
PLAIN_DPI: Final = 96
# 50 % to 800 %; anything else is a screen that lies about its size
_DPI_RANGE: Final = range(48, 769)
# It answers in 5 ms; a display that hangs must not keep the window away
_XRDB_SECONDS: Final = 0.5
# After the first paint: decoding it takes a few milliseconds, a language one
_ICON_DELAY_MS: Final = 50


def make_root() -> tkinter.Tk:
    """The application's root, hidden until Window fills it.

    Raises tkinter.TclError where there is no display.
    """
    if sys.platform == "win32":
        _declare_dpi_awareness()
    root = tkinter.Tk(className="Proxim")
    root.withdraw()
    root.title("Proxim")
    dpi = _desktop_dpi(root)
    if dpi is not None:
        root.tk.call("tk", "scaling", dpi / POINTS_PER_INCH)
    timer = root.after(_ICON_DELAY_MS, _after_first_paint, root)
    root.bind(
        "<Destroy>",
        lambda event: root.after_cancel(timer) if event.widget is root else None,
        add=True,
    )
    return root


def scale_of(root: tkinter.Tk) -> float:
    """How many pixels one pixel of a 100 % screen is here."""
    if root.tk.call("tk", "windowingsystem") == "aqua":
        # macOS scales whole windows by itself
        return 1.0
    scaling = float(root.tk.call("tk", "scaling"))
    return scaling * POINTS_PER_INCH / PLAIN_DPI


def installed(program: str) -> bool:
    """Whether a program can be run by its name; shutil.which says the same, but takes 2 ms to
    import.
    """
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path())


def _declare_dpi_awareness() -> None:
    """Without this, Windows enlarges a finished picture of the window, and it is blurred."""
    # Again, for the type checker
    if sys.platform == "win32":
        import ctypes

        try:
            # Of the system: Tk 8.6 cannot change while it runs
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except OSError as error:
            _log.info("blurred on a scaled screen: %s", error)


def darken_title_bar(window: tkinter.Misc, dark: bool) -> None:
    """Windows draws a light title bar unless it is asked; elsewhere the system decides."""
    if sys.platform == "win32":
        import ctypes

        # DWMWINDOWATTRIBUTE, Windows 10 20H1 and later; older ones answer with an error
        use_immersive_dark_mode = 20
        value = ctypes.c_int(dark)
        frame = ctypes.windll.user32.GetParent(window.winfo_id())
        ctypes.windll.dwmapi.DwmSetWindowAttribute(
            frame, use_immersive_dark_mode, ctypes.byref(value), 4
        )


def _desktop_dpi(root: tkinter.Tk) -> float | None:
    """The desktop's own setting on X11, as Tk 9 reads it; None: Tk's guess from the screen's size
    stands.
    """
    if root.tk.call("tk", "windowingsystem") != "x11":
        return None
    dpi = _xft_dpi()
    if dpi is None:
        dpi = round(root.winfo_fpixels("1i"))
        if dpi in _DPI_RANGE:
            return None
        dpi = PLAIN_DPI
    return dpi


def _xft_dpi() -> float | None:
    """`Xft.dpi` of the X resources, which desktops set to 192 for 200 %."""
    if not installed("xrdb"):
        return None
    # Only here: the window is to show soon
    import subprocess

    try:
        listed = subprocess.run(
            ["xrdb", "-query"], capture_output=True, text=True, timeout=_XRDB_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        _log.info("no answer from xrdb: %s", error)
        return None
    for line in listed.stdout.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Xft.dpi":
            try:
                dpi = float(value)
            except ValueError:
                return None
            return dpi if round(dpi) in _DPI_RANGE else None
    return None


def _after_first_paint(root: tkinter.Tk) -> None:
    _set_icon(root)
    # Tk's own words, in its dialogs that choose files: it knows the system's language, but not
    # --language
    try:
        root.tk.call("::msgcat::mclocale", language_in_use())
    except tkinter.TclError as error:
        _log.info("Tk's dialogs speak the system's language: %s", error)


def _set_icon(root: tkinter.Tk) -> None:
    path = Path(__file__).with_name("proxim.png")
    try:
        root.iconphoto(True, tkinter.PhotoImage(master=root, file=str(path)))
    except tkinter.TclError as error:
        _log.warning("the icon is unreadable: %s", error)
