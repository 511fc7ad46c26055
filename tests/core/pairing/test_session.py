"""Tests of proxim.core.pairing.session: scripts of inputs and expected commands for one session."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.link.link import HEARTBEAT_SECONDS
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices, host_code
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import ProofKeys, Side, SignalMacs, tag_auth
from proxim.core.pairing.session import (
    LOST_SOCKET_SECONDS,
    Ask,
    End,
    GuestSignal,
    PairingRequest,
    ResumeLink,
    Session,
    SessionInput,
    SessionState,
    refusal,
    rejection,
)
from tests.core import handed_in
from tests.core.descriptions import LINE, sdp
from tests.core.handed_in import hello, new_link
from tests.core.playbook import Playbook
from tests.rows import each_row

SDP = sdp()
ID = "session-id"
GUEST = PairingRequest(
    ev.ConnectionID(1),
    "192.168.1.9",
    host_code.CODE_SESSION_ID,
    devices.DeviceInfo("Phone", "uuid-of-phone"),
)
OTHER = PairingRequest(
    ev.ConnectionID(2), "192.168.1.10", ID, devices.DeviceInfo("Tablet", "uuid-of-tablet")
)
LINK = ev.LinkID("host-1")
APPROVAL = ev.SessionTimer(ev.TimerName.APPROVAL, ID)
SESSION = ev.SessionTimer(ev.TimerName.SESSION, ID)
OPEN_TIMER = ev.LinkTimer(ev.TimerName.LINK_OPEN, LINK)
HEARTBEAT = ev.LinkTimer(ev.TimerName.HEARTBEAT, LINK)
T0 = 100.0

APPROVED = st.LinkStatus(LINK, ID, st.Stage.APPROVED, peer_name="Phone", peer_address="192.168.1.9")
CONNECTING = replace(APPROVED, stage=st.Stage.CONNECTING)
CONNECTED = replace(APPROVED, stage=st.Stage.CONNECTED, was_connected=True, features=("text",))
OFFER = pair_msg.Signal(
    host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.OFFER)
)
ANSWER = link_ev.PeerDescribed(LINK, pair_msg.SDPType.ANSWER, SDP)
CHANNEL = link_ev.ChannelOpened(LINK, 1, link_ev.CONTROL_LABEL)

VANISHED = link_ev.PeerFailed(LINK, Reason.PEER_VANISHED)
RESUME = ev.SessionTimer(ev.TimerName.RESUME, ID)

ONE_TIME, TEMPORARY, PERSISTENT = (
    ev.SessionType.ONE_TIME,
    ev.SessionType.TEMPORARY,
    ev.SessionType.PERSISTENT,
)


def signal(message: pair_msg.Signal, guest: PairingRequest = GUEST) -> GuestSignal:
    return GuestSignal(guest.connection, message)


def refuses(session: Session, event: GuestSignal) -> None:
    """Check that the guest may not send this signal, and that nothing has changed."""
    state = session.state
    with pytest.raises(MessageError) as raised:
        session.handle(event, T0)
    assert raised.value.reason is Reason.NOT_ALLOWED
    assert session.state is state


def say(message: link_msg.LinkMessage) -> do.Command:
    return link_do.SendOnChannel(LINK, 1, link_msg.dump_link_message(message))


def heard(message: link_msg.LinkMessage) -> link_ev.ChannelMessage:
    return link_ev.ChannelMessage(LINK, 1, link_msg.dump_link_message(message))


def rejected(reason: Reason, guest: PairingRequest = GUEST) -> list[do.Command]:
    """Return the commands that end a prompt that was not approved."""
    return [
        do.CancelTimer(APPROVAL),
        pair_do.Send(
            guest.connection, pair_msg.PairResult(guest.session_id, approved=False, reason=reason)
        ),
        do.Publish(st.PairOutcome(ID, approved=False, reason=reason)),
    ]


def link_closed(
    reason: Reason, before: st.LinkStatus, *, said_bye: bool = False
) -> list[do.Command]:
    """Return the commands that end a link."""
    told = replace(before, stage=st.Stage.CLOSED, features=(), reason=reason)
    return [
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        link_do.ClosePeer(LINK, said_bye),
        do.Publish(told),
    ]


def ended(reason: Reason) -> list[do.Command]:
    """Return the commands that end a session that serves a guest."""
    return [
        do.CancelTimer(SESSION),
        pair_do.Send(GUEST.connection, pair_msg.SessionEnded(host_code.CODE_SESSION_ID, reason)),
        pair_do.CloseConnection(GUEST.connection, pair_msg.CloseCode.SESSION_ENDED),
    ]


def new_session(kind: ev.SessionType = ONE_TIME, lifetime: float | None = None) -> Session:
    numbers = itertools.count(1)
    return Session(
        handed_in.new_session(ID, kind, lifetime, T0),
        lambda: ev.LinkID(f"host-{next(numbers)}"),
        new_link,
        pair_do.CloseConnection,
    )


def asked(kind: ev.SessionType = ONE_TIME) -> Session:
    session = new_session(kind)
    session.handle(Ask(GUEST), T0)
    return session


def approved(kind: ev.SessionType = ONE_TIME) -> Session:
    session = asked(kind)
    session.handle(ev.Decide(ID, approved=True), T0)
    return session


def answered(kind: ev.SessionType = ONE_TIME) -> Session:
    session = approved(kind)
    session.handle(signal(OFFER), T0)
    session.handle(ANSWER, T0)
    return session


def linked(kind: ev.SessionType = ONE_TIME) -> Session:
    session = answered(kind)
    session.handle(CHANNEL, T0)
    return session


def proved(number: int, name: str = host_code.CODE_SESSION_ID) -> PairingRequest:
    """Return the request of a guest on the socket with that number, with keys of its own."""
    keys = ProofKeys(b"", bytes([number]), b"", b"secret")
    return PairingRequest(
        ev.ConnectionID(number), GUEST.address, name, GUEST.device, devices.Verified.CODE, keys
    )


PROVED = proved(1)


def keys_of(guest: PairingRequest) -> ProofKeys:
    assert guest.keys is not None
    return guest.keys


def back(number: int, last: PairingRequest) -> PairingRequest:
    """Return the request of a guest that comes back on a new socket with the secret of its last
    proof.
    """
    return replace(proved(number, keys_of(last).resume_name()), verified=None)


def offered_by(session: Session, guest: PairingRequest) -> ev.LinkID:
    """Let the approved guest send its offer and get the answer; return the link."""
    assert session.link is not None
    link = session.link.id
    description = pair_msg.Description(SDP, pair_msg.SDPType.OFFER)
    offer = pair_msg.Signal(
        guest.session_id, description, SignalMacs(keys_of(guest), Side.GUEST).seal(description)
    )
    session.handle(signal(offer, guest), T0)
    session.handle(link_ev.PeerDescribed(link, pair_msg.SDPType.ANSWER, SDP), T0)
    return link


def open_link(session: Session, guest: PairingRequest) -> ev.LinkID:
    """Let the approved guest send its offer, and open its link; return the link."""
    link = offered_by(session, guest)
    session.handle(link_ev.ChannelOpened(link, 1, link_ev.CONTROL_LABEL), T0)
    assert session.state is SessionState.LINKED
    return link


def linked_by_proof(kind: ev.SessionType = ONE_TIME) -> Session:
    session = new_session(kind)
    session.handle(Ask(PROVED), T0)
    session.handle(ev.Decide(ID, approved=True), T0)
    open_link(session, PROVED)
    return session


def away(kind: ev.SessionType = ONE_TIME) -> Session:
    session = linked_by_proof(kind)
    session.handle(VANISHED, T0)
    return session


NEWCOMER = replace(
    proved(5),
    address="192.168.1.10",
    device=devices.DeviceInfo("Tablet", "uuid-of-tablet"),
    verified=devices.Verified.QR,
)


def away_asked(kind: ev.SessionType = ONE_TIME, at: float = T0) -> Session:
    session = away(kind)
    session.handle(Ask(NEWCOMER), at)
    assert session.state is SessionState.AWAY_ASKED
    return session


def over(kind: ev.SessionType = ONE_TIME) -> Session:
    session = new_session(kind)
    session.handle(End(Reason.CLOSED), T0)
    return session


# --- its life -------------------------------------------------------------------------------------


@each_row(
    "kind, lifetime, seconds",
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
    kind: ev.SessionType, lifetime: float | None, seconds: float | None
) -> None:
    session = new_session(kind, lifetime)
    assert session.start(T0) == ([] if seconds is None else [do.SetTimer(SESSION, seconds)])
    assert session.expires == (None if seconds is None else T0 + seconds)
    assert session.state is SessionState.OPEN


# --- asking ---------------------------------------------------------------------------------------


def test_a_request_shows_a_prompt_for_40_seconds() -> None:
    session = new_session()
    device = devices.DeviceInfo("Ev\u202eil\nname" + "x" * 50, "id\0")
    commands = session.handle(Ask(replace(GUEST, device=device)), T0 + 5)
    shown = devices.DeviceInfo("Evil name" + "x" * 30 + "…", "id")
    assert commands == [
        do.SetTimer(APPROVAL, 40.0),
        do.Publish(st.Prompt(ID, shown, "192.168.1.9", None, deadline=T0 + 45, number=1)),
    ]
    assert session.state is SessionState.ASKED
    assert session.serves(GUEST.connection)
    assert not session.serves(OTHER.connection)


@each_row("name", ["", "...", "\u0301\u0302", "●●●", "\u200b"])
def test_a_guest_whose_name_tells_nothing_is_shown_by_its_address(name: str) -> None:
    session = new_session()
    session.handle(Ask(replace(GUEST, device=devices.DeviceInfo(name, "id"))), T0)
    assert session.prompt is not None
    assert session.prompt.device.name == "Unnamed device (192.168.1.9)"
    session.handle(ev.Decide(ID, approved=True), T0)
    assert session.link is not None
    assert session.link.status.peer_name == "Unnamed device (192.168.1.9)"


def test_approval_tells_the_guest_and_opens_a_peer_that_waits_for_its_offer() -> None:
    session = asked()
    assert session.handle(ev.Decide(ID, approved=True), T0) == [
        do.CancelTimer(APPROVAL),
        pair_do.Send(
            GUEST.connection, pair_msg.PairResult(host_code.CODE_SESSION_ID, approved=True)
        ),
        do.Publish(st.PairOutcome(ID, approved=True)),
        do.Publish(APPROVED),
        link_do.OpenPeer(LINK, offerer=False),
        do.SetTimer(OPEN_TIMER, 15.0),
    ]
    assert session.state is SessionState.LINKING


@each_row(
    "event, reason",
    [
        (ev.Decide(ID, approved=False), Reason.DECLINED),
        (ev.Decide(ID, approved=False, unattended=True), Reason.UNATTENDED),
        (ev.TimerFired(APPROVAL), Reason.TIMEOUT),
    ],
)
def test_a_rejected_request_leaves_the_session_open(event: SessionInput, reason: Reason) -> None:
    session = asked()
    assert session.handle(event, T0) == rejected(reason)
    assert (session.state, session.guest) == (SessionState.OPEN, None)
    session.handle(Ask(OTHER), T0)
    assert session.state is SessionState.ASKED


# Nobody knows this guest, so it cannot have another link, whatever its close code says.
@each_row("code", [None, pair_msg.CloseCode.LINKED_ALREADY])
def test_a_guest_that_leaves_takes_its_prompt_along(code: int | None) -> None:
    session = asked()
    assert session.handle(pair_ev.ConnectionLost(GUEST.connection, code), T0) == [
        do.CancelTimer(APPROVAL),
        do.Publish(st.PairOutcome(ID, approved=False, reason=Reason.GUEST_LEFT)),
    ]
    assert session.state is SessionState.OPEN


@each_row("make", [asked, approved, linked])
def test_a_second_guest_is_told_busy_and_nothing_changes(make: Callable[[], Session]) -> None:
    session = make()
    state = session.state
    busy = pair_do.Send(
        OTHER.connection, pair_msg.PairResult(ID, approved=False, reason=Reason.BUSY)
    )
    assert session.handle(Ask(OTHER), T0) == [busy]
    assert session.state is state
    assert session.serves(GUEST.connection)


@each_row("make", [new_session, approved, linked])
@each_row("yes", [True, False])
def test_a_decision_without_a_prompt_is_told_to_come_too_late(
    make: Callable[[], Session], yes: bool
) -> None:
    session = make()
    state = session.state
    assert session.handle(ev.Decide(ID, yes), T0) == [
        do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE)))
    ]
    assert session.state is state


# --- signals --------------------------------------------------------------------------------------


@each_row("make", [new_session, asked])
@each_row("payload", [OFFER.payload, pair_msg.Candidate(LINE)])
def test_a_signal_before_approval_is_refused(
    make: Callable[[], Session], payload: pair_msg.Description | pair_msg.Candidate
) -> None:
    session = make()
    refuses(session, signal(pair_msg.Signal(ID, payload)))


@each_row("kind", [pair_msg.SDPType.OFFER, None])
def test_the_offer_may_leave_out_its_type_and_is_answered(kind: pair_msg.SDPType | None) -> None:
    session = approved()
    assert session.handle(signal(pair_msg.Signal(ID, pair_msg.Description(SDP, kind))), T0) == [
        do.Publish(CONNECTING),
        link_do.ApplyDescription(LINK, pair_msg.SDPType.OFFER, SDP),
    ]
    assert session.handle(ANSWER, T0) == [
        pair_do.Send(
            GUEST.connection,
            pair_msg.Signal(
                host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.ANSWER)
            ),
        )
    ]


def test_candidates_may_come_before_the_offer_and_after_it_and_on_an_open_link() -> None:
    play = Playbook(approved(), T0)
    candidate = pair_msg.Candidate(LINE, "0", 0)
    added = [link_do.AddCandidate(LINK, pair_msg.Candidate(LINE))]
    for event in (OFFER, None, CHANNEL):
        play.on(signal(pair_msg.Signal(ID, candidate)), *added)
        if event is not None:
            play.on(signal(event) if isinstance(event, pair_msg.Signal) else event, ...)
    play.on(
        signal(pair_msg.Signal(ID, pair_msg.Candidate(""))),
        link_do.AddCandidate(LINK, pair_msg.Candidate("")),
    )


def test_the_guest_offers_once_and_never_answers() -> None:
    session = approved()
    play = Playbook(session, T0)
    answer = pair_msg.Signal(
        host_code.CODE_SESSION_ID, pair_msg.Description(SDP, pair_msg.SDPType.ANSWER)
    )
    refuses(session, signal(answer))
    play.on(signal(OFFER), ...)
    refuses(session, signal(OFFER))
    play.on(ANSWER, ...)
    play.on(CHANNEL, ...)
    refuses(session, signal(OFFER))
    play.reaches(SessionState.LINKED)


@each_row("make", [approved, linked])
def test_nobody_but_the_approved_guest_signals(make: Callable[[], Session]) -> None:
    session = make()
    for message in (OFFER, pair_msg.Signal(host_code.CODE_SESSION_ID, pair_msg.Candidate(LINE))):
        refuses(session, signal(message, OTHER))


# --- the link -------------------------------------------------------------------------------------


def test_a_channel_makes_it_linked() -> None:
    session = answered()
    play = Playbook(session, T0)
    play.on(
        CHANNEL,
        do.CancelTimer(OPEN_TIMER),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        say(hello("Host PC")),
        do.Publish(replace(CONNECTED)),
    )
    assert session.state is SessionState.LINKED
    play.on(heard(link_text.TextPiece("hi")), do.Publish(st.TextReceived(LINK, "hi")))
    play.on(ev.TimerFired(HEARTBEAT), ..., do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS), at=T0 + 1)


FAILURES: list[tuple[SessionInput, Reason]] = [
    (link_ev.PeerFailed(LINK, Reason.ICE_FAILED), Reason.ICE_FAILED),
    (link_ev.PeerFailed(LINK, Reason.BAD_DESCRIPTION), Reason.BAD_DESCRIPTION),
    (ev.TimerFired(OPEN_TIMER), Reason.LINK_TIMEOUT),
]


@each_row("event, reason", FAILURES)
@each_row("kind", ev.SessionType)
def test_an_attempt_that_fails_tells_the_guest_and_leaves_the_session_open(
    kind: ev.SessionType, event: SessionInput, reason: Reason
) -> None:
    session = answered(kind)
    play = Playbook(session, T0)
    play.on(
        event,
        *link_closed(reason, CONNECTING),
        refusal(GUEST.connection, reason, host_code.CODE_SESSION_ID),
        pair_do.CloseConnection(GUEST.connection, pair_msg.CloseCode.LINK_FAILED),
    )
    assert (session.state, session.guest, session.link) == (SessionState.OPEN, None, None)
    play.on(Ask(OTHER), ...)
    # A link's id is never used twice.
    new = link_do.OpenPeer(ev.LinkID("host-2"), offerer=False)
    play.on(ev.Decide(ID, approved=True), ..., new, ...)


def test_an_approved_guest_that_never_offers_is_told_so() -> None:
    session = approved()
    assert session.handle(ev.TimerFired(OPEN_TIMER), T0) == [
        *link_closed(Reason.NO_OFFER, APPROVED),
        refusal(GUEST.connection, Reason.NO_OFFER, host_code.CODE_SESSION_ID),
        pair_do.CloseConnection(GUEST.connection, pair_msg.CloseCode.LINK_FAILED),
    ]


def test_a_second_attempt_takes_its_own_offer() -> None:
    session = answered()
    session.handle(link_ev.PeerFailed(LINK, Reason.ICE_FAILED), T0)
    session.handle(Ask(OTHER), T0)
    session.handle(ev.Decide(ID, approved=True), T0)
    offered = session.handle(signal(OFFER, OTHER), T0)
    assert offered[-1] == link_do.ApplyDescription(ev.LinkID("host-2"), pair_msg.SDPType.OFFER, SDP)


@each_row("code", [None, pair_msg.CloseCode.LINKED_ALREADY])
def test_a_guest_that_leaves_before_its_answer_takes_the_link_along(code: int | None) -> None:
    session = approved()
    assert session.handle(pair_ev.ConnectionLost(GUEST.connection, code), T0) == link_closed(
        Reason.GUEST_LEFT, APPROVED
    )
    assert session.state is SessionState.OPEN


def test_a_socket_that_closes_after_the_answer_leaves_the_link_a_moment_to_open() -> None:
    session = answered()
    moved = [do.SetTimer(OPEN_TIMER, LOST_SOCKET_SECONDS)]
    assert session.handle(pair_ev.ConnectionLost(GUEST.connection), T0 + 1) == moved
    session.handle(CHANNEL, T0 + 1.2)
    assert session.state is SessionState.LINKED


def test_a_guest_that_left_after_the_answer_has_left_when_that_moment_is_over() -> None:
    session = answered()
    session.handle(pair_ev.ConnectionLost(GUEST.connection), T0 + 1)
    assert session.handle(ev.TimerFired(OPEN_TIMER), T0 + 5) == link_closed(
        Reason.GUEST_LEFT, CONNECTING
    )
    assert session.state is SessionState.OPEN


@each_row("at, left", [(14.0, 1.0), (15.5, 0.0)])
def test_that_moment_never_exceeds_the_15_seconds(at: float, left: float) -> None:
    session = answered()
    assert session.handle(pair_ev.ConnectionLost(GUEST.connection), T0 + at) == [
        do.SetTimer(OPEN_TIMER, left)
    ]


def test_an_open_link_stands_without_its_socket() -> None:
    session = linked()
    play = Playbook(session, T0)
    play.on(pair_ev.ConnectionLost(GUEST.connection))
    play.on(heard(link_text.TextPiece("hi")), do.Publish(st.TextReceived(LINK, "hi")))
    assert not session.serves(GUEST.connection)
    play.on(
        heard(link_msg.Bye()), *link_closed(Reason.PEER_LEFT, CONNECTED), do.CancelTimer(SESSION)
    )


@each_row(
    "event, reason",
    [
        (heard(link_msg.Bye()), Reason.PEER_LEFT),
        (link_ev.PeerFailed(LINK, Reason.PEER_VANISHED), Reason.PEER_VANISHED),
    ],
)
def test_a_one_time_session_ends_with_its_link(event: SessionInput, reason: Reason) -> None:
    session = linked()
    # A guest that is still there gets CLOSED as the reason.
    told = reason if reason is Reason.PEER_VANISHED else Reason.CLOSED
    assert session.handle(event, T0) == [*link_closed(reason, CONNECTED), *ended(told)]
    assert session.state is SessionState.ENDED


@each_row("kind", [TEMPORARY, PERSISTENT])
def test_the_guest_of_any_other_session_may_come_back(kind: ev.SessionType) -> None:
    session = linked(kind)
    play = Playbook(session, T0)
    # The link ended in order and did not fail.
    closed = pair_do.CloseConnection(GUEST.connection)
    play.on(heard(link_msg.Bye()), *link_closed(Reason.PEER_LEFT, CONNECTED), closed)
    assert (session.state, session.guest, session.link) == (SessionState.OPEN, None, None)
    play.on(Ask(replace(GUEST, connection=ev.ConnectionID(3))), ...)
    assert play.on(ev.Decide(ID, approved=True), ...)[1] == pair_do.Send(
        ev.ConnectionID(3), pair_msg.PairResult(host_code.CODE_SESSION_ID, approved=True)
    )


def test_a_returning_guest_whose_socket_was_lost_needs_no_closing() -> None:
    session = linked(PERSISTENT)
    session.handle(pair_ev.ConnectionLost(GUEST.connection), T0)
    assert session.handle(heard(link_msg.Bye()), T0) == link_closed(Reason.PEER_LEFT, CONNECTED)


@each_row("kind", ev.SessionType)
def test_the_hosts_disconnect_ends_the_session_whatever_its_type(kind: ev.SessionType) -> None:
    session = linked(kind)
    assert session.handle(ev.Disconnect(LINK), T0) == [
        say(link_msg.Bye("closed")),
        *link_closed(Reason.DISCONNECTED, CONNECTED, said_bye=True),
        *ended(Reason.CLOSED),
    ]
    assert session.state is SessionState.ENDED
    session = approved(kind)
    assert session.handle(ev.Disconnect(LINK), T0) == [
        *link_closed(Reason.DISCONNECTED, APPROVED),
        *ended(Reason.CLOSED),
    ]


# --- expiry and end -------------------------------------------------------------------------------


def test_an_open_session_expires() -> None:
    session = new_session()
    assert session.handle(ev.TimerFired(SESSION), T0 + 900) == [do.CancelTimer(SESSION)]
    assert session.state is SessionState.ENDED


@each_row("kind", [ONE_TIME, TEMPORARY])
def test_a_session_that_expires_rejects_whoever_asks(kind: ev.SessionType) -> None:
    session = asked(kind)
    assert session.handle(ev.TimerFired(SESSION), T0) == [
        *rejected(Reason.EXPIRED),
        do.CancelTimer(SESSION),
    ]


def test_a_one_time_session_that_was_joined_in_time_outlives_its_15_minutes() -> None:
    play = Playbook(answered(), T0)
    play.on(ev.TimerFired(SESSION))
    play.on(CHANNEL, ...)
    play.reaches(SessionState.LINKED)
    # It ends like any other session: it is closed, not expired.
    play.on(heard(link_msg.Bye()), *link_closed(Reason.PEER_LEFT, CONNECTED), *ended(Reason.CLOSED))
    play = Playbook(linked(), T0)
    play.on(ev.TimerFired(SESSION))
    play.reaches(SessionState.LINKED)


@each_row("event, reason", FAILURES)
def test_a_one_time_session_whose_time_ran_out_while_linking_has_no_second_attempt(
    event: SessionInput, reason: Reason
) -> None:
    session = answered()
    session.handle(ev.TimerFired(SESSION), T0)
    assert session.handle(event, T0) == [
        *link_closed(reason, CONNECTING),
        refusal(GUEST.connection, reason, host_code.CODE_SESSION_ID),
        *ended(Reason.EXPIRED),
    ]


def test_a_temporary_session_takes_its_link_along_when_it_expires() -> None:
    session = linked(TEMPORARY)
    assert session.handle(ev.TimerFired(SESSION), T0) == [
        say(link_msg.Bye("expired")),
        *link_closed(Reason.EXPIRED, CONNECTED, said_bye=True),
        *ended(Reason.EXPIRED),
    ]
    session = answered(TEMPORARY)
    assert session.handle(ev.TimerFired(SESSION), T0) == [
        *link_closed(Reason.EXPIRED, CONNECTING),
        *ended(Reason.EXPIRED),
    ]


def test_the_host_ends_a_session_wherever_it_is() -> None:
    end = End(Reason.CLOSED)
    assert new_session().handle(end, T0) == [do.CancelTimer(SESSION)]
    assert asked().handle(end, T0) == [*rejected(Reason.CLOSED), do.CancelTimer(SESSION)]
    assert answered().handle(end, T0) == [
        *link_closed(Reason.CLOSED, CONNECTING),
        *ended(Reason.CLOSED),
    ]
    assert linked().handle(end, T0) == [
        say(link_msg.Bye("closed")),
        *link_closed(Reason.CLOSED, CONNECTED, said_bye=True),
        *ended(Reason.CLOSED),
    ]


# --- a lost link ----------------------------------------------------------------------------------

CONNECTED_BY_PROOF = replace(CONNECTED, verified=devices.Verified.CODE)
NO_LANE = [do.CancelTimer(ev.LinkTimer(ev.TimerName.LANE, LINK)), link_do.CloseLane(LINK)]
WAITING = replace(CONNECTED_BY_PROOF, stage=st.Stage.WAITING, features=(), deadline=T0 + 120)


def test_a_proved_guest_whose_link_falls_silent_is_waited_for() -> None:
    session = linked_by_proof()
    assert session.handle(VANISHED, T0) == [
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        link_do.ClosePeer(LINK),
        *NO_LANE,
        pair_do.CloseConnection(PROVED.connection),
        do.SetTimer(RESUME, 120.0),
        do.Publish(WAITING),
    ]
    assert (session.state, session.guest) == (SessionState.AWAY, None)


def test_its_proof_opens_a_new_link_and_nobody_is_asked() -> None:
    session = away()
    guest = back(3, PROVED)
    new = ev.LinkID("host-2")
    told = replace(WAITING, link=new, stage=st.Stage.APPROVED, deadline=None, resumes=LINK)
    tag = tag_auth(keys_of(guest).host_tag("approved"))
    token, key = keys_of(guest).key("lane token")[:16], keys_of(guest).key("lane key")
    assert session.handle(ResumeLink(guest), T0 + 60) == [
        do.CancelTimer(RESUME),
        pair_do.Send(
            guest.connection, pair_msg.PairResult(guest.session_id, approved=True, auth=tag)
        ),
        do.Publish(told),
        link_do.OpenPeer(new, offerer=False),
        do.SetTimer(ev.LinkTimer(ev.TimerName.LINK_OPEN, new), 15.0),
        link_do.ExpectLane(new, token, key),
    ]
    open_link(session, guest)
    assert session.link is not None
    # The link shows what the person saw when they approved.
    assert session.link.status.verified is devices.Verified.CODE


@each_row("make", [new_session, asked, approved, linked, linked_by_proof, away, away_asked])
def test_under_any_other_name_nobody_comes_back(make: Callable[[], Session]) -> None:
    for guest in (
        back(3, proved(2)),
        replace(proved(3), session_id=ID),
        replace(back(3, PROVED), keys=None),
    ):
        session = make()
        state, link = session.state, session.link
        assert session.handle(ResumeLink(guest), T0) == [rejection(guest, Reason.UNKNOWN_SESSION)]
        assert (session.state, session.link) == (state, link)
        assert not session.serves(guest.connection)
        assert session.serves(NEWCOMER.connection) == (state is SessionState.AWAY_ASKED)


@each_row("make", [new_session, asked, approved, linked])
def test_before_a_proved_link_has_opened_there_is_nothing_to_come_back_to(
    make: Callable[[], Session],
) -> None:
    assert make().resume_secret(keys_of(PROVED).resume_name()) is None
    session = new_session()
    session.handle(Ask(PROVED), T0)
    session.handle(ev.Decide(ID, approved=True), T0)
    assert session.resume_secret(keys_of(PROVED).resume_name()) is None


def test_the_guest_may_notice_first_and_takes_its_old_link_and_sockets_place() -> None:
    session = linked_by_proof()
    guest = back(3, PROVED)
    commands = session.handle(ResumeLink(guest), T0)
    assert commands[:6] == [
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        link_do.ClosePeer(LINK),
        *NO_LANE,
        pair_do.CloseConnection(PROVED.connection),
    ]
    assert [one.status for one in commands if isinstance(one, do.Publish)] == [
        replace(
            WAITING, link=ev.LinkID("host-2"), stage=st.Stage.APPROVED, deadline=None, resumes=LINK
        )
    ]
    assert session.serves(guest.connection)
    assert not session.serves(PROVED.connection)


def test_a_try_that_fails_leaves_it_the_rest_of_its_2_minutes() -> None:
    session = away()
    play = Playbook(session, T0)
    guest = back(3, PROVED)
    play.on(ResumeLink(guest), ..., at=T0 + 95)
    offered_by(session, guest)
    # A lane may still carry the link.
    play.on(link_ev.PeerFailed(ev.LinkID("host-2"), Reason.ICE_FAILED), at=T0 + 105)
    commands = play.on(
        ev.TimerFired(ev.LinkTimer(ev.TimerName.LINK_OPEN, ev.LinkID("host-2"))), ..., at=T0 + 110
    )
    assert commands[5:] == [
        refusal(guest.connection, Reason.ICE_FAILED, guest.session_id),
        pair_do.CloseConnection(guest.connection, pair_msg.CloseCode.LINK_FAILED),
        do.SetTimer(RESUME, 10.0),
        do.Publish(replace(WAITING, link=ev.LinkID("host-2"), resumes=LINK)),
    ]
    play.reaches(SessionState.AWAY)


def test_a_try_that_fails_after_the_2_minutes_was_the_last() -> None:
    session = away()
    guest = back(3, PROVED)
    session.handle(ResumeLink(guest), T0 + 119)
    offered_by(session, guest)
    session.handle(link_ev.PeerFailed(ev.LinkID("host-2"), Reason.ICE_FAILED), T0 + 125)
    commands = session.handle(
        ev.TimerFired(ev.LinkTimer(ev.TimerName.LINK_OPEN, ev.LinkID("host-2"))), T0 + 134
    )
    assert session.state is SessionState.ENDED
    (told,) = [one.status for one in commands if isinstance(one, do.Publish)]
    assert isinstance(told, st.LinkStatus)
    assert (told.stage, told.reason) == (st.Stage.CLOSED, Reason.ICE_FAILED)


def test_the_keys_before_hold_until_the_new_link_opens_and_no_longer() -> None:
    session = away()
    names = [keys_of(PROVED).resume_name()]
    guest = PROVED
    # The guest did not receive the first approval, so it comes again under the same name.
    for number in (3, 4):
        guest = back(number, PROVED)
        session.handle(ResumeLink(guest), T0)
        names.append(keys_of(guest).resume_name())
    assert [session.resume_secret(name) is not None for name in names] == [True, False, True]
    open_link(session, guest)
    assert [session.resume_secret(name) is not None for name in names] == [False, False, True]


@each_row("kind, state", [(ONE_TIME, SessionState.ENDED), (PERSISTENT, SessionState.OPEN)])
def test_after_2_minutes_the_link_is_over_and_with_it_a_one_time_session(
    kind: ev.SessionType, state: SessionState
) -> None:
    session = away(kind)
    over = do.Publish(
        replace(WAITING, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED, deadline=None)
    )
    assert session.handle(ev.TimerFired(RESUME), T0 + 120)[0] == over
    assert session.state is state
    assert kind is ONE_TIME or session.resume_secret(keys_of(PROVED).resume_name()) is None


@each_row("kind", ev.SessionType)
def test_the_person_or_the_program_ends_the_waiting(kind: ev.SessionType) -> None:
    for event, reason in (
        (ev.Disconnect(LINK), Reason.DISCONNECTED),
        (End(Reason.CLOSED), Reason.CLOSED),
    ):
        session = away(kind)
        assert session.handle(event, T0) == [
            do.CancelTimer(RESUME),
            do.Publish(replace(WAITING, stage=st.Stage.CLOSED, reason=reason, deadline=None)),
            do.CancelTimer(SESSION),
        ]
        assert session.state is SessionState.ENDED


def test_a_lifetime_that_ends_meanwhile() -> None:
    session = away(TEMPORARY)
    play = Playbook(session, T0)
    play.on(
        ev.TimerFired(SESSION),
        do.CancelTimer(RESUME),
        do.Publish(replace(WAITING, stage=st.Stage.CLOSED, reason=Reason.EXPIRED, deadline=None)),
        do.CancelTimer(SESSION),
    )
    # A one-time session that was joined in time does not expire.
    play = Playbook(away(), T0)
    play.on(ev.TimerFired(SESSION))
    play.on(ResumeLink(back(3, PROVED)), ...)
    play.reaches(SessionState.LINKING)


def test_nobody_else_gets_in_meanwhile_and_a_late_answer_is_too_late() -> None:
    session = away(PERSISTENT)
    play = Playbook(session, T0)
    play.on(Ask(OTHER), rejection(OTHER, Reason.BUSY))
    refuses(session, signal(OFFER))
    play.on(ev.Decide(ID, approved=True), do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE))))
    play.reaches(SessionState.AWAY)


def test_a_changed_signal_of_a_returning_guest_ends_it_for_good() -> None:
    session = away(PERSISTENT)
    guest = back(3, PROVED)
    session.handle(ResumeLink(guest), T0)
    session.handle(
        signal(
            pair_msg.Signal(guest.session_id, pair_msg.Description(SDP, pair_msg.SDPType.OFFER)),
            guest,
        ),
        T0,
    )
    assert session.state is SessionState.ENDED


# --- another guest for the place of a lost one ----------------------------------------------------

LOST = st.LostLink(LINK, "Phone")
PROMPT = st.Prompt(
    ID,
    NEWCOMER.device,
    NEWCOMER.address,
    devices.Verified.QR,
    deadline=T0 + 40,
    number=2,
    replaces=LOST,
)


def turned_away(answer: Reason, reason: Reason | None = None) -> list[do.Command]:
    """Return the commands that end the newcomer's prompt without an approval."""
    outcome = st.PairOutcome(ID, approved=False, reason=reason or answer)
    return [do.CancelTimer(APPROVAL), rejection(NEWCOMER, answer), do.Publish(outcome)]


