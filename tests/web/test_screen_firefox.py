"""The other screen in Firefox: pictures, mouse and keys, with a scripted host."""

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from proxim.io.pairing.page import languages
from tests.web.browser import hosting, origin_of
from tests.web.firefox import Firefox
from tests.web.screen_host import SHARE, ScreenHost, desktop
from tests.web.test_screen import CANVAS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS = languages({"pageScreen": "page"})["en"]["page"]


def presses(firefox: Firefox, *actions: dict[str, object], source: str) -> None:
    """Let a mouse or a keyboard do this."""
    one: dict[str, object] = {"type": source, "id": source, "actions": list(actions)}
    firefox.command("input.performActions", {"context": firefox.tab, "actions": [one]})


def test_firefox_sees_and_controls(firefox: Firefox, own_address: str, tmp_path: Path) -> None:
    image = desktop()
    with hosting(own_address, tmp_path / "home") as (_, session):
        firefox.goto(origin_of(session["url"]))
        firefox.wait("!document.querySelector('#main').inert")
        host = ScreenHost(firefox.run)
        host.begin()
        firefox.wait("!document.querySelector('#askScreen').hidden")
        firefox.run("document.querySelector('#askScreen').click()")
        firefox.wait("host.said.some(({type}) => type === 'screen_ask')")
        host.allow(control=True)
        firefox.wait("host.said.some(({type}) => type === 'screen_view')")
        number = host.show(image)
        firefox.wait(f"host.drawn.includes({number})")
        read = base64.b64decode(firefox.run(f"({CANVAS})()"))
        assert Image.open(io.BytesIO(read)).convert("RGB").tobytes() == image.tobytes()
        shown = firefox.run("document.querySelector('.screen .state').textContent")
        assert shown == WORDS["controls"].replace("{name}", "Ana's PC")

        place = json.loads(
            firefox.run(
                "JSON.stringify(document.querySelector('.screen .picture').getBoundingClientRect())"
            )
        )
        x, y = int(place["x"] + place["width"] / 4), int(place["y"] + place["height"] / 2)
        move: dict[str, object] = {"type": "pointerMove", "x": x, "y": y}
        press: dict[str, object] = {"type": "pointerDown", "button": 2}
        presses(firefox, move, press, {"type": "pointerUp", "button": 2}, source="pointer")
        firefox.wait("host.inputs.some(({t, b}) => t === 'p' && b === 2)")
        pressed = next(one for one in host.inputs() if one.get("b") == 2)
        assert (pressed["x"], pressed["y"]) == (
            pytest.approx(0.25, abs=0.005),
            pytest.approx(0.5, abs=0.005),
        )
        wheel: dict[str, object] = {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": 120}
        presses(firefox, wheel, source="wheel")
        firefox.wait("host.inputs.some(({t, dy}) => t === 'w' && dy > 0)")
        keys: list[dict[str, object]] = [
            {"type": kind, "value": "ü"} for kind in ("keyDown", "keyUp")
        ]
        presses(firefox, *keys, source="key")
        firefox.wait(
            "host.inputs.some(({key, text}) => key === 'ü' || text === 'ü')",
        )
        firefox.run("document.querySelector('.screen .stop').click()")
        firefox.wait(
            f"host.said.some(({{type, id}}) => type === 'screen_stop' && id === '{SHARE}')"
        )
        firefox.wait("document.querySelector('.screen').hidden")
        assert firefox.log == []
