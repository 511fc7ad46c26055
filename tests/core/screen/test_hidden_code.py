"""While somebody sees this device's screen, or may, no code can be read from it: a whole host."""

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.link import events as link_ev
from proxim.core.link.messages import Bye, LinkMessage, dump_link_message
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.screen import events as screen_ev
from proxim.core.screen import messages as screen_msg
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.messages import Monitor
from tests.core.handed_in import hello
from tests.core.in_commands import sent
from tests.core.pairing.host_bench import HostBench
from tests.rows import each_row

MONITORS = (Monitor(0, "DP-1", 0, 0, 1920, 1080),)
ANOTHER = ev.Invite(ev.SessionType.ONE_TIME)
HIDDEN: st.Status = st.NoInvitation(Reason.SCREEN_SEEN)


class SharingHost(HostBench):
    """A host with a linked guest, and with a code for a further one on its screen."""

    def __init__(self) -> None:
        super().__init__()
        self.listen()
        _, _, self.linked_as = self.linked()
        self.guest_says(hello("Phone"))
        self.handle(ANOTHER)
        self.before = self.shown

    def guest_says(self, message: LinkMessage) -> None:
        self.handle(link_ev.ChannelMessage(self.linked_as, 1, dump_link_message(message)))

    def leaves(self, link: ev.LinkID) -> None:
        """Let a guest say goodbye, after which its persistent code is free again."""
        self.handle(link_ev.ChannelMessage(link, 1, dump_link_message(Bye())))

    def begin(self) -> None:
        """Let the guest ask for the screen and the person say yes."""
        self.guest_says(screen_msg.ScreenAsk())
        self.handle(screen_ev.AnswerScreen(self.linked_as, 1, Grant.VIEW))

    def end(self) -> None:
        self.handle(screen_ev.StopScreen(self.linked_as))

    @property
    def code(self) -> st.Status:
        """What was said last about codes."""
        return next(
            status
            for status in reversed(self.ledger.statuses)
            if isinstance(status, st.Invitation | st.NoInvitation)
        )

    @property
    def shows_nothing(self) -> bool:
        return self.code == HIDDEN

    def shows_a_new_code(self) -> bool:
        new, old = self.code, self.before
        return (
            isinstance(new, st.Invitation)
            and (new.session_id != old.session_id)
            and (new.code != old.code)
            and (new.url != old.url)
        )


@pytest.fixture
def host() -> SharingHost:
    return SharingHost()


def test_no_code_is_shown_from_the_yes_to_the_end_and_then_a_new_one(host: SharingHost) -> None:
    host.guest_says(screen_msg.ScreenAsk())
    # Whoever only asks sees nothing.
    assert not host.shows_nothing
    host.handle(screen_ev.AnswerScreen(host.linked_as, 1, Grant.VIEW))
    assert host.shows_nothing
    host.handle(screen_ev.ScreensFound(host.linked_as, MONITORS))
    assert host.shows_nothing
    host.end()
    assert host.shows_a_new_code()


def test_a_screen_that_cannot_be_shown_hides_the_code_for_a_moment(host: SharingHost) -> None:
    host.begin()
    host.handle(screen_ev.ScreenFailed(host.linked_as, Reason.NO_SCREEN))
    assert host.shows_a_new_code()


def test_a_lost_link_brings_a_new_code(host: SharingHost) -> None:
    host.begin()
    host.handle(ev.Disconnect(host.linked_as))
    assert host.shows_a_new_code()


def test_a_code_that_was_on_the_screen_leads_nowhere(host: SharingHost) -> None:
    host.begin()
    answer = sent(host.ask(host.connect(), host.before.session_id))
    assert answer == [pair_msg.PairResult(host.before.session_id, False, Reason.UNKNOWN_SESSION)]


@each_row("by_code", [True, False])
def test_who_was_proving_the_code_at_that_moment_is_turned_away(by_code: bool) -> None:
    host = SharingHost()
    guest = host.prover_of(by_code=by_code)
    challenge = host.challenged(guest)
    host.begin()
    answer = host.say(guest.connection, guest.confirm(challenge))
    assert not host.told(st.Prompt)[1:]
    assert not any(isinstance(one, pair_msg.PairResult) and one.approved for one in sent(answer))