def gone(reason: Reason, at: st.LinkStatus = WAITING) -> do.Command:
    """Return the command that publishes the end of a link that was waited for."""
    return do.Publish(replace(at, stage=st.Stage.CLOSED, reason=reason, deadline=None))


@each_row("kind", ev.SessionType)
def test_while_a_link_is_waited_for_a_proved_request_goes_to_the_person(
    kind: ev.SessionType,
) -> None:
    play = Playbook(away(kind), T0)
    play.on(Ask(NEWCOMER), do.CancelTimer(RESUME), do.SetTimer(APPROVAL, 40.0), do.Publish(PROMPT))
    play.reaches(SessionState.AWAY_ASKED)
    # One question at a time, and none without a proof.
    for other in (OTHER, proved(6)):
        play.on(Ask(other), rejection(other, Reason.BUSY))
    play.reaches(SessionState.AWAY_ASKED)


@each_row("kind", ev.SessionType)
def test_approving_it_ends_the_lost_link_and_its_keys(kind: ev.SessionType) -> None:
    session = away_asked(kind)
    new = ev.LinkID("host-2")
    approved = replace(
        APPROVED,
        link=new,
        peer_name="Tablet",
        peer_address="192.168.1.10",
        verified=devices.Verified.QR,
        replaces=LINK,
    )
    keys = keys_of(NEWCOMER)
    assert session.handle(ev.Decide(ID, approved=True, number=2), T0) == [
        do.CancelTimer(APPROVAL),
        pair_do.Send(
            NEWCOMER.connection,
            pair_msg.PairResult(
                NEWCOMER.session_id, approved=True, auth=tag_auth(keys.host_tag("approved"))
            ),
        ),
        do.Publish(st.PairOutcome(ID, approved=True)),
        do.Publish(approved),
        link_do.OpenPeer(new, offerer=False),
        do.SetTimer(ev.LinkTimer(ev.TimerName.LINK_OPEN, new), 15.0),
        link_do.ExpectLane(new, keys.key("lane token")[:16], keys.key("lane key")),
        gone(Reason.REPLACED),
    ]
    late = back(7, PROVED)
    assert session.resume_secret(late.session_id) is None
    assert session.handle(ResumeLink(late), T0) == [rejection(late, Reason.UNKNOWN_SESSION)]
    open_link(session, NEWCOMER)
    # From now on the newcomer's link is the one that may be resumed.
    assert session.resume_secret(keys.resume_name()) is not None


