"""Lets known devices find this host, and finds them, by multicast DNS.

People want two things of it, announcing and looking, and both change at any time, as networks do.
So the methods only say what is wanted, and one task makes it so, step after step. It runs, and the
library is loaded, only while one of the two is wanted.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.known import events as known_ev
from proxim.io.known.segments import Segment, hears_itself, segments_of, worth_looking

if TYPE_CHECKING:
    from proxim.io.known.mdns import Mdns, Seen

# Names and tags are new after each of these (core/known/keys.py).
SLOT_SECONDS: Final = 15 * 60
# The wall clock may be set, and stands still for our timers while the machine sleeps, so it is
# looked at this often.
CLOCK_SECONDS: Final = 30.0

# How long after discovery has begun what a link needs is loaded. Until then the program starts, or
# its list of devices appears.
PREPARE_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


class Discovery:
    """Announces this host and looks for others. All methods run on the loop's thread."""

    def __init__(
        self,
        report: Callable[[known_ev.KnownAnswer], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        prepare: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`prepare` loads what a link needs, and `clock` returns seconds since 1970."""
        self._report = report
        self._spawn = spawn
        self._prepare = prepare
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        # What is wanted. Without tags there is nothing to announce.
        self._announcing = False
        self._looking = False
        self._tags: tuple[bytes, ...] = ()
        self._server: tuple[str, int] | None = None
        self._networks: tuple[ev.Network, ...] = ()
        self._slot = 0
        self._clock_timer: asyncio.TimerHandle | None = None
        # What is.
        self._open: dict[Segment, Mdns] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        # Whether each segment hears what it sends; one that cannot be opened does not.
        self._hears: dict[Segment, bool] = {}
        self._failed = False
        # What is seen of each service, on each segment.
        self._seen: dict[str, dict[Segment, Seen]] = {}

    # --- what is wanted ---------------------------------------------------------------------------

    def listens(self, server: tuple[str, int] | None) -> None:
        """The server listens at this address and port from now on, or nowhere."""
        self._server = server
        self._changed.set()

    def has_networks(self, networks: tuple[ev.Network, ...]) -> None:
        """This machine has these addresses from now on, the best first."""
        self._networks = networks
        self._changed.set()

    def announce(self, tags: tuple[bytes, ...]) -> None:
        """Announce this host with these tags."""
        begins = not self._announcing
        self._announcing, self._tags = True, tags
        self._begin(begins)

    def stop_announcing(self) -> None:
        """Announce nothing any more."""
        self._announcing, self._tags = False, ()
        self._end()

    def look(self) -> None:
        """Report the services of others."""
        begins = not self._looking
        self._looking = True
        self._begin(begins)

    def stop_looking(self) -> None:
        """Report no services any more."""
        self._looking = False
        self._end()

    async def stop(self) -> None:
        """End everything, with goodbyes to the others."""
        self._announcing, self._looking, self._tags = False, False, ()
        self._end()
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def _wanted(self) -> bool:
        return self._announcing or self._looking

    def _begin(self, begins: bool) -> None:
        self._changed.set()
        if begins:
            self._slot = self._slot_now()
            self._set_clock_timer()
            self._report(known_ev.SlotBegan(self._slot))
        if self._task is None:
            self._task = self._spawn(self._run(), "discovery")

    def _end(self) -> None:
        self._changed.set()
        if not self._wanted and self._clock_timer is not None:
            self._clock_timer.cancel()
            self._clock_timer = None

    # --- slots ------------------------------------------------------------------------------------

    def _slot_now(self) -> int:
        return int(self._clock() // SLOT_SECONDS)

    def _set_clock_timer(self) -> None:
        if self._clock_timer is not None:
            self._clock_timer.cancel()
        left = SLOT_SECONDS - self._clock() % SLOT_SECONDS
        self._clock_timer = self._loop.call_later(min(left, CLOCK_SECONDS), self.look_at_clock)

    def look_at_clock(self) -> None:
        """Report the slot if another one has begun. What does not work is tried again."""
        self._set_clock_timer()
        self._try_again()
        if (slot := self._slot_now()) != self._slot:
            self._slot = slot
            # The names are new in any case, and the tags if our owner sets others now.
            self._changed.set()
            self._report(known_ev.SlotBegan(slot))
            if self._failed:
                # Whoever took the new slot for a new beginning learns that it is none.
                self._report(known_ev.DiscoveryFailed(Reason.NO_MULTICAST))

    # --- making it so -----------------------------------------------------------------------------

    async def _run(self) -> None:
        """Make what is as it is wanted, until nothing is."""
        try:
            # It takes a tenth of a second, and nothing may keep the loop for so long.
            await asyncio.to_thread(_load)
        except ImportError:
            # The installation is broken, and all else works.
            self._task = None
            self._report(known_ev.DiscoveryFailed(Reason.NO_MULTICAST))
            return
        # Whoever comes back is linked by one click, which must not wait for libraries.
        preparing = self._spawn(self._prepare_links(), "preparing links")
        while self._wanted:
            try:
                while self._wanted:
                    self._changed.clear()
                    await self._make_it_so()
                    await self._changed.wait()
            finally:
                self._close(*self._open)
                if self._closing:
                    await asyncio.wait(self._closing)
                # It may be wanted again by now.
                self._hears, self._failed = {}, False
        preparing.cancel()
        self._task = None

    async def _prepare_links(self) -> None:
        await asyncio.sleep(PREPARE_SECONDS)
        await self._prepare()

    def _close(self, *segments: Segment) -> None:
        """Say goodbye on these. It takes a moment, in which all else goes on."""
        for segment in segments:
            closing = self._spawn(self._open.pop(segment).close(), "discovery's goodbye")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _make_it_so(self) -> None:
        from proxim.io.known.mdns import Announcement

        segments = segments_of(self._networks)
        looked = segments_of(worth_looking(self._networks)) if self._looking else ()
        announced = {}
        if self._server is not None and self._tags:
            announced = {
                segment: Announcement(*self._server, self._slot, self._tags)
                for segment in segments
                if self._server[0] in segment.addresses
            }
        wanted = tuple(segment for segment in segments if segment in announced or segment in looked)
        self._close(*[segment for segment in self._open if segment not in wanted])
        self._hears = {
            segment: heard for segment, heard in self._hears.items() if segment in wanted
        }
        for segment in wanted:
            if segment not in self._open and segment not in self._hears:
                await self._open_one(segment)
        self._judge(wanted)
        for segment, mdns in self._open.items():
            if segment in looked and not mdns.looking:
                mdns.look()
            elif segment not in looked:
                await mdns.stop_looking()
            if mdns.announced != announced.get(segment):
                await mdns.announce(announced.get(segment))

    async def _open_one(self, segment: Segment) -> None:
        from proxim.io.known.mdns import Mdns

        mdns = Mdns(segment, self._saw)
        try:
            await mdns.open()
        except OSError as error:
            _log.info("no multicast on a network: %s", type(error).__name__)
            await mdns.close()
            self._hears[segment] = False
            return
        self._open[segment] = mdns
        self._spawn(self._probe(segment), "multicast probe")

    async def _probe(self, segment: Segment) -> None:
        heard = await hears_itself(segment)
        if segment in self._open:
            self._hears[segment] = heard
            self._judge(tuple(self._open))

    def _try_again(self) -> None:
        """Try multicast again where it did not work."""
        for segment in [one for one, heard in self._hears.items() if not heard]:
            if segment in self._open:
                self._spawn(self._probe(segment), "multicast probe")
            else:
                del self._hears[segment]
                self._changed.set()

    def _judge(self, segments: tuple[Segment, ...]) -> None:
        """Report that multicast works nowhere, or that it works after all."""
        hears = [self._hears.get(segment) for segment in segments]
        if any(hears) and self._failed:
            self._failed = False
            self._report(known_ev.SlotBegan(self._slot))
        elif hears and not any(one is None or one for one in hears) and not self._failed:
            self._failed = True
            self._report(known_ev.DiscoveryFailed(Reason.NO_MULTICAST))

    # --- what is seen -----------------------------------------------------------------------------

    def _saw(self, segment: Segment, service: str, seen: "Seen | None") -> None:
        """Report a service once, on however many of our networks it is seen."""
        if any(service in mdns.own_names for mdns in self._open.values()):
            # Two of our networks are one.
            return
        everywhere = self._seen.setdefault(service, {})
        if seen is not None:
            everywhere[segment] = seen
        else:
            everywhere.pop(segment, None)
        if not everywhere:
            del self._seen[service]
            self._report(known_ev.ServiceGone(service))
            return
        order = {network.address: place for place, network in enumerate(self._networks)}
        best = sorted(
            everywhere.items(), key=lambda one: order.get(one[0].addresses[0], len(order))
        )
        endpoints = dict.fromkeys(endpoint for _, one in best for endpoint in one.endpoints)
        tags = frozenset().union(*(one.hidden_tags for one in everywhere.values()))
        self._report(known_ev.ServiceSeen(service, tuple(endpoints), tags))


def _load() -> None:
    import proxim.io.known.mdns  # noqa: F401
