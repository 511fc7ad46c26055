"""Tests of proxim.core.pairing.messages."""

import copy
import json
import traceback
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import SENTENCES, Reason
from proxim.core.json_text import JSONObject, MessageError
from proxim.core.pairing import devices, host_code, messages
from proxim.core.pairing import messages as pair_msg
from proxim.core.sanitize import MAX_NAME_BYTES
from tests.rows import each_row

# The mark stands for a peer's text, which no error may repeat.
MARK = "PEERVALUE"
CLIENT = devices.DeviceInfo("Client-PC-123", "device-xyz")


def refused(text: str) -> MessageError:
    """Return the error that parse_message raises, and check that it does not contain the peer's
    text.
    """
    with pytest.raises(MessageError) as caught:
        pair_msg.parse_message(text)
    assert MARK not in "".join(traceback.format_exception(caught.value))
    assert MARK not in repr(caught.value)
    return caught.value


# --- the seed's document, to the letter -----------------------------------------------------------

# Each example has its text, its meaning, and the fields that we add when we write it.
SEED_EXAMPLES: list[tuple[str, pair_msg.Message, JSONObject]] = [
    (
        """{
  "type": "pair_request",
  "sessionID": "abc123",
  "deviceInfo": {
    "name": "Client-PC-123",
    "id": "device-xyz"
  }
}""",
        pair_msg.PairRequest("abc123", CLIENT),
        {},
    ),
    (
        """{
  "type": "pair_request",
  "sessionID": "abc123",
  "deviceInfo": { "name": "Client-PC-123", "id": "device-xyz" }
}""",
        pair_msg.PairRequest("abc123", CLIENT),
        {},
    ),
    (
        """{
  "type": "pair_prompt",
  "sessionID": "abc123",
  "deviceInfo": { "name": "Client-PC-123", "id": "device-xyz" }
}""",
        pair_msg.PairPrompt("abc123", CLIENT),
        {"verified": None},
    ),
    (
        """{
  "type": "pair_response",
  "sessionID": "abc123",
  "approved": true
}""",
        pair_msg.PairResponse("abc123", True),
        {},
    ),
    (
        """{
  "type": "pair_result",
  "sessionID": "abc123",
  "status": "approved"
}""",
        pair_msg.PairResult("abc123", True),
        {},
    ),
    (
        """{
  "type": "pair_result",
  "sessionID": "abc123",
  "status": "rejected"
}""",
        pair_msg.PairResult("abc123", False),
        {},
    ),
    (
        """{
  "type": "signal",
  "sessionID": "abc123",
  "payload": { "sdp": "..." }
}""",
        pair_msg.Signal("abc123", pair_msg.Description("...")),
        {},
    ),
    (
        """{
  "type": "signal",
  "sessionID": "abc123",
  "payload": { "candidate": "..." }
}""",
        pair_msg.Signal("abc123", pair_msg.Candidate("...")),
        {},
    ),
]


@each_row("text, message, added", SEED_EXAMPLES)
def test_the_seeds_examples(text: str, message: pair_msg.Message, added: JSONObject) -> None:
    assert pair_msg.parse_message(text) == message
    assert json.loads(pair_msg.dump_message(message)) == json.loads(text) | added


# --- our additions --------------------------------------------------------------------------------