@each_row(
    "event, answer, outcome",
    [
        (ev.Decide(ID, approved=False, number=2), Reason.DECLINED, Reason.DECLINED),
        (ev.TimerFired(APPROVAL), Reason.TIMEOUT, Reason.TIMEOUT),
        (pair_ev.ConnectionLost(NEWCOMER.connection), None, Reason.GUEST_LEFT),
    ],
)
@each_row("kind", ev.SessionType)
def test_without_an_approval_the_lost_guest_keeps_the_rest_of_its_2_minutes(
    kind: ev.SessionType, event: SessionInput, answer: Reason | None, outcome: Reason
) -> None:
    session = away_asked(kind, T0 + 30)
    play = Playbook(session, T0 + 50)
    play.on(
        event,
        do.CancelTimer(APPROVAL),
        *([] if answer is None else [rejection(NEWCOMER, answer)]),
        do.Publish(st.PairOutcome(ID, approved=False, reason=outcome)),
        do.SetTimer(RESUME, 70.0),
    )
    play.reaches(SessionState.AWAY)
    play.on(ResumeLink(back(7, PROVED)), ...)
    play.reaches(SessionState.LINKING)


def test_the_lost_guest_itself_withdraws_the_question() -> None:
    session = away_asked()
    guest = back(7, PROVED)
    new = ev.LinkID("host-2")
    told = replace(WAITING, link=new, stage=st.Stage.APPROVED, deadline=None, resumes=LINK)
    commands = session.handle(ResumeLink(guest), T0 + 5)
    assert commands[:3] == turned_away(Reason.BUSY, Reason.GUEST_RETURNED)
    assert [one.status for one in commands[3:] if isinstance(one, do.Publish)] == [told]
    # An answer that was meant for the withdrawn question decides nothing.
    assert session.handle(ev.Decide(ID, approved=True), T0 + 5) == [
        do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE)))
    ]
    open_link(session, guest)


