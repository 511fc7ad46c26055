"""Tests with an attacker, Mallory, between two real programs: no verified link ever connects
anybody but these two.

Both sides are whole Programs with the real proof. Mallory controls the network: every frame
passes through him, and he may open sockets of his own. WebRTC is a stand-in that believes
everything, so that only the proof stands in his way: a side that is given a description gets an
open channel, no matter who wrote that description.
"""

import itertools
import json
import random
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import from_base64url, to_base64url
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files.manifest import Direction, Entry, TransferID, resume_tag
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host import Host
from proxim.core.pairing.host_code import (
    HostCode,
    JoinTarget,
    parse_code,
    parse_target,
)
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import (
    MakeExchange,
    Method,
    Prover,
    start_guest_proof,
    start_host_proof,
    tag_auth,
)
from proxim.core.program import Program, ProgramEvent
from proxim.io.pairing.spake import Spake2Exchange
from tests.core.handed_in import hello, program
from tests.core.pairing.fake_spake2 import FakeSpake2
from tests.rows import each_row

# Each branch has a test of its own elsewhere, and these would take three times as long.
pytestmark = pytest.mark.not_measured

PROVER = Prover(secrets.token_bytes, Spake2Exchange)
HOST_DEVICE = devices.DeviceInfo("Küchen-PC", "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47")
GUEST_DEVICE = devices.DeviceInfo("Telefon", "guest-uuid")
HOST_ADDRESS, GUEST_ADDRESS, MALLORYS_ADDRESS = "192.168.1.2", "192.168.1.20", "192.168.1.66"
# An honest run takes some 40 steps. The limit makes an endless exchange of the two machines fail
# instead of hang.
MAX_STEPS = 2000
FINGERPRINT = "a=fingerprint:sha-256 "
HIS_CANDIDATE = f"candidate:1 1 udp 1 {MALLORYS_ADDRESS} 50000 typ host"
MALLORYS_FINGERPRINT = ":".join(["66"] * 32)


class Towards(Enum):
    """The direction of a frame."""

    HOST = "host"
    GUEST = "guest"

    @property
    def back(self) -> "Towards":
        return Towards.GUEST if self is Towards.HOST else Towards.HOST


@dataclass(frozen=True)
class Frame:
    towards: Towards
    text: str
    # The number of the socket at the host: 1 is the honest guest's, others are Mallory's own.
    socket: int = 1


Attack = Callable[["Wire", Frame], list[Frame]]
"""What becomes of each frame that an honest side sends; called in order, and never for what
Mallory sends himself.
"""


def description() -> str:
    """Return a description as aiortc writes it, with a certificate of its own."""
    fingerprint = ":".join(f"{byte:02X}" for byte in random.randbytes(32))
    return "\r\n".join(
        [
            "v=0",
            "o=- 3994 3994 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=application 50000 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 192.168.1.30",
            "a=mid:0",
            "a=sctp-port:5000",
            "a=max-message-size:65536",
            "a=candidate:5a 1 udp 2130706431 192.168.1.30 50000 typ host",
            "a=end-of-candidates",
            f"a=ice-ufrag:{random.randbytes(2).hex()}",
            f"a=ice-pwd:{random.randbytes(11).hex()}",
            f"{FINGERPRINT}{fingerprint}",
            "a=setup:actpass",
            "",
        ]
    )


@dataclass
class Side:
    """One program with its published statuses, and with what its stand-in for WebRTC made and
    was given.
    """

    program: Program
    told: list[st.Status] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    given: list[tuple[ev.LinkID, str]] = field(default_factory=list)
    candidates: list[ev.LinkID] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    peers: set[ev.LinkID] = field(default_factory=set)
    timers: dict[ev.Timer, float] = field(default_factory=dict)
    sockets: set[ev.ConnectionID] = field(default_factory=set)
    # These are all lanes that this side ever expected.
    expected: list[link_do.ExpectLane] = field(default_factory=list)
    dialled: list[link_do.DialLane] = field(default_factory=list)
    # A lane is open for this link.
    lane: ev.LinkID | None = None

    def last(self, kind: type[Any]) -> Any:
        return next((one for one in reversed(self.told) if isinstance(one, kind)), None)

    def all(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]

    def verified(self, link: ev.LinkID) -> bool:
        """Return whether this side ever published that link as verified."""
        return any(one.link == link and one.verified is not None for one in self.all(st.LinkStatus))


