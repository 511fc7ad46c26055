"""Tests of the JSON lines: every event and command of docs/json-lines.md, and that no line from
outside breaks anything.
"""

import io
import json
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given, strategies

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    LeftOutFile,
    RenamedFile,
    TransferID,
)
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import HostCode, parse_target
from proxim.ui.text.model import GREETING_SECONDS, FaceOptions, Role
from tests.core.link.whiteboard import Drawn
from tests.rows import each_row
from tests.ui.text.faces import Event
from tests.ui.text.faces import JsonLinesBench as Face

# This is 2025-06-01T12:00:00Z.
LINK = ev.LinkID("host-1")
NEAR = HostCode(IPv4Address("192.168.1.7"), 47800, 12345).shown
FAR = HostCode(IPv4Address("203.0.113.9"), 47800, 12345).shown
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)
INVITATION = st.Invitation(
    "s1",
    "u1",
    NEAR,
    "http://192.168.1.7:47800/#2Zr0m5T8cVn1qWb7yUe4Xg.q1-W_e4rT6yU8iO0pA2sD4.u1",
    ev.SessionType.ONE_TIME,
    1900.0,
)
UNPROVED = "http://192.168.1.7:47800/#.q1-W_e4rT6yU8iO0pA2sD4.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
PROMPT = st.Prompt("s1", DeviceInfo("Ana", "id-1"), "192.168.1.9", None, 1040.0)
CONNECTED = st.LinkStatus(LINK, "s1", st.Stage.CONNECTED, "Ana", "192.168.1.9", was_connected=True)

COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("trip", directory=True), Entry("trip/a.jpg", 70, 1), Entry("notes.txt", 30)),
    100,
    link=LINK,
    peer_name="Ana",
    needs_answer=True,
)
ACCEPTED = replace(COMING, needs_answer=False)
GOING = replace(ACCEPTED, transfer=TransferID("t2"), direction=Direction.OUT)


def error(reason: Reason, **more: str) -> Event:
    return {"event": "error", "code": reason.value, "message": SENTENCES[reason], **more}


# --- events ---------------------------------------------------------------------------------------


SESSION = {
    "event": "session",
    "sessionID": "s1",
    "uuid": "u1",
    "code": NEAR,
    "url": INVITATION.url,
    "type": "one-time",
    "expiresAt": "2025-06-01T12:15:00Z",
}
LINK_EVENT = {
    "event": "link",
    "via": "webrtc",
    "verified": None,
    "link": "host-1",
    "sessionID": "s1",
    "name": "Ana",
}

EVENTS: list[tuple[st.Status, list[Event]]] = [
    (st.ThisDevice(DeviceInfo("Here", "u1")), []),
    (st.Networks((ev.Network("192.168.1.7", 24, "Wi-Fi", virtual=False),), "192.168.1.7"), []),
    (INVITATION, [SESSION]),
    (
        replace(INVITATION, code=None, type=ev.SessionType.PERSISTENT, expires=None),
        [{**SESSION, "code": None, "type": "persistent", "expiresAt": None}],
    ),
    (st.NoInvitation(None), []),
    (st.NoInvitation(Reason.NO_NETWORK), [error(Reason.NO_NETWORK)]),
    (
        PROMPT,
        [
            {
                "event": "pair_prompt",
                "sessionID": "s1",
                "deviceInfo": {"name": "Ana", "id": "id-1"},
                "verified": None,
                "address": "192.168.1.9",
                "expiresAt": "2025-06-01T12:00:40Z",
            }
        ],
    ),
    (
        replace(PROMPT, verified=Verified.CODE, number=2, replaces=st.LostLink(LINK, "Ana")),
        [
            {
                "event": "pair_prompt",
                "sessionID": "s1",
                "deviceInfo": {"name": "Ana", "id": "id-1"},
                "verified": "code",
                "address": "192.168.1.9",
                "expiresAt": "2025-06-01T12:00:40Z",
                "request": 2,
                "replaces": "host-1",
            }
        ],
    ),
    # Every request is reported when it is made, whether or not a person would be shown it.
    (st.Prompts((PROMPT,), (replace(PROMPT, session_id="s2"),)), []),
    (
        st.PairOutcome("s1", approved=False, reason=Reason.DECLINED, surplus=True),
        [{"event": "pair_result", "sessionID": "s1", "status": "rejected", "reason": "declined"}],
    ),
    (
        st.PairOutcome("s1", approved=True),
        [{"event": "pair_result", "sessionID": "s1", "status": "approved"}],
    ),
    (
        st.PairOutcome("s1", approved=False, reason=Reason.GUEST_LEFT),
        [{"event": "pair_result", "sessionID": "s1", "status": "rejected", "reason": "guest_left"}],
    ),
    (replace(CONNECTED, stage=st.Stage.APPROVED), []),
    (replace(CONNECTED, stage=st.Stage.CONNECTING), [{**LINK_EVENT, "state": "connecting"}]),
    (CONNECTED, [{**LINK_EVENT, "state": "connected"}]),
    (
        replace(CONNECTED, link=ev.LinkID("host-2"), replaces=LINK),
        [{**LINK_EVENT, "state": "connected", "link": "host-2", "replaces": "host-1"}],
    ),
    (
        replace(CONNECTED, verified=Verified.CODE),
        [{**LINK_EVENT, "state": "connected", "verified": "code"}],
    ),
    (
        replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT),
        [{**LINK_EVENT, "state": "closed", "reason": "peer_left"}],
    ),
    (st.TextReceived(LINK, "hi"), [{"event": "text", "text": "hi", "link": "host-1"}]),
    (st.TextSent(LINK, "hi"), []),
    (st.Trouble(Problem(Reason.PROMPT_GONE)), [error(Reason.PROMPT_GONE)]),
    (
        st.Trouble(Problem(Reason.UNSUPPORTED, "why"), LINK),
        [error(Reason.UNSUPPORTED, detail="why", link="host-1")],
    ),
    (st.Stopped(), []),
]


