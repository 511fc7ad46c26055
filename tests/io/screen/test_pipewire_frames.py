"""Pictures out of a multipart message, and out of a real PipeWire by a real GStreamer."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

if not sys.platform.startswith("linux"):
    pytest.skip("PipeWire is Linux's", allow_module_level=True)

from proxim.io.screen.pipewire_frames import (
    BrokenFramesError,
    Frames,
    size_in,
)
from proxim.io.screen.wayland_capture import (
    WaylandCapture,
    open_wayland_capture,
)
from tests.io.screen.fake_portal import (
    PATIENCE,
    Portal,
    private_bus,
)


def part(body: bytes) -> bytes:
    """Return what GStreamer's multipartmux writes for one picture."""
    head = f"--proxim\r\nContent-Type: video/x-raw\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n"


BODIES = st.lists(st.binary(min_size=1, max_size=300), max_size=5)


@given(BODIES, st.lists(st.integers(1, 200)))
def test_pictures_arrive_in_any_pieces(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(part(body) for body in bodies)
    frames = Frames()
    found: list[bytes] = []
    for cut in cuts:
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    found += frames.feed(stream)
    assert found == bodies


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"--other\r\nContent-Length: 3\r\n\r\nabc",
        b"--proxim\r\nContent-Type: video/x-raw\r\n\r\nabc",
        b"--proxim\r\nContent-Length: 0\r\n\r\n",
        b"--proxim\r\nContent-Length: 9999999999\r\n\r\n",
        b"--proxim\r\nContent-Length: -3\r\n\r\nabc",
        b"x" * 2000,
    ],
)
def test_what_is_no_such_message_is_refused(broken: bytes) -> None:
    with pytest.raises(BrokenFramesError):
        Frames().feed(broken)


@given(st.binary(max_size=300))
def test_no_bytes_break_it_otherwise(received: bytes) -> None:
    try:
        Frames().feed(received)
    except BrokenFramesError:
        return


def test_the_size_is_that_of_the_written_pictures() -> None:
    caps = b"caps = video/x-raw, format=(string)BGRx, width=(int)320, height=(int)240, x=(int)1"
    prefix = b"/GstPipeline:pipeline0/"
    assert size_in(prefix + b"GstMultipartMux:multipartmux0.GstPad:sink_0: " + caps) == (320, 240)
    assert size_in(prefix + b"GstPipeWireSrc:pipewiresrc0.GstPad:src: " + caps) is None
    assert size_in(b"Setting pipeline to PAUSED ...") is None


# --- a real PipeWire ------------------------------------------------------------------------------

PROGRAMS = ("dbus-daemon", "pipewire", "wireplumber", "gst-launch-1.0", "pw-cli")
NAME = "proximscreen"


def node_of(name: str) -> int:
    """Return the number of a node, when it is there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        listed = subprocess.run(
            ["pw-cli", "ls", "Node"], capture_output=True, text=True, check=False, timeout=PATIENCE
        ).stdout
        number = 0
        for line in listed.splitlines():
            if line.strip().startswith("id "):
                number = int(line.split()[1].rstrip(","))
            if f'node.name = "{name}"' in line:
                return number
        time.sleep(0.1)
    raise AssertionError(f"PipeWire has no node {name}")


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WaylandCapture]:
    """Show a picture that moves as a node of a PipeWire of our own, behind our own portal."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"missing: {', '.join(missing)} (.ci/run names Debian's packages)")
    for variable, folder in (("XDG_RUNTIME_DIR", "run"), ("HOME", "home")):
        (tmp_path / folder).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(tmp_path / folder))
    source = (
        "videotestsrc is-live=true pattern=ball ! "
        "video/x-raw,format=BGRx,width=320,height=240,framerate=10/1 ! pipewiresink mode=provide "
        f"stream-properties=p,media.class=Video/Source,node.name={NAME}"
    )
    with ExitStack() as stack:
        address = stack.enter_context(private_bus(tmp_path))
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        commands = [["pipewire"], ["wireplumber"], ["gst-launch-1.0", "-q", *source.split()]]
        for command in commands:
            quiet = subprocess.DEVNULL
            process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
            stack.callback(process.wait, PATIENCE)
            stack.callback(process.kill)
            if command == ["pipewire"]:
                deadline = time.monotonic() + PATIENCE
                while not (tmp_path / "run/pipewire-0").exists():
                    assert time.monotonic() < deadline, "PipeWire does not start"
                    time.sleep(0.05)

        def remote() -> int:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(tmp_path / "run/pipewire-0"))
            return connection.detach()

        portal = Portal([(node_of(NAME), {"size": ("(ii)", (320, 240))})], remote=remote)
        stack.callback(portal.close)
        capture = open_wayland_capture()
        stack.callback(capture.close)
        yield capture


@pytest.mark.slow
def test_a_real_pipewire_shows_what_moves(screen: WaylandCapture) -> None:
    (monitor,) = screen.monitors()
    assert (monitor.width, monitor.height, monitor.scale) == (320, 240, 1.0)
    screen.look(0)
    # A white ball on black: little of it changes at a time.
    moved = [screen.look(PATIENCE).changed for _ in range(3)]
    for changed in moved:
        assert changed
        assert sum(one.area for one in changed) < 320 * 240 / 2
        for place in changed:
            screen.grab(place)
    # It is a real picture: the ball is white.
    assert b"\xff\xff\xff" in bytes(screen.picture.pixels)