class Wire:
    """A host, a guest, and Mallory between them."""

    def __init__(
        self,
        attack: Attack,
        *,
        approve: bool = True,
        by_code: bool = True,
        spake2: MakeExchange = Spake2Exchange,
    ) -> None:
        self.attack = attack
        self.approve = approve
        self.by_code = by_code
        self.now = 1000.0
        prover = Prover(secrets.token_bytes, spake2)
        invitations = Invitations(
            HOST_DEVICE, ev.Invite(ev.SessionType.PERSISTENT), secrets.token_bytes
        )
        self.host = Side(program(HOST_DEVICE, prover, invitations))
        self.guest = Side(program(GUEST_DEVICE, prover))
        # The honest guest's socket has this number at the host, once it exists.
        self.guest_socket = 0
        self.attempts = 0
        # Once this is True, the guest's own dials get through.
        self.lost = False
        # If this is False, descriptions open no channel.
        self.udp = True
        # These are the frames that the honest sides sent, in order.
        self.honest: list[Frame] = []
        # These are the texts that the host sent on Mallory's own sockets.
        self.mallory_got: list[str] = []
        self._numbers = itertools.count(2)
        self._work: deque[Callable[[], None]] = deque()
        self._tell(self.host, ev.NetworksSeen((ev.Network(HOST_ADDRESS, 24, "test0", False),)))
        self.run()
        self.invitation: st.Invitation = self.host.last(st.Invitation)

    # --- what the tests do ------------------------------------------------------------------------

    @property
    def target(self) -> JoinTarget:
        assert self.invitation.code is not None
        return parse_target(self.invitation.code if self.by_code else self.invitation.url)

    def join(self) -> "Wire":
        """Let the honest guest join, and return when nothing is under way any more."""
        self.attempts += 1
        connection = ev.ConnectionID(self.attempts, dialled=True)
        self._tell(self.guest, ev.Join(self.target))
        self.guest_socket = self._new_socket(GUEST_ADDRESS)
        self.guest.sockets.add(connection)
        self._later(self.guest, pair_ev.ConnectionOpened(connection, HOST_ADDRESS))
        return self.run()

    def mallory_connects(self) -> int:
        """Open another socket of Mallory's own at the host, and return its number."""
        return self._new_socket(MALLORYS_ADDRESS)

    def mallory_says(self, *frames: Frame) -> "Wire":
        for frame in frames:
            self._deliver(frame)
        return self.run()

    def disconnect(self) -> "Wire":
        """Let the honest guest leave."""
        self._later(self.guest, ev.Disconnect(self.guest.last(st.LinkStatus).link))
        return self.run()

    def lose(self, *sides: Side) -> "Wire":
        """Let the link fall silent. These sides notice it; the guest, if it is among them, comes
        back at once.
        """
        self.lost = True
        for side in sides:
            self._later(
                side, link_ev.PeerFailed(side.last(st.LinkStatus).link, Reason.PEER_VANISHED)
            )
        return self.run().wait(0)

    def wait(self, seconds: float) -> "Wire":
        """Let time pass, and fire every timer in its turn."""
        end = self.now + seconds
        while due := [
            (when, timer, side)
            for side in (self.host, self.guest)
            for timer, when in side.timers.items()
            if when <= end
        ]:
            when, timer, side = min(due, key=lambda one: one[0])
            self.now = max(self.now, when)
            del side.timers[timer]
            self._later(side, ev.TimerFired(timer))
            self.run()
        self.now = end
        return self

    def run(self) -> "Wire":
        for _ in range(MAX_STEPS):
            if not self._work:
                self.check()
                return self
            self._work.popleft()()
        raise AssertionError("this never ends")

    # --- what must be true, always ----------------------------------------------------------------

    def check(self) -> None:
        """Check the main property of this file."""
        for side, other in ((self.host, self.guest), (self.guest, self.host)):
            for link, sdp in side.given:
                if side is self.guest or side.verified(link):
                    assert any(same_description(sdp, made) for made in other.made), (
                        "a description of somebody else"
                    )
            for link in side.candidates:
                assert side is self.host, (
                    "the host never sends a candidate, so this is somebody else's"
                )
                assert not side.verified(link), (
                    "the guest never sends a candidate, so this is somebody else's"
                )
            for trouble in side.all(st.Trouble):
                assert trouble.problem.reason is not Reason.INTERNAL
        self._check_lanes()
        for prompt in self.host.all(st.Prompt):
            assert prompt.verified is None or prompt.device == GUEST_DEVICE, (
                "verified under another name"
            )
        approvals = [one for one in self.guest.all(st.PairOutcome) if one.approved]
        assert self.approve or not approvals, "the guest believes an approval that nobody gave"

    def _check_lanes(self) -> None:
        """Check that lanes connect only these two: their tokens and keys were never on the wire,
        and nobody else could compute them.
        """
        secrets_of_lanes = [(one.token, one.key) for one in self.host.expected]
        sniffed = "".join([*(frame.text for frame in self.honest), *self.mallory_got])
        for token, key in secrets_of_lanes:
            assert to_base64url(token) not in sniffed
            assert to_base64url(key) not in sniffed
        assert len(secrets_of_lanes) == len(set(secrets_of_lanes)), (
            "a lane's key is good for one lane"
        )
        # The guest shows its token to any server that answers, so the token must mean nothing to
        # others.
        for dial in self.guest.dialled:
            assert dial.url == f"ws://{HOST_ADDRESS}:47800/lane"
            assert self.guest.verified(dial.link)
        for side in (self.host, self.guest):
            for status in side.all(st.LinkStatus):
                assert status.via is st.Via.WEBRTC or status.verified is not None, (
                    "a lane for somebody unknown"
                )

    @property
    def guest_connected(self) -> bool:
        return any(one.stage is st.Stage.CONNECTED for one in self.guest.all(st.LinkStatus))

    @property
    def host_connected_verified(self) -> bool:
        return any(
            one.stage is st.Stage.CONNECTED and one.verified is not None
            for one in self.host.all(st.LinkStatus)
        )

    @property
    def guest_reason(self) -> Reason | None:
        """The reason why the honest guest's attempt ended."""
        return self._reason(self.guest)

    @property
    def host_reason(self) -> Reason | None:
        """The reason why the host's last link, or attempt at one, ended."""
        return self._reason(self.host)

    def _reason(self, side: Side) -> Reason | None:
        return next(
            (
                one.reason
                for one in reversed(side.all(st.LinkStatus))
                if one.stage is st.Stage.CLOSED
            ),
            None,
        )

    # --- carrying out -----------------------------------------------------------------------------

    def _new_socket(self, address: str) -> int:
        number = next(self._numbers)
        self.host.sockets.add(ev.ConnectionID(number))
        self._tell(self.host, pair_ev.ConnectionOpened(ev.ConnectionID(number), address))
        return number

    def _later(self, side: Side, event: ProgramEvent) -> None:
        self._work.append(lambda: self._tell(side, event))

    def _tell(self, side: Side, event: ProgramEvent) -> None:
        if (
            isinstance(event, link_ev.PeerDescribed | link_ev.ChannelOpened)
            and event.link not in side.peers
        ):
            # The peer was closed in the meantime.
            return
        for command in side.program.handle(event, self.now):
            self._carry_out(side, command)

    def _carry_out(self, side: Side, command: do.Command) -> None:
        match command:
            case do.Publish(status):
                side.told.append(status)
                if isinstance(status, st.Prompt):
                    self._later(side, ev.Decide(status.session_id, self.approve))
            case do.Listen(address):
                self._later(side, ev.Listening(address, 47800))
            case do.SetTimer(timer) if timer.name is ev.TimerName.HEARTBEAT:
                # The stand-in for WebRTC carries no messages, so nobody may listen for silence;
                # `lose` says when a link is lost.
                pass
            case do.SetTimer(timer, seconds):
                side.timers[timer] = self.now + seconds
            case do.CancelTimer(timer):
                side.timers.pop(timer, None)
            case link_do.OpenPeer(link, offerer):
                side.peers.add(link)
                if offerer:
                    self._later(
                        side,
                        link_ev.PeerDescribed(link, pair_msg.SDPType.OFFER, self._describe(side)),
                    )
            case link_do.ApplyDescription(link, type, sdp):
                side.given.append((link, sdp))
                if type is pair_msg.SDPType.OFFER:
                    self._later(
                        side,
                        link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, self._describe(side)),
                    )
                if self.udp:
                    self._later(side, link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL))
            case link_do.AddCandidate(link):
                side.candidates.append(link)
            case link_do.ClosePeer(link):
                side.peers.discard(link)
            case link_do.ExpectLane():
                side.expected.append(command)
            case link_do.DialLane():
                side.dialled.append(command)
                self._work.append(lambda: self._lane_dialled(command))
            case link_do.SendOnChannel(link, channel, text) if channel == link_ev.LANE_CHANNEL:
                other = self.guest if side is self.host else self.host
                if other.lane is not None:
                    self._later(
                        other, link_ev.ChannelMessage(other.lane, link_ev.LANE_CHANNEL, text)
                    )
            case link_do.CloseLane():
                self._work.append(self._lane_closed)
            case pair_do.Dial(connection) if self.lost:
                self._work.append(lambda: self._redialled(connection))
            case pair_do.Send(connection, message):
                self._sent(side, connection, pair_msg.dump_message(message))
            case pair_do.CloseConnection(connection, code):
                self._closed(side, connection, code)
            case _:
                # Messages on the channel are not modelled here, and join() does the dialling.
                pass

    def _lane_dialled(self, dial: link_do.DialLane) -> None:
        """Open a lane as the real server does: for a guest that shows the token and has the key."""
        same = [one for one in self.host.expected if (one.token, one.key) == (dial.token, dial.key)]
        if not same:
            self._tell(self.guest, link_ev.LaneLost(dial.link))
            return
        for side, link in ((self.host, same[0].link), (self.guest, dial.link)):
            side.lane = link
            self._tell(side, link_ev.LaneOpened(link, dial.carries_link))

    def _lane_closed(self) -> None:
        for side in (self.host, self.guest):
            link, side.lane = side.lane, None
            if link is not None:
                self._tell(side, link_ev.LaneLost(link))

    def _redialled(self, connection: ev.ConnectionID) -> None:
        self.attempts = connection.number
        self.guest_socket = self._new_socket(GUEST_ADDRESS)
        self.guest.sockets.add(connection)
        self._tell(self.guest, pair_ev.ConnectionOpened(connection, HOST_ADDRESS))

    def _describe(self, side: Side) -> str:
        side.made.append(description())
        return side.made[-1]

    def _sent(self, side: Side, connection: ev.ConnectionID, text: str) -> None:
        if side is self.host and connection != ev.ConnectionID(self.guest_socket):
            self.mallory_got.append(text)
            return
        frame = Frame(Towards.GUEST if side is self.host else Towards.HOST, text, self.guest_socket)
        self.honest.append(frame)
        for delivered in self.attack(self, frame):
            self._deliver(delivered)

    def _deliver(self, frame: Frame) -> None:
        host_side = frame.towards is Towards.HOST
        side = self.host if host_side else self.guest
        connection = (
            ev.ConnectionID(frame.socket)
            if host_side
            else ev.ConnectionID(self.attempts, dialled=True)
        )

        def arrive() -> None:
            if connection in side.sockets:
                self._tell(side, pair_ev.FrameReceived(connection, frame.text))

        self._work.append(arrive)

    def _closed(
        self, side: Side, connection: ev.ConnectionID, code: pair_msg.CloseCode | None
    ) -> None:
        """Pass the closing of a socket on unchanged. Hiding the reason would only hide that
        Mallory was noticed.
        """
        ends = [(side, connection)]
        if side is self.guest or connection == ev.ConnectionID(self.guest_socket):
            ends = [
                (self.host, ev.ConnectionID(self.guest_socket)),
                (self.guest, ev.ConnectionID(self.attempts, dialled=True)),
            ]
        for one, end in ends:
            self._work.append(lambda one=one, end=end: self._lose(one, end, code))  # type: ignore[misc]

    def _lose(
        self, side: Side, connection: ev.ConnectionID, code: pair_msg.CloseCode | None
    ) -> None:
        if connection in side.sockets:
            side.sockets.remove(connection)
            self._tell(side, pair_ev.ConnectionLost(connection, code))


