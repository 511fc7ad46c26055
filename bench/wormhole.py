"""magic-wormhole from PyPI with its own mailbox and relay, all on loopback, in its own virtual
environment.

The environment is made when it is first needed, and kept in the user's cache folder.
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
import time
import venv
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from bench.measure import progress
from bench.programs import PATIENCE
from bench.secure_copy import free_port, until_listening
from bench.transfers import LONG_SECONDS, SkippedError

_PACKAGES: Final = (
    "magic-wormhole",
    "magic-wormhole-mailbox-server",
    "magic-wormhole-transit-relay",
)
_INSTALL_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class Wormhole:
    """The running servers, and the command that uses them."""

    command: tuple[str, ...]

    async def send(self, what: Path, target: Path) -> float:
        """Return the seconds from when the receiver has opened a file to its end; earlier steps of
        both sides are not counted.
        """
        code = f"{secrets.randbelow(10**6)}-bench-{secrets.token_hex(4)}"
        sending = ("send", "--hide-progress", "--code", code, str(what))
        receiving = ("receive", "--hide-progress", "--accept-file", "-o", str(target), code)
        processes: list[Process] = []
        try:
            for end in (sending, receiving):
                command = (*self.command, *end)
                processes.append(
                    await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
                )
            part = target.with_name(target.name + ".tmp")
            async with asyncio.timeout(LONG_SECONDS):
                while not part.exists() and processes[1].returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
                started = time.perf_counter()
                if await processes[1].wait() or await processes[0].wait():
                    raise SkippedError("magic-wormhole failed")
            return time.perf_counter() - started
        finally:
            for process in processes:
                await _end(process)


@contextlib.asynccontextmanager
async def wormhole(folder: Path) -> AsyncIterator[Wormhole]:
    """Start mailbox and relay; raise SkippedError where they are not available."""
    if sys.platform == "win32":
        raise SkippedError("it is measured on systems with Unix paths only")
    programs = await asyncio.to_thread(_installed)
    mailbox, relay = free_port(), free_port()
    twist = str(programs / "twist")
    servers = (
        (twist, "wormhole-mailbox", f"--port=tcp:{mailbox}:interface=127.0.0.1"),
        (twist, "transitrelay", f"--port=tcp:{relay}:interface=127.0.0.1"),
    )
    running: list[Process] = []
    try:
        for command in servers:
            server = await asyncio.create_subprocess_exec(
                *command, cwd=folder, stdout=DEVNULL, stderr=DEVNULL
            )
            running.append(server)
        for port in (mailbox, relay):
            await until_listening(port)
        url, helper = f"ws://127.0.0.1:{mailbox}/v1", f"tcp:127.0.0.1:{relay}"
        yield Wormhole((str(programs / "wormhole"), "--relay-url", url, "--transit-helper", helper))
    finally:
        for process in running:
            await _end(process)


def _installed() -> Path:
    """Return the folder of its programs, after installing them if necessary."""
    home = (
        user_cache_path("proxim-bench")
        / f"wormhole-{sys.version_info.major}.{sys.version_info.minor}"
    )
    programs = home / "bin"
    if not (programs / "installed").exists():
        progress("(installing magic-wormhole) ", end="")
        venv.create(home, with_pip=True, clear=True)
        install = [str(programs / "python"), "-m", "pip", "install", "--quiet", *_PACKAGES]
        try:
            subprocess.run(install, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise SkippedError("magic-wormhole could not be installed from PyPI") from None
        (programs / "installed").touch()
    return programs


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
