"""Tests of proxim.core.session: one session as scripts of inputs and expected commands."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxim.core.commands import (
    AddCandidate,
    ApplyDescription,
    CancelTimer,
    CloseConnection,
    ClosePeer,
    Command,
    OpenPeer,
    Publish,
    Send,
    SendOnChannel,
    SetTimer,
)
from proxim.core.errors import SENTENCES, MachineMisuseError, Problem, Reason
from proxim.core.events import (
    CONTROL_LABEL,
    ChannelMessage,
    ChannelOpened,
    ConnectionID,
    ConnectionLost,
    Decide,
    Disconnect,
    LinkID,
    PeerDescribed,
    PeerFailed,
    SendText,
    SessionType,
    Timer,
    TimerFired,
    TimerName,
)
from proxim.core.link import HEARTBEAT_SECONDS
from proxim.core.link_messages import Bye, Hello, LinkMessage, TextPiece, dump_link_message
from proxim.core.messages import (
    CODE_SESSION_ID,
    Candidate,
    CloseCode,
    Description,
    DeviceInfo,
    ErrorMessage,
    PairResult,
    SDPType,
    SessionEnded,
    Signal,
    Verified,
)
from proxim.core.proof import ProofKeys, Side, SignalMacs
from proxim.core.replies import refusal, rejection
from proxim.core.session import LOST_SOCKET_SECONDS, MAX_IGNORED, Session
from proxim.core.session_inputs import Ask, End, Guest, GuestSignal, SessionInput, TurnAway
from proxim.core.session_states import SessionState, SessionStatus
from proxim.core.status import LinkStatus, PairOutcome, Prompt, Stage, TextReceived, Trouble
from tests.core.machine_fixtures import LINE, sdp

SDP = sdp()
ID = "session-id"
GUEST = Guest(ConnectionID(1), "192.168.1.9", CODE_SESSION_ID, DeviceInfo("Phone", "uuid-of-phone"))
OTHER = Guest(ConnectionID(2), "192.168.1.10", ID, DeviceInfo("Tablet", "uuid-of-tablet"))
LINK = LinkID("host-1")
APPROVAL = Timer(TimerName.APPROVAL, ID)
SESSION = Timer(TimerName.SESSION, ID)
OPEN_TIMER = Timer(TimerName.LINK_OPEN, LINK)
HEARTBEAT = Timer(TimerName.HEARTBEAT, LINK)
T0 = 100.0

APPROVED = LinkStatus(LINK, ID, Stage.APPROVED, peer_name="Phone", peer_address="192.168.1.9")
CONNECTING = replace(APPROVED, stage=Stage.CONNECTING)
CONNECTED = replace(APPROVED, stage=Stage.CONNECTED, was_connected=True, can_text=True)
OFFER = Signal(CODE_SESSION_ID, Description(SDP, SDPType.OFFER))
ANSWER = PeerDescribed(LINK, SDPType.ANSWER, SDP)
CHANNEL = ChannelOpened(LINK, 1, CONTROL_LABEL)

ONE_TIME, TEMPORARY, PERSISTENT = SessionType.ONE_TIME, SessionType.TEMPORARY, SessionType.PERSISTENT


def signal(message: Signal, guest: Guest = GUEST) -> GuestSignal:
    return GuestSignal(guest.connection, message)


def say(message: LinkMessage) -> Command:
    return SendOnChannel(LINK, 1, dump_link_message(message))


def heard(message: LinkMessage) -> ChannelMessage:
    return ChannelMessage(LINK, 1, dump_link_message(message))


def rejected(reason: Reason, guest: Guest = GUEST) -> list[Command]:
    """What ends a prompt that was not approved."""
    return [
        CancelTimer(APPROVAL),
        Send(guest.connection, PairResult(guest.session_id, approved=False, reason=reason)),
        Publish(PairOutcome(ID, approved=False, reason=reason)),
    ]


def link_closed(reason: Reason, before: LinkStatus, *, said_bye: bool = False) -> list[Command]:
    """What ends a link."""
    told = replace(before, stage=Stage.CLOSED, can_text=False, reason=reason)
    return [CancelTimer(OPEN_TIMER), CancelTimer(HEARTBEAT), ClosePeer(LINK, said_bye), Publish(told)]


def ended(reason: Reason) -> list[Command]:
    """What ends a session that serves a guest."""
    return [
        CancelTimer(SESSION),
        Send(GUEST.connection, SessionEnded(CODE_SESSION_ID, reason)),
        CloseConnection(GUEST.connection, CloseCode.SESSION_ENDED),
    ]


def new_session(kind: SessionType = ONE_TIME, lifetime: float | None = None) -> Session:
    numbers = itertools.count(1)
    return Session(ID, kind, lifetime, T0, "Host PC", lambda: LinkID(f"host-{next(numbers)}"))


def asked(kind: SessionType = ONE_TIME) -> Session:
    session = new_session(kind)
    session.handle(Ask(GUEST), T0)
    return session


def approved(kind: SessionType = ONE_TIME) -> Session:
    session = asked(kind)
    session.handle(Decide(ID, approved=True), T0)
    return session


def answered(kind: SessionType = ONE_TIME) -> Session:
    session = approved(kind)
    session.handle(signal(OFFER), T0)
    session.handle(ANSWER, T0)
    return session


def linked(kind: SessionType = ONE_TIME) -> Session:
    session = answered(kind)
    session.handle(CHANNEL, T0)
    return session


def over(kind: SessionType = ONE_TIME) -> Session:
    session = new_session(kind)
    session.handle(End(Reason.CLOSED), T0)
    return session


# --- its life --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "lifetime", "seconds"),
    [
        (ONE_TIME, None, 900.0),
        (ONE_TIME, 1800.0, 1800.0),
        (TEMPORARY, None, 900.0),
        (TEMPORARY, 60.0, 60.0),
        (PERSISTENT, None, None),
        (PERSISTENT, 60.0, None),
    ],
)
def test_a_session_lives_as_long_as_its_type_says(
    kind: SessionType, lifetime: float | None, seconds: float | None
) -> None:
    session = new_session(kind, lifetime)
    assert session.start() == ([] if seconds is None else [SetTimer(SESSION, seconds)])
    assert session.expires == (None if seconds is None else T0 + seconds)
    assert (session.state, session.status) == (SessionState.OPEN, SessionStatus.PENDING)


# --- asking ----------------------------------------------------------------------------------------------------------


def test_a_request_shows_a_prompt_for_40_seconds() -> None:
    session = new_session()
    device = DeviceInfo("Ev\u202eil\nname" + "x" * 50, "id\0")
    commands = session.handle(Ask(replace(GUEST, device=device)), T0 + 5)
    shown = DeviceInfo("Evil name" + "x" * 30 + "…", "id")
    assert commands == [
        SetTimer(APPROVAL, 40.0),
        Publish(Prompt(ID, shown, "192.168.1.9", None, deadline=T0 + 45, number=1)),
    ]
    assert session.state is SessionState.ASKED
    assert session.serves(GUEST.connection)
    assert not session.serves(OTHER.connection)


def test_approval_tells_the_guest_and_opens_a_peer_that_waits_for_its_offer() -> None:
    session = asked()
    assert session.handle(Decide(ID, approved=True), T0) == [
        CancelTimer(APPROVAL),
        Send(GUEST.connection, PairResult(CODE_SESSION_ID, approved=True)),
        Publish(PairOutcome(ID, approved=True)),
        Publish(APPROVED),
        OpenPeer(LINK, offerer=False),
        SetTimer(OPEN_TIMER, 15.0),
    ]
    assert (session.state, session.status) == (SessionState.LINKING, SessionStatus.APPROVED)


@pytest.mark.parametrize(
    ("event", "reason"),
    [(Decide(ID, approved=False), Reason.DECLINED), (TimerFired(APPROVAL), Reason.TIMEOUT)],
)
def test_a_rejected_request_leaves_the_session_open(event: SessionInput, reason: Reason) -> None:
    session = asked()
    assert session.handle(event, T0) == rejected(reason)
    assert (session.state, session.status, session.guest) == (SessionState.OPEN, SessionStatus.REJECTED, None)
    session.handle(Ask(OTHER), T0)
    assert (session.state, session.status) == (SessionState.ASKED, SessionStatus.PENDING)


def test_a_guest_that_leaves_takes_its_prompt_along() -> None:
    session = asked()
    assert session.handle(ConnectionLost(GUEST.connection), T0) == [
        CancelTimer(APPROVAL),
        Publish(PairOutcome(ID, approved=False, reason=Reason.GUEST_LEFT)),
    ]
    assert (session.state, session.status) == (SessionState.OPEN, SessionStatus.PENDING)


@pytest.mark.parametrize("make", [asked, approved, linked])
def test_a_second_guest_is_told_busy_and_nothing_changes(make: Callable[[], Session]) -> None:
    session = make()
    state = session.state
    busy = Send(OTHER.connection, PairResult(ID, approved=False, reason=Reason.BUSY))
    assert session.handle(Ask(OTHER), T0) == [busy]
    assert session.state is state
    assert session.serves(GUEST.connection)


@pytest.mark.parametrize("make", [new_session, approved, linked])
@pytest.mark.parametrize("yes", [True, False])
def test_a_decision_without_a_prompt_is_told_to_come_too_late(make: Callable[[], Session], yes: bool) -> None:
    session = make()
    state = session.state
    assert session.handle(Decide(ID, yes), T0) == [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
    assert session.state is state


# --- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [new_session, asked])
@pytest.mark.parametrize("payload", [OFFER.payload, Candidate(LINE)])
def test_a_signal_before_approval_is_refused(make: Callable[[], Session], payload: Description | Candidate) -> None:
    session = make()
    state = session.state
    refused = refusal(GUEST.connection, Reason.NOT_ALLOWED, ID)
    assert session.handle(signal(Signal(ID, payload)), T0) == [refused]
    assert refused == Send(GUEST.connection, ErrorMessage("not_allowed", SENTENCES[Reason.NOT_ALLOWED], session_id=ID))
    assert session.state is state


@pytest.mark.parametrize("kind", [SDPType.OFFER, None])
def test_the_offer_may_leave_out_its_type_and_is_answered(kind: SDPType | None) -> None:
    session = approved()
    assert session.handle(signal(Signal(ID, Description(SDP, kind))), T0) == [
        Publish(CONNECTING),
        ApplyDescription(LINK, SDPType.OFFER, SDP),
    ]
    assert session.handle(ANSWER, T0) == [
        Send(GUEST.connection, Signal(CODE_SESSION_ID, Description(SDP, SDPType.ANSWER)))
    ]


def test_candidates_may_come_before_the_offer_and_after_it_and_on_an_open_link() -> None:
    session = approved()
    candidate = Candidate(LINE, "0", 0)
    added = [AddCandidate(LINK, candidate)]
    for event in (OFFER, None, CHANNEL):
        assert session.handle(signal(Signal(ID, candidate)), T0) == added
        if event is not None:
            session.handle(signal(event) if isinstance(event, Signal) else event, T0)
    assert session.handle(signal(Signal(ID, Candidate(""))), T0) == [AddCandidate(LINK, Candidate(""))]


def test_the_guest_offers_once_and_never_answers() -> None:
    session = approved()
    refused = [refusal(GUEST.connection, Reason.NOT_ALLOWED, CODE_SESSION_ID)]
    answer = Signal(CODE_SESSION_ID, Description(SDP, SDPType.ANSWER))
    assert session.handle(signal(answer), T0) == refused
    session.handle(signal(OFFER), T0)
    assert session.handle(signal(OFFER), T0) == refused
    session.handle(ANSWER, T0)
    session.handle(CHANNEL, T0)
    assert session.handle(signal(OFFER), T0) == refused
    assert session.state is SessionState.LINKED


@pytest.mark.parametrize("make", [approved, linked])
def test_nobody_but_the_approved_guest_signals(make: Callable[[], Session]) -> None:
    session = make()
    for message in (OFFER, Signal(CODE_SESSION_ID, Candidate(LINE))):
        refused = refusal(OTHER.connection, Reason.NOT_ALLOWED, CODE_SESSION_ID)
        assert session.handle(signal(message, OTHER), T0) == [refused]


# --- the link --------------------------------------------------------------------------------------------------------


def test_a_channel_makes_it_linked() -> None:
    session = answered()
    assert session.handle(CHANNEL, T0) == [
        CancelTimer(OPEN_TIMER),
        SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        say(Hello("Host PC")),
        Publish(replace(CONNECTED)),
    ]
    assert (session.state, session.status) == (SessionState.LINKED, SessionStatus.APPROVED)
    assert session.handle(heard(TextPiece("hi")), T0) == [Publish(TextReceived(LINK, "hi"))]
    assert session.handle(TimerFired(HEARTBEAT), T0 + 1)[-1] == SetTimer(HEARTBEAT, HEARTBEAT_SECONDS)


FAILURES: list[tuple[SessionInput, Reason]] = [
    (PeerFailed(LINK, Reason.ICE_FAILED), Reason.ICE_FAILED),
    (PeerFailed(LINK, Reason.BAD_DESCRIPTION), Reason.BAD_DESCRIPTION),
    (TimerFired(OPEN_TIMER), Reason.LINK_TIMEOUT),
]


@pytest.mark.parametrize(("event", "reason"), FAILURES)
@pytest.mark.parametrize("kind", SessionType)
def test_an_attempt_that_fails_tells_the_guest_and_leaves_the_session_open(
    kind: SessionType, event: SessionInput, reason: Reason
) -> None:
    session = answered(kind)
    assert session.handle(event, T0) == [
        *link_closed(reason, CONNECTING),
        refusal(GUEST.connection, reason, CODE_SESSION_ID),
        CloseConnection(GUEST.connection, CloseCode.LINK_FAILED),
    ]
    assert (session.state, session.guest, session.link) == (SessionState.OPEN, None, None)
    assert session.status is SessionStatus.PENDING
    session.handle(Ask(OTHER), T0)
    commands = session.handle(Decide(ID, approved=True), T0)
    assert OpenPeer(LinkID("host-2"), offerer=False) in commands  # a link's id is never used twice


def test_an_approved_guest_that_never_offers_is_told_so() -> None:
    session = approved()
    assert session.handle(TimerFired(OPEN_TIMER), T0) == [
        *link_closed(Reason.NO_OFFER, APPROVED),
        refusal(GUEST.connection, Reason.NO_OFFER, CODE_SESSION_ID),
        CloseConnection(GUEST.connection, CloseCode.LINK_FAILED),
    ]


def test_a_second_attempt_takes_its_own_offer() -> None:
    session = answered()
    session.handle(PeerFailed(LINK, Reason.ICE_FAILED), T0)
    session.handle(Ask(OTHER), T0)
    session.handle(Decide(ID, approved=True), T0)
    offered = session.handle(signal(OFFER, OTHER), T0)
    assert offered[-1] == ApplyDescription(LinkID("host-2"), SDPType.OFFER, SDP)


def test_a_guest_that_leaves_before_its_answer_takes_the_link_along() -> None:
    session = approved()
    assert session.handle(ConnectionLost(GUEST.connection), T0) == link_closed(Reason.GUEST_LEFT, APPROVED)
    assert session.state is SessionState.OPEN


def test_a_socket_that_closes_after_the_answer_leaves_the_link_a_moment_to_open() -> None:
    session = answered()
    moved = [SetTimer(OPEN_TIMER, LOST_SOCKET_SECONDS)]
    assert session.handle(ConnectionLost(GUEST.connection), T0 + 1) == moved
    session.handle(CHANNEL, T0 + 1.2)
    assert session.state is SessionState.LINKED


def test_a_guest_that_left_after_the_answer_has_left_when_that_moment_is_over() -> None:
    session = answered()
    session.handle(ConnectionLost(GUEST.connection), T0 + 1)
    assert session.handle(TimerFired(OPEN_TIMER), T0 + 5) == link_closed(Reason.GUEST_LEFT, CONNECTING)
    assert session.state is SessionState.OPEN


@pytest.mark.parametrize(("at", "left"), [(14.0, 1.0), (15.5, 0.0)])
def test_that_moment_never_exceeds_the_15_seconds(at: float, left: float) -> None:
    session = answered()
    assert session.handle(ConnectionLost(GUEST.connection), T0 + at) == [SetTimer(OPEN_TIMER, left)]


def test_an_open_link_stands_without_its_socket() -> None:
    session = linked()
    assert session.handle(ConnectionLost(GUEST.connection), T0) == []
    assert session.handle(SendText(LINK, "hi"), T0)[0] == say(TextPiece("hi"))
    assert not session.serves(GUEST.connection)
    assert session.handle(heard(Bye()), T0) == [*link_closed(Reason.PEER_LEFT, CONNECTED), CancelTimer(SESSION)]


@pytest.mark.parametrize(
    ("event", "reason"),
    [(heard(Bye()), Reason.PEER_LEFT), (PeerFailed(LINK, Reason.PEER_VANISHED), Reason.PEER_VANISHED)],
)
def test_a_one_time_session_ends_with_its_link(event: SessionInput, reason: Reason) -> None:
    session = linked()
    told = reason if reason is Reason.PEER_VANISHED else Reason.CLOSED  # to a guest that still hears us
    assert session.handle(event, T0) == [*link_closed(reason, CONNECTED), *ended(told)]
    assert (session.state, session.status) == (SessionState.ENDED, SessionStatus.APPROVED)


@pytest.mark.parametrize("kind", [TEMPORARY, PERSISTENT])
def test_the_guest_of_any_other_session_may_come_back(kind: SessionType) -> None:
    session = linked(kind)
    closed = CloseConnection(GUEST.connection)  # an orderly end, not a link that failed
    assert session.handle(heard(Bye()), T0) == [*link_closed(Reason.PEER_LEFT, CONNECTED), closed]
    assert (session.state, session.guest, session.link) == (SessionState.OPEN, None, None)
    session.handle(Ask(replace(GUEST, connection=ConnectionID(3))), T0)
    assert session.handle(Decide(ID, approved=True), T0)[1] == Send(
        ConnectionID(3), PairResult(CODE_SESSION_ID, approved=True)
    )


def test_a_returning_guest_whose_socket_was_lost_needs_no_closing() -> None:
    session = linked(PERSISTENT)
    session.handle(ConnectionLost(GUEST.connection), T0)
    assert session.handle(heard(Bye()), T0) == link_closed(Reason.PEER_LEFT, CONNECTED)


@pytest.mark.parametrize("kind", SessionType)
def test_the_hosts_disconnect_ends_the_session_whatever_its_type(kind: SessionType) -> None:
    session = linked(kind)
    assert session.handle(Disconnect(LINK), T0) == [
        say(Bye("closed")),
        *link_closed(Reason.DISCONNECTED, CONNECTED, said_bye=True),
        *ended(Reason.CLOSED),
    ]
    assert session.state is SessionState.ENDED
    session = approved(kind)
    assert session.handle(Disconnect(LINK), T0) == [
        *link_closed(Reason.DISCONNECTED, APPROVED),
        *ended(Reason.CLOSED),
    ]


# --- expiry and end --------------------------------------------------------------------------------------------------


def test_an_open_session_expires() -> None:
    session = new_session()
    assert session.handle(TimerFired(SESSION), T0 + 900) == [CancelTimer(SESSION)]
    assert (session.state, session.status) == (SessionState.ENDED, SessionStatus.EXPIRED)


@pytest.mark.parametrize("kind", [ONE_TIME, TEMPORARY])
def test_a_session_that_expires_rejects_whoever_asks(kind: SessionType) -> None:
    session = asked(kind)
    assert session.handle(TimerFired(SESSION), T0) == [*rejected(Reason.EXPIRED), CancelTimer(SESSION)]
    assert session.status is SessionStatus.EXPIRED


def test_a_one_time_session_that_was_joined_in_time_outlives_its_15_minutes() -> None:
    session = answered()
    assert session.handle(TimerFired(SESSION), T0) == []
    session.handle(CHANNEL, T0)
    assert session.state is SessionState.LINKED
    # It ends as any other: over, not expired.
    assert session.handle(heard(Bye()), T0) == [*link_closed(Reason.PEER_LEFT, CONNECTED), *ended(Reason.CLOSED)]
    session = linked()
    assert session.handle(TimerFired(SESSION), T0) == []
    assert session.state is SessionState.LINKED


@pytest.mark.parametrize(("event", "reason"), FAILURES)
def test_a_one_time_session_whose_time_ran_out_while_linking_has_no_second_attempt(
    event: SessionInput, reason: Reason
) -> None:
    session = answered()
    session.handle(TimerFired(SESSION), T0)
    assert session.handle(event, T0) == [
        *link_closed(reason, CONNECTING),
        refusal(GUEST.connection, reason, CODE_SESSION_ID),
        *ended(Reason.EXPIRED),
    ]
    assert session.status is SessionStatus.EXPIRED


def test_a_temporary_session_takes_its_link_along_when_it_expires() -> None:
    session = linked(TEMPORARY)
    assert session.handle(TimerFired(SESSION), T0) == [
        say(Bye("expired")),
        *link_closed(Reason.EXPIRED, CONNECTED, said_bye=True),
        *ended(Reason.EXPIRED),
    ]
    session = answered(TEMPORARY)
    assert session.handle(TimerFired(SESSION), T0) == [
        *link_closed(Reason.EXPIRED, CONNECTING),
        *ended(Reason.EXPIRED),
    ]
    assert session.status is SessionStatus.EXPIRED


def test_the_host_ends_a_session_wherever_it_is() -> None:
    end = End(Reason.CLOSED)
    assert new_session().handle(end, T0) == [CancelTimer(SESSION)]
    assert asked().handle(end, T0) == [*rejected(Reason.CLOSED), CancelTimer(SESSION)]
    assert answered().handle(end, T0) == [*link_closed(Reason.CLOSED, CONNECTING), *ended(Reason.CLOSED)]
    assert linked().handle(end, T0) == [
        say(Bye("closed")),
        *link_closed(Reason.CLOSED, CONNECTED, said_bye=True),
        *ended(Reason.CLOSED),
    ]


# --- misuse ----------------------------------------------------------------------------------------------------------

INPUTS: dict[str, SessionInput] = {
    "ask": Ask(OTHER),
    "signal": signal(OFFER),
    "lost": ConnectionLost(GUEST.connection),
    "decide": Decide(ID, approved=True),
    "disconnect": Disconnect(LINK),
    "end": End(Reason.CLOSED),
    "approval": TimerFired(APPROVAL),
    "session": TimerFired(SESSION),
    "link_open": TimerFired(OPEN_TIMER),
    "heartbeat": TimerFired(HEARTBEAT),
    "dial": TimerFired(Timer(TimerName.DIAL, LINK)),
    "described": ANSWER,
    "channel": CHANNEL,
    "message": heard(Hello("x")),
    "failed": PeerFailed(LINK, Reason.ICE_FAILED),
    "text": SendText(LINK, "x"),
}
STATES = {
    SessionState.OPEN: (new_session, "ask signal decide end session"),
    SessionState.ASKED: (asked, "ask signal lost decide end approval session"),
    SessionState.LINKING: (
        answered,
        "ask signal lost decide disconnect end session link_open described channel failed text",
    ),
    SessionState.LINKED: (
        linked,
        "ask signal lost decide disconnect end session heartbeat channel message failed text",
    ),
    SessionState.ENDED: (over, ""),
}


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("name", INPUTS)
def test_what_the_table_does_not_hold_is_misuse(state: SessionState, name: str) -> None:
    make, welcome = STATES[state]
    session = make()
    assert session.state is state
    if name in welcome.split():
        session.handle(INPUTS[name], T0)
    else:
        with pytest.raises(MachineMisuseError):
            session.handle(INPUTS[name], T0)
        assert session.state is state


# --- which request an answer means -----------------------------------------------------------------------------------


def test_an_answer_reaches_no_other_guest_than_the_one_it_was_given_to() -> None:
    session = new_session()
    first = ask(session)
    session.handle(ConnectionLost(GUEST.connection), T0)
    other = replace(GUEST, connection=ConnectionID(9))
    second = next(one.status for one in session.handle(Ask(other), T0) if isinstance(one, Publish))
    assert isinstance(first, Prompt)
    assert isinstance(second, Prompt)
    assert first.number != second.number
    too_late = [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
    assert session.handle(Decide(ID, approved=True, number=first.number), T0) == too_late
    assert session.handle(Decide(ID, approved=True), T0) == too_late  # it could mean either
    assert session.serves(other.connection)
    session.handle(Decide(ID, approved=True, number=second.number), T0)
    assert session.state is SessionState.LINKING


@pytest.mark.parametrize(
    "gone", [TimerFired(APPROVAL), TurnAway(Reason.NOT_VERIFIED), ConnectionLost(GUEST.connection)]
)
def test_once_a_request_went_away_unanswered_an_answer_has_to_name_its_number(gone: SessionInput) -> None:
    session = new_session()
    ask(session)
    session.handle(gone, T0)
    second = ask(session)
    assert session.handle(Decide(ID, approved=True), T0) == [Publish(Trouble(Problem(Reason.PROMPT_GONE)))]
    assert session.serves(GUEST.connection)
    session.handle(Decide(ID, approved=True, number=second.number), T0)
    assert session.state is SessionState.LINKING


def ask(session: Session) -> Prompt:
    prompt = next(one.status for one in session.handle(Ask(GUEST), T0) if isinstance(one, Publish))
    assert isinstance(prompt, Prompt)
    return prompt


def test_an_address_whose_unproved_requests_nobody_answers_is_muted() -> None:
    session = new_session()
    for _ in range(MAX_IGNORED):
        ask(session)
        session.handle(TimerFired(APPROVAL), T0)
    assert session.handle(Ask(GUEST), T0) == [rejection(GUEST, Reason.DECLINED)]
    assert session.state is SessionState.OPEN


def test_a_guest_can_be_turned_away() -> None:
    session = new_session()
    ask(session)
    assert rejection(GUEST, Reason.NOT_VERIFIED) in session.handle(TurnAway(Reason.NOT_VERIFIED), T0)
    assert session.state is SessionState.OPEN


# --- a guest that was warned -----------------------------------------------------------------------------------------

KEYS = ProofKeys(b"ctx", bytes(32), bytes(range(32)), b"secret")
WARNINGS = [CloseCode.TAMPERED, 1002, 1007, 1009]


def proved_session(*, proved: bool, linked: bool) -> Session:
    guest = replace(GUEST, verified=Verified.QR, keys=KEYS) if proved else GUEST
    session = Session(ID, PERSISTENT, None, T0, "Host", lambda: LINK)
    session.start()
    offer = Signal(CODE_SESSION_ID, OFFER.payload, SignalMacs(KEYS, Side.GUEST).seal(OFFER.payload) if proved else None)
    inputs: list[SessionInput] = [Ask(guest), Decide(ID, approved=True), signal(offer), ANSWER]
    for event in [*inputs, CHANNEL] if linked else inputs:
        session.handle(event, T0)
    assert session.state is (SessionState.LINKED if linked else SessionState.LINKING)
    return session


@pytest.mark.parametrize("code", WARNINGS)
@pytest.mark.parametrize("linked", [False, True])
def test_a_proved_guest_that_got_what_we_did_not_send_ends_the_session_by_name(linked: bool, code: int) -> None:
    session = proved_session(proved=True, linked=linked)
    commands = session.handle(ConnectionLost(GUEST.connection, code), T0)
    assert session.state is SessionState.ENDED
    assert session.end_reason is Reason.TAMPERED
    told = [one.status for one in commands if isinstance(one, Publish)][-1]
    assert isinstance(told, LinkStatus)
    assert (told.stage, told.reason) == (Stage.CLOSED, Reason.TAMPERED)
    assert not any(isinstance(one, Send | CloseConnection) for one in commands)  # its socket is gone


@pytest.mark.parametrize("code", WARNINGS)
@pytest.mark.parametrize("linked", [False, True])
def test_who_proved_nothing_cannot_say_that_somebody_is_in_between(linked: bool, code: int) -> None:
    warned, left = (proved_session(proved=False, linked=linked) for _ in range(2))
    warning = ConnectionLost(GUEST.connection, code)
    assert warned.handle(warning, T0) == left.handle(ConnectionLost(GUEST.connection), T0)
    assert warned.state is left.state


@pytest.mark.parametrize("code", [None, 1000, 1001, 4000])
def test_any_other_close_is_a_guest_that_left(code: int | None) -> None:
    session = proved_session(proved=True, linked=True)
    assert session.handle(ConnectionLost(GUEST.connection, code), T0) == []
    assert session.state is SessionState.LINKED
