"""The page in Firefox, driven by WebDriver BiDi: opens the link, pairs, exchanges text and a file each way."""

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
from websockets.sync.client import ClientConnection, connect

from tests.web.browser import hosting, sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PATIENCE = 30.0
FILE_BYTES = 3_000_001
# Downloads without a question, into the folder of the test; the names of Firefox's own settings.
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
}


class Firefox:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self.log: list[str] = []
        self._command("session.new", capabilities={})
        self._command("session.subscribe", events=["log.entryAdded"])
        self.tab = self._command("browsingContext.getTree")["contexts"][0]["context"]

    def _command(self, method: str, **params: Any) -> Any:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._last:
                assert answer["type"] == "success", answer
                return answer["result"]
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] in ("error", "warn"):
                self.log.append(str(answer["params"]["text"]))

    def goto(self, url: str) -> None:
        self._command("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def run(self, script: str) -> Any:
        """What an expression gives."""
        done = self._command("script.evaluate", expression=script, target={"context": self.tab}, awaitPromise=True)
        assert done["type"] == "success", done
        return done["result"].get("value")

    def wait(self, script: str) -> None:
        """Until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < deadline, (script, self.log, self.run("document.body.innerText"))

    def choose(self, selector: str, file: Path) -> None:
        """As a person in the file picker."""
        found = self._command(
            "browsingContext.locateNodes", context=self.tab, locator={"type": "css", "value": selector}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self._command("input.setFiles", context=self.tab, element=element, files=[str(file)])


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox is installed")
    profile = tmp_path / "profile"
    profile.mkdir()
    preferences = {**PREFERENCES, "browser.download.dir": str(tmp_path / "downloads")}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
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
        with _connected(port) as driver:
            yield Firefox(driver)
    finally:
        process.kill()
        process.wait()


def _connected(port: int) -> ClientConnection:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}/session", max_size=None)
        except OSError:
            assert time.monotonic() < deadline, "Firefox does not listen"


def test_from_the_link_to_files_both_ways(firefox: Firefox, own_address: str, tmp_path: Path) -> None:
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
            "document.querySelector('#text').value = 'Grüße 🙂'; document.querySelector('#say').requestSubmit()"
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
