"""Multicast DNS on one segment by the `zeroconf` library: announcing one service, and looking for
those of others.

This module is imported late, because it loads the library. Each segment has an instance of its own:
one instance for all would tell each network the names that it heard on the others.
"""

import asyncio
import base64
import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from zeroconf import Error, IPVersion, ServiceStateChange, Zeroconf, current_time_millis
from zeroconf._dns import DNSQuestion
from zeroconf._protocol.outgoing import DNSOutgoing
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from proxim.core.known.announcement import pack_tags, read_tags
from proxim.core.token_bucket import RateLimit, TokenBucket
from proxim.io.known.segments import CLASS_IN, TYPE_SRV, Segment, hear_only, open_socket

SERVICE_TYPE: Final = "_proxim._tcp.local."
# How long others believe that a host is there that does not answer any more. Whoever looks asks
# again before that.
HOST_SECONDS: Final = 60
# How long others remember a name. It is longer than a name is used, and ends with a goodbye unless
# the program is killed.
NAME_SECONDS: Final = 20 * 60
# A host is asked whether it is still there when so much of its time is left, and then again after
# each smaller part.
ASK_LEFT: Final = 0.25
ASK_AGAIN: Final = 0.08
# Others choose their times; a short one must not make us ask all the time.
MIN_ASK_SECONDS: Final = 3.0
# One that is silent may be out of reach for a while, and is asked so often until its name is gone.
SILENT_SECONDS: Final = 60.0
# What somebody announces may come in two packets, of which the second one is lost.
RESOLVE_MS: Final = 3000
# A room has some dozen hosts. More come from somebody who wants to keep us busy.
MAX_SERVICES: Final = 128
NEW_SERVICES: Final = RateLimit(per_second=20, burst=MAX_SERVICES)
MAX_RESOLVING: Final = 8
MAX_ENDPOINTS: Final = 4
# 128 random bits, in letters and digits that any resolver takes.
_NAME_BYTES: Final = 16
_NAME: Final = re.compile(r"[a-z2-7]{26}")

# The flags of a question (RFC 1035, 4.1.1).
_QUERY: Final = 0
# A record ends at a moment, and a timer may fire a little before it.
_MOMENT_SECONDS: Final = 0.05

_log = logging.getLogger(__name__)
# It would log names, addresses and whole packets.
logging.getLogger("zeroconf").setLevel(logging.CRITICAL + 1)


