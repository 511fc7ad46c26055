"""What is on the clipboard: files, text, a picture, or something that cannot be sent.

The clipboard is read only when the person asks for it. Tk gives its text alone, so the rest comes
from libX11 (x11_clipboard.py) where windows are those of X11, and from Pillow on Windows and macOS.

Programs offer one content in several types. Files come first, as file managers offer their names as
text, too. Text comes before a picture: spreadsheets offer their cells as both, and mean the text.
"""

import io
import logging
import subprocess
import sys
import tkinter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxim.core.i18n import tr
from proxim.ui.file_uris import file_path

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from PIL import Image

_log = logging.getLogger(__name__)

# File managers offer copied files as these types: GNOME's with "copy" or "cut" in its first line,
# and the common one.
_FILE_TARGETS: Final = ("x-special/gnome-copied-files", "text/uri-list")
# The last two are Latin-1 by the ICCCM (2.6.2), and text of an unknown encoding.
_TEXT_TARGETS: Final = (
    "UTF8_STRING",
    "text/plain;charset=utf-8",
    "text/plain;charset=UTF-8",
    "STRING",
    "text/plain",
)
# Older names of the same (ICCCM, 2.6.2), which come beside one of those above.
_OLD_TEXT_TARGETS: Final = ("TEXT", "COMPOUND_TEXT")
# Nearly every program offers PNG; the others are those that every device shows.
_PICTURE_TARGETS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
}
# Programs with Tk offer this, and so does this program.
_TK_OWNER: Final = "TK_WINDOW"
# What X11 programs offer besides the content: facts about it, and requests to the owner (ICCCM,
# 2.6.2 and 2.6.3; SAVE_TARGETS is freedesktop.org's, the others GTK's and Qt's).
_NO_CONTENT: Final = frozenset(
    {
        "TARGETS",
        "MULTIPLE",
        "TIMESTAMP",
        "DELETE",
        "INSERT_SELECTION",
        "INSERT_PROPERTY",
        "SAVE_TARGETS",
        "TK_APPLICATION",
        _TK_OWNER,
        "x-special/nautilus-clipboard",
    }
)
# Seconds: osascript needs a quarter of one, and the window stands still meanwhile.
_OSASCRIPT_SECONDS: Final = 3.0
# Finder names files by their numbers, which only macOS itself turns into paths.
MACOS_FILES: Final = (
    'ObjC.import("AppKit");'
    "const items = $.NSPasteboard.generalPasteboard.pasteboardItems;"
    "const paths = [];"
    "for (let at = 0; at < items.count; at++) {"
    'const url = items.objectAtIndex(at).stringForType("public.file-url");'
    "if (!url.isNil()) paths.push($.NSURL.URLWithString(url).path.js);"
    "}"
    "JSON.stringify(paths);"
)


@dataclass(frozen=True, slots=True)
class CopiedFiles:
    """Files and folders that were copied in a file manager, as absolute paths."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CopiedText:
    """Text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CopiedPicture:
    """A picture, as the bytes of a file; `suffix` is the ending of its name, such as ".png"."""

    suffix: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotCopied:
    """Why nothing can be sent, as a sentence."""

    sentence: str


Copied = CopiedFiles | CopiedText | CopiedPicture | NotCopied


def copied(widget: tkinter.Misc) -> Copied:
    """Return what is on the clipboard."""
    if _system(widget) == "x11":
        return _copied_x11(widget)
    return _copied_pillow(widget)


def copied_text(widget: tkinter.Misc) -> str | None:
    """Return the text on the clipboard, also beside copied files; None if there is none."""
    if _system(widget) != "x11":
        return _tk_text(widget)
    found = _x11_text(widget, _offered(widget))
    return found.text if isinstance(found, CopiedText) else None


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


