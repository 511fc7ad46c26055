"""The keyboard map of an X11 server: which keys, with which modifiers, in which group, make what.

XKB gives each key up to four groups (layouts between which people switch), and each group levels,
which the modifiers choose by the group's type: in German the key of Q has the levels q, Q, @ and Ω.
Nothing here sends anything but questions; x11_injector.py presses the keys.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import xcffib.xkb

from proxim.io.control.x11_keys import (
    ALT_L,
    ALT_R,
    CONTROL_L,
    CONTROL_R,
    HYPER_L,
    HYPER_R,
    KEYCODES,
    LEVEL3_SHIFT,
    LEVEL5_SHIFT,
    META_L,
    META_R,
    SHIFT_L,
    SHIFT_R,
    SUPER_L,
    SUPER_R,
    character_of,
)

# The keyboard that all of the server's keyboards are merged into (XkbUseCoreKbd).
CORE_KEYBOARD: Final = 0x100
# The bits of modifiers (X11 protocol, KEYMASK); the others are what the map makes of them.
SHIFT: Final = 0x01
LOCK: Final = 0x02
CONTROL: Final = 0x04
_ALL_MODIFIERS: Final = tuple(1 << bit for bit in range(8))
# Keys that are modifiers while they are down, the likeliest first.
_HELD: Final = (
    SHIFT_L,
    SHIFT_R,
    CONTROL_L,
    CONTROL_R,
    LEVEL3_SHIFT,
    LEVEL5_SHIFT,
    ALT_L,
    ALT_R,
    META_L,
    META_R,
    SUPER_L,
    SUPER_R,
    HYPER_L,
    HYPER_R,
)
# With these a key is a command and no character.
_COMMANDS: Final = frozenset(
    {ALT_L, ALT_R, META_L, META_R, SUPER_L, SUPER_R, HYPER_L, HYPER_R, CONTROL_L, CONTROL_R}
)
# What is done about a group that a key does not have (XKB protocol, KEYBOARD groupsWrap).
_CLAMP: Final = 0x40
_REDIRECT: Final = 0x80
# A change of the group or of a lock is seen by people, and so the last choice.
_GROUP_COST: Final = 4
_LOCK_COST: Final = 8
_NEAR_COST: Final = 0.5


@dataclass(frozen=True, slots=True)
class KeyType:
    """Which modifiers choose which level; modifiers outside the mask change nothing."""

    mask: int
    # The level of each combination; any other is level 0.
    levels: dict[int, int]

    def level(self, modifiers: int) -> int:
        """Return the level that these modifiers choose."""
        return self.levels.get(modifiers & self.mask, 0)

    def combinations(self, level: int) -> list[int]:
        """Return the combinations of modifiers that choose this level."""
        return [one for one in (0, *self.levels) if self.level(one) == level]


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """What a key makes in one group, by levels."""

    type: KeyType
    keysyms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the map."""

    groups: tuple[KeyGroup, ...]
    # What is done with groups beyond these, as the server says it.
    beyond: int = 0

    def group(self, group: int) -> int:
        """Return the index of the group that counts for this key; it must have some."""
        if group < len(self.groups):
            return group
        if self.beyond & _REDIRECT:
            redirected = self.beyond >> 4 & 0b11
            return redirected if redirected < len(self.groups) else 0
        return len(self.groups) - 1 if self.beyond & _CLAMP else group % len(self.groups)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A way to make a keysym: a key, its group and its level in that."""

    keycode: int
    key: Key
    group: int
    level: int


@dataclass(frozen=True, slots=True)
class State:
    """The modifiers and the group that are in effect now."""

    modifiers: int
    # Those of them that stay without a key being held: CapsLock, NumLock, sticky keys.
    locked: int
    latched: int
    group: int
    locked_group: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be changed for one stroke, and changed back afterwards."""

    keycode: int
    add: int = 0
    clear: int = 0
    # The group to change to; None to stay.
    group: int | None = None


