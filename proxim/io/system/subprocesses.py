"""Asking a tool of the system something: with a time-out, without a shell, without rights and
without a window.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# PowerShell's firewall cmdlets need 2-5 s on an old laptop; everything else answers at once
TOOL_SECONDS: Final = 8.0
# A long nftables ruleset; what is beyond is not read by any parser
MAX_OUTPUT_BYTES: Final = 1 << 20

# Where ufw and nft are, and an ordinary user's PATH is not
_ADMIN_PATH: Final = "/usr/sbin:/sbin:/usr/local/sbin"


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool said; `status` is None where it could not be started or did not end in time."""

    status: int | None
    text: str = ""


Run = Callable[[Sequence[str]], Awaitable[Output]]


def tool_environment(environment: Mapping[str, str], *, frozen: bool) -> dict[str, str]:
    """English output, and without the library path that PyInstaller's executable sets for itself
    (its manual).
    """
    clean = {**environment, "LC_ALL": "C", "LANGUAGE": "C"}
    if frozen:
        original = clean.pop("LD_LIBRARY_PATH_ORIG", None)
        clean.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            clean["LD_LIBRARY_PATH"] = original
    return clean


def _find(program: str) -> str | None:
    """The tool's file; a full path is taken as it is."""
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + os.pathsep + _ADMIN_PATH)


async def run_tool(arguments: Sequence[str], seconds: float = TOOL_SECONDS) -> Output:
    """Run a tool and read what it prints."""
    path = _find(arguments[0])
    if path is None:
        return Output(None)
    creation_flags = 0
    if sys.platform == "win32":
        # Else a console flashes up beside our window
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
        # There, but not ours to start
        return Output(None)
    try:
        async with asyncio.timeout(seconds):
            raw, _ = await process.communicate()
    except TimeoutError:
        return Output(None)
    finally:
        # Timed out or cancelled
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Output(process.returncode, raw[:MAX_OUTPUT_BYTES].decode(errors="replace"))
