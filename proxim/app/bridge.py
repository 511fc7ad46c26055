"""The bridge joins the program's threads: it starts them, and has the only queue between them.

The network side runs on its own asyncio thread. What it publishes for people waits in one queue for
the main thread, and what people decide is posted to the loop. Lines of standard input use the same
queue.
"""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TextIO, Union

# At run time the network side's thread imports these, while the main thread makes the window.
if TYPE_CHECKING:
    import asyncio

    from proxim.core.files.events import AnyIntent
    from proxim.core.status import Status

_log = logging.getLogger(__name__)

# How long the loop waits for the first paint. A window that takes longer has other problems.
PAINT_SECONDS: Final = 0.5
# A text of 1 MiB becomes 6 MiB when escaped. Without a limit one line could fill the memory.
MAX_LINE_CHARACTERS: Final = 8 * 1024 * 1024


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
class InputLine:
    """A line of standard input, without its line break."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Standard input is at its end."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody pressed Ctrl-C, or asked the program to end."""


QueueItem = Union["Status", InputLine, InputEnded, Interrupted]


class NetSide(Protocol):
    """The part of the network side that the bridge uses, always on the loop's thread."""

    async def run(self) -> None:
        """Run until an intent ends it."""

    def report(self, event: "AnyIntent", /) -> None:
        """Handle an intent."""


# The outer function is called with `publish` before there is a loop, and publishes the first
# statuses. The function that it returns is called on the loop.
MakeNet = Callable[[Callable[["Status"], None]], Callable[[], NetSide]]


class Bridge:
    """Joins the main thread and the asyncio thread.

    Create, start, drain and `post` on the main thread.
    """

    def __init__(self) -> None:
        self._main_thread = threading.get_ident()
        self._upward: queue.SimpleQueue[QueueItem] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._net: NetSide | None = None
        # Intents that were posted before the loop existed.
        self._early: list[AnyIntent] = []
        self._thread: threading.Thread | None = None
        self._ended = False
        self._painted = threading.Event()

    # --- main thread ------------------------------------------------------------------------------

    def start(self, make_net: MakeNet) -> None:
        """Start the asyncio thread.

        `make_net` runs on that thread, so that its imports do not delay the UI.
        """
        self._thread = threading.Thread(
            target=self._run_net, args=(make_net,), name="proxim-io", daemon=True
        )
        self._thread.start()

    def painted(self) -> None:
        """Let the loop load, because the first status has been shown.

        Two threads share one interpreter, so loading earlier would delay the paint.
        """
        self._painted.set()

    def interrupt(self) -> None:
        """Put Interrupted into the queue, so that the program ends.

        Signal handlers may call this, because a SimpleQueue can be filled inside any other call.
        """
        self._upward.put(Interrupted())

    def read_lines(self, stream: TextIO) -> None:
        """Read `stream` to its end on its own thread, which is the only way on Windows."""
        threading.Thread(
            target=self._read_lines, args=(stream,), name="proxim-input", daemon=True
        ).start()

    def post(self, intent: "AnyIntent") -> None:
        """Hand a person's intent to the network side.

        After the network side has ended, the intent is dropped, because nobody can carry it out.
        """
        assert threading.get_ident() == self._main_thread
        with self._lock:
            if self._ended:
                return
            if self._net is None or self._loop is None:
                self._early.append(intent)
                return
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._net.report, intent)

    def drain(self, most: int) -> Iterator[QueueItem]:
        """Yield at most `most` items from the queue, without waiting."""
        for _ in range(most):
            try:
                yield self._upward.get_nowait()
            except queue.Empty:
                return

    def wait(self, seconds: float) -> QueueItem | None:
        """Return the next item from the queue, or None after `seconds`."""
        try:
            return self._upward.get(timeout=seconds)
        except queue.Empty:
            return None

    # --- asyncio thread ---------------------------------------------------------------------------

    def _publish(self, status: "Status") -> None:
        self._upward.put(status)

    def _run_net(self, make_net: MakeNet) -> None:
        try:
            finish = make_net(self._publish)
            self._painted.wait(PAINT_SECONDS)
            import asyncio

            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._net_main(finish))
        # Whatever the error is, the person must see that nothing works any more.
        except Exception as error:  # noqa: BLE001
            from proxim.core.crash_log import describe_crash
            from proxim.core.errors import Problem, Reason
            from proxim.core.status import Stopped, Trouble

            _log.error("the network side crashed: %s", describe_crash(error))
            self._publish(Trouble(Problem(Reason.INTERNAL, type(error).__name__)))
            self._publish(Stopped())
        finally:
            with self._lock:
                self._ended = True
                self._early.clear()

    async def _net_main(self, finish: Callable[[], NetSide]) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_loop_error)
        net = finish()
        run: Coroutine[None, None, None] = net.run()
        with self._lock:
            self._loop, self._net = loop, net
            early, self._early = self._early, []
        for intent in early:
            loop.call_soon(net.report, intent)
        await run

    # --- input thread -----------------------------------------------------------------------------

    def _read_lines(self, stream: TextIO) -> None:
        try:
            while line := stream.readline(MAX_LINE_CHARACTERS):
                self._upward.put(InputLine(line.rstrip("\r\n")))
                # The line was too long. What is left of it must not be read as a line of its own.
                while line and not line.endswith("\n"):
                    line = stream.readline(MAX_LINE_CHARACTERS)
        except (OSError, ValueError) as error:
            # The stream is closed, or is not text.
            _log.warning("standard input cannot be read: %s", type(error).__name__)
        self._upward.put(InputEnded())


def _log_loop_error(loop: "asyncio.AbstractEventLoop", context: dict[str, object]) -> None:
    """Log an error that no task of ours owns.

    Such errors come from aiortc's background tasks after bad data from a peer. The link's own
    timers notice the failure.
    """
    error = context.get("exception")
    _log.info("in the background: %s (%s)", context.get("message"), type(error).__name__)
