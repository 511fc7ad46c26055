"""This installation's identity, its name and its policy, in one small file in the user's
configuration folder.

A broken file costs the identity but never the start: it is kept beside a new one, and the person is
notified. Fields that a newer version wrote into the file survive.
"""

import contextlib
import errno
import json
import logging
import os
import re
import socket
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from proxim.core.errors import Problem, Reason
from proxim.core.i18n import tr
from proxim.core.sanitize import MAX_NAME_BYTES, is_usable_name
from proxim.io.system.user_folders import config_folder

FILE_NAME: Final = "settings.json"
# Our file has 100 bytes. A larger one was not written by any Proxim.
MAX_FILE_BYTES: Final = 64 * 1024
# Broken files are kept, but a disk that breaks the file at every start must not be filled.
MAX_BROKEN_FILES: Final = 20
# A UUID of version 4 (RFC 9562).
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID_KEY: Final = "uuid"
_NAME_KEY: Final = "deviceName"
# Some network disks know no fsync.
_NO_FSYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM})
_PROOF_KEY: Final = "requireProof"

_log = logging.getLogger(__name__)

_Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The identity of this installation, and its choices."""

    uuid: str
    device_name: str
    # Refuse guests that cannot prove that they know the code.
    require_proof: bool = False


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that can be used in any case, and problems that a person should learn about."""

    settings: Settings
    problems: tuple[Problem, ...] = ()


class _BrokenFileError(Exception):
    """The file is there and readable, but contains no settings."""


# --- names ----------------------------------------------------------------------------------------


def default_device_name(node: str | None = None) -> str:
    """Return this computer's own name, shortened to what is_usable_name accepts."""
    # Endings such as ".local" and ".fritz.box" are cut off.
    host = (socket.gethostname() if node is None else node).partition(".")[0]
    printable = host.encode(errors="ignore").decode()
    shown = " ".join(printable.split())
    while len(shown.encode()) > MAX_NAME_BYTES:
        shown = shown[:-1].rstrip()
    if shown.lower() == "localhost" or not is_usable_name(shown):
        # Imported late, because it takes milliseconds, and most computers have a name.
        import platform

        system = platform.system()
        return tr("device.own", system=system) if system else tr("device.ownUnknown")
    return shown


# --- the file -------------------------------------------------------------------------------------


