import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from proxim.bridge import new_event_loop
from proxim.core import words
from proxim.net.addresses import list_networks

# Here and in every program that a test starts, whatever the machine speaks: most tests read English
# sentences.
os.environ["LANGUAGE"] = words.ENGLISH


TESTS: Final = Path(__file__).parent

# What stands on sockets and timers is tested on Python's own loop, too, which Proxim has on Windows
# and macOS. Whatever is not named here sees no more of the loop than any coroutine does.
BOTH_LOOPS: Final = {
    f"net/test_{module}.py"
    for module in ("client", "lane", "lanes", "peer", "runtime", "server", "websocket")
}

# Tests that are spread over the workers (pytest-xdist) as one piece, by the folder or file that
# they stand in, and in the order in which the pieces start: the longest first, so that none of them
# is left to one worker while the others have nothing to do. "real time" holds what would disturb
# each other: poor networks, floods, many programs at once. Each worker has its own browser,
# executable and programs, so that the others stay together because their fixtures are dear.
PIECES: Final = {
    "test_executable.py": "executable",
    "test_files_network.py": "real time",
    "test_files_resume.py": "real time",
    "test_pairing.py": "real time",
    "test_desktop.py": "real time",
    "test_flood.py": "real time",
    "net/test_peer.py": "peers",
    "web": "browsers",
    "test_hostile.py": "hostile",
    "test_files.py": "files",
    "test_files_disk.py": "files",
    "test_layers.py": "layers",
}


def _piece_of(item: pytest.Item) -> str | None:
    """The place in PIECES that a test belongs to."""
    if not item.path.is_relative_to(TESTS):
        return None
    place = item.path.relative_to(TESTS)
    return next((name for name in PIECES if place.is_relative_to(name)), None)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which they start, and those of a piece together."""
    turns = {piece: turn for turn, piece in enumerate(dict.fromkeys(PIECES.values()))}
    turn_of: dict[pytest.Item, int] = {}
    for item in items:
        if (place := _piece_of(item)) is None:
            continue
        item.add_marker(pytest.mark.xdist_group(PIECES[place]))
        turn_of[item] = turns[PIECES[place]]
    items.sort(key=lambda item: turn_of.get(item, len(turns)))


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
        words.use(words.ENGLISH)


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that WebRTC uses (aiortc gathers no loopback); traffic to it stays
    on the machine.
    """
    networks = list_networks()
    if not networks:
        pytest.skip("this machine has no network address besides loopback")
    return networks[0].address
