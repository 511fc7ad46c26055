"""Answers the requests of other programs of the same person, with what the window's thread says."""

import os
import threading
from collections.abc import Callable

from proxim.core.handover import (
    Handed,
    HandoverAnswer,
    HandoverError,
    HandoverRequest,
    read_request,
    write_answer,
)
from proxim.io.desktop.instance import ANSWER_SECONDS, Deliver

_BUSY = HandoverAnswer(Handed.BUSY)


def answer_to(line: bytes, deliver: Deliver) -> bytes:
    """Return the answer to what another program said."""
    try:
        request = read_request(line)
    except HandoverError:
        return write_answer(HandoverAnswer(Handed.NOT_UNDERSTOOD))
    return write_answer(_wrong_path(request.paths) or deliver(request))


def _wrong_path(paths: tuple[str, ...]) -> HandoverAnswer | None:
    for number, path in enumerate(paths, 1):
        if not os.path.exists(path):
            return HandoverAnswer(Handed.PATH_GONE, number=number)
        if not os.access(path, os.R_OK):
            return HandoverAnswer(Handed.PATH_UNREADABLE, number=number)
    return None


class HandedOver:
    """A request on its way to the window's thread, and the answer on its way back."""

    def __init__(self, request: HandoverRequest) -> None:
        self._request = request
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answer: HandoverAnswer | None = None
        self._given_up = False

    def answer(self, decide: Callable[[HandoverRequest], HandoverAnswer]) -> None:
        """Carry the request out, on the window's thread, unless nobody waits for it any more."""
        with self._lock:
            if self._given_up:
                return
            self._answer = _BUSY
        try:
            self._answer = decide(self._request)
        finally:
            self._answered.set()

    def wait(self, seconds: float = ANSWER_SECONDS) -> HandoverAnswer:
        """Return the answer; BUSY if there is none in time, and then nothing is done either."""
        if not self._answered.wait(seconds):
            with self._lock:
                self._given_up = self._answer is None
        # The window's thread has begun it at the last moment.
        if not self._given_up:
            self._answered.wait(seconds)
        return self._answer or _BUSY
