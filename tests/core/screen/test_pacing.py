"""What may be under way follows what the network carries."""

from proxim.core.screen.pacing import (
    LEAST_TEXT_BYTES,
    LEAST_WINDOW_BYTES,
    MOST_UPDATES,
    QUALITIES,
    TEXT_SECONDS,
    WINDOW_SECONDS,
    Pacing,
)


def carried(pacing: Pacing, rate: float, seconds: float, now: float) -> float:
    """Let a network of so many bytes a second carry all that may be sent; return the moment
    afterwards.
    """
    size = 20_000
    under_way: list[int] = []
    for _ in range(int(seconds * rate / size)):
        while pacing.may_send:
            under_way.append(pacing.sent(size, now))
        now += size / rate
        assert pacing.drawn(under_way.pop(0), now)
    assert not under_way or pacing.drawn(under_way[-1], now + 1e-9)
    return now


def test_a_fresh_link_carries_a_little_and_the_best() -> None:
    pacing = Pacing()
    assert pacing.may_send
    assert pacing.rate is None
    assert pacing.quality(10**9) == QUALITIES[-1]
    assert pacing.carries_text(10**9)
    pacing.sent(LEAST_WINDOW_BYTES, 0.0)
    assert not pacing.may_send
    assert pacing.drawn(1, 0.01)
    assert pacing.may_send
    # Where another one ended, the numbers go on.
    later = Pacing(pacing.newest)
    assert later.sent(9, 0.1) == 2
    assert not later.drawn(1, 0.2)


def test_no_more_than_a_few_updates_are_under_way() -> None:
    pacing = Pacing()
    for _ in range(MOST_UPDATES):
        assert pacing.may_send
        pacing.sent(1, 0.0)
    assert not pacing.may_send
    # The third says that the first two are drawn, too.
    assert pacing.drawn(3, 0.1)
    assert pacing.bytes_under_way == 1
    assert not pacing.drawn(2, 0.2)
    assert not pacing.drawn(77, 0.2)


def test_the_window_and_the_quality_follow_the_rate() -> None:
    pacing = Pacing()
    now = carried(pacing, 10e6, 2, 0.0)
    assert pacing.rate is not None
    assert 8e6 < pacing.rate < 12e6
    assert pacing.window == int(WINDOW_SECONDS * pacing.rate)
    assert pacing.quality(300_000) == QUALITIES[-1]
    assert pacing.quality(700_000) == 45
    assert pacing.quality(10**8) == QUALITIES[0]
    assert pacing.carries_text(int(TEXT_SECONDS * pacing.rate))
    assert not pacing.carries_text(int(TEXT_SECONDS * pacing.rate) + 1)
    now = carried(pacing, 0.5e6, 2, now)
    assert pacing.window == LEAST_WINDOW_BYTES
    # What the network carried before a rest is still believed.
    before = pacing.rate
    assert pacing.drawn(pacing.sent(10, now + 60), now + 60.001)
    assert pacing.rate == before


def test_a_screen_on_which_little_happens_says_nothing_about_the_network() -> None:
    pacing = Pacing()
    now = 0.0

    def trickle(size: int) -> None:
        nonlocal now
        for _ in range(50):
            number = pacing.sent(size, now)
            now += 0.02
            assert pacing.drawn(number, now)

    trickle(2000)
    assert pacing.rate is None
    now = carried(pacing, 5e6, 2, now)
    # What was measured halfway ends with the first updates of the trickle.
    trickle(2000)
    before = pacing.rate
    assert before is not None
    assert before > 4e6
    trickle(2000)
    assert pacing.rate == before
    # But it can carry as much as it did.
    trickle(60_000 * 5)
    assert pacing.rate > before


def test_whoever_is_slow_to_draw_small_updates_says_nothing_about_the_network() -> None:
    pacing = Pacing()
    now = carried(pacing, 5e6, 2, 0.0)
    before = pacing.rate
    for _ in range(50):
        while pacing.may_send:
            newest = pacing.sent(2000, now)
        now += 0.1
        assert pacing.drawn(newest, now)
    # What was measured halfway ends with the first of them.
    assert before is not None
    assert pacing.rate is not None
    assert pacing.rate > before / 2


def test_a_few_lines_of_text_are_never_blurred() -> None:
    pacing = Pacing()
    carried(pacing, 0.02e6, 10, 0.0)
    assert pacing.rate is not None
    assert pacing.rate * TEXT_SECONDS < LEAST_TEXT_BYTES
    assert pacing.carries_text(LEAST_TEXT_BYTES)
    assert not pacing.carries_text(LEAST_TEXT_BYTES + 1)
