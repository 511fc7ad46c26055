"""What stands under the paths that a person chose, as the entries of a transfer.

Synchronous: a large folder takes a while.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files.filenames import Names
from proxim.core.files.manifest import MAX_DEPTH, MAX_ENTRIES, MAX_FILE_BYTES, MAX_PATH_BYTES, Entry
from proxim.io.files.folders import is_link
from proxim.io.files.source import SourceFile, modified
from proxim.io.system.disk_errors import FileError, read_reason

TOP_WITHOUT_NAME: Final = "Files"  # a drive or the root folder itself


@dataclass(frozen=True, slots=True)
class Listing:
    """The files and folders to be sent, and what of them cannot be."""

    files: tuple[SourceFile, ...]
    # By their paths within the transfer
    refused: tuple[tuple[str, Reason], ...] = field(default=(), repr=False)


def encodable(name: str) -> str:
    """A name as the wire can carry it: bytes that are no UTF-8, as Linux allows, are shown as
    unknown.
    """
    return (
        name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not name.isascii()
        else name
    )


class _Walk:
    """One look at the disk."""

    def __init__(self, only: Sequence[str] | None) -> None:
        self.files: list[SourceFile] = []
        self.refused: list[tuple[str, Reason]] = []
        self._only = None if only is None else frozenset(only)

    def refuse(self, path: str, reason: Reason) -> None:
        if self._only is None or path in self._only:
            self.refused.append((path, reason))
        self._count()

    def _count(self) -> None:
        if len(self.files) > MAX_ENTRIES or len(self.refused) > MAX_ENTRIES:
            raise FileError(Reason.TOO_MANY_FILES)

    def add(self, relative: str, path: str, found: os.stat_result) -> None:
        """A file, or a folder with all that is in it."""
        folder = stat.S_ISDIR(found.st_mode)
        if is_link(found) or not (folder or stat.S_ISREG(found.st_mode)):
            self.refuse(relative, Reason.NOT_A_FILE)
        elif relative.count("/") >= MAX_DEPTH or len(relative.encode()) > MAX_PATH_BYTES:
            self.refuse(relative, Reason.NAME_REFUSED)
        elif not os.access(path, os.R_OK):
            self.refuse(relative, Reason.FILE_UNREADABLE)
        elif not folder:
            size = min(found.st_size, MAX_FILE_BYTES)
            self._keep(SourceFile(Entry(relative, size, modified(found)), Path(path)))
        else:
            self._add_folder(relative, path, found)

    def _add_folder(self, relative: str, path: str, found: os.stat_result) -> None:
        try:
            with os.scandir(path) as listed:
                inside = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            self.refuse(relative, read_reason(error))
            return
        self._keep(SourceFile(Entry(relative, 0, modified(found), directory=True), Path(path)))
        for one in inside:
            below = f"{relative}/{encodable(one.name)}"
            try:
                status = os.lstat(one.path) if os.name == "nt" else one.stat(follow_symlinks=False)
            except OSError as error:
                self.refuse(below, read_reason(error))
                continue
            self.add(below, one.path, status)

    def _keep(self, file: SourceFile) -> None:
        if self._only is None or file.entry.path in self._only:
            self.files.append(file)
            self._count()


def _tops(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each path once, with the name that it goes by; two of the same name are told apart."""
    names = Names()
    seen = set()
    for path in paths:
        absolute = os.path.abspath(path)
        if absolute not in seen:
            seen.add(absolute)
            yield names.give(encodable(os.path.basename(absolute)) or TOP_WITHOUT_NAME), absolute


def list_sources(paths: Sequence[str], only: Sequence[str] | None) -> Listing:
    """Files and folders under `paths` in a fixed order, each folder before what is in it.

    Raises FileError.

    A chosen path that is a link is followed, for somebody chose it; a link inside a folder may lead
    anywhere, and is refused, as are pipes, devices and what may not be read. `only`: no others than
    these, by their paths in the transfer.
    """
    walk = _Walk(only)
    for name, path in _tops(paths):
        try:
            real = os.path.realpath(path, strict=True)
            found = os.stat(real)
        except OSError as error:
            walk.refuse(name, read_reason(error))
            continue
        walk.add(name, real, found)
    if not walk.files:
        reason = walk.refused[0][1] if walk.refused else Reason.NOTHING_TO_SEND
        raise FileError(reason, "nothing of it can be sent")
    return Listing(tuple(walk.files), tuple(walk.refused))
