"""The executor carries out the machine's commands about mouse, keyboard and clipboard.

One thread uses mouse and keyboard, as long as somebody may control this screen. Each link's inputs
belong to a turn; when what waits is to be dropped, the turn ends, and the thread skips what is left
of it. What is injected may be a password: nothing here logs it.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.control.messages import PointerInput, TextInput
from proxim.core.crash_log import describe_crash
from proxim.core.errors import Reason
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.io.control.injector import (
    Clipboard,
    ControlError,
    Injector,
    open_clipboard,
    open_injector,
)
from proxim.io.link.stream import Spawn

_log = logging.getLogger(__name__)

# How often the thread looks whether somebody moved the mouse here, while nothing else is to be
# done. The mouse of this device has to win before anybody notices that it did not.
LOOK_SECONDS: Final = 0.05
# Nothing is held and nobody acts any more after so long (one more than SILENCE_SECONDS in
# core/screen/shower.py). The next input looks first itself, so looking now and then is enough.
REST_SECONDS: Final = 6.0
LOOK_AT_REST_SECONDS: Final = 1.0
# A text is typed in pieces of so many characters, so that it can be stopped.
PIECE_CHARACTERS: Final = 16
# How long the end of the program waits until everything is released, and for the clipboard. A
# display that hangs releases nothing, and the program ends all the same.
END_SECONDS: Final = 5.0

ControlEvent = (
    screen_ev.ControlFailed
    | screen_ev.LocalInput
    | screen_ev.InputIgnored
    | screen_ev.ClipboardRead
)


@dataclass(slots=True)
class _Turn:
    """What one link does until something drops it."""

    over: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    """One command for the thread; without an Inject it is to let go, and `ends` is the link whose
    control ends with that.
    """

    turn: _Turn
    inject: screen_do.Inject | None = field(default=None, repr=False)
    ends: ev.LinkID | None = None


class _Worker:
    """The thread, from the first link that may control to the last one."""

    def __init__(
        self,
        make: Callable[[], Injector],
        moved: Callable[[], None],
        ignored: Callable[[screen_ev.InputIgnored], None],
        failed: Callable[[Reason], None],
    ) -> None:
        """The thread calls `moved` when the mouse was moved here, `ignored` when what is done
        begins or ceases to be for our own windows, and `failed` when it must end.
        """
        self._make = make
        self._moved = moved
        self._ignored = ignored
        # The links that were told so, and not yet otherwise.
        self._ignored_of: set[ev.LinkID] = set()
        self._failed = failed
        # None ends the thread.
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # An X server that hangs must not keep the program from its end.
        self.thread = threading.Thread(target=self._run, name="control", daemon=True)
        self.thread.start()

    def add(self, job: _Job | None) -> None:
        """Give the thread something to do, from any thread; None is its end."""
        self._jobs.put(job)

    def _run(self) -> None:
        try:
            injector = self._make()
        except ControlError as error:
            _log.info("mouse and keyboard cannot be used: %s", error)
            self._failed(error.reason)
            return
        except Exception as error:  # noqa: BLE001
            _log.error("mouse and keyboard could not be got ready: %s", describe_crash(error))
            self._failed(Reason.CONTROL_UNSUPPORTED)
            return
        try:
            self._work(injector)
        except ControlError as error:
            _log.info("mouse and keyboard can no longer be used: %s", error)
            self._failed(error.reason)
        except Exception as error:  # noqa: BLE001
            _log.error("mouse and keyboard crashed: %s", describe_crash(error))
            self._failed(Reason.CONTROL_UNSUPPORTED)
        finally:
            # Nothing stays pressed, whatever happened.
            injector.close()

    def _work(self, injector: Injector) -> None:
        busy_until = 0.0
        while True:
            busy = time.monotonic() < busy_until
            jobs = self._next_jobs(LOOK_SECONDS if busy else LOOK_AT_REST_SECONDS)
            if jobs:
                busy_until = time.monotonic() + REST_SECONDS
            else:
                self._look(injector)
            for job in jobs:
                if job is None:
                    return
                self._do(injector, job)
            injector.repeat()

    def _look(self, injector: Injector) -> bool:
        """Return whether the mouse was moved here; then everything is released."""
        moved = injector.moved_here()
        if moved:
            injector.let_go()
            self._moved()
        return moved

    def _next_jobs(self, seconds: float) -> list[_Job | None]:
        """Return all that waits; nothing after so long without any."""
        try:
            jobs = [self._jobs.get(timeout=seconds)]
        except queue.Empty:
            return []
        with contextlib.suppress(queue.Empty):
            while jobs[-1] is not None:
                newer = self._jobs.get_nowait()
                if _replaces(newer, jobs[-1]):
                    jobs.pop()
                jobs.append(newer)
        return jobs

    def _do(self, injector: Injector, job: _Job) -> None:
        if job.inject is None:
            injector.let_go()
            if job.ends is not None:
                # What begins anew is told anew.
                self._ignored_of.discard(job.ends)
            return
        for what in _pieces(job.inject):
            if job.turn.over or self._look(injector):
                return
            injector.inject(what.monitor, what.input)
            self._tell_ignored(what.link, injector.ignored)

    def _tell_ignored(self, link: ev.LinkID, ignored: bool) -> None:
        if ignored != (link in self._ignored_of):
            self._ignored_of ^= {link}
            self._ignored(screen_ev.InputIgnored(link, ignored))


def _replaces(newer: _Job | None, older: _Job) -> bool:
    """Whether a job makes the one before it needless: the pointer has moved on."""
    if newer is None or newer.inject is None or older.inject is None:
        return False
    one, other = newer.inject.input, older.inject.input
    return (
        newer.turn is older.turn
        and isinstance(one, PointerInput)
        and isinstance(other, PointerInput)
        and one.buttons == other.buttons
    )


def _pieces(command: screen_do.Inject) -> Iterator[screen_do.Inject]:
    """Cut a text into pieces."""
    if not isinstance(command.input, TextInput):
        yield command
        return
    # A line break must not be cut into two.
    text = command.input.text.replace("\r\n", "\n")
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield replace(command, input=TextInput(text[start : start + PIECE_CHARACTERS]))


@dataclass(slots=True)
class _Watched:
    """The clipboard, as one link may read it."""

    opened: asyncio.Task[Clipboard | None]
    # It is not closed while it is read.
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: bool = False


class ControlExecutor:
    """Carries out the commands of control. All methods belong to the loop's thread."""

    def __init__(
        self,
        report: Callable[[ControlEvent], None],
        spawn: Spawn,
        make_injector: Callable[[], Injector] = open_injector,
        make_clipboard: Callable[[], Clipboard] = open_clipboard,
    ) -> None:
        self._report = report
        self._spawn = spawn
        self._make_injector = make_injector
        self._make_clipboard = make_clipboard
        self._loop = asyncio.get_running_loop()
        self._turns: dict[ev.LinkID, _Turn] = {}
        self._worker: _Worker | None = None
        # Those that still let go are waited for at the end.
        self._threads: list[threading.Thread] = []
        self._clipboards: dict[ev.LinkID, _Watched] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            screen_do.StartControl: self._start,
            screen_do.EndControl: self._end,
            screen_do.Inject: self._inject,
            screen_do.LetGo: self._let_go,
            screen_do.ReadClipboard: self._read_clipboard,
        }

    async def stop(self) -> None:
        """Release everything, and wait a bounded time until that is done."""
        for link in [*self._turns]:
            self._end(screen_do.EndControl(link))
        await asyncio.gather(
            *(asyncio.to_thread(thread.join, END_SECONDS) for thread in self._threads)
        )
        if self._closing:
            await asyncio.wait(self._closing, timeout=END_SECONDS)

    # --- mouse and keyboard -----------------------------------------------------------------------

    def _start(self, command: screen_do.StartControl) -> None:
        self._turns[command.link] = _Turn()
        opened = self._loop.create_task(self._open_clipboard())
        self._clipboards[command.link] = _Watched(opened)
        if self._worker is None:
            self._worker = self._new_worker()

    def _new_worker(self) -> _Worker:
        worker = _Worker(
            self._make_injector,
            moved=lambda: self._post(self._moved),
            ignored=lambda told: self._post(partial(self._tell_ignored, told)),
            failed=lambda reason: self._post(lambda: self._failed(worker, reason)),
        )
        self._threads = [one for one in self._threads if one.is_alive()] + [worker.thread]
        return worker

    def _end(self, command: screen_do.EndControl) -> None:
        turn = self._turns.pop(command.link, None)
        if turn is None:
            return
        turn.over = True
        watched = self._clipboards.pop(command.link)
        watched.over = True
        closing = self._spawn(self._close_clipboard(watched), "closing the clipboard")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        if self._worker is None:
            # It failed.
            return
        self._worker.add(_Job(turn, ends=command.link))
        if not self._turns:
            self._worker.add(None)
            self._worker = None

    def _inject(self, command: screen_do.Inject) -> None:
        if command.link in self._turns and self._worker is not None:
            self._worker.add(_Job(self._turns[command.link], command))

    def _let_go(self, command: screen_do.LetGo) -> None:
        turn = self._turns.get(command.link)
        if turn is None or self._worker is None:
            return
        if not command.in_turn:
            turn.over = True
            turn = self._turns[command.link] = _Turn()
        self._worker.add(_Job(turn))

    def _post(self, what: Callable[[], None]) -> None:
        # The loop has ended if a thread was not waited for.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)

    def _moved(self) -> None:
        if self._turns:
            self._report(screen_ev.LocalInput())

    def _tell_ignored(self, told: screen_ev.InputIgnored) -> None:
        if told.link in self._turns:
            self._report(told)

    def _failed(self, worker: _Worker, reason: Reason) -> None:
        if self._worker is not worker:
            # It ended meanwhile.
            return
        self._worker = None
        for link in [*self._turns]:
            self._report(screen_ev.ControlFailed(link, reason))

    # --- clipboard --------------------------------------------------------------------------------

    async def _open_clipboard(self) -> Clipboard | None:
        try:
            return await asyncio.to_thread(self._make_clipboard)
        except ControlError as error:
            _log.info("the clipboard cannot be read: %s", error)
            return None

    def _read_clipboard(self, command: screen_do.ReadClipboard) -> None:
        if (watched := self._clipboards.get(command.link)) is not None:
            self._spawn(self._report_copied(command.link, watched), "reading the clipboard")

    async def _report_copied(self, link: ev.LinkID, watched: _Watched) -> None:
        async with watched.reading:
            text, reason = await self._copied(watched)
        if not watched.over:
            self._report(screen_ev.ClipboardRead(link, text, reason))

    async def _copied(self, watched: _Watched) -> tuple[str | None, Reason | None]:
        clipboard = await asyncio.shield(watched.opened)
        if clipboard is None:
            return None, Reason.CLIPBOARD_UNSUPPORTED
        try:
            return await asyncio.to_thread(clipboard.copied_text), None
        except ControlError as error:
            return None, error.reason

    async def _close_clipboard(self, watched: _Watched) -> None:
        clipboard = await watched.opened
        async with watched.reading:
            if clipboard is not None:
                await asyncio.to_thread(clipboard.close)
