"""A man in the middle between two real programs: whatever he does, no verified link carries anything but the two.

Both sides are whole Programs with the real proof. What he controls is the wire: every frame passes through his hands,
and he may open sockets of his own. WebRTC is a stand-in that believes everything it is given, so that only the proof
stands in his way: a side that is given a description gets an open channel, whoever wrote that description.
"""

import json
import random
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    ClosePeer,
    Command,
    Listen,
    OpenPeer,
    Publish,
    Send,
    SetTimer,
)
from proxim.core.errors import Reason
from proxim.core.events import (
    CONTROL_LABEL,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    Decide,
    Disconnect,
    FrameReceived,
    Invite,
    Join,
    LinkID,
    Listening,
    Network,
    NetworksSeen,
    PeerDescribed,
    SessionType,
    Timer,
    TimerFired,
)
from proxim.core.host import Host
from proxim.core.host_code import HostCode, JoinTarget, parse_code, parse_target
from proxim.core.messages import (
    Auth,
    CloseCode,
    DeviceInfo,
    PairChallenge,
    PairConfirm,
    PairRequest,
    PairResult,
    SDPType,
    dump_message,
    parse_message,
)
from proxim.core.program import Program, ProgramEvent
from proxim.core.proof import Method, from_base64url, tag_auth
from proxim.core.proving import Prover, start_guest_proof, start_host_proof
from proxim.core.status import Invitation, LinkStatus, PairOutcome, Prompt, Stage, Status, Trouble
from proxim.net.spake import Spake2Exchange

PROVER = Prover(secrets.token_bytes, Spake2Exchange)
HOST_DEVICE = DeviceInfo("Küchen-PC", "host-uuid")
GUEST_DEVICE = DeviceInfo("Telefon", "guest-uuid")
HOST_ADDRESS, GUEST_ADDRESS, MALLORYS_ADDRESS = "192.168.1.2", "192.168.1.20", "192.168.1.66"
MAX_STEPS = 2000  # an honest run takes some 40; an endless game of two machines fails instead of hanging
FINGERPRINT = "a=fingerprint:sha-256 "
HIS_CANDIDATE = f"candidate:1 1 udp 1 {MALLORYS_ADDRESS} 50000 typ host"
MALLORYS_FINGERPRINT = ":".join(["66"] * 32)


class Towards(Enum):
    """Which way a frame goes."""

    HOST = "host"
    GUEST = "guest"

    @property
    def back(self) -> "Towards":
        return Towards.GUEST if self is Towards.HOST else Towards.HOST


@dataclass(frozen=True)
class Frame:
    towards: Towards
    text: str
    socket: int = 1  # at the host: 1 is the honest guest's, others are Mallory's own


Attack = Callable[["Wire", Frame], list[Frame]]
"""What becomes of each frame that an honest side sends; called in order, and never for what Mallory sends himself."""


def description() -> str:
    """As aiortc writes it, with a certificate of its own."""
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
    """One program with what it told, what its stand-in for WebRTC made and was given."""

    program: Program
    told: list[Status] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    given: list[tuple[LinkID, str]] = field(default_factory=list)
    candidates: list[LinkID] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    peers: set[LinkID] = field(default_factory=set)
    timers: dict[Timer, float] = field(default_factory=dict)
    sockets: set[ConnectionID] = field(default_factory=set)

    def last(self, kind: type[Any]) -> Any:
        return next((one for one in reversed(self.told) if isinstance(one, kind)), None)

    def all(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]

    def verified(self, link: LinkID) -> bool:
        """Whether this side ever called that link verified."""
        return any(one.link == link and one.verified is not None for one in self.all(LinkStatus))


