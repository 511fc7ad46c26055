"""The page sees a real host's screen, which Xvfb has: the same pixels, also after they changed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageGrab
from playwright.sync_api import Browser

from tests.ui.tk_support import NoScreenError, virtual_screen
from tests.web.browser import hosting, origin_of, phone
from tests.web.test_screen import Seer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Xvfb gives a test a screen of its own"
    ),
]

PATIENCE = 30.0
# A window of text, which scrolls a line whenever it reads one.
WINDOW = """
import sys, threading, tkinter
root = tkinter.Tk()
root.geometry("700x500+40+30")
text = tkinter.Text(root, insertwidth=0)
text.pack(fill="both", expand=True)
for line in range(200):
    text.insert("end", f"{line:4}  The quick brown fox jumps over the lazy dog.\\n")
def read():
    for line in sys.stdin:
        root.after(0, lambda: text.yview_scroll(3, "units"))
threading.Thread(target=read, daemon=True).start()
root.after_idle(lambda: print("shown", flush=True))
root.mainloop()
"""


def until(fits: Callable[[], bool], seer: Seer) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fits():
        assert time.monotonic() < deadline
        seer.page.wait_for_timeout(50)


def test_the_page_shows_the_pixels_of_the_host(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    try:
        screen = virtual_screen()
        display = screen.__enter__()
    except NoScreenError as error:
        pytest.skip(str(error))
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW],
        env={**os.environ, "DISPLAY": display},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert window.stdin is not None
    assert window.stdout is not None
    try:
        window.stdout.readline()
        options = ("--share-screen", "view")
        with (
            hosting(own_address, tmp_path / "home", *options, display=display) as (host, session),
            phone(chromium, touch=True) as tab,
        ):
            tab.page.goto(session["url"])
            tab.joined(host)
            tab.page.locator("#askScreen").click()
            host.event("screen", state="viewing")
            seer = Seer(tab)

            def same() -> bool:
                there: Image.Image = ImageGrab.grab(xdisplay=display).convert("RGB")
                here = seer.picture()
                return here.size == there.size and here.tobytes() == there.tobytes()

            until(same, seer)
            before = seer.picture()
            for _ in range(10):
                window.stdin.write("\n")
                window.stdin.flush()
            until(lambda: same() and seer.picture().tobytes() != before.tobytes(), seer)
            host.say(type="screen_stop")
            tab.sees("Ana's PC stopped showing its screen.")
            tab.is_content(origin_of(session["url"]))
    finally:
        window.kill()
        window.wait()
        screen.__exit__(None, None, None)
