"""Runs the window on the main thread, and passes it what the network side publishes."""

from __future__ import annotations

import gc
import math
import signal
import time
import tkinter
from typing import TYPE_CHECKING, Final

from proxim.app.bridge import Bridge, HandoverWanted, Interrupted, WindowWanted
from proxim.app.host_options import ThemeOption, WindowOptions
from proxim.app.startup import Startup
from proxim.app.wakeup import watch
from proxim.core.pairing.opening import Invitation, NoInvitation, OpeningStatus
from proxim.ui.window.appearance import Appearance
from proxim.ui.window.root import make_root
from proxim.ui.window.window import Window

# These are loaded after the first paint.
if TYPE_CHECKING:
    from proxim.app.input_lines import InputEnded, InputLine
    from proxim.app.surroundings import Surroundings
    from proxim.core import status as st
    from proxim.io.desktop.instance import Claim

# The least time between two looks into the queue, once the window is painted. Tk uses it to paint
# and to take keys while statuses come fast. People notice delays from some 100 ms.
PAUSE_SECONDS: Final = 0.04
# The same while another device's screen is seen: as long as a picture lasts at 120 a second.
DRAW_SECONDS: Final = 0.008
# After the first paint: it is on the screen by then. Other programs of this person wait so long.
SERVE_MS: Final = 100
# The window is complete by then.
SETTLED_MS: Final = 1000
# The pause between two looks for garbage. A busy second leaves a few MB of it at most.
COLLECT_MS: Final = 1000
# Each look that finds nothing to do doubles the pause, up to this one, since it wakes a program
# that rests. Guests who flood the network side leave some MB of garbage until it is noticed.
COLLECT_AT_REST_MS: Final = 4000
# How long after the end of a link all garbage is collected. The link's objects refer to each other,
# and the network side has closed them by then. It returns the memory a second later.
LEFT_MS: Final = 2000
# This limit leaves time to paint during a flood of statuses.
STATUSES_PER_LOOK: Final = 50
# One second more than the network side needs at most (io/limits.py, SHUTDOWN_SECONDS).
GOODBYE_MS: Final = 4000


