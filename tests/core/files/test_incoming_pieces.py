"""Tests of proxim.core.files.incoming: announcements that arrive in pieces."""

from dataclasses import replace

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files import messages as file_msg
from proxim.core.files.incoming import (
    MAX_MANIFEST_BYTES,
    MAX_REFUSALS,
    Announced,
    Arriving,
    Refusals,
)
from proxim.core.files.manifest import MAX_ENTRIES, Entry, TransferID

LINK = ev.LinkID("link")
ID = TransferID("A" * 22)


def piece(*paths: str, more: bool = False) -> file_msg.Announce:
    return file_msg.Announce(TransferID("A" * 22), tuple(Entry(path, 1) for path in paths), more)


def test_pieces_are_joined() -> None:
    arriving = Arriving()
    assert arriving.add(piece("a", more=True)) is None
    assert arriving.add(piece(more=True)) is None
    assert arriving.add(piece("b")) == Announced(
        (
            Entry("a", 1),
            Entry("b", 1),
        )
    )
    # The next announcement starts with an empty list.
    assert arriving.add(piece("c")) == Announced((Entry("c", 1),))


def test_one_that_was_broken_off_leaves_nothing() -> None:
    arriving = Arriving()
    arriving.add(piece("a", more=True))
    arriving.begin()
    assert arriving.add(piece("b")) == Announced((Entry("b", 1),))


def test_an_empty_list() -> None:
    assert Arriving().add(piece()) is Reason.NOTHING_TO_SEND


def test_as_many_as_there_may_be() -> None:
    arriving = Arriving()
    assert arriving.add(piece(*["a"] * MAX_ENTRIES, more=True)) is None
    whole = arriving.add(piece())
    assert isinstance(whole, Announced)
    assert len(whole.entries) == MAX_ENTRIES
    assert arriving.add(piece(*["a"] * (MAX_ENTRIES + 1))) is Reason.TOO_MANY_FILES
    assert arriving.add(piece("b")) == Announced((Entry("b", 1),))


def test_paths_are_counted_in_bytes() -> None:
    arriving = Arriving()
    path = "€" * 1000
    for _ in range(MAX_MANIFEST_BYTES // 3000):
        assert arriving.add(piece(path, more=True)) is None
    assert arriving.add(piece(path, more=True)) is Reason.TOO_MANY_FILES


def test_the_rest_of_a_refused_one_is_passed_over() -> None:
    refusals = Refusals()
    assert not refusals.cover(LINK, piece("a"))
    refusals.add(LINK, ID)
    assert not refusals.cover(ev.LinkID("another"), piece("x"))
    assert refusals.cover(LINK, piece("b", more=True))
    assert refusals.cover(LINK, piece("c"))
    assert not refusals.cover(LINK, piece("a"))


def test_refusals_end_with_their_link_and_are_bounded() -> None:
    refusals = Refusals()
    refusals.add(LINK, ID)
    refusals.forget(LINK)
    refusals.forget(LINK)
    assert not refusals.cover(LINK, piece("a"))
    for number in range(MAX_REFUSALS + 1):
        refusals.add(LINK, TransferID(f"transfer-{number}"))
    assert not refusals.cover(LINK, replace(piece("a"), transfer=TransferID("transfer-0")))
    assert refusals.cover(LINK, replace(piece("a"), transfer=TransferID("transfer-1")))
