"""`proxim devices`: what it lists, what it changes, and how it ends."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry, KnownList, Presence
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.text.known.devices import LOOK_SECONDS, DevicesFace, DevicesWish
from tests.rows import each_row
from tests.ui.text.faces import LOCAL_NOON, taken

LAPTOP = KnownEntry(
    KnownID("k1"),
    "Laptop",
    Verified.CODE,
    LOCAL_NOON,
    LOCAL_NOON + 3600,
    Presence.UNKNOWN,
    False,
    None,
)
PHONE = replace(
    LAPTOP,
    id=KnownID("k2"),
    name="Ana's\x1b PC",
    verified=Verified.QR,
    let_in=True,
    files_to="/data/in",
)
KNOWN = KnownList((LAPTOP, PHONE), discovery=True)
NOBODY = KnownList((), discovery=True)
LISTED = """\
Laptop (id k1)
  Now      reachable
  Known    since 2025-06-01 12:00, verified by its code and by six compared digits
  Seen     2025-06-01 13:00
  Joining  asked each time
  Files    asked each time

Ana's PC (id k2)
  Now      not seen here; joining tries its last addresses
  Known    since 2025-06-01 12:00, verified by its QR code and by six compared digits
  Seen     2025-06-01 13:00
  Joining  LET IN WITHOUT A QUESTION
  Files    accepted without a question, into /data/in

