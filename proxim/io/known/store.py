"""The file of known devices, which has the keys that this installation shares with others.

Several programs of one person may run at once, and each has its own view of the devices. So a
program writes only what it changed itself since it read or wrote the file, into what the file has
at that moment, while no other program may write it. A device that one of them forgot stays
forgotten, and the others learn of it by looking (`changed`).

Everything here waits for the disk, so it runs on a worker thread.
"""

import base64
import binascii
import contextlib
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proxim.core.errors import Problem, Reason
from proxim.core.known.devices import Endpoint, ForgottenDevice, KnownDevice, KnownFile
from proxim.core.pairing.devices import KnownID, Verified
from proxim.core.sanitize import display_name
from proxim.io.system.config_file import (
    BrokenFileError,
    Fields,
    make_folder,
    other_owner,
    path_in,
    plain,
    read_fields,
    set_aside,
    write_fields,
)
from proxim.io.system.file_lock import lock

FILE_NAME: Final = "known.json"
# The file is replaced at each write, so another one is locked in its place.
LOCK_NAME: Final = ".known.lock"
# Entries that cannot be read are copied to it, and told of then and not at each start.
DAMAGED_NAME: Final = "known.damaged.json"
# A disk that breaks another entry every day must not be filled; the oldest ones go.
MAX_DAMAGED: Final = 100
# A device takes half a KiB, so this is enough for more devices than anybody knows.
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
# How long another program may hold the lock. It needs milliseconds, unless the disk hangs, and
# then ours waits for it, too.
LOCK_SECONDS: Final = 2.0
_LOCK_AGAIN_SECONDS: Final = 0.01
# Anything shorter was not made by us, and could be guessed.
_KEY_BYTES: Final = range(16, 65)
# The year 3000, in Unix seconds. Windows shows no later date.
_LAST_MOMENT: Final = 32_503_680_000

_UUID: Final = "uuid"
_DEVICES: Final = "devices"
_FORGOTTEN: Final = "forgotten"
_DISCOVERY: Final = "discovery"
_ENTRIES: Final = "entries"
# The length of the lock's file says whether the known devices were written, so that they are missed
# if they are gone.
_NEVER_WRITTEN, _WRITTEN = 0, 1

_log = logging.getLogger(__name__)


class _ForeignFileError(Exception):
    """The file is another installation's: the identity is a new one, or the file was copied.

    Its keys would make two of one device, so nobody uses them.
    """


class _UnreadableError(ValueError):
    """An entry of the file is none that this version can read."""


@dataclass(frozen=True, slots=True)
class LoadedKnown:
    """What is known, as far as the file can be used, and what a person should learn about it."""

    file: KnownFile
    problems: tuple[Problem, ...] = ()


