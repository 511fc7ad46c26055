"""Keycodes that no key has are lent to characters that the keyboard layout lacks."""

import time
from typing import Any, Final

from proxim.io.control.x11_keyboard import KeyMap
from proxim.io.control.x11_keys import keysym_of

# Every client is told of a new map before the key that needs it. Some ask for the map only when
# they get to that: they have a moment before the key, and a while before the keycode is used again.
SETTLE_SECONDS: Final = 0.02
REUSE_SECONDS: Final = 0.25
# The level of a key without Shift, and with it.
_LEVELS: Final = 2


class SpareKeys:
    """The keycodes that are lent, the one that was used longest ago first."""

    def __init__(self, connection: Any) -> None:
        self._core = connection.core
        self._free: list[int] = []
        self._lent: dict[str, int] = {}
        # When each lent character was typed last, by time.monotonic.
        self._used: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._free) + len(self._lent)

    def __contains__(self, character: str) -> bool:
        return character in self._lent

    def read(self, key_map: KeyMap) -> None:
        """Learn from a new map which keycodes are free, and which are no longer lent."""
        self._lent = {
            character: keycode
            for character, keycode in self._lent.items()
            if any(one.keycode == keycode for one in key_map.strokes(character))
        }
        lent = {*self._lent.values()}
        # The lowest ones are the likeliest to be keys of some keyboard, and so the last choice.
        self._free = [one for one in sorted(key_map.unused) if one not in lent]

    def lend(self, characters: list[str]) -> bool:
        """Give each of these characters a keycode, as long as there are any; return whether the
        map has changed, and then wait until clients know it.
        """
        new = [one for one in characters if one not in self._lent]
        for character in characters:
            # None of those that are wanted is taken back for the others.
            self.note_use(character)
        for character in new:
            if not self._free:
                self._take_back()
            if self._free:
                self._lent[character] = self._free.pop()
                self._map(self._lent[character], keysym_of(character))
        if new:
            # An answer says that the server has changed the map.
            self._core.GetInputFocus().reply()
            time.sleep(SETTLE_SECONDS)
        return bool(new)

    def note_use(self, character: str) -> None:
        """Note that a character is typed now, if a keycode is lent to it."""
        if character in self._lent:
            self._used[character] = time.monotonic()
            # The last one was used last.
            self._lent[character] = self._lent.pop(character)

    def restore(self) -> None:
        """Make every lent keycode mean nothing again, once clients have read what was typed."""
        if self._used:
            _wait_since(max(self._used.values()))
        for keycode in self._lent.values():
            self._map(keycode, 0)
        self._lent.clear()

    def _take_back(self) -> None:
        character = next(iter(self._lent), None)
        if character is None:
            # This server has no keycode to spare.
            return
        self._free.append(self._lent.pop(character))
        _wait_since(self._used.pop(character, 0.0))

    def _map(self, keycode: int, keysym: int) -> None:
        self._core.ChangeKeyboardMapping(1, keycode, _LEVELS, [keysym] * _LEVELS)


def _wait_since(used: float) -> None:
    """Wait until clients know what was typed with a keycode then, by time.monotonic."""
    rest = used + REUSE_SECONDS - time.monotonic()
    if rest > 0:
        time.sleep(rest)
