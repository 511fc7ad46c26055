"""Whole programs of devices that know each other, each of them host and guest, in one room.

What one end sends arrives in its order; whose message arrives next is the script's choice.
"""

from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import events as known_ev
from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover
from proxim.core.program import ProgramEvent
from proxim.io.pairing.x25519 import X25519KeyPair
from tests.core.bench import Bench
from tests.core.descriptions import ANSWER, sdp, sdp_name
from tests.core.handed_in import ONE_TIME, PORT, WALL_TIME, counting_bytes, program
from tests.core.pairing.fake_spake2 import FakeSpake2

ADA = DeviceInfo("Ada", "1111")
BEN = DeviceInfo("Ben", "2222")
# What carries something, and to whom.
_Line = tuple[int, int]
_ADDRESSES = {ADA.id: "192.168.1.5", BEN.id: "192.168.1.9"}


class Side(Bench):
    """One program of Ada's or Ben's device, which knows the other device."""

    def __init__(self, device: DeviceInfo, other: DeviceInfo, port: int | None, name: str) -> None:
        """With a port the program is a host, too."""
        self.address, self.port, self.device = _ADDRESSES[device.id], port, device
        prover = Prover(counting_bytes(name), FakeSpake2, X25519KeyPair)
        hosts = None if port is None else Invitations(device, ONE_TIME, prover.token_bytes)
        super().__init__(program(device, prover, hosts))
        self.known = KnownID(f"{other.name} for {device.name}")
        place = Endpoint(_ADDRESSES[other.id], PORT, "192.168.1.0/24")
        self.record = KnownDevice(
            *(self.known, b"k" * 32, other.id, other.name, Verified.CODE, WALL_TIME, WALL_TIME),
            endpoints=(place,),
        )

    @property
    def open(self) -> list[st.LinkStatus]:
        """The links that are open, as people see them."""
        return [one for one in self.ledger.links.values() if one.stage is st.Stage.CONNECTED]

    @property
    def ends(self) -> list[Reason | None]:
        """Why links and attempts have ended."""
        return [
            status.reason
            for status in self.ledger.statuses
            if isinstance(status, st.LinkStatus) and status.stage is st.Stage.CLOSED
        ]


@dataclass(eq=False)
class _Wire:
    """A WebSocket."""

    guest: tuple[Side, ev.ConnectionID]
    host: tuple[Side, ev.ConnectionID]
    open: bool = True

    def other(self, side: Side) -> tuple[Side, ev.ConnectionID]:
        return self.host if side is self.guest[0] else self.guest


@dataclass(eq=False)
class _Peers:
    """A WebRTC connection; its offer names it."""

    guest: tuple[Side, ev.LinkID]
    host: tuple[Side, ev.LinkID] | None = None
    open: bool = False


