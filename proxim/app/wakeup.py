"""Wakes Tk's event loop from other threads, so that it sleeps until something happens.

Nearly nothing of Tk may be called from another thread: tkinter hands each such call to the main
thread and waits for it, also while a dialog of the system is open. One socket of a pair is
different. Any thread may write a byte to it, and Tk watches the other end as it watches its
connection to the display, also in nested event loops (`vwait`, dialogs, grabs).
"""

import contextlib
import os
import socket
import sys
import tkinter
from collections.abc import Callable
from typing import Final, Protocol

# More than the bytes that wait: the bridge sends one for each look at its queue, and a signal one.
_MOST_BYTES: Final = 4096
# How long the connection of a program to itself may take. It needs less than a millisecond.
_CONNECT_SECONDS: Final = 5.0


class WakeUp(Protocol):
    """Lets any thread call a function on the main thread, by Tk's event loop."""

    def send(self) -> None:
        """Wake the main thread. Any thread and any signal handler may call this; it never waits."""

    def fileno(self) -> int:
        """Return the descriptor to which signal.set_wakeup_fd may write."""

    def close(self) -> None:
        """Stop watching; call this on the main thread."""


def watch(root: tkinter.Tk, woken: Callable[[], None]) -> WakeUp:
    """Return what wakes `root`'s event loop, which then calls `woken` on the main thread.

    Several wake-ups that come at once may lead to one call. `woken` must not raise an error.
    """
    if sys.platform == "win32":
        return TclConnection(root, woken)
    return WatchedPair(root, woken)


class _Sender:
    """The end of a connection to which bytes are written."""

    def __init__(self, writer: socket.socket) -> None:
        writer.setblocking(False)
        self._writer = writer

    def send(self) -> None:
        """Write a byte."""
        # A full buffer means that Tk will be woken anyway. A closed socket means that the window
        # has gone, which another thread may notice late.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def fileno(self) -> int:
        """Return the writing end's descriptor."""
        return self._writer.fileno()


class WatchedPair(_Sender):
    """A socket pair whose end is watched by Tk's file handler. Windows' Tk has no file handlers."""

    def __init__(self, root: tkinter.Tk, woken: Callable[[], None]) -> None:
        self._reader, writer = socket.socketpair()
        super().__init__(writer)
        self._reader.setblocking(False)
        self._root = root
        self._woken = woken
        # The type checker needs the condition, because Windows' tkinter lacks these methods.
        if sys.platform != "win32":
            root.tk.createfilehandler(self._reader, tkinter.READABLE, self._readable)

    def _readable(self, _file: object, _mask: int) -> None:
        # Reading comes first: what is sent from now on makes another call.
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(_MOST_BYTES)
        self._woken()

    def close(self) -> None:
        """Stop watching."""
        if sys.platform != "win32":
            self._root.tk.deletefilehandler(self._reader)
        self._reader.close()
        self._writer.close()


class TclConnection(_Sender):
    """A loopback connection, as asyncio uses on Windows, whose end belongs to Tcl.

    On Windows Tcl watches only sockets that it opened itself (`socket`, `fileevent`). A thread of
    Tcl's waits for them and posts a message to Tcl's hidden window. Message boxes, the system's
    file dialogs, menus, and the moving of a window have message loops of their own, which deliver
    it as well. What else there is does not suit: `event_generate` waits for the main thread, a
    message of our own posted to a window has no binding in Tk, and polling is late or never rests.
    """

    def __init__(self, root: tkinter.Tk, woken: Callable[[], None]) -> None:
        self._tk = root.tk
        self._woken = woken
        # Whoever else connects to our port does not know this.
        word = os.urandom(16).hex().encode()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(_CONNECT_SECONDS)
            self._channel = str(self._tk.call("socket", "127.0.0.1", listener.getsockname()[1]))
            self._tk.call(
                *("fconfigure", self._channel, "-blocking", False),
                *("-buffering", "none", "-translation", "binary"),
            )
            self._tk.call("puts", "-nonewline", self._channel, word.decode())
            writer = _accept(listener, word)
        writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        super().__init__(writer)
        self._command = root.register(self._readable)
        self._tk.call("fileevent", self._channel, "readable", self._command)

    def _readable(self) -> None:
        self._tk.call("read", self._channel)
        if self._tk.getboolean(self._tk.call("eof", self._channel)):
            # An end of a connection stays readable for ever.
            self._tk.call("fileevent", self._channel, "readable", "")
        self._woken()

    def close(self) -> None:
        """Stop watching."""
        # The channel goes with the interpreter, which may be gone.
        with contextlib.suppress(tkinter.TclError):
            self._tk.call("close", self._channel)
        self._writer.close()


def _accept(listener: socket.socket, word: bytes) -> socket.socket:
    """Return the connection that sends `word`; others are closed."""
    while True:
        connection, _ = listener.accept()
        connection.settimeout(_CONNECT_SECONDS)
        with contextlib.suppress(OSError):
            came = connection.recv(len(word), socket.MSG_WAITALL)
            if came == word:
                return connection
        connection.close()
