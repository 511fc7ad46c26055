"""Tests of proxim.core.pairing.session: which request an answer belongs to, and which guests no
person is asked about again.
"""

from dataclasses import replace

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import host_code
from proxim.core.pairing.session import (
    MAX_IGNORED,
    Ask,
    DeclineSurplus,
    PairingRequest,
    Session,
    SessionInput,
    SessionState,
    TurnAway,
    rejection,
)
from tests.core import handed_in
from tests.core.handed_in import PHONE, new_link
from tests.core.playbook import Playbook
from tests.rows import each_row

ID = "session-id"
GUEST = PairingRequest(ev.ConnectionID(1), "192.168.1.9", host_code.CODE_SESSION_ID, PHONE)
APPROVAL = ev.SessionTimer(ev.TimerName.APPROVAL, ID)
T0 = 100.0


def new_session() -> Session:
    return Session(
        handed_in.new_session(ID),
        lambda: ev.LinkID("host-1"),
        new_link,
        pair_do.CloseConnection,
    )


def test_an_answer_reaches_no_other_guest_than_the_one_it_was_given_to() -> None:
    session = new_session()
    play = Playbook(session, T0)
    first = ask(session)
    play.on(pair_ev.ConnectionLost(GUEST.connection), ...)
    other = replace(GUEST, connection=ev.ConnectionID(9))
    second = next(one.status for one in play.on(Ask(other), ...) if isinstance(one, do.Publish))
    assert isinstance(first, st.Prompt)
    assert isinstance(second, st.Prompt)
    assert first.number != second.number
    too_late = [do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE)))]
    play.on(ev.Decide(ID, approved=True, number=first.number), *too_late)
    # An answer without a number could mean either request.
    play.on(ev.Decide(ID, approved=True), *too_late)
    assert session.serves(other.connection)
    play.on(ev.Decide(ID, approved=True, number=second.number), ...)
    play.reaches(SessionState.LINKING)


@each_row(
    "gone",
    [
        ev.TimerFired(APPROVAL),
        TurnAway(Reason.NOT_VERIFIED),
        pair_ev.ConnectionLost(GUEST.connection),
    ],
)
def test_once_a_request_went_away_unanswered_an_answer_has_to_name_its_number(
    gone: SessionInput,
) -> None:
    session = new_session()
    play = Playbook(session, T0)
    ask(session)
    play.on(gone, ...)
    second = ask(session)
    play.on(ev.Decide(ID, approved=True), do.Publish(st.Trouble(Problem(Reason.PROMPT_GONE))))
    assert session.serves(GUEST.connection)
    play.on(ev.Decide(ID, approved=True, number=second.number), ...)
    play.reaches(SessionState.LINKING)


def ask(session: Session) -> st.Prompt:
    prompt = next(
        one.status for one in session.handle(Ask(GUEST), T0) if isinstance(one, do.Publish)
    )
    assert isinstance(prompt, st.Prompt)
    return prompt


def test_an_address_whose_unproved_requests_nobody_answers_is_muted() -> None:
    session = new_session()
    for _ in range(MAX_IGNORED):
        ask(session)
        session.handle(ev.TimerFired(APPROVAL), T0)
    assert session.handle(Ask(GUEST), T0) == [rejection(GUEST, Reason.DECLINED)]
    assert session.state is SessionState.OPEN


def test_a_guest_can_be_turned_away() -> None:
    session = new_session()
    ask(session)
    assert rejection(GUEST, Reason.NOT_VERIFIED) in session.handle(
        TurnAway(Reason.NOT_VERIFIED), T0
    )
    assert session.state is SessionState.OPEN


def test_one_guest_too_many_is_declined_as_if_by_the_person() -> None:
    session = new_session()
    prompt = ask(session)
    assert session.prompt == prompt
    assert session.handle(DeclineSurplus(), T0) == [
        do.CancelTimer(APPROVAL),
        rejection(GUEST, Reason.DECLINED),
        do.Publish(st.PairOutcome(ID, approved=False, reason=Reason.DECLINED, surplus=True)),
    ]
    assert session.prompt is None
    assert session.handle(Ask(GUEST), T0) == [rejection(GUEST, Reason.DECLINED)]
    assert session.state is SessionState.OPEN
