"""The page in Firefox, driven by WebDriver BiDi: it opens the link, pairs, and exchanges text and a
file each way.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.web.browser import hosting, sha256_of
from tests.web.remote import PATIENCE, RemoteBrowser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FILE_BYTES = 3_000_001
# Firefox saves downloads without a question into the test's folder. These are Firefox's own names.
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
}


class Firefox(RemoteBrowser):
    """A Firefox with one tab."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.log: list[str] = []
        self.command("session.new", {"capabilities": {}})
        self.command("session.subscribe", {"events": ["log.entryAdded"]})
        self.tab = self.command("browsingContext.getTree", {})["contexts"][0]["context"]

    def happened(self, event: dict[str, Any]) -> None:
        if event.get("method") == "log.entryAdded" and event["params"]["level"] in (
            "error",
            "warn",
        ):
            self.log.append(str(event["params"]["text"]))

    def goto(self, url: str) -> None:
        self.command(
            "browsingContext.navigate", {"context": self.tab, "url": url, "wait": "complete"}
        )

    def run(self, script: str) -> Any:
        target = {"context": self.tab}
        done = self.command(
            "script.evaluate", {"expression": script, "target": target, "awaitPromise": True}
        )
        assert done["type"] == "success", done
        return done["result"].get("value")

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file as a person does in the file picker."""
        locator = {"type": "css", "value": selector}
        found = self.command(
            "browsingContext.locateNodes", {"context": self.tab, "locator": locator}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.command(
            "input.setFiles", {"context": self.tab, "element": element, "files": [str(file)]}
        )


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox is installed")
    profile = tmp_path / "profile"
    profile.mkdir()
    preferences = {**PREFERENCES, "browser.download.dir": str(tmp_path / "downloads")}
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in preferences.items()
    ]
    (profile / "user.js").write_text("".join(lines))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port",
        str(port),
        "about:blank",
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    process = subprocess.Popen(
        [program, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with Firefox.at(f"ws://127.0.0.1:{port}/session") as driver:
            yield driver
    finally:
        process.kill()
        process.wait()


def test_from_the_link_to_files_both_ways(
    firefox: Firefox, own_address: str, tmp_path: Path
) -> None:
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    up, down = tmp_path / "up.bin", tmp_path / "down.bin"
    for file in (up, down):
        file.write_bytes(os.urandom(FILE_BYTES))
    with hosting(own_address, tmp_path / "home", "--save-to", str(saved_to)) as (host, session):
        firefox.goto(session["url"])
        prompt = host.event("pair_prompt")
        assert prompt["deviceInfo"]["name"] == "Firefox on Linux"
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        host.event("link", state="connected")
        firefox.wait("!document.querySelector('#linked').hidden")

        firefox.run(
            "document.querySelector('#text').value = 'Grüße 🙂'; "
            "document.querySelector('#say').requestSubmit()"
        )
        assert host.event("text")["text"] == "Grüße 🙂"
        host.say(type="text", text="from the host")
        firefox.wait("document.querySelector('#texts').innerText.includes('from the host')")

        firefox.choose("#files", up)
        host.event("transfer", state="done")
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)

        host.say(type="send", paths=[str(down)])
        firefox.wait("document.querySelector('.question .main')")
        firefox.run("document.querySelector('.question .main').click()")
        host.event("transfer", state="done", direction="out")
        got = tmp_path / "downloads" / "down.bin"
        deadline = time.monotonic() + PATIENCE
        while not (got.is_file() and got.stat().st_size == FILE_BYTES):
            assert time.monotonic() < deadline, "nothing was saved"
            firefox.run("1")
        assert sha256_of(got) == sha256_of(down)
        assert firefox.log == []