"""


def found(presence: Presence, other: Presence = Presence.AWAY) -> KnownList:
    devices = (replace(LAPTOP, presence=presence), replace(PHONE, presence=other))
    return KnownList(devices, discovery=True)


class Face:
    """A face whose clock stands at 1000 until a test moves it, with its output and its intents."""

    def __init__(
        self,
        wish: DevicesWish,
        *statuses: st.Status,
        json: bool = False,
        linked_elsewhere: Callable[[], frozenset[KnownID]] = frozenset,
    ) -> None:
        self.now = 1000.0
        self.out = io.StringIO()
        self.posted: list[ev.Intent] = []
        self.face = DevicesFace(
            wish,
            self.posted.append,
            self.out,
            lambda: self.now,
            json=json,
            environ={},
            columns=lambda: 80,
            linked_elsewhere=linked_elsewhere,
        )
        self.face.start()
        self.begun = self.show(*statuses)

    def show(self, *statuses: st.Status) -> str:
        for status in statuses:
            self.face.show(status)
        return taken(self.out)

    def later(self, seconds: float) -> str:
        self.now += seconds
        self.face.catch_up()
        return self.show()

    @property
    def status(self) -> int | None:
        """The exit status, once the process may end."""
        return self.face.model.exit_status if self.face.model.finished else None


def test_it_lists_the_devices_after_it_has_looked_for_them() -> None:
    face = Face(DevicesWish(), KNOWN)
    assert face.posted == [known_ev.LookForDevices(True)]
    assert face.show(found(Presence.REACHABLE)) == ""
    assert face.later(LOOK_SECONDS - 0.1) == ""
    assert face.later(0.1) == LISTED
    assert face.posted[1:] == [ev.Shutdown()]
    assert face.show(st.Stopped()) == ""
    assert face.status == 0


@each_row("json", [False, True])
def test_what_the_open_window_is_linked_with_is_linked(json: bool) -> None:
    asked: list[None] = []

    def linked() -> frozenset[KnownID]:
        asked.append(None)
        return frozenset({PHONE.id, KnownID("another window's")})

    face = Face(DevicesWish(), KNOWN, json=json, linked_elsewhere=linked)
    face.show(found(Presence.REACHABLE))
    assert asked == []
    told = face.later(LOOK_SECONDS)
    assert asked == [None]
    if json:
        (event,) = events(told)
        assert [one["presence"] for one in event["devices"]] == ["reachable", "linked"]
    else:
        assert told == LISTED.replace("not seen here; joining tries its last addresses", "linked")


def test_it_waits_no_longer_than_until_all_are_found() -> None:
    face = Face(DevicesWish(), KNOWN)
    told = face.show(found(Presence.REACHABLE, Presence.LINKED))
    assert "  Now      reachable\n" in told
    assert "  Now      linked\n" in told
    only = Face(DevicesWish(device="laptop"), KNOWN)
    told = only.show(found(Presence.REACHABLE))
    assert told.startswith("Laptop (id k1)\n")
    assert "Ana" not in told


@each_row("reason", [Reason.NO_MULTICAST])
def test_it_says_why_nothing_can_be_found(reason: Reason) -> None:
    told = Face(DevicesWish(), KNOWN).show(replace(KNOWN, trouble=reason))
    assert "  Now      not looked for; joining tries its last addresses\n" in told
    assert told.endswith(SENTENCES[reason] + "\n")


def test_it_does_not_look_where_that_was_turned_off_or_is_of_no_use() -> None:
    off = Face(DevicesWish(), replace(KNOWN, discovery=False))
    assert "Known devices are not looked for by multicast" in off.begun
    assert off.posted == [ev.Shutdown()]
    nobody = Face(DevicesWish(), NOBODY)
    assert nobody.begun.startswith("This device knows no others yet.")
    assert nobody.posted == [ev.Shutdown()]
    nobody.show(st.Stopped())
    assert nobody.status == 0


CHANGES: list[tuple[DevicesWish, list[ev.Intent], str]] = [
    (
        DevicesWish(device="k1", rename="Desk"),
        [known_ev.RenameKnown(LAPTOP.id, "Desk")],
        "Laptop is called Desk here now.",
    ),
    (
        DevicesWish(device="laptop", let_in=True),
        [known_ev.SetLetIn(LAPTOP.id, True)],
        "Laptop is let in without a question from now on",
    ),
    (
        DevicesWish(device="k2", let_in=False),
        [known_ev.SetLetIn(PHONE.id, False)],
        "Whenever Ana's PC asks to join, somebody here is asked.",
    ),
    (
        DevicesWish(device="k1", files_to="/data"),
        [known_ev.SetFilesTo(LAPTOP.id, "/data")],
        "Files of Laptop are accepted without a question from now on, into /data",
    ),
    (
        DevicesWish(device="k2", files_to=""),
        [known_ev.SetFilesTo(PHONE.id, None)],
        "Whenever Ana's PC sends files, somebody here is asked.",
    ),
    (
        DevicesWish(device="k1", forget=True),
        [known_ev.ForgetDevice(LAPTOP.id)],
        "Laptop is forgotten here, and will be told so the next time",
    ),
    (DevicesWish(discovery=True), [known_ev.SetDiscovery(True)], "Known devices may find"),
    (
        DevicesWish(device="k1", discovery=False, rename="Desk", let_in=True),
        [
            known_ev.SetDiscovery(False),
            known_ev.RenameKnown(LAPTOP.id, "Desk"),
            known_ev.SetLetIn(LAPTOP.id, True),
        ],
        "Known devices are not looked for by multicast, and do not find this one by it "
        "(--discovery on changes that); their last addresses and codes work as ever.\n"
        "Laptop is called Desk here now.\nDesk is let in without a question from now on",
    ),
]


@each_row("wish, intents, told", CHANGES)
def test_each_change_is_made_before_it_is_told(
    wish: DevicesWish, intents: list[ev.Intent], told: str
) -> None:
    face = Face(wish, KNOWN)
    assert face.begun == ""
    assert face.posted == [*intents, ev.Shutdown()]
    named = LAPTOP if wish.rename is None else replace(LAPTOP, name=wish.rename)
    assert face.show(KnownList((named, PHONE), discovery=True)) == ""
    assert face.show(st.Stopped()).startswith(told)
    assert face.status == 0


def test_it_says_which_name_a_device_got() -> None:
    face = Face(DevicesWish(device="k1", rename="Desk"), KNOWN)
    taken = KnownList((replace(LAPTOP, name="Desk (2)"), PHONE), discovery=True)
    assert face.show(taken, st.Stopped()) == "Laptop is called Desk (2) here now.\n"


def test_a_change_that_was_not_saved_has_failed() -> None:
    # What was wrong before has nothing to do with it.
    before = st.Trouble(Problem(Reason.SETTINGS_BROKEN))
    face = Face(DevicesWish(device="k1", let_in=True), before, KNOWN)
    full = st.Trouble(Problem(Reason.KNOWN_UNWRITABLE, "No space left on device"))
    told = face.show(KNOWN, full, st.Stopped())
    # It does not last until this program ends, as that is now.
    assert told == tr("devices.notSaved", why="No space left on device") + "\n"
    assert "until" not in told
    assert face.status == 1
    well = Face(DevicesWish(device="k1", let_in=True), before, KNOWN, st.Stopped())
    assert well.status == 0


@each_row(
    "reason, key",
    [
        (Reason.KNOWN_UNREADABLE, None),
        (Reason.SETTINGS_UNWRITABLE, "devices.noSettings"),
        (Reason.SETTINGS_FOREIGN, "devices.noSettings"),
    ],
)
def test_where_nobody_can_say_what_is_known_nothing_is_listed(
    reason: Reason, key: str | None
) -> None:
    problem = Problem(reason, "/etc/known.json (Is a directory)")
    sentence = problem.sentence if key is None else tr(key, why=problem.detail)
    assert "/etc/known.json (Is a directory)" in sentence
    for wish in (DevicesWish(), DevicesWish(device="k1", forget=True), DevicesWish(discovery=True)):
        face = Face(wish, st.Trouble(problem), NOBODY)
        assert face.begun == f"{sentence}\n"
        assert face.posted == [ev.Shutdown()]
        assert face.show(st.Stopped()) == ""
        assert face.status == 1
    (event,) = events(Face(DevicesWish(), st.Trouble(problem), NOBODY, json=True).begun)
    assert event == {
        "event": "error",
        "code": reason,
        "message": sentence,
        "detail": problem.detail,
    }


def test_a_damaged_entry_is_told_before_the_list() -> None:
    problem = Problem(Reason.KNOWN_DAMAGED, "Desk (known.damaged.json)")
    face = Face(DevicesWish(), st.Trouble(problem), KNOWN)
    assert face.begun == f"{problem.sentence}\n"
    assert problem.sentence.endswith("again: Desk (known.damaged.json).")
    assert face.later(LOOK_SECONDS).startswith("Laptop")
    face.show(st.Stopped())
    assert face.status == 0


def test_a_network_side_that_fails_or_hangs_is_no_success() -> None:
    crashed = Face(DevicesWish(device="k1", let_in=True), st.Stopped())
    assert crashed.status == 1
    hanging = Face(DevicesWish(device="k1", let_in=True), KNOWN)
    hanging.later(60.0)
    assert hanging.status == 1
    assert Face(DevicesWish(), st.Stopped()).status == 1


@each_row("wish", [DevicesWish(device="Desk"), DevicesWish(device="Desk", forget=True)])
def test_a_device_that_nobody_knows(wish: DevicesWish) -> None:
    face = Face(wish, KNOWN)
    assert face.begun == SENTENCES[Reason.DEVICE_UNKNOWN] + "\n"
    assert face.posted == [ev.Shutdown()]
    assert face.show(st.Stopped()) == ""
    assert face.status == 2


# --- for scripts ----------------------------------------------------------------------------------


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_list_for_a_script_is_one_event() -> None:
    face = Face(DevicesWish(device="k1"), KNOWN, json=True)
    assert face.begun == ""
    face.show(found(Presence.AWAY))
    (event,) = events(face.later(LOOK_SECONDS))
    assert event["event"] == "known_devices"
    assert [one["device"] for one in event["devices"]] == ["k1"]
    assert event["devices"][0]["presence"] == "away"


def test_a_change_for_a_script_ends_with_the_new_list() -> None:
    face = Face(DevicesWish(device="k1", forget=True), KNOWN, json=True)
    (event,) = events(face.show(KnownList((PHONE,), discovery=True), st.Stopped()))
    assert [one["device"] for one in event["devices"]] == ["k2"]
    assert face.status == 0


def test_errors_for_a_script_are_events() -> None:
    twins = KnownList((LAPTOP, replace(LAPTOP, id=KnownID("k3"))), discovery=True)
    face = Face(DevicesWish(device="Laptop", forget=True), twins, json=True)
    (event,) = events(face.begun)
    assert (event["event"], event["code"]) == ("error", "device_several")
    assert event["detail"] == "Laptop (k1), Laptop (k3)"
    unknown = Face(DevicesWish(device="Desk"), NOBODY, json=True)
    (event,) = events(unknown.begun)
    assert event == {
        "event": "error",
        "code": "device_unknown",
        "message": SENTENCES[Reason.DEVICE_UNKNOWN],
    }


def test_nothing_that_is_typed_changes_anything() -> None:
    face = Face(DevicesWish(), KNOWN)
    face.face.line("forget k1")
    face.face.line_was_cut()
    face.face.end_of_input()
    assert face.posted == [known_ev.LookForDevices(True)]
    assert face.status is None
