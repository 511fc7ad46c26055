"""Tests of the bridge between the two threads: what it carries, and in which order."""

import asyncio
import io
import sys
import threading
import time
from collections.abc import Callable

import pytest

from proxim.app.bridge import (
    Bridge,
    Interrupted,
    QueueItem,
)
from proxim.app.input_lines import TERMINAL_LINE_BYTES, InputEnded, InputLine
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo

PATIENCE = 10.0


class FakeNetworkSide:
    """A network side that answers each intent with a status, until Shutdown comes."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.threads: set[int] = set()
        self.end: asyncio.Event | None = None

    def open(self) -> None:
        self.threads.add(threading.get_ident())
        self.bridge.publish(st.NoInvitation(Reason.BUSY))

    async def run(self) -> None:
        self.threads.add(threading.get_ident())
        self.end = asyncio.Event()
        await self.end.wait()
        self.bridge.publish(st.Stopped())

    def report(self, event: ev.Intent) -> None:
        self.threads.add(threading.get_ident())
        assert self.end is not None, "nothing is reported before it runs"
        if isinstance(event, ev.Shutdown):
            self.end.set()
        if isinstance(event, ev.Decide):
            self.bridge.publish(st.NoInvitation(Reason.EXPIRED if event.approved else None))


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
    network_side = FakeNetworkSide(bridge)
    # The loop does not run yet.
    bridge.post(ev.Decide("early", approved=True))
    bridge.start(network_side)
    bridge.painted()
    for index in range(50):
        bridge.post(ev.Decide("x", approved=index % 2 == 0))
    bridge.post(ev.Shutdown())
    found = collect(bridge, st.Stopped)
    expected = [Reason.BUSY, Reason.EXPIRED] + [
        Reason.EXPIRED if index % 2 == 0 else None for index in range(50)
    ]
    assert [status.reason for status in found if isinstance(status, st.NoInvitation)] == expected
    assert len(network_side.threads) == 1
    assert threading.get_ident() not in network_side.threads


def test_the_loop_waits_for_the_first_paint_but_not_for_ever() -> None:
    bridge = Bridge()
    network_side = FakeNetworkSide(bridge)
    bridge.start(network_side)
    bridge.post(ev.Shutdown())
    assert bridge.wait(PATIENCE) == st.NoInvitation(Reason.BUSY)
    assert network_side.end is None
    # The face has not reported that it has painted the window.
    assert isinstance(bridge.wait(PATIENCE), st.Stopped)
    assert network_side.end is not None


def test_draining_is_bounded_and_does_not_wait() -> None:
    bridge = Bridge()
    assert list(bridge.drain(10)) == []
    for _ in range(5):
        bridge.publish(st.Stopped())
    assert len(list(bridge.drain(3))) == 3
    assert len(list(bridge.drain(3))) == 2


def test_waiting_gives_up() -> None:
    assert Bridge().wait(0.0) is None


@pytest.mark.parametrize("step", ["open", "run"])
def test_a_network_side_that_cannot_start_is_told(
    step: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("no such library")

    bridge = Bridge()
    network_side = FakeNetworkSide(bridge)
    monkeypatch.setattr(network_side, step, fail)
    bridge.start(network_side)
    bridge.painted()
    *_, trouble, stopped = collect(bridge, st.Stopped)
    assert isinstance(trouble, st.Trouble)
    assert trouble.problem.reason is Reason.INTERNAL
    assert isinstance(stopped, st.Stopped)
    # The log comes after what the person sees.
    assert bridge._thread is not None
    bridge._thread.join()
    assert "the network side crashed" in caplog.text
    # The network side has gone; posting to it must not raise an error.
    bridge.post(ev.Shutdown())


def test_posting_after_the_end_is_dropped() -> None:
    bridge = Bridge()
    bridge.start(FakeNetworkSide(bridge))
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


class Typed(io.StringIO):
    """What a terminal hands over."""

    def isatty(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' console cuts no lines")
def test_a_line_that_a_terminal_may_have_cut_is_marked() -> None:
    longest = "x" * (TERMINAL_LINE_BYTES - 2)
    lines = [longest, longest + "x", "é" * (TERMINAL_LINE_BYTES // 2), "next"]
    text = "".join(f"{line}\n" for line in lines)
    for stream, cut in ((Typed(text), True), (io.StringIO(text), False)):
        bridge = Bridge()
        bridge.read_lines(stream)
        assert collect(bridge, InputEnded) == [
            InputLine(lines[0]),
            InputLine(lines[1], cut=cut),
            InputLine(lines[2], cut=cut),
            InputLine("next"),
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
    bridge.publish(st.Stopped())
    bridge.interrupt()
    assert list(bridge.drain(5)) == [st.Stopped(), Interrupted()]


# --- the newest value of a key --------------------------------------------------------------------


def text(words: str) -> st.TextReceived:
    return st.TextReceived(ev.LinkID("host-1"), words)


def test_of_each_key_the_newest_comes_up_where_the_first_would_have() -> None:
    bridge = Bridge()
    bridge.publish_newest("a", text("a1"))
    bridge.publish(text("between"))
    bridge.publish_newest("b", text("b1"))
    bridge.publish_newest("a", text("a2"))
    bridge.publish_newest("b", text("b2"))
    bridge.publish_newest("a", text("a3"))
    assert list(bridge.drain(10)) == [text("a3"), text("between"), text("b2")]


def test_a_key_that_was_taken_comes_up_again_at_the_end() -> None:
    bridge = Bridge()
    bridge.publish_newest("a", text("a1"))
    bridge.publish_newest("b", text("b1"))
    assert list(bridge.drain(1)) == [text("a1")]
    bridge.publish_newest("a", text("a2"))
    assert list(bridge.drain(10)) == [text("b1"), text("a2")]
    assert bridge.wait(0.0) is None


def test_a_slot_is_waited_for_as_the_rest_is() -> None:
    bridge = Bridge()
    publishing = threading.Timer(0.01, bridge.publish_newest, ("a", text("a1")))
    publishing.start()
    assert bridge.wait(PATIENCE) == text("a1")
    publishing.join()


def test_threads_that_publish_fast_lose_no_last_value_and_bring_none_back() -> None:
    bridge = Bridge()
    keys, most = range(4), 2000

    def publish(key: int) -> None:
        for count in range(most):
            bridge.publish_newest(key, st.ThisDevice(DeviceInfo(str(count), str(key))))
        bridge.publish(st.NoInvitation(None))

    threads = [threading.Thread(target=publish, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    came: dict[int, list[int]] = {key: [] for key in keys}
    ended = 0
    while ended < len(threads):
        match bridge.wait(PATIENCE):
            case st.ThisDevice(DeviceInfo(count, key)):
                came[int(key)].append(int(count))
            case st.NoInvitation():
                ended += 1
            case other:
                raise AssertionError(other)
    assert bridge.wait(0.0) is None
    for counts in came.values():
        assert counts[-1] == most - 1
        assert counts == sorted(set(counts))


def test_a_face_that_looks_late_finds_one_value_of_each_key_from_many_threads() -> None:
    bridge = Bridge()

    def publish() -> None:
        for count in range(999):
            bridge.publish_newest(count % 3, text(f"{count % 3}"))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(bridge.drain(3)) == {text("0"), text("1"), text("2")}
    assert list(bridge.drain(1)) == []


# --- waking the main thread -----------------------------------------------------------------------


class Sleeper:
    """A main thread that sleeps until it is woken."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.calls: list[int] = []
        self._bell = threading.Event()
        bridge.wake_with(self._wake)

    def _wake(self) -> None:
        self.calls.append(threading.get_ident())
        self._bell.set()

    def sleep(self) -> None:
        assert self._bell.wait(PATIENCE), "nobody woke the main thread"
        self._bell.clear()


