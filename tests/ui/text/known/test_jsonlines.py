"""Known devices as JSON lines: every event and command of docs/json-lines.md about them."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.known import events as known_ev
from proxim.core.known.status import (
    KnownEntry,
    KnownList,
    Presence,
    Remembering,
    RememberStage,
)
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.ui.text.model import GREETING_SECONDS, FaceOptions, Role
from tests.paths import ROOT
from tests.rows import each_row
from tests.ui.text.faces import LINK, NOON, Event, JsonLinesBench, linked

# This is 2025-06-01T12:00:00Z.
OTHER = ev.LinkID("host-2")
LAPTOP = KnownEntry(
    KnownID("k1"), "Laptop", Verified.CODE, NOON, NOON + 60, Presence.AWAY, False, None
)
PHONE = replace(LAPTOP, id=KnownID("k2"), name="Ana's PC", let_in=True, files_to="/data")
TWIN = replace(LAPTOP, id=KnownID("k3"))
KNOWN = KnownList((LAPTOP, PHONE), discovery=True)
NOBODY = KnownList((), discovery=True)
CONNECTED = linked("text", "known")
COMPARE = Remembering(
    LINK, RememberStage.COMPARE, "Ana", ours=False, digits="012345", deadline=1060.0
)
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)


class Face(JsonLinesBench):
    """A face that has begun and has shown these statuses."""

    def __init__(self, *statuses: st.Status, options: FaceOptions = HOST) -> None:
        super().__init__(options)
        self.face.start()
        self.show(*statuses)


def error(reason: Reason, **more: str) -> Event:
    sentence = Problem(reason, more.get("detail", "")).sentence
    return {"event": "error", "code": reason.value, "message": sentence, **more}


def refused(detail: str) -> list[Event]:
    return [error(Reason.BAD_COMMAND, detail=detail)]


# --- events ---------------------------------------------------------------------------------------

LISTED: list[Event] = [
    {
        "event": "known_devices",
        "devices": [
            {
                "device": "k1",
                "name": "Laptop",
                "verified": "code",
                "since": "2025-06-01T12:00:00Z",
                "lastSeen": "2025-06-01T12:01:00Z",
                "presence": "away",
                "let_in": False,
                "files_to": None,
            },
            {
                "device": "k2",
                "name": "Ana's PC",
                "verified": "code",
                "since": "2025-06-01T12:00:00Z",
                "lastSeen": "2025-06-01T12:01:00Z",
                "presence": "away",
                "let_in": True,
                "files_to": "/data",
            },
        ],
        "discovery": True,
    }
]


def test_the_list_whenever_it_changes() -> None:
    face = Face()
    assert face.show(KNOWN, KNOWN) == LISTED
    linked = replace(LAPTOP, presence=Presence.LINKED, link=LINK)
    (event,) = face.show(KnownList((linked,), discovery=False, trouble=Reason.NO_MULTICAST))
    assert (event["discovery"], event["trouble"]) == (False, "no_multicast")
    assert (event["devices"][0]["presence"], event["devices"][0]["link"]) == ("linked", "host-1")
    # The last one was forgotten.
    assert face.show(NOBODY) == [{"event": "known_devices", "devices": [], "discovery": True}]


def test_who_knows_nobody_reads_nothing_of_it_until_it_asks() -> None:
    face = Face()
    assert face.show(NOBODY) == []
    nothing = {"event": "known_devices", "devices": [], "discovery": True}
    assert face.command("look") == [nothing]
    assert face.posted == [known_ev.LookForDevices(True)]
    assert face.command("look", on=False) == [nothing]
    assert face.posted[1:] == [known_ev.LookForDevices(False)]


REMEMBERING: list[tuple[Remembering, Event]] = [
    (Remembering(LINK, RememberStage.PREPARING, "Ana", ours=True), {"state": "preparing"}),
    (
        replace(COMPARE, ours=True),
        {"state": "compare", "digits": "012345", "expiresAt": "2025-06-01T12:01:00Z"},
    ),
    (
        replace(COMPARE, ours=True, known_as="Anna PC"),
        {
            "state": "compare",
            "digits": "012345",
            "expiresAt": "2025-06-01T12:01:00Z",
            "known_as": "Anna PC",
        },
    ),
    (
        replace(COMPARE, ours=True, stage=RememberStage.WAITING),
        {"state": "waiting", "digits": "012345", "expiresAt": "2025-06-01T12:01:00Z"},
    ),
    (
        Remembering(LINK, RememberStage.KEPT, "Ana", ours=True, device=KnownID("k4")),
        {"state": "kept", "device": "k4"},
    ),
    (
        Remembering(LINK, RememberStage.FAILED, "Ana", ours=True, reason=Reason.DIGITS_DIFFER),
        {"state": "failed", "reason": "digits_differ"},
    ),
]


@each_row("status, fields", REMEMBERING)
def test_each_stage_of_remembering(status: Remembering, fields: Event) -> None:
    common = {"event": "remembering", "link": "host-1", "ours": True, "name": "Ana"}
    assert Face().show(status) == [common | fields]


def test_a_request_of_a_known_device_and_its_link_say_so() -> None:
    prompt = st.Prompt(
        "s1", DeviceInfo("Laptop", "id"), "192.168.1.9", Verified.KNOWN, 1040.0, known=LAPTOP.id
    )
    (event,) = Face().show(prompt)
    assert (event["verified"], event["known"]) == ("known", "k1")
    known = replace(CONNECTED, verified=Verified.KNOWN, known=LAPTOP.id)
    (asked,) = Face().show(known)
    assert (asked["verified"], asked["known"], asked["let_in"]) == ("known", "k1", False)
    (unasked,) = Face().show(replace(known, let_in=True))
    assert unasked["let_in"] is True
    # The guest is not told whether somebody was asked.
    (guest,) = Face(options=JOIN).show(replace(known, as_guest=True))
    assert guest["known"] == "k1"
    assert "let_in" not in guest
    (stranger,) = Face().show(CONNECTED)
    assert not {"known", "let_in"} & set(stranger)


def networks(chosen: str | None) -> st.Networks:
    return st.Networks((), chosen)


def test_a_host_for_known_devices_says_when_it_is_ready_and_shows_no_code() -> None:
    face = Face(options=replace(HOST, known_only=True))
    assert face.show(networks("192.168.1.7")) == []
    ready = {"event": "ready", "address": "192.168.1.7", "devices": 2}
    assert face.show(KNOWN, networks("192.168.1.7")) == [*LISTED, ready]
    # It cannot be reached for a while.
    assert face.show(networks(None), networks("10.0.0.2")) == [ready | {"address": "10.0.0.2"}]
    # A script may ask for one.
    assert face.command("new_code") == []
    assert face.posted == [HOST.invite]


def test_a_host_that_shows_a_code_is_ready_with_its_session() -> None:
    assert Face().show(networks("192.168.1.7"), NOBODY) == []


# --- commands -------------------------------------------------------------------------------------


def test_remembering_is_asked_for_and_answered() -> None:
    face = Face(KNOWN, CONNECTED)
    assert face.command("remember") == []
    face.show(COMPARE)
    assert face.command("answer_remember", same=True) == []
    assert face.posted == [
        known_ev.RememberDevice(LINK),
        known_ev.AnswerRemember(LINK, True, "012345"),
    ]
    assert face.command("answer_remember", same=True) == [error(Reason.PROMPT_GONE)]
    assert face.command("answer_remember", same="yes") == refused("same must be true or false")
    # It is about these digits, and no others that came meanwhile.
    face.show(replace(COMPARE, digits="543210"))
    gone = [error(Reason.PROMPT_GONE)]
    assert face.command("answer_remember", same=True, digits="012345") == gone
    assert face.command("answer_remember", same=True, digits="543210") == []
    assert face.posted[2:] == [known_ev.AnswerRemember(LINK, True, "543210")]


def test_a_no_to_the_digits_and_an_answer_that_comes_too_late() -> None:
    face = Face(CONNECTED, COMPARE)
    face.command("answer_remember", same=False, link="host-1")
    assert face.posted == [known_ev.AnswerRemember(LINK, False, "012345")]
    failed = replace(COMPARE, stage=RememberStage.FAILED, reason=Reason.TIMEOUT)
    late = Face(CONNECTED, COMPARE, failed)
    assert late.command("answer_remember", same=True) == [error(Reason.PROMPT_GONE)]
    assert late.posted == []
    # Its link is closed, so it is no question any more.
    ended = Face(CONNECTED, COMPARE, replace(CONNECTED, stage=st.Stage.CLOSED))
    assert ended.command("answer_remember", same=True) == [error(Reason.PROMPT_GONE)]


def test_remembering_needs_to_know_which_link() -> None:
    both = (CONNECTED, replace(CONNECTED, link=OTHER))
    face = Face(*both)
    which = refused("link is needed while there are several")
    assert face.command("remember") == which
    face.show(COMPARE, replace(COMPARE, link=OTHER))
    assert face.command("answer_remember", same=True) == which
    face.command("remember", link="host-2")
    face.command("answer_remember", same=True, link="host-2")
    assert face.posted == [
        known_ev.RememberDevice(OTHER),
        known_ev.AnswerRemember(OTHER, True, "012345"),
    ]
    assert Face().command("remember") == [error(Reason.NOT_CONNECTED)]


def test_a_device_that_cannot_be_remembered() -> None:
    face = Face(replace(CONNECTED, features=("text",)))
    # Its greeting may still be on its way.
    assert face.command("remember") == []
    face.now += GREETING_SECONDS
    face.face.catch_up()
    assert face.events() == [error(Reason.REMEMBER_UNSUPPORTED)]
    assert face.posted == []


def test_a_device_is_changed_by_its_id_or_its_name(tmp_path: Path) -> None:
    face = Face(KNOWN)
    folder = str(tmp_path)
    commands: list[tuple[str, Event]] = [
        ("rename_device", {"device": "k1", "name": " De\u202esk "}),
        ("let_in", {"device": "laptop", "on": True}),
        ("let_in", {"device": "Ana's PC", "on": False}),
        ("files_to", {"device": "k2", "directory": folder}),
        ("files_to", {"device": "k2", "directory": None}),
        ("forget", {"device": "k2"}),
        ("discovery", {"on": False}),
    ]
    for kind, fields in commands:
        assert face.command(kind, **fields) == [], kind
    assert face.posted == [
        known_ev.RenameKnown(LAPTOP.id, "Desk"),
        known_ev.SetLetIn(LAPTOP.id, True),
        known_ev.SetLetIn(PHONE.id, False),
        known_ev.SetFilesTo(PHONE.id, folder),
        known_ev.SetFilesTo(PHONE.id, None),
        known_ev.ForgetDevice(PHONE.id),
        known_ev.SetDiscovery(False),
    ]


DEVICE_COMMANDS: list[tuple[str, Event]] = [
    ("forget", {}),
    ("rename_device", {"name": "A"}),
    ("let_in", {"on": True}),
    ("files_to", {"directory": None}),
    ("join", {}),
]


@each_row("kind, fields", DEVICE_COMMANDS)
def test_no_device_and_two_of_a_name_are_errors(kind: str, fields: Event) -> None:
    options = JOIN if kind == "join" else HOST
    face = Face(KnownList((LAPTOP, TWIN), discovery=True), options=options)
    assert face.command(kind, device="Desk", **fields) == [error(Reason.DEVICE_UNKNOWN)]
    several = error(Reason.DEVICE_SEVERAL, detail="Laptop (k1), Laptop (k3)")
    assert face.command(kind, device="Laptop", **fields) == [several]
    assert face.posted == []
    assert face.command(kind, device="k3", **fields) == []
    assert len(face.posted) == 1


@each_row("kind, fields", DEVICE_COMMANDS)
def test_a_command_may_come_before_the_list(kind: str, fields: Event) -> None:
    face = Face(options=JOIN if kind == "join" else HOST)
    assert face.command(kind, device="Laptop", **fields) == []
    assert face.posted == []
    assert face.show(KNOWN) == LISTED
    assert len(face.posted) == 1
    face.show(replace(KNOWN, discovery=False))
    assert len(face.posted) == 1


WRONG: list[tuple[str, Event, str]] = [
    ("forget", {}, "device must be a string"),
    ("forget", {"device": 1}, "device must be a string"),
    ("forget", {"device": "x" * 300}, "device is longer than 256 bytes"),
    ("rename_device", {"device": "k1"}, "name must be a string"),
    ("let_in", {"device": "k1"}, "on must be true or false"),
    ("let_in", {"device": "k1", "on": 1}, "on must be true or false"),
    ("files_to", {"device": "k1"}, "directory must be a path or null"),
    ("files_to", {"device": "k1", "directory": ""}, "directory must be a path"),
    ("look", {"on": "no"}, "on must be true or false"),
    ("discovery", {}, "on must be true or false"),
    ("remember", {"link": 1}, "link must be a string"),
    ("remember_me", {}, "type is not one of a command"),
]


@each_row("kind, fields, detail", WRONG)
def test_what_is_no_command_changes_nothing(kind: str, fields: Event, detail: str) -> None:
    face = Face(KNOWN, CONNECTED)
    assert face.command(kind, **fields) == refused(detail)
    assert face.posted == []


def test_what_cannot_be_kept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = Face(KNOWN)
    assert face.command("rename_device", device="k1", name=" ") == [error(Reason.NAME_UNUSABLE)]
    gone = face.command("files_to", device="k1", directory=str(tmp_path / "gone"))
    assert gone == [error(Reason.FOLDER_GONE)]
    # Root may write everywhere, so a fake denies it.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    closed = face.command("files_to", device="k1", directory=str(tmp_path))
    assert closed == [error(Reason.FOLDER_READ_ONLY)]
    assert face.posted == []


# --- joining a known device -----------------------------------------------------------------------


def test_a_guest_joins_the_device_of_the_command_line() -> None:
    face = Face(options=replace(JOIN, device="laptop"))
    face.face.end_of_input()
    assert face.posted == []
    assert face.show(KNOWN) == LISTED
    assert face.posted == [known_ev.JoinKnown(LAPTOP.id)]
    link = st.LinkStatus(
        ev.LinkID("guest-1"),
        "s1",
        st.Stage.DIALING,
        peer_name="Laptop",
        as_guest=True,
        known=LAPTOP.id,
    )
    dialing = {"event": "join", "state": "dialing", "address": "", "known": "k1"}
    assert face.show(link) == [dialing]
    assert face.command("join", device="k2") == [error(Reason.JOIN_BUSY)]
    assert not face.face.model.closing


def test_a_device_of_the_command_line_that_nobody_knows_ends_the_program() -> None:
    face = Face(options=replace(JOIN, device="Desk"))
    assert face.show(NOBODY) == [error(Reason.DEVICE_UNKNOWN)]
    assert face.posted == [ev.Shutdown()]
    assert face.face.model.exit_status == 2


def test_a_script_joins_a_device_and_may_try_another() -> None:
    face = Face(KNOWN, options=JOIN)
    assert face.command("join", device="Desk") == [error(Reason.DEVICE_UNKNOWN)]
    both = face.command("join", device="k1", code="02501-WK381")
    assert both == refused("join takes a code or a device, not both")
    assert face.command("join", device="k1") == []
    assert face.posted == [known_ev.JoinKnown(LAPTOP.id)]
    assert Face(KNOWN).command("join", device="k1") == refused("join is a command of proxim join")


def test_a_device_that_nobody_knows_is_the_last_word_of_a_script_that_has_ended() -> None:
    face = Face(options=JOIN)
    face.command("join", device="Desk")
    face.face.end_of_input()
    assert not face.face.model.closing
    shown = face.show(NOBODY)
    assert [event["code"] for event in shown] == ["device_unknown", "code_missing"]
    assert face.face.model.exit_status == 2


def test_a_link_whose_digits_differed_says_so_from_then_on() -> None:
    doubted = replace(CONNECTED, digits_differed=True)
    face = Face(CONNECTED)
    assert face.show(doubted) == []
    (closed,) = face.show(replace(doubted, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT))
    assert closed["digits_differed"] is True


def test_all_of_it_is_documented() -> None:
    page = (ROOT / "docs/json-lines.md").read_text(encoding="utf-8")
    for word in (
        *("known_devices", "remembering", "ready", "remember", "answer_remember", "forget"),
        *("rename_device", "let_in", "files_to", "look", "discovery", "device_several"),
    ):
        assert f"`{word}`" in page, word
