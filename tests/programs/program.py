"""Real Proxim programs in tests: start them, drive them by JSON lines and end them reliably."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

from tests.namespaces import Inside
from tests.paths import ROOT
from tests.programs.forked import Process, fork

SOURCE = (sys.executable, str(ROOT / "proxim.py"))
# Seconds; a program that takes longer hangs.
PATIENCE = 30.0

JSON = dict[str, Any]


class Program:
    """A running Proxim.

    As a context manager it is killed when the block ends. It collects the program's standard error,
    which failures of `line` show.
    """

    def __init__(
        self,
        command: Sequence[str],
        home: Path,
        *,
        before: Sequence[str] = (),
        inside: Inside | None = None,
        display: str | None = None,
        forked: bool = False,
    ) -> None:
        """Start it, if it is said in a namespace; `forked` spares the imports if the start itself
        is not tested (forked.py).
        """
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        own = {name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
        environment |= own | {"XDG_DOWNLOAD_DIR": str(home / "downloads"), "PYTHONUNBUFFERED": "1"}
        if display is not None:
            environment["DISPLAY"] = display
        self.process: Process
        if forked and fork is not None and not before:
            self.process = fork(command, environment, str(ROOT), inside)
        else:
            if inside is not None:
                before = inside.command(*before)
            self.process = subprocess.Popen(
                [*before, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                env=environment,
                cwd=ROOT,
            )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.errors: list[str] = []
        self.seen: list[JSON] = []
        self._readers = [
            self._start(self._read_out, self.process.stdout),
            self._start(self._read_errors, self.process.stderr),
        ]

    @staticmethod
    def _start(read: Any, stream: IO[str] | None) -> threading.Thread:
        thread = threading.Thread(target=read, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _read_out(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self, stream: IO[str]) -> None:
        for line in stream:
            self.errors.append(line.rstrip("\n"))

    def line(self, patience: float = PATIENCE) -> str:
        """Return the next line of standard output."""
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            raise AssertionError(
                f"no line within {patience} s; before: {self.seen}, {self.errors}"
            ) from None
        if line is None:
            raise AssertionError(f"the program ended; before: {self.seen}, {self.errors}")
        return line

    def rest(self) -> list[str]:
        """Return all lines up to the end of standard output."""
        return list(iter(lambda: self._lines.get(timeout=PATIENCE), None))

    def event(self, name: str, patience: float = PATIENCE, **wanted: Any) -> JSON:
        """Return the next JSON line with this event and these fields; `seen` keeps it and those
        before it.
        """
        deadline = time.monotonic() + patience
        while True:
            event: JSON = json.loads(self.line(max(0.0, deadline - time.monotonic())))
            self.seen.append(event)
            if event["event"] == name and all(
                event.get(key) == value for key, value in wanted.items()
            ):
                return event

    def text_line(self, part: str, patience: float = PATIENCE) -> str:
        """Return the next line of plain output that contains `part`."""
        deadline = time.monotonic() + patience
        while part not in (line := self.line(max(0.0, deadline - time.monotonic()))):
            self.errors.append(f"stdout: {line}")
        return line

    def say(self, **command: Any) -> None:
        """Write one JSON line to standard input."""
        self.type(json.dumps(command))

    def type(self, line: str) -> None:
        """Write one line to standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ended(self, patience: float = PATIENCE) -> int:
        """Wait for the program's end and return the exit status."""
        status = self.process.wait(patience)
        for reader in self._readers:
            reader.join(patience)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.ended()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def pair(host: Program, guest: Program) -> None:
    """Approve the request that `guest` has sent and wait until both are linked."""
    prompt = host.event("pair_prompt")
    host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
    guest.event("link", state="connected")
    host.event("link", state="connected")


def exchange_text(host: Program, guest: Program) -> None:
    """Send text both ways and check that it arrives unchanged."""
    for sender, receiver, text in (
        (guest, host, "Grüße, 你好, 🙂 from the guest"),
        (host, guest, "x" * 100_000),
    ):
        sender.say(type="text", text=text)
        assert receiver.event("text")["text"] == text
