"""Which known device a person means by a name or an id."""

import pytest

from proxim.core.errors import Problem, ProximError, Reason
from proxim.core.known.choosing import chosen_device
from proxim.core.known.status import KnownEntry, Presence
from proxim.core.pairing.devices import KnownID, Verified
from tests.rows import each_row


def entry(identity: str, name: str) -> KnownEntry:
    return KnownEntry(KnownID(identity), name, Verified.CODE, 0.0, 0.0, Presence.AWAY, False, None)


DEVICES = (
    entry("k1", "Laptop"),
    entry("k2", "Living room"),
    entry("k3", "laptop"),
    # A name may be spelled like another device's id.
    entry("k4", "k2"),
    entry("k5", "Größe"),
)


@each_row(
    "typed, identity",
    [
        ("k1", "k1"),
        (" k3 ", "k3"),
        ("k2", "k2"),
        ("living  ROOM", "k2"),
        ("GRO\u0308SSE", "k5"),
    ],
)
def test_an_id_or_the_only_device_of_a_name(typed: str, identity: str) -> None:
    assert chosen_device(DEVICES, typed).id == identity


@each_row("typed", ["", "Lap", "K1", "k", "Living"])
def test_what_is_no_device_is_none(typed: str) -> None:
    with pytest.raises(ProximError) as failed:
        chosen_device(DEVICES, typed)
    assert failed.value.problem == Problem(Reason.DEVICE_UNKNOWN)


def test_a_name_of_two_devices_names_both() -> None:
    with pytest.raises(ProximError) as failed:
        chosen_device(DEVICES, "LAPTOP")
    assert failed.value.problem == Problem(Reason.DEVICE_SEVERAL, "Laptop (k1), laptop (k3)")
    assert failed.value.problem.sentence.endswith("instead: Laptop (k1), laptop (k3).")
