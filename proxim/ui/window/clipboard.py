"""The files or the text on the clipboard, to be sent.

The clipboard is read only when the person asks for it.
"""

import tkinter
from typing import Final

from proxim.ui.file_uris import file_path

# File managers offer copied files as these types: GNOME's with "copy" or "cut" in its first line,
# and the common one.
_FILE_TARGETS: Final = ("x-special/gnome-copied-files", "text/uri-list")
_TEXT_TARGETS: Final = ("UTF8_STRING", "STRING")


def copied_files(widget: tkinter.Misc) -> tuple[str, ...]:
    """Return the paths of the files that were copied in a file manager, or none if the clipboard
    has something else.
    """
    if widget.tk.call("tk", "windowingsystem") != "x11":
        # On other systems Tk offers only text.
        return ()
    offered = _get(widget, "TARGETS") or ""
    for target in _FILE_TARGETS:
        if target in offered.split() and (
            paths := file_paths(from_bytes(_get(widget, target) or ""))
        ):
            return paths
    return ()


def copied_text(widget: tkinter.Misc) -> str | None:
    """Return the text that was copied, or None."""
    if widget.tk.call("tk", "windowingsystem") != "x11":
        return _get(widget, None)
    return next((text for target in _TEXT_TARGETS if (text := _get(widget, target))), None)


def file_paths(listed: str) -> tuple[str, ...]:
    """Return the paths in a list of URIs, or none at all if one URI is no file of this machine."""
    paths = []
    for line in listed.replace("\0", "").splitlines():
        if not line.strip() or line.startswith("#") or line in ("copy", "cut"):
            continue
        path = file_path(line.strip())
        if path is None:
            return ()
        paths.append(path)
    return tuple(paths)


def from_bytes(text: str) -> str:
    """Decode what Tk returns for a type that it does not know.

    Tk 8.6 returns the bytes as "0x66 0x69 ...", newer versions as text.
    """
    words = text.split()
    if not words or not all(word.startswith("0x") for word in words):
        return text
    return bytes(int(word, 16) & 0xFF for word in words).decode("utf-8", "replace")


def _get(widget: tkinter.Misc, target: str | None) -> str | None:
    try:
        return str(widget.clipboard_get() if target is None else widget.clipboard_get(type=target))
    except (tkinter.TclError, UnicodeError):
        # The clipboard is empty, or has nothing of this type.
        return None
