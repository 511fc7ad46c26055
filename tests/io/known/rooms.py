"""Rooms of several devices: network namespaces on bridges, with real multicast. Linux only."""

import contextlib
import functools
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxim.core.known.announcement import SLOT_SECONDS
from tests.namespaces import ROOT, Namespaces, missing, namespaces

# In seconds; only a test that hangs waits so long.
PATIENCE = 40.0
HERE = Path(__file__).resolve().parent


@functools.cache
def lacking() -> str | None:
    """Return why there can be no rooms here, or None."""
    if (why := missing()) is not None:
        return why
    try:
        with rooms() as place:
            place.add_network("probe")
            place.add_device("probe", "probe", "10.80.99.1/24")
    except OSError as error:
        return f"this machine has no bridges in network namespaces: {error}"
    return None


class Child:
    """A program on a device; its lines are read by a thread."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def next_line(self, seconds: float = PATIENCE) -> str:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            line = None
        assert line is not None, f"it has ended or says nothing more: {self.lines}"
        return line

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        # It reads to the end, which has come; its pipe is open until then.
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Device(Child):
    """A device that announces itself or looks for others (finder.py)."""

    def tell(self, do: str, **fields: object) -> None:
        """Give a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self.process.stdin.flush()

    def wait(self, event: str, **wanted: object) -> dict[str, Any]:
        """Return the next event with these fields; skip others."""
        deadline = time.monotonic() + PATIENCE
        while True:
            told: dict[str, Any] = json.loads(self.next_line(deadline - time.monotonic()))
            if told["event"] == event and all(told.get(key) == wanted[key] for key in wanted):
                return told

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return all events of this kind so far."""
        return [told for line in self.lines if (told := json.loads(line))["event"] == event]

    def announce(self, address: str, *keys: str, port: int = 47800) -> None:
        """Begin to host, as a device that has these keys."""
        self.tell("listen", address=address, port=port)
        self.tell("announce", keys=keys)


class Rooms:
    """Networks (bridges), and devices (namespaces) that are on one or two of them."""

    def __init__(self, place: Namespaces) -> None:
        self._place = place
        self._cables = 0
        # All clocks begin with 15 minutes of their own, which no test outlives: the host would have
        # another name in the next ones. Tests that want that put clocks forward.
        self._ahead = SLOT_SECONDS - time.time() % SLOT_SECONDS
        # The port of each device's eth0.
        self._ports: dict[str, str] = {}
        self._children: list[Child] = []

    def add_network(self, name: str) -> None:
        """Make a network that passes everything on, multicast included."""
        self._place.run("ip", "link", "add", name, "type", "bridge")
        self._place.run("ip", "link", "set", name, "up")

    def add_device(self, name: str, network: str, *addresses: str) -> None:
        """Make a device whose eth0 is on this network."""
        self._place.add(name)
        self.ip(name, "link set lo up")
        self.connect(name, network, "eth0", *addresses)

    def connect(self, name: str, network: str, interface: str, *addresses: str) -> None:
        """Put another interface of a device on a network."""
        self._cables += 1
        ours, theirs = f"port{self._cables}", f"cable{self._cables}"
        self._ports.setdefault(name, ours)
        pair = ["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs]
        self._place.run(*pair)
        self._place.run("ip", "link", "set", theirs, "netns", name, "name", interface)
        # Only the addresses that a test gives are there, and at once.
        self.ip(name, f"link set {interface} addrgenmode none")
        self.ip(name, f"link set {interface} up")
        self._place.run("ip", "link", "set", ours, "master", network, "up")
        for address in addresses:
            self.give(name, address, interface)

    def give(self, name: str, address: str, interface: str = "eth0") -> None:
        """Give a device one more address."""
        no_wait = " nodad" if ":" in address else ""
        self.ip(name, f"addr add {address} dev {interface}{no_wait}")

    def ip(self, name: str, arguments: str) -> None:
        """Run `ip` on a device."""
        self._place.run("ip", "-n", name, *arguments.split())

    def keep_apart(self, *names: str, apart: bool = True) -> None:
        """Let these devices reach all but one another, as guest networks do, or all again."""
        for name in names:
            on = "on" if apart else "off"
            self._place.run("bridge", "link", "set", "dev", self._ports[name], "isolated", on)

    def start(self, name: str) -> Device:
        """Start a device's program."""
        program = (sys.executable, "-m", "tests.io.known.finder", str(self._ahead))
        made = Device(self._place.command(name, *program))
        self._children.append(made)
        return made

    def record(self, name: str, interface: str = "eth0") -> Child:
        """Record what a device hears."""
        command = (sys.executable, str(HERE / "recorder.py"), interface)
        made = Child(self._place.command(name, *command))
        self._children.append(made)
        assert made.next_line() == "recording"
        return made

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return a command line that runs on a device."""
        return self._place.command(name, *arguments)

    def close(self) -> None:
        """End all programs."""
        for child in self._children:
            child.kill()


@contextlib.contextmanager
def rooms() -> Iterator[Rooms]:
    """Make rooms, and remove them with everything in them at the end."""
    with namespaces() as place:
        made = Rooms(place)
        try:
            yield made
        finally:
            made.close()
