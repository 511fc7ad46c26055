"""Two whole programs that may know each other, and a third one that stands beside them."""

import itertools
from dataclasses import dataclass, replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.known import events as known_ev
from proxim.core.known import status as known_st
from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.pairing.devices import DeviceInfo, KnownID
from tests.core.bench import Bench
from tests.core.handed_in import GUEST_ADDRESS, PHONE, program
from tests.core.two_programs import World

# The guest's network, which is the host's, too.
HERE = ev.Network(GUEST_ADDRESS, 24, "wlan0", virtual=False)
ELSEWHERE = ev.Network("10.1.2.3", 24, "wlan0", virtual=False)


@dataclass
class KnownWorld(World):
    """A host and a guest, whose files of known devices were read and are empty."""

    def __post_init__(self) -> None:
        # Sockets that a script opens at the host have other numbers.
        self._connections = itertools.count(1001)
        super().__post_init__()
        for side in (self.host, self.guest):
            self.handle(side, known_ev.KnownLoaded(KnownFile()))
        self.handle(self.guest, ev.NetworksSeen((HERE,)))

    def remember(self) -> None:
        """Link by the code, make both known to each other, and end the link."""
        link = self.link_up()
        self.handle(self.guest, known_ev.RememberDevice(link))
        self.handle(self.guest, known_ev.AnswerRemember(link, same=True))
        self.handle(self.host, known_ev.AnswerRemember(self.host.link, same=True))
        self.handle(self.guest, ev.Disconnect(link))

    def file(self, side: Bench) -> KnownFile:
        return side.ledger.saved or KnownFile()

    def device(self, side: Bench) -> KnownDevice:
        """The only device that a side knows."""
        (device,) = self.file(side).devices
        return device

    def entry(self, side: Bench) -> known_st.KnownEntry:
        (entry,) = self.shown(side).devices
        return entry

    def shown(self, side: Bench) -> known_st.KnownList:
        return next(
            one for one in reversed(side.ledger.statuses) if isinstance(one, known_st.KnownList)
        )

    def known(self, side: Bench) -> KnownID:
        return self.entry(side).id

    def come_back(self) -> ev.LinkID:
        """Let the guest's person click on the host's name."""
        self.handle(self.guest, known_ev.JoinKnown(self.known(self.guest)))
        return self.links()[-1].link

    def links(self, side: Bench | None = None) -> list[st.LinkStatus]:
        """All statuses of links that a side published, the guest's by default."""
        told = (side or self.guest).ledger.statuses
        return [one for one in told if isinstance(one, st.LinkStatus)]

    def let_in(self, *, on: bool = True) -> None:
        self.handle(self.host, known_ev.SetLetIn(self.known(self.host), on))

    def forget(self, side: Bench) -> None:
        self.handle(side, known_ev.ForgetDevice(self.known(side)))

    def replace_guest(self, file: KnownFile, device: DeviceInfo = PHONE) -> None:
        """Let another program stand at the guest's place, with this file."""
        self.settle()
        before = self.guest.program
        self.guest = Bench(program(device, self.host.prover))
        # In this world both have ids of their own.
        self.guest.program._guest_links = before._guest_links
        self.guest.program._dials = before._dials
        self.guest.now = self.host.now
        self.handle(self.guest, known_ev.KnownLoaded(file))
        self.handle(self.guest, ev.NetworksSeen((HERE,)))

    def with_endpoints(self, *endpoints: tuple[str, int, str]) -> None:
        """Let a new guest's file name these last addresses."""
        device = self.device(self.guest)
        places = tuple(Endpoint(*one) for one in endpoints)
        self.replace_guest(KnownFile((replace(device, endpoints=places),)))
