"""Tests of the first code, which is made before the host, and of the host that then owns it."""

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.pairing.host import Host
from proxim.core.pairing.invitations import SESSION_SECONDS, Invitations
from tests.core.handed_in import (
    ETHERNET,
    HOST_DEVICE,
    ONE_TIME,
    PORT,
    features,
    known_devices,
    prover,
)

NOW = 1000.0
LATER = 1000.5


def opened(
    *, require_proof: bool = False, known_only: bool = False
) -> tuple[Invitations, list[do.Command]]:
    """Return the invitations when the first code is on the screen, and all their commands."""
    invitations = Invitations(
        HOST_DEVICE,
        ONE_TIME,
        prover().token_bytes,
        require_proof=require_proof,
        known_only=known_only,
    )
    commands = invitations.start()
    commands += invitations.networks_seen(ev.NetworksSeen((ETHERNET,)))
    commands += invitations.renew(NOW)
    commands += invitations.listening(ev.Listening(ETHERNET.address, PORT))
    return invitations, commands + invitations.renew(NOW)


def test_the_first_code_needs_no_host() -> None:
    _, commands = opened(require_proof=True)
    told = [one.status for one in commands if isinstance(one, do.Publish)]
    assert [type(one) for one in told] == [
        st.ThisDevice,
        st.ProofPolicy,
        st.Networks,
        st.Invitation,
    ]
    assert do.Listen(ETHERNET.address) in commands


def test_the_host_takes_over_the_session_and_tells_nothing_again() -> None:
    invitations, commands = opened()
    shown = next(
        one.status
        for one in commands
        if isinstance(one, do.Publish) and isinstance(one.status, st.Invitation)
    )
    host = Host(invitations, prover(), features(), known_devices())
    # The session's time began when its code was made.
    timer = ev.SessionTimer(ev.TimerName.SESSION, shown.session_id)
    assert host.start(LATER) == [do.SetTimer(timer, SESSION_SECONDS - (LATER - NOW))]
    assert host.handle(ev.NetworksSeen((ETHERNET,)), LATER) == [
        do.Publish(st.Networks((ETHERNET,), ETHERNET.address))
    ]


def test_a_person_who_wants_another_code_before_the_host_is_there_gets_it_from_the_host() -> None:
    invitations, commands = opened()
    first = next(
        one.status
        for one in commands
        if isinstance(one, do.Publish) and isinstance(one.status, st.Invitation)
    )
    host = Host(invitations, prover(), features(), known_devices())
    host.start(LATER)
    told = [
        one.status
        for one in host.handle(ev.Invite(ev.SessionType.PERSISTENT), LATER)
        if isinstance(one, do.Publish)
    ]
    (second,) = [one for one in told if isinstance(one, st.Invitation)]
    assert second.session_id != first.session_id
    assert second.expires is None


def test_for_known_devices_alone_no_code_is_shown_unless_somebody_asks_for_one() -> None:
    invitations, commands = opened(known_only=True)
    told = [one.status for one in commands if isinstance(one, do.Publish)]
    assert told[-1] == st.NoInvitation(None)
    assert do.Listen(ETHERNET.address) in commands
    assert invitations.listening_at == (ETHERNET.address, PORT)
    assert invitations.renew(LATER) == []
    invitations.invite(ONE_TIME)
    (shown,) = [one.status for one in invitations.renew(LATER) if isinstance(one, do.Publish)]
    assert isinstance(shown, st.Invitation)
    # Once it is over, no other takes its place.
    assert invitations.renew(LATER, ended=True) == [do.Publish(st.NoInvitation(None))]
    assert invitations.renew(LATER) == []
