"""Tests of proxim.core.json_text."""

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Reason
from proxim.core.json_text import (
    MAX_DEPTH,
    JSONObject,
    MessageError,
    object_field,
    optional_text_field,
    read_object,
    text_field,
    write_object,
)
from tests.rows import each_row

MARK = "PEERVALUE"


def nested(depth: int) -> str:
    """Return the text of an object that is `depth` levels deep."""
    return '{"x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def attempt(text: str) -> JSONObject | MessageError:
    """Return what read_object returns or the MessageError that it raises; any other error fails
    the test.
    """
    try:
        return read_object(text)
    except MessageError as error:
        return error


@each_row(
    "text, detail",
    [
        ("", "JSONDecodeError"),
        ("   ", "JSONDecodeError"),
        (MARK, "JSONDecodeError"),
        ('{"' + MARK, "JSONDecodeError"),
        (f'{{"a":"{MARK}"}} {MARK}', "JSONDecodeError"),
        (f"{{'a':'{MARK}'}}", "JSONDecodeError"),
        (f'{{"a":"{MARK}",}}', "JSONDecodeError"),
        # The string holds a raw control character.
        (f'{{"a":"{MARK}\n"}}', "JSONDecodeError"),
        # RFC 8259, 8.1, allows no byte order mark.
        (f'\ufeff{{"a":"{MARK}"}}', "JSONDecodeError"),
        ('{"a":01}', "JSONDecodeError"),
        ('{"a":"\\x41"}', "JSONDecodeError"),
        ("{}{}", "JSONDecodeError"),
        (f'["{MARK}"]', "not an object"),
        (f'"{MARK}"', "not an object"),
        ("17", "not an object"),
        ("null", "not an object"),
        ("true", "not an object"),
        ("NaN", "NaN is not JSON"),
        ('{"a":NaN}', "NaN is not JSON"),
        ('{"a":[Infinity]}', "Infinity is not JSON"),
        ('{"a":{"b":-Infinity}}', "-Infinity is not JSON"),
        (f'{{"{MARK}":1,"{MARK}":1}}', "a key appears twice"),
        (f'{{"a":[{{"{MARK}":1,"b":2,"{MARK}":3}}]}}', "a key appears twice"),
        ('{"type":1,"\\u0074ype":2}', "a key appears twice"),
        # Python limits the digits of an integer.
        (
            '{"a":' + "1" * 5000 + "}",
            "ValueError",
        ),
        ('{"a":-' + "1" * 5000 + "}", "ValueError"),
        ("[" * 64 * 1024, "RecursionError"),
        ('{"a":' * 13_000, "RecursionError"),
        (nested(MAX_DEPTH + 1), "nested too deeply"),
        (nested(500), "nested too deeply"),
    ],
)
def test_what_is_no_object_is_refused_without_quoting_it(text: str, detail: str) -> None:
    with pytest.raises(MessageError) as caught:
        read_object(text)
    assert caught.value.reason is Reason.BAD_JSON
    assert caught.value.problem.detail == detail
    assert MARK not in "".join(traceback.format_exception(caught.value))


@each_row(
    "text, value",
    [
        ("{}", {}),
        (' \r\n\t{ "a" : 1 } \n', {"a": 1}),
        ('{"a":"\\ud83d\\ude00 \\u00e9"}', {"a": "😀 é"}),
        # This is a number by JSON's grammar; no field of ours accepts a float.
        (
            '{"a":1e400}',
            {"a": float("inf")},
        ),
        # The same key in two objects is no duplicate.
        (
            '{"a":{"k":1},"b":{"k":1}}',
            {"a": {"k": 1}, "b": {"k": 1}},
        ),
        (nested(MAX_DEPTH), {"x": [[[[[]]]]]}),
        # Only nested objects and arrays count as depth, not the values in them.
        (
            '{"x":[[[[[1,"y",null]]]]]}',
            {"x": [[[[[1, "y", None]]]]]},
        ),
        ('{"a":{"b":{"c":{"d":{"e":{}}}}}}', {"a": {"b": {"c": {"d": {"e": {}}}}}}),
        ('{"a":{"b":{"c":{"d":{"e":[]}}}}}', {"a": {"b": {"c": {"d": {"e": []}}}}}),
    ],
)
def test_objects_within_the_rules_are_read(text: str, value: JSONObject) -> None:
    assert read_object(text) == value


@each_row(
    "text", ['{"a":{"b":{"c":{"d":{"e":{"f":{}}}}}}}', '{"a":1,"b":{"c":[0,{"d":[{"e":[[]]}]}]}}']
)
def test_the_deepest_branch_counts(text: str) -> None:
    with pytest.raises(MessageError, match="nested too deeply"):
        read_object(text)


@given(
    st.text(alphabet=st.characters(categories=None)) | st.text(alphabet='{}[]",:\\u0d8eE+-. tfn1')
)
def test_any_text_is_read_or_refused(text: str) -> None:
    value = attempt(text)
    if isinstance(value, MessageError):
        assert value.reason is Reason.BAD_JSON
    else:
        assert value == json.loads(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_written_is_one_line_that_reads_back(value: JSONObject) -> None:
    text = write_object(value)
    assert not set(text) & {"\n", "\r"}
    assert json.loads(text) == value


def test_writing_is_compact_and_leaves_characters_alone() -> None:
    assert write_object({"a": [1, True, None], "ß": "é😀\n"}) == '{"a":[1,true,null],"ß":"é😀\\n"}'


@each_row(
    "fields, detail",
    [
        ({}, "name must be a string"),
        ({"name": None}, "name must be a string"),
        ({"name": 5}, "name must be a string"),
        ({"name": True}, "name must be a string"),
        ({"name": [MARK]}, "name must be a string"),
        ({"name": {MARK: MARK}}, "name must be a string"),
        ({"name": MARK.encode()}, "name must be a string"),
        ({"name": MARK + "\ud800"}, "name has a broken character"),
        ({"name": MARK + "x" * 8}, "name is longer than 16 bytes"),
        ({"name": "é" * 9}, "name is longer than 16 bytes"),
        ({"name": "😀" * 4 + "x"}, "name is longer than 16 bytes"),
    ],
)
def test_text_field_refuses(fields: JSONObject, detail: str) -> None:
    with pytest.raises(MessageError) as caught:
        text_field(fields, "name", 16)
    assert caught.value.reason is Reason.BAD_MESSAGE
    assert caught.value.problem.detail == detail
    if fields.get("name") is not None:
        with pytest.raises(MessageError, match=detail):
            optional_text_field(fields, "name", 16)


@each_row("value", ["", "x" * 16, "é" * 8, "😀" * 4, "\x00"])
def test_text_field_takes_up_to_its_bytes(value: str) -> None:
    assert text_field({"name": value}, "name", 16) == value
    assert optional_text_field({"name": value}, "name", 16) == value


def test_an_optional_text_may_be_absent_or_null() -> None:
    assert optional_text_field({}, "name", 16) is None
    assert optional_text_field({"name": None}, "name", 16) is None


@each_row("fields", [{}, {"auth": None}, {"auth": []}, {"auth": MARK}, {"auth": 1}, {"auth": True}])
def test_object_field_refuses(fields: JSONObject) -> None:
    with pytest.raises(MessageError) as caught:
        object_field(fields, "auth")
    assert caught.value.reason is Reason.BAD_MESSAGE
    assert caught.value.problem.detail == "auth must be an object"


def test_object_field_gives_the_object() -> None:
    assert object_field({"auth": {"v": 1}}, "auth") == {"v": 1}
