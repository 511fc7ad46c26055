"""Tests of proxim.core.guest: one attempt as scripts; then a host and a network that do anything in any order."""

import json
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    ClosePeer,
    Command,
    Dial,
    OpenPeer,
    Publish,
    Send,
    SendOnChannel,
    SetTimer,
)
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.events import (
    CONTROL_LABEL,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    Disconnect,
    FrameReceived,
    FrameRefused,
    Join,
    LinkID,
    PeerDescribed,
    PeerFailed,
    SendText,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.guest import ANSWER_SECONDS, DIAL_SECONDS, Guest, GuestEvent, GuestState
from proxim.core.host_code import JoinTarget
from proxim.core.link import HEARTBEAT_SECONDS
from proxim.core.link_messages import Bye, Hello, LinkMessage, TextPiece, dump_link_message
from proxim.core.messages import (
    CODE_SESSION_ID,
    Auth,
    Candidate,
    Description,
    ErrorMessage,
    Message,
    PairChallenge,
    PairPrompt,
    PairRequest,
    PairResponse,
    PairResult,
    SDPType,
    SessionEnded,
    Signal,
    dump_message,
)
from proxim.core.program import Program
from proxim.core.status import LinkStatus, PairOutcome, Stage, TextReceived, Trouble
from tests.core.machine_fixtures import PHONE, Bench, published, sent

LINK = LinkID("guest-1")
SOCKET = ConnectionID(-1)
TARGET = JoinTarget("192.168.1.5", 47800, CODE_SESSION_ID, code="02501WK381")
ADDRESS = "192.168.1.5:47800"
T0 = 100.0
DIAL = Timer(TimerName.DIAL, LINK)
ANSWER = Timer(TimerName.ANSWER, LINK)
OPEN_TIMER = Timer(TimerName.LINK_OPEN, LINK)
HEARTBEAT = Timer(TimerName.HEARTBEAT, LINK)

APPROVED = PairResult(CODE_SESSION_ID, approved=True)
OFFERED = PeerDescribed(LINK, SDPType.OFFER, "v=0 offer")
ANSWERED = Signal(CODE_SESSION_ID, Description("v=0 answer", SDPType.ANSWER))
CHANNEL = ChannelOpened(LINK, 0, CONTROL_LABEL)


def frame(message: Message | str) -> FrameReceived:
    return FrameReceived(SOCKET, message if isinstance(message, str) else dump_message(message))


def heard(message: LinkMessage) -> ChannelMessage:
    return ChannelMessage(LINK, 0, dump_link_message(message))


def status(stage: Stage, deadline: float | None = None) -> Publish:
    connected = stage is Stage.CONNECTED
    told = LinkStatus(LINK, CODE_SESSION_ID, stage, None, ADDRESS, None, deadline, can_text=connected)
    return Publish(replace(told, was_connected=connected))


def closed(reason: Reason, *, was_connected: bool = False) -> Publish:
    told = LinkStatus(
        LINK, CODE_SESSION_ID, Stage.CLOSED, peer_address=ADDRESS, reason=reason, was_connected=was_connected
    )
    return Publish(told)


def left(*, hangs_up: bool = True) -> list[Command]:
    """What ends every attempt."""
    return [CancelTimer(DIAL), CancelTimer(ANSWER), *([CloseConnection(SOCKET)] if hangs_up else [])]


def peer_closed(*, said_bye: bool = False) -> list[Command]:
    """What ends a peer."""
    return [CancelTimer(OPEN_TIMER), CancelTimer(HEARTBEAT), ClosePeer(LINK, said_bye)]


def new_guest() -> Guest:
    return Guest(TARGET, PHONE, LINK, SOCKET)


def at(stage: GuestState) -> Guest:
    """A guest that all went well for, up to there; LINKING has sent its offer."""
    guest = new_guest()
    guest.start()
    steps: list[tuple[GuestState, list[GuestEvent]]] = [
        (GuestState.ASKING, [ConnectionOpened(SOCKET, "192.168.1.5")]),
        (GuestState.LINKING, [frame(APPROVED), OFFERED]),
        (GuestState.LINKED, [frame(ANSWERED), CHANNEL]),
    ]
    for reached, events in steps:
        if guest.state is not stage and stage is not GuestState.ENDED:
            for event in events:
                guest.handle(event, T0)
            assert guest.state is reached
    if stage is GuestState.ENDED:
        guest.handle(Disconnect(LINK), T0)
    return guest


# --- all goes well ---------------------------------------------------------------------------------------------------


def test_from_dial_to_link_and_goodbye() -> None:
    guest = new_guest()
    assert guest.start() == [
        status(Stage.DIALING),
        SetTimer(DIAL, 4.0),
        Dial(SOCKET, "ws://192.168.1.5:47800/ws"),
    ]
    assert guest.handle(ConnectionOpened(SOCKET, "192.168.1.5"), T0) == [
        CancelTimer(DIAL),
        SetTimer(ANSWER, 45.0),
        Send(SOCKET, PairRequest(CODE_SESSION_ID, PHONE)),
        status(Stage.ASKING, deadline=T0 + 40),
    ]
    assert guest.handle(frame(APPROVED), T0) == [
        CancelTimer(ANSWER),
        Publish(PairOutcome(CODE_SESSION_ID, approved=True)),
        status(Stage.APPROVED),
        OpenPeer(LINK, offerer=True),
        SetTimer(OPEN_TIMER, 15.0),
    ]
    assert guest.handle(OFFERED, T0) == [
        Send(SOCKET, Signal(CODE_SESSION_ID, Description("v=0 offer", SDPType.OFFER))),
        status(Stage.CONNECTING),
    ]
    assert guest.handle(frame(ANSWERED), T0) == [ApplyDescription(LINK, SDPType.ANSWER, "v=0 answer")]
    assert guest.handle(CHANNEL, T0) == [
        CancelTimer(OPEN_TIMER),
        SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        SendOnChannel(LINK, 0, dump_link_message(Hello("Phone"))),
        status(Stage.CONNECTED),
    ]
    assert guest.handle(Disconnect(LINK), T0) == [
        SendOnChannel(LINK, 0, dump_link_message(Bye("disconnected"))),
        *peer_closed(said_bye=True),
        closed(Reason.DISCONNECTED, was_connected=True),
        *left(),
    ]
    assert guest.state is GuestState.ENDED


def test_a_url_with_a_session_asks_for_that_session_on_that_address() -> None:
    guest = Guest(JoinTarget("fe80::1%eth0", 47801, "abc", qr_secret="k"), PHONE, LINK, SOCKET)
    assert guest.start()[-1] == Dial(SOCKET, "ws://[fe80::1%25eth0]:47801/ws")
    commands = guest.handle(ConnectionOpened(SOCKET, "fe80::1%eth0"), T0)
    assert sent(commands) == [PairRequest("abc", PHONE)]


def test_no_secret_is_ever_sent() -> None:
    bench = Bench(Program(PHONE, None))
    bench.do(Join(JoinTarget("192.168.1.5", 47800, "abc", code="CODECODE", qr_secret="QRSECRET")))
    texts = [dump_message(message) for message in sent(bench.do(ConnectionOpened(SOCKET, "192.168.1.5")))]
    assert texts
    assert not [text for text in texts if "CODECODE" in text or "QRSECRET" in text]


@pytest.mark.parametrize(
    "payload",
    [{"sdp": "v=0"}, {"sdp": "v=0", "type": "answer"}, {"sdp": {"type": "answer", "sdp": "v=0"}}],
)
def test_the_answer_of_a_host_that_knows_only_the_seed_or_a_browser(payload: object) -> None:
    text = json.dumps({"type": "signal", "sessionID": CODE_SESSION_ID, "payload": payload})
    assert at(GuestState.LINKING).handle(frame(text), T0) == [ApplyDescription(LINK, SDPType.ANSWER, "v=0")]


def test_candidates_may_come_before_the_answer_after_it_and_on_an_open_link() -> None:
    candidate = Candidate("candidate:1", "0", 0)
    guest = at(GuestState.LINKING)
    for event in (frame(ANSWERED), CHANNEL, None):
        assert guest.handle(frame(Signal(CODE_SESSION_ID, candidate)), T0) == [AddCandidate(LINK, candidate)]
        if event is not None:
            guest.handle(event, T0)


def test_text_both_ways() -> None:
    guest = at(GuestState.LINKED)
    said = SendOnChannel(LINK, 0, dump_link_message(TextPiece("hi")))
    assert guest.handle(SendText(LINK, "hi"), T0)[0] == said
    assert guest.handle(heard(TextPiece("ho")), T0) == [Publish(TextReceived(LINK, "ho"))]


@pytest.mark.parametrize("stage", [GuestState.DIALING, GuestState.ASKING, GuestState.LINKING])
def test_text_before_the_link_is_told_not_connected(stage: GuestState) -> None:
    told = Publish(Trouble(Problem(Reason.NOT_CONNECTED), LINK))
    assert at(stage).handle(SendText(LINK, "hi"), T0) == [told]


# --- the host cannot be reached --------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.UNREACHABLE, Reason.NOT_PROXIM, Reason.NO_ANSWER])
def test_a_dial_that_fails_says_why(reason: Reason) -> None:
    guest = at(GuestState.DIALING)
    assert guest.handle(DialFailed(SOCKET, reason), T0) == [closed(reason), *left(hangs_up=False)]
    assert guest.state is GuestState.ENDED


def test_nobody_answers_within_4_seconds() -> None:
    assert DIAL_SECONDS == 4.0
    assert at(GuestState.DIALING).handle(TimerFired(DIAL), T0) == [closed(Reason.NO_ANSWER), *left()]


def test_a_host_that_falls_silent_is_given_5_seconds_more_than_its_person() -> None:
    assert ANSWER_SECONDS == 45.0
    assert at(GuestState.ASKING).handle(TimerFired(ANSWER), T0) == [
        Publish(PairOutcome(CODE_SESSION_ID, approved=False, reason=Reason.TIMEOUT)),
        closed(Reason.TIMEOUT),
        *left(),
    ]


# --- the host says no ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *[
            (reason.value, reason)
            for reason in (
                Reason.DECLINED,
                Reason.TIMEOUT,
                Reason.EXPIRED,
                Reason.BUSY,
                Reason.UNKNOWN_SESSION,
                Reason.NOT_VERIFIED,
                Reason.CLOSED,
            )
        ],
        (None, Reason.DECLINED),
        ("no such reason", Reason.DECLINED),
        ("internal", Reason.DECLINED),
    ],
)
def test_a_rejection_says_why(said: str | None, reason: Reason) -> None:
    guest = at(GuestState.ASKING)
    assert guest.handle(frame(PairResult(CODE_SESSION_ID, approved=False, reason=said)), T0) == [
        Publish(PairOutcome(CODE_SESSION_ID, approved=False, reason=reason)),
        closed(reason),
        *left(),
    ]


