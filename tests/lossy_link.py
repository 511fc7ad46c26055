"""Two network namespaces joined by a poor cable: delay and loss, made by a relay of ours between two TAP devices.

`tc netem` would be the usual means, but it is a kernel module that many machines (containers, small VMs) lack; a TAP
device needs only /dev/net/tun. Traffic never leaves the two namespaces. Linux, root.
"""

import contextlib
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP_WITHOUT_INFO = 0x0002 | 0x1000  # IFF_TAP | IFF_NO_PI
FRAME_BYTES = 2048  # a 1500-byte packet with its Ethernet header


def missing() -> str | None:
    """Why this machine cannot have such a link; None if it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    if subprocess.run(["ip", "netns", "list"], capture_output=True, check=False).returncode != 0:
        return "`ip netns` does not work here (Debian: iproute2)"
    return None


@dataclass
class LossyLink:
    """The cable: `delay` seconds one way, `loss` as a share of frames in each direction; `cut` loses everything."""

    delay: float
    loss: float
    namespaces: tuple[str, str] = ("", "")
    addresses: tuple[str, str] = ("10.77.0.1", "10.77.0.2")
    cut: bool = False
    _taps: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def command(self, side: int, *arguments: str) -> list[str]:
        """A command line that runs `arguments` on one side."""
        return ["ip", "netns", "exec", self.namespaces[side], *arguments]

    def _relay(self) -> None:
        dice = random.Random(1)  # the same losses each time
        waiting: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._stop.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, tap, frame = heapq.heappop(waiting)
                with contextlib.suppress(OSError):  # the interface is down
                    os.write(tap, frame)
            pause = min(0.05, max(0.0, waiting[0][0] - now)) if waiting else 0.05
            readable, _, _ = select.select(self._taps, [], [], pause)
            for tap in readable:
                frame = os.read(tap, FRAME_BYTES)
                if self.cut or dice.random() < self.loss:
                    continue
                other = self._taps[1 - self._taps.index(tap)]
                count += 1
                heapq.heappush(waiting, (time.monotonic() + self.delay, count, other, frame))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _open_tap(name: str) -> int:
    if sys.platform != "linux":
        raise OSError("TAP devices are Linux's")
    import fcntl

    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP_WITHOUT_INFO))
    return tap


@contextlib.contextmanager
def lossy_link(delay: float, loss: float) -> Iterator[LossyLink]:
    """Make the namespaces and the cable; remove both at the end."""
    link = LossyLink(delay, loss, (f"proxim-a-{os.getpid()}", f"proxim-b-{os.getpid()}"))
    relay = threading.Thread(target=link._relay, name="lossy link")
    try:
        for side, namespace in enumerate(link.namespaces):
            tap_name = f"px{side}-{os.getpid()}"[:15]
            link._taps.append(_open_tap(tap_name))
            _ip("netns", "add", namespace)
            _ip("link", "set", tap_name, "netns", namespace, "name", "eth0")
            _ip("-n", namespace, "addr", "add", f"{link.addresses[side]}/24", "dev", "eth0")
            _ip("-n", namespace, "link", "set", "lo", "up")
            _ip("-n", namespace, "link", "set", "eth0", "up")
        relay.start()
        yield link
    finally:
        link._stop.set()
        if relay.is_alive():
            relay.join()
        for tap in link._taps:
            os.close(tap)
        for namespace in link.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
