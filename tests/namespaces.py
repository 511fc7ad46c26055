"""Network namespaces for tests, made in the same way by root and by an ordinary user.

A process of ours, the keeper, gets a network and a mount namespace of its own; for an ordinary user
also a user namespace, in which that user counts as root. Inside, `ip netns` works as on a machine
of one's own. Nothing of it is visible outside, so that tests which run side by side never meet; and
all of it is gone with the keeper, which ends with the test's process even if that is killed. Linux.
"""

import contextlib
import functools
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TUN = Path("/dev/net/tun")
# linux/if_tun.h
TUNSETIFF = 0x400454CA
# IFF_TAP | IFF_NO_PI
IFF_TAP_WITHOUT_INFO = 0x0002 | 0x1000
READY = b"ready"
# Seconds, for a command that takes milliseconds on an idle machine
PATIENCE = 30.0


class Namespaces:
    """The keeper, and what is made inside its namespaces."""

    def __init__(self, keeper: subprocess.Popen[bytes], requests: socket.socket) -> None:
        self._keeper = keeper
        self._requests = requests

    def add(self, name: str) -> None:
        """Make a network namespace of that name."""
        self.run("ip", "netns", "add", name)

    def command(self, namespace: str, *arguments: str) -> list[str]:
        """A command line that runs `arguments` in the network namespace of that name."""
        return [*self._enter(), "ip", "netns", "exec", namespace, *arguments]

    def run(self, *arguments: str) -> None:
        """Run a command where the namespaces are made, and wait for its end."""
        _run([*self._enter(), *arguments])

    def open_tap(self, name: str) -> int:
        """Make a TAP device in the keeper's network namespace; what is read and written at its
        other end.
        """
        if sys.platform == "win32":
            raise OSError("TAP devices are Linux's")
        self._requests.sendall(name.encode())
        _, descriptors, _, _ = socket.recv_fds(self._requests, 1, 1)
        if not descriptors:
            raise OSError(f"no TAP device could be made: {self._last_words()}")
        return descriptors[0]

    def _enter(self) -> list[str]:
        user = [] if _is_root() else ["--user", "--preserve-credentials"]
        # A changed mount namespace takes the working directory away: the keeper's is used
        return ["nsenter", f"--target={self._keeper.pid}", *user, "--net", "--mount", "--wd"]

    def _last_words(self) -> str:
        assert self._keeper.stderr is not None
        return self._keeper.stderr.read().decode(errors="replace").strip()

    def _wait_until_ready(self) -> None:
        if self._requests.recv(len(READY)) != READY:
            raise OSError(self._last_words() or "the namespaces' keeper ended without a word")


@contextlib.contextmanager
def namespaces() -> Iterator[Namespaces]:
    """A place for network namespaces; an OSError says why this machine gives none."""
    user = [] if _is_root() else ["--user", "--map-root-user"]
    ours, keepers = socket.socketpair()
    ours.settimeout(PATIENCE)
    command = ["unshare", *user, "--net", "--mount", sys.executable, str(Path(__file__))]
    with (
        ours,
        subprocess.Popen(
            command, stdin=keepers.fileno(), stderr=subprocess.PIPE, cwd=ROOT
        ) as keeper,
    ):
        try:
            keepers.close()
            made = Namespaces(keeper, ours)
            made._wait_until_ready()
            yield made
        finally:
            keeper.kill()


@functools.cache
def missing() -> str | None:
    """Why tests cannot have network namespaces with TAP devices on this machine; None if they
    can.
    """
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    lacking = [tool for tool in ("ip", "unshare", "nsenter") if shutil.which(tool) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: iproute2, util-linux)"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"{TUN} is not there, or this user may not open it"
    try:
        with namespaces() as place:
            os.close(place.open_tap("probe"))
            place.add("probe")
            _run(place.command("probe", "true"))
    except OSError as error:
        return f"this machine gives this user no network namespaces: {error}"
    return None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")


def _keep() -> None:
    """What the keeper does: make TAP devices by name until nobody holds the other end."""
    if sys.platform != "linux":
        raise OSError("network namespaces are Linux's")
    # `ip netns` keeps its names in /run/netns, which only root may write and all would share
    _run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    with socket.socket(fileno=0) as requests:
        requests.sendall(READY)
        while name := requests.recv(64):
            socket.send_fds(requests, [b"."], [tap := _make_tap(name)])
            os.close(tap)


def _make_tap(name: bytes) -> int:
    if sys.platform != "linux":
        raise OSError("TAP devices are Linux's")
    import fcntl

    tap = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name, IFF_TAP_WITHOUT_INFO))
    return tap


if __name__ == "__main__":
    _keep()
