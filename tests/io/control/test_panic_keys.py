"""Tests of the keys that end everything, on a real X display."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.screen import commands as screen_do
from proxim.core.screen.events import PanicKeysPressed
from proxim.core.screen.status import PanicChord, PanicKeys
from proxim.io.control.panic_keys import PanicExecutor
from proxim.io.control.x11_keys import KEYCODES
from tests.ui.tk_support import xvfb

if not sys.platform.startswith("linux"):
    pytest.skip("needs an X display", allow_module_level=True)

import xcffib
import xcffib.xproto
import xcffib.xtest

ONE, OTHER = ev.LinkID("host-1"), ev.LinkID("host-2")
# Seconds; a busy machine needs some.
PATIENCE = 10.0


class Person:
    """Somebody at the display's keyboard."""

    def __init__(self) -> None:
        self.connection = xcffib.connect()
        self._fake = self.connection(xcffib.xtest.key)

    def press(self, *places: str) -> None:
        """Press keys together, and release them."""
        for kind, keys in ((2, places), (3, tuple(reversed(places)))):
            for place in keys:
                self._fake.FakeInput(
                    kind, KEYCODES[place], 0, xcffib.NONE, 0, 0, 0, is_checked=True
                ).check()

    def grab(self, modifiers: int) -> None:
        """Take the keys as a desktop does."""
        setup = self.connection.get_setup()
        root = setup.roots[self.connection.pref_screen].root
        self.connection.core.GrabKeyChecked(
            False, root, modifiers, KEYCODES["Escape"], 1, 1
        ).check()


@pytest.fixture(scope="module")
def lasting(plain_screen: str) -> Iterator[str]:
    """Return a display that does not start anew when a test's last client leaves."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            anchor = xcffib.connect(plain_screen)
            break
        except xcffib.ConnectionException:
            # It is starting anew, as an earlier test's last client left.
            assert time.monotonic() < deadline
    yield plain_screen
    anchor.disconnect()


@pytest.fixture
def person(lasting: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    monkeypatch.setenv("DISPLAY", lasting)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    somebody = Person()
    yield somebody
    somebody.connection.disconnect()


class Desk:
    """The executor, and what it told."""

    def __init__(self) -> None:
        self.reported: asyncio.Queue[ev.FeatureEvent] = asyncio.Queue()
        self.published: list[st.Status] = []
        self.executor = PanicExecutor(self.reported.put_nowait, self.published.append)

    def watch(self, link: ev.LinkID) -> None:
        self.executor.execute[screen_do.WatchPanicKeys](screen_do.WatchPanicKeys(link))

    def forget(self, link: ev.LinkID) -> None:
        self.executor.execute[screen_do.ForgetPanicKeys](screen_do.ForgetPanicKeys(link))

    async def pressed(self) -> None:
        """Wait until the keys were pressed once."""
        report = await asyncio.wait_for(self.reported.get(), PATIENCE)
        assert report == PanicKeysPressed()


@pytest.mark.parametrize("besides", [(), ("ShiftLeft",), ("CapsLock",), ("MetaLeft",)])
async def test_the_keys_end_everything_whatever_else_is_held(
    person: Person, besides: tuple[str, ...]
) -> None:
    desk = Desk()
    desk.watch(ONE)
    assert desk.published == [PanicKeys(PanicChord.CTRL_ALT_ESCAPE)]
    person.press(*besides, "ControlLeft", "AltLeft", "Escape")
    await desk.pressed()
    if "CapsLock" in besides:
        person.press("CapsLock")
    desk.executor.stop()


async def test_a_desktop_of_x11_has_them_whatever_else_runs_on_it(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-1")
    desk = Desk()
    desk.watch(ONE)
    assert desk.published == [PanicKeys(PanicChord.CTRL_ALT_ESCAPE)]
    desk.executor.stop()


async def test_other_keys_end_nothing(person: Person) -> None:
    desk = Desk()
    desk.watch(ONE)
    person.press("Escape")
    person.press("ControlLeft", "Escape")
    person.press("AltLeft", "Escape")
    person.press("ControlLeft", "AltLeft", "Escape")
    await desk.pressed()
    assert desk.reported.empty()
    desk.executor.stop()


async def test_keys_that_the_desktop_uses_are_replaced(person: Person) -> None:
    control, alt, shift = 4, 8, 1
    person.grab(control | alt)
    desk = Desk()
    desk.watch(ONE)
    assert desk.published == [PanicKeys(PanicChord.CTRL_ALT_SHIFT_ESCAPE)]
    desk.executor.stop()
    person.grab(control | alt | shift)
    desk.watch(ONE)
    assert desk.published[1:] == [PanicKeys(None)]


async def test_they_are_held_as_long_as_a_link_needs_them(person: Person) -> None:
    desk = Desk()
    desk.watch(ONE)
    desk.watch(OTHER)
    desk.forget(ONE)
    person.press("ControlLeft", "AltLeft", "Escape")
    await desk.pressed()
    desk.forget(OTHER)
    # Others may have them now.
    person.grab(4 | 8)
    desk.forget(OTHER)


async def test_a_display_that_goes_is_not_read_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with contextmanager(xvfb)(96) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        desk = Desk()
        desk.watch(ONE)
        assert desk.published == [PanicKeys(PanicChord.CTRL_ALT_ESCAPE)]
    loop = asyncio.get_running_loop()
    failures: list[object] = []
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    deadline = time.monotonic() + PATIENCE
    while not failures and "the panic keys are gone" not in caplog.text:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert not failures
    desk.forget(ONE)


async def test_without_a_display_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.delenv("DISPLAY", raising=False)
    desk.watch(ONE)
    monkeypatch.setenv("DISPLAY", ":987")
    desk.watch(ONE)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    desk.watch(ONE)
    assert desk.published == [PanicKeys(None)] * 3
    desk.forget(ONE)
