"""The machine of the whole program: a host, attempts to join, or both, and the files.

`Program` passes each event to its machine: by the link, the socket or the timer that it names.
"""

from dataclasses import replace

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.known import events as known_ev
from proxim.core.known.feature import KnownDevices, OpenLink
from proxim.core.known.finding import Surroundings
from proxim.core.known.host import KnownHost
from proxim.core.link import events as link_ev
from proxim.core.link.features import Features, session_of
from proxim.core.link.link import HEARTBEAT_SECONDS, Link, LinkState
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing.devices import DeviceInfo, KnownID
from proxim.core.pairing.host import Host, HostEvent
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.join import (
    DeviceForgotten,
    DialledSocketEvent,
    GiveWay,
    Guest,
    GuestEvent,
    GuestState,
    OwnerEvent,
    PlacesSeen,
)
from proxim.core.pairing.proof import Prover
from proxim.core.sanitize import given_name

ProgramEvent = HostEvent | GuestEvent | ev.Join | ev.Rename | ev.Shutdown | ev.FeatureEvent


class Program:
    """Passes each event to the machine that it concerns.

    `host` is None if the person only joins.
    """

    def __init__(
        self,
        device: DeviceInfo,
        host: Host | None,
        prover: Prover,
        features: Features,
        known: KnownDevices,
        networks: tuple[ev.Network, ...] = (),
    ) -> None:
        """`networks` are this machine's addresses that were seen before."""
        self._known = known
        self._networks = networks
        self._device = device
        self._host = host
        self._prover = prover
        self._features = features
        self._guests: dict[ev.LinkID, Guest] = {}
        self._guest_links = 0
        self._dials = 0
        self._ended = False

    def start(self, now: float) -> list[do.Command]:
        """Return the commands for the start of the program."""
        return self._host.start(now) if self._host else [do.Publish(st.ThisDevice(self._device))]

    def handle(self, event: ProgramEvent, now: float) -> list[do.Command]:
        """Handle one event; the caller passes events in the order in which they happened.

        After Shutdown, every event is ignored.
        """
        if self._ended:
            return []
        commands = self._handle(event, now)
        if self._ended:
            return commands
        commands += self._keep_one_link(now)
        if self._host is not None:
            commands += self._host.hide_invitation(self._features.watchers, now)
        return [*commands, *self._look_around(event, now)]

    def _look_around(self, event: ProgramEvent, now: float) -> list[do.Command]:
        """Tell known devices what has changed, and their guests what was seen of them."""
        around = Surroundings(
            self._networks,
            None if self._host is None else self._host.listening,
            any(guest.searches for guest in self._guests.values()),
        )
        commands = self._known.refresh(around)
        if isinstance(event, known_ev.KnownAnswer | ev.NetworksSeen):
            for guest in [one for one in self._guests.values() if one.searches]:
                commands += self._to_guest(PlacesSeen(), guest, now)
        return commands

    def _keep_one_link(self, now: float) -> list[do.Command]:
        """Of two links between this program and another one, which both persons have asked for at
        once, let one go.

        The program of a known device is recognised by the port that it listens on: another program
        of the same device, which listens on another one or on none, may have a link of its own.
        """
        commands: list[do.Command] = []
        for guest in list(self._guests.values()):
            device = guest.link.status.known
            known = None if device is None else self._known.device(device)
            if known is None or guest.resumes:
                continue
            links = self._known.links_with(known.id)
            invited = next((one for one in links if _is_from(one, guest)), None)
            if invited is None:
                continue
            if not guest.approved:
                commands += self._to_guest(GiveWay(), guest, now)
            elif self._device.id < known.uuid:
                # Both sides have let the other one in, so one of them decides for both, and the
                # link that opened first stays. While nothing is heard on it, its program may have
                # crashed and begun anew, and then the other link is all that there is.
                first = next(one for one in links if one is invited or one.id == guest.link.id)
                if first is invited:
                    commands += self._to_guest(GiveWay(), guest, now)
                elif now - guest.link.heard_at <= HEARTBEAT_SECONDS:
                    # A link without a guest of ours is one of our host.
                    assert self._host is not None
                    commands += self._host.give_way(invited.id, now)
        return commands

    def _handle(self, event: ProgramEvent, now: float) -> list[do.Command]:
        match event:
            case ev.Join():
                return self._join(event, now)
            case ev.Rename(name):
                return self._rename(name)
            case ev.Shutdown():
                return self._shut_down(now)
            case known_ev.JoinKnown(device):
                return self._join_known(device, now)
            case known_ev.DisconnectDevice(device):
                return [
                    command
                    for link in self._known.links_with(device)
                    for command in self._to_link(ev.Disconnect(link.id), now)
                ]
            case known_ev.ForgetDevice(device):
                return self._forget(event, frozenset({device}), now)
            case known_ev.KnownLoaded(file):
                return self._forget(event, self._known.missing_in(file), now)
            case ev.NetworksSeen(networks):
                self._networks = networks
                return [] if self._host is None else self._host.handle(event, now)
            case ev.LinkIntent():
                return self._to_feature(event, now)
            case ev.FeatureEvent():
                return self._features.handle(event, now)
            case ev.TimerFired() if self._features.has(event):
                return self._features.handle(event, now)
            case pair_ev.DialFailed():
                return self._to_dialled(event, now)
            case pair_ev.ConnectionEvent(connection) if connection.dialled:
                return self._to_dialled(event, now)
            case ev.TimerFired(ev.LinkTimer(scope=link)) if (
                guest := self._guests.get(link)
            ) is not None:
                return self._to_guest(event, guest, now)
            case link_ev.LinkEvent() | ev.Disconnect():
                return self._to_link(event, now)
            case _:
                pass
        if self._host is None:
            raise MachineMisuseError(f"{type(event).__name__} without a host")
        return self._host.handle(event, now)

    def _to_dialled(self, event: DialledSocketEvent, now: float) -> list[do.Command]:
        guest = self._by_connection(event.connection)
        # Without a guest, the event belongs to an attempt that has ended, so it is stale.
        return [] if guest is None else self._to_guest(event, guest, now)

    def _to_link(self, event: link_ev.LinkEvent | ev.Disconnect, now: float) -> list[do.Command]:
        guest = self._by_link(event)
        if guest is not None:
            return self._to_guest(event, guest, now)
        if self._host is not None:
            return self._host.handle(event, now)
        # The event belongs to an attempt that has ended, so it is stale.
        return []

    def _join(self, event: ev.Join, now: float) -> list[do.Command]:
        if self._joins:
            return [do.publish_trouble(Reason.JOIN_BUSY)]
        guest = self._new_guest(event.target)
        if self._is_own(event.target):
            return guest.refuse(Reason.OWN_CODE, now)
        return self._start(guest, now)

    def _join_known(self, device: KnownID, now: float) -> list[do.Command]:
        known = self._known.device(device)
        if known is None:
            return [do.publish_trouble(Reason.DEVICE_UNKNOWN)]
        if self._known.link_of(device) is not None:
            return [do.publish_trouble(Reason.DEVICE_LINKED)]
        if self._joins:
            return [do.publish_trouble(Reason.JOIN_BUSY)]
        host = KnownHost(
            known,
            self._device.id,
            lambda: self._known.places(device),
            search=self._known.searches,
        )
        return self._start(self._new_guest(host), now)

    @property
    def _joins(self) -> bool:
        """Whether an attempt to join is under way; there is one at a time."""
        return any(
            guest.state is not GuestState.LINKED and not guest.resumes
            for guest in self._guests.values()
        )

    def _new_guest(self, target: JoinTarget | KnownHost) -> Guest:
        return Guest(
            target,
            self._device,
            self._prover,
            self._new_link_id,
            self._new_connection,
            self._features,
        )

    def _start(self, guest: Guest, now: float) -> list[do.Command]:
        commands = guest.start(now)
        if guest.state is not GuestState.ENDED:
            self._guests[guest.link.id] = guest
        return commands

    def _forget(
        self,
        event: known_ev.ForgetDevice | known_ev.KnownLoaded,
        devices: frozenset[KnownID],
        now: float,
    ) -> list[do.Command]:
        """Let what is known be changed, after which these devices are not known any more."""
        sessions = self._known.sessions_of(devices)
        commands = self._features.handle(event, now)
        if not devices:
            return commands
        for guest in list(self._guests.values()):
            if guest.link.status.known in devices or session_of(guest.link) in sessions:
                guest.forget()
                if guest.state is not GuestState.LINKED:
                    commands += self._to_guest(DeviceForgotten(), guest, now)
        if self._host is not None:
            commands += self._host.forget(devices, sessions, now)
        return commands

    def _is_own(self, target: JoinTarget) -> bool:
        """Whether a code or link leads to this program, or a link to this installation.

        The code of another program of this installation is found out by that program.
        """
        if target.uuid is not None and target.uuid.lower() == self._device.id.lower():
            return True
        return self._host is not None and self._host.leads_here(target.address, target.port)

    def _new_link_id(self) -> ev.LinkID:
        self._guest_links += 1
        return ev.LinkID(f"guest-{self._guest_links}")

    def _new_connection(self) -> ev.ConnectionID:
        self._dials += 1
        return ev.ConnectionID(self._dials, dialled=True)

    def _to_guest(
        self, event: GuestEvent | OwnerEvent, guest: Guest, now: float
    ) -> list[do.Command]:
        link = guest.link.id
        commands = guest.handle(event, now)
        del self._guests[link]
        if guest.state is not GuestState.ENDED:
            # A link that replaces a lost one has its own id.
            self._guests[guest.link.id] = guest
        return commands

    def _to_feature(self, event: ev.LinkIntent, now: float) -> list[do.Command]:
        guest = self._by_link(event)
        if guest is not None:
            link: Link | None = guest.link
        else:
            link = None if self._host is None else self._host.link_of(event.link)
        if link is None or link.state is not LinkState.OPEN:
            # A link that was lost goes on under another id.
            concerned = event.link if link is None else link.id
            return [do.publish_trouble(Reason.NOT_CONNECTED, concerned)]
        # The intent may name the lost link that this one replaced.
        return self._features.handle(replace(event, link=link.id), now)

    def _by_link(self, event: link_ev.LinkEvent | ev.LinkIntent | ev.Disconnect) -> Guest | None:
        guest = self._guests.get(event.link)
        if guest is None and isinstance(event, ev.LinkIntent | ev.Disconnect):
            # The person's intent was made before the new link was published.
            return next(
                (one for one in self._guests.values() if one.link.status.resumes == event.link),
                None,
            )
        return guest

    def _by_connection(self, connection: ev.ConnectionID) -> Guest | None:
        return next(
            (guest for guest in self._guests.values() if guest.connection == connection), None
        )

    def _rename(self, name: str) -> list[do.Command]:
        given = given_name(name)
        if given is None:
            return [do.publish_trouble(Reason.NAME_UNUSABLE)]
        self._device = DeviceInfo(given, self._device.id)
        if self._host:
            self._host.rename(self._device)
        return [do.SaveName(self._device.name), do.Publish(st.ThisDevice(self._device))]

    def _shut_down(self, now: float) -> list[do.Command]:
        self._ended = True
        commands: list[do.Command] = []
        for guest in list(self._guests.values()):
            commands += self._to_guest(ev.Disconnect(guest.link.id), guest, now)
        return commands + (self._host.shut_down(now) if self._host else [])


def _is_from(link: OpenLink, guest: Guest) -> bool:
    """Whether the program that a guest dials, or may dial, has opened this link as our guest."""
    return not link.as_guest and link.port is not None and guest.may_reach(link.port)
