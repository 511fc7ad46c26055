"""What a transfer consists of: its files and folders as announced, what of them is done, what is
still wanted.

Positions are counted in files (by their place in the manifest) and bytes within a file.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from proxim.core.errors import Reason

# One transfer, for its life, resumptions included. 128 random bits that only the two ends know:
# whoever names one after a lost link is the peer that it was begun with. So it is shown to its own
# person, and never logged.
TransferID = NewType("TransferID", str)

TRANSFER_ID_BYTES: Final = 16
# Files and folders of one transfer; twice the 10,000 photos of a full camera
MAX_ENTRIES: Final = 20_000
# Of one entry, with its folders; below PATH_MAX of every system but old Windows
MAX_PATH_BYTES: Final = 1024
# Folders within folders
MAX_DEPTH: Final = 32
# A petabyte: no disk has it, and sums stay exact in JavaScript (2^53)
MAX_FILE_BYTES: Final = 1 << 50


class Direction(StrEnum):
    """Which way a transfer goes, seen from here."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder as announced."""

    # Relative, with "/" between its parts, the first of which is what the person chose
    path: str
    # Bytes; 0 for a folder
    size: int = 0
    # Seconds since 1970
    modified: int | None = None
    directory: bool = False

    @property
    def top(self) -> str:
        """What the person chose: the file itself, or the folder that it is in."""
        return self.path.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Span:
    """`count` entries from `first` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Partial:
    """A file of which the receiver has the first `offset` bytes, with their SHA-256."""

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


START: Final = Position(0, 0)


def total_size(entries: Iterable[Entry]) -> int:
    """Bytes of all files together."""
    return sum(entry.size for entry in entries)


def digest(entries: Iterable[Entry]) -> bytes:
    """SHA-256 over the manifest: the same only where it is the same files."""
    total = hashlib.sha256()
    for one in entries:
        total.update(
            f"{len(one.path)}:{one.path}:{one.size}:{one.modified}:{one.directory};".encode()
        )
    return total.digest()


def resume_tag(transfer: TransferID, binding: bytes = b"") -> bytes:
    """What a receiver names an unfinished transfer by: only who knows its id can tell which one it
    is.

    `binding`: what only this link has (Speaker.binding). Without it whoever was told a tag on one
    link could say it on another, and be taken there for the device that the transfer was begun
    with.
    """
    return hashlib.sha256(b"proxim-resume-1 " + binding + transfer.encode()).digest()


def spans(indices: Iterable[int]) -> tuple[Span, ...]:
    """Ascending indices, neighbours drawn together."""
    found: list[Span] = []
    for index in indices:
        if found and found[-1].first + found[-1].count == index:
            found[-1] = Span(found[-1].first, found[-1].count + 1)
        else:
            found.append(Span(index, 1))
    return tuple(found)


def indices(of: Iterable[Span]) -> Iterator[int]:
    """What spans() drew together."""
    for span in of:
        yield from range(span.first, span.first + span.count)


def title(entries: tuple[Entry, ...]) -> str:
    """The first thing that the person chose; the others are counted beside it."""
    return entries[0].top if entries else ""


def chosen(entries: Iterable[Entry]) -> int:
    """How many things the person chose: files, and folders with all that is in them."""
    return len({entry.top for entry in entries})


def remaining(
    entries: tuple[Entry, ...],
    skip: Iterable[Span] = (),
    partial: Iterable[Partial] = (),
    position: Position = START,
) -> int:
    """Bytes that are still to come, where everything before `position` has, and of `partial` files
    their beginnings.
    """
    skipped = set(indices(skip))
    have = {one.index: one.offset for one in partial}
    have[position.index] = max(position.offset, have.get(position.index, 0))
    wanted = (index for index in range(position.index, len(entries)) if index not in skipped)
    return sum(max(0, entries[index].size - have.get(index, 0)) for index in wanted)
