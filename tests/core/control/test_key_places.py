"""The places of keys have one number each, and one name."""

from proxim.core.control.key_places import LINUX, MACOS
from tests.rows import each_row


@each_row("numbers", [LINUX, MACOS])
def test_no_place_has_two_numbers(numbers: dict[int, str]) -> None:
    assert len({*numbers.values()}) == len(numbers)


def test_digits_stand_in_their_order() -> None:
    assert [LINUX[number] for number in (2, 10, 11)] == ["Digit1", "Digit9", "Digit0"]
