"""Tests of proxim.core.known.announcement, with a day of announcements among them."""

import hmac
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.known.announcement import TAG_BYTES, TAGS, hide_tag, pack_tags, read_tags
from proxim.core.known.events import ServiceSeen

NAME, OTHER_NAME = "a" * 26, "b" * 26
SLOTS_OF_A_DAY = 96
many_tags = st.lists(st.binary(min_size=8, max_size=8), max_size=TAGS, unique=True).map(tuple)


@given(many_tags)
def test_who_knows_a_tag_finds_it_and_no_other(tags: tuple[bytes, ...]) -> None:
    hidden = read_tags(pack_tags(tags, NAME, os.urandom))
    assert hidden is not None
    seen = ServiceSeen(NAME, (("192.168.1.5", 47800, "192.168.1.0/24"),), hidden)
    assert all(seen.has(tag) for tag in tags)
    assert not seen.has(b"another!")


@given(many_tags)
def test_every_announcement_is_as_long_and_in_order(tags: tuple[bytes, ...]) -> None:
    text = pack_tags(tags, NAME, os.urandom)
    assert len(text) == 2 * (1 + 2 + TAGS // 2 * TAG_BYTES) == 262
    # Each of its two strings begins with its length.
    assert (text[:3], text[131:134]) == (b"\x82a=", b"\x82b=")
    joined = text[3:131] + text[134:]
    each = [joined[at : at + TAG_BYTES] for at in range(0, len(joined), TAG_BYTES)]
    assert each == sorted(each)


def test_a_tag_is_told_under_another_name_in_other_bytes() -> None:
    tags = (b"12345678",)
    one, other = (read_tags(pack_tags(tags, name, os.urandom)) for name in (NAME, OTHER_NAME))
    assert one is not None
    assert other is not None
    assert not one & other
    assert tags[0] not in one | other
    assert hide_tag(tags[0], NAME) in one


def test_there_is_no_room_for_more() -> None:
    tags = tuple(number.to_bytes(8) for number in range(TAGS + 1))
    with pytest.raises(AssertionError):
        pack_tags(tags, NAME, os.urandom)
    assert read_tags(pack_tags(tags[1:], NAME, os.urandom)) is not None


GOOD = pack_tags((), NAME, lambda size: b"\x07" * size)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00",
        GOOD[:-1],
        GOOD[:131],
        GOOD[:132],
        GOOD[131:],
        b"\x81" + GOOD[1:],
        GOOD.replace(b"b=", b"c="),
        GOOD.replace(b"a=", b"A="),
        b"\x82a=",
    ],
)
def test_what_no_proxim_wrote_has_no_tags(text: bytes) -> None:
    assert read_tags(text) is None


def test_what_later_versions_say_besides_is_left_out() -> None:
    assert read_tags(GOOD + b"\x03v=2") == read_tags(GOOD) == frozenset({b"\x07" * 8})


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_error(text: bytes) -> None:
    hidden = read_tags(text)
    assert hidden is None or all(len(tag) == TAG_BYTES for tag in hidden)


def test_a_day_of_two_hosts_that_know_each_other_has_nothing_twice() -> None:
    """A stranger who records every announcement finds no tag again: not in another slot, not on
    another network, and not at the other host of the pair.
    """
    key = b"k" * 32
    recorded: Counter[bytes] = Counter()
    for slot in range(SLOTS_OF_A_DAY):
        for announcer in (b"uuid of one", b"uuid of the other"):
            tag = hmac.digest(key, b"seen" + announcer + slot.to_bytes(8), "sha256")[:8]
            for _network in range(2):
                name = os.urandom(13).hex()
                hidden = read_tags(pack_tags((tag,), name, os.urandom))
                assert hidden is not None
                recorded.update(hidden)
                # Whoever knows the pair's key does find it.
                assert hide_tag(tag, name) in hidden
    assert len(recorded) == SLOTS_OF_A_DAY * 2 * 2 * TAGS
    assert set(recorded.values()) == {1}