class KnownStore:
    """Reads and writes the file. Its methods are called one at a time.

    Without a folder everything lasts only as long as the program.
    """

    def __init__(self, folder: Path | None, uuid: str) -> None:
        """`uuid` is this installation's id: the file of another one is not used."""
        self._folder = folder
        self._uuid = uuid
        # What this program read or wrote last, from which its own changes follow.
        self._base = KnownFile()
        # Whether this program has changes that could not be written.
        self._unwritten = False
        # The file that was looked at last; None if it is to be read again.
        self._looked_at: _Mark | None = None

    def load(self) -> LoadedKnown:
        """Read the file. One whose contents cannot be used is set aside, and nothing is known then;
        one that cannot be read is left as it is.

        Never raises for the state of the disk.
        """
        if self._folder is None:
            # This user has no home, or the settings could not be read. The person has been told
            # that, and learns of it again as soon as something is to be kept.
            return LoadedKnown(self._base)
        path = self._folder / FILE_NAME
        try:
            path = self._path()
            with _locked_if_possible(path) as lock_file:
                fields, problems = self._read_or_set_aside(path, lock_file)
                if fields is None:
                    return LoadedKnown(self._base, problems or _missed(lock_file))
                loaded = _loaded(fields, path)
        except OSError as error:
            detail = other_owner(path) if isinstance(error, PermissionError) else None
            if path.is_symlink():
                detail = f"{path} -> {os.path.realpath(path)} ({plain(error)})"
            detail = detail or f"{path} ({plain(error)})"
            return LoadedKnown(self._base, (Problem(Reason.KNOWN_UNREADABLE, detail),))
        self._base = loaded.file
        counts = len(self._base.devices), len(self._base.forgotten)
        _log.info("known devices: %d, forgotten: %d", *counts)
        return loaded

    def save(self, file: KnownFile) -> tuple[Problem, ...]:
        """Write what changed since the last call, and leave everything else in the file as it is.

        Changes that cannot be written last as long as the program, and are tried again with the
        next ones.
        """
        try:
            path = self._path()
            make_folder(path)
            with _locked(path) as lock_file:
                fields, problems = self._read_or_set_aside(path, lock_file)
                if fields is None:
                    # What was set aside just now is written anew, too: it was ours until then.
                    fields = _merged({_UUID: self._uuid}, KnownFile(), file)
                else:
                    fields = _merged(fields, self._base, file)
                write_fields(path, fields)
                _note(lock_file, _WRITTEN)
        except OSError as error:
            self._unwritten = True
            return (Problem(Reason.KNOWN_UNWRITABLE, plain(error)),)
        self._base, self._unwritten = file, False
        # Something else may have come into the file beside it.
        self._looked_at = None
        return problems

    def changed(self) -> LoadedKnown | None:
        """Return what is known now if another program has changed that; else None. Whoever goes on
        from it says so by `take`.

        As long as changes of this program cannot be written, it knows more than the file. Never
        raises for the state of the disk.
        """
        if self._folder is None or self._unwritten:
            return None
        try:
            path = self._path()
            mark = _mark(path)
            if mark == self._looked_at:
                return None
            # Windows replaces no file that is being read.
            with _locked(path):
                mark, fields = _mark(path), self._read(path)
                loaded = None if fields is None else _loaded(fields, path)
        except OSError:
            return None
        except (BrokenFileError, _ForeignFileError):
            # The next write sets it aside, and says so.
            self._looked_at = mark
            return None
        self._looked_at = mark
        same = loaded is None or _as_sets(loaded.file) == _as_sets(self._base)
        return None if same else loaded

    def take(self, file: KnownFile) -> None:
        """Count this as what the program has read."""
        self._base = file

    def _path(self) -> Path:
        """Return where the file is. Raises OSError, also for a link that leads to no file: what it
        led to may be on a disk that is missing now, and no other one takes its place.
        """
        path = path_in(self._folder, FILE_NAME)
        # Without a folder path_in has raised.
        assert self._folder is not None
        if (self._folder / FILE_NAME).is_symlink():
            path.stat()
        return path

    def _read(self, path: Path) -> Fields | None:
        """Return the file's fields, or None if there is no file.

        Raises OSError, BrokenFileError, or _ForeignFileError.
        """
        fields = read_fields(path, MAX_FILE_BYTES)
        if fields is None:
            return None
        if not isinstance(fields.get(_UUID), str):
            raise BrokenFileError("no uuid")
        for name in (_DEVICES, _FORGOTTEN):
            if not isinstance(fields.get(name, []), list):
                raise BrokenFileError(f"{name} is no list")
        if fields[_UUID] != self._uuid:
            raise _ForeignFileError
        return fields

    def _read_or_set_aside(
        self, path: Path, lock_file: int | None
    ) -> tuple[Fields | None, tuple[Problem, ...]]:
        """Return the file's fields, or None with the reason why they cannot be used.

        Raises OSError.
        """
        try:
            return self._read(path), ()
        except BrokenFileError as error:
            _log.info("the file of known devices is broken: %s", error)
            problem = Problem(Reason.KNOWN_BROKEN, set_aside(path, "broken"))
        except _ForeignFileError:
            problem = Problem(Reason.KNOWN_FOREIGN, set_aside(path, "foreign"))
        # It is told now, and not missed at the next start.
        _note(lock_file, _NEVER_WRITTEN)
        return None, (problem,)


_Mark = tuple[int, int, int]


