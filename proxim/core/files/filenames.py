"""Makes names from another device fit for this device's disk, and gives each file of a transfer a
place beneath one folder.

A name is cleaned, never trusted, and no more of it is changed than the disk needs (DiskRules). A
path that no honest sender writes (`..`, an absolute path) is refused. Names that the disk takes for
the same name get numbers.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from proxim.core.errors import ProximError, Reason
from proxim.core.files.manifest import MAX_DEPTH, Entry

# Room for ".photoslibrary" and ".code-workspace"; anything longer is not an extension.
MAX_EXTENSION_BYTES: Final = 24
UNNAMED: Final = "unnamed"
STAND_IN: Final = "_"

# Format characters are dropped: they are invisible and may turn the reading direction ("gnp.exe"
# shown as "exe.png"). These are needed: the joiners (Persian, Indic scripts, emoji) and Arabic,
# Syriac and Kaithi signs that are visible.
_KEPT_FORMATS: Final = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Separators, drives and streams of Windows, and its wildcards.
RESERVED: Final = '\\:*?"<>|'
# Cygwin, WSL, Samba's and Apple's mounts spell reserved characters with these private-use
# characters, which would become reserved characters again.
_MAPPED: Final = range(0xF000, 0xF100)
# The source is "Naming Files, Paths, and Namespaces" (CreateFile). Windows takes superscript digits
# for digits.
_DEVICE: Final = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE
)
# On macOS this leads to another file's resource fork (Apple's TN1150), whatever its case.
_FORK: Final = "..namedfork"
# Characters that HFS+ ignores when it compares names (Apple's TN1150), and variation selectors.
_IGNORED: Final = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class FilenameError(ProximError):
    """A path that cannot be used here; no honest sender makes one."""


@dataclass(frozen=True, slots=True)
class DiskRules:
    """What a disk takes for a name, as io/files/naming.py finds by trying."""

    # The length of the longest name, in bytes of UTF-8 or in units of UTF-16.
    longest: int
    utf16: bool = False
    # The characters that it refuses, or takes for something else (a colon for a stream).
    refused: frozenset[str] = frozenset()
    # Whether it drops dots and spaces at the end of a name.
    drops_ends: bool = False
    # Whether names that differ only in case are one.
    folds_case: bool = False
    # Whether names that differ only in their composition, or in invisible characters, are one.
    folds_forms: bool = False

    @property
    def like_windows(self) -> bool:
        """Whether names may mean what they mean on Windows: devices, and mapped characters."""
        return self.drops_ends or bool(self.refused)

    def length(self, name: str) -> int:
        """The length of a name, as this disk counts."""
        return (
            len(name.encode("utf-16-le", "surrogatepass")) // 2
            if self.utf16
            else len(name.encode())
        )


# What every disk takes. Disks allow 255; a number and a browser's suffix may be added.
ANY_DISK: Final = DiskRules(
    200, refused=frozenset(RESERVED), drops_ends=True, folds_case=True, folds_forms=True
)


def _fit(char: str, rules: DiskRules) -> str:
    """Return the character as a name may contain it; empty if it is dropped."""
    category = unicodedata.category(char)
    if category == "Cf":
        return char if char in _KEPT_FORMATS else ""
    code = ord(char)
    # These are controls, line separators, lone surrogates, and noncharacters, which APFS refuses.
    unusable = (
        category in {"Cc", "Cs", "Zl", "Zp"} or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    )
    mapped = rules.like_windows and code in _MAPPED
    return STAND_IN if unusable or mapped or char == "/" or char in rules.refused else char


def _bare(name: str, rules: DiskRules, *, top: bool) -> str:
    """Strip what the disk drops at the end of a name, and what hides a file at the top."""
    start, end = 0, len(name)
    while top and start < end and (name[start] == "." or name[start].isspace()):
        start += 1
    while rules.drops_ends and end > start and (name[end - 1] == "." or name[end - 1].isspace()):
        end -= 1
    return name[start:end]


def _split(name: str) -> tuple[str, str]:
    """Split a name into stem and extension; "archive.tar.gz" has ".gz"."""
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension.encode()) >= MAX_EXTENSION_BYTES:
        return name, ""
    return stem, dot + extension


def _cut(text: str, limit: int, rules: DiskRules) -> str:
    """Cut a text to as many whole characters as fit into `limit`, as the disk counts."""
    if rules.utf16:
        return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", errors="ignore")
    return text.encode()[:limit].decode(errors="ignore")


def clean_name(name: str, rules: DiskRules = ANY_DISK, *, top: bool = True) -> str:
    """Make a name for one file or folder that the disk can store.

    It is in NFC, is no longer than the disk's longest name, and keeps its extension. At the `top`
    it does not begin with a dot, because nobody would find it.
    """
    # Nearly all names are like this; the only unfit characters in them are refused ones.
    if name.isascii() and name.isprintable() and "/" not in name:
        fit = (
            name
            if rules.refused.isdisjoint(name)
            else "".join(STAND_IN if char in rules.refused else char for char in name)
        )
    else:
        # The name is normalised after `_fit`, because a letter and its accent may become neighbours
        # only when the characters between them are dropped. Composing makes no unfit character.
        fit = unicodedata.normalize("NFC", "".join(_fit(char, rules) for char in name))
    bare = _guarded(_bare(fit, rules, top=top) or UNNAMED, rules)
    # A character takes at most 4 bytes.
    return bare if len(bare) * 4 <= rules.longest else _shortened(bare, "", rules)


def _guarded(name: str, rules: DiskRules) -> str:
    """Change a name that means something else: a device, a fork, or dots alone.

    Windows takes "NUL.txt" and "nul .tar.gz" for devices, too.
    """
    device = rules.like_windows and _DEVICE.fullmatch(name.partition(".")[0].rstrip())
    special = device or not name.strip(".") or name.lower() == _FORK
    return STAND_IN + name if special else name


def _shortened(name: str, number: str, rules: DiskRules) -> str:
    """Insert `number` before the extension, and shorten the name to the limit."""
    stem, extension = _split(name)
    room = rules.longest - rules.length(number) - rules.length(extension)
    if rules.length(stem) > room:
        cut = _bare(_cut(stem, room, rules), rules, top=False)
        return _guarded(cut + number + extension, rules)
    return stem + number + extension


def numbered(name: str, number: int, rules: DiskRules = ANY_DISK) -> str:
    """Return the `number`-th name to try: "photo.jpg", then "photo (2).jpg"."""
    return name if number == 1 else _shortened(name, f" ({number})", rules)


def folded(name: str, rules: DiskRules = ANY_DISK) -> str:
    """Return a key that is equal for two names that the disk takes for the same name."""
    if name.isascii():
        return name.lower() if rules.folds_case else name
    key = unicodedata.normalize("NFD", name) if rules.folds_forms else name
    if rules.folds_case:
        key = key.upper().casefold()
    return unicodedata.normalize("NFC", _IGNORED.sub("", key)) if rules.folds_forms else key


def parts_of(path: str) -> tuple[str, ...]:
    """Split a manifest's path into its names, which are not cleaned yet.

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
    """The names that are used in one folder."""

    rules: DiskRules = ANY_DISK
    _used: set[str] = field(default_factory=set)
    # The next number to try, so that 10,000 equal names do not try 10,000 numbers each.
    _next: dict[str, int] = field(default_factory=dict)

    def give(self, name: str) -> str:
        """Return `name`, with a number if another file has the name."""
        return next(self.tries(name))

    def tries(self, name: str) -> Iterator[str]:
        """Yield `name` and then numbered names, leaving out names that were used or offered
        before.
        """
        return filter(self._claim, self._candidates(name))

    def _claim(self, given: str) -> bool:
        key = folded(given, self.rules)
        if key in self._used:
            return False
        self._used.add(key)
        return True

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        # Names that differ only where they are cut for a number share their numbers, separately for
        # each width of the number. Otherwise 10,000 long names would try each other's numbers.
        first, end = 2, 10
        while True:
            key = folded(numbered(name, first, self.rules), self.rules)
            for number in range(self._next.get(key, first), end):
                self._next[key] = number + 1
                yield numbered(name, number, self.rules)
            first, end = end, end * 10


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an entry beneath the folder that is saved to."""

    # The folders that contain the entry; a folder's own name is the last of its own list.
    folder: tuple[str, ...]
    # A file's name; empty for a folder.
    name: str


@dataclass(slots=True)
class _Folder:
    path: tuple[str, ...]
    names: Names
    # The folders inside this one, by their names as announced.
    folders: dict[str, "_Folder"] = field(default_factory=dict)

    def below(self, part: str) -> "_Folder":
        found = self.folders.get(part)
        if found is None:
            rules = self.names.rules
            given = self.names.give(clean_name(part, rules, top=not self.path))
            found = self.folders[part] = _Folder((*self.path, given), Names(rules))
        return found


def places(entries: Iterable[Entry], rules: DiskRules = ANY_DISK) -> tuple[Place, ...]:
    """Give each entry a place; no two places are the same on this disk.

    The same entries always get the same places, because a resumed transfer relies on them. A file
    that was chosen by itself keeps its cleaned name even if another has it: at the top, numbers
    depend on what is on the disk. Raises FilenameError with NAME_REFUSED.
    """
    root = _Folder((), Names(rules))
    found: list[Place] = []
    for entry in entries:
        parts = parts_of(entry.path)
        folder = root
        for part in parts if entry.directory else parts[:-1]:
            folder = folder.below(part)
        if entry.directory:
            found.append(Place(folder.path, ""))
        elif folder is root:
            found.append(Place((), clean_name(parts[0], rules)))
        else:
            name = clean_name(parts[-1], rules, top=False)
            found.append(Place(folder.path, folder.names.give(name)))
    return tuple(found)
