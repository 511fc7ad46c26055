"""A small file of JSON in the user's configuration folder, read and written so that nothing is
lost: the settings, and the devices that this one knows.

Each write makes a whole new file and puts it in the old one's place. A file that cannot be used is
kept beside the new one.
"""

import contextlib
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

# Files that are set aside are kept, but a disk that breaks the file at every start must not be
# filled.
MAX_SET_ASIDE: Final = 20
# Some network disks know no fsync.
_NO_FSYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM})
# Windows neither replaces nor opens a file that another program has open in its own way, as virus
# scanners, backups and indexers do for a moment. Elsewhere such an error lasts.
_BUSY: tuple[type[OSError], ...] = (PermissionError,) if sys.platform == "win32" else ()
# How long that is waited for. What really is forbidden is told after it.
BUSY_SECONDS: Final = 1.0
_BUSY_AGAIN_SECONDS: Final = 0.02

Fields = dict[str, Any]
_Result = TypeVar("_Result")


class BrokenFileError(Exception):
    """The file is there and readable, but its contents are not ours."""


def path_in(folder: Path | None, name: str) -> Path:
    """Return the path of a file. Raises OSError if this user has no folder for it."""
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder")
    # A file that is a symbolic link, as dotfile managers make, stays one.
    return Path(os.path.realpath(folder / name))


def read_fields(path: Path, max_bytes: int) -> Fields | None:
    """Return the file's fields, or None if there is no file.

    Raises OSError, or BrokenFileError.
    """
    try:
        mode = path.stat().st_mode
        # Reading a pipe would wait for ever.
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise BrokenFileError("not a file")
        raw = _patiently(lambda: _read_at_most(path, max_bytes + 1))
    except FileNotFoundError:
        return None
    if len(raw) > max_bytes:
        raise BrokenFileError("too large")
    try:
        # Windows' editors put a byte order mark before the text.
        fields = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BrokenFileError(type(error).__name__) from None
    if not isinstance(fields, dict):
        raise BrokenFileError("not an object")
    return fields


def _read_at_most(path: Path, size: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(size)


def replace_file(temporary: Path, path: Path) -> None:
    """Move a new file into the old one's place. Raises OSError."""
    _patiently(lambda: os.replace(temporary, path))


def _patiently(act: Callable[[], _Result]) -> _Result:
    """Do something again while another program is in its way for a moment."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return act()
        except _BUSY:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_BUSY_AGAIN_SECONDS)


def put_new(temporary: Path, path: Path) -> None:
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


def write_fields(
    path: Path, fields: Fields, put: Callable[[Path, Path], object] = replace_file
) -> None:
    """Write a new file, then `put` it into place. Raises OSError.

    A crash leaves the old file or the new one.
    """
    make_folder(path)
    text = json.dumps(fields, ensure_ascii=True, indent=2) + "\n"
    temporary = path.parent / f".{path.stem}-{os.urandom(8).hex()}.tmp"
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


def make_folder(path: Path) -> None:
    """Make the folder of a file, for this user alone. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def set_aside(path: Path, why: str) -> str:
    """Rename a file that cannot be used to the first free name, such as "settings.broken.json", and
    return that name. Raises OSError.

    If no name is free, the last one is replaced.
    """
    stem = f"{path.stem}.{why}"
    names = [f"{stem}.json", *(f"{stem}-{n}.json" for n in range(2, MAX_SET_ASIDE + 1))]
    name = next((name for name in names if not os.path.lexists(path.parent / name)), names[-1])
    replace_file(path, path.parent / name)
    return name


def other_owner(path: object) -> str | None:
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


def plain(error: Exception) -> str:
    """Return an error without its path, which contains the person's name.

    A log may be sent to us.
    """
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
