"""Tests of proxim.core.files.progress: the recent speed."""

import pytest

from proxim.core.files.progress import SETTLED_SECONDS, STEP_SECONDS, WINDOW_SECONDS, RateMeter


def test_nothing_is_known_at_first() -> None:
    rate = RateMeter()
    assert rate.speed is None
    rate.note(0, 10.0)
    rate.note(1000, 10.0 + SETTLED_SECONDS / 2)
    assert rate.speed is None
    rate.note(1000, 10.0 + SETTLED_SECONDS)
    assert rate.speed == pytest.approx(1000 / SETTLED_SECONDS)


def test_it_follows_what_happens() -> None:
    rate = RateMeter()
    for second in range(30):
        rate.note(second * 100, float(second))
    assert rate.speed == pytest.approx(100)
    for second in range(30, 30 + int(WINDOW_SECONDS) + 1):
        rate.note(2900 + (second - 29) * 1000, float(second))
    assert rate.speed == pytest.approx(1000)


def test_a_stop_is_forgotten() -> None:
    rate = RateMeter()
    rate.note(0, 0.0)
    rate.note(100, 1.0)
    rate.restart()
    assert rate.speed is None
    rate.note(100, 1000.0)
    rate.note(300, 1001.0)
    assert rate.speed == pytest.approx(200)


def test_a_peer_that_tells_too_much_fills_no_memory() -> None:
    rate = RateMeter()
    for count in range(100_000):
        rate.note(count, count / 100_000)
    assert len(rate._seen) <= 2 + 1 / STEP_SECONDS
    assert rate.speed == pytest.approx(100_000, rel=0.01)