@cache
def _attributes(sdp: str) -> set[str]:
    return {line for line in sdp.split("\r\n") if line.startswith("a=")}


def same_description(given: str, made: str) -> bool:
    """Return whether one description is the other as our filter rewrites it: nothing in it leads
    elsewhere, and nothing that matters is missing.
    """
    given_lines, made_lines = _attributes(given), _attributes(made)
    needed = {line for line in made_lines if line.startswith((FINGERPRINT, "a=ice-", "a=setup:"))}
    return needed <= given_lines <= made_lines


# --- an honest wire -------------------------------------------------------------------------------


def honestly(wire: Wire, frame: Frame) -> list[Frame]:
    return [frame]


KINDS = ("pair_request", "pair_challenge", "pair_confirm", "pair_result", "offer", "answer")
# These messages hold a share of the proof.
SHARES = ("pair_request", "pair_challenge")


def spake2_for(*changed: str) -> MakeExchange:
    """Return the real SPAKE2 if Mallory changes a message with a share in it.

    Otherwise each side has the other's unchanged share. A stand-in that derives a key from both
    shares and the code then gives the same result, in a tenth of the time.
    """
    return Spake2Exchange if set(changed) & set(SHARES) else FakeSpake2


BOTH_METHODS = each_row("by_code", [True, False], ids=["code", "qr"])


@BOTH_METHODS
def test_left_alone_both_sides_end_verified(by_code: bool) -> None:
    """Without this test, everything below would hold for a program that never pairs."""
    wire = Wire(honestly, by_code=by_code).join()
    assert [json.loads(frame.text)["type"] for frame in wire.honest[:4]] == list(KINDS[:4])
    assert wire.guest_connected
    assert wire.host_connected_verified
    assert wire.host.last(st.Prompt).verified == ("code" if by_code else "qr")
    assert wire.host.last(st.Prompt).device == GUEST_DEVICE
    assert wire.guest.last(st.LinkStatus).verified == ("code" if by_code else "qr")


def test_the_stand_in_would_let_him_in_without_proof() -> None:
    """The same attack works on a guest that holds no secret. This shows that the checks above
    can fail.
    """
    wire = Wire(at("offer", with_his_fingerprint))
    no_secret = replace(parse_target(wire.invitation.url), qr_secret=None)
    wire.by_code = False
    wire._tell(wire.guest, ev.Join(no_secret))
    wire.attempts = 1
    wire.guest_socket = wire._new_socket(GUEST_ADDRESS)
    wire.guest.sockets.add(ev.ConnectionID(1, dialled=True))
    wire._later(
        wire.guest, pair_ev.ConnectionOpened(ev.ConnectionID(1, dialled=True), HOST_ADDRESS)
    )
    wire.run()
    assert MALLORYS_FINGERPRINT in wire.host.given[0][1]
    assert wire.host.last(st.Prompt).verified is None
    assert not wire.host_connected_verified


# --- one message changed --------------------------------------------------------------------------

Change = Callable[[Frame], list[Frame]]


def kind_of(wire: Wire, frame: Frame) -> str:
    fields = json.loads(frame.text)
    if fields["type"] != "signal":
        return str(fields["type"])
    return "offer" if frame.towards is Towards.HOST else "answer"


def at(kind: str, change: Change) -> Attack:
    return lambda wire, frame: change(frame) if kind_of(wire, frame) == kind else [frame]


def edited(frame: Frame, edit: Callable[[dict[str, Any]], None]) -> Frame:
    fields = json.loads(frame.text)
    edit(fields)
    return replace(frame, text=json.dumps(fields, ensure_ascii=False))


def with_his_fingerprint(frame: Frame) -> list[Frame]:
    def edit(fields: dict[str, Any]) -> None:
        payload = fields["payload"]
        lines = payload["sdp"].split("\r\n")
        payload["sdp"] = "\r\n".join(
            FINGERPRINT + MALLORYS_FINGERPRINT if line.startswith(FINGERPRINT) else line
            for line in lines
        )

    return [edited(frame, edit)]


def without(*path: str) -> Change:
    def edit(fields: dict[str, Any]) -> None:
        for key in path[:-1]:
            fields = fields[key]
        fields.pop(path[-1], None)

    return lambda frame: [edited(frame, edit)]


def flipped_field(*path: str, place: float) -> Change:
    """Return a change of one character of the field to another of its kind, at `place` (0 first,
    1 last).
    """

    def edit(fields: dict[str, Any]) -> None:
        for key in path[:-1]:
            fields = fields[key]
        value = fields[path[-1]]
        if isinstance(value, int):
            fields[path[-1]] = value + 1
            return
        index = round(place * (len(value) - 1))
        fields[path[-1]] = (
            value[:index] + ("A" if value[index] != "A" else "B") + value[index + 1 :]
        )

    return lambda frame: [edited(frame, edit)]


