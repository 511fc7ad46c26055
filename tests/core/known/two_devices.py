"""The known devices of two programs on one link, without anything below: each message waits in
`wire` until it is delivered, and a test may change it on its way.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known import messages as known_msg
from proxim.core.known import status as known_st
from proxim.core.known.devices import KnownDevice, KnownFile
from proxim.core.known.feature import KnownDevices
from proxim.core.known.finding import Surroundings
from proxim.core.link import commands as link_do
from proxim.core.link.messages import LinkMessage
from proxim.core.pairing.devices import KnownID, Verified
from proxim.core.pairing.proof import Prover
from proxim.io.pairing.x25519 import X25519KeyPair
from tests.core.handed_in import ETHERNET, WALL_TIME, counting_bytes
from tests.core.pairing.fake_spake2 import FakeSpake2

NOW = 100.0
Spoil = Callable[[dict[str, Any]], None]


@dataclass
class FakePeerLink:
    """One side's end of a link."""

    status: st.LinkStatus
    binding: bytes
    lane_open: bool = False
    lane_is_optional: bool = True
    lane_pending: bool = False

    @property
    def id(self) -> ev.LinkID:
        return self.status.link

    @property
    def resumes(self) -> ev.LinkID | None:
        return self.status.resumes

    @property
    def peer_name(self) -> str | None:
        return self.status.peer_name

    def send(self, message: LinkMessage) -> do.Command:
        return link_do.SendOnChannel(self.id, 0, json.dumps(message.fields()))

    def publish(self, *, digits_differed: bool) -> do.Command:
        self.status = replace(self.status, digits_differed=digits_differed)
        return do.Publish(self.status)

    def drop_lane(self) -> list[do.Command]:
        return []

    def want_lane(self) -> list[do.Command]:
        return []


@dataclass
class Side:
    """One device: its program's part for known devices, and its end of the link."""

    uuid: str
    link: FakePeerLink
    networks: tuple[ev.Network, ...] = (ETHERNET,)
    listening: tuple[str, int] | None = None
    now: float = NOW
    wall_time: float = WALL_TIME
    known: KnownDevices = field(init=False)
    file: KnownFile = field(default_factory=KnownFile)
    statuses: list[st.Status] = field(default_factory=list)
    out: deque[str] = field(default_factory=deque)
    timers: dict[ev.Timer, float] = field(default_factory=dict)
    announced: tuple[bytes, ...] | None = None
    looking: bool = False

    def __post_init__(self) -> None:
        prover = Prover(counting_bytes(self.uuid), FakeSpake2, X25519KeyPair)
        self.known = KnownDevices(self.uuid, prover, lambda: self.wall_time)
        self.handle(known_ev.KnownLoaded(self.file))

    def handle(self, event: object) -> list[do.Command]:
        if isinstance(event, ev.TimerFired):
            del self.timers[event.timer]
        return self.take(self.known.handle(event, self.now))

    def up(self) -> list[do.Command]:
        return self.take(self.known.link_up(self.link, self.now))

    def down(self, reason: Reason = Reason.PEER_VANISHED) -> list[do.Command]:
        return self.take(self.known.link_down(self.link.id, reason, self.now))

    def hear(self, text: str) -> list[do.Command]:
        fields = json.loads(text)
        message = known_msg.READERS[fields["type"]](fields)
        return self.take(self.known.message(self.link, message, self.now))

    def take(self, commands: list[do.Command]) -> list[do.Command]:
        around = Surroundings(self.networks, self.listening)
        commands = [*commands, *self.known.refresh(around)]
        for command in commands:
            match command:
                case link_do.SendOnChannel(text=text):
                    self.out.append(text)
                case do.Publish(status):
                    self.statuses.append(status)
                case do.SetTimer(timer, seconds):
                    self.timers[timer] = self.now + seconds
                case do.CancelTimer(timer):
                    self.timers.pop(timer, None)
                case known_do.SaveKnown(file):
                    self.file = file
                case known_do.Announce(tags):
                    self.announced = tags
                case known_do.StopAnnouncing():
                    self.announced = None
                case known_do.LookForServices():
                    self.looking = True
                case known_do.StopLooking():
                    self.looking = False
                case _:
                    raise AssertionError(command)
        return commands

    # --- what people do and see

    def ask(self) -> list[do.Command]:
        return self.handle(known_ev.RememberDevice(self.link.id))

    def answer(
        self, *, same: bool = True, digits: str | None = None, unattended: bool = False
    ) -> list[do.Command]:
        return self.handle(known_ev.AnswerRemember(self.link.id, same, digits, unattended))

    def time_out(self) -> list[do.Command]:
        ((timer, at),) = self.timers.items()
        self.now = at
        return self.handle(ev.TimerFired(timer))

    @property
    def told(self) -> known_st.Remembering:
        """The newest status of the attempt."""
        return next(one for one in reversed(self.statuses) if isinstance(one, known_st.Remembering))

    @property
    def remembering(self) -> list[known_st.Remembering]:
        """All that people have seen of attempts."""
        return [one for one in self.statuses if isinstance(one, known_st.Remembering)]

    @property
    def shown(self) -> known_st.KnownList:
        return next(one for one in reversed(self.statuses) if isinstance(one, known_st.KnownList))

    @property
    def devices(self) -> tuple[KnownDevice, ...]:
        """All records, also those that nobody sees."""
        return self.file.devices

    @property
    def only(self) -> KnownID:
        """The only device that people see."""
        (entry,) = self.shown.devices
        return entry.id


