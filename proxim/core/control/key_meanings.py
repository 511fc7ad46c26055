"""Which key of the host a key of the guest stands for, as docs/protocol.md says in "Keys".

A key's place and its meaning may differ: people exchange CapsLock with Escape or Control. What
holds on all systems of hosts stands here, so that each injector does the same.
"""

from typing import Final

# What these did has been done at the guest: its characters come as they are meant. ScrollLock is
# missing on purpose, as it changes no character: it is the host's.
DONE_AT_GUEST: Final = frozenset(
    {
        *("CapsLock", "NumLock", "Dead", "Compose", "Process", "ModeChange"),
        *("GroupFirst", "GroupLast", "GroupNext", "GroupPrevious"),
    }
)
# What is pressed at these places stays on when it is released.
_LOCKS: Final = frozenset({"CapsLock", "NumLock"})
# The places of meanings that have several; the first one is for a guest whose key is elsewhere. All
# other meanings that have a place are called like it.
_SEVERAL: Final = {
    "Shift": ("ShiftLeft", "ShiftRight"),
    "Control": ("ControlLeft", "ControlRight"),
    "Alt": ("AltLeft", "AltRight"),
    "Meta": ("MetaLeft", "MetaRight"),
    "Enter": ("Enter", "NumpadEnter"),
}


def presses_nothing(key: str) -> bool:
    """Whether a key with this meaning has done all that it does at the guest."""
    return key in DONE_AT_GUEST


def place_to_press(code: str) -> str:
    """Return the place, if the host's key there may be pressed for what it is; else an empty text.

    A lock would stay on here, whatever its key means at the guest.
    """
    return "" if code in _LOCKS else code


def places_meant(code: str, key: str) -> tuple[str, ...]:
    """Return the places of a key that is no character, the best first.

    Not every keyboard has each of them.
    """
    if presses_nothing(key):
        return ()
    if (several := _SEVERAL.get(key)) is not None:
        return (code,) if code in several else several[:1]
    return tuple(place for place in (key, place_to_press(code)) if place)
