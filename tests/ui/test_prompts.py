"""The order in which people are asked, and how many may wait."""

from dataclasses import replace

from proxim.core import status as st
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.ui.prompts import UNVERIFIED_QUEUED, PromptQueue
from tests.rows import each_row

PROMPT = st.Prompt("s0", DeviceInfo("Ana", "id"), "192.168.1.9", None, 40.0)


def prompt(number: int, verified: Verified | None = None) -> st.Prompt:
    return replace(PROMPT, session_id=f"s{number}", verified=verified)


def sessions(queue: PromptQueue) -> list[str]:
    return [one.session_id for one in queue.shown()]


def test_nobody_waits() -> None:
    queue = PromptQueue()
    assert queue.shown() == ()
    assert queue.first is None
    assert queue.remove("s1") is None


def test_of_unverified_requests_one_is_shown_at_a_time_in_the_order_in_which_they_came() -> None:
    queue = PromptQueue()
    for number in range(3):
        assert queue.put(prompt(number))
        assert sessions(queue) == ["s0"]
    assert queue.remove("s0") == prompt(0)
    assert sessions(queue) == ["s1"]
    queue.remove("s2")
    assert sessions(queue) == ["s1"]


@each_row("method", Verified)
def test_verified_requests_go_first_and_all_at_once(method: Verified) -> None:
    queue = PromptQueue()
    queue.put(prompt(0))
    for number in (1, 2):
        assert queue.put(prompt(number, method))
    assert sessions(queue) == ["s1", "s2"]
    assert queue.first == prompt(1, method)
    queue.remove("s1")
    queue.remove("s2")
    assert sessions(queue) == ["s0"]


def test_one_unverified_request_too_many_is_turned_away_until_there_is_room() -> None:
    queue = PromptQueue()
    for number in range(1 + UNVERIFIED_QUEUED):
        assert queue.put(prompt(number))
    assert not queue.put(prompt(10))
    assert "s10" not in queue
    # However many others wait
    assert queue.put(prompt(11, Verified.CODE))
    assert not queue.put(prompt(10))
    queue.remove("s2")
    assert queue.put(prompt(10))


def test_a_request_replaces_the_one_of_its_session_and_takes_no_second_place() -> None:
    queue = PromptQueue()
    for number in range(1 + UNVERIFIED_QUEUED):
        queue.put(prompt(number))
    newer = replace(prompt(0), deadline=50.0)
    assert queue.put(newer)
    # It has to queue again
    assert sessions(queue) == ["s1"]
    assert queue.remove("s0") == newer


def test_all_can_be_forgotten() -> None:
    queue = PromptQueue()
    queue.put(prompt(0))
    queue.put(prompt(1, Verified.QR))
    queue.clear()
    assert queue.shown() == ()
