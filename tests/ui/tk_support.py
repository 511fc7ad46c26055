"""Helpers for the tests of the window: a virtual screen, a test bench that runs Tk's event loop and
controls its timers, sample statuses and pictures of the screen.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
import tkinter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageGrab, features

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.ui.window.root import make_root
from proxim.ui.window.theme import ThemeChoice
from proxim.ui.window.window import Window
from tests.paths import ARTIFACTS

# This is in seconds. No test needs so long, but a busy machine may.
PATIENCE: Final = 10.0
LOOK_AGAIN_MS: Final = 20
# Names are shown up to this length.
LONG_NAME: Final = "Wolfgang-Amadeus-Mozarts-uralter-Rechner"
URL: Final = (
    "http://192.168.178.123:47800/#abcdefghijklmnopqrstuw.abcdefghijklmnopqrstuv"
    ".123e4567-e89b-12d3-a456-426614174000"
)
WIFI: Final = ev.Network("192.168.178.123", 24, "Wi-Fi", virtual=False)
DOCKER: Final = ev.Network("172.17.0.1", 16, "docker0", virtual=True)


class NoScreenError(Exception):
    """Raised when there is no display and Xvfb cannot provide one."""


def xvfb(dpi: int) -> Iterator[str]:
    """Run Xvfb while the generator lives; yield the value for DISPLAY."""
    program = shutil.which("Xvfb")
    if program is None:
        raise NoScreenError("no display, and Xvfb is not installed")
    reads, writes = os.pipe()
    command = [
        program,
        "-displayfd",
        str(writes),
        "-screen",
        "0",
        "1600x1400x24",
        "-dpi",
        str(dpi),
        "-nolisten",
        "tcp",
        # Otherwise it begins anew when its last client leaves, and refuses who comes just then.
        "-noreset",
    ]
    with subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL) as server:
        os.close(writes)
        with os.fdopen(reads) as pipe:
            # Xvfb writes its display number once it is ready.
            number = pipe.readline().strip()
        try:
            if not number:
                raise NoScreenError("Xvfb did not start")
            yield f":{number}"
        finally:
            server.terminate()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class HeldTimers:
    """Replaces Tk's timers by timers on the bench's clock; those that are due run in `Bench.pump`.

    So no test waits in real time for a tick or for a button to become active. Timers of at most
    MOMENT_MS stay with Tk, because they only let Tk finish its current work.
    """

    MOMENT_MS: Final = 50
    REAL: Final = "after_in_real_time"

    def __init__(self, root: tkinter.Tk, clock: Clock) -> None:
        self._tk = root.tk
        self._clock = clock
        self._count = 0
        self._held: dict[str, tuple[float, str]] = {}
        # How many timers have run.
        self.runs = 0
        self._tk.call("rename", "after", self.REAL)
        for command in (self._hold, self._holds, self._forget, self._script):
            self._tk.createcommand(f"bench{command.__name__}", command)
        # Tk's own library and tkinter both call this procedure. Errors of the real command stay
        # Tcl's.
        self._tk.eval(f"""
            proc after {{first args}} {{
                set id [lindex $args 0]
                if {{$first eq "cancel" && [bench_holds $id]}} {{ return [bench_forget $id] }}
                if {{$first eq "info" && [bench_holds $id]}} {{
                    return [list [bench_script $id] timer]
                }}
                set long [expr {{[string is integer $first] && $first > {self.MOMENT_MS}}}]
                if {{$long && [llength $args]}} {{ return [bench_hold $first [concat {{*}}$args]] }}
                uplevel 1 [list {self.REAL} $first {{*}}$args]
            }}
        """)

    def _hold(self, milliseconds: str, script: str) -> str:
        self._count += 1
        id = f"bench#{self._count}"
        self._held[id] = (self._clock.now + int(milliseconds) / 1000, script)
        return id

    def _holds(self, id: str = "") -> bool:
        return id in self._held

    def _forget(self, id: str) -> None:
        del self._held[id]

    def _script(self, id: str) -> str:
        return self._held[id][1]

    def run_due(self) -> None:
        """Run all timers whose time has come, the earliest first."""
        while True:
            due = [(when, id) for id, (when, _) in self._held.items() if when <= self._clock.now]
            if not due:
                return
            _, script = self._held.pop(min(due)[1])
            self.runs += 1
            self._tk.eval(script)


class Bench:
    """A window, the intents that it posted, and the clock that it uses."""

    def __init__(self, theme: ThemeChoice = "light") -> None:
        self.clock = Clock()
        self.posted: list[ev.Intent] = []
        self.root = make_root()
        self.timers = HeldTimers(self.root, self.clock)
        self.window = Window(self.root, self.posted.append, theme=theme, clock=self.clock)
        self.window.painted()

    def pump(self, so: Callable[[], object], what: str = "") -> None:
        """Run Tk until `so` is true, without sleeping; only the test moves the clock."""
        deadline = time.monotonic() + PATIENCE
        self.timers.run_due()
        while not so():
            assert time.monotonic() < deadline, f"never happened: {what or so}"
            # The loop also looks at `so` now and then, because not every change makes a Tk event.
            alarm = self.root.tk.call(HeldTimers.REAL, LOOK_AGAIN_MS, "list")
            self.root.tk.dooneevent(0)
            self.root.tk.call(HeldTimers.REAL, "cancel", alarm)
            self.timers.run_due()

    def settle(self) -> None:
        """Let Tk handle everything that is due now."""
        self.timers.run_due()
        self.root.update()

    def wait_until_whole(self) -> None:
        """Wait until the window has the size that it asks for."""
        self.settle()
        root = self.root
        self.pump(
            lambda: (
                root.winfo_width() >= root.winfo_reqwidth()
                and root.winfo_height() >= root.winfo_reqheight()
            )
        )

    def focus(self, widget: tkinter.Misc) -> None:
        """Give a widget the focus as if the window were active: there is no window manager."""
        self.pump(widget.winfo_viewable, "the widget is on the screen")
        widget.focus_force()
        self.wait_for_focus(widget)

    def focused(self) -> tkinter.Misc | None:
        """Return the widget that has the focus."""
        return self.root.focus_get()

    def wait_for_focus(self, widget: tkinter.Misc) -> None:
        """Wait until the widget has the focus."""
        self.pump(lambda: self.focused() is widget, f"{widget} has the focus")

    def key(self, widget: tkinter.Misc, *keys: str) -> None:
        """Press keys, "a" or "<Return>", in the widget that has the focus."""
        for key in keys:
            sequence = key if key.startswith("<") else f"<Key-{ {'-': 'minus'}.get(key, key) }>"
            widget.event_generate(sequence)
            if sequence.startswith("<Key-"):
                widget.event_generate(sequence.replace("<Key-", "<KeyRelease-"))
        self.settle()

    def clipboard(self) -> str:
        """Return the text on the clipboard."""
        return str(self.root.clipboard_get())

    def picture(self, name: str) -> Path | None:
        """Save a picture of the screen for people to look at; return None if that is impossible."""
        if sys.platform.startswith("linux") and not features.check("xcb"):
            return None
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"window-{name}.png"
        self.settle()
        image: Image.Image = ImageGrab.grab(xdisplay=os.environ.get("DISPLAY"))
        # There are many pictures, so saving must be fast. The screen around the windows is black.
        image.crop(image.getbbox()).save(path, compress_level=1)
        return path

    # --- statuses as the machines publish them ----------------------------------------------------

    def begin(self) -> None:
        """Show the statuses that every program publishes first."""
        self.window.show(st.ThisDevice(DeviceInfo("Ada's laptop", "id-of-ada")))
        self.window.show(st.Networks((WIFI,), WIFI.address))
        self.window.show(self.invitation())

    def invitation(
        self,
        code: str | None = "02501-WK381",
        kind: ev.SessionType = ev.SessionType.ONE_TIME,
        life: float | None = 900.0,
    ) -> st.Invitation:
        """Return the status of a session that shows a code."""
        expires = None if life is None else self.clock.now + life
        return st.Invitation("session-1", "uuid-1", code, URL, kind, expires)

    def prompt(
        self,
        name: str = "Grace's phone",
        verified: Verified | None = None,
        session: str = "session-1",
    ) -> st.Prompt:
        """Return a request of a device that asks to join."""
        device = DeviceInfo(name, "9b2f0c5e-7a61-4c0e-8d7f-0a1b2c3d4e5f")
        number = request_number(session)
        return st.Prompt(session, device, "192.168.178.42", verified, self.clock.now + 40, number)


MakeBench = Callable[[ThemeChoice], Bench]


def request_number(session: str) -> int:
    """Return the number of the bench's prompt, such as 13 for "session-3": it differs for each
    session and is never a default.
    """
    return 10 + int(session.rpartition("-")[2])


def link(
    name: str = "Grace's phone",
    stage: st.Stage = st.Stage.CONNECTED,
    link_id: str = "host-1",
    verified: Verified | None = Verified.CODE,
) -> st.LinkStatus:
    """Return the status of a link; it is connected unless another stage is given."""
    connected = stage is st.Stage.CONNECTED
    return st.LinkStatus(
        ev.LinkID(link_id),
        "session-1",
        stage,
        name,
        "192.168.178.42",
        verified,
        as_guest=link_id.startswith("guest-"),
        features=(st.TEXT, st.FILES) if connected else (),
        was_connected=connected,
    )


def transfer(
    number: int = 1,
    *paths: str,
    state: file_st.TransferState = file_st.TransferState.ACTIVE,
    direction: Direction = Direction.OUT,
    size: int = 8_400_000,
    link_id: str | None = "host-1",
) -> file_st.TransferStatus:
    """Return the status of a transfer of these files; `size` is the size of all together."""
    names = paths or (f"photo{number}.jpg",)
    entries = tuple(Entry(path, size // len(names)) for path in names)
    whole = sum(entry.size for entry in entries)
    moved = whole if state is file_st.TransferState.DONE else 0
    link = None if link_id is None else ev.LinkID(link_id)
    return file_st.TransferStatus(
        TransferID(f"transfer-{number}"),
        direction,
        state,
        entries,
        whole,
        link,
        "Grace's phone",
        moved,
        needs_answer=state is file_st.TransferState.ANNOUNCED and direction is Direction.IN,
    )


def camera(number: int = 1, count: int = 20_000) -> file_st.TransferStatus:
    """Return an incoming transfer of `count` files, which needs an answer."""
    inside = tuple(
        Entry(f"Holiday/2026/IMG_{at:05}.jpg", 3_100_000 + at) for at in range(count - 2)
    )
    entries = (Entry("Holiday", directory=True), Entry("Holiday/2026", directory=True), *inside)
    size = sum(entry.size for entry in entries)
    transfer_id = TransferID(f"transfer-{number}")
    state = file_st.TransferState.ANNOUNCED
    return file_st.TransferStatus(
        transfer_id,
        Direction.IN,
        state,
        entries,
        size,
        ev.LinkID("host-1"),
        "Grace's phone",
        needs_answer=True,
    )


class ErrorCollector(logging.Handler):
    """Keeps the messages that were logged as errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def copied_elsewhere(bench: Bench, target: str, data: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """Let another program own the clipboard with this content, and yield that program."""
    program = shutil.which("xclip")
    if program is None:
        pytest.skip("needs xclip")
    # This window first takes over the clipboard, so that losing it shows that the other program has
    # it: another test may have left something of the same type there.
    bench.root.selection_own(selection="CLIPBOARD")
    # Otherwise the request might reach the display after the other program's.
    bench.settle()
    # With -quiet the program stays in the foreground, so it can be ended with the test.
    command = [program, "-quiet", "-selection", "clipboard", "-t", target, "-i"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
        try:
            bench.pump(
                lambda: not owns_clipboard(bench) and target in offered(bench),
                "the other program has the clipboard",
            )
            yield process
        finally:
            process.kill()


def owns_clipboard(bench: Bench) -> bool:
    """Return whether this program owns the clipboard."""
    return bool(bench.root.tk.call("selection", "own", "-selection", "CLIPBOARD"))


def offered(bench: Bench) -> list[str]:
    """Return the types in which the clipboard's content is offered."""
    try:
        given = bench.root.tk.call(
            "selection", "get", "-displayof", ".", "-selection", "CLIPBOARD", "-type", "TARGETS"
        )
        return list(map(str, bench.root.tk.splitlist(given)))
    except tkinter.TclError:
        # The clipboard is empty.
        return []
