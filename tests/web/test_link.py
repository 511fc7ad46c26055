"""The page's link and its features, run in Node with a simulated connection."""

from tests.web.node import run_node


def test_a_link_carries_what_its_features_say() -> None:
    assert run_node("link.mjs") > 20
