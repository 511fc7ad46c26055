"""The machine of the whole program: a host, attempts to join, or both, and the files.

`Program` passes each event to its machine: by the link, the socket or the timer that it names.
"""

from dataclasses import replace

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
from proxim.core.pairing.host import Host, HostEvent
from proxim.core.pairing.join import DialledSocketEvent, Guest, GuestEvent, GuestState
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
            case pair_ev.DialFailed():
                return self._to_dialled(event, now)
            case pair_ev.ConnectionEvent(connection) if connection.dialled:
                return self._to_dialled(event, now)
            case ev.TimerFired(timer) if (guest := self._by_timer(timer)) is not None:
                return self._to_guest(event, guest, now)
            case link_ev.LinkEvent() | ev.SendText() | ev.Disconnect():
                return self._to_link(event, now)
            case _ if isinstance(event, file_ev.DiskEvent):
                return self._transfers.disk(event, now)
            case _:
                pass
        if self._host is None:
            raise MachineMisuseError(f"{type(event).__name__} without a host")
        return self._host.handle(event, now)

    def _to_dialled(self, event: DialledSocketEvent, now: float) -> list[do.Command]:
        guest = self._by_connection(event.connection)
        # Without a guest, the event belongs to an attempt that has ended, so it is stale.
        return [] if guest is None else self._to_guest(event, guest, now)

    def _to_link(
        self, event: link_ev.LinkEvent | ev.SendText | ev.Disconnect, now: float
    ) -> list[do.Command]:
        guest = self._by_link(event)
        if guest is not None:
            return self._to_guest(event, guest, now)
        if self._host is not None:
            return self._host.handle(event, now)
        if isinstance(event, ev.SendText):
            return [_trouble(Reason.NOT_CONNECTED, event.link)]
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
        return ev.LinkID(f"guest-{self._guest_links}")

    def _new_connection(self) -> ev.ConnectionID:
        self._dials += 1
        return ev.ConnectionID(self._dials, dialled=True)

    def _to_guest(self, event: GuestEvent, guest: Guest, now: float) -> list[do.Command]:
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

    def _by_timer(self, timer: ev.Timer) -> Guest | None:
        # A sessionID may be spelled like the id of a link.
        guests = self._guests.values() if timer.name in ev.LINK_TIMERS else ()
        return next((guest for guest in guests if guest.link.id == timer.scope), None)

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
            commands += self._to_guest(ev.Disconnect(guest.link.id), guest, now)
        return commands + (self._host.shut_down(now) if self._host else [])


def _trouble(reason: Reason, link: ev.LinkID | None = None) -> do.Command:
    return do.Publish(st.Trouble(Problem(reason), link))
