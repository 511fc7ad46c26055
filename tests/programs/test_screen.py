"""Real programs show a screen to each other, driven by JSON lines and in a terminal."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs.program import SOURCE, Program, pair
from tests.ui.tk_support import NoScreenError, xvfb

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Xvfb gives a test a screen of its own"
    ),
    pytest.mark.usefixtures("own_address"),
]

# Something that moves, so that there is something to send: a program that paints a bar further
# right each time it is drawn.
MOVING = """
import tkinter
root = tkinter.Tk()
root.geometry("400x200+0+0")
canvas = tkinter.Canvas(root, width=400, height=200)
canvas.pack()
bar = canvas.create_rectangle(0, 0, 20, 200, fill="red")
def move():
    canvas.move(bar, 2 if canvas.coords(bar)[0] < 380 else -380, 0)
    root.after(30, move)
move()
root.mainloop()
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    try:
        for display in xvfb(96):
            moving = subprocess.Popen(
                [sys.executable, "-c", MOVING], env={"DISPLAY": display}, stderr=subprocess.DEVNULL
            )
            with moving:
                yield display
                moving.kill()
    except NoScreenError as error:
        pytest.skip(str(error))


Start = Callable[..., tuple[Program, Program]]


@pytest.fixture
def linked(tmp_path: Path, display: str) -> Iterator[Start]:
    """Yield a function that starts a host with these options and a guest, and links them."""
    running: list[Program] = []

    def start(*options: str, by: str = "code", screen: bool = True) -> tuple[Program, Program]:
        host = Program(
            [*SOURCE, "host", "--json", *options],
            tmp_path / "host",
            display=display if screen else None,
            forked=True,
        )
        running.append(host)
        code = host.event("session")[by]
        guest = Program([*SOURCE, "join", "--json", code], tmp_path / "guest", forked=True)
        running.append(guest)
        pair(host, guest)
        return host, guest

    yield start
    for program in running:
        with program:
            pass


def screen(program: Program, state: str, **wanted: Any) -> dict[str, Any]:
    return program.event("screen", state=state, **wanted)


def figures(program: Program) -> dict[str, Any]:
    """Return the figures of the next second in which pictures came: a busy machine may have
    seconds without.
    """
    while True:
        event = program.event("screen", state="viewing")
        found: dict[str, Any] = event.get("figures", {})
        if found.get("frames"):
            return found


def test_a_screen_that_is_asked_for_allowed_paused_and_stopped(linked: Start) -> None:
    host, guest = linked()
    guest.say(type="screen_ask", control=True)
    screen(guest, "asking", direction="in")
    asked = screen(host, "asked")
    assert (asked["verified"], asked["control"], asked["second_step"]) == ("code", True, False)
    host.say(type="screen_answer", question=asked["question"], grant="view")
    screen(host, "answered", question=asked["question"])
    assert host.event("screen", state="offered")["monitors"][0]["w"] > 0
    offered = screen(guest, "offered", direction="in")
    guest.say(type="screen_look", monitor=offered["monitors"][0]["id"])
    screen(host, "viewing", direction="out")
    # Pictures come, and each end says how well.
    assert figures(host)["frames"] > 0
    assert figures(guest)["frames"] > 0
    host.say(type="screen_pause")
    screen(guest, "paused")
    host.say(type="screen_go_on")
    screen(guest, "viewing")
    assert figures(guest)["megabits"] > 0
    host.say(type="screen_stop")
    assert screen(guest, "ended")["reason"] == "closed"
    assert screen(host, "ended")["reason"] == "closed"
    host.say(type="screen_pause")
    assert host.event("error")["code"] == "screen_idle"
    assert (host.errors, guest.errors) == ([], [])


def test_a_no_is_a_no(linked: Start) -> None:
    host, guest = linked()
    guest.say(type="screen_ask")
    host.say(type="screen_answer", question=screen(host, "asked")["question"], grant="no")
    assert screen(guest, "ended")["reason"] == "declined"


