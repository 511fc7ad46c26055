"""What Tk's names of keys mean in UI Events (W3C): the place and the meaning of each."""

from typing import Final, NamedTuple


class KeyName(NamedTuple):
    """A key that writes nothing: its place, and what it means."""

    code: str
    key: str


def _same(*names: str) -> dict[str, KeyName]:
    return {name: KeyName(name, name) for name in names}


# By keysym. Caps Lock and Num Lock are missing on purpose: they have worked here before a character
# is sent, so the other side's stay as they are.
NAMED: Final[dict[str, KeyName]] = {
    **_same("Escape", "Delete", "Insert", "Home", "End", "Tab", "Pause"),
    **_same(*(f"F{number}" for number in range(1, 25))),
    "Return": KeyName("Enter", "Enter"),
    "BackSpace": KeyName("Backspace", "Backspace"),
    "ISO_Left_Tab": KeyName("Tab", "Tab"),
    "Prior": KeyName("PageUp", "PageUp"),
    "Next": KeyName("PageDown", "PageDown"),
    "Left": KeyName("ArrowLeft", "ArrowLeft"),
    "Right": KeyName("ArrowRight", "ArrowRight"),
    "Up": KeyName("ArrowUp", "ArrowUp"),
    "Down": KeyName("ArrowDown", "ArrowDown"),
    "Print": KeyName("PrintScreen", "PrintScreen"),
    "Sys_Req": KeyName("PrintScreen", "PrintScreen"),
    "Snapshot": KeyName("PrintScreen", "PrintScreen"),
    "Break": KeyName("Pause", "Pause"),
    "Scroll_Lock": KeyName("ScrollLock", "ScrollLock"),
    "Menu": KeyName("ContextMenu", "ContextMenu"),
    "App": KeyName("ContextMenu", "ContextMenu"),
    "Henkan_Mode": KeyName("Convert", "Convert"),
    "Muhenkan": KeyName("NonConvert", "NonConvert"),
    "Hiragana_Katakana": KeyName("KanaMode", "KanaMode"),
    "Shift_L": KeyName("ShiftLeft", "Shift"),
    "Shift_R": KeyName("ShiftRight", "Shift"),
    "Control_L": KeyName("ControlLeft", "Control"),
    "Control_R": KeyName("ControlRight", "Control"),
    "Alt_L": KeyName("AltLeft", "Alt"),
    "Alt_R": KeyName("AltRight", "Alt"),
    "ISO_Level3_Shift": KeyName("AltRight", "AltGraph"),
    "Mode_switch": KeyName("AltRight", "AltGraph"),
    "Super_L": KeyName("MetaLeft", "Meta"),
    "Super_R": KeyName("MetaRight", "Meta"),
    "Win_L": KeyName("MetaLeft", "Meta"),
    "Win_R": KeyName("MetaRight", "Meta"),
    "KP_Enter": KeyName("NumpadEnter", "Enter"),
    "KP_Home": KeyName("Numpad7", "Home"),
    "KP_Up": KeyName("Numpad8", "ArrowUp"),
    "KP_Prior": KeyName("Numpad9", "PageUp"),
    "KP_Left": KeyName("Numpad4", "ArrowLeft"),
    "KP_Begin": KeyName("Numpad5", "Clear"),
    "KP_Right": KeyName("Numpad6", "ArrowRight"),
    "KP_End": KeyName("Numpad1", "End"),
    "KP_Down": KeyName("Numpad2", "ArrowDown"),
    "KP_Next": KeyName("Numpad3", "PageDown"),
    "KP_Insert": KeyName("Numpad0", "Insert"),
    "KP_Delete": KeyName("NumpadDecimal", "Delete"),
}
# The key left of the space bar: on X11 Shift makes Meta of Alt; on macOS it is Command.
META_X11: Final = {
    "Meta_L": KeyName("AltLeft", "Alt"),
    "Meta_R": KeyName("AltRight", "Alt"),
}
META_MACOS: Final = {
    "Meta_L": KeyName("MetaLeft", "Meta"),
    "Meta_R": KeyName("MetaRight", "Meta"),
}
LOCKS: Final = frozenset({"Caps_Lock", "Num_Lock", "Shift_Lock", "ISO_Lock"})
# Keysyms beyond Latin-1 are code points and this (X11 protocol, appendix A).
_UNICODE: Final = 0x01000000


def character_of(keysym_number: int) -> str | None:
    """Return the character of a keysym that names one by its code point, else None."""
    point = keysym_number
    if keysym_number > _UNICODE:
        point -= _UNICODE
    elif not (0x20 <= point < 0x7F or 0xA0 <= point < 0x100):
        return None
    return chr(point) if point < 0x110000 and chr(point).isprintable() else None
