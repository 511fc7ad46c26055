"""Mouse and keyboard of an X11 server, by its extension XTEST.

A key is pressed by what it means: see docs/protocol.md, "Keys". What has to be changed for that
(Shift that is held at the other side, CapsLock that is on here, the group of the layout) is changed
back when the key is released, and before anything else is done with the keyboard.
"""

import contextlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import xcffib
import xcffib.res
import xcffib.xkb
import xcffib.xproto
import xcffib.xtest

from proxim.core.control.key_meanings import place_to_press, presses_nothing
from proxim.core.control.messages import (
    Input,
    KeyInput,
    PointerInput,
    TextInput,
    WheelInput,
)
from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.io.control.injector import ControlError, can_be_typed
from proxim.io.control.x11_keyboard import (
    CORE_KEYBOARD,
    SHIFT,
    KeyMap,
    Plan,
    State,
    Stroke,
    bits,
    read_key_map,
    read_state,
)
from proxim.io.control.x11_keys import (
    KEYCODES,
    KEYPAD,
    MODIFIERS,
    NAMED_KEYS,
)
from proxim.io.control.x11_spares import SpareKeys
from proxim.io.control.x11_windows import OwnWindows

_XKB: Final = (1, 0)
_XTEST: Final = (2, 2)
# The kinds of events that XTEST makes are those of the core protocol.
_KEY_PRESS: Final = 2
_KEY_RELEASE: Final = 3
_BUTTON_PRESS: Final = 4
_BUTTON_RELEASE: Final = 5
_MOTION: Final = 6
# X11's buttons for the bits of PointerInput.
_BUTTONS: Final = {0b1: 1, 0b10: 3, 0b100: 2, 0b1000: 8, 0b10000: 9}
# In X11 a notch of the wheel is a click: up, down, left, right.
_UP, _DOWN, _LEFT, _RIGHT = 4, 5, 6, 7
_NOTCH: Final = 120
_COMMANDS: Final = frozenset({"Control", "Alt", "Meta"})


@dataclass(slots=True)
class _Held:
    """A key that is down at the other side."""

    key: str = field(repr=False)
    # The key that is down here for it; None if there is none.
    keycode: int | None


@dataclass(frozen=True, slots=True)
class _Undo:
    """What has to be changed back after a stroke."""

    press: tuple[int, ...] = ()
    release: tuple[int, ...] = ()
    # Locks as they were, of these modifiers; and the locked group as it was.
    affected: int = 0
    locks: int = 0
    group: int | None = None


