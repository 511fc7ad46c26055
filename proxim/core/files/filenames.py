"""Names from another device made fit for every disk, and a place for each file of a transfer
beneath one folder.

A name is cleaned, never trusted; a path that no honest sender writes (`..`, an absolute one) is
refused. Names that one system or another takes for the same get numbers.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from proxim.core.errors import ProximError, Reason
from proxim.core.files.manifest import MAX_DEPTH, Entry

# Of one name; 255 is what disks take, and a number and a browser's suffix may come to it
MAX_NAME_BYTES: Final = 200
# ".photoslibrary", ".code-workspace"; what is longer is no extension
MAX_EXTENSION_BYTES: Final = 24
UNNAMED: Final = "unnamed"
STAND_IN: Final = "_"

# Formats are dropped: they draw nothing and may turn the reading direction ("gnp.exe" shown as
# "exe.png"). But these are needed: the joiners (Persian, Indic scripts, emoji) and Arabic, Syriac
# and Kaithi signs that are drawn.
_KEPT_FORMATS: Final = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Separators, drives and streams of Windows, its wildcards
_RESERVED: Final = frozenset('/\\:*?"<>|')
# Private use by which Cygwin, WSL, Samba's and Apple's mounts spell reserved characters: they would
# come back as those.
_MAPPED: Final = range(0xF000, 0xF100)
# CreateFile: "Naming Files, Paths, and Namespaces"; it takes superscript digits for digits.
_DEVICE: Final = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE
)
# What HFS+ leaves out when it compares names (Apple's TN1150), and variation selectors.
_IGNORED: Final = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class FilenameError(ProximError):
    """A path that cannot be used here; no honest sender makes one."""


def _fit(char: str) -> str:
    """A character as a name may hold it; empty where it is dropped."""
    category = unicodedata.category(char)
    if category == "Cf":
        return char if char in _KEPT_FORMATS else ""
    code = ord(char)
    # Controls, separators of lines, lone surrogates; noncharacters, which APFS refuses.
    unusable = (
        category in {"Cc", "Cs", "Zl", "Zp"} or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    )
    return STAND_IN if unusable or char in _RESERVED or code in _MAPPED else char


def _bare(name: str) -> str:
    """Without what Windows drops at the end and what hides a file at the start."""
    start, end = 0, len(name)
    while start < end and (name[start] == "." or name[start].isspace()):
        start += 1
    while end > start and (name[end - 1] == "." or name[end - 1].isspace()):
        end -= 1
    return name[start:end]


def _split(name: str) -> tuple[str, str]:
    """Stem and extension; "archive.tar.gz" has ".gz"."""
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension.encode()) >= MAX_EXTENSION_BYTES:
        return name, ""
    return stem, dot + extension


def _cut(text: str, limit: int) -> str:
    """As many whole characters as have room in `limit` bytes."""
    return text.encode()[:limit].decode(errors="ignore")


def clean_name(name: str) -> str:
    """A name for one file or folder that every system can hold: NFC, at most MAX_NAME_BYTES, with
    its extension.
    """
    # Nearly all; only reserved characters can be in it
    if name.isascii() and name.isprintable():
        fit = (
            name
            if _RESERVED.isdisjoint(name)
            else "".join(STAND_IN if char in _RESERVED else char for char in name)
        )
    else:
        # Normalised in between: a letter and its accent may stand together only once what was
        # between them has gone, and composing makes no character that is not fit.
        fit = unicodedata.normalize("NFC", "".join(map(_fit, name)))
    bare = _guarded(_bare(fit) or UNNAMED)
    # 4: the most that a character takes
    return bare if len(bare) * 4 <= MAX_NAME_BYTES else _shortened(bare, "")


def _guarded(name: str) -> str:
    """Not the name of a device: Windows takes "NUL.txt" and "nul .tar.gz" for one as well."""
    return STAND_IN + name if _DEVICE.fullmatch(name.partition(".")[0].rstrip()) else name


def _shortened(name: str, number: str) -> str:
    """With `number` before the extension, and no longer than a name may be."""
    stem, extension = _split(name)
    room = MAX_NAME_BYTES - len(number.encode()) - len(extension.encode())
    if len(stem.encode()) > room:
        return _guarded(_bare(_cut(stem, room)) + number + extension)
    return stem + number + extension


def numbered(name: str, number: int) -> str:
    """The name to try as the `number`-th: "photo.jpg", then "photo (2).jpg"."""
    return name if number == 1 else _shortened(name, f" ({number})")


def folded(name: str) -> str:
    """The same for two names that some file system takes for one: by case, composition, or what
    draws nothing.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize(
        "NFC", _IGNORED.sub("", unicodedata.normalize("NFD", name).upper().casefold())
    )


def parts_of(path: str) -> tuple[str, ...]:
    """The names that a path of a manifest consists of, not yet cleaned.

    Raises FilenameError with NAME_REFUSED.
    """
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} for part in parts):
        raise FilenameError(Reason.NAME_REFUSED, "a part of a path is empty or dots")
    if len(parts) > MAX_DEPTH:
        raise FilenameError(Reason.NAME_REFUSED, "folders nest too deeply")
    return parts


@dataclass(slots=True)
class Names:
    """The names given in one folder."""

    _used: set[str] = field(default_factory=set)
    # So that 10,000 alike do not try 10,000 numbers each
    _next: dict[str, int] = field(default_factory=dict)

    def give(self, name: str) -> str:
        """`name`, with a number where another has it."""
        return next(self.tries(name))

    def tries(self, name: str) -> Iterator[str]:
        """`name`, then with numbers: those that nothing here has or was offered before."""
        return filter(self._claim, self._candidates(name))

    def _claim(self, given: str) -> bool:
        key = folded(given)
        if key in self._used:
            return False
        self._used.add(key)
        return True

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        # Names that differ only where they are cut for a number share their numbers, which are
        # those of one width: or 10,000 long ones would try each other's.
        first, end = 2, 10
        while True:
            key = folded(numbered(name, first))
            for number in range(self._next.get(key, first), end):
                self._next[key] = number + 1
                yield numbered(name, number)
            first, end = end, end * 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry belongs, beneath the folder that is saved to."""

    # The folders that it is in; for an entry that is a folder, with itself
    folder: tuple[str, ...]
    # Of a file; empty for a folder
    name: str


@dataclass(slots=True)
class _Folder:
    path: tuple[str, ...]
    names: Names = field(default_factory=Names)
    # By their names as announced
    folders: dict[str, "_Folder"] = field(default_factory=dict)

    def below(self, part: str) -> "_Folder":
        found = self.folders.get(part)
        if found is None:
            found = self.folders[part] = _Folder((*self.path, self.names.give(clean_name(part))))
        return found


def places(entries: Iterable[Entry]) -> tuple[Place, ...]:
    """A place for each entry, no two the same anywhere. Raises FilenameError with NAME_REFUSED.

    It is always the same for the same entries: a resumed transfer goes on by it. A file that is
    chosen by itself keeps its cleaned name even where another has it: at the top what is on the
    disk decides on numbers.
    """
    root = _Folder(())
    found: list[Place] = []
    for entry in entries:
        parts = parts_of(entry.path)
        folder = root
        for part in parts if entry.directory else parts[:-1]:
            folder = folder.below(part)
        if entry.directory:
            found.append(Place(folder.path, ""))
        elif folder is root:
            found.append(Place((), clean_name(parts[0])))
        else:
            found.append(Place(folder.path, folder.names.give(clean_name(parts[-1]))))
    return tuple(found)
