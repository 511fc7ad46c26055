"""The list of known devices, and what people change in it."""

from dataclasses import replace

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.json_text import MessageError
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known import keys
from proxim.core.known.devices import Endpoint, ForgottenDevice, KnownFile
from proxim.core.known.feature import MAX_HERE, MAX_KEPT, KnownDevices
from proxim.core.known.finding import Surroundings
from proxim.core.known.registry import MAX_ENDPOINTS, MAX_FORGOTTEN, Registry
from proxim.core.known.status import KnownList, Presence
from proxim.core.pairing.devices import KnownID, Verified
from tests.core.handed_in import ETHERNET, IPV6, WALL_TIME, counting_bytes, known_devices
from tests.core.known.test_finding import device, side
from tests.core.known.two_devices import NOW, Two


def registry(file: KnownFile | None = None) -> Registry:
    one = Registry("own", counting_bytes(), lambda: WALL_TIME)
    if file is not None:
        one.load(file)
    return one


def trouble(reason: Reason) -> do.Publish:
    return do.Publish(st.Trouble(Problem(reason)))


# --- the file -------------------------------------------------------------------------------------


def test_nothing_is_told_or_stored_before_the_file_was_read() -> None:
    known: KnownDevices = known_devices()
    assert known.handle(known_ev.LookForDevices(looking=True), NOW) == []
    assert known.refresh(Surroundings()) == []
    assert known.handle(known_ev.KnownLoaded(KnownFile((device(1),))), NOW) == []
    told = known.refresh(Surroundings())
    assert told[0] == known_do.LookForServices()
    assert isinstance(told[1], do.Publish)
    assert isinstance(told[1].status, KnownList)


def test_what_became_known_before_the_file_was_read_is_added() -> None:
    one = registry()
    new, commands = one.add_pending(b"k" * 32, "uuid", "Laptop", Verified.CODE)
    assert commands == []
    assert one.keep(new) == []
    assert one.load(KnownFile((device(1),))) == [known_do.SaveKnown(one.file)]
    assert [each.id for each in one.file.devices] == [device(1).id, new]


def test_what_another_program_has_changed_is_taken_over_as_it_is() -> None:
    one = registry(KnownFile((device(1), device(2))))
    assert one.load(KnownFile((device(2, name="NAS"),), discovery=False)) == []
    assert one.file == KnownFile((device(2, name="NAS"),), discovery=False)
    shown = side(device(1), device(2))
    shown.handle(known_ev.KnownLoaded(KnownFile((device(2, name="NAS"),), discovery=False)))
    assert [each.name for each in shown.shown.devices] == ["NAS"]
    assert not shown.shown.discovery
    assert shown.announced is None


def test_the_list_is_in_the_order_of_names_and_comes_again_when_it_changes() -> None:
    one = side(device(2, name="beta"), device(1, name="Alpha"), device(3, pending=True))
    assert [each.name for each in one.shown.devices] == ["Alpha", "beta"]
    assert one.take([]) == []
    assert one.handle(known_ev.SetLetIn(KnownID("id-1"), False)) == []


# --- what people change ---------------------------------------------------------------------------


def test_a_device_gets_another_name_that_no_other_has() -> None:
    one = side(device(1, name="Laptop"), device(2, name="PC"))
    one.handle(known_ev.RenameKnown(KnownID("id-2"), "  Laptop "))
    assert [each.name for each in one.shown.devices] == ["Laptop", "Laptop (2)"]
    one.handle(known_ev.RenameKnown(KnownID("id-2"), "Laptop"))
    assert [each.name for each in one.shown.devices] == ["Laptop", "Laptop (2)"]
    one.handle(known_ev.RenameKnown(KnownID("id-2"), "Anna\u202e\n PC\u200f"))
    assert [each.name for each in one.shown.devices] == ["Anna PC", "Laptop"]
    wrong = known_ev.RenameKnown(KnownID("id-2"), " \u200b")
    assert one.handle(wrong) == [trouble(Reason.NAME_UNUSABLE)]


