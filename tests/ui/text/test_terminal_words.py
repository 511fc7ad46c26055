"""Tests of how the terminal words durations and proofs."""

from proxim.core.pairing.devices import Verified
from proxim.ui.text.model import Role
from proxim.ui.text.terminal_words import duration, proved_words
from tests.rows import each_row

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


@each_row("seconds, words", DURATIONS)
def test_a_duration_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


PROVED = [
    (Role.HOST, Verified.CODE, "verified"),
    (Role.HOST, Verified.QR, "scanned your QR"),
    (Role.JOIN, Verified.CODE, "verified"),
    (Role.JOIN, Verified.QR, "verified by its link"),
    (Role.HOST, None, "not verified"),
    (Role.JOIN, None, "not verified"),
]


@each_row("role, verified, words", PROVED)
def test_how_the_other_device_proved_itself(
    role: Role, verified: Verified | None, words: str
) -> None:
    assert proved_words(role, verified) == words
