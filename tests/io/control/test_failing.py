"""An injector that fails: what core hears of it, and that nothing stays pressed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxim.core import events as ev
from proxim.core.control.messages import Input, PointerInput
from proxim.core.errors import Reason
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.io.control.executor import ControlExecutor
from proxim.io.control.injector import Clipboard, ControlError, Injector
from tests.io.support import Events

LINK = ev.LinkID("link")
MONITOR = Monitor(0, "", 0, 0, 100, 100)


class Blocked:
    """An injector in front of which something stands that takes nothing."""

    def __init__(self) -> None:
        self.repeated = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.closed = False
        self.ignored = False

    def inject(self, monitor: Monitor, what: Input) -> None:
        raise ControlError(Reason.CONTROL_BLOCKED)

    def moved_here(self) -> bool:
        return False

    def repeat(self) -> None:
        self.loop.call_soon_threadsafe(self.repeated.set)

    def let_go(self) -> None:
        raise AssertionError("nothing is pressed")

    def close(self) -> None:
        self.closed = True


def no_clipboard() -> Clipboard:
    raise ControlError(Reason.CLIPBOARD_UNSUPPORTED)


def no_mouse() -> Injector:
    raise ControlError(Reason.CONTROL_PERMISSION)


def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


async def test_what_stands_in_front_is_told_by_its_reason() -> None:
    events, injector = Events(), Blocked()
    executor = ControlExecutor(events, spawn, lambda: injector, no_clipboard)
    executor.execute[screen_do.StartControl](screen_do.StartControl(LINK))
    # A key that is held is repeated all the time.
    await injector.repeated.wait()
    executor.execute[screen_do.Inject](screen_do.Inject(LINK, MONITOR, PointerInput(0, 0, 1)))
    failed = await events.wait(screen_ev.ControlFailed)
    assert failed.reason is Reason.CONTROL_BLOCKED
    await executor.stop()
    assert injector.closed


async def test_what_is_missing_is_told_by_its_reason() -> None:
    events = Events()
    executor = ControlExecutor(events, spawn, no_mouse, no_clipboard)
    executor.execute[screen_do.StartControl](screen_do.StartControl(LINK))
    failed = await events.wait(screen_ev.ControlFailed)
    assert failed.reason is Reason.CONTROL_PERMISSION
    await executor.stop()
