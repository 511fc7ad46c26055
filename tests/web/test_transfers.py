"""The page's transfers, run in Node with a simulated link."""

from tests.web.node import run_node


def test_transfers_lose_nothing_and_believe_nothing() -> None:
    assert run_node("transfers.mjs") > 50
