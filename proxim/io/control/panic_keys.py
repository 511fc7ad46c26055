"""The keys that end everything that this device shows, whatever window has the focus.

On X11 the display gives them to us alone (a passive grab), for as long as something is shown.
"""

import logging
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, Final, Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import status as screen_st
from proxim.core.screen.status import PanicChord
from proxim.io.control.x11_keys import KEYCODES
from proxim.io.system.desktop_session import Desktop, desktop_in_use

_log = logging.getLogger(__name__)

# Keys that somebody holds or has locked besides must not keep these from working: Shift, the locks
# and the other modifiers of X11.
_SHIFT, _LOCK, _CONTROL, _ALT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_OTHERS: Final = (1 << 4, 1 << 5, 1 << 6, 1 << 7)


class HeldKeys(Protocol):
    """The keys of one system, as long as they are ours."""

    chord: PanicChord

    def close(self) -> None:
        """Give the keys back."""


def _with_others(wanted: int, *others: int) -> Iterator[int]:
    """Yield the modifiers with each selection of the others."""
    for count in range(len(others) + 1):
        for some in combinations(others, count):
            yield wanted | sum(some)


class X11PanicKeys:
    """The keys on an X display. Raises OSError or an error of xcffib if it does not give them."""

    def __init__(self, loop: AbstractEventLoop, pressed: Callable[[], None]) -> None:
        import xcffib
        import xcffib.xproto

        self._loop = loop
        self._pressed = pressed
        self._refused = xcffib.Error
        self._error = xcffib.XcffibException
        self._key_press = xcffib.xproto.KeyPressEvent
        connection = self._connection = xcffib.connect()
        try:
            self.chord = self._grab()
        except BaseException:
            connection.disconnect()
            raise
        self._descriptor = connection.get_file_descriptor()
        loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Give the keys back."""
        self._loop.remove_reader(self._descriptor)
        self._connection.disconnect()

    def _grab(self) -> PanicChord:
        from xcffib.xproto import GrabMode

        core = self._connection.core
        root = self._connection.get_setup().roots[self._connection.pref_screen].root
        escape = KEYCODES["Escape"]
        wanted = _CONTROL | _ALT
        taken = set()
        requests = [
            (
                modifiers,
                core.GrabKeyChecked(False, root, modifiers, escape, GrabMode.Async, GrabMode.Async),
            )
            for modifiers in _with_others(wanted, _SHIFT, _LOCK, *_OTHERS)
        ]
        for modifiers, request in requests:
            try:
                request.check()
            except self._refused:
                # Another program has them.
                taken.add(modifiers)
        if wanted not in taken:
            return PanicChord.CTRL_ALT_ESCAPE
        if wanted | _SHIFT not in taken:
            return PanicChord.CTRL_ALT_SHIFT_ESCAPE
        raise OSError("another program uses the keys")

    def _read(self) -> None:
        try:
            while (event := self._connection.poll_for_event()) is not None:
                if isinstance(event, self._key_press):
                    self._pressed()
        except self._error as error:
            # The display has gone; the screen goes with it.
            _log.info("the panic keys are gone: %s", type(error).__name__)
            self._loop.remove_reader(self._descriptor)


def open_panic_keys(pressed: Callable[[], None]) -> HeldKeys | None:
    """Hold this system's keys; None if it gives us none. Called on the loop."""
    # XWayland sees only the keys of its own windows.
    if desktop_in_use() is not Desktop.X11:
        return None
    # What xcffib raises when there is no display has many types.
    try:
        return X11PanicKeys(get_running_loop(), pressed)
    except Exception as error:  # noqa: BLE001
        _log.info("no panic keys: %s", type(error).__name__)
        return None


class PanicExecutor:
    """Carries out the commands about the panic keys: they are held while any link needs them."""

    def __init__(
        self,
        report: Callable[[ev.FeatureEvent], None],
        publish: Callable[[st.Status], None],
        open_keys: Callable[[Callable[[], None]], HeldKeys | None] = open_panic_keys,
    ) -> None:
        self._report = report
        self._publish = publish
        self._open = open_keys
        self._links: set[ev.LinkID] = set()
        self._keys: HeldKeys | None = None
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            screen_do.WatchPanicKeys: self._watch,
            screen_do.ForgetPanicKeys: self._forget,
        }

    def stop(self) -> None:
        """Give the keys back, as the program ends."""
        self._links.clear()
        self._close()

    def _watch(self, command: screen_do.WatchPanicKeys) -> None:
        self._links.add(command.link)
        if self._keys is None:
            self._keys = self._open(self._pressed)
        chord = None if self._keys is None else self._keys.chord
        self._publish(screen_st.PanicKeys(chord))

    def _forget(self, command: screen_do.ForgetPanicKeys) -> None:
        self._links.discard(command.link)
        if not self._links:
            self._close()

    def _close(self) -> None:
        if self._keys is not None:
            self._keys.close()
            self._keys = None

    def _pressed(self) -> None:
        self._report(screen_ev.PanicKeysPressed())