class Wire:
    """Host, guest, and Mallory between them."""

    def __init__(self, attack: Attack, *, approve: bool = True, by_code: bool = True) -> None:
        self.attack = attack
        self.approve = approve
        self.by_code = by_code
        self.now = 1000.0
        host = Host(HOST_DEVICE, Invite(SessionType.PERSISTENT), PROVER)
        self.host = Side(Program(HOST_DEVICE, host, PROVER))
        self.guest = Side(Program(GUEST_DEVICE, None, PROVER))
        self.guest_socket = 0  # the host's number of the honest guest's socket, once there is one
        self.attempts = 0
        self.honest: list[Frame] = []  # what honest sides sent, in order
        self.mallory_got: list[str] = []  # what the host sent on his own sockets
        self._work: deque[Callable[[], None]] = deque()
        self._tell(self.host, NetworksSeen((Network(HOST_ADDRESS, 24, "test0", False),)))
        self.run()
        self.invitation: Invitation = self.host.last(Invitation)

    # --- what the tests do -----------------------------------------------------------------------------------------

    @property
    def target(self) -> JoinTarget:
        assert self.invitation.code is not None
        return parse_target(self.invitation.code if self.by_code else self.invitation.url)

    def join(self) -> "Wire":
        """The honest guest joins; returns when nothing is under way any more."""
        self.attempts += 1
        connection = ConnectionID(-self.attempts)
        self._tell(self.guest, Join(self.target))
        self.guest_socket = self._new_socket(GUEST_ADDRESS)
        self.guest.sockets.add(connection)
        self._later(self.guest, ConnectionOpened(connection, HOST_ADDRESS))
        return self.run()

    def mallory_connects(self) -> int:
        """A further socket at the host, his own."""
        return self._new_socket(MALLORYS_ADDRESS)

    def mallory_says(self, *frames: Frame) -> "Wire":
        for frame in frames:
            self._deliver(frame)
        return self.run()

    def disconnect(self) -> "Wire":
        """The honest guest leaves."""
        self._later(self.guest, Disconnect(self.guest.last(LinkStatus).link))
        return self.run()

    def wait(self, seconds: float) -> "Wire":
        """Let time pass: every timer in its turn."""
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
            self._later(side, TimerFired(timer))
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

    # --- what must be true, always ---------------------------------------------------------------------------------

    def check(self) -> None:
        """The heart of this file."""
        for side, other in ((self.host, self.guest), (self.guest, self.host)):
            for link, sdp in side.given:
                if side is self.guest or side.verified(link):
                    assert any(same_description(sdp, made) for made in other.made), "a description of somebody else"
            for link in side.candidates:
                assert side is self.host, "the host never sends a candidate, so this is somebody else's"
                assert not side.verified(link), "the guest never sends a candidate, so this is somebody else's"
            for trouble in side.all(Trouble):
                assert trouble.problem.reason is not Reason.INTERNAL
        for prompt in self.host.all(Prompt):
            assert prompt.verified is None or prompt.device == GUEST_DEVICE, "verified under another name"
        approvals = [one for one in self.guest.all(PairOutcome) if one.approved]
        assert self.approve or not approvals, "the guest believes an approval that nobody gave"

    @property
    def guest_connected(self) -> bool:
        return any(one.stage is Stage.CONNECTED for one in self.guest.all(LinkStatus))

    @property
    def host_connected_verified(self) -> bool:
        return any(one.stage is Stage.CONNECTED and one.verified is not None for one in self.host.all(LinkStatus))

    @property
    def guest_reason(self) -> Reason | None:
        """Why the honest guest's attempt ended."""
        return self._reason(self.guest)

    @property
    def host_reason(self) -> Reason | None:
        """Why the host's last link, or attempt at one, ended."""
        return self._reason(self.host)

    def _reason(self, side: Side) -> Reason | None:
        return next((one.reason for one in reversed(side.all(LinkStatus)) if one.stage is Stage.CLOSED), None)

    # --- carrying out ----------------------------------------------------------------------------------------------

    def _new_socket(self, address: str) -> int:
        number = len(self.host.sockets) + self.attempts + 1
        while ConnectionID(number) in self.host.sockets:
            number += 1
        self.host.sockets.add(ConnectionID(number))
        self._tell(self.host, ConnectionOpened(ConnectionID(number), address))
        return number

    def _later(self, side: Side, event: ProgramEvent) -> None:
        self._work.append(lambda: self._tell(side, event))

    def _tell(self, side: Side, event: ProgramEvent) -> None:
        if isinstance(event, PeerDescribed | ChannelOpened) and event.link not in side.peers:
            return  # closed meanwhile
        for command in side.program.handle(event, self.now):
            self._carry_out(side, command)

    def _carry_out(self, side: Side, command: Command) -> None:
        match command:
            case Publish(status):
                side.told.append(status)
                if isinstance(status, Prompt):
                    self._later(side, Decide(status.session_id, self.approve))
            case Listen(address):
                self._later(side, Listening(address, 47800))
            case SetTimer(timer, seconds):
                side.timers[timer] = self.now + seconds
            case CancelTimer(timer):
                side.timers.pop(timer, None)
            case OpenPeer(link, offerer):
                side.peers.add(link)
                if offerer:
                    self._later(side, PeerDescribed(link, SDPType.OFFER, self._describe(side)))
            case ApplyDescription(link, type, sdp):
                side.given.append((link, sdp))
                if type is SDPType.OFFER:
                    self._later(side, PeerDescribed(link, SDPType.ANSWER, self._describe(side)))
                self._later(side, ChannelOpened(link, 1, CONTROL_LABEL))
            case AddCandidate(link):
                side.candidates.append(link)
            case ClosePeer(link):
                side.peers.discard(link)
            case Send(connection, message):
                self._sent(side, connection, dump_message(message))
            case CloseConnection(connection, code):
                self._closed(side, connection, code)
            case _:
                pass  # what the channel carries, and dialling: join() does that

    def _describe(self, side: Side) -> str:
        side.made.append(description())
        return side.made[-1]

    def _sent(self, side: Side, connection: ConnectionID, text: str) -> None:
        if side is self.host and connection != self.guest_socket:
            self.mallory_got.append(text)
            return
        frame = Frame(Towards.GUEST if side is self.host else Towards.HOST, text, self.guest_socket)
        self.honest.append(frame)
        for delivered in self.attack(self, frame):
            self._deliver(delivered)

    def _deliver(self, frame: Frame) -> None:
        host_side = frame.towards is Towards.HOST
        side = self.host if host_side else self.guest
        connection = ConnectionID(frame.socket if host_side else -self.attempts)

        def arrive() -> None:
            if connection in side.sockets:
                self._tell(side, FrameReceived(connection, frame.text))

        self._work.append(arrive)

    def _closed(self, side: Side, connection: ConnectionID, code: CloseCode | None) -> None:
        """He passes closing on as it is: hiding why would only hide that he was noticed."""
        ends = [(side, connection)]
        if side is self.guest or connection == self.guest_socket:
            ends = [(self.host, ConnectionID(self.guest_socket)), (self.guest, ConnectionID(-self.attempts))]
        for one, end in ends:
            self._work.append(lambda one=one, end=end: self._lose(one, end, code))  # type: ignore[misc]

    def _lose(self, side: Side, connection: ConnectionID, code: CloseCode | None) -> None:
        if connection in side.sockets:
            side.sockets.remove(connection)
            self._tell(side, ConnectionLost(connection, code))


