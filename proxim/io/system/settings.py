"""This installation's identity, its name and its policy, in one small file in the user's
configuration folder.

A broken file costs the identity but never the start: it is kept beside a new one, and the person is
notified. Fields that a newer version wrote into the file survive.
"""

import logging
import os
import re
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from proxim.core.errors import Problem, Reason
from proxim.core.i18n import tr
from proxim.core.sanitize import MAX_NAME_BYTES, given_name, is_usable_name
from proxim.io.system.config_file import (
    BrokenFileError,
    Fields,
    other_owner,
    path_in,
    plain,
    put_new,
    read_fields,
    set_aside,
    write_fields,
)
from proxim.io.system.user_folders import config_folder

FILE_NAME: Final = "settings.json"
# Our file has 100 bytes. A larger one was not written by any Proxim.
MAX_FILE_BYTES: Final = 64 * 1024
# A UUID of version 4 (RFC 9562).
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID_KEY: Final = "uuid"
_NAME_KEY: Final = "deviceName"
_PROOF_KEY: Final = "requireProof"

_log = logging.getLogger(__name__)


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
    # The folder for what else belongs to this identity; None if it is one for this run only,
    # because the file, which may have another, cannot be read or written.
    folder: Path | None = field(default=None, compare=False)


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


def _read(path: Path) -> Fields | None:
    """Return the file's fields, or None if there is no file.

    Raises OSError, or BrokenFileError.
    """
    fields = read_fields(path, MAX_FILE_BYTES)
    if fields is None:
        return None
    uuid = fields.get(_UUID_KEY)
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
        raise BrokenFileError("no valid uuid")
    return fields


def _problem(error: OSError | BrokenFileError) -> Problem:
    """Return why the settings cannot be kept; if another user owns them, with file and owner."""
    owner = other_owner(error.filename) if isinstance(error, PermissionError) else None
    if owner is not None:
        return Problem(Reason.SETTINGS_FOREIGN, owner)
    return Problem(Reason.SETTINGS_UNWRITABLE, plain(error))


# --- what others call -----------------------------------------------------------------------------


def load_settings(folder: Path | None = None) -> LoadedSettings:
    """Read this installation's settings, or make them on the first run.

    Never raises for the state of the disk.
    """
    problems: list[Problem] = []
    home = folder or config_folder()
    try:
        path = path_in(home, FILE_NAME)
        try:
            fields = _read(path)
        except BrokenFileError as error:
            _log.warning("the settings file is broken: %s", error)
            problems.append(Problem(Reason.SETTINGS_BROKEN, set_aside(path, "broken")))
            fields = None
        if fields is None:
            fields = _new_fields()
            try:
                write_fields(path, fields, put_new)
            except FileExistsError:
                # Another Proxim made the file at this very moment.
                fields = _read(path) or fields
    except (OSError, BrokenFileError) as error:
        # The file cannot be read or written, or its folder cannot be made. It may be another
        # user's, so it is not moved away.
        problems.append(_problem(error))
        fields = _new_fields()
        home = None
    stored = fields.get(_NAME_KEY)
    # A person may have written it into the file.
    name = given_name(stored) if isinstance(stored, str) else None
    if name is None:
        if stored is not None:
            problems.append(Problem(Reason.NAME_UNUSABLE, "in the settings file"))
        name = default_device_name()
    # Anything but a plain "no" refuses such guests, so that a typing error cannot admit them.
    require_proof = fields.get(_PROOF_KEY) not in (None, False)
    settings = Settings(fields[_UUID_KEY], name, require_proof)
    return LoadedSettings(settings, tuple(problems), home)


def save_device_name(settings: Settings, name: str, folder: Path | None = None) -> LoadedSettings:
    """Use another name from now on. Everything else in the file stays.

    An unusable name changes nothing (NAME_UNUSABLE). A name that cannot be saved lasts for this run
    (SETTINGS_UNWRITABLE).
    """
    given = given_name(name)
    if given is None:
        return LoadedSettings(settings, (Problem(Reason.NAME_UNUSABLE),))
    renamed = replace(settings, device_name=given)
    return _save(renamed, {_NAME_KEY: renamed.device_name}, folder)


def save_require_proof(
    settings: Settings, required: bool, folder: Path | None = None
) -> LoadedSettings:
    """Choose whether guests that cannot prove that they know the code are refused from now on.

    Everything else in the file stays.
    """
    return _save(replace(settings, require_proof=required), {_PROOF_KEY: required}, folder)


def _save(settings: Settings, changes: Fields, folder: Path | None) -> LoadedSettings:
    problems: list[Problem] = []
    try:
        path = path_in(folder or config_folder(), FILE_NAME)
        try:
            fields = _read(path)
        except BrokenFileError as error:
            # The file was broken after it was loaded. The identity of this run stays, so there is
            # nothing to report to the person.
            _log.warning(
                "settings file is broken (%s); kept as %s", error, set_aside(path, "broken")
            )
            fields = None
        if fields is None:
            fields = {_UUID_KEY: settings.uuid}
        write_fields(path, {**fields, **changes})
    except OSError as error:
        problems.append(_problem(error))
    return LoadedSettings(settings, tuple(problems))


def _new_fields() -> Fields:
    return {_UUID_KEY: _new_uuid(), _NAME_KEY: default_device_name()}


def _new_uuid() -> str:
    """Return a UUID of version 4 (RFC 9562, 5.4): random bits with the version and the variant.

    The module `uuid` also knows all other versions, and takes milliseconds to load, for which the
    first code of a new installation would wait.
    """
    random = bytearray(os.urandom(16))
    random[6] = random[6] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    digits = random.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