class KeyMap:
    """A keyboard map, as the server had it when it was read."""

    def __init__(self, keys: dict[int, Key], modifier_map: Iterable[tuple[int, int]]) -> None:
        """`keys` are by their keycodes; `modifier_map` has keycodes and the modifiers they are."""
        self._keys = keys
        self._modifiers = dict(modifier_map)
        by_keysym: defaultdict[int, int] = defaultdict(int)
        for keycode, modifiers in self._modifiers.items():
            by_keysym[self._first_keysym(keycode)] |= modifiers
        # Others with the same keysym do the same, although the map does not list them (AltGr).
        self._by_keysym = {keysym: by_keysym[keysym] for keysym in _HELD if keysym in by_keysym}
        self.commands = CONTROL
        for keysym in _COMMANDS & self._by_keysym.keys():
            self.commands |= self._by_keysym[keysym]
        self._strokes: defaultdict[str, list[Stroke]] = defaultdict(list)
        for keycode, key in keys.items():
            for group, made in enumerate(key.groups):
                for level, keysym in enumerate(made.keysyms):
                    if (character := character_of(keysym)) is not None:
                        self._strokes[character].append(Stroke(keycode, key, group, level))

    @property
    def unused(self) -> tuple[int, ...]:
        """The keycodes that make nothing, in no group."""
        return tuple(
            keycode
            for keycode, key in self._keys.items()
            if not any(any(group.keysyms) for group in key.groups)
        )

    def strokes(self, character: str) -> list[Stroke]:
        """Return the ways to type a character."""
        return self._strokes.get(character, [])

    def keysym(self, keycode: int, state: State) -> int:
        """Return what a key makes now; 0 for nothing."""
        key = self._keys.get(keycode)
        if key is None or not key.groups:
            return 0
        group = key.groups[key.group(state.group)]
        level = group.type.level(state.modifiers)
        return group.keysyms[level] if level < len(group.keysyms) else 0

    def find_key(self, keysyms: tuple[int, ...], usual: int | None, state: State) -> int | None:
        """Return the key that makes one of these now: the usual one, if it does."""
        if usual is not None and self.keysym(usual, state) in keysyms:
            return usual
        for keysym in keysyms:
            for keycode in self._keys:
                if self.keysym(keycode, state) == keysym:
                    return keycode
        return None

    def modifiers_of(self, keycode: int) -> int:
        """Return the modifiers that a key is while it is down."""
        keysym = self._first_keysym(keycode)
        return self._by_keysym.get(keysym, 0) if keysym in _HELD else 0

    def modifier_key(self, modifier: int) -> int | None:
        """Return a key that is this modifier, and no other, while it is down."""
        for keysym in _HELD:
            if self._by_keysym.get(keysym) != modifier:
                continue
            found = [one for one in self._keys if self._first_keysym(one) == keysym]
            # Some keycodes stand for no key of any keyboard.
            return min(found, key=lambda one: one not in _PLACES, default=None)
        return None

    def plan(
        self, strokes: Iterable[Stroke], state: State, *, near: int | None, command: bool
    ) -> Plan | None:
        """Return how to make one of these strokes with the fewest changes.

        Among equals `near` is the keycode to prefer. For a command the modifiers of commands are
        left alone; otherwise none of them may be in effect.
        """
        best: tuple[float, Plan] | None = None
        for stroke in strokes:
            kind = stroke.key.groups[stroke.group].type
            moved = stroke.key.group(state.group) != stroke.group
            unwanted = (kind.mask | LOCK | self.commands) & ~(self.commands if command else 0)
            for wanted in kind.combinations(stroke.level):
                if wanted & self.commands:
                    continue
                plan = Plan(
                    stroke.keycode,
                    wanted & ~state.modifiers,
                    state.modifiers & ~wanted & unwanted,
                    stroke.group if moved else None,
                )
                locks = sum(1 for one in bits(plan.add) if self.modifier_key(one) is None)
                cost = (
                    len(bits(plan.add))
                    + len(bits(plan.clear))
                    + _GROUP_COST * moved
                    + _LOCK_COST * locks
                    - _NEAR_COST * (stroke.keycode == near)
                )
                if best is None or cost < best[0]:
                    best = cost, plan
        return None if best is None else best[1]

    def _first_keysym(self, keycode: int) -> int:
        key = self._keys.get(keycode)
        if key is None or not key.groups or not key.groups[0].keysyms:
            return 0
        return key.groups[0].keysyms[0]


_PLACES: Final = frozenset(KEYCODES.values())


def bits(modifiers: int) -> list[int]:
    """Return the single modifiers of a set."""
    return [one for one in _ALL_MODIFIERS if modifiers & one]


def read_key_map(xkb: Any) -> KeyMap:
    """Ask the server for its map. `xkb` is the extension of a connection (xcffib.xkb)."""
    parts = xcffib.xkb.MapPart
    wanted = parts.KeyTypes | parts.KeySyms | parts.ModifierMap
    # All of these parts, and nothing of a range.
    answer = xkb.GetMap(CORE_KEYBOARD, wanted, 0, *[0] * 15).reply()
    types = [
        KeyType(one.mods_mask, {entry.mods_mask: entry.level for entry in one.map if entry.active})
        for one in answer.types_rtrn
    ]
    keys = {
        keycode: _key(types, symbols)
        for keycode, symbols in enumerate(answer.syms_rtrn, answer.firstKeySym)
    }
    return KeyMap(keys, [(one.keycode, one.mods) for one in answer.modmap_rtrn])


def _key(types: list[KeyType], symbols: Any) -> Key:
    width, keysyms = symbols.width, tuple(symbols.syms)
    groups = [
        KeyGroup(types[symbols.kt_index[group]], keysyms[group * width : (group + 1) * width])
        for group in range(symbols.groupInfo & 0x0F)
    ]
    return Key(tuple(groups), symbols.groupInfo & 0xF0)


def read_state(xkb: Any) -> State:
    """Ask the server which modifiers and which group are in effect."""
    answer = xkb.GetState(CORE_KEYBOARD).reply()
    return State(
        answer.mods, answer.lockedMods, answer.latchedMods, answer.group, answer.lockedGroup
    )
