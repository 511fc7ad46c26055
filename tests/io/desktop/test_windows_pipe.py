"""Tests of the way to the first program on Windows, over a socket instead of a named pipe."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxim.core.handover import Handed, HandoverAnswer, HandoverRequest, read_answer, write_request
from proxim.io.desktop import windows_pipe
from proxim.io.desktop.instance import FirstEndedError, NoAnswerError
from proxim.io.desktop.windows_pipe import PipeServer, ask, pipe_name
from proxim.io.system.file_lock import lock

RAISED = HandoverAnswer(Handed.RAISED)
LINE = write_request(HandoverRequest())


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "window.lock"


@pytest.fixture
def server(lock_file: Path, tmp_path: Path) -> Iterator[PipeServer]:
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    # What a program before has left is longer.
    os.write(descriptor, b"x" * 1000)
    assert lock(descriptor)
    address = None if sys.platform == "win32" else str(tmp_path / "pipe")
    pipe = PipeServer(descriptor, address)
    yield pipe
    pipe.close()
    os.close(descriptor)


def test_a_request_is_answered(server: PipeServer, lock_file: Path) -> None:
    heard: list[HandoverRequest] = []

    def deliver(request: HandoverRequest) -> HandoverAnswer:
        heard.append(request)
        return RAISED

    server.serve(deliver)
    for _ in range(2):
        assert read_answer(ask(lock_file, LINE, 4096)) == RAISED
    assert heard == [HandoverRequest(), HandoverRequest()]


def test_who_does_not_know_the_word_is_not_heard(server: PipeServer, lock_file: Path) -> None:
    heard: list[HandoverRequest] = []

    def deliver(request: HandoverRequest) -> HandoverAnswer:
        heard.append(request)
        return RAISED

    server.serve(deliver)
    right = lock_file.read_bytes()
    found = json.loads(right)
    assert found["program"] == os.getpid()
    lock_file.write_text(json.dumps(found | {"word": "0" * 64}), encoding="utf-8")
    with pytest.raises(NoAnswerError, match=r"EOFError|Connection"):
        ask(lock_file, LINE, 4096)
    lock_file.write_bytes(right)
    assert read_answer(ask(lock_file, LINE, 4096)) == RAISED
    assert heard == [HandoverRequest()]


def test_a_program_that_hangs_is_given_up(
    server: PipeServer, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_pipe, "TALK_SECONDS", 0.05)
    monkeypatch.setattr(windows_pipe, "ANSWER_SECONDS", 0.05)
    with pytest.raises(NoAnswerError, match="time is over"):
        ask(lock_file, LINE, 4096)


def test_a_program_that_has_written_nothing_is_given_up(
    server: PipeServer, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_pipe, "CONNECT_SECONDS", 0.05)
    lock_file.write_bytes(b"")
    with pytest.raises(NoAnswerError, match="JSONDecodeError"):
        ask(lock_file, LINE, 4096)


def test_a_program_that_has_ended_makes_room(lock_file: Path) -> None:
    lock_file.touch()
    with pytest.raises(FirstEndedError):
        ask(lock_file, LINE, 4096)


def test_each_run_has_another_name() -> None:
    names = {pipe_name() for _ in range(10)}
    assert len(names) == 10
    assert all(name.startswith("\\\\.\\pipe\\proxim-") for name in names)
