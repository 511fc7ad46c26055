"""A Firefox for tests, driven by WebDriver BiDi; all tests of a worker share one."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import pytest
from websockets.sync.client import ClientConnection

from tests.programs.program import JSON, Program
from tests.web.remote import RemoteBrowser

# Firefox saves downloads without a question into the folder that it is given. These are its names.
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
}


class Firefox(RemoteBrowser):
    """A Firefox in which each test has a tab with storage of its own: starting one takes longer
    than most of the tests.
    """

    # What it downloads comes here.
    downloads: Path

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.log: list[str] = []
        self.tab = self._person = ""
        self._past: set[str] = set()
        self.command("session.new", {"capabilities": {}})
        self.command("session.subscribe", {"events": ["log.entryAdded"]})

    @contextmanager
    def another_person(self) -> Iterator[Self]:
        """Open a tab whose storage, cache and log begin empty, as does the folder of downloads."""
        for one in self.downloads.iterdir():
            one.unlink()
        self._person = self.command("browser.createUserContext", {})["userContext"]
        opened = {"type": "tab", "userContext": self._person}
        self.tab = self.command("browsingContext.create", opened)["context"]
        self.log = []
        yield self
        self._past.add(self.tab)
        self.command("browser.removeUserContext", {"userContext": self._person})

    def happened(self, event: dict[str, Any]) -> None:
        params = event["params"]
        if (
            event.get("method") == "log.entryAdded"
            and params["level"] in ("error", "warn")
            and params["source"].get("context") not in self._past
        ):
            self.log.append(str(params["text"]))

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

    def before_each_page(self, script: str) -> None:
        """Run a script before the scripts of each page that is loaded from now on."""
        function = f"() => {{{script}}}"
        self.command(
            "script.addPreloadScript",
            {"functionDeclaration": function, "userContexts": [self._person]},
        )

    def reload(self) -> None:
        self.command("browsingContext.reload", {"context": self.tab, "wait": "complete"})

    def sees(self, text: str) -> None:
        """Wait until the page shows this text."""
        self.wait(f"document.querySelector('#main').innerText.includes({json.dumps(text)})")

    def joins(self, host: Program, session: JSON) -> None:
        """Open the page, and let the host approve it."""
        self.goto(session["url"])
        prompt = host.event("pair_prompt")
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        host.event("link", state="connected")
        self.wait("!document.querySelector('#linked').hidden")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files as a person does in the file picker."""
        locator = {"type": "css", "value": selector}
        found = self.command(
            "browsingContext.locateNodes", {"context": self.tab, "locator": locator}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.command(
            "input.setFiles", {"context": self.tab, "element": element, "files": [*map(str, files)]}
        )


@contextmanager
def started(home: Path, **more_preferences: bool) -> Iterator[Firefox]:
    """A Firefox that keeps everything in this folder."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox is installed")
    profile, downloads = home / "profile", home / "downloads"
    profile.mkdir()
    downloads.mkdir()
    preferences = {**PREFERENCES, **more_preferences, "browser.download.dir": str(downloads)}
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
    environment = {**os.environ, "HOME": str(home)}
    process = subprocess.Popen(
        [program, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with Firefox.at(f"ws://127.0.0.1:{port}/session") as driver:
            driver.downloads = downloads
            yield driver
    finally:
        process.kill()
        process.wait()


class SharedFirefox:
    """The Firefox of this process. It starts with the first test that needs it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: Firefox | None = None

    def get(self) -> Firefox:
        """Return it."""
        if self._running is None:
            home = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="proxim-firefox-"))
            self._running = self._stack.enter_context(started(Path(home)))
        return self._running

    def end(self) -> None:
        """End it, if it runs."""
        self._running = None
        self._stack.close()


SHARED_FIREFOX: Final = SharedFirefox()


@pytest.fixture
def firefox() -> Iterator[Firefox]:
    with SHARED_FIREFOX.get().another_person() as browser:
        yield browser
