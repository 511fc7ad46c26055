"""The named pipe of Windows by which other programs of the same person find the first one.

Its name is another one for each run, and stands with a secret word and the program's number in the
locked file, which only this user can read: it lies in their own folder. Others may see the pipe's
name, but Windows lets only its owner write to a pipe (the default security of CreateNamedPipe). A
request begins with the word.

multiprocessing.connection has the pipes; its pickles are not used. The pipe has never run on
Windows; the module is tried on a socket instead.
"""

import contextlib
import hmac
import json
import multiprocessing.connection
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from proxim.io.desktop.instance import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    TALK_SECONDS,
    Deliver,
    FirstEndedError,
    NoAnswerError,
)
from proxim.io.system.file_lock import is_locked

FAMILY: Final = "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"
_NAME_BYTES: Final = 16
_WORD_BYTES: Final = 32
# What the file holds is shorter.
_MAX_FILE_BYTES: Final = 4096
_RETRY_SECONDS: Final = 0.02


def pipe_name() -> str:
    """Return a new name that nobody can guess."""
    return rf"\\.\pipe\proxim-{os.urandom(_NAME_BYTES).hex()}"


class PipeServer:
    """Answers on a pipe of this user."""

    def __init__(self, descriptor: int, address: str | None = None) -> None:
        """Make the pipe, and write into the locked file how it is found. Raises OSError."""
        name = address or pipe_name()
        self._word = os.urandom(_WORD_BYTES).hex().encode()
        self._listener = multiprocessing.connection.Listener(name, FAMILY)
        found = {"pipe": name, "word": self._word.decode(), "program": os.getpid()}
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(found).encode())

    def serve(self, deliver: Deliver) -> None:
        """Pass each request to `deliver`, on a thread of its own, and say what that returns."""
        threading.Thread(
            target=self._serve, args=(deliver,), name="proxim-handover", daemon=True
        ).start()

    def _serve(self, deliver: Deliver) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                # `close` has ended it.
                return
            # Who leaves early hears nothing; EOFError is one of these.
            with contextlib.suppress(OSError, EOFError), connection:
                self._answer(connection, deliver)

    def _answer(self, connection: Any, deliver: Deliver) -> None:
        from proxim.core.handover import MAX_REQUEST_BYTES
        from proxim.io.desktop.requests import answer_to

        if not connection.poll(TALK_SECONDS):
            return
        word, _, line = connection.recv_bytes(len(self._word) + 1 + MAX_REQUEST_BYTES).partition(
            b"\n"
        )
        if hmac.compare_digest(word, self._word):
            connection.send_bytes(answer_to(line, deliver))

    def close(self) -> None:
        """Let nobody come any more."""
        self._listener.close()


def ask(lock_file: Path, request: bytes, most: int) -> bytes:
    """Say a line to the first program, and return its answer.

    Raises NoAnswerError, and FirstEndedError.
    """
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            connection, word = _connect(lock_file)
            break
        except (OSError, ValueError, KeyError) as error:
            # It has the lock, and writes and listens in a moment, or it is just ending.
            if not is_locked(lock_file):
                raise FirstEndedError from None
            if time.monotonic() >= deadline:
                raise NoAnswerError(type(error).__name__) from None
            time.sleep(_RETRY_SECONDS)
    try:
        with connection:
            connection.send_bytes(word + b"\n" + request)
            if not connection.poll(TALK_SECONDS + ANSWER_SECONDS):
                raise NoAnswerError("time is over")
            answer: bytes = connection.recv_bytes(most)
            return answer
    except (OSError, EOFError) as error:
        raise NoAnswerError(type(error).__name__) from None


def _connect(lock_file: Path) -> tuple[Any, bytes]:
    with open(lock_file, "rb") as file:
        found = json.loads(file.read(_MAX_FILE_BYTES))
    _allow_foreground(int(found["program"]))
    return multiprocessing.connection.Client(found["pipe"], FAMILY), found["word"].encode()


def _allow_foreground(program: int) -> None:
    """Let the first program bring its window to the front: the person has just started this one,
    so Windows would let only this one do so.
    """
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(program)
