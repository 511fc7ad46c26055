"""A tab that Chromium freezes, as phones do with tabs in the background: it is hidden, and its
scripts and timers are stopped.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.gate import Gate
from tests.web.browser import READING_GATE, chromium_program, hosting, moving, sha256_of
from tests.web.remote import PATIENCE, RemoteBrowser

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


class Chromium(RemoteBrowser):
    """One tab beside another, over the DevTools protocol: a tab counts as hidden and can be frozen
    only if another one is in front of it.
    """

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self._tab = ""
        self._session = ""
        self._other = ""

    def open(self, url: str, downloads: Path) -> None:
        """Open the page in the tab, and set the folder that it saves to."""
        self.command("Target.setDiscoverTargets", {"discover": True})
        self.command(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
        )
        self._tab = self.command("Target.createTarget", {"url": url})["targetId"]
        attached = self.command("Target.attachToTarget", {"targetId": self._tab, "flatten": True})
        self._session = attached["sessionId"]

    def happened(self, event: dict[str, Any]) -> None:
        assert event.get("method") != "Target.targetCrashed", "the tab's process has died"

    def _in_tab(self, method: str, params: dict[str, Any]) -> Any:
        return self.command(method, params, sessionId=self._session)

    def run(self, script: str) -> Any:
        done = self._in_tab(
            "Runtime.evaluate", {"expression": script, "returnByValue": True, "userGesture": True}
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file as a person does in the file picker."""
        root = self._in_tab("DOM.getDocument", {})["root"]["nodeId"]
        node = self._in_tab("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self._in_tab("DOM.setFileInputFiles", {"nodeId": node, "files": [str(file)]})

    def freeze(self) -> None:
        """Open another tab in front of this one, and freeze this one."""
        self.run("globalThis.frozen = false; document.onfreeze = () => (globalThis.frozen = true)")
        self._other = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.command("Target.activateTarget", {"targetId": self._other})
        self.wait("document.hidden")
        self._in_tab("Page.setWebLifecycleState", {"state": "frozen"})

    def thaw(self) -> None:
        """Bring the tab to the front again and wake it up."""
        self._in_tab("Page.setWebLifecycleState", {"state": "active"})
        self.command("Target.activateTarget", {"targetId": self._tab})
        # A tab that is still hidden could be frozen again at once.
        self.wait("!document.hidden")
        assert self.run("frozen"), "this Chromium froze nothing, and the test says nothing"


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    options = ["--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    environment = {**os.environ, "HOME": str(tmp_path)}
    said = tmp_path / "said"
    # The output goes into a file, because a browser that complains a lot would stop in the middle
    # if it wrote into a pipe that nobody empties.
    with said.open("w") as output:
        process = subprocess.Popen(
            [chromium_program(), *options, profile, "about:blank"], env=environment, stderr=output
        )
    try:
        with Chromium.at(_address(said)) as browser:
            yield browser
    finally:
        process.kill()
        process.wait()


def _address(said: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while (found := re.search(r"listening on (ws://\S+)\n", said.read_text())) is None:
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.02)
    return found[1]


def arrives(file: Path, size: int) -> None:
    """Wait until the browser has saved the file."""
    deadline = time.monotonic() + PATIENCE
    while not (file.is_file() and file.stat().st_size == size):
        assert time.monotonic() < deadline, (
            f"nothing was saved; there is {list(file.parent.iterdir())}"
        )
        time.sleep(0.02)


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
