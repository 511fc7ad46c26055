"""Tests of what a second program says, of what a person hears, and of `proxim integrate`."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from proxim.app import handing
from proxim.app.bridge import Bridge, HandoverWanted
from proxim.app.handing import deliver_by, hand_to_first, linked_elsewhere, words
from proxim.app.hearing import Hearing
from proxim.app.host_options import HostOptions, WindowOptions
from proxim.app.language import speak
from proxim.app.main import _hearing, main
from proxim.app.options import JoinOptions
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.handover import Handed, HandoverAnswer, HandoverRequest, read_request, write_answer
from proxim.core.i18n import LANGUAGES
from proxim.core.pairing.devices import DeviceInfo, KnownID
from proxim.io.desktop.instance import NoAnswerError, Place
from proxim.io.desktop.notifications import Notification
from proxim.io.system.file_lock import lock
from tests.rows import each_row


class Open(Place):
    """A program that is open and answers."""

    def __init__(self, answer: HandoverAnswer | None) -> None:
        super().__init__(Path("/nowhere"), "window")
        self.answer = answer
        self.asked: HandoverRequest | None = None

    def ask(self, request: bytes, most: int) -> bytes:
        self.asked = read_request(request)
        if self.answer is None:
            raise NoAnswerError
        return write_answer(self.answer)


@each_row(
    "answer, status, said",
    [
        (HandoverAnswer(Handed.RAISED), 0, "Proxim is open already"),
        (
            HandoverAnswer(Handed.SENDING, "Laptop"),
            0,
            "Laptop is asked to take 2 files",
        ),
        (HandoverAnswer(Handed.KEPT), 0, "No device is linked: Proxim keeps them"),
        (HandoverAnswer(Handed.KEPT, "NAS"), 0, "NAS is not linked yet: Proxim keeps them"),
        (HandoverAnswer(Handed.JOINING, "NAS"), 0, "NAS is looked for"),
        (HandoverAnswer(Handed.NO_DEVICE), 1, "proxim: No device of that name"),
        (HandoverAnswer(Handed.PATH_GONE, number=2), 1, "proxim: /b is not there any more"),
        (HandoverAnswer(Handed.BUSY), 1, "proxim: The Proxim that is open does not answer"),
        (None, 1, "proxim: The Proxim that is open does not answer"),
    ],
)
def test_a_second_program_says_what_becomes_of_it(
    answer: HandoverAnswer | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Open(answer)
    options = WindowOptions(send=("/a", "/b"), to="Laptop")
    assert hand_to_first(place, options) == status
    assert place.asked == HandoverRequest(("/a", "/b"), "Laptop")
    streams = capsys.readouterr()
    assert (streams.err if status else streams.out).startswith(said)
    assert (streams.out if status else streams.err) == ""


def test_options_that_the_open_program_cannot_follow_are_not_dropped_silently(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = Open(HandoverAnswer(Handed.RAISED))
    assert hand_to_first(place, WindowOptions(require_proof=True)) == 1
    assert "keeps the options it was started with" in capsys.readouterr().err


def test_a_file_manager_gives_no_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert hand_to_first(Open(HandoverAnswer(Handed.RAISED)), WindowOptions()) == 0
    assert hand_to_first(Open(None), WindowOptions()) == 1


@each_row(
    "answer, devices",
    [
        (HandoverAnswer(Handed.LINKED, devices=frozenset({KnownID("k1")})), {"k1"}),
        (HandoverAnswer(Handed.NOT_UNDERSTOOD), set()),
        (None, set()),
    ],
    ids=["a window", "an older one", "one that hangs"],
)
def test_the_open_window_says_what_it_is_linked_with(
    answer: HandoverAnswer | None,
    devices: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Open(answer)
    place.lock_file = tmp_path / "window.lock"
    monkeypatch.setattr(handing, "place_of", lambda environment: place)
    # Nobody is asked where nobody is.
    assert linked_elsewhere() == frozenset()
    assert place.asked is None
    with place.lock_file.open("w") as held:
        assert lock(held.fileno())
        assert linked_elsewhere() == devices
    assert place.asked == HandoverRequest(asks_linked=True)
    place.lock_file.unlink()


def test_without_a_display_no_window_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "place_of", lambda environment: None)
    assert linked_elsewhere() == frozenset()


@pytest.mark.parametrize("language", LANGUAGES)
# Nobody reads the answer to a question of a program.
@pytest.mark.parametrize("outcome", sorted({*Handed} - {Handed.LINKED}))
def test_every_outcome_has_a_sentence(outcome: Handed, language: str) -> None:
    speak(language)
    sentence = words(HandoverAnswer(outcome, "Laptop", 2), ("/a", "/home/ada/notes"))
    if outcome in (Handed.PATH_GONE, Handed.PATH_UNREADABLE):
        assert "/home/ada/notes" in sentence
        # Another version may count otherwise.
        assert " 3" in words(HandoverAnswer(outcome, number=3), ("/a", "/b"))
    assert sentence.endswith((".", ")"))
    assert "handover." not in sentence
    assert "…" not in sentence


# --- what a person hears --------------------------------------------------------------------------


class Desktop:
    """A desktop that remembers what it shows."""

    def __init__(self) -> None:
        self.told: list[Notification | str] = []

    def show(self, notification: Notification) -> None:
        self.told.append(notification)

    def withdraw(self, place: str) -> None:
        self.told.append(place)

    def close(self) -> None:
        self.told.append("closed")


def test_a_request_goes_to_the_desktop_and_back() -> None:
    desktop = Desktop()
    hearing = Hearing(desktop, lambda: 100.0)
    prompt = st.Prompt("s", DeviceInfo("Laptop", "id"), "192.0.2.7", None, 130.0, 1)
    hearing.follow(st.Prompts((prompt,)))
    (shown,) = desktop.told
    assert shown == Notification(
        "question", "Laptop asks to connect", "Answer in Proxim within 30 s.", 30.0, urgent=True
    )
    # A log must not name people.
    assert "Laptop" not in repr(shown)
    hearing.seen()
    hearing.follow(st.Prompts((prompt,)), in_front=True)
    hearing.close()
    assert desktop.told[1:] == ["question", "closed"]


def test_what_corrects_a_notice_makes_no_sound() -> None:
    desktop = Desktop()
    hearing = Hearing(desktop, lambda: 100.0)
    link = st.LinkStatus(ev.LinkID("host-1"), "s", st.Stage.CONNECTED, peer_name="X", let_in=True)
    hearing.follow(link)
    hearing.follow(replace(link, stage=st.Stage.CLOSED))
    came, went = desktop.told
    assert isinstance(came, Notification)
    assert isinstance(went, Notification)
    assert (came.place, came.silent) == ("let_in", False)
    assert (went.place, went.silent, went.urgent) == ("let_in", True, False)
    assert went.title == "X was here, without a question"


@each_row(
    "options, typed, display, hears",
    [
        (HostOptions(), True, ":0", True),
        (JoinOptions(), True, ":0", True),
        (HostOptions(quiet=True), True, ":0", False),
        (HostOptions(json=True), True, ":0", False),
        (HostOptions(), False, ":0", False),
        (HostOptions(), True, "", False),
        (None, True, ":0", False),
    ],
)
def test_a_person_at_a_terminal_of_a_desktop_hears(
    options: HostOptions | JoinOptions | None,
    typed: bool,
    display: str,
    hears: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stdin:
        def isatty(self) -> bool:
            return typed

    monkeypatch.setattr(sys, "stdin", Stdin())
    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    if sys.platform == "linux":
        assert (_hearing(options) is not None) == hears


# --- proxim integrate -----------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def files(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes shortcuts by PowerShell")
def test_integrate_says_what_it_wrote_and_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["integrate", "--language", "en"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert all(line.startswith("Written: ") for line in said)
    assert {Path(line.removeprefix("Written: ")).name for line in said} == files(home)
    # In another language the old names go.
    assert main(["integrate", "--language", "de"]) == 0
    assert not any("Send with" in name for name in files(home))
    (home / "mine").touch()
    capsys.readouterr()
    assert main(["integrate", "--remove", "--language", "en"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert all(line.startswith("Removed: ") for line in said)
    assert files(home) == {"mine"}
    assert main(["integrate", "--remove", "--language", "en"]) == 0
    assert capsys.readouterr().out == "There is nothing of Proxim's to remove.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")
def test_integrate_leaves_alone_what_is_somebody_elses(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = home / "applications" / "proxim.desktop"
    entry.parent.mkdir()
    entry.write_text("mine", encoding="utf-8")
    assert main(["integrate", "--language", "en"]) == 1
    assert capsys.readouterr().err == f"Left alone, as Proxim did not make it: {entry}\n"
    assert main(["integrate", "--remove", "--language", "en"]) == 0
    assert entry.read_text(encoding="utf-8") == "mine"


def test_a_request_reaches_the_window_s_thread() -> None:
    bridge = Bridge()

    def look() -> None:
        for item in bridge.drain(1):
            assert isinstance(item, HandoverWanted)
            item.handed.answer(lambda request: HandoverAnswer(Handed.SENDING, request.to))

    bridge.wake_with(look)
    answer = deliver_by(bridge)(HandoverRequest(to="Laptop"))
    assert answer == HandoverAnswer(Handed.SENDING, "Laptop")
