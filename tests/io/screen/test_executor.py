"""Two executors on a real link: what is on the screen of one is seen at the other."""

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable

import pytest
from PIL import Image, ImageChops, ImageGrab

from proxim.core.control.messages import KeyInput, read_input
from proxim.core.errors import Reason
from proxim.core.link import commands as link_do
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import Rectangle
from proxim.io.screen.x11_capture import X11Capture
from tests.io.screen.desk import Desk, until
from tests.io.screen.pair import SHARE, Face, linked_pair, server_of
from tests.io.screen.pictures import photo, text_page
from tests.io.screen.test_x11_capture import Painter, own_server

pytestmark = pytest.mark.usefixtures("own_address")

WIDTH, HEIGHT = 640, 480


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None


def screenshot(display: str) -> Image.Image:
    return ImageGrab.grab(xdisplay=display).convert("RGB")


async def test_text_is_seen_pixel_for_pixel_while_it_is_scrolled() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    tall = text_page(600, 900, 3)
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.show()
        await pair.sees(lambda face: same(face.view, desk.image))
        for top in range(0, 200, 20):
            desk.paint(tall.crop((0, top, 600, top + 400)), 20, 40)
            face = await pair.sees(lambda face: same(face.view, desk.image))
        assert face.moved > 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is tried on Linux")
async def test_a_real_screen_is_seen_as_it_is() -> None:
    with own_server() as display:
        painter = Painter(display)
        async with linked_pair(lambda: X11Capture(display)) as pair:
            await pair.find()
            pair.show()
            await pair.sees(lambda face: same(face.view, screenshot(display)))
            for step in range(30):
                painter.paint(0x10203 * step, Rectangle(10 * step, 7 * step, 60, 40))
            await pair.sees(lambda face: same(face.view, screenshot(display)))
            painter.move(200, 100)
            face = await pair.sees(lambda face: face.pointer == (200, 100))
            painter.resize(400, 300)
            # The server takes the old monitor away before there is the new one.
            found = await pair.host.events.wait(
                screen_ev.ScreensFound, lambda one: one.monitors[0].width == 400
            )
            pair.monitor = found.monitors[0]
            assert pair.monitor.height == 300
            pair.show()
            await pair.sees(lambda face: same(face.view, screenshot(display)))
            assert face is pair.guest.faces[-1]
        painter.connection.disconnect()


