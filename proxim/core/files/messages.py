"""What two ends of a link say about files on its `control` channel: reading, writing, cutting long
lists in pieces.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from proxim.core.errors import Reason
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_PATH_BYTES,
    Entry,
    FailedFile,
    Partial,
    Position,
    Span,
    TransferID,
)
from proxim.core.files.stream import DIGEST_BYTES
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    optional_text_field,
    text_field,
    write_object,
)
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import to_base64url
from proxim.core.pairing.proof import ProofError, from_base64url

LANE_TOKEN_BYTES: Final = 16
LANE_KEY_BYTES: Final = 32
# Unfinished transfers of one receiver; the oldest are named first, the others wait
MAX_TAGS: Final = 64
MAX_GENERATION: Final = 1 << 20
# What one message takes of a list: so many items, and paths of so many bytes, which stays below 64
# KiB in JSON.
PIECE_ITEMS: Final = 400
PIECE_BYTES: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class Announce:
    """These are the files that I would send; `more` says that the list goes on in the next
    message.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """Send all of them but `skip`, of the `partial` ones what I lack; `more`: the lists go on in
    the next message.
    """

    transfer: TransferID = field(repr=False)
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Continue:
    """The way that the bytes came is closed: go on from `position` as stream `generation`, on the
    best one there is.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    position: Position


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes of files that came in stream `generation` are written."""

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything is verified and has its name, but for these."""

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """I no longer send, or take, this; said in place of an Accept it declines."""

    transfer: TransferID = field(repr=False)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """I still have the beginning of these (manifest.resume_tag); announce them again if they are
    yours.
    """

    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfferLane:
    """From the host: a faster way for bytes, once, with this token under this key."""

    token: bytes = field(repr=False)
    key: bytes = field(repr=False)


FileMessage = Announce | Accept | Continue | Progress | Finished | Cancel | Resume | OfferLane

# --- reading --------------------------------------------------------------------------------------


def _bad(what: str) -> MessageError:
    return MessageError(Reason.BAD_MESSAGE, what)


def _transfer(fields: JSONObject) -> TransferID:
    return TransferID(text_field(fields, "transferID", pair_msg.MAX_ID_BYTES))


def _integer(value: object, most: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _bad(f"{what} must be an integer from 0 to {most}")
    return value


def _list(fields: JSONObject, name: str) -> list[Any]:
    value = fields.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise _bad(f"{name} must be a list")
    return value


def _object(value: object, what: str) -> JSONObject:
    if not isinstance(value, dict):
        raise _bad(f"{what} must be an object")
    return value


def _more(fields: JSONObject) -> bool:
    more = fields.get("more")
    if more is not None and not isinstance(more, bool):
        raise _bad("more must be true or false")
    return more is True


def _bytes(text: object, length: int, what: str) -> bytes:
    try:
        return from_base64url(text if isinstance(text, str) else None, length)
    except ProofError:
        raise _bad(f"{what} must be {length} bytes in base64url") from None


def _entry(value: object) -> Entry:
    fields = _object(value, "a file")
    path = text_field(fields, "path", MAX_PATH_BYTES)
    if not path:
        raise _bad("path must not be empty")
    modified = fields.get("modified")
    when = None if modified is None else _integer(modified, MAX_FILE_BYTES, "modified")
    if fields.get("directory") is True:
        return Entry(path, 0, when, directory=True)
    return Entry(path, _integer(fields.get("size"), MAX_FILE_BYTES, "size"), when)


def _span(value: object) -> Span:
    if not isinstance(value, list) or len(value) != 2:
        raise _bad("a span must be two integers")
    first = _integer(value[0], MAX_ENTRIES - 1, "first")
    return Span(first, _integer(value[1], MAX_ENTRIES - first, "count"))


def _partial(value: object) -> Partial:
    fields = _object(value, "a partial file")
    index = _integer(fields.get("file"), MAX_ENTRIES - 1, "file")
    offset = _integer(fields.get("offset"), MAX_FILE_BYTES, "offset")
    return Partial(index, offset, _bytes(fields.get("sha256"), DIGEST_BYTES, "sha256"))


def _failed(value: object) -> FailedFile:
    fields = _object(value, "a failed file")
    index = _integer(fields.get("file"), MAX_ENTRIES - 1, "file")
    return FailedFile(index, file_reason(text_field(fields, "reason", pair_msg.MAX_ID_BYTES)))


def _announce(fields: JSONObject) -> Announce:
    entries = tuple(_entry(one) for one in _list(fields, "files"))
    return Announce(_transfer(fields), entries, _more(fields))


def _accept(fields: JSONObject) -> Accept:
    skip = tuple(_span(one) for one in _list(fields, "skip"))
    partial = tuple(_partial(one) for one in _list(fields, "partial"))
    return Accept(_transfer(fields), skip, partial, _more(fields))


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
    tags = _list(fields, "tags")
    if len(tags) > MAX_TAGS:
        raise _bad("too many tags")
    return Resume(tuple(_bytes(tag, DIGEST_BYTES, "a tag") for tag in tags))


def _lane(fields: JSONObject) -> OfferLane:
    return OfferLane(
        _bytes(fields.get("token"), LANE_TOKEN_BYTES, "token"),
        _bytes(fields.get("key"), LANE_KEY_BYTES, "key"),
    )


FILE_READERS: Final[dict[str, Callable[[JSONObject], FileMessage]]] = {
    "announce": _announce,
    "accept": _accept,
    "continue": _continue,
    "progress": _progress,
    "finished": lambda fields: Finished(
        _transfer(fields), tuple(_failed(one) for one in _list(fields, "failed")), _more(fields)
    ),
    "cancel": lambda fields: Cancel(
        _transfer(fields), optional_text_field(fields, "reason", pair_msg.MAX_ID_BYTES)
    ),
    "resume": _resume,
    "lane": _lane,
}

# What one side may tell the other of a transfer; anything else a newer one may say becomes the
# general reason.
_WIRE_REASONS: Final = (
    Reason.DECLINED,
    Reason.CANCELLED,
    Reason.FILE_CHANGED,
    Reason.FILE_GONE,
    Reason.FILE_UNREADABLE,
    Reason.FILE_DAMAGED,
    Reason.DISK_FULL,
    Reason.FOLDER_READ_ONLY,
    Reason.FOLDER_GONE,
    Reason.NAME_REFUSED,
    Reason.TOO_MANY_FILES,
    Reason.TOO_MANY_TRANSFERS,
)


def file_reason(text: str | None) -> Reason:
    """The reason that the other side named, in our words."""
    return next(
        (reason for reason in _WIRE_REASONS if reason.value == text), Reason.TRANSFER_FAILED
    )


# --- writing --------------------------------------------------------------------------------------


def _entry_fields(entry: Entry) -> JSONObject:
    fields: JSONObject = {"path": entry.path}
    fields |= {"directory": True} if entry.directory else {"size": entry.size}
    return fields if entry.modified is None else fields | {"modified": entry.modified}


def file_fields(message: FileMessage) -> JSONObject:
    """The message's fields, with its type."""
    match message:
        case OfferLane(token, key):
            return {"type": "lane", "token": to_base64url(token), "key": to_base64url(key)}
        case Resume(tags):
            return {"type": "resume", "tags": [to_base64url(tag) for tag in tags]}
        case Announce(transfer, entries, more):
            fields = {
                "type": "announce",
                "transferID": transfer,
                "files": [_entry_fields(one) for one in entries],
            }
        case Accept(transfer, skip, partial, more):
            kept = [
                {"file": one.index, "offset": one.offset, "sha256": to_base64url(one.sha256)}
                for one in partial
            ]
            lists: JSONObject = {"skip": [[one.first, one.count] for one in skip], "partial": kept}
            fields = {
                "type": "accept",
                "transferID": transfer,
                **{name: some for name, some in lists.items() if some},
            }
        case Finished(transfer, failed, more):
            missing = [{"file": one.index, "reason": one.reason.value} for one in failed]
            fields = {
                "type": "finished",
                "transferID": transfer,
                **({"failed": missing} if missing else {}),
            }
        case Continue(transfer, generation, position):
            where = {"file": position.index, "offset": position.offset}
            return {"type": "continue", "transferID": transfer, "generation": generation, **where}
        case Progress(transfer, generation, written):
            return {
                "type": "progress",
                "transferID": transfer,
                "generation": generation,
                "written": written,
            }
        case _:
            reason = {"reason": message.reason} if message.reason else {}
            return {"type": "cancel", "transferID": message.transfer, **reason}
    return fields | ({"more": True} if more else {})


