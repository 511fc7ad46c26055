"""Drives the system's Chromium over the DevTools protocol, without Playwright's settings."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection

from tests.web.browser import chromium_program
from tests.web.remote import PATIENCE, RemoteBrowser


class Chromium(RemoteBrowser):
    """One tab beside another, over the DevTools protocol: a tab counts as hidden and can be frozen
    only if another one is in front of it.
    """

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self._tab = ""
        self._session = ""
        self._other = ""

    def open(self, url: str, downloads: Path | None = None) -> None:
        """Open the page in the tab, and set the folder that it saves to. Without a folder the
        profile's settings decide what is saved, as for a person.
        """
        self.command("Target.setDiscoverTargets", {"discover": True})
        if downloads is not None:
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


@contextmanager
def remote_chromium(home: Path, *more: str) -> Iterator[Chromium]:
    """A Chromium whose profile is home/profile; `more` are its options."""
    options = ["--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0"]
    profile = f"--user-data-dir={home / 'profile'}"
    environment = {**os.environ, "HOME": str(home)}
    said = home / "said"
    # The output goes into a file, because a browser that complains a lot would stop in the middle
    # if it wrote into a pipe that nobody empties.
    with said.open("w") as output:
        process = subprocess.Popen(
            [chromium_program(windows=True), *options, *more, profile, "about:blank"],
            env=environment,
            stderr=output,
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
