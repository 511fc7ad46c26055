import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from proxim.app import language as system_language
from proxim.app.bridge import new_event_loop
from proxim.app.language import speak
from proxim.core import i18n as words
from proxim.io.system.addresses import list_networks
from tests.paths import TESTS

# Bytecode is kept here and in every program that a test starts, as on people's machines, also where
# the environment forbids it: without it each of some 300 starts compiles the whole package again,
# and each worker all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Here and in every program that a test starts, whatever the machine speaks: most tests read English
# sentences.
os.environ["LANGUAGE"] = words.ENGLISH
speak(words.ENGLISH)


# No deadline: a slow machine is no bug. In CI the same examples every time, so that a red run is
# the change's own.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# What stands on sockets and timers is tested on Python's own loop, too, which Proxim has on Windows
# and macOS. Whatever is not named here sees no more of the loop than any coroutine does.
BOTH_LOOPS: Final = {
    *(f"io/pairing/test_{module}.py" for module in ("client", "server", "websocket")),
    *(f"io/link/test_{module}.py" for module in ("lane", "lanes", "peer")),
    "io/test_runtime.py",
}

# Tests that one worker (pytest-xdist) runs one after the other, by the folder or file that they
# stand in, and in the order in which these pieces start: the longest first, so that none of them is
# left to one worker while the others have nothing to do. "real time" holds what would disturb each
# other: poor networks, floods, programs that send as fast as they can. The others stay together
# because what they need is dear: the executable, a browser. All other tests go to whoever is free.
PIECES: Final = {
    "programs/test_executable.py": "executable",
    "programs/test_files_network.py": "real time",
    "programs/test_files_resume.py": "resumed",
    "programs/test_pairing.py": "real time",
    "programs/test_desktop.py": "real time",
    "programs/test_flood.py": "real time",
    "web/test_page.py": "page",
    "web": "browsers",
    "io/link/test_peer.py": "peers",
    "programs/test_hostile.py": "hostile",
    "programs/test_files.py": "files",
    "programs/test_files_disk.py": "files",
    "test_layers.py": "layers",
}
TURNS: Final = {piece: turn for turn, piece in enumerate(dict.fromkeys(PIECES.values()))}


def piece_of(node_id: str) -> str | None:
    """The piece that a test belongs to; None if it stands for itself."""
    file = PurePosixPath(node_id.partition("::")[0])
    if not file.is_relative_to(TESTS.name):
        return None
    place = file.relative_to(TESTS.name)
    return next((piece for name, piece in PIECES.items() if place.is_relative_to(name)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which they start; say which of them are measured."""
    items.sort(key=lambda item: TURNS.get(piece_of(item.nodeid) or "", len(TURNS)))
    for item in items:
        # proxim/core is to be reached whole by the tests of its own, which measuring slows down
        if not item.path.is_relative_to(TESTS / "core"):
            item.add_marker("no_cover")


# Pytest-xdist tells no types
class Pieces(LoadScopeScheduling):  # type: ignore[misc]
    """Hands the pieces to the workers, in the order in which they were put.

    `--dist=loadgroup` would do this by marks; pytest-xdist 3.8 loses them with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pieces:
    """Whatever `--dist` says."""
    return Pieces(config, log)


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops that a test of a coroutine runs on, one after the other."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"ours": new_event_loop}
    both = item.path.is_relative_to(TESTS) and (
        item.path.relative_to(TESTS).as_posix() in BOTH_LOOPS
    )
    return loops | ({"asyncio": asyncio.new_event_loop} if both else {})


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that speaks another language leaves none behind; a text that lacks a value, "…" in a
    program, fails.
    """

    def lacking(_values: object, name: str) -> str:
        raise AssertionError(f"a text was not given its {name}")

    monkeypatch.setattr(words._Values, "__missing__", lacking)
    yield
    if words.language_in_use() != words.ENGLISH:
        system_language.speak(words.ENGLISH)


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that WebRTC uses (aiortc gathers no loopback); traffic to it stays
    on the machine.
    """
    networks = list_networks()
    if not networks:
        pytest.skip("this machine has no network address besides loopback")
    return networks[0].address
