"""The thread that uses mouse and keyboard: what it does, what it drops, and what it releases."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from proxim.core import events as ev
from proxim.core.control.messages import Input, KeyInput, PointerInput, TextInput
from proxim.core.errors import Reason
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.io.control import executor
from proxim.io.control.executor import PIECE_CHARACTERS, ControlExecutor
from proxim.io.control.injector import ControlError
from tests.io.support import PATIENCE, Events

LINK, OTHER = ev.LinkID("host-1"), ev.LinkID("host-2")
MONITOR = Monitor(0, "", 0, 0, 100, 100)
KEY = KeyInput("KeyA", "a", True)


class FakeInjector:
    """Remembers what it was asked to do; it can be stopped in the middle, and it can break."""

    def __init__(self) -> None:
        self.done: list[Input | str] = []
        self.moved = False
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()
        self.ignored = False

    def inject(self, monitor: Monitor, what: Input) -> None:
        assert monitor == MONITOR
        if self.error is not None:
            raise self.error
        self.done.append(what)
        self.began.set()
        assert self.may_go_on.wait(PATIENCE)

    def moved_here(self) -> bool:
        moved, self.moved = self.moved, False
        return moved

    def repeat(self) -> None:
        """Nothing is held."""

    def let_go(self) -> None:
        self.done.append("let go")

    def close(self) -> None:
        self.done.append("close")


class FakeClipboard:
    """Has a text, or none for a reason."""

    def __init__(self) -> None:
        self.text: str | Reason = "copied"
        self.closed = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def copied_text(self) -> str:
        assert self.may_answer.wait(PATIENCE)
        assert not self.closed
        if isinstance(self.text, Reason):
            raise ControlError(self.text)
        return self.text

    def close(self) -> None:
        self.closed = True


class Bench:
    """An executor, and what it reports."""

    def __init__(self) -> None:
        self.injector = FakeInjector()
        self.clipboard: FakeClipboard | None = FakeClipboard()
        self.refused: Exception | None = None
        self.reported = Events()
        self.executor = ControlExecutor(
            self.reported, self.spawn, self.make_injector, self.make_clipboard
        )

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name=name)

    def make_injector(self) -> FakeInjector:
        if self.refused is not None:
            raise self.refused
        return self.injector

    def make_clipboard(self) -> FakeClipboard:
        if self.clipboard is None:
            raise ControlError(Reason.CLIPBOARD_UNSUPPORTED)
        return self.clipboard

    def do(self, *commands: Any) -> None:
        for command in commands:
            self.executor.execute[type(command)](command)

    def inject(self, *inputs: Input, link: ev.LinkID = LINK) -> None:
        self.do(*(screen_do.Inject(link, MONITOR, one) for one in inputs))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.injector.may_go_on.set()
    await made.executor.stop()


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_what_is_injected_is_done_in_order_and_released_at_the_end(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK))
    inputs: list[Input] = [KEY, PointerInput(0.1, 0.2, 1), TextInput("a")]
    bench.inject(*inputs)
    bench.do(screen_do.LetGo(LINK, in_turn=True))
    bench.inject(KEY)
    await until(lambda: len(bench.injector.done) == 5)
    bench.do(screen_do.EndControl(LINK))
    # What comes too late is not done.
    bench.inject(KEY)
    bench.do(screen_do.LetGo(LINK), screen_do.EndControl(LINK))
    await bench.executor.stop()
    assert bench.injector.done == [*inputs, "let go", KEY, "let go", "close"]


async def test_the_end_of_the_program_releases_everything(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK), screen_do.StartControl(OTHER))
    bench.inject(KEY, link=OTHER)
    await until(lambda: bench.injector.done == [KEY])
    await bench.executor.stop()
    assert bench.injector.done[-2:] == ["let go", "close"]


async def test_a_display_that_hangs_does_not_keep_the_program(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "END_SECONDS", 0.05)
    bench.injector.may_go_on.clear()
    bench.do(screen_do.StartControl(LINK))
    bench.inject(KEY)
    await until(bench.injector.began.is_set)
    await asyncio.wait_for(bench.executor.stop(), PATIENCE / 2)
    assert "close" not in bench.injector.done
    bench.injector.may_go_on.set()
    await until(lambda: "close" in bench.injector.done)


async def test_only_the_newest_place_of_the_pointer_counts(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK))
    bench.injector.may_go_on.clear()
    bench.inject(KEY)
    assert await asyncio.to_thread(bench.injector.began.wait, PATIENCE)
    moves = [PointerInput(x / 10, 0, 0) for x in range(5)]
    drags = [PointerInput(x / 10, 0, 1) for x in range(5)]
    bench.inject(*moves, *drags)
    bench.injector.may_go_on.set()
    await until(lambda: len(bench.injector.done) == 3)
    assert bench.injector.done == [KEY, moves[-1], drags[-1]]


@pytest.mark.parametrize("command", [screen_do.LetGo(LINK), screen_do.EndControl(LINK)])
async def test_a_long_text_is_dropped_in_the_middle(command: Any) -> None:
    bench = Bench()
    bench.do(screen_do.StartControl(LINK))
    bench.injector.may_go_on.clear()
    bench.inject(TextInput("a" * 10 * PIECE_CHARACTERS), KEY)
    assert await asyncio.to_thread(bench.injector.began.wait, PATIENCE)
    bench.do(command)
    bench.injector.may_go_on.set()
    await until(lambda: len(bench.injector.done) > 1)
    await bench.executor.stop()
    assert bench.injector.done[:2] == [TextInput("a" * PIECE_CHARACTERS), "let go"]
    assert KEY not in bench.injector.done


async def test_a_long_text_goes_on_when_the_view_is_left(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK))
    text = "12345\r\n" * 20
    bench.inject(TextInput(text))
    bench.do(screen_do.LetGo(LINK, in_turn=True))
    await until(lambda: "let go" in bench.injector.done)
    typed = "".join(one.text for one in bench.injector.done if isinstance(one, TextInput))
    assert typed == text.replace("\r\n", "\n")


async def test_what_one_link_drops_another_does(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK), screen_do.StartControl(OTHER))
    bench.injector.may_go_on.clear()
    bench.inject(TextInput("a" * 100))
    assert await asyncio.to_thread(bench.injector.began.wait, PATIENCE)
    bench.inject(KEY, link=OTHER)
    bench.do(screen_do.EndControl(LINK))
    bench.injector.may_go_on.set()
    await until(lambda: KEY in bench.injector.done)


async def test_who_moves_the_mouse_here_wins(bench: Bench) -> None:
    bench.do(screen_do.StartControl(LINK))
    bench.inject(KEY)
    await until(lambda: bench.injector.done == [KEY])
    # Nothing is injected, and it is noticed all the same.
    bench.injector.moved = True
    await bench.reported.wait(screen_ev.LocalInput)
    assert bench.injector.done == [KEY, "let go"]


async def test_what_is_for_our_own_windows_is_told_once(bench: Bench) -> None:
    def told() -> list[object]:
        return [one for one in bench.reported.all if isinstance(one, screen_ev.InputIgnored)]

    bench.do(screen_do.StartControl(LINK))
    bench.inject(KEY)
    await until(lambda: bench.injector.done == [KEY])
    bench.injector.ignored = True
    bench.inject(KEY)
    bench.inject(KEY)
    await until(lambda: len(bench.injector.done) == 3)
    ignored, done = screen_ev.InputIgnored(LINK, True), screen_ev.InputIgnored(LINK, False)
    await until(lambda: told() == [ignored])
    bench.injector.ignored = False
    bench.inject(KEY)
    await until(lambda: told() == [ignored, done])
    # Letting go changes nothing about it.
    bench.injector.ignored = True
    bench.inject(KEY)
    await until(lambda: told() == [ignored, done, ignored])
    bench.do(screen_do.LetGo(LINK))
    bench.injector.ignored = False
    bench.inject(KEY)
    await until(lambda: told() == [ignored, done, ignored, done])


async def test_of_each_link_it_is_told_what_is_for_our_own_windows(bench: Bench) -> None:
    def told() -> list[object]:
        return [one for one in bench.reported.all if isinstance(one, screen_ev.InputIgnored)]

    bench.do(screen_do.StartControl(LINK), screen_do.StartControl(OTHER))
    bench.injector.ignored = True
    bench.inject(KEY)
    bench.inject(KEY, link=OTHER)
    expected = [screen_ev.InputIgnored(one, True) for one in (LINK, OTHER)]
    await until(lambda: told() == expected)
    # What is allowed anew is told anew.
    bench.do(screen_do.EndControl(OTHER), screen_do.StartControl(OTHER))
    bench.inject(KEY, link=OTHER)
    expected.append(screen_ev.InputIgnored(OTHER, True))
    await until(lambda: told() == expected)
    bench.injector.ignored = False
    bench.inject(KEY)
    bench.inject(KEY, link=OTHER)
    expected += [screen_ev.InputIgnored(one, False) for one in (LINK, OTHER)]
    await until(lambda: told() == expected)


@pytest.mark.parametrize("error", [ControlError(Reason.CONTROL_UNSUPPORTED), RuntimeError("a bug")])
@pytest.mark.parametrize("early", [True, False])
async def test_what_cannot_be_done_ends_control(early: bool, error: Exception) -> None:
    bench = Bench()
    if early:
        bench.refused = error
    else:
        bench.injector.error = error
    bench.do(screen_do.StartControl(LINK), screen_do.StartControl(OTHER))
    bench.inject(KEY, KEY)
    for link in (LINK, OTHER):
        assert (await bench.reported.wait(screen_ev.ControlFailed)).link == link
    bench.inject(KEY)
    bench.do(screen_do.LetGo(LINK), screen_do.EndControl(LINK), screen_do.EndControl(OTHER))
    await bench.executor.stop()
    assert bench.injector.done == ([] if early else ["close"])
    # It may be granted again.
    bench.refused = bench.injector.error = None
    bench.do(screen_do.StartControl(LINK))
    bench.inject(KEY)
    await until(lambda: KEY in bench.injector.done)
    await bench.executor.stop()


async def test_copied_text_is_read(bench: Bench) -> None:
    assert bench.clipboard is not None
    bench.do(screen_do.StartControl(LINK), screen_do.ReadClipboard(LINK))
    assert (await bench.reported.wait(screen_ev.ClipboardRead)).text == "copied"
    bench.clipboard.text = Reason.NOTHING_COPIED
    bench.do(screen_do.ReadClipboard(LINK))
    answer = await bench.reported.wait(screen_ev.ClipboardRead)
    assert (answer.text, answer.reason) == (None, Reason.NOTHING_COPIED)
    await bench.executor.stop()
    assert bench.clipboard.closed


async def test_a_clipboard_that_cannot_be_read_says_so(bench: Bench) -> None:
    bench.clipboard = None
    bench.do(screen_do.StartControl(LINK), screen_do.ReadClipboard(LINK))
    assert (
        await bench.reported.wait(screen_ev.ClipboardRead)
    ).reason is Reason.CLIPBOARD_UNSUPPORTED
    # Nobody controls on this link.
    bench.do(screen_do.ReadClipboard(OTHER))


async def test_what_is_read_too_late_is_told_to_nobody(bench: Bench) -> None:
    assert bench.clipboard is not None
    bench.clipboard.may_answer.clear()
    bench.do(screen_do.StartControl(LINK), screen_do.ReadClipboard(LINK))
    bench.do(screen_do.EndControl(LINK))
    bench.do(screen_do.StartControl(LINK))
    bench.clipboard.may_answer.set()
    await bench.executor.stop()
    assert not any(isinstance(one, screen_ev.ClipboardRead) for one in bench.reported.all)
