"""The messages of two Proxims on a link's `control` channel: reading them, writing them, and
cutting long text into pieces.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files import messages as file_msg
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    optional_text_field,
    read_object,
    text_field,
    write_object,
)
from proxim.core.pairing import messages as pair_msg
from proxim.core.sanitize import MAX_NAME_BYTES

LINK_VERSION: Final = 1
FEATURES: Final = ("text", "files", "lane")
MAX_FEATURES: Final = 64

# A browser accepts messages of 64 KiB where the SDP names no maximum (RFC 8841, 6.1), and one long
# message would delay the heartbeat behind it. A character takes at most 6 bytes in JSON ("\u0000").
TEXT_PIECE_CHARACTERS: Final = 8 * 1024
MAX_LINK_MESSAGE_BYTES: Final = 64 * 1024
# This is a long document; anything longer should be sent as a file.
MAX_TEXT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message on the channel, from both sides: the sender's name and what it supports."""

    name: str
    version: int = LINK_VERSION
    features: tuple[str, ...] = FEATURES


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of text; `more` means that the same text continues in the next piece."""

    text: str = field(repr=False)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Ping:
    """The sender is still there. A ping is never answered, because both sides send their own."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender is leaving."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The sender does not support that channel or message; the link goes on."""

    what: str


LinkMessage = Hello | TextPiece | Ping | Bye | Unsupported | file_msg.FileMessage


def _hello(fields: JSONObject) -> Hello:
    version = fields.get("version")
    if type(version) is not int or version < 1:
        raise MessageError(Reason.BAD_MESSAGE, "version must be a positive integer")
    features = fields.get("features", [])
    if not isinstance(features, list) or len(features) > MAX_FEATURES:
        raise MessageError(Reason.BAD_MESSAGE, "features must be a short list")
    known = tuple(
        feature
        for feature in features
        if isinstance(feature, str) and len(feature) <= pair_msg.MAX_ID_BYTES
    )
    return Hello(text_field(fields, "name", MAX_NAME_BYTES), version, known)


def _text_piece(fields: JSONObject) -> TextPiece:
    more = fields.get("more")
    if more is not None and not isinstance(more, bool):
        raise MessageError(Reason.BAD_MESSAGE, "more must be true or false")
    return TextPiece(text_field(fields, "text", MAX_LINK_MESSAGE_BYTES), more is True)


_READERS: Final[dict[str, Callable[[JSONObject], LinkMessage]]] = {
    "hello": _hello,
    "text": _text_piece,
    "ping": lambda fields: Ping(),
    "bye": lambda fields: Bye(optional_text_field(fields, "reason", pair_msg.MAX_ID_BYTES)),
    "unsupported": lambda fields: Unsupported(
        optional_text_field(fields, "what", pair_msg.MAX_ID_BYTES) or ""
    ),
    **file_msg.FILE_READERS,
}


def parse_link_message(text: str) -> LinkMessage:
    """Read one message of the control channel.

    Raises MessageError: TOO_LARGE, BAD_JSON, BAD_MESSAGE, or UNKNOWN_TYPE with the unknown type as
    its detail.
    """
    if (
        len(text) > MAX_LINK_MESSAGE_BYTES
        or len(text.encode(errors="surrogatepass")) > MAX_LINK_MESSAGE_BYTES
    ):
        raise MessageError(Reason.TOO_LARGE, f"over {MAX_LINK_MESSAGE_BYTES} bytes")
    fields = read_object(text)
    kind = text_field(fields, "type", pair_msg.MAX_ID_BYTES)
    reader = _READERS.get(kind)
    if reader is None:
        raise MessageError(Reason.UNKNOWN_TYPE, kind)
    return reader(fields)


def _fields(message: LinkMessage) -> JSONObject:
    match message:
        case Hello(name, version, features):
            return {"type": "hello", "version": version, "features": list(features), "name": name}
        case TextPiece(text, more):
            return {"type": "text", "text": text, **({"more": True} if more else {})}
        case Ping():
            return {"type": "ping"}
        case Bye(reason):
            return {"type": "bye", **({"reason": reason} if reason is not None else {})}
        case Unsupported(what):
            return {"type": "unsupported", "what": what}
        case _:
            return file_msg.file_fields(message)


def dump_link_message(message: LinkMessage) -> str:
    """Return the message as one text message of the control channel."""
    return write_object(_fields(message))


def text_to_send(text: str) -> str | None:
    """Return the text as a link carries it; None if it is longer than MAX_TEXT_BYTES.

    Tk and JSON can produce halves of a character: pairs of halves are joined, and a single half is
    replaced.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole if len(whole.encode()) <= MAX_TEXT_BYTES else None


def cut_text(text: str) -> Iterator[TextPiece]:
    """Cut a text into the pieces that carry it, in order; an empty text is one empty piece."""
    last = max(len(text) - 1, 0) // TEXT_PIECE_CHARACTERS
    for index in range(last + 1):
        start = index * TEXT_PIECE_CHARACTERS
        yield TextPiece(text[start : start + TEXT_PIECE_CHARACTERS], more=index < last)


class TextPieces:
    """Joins the pieces of received texts, one text after the other."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._bytes = 0

    def add(self, piece: TextPiece) -> str | None:
        """Add a piece; return the whole text after its last piece, None before.

        Raises MessageError (TOO_LARGE) beyond MAX_TEXT_BYTES.
        """
        self._bytes += len(piece.text.encode())
        if self._bytes > MAX_TEXT_BYTES:
            raise MessageError(Reason.TOO_LARGE, "text")
        # Otherwise endless empty pieces would fill the memory without reaching the limit.
        if piece.text:
            self._pieces.append(piece.text)
        if piece.more:
            return None
        whole = "".join(self._pieces)
        self.clear()
        return whole

    def clear(self) -> None:
        """Forget the pieces of a text that will not be completed."""
        self._pieces.clear()
        self._bytes = 0
