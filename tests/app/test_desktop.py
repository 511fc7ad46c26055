"""Tests of proxim.app.desktop: the window's main loop, with a real Tk."""

import gc
import queue
import threading
import time
import tkinter
import weakref
from collections.abc import Callable
from tkinter import messagebox

import pytest

from proxim.app import desktop, surroundings
from proxim.app.bridge import Bridge
from proxim.app.handing import deliver_by
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.handover import Handed, HandoverAnswer, HandoverRequest
from proxim.core.screen.status import ScreenQuestion
from proxim.io.desktop.notifications import Notification
from proxim.ui.window.appearance import Appearance
from proxim.ui.window.root import make_root
from proxim.ui.window.window import Window

# So many looks for garbage are enough to see where they happen.
COLLECTIONS = 5
# Seconds; what takes longer never happens.
PATIENCE = 20.0


@pytest.fixture
def root(plain_screen: str, monkeypatch: pytest.MonkeyPatch, no_tk_garbage: None) -> tkinter.Tk:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    return make_root()


class Running:
    """The window's main loop, with a thread that publishes to it."""

    def __init__(self, root: tkinter.Tk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.bridge = Bridge()
        self.window = Window(
            root, self.bridge.post, theme="light", appearance=Appearance(), folder=lambda: "/tmp"
        )
        self.desktop = desktop.Desktop(root, self.window, self.bridge)
        self.shown: list[st.Status] = []
        # It is called on the main thread after each status.
        self.then: Callable[[st.Status], None] = lambda status: None
        show = self.window.show

        def note(status: st.Status) -> None:
            show(status)
            self.shown.append(status)
            self.then(status)

        monkeypatch.setattr(self.window, "show", note)
        self.failures: list[BaseException] = []

    def run(self, work: Callable[[], None]) -> None:
        """Run the main loop until `work`, on another thread, is done."""

        def worked() -> None:
            try:
                work()
            # The thread's failure becomes that of the test.
            except BaseException as error:  # noqa: BLE001
                self.failures.append(error)
            finally:
                self.bridge.publish(st.Stopped())
                self.bridge.interrupt()

        thread = threading.Thread(target=worked)
        self.root.after(0, thread.start)
        assert self.desktop.run() == 0
        thread.join()
        assert self.failures == []

    @property
    def texts(self) -> list[str]:
        return [status.text for status in self.shown if isinstance(status, st.TextReceived)]

    def text(self, words: object) -> st.TextReceived:
        return st.TextReceived(ev.LinkID("host-1"), str(words))


@pytest.fixture
def running(root: tkinter.Tk, monkeypatch: pytest.MonkeyPatch) -> Running:
    return Running(root, monkeypatch)


def wait(event: threading.Event) -> None:
    """Wait on the publishing thread for what the main thread does."""
    assert event.wait(PATIENCE)


def test_a_status_is_shown_although_no_timer_looks_for_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each status is published after the one before was shown, and all looks so far are over."""
    monkeypatch.setattr(desktop, "PAUSE_SECONDS", 0.0)
    shown = threading.Event()

    def look_over(status: st.Status) -> None:
        # It is set when Tk has nothing else to do.
        running.root.after_idle(shown.set)

    running.then = look_over

    def work() -> None:
        running.bridge.painted()
        for count in range(50):
            shown.clear()
            running.bridge.publish(running.text(count))
            wait(shown)
            assert running.desktop._look_timer is None

    running.run(work)
    assert running.texts == [str(count) for count in range(50)]


def test_more_than_one_look_shows_everything_in_order(running: Running) -> None:
    count = desktop.STATUSES_PER_LOOK * 4 + 1

    def work() -> None:
        for number in range(count):
            running.bridge.publish(running.text(number))

    running.run(work)
    assert running.texts == [str(number) for number in range(count)]


def test_what_comes_while_a_status_is_shown_is_shown_too(running: Running) -> None:
    """The main thread is in the middle of its look, at the last item of the queue."""

    def publish(status: st.Status) -> None:
        if isinstance(status, st.TextReceived) and len(running.texts) < 20:
            thread = threading.Thread(
                target=running.bridge.publish, args=(running.text(len(running.texts)),)
            )
            thread.start()
            thread.join()
        elif isinstance(status, st.TextReceived):
            done.set()

    done = threading.Event()
    running.then = publish

    def work() -> None:
        running.bridge.publish(running.text(0))
        wait(done)

    running.run(work)
    assert running.texts == [str(number) for number in range(20)]


def test_a_status_that_cannot_be_shown_keeps_none_behind_it(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()

    def fail(status: st.Status) -> None:
        match status:
            case st.TextReceived(text="bad"):
                raise RuntimeError("cannot be shown")
            case st.TextReceived(text="last"):
                done.set()

    running.then = fail

    def work() -> None:
        for words in ("bad", "between", "bad", "last"):
            running.bridge.publish(running.text(words))
        wait(done)

    running.run(work)
    assert running.texts == ["bad", "between", "bad", "last"]
    assert "a callback failed" in caplog.text


def test_a_flood_of_statuses_leaves_time_to_paint(running: Running) -> None:
    """Tk paints when it has nothing else to do, and it must do so while the flood goes on."""
    enough = threading.Event()
    paints: set[int] = set()

    def paint() -> None:
        paints.add(len(running.texts))
        if len(paints) > 10:
            enough.set()
        else:
            running.root.after(1, lambda: running.root.after_idle(paint))

    running.root.after(0, paint)

    def flood() -> None:
        running.bridge.publish(st.NoInvitation(None))
        deadline = time.monotonic() + PATIENCE
        while not enough.is_set():
            assert time.monotonic() < deadline
            running.bridge.publish(running.text("flood"))
        # The window need not show the rest.
        running.bridge._upward = queue.SimpleQueue()

    running.run(flood)


@pytest.mark.parametrize("kind", ["message box", "grab"])
def test_a_dialog_that_waits_does_not_keep_statuses(running: Running, kind: str) -> None:
    """Both have an event loop of their own inside a callback, and take all clicks and keys."""
    root = running.root
    if kind == "message box" and root.tk.call("tk", "windowingsystem") != "x11":
        pytest.skip("nobody but a person answers the system's own")
    answered: list[object] = []
    opened = threading.Event()

    def open_dialog() -> None:
        if kind == "message box":
            root.after_idle(opened.set)
            answered.append(messagebox.askyesno("Proxim", "Shall it go on?", parent=root))
            return
        dialog = tkinter.Toplevel(root)
        dialog.wait_visibility()
        dialog.grab_set()
        opened.set()
        root.wait_window(dialog)
        answered.append(dialog)

    def close(status: st.Status) -> None:
        """Answer from inside the dialog's loop, once it has shown enough."""
        if len(running.texts) == 20 and not answered:
            (dialog,) = root.tk.splitlist(root.tk.call("grab", "current"))
            button = f"{dialog}.yes"
            if root.tk.getboolean(root.tk.call("winfo", "exists", button)):
                root.tk.call(button, "invoke")
            else:
                root.tk.call("destroy", dialog)

    running.then = close
    root.after(0, open_dialog)

    def work() -> None:
        wait(opened)
        for number in range(20):
            running.bridge.publish(running.text(number))
        deadline = time.monotonic() + PATIENCE
        while not answered:
            assert time.monotonic() < deadline

    running.run(work)
    assert running.texts == [str(number) for number in range(20)]
    assert len(answered) == 1


def test_all_garbage_of_a_link_is_collected_after_it_has_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "LEFT_MS", 1)
    collected = threading.Event()

    class Circle:
        def __init__(self) -> None:
            self.itself = self

    # It is older than what a short look collects.
    circle = Circle()
    gc.collect()
    weakref.finalize(circle, collected.set)
    del circle
    left = st.LinkStatus(
        ev.LinkID("host-1"), "s", st.Stage.CLOSED, "A", "192.168.178.42", None, as_guest=False
    )

    def work() -> None:
        running.bridge.publish(left)
        wait(collected)

    running.run(work)


