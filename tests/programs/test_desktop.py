"""The window program on a screen of its own, used as people use it: type, approve, talk, close."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import ImageGrab

from tests.lossy_link import lossy_link, missing
from tests.paths import ARTIFACTS
from tests.programs.program import PATIENCE, SOURCE, Program
from tests.qr_reader import NoQRError, read_qr
from tests.ui.tk_support import NoScreenError, xvfb

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Xvfb gives a test a screen of its own"
    ),
]


class Screen:
    """A screen with a window manager, and methods that act as the person in front of it."""

    def __init__(self, display: str) -> None:
        self.display = display

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run an X client on this screen."""
        return subprocess.run(
            command,
            env={"DISPLAY": self.display},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def until(self, so: Callable[[], object], what: str) -> None:
        """Check `so` until it is true, without a pause: each check runs a program."""
        deadline = time.monotonic() + PATIENCE
        while not so():
            assert time.monotonic() < deadline, f"never happened: {what}"

    def activate(self, title: str) -> None:
        """Bring a window to the front."""
        self.until(
            lambda: (
                self.run(
                    "xdotool", "search", "--sync", "--name", title, "windowactivate", "--sync"
                ).returncode
                == 0
            ),
            f"a window called {title}",
        )

    def gone(self, title: str) -> bool:
        """Whether no window with that title is on the screen."""
        return self.run("xdotool", "search", "--onlyvisible", "--name", title).returncode != 0

    def press(self, *keys: str) -> None:
        """Press keys in the window that has the focus."""
        self.run("xdotool", "key", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        """Type text into the window that has the focus."""
        self.run("xdotool", "type", "--delay", "5", text)

    def clipboard(self) -> str:
        """Return the text in the clipboard."""
        return self.run("xclip", "-selection", "clipboard", "-o").stdout

    def qr(self) -> str | None:
        """Return what a camera would read from the screen, or None if there is no QR code."""
        try:
            return read_qr(ImageGrab.grab(xdisplay=self.display))
        except NoQRError:
            return None

    def picture(self, name: str) -> None:
        """Save a picture of the screen for people to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        ImageGrab.grab(xdisplay=self.display).save(ARTIFACTS / f"desktop-{name}.png")


@pytest.fixture
def screen() -> Iterator[Screen]:
    needed = [tool for tool in ("xdotool", "openbox", "xclip") if shutil.which(tool) is None]
    if needed:
        pytest.skip(f"not installed: {', '.join(needed)}")
    try:
        for display in xvfb(96):
            with subprocess.Popen(
                ["openbox"], env={"DISPLAY": display}, stderr=subprocess.DEVNULL
            ) as manager:
                try:
                    yield Screen(display)
                finally:
                    manager.terminate()
    except NoScreenError as error:
        pytest.skip(str(error))


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "window", tmp_path / "terminal"


def copied_code(screen: Screen) -> str:
    """Copy the code with the keyboard as soon as there is one, and return it."""
    screen.activate("^Proxim$")

    def copy() -> bool:
        screen.press("ctrl+c")
        return "-" in screen.clipboard()

    screen.until(copy, "the code is in the clipboard")
    return screen.clipboard()


def test_window_and_terminal_over_a_poor_network(screen: Screen, homes: tuple[Path, Path]) -> None:
    """Two people do the main job with 50 ms and 2 % loss between them: one uses the window, the
    other `proxim join`.
    """
    why = missing()
    if why is not None:
        pytest.skip(why)
    with (
        lossy_link(delay=0.05, loss=0.02) as link,
        Program(SOURCE, homes[0], before=link.command(0), display=screen.display) as window,
    ):
        code = copied_code(screen)
        with Program([*SOURCE, "join", "--json"], homes[1], before=link.command(1)) as guest:
            guest.say(type="join", code=code)
            guest.event("join", state="asking")
            screen.activate("request to join")
            screen.picture("asked")

            def approve() -> bool:
                # The dialog ignores keys for its first 800 ms.
                screen.press("alt+a")
                return screen.run("xdotool", "search", "--name", "request to join").returncode != 0

            screen.until(approve, "the dialog is gone")
            guest.event("link", state="connected")
            guest.say(type="text", text="Hello from the terminal")
            screen.activate("^Proxim$")

            def has_focus() -> bool:
                """Whether keys go to the field for texts. What they wrote is selected then."""
                for key in ("x", "ctrl+a", "ctrl+c"):
                    screen.press(key)
                return screen.clipboard().startswith("x")

            screen.until(has_focus, "the field for texts has the focus")

            def answer() -> bool:
                screen.type("Hello from the window")
                screen.press("Return")
                return any(event["event"] == "text" for event in [guest.event("text")])

            screen.until(answer, "the text arrives")
            assert guest.seen[-1]["text"] == "Hello from the window"
            screen.picture("linked")
            window.process.send_signal(signal.SIGTERM)
            assert guest.event("link", state="closed")["reason"] == "closed"
        assert window.ended() == 0
        assert window.errors == []


def test_the_window_joins_a_terminal(
    screen: Screen, homes: tuple[Path, Path], own_address: str
) -> None:
    with Program([*SOURCE, "host", "--json"], homes[1]) as host:
        code = host.event("session")["code"]
        with Program(SOURCE, homes[0], display=screen.display) as window:
            screen.activate("^Proxim$")
            screen.until(screen.qr, "the QR code is on the screen")
            screen.press("ctrl+j")
            screen.type(code)
            screen.press("Return")
            prompt = host.event("pair_prompt")
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
            host.event("link", state="connected")
            screen.picture("joined")
            window.process.send_signal(signal.SIGINT)
            assert window.ended() == 0
            assert host.event("link", state="closed")["reason"] == "peer_left"


def test_closing_the_window_ends_the_program(screen: Screen, homes: tuple[Path, Path]) -> None:
    with Program(SOURCE, homes[0], display=screen.display) as window:
        screen.activate("^Proxim$")

        def closed() -> bool:
            # A key that is pressed while the window manager starts to manage the window is lost.
            screen.press("alt+F4")
            return screen.gone("^Proxim$")

        screen.until(closed, "the window is closed")
        assert window.ended() == 0
        assert window.errors == []