def link_of(name: str, other: str, verified: Verified | None, *, as_guest: bool) -> FakePeerLink:
    status = st.LinkStatus(
        ev.LinkID(f"{name}-1"),
        "session",
        st.Stage.CONNECTED,
        as_guest=as_guest,
        peer_name=other,
        peer_address="192.168.1.5:47800" if as_guest else "192.168.1.9",
        verified=verified,
        features=("known",),
    )
    return FakePeerLink(status, b"" if verified is None else b"k" * 32)


class Two:
    """A host and a guest on one link."""

    def __init__(
        self,
        verified: Verified | None = Verified.CODE,
        files: tuple[KnownFile, KnownFile] = (KnownFile(), KnownFile()),
        *,
        up: bool = True,
    ) -> None:
        host_link = link_of("host", "Laptop", verified, as_guest=False)
        guest_link = link_of("guest", "PC", verified, as_guest=True)
        self.host = Side("uuid-host", host_link, listening=("192.168.1.5", 47800), file=files[0])
        self.guest = Side("uuid-guest", guest_link, file=files[1])
        if up:
            self.host.up()
            self.guest.up()

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.host, self.guest

    def other(self, side: Side) -> Side:
        return self.guest if side is self.host else self.host

    def step(self, sender: Side, spoil: Spoil | None = None) -> None:
        """Deliver the next message of this side, perhaps changed."""
        fields = json.loads(sender.out.popleft())
        if spoil is not None:
            spoil(fields)
        self.other(sender).hear(json.dumps(fields))

    def settle(self) -> "Two":
        while self.host.out or self.guest.out:
            for side in self.sides:
                if side.out:
                    self.step(side)
        return self

    def compare(self, asker: Side | None = None) -> "Two":
        """Let one side ask, up to the digits."""
        (asker or self.guest).ask()
        return self.settle()

    def remember(self) -> "Two":
        """Make the two known to each other."""
        self.compare()
        for side in self.sides:
            side.answer()
        return self.settle()

    def meet_again(self) -> "Two":
        """Let a new link open that the pair's key has verified."""
        for side in self.sides:
            side.down(Reason.PEER_LEFT)
            name, _, number = side.link.id.partition("-")
            side.link = FakePeerLink(
                replace(
                    side.link.status,
                    link=ev.LinkID(f"{name}-{int(number) + 1}"),
                    session_id=f"session {number}",
                    verified=Verified.KNOWN,
                    known=side.only,
                ),
                b"another" * 4,
            )
            side.up()
        return self.settle()
