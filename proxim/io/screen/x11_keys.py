"""How X11 names what W3C's UI Events name otherwise: the places of keys, and what they mean."""

from typing import Final

# An X keycode is Linux's number of the key (linux/input-event-codes.h) and 8.
_FIRST_KEYCODE: Final = 8
# The places of the keys (UI Events KeyboardEvent code Values), by Linux's numbers.
_PLACES: Final[dict[int, str]] = {
    1: "Escape",
    **{2 + number: f"Digit{(number + 1) % 10}" for number in range(10)},
    12: "Minus",
    13: "Equal",
    14: "Backspace",
    15: "Tab",
    **{16 + number: f"Key{letter}" for number, letter in enumerate("QWERTYUIOP")},
    26: "BracketLeft",
    27: "BracketRight",
    28: "Enter",
    29: "ControlLeft",
    **{30 + number: f"Key{letter}" for number, letter in enumerate("ASDFGHJKL")},
    39: "Semicolon",
    40: "Quote",
    41: "Backquote",
    42: "ShiftLeft",
    43: "Backslash",
    **{44 + number: f"Key{letter}" for number, letter in enumerate("ZXCVBNM")},
    51: "Comma",
    52: "Period",
    53: "Slash",
    54: "ShiftRight",
    55: "NumpadMultiply",
    56: "AltLeft",
    57: "Space",
    58: "CapsLock",
    **{58 + number: f"F{number}" for number in range(1, 11)},
    69: "NumLock",
    70: "ScrollLock",
    71: "Numpad7",
    72: "Numpad8",
    73: "Numpad9",
    74: "NumpadSubtract",
    75: "Numpad4",
    76: "Numpad5",
    77: "Numpad6",
    78: "NumpadAdd",
    79: "Numpad1",
    80: "Numpad2",
    81: "Numpad3",
    82: "Numpad0",
    83: "NumpadDecimal",
    86: "IntlBackslash",
    87: "F11",
    88: "F12",
    89: "IntlRo",
    92: "Convert",
    93: "KanaMode",
    94: "NonConvert",
    96: "NumpadEnter",
    97: "ControlRight",
    98: "NumpadDivide",
    99: "PrintScreen",
    100: "AltRight",
    102: "Home",
    103: "ArrowUp",
    104: "PageUp",
    105: "ArrowLeft",
    106: "ArrowRight",
    107: "End",
    108: "ArrowDown",
    109: "PageDown",
    110: "Insert",
    111: "Delete",
    117: "NumpadEqual",
    119: "Pause",
    121: "NumpadComma",
    124: "IntlYen",
    125: "MetaLeft",
    126: "MetaRight",
    127: "ContextMenu",
}
# The X keycode of each place.
KEYCODES: Final[dict[str, int]] = {
    place: number + _FIRST_KEYCODE for number, place in _PLACES.items()
}

# Keysyms of characters beyond Latin-1 are their code points and this (X11 protocol, appendix A).
_UNICODE: Final = 0x01000000
# Characters that are keys of their own in X11 (keysymdef.h: Return, Tab).
_KEYS_OF_CHARACTERS: Final = {"\n": 0xFF0D, "\r": 0xFF0D, "\t": 0xFF09}


def keysym_of(character: str) -> int:
    """Return the keysym of one character."""
    if (own := _KEYS_OF_CHARACTERS.get(character)) is not None:
        return own
    point = ord(character)
    return point if 0x20 <= point < 0x7F or 0xA0 <= point < 0x100 else _UNICODE + point