FIELDS: dict[str, list[tuple[str, ...]]] = {
    "pair_request": [
        ("sessionID",),
        ("deviceInfo", "name"),
        ("deviceInfo", "id"),
        ("auth", "v"),
        ("auth", "m"),
        ("auth", "y"),
    ],
    "pair_challenge": [("auth", "v"), ("auth", "m"), ("auth", "y"), ("sessionID",)],
    "pair_confirm": [("auth", "t"), ("sessionID",)],
    "pair_result": [("auth", "t"), ("status",), ("sessionID",)],
    "offer": [("payload", "sdp"), ("payload", "mac"), ("sessionID",)],
    "answer": [("payload", "sdp"), ("payload", "mac"), ("payload", "type"), ("sessionID",)],
}
FIELD_CASES = [(kind, path) for kind, paths in FIELDS.items() for path in paths]
FIELD_IDS = [f"{kind}.{'.'.join(path)}" for kind, path in FIELD_CASES]


@BOTH_METHODS
@each_row("kind, path", FIELD_CASES, ids=FIELD_IDS)
def test_a_changed_field_ends_the_attempt(kind: str, path: tuple[str, ...], by_code: bool) -> None:
    for place in (0.0, 0.5, 1.0):
        attack = at(kind, flipped_field(*path, place=place))
        wire = Wire(attack, by_code=by_code, spake2=spake2_for(kind)).join().wait(120)
        assert wire.guest_reason is not None, "ends with a named reason"
        assert not wire.guest_connected
        # The host has sent its answer already, so the guest reports the change to it.
        if kind == "answer":
            assert wire.host_reason is Reason.TAMPERED
        else:
            assert not wire.host_connected_verified


REASONS: list[tuple[str, tuple[str, ...], Reason]] = [
    ("pair_request", ("deviceInfo", "name"), Reason.NOT_VERIFIED),
    ("pair_challenge", ("auth", "m"), Reason.HOST_UNPROVEN),
    ("pair_confirm", ("auth", "t"), Reason.NOT_VERIFIED),
    ("pair_result", ("auth", "t"), Reason.HOST_UNPROVEN),
    ("offer", ("payload", "sdp"), Reason.TAMPERED),
    ("offer", ("payload", "mac"), Reason.TAMPERED),
    ("answer", ("payload", "sdp"), Reason.TAMPERED),
    ("answer", ("payload", "mac"), Reason.TAMPERED),
    ("answer", ("sessionID",), Reason.TAMPERED),
    ("pair_result", ("sessionID",), Reason.TAMPERED),
    ("pair_challenge", ("sessionID",), Reason.HOST_ERROR),
]


@BOTH_METHODS
@each_row("kind, path, reason", REASONS, ids=[f"{k}.{'.'.join(p)}" for k, p, _ in REASONS])
def test_the_guest_is_told_what_happened(
    kind: str, path: tuple[str, ...], reason: Reason, by_code: bool
) -> None:
    attack = at(kind, flipped_field(*path, place=0.5))
    wire = Wire(attack, by_code=by_code, spake2=spake2_for(kind)).join()
    assert wire.guest_reason is reason


@BOTH_METHODS
@each_row(
    "kind, change",
    [
        ("answer", flipped_field("payload", "sdp", place=0.5)),
        ("answer", lambda frame: [replace(frame, text=frame.text[:-1])]),
        ("answer", lambda frame: [frame, frame]),
        ("pair_result", flipped_field("auth", "t", place=0.5)),
        ("pair_result", flipped_field("sessionID", place=0.5)),
    ],
    ids=["answer changed", "answer cut", "answer twice", "decision forged", "decision for another"],
)
def test_the_host_is_told_too_and_its_code_is_spent(
    kind: str, change: Change, by_code: bool
) -> None:
    """Only the guest sees that its host's messages were changed; the host must not offer the
    same code again.
    """
    wire = Wire(at(kind, change), by_code=by_code, spake2=spake2_for(kind))
    before = wire.invitation
    wire.join()
    assert wire.host_reason is Reason.TAMPERED
    assert wire.host.last(st.Invitation).session_id != before.session_id


@each_row("kind", KINDS)
def test_any_flipped_byte(kind: str) -> None:
    """Flip every byte of every message of a run by QR code: the two link with each other's own
    descriptions, or not at all.
    """
    length = max(
        len(one.text)
        for one in Wire(honestly, by_code=False).join().honest
        if kind_of_text(one) == kind
    )
    for position in range(length):

        def flip(frame: Frame, position: int = position) -> list[Frame]:
            position = min(position, len(frame.text) - 1)
            other = chr(ord(frame.text[position]) ^ 1)
            return [replace(frame, text=frame.text[:position] + other + frame.text[position + 1 :])]

        # The check() of the wire is the test.
        wire = Wire(at(kind, flip), by_code=False).join()
        # These messages carry a MAC, so a change ends the attempt with a named reason at both ends.
        if kind in (
            "offer",
            "answer",
        ):
            reasons = {wire.guest_reason, wire.host_reason}
            assert reasons == {None} if wire.guest_connected else reasons == {Reason.TAMPERED}


def kind_of_text(frame: Frame) -> str:
    # kind_of() looks only at the frame.
    return kind_of(None, frame)  # type: ignore[arg-type]


# --- messages taken away, added, moved ------------------------------------------------------------


def twice(frame: Frame) -> list[Frame]:
    return [frame, frame]


def back(frame: Frame) -> list[Frame]:
    return [replace(frame, towards=frame.towards.back)]


def there_and_back(frame: Frame) -> list[Frame]:
    return [frame, replace(frame, towards=frame.towards.back)]


MOVES: dict[str, Change] = {
    "dropped": lambda frame: [],
    "twice": twice,
    "reflected": back,
    "passed on and reflected": there_and_back,
    "without auth": without("auth"),
    "without mac": without("payload", "mac"),
    "without auth.t": without("auth", "t"),
    "without auth.y": without("auth", "y"),
    "without auth.m": without("auth", "m"),
}


@BOTH_METHODS
@each_row("move", MOVES)
@each_row("kind", KINDS)
def test_moved(kind: str, move: str, by_code: bool) -> None:
    changed = []

    def change(frame: Frame) -> list[Frame]:
        try:
            frames = MOVES[move](frame)
        except KeyError:
            # This message has no such part.
            return [frame]
        changed.extend(
            [] if [json.loads(f.text) for f in frames] == [json.loads(frame.text)] else [frame]
        )
        return frames

    wire = Wire(at(kind, change), by_code=by_code, spake2=spake2_for(kind)).join().wait(120)
    if changed and move not in ("twice", "passed on and reflected", "reflected"):
        # A proved pair whose descriptions Mallory drops links over a lane, which he cannot open.
        kept_off_webrtc = move == "dropped" and kind in ("offer", "answer")
        assert wire.guest_connected == kept_off_webrtc
        assert not kept_off_webrtc or wire.guest.last(st.LinkStatus).via is st.Via.LANE
        assert (wire.guest_reason is None) == kept_off_webrtc


def test_without_auth_the_host_says_so_and_the_guest_does_not_fall_back() -> None:
    wire = Wire(at("pair_request", without("auth"))).join()
    assert wire.host.last(st.Prompt).verified is None
    assert wire.guest_reason is Reason.HOST_UNPROVEN