def test_both_yeses_are_off_until_somebody_turns_them_on() -> None:
    two = Two().remember()
    (entry,) = two.host.shown.devices
    assert (entry.let_in, entry.files_to) == (False, None)
    two.host.handle(known_ev.SetLetIn(entry.id, True))
    two.host.handle(known_ev.SetFilesTo(entry.id, "/inbox"))
    (entry,) = two.host.shown.devices
    assert (entry.let_in, entry.files_to) == (True, "/inbox")
    assert two.host.known.files_to(two.host.link.id) == "/inbox"
    assert two.host.known.files_to(ev.LinkID("another")) is None
    two.host.handle(known_ev.SetFilesTo(entry.id, None))
    assert two.host.known.files_to(two.host.link.id) is None


@pytest.mark.parametrize(
    "event",
    [
        known_ev.RenameKnown(KnownID("x"), "Name"),
        known_ev.SetLetIn(KnownID("x"), True),
        known_ev.SetFilesTo(KnownID("x"), "/"),
        known_ev.ForgetDevice(KnownID("x")),
        # Nobody sees this one so far.
        known_ev.ForgetDevice(KnownID("id-3")),
    ],
)
def test_a_device_that_is_not_known_cannot_be_changed(event: known_ev.KnownIntent) -> None:
    one = side(device(1), device(3, pending=True))
    assert one.handle(event) == [trouble(Reason.DEVICE_UNKNOWN)]
    assert one.known.places(event.device) == () or event.device == KnownID("id-3")


def test_what_is_kept_of_a_forgotten_device_proves_nothing() -> None:
    one = side(device(1))
    one.handle(known_ev.ForgetDevice(KnownID("id-1")))
    (tombstone,) = one.file.forgotten
    key = device(1).key
    assert tombstone == ForgottenDevice(
        keys.name_key(key, "uuid-1"), keys.tombstone_key(key, "own"), WALL_TIME
    )
    assert key not in (tombstone.name_key, tombstone.tombstone_key)
    assert keys.proof_secret(key, "uuid-1", "own") not in (
        tombstone.name_key,
        tombstone.tombstone_key,
    )


def test_only_the_newest_tombstones_are_kept() -> None:
    old = tuple(ForgottenDevice(b"n", b"t", float(number)) for number in range(MAX_FORGOTTEN))
    one = registry(KnownFile((device(1),), old))
    one.forget(device(1))
    assert len(one.file.forgotten) == MAX_FORGOTTEN
    assert one.file.forgotten[0].since == 1.0
    assert one.file.forgotten[-1].since == WALL_TIME


# --- once more ------------------------------------------------------------------------------------


def test_the_same_installation_once_more_replaces_and_inherits_its_name_alone() -> None:
    """Its id can be copied: whoever claims it gets nothing of what it may, and its name only after
    the person has read, beside the digits, whose place it takes.
    """
    two = Two().remember()
    first = two.host.only
    two.host.handle(known_ev.RenameKnown(first, "My own laptop"))
    two.host.handle(known_ev.SetLetIn(first, True))
    two.host.handle(known_ev.SetFilesTo(first, "/inbox"))
    old_key = two.host.devices[0].key
    two.compare()
    assert two.host.told.known_as == "My own laptop"
    # At the other end it has the name that it gave itself.
    assert two.guest.told.known_as == two.guest.devices[0].name
    two.host.answer()
    assert two.host.told.known_as == "My own laptop"
    two.guest.answer()
    two.settle()
    assert two.host.told.known_as is None
    (now,) = two.host.shown.devices
    assert now.id != first
    assert (now.name, now.let_in, now.files_to) == ("My own laptop", False, None)
    assert two.host.devices[0].key == two.guest.devices[0].key != old_key
    assert len(two.host.file.forgotten) == 1


def test_until_the_new_key_is_stored_at_both_ends_the_old_one_counts() -> None:
    two = Two().remember()
    first = two.host.only
    two.compare()
    two.guest.answer()
    two.settle()
    two.host.answer()
    two.host.down()
    assert two.host.only == first
    assert sorted(one.pending for one in two.host.devices) == [False, True]


