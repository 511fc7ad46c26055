"""A browser's own remote control over a WebSocket, both for WebDriver BiDi (Firefox) and for the
DevTools protocol (Chromium).

It does what Playwright cannot: Playwright drives no installed Firefox, and it keeps every tab
"visible", so that none freezes.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Self

from websockets.sync.client import ClientConnection, connect

PATIENCE: Final = 30.0


class RemoteBrowser(ABC):
    """Sends commands and reads their answers; passes events in between to `happened`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0

    @classmethod
    @contextmanager
    def at(cls, url: str) -> Iterator[Self]:
        """Connect to a browser that may still be starting."""
        deadline = time.monotonic() + PATIENCE
        with ExitStack() as connected:
            while True:
                try:
                    socket = connected.enter_context(connect(url, max_size=None))
                    break
                except OSError:
                    assert time.monotonic() < deadline, "the browser does not listen"
            yield cls(socket)

    def command(self, method: str, params: dict[str, Any], **more: str) -> Any:
        """Send one command and return its result."""
        self._last += 1
        self._socket.send(
            json.dumps({"id": self._last, "method": method, "params": params, **more})
        )
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._last:
                assert "result" in answer, answer
                return answer["result"]
            self.happened(answer)

    @abstractmethod
    def happened(self, event: dict[str, Any]) -> None:
        """Handle an event that the browser sends unasked."""

    @abstractmethod
    def run(self, script: str) -> Any:
        """Return the value of an expression in the tab."""

    def wait(self, script: str) -> None:
        """Wait until an expression is true in the tab."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < deadline, (script, self.run("document.body.innerText"))
