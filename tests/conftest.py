import os
from collections.abc import Iterator

import pytest

from proxim.core import words
from proxim.net.addresses import list_networks

# Here and in every program that a test starts, whatever the machine speaks: most tests read English sentences.
os.environ["LANGUAGE"] = words.ENGLISH


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A test that speaks another language leaves none behind."""
    yield
    if words.language_in_use() != words.ENGLISH:
        words.use(words.ENGLISH)


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that WebRTC uses (aiortc gathers no loopback); traffic to it stays on the machine."""
    networks = list_networks()
    if not networks:
        pytest.skip("this machine has no network address besides loopback")
    return networks[0].address