def test_a_program_at_rest_looks_for_garbage_less_often(
    root: tkinter.Tk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, ms in {"SETTLED_MS": 1, "COLLECT_MS": 10, "COLLECT_AT_REST_MS": 40}.items():
        monkeypatch.setattr(desktop, name, ms)
    counts = [(0, 0, 0)]
    monkeypatch.setattr(gc, "get_count", lambda: counts[0])
    running = Running(root, monkeypatch)
    pauses: list[int] = []
    plan = running.desktop._plan_collection

    def note(pause_ms: int) -> None:
        pauses.append(pause_ms)
        plan(pause_ms)

    monkeypatch.setattr(running.desktop, "_plan_collection", note)

    def until(expected: list[int]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(pauses[at : at + len(expected)] == expected for at in range(len(pauses))):
            assert time.monotonic() < deadline, pauses

    def work() -> None:
        until([20, 40, 40])
        # Something happens.
        pauses.clear()
        running.bridge.publish(running.text(1))
        until([10, 20, 40])
        # There is garbage all the time.
        counts[0] = (1_000_000, 0, 0)
        until([10, 10])

    running.run(work)


def test_garbage_is_collected_on_the_main_thread_and_on_no_other(
    root: tkinter.Tk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "COLLECT_MS", 20)
    bridge = Bridge()
    window = Window(
        root, bridge.post, theme="light", appearance=Appearance(), folder=lambda: "/tmp"
    )
    running = desktop.Desktop(root, window, bridge)
    collected_on: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected_on.append(threading.get_ident())

    def allocate() -> None:
        # An active collector would look on this thread, which makes most of the containers.
        while len(collected_on) < COLLECTIONS:
            kept: list[list[int]] = [[] for _ in range(2000)]
            kept.clear()
        bridge.publish(st.Stopped())
        bridge.interrupt()

    busy = threading.Thread(target=allocate)
    root.after(0, busy.start)
    gc.callbacks.append(note)
    try:
        assert running.run() == 0
    finally:
        gc.callbacks.remove(note)
    busy.join()
    assert {*collected_on} == {threading.get_ident()}


def test_what_is_handed_over_is_answered_by_the_window(running: Running) -> None:
    answers: list[HandoverAnswer] = []
    deliver = deliver_by(running.bridge)

    def work() -> None:
        running.bridge.painted()
        answers.append(deliver(HandoverRequest()))
        answers.append(deliver(HandoverRequest(("/a",))))

    running.run(work)
    assert [answer.outcome for answer in answers] == [Handed.RAISED, Handed.KEPT]


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_shows_no_notifications(
    running: Running, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Notifier:
        def __init__(self) -> None:
            self.shown: list[Notification] = []
            self.withdrawn: list[str] = []

        def show(self, notification: Notification) -> None:
            self.shown.append(notification)

        def withdraw(self, place: str) -> None:
            self.withdrawn.append(place)

        def close(self) -> None:
            pass

    notifier = Notifier()
    monkeypatch.setattr(surroundings, "open_notifier", lambda clicked: notifier)
    window = surroundings.Surroundings(
        running.window, running.bridge, quiet=quiet, clock=lambda: 0.0
    )
    question = ScreenQuestion(ev.LinkID("host-1"), 1, "Laptop", None, False, False, 40.0)
    window.follow(question, in_front=False)
    assert len(notifier.shown) == (0 if quiet else 1)
    running.window.attention.looked()
    assert len(notifier.withdrawn) == (0 if quiet else 1)
    window.follow(st.Stopped(), in_front=True)
    window.close()
    running.root.destroy()
