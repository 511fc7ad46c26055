"""Two linked programs that move files, and the files on the disk for them."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.programs import PROXIM, Program, running

MEGABYTE: Final = 1_000_000
PIECE_BYTES: Final = 1024 * 1024
# No round is discarded: the rounds are long, and each begins with a small transfer.
UNMEASURED: Final = 0
# Seconds, for what is large or slow; a program that takes longer hangs.
LONG_SECONDS: Final = 600.0


class SkippedError(Exception):
    """A side cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A host and a guest that accept every file, each into a folder of its own."""

    host: Program
    guest: Program
    # The host's folder comes first, then the guest's.
    folders: tuple[Path, Path]

    async def move(
        self, path: Path, *, to_host: bool, keep: bool = False, via: str = "lane"
    ) -> float:
        """Return the seconds from the sender's `send` to the receiver's `done`, after checking all
        files; remove what came.
        """
        sender, receiver = (self.guest, self.host) if to_host else (self.host, self.guest)
        started = time.perf_counter()
        sender.say(type="send", paths=[str(path)])
        done = await receiver.event(LONG_SECONDS, event="transfer", direction="in", state="done")
        took = time.perf_counter() - started
        if done["via"] != via:
            raise RuntimeError(f"it did not go over {via}")
        check(path, Path(str(done["path"])))
        await sender.event(LONG_SECONDS, event="transfer", direction="out", state="done")
        if not keep:
            clear(self.folders[0] if to_host else self.folders[1])
        return took


@contextlib.asynccontextmanager
async def linked(
    folder: Path,
    *,
    host_options: Sequence[str] = (),
    before: tuple[Sequence[str], Sequence[str]] = ((), ()),
    rewrite: "tuple[str, str] | None" = None,
    via: str = "lane",
) -> AsyncIterator[Linked]:
    """Run both programs, linked and at rest; files go `via` webrtc or a lane.

    `rewrite` changes an address in the QR's URL.
    """
    folders = (folder / "to-host", folder / "to-guest")
    for one in folders:
        one.mkdir(exist_ok=True)
    host_command = (
        *before[0],
        *PROXIM,
        "host",
        "--json",
        "--save-to",
        str(folders[0]),
        *host_options,
    )
    async with running(host_command) as host:
        url = str((await host.event(event="session"))["url"])
        if rewrite is not None:
            url = url.replace(*rewrite)
        guest_command = (
            *before[1],
            *PROXIM,
            "join",
            "--json",
            "--yes",
            "--save-to",
            str(folders[1]),
        )
        async with running(guest_command) as guest:
            guest.say(type="join", code=url)
            prompt = await host.event(event="pair_prompt")
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
            await asyncio.gather(
                *(side.event(event="link", state="connected") for side in (host, guest))
            )
            await asyncio.gather(host.at_rest(), guest.at_rest())
            pair = Linked(host, guest, folders)
            await _warm_up(folder, pair, via)
            yield pair


async def _warm_up(folder: Path, pair: Linked, via: str) -> None:
    """Send a small file each way, because a program loads its file code at its first transfer."""
    small = folder / "warm-up.bin"
    small.write_bytes(os.urandom(3 * PIECE_BYTES))
    await pair.move(small, to_host=True, via=via)
    await pair.move(small, to_host=False, via=via)


def check(sent: Path, received: Path) -> None:
    """Compare every file's name and size; Proxim itself checks the bytes."""
    if listed(sent) != listed(received):
        raise RuntimeError("not all of it arrived")


def listed(path: Path) -> list[tuple[str, int]]:
    """Return the files of a folder, or the one file, with their sizes."""
    if path.is_file():
        return [("", path.stat().st_size)]
    return sorted(
        (str(one.relative_to(path)), one.stat().st_size) for one in path.rglob("*") if one.is_file()
    )


def clear(folder: Path) -> None:
    """Remove all that came, and wait for the disk, so that the next round is undisturbed."""
    for one in folder.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()
    settle()


def settle() -> None:
    """Write everything back to the disk, so that it is at rest."""
    if sys.platform != "win32":
        os.sync()


@contextlib.contextmanager
def disk_folder() -> Iterator[Path]:
    """Make a folder on a disk: not in /tmp, which is often memory. TMPDIR names another place."""
    # The folder below it gets a random name.
    usual = Path("/var/tmp")
    where = usual if "TMPDIR" not in os.environ and usual.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="proxim-bench-", dir=where) as folder:
        yield Path(folder)


def make_file(path: Path, size: int) -> Path:
    """Write random bytes to the disk before anything is measured; the system caches them, too."""
    with open(path, "wb") as file:
        file.writelines(
            os.urandom(min(PIECE_BYTES, size - at)) for at in range(0, size, PIECE_BYTES)
        )
        file.flush()
        os.fsync(file.fileno())
    return path


def make_small_files(folder: Path, count: int, size: int) -> Path:
    """Make so many files, a hundred in each folder, and return the path."""
    for number in range(count):
        place = folder / f"{number // 100:03}"
        if number % 100 == 0:
            place.mkdir(parents=True)
        (place / f"{number:05}.bin").write_bytes(os.urandom(size))
    settle()
    return folder
