"""`scp` over loopback: an sshd of our own on a free port, with temporary keys, without compression.

The connection is open before anything is measured (ControlMaster), as Proxim's is.
"""

import asyncio
import contextlib
import getpass
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.programs import PATIENCE
from bench.transfers import LONG_SECONDS, SkippedError

# sshd requires this empty folder where root starts it.
_SEPARATION: Final = Path("/run/sshd")
_SERVER: Final = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Compression no
Subsystem sftp internal-sftp
"""
_CLIENT: Final = """\
Host bench
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking no
  Compression no
  LogLevel ERROR
  ControlPath {folder}/socket
"""


@dataclass(frozen=True, slots=True)
class SecureCopy:
    """An open connection."""

    folder: Path

    async def copy(self, what: Path, target: Path) -> float:
        """Return the seconds from the start of `scp` to its end."""
        started = time.perf_counter()
        await _run(
            "scp", "-q", "-r", "-F", str(self.folder / "client"), str(what), f"bench:{target}"
        )
        return time.perf_counter() - started


@contextlib.asynccontextmanager
async def secure_copy(folder: Path) -> AsyncIterator[SecureCopy]:
    """Start both ends; raise SkippedError where this machine lacks one."""
    server = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if server is None or shutil.which("scp") is None:
        raise SkippedError("it needs scp and sshd (Debian: apt-get install openssh-server)")
    made = hasattr(os, "geteuid") and os.geteuid() == 0 and not _SEPARATION.exists()
    if made:
        _SEPARATION.mkdir(mode=0o755)
    own = folder / "ssh"
    own.mkdir(mode=0o700)
    port = free_port()
    for name in ("host_key", "user_key"):
        await _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own / name))
    (own / "server").write_text(_SERVER.format(folder=own, port=port))
    (own / "client").write_text(_CLIENT.format(folder=own, port=port, user=getpass.getuser()))
    (own / "server").chmod(0o600)
    daemon = await asyncio.create_subprocess_exec(
        server, "-D", "-e", "-f", str(own / "server"), stderr=subprocess.DEVNULL
    )
    try:
        await until_listening(port)
        master = await asyncio.create_subprocess_exec(
            "ssh", "-F", str(own / "client"), "-M", "-N", "bench"
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while not (own / "socket").exists():  # noqa: ASYNC110 - another program makes it
                    await asyncio.sleep(0.05)
            yield SecureCopy(own)
        finally:
            await _end(master)
    finally:
        await _end(daemon)
        if made:
            _SEPARATION.rmdir()


def free_port() -> int:
    """Return a TCP port of loopback on which no program listens."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def until_listening(port: int) -> None:
    """Wait until a program listens on the port."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.transport.abort()
                return


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(LONG_SECONDS):
            if await process.wait():
                raise SkippedError(f"{command[0]} failed")
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()