def same_description(given: str, made: str) -> bool:
    """Whether one is the other, written anew by our filter: nothing that leads elsewhere, nothing that matters lost."""
    given_lines, made_lines = ({line for line in sdp.split("\r\n") if line.startswith("a=")} for sdp in (given, made))
    needed = {line for line in made_lines if line.startswith((FINGERPRINT, "a=ice-", "a=setup:"))}
    return needed <= given_lines <= made_lines


# --- an honest wire ------------------------------------------------------------------------------------------------


def honestly(wire: Wire, frame: Frame) -> list[Frame]:
    return [frame]


KINDS = ("pair_request", "pair_challenge", "pair_confirm", "pair_result", "offer", "answer")
BOTH_METHODS = pytest.mark.parametrize("by_code", [True, False], ids=["code", "qr"])


@BOTH_METHODS
def test_left_alone_both_sides_end_verified(by_code: bool) -> None:
    """Without this, everything below would hold of a program that never pairs."""
    wire = Wire(honestly, by_code=by_code).join()
    assert [json.loads(frame.text)["type"] for frame in wire.honest[:4]] == list(KINDS[:4])
    assert wire.guest_connected
    assert wire.host_connected_verified
    assert wire.host.last(Prompt).verified == ("code" if by_code else "qr")
    assert wire.host.last(Prompt).device == GUEST_DEVICE
    assert wire.guest.last(LinkStatus).verified == ("code" if by_code else "qr")


