"""Tests of proxim.app.desktop: the window's main loop, with a real Tk."""

import gc
import threading
import tkinter

import pytest

from proxim.app import desktop
from proxim.app.bridge import Bridge
from proxim.core import status as st
from proxim.ui.window.appearance import Appearance
from proxim.ui.window.root import make_root
from proxim.ui.window.window import Window

# So many looks for garbage are enough to see where they happen.
COLLECTIONS = 5


@pytest.fixture
def root(plain_screen: str, monkeypatch: pytest.MonkeyPatch, no_tk_garbage: None) -> tkinter.Tk:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    return make_root()


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
