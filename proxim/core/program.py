"""The machine of the whole program: a host, attempts to join, or both, and the files.

`Program` passes each event to its machine. Sockets that the server accepted have positive ids, and
sockets that a guest dials have negative ids; the ids of links begin with "host-" or "guest-".
"""

from dataclasses import replace
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files.transfers import Transfers
from proxim.core.link import events as link_ev
from proxim.core.link.link import LinkState
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host import SESSION_TIMERS, Host, HostEvent
from proxim.core.pairing.join import Guest, GuestEvent, GuestState
from proxim.core.pairing.proof import Prover
from proxim.core.sanitize import is_usable_name

ProgramEvent = (
    HostEvent
    | GuestEvent
    | ev.Join
    | ev.Rename
    | ev.Shutdown
    | file_ev.FileIntent
    | file_ev.DiskEvent
)

_GUEST_LINK: Final = "guest-"


class Program:
    """Passes each event to the machine that it concerns.

    `host` is None if the person only joins.
    """

    def __init__(
        self,
        device: DeviceInfo,
        host: Host | None,
        prover: Prover,
        # The shared default is immutable.
        accept: file_ev.AcceptPolicy = file_ev.AcceptPolicy(),  # noqa: B008
    ) -> None:
        self._device = device
        self._host = host
        self._prover = prover
        self._transfers = host.transfers if host else Transfers(prover.token_bytes, accept)
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
        match event:
            case ev.Join():
                return self._join(event)
            case ev.Rename(name):
                return self._rename(name)
            case ev.Shutdown():
                return self._shut_down(now)
            case file_ev.SendPaths():
                return self._send_paths(event, now)
            case file_ev.AcceptTransfer() | file_ev.CancelTransfer() | file_ev.RetryTransfer():
                return self._transfers.intent(event, now)
            case ev.TimerFired(ev.Timer(ev.TimerName.STALL)):
                return self._transfers.timer(event, now)
            case pair_ev.DialFailed(connection):
                return self._guest_or_late(event, self._by_connection(connection), now)
            case (
                pair_ev.ConnectionOpened()
                | pair_ev.FrameReceived()
                | pair_ev.FrameRefused()
                | pair_ev.ConnectionLost()
            ):
                if event.connection < 0:
                    return self._guest_or_late(event, self._by_connection(event.connection), now)
            case ev.TimerFired(ev.Timer(name, scope)):
                if name not in SESSION_TIMERS and _is_guest_link(scope):
                    return self._guest_or_late(event, self._guests.get(ev.LinkID(scope)), now)
            case (
                link_ev.PeerDescribed()
                | link_ev.ChannelOpened()
                | link_ev.ChannelMessage()
                | link_ev.ChannelClosed()
                | link_ev.PeerFailed()
                | link_ev.LaneOpened()
                | link_ev.LaneLost()
                | ev.SendText()
                | ev.Disconnect()
            ):
                if _is_guest_link(event.link):
                    return self._guest_or_late(event, self._by_link(event), now)
            case _ if isinstance(event, file_ev.DiskEvent):
                return self._transfers.disk(event, now)
            case _:
                pass
        if self._host is None:
            raise MachineMisuseError(f"{type(event).__name__} without a host")
        return self._host.handle(event, now)

    def _guest_or_late(
        self, event: GuestEvent, guest: Guest | None, now: float
    ) -> list[do.Command]:
        if guest is not None:
            return self._to_guest(guest, event, now)
        if isinstance(event, ev.SendText):
            return [_trouble(Reason.NOT_CONNECTED, event.link)]
        if isinstance(event, ev.TimerFired):
            raise MachineMisuseError(f"{event.timer.name} of an attempt that has ended")
        # The event belongs to an attempt that has ended, so it is stale.
        return []

    def _join(self, event: ev.Join) -> list[do.Command]:
        if any(
            guest.state is not GuestState.LINKED and not guest.resumes
            for guest in self._guests.values()
        ):
            return [_trouble(Reason.JOIN_BUSY)]
        guest = Guest(
            event.target,
            self._device,
            self._prover,
            self._new_link_id,
            self._new_connection,
            self._transfers,
        )
        self._guests[guest.link.id] = guest
        return guest.start()

    def _new_link_id(self) -> ev.LinkID:
        self._guest_links += 1
        return ev.LinkID(f"{_GUEST_LINK}{self._guest_links}")

    def _new_connection(self) -> ev.ConnectionID:
        self._dials += 1
        return ev.ConnectionID(-self._dials)

    def _to_guest(self, guest: Guest, event: GuestEvent, now: float) -> list[do.Command]:
        link = guest.link.id
        commands = guest.handle(event, now)
        del self._guests[link]
        if guest.state is not GuestState.ENDED:
            # A link that replaces a lost one has its own id.
            self._guests[guest.link.id] = guest
        return commands

    def _send_paths(self, event: file_ev.SendPaths, now: float) -> list[do.Command]:
        link = None if self._host is None else self._host.link_of(event.link)
        if (guest := self._by_link(event)) is not None:
            link = guest.link
        if link is None or link.state is not LinkState.OPEN:
            return [_trouble(Reason.NOT_CONNECTED, event.link)]
        return self._transfers.intent(replace(event, link=link.id), now)

    def _by_link(
        self, event: link_ev.LinkEvent | ev.SendText | file_ev.SendPaths | ev.Disconnect
    ) -> Guest | None:
        guest = self._guests.get(event.link)
        if guest is None and isinstance(event, ev.SendText | file_ev.SendPaths | ev.Disconnect):
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
        if not is_usable_name(name):
            return [_trouble(Reason.NAME_UNUSABLE)]
        self._device = DeviceInfo(name.strip(), self._device.id)
        if self._host:
            self._host.rename(self._device)
        return [do.SaveName(self._device.name), do.Publish(st.ThisDevice(self._device))]

    def _shut_down(self, now: float) -> list[do.Command]:
        self._ended = True
        commands: list[do.Command] = []
        for guest in list(self._guests.values()):
            commands += self._to_guest(guest, ev.Disconnect(guest.link.id), now)
        return commands + (self._host.shut_down(now) if self._host else [])


def _is_guest_link(link: str) -> bool:
    return link.startswith(_GUEST_LINK)


def _trouble(reason: Reason, link: ev.LinkID | None = None) -> do.Command:
    return do.Publish(st.Trouble(Problem(reason), link))
