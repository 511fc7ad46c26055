from pathlib import Path

import pytest

from tests.rows import RowsError, each_row


def test_every_wrong_row_is_named() -> None:
    @each_row("number, even", [(1, False), (2, False), (3, True)])
    def wrong(number: int, even: bool) -> None:
        assert (number % 2 == 0) is even

    with pytest.raises(RowsError) as caught:
        wrong()
    head, *lines = str(caught.value).splitlines()
    assert head == "2 of 3 rows are wrong"
    assert [line.split(": ")[0] for line in lines] == [
        "number=2, even=False",
        "number=3, even=True",
    ]


def test_every_combination_of_two_tables_is_tried_and_named() -> None:
    tried: list[str] = []

    @each_row("letter", "ab")
    @each_row("number", [1, 2])
    def wrong(letter: str, number: int) -> None:
        tried.append(f"{letter}{number}")
        assert tried[-1] != "b1"

    with pytest.raises(RowsError, match=r"letter='b'.*\n.*number=1: AssertionError"):
        wrong()
    assert tried == ["a1", "a2", "b1", "b2"]


def test_what_does_not_raise_and_what_raises_otherwise_is_wrong() -> None:
    @each_row("text", ["1", "x"], name_of=lambda text: f"<{text}>")
    def wrong(text: str) -> None:
        with pytest.raises(KeyError):
            int(text)

    with pytest.raises(RowsError, match=r"<1>: Failed: .*\n<x>: ValueError: "):
        wrong()


def test_a_table_without_rows_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="without rows"):
        each_row("text", [])


@each_row("name", ["one", "two"])
def test_fixtures_are_shared_by_all_rows(name: str, tmp_path: Path) -> None:
    # The first row's file is still there when the second row runs.
    (tmp_path / name).touch()
    assert (tmp_path / "one").exists()
