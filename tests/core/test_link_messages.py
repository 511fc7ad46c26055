"""Tests of proxim.core.link_messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link_messages import (
    FEATURES,
    LINK_VERSION,
    MAX_FEATURES,
    MAX_LINK_MESSAGE_BYTES,
    TEXT_PIECE_CHARACTERS,
    Bye,
    Hello,
    LinkMessage,
    Ping,
    TextPiece,
    TextPieces,
    Unsupported,
    cut_text,
    dump_link_message,
    parse_link_message,
)
from proxim.core.messages import MAX_ID_BYTES
from proxim.core.texts import MAX_NAME_BYTES
from tests.rows import each_row

EXAMPLES: list[tuple[LinkMessage, dict[str, object]]] = [
    (
        Hello("Phone"),
        {"type": "hello", "version": LINK_VERSION, "features": list(FEATURES), "name": "Phone"},
    ),
    (TextPiece("hi"), {"type": "text", "text": "hi"}),
    (TextPiece("hi", more=True), {"type": "text", "text": "hi", "more": True}),
    (Ping(), {"type": "ping"}),
    (Bye(), {"type": "bye"}),
    (Bye("expired"), {"type": "bye", "reason": "expired"}),
    (Unsupported("channel"), {"type": "unsupported", "what": "channel"}),
]

encodable = st.text(st.characters(exclude_categories=["Cs"]))
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)
link_messages: st.SearchStrategy[LinkMessage] = st.one_of(
    st.builds(
        Hello, short, st.integers(1, 10**9), st.lists(short, max_size=MAX_FEATURES).map(tuple)
    ),
    st.builds(TextPiece, encodable, st.booleans()),
    st.just(Ping()),
    st.builds(Bye, st.none() | short),
    st.builds(Unsupported, short),
)


def refused(text: str) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse_link_message(text)
    return caught.value


@each_row("message, fields", EXAMPLES)
def test_each_message_is_written_and_read_as_documented(
    message: LinkMessage, fields: dict[str, object]
) -> None:
    assert json.loads(dump_link_message(message)) == fields
    assert parse_link_message(json.dumps(fields)) == message


@given(link_messages)
def test_what_is_written_is_read_as_the_same(message: LinkMessage) -> None:
    assert parse_link_message(dump_link_message(message)) == message


@given(link_messages)
def test_unknown_fields_are_ignored(message: LinkMessage) -> None:
    fields = json.loads(dump_link_message(message))
    assert parse_link_message(json.dumps({**fields, "later": {"x": [1]}})) == message


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
        message = parse_link_message(json.dumps(fields))
    except MessageError as error:
        assert error.reason in (Reason.BAD_MESSAGE, Reason.UNKNOWN_TYPE)  # noqa: PT017  # either outcome is right
    else:
        assert json.loads(dump_link_message(message))["type"] == fields["type"]


@each_row(
    "fields",
    [
        {},
        {"type": 1},
        {"type": "t" * (MAX_ID_BYTES + 1)},
        {"type": "hello"},
        {"type": "hello", "version": 0, "name": "x"},
        {"type": "hello", "version": True, "name": "x"},
        {"type": "hello", "version": 1.0, "name": "x"},
        {"type": "hello", "version": 1, "name": "x", "features": "text"},
        {"type": "hello", "version": 1, "name": "x", "features": ["f"] * (MAX_FEATURES + 1)},
        {"type": "hello", "version": 1, "name": "x" * (MAX_NAME_BYTES + 1)},
        {"type": "text"},
        {"type": "text", "text": 5},
        {"type": "text", "text": "\ud800"},
        {"type": "text", "text": "a", "more": 1},
        {"type": "text", "text": "a", "more": "yes"},
        {"type": "bye", "reason": 1},
        {"type": "bye", "reason": "r" * (MAX_ID_BYTES + 1)},
        {"type": "unsupported", "what": []},
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, object]) -> None:
    assert refused(json.dumps(fields)).reason is Reason.BAD_MESSAGE


def test_null_is_as_good_as_absent_where_a_field_may_be_absent() -> None:
    assert parse_link_message('{"type":"text","text":"a","more":null}') == TextPiece("a")
    assert parse_link_message('{"type":"bye","reason":null}') == Bye()
    assert parse_link_message('{"type":"unsupported"}') == Unsupported("")


def test_a_greeting_needs_no_features_and_keeps_only_those_that_are_names() -> None:
    assert parse_link_message('{"type":"hello","version":2,"name":"x"}') == Hello("x", 2, ())
    mixed = json.dumps(
        {"type": "hello", "version": 1, "name": "x", "features": ["text", 5, None, "f" * 65]}
    )
    assert parse_link_message(mixed) == Hello("x", 1, ("text",))


def test_an_unknown_type_is_named_so_that_it_can_be_told_unsupported() -> None:
    error = refused('{"type":"call","files":[]}')
    assert (error.reason, error.problem.detail) == (Reason.UNKNOWN_TYPE, "call")


def test_a_message_has_a_limit_in_bytes() -> None:
    frame = len(dump_link_message(TextPiece("")))
    assert parse_link_message(dump_link_message(TextPiece("a" * (MAX_LINK_MESSAGE_BYTES - frame))))
    assert (
        refused(dump_link_message(TextPiece("a" * (MAX_LINK_MESSAGE_BYTES - frame + 1)))).reason
        is Reason.TOO_LARGE
    )
    # Fewer characters than the limit, more bytes.
    assert (
        refused(dump_link_message(TextPiece("é" * (MAX_LINK_MESSAGE_BYTES // 2)))).reason
        is Reason.TOO_LARGE
    )
    assert refused("\ud800" * (MAX_LINK_MESSAGE_BYTES // 3 + 1)).reason is Reason.TOO_LARGE


def test_text_is_cut_into_pieces_that_say_whether_more_follows() -> None:
    assert list(cut_text("")) == [TextPiece("")]
    assert list(cut_text("a" * TEXT_PIECE_CHARACTERS)) == [TextPiece("a" * TEXT_PIECE_CHARACTERS)]
    assert list(cut_text("a" * TEXT_PIECE_CHARACTERS + "b")) == [
        TextPiece("a" * TEXT_PIECE_CHARACTERS, more=True),
        TextPiece("b"),
    ]


@given(
    st.integers(0, 3 * TEXT_PIECE_CHARACTERS), st.sampled_from(["a", "\0", "é", "中", "😀", '"'])
)
def test_every_piece_of_any_text_fits_into_a_message(length: int, character: str) -> None:
    pieces = list(cut_text(character * length))
    assert "".join(piece.text for piece in pieces) == character * length
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    for piece in pieces:
        assert parse_link_message(dump_link_message(piece)) == piece


def test_empty_pieces_without_end_are_not_kept() -> None:
    pieces = TextPieces()
    for _ in range(1000):
        assert pieces.take(TextPiece("", more=True)) is None
    assert pieces._pieces == []
    assert pieces.take(TextPiece("end")) == "end"
