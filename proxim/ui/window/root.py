"""The Tk root as Proxim needs it: sharp on any scaled screen, with its own name and icon."""

import logging
import math
import os
import sys
import tkinter
from pathlib import Path
from typing import Final

from proxim.core.i18n import language_in_use

_log = logging.getLogger(__name__)

# `tk scaling` is in pixels per point.
POINTS_PER_INCH: Final = 72
# Windows and X11 call this resolution 100 %.
PLAIN_DPI: Final = 96
# These are 50 % to 800 %; with any other value the screen reports a wrong size.
_DPI_RANGE: Final = range(48, 769)
# Milliseconds: this is after the first paint, as decoding the icon takes a few milliseconds and
# setting the language one. It is before anybody can type.
_ICON_DELAY_MS: Final = 50


def make_root() -> tkinter.Tk:
    """Make the application's root, hidden until Window fills it.

    Raises tkinter.TclError if there is no display.
    """
    if sys.platform == "win32":
        _declare_dpi_awareness()
    root = tkinter.Tk(className="Proxim")
    root.withdraw()
    root.title("Proxim")
    dpi = _desktop_dpi(root)
    if dpi is not None:
        root.tk.call("tk", "scaling", dpi / POINTS_PER_INCH)
    # X11 would ask its server about each widget that is shown, one after the other: 4 ms. They
    # begin when the window is painted (Window.painted).
    root.tk.call("tk", "useinputmethods", False)
    timer = root.after(_ICON_DELAY_MS, _after_first_paint, root)
    root.bind(
        "<Destroy>",
        lambda event: root.after_cancel(timer) if event.widget is root else None,
        add=True,
    )
    return root


def scale_of(root: tkinter.Tk) -> float:
    """Return how many pixels of this screen one pixel of a 100 % screen takes."""
    if root.tk.call("tk", "windowingsystem") == "aqua":
        # macOS scales whole windows by itself.
        return 1.0
    scaling = float(root.tk.call("tk", "scaling"))
    return scaling * POINTS_PER_INCH / PLAIN_DPI


def installed(program: str) -> bool:
    """Return whether a program can be run by its name.

    shutil.which does the same, but takes 2 ms to import.
    """
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path())


def _declare_dpi_awareness() -> None:
    """Make the window sharp on Windows, which otherwise enlarges a finished picture of it."""
    # The type checker needs the condition again.
    if sys.platform == "win32":
        import ctypes

        try:
            # This is the mode of the whole system, as Tk 8.6 cannot change its scaling while it
            # runs.
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except OSError as error:
            _log.info("blurred on a scaled screen: %s", error)


def darken_title_bar(window: tkinter.Misc, dark: bool) -> None:
    """Make the title bar dark on Windows; elsewhere the system decides."""
    if sys.platform == "win32":
        import ctypes

        # This DWMWINDOWATTRIBUTE exists since Windows 10 20H1; older versions return an error.
        use_immersive_dark_mode = 20
        value = ctypes.c_int(dark)
        frame = ctypes.windll.user32.GetParent(window.winfo_id())
        ctypes.windll.dwmapi.DwmSetWindowAttribute(
            frame, use_immersive_dark_mode, ctypes.byref(value), 4
        )


def _desktop_dpi(root: tkinter.Tk) -> float | None:
    """Return the desktop's own DPI on X11, as Tk 9 reads it; None if Tk's guess from the screen's
    size is to be kept.
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
    """Return `Xft.dpi` of the X resources, which desktops set to 192 for 200 %.

    Tk knows the resources, but gives out only those that begin with its own name. The library is
    the one that Tk has loaded; to start `xrdb` for this takes ten times as long.
    """
    import ctypes

    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError as error:
        _log.info("the X resources cannot be read: %s", error)
        return None
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XGetDefault.restype = ctypes.c_char_p
    x11.XGetDefault.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    # None stands for $DISPLAY, which is also where Tk's window is.
    display = x11.XOpenDisplay(None)
    if display is None:
        return None
    # The text belongs to the display, and ctypes copies it.
    value = x11.XGetDefault(display, b"Xft", b"dpi")
    x11.XCloseDisplay(display)
    try:
        dpi = float(value or b"")
    except ValueError:
        return None
    # Neither NaN nor infinity can be rounded.
    return dpi if math.isfinite(dpi) and round(dpi) in _DPI_RANGE else None


def _after_first_paint(root: tkinter.Tk) -> None:
    _set_icon(root)
    # Tk's dialogs that choose files have texts of their own. Tk knows the system's language, but
    # not --language.
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
