"""This installation's identity, its name and whom it refuses, in one small file in the user's
configuration folder.

A broken file costs the identity, never the start: it is kept beside a new one, and the person is
told. What a newer version wrote into the file survives.
"""

import contextlib
import errno
import json
import logging
import os
import re
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from proxim.core.errors import Problem, Reason
from proxim.core.i18n import tr
from proxim.core.sanitize import MAX_NAME_BYTES, is_usable_name

FILE_NAME: Final = "settings.json"
# Ours has 100; whatever is larger was not written by any Proxim
MAX_FILE_BYTES: Final = 64 * 1024
# Kept beside; a disk that breaks the file at every start must not be filled
MAX_BROKEN_FILES: Final = 20
# RFC 9562, version 4
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID_KEY: Final = "uuid"
_NAME_KEY: Final = "deviceName"
_PROOF_KEY: Final = "requireProof"

_log = logging.getLogger(__name__)

_Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Who this installation is."""

    uuid: str
    device_name: str
    # Refuse guests that cannot prove that they know the code
    require_proof: bool = False


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that can be used in any case, and what a person should hear about them."""

    settings: Settings
    problems: tuple[Problem, ...] = ()


class _BrokenFileError(Exception):
    """The file is there and readable, but holds no settings."""


# --- names ----------------------------------------------------------------------------------------


def default_device_name(node: str | None = None) -> str:
    """This computer's own name, shortened to what is_usable_name accepts."""
    # Without ".local", ".fritz.box"
    host = (socket.gethostname() if node is None else node).partition(".")[0]
    printable = host.encode(errors="ignore").decode()
    shown = " ".join(printable.split())
    while len(shown.encode()) > MAX_NAME_BYTES:
        shown = shown[:-1].rstrip()
    if shown.lower() == "localhost" or not is_usable_name(shown):
        # Late: it costs milliseconds, and most computers have a name
        import platform

        system = platform.system()
        return tr("device.own", system=system) if system else tr("device.ownUnknown")
    return shown


# --- the file -------------------------------------------------------------------------------------


def config_folder() -> Path:
    """Where the settings live: the user's configuration folder, as each system has it."""
    # Late: 10 ms, and tests and doctors do not need it
    from platformdirs import user_config_path

    return user_config_path("proxim", appauthor=False)


def _read(path: Path) -> _Fields | None:
    """What the file holds; None if there is none. Raises OSError, or _BrokenFileError."""
    try:
        mode = path.stat().st_mode
        # Reading a pipe would wait for ever
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise _BrokenFileError("not a file")
        with open(path, "rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(raw) > MAX_FILE_BYTES:
        raise _BrokenFileError("too large")
    try:
        # Windows' editors put a byte order mark before it
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
    """Move into place unless there is one already (FileExistsError): two first runs at once share
    one identity.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, as on USB sticks
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.replace(temporary, path)


def _path_in(folder: Path | None) -> Path:
    # A settings file that is a symbolic link, as dotfile managers make, stays one.
    return Path(os.path.realpath((config_folder() if folder is None else folder) / FILE_NAME))


def _write(path: Path, fields: _Fields, put: Callable[[Path, Path], object]) -> None:
    """Write beside the file, then `put` it there: a crash leaves the old one or the new one.

    Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(fields, ensure_ascii=True, indent=2) + "\n"
    temporary = path.parent / f".settings-{os.urandom(8).hex()}.tmp"
    # 0600: nobody else's business; Windows has its own rights and ignores it.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        put(temporary, path)
    finally:
        # After os.replace it is no longer there
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _set_aside(path: Path) -> str:
    """Rename a broken file to the first free name, and tell which. Raises OSError."""
    names = [
        "settings.broken.json",
        *(f"settings.broken-{n}.json" for n in range(2, MAX_BROKEN_FILES + 1)),
    ]
    name = next((name for name in names if not os.path.lexists(path.parent / name)), names[-1])
    os.replace(path, path.parent / name)
    return name


# --- what others call -----------------------------------------------------------------------------


def load_settings(folder: Path | None = None) -> LoadedSettings:
    """Read this installation's settings, or make them on the first run.

    Never raises for the state of the disk.
    """
    problems: list[Problem] = []
    path = _path_in(folder)
    try:
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
                # Another Proxim made it in this very moment
                fields = _read(path) or fields
    except (OSError, _BrokenFileError) as error:
        # Unreadable, unwritable, no folder possible: not ours to move away, it may be another
        # user's.
        problems.append(Problem(Reason.SETTINGS_UNWRITABLE, _plain(error)))
        fields = _new_fields()
    name = fields.get(_NAME_KEY)
    if not isinstance(name, str) or not is_usable_name(name):
        if name is not None:
            problems.append(Problem(Reason.NAME_UNUSABLE, "in the settings file"))
        name = default_device_name()
    # Whatever stands there but a plain "no" refuses: a typing error must not open a door.
    require_proof = fields.get(_PROOF_KEY) not in (None, False)
    return LoadedSettings(Settings(fields[_UUID_KEY], name, require_proof), tuple(problems))


def save_device_name(settings: Settings, name: str, folder: Path | None = None) -> LoadedSettings:
    """Go by another name from now on; everything else in the file stays.

    An unusable name changes nothing (NAME_UNUSABLE). Where it cannot be saved it lasts for this run
    (SETTINGS_UNWRITABLE).
    """
    if not is_usable_name(name):
        return LoadedSettings(settings, (Problem(Reason.NAME_UNUSABLE),))
    renamed = replace(settings, device_name=name.strip())
    return _save(renamed, {_NAME_KEY: renamed.device_name}, folder)


def save_require_proof(
    settings: Settings, required: bool, folder: Path | None = None
) -> LoadedSettings:
    """From now on refuse guests that cannot prove that they know the code, or do not; everything
    else stays.
    """
    return _save(replace(settings, require_proof=required), {_PROOF_KEY: required}, folder)


def _save(settings: Settings, changes: _Fields, folder: Path | None) -> LoadedSettings:
    path = _path_in(folder)
    problems: list[Problem] = []
    try:
        try:
            fields = _read(path)
        except _BrokenFileError as error:
            # Broken since it was loaded. The identity of this run stays, so there is nothing to
            # tell a person.
            _log.warning("settings file is broken (%s); kept as %s", error, _set_aside(path))
            fields = None
        if fields is None:
            fields = {_UUID_KEY: settings.uuid}
        _write(path, {**fields, **changes}, os.replace)
    except OSError as error:
        problems.append(Problem(Reason.SETTINGS_UNWRITABLE, _plain(error)))
    return LoadedSettings(settings, tuple(problems))


def _new_fields() -> _Fields:
    # Late: 10 ms, needed on the first run only
    import uuid

    return {_UUID_KEY: str(uuid.uuid4()), _NAME_KEY: default_device_name()}


def _plain(error: Exception) -> str:
    """An error without the path: it holds the person's name, and a log may be sent to us."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
