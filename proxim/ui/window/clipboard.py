"""What is on the clipboard, as something to send: copied files, or text.

Read when the person asks, never before.
"""

import sys
import tkinter
from typing import Final
from urllib.parse import unquote, urlsplit

# Where file managers put what was copied: GNOME's first (its first line says "copy" or "cut"), then
# everybody's.
_FILE_TARGETS: Final = ("x-special/gnome-copied-files", "text/uri-list")
_TEXT_TARGETS: Final = ("UTF8_STRING", "STRING")
_LOCAL_HOSTS: Final = frozenset({"", "localhost"})


def copied_files(widget: tkinter.Misc) -> tuple[str, ...]:
    """Paths of the files that were copied in a file manager; none where something else is on the
    clipboard.
    """
    if widget.tk.call("tk", "windowingsystem") != "x11":
        # Elsewhere Tk hands out text only
        return ()
    offered = _get(widget, "TARGETS") or ""
    for target in _FILE_TARGETS:
        if target in offered.split() and (
            paths := file_paths(from_bytes(_get(widget, target) or ""))
        ):
            return paths
    return ()


def copied_text(widget: tkinter.Misc) -> str | None:
    """The text that was copied."""
    if widget.tk.call("tk", "windowingsystem") != "x11":
        return _get(widget, None)
    return next((text for target in _TEXT_TARGETS if (text := _get(widget, target))), None)


def file_paths(listed: str) -> tuple[str, ...]:
    """Paths of a list of URIs; none at all if one of them is no file of this machine."""
    paths = []
    for line in listed.replace("\0", "").splitlines():
        if not line.strip() or line.startswith("#") or line in ("copy", "cut"):
            continue
        path = _path(line.strip())
        if path is None:
            return ()
        paths.append(path)
    return tuple(paths)


def from_bytes(text: str) -> str:
    """Tk 8.6 gives the bytes of a type that it does not know as "0x66 0x69 ..."; newer ones give
    them as text.
    """
    words = text.split()
    if not words or not all(word.startswith("0x") for word in words):
        return text
    return bytes(int(word, 16) & 0xFF for word in words).decode("utf-8", "replace")


def _path(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in _LOCAL_HOSTS:
        return None
    # Bytes that are no UTF-8 stay what they are, as in every path that Python hands to the system.
    path = unquote(parts.path, errors=sys.getfilesystemencodeerrors())
    return path if path.startswith("/") and "\0" not in path else None


def _get(widget: tkinter.Misc, target: str | None) -> str | None:
    try:
        return str(widget.clipboard_get() if target is None else widget.clipboard_get(type=target))
    except (tkinter.TclError, UnicodeError):
        # Nothing there, or not as this
        return None