@each_row("status, events", EVENTS)
def test_each_status_as_events(status: st.Status, events: list[Event]) -> None:
    assert Face(HOST).show(status) == events


def test_a_session_event_whenever_the_code_changes_and_only_then() -> None:
    face = Face(HOST)
    assert len(face.show(INVITATION, INVITATION)) == 1
    assert len(face.show(replace(INVITATION, code="99999-99999"))) == 1
    assert len(face.show(st.NoInvitation(None), replace(INVITATION, code="99999-99999"))) == 1


def test_a_link_event_once_per_change() -> None:
    face = Face(HOST)
    shown = face.show(
        replace(CONNECTED, stage=st.Stage.APPROVED),
        replace(CONNECTED, stage=st.Stage.CONNECTING),
        replace(CONNECTED, stage=st.Stage.CONNECTING, peer_name="A"),
        CONNECTED,
        replace(CONNECTED, features=("text",)),
        replace(CONNECTED, stage=st.Stage.CLOSED),
    )
    assert [event["state"] for event in shown] == ["connecting", "connected", "closed"]


def test_a_joining_program_tells_its_way_and_why_it_failed() -> None:
    face = Face(JOIN)
    dialing = st.LinkStatus(
        ev.LinkID("guest-1"), "@code", st.Stage.DIALING, peer_address="192.168.1.7:47800"
    )
    shown = face.show(
        dialing,
        replace(dialing, stage=st.Stage.ASKING, deadline=1040.0),
        st.PairOutcome("@code", approved=False, reason=Reason.DECLINED),
        replace(dialing, stage=st.Stage.CLOSED, reason=Reason.DECLINED),
    )
    assert shown == [
        {"event": "join", "state": "dialing", "address": "192.168.1.7:47800"},
        {"event": "join", "state": "asking", "address": "192.168.1.7:47800"},
        {"event": "pair_result", "sessionID": "@code", "status": "rejected", "reason": "declined"},
        {
            "event": "link",
            "state": "closed",
            "via": "webrtc",
            "verified": None,
            "reason": "declined",
            "link": "guest-1",
            "sessionID": "@code",
        },
        error(Reason.DECLINED, link="guest-1"),
    ]


def test_a_failure_told_as_trouble_is_not_told_again() -> None:
    face = Face(HOST)
    shown = face.show(
        st.Trouble(Problem(Reason.PORT_TAKEN, "47800")), st.NoInvitation(Reason.PORT_TAKEN)
    )
    assert shown == [error(Reason.PORT_TAKEN, detail="47800")]


AWKWARD = 'é 漢 😀 "\\ \n\r\x00\x1b[2J\x7f\x85\x9b\u2028\u2029\x0b\x1c\ud800'


