"""A bounded flood against a real host: memory stays flat and the honest guest pairs (bench/flood.py
has the figures).
"""

import sys

import pytest

pytest.importorskip("psutil")

# bench.flood needs psutil, so it is imported only after importorskip.
from bench.flood import (
    CONNECTIONS,
    FEW,
    MANY,
    MARGIN_MB,
    flood_once,
)
from proxim.io.system.addresses import list_networks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a single loopback address"),
    pytest.mark.skipif(
        not list_networks(), reason="WebRTC needs a network address besides loopback"
    ),
]


@pytest.mark.parametrize("sources", [FEW, MANY])
async def test_a_flood(sources: int) -> None:
    # flood_once raises unless every honest guest is linked in the end.
    taken = await flood_once(sources)
    assert taken.peak - taken.before <= 2 * MARGIN_MB
    assert taken.after - taken.before <= MARGIN_MB
    assert taken.refused > CONNECTIONS / 2, "the limits were not reached, so this shows nothing"
    if sources == FEW:
        assert taken.tries == 1, "turned away though there was room"
