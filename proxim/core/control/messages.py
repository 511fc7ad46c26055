"""What whoever controls a screen does with mouse and keyboard: the messages of the input channel.

Each is one JSON object in UTF-8, in one binary message:

{"t":"p","x":0.41,"y":0.73,"b":1}          where the pointer is (0..1 of the monitor), buttons
{"t":"w","dx":0,"dy":-120}                 the wheel; 120 is one notch
{"t":"k","code":"KeyZ","key":"y","d":true} a key was pressed (d) or released: its place, its meaning
{"t":"x","text":".."}                      text of a soft keyboard, an input method, or pasted
{"t":"u"}                                  let go of everything: the view lost the focus, or closed
{"t":"c"}                                  send the text that was copied there since control began

`code` and `key` are those of UI Events (W3C): the place on a US keyboard, and what it means.
"""

from dataclasses import dataclass, field
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    flag_field,
    integer_field,
    number_field,
    read_object,
    text_field,
)

# Left, right, middle, back, forward: the bits of MouseEvent.buttons.
ALL_BUTTONS: Final = 0b11111
# A fast flick of a touchpad is some notches a frame.
MAX_WHEEL: Final = 120 * 50
MAX_TEXT_BYTES: Final = 4096
# The longest code is "BrowserFavorites"; a key is at most some characters that are one letter.
MAX_CODE_BYTES: Final = 32
MAX_KEY_BYTES: Final = 32
# A text of escapes takes six bytes a character.
MAX_INPUT_BYTES: Final = 6 * MAX_TEXT_BYTES + 64


@dataclass(frozen=True, slots=True)
class PointerInput:
    """The pointer is there, and these buttons are down (bits as in MouseEvent.buttons)."""

    x: float
    y: float
    buttons: int


@dataclass(frozen=True, slots=True)
class WheelInput:
    """The wheel was turned, right and down for positive numbers; 120 is one notch."""

    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class KeyInput:
    """A key was pressed or released."""

    # What somebody types may be a password.
    code: str = field(repr=False)
    key: str = field(repr=False)
    down: bool


@dataclass(frozen=True, slots=True)
class TextInput:
    """Text that no single key made."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Whoever controls touches nothing any more."""


@dataclass(frozen=True, slots=True)
class CopyText:
    """Whoever controls would like the text that was copied there since they control it."""


Input = PointerInput | WheelInput | KeyInput | TextInput | ReleaseAll | CopyText


def read_input(message: bytes) -> Input:
    """Return what a message of the input channel says. Raises MessageError."""
    if len(message) > MAX_INPUT_BYTES:
        raise MessageError(Reason.TOO_LARGE, "input")
    try:
        text = message.decode()
    except UnicodeDecodeError:
        raise MessageError(Reason.BAD_JSON, "input") from None
    fields = read_object(text)
    match fields.get("t"):
        case "p":
            return PointerInput(
                number_field(fields, "x", 0, 1),
                number_field(fields, "y", 0, 1),
                integer_field(fields, "b", 0, ALL_BUTTONS),
            )
        case "w":
            return WheelInput(
                integer_field(fields, "dx", -MAX_WHEEL, MAX_WHEEL),
                integer_field(fields, "dy", -MAX_WHEEL, MAX_WHEEL),
            )
        case "k":
            return KeyInput(
                text_field(fields, "code", MAX_CODE_BYTES),
                text_field(fields, "key", MAX_KEY_BYTES),
                flag_field(fields, "d"),
            )
        case "x":
            return TextInput(text_field(fields, "text", MAX_TEXT_BYTES))
        case "u":
            return ReleaseAll()
        case "c":
            return CopyText()
        case _:
            raise MessageError(Reason.UNKNOWN_TYPE, "input")


def input_fields(what: Input) -> JSONObject:
    """Return the JSON fields of a message of the input channel."""
    match what:
        case PointerInput(x, y, buttons):
            return {"t": "p", "x": x, "y": y, "b": buttons}
        case WheelInput(dx, dy):
            return {"t": "w", "dx": dx, "dy": dy}
        case KeyInput(code, key, down):
            return {"t": "k", "code": code, "key": key, "d": down}
        case TextInput(text):
            return {"t": "x", "text": text}
        case CopyText():
            return {"t": "c"}
        case _:
            # ReleaseAll is the only other.
            return {"t": "u"}