def test_of_two_devices_of_one_name_the_second_gets_a_number() -> None:
    one = registry(KnownFile((device(1, name="Laptop"), device(2, name="Laptop (2)"))))
    new, _ = one.add_pending(b"k" * 32, "another", "Laptop", Verified.QR)
    one.keep(new)
    kept = one.get(new)
    assert kept is not None
    assert kept.name == "Laptop (3)"
    assert one.keep(new) == []
    assert one.keep(KnownID("nobody")) == []


# --- where they met -------------------------------------------------------------------------------


def test_both_say_where_they_can_be_joined() -> None:
    two = Two()
    two.guest.listening = ("192.168.1.9", 47802)
    two.guest.take([])
    two.remember()
    assert two.host.devices[0].endpoints == (Endpoint("192.168.1.9", 47802, "192.168.1.0/24"),)
    assert two.guest.devices[0].endpoints == (Endpoint("192.168.1.5", 47800, "192.168.1.0/24"),)
    two.host.wall_time = two.guest.wall_time = WALL_TIME + 5
    two.meet_again()
    assert two.host.devices[0].last_seen == WALL_TIME + 5
    assert two.host.shown.devices[0].presence is Presence.LINKED
    assert two.host.shown.devices[0].link == two.host.link.id


def test_an_ipv6_address_is_kept_with_its_zone() -> None:
    two = Two()
    two.guest.networks = (IPV6,)
    two.guest.link.status = replace(two.guest.link.status, peer_address="[fe80::1%25eth0]:47805")
    two.guest.take([])
    two.remember()
    assert two.guest.devices[0].endpoints == (Endpoint("fe80::1%eth0", 47805, "fe80::/64"),)


def test_the_newest_places_are_kept() -> None:
    one = registry(KnownFile((device(1),)))
    for number in (*range(1, 7), 5):
        known = one.get(KnownID("id-1"))
        assert known is not None
        one.reached(known, Endpoint(f"192.168.1.{number}", 47800, "192.168.1.0/24"))
    known = one.get(KnownID("id-1"))
    assert known is not None
    assert [each.address for each in known.endpoints] == [
        f"192.168.1.{number}" for number in (5, 6, 4, 3)
    ]
    assert len(known.endpoints) == MAX_ENDPOINTS


def test_where_a_stranger_listens_is_not_kept_and_not_heard_for_ever() -> None:
    two = Two()
    here = '{"type": "known_here", "port": 47800}'
    for _ in range(MAX_HERE):
        assert two.host.hear(here) == []
    with pytest.raises(MessageError):
        two.host.hear(here)
    assert two.host.devices == ()


def test_a_resumed_link_goes_on_with_the_device_that_became_known_on_it() -> None:
    two = Two().remember()
    only = two.host.only
    two.host.down()
    assert two.host.shown.devices[0].presence is Presence.UNKNOWN
    link = replace(two.host.link.status, link=ev.LinkID("host-2"), resumes=two.host.link.id)
    two.host.link.status = link
    two.host.up()
    assert two.host.shown.devices[0].link == ev.LinkID("host-2")
    assert two.host.known.sessions_of(frozenset({only})) == {("session", "")}
    two.host.down()
    assert two.host.known.sessions_of(frozenset({only})) == {("session", "")}
    assert two.host.known.sessions_of(frozenset({KnownID("another")})) == frozenset()


def test_of_links_that_were_lost_the_newest_are_kept() -> None:
    two = Two().remember()
    only = two.host.only
    for number in range(MAX_KEPT + 3):
        two.host.down()
        two.host.link.status = replace(
            two.host.link.status,
            link=ev.LinkID(f"host-{number + 2}"),
            session_id=f"session {number}",
            known=only,
        )
        two.host.up()
    two.host.down()
    assert len(two.host.known.sessions_of(frozenset({only}))) == MAX_KEPT


def test_a_link_of_a_device_that_was_forgotten_meanwhile_is_a_link_like_others() -> None:
    two = Two().remember()
    only = two.host.only
    two.host.handle(known_ev.ForgetDevice(only))
    two.host.down()
    two.host.link.status = replace(
        two.host.link.status, link=ev.LinkID("host-2"), verified=Verified.KNOWN, known=only
    )
    two.host.up()
    assert two.host.shown.devices == ()
    assert two.host.known.files_to(two.host.link.id) is None
    assert two.host.networks == (ETHERNET,)
