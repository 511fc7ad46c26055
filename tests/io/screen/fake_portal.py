"""A desktop's portal on a bus of its own, and a GStreamer whose pictures a test sends.

The portal answers as xdg-desktop-portal is documented to: RemoteDesktop and ScreenCast, requests
that are answered by signals, sessions that end by one.
"""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jeepney
import jeepney.io.blocking

BUS_NAME: Final = "org.freedesktop.portal.Desktop"
PATH: Final = "/org/freedesktop/portal/desktop"
# In seconds. Even on a busy machine, only a test that hangs waits longer.
PATIENCE: Final = 30.0

# A GStreamer that is told by a file what to write: one line of JSON for each picture.
LAUNCHER: Final = """#!{python}
import json, os, re, sys
pipeline = " ".join(sys.argv)
out = int(re.search(r"fdsink fd=(\\d+)", pipeline)[1])
node = re.search(r"path=(\\d+)", pipeline)[1]
os.fstat(int(re.search(r"pipewiresrc fd=(\\d+)", pipeline)[1]))
print("Setting pipeline to PAUSED ...", flush=True)
size = None
for line in open(os.path.join(os.environ["FAKE_FRAMES"], node)):
    width, height, pixel = json.loads(line)
    if size != (width, height):
        size = width, height
        print(f"/GstPipeline:pipeline0/GstMultipartMux:multipartmux0.GstPad:sink_0: caps = "
              f"video/x-raw, format=(string)BGRx, width=(int){{width}}, height=(int){{height}}, "
              "framerate=(fraction)0/1", flush=True)
    body = bytes(pixel) * (width * height)
    head = b"--proxim\\r\\nContent-Type: video/x-raw\\r\\nContent-Length: %d\\r\\n\\r\\n"
    for piece in (head % len(body), body, b"\\r\\n"):
        while piece:
            piece = piece[os.write(out, piece):]
"""
INSPECTOR: Final = """#!/bin/sh
for each in pipewiresrc videoconvert multipartmux queue fdsink
do
    [ $each = "$FAKE_MISSING" ] || echo "plugin:  $each: Does something"
done
"""


@contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """Start a D-Bus that only this test uses, and yield its address."""
    daemon = shutil.which("dbus-daemon")
    assert daemon is not None
    address = f"unix:path={folder / 'bus'}"
    process = subprocess.Popen(
        [daemon, "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        # It listens when it has said where.
        assert process.stdout.readline().startswith("unix:")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        process.stdout.close()


class FakeGStreamer:
    """Programs named like GStreamer's, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.frames = folder / "frames"
        self.programs.mkdir()
        self.frames.mkdir()
        launcher = LAUNCHER.format(python=sys.executable)
        for name, source in (("gst-launch-1.0", launcher), ("gst-inspect-1.0", INSPECTOR)):
            program = self.programs / name
            program.write_text(source, encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self._told: dict[int, Any] = {}

    def node(self, node: int) -> None:
        """Let pictures of this node be sent."""
        # The type checker knows that Windows has none.
        if sys.platform != "win32":
            os.mkfifo(self.frames / str(node))

    def picture(self, node: int, width: int, height: int, pixel: list[int]) -> None:
        """Send a picture of one colour. The first one waits for the program to run."""
        if node not in self._told:
            self._told[node] = (self.frames / str(node)).open("w", encoding="utf-8")
        self._told[node].write(json.dumps([width, height, pixel]) + "\n")
        self._told[node].flush()

    def end(self, node: int) -> None:
        """Let the program of this node end."""
        self._told.pop(node).close()

    def close(self) -> None:
        for node in [*self._told]:
            self.end(node)


@dataclass
class Portal:
    """What a portal does and shows, and what it was told."""

    # Nodes and what is said of them.
    streams: list[tuple[int, dict[str, tuple[str, Any]]]] = field(default_factory=list)
    interfaces: tuple[str, ...] = ("RemoteDesktop", "ScreenCast")
    devices: int = 3
    # The answer of Start; None to leave the question open.
    answer: int | None = 0
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    # What OpenPipeWireRemote gives.
    remote: Callable[[], int] = lambda: os.open(os.devnull, os.O_RDONLY)

    def __post_init__(self) -> None:
        self._bus = jeepney.io.blocking.open_dbus_connection("SESSION", enable_fds=True)
        self._changed = threading.Condition()
        self._bus.bus_proxy.RequestName(BUS_NAME)
        self._stop, self._stopped = socket.socketpair()
        self._session = ""
        self._thread = threading.Thread(target=self._serve, name="fake portal")
        self._thread.start()

    def close(self) -> None:
        self._stop.close()
        self._bus.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._bus.close()
        self._stopped.close()

    def revoke(self) -> None:
        """End the session, as a desktop's own button does."""
        self._signal(self._session, "org.freedesktop.portal.Session", "Closed", "", ())

    def called(self, method: str) -> tuple[Any, ...]:
        """Wait for a call of this method, and return what it was called with."""

        def found() -> tuple[Any, ...] | None:
            return next((body for name, body in self.calls if name == method), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, PATIENCE), method
            body = found()
            assert body is not None
            return body

    def notified(self) -> list[tuple[Any, ...]]:
        """Return what was done with mouse and keyboard, without session and options."""
        return [
            (name.removeprefix("Notify"), *body[2:])
            for name, body in self.calls
            if name.startswith("Notify")
        ]

    def _serve(self) -> None:
        try:
            while True:
                message = self._bus.receive()
                if message.header.message_type == jeepney.MessageType.method_call:
                    self._answer(message)
        except OSError:
            # `close` has ended the connection.
            return

    def _answer(self, message: Any) -> None:
        fields = message.header.fields
        method = fields[jeepney.HeaderFields.member]
        interface = fields[jeepney.HeaderFields.interface].rpartition(".")[2]
        if method == "Get":
            known = message.body[0].rpartition(".")[2] in self.interfaces
            if known:
                self._reply(message, "v", (("u", 2),))
            else:
                name = "org.freedesktop.DBus.Error.InvalidArgs"
                self._bus.send(jeepney.new_error(message, name))
        elif method == "OpenPipeWireRemote":
            file = self.remote()
            self._reply(message, "h", (file,))
            os.close(file)
        elif interface in ("RemoteDesktop", "ScreenCast") and not method.startswith("Notify"):
            self._request(message, method)
        with self._changed:
            self.calls.append((method, tuple(message.body)))
            self._changed.notify_all()

    def _request(self, message: Any, method: str) -> None:
        sender = message.header.fields[jeepney.HeaderFields.sender]
        options = message.body[-1]
        token = options["handle_token"][1]
        name = sender.lstrip(":").replace(".", "_")
        request = f"{PATH}/request/{name}/{token}"
        self._reply(message, "o", (request,))
        code: int | None = 0
        results: dict[str, tuple[str, Any]] = {}
        if method == "CreateSession":
            self._session = f"{PATH}/session/{name}/{options['session_handle_token'][1]}"
            results = {"session_handle": ("s", self._session)}
        elif method == "Start":
            code = self.answer
            results = {"streams": ("a(ua{sv})", self.streams), "devices": ("u", self.devices)}
        if code is not None:
            interface = "org.freedesktop.portal.Request"
            body = (code, results if code == 0 else {})
            self._signal(request, interface, "Response", "ua{sv}", body)

    def _reply(self, message: Any, signature: str, body: tuple[Any, ...]) -> None:
        self._bus.send(jeepney.new_method_return(message, signature, body))

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]
    ) -> None:
        emitter = jeepney.DBusAddress(path, interface=interface)
        self._bus.send(jeepney.new_signal(emitter, member, signature or None, body))
