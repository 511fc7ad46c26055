"""Lets one thread wait for files, sockets, and a word from another thread."""

import contextlib
import select
import socket
from collections.abc import Sequence
from typing import Final

# More than the words that one wait can miss; all of them are read at once.
_MANY: Final = 4096


class Waking:
    """Waits until something can be read, or until another thread calls `wake`."""

    def __init__(self) -> None:
        # Windows waits for sockets only, and not for pipes.
        self._heard, self._said = socket.socketpair()
        self._heard.setblocking(False)
        self._said.setblocking(False)

    def wake(self) -> None:
        """End `wait`, or the next one, from any thread."""
        # A full buffer wakes as well, and a closed one has nobody to wake.
        with contextlib.suppress(OSError):
            self._said.send(b"!")

    def wait(self, seconds: float, readable: Sequence[int] = ()) -> tuple[bool, list[int]]:
        """Return whether it was woken, and which of these can be read; after `seconds` nothing."""
        heard = self._heard.fileno()
        ready, _, _ = select.select([heard, *readable], [], [], max(0.0, seconds))
        woken = heard in ready
        if woken:
            with contextlib.suppress(BlockingIOError):
                self._heard.recv(_MANY)
        return woken, [one for one in readable if one in ready]

    def close(self) -> None:
        """Wait no longer."""
        self._heard.close()
        self._said.close()
