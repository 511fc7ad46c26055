"""Tests of proxim.core.files.manifest."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxim.core.files.manifest import (
    Entry,
    Partial,
    Position,
    Span,
    TransferID,
    chosen,
    count_files,
    digest,
    indices,
    remaining,
    resume_tag,
    spans,
    title,
    total_size,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
entries = st.builds(
    Entry, text, st.integers(0, 1 << 50), st.none() | st.integers(0, 1 << 50), st.booleans()
)


@given(st.sets(st.integers(0, 60)))
def test_spans_hold_what_was_drawn_together(which: set[int]) -> None:
    drawn = spans(sorted(which))
    assert list(indices(drawn)) == sorted(which)
    assert all(one.first + one.count < other.first for one, other in pairwise(drawn))


def test_neighbours_are_one_span() -> None:
    assert spans([0, 1, 2, 5, 7, 8]) == (Span(0, 3), Span(5, 1), Span(7, 2))
    assert spans([]) == ()


@given(st.lists(entries, max_size=5), st.lists(entries, max_size=5))
def test_a_digest_is_the_same_only_for_the_same_files(one: list[Entry], other: list[Entry]) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_a_digest_is_not_deceived_by_separators() -> None:
    assert digest([Entry("a", 1)]) != digest([Entry("a:1:None:False;1:a", 1)])
    assert digest([Entry("a;1:b", 1, 2)]) != digest([Entry("a", 1, 2), Entry("b", 1, 2)])


def test_a_tag_says_nothing_of_the_id() -> None:
    one, other = resume_tag(TransferID("a")), resume_tag(TransferID("b"))
    assert len(one) == len(other) == 32
    assert one != other
    assert one == resume_tag(TransferID("a"))


def test_what_people_see() -> None:
    several = (
        Entry("Photos", directory=True),
        Entry("Photos/a", 5),
        Entry("b.txt", 7),
        Entry("Photos/c", 1),
    )
    assert total_size(several) == 13
    assert chosen(several) == 2
    assert title(several) == "Photos"
    assert title(()) == ""
    assert several[1].top == "Photos"


def test_a_beginnings_hash_is_not_in_a_repr() -> None:
    assert "secret" not in repr(Partial(0, 1, b"secret"))


def test_what_is_still_to_come() -> None:
    several = (Entry("a", 10), Entry("F", directory=True), Entry("F/b", 20), Entry("c", 30))
    assert remaining(several) == 60
    assert remaining(several, (Span(0, 2),)) == 50
    assert remaining(several, (Span(0, 2),), (Partial(2, 5, b""), Partial(3, 99, b""))) == 15
    assert remaining(several, (), (), Position(2, 7)) == 43
    assert remaining(several, (), (Partial(2, 9, b""),), Position(2, 7)) == 41
    assert remaining(several, (), (), Position(4, 0)) == 0


def test_folders_are_not_counted_as_files() -> None:
    assert count_files((Entry("a"), Entry("folder", directory=True), Entry("folder/b"))) == 2
