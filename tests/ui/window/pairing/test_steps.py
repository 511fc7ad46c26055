from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import HOST_SENTENCES, SENTENCES, Reason
from proxim.core.files import status as file_st
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.ui.window.pairing.current_step import Steps
from proxim.ui.window.pairing.steps import NO_STEP, Step, StepsSide
from tests.rows import each_row
from tests.ui.asking import asking
from tests.ui.tk_support import link, transfer

INVITATION = st.Invitation("s", "u", "02501-WK381", "http://x", ev.SessionType.ONE_TIME, None)
PROMPT = st.Prompt("s", DeviceInfo("Grace", "id"), "192.168.1.2", None, 40.0)


def after(*statuses: st.Status) -> Step:
    steps = Steps()
    for status in statuses:
        steps.handle(status)
    return steps.current()


def guest(
    stage: st.Stage, reason: Reason | None = None, was_connected: bool = False
) -> st.LinkStatus:
    deadline = 40.0 if stage is st.Stage.ASKING else None
    return replace(
        link("Ada", stage, "guest-1"),
        deadline=deadline,
        reason=reason,
        was_connected=was_connected,
        features=(),
    )


def test_before_anything_was_told() -> None:
    assert after().step == NO_STEP


def test_a_host_climbs() -> None:
    told: list[st.Status] = [INVITATION]
    assert (after(*told).side, after(*told).step) == (StepsSide.HOST, 0)
    told += [PROMPT, asking(PROMPT)]
    assert after(*told).step == 1
    assert after(*told).deadline == 40.0
    assert "Grace asks to join" in after(*told).sentence
    told += [st.PairOutcome("s", approved=True), asking()]
    for stage, step in ((st.Stage.APPROVED, 2), (st.Stage.CONNECTING, 3), (st.Stage.CONNECTED, 4)):
        told.append(link("Grace", stage))
        assert (after(*told).side, after(*told).step, after(*told).failed) == (
            StepsSide.HOST,
            step,
            False,
        )
    assert after(*told).sentence == "Connected with Grace."


def test_an_attempt_that_ends_before_anything_is_dialled_says_why() -> None:
    step = after(INVITATION, guest(st.Stage.CLOSED, Reason.OWN_CODE))
    assert (step.side, step.step, step.failed) == (StepsSide.GUEST, 0, True)
    assert step.sentence == SENTENCES[Reason.OWN_CODE]


def test_a_guest_climbs_and_can_cancel_until_it_is_there() -> None:
    told: list[st.Status] = [INVITATION]
    for stage, number in (
        (st.Stage.DIALING, 0),
        (st.Stage.ASKING, 1),
        (st.Stage.APPROVED, 2),
        (st.Stage.CONNECTING, 3),
    ):
        told.append(guest(stage))
        step = after(*told)
        assert (step.side, step.step, step.link) == (StepsSide.GUEST, number, "guest-1")
        assert (step.deadline is not None) == (stage is st.Stage.ASKING)
    assert after(*told, link("Ada", link_id="guest-1")).link is None


def test_a_guest_is_told_where_to_look() -> None:
    assert "other screen" in after(guest(st.Stage.ASKING)).sentence


@each_row(
    "reached, number",
    [(st.Stage.DIALING, 0), (st.Stage.ASKING, 1), (st.Stage.APPROVED, 2), (st.Stage.CONNECTING, 3)],
)
def test_a_failure_stays_on_the_step_where_it_happened(reached: st.Stage, number: int) -> None:
    step = after(INVITATION, guest(reached), guest(st.Stage.CLOSED, Reason.NO_ANSWER))
    assert (step.step, step.failed, step.sentence) == (number, True, SENTENCES[Reason.NO_ANSWER])


def test_a_failure_survives_the_fresh_code_that_follows_it() -> None:
    step = after(
        link(stage=st.Stage.CONNECTING),
        replace(link(stage=st.Stage.CLOSED), reason=Reason.ICE_FAILED),
        INVITATION,
    )
    assert step.sentence == SENTENCES[Reason.ICE_FAILED]


