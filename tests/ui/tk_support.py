"""What the window's tests stand on: a screen of their own, a bench that pumps Tk until something is
so and holds Tk's timers until its clock has come so far, pictures.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
import tkinter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageGrab, features

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.ui.window.root import make_root
from proxim.ui.window.theme import ThemeChoice
from proxim.ui.window.window import Window
from tests.paths import ARTIFACTS

# Seconds; nothing here takes one, but a busy machine may
PATIENCE: Final = 10.0
LOOK_AGAIN_MS: Final = 20
# As long as names are shown
LONG_NAME: Final = "Wolfgang-Amadeus-Mozarts-uralter-Rechner"
URL: Final = (
    "http://192.168.178.123:47800/#s=abcdefghijklmnopqrstuv"
    "&u=123e4567-e89b-12d3-a456-426614174000&k=abcdefghijklmnopqrstuv"
)
WIFI: Final = ev.Network("192.168.178.123", 24, "Wi-Fi", virtual=False)
DOCKER: Final = ev.Network("172.17.0.1", 16, "docker0", virtual=True)


class NoScreenError(Exception):
    """There is no display, and no Xvfb to make one."""


def xvfb(dpi: int) -> Iterator[str]:
    """A screen of its own while the generator lives; its name for DISPLAY."""
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
    ]
    with subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL) as server:
        os.close(writes)
        with os.fdopen(reads) as pipe:
            # It is ready once it has said its number
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
    """Tk's timers, on the bench's clock: what is due runs when the bench pumps.

    So nobody waits for a tick or until a button may be pressed. Timers of a moment stay with Tk:
    they only let it finish first what it is at.
    """

    MOMENT_MS: Final = 50
    REAL: Final = "after_in_real_time"

    def __init__(self, root: tkinter.Tk, clock: Clock) -> None:
        self._tk = root.tk
        self._clock = clock
        self._count = 0
        self._held: dict[str, tuple[float, str]] = {}
        self._tk.call("rename", "after", self.REAL)
        for command in (self._hold, self._holds, self._forget, self._script):
            self._tk.createcommand(f"bench{command.__name__}", command)
        # Tk's own library and tkinter both come through here. Errors of the real command are Tcl's.
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
        """Run what the clock has reached, in its order."""
        while True:
            due = [(when, id) for id, (when, _) in self._held.items() if when <= self._clock.now]
            if not due:
                return
            _, script = self._held.pop(min(due)[1])
            self._tk.eval(script)


class Bench:
    """A window, what it posted, and the clock it goes by."""

    def __init__(self, theme: ThemeChoice = "light") -> None:
        self.clock = Clock()
        self.posted: list[file_ev.AnyIntent] = []
        self.root = make_root()
        self._timers = HeldTimers(self.root, self.clock)
        self.window = Window(self.root, self.posted.append, theme=theme, clock=self.clock)

    def pump(self, so: Callable[[], object], what: str = "") -> None:
        """Let Tk work until `so`: nothing sleeps, and time passes only where a test moves it."""
        deadline = time.monotonic() + PATIENCE
        self._timers.run_due()
        while not so():
            assert time.monotonic() < deadline, f"never happened: {what or so}"
            # Tk waits for its next event, but not for long: not all that is waited for makes one.
            alarm = self.root.tk.call(HeldTimers.REAL, LOOK_AGAIN_MS, "list")
            self.root.tk.dooneevent(0)
            self.root.tk.call(HeldTimers.REAL, "cancel", alarm)
            self._timers.run_due()

    def settle(self) -> None:
        """Let Tk do what it has to do now."""
        self._timers.run_due()
        self.root.update()

    def wait_until_whole(self) -> None:
        """Until the window has the size that it asks for."""
        self.settle()
        root = self.root
        self.pump(
            lambda: (
                root.winfo_width() >= root.winfo_reqwidth()
                and root.winfo_height() >= root.winfo_reqheight()
            )
        )

    def focus(self, widget: tkinter.Misc) -> None:
        """Give a widget the focus, as if the window were the active one; there is no window manager
        here.
        """
        self.pump(widget.winfo_viewable, "the widget is on the screen")
        widget.focus_force()
        self.wait_for_focus(widget)

    def focused(self) -> tkinter.Misc | None:
        """Who has the focus."""
        return self.root.focus_get()

    def wait_for_focus(self, widget: tkinter.Misc) -> None:
        """Until a widget has it."""
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
        """What was copied."""
        return str(self.root.clipboard_get())

    def picture(self, name: str) -> Path | None:
        """Keep a picture of the screen for people to look at; None where none can be taken."""
        if sys.platform.startswith("linux") and not features.check("xcb"):
            return None
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"window-{name}.png"
        self.settle()
        image: Image.Image = ImageGrab.grab(xdisplay=os.environ.get("DISPLAY"))
        # The least work for the packer: there are many.
        image.save(path, compress_level=1)
        return path

    # --- statuses as the machines tell them -------------------------------------------------------

    def begin(self) -> None:
        """What every program is told first."""
        self.window.show(st.ThisDevice(DeviceInfo("Ada's laptop", "id-of-ada")))
        self.window.show(st.Networks((WIFI,), WIFI.address))
        self.window.show(self.invitation())

    def invitation(
        self,
        code: str | None = "02501-WK381",
        kind: ev.SessionType = ev.SessionType.ONE_TIME,
        life: float | None = 900.0,
    ) -> st.Invitation:
        """A session whose code is shown."""
        expires = None if life is None else self.clock.now + life
        return st.Invitation("session-1", "uuid-1", code, URL, kind, expires)

    def prompt(
        self,
        name: str = "Grace's phone",
        verified: Verified | None = None,
        session: str = "session-1",
    ) -> st.Prompt:
        """Somebody asks."""
        device = DeviceInfo(name, "9b2f0c5e-7a61-4c0e-8d7f-0a1b2c3d4e5f")
        number = request_number(session)
        return st.Prompt(session, device, "192.168.178.42", verified, self.clock.now + 40, number)


MakeBench = Callable[[ThemeChoice], Bench]


def request_number(session: str) -> int:
    """Of the bench's prompt in "session-3": another for each, and none that a default could be."""
    return 10 + int(session.rpartition("-")[2])


def link(
    name: str = "Grace's phone",
    stage: st.Stage = st.Stage.CONNECTED,
    link_id: str = "host-1",
    verified: Verified | None = Verified.CODE,
) -> st.LinkStatus:
    """A link as it is told; connected, unless another stage is given."""
    connected = stage is st.Stage.CONNECTED
    return st.LinkStatus(
        ev.LinkID(link_id),
        "session-1",
        stage,
        name,
        "192.168.178.42",
        verified,
        can_text=connected,
        can_send_files=connected,
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
    """A transfer as it is told: of these files, which have one size together."""
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
    """As many files as one transfer may have, announced to us."""
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
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
