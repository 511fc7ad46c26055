"""Which key of the host is meant: what is alike on all systems."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.control.key_meanings import (
    DONE_AT_GUEST,
    place_to_press,
    places_meant,
    presses_nothing,
)
from proxim.core.control.key_places import LINUX, MACOS

LOCKS = {"CapsLock", "NumLock"}
PLACES = st.sampled_from([*sorted({*LINUX.values(), *MACOS.values()}), "", "What"])
MEANINGS = (
    st.sampled_from(["Shift", "Control", "Alt", "Meta", "Enter", "Unidentified", *DONE_AT_GUEST])
    | PLACES
    | st.text(max_size=3)
)


@pytest.mark.parametrize(
    ("code", "key", "places"),
    [
        ("Escape", "Escape", ("Escape", "Escape")),
        # Of several keys with this meaning it is the one at the place.
        ("ControlRight", "Control", ("ControlRight",)),
        ("NumpadEnter", "Enter", ("NumpadEnter",)),
        # What it means comes first, also on the numeric pad, whatever NumLock says here.
        ("Numpad4", "ArrowLeft", ("ArrowLeft", "Numpad4")),
        ("ControlLeft", "Alt", ("AltLeft",)),
        # A soft keyboard's keys have no place, and some keys no known meaning.
        ("", "Control", ("ControlLeft",)),
        ("", "Escape", ("Escape",)),
        ("KeyA", "Unidentified", ("Unidentified", "KeyA")),
        ("KeyA", "", ("KeyA",)),
        ("", "", ()),
        # A lock's key with another meaning is that, and never the lock.
        ("CapsLock", "Escape", ("Escape",)),
        ("CapsLock", "Control", ("ControlLeft",)),
        ("NumLock", "Clear", ("Clear",)),
        ("CapsLock", "Unidentified", ("Unidentified",)),
        ("CapsLock", "", ()),
        # A key that became a lock is one at the guest.
        ("Escape", "CapsLock", ()),
        ("ControlLeft", "CapsLock", ()),
        ("CapsLock", "CapsLock", ()),
        ("NumLock", "NumLock", ()),
        ("Quote", "Dead", ()),
        ("AltRight", "GroupNext", ()),
        ("ScrollLock", "ScrollLock", ("ScrollLock", "ScrollLock")),
    ],
)
def test_what_is_meant(code: str, key: str, places: tuple[str, ...]) -> None:
    assert places_meant(code, key) == places


@given(PLACES, MEANINGS)
def test_no_lock_is_ever_meant(code: str, key: str) -> None:
    places = places_meant(code, key)
    assert LOCKS.isdisjoint({*places, place_to_press(code)})
    assert "" not in places
    if presses_nothing(key):
        assert places == ()


@given(PLACES)
def test_every_other_place_is_pressed(code: str) -> None:
    assert place_to_press(code) == ("" if code in LOCKS else code)


def test_what_locks_is_done_at_the_guest() -> None:
    assert LOCKS < DONE_AT_GUEST