@pytest.mark.parametrize("by", ["code", "url"])
def test_a_yes_beforehand_needs_nobody(linked: Start, by: str) -> None:
    host, guest = linked("--share-screen", "view", by=by)
    host.say(type="new_code")
    before = host.event("session")
    guest.say(type="screen_ask", control=True)
    screen(guest, "offered")
    guest.say(type="screen_look")
    screen(host, "viewing")
    assert figures(guest)["frames"] > 0
    assert not [one for one in host.seen if one.get("state") in ("asked", "control")]
    assert [one for one in host.seen if one.get("code") == "screen_seen"]
    # A new code comes when nobody sees the screen any more.
    guest.say(type="screen_stop")
    assert screen(host, "ended")["reason"] == "peer_left"
    after = host.event("session")
    assert after["sessionID"] != before["sessionID"]
    assert after["code"] != before["code"]


def test_a_yes_to_control_beforehand(linked: Start) -> None:
    host, guest = linked("--share-screen", "control")
    guest.say(type="screen_ask", control=True)
    screen(guest, "offered")
    guest.say(type="screen_look")
    screen(host, "control")
    screen(guest, "control")
    host.say(type="screen_stop_control")
    assert screen(host, "viewing")["reason"] == "closed"
    screen(guest, "viewing")
    # It was taken back, so it is asked about from now on.
    guest.say(type="screen_ask", control=True)
    assert screen(host, "asked")["control"] is True


def test_a_lost_guest_ends_it(linked: Start) -> None:
    host, guest = linked("--share-screen", "view")
    guest.say(type="screen_ask")
    screen(guest, "offered")
    guest.say(type="screen_look")
    figures(guest)
    guest.process.kill()
    assert screen(host, "ended")["reason"] in ("peer_left", "peer_vanished")


def test_a_host_without_a_desktop_says_so_at_once_and_to_who_asks(linked: Start) -> None:
    host, guest = linked("--share-screen", "view", screen=False)
    assert [one for one in host.seen if one.get("code") == "no_screen"]
    guest.say(type="screen_ask")
    assert screen(guest, "ended")["reason"] == "no_screen"
    guest.say(type="text", text="still linked")
    assert host.event("text")["text"] == "still linked"


def test_a_guest_shows_its_screen(tmp_path: Path, display: str) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path / "host", forked=True) as host:
        join = [*SOURCE, "join", "--json", host.event("session")["code"]]
        with Program(join, tmp_path / "guest", display=display) as guest:
            pair(host, guest)
            guest.say(type="screen_show")
            screen(host, "offered", direction="in")
            host.say(type="screen_look")
            screen(guest, "viewing", direction="out")
            assert figures(host)["frames"] > 0


def test_a_terminal_asks_and_shows(tmp_path: Path, display: str) -> None:
    with Program([*SOURCE, "host"], tmp_path / "host", display=display) as host:
        code = host.text_line("Code ").split()[1]
        command = [*SOURCE, "join", "--json", code]
        with Program(command, tmp_path / "guest", forked=True) as guest:
            host.text_line("asks to join.")
            answer(host, "y", "Connected with")
            guest.event("link", state="connected")
            guest.say(type="screen_ask", control=True)
            host.text_line("asks to see this screen and to control it.")
            answer(host, "c", "may see this screen from now on")
            screen(guest, "offered")
            guest.say(type="screen_look")
            host.text_line("controls this screen now and can do all that you can")
            screen(guest, "control")
            host.type("/control off")
            host.text_line("controls this screen no longer")
            screen(guest, "viewing")
            host.type("/see")
            host.text_line("A terminal cannot draw the other screen")
            host.type("/hide")
            assert screen(guest, "ended")["reason"] == "closed"
            host.text_line("This screen is no longer shown")


def answer(host: Program, typed: str, then: str) -> None:
    """Type an answer, again while it comes too soon, until a line with `then` follows."""
    host.type(typed)
    while then not in (line := host.line()):
        if "too soon" in line:
            host.type(typed)