def test_the_stand_in_would_let_him_in_without_proof() -> None:
    """The same attack on a guest that holds no secret works: the checks above see it, so they see something."""
    wire = Wire(at("offer", with_his_fingerprint))
    no_secret = replace(parse_target(wire.invitation.url), qr_secret=None)
    wire.by_code = False
    wire._tell(wire.guest, Join(no_secret))
    wire.attempts = 1
    wire.guest_socket = wire._new_socket(GUEST_ADDRESS)
    wire.guest.sockets.add(ConnectionID(-1))
    wire._later(wire.guest, ConnectionOpened(ConnectionID(-1), HOST_ADDRESS))
    wire.run()
    assert MALLORYS_FINGERPRINT in wire.host.given[0][1]
    assert wire.host.last(Prompt).verified is None
    assert not wire.host_connected_verified


# --- one message changed -------------------------------------------------------------------------------------------

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
            FINGERPRINT + MALLORYS_FINGERPRINT if line.startswith(FINGERPRINT) else line for line in lines
        )

    return [edited(frame, edit)]


def without(*path: str) -> Change:
    def edit(fields: dict[str, Any]) -> None:
        for key in path[:-1]:
            fields = fields[key]
        fields.pop(path[-1], None)

    return lambda frame: [edited(frame, edit)]


def flipped_field(*path: str, place: float) -> Change:
    """Another character of the same kind at that place of the field (0 first, 1 last)."""

    def edit(fields: dict[str, Any]) -> None:
        for key in path[:-1]:
            fields = fields[key]
        value = fields[path[-1]]
        if isinstance(value, int):
            fields[path[-1]] = value + 1
            return
        index = round(place * (len(value) - 1))
        fields[path[-1]] = value[:index] + ("A" if value[index] != "A" else "B") + value[index + 1 :]

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
@pytest.mark.parametrize(("kind", "path"), FIELD_CASES, ids=FIELD_IDS)
def test_a_changed_field_ends_the_attempt(kind: str, path: tuple[str, ...], by_code: bool) -> None:
    for place in (0.0, 0.5, 1.0):
        wire = Wire(at(kind, flipped_field(*path, place=place)), by_code=by_code).join().wait(120)
        assert wire.guest_reason is not None, "ends with a named reason"
        assert not wire.guest_connected
        if kind == "answer":  # the host has its answer out already: the guest tells it
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
@pytest.mark.parametrize(("kind", "path", "reason"), REASONS, ids=[f"{k}.{'.'.join(p)}" for k, p, _ in REASONS])
def test_the_guest_is_told_what_happened(kind: str, path: tuple[str, ...], reason: Reason, by_code: bool) -> None:
    wire = Wire(at(kind, flipped_field(*path, place=0.5)), by_code=by_code).join()
    assert wire.guest_reason is reason


@BOTH_METHODS
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("answer", flipped_field("payload", "sdp", place=0.5)),
        ("answer", lambda frame: [replace(frame, text=frame.text[:-1])]),
        ("answer", lambda frame: [frame, frame]),
        ("pair_result", flipped_field("auth", "t", place=0.5)),
        ("pair_result", flipped_field("sessionID", place=0.5)),
    ],
    ids=["answer changed", "answer cut", "answer twice", "decision forged", "decision for another"],
)
def test_the_host_is_told_too_and_its_code_is_spent(kind: str, change: Change, by_code: bool) -> None:
    """Only the guest sees that its host's words were changed; the host must not offer the same code again."""
    wire = Wire(at(kind, change), by_code=by_code)
    before = wire.invitation
    wire.join()
    assert wire.host_reason is Reason.TAMPERED
    assert wire.host.last(Invitation).session_id != before.session_id