def _mark(path: Path) -> _Mark | None:
    """Return what is another one after each write of the file; None if there is none. Raises
    OSError.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _as_sets(file: KnownFile) -> tuple[object, ...]:
    """Return what a file says; the order of its entries says nothing."""
    return frozenset(file.devices), frozenset(file.forgotten), file.discovery


@contextlib.contextmanager
def _locked_if_possible(path: Path) -> Iterator[int | None]:
    """Keep other programs from writing the file meanwhile, so that Windows lets both do what they
    do. In a folder where nothing can be written nobody writes it; then this yields None.
    """
    with contextlib.ExitStack() as stack:
        lock_file = None
        # Without a file there is nothing to read, and who knows nobody leaves no trace.
        if path.exists() or (path.parent / LOCK_NAME).exists():
            with contextlib.suppress(OSError):
                lock_file = stack.enter_context(_locked(path))
        yield lock_file


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Keep other programs from writing the file meanwhile; yield what is locked. Raises OSError."""
    descriptor = os.open(
        path.parent / LOCK_NAME,
        os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0),
        0o600,
    )
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not lock(descriptor):
            if time.monotonic() > deadline:
                _log.warning("another program has locked the known devices for too long")
                break
            time.sleep(_LOCK_AGAIN_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _note(lock_file: int | None, length: int) -> None:
    """Note in the lock's file whether the known devices were written."""
    if lock_file is not None:
        # Where that cannot be noted, they are not missed.
        with contextlib.suppress(OSError):
            os.ftruncate(lock_file, length)


def _missed(lock_file: int | None) -> tuple[Problem, ...]:
    """Return that the file is gone which was here, once."""
    if lock_file is None or os.fstat(lock_file).st_size != _WRITTEN:
        return ()
    _note(lock_file, _NEVER_WRITTEN)
    return (Problem(Reason.KNOWN_LOST),)


# --- entries that cannot be read ------------------------------------------------------------------


def _loaded(fields: Fields, path: Path) -> LoadedKnown:
    """Return what can be read, and tell of the devices that cannot, unless that was done."""
    file, damaged = _to_file(fields)
    if not damaged:
        return LoadedKnown(file)
    new, kept = damaged, False
    try:
        before = _kept_before(path.parent / DAMAGED_NAME)
        new = {name: entry for name, entry in damaged.items() if entry not in before}
        if new:
            # The entry itself stays where it is: a newer Proxim, which may have written it, reads
            # it there.
            entries = [*before, *new.values()][-MAX_DAMAGED:]
            write_fields(path.parent / DAMAGED_NAME, {_ENTRIES: entries})
        kept = True
    except OSError as error:
        _log.warning("damaged entries cannot be kept: %s", plain(error))
    if not new:
        return LoadedKnown(file)
    where = f" ({DAMAGED_NAME})" if kept else ""
    return LoadedKnown(file, (Problem(Reason.KNOWN_DAMAGED, f"{', '.join(new)}{where}"),))


def _kept_before(path: Path) -> list[Any]:
    """Return the entries that were told of. Raises OSError."""
    try:
        fields = read_fields(path, MAX_FILE_BYTES)
    except BrokenFileError:
        set_aside(path, "broken")
        return []
    entries = None if fields is None else fields.get(_ENTRIES)
    return entries if isinstance(entries, list) else []


# --- what changed ---------------------------------------------------------------------------------


def _merged(fields: Fields, base: KnownFile, ours: KnownFile) -> Fields:
    """Return the file's fields with what this program changed from `base` to `ours`."""
    merged = {**fields, _UUID: fields[_UUID]}
    if ours.discovery != base.discovery or _DISCOVERY not in fields:
        merged[_DISCOVERY] = ours.discovery
    merged[_DEVICES] = _merged_devices(fields.get(_DEVICES, []), base, ours)
    merged[_FORGOTTEN] = _merged_forgotten(fields.get(_FORGOTTEN, []), base, ours)
    return merged


def _merged_devices(entries: list[Any], base: KnownFile, ours: KnownFile) -> list[Any]:
    before = {device.id: device for device in base.devices}
    after = {device.id: device for device in ours.devices}
    merged: list[Any] = []
    found = set()
    for entry in entries:
        id = entry.get("id") if isinstance(entry, dict) else None
        if id in after:
            found.add(id)
            merged.append(_merged_device(entry, before.get(id), after[id]))
        elif id not in before:
            # Another program has added it, or this version cannot read it.
            merged.append(entry)
    # What the file no longer has although it was there, another program has forgotten.
    merged += [
        _device_fields(device)
        for id, device in after.items()
        if id not in found and id not in before
    ]
    return merged


def _merged_device(entry: Fields, before: KnownDevice | None, after: KnownDevice) -> Fields:
    """Return an entry with the fields that changed. Fields that are not ours stay."""
    old = {} if before is None else _device_fields(before)
    changed = {
        name: value for name, value in _device_fields(after).items() if old.get(name, ...) != value
    }
    merged = {**entry, **changed}
    seen = entry.get("lastSeen")
    if _is_moment(seen) and seen > merged["lastSeen"]:
        # Another program has seen it later, and knows better where.
        merged |= {name: entry[name] for name in ("lastSeen", "endpoints") if name in entry}
    return merged


def _merged_forgotten(entries: list[Any], base: KnownFile, ours: KnownFile) -> list[Any]:
    before = {_text(one.name_key) for one in base.forgotten}
    after = {_text(one.name_key): one for one in ours.forgotten}
    names = [entry.get("nameKey") if isinstance(entry, dict) else None for entry in entries]
    kept = [
        entry
        for entry, name in zip(entries, names, strict=True)
        if name in after or name not in before
    ]
    added = [_forgotten_fields(one) for name, one in after.items() if name not in names]
    return kept + added


# --- what stands in the file ----------------------------------------------------------------------


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _device_fields(device: KnownDevice) -> Fields:
    return {
        "id": device.id,
        "key": _text(device.key),
        "uuid": device.uuid,
        "name": device.name,
        "verified": device.verified.value,
        "since": device.since,
        "lastSeen": device.last_seen,
        "endpoints": [
            {"address": one.address, "port": one.port, "seenFrom": one.seen_from}
            for one in device.endpoints
        ],
        "letIn": device.let_in,
        "filesTo": device.files_to,
        "pending": device.pending,
    }


def _forgotten_fields(one: ForgottenDevice) -> Fields:
    return {
        "nameKey": _text(one.name_key),
        "tombstoneKey": _text(one.tombstone_key),
        "since": one.since,
    }


def _to_file(fields: Fields) -> tuple[KnownFile, dict[str, Any]]:
    """Return what this version can read of the file, and the devices that it cannot, by what people
    call them. The rest stays in the file.
    """
    devices: dict[KnownID, KnownDevice] = {}
    forgotten: dict[bytes, ForgottenDevice] = {}
    damaged: dict[str, Any] = {}
    unreadable = 0
    for number, entry in enumerate(fields.get(_DEVICES, []), 1):
        try:
            device = _to_device(entry)
            devices.setdefault(device.id, device)
        except _UnreadableError:
            name = entry.get("name") if isinstance(entry, dict) else None
            shown = display_name(name) if isinstance(name, str) and name else f"#{number}"
            damaged[shown if shown not in damaged else f"{shown} #{number}"] = entry
    for entry in fields.get(_FORGOTTEN, []):
        try:
            one = _to_forgotten(entry)
            forgotten.setdefault(one.name_key, one)
        except _UnreadableError:
            unreadable += 1
    if unreadable or damaged:
        # Nobody can do anything about those that were forgotten, and nothing depends on them but a
        # sentence on the other side.
        count = unreadable + len(damaged)
        _log.info("%d entries of the known devices cannot be read", count)
    # Anything but a plain "yes" announces nothing, so that a typing error cannot.
    discovery = fields.get(_DISCOVERY, True) is True
    file = KnownFile(tuple(devices.values()), tuple(forgotten.values()), discovery)
    return file, damaged


def _to_device(entry: object) -> KnownDevice:
    fields = _object(entry)
    try:
        verified = Verified(_string(fields, "verified"))
    except ValueError:
        raise _UnreadableError from None
    files_to = fields.get("filesTo")
    return KnownDevice(
        id=KnownID(_string(fields, "id")),
        key=_key(fields, "key"),
        uuid=_string(fields, "uuid"),
        name=_string(fields, "name"),
        verified=verified,
        since=_moment(fields, "since"),
        last_seen=_moment(fields, "lastSeen"),
        endpoints=tuple(_endpoints(fields.get("endpoints"))),
        # Anything but a plain "yes" asks.
        let_in=fields.get("letIn") is True,
        files_to=files_to if isinstance(files_to, str) and files_to else None,
        pending=fields.get("pending") is True,
    )


def _to_forgotten(entry: object) -> ForgottenDevice:
    fields = _object(entry)
    return ForgottenDevice(
        _key(fields, "nameKey"), _key(fields, "tombstoneKey"), _moment(fields, "since")
    )


def _endpoints(entries: object) -> Iterator[Endpoint]:
    """Yield the addresses that can be used; one that cannot is found again by other means."""
    for entry in entries if isinstance(entries, list) else []:
        with contextlib.suppress(_UnreadableError):
            fields = _object(entry)
            port = fields.get("port")
            if type(port) is int and 0 < port < 65536:
                yield Endpoint(_string(fields, "address"), port, _string(fields, "seenFrom"))


def _object(entry: object) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise _UnreadableError
    return entry


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _UnreadableError
    return value


def _is_moment(value: object) -> bool:
    """Whether this is a moment that every system can show as a date."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value < _LAST_MOMENT
    )


def _moment(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if not _is_moment(value):
        raise _UnreadableError
    assert isinstance(value, int | float)
    return float(value)


def _key(fields: Mapping[str, Any], name: str) -> bytes:
    text = _string(fields, name)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise _UnreadableError from None
    if len(raw) not in _KEY_BYTES:
        raise _UnreadableError
    return raw