def test_without_any_proof_at_all() -> None:
    """Mallory strips every proof and sends a challenge of his own so that the guest goes on: the
    result stops it.
    """

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        kind = kind_of(wire, frame)
        if kind == "pair_confirm":
            return []
        if kind == "pair_request":
            challenge = pair_msg.PairChallenge(
                "@code", pair_msg.Auth(v=1, m="spake2", y=json.loads(frame.text)["auth"]["y"])
            )
            return [Frame(Towards.GUEST, pair_msg.dump_message(challenge)), *without("auth")(frame)]
        return without("auth")(frame) if kind == "pair_result" else [frame]

    wire = Wire(attack).join()
    assert wire.guest_reason is Reason.HOST_UNPROVEN


@BOTH_METHODS
@each_row("first", range(len(KINDS)))
@each_row("second", range(len(KINDS)))
def test_one_message_in_the_place_of_another(first: int, second: int, by_code: bool) -> None:
    """Swap messages, also across directions: an earlier one is kept and delivered in place of a
    later one.
    """
    kept: list[Frame] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        kind = kind_of(wire, frame)
        if kind == KINDS[first]:
            kept.append(frame)
        if kind == KINDS[second] and kept:
            return [replace(kept[0], towards=frame.towards)]
        return [frame]

    wire = Wire(attack, by_code=by_code, spake2=spake2_for(KINDS[second])).join()
    if first < second:
        assert not wire.guest_connected


@each_row("kind", ["offer", "answer"])
def test_his_own_fingerprint(kind: str) -> None:
    wire = Wire(at(kind, with_his_fingerprint)).join()
    assert wire.guest_reason is Reason.TAMPERED
    assert not any(
        MALLORYS_FINGERPRINT in sdp for side in (wire.host, wire.guest) for _, sdp in side.given
    )


@BOTH_METHODS
@each_row("kind", ["offer", "answer"])
def test_a_candidate_put_in_between(kind: str, by_code: bool) -> None:
    """A candidate that Mallory inserts before or after the description never reaches WebRTC,
    because it could lead traffic through him.
    """
    for before in (True, False):

        def inject(frame: Frame, before: bool = before) -> list[Frame]:
            line = {"candidate": HIS_CANDIDATE, "sdpMid": "0"}
            mac = json.loads(frame.text)["payload"]["mac"]
            extra = edited(frame, lambda fields: fields.update(payload={**line, "mac": mac}))
            return [extra, frame] if before else [frame, extra]

        wire = Wire(at(kind, inject), by_code=by_code, spake2=spake2_for(kind)).join()
        assert wire.host.candidates == []
        assert wire.guest.candidates == []


# --- earlier runs ---------------------------------------------------------------------------------


@BOTH_METHODS
@each_row("kind", KINDS)
def test_a_message_of_an_earlier_run(kind: str, by_code: bool) -> None:
    """With the same code and guest, a message that was valid once is worth nothing the second
    time, least of all an approval.
    """
    wire = Wire(honestly, by_code=by_code, spake2=spake2_for(kind)).join()
    assert wire.guest_connected
    earlier = {kind_of(wire, frame): frame for frame in wire.honest}
    wire.disconnect()
    for side in (wire.host, wire.guest):
        side.told.clear()
        side.given.clear()
        side.made.clear()
    wire.now += 60
    wire.approve = kind != "pair_result"
    wire.attack = at(kind, lambda frame: [replace(earlier[kind], socket=frame.socket)])
    wire.join()
    assert not wire.guest_connected
    assert not wire.host_connected_verified


# --- without the code -----------------------------------------------------------------------------


def wrong(target: JoinTarget) -> JoinTarget:
    """Return the target as an attacker guesses it, with the right address and a wrong secret."""
    if target.code is None:
        return replace(target, qr_secret="A" * 22)
    right = parse_code(target.code)
    return replace(target, code=HostCode(right.address, right.port, right.secret ^ 1).canonical)


@BOTH_METHODS
def test_the_host_played_without_the_code(by_code: bool) -> None:
    """Mallory answers the guest himself and follows the protocol, with a secret that he guessed."""
    proofs: list[Any] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        message = pair_msg.parse_message(frame.text)
        match message:
            case pair_msg.PairRequest(session_id, _, auth) if auth is not None:
                guess = wrong(wire.target)
                method = Method.SPAKE2 if by_code else Method.PSK
                secret = guess.code.encode() if guess.code else from_base64url(guess.qr_secret, 16)
                proofs.append(start_host_proof(message, auth, method, secret, PROVER))
                return [
                    Frame(
                        Towards.GUEST,
                        pair_msg.dump_message(pair_msg.PairChallenge(session_id, proofs[0].auth)),
                    )
                ]
            case pair_msg.PairConfirm(session_id):
                tag = tag_auth(proofs[0].keys.host_tag("approved"))
                return [
                    Frame(
                        Towards.GUEST,
                        pair_msg.dump_message(
                            pair_msg.PairResult(session_id, approved=True, auth=tag)
                        ),
                    )
                ]
        return []

    wire = Wire(attack, by_code=by_code, approve=False).join()
    assert len(proofs) == 1
    assert wire.guest_reason is Reason.HOST_UNPROVEN
    assert wire.host.all(st.Prompt) == []


@BOTH_METHODS
def test_the_guest_played_without_the_code(by_code: bool) -> None:
    """Mallory asks under the guest's own name, and no person is asked about it."""
    wire = Wire(honestly, by_code=by_code)
    target = wrong(wire.target)
    proof = start_guest_proof(target, GUEST_DEVICE, PROVER)
    assert proof is not None
    socket = wire.mallory_connects()
    request = pair_msg.PairRequest(target.session_id, GUEST_DEVICE, proof.auth)
    wire.mallory_says(Frame(Towards.HOST, pair_msg.dump_message(request), socket))
    challenge = pair_msg.parse_message(wire.mallory_got[-1])
    assert isinstance(challenge, pair_msg.PairChallenge)
    confirm = pair_msg.PairConfirm(
        target.session_id, tag_auth(proof.finish(challenge.auth).guest_tag())
    )
    wire.mallory_says(Frame(Towards.HOST, pair_msg.dump_message(confirm), socket))
    assert json.loads(wire.mallory_got[-1])["reason"] == "not_verified"
    assert wire.host.all(st.Prompt) == []
    wire.now += 5
    assert wire.join().guest_connected, "and the right guest still comes in"


def test_two_runs_with_him_between_both_guessing() -> None:
    """This is the classic attack, with one exchange with each side. One guess spoils both, and
    no prompt is shown.
    """
    seen: list[Any] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        message = pair_msg.parse_message(frame.text)
        if isinstance(message, pair_msg.PairRequest) and message.auth is not None:
            guess = wrong(wire.target)
            assert guess.code is not None
            to_guest = start_host_proof(
                message, message.auth, Method.SPAKE2, guess.code.encode(), PROVER
            )
            to_host = start_guest_proof(guess, message.device, PROVER)
            assert to_host is not None
            seen.extend([to_guest, to_host])
            challenge = pair_msg.PairChallenge(message.session_id, to_guest.auth)
            request = pair_msg.PairRequest(message.session_id, message.device, to_host.auth)
            return [
                Frame(Towards.GUEST, pair_msg.dump_message(challenge)),
                replace(frame, text=pair_msg.dump_message(request)),
            ]
        if isinstance(message, pair_msg.PairChallenge):
            confirm = pair_msg.PairConfirm(
                message.session_id, tag_auth(seen[1].finish(message.auth).guest_tag())
            )
            return [Frame(Towards.HOST, pair_msg.dump_message(confirm), frame.socket)]
        return [] if isinstance(message, pair_msg.PairConfirm) else [frame]

    wire = Wire(attack).join()
    assert wire.host.all(st.Prompt) == []
    assert wire.guest_reason is Reason.NOT_VERIFIED


