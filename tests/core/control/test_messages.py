"""Mouse and keyboard on the wire, from honest and hostile senders."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies

from proxim.core.control.messages import (
    MAX_INPUT_BYTES,
    Input,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
    WheelInput,
    input_fields,
    read_input,
)
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError, write_object
from tests.rows import each_row

SHARES = strategies.floats(0, 1)
INPUTS = strategies.one_of(
    strategies.builds(PointerInput, SHARES, SHARES, strategies.integers(0, 31)),
    strategies.builds(WheelInput, strategies.integers(-6000, 6000), strategies.integers(-9, 9)),
    strategies.builds(
        KeyInput,
        strategies.sampled_from(["KeyZ", "Enter", ""]),
        strategies.sampled_from(["y", "Enter", "é", "𝄞"]),
        strategies.booleans(),
    ),
    strategies.builds(TextInput, strategies.text(max_size=1000)),
    strategies.just(ReleaseAll()),
)


@each_row(
    "what, fields",
    [
        (WheelInput(0, -120), {"t": "w", "dx": 0, "dy": -120}),
        (TextInput("Grüße"), {"t": "x", "text": "Grüße"}),
    ],
)
def test_how_it_is_written(what: Input, fields: dict[str, Any]) -> None:
    assert input_fields(what) == fields


@given(INPUTS)
def test_what_is_written_is_read(what: Input) -> None:
    assert read_input(write_object(input_fields(what)).encode()) == what


def test_no_repr_shows_what_is_typed() -> None:
    assert "secret" not in repr([KeyInput("secret", "secret", True), TextInput("secret")])


@each_row(
    "fields, reason",
    [
        ({}, Reason.UNKNOWN_TYPE),
        ({"t": "q"}, Reason.UNKNOWN_TYPE),
        ({"t": ["p"]}, Reason.UNKNOWN_TYPE),
        ({"t": "p", "x": 0, "y": 1.01, "b": 0}, Reason.BAD_MESSAGE),
        ({"t": "p", "x": 0, "y": 1, "b": 32}, Reason.BAD_MESSAGE),
        ({"t": "p", "x": "0", "y": 1, "b": 0}, Reason.BAD_MESSAGE),
        ({"t": "w", "dx": 0, "dy": 6001}, Reason.BAD_MESSAGE),
        ({"t": "w", "dx": 0.5, "dy": 0}, Reason.BAD_MESSAGE),
        ({"t": "k", "code": "KeyZ", "key": "z" * 33, "d": True}, Reason.BAD_MESSAGE),
        ({"t": "k", "code": "KeyZ", "key": "z", "d": 1}, Reason.BAD_MESSAGE),
        ({"t": "x", "text": "é" * 2049}, Reason.BAD_MESSAGE),
        ({"t": "x", "text": "\ud800"}, Reason.BAD_MESSAGE),
    ],
)
def test_what_is_wrong_is_refused(fields: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(MessageError) as caught:
        read_input(json.dumps(fields).encode())
    assert caught.value.reason is reason


@each_row(
    "message, reason",
    [
        (b"\xff", Reason.BAD_JSON),
        (b"[]", Reason.BAD_JSON),
        (b" " * (MAX_INPUT_BYTES + 1), Reason.TOO_LARGE),
    ],
)
def test_what_is_no_object_is_refused(message: bytes, reason: Reason) -> None:
    with pytest.raises(MessageError) as caught:
        read_input(message)
    assert caught.value.reason is reason


@given(strategies.binary(max_size=60))
def test_rubbish_is_refused(message: bytes) -> None:
    with pytest.raises(MessageError):
        read_input(message)
