"""Runs a tool of the system with a time-out, without a shell, special rights or a window."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# PowerShell's firewall cmdlets need 2-5 s on an old laptop. Everything else answers at once.
TOOL_SECONDS: Final = 8.0
# This is enough for a long nftables ruleset. No parser reads anything beyond it.
MAX_OUTPUT_BYTES: Final = 1 << 20

# ufw and nft are in these folders, which an ordinary user's PATH lacks.
_ADMIN_PATH: Final = "/usr/sbin:/sbin:/usr/local/sbin"


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool printed, and its exit status.

    `status` is None if the tool could not be started or did not end in time.
    """

    status: int | None
    text: str = ""


Run = Callable[[Sequence[str]], Awaitable[ToolOutput]]


def tool_environment(environment: Mapping[str, str], *, frozen: bool) -> dict[str, str]:
    """Return the environment for a tool: with English output, and the system's library path.

    PyInstaller's executable sets a library path for itself (its manual).
    """
    clean = {**environment, "LC_ALL": "C", "LANGUAGE": "C"}
    if frozen:
        original = clean.pop("LD_LIBRARY_PATH_ORIG", None)
        clean.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            clean["LD_LIBRARY_PATH"] = original
    return clean


def _find(program: str) -> str | None:
    """Return the tool's file. A full path is used unchanged."""
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + os.pathsep + _ADMIN_PATH)


async def run_tool(arguments: Sequence[str], seconds: float = TOOL_SECONDS) -> ToolOutput:
    """Run a tool and read what it prints."""
    path = _find(arguments[0])
    if path is None:
        return ToolOutput(None)
    creation_flags = 0
    if sys.platform == "win32":
        # Without this flag a console flashes up beside our window.
        creation_flags = subprocess.CREATE_NO_WINDOW
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=tool_environment(os.environ, frozen=bool(getattr(sys, "frozen", False))),
            creationflags=creation_flags,
        )
    except OSError:
        # The tool exists, but we may not start it.
        return ToolOutput(None)
    try:
        async with asyncio.timeout(seconds):
            raw, _ = await process.communicate()
    except TimeoutError:
        return ToolOutput(None)
    finally:
        # Without an exit status, the tool timed out or this task was cancelled.
        if process.returncode is None:
            process.kill()
            await process.wait()
    return ToolOutput(process.returncode, raw[:MAX_OUTPUT_BYTES].decode(errors="replace"))