def ending(stage: GuestState, reason: Reason, *, hangs_up: bool = True) -> list[Command]:
    """What an end at `stage` that nobody says goodbye for commands."""
    peer = peer_closed() if stage in (GuestState.LINKING, GuestState.LINKED) else []
    return [*peer, closed(reason, was_connected=stage is GuestState.LINKED), *left(hangs_up=hangs_up)]


TALKING = [GuestState.ASKING, GuestState.LINKING, GuestState.LINKED]


@pytest.mark.parametrize("stage", TALKING)
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ice_failed", Reason.ICE_FAILED),
        ("link_timeout", Reason.LINK_TIMEOUT),
        ("no_offer", Reason.NO_OFFER),
        ("bad_description", Reason.BAD_DESCRIPTION),
        ("not_allowed", Reason.HOST_ERROR),
        ("too_many", Reason.HOST_ERROR),
        ("no such code", Reason.HOST_ERROR),
    ],
)
def test_an_error_of_the_host_ends_the_attempt_at_every_stage(stage: GuestState, said: str, reason: Reason) -> None:
    guest = at(stage)
    assert guest.handle(frame(ErrorMessage(said, "sentence")), T0) == ending(stage, reason)
    assert guest.state is GuestState.ENDED


@pytest.mark.parametrize("stage", TALKING)
@pytest.mark.parametrize(
    ("said", "reason"),
    [("expired", Reason.EXPIRED), ("closed", Reason.CLOSED), ("whatever", Reason.CLOSED)],
)
def test_the_end_of_the_session_ends_the_attempt_at_every_stage(stage: GuestState, said: str, reason: Reason) -> None:
    assert at(stage).handle(frame(SessionEnded(CODE_SESSION_ID, said)), T0) == ending(stage, reason)


