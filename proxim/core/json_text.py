"""Strict reading of one JSON object from a peer, and compact writing."""

import json
from typing import Any, Final, NoReturn

from proxim.core.errors import ProximError, Reason
from proxim.core.sanitize import byte_length, is_encodable

# Our deepest message has 4 levels; the rest is for a third party's extra fields.
MAX_DEPTH: Final = 6

JSONObject = dict[str, Any]


class MessageError(ProximError):
    """A peer's message is wrong."""


def _refuse_constant(name: str) -> NoReturn:
    raise MessageError(Reason.BAD_JSON, f"{name} is not JSON")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> JSONObject:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise MessageError(Reason.BAD_JSON, "a key appears twice")
    return unique


def _depth(value: object, limit: int) -> int:
    """Return how deeply `value` nests; the count stops as soon as it exceeds `limit`."""
    if limit < 0 or not isinstance(value, (dict, list)):
        return 0
    members = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(member, limit - 1) for member in members), default=0)


# These are made once, because json.loads and json.dumps make new ones for each call with options,
# which takes as long as the reading itself.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def read_object(text: str) -> JSONObject:
    """Parse one JSON object (RFC 8259, I-JSON's ban on double keys, no NaN, depth <= MAX_DEPTH).

    Raises MessageError with BAD_JSON.
    """
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        # The error's text would quote the peer's input. An integer of over 4300 digits is a
        # ValueError, too.
        raise MessageError(Reason.BAD_JSON, type(error).__name__) from None
    if not isinstance(value, dict):
        raise MessageError(Reason.BAD_JSON, "not an object")
    # Some brackets may be inside strings, but with no more than these nothing nests too deeply.
    brackets = text.count("{") + text.count("[")
    if brackets > MAX_DEPTH and _depth(value, MAX_DEPTH) > MAX_DEPTH:
        raise MessageError(Reason.BAD_JSON, "nested too deeply")
    return value


def check_size(text: str, most: int) -> None:
    """Raise MessageError (TOO_LARGE) if the text has more than `most` bytes in UTF-8."""
    if len(text) > most or len(text.encode(errors="surrogatepass")) > most:
        raise MessageError(Reason.TOO_LARGE, f"over {most} bytes")


def write_object(fields: JSONObject) -> str:
    """Write one line of JSON without spaces and without escapes that are not needed."""
    return _ENCODER.encode(fields)


def text_field(fields: JSONObject, name: str, max_bytes: int) -> str:
    """Return the string `fields[name]`, which has at most `max_bytes` in UTF-8.

    Raises MessageError with BAD_MESSAGE.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be a string")
    if not is_encodable(value):
        raise MessageError(Reason.BAD_MESSAGE, f"{name} has a broken character")
    if byte_length(value) > max_bytes:
        raise MessageError(Reason.BAD_MESSAGE, f"{name} is longer than {max_bytes} bytes")
    return value


def optional_text_field(fields: JSONObject, name: str, max_bytes: int) -> str | None:
    """Like text_field, but return None if the field is absent or null."""
    return None if fields.get(name) is None else text_field(fields, name, max_bytes)


def flag_field(fields: JSONObject, name: str) -> bool:
    """Return the flag `fields[name]`; an absent one is not set.

    Raises MessageError with BAD_MESSAGE.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be true or false")
    return value is True


def integer_field(fields: JSONObject, name: str, least: int, most: int) -> int:
    """Return the integer `fields[name]`, which lies between `least` and `most`.

    Raises MessageError with BAD_MESSAGE.
    """
    value = fields.get(name)
    # isinstance would accept a bool as an int.
    if type(value) is not int or not least <= value <= most:
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be between {least} and {most}")
    return value


def number_field(fields: JSONObject, name: str, least: float, most: float) -> float:
    """Return the number `fields[name]`, which lies between `least` and `most`.

    Raises MessageError with BAD_MESSAGE.
    """
    value: Any = fields.get(name)
    if type(value) not in (int, float) or not least <= value <= most:
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be between {least} and {most}")
    return float(value)


def list_field(fields: JSONObject, name: str, most: int) -> list[Any]:
    """Return the list `fields[name]`, of at most `most` items; one that is absent or null is empty.

    Raises MessageError with BAD_MESSAGE.
    """
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most:
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be a list of at most {most} items")
    return value


def object_field(fields: JSONObject, name: str) -> JSONObject:
    """Return the object `fields[name]`. Raises MessageError with BAD_MESSAGE."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be an object")
    return value
