"""Makes one window of each configuration folder and display the first: other programs of the same
person find it, and hand their wishes to it (core/handover.py).

A locked file says who is first, so that nothing stale is left when a program crashes. Beside it is
a socket of this user only, on Windows a named pipe: it lies in a folder that nobody else can enter,
and each side asks the system who is at the other end.

This module is loaded before the window is shown, so it imports little.
"""

import contextlib
import errno
import os
import socket
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from proxim.io.system.file_lock import is_locked, lock

if TYPE_CHECKING:
    from proxim.core.handover import HandoverAnswer, HandoverRequest

# Seconds that one side waits for the other's line.
TALK_SECONDS: Final = 5.0
# Seconds that the running program's window may take to answer. People wait for it.
ANSWER_SECONDS: Final = 5.0
# Seconds until a program that is starting, or busy with others, takes a connection.
CONNECT_SECONDS: Final = 5.0
# Between two tries to connect.
_RETRY_SECONDS: Final = 0.02
# Connections that wait until the window is painted, or while another one is answered.
_BACKLOG: Final = 16
_CHUNK: Final = 64 * 1024
# What an address of a socket can hold, with the zero at the end (sun_path; macOS has 104).
_ADDRESS_BYTES: Final = 100
# LOCAL_PEERCRED of macOS (sys/un.h); its answer begins with a version and the user's number.
_SOL_LOCAL: Final = 0
_LOCAL_PEERCRED: Final = 1
_XUCRED_BYTES: Final = 76


class NoAnswerError(Exception):
    """The running program did not answer in time. The text is for developers."""


class FirstEndedError(Exception):
    """The program that was the first has ended meanwhile."""


Deliver = Callable[["HandoverRequest"], "HandoverAnswer"]


class Server(Protocol):
    """Answers the programs that come later."""

    def serve(self, deliver: Deliver) -> None:
        """Pass each request to `deliver`, on a thread of its own, and say what that returns."""

    def close(self) -> None:
        """Let nobody come any more."""