@BOTH_METHODS
def test_his_own_socket_beside_an_honest_run(by_code: bool) -> None:
    """Mallory repeats every honest message on a socket of his own: the host never takes it for
    the guest's.
    """
    sockets: list[int] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        if frame.towards is Towards.GUEST:
            return [frame]
        return [replace(frame, socket=sockets[0]), frame]

    wire = Wire(attack, by_code=by_code)
    sockets.append(wire.mallory_connects())
    wire.join()
    assert all(
        prompt.peer_address == GUEST_ADDRESS
        for prompt in wire.host.all(st.Prompt)
        if prompt.verified
    )
    assert len(wire.host.given) <= 1


def test_the_decision_belongs_to_the_tag() -> None:
    """Mallory turns a declined guest's result into an approval."""

    def approve(frame: Frame) -> list[Frame]:
        return [edited(frame, lambda fields: fields.update(status="approved", reason=None))]

    wire = Wire(at("pair_result", approve), approve=False).join()
    assert wire.guest_reason is Reason.HOST_UNPROVEN


# --- anything -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What Mallory does to the n-th honest frame."""

    number: int
    what: str
    amount: int


WHATS = (
    *(
        "flip",
        "cut",
        "drop",
        "twice",
        "back",
        "both",
        "hold",
        "release",
        "earlier",
        "other way",
        "own socket",
    ),
    *("strip", "set", "fingerprint", "candidate", "forge result", "forge challenge", "forge error"),
)
STEPS = strategies.lists(
    strategies.builds(
        Step,
        strategies.integers(0, 9),
        strategies.sampled_from(WHATS),
        strategies.integers(0, 5000),
    ),
    min_size=1,
    max_size=5,
)