def _read(path: Path) -> _Fields | None:
    """Return the file's fields, or None if there is no file.

    Raises OSError, or _BrokenFileError.
    """
    try:
        mode = path.stat().st_mode
        # Reading a pipe would wait for ever.
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise _BrokenFileError("not a file")
        with open(path, "rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(raw) > MAX_FILE_BYTES:
        raise _BrokenFileError("too large")
    try:
        # Windows' editors put a byte order mark before the text.
        fields = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _BrokenFileError(type(error).__name__) from None
    if not isinstance(fields, dict):
        raise _BrokenFileError("not an object")
    uuid = fields.get(_UUID_KEY)
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
        raise _BrokenFileError("no valid uuid")
    return fields


def _put_new(temporary: Path, path: Path) -> None:
    """Move a new file into place. Raises FileExistsError if there is one already.

    Two first runs at the same time thus share one identity.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # The file system has no hard links, as on USB sticks.
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.replace(temporary, path)


def _path_in(folder: Path | None) -> Path:
    """Return the path of the file. Raises OSError if this user has no folder for it."""
    folder = folder or config_folder()
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder")
    # A settings file that is a symbolic link, as dotfile managers make, stays one.
    return Path(os.path.realpath(folder / FILE_NAME))


def _write(path: Path, fields: _Fields, put: Callable[[Path, Path], object]) -> None:
    """Write a new file, then `put` it into place. Raises OSError.

    A crash leaves the old file or the new one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(fields, ensure_ascii=True, indent=2) + "\n"
    temporary = path.parent / f".settings-{os.urandom(8).hex()}.tmp"
    # The mode 0600 keeps others from reading it. Windows has its own rights and ignores the mode.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            try:
                os.fsync(file.fileno())
            except OSError as error:
                if error.errno not in _NO_FSYNC:
                    raise
        put(temporary, path)
    finally:
        # After os.replace the temporary file no longer exists.
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _set_aside(path: Path) -> str:
    """Rename a broken file to the first free name and return that name. Raises OSError.

    If no name is free, the last one is replaced.
    """
    names = [
        "settings.broken.json",
        *(f"settings.broken-{n}.json" for n in range(2, MAX_BROKEN_FILES + 1)),
    ]
    name = next((name for name in names if not os.path.lexists(path.parent / name)), names[-1])
    os.replace(path, path.parent / name)
    return name


def _problem(error: OSError | _BrokenFileError) -> Problem:
    """Return why the settings cannot be kept; if another user owns them, with file and owner."""
    owner = _other_owner(error.filename) if isinstance(error, PermissionError) else None
    if owner is not None:
        return Problem(Reason.SETTINGS_FOREIGN, owner)
    return Problem(Reason.SETTINGS_UNWRITABLE, _plain(error))


def _other_owner(path: object) -> str | None:
    """Return the first of a path and the folders above it that belongs to another user, with its
    owner; None if there is none.
    """
    # Windows has no such owners.
    if sys.platform == "win32" or not isinstance(path, str | os.PathLike):
        return None
    import pwd

    for one in (Path(path), *list(Path(path).parents)[:2]):
        try:
            uid = one.stat().st_uid
        except OSError:
            continue
        if uid != os.geteuid():
            try:
                name = pwd.getpwuid(uid).pw_name
            except KeyError:
                name = str(uid)
            return f"{one} ({name})"
    return None


# --- what others call -----------------------------------------------------------------------------


def load_settings(folder: Path | None = None) -> LoadedSettings:
    """Read this installation's settings, or make them on the first run.

    Never raises for the state of the disk.
    """
    problems: list[Problem] = []
    try:
        path = _path_in(folder)
        try:
            fields = _read(path)
        except _BrokenFileError as error:
            problems.append(Problem(Reason.SETTINGS_BROKEN, f"{error}; kept as {_set_aside(path)}"))
            fields = None
        if fields is None:
            fields = _new_fields()
            try:
                _write(path, fields, _put_new)
            except FileExistsError:
                # Another Proxim made the file at this very moment.
                fields = _read(path) or fields
    except (OSError, _BrokenFileError) as error:
        # The file cannot be read or written, or its folder cannot be made. It may be another
        # user's, so it is not moved away.
        problems.append(_problem(error))
        fields = _new_fields()
    name = fields.get(_NAME_KEY)
    if not isinstance(name, str) or not is_usable_name(name):
        if name is not None:
            problems.append(Problem(Reason.NAME_UNUSABLE, "in the settings file"))
        name = default_device_name()
    # Anything but a plain "no" refuses such guests, so that a typing error cannot admit them.
    require_proof = fields.get(_PROOF_KEY) not in (None, False)
    return LoadedSettings(Settings(fields[_UUID_KEY], name, require_proof), tuple(problems))


def save_device_name(settings: Settings, name: str, folder: Path | None = None) -> LoadedSettings:
    """Use another name from now on. Everything else in the file stays.

    An unusable name changes nothing (NAME_UNUSABLE). A name that cannot be saved lasts for this run
    (SETTINGS_UNWRITABLE).
    """
    if not is_usable_name(name):
        return LoadedSettings(settings, (Problem(Reason.NAME_UNUSABLE),))
    renamed = replace(settings, device_name=name.strip())
    return _save(renamed, {_NAME_KEY: renamed.device_name}, folder)


def save_require_proof(
    settings: Settings, required: bool, folder: Path | None = None
) -> LoadedSettings:
    """Choose whether guests that cannot prove that they know the code are refused from now on.

    Everything else in the file stays.
    """
    return _save(replace(settings, require_proof=required), {_PROOF_KEY: required}, folder)


def _save(settings: Settings, changes: _Fields, folder: Path | None) -> LoadedSettings:
    problems: list[Problem] = []
    try:
        path = _path_in(folder)
        try:
            fields = _read(path)
        except _BrokenFileError as error:
            # The file was broken after it was loaded. The identity of this run stays, so there is
            # nothing to report to the person.
            _log.warning("settings file is broken (%s); kept as %s", error, _set_aside(path))
            fields = None
        if fields is None:
            fields = {_UUID_KEY: settings.uuid}
        _write(path, {**fields, **changes}, os.replace)
    except OSError as error:
        problems.append(_problem(error))
    return LoadedSettings(settings, tuple(problems))


def _new_fields() -> _Fields:
    # Imported late, because it takes 10 ms and only the first run needs it.
    import uuid

    return {_UUID_KEY: str(uuid.uuid4()), _NAME_KEY: default_device_name()}


def _plain(error: Exception) -> str:
    """Return an error without its path, which contains the person's name.

    A log may be sent to us.
    """
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
