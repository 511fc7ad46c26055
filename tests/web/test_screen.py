"""The other screen in Chromium, on a phone and a laptop: pictures, fingers, mouse and keys.

A scripted host (screen_host.py) is at the other end of real data channels.
"""

import base64
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Locator

from proxim.core.screen import updates
from proxim.core.screen.messages import ALL_MONITORS, Monitor
from proxim.core.screen.updates import Format, Rectangle, Tile
from proxim.io.pairing.page import languages
from tests.web.browser import Phone, hosting, origin_of, phone
from tests.web.screen_host import (
    JSON,
    MONITOR,
    SECOND,
    SHARE,
    ScreenHost,
    desktop,
    png,
    whole,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS: Final = languages({"pageScreen": "page"})["en"]["page"]
REASONS: Final = languages()["en"]["reasons"]
NAME: Final = "Ana's PC"
PATIENCE: Final = 15.0
# The beginning of a picture
CUT: Final = png(Image.new("RGB", (16, 16)))[:60]
# What the page's canvas shows, as PNG
CANVAS: Final = """async () => {
  const canvas = document.querySelector(".screen .picture");
  const blob = await new Promise((done) => canvas.toBlob(done));
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
HIDE: Final = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def words(key: str) -> str:
    text: str = WORDS[key]
    return text.replace("{name}", NAME)


class Fingers:
    """Fingers on a phone's screen; each point is (x, y)."""

    def __init__(self, page: CDPSession) -> None:
        self._page = page

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Tell the browser which fingers are down now."""
        touches = [{"x": x, "y": y, "id": id} for id, (x, y) in enumerate(points)]
        self._page.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def tap(self, x: float, y: float) -> None:
        self.touch("touchStart", (x, y))
        self.touch("touchEnd")

    def slide(self, *ways: tuple[tuple[float, float], tuple[float, float]], steps: int = 8) -> None:
        """Move fingers, each from one point to another, and lift them."""
        self.touch("touchStart", *(start for start, _ in ways))
        for step in range(1, steps + 1):
            part = step / steps
            self.touch(
                "touchMove",
                *((x + (to_x - x) * part, y + (to_y - y) * part) for (x, y), (to_x, to_y) in ways),
            )
        self.touch("touchEnd")


class Seer:
    """A tab that is linked with a scripted host."""

    def __init__(self, tab: Phone) -> None:
        self.tab = tab
        self.page = tab.page
        self.host = ScreenHost(tab.page.evaluate)
        self.fingers = Fingers(tab.page.context.new_cdp_session(tab.page))
        self.seen: list[JSON] = []
        self.did: list[JSON] = []
        self.drawn: list[int] = []

    def button(self, key: str) -> Locator:
        """Return a button of the view, or, while that is closed, of the page."""
        where = ".screen:not([hidden])" if self.page.locator(".screen").is_visible() else "#main"
        return self.page.locator(where).get_by_role("button", name=WORDS[key], exact=True)

    def says(self, kind: str) -> JSON:
        """Wait until the page says this on the control channel."""
        said: JSON = self._wait(self.seen, self.host.said, lambda one: one.get("type") == kind)
        return said

    def does(self, **fields: Any) -> JSON:
        """Wait until the page sends input with these fields."""
        sent: JSON = self._wait(
            self.did, self.host.inputs, lambda one: fields.items() <= one.items()
        )
        return sent

    def has_drawn(self, number: int) -> None:
        self._wait(self.drawn, self.host.drawn, lambda one: one == number)

    def _wait(self, known: list[Any], take: Callable[[], list[Any]], fits: Any) -> Any:
        """Return the first that fits, and forget it and all before it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            known += take()
            for at, one in enumerate(known):
                if fits(one):
                    del known[: at + 1]
                    return one
            assert time.monotonic() < deadline, known
            self.page.wait_for_timeout(20)

    def until(self, script: str) -> None:
        """Wait until an expression is true. The page's policy lets Playwright evaluate it no other
        way.
        """
        deadline = time.monotonic() + PATIENCE
        while not self.page.evaluate(script):
            assert time.monotonic() < deadline, script
            self.page.wait_for_timeout(20)

    def forget(self) -> None:
        """Forget what the page has done so far."""
        self.page.locator(".screen [data-code=Escape]").tap()
        self.does(t="k", code="Escape", d=False)

    def looks(self, image: Image.Image | None = None, *, control: bool = False) -> JSON:
        """Ask, and be shown a picture; return how the page would like to see it."""
        self.page.locator("#askScreen").click()
        self.says("screen_ask")
        self.host.allow()
        view = self.says("screen_view")
        self.has_drawn(self.host.show(desktop() if image is None else image))
        if control:
            self.host.allow(control=True)
            self.until("document.querySelector('.screen').matches('.controls')")
        return view

    def picture(self) -> Image.Image:
        read = base64.b64decode(self.page.evaluate(CANVAS))
        return Image.open(io.BytesIO(read)).convert("RGB")

    def place(self) -> tuple[float, float, float]:
        """Where the picture lies in the view, and how wide it is."""
        found = self.page.evaluate(
            """() => {
              const picture = document.querySelector(".screen .picture").getBoundingClientRect();
              const stage = document.querySelector(".screen .stage").getBoundingClientRect();
              return [picture.left - stage.left, picture.top - stage.top, picture.width];
            }"""
        )
        return found[0], found[1], found[2]


@contextmanager
def seeing(
    chromium: Browser,
    address: str,
    home: Path,
    *,
    fingers: bool = False,
    width: int = 390,
    height: int = 844,
) -> Iterator[Seer]:
    """A tab at a real host's page, linked with a scripted host."""
    with (
        hosting(address, home) as (_, session),
        phone(chromium, touch=fingers, width=width, height=height) as tab,
    ):
        tab.page.goto(origin_of(session["url"]))
        tab.page.locator("#main:not([inert])").wait_for()
        seer = Seer(tab)
        seer.host.begin()
        tab.page.locator("#askScreen:not([hidden])").wait_for()
        yield seer
        tab.is_content(origin_of(session["url"]))


@pytest.fixture
def on_phone(chromium: Browser, own_address: str, tmp_path: Path) -> Iterator[Seer]:
    with seeing(chromium, own_address, tmp_path / "home", fingers=True) as seer:
        yield seer


@pytest.fixture
def on_laptop(chromium: Browser, own_address: str, tmp_path: Path) -> Iterator[Seer]:
    with seeing(chromium, own_address, tmp_path / "home", width=1366, height=768) as seer:
        yield seer


# --- asking and seeing ----------------------------------------------------------------------------


def test_what_is_drawn_is_what_was_sent(on_laptop: Seer) -> None:
    page, host = on_laptop.page, on_laptop.host
    assert not [one for one in on_laptop.tab.requested if "/screen/" in one or "/control/" in one]
    image = desktop()
    view = on_laptop.looks(image)
    assert view == {
        **{"type": "screen_view", "id": SHARE, "monitor": 0},
        **{"w": pytest.approx(1270, abs=40), "h": pytest.approx(714, abs=25), "dpr": 1},
    }
    on_laptop.tab.sees(words("sees"))
    assert on_laptop.picture().tobytes() == image.tobytes()

    # Copies come first, and from what was there before; then pictures over them.
    before = image.copy()
    moves = [
        (Rectangle(200, 120, 900, 600), 200, 137),
        (Rectangle(0, 0, 300, 300), 250, 150),
        (Rectangle(220, 130, 300, 300), 0, 0),
    ]
    red = Image.new("RGB", (64, 32), "red")
    photo = Image.effect_noise((320, 64), 90).convert("RGB")
    on_laptop.has_drawn(
        host.update(
            whole(red, 230, 140),
            *(updates.copy(place, x, y) for place, x, y in moves),
            whole(photo, 1600, 1016, lossless=False),
        )
    )
    for place, x, y in moves:
        part = before.crop((x, y, x + place.width, y + place.height))
        image.paste(part, (place.x, place.y))
    image.paste(red, (230, 140))
    found = on_laptop.picture()
    photographed = found.crop((1600, 1016, 1920, 1080))
    assert len(set(photographed.tobytes())) > 100
    for one in (image, found):
        one.paste("black", (1600, 1016, 1920, 1080))
    assert found.tobytes() == image.tobytes()

    # Another size of the monitor begins black.
    host.canvas(Monitor(0, "DP-1", 0, 0, 800, 600))
    on_laptop.has_drawn(host.update(whole(red, 736, 568)))
    expected = Image.new("RGB", (800, 600))
    expected.paste(red, (736, 568))
    assert on_laptop.picture().tobytes() == expected.tobytes()

    on_laptop.button("stop").click()
    assert on_laptop.says("screen_stop")["id"] == SHARE
    on_laptop.tab.sees(words("endedHere"))
    assert page.locator(".screen").is_hidden()


@pytest.mark.parametrize(
    ("reason", "key"),
    [("declined", "declined"), ("timeout", "unanswered"), ("closed", "endedThere")],
)
def test_a_refusal_is_said_in_words(on_laptop: Seer, reason: str, key: str) -> None:
    on_laptop.page.locator("#askScreen").click()
    on_laptop.says("screen_ask")
    on_laptop.tab.sees(words("asking"))
    on_laptop.host.end(reason)
    on_laptop.tab.sees(words(key))
    assert on_laptop.page.locator("#askScreen").is_visible()


def test_a_host_without_a_screen_says_so(on_laptop: Seer) -> None:
    on_laptop.page.locator("#askScreen").click()
    on_laptop.says("screen_ask")
    on_laptop.host.end("no_screen")
    on_laptop.tab.sees(REASONS["no_screen"])


def test_a_page_shows_no_screen_and_says_so(on_laptop: Seer) -> None:
    on_laptop.host.say({"type": "screen_ask", "control": True})
    answer = on_laptop.says("screen_state")
    assert answer == {
        **{"type": "screen_state", "view": False, "control": False},
        **{"reason": "page_screen"},
    }
    on_laptop.tab.sees(words("cannotShow"))


def test_what_is_offered_waits_for_a_yes(on_laptop: Seer) -> None:
    on_laptop.host.allow()
    on_laptop.tab.sees(words("offered"))
    assert on_laptop.page.locator(".screen").is_hidden()
    on_laptop.button("notNow").click()
    on_laptop.says("screen_stop")
    on_laptop.host.allow(share="B" * 22)
    on_laptop.button("look").click()
    assert on_laptop.says("screen_view")["id"] == "B" * 22


def test_control_is_asked_for_and_taken_back(on_laptop: Seer) -> None:
    on_laptop.looks()
    on_laptop.button("askControl").click()
    assert on_laptop.says("screen_ask") == {"type": "screen_ask", "control": True}
    assert on_laptop.button("controlAsked").is_disabled()
    on_laptop.host.allow(reason="declined")
    on_laptop.tab.sees(words("controlDeclined"))
    on_laptop.host.allow(control=True)
    on_laptop.tab.sees(words("controls"))
    for reason in ("own_window", "question_open"):
        on_laptop.host.allow(control=True, reason=reason)
        on_laptop.tab.sees(REASONS[reason])
    on_laptop.host.allow(reason="bar_hidden")
    on_laptop.tab.sees(REASONS["bar_hidden"])
    on_laptop.host.allow(reason="monitor_gone")
    on_laptop.tab.sees(REASONS["monitor_gone"])
    on_laptop.host.allow(reason="paused")
    on_laptop.tab.sees(words("paused"))
    on_laptop.host.end("screen_lost")
    on_laptop.tab.sees(REASONS["screen_lost"])
    # Both are asked for again, and the page says so.
    ask = on_laptop.page.locator("#askScreen")
    assert ask.text_content() == words("askBoth")
    ask.click()
    assert on_laptop.says("screen_ask") == {"type": "screen_ask", "control": True}
    on_laptop.tab.sees(words("askingBoth"))


def test_another_monitor_and_figures(on_laptop: Seer) -> None:
    on_laptop.looks()
    hostile = Monitor(3, "<b>H</b>\u202eDMI", 1920, 0, 1280, 1024)
    together = Monitor(ALL_MONITORS, "", 0, 0, 3200, 1080)
    on_laptop.host.allow(monitors=(MONITOR, hostile, together))
    choice = on_laptop.page.locator(".screen select")
    named = ["DP-1", "<b>H</b>DMI", WORDS["allMonitors"]]
    assert choice.locator("option").all_text_contents() == named
    choice.select_option("3")
    assert on_laptop.says("screen_view")["monitor"] == 3
    on_laptop.host.allow(monitors=(MONITOR, SECOND), monitor=3)
    image = desktop(1280, 1024, "HDMI-2")
    on_laptop.host.canvas(SECOND)
    on_laptop.has_drawn(on_laptop.host.update(whole(image)))
    assert on_laptop.picture().tobytes() == image.tobytes()
    left, top, width = on_laptop.place()
    assert top == 0
    assert width / (768 - top) == pytest.approx(1280 / 1024, rel=0.12)
    on_laptop.button("more").click()
    on_laptop.page.get_by_label(WORDS["figures"]).check()
    on_laptop.host.send([updates.pack_delay(0.023)])
    on_laptop.tab.sees("23 ms")
    assert left > 0


def test_a_pointer_of_the_others_is_drawn_where_it_is(on_laptop: Seer) -> None:
    on_laptop.looks()
    pointer = on_laptop.page.locator(".screen .pointer")
    pointer.wait_for(state="visible")
    left, top, width = on_laptop.place()
    stage = on_laptop.page.locator(".screen .stage").bounding_box()
    assert stage is not None
    on_laptop.host.point(480, 270)
    on_laptop.until(
        "document.querySelector('.screen .pointer').getBoundingClientRect().left < "
        f"{stage['x'] + left + width * 0.3}"
    )
    box = pointer.bounding_box()
    assert box is not None
    assert box["x"] - stage["x"] == pytest.approx(left + width / 4, abs=2)
    assert box["y"] - stage["y"] == pytest.approx(top + width * 270 / 1920, abs=2)
    on_laptop.host.send([updates.pack_pointer(updates.Pointer(0, 5, 5))])
    pointer.wait_for(state="hidden")


@pytest.mark.parametrize(
    "tile",
    [
        # Four bytes of a header say that a picture is larger than its place.
        Tile(Rectangle(0, 0, 16, 16), Format.PNG, png(Image.new("1", (4000, 4000)))),
        Tile(Rectangle(0, 0, 16, 16), Format.PNG, CUT),
        Tile(Rectangle(0, 0, 16, 16), Format.JPEG, b"no picture"),
        Tile(Rectangle(1910, 0, 16, 16), Format.PNG, png(Image.new("RGB", (16, 16)))),
    ],
    ids=["too large", "cut", "none", "outside"],
)
def test_pictures_that_break_the_rules_end_it(on_laptop: Seer, tile: Tile) -> None:
    on_laptop.looks()
    on_laptop.page.evaluate(
        """() => {
          const decode = createImageBitmap;
          globalThis.decoded = [];
          globalThis.createImageBitmap = (blob, options) => {
            decoded.push(blob.size);
            return decode(blob, options);
          };
        }"""
    )
    on_laptop.host.update(tile)
    assert on_laptop.says("screen_stop")["id"] == SHARE
    # Only what looks as it should is decoded at all.
    is_cut = tile.content == CUT
    assert on_laptop.page.evaluate("decoded") == ([len(CUT)] if is_cut else [])
    on_laptop.tab.sees(REASONS["peer_error"])


def test_a_host_that_does_not_wait_is_left(on_laptop: Seer) -> None:
    on_laptop.looks()
    on_laptop.page.evaluate("() => { globalThis.createImageBitmap = () => new Promise(() => {}); }")
    red = Image.new("RGB", (16, 16), "red")
    for _ in range(9):
        on_laptop.host.update(whole(red))
    on_laptop.says("screen_stop")
    on_laptop.tab.sees(REASONS["peer_error"])


def test_large_pictures_are_decoded_one_after_the_other(on_laptop: Seer) -> None:
    on_laptop.looks()
    on_laptop.page.evaluate(
        """() => {
          globalThis.decoded = 0;
          globalThis.createImageBitmap = () => {
            globalThis.decoded++;
            return new Promise(() => {});
          };
        }"""
    )
    large = Image.new("RGB", (7680, 4320), "red")
    on_laptop.host.canvas(Monitor(0, "DP-1", 0, 0, *large.size))
    tile = whole(large)
    # One more than may wait, so that the page has read all of them when it leaves.
    for _ in range(9):
        on_laptop.host.update(tile)
    on_laptop.says("screen_stop")
    assert on_laptop.page.evaluate("decoded") == 1


def test_a_hidden_page_acknowledges_nothing_and_then_goes_on(on_laptop: Seer) -> None:
    page, host = on_laptop.page, on_laptop.host
    on_laptop.looks(control=True)
    page.mouse.move(600, 400)
    page.mouse.down()
    on_laptop.does(t="p", b=1)
    page.evaluate(HIDE, True)
    on_laptop.does(t="u")
    green = Image.new("RGB", (1920, 1080), "#00ff00")
    number = host.update(whole(green))
    on_laptop.until("host.pictures.bufferedAmount === 0")
    deadline = time.monotonic() + PATIENCE
    while on_laptop.picture().getpixel((5, 5)) != (0, 255, 0):
        assert time.monotonic() < deadline
    assert host.drawn() == []
    page.evaluate(HIDE, False)
    on_laptop.has_drawn(number)
    page.mouse.up()
    # The way back to the page hides it as well, and the screen can be looked at again.
    on_laptop.button("back").click()
    number = host.update(whole(green))
    on_laptop.tab.sees(words("controls"))
    assert page.locator("#text").is_enabled()
    assert host.drawn() == []
    on_laptop.button("look").click()
    on_laptop.has_drawn(number)
    # So does a phone's own way back.
    page.go_back()
    page.locator(".screen").wait_for(state="hidden")
    assert page.locator("#main").get_attribute("inert") is None


def test_a_lost_link_asks_again_and_goes_on(on_laptop: Seer) -> None:
    on_laptop.looks(control=True)
    on_laptop.host.lose()
    on_laptop.tab.sees(words("reconnecting"))
    assert on_laptop.page.locator(".screen").is_visible()
    on_laptop.host.connect()
    assert on_laptop.says("screen_ask") == {"type": "screen_ask", "control": True}
    on_laptop.host.allow(share="C" * 22)
    assert on_laptop.says("screen_view")["id"] == "C" * 22
    on_laptop.tab.sees(words("sees"))
    on_laptop.host.open_pictures("C" * 22)
    on_laptop.host.canvas()
    image = desktop(name="again")
    on_laptop.has_drawn(on_laptop.host.update(whole(image)))
    assert on_laptop.picture().tobytes() == image.tobytes()
    # Control that is allowed once more has a channel on this link.
    on_laptop.host.allow(control=True, share="C" * 22)
    on_laptop.tab.sees(words("controls"))
    on_laptop.page.keyboard.press("a")
    on_laptop.does(t="k", key="a", d=True)


# --- a phone --------------------------------------------------------------------------------------


def test_fingers_move_and_enlarge_the_picture_and_not_the_page(on_phone: Seer) -> None:
    page, fingers = on_phone.page, on_phone.fingers
    view = on_phone.looks()
    assert (view["w"], view["h"], view["dpr"]) == (390, 219, 3)
    left, top, width = on_phone.place()
    assert (left, width) == (0, 390)
    # Pinch: twice as large, and the host hears that more pixels are of use.
    fingers.slide(((160, 480), (80, 480)), ((230, 480), (310, 480)))
    _, _, larger = on_phone.place()
    assert larger > 2 * width
    assert on_phone.says("screen_view")["w"] > 500
    before = on_phone.place()
    fingers.slide(((250, 480), (190, 480)))
    moved = on_phone.place()
    assert moved[0] == pytest.approx(before[0] - 60, abs=12)
    fingers.slide(((150, 480), (190, 480)), ((250, 480), (290, 480)))
    assert on_phone.place()[0] == pytest.approx(moved[0] + 40, abs=12)
    # A double tap shows all of it.
    fingers.tap(200, 480)
    fingers.tap(200, 480)
    assert on_phone.place() == (0, top, 390)
    fingers.tap(200, 480)
    page.wait_for_timeout(400)
    on_phone.button("actual").click()
    assert on_phone.place()[2] == pytest.approx(640, abs=1)
    # The page underneath has not moved.
    assert page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]
    fingers.slide(((200, 700), (200, 200)), steps=20)
    assert page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]
    # Rotated, it stays what it was; fitted, it is as large as it can be.
    page.set_viewport_size({"width": 844, "height": 390})
    on_phone.until("document.querySelector('.screen').getBoundingClientRect().width === 844")
    assert on_phone.place()[2] == pytest.approx(640, abs=1)
    on_phone.button("fit").click()
    _, _, width = on_phone.place()
    stage = page.locator(".screen .stage").bounding_box()
    assert stage is not None
    assert width == pytest.approx(stage["height"] * 16 / 9, abs=1)
    assert stage["height"] > 340
    page.set_viewport_size({"width": 390, "height": 844})
    on_phone.until("document.querySelector('.screen .picture').getBoundingClientRect().width < 400")