# --- the host goes away ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [GuestState.ASKING, GuestState.LINKING])
def test_a_host_that_goes_before_its_answer_is_gone(stage: GuestState) -> None:
    assert at(stage).handle(ConnectionLost(SOCKET), T0) == ending(stage, Reason.HOST_GONE, hangs_up=False)


def test_a_link_that_was_answered_may_still_open_without_the_socket() -> None:
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    assert guest.handle(ConnectionLost(SOCKET), T0) == []
    guest.handle(CHANNEL, T0)
    assert guest.state is GuestState.LINKED
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    guest.handle(ConnectionLost(SOCKET), T0)
    timed_out = ending(GuestState.LINKING, Reason.LINK_TIMEOUT, hangs_up=False)
    assert guest.handle(TimerFired(OPEN_TIMER), T0) == timed_out


def test_an_open_link_stands_without_the_socket() -> None:
    guest = at(GuestState.LINKED)
    assert guest.handle(ConnectionLost(SOCKET), T0) == []
    assert guest.handle(heard(Bye("closed")), T0) == ending(GuestState.LINKED, Reason.CLOSED, hangs_up=False)


def test_a_link_that_does_not_open_within_15_seconds() -> None:
    guest = at(GuestState.LINKING)
    assert guest.handle(TimerFired(OPEN_TIMER), T0) == ending(GuestState.LINKING, Reason.LINK_TIMEOUT)


