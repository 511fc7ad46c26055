"""The names of keys, against what the system's own tools say."""

import re
import shutil
import subprocess

import pytest

from proxim.io.screen.x11_keys import KEYCODES, keysym_of

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
