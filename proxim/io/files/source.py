"""Reads files from this machine's disk as the messages of a stream (core/files/stream.py).

It is synchronous and runs on a worker thread.
"""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files.filenames import Names
from proxim.core.files.manifest import (
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_PATH_BYTES,
    Entry,
    LeftOutFile,
    Partial,
    Position,
    Span,
    indices,
)
from proxim.core.files.stream import (
    HEADER_BYTES,
    LANE_MESSAGE_BYTES,
    Kind,
    end_record,
    failed_record,
    header,
    start_record,
)
from proxim.io.files.folders import is_link
from proxim.io.system.disk_errors import FileError, read_reason

# The name of a drive or of the root folder, which have none of their own.
TOP_WITHOUT_NAME: Final = "Files"
# POSIX: the unit of st_blocks, whatever the disk's own is.
STAT_BLOCK_BYTES: Final = 512
# Files with smaller holes are announced like any other; compressed ones have such holes, too.
LEAST_HOLES: Final = 1024 * 1024
# How much is read at once of a beginning that the receiver already has.
SCRATCH_BYTES: Final = 1024 * 1024
# A message with less room than this is sent as it is if the file needs more, because each record
# costs 10 us at each end.
LEAST_DATA: Final = 1024
# A pipe in a file's place must not block us, and a link must not lead elsewhere. Windows has
# neither flag; there, anything but a plain file is refused after opening.
_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An entry and its path on this machine."""

    entry: Entry
    path: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files and folders to be sent, and what is left out."""

    files: tuple[SourceFile, ...]
    left_out: tuple[LeftOutFile, ...] = field(default=(), repr=False)


def encodable(name: str) -> str:
    """Return a name that can be sent.

    Linux allows bytes that are not UTF-8; they become replacement characters.
    """
    return (
        name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not name.isascii()
        else name
    )


class _Walk:
    """One walk through the disk."""

    def __init__(self, only: Sequence[str] | None) -> None:
        # The folder or file that was chosen and is being walked, as a real path.
        self._top = ""
        # The real paths of the folders around what is being looked at, the outermost first.
        self._around: list[str] = []
        self.files: list[SourceFile] = []
        self.left_out: list[LeftOutFile] = []
        self._only = None if only is None else frozenset(only)

    def refuse(self, path: str, reason: Reason) -> None:
        if self._only is None or path in self._only:
            self.left_out.append(LeftOutFile(path, reason))
        self._count()

    def _count(self) -> None:
        if len(self.files) > MAX_ENTRIES or len(self.left_out) > MAX_ENTRIES:
            raise FileError(Reason.TOO_MANY_FILES)

    def begin(self, relative: str, real: str, found: os.stat_result) -> None:
        """Add what was chosen, given its real path."""
        self._top, self._around = real, []
        self._add(relative, real, found)

    def _add(self, relative: str, path: str, found: os.stat_result) -> None:
        """Add a file, or a folder with everything in it."""
        folder = stat.S_ISDIR(found.st_mode)
        if is_link(found):
            self._add_linked(relative, path)
        elif not (folder or stat.S_ISREG(found.st_mode)):
            self.refuse(relative, Reason.NOT_A_FILE)
        elif relative.count("/") >= MAX_DEPTH or len(relative.encode()) > MAX_PATH_BYTES:
            self.refuse(relative, Reason.NAME_REFUSED)
        elif not os.access(path, os.R_OK):
            self.refuse(relative, Reason.FILE_UNREADABLE)
        elif not folder:
            size = min(found.st_size, MAX_FILE_BYTES)
            entry = Entry(
                relative,
                size,
                modified(found),
                # Windows has no such mark.
                executable=os.name != "nt" and bool(found.st_mode & stat.S_IXUSR),
                stored=_stored(found),
            )
            self._keep(SourceFile(entry, Path(path)))
        else:
            self._add_folder(relative, path, found)

    def _add_linked(self, relative: str, link: str) -> None:
        """Add a copy of what a link leads to, if it leads to something else in what was chosen.

        A link that leads elsewhere could send anything, and one that leads to a folder around it
        never ends.
        """
        try:
            real = os.path.realpath(link, strict=True)
            found = os.stat(real)
        except OSError:
            # It leads nowhere, or to itself.
            self.refuse(relative, Reason.NOT_A_FILE)
            return
        inside = os.path.commonpath([real, self._top]) == self._top
        if inside and real not in self._around:
            self._add(relative, real, found)
        else:
            self.refuse(relative, Reason.NOT_A_FILE)

    def _add_folder(self, relative: str, path: str, found: os.stat_result) -> None:
        try:
            with os.scandir(path) as listed:
                inside = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            self.refuse(relative, read_reason(error))
            return
        self._keep(SourceFile(Entry(relative, 0, modified(found), directory=True), Path(path)))
        self._around.append(path)
        for one in inside:
            below = f"{relative}/{encodable(one.name)}"
            try:
                status = os.lstat(one.path) if os.name == "nt" else one.stat(follow_symlinks=False)
            except OSError as error:
                self.refuse(below, read_reason(error))
                continue
            self._add(below, one.path, status)
        self._around.pop()

    def _keep(self, file: SourceFile) -> None:
        if self._only is None or file.entry.path in self._only:
            self.files.append(file)
            self._count()


