"""Tests of the first window of a configuration folder and display: who is first, who is heard."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxim.core.handover import (
    MAX_ANSWER_BYTES,
    Handed,
    HandoverAnswer,
    HandoverRequest,
    read_answer,
    write_request,
)
from proxim.io.desktop import instance
from proxim.io.desktop.instance import (
    Claim,
    FirstEndedError,
    NoAnswerError,
    Place,
    is_same_user,
    place_of,
    read_line,
)
from proxim.io.desktop.requests import HandedOver
from proxim.io.system.user_folders import config_folder
from tests.paths import ROOT
from tests.rows import each_row

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets of Linux and macOS")

PATIENCE = 30.0
RAISED = HandoverAnswer(Handed.RAISED)


@pytest.fixture(params=["short", "long" * 40])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path / request.param / "run", "window-1")


@pytest.fixture
def first(place: Place) -> Iterator[Claim]:
    claim = place.claim()
    assert claim is not None
    yield claim
    claim.close()


def ask(place: Place, request: HandoverRequest = HandoverRequest()) -> HandoverAnswer:  # noqa: B008
    return read_answer(place.ask(write_request(request), MAX_ANSWER_BYTES))


# --- where they meet ------------------------------------------------------------------------------


def test_each_folder_and_display_has_its_own_place(tmp_path: Path) -> None:
    def name(config: str, **environment: str) -> str:
        place = place_of({"XDG_CONFIG_HOME": str(tmp_path / config)} | environment, "linux")
        assert place is not None
        return place.lock_file.name

    assert name("a", DISPLAY=":0") == name("a", DISPLAY=":0.1", WAYLAND_DISPLAY="wayland-0")
    others = {
        name("a", DISPLAY=":0"),
        name("a", DISPLAY=":1"),
        name("b", DISPLAY=":0"),
        name("a", DISPLAY="host:0"),
    }
    assert len(others) == 4


@each_row(
    "environment", [{}, {"WAYLAND_DISPLAY": "wayland-0"}, {"DISPLAY": ""}, {"DISPLAY": "nonsense:"}]
)
def test_without_a_display_there_is_no_window(environment: dict[str, str]) -> None:
    assert place_of({"HOME": "/home/anna"} | environment, "linux") is None


@each_row("platform", ["linux", "darwin", "win32"])
def test_without_a_home_there_is_no_place(platform: str) -> None:
    assert place_of({"DISPLAY": ":0"}, platform) is None
    assert place_of({"DISPLAY": ":0", "HOME": "relative"}, platform) is None


def test_the_place_is_in_the_folder_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    place = place_of(os.environ | {"DISPLAY": ":0"})
    assert place is not None
    assert place.folder.parent == config_folder()


def test_the_socket_is_in_the_session_s_folder_if_there_is_one(tmp_path: Path) -> None:
    config = tmp_path / "proxim"
    session = {
        "DISPLAY": ":0",
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "session"),
    }
    (tmp_path / "session").mkdir()
    for environment, folder in (
        (session, tmp_path / "session" / "proxim"),
        (session | {"XDG_RUNTIME_DIR": str(tmp_path / "gone")}, config / "run"),
        (session | {"XDG_RUNTIME_DIR": "relative"}, config / "run"),
    ):
        place = place_of(environment, "linux")
        assert place is not None
        assert place.folder == folder
    on_mac = place_of({"HOME": str(tmp_path)}, "darwin")
    assert on_mac is not None
    assert on_mac.folder == tmp_path / "Library/Application Support/proxim/run"


# --- who is first ---------------------------------------------------------------------------------


def test_only_one_is_first_and_then_the_next(place: Place, first: Claim) -> None:
    assert place.claim() is None
    first.close()
    second = place.claim()
    assert second is not None
    second.close()


def test_nobody_else_can_enter(place: Place, first: Claim) -> None:
    for path, mode in (
        (place.folder.parent, 0o700),
        (place.folder, 0o700),
        (place.lock_file, 0o600),
        (place.socket_file, 0o600),
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path


def test_a_folder_that_others_could_enter_is_closed(place: Place) -> None:
    place.folder.mkdir(parents=True)
    place.folder.chmod(0o777)
    claim = place.claim()
    assert claim is not None
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    claim.close()


@pytest.mark.parametrize("what", ["link", "file", "unwritable"])
def test_in_a_folder_that_is_not_ours_each_is_alone(
    place: Place, what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.folder.parent.mkdir(parents=True)
    if what == "link":
        (tmp_path / "elsewhere").mkdir()
        place.folder.symlink_to(tmp_path / "elsewhere")
    elif what == "file":
        place.folder.touch()
    else:
        # Root may write everywhere, so this is somebody else's folder instead.
        place.folder.mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: -1)
    claims = [place.claim(), place.claim()]
    for claim in claims:
        assert claim is not None
        claim.serve(lambda request: RAISED)
        claim.close()
    assert not place.socket_file.exists()


def test_what_a_crash_left_is_taken_over(place: Place) -> None:
    crashing = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from proxim.io.desktop.instance import Place\n"
        "claim = Place(Path(sys.argv[1]), 'window-1').claim()\n"
        "os._exit(0 if claim else 1)\n"
    )
    subprocess.run(
        [sys.executable, "-c", crashing, str(place.folder)], cwd=ROOT, check=True, timeout=PATIENCE
    )
    assert place.socket_file.exists()
    claim = place.claim()
    assert claim is not None
    claim.serve(lambda request: RAISED)
    assert ask(place) == RAISED
    claim.close()
    assert not place.socket_file.exists()


# --- who is heard ---------------------------------------------------------------------------------


def test_what_comes_before_the_window_is_ready_waits(place: Place, first: Claim) -> None:
    answers: list[HandoverAnswer] = []
    asking = threading.Thread(target=lambda: answers.append(ask(place)))
    asking.start()
    first.serve(lambda request: RAISED)
    asking.join(PATIENCE)
    assert answers == [RAISED]


def test_files_and_name_arrive(place: Place, first: Claim, tmp_path: Path) -> None:
    odd = tmp_path / "a b\n%ü'\""
    odd.touch()
    request = HandoverRequest((str(odd),), "Büro")
    heard: list[HandoverRequest] = []

    def deliver(request: HandoverRequest) -> HandoverAnswer:
        heard.append(request)
        return HandoverAnswer(Handed.SENDING, "Büro")

    first.serve(deliver)
    assert ask(place, request) == HandoverAnswer(Handed.SENDING, "Büro")
    assert heard == [request]


def test_a_file_that_is_gone_or_forbidden_is_named_by_its_number(
    place: Place, first: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, secret = tmp_path / "there", tmp_path / "secret"
    there.touch()
    secret.touch()
    may = os.access
    # Root may read everything.
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(secret) and may(path, mode))
    first.serve(lambda request: RAISED)
    gone = HandoverRequest((str(there), str(tmp_path / "gone")))
    assert ask(place, gone) == HandoverAnswer(Handed.PATH_GONE, number=2)
    forbidden = HandoverRequest((str(secret),))
    assert ask(place, forbidden) == HandoverAnswer(Handed.PATH_UNREADABLE, number=1)


def test_nonsense_is_answered_and_the_next_one_is_heard(place: Place, first: Claim) -> None:
    first.serve(lambda request: RAISED)
    answer = read_answer(place.ask(b"nonsense\n", MAX_ANSWER_BYTES))
    assert answer == HandoverAnswer(Handed.NOT_UNDERSTOOD)
    # Who leaves at once disturbs nobody.
    place._connect().close()
    assert ask(place) == RAISED


def test_another_user_is_not_heard(
    place: Place, first: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.serve(lambda request: RAISED)
    connection = place._connect()
    assert is_same_user(connection)
    connection.close()
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    # The one that asks refuses, and so does the one that is asked.
    with pytest.raises(NoAnswerError, match="another user"):
        ask(place)
    # It is closed at once, perhaps before the request is sent.
    with place._connect() as other, contextlib.suppress(ConnectionError):
        other.sendall(write_request(HandoverRequest()))
        assert other.recv(1) == b""


def test_a_program_that_hangs_is_given_up(
    place: Place, first: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "TALK_SECONDS", 0.05)
    monkeypatch.setattr(instance, "ANSWER_SECONDS", 0.05)
    with pytest.raises(NoAnswerError, match="Timeout"):
        ask(place)


def test_a_program_that_ends_meanwhile_makes_room(place: Place, first: Claim) -> None:
    first.close()
    with pytest.raises(FirstEndedError):
        ask(place)


def test_a_program_that_cannot_listen_does_not_answer(
    place: Place, first: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "CONNECT_SECONDS", 0.05)
    place.socket_file.unlink()
    with pytest.raises(NoAnswerError):
        ask(place)


def test_a_line_has_an_end() -> None:
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.sendall(b"x" * 100)
        assert read_line(reader, 10, PATIENCE) == b"x" * 11
        writer.close()
        assert read_line(reader, 1000, PATIENCE) == b"", "what was read is gone"
    reader, writer = socket.socketpair()
    with reader, writer, pytest.raises(TimeoutError):
        read_line(reader, 10, 0.01)


# --- the way to the window's thread ---------------------------------------------------------------


def test_a_request_waits_for_the_window() -> None:
    handed = HandedOver(HandoverRequest(to="Laptop"))
    waiting: list[HandoverAnswer] = []
    thread = threading.Thread(target=lambda: waiting.append(handed.wait(PATIENCE)))
    thread.start()
    handed.answer(lambda request: HandoverAnswer(Handed.SENDING, request.to))
    thread.join(PATIENCE)
    assert waiting == [HandoverAnswer(Handed.SENDING, "Laptop")]


def test_what_nobody_waits_for_is_not_done() -> None:
    handed = HandedOver(HandoverRequest())
    assert handed.wait(0.01) == HandoverAnswer(Handed.BUSY)
    done: list[HandoverRequest] = []

    def decide(request: HandoverRequest) -> HandoverAnswer:
        done.append(request)
        return RAISED

    handed.answer(decide)
    assert done == []


def test_what_fails_is_answered() -> None:
    handed = HandedOver(HandoverRequest())

    def fail(request: HandoverRequest) -> HandoverAnswer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handed.answer(fail)
    assert handed.wait(PATIENCE) == HandoverAnswer(Handed.BUSY)


def test_what_has_begun_late_is_waited_for() -> None:
    handed = HandedOver(HandoverRequest())
    begun, go_on = threading.Event(), threading.Event()

    def decide(request: HandoverRequest) -> HandoverAnswer:
        begun.set()
        go_on.wait(PATIENCE)
        return RAISED

    window = threading.Thread(target=lambda: handed.answer(decide))
    window.start()
    begun.wait(PATIENCE)
    answers: list[HandoverAnswer] = []
    waiting = threading.Thread(target=lambda: answers.append(handed.wait(0.2)))
    waiting.start()
    go_on.set()
    for thread in (window, waiting):
        thread.join(PATIENCE)
    assert answers == [RAISED]
