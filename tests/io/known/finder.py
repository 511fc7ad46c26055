"""A program that announces itself, or looks for others, as a device of a trial; each line that it
reads is a command, and each line that it writes an event, both as JSON.

It decides as core does, with tags that are made as core makes them.
"""

import asyncio
import hmac
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

from proxim.app.bridge import new_event_loop
from proxim.core.known import events as known_ev
from proxim.core.known.announcement import SLOT_SECONDS
from proxim.io.known import mdns
from proxim.io.known.discovery import Discovery
from proxim.io.system.addresses import list_networks
from proxim.io.system.network_changes import NetworkChanges


def tag(key: str, slot: int) -> bytes:
    return hmac.digest(key.encode(), b"seen" + slot.to_bytes(8), "sha256")[:8]


class Finder:
    def __init__(self, ahead: float) -> None:
        # How far its clock is ahead of the real one, in seconds.
        self._ahead = ahead
        self._announced: list[str] | None = None
        self._known: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._discovery = Discovery(self._report, self._spawn, self._prepare, self._clock)

    async def watch_networks(self) -> None:
        """Tell the discovery of every change, as the runtime does."""
        changes = NetworkChanges()
        while True:
            self._discovery.has_networks(list_networks())
            await changes.wait()

    async def _prepare(self) -> None:
        """Load nothing: nobody links here."""

    def _clock(self) -> float:
        return time.time() + self._ahead

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _report(self, event: known_ev.KnownAnswer) -> None:
        match event:
            case known_ev.SlotBegan(slot):
                say(event="slot", slot=slot)
                self._announce(slot)
            case known_ev.ServiceSeen():
                slot = int(self._clock() // SLOT_SECONDS)
                matches = [
                    key
                    for key in self._known
                    if any(event.has(tag(key, one)) for one in range(slot - 1, slot + 2))
                ]
                say(
                    event="seen",
                    service=event.service,
                    endpoints=event.endpoints,
                    matches=matches,
                    hidden=len(event.hidden_tags),
                )
            case known_ev.ServiceGone(service):
                say(event="gone", service=service)
            case known_ev.DiscoveryFailed(reason):
                say(event="failed", reason=reason)

    def _announce(self, slot: int) -> None:
        if self._announced is not None:
            self._discovery.announce(tuple(tag(key, slot) for key in self._announced))

    async def obey(self, command: dict[str, Any]) -> None:
        match command:
            case {"do": "announce", "keys": keys}:
                self._announced = keys
                self._announce(int(self._clock() // SLOT_SECONDS))
            case {"do": "listen", "address": address, "port": port}:
                self._discovery.listens((address, port))
            case {"do": "look", "keys": keys}:
                self._known = keys
                self._discovery.look()
            case {"do": "stop announcing"}:
                self._announced = None
                self._discovery.stop_announcing()
            case {"do": "stop looking"}:
                self._discovery.stop_looking()
            case {"do": "host seconds", "seconds": seconds}:
                vars(mdns)["HOST_SECONDS"] = seconds
            case {"do": "ahead", "seconds": seconds}:
                self._ahead += seconds
                self._discovery.look_at_clock()
            case {"do": "end"}:
                await self._discovery.stop()
        say(event="done", command=command["do"])


def say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def main() -> None:
    finder = Finder(float(sys.argv[1]))
    watch = asyncio.create_task(finder.watch_networks())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        await finder.obey(json.loads(line))
    watch.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
