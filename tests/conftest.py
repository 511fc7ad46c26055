import asyncio
import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from proxim import system_language
from proxim.bridge import new_event_loop
from proxim.core import words
from proxim.net.addresses import list_networks
from proxim.system_language import speak

# Here and in every program that a test starts, whatever the machine speaks: most tests read English
# sentences.
os.environ["LANGUAGE"] = words.ENGLISH
speak(words.ENGLISH)


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What stands on sockets is tested on Python's own loop, too, which Proxim has on Windows and
    macOS.
    """
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"ours": new_event_loop}
    return loops | ({"asyncio": asyncio.new_event_loop} if item.path.parent.name == "net" else {})


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
