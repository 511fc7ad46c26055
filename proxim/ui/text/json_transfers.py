"""Transfers as JSON lines: the fields of an event, and what a command about files says.

A public interface: docs/json-lines.md lists every field, and what is there stays.
"""

import os
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files.events import AcceptTransfer
from proxim.core.files.manifest import MAX_ENTRIES, Direction, Entry, TransferID, title
from proxim.core.files.status import TransferState, TransferStatus
from proxim.core.json_text import JSONObject, MessageError, optional_text_field, text_field
from proxim.core.pairing.messages import MAX_ID_BYTES
from proxim.core.sanitize import is_encodable
from proxim.ui.wording import file_count

# Of a path on this machine; Windows has 32,767 characters, Linux 4096 bytes
_MAX_PATH_BYTES: Final = 32 * 1024


def transfer_fields(status: TransferStatus, *, whole: bool) -> dict[str, object]:
    """The fields of a `transfer` event; `whole`: with the list of files."""
    fields: dict[str, object] = {
        "transferID": status.transfer,
        "direction": status.direction,
        "name": title(status.entries),
        "size": status.size,
        "bytes": status.moved,
        "state": status.state,
        "count": file_count(status),
    }
    optional = {
        "sha256": status.sha256,
        "path": status.path,
        "via": status.via,
        "reason": status.reason,
        "speed": None if status.speed is None else round(status.speed),
        "link": status.link,
        "peer": status.peer_name,
    }
    fields |= {name: value for name, value in optional.items() if value is not None}
    if status.failed:
        fields["failed"] = [
            {"path": status.entries[one.index].path, "reason": one.reason}
            for one in status.failed
            if one.index < len(status.entries)
        ]
    asks = status.direction is Direction.IN and status.state is TransferState.ANNOUNCED
    if whole and asks:
        fields["files"] = [_entry_fields(entry) for entry in status.entries]
    return fields


def _entry_fields(entry: Entry) -> dict[str, object]:
    fields: dict[str, object] = {"path": entry.path, "size": entry.size}
    return fields | ({"directory": True} if entry.directory else {})


# --- commands -------------------------------------------------------------------------------------


def read_transfer(fields: JSONObject) -> TransferID:
    """Which transfer a command means. Raises MessageError."""
    return TransferID(text_field(fields, "transferID", MAX_ID_BYTES))


def read_paths(fields: JSONObject) -> tuple[str, ...]:
    """What is to be sent. Raises MessageError."""
    paths = fields.get("paths")
    if not isinstance(paths, list) or not paths or len(paths) > MAX_ENTRIES:
        raise _bad("paths must be a list of paths")
    return tuple(_path(path, "paths") for path in paths)


def read_answer(fields: JSONObject, status: TransferStatus) -> AcceptTransfer:
    """An acceptance of what `status` announced. Raises MessageError."""
    declined = fields.get("declined", [])
    if not isinstance(declined, list) or not all(type(one) is int for one in declined):
        raise _bad("declined must be a list of integers")
    if not all(0 <= one < len(status.entries) for one in declined):
        raise _bad("declined must hold places in files, counted from 0")
    always = fields.get("always", False)
    if not isinstance(always, bool):
        raise _bad("always must be true or false")
    directory = fields.get("directory")
    folder = None if directory is None else _path(directory, "directory")
    return AcceptTransfer(status.transfer, tuple(sorted(set(declined))), folder, always)


def read_link(fields: JSONObject) -> str | None:
    """The link that a command names. Raises MessageError."""
    return optional_text_field(fields, "link", MAX_ID_BYTES)


def _path(value: object, name: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value or not is_encodable(value):
        raise _bad(f"{name} must be a path")
    if len(value.encode()) > _MAX_PATH_BYTES:
        raise _bad(f"{name} is longer than any path")
    return os.path.abspath(value)


def _bad(detail: str) -> MessageError:
    return MessageError(Reason.BAD_MESSAGE, detail)