class Mallory:
    """An attack that carries out a list of steps."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.seen: list[Frame] = []
        self.held: list[Frame] = []
        self.socket: int | None = None

    def __call__(self, wire: Wire, frame: Frame) -> list[Frame]:
        self.seen.append(frame)
        frames = [frame]
        for step in self.steps:
            if step.number == len(self.seen) - 1:
                frames = list(self._play(wire, step, frames))
        return frames

    def _play(self, wire: Wire, step: Step, frames: list[Frame]) -> Iterator[Frame]:
        if step.what == "release":
            yield from self.held
            self.held.clear()
        for frame in frames:
            yield from self._change(wire, step, frame)

    def _change(self, wire: Wire, step: Step, frame: Frame) -> list[Frame]:
        earlier = self.seen[step.amount % len(self.seen)]
        position = step.amount % max(1, len(frame.text))
        match step.what:
            case "flip":
                other = chr(ord(frame.text[position]) ^ 1) if frame.text else ""
                return [
                    replace(frame, text=frame.text[:position] + other + frame.text[position + 1 :])
                ]
            case "cut":
                return [replace(frame, text=frame.text[:position])]
            case "drop":
                return []
            case "twice":
                return twice(frame)
            case "back":
                return back(frame)
            case "both":
                return there_and_back(frame)
            case "hold":
                self.held.append(frame)
                return []
            case "earlier":
                return [earlier, frame]
            case "other way":
                return [frame, replace(earlier, towards=earlier.towards.back)]
            case "own socket":
                return [
                    frame,
                    replace(earlier, towards=Towards.HOST, socket=self._own_socket(wire)),
                ]
            case "candidate" | "fingerprint" | "strip" | "set":
                return self._edit(step, frame)
            case "forge result":
                tag = tag_auth(bytes(32)) if step.amount % 2 else None
                forged = pair_msg.dump_message(
                    pair_msg.PairResult(wire.target.session_id, approved=True, auth=tag)
                )
                return [frame, Frame(Towards.GUEST, forged)]
            case "forge challenge":
                auth = json.loads(self.seen[0].text)["auth"]
                return [
                    frame,
                    Frame(
                        Towards.GUEST,
                        pair_msg.dump_message(
                            pair_msg.PairChallenge(wire.target.session_id, pair_msg.Auth(**auth))
                        ),
                    ),
                ]
            case "forge error":
                return [
                    frame,
                    Frame(Towards.GUEST, '{"type":"error","code":"busy","message":"no"}'),
                ]
        return [frame]

    def _own_socket(self, wire: Wire) -> int:
        if self.socket is None:
            self.socket = wire.mallory_connects()
        return self.socket

    def _edit(self, step: Step, frame: Frame) -> list[Frame]:
        try:
            fields = json.loads(frame.text)
        except ValueError:
            # An earlier step broke this frame.
            return [frame]
        holders = (
            [one for one in (fields, *fields.values()) if isinstance(one, dict)] if fields else []
        )
        if not isinstance(fields, dict) or not holders:
            return [frame]
        holder = holders[step.amount % len(holders)]
        keys = sorted(holder)
        key = keys[step.amount % len(keys)] if keys else ""
        match step.what:
            case "strip":
                holder.pop(key, None)
            case "set":
                holder[key] = (None, "", "A" * 43, 0, {}, True)[step.amount % 6]
            case "fingerprint" if (
                isinstance(fields.get("payload"), dict) and "sdp" in fields["payload"]
            ):
                return (
                    with_his_fingerprint(frame)
                    if isinstance(fields["payload"]["sdp"], str)
                    else [frame]
                )
            case "candidate":
                payload = {
                    "candidate": HIS_CANDIDATE,
                    "mac": json.dumps(holder)[: step.amount % 99],
                }
                fields = {
                    "type": "signal",
                    "sessionID": fields.get("sessionID"),
                    "payload": payload,
                }
                return [replace(frame, text=json.dumps(fields)), frame]
        return [replace(frame, text=json.dumps(fields))]


def spake2_against(steps: list[Step]) -> MakeExchange:
    """Return the real SPAKE2 if a step can change one of the shares; see `spake2_for`."""
    changes = ("flip", "cut", "strip", "set", "forge challenge")
    changed = [KINDS[step.number] for step in steps if step.what in changes and step.number < 2]
    return spake2_for(*changed)


@given(steps=STEPS, by_code=strategies.booleans(), approve=strategies.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_he_does(steps: list[Step], by_code: bool, approve: bool) -> None:
    spake2 = spake2_against(steps)
    Wire(Mallory(steps), by_code=by_code, approve=approve, spake2=spake2).join().wait(120)


# --- a lost link is taken up again ----------------------------------------------------------------


def linked(by_code: bool = True) -> Wire:
    """Return an honest pairing, with its recorded frames cleared.

    A guest that comes back proves itself by another method, so SPAKE2 is not attacked here and
    may be fake.
    """
    wire = Wire(honestly, by_code=by_code, spake2=FakeSpake2).join()
    assert wire.guest_connected
    assert wire.host_connected_verified
    wire.honest.clear()
    return wire


def resumed(*sides: Side) -> bool:
    """Return whether one of the sides published the lost link as connected again."""
    return any(
        one.stage is st.Stage.CONNECTED and one.resumes is not None
        for side in sides
        for one in side.all(st.LinkStatus)
    )


def refused_by(wire: Wire, kind: str) -> tuple[Side, ...]:
    """Return the sides that see that this message was changed; the stand-in opens the host's
    channel once it has the guest's true offer.
    """
    return (wire.guest,) if kind == "answer" else (wire.host, wire.guest)


def prompts(wire: Wire) -> int:
    return len(wire.host.all(st.Prompt))


def all_wait(wire: Wire) -> bool:
    return (
        wire.host.last(st.LinkStatus).stage
        is wire.guest.last(st.LinkStatus).stage
        is st.Stage.WAITING
    )


@BOTH_METHODS
@each_row("who", ["both", "guest first"])
def test_left_alone_the_lost_link_is_taken_up_verified_and_without_a_prompt(
    by_code: bool, who: str
) -> None:
    """Without this test, everything below would hold for a program that never resumes a link."""
    wire = linked(by_code)
    wire.lose(*((wire.host, wire.guest) if who == "both" else (wire.guest,)))
    assert [kind_of_text(frame) for frame in wire.honest] == list(KINDS)
    assert prompts(wire) == 1
    for side in (wire.host, wire.guest):
        status = side.last(st.LinkStatus)
        assert (status.stage, status.verified) == (st.Stage.CONNECTED, "code" if by_code else "qr")
        assert status.resumes is not None


@each_row(
    "kind, path",
    [
        *(
            ("pair_request", path)
            for path in (("auth",), ("auth", "y"), ("auth", "m"), ("sessionID",))
        ),
        *(("pair_request", ("deviceInfo", field)) for field in ("name", "id")),
        *(("pair_challenge", path) for path in (("auth", "y"), ("auth", "m"))),
        *(
            ("pair_confirm", ("auth", "t")),
            ("pair_result", ("auth", "t")),
            ("pair_result", ("auth",)),
        ),
        *((kind, ("payload", field)) for kind in ("offer", "answer") for field in ("sdp", "mac")),
    ],
)
@each_row("change", ["left out", "flipped"])
def test_a_changed_field_takes_nothing_up(kind: str, path: tuple[str, ...], change: str) -> None:
    if change == "flipped" and path == ("auth",):
        return
    wire = linked()
    wire.attack = at(
        kind, without(*path) if change == "left out" else flipped_field(*path, place=0.4)
    )
    wire.lose(wire.host, wire.guest).wait(130)
    assert not resumed(*refused_by(wire, kind))
    assert prompts(wire) == 1


@each_row("kind", ["offer", "answer"])
def test_his_fingerprint_takes_no_lost_link_up(kind: str) -> None:
    wire = linked()
    wire.attack = at(kind, with_his_fingerprint)
    wire.lose(wire.host, wire.guest).wait(130)
    assert MALLORYS_FINGERPRINT not in str(wire.host.given) + str(wire.guest.given)
    assert not resumed(*refused_by(wire, kind))
    assert wire.guest_reason is not None


@each_row("kind", KINDS)
def test_a_message_of_an_earlier_return_is_worth_nothing(kind: str) -> None:
    wire = linked()
    wire.lose(wire.host, wire.guest)
    assert resumed(wire.host, wire.guest)
    earlier = {kind_of_text(frame): frame for frame in wire.honest}
    for side in (wire.host, wire.guest):
        side.told[:] = [*side.all(st.Prompt), side.last(st.LinkStatus)]
    before = [side.last(st.LinkStatus).link for side in (wire.host, wire.guest)]
    wire.attack = at(kind, lambda frame: [replace(earlier[kind], socket=frame.socket)])
    wire.lose(wire.host, wire.guest).wait(130)
    after = [
        one
        for side in refused_by(wire, kind)
        for one in side.all(st.LinkStatus)
        if one.link not in before
    ]
    assert st.Stage.CONNECTED not in [one.stage for one in after]
    assert prompts(wire) == 1


def test_a_sniffed_return_played_again_on_his_own_socket_gets_nothing_and_ends_nothing() -> None:
    wire = linked()
    wire.lose(wire.host, wire.guest)
    sniffed = [frame for frame in wire.honest if frame.towards is Towards.HOST]
    links = len(wire.host.given)
    # Both are tried: while the link is open, and after it was lost once more.
    for lost in (False, True):
        if lost:
            # The guest's own messages do not get through.
            wire.attack = lambda wire, frame: []
            wire.lose(wire.host, wire.guest)
            sniffed += [frame for frame in wire.honest[-1:] if frame.towards is Towards.HOST]
            assert all_wait(wire)
        socket = wire.mallory_connects()
        for frame in sniffed:
            wire.mallory_says(replace(frame, socket=socket))
        assert len(wire.host.given) == links
        assert not [text for text in wire.mallory_got if '"approved"' in text]
    assert wire.host.last(st.LinkStatus).stage is st.Stage.WAITING
    assert prompts(wire) == 1
    wire.attack = honestly
    # The guest gives up its attempt that got nothing through, and its next one is not disturbed.
    wire.wait(20)
    assert (
        wire.host.last(st.LinkStatus).stage
        is wire.guest.last(st.LinkStatus).stage
        is st.Stage.CONNECTED
    )


def test_who_has_the_name_and_not_the_secret_is_turned_away() -> None:
    """Mallory's request is challenged, because the name is no secret. His tag is wrong, and the
    guest's place stays free.
    """
    wire = linked()
    asked: list[Frame] = []

    def keeps_the_request(wire: Wire, frame: Frame) -> list[Frame]:
        asked.append(frame)
        return []

    wire.attack = keeps_the_request
    wire.lose(wire.host, wire.guest)
    # Mallory asks more often than any typed code may be tried.
    for _ in range(30):
        socket = wire.mallory_connects()
        wire.mallory_says(replace(asked[0], socket=socket))
        name = json.loads(asked[0].text)["sessionID"]
        guess = pair_msg.dump_message(pair_msg.PairConfirm(name, tag_auth(secrets.token_bytes(32))))
        wire.mallory_says(Frame(Towards.HOST, guess, socket))
        assert json.loads(wire.mallory_got[-1])["reason"] == "not_verified"
    wire.attack = honestly
    wire.wait(20)
    assert resumed(wire.host, wire.guest)
    assert wire.host.last(st.LinkStatus).stage is st.Stage.CONNECTED


def test_after_2_minutes_not_even_the_guest_gets_in() -> None:
    wire = linked()
    asked: list[Frame] = []

    def keeps(wire: Wire, frame: Frame) -> list[Frame]:
        asked.append(frame)
        return []

    wire.attack = keeps
    wire.lose(wire.host, wire.guest).wait(121)
    assert wire.host.last(st.LinkStatus).stage is st.Stage.CLOSED
    wire.mallory_says(replace(asked[0], socket=wire.mallory_connects()))
    assert json.loads(wire.mallory_got[-1])["reason"] == "unknown_session"


@given(steps=STEPS, by_code=strategies.booleans(), guest_first=strategies.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_he_does_to_a_guest_that_comes_back(
    steps: list[Step], by_code: bool, guest_first: bool
) -> None:
    wire = linked(by_code)
    wire.attack = Mallory(steps)
    wire.lose(*((wire.guest,) if guest_first else (wire.host, wire.guest))).wait(130)
    # Mallory's own socket may ask like any other, and is shown as not verified.
    assert prompts(wire) == 1 or steps
    assert [one.verified is None for one in wire.host.all(st.Prompt)[1:]] == [True] * (
        prompts(wire) - 1
    )


# --- lanes ----------------------------------------------------------------------------------------


def blocked(attack: Attack, *, by_code: bool = True, spake2: MakeExchange = Spake2Exchange) -> Wire:
    """Return a pairing without UDP, whose link has to be carried by a lane."""
    wire = Wire(attack, by_code=by_code, spake2=spake2)
    wire.udp = False
    return wire.join().wait(16)


@BOTH_METHODS
def test_left_alone_a_lane_carries_the_link(by_code: bool) -> None:
    """Without this test, everything below would hold for a program that never opens a lane."""
    wire = blocked(honestly, by_code=by_code)
    for side in (wire.host, wire.guest):
        opened = [one for one in side.all(st.LinkStatus) if one.stage is st.Stage.CONNECTED]
        assert [one.via for one in opened[-1:]] == [st.Via.LANE]
        assert opened[-1].verified is not None
    ((token, key),) = [(one.token, one.key) for one in wire.host.expected]
    assert [(one.token, one.key) for one in wire.guest.dialled] == [(token, key)]
    # No message on the wire mentions the lane in clear.
    assert [kind_of_text(frame) for frame in wire.honest] == list(KINDS)
    for hidden in (token, key):
        assert repr(hidden)[2:-1] not in repr((wire.host.expected, wire.guest.dialled))


@each_row("kind", KINDS)
@each_row("drops", [True, False])
def test_a_lane_that_he_brings_about_is_still_between_the_two(kind: str, drops: bool) -> None:
    """Mallory can keep the two from WebRTC. They then talk over a lane that he cannot open, or
    not at all.
    """
    change: Change = (lambda frame: []) if drops else flipped_field("payload", "sdp", place=0.4)
    if not drops and kind not in ("offer", "answer"):
        return
    wire = blocked(at(kind, change), spake2=spake2_for(kind))
    agreed = {(one.token, one.key) for one in wire.host.expected}
    for side in (wire.host, wire.guest):
        if any(one.via is st.Via.LANE for one in side.all(st.LinkStatus)):
            assert {(one.token, one.key) for one in wire.guest.dialled} <= agreed


@BOTH_METHODS
def test_a_host_played_without_the_code_is_shown_no_token(by_code: bool) -> None:
    """The guest dials a lane only after the host's tag, so Mallory never sees a token that the
    true host would accept.
    """

    def plays_the_host(wire: Wire, frame: Frame) -> list[Frame]:
        kind = kind_of_text(frame)
        if frame.towards is Towards.GUEST:
            return [frame] if kind == "pair_challenge" else []
        name = json.loads(frame.text)["sessionID"]
        approval = pair_msg.PairResult(name, approved=True, auth=tag_auth(secrets.token_bytes(32)))
        return (
            [frame, Frame(Towards.GUEST, pair_msg.dump_message(approval))]
            if kind == "pair_confirm"
            else [frame]
        )

    wire = blocked(plays_the_host, by_code=by_code)
    assert wire.guest.dialled == []
    assert wire.guest_reason is Reason.HOST_UNPROVEN


def test_a_guest_that_proves_nothing_is_expected_on_no_lane() -> None:
    wire = Wire(honestly)
    wire.udp = False
    socket = wire.mallory_connects()
    request = pair_msg.PairRequest(wire.invitation.session_id, devices.DeviceInfo("Mallory", "m"))
    wire.mallory_says(Frame(Towards.HOST, pair_msg.dump_message(request), socket))
    assert json.loads(wire.mallory_got[-1])["status"] == "approved"
    assert wire.host.expected == []


def test_every_link_has_a_lane_and_a_binding_of_its_own_also_where_it_goes_on_for_another() -> None:
    wire = linked()
    bindings = [binding_of(wire)]
    for _ in range(3):
        wire.lose(wire.host, wire.guest)
        assert wire.host.last(st.LinkStatus).stage is st.Stage.CONNECTED
        bindings.append(binding_of(wire))
    assert len(set(bindings)) == len({one.token for one in wire.host.expected}) == 4
    assert b"" not in bindings
    assert bindings[0] != binding_of(linked())


def binding_of(wire: Wire) -> bytes:
    """Return the binding that both ends have for their present link."""
    (session,) = [one for one in the_host(wire)._sessions if one.link is not None]
    (guest,) = wire.guest.program._guests.values()
    assert session.link is not None
    assert session.link.binding == guest.link.binding
    return guest.link.binding


def the_host(wire: Wire) -> Host:
    assert wire.host.program._host is not None
    return wire.host.program._host


def test_a_resume_tag_that_he_was_told_on_his_own_link_is_worth_nothing_on_another() -> None:
    """The receiver lets Mallory in and names its unfinished transfers; he repeats those names to
    their sender.
    """
    transfer = TransferID(to_base64url(secrets.token_bytes(16)))
    wire, his = linked(), linked()
    told_to_him = resume_tag(transfer, binding_of(his))
    found = file_ev.StoredTransfer(transfer, Direction.OUT, (Entry("diary", 1),), "Telefon")
    wire._tell(wire.host, file_ev.TransfersFound((found,)))
    (session,) = [one for one in the_host(wire)._sessions if one.link is not None]
    assert session.link is not None

    def says(tags: tuple[bytes, ...]) -> list[str]:
        assert session.link is not None
        heard = link_ev.ChannelMessage(
            session.link.id, 1, link_msg.dump_link_message(file_msg.Resume(tags))
        )
        commands = wire.host.program.handle(heard, wire.now)
        texts = [one.text for one in commands if isinstance(one, link_do.SendOnChannel)]
        return [text for text in texts if "announce" in text]

    greeting = link_ev.ChannelMessage(
        session.link.id, 1, link_msg.dump_link_message(hello("Mallory"))
    )
    wire.host.program.handle(greeting, wire.now)
    assert says((told_to_him,)) == []
    assert says((resume_tag(transfer),)) == []
    # A peer that has the tag of this link is the receiver.
    assert len(says((resume_tag(transfer, binding_of(wire)),))) == 1


@given(steps=STEPS, by_code=strategies.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_he_does_where_udp_is_blocked(steps: list[Step], by_code: bool) -> None:
    wire = blocked(Mallory(steps), by_code=by_code, spake2=spake2_against(steps))
    agreed = {(one.token, one.key) for one in wire.host.expected}
    if any(
        one.via is st.Via.LANE and one.stage is st.Stage.CONNECTED
        for one in wire.guest.all(st.LinkStatus)
    ):
        assert {(one.token, one.key) for one in wire.guest.dialled} <= agreed