@each_row(
    "kind, state, ending",
    [
        (ONE_TIME, SessionState.ENDED, [do.CancelTimer(SESSION)]),
        (TEMPORARY, SessionState.OPEN, []),
        (PERSISTENT, SessionState.OPEN, []),
    ],
)
def test_a_question_that_outlasts_the_2_minutes_can_be_answered_to_its_end(
    kind: ev.SessionType, state: SessionState, ending: list[do.Command]
) -> None:
    longer = replace(WAITING, deadline=T0 + 140)
    session = away(kind)
    play = Playbook(session, T0)
    play.on(
        Ask(NEWCOMER),
        do.CancelTimer(RESUME),
        # People see that the lost guest may come back until then.
        do.Publish(longer),
        do.SetTimer(APPROVAL, 40.0),
        do.Publish(replace(PROMPT, deadline=T0 + 140)),
        at=T0 + 100,
    )
    play.on(
        ev.Decide(ID, approved=False, number=2),
        *turned_away(Reason.DECLINED),
        gone(Reason.PEER_VANISHED, longer),
        *ending,
        at=T0 + 130,
    )
    play.reaches(state)
    assert kind is ONE_TIME or session.resume_secret(keys_of(PROVED).resume_name()) is None


def test_a_question_that_is_answered_before_the_2_minutes_end_does_not_lengthen_them() -> None:
    play = Playbook(away(), T0)
    play.on(Ask(NEWCOMER), ..., at=T0 + 100)
    play.on(
        ev.Decide(ID, approved=False, number=2),
        *turned_away(Reason.DECLINED),
        do.SetTimer(RESUME, 10.0),
        do.Publish(WAITING),
        at=T0 + 110,
    )
    play.reaches(SessionState.AWAY)