def test_a_touchpad_and_direct_touch(on_phone: Seer) -> None:
    page, fingers = on_phone.page, on_phone.fingers
    on_phone.looks(control=True)
    first = on_phone.host.inputs()
    assert first == []
    # The pointer is at 960, 540 of the host's, and goes as the finger goes.
    fingers.slide(((100, 600), (160, 600)))
    moved = on_phone.does(t="p", b=0)
    fingers.tap(50, 700)
    down = on_phone.does(t="p", b=1)
    assert down["x"] > 0.55
    assert down["y"] == pytest.approx(0.5, abs=0.02)
    assert moved["x"] <= down["x"]
    assert on_phone.does(t="p", b=0) | {"b": 1} == down
    # Holding still is the right button.
    page.wait_for_timeout(400)
    fingers.touch("touchStart", (200, 500))
    on_phone.does(t="p", b=2)
    on_phone.does(t="p", b=0)
    fingers.touch("touchEnd")
    # A drag begins with a tap.
    fingers.tap(200, 500)
    on_phone.does(t="p", b=1)
    on_phone.does(t="p", b=0)
    fingers.slide(((200, 500), (160, 500)))
    start = on_phone.does(t="p", b=1)
    end = on_phone.does(t="p", b=0)
    assert end["x"] < start["x"]
    # Two fingers turn the wheel, and what is under them goes along.
    fingers.slide(((150, 600), (150, 520)), ((230, 600), (230, 520)))
    assert on_phone.does(t="w")["dy"] > 0
    # A pinch stays here.
    on_phone.forget()
    fingers.slide(((160, 480), (80, 480)), ((230, 480), (310, 480)))
    assert on_phone.place()[2] > 700
    on_phone.button("fit").click()
    page.locator(".screen [data-code=Escape]").tap()
    on_phone.until("host.inputs.length")
    assert on_phone.host.inputs()[0]["code"] == "Escape"

    on_phone.button("more").click()
    page.get_by_label(WORDS["directTouch"]).check()
    on_phone.tab.sees(words("helpDirect"))
    on_phone.button("close").click()
    left, top, width = on_phone.place()
    stage = page.locator(".screen .stage").bounding_box()
    assert stage is not None
    x, y = stage["x"] + left + width / 4, stage["y"] + top + width * 9 / 16 / 2
    fingers.tap(x, y)
    down = on_phone.does(t="p", b=1)
    assert (down["x"], down["y"]) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.5, abs=0.02))
    page.wait_for_timeout(400)
    fingers.slide(((x, y), (x + width / 2, y)))
    down, up = on_phone.does(t="p", b=1), on_phone.does(t="p", b=0)
    assert (down["x"], up["x"]) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.75, abs=0.01))
    assert page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]


