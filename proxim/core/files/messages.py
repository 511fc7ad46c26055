"""The messages about files on a link's `control` channel: reading them, writing them, and cutting
long lists into pieces.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason, reason_of
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_PATH_BYTES,
    Entry,
    FailedFile,
    LeftOutFile,
    Partial,
    Position,
    RenamedFile,
    Span,
    TransferID,
)
from proxim.core.files.stream import DIGEST_BYTES
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    flag_field,
    list_field,
    optional_text_field,
    text_field,
    write_object,
)
from proxim.core.link.messages import Reader, read_bytes
from proxim.core.pairing import messages as pair_msg

# Unfinished transfers that one receiver may name; it names the oldest first, and the others wait.
MAX_TAGS: Final = 64
MAX_GENERATION: Final = 1 << 20
# The limits of a list in one message: the number of items, and the bytes of their paths. They keep
# a message below 64 KiB of JSON.
PIECE_ITEMS: Final = 400
PIECE_BYTES: Final = 32 * 1024
# Disks that count in UTF-16 take names of 255 units, each of at most 3 bytes.
MAX_NAME_BYTES: Final = 3 * 255
# The reasons that one side may send about a transfer. Any other reason, perhaps of a newer version,
# becomes the general one.
_WIRE_REASONS: Final = (
    Reason.DECLINED,
    Reason.UNATTENDED,
    Reason.CANCELLED,
    Reason.FILE_CHANGED,
    Reason.FILE_GONE,
    Reason.FILE_UNREADABLE,
    Reason.FILE_DAMAGED,
    Reason.DISK_FULL,
    Reason.FILE_TOO_LARGE,
    Reason.FOLDER_READ_ONLY,
    Reason.FOLDER_GONE,
    Reason.ONE_FILE_ONLY,
    Reason.NAME_REFUSED,
    Reason.TOO_MANY_FILES,
    Reason.TOO_MANY_TRANSFERS,
    Reason.NOT_A_FILE,
)


@dataclass(frozen=True, slots=True)
class Announce:
    """The sender announces the files that it would send, and what of the chosen it leaves out.

    `more` means that the lists continue in the next message. `session_only` means that the sender
    forgets the transfer when its session ends, as a page in a browser does.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    more: bool = False
    left_out: tuple[LeftOutFile, ...] = field(default=(), repr=False)
    session_only: bool = False

    def fields(self) -> JSONObject:
        left_out = [_left_out_fields(one) for one in self.left_out]
        return {
            "type": "announce",
            "transferID": self.transfer,
            "files": [_entry_fields(one) for one in self.entries],
            **({"left_out": left_out} if left_out else {}),
            **({"session_only": True} if self.session_only else {}),
            **_more_field(self.more),
        }


@dataclass(frozen=True, slots=True)
class Accept:
    """The receiver accepts all files but `skip`; of `partial` files it lacks only the rest.

    `more` means that the lists continue in the next message.
    """

    transfer: TransferID = field(repr=False)
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()
    more: bool = False

    def fields(self) -> JSONObject:
        partial = [
            {"file": one.index, "offset": one.offset, "sha256": to_base64url(one.sha256)}
            for one in self.partial
        ]
        skip = [[one.first, one.count] for one in self.skip]
        return {
            "type": "accept",
            "transferID": self.transfer,
            **({"skip": skip} if skip else {}),
            **({"partial": partial} if partial else {}),
            **_more_field(self.more),
        }


@dataclass(frozen=True, slots=True)
class Continue:
    """The receiver to the sender: continue from `position` as the new stream `generation`, by the
    best way there is.

    The sender to the receiver: stream `generation` has ended, so say where another one begins.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    position: Position

    def fields(self) -> JSONObject:
        return {
            "type": "continue",
            "transferID": self.transfer,
            "generation": self.generation,
            "file": self.position.index,
            "offset": self.position.offset,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """The receiver has written so many bytes of files from stream `generation`."""

    transfer: TransferID = field(repr=False)
    generation: int
    written: int

    def fields(self) -> JSONObject:
        return {
            "type": "progress",
            "transferID": self.transfer,
            "generation": self.generation,
            "written": self.written,
        }


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything is verified and has its name, except the files in `failed`.

    `renamed` lists those whose names had to change. `more` means that the lists continue in the
    next message.
    """

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...] = ()
    more: bool = False
    renamed: tuple[RenamedFile, ...] = field(default=(), repr=False)

    def fields(self) -> JSONObject:
        failed = [{"file": one.index, "reason": one.reason.value} for one in self.failed]
        renamed = [{"path": one.path, "name": one.name} for one in self.renamed]
        return {
            "type": "finished",
            "transferID": self.transfer,
            **({"failed": failed} if failed else {}),
            **({"renamed": renamed} if renamed else {}),
            **_more_field(self.more),
        }


