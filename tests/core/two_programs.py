"""A host's and a guest's program, joined by simulated WebSockets, peers, lanes and disks."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.transfers import stream_label
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import parse_target
from proxim.core.program import ProgramEvent
from proxim.io.pairing.spake import Spake2Exchange
from tests.core.bench import Bench
from tests.core.descriptions import ANSWER, sdp, sdp_name
from tests.core.files.transfer_bench import FakeSink, Record
from tests.core.handed_in import ETHERNET, GUEST_ADDRESS, PHONE, PORT, program
from tests.core.pairing.host_bench import HostBench

# The channels of file streams have this number or a higher one.
FIRST_STREAM = 100


@dataclass
class _Wire:
    """A WebSocket between the two programs."""

    guest: ev.ConnectionID
    host: ev.ConnectionID
    open: bool = True


@dataclass
class _Peers:
    """A WebRTC connection between the two programs. Its offer names the guest's link."""

    guest: ev.LinkID
    host: ev.LinkID | None = None
    open: bool = False


@dataclass(eq=False)
class _Lane:
    """A lane between the two programs."""

    guest: ev.LinkID
    host: ev.LinkID
    open: bool = True
    closed_by: set[ev.LinkID] = field(default_factory=set)

    def other(self, link: ev.LinkID) -> ev.LinkID:
        return self.host if link == self.guest else self.guest


@dataclass(eq=False)
class _Bytes:
    """A message of a transfer's stream that has not arrived yet."""

    # Both belong to the receiver.
    link: ev.LinkID
    channel: int
    command: file_do.StartSending
    records: list[Record]


@dataclass
class _Delivery:
    to: "Bench"
    event: ProgramEvent | _Bytes
    # The lane or sink that the event belongs to. The event is dropped once that is gone.
    about: _Lane | FakeSink | None = None


