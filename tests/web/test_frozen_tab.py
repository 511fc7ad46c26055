"""A tab that Chromium freezes, as phones do with tabs in the background: it is hidden, and its
scripts and timers are stopped.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate import Gate
from tests.web.browser import READING_GATE, hosting, moving, sha256_of
from tests.web.remote_chromium import Chromium, arrives, remote_chromium

# These tests are slow. In the ordinary run, test_lost_links.py stops a tab's scripts with the
# debugger instead.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.nightly,
    pytest.mark.timeout(180),
]

FILE_BYTES = 14_000_000
BEGUN = 2_000_000
# No more bytes pass the gates before the tab is frozen.
ALLOWED = 10_000_000


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    with remote_chromium(tmp_path) as browser:
        yield browser


def test_a_frozen_tab_goes_on_when_it_is_looked_at_again(
    chromium: Chromium, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    up, down, saved_to, downloads = (
        tmp_path / name for name in ("up.bin", "down.bin", "saved", "downloads")
    )
    for file in (up, down):
        file.write_bytes(os.urandom(FILE_BYTES))
    for folder in (saved_to, downloads):
        folder.mkdir()
    gate.close_after(ALLOWED)
    options = ("--save-to", str(saved_to))
    with hosting(own_address, tmp_path / "home", *options, gate=gate) as (host, session):
        chromium.open(session["url"], downloads)
        prompt = host.event("pair_prompt")
        host.say(
            type="pair_response",
            sessionID=prompt["sessionID"],
            approved=True,
            request=prompt["request"],
        )
        host.event("link", state="connected")
        chromium.wait("!document.querySelector('#linked').hidden")

        chromium.run(READING_GATE % ALLOWED)
        chromium.choose("#files", up)
        moving(host, "in", BEGUN)
        chromium.freeze()
        host.event("link", state="waiting")
        chromium.thaw()
        chromium.run("openGate()")
        host.event("link", state="connected")
        host.event("transfer", state="done", direction="in", patience=60)
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)

        host.say(type="send", paths=[str(down)])
        chromium.wait("document.querySelector('.question .main')")
        chromium.run("document.querySelector('.question .main').click()")
        moving(host, "out", BEGUN)
        chromium.freeze()
        host.event("link", state="waiting")
        gate.open()
        chromium.thaw()
        host.event("link", state="connected")
        host.event("transfer", state="done", direction="out", patience=60)
        chromium.wait("document.querySelector('#transfers').innerText.includes('downloads')")
        arrives(downloads / "down.bin", FILE_BYTES)
        assert sha256_of(downloads / "down.bin") == sha256_of(down)