@dataclass(frozen=True, slots=True)
class Cancel:
    """One side no longer sends or receives the transfer; sent instead of an Accept, it declines."""

    transfer: TransferID = field(repr=False)
    reason: str | None = None

    def fields(self) -> JSONObject:
        reason = {"reason": self.reason} if self.reason else {}
        return {"type": "cancel", "transferID": self.transfer, **reason}


@dataclass(frozen=True, slots=True)
class Resume:
    """The receiver still has the beginning of these transfers (manifest.resume_tag).

    The sender announces its own among them again.
    """

    tags: tuple[bytes, ...] = field(repr=False)

    def fields(self) -> JSONObject:
        return {"type": "resume", "tags": [to_base64url(tag) for tag in self.tags]}


FileMessage = Announce | Accept | Continue | Progress | Finished | Cancel | Resume

# --- reading --------------------------------------------------------------------------------------


def _bad(what: str) -> MessageError:
    return MessageError(Reason.BAD_MESSAGE, what)


def _transfer(fields: JSONObject) -> TransferID:
    return TransferID(text_field(fields, "transferID", pair_msg.MAX_ID_BYTES))


def _integer(value: object, most: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _bad(f"{what} must be an integer from 0 to {most}")
    return value


def _object(value: object, what: str) -> JSONObject:
    if not isinstance(value, dict):
        raise _bad(f"{what} must be an object")
    return value


def _entry(value: object) -> Entry:
    fields = _object(value, "a file")
    path = text_field(fields, "path", MAX_PATH_BYTES)
    if not path:
        raise _bad("path must not be empty")
    modified = fields.get("modified")
    when = None if modified is None else _integer(modified, MAX_FILE_BYTES, "modified")
    if flag_field(fields, "directory"):
        return Entry(path, 0, when, directory=True)
    size, stored = _integer(fields.get("size"), MAX_FILE_BYTES, "size"), fields.get("stored")
    return Entry(
        path,
        size,
        when,
        executable=flag_field(fields, "executable"),
        stored=None if stored is None else _integer(stored, MAX_FILE_BYTES, "stored"),
    )


def _span(value: object) -> Span:
    if not isinstance(value, list) or len(value) != 2:
        raise _bad("a span must be two integers")
    first = _integer(value[0], MAX_ENTRIES - 1, "first")
    return Span(first, _integer(value[1], MAX_ENTRIES - first, "count"))


def _partial(value: object) -> Partial:
    fields = _object(value, "a partial file")
    index = _integer(fields.get("file"), MAX_ENTRIES - 1, "file")
    offset = _integer(fields.get("offset"), MAX_FILE_BYTES, "offset")
    return Partial(index, offset, read_bytes(fields.get("sha256"), DIGEST_BYTES, "sha256"))


def _failed(value: object) -> FailedFile:
    fields = _object(value, "a failed file")
    index = _integer(fields.get("file"), MAX_ENTRIES - 1, "file")
    return FailedFile(index, file_reason(text_field(fields, "reason", pair_msg.MAX_ID_BYTES)))


def _renamed(value: object) -> RenamedFile:
    fields = _object(value, "a renamed file")
    return RenamedFile(
        text_field(fields, "path", MAX_PATH_BYTES), text_field(fields, "name", MAX_NAME_BYTES)
    )


def _left_out(value: object) -> LeftOutFile:
    fields = _object(value, "a file that is left out")
    return LeftOutFile(
        text_field(fields, "path", MAX_PATH_BYTES),
        file_reason(text_field(fields, "reason", pair_msg.MAX_ID_BYTES)),
    )


def _announce(fields: JSONObject) -> Announce:
    entries = tuple(_entry(one) for one in list_field(fields, "files", MAX_ENTRIES))
    left_out = tuple(_left_out(one) for one in list_field(fields, "left_out", MAX_ENTRIES))
    return Announce(
        _transfer(fields),
        entries,
        flag_field(fields, "more"),
        left_out,
        flag_field(fields, "session_only"),
    )


def _accept(fields: JSONObject) -> Accept:
    skip = tuple(_span(one) for one in list_field(fields, "skip", MAX_ENTRIES))
    partial = tuple(_partial(one) for one in list_field(fields, "partial", MAX_ENTRIES))
    return Accept(_transfer(fields), skip, partial, flag_field(fields, "more"))


def _continue(fields: JSONObject) -> Continue:
    position = Position(
        _integer(fields.get("file"), MAX_ENTRIES, "file"),
        _integer(fields.get("offset"), MAX_FILE_BYTES, "offset"),
    )
    return Continue(
        _transfer(fields),
        _integer(fields.get("generation"), MAX_GENERATION, "generation"),
        position,
    )


def _progress(fields: JSONObject) -> Progress:
    generation = _integer(fields.get("generation"), MAX_GENERATION, "generation")
    return Progress(
        _transfer(fields), generation, _integer(fields.get("written"), MAX_FILE_BYTES, "written")
    )


def _resume(fields: JSONObject) -> Resume:
    tags = list_field(fields, "tags", MAX_TAGS)
    return Resume(tuple(read_bytes(tag, DIGEST_BYTES, "a tag") for tag in tags))


FILE_READERS: Final[dict[str, Reader]] = {
    "announce": _announce,
    "accept": _accept,
    "continue": _continue,
    "progress": _progress,
    "finished": lambda fields: Finished(
        _transfer(fields),
        tuple(_failed(one) for one in list_field(fields, "failed", MAX_ENTRIES)),
        flag_field(fields, "more"),
        tuple(_renamed(one) for one in list_field(fields, "renamed", MAX_ENTRIES)),
    ),
    "cancel": lambda fields: Cancel(
        _transfer(fields), optional_text_field(fields, "reason", pair_msg.MAX_ID_BYTES)
    ),
    "resume": _resume,
}


def file_reason(text: str | None) -> Reason:
    """Return the Reason for the other side's word; TRANSFER_FAILED for an unknown word."""
    return reason_of(text, _WIRE_REASONS, Reason.TRANSFER_FAILED)


# --- writing --------------------------------------------------------------------------------------


def _entry_fields(entry: Entry) -> JSONObject:
    fields: JSONObject = {"path": entry.path}
    fields |= {"directory": True} if entry.directory else {"size": entry.size}
    fields |= {"executable": True} if entry.executable else {}
    fields |= {} if entry.stored is None else {"stored": entry.stored}
    return fields if entry.modified is None else fields | {"modified": entry.modified}


def _left_out_fields(one: LeftOutFile) -> JSONObject:
    return {"path": one.path, "reason": one.reason.value}


def _more_field(more: bool) -> JSONObject:
    return {"more": True} if more else {}


_Item = TypeVar("_Item")


def _cut(items: Iterable[_Item], length: Callable[[_Item], int]) -> Iterator[tuple[_Item, ...]]:
    """Cut a list into pieces that fit into one message each; the last one may be empty.

    `length` is an item's length in JSON, in bytes.
    """
    piece: list[_Item] = []
    size = 0
    for item in items:
        needed = length(item)
        if piece and (len(piece) == PIECE_ITEMS or size + needed > PIECE_BYTES):
            yield tuple(piece)
            piece, size = [], 0
        piece.append(item)
        size += needed
    yield tuple(piece)


def cut_announce(
    transfer: TransferID, entries: tuple[Entry, ...], left_out: tuple[LeftOutFile, ...] = ()
) -> Iterator[Announce]:
    """Yield the messages that carry a manifest, in order."""
    for others in _cut(left_out, lambda one: len(write_object(_left_out_fields(one)).encode())):
        if others:
            yield Announce(transfer, (), more=True, left_out=others)
    # The length is that of the JSON, where a control character takes six bytes.
    pieces = _cut(entries, lambda entry: len(write_object({"path": entry.path}).encode()))
    piece = next(pieces)
    for following in pieces:
        yield Announce(transfer, piece, more=True)
        piece = following
    yield Announce(transfer, piece)


def cut_accept(
    transfer: TransferID, skip: tuple[Span, ...], partial: tuple[Partial, ...]
) -> Iterator[Accept]:
    """Yield the messages that carry an acceptance, in order."""
    last = max(len(skip), len(partial), 1)
    for start in range(0, last, PIECE_ITEMS):
        end = start + PIECE_ITEMS
        yield Accept(transfer, skip[start:end], partial[start:end], more=end < last)


def cut_finished(
    transfer: TransferID,
    failed: tuple[FailedFile, ...],
    renamed: tuple[RenamedFile, ...] = (),
) -> Iterator[Finished]:
    """Yield the messages that carry the end of a transfer, in order."""
    pieces = [
        *(Finished(transfer, failed=piece) for piece in _cut(failed, lambda _: 0) if piece),
        *(
            Finished(transfer, renamed=piece)
            for piece in _cut(
                renamed,
                lambda one: len(write_object({"path": one.path, "name": one.name}).encode()),
            )
            if piece
        ),
    ]
    for piece in pieces[:-1]:
        yield replace(piece, more=True)
    yield pieces[-1] if pieces else Finished(transfer)
