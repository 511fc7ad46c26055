"""How macOS names the places of keys, which UI Events (W3C) calls codes."""

from typing import Final

from proxim.core.control.key_places import MACOS

# The virtual key code of each place.
KEY_CODES: Final[dict[str, int]] = {place: number for number, place in MACOS.items()}
# What Apple's keyboards have where others have Num Lock.
CLEAR: Final = KEY_CODES["NumLock"]
