"""The places of keys: one number for each, and the same names on all systems."""

from proxim.core.control.key_places import LINUX, MACOS, X11_OFFSET


def test_each_place_has_one_number() -> None:
    for table in (LINUX, MACOS):
        assert len({*table.values()}) == len(table)


def test_the_systems_know_the_same_places() -> None:
    assert {*MACOS.values()} - {*LINUX.values()} == set()
    # Apple's keyboards have no such key.
    assert {*LINUX.values()} - {*MACOS.values()} == {"KanaMode"}


def test_some_keys_are_where_the_systems_say() -> None:
    assert (LINUX[30], MACOS[0], LINUX[28], MACOS[36]) == ("KeyA", "KeyA", "Enter", "Enter")
    # xev says that the key A has the keycode 38.
    assert LINUX[38 - X11_OFFSET] == "KeyA"
