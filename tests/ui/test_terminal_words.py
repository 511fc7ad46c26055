"""What the terminal says about durations."""

import pytest

from proxim.ui.terminal_words import duration

DURATIONS = [
    (-1.0, "0 seconds"),
    (0.2, "1 second"),
    (58.2, "59 seconds"),
    (59.2, "1 minute"),
    (90.0, "90 seconds"),
    (119.1, "2 minutes"),
    (899.9, "15 minutes"),
    (5400.0, "90 minutes"),
    (7200.0, "2 hours"),
    (86400.0, "24 hours"),
    (172800.0, "2 days"),
    (604800.0, "7 days"),
]


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_a_duration_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words