def random_name() -> str:
    """Return a name that nobody else has, and that tells nothing."""
    return base64.b32encode(secrets.token_bytes(_NAME_BYTES)).decode().rstrip("=").lower()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is announced: a server's place, and the tags of this slot."""

    address: str
    port: int
    slot: int
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A service of somebody else."""

    # (address, port, our subnet that reaches it).
    endpoints: tuple[tuple[str, int, str], ...]
    hidden_tags: frozenset[bytes] = field(repr=False)


# The service's name, and what is seen of it now; None if it is gone.
Report = Callable[[Segment, str, Seen | None], None]


class Mdns:
    """Announces and looks on one segment, from `open` to `close`."""

    def __init__(self, segment: Segment, report: Report) -> None:
        self.segment = segment
        self._report = report
        self._zeroconf: AsyncZeroconf | None = None
        self._announced: tuple[Announcement, AsyncServiceInfo] | None = None
        self._announcing: asyncio.Future[Any] | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._services: dict[str, _Service] = {}
        self._new = TokenBucket(NEW_SERVICES, asyncio.get_running_loop().time())
        self._resolving = 0
        # What the library sends in the background.
        self._tasks: set[asyncio.Future[Any]] = set()

    @property
    def announced(self) -> Announcement | None:
        """What is announced now."""
        return None if self._announced is None else self._announced[0]

    @property
    def own_names(self) -> frozenset[str]:
        """The names under which this program announces itself here."""
        return frozenset() if self._announced is None else frozenset({_label(self._announced[1])})

    @property
    def looking(self) -> bool:
        """Whether services are reported."""
        return self._browser is not None

    async def open(self) -> None:
        """Open the sockets. Raises OSError."""
        # Where it fails, the library would leave a socket behind.
        open_socket(self.segment).close()
        place: str | int = self.segment.addresses[0]
        if self.segment.version == 6 and self.segment.index is not None:
            # A link-local address may be the same on two interfaces.
            place = self.segment.index
        try:
            self._zeroconf = AsyncZeroconf(interfaces=[place])
            await self._zeroconf.zeroconf.async_wait_for_start()
        except (RuntimeError, Error) as error:
            raise OSError(type(error).__name__) from error
        engine = self._zeroconf.zeroconf.engine
        if not engine.senders:
            # The library has logged why and goes on with what it has, which is nothing.
            raise OSError("no multicast on this interface")
        for reader in engine.readers:
            hear_only(self.segment, reader.sock)

    async def close(self) -> None:
        """Say goodbye and close the sockets, within half a second."""
        await self.stop_looking()
        if self._zeroconf is not None:
            zeroconf, self._zeroconf = self._zeroconf, None
            self._announced = None
            for task in self._tasks:
                task.cancel()
            # It sends a goodbye three times, for those who miss one.
            with contextlib.suppress(Error, OSError):
                await zeroconf.async_close()

    @property
    def _opened(self) -> Zeroconf:
        assert self._zeroconf is not None, "it is not open"
        return self._zeroconf.zeroconf

    def _keep(self, task: asyncio.Future[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            # The network went away while something was sent, which is noticed by other means.
            _log.info("multicast failed: %s", type(error).__name__)

    # --- announcing -------------------------------------------------------------------------------

    async def announce(self, announcement: Announcement | None) -> None:
        """Announce this under new names instead of what was announced before; None ends it."""
        before = self._announced
        self._announced = None
        if self._announcing is not None:
            # It repeats an announcement, which would outlive its goodbye.
            self._announcing.cancel()
        if announcement is not None:
            info = _info(announcement)
            self._announced = announcement, info
            # Nobody else has this name, so nobody is asked for it.
            self._announcing = asyncio.ensure_future(
                await self._opened.async_register_service(info, cooperating_responders=True)
            )
            self._keep(self._announcing)
        if before is not None:
            # Others have seen the new one by now, so that the device is always there for them.
            self._keep(
                asyncio.ensure_future(await self._opened.async_unregister_service(before[1]))
            )

    # --- looking ----------------------------------------------------------------------------------

    def look(self) -> None:
        """Report the services of others from now on."""
        self._browser = AsyncServiceBrowser(
            self._opened, SERVICE_TYPE, handlers=[self._state_changed]
        )

    async def stop_looking(self) -> None:
        """Forget what was seen, and say that it is gone."""
        if self._browser is None:
            return
        browser, self._browser = self._browser, None
        await browser.async_cancel()
        for service in list(self._services.values()):
            self._drop(service)

    def _state_changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        # The case of a name is everybody's own choice.
        key = name.lower()
        service = self._services.get(key)
        if state_change is ServiceStateChange.Removed:
            if service is not None:
                self._drop(service)
            return
        if service is None:
            label = key.removesuffix(f".{SERVICE_TYPE}")
            now = asyncio.get_running_loop().time()
            if (
                not _NAME.fullmatch(label)
                or label in self.own_names
                or len(self._services) >= MAX_SERVICES
                or not self._new.consume(now)
            ):
                return
            service = self._services[key] = _Service(name, label)
        self._look_at(service)

    def _look_at(self, service: "_Service") -> None:
        """Report what is known of a service, and ask for what is not, or not for long any more."""
        info = AsyncServiceInfo(SERVICE_TYPE, service.name)
        if info.load_from_cache(self._opened):
            self._tell(service, _seen(self.segment, info))
        elif service.seen is None and not service.resolving and self._resolving < MAX_RESOLVING:
            self._keep(asyncio.ensure_future(self._resolve(service, info)))
        self._watch(service)

    async def _resolve(self, service: "_Service", info: AsyncServiceInfo) -> None:
        service.resolving = True
        self._resolving += 1
        try:
            found = await info.async_request(self._opened, RESOLVE_MS)
        finally:
            self._resolving -= 1
            service.resolving = False
        if found and self._services.get(service.name.lower()) is service:
            self._look_at(service)

    def _watch(self, service: "_Service") -> None:
        """Look again when it is time to ask whether the service is still there."""
        if service.timer is not None:
            service.timer.cancel()
        record = self._opened.cache.get_by_details(service.name, TYPE_SRV, CLASS_IN)
        now = current_time_millis()
        if record is None or record.is_expired(now):
            self._tell(service, None)
            wait = SILENT_SECONDS
            self._ask(service)
        else:
            seconds = max(record.ttl, MIN_ASK_SECONDS)
            left = record.get_remaining_ttl(now)
            wait = left - ASK_LEFT * seconds
            if wait <= 0:
                self._ask(service)
                # At the end itself it is gone.
                wait = min(ASK_AGAIN * seconds, left + _MOMENT_SECONDS)
        wait = max(wait, _MOMENT_SECONDS)
        service.timer = asyncio.get_running_loop().call_later(wait, self._look_again, service)

    def _look_again(self, service: "_Service") -> None:
        service.timer = None
        self._look_at(service)

    def _ask(self, service: "_Service") -> None:
        query = DNSOutgoing(_QUERY)
        query.add_question(DNSQuestion(service.name, TYPE_SRV, CLASS_IN))
        self._opened.async_send(query)

    def _tell(self, service: "_Service", seen: Seen | None) -> None:
        if seen != service.seen:
            service.seen = seen
            self._report(self.segment, service.label, seen)

    def _drop(self, service: "_Service") -> None:
        del self._services[service.name.lower()]
        if service.timer is not None:
            service.timer.cancel()
        self._tell(service, None)


@dataclass(eq=False, slots=True)
class _Service:
    """A name that was heard."""

    name: str
    label: str
    # What was reported; None if nothing is, since it is not there or not of use.
    seen: Seen | None = None
    resolving: bool = False
    timer: asyncio.TimerHandle | None = None


def _info(announcement: Announcement) -> AsyncServiceInfo:
    label = random_name()
    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"{label}.{SERVICE_TYPE}",
        port=announcement.port,
        properties=pack_tags(announcement.tags, label, secrets.token_bytes),
        server=f"{random_name()}.local.",
        host_ttl=HOST_SECONDS,
        other_ttl=NAME_SECONDS,
        parsed_addresses=[announcement.address.partition("%")[0]],
    )


def _label(info: AsyncServiceInfo) -> str:
    return info.name.removesuffix(f".{SERVICE_TYPE}")


def _seen(segment: Segment, info: AsyncServiceInfo) -> Seen | None:
    """Return what a service says of itself, or None if nothing of it can be used."""
    tags = read_tags(info.text or b"")
    if tags is None or not info.port:
        return None
    reached = [segment.reached(raw) for raw in info.addresses_by_version(IPVersion.All)]
    endpoints = tuple((one[0], info.port, one[1]) for one in reached if one is not None)
    return Seen(endpoints[:MAX_ENDPOINTS], tags) if endpoints else None