@pytest.mark.parametrize("stage", [GuestState.LINKING, GuestState.LINKED])
@pytest.mark.parametrize("reason", [Reason.ICE_FAILED, Reason.NO_DESCRIPTION, Reason.PEER_LEFT])
def test_a_peer_that_fails_ends_the_attempt(stage: GuestState, reason: Reason) -> None:
    assert at(stage).handle(PeerFailed(LINK, reason), T0) == ending(stage, reason)


def test_silence_is_noticed_within_6_seconds() -> None:
    guest = at(GuestState.LINKED)
    guest.handle(heard(Hello("Host PC")), T0)
    now = T0
    while guest.state is GuestState.LINKED:
        now += HEARTBEAT_SECONDS
        commands = guest.handle(TimerFired(HEARTBEAT), now)
    assert now - T0 <= 6
    told = published(commands)[-1]
    assert isinstance(told, LinkStatus)
    assert (told.reason, told.peer_name) == (Reason.PEER_VANISHED, "Host PC")


# --- the host misbehaves ---------------------------------------------------------------------------------------------

STRANGE: list[Message | str] = [
    "rubbish",
    "{}",
    '{"type":"later"}',
    '{"type":"pair_result","sessionID":"x","status":"maybe"}',
    PairRequest("x", PHONE),
    PairPrompt("x", PHONE),
    PairResponse("x", approved=True),
    PairChallenge("x", Auth()),
]


@pytest.mark.parametrize("stage", TALKING)
@pytest.mark.parametrize("message", STRANGE)
def test_what_no_host_says_ends_the_attempt(stage: GuestState, message: Message | str) -> None:
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


@pytest.mark.parametrize("stage", TALKING)
def test_a_frame_that_is_no_text_ends_the_attempt(stage: GuestState) -> None:
    guest = at(stage)
    assert guest.handle(FrameRefused(SOCKET, Reason.BAD_MESSAGE), T0) == ending(stage, Reason.HOST_ERROR)


@pytest.mark.parametrize("message", [ANSWERED, Signal(CODE_SESSION_ID, Candidate("candidate:1"))])
def test_a_signal_before_approval_ends_the_attempt(message: Signal) -> None:
    assert at(GuestState.ASKING).handle(frame(message), T0) == ending(GuestState.ASKING, Reason.HOST_ERROR)


