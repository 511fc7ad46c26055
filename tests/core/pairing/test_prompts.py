"""Tests of the order in which people are asked, and of how many requests may wait."""

from dataclasses import replace

from proxim.core import status as st
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.prompts import UNVERIFIED_QUEUED, PromptQueue
from tests.rows import each_row

PROMPT = st.Prompt("s0", DeviceInfo("Ana", "id"), "192.168.1.9", None, 40.0, 1)


def prompt(number: int, verified: Verified | None = None) -> st.Prompt:
    return replace(PROMPT, session_id=f"s{number}", verified=verified)


class Queue:
    """A queue that gets one request more or less at a time."""

    def __init__(self) -> None:
        self.it = PromptQueue()
        self.open: list[st.Prompt] = []

    def put(self, *prompts: st.Prompt) -> tuple[st.Prompt, ...]:
        """Add these requests one by one, and return those that were too many."""
        surplus: tuple[st.Prompt, ...] = ()
        for one in prompts:
            self.open.append(one)
            found = self.it.update(self.open)
            # The caller declines the surplus requests.
            self.open = [other for other in self.open if other not in found]
            surplus += found
        return surplus

    def end(self, *prompts: st.Prompt) -> None:
        for one in prompts:
            self.open.remove(one)
        assert self.it.update(self.open) == ()

    @property
    def shown(self) -> list[str]:
        return [one.session_id for one in self.it.status.shown]

    @property
    def queued(self) -> list[str]:
        return [one.session_id for one in self.it.status.queued]


def test_nobody_waits() -> None:
    queue = PromptQueue()
    assert queue.update(()) == ()
    assert queue.status == st.Prompts()


def test_of_unverified_requests_one_is_shown_at_a_time_in_the_order_in_which_they_came() -> None:
    queue = Queue()
    for number in range(3):
        assert queue.put(prompt(number)) == ()
        assert queue.shown == ["s0"]
    assert queue.queued == ["s1", "s2"]
    queue.end(prompt(0))
    assert (queue.shown, queue.queued) == (["s1"], ["s2"])
    queue.end(prompt(2))
    assert (queue.shown, queue.queued) == (["s1"], [])


@each_row("method", Verified)
def test_verified_requests_go_first_and_all_at_once(method: Verified) -> None:
    queue = Queue()
    assert queue.put(prompt(0), prompt(1, method), prompt(2, method)) == ()
    assert (queue.shown, queue.queued) == (["s1", "s2"], ["s0"])
    queue.end(prompt(1, method), prompt(2, method))
    assert (queue.shown, queue.queued) == (["s0"], [])


def test_one_unverified_request_too_many_is_turned_away_until_there_is_room() -> None:
    queue = Queue()
    assert queue.put(*map(prompt, range(1 + UNVERIFIED_QUEUED))) == ()
    assert queue.put(prompt(10)) == (prompt(10),)
    assert len(queue.queued) == UNVERIFIED_QUEUED
    assert "s10" not in queue.queued
    # The number of other waiting requests does not matter for a verified one.
    assert queue.put(prompt(11, Verified.CODE)) == ()
    assert queue.put(prompt(10)) == (prompt(10),)
    queue.end(prompt(2))
    assert queue.put(prompt(10)) == ()
    assert queue.queued == ["s0", "s1", "s3", "s10"]


def test_a_request_replaces_the_one_of_its_session_and_takes_no_second_place() -> None:
    queue = Queue()
    queue.put(*map(prompt, range(1 + UNVERIFIED_QUEUED)))
    newer = replace(prompt(0), deadline=50.0, number=2)
    queue.open.remove(prompt(0))
    assert queue.put(newer) == ()
    # The newer request goes to the end of the queue.
    assert (queue.shown, queue.queued) == (["s1"], ["s2", "s3", "s0"])
    queue.end(*map(prompt, range(1, 1 + UNVERIFIED_QUEUED)))
    assert queue.it.status == st.Prompts((newer,))