class PictureFolder:
    """Keeps copied pictures as files while they are sent: a transfer reads files.

    Only this person can read the folder. It is made with the first picture and goes with the
    window, so that a transfer can be tried again until then.
    """

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None

    def save(self, picture: CopiedPicture, moment: str) -> str:
        """Write a picture to a file; return its path. The name has the moment in it.

        Raises OSError if the disk is full.
        """
        # This is imported late, as few people ever copy a picture.
        import tempfile

        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="proxim-copied-", ignore_cleanup_errors=True
            )
        name = tr("link.pictureName", time=moment)
        path = Path(self._folder.name, f"{name}{picture.suffix}")
        count = 1
        while path.exists():
            count += 1
            path = path.with_name(f"{name} ({count}){picture.suffix}")
        path.write_bytes(picture.data)
        return str(path)

    def remove(self) -> None:
        """Remove the pictures."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


# --- X11 ------------------------------------------------------------------------------------------


def _copied_x11(widget: tkinter.Misc) -> Copied:
    offered = _offered(widget)
    for target in _FILE_TARGETS:
        if target in offered:
            listed = _read(widget, target)
            if isinstance(listed, NotCopied):
                return listed
            paths = file_paths((listed or b"").decode("utf-8", "surrogateescape"))
            if paths:
                return CopiedFiles(paths)
    text_found = _x11_text(widget, offered)
    if text_found is not None:
        return text_found
    for target, suffix in _PICTURE_TARGETS.items():
        if target in offered:
            data = _read(widget, target)
            if isinstance(data, NotCopied):
                return data
            if data:
                return CopiedPicture(suffix, data)
    if any(target in offered for target in _PICTURE_TARGETS):
        return NotCopied(tr("link.copiedEmpty"))
    # A text that is offered is an empty one here.
    known = {*_NO_CONTENT, *_TEXT_TARGETS, *_OLD_TEXT_TARGETS}
    other = next((target for target in offered if target not in known), None)
    return NotCopied(tr("link.copiedOther", kind=other) if other else tr("link.nothingCopied"))


def _x11_text(widget: tkinter.Misc, offered: tuple[str, ...]) -> CopiedText | NotCopied | None:
    """Return the text that is offered, why it cannot be read, or None if there is none."""
    if _TK_OWNER in offered:
        # This program cannot answer while it waits for an answer. Tk reads what Tk offers.
        own = _tk_text(widget)
        return CopiedText(own) if own else None
    for target in _TEXT_TARGETS:
        if target in offered:
            data = _read(widget, target)
            if isinstance(data, NotCopied):
                return data
            # Some programs end their text with the NUL of C.
            text = _decoded(data or b"", target).rstrip("\0")
            if text:
                return CopiedText(text)
    return None


def _decoded(data: bytes, target: str) -> str:
    if target == "STRING":
        return data.decode("latin-1")
    return data.decode("utf-8", "replace")


def _offered(widget: tkinter.Misc) -> tuple[str, ...]:
    """Return the types in which the owner offers the content; Tk looks up their names safely."""
    try:
        # A name with a semicolon stands in braces.
        return tuple(map(str, widget.tk.splitlist(widget.clipboard_get(type="TARGETS"))))
    except (tkinter.TclError, UnicodeError):
        # The clipboard is empty, or its owner does not answer.
        return ()


def _read(widget: tkinter.Misc, target: str) -> bytes | NotCopied | None:
    """Return the content in one type; None if its owner does not give it."""
    # This is imported late: ctypes takes milliseconds, and the window must show soon.
    from proxim.ui.window.x11_clipboard import LibraryMissingError, TooLargeError, X11Clipboard

    try:
        with X11Clipboard(widget.winfo_screen()) as clipboard:
            return clipboard.read(target)
    except LibraryMissingError as error:
        return NotCopied(tr("link.copiedMissing", library=str(error)))
    except TooLargeError:
        return NotCopied(tr("link.copiedTooLarge"))
    except TimeoutError:
        # The other types would be waited for as long.
        return NotCopied(tr("link.copiedNoAnswer"))
    except OSError as error:
        _log.info("the clipboard cannot be read: %s", error)
        return None


# --- Windows and macOS ----------------------------------------------------------------------------


def _copied_pillow(widget: tkinter.Misc) -> Copied:
    # Copied files may come with their names as text, or their icon as a picture.
    paths = _macos_files() if sys.platform == "darwin" else _windows_files()
    if paths:
        return CopiedFiles(paths)
    text = _tk_text(widget)
    if text:
        return CopiedText(text)
    try:
        found = _grabbed()
        # Pillow reads the picture only when it is used.
        if found is not None and not isinstance(found, list):
            return _as_png(found)
    except ImportError:
        return NotCopied(tr("link.copiedMissing", library="Pillow"))
    except (OSError, ValueError) as error:
        _log.info("the copied picture cannot be read: %s", error)
    return NotCopied(tr("link.nothingCopied"))


def _windows_files() -> tuple[str, ...]:
    try:
        found = _grabbed()
    except ImportError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _grabbed() -> "Image.Image | list[str] | None":
    """Return the picture or the files that Pillow finds; raise ImportError without Pillow."""
    from PIL import ImageGrab

    try:
        return ImageGrab.grabclipboard()
    except (OSError, ValueError) as error:
        # The data is no picture that Pillow reads, or another program holds the clipboard.
        _log.info("the clipboard cannot be read: %s", error)
        return None


def _as_png(picture: "Image.Image") -> CopiedPicture:
    written = io.BytesIO()
    picture.save(written, "PNG")
    return CopiedPicture(".png", written.getvalue())


def _macos_files() -> tuple[str, ...]:
    """Return the files that were copied in Finder, which offers their icons as a picture."""
    import json

    try:
        answer = subprocess.run(
            ["osascript", "-l", "JavaScript", "-e", MACOS_FILES],
            capture_output=True,
            timeout=_OSASCRIPT_SECONDS,
            check=True,
        )
        return tuple(map(str, json.loads(answer.stdout)))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        _log.info("copied files cannot be asked for: %s", type(error).__name__)
        return ()


def _system(widget: tkinter.Misc) -> str:
    return str(widget.tk.call("tk", "windowingsystem"))


def _tk_text(widget: tkinter.Misc) -> str | None:
    try:
        return str(widget.clipboard_get())
    except (tkinter.TclError, UnicodeError):
        # The clipboard has no text.
        return None