def _tops(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each path once with its name in the transfer. Equal names are made different."""
    names = Names()
    seen = set()
    for path in paths:
        absolute = os.path.abspath(path)
        if absolute not in seen:
            seen.add(absolute)
            yield names.give(encodable(os.path.basename(absolute)) or TOP_WITHOUT_NAME), absolute


def list_sources(paths: Sequence[str], only: Sequence[str] | None) -> Listing:
    """List the files and folders under `paths` in a fixed order, each folder before its contents.

    A chosen path that is a link is followed, because somebody chose it. Of a link inside a folder
    that leads elsewhere in the folder, a copy is listed. Other links are refused, as are pipes,
    devices and unreadable files. With `only`, just the
    entries with these paths in the transfer are listed. Raises FileError.
    """
    walk = _Walk(only)
    for name, path in _tops(paths):
        try:
            real = os.path.realpath(path, strict=True)
            found = os.stat(real)
        except OSError as error:
            walk.refuse(name, read_reason(error))
            continue
        walk.begin(name, real, found)
    if not walk.files:
        reason = walk.left_out[0].reason if walk.left_out else Reason.NOTHING_TO_SEND
        raise FileError(reason, "nothing of it can be sent")
    return Listing(tuple(walk.files), tuple(walk.left_out))


def modified(found: os.stat_result) -> int | None:
    """Return a file's modification time in whole seconds, as entries have it; None before 1970."""
    seconds = found.st_mtime_ns // 1_000_000_000
    return seconds if seconds >= 0 else None


def _stored(found: os.stat_result) -> int | None:
    """Return the bytes that a file with holes takes on the disk; None for any other file."""
    # Windows does not say.
    blocks: int | None = getattr(found, "st_blocks", None)
    if blocks is None or blocks * STAT_BLOCK_BYTES + LEAST_HOLES > found.st_size:
        return None
    return blocks * STAT_BLOCK_BYTES


class _Message:
    """The message that is being filled.

    Each message has its own buffer, because the sender may keep one while the next is made. The
    buffers that the sender has returned to `spare` are used again: to clear a fresh one took a
    twentieth of a transfer's processor time.
    """

    def __init__(self, size: int, prefix: int, spare: deque[memoryview]) -> None:
        self._size = size
        self._prefix = prefix
        self._spare = spare

    def renew(self, limit: int) -> None:
        """Begin the next message, of at most `limit` bytes. What a used buffer still contains is
        overwritten or not sent.
        """
        size = self._prefix + min(self._size, limit)
        buffer = self._spare.pop() if self._spare else None
        # Many small messages are kept at once, so none has a larger buffer than it needs. Those
        # that have become too small are dropped.
        if buffer is None or len(buffer) < size:
            buffer = memoryview(bytearray(size))
        self.view = buffer[:size]
        self.filled = self._prefix
        self.data_bytes = 0

    @property
    def room(self) -> int:
        return len(self.view) - self.filled

    @property
    def begun(self) -> bool:
        return self.filled > self._prefix

    def put(self, record: bytes) -> None:
        """Append a record, or a record's header, for which there must be room."""
        self.view[self.filled : self.filled + len(record)] = record
        self.filled += len(record)


class _Reading:
    """One file being read into messages."""

    def __init__(self, index: int, source: SourceFile, message: _Message) -> None:
        self.index = index
        # Whether the file was modified since it was announced; known once it is open.
        self.touched = False
        self.size = source.entry.size
        self.message = message
        self.hasher = hashlib.sha256()
        self.offset = 0
        self._source = source
        self._file: FileIO | None = None
        self._found: os.stat_result | None = None

    def open(self) -> None:
        """Open the file. Raises OSError, or FileError if it is of another size than announced.

        A file that was only touched is sent: its hash is of what is read now.
        """
        descriptor = os.open(self._source.path, _READ)
        self._found = os.fstat(descriptor)
        if not stat.S_ISREG(self._found.st_mode) or self._found.st_size != self.size:
            os.close(descriptor)
            raise FileError(Reason.FILE_CHANGED, "it is not what was announced")
        self.touched = modified(self._found) != self._source.entry.modified
        self._file = FileIO(descriptor)

    def read_into(self, into: memoryview) -> None:
        """Fill `into` with the next bytes of the file, and hash them."""
        assert self._file is not None
        filled = 0
        while filled < len(into):
            count = self._file.readinto(into[filled:])
            if not count:
                raise FileError(Reason.FILE_CHANGED, "it has become shorter")
            filled += count
        self.hasher.update(into)
        self.offset += filled

    def fill(self) -> None:
        """Append one DATA record, as large as the message has room for.

        If reading fails, the message stays unchanged.
        """
        message = self.message
        length = min(message.room - HEADER_BYTES, self.size - self.offset)
        start = message.filled + HEADER_BYTES
        self.read_into(message.view[start : start + length])
        message.put(header(Kind.DATA, self.index, length))
        message.filled += length
        message.data_bytes += length

    def check(self) -> None:
        """Check that this was the whole file, and that nobody changed it while it was read.

        Files of some systems (/proc, some network disks) have a size of 0 and contents all the
        same. Raises FileError.
        """
        assert self._file is not None
        assert self._found is not None
        if self._file.read(1):
            raise FileError(Reason.FILE_CHANGED, "it is longer than announced")
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._found.st_size, self._found.st_mtime_ns):
            raise FileError(Reason.FILE_CHANGED, "it changed while it was read")

    def rewind(self) -> None:
        """Begin again at 0."""
        assert self._file is not None
        self._file.seek(0)
        self.hasher = hashlib.sha256()
        self.offset = 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Source:
    """The files of one transfer, in the order of its manifest."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = tuple(files)
        self._stopped = False
        # Bytes of DATA in the message that was just made.
        self.data_bytes = 0
        # How large the next messages may be. Any thread may set it.
        self.limit = LANE_MESSAGE_BYTES
        # Whole buffers of messages that were sent.
        self._spare: deque[memoryview] = deque()

    def stop(self) -> None:
        """End the messages soon, even while a long beginning is read again. Any thread may call."""
        self._stopped = True

    def reuse(self, message: memoryview) -> None:
        """Use the buffer of a message again, whose contents nobody needs any more. Any thread may
        call.
        """
        assert isinstance(message.obj, bytearray)
        self._spare.append(memoryview(message.obj))

    def messages(
        self,
        skip: tuple[Span, ...],
        partial: tuple[Partial, ...],
        position: Position,
        *,
        size: int,
        prefix: int = 0,
    ) -> Iterator[memoryview]:
        """Yield the wanted files from `position` on, in messages of at most `size` bytes.

        Each message begins with `prefix` further bytes that are free.
        """
        skipped = set(indices(skip))
        parts = {one.index: one for one in partial}
        filling = _Message(size, prefix, self._spare)
        filling.renew(self.limit)
        for index in range(position.index, len(self._files)):
            # The source may have been stopped before the first turn.
            if self._stopped:
                return
            if index in skipped or self._files[index].entry.directory:
                continue
            reading = _Reading(index, self._files[index], filling)
            at = position.offset if index == position.index else 0
            for _ in self._file(reading, at, parts.get(index)):
                yield self._finished(filling)
                filling.renew(self.limit)
        if filling.begun and not self._stopped:
            yield self._finished(filling)

    def _finished(self, message: _Message) -> memoryview:
        self.data_bytes = message.data_bytes
        return message.view[: message.filled]

    def _file(self, reading: _Reading, at: int, known: Partial | None) -> Iterator[None]:
        """Append all records of one file.

        It yields when the message must be sent before the next record fits.
        """
        message = reading.message
        try:
            reading.open()
            try:
                if at or known is not None:
                    if not self._read_again(reading, at, known):
                        return
                    start = start_record(reading.index, reading.offset)
                    if len(start) > message.room:
                        yield
                    message.put(start)
                while reading.offset < reading.size:
                    least = HEADER_BYTES + min(reading.size - reading.offset, LEAST_DATA)
                    if (message.room < least and message.begun) or self._stopped:
                        yield
                    if self._stopped:
                        return
                    reading.fill()
                reading.check()
            finally:
                reading.close()
            last = end_record(reading.index, reading.hasher.digest())
        except FileError as error:
            last = failed_record(reading.index, error.reason)
        except OSError as error:
            last = failed_record(reading.index, read_reason(error))
        if len(last) > message.room:
            yield
        message.put(last)

    def _read_again(self, reading: _Reading, at: int, known: Partial | None) -> bool:
        """Hash the beginning that the receiver already has, because END covers the whole file.

        Returns False if the source was stopped. If the receiver sent a hash of its part, it is
        compared here, because the file may have been a different one when that part was sent. If
        the hashes differ, the file starts anew. So does a file that was touched, if there is no
        hash to compare.
        """
        if at and reading.touched:
            return True
        offset = at or (known.offset if known is not None else 0)
        if offset > reading.size:
            return True
        scratch = memoryview(bytearray(min(offset, SCRATCH_BYTES)))
        while reading.offset < offset:
            if self._stopped:
                return False
            reading.read_into(scratch[: offset - reading.offset])
        if not at and known is not None and reading.hasher.digest() != known.sha256:
            reading.rewind()
        return True