def test_a_failure_goes_when_it_is_put_away_or_something_new_begins() -> None:
    steps = Steps()
    for status in (INVITATION, guest(st.Stage.DIALING), guest(st.Stage.CLOSED, Reason.REFUSED)):
        steps.handle(status)
    assert steps.current().failed
    steps.dismiss()
    assert steps.current().step == 0
    steps.handle(guest(st.Stage.CLOSED, Reason.REFUSED))
    steps.handle(asking(PROMPT))
    assert not steps.current().failed


def test_typing_another_code_puts_away_only_a_failed_attempt_to_join() -> None:
    others: list[list[st.Status]] = [
        [INVITATION, link("Grace")],
        [INVITATION, PROMPT, asking(PROMPT), st.PairOutcome("s", approved=False), asking()],
        [INVITATION, link("Grace"), transfer(state=file_st.TransferState.FAILED)],
        [INVITATION, guest(st.Stage.ASKING)],
    ]
    failed: list[st.Status] = [INVITATION, guest(st.Stage.CLOSED, Reason.REFUSED)]
    for told in (failed, *others):
        steps = Steps()
        for status in told:
            steps.handle(status)
        before = steps.current()
        steps.retyped()
        assert (steps.current() == before) is (told in others)


def test_cancelling_is_no_error_of_the_table() -> None:
    step = after(guest(st.Stage.DIALING), guest(st.Stage.CLOSED, Reason.DISCONNECTED))
    assert (step.sentence, step.failed, step.wanted) == ("Cancelled.", True, True)


def test_a_request_for_the_place_of_a_lost_device_goes_before_the_wait_for_it() -> None:
    waiting = link(stage=st.Stage.WAITING)
    asked = replace(PROMPT, replaces=st.LostLink(waiting.link, "Ada"))
    assert "has not come back" in after(waiting, asking(asked)).sentence
    # The guest that was lost takes the question along.
    step = after(
        waiting,
        asking(asked),
        st.PairOutcome("s", approved=False, reason=Reason.GUEST_RETURNED),
        asking(),
        replace(waiting, link=ev.LinkID("host-2"), resumes=waiting.link, stage=st.Stage.APPROVED),
    )
    assert step.link == "host-2"


@each_row("reason", [Reason.DECLINED, Reason.TIMEOUT, Reason.EXPIRED, Reason.CLOSED])
def test_the_host_reads_about_a_refused_request_as_the_host(reason: Reason) -> None:
    step = after(
        INVITATION,
        asking(PROMPT),
        st.PairOutcome("s", approved=False, reason=reason),
        asking(),
    )
    assert step.failed
    assert step.step == 1
    assert step.wanted == (reason in (Reason.DECLINED, Reason.CLOSED))
    assert "Grace" in step.sentence
    assert step.sentence != SENTENCES[reason]


def test_a_guest_that_left_is_told_from_the_table() -> None:
    step = after(
        INVITATION,
        asking(PROMPT),
        st.PairOutcome("s", approved=False, reason=Reason.GUEST_LEFT),
        asking(),
    )
    assert step.sentence == f"Grace: {SENTENCES[Reason.GUEST_LEFT]}"


def test_an_outcome_of_our_own_joining_is_left_to_its_link() -> None:
    step = after(
        INVITATION,
        guest(st.Stage.ASKING),
        st.PairOutcome("@code", approved=False, reason=Reason.DECLINED),
    )
    assert (step.side, step.failed) == (StepsSide.GUEST, False)


def test_a_request_comes_before_what_is_under_way() -> None:
    dialing = guest(st.Stage.DIALING)
    assert after(INVITATION, dialing, asking(PROMPT)).side is StepsSide.HOST
    assert after(asking(PROMPT), dialing).side is StepsSide.HOST
    approved = st.PairOutcome("s", approved=True)
    assert after(asking(PROMPT), dialing, approved, asking()).side is StepsSide.GUEST


def test_the_request_that_is_asked_about_is_named() -> None:
    second = replace(PROMPT, session_id="t", device=DeviceInfo("Joan", "id"))
    assert "Grace" in after(asking(PROMPT, second)).sentence
    assert "Joan" in after(asking(PROMPT, replace(second, verified=Verified.CODE))).sentence
    declined = st.PairOutcome("s", approved=False, reason=Reason.DECLINED)
    assert "Joan" in after(asking(PROMPT, second), declined, asking(second)).sentence


