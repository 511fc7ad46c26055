"""Finds out which names a disk takes: by trying, because the system's name does not tell.

A USB stick on Linux takes no colon, a share may fold case, and an encrypted disk takes short names.
"""

import os
import stat
import sys
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from proxim.core.files.filenames import RESERVED, DiskRules
from proxim.io.files.folders import Folders
from proxim.io.files.source import STAT_BLOCK_BYTES

# Windows counts units of UTF-16.
WINDOWS_LONGEST: Final = 255
# Some disks do not say; this is what nearly all others take.
USUAL_LONGEST: Final = 255
# The umask applies to this mode.
NEW_FILE_MODE: Final = 0o666
# The size of the hole that is tried.
_HOLE_BYTES: Final = 1024 * 1024
# An upper-case letter whose composition can be taken apart.
_LETTER: Final = "\u00c9"


def try_names(folders: Folders, token: str) -> tuple[DiskRules, int]:
    """Return the rules of the disk, and the permissions that new files have there.

    Files with the names of parts (part_files.py) are made and removed. Raises OSError if no file
    can be made.
    """
    if sys.platform == "win32":
        # Here trying would mislead: our paths (folders.long_path) lift rules that other programs
        # need, and then nobody could open the file.
        name = f".proxim-{token}-{_LETTER}.part"
        os.close(folders.create((), name, NEW_FILE_MODE))
        rules = _rules(folders, name, frozenset(RESERVED), drops_ends=True)
        _remove(folders, name)
        return rules, NEW_FILE_MODE
    # Everything that a disk may refuse is in one name, as nearly every disk refuses all or nothing.
    name = f".proxim-{token}-{_LETTER}{RESERVED}.part. "
    mode = _try(folders, name)
    if mode is not None and _is_listed(folders, name):
        rules = _rules(folders, name, frozenset(), drops_ends=False)
        _remove(folders, name)
        return rules, mode
    if mode is not None:
        _remove(folders, name)
    refused = frozenset(char for char in RESERVED if not _takes(folders, f".proxim-{token}{char}"))
    drops_ends = not all(_takes(folders, f".proxim-{token}{end}") for end in ". ")
    # A disk that takes no letters beyond ASCII refuses the names that have them.
    for plain in (f".proxim-{token}-{_LETTER}.part", f".proxim-{token}-A.part"):
        mode = _try(folders, plain)
        if mode is not None:
            rules = _rules(folders, plain, refused, drops_ends=drops_ends)
            _remove(folders, plain)
            return rules, mode
    # The name holds nothing that a disk could refuse, so this raises the disk's own error.
    name = f".proxim-{token}.part"
    os.close(folders.create((), name, NEW_FILE_MODE))
    raise AssertionError(name)


def has_holes(folders: Folders, token: str) -> bool:
    """Whether the disk stores a file without the zeros that were skipped in it.

    A file with the name of a part (part_files.py) is made and removed.
    """
    name = f".proxim-{token}-holes.part"
    try:
        descriptor = folders.create((), name)
    except OSError:
        return False
    try:
        os.lseek(descriptor, _HOLE_BYTES, os.SEEK_SET)
        os.write(descriptor, b"x")
        # Windows does not say, and needs a call of its own for holes.
        blocks: int | None = getattr(os.fstat(descriptor), "st_blocks", None)
        return blocks is not None and blocks * STAT_BLOCK_BYTES < _HOLE_BYTES
    except OSError:
        return False
    finally:
        os.close(descriptor)
        _remove(folders, name)


def too_large(folders: Folders, token: str, sizes: Iterable[int]) -> frozenset[int]:
    """Return which of these sizes of a file the disk does not take, as far as it says so before
    anything is written.

    A file with the name of a part (part_files.py) is made and removed.
    """
    most = file_size_limit()
    refused = {size for size in sizes if size > most}
    name = f".proxim-{token}-size.part"
    try:
        descriptor = folders.create((), name)
    except OSError:
        return frozenset(refused)
    try:
        for size in sorted({*sizes} - refused, reverse=True):
            try:
                # Linux checks a position against the disk's largest file, and writes nothing.
                os.lseek(descriptor, size, os.SEEK_SET)
            except OSError:
                refused.add(size)
            else:
                break
    finally:
        os.close(descriptor)
        _remove(folders, name)
    return frozenset(refused)


def file_size_limit() -> int:
    """Return the largest file that this process may write (`ulimit -f`)."""
    if sys.platform != "win32":
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if most != resource.RLIM_INFINITY:
            return most
    return sys.maxsize


def _rules(folders: Folders, name: str, refused: frozenset[str], *, drops_ends: bool) -> DiskRules:
    """Return the rules, given a file with that name."""
    return DiskRules(
        _longest(folders),
        utf16=sys.platform == "win32",
        refused=refused,
        drops_ends=drops_ends,
        folds_case=folders.look((), name.lower()) is not None,
        folds_forms=not name.isascii()
        and folders.look((), unicodedata.normalize("NFD", name)) is not None,
    )


def _longest(folders: Folders) -> int:
    if sys.platform == "win32":
        return WINDOWS_LONGEST
    with suppress(OSError, ValueError):
        longest = os.pathconf(folders.path(()), "PC_NAME_MAX")
        if longest > 0:
            return longest
    return USUAL_LONGEST


def _takes(folders: Folders, name: str) -> bool:
    """Whether the disk stores a file under exactly this name."""
    if _try(folders, name) is None:
        return False
    taken = _is_listed(folders, name)
    _remove(folders, name)
    return taken


def _try(folders: Folders, name: str) -> int | None:
    """Create a file; return its permissions, or None if the disk does not take the name."""
    for _ in range(2):
        try:
            descriptor = folders.create((), name, NEW_FILE_MODE)
        except FileExistsError:
            # An earlier run was killed at this very moment.
            _remove(folders, name)
        except OSError:
            return None
        else:
            try:
                return stat.S_IMODE(os.fstat(descriptor).st_mode)
            finally:
                os.close(descriptor)
    return None


def _is_listed(folders: Folders, name: str) -> bool:
    return any(unicodedata.normalize("NFC", one) == name for one in folders.names())


def _remove(folders: Folders, name: str) -> None:
    with suppress(OSError):
        folders.remove((), name)
