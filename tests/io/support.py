"""Helpers for tests with real sockets and real WebRTC."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from proxim.core.token_bucket import RateLimit
from proxim.io.pairing.rate_limit import Pace

# This is in seconds. Even on a busy machine, only a test that hangs waits longer.
PATIENCE = 30.0
UNLIMITED = Pace(RateLimit(1e9, 1e9), RateLimit(1e9, 1e9), RateLimit(1e12, 1e12))
T = TypeVar("T")


class Events:
    """Collects reported events; each call of `wait` continues after the event that it last
    returned.
    """

    def __init__(self) -> None:
        self.all: list[object] = []
        self._changed = asyncio.Event()
        self._given = 0

    def __call__(self, event: object) -> None:
        self.all.append(event)
        self._changed.set()

    async def wait(self, kind: type[T], fits: Callable[[T], bool] = lambda _: True) -> T:
        """Return the next event of this kind for which `fits` is true; skip those before it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self._given < len(self.all):
                    event = self.all[self._given]
                    self._given += 1
                    if isinstance(event, kind) and fits(event):
                        return event
                self._changed.clear()
                await self._changed.wait()