def test_after_its_15_minutes_a_one_time_code_lets_nobody_else_in() -> None:
    play = Playbook(away(), T0)
    play.on(ev.TimerFired(SESSION))
    play.on(Ask(NEWCOMER), rejection(NEWCOMER, Reason.EXPIRED))
    play.on(Ask(OTHER), rejection(OTHER, Reason.BUSY))
    play.reaches(SessionState.AWAY)


def test_a_one_time_code_that_expires_under_the_question_takes_it_along_and_waits_on() -> None:
    play = Playbook(away_asked(), T0)
    play.on(
        ev.TimerFired(SESSION),
        *turned_away(Reason.EXPIRED),
        do.SetTimer(RESUME, 110.0),
        at=T0 + 10,
    )
    play.reaches(SessionState.AWAY)
    play.on(ev.Decide(ID, approved=True), do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE))))
    # It expires at the very end of the wait.
    play = Playbook(away_asked(at=T0 + 100), T0)
    play.on(ev.TimerFired(SESSION), *turned_away(Reason.EXPIRED), ..., at=T0 + 130)
    play.reaches(SessionState.ENDED)


def test_a_lifetime_that_ends_under_the_question_ends_all() -> None:
    play = Playbook(away_asked(TEMPORARY), T0)
    play.on(
        ev.TimerFired(SESSION),
        *turned_away(Reason.EXPIRED),
        do.CancelTimer(RESUME),
        gone(Reason.EXPIRED),
        do.CancelTimer(SESSION),
    )
    play.reaches(SessionState.ENDED)


