"""Tests of the token bucket with a simulated clock. Its uses are tested in test_guess_budget.py,
test_connections.py and tests/io/pairing/test_rate_limit.py.
"""

from hypothesis import given
from hypothesis import strategies as some

from proxim.core.token_bucket import RateLimit, TokenBucket

T0 = 1000.0


def test_it_begins_full_and_gives_no_more_than_it_has() -> None:
    bucket = TokenBucket(RateLimit(per_second=2, burst=3), T0)
    assert [bucket.consume(T0) for _ in range(5)] == [True, True, True, False, False]


def test_a_pause_gives_back_as_much_as_it_is_long_and_never_more_than_the_burst() -> None:
    bucket = TokenBucket(RateLimit(per_second=2, burst=3), T0)
    assert bucket.consume(T0, 3)
    assert not bucket.consume(T0 + 0.25)
    assert bucket.consume(T0 + 0.5)
    assert not bucket.consume(T0 + 0.5)
    assert [bucket.consume(T0 + 1000) for _ in range(4)] == [True, True, True, False]


def test_what_is_refused_does_not_count() -> None:
    bucket = TokenBucket(RateLimit(per_second=1, burst=3), T0)
    assert bucket.consume(T0, 2)
    assert not bucket.consume(T0, 2)
    assert bucket.consume(T0, 1)


@given(
    some.floats(0.1, 100),
    some.integers(1, 50),
    some.lists(some.tuples(some.floats(0, 5), some.integers(1, 10)), max_size=60),
)
def test_no_pattern_gets_more_than_the_burst_and_the_time(
    per_second: float, burst: int, asked: list[tuple[float, int]]
) -> None:
    bucket = TokenBucket(RateLimit(per_second, burst), T0)
    now, got = T0, 0
    for pause, count in asked:
        now += pause
        got += count if bucket.consume(now, count) else 0
        assert got <= burst + (now - T0) * per_second + 1e-6