# A text is scrolled by a program that many others are made with.
SCROLLS = """
import random, tkinter
window = tkinter.Tk()
window.geometry("760x560+20+20")
text = tkinter.Text(window, font=("TkFixedFont", 11), wrap="none")
text.pack(fill="both", expand=True)
dice = random.Random(1)
for line in range(200):
    text.insert("end", "".join(dice.choice("abcdefgh ijkl") for letter in range(90)) + "\\n")

def scroll(lines):
    text.yview_scroll(1, "units")
    if lines:
        window.after(30, scroll, lines - 1)
    else:
        print("scrolled", flush=True)

window.after(300, scroll, 30)
window.mainloop()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is tried on Linux")
@pytest.mark.parametrize("lane", [False, True])
async def test_what_a_program_scrolls_is_copied_and_the_same_at_rest(lane: bool) -> None:
    with own_server() as display:
        async with linked_pair(lambda: X11Capture(display)) as pair, server_of(pair) as port:
            if lane:
                await pair.open_lane(port)
            await pair.find()
            pair.show(lane=lane)
            program = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", SCROLLS),
                env={**os.environ, "DISPLAY": display},
                stdout=subprocess.PIPE,
            )
            assert program.stdout is not None
            assert await program.stdout.readline() == b"scrolled\n"
            face = await pair.sees(lambda face: same(face.view, screenshot(display)))
            assert face.moved > 5
            program.kill()
            await program.wait()


async def test_a_photo_is_nearly_the_same_when_it_rests() -> None:
    desk = Desk(photo(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.show()

        def close(face: Face) -> bool:
            if face.view.size != (WIDTH, HEIGHT):
                return False
            bands = ImageChops.difference(face.view, desk.image).getextrema()
            return all(high < 32 for _, high in bands)  # type: ignore[misc]

        await pair.sees(close)


async def test_a_face_that_draws_nothing_is_sent_nothing() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.show()
        face = await pair.sees(lambda face: same(face.view, desk.image))
        face.answers = False
        for number in range(12):
            colour = "red" if number % 2 else "blue"
            desk.paint(Image.new("RGB", (40, 40), colour), 40 * number, 100)
            looks = desk.looks
            await until(lambda: desk.looks >= looks + 2)  # noqa: B023
        assert not same(face.view, desk.image)
        channel = pair.host.screens.shown[pair.host.link].channel
        assert channel is not None
        assert channel.waiting == 0
        # It is as it is now when the face draws again.
        face.answers = True
        face.ready.set()
        await pair.sees(lambda face: same(face.view, desk.image))


async def test_a_pause_shows_nothing_new() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.show()
        await pair.sees(lambda face: same(face.view, desk.image))
        pair.host.do(screen_do.PausePictures(pair.host.link))
        before = desk.image
        looks = desk.looks
        desk.paint(Image.new("RGB", (90, 90), "red"))
        await until(lambda: desk.looks >= looks + 3)
        assert same(pair.guest.faces[-1].view, before)
        pair.show()
        await pair.sees(lambda face: same(face.view, desk.image))
        # The view at the other side changes nothing.
        looks = desk.looks
        pair.host.do(screen_do.SendPictures(pair.host.link, SHARE, pair.monitor, 5, 5))
        assert len(pair.guest.faces) == 1


async def test_it_goes_over_the_lane_and_back_without_it() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair, server_of(pair) as port:
        await pair.open_lane(port)
        await pair.find()
        pair.show(lane=True)
        await pair.sees(lambda face: same(face.view, desk.image))
        for number in range(5):
            desk.paint(text_page(400, 300, number), 20, 20)
            await pair.sees(lambda face: same(face.view, desk.image))
        assert len(pair.guest.faces) == 1
        # The lane breaks, and the machine says so.
        pair.guest.do(link_do.CloseLane(pair.guest.link))
        desk.paint(photo(100, 100), 5, 5)
        desk.paint(text_page(100, 100), 5, 5)
        pair.show()
        await pair.sees(lambda face: same(face.view, desk.image))
        assert len(pair.guest.faces) == 2
        # And another lane is opened.
        await pair.open_lane(port)
        desk.paint(text_page(100, 100, 9), 55, 55)
        pair.show(lane=True)
        await pair.sees(lambda face: len(pair.guest.faces) == 3 and same(face.view, desk.image))
        # A data channel of the same number as the first comes after it.
        desk.paint(text_page(100, 100, 4), 105, 55)
        pair.show()
        await pair.sees(lambda face: len(pair.guest.faces) == 4 and same(face.view, desk.image))


async def test_a_network_that_loses_much_ends_with_the_same_picture() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    dice = random.Random(3)
    async with linked_pair(lambda: desk) as pair:
        for side in (pair.host, pair.guest):
            ice = side.peer._connection.sctp.transport.transport  # type: ignore[union-attr]
            ice._send = _losing(ice._send, dice)
        await pair.find()
        pair.show()
        for number in range(6):
            desk.paint(text_page(WIDTH, HEIGHT, number))
            await pair.sees(lambda face: same(face.view, desk.image))


def _losing(
    send: Callable[[bytes], Awaitable[None]], dice: random.Random
) -> Callable[[bytes], Awaitable[None]]:
    async def perhaps(data: bytes) -> None:
        if dice.random() > 0.05:
            await send(data)

    return perhaps


async def test_pictures_that_break_the_rules_are_refused() -> None:
    async with linked_pair() as pair:
        channel = pair.host.transports.open_channel(pair.host.link, f"screen/{SHARE}", False)
        assert channel is not None
        channel.send(b"\xff")
        await pair.guest.events.wait(screen_ev.PicturesRefused)


async def test_answers_that_make_no_sense_end_the_share() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.guest.on_channel = lambda label, channel: pair.guest.transports.channel(
            pair.guest.link, channel
        ).send(b"drawn")  # type: ignore[union-attr]
        pair.show()
        failed = await pair.host.events.wait(screen_ev.ScreenFailed)
        assert failed.reason is Reason.PEER_ERROR


@pytest.mark.parametrize("lane", [False, True])
async def test_input_arrives_over_channel_or_lane(lane: bool) -> None:
    async with linked_pair() as pair, server_of(pair) as port:
        if lane:
            await pair.open_lane(port)
            pair.host.do(screen_do.FindScreens(pair.host.link))
            pair.host.do(screen_do.ReceiveInput(pair.host.link, SHARE))
        for down in (True, False):
            key = KeyInput("KeyZ", "ü", down)
            pair.guest.do(screen_do.SendInput(pair.guest.link, SHARE, key, lane))
            received = await pair.host.events.wait(screen_ev.InputReceived)
            assert received.share == SHARE
            assert read_input(received.message) == key


async def test_the_end_of_the_link_ends_the_threads() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    # Other tests of this process may have left threads that wait for ever.
    others = {*threading.enumerate()}
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        pair.show()
        await pair.sees(lambda face: same(face.view, desk.image))
        await pair.host.peer.close(False)
        await pair.guest.peer.close(False)
        # Pictures go on for a moment, until the machines hear of it.
        desk.paint(photo(WIDTH, HEIGHT))
        pair.host.do(screen_do.StopPictures(pair.host.link))
        pair.guest.do(screen_do.HidePictures(pair.guest.link))
        await until(
            lambda: (
                not any(one.name.startswith("proxim-") for one in {*threading.enumerate()} - others)
            )
        )
        assert desk.closed
        # Nothing is left to do anything with.
        pair.host.peers.clear()
        pair.host.do(screen_do.FindScreens(pair.host.link))
        pair.show()
        pair.guest.peers.clear()
        pair.guest.do(screen_do.ShowPictures(pair.guest.link, SHARE, pair.monitor, 5))
        key = KeyInput("KeyZ", "z", True)
        pair.guest.do(screen_do.SendInput(pair.guest.link, SHARE, key))


async def test_a_device_without_a_screen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    async with linked_pair() as pair:
        pair.host.do(screen_do.FindScreens(pair.host.link))
        failed = await pair.host.events.wait(screen_ev.ScreenFailed)
        assert failed.reason is Reason.NO_SCREEN
        pair.host.do(screen_do.StopPictures(pair.host.link))


def test_nothing_is_loaded_before_a_screen_is_asked_for() -> None:
    program = (
        "import sys, proxim.io.runtime\n"
        "heavy = {'xcffib', 'isal', 'PIL'} & {one.partition('.')[0] for one in sys.modules}\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_another_question_for_the_monitors_begins_anew() -> None:
    desks = [Desk(text_page(WIDTH, HEIGHT)), Desk(text_page(WIDTH, HEIGHT))]
    both = list(desks)
    async with linked_pair(lambda: desks.pop(0)) as pair:
        await pair.find()
        await pair.find()
        await until(lambda: both[0].closed)


async def test_monitors_that_change_are_reported_until_the_end() -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    async with linked_pair(lambda: desk) as pair:
        await pair.find()
        desk.plug(Monitor(0, "A", 0, 0, 300, 200))
        found = await pair.host.events.wait(screen_ev.ScreensFound)
        assert found.monitors[0].width == 300
        pair.host.do(screen_do.StopPictures(pair.host.link))
        desk.plug(Monitor(0, "A", 0, 0, 200, 200))
        await until(lambda: desk.closed)
        found_all = [one for one in pair.host.events.all if isinstance(one, screen_ev.ScreensFound)]
        assert len(found_all) == 2
