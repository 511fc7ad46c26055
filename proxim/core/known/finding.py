"""How known devices are found: what is announced and looked for by multicast, and where a device
may be dialled (docs/protocol.md, Known devices).
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.announcement import SLOT_SECONDS, TAGS
from proxim.core.known.devices import Endpoint, KnownDevice
from proxim.core.known.keys import seen_tag
from proxim.core.pairing.devices import KnownID

# Clocks that differ by a slot, and what was announced before a new one began.
_NEAR_SLOTS: Final = (-1, 0, 1)
# Hosts of others are remembered so that a device that becomes known is found at once; more than
# these are not honest.
MAX_SERVICES: Final = 256


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rest of the program knows."""

    # This machine's addresses.
    networks: tuple[ev.Network, ...] = ()
    # Where this program's host listens; None while it does not.
    listening: tuple[str, int] | None = None
    # Whether an attempt to join looks for a known device.
    searching: bool = False


class Finding:
    """Decides what is announced and looked for, and knows what was seen."""

    def __init__(
        self,
        own_uuid: str,
        wall_time: Callable[[], float],
    ) -> None:
        # Whether services are looked for.
        self.looking = False
        # Why multicast does not work here.
        self.trouble: Reason | None = None
        self._own_uuid = own_uuid
        self._wall_time = wall_time
        self._slot: int | None = None
        self._services: dict[str, known_ev.ServiceSeen] = {}
        # What is announced now: where, and the tags.
        self._announced: tuple[tuple[str, int], tuple[bytes, ...]] | None = None

    @property
    def slot(self) -> int:
        """The number of the present 15 minutes since 1970."""
        if self._slot is None:
            return max(0, int(self._wall_time() // SLOT_SECONDS))
        return self._slot

    def handle(self, event: known_ev.KnownAnswer) -> None:
        """Take note of what the network answers."""
        match event:
            case known_ev.SlotBegan(slot):
                self._slot = max(0, slot)
                # If multicast still does not work, that is said again.
                self.trouble = None
            case known_ev.ServiceSeen(service):
                if not self.looking:
                    # It was under way when nobody wanted to know any more.
                    return
                self.trouble = None
                if service in self._services or len(self._services) < MAX_SERVICES:
                    self._services[service] = event
            case known_ev.ServiceGone(service):
                self._services.pop(service, None)
            case _:
                # The only other one is about the file, and not for this.
                assert isinstance(event, known_ev.DiscoveryFailed)
                self.trouble = event.reason

    def refresh(
        self,
        devices: tuple[KnownDevice, ...],
        around: Surroundings,
        *,
        allowed: bool,
        wanted: bool,
    ) -> list[do.Command]:
        """Announce and look, or stop it.

        `allowed` is the person's switch, and `wanted` says that somebody wants to find a device.
        """
        commands: list[do.Command] = []
        looks = allowed and wanted and bool(devices)
        if looks != self.looking:
            self.looking = looks
            self.trouble = None
            self._services.clear()
            commands.append(known_do.LookForServices() if looks else known_do.StopLooking())
        announced = None
        if allowed and devices and around.listening is not None:
            announced = (around.listening, self._tags(devices))
        if announced != self._announced:
            self._announced = announced
            commands.append(
                known_do.StopAnnouncing() if announced is None else known_do.Announce(announced[1])
            )
        return commands

    def _tags(self, devices: tuple[KnownDevice, ...]) -> tuple[bytes, ...]:
        slot = self.slot
        # Of more devices than there are tags, others come in each slot.
        first = slot * TAGS % len(devices) if len(devices) > TAGS else 0
        turn = (*devices[first:], *devices[:first])[:TAGS]
        return tuple(seen_tag(device.key, self._own_uuid, slot) for device in turn)

    def found(self, device: KnownDevice) -> tuple[Endpoint, ...]:
        """Where hosts are announced that may be this device, best first."""
        slots = [self.slot + near for near in _NEAR_SLOTS if self.slot + near >= 0]
        tags = [seen_tag(device.key, device.uuid, slot) for slot in slots]
        return tuple(
            Endpoint(*endpoint)
            for service in self._services.values()
            if any(map(service.has, tags))
            for endpoint in service.endpoints
        )

    def reachable(self, devices: Iterable[KnownDevice]) -> frozenset[KnownID]:
        """The devices that seem to be there now."""
        return frozenset(device.id for device in devices if self._services and self.found(device))


def places(
    device: KnownDevice, found: tuple[Endpoint, ...], networks: tuple[ev.Network, ...]
) -> tuple[Endpoint, ...]:
    """Where a device may be dialled now, best first: where it is seen, then where it was, as far as
    we are in the same network.
    """
    here = {str(subnet) for subnet in map(_subnet, networks)}
    zones = {zone for network in networks if (zone := network.address.partition("%")[2])}
    last = [
        one
        for one in device.endpoints
        if one.seen_from in here
        and ("%" not in one.address or one.address.partition("%")[2] in zones)
    ]
    unique: dict[tuple[str, int], Endpoint] = {}
    for one in (*found, *last):
        unique.setdefault((one.address, one.port), one)
    return tuple(unique.values())


def seen_from(address: str, networks: tuple[ev.Network, ...]) -> str | None:
    """Return the subnet of ours in which this address is; None if it is in none."""
    literal, _, zone = address.partition("%")
    try:
        ip = ipaddress.ip_address(literal)
    except ValueError:
        return None
    for network in networks:
        subnet = _subnet(network)
        same_link = not zone or network.address.partition("%")[2] == zone
        if ip in subnet and same_link:
            return str(subnet)
    return None


def _subnet(network: ev.Network) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(network.subnet, strict=False)
