"""Tests of what is handed over: what is said on the local socket, and which device gets it."""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.events import SendPaths
from proxim.core.files.manifest import MAX_ENTRIES
from proxim.core.handover import (
    MAX_ANSWER_BYTES,
    MAX_NAME_CHARACTERS,
    MAX_NAMED,
    MAX_PARCELS,
    MAX_PATH_CHARACTERS,
    MAX_REQUEST_BYTES,
    Handed,
    Handover,
    HandoverAnswer,
    HandoverError,
    HandoverRequest,
    Parcel,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from proxim.core.known.events import JoinKnown
from proxim.core.known.status import KnownEntry, KnownList, Presence
from proxim.core.pairing.devices import KnownID, Verified
from tests.rows import each_row

# --- what is said ---------------------------------------------------------------------------------


@each_row(
    "request_",
    [
        HandoverRequest(),
        HandoverRequest((os.path.abspath("a b"), os.path.abspath("ü%\n\"'")), "Büro"),
        HandoverRequest((os.path.abspath("\udcff"),)),
        HandoverRequest(asks_linked=True),
    ],
    ids=["nothing", "odd", "no UTF-8", "a question"],
)
def test_a_request_arrives_as_it_was(request_: HandoverRequest) -> None:
    line = write_request(request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert read_request(line) == request_


def said(**values: object) -> bytes:
    return json.dumps({"v": 1, "paths": [], "to": None} | values).encode()


@each_row(
    "line",
    [
        b"",
        b"\xff\n",
        b"[]",
        b"[" * 100_000,
        said(v=2),
        said(paths=None),
        said(paths=["a"]),
        said(paths=["/a\0"]),
        said(paths=[7]),
        said(paths=["/" + "a" * MAX_PATH_CHARACTERS]),
        said(paths=["/a"] * (MAX_ENTRIES + 1)),
        said(to=7),
        said(to=""),
        said(to="a" * (MAX_NAME_CHARACTERS + 1)),
        said() + b" " * MAX_REQUEST_BYTES,
    ],
    ids=[*"abcdefghijklmno"],
)
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(HandoverError):
        read_request(line)


@given(some.binary(max_size=200) | some.text(max_size=200).map(lambda text: text.encode()))
def test_whatever_is_said_is_read_or_refused(line: bytes) -> None:
    for read in (read_request, read_answer):
        try:
            read(line)
        except HandoverError:
            continue


@each_row(
    "answer",
    [
        HandoverAnswer(Handed.SENDING, "Laptop"),
        HandoverAnswer(Handed.PATH_GONE, number=3),
        HandoverAnswer(Handed.LINKED),
        HandoverAnswer(Handed.LINKED, devices=frozenset({KnownID("k1"), KnownID("k2")})),
    ],
)
def test_an_answer_arrives_as_it_was(answer: HandoverAnswer) -> None:
    assert read_answer(write_answer(answer)) == answer


def test_a_name_in_an_answer_cannot_drive_a_terminal() -> None:
    line = write_answer(HandoverAnswer(Handed.SENDING, "\x1b[31mred"))
    assert read_answer(line).name == "[31mred"


@each_row(
    "line",
    [
        b"{}",
        b'{"outcome":"nonsense"}',
        b'{"outcome":["sending"]}',
        b'{"outcome":"sending","name":7}',
        b'{"outcome":"sending","number":true}',
        b'{"outcome":"linked","devices":"k1"}',
        b'{"outcome":"linked","devices":[7]}',
        b'{"outcome":"sending"}' + b" " * MAX_ANSWER_BYTES,
    ],
    ids=[*"abcdefgh"],
)
def test_what_is_no_answer_is_refused(line: bytes) -> None:
    with pytest.raises(HandoverError):
        read_answer(line)


def test_an_answer_with_many_devices_can_be_read() -> None:
    many = frozenset(KnownID(f"id-{number:05}") for number in range(1000))
    answer = read_answer(write_answer(HandoverAnswer(Handed.LINKED, devices=many)))
    assert len(answer.devices) == MAX_NAMED
    assert answer.devices < many


def test_a_program_of_before_does_not_take_the_question_for_a_wish() -> None:
    assert "paths" not in json.loads(write_request(HandoverRequest(asks_linked=True)))


# --- who gets them --------------------------------------------------------------------------------

PATHS = ("/a", "/b")
K1 = KnownID("k1")


class Desk:
    """A Handover, and what it posted."""

    def __init__(self) -> None:
        self.posted: list[ev.Intent] = []
        self.handover = Handover(self.posted.append)

    def hand(self, to: str | None = None, paths: tuple[str, ...] = PATHS) -> HandoverAnswer:
        return self.handover.hand(HandoverRequest(paths, to))

    def took(self) -> list[ev.Intent]:
        taken, self.posted[:] = [*self.posted], []
        return taken

    @property
    def waiting(self) -> list[Parcel]:
        return self.handover.parcels


def link(number: int = 1, name: str | None = "Laptop", **values: object) -> st.LinkStatus:
    status = st.LinkStatus(
        ev.LinkID(f"host-{number}"),
        "s",
        st.Stage.CONNECTED,
        peer_name=name,
        features=(st.TEXT, st.FILES),
    )
    return replace(status, **values)  # type: ignore[arg-type]


def sent(number: int = 1, paths: tuple[str, ...] = PATHS) -> SendPaths:
    return SendPaths(ev.LinkID(f"host-{number}"), paths)


def known(*names: str, first: int = 1) -> KnownList:
    return KnownList(
        tuple(
            KnownEntry(
                *(KnownID(f"k{number}"), name, Verified.CODE, 0.0, 0.0, Presence.UNKNOWN),
                let_in=False,
                files_to=None,
            )
            for number, name in enumerate(names, first)
        ),
        discovery=True,
    )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_without_files_the_window_is_only_raised(desk: Desk) -> None:
    assert desk.hand(paths=()) == HandoverAnswer(Handed.RAISED)
    assert desk.waiting == []


def test_who_asks_hears_which_known_devices_are_linked_and_does_nothing(desk: Desk) -> None:
    question = HandoverRequest(asks_linked=True)
    assert desk.handover.hand(question) == HandoverAnswer(Handed.LINKED)
    laptop, desktop = known("Laptop", "Desktop").devices
    linked = replace(laptop, presence=Presence.LINKED, link=ev.LinkID("host-1"))
    desk.handover.note(KnownList((linked, desktop), discovery=True))
    assert desk.handover.hand(question) == HandoverAnswer(Handed.LINKED, devices=frozenset({K1}))
    assert desk.took() == []
    assert desk.waiting == []


def test_the_only_linked_device_gets_them(desk: Desk) -> None:
    assert desk.handover.note(link())
    assert desk.hand() == HandoverAnswer(Handed.SENDING, "Laptop")
    assert desk.took() == [sent()]


def test_of_several_linked_devices_the_person_chooses(desk: Desk) -> None:
    for number, name in ((1, "Laptop"), (2, "Phone")):
        desk.handover.note(link(number, name))
    assert desk.hand() == HandoverAnswer(Handed.ASKING)
    assert desk.took() == []
    assert [one.peer_name for one in desk.handover.choices] == ["Laptop", "Phone"]
    desk.handover.choose([ev.LinkID("host-2"), ev.LinkID("host-1")])
    assert desk.took() == [sent(2), sent(1)]
    assert desk.handover.waiting is None
    desk.handover.choose([ev.LinkID("host-1")])
    assert desk.took() == []


def test_what_is_discarded_goes_to_nobody(desk: Desk) -> None:
    desk.hand()
    desk.handover.discard()
    desk.handover.note(link())
    assert desk.took() == []


def test_what_waits_goes_to_the_next_device(desk: Desk) -> None:
    assert desk.hand() == HandoverAnswer(Handed.KEPT)
    assert desk.hand(paths=("/c",)) == HandoverAnswer(Handed.KEPT)
    assert desk.handover.waiting == Parcel(("/a", "/b", "/c"))
    # Its greeting says later that it takes files.
    assert not desk.handover.note(link(features=()))
    assert desk.took() == []
    assert desk.handover.note(link())
    assert desk.took() == [sent(paths=("/a", "/b", "/c"))]
    assert desk.waiting == []
    assert not desk.handover.note(link())


def test_a_device_that_was_let_in_by_itself_is_not_the_next_one(desk: Desk) -> None:
    desk.hand()
    desk.handover.note(link(let_in=True))
    assert desk.took() == []
    assert len(desk.waiting) == 1
    # Nor is one that comes beside it: now there is a choice.
    desk.handover.note(link(2, "Phone"))
    assert desk.took() == []
    assert len(desk.handover.choices) == 2


def test_a_name_chooses_among_linked_devices(desk: Desk) -> None:
    desk.handover.note(link(1, "Laptop"))
    desk.handover.note(link(2, None))
    desk.handover.note(link(3, "Phone"))
    assert desk.hand("phone") == HandoverAnswer(Handed.SENDING, "Phone")
    assert desk.took() == [sent(3)]


def test_two_devices_of_one_name_are_a_choice(desk: Desk) -> None:
    for number in (1, 2):
        desk.handover.note(link(number))
    assert desk.hand("Laptop") == HandoverAnswer(Handed.ASKING)
    assert desk.took() == []


def test_a_named_link_that_is_being_made_or_resumed_gets_them(desk: Desk) -> None:
    desk.handover.note(link(stage=st.Stage.WAITING))
    assert desk.hand("Laptop") == HandoverAnswer(Handed.KEPT, "Laptop")
    desk.hand()
    desk.handover.note(link(2, resumes=ev.LinkID("host-1")))
    assert desk.took() == [sent(2), sent(2)]
    assert desk.waiting == []


def test_a_named_link_that_has_ended_leaves_them_to_the_person(desk: Desk) -> None:
    desk.handover.note(link(stage=st.Stage.CONNECTING))
    desk.hand("Laptop")
    desk.hand()
    desk.handover.note(link(stage=st.Stage.CLOSED))
    assert [one.link for one in desk.waiting] == [None, None]
    # Anybody can call themselves so.
    desk.handover.discard()
    desk.handover.note(link(2, "Other", let_in=True))
    assert desk.took() == []


def test_a_known_device_is_joined_first(desk: Desk) -> None:
    desk.handover.note(known("Laptop", "NAS"))
    assert desk.hand("nas") == HandoverAnswer(Handed.JOINING, "NAS")
    assert desk.took() == [JoinKnown(KnownID("k2"))]
    # A stranger of that name gets nothing.
    desk.handover.note(link(1, "NAS"))
    assert desk.took() == []
    desk.handover.note(link(2, "NAS", known=KnownID("k2"), as_guest=True))
    assert desk.took() == [sent(2)]


def test_a_known_device_that_is_linked_is_meant_by_its_name_here(desk: Desk) -> None:
    """Its link was opened by a code, on which it calls itself otherwise."""
    (kitchen,) = known("Kitchen").devices
    desk.handover.note(link())
    desk.handover.note(KnownList((replace(kitchen, link=ev.LinkID("host-1")),), discovery=True))
    assert desk.hand("kitchen") == HandoverAnswer(Handed.SENDING, "Laptop")
    assert desk.took() == [sent()]


def test_one_that_is_being_joined_is_not_joined_again(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.handover.note(link(1, "NAS", known=K1, as_guest=True, stage=st.Stage.DIALING))
    assert desk.hand("NAS") == HandoverAnswer(Handed.KEPT, "NAS")
    assert desk.took() == []


def test_who_calls_itself_as_a_known_device_does_not_get_its_files(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.handover.note(link(1, "NAS"))
    assert desk.hand("NAS") == HandoverAnswer(Handed.ASKING)
    assert desk.took() == []
    # The person sees who it is.
    desk.handover.choose([ev.LinkID("host-1")])
    assert desk.took() == [sent()]
    # A link that is lost is no choice.
    desk.handover.note(link(1, "NAS", stage=st.Stage.WAITING))
    assert desk.hand("NAS") == HandoverAnswer(Handed.JOINING, "NAS")
    assert desk.took() == [JoinKnown(K1)]
    desk.handover.discard()
    # Both are here: that is a choice, too.
    desk.handover.note(link(2, "NAS", known=K1))
    assert desk.hand("NAS") == HandoverAnswer(Handed.ASKING)
    assert desk.took() == []


def test_a_name_that_nobody_has(desk: Desk) -> None:
    desk.handover.note(known("Laptop"))
    assert desk.hand("NAS") == HandoverAnswer(Handed.NO_DEVICE)
    assert desk.waiting == []


def test_a_name_that_several_known_devices_have(desk: Desk) -> None:
    desk.handover.note(known("NAS", "nas"))
    assert desk.hand("NAS") == HandoverAnswer(Handed.SEVERAL)


def test_a_name_is_looked_up_when_the_list_has_come(desk: Desk) -> None:
    assert desk.hand("NAS") == HandoverAnswer(Handed.KEPT, "NAS")
    desk.hand("Nobody")
    desk.hand()
    assert desk.handover.note(known("NAS"))
    assert desk.took() == [JoinKnown(K1)]
    assert [(one.to, one.known) for one in desk.waiting] == [
        ("NAS", K1),
        ("Nobody", None),
        (None, None),
    ]
    # Later lists dial nobody: the person has gone on to other things.
    assert desk.handover.note(known("NAS", "Nobody"))
    assert desk.took() == []
    assert [one.known for one in desk.waiting] == [K1, KnownID("k2"), None]


def test_a_device_that_was_forgotten_and_remembered_anew_gets_what_waited(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.hand("nas")
    assert desk.took() == [JoinKnown(K1)]
    assert desk.handover.note(known())
    assert desk.waiting == [Parcel(PATHS, "nas")]
    # Whoever calls itself so is not the device, but the person can choose it.
    desk.handover.note(link(1, "NAS"))
    assert desk.took() == []
    assert [one.peer_name for one in desk.handover.choices] == ["NAS"]
    # It becomes known on that link, which shows its name from before.
    (anew,) = known("NAS", first=2).devices
    assert desk.handover.note(KnownList((replace(anew, link=ev.LinkID("host-1")),), discovery=True))
    assert desk.took() == [sent()]
    assert desk.waiting == []


def test_one_that_is_known_anew_gets_it_when_it_is_linked(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.hand("NAS")
    desk.took()
    # Both changes may come in one list, from another program.
    assert desk.handover.note(known("NAS", first=2))
    assert desk.waiting == [Parcel(PATHS, "NAS", known=KnownID("k2"))]
    desk.handover.note(link(1, "Laptop"))
    assert desk.took() == []
    # The link on which it became known is about to tell that it takes files.
    (anew,) = known("NAS", first=2).devices
    listed = KnownList((replace(anew, link=ev.LinkID("host-2")),), discovery=True)
    desk.handover.note(listed)
    desk.handover.note(link(2, "Box"))
    assert desk.took() == [sent(2)]


def test_a_name_that_is_new_in_the_list_counts_if_one_device_has_it(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.hand("NAS")
    desk.handover.note(known("Box", "nas", "NAS", first=4))
    assert [one.known for one in desk.waiting] == [None]
    # What was asked about stays a question: nothing about these devices is new.
    desk.handover.note(known("Box", "nas", first=4))
    assert [one.known for one in desk.waiting] == [None]
    desk.handover.note(known("NAS", "nas box", first=4))
    assert [one.known for one in desk.waiting] == [KnownID("k4")]


def test_a_link_that_is_waited_for_stays_when_its_device_is_forgotten(desk: Desk) -> None:
    desk.handover.note(known("NAS"))
    desk.handover.note(link(1, "NAS", known=K1, stage=st.Stage.CONNECTING))
    desk.hand("NAS")
    desk.handover.note(known())
    assert desk.waiting == [Parcel(PATHS, "NAS", ev.LinkID("host-1"))]
    desk.handover.note(link(1, "NAS", known=K1))
    assert desk.took() == [sent()]


def test_not_everything_waits(desk: Desk) -> None:
    for _ in range(MAX_PARCELS):
        desk.hand("NAS")
    assert desk.hand("NAS") == HandoverAnswer(Handed.FULL)
    assert len(desk.waiting) == MAX_PARCELS


def test_the_end_of_the_network_side_ends_all(desk: Desk) -> None:
    desk.handover.note(link())
    desk.handover.note(link(2))
    desk.hand()
    assert desk.handover.note(st.Stopped())
    assert (desk.waiting, desk.handover.choices) == ([], ())
    assert not desk.handover.note(st.NoInvitation(None))
