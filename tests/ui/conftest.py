"""Fixtures with screens and windows for the window's tests. A test fails if a callback in its
window raised an error.
"""

import logging
import tkinter
from collections.abc import Callable, Iterator

import pytest

from proxim.ui.window.theme import ThemeChoice
from tests.ui.tk_support import Bench, ErrorCollector


@pytest.fixture
def logged_errors() -> Iterator[list[str]]:
    """Yield the errors logged so far. A test removes those that it expects; any other fails the
    test.
    """
    collector = ErrorCollector()
    logging.getLogger().addHandler(collector)
    yield collector.messages
    logging.getLogger().removeHandler(collector)
    assert not collector.messages, "an error was logged"


@pytest.fixture
def make_bench(
    plain_screen: str,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[str],
    no_tk_garbage: None,
) -> Iterator[Callable[[ThemeChoice], Bench]]:
    """Yield a function that makes a window with a theme; the window is destroyed after the test."""
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    benches: list[Bench] = []

    def make(theme: ThemeChoice) -> Bench:
        bench = Bench(theme)
        benches.append(bench)
        bench.begin()
        bench.settle()
        bench.pump(lambda: bench.window.fields is not None, "the fields have their keys")
        return bench

    yield make
    for bench in benches:
        try:
            bench.root.destroy()
        except tkinter.TclError:
            # The test has closed the window already.
            continue


@pytest.fixture
def bench(make_bench: Callable[[ThemeChoice], Bench]) -> Bench:
    """Return a window that shows an invitation; its clock stands still."""
    return make_bench("light")
