"""Tests of tests.core.cases: a looped test fails for each of its cases, and says which."""

import pytest

from tests.core.cases import for_each

seen: list[tuple[int, str]] = []


@for_each("number", [1, 2, 3])
@for_each(("letter", "even"), [("a", False), ("b", True)], ids=["the first", "the second"])
def some(number: int, letter: str, even: bool) -> None:
    seen.append((number, letter))
    assert (number % 2 == 0) == even
    if number == 2:
        with pytest.raises(ValueError, match="never"):
            pass


def test_all_cases_run_and_each_that_goes_wrong_is_named() -> None:
    seen.clear()
    with pytest.raises(BaseExceptionGroup) as caught:
        some()
    assert seen == [(number, letter) for number in (1, 2, 3) for letter in "ab"]
    assert caught.value.message == (
        "4 of 6 cases: number=1; the second | number=2; the first | number=2; the second"
        " | number=3; the second"
    )
    notes = [error.__notes__ for error in caught.value.exceptions]
    assert notes[0] == ["in the case number=1; the second"]
    # A check of pytest's own that fails counts as every other
    assert "DID NOT RAISE" in str(caught.value.exceptions[2])


def test_values_that_look_the_same_are_all_run() -> None:
    ran: list[str] = []

    @for_each("text", ["x" * 90, "x" * 91])
    def collects(text: str) -> None:
        ran.append(text)

    collects()
    assert ran == ["x" * 90, "x" * 91]
    with pytest.raises(AssertionError, match="no case at all"):
        for_each("text", [])