class Claim:
    """What the first program holds, for as long as it runs."""

    def __init__(self, descriptor: int | None, server: Server | None) -> None:
        self._descriptor = descriptor
        self._server = server

    def serve(self, deliver: Deliver) -> None:
        """Answer the programs that come later. They wait until then."""
        if self._server is not None:
            self._server.serve(deliver)

    def close(self) -> None:
        """Let the next program be the first."""
        if self._server is not None:
            self._server.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Place:
    """Where the programs of one configuration folder and display meet."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.lock_file = folder / f"{name}.lock"
        self.socket_file = folder / f"{name}.sock"

    def claim(self) -> Claim | None:
        """Become the first; return None if another program is.

        Where that cannot be found out, each program is the first and is alone.
        """
        descriptor = self._open()
        if descriptor is None:
            return Claim(None, None)
        if not lock(descriptor):
            os.close(descriptor)
            return None
        try:
            server = self._listen(descriptor)
        except OSError:
            # Such as a folder on a disk that holds no sockets.
            server = None
        return Claim(descriptor, server)

    def ask(self, request: bytes, most: int) -> bytes:
        """Say a line to the first program, and return its answer, of at most so many bytes.

        Raises NoAnswerError, and FirstEndedError.
        """
        if sys.platform == "win32":
            from proxim.io.desktop.windows_pipe import ask

            return ask(self.lock_file, request, most)
        else:  # noqa: RET505 - mypy reads a branch for another system, but not what follows it
            return self._ask_socket(request, most)

    def _open(self) -> int | None:
        try:
            # The settings' folder may not be there yet.
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32" and not _is_private(self.folder):
                return None
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            return os.open(self.lock_file, flags | getattr(os, "O_BINARY", 0), 0o600)
        except OSError:
            return None

    def _listen(self, descriptor: int) -> Server:
        if sys.platform == "win32":
            from proxim.io.desktop.windows_pipe import PipeServer

            return PipeServer(descriptor)
        else:  # noqa: RET505 - see above
            with _short(self.socket_file) as address:
                # Whoever had the lock before has left it.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(address)
                listener = socket.socket(socket.AF_UNIX)
                try:
                    listener.bind(address)
                    os.chmod(address, 0o600)
                    listener.listen(_BACKLOG)
                except OSError:
                    listener.close()
                    raise
            return SocketServer(listener, self.socket_file)

    def _ask_socket(self, request: bytes, most: int) -> bytes:
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                connection = self._connect()
                break
            except OSError as error:
                # It has the lock, and listens in a moment, or it is just ending.
                if not is_locked(self.lock_file):
                    raise FirstEndedError from None
                if time.monotonic() >= deadline:
                    raise NoAnswerError(type(error).__name__) from None
                time.sleep(_RETRY_SECONDS)
        try:
            with connection:
                if not is_same_user(connection):
                    raise NoAnswerError("another user's program")
                connection.settimeout(TALK_SECONDS + ANSWER_SECONDS)
                connection.sendall(request)
                return read_line(connection, most, TALK_SECONDS + ANSWER_SECONDS)
        except OSError as error:
            raise NoAnswerError(type(error).__name__) from None

    def _connect(self) -> socket.socket:
        if sys.platform == "win32":
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_SECONDS)
        try:
            with _short(self.socket_file) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection


class SocketServer:
    """Answers on a socket of this user."""

    def __init__(self, listener: socket.socket, path: Path) -> None:
        self._listener = listener
        self._path = path

    def serve(self, deliver: Deliver) -> None:
        """Pass each request to `deliver`, on a thread of its own, and say what that returns."""
        # It is imported late, as this module is loaded before the window is shown.
        import threading

        threading.Thread(
            target=self._serve, args=(deliver,), name="proxim-handover", daemon=True
        ).start()

    def _serve(self, deliver: Deliver) -> None:
        from proxim.core.handover import MAX_REQUEST_BYTES
        from proxim.io.desktop.requests import answer_to

        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                # `close` has ended it.
                return
            # Who leaves early hears nothing.
            with contextlib.suppress(OSError), connection:
                if not is_same_user(connection):
                    continue
                connection.settimeout(TALK_SECONDS)
                line = read_line(connection, MAX_REQUEST_BYTES, TALK_SECONDS)
                connection.sendall(answer_to(line, deliver))

    def close(self) -> None:
        """Let nobody come any more."""
        with contextlib.suppress(OSError), _short(self._path) as address:
            os.unlink(address)
        # `accept` on another thread goes on after `close` alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def place_of(environment: Mapping[str, str], platform: str = sys.platform) -> Place | None:
    """Return where the programs of this configuration folder and display meet.

    None if this user has no folder, or if no window can be shown.
    """
    config = _config_folder(environment, platform)
    if config is None:
        return None
    if platform in ("win32", "darwin"):
        display = _windows_session()
    else:
        # Tk's windows are of X11 on a Wayland desktop, too. The number of the screen, after the
        # point, is no other display.
        host, colon, number = environment.get("DISPLAY", "").rpartition(":")
        if not number:
            return None
        display = f"{host}{colon}{number.partition('.')[0]}"
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if platform != "win32" and os.path.isabs(runtime) and os.path.isdir(runtime):
        folder = Path(runtime) / "proxim"
    else:
        folder = config / "run"
    # It tells folders and displays apart, and need not withstand anybody: all are of one user.
    what = f"{os.path.realpath(config)}\n{display}".encode(errors="surrogateescape")
    return Place(folder, f"window-{zlib.crc32(what):08x}{zlib.adler32(what):08x}")


def _config_folder(environment: Mapping[str, str], platform: str) -> Path | None:
    """Return the folder for settings, where this system has it by default.

    io/system/user_folders.py knows more ways to name it, but takes 10 ms that each start would
    wait for. Here it matters only that programs of one folder find the same, and others do not.
    """
    # Without a home, what follows it is relative.
    home = environment.get("HOME") or "~"
    if platform == "win32":
        found = environment.get("LOCALAPPDATA", "")
    elif platform == "darwin":
        found = f"{home}/Library/Application Support"
    else:
        found = environment.get("XDG_CONFIG_HOME", "").strip() or f"{home}/.config"
    return Path(found) / "proxim" if os.path.isabs(found) else None


def read_line(connection: socket.socket, most: int, seconds: float) -> bytes:
    """Return a line with its end, of at most so many bytes. Raises OSError, after `seconds`, too.

    What is longer is returned cut, without its end.
    """
    deadline = time.monotonic() + seconds
    line = bytearray()
    while not line.endswith(b"\n") and len(line) <= most:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(_CHUNK)
        if not part:
            break
        line += part
    return bytes(line[: most + 1])


def is_same_user(connection: socket.socket) -> bool:
    """Whether the program at the other end runs as this user; the system says so."""
    if sys.platform == "win32":
        return False
    if sys.platform == "linux":
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        user = int.from_bytes(told[4:8], sys.byteorder)
    else:
        told = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        user = int.from_bytes(told[4:8], sys.byteorder)
    return user == os.geteuid()


def _is_private(folder: Path) -> bool:
    """Whether this is a folder of ours that nobody else can enter; make it one if it is ours."""
    if sys.platform == "win32":
        return True
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(folder, 0o700)
    return True


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a path that fits into an address of a socket. Raises OSError if there is none."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield str(path)
    elif sys.platform == "linux":
        # An open folder has a short name there.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{path.name}"
        finally:
            os.close(folder)
    else:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def _windows_session() -> str:
    """Return which of this user's sessions on Windows this program runs in; each has a desktop."""
    if sys.platform != "win32":
        return ""
    import ctypes

    session = ctypes.c_uint32()
    ctypes.windll.kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(session))
    return str(session.value)
