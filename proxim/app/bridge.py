"""The bridge joins the program's threads: it starts them, and has the only queue between them.

The network side runs on its own asyncio thread. What it publishes for people waits in one queue for
the main thread, and what people decide is posted to the loop. Lines of standard input use the same
queue. The queue drops nothing; what comes often and may be skipped has a slot in it, which keeps
only the newest value. A main thread that cannot wait for the queue, because it waits for Tk, is
woken.
"""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TextIO, Union

# At run time the network side's thread imports these, while the main thread makes the window.
if TYPE_CHECKING:
    import asyncio

    from proxim.app.input_lines import InputEnded, InputLine
    from proxim.core.events import Intent
    from proxim.core.status import Status
    from proxim.io.desktop.requests import HandedOver

_log = logging.getLogger(__name__)

# How long the loop waits for the first paint. A window that takes longer has other problems.
PAINT_SECONDS: Final = 0.5


def new_event_loop() -> "asyncio.AbstractEventLoop":
    """Return the network side's loop.

    On Linux it is uvloop's, which saves a third of the cost of a WebRTC packet. On macOS uvloop's
    clock goes on while the machine sleeps (libuv's darwin.c), and io/system/sleep.py would count
    that time twice. Windows has no uvloop.
    """
    if sys.platform == "linux":
        import uvloop

        return uvloop.new_event_loop()
    import asyncio

    return asyncio.new_event_loop()


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody pressed Ctrl-C, or asked the program to end."""


@dataclass(frozen=True, slots=True)
class WindowWanted:
    """Somebody clicked a notification, and wants to see the window."""


@dataclass(frozen=True, slots=True)
class HandoverWanted:
    """Another program of the same person wants something of the window."""

    handed: "HandedOver"


QueueItem = Union["Status", "InputLine", "InputEnded", Interrupted, WindowWanted, HandoverWanted]


@dataclass(frozen=True, slots=True)
class _Slot:
    """Holds the place in the queue of the newest value of a key."""

    key: Hashable


class NetworkSide(Protocol):
    """What the bridge runs on the asyncio thread."""

    def open(self) -> None:
        """Publish the first statuses. There is no loop yet."""

    async def run(self) -> None:
        """Run on the loop until an intent ends it."""

    def report(self, intent: "Intent", /) -> None:
        """Handle an intent on the loop. `run` has come to its first pause by then."""


class Bridge:
    """Joins the main thread and the asyncio thread.

    Create, start, drain and `post` on the main thread; any thread may publish.
    """

    def __init__(self) -> None:
        self._main_thread = threading.get_ident()
        self._upward: queue.SimpleQueue[QueueItem | _Slot] = queue.SimpleQueue()
        self._newest_lock = threading.Lock()
        # The value for each _Slot in the queue.
        self._newest: dict[Hashable, Status] = {}
        self._wake: Callable[[], None] = _nobody_to_wake
        # Whether the main thread was woken and has not looked into the queue since then.
        self._woken = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._network_side: NetworkSide | None = None
        # Intents that were posted before the loop existed.
        self._early: list[Intent] = []
        self._thread: threading.Thread | None = None
        self._ended = False
        self._painted = threading.Event()

    # --- main thread ------------------------------------------------------------------------------

    def start(self, network_side: NetworkSide) -> None:
        """Start the asyncio thread, which opens and runs the network side."""
        self._thread = threading.Thread(
            target=self._run_network_side, args=(network_side,), name="proxim-io", daemon=True
        )
        self._thread.start()

    def painted(self) -> None:
        """Let the loop load, because the first status has been shown.

        Two threads share one interpreter, so loading earlier would delay the paint.
        """
        self._painted.set()

    def wake_with(self, wake: Callable[[], None] | None) -> None:
        """Call `wake` when there is something new in the queue, until it is None.

        Any thread and any signal handler may call it. It is called once for each `drain`, so a
        flood of statuses is no flood of calls. Look into the queue once after this.
        """
        self._wake = wake or _nobody_to_wake

    def interrupt(self) -> None:
        """Put Interrupted into the queue, so that the program ends.

        Signal handlers may call this, because a SimpleQueue can be filled inside any other call.
        """
        self._put(Interrupted())

    def read_lines(self, stream: TextIO) -> None:
        """Read `stream` to its end on its own thread, which is the only way on Windows."""
        # This is imported late, as a window reads none.
        from proxim.app.input_lines import read_lines

        threading.Thread(
            target=read_lines, args=(stream, self._put), name="proxim-input", daemon=True
        ).start()

    def post(self, intent: "Intent") -> None:
        """Hand a person's intent to the network side.

        After the network side has ended, the intent is dropped, because nobody can carry it out.
        """
        assert threading.get_ident() == self._main_thread
        with self._lock:
            if self._ended:
                return
            if self._network_side is None or self._loop is None:
                self._early.append(intent)
                return
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._network_side.report, intent)

    def drain(self, most: int) -> Iterator[QueueItem]:
        """Yield at most `most` items from the queue, without waiting.

        Only what comes after this calls `wake`. What is left over does not; see `has_items`.
        """
        # This comes before the first look. Otherwise an item that comes between the two would find
        # that somebody is awake, and be seen by nobody.
        self._woken = False
        for _ in range(most):
            try:
                item = self._upward.get_nowait()
            except queue.Empty:
                return
            yield self._emptied(item)

    @property
    def has_items(self) -> bool:
        """Whether the queue has items."""
        return not self._upward.empty()

    def wait(self, seconds: float) -> QueueItem | None:
        """Return the next item from the queue, or None after `seconds`."""
        try:
            item = self._upward.get(timeout=seconds)
        except queue.Empty:
            return None
        return self._emptied(item)

    def _emptied(self, item: QueueItem | _Slot) -> QueueItem:
        if not isinstance(item, _Slot):
            return item
        with self._newest_lock:
            return self._newest.pop(item.key)

    # --- any thread -------------------------------------------------------------------------------

    def publish(self, status: "Status") -> None:
        """Put a status into the queue, from which the main thread takes each one in order."""
        self._put(status)

    def publish_newest(self, key: Hashable, status: "Status") -> None:
        """Publish a status that replaces an earlier one of this key which still waits.

        It keeps the earlier one's place, so keys are taken in the order in which they first came.
        A busy main thread finds one status of a key in the queue, however many were published.
        """
        with self._newest_lock:
            if key not in self._newest:
                self._upward.put(_Slot(key))
            self._newest[key] = status
        self._call_main_thread()

    def want_window(self) -> None:
        """Let the main thread bring the window to the front."""
        self._put(WindowWanted())

    def hand_over(self, handed: "HandedOver") -> None:
        """Pass the main thread what another program of the same person wants."""
        self._put(HandoverWanted(handed))

    def _put(self, item: QueueItem) -> None:
        self._upward.put(item)
        self._call_main_thread()

    def _call_main_thread(self) -> None:
        # Two threads may both call `wake`, which does no harm. An item is in the queue before this
        # is read, and the main thread changes it before it looks there.
        if not self._woken:
            self._woken = True
            self._wake()

    # --- asyncio thread ---------------------------------------------------------------------------

    def _run_network_side(self, network_side: NetworkSide) -> None:
        try:
            network_side.open()
            self._painted.wait(PAINT_SECONDS)
            import asyncio

            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._run_on_loop(network_side))
        # Whatever the error is, the person must see that nothing works any more.
        except Exception as error:  # noqa: BLE001
            from proxim.core.crash_log import describe_crash
            from proxim.core.errors import Problem, Reason
            from proxim.core.status import Stopped, Trouble

            # The person comes first: a log may fail, too.
            self.publish(Trouble(Problem(Reason.INTERNAL, type(error).__name__)))
            self.publish(Stopped())
            _log.error("the network side crashed: %s", describe_crash(error))
        finally:
            with self._lock:
                self._ended = True
                self._early.clear()

    async def _run_on_loop(self, network_side: NetworkSide) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_loop_error)
        with self._lock:
            self._loop, self._network_side = loop, network_side
            early, self._early = self._early, []
        # The loop calls these, and what is posted from now on, once `run` first waits.
        for intent in early:
            loop.call_soon(network_side.report, intent)
        await network_side.run()


def _nobody_to_wake() -> None:
    """Do nothing, for a main thread that waits for the queue itself."""


def _log_loop_error(loop: "asyncio.AbstractEventLoop", context: dict[str, object]) -> None:
    """Log an error that no task of ours owns.

    Such errors come from aiortc's background tasks after bad data from a peer. The link's own
    timers notice the failure.
    """
    error = context.get("exception")
    _log.info("in the background: %s (%s)", context.get("message"), type(error).__name__)
