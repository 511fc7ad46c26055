"""The contents of a transfer: its files and folders as announced, which of them are done, and which
are still wanted.

A position counts in files (by their place in the manifest) and in bytes within a file.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from proxim.core import base64url
from proxim.core.errors import Reason

# Identifies one transfer for its life, resumptions included. It has 128 random bits that only the
# two ends know: a peer that names it after a lost link is the peer that it was begun with. So it is
# shown only to its own person, and never logged.
TransferID = NewType("TransferID", str)

TRANSFER_ID_BYTES: Final = 16
TRANSFER_ID_CHARACTERS: Final = 22
# The spelling of an id: TRANSFER_ID_BYTES in base64url.
TRANSFER_ID: Final = re.compile(rf"{base64url.CHARACTER}{{{TRANSFER_ID_CHARACTERS}}}")
# Files and folders of one transfer; this is twice the 10,000 photos of a full camera.
MAX_ENTRIES: Final = 20_000
# The limit for one entry with its folders; it is below PATH_MAX of every system except old Windows.
MAX_PATH_BYTES: Final = 1024
# The depth of folders within folders.
MAX_DEPTH: Final = 32
# A petabyte: no disk has as much, and sums stay exact in JavaScript (2^53).
MAX_FILE_BYTES: Final = 1 << 50


class Direction(StrEnum):
    """The direction of a transfer, as seen from this device."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder as announced."""

    # A relative path with "/" between its parts; the first part is what the person chose.
    path: str
    # Bytes; 0 for a folder.
    size: int = 0
    # Seconds since 1970.
    modified: int | None = None
    directory: bool = False
    # Whether it is a program.
    executable: bool = False
    # The bytes that it takes on the sender's disk; None where that is all of them. A file with
    # holes, such as an image of a disk, takes fewer.
    stored: int | None = None

    @property
    def top(self) -> str:
        """What the person chose: the file itself, or the folder that contains it."""
        return self.path.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Span:
    """`count` entries, starting with `first`."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Partial:
    """The receiver has the first `offset` bytes of this file, with this SHA-256."""

    index: int
    offset: int
    sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before byte `offset` of file `index` is written."""

    index: int
    offset: int


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that did not arrive, and why."""

    index: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class LeftOutFile:
    """What the sender left out of a transfer, such as a link that leads elsewhere, and why."""

    path: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class RenamedFile:
    """A file or folder that the receiver gave another name than announced."""

    # As announced.
    path: str
    # The last part of its path, as the receiver's disk has it.
    name: str


START: Final = Position(0, 0)


def total_size(entries: Iterable[Entry]) -> int:
    """The bytes of all files together."""
    return sum(entry.size for entry in entries)


def count_files(entries: Iterable[Entry]) -> int:
    """The number of files, without folders."""
    return sum(1 for entry in entries if not entry.directory)


def paths_of(entries: Iterable[Entry]) -> set[str]:
    """The paths of all files and folders, also of folders that have no entry of their own."""
    found: set[str] = set()
    for entry in entries:
        path = entry.path
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def digest(entries: Iterable[Entry]) -> bytes:
    """SHA-256 over the manifest; two manifests with the same digest list the same files."""
    total = hashlib.sha256()
    for one in entries:
        total.update(
            f"{len(one.path)}:{one.path}:{one.size}:{one.modified}:{one.directory}:"
            f"{one.executable};".encode()
        )
    return total.digest()


def resume_tag(transfer: TransferID, binding: bytes = b"") -> bytes:
    """Return the tag by which a receiver names an unfinished transfer.

    Only a device that knows the transfer's id can tell which transfer the tag means. `binding` are
    bytes that only this link has (PeerLink.binding). Without them, a device that received a tag on
    one link could send it on another, and be taken there for the device that the transfer was begun
    with.
    """
    return hashlib.sha256(b"proxim-resume-1 " + binding + transfer.encode()).digest()


def spans(indices: Iterable[int]) -> tuple[Span, ...]:
    """Join ascending indices into spans of neighbours."""
    found: list[Span] = []
    for index in indices:
        if found and found[-1].first + found[-1].count == index:
            found[-1] = Span(found[-1].first, found[-1].count + 1)
        else:
            found.append(Span(index, 1))
    return tuple(found)


def indices(of: Iterable[Span]) -> Iterator[int]:
    """Yield the indices that spans() joined."""
    for span in of:
        yield from range(span.first, span.first + span.count)


def title(entries: tuple[Entry, ...]) -> str:
    """The first thing that the person chose; a face shows the count of the others beside it."""
    return entries[0].top if entries else ""


def chosen(entries: Iterable[Entry]) -> int:
    """The number of things that the person chose: files, and folders with all that is in them."""
    return len({entry.top for entry in entries})


def remaining(
    entries: tuple[Entry, ...],
    skip: Iterable[Span] = (),
    partial: Iterable[Partial] = (),
    position: Position = START,
) -> int:
    """The bytes that are still to come.

    Everything before `position` has arrived, and so have the beginnings of `partial` files.
    """
    skipped = set(indices(skip))
    have = {one.index: one.offset for one in partial}
    have[position.index] = max(position.offset, have.get(position.index, 0))
    wanted = (index for index in range(position.index, len(entries)) if index not in skipped)
    return sum(max(0, entries[index].size - have.get(index, 0)) for index in wanted)
