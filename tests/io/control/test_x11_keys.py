"""The names of keys, against what the system's own tools say."""

import ctypes
import ctypes.util
import re
import shutil
import subprocess

import pytest

from proxim.io.control.x11_keys import KEYCODES, NAMED_KEYS, character_of, keysym_of

# What XKB calls the places (xkeyboard-config, keycodes/evdev), for those that it names plainly.
XKB = {
    "ESC": "Escape",
    "AE01": "Digit1",
    "AE10": "Digit0",
    "AD01": "KeyQ",
    "AC01": "KeyA",
    "AB01": "KeyZ",
    "LSGT": "IntlBackslash",
    "SPCE": "Space",
    "FK01": "F1",
    "FK12": "F12",
    "KP5": "Numpad5",
    "KPEN": "NumpadEnter",
    "RALT": "AltRight",
    "UP": "ArrowUp",
    "DELE": "Delete",
    "COMP": "ContextMenu",
    "LWIN": "MetaLeft",
}


def test_places_have_the_keycodes_of_the_server(plain_screen: str) -> None:
    tool = shutil.which("xkbcomp")
    if tool is None:
        pytest.skip("xkbcomp (Debian: x11-xkb-utils) shows the server's keycodes")
    shown = subprocess.run(
        [tool, "-w0", plain_screen, "-"], capture_output=True, text=True, check=True
    ).stdout
    codes = {name: int(code) for name, code in re.findall(r"<(\w+)> = (\d+);", shown)}
    assert {name: codes[name] for name in XKB} == {
        name: KEYCODES[place] for name, place in XKB.items()
    }


def test_no_two_places_are_one() -> None:
    assert len({*KEYCODES.values()}) == len(KEYCODES)


@pytest.mark.parametrize(
    ("character", "keysym"),
    [
        ("a", 0x61),
        ("A", 0x41),
        ("ü", 0xFC),
        ("€", 0x010020AC),
        ("я", 0x0100044F),
        ("😀", 0x0101F600),
        ("\n", 0xFF0D),
        ("\t", 0xFF09),
    ],
)
def test_characters_have_the_keysyms_of_x11(character: str, keysym: int) -> None:
    assert keysym_of(character) == keysym


def test_older_keysyms_are_the_characters_that_others_take_them_for() -> None:
    name = ctypes.util.find_library("xkbcommon")
    if name is None:
        pytest.skip("libxkbcommon knows the same")
    library = ctypes.CDLL(name)
    known = 0
    for keysym in (*range(0x20, 0x2100), 0x01000100, 0x0101F600):
        point = library.xkb_keysym_to_utf32(keysym)
        ours = character_of(keysym)
        # Codes that no keysym has may be characters of the older set.
        if ours is not None and point:
            assert ours == chr(point), hex(keysym)
            known += 1
    assert known > 700
    for keysym in NAMED_KEYS["Enter"]:
        assert character_of(keysym) is None
