"""Whose windows of an X11 display get what the mouse and the keyboard do."""

import os
from typing import Any, Final

import xcffib
import xcffib.res
import xcffib.xproto

# The version of X-Resource that knows processes.
_RES: Final = (1, 2)
# A window manager puts a window into a frame of its own, KDE's into one more.
_FRAMES: Final = 2
# No window has the focus, or the one under the pointer (X11 protocol, GetInputFocus).
_NO_FOCUS: Final = 0
_POINTER_FOCUS: Final = 1


class OwnWindows:
    """Finds out whether windows belong to this process."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._core = connection.core
        self._root = connection.get_setup().roots[connection.pref_screen].root
        self._res = self._open_res()
        name = "_NET_WM_PID"
        self._net_wm_pid = self._core.InternAtom(False, len(name), name).reply().atom
        # The server may number processes in another way than they do themselves (containers).
        own = connection.generate_id()
        self._process = next(iter(self._processes([own])), os.getpid())

    def _open_res(self) -> Any:
        try:
            res = self._connection(xcffib.res.key)
        except xcffib.ExtensionNotFoundException:
            return None
        version = res.QueryVersion(*_RES).reply()
        return res if (version.server_major, version.server_minor) >= _RES else None

    def at(self, x: int, y: int) -> bool:
        """Whether a click at this place of the desktop would meet a window of ours or its frame."""
        try:
            path = self._path(x, y)
            return bool(path) and self._are_ours([*path, *self._framed(path[0], _FRAMES)])
        except xcffib.Error:
            # A window was closed meanwhile, and nobody knows what is there now.
            return True

    def focused(self) -> bool:
        """Whether a window of ours would get a key."""
        focus = self._core.GetInputFocus().reply().focus
        if focus == _NO_FOCUS:
            return False
        if focus == _POINTER_FOCUS:
            pointer = self._core.QueryPointer(self._root).reply()
            return self.at(pointer.root_x, pointer.root_y)
        try:
            return self._are_ours([focus])
        except xcffib.Error:
            return True

    def _path(self, x: int, y: int) -> list[int]:
        """Return the windows at a place, from the root's child to the innermost."""
        path: list[int] = []
        window = self._root
        while child := self._core.TranslateCoordinates(self._root, window, x, y).reply().child:
            path.append(child)
            window = child
        return path

    def _framed(self, frame: int, depth: int) -> list[int]:
        children = list(self._core.QueryTree(frame).reply().children)
        deeper = [self._framed(child, depth - 1) for child in children] if depth > 1 else []
        return [*children, *(window for found in deeper for window in found)]

    def _are_ours(self, windows: list[int]) -> bool:
        if self._res is not None:
            return self._process in self._processes(windows)
        return any(self._says_ours(window) for window in windows)

    def _processes(self, windows: list[int]) -> set[int]:
        """Return the processes that these windows belong to."""
        if self._res is None:
            return set()
        mask = xcffib.res.ClientIdMask.LocalClientPID
        specs = [xcffib.res.ClientIdSpec.synthetic(window, mask) for window in windows]
        answer = self._res.QueryClientIds(len(specs), specs).reply()
        return {one.value[0] for one in answer.ids if one.length}

    def _says_ours(self, window: int) -> bool:
        kind = xcffib.xproto.Atom.CARDINAL
        answer = self._core.GetProperty(False, window, self._net_wm_pid, kind, 0, 1).reply()
        return bool(answer.value_len == 1 and answer.value.to_atoms()[0] == os.getpid())