Y = "A" * 44
T = "b-_" * 14 + "b"
WIRE_EXAMPLES: list[tuple[JSONObject, pair_msg.Message]] = [
    (
        {
            "type": "pair_request",
            "sessionID": "@code",
            "deviceInfo": {"name": "Ana's phone", "id": "device-xyz"},
        },
        pair_msg.PairRequest(
            host_code.CODE_SESSION_ID, devices.DeviceInfo("Ana's phone", "device-xyz")
        ),
    ),
    (
        {
            "type": "pair_request",
            "sessionID": "abc123",
            "deviceInfo": {"name": "Büro 📱", "id": "device-xyz"},
            "auth": {"v": 1, "m": "spake2", "y": Y},
        },
        pair_msg.PairRequest(
            "abc123",
            devices.DeviceInfo("Büro 📱", "device-xyz"),
            pair_msg.Auth(v=1, m="spake2", y=Y),
        ),
    ),
    (
        {"type": "pair_challenge", "sessionID": "abc123", "auth": {"v": 1, "m": "psk", "y": Y}},
        pair_msg.PairChallenge("abc123", pair_msg.Auth(v=1, m="psk", y=Y)),
    ),
    (
        {"type": "pair_confirm", "sessionID": "abc123", "auth": {"t": T}},
        pair_msg.PairConfirm("abc123", pair_msg.Auth(t=T)),
    ),
    *(
        (
            {
                "type": "pair_prompt",
                "sessionID": "abc123",
                "deviceInfo": {"name": "Client-PC-123", "id": "device-xyz"},
                "verified": wire,
            },
            pair_msg.PairPrompt("abc123", CLIENT, verified),
        )
        for wire, verified in (
            ("code", devices.Verified.CODE),
            ("qr", devices.Verified.QR),
            (None, None),
        )
    ),
    (
        {"type": "pair_response", "sessionID": "abc123", "approved": False},
        pair_msg.PairResponse("abc123", False),
    ),
    (
        {"type": "pair_result", "sessionID": "abc123", "status": "approved", "auth": {"t": T}},
        pair_msg.PairResult("abc123", True, auth=pair_msg.Auth(t=T)),
    ),
    *(
        (
            {"type": "pair_result", "sessionID": "abc123", "status": "rejected", "reason": reason},
            pair_msg.PairResult("abc123", False, reason),
        )
        for reason in (
            "declined",
            "timeout",
            "expired",
            "busy",
            "unknown_session",
            "not_verified",
            "closed",
            "a reason of a later version",
        )
    ),
    (
        {"type": "signal", "sessionID": "abc123", "payload": {"sdp": "v=0\r\n", "type": "offer"}},
        pair_msg.Signal("abc123", pair_msg.Description("v=0\r\n", pair_msg.SDPType.OFFER)),
    ),
    (
        {
            "type": "signal",
            "sessionID": "abc123",
            "payload": {"sdp": "v=0\r\n", "type": "answer", "mac": T},
        },
        pair_msg.Signal("abc123", pair_msg.Description("v=0\r\n", pair_msg.SDPType.ANSWER), T),
    ),
    (
        {
            "type": "signal",
            "sessionID": "abc123",
            "payload": {
                "candidate": "candidate:1 1 udp",
                "sdpMid": "0",
                "sdpMLineIndex": 0,
                "mac": T,
            },
        },
        pair_msg.Signal("abc123", pair_msg.Candidate("candidate:1 1 udp", "0", 0), T),
    ),
    (
        {"type": "signal", "sessionID": "abc123", "payload": {"candidate": ""}},
        pair_msg.Signal("abc123", pair_msg.Candidate("")),
    ),
    *(
        (
            {"type": "error", "code": code, "message": "One plain sentence."},
            pair_msg.ErrorMessage(code, "One plain sentence."),
        )
        for code in (
            "bad_json",
            "bad_message",
            "unknown_type",
            "too_large",
            "too_many",
            "not_allowed",
            "another",
        )
    ),
    (
        {"type": "error", "code": "not_allowed", "message": "Wait.", "sessionID": "abc123"},
        pair_msg.ErrorMessage("not_allowed", "Wait.", "abc123"),
    ),
    (
        {"type": "session_ended", "sessionID": "abc123", "reason": "closed"},
        pair_msg.SessionEnded("abc123", "closed"),
    ),
]


@each_row("fields, message", WIRE_EXAMPLES)
def test_the_additions_examples(fields: JSONObject, message: pair_msg.Message) -> None:
    assert pair_msg.parse_message(json.dumps(fields)) == message
    assert pair_msg.message_fields(message) == fields
    assert json.loads(pair_msg.dump_message(message)) == fields


@each_row("fields, message", WIRE_EXAMPLES)
def test_unknown_fields_are_ignored_at_every_level(
    fields: JSONObject, message: pair_msg.Message
) -> None:
    noisy = copy.deepcopy(fields)
    for holder in (noisy, *(value for value in noisy.values() if isinstance(value, dict))):
        holder.update(
            {
                "zz": MARK,
                "later": {"deep": [1, {"x": None}]},
                "": 1e308,
                "__proto__": {},
                "\ud800": "\udfff",
            }
        )
    assert pair_msg.parse_message(json.dumps(noisy)) == message


@each_row("fields, message", WIRE_EXAMPLES)
def test_the_order_of_fields_does_not_matter(fields: JSONObject, message: pair_msg.Message) -> None:
    assert pair_msg.parse_message(json.dumps(dict(reversed(fields.items())))) == message


