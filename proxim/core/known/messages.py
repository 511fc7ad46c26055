"""The messages of the feature "known" on a link's control channel (docs/protocol.md, Known
devices).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    flag_field,
    optional_text_field,
    text_field,
)
from proxim.core.known.keys import KEY_BYTES, NONCE_BYTES, X25519_BYTES
from proxim.core.link.messages import LinkMessage, Reader, read_bytes
from proxim.core.pairing.messages import MAX_ID_BYTES

RUN_BYTES: Final = 8
MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class RunMessage:
    """A message of one attempt to know each other, which `run` names: eight random bytes of the
    side that asked, so that what is late belongs to no other attempt.
    """

    run: bytes = field(repr=False)

    def fields(self) -> JSONObject:
        return {"run": to_base64url(self.run)}


@dataclass(frozen=True, slots=True)
class Commit(RunMessage):
    """May we know each other from now on? The other side answers with its own commitment."""

    commit: bytes = field(repr=False)
    answer: bool = False

    def fields(self) -> JSONObject:
        return {
            "type": "remember",
            **RunMessage.fields(self),
            "commit": to_base64url(self.commit),
            **({"answer": True} if self.answer else {}),
        }


@dataclass(frozen=True, slots=True)
class Reveal(RunMessage):
    """What the sender committed itself to."""

    nonce: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    uuid: str = field(repr=False)

    def fields(self) -> JSONObject:
        return {
            "type": "remember_reveal",
            **RunMessage.fields(self),
            "nonce": to_base64url(self.nonce),
            "key": to_base64url(self.public_key),
            "id": self.uuid,
        }


@dataclass(frozen=True, slots=True)
class Yes(RunMessage):
    """The sender's person has seen the same digits."""

    tag: bytes = field(repr=False)

    def fields(self) -> JSONObject:
        return {"type": "remember_yes", **RunMessage.fields(self), "tag": to_base64url(self.tag)}


@dataclass(frozen=True, slots=True)
class Kept(RunMessage):
    """The sender has stored the key."""

    tag: bytes = field(repr=False)

    def fields(self) -> JSONObject:
        return {"type": "remember_kept", **RunMessage.fields(self), "tag": to_base64url(self.tag)}


@dataclass(frozen=True, slots=True)
class No(RunMessage):
    """The attempt is over; nothing is remembered."""

    reason: str | None = None

    def fields(self) -> JSONObject:
        reason = {} if self.reason is None else {"reason": self.reason}
        return {"type": "remember_no", **RunMessage.fields(self), **reason}


@dataclass(frozen=True, slots=True)
class KnownHere:
    """The sender listens on this port, so it can be joined, too."""

    port: int

    def fields(self) -> JSONObject:
        return {"type": "known_here", "port": self.port}


def _run(fields: JSONObject) -> bytes:
    return read_bytes(fields.get("run"), RUN_BYTES, "run")


def _known_here(fields: JSONObject) -> LinkMessage:
    port = fields.get("port")
    if type(port) is not int or not 1 <= port <= MAX_PORT:
        raise MessageError(Reason.BAD_MESSAGE, "port must be a port")
    return KnownHere(port)


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "remember": lambda fields: Commit(
            _run(fields),
            read_bytes(fields.get("commit"), KEY_BYTES, "commit"),
            flag_field(fields, "answer"),
        ),
        "remember_reveal": lambda fields: Reveal(
            _run(fields),
            read_bytes(fields.get("nonce"), NONCE_BYTES, "nonce"),
            read_bytes(fields.get("key"), X25519_BYTES, "key"),
            text_field(fields, "id", MAX_ID_BYTES),
        ),
        "remember_yes": lambda fields: Yes(
            _run(fields), read_bytes(fields.get("tag"), KEY_BYTES, "tag")
        ),
        "remember_kept": lambda fields: Kept(
            _run(fields), read_bytes(fields.get("tag"), KEY_BYTES, "tag")
        ),
        "remember_no": lambda fields: No(
            _run(fields), optional_text_field(fields, "reason", MAX_ID_BYTES)
        ),
        "known_here": _known_here,
    }
)
