"""Tests of proxim.app.wakeup with a real Tk: nothing is lost, and nobody waits for Tk."""

import _tkinter
import os
import signal
import socket
import sys
import threading
import tkinter
from collections.abc import Callable, Iterator

import pytest

from proxim.app.wakeup import TclConnection, WakeUp, WatchedPair, _accept, watch
from proxim.ui.window.root import make_root

# Bytes. A buffer that was made small holds fewer; Linux's own for TCP may hold millions.
MANY = 1_000_000
SMALL = 1024
# So many more are sent where there is no room.
MORE = 1000
# Tk runs this timer if nothing wakes it.
PATIENCE_MS = 10_000

KINDS = [
    pytest.param(
        WatchedPair,
        marks=pytest.mark.skipif(sys.platform == "win32", reason="its Tk has no file handlers"),
    ),
    TclConnection,
]


class Woken:
    """A main thread that waits for Tk and counts the calls that wake it."""

    def __init__(self, kind: Callable[[tkinter.Tk, Callable[[], None]], WakeUp]) -> None:
        self.root = make_root()
        self.calls = 0
        self.then: Callable[[], None] = lambda: None
        self.wake_up = kind(self.root, self._woken)

    def _woken(self) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.calls += 1
        self.then()

    def wait(self, calls: int) -> None:
        """Sleep in Tk until there were so many calls."""
        late: list[bool] = []
        alarm = self.root.after(PATIENCE_MS, lambda: late.append(True))
        while self.calls < calls:
            assert not late, f"{self.calls} of {calls} calls"
            self.root.tk.dooneevent(0)
        self.root.after_cancel(alarm)


@pytest.fixture(params=KINDS)
def woken(
    request: pytest.FixtureRequest,
    plain_screen: str,
    monkeypatch: pytest.MonkeyPatch,
    no_tk_garbage: None,
) -> Iterator[Woken]:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    made = Woken(request.param)
    yield made
    # One test has closed it.
    if made.wake_up.fileno() != -1:
        made.wake_up.close()
    made.root.destroy()


def test_another_thread_wakes_tk_each_time(woken: Woken) -> None:
    for count in range(1, 20):
        thread = threading.Thread(target=woken.wake_up.send)
        thread.start()
        woken.wait(count)
        thread.join()


def test_nobody_waits_for_a_main_thread_that_does_not_look(woken: Woken) -> None:
    assert isinstance(woken.wake_up, WatchedPair | TclConnection)
    writer = woken.wake_up._writer
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)

    def fill() -> None:
        for _ in range(MANY):
            writer.send(b"\0")

    def send() -> None:
        with pytest.raises(BlockingIOError):
            fill()
        for _ in range(MORE):
            woken.wake_up.send()

    thread = threading.Thread(target=send)
    thread.start()
    # Tk runs nothing meanwhile.
    thread.join()
    woken.wait(1)
    # All of them led to few calls, and later ones still lead to one.
    while woken.root.tk.dooneevent(_tkinter.DONT_WAIT):
        continue
    calls = woken.calls
    woken.wake_up.send()
    woken.wait(calls + 1)


def test_what_comes_while_the_main_thread_is_woken_wakes_it_again(woken: Woken) -> None:
    def again() -> None:
        if woken.calls < 5:
            woken.wake_up.send()

    woken.then = again
    woken.wake_up.send()
    woken.wait(5)


def test_it_wakes_loops_inside_callbacks(woken: Woken) -> None:
    """Tk's own dialogs, and `wait_window`, wait inside a callback."""
    done = tkinter.BooleanVar(woken.root, value=False)
    woken.then = lambda: done.set(True)
    thread = threading.Timer(0.0, woken.wake_up.send)
    woken.root.after(0, thread.start)
    woken.root.wait_variable(done)
    assert woken.calls == 1


def test_a_signal_wakes_tk(woken: Woken) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no signal for this")
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    fd = signal.set_wakeup_fd(woken.wake_up.fileno(), warn_on_full_buffer=False)
    try:
        # Tk already waits when it comes.
        thread = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        thread.start()
        woken.wait(1)
        assert seen == [signal.SIGUSR1]
    finally:
        signal.set_wakeup_fd(fd)
        signal.signal(signal.SIGUSR1, before)


def test_a_thread_that_notices_the_end_late_is_not_hurt(woken: Woken) -> None:
    woken.wake_up.close()
    woken.wake_up.send()
    woken.root.update()
    assert woken.calls == 0


# A socket pair has both ends here, so none can end by itself.
@pytest.mark.parametrize("woken", [TclConnection], indirect=True)
def test_an_end_of_the_connection_does_not_keep_tk_busy(woken: Woken) -> None:
    assert isinstance(woken.wake_up, TclConnection)
    woken.wake_up._writer.close()
    woken.wait(1)
    woken.root.update()
    assert woken.calls == 1


def test_the_system_has_its_kind(
    plain_screen: str, monkeypatch: pytest.MonkeyPatch, no_tk_garbage: None
) -> None:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    root = make_root()
    wake_up = watch(root, lambda: None)
    assert type(wake_up) is (TclConnection if sys.platform == "win32" else WatchedPair)
    wake_up.close()
    root.destroy()


@pytest.mark.parametrize("says", [b"someone else's w", b""])
def test_a_stranger_who_connects_first_is_not_taken_for_tcl(says: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as stranger,
        socket.create_connection(listener.getsockname()) as ours,
    ):
        stranger.sendall(says)
        stranger.shutdown(socket.SHUT_WR)
        ours.sendall(b"word of sixteen.")
        with _accept(listener, b"word of sixteen.") as accepted:
            assert accepted.getpeername() == ours.getsockname()
