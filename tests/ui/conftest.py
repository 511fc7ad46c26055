"""Screens and windows for the tests of the Tk face; a test in whose window a callback raised
fails.
"""

import logging
import os
import sys
import tkinter
from collections.abc import Callable, Iterator

import pytest

from proxim.ui.window.theme import ThemeChoice
from tests.ui.tk_support import Bench, ErrorCollector, NoScreenError, xvfb


@pytest.fixture(scope="session")
def plain_screen() -> Iterator[str]:
    """A display at 100 %: ours, or on a machine without one an Xvfb."""
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        yield os.environ.get("DISPLAY", "")
        return
    yield from _own_screen(96)


@pytest.fixture(scope="session")
def fine_screen() -> Iterator[str]:
    """A display at 200 %."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Xvfb can be given a resolution")
    yield from _own_screen(192)


def _own_screen(dpi: int) -> Iterator[str]:
    try:
        yield from xvfb(dpi)
    except NoScreenError as error:
        pytest.skip(str(error))


@pytest.fixture
def logged_errors() -> Iterator[list[str]]:
    """Errors logged so far; a test that wants one takes it out, what is left fails the test."""
    collector = ErrorCollector()
    logging.getLogger().addHandler(collector)
    yield collector.messages
    logging.getLogger().removeHandler(collector)
    assert not collector.messages, "an error was logged"


@pytest.fixture
def make_bench(
    plain_screen: str, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> Iterator[Callable[[ThemeChoice], Bench]]:
    """Make a window of a theme; it is destroyed with the test."""
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    benches: list[Bench] = []

    def make(theme: ThemeChoice) -> Bench:
        bench = Bench(theme)
        benches.append(bench)
        bench.begin()
        bench.settle()
        return bench

    yield make
    for bench in benches:
        try:
            bench.root.destroy()
        except tkinter.TclError:
            # The test closed it
            continue


@pytest.fixture
def bench(make_bench: Callable[[ThemeChoice], Bench]) -> Bench:
    """A window that shows an invitation, on a clock that stands still."""
    return make_bench("light")
