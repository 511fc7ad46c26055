"""Stores the unfinished transfers of this machine, so that they can be resumed after a restart.

They are kept in the program's own data folder:
```
TAG.in.json    an incoming transfer: its manifest, the folder to which it is saved, the names of
               its folders and parts, and the rules by which names are made
TAG.in.log     its journal: a line "INDEX SHA256 TIME NAME" for each file, written just before the
               file receives this name; TIME is its modification time on its disk, in nanoseconds
TAG.out.json   an outgoing transfer: its manifest, and the path of each file on this machine
```
TAG is manifest.resume_tag in hexadecimal, so that a file's name does not reveal the transfer's id.
All files have mode 0600.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from proxim.core.doctor import Cleaned, KeptTransfer
from proxim.core.files import events as file_ev
from proxim.core.files.filenames import (
    ANY_DISK,
    DiskRules,
    FilenameError,
    Place,
    clean_name,
    places,
)
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    Direction,
    Entry,
    TransferID,
    resume_tag,
    title,
)
from proxim.io.files.folders import Folders
from proxim.io.files.part_files import TOKEN, part_name, remove_leftovers
from proxim.io.files.source import SourceFile
from proxim.io.system.file_lock import is_locked, lock

# The version of the files' format, and of the rules by which names are cleaned.
VERSION: Final = 1
# Each running program has a locked file in this folder beside the states.
_RUNNING: Final = "running"
DAY_SECONDS: Final = 24 * 3600
# After two weeks, nobody waits for an unfinished transfer any more.
KEEP_SECONDS: Final = 14 * DAY_SECONDS
# Parts on a disk that is unplugged cannot be removed, so they are not forgotten before a year.
ABSENT_KEEP_SECONDS: Final = 365 * DAY_SECONDS
# The state of 20,000 entries with the longest paths takes 30 MB.
MAX_STATE_BYTES: Final = 64 * 1024 * 1024
# A line of a journal.
_LINE: Final = re.compile(r"([0-9]{1,5}) ([0-9a-f]{64}) (-?[0-9]{1,20}) (.+)")

Ending = Literal["in", "out"]


class _BrokenError(Exception):
    """A file of ours does not contain what we wrote."""


@dataclass(frozen=True, slots=True)
class Done:
    """A file that has arrived completely."""

    name: str = field(repr=False)
    sha256: str
    # The time as the disk stores it. Not every disk can store the time that was announced.
    modified_ns: int


@dataclass(slots=True)
class StoredIncoming:
    """What is stored of a transfer that is being received."""

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    directory: str = field(repr=False)
    # The token in the names of its parts.
    token: str = field(repr=False)
    declined: tuple[int, ...] = ()
    peer_name: str | None = None
    # The announced names of its folders at the top, and their names here.
    tops: dict[str, str] = field(default_factory=dict, repr=False)
    # By index.
    done: dict[int, Done] = field(default_factory=dict, repr=False)
    # The rules by which its names were made.
    rules: DiskRules = ANY_DISK
    # Whether the sender forgets the transfer when its session ends, so that no later run of this
    # program can continue it.
    session_only: bool = False

    def places(self) -> tuple[Place, ...]:
        """Return where each entry belongs. Raises FilenameError."""
        return self.placed(places(self.entries, self.rules))

    def placed(self, announced: tuple[Place, ...]) -> tuple[Place, ...]:
        """Return the same as `places`, given the places that follow from the names alone."""
        tops = self.tops
        return tuple(
            Place((tops.get(one.folder[0], one.folder[0]), *one.folder[1:]), one.name)
            if one.folder
            else one
            for one in announced
        )


class Journal:
    """Records which files of a transfer have their names.

    Each line is one short write of a few us, so that nothing is lost if the program is killed.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        # Without a journal, the transfer merely cannot be resumed after a restart.
        with suppress(OSError):
            flags = (
                os.O_WRONLY
                | os.O_CREAT
                | os.O_APPEND
                | getattr(os, "O_CLOEXEC", 0)
                | getattr(os, "O_BINARY", 0)
            )
            self._descriptor = os.open(path, flags, 0o600)
        # The lock makes another program of this person leave the transfer alone.
        if self._descriptor >= 0 and not lock(self._descriptor):
            # The other program was quicker, and the journal is its own.
            self.close()

    def add(self, index: int, done: Done) -> None:
        """Note that a file is complete and about to receive its name."""
        if self._descriptor >= 0:
            try:
                os.write(
                    self._descriptor,
                    f"{index} {done.sha256} {done.modified_ns} {done.name}\n".encode(),
                )
            except OSError:
                # Our data folder is full, but the files' own disk need not be.
                self.close()

    def close(self) -> None:
        """Close the journal, which accepts no more lines."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _entry_row(entry: Entry) -> list[Any]:
    return [
        entry.path,
        entry.size,
        entry.modified,
        entry.directory,
        entry.executable,
        entry.stored,
    ]


def _entries(rows: object) -> tuple[Entry, ...]:
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise _BrokenError
    found = []
    for path, size, modified, directory, executable, stored in rows:
        if not (isinstance(path, str) and isinstance(size, int) and isinstance(directory, bool)):
            raise _BrokenError
        if not isinstance(executable, bool) or any(
            one is not None and not isinstance(one, int) for one in (modified, stored)
        ):
            raise _BrokenError
        found.append(Entry(path, size, modified, directory, executable, stored))
    return tuple(found)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _BrokenError
    return value


def _rules_fields(rules: DiskRules) -> dict[str, Any]:
    return {**asdict(rules), "refused": "".join(sorted(rules.refused))}


def _rules(fields: Any) -> DiskRules:
    flags = {name: fields[name] for name in ("utf16", "drops_ends", "folds_case", "folds_forms")}
    longest = fields["longest"]
    if type(longest) is not int or longest < 1:
        raise _BrokenError
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise _BrokenError
    return DiskRules(longest, refused=frozenset(_text(fields["refused"])), **flags)


def _incoming(fields: dict[str, Any]) -> StoredIncoming:
    token = _text(fields["token"])
    tops = {_text(one): _text(other) for one, other in fields["tops"].items()}
    # The names become paths that are removed, so a broken file must not lead elsewhere.
    rules = _rules(fields["rules"])
    if not TOKEN.fullmatch(token) or any(clean_name(name, rules) != name for name in tops.values()):
        raise _BrokenError
    return StoredIncoming(
        TransferID(_text(fields["transfer"])),
        _entries(fields["entries"]),
        _text(fields["directory"]),
        token,
        tuple(int(index) for index in fields["declined"]),
        None if fields["peer"] is None else _text(fields["peer"]),
        tops,
        rules=rules,
        session_only=fields.get("session_only") is True,
    )


class Store:
    """The folder of unfinished transfers.

    A failing disk costs resumption but never a transfer, so no method raises.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # What shows other programs that this one runs: a file, and its open and locked descriptor.
        self._mark: tuple[Path, int] | None = None

    def close(self) -> None:
        """Let other programs clean the folder."""
        if self._mark is not None:
            path, descriptor = self._mark
            self._mark = None
            os.close(descriptor)
            self._remove(path)
            with suppress(OSError):
                # Another program may have its mark there.
                path.parent.rmdir()

    def _path(self, transfer: TransferID, ending: Ending, suffix: str = "json") -> Path:
        return self._folder / f"{resume_tag(transfer).hex()}.{ending}.{suffix}"

    # --- files ------------------------------------------------------------------------------------

    def _write(self, path: Path, fields: dict[str, Any]) -> None:
        """Write a new file and move it into place, so that a kill leaves the old or the new one."""
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps({"version": VERSION, **fields}))
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)

    def _read(self, path: Path) -> dict[str, Any]:
        """Read a file of ours. Raises OSError, or _BrokenError."""
        with open(path, "rb") as file:
            raw = file.read(MAX_STATE_BYTES + 1)
        try:
            fields = json.loads(raw.decode("ascii")) if len(raw) <= MAX_STATE_BYTES else None
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict) or fields.get("version") != VERSION:
            raise _BrokenError
        return fields

    def _load(
        self, path: Path
    ) -> StoredIncoming | tuple[file_ev.StoredTransfer, tuple[SourceFile, ...]] | None:
        """Return what a file of ours contains, or None if it cannot be used."""
        try:
            fields = self._read(path)
            if not path.name.startswith(resume_tag(TransferID(_text(fields["transfer"]))).hex()):
                return None
            if path.name.endswith(".in.json"):
                incoming = _incoming(fields)
                self._read_journal(incoming)
                return incoming
            entries = _entries(fields["entries"])
            paths = [Path(_text(one)) for one in fields["paths"]]
            files = tuple(
                SourceFile(entry, where) for entry, where in zip(entries, paths, strict=True)
            )
            peer = None if fields["peer"] is None else _text(fields["peer"])
            return file_ev.StoredTransfer(
                TransferID(_text(fields["transfer"])), Direction.OUT, entries, peer
            ), files
        except (OSError, _BrokenError, KeyError, ValueError, TypeError, AttributeError):
            return None

    def _read_journal(self, incoming: StoredIncoming) -> None:
        """Read the journal.

        An incomplete last line is cut off, because more lines will follow.
        """
        path = self._path(incoming.transfer, "in", "log")
        try:
            raw = path.read_bytes()
        except OSError:
            return
        whole = raw.rfind(b"\n") + 1
        if whole < len(raw):
            with suppress(OSError):
                os.truncate(path, whole)
        for line in raw[:whole].decode(errors="replace").split("\n"):
            if (found := _LINE.fullmatch(line)) is None:
                continue
            index, sha256, modified_ns, name = found.groups()
            if int(index) < len(incoming.entries) and (
                clean_name(name, incoming.rules, top=False) == name
            ):
                incoming.done[int(index)] = Done(name, sha256, int(modified_ns))

    # --- outgoing ---------------------------------------------------------------------------------

    def keep_sources(
        self, transfer: TransferID, files: Sequence[SourceFile], peer_name: str | None
    ) -> None:
        """Store what is being sent."""
        fields = {
            "transfer": transfer,
            "peer": peer_name,
            "entries": [_entry_row(one.entry) for one in files],
            "paths": [str(one.path) for one in files],
        }
        self._write(self._path(transfer, "out"), fields)

    def sources_of(self, transfer: TransferID) -> tuple[SourceFile, ...] | None:
        """Return what was being sent."""
        loaded = self._load(self._path(transfer, "out"))
        return loaded[1] if isinstance(loaded, tuple) and loaded[0].transfer == transfer else None

    # --- incoming ---------------------------------------------------------------------------------

    def load(self, transfer: TransferID) -> StoredIncoming | None:
        """Return what was being received."""
        loaded = self._load(self._path(transfer, "in"))
        return (
            loaded if isinstance(loaded, StoredIncoming) and loaded.transfer == transfer else None
        )

    def is_received(self, transfer: TransferID) -> bool:
        """Whether a running program receives this transfer, perhaps this one."""
        return is_locked(self._path(transfer, "in", "log"))

    def save(self, incoming: StoredIncoming) -> Journal:
        """Store what is being received, and return the journal for its finished files.

        What another program stored of a transfer that it is receiving stays.
        """
        fields = {
            "transfer": incoming.transfer,
            "peer": incoming.peer_name,
            "entries": [_entry_row(one) for one in incoming.entries],
            "directory": incoming.directory,
            "token": incoming.token,
            "rules": _rules_fields(incoming.rules),
            "declined": list(incoming.declined),
            "tops": incoming.tops,
            "session_only": incoming.session_only,
        }
        if not self.is_received(incoming.transfer):
            self._write(self._path(incoming.transfer, "in"), fields)
        return Journal(self._path(incoming.transfer, "in", "log"))

    # --- both -------------------------------------------------------------------------------------

    def found(self) -> tuple[file_ev.StoredTransfer, ...]:
        """Return all unfinished transfers that no running program receives, the oldest first.

        Those of a session that ended with an earlier run are removed instead.
        """
        transfers = []
        for path in self._states():
            if is_locked(path.with_suffix(".log")):
                continue
            match self._load(path):
                case StoredIncoming(session_only=True) as one:
                    # Another program may still have that session; and parts on a disk that is
                    # unplugged must not be forgotten.
                    if os.path.isdir(one.directory) and not self.in_use():
                        self.forget(one.transfer, Direction.IN)
                case StoredIncoming() as one:
                    stored = file_ev.StoredTransfer(
                        one.transfer, Direction.IN, one.entries, one.peer_name
                    )
                    transfers.append(stored)
                case (file_ev.StoredTransfer() as stored, _):
                    transfers.append(stored)
                case None:
                    continue
        return tuple(transfers)

    def hold(self) -> None:
        """Show other programs that this one may continue what is kept here, until `close`."""
        if self._mark is not None:
            return
        # The marks of programs that have ended go, so that there are never many.
        self.in_use()
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            marks = self._folder / _RUNNING
            marks.mkdir(mode=0o700, exist_ok=True)
            path = marks / secrets.token_hex(8)
            self._mark = path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            lock(self._mark[1])
            # Whoever looked before it was locked has taken it for the mark of an ended program.
            if not path.exists():
                self.close()
                self.hold()

    def in_use(self) -> bool:
        """Whether a running program may continue what is kept. Marks of ended ones are removed."""
        found = False
        for mark in list((self._folder / _RUNNING).glob("*")):
            if is_locked(mark):
                found = True
            else:
                with suppress(OSError):
                    mark.unlink()
        return found

    def forget(self, transfer: TransferID, direction: Direction | None = None) -> None:
        """Remove everything about a transfer that is over, including its parts and empty folders.

        Two programs of one person share this folder and may be the two ends of one transfer, so
        each names its own `direction`. What another program is receiving stays.
        """
        if direction is not Direction.OUT and not self.is_received(transfer):
            if (incoming := self.load(transfer)) is not None:
                self._clear(incoming)
            self.drop(transfer)
        if direction is not Direction.IN:
            self._remove(self._path(transfer, "out"))

    def drop(self, transfer: TransferID) -> None:
        """Remove the state of an incoming transfer that is over and has no parts left, unless
        another program is receiving it.
        """
        if self.is_received(transfer):
            return
        self._remove(self._path(transfer, "in"))
        self._remove(self._path(transfer, "in", "log"))

    def _remove(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink()

    def expire(self, now: float) -> None:
        """Remove whatever nobody resumed for KEEP_SECONDS, including unreadable files.

        What lies in a folder that is not there, as on a disk that is unplugged, stays known for
        ABSENT_KEEP_SECONDS. `now` is in seconds since 1970.
        """
        for path in self._states():
            log = path.with_suffix(".log")
            if is_locked(log):
                continue
            with suppress(OSError):
                unused = now - _last_used(path)
                if unused <= KEEP_SECONDS:
                    continue
                loaded = self._load(path)
                if isinstance(loaded, StoredIncoming):
                    absent = not os.path.isdir(loaded.directory)
                    if absent and unused <= ABSENT_KEEP_SECONDS:
                        continue
                    self._clear(loaded)
                path.unlink()
                if path.name.endswith(".in.json"):
                    log.unlink(missing_ok=True)

    def kept(self, now: float) -> tuple[KeptTransfer, ...]:
        """Return what is kept of incoming transfers that no running program receives.

        `now` is in seconds since 1970.
        """
        found = []
        for path, incoming in self._unused():
            try:
                days = int((now - _last_used(path)) // DAY_SECONDS)
            except OSError:
                continue
            found.append(
                KeptTransfer(
                    title(incoming.entries),
                    incoming.directory,
                    incoming.peer_name,
                    self._parts_size(incoming),
                    max(0, days),
                )
            )
        return tuple(found)

    def clean(self) -> Cleaned:
        """Remove all that is kept of incoming transfers. What lies in a folder that is not there,
        as on a disk that is unplugged, stays known.

        Nothing may be removed while a running program may continue it (`in_use`).
        """
        count = size = left = 0
        for _, incoming in self._unused():
            if not os.path.isdir(incoming.directory):
                left += 1
                continue
            count += 1
            size += self._parts_size(incoming)
            self.forget(incoming.transfer, Direction.IN)
        return Cleaned(count, size, left)

    def _unused(self) -> Iterator[tuple[Path, StoredIncoming]]:
        for path in self._states():
            if path.name.endswith(".in.json") and not is_locked(path.with_suffix(".log")):
                loaded = self._load(path)
                if isinstance(loaded, StoredIncoming):
                    yield path, loaded

    def _parts_size(self, incoming: StoredIncoming) -> int:
        size = 0
        with suppress(OSError, FilenameError):
            folders = Folders(Path(incoming.directory))
            try:
                for index, place in enumerate(incoming.places()):
                    if not incoming.entries[index].directory and index not in incoming.done:
                        found = folders.look(place.folder, part_name(incoming.token, index))
                        size += found.st_size if found is not None else 0
            finally:
                folders.close()
        return size

    def _states(self) -> list[Path]:
        """Return our files, the oldest first."""
        try:
            paths = [
                path
                for path in self._folder.iterdir()
                if path.name.endswith((".in.json", ".out.json"))
            ]
            return sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))
        except OSError:
            return []

    def _clear(self, incoming: StoredIncoming) -> None:
        """Remove what a transfer left in the folder to which it was saved."""
        with suppress(OSError, FilenameError):
            folders = Folders(Path(incoming.directory))
            try:
                remove_leftovers(folders, incoming.token, incoming.places(), incoming.tops.values())
            finally:
                folders.close()


def _last_used(state: Path) -> float:
    """Return when a transfer was used last, in seconds since 1970, from its state and journal."""
    files = (state, state.with_suffix(".log"))
    return max((one.stat().st_mtime for one in files if one.exists()), default=0.0)
