"""The commands about files that a person types in the terminal: /send, /files, /cancel, /retry."""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from proxim.core import events as ev
from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction
from proxim.core.i18n import tr
from proxim.ui.file_uris import file_path
from proxim.ui.text.console import Lines
from proxim.ui.text.files import TransferReport

_ALL: Final = "all"
# What file managers call places that are not mounted. Web addresses are texts.
_REMOTE_SCHEMES: Final = frozenset(
    {"smb", "sftp", "ftp", "ftps", "ssh", "dav", "davs", "afp", "nfs", "mtp", "gphoto2"}
)


class FileCommands:
    """Carries out `/send`, `/files`, `/cancel` and `/retry`.

    `send` sends paths over every open link, and returns the reason if it cannot.
    """

    def __init__(
        self,
        lines: Lines,
        report: TransferReport,
        post: Callable[[ev.Intent], None],
        send: Callable[[tuple[str, ...]], Reason | None],
    ) -> None:
        self._lines = lines
        self._report = report
        self._post = post
        self._send_paths = send

    def handle(self, typed: str, transfers: Sequence[file_st.TransferStatus]) -> bool:
        """Carry out a line that begins with "/"; return False if it is none of these commands."""
        word, _, rest = typed.partition(" ")
        match word.lower():
            case "/send":
                self._send(rest)
            case "/files":
                self._report.list(transfers)
            case "/cancel":
                may_end = [one for one in transfers if not one.over]
                for one in self._chosen(
                    word, rest.strip(), transfers, may_end, "terminal.nothingToCancel"
                ):
                    self._post(file_ev.CancelTransfer(one.transfer))
            case "/retry":
                may_retry = [one for one in transfers if _may_retry(one)]
                for one in self._chosen(
                    word, rest.strip(), transfers, may_retry, "terminal.nothingToRetry"
                ):
                    self._post(file_ev.RetryTransfer(one.transfer))
            case _:
                return False
        return True

    def _send(self, typed: str) -> None:
        try:
            paths = split_paths(typed, backslash_escapes=os.sep != "\\")
        except ValueError:
            self._lines.say(tr("terminal.quoteMissing"))
            return
        if not paths:
            self._lines.say(tr("terminal.sendUsage"))
            return
        reason = self._send_paths(
            tuple(os.path.abspath(os.path.expanduser(path)) for path in paths)
        )
        if reason is not None:
            self._lines.say(SENTENCES[reason])

    def _chosen(
        self,
        word: str,
        typed: str,
        transfers: Sequence[file_st.TransferStatus],
        possible: list[file_st.TransferStatus],
        none: str,
    ) -> list[file_st.TransferStatus]:
        """Return the transfers that a command means: the only possible one, the one with the typed
        number in the whole list, or all possible ones.

        `none` is the key of the sentence for when no transfer is possible.
        """
        if not possible:
            self._lines.say(tr(none))
            return []
        if typed.lower() == _ALL or (not typed and len(possible) == 1):
            return possible
        if not typed:
            self._report.list(transfers)
            self._lines.say(tr("terminal.whichTransfer", command=word.lower()))
            return []
        number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0
        if not 1 <= number <= len(transfers) or transfers[number - 1] not in possible:
            self._lines.say(tr("terminal.noSuchTransfer"))
            return []
        return [transfers[number - 1]]


@dataclass(frozen=True, slots=True)
class TypedFiles:
    """A line that is nothing but files of this machine."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotMounted:
    """A line that is an address as a file manager copies it, which is no file of this machine."""

    scheme: str


def read_typed(line: str) -> TypedFiles | NotMounted | None:
    """Return what a line means that was typed, pasted or dropped alone; None for a text.

    Files are existing absolute paths, paths that begin with "~", and `file://` addresses.
    """
    scheme = line.strip().partition("://")[0].lower()
    if scheme in _REMOTE_SCHEMES and "://" in line:
        return NotMounted(f"{scheme}://")
    # A name with spaces may have been pasted without quotation marks.
    whole = _typed_path(line.strip())
    if whole is not None:
        return TypedFiles((whole,))
    try:
        words = split_paths(line, backslash_escapes=os.sep != "\\")
    except ValueError:
        return None
    paths = [_typed_path(word) for word in words]
    found = tuple(path for path in paths if path is not None)
    return TypedFiles(found) if found and len(found) == len(paths) else None


def _typed_path(word: str) -> str | None:
    """Return the absolute path of a file or folder that exists, or None."""
    if word.lower().startswith("file:"):
        return _existing(file_path(word))
    expanded = os.path.expanduser(word) if word.startswith("~") else word
    return _existing(expanded) if os.path.isabs(expanded) else None


def _existing(path: str | None) -> str | None:
    # Nobody means the whole disk.
    if path is None or not os.path.basename(path.rstrip(os.sep)):
        return None
    try:
        return path if os.path.exists(path) else None
    except (OSError, ValueError):
        return None


def split_paths(typed: str, *, backslash_escapes: bool) -> list[str]:
    """Split a line into paths as a shell does; terminals also quote a dropped file that way.

    Raises ValueError if a quotation mark is missing.
    """
    reader = shlex.shlex(typed, posix=True, punctuation_chars=False)
    reader.whitespace_split = True
    reader.commenters = ""
    # On Windows a backslash separates folders, and ' may be part of a name.
    if not backslash_escapes:
        reader.escape = ""
        reader.quotes = '"'
    return [path for path in reader if path]


def _may_retry(status: file_st.TransferStatus) -> bool:
    if status.direction is not Direction.OUT or not status.over:
        return False
    return bool(status.failed) or status.state is not file_st.TransferState.DONE