@each_row("approved", [True, False])
def test_who_asked_before_is_still_answered(approved: bool) -> None:
    host = SharingHost()
    guest = host.prove()
    host.begin()
    # The request is there, and its code is not.
    assert host.shows_nothing
    (prompt,) = host.ledger.prompts.values()
    answer = host.handle(ev.Decide(prompt.session_id, approved, prompt.number))
    (result,) = [one for one in sent(answer) if isinstance(one, pair_msg.PairResult)]
    assert result.approved is approved
    assert host.shows_nothing
    host.end()
    if approved:
        # That guest has the code's place, and the person invites no other.
        assert host.code == st.NoInvitation(None)
    else:
        assert host.shows_a_new_code()
    assert not any(
        isinstance(one, pair_do.Send) and one.connection == guest.connection
        for one in host.advance(0)
    )


def test_who_leaves_meanwhile_brings_the_old_code_not_back(host: SharingHost) -> None:
    guest = host.prove()
    host.begin()
    host.handle(pair_ev.ConnectionLost(guest.connection))
    assert not host.ledger.prompts
    assert host.shows_nothing
    host.end()
    assert host.shows_a_new_code()


def test_a_code_that_is_wanted_meanwhile_is_shown_afterwards(host: SharingHost) -> None:
    host.begin()
    host.handle(ev.Invite(ev.SessionType.PERSISTENT))
    assert host.shows_nothing
    host.end()
    assert host.shows_a_new_code()
    assert host.shown.type is ev.SessionType.PERSISTENT


def test_a_network_that_changes_meanwhile_shows_no_code(host: SharingHost) -> None:
    host.begin()
    host.listen(ev.Network("192.168.1.6", 24, "eth0", virtual=False))
    assert host.shows_nothing
    host.end()
    assert host.shows_a_new_code()
    assert "192.168.1.6" in host.shown.url


def test_who_only_sees_another_screen_shows_its_code(host: SharingHost) -> None:
    host.handle(screen_ev.AskScreen(host.linked_as))
    share = "A" * screen_msg.SHARE_ID_CHARACTERS
    host.guest_says(screen_msg.ScreenState(True, share, monitors=MONITORS))
    (seen,) = host.told(screen_st.ScreenShare)[1:]
    assert isinstance(seen, screen_st.ScreenShare)
    assert seen.stage is screen_st.ScreenStage.OFFERED
    assert host.code == host.before


def test_who_saw_the_screen_before_a_request_was_declined_has_no_code(host: SharingHost) -> None:
    host.prove()
    host.begin()
    host.end()
    # The request is still there, and so is its code.
    (prompt,) = host.ledger.prompts.values()
    host.handle(ev.Decide(prompt.session_id, False, prompt.number))
    assert host.shows_a_new_code()


def persistent(guest_sees: bool) -> SharingHost:
    """Return a host whose persistent code a second guest has used, while a screen was seen over
    that guest's link or over the first one's.
    """
    host = SharingHost()
    host.handle(ev.Invite(ev.SessionType.PERSISTENT))
    host.before = host.shown
    _, _, second = host.linked()
    if guest_sees:
        host.linked_as = second
        host.guest_says(hello("Phone"))
    host.begin()
    assert host.shows_nothing
    host.end()
    host.leaves(second)
    return host


def test_a_persistent_code_stays_good_for_the_guest_that_knows_it() -> None:
    host = persistent(guest_sees=True)
    assert host.code == host.before


def test_a_persistent_code_that_another_guest_saw_is_replaced() -> None:
    host = persistent(guest_sees=False)
    assert host.shows_a_new_code()


def test_a_code_that_comes_back_while_another_guest_sees_the_screen_is_replaced() -> None:
    host = SharingHost()
    host.handle(ev.Invite(ev.SessionType.PERSISTENT))
    host.before = host.shown
    _, _, second = host.linked()
    host.begin()
    host.leaves(second)
    assert host.shows_nothing
    host.end()
    assert host.shows_a_new_code()


def test_a_guest_that_leaves_while_it_sees_the_screen_can_come_again() -> None:
    host = SharingHost()
    host.handle(ev.Invite(ev.SessionType.PERSISTENT))
    host.before = host.shown
    _, _, host.linked_as = host.linked()
    host.guest_says(hello("Phone"))
    host.begin()
    host.leaves(host.linked_as)
    assert host.code == host.before
