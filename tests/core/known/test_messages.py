"""The messages of the feature "known": as documented, whatever is sent instead, and in no repr."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.known import messages as known_msg
from proxim.core.link.messages import LinkMessage, dump_link_message
from tests.core.handed_in import read_message
from tests.rows import each_row

RUN, THIRTY_TWO = b"r" * 8, b"t" * 32
RUN_TEXT = "cnJycnJycnI"
TEXT = "dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHQ"
EXAMPLES: list[tuple[LinkMessage, dict[str, Any]]] = [
    (
        known_msg.Commit(RUN, THIRTY_TWO),
        {"type": "remember", "run": RUN_TEXT, "commit": TEXT},
    ),
    (
        known_msg.Commit(RUN, THIRTY_TWO, answer=True),
        {"type": "remember", "run": RUN_TEXT, "commit": TEXT, "answer": True},
    ),
    (
        known_msg.Reveal(RUN, THIRTY_TWO, THIRTY_TWO, "uuid"),
        {"type": "remember_reveal", "run": RUN_TEXT, "nonce": TEXT, "key": TEXT, "id": "uuid"},
    ),
    (
        known_msg.Yes(RUN, THIRTY_TWO),
        {"type": "remember_yes", "run": RUN_TEXT, "tag": TEXT},
    ),
    (
        known_msg.Kept(RUN, THIRTY_TWO),
        {"type": "remember_kept", "run": RUN_TEXT, "tag": TEXT},
    ),
    (
        known_msg.No(RUN, "digits_differ"),
        {"type": "remember_no", "run": RUN_TEXT, "reason": "digits_differ"},
    ),
    (known_msg.No(RUN), {"type": "remember_no", "run": RUN_TEXT}),
    (known_msg.KnownHere(47800), {"type": "known_here", "port": 47800}),
]


@each_row("message, fields", EXAMPLES)
def test_each_message_is_written_and_read_as_documented(
    message: LinkMessage, fields: dict[str, Any]
) -> None:
    assert json.loads(dump_link_message(message)) == fields
    assert read_message(json.dumps(fields)) == message
    assert TEXT not in repr(message)
    assert repr(THIRTY_TWO) not in repr(message)


@each_row("wrong", [None, 1, "", "AA", TEXT + "A", TEXT + "=", TEXT[:-1] + "R", [TEXT], True])
@each_row("message, fields", EXAMPLES)
def test_a_field_of_another_length_or_kind_is_refused(
    message: LinkMessage, fields: dict[str, Any], wrong: object
) -> None:
    for name in fields.keys() - {"type", "reason", "answer", "id", "port"}:
        with pytest.raises(MessageError) as caught:
            read_message(json.dumps({**fields, name: wrong}))
        assert caught.value.reason is Reason.BAD_MESSAGE


@each_row("port", [None, 0, -1, 65536, 1.5, True, "47800", [1]])
def test_a_port_is_a_port(port: object) -> None:
    with pytest.raises(MessageError):
        read_message(json.dumps({"type": "known_here", "port": port}))


@each_row("wrong", [{"id": "x" * 65}, {"id": None}, {"id": "\ud800"}])
def test_an_id_is_a_short_text(wrong: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        read_message(json.dumps({**EXAMPLES[2][1], **wrong}))


@given(
    st.sampled_from([*known_msg.READERS]),
    st.dictionaries(
        st.sampled_from(["run", "commit", "nonce", "key", "id", "tag", "reason", "port", "answer"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=80)
        | st.just(TEXT)
        | st.just(RUN_TEXT)
        | st.lists(st.integers(), max_size=2),
    ),
)
def test_whatever_is_sent_is_read_or_refused(kind: str, fields: dict[str, Any]) -> None:
    text = json.dumps({"type": kind, **fields})
    try:
        message = read_message(text)
    except MessageError:
        return
    assert read_message(dump_link_message(message)) == message
