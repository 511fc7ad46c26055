"""Tests of proxim.core.pairing.guess_budget: every limit is exceeded once."""

from proxim.core.errors import Reason
from proxim.core.pairing.guess_budget import (
    FAILURE_WINDOW_SECONDS,
    FAILURES_IN_ALL,
    FAILURES_PER_ADDRESS,
    TRIES_BURST,
    GuessBudget,
)
from tests.rows import each_row

T0 = 1000.0


def fail(budget: GuessBudget, address: str, now: float) -> bool:
    """Make one complete try that fails, and return whether it was one too many."""
    assert budget.consume(address, now) is None
    return budget.end(address, succeeded=False)


def address(number: int) -> str:
    return f"192.168.1.{number}"


def test_the_limits_are_those_of_the_specification() -> None:
    assert (TRIES_BURST, FAILURES_PER_ADDRESS, FAILURES_IN_ALL, FAILURE_WINDOW_SECONDS) == (
        3,
        5,
        20,
        900.0,
    )


def test_one_try_is_in_flight_at_a_time() -> None:
    budget = GuessBudget()
    assert budget.consume(address(1), T0) is None
    assert budget.consume(address(2), T0) is Reason.BUSY
    assert budget.consume(address(1), T0 + 60) is Reason.BUSY
    budget.end(address(1), succeeded=False)
    assert budget.consume(address(2), T0 + 60) is None


def test_three_tries_at_once_then_one_a_second() -> None:
    budget = GuessBudget()
    for number in range(3):
        fail(budget, address(number), T0)
    assert budget.consume(address(9), T0) is Reason.BUSY
    assert budget.consume(address(9), T0 + 0.9) is Reason.BUSY
    fail(budget, address(9), T0 + 1.0)
    assert budget.consume(address(9), T0 + 1.5) is Reason.BUSY
    # An hour of rest allows three tries at once, no more.
    for _ in range(3):
        fail(budget, address(9), T0 + 3600)
    assert budget.consume(address(8), T0 + 3600) is Reason.BUSY


def test_success_gives_no_speed_back() -> None:
    budget = GuessBudget()
    for _ in range(3):
        assert budget.consume(address(1), T0) is None
        assert budget.end(address(1), succeeded=True) is False
    assert budget.consume(address(1), T0) is Reason.BUSY


def test_five_failures_close_the_code_for_that_address_alone() -> None:
    budget = GuessBudget()
    for number in range(5):
        fail(budget, address(1), T0 + 10 * number)
    assert budget.consume(address(1), T0 + 100) is Reason.TOO_MANY_TRIES
    assert budget.consume(address(1), T0 + 10**6) is Reason.TOO_MANY_TRIES
    assert not budget.closed
    assert budget.consume(address(2), T0 + 10**6) is None


def test_a_refused_try_does_not_count() -> None:
    budget = GuessBudget()
    assert budget.consume(address(1), T0) is None
    for _ in range(50):
        assert budget.consume(address(2), T0) is Reason.BUSY
    budget.end(address(1), succeeded=True)
    for number in range(5):
        fail(budget, address(2), T0 + 10 * (number + 1))


def test_success_is_not_held_against_an_address() -> None:
    budget = GuessBudget()
    for number in range(100):
        assert budget.consume(address(1), T0 + 10 * number) is None
        assert budget.end(address(1), succeeded=True) is False
    assert not budget.closed


def test_twenty_failures_within_fifteen_minutes_close_the_code_once_and_for_all() -> None:
    budget = GuessBudget()
    for number in range(19):
        assert not fail(budget, address(number // 4), T0 + 10 * number)
    assert not budget.closed
    assert fail(budget, address(9), T0 + 300)
    assert budget.closed
    assert budget.consume(address(10), T0 + 10**6) is Reason.TOO_MANY_TRIES


def test_failures_of_long_ago_are_forgotten() -> None:
    budget = GuessBudget()
    for number in range(19):
        fail(budget, address(number // 4), T0 + number)
    now = T0 + 18 + FAILURE_WINDOW_SECONDS
    # All failures but this one are too old to count.
    assert not fail(budget, address(9), now + 0.1)
    assert not budget.closed
    for number in range(18):
        assert not fail(budget, address(20 + number // 4), now + 1 + number)
    assert fail(budget, address(30), now + 30)


@each_row("held", [True, False])
def test_a_try_in_flight_survives_any_sleep(held: bool) -> None:
    budget = GuessBudget()
    assert budget.consume(address(1), T0) is None
    assert budget.consume(address(2), T0 + 10 * FAILURE_WINDOW_SECONDS) is Reason.BUSY
    assert budget.end(address(1), succeeded=held) is False
    assert budget.consume(address(2), T0 + 10 * FAILURE_WINDOW_SECONDS) is None


def test_hanging_up_gains_nothing() -> None:
    """A try without an answer counts as a failure, because `end` is called in every case."""
    budget = GuessBudget()
    for number in range(20):
        assert budget.consume(address(number), T0 + 10 * number) is None
        budget.end(address(number), succeeded=False)
    assert budget.consume(address(99), T0 + 500) is Reason.TOO_MANY_TRIES