@pytest.mark.parametrize("kind", KINDS)
def test_any_flipped_byte(kind: str) -> None:
    """Every byte of every message of a run by QR: linked with each other's own descriptions, or not at all."""
    length = max(len(one.text) for one in Wire(honestly, by_code=False).join().honest if kind_of_text(one) == kind)
    for position in range(length):

        def flip(frame: Frame, position: int = position) -> list[Frame]:
            position = min(position, len(frame.text) - 1)
            other = chr(ord(frame.text[position]) ^ 1)
            return [replace(frame, text=frame.text[:position] + other + frame.text[position + 1 :])]

        wire = Wire(at(kind, flip), by_code=False).join()  # its check() is the test
        if kind in ("offer", "answer"):  # they carry a MAC: what is not the same ends by name, at both ends
            reasons = {wire.guest_reason, wire.host_reason}
            assert reasons == {None} if wire.guest_connected else reasons == {Reason.TAMPERED}


def kind_of_text(frame: Frame) -> str:
    return kind_of(None, frame)  # type: ignore[arg-type]  # it looks at the frame alone


# --- messages taken away, added, moved -----------------------------------------------------------------------------


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
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("kind", KINDS)
def test_moved(kind: str, move: str, by_code: bool) -> None:
    changed = []

    def change(frame: Frame) -> list[Frame]:
        try:
            frames = MOVES[move](frame)
        except KeyError:
            return [frame]  # a message that has no such part
        changed.extend([] if [json.loads(f.text) for f in frames] == [json.loads(frame.text)] else [frame])
        return frames

    wire = Wire(at(kind, change), by_code=by_code).join().wait(120)
    if changed and move not in ("twice", "passed on and reflected", "reflected"):
        assert not wire.guest_connected
        assert wire.guest_reason is not None


def test_without_auth_the_host_says_so_and_the_guest_does_not_fall_back() -> None:
    wire = Wire(at("pair_request", without("auth"))).join()
    assert wire.host.last(Prompt).verified is None
    assert wire.guest_reason is Reason.HOST_UNPROVEN


def test_without_any_proof_at_all() -> None:
    """Everything stripped, and a challenge of his own so that the guest goes on: its result is what stops it."""

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        kind = kind_of(wire, frame)
        if kind == "pair_confirm":
            return []
        if kind == "pair_request":
            challenge = PairChallenge("@code", Auth(v=1, m="spake2", y=json.loads(frame.text)["auth"]["y"]))
            return [Frame(Towards.GUEST, dump_message(challenge)), *without("auth")(frame)]
        return without("auth")(frame) if kind == "pair_result" else [frame]

    wire = Wire(attack).join()
    assert wire.guest_reason is Reason.HOST_UNPROVEN


@BOTH_METHODS
@pytest.mark.parametrize("first", range(len(KINDS)))
@pytest.mark.parametrize("second", range(len(KINDS)))
def test_one_message_in_the_place_of_another(first: int, second: int, by_code: bool) -> None:
    """Swapped, and across directions too: what came first is kept back and delivered in place of a later one."""
    kept: list[Frame] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        kind = kind_of(wire, frame)
        if kind == KINDS[first]:
            kept.append(frame)
        if kind == KINDS[second] and kept:
            return [replace(kept[0], towards=frame.towards)]
        return [frame]

    wire = Wire(attack, by_code=by_code).join()
    if first < second:
        assert not wire.guest_connected


@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_his_own_fingerprint(kind: str) -> None:
    wire = Wire(at(kind, with_his_fingerprint)).join()
    assert wire.guest_reason is Reason.TAMPERED
    assert not any(MALLORYS_FINGERPRINT in sdp for side in (wire.host, wire.guest) for _, sdp in side.given)


@BOTH_METHODS
@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_a_candidate_put_in_between(kind: str, by_code: bool) -> None:
    """Before, and after, the description: neither reaches WebRTC, or traffic could be led through him."""
    for before in (True, False):

        def inject(frame: Frame, before: bool = before) -> list[Frame]:
            line = {"candidate": HIS_CANDIDATE, "sdpMid": "0"}
            mac = json.loads(frame.text)["payload"]["mac"]
            extra = edited(frame, lambda fields: fields.update(payload={**line, "mac": mac}))
            return [extra, frame] if before else [frame, extra]

        wire = Wire(at(kind, inject), by_code=by_code).join()
        assert wire.host.candidates == []
        assert wire.guest.candidates == []


