"""How X11 names what W3C's UI Events name otherwise: the places of keys, and what they mean."""

from typing import Final

from proxim.core.control.key_places import LINUX, X11_OFFSET

# The X keycode of each place.
KEYCODES: Final[dict[str, int]] = {place: number + X11_OFFSET for number, place in LINUX.items()}

# Keysyms of characters beyond Latin-1 are their code points and this (X11 protocol, appendix A).
_UNICODE: Final = 0x01000000
# Characters that are keys of their own in X11 (keysymdef.h: Return, Tab).
_KEYS_OF_CHARACTERS: Final = {"\n": 0xFF0D, "\r": 0xFF0D, "\t": 0xFF09}

# Older keysyms are a page and a byte of an older set of characters (keysymdef.h), and the layouts
# still use them. These pages are sets that Python knows.
_PAGES: Final = {
    0x01: "iso8859_2",
    0x02: "iso8859_3",
    0x03: "iso8859_4",
    0x05: "iso8859_6",
    0x06: "koi8_u",
    0x0C: "iso8859_8",
    0x0D: "tis_620",
    0x13: "iso8859_15",
}
# These are sets of X11's own, or differ from what Python knows; by their first keysyms.
_RUNS: Final = {
    0x04A1: "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノ"
    "ハヒフヘホマミムメモヤユヨラリルレロワン゛゜",
    0x06A1: "ђѓёєѕіїјљњћќґўџ№ЂЃЁЄЅІЇЈЉЊЋЌҐЎЏ",
    0x07A1: "ΆΈΉΊΪ",
    0x07A7: "ΌΎΫ",
    0x07AB: "Ώ",
    0x07AE: "΅―",
    0x07B1: "άέήίϊΐόύϋΰώ",
    0x07C1: "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣ",
    0x07D4: "ΤΥΦΧΨΩ",
    0x07E1: "αβγδεζηθικλμνξοπρσςτυφχψω",
    0x08BC: "≤≠≥∫∴∝∞",
    0x08FB: "←↑→↓",
    0x0AA9: "—–",
    0x0AAE: "…",
    0x0AB0: "⅓⅔⅕⅖⅗⅘⅙⅚",
    0x0AC3: "⅛⅜⅝⅞",
    0x0AC9: "™",
    0x0AD0: "‘’“”",
    0x0AF1: "†‡",
    0x0AFD: "‚„",
    0x0EFF: "₩",
    0x20AC: "€",
}
_CHARACTERS: Final = {
    first + number: character
    for first, run in _RUNS.items()
    for number, character in enumerate(run)
}


def keysym_of(character: str) -> int:
    """Return the keysym of one character."""
    if (own := _KEYS_OF_CHARACTERS.get(character)) is not None:
        return own
    point = ord(character)
    return point if 0x20 <= point < 0x7F or 0xA0 <= point < 0x100 else _UNICODE + point


def character_of(keysym: int) -> str | None:
    """Return the character that a keysym types by itself; None if it types none.

    Dead keys, and the keys of the keypad, type none: what becomes of them depends on others.
    """
    if 0x20 <= keysym < 0x7F or 0xA0 <= keysym < 0x100:
        return chr(keysym)
    if _UNICODE + 0x100 <= keysym <= _UNICODE + 0x10FFFF:
        return chr(keysym - _UNICODE)
    if keysym in _CHARACTERS:
        return _CHARACTERS[keysym]
    page, byte = keysym >> 8, keysym & 0xFF
    if page not in _PAGES or byte < 0xA1:
        return None
    try:
        return bytes([byte]).decode(_PAGES[page])
    except UnicodeDecodeError:
        return None


SHIFT_L: Final = 0xFFE1
SHIFT_R: Final = 0xFFE2
CONTROL_L: Final = 0xFFE3
CONTROL_R: Final = 0xFFE4
META_L: Final = 0xFFE7
META_R: Final = 0xFFE8
ALT_L: Final = 0xFFE9
ALT_R: Final = 0xFFEA
SUPER_L: Final = 0xFFEB
SUPER_R: Final = 0xFFEC
HYPER_L: Final = 0xFFED
HYPER_R: Final = 0xFFEE
LEVEL3_SHIFT: Final = 0xFE03
LEVEL5_SHIFT: Final = 0xFE11

# The keys that are held while others are pressed (UI Events KeyboardEvent key Values), and the
# keysyms of those that do the same, the likeliest first.
MODIFIERS: Final[dict[str, tuple[int, ...]]] = {
    "Shift": (SHIFT_L, SHIFT_R),
    "Control": (CONTROL_L, CONTROL_R),
    "Alt": (ALT_L, ALT_R, META_L, META_R),
    "Meta": (SUPER_L, SUPER_R, META_L, META_R),
    "AltGraph": (LEVEL3_SHIFT,),
}
# The same for the other keys that type nothing; the second ones are those of the keypad.
NAMED_KEYS: Final[dict[str, tuple[int, ...]]] = {
    "Enter": (0xFF0D, 0xFF8D),
    # With Shift the key of Tab is ISO_Left_Tab.
    "Tab": (0xFF09, 0xFE20),
    "Backspace": (0xFF08,),
    "Escape": (0xFF1B,),
    "Delete": (0xFFFF, 0xFF9F),
    "Insert": (0xFF63, 0xFF9E),
    "Home": (0xFF50, 0xFF95),
    "End": (0xFF57, 0xFF9C),
    "PageUp": (0xFF55, 0xFF9A),
    "PageDown": (0xFF56, 0xFF9B),
    "ArrowLeft": (0xFF51, 0xFF96),
    "ArrowUp": (0xFF52, 0xFF97),
    "ArrowRight": (0xFF53, 0xFF98),
    "ArrowDown": (0xFF54, 0xFF99),
    "Clear": (0xFF0B, 0xFF9D),
    "ContextMenu": (0xFF67,),
    "PrintScreen": (0xFF61,),
    "Pause": (0xFF13,),
    "ScrollLock": (0xFF14,),
    "Help": (0xFF6A,),
    **{f"F{number}": (0xFFBD + number,) for number in range(1, 25)},
    "AudioVolumeDown": (0x1008FF11,),
    "AudioVolumeMute": (0x1008FF12,),
    "AudioVolumeUp": (0x1008FF13,),
    "MediaPlayPause": (0x1008FF14,),
    "MediaStop": (0x1008FF15,),
    "MediaTrackPrevious": (0x1008FF16,),
    "MediaTrackNext": (0x1008FF17,),
    "BrowserBack": (0x1008FF26,),
    "BrowserForward": (0x1008FF27,),
    "BrowserRefresh": (0x1008FF29,),
}
# The keysyms of the keypad while NumLock is on, by what they type.
KEYPAD: Final[dict[str, int]] = {
    **{str(digit): 0xFFB0 + digit for digit in range(10)},
    ".": 0xFFAE,
    ",": 0xFFAC,
    "+": 0xFFAB,
    "-": 0xFFAD,
    "*": 0xFFAA,
    "/": 0xFFAF,
    "=": 0xFFBD,
}
