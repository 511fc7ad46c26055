"""Tests of proxim.core.link.messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.pairing import messages as pair_msg
from proxim.core.sanitize import MAX_NAME_BYTES
from tests.core.handed_in import hello, read_message
from tests.rows import each_row

LANE: dict[str, object] = {
    "type": "lane",
    "token": to_base64url(bytes(16)),
    "key": to_base64url(bytes(32)),
}
EXAMPLES: list[tuple[link_msg.LinkMessage, dict[str, object]]] = [
    (
        hello("Phone"),
        {
            "type": "hello",
            "version": link_msg.LINK_VERSION,
            "features": [
                "text",
                "files",
                "known",
                "lane-channels",
                "screen",
                "control",
                "lane",
            ],
            "name": "Phone",
        },
    ),
    (link_text.TextPiece("hi"), {"type": "text", "text": "hi"}),
    (link_text.TextPiece("hi", more=True), {"type": "text", "text": "hi", "more": True}),
    (link_msg.Ping(), {"type": "ping"}),
    (link_msg.Bye(), {"type": "bye"}),
    (link_msg.Bye("expired"), {"type": "bye", "reason": "expired"}),
    (link_msg.Unsupported("channel"), {"type": "unsupported", "what": "channel"}),
    (link_msg.OfferLane(bytes(16), bytes(32)), LANE),
]

encodable = st.text(st.characters(exclude_categories=["Cs"]))
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)
link_messages: st.SearchStrategy[link_msg.LinkMessage] = st.one_of(
    st.builds(
        link_msg.Hello,
        short,
        st.integers(1, 10**9),
        st.lists(short, max_size=link_msg.MAX_FEATURES).map(tuple),
    ),
    st.builds(link_text.TextPiece, encodable, st.booleans()),
    st.just(link_msg.Ping()),
    st.builds(link_msg.Bye, st.none() | short),
    st.builds(link_msg.Unsupported, short),
    st.builds(
        link_msg.OfferLane,
        st.binary(min_size=16, max_size=16),
        st.binary(min_size=32, max_size=32),
    ),
)


def refused(text: str) -> MessageError:
    with pytest.raises(MessageError) as caught:
        read_message(text)
    return caught.value


@each_row("message, fields", EXAMPLES)
def test_each_message_is_written_and_read_as_documented(
    message: link_msg.LinkMessage, fields: dict[str, object]
) -> None:
    assert json.loads(link_msg.dump_link_message(message)) == fields
    assert read_message(json.dumps(fields)) == message


@given(link_messages)
def test_what_is_written_is_read_as_the_same(message: link_msg.LinkMessage) -> None:
    assert read_message(link_msg.dump_link_message(message)) == message


@given(link_messages)
def test_unknown_fields_are_ignored(message: link_msg.LinkMessage) -> None:
    fields = json.loads(link_msg.dump_link_message(message))
    assert read_message(json.dumps({**fields, "later": {"x": [1]}})) == message


@given(
    st.text()
    | st.recursive(st.none() | st.booleans() | st.text(max_size=8), st.lists).map(json.dumps)
)
def test_any_other_text_is_a_message_error(text: str) -> None:
    assert refused(text).reason is Reason.BAD_JSON


@given(
    st.dictionaries(
        st.sampled_from(["type", "text", "more", "name", "version", "features", "reason", "what"]),
        st.sampled_from(["hello", "text", "ping", "bye", "unsupported"])
        | st.none()
        | st.booleans()
        | st.integers(),
    )
)
def test_any_object_is_read_or_a_message_error(fields: dict[str, object]) -> None:
    try:
        message = read_message(json.dumps(fields))
    except MessageError as error:
        # A message and an error are both allowed.
        assert error.reason in (Reason.BAD_MESSAGE, Reason.UNKNOWN_TYPE)  # noqa: PT017
    else:
        assert json.loads(link_msg.dump_link_message(message))["type"] == fields["type"]


@each_row(
    "fields",
    [
        {},
        {"type": 1},
        {"type": "t" * (pair_msg.MAX_ID_BYTES + 1)},
        {"type": "hello"},
        {"type": "hello", "version": 0, "name": "x"},
        {"type": "hello", "version": True, "name": "x"},
        {"type": "hello", "version": 1.0, "name": "x"},
        {"type": "hello", "version": 1, "name": "x", "features": "text"},
        {
            "type": "hello",
            "version": 1,
            "name": "x",
            "features": ["f"] * (link_msg.MAX_FEATURES + 1),
        },
        {"type": "hello", "version": 1, "name": "x" * (MAX_NAME_BYTES + 1)},
        {"type": "text"},
        {"type": "text", "text": 5},
        {"type": "text", "text": "\ud800"},
        {"type": "text", "text": "a", "more": 1},
        {"type": "text", "text": "a", "more": "yes"},
        {"type": "bye", "reason": 1},
        {"type": "bye", "reason": "r" * (pair_msg.MAX_ID_BYTES + 1)},
        {"type": "unsupported", "what": []},
        *({**LANE, "token": bad} for bad in (None, 5, "", to_base64url(bytes(15)))),
        *({**LANE, "key": bad} for bad in (None, 5, "", to_base64url(bytes(31)))),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, object]) -> None:
    assert refused(json.dumps(fields)).reason is Reason.BAD_MESSAGE


def test_null_is_as_good_as_absent_where_a_field_may_be_absent() -> None:
    assert read_message('{"type":"text","text":"a","more":null}') == link_text.TextPiece("a")
    assert read_message('{"type":"bye","reason":null}') == link_msg.Bye()
    assert read_message('{"type":"unsupported"}') == link_msg.Unsupported("")


def test_a_greeting_needs_no_features_and_keeps_only_those_that_are_names() -> None:
    assert read_message('{"type":"hello","version":2,"name":"x"}') == link_msg.Hello("x", 2, ())
    mixed = json.dumps(
        {"type": "hello", "version": 1, "name": "x", "features": ["text", 5, None, "f" * 65]}
    )
    assert read_message(mixed) == link_msg.Hello("x", 1, ("text",))


def test_an_unknown_type_is_named_so_that_it_can_be_told_unsupported() -> None:
    error = refused('{"type":"call","files":[]}')
    assert (error.reason, error.problem.detail) == (Reason.UNKNOWN_TYPE, "call")


def test_a_message_has_a_limit_in_bytes() -> None:
    frame = len(link_msg.dump_link_message(link_text.TextPiece("")))
    assert read_message(
        link_msg.dump_link_message(
            link_text.TextPiece("a" * (link_msg.MAX_LINK_MESSAGE_BYTES - frame))
        )
    )
    assert (
        refused(
            link_msg.dump_link_message(
                link_text.TextPiece("a" * (link_msg.MAX_LINK_MESSAGE_BYTES - frame + 1))
            )
        ).reason
        is Reason.TOO_LARGE
    )
    # This text has fewer characters than the limit, but more bytes.
    assert (
        refused(
            link_msg.dump_link_message(
                link_text.TextPiece("é" * (link_msg.MAX_LINK_MESSAGE_BYTES // 2))
            )
        ).reason
        is Reason.TOO_LARGE
    )
    assert refused("\ud800" * (link_msg.MAX_LINK_MESSAGE_BYTES // 3 + 1)).reason is Reason.TOO_LARGE


def test_text_is_cut_into_pieces_that_say_whether_more_follows() -> None:
    assert list(link_text.cut_text("")) == [link_text.TextPiece("")]
    assert list(link_text.cut_text("a" * link_text.TEXT_PIECE_CHARACTERS)) == [
        link_text.TextPiece("a" * link_text.TEXT_PIECE_CHARACTERS)
    ]
    assert list(link_text.cut_text("a" * link_text.TEXT_PIECE_CHARACTERS + "b")) == [
        link_text.TextPiece("a" * link_text.TEXT_PIECE_CHARACTERS, more=True),
        link_text.TextPiece("b"),
    ]


@given(
    st.integers(0, 3 * link_text.TEXT_PIECE_CHARACTERS),
    st.sampled_from(["a", "\0", "é", "中", "😀", '"']),
)
def test_every_piece_of_any_text_fits_into_a_message(length: int, character: str) -> None:
    pieces = list(link_text.cut_text(character * length))
    assert "".join(piece.text for piece in pieces) == character * length
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    for piece in pieces:
        assert read_message(link_msg.dump_link_message(piece)) == piece


def test_empty_pieces_without_end_are_not_kept() -> None:
    pieces = link_text.TextPieces()
    for _ in range(1000):
        assert pieces.add(link_text.TextPiece("", more=True)) is None
    assert pieces._pieces == []
    assert pieces.add(link_text.TextPiece("end")) == "end"
