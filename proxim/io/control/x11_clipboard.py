"""The clipboard of an X11 server (its selection CLIPBOARD), read only, as texts."""

import contextlib
import hashlib
import select
import time
from collections.abc import Iterator
from typing import Any, Final

import xcffib
import xcffib.xfixes
import xcffib.xproto

from proxim.core.errors import Reason
from proxim.core.screen.messages import MAX_COPIED_BYTES
from proxim.io.control.injector import ControlError

# The version that tells of a selection's new owner.
_XFIXES: Final = (1, 0)
# The program that owns the selection has to answer, and may hang.
_OWNER_SECONDS: Final = 2.0
# What is longer in these is too long as text, too.
_MOST_WORDS: Final = MAX_COPIED_BYTES // 4 + 1


class X11Clipboard:
    """Watches one X display's clipboard from now on. Raises ControlError where it cannot."""

    def __init__(self, display: str) -> None:
        try:
            self._connection = xcffib.Connection(display=display)
        except xcffib.ConnectionException as error:
            raise ControlError(Reason.CLIPBOARD_UNSUPPORTED, type(error).__name__) from None
        try:
            self._open()
        except xcffib.XcffibException as error:
            self._connection.disconnect()
            raise ControlError(Reason.CLIPBOARD_UNSUPPORTED, type(error).__name__) from None

    def _open(self) -> None:
        core = self._core = self._connection.core
        root = self._connection.get_setup().roots[self._connection.pref_screen].root
        self._fixes = self._connection(xcffib.xfixes.key)
        self._fixes.QueryVersion(*_XFIXES).reply()
        self._clipboard = self._atom("CLIPBOARD")
        self._utf8 = self._atom("UTF8_STRING")
        self._incremental = self._atom("INCR")
        self._place = self._atom("PROXIM_COPIED")
        self._window = self._connection.generate_id()
        # Depth, visual and class of the parent; it is never shown.
        core.CreateWindow(0, self._window, root, 0, 0, 1, 1, 0, 0, 0, 0, [])
        mask = xcffib.xfixes.SelectionEventMask.SetSelectionOwner
        self._fixes.SelectSelectionInput(self._window, self._clipboard, mask)
        self._changed = False
        # Programs that look after the clipboard offer what is there once more when its owner goes.
        self._before = self._read_digest()

    def copied_text(self) -> str:
        """Return the text that was copied meanwhile, as Clipboard says."""
        try:
            self._read_events()
            if not self._changed:
                raise ControlError(Reason.NOTHING_COPIED)
            text = self._convert()
        except xcffib.XcffibException as error:
            raise ControlError(Reason.CLIPBOARD_UNSUPPORTED, type(error).__name__) from None
        if _digest(text) == self._before:
            raise ControlError(Reason.NOTHING_COPIED)
        return text

    def close(self) -> None:
        """Watch no longer."""
        self._connection.disconnect()

    def _read_digest(self) -> bytes | None:
        """Return what tells the present text from others, and nothing else about it."""
        with contextlib.suppress(ControlError):
            return _digest(self._convert())
        return None

    def _convert(self) -> str:
        """Ask the owner for the text."""
        for kind in (self._utf8, xcffib.xproto.Atom.STRING):
            self._core.DeleteProperty(self._window, self._place)
            current = xcffib.xproto.Time.CurrentTime
            self._core.ConvertSelection(self._window, self._clipboard, kind, self._place, current)
            if self._answered(kind):
                return self._read_property()
        raise ControlError(Reason.NOTHING_COPIED)

    def _answered(self, kind: int) -> bool:
        """Wait for the owner; return whether it has the text as this kind."""
        for event in self._events(time.monotonic() + _OWNER_SECONDS):
            if isinstance(event, xcffib.xproto.SelectionNotifyEvent) and event.target == kind:
                return bool(event.property)
        raise ControlError(Reason.NOTHING_COPIED)

    def _read_property(self) -> str:
        any_kind = xcffib.xproto.GetPropertyType.Any
        answer = self._core.GetProperty(
            True, self._window, self._place, any_kind, 0, _MOST_WORDS
        ).reply()
        data = bytes(answer.value.raw)
        if answer.type == self._incremental or len(data) > MAX_COPIED_BYTES or answer.bytes_after:
            raise ControlError(Reason.COPIED_TOO_LONG)
        if answer.type == xcffib.xproto.Atom.STRING:
            return data.decode("latin-1")
        return data.decode(errors="replace")

    def _read_events(self) -> None:
        for _ in self._events(0.0):
            pass

    def _events(self, until: float) -> Iterator[Any]:
        """Yield what the server tells until then, and notice the clipboard's new owners."""
        self._connection.flush()
        while True:
            event = self._connection.poll_for_event()
            if event is None:
                left = until - time.monotonic()
                if left <= 0:
                    return
                select.select([self._connection.get_file_descriptor()], [], [], left)
                continue
            if isinstance(event, xcffib.xfixes.SelectionNotifyEvent):
                # A selection without an owner is empty.
                self._changed = bool(event.owner)
            yield event

    def _atom(self, name: str) -> int:
        return int(self._core.InternAtom(False, len(name), name).reply().atom)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