class X11Injector:
    """Uses one X display. Raises ControlError where it cannot be used, and when it has gone."""

    def __init__(self, display: str) -> None:
        try:
            self._connection = xcffib.Connection(display=display)
        except xcffib.ConnectionException as error:
            raise _unsupported(error) from None
        try:
            self._open()
        except xcffib.XcffibException as error:
            self._connection.disconnect()
            raise _unsupported(error) from None

    def _open(self) -> None:
        connection = self._connection
        self._core = connection.core
        self._root = connection.get_setup().roots[connection.pref_screen].root
        self._xtest = connection(xcffib.xtest.key)
        self._xtest.GetVersion(*_XTEST).reply()
        self._xkb = connection(xcffib.xkb.key)
        if not self._xkb.UseExtension(*_XKB).reply().supported:
            raise ControlError(Reason.CONTROL_UNSUPPORTED, "XKB")
        kinds = xcffib.xkb.EventType
        events = kinds.NewKeyboardNotify | kinds.MapNotify
        self._xkb.SelectEvents(CORE_KEYBOARD, events, 0, events, 0, 0, [])
        self._own = OwnWindows(connection)
        self._spares = SpareKeys(connection)
        self._read_map()
        # What is down at the other side, by its place or, where that is unknown, its meaning.
        self._held: dict[str, _Held] = {}
        # Which keycodes we have pressed here, and the physical buttons of PointerInput's bits.
        self._down: set[int] = set()
        self._buttons: dict[int, int] = {}
        # Buttons that were pressed over a window of ours, and do nothing until they are released.
        self._ignored = 0
        # As Injector says.
        self.ignored = False
        self._undo: _Undo | None = None
        self._undo_with: int | None = None
        self._wheel_x = self._wheel_y = 0
        self._put = self._pointer()

    # --- what every injector does -----------------------------------------------------------------

    def inject(self, monitor: Monitor, what: Input) -> None:
        """Do what somebody did, as Injector says."""
        with _control_errors():
            self._read_events()
            match what:
                case PointerInput():
                    self._point(monitor, what)
                case WheelInput(dx, dy):
                    self._turn_wheel(dx, dy)
                case KeyInput(code, key, True):
                    self._key_down(code, key)
                case KeyInput(code, key, False):
                    self._key_up(code, key)
                case TextInput(text):
                    self._type_text(text)
                case _:
                    self._release_all()
            self._connection.flush()

    def moved_here(self) -> bool:
        """Whether somebody else has moved the mouse, as Injector says."""
        with _control_errors():
            if self._down and self._own.focused():
                # A key that was pressed elsewhere is not repeated for us.
                self._release_keys()
                self._connection.flush()
            before, self._put = self._put, self._pointer()
            return before != self._put

    def repeat(self) -> None:
        """The X server repeats keys itself."""

    def let_go(self) -> None:
        """Release everything that is pressed."""
        with _control_errors():
            self._release_all()
            # An answer says that the server has done it.
            self._core.GetInputFocus().reply()

    def close(self) -> None:
        """Let go, and give the keycodes back that were lent."""
        with contextlib.suppress(ControlError), _control_errors():
            self._release_all()
            # What somebody else has done with a keycode meanwhile stays.
            self._read_events()
            self._spares.restore()
            self._core.GetInputFocus().reply()
        self._connection.disconnect()

    # --- pointer ----------------------------------------------------------------------------------

    def _point(self, monitor: Monitor, what: PointerInput) -> None:
        x = monitor.x + min(int(what.x * monitor.width), monitor.width - 1)
        y = monitor.y + min(int(what.y * monitor.height), monitor.height - 1)
        self._ignored &= what.buttons
        wanted = what.buttons & ~self._ignored
        down = sum(self._buttons)
        pressed, released = wanted & ~down, down & ~wanted
        with self._nobody_else() if pressed else contextlib.nullcontext():
            if (pressed or down) and self._own.at(x, y):
                # Neither a click nor what is dragged reaches a window of ours.
                self._ignored |= pressed
                pressed = 0
                self.ignored = True
            else:
                self.ignored = self.ignored and not pressed
                self._fake(_MOTION, 0, x, y)
            for bit, button in _BUTTONS.items():
                if bit & released:
                    self._fake(_BUTTON_RELEASE, self._buttons.pop(bit))
                if bit & pressed:
                    self._buttons[bit] = self._physical(button)
                    self._fake(_BUTTON_PRESS, self._buttons[bit])
        self._put = self._pointer()

    def _turn_wheel(self, dx: int, dy: int) -> None:
        self._wheel_x, right = _notches(self._wheel_x, dx)
        self._wheel_y, down = _notches(self._wheel_y, dy)
        if not (right or down):
            return
        self.ignored = self._own.at(*self._pointer())
        if self.ignored:
            return
        clicks = [_DOWN if down > 0 else _UP] * abs(down) + [_RIGHT if right > 0 else _LEFT] * abs(
            right
        )
        for button in clicks:
            physical = self._physical(button)
            self._fake(_BUTTON_PRESS, physical)
            self._fake(_BUTTON_RELEASE, physical)

    def _physical(self, button: int) -> int:
        """Return the button that applications take for this one: left-handed people swap them."""
        order = list(self._core.GetPointerMapping().reply().map)
        return order.index(button) + 1 if button in order else button

    def _pointer(self) -> tuple[int, int]:
        pointer = self._core.QueryPointer(self._root).reply()
        return pointer.root_x, pointer.root_y

    # --- keys -------------------------------------------------------------------------------------

    def _key_down(self, code: str, key: str) -> None:
        place = code or key
        if place in self._held or presses_nothing(key):
            # A key that is held is repeated by this server.
            return
        held = self._held[place] = _Held(key, None)
        self._change_back()
        self.ignored = self._own.focused()
        if self.ignored:
            return
        if key in MODIFIERS:
            held.keycode = self._press_named(code, MODIFIERS[key])
            return
        self._catch_up()
        if key in NAMED_KEYS:
            held.keycode = self._press_named(code, NAMED_KEYS[key])
            return
        # A letter and its accent may come as two.
        key = unicodedata.normalize("NFC", key)
        if len(key) == 1:
            down = {one.key for one in self._held.values()}
            # Windows says that AltGr is Control and Alt.
            if down & _COMMANDS and "AltGraph" not in down:
                held.keycode = self._press_command(code, key, shift="Shift" in down)
            else:
                held.keycode = self._press_character(code, key)
        elif not key.isascii():
            self._type_text(key)
        elif (keycode := _keycode_at(code)) is not None:
            self._press(keycode)
            held.keycode = keycode

    def _key_up(self, code: str, key: str) -> None:
        held = self._held.pop(code or key, None)
        if held is None or held.keycode is None:
            return
        modifier = held.key in MODIFIERS
        if modifier or held.keycode == self._undo_with:
            if not modifier:
                self._release(held.keycode)
            self._change_back()
        self._release(held.keycode)
        if held.key == "Meta":
            # macOS tells of no other key's end while its Command is down.
            for place in [one for one, other in self._held.items() if other.key not in MODIFIERS]:
                self._key_up(place, "")

    def _catch_up(self) -> None:
        """Press what is held at the other side since a window of ours had the focus."""
        for place, held in self._held.items():
            if held.keycode is None and held.key in MODIFIERS:
                held.keycode = self._press_named(place, MODIFIERS[held.key])

    def _press_named(self, code: str, keysyms: tuple[int, ...]) -> int | None:
        usual = _keycode_at(code)
        keycode = self._map.find_key(keysyms, usual, read_state(self._xkb))
        if keycode is None and keysyms not in MODIFIERS.values():
            keycode = usual
        if keycode is not None:
            self._press(keycode)
        return keycode

    def _press_character(self, code: str, character: str) -> int | None:
        usual = _keycode_at(code)
        state = read_state(self._xkb)
        keypad = KEYPAD.get(character) if code.startswith("Numpad") else None
        if usual is not None and keypad and self._map.keysym(usual, state) == keypad:
            # With NumLock the keypad types it, too.
            self._press(usual)
            return usual
        plan = self._map.plan(self._strokes(character), state, near=usual, command=False)
        return None if plan is None else self._press_planned(plan, state)

    def _press_command(self, code: str, character: str, *, shift: bool) -> int | None:
        usual = _keycode_at(code)
        # CapsLock there makes no other command.
        cased = character.upper() if shift else character.lower()
        state = read_state(self._xkb)
        strokes = self._map.strokes(cased if len(cased) == 1 else character)
        plan = self._map.plan(strokes, state, near=usual, command=True)
        if plan is not None:
            return self._press_planned(plan, state)
        # The layout has no such character, and the command is that of the place.
        if usual is not None:
            self._press(usual)
        return usual

    def _press_planned(self, plan: Plan, state: State) -> int:
        self._change(plan, state)
        self._press(plan.keycode)
        self._undo_with = plan.keycode
        return plan.keycode

    def _strokes(self, character: str) -> list[Stroke]:
        """Return the ways to type a character, which gets a key if the layout has none."""
        if not self._map.strokes(character) and can_be_typed(character):
            self._lend([character])
        self._spares.note_use(character)
        return self._map.strokes(character)

    def _lend(self, characters: list[str]) -> None:
        if self._spares.lend(characters):
            # What the server has told until now is in the map that is read.
            self._map_changed()
            self._read_map()

    def _type_text(self, text: str) -> None:
        self._change_back()
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        # As many of those that the layout lacks are got ready at once as there are keycodes.
        lacking = [
            one
            for one in dict.fromkeys(lines)
            if can_be_typed(one) and (one in self._spares or not self._map.strokes(one))
        ]
        self._lend(lacking[: len(self._spares)])
        for character in lines:
            self.ignored = self._own.focused()
            if self.ignored:
                return
            if character in "\n\t":
                keycode = self._press_plain(NAMED_KEYS["Enter" if character == "\n" else "Tab"])
            else:
                keycode = self._press_character("", character)
            if keycode is not None:
                self._release(keycode)
            self._change_back()

    def _press_plain(self, keysyms: tuple[int, ...]) -> int | None:
        """Press a key that has no character, without any modifier."""
        state = read_state(self._xkb)
        self._change(Plan(0, 0, state.modifiers & (self._map.commands | SHIFT)), state)
        return self._press_named("", keysyms)

    # --- what a stroke needs ----------------------------------------------------------------------

    def _change(self, plan: Plan, state: State) -> None:
        """Change modifiers and group for a stroke, and remember how to change them back."""
        lifted = [one for one in self._down if self._map.modifiers_of(one) & plan.clear]
        for keycode in lifted:
            self._release(keycode)
        pressed: list[int] = []
        locks = 0
        for modifier in bits(plan.add):
            key = self._map.modifier_key(modifier)
            if key is None:
                locks |= modifier
            elif key not in self._down:
                self._press(key)
                pressed.append(key)
        affected = locks | plan.clear & (state.locked | state.latched)
        group = None if plan.group is None else state.locked_group
        if affected or plan.group is not None:
            self._lock(affected, locks, self._locked_group(plan.group, state.group, group))
        self._undo = _Undo(tuple(lifted), tuple(pressed), affected, state.locked & affected, group)

    def _locked_group(self, wanted: int | None, now: int, locked: int | None) -> int | None:
        """Return what to lock so that a group is in effect: keys that are held may add to it."""
        if wanted is None or locked is None:
            return None
        return max(0, wanted - (now - locked))

    def _change_back(self) -> None:
        undo, self._undo, self._undo_with = self._undo, None, None
        if undo is None:
            return
        if undo.affected or undo.group is not None:
            self._lock(undo.affected, undo.locks, undo.group)
        for keycode in undo.release:
            self._release(keycode)
        for keycode in undo.press:
            self._press(keycode)

    def _lock(self, affected: int, locks: int, group: int | None) -> None:
        self._xkb.LatchLockState(
            CORE_KEYBOARD, affected, locks, group is not None, group or 0, affected, False, 0
        )

    def _release_all(self) -> None:
        self._release_keys()
        for button in self._buttons.values():
            self._fake(_BUTTON_RELEASE, button)
        self._buttons.clear()
        self._ignored = 0
        self._wheel_x = self._wheel_y = 0
        self._held.clear()

    def _release_keys(self) -> None:
        undo, self._undo, self._undo_with = self._undo, None, None
        for keycode in sorted(self._down, key=lambda one: bool(self._map.modifiers_of(one))):
            self._release(keycode)
        if undo is not None and (undo.affected or undo.group is not None):
            self._lock(undo.affected, undo.locks, undo.group)
        for held in self._held.values():
            held.keycode = None

    # --- the server -------------------------------------------------------------------------------

    def _press(self, keycode: int) -> None:
        if keycode in self._down:
            # Two keys there are one here.
            self._fake(_KEY_RELEASE, keycode)
        self._down.add(keycode)
        self._fake(_KEY_PRESS, keycode)

    def _release(self, keycode: int) -> None:
        if keycode in self._down:
            self._fake(_KEY_RELEASE, keycode)
            self._down.discard(keycode)

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        self._xtest.FakeInput(kind, detail, 0, self._root, x, y, 0)

    @contextlib.contextmanager
    def _nobody_else(self) -> Iterator[None]:
        """Let the server serve nobody else: no window may come between a look and a click."""
        self._core.GrabServer()
        try:
            yield
        finally:
            self._core.UngrabServer()

    def _read_map(self) -> None:
        self._map: KeyMap = read_key_map(self._xkb)
        self._spares.read(self._map)

    def _read_events(self) -> None:
        """Read the map again if somebody has changed it."""
        if self._map_changed():
            self._read_map()

    def _map_changed(self) -> bool:
        """Whether the server has told of a change since the last call."""
        changed = False
        while (event := self._connection.poll_for_event()) is not None:
            # All events of XKB have one number, and this is the first of them.
            changed |= isinstance(event, xcffib.xkb.NewKeyboardNotifyEvent)
        return changed


def _keycode_at(code: str) -> int | None:
    """Return the keycode of a place; None for a lock, and for a place that X does not know."""
    return KEYCODES.get(place_to_press(code))


def _notches(before: int, turned: int) -> tuple[int, int]:
    """Return what is left of a wheel's turning, and the whole notches that it made."""
    if before * turned < 0:
        # It was turned back.
        before = 0
    whole = int((before + turned) / _NOTCH)
    return before + turned - whole * _NOTCH, whole


@contextlib.contextmanager
def _control_errors() -> Iterator[None]:
    try:
        yield
    except xcffib.XcffibException as error:
        raise _unsupported(error) from None


def _unsupported(error: Exception) -> ControlError:
    return ControlError(Reason.CONTROL_UNSUPPORTED, type(error).__name__)
