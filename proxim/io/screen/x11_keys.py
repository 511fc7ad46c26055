"""How X11 names what W3C's UI Events name otherwise: the places of keys, and what they mean."""

from typing import Final

from proxim.core.control.key_places import LINUX, X11_OFFSET

# The X keycode of each place.
KEYCODES: Final[dict[str, int]] = {place: number + X11_OFFSET for number, place in LINUX.items()}

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