# --- what browsers' clients put into a signal -----------------------------------------------------

LINE = "candidate:842163049 1 udp 1677729535 192.168.1.7 46154 typ host"


@each_row(
    "payload, content",
    [
        ({"sdp": "v=0"}, pair_msg.Description("v=0")),
        ({"sdp": "v=0", "type": None}, pair_msg.Description("v=0")),
        ({"sdp": "v=0", "type": "offer"}, pair_msg.Description("v=0", pair_msg.SDPType.OFFER)),
        (
            {"sdp": {"type": "offer", "sdp": "v=0"}},
            pair_msg.Description("v=0", pair_msg.SDPType.OFFER),
        ),
        (
            {"sdp": {"type": "answer", "sdp": "v=0\r\n"}},
            pair_msg.Description("v=0\r\n", pair_msg.SDPType.ANSWER),
        ),
        ({"sdp": {"sdp": "v=0"}}, pair_msg.Description("v=0")),
        # The inner object is the whole description.
        (
            {"sdp": {"sdp": "v=0"}, "type": "answer"},
            pair_msg.Description("v=0"),
        ),
        ({"candidate": LINE}, pair_msg.Candidate(LINE)),
        ({"candidate": f" {LINE}\r\n"}, pair_msg.Candidate(LINE)),
        ({"candidate": LINE, "sdpMid": "0", "sdpMLineIndex": 0}, pair_msg.Candidate(LINE, "0", 0)),
        ({"candidate": LINE, "sdpMid": None, "sdpMLineIndex": None}, pair_msg.Candidate(LINE)),
        ({"candidate": LINE, "sdpMLineIndex": 255}, pair_msg.Candidate(LINE, None, 255)),
        ({"candidate": LINE, "sdpMid": ""}, pair_msg.Candidate(LINE, "")),
        (
            {
                "candidate": {
                    "candidate": LINE,
                    "sdpMid": "data",
                    "sdpMLineIndex": 1,
                    "usernameFragment": "Yq",
                }
            },
            pair_msg.Candidate(LINE, "data", 1),
        ),
        ({"candidate": {"candidate": LINE}}, pair_msg.Candidate(LINE)),
        ({"candidate": {"candidate": LINE}, "sdpMid": "9"}, pair_msg.Candidate(LINE)),
        ({"candidate": ""}, pair_msg.Candidate("")),
        ({"candidate": " "}, pair_msg.Candidate("")),
        ({"candidate": None}, pair_msg.Candidate("")),
        ({"candidate": {}}, pair_msg.Candidate("")),
        ({"candidate": {"candidate": ""}}, pair_msg.Candidate("")),
        ({"candidate": {"candidate": None, "sdpMid": "0"}}, pair_msg.Candidate("", "0")),
        ({"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}, pair_msg.Candidate("", "0", 0)),
    ],
)
def test_every_shape_of_payload(
    payload: JSONObject, content: pair_msg.Description | pair_msg.Candidate
) -> None:
    text = json.dumps({"type": "signal", "sessionID": "abc123", "payload": payload})
    assert pair_msg.parse_message(text) == pair_msg.Signal("abc123", content)
    payload["mac"] = T
    text = json.dumps({"type": "signal", "sessionID": "abc123", "payload": payload})
    assert pair_msg.parse_message(text) == pair_msg.Signal("abc123", content, T)


@each_row(
    "payload, detail",
    [
        ({}, "payload must have either sdp or candidate"),
        ({"type": "offer"}, "payload must have either sdp or candidate"),
        ({"sdp": "v=0", "candidate": LINE}, "payload must have either sdp or candidate"),
        ({"sdp": None}, "payload must have either sdp or candidate"),
        ({"sdp": {}}, "sdp must be a string"),
        ({"sdp": {"type": "offer"}}, "sdp must be a string"),
        ({"sdp": {"sdp": {"sdp": MARK}}}, "sdp must be a string"),
        ({"sdp": ""}, "sdp is empty"),
        ({"sdp": " \r\n"}, "sdp is empty"),
        ({"sdp": {"type": "offer", "sdp": ""}}, "sdp is empty"),
        ({"sdp": "v=0", "type": MARK}, "type must be offer or answer"),
        ({"sdp": "v=0", "type": "Offer"}, "type must be offer or answer"),
        ({"sdp": "v=0", "type": ""}, "type must be offer or answer"),
        ({"sdp": {"type": "rollback", "sdp": "v=0"}}, "type must be offer or answer"),
        ({"candidate": {"candidate": {"candidate": MARK}}}, "candidate must be a string"),
        ({"candidate": {"candidate": LINE, "sdpMid": 0}}, "sdpMid must be a string"),
        (
            {"candidate": {"candidate": LINE, "sdpMLineIndex": "0"}},
            "sdpMLineIndex must be a small integer",
        ),
    ],
)
def test_payloads_that_make_no_sense(payload: JSONObject, detail: str) -> None:
    error = refused(json.dumps({"type": "signal", "sessionID": "abc123", "payload": payload}))
    assert (error.reason, error.problem.detail) == (Reason.BAD_MESSAGE, detail)


# --- every wrong type of every field --------------------------------------------------------------

DEVICE = {"name": "Client-PC-123", "id": "device-xyz"}
AUTH = {"v": 1, "m": "spake2", "y": Y, "t": T}
FULL: dict[str, JSONObject] = {
    "pair_request": {"sessionID": "abc123", "deviceInfo": DEVICE, "auth": AUTH},
    "pair_prompt": {"sessionID": "abc123", "deviceInfo": DEVICE, "verified": "qr"},
    "pair_response": {"sessionID": "abc123", "approved": True},
    "pair_result": {"sessionID": "abc123", "status": "approved", "reason": "closed", "auth": AUTH},
    "pair_challenge": {"sessionID": "abc123", "auth": AUTH},
    "pair_confirm": {"sessionID": "abc123", "auth": AUTH},
    "signal": {"sessionID": "abc123", "payload": {"sdp": "v=0", "type": "offer", "mac": T}},
    "signal, candidate": {
        "sessionID": "abc123",
        "payload": {"candidate": LINE, "sdpMid": "0", "sdpMLineIndex": 0, "mac": T},
    },
    "signal, sdp object": {
        "sessionID": "abc123",
        "payload": {"sdp": {"sdp": "v=0", "type": "offer"}},
    },
    "signal, candidate object": {
        "sessionID": "abc123",
        "payload": {"candidate": {"candidate": LINE, "sdpMid": "0", "sdpMLineIndex": 0}},
    },
    "error": {"code": "busy", "message": "One plain sentence.", "sessionID": "abc123"},
    "session_ended": {"sessionID": "abc123", "reason": "closed"},
}
OPTIONAL = {
    ("pair_request", "auth"),
    ("pair_prompt", "verified"),
    ("pair_result", "reason"),
    ("pair_result", "auth"),
    ("error", "sessionID"),
    *((kind, f"auth.{name}") for kind in FULL for name in "vmyt"),
    *(
        (kind, f"payload.{path}")
        for kind in FULL
        for path in (
            "type",
            "mac",
            "sdpMid",
            "sdpMLineIndex",
            "sdp.type",
            "candidate.sdpMid",
            "candidate.sdpMLineIndex",
        )
    ),
    ("signal, candidate object", "payload.candidate.candidate"),
}
CHOICES = {"status", "verified", "type"}
OBJECT_OR_TEXT = {"payload.sdp", "payload.candidate"}


def full(kind: str) -> JSONObject:
    """Return a message of this kind with all its fields."""
    return {"type": kind.partition(",")[0], **copy.deepcopy(FULL[kind])}


def paths(fields: JSONObject, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every field."""
    for name, value in fields.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{name}.")


def holder_of(fields: JSONObject, path: str) -> tuple[JSONObject, str]:
    """Return the object that holds the field at `path`, and the field's own name."""
    *parents, name = path.split(".")
    for parent in parents:
        fields = fields[parent]
    return fields, name


def wrong_values(path: str, value: object) -> list[Any]:
    """Return one value of each JSON type that `path` does not accept, and values of the right
    type that make no sense.
    """
    name = path.rpartition(".")[2]
    wrong: list[Any] = [
        [],
        [MARK],
        [{MARK: MARK}],
        True,
        False,
        7_654_321,
        -1,
        1.5,
        0.0,
        10**400,
        MARK,
        {},
        {MARK: 1},
    ]
    match value:
        case bool():
            return [
                *(item for item in wrong if item is not True and item is not False),
                0,
                1,
                "true",
            ]
        case int():
            return [*wrong, "0", 256]
        case dict() if path in OBJECT_OR_TEXT:
            return [item for item in wrong if not isinstance(item, (dict, str))]
        case dict():
            return [item for item in wrong if not isinstance(item, dict)]
    allowed = (dict, str) if path in OBJECT_OR_TEXT else (str,)
    wrong = [item for item in wrong if not isinstance(item, allowed)]
    return [*wrong, MARK, "", "Approved", "CODE"] if name in CHOICES else wrong


EVERY_FIELD = [(kind, path) for kind in FULL for path in paths(FULL[kind])]


@each_row("kind", FULL)
def test_full_messages_are_read(kind: str) -> None:
    message = pair_msg.parse_message(json.dumps(full(kind)))
    assert pair_msg.parse_message(pair_msg.dump_message(message)) == message


@each_row("kind, path", EVERY_FIELD)
def test_every_wrong_type_of_every_field(kind: str, path: str) -> None:
    value, name = holder_of(full(kind), path)
    for wrong in wrong_values(path, value[name]):
        fields = full(kind)
        holder, name = holder_of(fields, path)
        holder[name] = wrong
        error = refused(json.dumps(fields))
        assert error.reason is Reason.BAD_MESSAGE, wrong
        assert error.problem.detail.startswith(f"{name} "), wrong
        assert "7654321" not in str(error)
        assert "Approved" not in str(error)


@each_row("kind, path", EVERY_FIELD)
def test_every_field_missing_or_null(kind: str, path: str) -> None:
    absent, null = full(kind), full(kind)
    holder, name = holder_of(absent, path)
    del holder[name]
    holder, name = holder_of(null, path)
    holder[name] = None
    if (kind, path) in OPTIONAL:
        assert pair_msg.parse_message(json.dumps(absent)) == pair_msg.parse_message(
            json.dumps(null)
        )
        return
    error = refused(json.dumps(absent))
    assert error.reason is Reason.BAD_MESSAGE
    assert name in error.problem.detail
    # A null candidate marks the end of candidates.
    if path == "payload.candidate":
        assert pair_msg.parse_message(json.dumps(null)) == pair_msg.Signal(
            "abc123", pair_msg.Candidate("", *_companions(null)), _mac(null)
        )
        return
    error = refused(json.dumps(null))
    assert error.reason is Reason.BAD_MESSAGE
    assert name in error.problem.detail


def _companions(fields: JSONObject) -> tuple[str | None, int | None]:
    return fields["payload"].get("sdpMid"), fields["payload"].get("sdpMLineIndex")


def _mac(fields: JSONObject) -> str | None:
    mac = fields["payload"].get("mac")
    assert mac is None or isinstance(mac, str)
    return mac


@each_row("kind", [None, 5, True, [], {}, ["pair_request"]])
def test_type_must_be_a_string(kind: object) -> None:
    error = refused(json.dumps({"type": kind, "sessionID": MARK}))
    assert (error.reason, error.problem.detail) == (Reason.BAD_MESSAGE, "type must be a string")


def test_type_must_be_there() -> None:
    assert refused("{}").reason is Reason.BAD_MESSAGE


@each_row("kind", [MARK, "", "Pair_Request", "pair_request ", "\ud800", "__class__", "x" * 60_000])
def test_an_unknown_type_is_named_as_such(kind: str) -> None:
    error = refused(json.dumps({"type": kind}))
    assert (error.reason, error.problem.detail) == (Reason.UNKNOWN_TYPE, "")


# --- limits ---------------------------------------------------------------------------------------

LIMITS = {
    "sessionID": 64,
    "deviceInfo.name": 64,
    "deviceInfo.id": 64,
    "auth.m": 128,
    "auth.y": 128,
    "auth.t": 128,
    "reason": 64,
    "code": 64,
    "message": 1024,
    "payload.mac": 128,
    "payload.sdp": 32 * 1024,
    "payload.sdp.sdp": 32 * 1024,
    "payload.candidate": 512,
    "payload.candidate.candidate": 512,
    "payload.sdpMid": 64,
    "payload.candidate.sdpMid": 64,
}
TEXT_FIELDS = [
    (kind, path)
    for kind, path in EVERY_FIELD
    if isinstance(holder_of(full(kind), path)[0][path.rpartition(".")[2]], str)
    and path.rpartition(".")[2] not in CHOICES
]


def test_every_free_text_has_a_limit() -> None:
    assert {path for _, path in TEXT_FIELDS} == LIMITS.keys()


@each_row("kind, path", TEXT_FIELDS)
def test_limits_are_in_bytes(kind: str, path: str) -> None:
    limit = LIMITS[path]
    for exact in ("x" * limit, "é" * (limit // 2), "😀" * (limit // 4)):
        fields = full(kind)
        holder, name = holder_of(fields, path)
        holder[name] = exact
        text = json.dumps(fields, ensure_ascii=False)
        assert exact in repr_of_values(pair_msg.parse_message(text))
        holder[name] = exact[1:] + "xx" if exact[0] == "x" else exact + "x"
        error = refused(json.dumps(fields, ensure_ascii=False))
        assert error.reason is Reason.BAD_MESSAGE
        assert error.problem.detail == f"{name} is longer than {limit} bytes"


def repr_of_values(message: pair_msg.Message) -> str:
    """Return the repr of all values of the message, including hidden fields."""
    return json.dumps(pair_msg.message_fields(message), ensure_ascii=False)


@each_row("kind, path", TEXT_FIELDS)
@each_row("broken", ["\ud800", "x\udfff", "\ude00\ud83d"])
def test_lone_surrogates_are_refused(kind: str, path: str, broken: str) -> None:
    # The surrogate is tried as the escape "\ud800" and as a character of the text itself.
    for escape in (True, False):
        fields = full(kind)
        holder, name = holder_of(fields, path)
        holder[name] = broken
        error = refused(json.dumps(fields, ensure_ascii=escape))
        assert (error.reason, error.problem.detail) == (
            Reason.BAD_MESSAGE,
            f"{name} has a broken character",
        )


def test_a_pair_of_surrogates_is_a_character() -> None:
    text = json.dumps(full("session_ended") | {"reason": "😀"}, ensure_ascii=True)
    assert "\\ud83d\\ude00" in text
    assert pair_msg.parse_message(text) == pair_msg.SessionEnded("abc123", "😀")


@each_row("padding", ["x", "é", "😀"])
def test_a_frame_has_at_most_64_kib(padding: str) -> None:
    fields = full("session_ended") | {"padding": ""}
    room = 64 * 1024 - len(json.dumps(fields))
    size = len(padding.encode())
    fields["padding"] = padding * (room // size) + "x" * (room % size)
    text = json.dumps(fields, ensure_ascii=False)
    assert len(text.encode()) == messages.MAX_MESSAGE_BYTES == 64 * 1024
    assert pair_msg.parse_message(text) == pair_msg.SessionEnded("abc123", "closed")
    assert refused(text + " ").reason is Reason.TOO_LARGE


@each_row("text", ["[" * 65_537, MARK * 10_000, " " * 65_537, "\ud800" * 30_000, "é" * 32_769])
def test_too_large_comes_before_anything_else(text: str) -> None:
    error = refused(text)
    assert (error.reason, error.problem.detail) == (Reason.TOO_LARGE, "over 65536 bytes")


VALID = '{"type":"session_ended","sessionID":"abc123","reason":"closed"'


@each_row(
    "text",
    [
        "",
        MARK,
        "[" * 65_536,
        '{"a":' * 13_000,
        "\ud800",
        "\ufeff" + VALID + "}",
        VALID,
        VALID + "}}",
        f"[{VALID}}}]",
        VALID + ',"extra":NaN}',
        VALID + ',"extra":[Infinity]}',
        VALID + ',"extra":-Infinity}',
        VALID + ',"reason":"closed"}',
        VALID + ',"\\u0072eason":"closed"}',
        VALID + ',"extra":{"a":1,"a":1}}',
        VALID + ',"extra":' + "9" * 4301 + "}",
        VALID + ',"extra":[[[[[[]]]]]]}',
        VALID + ',"extra":{"a":{"b":{"c":{"d":{"e":{}}}}}}}',
    ],
)
def test_bad_json_anywhere_refuses_the_whole_frame(text: str) -> None:
    assert refused(text).reason is Reason.BAD_JSON


@each_row(
    "extra", ["9" * 4300, "1e400", "-0", "[[[[[]]]]]", '{"a":{"b":{"c":{"d":{}}}}}', '"\\ud800"']
)
def test_odd_but_lawful_json_in_an_unknown_field_is_ignored(extra: str) -> None:
    assert pair_msg.parse_message(f'{VALID},"extra":{extra}}}') == pair_msg.SessionEnded(
        "abc123", "closed"
    )


@each_row("number", ["9" * 4300, "1e400", "1e2", "0.0", "-1", "256"])
def test_numbers_of_ours_are_small_integers(number: str) -> None:
    auth = f'{{"type":"pair_challenge","sessionID":"abc123","auth":{{"v":{number}}}}}'
    payload = f'{{"candidate":"","sdpMLineIndex":{number}}}'
    index = f'{{"type":"signal","sessionID":"abc123","payload":{payload}}}'
    assert refused(auth).problem.detail == "v must be a small integer"
    assert refused(index).problem.detail == "sdpMLineIndex must be a small integer"


# --- any message, any text ------------------------------------------------------------------------


def texts(max_bytes: int, min_size: int = 0) -> st.SearchStrategy[str]:
    """Return texts that fit into `max_bytes` whatever their characters."""
    return st.text(st.characters(codec="utf-8"), min_size=min_size, max_size=max_bytes // 4)


proofs = st.none() | texts(messages.MAX_PROOF_BYTES)
small = st.none() | st.integers(0, messages.MAX_SMALL_INTEGER)
session_ids = texts(messages.MAX_SESSION_ID_BYTES)
reasons = texts(messages.MAX_ID_BYTES)
device_infos = st.builds(devices.DeviceInfo, texts(MAX_NAME_BYTES), texts(messages.MAX_ID_BYTES))
auths = st.builds(pair_msg.Auth, small, proofs, proofs, proofs)
descriptions = st.builds(
    pair_msg.Description,
    texts(400, min_size=1).filter(lambda sdp: bool(sdp.strip())),
    st.none() | st.sampled_from(pair_msg.SDPType),
)
candidates = st.builds(
    pair_msg.Candidate,
    # Candidates are read without the blanks around them.
    texts(messages.MAX_CANDIDATE_BYTES).map(str.strip),
    st.none() | texts(messages.MAX_MID_BYTES),
    small,
)
any_message: st.SearchStrategy[pair_msg.Message] = st.one_of(
    st.builds(pair_msg.PairRequest, session_ids, device_infos, st.none() | auths),
    st.builds(
        pair_msg.PairPrompt,
        session_ids,
        device_infos,
        st.none() | st.sampled_from(devices.Verified),
    ),
    st.builds(pair_msg.PairResponse, session_ids, st.booleans()),
    st.builds(
        pair_msg.PairResult, session_ids, st.booleans(), st.none() | reasons, st.none() | auths
    ),
    st.builds(pair_msg.PairChallenge, session_ids, auths),
    st.builds(pair_msg.PairConfirm, session_ids, auths),
    st.builds(pair_msg.Signal, session_ids, descriptions | candidates, proofs),
    st.builds(
        pair_msg.ErrorMessage, reasons, texts(messages.MAX_SENTENCE_BYTES), st.none() | session_ids
    ),
    st.builds(pair_msg.SessionEnded, session_ids, reasons),
)


@given(any_message)
def test_what_is_written_reads_back(message: pair_msg.Message) -> None:
    text = pair_msg.dump_message(message)
    assert "\n" not in text
    assert pair_msg.parse_message(text) == message
    assert json.loads(text) == pair_msg.message_fields(message)


NAMES = sorted(
    {part for kind in FULL for path in paths(FULL[kind]) for part in path.split(".")} | {"type"}
)
# Paths are split at their dots.
other_names = st.text(st.characters(categories=None, exclude_characters="."))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None), max_size=8)
    | st.sampled_from(
        [*(kind.partition(",")[0] for kind in FULL), "approved", "rejected", "offer", "qr"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | other_names, inner, max_size=6)
    ),
    max_leaves=8,
)


@st.composite
def almost_messages(draw: st.DrawFn) -> JSONObject:
    """Return a message with some of its fields replaced, removed or added."""
    fields = full(draw(st.sampled_from(sorted(FULL))))
    for _ in range(draw(st.integers(0, 3))):
        holder, name = holder_of(fields, draw(st.sampled_from(list(paths(fields)))))
        if draw(st.booleans()):
            holder[name] = draw(json_values)
        else:
            del holder[name]
            holder[draw(st.sampled_from(NAMES))] = draw(json_values)
    return fields


def attempt(text: str) -> pair_msg.Message | MessageError:
    """Return what parse_message returns or the MessageError that it raises; any other error
    fails the test.
    """
    try:
        return pair_msg.parse_message(text)
    except MessageError as error:
        return error


def returns_or_refuses(text: str) -> None:
    outcome = attempt(text)
    if isinstance(outcome, MessageError):
        assert outcome.reason in {
            Reason.BAD_JSON,
            Reason.BAD_MESSAGE,
            Reason.UNKNOWN_TYPE,
            Reason.TOO_LARGE,
        }
    else:
        assert pair_msg.parse_message(pair_msg.dump_message(outcome)) == outcome


@given(st.text(st.characters(categories=None)) | st.text('{}[]",:\\u0d8eE+-. tfn1'))
def test_any_text_is_read_or_refused(text: str) -> None:
    returns_or_refuses(text)


@given(json_values, st.booleans())
def test_any_json_is_read_or_refused(value: object, escape: bool) -> None:
    returns_or_refuses(json.dumps(value, ensure_ascii=escape))


@given(almost_messages(), st.booleans())
def test_almost_a_message_is_read_or_refused(fields: JSONObject, escape: bool) -> None:
    returns_or_refuses(json.dumps(fields, ensure_ascii=escape))


@given(any_message, st.data())
def test_a_torn_frame_is_bad_json(message: pair_msg.Message, data: st.DataObject) -> None:
    text = pair_msg.dump_message(message)
    assert refused(text[: data.draw(st.integers(0, len(text) - 1))]).reason is Reason.BAD_JSON


# --- the rest -------------------------------------------------------------------------------------


@each_row(
    "message",
    [
        pair_msg.PairRequest(MARK, CLIENT, pair_msg.Auth(1, "psk", MARK, MARK)),
        pair_msg.PairPrompt(MARK, CLIENT),
        pair_msg.PairResponse(MARK, True),
        pair_msg.PairResult(MARK, False, "busy", pair_msg.Auth(t=MARK)),
        pair_msg.PairChallenge(MARK, pair_msg.Auth(1, "psk", MARK)),
        pair_msg.PairConfirm(MARK, pair_msg.Auth(t=MARK)),
        pair_msg.Signal(MARK, pair_msg.Description(MARK, pair_msg.SDPType.OFFER), MARK),
        pair_msg.Signal(MARK, pair_msg.Candidate(LINE), MARK),
        pair_msg.ErrorMessage("busy", "One plain sentence.", MARK),
        pair_msg.SessionEnded(MARK, "closed"),
    ],
)
def test_a_messages_repr_is_fit_for_a_log(message: pair_msg.Message) -> None:
    assert MARK in pair_msg.dump_message(message)
    assert MARK not in repr(message)


def test_messages_and_their_parts_do_not_change() -> None:
    for kind in (
        *get_args(pair_msg.Message),
        devices.DeviceInfo,
        pair_msg.Auth,
        pair_msg.Description,
        pair_msg.Candidate,
    ):
        assert kind.__dataclass_params__.frozen, kind
        assert "__slots__" in vars(kind), kind


def test_close_codes_are_what_the_page_knows_them_by() -> None:
    codes = {code.name: code.value for code in pair_msg.CloseCode}
    assert codes == {
        "SESSION_ENDED": 4000,
        "LINK_FAILED": 4001,
        "LINKED_ALREADY": 4002,
        "BAD_MESSAGES": 4400,
        "TAMPERED": 4401,
    }
    # RFC 6455, 7.4.2, reserves these codes for private use.
    assert all(4000 <= code <= 4999 for code in codes.values())


def test_reasons_fit_their_wire_fields() -> None:
    for reason, sentence in SENTENCES.items():
        error = pair_msg.ErrorMessage(reason, sentence)
        ended = pair_msg.SessionEnded("abc123", reason)
        assert pair_msg.parse_message(pair_msg.dump_message(error)) == error
        assert pair_msg.parse_message(pair_msg.dump_message(ended)) == ended


@each_row(
    "payload, expected",
    [
        ({"sdp": None, "candidate": LINE}, pair_msg.Candidate(LINE)),
        ({"sdp": "v=0", "candidate": None}, pair_msg.Description("v=0")),
        ({"sdp": None, "candidate": None}, pair_msg.Candidate("")),
    ],
)
def test_null_is_as_good_as_absent(
    payload: JSONObject, expected: pair_msg.Candidate | pair_msg.Description
) -> None:
    message = pair_msg.parse_message(
        json.dumps({"type": "signal", "sessionID": "abc123", "payload": payload})
    )
    assert message == pair_msg.Signal("abc123", expected)
