"""The page's request and session, run in Node with a simulated host and clock."""

from tests.web.node import run_node


def test_a_session_fails_closed_and_resumes_as_the_protocol_says() -> None:
    assert run_node("session.mjs") > 190
