"""Tests of proxim.core.pairing.sessions: which sessions are kept, and which are forgotten at
once.
"""

from dataclasses import replace

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import devices
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.invitations import SessionSecrets
from proxim.core.pairing.proof import ProofKeys, Side, SignalMacs
from proxim.core.pairing.session import (
    Ask,
    End,
    GuestSignal,
    PairingRequest,
    ResumeLink,
    Session,
    SessionInput,
)
from proxim.core.pairing.sessions import Sessions
from tests.core.descriptions import sdp
from tests.core.handed_in import PHONE, new_link, new_session

T0 = 100.0


def keep(sessions: Sessions, session_id: str, *links: str) -> Session:
    """Add and return a session that gives its links these ids, one after the other."""
    ids = iter(links)
    session = Session(
        new_session(session_id),
        lambda: ev.LinkID(next(ids)),
        new_link,
        pair_do.CloseConnection,
    )
    sessions.add(session, SessionSecrets(5, b"k" * 16))
    return session


def test_a_session_is_found_by_its_id_with_secrets_of_its_own() -> None:
    sessions = Sessions()
    first, second = keep(sessions, "a", "host-1"), keep(sessions, "b", "host-2")
    assert list(sessions) == [first, second]
    assert (sessions.get("a"), sessions.get("b"), sessions.get("c")) == (first, second, None)
    ours, others = sessions.secrets_of("a"), sessions.secrets_of("b")
    assert ours is not None
    assert others is not None
    assert ours.tries is not others.tries
    assert sessions.secrets_of("c") is None


def test_a_session_is_found_by_its_link_while_it_has_one() -> None:
    sessions = Sessions()
    session = keep(sessions, "a", "host-1")
    assert sessions.by_link(ev.LinkID("host-1")) is None
    sessions.handle(session, Ask(PairingRequest(ev.ConnectionID(1), "192.168.1.9", "a", PHONE)), T0)
    sessions.handle(session, ev.Decide("a", approved=True), T0)
    assert sessions.by_link(ev.LinkID("host-1")) is session
    assert sessions.by_link(ev.LinkID("host-2")) is None


def test_a_session_is_found_by_what_its_lost_link_left() -> None:
    sessions = Sessions()
    session = keep(sessions, "a", "host-1", "host-2")
    keys, new = (ProofKeys(b"", share, b"", b"") for share in (b"1", b"2"))
    guest = PairingRequest(ev.ConnectionID(1), "192.168.1.9", "a", PHONE, devices.Verified.QR, keys)
    offer = pair_msg.Description(sdp(), pair_msg.SDPType.OFFER)
    events: list[SessionInput] = [
        Ask(guest),
        ev.Decide("a", approved=True),
        GuestSignal(
            guest.connection, pair_msg.Signal("a", offer, SignalMacs(keys, Side.GUEST).seal(offer))
        ),
        link_ev.ChannelOpened(ev.LinkID("host-1"), 1, link_ev.CONTROL_LABEL),
    ]
    for event in events:
        assert sessions.by_resume_name(keys.resume_name()) is None
        sessions.handle(session, event, T0)
    assert sessions.by_resume_name(keys.resume_name()) is session
    assert sessions.by_resume_name(new.resume_name()) is None
    assert sessions.by_lost_link(ev.LinkID("host-1")) is None
    sessions.handle(
        session, ResumeLink(replace(guest, session_id=keys.resume_name(), keys=new)), T0
    )
    assert (
        sessions.by_lost_link(ev.LinkID("host-1"))
        is sessions.by_link(ev.LinkID("host-2"))
        is session
    )
    assert sessions.by_link(ev.LinkID("host-1")) is None


def test_an_ended_session_leaves_memory_at_once_even_while_all_are_told() -> None:
    sessions = Sessions()
    keep(sessions, "a", "host-1")
    keep(sessions, "b", "host-2")
    for session in sessions:
        sessions.handle(session, End(Reason.CLOSED), T0)
    assert list(sessions) == []
    assert (sessions.get("a"), sessions.secrets_of("a")) == (None, None)


def test_secrets_are_in_no_repr() -> None:
    secrets = SessionSecrets(12345678, b"very secret bytes", typed="02501WK381")
    for secret in ("12345678", "very secret", "02501WK381"):
        assert secret not in repr(secrets)
