"""Tests of notifications on Linux, with a service on a bus of its own."""

import queue
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxim.core.i18n import tr
from proxim.io.desktop import freedesktop_notices, notifications
from proxim.io.desktop.notifications import Notification, Notifier, open_notifier
from tests.io.desktop.fake_notifications import PATIENCE, FakeService
from tests.io.screen.fake_portal import private_bus

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="a service of Linux desktops"),
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed"),
]

QUESTION = Notification("question", "Laptop", "Answer in Proxim.", 40.0, urgent=True)
NEWS = Notification("news", "Arrived", "All of it.")


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@pytest.fixture
def clicks() -> "queue.SimpleQueue[str]":
    return queue.SimpleQueue()


@pytest.fixture
def notifier(clicks: "queue.SimpleQueue[str]") -> Iterator[Notifier]:
    opened = open_notifier(lambda: clicks.put(threading.current_thread().name))
    yield opened
    opened.close()


def test_what_is_told(bus: str, notifier: Notifier) -> None:
    with FakeService(bus) as service:
        notifier.show(QUESTION)
        shown = service.notification()
        assert (shown.title, shown.body) == ("Laptop", "Answer in Proxim.")
        assert (shown.replaces, shown.urgency, shown.entry) == (0, 2, "proxim")
        assert (shown.actions, shown.milliseconds) == (["default", tr("notify.open")], 40_000)
        notifier.show(NEWS)
        second = service.notification(2)
        assert (second.number, second.replaces, second.urgency) == (2, 0, 1)
        assert second.milliseconds == -1
        assert (shown.silent, second.silent) == (False, False)
        notifier.show(replace(NEWS, silent=True))
        corrected = service.notification(3)
        assert (corrected.replaces, corrected.urgency, corrected.silent) == (2, 0, True)


def test_a_new_one_replaces_the_one_of_its_place(bus: str, notifier: Notifier) -> None:
    with FakeService(bus) as service:
        notifier.show(QUESTION)
        first = service.notification()
        notifier.show(QUESTION)
        assert service.notification(2).replaces == first.number


def test_what_is_over_is_taken_back(bus: str, notifier: Notifier) -> None:
    with FakeService(bus) as service:
        notifier.show(QUESTION)
        number = service.notification().number
        notifier.withdraw("news")
        notifier.withdraw("question")
        service.until(lambda service: service.closed == [number])
        # The next one is new to the desktop.
        notifier.show(QUESTION)
        assert service.notification(2).replaces == 0


def test_the_end_takes_back_what_is_shown(bus: str, notifier: Notifier) -> None:
    with FakeService(bus) as service:
        notifier.show(QUESTION)
        number = service.notification().number
        notifier.close()
        service.until(lambda service: service.closed == [number])
        notifier.show(NEWS)
        assert len(service.shown) == 1


def test_a_click_calls_back(bus: str, notifier: Notifier, clicks: "queue.SimpleQueue[str]") -> None:
    with FakeService(bus) as service:
        notifier.show(QUESTION)
        number = service.notification().number
        # Another program's, and another action, are not ours.
        service.click(number + 7)
        service.click(number, "other")
        service.click(number)
        assert clicks.get(timeout=PATIENCE) == "proxim-notices"
        assert clicks.empty()
        service.dismiss(number)
        service.click(number)
        notifier.show(NEWS)
        service.notification(2)
        assert clicks.empty()


@pytest.mark.parametrize(
    ("capabilities", "body"),
    [(("body",), "<b>&</b>"), (("body", "body-markup"), "&lt;b&gt;&amp;&lt;/b&gt;")],
)
def test_nothing_is_markup(
    bus: str, notifier: Notifier, capabilities: tuple[str, ...], body: str
) -> None:
    with FakeService(bus, *capabilities) as service:
        notifier.show(Notification("news", "<b>x</b>", "<b>&</b>"))
        shown = service.notification()
        # A title is never markup.
        assert (shown.title, shown.body, shown.actions) == ("<b>x</b>", body, [])


def test_a_service_that_answers_nothing_keeps_nobody_waiting(
    bus: str, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "CLOSE_SECONDS", 0.01)
    with FakeService(bus, deaf=True):
        notifier.show(QUESTION)
        notifier.withdraw("question")
        notifier.show(NEWS)
        notifier.close()


def test_a_service_that_answers_nothing_is_given_up(
    bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freedesktop_notices, "CALL_SECONDS", 0.05)
    with FakeService(bus, deaf=True), pytest.raises(TimeoutError):
        freedesktop_notices.FreedesktopService(None)


def test_without_a_service_nothing_happens(bus: str, notifier: Notifier) -> None:
    notifier.show(QUESTION)
    joined()
    # A desktop may start it later.
    with FakeService(bus) as service:
        notifier.show(NEWS)
        assert service.notification().title == "Arrived"
        assert len(service.shown) == 1


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere", "nonsense"])
def test_without_a_bus_nothing_happens(
    address: str, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    notifier.show(QUESTION)
    joined()
    notifier.withdraw("question")


def test_a_bus_that_ends_takes_nothing_with_it(
    tmp_path: Path, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in range(2):
        folder = tmp_path / str(run)
        folder.mkdir()
        with private_bus(folder) as address:
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            with FakeService(address) as service:
                notifier.show(QUESTION)
                service.notification()
        joined()


def joined() -> None:
    """Wait for the end of the notifier's thread."""
    for thread in threading.enumerate():
        if thread.name == "proxim-notices":
            thread.join(PATIENCE)
            assert not thread.is_alive()