@each_row("kind", ev.SessionType)
def test_whoever_ends_the_wait_ends_the_question(kind: ev.SessionType) -> None:
    for event, reason in (
        (ev.Disconnect(LINK), Reason.DISCONNECTED),
        (End(Reason.CLOSED), Reason.CLOSED),
    ):
        play = Playbook(away_asked(kind), T0)
        play.on(
            event,
            *turned_away(Reason.CLOSED),
            do.CancelTimer(RESUME),
            gone(reason),
            do.CancelTimer(SESSION),
        )
        play.reaches(SessionState.ENDED)


@each_row("make", [away, away_asked])
def test_who_asks_for_the_place_of_a_lost_guest_is_not_trusted_like_it(
    make: Callable[[], Session],
) -> None:
    # Or a wrong message of the newcomer would end the session as tampered with.
    assert not make().trusts(NEWCOMER.connection)


def test_a_one_time_session_ends_with_a_newcomer_whose_link_does_not_open() -> None:
    """Its code was used, so it must not be good for somebody who proves nothing."""
    session = away_asked()
    session.handle(ev.Decide(ID, approved=True, number=2), T0)
    opening = ev.LinkTimer(ev.TimerName.LINK_OPEN, ev.LinkID("host-2"))
    session.handle(ev.TimerFired(opening), T0 + 15)
    assert session.state is SessionState.ENDED


