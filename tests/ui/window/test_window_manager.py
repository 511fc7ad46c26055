"""Tests of what a window manager does with the window: openbox chooses its place."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from proxim.ui.window.widgets import SCREEN_BARS, resize
from tests.ui.tk_support import PATIENCE, Bench, MakeBench


@pytest.fixture
def managed(plain_screen: str, tmp_path: Path, make_bench: MakeBench) -> Iterator[Bench]:
    """Return a window on a screen that has a window manager for the time of this test."""
    program = shutil.which("openbox")
    if program is None or not plain_screen:
        pytest.skip("needs openbox, and a screen without a window manager")
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [program, "--startup", f"touch {ready}"],
        env={"DISPLAY": plain_screen, "HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    ) as manager:
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready.exists():
                if manager.poll() is not None:
                    pytest.skip("the screen has a window manager already")
                assert time.monotonic() < deadline
            bench = make_bench("light")
            bench.pump(bench.root.winfo_viewable)
            bench.pump(lambda: bench.root.winfo_rooty() > 0, "the window has its frame")
            yield bench
            bench.root.destroy()
        finally:
            manager.terminate()


def test_it_stays_where_the_window_manager_put_it(managed: Bench) -> None:
    root = managed.root
    managed.wait_until_whole()
    place, width, height = (root.winfo_rootx(), root.winfo_rooty()), *_size(managed)
    assert min(place) > 40
    for more in (60, 20, 40):
        resize(root, width, height + more)
        managed.pump(partial(_has_size, managed, width, height + more))
        managed.settle()
        assert (root.winfo_rootx(), root.winfo_rooty()) == place


def test_a_size_of_the_persons_own_is_no_hindrance(managed: Bench) -> None:
    root = managed.root
    managed.wait_until_whole()
    width, height = _size(managed)
    # As if the person had drawn at its edge.
    root.geometry(f"{width + 50}x{height + 50}")
    managed.pump(lambda: _size(managed) == (width + 50, height + 50))
    resize(root, width, height + 10)
    managed.pump(lambda: _size(managed) == (width, height + 10))


def test_it_moves_up_where_it_would_leave_the_screen(managed: Bench) -> None:
    root = managed.root
    managed.wait_until_whole()
    left, width, height = root.winfo_rootx(), *_size(managed)
    most = root.winfo_screenheight() - managed.window.theme.px(SCREEN_BARS)
    assert root.winfo_rooty() + most > root.winfo_screenheight()
    resize(root, width, most)
    managed.pump(lambda: _size(managed) == (width, most) != (width, height))
    managed.pump(lambda: root.winfo_rooty() + most <= root.winfo_screenheight())
    assert root.winfo_rootx() == left


def _has_size(bench: Bench, width: int, height: int) -> bool:
    return _size(bench) == (width, height)


def _size(bench: Bench) -> tuple[int, int]:
    return bench.root.winfo_width(), bench.root.winfo_height()