def open_desktop(
    options: WindowOptions, bridge: Bridge, claim: Claim | None = None
) -> Desktop | None:
    """Start the network side and make the window; `claim` says that it is the first one.

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
    return Desktop(root, window, bridge, options, claim)


def _downloads() -> str:
    """Return the folder for received files unless the person chooses another.

    The network side asks for the same one (io/files/executor.py).
    """
    # Imported late, because the window must show soon.
    from proxim.io.system.user_folders import downloads_folder

    return str(downloads_folder() or "")


class Desktop:
    """The running window program."""

    def __init__(
        self,
        root: tkinter.Tk,
        window: Window,
        bridge: Bridge,
        options: WindowOptions = WindowOptions(),  # noqa: B008 - immutable
        claim: Claim | None = None,
    ) -> None:
        self._root = root
        self._window = window
        self._bridge = bridge
        self._options = options
        self._claim = claim
        # It exists soon after the first paint.
        self._surroundings: Surroundings | None = None
        self._painted = False
        self._leaving = False
        self._net_ended = False
        # The next look into the queue, if one is due.
        self._look_timer: str | None = None
        self._next_look_at = 0.0
        self._collect_timer: str | None = None
        self._collect_pause_ms = COLLECT_MS
        window.on_close = self._leave

    def run(self) -> int:
        """Show the window until it is closed. Returns the exit status."""
        wake_up = watch(self._root, self._look_soon)
        self._bridge.wake_with(wake_up.send)
        # Python handles a signal when the main thread next runs Python, and now it waits for Tk.
        before = signal.set_wakeup_fd(wake_up.fileno(), warn_on_full_buffer=False)
        self._root.after(SETTLED_MS, self._settled)
        # This finds what came before.
        self._look_soon()
        try:
            self._root.mainloop()
        finally:
            signal.set_wakeup_fd(before)
            self._bridge.wake_with(None)
            wake_up.close()
            self._let_go()
        return 0

    def _look_soon(self) -> None:
        """Look into the queue when Tk next runs timers, or after the pause."""
        if self._look_timer is None:
            wait = max(0.0, self._next_look_at - time.monotonic())
            # It is not called directly, so that what it raises reaches Tk's report.
            self._look_timer = self._root.after(math.ceil(wait * 1000), self._look)

    def _look(self) -> None:
        self._look_timer = None
        try:
            self._drain()
        # This also runs after a status that could not be shown. The window shows that failure and
        # goes on.
        finally:
            if self._painted:
                pause = DRAW_SECONDS if self._window.draws else PAUSE_SECONDS
                self._next_look_at = time.monotonic() + pause
            if self._leaving and self._net_ended:
                self._root.destroy()
            elif self._bridge.has_items:
                self._look_soon()

    def _meet_desktop(self) -> Surroundings:
        if self._surroundings is None:
            # It is imported late, as the first paint needs none of it.
            from proxim.app.surroundings import Surroundings

            self._surroundings = Surroundings(self._window, self._bridge, quiet=self._options.quiet)
        return self._surroundings

    def _serve_others(self) -> None:
        """Hand over what the program was started with, and answer the programs that come later."""
        if self._options.send:
            from proxim.core.handover import HandoverRequest

            request = HandoverRequest(self._options.send, self._options.to)
            self._meet_desktop().hand(request)
        if self._claim is not None:
            from proxim.app.handing import deliver_by

            self._claim.serve(deliver_by(self._bridge))

    def _let_go(self) -> None:
        """Let another program be the first one, and take back what the desktop shows."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        if self._surroundings is not None:
            self._surroundings.close()

    def _settled(self) -> None:
        """Start to look for garbage, and return the memory that only the start needed."""
        # It is imported late, as the first paint needs none of it.
        from proxim.io.system.memory import give_back_memory

        self._collect_garbage()
        give_back_memory()

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
        doubled = min(2 * self._collect_pause_ms, COLLECT_AT_REST_MS)
        self._plan_collection(COLLECT_MS if due else doubled)

    def _plan_collection(self, pause_ms: int) -> None:
        self._collect_pause_ms = pause_ms
        self._collect_timer = self._root.after(pause_ms, self._collect_garbage)

    def _collect_soon(self) -> None:
        """Look for garbage as often as in a busy program, if it is looked for at all yet."""
        if self._collect_timer is not None and self._collect_pause_ms > COLLECT_MS:
            self._root.after_cancel(self._collect_timer)
            self._plan_collection(COLLECT_MS)

    def _drain(self) -> None:
        self._collect_soon()
        for item in self._bridge.drain(STATUSES_PER_LOOK):
            match item:
                case Interrupted():
                    self._leave()
                case WindowWanted() | HandoverWanted() if self._leaving:
                    # The window is gone, and the next program is the first one.
                    continue
                case WindowWanted():
                    self._window.come_to_front()
                case HandoverWanted(handed):
                    handed.answer(self._meet_desktop().hand)
                case status:
                    self._show(status)

    def _paint(self) -> None:
        """Paint the first code, or why there is none, and let all the rest begin."""
        self._painted = True
        self._root.update_idletasks()
        self._bridge.painted()
        self._window.painted()
        self._root.after(SERVE_MS, self._serve_others)

    def _show(self, status: st.Status | InputLine | InputEnded) -> None:
        if not self._painted and isinstance(status, OpeningStatus):
            self._window.show(status)
            if isinstance(status, Invitation | NoInvitation):
                self._paint()
            return
        # These are imported late, as the first paint needs none of them.
        from proxim.app.input_lines import InputEnded, InputLine
        from proxim.core import status as st

        if isinstance(status, InputLine | InputEnded):
            # A window reads no standard input.
            return
        if isinstance(status, st.Stopped):
            # The network side ended as we asked, or by a crash.
            self._net_ended = self._painted = True
            self._window.show(status)
            self._window.painted()
            return
        if isinstance(status, st.LinkStatus) and status.stage is st.Stage.CLOSED:
            self._root.after(LEFT_MS, gc.collect)
        # Before the status has a dialog opened, which takes the focus.
        in_front = self._window.attention.in_front
        self._window.show(status)
        self._follow(status, in_front=in_front)

    def _follow(self, status: st.Status, *, in_front: bool) -> None:
        """Let the person hear of a status. Those of the start are for the window alone."""
        from proxim.core import status as st

        if self._surroundings is not None or (
            self._painted and isinstance(status, (st.Prompts, st.LinkStatus, st.FeatureStatus))
        ):
            self._meet_desktop().follow(status, in_front=in_front)

    def _leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._root.withdraw()
            self._let_go()
            # It is imported late, as the first paint needs no intents.
            from proxim.core.events import Shutdown

            self._bridge.post(Shutdown())
            self._root.after(0 if self._net_ended else GOODBYE_MS, self._root.destroy)