def test_the_end_of_a_lost_guest_s_socket_says_why_if_it_is_known() -> None:
    for known in (None, devices.KnownID("k1")):
        for code in (None, pair_msg.CloseCode.LINKED_ALREADY):
            gives_way = known is not None and code is not None
            guest = replace(PROVED, known=known)
            # The link is heard to end first, or the socket.
            for first in (True, False):
                session = new_session(ONE_TIME)
                session.handle(Ask(guest), T0)
                session.handle(ev.Decide(ID, approved=True), T0)
                open_link(session, guest)
                link = session.link
                assert link is not None
                if first:
                    session.handle(VANISHED, T0)
                    assert session.state is SessionState.AWAY
                assert session.hears_the_end_of(guest.connection)
                said = session.handle(pair_ev.ConnectionLost(guest.connection, code), T0)
                stays = SessionState.AWAY if first else SessionState.LINKED
                assert session.state is (SessionState.ENDED if gives_way else stays)
                ended = [
                    one.status.reason
                    for one in said
                    if isinstance(one, do.Publish) and isinstance(one.status, st.LinkStatus)
                ]
                assert ended == ([Reason.DEVICE_LINKED] if gives_way else [])
                assert not session.hears_the_end_of(guest.connection)


# --- a link over a lane ---------------------------------------------------------------------------


def lane_says(message: link_msg.LinkMessage) -> link_ev.ChannelMessage:
    return link_ev.ChannelMessage(LINK, link_ev.LANE_CHANNEL, link_msg.dump_link_message(message))


def over_a_lane() -> Session:
    """Return a session whose link is carried by the guest's lane, because WebRTC did not open."""
    session = new_session(PERSISTENT)
    session.handle(Ask(PROVED), T0)
    session.handle(ev.Decide(ID, approved=True), T0)
    # The guest has sent no message on the lane yet.
    assert session.handle(link_ev.LaneOpened(LINK, carries_link=True), T0) == []
    session.handle(lane_says(hello("Phone")), T0)
    assert session.state is SessionState.LINKED
    return session


def test_a_link_over_a_lane_may_be_taken_up_again_like_any_other() -> None:
    session = over_a_lane()
    assert session.link is not None
    assert (session.link.status.via, "text" in session.link.status.features) == (st.Via.LANE, True)
    assert session.resume_secret(keys_of(PROVED).resume_name()) is not None
    session.handle(link_ev.LaneLost(LINK), T0)
    assert session.state is SessionState.AWAY
    guest = back(3, PROVED)
    session.handle(ResumeLink(guest), T0)
    open_link(session, guest)
    # Each new attempt tries WebRTC first.
    assert session.link.status.via is st.Via.WEBRTC


