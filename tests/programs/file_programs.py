"""Helpers for tests in which two linked programs move files: make trees of files, start the
programs and compare what arrives.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.gate import Gate
from tests.loopback import free_port
from tests.lossy_link import LossyLink
from tests.programs.program import JSON, PATIENCE, SOURCE, Program, pair

NOISE = os.urandom(1024 * 1024)
OVER = ("done", "failed", "cancelled")


def write_file(path: Path, size: int) -> Path:
    """Write a file in which no two places are alike, quickly, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, size, len(NOISE)):
            file.write((start.to_bytes(8) + NOISE[8:])[: size - start])
    return path


def write_sparse(path: Path, size: int) -> Path:
    """Write a file that is a hole except for a few bytes at both ends, and return its path."""
    with path.open("wb") as file:
        file.write(b"first")
        file.seek(size - 4)
        file.write(b"last")
    return path


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree(folder: Path) -> dict[str, tuple[str, int] | None]:
    """Return everything below a folder by its path: a file's hash and time, None for a folder."""
    return {
        path.relative_to(folder).as_posix(): None
        if path.is_dir()
        else (sha256(path), int(path.stat().st_mtime))
        for path in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones included."""
    return sorted(path.name for path in folder.iterdir())


# --- programs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sides:
    """The test's folders: each program's own files, and where each saves what it receives."""

    root: Path

    @property
    def gate(self) -> Gate:
        """The gate that limits what both programs send; close it before they are started."""
        return Gate(self.root / "gate")

    def home(self, side: str) -> Path:
        return self.root / f"{side}-home"

    def saved(self, side: str) -> Path:
        folder = self.root / f"{side}-saved"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def source(self) -> Path:
        folder = self.root / "source"
        folder.mkdir(exist_ok=True)
        return folder

    def start_host(
        self, *arguments: str, link: LossyLink | None = None, save: bool = True
    ) -> Program:
        # Behind a cable the host is alone, so it can listen on the usual port.
        port = ["--port", str(free_port())] if link is None else []
        return self._start("host", ["host", "--json", *port, *arguments], link, 0, save)

    def start_guest(
        self, url: str, *arguments: str, link: LossyLink | None = None, save: bool = True
    ) -> Program:
        return self._start("guest", ["join", "--json", "--yes", url, *arguments], link, 1, save)

    def _start(
        self, side: str, command: list[str], link: LossyLink | None, end: int, save: bool
    ) -> Program:
        where = ["--save-to", str(self.saved(side))] if save else []
        inside = None if link is None else link.inside(end)
        # An open gate would change nothing, so the program then runs as people start it.
        proxim = SOURCE if self.gate.allowed is None else self.gate.command
        command = [*proxim, *command, *where]
        return Program(command, self.home(side), inside=inside, forked=True)


@contextlib.contextmanager
def linked(
    sides: Sides,
    *,
    host: Sequence[str] = (),
    guest: Sequence[str] = (),
    link: LossyLink | None = None,
    save: bool = True,
) -> Iterator[tuple[Program, Program]]:
    """Run a linked host and guest; by default both save what they receive without asking."""
    with sides.start_host(*host, link=link, save=save) as first:
        url = first.event("session")["url"]
        with sides.start_guest(url, *guest, link=link, save=save) as second:
            pair(first, second)
            yield first, second


# --- what they report -----------------------------------------------------------------------------


def transfer_where(
    program: Program, fits: Callable[[JSON], bool], patience: float = PATIENCE
) -> JSON:
    """Wait for the next event of a transfer that fits, and return it."""
    while True:
        event = program.event("transfer", patience)
        if fits(event):
            return event


def moving(program: Program, more_than: int = 0, **wanted: object) -> JSON:
    """Wait until a transfer has written more than so many bytes, but not all; return its event."""
    return transfer_where(
        program,
        lambda event: (
            event["state"] == "active"
            and more_than < event["bytes"] < event["size"]
            and all(event.get(key) == value for key, value in wanted.items())
        ),
    )


def ends(program: Program, count: int = 1, patience: float = PATIENCE) -> dict[str, JSON]:
    """Return the final events of the next `count` transfers that end, by their names."""
    found: dict[str, JSON] = {}
    while len(found) < count:
        event = transfer_where(program, lambda one: one["state"] in OVER, patience)
        found[event["transferID"]] = event
    return {event["name"]: event for event in found.values()}


def end(program: Program, patience: float = PATIENCE) -> JSON:
    """Return the final event of the next transfer that ends."""
    (event,) = ends(program, 1, patience).values()
    return event


def until(reached: Callable[[], bool]) -> None:
    """Wait for a condition that no program reports."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "it was not reached"
        time.sleep(0.02)


def send(program: Program, *paths: Path) -> None:
    program.say(type="send", paths=[str(path) for path in paths])