def test_who_made_room_for_a_verified_device_is_told_so() -> None:
    step = after(asking(PROMPT), st.PairOutcome("s", approved=False, reason=Reason.BUSY), asking())
    assert step.sentence == f"Grace: {HOST_SENTENCES[Reason.BUSY]}"


def test_a_request_that_was_one_too_many_is_not_told() -> None:
    timeout = st.PairOutcome("s", approved=False, reason=Reason.TIMEOUT)
    surplus = st.PairOutcome("t", approved=False, reason=Reason.DECLINED, surplus=True)
    step = after(asking(PROMPT), timeout, asking(), replace(PROMPT, session_id="t"), surplus)
    assert step.sentence == f"Grace: {HOST_SENTENCES[Reason.TIMEOUT]}"


def test_a_link_that_ends_after_it_was_open_is_told_in_its_tab() -> None:
    closed = replace(link(stage=st.Stage.CLOSED), was_connected=True, reason=Reason.PEER_LEFT)
    step = after(INVITATION, link(), closed)
    assert (step.step, step.failed) == (0, False)


def test_the_next_code_ends_the_joy_over_a_link() -> None:
    assert after(INVITATION, st.NoInvitation(None), link()).step == 4
    assert after(INVITATION, st.NoInvitation(None), link(), INVITATION).step == 0


def test_a_late_word_about_an_open_link_does_not_bring_the_joy_back() -> None:
    steps = Steps()
    for status in (INVITATION, link()):
        steps.handle(status)
    steps.handle(replace(link(), peer_name="Renamed"))
    assert steps.current().sentence == "Connected with Grace's phone."


def test_without_a_code_nobody_is_awaited() -> None:
    assert after(INVITATION, st.NoInvitation(Reason.NO_NETWORK)).step == NO_STEP


def test_nothing_is_left_when_the_network_side_stopped() -> None:
    assert after(INVITATION, asking(PROMPT), guest(st.Stage.DIALING), st.Stopped()).step == NO_STEP


def test_a_lost_link_is_waited_for_until_another_goes_on_for_it() -> None:
    lost = replace(link("Grace", st.Stage.WAITING), deadline=120.0, was_connected=True)
    step = after(INVITATION, link("Grace"), lost)
    assert (step.step, step.deadline, step.link, step.failed) == (3, 120.0, lost.link, False)
    assert "Waiting for Grace to come back" in step.sentence
    again = replace(link("Grace", link_id="host-2"), resumes=lost.link)
    assert after(INVITATION, link("Grace"), lost, again).sentence == "Connected with Grace."
    over = replace(link("Grace", st.Stage.CLOSED), was_connected=True)
    assert after(INVITATION, link("Grace"), lost, over).step == 0


def test_how_a_transfer_ended_is_told() -> None:
    done = transfer(1, "a.txt", "b.txt", state=file_st.TransferState.DONE)
    step = after(INVITATION, link("Grace"), done)
    assert (step.step, step.failed, step.sentence) == (
        4,
        False,
        "a.txt and 1 more: Sent and verified.",
    )
    failed = replace(
        transfer(1, "a.txt", state=file_st.TransferState.FAILED), reason=Reason.DISK_FULL
    )
    assert after(link("Grace"), failed).failed
    # A running transfer does not change the step.
    assert after(link("Grace"), transfer(1)).sentence == "Connected with Grace."
    assert after(INVITATION, link("Grace"), done, INVITATION).step == 0


def test_a_guest_that_waits_is_not_told_that_somebody_was_asked() -> None:
    """The guest's code may have been wrong, and then nobody is asked."""
    steps = Steps()
    steps.handle(link("", st.Stage.ASKING, "guest-1", None))
    assert steps.current().sentence.startswith("Found the host.")


def test_who_is_linked_already_has_not_failed() -> None:
    # Both persons pressed Connect at once: the question here goes, and so does our own attempt.
    linked = Reason.DEVICE_LINKED
    connected = after(INVITATION, guest(st.Stage.CONNECTED))
    step = after(
        INVITATION,
        asking(PROMPT),
        guest(st.Stage.CONNECTED),
        st.PairOutcome("s", approved=False, reason=linked),
        asking(),
    )
    assert step == connected
    assert not step.failed
    attempt = guest(st.Stage.DIALING)
    ended = replace(attempt, stage=st.Stage.CLOSED, reason=linked)
    assert not after(INVITATION, attempt, ended).failed