def test_a_description_that_is_stale_beside_the_lane_is_of_no_use_and_no_harm() -> None:
    session = over_a_lane()
    macs = SignalMacs(keys_of(PROVED), Side.GUEST)
    for payload in (pair_msg.Description(SDP, pair_msg.SDPType.OFFER), pair_msg.Candidate(LINE)):
        sealed = pair_msg.Signal(PROVED.session_id, payload, macs.seal(payload))
        assert session.handle(signal(sealed, PROVED), T0) == []
    assert session.link is not None
    assert session.link.status.stage is st.Stage.CONNECTED
    commands = session.handle(
        signal(pair_msg.Signal(PROVED.session_id, pair_msg.Candidate(LINE)), PROVED), T0
    )
    # A signal that was changed on its way still ends the session.
    ended = pair_msg.SessionEnded(PROVED.session_id, Reason.TAMPERED)
    assert pair_do.Send(PROVED.connection, ended) in commands


def test_a_guest_that_proved_nothing_is_expected_on_no_lane() -> None:
    session = asked()
    assert not [
        one
        for one in session.handle(ev.Decide(ID, approved=True), T0)
        if isinstance(one, link_do.ExpectLane)
    ]


# --- misuse ---------------------------------------------------------------------------------------

INPUTS: dict[str, SessionInput] = {
    "ask": Ask(OTHER),
    "signal": signal(OFFER),
    "lost": pair_ev.ConnectionLost(GUEST.connection),
    "decide": ev.Decide(ID, approved=True),
    "disconnect": ev.Disconnect(LINK),
    "end": End(Reason.CLOSED),
    "approval": ev.TimerFired(APPROVAL),
    "session": ev.TimerFired(SESSION),
    "link_open": ev.TimerFired(OPEN_TIMER),
    "heartbeat": ev.TimerFired(HEARTBEAT),
    "dial": ev.TimerFired(ev.LinkTimer(ev.TimerName.DIAL, LINK)),
    "described": ANSWER,
    "channel": CHANNEL,
    "message": heard(hello("x")),
    "failed": link_ev.PeerFailed(LINK, Reason.ICE_FAILED),
    "lane": link_ev.LaneOpened(LINK),
    "lane_lost": link_ev.LaneLost(LINK),
    "lane_timer": ev.TimerFired(ev.LinkTimer(ev.TimerName.LANE, LINK)),
    "resume": ResumeLink(replace(PROVED, connection=ev.ConnectionID(3))),
    "resume_timer": ev.TimerFired(RESUME),
}
STATES = {
    SessionState.OPEN: (new_session, "ask signal decide end session resume"),
    SessionState.ASKED: (asked, "ask signal lost decide end approval session resume"),
    SessionState.LINKING: (
        answered,
        "ask signal lost decide disconnect end session link_open described channel failed "
        "resume "
        "lane lane_lost lane_timer",
    ),
    SessionState.LINKED: (
        linked,
        "ask signal lost decide disconnect end session heartbeat described channel message failed "
        "resume "
        "lane lane_lost lane_timer",
    ),
    SessionState.AWAY: (
        away,
        "ask signal lost decide disconnect end session resume_timer described channel message "
        "failed resume "
        "lane lane_lost",
    ),
    SessionState.AWAY_ASKED: (
        away_asked,
        "ask signal lost decide disconnect end approval session described channel message failed "
        "resume "
        "lane lane_lost",
    ),
    SessionState.ENDED: (over, ""),
}


@each_row("state", SessionState)
@each_row("name", INPUTS)
def test_what_the_table_does_not_hold_is_misuse(state: SessionState, name: str) -> None:
    make, welcome = STATES[state]
    session = make()
    assert session.state is state
    # A guest that may not send the signal made a mistake; the caller's would be a misuse.
    mistake = name == "signal" and state is not SessionState.ENDED
    if name in welcome.split() and not mistake:
        session.handle(INPUTS[name], T0)
    else:
        with pytest.raises(MessageError if mistake else MachineMisuseError):
            session.handle(INPUTS[name], T0)
        assert session.state is state


# --- a guest that was warned ----------------------------------------------------------------------

KEYS = ProofKeys(b"ctx", bytes(32), bytes(range(32)), b"secret")
WARNINGS = [pair_msg.CloseCode.TAMPERED, 1002, 1007, 1009]


def proved_session(*, proved: bool, linked: bool) -> Session:
    guest = replace(GUEST, verified=devices.Verified.QR, keys=KEYS) if proved else GUEST
    session = Session(
        handed_in.new_session(ID, PERSISTENT, None, T0),
        lambda: LINK,
        new_link,
        pair_do.CloseConnection,
    )
    session.start(T0)
    offer = pair_msg.Signal(
        host_code.CODE_SESSION_ID,
        OFFER.payload,
        SignalMacs(KEYS, Side.GUEST).seal(OFFER.payload) if proved else None,
    )
    inputs: list[SessionInput] = [Ask(guest), ev.Decide(ID, approved=True), signal(offer), ANSWER]
    for event in [*inputs, CHANNEL] if linked else inputs:
        session.handle(event, T0)
    assert session.state is (SessionState.LINKED if linked else SessionState.LINKING)
    return session


@each_row("code", WARNINGS)
@each_row("linked", [False, True])
def test_a_proved_guest_that_got_what_we_did_not_send_ends_the_session_by_name(
    linked: bool, code: int
) -> None:
    session = proved_session(proved=True, linked=linked)
    commands = session.handle(pair_ev.ConnectionLost(GUEST.connection, code), T0)
    assert session.state is SessionState.ENDED
    told = [one.status for one in commands if isinstance(one, do.Publish)][-1]
    assert isinstance(told, st.LinkStatus)
    assert (told.stage, told.reason) == (st.Stage.CLOSED, Reason.TAMPERED)
    # The guest's socket is gone.
    assert not any(isinstance(one, pair_do.Send | pair_do.CloseConnection) for one in commands)


@each_row("code", WARNINGS)
@each_row("linked", [False, True])
def test_who_proved_nothing_cannot_say_that_somebody_is_in_between(linked: bool, code: int) -> None:
    warned, left = (proved_session(proved=False, linked=linked) for _ in range(2))
    warning = pair_ev.ConnectionLost(GUEST.connection, code)
    assert warned.handle(warning, T0) == left.handle(pair_ev.ConnectionLost(GUEST.connection), T0)
    assert warned.state is left.state


@each_row("code", [None, 1000, 1001, 4000])
def test_any_other_close_is_a_guest_that_left(code: int | None) -> None:
    session = proved_session(proved=True, linked=True)
    assert session.handle(pair_ev.ConnectionLost(GUEST.connection, code), T0) == []
    assert session.state is SessionState.LINKED
