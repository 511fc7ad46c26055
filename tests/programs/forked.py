"""Real programs that start in a process which has done their imports before.

Half of what a program costs between its start and its link is imports. The tests of what two linked
programs do start some 200 programs, so each worker has one process that has imported Proxim, and
each program is a fork of it: a process of its own with its own arguments, environment, streams and
signals, that ends as every Python does. Only Linux forks safely, so elsewhere `fork` is None.

What depends on the start itself must not be tested this way. tests/programs/test_start.py,
test_desktop.py, tests/app/test_main.py, the signals, the scripts and the poor networks in
test_pairing.py, and the terminals in test_screen.py start `python proxim.py`.
"""

import atexit
import contextlib
import dataclasses
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final, Protocol

from tests.namespaces import Inside
from tests.paths import ROOT

# A request is a command with its environment.
REQUEST_BYTES: Final = 150_000
ANSWER_BYTES: Final = 200
STREAMS: Final = 3
# These are imported where they are needed first, and most programs come there.
IMPORTED_LATE: Final = (
    "concurrent.futures.thread",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.serialization",
    "importlib.resources.readers",
    "platformdirs",
    "spake2",
    "uvloop",
)
# The window's modules need Tk, and `__main__` would start Proxim.
NOT_IMPORTED: Final = ("proxim.ui.window", "proxim.app.desktop", "proxim.__main__")


class Process(Protocol):
    """What tests use of a program: this much of subprocess.Popen, with pipes for all streams."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit status; raise subprocess.TimeoutExpired."""

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, if it has not ended."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL."""


if sys.platform == "linux":

    class Server:
        """The process that forks the programs of this process. It starts with the first of them."""

        def __init__(self) -> None:
            self._socket: socket.socket | None = None
            self._one_at_a_time = threading.Lock()

        def ask(self, streams: Sequence[int] = (), **request: object) -> int:
            """Send a request with these file descriptors, and return the number that it answers."""
            with self._one_at_a_time:
                if self._socket is None:
                    self._socket = self._start()
                data = json.dumps(request).encode()
                assert len(data) <= REQUEST_BYTES
                socket.send_fds(self._socket, [data], streams)
                return int(self._socket.recv(ANSWER_BYTES))

        @staticmethod
        def _start() -> socket.socket:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            # Its streams are of the kind that the programs get: pipes, written without a buffer.
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.programs.forked", str(theirs.fileno())],
                stdin=pipe,
                stdout=pipe,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
            )
            theirs.close()

            def end() -> None:
                ours.close()
                process.communicate()

            atexit.register(end)
            return ours

    SERVER: Final = Server()

    class ForkedProcess:
        """A forked program."""

        def __init__(
            self,
            command: Sequence[str],
            environment: Mapping[str, str],
            folder: str,
            inside: Inside | None = None,
        ) -> None:
            pipes = [os.pipe() for _ in range(STREAMS)]
            theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
            self.pid = SERVER.ask(
                theirs,
                command=list(command),
                environment=dict(environment),
                folder=folder,
                inside=None if inside is None else dataclasses.asdict(inside),
            )
            for end in theirs:
                os.close(end)
            # It exists until its status was asked for, so the number is still its own.
            self._pidfd: Final = os.pidfd_open(self.pid)
            # Who uses it closes them, as those of a Popen.
            self.stdin: IO[str] | None = os.fdopen(pipes[0][1], "w", encoding="utf-8")
            self.stdout: IO[str] | None = os.fdopen(pipes[1][0], encoding="utf-8")
            self.stderr: IO[str] | None = os.fdopen(pipes[2][0], encoding="utf-8")
            self._status: int | None = None
            # Several threads may wait for the end.
            self._one_asks = threading.Lock()

        def wait(self, timeout: float | None = None) -> int:
            with self._one_asks:
                if self._status is None:
                    patience = None if timeout is None else timeout * 1000
                    ended = select.poll()
                    ended.register(self._pidfd, select.POLLIN)
                    if not ended.poll(patience):
                        raise subprocess.TimeoutExpired(["proxim"], timeout or 0.0)
                    self._status = SERVER.ask(ended=self.pid)
                    os.close(self._pidfd)
                return self._status

        def poll(self) -> int | None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.wait(0)
            return None

        def send_signal(self, sig: int, /) -> None:
            if self.poll() is None:
                signal.pidfd_send_signal(self._pidfd, sig)

        def terminate(self) -> None:
            self.send_signal(signal.SIGTERM)

        def kill(self) -> None:
            self.send_signal(signal.SIGKILL)

    # --- the server -------------------------------------------------------------------------------

    def serve(requests: socket.socket) -> list[str]:
        """Fork a program for each request; return in each program with the command it shall run.

        The server itself ends when nobody can ask any more.
        """
        while True:
            data, streams, _, _ = socket.recv_fds(requests, REQUEST_BYTES, STREAMS)
            if not data:
                sys.exit()
            request: dict[str, Any] = json.loads(data)
            if "ended" in request:
                _, status = os.waitpid(request["ended"], 0)
                requests.send(str(os.waitstatus_to_exitcode(status)).encode())
                continue
            pid = os.fork()
            if pid == 0:
                requests.close()
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                    os.close(stream)
                os.environ.clear()
                os.environ.update(request["environment"])
                if request["inside"] is not None:
                    Inside(**request["inside"]).enter()
                os.chdir(request["folder"])
                command: list[str] = request["command"]
                return command
            for stream in streams:
                os.close(stream)
            requests.send(str(pid).encode())

    def run(command: Sequence[str]) -> None:
        """Do what Python does with this command line: `python FILE ..` or `python -m MODULE ..`."""
        _, *arguments = command
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")

    def main() -> None:
        """Import Proxim, and serve."""
        import proxim

        for module in pkgutil.walk_packages(proxim.__path__, "proxim."):
            if not module.name.startswith(NOT_IMPORTED):
                importlib.import_module(module.name)
        for name in IMPORTED_LATE:
            importlib.import_module(name)
        # Nobody collects what all share, so that its memory stays shared.
        gc.collect()
        gc.freeze()
        with socket.socket(fileno=int(sys.argv[1])) as requests:
            command = serve(requests)
        run(command)

    fork: Callable[..., Process] | None = ForkedProcess

    if __name__ == "__main__":
        main()

else:
    fork = None
