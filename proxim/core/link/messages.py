"""The messages of two Proxims on a link's `control` channel that belong to the link itself, and how
any message is read and written. The features of a link add messages of their own (features.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from proxim.core.base64url import from_base64url, to_base64url
from proxim.core.errors import Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    check_size,
    list_field,
    optional_text_field,
    read_object,
    text_field,
    write_object,
)
from proxim.core.pairing import messages as pair_msg
from proxim.core.sanitize import MAX_NAME_BYTES

LINK_VERSION: Final = 1
MAX_FEATURES: Final = 64
# The word in `hello` for lanes, which all features share.
LANE: Final = "lane"
LANE_TOKEN_BYTES: Final = 16
LANE_KEY_BYTES: Final = 32
# A browser accepts messages of 64 KiB where the SDP names no maximum (RFC 8841, 6.1), and one long
# message would delay the heartbeat behind it.
MAX_LINK_MESSAGE_BYTES: Final = 64 * 1024


class LinkMessage(Protocol):
    """A message on a link's control channel."""

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, with its `type`."""


# Reads the fields of a message of one type. Raises MessageError if they are wrong.
Reader = Callable[[JSONObject], LinkMessage]


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message on the channel, from both sides: the sender's name and what it supports."""

    name: str
    version: int = LINK_VERSION
    features: tuple[str, ...] = ()

    def fields(self) -> JSONObject:
        return {
            "type": "hello",
            "version": self.version,
            "features": list(self.features),
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Ping:
    """The sender is still there. A ping is never answered, because both sides send their own."""

    def fields(self) -> JSONObject:
        return {"type": "ping"}


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender is leaving."""

    reason: str | None = None

    def fields(self) -> JSONObject:
        return {"type": "bye", **({"reason": self.reason} if self.reason is not None else {})}


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The sender does not support that channel or message; the link goes on."""

    what: str

    def fields(self) -> JSONObject:
        return {"type": "unsupported", "what": self.what}


@dataclass(frozen=True, slots=True)
class OfferLane:
    """The host offers a faster way for bytes; the token is valid once, and the key seals the
    frames.
    """

    token: bytes = field(repr=False)
    key: bytes = field(repr=False)

    def fields(self) -> JSONObject:
        return {
            "type": "lane",
            "token": to_base64url(self.token),
            "key": to_base64url(self.key),
        }


def read_bytes(value: object, length: int, what: str) -> bytes:
    """Return the bytes that a field holds in base64url.

    Raises MessageError (BAD_MESSAGE) if they are not `length` bytes; `what` names the field.
    """
    try:
        return from_base64url(value, length)
    except ValueError:
        raise MessageError(
            Reason.BAD_MESSAGE, f"{what} must be {length} bytes in base64url"
        ) from None


def _hello(fields: JSONObject) -> Hello:
    version = fields.get("version")
    if type(version) is not int or version < 1:
        raise MessageError(Reason.BAD_MESSAGE, "version must be a positive integer")
    words = tuple(
        feature
        for feature in list_field(fields, "features", MAX_FEATURES)
        if isinstance(feature, str) and len(feature) <= pair_msg.MAX_ID_BYTES
    )
    return Hello(text_field(fields, "name", MAX_NAME_BYTES), version, words)


def _offer_lane(fields: JSONObject) -> OfferLane:
    return OfferLane(
        read_bytes(fields.get("token"), LANE_TOKEN_BYTES, "token"),
        read_bytes(fields.get("key"), LANE_KEY_BYTES, "key"),
    )


# The link's own messages, by their types.
OWN_READERS: Final[dict[str, Reader]] = {
    "hello": _hello,
    "ping": lambda fields: Ping(),
    "bye": lambda fields: Bye(optional_text_field(fields, "reason", pair_msg.MAX_ID_BYTES)),
    "unsupported": lambda fields: Unsupported(
        optional_text_field(fields, "what", pair_msg.MAX_ID_BYTES) or ""
    ),
    "lane": _offer_lane,
}


def read_link_message(text: str) -> tuple[str, JSONObject]:
    """Return the type and the fields of one message of the control channel.

    Raises MessageError: TOO_LARGE, BAD_JSON or BAD_MESSAGE.
    """
    check_size(text, MAX_LINK_MESSAGE_BYTES)
    fields = read_object(text)
    return text_field(fields, "type", pair_msg.MAX_ID_BYTES), fields


def dump_link_message(message: LinkMessage) -> str:
    """Return the message as one text message of the control channel."""
    return write_object(message.fields())