@dataclass
class World:
    """A host's and a guest's program, both real, joined by fake WebSockets and peers.

    Events wait in `queue` until `settle` delivers them, in the order in which they were sent. A
    script that reports two events before it settles lets their effects cross. If `udp` is False, no
    link opens over WebRTC. If `reachable` is False, no dial is answered. Files are read and written
    at once; their bytes wait in the queue like everything else.
    """

    udp: bool = True
    reachable: bool = True
    lanes_work: bool = True
    host: HostBench = field(default_factory=lambda: HostBench(spake2=Spake2Exchange))
    guest: Bench = field(init=False)
    queue: deque[_Delivery] = field(default_factory=deque)
    # Each pair is the sender and the text, as a sniffer sees them.
    frames: list[tuple[str, str]] = field(default_factory=list)
    # The newest lane whose opening was reported to this end of a link.
    current: dict[ev.LinkID, _Lane] = field(default_factory=dict)
    _expected: dict[bytes, link_do.ExpectLane] = field(default_factory=dict)
    _channels: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_STREAM))
    _wires: list[_Wire] = field(default_factory=list)
    _peers: list[_Peers] = field(default_factory=list)
    _connections: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.guest = Bench(program(PHONE, self.host.prover))
        self.handle(self.host, ev.NetworksSeen((ETHERNET,)))

    # --- for the script ---------------------------------------------------------------------------

    def report(self, to: Bench, event: ProgramEvent) -> None:
        """Report an event to one of the two programs; its effects wait in the queue."""
        for command in to.handle(event):
            self._execute(to, command)

    def handle(self, to: Bench, event: ProgramEvent) -> None:
        """Report an event to one of the two programs, and deliver all that follows from it."""
        self.report(to, event)
        self.settle()

    def settle(self) -> None:
        """Deliver everything that waits in the queue."""
        while self.queue:
            self.step()

    def step(self) -> None:
        """Deliver the next item of the queue."""
        if self.queue:
            delivery = self.queue.popleft()
            if not self._is_due(delivery):
                return
            event = delivery.event
            if isinstance(event, _Bytes):
                sink = delivery.to.disk.sinks.get(event.command.transfer)
                if sink is not None:
                    sink.feed((event.link, event.channel, event.command.generation), event.records)
                    self._disk_answers(delivery.to, sink)
                return
            if isinstance(event, link_ev.LaneOpened):
                assert isinstance(delivery.about, _Lane)
                self.current[event.link] = delivery.about
            elif isinstance(event, link_ev.LaneLost):
                self.current.pop(event.link, None)
            self.report(delivery.to, event)

    def advance(self, seconds: float) -> None:
        """Deliver everything that waits, then let time pass at both; every timer fires when it is
        due.
        """
        self.settle()
        until = self.host.now + seconds
        while True:
            timers = [(bench, bench.next_timer()) for bench in (self.host, self.guest)]
            due = [
                (*timer, bench)
                for bench, timer in timers
                if timer is not None and timer[0] <= until
            ]
            if not due:
                break
            at, timer, bench = min(due, key=lambda one: one[0])
            self.host.now = self.guest.now = max(self.host.now, at)
            self.handle(bench, ev.TimerFired(timer))
        self.host.now = self.guest.now = until

    def join(self) -> ev.LinkID:
        """Let the person at the guest type the host's code, and return the guest's newest link."""
        code = self.host.shown.code
        assert code is not None
        self.handle(self.guest, ev.Join(parse_target(code)))
        return next(reversed(self.guest.ledger.links), ev.LinkID("none"))

    def decide(self, *, approved: bool) -> None:
        """Let the person at the host answer the only prompt."""
        ((session_id, prompt),) = self.host.ledger.prompts.items()
        self.handle(self.host, ev.Decide(session_id, approved, prompt.number))

    def link_up(self) -> ev.LinkID:
        """Join and approve, deliver everything that follows, and return the guest's link."""
        link = self.join()
        self.decide(approved=True)
        return link

    def status(self, side: Bench) -> st.LinkStatus:
        """Return the newest link status that one side published."""
        return next(
            status for status in reversed(side.ledger.statuses) if isinstance(status, st.LinkStatus)
        )

    def texts(self, side: Bench) -> list[str]:
        """Return the texts that one side received."""
        return [
            status.text for status in side.ledger.statuses if isinstance(status, st.TextReceived)
        ]

    def cut_wire(self) -> None:
        """Close every WebSocket; messages that were sent before still arrive."""
        for wire in self._wires:
            self._close(wire)

    def vanish(self) -> None:
        """Simulate a dead network: nothing is delivered any more, and no loss is reported."""
        for wire in self._wires:
            wire.open = False
        for peers in self._peers:
            peers.open = False
        for lane in self.current.values():
            lane.open = False
        self._expected.clear()

    def cut_lanes(self) -> None:
        """Cut every lane and report that to both sides; messages that were sent before still
        arrive.
        """
        for lane in list(self.current.values()):
            self._cut(lane)

    def accept_files(self) -> None:
        """Let both persons accept every transfer that needs an answer."""
        for side in (self.host, self.guest):
            for transfer, status in list(side.ledger.transfers.items()):
                if status.needs_answer:
                    self.report(side, file_ev.AcceptTransfer(transfer))

    def transfers(self, side: Bench) -> list[file_st.TransferStatus]:
        """Return the newest status of each transfer of one side, oldest transfer first."""
        return list(side.ledger.transfers.values())

    # --- the world's side -------------------------------------------------------------------------

    def _is_due(self, delivery: _Delivery) -> bool:
        """Return whether an event can still happen: none is reported of a socket that is gone or of
        a peer that is closed.
        """
        ledger = delivery.to.ledger
        match delivery.event:
            case pair_ev.ConnectionOpened(connection) | pair_ev.DialFailed(connection) if (
                delivery.to is self.guest
            ):
                return connection in ledger.dials
            case pair_ev.FrameReceived(connection) | pair_ev.ConnectionLost(connection):
                return connection in ledger.sockets
            case link_ev.LaneOpened(link):
                assert isinstance(delivery.about, _Lane)
                return link not in delivery.about.closed_by
            case link_ev.LaneLost(link) if delivery.about is None:
                return link in ledger.lanes_dialled
            case (
                link_ev.LaneLost(link)
                | link_ev.ChannelMessage(link, channel=-1)
                | _Bytes(link, channel=-1)
            ):
                return self.current.get(link) is delivery.about
            case (
                link_ev.PeerDescribed(link)
                | link_ev.ChannelOpened(link)
                | link_ev.ChannelMessage(link)
                | link_ev.PeerFailed(link)
                | _Bytes(link)
            ):
                return link in ledger.peers
            case _ if isinstance(delivery.about, FakeSink):
                return delivery.to.disk.sinks.get(delivery.about.id) is delivery.about
            case _:
                return True

    def _tell(
        self, to: Bench, event: ProgramEvent | _Bytes, about: _Lane | FakeSink | None = None
    ) -> None:
        self.queue.append(_Delivery(to, event, about))

    def _execute(self, by: Bench, command: do.Command) -> None:
        match command:
            case do.Listen(address):
                self._drop_guests()
                self._tell(by, ev.Listening(address, PORT))
            case do.StopListening():
                self._drop_guests()
            case pair_do.Dial(connection, url):
                self._dial(connection, url)
            case pair_do.Send(connection, message):
                self._send(by, connection, pair_msg.dump_message(message))
            case pair_do.CloseConnection(connection):
                for wire in self._wires:
                    if connection == (wire.host if by is self.host else wire.guest):
                        self._close(wire)
            case link_do.OpenPeer(link, offerer) if offerer:
                self._peers.append(_Peers(link))
                self._tell(
                    by, link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, sdp(f"offer of {link}"))
                )
            case link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, text):
                self._pair(sdp_name(text).removeprefix("offer of ")).host = link
                self._tell(by, link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, ANSWER.sdp))
            case link_do.ApplyDescription(link):
                self._open(self._pair(link))
            case link_do.SendOnChannel(link, channel, text):
                self._send_on_channel(link, channel, text)
            case link_do.ClosePeer(link):
                self._close_peer(link)
            case link_do.ExpectLane(_, token):
                self._expected[token] = command
            case link_do.DialLane():
                self._dial_lane(command)
            case link_do.CloseLane(link):
                self._close_lane(link)
            case _:
                self._execute_on_disk(by, command)

    # --- lanes

    def _side(self, link: ev.LinkID) -> Bench:
        return self.guest if link.startswith("guest-") else self.host

    def _dial_lane(self, command: link_do.DialLane) -> None:
        parts = urlsplit(command.url)
        there = self.reachable and self.lanes_work and parts.hostname == self.host.ledger.listening
        expected = self._expected.pop(command.token, None) if there else None
        if expected is None or parts.path != "/lane":
            self._tell(self.guest, link_ev.LaneLost(command.link))
            return
        assert expected.key == command.key
        lane = _Lane(command.link, expected.link)
        for link in (lane.host, lane.guest):
            self._tell(self._side(link), link_ev.LaneOpened(link, command.carries_link), lane)

    def _close_lane(self, link: ev.LinkID) -> None:
        self._expected = {token: one for token, one in self._expected.items() if one.link != link}
        waiting = [one.about for one in self.queue if isinstance(one.event, link_ev.LaneOpened)]
        for lane in {*self.current.values(), *(one for one in waiting if isinstance(one, _Lane))}:
            if link in (lane.guest, lane.host):
                lane.closed_by.add(link)
                self._cut(lane)

    def _cut(self, lane: _Lane) -> None:
        for link in (lane.guest, lane.host):
            # After a simulated network failure the loss is reported only to the side that closes
            # the lane.
            if lane.open or link in lane.closed_by:
                self._tell(self._side(link), link_ev.LaneLost(link), lane)
        lane.open = False

    # --- disks

    def _disk_answers(self, side: Bench, sink: FakeSink | None = None) -> None:
        while side.disk.answers:
            answer: file_ev.DiskEvent = side.disk.answers.popleft()
            self._tell(side, answer, None if isinstance(answer, file_ev.SinkFinished) else sink)

    def _execute_on_disk(self, side: Bench, command: do.Command) -> None:
        disk = side.disk
        match command:
            case file_do.ListSources():
                disk.answers.append(disk.look(command))
                self._disk_answers(side)
            case file_do.StartSending():
                self._stream(command)
            case file_do.OpenSink(transfer):
                disk.sinks[transfer] = FakeSink(disk, command)
                self._disk_answers(side, disk.sinks[transfer])
            case file_do.ReceiveStream(transfer):
                disk.sinks[transfer].attach(command)
            case file_do.PauseSink(transfer):
                disk.sinks[transfer].pause()
                self._disk_answers(side, disk.sinks[transfer])
            case file_do.CloseSink(transfer, keep):
                disk.sinks.pop(transfer, None)
                if not keep:
                    disk.kept.pop(transfer, None)
            case _:
                pass

    def _stream(self, command: file_do.StartSending) -> None:
        sender = self._side(command.link)
        lane = self.current.get(command.link) if command.via is st.Via.LANE else None
        other = self._other_end(command.link)
        if lane is not None and lane.open:
            link, channel = lane.other(command.link), link_ev.LANE_CHANNEL
        elif command.via is st.Via.WEBRTC and other is not None:
            link, channel = other[1], next(self._channels)
            label = stream_label(command.transfer, command.generation)
            self._tell(self._side(link), link_ev.ChannelOpened(link, channel, label))
        else:
            # The way broke in the meantime, and the program gets an event about that anyway.
            return
        for records in sender.disk.read(command):
            self._tell(self._side(link), _Bytes(link, channel, command, records), lane)

    # --- sockets and peers

    def _dial(self, connection: ev.ConnectionID, url: str) -> None:
        if not self.reachable:
            return
        parts = urlsplit(url)
        if (
            parts.hostname is None
            or parts.hostname != self.host.ledger.listening
            or parts.port != PORT
        ):
            self._tell(self.guest, pair_ev.DialFailed(connection, Reason.REFUSED))
            return
        wire = _Wire(connection, ev.ConnectionID(next(self._connections)))
        self._wires.append(wire)
        self._tell(self.host, pair_ev.ConnectionOpened(wire.host, GUEST_ADDRESS))
        self._tell(self.guest, pair_ev.ConnectionOpened(wire.guest, parts.hostname))

    def _send(self, by: Bench, connection: ev.ConnectionID, text: str) -> None:
        self.frames.append(("host" if by is self.host else "guest", text))
        for wire in self._wires:
            if wire.open and by is self.host and wire.host == connection:
                self._tell(self.guest, pair_ev.FrameReceived(wire.guest, text))
            elif wire.open and by is self.guest and wire.guest == connection:
                self._tell(self.host, pair_ev.FrameReceived(wire.host, text))

    def _close(self, wire: _Wire) -> None:
        if wire.open:
            wire.open = False
            self._tell(self.host, pair_ev.ConnectionLost(wire.host))
            self._tell(self.guest, pair_ev.ConnectionLost(wire.guest))

    def _drop_guests(self) -> None:
        for wire in self._wires:
            self._close(wire)

    def _pair(self, guest_link: str) -> _Peers:
        return next(peers for peers in self._peers if peers.guest == guest_link)

    def _open(self, peers: _Peers) -> None:
        if self.udp and peers.host is not None:
            peers.open = True
            self._tell(self.guest, link_ev.ChannelOpened(peers.guest, 0, link_ev.CONTROL_LABEL))
            self._tell(self.host, link_ev.ChannelOpened(peers.host, 0, link_ev.CONTROL_LABEL))

    def _other_end(self, link: ev.LinkID) -> tuple[Bench, ev.LinkID] | None:
        for peers in self._peers:
            if peers.open and peers.host is not None and link in (peers.guest, peers.host):
                return (self.host, peers.host) if link == peers.guest else (self.guest, peers.guest)
        return None

    def _send_on_channel(self, link: ev.LinkID, channel: int, text: str) -> None:
        if channel == link_ev.LANE_CHANNEL:
            lane = self.current.get(link)
            if lane is not None and lane.open:
                self._tell(
                    self._side(lane.other(link)),
                    link_ev.ChannelMessage(lane.other(link), channel, text),
                    lane,
                )
            return
        other = self._other_end(link)
        if other is not None and channel < FIRST_STREAM:
            self._tell(other[0], link_ev.ChannelMessage(other[1], channel, text))

    def _close_peer(self, link: ev.LinkID) -> None:
        other = self._other_end(link)
        if other is not None:
            self._tell(other[0], link_ev.PeerFailed(other[1], Reason.PEER_LEFT))
        for peers in self._peers:
            if link in (peers.guest, peers.host):
                peers.open = False