def test_characters_are_kept_but_none_ends_a_line() -> None:
    face = Face(HOST)
    face.face.show(st.TextReceived(LINK, AWKWARD))
    assert isinstance(face.out, io.StringIO)
    raw = face.out.getvalue()
    assert "é 漢 😀" in raw
    assert not set("\x00\x1b\x7f\x85\x9b\u2028\u2029\ud800") & set(raw)
    assert face.events()[0]["text"] == AWKWARD


@each_row(
    "encoding, kept", [("utf-8", True), ("UTF_16", True), ("cp1252", False), ("ascii", False)]
)
def test_a_stdout_of_any_encoding_gets_valid_json(encoding: str, kept: bool) -> None:
    raw = io.BytesIO()
    Face(HOST, io.TextIOWrapper(raw, encoding=encoding, newline="")).face.show(
        st.TextReceived(LINK, AWKWARD)
    )
    line = raw.getvalue().decode(encoding)
    assert json.loads(line)["text"] == AWKWARD
    assert ("漢" in line) is kept


@given(strategies.text(alphabet=strategies.characters(exclude_categories=())))
def test_any_text_comes_out_as_one_line(text: str) -> None:
    assert Face(HOST).show(st.TextReceived(LINK, text))[0]["text"] == text


class _Pipe(io.StringIO):
    """A stdout that counts flushes."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_every_line_is_flushed() -> None:
    pipe = _Pipe()
    Face(HOST, pipe).show(INVITATION, PROMPT)
    assert pipe.flushes == 2


# --- commands -------------------------------------------------------------------------------------


@each_row("approved", [True, False])
def test_pair_response(approved: bool) -> None:
    face = Face(HOST)
    assert (
        face.read({"type": "pair_response", "sessionID": "s1", "approved": approved, "extra": {}})
        == []
    )
    assert face.posted == [ev.Decide("s1", approved)]


@each_row("request_field, number", [({}, None), ({"request": 3}, 3), ({"request": None}, None)])
def test_a_pair_response_may_name_its_request(request_field: Event, number: int | None) -> None:
    face = Face(HOST)
    assert (
        face.read({"type": "pair_response", "sessionID": "s1", "approved": True, **request_field})
        == []
    )
    (decision,) = face.posted
    assert isinstance(decision, ev.Decide)
    assert decision.number == number


def test_a_prompt_tells_its_number() -> None:
    (event,) = Face(HOST).show(replace(PROMPT, number=7))
    assert event["request"] == 7


def test_a_request_that_is_no_number_is_a_bad_command() -> None:
    face = Face(HOST)
    (event,) = face.read(
        {"type": "pair_response", "sessionID": "s1", "approved": True, "request": "7"}
    )
    assert event["code"] == "bad_command"
    assert face.posted == []


def test_text_goes_to_all_open_links_and_to_none() -> None:
    face = Face(HOST)
    assert face.read({"type": "text", "text": "hi"}) == [error(Reason.NOT_CONNECTED)]
    face.show(CONNECTED, replace(CONNECTED, link=ev.LinkID("host-2")))
    face.show(replace(CONNECTED, link=ev.LinkID("host-3"), stage=st.Stage.CONNECTING))
    assert face.read({"type": "text", "text": "hi\n\u2028"}) == []
    assert face.posted == [
        ev.SendText(LINK, "hi\n\u2028"),
        ev.SendText(ev.LinkID("host-2"), "hi\n\u2028"),
    ]


BAD_LINES = [
    "hello",
    "[]",
    "null",
    "1" * 5000,
    "[" * 100_000,
    '{"type":"text"',
    '{"type":"text","text":NaN}',
    '{"type":"text","text":"a","text":"b"}',
    '{"type":"text","text":1}',
    '{"type":"text","text":"\\ud800"}',
    '{"type":"text"}',
    '{"type":"nonsense"}',
    '{"type":["text"]}',
    '{"text":"hi"}',
    '{"type":"pair_response","sessionID":"s1"}',
    '{"type":"pair_response","sessionID":"s1","approved":1}',
    '{"type":"pair_response","sessionID":"s1","approved":"true"}',
    '{"type":"pair_response","approved":true}',
    # A host cannot join.
    '{"type":"join","code":"02501-WK381"}',
    '{"type":"close"} {"type":"close"}',
    '{"type":"send"}',
    '{"type":"send","paths":"a"}',
    '{"type":"send","paths":[]}',
    '{"type":"send","paths":["a",1]}',
    '{"type":"send","paths":[""]}',
    '{"type":"send","paths":["a\\u0000"]}',
    '{"type":"send","paths":["\\ud800"]}',
    '{"type":"send","paths":["a"],"link":1}',
    '{"type":"accept"}',
    '{"type":"accept","transferID":1}',
    '{"type":"accept","transferID":"t1","declined":1}',
    '{"type":"accept","transferID":"t1","declined":[3]}',
    '{"type":"accept","transferID":"t1","declined":[-1]}',
    '{"type":"accept","transferID":"t1","declined":[true]}',
    '{"type":"accept","transferID":"t1","always":1}',
    '{"type":"accept","transferID":"t1","directory":""}',
    '{"type":"accept","transferID":"t1","directory":[]}',
    '{"type":"decline"}',
    '{"type":"cancel","transferID":null}',
    '{"type":"retry"}',
    '{"type":"new_code","sessionType":"eternal"}',
    '{"type":"new_code","sessionType":1}',
    '{"type":"new_code","sessionType":"one-time","lifetime":60}',
    '{"type":"new_code","lifetime":59}',
    '{"type":"new_code","lifetime":604801}',
    '{"type":"new_code","lifetime":true}',
    '{"type":"new_code","lifetime":60.5}',
    '{"type":"new_code","lifetime":"60"}',
]


@each_row("line", BAD_LINES)
def test_a_bad_line_is_answered_and_changes_nothing(line: str) -> None:
    face = Face(HOST)
    face.show(replace(CONNECTED, features=("text", "files")), PROMPT, COMING)
    (answer,) = face.read(line)
    assert {**answer, "detail": ""} == error(Reason.BAD_COMMAND, detail="")
    assert face.face.model.needs_answer(COMING)
    assert face.posted == []
    assert not face.face.model.finished


NEW_CODES: list[tuple[Event, ev.Invite]] = [
    # The program was started with these options.
    ({}, ev.Invite(ev.SessionType.TEMPORARY, 600.0)),
    ({"sessionType": None, "lifetime": None}, ev.Invite(ev.SessionType.TEMPORARY, 600.0)),
    ({"sessionType": "one-time"}, ev.Invite(ev.SessionType.ONE_TIME)),
    ({"sessionType": "persistent"}, ev.Invite(ev.SessionType.PERSISTENT)),
    ({"sessionType": "temporary"}, ev.Invite(ev.SessionType.TEMPORARY)),
    ({"sessionType": "temporary", "lifetime": 60}, ev.Invite(ev.SessionType.TEMPORARY, 60.0)),
    ({"lifetime": 604800}, ev.Invite(ev.SessionType.TEMPORARY, 604800.0)),
]


@each_row("fields, invite", NEW_CODES)
def test_a_script_can_ask_for_a_new_code(fields: Event, invite: ev.Invite) -> None:
    face = Face(replace(HOST, invite=ev.Invite(ev.SessionType.TEMPORARY, 600.0)))
    assert face.read({"type": "new_code", **fields}) == []
    assert face.posted == [invite]


def test_a_joining_program_has_no_code_to_renew() -> None:
    face = Face(JOIN)
    (answer,) = face.read({"type": "new_code"})
    assert answer["code"] == "bad_command"
    assert face.posted == []


def test_an_empty_line_is_no_command() -> None:
    assert Face(HOST).read("", " \t\r\n") == []


@given(
    strategies.sampled_from([HOST, JOIN]),
    strategies.text(alphabet=strategies.characters(exclude_categories=())),
)
def test_no_line_raises(options: FaceOptions, line: str) -> None:
    Face(options).read(line)


JSON_VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3),
)


@given(
    strategies.sampled_from([HOST, JOIN]),
    strategies.sampled_from(
        [
            "pair_response",
            "text",
            "join",
            "new_code",
            "send",
            "accept",
            "decline",
            "cancel",
            "retry",
            "close",
            "x",
        ]
    ),
    strategies.dictionaries(
        strategies.sampled_from(
            [
                "sessionID",
                "approved",
                "text",
                "code",
                "yes",
                "paths",
                "declined",
                "directory",
                "always",
            ]
        ),
        JSON_VALUES,
    ),
)
def test_no_command_raises(options: FaceOptions, kind: str, fields: Event) -> None:
    face = Face(options)
    face.show(CONNECTED, COMING)
    face.read({"type": kind, **fields}, {"type": kind, "transferID": "t1", **fields})


# --- files ----------------------------------------------------------------------------------------


TRANSFER = {
    "event": "transfer",
    "transferID": "t1",
    "direction": "in",
    "name": "trip",
    "size": 100,
    "bytes": 0,
    "state": "announced",
    "count": 2,
    "link": "host-1",
    "peer": "Ana",
}
FILES = [
    {"path": "trip", "size": 0, "directory": True},
    {"path": "trip/a.jpg", "size": 70},
    {"path": "notes.txt", "size": 30},
]


def test_a_transfer_from_its_announcement_to_its_end() -> None:
    face = Face(HOST)
    active = replace(
        ACCEPTED, state=file_st.TransferState.ACTIVE, moved=50, speed=12.4, via=st.Via.LANE
    )
    assert face.show(COMING) == [{**TRANSFER, "files": FILES}]
    moving = {**TRANSFER, "state": "active", "bytes": 50, "speed": 12, "via": "lane"}
    assert face.show(active) == [moving]
    waiting = replace(ACCEPTED, state=file_st.TransferState.WAITING, moved=50, link=None)
    del (gone := {**TRANSFER, "state": "waiting", "bytes": 50})["link"]
    assert face.show(waiting) == [gone]
    failed = (FailedFile(2, Reason.FILE_CHANGED),)
    done = replace(
        ACCEPTED,
        state=file_st.TransferState.DONE,
        moved=70,
        failed=failed,
        path="/d",
        reason=Reason.SOME_FILES_FAILED,
    )
    ended = {**TRANSFER, "state": "done", "bytes": 70, "path": "/d", "reason": "some_files_failed"}
    assert face.show(done) == [
        {**ended, "failed": [{"path": "notes.txt", "reason": "file_changed"}]}
    ]
    renamed = replace(
        done, failed=(), reason=None, renamed=(RenamedFile("trip/a:b", "a_b"),), moved=100
    )
    assert face.show(renamed)[0]["renamed"] == [{"path": "trip/a:b", "name": "a_b"}]
    without = replace(done, failed=(), left_out=(LeftOutFile("trip/pipe", Reason.NOT_A_FILE),))
    assert face.show(without)[0]["left_out"] == [{"path": "trip/pipe", "reason": "not_a_file"}]
    single = replace(GOING, state=file_st.TransferState.DONE, sha256="ab")
    assert face.show(single) == [
        {**TRANSFER, "transferID": "t2", "direction": "out", "state": "done", "sha256": "ab"}
    ]


@each_row("state", [file_st.TransferState.DONE, file_st.TransferState.FAILED])
def test_an_ended_transfer_that_is_published_again_is_told_again(
    state: file_st.TransferState,
) -> None:
    face = Face(HOST)
    face.show(COMING)
    over = replace(ACCEPTED, state=state)
    assert [event["state"] for event in face.show(over, over)] == [state, state]
    assert face.later(1.0) == []


def test_what_we_announce_needs_no_list() -> None:
    assert Face(HOST).show(GOING) == [{**TRANSFER, "transferID": "t2", "direction": "out"}]


def test_progress_is_told_some_ten_times_a_second() -> None:
    face = Face(HOST)
    told = 0
    for step in range(1000):
        told += len(
            face.show(replace(ACCEPTED, state=file_st.TransferState.ACTIVE, moved=step % 100))
        )
        face.now += 0.001
    assert 10 <= told <= 12
    assert face.show(replace(ACCEPTED, state=file_st.TransferState.DONE))[0]["state"] == "done"


def test_progress_that_stands_still_is_told_as_it_is() -> None:
    face = Face(HOST)
    active = replace(ACCEPTED, state=file_st.TransferState.ACTIVE)
    face.show(active)
    assert face.show(replace(active, moved=10), replace(active, moved=20)) == []
    assert face.later(0.05) == []
    (left_out,) = face.later(0.05)
    assert left_out["bytes"] == 20
    assert face.later(1.0) == []


@each_row(
    "more, answer",
    [
        ({}, file_ev.AcceptTransfer(COMING.transfer)),
        ({"declined": [2, 0, 2]}, file_ev.AcceptTransfer(COMING.transfer, declined=(0, 2))),
        (
            {"always": True, "directory": "/d"},
            file_ev.AcceptTransfer(COMING.transfer, directory="/d", always=True),
        ),
    ],
)
def test_accept_once(more: Event, answer: file_ev.AcceptTransfer) -> None:
    face = Face(HOST)
    face.show(CONNECTED, COMING)
    assert face.read({"type": "accept", "transferID": "t1", **more}) == []
    assert face.read({"type": "accept", "transferID": "t1"}) == [
        error(Reason.TRANSFER_GONE, transferID="t1")
    ]
    assert face.read({"type": "decline", "transferID": "t1"}) == [
        error(Reason.TRANSFER_GONE, transferID="t1")
    ]
    assert face.posted == [answer]


def test_decline_and_cancel() -> None:
    face = Face(HOST)
    face.show(COMING, GOING)
    assert face.read({"type": "decline", "transferID": "t2"}) == [
        error(Reason.TRANSFER_GONE, transferID="t2")
    ]
    assert face.read({"type": "accept", "transferID": "t2"}) == [
        error(Reason.TRANSFER_GONE, transferID="t2")
    ]
    assert (
        face.read({"type": "decline", "transferID": "t1"}, {"type": "cancel", "transferID": "t2"})
        == []
    )
    assert face.posted == [
        file_ev.CancelTransfer(COMING.transfer),
        file_ev.CancelTransfer(GOING.transfer),
    ]
    face.show(replace(GOING, state=file_st.TransferState.CANCELLED))
    for unknown in ("t2", "t9"):
        command = {"type": "cancel", "transferID": unknown}
        assert face.read(command) == [error(Reason.TRANSFER_GONE, transferID=unknown)]


def test_retry_of_what_was_sent_and_failed() -> None:
    face = Face(HOST)
    face.show(COMING, GOING)
    for number in ("t1", "t2", "t9"):
        assert face.read({"type": "retry", "transferID": number}) == [
            error(Reason.TRANSFER_GONE, transferID=number)
        ]
    face.show(replace(GOING, state=file_st.TransferState.FAILED))
    assert face.read({"type": "retry", "transferID": "t2"}) == []
    assert face.posted == [file_ev.RetryTransfer(GOING.transfer)]


def test_send_over_all_links_or_one() -> None:
    face = Face(HOST)
    send = {"type": "send", "paths": ["/a b", "/c"]}
    assert face.read(send) == [error(Reason.NOT_CONNECTED)]
    face.show(CONNECTED)
    face.now += GREETING_SECONDS
    assert face.read(send) == [error(Reason.FILES_UNSUPPORTED)]
    other = ev.LinkID("host-2")
    face.show(
        replace(CONNECTED, features=("text", "files")),
        replace(CONNECTED, link=other, features=("text", "files")),
    )
    paths = ("/a b", "/c")
    assert face.read(send, {**send, "link": "host-2"}) == []
    assert face.posted == [
        file_ev.SendPaths(LINK, paths),
        file_ev.SendPaths(other, paths),
        file_ev.SendPaths(other, paths),
    ]
    assert face.read({**send, "link": "host-3"}) == [error(Reason.NOT_CONNECTED)]


def test_what_is_sent_before_the_other_device_has_greeted_goes_out_then() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "send", "paths": ["/a"]}, {"type": "send", "paths": ["/b"]}) == []
    assert face.posted == []
    face.show(
        replace(CONNECTED, features=("text",)), replace(CONNECTED, features=("text", "files"))
    )
    face.show(replace(CONNECTED, features=("text", "files")))
    assert face.posted == [file_ev.SendPaths(LINK, ("/a",)), file_ev.SendPaths(LINK, ("/b",))]


def test_what_is_sent_to_a_device_that_does_not_greet_in_time_is_refused() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "send", "paths": ["/a"]}) == []
    assert face.later(GREETING_SECONDS - 0.1) == []
    assert face.later(0.2) == [error(Reason.FILES_UNSUPPORTED)]
    assert face.later(GREETING_SECONDS) == []
    face.show(replace(CONNECTED, features=("text", "files")))
    assert face.posted == []


def test_what_waits_for_a_greeting_waits_on_while_the_link_is_lost() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "send", "paths": ["/a"]}) == []
    face.show(replace(CONNECTED, stage=st.Stage.WAITING))
    assert face.later(2 * GREETING_SECONDS) == []
    other = ev.LinkID("host-2")
    face.show(replace(CONNECTED, link=other, resumes=LINK))
    face.show(replace(CONNECTED, link=other, features=("text", "files")))
    assert face.posted == [file_ev.SendPaths(other, ("/a",))]


def test_what_was_sent_to_a_device_that_never_greets_is_refused_at_the_end() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "send", "paths": ["/a"]}) == []
    closed = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT)
    assert face.show(closed)[-1] == error(Reason.FILES_UNSUPPORTED)
    face.show(replace(CONNECTED, link=ev.LinkID("host-2"), features=("text", "files")))
    assert face.posted == []


def test_what_waits_for_a_greeting_waits_over_a_lost_link() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "send", "paths": ["/a"]}) == []
    again = replace(CONNECTED, link=ev.LinkID("host-2"), resumes=LINK)
    face.show(
        replace(CONNECTED, stage=st.Stage.WAITING), replace(again, stage=st.Stage.CONNECTING), again
    )
    face.show(replace(again, features=("text", "files")))
    assert face.posted == [file_ev.SendPaths(ev.LinkID("host-2"), ("/a",))]


def test_with_a_folder_to_save_to_an_announcement_is_told_and_needs_no_answer() -> None:
    face = Face(HOST)
    assert face.show(ACCEPTED) == [{**TRANSFER, "files": FILES}]
    assert face.read({"type": "accept", "transferID": "t1"}) == [
        error(Reason.TRANSFER_GONE, transferID="t1")
    ]
    face.face.end_of_input()
    assert face.posted == []


def test_a_link_that_waits_and_is_taken_up_again() -> None:
    face = Face(HOST)
    again = replace(CONNECTED, link=ev.LinkID("host-2"), resumes=LINK)
    face.show(CONNECTED)
    assert face.show(replace(CONNECTED, stage=st.Stage.WAITING, deadline=1120.0), again) == [
        {**LINK_EVENT, "state": "waiting", "expiresAt": "2025-06-01T12:02:00Z"},
        {**LINK_EVENT, "state": "connected", "link": "host-2", "resumes": "host-1"},
    ]


# --- joining --------------------------------------------------------------------------------------


JOINS = [
    (replace(JOIN, target=parse_target(NEAR)), [ev.Join(parse_target(NEAR))]),
    (replace(JOIN, target=parse_target(FAR)), [ev.Shutdown()]),
    (replace(JOIN, target=parse_target(FAR), agreed=True), [ev.Join(parse_target(FAR))]),
    (
        replace(JOIN, target=parse_target(FAR), own_networks=("203.0.113.77/24",)),
        [ev.Join(parse_target(FAR))],
    ),
    (
        replace(JOIN, target=parse_target(FAR), own_networks=("198.51.100.7/24", "fd00::2/64")),
        [ev.Shutdown()],
    ),
    (JOIN, []),
    (replace(HOST, target=parse_target(NEAR)), []),
]


@each_row("options, posted", JOINS)
def test_whom_the_start_joins(options: FaceOptions, posted: list[ev.Intent]) -> None:
    face = Face(options)
    face.face.start()
    assert face.posted == posted


def test_a_target_of_the_command_line_is_joined_at_the_start() -> None:
    face = Face(replace(JOIN, target=parse_target(NEAR)))
    face.face.start()
    assert face.posted == [ev.Join(parse_target(NEAR))]
    assert face.read({"type": "join", "code": NEAR}) == [error(Reason.JOIN_BUSY)]


def test_a_code_may_come_as_a_command_and_a_typo_may_be_mended() -> None:
    face = Face(JOIN)
    face.face.start()
    typo = NEAR[:-1] + ("0" if NEAR[-1] != "0" else "1")
    assert face.read({"type": "join", "code": typo}) == [error(Reason.CODE_TYPO)]
    assert face.read({"type": "join", "code": NEAR.lower().replace("-", " ")}) == []
    assert face.posted == [ev.Join(parse_target(NEAR))]


@each_row("more", [{}, {"yes": False}])
def test_a_far_address_needs_consent(more: Event) -> None:
    face = Face(JOIN)
    refused = error(Reason.FAR_ADDRESS, detail="203.0.113.9:47800")
    assert face.read({"type": "join", "code": FAR, **more}) == [refused]
    assert face.posted == []
    face.read({"type": "join", "code": FAR, "yes": True})
    assert face.posted == [ev.Join(parse_target(FAR))]


def test_a_link_that_proves_nothing_needs_consent() -> None:
    face = Face(JOIN)
    refused = error(Reason.NO_SECRET, detail="192.168.1.7:47800")
    assert face.read({"type": "join", "code": UNPROVED}) == [refused]
    assert face.posted == []
    face.read({"type": "join", "code": UNPROVED, "yes": True})
    assert face.posted == [ev.Join(parse_target(UNPROVED))]
    at_start = Face(replace(JOIN, target=parse_target(UNPROVED)))
    at_start.face.start()
    assert at_start.events() == [refused]
    assert (at_start.posted, at_start.face.model.exit_status) == ([ev.Shutdown()], 2)


def test_half_a_link_and_two_of_them_are_errors_of_their_own() -> None:
    face = Face(JOIN)
    assert face.read({"type": "join", "code": UNPROVED[:-1]}) == [error(Reason.LINK_INCOMPLETE)]
    two = f"{NEAR} {FAR}"
    assert face.read({"type": "join", "code": two}) == [error(Reason.SEVERAL_LINKS)]
    assert face.posted == []


def test_a_far_target_of_the_command_line_ends_the_program() -> None:
    face = Face(replace(JOIN, target=parse_target(FAR)))
    face.face.start()
    assert face.events() == [error(Reason.FAR_ADDRESS, detail="203.0.113.9:47800")]
    assert face.posted == [ev.Shutdown()]
    assert face.face.model.exit_status == 2


def test_a_joining_program_answers_no_requests() -> None:
    face = Face(JOIN)
    assert face.read({"type": "pair_response", "sessionID": "s", "approved": True}) == [
        error(Reason.PROMPT_GONE)
    ]
    assert face.posted == []


# --- the end (test_model.py has how programs end) -------------------------------------------------


def test_close() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read({"type": "close"}, {"type": "close"}, {"type": "text", "text": "late"}) == []
    assert face.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    closed = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.DISCONNECTED)
    assert [event["event"] for event in face.show(closed, INVITATION, PROMPT, st.Stopped())] == [
        "link"
    ]


def test_the_end_of_stdin_is_not_the_end() -> None:
    host, join = Face(HOST), Face(replace(JOIN, target=parse_target(NEAR)))
    for face in (host, join):
        face.face.start()
        face.face.end_of_input()
        assert face.events() == []
        assert ev.Shutdown() not in face.posted


def test_the_end_of_stdin_before_any_code() -> None:
    face = Face(JOIN)
    face.face.end_of_input()
    assert face.events() == [error(Reason.CODE_MISSING)]
    assert face.posted == [ev.Shutdown()]
    assert face.face.model.exit_status == 2


def test_a_feature_that_the_face_does_not_know_is_left_out() -> None:
    face, known = Face(HOST), Face(HOST)
    connected = replace(CONNECTED, features=("text", "files"))
    more = replace(CONNECTED, features=("text", "files", "whiteboard"))
    assert face.show(more) == known.show(connected)
    assert face.show(Drawn(LINK, 5)) == []


def test_text_and_close_may_name_a_link() -> None:
    face = Face(HOST)
    other = ev.LinkID("host-2")
    face.show(
        replace(CONNECTED, features=("text",)), replace(CONNECTED, link=other, features=("text",))
    )
    assert face.read({"type": "text", "text": "hi", "link": "host-2"}) == []
    assert face.read({"type": "text", "text": "both"}) == []
    assert face.posted == [
        ev.SendText(other, "hi"),
        ev.SendText(LINK, "both"),
        ev.SendText(other, "both"),
    ]
    for command in ({"type": "text", "text": "hi"}, {"type": "close"}):
        assert face.read({**command, "link": "host-9"}) == [error(Reason.NOT_CONNECTED)]
        assert face.read({**command, "link": 5})[0]["code"] == "bad_command"
    face.posted.clear()
    assert face.read({"type": "close", "link": "host-2"}) == []
    assert face.posted == [ev.Disconnect(other)]
    assert not face.face.model.closing


def test_a_line_that_the_terminal_cut_is_refused() -> None:
    face = Face(HOST)
    face.face.line_was_cut()
    assert face.events() == [error(Reason.LINE_CUT)]
    face.face.model.close()
    face.face.line_was_cut()
    assert face.events() == []
