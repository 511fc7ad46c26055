"""The bridge between the two threads: what crosses it, in which order, on which thread."""

import asyncio
import io
import threading
import time
from collections.abc import Callable

import pytest

from proxim.app.bridge import Bridge, InputEnded, InputLine, Interrupted, NetSide, QueueItem
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev

PATIENCE = 10.0


class FakeNet:
    """A network side that answers each intent with a status, until Shutdown."""

    def __init__(self, publish: Callable[[st.Status], None]) -> None:
        self.publish = publish
        self.threads: set[int] = set()
        self.end = asyncio.Event()

    async def run(self) -> None:
        self.threads.add(threading.get_ident())
        await self.end.wait()
        self.publish(st.Stopped())

    def report(self, event: file_ev.AnyIntent) -> None:
        self.threads.add(threading.get_ident())
        if isinstance(event, ev.Shutdown):
            self.end.set()
        if isinstance(event, ev.Decide):
            self.publish(st.NoInvitation(Reason.EXPIRED if event.approved else None))


def collect(bridge: Bridge, until: type[object]) -> list[QueueItem]:
    found: list[QueueItem] = []
    deadline = time.monotonic() + PATIENCE
    while not found or not isinstance(found[-1], until):
        assert time.monotonic() < deadline
        item = bridge.wait(0.1)
        if item is not None:
            found.append(item)
    return found


def test_intents_go_down_and_statuses_come_up_in_order() -> None:
    bridge = Bridge()
    nets: list[FakeNet] = []

    def make(publish: Callable[[st.Status], None]) -> Callable[[], NetSide]:
        publish(st.NoInvitation(Reason.BUSY))

        def finish() -> NetSide:
            nets.append(FakeNet(publish))
            return nets[0]

        return finish

    # Before the loop is there
    bridge.post(ev.Decide("early", approved=True))
    bridge.start(make)
    bridge.painted()
    for index in range(50):
        bridge.post(ev.Decide("x", approved=index % 2 == 0))
    bridge.post(ev.Shutdown())
    found = collect(bridge, st.Stopped)
    expected = [Reason.BUSY, Reason.EXPIRED] + [
        Reason.EXPIRED if index % 2 == 0 else None for index in range(50)
    ]
    assert [status.reason for status in found if isinstance(status, st.NoInvitation)] == expected
    assert len(nets[0].threads) == 1
    assert threading.get_ident() not in nets[0].threads


def test_the_loop_waits_for_the_first_paint_but_not_for_ever() -> None:
    bridge = Bridge()
    loops: list[object] = []

    def make(publish: Callable[[st.Status], None]) -> Callable[[], NetSide]:
        publish(st.NoInvitation(None))

        def finish() -> NetSide:
            loops.append(asyncio.get_running_loop())
            return FakeNet(publish)

        return finish

    bridge.start(make)
    bridge.post(ev.Shutdown())
    assert bridge.wait(PATIENCE) == st.NoInvitation(None)
    assert not loops
    # Nobody has said that anything was painted
    assert isinstance(bridge.wait(PATIENCE), st.Stopped)
    assert len(loops) == 1


def test_draining_is_bounded_and_does_not_wait() -> None:
    bridge = Bridge()
    assert list(bridge.drain(10)) == []
    for _ in range(5):
        bridge._publish(st.Stopped())
    assert len(list(bridge.drain(3))) == 3
    assert len(list(bridge.drain(3))) == 2


def test_waiting_gives_up() -> None:
    assert Bridge().wait(0.0) is None


def test_a_network_side_that_cannot_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def make(publish: Callable[[st.Status], None]) -> Callable[[], NetSide]:
        raise RuntimeError("no such library")

    bridge = Bridge()
    bridge.start(make)
    trouble, stopped = collect(bridge, st.Stopped)
    assert isinstance(trouble, st.Trouble)
    assert trouble.problem.reason is Reason.INTERNAL
    assert isinstance(stopped, st.Stopped)
    assert "the network side crashed" in caplog.text
    # Nobody is left to take it; nothing breaks
    bridge.post(ev.Shutdown())


def test_posting_after_the_end_is_dropped() -> None:
    bridge = Bridge()
    bridge.start(lambda publish: lambda: FakeNet(publish))
    bridge.painted()
    bridge.post(ev.Shutdown())
    collect(bridge, st.Stopped)
    bridge.post(ev.Decide("late", approved=True))


def test_only_the_main_thread_posts() -> None:
    bridge = Bridge()
    errors: list[BaseException] = []

    def post() -> None:
        try:
            bridge.post(ev.Shutdown())
        except AssertionError as error:
            errors.append(error)

    thread = threading.Thread(target=post)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_lines_come_up_without_their_breaks_and_then_the_end() -> None:
    bridge = Bridge()
    bridge.read_lines(io.StringIO("one\ntwo\r\n\nlast"))
    found = collect(bridge, InputEnded)
    assert found == [
        InputLine("one"),
        InputLine("two"),
        InputLine(""),
        InputLine("last"),
        InputEnded(),
    ]


def test_an_unreadable_input_ends(caplog: pytest.LogCaptureFixture) -> None:
    closed = io.StringIO()
    closed.close()
    bridge = Bridge()
    bridge.read_lines(closed)
    assert collect(bridge, InputEnded) == [InputEnded()]
    assert "standard input cannot be read" in caplog.text


def test_an_interrupt_comes_up_among_the_rest() -> None:
    bridge = Bridge()
    bridge._publish(st.Stopped())
    bridge.interrupt()
    assert list(bridge.drain(5)) == [st.Stopped(), Interrupted()]