# --- earlier runs --------------------------------------------------------------------------------------------------


@BOTH_METHODS
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_an_earlier_run(kind: str, by_code: bool) -> None:
    """The same code, the same guest: what was good once is worth nothing the second time, an approval least of all."""
    wire = Wire(honestly, by_code=by_code).join()
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


# --- without the code ----------------------------------------------------------------------------------------------


def wrong(target: JoinTarget) -> JoinTarget:
    """As somebody guesses it: the address is right, the secret is not."""
    if target.code is None:
        return replace(target, qr_secret="A" * 22)
    right = parse_code(target.code)
    return replace(target, code=HostCode(right.address, right.port, right.secret ^ 1).canonical)


@BOTH_METHODS
def test_the_host_played_without_the_code(by_code: bool) -> None:
    """He answers the guest himself, by the book, with a secret that he guessed."""
    proofs: list[Any] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        message = parse_message(frame.text)
        match message:
            case PairRequest(session_id, _, auth) if auth is not None:
                guess = wrong(wire.target)
                method = Method.SPAKE2 if by_code else Method.PSK
                secret = guess.code.encode() if guess.code else from_base64url(guess.qr_secret, 16)
                proofs.append(start_host_proof(message, auth, method, secret, PROVER))
                return [Frame(Towards.GUEST, dump_message(PairChallenge(session_id, proofs[0].auth)))]
            case PairConfirm(session_id):
                tag = tag_auth(proofs[0].keys.host_tag("approved"))
                return [Frame(Towards.GUEST, dump_message(PairResult(session_id, approved=True, auth=tag)))]
        return []

    wire = Wire(attack, by_code=by_code, approve=False).join()
    assert len(proofs) == 1
    assert wire.guest_reason is Reason.HOST_UNPROVEN
    assert wire.host.all(Prompt) == []


@BOTH_METHODS
def test_the_guest_played_without_the_code(by_code: bool) -> None:
    """He asks under the guest's own name, and nobody is disturbed for it."""
    wire = Wire(honestly, by_code=by_code)
    target = wrong(wire.target)
    proof = start_guest_proof(target, GUEST_DEVICE, PROVER)
    assert proof is not None
    socket = wire.mallory_connects()
    request = PairRequest(target.session_id, GUEST_DEVICE, proof.auth)
    wire.mallory_says(Frame(Towards.HOST, dump_message(request), socket))
    challenge = parse_message(wire.mallory_got[-1])
    assert isinstance(challenge, PairChallenge)
    confirm = PairConfirm(target.session_id, tag_auth(proof.finish(challenge.auth).guest_tag()))
    wire.mallory_says(Frame(Towards.HOST, dump_message(confirm), socket))
    assert json.loads(wire.mallory_got[-1])["reason"] == "not_verified"
    assert wire.host.all(Prompt) == []
    wire.now += 5
    assert wire.join().guest_connected, "and the right guest still comes in"


def test_two_runs_with_him_between_both_guessing() -> None:
    """The classic: one exchange with each side. One guess spoils both, and no prompt is shown."""
    seen: list[Any] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        message = parse_message(frame.text)
        if isinstance(message, PairRequest) and message.auth is not None:
            guess = wrong(wire.target)
            assert guess.code is not None
            to_guest = start_host_proof(message, message.auth, Method.SPAKE2, guess.code.encode(), PROVER)
            to_host = start_guest_proof(guess, message.device, PROVER)
            assert to_host is not None
            seen.extend([to_guest, to_host])
            challenge = PairChallenge(message.session_id, to_guest.auth)
            request = PairRequest(message.session_id, message.device, to_host.auth)
            return [Frame(Towards.GUEST, dump_message(challenge)), replace(frame, text=dump_message(request))]
        if isinstance(message, PairChallenge):
            confirm = PairConfirm(message.session_id, tag_auth(seen[1].finish(message.auth).guest_tag()))
            return [Frame(Towards.HOST, dump_message(confirm), frame.socket)]
        return [] if isinstance(message, PairConfirm) else [frame]

    wire = Wire(attack).join()
    assert wire.host.all(Prompt) == []
    assert wire.guest_reason is Reason.NOT_VERIFIED


