"""A sink receives a transfer onto this machine's disk.

It writes and verifies each file, and only then gives it its name. It is synchronous and runs on a
worker thread. What an earlier attempt left is found through store.py.
"""

import errno
import os
import secrets
import shutil
import stat
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files.filenames import FilenameError, Names, Place, places
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    Direction,
    Entry,
    FailedFile,
    Partial,
    Position,
    RenamedFile,
    TransferID,
    digest,
    spans,
)
from proxim.core.files.stream import Kind, Record, read_records
from proxim.core.json_text import MessageError
from proxim.io.files.folders import MAX_NUMBER, PART_MODE, Folder, Folders
from proxim.io.files.naming import has_holes, too_large, try_names
from proxim.io.files.part_files import TOKEN_BYTES, Part, part_name, remove_leftovers
from proxim.io.files.store import Done, Journal, Store, StoredIncoming
from proxim.io.system.disk_errors import FileError, write_error, write_reason

# This much is left free on the disk, because a full disk troubles every program.
RESERVE_BYTES: Final = 1024 * 1024
# Disks allocate blocks of this size, so 10,000 small files occupy more than their bytes.
BLOCK_BYTES: Final = 4096
# FAT stores times no more finely than this, once they are written out.
TIME_GRAIN_NS: Final = 2_000_000_000


def _mode(mode: int, *, executable: bool) -> int:
    """Return the permissions of a file: those of any new file, and whoever may read a program may
    run it.
    """
    return mode | ((mode & 0o444) >> 2) if executable else mode


def _bad(what: str) -> MessageError:
    return MessageError(Reason.BAD_MESSAGE, what)


