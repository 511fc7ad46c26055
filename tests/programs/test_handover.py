"""Programs that find one another, and a person who hears of things: real windows under a window
manager, real files, a notification service on a bus of its own.
"""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.io.desktop.fake_notifications import FakeService
from tests.io.screen.fake_portal import private_bus
from tests.programs.program import SOURCE, Program
from tests.programs.test_desktop import Screen, copied_code, screen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Xvfb gives a test a screen of its own"
    ),
]

__all__ = ["screen"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "window"


@pytest.fixture
def other_home(tmp_path: Path) -> Path:
    return tmp_path / "other"


def windows(screen: Screen) -> list[str]:
    return screen.run("xdotool", "search", "--onlyvisible", "--name", "^Proxim$").stdout.split()


def new_window(screen: Screen, *known: str) -> str:
    """Wait for a window of Proxim beside these, and return its number."""
    screen.until(lambda: set(windows(screen)) - {*known}, "another window")
    (found,) = set(windows(screen)) - {*known}
    return found


def active(screen: Screen) -> str:
    return screen.run("xdotool", "getactivewindow").stdout.strip()


def run(screen: Screen, home: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run a program that ends by itself; return its exit status and what it said."""
    with Program([*SOURCE, *arguments], home, display=screen.display) as program:
        status = program.ended()
        return status, [*program.rest(), *program.errors]


def test_a_second_program_raises_the_window_of_the_first(
    screen: Screen, home: Path, other_home: Path
) -> None:
    with Program(SOURCE, home, display=screen.display) as first:
        mine = new_window(screen)
        # Another folder's program opens its own window, which is in front then.
        with Program(SOURCE, other_home, display=screen.display):
            theirs = new_window(screen, mine)
            screen.until(lambda: active(screen) == theirs, "the other window is in front")
            status, said = run(screen, home, "--language", "en")
            assert status == 0
            assert said[0].startswith("Proxim is open already")
            screen.until(lambda: active(screen) == mine, "the first window is in front")
            # It comes back from the task bar, too.
            screen.run("xdotool", "windowminimize", "--sync", mine)
            screen.until(lambda: mine not in windows(screen), "the first window is hidden")
            assert run(screen, home)[0] == 0
            screen.until(lambda: active(screen) == mine, "the first window is back")
            assert len(windows(screen)) == 2
            assert run(screen, home, "--theme", "dark", "--language", "en")[0] == 1
        first.process.send_signal(signal.SIGTERM)
        assert first.ended() == 0
        assert first.errors == []
    # Nothing is left of it, so the next one opens a window.
    with Program(SOURCE, home, display=screen.display):
        new_window(screen)


def test_new_opens_another_window(screen: Screen, home: Path) -> None:
    with Program(SOURCE, home, display=screen.display) as first:
        # Otherwise the one with the option might be the first.
        new_window(screen)
        with Program([*SOURCE, "--new"], home, display=screen.display) as second:
            screen.until(lambda: len(windows(screen)) == 2, "two windows")
            assert (first.process.poll(), second.process.poll()) == (None, None)


def join(screen: Screen, host: Program, code: str) -> None:
    """Let the window join a host by its keyboard."""
    screen.run("xdotool", "windowactivate", "--sync", new_window(screen))
    screen.until(screen.qr, "the QR code is on the screen")
    screen.press("ctrl+j")
    screen.type(code)
    screen.press("Return")
    prompt = host.event("pair_prompt")
    host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
    host.event("link", state="connected")


def test_files_are_handed_to_the_window(screen: Screen, home: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    odd = tmp_path / "a b 100%ü.txt"
    odd.write_text("content", encoding="utf-8")
    host_command = [*SOURCE, "host", "--json", "--name", "Desk", "--save-to", str(inbox)]
    with Program(host_command, tmp_path / "host", forked=True) as host:
        code = host.event("session")["code"]
        with Program(SOURCE, home, display=screen.display):
            new_window(screen)
            status, said = run(screen, home, "send", str(odd), "--to", "Nobody")
            assert status in (0, 1), said
            # Nobody is linked, so what goes to anybody waits.
            later = tmp_path / "later.txt"
            later.write_text("waited", encoding="utf-8")
            status, said = run(screen, home, "--language", "en", "send", str(later))
            assert (status, said) == (
                0,
                ["No device is linked: Proxim keeps them and sends them to the next one that is."],
            )
            screen.picture("to-be-sent")
            join(screen, host, code)
            host.event("transfer", state="done")
            assert (inbox / "later.txt").read_text(encoding="utf-8") == "waited"
            status, said = run(screen, home, "--language", "en", "send", str(odd), "--to", "desk")
            assert (status, said) == (0, ["Desk is asked to take 1 file or folder."])
            host.event("transfer", state="done")
            assert (inbox / odd.name).read_text(encoding="utf-8") == "content"
            odd.unlink()
            # What is checked here first is checked by the window once more (test_instance.py).
            assert run(screen, home, "send", str(odd))[0] == 2


def test_send_opens_the_window_if_there_is_none(screen: Screen, home: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    file = tmp_path / "a b.txt"
    file.write_text("content", encoding="utf-8")
    command = [*SOURCE, "host", "--json", "--save-to", str(inbox)]
    with Program(command, tmp_path / "host", forked=True) as host:
        code = host.event("session")["code"]
        with Program([*SOURCE, "send", str(file)], home, display=screen.display):
            join(screen, host, code)
            host.event("transfer", state="done")
            assert (inbox / file.name).read_text(encoding="utf-8") == "content"


def test_a_crashed_window_is_in_nobody_s_way(screen: Screen, home: Path) -> None:
    with Program(SOURCE, home, display=screen.display) as first:
        new_window(screen)
        first.process.kill()
        first.ended()
    with Program(SOURCE, home, display=screen.display):
        new_window(screen)
        assert run(screen, home)[0] == 0


def test_a_window_that_hangs_is_told_of(screen: Screen, home: Path) -> None:
    # The type checker knows that Windows has no such signals.
    if sys.platform != "win32":
        with Program(SOURCE, home, display=screen.display) as first:
            new_window(screen)
            assert run(screen, home)[0] == 0
            first.process.send_signal(signal.SIGSTOP)
            try:
                status, said = run(screen, home, "--language", "en")
                assert status == 1
                assert "does not answer" in said[0]
            finally:
                first.process.send_signal(signal.SIGCONT)


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


def test_a_person_who_looks_elsewhere_hears_of_a_request(
    screen: Screen, home: Path, other_home: Path, tmp_path: Path, bus: str
) -> None:
    with (
        FakeService(bus) as service,
        Program([*SOURCE, "--language", "en"], home, display=screen.display),
    ):
        mine = new_window(screen)
        code = copied_code(screen)
        guest_command = [*SOURCE, "join", "--json", "--name", "<b>Phone"]
        with (
            Program(SOURCE, other_home, display=screen.display),
            Program(guest_command, tmp_path / "guest", forked=True) as guest,
        ):
            theirs = new_window(screen, mine)
            screen.until(lambda: active(screen) == theirs, "the other window is in front")
            guest.say(type="join", code=code)
            guest.event("join", state="asking")
            shown = service.notification()
            assert shown.title == "<b>Phone asks to connect"
            assert code not in f"{shown.title} {shown.body}"
            assert 30_000 < shown.milliseconds <= 40_000
            assert shown.urgency == 2
            screen.until(lambda: active(screen) not in (mine, theirs), "the dialog has the focus")

            def approve() -> bool:
                # The dialog ignores keys for its first 800 ms.
                screen.press("alt+a")
                return screen.gone("request to join")

            screen.activate("request to join")
            # It took the focus by itself, which does not mean that a person has seen it.
            assert service.closed == []
            screen.until(approve, "the dialog is gone")
            guest.event("link", state="connected")
            # What was asked is over, and so is its notification.
            service.until(lambda service: service.closed == [shown.number])
            # Files that are announced while another program is in front are heard of.
            screen.run("xdotool", "windowactivate", "--sync", theirs)
            screen.until(lambda: active(screen) == theirs, "the other window is in front again")
            file = tmp_path / "secret name.txt"
            file.touch()
            guest.say(type="send", paths=[str(file)])
            asked = service.notification(2)
            assert asked.title == "<b>Phone would like to send you 1 file"
            assert file.name not in f"{asked.title} {asked.body}"
            found = ("xdotool", "search", "--onlyvisible", "--name", "^Proxim: files")
            screen.until(lambda: screen.run(*found).stdout, "the question is open")
            question = screen.run(*found).stdout.strip()
            assert active(screen) == theirs
            assert asked.number not in service.closed
            service.click(asked.number)
            screen.until(lambda: active(screen) == question, "the click raises the question")
            service.until(lambda service: asked.number in service.closed)