@dataclass
class Room:
    """Ada's program and Ben's, and others that a script adds. Nothing here is reported twice."""

    ada: Side = field(default_factory=lambda: Side(ADA, BEN, PORT, "ada"))
    ben: Side = field(default_factory=lambda: Side(BEN, ADA, PORT, "ben"))
    # What is under way, by what carries it and to whom.
    lines: dict[_Line, deque[tuple[Side, ProgramEvent]]] = field(default_factory=dict)
    sides: list[Side] = field(default_factory=list)
    _wires: list[_Wire] = field(default_factory=list)
    _peers: list[_Peers] = field(default_factory=list)
    _guests: int = 1000

    def __post_init__(self) -> None:
        for side in (self.ada, self.ben):
            self.add(side)

    def add(self, side: Side) -> Side:
        """Let a program begin that has read its file."""
        self.sides.append(side)
        file = KnownFile((side.record,), discovery=not side.record.endpoints)
        self.report(side, known_ev.KnownLoaded(file))
        self.report(side, ev.NetworksSeen((_network(side),)))
        self.settle()
        return side

    def vanish(self, side: Side) -> None:
        """Let a program end without a word, as when it crashes. Its sockets are closed."""
        self.sides.remove(side)
        for peers in self._peers:
            if side in (end[0] for end in (peers.guest, peers.host) if end is not None):
                peers.open = False
        for wire in self._wires:
            if wire.open and side in (wire.guest[0], wire.host[0]):
                wire.open = False
                to, name = wire.other(side)
                self._tell(wire, (to, pair_ev.ConnectionLost(name)))
        self.lines = {key: line for key, line in self.lines.items() if key[1] != id(side)}

    def pass_time(self, side: Side, seconds: float) -> None:
        """Let time pass for one program; the effects are under way afterwards."""
        for command in side.advance(seconds):
            self._execute(side, command)

    # --- what people do

    def connect(self, side: Side) -> None:
        """Let a person press Connect; nothing arrives yet."""
        self.report(side, known_ev.JoinKnown(side.known))

    def approve(self, side: Side) -> bool:
        """Let a person approve the oldest question, if there is one."""
        prompt = next(iter(side.ledger.prompts.values()), None)
        if prompt is None:
            return False
        self.report(side, ev.Decide(prompt.session_id, approved=True, number=prompt.number))
        return True

    def let_in(self, side: Side) -> None:
        """Let the other device in without a question from now on."""
        self.report(side, known_ev.SetLetIn(side.known, let_in=True))

    # --- what arrives

    @property
    def waiting(self) -> list[_Line]:
        """What carries something, in the order in which it was made."""
        return [key for key, line in self.lines.items() if line]

    def of(self, guest: Side) -> list[_Line]:
        """Which of them belong to the attempts of this program, and to its links as a guest."""
        carriers = {
            *(id(one) for one in self._wires if one.guest[0] is guest),
            *(id(one) for one in self._peers if one.guest[0] is guest),
        }
        return [(carrier, to) for carrier, to in self.waiting if carrier in carriers]

    def step(self, key: _Line) -> None:
        """Deliver what comes next there, unless it is too late for it."""
        side, event = self.lines[key].popleft()
        if self._is_due(side, event):
            self.report(side, event)

    def settle(self) -> None:
        """Deliver everything."""
        while self.waiting:
            self.step(self.waiting[0])

    def report(self, side: Side, event: ProgramEvent) -> None:
        """Report an event; its effects are under way afterwards."""
        for command in side.handle(event):
            self._execute(side, command)

    def _is_due(self, side: Side, event: ProgramEvent) -> bool:
        ledger = side.ledger
        match event:
            case pair_ev.ConnectionOpened(connection) if connection.dialled:
                return connection in ledger.dials
            case pair_ev.FrameReceived(connection) | pair_ev.ConnectionLost(connection):
                return connection in ledger.sockets
            case (
                link_ev.PeerDescribed(link)
                | link_ev.ChannelOpened(link)
                | link_ev.ChannelMessage(link)
                | link_ev.ChannelClosed(link)
            ):
                return link in ledger.peers
            case _:
                return True

    def _tell(self, carrier: object, to: tuple[Side, ProgramEvent]) -> None:
        self.lines.setdefault((id(carrier), id(to[0])), deque()).append(to)

    def _execute(self, by: Side, command: do.Command) -> None:
        match command:
            case do.Listen(address):
                assert by.port is not None
                self._tell(by, (by, ev.Listening(address, by.port)))
            case pair_do.Dial(connection, url):
                self._dial(by, connection, url)
            case pair_do.Send(connection, message):
                wire = self._wire(by, connection)
                to, name = wire.other(by)
                if wire.open:
                    text = pair_msg.dump_message(message)
                    self._tell(wire, (to, pair_ev.FrameReceived(name, text)))
            case pair_do.CloseConnection(connection, code):
                self._hang_up(by, connection, code)
            case link_do.OpenPeer(link, True):
                peers = _Peers((by, link))
                self._peers.append(peers)
                offer = sdp(f"offer {len(self._peers) - 1}")
                described = link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, offer)
                self._tell(peers, (by, described))
            case link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, text):
                peers = self._peers[int(sdp_name(text).removeprefix("offer "))]
                peers.host = (by, link)
                answer = link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp)
                self._tell(peers, (by, answer))
            case link_do.ApplyDescription(link):
                self._open(next(one for one in self._peers if one.guest == (by, link)))
            case link_do.SendOnChannel(link, channel, text):
                for peers, to, other in self._other_ends(by, link):
                    self._tell(peers, (to, link_ev.ChannelMessage(other, channel, text)))
            case link_do.ClosePeer(link):
                for peers, to, other in self._other_ends(by, link):
                    peers.open = False
                    # A goodbye that was sent before it is not always heard in time.
                    self._tell(peers, (to, link_ev.ChannelClosed(other, 0)))
            case _:
                pass

    def _dial(self, by: Side, connection: ev.ConnectionID, url: str) -> None:
        parts = urlsplit(url)
        place = (parts.hostname, parts.port)
        to = next((one for one in self.sides if (one.ledger.listening, one.port) == place), None)
        if to is None:
            self._tell(by, (by, pair_ev.DialFailed(connection, Reason.REFUSED)))
            return
        self._guests += 1
        wire = _Wire((by, connection), (to, ev.ConnectionID(self._guests)))
        self._wires.append(wire)
        self._tell(wire, (to, pair_ev.ConnectionOpened(wire.host[1], by.address)))
        self._tell(wire, (by, pair_ev.ConnectionOpened(connection, to.address)))

    def _wire(self, side: Side, connection: ev.ConnectionID) -> _Wire:
        return next(one for one in self._wires if (side, connection) in (one.guest, one.host))

    def _hang_up(self, by: Side, connection: ev.ConnectionID, code: int | None) -> None:
        wire = next((one for one in self._wires if (by, connection) in (one.guest, one.host)), None)
        if wire is None or not wire.open:
            return
        wire.open = False
        to, name = wire.other(by)
        self._tell(wire, (to, pair_ev.ConnectionLost(name, code)))
        self._tell(wire, (by, pair_ev.ConnectionLost(connection)))

    def _open(self, peers: _Peers) -> None:
        if peers.host is None or peers.host[1] not in peers.host[0].ledger.peers:
            return
        peers.open = True
        for side, link in (peers.guest, peers.host):
            self._tell(peers, (side, link_ev.ChannelOpened(link, 0, link_ev.CONTROL_LABEL)))

    def _other_ends(self, side: Side, link: ev.LinkID) -> list[tuple[_Peers, Side, ev.LinkID]]:
        return [
            (one, *(one.host if (side, link) == one.guest else one.guest))
            for one in self._peers
            if one.open and one.host is not None and (side, link) in (one.guest, one.host)
        ]


def _network(side: Side) -> ev.Network:
    return ev.Network(side.address, 24, "eth0", virtual=False)