def cut_announce(transfer: TransferID, entries: tuple[Entry, ...]) -> Iterator[Announce]:
    """The messages that carry a manifest, in order."""
    piece: list[Entry] = []
    size = 0
    for entry in entries:
        # There a control character becomes six
        length = len(write_object({"path": entry.path}).encode())
        if piece and (len(piece) == PIECE_ITEMS or size + length > PIECE_BYTES):
            yield Announce(transfer, tuple(piece), more=True)
            piece, size = [], 0
        piece.append(entry)
        size += length
    yield Announce(transfer, tuple(piece))


def cut_accept(
    transfer: TransferID, skip: tuple[Span, ...], partial: tuple[Partial, ...]
) -> Iterator[Accept]:
    """The messages that carry an acceptance, in order."""
    last = max(len(skip), len(partial), 1)
    for start in range(0, last, PIECE_ITEMS):
        end = start + PIECE_ITEMS
        yield Accept(transfer, skip[start:end], partial[start:end], more=end < last)


def cut_finished(transfer: TransferID, failed: tuple[FailedFile, ...]) -> Iterator[Finished]:
    """The messages that carry the end of a transfer, in order."""
    last = max(len(failed), 1)
    for start in range(0, last, PIECE_ITEMS):
        end = start + PIECE_ITEMS
        yield Finished(transfer, failed[start:end], more=end < last)
