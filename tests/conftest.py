import asyncio
import gc
import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Final

import pytest
from hypothesis import is_hypothesis_test, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from proxim import core
from proxim.app import language as system_language
from proxim.app.bridge import new_event_loop
from proxim.app.language import speak
from proxim.core import i18n as words
from proxim.io.system.addresses import list_networks
from tests.core.seen_transitions import SeenTransitions
from tests.paths import TESTS

# Python may write bytecode here and in every program that a test starts, as on people's machines,
# even if the environment forbids it. Without bytecode, each of some 300 starts compiles the whole
# package again, and each worker compiles all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Most tests compare English sentences, so the tests and every program that they start use English,
# whatever the machine's language is.
os.environ["LANGUAGE"] = words.ENGLISH
speak(words.ENGLISH)

# A window of a test would tell the person at this desktop of its guests. Tests of notifications
# have a bus of their own.
os.environ["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"


# There is no deadline, because a slow machine is not a bug. CI tries the same examples every time,
# so that only the change itself can make a run fail.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Code that uses sockets and timers directly is tested on Python's own loop as well, because Proxim
# uses that loop on Windows and macOS. All other code uses the loop only through coroutines.
BOTH_LOOPS: Final = {
    *(f"io/pairing/test_{module}.py" for module in ("client", "server", "websocket")),
    *(
        f"io/link/test_{module}.py"
        for module in ("datagrams", "internals", "lane", "lane_socket", "lane_table", "peer")
    ),
    *(f"io/known/test_{module}.py" for module in ("executor", "mdns", "segments")),
    "io/test_runtime.py",
}

# Seconds that a longer form may take where it does not say so itself: alone it takes two to three
# minutes, and hypothesis reports one that is cut off as a fault of its own.
NIGHTLY_SECONDS: Final = 900

# One worker (pytest-xdist) runs all tests of a piece one after the other. A test belongs to a piece
# by its folder or file. The pieces start in this order, the longest first, so that none is left to
# one worker at the end while the others are idle. "real time" holds tests that would disturb each
# other: poor networks, floods, programs that send as fast as they can. The other pieces share
# something expensive: the executable or a browser. All remaining tests go to any free worker.
PIECES: Final = {
    "programs/test_files_network.py": "real time",
    "programs/test_pairing.py": "real time",
    "programs/test_desktop.py": "real time",
    "programs/test_flood.py": "real time",
    "programs/test_executable.py": "executable",
    "web/test_lost_links.py": "lost pages",
    "web/test_saving.py": "saving pages",
    "web/test_wrong_moments.py": "wrong moments",
    "web/test_screen.py": "screens",
    "web/test_firefox.py": "Firefox",
    "web/test_screen_firefox.py": "Firefox",
    "web/test_page.py": "page",
    "web": "browsers",
    "programs/test_files_resume.py": "resumed",
    "programs/test_hostile.py": "hostile",
    "programs/test_files.py": "files",
    "programs/test_files_disk.py": "files",
    "io/link/test_peer.py": "peers",
    "test_layers.py": "layers",
}
TURNS: Final = {piece: turn for turn, piece in enumerate(dict.fromkeys(PIECES.values()))}


def piece_of(node_id: str) -> str | None:
    """Return the piece that a test belongs to, or None if it belongs to no piece."""
    return _piece_of_file(node_id.partition("::")[0])


@cache
def _piece_of_file(name: str) -> str | None:
    file = PurePosixPath(name)
    if not file.is_relative_to(TESTS.name):
        return None
    place = file.relative_to(TESTS.name)
    return next((piece for part, piece in PIECES.items() if place.is_relative_to(part)), None)


def pytest_configure(config: pytest.Config) -> None:
    """Look for transitions that no test of core makes, where unreached branches fail, too."""
    if config.getoption("cov_fail_under", None):
        seen = SeenTransitions()
        config.pluginmanager.register(seen, "seen_transitions")
        seen.watch(pytest.MonkeyPatch())


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Search no garbage among the tests: they, and their modules, live as long as the process.

    That takes a third of the time of collecting them, and most of each later `gc.collect`. With
    coverage, collecting takes more than twice as long, so that is not measured either.
    """
    if not hasattr(session.config, "workerinput"):
        # What runs when modules are imported is measured here, and not in each worker again.
        for module in pkgutil.walk_packages(core.__path__, "proxim.core."):
            importlib.import_module(module.name)
    measure(session.config, on=False)
    gc.disable()
    try:
        import_own_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def import_own_share(config: pytest.Config) -> None:
    """Import a part of the test files, each worker another one, before it collects all of them.

    In a new clone pytest rewrites the assertions of each file and keeps the bytecode. All workers
    collect in the same order at the same time, so without this each would rewrite all files itself,
    and not find what the others have done: 6 s of processor time a worker.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not config.ArgsSource.TESTPATHS:
        return
    number = int(worker["workerid"].removeprefix("gw"))
    files = sorted(TESTS.rglob("test_*.py"), key=lambda file: file.stat().st_size)
    for file in files[number :: worker["workercount"]]:
        importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by the order in which they start, and mark those without coverage."""
    items.sort(key=lambda item: TURNS.get(piece_of(item.nodeid) or "", len(TURNS)))
    for item in items:
        # The core's own tests must cover proxim/core completely, each branch by an example that
        # somebody wrote down. Tests slow down to a third under coverage, so all other tests run
        # without it: those elsewhere, and those whose many examples hypothesis makes.
        if not item.path.is_relative_to(TESTS / "core") or is_hypothesis_test(
            getattr(item, "obj", None)
        ):
            item.add_marker("not_measured")
        if item.get_closest_marker("nightly") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(NIGHTLY_SECONDS))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the coverage of the tests without that mark.

    pytest-cov's own mark, `no_cover`, would still measure their fixtures.
    """
    measure(item.config, on=item.get_closest_marker("not_measured") is None)
    return (yield)


def measure(config: pytest.Config, *, on: bool) -> None:
    """Let pytest-cov go on or pause, if it is there and shall measure at all."""
    controller = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None and controller.started is not on:
        (controller.resume if on else controller.pause)()


# pytest-xdist has no type annotations.
class Pieces(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the pieces to half of the workers, in the order of PIECES, and all remaining tests to
    the other half; who runs out of the one goes on with the other.

    In most pieces a worker waits most of the time, and in most remaining tests it computes. So both
    go on at the same time from the first minute to the last.

    `--dist=loadgroup` would keep pieces together with marks, but pytest-xdist 3.8 loses them with
    pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid) or nodeid

    def _assign_work_unit(self, node: WorkerController) -> None:
        # The pieces come first in the queue.
        if self.nodes.index(node) >= len(self.nodes) / 2:
            other = next((scope for scope in self.workqueue if scope not in TURNS), None)
            if other is not None:
                self.workqueue.move_to_end(other, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pieces:
    """Use this scheduler whatever `--dist` says."""
    return Pieces(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers there are if nobody says it.

    One half runs what waits most of the time: for a network that is poor on purpose, a browser, a
    countdown. The other half computes meanwhile (Pieces).
    """
    return 3 * (os.cpu_count() or 1)


def loop_that_closes() -> asyncio.AbstractEventLoop:
    """Return the program's own loop, which names what a test left open when it closes.

    uvloop warns of each open transport while it closes them. Here warnings are errors, and an error
    at that place keeps the transport open, so that the loop would wait for its end for ever.
    """
    loop = new_event_loop()
    close = loop.close

    def close_and_name() -> None:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always", ResourceWarning)
            close()
        left_open = [str(one.message) for one in found if one.category is ResourceWarning]
        assert not left_open, f"left open: {left_open}"

    loop.close = close_and_name  # type: ignore[method-assign]
    return loop


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the event loops on which a coroutine test runs, one after the other."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"ours": loop_that_closes}
    both = item.path.is_relative_to(TESTS) and (
        item.path.relative_to(TESTS).as_posix() in BOTH_LOOPS
    )
    return loops | ({"asyncio": asyncio.new_event_loop} if both else {})


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Return to English after a test that uses another language, and fail a test in which a text
    lacks a value (a program would show "…").
    """

    def lacking(_values: object, name: str) -> str:
        raise AssertionError(f"a text was not given its {name}")

    monkeypatch.setattr(words._Values, "__missing__", lacking)
    yield
    if words.language_in_use() != words.ENGLISH:
        system_language.speak(words.ENGLISH)


@pytest.fixture(scope="session")
def own_address() -> str:
    """Return an address of this machine that WebRTC uses, because aiortc gathers no loopback
    addresses. Traffic to it stays on the machine.
    """
    networks = list_networks()
    if not networks:
        pytest.skip("this machine has no network address besides loopback")
    return networks[0].address


@pytest.fixture(scope="module")
def no_tk_garbage() -> Iterator[None]:
    """Let nobody but the main thread collect the windows of a module's tests, after the last one.

    On another thread (pytest-xdist has one) a Tk variable would wait for ever for the main thread,
    and a Tk interpreter would abort the process.
    """
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(scope="session")
def plain_screen() -> Iterator[str]:
    """Yield the name of a display at 100 %: the machine's own, or an Xvfb where there is none.

    It lasts as long as the process: Tk ends a process whose display goes away.
    """
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        yield os.environ.get("DISPLAY", "")
        return
    yield from _own_screen(96)


@pytest.fixture(scope="session")
def fine_screen() -> Iterator[str]:
    """Yield the name of a display at 200 %."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Xvfb can be given a resolution")
    yield from _own_screen(192)


def _own_screen(dpi: int) -> Iterator[str]:
    # It is imported late, because most tests need no window.
    from tests.ui.tk_support import NoScreenError, xvfb

    try:
        yield from xvfb(dpi)
    except NoScreenError as error:
        pytest.skip(str(error))
