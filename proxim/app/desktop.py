"""Runs the window on the main thread, and regularly passes it what the network side publishes."""

import gc
import time
import tkinter
from typing import Final

from proxim.app.bridge import Bridge, InputEnded, InputLine, Interrupted
from proxim.app.options import ThemeOption, WindowOptions
from proxim.app.startup import Startup
from proxim.core import events as ev
from proxim.core import status as st
from proxim.ui.window.appearance import Appearance
from proxim.ui.window.root import make_root
from proxim.ui.window.window import Window

# The pause while something is going on. People notice delays from some 100 ms.
TICK_MS: Final = 40
# The pause otherwise. 25 idle looks a second would cost 0.6 % of a core; these cost 0.1 %.
IDLE_TICK_MS: Final = 200
# How long the program counts as busy after a status, because pairing and talking come in bursts.
BUSY_SECONDS: Final = 3.0
# The pause until the first code is on the screen.
FIRST_TICK_MS: Final = 2
# The window is complete by then.
SETTLED_MS: Final = 1000
# The pause between two looks for garbage. A busy second leaves a few MB of it at most.
COLLECT_MS: Final = 1000
# This limit leaves time to paint during a flood of statuses.
STATUSES_PER_TICK: Final = 50
# One second more than the network side needs at most (io/limits.py, SHUTDOWN_SECONDS).
GOODBYE_SECONDS: Final = 4.0


def open_desktop(options: WindowOptions, bridge: Bridge) -> "Desktop | None":
    """Start the network side and make the window.

    Returns None, with nothing started, if there is no display.
    """
    appearance = Appearance()
    if options.theme is ThemeOption.SYSTEM:
        appearance.ask()
    try:
        root = make_root()
    except tkinter.TclError:
        return None
    bridge.start(Startup(options, bridge))
    window = Window(
        root, bridge.post, theme=options.theme.value, appearance=appearance, folder=_downloads
    )
    return Desktop(root, window, bridge)


def _downloads() -> str:
    """Return the folder for received files unless the person chooses another.

    The network side asks for the same one (io/files/executor.py).
    """
    # Imported late, because the window must show soon.
    from proxim.io.system.user_folders import downloads_folder

    return str(downloads_folder() or "")


class Desktop:
    """The running window program."""

    def __init__(self, root: tkinter.Tk, window: Window, bridge: Bridge) -> None:
        self._root = root
        self._window = window
        self._bridge = bridge
        self._painted = False
        self._busy_until = 0.0
        self._leaving_since: float | None = None
        self._net_ended = False
        window.on_close = self._leave

    def run(self) -> int:
        """Show the window until it is closed. Returns the exit status."""
        self._root.after(SETTLED_MS, self._collect_garbage)
        # It is not called directly, so that what it raises reaches Tk's report.
        self._root.after(FIRST_TICK_MS, self._tick)
        self._root.mainloop()
        return 0

    def _tick(self) -> None:
        try:
            self._drain()
        # This also runs after a status that could not be shown. The window shows that failure and
        # goes on.
        finally:
            if self._may_end():
                self._root.destroy()
            else:
                self._root.after(self._pause_ms(), self._tick)

    def _collect_garbage(self) -> None:
        """Look for garbage, on this thread only; the collector is off (app/main.py).

        A Tk variable or picture that is collected calls Tk. On the network's thread this call would
        wait for the main thread, so that links would fall silent while a dialog of the system is
        open, and the end of the program would wait for itself.
        """
        due = [
            generation
            for generation, (count, limit) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if count > limit
        ]
        if due:
            # This collects the younger generations, too.
            gc.collect(due[-1])
        self._root.after(COLLECT_MS, self._collect_garbage)

    def _pause_ms(self) -> int:
        if not self._painted:
            return FIRST_TICK_MS
        return TICK_MS if time.monotonic() < self._busy_until else IDLE_TICK_MS

    def _drain(self) -> None:
        for item in self._bridge.drain(STATUSES_PER_TICK):
            match item:
                case st.Stopped():
                    # The network side ended as we asked, or by a crash.
                    self._net_ended = self._painted = True
                    self._window.show(item)
                case Interrupted():
                    self._leave()
                case InputLine() | InputEnded():
                    # A window reads no standard input.
                    continue
                case status:
                    self._window.show(status)
            self._busy_until = time.monotonic() + BUSY_SECONDS
            if isinstance(item, (st.Invitation, st.NoInvitation)) and not self._painted:
                self._painted = True
                self._root.update_idletasks()
                self._bridge.painted()

    def _may_end(self) -> bool:
        if self._leaving_since is None:
            return False
        return self._net_ended or time.monotonic() - self._leaving_since > GOODBYE_SECONDS

    def _leave(self) -> None:
        if self._leaving_since is None:
            self._leaving_since = time.monotonic()
            self._root.withdraw()
            self._bridge.post(ev.Shutdown())