@pytest.mark.parametrize("stage", [GuestState.LINKING, GuestState.LINKED])
@pytest.mark.parametrize("approved", [True, False])
def test_a_second_decision_ends_the_attempt(stage: GuestState, approved: bool) -> None:
    message = PairResult(CODE_SESSION_ID, approved)
    assert at(stage).handle(frame(message), T0) == ending(stage, Reason.HOST_ERROR)


def test_an_offer_from_the_host_ends_the_attempt() -> None:
    offer = Signal(CODE_SESSION_ID, Description("v=0", SDPType.OFFER))
    assert at(GuestState.LINKING).handle(frame(offer), T0) == ending(GuestState.LINKING, Reason.BAD_DESCRIPTION)


def test_a_second_answer_ends_the_attempt() -> None:
    guest = at(GuestState.LINKING)
    guest.handle(frame(ANSWERED), T0)
    assert guest.handle(frame(ANSWERED), T0) == ending(GuestState.LINKING, Reason.BAD_DESCRIPTION)
    assert at(GuestState.LINKED).handle(frame(ANSWERED), T0) == ending(GuestState.LINKED, Reason.BAD_DESCRIPTION)


# --- the person gives up ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [GuestState.DIALING, GuestState.ASKING, GuestState.LINKING])
def test_the_person_may_cancel_at_every_stage(stage: GuestState) -> None:
    assert at(stage).handle(Disconnect(LINK), T0) == ending(stage, Reason.DISCONNECTED)


# --- misuse ----------------------------------------------------------------------------------------------------------

INPUTS: dict[str, GuestEvent] = {
    "opened": ConnectionOpened(SOCKET, "192.168.1.5"),
    "dial_failed": DialFailed(SOCKET, Reason.REFUSED),
    "frame": frame(SessionEnded("x", "closed")),
    "refused": FrameRefused(SOCKET, Reason.BAD_MESSAGE),
    "lost": ConnectionLost(SOCKET),
    "dial": TimerFired(DIAL),
    "answer": TimerFired(ANSWER),
    "link_open": TimerFired(OPEN_TIMER),
    "heartbeat": TimerFired(HEARTBEAT),
    "approval": TimerFired(Timer(TimerName.APPROVAL, LINK)),
    "described": OFFERED,
    "channel": ChannelOpened(LINK, 2, CONTROL_LABEL),
    "message": heard(Hello("x")),
    "failed": PeerFailed(LINK, Reason.ICE_FAILED),
    "text": SendText(LINK, "x"),
    "disconnect": Disconnect(LINK),
}
WELCOME = {
    GuestState.DIALING: "opened dial_failed dial text disconnect",
    GuestState.ASKING: "frame refused lost answer text disconnect",
    GuestState.LINKING: "frame refused lost link_open described channel failed text disconnect",
    GuestState.LINKED: "frame refused lost heartbeat channel message failed text disconnect",
    GuestState.ENDED: "",
}


@pytest.mark.parametrize("stage", GuestState)
@pytest.mark.parametrize("name", INPUTS)
def test_what_the_table_does_not_hold_is_misuse(stage: GuestState, name: str) -> None:
    guest = at(stage)
    if name in WELCOME[stage].split():
        guest.handle(INPUTS[name], T0)
    else:
        with pytest.raises(MachineMisuseError):
            guest.handle(INPUTS[name], T0)
        assert guest.state is stage


# --- anything in any order -------------------------------------------------------------------------------------------

from_a_host: st.SearchStrategy[Message | str] = st.one_of(
    st.builds(PairResult, st.just("x"), st.booleans(), st.none() | st.sampled_from(["declined", "busy", "?"])),
    st.builds(
        Signal,
        st.just("x"),
        st.builds(Description, st.just("v=0"), st.none() | st.sampled_from(SDPType))
        | st.builds(Candidate, st.sampled_from(["", "candidate:1"])),
    ),
    st.builds(ErrorMessage, st.sampled_from(["ice_failed", "too_many", "?"]), st.just("sentence")),
    st.builds(SessionEnded, st.just("x"), st.sampled_from(["expired", "closed", "?"])),
    st.sampled_from(STRANGE),
    st.text(max_size=20),
)
peer_messages: st.SearchStrategy[LinkMessage] = st.sampled_from(
    [Hello("Host PC"), TextPiece("hi"), TextPiece("part", more=True), Bye(), Bye("expired"), Bye("?")]
)
from_a_peer = peer_messages.map(dump_link_message) | st.text(max_size=20)


