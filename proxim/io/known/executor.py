"""The executor carries out the commands about known devices: their file, and discovery.

Nothing here logs more than how many there are.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from proxim.core import commands as do
from proxim.core import status as st
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownFile
from proxim.io.known.discovery import Discovery
from proxim.io.known.store import KnownStore, LoadedKnown

# How often it is looked whether another program has changed the file: a device that was forgotten
# there must not come in here. It costs 0.04 % of a core.
LOOK_SECONDS: Final = 2.0


class KnownExecutor:
    """Carries out the commands of known devices, on the loop's thread."""

    def __init__(
        self,
        report: Callable[[known_ev.KnownAnswer], None],
        publish: Callable[[st.Status], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        prepare: Callable[[], Awaitable[None]],
        *,
        folder: str | None,
        uuid: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is for the file, which belongs to the installation with this `uuid`; `clock`
        returns seconds since 1970. `prepare` loads what a link needs.
        """
        self._report = report
        self._publish = publish
        self._spawn = spawn
        self._store = KnownStore(None if folder is None else Path(folder), uuid)
        # One after the other uses the file.
        self._file_lock = asyncio.Lock()
        # What is to be written; None if the newest is.
        self._unsaved: KnownFile | None = None
        self._stopping = asyncio.Event()
        self.discovery = Discovery(report, spawn, prepare, clock)
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            known_do.SaveKnown: self._save,
            known_do.Announce: lambda command: self.discovery.announce(command.tags),
            known_do.StopAnnouncing: lambda command: self.discovery.stop_announcing(),
            known_do.LookForServices: lambda command: self.discovery.look(),
            known_do.StopLooking: lambda command: self.discovery.stop_looking(),
        }

    def start(self) -> None:
        """Read the file and report it, now and whenever another program has changed it."""
        self._spawn(self._follow_file(), "reading the known devices")

    async def stop(self) -> None:
        """End the discovery, and wait for the file."""
        self._stopping.set()
        await self.discovery.stop()
        async with self._file_lock:
            await self._write()

    async def _follow_file(self) -> None:
        await self._load()
        while not self._stopping.is_set():
            await self._look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._stopping.wait()

    async def _look(self) -> None:
        """Report the file if another program has changed it."""
        async with self._file_lock:
            await self._write()
            changed = await asyncio.to_thread(self._store.changed)
            # What core has changed meanwhile goes into the file first.
            if changed is not None and self._unsaved is None:
                self._store.take(changed.file)
                self._tell(changed)

    async def _load(self) -> None:
        async with self._file_lock:
            loaded = await asyncio.to_thread(self._store.load)
        self._tell(loaded)

    def _tell(self, loaded: LoadedKnown) -> None:
        for problem in loaded.problems:
            self._publish(st.Trouble(problem))
        self._report(known_ev.KnownLoaded(loaded.file))

    def _save(self, command: known_do.SaveKnown) -> None:
        self._unsaved = command.file
        self._spawn(self._save_newest(), "saving the known devices")

    async def _save_newest(self) -> None:
        async with self._file_lock:
            await self._write()

    async def _write(self) -> None:
        if self._unsaved is None:
            # A later command's write has included this one.
            return
        file, self._unsaved = self._unsaved, None
        for problem in await asyncio.to_thread(self._store.save, file):
            self._publish(st.Trouble(problem))
