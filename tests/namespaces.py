"""Network namespaces for tests, made in the same way by root and by an ordinary user.

A helper process, the keeper, gets its own network and mount namespaces. For an ordinary user it
also gets a user namespace, in which that user counts as root. Inside, `ip netns` works as usual.
Nothing of it is visible outside, so tests that run side by side never interfere. Everything
disappears with the keeper, which ends with the test's process even if that is killed. Linux only.
"""

import contextlib
import ctypes
import functools
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TUN = Path("/dev/net/tun")
# This number comes from linux/if_tun.h.
TUNSETIFF = 0x400454CA
# These flags are IFF_TAP | IFF_NO_PI.
IFF_TAP_WITHOUT_INFO = 0x0002 | 0x1000
READY = b"ready"
# These flags come from linux/sched.h, linux/mount.h and sys/mount.h.
CLONE_NEWNS = 0x00020000
MS_REC_SLAVE = 0x4000 | 0x80000
MNT_DETACH = 2
# Seconds: a generous limit for commands that take milliseconds on an idle machine.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Inside:
    """A network namespace of a keeper, as a process enters it."""

    keeper: int
    name: str

    def command(self, *arguments: str) -> list[str]:
        """Return a command line that runs `arguments` in it."""
        return [*_enter(self.keeper), "ip", "netns", "exec", self.name, *arguments]

    def enter(self) -> None:
        """Take this process there, which has one thread, as `command` takes a new one there."""
        if sys.platform == "win32":
            raise OSError("network namespaces are Linux's")
        kinds = ("net", "mnt") if _is_root() else ("user", "net", "mnt")
        spaces = [os.open(f"/proc/{self.keeper}/ns/{kind}", os.O_RDONLY) for kind in kinds]
        for space in spaces:
            _enter_namespace(space)
        _enter_namespace(os.open(f"/run/netns/{self.name}", os.O_RDONLY))
        libc = ctypes.CDLL(None, use_errno=True)
        _check(libc.unshare(CLONE_NEWNS))
        _check(libc.mount(b"none", b"/", None, MS_REC_SLAVE, None))
        # /sys shows the interfaces of the namespace in which it was mounted. An ordinary user may
        # not unmount the machine's, only cover it, and by one that allows no more.
        libc.umount2(b"/sys", MNT_DETACH)
        read_only = os.statvfs("/sys").f_flag & os.ST_RDONLY
        _check(libc.mount(self.name.encode(), b"/sys", b"sysfs", read_only, None))


class Namespaces:
    """The keeper process and the network namespaces that are made inside it."""

    def __init__(self, keeper: subprocess.Popen[bytes], requests: socket.socket) -> None:
        self._keeper = keeper
        self._requests = requests

    def add(self, name: str) -> None:
        """Make a network namespace with this name."""
        self.run("ip", "netns", "add", name)

    def inside(self, namespace: str) -> Inside:
        """Return the network namespace with this name."""
        return Inside(self._keeper.pid, namespace)

    def command(self, namespace: str, *arguments: str) -> list[str]:
        """Return a command line that runs `arguments` in the network namespace with this name."""
        return self.inside(namespace).command(*arguments)

    def run(self, *arguments: str) -> None:
        """Run a command in the keeper's namespaces and wait for its end."""
        _run([*_enter(self._keeper.pid), *arguments])

    def open_tap(self, name: str) -> int:
        """Make a TAP device in the keeper's network namespace and return a file descriptor for its
        other end.
        """
        if sys.platform == "win32":
            raise OSError("TAP devices are Linux's")
        self._requests.sendall(name.encode())
        _, descriptors, _, _ = socket.recv_fds(self._requests, 1, 1)
        if not descriptors:
            raise OSError(f"no TAP device could be made: {self._last_words()}")
        return descriptors[0]

    def _last_words(self) -> str:
        assert self._keeper.stderr is not None
        return self._keeper.stderr.read().decode(errors="replace").strip()

    def _wait_until_ready(self) -> None:
        if self._requests.recv(len(READY)) != READY:
            raise OSError(self._last_words() or "the namespaces' keeper ended without a word")


@contextlib.contextmanager
def namespaces() -> Iterator[Namespaces]:
    """Start a keeper for network namespaces; an OSError says why this machine allows none."""
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
    """Return why tests cannot have network namespaces with TAP devices here, or None."""
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


def _enter(keeper: int) -> list[str]:
    user = [] if _is_root() else ["--user", "--preserve-credentials"]
    # Entering another mount namespace loses the working directory, so --wd uses the keeper's.
    return ["nsenter", f"--target={keeper}", *user, "--net", "--mount", "--wd"]


def _enter_namespace(space: int) -> None:
    # os.setns is only in Python 3.12.
    _check(ctypes.CDLL(None, use_errno=True).setns(space, 0))
    os.close(space)


def _check(done: int) -> None:
    if done != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")


def _keep() -> None:
    """Run as the keeper: make TAP devices by name until the other end of the socket is closed."""
    if sys.platform != "linux":
        raise OSError("network namespaces are Linux's")
    # `ip netns` keeps its names in /run/netns. Only root may write there, and all tests would share
    # it, so the keeper mounts its own /run.
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