class AnyGuest(RuleBasedStateMachine):
    """A host says anything, the network fails, peers break, the person cancels and joins again. The ledger watches."""

    @initialize()
    def start(self) -> None:
        self.bench = Bench(Program(PHONE, None))
        self.approved: set[LinkID] = set()
        self.offered: set[LinkID] = set()
        self.answered: set[LinkID] = set()
        self.sockets: dict[LinkID, ConnectionID] = {}

    def guests(self) -> dict[LinkID, Guest]:
        return self.bench.program._guests

    def check(self, commands: list[Command]) -> list[Command]:
        """Nothing is signalled before approval; what is sent goes to the host it is for."""
        for command in commands:
            match command:
                case Publish(LinkStatus(link, stage=Stage.APPROVED)):
                    self.approved.add(link)
                case OpenPeer(link, offerer):
                    assert offerer
                    assert link in self.approved
                case Send(connection, Signal()):
                    assert connection in [self.sockets[link] for link in self.approved]
                case ApplyDescription(link, kind):
                    assert kind is SDPType.ANSWER
                    assert link not in self.answered
                    self.answered.add(link)
                case AddCandidate(link):
                    assert link in self.approved
                case _:
                    pass
        return commands

    @invariant()
    def nothing_is_left_of_what_has_ended(self) -> None:
        if not hasattr(self, "bench"):
            return
        ledger = self.bench.ledger
        assert set(ledger.links) == set(self.guests())
        assert ledger.peers <= set(self.guests())
        assert {timer.scope for timer in ledger.timers} <= set(self.guests())
        open_ends = ledger.sockets - ledger.closing | ledger.dials
        assert open_ends <= {guest.connection for guest in self.guests().values()}
        unlinked = [guest for guest in self.guests().values() if guest.state is not GuestState.LINKED]
        assert len(unlinked) <= 1

    @invariant()
    def every_stage_has_a_timer_that_ends_it(self) -> None:
        if not hasattr(self, "bench"):
            return
        expected = {
            GuestState.DIALING: TimerName.DIAL,
            GuestState.ASKING: TimerName.ANSWER,
            GuestState.LINKING: TimerName.LINK_OPEN,
            GuestState.LINKED: TimerName.HEARTBEAT,
        }
        timers = {Timer(expected[guest.state], link) for link, guest in self.guests().items()}
        assert set(self.bench.ledger.timers) == timers

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        for link in list(self.guests()):
            self.check(self.bench.do(Disconnect(link)))
        self.bench.ledger.at_rest()
        assert self.bench.ledger.timers == {}
        assert self.bench.ledger.dials == set()
        assert self.guests() == {}

    # --- the person

    @rule()
    def the_person_joins(self) -> None:
        busy = any(guest.state is not GuestState.LINKED for guest in self.guests().values())
        commands = self.check(self.bench.do(Join(TARGET)))
        told = published(commands)[0]
        if busy:
            assert commands == [Publish(Trouble(Problem(Reason.JOIN_BUSY)))]
        else:
            assert isinstance(told, LinkStatus)
            self.sockets[told.link] = self.guests()[told.link].connection

    @precondition(lambda self: bool(self.guests()))
    @rule(data=st.data())
    def the_person_cancels(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.guests())))
        self.check(self.bench.do(Disconnect(link)))
        assert link not in self.guests()

    @rule(number=st.integers(1, 3), text=st.text(max_size=20))
    def the_person_writes(self, number: int, text: str) -> None:
        link = LinkID(f"guest-{number}")
        commands = self.check(self.bench.do(SendText(link, text)))
        guest = self.guests().get(link)
        if guest is None or guest.state is not GuestState.LINKED:
            assert commands == [Publish(Trouble(Problem(Reason.NOT_CONNECTED), link))]

    # --- the network and the host

    @rule(steps=st.integers(1, 5))
    def all_goes_well(self, steps: int) -> None:
        """The next right steps on the way to a link."""
        for _ in range(steps):
            guest = next((one for one in self.guests().values() if one.state is not GuestState.LINKED), None)
            if guest is None:
                self.the_person_joins()
                continue
            link = guest.link.id
            event: GuestEvent
            if guest.state is GuestState.DIALING:
                event = ConnectionOpened(guest.connection, "192.168.1.5")
            elif guest.state is GuestState.ASKING:
                event = FrameReceived(guest.connection, dump_message(APPROVED))
            elif link not in self.offered:
                self.offered.add(link)
                event = PeerDescribed(link, SDPType.OFFER, "v=0")
            elif link not in self.answered:
                event = FrameReceived(guest.connection, dump_message(ANSWERED))
            else:
                event = ChannelOpened(link, 0, CONTROL_LABEL)
            self.check(self.bench.do(event))

    @precondition(lambda self: bool(self.bench.ledger.dials))
    @rule(reason=st.sampled_from([Reason.REFUSED, Reason.UNREACHABLE]))
    def the_dial_fails(self, reason: Reason) -> None:
        (connection,) = self.bench.ledger.dials
        self.check(self.bench.do(DialFailed(connection, reason)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data(), message=from_a_host)
    def the_host_says_something(self, data: st.DataObject, message: Message | str) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        text = message if isinstance(message, str) else dump_message(message)
        closing = connection in self.bench.ledger.closing
        commands = self.check(self.bench.do(FrameReceived(connection, text)))
        assert not (closing and commands)

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data())
    def the_host_says_something_binary(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.do(FrameRefused(connection, Reason.BAD_MESSAGE)))

    @precondition(lambda self: bool(self.bench.ledger.sockets))
    @rule(data=st.data())
    def the_socket_is_lost(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.bench.ledger.sockets)))
        self.check(self.bench.do(ConnectionLost(connection)))

    # --- peers

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=st.data(), text=from_a_peer)
    def the_peer_says_something(self, data: st.DataObject, text: str) -> None:
        link, channel = data.draw(st.sampled_from(sorted(self.bench.ledger.channels)))
        self.check(self.bench.do(ChannelMessage(link, channel, text)))

    @precondition(lambda self: bool(self.bench.ledger.channels))
    @rule(data=st.data(), label=st.sampled_from([CONTROL_LABEL, "chat"]), number=st.integers(1, 9))
    def the_peer_opens_a_channel(self, data: st.DataObject, label: str, number: int) -> None:
        link, _ = data.draw(st.sampled_from(sorted(self.bench.ledger.channels)))
        if (link, number) not in self.bench.ledger.channels:
            self.check(self.bench.do(ChannelOpened(link, number, label)))

    @precondition(lambda self: bool(self.bench.ledger.peers))
    @rule(data=st.data(), reason=st.sampled_from([Reason.ICE_FAILED, Reason.PEER_LEFT, Reason.NO_DESCRIPTION]))
    def the_peer_fails(self, data: st.DataObject, reason: Reason) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.peers)))
        self.check(self.bench.do(PeerFailed(link, reason)))

    @precondition(lambda self: bool(self.bench.ledger.past_peers))
    @rule(data=st.data())
    def something_late_of_a_closed_link(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.bench.ledger.past_peers)))
        assert self.bench.do(PeerDescribed(link, SDPType.OFFER, "v=0")) == []
        assert self.bench.do(PeerFailed(link, Reason.ICE_FAILED)) == []

    # --- time

    @precondition(lambda self: bool(self.bench.ledger.timers))
    @rule()
    def the_next_timer_fires(self) -> None:
        due = self.bench.next_timer()
        assert due is not None
        self.bench.now = max(self.bench.now, due[0])
        self.check(self.bench.do(TimerFired(due[1])))

    @rule(seconds=st.sampled_from([0.5, 3.0, 100.0]))
    def this_program_sleeps(self, seconds: float) -> None:
        self.bench.now += seconds
        self.check(self.bench.advance(0))


AnyGuest.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAnyGuest = AnyGuest.TestCase