@BOTH_METHODS
def test_his_own_socket_beside_an_honest_run(by_code: bool) -> None:
    """Every honest message also on a socket of his: the host never takes it for the guest's."""
    sockets: list[int] = []

    def attack(wire: Wire, frame: Frame) -> list[Frame]:
        if frame.towards is Towards.GUEST:
            return [frame]
        return [replace(frame, socket=sockets[0]), frame]

    wire = Wire(attack, by_code=by_code)
    sockets.append(wire.mallory_connects())
    wire.join()
    assert all(prompt.peer_address == GUEST_ADDRESS for prompt in wire.host.all(Prompt) if prompt.verified)
    assert len(wire.host.given) <= 1


def test_the_decision_belongs_to_the_tag() -> None:
    """A declined guest's result turned into an approval."""

    def approve(frame: Frame) -> list[Frame]:
        return [edited(frame, lambda fields: fields.update(status="approved", reason=None))]

    wire = Wire(at("pair_result", approve), approve=False).join()
    assert wire.guest_reason is Reason.HOST_UNPROVEN


# --- anything ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What he does to the n-th honest frame."""

    number: int
    what: str
    amount: int


WHATS = (
    *("flip", "cut", "drop", "twice", "back", "both", "hold", "release", "earlier", "other way", "own socket"),
    *("strip", "set", "fingerprint", "candidate", "forge result", "forge challenge", "forge error"),
)
STEPS = st.lists(
    st.builds(Step, st.integers(0, 9), st.sampled_from(WHATS), st.integers(0, 5000)), min_size=1, max_size=5
)


class Mallory:
    """Plays a list of steps."""

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
                return [replace(frame, text=frame.text[:position] + other + frame.text[position + 1 :])]
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
                return [frame, replace(earlier, towards=Towards.HOST, socket=self._own_socket(wire))]
            case "candidate" | "fingerprint" | "strip" | "set":
                return self._edit(step, frame)
            case "forge result":
                tag = tag_auth(bytes(32)) if step.amount % 2 else None
                forged = dump_message(PairResult(wire.target.session_id, approved=True, auth=tag))
                return [frame, Frame(Towards.GUEST, forged)]
            case "forge challenge":
                auth = json.loads(self.seen[0].text)["auth"]
                return [frame, Frame(Towards.GUEST, dump_message(PairChallenge(wire.target.session_id, Auth(**auth))))]
            case "forge error":
                return [frame, Frame(Towards.GUEST, '{"type":"error","code":"busy","message":"no"}')]
        return [frame]

    def _own_socket(self, wire: Wire) -> int:
        if self.socket is None:
            self.socket = wire.mallory_connects()
        return self.socket

    def _edit(self, step: Step, frame: Frame) -> list[Frame]:
        try:
            fields = json.loads(frame.text)
        except ValueError:
            return [frame]  # an earlier step broke it
        holders = [one for one in (fields, *fields.values()) if isinstance(one, dict)] if fields else []
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
            case "fingerprint" if isinstance(fields.get("payload"), dict) and "sdp" in fields["payload"]:
                return with_his_fingerprint(frame) if isinstance(fields["payload"]["sdp"], str) else [frame]
            case "candidate":
                payload = {"candidate": HIS_CANDIDATE, "mac": json.dumps(holder)[: step.amount % 99]}
                fields = {"type": "signal", "sessionID": fields.get("sessionID"), "payload": payload}
                return [replace(frame, text=json.dumps(fields)), frame]
        return [replace(frame, text=json.dumps(fields))]


@given(steps=STEPS, by_code=st.booleans(), approve=st.booleans())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_he_does(steps: list[Step], by_code: bool, approve: bool) -> None:
    Wire(Mallory(steps), by_code=by_code, approve=approve).join().wait(120)