class Sink:
    """One incoming transfer, from the answer to its announcement to its end."""

    def __init__(self, state: StoredIncoming, store: Store, folders: Folders) -> None:
        self._state = state
        self._store = store
        self._folders = folders
        self._journal: Journal | None = None
        self._places: tuple[Place, ...] = ()
        self._mode = PART_MODE
        # Whether zeros that are not written take no room.
        self._holes = False
        # The folders at the top that are new.
        self._made: list[str] = []
        self._unmakeable: dict[Folder, Reason] = {}
        self._partials: dict[int, Part] = {}
        self._wanted: list[int] = []
        # The index in _wanted of the next file.
        self._next = 0
        # The part of the file that is being received.
        self._part: Part | None = None
        # Why the file that is being received is not written.
        self._refused: Reason | None = None
        # How many bytes of such a file have arrived.
        self._dropped = 0
        # Whether the file has begun in this generation.
        self._begun = False
        self._failed: list[FailedFile] = []
        # The names that were tried at the top.
        self._names = Names(state.rules)
        self._closed = False
        self.ready = file_ev.SinkReady(state.transfer)
        self.finished: file_ev.SinkFinished | None = None

    # --- opening ----------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        transfer: TransferID,
        entries: Sequence[Entry],
        declined: Sequence[int],
        directory: Path,
        store: Store,
        peer_name: str | None,
        *,
        session_only: bool = False,
    ) -> "Sink":
        """Open a sink: check what an earlier attempt left, and make sure of disk space and folders.

        A resumed transfer stays in the folder where it began, whatever `directory` is now.
        `finished` may be set already if nothing is missing. Raises FileError, and then nothing new
        stays on the disk.
        """
        if len(entries) > MAX_ENTRIES:
            raise FileError(Reason.TOO_MANY_FILES)
        # What another program of this person is receiving is not touched.
        state = None if store.is_received(transfer) else store.load(transfer)
        if state is None or digest(state.entries) != digest(entries):
            # There is no stored state, or it cannot be read, or it is of another transfer with this
            # id.
            store.forget(transfer, Direction.IN)
            token = secrets.token_hex(TOKEN_BYTES)
            state = StoredIncoming(
                transfer,
                tuple(entries),
                os.path.abspath(directory),
                token,
                peer_name=peer_name,
                session_only=session_only,
            )
            fresh = True
        else:
            fresh = False
        state.declined = tuple(sorted({*state.declined, *declined}))
        try:
            sink = cls(state, store, Folders(Path(state.directory)))
        except OSError as error:
            raise write_error(error) from None
        try:
            sink._prepare(fresh)
        except BaseException as error:
            sink._abandon(fresh)
            if isinstance(error, OSError):
                raise write_error(error) from None
            if isinstance(error, FilenameError):
                raise FileError(error.reason, error.problem.detail) from None
            raise
        return sink

    def _prepare(self, fresh: bool) -> None:
        state = self._state
        rules, self._mode = try_names(self._folders, state.token)
        self._holes = has_holes(self._folders, state.token)
        if fresh:
            # A resumed transfer keeps the names that it began with.
            state.rules = rules
            self._names = Names(rules)
        announced = places(state.entries, state.rules)
        self._places = state.placed(announced)
        declined = set(state.declined)
        # A new token has no parts.
        if not fresh:
            self._look_for_done()
            self._look_for_parts(declined)
        self._wanted = [
            index
            for index, entry in enumerate(state.entries)
            if not entry.directory and index not in declined and index not in state.done
        ]
        self._refuse_too_large()
        self._check_room()
        self._make_folders(announced, declined)
        self._journal = self._store.save(state)
        partial = tuple(
            Partial(index, part.written, part.digest())
            for index, part in sorted(self._partials.items())
        )
        self.ready = file_ev.SinkReady(
            state.transfer,
            # Nobody needs to send what the disk does not take.
            spans(sorted(declined.union(state.done, (one.index for one in self._failed)))),
            partial,
        )
        self._finish_if_done()

    def _look_for_done(self) -> None:
        """Count as done only files that are still there as they were left, by size and time.

        Their contents were verified on arrival and are not hashed again, for 20 GB would take half
        a minute before each attempt. A file that a person has changed since is left alone, and is
        received again beside it.
        """
        done = self._state.done
        for index, one in list(done.items()):
            entry, folder = self._state.entries[index], self._places[index].folder
            found = self._folders.look(folder, one.name)
            part = self._folders.look(folder, part_name(self._state.token, index))
            whole = (
                found is not None and stat.S_ISREG(found.st_mode) and found.st_size == entry.size
            )
            if whole and found is not None:
                whole = abs(found.st_mtime_ns - one.modified_ns) <= TIME_GRAIN_NS
            # The program was killed while the file had both names, or before it had its final one.
            if whole and part is not None:
                whole = found is not None and os.path.samestat(found, part)
                if whole:
                    self._folders.remove(folder, part_name(self._state.token, index))
            if not whole:
                del done[index]

    def _look_for_parts(self, declined: set[int]) -> None:
        for index, entry in enumerate(self._state.entries):
            folder, name = self._places[index].folder, part_name(self._state.token, index)
            if (
                entry.directory
                or index in self._state.done
                or self._folders.look(folder, name) is None
            ):
                continue
            try:
                part = Part.reopen(self._folders, folder, name, entry.size)
            except OSError:
                # The part is not as we left it, and will be made anew.
                continue
            if part.written == 0 or index in declined:
                part.discard()
            else:
                self._partials[index] = part

    def _refuse_too_large(self) -> None:
        """Leave out the files that are larger than the disk takes. Raises FileError if none is
        left.
        """
        sizes = {self._state.entries[index].size for index in self._wanted}
        refused = too_large(self._folders, self._state.token, sizes)
        large = [one for one in self._wanted if self._state.entries[one].size in refused]
        if large and len(large) == len(self._wanted):
            raise FileError(Reason.FILE_TOO_LARGE, "every file")
        self._failed += [FailedFile(index, Reason.FILE_TOO_LARGE) for index in large]
        self._wanted = [index for index in self._wanted if index not in large]

    def _check_room(self) -> None:
        need = 0
        for index in self._wanted:
            partial = self._partials.get(index)
            entry = self._state.entries[index]
            size = entry.size
            if self._holes and entry.stored is not None:
                size = min(size, entry.stored)
            lacking = max(0, size - (partial.written if partial is not None else 0))
            need += -(-lacking // BLOCK_BYTES) * BLOCK_BYTES
        usage = shutil.disk_usage(self._state.directory)
        # Some network file systems report no sizes.
        if usage.total and need > usage.free - RESERVE_BYTES:
            raise FileError(Reason.DISK_FULL, f"{need} bytes needed, {usage.free} free")

    def _make_folders(self, announced: tuple[Place, ...], declined: set[int]) -> None:
        """Make all wanted folders. Those at the top are new, under names that nothing else has."""
        tops = self._state.tops
        for name in dict.fromkeys(
            one.folder[0] for i, one in enumerate(announced) if one.folder and i not in declined
        ):
            found = self._folders.look((), tops[name]) if name in tops else None
            if found is None or not stat.S_ISDIR(found.st_mode):
                tops[name] = self._folders.make_new(name, self._names)
                self._made.append(tops[name])
        self._places = self._state.placed(announced)
        wanted = {place.folder for index, place in enumerate(self._places) if index not in declined}
        for folder in sorted(
            {whole[: depth + 1] for whole in wanted for depth in range(1, len(whole))}
        ):
            if folder[:-1] in self._unmakeable:
                self._unmakeable[folder] = self._unmakeable[folder[:-1]]
                continue
            try:
                self._folders.make(folder)
            except OSError as error:
                if write_reason(error) is not Reason.NAME_REFUSED:
                    raise
                # This path is too long here, but the others may fit.
                self._unmakeable[folder] = Reason.NAME_REFUSED

    def _abandon(self, fresh: bool) -> None:
        """Clean up after opening failed, so that no more is left than before."""
        for part in self._partials.values():
            part.close()
        if fresh:
            remove_leftovers(self._folders, self._state.token, self._places, self._made)
        for name in self._made:
            with suppress(OSError):
                self._folders.remove_empty((name,))
        if self._journal is not None:
            self._journal.close()
        self._folders.close()

    # --- receiving --------------------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """The position up to which everything is written."""
        if self._next == len(self._wanted):
            return Position(len(self._state.entries), 0)
        return Position(self._wanted[self._next], self._received)

    @property
    def _received(self) -> int:
        return self._part.written if self._part is not None else self._dropped

    def restart(self) -> Position:
        """Begin a new generation and return its position."""
        self._begun = False
        return self.position

    def write(self, message: memoryview) -> int:
        """Write the records of a message and return how many bytes of files they contained.

        Raises FileError if the disk accepts no more, and MessageError if the sender does not keep
        to its announcement. Earlier records of the message are written in either case.
        """
        written = 0
        try:
            for record in read_records(message):
                written += self._write_record(record)
        except OSError as error:
            raise write_error(error) from None
        return written

    def _write_record(self, record: Record) -> int:
        if self._next == len(self._wanted) or record.file != self._wanted[self._next]:
            raise _bad("not of the file that is next")
        index = record.file
        if record.kind is Kind.START:
            if self._begun:
                raise _bad("the file has begun")
            self._begin(index, record.offset)
            return 0
        if record.kind is Kind.FAILED:
            partial = self._part or self._partials.pop(index, None)
            if partial is not None:
                partial.discard()
            self._end(index, file_msg.file_reason(record.reason))
            return 0
        if not self._begun:
            self._begin(index, 0)
        if record.kind is Kind.END:
            self._complete(index, record.payload)
            return 0
        length = len(record.payload)
        if self._received + length > self._state.entries[index].size:
            raise _bad("more than was announced")
        if self._part is not None:
            self._write_part(self._part, record.payload)
        else:
            self._dropped += length
        return length

    def _write_part(self, part: Part, payload: memoryview) -> None:
        """Write to the part; a file that is larger than the disk takes fails alone, unless it is
        the only one.
        """
        received = part.written + len(payload)
        try:
            part.write(payload)
        except OSError as error:
            if write_reason(error) is not Reason.FILE_TOO_LARGE or len(self._wanted) == 1:
                raise
            part.discard()
            self._part, self._refused, self._dropped = None, Reason.FILE_TOO_LARGE, received

    def _begin(self, index: int, offset: int) -> None:
        """Begin a file whose bytes start at `offset`: at 0, or where the existing part ends."""
        partial = self._part or self._partials.get(index)
        if offset not in (0, partial.written if partial is not None else self._dropped):
            raise _bad("it begins where nothing ends")
        if partial is not None:
            self._partials.pop(index, None)
            self._part = partial
            if offset == 0:
                partial.rewind()
        else:
            place = self._places[index]
            self._dropped = offset
            self._refused = self._unmakeable.get(place.folder)
            if self._refused is None:
                self._part = Part.create(
                    self._folders, place.folder, part_name(self._state.token, index)
                )
        self._begun = True

    def _complete(self, index: int, sha256: memoryview) -> None:
        entry, part = self._state.entries[index], self._part
        if self._received != entry.size:
            raise _bad("less than was announced")
        if part is None:
            self._end(index, self._refused)
        elif part.digest() != sha256:
            part.discard()
            self._end(index, Reason.FILE_DAMAGED)
        else:
            part.complete(_mode(self._mode, executable=entry.executable), entry.modified)
            try:
                done = self._give_name(index, sha256.hex())
            except OSError as error:
                if write_reason(error) is not Reason.NAME_REFUSED:
                    raise
                part.discard()
                self._end(index, Reason.NAME_REFUSED)
                return
            self._state.done[index] = done
            self._end(index, None)

    def _give_name(self, index: int, sha256: str) -> Done:
        """Give the file the first free name.

        The journal receives the name before the file does, so that the file is found again whenever
        we are killed (_look_for_done). It receives no other name that was tried, or many files of
        the same name would fill it.
        """
        place = self._places[index]
        part = part_name(self._state.token, index)
        found = self._folders.look(place.folder, part)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        # Below the top, no two of our files have the same name.
        names = Names(self._state.rules) if place.folder else self._names
        for name in islice(names.tries(place.name), MAX_NUMBER):
            if self._folders.look(place.folder, name) is not None:
                continue
            done = Done(name, sha256, found.st_mtime_ns)
            if self._journal is not None:
                self._journal.add(index, done)
            try:
                self._folders.give_name(place.folder, part, name)
            except FileExistsError:
                continue
            return done
        raise FileError(Reason.NAME_REFUSED, "every number is used")

    def _end(self, index: int, reason: Reason | None) -> None:
        if reason is not None:
            self._failed.append(FailedFile(index, reason))
        self._next += 1
        self._part, self._refused, self._dropped, self._begun = None, None, 0, False
        self._finish_if_done()

    # --- the end ----------------------------------------------------------------------------------

    def _finish_if_done(self) -> None:
        if self._next < len(self._wanted):
            return
        state = self._state
        self._set_folder_times()
        declined = set(state.declined)
        accepted = [index for index in range(len(state.entries)) if index not in declined]
        files = [index for index in accepted if not state.entries[index].directory]
        path, sha256 = self._folders.shown(()), None
        if len({state.entries[index].top for index in accepted}) == 1:
            place = self._places[accepted[0]]
            if place.folder:
                path = self._folders.shown(place.folder[:1])
            elif accepted[0] in state.done:
                path = self._folders.shown((), state.done[accepted[0]].name)
        if len(files) == 1 and files[0] in state.done:
            sha256 = state.done[files[0]].sha256
        self.finished = file_ev.SinkFinished(
            state.transfer, tuple(self._failed), path, sha256, self._renamed(accepted)
        )

    def _set_folder_times(self) -> None:
        """Give the folders their announced times, which their contents have changed."""
        declined = set(self._state.declined)
        for index, entry in enumerate(self._state.entries):
            if entry.directory and entry.modified is not None and index not in declined:
                # Some disks cannot store this time.
                with suppress(OSError, OverflowError):
                    self._folders.set_time(self._places[index].folder, entry.modified)

    def _renamed(self, accepted: Sequence[int]) -> tuple[RenamedFile, ...]:
        """Return what has another name now than announced; composition does not count."""
        failed = {one.index for one in self._failed}
        renamed: dict[str, str] = {}
        for index in accepted:
            entry, place = self._state.entries[index], self._places[index]
            names = list(place.folder)
            if not entry.directory:
                if index in failed:
                    continue
                names.append(self._state.done[index].name)
            parts = entry.path.split("/")
            for depth, (part, name) in enumerate(zip(parts, names, strict=True), start=1):
                if unicodedata.normalize("NFC", part) != name:
                    renamed["/".join(parts[:depth])] = name
        return tuple(RenamedFile(path, name) for path, name in renamed.items())

    def close(self, *, keep: bool) -> None:
        """Release the disk.

        Complete files stay. What arrived of others is kept for a later attempt if `keep` is set,
        and removed otherwise.
        """
        if self._closed:
            return
        self._closed = True
        if self._journal is not None:
            self._journal.close()
        for part in (self._part, *self._partials.values()):
            if part is not None and keep and part.written:
                part.close()
            elif part is not None:
                part.discard()
        if self.finished is not None:
            self._store.drop(self._state.transfer)
        elif not keep:
            remove_leftovers(
                self._folders, self._state.token, self._places, self._state.tops.values()
            )
            self._store.drop(self._state.transfer)
        self._folders.close()