def test_everything_that_comes_up_wakes() -> None:
    bridge = Bridge()
    sleeper = Sleeper(bridge)
    ways: tuple[Callable[[], None], ...] = (
        lambda: bridge.publish(st.Stopped()),
        lambda: bridge.publish_newest("a", text("a1")),
        bridge.interrupt,
        lambda: bridge.read_lines(io.StringIO("")),
    )
    for come_up in ways:
        come_up()
        sleeper.sleep()
        assert len(list(bridge.drain(5))) == 1
    assert len(sleeper.calls) == 4
    bridge.wake_with(None)
    bridge.publish(st.Stopped())
    assert len(sleeper.calls) == 4


def test_a_flood_wakes_once_for_each_look() -> None:
    bridge = Bridge()
    sleeper = Sleeper(bridge)
    for _ in range(100):
        bridge.publish(st.Stopped())
    assert len(sleeper.calls) == 1
    assert len(list(bridge.drain(60))) == 60
    assert bridge.has_items
    # Who leaves something over looks again by itself.
    assert len(sleeper.calls) == 1
    bridge.publish(st.Stopped())
    assert len(sleeper.calls) == 2
    assert len(list(bridge.drain(60))) == 41
    assert not bridge.has_items


def test_what_comes_up_during_a_look_wakes_again() -> None:
    bridge = Bridge()
    sleeper = Sleeper(bridge)
    bridge.publish(text("first"))
    looking = bridge.drain(5)
    assert next(looking) == text("first")
    bridge.publish(text("second"))
    assert len(sleeper.calls) == 2
    assert list(looking) == [text("second")]


def test_a_main_thread_that_looks_only_when_woken_misses_nothing() -> None:
    bridge = Bridge()
    sleeper = Sleeper(bridge)
    threads, most = 4, 3000

    def publish() -> None:
        for _ in range(most):
            bridge.publish(text("x"))
            # This lets the other threads in at many places.
            time.sleep(0)

    publishing = [threading.Thread(target=publish) for _ in range(threads)]
    for thread in publishing:
        thread.start()
    came = 0
    while came < threads * most:
        sleeper.sleep()
        while True:
            came += len(list(bridge.drain(7)))
            if not bridge.has_items:
                break
    for thread in publishing:
        thread.join()
    assert came == threads * most