def test_a_phones_keyboard_and_the_bar(on_phone: Seer) -> None:
    page = on_phone.page
    on_phone.looks(control=True)
    soft = page.context.new_cdp_session(page)
    # Nothing is typed before somebody opens the keyboard.
    assert page.evaluate("document.activeElement.className") != "catcher"
    on_phone.button("keyboard").click()
    assert page.evaluate("document.activeElement.className") == "catcher"
    # As on Android: keys without a name, and a word that is composed.
    unknown = {"type": "rawKeyDown", "key": "Unidentified", "windowsVirtualKeyCode": 229}
    for text in ("G", "Gr", "Grü"):
        soft.send("Input.dispatchKeyEvent", unknown)
        soft.send(
            "Input.imeSetComposition",
            {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
        )
    typed = "".join(on_phone.does(t="x")["text"] for _ in range(3))
    assert typed == "Grü"
    soft.send("Input.insertText", {"text": "Grüße 🙂"})
    assert on_phone.does(t="x")["text"] == "ße 🙂"
    page.keyboard.press("Backspace")
    on_phone.does(t="k", key="Backspace", d=True)
    page.keyboard.press("Enter")
    on_phone.does(t="k", key="Enter", d=False)
    # A key of the bar leaves the keyboard open, and goes with the next letter.
    page.locator(".screen [data-code=ControlLeft]").tap()
    assert page.evaluate("document.activeElement.className") == "catcher"
    pressed = page.locator(".screen [data-code=ControlLeft]").get_attribute("aria-pressed")
    assert pressed == "true"
    soft.send("Input.insertText", {"text": "c"})
    on_phone.does(t="k", code="ControlLeft", d=True)
    on_phone.does(t="k", code="KeyC", key="c", d=True)
    on_phone.does(t="k", code="ControlLeft", d=False)
    page.locator(".screen [data-code=Escape]").tap()
    on_phone.does(t="k", code="Escape", d=True)
    on_phone.does(t="k", code="Escape", d=False)
    on_phone.button("keyboard").click()
    assert page.evaluate("document.activeElement.className") != "catcher"
    # Where the keyboard takes a part of the view, the rest fits above it.
    page.evaluate(
        """() => {
          Object.defineProperty(visualViewport, "height", { value: 500, configurable: true });
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    on_phone.until("document.querySelector('.screen').getBoundingClientRect().height === 500")
    bar = page.locator(".screen .keys").bounding_box()
    assert bar is not None
    assert bar["y"] + bar["height"] == pytest.approx(500, abs=1)


def test_full_view_leaves_the_picture_alone(on_phone: Seer) -> None:
    page = on_phone.page
    # An iPhone offers no full screen.
    page.evaluate("() => { Element.prototype.requestFullscreen = undefined; }")
    on_phone.looks()
    on_phone.button("fullScreen").click()
    stage = page.locator(".screen .stage").bounding_box()
    assert stage is not None
    assert (stage["y"], stage["height"]) == (0, 844)
    assert not on_phone.button("stop").is_visible()
    on_phone.button("showBar").click()
    on_phone.button("stop").click()
    on_phone.says("screen_stop")
    on_phone.tab.sees(words("endedHere"))


# --- a laptop -------------------------------------------------------------------------------------


def test_a_mouse_with_all_its_buttons_and_its_wheel(on_laptop: Seer) -> None:
    page = on_laptop.page
    on_laptop.looks(control=True)
    left, top, width = on_laptop.place()
    stage = page.locator(".screen .stage").bounding_box()
    assert stage is not None
    middle = stage["x"] + left + width / 2, stage["y"] + top + width * 9 / 32
    page.mouse.move(*middle)
    moved = on_laptop.does(t="p", b=0)
    assert (moved["x"], moved["y"]) == (pytest.approx(0.5, abs=0.002),) * 2
    buttons: list[tuple[Literal["left", "middle", "right"], int]] = [
        ("left", 1),
        ("middle", 4),
        ("right", 2),
    ]
    for name, bit in buttons:
        page.mouse.down(button=name)
        on_laptop.does(t="p", b=bit)
        page.mouse.up(button=name)
        on_laptop.does(t="p", b=0)
    # A drag goes on beside the picture.
    page.mouse.down()
    on_laptop.does(t="p", b=1)
    page.mouse.move(middle[0], 5)
    assert on_laptop.does(t="p", b=1, y=0)
    page.mouse.up()
    on_laptop.does(t="p", b=0)
    page.mouse.move(*middle)
    page.mouse.wheel(0, 120)
    assert on_laptop.does(t="w") == {"t": "w", "dx": 0, "dy": 120}
    page.mouse.wheel(0, -120)
    assert on_laptop.does(t="w")["dy"] == -120
    # A move in each millisecond is at most one message a frame.
    on_laptop.host.inputs()
    page.evaluate(
        """([x, y]) => {
          const stage = document.querySelector(".screen .stage");
          for (let step = 0; step < 500; step++) {
            const where = { clientX: x + step / 10, clientY: y, pointerType: "mouse" };
            stage.dispatchEvent(new PointerEvent("pointermove", where));
          }
        }""",
        list(middle),
    )
    on_laptop.does(t="p")
    assert len(on_laptop.did) <= 1


def test_keys_are_what_they_are_and_are_let_go(on_laptop: Seer) -> None:
    page = on_laptop.page
    on_laptop.looks(control=True)
    page.keyboard.press("a")
    assert on_laptop.does(t="k", d=True) == {"t": "k", "code": "KeyA", "key": "a", "d": True}
    on_laptop.does(t="k", code="KeyA", d=False)
    # The browser keeps none of them.
    for name, code in (("Tab", "Tab"), ("F5", "F5"), ("Backspace", "Backspace")):
        page.keyboard.press(name)
        on_laptop.does(t="k", code=code, d=True)
        on_laptop.does(t="k", code=code, d=False)
    page.keyboard.press("Control+Shift+KeyA")
    pressed = [on_laptop.does(t="k", d=True)["code"] for _ in range(3)]
    assert pressed == ["ControlLeft", "ShiftLeft", "KeyA"]
    # What an input method or a dead key makes is text.
    page.keyboard.insert_text("é")
    assert on_laptop.does(t="x")["text"] == "é"
    method = page.context.new_cdp_session(page)
    composed = {"text": "ni", "selectionStart": 2, "selectionEnd": 2}
    method.send("Input.imeSetComposition", composed)
    method.send("Input.insertText", {"text": "你"})
    assert on_laptop.does(t="x")["text"] == "你"
    # Repeating is the host's.
    page.keyboard.down("ArrowDown")
    page.keyboard.down("ArrowDown")
    on_laptop.does(t="k", code="ArrowDown", d=True)
    page.evaluate("() => { dispatchEvent(new Event('blur')); }")
    assert on_laptop.does(t="u")
    assert [one for one in on_laptop.did if one["t"] == "k"] == []
    # Nothing is typed there once control has ended.
    on_laptop.host.allow()
    on_laptop.tab.sees(words("sees"))
    page.keyboard.press("b")
    assert [one for one in on_laptop.host.inputs() if one["t"] != "u"] == []


def test_text_is_pasted_there_and_copied_from_there(on_laptop: Seer) -> None:
    page, host = on_laptop.page, on_laptop.host
    on_laptop.looks(control=True)
    on_laptop.button("more").click()
    field = page.get_by_label(WORDS["clipboardText"])
    field.fill("Grüße 🙂\nzwei")
    # What is typed here stays here.
    assert host.inputs() == []
    on_laptop.button("pasteThere").click()
    assert on_laptop.does(t="x")["text"] == "Grüße 🙂\nzwei"
    field.fill("x" * 70_000)
    on_laptop.button("pasteThere").click()
    on_laptop.tab.sees(words("tooLong"))
    on_laptop.button("fetchClipboard").click()
    on_laptop.does(t="c")
    host.say({"type": "screen_copied", "id": SHARE, "text": "<b>from there</b>"})
    on_laptop.tab.sees(words("fetched"))
    assert field.input_value() == "<b>from there</b>"
    # What nobody asked for changes nothing; it was read once the next message is answered.
    host.say({"type": "screen_copied", "id": SHARE, "text": "unasked"})
    host.say({"type": "screen_ask"})
    on_laptop.says("screen_state")
    assert field.input_value() == "<b>from there</b>"
    on_laptop.button("copyHere").click()
    on_laptop.tab.sees(words("copied"))
    field.fill("")
    page.keyboard.press("Control+V")
    assert field.input_value() == "<b>from there</b>"
    on_laptop.button("fetchClipboard").click()
    host.say({"type": "screen_copied", "id": SHARE, "reason": "unknown_reason"})
    on_laptop.tab.sees(words("notFetched"))


def test_full_screen_is_the_browsers_where_it_has_one(on_laptop: Seer) -> None:
    page = on_laptop.page
    on_laptop.looks()
    on_laptop.button("fullScreen").click()
    on_laptop.until("document.fullscreenElement?.className.includes('screen')")
    page.evaluate("document.exitFullscreen()")
    on_laptop.until("!document.querySelector('.screen').matches('.full')")
    assert on_laptop.button("stop").is_visible()


def test_a_question_of_the_page_is_told_over_the_picture(on_laptop: Seer) -> None:
    on_laptop.looks()
    on_laptop.page.evaluate(
        "document.querySelector('#questions').append(document.createElement('section'))"
    )
    on_laptop.page.get_by_role("button", name=f"{WORDS['back']} (1)").wait_for()
